/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Timing noise, for sessions that have a jitter: whenever a task of theirs asks for a
 * processor it waits for a random time below that before it competes for one, so that
 * when it runs tells it little of who else does.  It gets no less by it: it counts as
 * waiting, and what it has missed by its weight it gets afterwards.
 *
 * Who waits is in a heap by time and not in a tree.  The timer (timer.h) moves those
 * whose time has come, one by one, however many a session has.
 */
#ifndef AGENTCG_SCHED_JITTER_H
#define AGENTCG_SCHED_JITTER_H

#include "conflict.h"

/* So long until there may be room in a tree. */
#define NO_ROOM_NS	NSEC_PER_MSEC

/* Of no group: it stays when it is empty. */
static struct queue __arena_global delayed;

/* When @task may compete that asks for a processor now, 0 for at once. */
static __u64 due_of(const struct task __arena *task)
{
	const __u64 jitter = task->jitter;

	return jitter ? bpf_ktime_get_ns() + bpf_get_prandom_u32() % jitter : 0;
}

static void delay(struct task __arena *task, const __u32 tree, const __u64 due)
{
	task->tree = tree;
	task->item.in = &delayed;
	task->item.band = NORMAL;
	heap_push_at(&delayed, &task->item, due);
}

/* When the first of them may, 0 for nobody. */
static __u64 next_due(void)
{
	const struct item __arena *item = delayed.heap[NORMAL];

	return item ? item->key : 0;
}

/*
 * Of those released who may run anywhere, how many come before who is RUNS_PROMPT or
 * RUNS_NORMAL at best.  Only the timer looks at it.
 */
static __u32 released[RUNS_IDLE];

/* A processor is to be given up for it, if somebody runs there who comes after it. */
static void call_for(const struct task __arena *task)
{
	const __u8 runs = task->first ? RUNS_PROMPT : RUNS_NORMAL;

	if (!task->tree)
		released[runs & 1]++;
	else if (cpu_of(task->tree - 1)->runs > runs)
		cpu_of(task->tree - 1)->called = 1;
}

static void release(struct task __arena *task, const __u64 now)
{
	item_remove(&task->item);
	if (!task_push(task, task->tree))
		delay(task, task->tree, now + NO_ROOM_NS);
	else if (!is_idle(task))
		call_for(task);
}

/* Without the lock: who runs there may be another by now. */
static bool is_called(struct cpu __arena *cpu)
{
	__u32 runs;

	if (cpu->called) {
		cpu->called = 0;
		return true;
	}
	for (runs = RUNS_PROMPT; runs < RUNS_IDLE; runs++) {
		if (cpu->runs > runs && released[runs & 1]) {
			released[runs & 1]--;
			return true;
		}
	}
	return false;
}

/* Those that are to be given up, and those that have nothing to do, look again. */
static void kick_called(void)
{
	__u32 cpu;

	for (cpu = 0; cpu < nr_cpus && can_loop; cpu++)
		scx_bpf_kick_cpu(cpu, is_called(cpu_of(cpu)) ? SCX_KICK_PREEMPT :
							       SCX_KICK_IDLE);
	released[RUNS_PROMPT] = 0;
	released[RUNS_NORMAL] = 0;
}

/* For bpf_loop(). Return: whether it was the last. */
static int release_first(__u32 number, __u64 *now)
{
	const struct item __arena *item;
	bool due;

	bpf_spin_lock(&tree_lock);
	item = delayed.heap[NORMAL];
	due = item && !before(*now, item->key);
	if (due)
		release(item->task, *now);
	bpf_spin_unlock(&tree_lock);
	return !due;
}

/*
 * Whose time has come, with the lock for one at a time; also, a loop around it all would
 * be too much for the verifiers of before.
 */
static void release_due(__u64 now)
{
	if (bpf_loop(MAX_TASKS, release_first, &now, 0) > 1)
		kick_called();
}

#endif /* AGENTCG_SCHED_JITTER_H */
