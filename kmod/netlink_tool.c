// SPDX-License-Identifier: GPL-2.0-only
/* Requests about tool calls and receipts: tool-set, -get, -kill, -freeze, -thaw, receipt-get. */

#include "common.h"

#include <linux/err.h>
#include <linux/timekeeping.h>
#include <net/genetlink.h>

#include "cgrp.h"
#include "hook.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "session.h"
#include "tool.h"

static int fill_limits(struct sk_buff *const skb,
		       const struct agentcg_limits *const limits)
{
	const struct agentcg_intent as_intent = {
		.mem = limits->mem,
		.burst = limits->burst,
		.stall = limits->stall,
		.weight = limits->weight,
		.class = limits->class,
		.on_exhaust = limits->on_exhaust,
		.restartable = limits->restartable,
		.survivors = limits->survivors,
		.deadline = limits->deadline,
		.warn_before = limits->warn_before,
	};

	return agentcg_nl_put_intent(skb, AGENTCG_A_TOOL_LIMITS, &as_intent, ~0);
}

/* What it waits past its bound, as it declared, is told apart as held. */
static u64 reported_stall(const struct agentcg_tool *const tool, const u64 now)
{
	const u64 stall = agentcg_tool_stall(tool, now);

	return tool->limits.on_exhaust == AGENTCG_ON_EXHAUST_WAIT ?
	       min(stall, tool->limits.stall) : stall;
}

static int fill_figures(struct sk_buff *const skb,
			const struct agentcg_tool *const tool)
{
	const struct agentcg_tool_stats *const stats = &tool->stats;
	const u64 now = ktime_get_ns();
	const struct {
		int attr;
		u64 value;
	} figures[] = {
		{ AGENTCG_A_TOOL_GRANTS, stats->grants },
		{ AGENTCG_A_TOOL_GRANTED_TOTAL, stats->granted_total },
		{ AGENTCG_A_TOOL_OVERDRAFT_PEAK, stats->overdraft_peak },
		{ AGENTCG_A_TOOL_REVOKED_TOTAL, stats->revoked_total },
		{ AGENTCG_A_TOOL_STALLS, stats->stalls },
		{ AGENTCG_A_TOOL_STALL_TOTAL, reported_stall(tool, now) },
		{ AGENTCG_A_TOOL_HELD_TOTAL, agentcg_tool_held(tool, now) },
		{ AGENTCG_A_TOOL_STALL_LONGEST, stats->stall_longest },
		{ AGENTCG_A_TOOL_NATIVE_TOTAL, stats->native_total },
		{ AGENTCG_A_TOOL_DIRTY_TOTAL, stats->dirty_total },
		{ AGENTCG_A_TOOL_EXHAUSTED, stats->exhausted },
		{ AGENTCG_A_TOOL_FOREIGN, stats->foreign },
		{ AGENTCG_A_TOOL_CPU_TIME, stats->cpu_time },
		{ AGENTCG_A_TOOL_START, stats->start },
		{ AGENTCG_A_TOOL_PROCESSES, stats->processes },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(figures); i++)
		if (agentcg_nl_put_u64(skb, figures[i].attr, figures[i].value))
			return -EMSGSIZE;
	return 0;
}

/* Only a scheduler of ours tells of them. */
static int fill_run(struct sk_buff *const skb,
		    const struct agentcg_tool *const tool)
{
	const struct agentcg_cpu *const cpu = &tool->cpu;
	const u64 ran = atomic64_read(&cpu->run_total);

	if (ran &&
	    (agentcg_nl_put_u64(skb, AGENTCG_A_TOOL_RUN_TOTAL, ran) ||
	     agentcg_nl_put_u64(skb, AGENTCG_A_TOOL_WAIT_TOTAL,
				atomic64_read(&cpu->wait_total)) ||
	     agentcg_nl_put_u64(skb, AGENTCG_A_TOOL_WAIT_LONGEST,
				atomic64_read(&cpu->wait_longest)) ||
	     agentcg_nl_put_u64(skb, AGENTCG_A_TOOL_MIGRATIONS,
				atomic64_read(&cpu->migrations))))
		return -EMSGSIZE;
	return 0;
}

/* Those that have not come yet are left out. */
static int fill_instants(struct sk_buff *const skb,
			 const struct agentcg_tool *const tool)
{
	const struct agentcg_tool_stats *const stats = &tool->stats;

	if ((stats->begun &&
	     agentcg_nl_put_u64(skb, AGENTCG_A_TOOL_BEGUN, stats->begun)) ||
	    (stats->emptied &&
	     agentcg_nl_put_u64(skb, AGENTCG_A_TOOL_EMPTIED, stats->emptied)))
		return -EMSGSIZE;
	return 0;
}

static int fill_live(struct sk_buff *const skb,
		     const struct agentcg_tool *const tool)
{
	struct mem_cgroup *const memcg = tool->d.memcg;

	if (agentcg_nl_put_u64(skb, AGENTCG_A_TOOL_USAGE,
		    agentcg_nl_bytes(agentcg_memcg_usage(memcg))) ||
	    agentcg_nl_put_u64(skb, AGENTCG_A_TOOL_PEAK,
		    agentcg_nl_bytes(agentcg_memcg_peak(memcg))) ||
	    agentcg_nl_put_u64(skb, AGENTCG_A_TOOL_HIGH,
		    agentcg_nl_bytes(agentcg_memcg_high(memcg))) ||
	    agentcg_nl_put_u64(skb, AGENTCG_A_TOOL_GRANTED, tool->acct.granted) ||
	    nla_put_u32(skb, AGENTCG_A_TOOL_PARKED, tool->held) ||
	    nla_put_u8(skb, AGENTCG_A_TOOL_FROZEN, tool->freeze.wanted) ||
	    nla_put_u8(skb, AGENTCG_A_TOOL_OWNER,
		       agentcg_owner_is_tied(&tool->d)))
		return -EMSGSIZE;
	return 0;
}

static int fill_ended(struct sk_buff *const skb,
		      const struct agentcg_tool *const tool)
{
	if (agentcg_nl_put_u64(skb, AGENTCG_A_TOOL_PEAK, tool->stats.peak) ||
	    agentcg_nl_put_u64(skb, AGENTCG_A_TOOL_END, tool->stats.end) ||
	    agentcg_nl_put_u64(skb, AGENTCG_A_TOOL_OOM_KILLS, tool->stats.oom_kills) ||
	    agentcg_nl_put_u64(skb, AGENTCG_A_TOOL_RESIDUE, tool->stats.residue))
		return -EMSGSIZE;
	return 0;
}

/* Of the first process, also while others go on. */
static int fill_status(struct sk_buff *const skb,
		       const struct agentcg_tool *const tool)
{
	const u32 status = tool->stats.wait_status;
	const u32 sig = status & 0x7f;

	if (!tool->leader_done)
		return 0;
	return sig ? nla_put_u32(skb, AGENTCG_A_TOOL_EXIT_SIGNAL, sig) :
		     nla_put_u32(skb, AGENTCG_A_TOOL_EXIT_CODE,
				 (status >> 8) & 0xff);
}

/* Session's lock held. */
static int fill_tool_locked(struct sk_buff *const skb,
			    const struct agentcg_tool *const tool)
{
	if (agentcg_nl_put_u64(skb, AGENTCG_A_TOOL_ID, tool->d.id) ||
	    agentcg_nl_put_u64(skb, AGENTCG_A_TOOL_SESSION_ID, tool->d.session->d.id) ||
	    agentcg_nl_put_intent(skb, AGENTCG_A_TOOL_INTENT, &tool->intent,
			tool->intent.set) ||
	    fill_limits(skb, &tool->limits) ||
	    fill_figures(skb, tool) || fill_run(skb, tool) ||
	    fill_instants(skb, tool) ||
	    fill_status(skb, tool) || agentcg_nl_put_cause(skb, tool))
		return -EMSGSIZE;
	return tool->d.memcg ? fill_live(skb, tool) : fill_ended(skb, tool);
}

int agentcg_nl_fill_tool(struct sk_buff *const skb,
			 struct agentcg_tool *const tool)
{
	int err;

	scoped_guard(spinlock_irqsave, &tool->d.session->lock)
		err = fill_tool_locked(skb, tool);
	return err ?: agentcg_nl_put_path(skb, AGENTCG_A_TOOL_PATH, &tool->d);
}

/* All other refusals of agentcg_tool_set() are about the intent. */
static bool is_about_place(const int err)
{
	return err == -ESRCH || err == -EBUSY || err == -ENODEV ||
	       err == -EEXIST;
}

static int set_tool(struct genl_info *const info,
		    struct agentcg_intent *const intent,
		    struct agentcg_tool **const tool)
{
	const int err = agentcg_tool_set(info->user_ptr[1], intent, tool,
					 info->extack);

	if (is_about_place(err))
		NL_SET_BAD_ATTR(info->extack, info->attrs[AGENTCG_A_TOOL_FD]);
	return err;
}

int agentcg_nl_fill_tool_set(struct sk_buff *const skb,
			     struct agentcg_tool *const tool)
{
	guard(spinlock_irqsave)(&tool->d.session->lock);
	if (agentcg_nl_put_u64(skb, AGENTCG_A_TOOL_ID, tool->d.id) ||
	    agentcg_nl_put_u64(skb, AGENTCG_A_TOOL_SESSION_ID, tool->d.session->d.id) ||
	    fill_limits(skb, &tool->limits))
		return -EMSGSIZE;
	return 0;
}

/* What a call declares, of tool-set and tool-make. */
int agentcg_nl_parse_intent(struct genl_info *const info,
			    struct agentcg_intent *const intent)
{
	struct nlattr *const nest = info->attrs[AGENTCG_A_TOOL_INTENT];

	/* A limit that nobody lifts would throttle without end. */
	if (!agentcg_hook_active())
		return agentcg_nl_refuse(info, NULL, -ENODEV,
					 "the over-high hook is off, see agentcg doctor");
	return nest ? agentcg_intent_parse(intent, nest, info->extack) : 0;
}

int agentcg_nl_tool_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct agentcg_intent intent = {};
	struct agentcg_tool *tool;
	struct sk_buff *reply;
	void *hdr;
	int err;

	err = agentcg_nl_parse_intent(info, &intent);
	if (err)
		return err;
	reply = agentcg_nl_new_reply(info, &hdr);
	err = reply ? set_tool(info, &intent, &tool) : -ENOMEM;
	agentcg_intent_destroy(&intent);
	if (!reply)
		return err;
	if (!err) {
		err = agentcg_nl_tie(info, AGENTCG_A_TOOL_OWNER, &tool->d) ?:
		      agentcg_nl_fill_tool_set(reply, tool);
		agentcg_tool_put(tool);
	}
	return agentcg_nl_send_reply(reply, hdr, err, info);
}

int agentcg_nl_tool_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct agentcg_domain *const domain = info->user_ptr[0];
	struct sk_buff *reply;
	void *hdr;

	reply = agentcg_nl_new_reply(info, &hdr);
	return reply ? agentcg_nl_send_reply(reply, hdr,
				  agentcg_nl_fill_tool(reply, agentcg_domain_to_tool(domain)),
				  info) : -ENOMEM;
}

int agentcg_nl_tool_kill_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct agentcg_domain *const domain = info->user_ptr[0];
	struct agentcg_tool *const tool = agentcg_domain_to_tool(domain);

	if (agentcg_tool_kill(tool, AGENTCG_CAUSE_USER_KILL))
		agentcg_cause_request(tool);
	return 0;
}

int agentcg_nl_tool_freeze_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct agentcg_domain *const domain = info->user_ptr[0];
	const int err = agentcg_freeze_request(agentcg_domain_to_tool(domain));

	return err ? agentcg_nl_refuse(info, NULL, err, "the call has ended") : 0;
}

int agentcg_nl_tool_thaw_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct agentcg_domain *const domain = info->user_ptr[0];

	agentcg_thaw_request(agentcg_domain_to_tool(domain));
	return 0;
}

int agentcg_nl_receipt_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct agentcg_domain *const domain = info->user_ptr[0];
	struct sk_buff *reply;
	void *hdr;

	if (READ_ONCE(domain->memcg))
		return agentcg_nl_refuse(info,
					 info->attrs[AGENTCG_A_TOOL_ID], -EBUSY,
					 "the call has not ended: its cgroup is still there");
	reply = agentcg_nl_new_reply(info, &hdr);
	return reply ? agentcg_nl_send_reply(reply, hdr,
				  agentcg_nl_fill_tool(reply, agentcg_domain_to_tool(domain)),
				  info) : -ENOMEM;
}

static bool is_live_tool(const struct agentcg_domain *const domain)
{
	return domain->type == AGENTCG_DOMAIN_TOOL && READ_ONCE(domain->memcg);
}

static bool is_receipt(const struct agentcg_domain *const domain)
{
	return domain->type == AGENTCG_DOMAIN_TOOL && !READ_ONCE(domain->memcg);
}

static int dump_fill_tool(struct sk_buff *const skb,
			  struct agentcg_domain *const domain)
{
	return agentcg_nl_fill_tool(skb, agentcg_domain_to_tool(domain));
}

int agentcg_nl_tool_get_dumpit(struct sk_buff *skb,
			       struct netlink_callback *cb)
{
	return agentcg_nl_dump(skb, cb, &(struct agentcg_nl_dump) {
		.cmd = AGENTCG_CMD_TOOL_GET,
		.wanted = is_live_tool,
		.fill = dump_fill_tool,
	});
}

int agentcg_nl_receipt_get_dumpit(struct sk_buff *skb,
				  struct netlink_callback *cb)
{
	return agentcg_nl_dump(skb, cb, &(struct agentcg_nl_dump) {
		.cmd = AGENTCG_CMD_RECEIPT_GET,
		.wanted = is_receipt,
		.fill = dump_fill_tool,
	});
}
