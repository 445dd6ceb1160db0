/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Node: the account of the machine, from which sessions take their floors and
 * borrow up to their budgets.
 */
#ifndef _AGENTCG_NODE_H
#define _AGENTCG_NODE_H

#include <linux/types.h>

#include "ledger.h"

struct agentcg_session;
struct agentcg_tool;
struct netlink_ext_ack;

void agentcg_node_init(void);
void agentcg_node_exit(void);

int agentcg_node_set(const u64 *capacity, const u64 *reserve,
		     struct netlink_ext_ack *extack);
void agentcg_node_show(struct agentcg_account *acct, u64 *reserve);

int agentcg_node_set_floor(struct agentcg_session *session, u64 floor,
			   struct netlink_ext_ack *extack);
bool agentcg_node_cover(struct agentcg_session *session, u64 used, bool force);
u64 agentcg_node_borrow(struct agentcg_tool *tool, u64 used, u64 want,
			u64 room);
void agentcg_node_content(struct agentcg_session *session);
void agentcg_node_leave(struct agentcg_tool *tool);
void agentcg_node_tick(struct agentcg_session *session, bool grows);
void agentcg_node_release(struct agentcg_session *session, u64 used);
void agentcg_node_close(struct agentcg_session *session);
void agentcg_node_kick(void);

#endif /* _AGENTCG_NODE_H */
