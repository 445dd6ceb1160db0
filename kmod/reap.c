// SPDX-License-Identifier: GPL-2.0-only
/*
 * Passes over the processes of a call, see reap.h.
 *
 * Whoever is born into a call that is being killed, or moved there, is killed
 * by the tracepoints (lifecycle.c), so one pass reaches everybody.  The passes
 * go on nevertheless until the kernel says that the cgroup is empty: that is
 * the proof.
 */

#include "common.h"

#include <linux/cgroup.h>
#include <linux/jiffies.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "cgrp.h"
#include "reap.h"
#include "session.h"
#include "tool.h"
#include "work.h"

#define DELAY_FIRST	max(HZ / 100, 1)
#define DELAY_MAX	HZ

/* A process of the cgroup, or of one below it. */
static bool is_member(struct task_struct *const task, struct cgroup *const cgrp)
{
	return !(task->flags & PF_KTHREAD) && atomic_read(&task->signal->live) &&
	       cgroup_is_descendant(task_dfl_cgroup(task), cgrp);
}

/*
 * To the whole thread group: a first thread that has exited takes no signal
 * itself while others go on.
 */
static void kill_members(struct cgroup *const cgrp)
{
	struct task_struct *task;

	guard(rcu)();
	for_each_process(task)
		if (is_member(task, cgrp))
			kill_pid(task_tgid(task), SIGKILL, 1);
}

/* One that is not ending already. */
static bool is_survivor(struct task_struct *const task,
			struct cgroup *const cgrp)
{
	return is_member(task, cgrp) &&
	       !(READ_ONCE(task->signal->flags) & SIGNAL_GROUP_EXIT);
}

static void take_survivors(struct agentcg_survivor_list *const list,
			   struct cgroup *const cgrp)
{
	struct task_struct *task;

	guard(rcu)();
	for_each_process(task) {
		if (!is_survivor(task, cgrp))
			continue;
		if (list->listed < AGENTCG_SURVIVORS_MAX) {
			struct agentcg_process *const process =
				&list->process[list->listed++];

			agentcg_process_take(process, task);
			process->size = agentcg_process_size(task);
		}
		list->nr++;
	}
}

/* NULL when there are none, or no memory to tell of them. */
static struct agentcg_survivor_list *new_list(struct cgroup *const cgrp)
{
	struct agentcg_survivor_list *const list =
		kzalloc(struct_size(list, process, AGENTCG_SURVIVORS_MAX),
			GFP_KERNEL);

	if (!list)
		return NULL;
	take_survivors(list, cgrp);
	if (list->nr)
		return list;
	kfree(list);
	return NULL;
}

static void list_survivors(struct agentcg_tool *const tool,
			   struct cgroup *const cgrp)
{
	struct agentcg_survivor_list *const list = new_list(cgrp);

	guard(spinlock_irqsave)(&tool->d.session->lock);
	tool->reap.survivors = list;
	tool->reap.listed = true;
}

static void queue(struct agentcg_tool *const tool, const unsigned long delay)
{
	if (!refcount_inc_not_zero(&tool->d.ref))
		return;
	/* It was queued already, with a reference. */
	if (mod_delayed_work(agentcg_wq, &tool->reap.work, delay))
		agentcg_tool_put(tool);
}

/*
 * Once more, later, while the call has a cgroup.  Under the lock, so that the
 * end of the call finds the work queued, or keeps it from being.
 */
static void queue_again(struct agentcg_tool *const tool)
{
	guard(spinlock_irqsave)(&tool->d.session->lock);
	if (!tool->d.cgrp)
		return;
	queue(tool, tool->reap.delay);
	tool->reap.delay = min(2 * tool->reap.delay, DELAY_MAX);
}

static struct cgroup *pin_cgroup(struct agentcg_tool *const tool,
				 bool *const list)
{
	guard(spinlock_irqsave)(&tool->d.session->lock);
	if (!tool->d.cgrp)
		return NULL;
	*list = tool->leader_done && !tool->reap.listed;
	cgroup_get(tool->d.cgrp);
	return tool->d.cgrp;
}

static void pass(struct work_struct *const work)
{
	struct agentcg_tool *const tool = container_of(to_delayed_work(work),
						       struct agentcg_tool,
						       reap.work);
	bool list = false;
	struct cgroup *const cgrp = pin_cgroup(tool, &list);

	if (cgrp) {
		if (list)
			list_survivors(tool, cgrp);
		if (atomic_read(&tool->killed)) {
			kill_members(cgrp);
			if (cgroup_is_populated(cgrp))
				queue_again(tool);
		}
		cgroup_put(cgrp);
	}
	/* Drop ref from queue(). */
	agentcg_tool_put(tool);
}

void agentcg_reap_init(struct agentcg_tool *const tool)
{
	INIT_DELAYED_WORK(&tool->reap.work, pass);
	tool->reap.delay = DELAY_FIRST;
}

/**
 * agentcg_reap_queue - have the processes of a call gone over
 * @tool: the caller holds a reference or the RCU read lock
 *
 * Context: any.
 */
void agentcg_reap_queue(struct agentcg_tool *const tool)
{
	queue(tool, 0);
}

/* The call has ended: its cgroup was detached under the session's lock. */
void agentcg_reap_cancel(struct agentcg_tool *const tool)
{
	if (cancel_delayed_work(&tool->reap.work))
		agentcg_tool_put(tool);
}

/* Nobody looks at the call any more. */
void agentcg_reap_free(struct agentcg_tool *const tool)
{
	struct agentcg_survivor_list *const list = tool->reap.survivors;
	u32 i;

	if (!list)
		return;
	for (i = 0; i < list->listed; i++)
		agentcg_process_drop(&list->process[i]);
	kfree(list);
}
