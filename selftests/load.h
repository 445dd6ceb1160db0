/* SPDX-License-Identifier: GPL-2.0-only */
/* What the processes of the tests do, and how long it takes. */
#ifndef SELFTESTS_LOAD_H
#define SELFTESTS_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define MB		(1024ULL * 1024)
#define MS		1000000ULL

uint64_t now_ns(void);

/*
 * How much slower than a stock kernel this one is, at least 1: the debug
 * kernel checks every access.  AGENTCG_TEST_SLOW overrides.
 */
unsigned int slow(void);
/* A size to fill with, less of it where filling is slow. */
uint64_t scaled(uint64_t bytes);
/* Has fill() and fillers fault faster on slow kernels. 0 or a negative error. */
int small_folios(void);

/* Rounds of a test that has a long form; AGENTCG_TEST_ROUNDS overrides. */
unsigned int rounds(unsigned int usual);

/* Memory shared with children; what is in it starts as 0. */
void *shared_alloc(size_t size);

/*
 * Anonymous memory, each page written, by small pages or by large ones; never freed
 * unless the caller does.
 */
char *fill(uint64_t bytes);
char *fill_large(uint64_t bytes);
void touch(char *memory, uint64_t bytes);

/*
 * A file of that size, and reading it. With @sync it is on the disk and not in the
 * page cache. Return 0, also for cg_spawn().
 */
int make_file(const char *name, uint64_t size, bool sync);
int read_file(void *name);

/**
 * struct filler - a process that fills memory step by step
 * @total: bytes to fill
 * @stay: wait for a signal afterwards, else exit with 0
 * @threads: that fill @total together; 0 and 1: the process itself
 * @done: bytes filled so far
 * @begun: now_ns() at the start
 * @ended: at the end
 */
struct filler {
	uint64_t total;
	bool stay;
	unsigned int threads;
	volatile uint64_t done;
	volatile uint64_t begun;
	volatile uint64_t ended;
};

/* For cg_spawn(); the filler is in shared memory. */
int run_filler(void *filler);

/* Never returns; the type is that of what cg_spawn() runs. */
int stay(void);

/* Until @value is at least @wanted: 0 or -ETIMEDOUT. */
int wait_for(const volatile uint64_t *value, uint64_t wanted, int ms);
/* Status as of waitpid(2) within @ms, or a negative errno. */
int wait_exit(pid_t pid, int ms);

#endif /* SELFTESTS_LOAD_H */
