/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * For BPF programs that ask the module, and for policies.
 *
 * The functions are weak: where the module is not loaded a program that checks
 * with bpf_ksym_exists() loads nevertheless.
 */
#ifndef AGENTCG_BPF_H
#define AGENTCG_BPF_H

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

#include <agentcg/types.h>

#ifndef __ksym
#define __ksym __attribute__((section(".ksyms")))
#endif
#ifndef __weak
#define __weak __attribute__((weak))
#endif

/*
 * A program that hands them over has to say more of them than this, by vmlinux.h or
 * by the members that it reads: libbpf takes functions by the types that they have.
 */
struct cgroup;
struct task_struct;

/* Readers: any program, any context; no locks. */

/* The id of the nearest managed cgroup, upwards; 0 when there is none. */
__u64 agentcg_bpf_task_domain(struct task_struct *task) __ksym __weak;
__u64 agentcg_bpf_cgroup_domain(struct cgroup *cgroup) __ksym __weak;

/* Fills as much of it as @info__sz has room for; 0, or -ENOENT. */
int agentcg_bpf_domain_info(__u64 id, struct agentcg_domain_info *info,
			    __u32 info__sz) __ksym __weak;

/*
 * Of the call that the task is in: enum agentcg_class or -1, weight or 0, tasks of
 * it that are held back, its deadline or AGENTCG_NONE.
 */
__s32 agentcg_bpf_task_class(struct task_struct *task) __ksym __weak;
__u32 agentcg_bpf_task_weight(struct task_struct *task) __ksym __weak;
__u32 agentcg_bpf_task_pressure(struct task_struct *task) __ksym __weak;
__u64 agentcg_bpf_task_deadline(struct task_struct *task) __ksym __weak;
__u64 agentcg_bpf_task_conflict(struct task_struct *task) __ksym __weak;
__u64 agentcg_bpf_task_jitter(struct task_struct *task) __ksym __weak;

/*
 * For members of struct sched_ext_ops, and of policies: the task has run for @ran ns, before that
 * it waited for @waited ns, and was on another processor if it has @moved.  For the
 * receipt of the call that it is in.
 */
void agentcg_bpf_task_ran(struct task_struct *task, __u64 ran, __u64 waited,
			  bool moved) __ksym __weak;

/*
 * For the same: the current task is rescheduled when it goes to user mode. For task work,
 * which is done on the way there.
 */
void agentcg_bpf_resched(void) __ksym __weak;

/* Mutators: only for members of struct agentcg_policy_ops. */

/*
 * From over_high, what goes with the verdict.  @bytes: how much to grant beyond
 * what is needed, at most 256 MiB; 0 for what the built-in policy would.  @ns: how
 * long the task then sleeps, within what its call's stall bound leaves; without
 * effect on AGENTCG_POLICY_SYNC.
 */
void agentcg_bpf_answer(struct agentcg_policy_event *event, __u64 bytes,
			__u64 ns) __ksym __weak;

/* Grant credit to a call of the session; how much it was given. */
__u64 agentcg_bpf_grant(struct agentcg_policy_event *event, __u64 id,
			__u64 bytes) __ksym __weak;
/* Take back what a call of the session holds and does not use; how much. */
__u64 agentcg_bpf_hold(struct agentcg_policy_event *event, __u64 id) __ksym __weak;
/* Tell those who listen; @value means what the policy says it means. */
void agentcg_bpf_event(struct agentcg_policy_event *event,
		       __u32 value) __ksym __weak;

/*
 * A member of a policy:
 *
 *	AGENTCG_POLICY_OP(my_over_high, struct agentcg_policy_event *event)
 *	{
 *		return AGENTCG_POLICY_DEFAULT;
 *	}
 */
#define AGENTCG_POLICY_OP(name, args...) \
	SEC("struct_ops") int BPF_PROG(name, ##args)
#define AGENTCG_POLICY_OP_VOID(name, args...) \
	SEC("struct_ops") void BPF_PROG(name, ##args)

/* AGENTCG_POLICY(ops) = { .over_high = (void *)my_over_high, .name = "my" }; */
#define AGENTCG_POLICY(name) \
	SEC(".struct_ops.link") struct agentcg_policy_ops name

#endif /* AGENTCG_BPF_H */
