/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/agentcg.yaml */
/* YNL-GEN kernel header */
/* To regenerate run: tools/net/ynl/ynl-regen.sh */

#ifndef _LINUX_AGENTCG_GEN_H
#define _LINUX_AGENTCG_GEN_H

#include <net/netlink.h>
#include <net/genetlink.h>

#include <uapi/linux/agentcg.h>

/* Common nested types */
extern const struct nla_policy agentcg_intent_nl_policy[AGENTCG_A_INTENT_SURVIVORS + 1];

int agentcg_nl_pre_doit(const struct genl_split_ops *ops, struct sk_buff *skb,
			struct genl_info *info);
int agentcg_nl_session_pre_doit(const struct genl_split_ops *ops,
				struct sk_buff *skb, struct genl_info *info);
int agentcg_nl_tool_set_pre_doit(const struct genl_split_ops *ops,
				 struct sk_buff *skb, struct genl_info *info);
int agentcg_nl_tool_pre_doit(const struct genl_split_ops *ops,
			     struct sk_buff *skb, struct genl_info *info);
int agentcg_nl_receipt_pre_doit(const struct genl_split_ops *ops,
				struct sk_buff *skb, struct genl_info *info);
void
agentcg_nl_post_doit(const struct genl_split_ops *ops, struct sk_buff *skb,
		     struct genl_info *info);
int agentcg_nl_dump_start(struct netlink_callback *cb);
int agentcg_nl_policy_dump_start(struct netlink_callback *cb);

int agentcg_nl_info_get_doit(struct sk_buff *skb, struct genl_info *info);
int agentcg_nl_node_get_doit(struct sk_buff *skb, struct genl_info *info);
int agentcg_nl_node_set_doit(struct sk_buff *skb, struct genl_info *info);
int agentcg_nl_session_add_doit(struct sk_buff *skb, struct genl_info *info);
int agentcg_nl_session_set_doit(struct sk_buff *skb, struct genl_info *info);
int agentcg_nl_session_del_doit(struct sk_buff *skb, struct genl_info *info);
int agentcg_nl_session_get_doit(struct sk_buff *skb, struct genl_info *info);
int agentcg_nl_session_get_dumpit(struct sk_buff *skb,
				  struct netlink_callback *cb);
int agentcg_nl_tool_set_doit(struct sk_buff *skb, struct genl_info *info);
int agentcg_nl_tool_get_doit(struct sk_buff *skb, struct genl_info *info);
int agentcg_nl_tool_get_dumpit(struct sk_buff *skb,
			       struct netlink_callback *cb);
int agentcg_nl_tool_kill_doit(struct sk_buff *skb, struct genl_info *info);
int agentcg_nl_receipt_get_doit(struct sk_buff *skb, struct genl_info *info);
int agentcg_nl_receipt_get_dumpit(struct sk_buff *skb,
				  struct netlink_callback *cb);
int agentcg_nl_tool_make_doit(struct sk_buff *skb, struct genl_info *info);
int agentcg_nl_tool_remove_doit(struct sk_buff *skb, struct genl_info *info);
int agentcg_nl_tool_freeze_doit(struct sk_buff *skb, struct genl_info *info);
int agentcg_nl_tool_thaw_doit(struct sk_buff *skb, struct genl_info *info);
int agentcg_nl_policy_get_doit(struct sk_buff *skb, struct genl_info *info);
int agentcg_nl_policy_get_dumpit(struct sk_buff *skb,
				 struct netlink_callback *cb);

enum {
	AGENTCG_NLGRP_EVENTS,
};

extern struct genl_family agentcg_nl_family;

#endif /* _LINUX_AGENTCG_GEN_H */
