/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Domain: what a session, an agent leaf and a tool call have in common, a
 * cgroup that the module looks after.
 *
 * Life of a domain:
 *
 *	new --publish--> live --end--> ended --put--> freed after a grace period
 *
 * live	 found by id; the hook and the tracepoints act on it.
 * ended  its cgroup is gone or was given up: @cgrp and @memcg are NULL, the
 *	 figures stand still.  A tool call stays in the index as its own
 *	 receipt until the session drops it; others leave it at once.
 */
#ifndef _AGENTCG_DOMAIN_H
#define _AGENTCG_DOMAIN_H

#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/types.h>

#include "cgrp.h"
#include "owner.h"

struct agentcg_session;
struct cgroup;
struct mem_cgroup;

enum agentcg_domain_type {
	AGENTCG_DOMAIN_SESSION,
	AGENTCG_DOMAIN_AGENT,
	AGENTCG_DOMAIN_TOOL,
};

/**
 * struct agentcg_protection - memory.low or memory.min as a policy has it; pages
 * @on: it has set it
 * @found: what to give back
 * @set: what it was set to last
 */
struct agentcg_protection {
	bool on;
	unsigned long found;
	unsigned long set;
};

/**
 * struct agentcg_domain - a managed cgroup
 * @id: cgroup id, never used twice by the kernel; immutable
 * @by_id: in the hash of domains
 * @type: what it is embedded in; immutable
 * @session: the session it belongs to, itself for a session; immutable.  A
 *           domain that is not a session holds a reference.
 * @cgrp: with a reference, NULL once ended; guarded by the session's lock
 * @memcg: likewise
 * @found_high: memory.high, in pages, to give back at the end
 * @high: memory.high as last set here, in pages
 * @seen_usage: pages charged at the last look (credit.c); guarded by the
 *              session's lock
 * @low: memory.low; guarded by the session's lock
 * @min: memory.min; likewise
 * @ref: one for the index, one for each holder outside RCU
 * @rcu: for freeing
 * @owner: whose end is its end, too
 */
struct agentcg_domain {
	u64 id;
	struct hlist_node by_id;
	enum agentcg_domain_type type;
	struct agentcg_session *session;
	struct cgroup *cgrp;
	struct mem_cgroup *memcg;
	unsigned long found_high;
	unsigned long high;
	unsigned long seen_usage;
	struct agentcg_protection low;
	struct agentcg_protection min;
	refcount_t ref;
	struct rcu_head rcu;
	struct agentcg_owner owner;
};

int agentcg_domain_init(struct agentcg_domain *domain,
			enum agentcg_domain_type type,
			struct agentcg_session *session, struct cgroup *cgrp);
void agentcg_domain_detach(struct agentcg_domain *domain,
			   struct cgroup **cgrp, struct mem_cgroup **memcg);
void agentcg_domain_put_cgroup(struct cgroup *cgrp, struct mem_cgroup *memcg);
int agentcg_domain_publish(struct agentcg_domain *domain);
void agentcg_domain_unpublish(struct agentcg_domain *domain);

struct agentcg_domain *agentcg_domain_find(u64 id);
struct agentcg_domain *agentcg_domain_above(struct cgroup *cgrp);
struct agentcg_domain *agentcg_domain_get(u64 id);
struct agentcg_domain *agentcg_domain_next(unsigned long *id);
void agentcg_domain_put(struct agentcg_domain *domain);
void agentcg_domain_exit(void);

unsigned int agentcg_domain_generation(void);

void agentcg_domain_restore(struct agentcg_domain *domain);
void agentcg_domain_protect(struct agentcg_domain *domain, unsigned long low,
			    unsigned long min);
void agentcg_domain_unprotect(struct agentcg_domain *domain);

/**
 * agentcg_domain_set_high - set memory.high
 * @domain: not ended
 * @pages: new limit
 *
 * Inline, since a decision does it twice and it is two stores.
 *
 * Context: the session's lock is held.
 */
static inline void agentcg_domain_set_high(struct agentcg_domain *const domain,
					   const unsigned long pages)
{
	domain->high = min(pages, PAGE_COUNTER_MAX);
	agentcg_memcg_set_high(domain->memcg, domain->high);
}

#endif /* _AGENTCG_DOMAIN_H */
