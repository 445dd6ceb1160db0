# SPDX-License-Identifier: GPL-2.0-only
# What the benches share that have one guest at a time.
# shellcheck shell=bash

# shellcheck disable=SC2034 # of a guest, seconds
LONGEST=7200
# Seconds between two signs of life.
ALIVE=30

clean_up() {
	local rc=$?
	trap '' INT TERM HUP
	[ -z "${child:-}" ] || kill "$child" 2>/dev/null || :
	wait 2>/dev/null || :
	[ -z "${dir:-}" ] || rm -rf "$dir"
	exit "$rc"
}

# In the background, so that a signal is acted on at once. The guest is left
# alone while it measures, so it is here that a sign of life comes from.
run() {
	local rc=0 begin=$SECONDS told=0 since
	"$@" <&0 &
	child=$!
	while kill -0 "$child" 2>/dev/null; do
		sleep 0.5
		since=$((SECONDS - begin))
		[ $((since - told)) -ge "$ALIVE" ] || continue
		told=$since
		say "... $since s"
	done
	wait "$child" || rc=$?
	child=
	return "$rc"
}
