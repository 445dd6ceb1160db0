/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Calls that must not share a core: two tasks of one conflict group do not run on the
 * sibling threads of a core at once.  Whoever is picked for a processor claims it for his
 * group, under the lock, until he stops.
 *
 * A task that can only run where it was passed over for that has its turn, too: its
 * processor says that it is wanted there, and who had the group last, on a sibling, does
 * not have it again before.
 *
 * Tasks that end or go on in the kernel (holder.h) are not held to it: others may wait for
 * what they have.
 */
#ifndef AGENTCG_SCHED_CONFLICT_H
#define AGENTCG_SCHED_CONFLICT_H

#include "holder.h"

/*
 * The next of the threads of a core, in a ring, and one more; 0 for one that is alone, or
 * was offline when the scheduler was loaded. Written by who loads it.
 */
const volatile __u16 next_sibling[MAX_CPUS] SEC(".rodata.siblings");

static __s32 sibling_after(const __s32 cpu)
{
	return (__s32)next_sibling[cpu & (MAX_CPUS - 1)] - 1;
}

static bool sibling_claims(const __s32 cpu, const __u64 conflict)
{
	__s32 other = sibling_after(cpu);

	while (other >= 0 && other != cpu && can_loop) {
		if (cpu_of(other)->claimed == conflict)
			return true;
		other = sibling_after(other);
	}
	return false;
}

static bool sibling_wants(const __s32 cpu, const __u64 conflict)
{
	__s32 other = sibling_after(cpu);

	while (other >= 0 && other != cpu && can_loop) {
		if (cpu_of(other)->wanted == conflict)
			return true;
		other = sibling_after(other);
	}
	return false;
}

/* Whether it cannot run there now, for what runs or waits on the siblings. */
static bool is_passed_over(const struct task __arena *task, const __s32 cpu)
{
	const __u64 conflict = task->conflict;

	if (!conflict)
		return false;
	return sibling_claims(cpu, conflict) ||
	       (cpu_of(cpu)->had == conflict && sibling_wants(cpu, conflict));
}

static void claim(struct task __arena *task, const __s32 cpu)
{
	struct cpu __arena *this = cpu_of(cpu);
	__s32 other = sibling_after(cpu);

	this->owner = task;
	this->claimed = task->conflict;
	if (!task->conflict)
		return;
	this->had = task->conflict;
	while (other >= 0 && other != cpu && can_loop) {
		if (cpu_of(other)->had == task->conflict)
			cpu_of(other)->had = 0;
		other = sibling_after(other);
	}
}

static void unclaim(const __s32 cpu)
{
	cpu_of(cpu)->owner = NULL;
	cpu_of(cpu)->claimed = 0;
}

/*
 * The next one who may run there, who has claimed it then. Those before him go back to
 * where they were: there is room for that, for it has just been given back.
 */
static struct task __arena *pick_apart(const __s32 cpu)
{
	struct task __arena *passed = NULL, *task, *next;

	cpu_of(cpu)->wanted = 0;
	unclaim(cpu);
	do {
		task = task_pick(cpu + 1);
		if (!task || !is_passed_over(task, cpu))
			break;
		state.apart++;
		if (task->tree)
			cpu_of(cpu)->wanted = task->conflict;
		task->next = passed;
		passed = task;
		task = NULL;
	} while (can_loop);
	while (passed && can_loop) {
		next = passed->next;
		task_push(passed, passed->tree);
		passed = next;
	}
	if (task)
		claim(task, cpu);
	return task;
}

/* Those of the siblings that have nothing to do look again. */
static void kick_siblings(const __s32 cpu)
{
	__s32 other = sibling_after(cpu);

	while (other >= 0 && other != cpu && can_loop) {
		scx_bpf_kick_cpu(other, SCX_KICK_IDLE);
		other = sibling_after(other);
	}
}

#endif /* AGENTCG_SCHED_CONFLICT_H */
