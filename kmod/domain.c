// SPDX-License-Identifier: GPL-2.0-only
/* Index and lifetime of domains, see domain.h. */

#include "common.h"

#include <linux/atomic.h>
#include <linux/errno.h>
#include <linux/hashtable.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "cgrp.h"
#include "domain.h"
#include "session.h"
#include "tool.h"

/*
 * cgroup id -> domain, twice: in the order of the ids for dumps, hashed for
 * everything else.  The hook and the tracepoints look up every level of the
 * tree; a walk down an XArray would be a fifth of a decision, and ids grow.
 * Both are read under RCU; xa_lock, irq-safe, guards changes and is taken
 * under no other lock of the module's but the mutex of sessions.
 */
static DEFINE_XARRAY_FLAGS(index, XA_FLAGS_LOCK_IRQ | XA_FLAGS_ACCOUNT);
static DEFINE_HASHTABLE(by_id, 12);

/* Grows with every change of the index, for dumps to notice. */
static atomic_t generation = ATOMIC_INIT(1);

static_assert(sizeof(unsigned long) == sizeof(u64),
	      "the index is keyed by 64-bit cgroup ids");

/**
 * agentcg_domain_init - tie a domain to its cgroup
 * @domain: new
 * @type: what it is embedded in
 * @session: the caller's reference moves to @domain, also on failure
 * @cgrp: a reference is taken
 *
 * Return: 0, or -EOPNOTSUPP when @cgrp has no memory controller or is being
 * removed.
 */
int agentcg_domain_init(struct agentcg_domain *const domain,
			const enum agentcg_domain_type type,
			struct agentcg_session *const session,
			struct cgroup *const cgrp)
{
	domain->id = cgroup_id(cgrp);
	domain->type = type;
	domain->session = session;
	refcount_set(&domain->ref, 1);
	agentcg_owner_setup(&domain->owner);
	domain->memcg = agentcg_memcg_get(cgrp);
	if (!domain->memcg)
		return -EOPNOTSUPP;
	cgroup_get(cgrp);
	domain->cgrp = cgrp;
	domain->found_high = agentcg_memcg_high(domain->memcg);
	domain->high = domain->found_high;
	return 0;
}

/**
 * agentcg_domain_detach - part a domain from its cgroup
 * @domain: live
 * @cgrp: gets the reference; NULL if it was detached before
 * @memcg: likewise; both are for agentcg_domain_put_cgroup()
 *
 * The references are handed out because they are put without the lock.
 *
 * Context: the session's lock is held, or @domain was never published.
 */
void agentcg_domain_detach(struct agentcg_domain *const domain,
			   struct cgroup **const cgrp,
			   struct mem_cgroup **const memcg)
{
	agentcg_owner_untie(domain);
	*cgrp = domain->cgrp;
	*memcg = domain->memcg;
	domain->cgrp = NULL;
	/* Read by the node without the session's lock. */
	WRITE_ONCE(domain->memcg, NULL);
}

/* Drops the references of agentcg_domain_detach(); any context, no lock. */
void agentcg_domain_put_cgroup(struct cgroup *const cgrp,
			       struct mem_cgroup *const memcg)
{
	agentcg_memcg_put(memcg);
	if (cgrp)
		cgroup_put(cgrp);
}

/**
 * agentcg_domain_publish - make a domain found by its id
 * @domain: the first reference belongs to the index from now on
 *
 * Return: 0, -EEXIST, -ENOMEM.
 */
int agentcg_domain_publish(struct agentcg_domain *const domain)
{
	int err;

	xa_lock_irq(&index);
	err = __xa_insert(&index, domain->id, domain, GFP_KERNEL);
	if (!err)
		hash_add_rcu(by_id, &domain->by_id, domain->id);
	xa_unlock_irq(&index);
	if (err)
		return err == -EBUSY ? -EEXIST : err;
	atomic_inc(&generation);
	/*
	 * Pairs with the locks that cgroup_rmdir() takes between marking the
	 * cgroup dead and its tracepoint: either the tracepoint finds the
	 * domain, or the caller, who checks next, sees a dead cgroup.
	 */
	smp_mb();
	return 0;
}

/* Drops the reference of the index; safe when it was dropped before. */
void agentcg_domain_unpublish(struct agentcg_domain *const domain)
{
	struct agentcg_domain *old;
	unsigned long flags;

	xa_lock_irqsave(&index, flags);
	old = __xa_cmpxchg(&index, domain->id, domain, NULL, GFP_ATOMIC);
	if (old == domain)
		hash_del_rcu(&domain->by_id);
	xa_unlock_irqrestore(&index, flags);
	if (old != domain)
		return;
	atomic_inc(&generation);
	agentcg_domain_put(domain);
}

/* The domain of a cgroup id, live or ended; RCU read lock held. */
struct agentcg_domain *agentcg_domain_find(const u64 id)
{
	struct agentcg_domain *domain;

	hash_for_each_possible_rcu(by_id, domain, by_id, id)
		if (domain->id == id)
			return domain;
	return NULL;
}

/**
 * agentcg_domain_above - the domain that a cgroup belongs to
 * @cgrp: cgroup2; may be nested deep inside a call
 *
 * Context: RCU read lock held.
 * Return: the nearest domain from @cgrp upwards, or NULL.
 */
struct agentcg_domain *agentcg_domain_above(struct cgroup *cgrp)
{
	struct agentcg_domain *domain;

	/* Most of the machine is not managed. */
	if (xa_empty(&index))
		return NULL;
	for (; cgrp; cgrp = cgroup_parent(cgrp)) {
		domain = agentcg_domain_find(cgroup_id(cgrp));
		if (domain)
			return domain;
	}
	return NULL;
}

/* As agentcg_domain_find(), with a reference for agentcg_domain_put(). */
struct agentcg_domain *agentcg_domain_get(const u64 id)
{
	struct agentcg_domain *domain;

	guard(rcu)();
	domain = agentcg_domain_find(id);
	return domain && refcount_inc_not_zero(&domain->ref) ? domain : NULL;
}

/**
 * agentcg_domain_next - walk all domains by rising id
 * @id: where to start, set to where the domain was found
 *
 * Return: with a reference for agentcg_domain_put(), or NULL at the end.
 */
struct agentcg_domain *agentcg_domain_next(unsigned long *const id)
{
	struct agentcg_domain *domain;

	guard(rcu)();
	for (domain = xa_find(&index, id, ULONG_MAX, XA_PRESENT); domain;
	     domain = xa_find_after(&index, id, ULONG_MAX, XA_PRESENT))
		if (refcount_inc_not_zero(&domain->ref))
			return domain;
	return NULL;
}

unsigned int agentcg_domain_generation(void)
{
	return atomic_read(&generation);
}

static void free_rcu_cb(struct rcu_head *const rcu)
{
	struct agentcg_domain *const domain =
		container_of(rcu, struct agentcg_domain, rcu);

	switch (domain->type) {
	case AGENTCG_DOMAIN_SESSION:
		agentcg_session_free(agentcg_domain_to_session(domain));
		break;
	case AGENTCG_DOMAIN_AGENT:
		kfree(domain);
		break;
	case AGENTCG_DOMAIN_TOOL:
		agentcg_tool_free(agentcg_domain_to_tool(domain));
		break;
	}
}

/**
 * agentcg_domain_put - drop a reference
 * @domain: not used again by the caller
 *
 * Context: any.
 */
void agentcg_domain_put(struct agentcg_domain *const domain)
{
	struct agentcg_session *const session = domain->session;
	const bool child = domain->type != AGENTCG_DOMAIN_SESSION;

	if (!refcount_dec_and_test(&domain->ref))
		return;
	call_rcu(&domain->rcu, free_rcu_cb);
	if (child)
		agentcg_session_put(session);
}

/* The index is empty by now: every session has been removed. */
void agentcg_domain_exit(void)
{
	WARN_ON_ONCE(!xa_empty(&index));
	xa_destroy(&index);
}

/* Give everything back as it was found; the session's lock is held. */
void agentcg_domain_restore(struct agentcg_domain *const domain)
{
	agentcg_domain_unprotect(domain);
	if (domain->memcg)
		agentcg_memcg_set_high(domain->memcg, domain->found_high);
}

/*
 * What to set memory.low or memory.min to, at least @wanted pages; 0 is what was
 * found.  What somebody else wrote meanwhile is what is found from then on.
 */
static unsigned long next_protection(struct agentcg_protection *const protection,
				     const unsigned long now,
				     const unsigned long wanted)
{
	if (!protection->on || now != protection->set)
		protection->found = now;
	protection->on = wanted;
	protection->set = max(wanted, protection->found);
	return protection->set;
}

/**
 * agentcg_domain_protect - protect what a cgroup uses from reclaim
 * @domain: any
 * @low: memory.low in pages, 0 for what was found
 * @min: memory.min likewise; neither is ever set lower than it was found
 *
 * Context: the session's lock is held.
 */
void agentcg_domain_protect(struct agentcg_domain *const domain,
			    const unsigned long low, const unsigned long min)
{
	struct mem_cgroup *const memcg = domain->memcg;

	if (!memcg)
		return;
	if (low || domain->low.on)
		agentcg_memcg_set_low(memcg, next_protection(&domain->low,
							     agentcg_memcg_low(memcg),
							     low));
	if (min || domain->min.on)
		agentcg_memcg_set_min(memcg, next_protection(&domain->min,
							     agentcg_memcg_min(memcg),
							     min));
}

/* Give memory.low and memory.min back; the session's lock is held. */
void agentcg_domain_unprotect(struct agentcg_domain *const domain)
{
	agentcg_domain_protect(domain, 0, 0);
}
