/* SPDX-License-Identifier: GPL-2.0-only */
/* Who may do what: the one place; the table is in perm.c. */
#ifndef _AGENTCG_PERM_H
#define _AGENTCG_PERM_H

#include <linux/types.h>

struct agentcg_dir;
struct agentcg_session;
struct sk_buff;

bool agentcg_perm_possible(const struct sk_buff *skb, u8 cmd);
bool agentcg_perm_session(const struct sk_buff *skb, u8 cmd,
			  const struct agentcg_session *session);
int agentcg_perm_dir(const struct sk_buff *skb, u8 cmd,
		     const struct agentcg_dir *dir);
int agentcg_perm_fill(const struct sk_buff *skb, u8 cmd,
		      const struct agentcg_session *session,
		      const struct agentcg_dir *dir);

#endif /* _AGENTCG_PERM_H */
