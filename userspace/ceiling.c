// SPDX-License-Identifier: GPL-2.0-only
/* Whether the limits of a session are the administrator's, see ceiling.h. */
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "ceiling.h"

static bool is_given(int fd, const char *name)
{
	struct stat st;

	return !fstatat(fd, name, &st, 0) &&
	       ((st.st_uid && st.st_mode & S_IWUSR) ||
		(st.st_gid && st.st_mode & S_IWGRP) || st.st_mode & S_IWOTH);
}

const char *limit_given_away(int fd)
{
	static const char *const limits[] = {
		"memory.high", "memory.max", "memory.low", "memory.min",
		"memory.swap.max", "cpu.max", "cpu.weight", "pids.max",
	};
	size_t i;

	for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		if (is_given(fd, limits[i]))
			return limits[i];
	return NULL;
}
