# SPDX-License-Identifier: GPL-2.0-only
# Targets for people; kbuild reads Kbuild. See 'make help'.

KVER ?= $(shell uname -r)
KDIR ?= /lib/modules/$(KVER)/build
PREFIX ?= /usr
DESTDIR ?=
VERSION := $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)

# DESTDIR and PREFIX are for the parts' own install targets.
export DESTDIR PREFIX KVER KDIR

# The parts that exist in this tree.
PARTS := $(patsubst %/Makefile,%,$(wildcard bpf/Makefile userspace/Makefile))

all: modules $(PARTS)

modules:
	+$(MAKE) -C $(KDIR) M=$(CURDIR) modules

bpf userspace:
	+$(MAKE) -C $@ all

install: install-modules $(addprefix install-,$(PARTS))

# A staged tree gets its module index from whoever unpacks it.
install-modules: kmod/agentcg.ko
	install -D -m 644 kmod/agentcg.ko $(DESTDIR)/lib/modules/$(KVER)/updates/agentcg.ko
	$(if $(DESTDIR),,depmod -a $(KVER))

kmod/agentcg.ko:
	+$(MAKE) modules

install-bpf install-userspace:
	+$(MAKE) -C $(@:install-%=%) install

uninstall: $(addprefix uninstall-,$(PARTS))
	rm -f $(DESTDIR)/lib/modules/$(KVER)/updates/agentcg.ko
	$(if $(DESTDIR),,depmod -a $(KVER))

uninstall-bpf uninstall-userspace:
	+$(MAKE) -C $(@:uninstall-%=%) uninstall

clean: $(addprefix clean-,$(PARTS))
	+test ! -d $(KDIR) || $(MAKE) -C $(KDIR) M=$(CURDIR) clean

clean-bpf clean-userspace:
	+$(MAKE) -C $(@:clean-%=%) clean

# These make the rig's root, kernels and guests at their first use, as root.
check:
	selftests/check

unit:
	selftests/check --only unit

kunit:
	selftests/check --only kunit

demo:
	selftests/demo/demo

bench:
	selftests/bench/bench

bench-memory:
	selftests/bench/bench-memory

bench-cpu:
	selftests/bench/bench-cpu

soak:
	selftests/soak

gen:
	selftests/gen

gen-check:
	selftests/gen --check

dkms-install:
	dkms add $(CURDIR)
	dkms install agentcg/$(VERSION) -k $(KVER)

help:
	@echo 'make [all]         build module, BPF programs and tools for KVER (default: the running kernel)'
	@echo 'make install       install them; DESTDIR= and PREFIX= as usual'
	@echo 'make uninstall     remove them'
	@echo 'make dkms-install  install the module by DKMS'
	@echo 'make clean         remove what was built'
	@echo 'make check         run all tests, in guests of their own (root, Debian 12 or 13)'
	@echo 'make unit | kunit  run only the tests of the tools | of the module, by KUnit'
	@echo 'make demo          show what agentcg does'
	@echo 'make bench | soak  measure | run for long'
	@echo 'make bench-cpu     the scheduler against the kernel'"'"'s own (RUNS=3)'
	@echo 'make bench-memory  replay agents under too little memory, in seven arms (RUNS=3)'
	@echo 'make gen           generate the netlink code from its spec; gen-check compares'
	@echo 'KDIR=DIR           kernel build tree, KVER=RELEASE the kernel to build for'

.PHONY: all modules bpf userspace install install-modules install-bpf install-userspace \
	uninstall uninstall-bpf uninstall-userspace clean clean-bpf clean-userspace \
	check unit kunit demo bench bench-memory bench-cpu soak gen gen-check dkms-install help
