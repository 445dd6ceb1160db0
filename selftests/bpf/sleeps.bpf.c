// SPDX-License-Identifier: GPL-2.0-only
/* A policy that wants to sleep. */
#include <agentcg/agentcg.bpf.h>

SEC("struct_ops.s")
int BPF_PROG(sleeps_over_high, struct agentcg_policy_event *event)
{
	return 0;
}

AGENTCG_POLICY(sleeps) = {
	.over_high = (void *)sleeps_over_high,
	.name = "sleeps",
};

char LICENSE[] SEC("license") = "GPL";
