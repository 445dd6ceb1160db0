// SPDX-License-Identifier: GPL-2.0-only
/*
 * The OOM killer, watched, see oom.h.
 *
 * A probe on its entry lets it wait where it would take an agent (spare.c), and
 * writes down whose limit led to it.  The tracepoint mark_victim tells the victim, but not why; out_of_memory()
 * knows why, but has not chosen yet.  Both run in one task under the kernel's
 * oom_lock, so a probe on the entry of the one leaves for the other what it
 * found.
 */

#include "common.h"

#include <linux/ftrace.h>
#include <linux/oom.h>
#include <linux/sched/signal.h>
#include <linux/timekeeping.h>

#include "cgrp.h"
#include "cause.h"
#include "oom.h"
#include "session.h"
#include "spare.h"
#include "tool.h"

/**
 * struct oom_call - the call of out_of_memory() that is under way
 * @task: who made it; a cookie, compared and never followed
 * @cgrp: the cgroup at its limit, NULL for the machine; good while the call
 *        lasts, since the kernel keeps it
 * @id: of @cgrp, or 0
 * @usage: bytes, there
 * @limit: bytes, there
 *
 * One is enough, and needs no lock of ours: the kernel's oom_lock is held by
 * whoever writes it and by whoever reads it.
 */
struct oom_call {
	const struct task_struct *task;
	struct cgroup *cgrp;
	u64 id;
	u64 usage;
	u64 limit;
};

static struct oom_call oom_call;
static bool watched;

static void note_memcg(struct mem_cgroup *const memcg)
{
	oom_call.cgrp = memcg->css.cgroup;
	oom_call.id = cgroup_id(oom_call.cgrp);
	oom_call.usage = (u64)agentcg_memcg_usage(memcg) << PAGE_SHIFT;
	oom_call.limit = (u64)agentcg_memcg_max(memcg) << PAGE_SHIFT;
}

static void note_machine(void)
{
	const unsigned long total = totalram_pages();
	const unsigned long available = max(si_mem_available(), 0L);

	oom_call.cgrp = NULL;
	oom_call.id = 0;
	oom_call.usage = (u64)(total - min(total, available)) << PAGE_SHIFT;
	oom_call.limit = (u64)total << PAGE_SHIFT;
}

/* Preemption is off, the kernel's oom_lock is held. */
static void entered(unsigned long ip, unsigned long parent_ip,
		    struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	struct oom_control *const oc =
		(void *)ftrace_regs_get_argument(fregs, 0);

	oom_call.task = current;
	if (oc->memcg)
		note_memcg(oc->memcg);
	else
		note_machine();
	guard(rcu)();
	agentcg_spare(oc);
}

static struct ftrace_ops ops = {
	.func = entered,
	.flags = FTRACE_OPS_FL_RECURSION,
};

/**
 * agentcg_oom_init - watch the OOM killer
 *
 * Without it, which info-get tells, an OOM kill is still told as one, but not
 * whose limit it was, and the agent is spared by its score alone.
 */
void agentcg_oom_init(void)
{
	static char symbol[] = "out_of_memory";
	int err;

	err = ftrace_set_filter(&ops, (unsigned char *)symbol, strlen(symbol), 1);
	if (!err)
		err = register_ftrace_function(&ops);
	watched = !err;
	if (watched)
		return;
	ftrace_free_filter(&ops);
	pr_warn("the OOM killer cannot be watched (error %d): large agents are not spared, receipts do not tell whose limit was met\n",
		err);
}

void agentcg_oom_exit(void)
{
	if (!watched)
		return;
	/* Waits until nobody is in entered() any more. */
	unregister_ftrace_function(&ops);
	ftrace_free_filter(&ops);
}

bool agentcg_oom_watched(void)
{
	return watched;
}

static enum agentcg_cause level_of(const struct cgroup *const cgrp,
				   const struct agentcg_tool *const tool)
{
	const struct cgroup *const session = tool->d.session->d.cgrp;

	if (!cgrp)
		return AGENTCG_CAUSE_OOM_NODE;
	if (cgrp == session)
		return AGENTCG_CAUSE_OOM_SESSION;
	return session && cgroup_is_descendant((struct cgroup *)session,
					       (struct cgroup *)cgrp) ?
	       AGENTCG_CAUSE_OOM_ANCESTOR : AGENTCG_CAUSE_OOM_CALL;
}

/* It had been told to end, or was ending, before the OOM killer came. */
static bool was_ending(const struct agentcg_tool *const tool,
		       struct task_struct *const task)
{
	const struct agentcg_killer *const killer = &tool->evidence.killer;
	const struct signal_struct *const signal = task->signal;

	if (!(signal->flags & SIGNAL_GROUP_EXIT) ||
	    signal->group_exit_code != SIGKILL)
		return true;
	return killer->sender.pid && killer->victim.pid == task_tgid(task);
}

/*
 * The first process, also where it is past its own end for us: on some kernels
 * sched_process_exit comes before the process gives up its mm, so that it may be
 * there while the one who killed it on another CPU has yet to mark it.
 */
static bool is_leader(const struct agentcg_tool *const tool,
		      const struct task_struct *const task)
{
	const struct agentcg_killer *const killer = &tool->evidence.killer;

	return tool->leader == task->signal ||
	       (killer->of_leader &&
		killer->victim.pid == task_tgid((struct task_struct *)task));
}

/* Ended by us; those who outlive the first process are, which it may do by an OOM kill. */
static bool is_ours(const struct agentcg_tool *const tool, const bool of_leader)
{
	const int killed = atomic_read(&tool->killed);

	return killed && killed != AGENTCG_CAUSE_OOM &&
	       !(of_leader && killed == AGENTCG_CAUSE_EXIT);
}

static void note_oom(struct agentcg_tool *const tool,
		     struct task_struct *const task)
{
	struct agentcg_oom *const oom = &tool->evidence.oom;

	oom->time = ktime_get_boottime_ns();
	agentcg_process_take(&oom->culprit, task);
	/* The caller keeps the victim's mm, see agentcg_oom_victim(). */
	oom->culprit.size = (u64)get_mm_rss(task->mm) << PAGE_SHIFT;
	oom->level = AGENTCG_CAUSE_OOM;
	if (!watched || oom_call.task != current)
		return;
	oom->level = level_of(oom_call.cgrp, tool);
	oom->has_figures = true;
	oom->id = oom_call.id;
	oom->usage = oom_call.usage;
	oom->limit = oom_call.limit;
}

/**
 * agentcg_oom_victim - the OOM killer has marked a process of a call
 * @tool: the call
 * @task: the victim, or another process of its group
 *
 * The kernel also marks who is dying already, which is no kill.
 *
 * Context: mark_victim: the kernel holds oom_lock and the lock of @task, whose
 * mm is therefore there.
 */
void agentcg_oom_victim(struct agentcg_tool *const tool,
			struct task_struct *const task)
{
	struct agentcg_oom *const oom = &tool->evidence.oom;
	bool of_leader;

	guard(spinlock_irqsave)(&tool->d.session->lock);
	of_leader = is_leader(tool, task);
	if (is_ours(tool, of_leader) || was_ending(tool, task))
		return;
	if (!oom->time)
		note_oom(tool, task);
	if (of_leader)
		oom->of_leader = true;
}
