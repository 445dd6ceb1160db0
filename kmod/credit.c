// SPDX-License-Identifier: GPL-2.0-only
/*
 * Credit of calls: what a session's figures are, how much a call is granted, and
 * the soft limits that follow.  See credit.h.
 */

#include "common.h"

#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/minmax.h>

#include "cgrp.h"
#include "credit.h"
#include "exhaust.h"
#include "node.h"
#include "notify.h"
#include "policy.h"
#include "serve.h"
#include "session.h"
#include "stats.h"
#include "tool.h"
#include "trace.h"

/* Growth of a first grant in this time, 40 MiB/s, is a burst. */
#define BURST_JIFFIES		msecs_to_jiffies(100)

static unsigned long pages_up(const u64 size)
{
	return min_t(u64, (size + PAGE_SIZE - 1) >> PAGE_SHIFT,
		     PAGE_COUNTER_MAX);
}

/* What the agent leaf uses it holds; residue cannot exceed what is charged. */
void agentcg_credit_refresh_fast(struct agentcg_session *const session)
{
	const u64 total = agentcg_bytes(agentcg_memcg_usage(session->d.memcg));

	if (session->agent && session->agent->memcg)
		agentcg_account_hold(&session->acct, &session->agent_acct,
				     agentcg_bytes(agentcg_memcg_usage(session->agent->memcg)));
	session->acct.residue = min(session->acct.residue, total);
	session->hard_residue = min(session->hard_residue,
				    session->acct.residue);
}

/**
 * agentcg_credit_refresh_residue - measure what no live child is charged for
 * @session: its lock is held; agentcg_credit_refresh_fast() has just been called
 *
 * Linear in the calls, so done where credit runs short and once a second, not at
 * every event.
 */
void agentcg_credit_refresh_residue(struct agentcg_session *const session)
{
	const u64 total = agentcg_bytes(agentcg_memcg_usage(session->d.memcg));
	struct agentcg_tool *tool;
	u64 live = 0;

	if (session->agent && session->agent->memcg)
		live = session->agent_acct.granted;
	list_for_each_entry(tool, &session->tools, link)
		live += agentcg_bytes(agentcg_memcg_usage(tool->d.memcg));
	session->acct.residue = total > live ? total - live : 0;
	session->hard_residue = min(session->hard_residue,
				    session->acct.residue);
	/* In use already, so the node has to back it whatever it has. */
	agentcg_node_book(session, agentcg_credit_to_back(session));
}

/* Bring all of a session's figures up to what is measured; its lock is held. */
void agentcg_credit_refresh(struct agentcg_session *const session)
{
	if (!session->d.memcg)
		return;
	agentcg_credit_refresh_fast(session);
	agentcg_credit_refresh_residue(session);
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
 * agentcg_credit_overdraw - book what a call uses without credit
 * @tool: the session's lock is held
 * @size: bytes
 */
void agentcg_credit_overdraw(struct agentcg_tool *const tool, const u64 size)
{
	struct agentcg_session *const session = tool->d.session;

	agentcg_account_give(&session->acct, &tool->acct, size);
	agentcg_node_book(session, agentcg_credit_to_back(session));
	tool->overdraft += size;
	tool->stats.overdraft_peak = max(tool->stats.overdraft_peak,
					 tool->overdraft);
	agentcg_stats_inc(AGENTCG_STAT_OVERDRAFTS);
	trace_agentcg_overdraw(session->d.id, tool->d.id, size);
}

/*
 * Whether a call has all that it may ask for, though its session has a larger
 * budget: nobody's credit helps there.  One whose ceiling was cut to the budget,
 * or who declared none, is short of the budget instead.  Lock held.
 */
bool agentcg_credit_at_ceiling(const struct agentcg_tool *const tool)
{
	return !agentcg_account_room(&tool->acct) &&
	       tool->acct.limit < tool->d.session->acct.limit;
}

/* What is charged to a call above what it holds, in bytes; lock held. */
u64 agentcg_credit_lack(const struct agentcg_tool *const tool)
{
	const u64 usage = agentcg_bytes(agentcg_memcg_usage(tool->d.memcg));
	const u64 held = agentcg_account_held(&tool->acct);

	return usage > held ? usage - held : 0;
}

/**
 * agentcg_credit_beyond - how far a call may be let go without credit
 * @tool: the session's lock is held
 *
 * Return: half of what the session's memory.max leaves, in bytes.
 */
u64 agentcg_credit_beyond(const struct agentcg_tool *const tool)
{
	struct mem_cgroup *const memcg = tool->d.session->d.memcg;
	const unsigned long max = agentcg_memcg_max(memcg);
	const unsigned long usage = agentcg_memcg_usage(memcg);

	return agentcg_bytes((max > usage ? max - usage : 0) / 2);
}

/**
 * agentcg_credit_run_up - book what is charged from inside of a system call
 * @tool: the session's lock is held
 *
 * Nothing stops it before its end.  Who is back as soon as a burst would be is in the
 * midst of something large and gets as much again as it has taken so far, so that 2 GB
 * in one write(2) are tens of debts and not thousands.
 */
void agentcg_credit_run_up(struct agentcg_tool *const tool)
{
	const unsigned long elapsed = jiffies - tool->run_at;
	u64 size;

	if ((u64)AGENTCG_STEP_FIRST * elapsed >
	    max_t(u64, tool->run, AGENTCG_STEP_FIRST) * BURST_JIFFIES)
		tool->run = 0;
	size = agentcg_credit_lack(tool) +
	       min3(tool->run, (u64)AGENTCG_STEP_MAX, agentcg_credit_beyond(tool));
	size = ALIGN_DOWN(size, PAGE_SIZE);
	tool->run += size;
	tool->run_at = jiffies;
	if (size)
		agentcg_credit_overdraw(tool, size);
}

/* That is used already: overdraft. */
void agentcg_credit_book_usage(struct agentcg_tool *const tool)
{
	const u64 lack = agentcg_credit_lack(tool);

	if (lack)
		agentcg_credit_overdraw(tool, lack);
}

/*
 * A value below ours is somebody's wish to hold the call lower: its ceiling
 * from now on, though never below what was reserved.  A value above is not
 * his to give: what was taken under it is booked, or others would be granted
 * it once more.
 */
static void obey_overwrite(struct agentcg_tool *const tool)
{
	const u64 ceiling = max(agentcg_bytes(tool->d.found_high), tool->acct.reserved);
	const u64 held = agentcg_account_held(&tool->acct);

	if (tool->d.found_high >= tool->d.high) {
		agentcg_credit_book_usage(tool);
		return;
	}
	tool->acct.limit = min(tool->acct.limit, ceiling);
	if (held > tool->acct.limit)
		take_back(tool, held - tool->acct.limit);
}

/**
 * agentcg_credit_apply - make a call's soft limit what it holds
 * @tool: live; the session's lock is held
 */
void agentcg_credit_apply(struct agentcg_tool *const tool)
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
void agentcg_credit_apply_session(struct agentcg_session *const session)
{
	const u64 used = agentcg_account_used(&session->acct) -
			 agentcg_credit_soft_residue(session);

	if (!session->d.memcg)
		return;
	overwritten(&session->d);
	agentcg_domain_set_high(&session->d,
				pages_up(max(session->acct.limit, used)) +
				agentcg_memcg_slack());
}

/* The function that we are called from shall find nothing over a limit. */
void agentcg_credit_raise(struct agentcg_domain *const domain)
{
	const unsigned long usage = agentcg_memcg_usage(domain->memcg);

	if (usage > agentcg_memcg_high(domain->memcg))
		agentcg_domain_set_high(domain, usage);
}

void agentcg_credit_settle(struct agentcg_tool *const tool)
{
	struct agentcg_session *const session = tool->d.session;

	agentcg_credit_apply(tool);
	agentcg_credit_apply_session(session);
	agentcg_credit_raise(&tool->d);
	agentcg_credit_raise(&session->d);
}

/* What a call may yet ask for, as far as it has said so itself; lock held. */
u64 agentcg_credit_declared_room(const struct agentcg_tool *const tool)
{
	return agentcg_intent_has(&tool->intent, AGENTCG_A_INTENT_BURST) ?
	       agentcg_account_room(&tool->acct) : 0;
}

/**
 * agentcg_credit_grant - grant a call what there is
 * @tool: the session's lock is held
 * @want: bytes
 *
 * Return: what was granted, 0 when there is nothing.
 */
u64 agentcg_credit_grant(struct agentcg_tool *const tool, const u64 want)
{
	struct agentcg_session *const session = tool->d.session;
	const u64 free = agentcg_account_free(&session->acct);
	u64 size = min3(want, free, agentcg_account_room(&tool->acct));

	if (!size)
		return 0;
	size = agentcg_node_borrow(tool, agentcg_credit_to_back(session), size,
				   clamp(agentcg_credit_declared_room(tool),
					 size, free));
	if (!size)
		return 0;
	agentcg_account_give(&session->acct, &tool->acct, size);
	tool->granted_at = jiffies;
	tool->stats.grants++;
	tool->stats.granted_total += size;
	trace_agentcg_grant(session->d.id, tool->d.id, size);
	return size;
}

/* What a call holds of credit above what it uses and @slack, in bytes. */
static u64 headroom(const struct agentcg_tool *const tool, const u64 slack)
{
	const u64 held = agentcg_account_held(&tool->acct);
	const u64 keep = agentcg_bytes(agentcg_memcg_usage(tool->d.memcg)) + slack;

	return held > keep ? min(held - keep, tool->acct.granted) : 0;
}

static u64 slack(void)
{
	return agentcg_bytes(agentcg_memcg_slack());
}

static bool is_below(const struct agentcg_tool *const tool,
		     const struct agentcg_tool *const other)
{
	return tool->limits.class > other->limits.class;
}

/* Whether the last grant was a moment ago. */
static bool is_fresh(const struct agentcg_tool *const tool)
{
	return time_before(jiffies, tool->granted_at + BURST_JIFFIES);
}

/*
 * Unused credit comes back: it is told, and the limit follows.  The next grant is
 * no larger for it: that event comes soon because this was taken, not because it
 * was used up.
 */
static u64 take_unused(struct agentcg_tool *const tool, const u64 size,
		       const bool pin)
{
	const u64 back = take_back(tool, size);

	if (!back)
		return 0;
	if (pin) {
		agentcg_stats_inc(AGENTCG_STAT_PINS);
		trace_agentcg_pin(tool->d.session->d.id, tool->d.id, back);
	} else {
		trace_agentcg_revoke(tool->d.session->d.id, tool->d.id, back);
	}
	tool->stats.revoked_total += back;
	tool->step = AGENTCG_STEP_FIRST;
	agentcg_credit_apply(tool);
	return back;
}

/*
 * Take what @tool has no use for, up to @want, for the sake of @asker.  A call
 * of a lower class is pinned at its usage: the next that it asks for puts it in
 * line, behind the asker.
 */
static u64 take_for(struct agentcg_tool *const asker,
		    struct agentcg_tool *const tool, const u64 want)
{
	const bool pin = is_below(tool, asker);

	/* What a higher class was just handed it is about to use. */
	if (is_below(asker, tool) && is_fresh(tool))
		return 0;
	return take_unused(tool, min(headroom(tool, pin ? 0 : slack()), want),
			   pin);
}

/**
 * agentcg_credit_hold - take back what a call holds and does not use
 * @tool: live; the session's lock is held
 *
 * Return: how much that was.
 */
u64 agentcg_credit_hold(struct agentcg_tool *const tool)
{
	return take_unused(tool, headroom(tool, slack()), false);
}

/**
 * agentcg_credit_revoke - take unused credit back from the other calls
 * @asker: for whom; the session's lock is held
 * @want: bytes
 *
 * The lowest class first.  A call that needs it after all asks again and is
 * served in turn.
 *
 * Return: whether there was any.
 */
bool agentcg_credit_revoke(struct agentcg_tool *const asker, const u64 want)
{
	struct agentcg_session *const session = asker->d.session;
	struct agentcg_tool *tool;
	u64 got = 0;
	int class;

	if (list_is_singular(&session->tools))
		return false;
	for (class = AGENTCG_CLASS_BESTEFFORT; class >= 0 && got < want; class--)
		list_for_each_entry(tool, &session->tools, link)
			if (tool != asker && tool->limits.class == class)
				got += take_for(asker, tool, want - got);
	if (got)
		agentcg_stats_inc(AGENTCG_STAT_REVOKES);
	return got;
}

/*
 * The next grant: twice the last one while that was used up at the rate of a
 * burst, half of it otherwise; a quarter of what is left near the end of the
 * budget, so that nobody takes all of it at once.
 */
u64 agentcg_credit_step(struct agentcg_tool *const tool)
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

/**
 * agentcg_credit_left - a call has ended, its account is closed
 * @tool: its session's lock is held
 *
 * What the session needs no longer returns to the node.
 */
void agentcg_credit_left(struct agentcg_tool *const tool)
{
	struct agentcg_session *const session = tool->d.session;

	agentcg_node_leave(tool);
	agentcg_node_release(session, agentcg_credit_to_back(session));
}

/**
 * agentcg_credit_shed - give the node what the calls of a session do not use
 * @session: any
 *
 * On demand: somebody waits for credit of the node.  What was granted a moment
 * ago is about to be used.
 *
 * Context: may not hold the session's lock.
 */
void agentcg_credit_shed(struct agentcg_session *const session)
{
	struct agentcg_tool *tool;
	u64 got = 0;

	guard(spinlock_irqsave)(&session->lock);
	if (session->ended || !session->acct.granted)
		return;
	agentcg_credit_refresh(session);
	list_for_each_entry(tool, &session->tools, link)
		if (!is_fresh(tool))
			got += agentcg_credit_hold(tool);
	if (got)
		agentcg_stats_inc(AGENTCG_STAT_SHEDS);
	agentcg_node_release(session, agentcg_credit_to_back(session));
}

/* Whether more is charged than at the last look; the session's lock is held. */
static bool has_grown(struct agentcg_domain *const domain)
{
	const unsigned long seen = domain->seen_usage;

	domain->seen_usage = agentcg_memcg_usage(domain->memcg);
	return domain->seen_usage > seen + agentcg_memcg_slack();
}

/*
 * Whether a call makes use of its credit, however slowly: what it is about to fill
 * must not go to somebody who may be of a lower class.
 */
static bool is_using(struct agentcg_tool *const tool)
{
	return has_grown(&tool->d) ||
	       time_before(jiffies, tool->granted_at + HZ);
}

/* Half of what a call has had no use for since the last look; lock held. */
static void decay(struct agentcg_tool *const tool)
{
	const u64 idle = is_using(tool) ? 0 : headroom(tool, slack());

	if (idle > AGENTCG_STEP_FIRST)
		take_back(tool, ALIGN_DOWN(idle / 2, PAGE_SIZE));
	/* Another try for reclaim of either kind. */
	tool->native_fails = 0;
	tool->reclaim_fails = 0;
}

/**
 * agentcg_credit_tick - what flows back in time
 * @session: any
 *
 * Once a second: unused credit returns by halves, residue is measured,
 * overdraft that has been repaid lowers the limits again, waiters are served.
 *
 * Context: may not hold the session's lock.
 */
void agentcg_credit_tick(struct agentcg_session *const session)
{
	struct agentcg_tool *tool;

	guard(spinlock_irqsave)(&session->lock);
	if (session->ended)
		return;
	session->native_fails = 0;
	agentcg_credit_refresh(session);
	list_for_each_entry(tool, &session->tools, link) {
		decay(tool);
		agentcg_credit_apply(tool);
	}
	agentcg_credit_apply_session(session);
	agentcg_exhaust_tick(session);
	agentcg_serve_locked(session);
	if (agentcg_policy_any())
		agentcg_policy_tick(session);
	agentcg_node_tick(session, has_grown(&session->d));
	agentcg_node_release(session, agentcg_credit_to_back(session));
}
