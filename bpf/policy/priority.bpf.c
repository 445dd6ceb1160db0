// SPDX-License-Identifier: GPL-2.0-only
/*
 * priority: two levels, HIGH and LOW.  While a HIGH call grows, every LOW call
 * that grows too is put to sleep for a moment, so that HIGH meets less reclaim and
 * finds credit; HIGH is never delayed, and what it uses is protected.
 *
 * HIGH are calls of the classes interactive and latency.  Loaded for the node,
 * HIGH of any session delays LOW of all; loaded for a session, within it.
 *
 * Lesson: two members carry a whole policy.  over_high only watches here and
 * leaves the verdict to the module; get_high_delay_ms says how long the task that
 * went over its soft limit sleeps.  It may say what it likes: no call is held back
 * beyond its own stall bound.
 */
#include <stdbool.h>

#include <agentcg/agentcg.bpf.h>

#define MS		1000000ULL

/* For so long after its last event HIGH counts as growing. */
#define PRESSURE_NS	(200 * MS)

/* How long LOW sleeps at each event meanwhile. */
#define DELAY_MS	50

/* Until when HIGH counts as growing; variables of a program live as long as it. */
static __u64 pressed_until;

static bool is_high(const struct agentcg_policy_event *event)
{
	return event->d.class <= AGENTCG_CLASS_LATENCY;
}

AGENTCG_POLICY_OP(priority_over_high, struct agentcg_policy_event *event)
{
	if (is_high(event))
		pressed_until = bpf_ktime_get_ns() + PRESSURE_NS;
	return AGENTCG_POLICY_DEFAULT;
}

AGENTCG_POLICY_OP(priority_delay, struct agentcg_policy_event *event)
{
	if (is_high(event) || bpf_ktime_get_ns() >= pressed_until)
		return 0;
	return DELAY_MS;
}

/*
 * memory.low: what HIGH calls and agents use is reclaimed last.  The session is
 * protected with them, for a child is never protected better than its parent.
 */
AGENTCG_POLICY_OP(priority_below_low, struct agentcg_policy_event *event)
{
	return event->d.kind != AGENTCG_KIND_CALL || is_high(event);
}

AGENTCG_POLICY(priority) = {
	.over_high = (void *)priority_over_high,
	.get_high_delay_ms = (void *)priority_delay,
	.below_low = (void *)priority_below_low,
	.name = "priority",
};

char LICENSE[] SEC("license") = "GPL";
