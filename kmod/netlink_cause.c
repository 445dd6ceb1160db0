// SPDX-License-Identifier: GPL-2.0-only
/* What proves the cause of a call's end, as attributes of its receipt. */

#include "common.h"

#include <linux/cred.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/signal.h>
#include <linux/uidgid.h>
#include <net/netlink.h>

#include "netlink.h"
#include "tool.h"

/* Numbers are those of the reader, who is the current task; a work is the host's. */
static int put_process(struct sk_buff *const skb, const int attr,
		       const struct agentcg_process *const process)
{
	const pid_t pid = pid_vnr(process->pid);
	struct nlattr *nest;

	if (!process->pid)
		return 0;
	nest = nla_nest_start(skb, attr);
	if (!nest ||
	    (pid && nla_put_u32(skb, AGENTCG_A_PROCESS_PID, pid)) ||
	    nla_put_string(skb, AGENTCG_A_PROCESS_COMM, process->comm) ||
	    nla_put_u32(skb, AGENTCG_A_PROCESS_UID,
			from_kuid_munged(current_user_ns(), process->uid)) ||
	    (process->size &&
	     agentcg_nl_put_u64(skb, AGENTCG_A_PROCESS_SIZE, process->size)))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_killer(struct sk_buff *const skb,
		      const struct agentcg_killer *const killer)
{
	struct nlattr *const nest = nla_nest_start(skb, AGENTCG_A_TOOL_KILLER);

	if (!nest ||
	    nla_put_u32(skb, AGENTCG_A_KILLER_SIGNAL, killer->signal) ||
	    agentcg_nl_put_u64(skb, AGENTCG_A_KILLER_TIME, killer->time) ||
	    put_process(skb, AGENTCG_A_KILLER_SENDER, &killer->sender) ||
	    put_process(skb, AGENTCG_A_KILLER_VICTIM, &killer->victim))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_requester(struct sk_buff *const skb,
			 const struct agentcg_evidence *const evidence)
{
	return put_killer(skb, &(struct agentcg_killer) {
		.signal = SIGKILL,
		.time = evidence->requested,
		.sender = evidence->requester,
	});
}

static int put_oom_figures(struct sk_buff *const skb,
			   const struct agentcg_oom *const oom)
{
	if ((oom->id && agentcg_nl_put_u64(skb, AGENTCG_A_OOM_ID, oom->id)) ||
	    agentcg_nl_put_u64(skb, AGENTCG_A_OOM_USAGE, oom->usage) ||
	    agentcg_nl_put_u64(skb, AGENTCG_A_OOM_LIMIT, oom->limit))
		return -EMSGSIZE;
	return 0;
}

static int put_oom(struct sk_buff *const skb,
		   const struct agentcg_oom *const oom)
{
	struct nlattr *const nest = nla_nest_start(skb, AGENTCG_A_TOOL_OOM);

	if (!nest ||
	    nla_put_u32(skb, AGENTCG_A_OOM_LEVEL, oom->level) ||
	    agentcg_nl_put_u64(skb, AGENTCG_A_OOM_TIME, oom->time) ||
	    (oom->has_figures && put_oom_figures(skb, oom)) ||
	    put_process(skb, AGENTCG_A_OOM_CULPRIT, &oom->culprit))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/* Or there is nobody to count, or no cgroup to count them in. */
static bool are_counted(const struct agentcg_tool *const tool)
{
	return tool->leader_done &&
	       (tool->reap.listed || tool->live <= 0 || !tool->d.cgrp);
}

static int put_survivors(struct sk_buff *const skb,
			 const struct agentcg_tool *const tool)
{
	const struct agentcg_survivor_list *const list = tool->reap.survivors;
	u32 i;

	if (!are_counted(tool))
		return 0;
	if (agentcg_nl_put_u64(skb, AGENTCG_A_TOOL_SURVIVED, list ? list->nr : 0))
		return -EMSGSIZE;
	for (i = 0; list && i < list->listed; i++)
		if (put_process(skb, AGENTCG_A_TOOL_SURVIVOR, &list->process[i]))
			return -EMSGSIZE;
	return 0;
}

/**
 * agentcg_nl_put_cause - cause and evidence
 * @skb: of a reply or a notification
 * @tool: the session's lock is held
 *
 * Return: 0 or -EMSGSIZE.
 */
int agentcg_nl_put_cause(struct sk_buff *const skb,
			 const struct agentcg_tool *const tool)
{
	const struct agentcg_evidence *const evidence = &tool->evidence;
	const enum agentcg_cause cause = agentcg_cause_of(tool);

	if (nla_put_u32(skb, AGENTCG_A_TOOL_CAUSE, cause) ||
	    (agentcg_cause_tells_killer(tool) &&
	     put_killer(skb, &evidence->killer)) ||
	    (cause == AGENTCG_CAUSE_USER_KILL && evidence->requester.pid &&
	     put_requester(skb, evidence)) ||
	    (evidence->oom.time && put_oom(skb, &evidence->oom)))
		return -EMSGSIZE;
	return put_survivors(skb, tool);
}
