// SPDX-License-Identifier: GPL-2.0-only
/*
 * Everything that must not load, a program each; the test loads one at a time.
 * What begins with good_ is the same without the misuse, and loads.
 */
#include <stdbool.h>

#include <agentcg/agentcg.bpf.h>

struct bpf_map;

struct task_struct {
	int pid;
} __attribute__((preserve_access_index));

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} numbers SEC(".maps");

struct element {
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct element);
} timers SEC(".maps");

static int turn(__u32 i, void *ctx)
{
	return 0;
}

static long each(struct bpf_map *map, __u32 *key, __u64 *value, void *ctx)
{
	return 0;
}

SEC("?struct_ops")
int BPF_PROG(good_policy, struct agentcg_policy_event *event)
{
	agentcg_bpf_answer(event, agentcg_bpf_grant(event, event->d.id, 4096), 0);
	return 0;
}

SEC("?struct_ops.s")
int BPF_PROG(sleepable, struct agentcg_policy_event *event)
{
	return 0;
}

SEC("?struct_ops")
int BPF_PROG(loops, struct agentcg_policy_event *event)
{
	bpf_loop(1 << 20, turn, NULL, 0);
	return 0;
}

SEC("?struct_ops")
int BPF_PROG(walks_map, struct agentcg_policy_event *event)
{
	bpf_for_each_map_elem(&numbers, each, NULL, 0);
	return 0;
}

SEC("?struct_ops")
int BPF_PROG(arms_timer, struct agentcg_policy_event *event)
{
	const __u32 key = 0;
	struct element *element = bpf_map_lookup_elem(&timers, &key);

	if (element)
		bpf_timer_init(&element->timer, &timers, 1);
	return 0;
}

SEC("?struct_ops")
int BPF_PROG(writes_usage, struct agentcg_policy_event *event)
{
	event->d.usage = 0;
	return 0;
}

/* An event that is none. */
SEC("?struct_ops")
int BPF_PROG(forges_event, struct agentcg_policy_event *event)
{
	struct agentcg_policy_event forged = { };

	return agentcg_bpf_grant(&forged, 1, 4096);
}

SEC("?struct_ops")
int BPF_PROG(shifts_event, struct agentcg_policy_event *event)
{
	return agentcg_bpf_grant((void *)event + 8, 1, 4096);
}

SEC("?struct_ops")
int BPF_PROG(no_event, struct agentcg_policy_event *event)
{
	return agentcg_bpf_grant(NULL, 1, 4096);
}

/* Mutators from others; that the event is missing is found out later. */
SEC("?tp_btf/sched_switch")
int BPF_PROG(grant_tracing, bool preempt, struct task_struct *prev,
	     struct task_struct *next)
{
	agentcg_bpf_grant(NULL, 1, 4096);
	return 0;
}

SEC("?tp_btf/sched_switch")
int BPF_PROG(ran_tracing, bool preempt, struct task_struct *prev,
	     struct task_struct *next)
{
	agentcg_bpf_task_ran(next, 1, 1, true);
	return 0;
}

SEC("?tp_btf/sched_switch")
int BPF_PROG(resched_tracing, bool preempt, struct task_struct *prev,
	     struct task_struct *next)
{
	agentcg_bpf_resched();
	return 0;
}

SEC("?fentry/agentcg_memory_over_high")
int BPF_PROG(hold_fentry)
{
	agentcg_bpf_hold(NULL, 1);
	return 0;
}

SEC("?perf_event")
int event_perf(void *ctx)
{
	agentcg_bpf_event(NULL, 1);
	return 0;
}

SEC("?syscall")
int grant_syscall(void *ctx)
{
	agentcg_bpf_grant(NULL, 1, 4096);
	return 0;
}

/* Somebody else's struct_ops, which is called with a socket's lock held. */
struct sock;

SEC("?struct_ops")
void BPF_PROG(grant_tcp, struct sock *sk)
{
	agentcg_bpf_grant(NULL, 1, 4096);
}

struct tcp_congestion_ops {
	void (*init)(struct sock *sk);
	char name[16];
} __attribute__((preserve_access_index));

SEC("?.struct_ops.link")
struct tcp_congestion_ops ops_grant_tcp = {
	.init = (void *)grant_tcp,
	.name = "agentcg_misuse",
};

#define MISUSE(program) \
	SEC("?.struct_ops.link") struct agentcg_policy_ops ops_##program = { \
		.over_high = (void *)program, \
		.name = #program, \
	}

MISUSE(good_policy);
MISUSE(sleepable);
MISUSE(loops);
MISUSE(walks_map);
MISUSE(arms_timer);
MISUSE(writes_usage);
MISUSE(forges_event);
MISUSE(shifts_event);
MISUSE(no_event);

char LICENSE[] SEC("license") = "GPL";
