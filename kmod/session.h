/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Session: the cgroup of one agent's sandbox, with a budget that its tool
 * calls and its agent leaf share.
 */
#ifndef _AGENTCG_SESSION_H
#define _AGENTCG_SESSION_H

#include <linux/container_of.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include "domain.h"
#include "intent.h"
#include "ledger.h"
#include "spare.h"

struct agentcg_root;
struct agentcg_dir;
struct agentcg_policy;
struct agentcg_tool;
struct netlink_ext_ack;
struct nlattr;

/**
 * struct agentcg_event_share - what may be told of one session, see notify.c
 * @lock: guards the rest; irq-safe, innermost
 * @since: jiffies at which the period began
 * @told: events in it
 * @queued: events that wait to be sent
 * @dropped: events left out since the last that was told
 */
struct agentcg_event_share {
	spinlock_t lock;
	unsigned long since;
	u32 told;
	u32 queued;
	u64 dropped;
};

/**
 * struct agentcg_session - a session
 * @d: as a domain
 * @lock: guards everything below down to @line, every member of the calls
 *        that does not say otherwise, and the accounts of all of them.  Taken
 *        with interrupts off, also in the hook and in tracepoints, where
 *        preemption is off: nothing under it sleeps, nor takes another lock
 *        of the module's than the node's.
 * @acct: the ledger; as a child of the node also guarded by the node's lock
 * @agent_acct: of the agent leaf
 * @agent: the agent leaf, or NULL when it has gone; with a reference
 * @root: its directory, as it was shown when it was added; until it ends
 * @defaults: for what a call does not declare; every field meaningful
 * @max_class: highest class of a call
 * @max_hold: ns for which a call may be frozen or wait past its stall bound
 * @jitter: ns, bound of what its tasks wait for a processor in vain; read without
 *          the lock
 * @weight: among sessions
 * @tools: live calls
 * @receipts: ended calls, latest first, at most AGENTCG_RECEIPTS_MAX
 * @waiters: parked tasks, highest class first, then first come
 * @frozen: calls frozen for want of credit, first come first
 * @delayed: tasks that a policy has put to sleep
 * @nr_tools: length of @tools
 * @nr_receipts: length of @receipts
 * @nr_waiting: length of @waiters
 * @hard_residue: part of the residue that reclaim cannot drop (tmpfs)
 * @native_fails: passes of reclaim for the session's sake without progress
 * @swap_cost: ns that swapping a page out has cost, 0 before the first
 * @started: calls ever declared
 * @hits: over-high events seen by the hook
 * @seen_hits: @hits at the last look of the watchdog
 * @seen_events: native high events at that look
 * @silent_events: native high events since the last hit
 * @silent_looks: looks of the watchdog since the first of them
 * @ended: no more calls are accepted
 * @patience: how long OOM kills were put off for the agent's sake
 * @line: in the node's line of those who grow by borrowing; changed under the
 *        node's lock, as are the next ten
 * @line_class: highest class of a call for which it stands there
 * @claimer: the call for which it stands there; a cookie, compared and never
 *           followed
 * @claim: what it may come to hold of the node for that call
 * @base: bytes charged when it got in line, or when its claim was last cut
 * @trust: the most that it may claim beyond what it holds: the most that it has
 *         drawn since it last kept from others what it did not use
 * @seen: bytes charged when its claim was last found in somebody's way
 * @seen_at: jiffies, when that was
 * @refused: the last time it asked it was given less
 * @quiet: looks since it last grew
 * @round: of the node's work, in which it was last asked
 * @policy: that decides for it alone, see policy.c; read under RCU
 * @events: its share of the events, has a lock of its own
 * @link: in the list of sessions, by sessions_lock
 * @reclaim_work: reclaims for one who waits; holds a reference while it is queued
 * @end_work: removes the session when its cgroup has gone
 */
struct agentcg_session {
	struct agentcg_domain d;
	spinlock_t lock;
	struct agentcg_account acct;
	struct agentcg_account agent_acct;
	struct agentcg_domain *agent;
	struct agentcg_root *root;
	struct agentcg_intent defaults;
	u8 max_class;
	u64 max_hold;
	u64 jitter;
	u32 weight;
	struct list_head tools;
	struct list_head receipts;
	struct list_head waiters;
	struct list_head frozen;
	struct list_head delayed;
	u32 nr_tools;
	u32 nr_receipts;
	u32 nr_waiting;
	u64 hard_residue;
	u32 native_fails;
	u64 swap_cost;
	u64 started;
	u64 hits;
	u64 seen_hits;
	u64 seen_events;
	u64 silent_events;
	u32 silent_looks;
	bool ended;
	struct agentcg_patience patience;
	struct list_head line;
	u8 line_class;
	const struct agentcg_tool *claimer;
	u64 claim;
	u64 base;
	u64 trust;
	u64 seen;
	unsigned long seen_at;
	bool refused;
	u32 quiet;
	u32 round;
	struct agentcg_policy __rcu *policy;
	struct agentcg_event_share events;
	struct list_head link;
	struct work_struct reclaim_work;
	struct work_struct end_work;
};

static inline struct agentcg_session *
agentcg_domain_to_session(struct agentcg_domain *const domain)
{
	return container_of(domain, struct agentcg_session, d);
}

/* NULL unless a reference is left; for agentcg_session_put(). */
static inline struct agentcg_session *
agentcg_session_get(struct agentcg_session *const session)
{
	return refcount_inc_not_zero(&session->d.ref) ? session : NULL;
}

static inline void agentcg_session_put(struct agentcg_session *const session)
{
	agentcg_domain_put(&session->d);
}

/**
 * struct agentcg_session_request - what session-add and session-set ask for
 * @budget: bytes, NULL to leave
 * @floor: bytes, NULL to leave
 * @weight: NULL to leave
 * @max_class: NULL to leave
 * @max_hold: ns, NULL to leave
 * @jitter: ns, NULL to leave
 * @defaults: NULL to leave; its tags are ignored
 * @attrs: the request itself, by AGENTCG_A_SESSION_x, for refusals to point into
 */
struct agentcg_session_request {
	const u64 *budget;
	const u64 *floor;
	const u32 *weight;
	const u32 *max_class;
	const u64 *max_hold;
	const u64 *jitter;
	struct agentcg_intent *defaults;
	struct nlattr *const *attrs;
};

int agentcg_session_add(const struct agentcg_dir *dir, struct cgroup *agent,
			const struct agentcg_session_request *req,
			struct netlink_ext_ack *extack);
int agentcg_session_set(struct agentcg_session *session,
			const struct agentcg_session_request *req,
			struct netlink_ext_ack *extack);
void agentcg_session_remove(struct agentcg_session *session,
			    u64 *restored_high);
void agentcg_session_remove_all(void);
void agentcg_session_for_each(void (*fn)(struct agentcg_session *session));
bool agentcg_session_any(bool (*fn)(struct agentcg_session *session));
struct agentcg_tool *agentcg_session_first_tool(struct agentcg_session *session);
unsigned int agentcg_session_count(void);
unsigned int agentcg_session_tools(void);

void agentcg_session_free(struct agentcg_session *session);

/* From tracepoints: the cgroup of the domain has been removed. */
void agentcg_session_gone(struct agentcg_session *session);
void agentcg_session_agent_gone(struct agentcg_domain *agent);

#endif /* _AGENTCG_SESSION_H */
