// SPDX-License-Identifier: GPL-2.0-only
/*
 * The over-high hook: a probe on the entry of the kernel's over-high function.
 *
 * A bare ftrace_ops, because it is the one way in that nothing switches off
 * silently: with FTRACE_OPS_FL_PERMANENT the kernel refuses
 * kernel.ftrace_enabled=0 while we are there, and there is no exit handler
 * whose storage could run out.  Should it die nevertheless (ftrace_kill()
 * after a bug in ftrace), our limits would turn into the endless throttle that
 * they are to prevent, so a watchdog lifts all of them.
 */

#include "common.h"

#include <linux/ftrace.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/workqueue.h>

#include "cgrp.h"
#include "credit.h"
#include "hook.h"
#include "memory.h"
#include "node.h"
#include "notify.h"
#include "session.h"
#include "tool.h"
#include "work.h"

#define WATCH_PERIOD		HZ

/*
 * So many native events in so many looks without one hit: nobody is deciding.
 * A single throttled thread makes about sixteen, sleeps two seconds, and so on;
 * charges from interrupts, which pass no hook, make a few.
 */
#define SILENT_EVENTS		32
#define SILENT_LOOKS		8

/* Newest name first: 7.x keeps the old one as an inline wrapper. */
static const char *const symbols[] = {
	"__mem_cgroup_handle_over_high",
	"mem_cgroup_handle_over_high",
};

/* Guards @attached against the module parameter. */
static DEFINE_MUTEX(hook_lock);
static bool attached;
static bool failed_open;

static void watch_fn(struct work_struct *work);
static DECLARE_DELAYED_WORK(watch_work, watch_fn);

/* Preemption is off and recursion is caught (FTRACE_OPS_FL_RECURSION). */
static void over_high(unsigned long ip, unsigned long parent_ip,
		      struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	guard(rcu)();
	agentcg_memory_over_high();
}

static struct ftrace_ops hook_ops = {
	.func = over_high,
	.flags = FTRACE_OPS_FL_PERMANENT | FTRACE_OPS_FL_RECURSION,
};

static int attach(void)
{
	size_t i;
	int err = -ENOENT;

	lockdep_assert_held(&hook_lock);
	for (i = 0; i < ARRAY_SIZE(symbols) && err; i++)
		err = ftrace_set_filter(&hook_ops, (unsigned char *)symbols[i],
					strlen(symbols[i]), 1);
	if (!err)
		err = register_ftrace_function(&hook_ops);
	if (err) {
		ftrace_free_filter(&hook_ops);
		return err;
	}
	attached = true;
	return 0;
}

static void detach(void)
{
	lockdep_assert_held(&hook_lock);
	if (!attached)
		return;
	attached = false;
	/* Waits until nobody is in over_high() any more. */
	unregister_ftrace_function(&hook_ops);
	ftrace_free_filter(&hook_ops);
}

bool agentcg_hook_active(void)
{
	return READ_ONCE(attached) && !READ_ONCE(failed_open);
}

bool agentcg_hook_failed_open(void)
{
	return READ_ONCE(failed_open);
}

static void lift_limits(struct agentcg_session *const session)
{
	struct agentcg_tool *tool;

	guard(spinlock_irqsave)(&session->lock);
	if (session->d.memcg)
		agentcg_domain_set_high(&session->d, PAGE_COUNTER_MAX);
	list_for_each_entry(tool, &session->tools, link)
		agentcg_domain_set_high(&tool->d, PAGE_COUNTER_MAX);
}

static void fail_open(const u64 session_id)
{
	if (READ_ONCE(failed_open))
		return;
	WRITE_ONCE(failed_open, true);
	agentcg_notify(AGENTCG_EVENT_TYPE_FAIL_OPEN, session_id);
}

/* Session's lock held.  Return: whether nobody decides its events. */
static bool is_silent(struct agentcg_session *const session)
{
	const u64 events = agentcg_memcg_high_events(session->d.memcg) -
			   session->seen_events;
	const u64 hits = session->hits - session->seen_hits;
	bool silent;

	session->seen_events += events;
	session->seen_hits += hits;
	session->silent_events = hits ? 0 : session->silent_events + events;
	if (!session->silent_events) {
		session->silent_looks = 0;
		return false;
	}
	if (++session->silent_looks < SILENT_LOOKS)
		return false;
	silent = session->silent_events >= SILENT_EVENTS;
	session->silent_events = 0;
	session->silent_looks = 0;
	return silent;
}

static void watch_session(struct agentcg_session *const session)
{
	bool silent;

	scoped_guard(spinlock_irqsave, &session->lock)
		silent = session->d.memcg && is_silent(session);
	if (!silent)
		return;
	pr_err("session %llu is throttled and the hook is silent: every limit is lifted\n",
	       session->d.id);
	fail_open(session->d.id);
}

static void tick_session(struct agentcg_session *const session)
{
	watch_session(session);
	if (READ_ONCE(failed_open)) {
		lift_limits(session);
		return;
	}
	agentcg_credit_tick(session);
}

static void watch_fn(struct work_struct *const work)
{
	agentcg_session_for_each(tick_session);
	agentcg_node_kick();
	queue_delayed_work(agentcg_wq, &watch_work, WATCH_PERIOD);
}

static int set_hook(const char *const val, const struct kernel_param *const kp)
{
	bool on;
	int err;

	err = kstrtobool(val, &on);
	if (err)
		return err;
	guard(mutex)(&hook_lock);
	/* At load time, agentcg_hook_init() reads it. */
	if (!agentcg_wq) {
		*(bool *)kp->arg = on;
		return 0;
	}
	if (on)
		return attached ? 0 : attach();
	if (!attached)
		return 0;
	detach();
	/* Certain, so the watchdog need not find out. */
	pr_warn("the over-high hook was taken off: every limit is lifted\n");
	fail_open(0);
	mod_delayed_work(agentcg_wq, &watch_work, 0);
	return 0;
}

static int get_hook(char *const buf, const struct kernel_param *const kp)
{
	return sysfs_emit(buf, "%d\n", READ_ONCE(attached));
}

static const struct kernel_param_ops hook_param_ops = {
	.set = set_hook,
	.get = get_hook,
};

static bool hook = true;
module_param_cb(hook, &hook_param_ops, &hook, 0600);
MODULE_PARM_DESC(hook, "Emergency switch: 0 takes the over-high hook off and lifts all limits");

/**
 * agentcg_hook_init - attach the hook and start the watchdog
 *
 * Return: 0 also when the hook could not be attached: sessions are refused
 * then, and info-get tells.
 */
int agentcg_hook_init(void)
{
	int err = 0;

	scoped_guard(mutex, &hook_lock)
		if (hook)
			err = attach();
	if (err)
		pr_err("no over-high hook on this kernel (error %d): sessions will be refused\n",
		       err);
	queue_delayed_work(agentcg_wq, &watch_work, WATCH_PERIOD);
	return 0;
}

void agentcg_hook_exit(void)
{
	cancel_delayed_work_sync(&watch_work);
	guard(mutex)(&hook_lock);
	detach();
}
