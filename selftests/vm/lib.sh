# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Names are shared with the scripts that source this; they run under set -e.
# shellcheck disable=SC2034,SC2154,SC2164
# What every script of the rig shares: messages, the cache, running things
# contained. Sourced, never run.

TOP=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)
CACHE=${AGENTCG_CACHE:-${HOME:-/root}/.cache/agentcg}
PROG=${PROG:-vm}
export LC_ALL=C.UTF-8

# The rig's own failures are told apart from a command's by this status.
RIG_FAILED=125
# And so is what the emulator does wrong now and then.
RIG_AGAIN=123

say() {
	printf '%s: %s\n' "$PROG" "$*" >&2
}

die() {
	say "$*"
	exit "$RIG_FAILED"
}

need_super_user() {
	[ "$(id -u)" = 0 ] || die "must run as root (it makes chroots): use sudo"
}

# mkdir first: on a full or read-only disk this is the earliest place to say so.
need_cache_dir() {
	mkdir -p "$CACHE" 2>/dev/null ||
		die "cannot create the cache $CACHE: set AGENTCG_CACHE to a directory that can be written"
	CACHE=$(cd -- "$CACHE" && pwd -P)
	export AGENTCG_CACHE=$CACHE
}

need_space() {
	local want_mb=$1 have_mb
	have_mb=$(df -Pm "$CACHE" | awk 'NR == 2 { print $4 }')
	[ "$have_mb" -ge "$want_mb" ] ||
		die "disk full: $want_mb MB are needed in $CACHE, $have_mb MB are free: make room or set AGENTCG_CACHE"
}

# Runs a command in mount and PID namespaces of its own. Whatever way this
# script or the command dies, all that the command started dies with it and no
# mount is left behind.
contained() {
	exec setpriv --pdeathsig KILL -- \
		unshare --mount --propagation private --pid --fork --kill-child --mount-proc \
		-- "$@"
}

# One line for the usual reasons, so that nobody has to read a package
# manager's log to learn that the disk is full.
explain_failure() {
	local what=$1 log=$2 why
	if grep -qi 'No space left on device\|not enough free space' "$log"; then
		why="disk full: make room in $CACHE or set AGENTCG_CACHE"
	elif grep -qi 'Temporary failure resolving\|Could not resolve\|Could not connect\|Unable to connect\|Connection timed out\|Network is unreachable\|Connection refused\|Connection failed' "$log"; then
		why="no network or mirror down: check that 'apt-get update' works, then try again"
	elif grep -q 'NO_PUBKEY\|signatures couldn.t be verified\|is not signed' "$log"; then
		why="the archive's key is unknown: apt-get install --only-upgrade debian-archive-keyring"
	elif grep -qi 'Failed to fetch\|Hash Sum mismatch\|404 *Not Found\|Unable to fetch' "$log"; then
		why="a download failed: try again; if it stays so, run 'apt-get update'"
	else
		why="see $log: $({ grep -a '^E: \|error:' "$log" || grep -av '^[[:space:]]*$' "$log" | tail -n 1; } | head -n 1 | cut -c1-200)"
	fi
	die "$what failed: $why"
}

# step TEXT COMMAND...: runs a long command quietly, saying every few seconds
# that it is alive. The command's output is kept only if it fails.
step() {
	local text=$1 log rc=0 begin=$SECONDS shown=0 since
	shift
	mkdir -p "$CACHE/log" 2>/dev/null
	log=$CACHE/log/$(tr -cs 'a-z0-9\n' - <<<"${text,,}" | cut -c1-40).$$.log
	: >"$log" 2>/dev/null || die "disk full: cannot write to $CACHE: make room or set AGENTCG_CACHE"
	say "$text ..."
	(contained "$@") </dev/null >"$log" 2>&1 &
	step_pid=$!
	while kill -0 "$step_pid" 2>/dev/null; do
		sleep 0.2
		since=$((SECONDS - begin))
		[ $((since - shown)) -lt 10 ] && continue
		shown=$since
		say "$text ... $since s: $(tail -c 300 "$log" | tr '\r' '\n' | grep -av '^[[:space:]]*$' | tail -n 1 | cut -c1-70)"
	done
	wait "$step_pid" || rc=$?
	step_pid=
	[ "$rc" = 0 ] || explain_failure "$text" "$log"
	rm -f "$log"
	say "$text: done in $((SECONDS - begin)) s"
}

# Background commands of a script ignore the terminal's Ctrl-C.
kill_step() {
	[ -z "${step_pid:-}" ] || kill -KILL "$step_pid" 2>/dev/null
}

# with_lock FILE COMMAND...: the lock goes when the process ends, however it ends.
with_lock() {
	local file=$1 fd rc=0
	shift
	exec {fd}>"$file"
	if ! flock -n "$fd"; then
		say "waiting for another run that holds $(basename "$(dirname "$file")")/$(basename "$file")"
		flock "$fd"
	fi
	"$@" || rc=$?
	exec {fd}>&-
	return "$rc"
}

# cached KIND KEY SPACE_MB BUILDER TEXT: sets PART to the finished directory of
# that kind. The name holds a hash of the recipe, so a changed recipe never
# meets an old result; the rename at the end is what makes it exist.
cached() {
	local kind=$1 key=$2 space=$3 builder=$4 text=$5 hash
	hash=$({ declare -f "$builder" && printf '%s\n' "$key"; } | sha256sum | cut -c1-12)
	PART=$CACHE/$kind/$hash
	if [ ! -d "$PART" ]; then
		mkdir -p "$CACHE/$kind"
		with_lock "$CACHE/$kind/lock" make_part "$space" "$builder" "$text"
	fi
	touch -c "$PART" "$CACHE/$kind" 2>/dev/null || :
}

make_part() {
	local space=$1 builder=$2 text=$3 tmp
	[ ! -d "$PART" ] || return 0
	need_space "$space"
	case $builder in build_root|build_image) need_mirror ;; esac
	tmp=$(dirname "$PART")/unfinished
	# A kernel build goes on where it was broken off; all else begins again.
	[ "$builder" = build_kernel ] || rm -rf --one-file-system "$tmp"
	mkdir -p "$tmp"
	step "$text" "$HERE/inside" "$builder" "$tmp"
	mv "$tmp" "$PART"
	forget_old_parts
}

# Parts of recipes nobody asked for in two weeks.
forget_old_parts() {
	find "$(dirname "$PART")" -mindepth 1 -maxdepth 1 -type d -mtime +14 \
		-not -path "$PART" -exec rm -rf --one-file-system {} +
}
