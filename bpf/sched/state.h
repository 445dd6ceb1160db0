/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What the scheduler tells agentcg sched, in a map that is pinned. */
#ifndef AGENTCG_SCHED_STATE_H
#define AGENTCG_SCHED_STATE_H

#include <linux/types.h>

#define SCHED_NAME	"agentcg_sched"

/* The ops for tasks of policy SCHED_EXT alone; the kernel knows them by the same name. */
#define SCHED_PARTIAL	"agentcg_partial"

/**
 * struct sched_state - of the scheduler that was loaded last
 * @exit_kind: why it ended, as sched_ext numbers it; 0 while it runs
 * @exit_reason: the same in words
 * @exit_message: what more there is to say
 * @preempted: times that somebody was stopped for a call that is waited for
 * @throttled: times that a task was stopped because its cpu.max was used up
 * @apart: times that a task was passed over for one of its conflict group on a sibling
 * @delayed: times that a task was made to wait for its session's jitter
 * @strangers: times that a task was enqueued for which there was no room
 */
struct sched_state {
	__u32 exit_kind;
	char exit_reason[124];
	char exit_message[256];
	__u64 preempted;
	__u64 throttled;
	__u64 apart;
	__u64 delayed;
	__u64 strangers;
};

#endif /* AGENTCG_SCHED_STATE_H */
