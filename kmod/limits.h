/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Limits: what an intent comes to in a session.  Never changed while in
 * force, only replaced as a whole, under the session's lock.
 */
#ifndef _AGENTCG_LIMITS_H
#define _AGENTCG_LIMITS_H

#include <linux/types.h>

/* What the kernel gives a cgroup, and the class that it has for what is left over. */
#define AGENTCG_CPU_DEFAULT	100
#define AGENTCG_CPU_IDLE	0

struct agentcg_intent;
struct netlink_ext_ack;

/**
 * struct agentcg_limits - the applied form of an intent
 * @mem: bytes reserved
 * @burst: bytes that may be granted above @mem
 * @stall: ns for which the call may be held back over its life
 * @weight: within the class
 * @class: enum agentcg_class
 * @on_exhaust: enum agentcg_on_exhaust
 * @restartable: the agent can simply run it again
 * @survivors: enum agentcg_survivors
 * @deadline: ns from the entry of the first process, AGENTCG_NO_LIMIT for none
 * @warn_before: ns before it, 0 for no warning
 * @conflict: hash of what it must not share a core for, 0 for nothing
 */
struct agentcg_limits {
	u64 mem;
	u64 burst;
	u64 stall;
	u32 weight;
	u8 class;
	u8 on_exhaust;
	u8 restartable;
	u8 survivors;
	u64 deadline;
	u64 warn_before;
	u32 conflict;
};

int agentcg_limits_merge(struct agentcg_limits *limits,
			 const struct agentcg_intent *intent,
			 const struct agentcg_intent *defaults, u64 budget,
			 u8 max_class, struct netlink_ext_ack *extack);
void agentcg_limits_builtin(struct agentcg_intent *defaults);
s16 agentcg_limits_oom_score(const struct agentcg_limits *limits);
bool agentcg_limits_is_prompt(const struct agentcg_limits *limits);
u32 agentcg_limits_cpu_weight(const struct agentcg_limits *limits);

#endif /* _AGENTCG_LIMITS_H */
