// SPDX-License-Identifier: GPL-2.0-only
/* KUnit tests of reading an intent out of netlink attributes. */

#include "../common.h"
#include "../netlink_gen.h"

/* The generated policy comes with a table of operations, which stays empty. */
#define agentcg_nl_dump_start	NULL
#define agentcg_nl_info_get_doit	NULL
#define agentcg_nl_node_get_doit	NULL
#define agentcg_nl_node_set_doit	NULL
#define agentcg_nl_policy_dump_start	NULL
#define agentcg_nl_policy_get_doit	NULL
#define agentcg_nl_policy_get_dumpit	NULL
#define agentcg_nl_post_doit	NULL
#define agentcg_nl_pre_doit	NULL
#define agentcg_nl_receipt_get_doit	NULL
#define agentcg_nl_receipt_get_dumpit	NULL
#define agentcg_nl_receipt_pre_doit	NULL
#define agentcg_nl_session_add_doit	NULL
#define agentcg_nl_session_del_doit	NULL
#define agentcg_nl_session_get_doit	NULL
#define agentcg_nl_session_get_dumpit	NULL
#define agentcg_nl_session_pre_doit	NULL
#define agentcg_nl_session_set_doit	NULL
#define agentcg_nl_tool_freeze_doit	NULL
#define agentcg_nl_tool_get_doit	NULL
#define agentcg_nl_tool_get_dumpit	NULL
#define agentcg_nl_tool_kill_doit	NULL
#define agentcg_nl_tool_make_doit	NULL
#define agentcg_nl_tool_pre_doit	NULL
#define agentcg_nl_tool_remove_doit	NULL
#define agentcg_nl_tool_set_doit	NULL
#define agentcg_nl_tool_set_pre_doit	NULL
#define agentcg_nl_tool_thaw_doit	NULL
#include "../netlink_gen.c"
#include "../intent.c"

#include <kunit/test.h>
#include <linux/skbuff.h>

/* A message with one intent in it. */
struct intent_test {
	struct sk_buff *skb;
	struct nlattr *nest;
	struct agentcg_intent intent;
	struct netlink_ext_ack extack;
};

static int intent_init(struct kunit *const test)
{
	struct intent_test *const t = kunit_kzalloc(test, sizeof(*t),
						    GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, t);
	test->priv = t;
	t->skb = alloc_skb(SZ_8K, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t->skb);
	t->nest = nla_nest_start(t->skb, AGENTCG_A_TOOL_INTENT);
	KUNIT_ASSERT_NOT_NULL(test, t->nest);
	return 0;
}

static void intent_exit(struct kunit *const test)
{
	struct intent_test *const t = test->priv;

	agentcg_intent_destroy(&t->intent);
	kfree_skb(t->skb);
}

static int parse(struct intent_test *const t)
{
	nla_nest_end(t->skb, t->nest);
	return agentcg_intent_parse(&t->intent, t->nest, &t->extack);
}

static void put(struct kunit *const test, const int attr, const u64 value,
		const int size)
{
	struct intent_test *const t = test->priv;

	/* Little endian, as everything that KUnit runs on here. */
	KUNIT_ASSERT_EQ(test, 0, nla_put(t->skb, attr, size, &value));
}

static void put_string(struct kunit *const test, const int attr,
		       const char *const text)
{
	struct intent_test *const t = test->priv;

	KUNIT_ASSERT_EQ(test, 0, nla_put_string(t->skb, attr, text));
}

/* One attribute, by table. */

struct attr_case {
	const char *name;
	int attr;
	int size;
	u64 value;
	int err;
};

#define A(NAME)		AGENTCG_A_INTENT_##NAME

static const struct attr_case attr_cases[] = {
	{ "mem 0", A(MEM), 8, 0, 0 },
	{ "mem 1", A(MEM), 8, 1, 0 },
	{ "largest mem", A(MEM), 8, AGENTCG_SIZE_MAX, 0 },
	{ "mem above", A(MEM), 8, AGENTCG_SIZE_MAX + 1, -ERANGE },
	{ "mem all ones", A(MEM), 8, U64_MAX, -ERANGE },
	{ "mem short", A(MEM), 4, 1, -EINVAL },
	{ "mem long", A(MEM), 7, 1, -EINVAL },
	{ "mem empty", A(MEM), 0, 0, -EINVAL },
	{ "largest burst", A(BURST), 8, AGENTCG_SIZE_MAX, 0 },
	{ "burst above", A(BURST), 8, AGENTCG_SIZE_MAX + 1, -ERANGE },
	{ "burst unlimited", A(BURST), 8, U64_MAX, 0 },
	{ "burst short", A(BURST), 4, 1, -EINVAL },
	{ "lowest class", A(CLASS), 4, AGENTCG_CLASS_BESTEFFORT, 0 },
	{ "class above", A(CLASS), 4, AGENTCG_CLASS_BESTEFFORT + 1, -ERANGE },
	{ "class all ones", A(CLASS), 4, U32_MAX, -ERANGE },
	{ "class of one byte", A(CLASS), 1, 0, -EINVAL },
	{ "class long", A(CLASS), 8, 0, -EINVAL },
	{ "weight 1", A(WEIGHT), 4, 1, 0 },
	{ "largest weight", A(WEIGHT), 4, AGENTCG_WEIGHT_MAX, 0 },
	{ "weight 0", A(WEIGHT), 4, 0, -ERANGE },
	{ "weight above", A(WEIGHT), 4, AGENTCG_WEIGHT_MAX + 1, -ERANGE },
	{ "stall 0", A(STALL), 8, 0, 0 },
	{ "longest stall", A(STALL), 8, AGENTCG_DURATION_MAX, 0 },
	{ "stall above", A(STALL), 8, AGENTCG_DURATION_MAX + 1, -ERANGE },
	{ "stall all ones", A(STALL), 8, U64_MAX, -ERANGE },
	{ "stall short", A(STALL), 4, 0, -EINVAL },
	{ "overdraft", A(ON_EXHAUST), 4, AGENTCG_ON_EXHAUST_OVERDRAFT, 0 },
	{ "kill", A(ON_EXHAUST), 4, AGENTCG_ON_EXHAUST_KILL, 0 },
	{ "freeze", A(ON_EXHAUST), 4, AGENTCG_ON_EXHAUST_FREEZE, 0 },
	{ "wait", A(ON_EXHAUST), 4, AGENTCG_ON_EXHAUST_WAIT, 0 },
	{ "on-exhaust above", A(ON_EXHAUST), 4, 4, -ERANGE },
	{ "restartable", A(RESTARTABLE), 1, 1, 0 },
	{ "restartable above", A(RESTARTABLE), 1, 2, -ERANGE },
	{ "restartable long", A(RESTARTABLE), 4, 1, -EINVAL },
	{ "shortest deadline", A(DEADLINE), 8, 1, 0 },
	{ "longest deadline", A(DEADLINE), 8, AGENTCG_DURATION_MAX, 0 },
	{ "deadline 0", A(DEADLINE), 8, 0, -ERANGE },
	{ "deadline above", A(DEADLINE), 8, AGENTCG_DURATION_MAX + 1, -ERANGE },
	{ "deadline unlimited", A(DEADLINE), 8, U64_MAX, 0 },
	{ "no warning", A(WARN_BEFORE), 8, 0, 0 },
	{ "earliest warning", A(WARN_BEFORE), 8, AGENTCG_DURATION_MAX, 0 },
	{ "warning above", A(WARN_BEFORE), 8, U64_MAX, -ERANGE },
	{ "reap", A(SURVIVORS), 4, AGENTCG_SURVIVORS_REAP, 0 },
	{ "survivors above", A(SURVIVORS), 4, AGENTCG_SURVIVORS_REAP + 1,
	  -ERANGE },
	{ "pids", A(PIDS), 4, 1, -EOPNOTSUPP },
	{ "conflict", A(CONFLICT), 2, 'x', 0 },
	{ "conflict with nothing", A(CONFLICT), 1, 0, -EINVAL },
	{ "label", A(LABEL), 2, 'x', 0 },
	{ "empty label", A(LABEL), 1, 0, 0 },
	{ "label without its end", A(LABEL), 1, 'x', -EINVAL },
	{ "unknown", A(MAX) + 1, 8, 0, -EINVAL },
	{ "type 0", 0, 8, 0, -EINVAL },
};

static void attr_case_name(const struct attr_case *const c, char *const name)
{
	strscpy(name, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(attr, attr_cases, attr_case_name);

static void test_attr(struct kunit *const test)
{
	const struct attr_case *const c = test->param_value;
	struct intent_test *const t = test->priv;

	put(test, c->attr, c->value, c->size);
	KUNIT_EXPECT_EQ(test, c->err, parse(t));
	if (c->err) {
		/* Says so, and points there. */
		KUNIT_EXPECT_NOT_NULL(test, t->extack._msg);
		KUNIT_EXPECT_PTR_EQ(test, (void *)t->extack.bad_attr,
				    nla_data(t->nest));
	} else {
		KUNIT_EXPECT_EQ(test, t->intent.set, (u32)BIT(c->attr));
	}
}

static void test_all_fields(struct kunit *const test)
{
	struct intent_test *const t = test->priv;
	const struct agentcg_intent *const intent = &t->intent;

	put_string(test, A(LABEL), "pytest");
	put_string(test, A(CONFLICT), "disk");
	put_string(test, A(TAG), "a=1");
	put(test, A(MEM), 5, 8);
	put(test, A(BURST), 2 * PAGE_SIZE, 8);
	put(test, A(CLASS), AGENTCG_CLASS_LATENCY, 4);
	put(test, A(WEIGHT), 7, 4);
	put(test, A(STALL), 9, 8);
	put(test, A(ON_EXHAUST), AGENTCG_ON_EXHAUST_KILL, 4);
	put(test, A(RESTARTABLE), 1, 1);
	put_string(test, A(TAG), "b=2");
	KUNIT_ASSERT_EQ(test, 0, parse(t));
	KUNIT_EXPECT_STREQ(test, intent->label, "pytest");
	KUNIT_EXPECT_STREQ(test, intent->conflict, "disk");
	/* Up to a whole page. */
	KUNIT_EXPECT_EQ(test, intent->mem, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, intent->burst, 2 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, intent->class, AGENTCG_CLASS_LATENCY);
	KUNIT_EXPECT_EQ(test, intent->weight, 7);
	KUNIT_EXPECT_EQ(test, intent->stall, 9);
	KUNIT_EXPECT_EQ(test, intent->on_exhaust, AGENTCG_ON_EXHAUST_KILL);
	KUNIT_EXPECT_EQ(test, intent->restartable, 1);
	KUNIT_ASSERT_NOT_NULL(test, intent->tags);
	KUNIT_ASSERT_EQ(test, intent->tags->nr, 2);
	KUNIT_EXPECT_STREQ(test, intent->tags->tag[0], "a=1");
	KUNIT_EXPECT_STREQ(test, intent->tags->tag[1], "b=2");
}

static void test_empty(struct kunit *const test)
{
	struct intent_test *const t = test->priv;

	KUNIT_ASSERT_EQ(test, 0, parse(t));
	KUNIT_EXPECT_EQ(test, t->intent.set, 0);
	KUNIT_EXPECT_NULL(test, t->intent.tags);
}

static void test_duplicate(struct kunit *const test)
{
	struct intent_test *const t = test->priv;

	put(test, A(MEM), PAGE_SIZE, 8);
	put(test, A(BURST), PAGE_SIZE, 8);
	put(test, A(MEM), PAGE_SIZE, 8);
	KUNIT_EXPECT_EQ(test, -EINVAL, parse(t));
	KUNIT_EXPECT_NOT_NULL(test, t->extack._msg);
}

static void test_too_many_tags(struct kunit *const test)
{
	struct intent_test *const t = test->priv;
	int i;

	for (i = 0; i <= AGENTCG_TAGS_MAX; i++)
		put_string(test, A(TAG), "k=v");
	KUNIT_EXPECT_EQ(test, -E2BIG, parse(t));
	KUNIT_EXPECT_NOT_NULL(test, t->extack._msg);
	/* The first that is one too many. */
	KUNIT_EXPECT_EQ(test, (void *)t->extack.bad_attr - nla_data(t->nest),
			AGENTCG_TAGS_MAX * NLA_ALIGN(nla_attr_size(sizeof("k=v"))));
	KUNIT_EXPECT_NULL(test, t->intent.tags);
}

static void test_longest_strings(struct kunit *const test)
{
	struct intent_test *const t = test->priv;
	char text[AGENTCG_TAG_MAX + 1];
	int i;

	memset(text, 'x', AGENTCG_TAG_MAX);
	text[AGENTCG_TAG_MAX] = '\0';
	for (i = 0; i < AGENTCG_TAGS_MAX; i++)
		put_string(test, A(TAG), text);
	put_string(test, A(LABEL), text + AGENTCG_TAG_MAX - AGENTCG_LABEL_MAX);
	KUNIT_ASSERT_EQ(test, 0, parse(t));
	KUNIT_EXPECT_EQ(test, strlen(t->intent.label), AGENTCG_LABEL_MAX);
	KUNIT_EXPECT_EQ(test, t->intent.tags->nr, AGENTCG_TAGS_MAX);
	KUNIT_EXPECT_EQ(test, strlen(t->intent.tags->tag[AGENTCG_TAGS_MAX - 1]),
			AGENTCG_TAG_MAX);
}

/* No NUL within the longest label: to the policy it is not a string at all. */
static void test_string_too_long(struct kunit *const test)
{
	struct intent_test *const t = test->priv;
	char text[AGENTCG_LABEL_MAX + 2];

	memset(text, 'x', AGENTCG_LABEL_MAX + 1);
	text[AGENTCG_LABEL_MAX + 1] = '\0';
	put_string(test, A(LABEL), text);
	KUNIT_EXPECT_EQ(test, -EINVAL, parse(t));
	KUNIT_EXPECT_NOT_NULL(test, t->extack._msg);
}

static void test_not_flagged_as_nest(struct kunit *const test)
{
	struct intent_test *const t = test->priv;

	put(test, A(MEM), PAGE_SIZE, 8);
	nla_nest_end(t->skb, t->nest);
	t->nest->nla_type &= ~NLA_F_NESTED;
	KUNIT_EXPECT_EQ(test, -EINVAL,
			agentcg_intent_parse(&t->intent, t->nest, &t->extack));
	KUNIT_EXPECT_NOT_NULL(test, t->extack._msg);
}

static void test_nest_inside(struct kunit *const test)
{
	struct intent_test *const t = test->priv;
	struct nlattr *const inner = nla_nest_start(t->skb, A(MEM));

	put(test, A(MEM), PAGE_SIZE, 8);
	nla_nest_end(t->skb, inner);
	KUNIT_EXPECT_EQ(test, -EINVAL, parse(t));
}

static void test_garbage(struct kunit *const test)
{
	struct intent_test *const t = test->priv;

	put(test, A(MEM), PAGE_SIZE, 8);
	/* Bytes behind the last attribute, and one that ends outside. */
	skb_put_zero(t->skb, 3);
	KUNIT_EXPECT_EQ(test, -EINVAL, parse(t));
	t->nest->nla_len = NLA_HDRLEN + NLA_HDRLEN + 4;
	KUNIT_EXPECT_EQ(test, -EINVAL,
			agentcg_intent_parse(&t->intent, t->nest, &t->extack));
}

/* For refusals that come after the reading. */
static void test_points_into_the_request(struct kunit *const test)
{
	struct intent_test *const t = test->priv;
	struct agentcg_intent merged = {};

	put(test, A(STALL), 1, 8);
	put(test, A(MEM), PAGE_SIZE, 8);
	KUNIT_ASSERT_EQ(test, 0, parse(t));
	KUNIT_EXPECT_EQ(test, nla_type(agentcg_intent_attr(&t->intent, A(MEM))),
			A(MEM));
	KUNIT_EXPECT_NULL(test, agentcg_intent_attr(&t->intent, A(CLASS)));
	/* What is kept knows no request. */
	agentcg_intent_update(&merged, &t->intent);
	KUNIT_EXPECT_NULL(test, agentcg_intent_attr(&merged, A(MEM)));
}

/* The later declaration wins field by field, the rest stays. */
static void test_update(struct kunit *const test)
{
	struct agentcg_intent first = {
		.set = BIT(A(MEM)) | BIT(A(STALL)) | BIT(A(LABEL)),
		.mem = 1, .stall = 2, .label = "first",
	};
	struct agentcg_intent later = {
		.set = BIT(A(STALL)) | BIT(A(CLASS)),
		.mem = 9, .stall = 3, .class = AGENTCG_CLASS_LATENCY,
		.label = "later",
	};

	agentcg_intent_update(&first, &later);
	KUNIT_EXPECT_EQ(test, first.mem, 1);
	KUNIT_EXPECT_EQ(test, first.stall, 3);
	KUNIT_EXPECT_EQ(test, first.class, AGENTCG_CLASS_LATENCY);
	KUNIT_EXPECT_STREQ(test, first.label, "first");
	KUNIT_EXPECT_EQ(test, first.set,
			(u32)(BIT(A(MEM)) | BIT(A(STALL)) | BIT(A(LABEL)) |
			      BIT(A(CLASS))));
}

/* Tags change hands, so that nobody has to free under a lock. */
static void test_update_swaps_tags(struct kunit *const test)
{
	struct agentcg_tags *const old = kunit_kzalloc(test, sizeof(*old),
						       GFP_KERNEL);
	struct agentcg_tags *const new = kunit_kzalloc(test, sizeof(*new),
						       GFP_KERNEL);
	struct agentcg_intent first = { .set = BIT(A(TAG)), .tags = old };
	struct agentcg_intent later = { .set = BIT(A(TAG)), .tags = new };
	struct agentcg_intent without = {};

	agentcg_intent_update(&first, &later);
	KUNIT_EXPECT_PTR_EQ(test, first.tags, new);
	KUNIT_EXPECT_PTR_EQ(test, later.tags, old);
	agentcg_intent_update(&first, &without);
	KUNIT_EXPECT_PTR_EQ(test, first.tags, new);
}

static struct kunit_case intent_tests[] = {
	KUNIT_CASE_PARAM(test_attr, attr_gen_params),
	KUNIT_CASE(test_all_fields),
	KUNIT_CASE(test_empty),
	KUNIT_CASE(test_duplicate),
	KUNIT_CASE(test_too_many_tags),
	KUNIT_CASE(test_longest_strings),
	KUNIT_CASE(test_string_too_long),
	KUNIT_CASE(test_not_flagged_as_nest),
	KUNIT_CASE(test_nest_inside),
	KUNIT_CASE(test_garbage),
	KUNIT_CASE(test_points_into_the_request),
	KUNIT_CASE(test_update),
	KUNIT_CASE(test_update_swaps_tags),
	{}
};

static struct kunit_suite intent_suite = {
	.name = "agentcg_intent",
	.init = intent_init,
	.exit = intent_exit,
	.test_cases = intent_tests,
};
kunit_test_suite(intent_suite);
