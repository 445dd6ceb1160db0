// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kfuncs, in two sets by who may call them.
 *
 * Readers are for any program in any context, also under a runqueue's lock or in
 * an NMI: loads and nothing else.  No lock, nothing that wakes, no path of a
 * cgroup.  They give numbers, not pointers, so nothing has a lifetime.
 *
 * Mutators are for members of struct agentcg_policy_ops alone, which run under
 * the lock of the session that they decide for; everybody else is refused when
 * the program is loaded.
 *
 * With them, because a module has one set for all struct_ops: what a scheduler of
 * sched_ext reports.  It gets at no mutator, having no event to hand over.
 */

#include "common.h"

#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/cgroup.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/string.h>

#include <agentcg/types.h>

#include "cgrp.h"
#include "compat_bpf.h"
#include "cpu.h"
#include "credit.h"
#include "domain.h"
#include "kfunc.h"
#include "notify.h"
#include "policy.h"
#include "session.h"
#include "struct_ops.h"
#include "tool.h"

/* Every argument is trusted since 7.0, and the flag is gone. */
#ifndef KF_TRUSTED_ARGS
#define KF_TRUSTED_ARGS	0
#endif

static u64 bytes(const unsigned long pages)
{
	return pages >= PAGE_COUNTER_MAX ? AGENTCG_NONE :
					   (u64)pages << PAGE_SHIFT;
}

static u64 free_of(const struct agentcg_account *const acct)
{
	const u64 used = READ_ONCE(acct->given_reserved) +
			 READ_ONCE(acct->given_granted) +
			 READ_ONCE(acct->residue);
	const u64 limit = READ_ONCE(acct->limit);

	return used < limit ? limit - used : 0;
}

/* When the call has to be done. */
static u64 deadline_of(const struct agentcg_tool *const tool)
{
	const u64 length = READ_ONCE(tool->limits.deadline);
	const u64 begun = READ_ONCE(tool->deadline.begun);

	return !begun || length == AGENTCG_NO_LIMIT ? AGENTCG_NONE :
						      begun + length;
}

static void describe_session(const struct agentcg_session *const session,
			     struct agentcg_domain_info *const info)
{
	info->kind = AGENTCG_KIND_SESSION;
	info->class = READ_ONCE(session->max_class);
	info->weight = READ_ONCE(session->weight);
	info->held_back = READ_ONCE(session->nr_waiting);
	info->held = READ_ONCE(session->acct.reserved) +
		     READ_ONCE(session->acct.granted);
	info->limit = READ_ONCE(session->acct.limit);
	info->free = free_of(&session->acct);
}

static void describe_agent(const struct agentcg_session *const session,
			   struct agentcg_domain_info *const info)
{
	info->kind = AGENTCG_KIND_AGENT;
	info->class = AGENTCG_CLASS_INTERACTIVE;
	info->held = READ_ONCE(session->agent_acct.granted);
	info->limit = READ_ONCE(session->acct.limit);
	info->free = free_of(&session->acct);
}

static void describe_tool(const struct agentcg_tool *const tool,
			  struct agentcg_domain_info *const info)
{
	const u64 held = READ_ONCE(tool->acct.reserved) +
			 READ_ONCE(tool->acct.granted);
	const u64 limit = READ_ONCE(tool->acct.limit);
	const u64 since = READ_ONCE(tool->held_since);
	const u64 now = ktime_get_mono_fast_ns();

	info->kind = AGENTCG_KIND_CALL;
	info->class = READ_ONCE(tool->limits.class);
	info->weight = READ_ONCE(tool->limits.weight);
	info->held_back = READ_ONCE(tool->held);
	info->held = held;
	info->limit = limit;
	info->free = min(free_of(&tool->d.session->acct),
			 limit > held ? limit - held : 0);
	info->stall = READ_ONCE(tool->stats.stall_total);
	if (info->held_back && now > since)
		info->stall += now - since;
	info->stall_bound = READ_ONCE(tool->limits.stall);
	info->deadline = deadline_of(tool);
}

/**
 * agentcg_kfunc_describe - the figures of a domain
 * @domain: live or ended; RCU read lock held
 * @info: filled
 *
 * Context: any.
 */
void agentcg_kfunc_describe(const struct agentcg_domain *const domain,
			    struct agentcg_domain_info *const info)
{
	struct mem_cgroup *const memcg = READ_ONCE(domain->memcg);

	*info = (struct agentcg_domain_info) {
		.id = domain->id,
		.session_id = domain->session->d.id,
		.deadline = AGENTCG_NONE,
	};
	/* Freed a grace period after the reference is dropped. */
	if (memcg) {
		info->usage = bytes(agentcg_memcg_usage(memcg));
		info->soft_limit = bytes(agentcg_memcg_high(memcg));
	}
	switch (domain->type) {
	case AGENTCG_DOMAIN_SESSION:
		describe_session(domain->session, info);
		break;
	case AGENTCG_DOMAIN_AGENT:
		describe_agent(domain->session, info);
		break;
	case AGENTCG_DOMAIN_TOOL:
		describe_tool(container_of(domain, struct agentcg_tool, d), info);
		break;
	}
}

static struct agentcg_domain *
domain_of(const struct task_struct *const task)
{
	return agentcg_domain_above(task_dfl_cgroup((struct task_struct *)task));
}

/* The live call that a task is in; RCU read lock held. */
static struct agentcg_tool *call_of(const struct task_struct *const task)
{
	struct agentcg_domain *const domain = domain_of(task);

	return domain && domain->type == AGENTCG_DOMAIN_TOOL ?
	       container_of(domain, struct agentcg_tool, d) : NULL;
}

__bpf_kfunc_start_defs();

/**
 * agentcg_bpf_task_domain - the managed cgroup that a task is in
 * @task: any
 *
 * Return: the id of the nearest one upwards, 0 when there is none.
 */
__bpf_kfunc u64 agentcg_bpf_task_domain(struct task_struct *task)
{
	const struct agentcg_domain *domain;

	guard(rcu)();
	domain = domain_of(task);
	return domain ? domain->id : 0;
}

/**
 * agentcg_bpf_cgroup_domain - the managed cgroup that a cgroup belongs to
 * @cgroup: of cgroup v2
 *
 * Return: the id of the nearest one upwards, 0 when there is none.
 */
__bpf_kfunc u64 agentcg_bpf_cgroup_domain(struct cgroup *cgroup)
{
	const struct agentcg_domain *domain;

	guard(rcu)();
	domain = agentcg_domain_above(cgroup);
	return domain ? domain->id : 0;
}

/**
 * agentcg_bpf_domain_info - the figures of a managed cgroup
 * @id: of the cgroup
 * @info: filled as far as it goes; what this module does not know is 0
 * @info__sz: its size
 *
 * Return: 0, or -ENOENT when it is not managed.
 */
__bpf_kfunc int agentcg_bpf_domain_info(u64 id,
					struct agentcg_domain_info *info,
					u32 info__sz)
{
	const struct agentcg_domain *domain;
	struct agentcg_domain_info all;

	guard(rcu)();
	domain = agentcg_domain_find(id);
	if (!domain)
		return -ENOENT;
	agentcg_kfunc_describe(domain, &all);
	memcpy(info, &all, min_t(size_t, info__sz, sizeof(all)));
	if (info__sz > sizeof(all))
		memset((char *)info + sizeof(all), 0, info__sz - sizeof(all));
	return 0;
}

/**
 * agentcg_bpf_task_class - the class of the call that a task is in
 * @task: any
 *
 * Return: enum agentcg_class, or -1.
 */
__bpf_kfunc s32 agentcg_bpf_task_class(struct task_struct *task)
{
	const struct agentcg_tool *tool;

	guard(rcu)();
	tool = call_of(task);
	return tool ? READ_ONCE(tool->limits.class) : -1;
}

/**
 * agentcg_bpf_task_weight - the weight of the call that a task is in
 * @task: any
 *
 * Return: the weight within its class, or 0.
 */
__bpf_kfunc u32 agentcg_bpf_task_weight(struct task_struct *task)
{
	const struct agentcg_tool *tool;

	guard(rcu)();
	tool = call_of(task);
	return tool ? READ_ONCE(tool->limits.weight) : 0;
}

/**
 * agentcg_bpf_task_pressure - whether the call that a task is in lacks memory
 * @task: any
 *
 * Return: how many tasks of the call are held back now.
 */
__bpf_kfunc u32 agentcg_bpf_task_pressure(struct task_struct *task)
{
	const struct agentcg_tool *tool;

	guard(rcu)();
	tool = call_of(task);
	return tool ? READ_ONCE(tool->held) : 0;
}

/**
 * agentcg_bpf_task_deadline - when the call that a task is in has to be done
 * @task: any
 *
 * Return: CLOCK_MONOTONIC, or AGENTCG_NONE.
 */
__bpf_kfunc u64 agentcg_bpf_task_deadline(struct task_struct *task)
{
	const struct agentcg_tool *tool;

	guard(rcu)();
	tool = call_of(task);
	return tool ? deadline_of(tool) : AGENTCG_NONE;
}

/**
 * agentcg_bpf_task_conflict - what the call that a task is in must not share a core for
 * @task: any
 *
 * Calls of other sessions never have the same: nobody can keep another's from running.
 *
 * Return: a number that stands for it, or 0.
 */
__bpf_kfunc u64 agentcg_bpf_task_conflict(struct task_struct *task)
{
	const struct agentcg_tool *tool;
	u32 conflict;

	guard(rcu)();
	tool = call_of(task);
	conflict = tool ? READ_ONCE(tool->limits.conflict) : 0;
	return conflict ? tool->d.session->d.id << 32 ^ conflict : 0;
}

/**
 * agentcg_bpf_task_jitter - how uncertain a task's time on a processor shall be
 * @task: any
 *
 * Return: ns, of which a random part goes by whenever it asks for a processor; 0 for
 * none, and where it is in no call.
 */
__bpf_kfunc u64 agentcg_bpf_task_jitter(struct task_struct *task)
{
	const struct agentcg_tool *tool;

	guard(rcu)();
	tool = call_of(task);
	return tool ? READ_ONCE(tool->d.session->jitter) : 0;
}

/* Mutators: the session's lock is held by whoever asks the policy. */

/**
 * agentcg_bpf_answer - what goes with the verdict of over_high
 * @event: what the policy is asked about
 * @bytes: to grant beyond what is needed, 0 for what the built-in policy would
 * @ns: how long the task then sleeps
 *
 * Both are clamped: to 256 MiB and what there is, to what the stall bound leaves.
 */
__bpf_kfunc void agentcg_bpf_answer(struct agentcg_policy_event *event,
				    u64 bytes, u64 ns)
{
	event->bytes = bytes;
	event->ns = ns;
}

/**
 * agentcg_bpf_grant - grant credit to a call
 * @event: what the policy is asked about
 * @id: of a live call of the same session
 * @bytes: at most 256 MiB
 *
 * Return: how much it was given, as far as there is any and it may hold it.
 */
__bpf_kfunc u64 agentcg_bpf_grant(struct agentcg_policy_event *event, u64 id,
				  u64 bytes)
{
	struct agentcg_tool *const tool = agentcg_policy_call(event, id);
	u64 size;

	if (!tool)
		return 0;
	size = agentcg_credit_grant(tool, ALIGN_DOWN(min_t(u64, bytes, AGENTCG_STEP_MAX),
						     PAGE_SIZE));
	if (size)
		agentcg_credit_apply(tool);
	return size;
}

/**
 * agentcg_bpf_hold - take back what a call holds and does not use
 * @event: what the policy is asked about
 * @id: of a live call of the same session
 *
 * Return: how much came back to the session.
 */
__bpf_kfunc u64 agentcg_bpf_hold(struct agentcg_policy_event *event, u64 id)
{
	struct agentcg_tool *const tool = agentcg_policy_call(event, id);

	return tool ? agentcg_credit_hold(tool) : 0;
}

/**
 * agentcg_bpf_event - tell those who listen to events
 * @event: what the policy is asked about
 * @value: means what the policy says it means
 *
 * Within the session's share of events.
 */
__bpf_kfunc void agentcg_bpf_event(struct agentcg_policy_event *event,
				   u32 value)
{
	agentcg_notify_policy(event->domain, value);
}

/* Reports: by the scheduler, under a runqueue's lock. */

/**
 * agentcg_bpf_task_ran - a task has run
 * @task: any; nothing is kept of one that is in no call
 * @ran: for how long since the last report, ns
 * @waited: for how long it could have run and did not before that, ns; 0 where it
 *          has not stopped since the last report
 * @moved: whether it was on another processor before
 *
 * For run-total, wait-total, wait-longest and migrations of its call's receipt.
 */
__bpf_kfunc void agentcg_bpf_task_ran(struct task_struct *task, u64 ran,
				      u64 waited, bool moved)
{
	struct agentcg_tool *tool;

	guard(rcu)();
	tool = call_of(task);
	if (tool)
		agentcg_cpu_ran(&tool->cpu, ran, waited, moved);
}

/**
 * agentcg_bpf_resched - have the current task rescheduled when it goes to user mode
 *
 * For what a scheduler does on the way there, by task work: where sched_ext itself would
 * stop the task, by an interrupt, that happens in the midst of the work, which runs with
 * migration disabled and so keeps its processor.
 */
__bpf_kfunc void agentcg_bpf_resched(void)
{
	set_thread_flag(TIF_NEED_RESCHED);
}

__bpf_kfunc_end_defs();

BTF_KFUNCS_START(readers)
BTF_ID_FLAGS(func, agentcg_bpf_task_domain, KF_RCU)
BTF_ID_FLAGS(func, agentcg_bpf_cgroup_domain, KF_RCU)
BTF_ID_FLAGS(func, agentcg_bpf_domain_info)
BTF_ID_FLAGS(func, agentcg_bpf_task_class, KF_RCU)
BTF_ID_FLAGS(func, agentcg_bpf_task_weight, KF_RCU)
BTF_ID_FLAGS(func, agentcg_bpf_task_pressure, KF_RCU)
BTF_ID_FLAGS(func, agentcg_bpf_task_deadline, KF_RCU)
BTF_ID_FLAGS(func, agentcg_bpf_task_conflict, KF_RCU)
BTF_ID_FLAGS(func, agentcg_bpf_task_jitter, KF_RCU)
BTF_KFUNCS_END(readers)

static const struct btf_kfunc_id_set reader_set = {
	.owner = THIS_MODULE,
	.set = &readers,
};

BTF_KFUNCS_START(mutators)
BTF_ID_FLAGS(func, agentcg_bpf_answer, KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, agentcg_bpf_grant, KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, agentcg_bpf_hold, KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, agentcg_bpf_event, KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, agentcg_bpf_task_ran, KF_RCU)
BTF_ID_FLAGS(func, agentcg_bpf_resched)
BTF_KFUNCS_END(mutators)

/*
 * The set is registered for struct_ops alone, of which there are many: only ours
 * and schedulers may.  @id is not looked at, it may have been relocated; there are
 * no others in this set.
 */
static int refuse_strangers(const struct bpf_prog *const prog, const u32 id)
{
	return agentcg_struct_ops_is_ours(prog) ||
	       agentcg_may_be_scheduler(prog) ? 0 : -EACCES;
}

static const struct btf_kfunc_id_set mutator_set = {
	.owner = THIS_MODULE,
	.set = &mutators,
	.filter = refuse_strangers,
};

/* Return: 0 also where the module has no BTF: the kernel warns and goes on. */
int agentcg_kfunc_init(void)
{
	return register_btf_kfunc_id_set(BPF_PROG_TYPE_UNSPEC, &reader_set) ?:
	       register_btf_kfunc_id_set(BPF_PROG_TYPE_STRUCT_OPS, &mutator_set);
}
