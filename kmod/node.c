// SPDX-License-Identifier: GPL-2.0-only
/* The account of the machine, see node.h. */

#include "common.h"

#include <linux/errno.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/netlink.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/vmstat.h>
#include <linux/workqueue.h>

#include "cgrp.h"
#include "credit.h"
#include "node.h"
#include "serve.h"
#include "session.h"
#include "stats.h"
#include "tool.h"
#include "trace.h"
#include "work.h"

/*
 * Guards @node and, in every session, the account as a child (@reserved,
 * @granted) and its place in the line.  Taken under a session's lock, never the
 * other way round, and only to borrow and to pay back.
 */
static DEFINE_SPINLOCK(node_lock);

static struct agentcg_account node;
static u64 node_reserve;

/*
 * The line: sessions that grow by borrowing, by the class of the call that each
 * grows for, then first come first.  Each has a claim, what it may come to hold
 * by what its calls have declared, and nobody behind it is lent what it lacks of
 * that.  So the first can go on to its end,
 * what it then returns is enough for the second, and so on: sessions that grow
 * at the same time do not stop half way and wait for each other.
 */
static LIST_HEAD(line);

/* Not to look for unused credit all the time while somebody waits. */
#define SHED_JIFFIES	max(HZ / 50, 1)
static unsigned long shed_at;

/* Looks of the watchdog after which who did not grow leaves the line. */
#define QUIET_TICKS	2

/*
 * A claim that keeps something from others counts for what its session would
 * grow by in HORIZON at the rate of the last look, which is LOOK ago at least;
 * one of long ago says nothing.
 */
#define LOOK_JIFFIES	(HZ / 2)
#define LOOK_STALE	(4 * LOOK_JIFFIES)
#define HORIZON		(4 * HZ)

static void kick_work_fn(struct work_struct *work);
static DECLARE_WORK(kick_work, kick_work_fn);

/* For who waits behind a claim that may not be drawn upon. */
static void look_work_fn(struct work_struct *work);
static DECLARE_DELAYED_WORK(look_work, look_work_fn);

static u64 memory_total(void)
{
	return (u64)totalram_pages() << PAGE_SHIFT;
}

static u64 default_capacity(const u64 reserve)
{
	const u64 total = memory_total();

	return total > reserve ? total - reserve : 0;
}

void agentcg_node_init(void)
{
	node_reserve = min(max(div_u64(memory_total(), 10), AGENTCG_RESERVE_MIN),
			   memory_total() / 2);
	node.limit = default_capacity(node_reserve);
	shed_at = jiffies;
}

void agentcg_node_exit(void)
{
	cancel_delayed_work_sync(&look_work);
	cancel_work_sync(&kick_work);
}

/**
 * agentcg_node_set - change the account of the machine
 * @capacity: or NULL; 0 for the default; at most the machine's memory
 * @reserve: or NULL; likewise
 * @extack: gets a sentence
 *
 * Return: 0, -ENOSPC (less than the floors).
 */
int agentcg_node_set(const u64 *const capacity, const u64 *const reserve,
		     struct netlink_ext_ack *const extack)
{
	u64 new_reserve, new_limit, floors;

	scoped_guard(spinlock_irqsave, &node_lock) {
		new_reserve = reserve ? *reserve : node_reserve;
		new_limit = !capacity ? node.limit :
			    *capacity ? ALIGN(*capacity, PAGE_SIZE) :
					default_capacity(new_reserve);
		floors = node.given_reserved;
		if (new_limit >= floors) {
			node_reserve = new_reserve;
			node.limit = new_limit;
		}
	}
	if (new_limit < floors) {
		NL_SET_ERR_MSG_FMT(extack, "capacity %llu is below the floors of the sessions, %llu",
				   new_limit, floors);
		return -ENOSPC;
	}
	agentcg_node_kick();
	return 0;
}

/* A consistent copy of the account and the reserve. */
void agentcg_node_show(struct agentcg_account *const acct, u64 *const reserve)
{
	guard(spinlock_irqsave)(&node_lock);
	*acct = node;
	*reserve = node_reserve;
}

/**
 * agentcg_node_set_floor - guarantee a session memory
 * @session: its lock is held, or it is not published yet
 * @floor: bytes; the old floor is given back in the same step
 * @extack: gets the numbers
 *
 * Return: 0, or -ENOSPC when the sum of the floors would exceed the capacity.
 */
int agentcg_node_set_floor(struct agentcg_session *const session,
			   const u64 floor,
			   struct netlink_ext_ack *const extack)
{
	u64 given, capacity;
	int err = 0;

	scoped_guard(spinlock_irqsave, &node_lock) {
		given = node.given_reserved - session->acct.reserved;
		capacity = node.limit;
		/* Borrowed memory is no obstacle: it is paid back. */
		if (floor > capacity || given > capacity - floor)
			err = -ENOSPC;
		else
			agentcg_account_set_reserved(&node, &session->acct,
						     floor);
	}
	if (err)
		NL_SET_ERR_MSG_FMT(extack, "floor %llu: others hold %llu of the capacity %llu",
				   floor, given, capacity);
	return err;
}

/*
 * How much of @most the machine has available above the reserve.  Free memory
 * alone is mostly enough, and a single load; a sixteenth of all stays for the
 * kernel's own reserves, which si_mem_available() leaves out as well.  That
 * function walks all zones, half of what a decision may cost.
 */
static u64 available(const u64 most)
{
	const u64 free = (u64)global_zone_page_state(NR_FREE_PAGES) << PAGE_SHIFT;
	u64 all;

	if (likely(free >= node_reserve + memory_total() / 16 + most))
		return most;
	all = (u64)max(si_mem_available(), 0L) << PAGE_SHIFT;
	return min(most, all > node_reserve ? all - node_reserve : 0);
}

/* Free credit with memory behind it, up to @most. */
static u64 unlent(const u64 most)
{
	return available(min(most, agentcg_account_free(&node)));
}

/* What a session in the line lacks of its claim. */
static u64 lack(const struct agentcg_session *const session)
{
	const u64 held = agentcg_account_held(&session->acct);

	return session->claim > held ? session->claim - held : 0;
}

/* What is charged to it; it may be about to lose its cgroup. */
static u64 usage(const struct agentcg_session *const session)
{
	struct mem_cgroup *memcg;

	guard(rcu)();
	memcg = READ_ONCE(session->d.memcg);
	return memcg ? (u64)agentcg_memcg_usage(memcg) << PAGE_SHIFT : 0;
}

/* By how much it has grown since it got in line, or its claim was cut. */
static u64 drawn(const struct agentcg_session *const session)
{
	const u64 used = usage(session);

	return used > session->base ? used - session->base : 0;
}

/*
 * No more than @more of what @session lacks is kept for it from now on.  If that
 * was too much to claim, it is trusted with no more than that, or what it draws
 * from here on: what it drew before is what it holds, and to count it once more
 * would restore the claim with the next call that asks.
 */
static void cut(struct agentcg_session *const session, const u64 more)
{
	if (lack(session) <= more)
		return;
	session->claim = agentcg_account_held(&session->acct) + more;
	session->trust = min(session->trust, more);
	session->base = usage(session);
}

/*
 * The claim of @session is in the way of somebody, who asks again in a while.
 * Who waits himself cannot grow.
 */
static void look_at(struct agentcg_session *const session)
{
	const unsigned long elapsed = jiffies - session->seen_at;
	const u64 used = usage(session);
	const u64 grown = used > session->seen ? used - session->seen : 0;

	queue_delayed_work(agentcg_wq, &look_work, LOOK_JIFFIES);
	if (session->refused || elapsed < LOOK_JIFFIES)
		return;
	if (elapsed < LOOK_STALE)
		cut(session, div_u64(grown * HORIZON, elapsed));
	session->seen = used;
	session->seen_at = jiffies;
}

/*
 * What of @want @session can be lent: as much as leaves each one before it in
 * the line the rest of its claim, counting on what those before that one will
 * return.
 */
static u64 lendable(const struct agentcg_session *const session, const u64 want)
{
	struct agentcg_session *other;
	u64 most = want, coming, spare;

	list_for_each_entry(other, &line, line) {
		if (other == session)
			break;
		most += lack(other);
	}
	coming = unlent(most);
	spare = min(want, coming);
	list_for_each_entry(other, &line, line) {
		if (other == session)
			break;
		if (lack(other) && coming < want + lack(other))
			look_at(other);
		spare = min(spare, coming > lack(other) ? coming - lack(other) : 0);
		coming += other->acct.granted;
	}
	return spare;
}

/**
 * agentcg_node_cover - back what a session is about to give away, or refuse
 * @session: its lock is held
 * @used: what the session has to back, bytes
 *
 * For what is reserved, which comes before any claim: better that a burst
 * waits than that a call cannot begin.
 *
 * Return: whether the session is backed.
 */
bool agentcg_node_cover(struct agentcg_session *const session, const u64 used)
{
	struct agentcg_account *const acct = &session->acct;
	u64 need;

	if (used <= agentcg_account_held(acct))
		return true;

	guard(spinlock)(&node_lock);
	need = used - agentcg_account_held(acct);
	return unlent(need) == need &&
	       agentcg_account_grant(&node, acct, need) == need;
}

/* More than it holds, see agentcg_node_book(). */
void __agentcg_node_book(struct agentcg_session *const session, const u64 used)
{
	struct agentcg_account *const acct = &session->acct;

	guard(spinlock)(&node_lock);
	agentcg_account_give(&node, acct, used - agentcg_account_held(acct));
}

/* The most that @session can ever come to hold. */
static u64 attainable(const struct agentcg_session *const session)
{
	return session->acct.reserved +
	       (node.limit > node.given_reserved ?
		node.limit - node.given_reserved : 0);
}

/*
 * The claim of @session for @tool, which wants @want beyond @used, and in the end
 * as much as @room.  It stands until it is drawn up; less of it when there is
 * less to come.
 */
static void stake(struct agentcg_session *const session,
		  const struct agentcg_tool *const tool, const u64 used,
		  const u64 want, const u64 room)
{
	const u64 most = attainable(session);
	u64 goal;

	session->trust = max(session->trust, drawn(session));
	goal = used + max(want, min3(room, session->trust,
				     most > used ? most - used : 0));
	session->claim = session->claimer != tool || used >= session->claim ?
			 goal : clamp(session->claim, used + want, goal);
	session->claimer = tool;
}

/*
 * Behind those of the same class.  A call of a higher class takes its session
 * forward, one of a lower never back.
 */
static void get_in_line(struct agentcg_session *const session, const u8 class)
{
	struct agentcg_session *other;

	if (list_empty(&session->line))
		session->base = usage(session);
	else if (class >= session->line_class)
		return;
	list_del(&session->line);
	session->line_class = class;
	list_for_each_entry_reverse(other, &line, line)
		if (other->line_class <= class)
			break;
	list_add(&session->line, &other->line);
}

/* More than its session holds, see agentcg_node_borrow(). */
u64 __agentcg_node_borrow(struct agentcg_tool *const tool, const u64 used,
			  const u64 want, const u64 room)
{
	struct agentcg_session *const session = tool->d.session;
	struct agentcg_account *const acct = &session->acct;
	u64 held = agentcg_account_held(acct), need, spare;

	guard(spinlock)(&node_lock);
	get_in_line(session, tool->limits.class);
	stake(session, tool, used, want, room);
	session->quiet = 0;
	need = used + want - held;
	spare = lendable(session, max(need, AGENTCG_BORROW_CHUNK));
	/* No crumbs: each would cost an event. */
	if (spare >= min(need, AGENTCG_STEP_MIN)) {
		spare = agentcg_account_grant(&node, acct, spare);
		agentcg_stats_inc(AGENTCG_STAT_BORROWS);
		trace_agentcg_borrow(session->d.id, spare);
		held += spare;
	}
	session->refused = used + want > held;
	return held > used ? min(want, held - used) : 0;
}

/*
 * Out of the line; the node's lock is held.  Return: whether there are others,
 * who may have more now.
 */
static bool leave(struct agentcg_session *const session)
{
	session->claimer = NULL;
	list_del_init(&session->line);
	return !list_empty(&line);
}

/**
 * agentcg_node_content - nobody of a session waits for credit
 * @session: its lock is held
 *
 * What it was refused was booked as debt, or is no longer wanted.
 */
void agentcg_node_content(struct agentcg_session *const session)
{
	guard(spinlock)(&node_lock);
	session->refused = false;
}

/**
 * agentcg_node_leave - a call is over, and so is its claim
 * @tool: the session's lock is held
 */
void agentcg_node_leave(struct agentcg_tool *const tool)
{
	struct agentcg_session *const session = tool->d.session;
	bool others;

	if (session->claimer != tool)
		return;
	scoped_guard(spinlock, &node_lock)
		others = leave(session);
	if (others)
		agentcg_node_kick();
}

/**
 * agentcg_node_tick - look once a second who in the line still grows
 * @session: its lock is held
 * @grows: whether it has grown since the last look
 *
 * A claim holds for a burst, not for a call that has had its burst, or never
 * wanted all that it declared, and lives on.
 */
void agentcg_node_tick(struct agentcg_session *const session, const bool grows)
{
	bool others = false;

	scoped_guard(spinlock, &node_lock) {
		if (list_empty(&session->line))
			return;
		session->quiet = grows ? 0 : session->quiet + 1;
		if (session->quiet >= QUIET_TICKS)
			others = leave(session);
	}
	if (others)
		agentcg_node_kick();
}

/**
 * agentcg_node_release - pay back what a session no longer needs
 * @session: its lock is held
 * @used: what the session still has to back, bytes
 *
 * A step is kept for its calls, which need not get in line for little, and up
 * to a chunk, so that a session at its edge does not take the node's lock at
 * every step, while there is no line.
 */
void agentcg_node_release(struct agentcg_session *const session, const u64 used)
{
	struct agentcg_account *const acct = &session->acct;
	const u64 keep = used + (list_empty(&session->tools) ?
				 0 : AGENTCG_STEP_FIRST);
	bool others;
	u64 back;

	if (agentcg_account_held(acct) <= keep)
		return;
	scoped_guard(spinlock, &node_lock) {
		others = !list_empty(&line);
		if (!others &&
		    agentcg_account_held(acct) <= used + AGENTCG_BORROW_CHUNK)
			return;
		back = agentcg_account_return(&node, acct,
					      agentcg_account_held(acct) - keep);
		agentcg_stats_inc(AGENTCG_STAT_PAYBACKS);
		trace_agentcg_pay_back(session->d.id, back);
	}
	if (others)
		agentcg_node_kick();
}

/* A session ends: its floor and all that it borrowed return. */
void agentcg_node_close(struct agentcg_session *const session)
{
	scoped_guard(spinlock_irqsave, &node_lock) {
		agentcg_account_close(&node, &session->acct, 0);
		leave(session);
	}
	agentcg_node_kick();
}

/* Only the work looks at the line in rounds, so this needs no lock. */
static u32 round;

/*
 * Of those in the line that were refused and not looked at in this round the
 * one who lacks least; with a reference.
 */
static struct agentcg_session *next_refused(void)
{
	struct agentcg_session *session, *next = NULL;

	guard(spinlock_irqsave)(&node_lock);
	list_for_each_entry(session, &line, line)
		if (session->refused && session->round != round &&
		    (!next || lack(session) < lack(next)))
			next = session;
	if (!next)
		return NULL;
	next->round = round;
	/*
	 * The list holds no reference: a session leaves it, under this lock,
	 * before it gives up its own.
	 */
	return agentcg_session_get(next);
}

/* Calls @fn for those who were refused until it is true. */
static bool any_refused(bool (*const fn)(struct agentcg_session *session))
{
	struct agentcg_session *session;
	bool found = false;

	round++;
	while (!found && (session = next_refused())) {
		found = fn(session);
		agentcg_session_put(session);
	}
	return found;
}

/* In any order: what each is lent depends on its place.  Return: if to one. */
static bool serve_all(void)
{
	struct agentcg_session *session;
	bool served = false;

	round++;
	while ((session = next_refused())) {
		served |= agentcg_serve(session);
		agentcg_session_put(session);
	}
	return served;
}

/*
 * Have all sessions give back what they do not use.  Return: whether they were
 * asked: not again so soon after the last time, but then.
 */
static bool shed_all(void)
{
	if (time_before(jiffies, shed_at + SHED_JIFFIES)) {
		queue_delayed_work(agentcg_wq, &look_work, SHED_JIFFIES);
		return false;
	}
	shed_at = jiffies;
	agentcg_session_for_each(agentcg_credit_shed);
	return true;
}

/*
 * In a work, because whoever returns credit holds the lock of his own session
 * and may not take another's.  What others hold and do not use comes first.
 * Where all who have borrowed wait, nothing will come back: the one who lacks
 * least overdraws, and the others have what it returns.  All are served again before that, because something may have come
 * back after they were and before it was found that nothing will.
 */
static void kick_work_fn(struct work_struct *const work)
{
	serve_all();
	if (any_refused(agentcg_serve_waits) && shed_all())
		serve_all();
	if (any_refused(agentcg_serve_waits) &&
	    !agentcg_session_any(agentcg_serve_may_return) && !serve_all())
		any_refused(agentcg_serve_relieve);
}

static void look_work_fn(struct work_struct *const work)
{
	agentcg_node_kick();
}

/*
 * Credit has returned to the node, or may have, or one more task waits for it:
 * serve who waits.
 */
void agentcg_node_kick(void)
{
	queue_work(agentcg_wq, &kick_work);
}
