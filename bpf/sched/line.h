/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lines beside the trees, first come, first served: dispatch queues.  It is counted who
 * is in them, since to ask an empty one costs as much as the way down a tree.
 */
#ifndef AGENTCG_SCHED_LINE_H
#define AGENTCG_SCHED_LINE_H

#include "types.h"

/* Calls that go first, and tasks that go on in the kernel (holder.h). They are ids of queues. */
enum {
	NO_LINE,
	PROMPT,
	HOLDERS,
	NR_LINES,
};

/* How many are in each, or about to be. Without the lock it is what was so a moment ago. */
static __u32 lines[NR_LINES];

static void line_leave(struct task __arena *task)
{
	if (task->line)
		lines[task->line & 3]--;
	task->line = NO_LINE;
}

static void line_enter(struct task __arena *task, const __u8 line)
{
	line_leave(task);
	task->line = line;
	if (line)
		lines[line & 3]++;
}

/* Whoever was there first runs here next. Return: whether there was somebody. */
static bool line_serve(const __u8 line)
{
	return lines[line & 3] && dsq_move_to_local(line);
}

static __s32 lines_init(void)
{
	return scx_bpf_create_dsq(PROMPT, NUMA_NO_NODE) ?:
	       scx_bpf_create_dsq(HOLDERS, NUMA_NO_NODE);
}

#endif /* AGENTCG_SCHED_LINE_H */
