// SPDX-License-Identifier: GPL-2.0-only
/* A policy that was made for another kernel: it reads what this one's tasks lack. */
#include <agentcg/agentcg.bpf.h>

struct task_struct {
	int of_another_kernel;
} __attribute__((preserve_access_index));

AGENTCG_POLICY_OP(kernel_over_high, struct agentcg_policy_event *event)
{
	const struct task_struct *const task = (void *)bpf_get_current_task();

	return BPF_CORE_READ(task, of_another_kernel);
}

AGENTCG_POLICY(kernel) = {
	.over_high = (void *)kernel_over_high,
	.name = "kernel",
};

char LICENSE[] SEC("license") = "GPL";
