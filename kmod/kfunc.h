/* SPDX-License-Identifier: GPL-2.0-only */
/* What BPF programs may call. */
#ifndef _AGENTCG_KFUNC_H
#define _AGENTCG_KFUNC_H

#include <linux/types.h>

struct agentcg_domain;
struct agentcg_domain_info;
struct agentcg_policy_event;
struct cgroup;
struct task_struct;

void agentcg_kfunc_describe(const struct agentcg_domain *domain,
			    struct agentcg_domain_info *info);

int agentcg_kfunc_init(void);

/* Nobody calls them but programs; see kfunc.c. */
u64 agentcg_bpf_task_domain(struct task_struct *task);
u64 agentcg_bpf_cgroup_domain(struct cgroup *cgroup);
int agentcg_bpf_domain_info(u64 id, struct agentcg_domain_info *info,
			    u32 info__sz);
s32 agentcg_bpf_task_class(struct task_struct *task);
u32 agentcg_bpf_task_weight(struct task_struct *task);
u32 agentcg_bpf_task_pressure(struct task_struct *task);
u64 agentcg_bpf_task_deadline(struct task_struct *task);
u64 agentcg_bpf_task_conflict(struct task_struct *task);
u64 agentcg_bpf_task_jitter(struct task_struct *task);
void agentcg_bpf_task_ran(struct task_struct *task, u64 ran, u64 waited,
			  bool moved);
void agentcg_bpf_resched(void);
void agentcg_bpf_answer(struct agentcg_policy_event *event, u64 bytes, u64 ns);
u64 agentcg_bpf_grant(struct agentcg_policy_event *event, u64 id, u64 bytes);
u64 agentcg_bpf_hold(struct agentcg_policy_event *event, u64 id);
void agentcg_bpf_event(struct agentcg_policy_event *event, u32 value);

#endif /* _AGENTCG_KFUNC_H */
