# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# TAP for test scripts. Sourced.

tap_number=0
tap_failed=0

# ok TEXT COMMAND...: passes if the command does.
ok() {
	local text=$1
	shift
	tap_number=$((tap_number + 1))
	if "$@"; then
		echo "ok $tap_number - $text"
	else
		tap_failed=1
		echo "not ok $tap_number - $text"
		return 1
	fi
}

skip() {
	tap_number=$((tap_number + 1))
	echo "ok $tap_number - $1 # SKIP $2"
}

# note TEXT...: for the reader of a failure.
note() {
	printf '%s\n' "$@" | sed 's/^/# /'
}

tap_end() {
	echo "1..$tap_number"
	exit "$tap_failed"
}
