// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events, see notify.h.
 *
 * They arise under locks and with interrupts off, where no message can be
 * sent, so they are queued and a work sends them.  A listener that falls
 * behind sees a gap in the sequence.
 *
 * One session cannot talk the others down: each has a share of its own, in
 * time and in the queue.  What is above it is left out and counted, and the
 * next event of that session tells how many those were.
 */

#include "common.h"

#include <linux/jiffies.h>
#include <linux/llist.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <linux/workqueue.h>
#include <net/genetlink.h>
#include <net/net_namespace.h>

#include "cgrp.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "notify.h"
#include "session.h"
#include "tool.h"
#include "work.h"

/* A session may have so many events in such a time, and as many waiting. */
#define SHARE_PERIOD	(HZ / 4)
#define SHARE_MAX	256

/* Of them, those that a tenant can make at will and that change little. */
#define SHARE_CHATTER	16

/**
 * struct event - an event that waits to be sent
 * @link: in the queue
 * @type: what happened
 * @seq: number of the event, once it is sent
 * @time: when
 * @session: whose share it is part of, with a reference; or NULL
 * @session_id: to which session, 0 for the machine
 * @dropped: events of the session that were left out before it
 * @tool_id: to which call of it, or 0; with it the last three are told
 * @has_usage: the next two are told
 * @usage: bytes
 * @limit: bytes, AGENTCG_NO_LIMIT for none
 * @cause: of a kill or an end
 * @stall_total: ns
 * @has_value: the next is told
 * @value: what a policy says
 * @label: of the call, may be empty
 * @ended: the call whose receipt is sent after it, with a reference; or NULL
 */
struct event {
	struct llist_node link;
	enum agentcg_event_type type;
	u64 seq;
	u64 time;
	struct agentcg_session *session;
	u64 session_id;
	u64 dropped;
	u64 tool_id;
	bool has_usage;
	u64 usage;
	u64 limit;
	enum agentcg_cause cause;
	u64 stall_total;
	bool has_value;
	u32 value;
	char label[AGENTCG_LABEL_MAX + 1];
	struct agentcg_tool *ended;
};

/* Of the last event that was sent; only the work counts. */
static u64 sequence;
static LLIST_HEAD(queue);

static void send_fn(struct work_struct *work);
static DECLARE_DELAYED_WORK(send_work, send_fn);

static int fill(struct sk_buff *const skb, const struct event *const event)
{
	if (nla_put_u32(skb, AGENTCG_A_EVENT_TYPE, event->type) ||
	    agentcg_nl_put_u64(skb, AGENTCG_A_EVENT_SEQ, event->seq) ||
	    agentcg_nl_put_u64(skb, AGENTCG_A_EVENT_TIME, event->time) ||
	    (event->session_id &&
	     agentcg_nl_put_u64(skb, AGENTCG_A_EVENT_SESSION_ID,
				event->session_id)) ||
	    (event->dropped &&
	     agentcg_nl_put_u64(skb, AGENTCG_A_EVENT_DROPPED, event->dropped)))
		return -EMSGSIZE;
	if (event->has_usage &&
	    (agentcg_nl_put_u64(skb, AGENTCG_A_EVENT_USAGE, event->usage) ||
	     agentcg_nl_put_u64(skb, AGENTCG_A_EVENT_LIMIT, event->limit)))
		return -EMSGSIZE;
	if (event->has_value &&
	    nla_put_u32(skb, AGENTCG_A_EVENT_VALUE, event->value))
		return -EMSGSIZE;
	if (!event->tool_id)
		return 0;
	if (agentcg_nl_put_u64(skb, AGENTCG_A_EVENT_TOOL_ID, event->tool_id) ||
	    agentcg_nl_put_u64(skb, AGENTCG_A_EVENT_STALL_TOTAL,
			       event->stall_total) ||
	    nla_put_u32(skb, AGENTCG_A_EVENT_CAUSE, event->cause) ||
	    (event->label[0] &&
	     nla_put_string(skb, AGENTCG_A_EVENT_LABEL, event->label)))
		return -EMSGSIZE;
	return 0;
}

static int fill_receipt(struct sk_buff *const skb,
			const struct event *const event)
{
	return agentcg_nl_fill_tool(skb, event->ended);
}

/* What a tenant can make happen at will and what changes little. */
static bool is_chatter(const enum agentcg_event_type type)
{
	return type == AGENTCG_EVENT_TYPE_TOOL_CHANGED ||
	       type == AGENTCG_EVENT_TYPE_LIMIT_OVERWRITTEN;
}

/* What only the administrator can cause is always told. */
static u32 allowance(const enum agentcg_event_type type)
{
	switch (type) {
	case AGENTCG_EVENT_TYPE_SESSION_ADDED:
	case AGENTCG_EVENT_TYPE_SESSION_CHANGED:
	case AGENTCG_EVENT_TYPE_SESSION_REMOVED:
		return U32_MAX;
	default:
		return is_chatter(type) ? SHARE_CHATTER : SHARE_MAX;
	}
}

/* One more event of a session, if there is room; else it is counted. */
static bool take_share(struct agentcg_event_share *const share,
		       const enum agentcg_event_type type, u64 *const dropped)
{
	guard(spinlock_irqsave)(&share->lock);
	if (time_after_eq(jiffies, share->since + SHARE_PERIOD)) {
		share->since = jiffies;
		share->told = 0;
	}
	if (max(share->told, share->queued) >= allowance(type)) {
		share->dropped++;
		return false;
	}
	share->told++;
	share->queued++;
	*dropped = share->dropped;
	share->dropped = 0;
	return true;
}

/* @dropped: events that nobody will hear of by this one. */
static void return_share(struct agentcg_event_share *const share,
			 const u64 dropped)
{
	guard(spinlock_irqsave)(&share->lock);
	share->queued--;
	share->dropped += dropped;
}

static void free_event(struct event *const event)
{
	if (event->session) {
		return_share(&event->session->events, 0);
		/* Drop ref from new_event(). */
		agentcg_session_put(event->session);
	}
	/* Drop ref from agentcg_notify_tool(). */
	if (event->ended)
		agentcg_tool_put(event->ended);
	kfree(event);
}

static void send(const u8 cmd, const struct event *const event,
		 int (*const fill_fn)(struct sk_buff *skb,
				      const struct event *event))
{
	struct sk_buff *const skb = genlmsg_new(AGENTCG_NL_SIZE, GFP_KERNEL);
	void *hdr;

	if (!skb)
		return;
	hdr = genlmsg_put(skb, 0, 0, &agentcg_nl_family, 0, cmd);
	if (!hdr || fill_fn(skb, event)) {
		nlmsg_free(skb);
		return;
	}
	genlmsg_end(skb, hdr);
	genlmsg_multicast_netns(&agentcg_nl_family, &init_net, skb, 0,
				AGENTCG_NLGRP_EVENTS, GFP_KERNEL);
}

static void send_fn(struct work_struct *const work)
{
	struct event *event, *next;

	llist_for_each_entry_safe(event, next,
				  llist_reverse_order(llist_del_all(&queue)),
				  link) {
		event->seq = ++sequence;
		send(AGENTCG_CMD_EVENT, event, fill);
		if (event->ended)
			send(AGENTCG_CMD_RECEIPT_NTF, event, fill_receipt);
		free_event(event);
	}
}

static struct event *alloc_event(const enum agentcg_event_type type)
{
	struct event *const event = kzalloc(sizeof(*event),
					    GFP_ATOMIC | __GFP_NOWARN);

	if (!event)
		return NULL;
	event->type = type;
	event->time = ktime_get_boottime_ns();
	return event;
}

static bool has_listeners(void)
{
	return genl_has_listeners(&agentcg_nl_family, &init_net,
				  AGENTCG_NLGRP_EVENTS);
}

/* NULL when nobody listens, and when there is no room for it. */
static struct event *new_event(const enum agentcg_event_type type,
			       struct agentcg_session *const session)
{
	struct event *event;
	u64 dropped;

	if (!has_listeners() ||
	    !take_share(&session->events, type, &dropped))
		return NULL;
	event = alloc_event(type);
	if (!event)
		goto err;
	event->session = agentcg_session_get(session);
	if (!event->session)
		goto err;
	event->session_id = session->d.id;
	event->dropped = dropped;
	return event;
err:
	kfree(event);
	return_share(&session->events, dropped + 1);
	return NULL;
}

/*
 * Chatter waits for what matters, or for a while: the work runs before others on
 * any processor, and a tenant that keeps it running would be felt there.
 */
static void queue_event(struct event *const event)
{
	/* Sent, and freed, from here on. */
	const bool lazy = is_chatter(event->type);

	llist_add(&event->link, &queue);
	if (lazy)
		queue_delayed_work(agentcg_wq, &send_work, SHARE_PERIOD);
	else
		mod_delayed_work(agentcg_wq, &send_work, 0);
}

/*
 * Usage and limit of a domain that lives.  A moment's figures, since its
 * session's lock may or may not be held: the memcg is freed after a grace
 * period.
 */
static void take_usage(struct event *const event,
		       const struct agentcg_domain *const domain)
{
	struct mem_cgroup *memcg;

	guard(rcu)();
	memcg = READ_ONCE(domain->memcg);
	if (!memcg)
		return;
	event->has_usage = true;
	event->usage = agentcg_nl_bytes(agentcg_memcg_usage(memcg));
	event->limit = agentcg_nl_bytes(READ_ONCE(domain->high));
}

/**
 * agentcg_notify - tell the host something about the machine
 * @type: what happened
 * @session_id: where it showed, or 0
 */
void agentcg_notify(const enum agentcg_event_type type, const u64 session_id)
{
	struct event *const event = has_listeners() ? alloc_event(type) : NULL;

	if (!event)
		return;
	event->session_id = session_id;
	queue_event(event);
}

void agentcg_notify_session(const enum agentcg_event_type type,
			    struct agentcg_session *const session)
{
	struct event *const event = new_event(type, session);

	if (!event)
		return;
	take_usage(event, &session->d);
	queue_event(event);
}

static void describe_tool(struct event *const event,
			  const struct agentcg_tool *const tool)
{
	event->tool_id = tool->d.id;
	take_usage(event, &tool->d);
	event->stall_total = tool->stats.stall_total;
	strscpy(event->label, tool->intent.label);
}

/*
 * Of a call that has ended the limit is the last that was in force, and the
 * usage its peak.
 */
void agentcg_notify_tool(const enum agentcg_event_type type,
			 struct agentcg_tool *const tool,
			 const enum agentcg_cause cause)
{
	struct event *const event = new_event(type, tool->d.session);

	if (!event)
		return;
	describe_tool(event, tool);
	if (!event->has_usage) {
		event->has_usage = true;
		event->usage = tool->stats.peak;
		event->limit = agentcg_nl_bytes(tool->d.high);
	}
	event->cause = cause;
	if (type == AGENTCG_EVENT_TYPE_TOOL_ENDED &&
	    refcount_inc_not_zero(&tool->d.ref))
		event->ended = tool;
	queue_event(event);
}

/* About a call without a kill or an end, or about a session. */
void agentcg_notify_domain(const enum agentcg_event_type type,
			   struct agentcg_domain *const domain)
{
	if (domain->type == AGENTCG_DOMAIN_TOOL)
		agentcg_notify_tool(type, agentcg_domain_to_tool(domain),
				    AGENTCG_CAUSE_RUNNING);
	else
		agentcg_notify_session(type, domain->session);
}

/* What a policy says of a domain; its session's lock is held. */
void agentcg_notify_policy(struct agentcg_domain *const domain, const u32 value)
{
	struct event *const event = new_event(AGENTCG_EVENT_TYPE_POLICY_EVENT,
					      domain->session);

	if (!event)
		return;
	if (domain->type == AGENTCG_DOMAIN_TOOL)
		describe_tool(event, agentcg_domain_to_tool(domain));
	else
		take_usage(event, domain);
	event->has_value = true;
	event->value = value;
	queue_event(event);
}

/* The family is gone, so nobody listens any more. */
void agentcg_notify_exit(void)
{
	struct event *event, *next;

	cancel_delayed_work_sync(&send_work);
	llist_for_each_entry_safe(event, next, llist_del_all(&queue), link)
		free_event(event);
}
