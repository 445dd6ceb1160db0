// SPDX-License-Identifier: GPL-2.0-only
/* Handing credit to those who wait for it.  See serve.h. */

#include "common.h"

#include <linux/list.h>

#include "cgrp.h"
#include "credit.h"
#include "exhaust.h"
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
		if (tool != asker && !tool->held &&
		    (tool->had_leader || cgroup_is_populated(tool->d.cgrp)))
			return true;
	return false;
}

/* Grant a waiter what its next step needs; false when there is no credit. */
static bool serve_one(struct agentcg_park *const park)
{
	struct agentcg_tool *const tool = agentcg_park_tool(park);
	const u64 usage = agentcg_bytes(agentcg_memcg_usage(tool->d.memcg));
	const u64 held = agentcg_account_held(&tool->acct);
	const u64 want = AGENTCG_STEP_FIRST +
			 (usage > held ? usage - held : 0);

	if (!agentcg_credit_grant(tool, want))
		return false;
	agentcg_credit_settle(tool);
	agentcg_park_serve(park);
	return true;
}

/* The first who waits for credit; not at the call's own ceiling. */
struct agentcg_park *agentcg_serve_first(struct agentcg_session *const session)
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
	struct agentcg_park *const park = agentcg_serve_first(session);
	struct agentcg_tool *tool;

	if (!park)
		return false;
	tool = agentcg_park_tool(park);
	agentcg_exhausted(tool);
	agentcg_credit_settle(tool);
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
	    !agentcg_serve_others(session, NULL))
		served = relieve(session);
	return served;
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
	if (!agentcg_serve_first(session))
		agentcg_node_content(session);
	return served;
}

/* Whether somebody of the session waits for credit; any context. */
bool agentcg_serve_waits(struct agentcg_session *const session)
{
	guard(spinlock_irqsave)(&session->lock);
	return !session->ended && agentcg_serve_first(session);
}

/*
 * Whether a call of the session may still return credit to those who wait: what
 * was borrowed to all, what is the session's own to its own.  Any context.
 */
bool agentcg_serve_may_return(struct agentcg_session *const session)
{
	guard(spinlock_irqsave)(&session->lock);
	return !session->ended &&
	       (session->acct.granted || agentcg_serve_first(session)) &&
	       agentcg_serve_others(session, NULL);
}

/**
 * agentcg_serve_relieve - let the first waiter go on without credit
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
