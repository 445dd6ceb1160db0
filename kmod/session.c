// SPDX-License-Identifier: GPL-2.0-only
/* Sessions: added, changed, removed.  See session.h. */

#include "common.h"

#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/mutex.h>
#include <linux/netlink.h>
#include <linux/slab.h>

#include "cgrp.h"
#include "cpu.h"
#include "credit.h"
#include "node.h"
#include "notify.h"
#include "park.h"
#include "place.h"
#include "policy.h"
#include "reclaim.h"
#include "serve.h"
#include "session.h"
#include "tool.h"
#include "work.h"

/*
 * Guards the list and keeps adding and removing sessions apart, so that two
 * sessions that overlap cannot both pass the check.  Outermost lock.
 */
static DEFINE_MUTEX(sessions_lock);
static LIST_HEAD(sessions);
static unsigned int nr_sessions;

unsigned int agentcg_session_count(void)
{
	return READ_ONCE(nr_sessions);
}

static void end_work_fn(struct work_struct *const work)
{
	struct agentcg_session *const session =
		container_of(work, struct agentcg_session, end_work);

	agentcg_session_remove(session, NULL);
	/* Drop ref from agentcg_session_gone(). */
	agentcg_session_put(session);
}

static struct agentcg_session *new_session(void)
{
	struct agentcg_session *const session = kzalloc(sizeof(*session),
							GFP_KERNEL);

	if (!session)
		return NULL;
	spin_lock_init(&session->lock);
	spin_lock_init(&session->events.lock);
	session->events.since = jiffies;
	INIT_LIST_HEAD(&session->tools);
	INIT_LIST_HEAD(&session->receipts);
	INIT_LIST_HEAD(&session->waiters);
	INIT_LIST_HEAD(&session->frozen);
	INIT_LIST_HEAD(&session->delayed);
	INIT_LIST_HEAD(&session->line);
	INIT_LIST_HEAD(&session->link);
	INIT_WORK(&session->end_work, end_work_fn);
	agentcg_reclaim_setup(session);
	session->weight = AGENTCG_DEFAULT_WEIGHT;
	session->trust = AGENTCG_NO_LIMIT;
	session->max_class = AGENTCG_CLASS_INTERACTIVE;
	session->max_hold = AGENTCG_DEFAULT_MAX_HOLD;
	agentcg_limits_builtin(&session->defaults);
	return session;
}

/* Last reference gone and a grace period over. */
void agentcg_session_free(struct agentcg_session *const session)
{
	kfree(session);
}

static int check_place(struct cgroup *const cgrp, struct cgroup *const agent,
		       const struct agentcg_session_request *const req,
		       struct netlink_ext_ack *const extack)
{
	const struct nlattr *const fd = req->attrs[AGENTCG_A_SESSION_FD];
	struct agentcg_session *other;

	lockdep_assert_held(&sessions_lock);
	if (!cgroup_parent(cgrp)) {
		NL_SET_ERR_MSG_ATTR(extack, fd,
				    "fd: the root of the cgroup tree cannot be a session");
		return -EINVAL;
	}
	if (cgroup_parent(agent) != cgrp) {
		NL_SET_ERR_MSG_ATTR(extack,
				    req->attrs[AGENTCG_A_SESSION_AGENT_FD],
				    "agent-fd: not a direct child of the session's cgroup");
		return -EINVAL;
	}
	scoped_guard(rcu) {
		struct agentcg_domain *const above = agentcg_domain_above(cgrp);

		if (above) {
			NL_SET_ERR_MSG_ATTR_FMT(extack, fd,
						"fd: overlap: inside session %llu",
						above->session->d.id);
			return -EEXIST;
		}
	}
	list_for_each_entry(other, &sessions, link) {
		if (other->d.cgrp && cgroup_is_descendant(other->d.cgrp, cgrp)) {
			NL_SET_ERR_MSG_ATTR_FMT(extack, fd,
						"fd: overlap: session %llu is below it",
						other->d.id);
			return -EEXIST;
		}
	}
	if (!agentcg_cgroup_feeds_memory(cgrp)) {
		NL_SET_ERR_MSG_ATTR(extack, fd,
				    "fd: write +memory to the cgroup's cgroup.subtree_control first");
		return -EOPNOTSUPP;
	}
	return 0;
}

static int check_budget(struct agentcg_session *const session,
			const struct agentcg_session_request *const req,
			struct netlink_ext_ack *const extack)
{
	const struct nlattr *const attr = req->attrs[AGENTCG_A_SESSION_BUDGET];
	const u64 budget = *req->budget;
	const u64 usage = (u64)agentcg_memcg_usage(session->d.memcg) << PAGE_SHIFT;

	if (budget > AGENTCG_SIZE_MAX) {
		NL_SET_ERR_MSG_ATTR_FMT(extack, attr,
					"budget %llu is above the largest size, %llu",
					budget, AGENTCG_SIZE_MAX);
		return -ERANGE;
	}
	if (budget < usage || budget < session->acct.given_reserved) {
		NL_SET_ERR_MSG_ATTR_FMT(extack, attr,
					"budget %llu: %llu in use, %llu reserved",
					budget, usage,
					session->acct.given_reserved);
		return -ENOSPC;
	}
	if (budget < PAGE_SIZE) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "budget: less than a page");
		return -ERANGE;
	}
	return 0;
}

/* The limits of every call follow the budget and the ceiling. */
static void remerge_tools(struct agentcg_session *const session)
{
	struct agentcg_tool *tool;

	list_for_each_entry(tool, &session->tools, link) {
		struct agentcg_limits limits;

		if (agentcg_limits_merge(&limits, &tool->intent,
					 &session->defaults,
					 session->acct.limit,
					 session->max_class, NULL))
			continue;
		/* What is reserved is a promise and stays. */
		limits.mem = tool->limits.mem;
		limits.burst = min(limits.burst,
				   session->acct.limit - limits.mem);
		tool->limits = limits;
		tool->acct.limit = limits.mem + limits.burst;
		agentcg_deadline_set(tool);
		agentcg_cpu_apply(tool);
	}
}

/* Session's lock held; its old tags, if any, come back in @req->defaults. */
static int apply_request(struct agentcg_session *const session,
			 const struct agentcg_session_request *const req,
			 struct netlink_ext_ack *const extack)
{
	const u64 budget = req->budget ? ALIGN(*req->budget, PAGE_SIZE) :
					 session->acct.limit;
	const u64 floor = req->floor ? ALIGN(*req->floor, PAGE_SIZE) :
				       session->acct.reserved;
	int err;

	if (req->budget) {
		err = check_budget(session, req, extack);
		if (err)
			return err;
	}
	if (floor > budget) {
		NL_SET_ERR_MSG_ATTR_FMT(extack,
					req->attrs[req->floor ?
						   AGENTCG_A_SESSION_FLOOR :
						   AGENTCG_A_SESSION_BUDGET],
					"floor %llu is above the budget %llu",
					floor, budget);
		return -EINVAL;
	}
	if (req->floor) {
		err = agentcg_node_set_floor(session, floor, extack);
		if (err) {
			NL_SET_BAD_ATTR(extack, req->attrs[AGENTCG_A_SESSION_FLOOR]);
			return err;
		}
	}
	session->acct.limit = budget;
	if (req->weight)
		session->weight = *req->weight;
	if (req->max_class)
		session->max_class = *req->max_class;
	if (req->max_hold)
		session->max_hold = *req->max_hold;
	if (req->jitter)
		WRITE_ONCE(session->jitter, *req->jitter);
	if (req->defaults)
		agentcg_intent_update(&session->defaults, req->defaults);
	remerge_tools(session);
	agentcg_credit_refresh(session);
	agentcg_credit_apply_session(session);
	agentcg_serve_locked(session);
	return 0;
}

/* Undo of agentcg_domain_init(); the domain was never published. */
static void detach_unpublished(struct agentcg_domain *const domain)
{
	struct mem_cgroup *memcg;
	struct cgroup *cgrp;

	agentcg_domain_detach(domain, &cgrp, &memcg);
	agentcg_domain_put_cgroup(cgrp, memcg);
}

static struct agentcg_domain *new_agent(struct agentcg_session *const session,
					struct cgroup *const cgrp)
{
	struct agentcg_domain *const agent = kzalloc(sizeof(*agent),
						     GFP_KERNEL);

	if (!agent)
		return NULL;
	refcount_inc(&session->d.ref);
	if (agentcg_domain_init(agent, AGENTCG_DOMAIN_AGENT, session, cgrp)) {
		agentcg_domain_put(agent);
		return NULL;
	}
	return agent;
}

static int publish(struct agentcg_session *const session)
{
	int err;

	/* Reference of @session->agent, beside the index's. */
	refcount_inc(&session->agent->ref);
	err = agentcg_domain_publish(session->agent);
	if (err) {
		agentcg_domain_put(session->agent);
		return err;
	}
	refcount_inc(&session->d.ref);
	err = agentcg_domain_publish(&session->d);
	if (err) {
		agentcg_session_put(session);
		agentcg_domain_unpublish(session->agent);
		return err;
	}
	return 0;
}

/**
 * agentcg_session_add - make a cgroup a session
 * @dir: its directory; the caller keeps its references
 * @agent: a child of it; likewise
 * @req: @req->budget must be set
 * @extack: gets a sentence and the attribute
 *
 * Context: may sleep.
 * Return: 0, -EINVAL (the root, a wrong agent leaf, a floor above the budget),
 * -EEXIST (overlap), -EOPNOTSUPP (no memory controller), -ENOSPC (budget under
 * what is in use, floors above the node's capacity), -ERANGE, -ENODEV (being
 * removed), -ENOMEM.
 */
int agentcg_session_add(const struct agentcg_dir *const dir,
			struct cgroup *const agent,
			const struct agentcg_session_request *const req,
			struct netlink_ext_ack *const extack)
{
	struct cgroup *const cgrp = dir->cgrp;
	struct agentcg_session *session;
	int err;

	guard(mutex)(&sessions_lock);
	err = check_place(cgrp, agent, req, extack);
	if (err)
		return err;
	session = new_session();
	if (!session)
		return -ENOMEM;
	err = agentcg_domain_init(&session->d, AGENTCG_DOMAIN_SESSION, session,
				  cgrp);
	if (err) {
		NL_SET_ERR_MSG_ATTR(extack, req->attrs[AGENTCG_A_SESSION_FD],
				    "fd: the memory controller is not enabled for the cgroup");
		goto err_put;
	}
	session->root = agentcg_root_new(&dir->path);
	if (!session->root) {
		err = -ENOMEM;
		goto err_detach;
	}
	session->agent = new_agent(session, agent);
	if (!session->agent) {
		NL_SET_ERR_MSG_ATTR(extack,
				    req->attrs[AGENTCG_A_SESSION_AGENT_FD],
				    "agent-fd: no memory controller there");
		err = -EOPNOTSUPP;
		goto err_root;
	}
	session->seen_events = agentcg_memcg_high_events(session->d.memcg);
	scoped_guard(spinlock_irqsave, &session->lock)
		err = apply_request(session, req, extack);
	if (err)
		goto err_agent;
	err = publish(session);
	if (err)
		goto err_close;
	list_add_tail(&session->link, &sessions);
	WRITE_ONCE(nr_sessions, nr_sessions + 1);
	agentcg_notify_session(AGENTCG_EVENT_TYPE_SESSION_ADDED, session);
	if (agentcg_policy_any())
		agentcg_policy_session_online(session);
	/* Its tracepoint may have found nothing yet, see domain_publish(). */
	if (agentcg_cgroup_is_dead(cgrp))
		agentcg_session_gone(session);
	return 0;

err_close:
	scoped_guard(spinlock_irqsave, &session->lock)
		agentcg_domain_restore(&session->d);
	agentcg_node_close(session);
err_agent:
	detach_unpublished(session->agent);
	agentcg_domain_put(session->agent);
err_root:
	agentcg_root_put(session->root);
err_detach:
	detach_unpublished(&session->d);
err_put:
	agentcg_session_put(session);
	return err;
}

/**
 * agentcg_session_set - change a session
 * @session: the caller holds a reference
 * @req: what to change
 * @extack: gets a sentence and the attribute
 *
 * Context: may sleep.
 * Return: 0, or as agentcg_session_add(); nothing is changed on failure.
 */
int agentcg_session_set(struct agentcg_session *const session,
			const struct agentcg_session_request *const req,
			struct netlink_ext_ack *const extack)
{
	int err;

	scoped_guard(spinlock_irqsave, &session->lock) {
		if (session->ended) {
			NL_SET_ERR_MSG(extack, "the session is being removed");
			return -ENODEV;
		}
		err = apply_request(session, req, extack);
	}
	if (!err)
		agentcg_notify_session(AGENTCG_EVENT_TYPE_SESSION_CHANGED,
				       session);
	return err;
}

/* One live call or kept receipt, with a reference; NULL when there is none. */
static struct agentcg_tool *first_of(struct agentcg_session *const session,
				     struct list_head *const list)
{
	struct agentcg_tool *tool;

	guard(spinlock_irqsave)(&session->lock);
	tool = list_first_entry_or_null(list, struct agentcg_tool, link);
	if (tool)
		refcount_inc(&tool->d.ref);
	return tool;
}

/* A live call, with a reference; NULL when there is none. */
struct agentcg_tool *
agentcg_session_first_tool(struct agentcg_session *const session)
{
	return first_of(session, &session->tools);
}

static void drop_tools(struct agentcg_session *const session)
{
	struct agentcg_tool *tool;

	while ((tool = agentcg_session_first_tool(session))) {
		agentcg_tool_end(tool);
		agentcg_tool_put(tool);
	}
	while ((tool = first_of(session, &session->receipts))) {
		scoped_guard(spinlock_irqsave, &session->lock) {
			list_del_init(&tool->link);
			session->nr_receipts--;
		}
		agentcg_domain_unpublish(&tool->d);
		agentcg_tool_put(tool);
	}
}

static void drop_agent(struct agentcg_session *const session)
{
	struct agentcg_domain *agent;
	struct mem_cgroup *memcg;
	struct cgroup *cgrp;

	scoped_guard(spinlock_irqsave, &session->lock) {
		agent = session->agent;
		session->agent = NULL;
		if (!agent)
			return;
		agentcg_account_hold(&session->acct, &session->agent_acct, 0);
		agentcg_domain_unprotect(agent);
		agentcg_domain_detach(agent, &cgrp, &memcg);
	}
	agentcg_domain_put_cgroup(cgrp, memcg);
	agentcg_domain_unpublish(agent);
	/* Drop ref from publish(). */
	agentcg_domain_put(agent);
}

/**
 * agentcg_session_remove - end a session
 * @session: the caller holds a reference
 * @restored_high: gets the memory.high that was given back, in bytes; or NULL
 *
 * Two phases: first nobody new gets in and everybody parked is woken, then the
 * calls, the receipts and the agent leaf are dropped.  Calls run on unmanaged.
 * Who still holds a reference (a netlink request, a task on its way out of a
 * park, a kill work) finds it ended.
 *
 * Context: may sleep.  Safe to call twice.
 */
void agentcg_session_remove(struct agentcg_session *const session,
			    u64 *const restored_high)
{
	struct mem_cgroup *memcg;
	struct cgroup *cgrp;

	guard(mutex)(&sessions_lock);
	scoped_guard(spinlock_irqsave, &session->lock) {
		if (session->ended)
			return;
		session->ended = true;
		agentcg_park_wake_all(session);
	}
	list_del_init(&session->link);
	WRITE_ONCE(nr_sessions, nr_sessions - 1);
	drop_tools(session);
	drop_agent(session);
	if (agentcg_policy_any())
		agentcg_policy_session_gone(session);
	scoped_guard(spinlock_irqsave, &session->lock) {
		agentcg_domain_restore(&session->d);
		agentcg_domain_detach(&session->d, &cgrp, &memcg);
	}
	if (restored_high)
		*restored_high = session->d.found_high == PAGE_COUNTER_MAX ?
			AGENTCG_NO_LIMIT : (u64)session->d.found_high << PAGE_SHIFT;
	agentcg_domain_put_cgroup(cgrp, memcg);
	agentcg_domain_unpublish(&session->d);
	agentcg_node_close(session);
	/* Frozen calls have references of their own, until they are thawed. */
	agentcg_root_put(session->root);
	agentcg_notify_session(AGENTCG_EVENT_TYPE_SESSION_REMOVED, session);
	/* Drop ref from new_session(). */
	agentcg_session_put(session);
}

static struct agentcg_session *first_session(void)
{
	struct agentcg_session *session;

	guard(mutex)(&sessions_lock);
	session = list_first_entry_or_null(&sessions, struct agentcg_session,
					   link);
	return session ? agentcg_session_get(session) : NULL;
}

void agentcg_session_remove_all(void)
{
	struct agentcg_session *session;

	while ((session = first_session())) {
		agentcg_session_remove(session, NULL);
		agentcg_session_put(session);
	}
}

/* Calls @fn for every session; may sleep. */
void agentcg_session_for_each(void (*const fn)(struct agentcg_session *session))
{
	struct agentcg_session *session;

	guard(mutex)(&sessions_lock);
	list_for_each_entry(session, &sessions, link)
		fn(session);
}

/* Whether @fn is true of a session; may sleep. */
bool agentcg_session_any(bool (*const fn)(struct agentcg_session *session))
{
	struct agentcg_session *session;

	guard(mutex)(&sessions_lock);
	list_for_each_entry(session, &sessions, link)
		if (fn(session))
			return true;
	return false;
}

/* Live calls of all sessions; may sleep. */
unsigned int agentcg_session_tools(void)
{
	struct agentcg_session *session;
	unsigned int nr = 0;

	guard(mutex)(&sessions_lock);
	list_for_each_entry(session, &sessions, link)
		nr += READ_ONCE(session->nr_tools);
	return nr;
}

/*
 * The cgroup of the session was removed.  Its children were before it, so
 * what is left can wait for a work.
 */
void agentcg_session_gone(struct agentcg_session *const session)
{
	if (!agentcg_session_get(session))
		return;
	if (!queue_work(agentcg_wq, &session->end_work))
		agentcg_session_put(session);
}

/* The agent leaf was removed: the session has no holder of that kind now. */
void agentcg_session_agent_gone(struct agentcg_domain *const agent)
{
	drop_agent(agent->session);
}
