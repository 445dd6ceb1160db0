// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attached policies, see policy.h.
 *
 * A policy is asked under the lock of the session that is decided for, so what it
 * is shown holds still and what it grants is there.  Its programs and its ops
 * belong to the kernel, which frees them a grace period after it has called
 * agentcg_policy_detach(): every call stays within one RCU section, and a policy
 * that is detached while it decides finishes that decision.
 */

#include "common.h"

#include <linux/atomic.h>
#include <linux/bpf.h>
#include <linux/err.h>
#include <linux/list.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <linux/workqueue.h>

#include "cause.h"
#include "cgrp.h"
#include "kfunc.h"
#include "memory.h"
#include "notify.h"
#include "policy.h"
#include "session.h"
#include "tool.h"
#include "work.h"

/* So often too slow, and a policy is detached. */
#define SLOW_MAX	3

/* So often in time after that, and one of them is forgiven. */
#define FORGIVEN_AFTER	100

/* The longest sleep that a policy may ask for; the stall bound cuts it further. */
#define DELAY_MAX	(10 * (u64)NSEC_PER_SEC)

static unsigned long policy_bound_ns = 100 * NSEC_PER_USEC;
module_param(policy_bound_ns, ulong, 0600);
MODULE_PARM_DESC(policy_bound_ns,
		 "A policy that takes longer three times is detached (100000)");

/**
 * struct agentcg_policy - an attached policy
 * @node: in the list of policies; by policies_lock
 * @ops: of BPF; replaced in place by an update
 * @link: of BPF, NULL once it was detached; by policies_lock
 * @session: that it decides for, with a reference; NULL for the node
 * @since: when it was attached
 * @calls: times that it was asked or told something
 * @slow: times that this took too long
 * @strikes: of them, those that are not forgiven
 * @in_time: times in a row that it was in time since the last strike
 * @given_up: it is not asked any more
 * @detach_work: takes it off
 * @ref: one for the list, one for the work
 * @rcu: for freeing
 */
struct agentcg_policy {
	struct list_head node;
	const struct agentcg_policy_ops __rcu *ops;
	struct bpf_link *link;
	struct agentcg_session *session;
	u64 since;
	atomic64_t calls;
	atomic64_t slow;
	atomic_t strikes;
	atomic_t in_time;
	atomic_t given_up;
	struct work_struct detach_work;
	refcount_t ref;
	struct rcu_head rcu;
};

/**
 * struct question - a call of a policy; on the stack of who asks
 * @event: what the program sees
 * @policy: who is asked
 * @ops: of it
 * @start: when
 */
struct question {
	struct agentcg_policy_event event;
	struct agentcg_policy *policy;
	const struct agentcg_policy_ops *ops;
	u64 start;
};

DEFINE_STATIC_KEY_FALSE(agentcg_policy_key);

/*
 * Guards the list and who decides for whom.  Taken under sessions_lock and under
 * BPF's own mutex of links; takes neither.
 */
static DEFINE_MUTEX(policies_lock);
static LIST_HEAD(policies);
static struct agentcg_policy __rcu *node_policy;

/* ---- asking ---- */

static void give_up(struct agentcg_policy *const policy)
{
	if (atomic_xchg(&policy->given_up, 1))
		return;
	/* Dropped by detach_fn(). */
	if (!refcount_inc_not_zero(&policy->ref))
		return;
	if (!queue_work(agentcg_wq, &policy->detach_work))
		refcount_dec(&policy->ref);
}

/* Who decides for a session; RCU read lock held. */
static struct agentcg_policy *policy_of(const struct agentcg_session *const session)
{
	struct agentcg_policy *const policy =
		rcu_dereference(session->policy) ?: rcu_dereference(node_policy);

	return policy && !atomic_read(&policy->given_up) ? policy : NULL;
}

static void describe_session(struct agentcg_policy_event *const event,
			     const struct agentcg_session *const session)
{
	event->session_calls = session->nr_tools;
	event->session_waiting = session->nr_waiting;
	event->session_budget = session->acct.limit;
	event->session_free = agentcg_account_free(&session->acct);
}

/*
 * Make ready to ask about a domain.  The RCU read lock is held until finish().
 * Return: whether there is anybody to ask.
 */
static bool prepare(struct question *const q, struct agentcg_domain *const domain)
{
	lockdep_assert_held(&domain->session->lock);
	q->policy = policy_of(domain->session);
	if (!q->policy)
		return false;
	q->ops = rcu_dereference(q->policy->ops);
	q->event = (struct agentcg_policy_event) { .domain = domain };
	agentcg_kfunc_describe(domain, &q->event.d);
	describe_session(&q->event, domain->session);
	q->start = ktime_get_ns();
	return true;
}

static void forgive(struct agentcg_policy *const policy)
{
	if (likely(!atomic_read(&policy->strikes)) ||
	    atomic_inc_return(&policy->in_time) < FORGIVEN_AFTER)
		return;
	atomic_set(&policy->in_time, 0);
	atomic_dec_if_positive(&policy->strikes);
}

/* The policy has answered: did it take too long? */
static void finish(const struct question *const q)
{
	struct agentcg_policy *const policy = q->policy;

	atomic64_inc(&policy->calls);
	if (likely(ktime_get_ns() - q->start <= READ_ONCE(policy_bound_ns))) {
		forgive(policy);
		return;
	}
	atomic64_inc(&policy->slow);
	atomic_set(&policy->in_time, 0);
	if (atomic_inc_return(&policy->strikes) >= SLOW_MAX)
		give_up(policy);
}

static enum agentcg_policy_verdict known_verdict(const s32 verdict)
{
	return verdict >= AGENTCG_POLICY_DEFAULT &&
	       verdict <= AGENTCG_POLICY_EXHAUST ? verdict :
						   AGENTCG_POLICY_DEFAULT;
}

/**
 * agentcg_policy_over_high - ask what becomes of a call above a soft limit
 * @tool: the session's lock is held
 * @flags: of the event, enum agentcg_policy_flag
 *
 * Return: the answer, within its bounds; the default where nobody is asked.
 */
struct agentcg_policy_answer
agentcg_policy_over_high(struct agentcg_tool *const tool, const u32 flags)
{
	struct agentcg_policy_answer answer = { };
	struct question q;

	guard(rcu)();
	if (!prepare(&q, &tool->d) ||
	    (!q.ops->over_high && !q.ops->get_high_delay_ms))
		return answer;
	q.event.flags = flags;
	q.event.step = tool->step;
	if (q.event.d.usage > q.event.d.held)
		q.event.need = q.event.d.usage - q.event.d.held;
	if (q.ops->over_high)
		answer.verdict = known_verdict(q.ops->over_high(&q.event));
	answer.bytes = ALIGN(min_t(u64, q.event.bytes, AGENTCG_STEP_MAX),
			     PAGE_SIZE);
	answer.delay = q.event.ns;
	if (!answer.delay && q.ops->get_high_delay_ms)
		answer.delay = (u64)q.ops->get_high_delay_ms(&q.event) *
			       NSEC_PER_MSEC;
	answer.delay = flags & AGENTCG_POLICY_SYNC ? 0 :
						     min(answer.delay, DELAY_MAX);
	finish(&q);
	return answer;
}

/**
 * agentcg_policy_exhausted - ask what becomes of a call whose stall is used up
 * @tool: the session's lock is held
 */
enum agentcg_policy_action
agentcg_policy_exhausted(struct agentcg_tool *const tool)
{
	struct question q;
	s32 action;

	guard(rcu)();
	if (!prepare(&q, &tool->d) || !q.ops->exhausted)
		return AGENTCG_ACTION_DEFAULT;
	action = q.ops->exhausted(&q.event);
	finish(&q);
	return action == AGENTCG_ACTION_OVERDRAFT ||
	       action == AGENTCG_ACTION_KILL ? action : AGENTCG_ACTION_DEFAULT;
}

static void tell_online(struct agentcg_domain *const domain)
{
	struct question q;

	guard(rcu)();
	if (!prepare(&q, domain) || !q.ops->domain_online)
		return;
	q.ops->domain_online(&q.event);
	finish(&q);
}

static void tell_offline(struct agentcg_domain *const domain)
{
	struct question q;

	guard(rcu)();
	if (!prepare(&q, domain) || !q.ops->domain_offline)
		return;
	q.ops->domain_offline(&q.event);
	finish(&q);
}

/* A call has been declared; the session's lock is held. */
void agentcg_policy_tool_online(struct agentcg_tool *const tool)
{
	tell_online(&tool->d);
}

/* A call is about to end; the session's lock is held. */
void agentcg_policy_tool_offline(struct agentcg_tool *const tool)
{
	tell_offline(&tool->d);
}

/* A call has ended, its figures are final; the session's lock is held. */
void agentcg_policy_receipt(struct agentcg_tool *const tool)
{
	const struct agentcg_tool_stats *const stats = &tool->stats;
	struct agentcg_policy_receipt receipt = {
		.peak = stats->peak,
		.grants = stats->grants,
		.granted_total = stats->granted_total,
		.overdraft_peak = stats->overdraft_peak,
		.exhausted = stats->exhausted,
		.oom_kills = stats->oom_kills,
		.start = stats->start,
		.end = stats->end,
		.wait_status = stats->wait_status,
		.cause = agentcg_cause_of(tool),
	};
	struct question q;

	guard(rcu)();
	if (!prepare(&q, &tool->d) || !q.ops->receipt)
		return;
	receipt.d = q.event.d;
	q.ops->receipt(&receipt);
	finish(&q);
}

/* ---- from kfuncs, while a policy is asked ---- */

/* A live call of the session that is decided for, or NULL. */
struct agentcg_tool *
agentcg_policy_call(const struct agentcg_policy_event *const event, const u64 id)
{
	struct agentcg_session *const session = event->domain->session;
	struct agentcg_domain *const domain = agentcg_domain_find(id);
	struct agentcg_tool *tool;

	lockdep_assert_held(&session->lock);
	if (!domain || domain->type != AGENTCG_DOMAIN_TOOL ||
	    domain->session != session || !domain->memcg)
		return NULL;
	tool = agentcg_domain_to_tool(domain);
	return list_empty(&tool->link) ? NULL : tool;
}

/* ---- protection ---- */

/*
 * The reclaim path cannot be asked, so memory.low and memory.min stand for what a
 * policy said last.  All that a cgroup uses may be protected by memory.low, which
 * yields when nothing else is left; by memory.min only what it holds credit for,
 * so that all of it together stays within what the node may lend.
 */
static void protect(struct agentcg_domain *const domain)
{
	struct question q;
	s32 low, min;

	guard(rcu)();
	if (!domain->memcg || !prepare(&q, domain))
		return;
	if (!q.ops->below_low && !q.ops->below_min) {
		/* The one before had a say in it. */
		agentcg_domain_unprotect(domain);
		return;
	}
	low = q.ops->below_low ? q.ops->below_low(&q.event) : 0;
	min = q.ops->below_min ? q.ops->below_min(&q.event) : 0;
	finish(&q);
	agentcg_domain_protect(domain, low > 0 ? PAGE_COUNTER_MAX : 0,
			       min > 0 ? q.event.d.held >> PAGE_SHIFT : 0);
}

/**
 * agentcg_policy_tick - once a second, where a policy is attached
 * @session: its lock is held
 */
void agentcg_policy_tick(struct agentcg_session *const session)
{
	struct agentcg_tool *tool;

	protect(&session->d);
	if (session->agent)
		protect(session->agent);
	list_for_each_entry(tool, &session->tools, link)
		protect(&tool->d);
}

/* Everything as it was found; the session's lock is not held. */
static void unprotect(struct agentcg_session *const session)
{
	struct agentcg_tool *tool;

	guard(spinlock_irqsave)(&session->lock);
	/* Not where another one has a say now. */
	scoped_guard(rcu)
		if (policy_of(session))
			return;
	agentcg_domain_unprotect(&session->d);
	if (session->agent)
		agentcg_domain_unprotect(session->agent);
	list_for_each_entry(tool, &session->tools, link)
		agentcg_domain_unprotect(&tool->d);
}

/* ---- attaching ---- */

static void put_policy(struct agentcg_policy *const policy)
{
	if (!refcount_dec_and_test(&policy->ref))
		return;
	if (policy->session)
		agentcg_session_put(policy->session);
	kfree_rcu(policy, rcu);
}

/* BPF's own way: detaching calls us back, and who polls the link is told. */
static void detach_fn(struct work_struct *const work)
{
	struct agentcg_policy *const policy =
		container_of(work, struct agentcg_policy, detach_work);
	struct bpf_link *link = NULL;

	/* It is freed after it was detached, which clears it here first. */
	scoped_guard(mutex, &policies_lock)
		if (policy->link)
			link = bpf_link_inc_not_zero(policy->link);
	if (!IS_ERR_OR_NULL(link)) {
		link->ops->detach(link);
		bpf_link_put(link);
	}
	put_policy(policy);
}

static struct agentcg_policy *new_policy(const struct agentcg_policy_ops *const ops,
					 struct bpf_link *const link,
					 struct agentcg_session *const session)
{
	struct agentcg_policy *const policy = kzalloc(sizeof(*policy),
						      GFP_KERNEL_ACCOUNT);

	if (!policy)
		return NULL;
	RCU_INIT_POINTER(policy->ops, ops);
	policy->link = link;
	policy->session = session;
	policy->since = ktime_get_boottime_ns();
	refcount_set(&policy->ref, 1);
	INIT_WORK(&policy->detach_work, detach_fn);
	return policy;
}

static struct agentcg_policy __rcu **slot_of(struct agentcg_session *const session)
{
	return session ? &session->policy : &node_policy;
}

static bool has_ended(struct agentcg_session *const session)
{
	guard(spinlock_irqsave)(&session->lock);
	return session->ended;
}

/* Who is there is told as if it had just come. */
static void welcome(struct agentcg_session *const session)
{
	struct agentcg_tool *tool;

	guard(spinlock_irqsave)(&session->lock);
	if (session->ended)
		return;
	tell_online(&session->d);
	list_for_each_entry(tool, &session->tools, link)
		tell_online(&tool->d);
}

static void welcome_unless_own(struct agentcg_session *const session)
{
	if (!rcu_access_pointer(session->policy))
		welcome(session);
}

static u64 session_id(const struct agentcg_policy *const policy)
{
	return policy->session ? policy->session->d.id : 0;
}

static int install(struct agentcg_policy *const policy)
{
	struct agentcg_policy __rcu **const slot = slot_of(policy->session);

	guard(mutex)(&policies_lock);
	if (rcu_access_pointer(*slot))
		return -EEXIST;
	static_branch_inc(&agentcg_policy_key);
	rcu_assign_pointer(*slot, policy);
	/* Either this sees the end, or agentcg_policy_session_gone() the policy. */
	if (policy->session && has_ended(policy->session)) {
		RCU_INIT_POINTER(*slot, NULL);
		static_branch_dec(&agentcg_policy_key);
		return -ENOENT;
	}
	list_add_tail(&policy->node, &policies);
	return 0;
}

/* With a reference; NULL for the node, an error when there is no such session. */
static struct agentcg_session *find_session(const u64 id)
{
	struct agentcg_domain *domain;

	if (!id)
		return NULL;
	domain = agentcg_domain_get(id);
	if (domain && domain->type == AGENTCG_DOMAIN_SESSION)
		return agentcg_domain_to_session(domain);
	if (domain)
		agentcg_domain_put(domain);
	return ERR_PTR(-ENOENT);
}

/**
 * agentcg_policy_attach - let a policy decide
 * @ops: stays there until a grace period after agentcg_policy_detach()
 * @link: what it is attached by
 *
 * Context: may sleep.
 * Return: 0, -EOPNOTSUPP (not by a link), -ENOENT (no such session), -EEXIST
 * (somebody decides there already), -ENOMEM.
 */
int agentcg_policy_attach(const struct agentcg_policy_ops *const ops,
			  struct bpf_link *const link)
{
	struct agentcg_session *session;
	struct agentcg_policy *policy;
	int err;

	if (!link)
		return -EOPNOTSUPP;
	session = find_session(ops->session_cgroup_id);
	if (IS_ERR(session))
		return PTR_ERR(session);
	policy = new_policy(ops, link, session);
	if (!policy) {
		if (session)
			agentcg_session_put(session);
		return -ENOMEM;
	}
	err = install(policy);
	if (err) {
		put_policy(policy);
		return err;
	}
	agentcg_notify(AGENTCG_EVENT_TYPE_POLICY_ATTACHED, session_id(policy));
	if (session)
		welcome(session);
	else
		agentcg_session_for_each(welcome_unless_own);
	return 0;
}

/* The one whose ops these are. */
static struct agentcg_policy *find_policy(const struct agentcg_policy_ops *const ops)
{
	struct agentcg_policy *policy;

	lockdep_assert_held(&policies_lock);
	list_for_each_entry(policy, &policies, node)
		if (rcu_access_pointer(policy->ops) == ops)
			return policy;
	return NULL;
}

static struct agentcg_policy *remove(const struct agentcg_policy_ops *const ops)
{
	struct agentcg_policy *policy;

	guard(mutex)(&policies_lock);
	policy = find_policy(ops);
	if (WARN_ON_ONCE(!policy))
		return NULL;
	list_del(&policy->node);
	policy->link = NULL;
	RCU_INIT_POINTER(*slot_of(policy->session), NULL);
	return policy;
}

/**
 * agentcg_policy_detach - the built-in policy, or the node's, decides again
 * @ops: as attached, or as replaced last
 *
 * Decisions under way are finished by it.
 *
 * Context: may sleep.
 */
void agentcg_policy_detach(const struct agentcg_policy_ops *const ops)
{
	struct agentcg_policy *const policy = remove(ops);

	if (!policy)
		return;
	if (policy->session)
		unprotect(policy->session);
	else
		agentcg_session_for_each(unprotect);
	static_branch_dec(&agentcg_policy_key);
	if (atomic_read(&policy->strikes) >= SLOW_MAX)
		pr_warn("the policy '%s' took over %lu ns %lld times: detached\n",
			ops->name, policy_bound_ns,
			atomic64_read(&policy->slow));
	agentcg_notify(AGENTCG_EVENT_TYPE_POLICY_DETACHED, session_id(policy));
	/* Drop ref from new_policy(). */
	put_policy(policy);
}

/**
 * agentcg_policy_replace - another version of a policy, without a gap
 * @ops: the new one
 * @old: as attached
 *
 * Return: 0, -EINVAL (for another session), -ENOENT (detached meanwhile).
 */
int agentcg_policy_replace(const struct agentcg_policy_ops *const ops,
			   const struct agentcg_policy_ops *const old)
{
	struct agentcg_policy *policy;

	if (ops->session_cgroup_id != old->session_cgroup_id)
		return -EINVAL;
	guard(mutex)(&policies_lock);
	policy = find_policy(old);
	if (!policy)
		return -ENOENT;
	rcu_assign_pointer(policy->ops, ops);
	atomic_set(&policy->strikes, 0);
	atomic_set(&policy->in_time, 0);
	return 0;
}

/* A session has been added; the node's policy is told. */
void agentcg_policy_session_online(struct agentcg_session *const session)
{
	guard(spinlock_irqsave)(&session->lock);
	if (!session->ended)
		tell_online(&session->d);
}

/**
 * agentcg_policy_session_gone - a session ends
 * @session: its lock is not held; it accepts no more calls
 *
 * Its own policy goes with it.
 *
 * Context: may sleep.
 */
void agentcg_policy_session_gone(struct agentcg_session *const session)
{
	struct agentcg_policy *policy;

	scoped_guard(spinlock_irqsave, &session->lock)
		tell_offline(&session->d);
	guard(mutex)(&policies_lock);
	policy = rcu_dereference_protected(session->policy,
					   lockdep_is_held(&policies_lock));
	if (policy)
		give_up(policy);
}

/**
 * agentcg_policy_get - an attached policy, for people
 * @nr: from 0, in the order in which they were attached
 * @show: filled
 *
 * Context: may sleep.
 * Return: false when there are not so many.
 */
bool agentcg_policy_get(unsigned int nr, struct agentcg_policy_show *const show)
{
	struct agentcg_policy *policy;

	guard(mutex)(&policies_lock);
	list_for_each_entry(policy, &policies, node) {
		if (nr--)
			continue;
		*show = (struct agentcg_policy_show) {
			.session_id = session_id(policy),
			/* Known only once it has been attached. */
			.link_id = policy->link->id,
			.since = policy->since,
			.calls = atomic64_read(&policy->calls),
			.slow = atomic64_read(&policy->slow),
			.given_up = atomic_read(&policy->given_up),
		};
		scoped_guard(rcu)
			strscpy(show->name, rcu_dereference(policy->ops)->name);
		return true;
	}
	return false;
}
