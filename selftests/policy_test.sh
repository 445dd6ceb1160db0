#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# agentcg policy on a real kernel: what it loads, keeps and takes off, what it says
# when something is missing, and a module without type information.
# shellcheck disable=SC2317 # check() runs what it is given
set -u
HERE=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
. "$HERE/tap.sh"
. "$HERE/cli.sh"
S=policy-test
OBJECTS=/usr/libexec/agentcg/selftests/bpf

policy() { agentcg policy "$@"; }

# in_view COMMANDS: in a mount namespace of its own, after these commands.
in_view() {
	unshare -m bash -c "$1 && exec agentcg policy load priority"
}

cleanup() {
	policy unload 2>/dev/null
	agentcg session del "/$S" 2>/dev/null
	rmdir "$CG/$S/agent" "$CG/$S" 2>/dev/null
	rm -rf "$tmp"
}

test_node() {
	local name
	check "there is none" gives 0 policy show
	check "nothing is said of it" is_empty "$tmp/out"
	for name in priority fair deadline; do
		check "$name loads" gives 0 policy load "$name"
		check "$name is shown" gives 0 policy show
		check "$name is the node's" says "$name for the node"
		check "$name unloads" gives 0 policy unload
	done
	check "it is gone" refuses 1 "no policy is attached there" policy unload
	check "it left no pin" [ ! -e /sys/fs/bpf/agentcg/policy ]
}

is_empty() { [ ! -s "$1" ]; }

test_session() {
	check "a session's" gives 0 policy load fair --session "/$S"
	check "beside the node's" gives 0 policy load priority
	check "both are shown" gives 0 policy show
	check "the session's" says "fair for session"
	check "the node's" says "priority for the node"
	check "a second one is refused" refuses 1 "the session has a policy already: unload it first, or load this one with --replace" \
		policy load deadline --session "/$S"
	check "a second one for the node" refuses 1 "the node has a policy already" policy load fair
	check "the first is still there" gives 0 policy show --session "/$S"
	check "it is the same" says fair
	check "one takes the other's place" gives 0 policy load deadline --session "/$S" --replace
	check "which is shown" gives 0 policy show --session "/$S"
	check "it is the new one" says deadline
	check "unload" gives 0 policy unload --session "/$S"
	check "unload the node's" gives 0 policy unload
	check "nothing to replace" refuses 1 "nothing to replace" policy load fair --replace
	check "no session" refuses 1 "agentcg session add" policy load fair --session /
}

test_goes_with_session() {
	check "load" gives 0 policy load fair --session "/$S"
	check "the session goes" gives 0 agentcg session del "/$S"
	sleep 1
	check "and its policy" gives 0 policy show
	check "all of it" is_empty "$tmp/out"
	check "the session comes again" gives 0 agentcg session add "/$S" --budget 256M
	check "the pin that is left is in nobody's way" gives 0 policy load fair --session "/$S"
	check "unload" gives 0 policy unload --session "/$S"
}

test_objects() {
	check "one from out of the tree" gives 0 policy load "$OBJECTS/headroom.bpf.o"
	check "unload it" gives 0 policy unload
	check "an unknown name" refuses 1 "no such policy: give one of" policy load nonsense
	check "all that there are" grep -q 'priority.*or the path of a file' "$tmp/err"
	check "a file that is not there" refuses 1 "No such file" policy load ./nonsense
	head -c 4096 /dev/urandom >"$tmp/garbage"
	check "no object" refuses 1 "is no BPF object" policy load "$tmp/garbage"
	: >"$tmp/empty"
	check "an empty file" refuses 1 "is no BPF object" policy load "$tmp/empty"
	head -c 2000 /usr/lib/agentcg/bpf/policy/fair.bpf.o >"$tmp/half"
	check "half an object" refuses 1 "is no BPF object" policy load "$tmp/half"
	check "another program" refuses 1 "is no policy of agentcg" policy load /usr/lib/agentcg/bpf/decision.bpf.o
	check "another type of ops" refuses 1 "is no policy of agentcg" policy load "$OBJECTS/tcp.bpf.o"
	check "several in one" refuses 1 "has several policies" policy load "$OBJECTS/misuse.bpf.o"
	check "a member that the module does not know" refuses 1 "made for another version of agentcg" \
		policy load "$OBJECTS/future.bpf.o"
	check "one for another kernel" refuses 1 "made for another kernel" policy load "$OBJECTS/kernel.bpf.o"
	check "it tells what is missing" says of_another_kernel
	check "one that may not" refuses 1 "the kernel refuses it" policy load "$OBJECTS/sleeps.bpf.o"
	check "no name" gives 2 policy load
	check "two names" gives 2 policy load fair priority
	check "nothing is left" gives 0 policy show
	check "of all that" is_empty "$tmp/out"
}

test_missing() {
	check "no BPF file system" refuses 1 "mount -t bpf" in_view 'umount -l /sys/fs/bpf'
	check "no types of the kernel" refuses 1 "CONFIG_DEBUG_INFO_BTF" in_view 'mount -t tmpfs none /sys/kernel/btf'
	check "no types of the module" refuses 1 "rebuild it" \
		in_view 'mount -t tmpfs none /sys/kernel/btf && : >/sys/kernel/btf/vmlinux'
	check "no privilege" gives 1 setpriv --reuid 65534 --clear-groups --bounding-set=-all \
		agentcg policy load priority
	check "it says so" says "run it as root"
}

test_unload() {
	check "load" gives 0 policy load priority
	check "it keeps the module" gives 1 rmmod agentcg
	check "unload" gives 0 policy unload
	check "and lets it go" unloads
	check "without the module" refuses 1 "modprobe agentcg" policy load priority
	modprobe agentcg
}

# The same module, whose type information has another name.
test_without_btf() {
	local module
	module=$(modinfo -n agentcg)
	unloads
	sed 's/\x00\.BTF\x00/\x00.OFF\x00/g' "$module" >"$tmp/agentcg.ko"
	dmesg --clear
	check "a module without types loads" gives 0 insmod "$tmp/agentcg.ko"
	check "it says so" [ "$(dmesg | grep -c 'agentcg: no BPF policies and kfuncs')" = 1 ]
	check "info" gives 0 agentcg -j info
	check "it cannot do it" [ "$(grep -cE '"(kfuncs|policies|btf)"' "$tmp/out")" = 0 ]
	agentcg -j doctor >"$tmp/out" 2>"$tmp/err"
	check "doctor tells" says "no BPF policy can be loaded"
	check "policy load tells" refuses 1 "rebuild it against this kernel's headers" policy load priority
	check "all else works" gives 0 agentcg session add "/$S" --budget 256M
	check "a call" gives 0 agentcg run --require always --session "/$S" --mem 8M -- true
	check "no more of it" gives 0 agentcg session del "/$S"
	unloads
	modprobe agentcg
}

trap cleanup EXIT
modprobe agentcg
mkdir -p "$CG/$S"
agentcg session add "/$S" --budget 256M
test_node
test_session
test_goes_with_session
test_objects
test_missing
agentcg session del "/$S"
test_unload
test_without_btf
tap_end
