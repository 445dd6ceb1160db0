/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a call is told of the processors that it had, for its receipt: whenever one of
 * its tasks stops, and at ticks, for one that is alone may never stop.
 */
#ifndef AGENTCG_SCHED_REPORT_H
#define AGENTCG_SCHED_REPORT_H

#include "task.h"

/**
 * struct report - of a task since the last one
 * @ran: ns
 * @waited: ns before that
 * @moved: it was elsewhere before
 * @wanted: it is in a call
 */
struct report {
	__u64 ran;
	__u64 waited;
	bool moved;
	bool wanted;
};

/* Under tree_lock; it is sent after that. */
static struct report report_of(struct task __arena *task, const struct task_struct *p)
{
	const __u64 total = p->se.sum_exec_runtime;
	const struct report report = {
		.ran = total - task->told,
		.waited = task->waited,
		.moved = task->moved,
		.wanted = task->class >= 0,
	};

	task->told = total;
	task->waited = 0;
	task->moved = 0;
	return report;
}

/* Since v6.16 the module can tell who is a scheduler, and listens to nobody else. */
static bool may_report(void)
{
	return bpf_core_field_exists(struct bpf_prog_aux, st_ops) &&
	       bpf_ksym_exists(agentcg_bpf_task_ran);
}

static void report_send(struct task_struct *p, const struct report *report)
{
	if (report->wanted && may_report())
		agentcg_bpf_task_ran(p, report->ran, report->waited, report->moved);
}

#endif /* AGENTCG_SCHED_REPORT_H */
