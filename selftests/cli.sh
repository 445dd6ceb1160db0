# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Names are shared with the scripts that source this.
# shellcheck disable=SC2034,SC2154,SC2317
# What tests of the command line do: run it, and look at what it says. Sourced,
# after tap.sh; everything goes to the directory $tmp.

CG=/sys/fs/cgroup
tmp=$(mktemp -d)
mkdir "$tmp/json"
kept=0
: >"$tmp/out"
: >"$tmp/err"

# check TEXT COMMAND...: as ok, with what the last command said.
check() {
	ok "$@" || note "out: $(<"$tmp/out")" "err: $(<"$tmp/err")"
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

# keep NAME FILE: JSON of that name, for test_schema.
keep() {
	kept=$((kept + 1))
	cp "$2" "$tmp/json/$1.$kept.json"
}

# shows NAME COMMAND...: passes if the command succeeds, and keeps its JSON.
shows() {
	local name=$1
	shift
	gives 0 "$@" && keep "$name" "$tmp/out"
}

# says WORDS: whether the last command did, on either side.
says() { grep -qF -- "$1" "$tmp/out" "$tmp/err"; }

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

# unloads: rmmod, as long as BPF keeps what was just detached.
unloads() {
	local i
	for ((i = 0; i < 50; i++)); do
		rmmod agentcg 2>/dev/null && return 0
		sleep 0.2
	done
	rmmod agentcg
}
