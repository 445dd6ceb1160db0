/* SPDX-License-Identifier: GPL-2.0-only */
/* struct agentcg_policy_ops as a type that BPF programs can implement. */
#ifndef _AGENTCG_STRUCT_OPS_H
#define _AGENTCG_STRUCT_OPS_H

#include <linux/types.h>

struct bpf_prog;

int agentcg_struct_ops_init(void);
bool agentcg_struct_ops_registered(void);
bool agentcg_struct_ops_is_ours(const struct bpf_prog *prog);

#endif /* _AGENTCG_STRUCT_OPS_H */
