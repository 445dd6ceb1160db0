// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events, see notify.h.
 *
 * They arise under locks and with interrupts off, where no message can be
 * sent, so they are queued and a work sends them.  A listener that falls
 * behind, and an allocation that fails, show as a gap in the sequence.
 */

#include "common.h"

#include <linux/atomic.h>
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

/* Events that wait to be sent; a flood beyond that is dropped and shows. */
#define EVENTS_MAX	1024

/**
 * struct event - an event that waits to be sent
 * @link: in the queue
 * @type: what happened
 * @seq: number of the event
 * @time: when
 * @session_id: to which session, 0 for the machine
 * @tool_id: to which call of it, or 0; with it the last three are told
 * @has_usage: the next two are told
 * @usage: bytes
 * @limit: bytes, AGENTCG_NO_LIMIT for none
 * @cause: of a kill or an end
 * @stall_total: ns
 * @label: of the call, may be empty
 * @ended: the call whose receipt is sent after it, with a reference; or NULL
 */
struct event {
	struct llist_node link;
	enum agentcg_event_type type;
	u64 seq;
	u64 time;
	u64 session_id;
	u64 tool_id;
	bool has_usage;
	u64 usage;
	u64 limit;
	enum agentcg_cause cause;
	u64 stall_total;
	char label[AGENTCG_LABEL_MAX + 1];
	struct agentcg_tool *ended;
};

static atomic64_t sequence = ATOMIC64_INIT(0);
static atomic_t nr_queued = ATOMIC_INIT(0);
static LLIST_HEAD(queue);

static void send_fn(struct work_struct *work);
static DECLARE_WORK(send_work, send_fn);

static int fill(struct sk_buff *const skb, const struct event *const event)
{
	if (nla_put_u32(skb, AGENTCG_A_EVENT_TYPE, event->type) ||
	    agentcg_nl_put_u64(skb, AGENTCG_A_EVENT_SEQ, event->seq) ||
	    agentcg_nl_put_u64(skb, AGENTCG_A_EVENT_TIME, event->time) ||
	    (event->session_id &&
	     agentcg_nl_put_u64(skb, AGENTCG_A_EVENT_SESSION_ID,
				event->session_id)))
		return -EMSGSIZE;
	if (event->has_usage &&
	    (agentcg_nl_put_u64(skb, AGENTCG_A_EVENT_USAGE, event->usage) ||
	     agentcg_nl_put_u64(skb, AGENTCG_A_EVENT_LIMIT, event->limit)))
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

static void free_event(struct event *const event)
{
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
		send(AGENTCG_CMD_EVENT, event, fill);
		if (event->ended)
			send(AGENTCG_CMD_RECEIPT_NTF, event, fill_receipt);
		free_event(event);
		atomic_dec(&nr_queued);
	}
}

/* NULL when nobody listens, or when there is no room for it. */
static struct event *new_event(const enum agentcg_event_type type,
			       const u64 session_id)
{
	const u64 seq = atomic64_inc_return(&sequence);
	struct event *event;

	if (!genl_has_listeners(&agentcg_nl_family, &init_net,
				AGENTCG_NLGRP_EVENTS))
		return NULL;
	if (atomic_inc_return(&nr_queued) > EVENTS_MAX)
		goto err;
	event = kzalloc(sizeof(*event), GFP_ATOMIC | __GFP_NOWARN);
	if (!event)
		goto err;
	event->type = type;
	event->seq = seq;
	event->time = ktime_get_boottime_ns();
	event->session_id = session_id;
	return event;
err:
	atomic_dec(&nr_queued);
	return NULL;
}

static void queue_event(struct event *const event)
{
	llist_add(&event->link, &queue);
	queue_work(agentcg_wq, &send_work);
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
 * agentcg_notify - tell the host
 * @type: what happened
 * @session_id: to whom, 0 for the whole machine
 */
void agentcg_notify(const enum agentcg_event_type type, const u64 session_id)
{
	struct event *const event = new_event(type, session_id);

	if (event)
		queue_event(event);
}

void agentcg_notify_session(const enum agentcg_event_type type,
			    const struct agentcg_session *const session)
{
	struct event *const event = new_event(type, session->d.id);

	if (!event)
		return;
	take_usage(event, &session->d);
	queue_event(event);
}

/*
 * Of a call that has ended the limit is the last that was in force, and the
 * usage its peak.
 */
void agentcg_notify_tool(const enum agentcg_event_type type,
			 struct agentcg_tool *const tool,
			 const enum agentcg_cause cause)
{
	struct event *const event = new_event(type, tool->d.session->d.id);

	if (!event)
		return;
	event->tool_id = tool->d.id;
	take_usage(event, &tool->d);
	if (!event->has_usage) {
		event->has_usage = true;
		event->usage = tool->stats.peak;
		event->limit = agentcg_nl_bytes(tool->d.high);
	}
	event->cause = cause;
	event->stall_total = tool->stats.stall_total;
	strscpy(event->label, tool->intent.label);
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

/* The family is gone, so nobody listens any more. */
void agentcg_notify_exit(void)
{
	struct event *event, *next;

	cancel_work_sync(&send_work);
	llist_for_each_entry_safe(event, next, llist_del_all(&queue), link)
		free_event(event);
}
