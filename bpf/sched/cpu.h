/* SPDX-License-Identifier: GPL-2.0-only */
/* Processors: how many tasks wait for each alone, and who runs there. */
#ifndef AGENTCG_SCHED_CPU_H
#define AGENTCG_SCHED_CPU_H

#include "types.h"

/* Who runs on a processor, in the order in which others are stopped for them. */
enum {
	RUNS_PROMPT,
	RUNS_NORMAL,
	RUNS_IDLE,
};

#define MAX_CPUS	1024

/**
 * struct cpu - what is known of a processor
 * @waiting: tasks in its tree
 * @runs: RUNS_*
 * @called: it is to be taken from who runs there (jitter.h)
 * @holders: it was their turn the last time (holder.h)
 * @owner: who runs there, as far as @claimed is concerned
 * @claimed: his conflict group, or 0 (conflict.h)
 * @had: the one that it had last, until a sibling has it
 * @wanted: that of one who was passed over the last time and can run nowhere else, or 0
 */
struct cpu {
	__u32 waiting;
	__u8 runs;
	__u8 called;
	__u8 holders;
	struct task __arena *owner;
	__u64 claimed;
	__u64 had;
	__u64 wanted;
};

static struct cpu __arena_global cpus[MAX_CPUS];

static struct cpu __arena *cpu_of(const __s32 cpu)
{
	return &cpus[cpu & (MAX_CPUS - 1)];
}

static __u32 nr_cpus;

static void kick_idle(void)
{
	__u32 cpu;

	for (cpu = 0; cpu < nr_cpus && can_loop; cpu++)
		scx_bpf_kick_cpu(cpu, SCX_KICK_IDLE);
}

static bool may_run_anywhere(const struct task_struct *p)
{
	const struct cpumask *online;
	bool anywhere;

	if (p->nr_cpus_allowed == 1)
		return false;
	/* Most of them, and not kept where they are for the moment. */
	if ((__u32)p->nr_cpus_allowed == nr_cpus && p->cpus_ptr == &p->cpus_mask)
		return true;
	online = scx_bpf_get_online_cpumask();
	anywhere = bpf_cpumask_subset(online, p->cpus_ptr);
	scx_bpf_put_cpumask(online);
	return anywhere;
}

/* Of the processors that it may run on, the one that fewest wait for. */
static __s32 least_waited_for(const struct task_struct *p)
{
	__s32 best = scx_bpf_task_cpu(p), cpu;

	for (cpu = 0; cpu < (__s32)nr_cpus && can_loop; cpu++)
		if (cpu_of(cpu)->waiting < cpu_of(best)->waiting &&
		    bpf_cpumask_test_cpu(cpu, p->cpus_ptr))
			best = cpu;
	return best;
}

/* The tree to wait in, when @idle is a processor that has nothing to do or -1. */
static __u32 tree_of(const struct task_struct *p, const __s32 idle)
{
	if (may_run_anywhere(p))
		return 0;
	return (idle >= 0 ? idle : least_waited_for(p)) + 1;
}

/* Whether a processor may be taken from whoever runs on it. */
static bool is_worth(const __s32 cpu, const __u8 runs, struct task_struct *p)
{
	return cpu_of(cpu)->runs > runs &&
	       bpf_cpumask_test_cpu(cpu, p->cpus_ptr);
}

#endif /* AGENTCG_SCHED_CPU_H */
