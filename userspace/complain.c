// SPDX-License-Identifier: GPL-2.0-only
/* What is said on stderr, see complain.h. */
#include "complain.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

void complain(const char *fmt, ...)
{
	char line[1400];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	/* In one piece, so that lines of concurrent calls do not mix. */
	fprintf(stderr, "agentcg: %s\n", line);
}

const char *error_mend(int err)
{
	switch (err) {
	case -EPERM:
		return " (run it as root)";
	case -EACCES:
		return " (run it as root, or have the cgroup delegated to you)";
	default:
		return "";
	}
}
