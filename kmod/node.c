// SPDX-License-Identifier: GPL-2.0-only
/* The account of the machine, see node.h. */

#include "common.h"

#include <linux/errno.h>
#include <linux/list.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/netlink.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "memory.h"
#include "node.h"
#include "session.h"
#include "work.h"

/*
 * Guards @node and, in every session, the account as a child (@reserved,
 * @granted) and @hungry.  Taken under a session's lock, never the other way
 * round, and only to borrow and to pay back.
 */
static DEFINE_SPINLOCK(node_lock);

static struct agentcg_account node;
static u64 node_reserve;

/* Sessions that asked and were not given, first come first. */
static LIST_HEAD(hungry);

static void kick_work_fn(struct work_struct *work);
static DECLARE_WORK(kick_work, kick_work_fn);

static u64 memory_total(void)
{
	return (u64)totalram_pages() << PAGE_SHIFT;
}

static u64 memory_available(void)
{
	return (u64)max(si_mem_available(), 0L) << PAGE_SHIFT;
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
}

void agentcg_node_exit(void)
{
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

/**
 * agentcg_node_cover - borrow what a session needs to back its own figures
 * @session: its lock is held
 * @used: what the session has to back, bytes
 * @force: the memory is in use already: book it, below zero if need be
 *
 * Without @force a session borrows only while the machine has more available
 * than the reserve; a session that is refused is served later, in turn.
 *
 * Return: whether the session is backed.
 */
bool agentcg_node_cover(struct agentcg_session *const session, const u64 used,
			const bool force)
{
	struct agentcg_account *const acct = &session->acct;
	u64 need, want;

	if (likely(used <= agentcg_account_held(acct)))
		return true;

	guard(spinlock)(&node_lock);
	need = used - agentcg_account_held(acct);
	if (force) {
		agentcg_account_overdraw(&node, acct, need);
		return true;
	}
	want = max_t(u64, need, AGENTCG_BORROW_CHUNK);
	if (agentcg_account_free(&node) >= need &&
	    memory_available() >= node_reserve + need &&
	    agentcg_account_grant(&node, acct, want) >= need)
		return true;
	if (list_empty(&session->hungry))
		list_add_tail(&session->hungry, &hungry);
	return false;
}

/**
 * agentcg_node_release - pay back what a session no longer needs
 * @session: its lock is held
 * @used: what the session still has to back, bytes
 *
 * Up to a chunk is kept, so that a session at its edge does not take the
 * node's lock at every step.
 */
void agentcg_node_release(struct agentcg_session *const session, const u64 used)
{
	struct agentcg_account *const acct = &session->acct;
	const u64 keep = used + AGENTCG_BORROW_CHUNK;
	bool waiting;

	if (agentcg_account_held(acct) <= keep)
		return;
	scoped_guard(spinlock, &node_lock) {
		agentcg_account_return(&node, acct,
				       agentcg_account_held(acct) - used);
		waiting = !list_empty(&hungry);
	}
	if (waiting)
		agentcg_node_kick();
}

/* A session ends: its floor and all that it borrowed return. */
void agentcg_node_close(struct agentcg_session *const session)
{
	scoped_guard(spinlock_irqsave, &node_lock) {
		agentcg_account_close(&node, &session->acct, 0);
		list_del_init(&session->hungry);
	}
	agentcg_node_kick();
}

static struct agentcg_session *pop_hungry(void)
{
	struct agentcg_session *session;

	guard(spinlock_irqsave)(&node_lock);
	session = list_first_entry_or_null(&hungry, struct agentcg_session,
					   hungry);
	if (!session)
		return NULL;
	list_del_init(&session->hungry);
	/*
	 * The list holds no reference: a session leaves it, under this lock,
	 * before it gives up its own.
	 */
	return agentcg_session_get(session) ? session : NULL;
}

/*
 * In a work, because whoever returns credit holds the lock of his own session
 * and may not take another's.  Each is asked once: those refused again stand
 * in the list anew.
 */
static void kick_work_fn(struct work_struct *const work)
{
	struct agentcg_session *session;
	unsigned int turns = agentcg_session_count() + 1;

	while (turns-- && (session = pop_hungry())) {
		agentcg_memory_serve(session);
		agentcg_session_put(session);
	}
}

/* Credit has returned to the node, or may have: serve who waits for it. */
void agentcg_node_kick(void)
{
	queue_work(agentcg_wq, &kick_work);
}
