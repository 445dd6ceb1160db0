// SPDX-License-Identifier: GPL-2.0-only
/* What becomes of a call whose stall bound is used up.  See exhaust.h. */

#include "common.h"

#include <linux/align.h>
#include <linux/minmax.h>

#include "cgrp.h"
#include "credit.h"
#include "exhaust.h"
#include "notify.h"
#include "session.h"
#include "tool.h"

/**
 * agentcg_exhausted - the stall bound of a call is used up
 * @tool: the session's lock is held
 *
 * By the intent: the call is killed, or runs on in overdraft, in growing steps
 * that stay within half of what its session's memory.max leaves.
 *
 * Return: whether the call was killed.
 */
bool agentcg_exhausted(struct agentcg_tool *const tool)
{
	struct mem_cgroup *const memcg = tool->d.session->d.memcg;
	const unsigned long max = agentcg_memcg_max(memcg);
	const unsigned long usage = agentcg_memcg_usage(memcg);
	u64 step;

	if (!tool->stats.exhausted++)
		agentcg_notify_tool(AGENTCG_EVENT_TYPE_TOOL_EXHAUSTED, tool, 0);
	if (tool->limits.on_exhaust == AGENTCG_ON_EXHAUST_KILL) {
		agentcg_tool_kill(tool, AGENTCG_CAUSE_STALL_KILL);
		return true;
	}
	agentcg_credit_step(tool);
	step = min(tool->step, agentcg_bytes((max > usage ? max - usage : 0) / 2));
	/* Within what was declared, unless it is that which is used up. */
	if (agentcg_account_room(&tool->acct))
		step = min(step, agentcg_account_room(&tool->acct));
	agentcg_credit_overdraw(tool, ALIGN_DOWN(step, PAGE_SIZE));
	return false;
}
