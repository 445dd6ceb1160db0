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

#include <linux/jiffies.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/swap.h>
#include <linux/thread_info.h>
#include <linux/timekeeping.h>

#include "cgrp.h"
#include "lifecycle.h"
#include "memory.h"
#include "node.h"
#include "notify.h"
#include "park.h"
#include "policy.h"
#include "session.h"
#include "stats.h"
#include "tool.h"

enum verdict {
	VERDICT_NONE,
	VERDICT_NATIVE,
	VERDICT_GRANT,
	VERDICT_DEBT,
	VERDICT_PARK,
	VERDICT_KILL,
};

/* Native passes in a row that may fail before reclaim is not tried again. */
#define NATIVE_FAILS_MAX	2

/* A pass that frees less is no progress. */
#define NATIVE_PROGRESS		SWAP_CLUSTER_MAX

/* Growth of a first grant in this time, 40 MiB/s, is a burst. */
#define BURST_JIFFIES		msecs_to_jiffies(100)

static u64 bytes(const unsigned long pages)
{
	return (u64)pages << PAGE_SHIFT;
}

static unsigned long pages_up(const u64 size)
{
	return min_t(u64, (size + PAGE_SIZE - 1) >> PAGE_SHIFT,
		     PAGE_COUNTER_MAX);
}

static u64 soft_residue(const struct agentcg_session *const session)
{
	return session->acct.residue - session->hard_residue;
}

/* What the node has to back: not what the kernel can drop. */
static u64 to_back(const struct agentcg_session *const session)
{
	return agentcg_account_used(&session->acct) - soft_residue(session);
}

/* What the agent leaf uses it holds; residue cannot exceed what is charged. */
static void refresh_fast(struct agentcg_session *const session)
{
	const u64 total = bytes(agentcg_memcg_usage(session->d.memcg));

	if (session->agent && session->agent->memcg)
		agentcg_account_hold(&session->acct, &session->agent_acct,
				     bytes(agentcg_memcg_usage(session->agent->memcg)));
	session->acct.residue = min(session->acct.residue, total);
	session->hard_residue = min(session->hard_residue,
				    session->acct.residue);
}

/**
 * agentcg_memory_refresh - bring a session's figures up to what is measured
 * @session: its lock is held
 *
 * Residue is what the session is charged for and no live child is.  Linear in
 * the calls, so done where credit runs short and once a second, not at every
 * event.
 */
void agentcg_memory_refresh(struct agentcg_session *const session)
{
	struct agentcg_tool *tool;
	u64 total, live = 0;

	if (!session->d.memcg)
		return;
	refresh_fast(session);
	total = bytes(agentcg_memcg_usage(session->d.memcg));
	if (session->agent && session->agent->memcg)
		live = session->agent_acct.granted;
	list_for_each_entry(tool, &session->tools, link)
		live += bytes(agentcg_memcg_usage(tool->d.memcg));
	session->acct.residue = total > live ? total - live : 0;
	session->hard_residue = min(session->hard_residue,
				    session->acct.residue);
	/* In use already, so the node has to back it whatever it has. */
	agentcg_node_cover(session, to_back(session), true);
}

/* Granted credit comes back from a call; its overdraft is the first to go. */
static u64 take_back(struct agentcg_tool *const tool, const u64 size)
{
	const u64 back = agentcg_account_return(&tool->d.session->acct,
						&tool->acct, size);

	tool->overdraft -= min(tool->overdraft, back);
	return back;
}

/* Whether somebody else wrote memory.high; it is kept for the end. */
static bool overwritten(struct agentcg_domain *const domain)
{
	const unsigned long high = agentcg_memcg_high(domain->memcg);

	if (likely(high == domain->high))
		return false;
	domain->found_high = high;
	agentcg_stats_inc(AGENTCG_STAT_OVERWRITES);
	agentcg_notify_domain(AGENTCG_EVENT_TYPE_LIMIT_OVERWRITTEN, domain);
	return true;
}

/**
 * agentcg_memory_overdraw - book what a call uses without credit
 * @tool: the session's lock is held
 * @size: bytes
 */
void agentcg_memory_overdraw(struct agentcg_tool *const tool, const u64 size)
{
	struct agentcg_session *const session = tool->d.session;

	agentcg_account_give(&session->acct, &tool->acct, size);
	agentcg_node_cover(session, to_back(session), true);
	tool->overdraft += size;
	tool->stats.overdraft_peak = max(tool->stats.overdraft_peak,
					 tool->overdraft);
}

/* What is charged above what the call holds is used already: overdraft. */
static void book_usage(struct agentcg_tool *const tool)
{
	const u64 usage = bytes(agentcg_memcg_usage(tool->d.memcg));
	const u64 held = agentcg_account_held(&tool->acct);

	if (usage > held)
		agentcg_memory_overdraw(tool, usage - held);
}

/*
 * A value below ours is somebody's wish to hold the call lower: its ceiling
 * from now on, though never below what was reserved.  A value above is not
 * his to give: what was taken under it is booked, or others would be granted
 * it once more.
 */
static void obey_overwrite(struct agentcg_tool *const tool)
{
	const u64 ceiling = max(bytes(tool->d.found_high), tool->acct.reserved);
	const u64 held = agentcg_account_held(&tool->acct);

	if (tool->d.found_high >= tool->d.high) {
		book_usage(tool);
		return;
	}
	tool->acct.limit = min(tool->acct.limit, ceiling);
	if (held > tool->acct.limit)
		take_back(tool, held - tool->acct.limit);
}

/**
 * agentcg_memory_apply - make a call's soft limit what it holds
 * @tool: live; the session's lock is held
 */
void agentcg_memory_apply(struct agentcg_tool *const tool)
{
	if (unlikely(overwritten(&tool->d)))
		obey_overwrite(tool);
	agentcg_domain_set_high(&tool->d,
				pages_up(agentcg_account_held(&tool->acct)));
}

/*
 * Soft limit of a session: its budget, and what is booked above it.  Residue
 * that can be reclaimed does not raise it: meeting the limit is what makes the
 * kernel drop it.
 */
void agentcg_memory_apply_session(struct agentcg_session *const session)
{
	const u64 used = agentcg_account_used(&session->acct) -
			 soft_residue(session);

	if (!session->d.memcg)
		return;
	overwritten(&session->d);
	agentcg_domain_set_high(&session->d,
				pages_up(max(session->acct.limit, used)) +
				agentcg_memcg_slack());
}

/* The function that we are called from shall find nothing over a limit. */
static void raise_to_usage(struct agentcg_domain *const domain)
{
	const unsigned long usage = agentcg_memcg_usage(domain->memcg);

	if (usage > agentcg_memcg_high(domain->memcg))
		agentcg_domain_set_high(domain, usage);
}

static void settle(struct agentcg_tool *const tool)
{
	struct agentcg_session *const session = tool->d.session;

	agentcg_memory_apply(tool);
	agentcg_memory_apply_session(session);
	raise_to_usage(&tool->d);
	raise_to_usage(&session->d);
}

/* What a call may yet ask for, as far as it has said so itself. */
static u64 declared_room(const struct agentcg_tool *const tool)
{
	return agentcg_intent_has(&tool->intent, AGENTCG_A_INTENT_BURST) ?
	       agentcg_account_room(&tool->acct) : 0;
}

/**
 * agentcg_memory_grant - grant a call what there is
 * @tool: the session's lock is held
 * @want: bytes
 *
 * Return: what was granted, 0 when there is nothing.
 */
u64 agentcg_memory_grant(struct agentcg_tool *const tool, const u64 want)
{
	struct agentcg_session *const session = tool->d.session;
	const u64 free = agentcg_account_free(&session->acct);
	u64 size = min3(want, free, agentcg_account_room(&tool->acct));

	if (!size)
		return 0;
	size = agentcg_node_borrow(tool, to_back(session), size,
				   clamp(declared_room(tool), size, free));
	if (!size)
		return 0;
	agentcg_account_give(&session->acct, &tool->acct, size);
	tool->stats.grants++;
	tool->stats.granted_total += size;
	return size;
}

static u64 headroom(const struct agentcg_tool *const tool)
{
	const u64 held = agentcg_account_held(&tool->acct);
	const u64 keep = bytes(agentcg_memcg_usage(tool->d.memcg) +
			       agentcg_memcg_slack());

	return held > keep ? min(held - keep, tool->acct.granted) : 0;
}

/**
 * agentcg_memory_hold - take back what a call holds and does not use
 * @tool: live; the session's lock is held
 *
 * Return: how much that was.
 */
u64 agentcg_memory_hold(struct agentcg_tool *const tool)
{
	const u64 size = take_back(tool, headroom(tool));

	tool->stats.revoked_total += size;
	if (size)
		agentcg_memory_apply(tool);
	return size;
}

/*
 * Take unused credit back from the other calls until @want is met.  A call
 * that needs it after all asks again and is served in turn.
 */
static bool revoke(struct agentcg_tool *const asker, const u64 want)
{
	struct agentcg_session *const session = asker->d.session;
	struct agentcg_tool *tool;
	u64 got = 0;

	list_for_each_entry(tool, &session->tools, link) {
		u64 size;

		if (tool == asker)
			continue;
		size = take_back(tool, min(headroom(tool), want - got));
		if (!size)
			continue;
		tool->stats.revoked_total += size;
		agentcg_memory_apply(tool);
		got += size;
		if (got >= want)
			break;
	}
	if (got)
		agentcg_stats_inc(AGENTCG_STAT_REVOKES);
	return got;
}

/*
 * The next grant: twice the last one while that was used up at the rate of a
 * burst, half of it otherwise; a quarter of what is left near the end of the
 * budget, so that nobody takes all of it at once.
 */
static u64 next_step(struct agentcg_tool *const tool)
{
	const u64 left = agentcg_account_free(&tool->d.session->acct) / 4;
	const unsigned long elapsed = jiffies - tool->last_event;

	if (tool->step * BURST_JIFFIES >= (u64)AGENTCG_STEP_FIRST * elapsed)
		tool->step = min_t(u64, tool->step * 2, AGENTCG_STEP_MAX);
	else
		tool->step = max_t(u64, tool->step / 2, AGENTCG_STEP_FIRST);
	tool->last_event = jiffies;
	return ALIGN(clamp(left, AGENTCG_STEP_MIN, tool->step), PAGE_SIZE);
}

static struct agentcg_native *free_slot(struct agentcg_tool *const tool)
{
	size_t i;

	/* A slot of our own: the last pass never took place. */
	for (i = 0; i < ARRAY_SIZE(tool->native); i++)
		if (tool->native[i].task == current)
			return &tool->native[i];
	for (i = 0; i < ARRAY_SIZE(tool->native); i++)
		if (!tool->native[i].task)
			return &tool->native[i];
	return NULL;
}

/* Leave the task to the kernel's reclaim, and watch it (reclaim tracepoint). */
static bool watch_native(struct agentcg_tool *const tool, const bool session)
{
	struct agentcg_native *const slot =
		agentcg_lifecycle_watches_reclaim() ? free_slot(tool) : NULL;

	if (!slot)
		return false;
	*slot = (struct agentcg_native) {
		.task = current,
		.start = ktime_get_ns(),
		.session = session,
	};
	return true;
}

/*
 * Cheap memory to reclaim: enough inactive page cache of the call's own.  The
 * lists include dirty and mapped pages, which are not cheap; that shows in a
 * pass without progress.
 */
static bool native_pays(struct agentcg_tool *const tool, const u64 need)
{
	if (tool->native_fails >= NATIVE_FAILS_MAX ||
	    tool->stats.stall_total >= tool->limits.stall)
		return false;
	return bytes(agentcg_memcg_inactive_file(tool->d.memcg)) >=
	       max_t(u64, 4 * need, SZ_2M);
}

/*
 * Let the kernel drop residue: its limit is put below what is charged.  That
 * makes room in the budget; the node does not back residue in the first place.
 */
static bool reclaim_residue(struct agentcg_tool *const tool, const u64 need)
{
	struct agentcg_session *const session = tool->d.session;
	const unsigned long usage = agentcg_memcg_usage(session->d.memcg);

	if (agentcg_account_free(&session->acct) > need ||
	    soft_residue(session) < need ||
	    session->native_fails >= NATIVE_FAILS_MAX ||
	    !watch_native(tool, true))
		return false;
	agentcg_memory_apply(tool);
	raise_to_usage(&tool->d);
	agentcg_memory_apply_session(session);
	if (usage && agentcg_memcg_high(session->d.memcg) >= usage)
		agentcg_domain_set_high(&session->d, usage - 1);
	return true;
}

/*
 * Whether a call but @asker may still return credit: it runs, or it is over and
 * its cgroup is about to be removed.  Not one made ahead for later.
 */
static bool others_may_return(const struct agentcg_session *const session,
			      const struct agentcg_tool *const asker)
{
	const struct agentcg_tool *tool;

	list_for_each_entry(tool, &session->tools, link)
		if (tool != asker && (!tool->held || tool->delayed) &&
		    (tool->had_leader || cgroup_is_populated(tool->d.cgrp)))
			return true;
	return false;
}

/* Kill or overdraft: by a policy if it has a say in it, else by the intent. */
static bool kills(const struct agentcg_tool *const tool,
		  const enum agentcg_policy_action action)
{
	return action == AGENTCG_ACTION_KILL ||
	       (action == AGENTCG_ACTION_DEFAULT &&
		tool->limits.on_exhaust == AGENTCG_ON_EXHAUST_KILL);
}

/**
 * agentcg_memory_exhausted - the stall bound of a call is used up
 * @tool: the session's lock is held
 *
 * By the intent: the call is killed, or runs on in overdraft, in growing steps
 * that stay within half of what its session's memory.max leaves.
 *
 * Return: whether the call was killed.
 */
bool agentcg_memory_exhausted(struct agentcg_tool *const tool)
{
	struct mem_cgroup *const memcg = tool->d.session->d.memcg;
	const unsigned long max = agentcg_memcg_max(memcg);
	const unsigned long usage = agentcg_memcg_usage(memcg);
	enum agentcg_policy_action action = AGENTCG_ACTION_DEFAULT;
	u64 step;

	if (!tool->stats.exhausted++)
		agentcg_notify_tool(AGENTCG_EVENT_TYPE_TOOL_EXHAUSTED, tool, 0);
	if (agentcg_policy_any())
		action = agentcg_policy_exhausted(tool);
	if (kills(tool, action)) {
		agentcg_tool_kill(tool, action == AGENTCG_ACTION_KILL ?
				  AGENTCG_CAUSE_POLICY_KILL :
				  AGENTCG_CAUSE_STALL_KILL);
		return true;
	}
	next_step(tool);
	step = min(tool->step, bytes((max > usage ? max - usage : 0) / 2));
	/* Within what was declared, unless it is that which is used up. */
	if (agentcg_account_room(&tool->acct))
		step = min(step, agentcg_account_room(&tool->acct));
	agentcg_memory_overdraw(tool, ALIGN_DOWN(step, PAGE_SIZE));
	return false;
}

/* There is no credit: what is charged is booked, then the call pays in time. */
static enum verdict shortage(struct agentcg_tool *const tool, const bool sync)
{
	/* Not the call's own ceiling, nor the node: those others may mend. */
	const bool budget = agentcg_account_room(&tool->acct) &&
			    !agentcg_account_free(&tool->d.session->acct);
	enum verdict verdict = VERDICT_DEBT;

	book_usage(tool);
	if (sync || !agentcg_park_allowed())
		goto out;
	if (agentcg_tool_stall(tool, ktime_get_ns()) >= tool->limits.stall ||
	    (budget && !others_may_return(tool->d.session, tool)))
		verdict = agentcg_memory_exhausted(tool) ? VERDICT_KILL :
							   VERDICT_DEBT;
	else
		verdict = VERDICT_PARK;
out:
	settle(tool);
	return verdict;
}

/* The call is over its own soft limit. */
static enum verdict decide_tool(struct agentcg_tool *const tool,
				const bool sync)
{
	struct agentcg_session *const session = tool->d.session;
	const u64 usage = bytes(agentcg_memcg_usage(tool->d.memcg));
	const u64 held = agentcg_account_held(&tool->acct);
	u64 need, want;

	if (usage <= held)
		return VERDICT_GRANT;
	need = usage - held;
	if (native_pays(tool, need) && watch_native(tool, false))
		return VERDICT_NATIVE;
	/* At its own ceiling nobody's credit helps. */
	if (!agentcg_account_room(&tool->acct))
		return shortage(tool, sync);
	want = need + next_step(tool);
	if (agentcg_memory_grant(tool, want) > need)
		goto granted;
	agentcg_memory_refresh(session);
	if (revoke(tool, want) && agentcg_memory_grant(tool, want) > need)
		goto granted;
	if (reclaim_residue(tool, need))
		return VERDICT_NATIVE;
	return shortage(tool, sync);
granted:
	settle(tool);
	return VERDICT_GRANT;
}

/* The call is within its limit, the session is not. */
static enum verdict decide_session(struct agentcg_tool *const tool,
				   const bool sync)
{
	struct agentcg_session *const session = tool->d.session;

	agentcg_memory_refresh(session);
	if (!agentcg_account_overdraft(&session->acct)) {
		/* Stocks of the CPUs, or a figure that has caught up. */
		settle(tool);
		return VERDICT_GRANT;
	}
	if (reclaim_residue(tool, PAGE_SIZE))
		return VERDICT_NATIVE;
	return shortage(tool, sync);
}

/* What a policy says, as far as the ledger and the stall bound allow it. */
static __cold enum verdict obey(struct agentcg_tool *const tool, const bool sync,
			 const struct agentcg_policy_answer *const answer)
{
	const u64 usage = bytes(agentcg_memcg_usage(tool->d.memcg));
	const u64 held = agentcg_account_held(&tool->acct);
	const u64 need = usage > held ? usage - held : 0;
	const bool stalled = tool->stats.stall_total >= tool->limits.stall;
	enum verdict verdict = VERDICT_DEBT;
	u64 step;

	switch (answer->verdict) {
	case AGENTCG_POLICY_GRANT:
		step = answer->bytes ?: next_step(tool);
		if (agentcg_memory_grant(tool, need + step) <= need)
			return VERDICT_NONE;
		verdict = VERDICT_GRANT;
		break;
	case AGENTCG_POLICY_DEBT:
		book_usage(tool);
		break;
	case AGENTCG_POLICY_PARK:
		return shortage(tool, sync);
	case AGENTCG_POLICY_RECLAIM:
		return tool->native_fails < NATIVE_FAILS_MAX && !stalled &&
		       watch_native(tool, false) ? VERDICT_NATIVE : VERDICT_NONE;
	case AGENTCG_POLICY_EXHAUST:
		book_usage(tool);
		if (!sync && agentcg_memory_exhausted(tool))
			verdict = VERDICT_KILL;
		break;
	default:
		return VERDICT_NONE;
	}
	settle(tool);
	return verdict;
}

/*
 * Ask a policy; what it leaves open is VERDICT_NONE.  Out of line, so that those who
 * have none do not pay for it.
 */
static noinline __cold enum verdict ask(struct agentcg_tool *const tool,
					const bool sync, u64 *const delay)
{
	const struct agentcg_policy_answer answer =
		agentcg_policy_over_high(tool, sync);

	*delay = answer.delay;
	return obey(tool, sync, &answer);
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
	refresh_fast(session);
	/* Somebody may have lifted it, and met the session's instead. */
	if (unlikely(agentcg_memcg_high(tool->d.memcg) != tool->d.high))
		agentcg_memory_apply(tool);
	if (agentcg_memcg_over_high(tool->d.memcg)) {
		if (agentcg_policy_any())
			verdict = ask(tool, sync, delay);
		return verdict ?: decide_tool(tool, sync);
	}
	if (agentcg_memcg_over_high(session->d.memcg))
		return decide_session(tool, sync);
	return VERDICT_NONE;
}

/* The agent leaf is never held back: what it uses, it is granted. */
static void let_agent_pass(struct agentcg_session *const session)
{
	guard(spinlock_irqsave)(&session->lock);
	session->hits++;
	if (session->ended)
		return;
	refresh_fast(session);
	agentcg_node_cover(session, to_back(session), true);
	agentcg_memory_apply_session(session);
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

	scoped_guard(spinlock_irqsave, &tool->d.session->lock)
		verdict = decide(tool, sync, &delay);
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

static struct agentcg_native *slot_of_current(struct agentcg_tool *const tool)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(tool->native); i++)
		if (tool->native[i].task == current)
			return &tool->native[i];
	return NULL;
}

/* Time in native reclaim is time held back. */
static void account_native(struct agentcg_tool *const tool, const u64 start)
{
	const u64 spent = ktime_get_ns() - start;

	tool->stats.native_total += spent;
	tool->stats.stalls++;
	tool->stats.stall_longest = max(tool->stats.stall_longest, spent);
	/* Held by somebody else meanwhile: counted there already. */
	if (!tool->held)
		tool->stats.stall_total += spent;
}

/* The call that the current task charges, or NULL; RCU read lock held. */
static struct agentcg_tool *charged_tool(void)
{
	struct mem_cgroup *const memcg = current->mm ? agentcg_current_memcg() :
						       NULL;
	struct agentcg_domain *const domain =
		memcg ? agentcg_domain_above(memcg->css.cgroup) : NULL;

	return domain && domain->type == AGENTCG_DOMAIN_TOOL ?
	       agentcg_domain_to_tool(domain) : NULL;
}

/**
 * agentcg_memory_reclaiming - a pass of native reclaim begins
 *
 * Its time is taken from here: between the verdict and the pass another task
 * may have made the pass unnecessary.
 *
 * Context: tracepoint in the reclaiming task, RCU read lock held.
 */
void agentcg_memory_reclaiming(void)
{
	struct agentcg_tool *const tool = charged_tool();
	struct agentcg_native *slot;

	if (!tool)
		return;
	guard(spinlock_irqsave)(&tool->d.session->lock);
	slot = slot_of_current(tool);
	if (slot)
		slot->start = ktime_get_ns();
}

/* What is still over the call's limit becomes grant, else debt; lock held. */
static void cover_usage(struct agentcg_tool *const tool)
{
	const u64 usage = bytes(agentcg_memcg_usage(tool->d.memcg));
	u64 held = agentcg_account_held(&tool->acct);

	if (usage > held)
		held += agentcg_memory_grant(tool, usage - held);
	if (usage > held)
		agentcg_memory_overdraw(tool, usage - held);
	settle(tool);
}

/**
 * agentcg_memory_reclaimed - a pass of native reclaim is over
 * @nr_reclaimed: pages
 *
 * One pass is all that a native verdict means: what is still over a limit now
 * is booked, so that the kernel finds nothing to throttle for.  Two passes
 * without progress end native verdicts until the next tick.
 *
 * Context: tracepoint in the reclaiming task, RCU read lock held.
 */
void agentcg_memory_reclaimed(const unsigned long nr_reclaimed)
{
	struct agentcg_tool *const tool = charged_tool();
	struct agentcg_session *session;
	struct agentcg_native *slot;
	u32 *fails;

	if (!tool)
		return;
	session = tool->d.session;
	guard(spinlock_irqsave)(&session->lock);
	slot = slot_of_current(tool);
	if (!slot || session->ended || !tool->d.memcg)
		return;
	fails = slot->session ? &session->native_fails : &tool->native_fails;
	*fails = nr_reclaimed < NATIVE_PROGRESS ? *fails + 1 : 0;
	account_native(tool, slot->start);
	slot->task = NULL;
	agentcg_memory_refresh(session);
	cover_usage(tool);
}

/* Grant a waiter what its next step needs; false when there is no credit. */
static bool serve_one(struct agentcg_park *const park)
{
	struct agentcg_tool *const tool = agentcg_park_tool(park);
	const u64 usage = bytes(agentcg_memcg_usage(tool->d.memcg));
	const u64 held = agentcg_account_held(&tool->acct);
	const u64 want = AGENTCG_STEP_FIRST +
			 (usage > held ? usage - held : 0);

	if (!agentcg_memory_grant(tool, want))
		return false;
	settle(tool);
	agentcg_park_serve(park);
	return true;
}

/* The first who waits for credit; not at the call's own ceiling. */
static struct agentcg_park *first_waiter(struct agentcg_session *const session)
{
	struct agentcg_park *park = NULL;

	while ((park = agentcg_park_next(session, park)))
		if (agentcg_account_room(&agentcg_park_tool(park)->acct))
			return park;
	return NULL;
}

/* It goes on without credit, or is killed.  Return: whether there was one. */
static bool relieve(struct agentcg_session *const session)
{
	struct agentcg_park *const park = first_waiter(session);
	struct agentcg_tool *tool;

	if (!park)
		return false;
	tool = agentcg_park_tool(park);
	agentcg_memory_exhausted(tool);
	settle(tool);
	agentcg_park_serve(park);
	return true;
}

/**
 * agentcg_memory_serve_locked - hand free credit to those who wait for it
 * @session: its lock is held
 *
 * The credit is theirs before they wake, or running tasks would take it.  Who
 * waits at the call's own ceiling is passed over: no credit helps there.  When
 * the budget is used up and all who could return some of it wait, that is
 * exhaustion at once; looked at here as well as before a park, because two that
 * are about to park do not see each other wait.
 *
 * Return: whether somebody goes on.
 */
bool agentcg_memory_serve_locked(struct agentcg_session *const session)
{
	struct agentcg_park *park, *next;
	bool served = false;

	for (park = agentcg_park_next(session, NULL); park; park = next) {
		next = agentcg_park_next(session, park);
		if (!agentcg_account_room(&agentcg_park_tool(park)->acct))
			continue;
		if (!serve_one(park))
			break;
		served = true;
	}
	if (!served && !agentcg_account_free(&session->acct) &&
	    !others_may_return(session, NULL))
		served = relieve(session);
	return served;
}

/* The same for who does not hold the lock; any context. */
bool agentcg_memory_serve(struct agentcg_session *const session)
{
	bool served;

	guard(spinlock_irqsave)(&session->lock);
	if (session->ended)
		return false;
	agentcg_memory_refresh(session);
	agentcg_memory_apply_session(session);
	served = agentcg_memory_serve_locked(session);
	if (!first_waiter(session))
		agentcg_node_content(session);
	return served;
}

/* Whether somebody of the session waits for credit; any context. */
bool agentcg_memory_waits(struct agentcg_session *const session)
{
	guard(spinlock_irqsave)(&session->lock);
	return !session->ended && first_waiter(session);
}

/*
 * Whether a call of the session may still return credit to those who wait: what
 * was borrowed to all, what is the session's own to its own.  Any context.
 */
bool agentcg_memory_may_return(struct agentcg_session *const session)
{
	guard(spinlock_irqsave)(&session->lock);
	return !session->ended &&
	       (session->acct.granted || first_waiter(session)) &&
	       others_may_return(session, NULL);
}

/**
 * agentcg_memory_relieve - let the first waiter go on without credit
 * @session: any
 *
 * All who could return credit to the node wait for it themselves: that is
 * exhaustion at once.
 *
 * Context: may not hold the session's lock.
 * Return: whether there was one.
 */
bool agentcg_memory_relieve(struct agentcg_session *const session)
{
	guard(spinlock_irqsave)(&session->lock);
	return !session->ended && relieve(session);
}

/**
 * agentcg_memory_left - a call has ended, its account is closed
 * @tool: its session's lock is held
 *
 * What the session needs no longer returns to the node.
 */
void agentcg_memory_left(struct agentcg_tool *const tool)
{
	struct agentcg_session *const session = tool->d.session;

	agentcg_node_leave(tool);
	agentcg_node_release(session, to_back(session));
}

/* Half of what a call has had no use for since the last look; lock held. */
static void decay(struct agentcg_tool *const tool)
{
	const u64 idle = headroom(tool);

	if (idle > AGENTCG_STEP_FIRST)
		take_back(tool, ALIGN_DOWN(idle / 2, PAGE_SIZE));
	/* Another try for native reclaim. */
	tool->native_fails = 0;
}

/* Whether the session is charged more than at the last look; lock held. */
static bool has_grown(struct agentcg_session *const session)
{
	const unsigned long seen = session->seen_usage;

	session->seen_usage = agentcg_memcg_usage(session->d.memcg);
	return session->seen_usage > seen + agentcg_memcg_slack();
}

/**
 * agentcg_memory_tick - what flows back in time
 * @session: any
 *
 * Once a second: unused credit returns by halves, residue is measured,
 * overdraft that has been repaid lowers the limits again, waiters are served.
 *
 * Context: may not hold the session's lock.
 */
void agentcg_memory_tick(struct agentcg_session *const session)
{
	struct agentcg_tool *tool;

	guard(spinlock_irqsave)(&session->lock);
	if (session->ended)
		return;
	session->native_fails = 0;
	agentcg_memory_refresh(session);
	list_for_each_entry(tool, &session->tools, link) {
		decay(tool);
		agentcg_memory_apply(tool);
	}
	agentcg_memory_apply_session(session);
	agentcg_memory_serve_locked(session);
	if (agentcg_policy_any())
		agentcg_policy_tick(session);
	agentcg_node_tick(session, has_grown(session));
	agentcg_node_release(session, to_back(session));
}
