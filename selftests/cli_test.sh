#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The command line on a real kernel: what it does to the cgroup tree, to
# signals and to exit statuses, and what it says when something is wrong.
# shellcheck disable=SC2317 # check() runs what it is given
set -u
CG=/sys/fs/cgroup
TOP=cli-test
S=$TOP/s
tmp=$(mktemp -d)
number=0
failed=0

check() {
	local text=$1
	shift
	number=$((number + 1))
	if "$@"; then
		echo "ok $number - $text"
	else
		failed=1
		echo "not ok $number - $text"
		sed 's/^/# out: /' "$tmp/out"
		sed 's/^/# err: /' "$tmp/err"
	fi
}

# try COMMAND...: runs it, keeping its output and status.
try() {
	"$@" >"$tmp/out" 2>"$tmp/err"
	status=$?
}

# gives STATUS COMMAND...: passes if the command ends with this status.
gives() {
	local want=$1
	shift
	try "$@"
	[ "$status" = "$want" ] || echo "# status $status, not $want: $*"
	[ "$status" = "$want" ]
}

# refuses STATUS WORDS COMMAND...: and says these words, in one line.
refuses() {
	local want=$1 words=$2
	shift 2
	gives "$want" "$@" && grep -qF -- "$words" "$tmp/err" &&
		[ "$(wc -l <"$tmp/err")" = 1 ]
}

# field KEY: the value of the last KEY in the receipt of the last command.
field() { sed -nE 's/^.*[{,]"'"$1"'":("[^"]*"|\[[^]]*\]|[^],}]*).*/\1/p' "$tmp/receipt"; }

is() { [ "$1" = "$2" ] || { echo "# got '$1', not '$2'"; false; }; }

children() { find "$CG/$1" -mindepth 1 -maxdepth 1 -type d -printf '%f ' | sort; }

# await COMMAND...: gives it ten seconds to become true.
await() {
	local i
	for ((i = 0; i < 100; i++)); do
		"$@" >/dev/null && return 0
		sleep 0.1
	done
	"$@"
}

no_calls() { is "$(children "$1")" 'agent '; }

args=(run --require always --session "/$S" --mem 8M)
run() { agentcg "${args[@]}" "$@"; }

cleanup() {
	local dir
	for dir in "$CG/$TOP"/*/ "$CG/$TOP"/*/*/; do
		[ -d "$dir" ] && agentcg session del "$dir" 2>/dev/null
	done
	find "$CG/$TOP" -name cgroup.kill -exec sh -c 'echo 1 >"$1"' - {} \; 2>/dev/null
	sleep 0.2
	find "$CG/$TOP" -depth -type d -exec rmdir {} \; 2>/dev/null
	rm -rf "$tmp"
}

add_and_del() {
	local i
	for i in 1 2 3 4 5 6; do
		{ agentcg session add "/$TOP/p/$i" --budget 16M &&
			agentcg session del "/$TOP/p/$i"; } &
	done
	wait
}

as_nobody() {
	python3 -c 'import os, sys
open(sys.argv[1], "w").write("0")
os.setgroups([]); os.setgid(65534); os.setuid(65534)
os.execvp(sys.argv[2], sys.argv[2:])' "$CG/$S/agent/cgroup.procs" "$@"
}

# started NAME OPTIONS...: a call in the background, which has begun.
started() {
	local name=$1
	shift
	rm -f "$tmp/ready"
	# Not the function: pid is to be that of agentcg itself.
	agentcg "${args[@]}" --name "$name" "$@" >"$tmp/out" 2>"$tmp/err" &
	pid=$!
	await test -e "$tmp/ready"
}

ended() {
	wait "$pid"
	status=$?
}

test_sessions() {
	mkdir -p "$CG/$TOP/a/b" "$CG/$TOP/a/c" "$CG/$S"
	check "session add" gives 0 agentcg session add "/$TOP/a/b" --budget 64M
	check "controllers are enabled along the path" \
		grep -qw memory "$CG/$TOP/cgroup.subtree_control"
	check "controllers are enabled in the session" \
		grep -qw pids "$CG/$TOP/a/b/cgroup.subtree_control"
	check "it has an agent leaf" no_calls "$TOP/a/b"
	check "the same again" refuses 1 'is a session already' \
		agentcg session add "/$TOP/a/b" --budget 64M
	check "a session inside a session" refuses 1 'cannot overlap' \
		agentcg session add "/$TOP/a/b/agent" --budget 64M
	check "a session around a session" refuses 1 'cannot overlap' \
		agentcg session add "/$TOP/a" --budget 64M
	check "a second session beside it" gives 0 \
		agentcg session add "$CG/$TOP/a/c" --budget 64M
	check "session del" gives 0 agentcg session del "/$TOP/a/b"
	check "what the other needs stays" \
		grep -qw memory "$CG/$TOP/a/cgroup.subtree_control"
	check "session del of the other" gives 0 agentcg session del "/$TOP/a/c"
	check "all is put back below" is "$(cat "$CG/$TOP/a/cgroup.subtree_control")" ''
	check "all is put back at the root" \
		is "$(cat "$CG/cgroup.subtree_control")" "$root_before"
	check "the agent leaf is gone" is "$(children "$TOP/a/b")" ''
	check "session del of no session" refuses 1 'no such session' \
		agentcg session del "/$TOP/a/b"

	sleep 1000 &
	pid=$!
	echo "$pid" >"$CG/$TOP/a/b/cgroup.procs"
	check "a session with processes" refuses 1 '--adopt' \
		agentcg session add "/$TOP/a/b" --budget 64M
	check "nothing is left of the attempt" \
		is "$(cat "$CG/cgroup.subtree_control")$(children "$TOP/a/b")" "$root_before"
	check "session add --adopt" gives 0 \
		agentcg session add "/$TOP/a/b" --budget 64M --adopt
	check "its process is in the agent leaf" \
		grep -qx "0::/$TOP/a/b/agent" "/proc/$pid/cgroup"
	check "session del after --adopt" gives 0 agentcg session del "/$TOP/a/b"
	check "its process is back" grep -qx "0::/$TOP/a/b" "/proc/$pid/cgroup"
	echo "$pid" >"$CG/$TOP/a/cgroup.procs"
	check "a process on the path" refuses 1 "/$TOP/a has processes of its own" \
		agentcg session add "/$TOP/a/b" --budget 64M
	check "nothing is left of that attempt" \
		is "$(cat "$CG/cgroup.subtree_control")" "$root_before"
	kill "$pid"
	wait "$pid" 2>/dev/null
	echo threaded >"$CG/$TOP/a/b/cgroup.type"
	check "a threaded cgroup" refuses 1 'threaded' \
		agentcg session add "/$TOP/a/b" --budget 64M
	rmdir "$CG/$TOP/a/b" "$CG/$TOP/a/c" "$CG/$TOP/a"
}

test_refused_sessions() {
	check "a budget under what is in use" refuses 1 'budget' \
		agentcg session add "/$S" --budget 1
	check "nothing is left of a refusal by the module" \
		is "$(cat "$CG/cgroup.subtree_control")$(children "$S")" "$root_before"
	check "no budget" refuses 2 '--budget' agentcg session add "/$S"
	check "the root" refuses 1 'root of the cgroup tree' \
		agentcg session add / --budget 64M
	check "a cgroup that is not there" refuses 1 'mkdir' \
		agentcg session add "/$TOP/none" --budget 64M
	check "a directory that is no cgroup" refuses 1 'not a cgroup v2' \
		agentcg session add /tmp --budget 64M
}

test_sessions_side_by_side() {
	for i in 1 2 3 4 5 6; do
		mkdir -p "$CG/$TOP/p/$i"
	done
	try add_and_del
	check "sessions that come and go side by side" is "$(cat "$tmp/err")" ''
	check "they leave nothing" \
		is "$(cat "$CG/cgroup.subtree_control" "$CG/$TOP/p/cgroup.subtree_control")" "$root_before"
	rmdir "$CG/$TOP"/p/[1-6] "$CG/$TOP/p"
}

test_run() {
	check "run" gives 0 run -- cat /proc/self/cgroup
	check "CMD is in its call" grep -q "^0::/$S/call-" "$tmp/out"
	check "run says nothing of its own" is "$(cat "$tmp/err")" ''
	check "the status of CMD" gives 7 run -- sh -c 'exit 7'
	check "128 and the signal" gives 143 run -- sh -c 'kill -TERM $$'
	check "not found" gives 127 run -- /nonexistent
	check "not executable" gives 126 run -- /etc/passwd
	check "a script without #!" gives 5 \
		run -- sh -c 'echo "exit 5" >'"$tmp/script"'; chmod +x '"$tmp/script"'; exec agentcg run --mem 1M -- '"$tmp/script"
	check "the caller's own session" gives 0 \
		sh -c "echo 0 >$CG/$S/agent/cgroup.procs; exec agentcg run --require always --mem 8M -- true"
	check "what outlives CMD is killed" gives 3 run -- sh -c 'sleep 1000 & exit 3'
	check "no call is left" no_calls "$S"
}

test_receipts() {
	check "a receipt in a file" gives 0 \
		run --receipt "$tmp/receipt" --label hello --tag a=b --tag c=d -- true
	check "it was enforced" is "$(field enforced)" true
	check "its cause" is "$(field cause)" '"exit"'
	check "its label" is "$(field label)" '"hello"'
	check "its tags" is "$(field tag)" '["a=b","c=d"]'
	check "what was applied" is "$(field mem)" 8388608
	id=$(field id)
	check "receipt show" gives 0 agentcg -j receipt show "$id"
	agentcg -j receipt show "$id" >"$tmp/shown"
	check "it is the same receipt" cmp -s "$tmp/receipt" "$tmp/shown"
	check "a receipt that nobody has" refuses 1 'receipt-get' \
		agentcg receipt show 1
	try run --receipt fd:5 -- sh -c 'echo x >&5' 5>"$tmp/receipt"
	check "CMD does not get the receipt's descriptor" is "$(field exit-code)" 2
	check "a receipt that cannot be written" refuses 125 '--receipt' \
		run --receipt /nonexistent/r -- touch "$tmp/started"
	check "CMD was not started" test ! -e "$tmp/started"
	check "no receipt's descriptor" refuses 125 '--receipt' run --receipt fd:99 -- true
}

test_refused_calls() {
	try run --name x -- agentcg run --require always --session "/$S" --mem 1M --name x -- true
	check "a second call of the same name" grep -q 'already' "$tmp/err"
	check "its status" is "$status" 125
	check "the first is untouched" no_calls "$S"
	check "more than the budget" refuses 125 'budget' run --mem 1G -- true
	check "a field that is not enforced" refuses 125 'not enforced' \
		run --deadline 5s -- true
	check "a bad size" refuses 125 'is not a size' run --mem 5X -- true
	check "an overflow" refuses 125 'too large' run --mem 99999999999T -- true
	check "an unknown class" refuses 125 'interactive, latency, batch or besteffort' \
		run --class fast -- true
}

test_unmanaged() {
	check "no session, not required" gives 4 \
		agentcg run --receipt "$tmp/receipt" -- sh -c 'exit 4'
	check "it says so on stderr" grep -q '^agentcg: running unmanaged: ' "$tmp/err"
	check "it says so in the receipt" is "$(field enforced)" false
	check "with the status of CMD" is "$(field exit-code)" 4
	check "no session, required" refuses 125 'session add' \
		agentcg run --require always -- true
	check "a session that is not there" refuses 125 'mkdir' \
		agentcg run --require always --session "/$TOP/none" -- true
}

test_permissions() {
	check "no permission, not required" gives 0 as_nobody agentcg run -- true
	check "its mend is told" grep -q 'delegated' "$tmp/err"
	check "no permission, required" refuses 125 'delegated' \
		as_nobody agentcg run --require always -- true
	chown nobody "$CG/$S" "$CG/$S/cgroup.procs" "$CG/$S/agent/cgroup.procs"
	check "a session that was delegated" gives 0 \
		as_nobody agentcg run --require always --mem 8M -- true
	check "its owner cannot change the machine" refuses 1 'root' \
		as_nobody agentcg node set --reserve 1M
	chown root "$CG/$S" "$CG/$S/cgroup.procs" "$CG/$S/agent/cgroup.procs"
}

test_signals() {
	local sig

	# Not INT: a script has its background jobs ignore it.
	for sig in TERM HUP USR1; do
		started "sig$sig" -- bash -c "trap 'exit 9' $sig; touch $tmp/ready; while :; do sleep 0.1; done"
		kill -s "$sig" "$pid"
		ended
		check "SIG$sig is passed on" is "$status" 9
	done
}

test_sudden_ends() {
	started stop -- sh -c "touch $tmp/ready; exec sleep 1000"
	kill -KILL "$pid"
	ended
	check "run is killed" is "$status" 137
	check "its call is removed" await no_calls "$S"
	# A process group of its own, killed as one.
	rm -f "$tmp/ready"
	setsid sh -c "agentcg run --session /$S --mem 8M -- sh -c 'touch $tmp/ready; exec sleep 1000'; true" &
	pid=$!
	await test -e "$tmp/ready"
	kill -KILL -- "-$pid"
	ended
	check "its process group is killed" await no_calls "$S"
	for i in 01 02 03 04 05 06 07 08 09 10 12 15; do
		agentcg "${args[@]}" -- sleep 1000 >/dev/null 2>&1 &
		pid=$!
		sleep "0.$i"
		kill -KILL "$pid"
		wait "$pid" 2>/dev/null
	done
	check "killed at any moment, it leaves nothing" await no_calls "$S"
}

test_tools() {
	started victim -- sh -c "touch $tmp/ready; exec sleep 1000"
	check "tool show" gives 0 agentcg -j tool show "/$S/victim"
	check "tool set" gives 0 agentcg tool set "/$S/victim" --mem 4M --class besteffort
	check "tool kill" gives 0 agentcg tool kill "/$S/victim"
	ended
	check "a killed call ends with SIGKILL's status" is "$status" 137
	check "its advice tells why" grep -q 'tool kill' "$tmp/err"
	check "tool kill of no call" refuses 1 'tool' agentcg tool kill 1
}

test_the_rest() {
	check "node show" gives 0 agentcg -j node show
	reserve=$(agentcg -j node show | sed 's/.*"reserve":\([0-9]*\).*/\1/')
	check "node set" gives 0 agentcg node set --reserve 100M
	check "node show after it" grep -q '"reserve":104857600' <(agentcg -j node show)
	agentcg node set --reserve "$reserve"
	agentcg -j event --count 2 >"$tmp/events" &
	pid=$!
	sleep 0.5
	run --label watched -- true
	ended
	check "events are JSON lines" \
		is "$(sed -n 's/^{"type":"\([a-z-]*\)".*}$/\1/p' "$tmp/events" | xargs)" \
		'tool-started tool-ended'
	check "doctor" gives 0 agentcg doctor
	check "doctor in JSON" gives 0 sh -c 'agentcg -j doctor | python3 -m json.tool'
	check "help" gives 0 agentcg help
	check "a full disk is no success" gives 1 sh -c 'agentcg -j info >/dev/full'
}

test_del_with_a_call() {
	started last -- sh -c "touch $tmp/ready; exec sleep 1000"
	check "session del with a live call" gives 0 agentcg session del "/$S"
	check "the call runs on" grep -q "^0::/$S/last" "/proc/$(cat "$CG/$S/last/cgroup.procs")/cgroup"
	kill "$pid"
	ended
	check "and ends" is "$(children "$S")" ''
	check "the tree is as it was" is "$(cat "$CG/cgroup.subtree_control")" "$root_before"
}

trap cleanup EXIT
: >"$tmp/out"
: >"$tmp/err"
modprobe agentcg
mkdir -p "$CG/$TOP"
root_before=$(cat "$CG/cgroup.subtree_control")

# What never gets to the kernel need not be tried on every one, and where all
# is checked it is slow.
case $(uname -r) in
*debug*) slow=1 ;;
*) slow='' ;;
esac
thorough() { [ -n "$slow" ] || "$@"; }

test_sessions
thorough test_refused_sessions
thorough test_sessions_side_by_side
agentcg session add "/$S" --budget 256M --floor 64M
test_run
thorough test_receipts
thorough test_refused_calls
thorough test_unmanaged
thorough test_permissions
thorough test_signals
test_sudden_ends
thorough test_tools
thorough test_the_rest
test_del_with_a_call
echo "1..$number"
exit "$failed"
