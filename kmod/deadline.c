// SPDX-License-Identifier: GPL-2.0-only
/* Deadlines, see deadline.h. */

#include "common.h"

#include <linux/hrtimer.h>
#include <linux/rcupdate.h>
#include <linux/timekeeping.h>

#include "compat.h"
#include "deadline.h"
#include "notify.h"
#include "session.h"
#include "tool.h"

static bool runs(const struct agentcg_tool *const tool)
{
	return tool->deadline.begun && !tool->leader_done && tool->d.memcg &&
	       tool->limits.deadline != AGENTCG_NO_LIMIT;
}

static u64 end_of(const struct agentcg_tool *const tool)
{
	return tool->deadline.begun + tool->limits.deadline;
}

static u64 warning_of(const struct agentcg_tool *const tool)
{
	return end_of(tool) - min(tool->limits.warn_before,
				  tool->limits.deadline);
}

/* When there is something to do next. */
static ktime_t next_of(const struct agentcg_tool *const tool)
{
	const bool warn = tool->limits.warn_before && !tool->deadline.warned;

	return ns_to_ktime(warn ? warning_of(tool) : end_of(tool));
}

/* Session's lock held.  Return: whether the deadline is met. */
static bool look(struct agentcg_tool *const tool, bool *const warn)
{
	const u64 now = ktime_get_ns();

	*warn = false;
	if (!runs(tool))
		return false;
	if (now >= end_of(tool))
		return true;
	if (tool->limits.warn_before && !tool->deadline.warned &&
	    now >= warning_of(tool)) {
		tool->deadline.warned = true;
		*warn = true;
	}
	return false;
}

static enum hrtimer_restart expired(struct hrtimer *const timer)
{
	struct agentcg_tool *const tool =
		container_of(timer, struct agentcg_tool, deadline.timer);
	enum hrtimer_restart restart = HRTIMER_NORESTART;
	bool met, warn;

	guard(rcu)();
	scoped_guard(spinlock_irqsave, &tool->d.session->lock) {
		met = look(tool, &warn);
		/* Unless it was set anew while we waited for the lock. */
		if (!met && runs(tool) && !hrtimer_is_queued(timer)) {
			hrtimer_set_expires(timer, next_of(tool));
			restart = HRTIMER_RESTART;
		}
	}
	if (met)
		agentcg_tool_kill(tool, AGENTCG_CAUSE_DEADLINE);
	if (warn)
		agentcg_notify_tool(AGENTCG_EVENT_TYPE_DEADLINE_WARNING, tool,
				    AGENTCG_CAUSE_RUNNING);
	return restart;
}

void agentcg_deadline_init(struct agentcg_tool *const tool)
{
	agentcg_hrtimer_setup(&tool->deadline.timer, expired, CLOCK_MONOTONIC,
			      HRTIMER_MODE_ABS);
}

/**
 * agentcg_deadline_set - the limits of a call have changed
 * @tool: the session's lock is held
 *
 * A deadline that has passed already is met at once, one that was put off
 * warns again.
 */
void agentcg_deadline_set(struct agentcg_tool *const tool)
{
	if (!runs(tool)) {
		agentcg_deadline_end(tool);
		return;
	}
	if (warning_of(tool) > ktime_get_ns())
		tool->deadline.warned = false;
	hrtimer_start(&tool->deadline.timer, next_of(tool), HRTIMER_MODE_ABS);
}

/* The first process has entered; the session's lock is held. */
void agentcg_deadline_begin(struct agentcg_tool *const tool)
{
	tool->deadline.begun = ktime_get_ns();
	agentcg_deadline_set(tool);
}

/*
 * The first process has ended, or the call; the session's lock is held.  A
 * callback that waits for it finds that nothing runs any more.
 */
void agentcg_deadline_end(struct agentcg_tool *const tool)
{
	hrtimer_try_to_cancel(&tool->deadline.timer);
}
