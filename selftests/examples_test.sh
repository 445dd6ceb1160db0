#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The runtimes of userspace/examples, as they are installed: what they print of
# their calls, as root, as a tenant, without a session, and when interrupted.
# shellcheck disable=SC2317 # check() runs what it is given
set -u
HERE=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
. "$HERE/tap.sh"
. "$HERE/cli.sh"
EXAMPLES=/usr/share/doc/agentcg/examples
TOP=examples-test
S=$TOP/s

cleanup() {
	agentcg session del "/$S" 2>/dev/null
	find "$CG/$TOP" -name cgroup.kill -exec sh -c 'echo 1 >"$1"' - {} \; 2>/dev/null
	sleep 0.2
	find "$CG/$TOP" -depth -type d -exec rmdir {} \; 2>/dev/null
	rm -rf "$tmp"
}

# runs COMMAND...: an example; what it prints is there for printed().
runs() {
	gives 0 "$@" && python3 - "$tmp/out" >"$tmp/printed" <<-'END'
		import json, sys
		for line in map(json.loads, open(sys.argv[1])):
		    call = line.pop("call", "events")
		    if call == "events":
		        line = line["events"] if line["events"] is not None else {"none": line["reason"]}
		    for key, value in line.items():
		        print(call, key, str(value).strip())
	END
}

# printed CALL KEY: what the example has printed of one of its calls, or how many
# events of a type it has seen, or why it has "none"; nothing for none.
printed() { sed -n "s/^$1 $2 //p" "$tmp/printed"; }

# in_agent COMMAND...: in the agent leaf of the session.
in_agent() {
	sh -c 'echo 0 >"$1"; shift; exec "$@"' - "$CG/$S/agent/cgroup.procs" "$@"
}

as_nobody() {
	python3 -c 'import os, sys
open(sys.argv[1], "w").write("0")
os.setgroups([]); os.setgid(65534); os.setuid(65534)
os.execvp(sys.argv[2], sys.argv[2:])' "$CG/$S/agent/cgroup.procs" "$@"
}

# Nothing that an example has started goes on.
nothing_left() { no_calls "$S" && ! pgrep -xf 'agentcg -j event' >/dev/null && ! pgrep -xf 'sleep 1000' >/dev/null; }

# What a call of 16M may burst by, when it does not say.
all_else() {
	agentcg run --session "/$S" --mem 16M --receipt fd:3 -- true 3>&1 >/dev/null |
		sed -E 's/^.*"limits":\{[^}]*"burst":([0-9]*).*/\1/'
}

# managed EXAMPLE: the figures of calls in a session.
managed() {
	check "$1: the first call" is "$(printed sum status) $(printed sum enforced) $(printed sum cause)" '0 True exit'
	check "$1: its output" is "$(printed sum output)" 42
	check "$1: its figures" [ "$(printed sum peak)" -gt 0 ]
	check "$1: nothing is told" is "$(printed sum told)$(printed grow told)" ''
	check "$1: the changed call" is "$(printed grow status) $(printed grow enforced) $(printed grow output)" '0 True done'
	check "$1: its burst" is "$(printed grow burst)" 100663296
	check "$1: the other's is as declared" is "$(printed late burst)" "$late_burst"
	check "$1: the cancelled call" is "$(printed late status) $(printed late enforced) $(printed late cause)" '143 True signal'
	check "$1: nothing is left" nothing_left
}

test_root() {
	local late_burst
	late_burst=$(all_else)
	check "$1: it runs" runs in_agent "$EXAMPLES/$1"
	managed "$1"
	# It may have begun to listen after the first call.
	check "$1: the events of the others" [ "$(printed events tool-ended)" -ge 2 ]
	check "$1: and of the change" is "$(printed events tool-changed)" 1
}

test_tenant() {
	local late_burst
	chown nobody "$CG/$S" "$CG/$S/cgroup.procs" "$CG/$S/agent/cgroup.procs"
	late_burst=$(all_else)
	check "$1: a tenant" runs as_nobody "$EXAMPLES/$1"
	managed "$1 of a tenant"
	check "$1: sees no events" is "$(printed events none)" 'agentcg: events are for the administrator of the host (run it as root)'
	chown root "$CG/$S" "$CG/$S/cgroup.procs" "$CG/$S/agent/cgroup.procs"
}

test_unmanaged() {
	check "$1: without a session" runs "$EXAMPLES/$1"
	check "$1: nothing is enforced" is "$(printed sum enforced) $(printed grow enforced) $(printed late enforced)" 'False False False'
	check "$1: all is as it would be" \
		is "$(printed sum status) $(printed sum output) $(printed grow status) $(printed grow output) $(printed late status)" '0 42 0 done 143'
	check "$1: and the reason told" grep -qF 'the caller runs in no session' "$tmp/out"
}

# await_call NAME PID: until PID has begun the call, or has ended. An interpreter
# takes its time to start.
await_call() {
	local i
	for ((i = 0; i < 3000; i++)); do
		compgen -G "$CG/$S/$1-*" >/dev/null && return 0
		kill -0 "$2" 2>/dev/null || return 1
		sleep 0.02
	done
	return 1
}

# Stopped while it has a call that waits for it; a script's background jobs
# ignore INT.
test_interrupted() {
	local signal=$2 pid
	env --default-signal=INT "$EXAMPLES/$1" "/$S" >"$tmp/out" 2>"$tmp/err" &
	pid=$!
	if ! await_call grow "$pid" && ! kill -0 "$pid" 2>/dev/null; then
		wait "$pid"
		skip "$1: SIG$signal ends it" "its second call was over before it was seen"
		return
	fi
	kill -STOP "$pid"
	kill -s "$signal" "$pid"
	kill -CONT "$pid"
	wait "$pid"
	check "$1: SIG$signal ends it" is $? $((128 + $(kill -l "$signal")))
	check "$1: and its calls" nothing_left
	check "$1: it does not begin another" is "$(grep -c late "$tmp/out")" 0
}

modprobe agentcg
trap cleanup EXIT
mkdir -p "$CG/$S"
agentcg session add "/$S" --budget 256M
for example in runtime.mjs runtime.py; do
	test_root "$example"
	test_tenant "$example"
	test_unmanaged "$example"
	test_interrupted "$example" INT
	test_interrupted "$example" TERM
done
tap_end
