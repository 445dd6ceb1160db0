// SPDX-License-Identifier: GPL-2.0-only
/*
 * Following tasks and cgroups through the kernel's tracepoints.
 *
 * The probes run with locks of the kernel held and interrupts off
 * (cgroup_rmdir even under a spinlock of the tracing code), so they do no more
 * than look up, count and mark.  Since 7.x they are protected by SRCU, not RCU:
 * each takes the RCU read lock itself.
 */

#include "common.h"

#include <linux/jiffies.h>
#include <linux/oom.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/tracepoint.h>
#include <trace/events/cgroup.h>
#include <trace/events/oom.h>
#include <trace/events/sched.h>
#include <trace/events/signal.h>
#include <trace/events/vmscan.h>

#include "cgrp.h"
#include "compat_trace.h"
#include "dirty.h"
#include "lifecycle.h"
#include "native.h"
#include "oom.h"
#include "session.h"
#include "spare.h"
#include "tool.h"

static struct agentcg_tool *tool_of(struct task_struct *const task)
{
	struct agentcg_domain *const domain =
		agentcg_domain_above(task_dfl_cgroup(task));

	return domain && domain->type == AGENTCG_DOMAIN_TOOL ?
	       agentcg_domain_to_tool(domain) : NULL;
}

/*
 * The task belongs to the call for good now, its mm is its own: an OOM kill
 * takes the whole call, and prefers it to any agent.  Not before exec for a
 * child that still shares the agent's mm, whose death would be the agent's.
 */
static void make_mortal(struct agentcg_tool *const tool,
			struct task_struct *const task)
{
	struct signal_struct *const signal = task->signal;
	s16 score;

	scoped_guard(spinlock_irqsave, &tool->d.session->lock) {
		if (!tool->d.memcg)
			return;
		agentcg_memcg_set_oom_group(tool->d.memcg);
		score = agentcg_limits_oom_score(&tool->limits);
	}
	if (signal->oom_score_adj < score)
		signal->oom_score_adj = score;
	/* Or it could lower the score again without any privilege. */
	if (signal->oom_score_adj_min < score)
		signal->oom_score_adj_min = score;
}

static void count_entry(struct agentcg_tool *const tool,
			struct task_struct *const task)
{
	guard(spinlock_irqsave)(&tool->d.session->lock);
	tool->stats.processes++;
	tool->live++;
	if (tool->had_leader || !thread_group_leader(task))
		return;
	tool->had_leader = true;
	tool->leader = task->signal;
	tool->stats.begun = ktime_get_boottime_ns();
	agentcg_deadline_begin(tool);
}

static void enter(struct agentcg_tool *const tool,
		  struct task_struct *const task)
{
	count_entry(tool, task);
	/* Born too late for the pass over the processes. */
	if (atomic_read(&tool->killed))
		send_sig_info(SIGKILL, SEND_SIG_PRIV, task);
}

static void probe_fork(void *const data, struct task_struct *const parent,
		       struct task_struct *const child)
{
	struct agentcg_tool *tool;

	guard(rcu)();
	tool = tool_of(child);
	if (!tool)
		return;
	enter(tool, child);
	/* Others inherit it from a parent in the call, or get it at exec. */
	if (child->mm != parent->mm && tool != tool_of(parent))
		make_mortal(tool, child);
}

static void probe_attach(void *const data, struct cgroup *const cgrp,
			 const char *const path, struct task_struct *const task,
			 const bool threadgroup)
{
	struct agentcg_domain *domain;

	guard(rcu)();
	domain = agentcg_domain_above(cgrp);
	if (!domain || domain->type != AGENTCG_DOMAIN_TOOL)
		return;
	enter(agentcg_domain_to_tool(domain), task);
	make_mortal(agentcg_domain_to_tool(domain), task);
}

static void probe_exec(void *const data, struct task_struct *const task,
		       const pid_t old_pid, struct linux_binprm *const bprm)
{
	struct agentcg_tool *tool;

	guard(rcu)();
	tool = tool_of(task);
	if (tool)
		make_mortal(tool, task);
}

static u32 wait_status(const struct task_struct *const leader)
{
	return leader->signal->flags & SIGNAL_GROUP_EXIT ?
	       leader->signal->group_exit_code : leader->exit_code;
}

static void forget_native(struct agentcg_tool *const tool,
			  const struct task_struct *const task)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(tool->native); i++)
		if (tool->native[i].task == task)
			tool->native[i].task = NULL;
}

/* Return: as agentcg_tool_leader_done(), false when it was another. */
static bool count_exit(struct agentcg_tool *const tool,
		       struct task_struct *const task)
{
	guard(spinlock_irqsave)(&tool->d.session->lock);
	tool->stats.cpu_time += task->se.sum_exec_runtime;
	agentcg_spare_left(tool->d.session);
	tool->live--;
	forget_native(tool, task);
	if (tool->leader != task->signal || atomic_read(&task->signal->live))
		return false;
	return agentcg_tool_leader_done(tool, wait_status(task->group_leader));
}

static void exit_task(struct task_struct *const task)
{
	struct agentcg_tool *tool;

	guard(rcu)();
	tool = tool_of(task);
	if (tool && count_exit(tool, task))
		agentcg_reap_queue(tool);
}

static void probe_exit(void *const data, AGENTCG_EXIT_ARGS)
{
	exit_task(task);
}

/*
 * The kernel goes once over the processes of an OOM group and kills each; those
 * that fork meanwhile keep it going, a fork bomb for minutes.  Once it has
 * begun with a call, whoever is born there is killed at birth.
 *
 * The first victim of a group is marked before the group is counted, the others
 * after it.  A call that is no group now, since a cgroup inside it met a limit
 * of its own, is left alone.
 */
static void probe_victim(void *const data, struct task_struct *const task,
			 const uid_t uid)
{
	struct agentcg_tool *tool;
	bool whole;

	guard(rcu)();
	tool = tool_of(task);
	if (!tool)
		return;
	agentcg_oom_victim(tool, task);
	scoped_guard(spinlock_irqsave, &tool->d.session->lock)
		whole = tool->d.memcg &&
			agentcg_memcg_oom_group_kills(tool->d.memcg);
	if (whole)
		agentcg_tool_kill(tool, AGENTCG_CAUSE_OOM);
}

/*
 * Whether a signal that has just been sent seals the end of the process.  The
 * kernel says so at once, but for those that leave a core: they wait until they
 * are taken.
 */
static bool seals_end(const struct task_struct *const task, const int sig,
		      const int result)
{
	const struct signal_struct *const signal = task->signal;
	/* Its siglock is held, so it stays. */
	const struct sighand_struct *const sighand =
		rcu_dereference_protected(task->sighand, true);

	if (signal->flags & SIGNAL_GROUP_EXIT)
		return signal->group_exit_code == sig;
	return result == TRACE_SIGNAL_DELIVERED && sig_kernel_coredump(sig) &&
	       sighand->action[sig - 1].sa.sa_handler == SIG_DFL;
}

/* The task's siglock is held: no other signal comes between. */
static void probe_signal(void *const data, const int sig,
			 struct kernel_siginfo *const info,
			 struct task_struct *const task, const int group,
			 const int result)
{
	struct agentcg_tool *tool;

	if (!seals_end(task, sig, result))
		return;
	guard(rcu)();
	tool = tool_of(task);
	if (tool)
		agentcg_cause_signal(tool, sig, info, task,
				     tool == tool_of(current));
}

static void probe_populated(void *const data, struct cgroup *const cgrp,
			    const char *const path, const int populated)
{
	struct agentcg_domain *domain;

	guard(rcu)();
	domain = agentcg_domain_find(cgroup_id(cgrp));
	if (!domain || domain->type != AGENTCG_DOMAIN_TOOL)
		return;
	guard(spinlock_irqsave)(&domain->session->lock);
	agentcg_domain_to_tool(domain)->stats.emptied =
		populated ? 0 : ktime_get_boottime_ns();
}

static void probe_rmdir(void *const data, struct cgroup *const cgrp,
			const char *const path)
{
	struct agentcg_domain *domain;

	guard(rcu)();
	domain = agentcg_domain_find(cgroup_id(cgrp));
	if (!domain || domain->cgrp != cgrp)
		return;
	switch (domain->type) {
	case AGENTCG_DOMAIN_SESSION:
		agentcg_session_gone(domain->session);
		break;
	case AGENTCG_DOMAIN_AGENT:
		agentcg_session_agent_gone(domain);
		break;
	case AGENTCG_DOMAIN_TOOL:
		agentcg_tool_end(agentcg_domain_to_tool(domain));
		break;
	}
}

static void probe_reclaim_begin(void *const data, AGENTCG_RECLAIM_BEGIN_ARGS)
{
	guard(rcu)();
	agentcg_native_begins();
}

static void probe_reclaim_end(void *const data, AGENTCG_RECLAIM_END_ARGS)
{
	guard(rcu)();
	agentcg_native_ends(nr_reclaimed);
}

/**
 * struct probe - a tracepoint that is followed
 * @name: of the tracepoint
 * @fn: what is called; its type is checked against the tracepoint's below
 * @tp: the tracepoint while @fn is registered
 */
struct probe {
	const char *name;
	void *fn;
	struct tracepoint *tp;
};

enum {
	PROBE_FORK,
	PROBE_ATTACH,
	PROBE_EXEC,
	PROBE_EXIT,
	PROBE_VICTIM,
	PROBE_SIGNAL,
	PROBE_POPULATED,
	PROBE_RMDIR,
	PROBE_RECLAIM_BEGIN,
	PROBE_RECLAIM_END,
	PROBE_DIRTY,
};

static struct probe probes[] = {
	[PROBE_FORK] = { "sched_process_fork", probe_fork },
	[PROBE_ATTACH] = { "cgroup_attach_task", probe_attach },
	[PROBE_EXEC] = { "sched_process_exec", probe_exec },
	[PROBE_EXIT] = { "sched_process_exit", probe_exit },
	[PROBE_VICTIM] = { "mark_victim", probe_victim },
	[PROBE_SIGNAL] = { "signal_generate", probe_signal },
	[PROBE_POPULATED] = { "cgroup_notify_populated", probe_populated },
	[PROBE_RMDIR] = { "cgroup_rmdir", probe_rmdir },
	[PROBE_RECLAIM_BEGIN] = { "mm_vmscan_memcg_reclaim_begin",
				  probe_reclaim_begin },
	[PROBE_RECLAIM_END] = { "mm_vmscan_memcg_reclaim_end",
				probe_reclaim_end },
	[PROBE_DIRTY] = { "balance_dirty_pages", agentcg_dirty_probe },
};

/* The kernel's own check of each probe's type, at compile time. */
static void __maybe_unused check_types(void)
{
	check_trace_callback_type_sched_process_fork(probe_fork);
	check_trace_callback_type_cgroup_attach_task(probe_attach);
	check_trace_callback_type_sched_process_exec(probe_exec);
	check_trace_callback_type_sched_process_exit(probe_exit);
	check_trace_callback_type_mark_victim(probe_victim);
	check_trace_callback_type_signal_generate(probe_signal);
	check_trace_callback_type_cgroup_notify_populated(probe_populated);
	check_trace_callback_type_cgroup_rmdir(probe_rmdir);
	check_trace_callback_type_mm_vmscan_memcg_reclaim_begin(probe_reclaim_begin);
	check_trace_callback_type_mm_vmscan_memcg_reclaim_end(probe_reclaim_end);
}

bool agentcg_lifecycle_watches_reclaim(void)
{
	return probes[PROBE_RECLAIM_BEGIN].tp && probes[PROBE_RECLAIM_END].tp;
}

static void find_tracepoint(struct tracepoint *const tp, void *const priv)
{
	struct probe *const probe = priv;

	if (!strcmp(tp->name, probe->name))
		probe->tp = tp;
}

static int register_probe(struct probe *const probe)
{
	int err;

	for_each_kernel_tracepoint(find_tracepoint, probe);
	if (!probe->tp)
		return -ENOENT;
	err = tracepoint_probe_register(probe->tp, probe->fn, NULL);
	if (err)
		probe->tp = NULL;
	return err;
}

/**
 * agentcg_lifecycle_init - follow tasks and cgroups
 *
 * Return: 0, or an error when one that the module cannot do without is
 * missing.  Without those of reclaim, native verdicts are not given; without
 * that of writers, nobody knows of those who are held back.
 */
int agentcg_lifecycle_init(void)
{
	size_t i;
	int err;

	for (i = 0; i < ARRAY_SIZE(probes); i++) {
		err = register_probe(&probes[i]);
		if (!err || i >= PROBE_RECLAIM_BEGIN)
			continue;
		pr_err("tracepoint %s cannot be followed (error %d)\n",
		       probes[i].name, err);
		agentcg_lifecycle_exit();
		return err;
	}
	return 0;
}

void agentcg_lifecycle_exit(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(probes); i++) {
		if (!probes[i].tp)
			continue;
		tracepoint_probe_unregister(probes[i].tp, probes[i].fn, NULL);
		probes[i].tp = NULL;
	}
	/* Nobody is in a probe any more when this returns. */
	tracepoint_synchronize_unregister();
}
