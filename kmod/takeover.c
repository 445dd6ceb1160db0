// SPDX-License-Identifier: GPL-2.0-only
/* What runs in a call before it is declared, see takeover.h. */

#include "common.h"

#include <linux/cgroup.h>
#include <linux/sched/signal.h>
#include <linux/timekeeping.h>

#include "cgrp.h"
#include "deadline.h"
#include "session.h"
#include "takeover.h"
#include "tool.h"

static bool is_member(struct task_struct *const task, struct cgroup *const cgrp)
{
	return !(task->flags & PF_KTHREAD) && !READ_ONCE(task->exit_state) &&
	       cgroup_is_descendant(task_dfl_cgroup(task), cgrp);
}

/*
 * Count the tasks of the cgroup.  @first gets the oldest of its processes: the
 * kernel's list is in the order of birth.  RCU read lock held.
 */
static u32 count_tasks(struct cgroup *const cgrp,
		       const struct signal_struct **const first)
{
	struct task_struct *process, *thread;
	u32 nr = 0;

	for_each_process_thread(process, thread) {
		if (!is_member(thread, cgrp))
			continue;
		if (!nr++)
			*first = process->signal;
	}
	return nr;
}

/**
 * agentcg_takeover - have those who run in a call already belong to it
 * @tool: published with @tool->had_leader set, so that nobody who enters
 *        meanwhile is taken for its first process
 * @cgrp: of the call
 *
 * Its first process is the oldest one, and its deadline runs from now on.
 *
 * Tasks come and go while they are counted.  Who has entered since @tool was
 * published may be counted twice, and who has exited since is not subtracted,
 * so @tool->live is never too small: whoever outlives the first process is
 * looked for.  If that itself ends just now, the call ends with its cgroup.
 *
 * Context: process context.
 */
void agentcg_takeover(struct agentcg_tool *const tool,
		      struct cgroup *const cgrp)
{
	const struct signal_struct *first = NULL;
	u32 nr;

	guard(rcu)();
	nr = count_tasks(cgrp, &first);
	guard(spinlock_irqsave)(&tool->d.session->lock);
	tool->live = nr + tool->stats.processes;
	tool->stats.processes += nr;
	tool->leader = first;
	tool->had_leader = first != NULL;
	if (!first)
		return;
	tool->stats.begun = ktime_get_boottime_ns();
	agentcg_deadline_begin(tool);
}
