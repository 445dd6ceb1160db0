#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The command line on a real kernel: what it does to the cgroup tree, to
# signals and to exit statuses, and what it says when something is wrong.
# shellcheck disable=SC2317 # check() runs what it is given
set -u
HERE=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
. "$HERE/tap.sh"
. "$HERE/cli.sh"
TOP=cli-test
S=$TOP/s
SCHEMA=/usr/share/agentcg/agentcg.schema.json
container=0

no_session() { ! agentcg session show "$1" 2>/dev/null; }

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
	# Not the function: pid is to be that of agentcg itself. A script's
	# background jobs ignore INT and QUIT.
	env --default-signal=INT,QUIT agentcg "${args[@]}" --name "$name" "$@" >"$tmp/out" 2>"$tmp/err" &
	pid=$!
	await test -e "$tmp/ready"
}

ended() {
	wait "$pid"
	status=$?
}

# What is the same for all commands.
test_words() {
	local object
	for object in run session tool receipt event node policy info record replay env doctor save restore; do
		check "$object help" gives 0 agentcg "$object" help
		check "it tells the usage" grep -q "^usage: agentcg.* $object" "$tmp/out"
	done
	check "help of a command" gives 0 agentcg session add help
	check "is that of its object" says '--budget SIZE'
	check "help as an option" gives 0 agentcg node set --help
	check "the version" gives 0 agentcg -V
	check "is the module's" is "$(<"$tmp/out")" "agentcg $(modinfo -F version agentcg)"
	check "words may be shortened" shows sessions agentcg -j se sh
	check "options before, between and after words" shows sessions agentcg -j session -p show
	check "-p is on several lines" [ "$(agentcg -jp node | wc -l)" -gt 5 ]
	check "no such object" refuses 2 'no such command' agentcg bogus
	check "no such option" refuses 2 'no such option' agentcg node --bogus
}

test_sessions() {
	mkdir -p "$CG/$TOP/a/b" "$CG/$TOP/a/c" "$CG/$S"
	check "session add" shows session-add agentcg -j session add "/$TOP/a/b" --budget 64M
	check "session show by path" shows session agentcg -j session show "/$TOP/a/b"
	cp "$tmp/out" "$tmp/by-path"
	check "by directory" shows session agentcg -j session show "$CG/$TOP/a/b"
	check "it is the same" cmp -s "$tmp/by-path" "$tmp/out"
	check "by a directory here" shows session \
		env -C "$CG/$TOP/a" agentcg -j session show b
	check "it is the same again" cmp -s "$tmp/by-path" "$tmp/out"
	check "by path without its slash" shows session agentcg -j session show "$TOP/a/b"
	check "it is the same once more" cmp -s "$tmp/by-path" "$tmp/out"
	check "session set" gives 0 agentcg session set "/$TOP/a/b" --budget 80M --floor 16M \
		--class batch --weight 7 --mem 9M --default-class besteffort --default-weight 5
	check "all of it is there" shows session agentcg -j session show "/$TOP/a/b"
	check "budget and floor" says '"budget":83886080,"floor":16777216,"weight":7,"max-class":"batch"'
	check "and defaults" says '"defaults":{"mem":9437184,"burst":null,"class":"besteffort","weight":5,'
	check "a budget below the floor" refuses 1 'floor 16777216 is above the budget' \
		agentcg session set "/$TOP/a/b" --budget 12M
	check "a label of a session" refuses 1 'label, tag and conflict belong to a call' \
		agentcg session set "/$TOP/a/b" --label x
	check "a conflict of a session" refuses 1 'label, tag and conflict belong to a call' \
		agentcg session set "/$TOP/a/b" --conflict disk
	check "a jitter that is too long" refuses 1 'jitter: above the longest, 5 ms' \
		agentcg session set "/$TOP/a/b" --jitter 6ms
	check "a jitter" gives 0 agentcg session set "/$TOP/a/b" --jitter 3ms
	check "it is shown" shows session agentcg -j session show "/$TOP/a/b"
	check "as it is" says '"jitter":3000000'
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
	check "session del" shows session-del agentcg -j session del "/$TOP/a/b"
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
	check "a budget that overflows" refuses 2 'too large' \
		agentcg session add "/$S" --budget 99999999999T
	check "a budget above the largest" refuses 1 'budget 2305843009213693952 is above the largest' \
		agentcg session add "/$S" --budget 2097152T
	check "a floor above the machine" refuses 1 'floor' \
		agentcg session add "/$S" --budget 1T --floor 1T
}

# The kernel kills the agent then, whatever the module does.
test_group_kill() {
	local dir

	mkdir "$CG/$TOP/g"
	check "session add where nothing is wrong" gives 0 agentcg session add "/$TOP/g" --budget 64M
	check "it does not warn" is "$(cat "$tmp/err")" ''
	for dir in "$TOP" "$TOP/g"; do
		echo 1 >"$CG/$dir/memory.oom.group"
		agentcg session del "/$TOP/g"
		check "session add under a group kill" shows session-add agentcg -j session add "/$TOP/g" --budget 64M
		check "it warns with the mend: $dir" grep -q "^agentcg: warning: .*echo 0 >$CG/$dir/memory.oom.group$" "$tmp/err"
		echo 0 >"$CG/$dir/memory.oom.group"
	done
	agentcg session del "/$TOP/g"
	rmdir "$CG/$TOP/g"
	check "all is put back after it" is "$(cat "$CG/cgroup.subtree_control")" "$root_before"
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
	for case in passes_through interrupt death stop; do
		check "a terminal: ${case/_/ }" gives 0 "$HERE/terminal-check" "$case" agentcg "${args[@]}"
	done
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
	keep receipt "$tmp/receipt"
	id=$(field id)
	check "receipt show" shows receipt agentcg -j receipt show "$id"
	check "it is the same receipt" cmp -s "$tmp/receipt" "$tmp/out"
	check "receipt show of a session" shows receipts agentcg -j receipt show --session "/$S"
	check "it is among them" says '"label":"hello"'
	check "receipt show of all" shows receipts agentcg -j receipt
	check "as text" gives 0 agentcg receipt show "$id"
	check "with its cause" grep -qx 'cause  *exit' "$tmp/out"
	check "a receipt that nobody has" refuses 1 'receipt-get' \
		agentcg receipt show 1
	check "receipts of no session" refuses 1 'no such session' \
		agentcg receipt show --session "/$TOP"
	try run --receipt fd:5 -- sh -c 'echo x >&5' 5>"$tmp/receipt"
	check "CMD does not get the receipt's descriptor" is "$(field exit-code)" 2
	keep receipt "$tmp/receipt"
	try run --receipt "$tmp/receipt" -- sh -c 'kill -9 $$'
	check "a signal in a receipt" is "$(field exit-signal)" 9
	check "with advice" says 'SIGKILL, which it sent itself'
	keep receipt "$tmp/receipt"
	check "CMD that is not there" gives 127 run --receipt "$tmp/receipt" -- /nonexistent
	check "its receipt is of the process that was to become it" is "$(field exit-code)" 127
	keep receipt "$tmp/receipt"
	check "a receipt on several lines" gives 0 \
		agentcg -p "${args[@]}" --receipt "$tmp/receipt" -- true
	keep receipt "$tmp/receipt"
	check "a receipt that cannot be written" refuses 125 '--receipt' \
		run --receipt /nonexistent/r -- touch "$tmp/started"
	check "CMD was not started" test ! -e "$tmp/started"
	check "no receipt's descriptor" refuses 125 '--receipt' run --receipt fd:99 -- true
	check "a descriptor for reading" refuses 125 'for reading only' \
		run --receipt fd:5 -- true 5</dev/null
}

# runs ARGS...: whether a process with exactly these arguments is there.
runs() { pgrep -xf "$*" >/dev/null; }
runs_not() { ! runs "$@"; }

# Every one of these sleeps has a time of its own, by which it is found.
test_deadlines() {
	check "past its deadline" gives 124 run --deadline 3s --receipt "$tmp/receipt" -- sleep 9001
	check "that is its cause" is "$(field cause)" '"deadline"'
	check "it has waited" is "$(field code)" '"deadline-idle"'
	check "it is told" says 'killed at its deadline of 3s'
	keep receipt "$tmp/receipt"
	check "a busy one" gives 124 run --deadline 1s --receipt "$tmp/receipt" -- sh -c 'while :; do :; done'
	check "it has worked" is "$(field code)" '"deadline-busy"'
	check "what to try" grep -qF '"try":[{"option":"--deadline","value":"2s"}' "$tmp/receipt"
	keep receipt "$tmp/receipt"
	check "in time" gives 5 run --deadline 9s -- sh -c 'exit 5'
	check "nothing is said" is "$(<"$tmp/err")" ''
	check "a warning" gives 0 run --deadline 1000 --warn-before 999900ms -- sleep 0.5
	check "says how to extend it" \
		grep -qE '^agentcg: .* until the deadline of 1000s: agentcg tool set [0-9]+ --deadline 2000s extends it$' "$tmp/err"
	for deadline in 100=10 1h=30 9=0; do
		try run --deadline "${deadline%=*}" --receipt "$tmp/receipt" -- true
		check "when it comes: $deadline" is "$(field warn-before)" "$((${deadline#*=} * 1000000000))"
	done
	started slow --deadline 2s -- sh -c "touch $tmp/ready; exec sleep 3"
	check "it is extended" gives 0 agentcg tool set "/$S/slow" --deadline 1000
	ended
	check "and kept" is "$status" 0
	started slow --deadline 1000 -- sh -c "touch $tmp/ready; exec sleep 9002"
	check "it is shortened" gives 0 agentcg tool set "/$S/slow" --deadline 1ms
	ended
	check "and met" is "$status" 124
	agentcg session set "/$S" --deadline 500ms
	check "the session's deadline" gives 124 run -- sleep 9003
	check "none instead" gives 0 run --deadline max -- sleep 1
	agentcg session set "/$S" --deadline max
	check "a fork bomb past its deadline" gives 124 \
		run --deadline 1s -- bash -c 'b() { b | b & }; b; sleep 9004'
	check "nothing is left of it" no_calls "$S"
	check "those who leave the tree" gives 124 \
		run --deadline 1s -- sh -c 'setsid sh -c "sleep 9005 & sleep 9005" & (setsid sleep 9005 &); sleep 9005'
	check "do not escape" runs_not sleep 9005
	check "nothing is left of them" no_calls "$S"
	check "no time at all" refuses 125 'max for none' run --deadline 0 -- true
	check "a deadline, unmanaged" gives 124 agentcg run --deadline 2s --warn-before 1s \
		--receipt "$tmp/receipt" -- sh -c 'setsid sh -c "sleep 9006 & sleep 9006" & (setsid sleep 9006 &); sleep 9006'
	check "nobody escapes it" runs_not sleep 9006
	check "it warns" grep -qE '^agentcg: .* until the deadline of 2s$' "$tmp/err"
	check "its receipt" is "$(field enforced) $(field cause) $(field code)" 'false "deadline" "deadline"'
	keep receipt "$tmp/receipt"
}

test_survivors() {
	check "what outlives CMD" gives 3 run --receipt "$tmp/receipt" -- sh -c 'sleep 9010 & sleep 0.5; exit 3'
	check "is killed" runs_not sleep 9010
	check "it is told" says '1 process outlived the command and was killed: sleep (pid '
	check "it is counted" is "$(field survived)" 1
	check "when the call was empty" test -n "$(field emptied)"
	keep receipt "$tmp/receipt"
	for ((i = 0; i < 20; i++)); do
		try run --receipt "$tmp/receipt" -- agentcg run -- true
		[ "$(field survived)" = 0 ] || break
	done
	check "a run in a call leaves nothing of its own" is "$i" 20
	check "what is kept" gives 3 run --keep --name kept --receipt "$tmp/receipt" -- sh -c 'sleep 9011 & sleep 0.5; exit 3'
	check "goes on" runs sleep 9011
	check "in its call" test -d "$CG/$S/kept"
	check "that is told" grep -qE "^agentcg: 1 process goes on in /$S/kept: sleep \\(pid [0-9]+\\); agentcg tool kill [0-9]+ ends it$" "$tmp/err"
	check "the receipt is of the live call" is "$(field path) $(field survived) $(field end)" "\"/$S/kept\" 1 "
	keep receipt "$tmp/receipt"
	check "it is a tool call still" shows tool agentcg -j tool show "/$S/kept"
	kill "$(pgrep -xf 'sleep 9011')"
	check "its cgroup goes when it ends" await no_calls "$S"
	try run --keep --name kept -- sh -c 'setsid sleep 9012 & exit 0'
	check "kept, it can be killed" gives 0 agentcg tool kill "/$S/kept"
	check "with its cgroup" await no_calls "$S"
	check "nothing to keep" gives 0 run --keep -- true
	check "nothing is left" no_calls "$S"
	check "either of them" refuses 125 'give one of them' run --keep --reap -- true
	check "what outlives CMD, unmanaged" gives 3 agentcg run -- sh -c 'setsid sleep 9013 & exit 3'
	check "is killed as well" runs_not sleep 9013
	check "what is kept, unmanaged" gives 3 agentcg run --keep -- sh -c 'setsid sleep 9014 & sleep 0.5; exit 3'
	check "goes on as well" runs sleep 9014
	kill "$(pgrep -xf 'sleep 9014')"
}

# fed CODE WORDS: what the agent is told of the last receipt, and on stderr.
fed() {
	is "$(field code)" "\"$1\"" && says "$2" && keep receipt "$tmp/receipt"
}

test_feedback() {
	echo 64M >"$CG/$S/memory.max"
	try run --receipt "$tmp/receipt" -- python3 -c 'x = bytearray(200 << 20)'
	check "out of the session's memory" fed oom-session 'its session met its memory.max of 64M. The kernel chose python3 (pid '
	echo max >"$CG/$S/memory.max"
	started victim --receipt "$tmp/receipt" -- sh -c "touch $tmp/ready; exec sleep 9020"
	await runs sleep 9020
	kill -KILL "$(pgrep -xf 'sleep 9020')"
	ended
	check "killed by somebody" fed signal "SIGKILL from cli_test.sh (pid $$), uid 0"
	started victim --receipt "$tmp/receipt" -- sh -c "touch $tmp/ready; sleep 9021; exit \$?"
	await runs sleep 9021
	kill -TERM "$(pgrep -xf 'sleep 9021')"
	ended
	check "a child killed by somebody" fed killed-beside 'ended by SIGTERM from cli_test.sh'
	check "the status that came of it" says 'the command itself exited with status 143'
	try run --receipt "$tmp/receipt" -- sh -c 'sh -c "kill -9 \$\$"; exit $?'
	check "137 from inside" fed status-137 'it came from inside'
	try run --receipt "$tmp/receipt" -- sh -c 'kill -SEGV $$'
	check "a crash" fed crash 'crashed with SIGSEGV (Segmentation fault)'
	try run --receipt "$tmp/receipt" -- sh -c 'ulimit -S -t 1; while :; do :; done'
	check "a limit of CPU time" fed rlimit 'CPU time (ulimit -t)'
	try run --receipt "$tmp/receipt" -- sh -c 'ulimit -t 1; while :; do :; done'
	check "a hard one" fed signal 'SIGKILL from the kernel itself'
	try run --receipt "$tmp/receipt" -- sh -c 'kill -TERM $$'
	check "what is no trouble" is "$(field advice)$(<"$tmp/err")" ''
}

# env_of KEY: of the last JSON of agentcg env.
env_of() { sed -nE 's/^.*[{,]"'"$1"'":("[^"]*"|[^],}]*).*/\1/p' "$tmp/out"; }

test_env() {
	check "env" shows env agentcg -j env --session "/$S"
	check "asks the module" is "$(env_of managed)" true
	check "all CPUs" is "$(env_of cpus)" "$(nproc)"
	check "and the budget" is "$(env_of memory-by)" "\"what is free of the session's budget\""
	echo '50000 100000' >"$CG/$S/cpu.max"
	echo 100M >"$CG/$S/memory.max"
	check "less of both" shows env agentcg -j env --session "/$S"
	check "half a CPU is one" is "$(env_of cpus) $(env_of cpus-by)" "1 \"cpu.max of /$S\""
	check "a hard limit" is "$(env_of memory-by)" "\"memory.max of /$S\""
	check "is below it" test "$(env_of memory)" -le 104857600
	check "tools obey" is "$(eval "$(agentcg env --session "/$S")" && nproc)" 1
	check "session show tells" gives 0 agentcg session show "/$S"
	check "what a call can have" grep -qE "^a new call can have .* of memory now \\(memory.max of /$S\\) and 1 CPU \\(cpu.max of /$S\\)$" "$tmp/out"
	echo max >"$CG/$S/cpu.max"
	echo max >"$CG/$S/memory.max"
	check "in a call" shows env run --mem 8M --burst 12M -- agentcg -j env
	check "it is the call's" is "$(env_of memory) $(env_of memory-by)" '20971520 "--mem and --burst"'
	check "run sets them" gives 0 run --mem 8M --burst 12M --env -- sh -c 'echo $NPROC $GOMEMLIMIT $NODE_OPTIONS'
	check "as they are" is "$(<"$tmp/out")" "$(nproc) 18MiB --max-old-space-size=15"
	check "of a declared one" shows env agentcg -j env --session "/$S" --mem 10M --burst 0
	check "it is that" is "$(env_of memory)" 10485760
	check "what has quotes" is \
		"$(eval "$(NODE_OPTIONS="--title='x" agentcg env --session "/$S" --mem 10M --burst 0)" && echo "$NODE_OPTIONS")" \
		"--title='x --max-old-space-size=7"
	check "as plain lines" gives 0 agentcg env --session "/$S" --format env
	check "they are" is "$(grep -vcE '^[A-Z_]+=' "$tmp/out")" 0
	check "in no session" gives 0 agentcg env
	check "it says so" says 'from the cgroup files alone: the caller runs in no session'
	check "without a session" shows env agentcg -j env
	check "nor the module's word" is "$(env_of managed)" false
	check "a session that is not there, for env" refuses 1 'mkdir' agentcg env --session "/$TOP/none"
}

# Here only that there is something; save_test.sh has what it is.
test_save() {
	check "save" shows save agentcg save
	cp "$tmp/out" "$tmp/saved"
	check "restore of what is there" shows restore agentcg -j restore "$tmp/saved"
}

# The disk is full when all is over: CMD's status is what counts, and the
# receipt is not lost.
test_full_disk() {
	mkdir "$tmp/full"
	mount -t tmpfs -o size=4k none "$tmp/full"
	head -c 4096 /dev/zero >"$tmp/full/filler"
	for where in /dev/full "$tmp/full/receipt"; do
		check "a full disk: $where" refuses 3 "--receipt $where: No space left" \
			run --receipt "$where" -- sh -c 'exit 3'
		id=$(sed -nE 's/.*agentcg receipt show ([0-9]+) still has it$/\1/p' "$tmp/err")
		check "its receipt is still there" shows receipt agentcg -j receipt show "$id"
		check "it is that of CMD" says '"exit-code":3'
	done
	check "a full disk, unmanaged" gives 3 agentcg run --receipt /dev/full -- sh -c 'exit 3'
	check "it is told" says '--receipt /dev/full: No space left on device'
	umount "$tmp/full"
}

test_refused_calls() {
	try run --name x -- agentcg run --require always --session "/$S" --mem 1M --name x -- true
	check "a second call of the same name" grep -q 'already' "$tmp/err"
	check "its status" is "$status" 125
	check "the first is untouched" no_calls "$S"
	check "the name is free again" gives 0 run --name x -- true
	check "a name that is none" refuses 125 'cannot be the name' run --name a/b -- true
	try run --label same -- agentcg "${args[@]}" --label same -- agentcg -j tool show --session "/$S"
	check "a label may repeat" is "$(grep -o '"label":"same"' "$tmp/out" | wc -l)" 2
	keep tools "$tmp/out"
	check "more than the budget" refuses 125 'mem 1073741824 is above the session' \
		run --mem 1G -- true
	for option in freeze wait; do
		check "--on-exhaust $option" gives 0 run --on-exhaust "$option" --receipt "$tmp/receipt" -- true
		keep receipt "$tmp/receipt"
	done
	check "not enforced: --pids" refuses 125 'by this version' run --pids 5 -- true
	check "a conflict with something" gives 0 run --conflict disk -- true
	check "a conflict with nothing" refuses 125 'conflict names nothing' run --conflict '' -- true
	check "a bad size" refuses 125 'is not a size' run --mem 5X -- true
	check "an overflow" refuses 125 'too large' run --mem 99999999999T -- true
	check "above the largest size" refuses 125 'mem 2305843009213693952 is above the largest' \
		run --mem 2097152T -- true
	check "above the longest stall" refuses 125 'stall 9223372036000000000 is above the longest' \
		run --stall 9223372036 -- true
	check "an unknown class" refuses 125 'interactive, latency, batch or besteffort' \
		run --class fast -- true
}

test_unmanaged() {
	check "no session, not required" gives 4 \
		agentcg run --receipt "$tmp/receipt" -- sh -c 'exit 4'
	check "it says so on stderr" grep -q '^agentcg: running unmanaged: ' "$tmp/err"
	check "it says so in the receipt" is "$(field enforced)" false
	check "with the status of CMD" is "$(field exit-code)" 4
	keep receipt "$tmp/receipt"
	try agentcg run --receipt "$tmp/receipt" --label x --tag a=b --mem 5M --burst max \
		--class batch --weight 3 --stall 5ms --on-exhaust kill --restartable -- sh -c 'kill -9 $$'
	check "with the reason" is "$(field reason)" "\"$(sed 's/^[^:]*: running unmanaged: //' "$tmp/err")\""
	check "with all that was declared" grep -qF '"intent":{"mem":5242880,"burst":null,"class":"batch","weight":3,"stall":5000000,"on-exhaust":"kill","restartable":true,"label":"x","tag":["a=b"],"survivors":"reap"}' "$tmp/receipt"
	check "with the signal" is "$(field exit-signal)" 9
	keep receipt "$tmp/receipt"
	check "not found, unmanaged" gives 127 agentcg run --receipt "$tmp/receipt" -- /nonexistent
	keep receipt "$tmp/receipt"
	check "not executable, unmanaged" gives 126 agentcg run -- /etc/passwd
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

	for sig in TERM HUP INT QUIT USR1 USR2 ALRM; do
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

# A container as runtimes make them, with a session around it.
start_container() {
	rm -f "$tmp/ready"
	mkdir "$CG/$TOP/c"
	sh -c 'echo 0 >"$1/cgroup.procs"
exec unshare --cgroup --mount --net --pid --fork --kill-child sh -c "
	mount -t tmpfs none /sys/fs && mkdir \"\$1\" && mount -t cgroup2 -o ro none \"\$1\" &&
	touch \"\$2\" && exec sleep 1000" - "$2" "$3"' - "$CG/$TOP/c" "$CG" "$tmp/ready" &
	container=$!
	await test -e "$tmp/ready" && agentcg session add "/$TOP/c" --adopt --budget 64M
}

# inside COMMAND...: in the container, as runtimes exec.
inside() {
	sh -c 'echo 0 >"$1/cgroup.procs"
ns=/proc/$2/ns
shift 2
exec nsenter --cgroup="$ns/cgroup" --mount="$ns/mnt" --net="$ns/net" --pid="$ns/pid_for_children" -- "$@"' \
		- "$CG/$TOP/c/agent" "$container" "$@"
}

inside_run() { inside agentcg run --require always --mem 8M "$@"; }

test_container() {
	try start_container
	check "a container becomes a session" is "$status" 0
	check "its cgroupfs is read-only" gives 1 inside mkdir "$CG/x"
	check "it says so" says 'Read-only file system'
	check "run in it" gives 5 inside_run --receipt "$tmp/receipt" -- sh -c 'exit 5'
	check "it was a call" is "$(field enforced) $(field exit-code)" 'true 5'
	keep receipt "$tmp/receipt"
	check "nothing is left" no_calls "$TOP/c"
	check "the call is where CMD runs" gives 0 inside_run --name x -- cat /proc/self/cgroup
	check "it shows in its namespace" is "$(grep ^0:: "$tmp/out")" '0::/x'
	check "what outlives CMD" gives 0 inside_run -- sh -c 'sleep 1000 & exit 0'
	check "is killed" no_calls "$TOP/c"
	check "what is to outlive it" gives 0 inside_run --keep -- sh -c 'sleep 2 &'
	check "is left alone" is "$(children "$TOP/c" | wc -w)" 2
	check "and removed once it is empty" await no_calls "$TOP/c"
	try inside_run --name x -- agentcg run --require always --name x -- true
	check "a name that is taken" is "$status" 125
	check "is told" says 'a call named x already'
	check "a refusal leaves nothing" refuses 125 'mem 1073741824' inside_run --mem 1G -- true
	check "no call" no_calls "$TOP/c"
	check "a change from beside it" gives 0 inside_run --name x -- \
		agentcg tool set /x --mem 4M
	check "tool kill from beside it" gives 137 inside_run --name x -- sh -c 'agentcg tool kill /x; sleep 1000'
	check "it is removed when there is time" await no_calls "$TOP/c"
	check "its receipts" shows receipts inside agentcg -j receipt show
	check "are those of its calls" says '"cause":"user-kill"'
	# shellcheck disable=SC2016 # of the shell inside
	check "run is killed" gives 137 inside sh -c 'agentcg run --require always -- sh -c "touch $0; exec sleep 1000" &
while [ ! -e "$0" ]; do sleep 0.1; done
kill -KILL $!
wait $!' "$tmp/gone"
	check "its call is removed" await no_calls "$TOP/c"
	# shellcheck disable=SC2016 # of the shell inside
	try inside bash -c 'for i in 01 02 03 04 05 06 07 08 09 10 12 15; do
	agentcg run --require always -- sleep 1000 &
	sleep "0.$i"
	kill -KILL $!
	wait $!
done'
	check "killed at any moment, it leaves nothing" await no_calls "$TOP/c"
	kill -KILL "$container"
	wait "$container" 2>/dev/null
	check "the session ends with it" gives 0 agentcg session del "/$TOP/c"
}

test_tools() {
	started victim -- sh -c "touch $tmp/ready; exec sleep 1000"
	check "tool show" shows tool agentcg -j tool show "/$S/victim"
	id=$(sed -E 's/^\{"id":([0-9]+),.*/\1/' "$tmp/out")
	check "tool show by id" shows tool agentcg -j tool show "$id"
	check "it is the same call" says "\"path\":\"/$S/victim\""
	check "tool show of a session" shows tools agentcg -j tool show --session "/$S"
	check "it is among them" says "\"id\":$id,"
	check "tool show of all" shows tools agentcg -j tool
	check "calls of no session" refuses 1 'no such session' agentcg tool show --session "/$TOP"
	check "its receipt has to wait" refuses 1 'has not ended' agentcg receipt show "$id"
	check "tool set" shows tool-set agentcg -j tool set "/$S/victim" --mem 4M --class besteffort
	check "tool set by id" shows tool-set agentcg -j tool set "$id" --burst 2M
	check "both are in force" says '"mem":4194304,"burst":2097152,"class":"besteffort"'
	check "tool set above the budget" refuses 1 'mem 1073741824 is above' \
		agentcg tool set "$id" --mem 1G
	check "tool freeze" gives 0 agentcg tool freeze "/$S/victim"
	check "it stands still" await grep -qx 'frozen 1' "$CG/$S/victim/cgroup.events"
	check "that is told" shows tool agentcg -j tool show "/$S/victim"
	check "as frozen" says '"frozen":true'
	check "tool thaw by id" gives 0 agentcg tool thaw "$id"
	check "it goes on" await grep -qx 'frozen 0' "$CG/$S/victim/cgroup.events"
	check "tool freeze of no call" refuses 1 'tool' agentcg tool freeze 1
	check "tool thaw of nothing" refuses 2 'name a CALL' agentcg tool thaw
	check "tool kill" gives 0 agentcg tool kill "/$S/victim"
	ended
	check "a killed call ends with SIGKILL's status" is "$status" 137
	check "its advice tells why" grep -q 'tool kill' "$tmp/err"
	check "tool kill of no call" refuses 1 'tool' agentcg tool kill 1
	started victim -- sh -c "touch $tmp/ready; exec sleep 1000"
	id=$(agentcg -j tool show "/$S/victim" | sed -E 's/^\{"id":([0-9]+),.*/\1/')
	check "tool kill by id" gives 0 agentcg tool kill "$id"
	ended
	check "that one is killed too" is "$status" 137
	check "a call that has ended" refuses 1 'no such tool call alive' agentcg tool show "$id"
}

# A session that ends with its holder, who is killed, or whose stdin is closed.
test_hold() {
	local how
	mkdir -p "$CG/$TOP/h"
	mkfifo "$tmp/hold"
	for how in kill eof; do
		agentcg -j session add "/$TOP/h" --budget 64M --hold <"$tmp/hold" >"$tmp/out" 2>"$tmp/err" &
		pid=$!
		exec 9>"$tmp/hold"
		check "session add --hold ($how)" await test -s "$tmp/out"
		keep session-add "$tmp/out"
		check "it is tied" shows session agentcg -j session show "/$TOP/h"
		check "and says so" says '"owner":true'
		agentcg run --session "/$TOP/h" --receipt "$tmp/receipt" -- sleep 9030 9>&- &
		await runs sleep 9030
		if [ "$how" = kill ]; then kill -KILL "$pid"; fi
		exec 9>&-
		wait "$pid" 2>/dev/null
		check "its call is ended" await runs_not sleep 9030
		wait
		check "and removed" await no_calls "$TOP/h"
		check "the session is no more" await no_session "/$TOP/h"
		check "what is left is taken away" gives 0 agentcg session del "/$TOP/h"
	done
	check "all is put back after it" is "$(children "$TOP/h")" ''
	rmdir "$CG/$TOP/h"
}

# Calls that outgrow the session take turns, wait and overdraw, and end.
test_balance() {
	local i
	for i in 1 2 3; do
		agentcg run --session "/$S" --mem 8M --stall 100ms -- python3 -c '
import time
for size in range(16, 144, 8):
    x = b"x" * (size << 20)
    time.sleep(0.02)' >/dev/null 2>&1 &
	done
	: >"$tmp/shows"
	while [ -n "$(jobs -rp)" ]; do
		agentcg -j session show "/$S" >>"$tmp/shows"
	done
	wait
	check "session show balances under load" accounts_balance "$tmp/shows"
}

# accounts_balance FILE: in every line, and there was something to balance.
accounts_balance() {
	python3 - "$1" <<-'END'
		import json, sys
		shows = [json.loads(line) for line in open(sys.argv[1])]
		print('#', len(shows), 'looks,', sum(show['overdraft'] > 0 for show in shows), 'with an overdraft')
		for show in shows:
		    have = show['budget'] + show['overdraft']
		    used = show['free'] + show['reserved'] + show['granted'] + show['residue']
		    if have != used:
		        sys.exit(f'# {have} is not {used}: {show}')
		sys.exit(not (len(shows) >= 20 and any(show['granted'] > 64 << 20 for show in shows)))
	END
}

test_the_rest() {
	check "info" shows info agentcg -j info
	check "node show" shows node agentcg -j node show
	reserve=$(sed 's/.*"reserve":\([0-9]*\).*/\1/' "$tmp/out")
	check "node set" gives 0 agentcg node set --reserve 100M --capacity 512M
	check "node show after it" shows node agentcg -j node show
	check "both are set" says '"capacity":536870912,"reserve":104857600'
	check "a capacity above the machine" refuses 1 'above the machine' agentcg node set --capacity 1T
	agentcg node set --reserve "$reserve" --capacity 0
	check "a full disk is no success" gives 1 sh -c 'agentcg -j info >/dev/full'
	for object in info node session tool receipt doctor; do
		check "$object as text" gives 0 agentcg "$object"
	done
}

test_events() {
	mkdir "$CG/$TOP/e"
	timeout 60 agentcg -j event --count 10 >"$tmp/all" &
	pid=$!
	sleep 0.5
	agentcg session add "/$TOP/e" --budget 64M
	agentcg session set "/$TOP/e" --weight 5
	agentcg run --session "/$TOP/e" --name watched --label watched --mem 8M -- sh -c "
		agentcg tool set /$TOP/e/watched --burst 5M
		echo 100M >$CG/$TOP/e/watched/memory.high
		agentcg tool set /$TOP/e/watched --burst 6M
		agentcg tool kill /$TOP/e/watched; exec sleep 1000" 2>/dev/null
	agentcg session del "/$TOP/e"
	ended
	grep -v '^{"receipt"' "$tmp/all" >"$tmp/events"
	grep '^{"receipt"' "$tmp/all" >"$tmp/receipts"
	keep event "$tmp/events"
	keep receipt-ntf "$tmp/receipts"
	check "the receipt follows" grep -q '"label":"watched".*"cause":"user-kill"' "$tmp/receipts"
	check "events are JSON lines" \
		is "$(sed -n 's/^{"type":"\([a-z-]*\)".*}$/\1/p' "$tmp/events" | xargs)" \
		'session-added session-changed tool-started tool-changed limit-overwritten tool-changed tool-killed tool-ended session-removed'
	check "with the limit that was in force" \
		grep -q '"type":"tool-ended".*"label":"watched","cause":"user-kill",.*"limit":8388608,' "$tmp/events"
	timeout 60 agentcg event --count 1 >"$tmp/events" &
	pid=$!
	sleep 0.5
	run --label seen -- true
	ended
	check "events as text" grep -q '^[0-9]* tool-started session [0-9]* tool [0-9]* label seen .* limit 8M' "$tmp/events"
	rmdir "$CG/$TOP/e"
}

# The rest of it is in policy_test.sh.
test_policy_json() {
	check "policy load" gives 0 agentcg policy load fair --session "/$S"
	check "policy show" shows policys agentcg -j policy show
	check "policy show of a session" shows policy agentcg -j policy show --session "/$S"
	check "policy unload" gives 0 agentcg policy unload --session "/$S"
	check "policy show without any" shows policys agentcg -j policy show
}

# doctor ITEM KEY: what the doctor says of one thing.
doctor() {
	agentcg -j doctor | python3 -c 'import json, sys
print(next(i for i in json.load(sys.stdin)["items"] if i["name"] == sys.argv[1]).get(sys.argv[2], ""))' "$@"
}

# ok or warn, by whether a file of the kernel is there.
by_file() { if cat "$1" >/dev/null 2>&1; then echo ok; else echo warn; fi; }

test_doctor() {
	check "doctor" shows doctor agentcg -j doctor
	for item in kernel module hook reclaim-watch lifecycle oom-watch fail-open cgroup2 controllers delegation sessions oom-group limits swap; do
		check "it finds nothing: $item" is "$(doctor "$item" state)" ok
	done
	check "btf is what the kernel has" is "$(doctor btf state)" "$(by_file /sys/kernel/btf/agentcg)"
	check "processors are the kernel's own scheduler's" is "$(doctor cpu state)" ok
	check "sched_ext is what the kernel has" is "$(doctor sched-ext state)" "$(by_file /sys/kernel/sched_ext/state)"
	check "psi is what the kernel has" is "$(doctor psi state)" "$(by_file /proc/pressure/memory)"
	check "no swap" is "$(doctor swap text)" 'none: only file cache can be reclaimed from a call'
	# Not on a tmpfs.
	swap=$(mktemp -p /root)
	dd if=/dev/zero of="$swap" bs=1M count=8 status=none
	mkswap "$swap" >/dev/null && swapon "$swap"
	check "swap" grep -q '^8188 KiB' <(doctor swap text)
	swapoff "$swap"
	rm "$swap"
	# mount(8) would add what is there already.
	mount --options-mode ignore -o remount,nsdelegate none "$CG"
	check "a mount option that is missing" is "$(doctor cgroup2 state)" warn
	mount --options-mode ignore -o remount,nsdelegate,memory_recursiveprot none "$CG"
	check "and there again" is "$(doctor cgroup2 state)" ok
	echo 1 >"$CG/$TOP/memory.oom.group"
	check "a group kill above a session" gives 1 agentcg -j doctor
	check "its place" grep -q "1 in /$TOP: .* the agent of /$S " <(doctor oom-group text)
	keep doctor "$tmp/out"
	echo 1 >"$CG/$S/memory.oom.group"
	try agentcg doctor
	check "each of them" is "$(grep -c 'memory.oom.group is 1 in' "$tmp/out")" 2
	echo 0 >"$CG/$S/memory.oom.group"
	echo 0 >"$CG/$TOP/memory.oom.group"
	chown 1000 "$CG/$S/memory.max"
	check "a limit that was given away" gives 1 agentcg -j doctor
	check "whose and which" grep -q "write memory.max of /$S:" <(doctor limits text)
	keep doctor "$tmp/out"
	chown 0 "$CG/$S/memory.max"
	mkdir "$CG/$TOP/given"
	chown 1000 "$CG/$TOP/given/memory.high"
	check "a session whose limit is a tenant's" gives 0 agentcg session add "/$TOP/given" --budget 64M
	check "is warned of" says "warning: others than root may write memory.high of /$TOP/given"
	agentcg session del "/$TOP/given"
	rmdir "$CG/$TOP/given"
	mkdir "$CG/$TOP/plain"
	check "nothing is delegated" is "$(in_cgroup "$TOP/plain/none" doctor delegation state)" warn
	check "a session's is" is "$(in_cgroup "$S/agent" doctor delegation state)" ok
	rmdir "$CG/$TOP/plain/none" "$CG/$TOP/plain"
}

# in_cgroup CGROUP COMMAND...: made when it is not there.
in_cgroup() {
	mkdir -p "$CG/$1"
	(echo 0 >"$CG/$1/cgroup.procs" && shift && "$@")
}

# Somebody, such as systemd, switches the controller off below a session.
test_no_memory() {
	mkdir "$CG/$TOP/m"
	agentcg session add "/$TOP/m" --budget 64M
	echo -memory >"$CG/$TOP/m/cgroup.subtree_control"
	check "a session without memory, not required" gives 0 \
		agentcg run --session "/$TOP/m" --mem 8M -- true
	check "it says why" says 'running unmanaged: tool-set: the memory controller is not enabled'
	check "a session without memory, required" refuses 125 'the memory controller is not enabled' \
		agentcg run --require always --session "/$TOP/m" --mem 8M -- true
	check "no call is left of it" is "$(children "$TOP/m")" 'agent '
	check "the doctor sees it" is "$(doctor sessions state)" bad
	agentcg session del "/$TOP/m"
	check "and that it is over" is "$(doctor sessions state)" ok
	rmdir "$CG/$TOP/m"
}

test_hook_off() {
	echo 0 >/sys/module/agentcg/parameters/hook
	check "the hook is off" gives 1 agentcg -j doctor
	check "the doctor sees it" is "$(doctor hook state) $(doctor fail-open state)" 'bad bad'
	mkdir "$CG/$TOP/h"
	check "no session is added" refuses 1 'hook is off' agentcg session add "/$TOP/h" --budget 64M
	check "calls run unmanaged" gives 4 agentcg run --session "/$S" -- sh -c 'exit 4'
	check "and say so" says 'running unmanaged: tool-set: the over-high hook is off'
}

# The module goes with the session still there. The kernel would load it again
# when somebody asks for its netlink family.
test_no_module() {
	mkdir -p /run/modprobe.d
	echo 'blacklist agentcg' >/run/modprobe.d/agentcg.conf
	rmmod agentcg
	mkdir -p "$CG/$TOP/h"
	check "no module" gives 1 agentcg -j doctor
	keep doctor "$tmp/out"
	check "the doctor has the mend" is "$(doctor module state) $(doctor module mend)" 'bad modprobe agentcg'
	check "no module, not required" gives 4 \
		agentcg run --session "/$S" --receipt "$tmp/receipt" -- sh -c 'exit 4'
	check "it says so" says 'running unmanaged: the agentcg module is not loaded: modprobe agentcg'
	keep receipt "$tmp/receipt"
	check "no module, required" refuses 125 'modprobe agentcg' \
		agentcg run --require always --session "/$S" -- true
	check "no module for a session" refuses 1 'modprobe agentcg' \
		agentcg session add "/$TOP/h" --budget 64M
	check "no module: env" gives 0 agentcg env
	check "env says so" says 'from the cgroup files alone: the agentcg module is not loaded'
	for object in session tool receipt event node info; do
		check "no module: $object" refuses 1 'modprobe agentcg' timeout 20 agentcg "$object"
	done
	check "session del of what is left" gives 0 agentcg -j session del "/$S"
	check "puts all back" is "$(cat "$CG/cgroup.subtree_control")$(children "$S")" "$root_before"
	rm /run/modprobe.d/agentcg.conf
	check "asking loads the module" gives 0 agentcg -j info
}

# Every JSON that was printed, and one of every kind.
# What sched says stands in sched_test.sh.
test_schema() {
	check "all JSON is as the schema says" gives 0 "$HERE/schema-check" "$SCHEMA" \
		"$tmp/json" '!sched' '!sched-stat'
}

# Much more of it in replay_test.sh.
test_replay() {
	check "record" gives 0 agentcg record --output "$tmp/trace" -- sleep 0.2
	check "replay" shows replay agentcg -j replay "$tmp/trace"
	check "of the call that it was" says '"calls":1,"survived":1,"killed":0'
	check "what it needs" shows needs agentcg -j replay --needs "$tmp/trace"
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

thorough test_words
test_sessions
thorough test_refused_sessions
thorough test_group_kill
thorough test_sessions_side_by_side
agentcg session add "/$S" --budget 256M --floor 64M
test_run
thorough test_balance
thorough test_receipts
thorough test_deadlines
thorough test_survivors
thorough test_feedback
thorough test_env
thorough test_save
thorough test_full_disk
thorough test_refused_calls
thorough test_unmanaged
thorough test_permissions
thorough test_signals
test_sudden_ends
test_container
thorough test_tools
thorough test_hold
thorough test_the_rest
thorough test_events
thorough test_policy_json
thorough test_doctor
thorough test_no_memory
thorough test_replay
test_del_with_a_call
agentcg session add "/$S" --budget 256M
thorough test_hook_off
test_no_module
thorough test_schema
tap_end
