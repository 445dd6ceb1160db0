// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * headroom: a policy out of the tree, built from what is installed and nothing
 * else.  It gives small calls all that they may have at once, and leaves the others
 * to the module.
 *
 *	make && agentcg policy load ./headroom.bpf.o
 */
#include <agentcg/agentcg.bpf.h>

#define SMALL	(64ULL << 20)

AGENTCG_POLICY_OP(headroom_over_high, struct agentcg_policy_event *event)
{
	if (event->d.limit > SMALL)
		return AGENTCG_POLICY_DEFAULT;
	agentcg_bpf_answer(event, event->d.free, 0);
	return AGENTCG_POLICY_GRANT;
}

AGENTCG_POLICY(headroom) = {
	.over_high = (void *)headroom_over_high,
	.name = "headroom",
};

/* Members are only taken from programs under the GPL or what goes with it. */
char LICENSE[] SEC("license") = "Dual BSD/GPL";
