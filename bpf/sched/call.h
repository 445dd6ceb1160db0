/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the module knows of the call that a task is in.  Its class and weight are in
 * the files of its cgroup as well; what changes from moment to moment is not: a call
 * that is held back for memory has less to do than to reclaim it, at the cost of its
 * neighbours, and one that is near its deadline has little time left.
 */
#ifndef AGENTCG_SCHED_CALL_H
#define AGENTCG_SCHED_CALL_H

#include "types.h"

/* Of its weight, for a call under memory pressure. */
#define PRESSED_PERCENT		25

/* So long before its deadline a call is favoured, up to so much more. */
#define NEAR_NS			(10 * 1000 * NSEC_PER_MSEC)
#define NEAR_PERCENT		300

/**
 * struct call - the call that a task is in
 * @id: of its cgroup
 * @class: enum agentcg_class, or -1 for none
 * @weight: within the class
 * @percent: of its weight that counts now
 * @conflict: what it must not share a core for, or 0
 * @jitter: of its session, ns
 */
struct call {
	__u64 id;
	__s32 class;
	__u32 weight;
	__u32 percent;
	__u64 conflict;
	__u64 jitter;
};

static __u32 percent_of(struct task_struct *p, const __u64 now)
{
	const __u64 deadline = agentcg_bpf_task_deadline(p);

	if (agentcg_bpf_task_pressure(p))
		return PRESSED_PERCENT;
	if (deadline == AGENTCG_NONE || deadline <= now || deadline - now >= NEAR_NS)
		return 100;
	return 100 + (NEAR_NS - (deadline - now)) * NEAR_PERCENT / NEAR_NS;
}

static __always_inline struct call call_of(struct task_struct *p, const __u64 now)
{
	struct call call = { .class = -1 };

	if (!bpf_ksym_exists(agentcg_bpf_task_class))
		return call;
	call.class = agentcg_bpf_task_class(p);
	if (call.class < 0)
		return call;
	call.id = agentcg_bpf_task_domain(p);
	call.weight = agentcg_bpf_task_weight(p);
	call.percent = percent_of(p, now);
	if (bpf_ksym_exists(agentcg_bpf_task_conflict))
		call.conflict = agentcg_bpf_task_conflict(p);
	if (bpf_ksym_exists(agentcg_bpf_task_jitter))
		call.jitter = agentcg_bpf_task_jitter(p);
	return call;
}

static __u32 call_weight(const struct call *call, const __u32 weight)
{
	return weight * call->percent / 100 ?: 1;
}

#endif /* AGENTCG_SCHED_CALL_H */
