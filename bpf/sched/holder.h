/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tasks whose cpu.max is used up and that are inside the kernel, where they may hold
 * locks that others wait for.  They go on, every other time that a processor is given,
 * until they leave for user mode; what that takes is paid back before they run again.
 *
 * When they leave the kernel can tell since v6.18.  Before that a tick has to find them
 * outside, which it hardly ever does with one that is in the kernel most of the time: so
 * those are stopped in any case once a whole quota is overdrawn.
 */
#ifndef AGENTCG_SCHED_HOLDER_H
#define AGENTCG_SCHED_HOLDER_H

#include "task.h"

struct leaving {
	struct bpf_task_work work;
};

/* By the numbers of tasks. Has to be pinned, as timers have to. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_TASKS);
	__type(key, __u32);
	__type(value, struct leaving);
} leavings SEC(".maps");

/* In the context of the task, which is about to return to user mode. */
static int task_leaves(struct bpf_map *map, void *key, void *value)
{
	struct task_struct *p = bpf_get_current_task_btf();
	struct task __arena *task = task_of(p);
	bool throttled;

	if (!task)
		return 0;
	bpf_spin_lock(&tree_lock);
	task->in_kernel = 0;
	task->leaving = 0;
	throttled = is_throttled(task->entity.parent);
	bpf_spin_unlock(&tree_lock);
	if (throttled) {
		p->scx.slice = 0;
		agentcg_bpf_resched();
		__sync_fetch_and_add(&state.throttled, 1);
	}
	return 0;
}

/* Has the kernel tell when a task leaves it. With the runqueue of @p locked. */
static void await_leave(struct task_struct *p, struct task __arena *task)
{
	const __u32 key = task->number;
	struct leaving *leaving;

	if (task->leaving || !bpf_ksym_exists(bpf_task_work_schedule_resume) ||
	    !bpf_ksym_exists(agentcg_bpf_resched))
		return;
	leaving = bpf_map_lookup_elem(&leavings, &key);
	if (leaving && !bpf_task_work_schedule_resume(p, &leaving->work, &leavings,
						      task_leaves))
		task->leaving = 1;
}

static bool may_hold(const struct task __arena *task)
{
	return task->in_kernel && is_throttled(task->entity.parent) &&
	       (task->leaving || may_overdraw(task->entity.parent));
}

static bool is_ending(const struct task_struct *p)
{
	return p->flags & PF_EXITING;
}

/*
 * Whether it goes on, in the line: also one that ends, who may not be found by his pid any
 * more and has but his own end to come to.
 */
static bool goes_on(const struct task __arena *task, const struct task_struct *p)
{
	return is_ending(p) || may_hold(task);
}

/* Whether it is their turn and not that of the others. */
static bool is_turn_of_holders(const __s32 cpu)
{
	struct cpu __arena *this = cpu_of(cpu);

	if (!lines[HOLDERS])
		return false;
	this->holders = !this->holders;
	return this->holders;
}

#endif /* AGENTCG_SCHED_HOLDER_H */
