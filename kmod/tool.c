// SPDX-License-Identifier: GPL-2.0-only
/* Tool calls: declared, changed, killed, ended.  See tool.h. */

#include "common.h"

#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/netlink.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "cgrp.h"
#include "cpu.h"
#include "credit.h"
#include "node.h"
#include "notify.h"
#include "park.h"
#include "policy.h"
#include "serve.h"
#include "session.h"
#include "stats.h"
#include "takeover.h"
#include "tool.h"
#include "trace.h"
#include "work.h"

/* A slab of our own, so that what a call costs can be read in /proc/slabinfo. */
static struct kmem_cache *tool_cache;

int agentcg_tool_init(void)
{
	tool_cache = kmem_cache_create("agentcg_tool",
				       sizeof(struct agentcg_tool), 0,
				       SLAB_ACCOUNT | SLAB_NO_MERGE, NULL);
	return tool_cache ? 0 : -ENOMEM;
}

void agentcg_tool_exit(void)
{
	kmem_cache_destroy(tool_cache);
}

/**
 * agentcg_tool_kill - kill every process of a call
 * @tool: live; the caller holds a reference or the RCU read lock
 * @cause: the reason, for the receipt; the first one counts
 *
 * Context: any; going over the processes is left to a work (reap.c).
 * Return: whether this was the first kill.
 */
bool agentcg_tool_kill(struct agentcg_tool *const tool,
		       const enum agentcg_cause cause)
{
	if (atomic_cmpxchg(&tool->killed, 0, cause))
		return false;
	agentcg_stats_inc(AGENTCG_STAT_KILLS);
	trace_agentcg_kill(tool->d.session->d.id, tool->d.id, cause);
	agentcg_notify_tool(AGENTCG_EVENT_TYPE_TOOL_KILLED, tool, cause);
	agentcg_reap_queue(tool);
	return true;
}

/**
 * agentcg_tool_leader_done - the first process of a call has ended
 * @tool: the session's lock is held
 * @wait_status: of it
 *
 * Context: any.
 * Return: whether others may have outlived it, for agentcg_reap_queue().
 */
bool agentcg_tool_leader_done(struct agentcg_tool *const tool,
			      const u32 wait_status)
{
	tool->stats.wait_status = wait_status;
	tool->leader_done = true;
	tool->leader = NULL;
	agentcg_deadline_end(tool);
	if (tool->live <= 0)
		return false;
	if (tool->limits.survivors == AGENTCG_SURVIVORS_REAP)
		atomic_cmpxchg(&tool->killed, 0, AGENTCG_CAUSE_EXIT);
	return true;
}

/* Last reference gone and a grace period over. */
void agentcg_tool_free(struct agentcg_tool *const tool)
{
	agentcg_intent_destroy(&tool->intent);
	agentcg_evidence_drop(&tool->evidence);
	agentcg_reap_free(tool);
	kmem_cache_free(tool_cache, tool);
}

static struct agentcg_tool *new_tool(struct agentcg_session *const session,
				     struct cgroup *const cgrp,
				     struct netlink_ext_ack *const extack)
{
	struct agentcg_tool *const tool = kmem_cache_zalloc(tool_cache,
							    GFP_KERNEL_ACCOUNT);
	int err;

	if (!tool)
		return ERR_PTR(-ENOMEM);
	INIT_LIST_HEAD(&tool->link);
	agentcg_deadline_init(tool);
	agentcg_reap_init(tool);
	agentcg_freeze_init(tool);
	agentcg_cpu_init(tool);
	tool->step = AGENTCG_STEP_FIRST;
	tool->last_event = jiffies;
	tool->stats.start = ktime_get_boottime_ns();
	refcount_inc(&session->d.ref);
	err = agentcg_domain_init(&tool->d, AGENTCG_DOMAIN_TOOL, session, cgrp);
	if (err) {
		NL_SET_ERR_MSG(extack, "fd: the memory controller is not enabled for the call's cgroup");
		agentcg_tool_put(tool);
		return ERR_PTR(-ENODEV);
	}
	return tool;
}

/* What a call may reserve now; the session's figures are fresh. */
static u64 reservable(const struct agentcg_tool *const tool)
{
	const struct agentcg_session *const session = tool->d.session;
	const struct agentcg_account *const acct = &session->acct;
	const u64 used = acct->given_reserved - tool->acct.reserved +
			 acct->given_granted + session->hard_residue;

	return used < acct->limit ? acct->limit - used : 0;
}

/* A default shrinks to what there is: nobody asked for so much. */
static void fit_default_mem(struct agentcg_limits *const limits, const u64 mem)
{
	const u64 cut = ALIGN_DOWN(min(limits->mem, mem), PAGE_SIZE);

	limits->burst += limits->mem - cut;
	limits->mem = cut;
}

/*
 * Reserve @limits->mem and take the limits; session's lock held.  A refusal
 * points at @mem, NULL when this request does not declare it.
 *
 * Residue that the kernel can reclaim is no obstacle: the call's own charges
 * will push it out.
 */
static int take_limits(struct agentcg_tool *const tool,
		       const struct agentcg_limits *const limits,
		       const struct nlattr *const mem,
		       struct netlink_ext_ack *const extack)
{
	struct agentcg_session *const session = tool->d.session;
	struct agentcg_account *const acct = &session->acct;
	const u64 old = tool->acct.reserved;
	const u64 soft = acct->residue - session->hard_residue;

	if (agentcg_account_reserve(acct, &tool->acct, limits->mem, soft)) {
		NL_SET_ERR_MSG_ATTR_FMT(extack, mem,
					"mem %llu: %llu free of budget %llu",
					limits->mem, agentcg_account_free(acct),
					acct->limit);
		return -ENOSPC;
	}
	if (limits->mem > old &&
	    !agentcg_node_cover(session, agentcg_account_used(acct) - soft)) {
		agentcg_account_set_reserved(acct, &tool->acct, old);
		NL_SET_ERR_MSG_ATTR_FMT(extack, mem,
					"mem %llu: the node cannot lend it now, see agentcg node show",
					limits->mem);
		return -ENOSPC;
	}
	tool->limits = *limits;
	tool->acct.limit = limits->mem + limits->burst;
	return 0;
}

/* Session's lock held. */
static int declare(struct agentcg_tool *const tool,
		   struct agentcg_intent *const intent,
		   struct netlink_ext_ack *const extack)
{
	struct agentcg_session *const session = tool->d.session;
	struct agentcg_intent merged = tool->intent, later = *intent;
	const struct nlattr *mem;
	struct agentcg_limits limits;
	int err;

	if (session->ended || !tool->d.memcg) {
		NL_SET_ERR_MSG(extack, "fd: the cgroup is being removed");
		return -ENODEV;
	}
	/* Tags are swapped only when nothing can fail any more. */
	merged.tags = NULL;
	later.set &= ~BIT(AGENTCG_A_INTENT_TAG);
	agentcg_intent_update(&merged, &later);
	merged.nest = intent->nest;
	err = agentcg_limits_merge(&limits, &merged, &session->defaults,
				   session->acct.limit, session->max_class,
				   extack);
	if (err)
		return err;
	agentcg_credit_refresh(session);
	if (agentcg_intent_has(&merged, AGENTCG_A_INTENT_MEM)) {
		mem = agentcg_intent_attr(&merged, AGENTCG_A_INTENT_MEM);
		err = take_limits(tool, &limits, mem, extack);
	} else {
		fit_default_mem(&limits, reservable(tool));
		err = take_limits(tool, &limits, NULL, NULL);
		if (err) {
			/* The node cannot lend it. */
			fit_default_mem(&limits, 0);
			err = take_limits(tool, &limits, NULL, extack);
		}
	}
	if (err)
		return err;
	agentcg_intent_update(&tool->intent, intent);
	agentcg_deadline_set(tool);
	agentcg_cpu_apply(tool);
	return 0;
}

static struct agentcg_session *session_of(struct cgroup *const cgrp,
					  struct netlink_ext_ack *const extack)
{
	struct cgroup *const parent = cgroup_parent(cgrp);
	struct agentcg_domain *const domain =
		parent ? agentcg_domain_get(cgroup_id(parent)) : NULL;

	if (domain && domain->type == AGENTCG_DOMAIN_SESSION)
		return agentcg_domain_to_session(domain);
	if (domain)
		agentcg_domain_put(domain);
	NL_SET_ERR_MSG(extack, "fd: not a child of a session; add one with agentcg session add");
	return ERR_PTR(-ESRCH);
}

static int change_tool(struct agentcg_tool *const tool,
		       struct agentcg_intent *const intent,
		       struct netlink_ext_ack *const extack)
{
	struct agentcg_session *const session = tool->d.session;
	int err;

	scoped_guard(spinlock_irqsave, &session->lock) {
		err = declare(tool, intent, extack);
		if (err)
			return err;
		agentcg_credit_apply(tool);
		agentcg_credit_apply_session(session);
		/* Whoever waits for this very change. */
		agentcg_serve_locked(session);
	}
	agentcg_notify_tool(AGENTCG_EVENT_TYPE_TOOL_CHANGED, tool, 0);
	return 0;
}

static int add_tool(struct agentcg_tool *const tool,
		    struct agentcg_intent *const intent,
		    struct netlink_ext_ack *const extack)
{
	struct agentcg_session *const session = tool->d.session;
	int err;

	/* Two references: the index's and the caller's. */
	refcount_inc(&tool->d.ref);
	err = agentcg_domain_publish(&tool->d);
	if (err) {
		if (err == -EEXIST)
			NL_SET_ERR_MSG(extack, "fd: declared by two at once");
		agentcg_tool_put(tool);
		return err;
	}
	scoped_guard(spinlock_irqsave, &session->lock) {
		err = declare(tool, intent, extack);
		if (!err) {
			list_add_tail(&tool->link, &session->tools);
			session->nr_tools++;
			session->started++;
			agentcg_credit_apply(tool);
			agentcg_credit_apply_session(session);
			if (agentcg_policy_any())
				agentcg_policy_tool_online(tool);
		}
	}
	if (err) {
		agentcg_domain_unpublish(&tool->d);
		return err;
	}
	agentcg_notify_tool(AGENTCG_EVENT_TYPE_TOOL_STARTED, tool, 0);
	return 0;
}

static void discard_tool(struct agentcg_tool *const tool)
{
	struct mem_cgroup *memcg;
	struct cgroup *cgrp;

	scoped_guard(spinlock_irqsave, &tool->d.session->lock)
		agentcg_domain_detach(&tool->d, &cgrp, &memcg);
	agentcg_domain_put_cgroup(cgrp, memcg);
	agentcg_tool_put(tool);
}

static struct agentcg_tool *create_tool(struct cgroup *const cgrp,
					struct agentcg_intent *const intent,
					struct netlink_ext_ack *const extack)
{
	struct agentcg_session *const session = session_of(cgrp, extack);
	const bool populated = cgroup_is_populated(cgrp);
	struct agentcg_tool *tool;
	int err;

	if (IS_ERR(session))
		return ERR_CAST(session);
	tool = new_tool(session, cgrp, extack);
	/* The call holds a reference of its own. */
	agentcg_session_put(session);
	if (IS_ERR(tool))
		return tool;
	tool->had_leader = populated;
	err = add_tool(tool, intent, extack);
	if (err) {
		discard_tool(tool);
		return ERR_PTR(err);
	}
	if (populated)
		agentcg_takeover(tool, cgrp);
	/* Its tracepoint may have found nothing yet, see domain_publish(). */
	if (agentcg_cgroup_is_dead(cgrp))
		agentcg_tool_end(tool);
	return tool;
}

/**
 * agentcg_tool_set - declare a call, or change what was declared
 * @cgrp: its cgroup; the caller keeps its reference and has checked the right
 *        to write to it
 * @intent: its tags may be swapped with older ones; the caller destroys it
 * @tool: gets the call with a reference, for agentcg_tool_put()
 * @extack: gets a sentence and, where the intent is to blame, the attribute
 *
 * Context: may sleep.
 * Return: 0, -ESRCH (not in a session), -EBUSY (the agent leaf or a session),
 * -ENOSPC, -ERANGE (class), -ENODEV (no memory controller, or being removed),
 * -EEXIST (declared by two at once), -ENOMEM.
 */
int agentcg_tool_set(struct cgroup *const cgrp,
		     struct agentcg_intent *const intent,
		     struct agentcg_tool **const tool,
		     struct netlink_ext_ack *const extack)
{
	struct agentcg_domain *const domain = agentcg_domain_get(cgroup_id(cgrp));
	int err;

	if (!domain) {
		*tool = create_tool(cgrp, intent, extack);
		return PTR_ERR_OR_ZERO(*tool);
	}
	if (domain->type != AGENTCG_DOMAIN_TOOL) {
		NL_SET_ERR_MSG(extack, "fd: a session or its agent leaf, not a tool call");
		agentcg_domain_put(domain);
		return -EBUSY;
	}
	*tool = agentcg_domain_to_tool(domain);
	err = change_tool(*tool, intent, extack);
	if (err)
		agentcg_tool_put(*tool);
	return err;
}

/* One more task is held back; session's lock held. */
void agentcg_tool_hold(struct agentcg_tool *const tool, const u64 now)
{
	if (!tool->held++)
		tool->held_since = now;
	tool->stats.stalls++;
}

/* The task that was held since @start goes on; session's lock held. */
void agentcg_tool_unhold(struct agentcg_tool *const tool, const u64 start,
			 const u64 now)
{
	if (!--tool->held)
		tool->stats.stall_total += now - tool->held_since;
	tool->stats.stall_longest = max(tool->stats.stall_longest, now - start);
}

/* Time for which the call has been held back until @now; lock held. */
u64 agentcg_tool_stall(const struct agentcg_tool *const tool, const u64 now)
{
	return tool->stats.stall_total +
	       (tool->held ? now - tool->held_since : 0);
}

/**
 * agentcg_tool_held - time for which a call was frozen, or waited past its bound
 * @tool: the session's lock is held
 * @now: ns
 *
 * Counted apart from its stall, which is bounded.  Who does not wait past his
 * bound is let go a little after it: that is still stall.
 */
u64 agentcg_tool_held(const struct agentcg_tool *const tool, const u64 now)
{
	const u64 stall = agentcg_tool_stall(tool, now);
	u64 held = tool->stats.frozen_total;

	if (tool->freeze.wanted)
		held += now - tool->freeze.since;
	if (tool->limits.on_exhaust == AGENTCG_ON_EXHAUST_WAIT &&
	    stall > tool->limits.stall)
		held += stall - tool->limits.stall;
	return held;
}

/*
 * The last figures that need the cgroup.  What stays charged after the last
 * process is gone is the residue; on the anonymous lists that is tmpfs, which
 * reclaim cannot drop.
 */
static void settle_figures(struct agentcg_tool *const tool)
{
	struct mem_cgroup *const memcg = tool->d.memcg;
	const u64 hard = (u64)agentcg_memcg_anon(memcg) << PAGE_SHIFT;

	tool->stats.peak = (u64)agentcg_memcg_peak(memcg) << PAGE_SHIFT;
	tool->stats.oom_kills = agentcg_memcg_oom_kills(memcg);
	tool->stats.residue = (u64)agentcg_memcg_usage(memcg) << PAGE_SHIFT;
	tool->stats.end = ktime_get_boottime_ns();
	tool->d.session->hard_residue += min(hard, tool->stats.residue);
}

/* Put the call among the receipts; returns the one that is one too many. */
static struct agentcg_tool *keep_receipt(struct agentcg_tool *const tool)
{
	struct agentcg_session *const session = tool->d.session;
	struct agentcg_tool *oldest;

	list_move(&tool->link, &session->receipts);
	session->nr_tools--;
	if (session->nr_receipts++ < AGENTCG_RECEIPTS_MAX)
		return NULL;
	oldest = list_last_entry(&session->receipts, struct agentcg_tool, link);
	list_del_init(&oldest->link);
	session->nr_receipts--;
	return oldest;
}

/**
 * agentcg_tool_end - the cgroup of a call has gone, or was given up
 * @tool: the caller holds a reference or the RCU read lock
 *
 * Second phase of a call's death: the first was its last process.  Credit
 * returns at once and is handed to whoever waits; the object stays as receipt.
 *
 * Context: any, interrupts may be off.  Safe to call twice.
 */
void agentcg_tool_end(struct agentcg_tool *const tool)
{
	struct agentcg_session *const session = tool->d.session;
	struct agentcg_tool *oldest;
	struct mem_cgroup *memcg;
	struct cgroup *cgrp;

	scoped_guard(spinlock_irqsave, &session->lock) {
		/* Detached before, or not yet among the calls. */
		if (!tool->d.memcg || list_empty(&tool->link))
			return;
		agentcg_park_wake_tool(tool);
		agentcg_thaw(tool);
		if (agentcg_policy_any())
			agentcg_policy_tool_offline(tool);
		settle_figures(tool);
		agentcg_deadline_end(tool);
		agentcg_domain_restore(&tool->d);
		agentcg_account_close(&session->acct, &tool->acct,
				      tool->stats.residue);
		agentcg_domain_detach(&tool->d, &cgrp, &memcg);
		oldest = keep_receipt(tool);
		if (agentcg_policy_any())
			agentcg_policy_receipt(tool);
		agentcg_credit_left(tool);
		agentcg_credit_apply_session(session);
		agentcg_serve_locked(session);
	}
	agentcg_reap_cancel(tool);
	agentcg_domain_put_cgroup(cgrp, memcg);
	if (oldest)
		agentcg_domain_unpublish(&oldest->d);
	agentcg_notify_tool(AGENTCG_EVENT_TYPE_TOOL_ENDED, tool,
			    agentcg_cause_of(tool));
}
