// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reclaim on behalf of one who waits, see reclaim.h.
 *
 * By memory.reclaim, since the kernel exports no other way to reclaim from a
 * cgroup but one's own.  In small pieces: whoever writes that file keeps the
 * cgroup from being removed, and the remover holds cgroup_mutex meanwhile.  On a
 * queue of its own, so that no kill ever waits behind it.
 */

#include "common.h"

#include <linux/list.h>
#include <linux/workqueue.h>

#include "cgfile.h"
#include "cgrp.h"
#include "credit.h"
#include "park.h"
#include "place.h"
#include "reclaim.h"
#include "serve.h"
#include "session.h"
#include "stats.h"
#include "tool.h"
#include "trace.h"

/* A piece, of which only cache is wanted. */
#define PIECE		"4M swappiness=0"
#define PIECE_SIZE	SZ_4M

/* Less cache than this is left alone: it is in use. */
#define CACHE_MIN	SZ_2M

/* Pieces in a row that may fail before a call is left alone until the next tick. */
#define FAILS_MAX	2

static struct workqueue_struct *reclaim_wq;

/**
 * struct holder - a call whose cache is to go; with references
 * @tool: the call
 * @place: where it is
 */
struct holder {
	struct agentcg_tool *tool;
	struct agentcg_place place;
};

/* The call of the lowest class below @waiter's that has cache; lock held. */
static struct agentcg_tool *find_holder(struct agentcg_session *const session,
					const struct agentcg_tool *const waiter)
{
	struct agentcg_tool *tool, *best = NULL;

	list_for_each_entry(tool, &session->tools, link)
		if (tool->limits.class > waiter->limits.class &&
		    (!best || tool->limits.class > best->limits.class) &&
		    tool->reclaim_fails < FAILS_MAX &&
		    agentcg_bytes(agentcg_memcg_inactive_file(tool->d.memcg)) >=
			    CACHE_MIN)
			best = tool;
	return best;
}

static struct agentcg_tool *next_tool(struct agentcg_session *const session)
{
	struct agentcg_park *const park = session->ended ?
					  NULL : agentcg_serve_first(session);

	return park ? find_holder(session, agentcg_park_tool(park)) : NULL;
}

/* Return: false when there is no more to do. */
static bool get_holder(struct agentcg_session *const session,
		       struct holder *const holder)
{
	guard(spinlock_irqsave)(&session->lock);
	holder->tool = next_tool(session);
	if (!holder->tool)
		return false;
	refcount_inc(&holder->tool->d.ref);
	agentcg_place_get(&holder->place, holder->tool);
	return true;
}

static void put_holder(struct holder *const holder)
{
	agentcg_place_put(&holder->place);
	agentcg_tool_put(holder->tool);
}

/* What the piece has made room for goes to who waits. */
static void hand_on(struct agentcg_session *const session,
		    struct agentcg_tool *const tool, const bool failed)
{
	struct agentcg_park *park;

	guard(spinlock_irqsave)(&session->lock);
	tool->reclaim_fails = failed ? tool->reclaim_fails + 1 : 0;
	if (session->ended)
		return;
	agentcg_credit_refresh(session);
	park = agentcg_serve_first(session);
	if (park)
		agentcg_credit_revoke(agentcg_park_tool(park), PIECE_SIZE);
	agentcg_credit_apply_session(session);
	agentcg_serve_locked(session);
}

static void reclaim_work_fn(struct work_struct *const work)
{
	struct agentcg_session *const session =
		container_of(work, struct agentcg_session, reclaim_work);
	struct holder holder;

	while (get_holder(session, &holder)) {
		const int err = agentcg_cgfile_write(&holder.place,
						     "memory.reclaim", PIECE);

		trace_agentcg_reclaim(session->d.id, holder.tool->d.id, err);
		if (!err)
			agentcg_stats_inc(AGENTCG_STAT_RECLAIMS);
		hand_on(session, holder.tool, err);
		put_holder(&holder);
	}
	/* Drop ref from agentcg_reclaim_queue(). */
	agentcg_session_put(session);
}

void agentcg_reclaim_setup(struct agentcg_session *const session)
{
	INIT_WORK(&session->reclaim_work, reclaim_work_fn);
}

/**
 * agentcg_reclaim_queue - somebody has begun to wait
 * @session: its lock is held
 *
 * Context: any.
 */
void agentcg_reclaim_queue(struct agentcg_session *const session)
{
	if (!next_tool(session) || !agentcg_session_get(session))
		return;
	if (!queue_work(reclaim_wq, &session->reclaim_work))
		agentcg_session_put(session);
}

int agentcg_reclaim_init(void)
{
	reclaim_wq = alloc_workqueue("agentcg_reclaim", WQ_UNBOUND, 0);
	return reclaim_wq ? 0 : -ENOMEM;
}

/* No session is left, so nobody queues any more. */
void agentcg_reclaim_exit(void)
{
	destroy_workqueue(reclaim_wq);
}
