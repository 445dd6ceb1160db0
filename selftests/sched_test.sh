#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# agentcg sched on a real kernel: what it says, keeps and takes off, and what it says
# when something is missing.
# shellcheck disable=SC2317 # check() runs what it is given
set -u
HERE=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
. "$HERE/tap.sh"
. "$HERE/cli.sh"
SCHEMA=/usr/share/agentcg/agentcg.schema.json
PINS=/sys/fs/bpf/agentcg

sched() { agentcg sched "$@"; }

# in_view COMMANDS: in a mount namespace of its own, after these commands.
in_view() {
	unshare -m bash -c "$1 && exec agentcg sched load"
}

cleanup() {
	sched unload 2>/dev/null
	rm -rf "$tmp"
}

no_pins() { [ -z "$(find "$PINS" -mindepth 1 ! -name sched-state)" ]; }

test_fallback() {
	check "show" gives 0 sched
	check "the fallback is in force" says "in force: fallback"
	check "it tells what that lacks" says "lost: "
	check "as JSON" shows sched agentcg -j sched show
	check "which says so" grep -q '"in-force":"fallback","scheduler":null' "$tmp/out"
	check "nothing to unload" refuses 1 "it is not loaded" sched unload
	check "a word too many" gives 2 sched load now
}

test_loaded() {
	check "load" gives 0 sched load
	check "show" gives 0 sched show
	check "it is in force" says "in force: scheduler"
	check "nothing is lost" [ "$(grep -c lost: "$tmp/out")" = 0 ]
	check "as JSON" shows sched agentcg -j sched show
	check "without an end" grep -q '"last-exit":null' "$tmp/out"
	check "figures" gives 0 sched stat
	check "as JSON" shows sched-stat agentcg -j sched stat
	check "doctor tells" eval 'agentcg doctor | grep -q "agentcg_sched: calls"'
	check "a second time is refused" refuses 1 "it is loaded already: agentcg sched unload" sched load
	check "it keeps the module" gives 1 rmmod agentcg
	check "unload" gives 0 sched unload
	check "it left no pin" no_pins
	check "show" gives 0 sched show
	check "the fallback is in force again" says "in force: fallback"
	check "it tells why" says "last exit: unregistered from user space"
}

# policy COMMAND...: of a process that it starts.
policy() { "$@" python3 -c 'import os; print(os.sched_getscheduler(0))'; }

test_partial() {
	local session=/sched-cli
	mkdir "$CG$session"
	check "a session" gives 0 agentcg session add "$session" --budget 64M
	check "load for calls only" gives 0 sched load --partial
	check "not for the machine" is "$(cat /sys/kernel/sched_ext/switch_all)" 0
	check "show" gives 0 sched show
	check "it is in force for calls" says "in force: partial"
	check "what that lacks" says "5 %"
	check "as JSON" shows sched agentcg -j sched show
	check "a call asks for it" is "$(policy agentcg run --require always --session "$session" --)" 7
	check "nobody else does" is "$(policy)" 0
	check "unload" gives 0 sched unload
	check "a call does not ask then" is "$(policy agentcg run --require always --session "$session" --)" 0
	check "the session ends" gives 0 agentcg session del "$session"
	rmdir "$CG$session"
}

test_pins() {
	mkdir "$PINS/sched"
	check "something is where the pin belongs" refuses 1 "$PINS/sched: File exists" sched load
	check "nothing is attached" grep -qx disabled /sys/kernel/sched_ext/state
	rmdir "$PINS/sched"
	check "no BPF file system" refuses 1 "mount -t bpf" in_view 'umount -l /sys/fs/bpf'
}

test_missing() {
	check "no types of the module" refuses 1 "rebuild it" \
		in_view 'mount -t tmpfs none /sys/kernel/btf && : >/sys/kernel/btf/vmlinux'
	check "no privilege" gives 1 setpriv --reuid 65534 --clear-groups --bounding-set=-all \
		agentcg sched load
	check "unload the module" unloads
	check "without it" refuses 1 "modprobe agentcg" sched load
	check "show" gives 0 sched show
	check "nothing is in force" says "in force: nothing"
	modprobe agentcg
}

trap cleanup EXIT
modprobe agentcg
sched unload 2>/dev/null
rm -f "$PINS/sched-state"
test_fallback
documents=(sched)
if [ -e /sys/kernel/sched_ext/state ]; then
	documents+=(sched-stat)
	test_loaded
	test_partial
	test_pins
	test_missing
else
	check "no sched_ext" refuses 1 "CONFIG_SCHED_CLASS_EXT" sched load
	check "show says so" gives 0 sched show
	check "in words" says "it has no sched_ext"
fi
check "all JSON is as the schema says" gives 0 "$HERE/schema-check" "$SCHEMA" "$tmp/json" \
	"${documents[@]}"
tap_end
