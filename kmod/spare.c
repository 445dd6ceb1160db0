// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sparing the agent when its session is out of memory.
 *
 * Called at the entry of the kernel's OOM killer (oom.c), which has two ways to
 * take the agent although there is a call:
 *
 * It does not wait long enough.  A victim is passed over from when its memory
 * is unmapped, which is before it is given back: up to 10,000 pages are gathered
 * before the first of them is freed, page tables and files go after a grace
 * period.  An agent that needs a page in between finds the session full and
 * nobody else in it.
 *
 * It weighs processes, not calls.  Pipes, tmpfs, page tables of others and
 * descriptors weigh nothing, and a large agent outweighs a hundred small
 * processes of a call whatever their oom_score_adj.
 *
 * So we let it wait while memory is on its way, and otherwise name the call.
 */

#include "common.h"

#include <linux/jiffies.h>
#include <linux/oom.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>

#include "cause.h"
#include "cgrp.h"
#include "session.h"
#include "spare.h"
#include "tool.h"

/*
 * Who has not given back his memory by then is stuck.  What goes after a grace
 * period is back, also where RCU has to wait for a processor.
 */
#define PATIENCE	(5 * HZ)

/**
 * struct outlook - what the processes of a session's calls come to
 * @dying: one of them was killed for want of memory, and has not gone
 * @leaving: one of them is in the midst of its exit
 * @tool: the call to be killed next; a cookie, compared only
 * @points: of @tool
 * @best: its largest process so far, or NULL
 * @size: bytes resident of @best
 */
struct outlook {
	bool dying;
	bool leaving;
	const struct agentcg_tool *tool;
	unsigned long points;
	struct task_struct *best;
	u64 size;
};

static unsigned long points_of(struct agentcg_tool *const tool,
			       const unsigned long total, const int score)
{
	guard(spinlock_irqsave)(&tool->d.session->lock);
	return tool->d.memcg ? agentcg_memcg_usage(tool->d.memcg) +
			       total / 1000 * score : 0;
}

/*
 * As the kernel's badness, but the whole call is weighed, since all of it goes;
 * the largest process in it is the one that people want to be told of.  Not a
 * process that may still share the agent's memory, see make_mortal().
 */
static void weigh(struct outlook *const outlook, struct task_struct *const task,
		  struct agentcg_tool *const tool, const unsigned long total)
{
	const struct signal_struct *const signal = task->signal;
	unsigned long points;
	u64 size;

	if (signal->oom_score_adj_min <= 0 || signal->oom_score_adj <= 0)
		return;
	if (tool != outlook->tool) {
		points = points_of(tool, total, signal->oom_score_adj);
		if (points <= outlook->points)
			return;
		outlook->tool = tool;
		outlook->points = points;
		outlook->best = NULL;
	}
	size = agentcg_process_size(task);
	if (outlook->best && size <= outlook->size)
		return;
	outlook->best = task;
	outlook->size = size;
}

static void look_at(struct outlook *const outlook,
		    struct task_struct *const task,
		    struct agentcg_tool *const tool, const unsigned long total)
{
	const bool alive = atomic_read(&task->signal->live);

	/* A leader may be long gone whose last thread is not. */
	if (!alive && task->exit_state && thread_group_empty(task))
		return;
	if (task->signal->oom_mm)
		outlook->dying = true;
	else if (!alive)
		outlook->leaving = true;
	else
		weigh(outlook, task, tool, total);
}

/*
 * Linear in the machine's processes, but quick where they are not the session's.
 * One that is dying is all there is to know: thousands may ask.
 */
static void look_around(struct outlook *const outlook,
			struct mem_cgroup *const memcg)
{
	const unsigned long total = agentcg_memcg_max(memcg);
	struct agentcg_domain *domain;
	struct task_struct *task;
	struct cgroup *cgrp;

	for_each_process(task) {
		cgrp = task_dfl_cgroup(task);
		if (!cgroup_is_descendant(cgrp, memcg->css.cgroup))
			continue;
		domain = agentcg_domain_above(cgrp);
		if (domain && domain->type == AGENTCG_DOMAIN_TOOL)
			look_at(outlook, task, agentcg_domain_to_tool(domain),
				total);
		if (outlook->dying)
			break;
	}
}

/*
 * Whether memory is on its way.  While there is somebody to kill only a victim's
 * counts: in a busy call somebody exits all the time.
 */
static bool may_return(const struct agentcg_session *const session,
		       const struct outlook *const outlook)
{
	if (outlook->dying || outlook->best)
		return outlook->dying;
	return outlook->leaving ||
	       time_before(jiffies, session->left_last + PATIENCE);
}

/* Whether to wait a little more; session's lock held. */
static bool be_patient(struct agentcg_session *const session)
{
	/* The first wait for a while, or somebody has gone meanwhile. */
	if (time_after(jiffies, session->spared_last + HZ))
		session->spared_since = jiffies;
	else if (time_after(session->left_last, session->spared_since))
		session->spared_since = session->left_last;
	session->spared_last = jiffies;
	return time_before(jiffies, session->spared_since + PATIENCE);
}

/* RCU read lock held.  Return: whether nobody is to die. */
static bool spare(struct agentcg_session *const session,
		  struct mem_cgroup *const memcg)
{
	struct outlook outlook = {};

	look_around(&outlook, memcg);
	scoped_guard(spinlock_irqsave, &session->lock) {
		if (session->ended)
			return false;
		if (may_return(session, &outlook) && be_patient(session))
			return true;
	}
	/* Whoever is flagged so is chosen before all others. */
	if (outlook.best)
		outlook.best->signal->oom_flag_origin = true;
	return false;
}

/*
 * Makes out_of_memory() return at once that there is hope, as it does itself
 * while a victim is unmapping: for an allocation that is nobody's memcg's and may
 * not enter a file system.  Its caller tries the charge again, and does not look
 * at the oom_control any more.
 */
static void call_off(struct oom_control *const oc)
{
	oc->memcg = NULL;
	/* Const only so that the OOM killer itself does not change it. */
	*(gfp_t *)&oc->gfp_mask &= ~__GFP_FS;
}

/**
 * agentcg_spare - spare the agent, if it is a session that is out of memory
 * @oc: as the OOM killer was called; changed when the kill is put off
 *
 * Only what is decided in the session is ours to decide: below it no agent is
 * in danger, above it are others.
 *
 * Context: the kernel's oom_lock is held, preemption is off, RCU read lock held.
 */
void agentcg_spare(struct oom_control *const oc)
{
	struct agentcg_domain *domain;

	if (!oc->memcg)
		return;
	domain = agentcg_domain_find(cgroup_id(oc->memcg->css.cgroup));
	if (domain && domain->type == AGENTCG_DOMAIN_SESSION &&
	    spare(domain->session, oc->memcg))
		call_off(oc);
}
