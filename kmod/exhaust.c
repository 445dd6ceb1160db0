// SPDX-License-Identifier: GPL-2.0-only
/* What becomes of a call whose stall bound is used up.  See exhaust.h. */

#include "common.h"

#include <linux/align.h>
#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/timekeeping.h>

#include "credit.h"
#include "exhaust.h"
#include "freeze.h"
#include "notify.h"
#include "policy.h"
#include "serve.h"
#include "session.h"
#include "stats.h"
#include "tool.h"
#include "trace.h"

/**
 * agentcg_patience - for how long a call may yet be held back
 * @tool: the session's lock is held
 * @now: ns
 *
 * Its stall bound, and as long as its session allows where it declared that it
 * rather waits.
 *
 * Return: ns.
 */
u64 agentcg_patience(const struct agentcg_tool *const tool, const u64 now)
{
	const u64 stall = agentcg_tool_stall(tool, now);
	u64 bound = tool->limits.stall;

	if (tool->limits.on_exhaust == AGENTCG_ON_EXHAUST_WAIT)
		bound += tool->d.session->max_hold;
	return bound > stall ? bound - stall : 0;
}

/**
 * agentcg_exhaust_overdraw - let a call run on without credit
 * @tool: the session's lock is held
 *
 * In growing steps that stay within half of what the session's memory.max leaves.
 */
void agentcg_exhaust_overdraw(struct agentcg_tool *const tool)
{
	u64 step;

	agentcg_credit_step(tool);
	step = min(tool->step, agentcg_credit_beyond(tool));
	/* Within what was declared, unless it is that which is used up. */
	if (agentcg_account_room(&tool->acct))
		step = min(step, agentcg_account_room(&tool->acct));
	agentcg_credit_overdraw(tool, ALIGN_DOWN(step, PAGE_SIZE));
}

/* Whether less is lost by killing @tool than by killing @other. */
static bool is_cheaper(const struct agentcg_tool *const tool,
		       const struct agentcg_tool *const other)
{
	if (tool->limits.class != other->limits.class)
		return tool->limits.class > other->limits.class;
	return tool->limits.restartable > other->limits.restartable;
}

/*
 * Who dies where @asker would have to: the least loss among those whose intent
 * allows it.  NULL while somebody is dying already: what he has returns first.
 */
static struct agentcg_tool *victim(struct agentcg_tool *const asker)
{
	struct agentcg_tool *tool, *best = asker;

	list_for_each_entry(tool, &asker->d.session->tools, link) {
		if (atomic_read(&tool->killed) && tool->live > 0)
			return NULL;
		if (tool->limits.on_exhaust == AGENTCG_ON_EXHAUST_KILL &&
		    tool->live > 0 && is_cheaper(tool, best))
			best = tool;
	}
	return best;
}

static enum agentcg_outcome kill_one(struct agentcg_tool *const asker)
{
	struct agentcg_tool *const tool = victim(asker);

	if (tool)
		agentcg_tool_kill(tool, AGENTCG_CAUSE_STALL_KILL);
	if (tool == asker)
		return AGENTCG_OUTCOME_KILLED;
	/* It is not to be held for longer than it said. */
	agentcg_exhaust_overdraw(asker);
	return AGENTCG_OUTCOME_RUNS;
}

/* By a policy, if it has a say in it. */
static enum agentcg_policy_action asked(struct agentcg_tool *const tool)
{
	return agentcg_policy_any() ? agentcg_policy_exhausted(tool) :
				      AGENTCG_ACTION_DEFAULT;
}

static enum agentcg_outcome act(struct agentcg_tool *const tool)
{
	switch (asked(tool)) {
	case AGENTCG_ACTION_KILL:
		agentcg_tool_kill(tool, AGENTCG_CAUSE_POLICY_KILL);
		return AGENTCG_OUTCOME_KILLED;
	case AGENTCG_ACTION_OVERDRAFT:
		agentcg_exhaust_overdraw(tool);
		return AGENTCG_OUTCOME_RUNS;
	default:
		break;
	}
	switch (tool->limits.on_exhaust) {
	case AGENTCG_ON_EXHAUST_KILL:
		return kill_one(tool);
	case AGENTCG_ON_EXHAUST_WAIT:
		/* Before its time is up, waiting is pointless: nobody is left. */
		if (agentcg_patience(tool, ktime_get_ns()))
			break;
		agentcg_tool_kill(tool, AGENTCG_CAUSE_HOLD_KILL);
		return AGENTCG_OUTCOME_KILLED;
	case AGENTCG_ON_EXHAUST_FREEZE:
		if (agentcg_serve_others(tool->d.session, tool) &&
		    agentcg_freeze(tool))
			return AGENTCG_OUTCOME_FROZEN;
		break;
	default:
		break;
	}
	agentcg_exhaust_overdraw(tool);
	return AGENTCG_OUTCOME_RUNS;
}

/**
 * agentcg_exhausted - the stall bound of a call is used up
 * @tool: the session's lock is held
 *
 * By the intent: a call is killed, this one is frozen, waits on, or runs on in
 * overdraft.  One call of a session is always left running.
 */
enum agentcg_outcome agentcg_exhausted(struct agentcg_tool *const tool)
{
	enum agentcg_outcome outcome;

	if (!tool->stats.exhausted++)
		agentcg_notify_tool(AGENTCG_EVENT_TYPE_TOOL_EXHAUSTED, tool, 0);
	outcome = act(tool);
	agentcg_stats_inc(AGENTCG_STAT_EXHAUSTED);
	trace_agentcg_exhausted(tool->d.session->d.id, tool->d.id, outcome);
	return outcome;
}

/**
 * agentcg_exhaust_tick - end those who have been frozen for too long
 * @session: its lock is held
 *
 * Who waits is woken by his own timer (park.c).
 */
void agentcg_exhaust_tick(struct agentcg_session *const session)
{
	const u64 now = ktime_get_ns();
	struct agentcg_tool *tool;

	list_for_each_entry(tool, &session->frozen, freeze.link)
		if (agentcg_tool_held(tool, now) >= session->max_hold)
			agentcg_tool_kill(tool, AGENTCG_CAUSE_HOLD_KILL);
}
