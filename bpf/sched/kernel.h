/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the scheduler uses of the kernel: members by CO-RE, functions by name, flags
 * by value.  sched_ext keeps the values as long as there are programs that use them.
 */
#ifndef AGENTCG_SCHED_KERNEL_H
#define AGENTCG_SCHED_KERNEL_H

#include <linux/errno.h>
#include <stdbool.h>

#include <agentcg/agentcg.bpf.h>

#define SCX_DSQ_GLOBAL		((1ULL << 63) | 1)
#define SCX_DSQ_LOCAL		((1ULL << 63) | 2)
#define SCX_ENQ_WAKEUP		1ULL
#define SCX_ENQ_LAST		(1ULL << 41)
#define SCX_KICK_IDLE		1ULL
#define SCX_KICK_PREEMPT	2ULL
#define SCX_OPS_ENQ_LAST	2ULL
#define SCX_OPS_ENQ_EXITING	4ULL
#define SCX_OPS_SWITCH_PARTIAL	8ULL
#define SCX_TASK_QUEUED		1U

#define PF_EXITING		4U
#define SCHED_IDLE		5
#define CLOCK_MONOTONIC		1
#define NUMA_NO_NODE		(-1)

#pragma clang attribute push(__attribute__((preserve_access_index)), \
			     apply_to = record)

struct kernfs_node {
	__u64 id;
};

struct cgroup {
	struct kernfs_node *kn;
};

struct cgroup_subsys_state {
	struct cgroup *cgroup;
};

struct scx_task_group {
	__u32 weight;
	__u64 bw_period_us;
	__u64 bw_quota_us;
	__u64 bw_burst_us;
	bool idle;
};

struct task_group {
	struct cgroup_subsys_state css;
	struct scx_task_group scx;
	struct task_group *parent;
};

struct sched_entity {
	__u64 sum_exec_runtime;
};

struct sched_ext_entity {
	__u32 flags;
	__u32 weight;
	__u64 slice;
};

struct cpumask {
	unsigned long bits[1];
};

struct task_struct {
	unsigned int flags;
	int pid;
	unsigned int policy;
	int nr_cpus_allowed;
	const struct cpumask *cpus_ptr;
	struct cpumask cpus_mask;
	struct sched_entity se;
	struct sched_ext_entity scx;
	struct task_group *sched_task_group;
};

struct pt_regs {
	unsigned long cs;
};

struct bpf_prog_aux {
	const void *st_ops;
};

struct bpf_map {
	__u32 id;
};

enum scx_exit_kind {
	SCX_EXIT_NONE,
};

struct scx_exit_info {
	enum scx_exit_kind kind;
	const char *reason;
	char *msg;
};

#pragma clang attribute pop

struct scx_init_task_args;
struct scx_exit_task_args;

/* The members that are ours; what is left out here is left out of the scheduler. */
struct sched_ext_ops {
	__s32 (*select_cpu)(struct task_struct *p, __s32 prev_cpu, __u64 wake_flags);
	void (*enqueue)(struct task_struct *p, __u64 enq_flags);
	void (*dequeue)(struct task_struct *p, __u64 deq_flags);
	void (*dispatch)(__s32 cpu, struct task_struct *prev);
	void (*tick)(struct task_struct *p);
	void (*runnable)(struct task_struct *p, __u64 enq_flags);
	void (*running)(struct task_struct *p);
	void (*stopping)(struct task_struct *p, bool runnable);
	void (*quiescent)(struct task_struct *p, __u64 deq_flags);
	void (*cgroup_set_weight)(struct cgroup *cgrp, __u32 weight);
	/* v6.17 and v6.19; the loader leaves out what a kernel does not have. */
	void (*cgroup_set_bandwidth)(struct cgroup *cgrp, __u64 period_us, __u64 quota_us,
				     __u64 burst_us);
	void (*cgroup_set_idle)(struct cgroup *cgrp, bool idle);
	void (*cpu_online)(__s32 cpu);
	void (*cpu_offline)(__s32 cpu);
	__s32 (*init_task)(struct task_struct *p, struct scx_init_task_args *args);
	void (*exit_task)(struct task_struct *p, struct scx_exit_task_args *args);
	__s32 (*init)(void);
	void (*exit)(struct scx_exit_info *info);
	__u64 flags;
	__u32 timeout_ms;
	char name[128];
};

__s32 scx_bpf_create_dsq(__u64 dsq_id, __s32 node) __ksym;
void scx_bpf_dispatch_cancel(void) __ksym;
__s32 scx_bpf_select_cpu_dfl(struct task_struct *p, __s32 prev_cpu,
			     __u64 wake_flags, bool *is_idle) __ksym;
__s32 scx_bpf_pick_idle_cpu(const struct cpumask *cpus_allowed, __u64 flags) __ksym;
void scx_bpf_kick_cpu(__s32 cpu, __u64 flags) __ksym;
__u32 scx_bpf_nr_cpu_ids(void) __ksym;
const struct cpumask *scx_bpf_get_online_cpumask(void) __ksym;
void scx_bpf_put_cpumask(const struct cpumask *cpumask) __ksym;
__s32 scx_bpf_task_cpu(const struct task_struct *p) __ksym;
struct task_struct *bpf_task_from_pid(__s32 pid) __ksym;
void bpf_task_release(struct task_struct *p) __ksym;
bool bpf_cpumask_test_cpu(__u32 cpu, const struct cpumask *cpumask) __ksym;
bool bpf_cpumask_subset(const struct cpumask *a, const struct cpumask *b) __ksym;

/* The registers that an interrupt found, of each processor. */
extern struct pt_regs *__irq_regs __ksym;

#ifndef HAVE_BPF_TASK_WORK
struct bpf_task_work {
	__u64 __opaque;
} __attribute__((aligned(8)));
#endif

/* v6.18; until v7.0 it had one argument more, and is taken for absent. */
int bpf_task_work_schedule_resume(struct task_struct *task, struct bpf_task_work *tw,
				  void *map__const_map,
				  int (*callback)(struct bpf_map *map, void *key,
						  void *value)) __ksym __weak;

#endif /* AGENTCG_SCHED_KERNEL_H */
