# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Names are shared with the scripts that source this; they run under set -e.
# shellcheck disable=SC2034,SC2154,SC2164
# The parts that the rig makes once and keeps in the cache: the build root, the
# kernels, the guest's image, kernel sources, the debug kernel. Sourced.

SUITE=trixie

# In the build root everything is compiled, and QEMU runs from there.
ROOT_PACKAGES=(
	build-essential ccache clang llvm lld bpftool dwarves libbpf-dev linux-bpf-dev
	libnl-3-dev libnl-genl-3-dev libjansson-dev libelf-dev libssl-dev pkgconf
	bc bison flex kmod cpio rsync xz-utils zstd e2fsprogs fdisk git
	qemu-system-x86 qemu-utils sparse shellcheck
	python3 python3-yaml python3-jsonschema gnuplot-nox
)

# What the guest has: libraries of the tools, and programs worth confining.
GUEST_PACKAGES=(
	systemd-sysv udev dbus kmod iproute2 procps util-linux strace stress-ng
	git gcc libc6-dev make python3 libpython3.13-testsuite python3-jsonschema
	libnl-3-200 libnl-genl-3-200 libbpf1 libjansson4 bpftool
	tar xz-utils psmisc less earlyoom systemd-oomd nodejs
)

# --- what the machine itself must have ---

need_host_tools() {
	local missing=()
	command -v mmdebstrap >/dev/null || missing+=(mmdebstrap)
	command -v unshare >/dev/null || missing+=(util-linux)
	[ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || missing+=(debian-archive-keyring)
	[ "${#missing[@]}" -gt 0 ] || return 0
	command -v apt-get >/dev/null ||
		die "missing: ${missing[*]}, and no apt-get to install them: use Debian 12 or 13"
	step "installing ${missing[*]}" "$HERE/inside" install_host_tools "${missing[@]}"
}

install_host_tools() {
	export DEBIAN_FRONTEND=noninteractive
	apt-get install -y --no-install-recommends "$@" || {
		apt-get update && apt-get install -y --no-install-recommends "$@"
	}
}

# The mirror is the one this machine's own apt uses for Debian's main archive;
# third-party archives carry another origin, security another label.
debian_mirror() {
	apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(REPO_URI)' 'Created-By: Packages' |
		awk -F'|' '$1 == "Debian" && $2 == "Debian" && $3 == "main" { print $4; exit }'
}

need_mirror() {
	MIRROR=$(debian_mirror)
	if [ -z "$MIRROR" ]; then
		step "reading the package lists" sh -c 'apt-get update || :'
		MIRROR=$(debian_mirror)
	fi
	[ -n "$MIRROR" ] ||
		die "apt knows no Debian main archive: add one to its sources and run 'apt-get update'"
	export MIRROR
}

# --- the build root ---

need_root() {
	need_host_tools
	cached root "$SUITE ${ROOT_PACKAGES[*]} $(declare -f bootstrap fetch_kernels)" 4000 build_root "making the Debian 13 build root"
	ROOT=$PART
	export ROOT
	[ -x "$ROOT/usr/bin/qemu-system-x86_64" ] ||
		die "QEMU is missing from the build root: remove $ROOT and run this again"
}

bootstrap() {
	local dir=$1 packages=$2 proxy opts=()
	shift 2
	proxy=$(apt-config dump Acquire::http::Proxy | sed -n 's/^Acquire::http::Proxy "\(.*\)";$/\1/p')
	[ -z "$proxy" ] || opts+=(--aptopt="Acquire::http::Proxy \"$proxy\"")
	mmdebstrap --variant=apt --mode=root --format=directory \
		--include="$packages" \
		--aptopt='Apt::Install-Recommends "false"' \
		--aptopt='Acquire::Languages "none"' \
		--aptopt='Acquire::Retries "3"' \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		"${opts[@]}" "$@" "$SUITE" "$dir" \
		"deb $MIRROR $SUITE main" "deb $MIRROR $SUITE-backports main"
}

# Headers are installed; the images are only downloaded, to be unpacked: nothing
# here boots an initramfs.
build_root() {
	bootstrap "$1" "$(IFS=,; echo "${ROOT_PACKAGES[*]}")" \
		--customize-hook="'$HERE/inside' in_new_root fetch_kernels \"\$1\""
	mkdir -p "$1/src"
}

in_new_root() {
	chroot "$2" bash -ec "$(declare -f "$1"); $1"
}

# By name, so that it is always the newest of each suite. Runs in the root.
fetch_kernels() {
	local suite headers kver
	# 6.12's headers depend on the image; its initramfs takes longer than all else.
	export INITRD=No DEBIAN_FRONTEND=noninteractive
	mkdir -p /kernels
	cd /kernels
	for suite in trixie trixie-backports; do
		headers=$(apt-cache -t "$suite" show --no-all-versions linux-headers-cloud-amd64 |
			sed -n 's/^Depends:.*\(linux-headers-[^ ,]*\).*/\1/p')
		kver=${headers#linux-headers-}
		apt-get install -y "$headers"
		# One package up to 6.12, later split into image, binary, modules and base.
		apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts \
			--no-breaks --no-replaces --no-enhances "linux-image-$kver" |
			grep -x "linux-[a-z]*-$kver" | xargs apt-get download
		echo "$kver" >"$suite"
	done
	apt-get clean
}

# --- kernels ---

need_kernels() {
	need_root
	cached kernels "$ROOT" 600 build_kernels "unpacking the kernels"
	KERNELS=$PART
}

build_kernels() {
	local deb kver tree=$1/unpacked
	for deb in "$ROOT"/kernels/*.deb; do
		dpkg-deb -x "$deb" "$tree"
	done
	mkdir -p "$1/lib/modules"
	for kver in "$(cat "$ROOT/kernels/trixie")" "$(cat "$ROOT/kernels/trixie-backports")"; do
		mv "$(find "$tree" -path "*/modules/$kver" -type d)" "$1/lib/modules/"
		# In /boot once, beside the modules later.
		find "$tree" "$1/lib/modules/$kver" -name 'vmlinuz*' -path "*$kver*" \
			-exec mv {} "$1/vmlinuz-$kver" \;
	done
	rm -rf "$tree"
	cp "$ROOT/kernels/trixie" "$1/6.12"
	cp "$ROOT/kernels/trixie-backports" "$1/7.3"
	for kver in "$1"/lib/modules/*; do
		in_root_here / depmod -b "$1" "$(basename "$kver")"
	done
}

# need_elf KVER: sets VMLINUX to the kernel as QEMU boots it fastest. Unpacked
# here, since under TCG the guest's own unpacking takes seconds.
need_elf() {
	export KVER=$1 KERNELS
	cached "elf-$1" "$KERNELS" 100 build_elf "unpacking kernel $1"
	VMLINUX=$PART/vmlinux
}

build_elf() {
	local image=$KERNELS/vmlinuz-$KVER offset
	# shellcheck disable=SC2013 # the words are numbers
	for offset in $(LC_ALL=C grep -obUaP '\x28\xb5\x2f\xfd' "$image" | cut -d: -f1); do
		tail -c "+$((offset + 1))" "$image" | in_root_here / unzstd -q >"$1/vmlinux" 2>/dev/null || :
		# What follows the compressed kernel is no reason to refuse it.
		! in_root_here / readelf -h "$1/vmlinux" >/dev/null 2>&1 || return 0
	done
	# Packed in another way: boot the image as it is.
	cp "$image" "$1/vmlinux"
}

# --- the guest's image ---

# The kernel finds its root by this, since the order in which it finds the
# NVMe disks is not fixed.
DISK_ID=a6e47c60

need_image() {
	need_kernels
	export KERNELS
	cached image "$KERNELS $DISK_ID $(declare -f bootstrap make_disk settle_guest) ${GUEST_PACKAGES[*]} $(cat "$HERE/stage0")" 6000 build_image "making the guest's disk image"
	IMAGE=$PART/guest.img
}

build_image() {
	local tree=$1/tree
	bootstrap "$tree" "$(IFS=,; echo "${GUEST_PACKAGES[*]}")"
	# shellcheck disable=SC2115 # tree is never empty
	rm -rf "$tree"/var/cache/apt/*.bin "$tree"/var/lib/apt/lists/* "$tree"/boot/*
	mkdir -p "$tree/usr/lib/modules" "$tree/payload"
	cp -a "$KERNELS"/lib/modules/* "$tree/usr/lib/modules/"
	install -m 755 "$HERE/stage0" "$tree/sbin/stage0"
	settle_guest "$tree"
	make_disk "$1/guest.img" "$tree"
	rm -rf "$tree"
}

settle_guest() {
	local tree=$1
	echo agentcg >"$tree/etc/hostname"
	echo '127.0.0.1 localhost agentcg' >"$tree/etc/hosts"
	: >"$tree/etc/fstab"
	# Root has no password; nobody can reach the guest but its starter.
	sed -i 's/^root:[^:]*:/root::/' "$tree/etc/shadow"
}

# One MBR partition, for its PARTUUID; filled without any loop mount.
make_disk() {
	local img=$1 tree=$2 start=2048 mb=6144
	truncate -s "${mb}M" "$img"
	in_root_here / sfdisk -q "$img" <<-END
		label: dos
		label-id: 0x$DISK_ID
		start=$start, type=83
	END
	in_root_here / mke2fs -q -t ext4 -d "$tree" -L guest -E "offset=$((start * 512)),lazy_itable_init=1" \
		-O ^has_journal "$img" "$(((mb - 2) * 1024))k"
}

# --- kernels that are built here ---

# need_built debug|ext: sets BUILT. debug is of the newest kernel's source, with what
# finds faults; ext of the oldest's, with sched_ext, which Debian's has not.
need_built() {
	local series configs
	case $1 in
	debug) series=7.3 configs=(config.debug) ;;
	ext) series=6.12 configs=(config.debug config.ext) ;;
	esac
	need_source "$series"
	WANTED=$(cd "$HERE/.." && last_of_each "${configs[@]}")
	export SOURCE WANTED
	cached "$1" "$SOURCE $WANTED" 9000 build_kernel "building the $1 kernel (ten minutes or more)"
	BUILT=$PART
}

# last_of_each FILE...: the options in them, each as the last of them has it.
last_of_each() {
	awk '{ name = $1 == "#" ? $2 : substr($0, 1, index($0, "=") - 1) }
		name ~ /^CONFIG_/ { line[name] = $0 }
		END { for (name in line) print line[name] }' "$@" | sort
}

build_kernel() {
	local out=$1/build jobs
	jobs=$(nproc)
	mkdir -p "$out"
	printf '%s\n' "$WANTED" >"$out/wanted"
	kernel_make "$out" tinyconfig
	in_root_here "$SOURCE" env KCONFIG_CONFIG="$out/.config" \
		scripts/kconfig/merge_config.sh -m -O "$out" "$out/.config" "$out/wanted"
	kernel_make "$out" olddefconfig
	check_config "$out/wanted" "$out/.config"
	kernel_make "$out" -j"$jobs" vmlinux modules
	kernel_make "$out" INSTALL_MOD_PATH="$1" modules_install
	kernel_make "$out" -s kernelrelease >"$1/release"
	slim_build_tree "$out"
	ln -s build/vmlinux "$1/vmlinux"
}

kernel_make() {
	local out=$1
	shift
	# Kept as a whole: it would only drive from ccache what is compiled again and again.
	in_root_here "$SOURCE" env CCACHE_DISABLE=1 make -s O="$out" KBUILD_BUILD_TIMESTAMP=0 "$@"
}

# An option that kconfig dropped would silently weaken every test after it.
check_config() {
	local line lost=0
	while IFS= read -r line; do
		[[ $line =~ ^(CONFIG_|#\ CONFIG_.*is\ not\ set) ]] || continue
		if [[ $line == '#'* ]]; then
			# An option that does not exist at all is not set either.
			! grep -q "^$(cut -d' ' -f2 <<<"$line")=" "$2" && continue
		elif grep -qxF "$line" "$2"; then
			continue
		fi
		echo "error: not in the kernel's configuration: $line"
		lost=1
	done <"$1"
	return "$lost"
}

# Modules are built against it, nothing is linked again: no objects, no debug
# info, and no memory of the directory it was built in.
slim_build_tree() {
	find "$1" -name '*.o' -not -path '*/scripts/*' -not -path '*/tools/*' -delete
	find "$1" -name '*.a' -not -path '*/tools/*' -delete
	rm -f "$1"/vmlinux.unstripped "$1"/.tmp_vmlinux* "$1"/arch/x86/boot/compressed/vmlinux*
	in_root_here "$1" strip -g vmlinux
	sed -i 's#^export KBUILD_OUTPUT = .*#export KBUILD_OUTPUT := $(abspath $(dir $(lastword $(MAKEFILE_LIST))))#' "$1/Makefile"
}

# need_example NAME: an example scheduler of the kernel's, for the bench to compare with.
need_example() {
	need_source 7.3
	need_elf "$(<"$KERNELS/7.3")"
	export SOURCE VMLINUX EXAMPLE_NAME=$1
	cached example "$1 $SOURCE $VMLINUX" 500 build_example "building the kernel's $1"
	EXAMPLE=$PART/$1
}

build_example() {
	mkdir "$1/out"
	in_root_here "$SOURCE/tools/sched_ext" make -s O="$1/out" VMLINUX_BTF="$VMLINUX" \
		BPFTOOL=/usr/sbin/bpftool "$EXAMPLE_NAME"
	mv "$1/out/build/bin/$EXAMPLE_NAME" "$1/"
	rm -rf "$1/out"
}

# The program that runs the guest's command.
need_runner() {
	cached runner "$ROOT $(cat "$HERE/run.c")" 10 build_runner "compiling the guest's runner"
	RUNNER=$PART/vm-run
}

build_runner() {
	in_root_here / gcc -O2 -Wall -static -o "$1/vm-run" -x c - <"$HERE/run.c"
}

# --- kernel sources ---

# need_source 6.12|7.3: sets SOURCE. The package of that kernel's series.
need_source() {
	local kver series
	need_kernels
	kver=$(<"$KERNELS/$1")
	series=$(cut -d. -f1,2 <<<"$kver")
	export SERIES=$series
	cached source "$kver" 4000 build_source "unpacking linux-source-$series"
	SOURCE=$PART/linux-source-$series
}

# Downloaded, not installed: the root stays what it was.
build_source() {
	local suite deb
	suite=$(basename "$(grep -lxF "$(cd "$ROOT/kernels" && cat trixie trixie-backports | grep -m1 "^$SERIES\.")" \
		"$ROOT"/kernels/trixie*)")
	in_root_here / apt-get update
	in_root_here "$1" apt-get download "linux-source-$SERIES/$suite"
	deb=$(echo "$1"/*.deb)
	dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$1" --strip-components=3 --wildcards '*/linux-source-*.tar.*'
	in_root_here "$1" tar -x -f "$(basename "$1"/linux-source-*.tar.*)"
	rm -f "$deb" "$1"/*.tar.*
}

# --- commands in the build root ---

# in_root_here DIR COMMAND...: for a process that is already contained. A check compiles
# the same sources in half a dozen copies, all on /src: ccache has them compiled once.
in_root_here() (
	dir=$1
	shift
	mount_root
	exec chroot "$ROOT" env -i PATH=/usr/lib/ccache:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
		CCACHE_DIR="$CACHE/ccache" CCACHE_MAXSIZE=1G \
		LC_ALL=C.UTF-8 TERM="${TERM:-dumb}" AGENTCG_CACHE="$CACHE" ${ROOT_ENV[@]+"${ROOT_ENV[@]}"} \
		env --chdir="$dir" -- "$@"
)

mount_root() {
	mountpoint -q "$ROOT/proc" && return
	mount -t proc proc "$ROOT/proc"
	mount --rbind /dev "$ROOT/dev"
	mount -t tmpfs -o mode=1777 tmp "$ROOT/tmp"
	touch "$ROOT/etc/resolv.conf"
	mount --bind /etc/resolv.conf "$ROOT/etc/resolv.conf"
	mkdir -p "$ROOT/tree"
	mount --bind "$TOP" "$ROOT/tree"
	# The cache has the same path inside, so that paths in it mean the same.
	mkdir -p "$ROOT$CACHE"
	mount --bind "$CACHE" "$ROOT$CACHE"
}
