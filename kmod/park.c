// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parking, see park.h.
 *
 * The hook may not sleep, so it queues a task work, which runs in the same
 * pass to user space.  The sleep is interruptible and freezable: any signal,
 * freezing, stopping and tracing end it, with the debt still booked, and the
 * next charge parks again.
 */

#include "common.h"

#include <linux/atomic.h>
#include <linux/freezer.h>
#include <linux/hrtimer.h>
#include <linux/psi.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/task_work.h>
#include <linux/timekeeping.h>
#include <linux/wait.h>

#include "credit.h"
#include "exhaust.h"
#include "node.h"
#include "park.h"
#include "reclaim.h"
#include "serve.h"
#include "session.h"
#include "tool.h"
#include "trace.h"

/* The timer may fire this much later to share an interrupt. */
#define PARK_SLACK_NS	(20 * NSEC_PER_USEC)

/**
 * struct agentcg_park - a task that is, or is about to be, parked
 * @work: queued by the hook, at most one per task
 * @task: who sleeps; it cannot go away while it is in the list
 * @tool: with a reference
 * @start: ns, when it got in line
 * @delay: ns for which a policy puts it to sleep; 0 for one who waits for credit
 * @link: in the session's list of waiters, or of the delayed, by its lock
 * @served: credit was handed over, or waiting has become pointless; likewise.
 *          Its call counts as held until then, not until the task runs again:
 *          who has been served may return credit.
 */
struct agentcg_park {
	struct callback_head work;
	struct task_struct *task;
	struct agentcg_tool *tool;
	u64 start;
	u64 delay;
	struct list_head link;
	bool served;
};

static struct kmem_cache *park_cache;

/* Works queued and not yet through, sleeping ones included. */
static atomic_t nr_parks = ATOMIC_INIT(0);
static DECLARE_WAIT_QUEUE_HEAD(drained);

unsigned int agentcg_park_count(void)
{
	return atomic_read(&nr_parks);
}

/**
 * agentcg_park_allowed - whether the current task may be parked at all
 *
 * Not who never returns to user space, nor who cannot run task works any
 * more; nor a vfork child, whose parent, the agent, sleeps until it execs.
 */
bool agentcg_park_allowed(void)
{
	return !(current->flags & (PF_KTHREAD | PF_USER_WORKER | PF_IO_WORKER |
				   PF_EXITING)) &&
	       !current->vfork_done && !signal_pending(current);
}

/* Highest class first, then first come; the session's lock is held. */
static void enqueue(struct agentcg_session *const session,
		    struct agentcg_park *const park)
{
	struct agentcg_park *other;

	if (park->delay) {
		list_add_tail(&park->link, &session->delayed);
		park->tool->delayed++;
		return;
	}
	list_for_each_entry_reverse(other, &session->waiters, link)
		if (other->tool->limits.class <= park->tool->limits.class)
			break;
	list_add(&park->link, &other->link);
	session->nr_waiting++;
}

/* Out of the line, no longer held; the session's lock is held. */
static void leave(struct agentcg_park *const park)
{
	struct agentcg_tool *const tool = park->tool;

	list_del(&park->link);
	if (park->delay)
		tool->delayed--;
	else
		tool->d.session->nr_waiting--;
	agentcg_tool_unhold(tool, park->start, ktime_get_ns());
	trace_agentcg_park(tool->d.session->d.id, tool->d.id, false);
}

/* Get in line.  Return: how long the task may sleep, 0 when not at all. */
static u64 begin(struct agentcg_park *const park)
{
	struct agentcg_tool *const tool = park->tool;
	struct agentcg_session *const session = tool->d.session;
	u64 patience;

	guard(spinlock_irqsave)(&session->lock);
	if (session->ended || !tool->d.memcg || atomic_read(&tool->killed))
		return 0;
	patience = agentcg_patience(tool, park->start);
	if (!patience)
		return 0;
	enqueue(session, park);
	agentcg_tool_hold(tool, park->start);
	trace_agentcg_park(session->d.id, tool->d.id, true);
	if (park->delay)
		return min(park->delay, patience);
	/* Credit may have returned since the hook decided. */
	agentcg_serve_locked(session);
	if (!park->served) {
		agentcg_reclaim_queue(session);
		agentcg_node_kick();
	}
	return patience;
}

static bool sleep_until(const struct agentcg_park *const park, ktime_t end)
{
	for (;;) {
		/* Pairs with the wake-up in agentcg_park_serve(). */
		set_current_state(TASK_INTERRUPTIBLE | TASK_FREEZABLE);
		if (READ_ONCE(park->served) || signal_pending(current))
			break;
		if (!schedule_hrtimeout_range(&end, PARK_SLACK_NS,
					      HRTIMER_MODE_ABS))
			break;
	}
	__set_current_state(TASK_RUNNING);
	return !signal_pending(current);
}

/* Leave the line; decide by the intent when the time is up. */
static void finish(struct agentcg_park *const park, const bool undisturbed)
{
	struct agentcg_tool *const tool = park->tool;
	struct agentcg_session *const session = tool->d.session;
	bool killed = false;

	scoped_guard(spinlock_irqsave, &session->lock) {
		if (park->served)
			return;
		leave(park);
		if (undisturbed && !park->delay && !session->ended &&
		    tool->d.memcg) {
			killed = agentcg_exhausted(tool) ==
				 AGENTCG_OUTCOME_KILLED;
			agentcg_credit_apply(tool);
			agentcg_credit_apply_session(session);
		}
	}
	if (killed)
		send_sig(SIGKILL, current, 1);
}

static void park_work_fn(struct callback_head *const work)
{
	struct agentcg_park *const park =
		container_of(work, struct agentcg_park, work);
	unsigned long pflags;
	bool undisturbed;
	u64 bound;

	park->start = ktime_get_ns();
	bound = begin(park);
	if (bound) {
		psi_memstall_enter(&pflags);
		undisturbed = sleep_until(park, ns_to_ktime(
			min_t(u64, park->start + bound, KTIME_MAX)));
		psi_memstall_leave(&pflags);
		finish(park, undisturbed);
	}
	/* Drop ref from agentcg_park_current(). */
	agentcg_tool_put(park->tool);
	kmem_cache_free(park_cache, park);
	/*
	 * The last act: agentcg_park_drain() goes on from here, and waits for
	 * the instructions that are left with synchronize_rcu_tasks().
	 */
	if (atomic_dec_and_test(&nr_parks))
		wake_up_all(&drained);
}

/**
 * agentcg_park_current - park the current task on its way to user space
 * @tool: its call; RCU read lock held.  A reference is taken.
 * @delay: ns after which it goes on as a policy wants it, within what the stall
 *         bound leaves; 0 for who waits for credit
 *
 * Without memory for it the task simply runs on: its debt is booked.
 *
 * Context: the hook, on the return path, preemption off.
 */
void agentcg_park_current(struct agentcg_tool *const tool, const u64 delay)
{
	struct agentcg_park *park;

	park = kmem_cache_zalloc(park_cache, GFP_ATOMIC | __GFP_NOWARN);
	if (!park)
		return;
	if (!refcount_inc_not_zero(&tool->d.ref))
		goto err_free;
	park->task = current;
	park->tool = tool;
	park->delay = delay;
	init_task_work(&park->work, park_work_fn);
	atomic_inc(&nr_parks);
	if (!task_work_add(current, &park->work, TWA_RESUME))
		return;
	/* Exiting: it never comes this way again. */
	atomic_dec(&nr_parks);
	agentcg_tool_put(tool);
err_free:
	kmem_cache_free(park_cache, park);
}

/* The waiter behind @park, or the first one; NULL at the end of the line. */
struct agentcg_park *agentcg_park_next(struct agentcg_session *const session,
				       struct agentcg_park *const park)
{
	struct list_head *const at = park ? &park->link : &session->waiters;

	return at->next == &session->waiters ? NULL :
	       list_entry(at->next, struct agentcg_park, link);
}

/* Who is served last; NULL when nobody waits. */
struct agentcg_park *agentcg_park_last(struct agentcg_session *const session)
{
	return list_empty(&session->waiters) ? NULL :
	       list_last_entry(&session->waiters, struct agentcg_park, link);
}

struct agentcg_tool *agentcg_park_tool(const struct agentcg_park *const park)
{
	return park->tool;
}

/* Let one go; the session's lock is held, so its task is still there. */
void agentcg_park_serve(struct agentcg_park *const park)
{
	leave(park);
	WRITE_ONCE(park->served, true);
	wake_up_process(park->task);
}

/* Let those of a list go that wait for @tool, NULL for all of them. */
static void wake(struct list_head *const list,
		 const struct agentcg_tool *const tool)
{
	struct agentcg_park *park, *next;

	list_for_each_entry_safe(park, next, list, link)
		if (!tool || park->tool == tool)
			agentcg_park_serve(park);
}

/* Let all go: the session ends. */
void agentcg_park_wake_all(struct agentcg_session *const session)
{
	wake(&session->waiters, NULL);
	wake(&session->delayed, NULL);
}

/* Let all go that wait for @tool, which ends: some may have left its cgroup. */
void agentcg_park_wake_tool(struct agentcg_tool *const tool)
{
	wake(&tool->d.session->waiters, tool);
	wake(&tool->d.session->delayed, tool);
}

int agentcg_park_init(void)
{
	park_cache = kmem_cache_create("agentcg_park",
				       sizeof(struct agentcg_park), 0,
				       SLAB_NO_MERGE, NULL);
	return park_cache ? 0 : -ENOMEM;
}

/**
 * agentcg_park_drain - wait until no task is in a park any more
 *
 * The hook is off and every session has been removed, so all are awake.
 *
 * Context: may sleep.
 */
void agentcg_park_drain(void)
{
	wait_event(drained, !atomic_read(&nr_parks));
	/* A task may still be preempted in the tail of park_work_fn(). */
	synchronize_rcu_tasks();
}

void agentcg_park_exit(void)
{
	kmem_cache_destroy(park_cache);
}
