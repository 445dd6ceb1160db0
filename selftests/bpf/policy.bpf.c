// SPDX-License-Identifier: GPL-2.0-only
/* A policy that does as the test says, and tells what it has seen. */
#include <agentcg/agentcg.bpf.h>

#include "policy.h"

/* A section each, so that the test finds them. */
struct orders orders SEC(".data.orders");
struct report report SEC(".data.report");

static void count(__u64 *counter)
{
	__sync_fetch_and_add(counter, 1);
}

/* Something that the compiler cannot take away. */
static void spin(void)
{
	__u64 i;

	bpf_for(i, 0, orders.spin)
		asm volatile("" :: "r"(i));
}

AGENTCG_POLICY_OP(test_over_high, struct agentcg_policy_event *event)
{
	count(&report.over_high);
	report.last_id = event->d.id;
	report.last_usage = event->d.usage;
	report.last_need = event->need;
	report.last_class = event->d.class;
	if (event->flags & AGENTCG_POLICY_SYNC)
		count(&report.sync);
	if (event->flags & AGENTCG_POLICY_SESSION)
		count(&report.session);
	if (orders.grant_id)
		report.granted = agentcg_bpf_grant(event, orders.grant_id,
						   orders.grant_bytes);
	if (orders.hold_id)
		report.taken = agentcg_bpf_hold(event, orders.hold_id);
	if (orders.tell)
		agentcg_bpf_event(event, orders.tell);
	spin();
	agentcg_bpf_answer(event, orders.bytes, orders.ns);
	return orders.verdict;
}

AGENTCG_POLICY_OP(test_exhausted, struct agentcg_policy_event *event)
{
	count(&report.exhausted);
	return orders.action;
}

AGENTCG_POLICY_OP_VOID(test_online, struct agentcg_policy_event *event)
{
	count(&report.online);
}

AGENTCG_POLICY_OP_VOID(test_offline, struct agentcg_policy_event *event)
{
	count(&report.offline);
}

AGENTCG_POLICY_OP_VOID(test_receipt, struct agentcg_policy_receipt *receipt)
{
	count(&report.receipts);
	report.receipt_id = receipt->d.id;
	report.receipt_peak = receipt->peak;
}

AGENTCG_POLICY_OP(test_delay, struct agentcg_policy_event *event)
{
	count(&report.delays);
	return orders.delay_ms;
}

AGENTCG_POLICY_OP(test_low, struct agentcg_policy_event *event)
{
	count(&report.lows);
	return orders.low;
}

AGENTCG_POLICY_OP(test_min, struct agentcg_policy_event *event)
{
	count(&report.mins);
	return orders.min;
}

AGENTCG_POLICY(test) = {
	.over_high = (void *)test_over_high,
	.exhausted = (void *)test_exhausted,
	.domain_online = (void *)test_online,
	.domain_offline = (void *)test_offline,
	.receipt = (void *)test_receipt,
	.get_high_delay_ms = (void *)test_delay,
	.below_low = (void *)test_low,
	.below_min = (void *)test_min,
	.name = "test",
};

char LICENSE[] SEC("license") = "GPL";
