// SPDX-License-Identifier: GPL-2.0-only
/* nlattr -> struct agentcg_intent, with a sentence for every refusal. */

#include "common.h"

#include <linux/align.h>
#include <linux/errno.h>
#include <linux/string.h>

#include "intent.h"
#include "netlink_gen.h"

/* In the spec from the start, so that no agent believes in what is not there. */
static const struct {
	int attr;
	const char *text;
} not_enforced[] = {
	{ AGENTCG_A_INTENT_PIDS, "pids is not enforced by this version" },
};

static int refuse_not_enforced(struct nlattr *const *const tb,
			       struct netlink_ext_ack *const extack)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(not_enforced); i++) {
		if (!tb[not_enforced[i].attr])
			continue;
		NL_SET_ERR_MSG_ATTR_FMT(extack, tb[not_enforced[i].attr], "%s",
					not_enforced[i].text);
		return -EOPNOTSUPP;
	}
	return 0;
}

static int parse_size(u64 *const size, const struct nlattr *const attr,
		      const char *const name,
		      struct netlink_ext_ack *const extack)
{
	const u64 bytes = nla_get_u64(attr);

	if (bytes > AGENTCG_SIZE_MAX) {
		NL_SET_ERR_MSG_ATTR_FMT(extack, attr,
					"%s %llu is above the largest size, %llu",
					name, bytes, AGENTCG_SIZE_MAX);
		return -ERANGE;
	}
	*size = ALIGN(bytes, PAGE_SIZE);
	return 0;
}

/* All ones: as much as the budget allows. */
static int parse_burst(u64 *const burst, const struct nlattr *const attr,
		       struct netlink_ext_ack *const extack)
{
	if (nla_get_u64(attr) != AGENTCG_NO_LIMIT)
		return parse_size(burst, attr, "burst", extack);
	*burst = AGENTCG_NO_LIMIT;
	return 0;
}

static int parse_duration(u64 *const ns, const struct nlattr *const attr,
			  const char *const name,
			  struct netlink_ext_ack *const extack)
{
	*ns = nla_get_u64(attr);
	if (*ns <= AGENTCG_DURATION_MAX)
		return 0;
	NL_SET_ERR_MSG_ATTR_FMT(extack, attr,
				"%s %llu is above the longest, %llu",
				name, *ns, AGENTCG_DURATION_MAX);
	return -ERANGE;
}

/* All ones: none. */
static int parse_deadline(u64 *const deadline, const struct nlattr *const attr,
			  struct netlink_ext_ack *const extack)
{
	*deadline = nla_get_u64(attr);
	if (*deadline == AGENTCG_NO_LIMIT)
		return 0;
	if (*deadline)
		return parse_duration(deadline, attr, "deadline", extack);
	NL_SET_ERR_MSG_ATTR(extack, attr,
			    "deadline 0 would kill the call as it begins; all ones for none");
	return -ERANGE;
}

static int parse_conflict(struct agentcg_intent *const intent,
			  const struct nlattr *const attr,
			  struct netlink_ext_ack *const extack)
{
	if (nla_strscpy(intent->conflict, attr, sizeof(intent->conflict)) > 0)
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, attr,
			    "conflict names nothing: leave it out for none");
	return -EINVAL;
}

static int parse_scalars(struct agentcg_intent *const intent,
			 struct nlattr *const *const tb,
			 struct netlink_ext_ack *const extack)
{
	int err = 0;

	if (tb[AGENTCG_A_INTENT_MEM])
		err = parse_size(&intent->mem, tb[AGENTCG_A_INTENT_MEM], "mem",
				 extack);
	if (!err && tb[AGENTCG_A_INTENT_BURST])
		err = parse_burst(&intent->burst, tb[AGENTCG_A_INTENT_BURST],
				  extack);
	if (!err && tb[AGENTCG_A_INTENT_STALL])
		err = parse_duration(&intent->stall, tb[AGENTCG_A_INTENT_STALL],
				     "stall", extack);
	if (!err && tb[AGENTCG_A_INTENT_DEADLINE])
		err = parse_deadline(&intent->deadline,
				     tb[AGENTCG_A_INTENT_DEADLINE], extack);
	if (!err && tb[AGENTCG_A_INTENT_WARN_BEFORE])
		err = parse_duration(&intent->warn_before,
				     tb[AGENTCG_A_INTENT_WARN_BEFORE],
				     "warn-before", extack);
	if (!err && tb[AGENTCG_A_INTENT_CONFLICT])
		err = parse_conflict(intent, tb[AGENTCG_A_INTENT_CONFLICT], extack);
	if (err)
		return err;
	if (tb[AGENTCG_A_INTENT_CLASS])
		intent->class = nla_get_u32(tb[AGENTCG_A_INTENT_CLASS]);
	if (tb[AGENTCG_A_INTENT_WEIGHT])
		intent->weight = nla_get_u32(tb[AGENTCG_A_INTENT_WEIGHT]);
	if (tb[AGENTCG_A_INTENT_ON_EXHAUST])
		intent->on_exhaust = nla_get_u32(tb[AGENTCG_A_INTENT_ON_EXHAUST]);
	if (tb[AGENTCG_A_INTENT_RESTARTABLE])
		intent->restartable = nla_get_u8(tb[AGENTCG_A_INTENT_RESTARTABLE]);
	if (tb[AGENTCG_A_INTENT_SURVIVORS])
		intent->survivors = nla_get_u32(tb[AGENTCG_A_INTENT_SURVIVORS]);
	if (tb[AGENTCG_A_INTENT_LABEL])
		nla_strscpy(intent->label, tb[AGENTCG_A_INTENT_LABEL],
			    sizeof(intent->label));
	return 0;
}

/*
 * The one attribute that may repeat: nla_parse_nested() keeps the last only,
 * so they are walked.
 */
static int parse_tags(struct agentcg_intent *const intent,
		      const struct nlattr *const nest,
		      struct netlink_ext_ack *const extack)
{
	const struct nlattr *attr;
	u32 nr = 0;
	int rem;

	nla_for_each_nested(attr, nest, rem) {
		nr += nla_type(attr) == AGENTCG_A_INTENT_TAG;
		if (nr > AGENTCG_TAGS_MAX) {
			NL_SET_ERR_MSG_ATTR_FMT(extack, attr,
						"tag: at most %u are kept",
						AGENTCG_TAGS_MAX);
			return -E2BIG;
		}
	}
	intent->tags = kzalloc(struct_size(intent->tags, tag, nr),
			       GFP_KERNEL_ACCOUNT);
	if (!intent->tags)
		return -ENOMEM;
	nla_for_each_nested(attr, nest, rem) {
		if (nla_type(attr) == AGENTCG_A_INTENT_TAG)
			nla_strscpy(intent->tags->tag[intent->tags->nr++], attr,
				    AGENTCG_TAG_MAX + 1);
	}
	return 0;
}

/*
 * The parser takes the last of two: silently dropping what was declared first
 * would be a guess.
 */
static int refuse_duplicates(const struct nlattr *const nest,
			     struct netlink_ext_ack *const extack)
{
	const struct nlattr *attr;
	u32 seen = 0;
	int rem;

	nla_for_each_nested(attr, nest, rem) {
		if (nla_type(attr) == AGENTCG_A_INTENT_TAG)
			continue;
		if (seen & BIT(nla_type(attr))) {
			NL_SET_ERR_MSG_ATTR(extack, attr,
					    "intent: attribute given twice");
			return -EINVAL;
		}
		seen |= BIT(nla_type(attr));
	}
	return 0;
}

/**
 * agentcg_intent_parse - read a nested intent
 * @intent: filled; on success the caller owns it and destroys it
 * @nest: the attribute, checked against the generated policy here
 * @extack: gets the attribute and a sentence
 *
 * Context: may sleep.
 * Return: 0, -EINVAL (malformed, duplicate), -ERANGE (a size or a time too large),
 * -EOPNOTSUPP (a field that is not enforced yet), -E2BIG (too many tags),
 * -ENOMEM.
 */
int agentcg_intent_parse(struct agentcg_intent *const intent,
			 const struct nlattr *const nest,
			 struct netlink_ext_ack *const extack)
{
	struct nlattr *tb[AGENTCG_A_INTENT_MAX + 1];
	int err, i;

	*intent = (struct agentcg_intent) { .nest = nest };
	err = nla_parse_nested(tb, AGENTCG_A_INTENT_MAX, nest,
			       agentcg_intent_nl_policy, extack);
	if (!err)
		err = refuse_duplicates(nest, extack);
	if (!err)
		err = refuse_not_enforced(tb, extack);
	if (!err)
		err = parse_scalars(intent, tb, extack);
	if (!err && tb[AGENTCG_A_INTENT_TAG])
		err = parse_tags(intent, nest, extack);
	if (err)
		return err;
	for (i = 1; i <= AGENTCG_A_INTENT_MAX; i++)
		if (tb[i])
			intent->set |= BIT(i);
	return 0;
}

/**
 * agentcg_intent_update - lay a later declaration over an earlier one
 * @intent: the earlier one, changed
 * @from: the later one; its tags move to @intent, the old ones move here
 *
 * Swapping the tags lets the caller free the old ones where it may sleep.
 */
void agentcg_intent_update(struct agentcg_intent *const intent,
			   struct agentcg_intent *const from)
{
	if (agentcg_intent_has(from, AGENTCG_A_INTENT_MEM))
		intent->mem = from->mem;
	if (agentcg_intent_has(from, AGENTCG_A_INTENT_BURST))
		intent->burst = from->burst;
	if (agentcg_intent_has(from, AGENTCG_A_INTENT_CLASS))
		intent->class = from->class;
	if (agentcg_intent_has(from, AGENTCG_A_INTENT_WEIGHT))
		intent->weight = from->weight;
	if (agentcg_intent_has(from, AGENTCG_A_INTENT_STALL))
		intent->stall = from->stall;
	if (agentcg_intent_has(from, AGENTCG_A_INTENT_ON_EXHAUST))
		intent->on_exhaust = from->on_exhaust;
	if (agentcg_intent_has(from, AGENTCG_A_INTENT_RESTARTABLE))
		intent->restartable = from->restartable;
	if (agentcg_intent_has(from, AGENTCG_A_INTENT_DEADLINE))
		intent->deadline = from->deadline;
	if (agentcg_intent_has(from, AGENTCG_A_INTENT_WARN_BEFORE))
		intent->warn_before = from->warn_before;
	if (agentcg_intent_has(from, AGENTCG_A_INTENT_SURVIVORS))
		intent->survivors = from->survivors;
	if (agentcg_intent_has(from, AGENTCG_A_INTENT_LABEL))
		strscpy(intent->label, from->label);
	if (agentcg_intent_has(from, AGENTCG_A_INTENT_CONFLICT))
		strscpy(intent->conflict, from->conflict);
	if (agentcg_intent_has(from, AGENTCG_A_INTENT_TAG))
		swap(intent->tags, from->tags);
	intent->set |= from->set;
}
