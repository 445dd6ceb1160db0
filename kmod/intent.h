/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Intent: what an agent declares about a tool call.  Mutable request; the
 * immutable result is struct agentcg_limits.
 */
#ifndef _AGENTCG_INTENT_H
#define _AGENTCG_INTENT_H

#include <linux/bits.h>
#include <linux/slab.h>
#include <linux/types.h>
#include <net/netlink.h>

#include <uapi/linux/agentcg.h>

struct netlink_ext_ack;

/**
 * struct agentcg_tags - KEY=VALUE strings, kept for the receipt only
 * @nr: how many
 * @tag: each one NUL-terminated
 */
struct agentcg_tags {
	u32 nr;
	char tag[][AGENTCG_TAG_MAX + 1];
};

/**
 * struct agentcg_intent - a declared intent
 * @set: bit AGENTCG_A_INTENT_x for each field that was declared
 * @class: enum agentcg_class
 * @on_exhaust: enum agentcg_on_exhaust
 * @restartable: the agent can simply run it again
 * @survivors: enum agentcg_survivors
 * @weight: within the class, 1 to AGENTCG_WEIGHT_MAX
 * @mem: bytes, a multiple of the page size
 * @burst: bytes above @mem, a multiple of the page size
 * @stall: ns
 * @deadline: ns, AGENTCG_NO_LIMIT for none
 * @warn_before: ns before the deadline, 0 for no warning
 * @label: free text
 * @conflict: what it must not share a core for, empty for nothing
 * @tags: or NULL; owned
 * @nest: what it was read from, for refusals to point into; NULL once the
 *        request is over
 */
struct agentcg_intent {
	u32 set;
	u8 class;
	u8 on_exhaust;
	u8 restartable;
	u8 survivors;
	u32 weight;
	u64 mem;
	u64 burst;
	u64 stall;
	u64 deadline;
	u64 warn_before;
	char label[AGENTCG_LABEL_MAX + 1];
	char conflict[AGENTCG_LABEL_MAX + 1];
	struct agentcg_tags *tags;
	const struct nlattr *nest;
};

static inline bool agentcg_intent_has(const struct agentcg_intent *const intent,
				      const int attr)
{
	return intent->set & BIT(attr);
}

/* Where this request declares a field; NULL when it does not. */
static inline const struct nlattr *
agentcg_intent_attr(const struct agentcg_intent *const intent, const int attr)
{
	return intent->nest ? nla_find_nested(intent->nest, attr) : NULL;
}

int agentcg_intent_parse(struct agentcg_intent *intent,
			 const struct nlattr *nest,
			 struct netlink_ext_ack *extack);
void agentcg_intent_update(struct agentcg_intent *intent,
			   struct agentcg_intent *from);

/* Frees what @intent owns, not @intent. */
static inline void agentcg_intent_destroy(struct agentcg_intent *const intent)
{
	kfree(intent->tags);
	intent->tags = NULL;
}

#endif /* _AGENTCG_INTENT_H */
