// SPDX-License-Identifier: GPL-2.0-only
/* A policy with a member that only a later module has. */
#define agentcg_policy_ops	agentcg_policy_ops_of_today
#include <agentcg/agentcg.bpf.h>
#undef agentcg_policy_ops

struct agentcg_policy_ops {
	__s32 (*over_high)(struct agentcg_policy_event *event);
	__s32 (*foretell)(struct agentcg_policy_event *event);
	__u64 session_cgroup_id;
	char name[AGENTCG_POLICY_NAME_MAX + 1];
} __attribute__((preserve_access_index));

AGENTCG_POLICY_OP(future, struct agentcg_policy_event *event)
{
	return 0;
}

AGENTCG_POLICY(ops) = {
	.over_high = (void *)future,
	.foretell = (void *)future,
	.name = "future",
};

char LICENSE[] SEC("license") = "GPL";
