/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writers that the kernel holds back because too much of their page cache is dirty.
 *
 * How much may be dirty in a cgroup is a part of what its memory.high leaves, so a
 * low soft limit holds them back where no over-high event tells of it.
 */
#ifndef _AGENTCG_DIRTY_H
#define _AGENTCG_DIRTY_H

#include <linux/compiler.h>
#include <linux/jiffies.h>
#include <linux/types.h>

#include "compat_trace.h"
#include "tool.h"

struct bdi_writeback;
struct dirty_throttle_control;

/* Probe of the tracepoint balance_dirty_pages. */
void agentcg_dirty_probe(void *data, struct bdi_writeback *wb,
			 AGENTCG_DIRTY_CONTROL, unsigned long dirty_ratelimit,
			 unsigned long task_ratelimit, unsigned long dirtied,
			 unsigned long period, long pause,
			 unsigned long start_time);

/* Whether a writer was held back a moment ago; the session's lock is held. */
static inline bool agentcg_dirty_holds(const struct agentcg_tool *const tool)
{
	return unlikely(tool->stats.dirty_total) &&
	       time_before(jiffies, tool->dirty_until);
}

#endif /* _AGENTCG_DIRTY_H */
