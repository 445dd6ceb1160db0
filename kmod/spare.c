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

#include "cgrp.h"
#include "session.h"
#include "spare.h"
#include "tool.h"

/* What goes after a grace period is back by then. */
#define RETURN_JIFFIES	HZ
/* Who has not given back his memory by then is stuck. */
#define PATIENCE	(5 * HZ)

/**
 * struct outlook - what the processes of a session's calls come to
 * @dying: one of them was killed for want of memory, and has not gone
 * @leaving: one of them is in the midst of its exit
 * @best: the one to be killed next, or NULL
 * @points: of @best
 */
struct outlook {
	bool dying;
	bool leaving;
	struct task_struct *best;
	unsigned long points;
};

/*
 * As the kernel's badness, but the whole call is weighed, since all of it goes.
 * Not a process that may still share the agent's memory, see make_mortal().
 */
static void weigh(struct outlook *const outlook, struct task_struct *const task,
		  struct agentcg_tool *const tool, const unsigned long total)
{
	const short adj = task->signal->oom_score_adj;
	unsigned long points;

	if (task->signal->oom_score_adj_min <= 0 || adj <= 0)
		return;
	points = agentcg_memcg_usage(tool->d.memcg) + total / 1000 * adj;
	if (outlook->best && points <= outlook->points)
		return;
	outlook->best = task;
	outlook->points = points;
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
	else if (tool->d.memcg)
		weigh(outlook, task, tool, total);
}

/*
 * Session's lock and RCU read lock held; linear in the machine's processes.
 * One that is dying is all there is to know: thousands may ask.
 */
static void look_around(struct outlook *const outlook,
			struct agentcg_session *const session)
{
	const unsigned long total = agentcg_memcg_max(session->d.memcg);
	struct agentcg_domain *domain;
	struct task_struct *task;

	for_each_process(task) {
		if (outlook->dying)
			break;
		if (task->flags & PF_KTHREAD)
			continue;
		domain = agentcg_domain_above(task_dfl_cgroup(task));
		if (domain && domain->type == AGENTCG_DOMAIN_TOOL &&
		    domain->session == session)
			look_at(outlook, task, agentcg_domain_to_tool(domain),
				total);
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
	       time_before(jiffies, session->left_last + RETURN_JIFFIES);
}

/* Whether to wait a little more; session's lock held. */
static bool be_patient(struct agentcg_session *const session)
{
	/* The first wait for a while. */
	if (time_after(jiffies, session->spared_last + HZ))
		session->spared_since = jiffies;
	session->spared_last = jiffies;
	return time_before(jiffies, session->spared_since + PATIENCE);
}

/* Session's lock and RCU read lock held.  Return: whether nobody is to die. */
static bool spare(struct agentcg_session *const session)
{
	struct outlook outlook = {};

	if (session->ended || !session->d.memcg)
		return false;
	look_around(&outlook, session);
	if (may_return(session, &outlook) && be_patient(session))
		return true;
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
