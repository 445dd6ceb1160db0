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
#include "netlink_gen.h"
#include "notify.h"
#include "session.h"
#include "tool.h"
#include "work.h"

/* Events that wait to be sent; a flood beyond that is dropped and shows. */
#define EVENTS_MAX	1024

struct event {
	struct llist_node link;
	enum agentcg_event_type type;
	enum agentcg_cause cause;
	u64 seq;
	u64 time;
	u64 session_id;
	u64 tool_id;
	u64 usage;
	u64 limit;
	u64 stall_total;
	char label[AGENTCG_LABEL_MAX + 1];
};

static atomic64_t sequence = ATOMIC64_INIT(0);
static atomic_t nr_queued = ATOMIC_INIT(0);
static LLIST_HEAD(queue);

static void send_fn(struct work_struct *work);
static DECLARE_WORK(send_work, send_fn);

static int fill(struct sk_buff *const skb, const struct event *const event)
{
	if (nla_put_u32(skb, AGENTCG_A_EVENT_TYPE, event->type) ||
	    nla_put_u64_64bit(skb, AGENTCG_A_EVENT_SEQ, event->seq, 0) ||
	    nla_put_u64_64bit(skb, AGENTCG_A_EVENT_TIME, event->time, 0) ||
	    nla_put_u64_64bit(skb, AGENTCG_A_EVENT_SESSION_ID,
			      event->session_id, 0))
		return -EMSGSIZE;
	if (event->usage &&
	    (nla_put_u64_64bit(skb, AGENTCG_A_EVENT_USAGE, event->usage, 0) ||
	     nla_put_u64_64bit(skb, AGENTCG_A_EVENT_LIMIT, event->limit, 0)))
		return -EMSGSIZE;
	if (!event->tool_id)
		return 0;
	if (nla_put_u64_64bit(skb, AGENTCG_A_EVENT_TOOL_ID, event->tool_id, 0) ||
	    nla_put_u64_64bit(skb, AGENTCG_A_EVENT_STALL_TOTAL,
			      event->stall_total, 0) ||
	    nla_put_u32(skb, AGENTCG_A_EVENT_CAUSE, event->cause) ||
	    (event->label[0] &&
	     nla_put_string(skb, AGENTCG_A_EVENT_LABEL, event->label)))
		return -EMSGSIZE;
	return 0;
}

static void send(const struct event *const event)
{
	struct sk_buff *const skb = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_KERNEL);
	void *hdr;

	if (!skb)
		return;
	hdr = genlmsg_put(skb, 0, 0, &agentcg_nl_family, 0, AGENTCG_CMD_EVENT);
	if (!hdr || fill(skb, event)) {
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
		send(event);
		kfree(event);
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

/**
 * agentcg_notify - tell the host
 * @type: what happened
 * @session_id: to whom
 * @tool_id: to which call of it, or 0
 */
void agentcg_notify(const enum agentcg_event_type type, const u64 session_id,
		    const u64 tool_id)
{
	struct event *const event = new_event(type, session_id);

	if (!event)
		return;
	event->tool_id = tool_id;
	queue_event(event);
}

void agentcg_notify_session(const enum agentcg_event_type type,
			    const struct agentcg_session *const session)
{
	agentcg_notify(type, session->d.id, 0);
}

/* The figures are a moment's: read without the session's lock. */
void agentcg_notify_tool(const enum agentcg_event_type type,
			 const struct agentcg_tool *const tool,
			 const enum agentcg_cause cause)
{
	struct event *const event = new_event(type, tool->d.session->d.id);

	if (!event)
		return;
	event->tool_id = tool->d.id;
	event->cause = cause;
	event->usage = tool->stats.peak;
	event->limit = agentcg_account_held(&tool->acct);
	event->stall_total = tool->stats.stall_total;
	strscpy(event->label, tool->intent.label);
	queue_event(event);
}

/* The family is gone, so nobody listens any more. */
void agentcg_notify_exit(void)
{
	struct event *event, *next;

	cancel_work_sync(&send_work);
	llist_for_each_entry_safe(event, next, llist_del_all(&queue), link)
		kfree(event);
}
