/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * CPU of a call: its class and weight as the kernel's own scheduler knows them, in
 * cpu.weight and cpu.idle of its cgroup; and what a scheduler of sched_ext tells of
 * the processors that it had.
 *
 * A call that declares neither is left at the kernel's default, and so is what
 * somebody else wrote there.
 */
#ifndef _AGENTCG_CPU_H
#define _AGENTCG_CPU_H

#include <linux/atomic.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include "place.h"

struct agentcg_tool;

/**
 * struct agentcg_cpu - of a call
 * @work: writes the files; holds a reference to the call while it is queued
 * @wanted: cpu.weight, or AGENTCG_CPU_IDLE; by the session's lock
 * @place: where the files are, while there is something to write; likewise
 * @written: what they say, as far as we wrote them, or tried to; only the work's
 * @run_total: ns for which its tasks ran, as are the next three without a lock; 0
 *             where no scheduler has told
 * @wait_total: ns for which they could have run and did not, summed over them
 * @wait_longest: of one of them
 * @migrations: times that one of them ran elsewhere than the time before
 */
struct agentcg_cpu {
	struct work_struct work;
	u32 wanted;
	struct agentcg_place place;
	u32 written;
	atomic64_t run_total;
	atomic64_t wait_total;
	atomic64_t wait_longest;
	atomic64_t migrations;
};

void agentcg_cpu_init(struct agentcg_tool *tool);
/* Caller holds the session's lock. */
void agentcg_cpu_apply(struct agentcg_tool *tool);
void agentcg_cpu_ran(struct agentcg_cpu *cpu, u64 ran, u64 waited, bool moved);

#endif /* _AGENTCG_CPU_H */
