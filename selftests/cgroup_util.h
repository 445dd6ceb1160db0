/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Cgroups for the tests.  All of them live below one directory of their own,
 * which is swept before each test, so that one that died leaves nothing.
 *
 * Functions return 0 or a negative errno unless they say otherwise.
 */
#ifndef SELFTESTS_CGROUP_UTIL_H
#define SELFTESTS_CGROUP_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CG_ROOT		"/sys/fs/cgroup"
#define CG_BASE		CG_ROOT "/agentcg-selftests"
#define CG_PATH_MAX	256

/* Makes CG_BASE anew, with memory, cpu and pids for its children. */
int cg_sweep(void);
int cg_make(const char *path);
/* Enables memory, cpu and pids for the children. */
int cg_feed(const char *path);
/* Kills everything inside and removes it with all below. */
int cg_remove(const char *path);
uint64_t cg_id(const char *path);
int cg_open(const char *path);

int cg_write(const char *path, const char *file, const char *value);
int cg_write_u64(const char *path, const char *file, uint64_t value);
/* Without the newline; empty when it cannot be read. */
const char *cg_read(const char *path, const char *file, char *buf, size_t len);
/* UINT64_MAX for "max". */
uint64_t cg_read_u64(const char *path, const char *file);
/* A value of a flat keyed file. */
uint64_t cg_read_key(const char *path, const char *file, const char *key);
/* Whether the kernel has it. */
bool cg_has_controller(const char *name);
/* Until @key of @file is @value. */
int cg_wait_key(const char *path, const char *file, const char *key,
		uint64_t value, int ms);
int cg_wait_empty(const char *path, int ms);

/* A child process that begins in the cgroup; dies with its parent. */
pid_t cg_spawn(int cgroup_fd, int (*fn)(void *arg), void *arg);

#endif /* SELFTESTS_CGROUP_UTIL_H */
