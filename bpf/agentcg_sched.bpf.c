// SPDX-License-Identifier: GPL-2.0-only
/*
 * agentcg_sched: a sched_ext scheduler that knows tool calls.
 *
 * Every cgroup has its due, agents' or not: a processor is given, from the root
 * downwards, to the child that has been served least for its weight (sched/vtime.h,
 * sched/queue.h), within its cpu.max (sched/bandwidth.h).  Beside that, calls of the
 * classes interactive and latency that wake up go first, and stop whoever runs, as
 * long as they have not had more than their share; besteffort has what is left, and a
 * small part in any case.  See Documentation/sched.rst.
 *
 * What is known of a cgroup does not live and die with it: it is found by its id
 * (sched/group.h), so nothing here can fail when one is made.
 */
#include "sched/report.h"
#include "sched/timer.h"

/* The longest that anybody runs while others wait; a tick's length decides. */
#define SLICE_NS	(3 * NSEC_PER_MSEC)

#define MAX_TRIES	8

/*
 * Stop somebody for it who comes after @runs, on the processor where it was if that
 * will do.
 */
static void preempt(struct task_struct *p, const __u8 runs)
{
	__s32 cpu = scx_bpf_task_cpu(p);
	__u32 i;

	for (i = 0; i < nr_cpus && !is_worth(cpu, runs, p) && can_loop; i++)
		cpu = i;
	if (!is_worth(cpu, runs, p))
		return;
	scx_bpf_kick_cpu(cpu, SCX_KICK_PREEMPT);
	__sync_fetch_and_add(&state.preempted, 1);
}

SEC("struct_ops/select_cpu")
__s32 BPF_PROG(sched_select_cpu, struct task_struct *p, __s32 prev_cpu,
	       __u64 wake_flags)
{
	struct task __arena *task = task_of(p);
	bool is_idle = false, waits = false;
	const __s32 cpu = scx_bpf_select_cpu_dfl(p, prev_cpu, wake_flags, &is_idle);

	if (!is_idle)
		return cpu;
	if (task) {
		bpf_spin_lock(&tree_lock);
		waits = is_throttled(task->entity.parent) || task->conflict || task->jitter;
		task->first = !waits;
		bpf_spin_unlock(&tree_lock);
	}
	if (!waits)
		dsq_insert(p, SCX_DSQ_LOCAL, SLICE_NS, 0);
	return cpu;
}

/**
 * struct verdict - what becomes of a task that is enqueued
 * @line: it goes first, for somebody waits for it, or goes on although its cpu.max is used up
 *	or it ends
 * @first: somebody waits for it
 * @apart: not every processor that has nothing to do may have it (conflict.h)
 * @last: it goes on, for there is nobody else
 * @idle: it has only what is left over
 * @waits: it is in a tree, or will be
 * @delayed: it will be, once a random time is over (jitter.h)
 */
struct verdict {
	__u8 line;
	bool first;
	bool apart;
	bool last;
	bool idle;
	bool waits;
	bool delayed;
};

/* @due: when it may compete, 0 for at once. */
static struct verdict judge(struct task __arena *task, const struct task_struct *p,
			    const __u32 tree, const __u64 due, const __u64 enq_flags)
{
	/* What somebody waits for begins, goes on after a wait, or comes to its end. */
	const bool awaited = (enq_flags & SCX_ENQ_WAKEUP) || task->fresh || is_ending(p);
	const bool on = goes_on(task, p);
	struct verdict verdict = { .idle = is_idle(task), .apart = task->conflict };

	task->first = awaited && may_preempt(task);
	verdict.first = task->first;
	if (enq_flags & SCX_ENQ_LAST)
		verdict.last = on || !(task->conflict || is_throttled(task->entity.parent));
	else if (task->first && !task->conflict && !due)
		verdict.line = PROMPT;
	else if (on)
		verdict.line = HOLDERS;
	line_enter(task, verdict.line);
	if (verdict.line || verdict.last)
		return verdict;
	verdict.delayed = due;
	if (due)
		delay(task, tree, due);
	verdict.waits = due || task_push(task, tree);
	return verdict;
}

static void insert(struct task_struct *p, const struct verdict *verdict,
		   const __u64 enq_flags)
{
	__u64 dsq = SCX_DSQ_GLOBAL;

	if (verdict->waits)
		return;
	if (verdict->line)
		dsq = verdict->line;
	else if (verdict->last)
		dsq = SCX_DSQ_LOCAL;
	dsq_insert(p, dsq, SLICE_NS, enq_flags);
}

SEC("struct_ops/enqueue")
void BPF_PROG(sched_enqueue, struct task_struct *p, __u64 enq_flags)
{
	const __s32 cpu = scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);
	struct task __arena *task = task_of(p);
	const __u32 tree = tree_of(p, cpu);
	struct verdict verdict = { .line = NO_LINE };
	__u64 due, at = 0;

	if (task) {
		due = due_of(task);
		if (enq_flags & SCX_ENQ_WAKEUP)
			task->in_kernel = 1;
		if (task->in_kernel && is_throttled(task->entity.parent))
			await_leave(p, task);
		bpf_spin_lock(&tree_lock);
		task->pid = p->pid;
		verdict = judge(task, p, tree, due, enq_flags);
		if (verdict.delayed)
			at = timer_next();
		bpf_spin_unlock(&tree_lock);
	} else {
		__sync_fetch_and_add(&state.strangers, 1);
	}
	if (verdict.delayed) {
		__sync_fetch_and_add(&state.delayed, 1);
		start_timer(at, bpf_ktime_get_ns());
		return;
	}
	insert(p, &verdict, enq_flags);
	if (verdict.apart)
		kick_idle();
	else if (cpu >= 0)
		scx_bpf_kick_cpu(cpu, SCX_KICK_IDLE);
	if (cpu >= 0)
		return;
	if (verdict.first)
		preempt(p, RUNS_PROMPT);
	else if ((enq_flags & SCX_ENQ_WAKEUP) && !verdict.idle)
		preempt(p, RUNS_NORMAL);
}

SEC("struct_ops/dequeue")
void BPF_PROG(sched_dequeue, struct task_struct *p, __u64 deq_flags)
{
	struct task __arena *task = task_of(p);

	if (!task)
		return;
	bpf_spin_lock(&tree_lock);
	task_leave(task);
	bpf_spin_unlock(&tree_lock);
}

/* Return: whether he could be had. */
static bool run(const __s32 pid, const __s32 cpu)
{
	struct task_struct *p = bpf_task_from_pid(pid);
	bool allowed;

	if (!p)
		return false;
	dsq_insert(p, SCX_DSQ_LOCAL, SLICE_NS, 0);
	/*
	 * Looked at afterwards: if it changes now the kernel drops what was inserted,
	 * for the task is enqueued anew.
	 */
	allowed = bpf_cpumask_test_cpu(cpu, p->cpus_ptr);
	if (!allowed)
		scx_bpf_dispatch_cancel();
	bpf_task_release(p);
	return allowed;
}

/*
 * @prev competes with those who wait, although it is not among them yet. Return: the
 * pid of who is next, 0 for @prev or -1 for nobody.
 */
static __s32 pick(const __s32 cpu, struct task_struct *prev, struct task __arena *last)
{
	const __u64 now = bpf_ktime_get_ns();
	struct cpu __arena *this = cpu_of(cpu);
	struct task __arena *task;
	__u64 claimed, wanted;
	__s32 pid = -1;
	__u32 tree = 0;
	bool changed;

	if (last)
		tree = tree_of(prev, cpu);
	bpf_spin_lock(&tree_lock);
	claimed = this->claimed;
	wanted = this->wanted;
	if (last) {
		task_charge(last, prev, now);
		if (!last->item.in)
			task_push(last, tree);
	}
	task = pick_apart(cpu);
	if (task)
		pid = task == last ? 0 : task->pid;
	if (last && last->item.in)
		item_remove(&last->item);
	changed = claimed != this->claimed || wanted != this->wanted;
	bpf_spin_unlock(&tree_lock);
	if (changed)
		kick_siblings(cpu);
	return pid;
}

/* None of those who were picked could be had: nobody runs for whom it is claimed. */
static void give_up(const __s32 cpu)
{
	bpf_spin_lock(&tree_lock);
	unclaim(cpu);
	bpf_spin_unlock(&tree_lock);
}

SEC("struct_ops/dispatch")
void BPF_PROG(sched_dispatch, __s32 cpu, struct task_struct *prev)
{
	struct task __arena *last = NULL;
	__s32 pid;

	if (line_serve(PROMPT))
		return;
	if (is_turn_of_holders(cpu) && line_serve(HOLDERS))
		return;
	if (prev && (prev->scx.flags & SCX_TASK_QUEUED))
		last = task_of(prev);
	/* The verifier walks the body of this loop once; a counted one each time. */
	bpf_repeat(MAX_TRIES) {
		pid = pick(cpu, prev, last);
		if (pid > 0 && !run(pid, cpu))
			continue;
		if (!pid && prev)
			prev->scx.slice = SLICE_NS;
		else if (pid < 0)
			line_serve(HOLDERS);
		return;
	}
	give_up(cpu);
}

static __u8 runs_as(struct task __arena *task)
{
	if (task->first && may_preempt(task))
		return RUNS_PROMPT;
	return is_idle(task) ? RUNS_IDLE : RUNS_NORMAL;
}

/* Whether the tick has interrupted user mode, where nobody holds a kernel's lock. */
static bool in_user_mode(void)
{
	struct pt_regs **regs = bpf_this_cpu_ptr(&__irq_regs);

	return *regs && (BPF_CORE_READ(*regs, cs) & 3);
}

SEC("struct_ops/tick")
void BPF_PROG(sched_tick, struct task_struct *p)
{
	struct task __arena *task = task_of(p);
	const __s32 cpu = scx_bpf_task_cpu(p);
	const __u64 now = bpf_ktime_get_ns();
	const struct call call = call_of(p, now);
	const bool user = in_user_mode();
	struct report report;
	bool throttled;
	__u64 at;

	if (!task)
		return;
	bpf_spin_lock(&tree_lock);
	task_charge(task, p, now);
	report = report_of(task, p);
	task_look(task, p, &call, now);
	task->in_kernel = !user;
	if (user)
		task->leaving = 0;
	throttled = is_throttled(task->entity.parent);
	at = timer_next();
	cpu_of(cpu)->runs = runs_as(task);
	bpf_spin_unlock(&tree_lock);
	report_send(p, &report);
	if (!throttled)
		return;
	start_timer(at, now);
	if (user) {
		p->scx.slice = 0;
		__sync_fetch_and_add(&state.throttled, 1);
	} else {
		await_leave(p, task);
	}
}

SEC("struct_ops/runnable")
void BPF_PROG(sched_runnable, struct task_struct *p, __u64 enq_flags)
{
	struct task __arena *task = task_of(p);
	const __u64 now = bpf_ktime_get_ns();
	struct call call = {};
	bool known;

	if (!task)
		return;
	known = is_known(task, p, now);
	if (!known)
		call = call_of(p, now);
	bpf_spin_lock(&tree_lock);
	if (!known)
		task_look(task, p, &call, now);
	task_begin(task);
	task->since = now;
	bpf_spin_unlock(&tree_lock);
}

SEC("struct_ops/running")
void BPF_PROG(sched_running, struct task_struct *p)
{
	struct task __arena *task = task_of(p);
	const __s32 cpu = scx_bpf_task_cpu(p);
	const __u64 now = bpf_ktime_get_ns();
	bool fits = true;

	if (!task)
		return;
	bpf_spin_lock(&tree_lock);
	line_leave(task);
	task_take_cpu(task, p, cpu, now);
	task->in_kernel = 1;
	cpu_of(cpu)->runs = runs_as(task);
	/* It was not picked: it goes on after somebody of another scheduling class. */
	if (cpu_of(cpu)->owner != task && !goes_on(task, p)) {
		fits = !is_passed_over(task, cpu);
		if (fits)
			claim(task, cpu);
	}
	bpf_spin_unlock(&tree_lock);
	if (!fits)
		scx_bpf_kick_cpu(cpu, SCX_KICK_PREEMPT);
}

SEC("struct_ops/stopping")
void BPF_PROG(sched_stopping, struct task_struct *p, bool runnable)
{
	struct task __arena *task = task_of(p);
	const __s32 cpu = scx_bpf_task_cpu(p);
	const __u64 now = bpf_ktime_get_ns();
	struct report report;
	bool apart = false;
	__u64 at;

	if (!task)
		return;
	bpf_spin_lock(&tree_lock);
	task_charge(task, p, now);
	report = report_of(task, p);
	if (cpu_of(cpu)->owner == task) {
		apart = cpu_of(cpu)->claimed;
		unclaim(cpu);
	}
	task->first = 0;
	task->since = now;
	at = timer_next();
	cpu_of(cpu)->runs = RUNS_IDLE;
	bpf_spin_unlock(&tree_lock);
	if (apart)
		kick_siblings(cpu);
	report_send(p, &report);
	start_timer(at, now);
}

SEC("struct_ops/quiescent")
void BPF_PROG(sched_quiescent, struct task_struct *p, __u64 deq_flags)
{
	struct task __arena *task = task_of(p);

	if (!task)
		return;
	bpf_spin_lock(&tree_lock);
	task_end(task);
	bpf_spin_unlock(&tree_lock);
}

/* The one whose files the kernel tells of, if it is known. */
static struct group __arena *group_told(const __u64 id, const __u64 now)
{
	struct group __arena *group = group_find(id);

	if (group)
		group->told = now;
	return group;
}

/* At once, also for a group all of whose tasks wait: nobody looks at its files. */
SEC("struct_ops/cgroup_set_weight")
void BPF_PROG(sched_cgroup_set_weight, struct cgroup *cgrp, __u32 weight)
{
	const __u64 now = bpf_ktime_get_ns();
	struct group __arena *group;

	use_arena();
	bpf_spin_lock(&tree_lock);
	group = group_told(cgrp->kn->id, now);
	if (group)
		group_set_weight(group, weight ?: 1);
	bpf_spin_unlock(&tree_lock);
}

SEC("struct_ops/cgroup_set_bandwidth")
void BPF_PROG(sched_cgroup_set_bandwidth, struct cgroup *cgrp, __u64 period_us,
	      __u64 quota_us, __u64 burst_us)
{
	const __u64 now = bpf_ktime_get_ns();
	struct group __arena *group;
	__u64 at;

	use_arena();
	bpf_spin_lock(&tree_lock);
	group = group_told(cgrp->kn->id, now);
	if (group) {
		set_bandwidth(group, quota_us, period_us, burst_us, now);
		hasten_refill(group, now);
	}
	at = timer_next();
	bpf_spin_unlock(&tree_lock);
	start_timer(at, now);
}

SEC("struct_ops/cgroup_set_idle")
void BPF_PROG(sched_cgroup_set_idle, struct cgroup *cgrp, bool idle)
{
	const __u64 now = bpf_ktime_get_ns();
	struct group __arena *group;

	use_arena();
	bpf_spin_lock(&tree_lock);
	group = group_told(cgrp->kn->id, now);
	if (group && group->entity.parent)
		set_band(group, idle ? IDLE : NORMAL);
	bpf_spin_unlock(&tree_lock);
}

/*
 * Tasks leave a processor that goes, as far as they wait for it, by being enqueued
 * elsewhere; there is nothing to do.  Without these the scheduler would be ended.
 */
SEC("struct_ops.s/cpu_online")
void BPF_PROG(sched_cpu_online, __s32 cpu)
{
}

SEC("struct_ops.s/cpu_offline")
void BPF_PROG(sched_cpu_offline, __s32 cpu)
{
}

SEC("struct_ops.s/init_task")
__s32 BPF_PROG(sched_init_task, struct task_struct *p,
	       struct scx_init_task_args *args)
{
	struct task_ref *ref = bpf_task_storage_get(&task_refs, p, NULL,
						    BPF_LOCAL_STORAGE_GET_F_CREATE);
	const __u64 now = bpf_ktime_get_ns();
	struct task __arena *task;

	if (!ref)
		return 0;
	use_arena();
	bpf_spin_lock(&tree_lock);
	task = task_alloc();
	if (task)
		task_init(task, now);
	bpf_spin_unlock(&tree_lock);
	ref->task = task;
	return 0;
}

SEC("struct_ops/exit_task")
void BPF_PROG(sched_exit_task, struct task_struct *p,
	      struct scx_exit_task_args *args)
{
	struct task __arena *task = task_of(p);

	if (!task)
		return;
	bpf_spin_lock(&tree_lock);
	task_forget(task);
	bpf_spin_unlock(&tree_lock);
	bpf_task_storage_delete(&task_refs, p);
}

SEC("struct_ops.s/init")
__s32 BPF_PROG(sched_init)
{
	nr_cpus = scx_bpf_nr_cpu_ids();
	if (nr_cpus > MAX_CPUS)
		return -E2BIG;
	task_room = room(MAX_TASKS, sizeof(struct task));
	queue_room = room(MAX_QUEUES, sizeof(struct queue));
	group_room = room(MAX_GROUPS, sizeof(struct group));
	chains = room(NR_HASHES, sizeof(struct chain));
	if (!task_room || !queue_room || !group_room || !chains)
		return -ENOMEM;
	root.id = 1;
	root.entity.weight = 100;
	return timer_init() ?: lines_init();
}

SEC("struct_ops/exit")
void BPF_PROG(sched_exit, struct scx_exit_info *info)
{
	state.exit_kind = info->kind;
	bpf_probe_read_kernel_str(state.exit_reason, sizeof(state.exit_reason),
				  info->reason);
	bpf_probe_read_kernel_str(state.exit_message, sizeof(state.exit_message),
				  info->msg);
}

#define SCHED_OPS(FLAGS)				\
	{						\
		.select_cpu = (void *)sched_select_cpu,	\
		.enqueue = (void *)sched_enqueue,	\
		.dequeue = (void *)sched_dequeue,	\
		.dispatch = (void *)sched_dispatch,	\
		.tick = (void *)sched_tick,		\
		.runnable = (void *)sched_runnable,	\
		.running = (void *)sched_running,	\
		.stopping = (void *)sched_stopping,	\
		.quiescent = (void *)sched_quiescent,	\
		.cgroup_set_weight = (void *)sched_cgroup_set_weight, \
		.cgroup_set_bandwidth = (void *)sched_cgroup_set_bandwidth, \
		.cgroup_set_idle = (void *)sched_cgroup_set_idle, \
		.cpu_online = (void *)sched_cpu_online,	\
		.cpu_offline = (void *)sched_cpu_offline, \
		.init_task = (void *)sched_init_task,	\
		.exit_task = (void *)sched_exit_task,	\
		.init = (void *)sched_init,		\
		.exit = (void *)sched_exit,		\
		.flags = SCX_OPS_ENQ_LAST | SCX_OPS_ENQ_EXITING | (FLAGS), \
		.timeout_ms = 20000,			\
		.name = SCHED_NAME,			\
	}

SEC(".struct_ops.link")
struct sched_ext_ops agentcg_sched = SCHED_OPS(0);

/* For who loads it: one of the two. */
SEC(".struct_ops.link")
struct sched_ext_ops agentcg_partial = SCHED_OPS(SCX_OPS_SWITCH_PARTIAL);

char LICENSE[] SEC("license") = "GPL";
