/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What has other names, or is elsewhere, in other kernels; each with the release that
 * changed it.  What a kernel does not have is found by its name or its member when the
 * scheduler is loaded, and the verifier leaves out the other way.
 */
#ifndef AGENTCG_SCHED_COMPAT_H
#define AGENTCG_SCHED_COMPAT_H

#include "kernel.h"

/*
 * v6.13: scx_bpf_dispatch() became scx_bpf_dsq_insert(), and scx_bpf_consume()
 * scx_bpf_dsq_move_to_local().  v6.19 and v7.1 have them in another form with ___v2 at
 * the end of the name, and will drop the first.  What follows a further ___ is not
 * part of a name.
 */
bool scx_bpf_dsq_insert___v2___agentcg(struct task_struct *p, __u64 dsq_id, __u64 slice,
				       __u64 enq_flags) __ksym __weak;
void scx_bpf_dsq_insert___agentcg(struct task_struct *p, __u64 dsq_id, __u64 slice,
				  __u64 enq_flags) __ksym __weak;
void scx_bpf_dispatch___agentcg(struct task_struct *p, __u64 dsq_id, __u64 slice,
				__u64 enq_flags) __ksym __weak;
bool scx_bpf_dsq_move_to_local___v2___agentcg(__u64 dsq_id, __u64 enq_flags) __ksym __weak;
bool scx_bpf_dsq_move_to_local___agentcg(__u64 dsq_id) __ksym __weak;
bool scx_bpf_consume___agentcg(__u64 dsq_id) __ksym __weak;

static void dsq_insert(struct task_struct *p, const __u64 dsq_id, const __u64 slice,
		       const __u64 enq_flags)
{
	if (bpf_ksym_exists(scx_bpf_dsq_insert___v2___agentcg))
		scx_bpf_dsq_insert___v2___agentcg(p, dsq_id, slice, enq_flags);
	else if (bpf_ksym_exists(scx_bpf_dsq_insert___agentcg))
		scx_bpf_dsq_insert___agentcg(p, dsq_id, slice, enq_flags);
	else
		scx_bpf_dispatch___agentcg(p, dsq_id, slice, enq_flags);
}

static bool dsq_move_to_local(const __u64 dsq_id)
{
	if (bpf_ksym_exists(scx_bpf_dsq_move_to_local___v2___agentcg))
		return scx_bpf_dsq_move_to_local___v2___agentcg(dsq_id, 0);
	if (bpf_ksym_exists(scx_bpf_dsq_move_to_local___agentcg))
		return scx_bpf_dsq_move_to_local___agentcg(dsq_id);
	return scx_bpf_consume___agentcg(dsq_id);
}

#pragma clang attribute push(__attribute__((preserve_access_index)), \
			     apply_to = record)

/* In ns, as the kernel's own scheduler has it. */
struct cfs_bandwidth {
	__u64 period;
	__u64 quota;
	__u64 burst;
};

/* Until v6.17 there is no scx in it, until v6.19 no idle in that. */
struct task_group___before {
	__u32 scx_weight;
	int idle;
	struct cfs_bandwidth cfs_bandwidth;
};

#pragma clang attribute pop

#define BEFORE(tg)	((const struct task_group___before *)(const void *)(tg))

/* cpu.weight of a group. */
static __u32 tg_weight(const struct task_group *tg)
{
	if (bpf_core_field_exists(tg->scx.weight))
		return tg->scx.weight ?: 1;
	return BEFORE(tg)->scx_weight ?: 1;
}

/* cpu.idle of a group. */
static bool tg_idle(const struct task_group *tg)
{
	if (bpf_core_field_exists(tg->scx.idle))
		return tg->scx.idle;
	return BEFORE(tg)->idle > 0;
}

/* cpu.max and cpu.max.burst of a group, us; ~0 is no quota. */
struct tg_bandwidth {
	__u64 quota;
	__u64 period;
	__u64 burst;
};

static __always_inline struct tg_bandwidth tg_bandwidth(const struct task_group *tg)
{
	struct tg_bandwidth bandwidth = { .quota = ~0ULL };

	if (bpf_core_field_exists(tg->scx.bw_quota_us)) {
		bandwidth.quota = tg->scx.bw_quota_us;
		bandwidth.period = tg->scx.bw_period_us;
		bandwidth.burst = tg->scx.bw_burst_us;
	} else if (bpf_core_field_exists(BEFORE(tg)->cfs_bandwidth.quota) &&
		   BEFORE(tg)->cfs_bandwidth.quota != ~0ULL) {
		bandwidth.quota = BEFORE(tg)->cfs_bandwidth.quota / 1000;
		bandwidth.period = BEFORE(tg)->cfs_bandwidth.period / 1000;
		bandwidth.burst = BEFORE(tg)->cfs_bandwidth.burst / 1000;
	}
	return bandwidth;
}

#endif /* AGENTCG_SCHED_COMPAT_H */
