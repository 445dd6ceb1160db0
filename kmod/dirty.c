// SPDX-License-Identifier: GPL-2.0-only
/* Writers that the kernel holds back, see dirty.h. */

#include "common.h"

#include <linux/jiffies.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <trace/events/writeback.h>

#include "cgrp.h"
#include "dirty.h"
#include "domain.h"
#include "session.h"

/* For so long after a pause its call counts as held back. */
#define DIRTY_JIFFIES	HZ

/* The current task is about to sleep for @pause jiffies, if it is above 0. */
static void note(const long pause)
{
	struct agentcg_domain *domain;
	struct agentcg_tool *tool;

	if (pause <= 0)
		return;
	guard(rcu)();
	domain = agentcg_domain_above(task_dfl_cgroup(current));
	if (!domain || domain->type != AGENTCG_DOMAIN_TOOL)
		return;
	tool = agentcg_domain_to_tool(domain);
	guard(spinlock_irqsave)(&domain->session->lock);
	tool->stats.dirty_total += jiffies_to_nsecs(pause);
	tool->dirty_until = jiffies + pause + DIRTY_JIFFIES;
}

void agentcg_dirty_probe(void *const data, struct bdi_writeback *const wb,
			 AGENTCG_DIRTY_CONTROL,
			 const unsigned long dirty_ratelimit,
			 const unsigned long task_ratelimit,
			 const unsigned long dirtied,
			 const unsigned long period, const long pause,
			 const unsigned long start_time)
{
	note(pause);
}

/* The kernel's own check of the probe's type, at compile time. */
static void __maybe_unused check_type(void)
{
	check_trace_callback_type_balance_dirty_pages(agentcg_dirty_probe);
}
