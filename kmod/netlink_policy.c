// SPDX-License-Identifier: GPL-2.0-only
/* Requests about attached policies: policy-get. */

#include "common.h"

#include <net/genetlink.h>

#include "netlink.h"
#include "netlink_gen.h"
#include "perm.h"
#include "policy.h"

static int fill_policy(struct sk_buff *const skb,
		       const struct agentcg_policy_show *const policy)
{
	if ((policy->session_id &&
	     agentcg_nl_put_u64(skb, AGENTCG_A_POLICY_SESSION_ID,
				policy->session_id)) ||
	    nla_put_string(skb, AGENTCG_A_POLICY_NAME, policy->name) ||
	    nla_put_u32(skb, AGENTCG_A_POLICY_LINK, policy->link_id) ||
	    agentcg_nl_put_u64(skb, AGENTCG_A_POLICY_SINCE, policy->since) ||
	    agentcg_nl_put_u64(skb, AGENTCG_A_POLICY_CALLS, policy->calls) ||
	    agentcg_nl_put_u64(skb, AGENTCG_A_POLICY_SLOW, policy->slow) ||
	    nla_put_u8(skb, AGENTCG_A_POLICY_GIVEN_UP, policy->given_up))
		return -EMSGSIZE;
	return 0;
}

/* The one that decides for a session by itself, or for the node: 0. */
static bool find_policy(const u64 session_id,
			struct agentcg_policy_show *const policy)
{
	unsigned int nr;

	for (nr = 0; agentcg_policy_get(nr, policy); nr++)
		if (policy->session_id == session_id)
			return true;
	return false;
}

int agentcg_nl_policy_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	const struct nlattr *const id = info->attrs[AGENTCG_A_POLICY_SESSION_ID];
	struct agentcg_policy_show policy;
	struct sk_buff *reply;
	void *hdr;

	if (!find_policy(id ? nla_get_u64(id) : 0, &policy))
		return agentcg_nl_refuse(info, id, -ENOENT,
					 "no policy is attached there; see agentcg policy show");
	reply = agentcg_nl_new_reply(info, &hdr);
	return reply ? agentcg_nl_send_reply(reply, hdr,
					     fill_policy(reply, &policy),
					     info) : -ENOMEM;
}

int agentcg_nl_policy_dump_start(struct netlink_callback *cb)
{
	const int err = agentcg_nl_dump_start(cb);

	if (err || agentcg_perm_possible(cb->skb, AGENTCG_CMD_POLICY_GET))
		return err;
	NL_SET_ERR_MSG(cb->extack, "needs CAP_SYS_ADMIN in the initial user namespace");
	return -EPERM;
}

/* In the order of attaching, from where it stopped. */
int agentcg_nl_policy_get_dumpit(struct sk_buff *skb,
				 struct netlink_callback *cb)
{
	struct agentcg_policy_show policy;

	for (; agentcg_policy_get(cb->args[0], &policy); cb->args[0]++) {
		void *const hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid,
					      cb->nlh->nlmsg_seq,
					      &agentcg_nl_family, NLM_F_MULTI,
					      AGENTCG_CMD_POLICY_GET);

		if (!hdr)
			break;
		if (fill_policy(skb, &policy)) {
			genlmsg_cancel(skb, hdr);
			break;
		}
		genlmsg_end(skb, hdr);
	}
	return skb->len;
}
