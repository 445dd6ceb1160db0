// SPDX-License-Identifier: GPL-2.0-only
/*
 * deadline: credit to who finishes soonest.  Once half of a session's budget is
 * taken, the call whose deadline comes first grows as it likes; the others get
 * little and wait a moment before they get more.  A call without a deadline comes
 * last.
 *
 * Lesson: over_high decides alone, with bytes and a sleep beside its verdict.  How
 * wrong it can be is bounded by the module: a call that is always passed over is
 * held back for its stall bound at most, then it is decided by its intent.
 */
#include <stdbool.h>

#include <agentcg/agentcg.bpf.h>

#define MS		1000000ULL

/* Who has not grown for so long has had enough, and others need not wait. */
#define GROWS_NS	(500 * MS)

/* What the others are given at once, and how long they wait then. */
#define LITTLE		(1ULL << 20)
#define WAIT_NS		(20 * MS)

/* Of a session, who is first among those that grow. */
struct first {
	__u64 id;
	__u64 deadline;
	__u64 seen;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, struct first);
} sessions SEC(".maps");

/* Whether nobody who grows has an earlier deadline; then it is first from now on. */
static bool is_first(const struct agentcg_policy_event *event)
{
	const __u64 session = event->d.session_id, now = bpf_ktime_get_ns();
	const struct first *known = bpf_map_lookup_elem(&sessions, &session);
	const struct first me = {
		.id = event->d.id,
		.deadline = event->d.deadline,
		.seen = now,
	};

	if (known && known->id != me.id && known->deadline <= me.deadline &&
	    now - known->seen < GROWS_NS)
		return false;
	bpf_map_update_elem(&sessions, &session, &me, BPF_ANY);
	return true;
}

AGENTCG_POLICY_OP(deadline_over_high, struct agentcg_policy_event *event)
{
	/* Always asked, for it also notes who grows. */
	const bool first = is_first(event);

	if (first || event->session_free > event->session_budget / 2)
		return AGENTCG_POLICY_DEFAULT;
	agentcg_bpf_answer(event, LITTLE, WAIT_NS);
	return AGENTCG_POLICY_GRANT;
}

AGENTCG_POLICY_OP_VOID(deadline_offline, struct agentcg_policy_event *event)
{
	const __u64 session = event->d.session_id;
	const struct first *known = bpf_map_lookup_elem(&sessions, &session);

	if (known && (known->id == event->d.id ||
		      event->d.kind == AGENTCG_KIND_SESSION))
		bpf_map_delete_elem(&sessions, &session);
}

AGENTCG_POLICY(deadline) = {
	.over_high = (void *)deadline_over_high,
	.domain_offline = (void *)deadline_offline,
	.name = "deadline",
};

char LICENSE[] SEC("license") = "GPL";
