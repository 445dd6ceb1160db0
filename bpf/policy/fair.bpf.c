// SPDX-License-Identifier: GPL-2.0-only
/*
 * fair: max-min sharing of a session's budget.  Up to an equal share everybody is
 * given what he asks for, at once; beyond it, only ever smaller parts of what is
 * left, so that who comes later finds something.  Who is below his share when
 * nothing is left has the unused credit of the richest taken back for him.
 *
 * Lesson: a policy that keeps state of its own, in a map, and moves credit by
 * kfunc.  Nothing has to be locked for the sake of one session: whoever is asked
 * about it holds the session's lock.
 */
#include <agentcg/agentcg.bpf.h>

/* The call that holds most in a session. */
struct richest {
	__u64 id;
	__u64 held;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, struct richest);
} sessions SEC(".maps");

/* Remember who holds most; what is known of him grows old, and is renewed. */
static void note(const struct agentcg_policy_event *event)
{
	struct richest now = { .id = event->d.id, .held = event->d.held };
	const __u64 session = event->d.session_id;
	const struct richest *known = bpf_map_lookup_elem(&sessions, &session);

	if (!known || known->id == now.id || known->held <= now.held)
		bpf_map_update_elem(&sessions, &session, &now, BPF_ANY);
}

static __u64 take_from_richest(struct agentcg_policy_event *event)
{
	const __u64 session = event->d.session_id;
	const struct richest *known = bpf_map_lookup_elem(&sessions, &session);

	if (!known || known->id == event->d.id)
		return 0;
	return agentcg_bpf_hold(event, known->id);
}

AGENTCG_POLICY_OP(fair_over_high, struct agentcg_policy_event *event)
{
	const __u64 calls = event->session_calls ?: 1;
	const __u64 share = event->session_budget / calls;
	const __u64 wanted = event->d.held + event->need;
	__u64 free = event->session_free;

	note(event);
	if (wanted >= share) {
		/* Half of an equal part of what is left. */
		agentcg_bpf_answer(event, free / (2 * calls), 0);
		return free ? AGENTCG_POLICY_GRANT : AGENTCG_POLICY_DEFAULT;
	}
	if (free < share - wanted)
		free += take_from_richest(event);
	/* Up to the share in four steps: it may turn out that less will do. */
	agentcg_bpf_answer(event, (share - wanted) / 4, 0);
	return free ? AGENTCG_POLICY_GRANT : AGENTCG_POLICY_DEFAULT;
}

AGENTCG_POLICY_OP_VOID(fair_offline, struct agentcg_policy_event *event)
{
	const __u64 session = event->d.session_id;
	const struct richest *known = bpf_map_lookup_elem(&sessions, &session);

	if (known && (known->id == event->d.id ||
		      event->d.kind == AGENTCG_KIND_SESSION))
		bpf_map_delete_elem(&sessions, &session);
}

AGENTCG_POLICY(fair) = {
	.over_high = (void *)fair_over_high,
	.domain_offline = (void *)fair_offline,
	.name = "fair",
};

char LICENSE[] SEC("license") = "GPL";
