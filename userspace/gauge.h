/* SPDX-License-Identifier: GPL-2.0-only */
/* What a cgroup uses, read from its files. */
#ifndef AGENTCG_GAUGE_H
#define AGENTCG_GAUGE_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct gauge - What a cgroup and all below it use.
 * @anon: bytes that nothing can reclaim without swap: anonymous and tmpfs.
 * @file: bytes of page cache.
 * @cpu: CPU time so far, in nanoseconds.
 * @nproc: processes.
 */
struct gauge {
	uint64_t anon;
	uint64_t file;
	uint64_t cpu;
	uint32_t nproc;
};

/** gauge_read() - Read a cgroup by its directory; false when it is gone. */
bool gauge_read(int dirfd, struct gauge *gauge);

/**
 * gauge_key() - A number of a file of "key value" lines.
 * @dirfd: directory of the cgroup.
 * @name: of the file.
 * @key: the key.
 *
 * Return: the number, 0 when there is none.
 */
uint64_t gauge_key(int dirfd, const char *name, const char *key);

/** gauge_number() - The number in a file, 0 when there is none. */
uint64_t gauge_number(int dirfd, const char *name);

/**
 * gauge_stall() - How long something in a cgroup has waited for memory.
 *
 * Return: nanoseconds, UINT64_MAX when the kernel does not tell.
 */
uint64_t gauge_stall(int dirfd);

#endif /* AGENTCG_GAUGE_H */
