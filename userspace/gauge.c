// SPDX-License-Identifier: GPL-2.0-only
#include "gauge.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "files.h"

static uint64_t find_key(const char *text, const char *key)
{
	size_t len = strlen(key);
	uint64_t value = 0;
	const char *at;

	for (at = text; at; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (strncmp(at, key, len) || at[len] != ' ')
			continue;
		sscanf(at + len, "%" SCNu64, &value);
		break;
	}
	return value;
}

uint64_t gauge_key(int dirfd, const char *name, const char *key)
{
	char text[8192];

	read_text(dirfd, name, text, sizeof(text));
	return find_key(text, key);
}

uint64_t gauge_number(int dirfd, const char *name)
{
	char text[64];
	uint64_t value = 0;

	if (read_text(dirfd, name, text, sizeof(text)) > 0)
		sscanf(text, "%" SCNu64, &value);
	return value;
}

bool gauge_read(int dirfd, struct gauge *gauge)
{
	char text[8192];
	uint64_t shmem, file;

	if (read_text(dirfd, "memory.stat", text, sizeof(text)) <= 0)
		return false;
	/* The kernel counts tmpfs among the files. */
	shmem = find_key(text, "shmem");
	file = find_key(text, "file");
	gauge->anon = find_key(text, "anon") + shmem;
	gauge->file = file > shmem ? file - shmem : 0;
	gauge->cpu = gauge_key(dirfd, "cpu.stat", "usage_usec") * 1000;
	gauge->nproc = (uint32_t)gauge_number(dirfd, "pids.current");
	return true;
}

uint64_t gauge_stall(int dirfd)
{
	char text[256];
	uint64_t total;
	char *at;

	if (read_text(dirfd, "memory.pressure", text, sizeof(text)) <= 0)
		return UINT64_MAX;
	at = strstr(text, "total=");
	if (!at || sscanf(at, "total=%" SCNu64, &total) != 1)
		return UINT64_MAX;
	return total * 1000;
}
