#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# agentcg save and restore: the module is unloaded and loaded again under
# sessions whose calls run on.
# shellcheck disable=SC2317 # check() runs what it is given
set -u
HERE=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
. "$HERE/tap.sh"
. "$HERE/cli.sh"
TOP=save-test
S=$TOP/s
T=$TOP/t
SCHEMA=/usr/share/agentcg/agentcg.schema.json

cleanup() {
	local dir
	rm -f /run/modprobe.d/agentcg.conf
	touch "$tmp/go" "$tmp/go-short"
	for dir in "$CG/$TOP"/*/; do
		[ -d "$dir" ] && agentcg session del "$dir" 2>/dev/null
	done
	find "$CG/$TOP" -name cgroup.kill -exec sh -c 'echo 1 >"$1"' - {} \; 2>/dev/null
	sleep 0.2
	find "$CG/$TOP" -depth -type d -exec rmdir {} \; 2>/dev/null
	agentcg node set --capacity 0 --reserve "$reserve" 2>/dev/null
	rm -rf "$tmp"
}

# of FILE EXPRESSION: of the JSON d in it; session(p) and call(p) find by path.
of() {
	python3 - "$@" <<-'END'
		import json, sys
		d = json.load(open(sys.argv[1]))
		def session(path): return next(s for s in d["sessions"] if s["path"] == path)
		def call(path): return next(c for s in d["sessions"] for c in s["calls"] if c["path"] == path)
		print(json.dumps(eval(sys.argv[2])))
	END
}

# edited STATEMENTS: the file as saved, but for what they do to d, into $tmp/bad.
edited() {
	python3 - "$tmp/saved" "$tmp/bad" "$1" <<-'END'
		import json, sys
		d = json.load(open(sys.argv[1]))
		s = next(s for s in d["sessions"] if s["path"] == "/save-test/s")
		c = next(c for c in s["calls"] if c["path"] == "/save-test/s/live")
		exec(sys.argv[3])
		json.dump(d, open(sys.argv[2], "w"))
	END
}

# started CGROUP NAME GO OPTIONS...: a call in the background that forks all the
# while, and ends with 5 once there is a file GO. Its receipt is in NAME.
started() {
	local cgroup=$1 name=$2 go=$3
	shift 3
	agentcg run --require always --session "/$cgroup" --name "$name" --receipt "$tmp/$name" "$@" -- \
		sh -c "touch $tmp/ready-$name; while [ ! -e $tmp/$go ]; do sleep 0.1; done; exit 5" 2>"$tmp/err-$name" &
	pids[$name]=$!
	await test -e "$tmp/ready-$name"
}

# ended NAME: sets status.
ended() {
	wait "${pids[$1]}"
	status=$?
}

# What is in force, of all that is to be carried over.
in_force() {
	local path=$1
	agentcg -j session show "/$path" | sed -E 's/^.*("budget":.*),"free":.*$/\1/'
	[ ! -d "$CG/$path/live" ] || limits_of "/$path/live"
}

limits_of() { agentcg -j tool show "$1" | sed -E 's/^.*"limits":(\{[^}]*\}).*$/\1/'; }

# The kernel would load it again when somebody asks for its netlink family.
unload() {
	mkdir -p /run/modprobe.d
	echo 'blacklist agentcg' >/run/modprobe.d/agentcg.conf
	rmmod agentcg
}

load() {
	rm -f /run/modprobe.d/agentcg.conf
	modprobe agentcg
}

test_save() {
	check "save" shows save agentcg save "$tmp/saved"
	check "says nothing" is "$(cat "$tmp/out" "$tmp/err")" ''
	keep save "$tmp/saved"
	check "is for its owner only" is "$(stat -c %a "$tmp/saved")" 600
	check "to stdout it is the same" gives 0 agentcg save -
	check "but for nothing" cmp -s "$tmp/out" "$tmp/saved"
	check "on several lines" [ "$(agentcg -p save | wc -l)" -gt 20 ]
	check "what was set of the node" is "$(of "$tmp/saved" 'd["node"]')" '{"reserve": 104857600}'
	check "what was set of a session" is \
		"$(of "$tmp/saved" '[session("/save-test/s")[k] for k in ("budget", "floor", "weight", "max-class")]')" \
		'[268435456, 67108864, 7, "latency"]'
	check "what was declared of a call" is "$(of "$tmp/saved" 'call("/save-test/s/live")["intent"]')" \
		'{"mem": 16777216, "burst": 33554432, "class": "batch", "label": "hello", "tag": ["a=b", "c=d"], "deadline": null, "survivors": "reap"}'
	check "a disk that is full" refuses 1 'it is not saved' agentcg save /dev/full
	check "two files" refuses 2 'not expected' agentcg save "$tmp/a" "$tmp/b"
	check "stdout and a file" refuses 2 'not expected' agentcg save - "$tmp/b"
}

# What is done to the file, and the words it is refused with.
spoils() {
	cat <<'END'
another JSON|no version|d = [1]
no version|no version|del d["version"]
a version that is none|no version|d["version"] = "1"
another version|of version 2, this agentcg reads 1|d["version"] = 2; d["new"] = 1
an unknown key|the file: new is not known|d["new"] = 1
no sessions|sessions is not a list|del d["sessions"]
a session that is none|a session: is not an object|d["sessions"].append(7)
an unknown attribute|bogus is not known|s["bogus"] = 1
no budget|budget is missing|del s["budget"]
a negative budget|budget is too small|s["budget"] = -1
an absurd budget|budget is too large|s["budget"] = 1 << 61
more than JSON has|line 1|s["budget"] = 1 << 80
half a byte|budget is not a whole number|s["budget"] = 0.5
a budget in words|budget is not a whole number|s["budget"] = "256M"
no limit where there must be one|floor is not a whole number|s["floor"] = None
a weight of nothing|weight is too small|s["weight"] = 0
too much weight|weight is too large|s["weight"] = 10001
no class|max-class is no such word|s["max-class"] = "first"
a class in numbers|max-class is not a word|s["max-class"] = 1
no defaults|defaults: is not an object|del s["defaults"]
a deadline of nothing|deadline is too small|s["defaults"]["deadline"] = 0
an absurd stall|stall is too large|s["defaults"]["stall"] = (1 << 63) - 1
no calls|calls is not a list|del s["calls"]
no id|id is not a whole number|del s["id"]
an id that is none|id is too small|s["id"] = 0
a path in numbers|path is missing|s["path"] = 7
a path of another session|is not a call of /save-test/s|c["path"] = "/save-test/t/live"
a path too deep|is not a call of /save-test/s|c["path"] = "/save-test/s/live/x"
no intent|is not an object|del c["intent"]
too many tags|tag has too many|c["intent"]["tag"] = ["a=b"] * 9
a tag that is none|tag is not a text|c["intent"]["tag"] = [1]
a long tag|tag is too long|c["intent"]["tag"] = ["x" * 128]
tags that are no list|tag is not a list|c["intent"]["tag"] = "a=b"
a long label|label is too long|c["intent"]["label"] = "x" * 64
neither|restartable is neither true nor false|c["intent"]["restartable"] = 1
no cause|cause is not a word|del c["cause"]
another cause|cause is no such word|c["cause"] = "boredom"
an absurd begin|begun is too small|c["begun"] = -5
an absurd node|node: capacity is too large|d["node"]["capacity"] = 1 << 62
no path: ''|path is not that of a cgroup|s["path"] = ""
no path: '/'|path is not that of a cgroup|s["path"] = "/"
no path: 'save-test/s'|path is not that of a cgroup|s["path"] = "save-test/s"
no path: '//s'|path is not that of a cgroup|s["path"] = "//s"
no path: '/save-test/'|path is not that of a cgroup|s["path"] = "/save-test/"
no path: '/save-test/../x'|path is not that of a cgroup|s["path"] = "/save-test/../x"
no path: '/save-test/./s'|path is not that of a cgroup|s["path"] = "/save-test/./s"
no path: '/..'|path is not that of a cgroup|s["path"] = "/.."
END
}

# All of them at once: an interpreter takes its time to start.
spoil_all() {
	python3 - "$tmp" 3< <(spoils) <<-'END'
		import copy, json, sys
		saved = json.load(open(sys.argv[1] + "/saved"))
		for number, line in enumerate(open(3)):
		    d = copy.deepcopy(saved)
		    s = next(s for s in d["sessions"] if s["path"] == "/save-test/s")
		    c = next(c for c in s["calls"] if c["path"] == "/save-test/s/live")
		    exec(line.rstrip("\n").split("|", 2)[2])
		    with open(f"{sys.argv[1]}/bad.{number}", "w") as file:
		        json.dump(d, file)
	END
}

test_spoilt_files() {
	local number=0 text words
	spoil_all
	while IFS='|' read -r text words _; do
		check "$text" refuses 2 "$words" agentcg restore "$tmp/bad.$number" </dev/null
		check "with the mend: $text" says 'nothing was done, give the file as agentcg save has written it'
		number=$((number + 1))
	done < <(spoils)
	check "all of them" [ "$number" -gt 40 ]
}

# bad_text TEXT WORDS: the same of what comes from stdin.
bad_text() { check "$1" refuses 2 "$2" agentcg restore <"$tmp/bad"; }

test_bad_files() {
	: >"$tmp/bad"
	bad_text "an empty file" 'stdin: line '
	echo 'not JSON' >"$tmp/bad"
	bad_text "no JSON" 'expected'
	head -c 65536 /dev/zero >"$tmp/bad"
	bad_text "zeros" 'stdin: line '
	head -c 65536 /dev/urandom >"$tmp/bad"
	bad_text "noise" 'stdin: line '
	for ((i = 0; i < 9000; i++)); do printf '['; done >"$tmp/bad"
	bad_text "too deep" 'depth'
	for part in 2 3 4 5 6 7; do
		head -c $(($(stat -c %s "$tmp/saved") * part / 8)) "$tmp/saved" >"$tmp/bad"
		bad_text "cut off at $part of 8" 'stdin: line '
	done
	{ cat "$tmp/saved"; echo '{}'; } >"$tmp/bad"
	bad_text "more than one" 'end of file expected'
	sed 's/"version":1/"version":1,"version":1/' "$tmp/saved" >"$tmp/bad"
	bad_text "a key twice" 'duplicate'
	test_spoilt_files
	check "no file" refuses 2 'name the file that agentcg save has written' agentcg restore /nonexistent
	check "two files to restore" refuses 2 'not expected' agentcg restore "$tmp/a" "$tmp/b"
	check "nothing was done by any of them" is "$(agentcg -j session)" '[]'
	check "nor to the node" is "$(agentcg -j node | sed 's/.*"reserve":\([0-9]*\).*/\1/')" "$reserve"
}

# What happens between the two: a session and a call go, another's cgroup is made
# anew under the same name.
change_what_is_there() {
	agentcg session del "/$TOP/gone" && rmdir "$CG/$TOP/gone"
	agentcg session del "/$TOP/other" && rmdir "$CG/$TOP/other" && mkdir "$CG/$TOP/other"
	touch "$tmp/go-short"
	ended short
}

test_restore() {
	check "restore without the module" refuses 1 'modprobe agentcg' agentcg restore "$tmp/saved"
	change_what_is_there
	load
	test_bad_files
	edited "call = next(c for s in d['sessions'] for c in s['calls'] if c['path'] == '/$T/big')
call['intent']['mem'] = 1 << 30"
	mv "$tmp/bad" "$tmp/saved"
	check "restore" gives 1 agentcg restore "$tmp/saved"
	check "its sum" is "$(<"$tmp/out")" '6 restored, 0 there already, 3 gone, 1 refused'
	check "a session that is gone is told" says "session /$TOP/gone: its cgroup is gone: skipped"
	check "one of the same name is another" says "session /$TOP/other: its cgroup is gone, another one has its name"
	check "it is left alone" is "$(children "$TOP/other")" ''
	check "a call that is gone" says "call /$S/short: its cgroup is gone: skipped"
	check "a call that is refused" says "call /$T/big: tool-set: mem 1073741824 is above the session's budget"
	check "runs on" grep -q . "$CG/$T/big/cgroup.procs"
	check "unmanaged" gives 1 agentcg tool show "/$T/big"
	check "all is in force again" is "$(in_force "$S")" "$before"
	check "the other session too" is "$(in_force "$T")" "$before_t"
	check "the limit is at the call" is "$(cat "$CG/$S/live/memory.high")" 16777216
	check "the node is as it was" is "$(agentcg -j node | sed 's/.*"reserve":\([0-9]*\).*/\1/')" 104857600
	left=$(limits_of "/$S/timed" | sed 's/.*"deadline":\([0-9]*\).*/\1/')
	check "a deadline goes on" [ "$left" -lt 998000000000 ]
	check "from where it was" [ "$left" -gt 500000000000 ]
	check "what has outlived its command is past any" is "$(limits_of "/$S/kept" | sed 's/.*"deadline":\([a-z0-9]*\).*/\1/')" null
	check "the call forks, and is not taken for ended" \
		is "$(agentcg -j tool show "/$S/live" | sed 's/.*"cause":\("[a-z]*"\).*/\1/')" '"running"'
}

test_again() {
	check "a second restore" gives 1 agentcg restore "$tmp/saved"
	check "leaves all alone" is "$(<"$tmp/out")" '0 restored, 6 there already, 3 gone, 1 refused'
	check "and says so" says "session /$S: is there already: left as it is"
	check "all is in force still" is "$(in_force "$S")" "$before"
	agentcg save >"$tmp/second"
	check "what is there, as JSON" shows restore agentcg restore -j - -p <"$tmp/second"
	check "each of it" is "$(grep -o '"state": "there"' "$tmp/out" | wc -l)" 6
}

test_ends() {
	touch "$tmp/go"
	ended live
	check "the call ends as if nothing had been" is "$status" 5
	check "it has a receipt" is "$(sed -E 's/.*("cause":[^,]*,"exit-code":[0-9]*).*/\1/' "$tmp/live")" '"cause":"exit","exit-code":5'
	check "of the module" grep -qF '"enforced":true' "$tmp/live"
	check "with what was declared" grep -qF '"label":"hello","tag":["a=b","c=d"]' "$tmp/live"
	check "nothing is said" is "$(<"$tmp/err-live")" ''
	ended timed
	check "so does the other" is "$status $(grep -cF '"enforced":true' "$tmp/timed")" '5 1'
	ended big
	check "and the refused one" is "$status $(grep -cF '"enforced":false' "$tmp/big")" '5 1'
	check "what was kept is there still" kill "$(pgrep -xf 'sleep 2000')"
	check "no call is left" await no_calls "$S"
}

# A session that is refused keeps its leaf and its controllers.
test_refused_session() {
	unload
	load
	edited 's["budget"] = 4096'
	check "a session that is refused" gives 1 agentcg restore "$tmp/bad"
	check "is told" says "session /$S: "
	check "keeps what it had" is "$(children "$S") $(cat "$CG/$S/cgroup.subtree_control")" 'agent  cpu memory pids'
	check "and can be restored" gives 1 agentcg restore "$tmp/saved"
	check "then" says '1 restored, 2 there already'
}

test_schema() {
	local list
	list=$(find "$tmp/json" -name '*.json' | wc -l)
	check "all $list JSON are as the schema says" python3 - "$SCHEMA" "$tmp/json" <<-'END'
		import glob, json, os, sys, jsonschema
		schema = json.load(open(sys.argv[1]))
		for path in glob.glob(sys.argv[2] + "/*.json"):
		    name = os.path.basename(path).split(".")[0]
		    text = open(path).read()
		    if text:
		        jsonschema.Draft202012Validator({"$ref": "#/$defs/" + name, "$defs": schema["$defs"]}).validate(json.loads(text))
	END
}

declare -A pids
modprobe agentcg
reserve=$(agentcg -j node | sed 's/.*"reserve":\([0-9]*\).*/\1/')
trap cleanup EXIT
mkdir -p "$CG/$S" "$CG/$T" "$CG/$TOP/gone" "$CG/$TOP/other"
agentcg node set --reserve 100M
agentcg session add "/$S" --budget 256M --floor 64M --class latency --weight 7 --mem 9M --deadline 1000 --stall 3s --max-hold 90s --jitter 2ms
agentcg session add "/$T" --budget 64M
agentcg session add "/$TOP/gone" --budget 16M
agentcg session add "/$TOP/other" --budget 16M
# The first has no deadline: what is left of one is never the same.
started "$S" live go --mem 16M --burst 32M --class batch --label hello --tag a=b --tag c=d --deadline max
started "$S" timed go --mem 8M
started "$S" short go-short --mem 8M
started "$T" big go --mem 24M
agentcg run --session "/$S" --name kept --keep --mem 4M --deadline 5s -- sh -c 'sleep 2000 & exit 0' 2>/dev/null
before=$(in_force "$S")
before_t=$(in_force "$T")
test_save
unload
test_restore
test_again
test_ends
test_refused_session
test_schema
tap_end
