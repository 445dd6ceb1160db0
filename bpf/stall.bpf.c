// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long charges to a cgroup and all below it are held in the kernel: by the
 * over-high throttle, by reclaim, by agentcg's park. The same program measures
 * with and without agentcg, so that the figures can be compared.
 *
 * The kernel types are declared here, as far as they are used, so that one
 * object runs on every kernel.
 */
#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

#include "stall.h"

/* Tasks that are held at the same time. */
#define TASKS_MAX	8192

/* Tries to replace the longest time; another CPU must win each of them. */
#define RACES_MAX	16

struct task_struct {
	unsigned int memcg_nr_pages_over_high;
} __attribute__((preserve_access_index));

struct hold {
	__u64 start;
	__u32 inside;	/* bits of enum stall_kind */
	__u32 kind;	/* the outermost */
};

/* Set by the loader. */
const volatile __u64 root_id;
const volatile __u32 root_level;

/* Preallocated: entries are made while memory is short. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, TASKS_MAX);
	__type(key, __u32);
	__type(value, struct hold);
} holds SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, STALL_KINDS * STALL_BUCKETS);
	__type(key, __u32);
	__type(value, __u64);
} histogram SEC(".maps");

__u64 longest[STALL_KINDS];
__u64 total[STALL_KINDS];
__u64 lost;

static bool in_root(void)
{
	return bpf_get_current_ancestor_cgroup_id(root_level) == root_id;
}

static void enter(const __u32 kind)
{
	const __u32 tid = (__u32)bpf_get_current_pid_tgid();
	struct hold *hold = bpf_map_lookup_elem(&holds, &tid);
	struct hold first = { .kind = kind, .inside = 1u << kind };

	if (hold) {
		hold->inside |= 1u << kind;
		return;
	}
	if (!in_root())
		return;
	first.start = bpf_ktime_get_ns();
	if (bpf_map_update_elem(&holds, &tid, &first, BPF_ANY))
		__sync_fetch_and_add(&lost, 1);
}

static __u32 log2_of(__u64 value)
{
	__u32 log = 0, step;

	for (step = 32; step; step >>= 1) {
		if (!(value >> step))
			continue;
		value >>= step;
		log += step;
	}
	return log;
}

static __u32 bucket_of(const __u64 ns)
{
	__u32 log, bucket;

	if (!(ns >> STALL_MANTISSA))
		return ns;
	log = log2_of(ns);
	bucket = (log - STALL_MANTISSA) << STALL_MANTISSA;
	bucket += ns >> (log - STALL_MANTISSA);
	return bucket < STALL_BUCKETS ? bucket : STALL_BUCKETS - 1;
}

static void count(const __u32 kind, const __u64 ns)
{
	const __u32 key = kind * STALL_BUCKETS + bucket_of(ns);
	__u64 *const slot = bpf_map_lookup_elem(&histogram, &key);
	__u64 old;
	int i;

	if (!slot || kind >= STALL_KINDS)
		return;
	__sync_fetch_and_add(slot, 1);
	__sync_fetch_and_add(&total[kind], ns);
	old = longest[kind];
	for (i = 0; i < RACES_MAX && old < ns; i++)
		old = __sync_val_compare_and_swap(&longest[kind], old, ns);
}

static void leave(const __u32 kind)
{
	const __u32 tid = (__u32)bpf_get_current_pid_tgid();
	struct hold *const hold = bpf_map_lookup_elem(&holds, &tid);

	/* Nothing when it was entered before the program was attached. */
	if (!hold || !(hold->inside & (1u << kind)))
		return;
	hold->inside &= ~(1u << kind);
	if (hold->inside)
		return;
	count(hold->kind, bpf_ktime_get_ns() - hold->start);
	bpf_map_delete_elem(&holds, &tid);
}

/*
 * The over-high function has another name in 7.x: the loader sets it. Up to
 * 6.12 every task on its way to user space comes here, hence the counter.
 */
SEC("fentry/mem_cgroup_handle_over_high")
int BPF_PROG(over_high_enter)
{
	const struct task_struct *const task = (void *)bpf_get_current_task();

	if (BPF_CORE_READ(task, memcg_nr_pages_over_high))
		enter(STALL_OVER_HIGH);
	return 0;
}

SEC("fexit/mem_cgroup_handle_over_high")
int BPF_PROG(over_high_leave)
{
	leave(STALL_OVER_HIGH);
	return 0;
}

SEC("tp_btf/mm_vmscan_memcg_reclaim_begin")
int BPF_PROG(memcg_reclaim_enter)
{
	enter(STALL_MEMCG_RECLAIM);
	return 0;
}

SEC("tp_btf/mm_vmscan_memcg_reclaim_end")
int BPF_PROG(memcg_reclaim_leave)
{
	leave(STALL_MEMCG_RECLAIM);
	return 0;
}

SEC("tp_btf/mm_vmscan_direct_reclaim_begin")
int BPF_PROG(direct_reclaim_enter)
{
	enter(STALL_DIRECT_RECLAIM);
	return 0;
}

SEC("tp_btf/mm_vmscan_direct_reclaim_end")
int BPF_PROG(direct_reclaim_leave)
{
	leave(STALL_DIRECT_RECLAIM);
	return 0;
}

/* Of agentcg's module; not loaded where that is not. */
SEC("fentry/park_work_fn")
int BPF_PROG(park_enter)
{
	enter(STALL_PARK);
	return 0;
}

SEC("fexit/park_work_fn")
int BPF_PROG(park_leave)
{
	leave(STALL_PARK);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
