// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/agentcg.yaml */
/* YNL-GEN kernel source */
/* To regenerate run: tools/net/ynl/ynl-regen.sh */

#include <net/netlink.h>
#include <net/genetlink.h>

#include "netlink_gen.h"

#include <uapi/linux/agentcg.h>

/* Common nested types */
const struct nla_policy agentcg_intent_nl_policy[AGENTCG_A_INTENT_SURVIVORS + 1] = {
	[AGENTCG_A_INTENT_LABEL] = { .type = NLA_NUL_STRING, .len = AGENTCG_LABEL_MAX, },
	[AGENTCG_A_INTENT_TAG] = { .type = NLA_STRING, .len = AGENTCG_TAG_MAX, },
	[AGENTCG_A_INTENT_MEM] = { .type = NLA_U64, },
	[AGENTCG_A_INTENT_BURST] = { .type = NLA_U64, },
	[AGENTCG_A_INTENT_CLASS] = NLA_POLICY_MAX(NLA_U32, 3),
	[AGENTCG_A_INTENT_WEIGHT] = NLA_POLICY_RANGE(NLA_U32, 1, AGENTCG_WEIGHT_MAX),
	[AGENTCG_A_INTENT_STALL] = { .type = NLA_U64, },
	[AGENTCG_A_INTENT_ON_EXHAUST] = NLA_POLICY_MAX(NLA_U32, 3),
	[AGENTCG_A_INTENT_RESTARTABLE] = NLA_POLICY_MAX(NLA_U8, 1),
	[AGENTCG_A_INTENT_DEADLINE] = { .type = NLA_U64, },
	[AGENTCG_A_INTENT_PIDS] = { .type = NLA_U32, },
	[AGENTCG_A_INTENT_CONFLICT] = { .type = NLA_NUL_STRING, .len = AGENTCG_LABEL_MAX, },
	[AGENTCG_A_INTENT_WARN_BEFORE] = { .type = NLA_U64, },
	[AGENTCG_A_INTENT_SURVIVORS] = NLA_POLICY_MAX(NLA_U32, 1),
};

/* AGENTCG_CMD_NODE_SET - do */
static const struct nla_policy agentcg_node_set_nl_policy[AGENTCG_A_NODE_RESERVE + 1] = {
	[AGENTCG_A_NODE_CAPACITY] = { .type = NLA_U64, },
	[AGENTCG_A_NODE_RESERVE] = { .type = NLA_U64, },
};

/* AGENTCG_CMD_SESSION_ADD - do */
static const struct nla_policy agentcg_session_add_nl_policy[AGENTCG_A_SESSION_JITTER + 1] = {
	[AGENTCG_A_SESSION_FD] = { .type = NLA_U32, },
	[AGENTCG_A_SESSION_AGENT_FD] = { .type = NLA_U32, },
	[AGENTCG_A_SESSION_BUDGET] = { .type = NLA_U64, },
	[AGENTCG_A_SESSION_FLOOR] = { .type = NLA_U64, },
	[AGENTCG_A_SESSION_WEIGHT] = NLA_POLICY_RANGE(NLA_U32, 1, AGENTCG_WEIGHT_MAX),
	[AGENTCG_A_SESSION_MAX_CLASS] = NLA_POLICY_MAX(NLA_U32, 3),
	[AGENTCG_A_SESSION_MAX_HOLD] = { .type = NLA_U64, },
	[AGENTCG_A_SESSION_JITTER] = { .type = NLA_U64, },
	[AGENTCG_A_SESSION_DEFAULTS] = NLA_POLICY_NESTED(agentcg_intent_nl_policy),
	[AGENTCG_A_SESSION_OWNER] = NLA_POLICY_MAX(NLA_U8, 1),
};

/* AGENTCG_CMD_SESSION_SET - do */
static const struct nla_policy agentcg_session_set_nl_policy[AGENTCG_A_SESSION_JITTER + 1] = {
	[AGENTCG_A_SESSION_ID] = { .type = NLA_U64, },
	[AGENTCG_A_SESSION_FD] = { .type = NLA_U32, },
	[AGENTCG_A_SESSION_BUDGET] = { .type = NLA_U64, },
	[AGENTCG_A_SESSION_FLOOR] = { .type = NLA_U64, },
	[AGENTCG_A_SESSION_WEIGHT] = NLA_POLICY_RANGE(NLA_U32, 1, AGENTCG_WEIGHT_MAX),
	[AGENTCG_A_SESSION_MAX_CLASS] = NLA_POLICY_MAX(NLA_U32, 3),
	[AGENTCG_A_SESSION_MAX_HOLD] = { .type = NLA_U64, },
	[AGENTCG_A_SESSION_JITTER] = { .type = NLA_U64, },
	[AGENTCG_A_SESSION_DEFAULTS] = NLA_POLICY_NESTED(agentcg_intent_nl_policy),
	[AGENTCG_A_SESSION_OWNER] = NLA_POLICY_MAX(NLA_U8, 1),
};

/* AGENTCG_CMD_SESSION_DEL - do */
static const struct nla_policy agentcg_session_del_nl_policy[AGENTCG_A_SESSION_FD + 1] = {
	[AGENTCG_A_SESSION_ID] = { .type = NLA_U64, },
	[AGENTCG_A_SESSION_FD] = { .type = NLA_U32, },
};

/* AGENTCG_CMD_SESSION_GET - do */
static const struct nla_policy agentcg_session_get_nl_policy[AGENTCG_A_SESSION_FD + 1] = {
	[AGENTCG_A_SESSION_ID] = { .type = NLA_U64, },
	[AGENTCG_A_SESSION_FD] = { .type = NLA_U32, },
};

/* AGENTCG_CMD_TOOL_SET - do */
static const struct nla_policy agentcg_tool_set_nl_policy[AGENTCG_A_TOOL_OWNER + 1] = {
	[AGENTCG_A_TOOL_FD] = { .type = NLA_U32, },
	[AGENTCG_A_TOOL_INTENT] = NLA_POLICY_NESTED(agentcg_intent_nl_policy),
	[AGENTCG_A_TOOL_OWNER] = NLA_POLICY_MAX(NLA_U8, 1),
};

/* AGENTCG_CMD_TOOL_GET - do */
static const struct nla_policy agentcg_tool_get_do_nl_policy[AGENTCG_A_TOOL_FD + 1] = {
	[AGENTCG_A_TOOL_ID] = { .type = NLA_U64, },
	[AGENTCG_A_TOOL_FD] = { .type = NLA_U32, },
};

/* AGENTCG_CMD_TOOL_GET - dump */
static const struct nla_policy agentcg_tool_get_dump_nl_policy[AGENTCG_A_TOOL_SESSION_ID + 1] = {
	[AGENTCG_A_TOOL_SESSION_ID] = { .type = NLA_U64, },
};

/* AGENTCG_CMD_TOOL_KILL - do */
static const struct nla_policy agentcg_tool_kill_nl_policy[AGENTCG_A_TOOL_FD + 1] = {
	[AGENTCG_A_TOOL_ID] = { .type = NLA_U64, },
	[AGENTCG_A_TOOL_FD] = { .type = NLA_U32, },
};

/* AGENTCG_CMD_RECEIPT_GET - do */
static const struct nla_policy agentcg_receipt_get_do_nl_policy[AGENTCG_A_TOOL_ID + 1] = {
	[AGENTCG_A_TOOL_ID] = { .type = NLA_U64, },
};

/* AGENTCG_CMD_RECEIPT_GET - dump */
static const struct nla_policy agentcg_receipt_get_dump_nl_policy[AGENTCG_A_TOOL_SESSION_ID + 1] = {
	[AGENTCG_A_TOOL_SESSION_ID] = { .type = NLA_U64, },
};

/* AGENTCG_CMD_TOOL_MAKE - do */
static const struct nla_policy agentcg_tool_make_nl_policy[AGENTCG_A_TOOL_NAME + 1] = {
	[AGENTCG_A_TOOL_FD] = { .type = NLA_U32, },
	[AGENTCG_A_TOOL_NAME] = { .type = NLA_NUL_STRING, .len = AGENTCG_NAME_MAX, },
	[AGENTCG_A_TOOL_INTENT] = NLA_POLICY_NESTED(agentcg_intent_nl_policy),
};

/* AGENTCG_CMD_TOOL_REMOVE - do */
static const struct nla_policy agentcg_tool_remove_nl_policy[AGENTCG_A_TOOL_FD + 1] = {
	[AGENTCG_A_TOOL_FD] = { .type = NLA_U32, },
};

/* AGENTCG_CMD_TOOL_FREEZE - do */
static const struct nla_policy agentcg_tool_freeze_nl_policy[AGENTCG_A_TOOL_FD + 1] = {
	[AGENTCG_A_TOOL_ID] = { .type = NLA_U64, },
	[AGENTCG_A_TOOL_FD] = { .type = NLA_U32, },
};

/* AGENTCG_CMD_TOOL_THAW - do */
static const struct nla_policy agentcg_tool_thaw_nl_policy[AGENTCG_A_TOOL_FD + 1] = {
	[AGENTCG_A_TOOL_ID] = { .type = NLA_U64, },
	[AGENTCG_A_TOOL_FD] = { .type = NLA_U32, },
};

/* AGENTCG_CMD_POLICY_GET - do */
static const struct nla_policy agentcg_policy_get_nl_policy[AGENTCG_A_POLICY_SESSION_ID + 1] = {
	[AGENTCG_A_POLICY_SESSION_ID] = { .type = NLA_U64, },
};

/* Ops table for agentcg */
static const struct genl_split_ops agentcg_nl_ops[] = {
	{
		.cmd		= AGENTCG_CMD_INFO_GET,
		.pre_doit	= agentcg_nl_pre_doit,
		.doit		= agentcg_nl_info_get_doit,
		.post_doit	= agentcg_nl_post_doit,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= AGENTCG_CMD_NODE_GET,
		.pre_doit	= agentcg_nl_pre_doit,
		.doit		= agentcg_nl_node_get_doit,
		.post_doit	= agentcg_nl_post_doit,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= AGENTCG_CMD_NODE_SET,
		.pre_doit	= agentcg_nl_pre_doit,
		.doit		= agentcg_nl_node_set_doit,
		.post_doit	= agentcg_nl_post_doit,
		.policy		= agentcg_node_set_nl_policy,
		.maxattr	= AGENTCG_A_NODE_RESERVE,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= AGENTCG_CMD_SESSION_ADD,
		.pre_doit	= agentcg_nl_pre_doit,
		.doit		= agentcg_nl_session_add_doit,
		.post_doit	= agentcg_nl_post_doit,
		.policy		= agentcg_session_add_nl_policy,
		.maxattr	= AGENTCG_A_SESSION_JITTER,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= AGENTCG_CMD_SESSION_SET,
		.pre_doit	= agentcg_nl_session_pre_doit,
		.doit		= agentcg_nl_session_set_doit,
		.post_doit	= agentcg_nl_post_doit,
		.policy		= agentcg_session_set_nl_policy,
		.maxattr	= AGENTCG_A_SESSION_JITTER,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= AGENTCG_CMD_SESSION_DEL,
		.pre_doit	= agentcg_nl_session_pre_doit,
		.doit		= agentcg_nl_session_del_doit,
		.post_doit	= agentcg_nl_post_doit,
		.policy		= agentcg_session_del_nl_policy,
		.maxattr	= AGENTCG_A_SESSION_FD,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= AGENTCG_CMD_SESSION_GET,
		.pre_doit	= agentcg_nl_session_pre_doit,
		.doit		= agentcg_nl_session_get_doit,
		.post_doit	= agentcg_nl_post_doit,
		.policy		= agentcg_session_get_nl_policy,
		.maxattr	= AGENTCG_A_SESSION_FD,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd	= AGENTCG_CMD_SESSION_GET,
		.start	= agentcg_nl_dump_start,
		.dumpit	= agentcg_nl_session_get_dumpit,
		.flags	= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= AGENTCG_CMD_TOOL_SET,
		.pre_doit	= agentcg_nl_tool_set_pre_doit,
		.doit		= agentcg_nl_tool_set_doit,
		.post_doit	= agentcg_nl_post_doit,
		.policy		= agentcg_tool_set_nl_policy,
		.maxattr	= AGENTCG_A_TOOL_OWNER,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= AGENTCG_CMD_TOOL_GET,
		.pre_doit	= agentcg_nl_tool_pre_doit,
		.doit		= agentcg_nl_tool_get_doit,
		.post_doit	= agentcg_nl_post_doit,
		.policy		= agentcg_tool_get_do_nl_policy,
		.maxattr	= AGENTCG_A_TOOL_FD,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= AGENTCG_CMD_TOOL_GET,
		.start		= agentcg_nl_dump_start,
		.dumpit		= agentcg_nl_tool_get_dumpit,
		.policy		= agentcg_tool_get_dump_nl_policy,
		.maxattr	= AGENTCG_A_TOOL_SESSION_ID,
		.flags		= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= AGENTCG_CMD_TOOL_KILL,
		.pre_doit	= agentcg_nl_tool_pre_doit,
		.doit		= agentcg_nl_tool_kill_doit,
		.post_doit	= agentcg_nl_post_doit,
		.policy		= agentcg_tool_kill_nl_policy,
		.maxattr	= AGENTCG_A_TOOL_FD,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= AGENTCG_CMD_RECEIPT_GET,
		.pre_doit	= agentcg_nl_receipt_pre_doit,
		.doit		= agentcg_nl_receipt_get_doit,
		.post_doit	= agentcg_nl_post_doit,
		.policy		= agentcg_receipt_get_do_nl_policy,
		.maxattr	= AGENTCG_A_TOOL_ID,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= AGENTCG_CMD_RECEIPT_GET,
		.start		= agentcg_nl_dump_start,
		.dumpit		= agentcg_nl_receipt_get_dumpit,
		.policy		= agentcg_receipt_get_dump_nl_policy,
		.maxattr	= AGENTCG_A_TOOL_SESSION_ID,
		.flags		= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= AGENTCG_CMD_TOOL_MAKE,
		.pre_doit	= agentcg_nl_pre_doit,
		.doit		= agentcg_nl_tool_make_doit,
		.post_doit	= agentcg_nl_post_doit,
		.policy		= agentcg_tool_make_nl_policy,
		.maxattr	= AGENTCG_A_TOOL_NAME,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= AGENTCG_CMD_TOOL_REMOVE,
		.pre_doit	= agentcg_nl_pre_doit,
		.doit		= agentcg_nl_tool_remove_doit,
		.post_doit	= agentcg_nl_post_doit,
		.policy		= agentcg_tool_remove_nl_policy,
		.maxattr	= AGENTCG_A_TOOL_FD,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= AGENTCG_CMD_TOOL_FREEZE,
		.pre_doit	= agentcg_nl_tool_pre_doit,
		.doit		= agentcg_nl_tool_freeze_doit,
		.post_doit	= agentcg_nl_post_doit,
		.policy		= agentcg_tool_freeze_nl_policy,
		.maxattr	= AGENTCG_A_TOOL_FD,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= AGENTCG_CMD_TOOL_THAW,
		.pre_doit	= agentcg_nl_tool_pre_doit,
		.doit		= agentcg_nl_tool_thaw_doit,
		.post_doit	= agentcg_nl_post_doit,
		.policy		= agentcg_tool_thaw_nl_policy,
		.maxattr	= AGENTCG_A_TOOL_FD,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= AGENTCG_CMD_POLICY_GET,
		.pre_doit	= agentcg_nl_pre_doit,
		.doit		= agentcg_nl_policy_get_doit,
		.post_doit	= agentcg_nl_post_doit,
		.policy		= agentcg_policy_get_nl_policy,
		.maxattr	= AGENTCG_A_POLICY_SESSION_ID,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd	= AGENTCG_CMD_POLICY_GET,
		.start	= agentcg_nl_policy_dump_start,
		.dumpit	= agentcg_nl_policy_get_dumpit,
		.flags	= GENL_CMD_CAP_DUMP,
	},
};

static const struct genl_multicast_group agentcg_nl_mcgrps[] = {
	[AGENTCG_NLGRP_EVENTS] = { "events", },
};

struct genl_family agentcg_nl_family __ro_after_init = {
	.name		= AGENTCG_FAMILY_NAME,
	.version	= AGENTCG_FAMILY_VERSION,
	.netnsok	= true,
	.parallel_ops	= true,
	.module		= THIS_MODULE,
	.split_ops	= agentcg_nl_ops,
	.n_split_ops	= ARRAY_SIZE(agentcg_nl_ops),
	.mcgrps		= agentcg_nl_mcgrps,
	.n_mcgrps	= ARRAY_SIZE(agentcg_nl_mcgrps),
};
