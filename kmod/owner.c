// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ownership, see owner.h.
 *
 * A socket of the caller's, and not a descriptor of ours that is handed out: one
 * of ours would have to pin the module for as long as somebody keeps it.
 */

#include "common.h"

#include <linux/cgroup.h>
#include <linux/delay.h>
#include <linux/hashtable.h>
#include <linux/netlink.h>
#include <linux/notifier.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "dir.h"
#include "domain.h"
#include "owner.h"
#include "place.h"
#include "session.h"
#include "tool.h"

/* How often a call that has been killed is looked at until it is empty. */
#define LOOK_MS		10

/* Processes may be stuck in the kernel; then its cgroup stays. */
#define GIVE_UP_MS	(10 * 60 * 1000)

/* Guards the hash and @node of every domain; taken under a session's lock. */
static DEFINE_SPINLOCK(owners_lock);
static DEFINE_HASHTABLE(owners, 8);

/* Of its own: an end waits until processes have died. */
static struct workqueue_struct *owner_wq;

/* Populated as long as it is live.  Return: whether the wait is over. */
static bool is_empty(struct agentcg_tool *const tool)
{
	guard(spinlock_irqsave)(&tool->d.session->lock);
	return !tool->d.cgrp || !cgroup_is_populated(tool->d.cgrp);
}

static bool wait_empty(struct agentcg_tool *const tool)
{
	unsigned int waited;

	for (waited = 0; !is_empty(tool); waited += LOOK_MS) {
		if (waited >= GIVE_UP_MS)
			return false;
		msleep(LOOK_MS);
	}
	return true;
}

static bool find_place(struct agentcg_tool *const tool,
		       struct agentcg_place *const place)
{
	struct agentcg_session *const session = tool->d.session;

	guard(spinlock_irqsave)(&session->lock);
	if (!tool->d.cgrp || session->ended)
		return false;
	agentcg_place_get(place, tool);
	return true;
}

/* Its receipt comes with it.  Return: whether the cgroup has gone. */
static bool remove_cgroup(struct agentcg_tool *const tool)
{
	struct agentcg_place place;
	int err;

	if (!find_place(tool, &place))
		return true;
	err = agentcg_dir_remove_place(&place);
	agentcg_place_put(&place);
	return !err;
}

static bool end_tool(struct agentcg_tool *const tool)
{
	agentcg_tool_kill(tool, AGENTCG_CAUSE_OWNER_GONE);
	return wait_empty(tool) && remove_cgroup(tool);
}

static void kill_all(struct agentcg_session *const session)
{
	struct agentcg_tool *tool;

	guard(spinlock_irqsave)(&session->lock);
	list_for_each_entry(tool, &session->tools, link)
		agentcg_tool_kill(tool, AGENTCG_CAUSE_OWNER_GONE);
}

/* Its cgroup and its agent are not ours to remove: the agent may be the holder. */
static void end_session(struct agentcg_session *const session)
{
	struct agentcg_tool *tool;
	bool ended = true;

	kill_all(session);
	while (ended && (tool = agentcg_session_first_tool(session))) {
		ended = end_tool(tool);
		agentcg_tool_put(tool);
	}
	agentcg_session_remove(session, NULL);
}

static void end_work_fn(struct work_struct *const work)
{
	struct agentcg_domain *const domain =
		container_of(work, struct agentcg_domain, owner.work);

	if (domain->type == AGENTCG_DOMAIN_TOOL)
		end_tool(agentcg_domain_to_tool(domain));
	else
		end_session(agentcg_domain_to_session(domain));
	/* Drop ref from take(). */
	agentcg_domain_put(domain);
}

void agentcg_owner_setup(struct agentcg_owner *const owner)
{
	INIT_HLIST_NODE(&owner->node);
	INIT_WORK(&owner->work, end_work_fn);
}

/**
 * agentcg_owner_tie - tie a session or a call to a socket
 * @domain: the caller holds a reference
 * @net: of the socket
 * @portid: of the socket, which is open
 *
 * Instead of any other that it was tied to.
 *
 * Return: 0; -ENODEV when it has ended.
 */
int agentcg_owner_tie(struct agentcg_domain *const domain,
		      const struct net *const net, const u32 portid)
{
	guard(spinlock_irqsave)(&domain->session->lock);
	if (!domain->cgrp)
		return -ENODEV;
	agentcg_owner_untie(domain);
	guard(spinlock)(&owners_lock);
	domain->owner.net = net;
	domain->owner.portid = portid;
	hash_add(owners, &domain->owner.node, portid);
	return 0;
}

/* It ends, or is to go on without its holder. */
void agentcg_owner_untie(struct agentcg_domain *const domain)
{
	guard(spinlock_irqsave)(&owners_lock);
	hash_del(&domain->owner.node);
}

bool agentcg_owner_is_tied(const struct agentcg_domain *const domain)
{
	return !hlist_unhashed(&domain->owner.node);
}

/* One that was tied to the socket, with a reference; NULL when none is left. */
static struct agentcg_domain *take(const struct net *const net, const u32 portid)
{
	struct agentcg_owner *owner;

	guard(spinlock_irqsave)(&owners_lock);
	hash_for_each_possible(owners, owner, node, portid) {
		if (owner->portid != portid || owner->net != net)
			continue;
		hash_del(&owner->node);
		/* Live, so the index has a reference. */
		refcount_inc(&container_of(owner, struct agentcg_domain,
					   owner)->ref);
		return container_of(owner, struct agentcg_domain, owner);
	}
	return NULL;
}

/* In the task that closes the socket for the last time, which may be dying. */
static int socket_closed(struct notifier_block *const nb,
			 const unsigned long state, void *const arg)
{
	const struct netlink_notify *const notify = arg;
	struct agentcg_domain *domain;

	if (state != NETLINK_URELEASE || notify->protocol != NETLINK_GENERIC)
		return NOTIFY_DONE;
	while ((domain = take(notify->net, notify->portid))) {
		/* At once; what takes time is left to the work. */
		if (domain->type == AGENTCG_DOMAIN_TOOL)
			agentcg_tool_kill(agentcg_domain_to_tool(domain),
					  AGENTCG_CAUSE_OWNER_GONE);
		else
			kill_all(agentcg_domain_to_session(domain));
		if (!queue_work(owner_wq, &domain->owner.work))
			agentcg_domain_put(domain);
	}
	return NOTIFY_OK;
}

static struct notifier_block socket_nb = { .notifier_call = socket_closed };

int agentcg_owner_init(void)
{
	int err;

	owner_wq = alloc_workqueue("agentcg_owner", WQ_UNBOUND, 0);
	if (!owner_wq)
		return -ENOMEM;
	err = netlink_register_notifier(&socket_nb);
	if (err)
		destroy_workqueue(owner_wq);
	return err;
}

/* No end begins any more. */
void agentcg_owner_deafen(void)
{
	netlink_unregister_notifier(&socket_nb);
}

/* All sessions are gone, so those under way have nothing left to wait for. */
void agentcg_owner_exit(void)
{
	destroy_workqueue(owner_wq);
}
