// SPDX-License-Identifier: GPL-2.0-only
/* Asks the module about a task and a cgroup, from several kinds of programs. */
#include <stdbool.h>

#include <agentcg/agentcg.bpf.h>

#include "readers.h"

struct task_struct {
	int tgid;
} __attribute__((preserve_access_index));

/* Known as a struct, or it does not match what the function takes. */
struct cgroup {
	int level;
} __attribute__((preserve_access_index));

/* Of the process that is asked about. */
const volatile int wanted;

/* A section each, so that the test finds them. */
struct answers of_syscall SEC(".data.syscall");
struct answers of_switch SEC(".data.switch");

static void ask(struct task_struct *task, struct answers *answers)
{
	answers->domain = agentcg_bpf_task_domain(task);
	answers->class = agentcg_bpf_task_class(task);
	answers->weight = agentcg_bpf_task_weight(task);
	answers->pressure = agentcg_bpf_task_pressure(task);
	answers->deadline = agentcg_bpf_task_deadline(task);
	answers->conflict = agentcg_bpf_task_conflict(task);
	answers->err = agentcg_bpf_domain_info(answers->domain, &answers->info,
					       sizeof(answers->info));
	answers->unknown = agentcg_bpf_domain_info(1, &answers->scratch,
						   sizeof(answers->scratch));
	answers->asked++;
}

SEC("syscall")
int ask_syscall(void *ctx)
{
	ask(bpf_get_current_task_btf(), &of_syscall);
	return 0;
}

/* With the lock of a runqueue held. */
SEC("tp_btf/sched_switch")
int BPF_PROG(ask_switch, bool preempt, struct task_struct *prev,
	     struct task_struct *next)
{
	if (next->tgid == wanted)
		ask(next, &of_switch);
	return 0;
}

/* The cgroup itself, where a program is given one. */
SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(ask_mkdir, struct cgroup *cgrp, const char *path)
{
	of_switch.of_cgroup = agentcg_bpf_cgroup_domain(cgrp);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
