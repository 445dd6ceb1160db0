/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * CPU of a call: its class and weight as the kernel's own scheduler knows them, in
 * cpu.weight, cpu.idle and cpu.max.burst of its cgroup; and what a scheduler of
 * sched_ext tells of the processors that it had.
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
 * struct agentcg_cpu_files - what the files of a call are to say
 * @weight: cpu.weight, or AGENTCG_CPU_IDLE
 * @burst: whether what is left of cpu.max may be had later
 */
struct agentcg_cpu_files {
	u32 weight;
	bool burst;
};

/**
 * struct agentcg_cpu - of a call
 * @work: writes the files; holds a reference to the call while it is queued
 * @wanted: by the session's lock
 * @place: where the files are, while there is something to write; likewise
 * @written: what they say, as far as we wrote them, or tried to; only the work's, as is
 * @bursts: cpu.max.burst is ours
 * @run_total: ns for which its tasks ran, as are the next three without a lock; 0
 *             where no scheduler has told
 * @wait_total: ns for which they could have run and did not, summed over them
 * @wait_longest: of one of them
 * @migrations: times that one of them ran elsewhere than the time before
 */
struct agentcg_cpu {
	struct work_struct work;
	struct agentcg_cpu_files wanted;
	struct agentcg_place place;
	struct agentcg_cpu_files written;
	bool bursts;
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
