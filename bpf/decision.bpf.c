// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long each decision of agentcg takes, every one by itself: from the entry
 * of a function to its exit. The loader names the function; attached to an
 * empty one, the same pair tells what the measuring itself costs.
 */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

#include "decision.h"

struct task_struct {
	unsigned int memcg_nr_pages_over_high;
} __attribute__((preserve_access_index));

/*
 * Set by the loader: take every call of the function. Else only those in which
 * there is something to decide: up to 6.12 every task on its way to user space
 * comes by.
 */
const volatile __u8 take_all;

/* In the order of their end. */
__u64 samples[DECISION_SAMPLES];
__u32 nr_samples;

/* Of the CPU, which no decision leaves: preemption is off in the hook. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} starts SEC(".maps");

static __u32 is_event(void)
{
	const struct task_struct *const task = (void *)bpf_get_current_task();

	return take_all || BPF_CORE_READ(task, memcg_nr_pages_over_high);
}

SEC("fentry/agentcg_memory_over_high")
int BPF_PROG(decision_enter)
{
	const __u32 key = 0;
	__u64 *const start = bpf_map_lookup_elem(&starts, &key);
	const __u32 event = is_event();

	if (start)
		*start = event ? bpf_ktime_get_ns() : 0;
	return 0;
}

SEC("fexit/agentcg_memory_over_high")
int BPF_PROG(decision_leave)
{
	const __u64 now = bpf_ktime_get_ns();
	const __u32 key = 0;
	const __u64 *const start = bpf_map_lookup_elem(&starts, &key);
	__u32 nr;

	if (!start || !*start)
		return 0;
	nr = __sync_fetch_and_add(&nr_samples, 1);
	if (nr < DECISION_SAMPLES)
		samples[nr] = now - *start;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
