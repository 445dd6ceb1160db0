/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Policy: a BPF program's say in what becomes of memory.
 *
 * It replaces decisions, never mechanisms: what it answers is clamped, what it
 * leaves out is built in, and when it goes the built-in policy is what remains.
 * Without any attached, none of this costs more than a jump that is not taken.
 */
#ifndef _AGENTCG_POLICY_H
#define _AGENTCG_POLICY_H

#include <linux/jump_label.h>
#include <linux/types.h>

#include <agentcg/types.h>

struct agentcg_domain;
struct agentcg_session;
struct agentcg_tool;
struct bpf_link;

DECLARE_STATIC_KEY_FALSE(agentcg_policy_key);

/* Whether any policy is attached on this machine. */
static inline bool agentcg_policy_any(void)
{
	return static_branch_unlikely(&agentcg_policy_key);
}

/**
 * struct agentcg_policy_answer - what a policy says to an over-high event
 * @verdict: enum agentcg_policy_verdict
 * @bytes: to grant beyond what is needed, 0 for what the built-in policy would
 * @delay: ns for which the task then sleeps
 */
struct agentcg_policy_answer {
	enum agentcg_policy_verdict verdict;
	u64 bytes;
	u64 delay;
};

/* The session's lock is held; only where agentcg_policy_any(). */
struct agentcg_policy_answer agentcg_policy_over_high(struct agentcg_tool *tool,
						      u32 flags);
enum agentcg_policy_action agentcg_policy_exhausted(struct agentcg_tool *tool);
void agentcg_policy_tool_online(struct agentcg_tool *tool);
void agentcg_policy_tool_offline(struct agentcg_tool *tool);
void agentcg_policy_receipt(struct agentcg_tool *tool);
void agentcg_policy_tick(struct agentcg_session *session);

/* Its lock is not held; may sleep. */
void agentcg_policy_session_online(struct agentcg_session *session);
void agentcg_policy_session_gone(struct agentcg_session *session);

/* From struct_ops. */
int agentcg_policy_attach(const struct agentcg_policy_ops *ops,
			  struct bpf_link *link);
void agentcg_policy_detach(const struct agentcg_policy_ops *ops);
int agentcg_policy_replace(const struct agentcg_policy_ops *ops,
			   const struct agentcg_policy_ops *old);

/* From kfuncs, while a policy is asked. */
struct agentcg_tool *
agentcg_policy_call(const struct agentcg_policy_event *event, u64 id);

/**
 * struct agentcg_policy_show - an attached policy, for people
 * @session_id: that it decides for, 0 for the node
 * @link_id: of its BPF link
 * @since: when it was attached, CLOCK_BOOTTIME
 * @calls: times that it was asked or told something
 * @slow: times that this took too long
 * @given_up: it is about to be detached for that
 * @name: its own
 */
struct agentcg_policy_show {
	u64 session_id;
	u32 link_id;
	u64 since;
	u64 calls;
	u64 slow;
	bool given_up;
	char name[AGENTCG_POLICY_NAME_MAX + 1];
};

bool agentcg_policy_get(unsigned int nr, struct agentcg_policy_show *show);

#endif /* _AGENTCG_POLICY_H */
