// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sparing the agent when its session, or what is above it, is out of memory.
 *
 * Called at the entry of the kernel's OOM killer (oom.c), which has two ways to
 * take an agent although there is a call:
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
 * So we let it wait while memory is on its way, and otherwise name the call: in a
 * session always, above it only in an agent's stead.  Whom else it takes there is
 * not ours to decide.
 */

#include "common.h"

#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/oom.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

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

/* Above the sessions; changed under the kernel's oom_lock, but for @left. */
static struct agentcg_patience above;

/**
 * struct outlook - what those come to who may be killed
 * @total: pages, by which a score of 1,000 counts
 * @dying: one of them was killed for want of memory, and has not gone
 * @leaving: one of them is in the midst of its exit
 * @tool: the call to be killed next; a cookie, compared only
 * @points: of @tool
 * @best: its largest process so far, or NULL
 * @size: bytes resident of @best
 * @agent: badness of the worst process of an agent, 0 without
 * @rival: of the worst of all others
 */
struct outlook {
	unsigned long total;
	bool dying;
	bool leaving;
	const struct agentcg_tool *tool;
	unsigned long points;
	struct task_struct *best;
	u64 size;
	unsigned long agent;
	unsigned long rival;
};

/* Of an mm, as the kernel counts it; 0 without one. */
static unsigned long pages_of(struct task_struct *const thread)
{
	unsigned long pages = 0;

	task_lock(thread);
	if (thread->mm)
		pages = get_mm_rss(thread->mm) +
			get_mm_counter(thread->mm, MM_SWAPENTS) +
			mm_pgtables_bytes(thread->mm) / PAGE_SIZE;
	task_unlock(thread);
	return pages;
}

/* As oom_badness(), which modules cannot call; 0 for who cannot be killed. */
static unsigned long badness(struct task_struct *const task,
			     const unsigned long total)
{
	const long score = task->signal->oom_score_adj;
	struct task_struct *thread;
	unsigned long pages = 0;

	if (score == OOM_SCORE_ADJ_MIN || (task->flags & PF_KTHREAD) ||
	    is_global_init(task))
		return 0;
	/* A leader that has exited has no mm, while others of its group may. */
	for_each_thread(task, thread) {
		pages = pages_of(thread);
		if (pages)
			break;
	}
	return max_t(long, pages + score * (long)(total / 1000), 0);
}

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
		  struct agentcg_tool *const tool)
{
	const struct signal_struct *const signal = task->signal;
	unsigned long points;
	u64 size;

	if (signal->oom_score_adj_min <= 0 || signal->oom_score_adj <= 0)
		return;
	if (tool != outlook->tool) {
		points = points_of(tool, outlook->total, signal->oom_score_adj);
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

static void look_at_call(struct outlook *const outlook,
			 struct task_struct *const task,
			 struct agentcg_tool *const tool)
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
		weigh(outlook, task, tool);
}

static void look_at(struct outlook *const outlook,
		    struct task_struct *const task, struct cgroup *const cgrp)
{
	struct agentcg_domain *const domain = agentcg_domain_above(cgrp);
	const bool of_call = domain && domain->type == AGENTCG_DOMAIN_TOOL;
	unsigned long *const worst = domain && !of_call ? &outlook->agent :
							  &outlook->rival;

	*worst = max(*worst, badness(task, outlook->total));
	if (of_call)
		look_at_call(outlook, task, agentcg_domain_to_tool(domain));
}

/*
 * Linear in the machine's processes, but quick where they are not below @top.
 * One that is dying is all there is to know: thousands may ask.
 */
static void look_around(struct outlook *const outlook, struct cgroup *const top)
{
	struct task_struct *task;
	struct cgroup *cgrp;

	for_each_process(task) {
		cgrp = task_dfl_cgroup(task);
		if (!top || cgroup_is_descendant(cgrp, top))
			look_at(outlook, task, cgrp);
		if (outlook->dying)
			break;
	}
}

/*
 * Whether memory is on its way.  While there is somebody to kill only a victim's
 * counts: in a busy call somebody exits all the time.
 */
static bool may_return(const struct agentcg_patience *const patience,
		       const struct outlook *const outlook)
{
	if (outlook->dying || outlook->best)
		return outlook->dying;
	return outlook->leaving ||
	       time_before(jiffies, READ_ONCE(patience->left) + PATIENCE);
}

/* Whether to wait a little more; the lock of @patience is held. */
static bool be_patient(struct agentcg_patience *const patience)
{
	const unsigned long left = READ_ONCE(patience->left);

	/* The first wait for a while, or somebody has gone meanwhile. */
	if (time_after(jiffies, patience->last + HZ))
		patience->since = jiffies;
	else if (time_after(left, patience->since))
		patience->since = left;
	patience->last = jiffies;
	return time_before(jiffies, patience->since + PATIENCE);
}

static bool wait(struct agentcg_patience *const patience,
		 const struct outlook *const outlook)
{
	return may_return(patience, outlook) && be_patient(patience);
}

/* Whoever is flagged so is chosen before all others. */
static void name_call(const struct outlook *const outlook)
{
	if (outlook->best)
		outlook->best->signal->oom_flag_origin = true;
}

/* RCU read lock held, as below.  Return: whether nobody is to die. */
static bool spare_in_session(struct agentcg_session *const session,
			     struct mem_cgroup *const memcg)
{
	struct outlook outlook = { .total = agentcg_memcg_max(memcg) };

	look_around(&outlook, memcg->css.cgroup);
	scoped_guard(spinlock_irqsave, &session->lock) {
		if (session->ended)
			return false;
		if (wait(&session->patience, &outlook))
			return true;
	}
	name_call(&outlook);
	return false;
}

/* The same where others are as well; @memcg: NULL for the machine. */
static bool spare_above(struct mem_cgroup *const memcg)
{
	struct outlook outlook = {
		.total = min(totalram_pages(),
			     memcg ? agentcg_memcg_max(memcg) : ULONG_MAX),
	};

	look_around(&outlook, memcg ? memcg->css.cgroup : NULL);
	/* Seen only in part while somebody is dying, whom the kernel waits for. */
	if (!outlook.dying && (!outlook.agent || outlook.agent < outlook.rival))
		return false;
	if (wait(&above, &outlook))
		return true;
	name_call(&outlook);
	return false;
}

/* Somebody at the keyboard wants it, now. */
static bool is_sysrq(const struct oom_control *const oc)
{
	return oc->order == -1;
}

/**
 * agentcg_spare_left - a process of a call has exited
 * @session: its lock is held
 */
void agentcg_spare_left(struct agentcg_session *const session)
{
	session->patience.left = jiffies;
	/* Not a line that is written by all processors all the time. */
	if (READ_ONCE(above.left) != jiffies)
		WRITE_ONCE(above.left, jiffies);
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
 * agentcg_spare - spare the agent, if one is in danger
 * @oc: as the OOM killer was called; changed when the kill is put off
 *
 * Not inside a call or an agent's leaf: who is there has no other to die for him.
 *
 * Context: the kernel's oom_lock is held, preemption is off, RCU read lock held.
 */
void agentcg_spare(struct oom_control *const oc)
{
	struct cgroup *const cgrp = oc->memcg ? oc->memcg->css.cgroup : NULL;
	struct agentcg_domain *const domain = cgrp ? agentcg_domain_above(cgrp) :
						     NULL;
	bool spared = false;

	if (!domain && !is_sysrq(oc))
		spared = spare_above(oc->memcg);
	else if (domain && domain->type == AGENTCG_DOMAIN_SESSION &&
		 domain->id == cgroup_id(cgrp))
		spared = spare_in_session(domain->session, oc->memcg);
	if (spared)
		call_off(oc);
}
