// SPDX-License-Identifier: GPL-2.0-only
/* How a call came to its end, see cause.h. */

#include "common.h"

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <linux/user_namespace.h>

#include "cause.h"
#include "session.h"
#include "tool.h"

/*
 * Names of those who kill when memory is short.  A name proves little, so it
 * counts only from a sender that may kill anybody on the machine.
 */
static const char *const oom_killers[] = {
	"systemd-oomd", "oomd", "earlyoom", "nohang",
};

/**
 * agentcg_process_take - write down a process
 * @process: filled, but for its size; the caller drops it
 * @task: any thread of it, alive
 *
 * Context: any.
 */
void agentcg_process_take(struct agentcg_process *const process,
			  struct task_struct *const task)
{
	guard(rcu)();
	process->pid = get_pid(task_tgid(task));
	process->uid = task_uid(task);
	/* A name that changes meanwhile is cut, never unterminated. */
	strscpy_pad(process->comm, task->group_leader->comm);
}

/* Bytes resident of the task's process, 0 when its memory has gone; any context. */
u64 agentcg_process_size(struct task_struct *const task)
{
	u64 size = 0;

	task_lock(task);
	if (task->mm)
		size = (u64)get_mm_rss(task->mm) << PAGE_SHIFT;
	task_unlock(task);
	return size;
}

/* Drops the reference of agentcg_process_take(); any context. */
void agentcg_process_drop(struct agentcg_process *const process)
{
	put_pid(process->pid);
	process->pid = NULL;
}

/* Sent by a process, which is the current one; not by the kernel for itself. */
static bool is_from_process(const struct kernel_siginfo *const info)
{
	if (info == SEND_SIG_NOINFO)
		return true;
	if (info == SEND_SIG_PRIV)
		return false;
	return info->si_code == SI_USER || info->si_code == SI_QUEUE ||
	       info->si_code == SI_TKILL;
}

static bool is_oom_killer(const struct agentcg_process *const sender)
{
	const struct cred *const cred = current_cred();

	return cred->user_ns == &init_user_ns &&
	       cap_raised(cred->cap_effective, CAP_KILL) &&
	       match_string(oom_killers, ARRAY_SIZE(oom_killers),
			    sender->comm) >= 0;
}

/**
 * agentcg_cause_signal - a signal has sealed the end of a process
 * @tool: the call that the process is in
 * @sig: the signal
 * @info: as the kernel has it: where it comes from
 * @task: a thread of the process
 * @insider: whoever sent it is in the same call
 *
 * The first process of the call comes before others, and of others only those
 * count whom somebody from outside has ended: a shell that ends its children is
 * the call's own business.
 *
 * Context: the task's siglock is held, interrupts are off.
 */
void agentcg_cause_signal(struct agentcg_tool *const tool, const int sig,
			  const struct kernel_siginfo *const info,
			  struct task_struct *const task, const bool insider)
{
	struct agentcg_killer *const killer = &tool->evidence.killer;
	const bool from_process = is_from_process(info);
	bool of_leader;

	guard(spinlock_irqsave)(&tool->d.session->lock);
	of_leader = tool->leader == task->signal;
	if (killer->of_leader || (killer->signal && !of_leader))
		return;
	/* The kernel ends others by OOM kills, and by our own request. */
	if (!of_leader && (insider || !from_process))
		return;
	agentcg_process_drop(&killer->sender);
	agentcg_process_drop(&killer->victim);
	killer->signal = sig;
	killer->time = ktime_get_boottime_ns();
	killer->of_leader = of_leader;
	agentcg_process_take(&killer->victim, task);
	killer->oom_killer = false;
	if (!from_process)
		return;
	agentcg_process_take(&killer->sender, current);
	killer->oom_killer = !insider && is_oom_killer(&killer->sender);
}

/* The current task has had the call killed, as the first to do so. */
void agentcg_cause_request(struct agentcg_tool *const tool)
{
	guard(spinlock_irqsave)(&tool->d.session->lock);
	agentcg_process_take(&tool->evidence.requester, current);
	tool->evidence.requested = ktime_get_boottime_ns();
}

/* Who has sent what ended the first process; NULL when it is not known. */
static const struct agentcg_killer *
leader_killer(const struct agentcg_tool *const tool)
{
	const struct agentcg_killer *const killer = &tool->evidence.killer;

	return killer->of_leader &&
	       killer->signal == (tool->stats.wait_status & 0x7f) ?
	       killer : NULL;
}

/* The kernel's own SIGKILL has ended the first process. */
static enum agentcg_cause kernel_kill(const struct agentcg_tool *const tool)
{
	const struct agentcg_oom *const oom = &tool->evidence.oom;
	const int killed = atomic_read(&tool->killed);

	/* Or what the kernel began was finished by us. */
	if (oom->of_leader || killed == AGENTCG_CAUSE_OOM)
		return oom->time ? oom->level : AGENTCG_CAUSE_OOM;
	return killed && killed != AGENTCG_CAUSE_EXIT ? killed :
							AGENTCG_CAUSE_SIGNAL;
}

/**
 * agentcg_cause_of - how a call has come to its end
 * @tool: any
 *
 * Decided by the end of its first process, also when others go on.
 *
 * Context: the session's lock is held, or the call has ended.
 * Return: AGENTCG_CAUSE_RUNNING while the first process lives.
 */
enum agentcg_cause agentcg_cause_of(const struct agentcg_tool *const tool)
{
	const int sig = tool->stats.wait_status & 0x7f;
	const struct agentcg_killer *killer;

	if (!tool->leader_done && !tool->stats.end)
		return AGENTCG_CAUSE_RUNNING;
	if (!tool->had_leader)
		return AGENTCG_CAUSE_EMPTY;
	/* Without a leader's end, it was given up while it ran. */
	if (!tool->leader_done || !sig)
		return AGENTCG_CAUSE_EXIT;
	killer = leader_killer(tool);
	if (killer && killer->sender.pid)
		return killer->oom_killer ? AGENTCG_CAUSE_OOM_USER_SPACE :
					    AGENTCG_CAUSE_SIGNAL;
	return sig == SIGKILL ? kernel_kill(tool) : AGENTCG_CAUSE_SIGNAL;
}

/*
 * Whether the killer says anything that cause and OOM kill do not.  The
 * session's lock is held, or the call has ended.
 */
bool agentcg_cause_tells_killer(const struct agentcg_tool *const tool)
{
	const struct agentcg_killer *const killer = &tool->evidence.killer;

	if (!killer->signal)
		return false;
	if (!killer->of_leader || killer->sender.pid)
		return true;
	/* A signal that the process may have survived. */
	if (!leader_killer(tool))
		return false;
	return agentcg_cause_of(tool) == AGENTCG_CAUSE_SIGNAL;
}

/* Drops what the evidence refers to; any context. */
void agentcg_evidence_drop(struct agentcg_evidence *const evidence)
{
	agentcg_process_drop(&evidence->killer.sender);
	agentcg_process_drop(&evidence->killer.victim);
	agentcg_process_drop(&evidence->requester);
	agentcg_process_drop(&evidence->oom.culprit);
}
