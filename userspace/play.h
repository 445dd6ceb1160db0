/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A play: what one session of a replay is to do, and what has come of it.
 *
 * It lies in shared memory (a memfd), so that what a process has noted is kept
 * when the process is killed. The agent acts by cues, its calls by steps. All
 * times are those of the replay, its speed counted in.
 */
#ifndef AGENTCG_PLAY_H
#define AGENTCG_PLAY_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace.h"

/* Memory comes and goes in pieces of this size: an allocation is one of them. */
#define PLAY_CHUNK	(1u << 20)

/* Where the descriptors of a player are. */
enum {
	PLAY_FD = 3,		/* the play */
	PLAY_START_FD = 4,	/* closed by all others when it is to begin */
};

enum play_cue_kind {
	PLAY_LEVEL,	/* the agent has so much memory from now on */
	PLAY_CALL,	/* it makes a call */
	PLAY_END,	/* it is done, when its calls are */
};

/* What a cue waits for, beside the numbers of PLAY_AFTER_BEGIN() and _END(). */
#define PLAY_AFTER_START	UINT32_MAX
#define PLAY_AFTER_BEGIN(CALL)	(2 * (uint32_t)(CALL))
#define PLAY_AFTER_END(CALL)	(2 * (uint32_t)(CALL) + 1)

/**
 * struct play_cue - What the agent does next.
 * @kind: enum play_cue_kind.
 * @after: what it waits for.
 * @delay: how long after that it is due.
 * @call: of PLAY_CALL, its number.
 * @chunks: of PLAY_LEVEL, memory that the agent has then.
 * @cpu: CPU time that it uses until the next cue.
 */
struct play_cue {
	uint32_t kind;
	uint32_t after;
	uint64_t delay;
	uint32_t call;
	uint32_t chunks;
	uint64_t cpu;
};

/**
 * struct play_step - What a call does next, one after the other.
 * @anon: chunks of anonymous memory that it has from now on.
 * @file: chunks of page cache.
 * @cpu: CPU time that it then uses.
 * @wait: how long it then waits for something that is not replayed.
 */
struct play_step {
	uint32_t anon;
	uint32_t file;
	uint64_t cpu;
	uint64_t wait;
};

enum play_state {
	PLAY_NOT_BEGUN,
	PLAY_RUNNING,
	PLAY_SURVIVED,
	PLAY_KILLED,
	PLAY_REFUSED,	/* its intent was, for too long */
};

/**
 * struct play_notes - Latencies that a process has measured.
 * @first: where in the play's latencies.
 * @room: how many there can be.
 * @count: how many there are.
 */
struct play_notes {
	uint32_t first;
	uint32_t room;
	volatile uint32_t count;
};

/**
 * struct play_call - A call.
 * @first_step: its first.
 * @step_count: of them.
 * @peak: most chunks that it has, of both kinds.
 * @notes: of its allocations.
 * @state: enum play_state.
 * @refusals: how often its intent was refused.
 * @stall: how long it waited for memory; UINT64_MAX where not known.
 * @held: how long agentcg held it back.
 * @name: of the tool.
 */
struct play_call {
	uint32_t first_step;
	uint32_t step_count;
	uint32_t peak;
	struct play_notes notes;
	volatile uint32_t state;
	volatile uint32_t refusals;
	volatile uint64_t stall;
	volatile uint64_t held;
	char name[TRACE_NAME_MAX];
};

/**
 * struct play - The head of the shared memory.
 * @size: of all of it.
 * @cue_count: the rest begins with so many cues,
 * @call_count: then so many calls,
 * @step_count: steps,
 * @latency_count: and latencies.
 * @peak: most chunks that agent and calls have together.
 * @length: how long it takes when nothing is in the way.
 * @begin: when it is to begin, CLOCK_MONOTONIC.
 * @managed: calls are made through the module.
 * @declare: each call declares what it will need above @mem.
 * @mem: that all of them reserve.
 * @took: from @begin until it was done; 0 when it was not.
 * @notes: of the agent's allocations.
 * @error: why it was given up.
 * @cell: directory of its session.
 * @scratch: where files can be made.
 */
struct play {
	uint64_t size;
	uint32_t cue_count;
	uint32_t call_count;
	uint32_t step_count;
	uint32_t latency_count;
	uint32_t peak;
	uint64_t length;
	volatile uint64_t begin;
	bool managed;
	bool declare;
	uint64_t mem;
	volatile uint64_t took;
	struct play_notes notes;
	char error[512];
	char cell[PATH_MAX + 32];
	char scratch[PATH_MAX];
};

static inline struct play_cue *play_cues(struct play *play)
{
	return (struct play_cue *)(play + 1);
}

static inline struct play_call *play_calls(struct play *play)
{
	return (struct play_call *)(play_cues(play) + play->cue_count);
}

static inline struct play_step *play_steps(struct play *play)
{
	return (struct play_step *)(play_calls(play) + play->call_count);
}

static inline volatile uint64_t *play_latencies(struct play *play)
{
	return (volatile uint64_t *)(play_steps(play) + play->step_count);
}

/**
 * play_make() - Make a play of a trace.
 * @trace: after trace_split().
 * @speed: how much faster than the trace.
 * @touch_ns: what touching a chunk takes by itself here.
 * @fd: set to the descriptor of its memory.
 *
 * Return: the play, for play_unmap(), or NULL without memory.
 */
struct play *play_make(const struct trace *trace, double speed,
		       uint64_t touch_ns, int *fd);

/** play_map() - Map a play by its descriptor; NULL when it is none. */
struct play *play_map(int fd);

/** play_unmap() - Unmap it; may be NULL. */
void play_unmap(struct play *play);

/** play_reset() - Forget what has come of a play, to play it again. */
void play_reset(struct play *play);

/**
 * struct play_change - Memory comes or goes, when nothing is in the way.
 * @at: when.
 * @span: how long there is for it.
 * @chunks: how many more.
 */
struct play_change {
	uint64_t at;
	uint64_t span;
	int64_t chunks;
};

/**
 * play_changes() - How the memory of a trace changes over time.
 * @trace: after trace_split().
 * @speed: how much faster than the trace.
 * @offset: when it begins.
 * @changes: to be freed, in the order of their time.
 * @count: of them.
 *
 * Return: 0, or -1 without memory.
 */
int play_changes(const struct trace *trace, double speed, uint64_t offset,
		 struct play_change **changes, size_t *count);

/** play_sort() - Put changes in order; what goes at a moment goes first. */
void play_sort(struct play_change *changes, size_t count);

/** play_most() - Most chunks at a time, of ordered changes. */
uint64_t play_most(const struct play_change *changes, size_t count);

/**
 * play_rate() - How fast memory has to come.
 * @changes: of which.
 * @count: of them.
 *
 * Less than a tenth of a second for it is taken for that: a little late is as
 * good.
 *
 * Return: chunks a second, at the worst moment; UINT64_MAX without memory.
 */
uint64_t play_rate(const struct play_change *changes, size_t count);

#endif /* AGENTCG_PLAY_H */
