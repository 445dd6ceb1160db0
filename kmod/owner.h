/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ownership: a session or a call that ends when the netlink socket of its holder
 * is closed, however the holder ends.
 */
#ifndef _AGENTCG_OWNER_H
#define _AGENTCG_OWNER_H

#include <linux/list.h>
#include <linux/types.h>
#include <linux/workqueue.h>

struct agentcg_domain;
struct net;

/**
 * struct agentcg_owner - the socket that a session or a call is tied to
 * @node: in the hash of sockets, unhashed when there is none; a domain that is
 *        hashed is live
 * @net: of the socket; a cookie, compared and never followed
 * @portid: of the socket
 * @work: ends the domain when the socket is gone; holds a reference to it
 */
struct agentcg_owner {
	struct hlist_node node;
	const struct net *net;
	u32 portid;
	struct work_struct work;
};

void agentcg_owner_setup(struct agentcg_owner *owner);
int agentcg_owner_tie(struct agentcg_domain *domain, const struct net *net,
		      u32 portid);

/* Caller holds the session's lock, or nobody knows the domain yet. */
void agentcg_owner_untie(struct agentcg_domain *domain);
bool agentcg_owner_is_tied(const struct agentcg_domain *domain);

int agentcg_owner_init(void);
void agentcg_owner_deafen(void);
void agentcg_owner_exit(void);

#endif /* _AGENTCG_OWNER_H */
