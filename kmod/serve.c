// SPDX-License-Identifier: GPL-2.0-only
/* Handing credit to those who wait for it.  See serve.h. */

#include "common.h"

#include <linux/align.h>
#include <linux/list.h>
#include <linux/math64.h>
#include <linux/minmax.h>

#include "cgrp.h"
#include "credit.h"
#include "exhaust.h"
#include "freeze.h"
#include "node.h"
#include "park.h"
#include "serve.h"
#include "session.h"
#include "tool.h"

/*
 * Whether a call but @asker may still return credit: it runs, or it is over and
 * its cgroup is about to be removed.  Not one made ahead for later.
 */
bool agentcg_serve_others(const struct agentcg_session *const session,
			      const struct agentcg_tool *const asker)
{
	const struct agentcg_tool *tool;

	list_for_each_entry(tool, &session->tools, link)
		if (tool != asker && (!tool->held || tool->delayed) &&
		    !tool->freeze.wanted &&
		    (tool->had_leader || cgroup_is_populated(tool->d.cgrp)))
			return true;
	return false;
}

/* Whether somebody of a lower class than @tool's waits as well. */
static bool is_above_others(const struct agentcg_tool *const tool)
{
	const struct agentcg_park *const last =
		agentcg_park_last(tool->d.session);

	return last && agentcg_park_tool(last)->limits.class > tool->limits.class;
}

/*
 * What a waiter is handed above its debt: by its weight, so that those of its
 * class get on beside it; all that it declared while a lower class waits, or that
 * would be served from the rest as soon as the first runs again.
 */
static u64 share(const struct agentcg_tool *const tool)
{
	const u64 size = div_u64((u64)AGENTCG_STEP_FIRST * tool->limits.weight,
				 AGENTCG_DEFAULT_WEIGHT);
	const u64 step = ALIGN(clamp_t(u64, size, AGENTCG_STEP_MIN,
				       AGENTCG_STEP_MAX), PAGE_SIZE);

	return is_above_others(tool) ?
	       max(step, agentcg_credit_declared_room(tool)) : step;
}

/* Grant a call what its next step needs; false when there is no credit. */
static bool pay(struct agentcg_tool *const tool)
{
	if (!agentcg_credit_grant(tool, share(tool) + agentcg_credit_lack(tool)))
		return false;
	agentcg_credit_settle(tool);
	return true;
}

/* The first who waits for credit; not at the call's own ceiling. */
struct agentcg_park *agentcg_serve_first(struct agentcg_session *const session)
{
	struct agentcg_park *park = NULL;

	while ((park = agentcg_park_next(session, park)))
		if (!agentcg_credit_at_ceiling(agentcg_park_tool(park)))
			return park;
	return NULL;
}

/* Somebody waits, see agentcg_serve_waits_before(). */
bool __agentcg_serve_waits_before(const struct agentcg_tool *const tool)
{
	struct agentcg_park *const park = agentcg_serve_first(tool->d.session);
	const struct agentcg_tool *const first =
		park ? agentcg_park_tool(park) : NULL;

	return first && first != tool &&
	       first->limits.class <= tool->limits.class;
}

/*
 * The first who is parked goes on without credit, or is killed.  Return: whether
 * there was one.
 */
static bool relieve_waiter(struct agentcg_session *const session)
{
	struct agentcg_park *const park = agentcg_serve_first(session);

	if (!park)
		return false;
	agentcg_exhausted(agentcg_park_tool(park));
	agentcg_credit_settle(agentcg_park_tool(park));
	agentcg_park_serve(park);
	return true;
}

/*
 * Somebody goes on although there is no credit.  Return: whether there was one:
 * those who are frozen do, since one call is always left running.
 */
static bool relieve(struct agentcg_session *const session)
{
	struct agentcg_tool *tool;

	if (relieve_waiter(session))
		return true;
	tool = agentcg_freeze_first(session);
	if (!tool || session->nr_waiting)
		return false;
	agentcg_exhaust_overdraw(tool);
	agentcg_credit_settle(tool);
	agentcg_thaw(tool);
	return true;
}

/* Return: whether there was somebody, and credit for him. */
static bool serve_next(struct agentcg_session *const session)
{
	struct agentcg_park *const park = agentcg_serve_first(session);
	struct agentcg_tool *const frozen = agentcg_freeze_first(session);

	/* Of the same class, the frozen one has waited for longer. */
	if (frozen && (!park || frozen->limits.class <=
				agentcg_park_tool(park)->limits.class)) {
		if (!pay(frozen))
			return false;
		agentcg_thaw(frozen);
		return true;
	}
	if (!park || !pay(agentcg_park_tool(park)))
		return false;
	agentcg_park_serve(park);
	return true;
}

/**
 * agentcg_serve_locked - hand free credit to those who wait for it
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
bool agentcg_serve_locked(struct agentcg_session *const session)
{
	bool served = false;

	while (serve_next(session))
		served = true;
	if (!served && !agentcg_account_free(&session->acct) &&
	    !agentcg_serve_others(session, NULL))
		served = relieve(session);
	return served;
}

/* Parked or frozen for want of credit; lock held. */
static bool waits(struct agentcg_session *const session)
{
	return agentcg_serve_first(session) || !list_empty(&session->frozen);
}

/* The same for who does not hold the lock; any context. */
bool agentcg_serve(struct agentcg_session *const session)
{
	bool served;

	guard(spinlock_irqsave)(&session->lock);
	if (session->ended)
		return false;
	agentcg_credit_refresh(session);
	agentcg_credit_apply_session(session);
	served = agentcg_serve_locked(session);
	if (!waits(session))
		agentcg_node_content(session);
	return served;
}

/* Whether somebody of the session waits for credit; any context. */
bool agentcg_serve_waits(struct agentcg_session *const session)
{
	guard(spinlock_irqsave)(&session->lock);
	return !session->ended && waits(session);
}

/*
 * Whether a call of the session may still return credit to those who wait: what
 * was borrowed to all, what is the session's own to its own.  Any context.
 */
bool agentcg_serve_may_return(struct agentcg_session *const session)
{
	guard(spinlock_irqsave)(&session->lock);
	return !session->ended &&
	       (session->acct.granted || waits(session)) &&
	       agentcg_serve_others(session, NULL);
}

/**
 * agentcg_serve_relieve - let somebody who waits go on without credit
 * @session: any
 *
 * All who could return credit to the node wait for it themselves: that is
 * exhaustion at once.
 *
 * Context: may not hold the session's lock.
 * Return: whether there was one.
 */
bool agentcg_serve_relieve(struct agentcg_session *const session)
{
	guard(spinlock_irqsave)(&session->lock);
	return !session->ended && relieve(session);
}
