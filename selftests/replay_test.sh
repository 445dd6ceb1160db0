#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# record and replay on a real kernel: what is recorded of an agent and its
# calls, what a replay does with it in each arm, what is refused, and that
# nothing is left whatever ends them.
# shellcheck disable=SC2317 # check() runs what it is given
set -u
HERE=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
. "$HERE/tap.sh"
. "$HERE/cli.sh"
cd "$tmp" || exit 1

# tells EXPRESSION: whether it is true of the JSON of the last command, as d.
tells() { python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); sys.exit(not eval("(" + sys.argv[2] + ")"))' "$tmp/out" "$1"; }

# recorded FILE EXPRESSION: whether it is true of a trace; calls by their name.
recorded() {
	python3 -c 'import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
meta, samples = lines[:2]
calls = {line["tool"]: line for line in lines[2:]}
sys.exit(not eval(sys.argv[2]))' "$1" "$2"
}

# What a replay or a record could leave behind.
left() {
	find "$CG" -maxdepth 1 -name 'agentcg-re*' -printf '%f '
	pgrep -x 'agentcg-call|agentcg-agent' | tr '\n' ' '
	agentcg -j session show | tr -d '[]'
	cat "$CG/cgroup.subtree_control"
	agentcg -j node show | grep -o '"capacity":[0-9]*'
}

nothing_left() { is "$(left)" "$before"; }
is_playing() { pgrep -x agentcg-call; }

# Two calls; the first grows to 64 MB beside an agent of 8.
cat >small.jsonl <<'END'
{"k":"meta","v":1,"task":"small","n_samples":7,"n_tools":2}
{"k":"samples","t":[0,0.5,1,1.5,2,2.5,3],"mem_mb":[8,8,40,72,8,20,8],"cpu_pct":[0,10,20,20,0,10,0]}
{"k":"tool","s":0.75,"e":1.75,"tool":"Bash"}
{"k":"tool","s":2.25,"e":2.75,"tool":"Read"}
END
# A call of a minute, in which there is much to be interrupted.
cat >long.jsonl <<'END'
{"k":"meta","v":1,"task":"long","n_samples":3,"n_tools":1}
{"k":"samples","t":[0,1,60],"mem_mb":[8,20,30]}
{"k":"tool","s":0.1,"e":60,"tool":"Bash"}
END
# Calls that have their own columns, one beside another; the third reads a file.
cat >own.jsonl <<'END'
{"k":"meta","v":2,"task":"own","n_samples":2,"n_tools":3}
{"k":"samples","t":[0,3],"anon_mb":[8,8],"file_mb":[0,0],"nproc":[1,1]}
{"k":"tool","s":0.2,"e":1.8,"tool":"a","t":[1,1.8],"anon_mb":[10,16],"file_mb":[0,0],"nproc":[1,1]}
{"k":"tool","s":0.3,"e":1.9,"tool":"b","t":[1.9],"anon_mb":[12],"file_mb":[0],"nproc":[1]}
{"k":"tool","s":2,"e":2.8,"tool":"c","t":[2.8],"anon_mb":[4],"file_mb":[64],"nproc":[1]}
END

# Two calls of 38 chunks beside each other.
cat >pair.jsonl <<'END'
{"k":"meta","v":2,"task":"pair","n_samples":2,"n_tools":2}
{"k":"samples","t":[0,3],"anon_mb":[8,8],"file_mb":[0,0],"nproc":[1,1]}
{"k":"tool","s":0.2,"e":2.2,"tool":"a","t":[0.7,2.2],"anon_mb":[40,40],"file_mb":[0,0],"nproc":[1,1]}
{"k":"tool","s":0.9,"e":2.9,"tool":"b","t":[2.9],"anon_mb":[40],"file_mb":[0],"nproc":[1]}
END

test_record() {
	# shellcheck disable=SC2016 # for the shell that is recorded
	check "record" gives 7 agentcg record --interval 20ms --output r.jsonl -- sh -c '
		echo out; sleep 0.2
		agentcg run --require always --label eater -- python3 -c "
import time
x = bytearray(48 << 20)
time.sleep(0.5)"
		agentcg run --require always --label brief -- true
		agentcg run --require always --label fails -- false
		exit 7'
	check "the command has its output" grep -qx out "$tmp/out"
	check "one line tells of it" grep -q '^agentcg: r.jsonl: .* 3 calls, ' "$tmp/err"
	check "it is of version 2" recorded r.jsonl 'meta["v"] == 2 and meta["interval_s"] == 0.02'
	check "its calls by their labels" recorded r.jsonl 'sorted(calls) == ["brief", "eater", "fails"]'
	check "their order" recorded r.jsonl 'calls["eater"]["e"] <= calls["brief"]["s"] <= calls["fails"]["s"]'
	check "what a call used" recorded r.jsonl '50 < max(calls["eater"]["anon_mb"]) < 80'
	check "for how long" recorded r.jsonl 'calls["eater"]["e"] - calls["eater"]["s"] >= 0.5'
	check "which of them failed" recorded r.jsonl '"err" in calls["fails"] and "err" not in calls["eater"]'
	check "the whole is no less than a call" recorded r.jsonl 'max(samples["anon_mb"]) >= max(calls["eater"]["anon_mb"])'
	check "nothing is left" nothing_left
	check "what was recorded is replayed" gives 0 agentcg -j replay --speed 4 r.jsonl
	check "all of its calls" tells 'd["total"]["survived"] == 3 and d["demand"] > 50e6'

	check "record a command that makes no calls" gives 0 agentcg record --output w.jsonl -- \
		python3 -c 'import time; x = b"x" * (32 << 20); time.sleep(1)'
	check "it is the call" recorded w.jsonl 'list(calls) == ["python3"] and max(calls["python3"]["anon_mb"]) > 30'
	check "a signal ends it" gives 143 agentcg record --output s.jsonl -- sh -c 'kill $$'
	check "that is recorded, too" recorded s.jsonl '"err" in calls["sh"]'
	check "nothing is left again" nothing_left
}

test_record_refusals() {
	check "no command" refuses 125 'no command' agentcg record
	check "a command that is not there" refuses 127 'No such file' agentcg record -- /no/such
	check "a command that is no program" refuses 126 'Permission denied' agentcg record -- /etc/passwd
	check "an interval that is too short" refuses 125 'use 5ms or more' agentcg record --interval 1ms -- true
	check "a file that cannot be written" refuses 125 'name a file that can be written' \
		agentcg record --output /no/such/file -- true
	check "something that is no file" refuses 125 'name a file' agentcg record --output /dev/null -- true
	check "which is what it was" test -c /dev/null
	check "a parent that is not there" refuses 125 'mkdir' agentcg record --parent /none -- true
	check "nothing is left of refusals" nothing_left
}

test_arms() {
	local arm arms=(agentcg none static high)
	[ -z "$slow" ] || arms=(agentcg)
	for arm in "${arms[@]}"; do
		check "replay, arm $arm" gives 0 agentcg -j replay --arm "$arm" --speed 2 --memory 256M small.jsonl
		check "$arm: everybody survives" tells 'd["total"]["survived"] == 2 == d["total"]["calls"] and
			d["total"]["agents-survived"] == 1'
		check "$arm: every allocation counts" tells 'd["total"]["allocations"] == 8 + 61 + 11'
		check "$arm: the latencies are in order" tells '0 < d["total"]["latency"]["median"] <=
			d["total"]["latency"]["p95"] <= d["total"]["latency"]["p99"] <= d["total"]["latency"]["max"]'
		check "$arm: it takes no less than the trace" tells 'd["total"]["completion"] >= d["total"]["alone"] == 1.5e9'
		check "$arm: it had the memory" tells '64e6 < d["sessions"][0]["peak"] < 90e6'
		check "$arm: nothing is left" nothing_left
	done
}

test_more() {
	check "two, one later" gives 0 agentcg -j replay --arm none --speed 2 small.jsonl --offset 3s small.jsonl
	check "the sum is of both, the demand of one" tells 'd["sum"] == 2 * d["demand"]'
	check "the whole is longer by the offset" tells 'd["total"]["completion"] >= d["sessions"][1]["completion"] + 3e9'
	check "calls with columns of their own" gives 0 agentcg -j replay --scratch /root own.jsonl
	check "two run beside each other" tells 'd["demand"] == (8 + 15 + 11) << 20 and d["total"]["survived"] == 3'
	# Under agentcg what is read need not stay.
	check "one that reads a file" gives 0 agentcg -j replay --arm none --scratch /root own.jsonl
	check "has it in its cache" tells 'd["sessions"][0]["peak"] > (8 + 4 + 61) << 20'
	check "played alone before" gives 0 agentcg -j replay --arm none --solo --speed 2 small.jsonl
	check "that is told" tells 'd["solo"] and d["total"]["alone"] > 1.5e9'
	check "as text" gives 0 agentcg replay --arm none --speed 2 small.jsonl
	check "a line for each and one for all" is "$(grep -cE '^(small.jsonl|total) ' "$tmp/out")" 2
}

# What the arms are for: there is too little.
test_shortage() {
	local speed=0.5
	[ -z "$slow" ] || speed=0.2
	check "a call above memory.max" gives 0 agentcg -j replay --arm static --budget 48M small.jsonl
	check "is killed, its agent is not" tells 'd["total"]["killed"] == 1 == d["total"]["survived"] and
		d["total"]["agents-survived"] == 1'
	check "a call above memory.high" gives 0 agentcg -j replay --arm high --budget 48M --longest 6s small.jsonl
	check "is cut off" tells 'd["cut"] and d["total"]["completion"] is None and d["total"]["lost"] >= 1'
	check "two calls that do not fit, under agentcg" gives 0 agentcg -j replay --speed "$speed" --budget 72M --stall 60s pair.jsonl
	check "one waits for the other, and both survive" tells 'd["total"]["survived"] == 2 and
		d["total"]["held"] > 100e6 and d["total"]["stall"] > 100e6 and d["sessions"][0]["peak"] < 80 << 20'
	check "in time that shows" tells 'd["total"]["completion"] > d["total"]["alone"] + 100e6'
	check "an agent larger than its limit" gives 0 agentcg -j replay --arm static --budget 4M small.jsonl
	check "is killed, its calls are lost" tells 'd["total"]["agents-survived"] == 0 and d["total"]["lost"] == 2 and
		d["total"]["completion"] is None'
	check "nothing is left of shortage" nothing_left
}

test_refusals() {
	local half
	half=$(($(stat -c %s small.jsonl) - 10))
	head -c "$half" small.jsonl >cut.jsonl
	head -n 3 small.jsonl >short.jsonl
	sed 's/"t":\[0,0.5,1,/"t":[0,1,0.5,/' small.jsonl >order.jsonl
	sed 's/"mem_mb":\[8,/"mem_mb":[-8,/' small.jsonl >negative.jsonl
	sed 's/"mem_mb":\[8,/"mem_mb":[8e99,/' small.jsonl >absurd.jsonl
	sed 's/"v":1/"v":9/' small.jsonl >version.jsonl
	sed 's/"mem_mb":\[8,8,40/"mem_mb":[8,8,40000000/' small.jsonl >large.jsonl
	: >empty.jsonl
	check "a trace that is truncated" refuses 1 'cut.jsonl: line 4: breaks off: the file is cut off' agentcg replay cut.jsonl
	check "truncated between lines" refuses 1 'short.jsonl: line 3: is the last, and there are 1 calls where the meta line tells of 2' \
		agentcg replay short.jsonl
	check "out of order" refuses 1 'out of order' agentcg replay order.jsonl
	check "with negative values" refuses 1 'mem_mb is -8: it cannot be below 0' agentcg replay negative.jsonl
	check "with absurd values" refuses 1 'mem_mb is 8e+99: nothing is above' agentcg replay absurd.jsonl
	check "of an unknown version" refuses 1 'version 9: this program knows 1 and 2' agentcg replay version.jsonl
	check "that is not JSON" refuses 1 'line 1: is not JSON' agentcg replay /etc/passwd
	check "that is empty" refuses 1 'empty.jsonl: it is empty' agentcg replay empty.jsonl
	check "that is a program" refuses 1 'line 1' agentcg replay /bin/true
	check "that is a directory" refuses 1 'Is a directory' agentcg replay /tmp
	check "that is not there" refuses 1 'No such file' agentcg replay none.jsonl
	check "a good one beside a bad one" refuses 1 'it is empty' agentcg replay small.jsonl empty.jsonl
	check "larger than the machine" refuses 1 'the sessions may need 72.7T together (large.jsonl 36.3T + large.jsonl 36.3T)' \
		agentcg replay large.jsonl large.jsonl
	check "what it would need is told" gives 0 agentcg -j replay --needs --offset 1s large.jsonl --offset 2s large.jsonl
	check "in numbers" tells 'd["sum"] == 2 * d["sessions"][0]["peak"] > 70 << 40 and
		d["sessions"][1]["offset"] == 2e9 and d["sessions"][0]["length"] == 3e9'
	check "and who waits for whom" tells 'all(c["call"] < len(s["calls"]) for s in d["sessions"]
		for c in s["cues"] if c["kind"] == "call") and d["sessions"][0]["cues"][-1]["kind"] == "end"'
	check "and in words" gives 0 agentcg replay --needs large.jsonl
	check "a limit larger than the machine" refuses 1 '--memory 5T is more than the' agentcg replay --memory 5T small.jsonl
	check "no trace" refuses 2 'no trace' agentcg replay
	check "no such arm" refuses 2 'use agentcg, none, static or high' agentcg replay --arm x small.jsonl
	check "an arm that needs a limit" refuses 2 'give --memory, or --budget' agentcg replay --arm static small.jsonl
	check "a speed of nothing" refuses 2 'not a number from 0.01 to 1000' agentcg replay --speed 0 small.jsonl
	check "a speed that is no number" refuses 2 'not a number' agentcg replay --speed fast small.jsonl
	check "a floor above the budget" refuses 1 'floor' agentcg replay --speed 0.01 --budget 64M --floor 128M small.jsonl
	check "a player that nobody started" refuses 2 'for agentcg replay only' agentcg player agent
	mkdir "$CG/other"
	agentcg session add /other --budget 32M
	check "a limit beside another session" refuses 1 'the 1 other session of this machine' \
		agentcg replay --speed 0.01 --memory 64M small.jsonl
	check "the other is there still" gives 0 agentcg session del /other
	rmdir "$CG/other"
	check "nothing is left of refusals to replay" nothing_left
	check "too fast for this machine" gives 0 agentcg replay --arm none --speed 1000 small.jsonl
	check "is told, with what is slow enough" grep -q 'warning: at speed 1000 the traces need 800M of new memory a second .* it will be late by itself; --speed [0-9.e+]* is slow enough' "$tmp/err"
}

# ended SIGNAL COMMAND...: a replay or record that is playing, by this signal.
ended() {
	local signal=$1
	shift
	env --default-signal=INT "$@" >"$tmp/out" 2>"$tmp/err" &
	pid=$!
	await is_playing || return 1
	kill "-$signal" "$pid"
	wait "$pid"
	status=$?
}

test_sudden_ends() {
	local arm
	for arm in agentcg none; do
		check "$arm: interrupted while it plays" ended INT agentcg replay --arm "$arm" --memory 128M long.jsonl long.jsonl
		check "$arm: its status tells" is "$status" 130
		check "$arm: nothing is left at once" nothing_left
		check "$arm: killed while it plays" ended KILL agentcg replay --arm "$arm" --memory 128M long.jsonl long.jsonl
		check "$arm: that was a SIGKILL" is "$status" 137
		check "$arm: nothing is left soon" await nothing_left
	done
	agentcg -j replay --arm none long.jsonl >"$tmp/out" 2>"$tmp/err" &
	pid=$!
	await is_playing
	pkill -KILL -x agentcg-agent
	wait "$pid"
	check "an agent that is killed is told" tells 'd["total"]["agents-survived"] == 0 and d["total"]["lost"] == 1'
	check "nothing is left of it" nothing_left
	agentcg record --output k.jsonl -- sh -c 'agentcg run -- sleep 1000' >"$tmp/out" 2>"$tmp/err" &
	pid=$!
	await pgrep -x sleep
	kill -KILL "$pid"
	wait "$pid"
	check "record, killed: nothing is left soon" await nothing_left
	check "nor what it ran" is "$(pgrep -x sleep)" ''
}

test_no_module() {
	mkdir -p /run/modprobe.d
	echo 'blacklist agentcg' >/run/modprobe.d/agentcg.conf
	rmmod agentcg
	before=$(left 2>/dev/null)
	check "without the module" refuses 1 'modprobe agentcg, or choose another --arm' agentcg replay --speed 0.01 small.jsonl
	check "other arms play" gives 0 agentcg -j replay --arm none --speed 2 small.jsonl
	check "as they do with it" tells 'd["total"]["survived"] == 2'
	check "record tells" gives 0 agentcg record --output n.jsonl -- true
	check "why there are no calls" grep -q 'does not answer' "$tmp/err"
	check "nothing is left without it" is "$(left 2>/dev/null)" "$before"
	rm -f /run/modprobe.d/agentcg.conf
	modprobe agentcg
}

trap 'rm -rf "$tmp"' EXIT
: >"$tmp/out"
: >"$tmp/err"
modprobe agentcg
before=$(left)
# What is the same on every kernel need not be tried where all is checked and slow.
case $(uname -r) in
*debug*) slow=1 ;;
*) slow='' ;;
esac
thorough() { [ -n "$slow" ] || "$@"; }

test_record
thorough test_record_refusals
test_arms
thorough test_more
test_shortage
thorough test_refusals
test_sudden_ends
thorough test_no_module
tap_end
