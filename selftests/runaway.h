/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tools that run away: the ten kinds that an agent has to survive, each the
 * real thing.  None of them ends by itself.
 */
#ifndef SELFTESTS_RUNAWAY_H
#define SELFTESTS_RUNAWAY_H

#include <stdbool.h>
#include <stdint.h>

/* File systems that they write to; both are made by who runs them. */
#define RUNAWAY_TMPFS	"/run/agentcg-selftests"
#define RUNAWAY_DISK	"/var/tmp/agentcg-selftests"

/* How it ends in a session whose memory.max is RUNAWAY_MEMORY. */
enum runaway_end {
	/* Out of memory, all of it at once. */
	RUNAWAY_OOM,
	/* Only when somebody kills it. */
	RUNAWAY_KILL,
};

#define RUNAWAY_MEMORY	(96ULL * 1024 * 1024)
/* Processes and threads in a session that has a limit on them; half of both on debug. */
#define RUNAWAY_PIDS	200

/**
 * struct runaway - a kind of them
 * @name: for people
 * @run: what the process does, for cg_spawn(); its argument is a uint64_t in
 *       shared memory that counts how far it has got
 * @end: how it ends
 * @end_limited: how it ends where it meets RUNAWAY_PIDS
 * @enough: of the count, for a kill to come at the height of it
 * @family: it has several processes
 * @stays: what it wrote survives it and cannot be reclaimed
 */
struct runaway {
	const char *name;
	int (*run)(void *count);
	enum runaway_end end;
	enum runaway_end end_limited;
	uint64_t enough;
	bool family;
	bool stays;
};

enum runaway_kind {
	RUNAWAY_MALLOC_LOOP,
	RUNAWAY_FORK_BOMB,
	RUNAWAY_FILE_MAPPER,
	RUNAWAY_TMPFS_WRITER,
	RUNAWAY_PIPE_FILLER,
	RUNAWAY_THREAD_STORM,
	RUNAWAY_PAGE_TABLES,
	RUNAWAY_HOARDER,
	RUNAWAY_SPINNER,
	RUNAWAY_FILE_WRITER,
	RUNAWAY_KINDS
};

extern const struct runaway runaways[RUNAWAY_KINDS];

/* Makes the file systems' directories, or clears them: 0 or a negative errno. */
int runaway_prepare(void);
void runaway_clear(void);

#endif /* SELFTESTS_RUNAWAY_H */
