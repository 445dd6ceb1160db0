/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who may do what: the one place.
 *
 *  - what belongs to the machine (node-set, session-add, -set, -del) needs
 *    CAP_SYS_ADMIN in the initial user namespace;
 *  - a call is declared and changed by whoever may write to its cgroup's
 *    directory, shown by an open descriptor (agentcg_cgroup_from_fd());
 *  - a session, its calls and receipts are seen, and its calls killed, by
 *    who may do the first and by processes inside the session.
 */
#ifndef _AGENTCG_PERM_H
#define _AGENTCG_PERM_H

#include <linux/types.h>

struct agentcg_session;
struct sk_buff;

bool agentcg_perm_admin(struct sk_buff *skb);
bool agentcg_perm_member(const struct agentcg_session *session);

#endif /* _AGENTCG_PERM_H */
