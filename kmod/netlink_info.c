// SPDX-License-Identifier: GPL-2.0-only
/* Requests about the module and the machine: info-get, node-get, node-set. */

#include "common.h"

#include <linux/mm.h>
#include <linux/module.h>
#include <net/genetlink.h>

#include "hook.h"
#include "lifecycle.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "node.h"
#include "oom.h"
#include "park.h"
#include "session.h"
#include "stats.h"
#include "struct_ops.h"

static u64 capabilities(void)
{
	u64 caps = AGENTCG_CAPABILITY_LIFECYCLE;

	if (agentcg_hook_active())
		caps |= AGENTCG_CAPABILITY_HOOK;
	if (agentcg_lifecycle_watches_reclaim())
		caps |= AGENTCG_CAPABILITY_RECLAIM_WATCH;
#ifdef CONFIG_DEBUG_INFO_BTF_MODULES
	if (THIS_MODULE->btf_data_size)
		caps |= AGENTCG_CAPABILITY_BTF;
#endif
	if (agentcg_struct_ops_registered())
		caps |= AGENTCG_CAPABILITY_KFUNCS | AGENTCG_CAPABILITY_POLICIES;
	if (IS_ENABLED(CONFIG_SCHED_CLASS_EXT))
		caps |= AGENTCG_CAPABILITY_SCHED_EXT;
	if (IS_ENABLED(CONFIG_PSI))
		caps |= AGENTCG_CAPABILITY_PSI;
	if (agentcg_oom_watched())
		caps |= AGENTCG_CAPABILITY_OOM_WATCH;
	return caps;
}

static int fill_info(struct sk_buff *const skb)
{
	static const struct {
		int attr;
		enum agentcg_stat stat;
	} counters[] = {
		{ AGENTCG_A_INFO_HITS, AGENTCG_STAT_HITS },
		{ AGENTCG_A_INFO_GRANTS, AGENTCG_STAT_GRANTS },
		{ AGENTCG_A_INFO_NATIVES, AGENTCG_STAT_NATIVES },
		{ AGENTCG_A_INFO_REVOKES, AGENTCG_STAT_REVOKES },
		{ AGENTCG_A_INFO_PINS, AGENTCG_STAT_PINS },
		{ AGENTCG_A_INFO_SHEDS, AGENTCG_STAT_SHEDS },
		{ AGENTCG_A_INFO_RECLAIMS, AGENTCG_STAT_RECLAIMS },
		{ AGENTCG_A_INFO_PARKS, AGENTCG_STAT_PARKS },
		{ AGENTCG_A_INFO_FREEZES, AGENTCG_STAT_FREEZES },
		{ AGENTCG_A_INFO_OVERDRAFTS, AGENTCG_STAT_OVERDRAFTS },
		{ AGENTCG_A_INFO_EXHAUSTED, AGENTCG_STAT_EXHAUSTED },
		{ AGENTCG_A_INFO_BORROWS, AGENTCG_STAT_BORROWS },
		{ AGENTCG_A_INFO_PAYBACKS, AGENTCG_STAT_PAYBACKS },
		{ AGENTCG_A_INFO_DEBTS, AGENTCG_STAT_DEBTS },
		{ AGENTCG_A_INFO_KILLS, AGENTCG_STAT_KILLS },
		{ AGENTCG_A_INFO_FOREIGN, AGENTCG_STAT_FOREIGN },
		{ AGENTCG_A_INFO_OVERWRITES, AGENTCG_STAT_OVERWRITES },
		{ AGENTCG_A_INFO_RUN_TOTAL, AGENTCG_STAT_RUN },
		{ AGENTCG_A_INFO_WAIT_TOTAL, AGENTCG_STAT_WAIT },
		{ AGENTCG_A_INFO_MIGRATIONS, AGENTCG_STAT_MIGRATIONS },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(counters); i++)
		if (agentcg_nl_put_u64(skb, counters[i].attr,
			    agentcg_stats_read(counters[i].stat)))
			return -EMSGSIZE;
	if (nla_put_string(skb, AGENTCG_A_INFO_VERSION, AGENTCG_VERSION) ||
	    nla_put_u32(skb, AGENTCG_A_INFO_ABI, AGENTCG_ABI) ||
	    agentcg_nl_put_u64(skb, AGENTCG_A_INFO_CAPABILITIES, capabilities()) ||
	    nla_put_u8(skb, AGENTCG_A_INFO_FAIL_OPEN,
		       agentcg_hook_failed_open()) ||
	    nla_put_u32(skb, AGENTCG_A_INFO_PARKED, agentcg_park_count()) ||
	    nla_put_u32(skb, AGENTCG_A_INFO_SESSIONS, agentcg_session_count()) ||
	    nla_put_u32(skb, AGENTCG_A_INFO_TOOLS, agentcg_session_tools()))
		return -EMSGSIZE;
	return 0;
}

int agentcg_nl_info_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *reply;
	void *hdr;

	reply = agentcg_nl_new_reply(info, &hdr);
	return reply ? agentcg_nl_send_reply(reply, hdr, fill_info(reply), info) : -ENOMEM;
}

static int fill_node(struct sk_buff *const skb)
{
	struct agentcg_account acct;
	u64 reserve;

	agentcg_node_show(&acct, &reserve);
	if (agentcg_nl_put_u64(skb, AGENTCG_A_NODE_CAPACITY, acct.limit) ||
	    agentcg_nl_put_u64(skb, AGENTCG_A_NODE_RESERVE, reserve) ||
	    agentcg_nl_put_u64(skb, AGENTCG_A_NODE_FREE, agentcg_account_free(&acct)) ||
	    agentcg_nl_put_u64(skb, AGENTCG_A_NODE_FLOORS, acct.given_reserved) ||
	    agentcg_nl_put_u64(skb, AGENTCG_A_NODE_BORROWED, acct.given_granted) ||
	    agentcg_nl_put_u64(skb, AGENTCG_A_NODE_OVERDRAFT,
		    agentcg_account_overdraft(&acct)) ||
	    agentcg_nl_put_u64(skb, AGENTCG_A_NODE_AVAILABLE,
		    (u64)max(si_mem_available(), 0L) << PAGE_SHIFT))
		return -EMSGSIZE;
	return 0;
}

int agentcg_nl_node_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *reply;
	void *hdr;

	reply = agentcg_nl_new_reply(info, &hdr);
	return reply ? agentcg_nl_send_reply(reply, hdr, fill_node(reply), info) : -ENOMEM;
}

static int parse_size(u64 *const size, const struct nlattr *const attr,
		      const char *const name,
		      struct netlink_ext_ack *const extack)
{
	const u64 total = (u64)totalram_pages() << PAGE_SHIFT;

	*size = nla_get_u64(attr);
	if (*size <= total)
		return 0;
	NL_SET_ERR_MSG_ATTR_FMT(extack, attr,
				"%s %llu is above the machine's memory %llu",
				name, *size, total);
	return -ERANGE;
}

int agentcg_nl_node_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *const capacity = info->attrs[AGENTCG_A_NODE_CAPACITY];
	struct nlattr *const reserve = info->attrs[AGENTCG_A_NODE_RESERVE];
	u64 new_capacity, new_reserve;
	int err = 0;

	if (!capacity && !reserve)
		return agentcg_nl_refuse(info, NULL, -EINVAL,
					 "nothing to set: capacity or reserve");
	if (capacity)
		err = parse_size(&new_capacity, capacity, "capacity",
				 info->extack);
	if (!err && reserve)
		err = parse_size(&new_reserve, reserve, "reserve",
				 info->extack);
	if (err)
		return err;
	err = agentcg_node_set(capacity ? &new_capacity : NULL,
			       reserve ? &new_reserve : NULL, info->extack);
	/* Below the floors: the reserve cannot be the reason. */
	if (err)
		NL_SET_BAD_ATTR(info->extack, capacity);
	return err;
}
