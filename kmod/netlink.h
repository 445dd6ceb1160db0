/* SPDX-License-Identifier: GPL-2.0-only */
/* The generic netlink family, see Documentation/netlink/specs/agentcg.yaml. */
#ifndef _AGENTCG_NETLINK_H
#define _AGENTCG_NETLINK_H

int agentcg_netlink_init(void);
void agentcg_netlink_exit(void);

#endif /* _AGENTCG_NETLINK_H */
