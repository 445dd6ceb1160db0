/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tasks: what is known of each is found by its task storage.  One for which there was
 * no room is not scheduled here but first come, first served.
 */
#ifndef AGENTCG_SCHED_TASK_H
#define AGENTCG_SCHED_TASK_H

#include "group.h"
#include "line.h"

#define MAX_TASKS	32768

/* A waking task may be below the mean by so much service. */
#define CREDIT_NS		(2 * NSEC_PER_MSEC)
#define CREDIT_PROMPT_NS	(8 * NSEC_PER_MSEC)

/* What a call for which somebody waits may have had above its share. */
#define LENIENCE_NS		(6 * NSEC_PER_MSEC)

/* So long it counts what the files and the module have said of a task. */
#define LOOK_NS			(10 * NSEC_PER_MSEC)

struct task_ref {
	struct task __arena *task;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct task_ref);
} task_refs SEC(".maps");

static struct task __arena *task_room;
static struct task __arena *task_free;
static __u32 tasks_begun;

static struct task __arena *task_of(struct task_struct *p)
{
	struct task_ref *ref = bpf_task_storage_get(&task_refs, p, NULL, 0);

	use_arena();
	return ref ? ref->task : NULL;
}

static struct task __arena *task_alloc(void)
{
	struct task __arena *task = task_free;

	if (task) {
		task_free = task->next;
	} else if (tasks_begun < MAX_TASKS) {
		task = &task_room[tasks_begun];
		task->number = tasks_begun++;
	}
	return task;
}

static void task_init(struct task __arena *task, const __u64 now)
{
	task->entity.parent = NULL;
	task->entity.vtime = 0;
	task->entity.weight = 100;
	task->entity.band = NORMAL;
	task->entity.active = 0;
	task->item.in = NULL;
	task->item.task = task;
	task->item.queue = NULL;
	task->item.entity = &task->entity;
	task->class = -1;
	task->conflict = 0;
	task->jitter = 0;
	task->fresh = 1;
	task->first = 0;
	task->in_kernel = 0;
	task->leaving = 0;
	task->line = NO_LINE;
	task->since = now;
	task->cpu = -1;
	task->moved = 0;
	task->looked = now - LOOK_NS;
}

static bool is_prompt(const struct task __arena *task)
{
	return task->class == AGENTCG_CLASS_INTERACTIVE ||
	       task->class == AGENTCG_CLASS_LATENCY;
}

/*
 * A call's class and weight are in the files of its cgroup; where that has none, the
 * cpu controller not being enabled for it, they are those of its tasks.
 */
static void task_set(struct task __arena *task, const struct task_struct *p,
		     const struct call *call, struct group __arena *group)
{
	const bool alone = call->class >= 0 && call->id != group->id;
	__u32 weight = p->scx.weight;
	bool idle = p->policy == SCHED_IDLE;

	if (alone) {
		weight = call_weight(call, weight * call->weight / 100);
		idle = idle || call->class == AGENTCG_CLASS_BESTEFFORT;
	}
	task->class = call->class;
	task->conflict = call->conflict;
	task->jitter = call->jitter;
	task->pid = p->pid;
	if (!task->entity.active)
		task->entity.band = idle ? IDLE : NORMAL;
	set_weight(&task->entity, weight ?: 1);
}

static void task_move(struct task __arena *task, struct group __arena *group)
{
	struct group __arena *old = task->entity.parent;

	if (old == group)
		return;
	task->entity.parent = group_ref(group);
	task->entity.vtime = group->band[task->entity.band & 1].now;
	if (old)
		group_unref(old);
}

/*
 * Whether it is where it was a moment ago: who wakes up hundreds of times a second need
 * not have all of it looked up each time. Without a lock, for what is read here changes
 * only with the runqueue of @p locked, as it is now.
 */
static bool is_known(const struct task __arena *task, const struct task_struct *p,
		     const __u64 now)
{
	const struct group __arena *group = task->entity.parent;

	return group && now - task->looked < LOOK_NS &&
	       group->id == tg_id(p->sched_task_group);
}

/* Looks up where it is, and what is to be known of it. */
static void task_look(struct task __arena *task, const struct task_struct *p,
		      const struct call *call, const __u64 now)
{
	struct group __arena *group = group_get(p->sched_task_group, call, now);

	task->looked = now;
	task_set(task, p, call, group);
	if (!task->entity.active)
		task_move(task, group);
}

static void task_begin(struct task __arena *task)
{
	if (!task->entity.active)
		activate(&task->entity, is_prompt(task) ? CREDIT_PROMPT_NS : CREDIT_NS);
}

/* It leaves off waiting. */
static void task_take_cpu(struct task __arena *task, const struct task_struct *p,
			  const __s32 cpu, const __u64 now)
{
	const __u64 ns = now - task->since;

	task->fresh = 0;
	task->charged = p->se.sum_exec_runtime;
	task->told = task->charged;
	/* A clock of another processor may be behind. */
	task->waited = (__s64)ns > 0 ? ns : 0;
	task->moved = task->cpu >= 0 && task->cpu != cpu;
	task->cpu = cpu;
}

/* It waits nowhere any more. */
static void task_leave(struct task __arena *task)
{
	if (task->item.in)
		item_remove(&task->item);
	line_leave(task);
}

static void task_end(struct task __arena *task)
{
	task_leave(task);
	if (task->entity.active)
		deactivate(&task->entity);
}

/* For what it has run since the last time. */
static void task_charge(struct task __arena *task, const struct task_struct *p,
			const __u64 now)
{
	const __u64 total = p->se.sum_exec_runtime;
	const __u64 ns = total - task->charged;

	task->charged = total;
	if (!task->entity.parent)
		return;
	serve(&task->entity, ns);
	use_quota(task->entity.parent, ns, now);
}

static bool may_preempt(struct task __arena *task)
{
	return is_prompt(task) && within_share(&task->entity, LENIENCE_NS) &&
	       !is_throttled(task->entity.parent);
}

/* Whether it has but what is left over, at some level. */
static bool is_idle(const struct task __arena *task)
{
	const struct entity __arena *entity = &task->entity;

	while (entity->parent && can_loop) {
		if (entity->band == IDLE)
			return true;
		entity = &entity->parent->entity;
	}
	return false;
}

static void task_forget(struct task __arena *task)
{
	task_end(task);
	if (task->entity.parent)
		group_unref(task->entity.parent);
	task->next = task_free;
	task_free = task;
}

#endif /* AGENTCG_SCHED_TASK_H */
