// SPDX-License-Identifier: GPL-2.0-only
/*
 * Over-high events: the verdict and what it does.
 *
 * The kernel calls its over-high function in the allocating task, in one of
 * two ways, told apart by TIF_NOTIFY_RESUME:
 *
 *   return	 on the way to user space.  The flag has just been cleared, no
 *		 lock is held, a park may be queued: it runs before the task
 *		 gets out.
 *   synchronous from the charge itself.  The flag has just been set, locks may
 *		 be held and user space may be hours away: never park.
 *
 * Our hook runs first, at the function's entry.  What the function then does
 * is decided by memory.high as we leave it: unless the verdict is "native", it
 * has to find every level of ours at or below its limit, or it reclaims and
 * throttles on top.
 */

#include "common.h"

#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/thread_info.h>
#include <linux/timekeeping.h>

#include "cgrp.h"
#include "credit.h"
#include "dirty.h"
#include "exhaust.h"
#include "memory.h"
#include "native.h"
#include "node.h"
#include "park.h"
#include "policy.h"
#include "serve.h"
#include "session.h"
#include "stats.h"
#include "tool.h"
#include "trace.h"

/* Told by number to trace.h. */
enum verdict {
	VERDICT_NONE,
	VERDICT_NATIVE,
	VERDICT_GRANT,
	VERDICT_DEBT,
	VERDICT_PARK,
	VERDICT_KILL,
};

static const enum verdict verdict_of[] = {
	[AGENTCG_OUTCOME_RUNS] = VERDICT_DEBT,
	/* It stops on its way out, and has its debt booked as one that runs. */
	[AGENTCG_OUTCOME_FROZEN] = VERDICT_DEBT,
	[AGENTCG_OUTCOME_KILLED] = VERDICT_KILL,
};

/* There is no credit: what is charged is booked, then the call pays in time. */
static enum verdict shortage(struct agentcg_tool *const tool, const bool sync)
{
	enum verdict verdict = VERDICT_DEBT;
	bool budget;

	if (sync) {
		agentcg_credit_run_up(tool);
		goto out;
	}
	/* Not the call's own ceiling, nor the node: those others may mend. */
	budget = !agentcg_credit_at_ceiling(tool) &&
		 !agentcg_account_free(&tool->d.session->acct);
	agentcg_credit_book_usage(tool);
	if (!agentcg_park_allowed())
		goto out;
	verdict = VERDICT_PARK;
	if (!agentcg_patience(tool, ktime_get_ns()) ||
	    (budget && !agentcg_serve_others(tool->d.session, tool)))
		verdict = verdict_of[agentcg_exhausted(tool)];
out:
	agentcg_credit_settle(tool);
	return verdict;
}

/*
 * Writers are held back for their dirty pages: the kernel allows them a part of what
 * the limit leaves, so credit helps and dropping what is clean does not.
 */
static bool credit_first(struct agentcg_tool *const tool, const u64 need)
{
	return agentcg_dirty_holds(tool) && !agentcg_serve_waits_before(tool) &&
	       agentcg_credit_grant(tool, need + agentcg_credit_step(tool)) > need;
}

/* The call is over its own soft limit. */
static enum verdict decide_tool(struct agentcg_tool *const tool,
				const bool sync)
{
	struct agentcg_session *const session = tool->d.session;
	const u64 usage = agentcg_bytes(agentcg_memcg_usage(tool->d.memcg));
	const u64 held = agentcg_account_held(&tool->acct);
	u64 need, want;

	if (usage <= held)
		return VERDICT_GRANT;
	need = usage - held;
	if (credit_first(tool, need))
		goto granted;
	if (agentcg_native_pays(tool, need) &&
	    agentcg_native_watch(tool, AGENTCG_NATIVE_CACHE))
		return VERDICT_NATIVE;
	/* At its own ceiling nobody's credit helps. */
	if (!agentcg_account_room(&tool->acct))
		return agentcg_native_swap(tool, need) ? VERDICT_NATIVE :
							 shortage(tool, sync);
	if (agentcg_serve_waits_before(tool))
		return shortage(tool, sync);
	want = need + agentcg_credit_step(tool);
	if (agentcg_credit_grant(tool, want) > need)
		goto granted;
	agentcg_credit_refresh_residue(session);
	if (agentcg_credit_revoke(tool, want) && agentcg_credit_grant(tool, want) > need)
		goto granted;
	if (agentcg_native_residue(tool, need) || agentcg_native_swap(tool, need))
		return VERDICT_NATIVE;
	return shortage(tool, sync);
granted:
	agentcg_credit_settle(tool);
	return VERDICT_GRANT;
}

/* What a policy says, as far as the ledger and the stall bound allow it. */
static __cold enum verdict obey(struct agentcg_tool *const tool, const bool sync,
				const struct agentcg_policy_answer *const answer)
{
	const u64 need = agentcg_credit_lack(tool);
	enum verdict verdict = VERDICT_DEBT;
	u64 step;

	switch (answer->verdict) {
	case AGENTCG_POLICY_GRANT:
		step = answer->bytes ?: agentcg_credit_step(tool);
		if (agentcg_credit_grant(tool, need + step) <= need)
			return VERDICT_NONE;
		verdict = VERDICT_GRANT;
		break;
	case AGENTCG_POLICY_DEBT:
		agentcg_credit_book_usage(tool);
		break;
	case AGENTCG_POLICY_PARK:
		return shortage(tool, sync);
	case AGENTCG_POLICY_RECLAIM:
		return agentcg_native_try(tool) ? VERDICT_NATIVE : VERDICT_NONE;
	case AGENTCG_POLICY_EXHAUST:
		agentcg_credit_book_usage(tool);
		if (!sync && agentcg_exhausted(tool) == AGENTCG_OUTCOME_KILLED)
			verdict = VERDICT_KILL;
		break;
	default:
		return VERDICT_NONE;
	}
	agentcg_credit_settle(tool);
	return verdict;
}

/*
 * Ask a policy; what it leaves open is VERDICT_NONE.  Out of line, so that those who
 * have none do not pay for it.
 */
static noinline __cold enum verdict ask(struct agentcg_tool *const tool,
					const bool sync, const u32 flags,
					u64 *const delay)
{
	const struct agentcg_policy_answer answer =
		agentcg_policy_over_high(tool, flags |
					 (sync ? AGENTCG_POLICY_SYNC : 0));

	*delay = answer.delay;
	return obey(tool, sync, &answer);
}

/* The call is within its limit, the session is not. */
static enum verdict decide_session(struct agentcg_tool *const tool,
				   const bool sync, u64 *const delay)
{
	struct agentcg_session *const session = tool->d.session;
	enum verdict verdict = VERDICT_NONE;

	agentcg_credit_refresh_residue(session);
	if (!agentcg_account_overdraft(&session->acct)) {
		/* Stocks of the CPUs, or a figure that has caught up. */
		agentcg_credit_settle(tool);
		return VERDICT_GRANT;
	}
	if (agentcg_policy_any())
		verdict = ask(tool, sync, AGENTCG_POLICY_SESSION, delay);
	if (verdict)
		return verdict;
	if (agentcg_native_residue(tool, PAGE_SIZE))
		return VERDICT_NATIVE;
	return shortage(tool, sync);
}

/* @delay: ns for which the task shall sleep after a grant or a debt. */
static enum verdict decide(struct agentcg_tool *const tool, const bool sync,
			   u64 *const delay)
{
	struct agentcg_session *const session = tool->d.session;
	enum verdict verdict = VERDICT_NONE;

	session->hits++;
	/* Ended, or found by its id while it is still being declared. */
	if (session->ended || !tool->d.memcg || list_empty(&tool->link))
		return VERDICT_NONE;
	agentcg_credit_refresh_fast(session);
	/* Somebody may have lifted it, and met the session's instead. */
	if (unlikely(agentcg_memcg_high(tool->d.memcg) != tool->d.high))
		agentcg_credit_apply(tool);
	if (agentcg_memcg_over_high(tool->d.memcg)) {
		if (agentcg_policy_any())
			verdict = ask(tool, sync, 0, delay);
		return verdict ?: decide_tool(tool, sync);
	}
	if (agentcg_memcg_over_high(session->d.memcg))
		return decide_session(tool, sync, delay);
	return VERDICT_NONE;
}

/* The agent leaf is never held back: what it uses, it is granted. */
static void let_agent_pass(struct agentcg_session *const session)
{
	guard(spinlock_irqsave)(&session->lock);
	session->hits++;
	if (session->ended)
		return;
	agentcg_credit_refresh_fast(session);
	agentcg_node_book(session, agentcg_credit_to_back(session));
	agentcg_credit_apply_session(session);
	if (agentcg_memcg_over_high(session->d.memcg))
		agentcg_domain_set_high(&session->d,
					agentcg_memcg_usage(session->d.memcg) +
					agentcg_memcg_slack());
}

static const enum agentcg_stat verdict_stat[] = {
	[VERDICT_NATIVE] = AGENTCG_STAT_NATIVES,
	[VERDICT_GRANT] = AGENTCG_STAT_GRANTS,
	[VERDICT_DEBT] = AGENTCG_STAT_DEBTS,
	[VERDICT_PARK] = AGENTCG_STAT_PARKS,
	[VERDICT_KILL] = AGENTCG_STAT_DEBTS,
};

static void judge(struct agentcg_tool *const tool)
{
	/* See the head of this file. */
	const bool sync = test_thread_flag(TIF_NOTIFY_RESUME);
	enum verdict verdict;
	u64 delay = 0;

	scoped_guard(spinlock_irqsave, &tool->d.session->lock) {
		verdict = decide(tool, sync, &delay);
		trace_agentcg_verdict(tool->d.session->d.id, tool->d.id, verdict,
				      sync, agentcg_account_held(&tool->acct),
				      agentcg_account_free(&tool->d.session->acct));
	}
	if (verdict == VERDICT_NONE)
		return;
	agentcg_stats_inc(verdict_stat[verdict]);
	if (verdict == VERDICT_PARK)
		agentcg_park_current(tool, 0);
	else if (unlikely(delay) && verdict != VERDICT_NATIVE &&
		 verdict != VERDICT_KILL && agentcg_park_allowed())
		agentcg_park_current(tool, delay);
	else if (verdict == VERDICT_KILL)
		send_sig(SIGKILL, current, 1);
}

/* A limit that is not ours is in the way: native is right, and is counted. */
static bool foreign_over(struct mem_cgroup *memcg,
			 const struct agentcg_domain *const domain)
{
	for (; memcg && memcg->css.parent; memcg = parent_mem_cgroup(memcg)) {
		u64 id;

		/* First, since no level but those left to reclaim is. */
		if (likely(!agentcg_memcg_over_high(memcg)))
			continue;
		id = agentcg_memcg_id(memcg);
		if (id != domain->id && id != domain->session->d.id)
			return true;
	}
	return false;
}

static void count_foreign(struct agentcg_tool *const tool)
{
	agentcg_stats_inc(AGENTCG_STAT_FOREIGN);
	guard(spinlock_irqsave)(&tool->d.session->lock);
	tool->stats.foreign++;
}

/**
 * agentcg_memory_over_high - decide the over-high event of the current task
 *
 * Context: the entry of the kernel's over-high function, preemption off, RCU
 * read lock held; may not sleep.
 */
void agentcg_memory_over_high(void)
{
	struct agentcg_domain *domain;
	struct mem_cgroup *memcg;

	/* Also entered on every notify-resume by 6.12, hence the counter. */
	if (!current->memcg_nr_pages_over_high || !current->mm)
		return;
	/* The kernel lets the dying pass, and so do we. */
	if ((current->flags & PF_EXITING) || fatal_signal_pending(current))
		return;
	memcg = agentcg_current_memcg();
	if (!memcg)
		return;
	domain = agentcg_domain_above(memcg->css.cgroup);
	if (!domain)
		return;
	agentcg_stats_inc(AGENTCG_STAT_HITS);
	if (domain->type != AGENTCG_DOMAIN_TOOL) {
		let_agent_pass(domain->session);
		return;
	}
	judge(agentcg_domain_to_tool(domain));
	if (unlikely(foreign_over(memcg, domain)))
		count_foreign(agentcg_domain_to_tool(domain));
}
