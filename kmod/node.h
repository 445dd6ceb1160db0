/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Node: the account of the machine, from which sessions take their floors and
 * borrow up to their budgets.
 */
#ifndef _AGENTCG_NODE_H
#define _AGENTCG_NODE_H

#include <linux/types.h>

#include "ledger.h"
#include "session.h"
#include "tool.h"

struct netlink_ext_ack;

void agentcg_node_init(void);
void agentcg_node_exit(void);

int agentcg_node_set(const u64 *capacity, const u64 *reserve,
		     struct netlink_ext_ack *extack);
void agentcg_node_show(struct agentcg_account *acct, u64 *reserve);

int agentcg_node_set_floor(struct agentcg_session *session, u64 floor,
			   struct netlink_ext_ack *extack);
bool agentcg_node_cover(struct agentcg_session *session, u64 used);
void __agentcg_node_book(struct agentcg_session *session, u64 used);
u64 __agentcg_node_borrow(struct agentcg_tool *tool, u64 used, u64 want,
			  u64 room);
void agentcg_node_content(struct agentcg_session *session);
void agentcg_node_leave(struct agentcg_tool *tool);
void agentcg_node_tick(struct agentcg_session *session, bool grows);
void agentcg_node_release(struct agentcg_session *session, u64 used);
void agentcg_node_close(struct agentcg_session *session);
void agentcg_node_kick(void);

/**
 * agentcg_node_book - back what a session uses already
 * @session: its lock is held
 * @used: what the session has to back, bytes
 *
 * Below zero if need be.  Mostly it holds as much, and the node is not touched:
 * that look is inline, as in agentcg_node_borrow(), because decisions take both.
 */
static inline void agentcg_node_book(struct agentcg_session *const session,
				     const u64 used)
{
	if (unlikely(used > agentcg_account_held(&session->acct)))
		__agentcg_node_book(session, used);
}

/**
 * agentcg_node_borrow - borrow for a call that grows
 * @tool: the session's lock is held
 * @used: what the session has to back already, bytes
 * @want: how much more
 * @room: how much more there may be in the end, at least @want
 *
 * The session gets in line.  Who is given less is served later, in turn.
 *
 * Return: how much of @want is backed.
 */
static inline u64 agentcg_node_borrow(struct agentcg_tool *const tool,
				      const u64 used, const u64 want,
				      const u64 room)
{
	return likely(used + want <= agentcg_account_held(&tool->d.session->acct)) ?
	       want : __agentcg_node_borrow(tool, used, want, room);
}

#endif /* _AGENTCG_NODE_H */
