/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When there is something to do about a deadline: a warning before it, and the
 * deadline itself. All times are nanoseconds of one clock.
 */
#ifndef AGENTCG_DEADLINE_H
#define AGENTCG_DEADLINE_H

#include <stdint.h>

#define DEADLINE_NEVER	UINT64_MAX

/**
 * struct deadline - A deadline and where one is with it.
 * @begun: when the time began, to be set first.
 * @limit: how long it is, DEADLINE_NEVER for no end.
 * @warn_before: how long before its end a warning is due, 0 for not at all.
 * @warned: the limit that was warned of, 0 for none.
 * @due: when deadline_look() has something to tell next.
 */
struct deadline {
	uint64_t begun;
	uint64_t limit;
	uint64_t warn_before;
	uint64_t warned;
	uint64_t due;
};

enum deadline_state { DEADLINE_AHEAD, DEADLINE_WARN, DEADLINE_MET };

/** deadline_set() - Set or change limit and warning; the next is due anew. */
void deadline_set(struct deadline *deadline, uint64_t limit,
		  uint64_t warn_before);

/**
 * deadline_look() - What is to be done now.
 * @deadline: the deadline.
 * @now: the time.
 *
 * Of each limit a warning is told once; after the deadline nothing is due.
 */
enum deadline_state deadline_look(struct deadline *deadline, uint64_t now);

/** deadline_left() - How long until it, in whole tenths of a second. */
uint64_t deadline_left(const struct deadline *deadline, uint64_t now);

/** deadline_warning() - How long before a deadline people want to be told. */
uint64_t deadline_warning(uint64_t limit);

#endif /* AGENTCG_DEADLINE_H */
