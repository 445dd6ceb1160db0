/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Deadline: from the entry of a call's first process it may run for so long,
 * then all of it is killed.  Time in which the machine is suspended does not
 * count.
 */
#ifndef _AGENTCG_DEADLINE_H
#define _AGENTCG_DEADLINE_H

#include <linux/hrtimer.h>
#include <linux/types.h>

struct agentcg_tool;

/**
 * struct agentcg_deadline - of a call; by the session's lock
 * @timer: due at the warning, then at the end; armed only while the call's
 *         first process lives.  Its callback may still run when the call has
 *         ended, but not after a grace period, and so never when it is freed.
 * @begun: ns of CLOCK_MONOTONIC when the first process entered, 0 before
 * @warned: the warning has been sent
 */
struct agentcg_deadline {
	struct hrtimer timer;
	u64 begun;
	bool warned;
};

void agentcg_deadline_init(struct agentcg_tool *tool);

/* Session's lock held. */
void agentcg_deadline_begin(struct agentcg_tool *tool);
void agentcg_deadline_set(struct agentcg_tool *tool);
void agentcg_deadline_end(struct agentcg_tool *tool);

#endif /* _AGENTCG_DEADLINE_H */
