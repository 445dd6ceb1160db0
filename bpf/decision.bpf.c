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

/* The module's, in its present order. */
enum agentcg_stat {
	AGENTCG_STAT_GRANTS,
	AGENTCG_STAT_NATIVES,
	AGENTCG_STAT_REVOKES,
	AGENTCG_STAT_PARKS,
	AGENTCG_STAT_DEBTS,
};

/* Its counters, one set per CPU. */
extern const __u64 agentcg_stats[] __ksym;

/*
 * Set by the loader: take every call of the function. Else only those in which
 * there is something to decide: up to 6.12 every task on its way to user space
 * comes by.
 */
const volatile __u8 take_all;

/* In the order of their end. */
struct decision_sample samples[DECISION_SAMPLES];
__u32 nr_samples;

struct start {
	__u64 time;	/* 0: not one of ours */
	__u64 counts[DECISION_KINDS];
};

/* Of the CPU, which no decision leaves: preemption is off in the hook. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct start);
} starts SEC(".maps");

static __u32 is_event(void)
{
	const struct task_struct *const task = (void *)bpf_get_current_task();

	return take_all || BPF_CORE_READ(task, memcg_nr_pages_over_high);
}

#define STAT(name)	bpf_core_enum_value(enum agentcg_stat, AGENTCG_STAT_##name)

static void read_counts(__u64 counts[DECISION_KINDS])
{
	const __u64 *const stats = bpf_this_cpu_ptr(&agentcg_stats);

	counts[DECISION_NATIVE] = stats[STAT(NATIVES)];
	counts[DECISION_GRANT] = stats[STAT(GRANTS)];
	counts[DECISION_DEBT] = stats[STAT(DEBTS)];
	counts[DECISION_PARK] = stats[STAT(PARKS)];
	counts[DECISION_REVOKE] = stats[STAT(REVOKES)];
}

/* The last one that moved: a revoke moves the counter of its verdict too. */
static __u32 kind_since(const __u64 before[DECISION_KINDS])
{
	__u64 after[DECISION_KINDS];
	__u32 kind = DECISION_NONE, i;

	read_counts(after);
	for (i = DECISION_NONE + 1; i < DECISION_KINDS; i++)
		if (after[i] != before[i])
			kind = i;
	return kind;
}

SEC("fentry/agentcg_memory_over_high")
int BPF_PROG(decision_enter)
{
	const __u32 key = 0;
	struct start *const start = bpf_map_lookup_elem(&starts, &key);
	const __u32 event = is_event();

	if (!start)
		return 0;
	read_counts(start->counts);
	start->time = event ? bpf_ktime_get_ns() : 0;
	return 0;
}

SEC("fexit/agentcg_memory_over_high")
int BPF_PROG(decision_leave)
{
	const __u64 now = bpf_ktime_get_ns();
	const __u32 key = 0;
	const struct start *const start = bpf_map_lookup_elem(&starts, &key);
	__u32 nr;

	if (!start || !start->time)
		return 0;
	nr = __sync_fetch_and_add(&nr_samples, 1);
	if (nr >= DECISION_SAMPLES)
		return 0;
	samples[nr].time = now - start->time;
	samples[nr].kind = kind_since(start->counts);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
