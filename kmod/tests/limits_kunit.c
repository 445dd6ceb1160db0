// SPDX-License-Identifier: GPL-2.0-only
/* KUnit tests of how an intent, the defaults and the session become limits. */

#include "../limits.c"

#include <kunit/test.h>
#include <linux/string.h>

#define HAS(FIELD)	BIT(AGENTCG_A_INTENT_##FIELD)

struct merge_case {
	const char *name;
	struct agentcg_intent intent;
	u64 budget;
	u8 max_class;
	int err;
	struct agentcg_limits limits;
};

/* Against these defaults. */
static const struct agentcg_intent defaults = {
	.mem = 200, .burst = 1000, .stall = 50, .weight = 100,
	.class = AGENTCG_CLASS_BATCH,
	.on_exhaust = AGENTCG_ON_EXHAUST_OVERDRAFT,
};

static const struct merge_case merge_cases[] = {
	{ "nothing declared", {}, 5000, 0, 0,
	  { 200, 1000, 50, 100, AGENTCG_CLASS_BATCH } },
	{ "everything declared",
	  { .set = HAS(MEM) | HAS(BURST) | HAS(STALL) | HAS(WEIGHT) |
		   HAS(CLASS) | HAS(ON_EXHAUST) | HAS(RESTARTABLE),
	    .mem = 1, .burst = 2, .stall = 3, .weight = 4,
	    .class = AGENTCG_CLASS_LATENCY,
	    .on_exhaust = AGENTCG_ON_EXHAUST_KILL, .restartable = 1 },
	  5000, 0, 0,
	  { 1, 2, 3, 4, AGENTCG_CLASS_LATENCY, AGENTCG_ON_EXHAUST_KILL, 1 } },
	{ "a field without its bit does not count", { .mem = 1, .stall = 3 },
	  5000, 0, 0, { 200, 1000, 50, 100, AGENTCG_CLASS_BATCH } },
	{ "zero counts when declared",
	  { .set = HAS(MEM) | HAS(BURST) | HAS(STALL) }, 5000, 0, 0,
	  { 0, 0, 0, 100, AGENTCG_CLASS_BATCH } },
	{ "burst is cut to the budget", {}, 700, 0, 0,
	  { 200, 500, 50, 100, AGENTCG_CLASS_BATCH } },
	{ "a declared burst is cut too",
	  { .set = HAS(BURST), .burst = AGENTCG_NO_LIMIT }, 700, 0, 0,
	  { 200, 500, 50, 100, AGENTCG_CLASS_BATCH } },
	{ "mem is all of the budget", { .set = HAS(MEM), .mem = 700 }, 700, 0, 0,
	  { 700, 0, 50, 100, AGENTCG_CLASS_BATCH } },
	{ "mem above the budget", { .set = HAS(MEM), .mem = 701 }, 700, 0,
	  -ENOSPC, {} },
	{ "a default mem above the budget is cut", {}, 100, 0, 0,
	  { 100, 0, 50, 100, AGENTCG_CLASS_BATCH } },
	{ "the largest mem and budget",
	  { .set = HAS(MEM) | HAS(BURST), .mem = AGENTCG_SIZE_MAX,
	    .burst = AGENTCG_SIZE_MAX }, AGENTCG_SIZE_MAX, 0, 0,
	  { AGENTCG_SIZE_MAX, 0, 50, 100, AGENTCG_CLASS_BATCH } },
	{ "class at the ceiling",
	  { .set = HAS(CLASS), .class = AGENTCG_CLASS_LATENCY }, 5000,
	  AGENTCG_CLASS_LATENCY, 0,
	  { 200, 1000, 50, 100, AGENTCG_CLASS_LATENCY } },
	{ "class above the ceiling",
	  { .set = HAS(CLASS), .class = AGENTCG_CLASS_INTERACTIVE }, 5000,
	  AGENTCG_CLASS_LATENCY, -ERANGE, {} },
	{ "a default class is cut", {}, 5000, AGENTCG_CLASS_BESTEFFORT, 0,
	  { 200, 1000, 50, 100, AGENTCG_CLASS_BESTEFFORT } },
};

static void merge_case_name(const struct merge_case *const c, char *const name)
{
	strscpy(name, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(merge, merge_cases, merge_case_name);

static void test_merge(struct kunit *const test)
{
	const struct merge_case *const c = test->param_value;
	struct agentcg_limits limits = {};
	struct netlink_ext_ack extack = {};

	KUNIT_ASSERT_EQ(test, c->err,
			agentcg_limits_merge(&limits, &c->intent, &defaults,
					     c->budget, c->max_class, &extack));
	KUNIT_EXPECT_EQ(test, limits.mem, c->limits.mem);
	KUNIT_EXPECT_EQ(test, limits.burst, c->limits.burst);
	KUNIT_EXPECT_EQ(test, limits.stall, c->limits.stall);
	KUNIT_EXPECT_EQ(test, limits.weight, c->limits.weight);
	KUNIT_EXPECT_EQ(test, limits.class, c->limits.class);
	KUNIT_EXPECT_EQ(test, limits.on_exhaust, c->limits.on_exhaust);
	KUNIT_EXPECT_EQ(test, limits.restartable, c->limits.restartable);
	/* A refusal is told, and only a refusal. */
	KUNIT_EXPECT_EQ(test, !!c->err, !!extack._msg);
}

static u32 conflict_with(const char *const name)
{
	struct agentcg_intent intent = { .set = HAS(CONFLICT) };
	struct agentcg_limits limits = {};

	strscpy(intent.conflict, name);
	agentcg_limits_merge(&limits, &intent, &defaults, SZ_1G, 0, NULL);
	return limits.conflict;
}

static void test_conflict(struct kunit *const test)
{
	KUNIT_EXPECT_EQ(test, 0, conflict_with(""));
	KUNIT_EXPECT_NE(test, 0, conflict_with("disk"));
	KUNIT_EXPECT_EQ(test, conflict_with("disk"), conflict_with("disk"));
	KUNIT_EXPECT_NE(test, conflict_with("disk"), conflict_with("network"));
}

/* Whatever is declared, a call never has a claim above the budget. */
static void test_never_above_budget(struct kunit *const test)
{
	static const u64 sizes[] = {
		0, 1, PAGE_SIZE, SZ_1G, AGENTCG_SIZE_MAX - 1, AGENTCG_SIZE_MAX,
	};
	size_t i, j, k;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
	for (j = 0; j < ARRAY_SIZE(sizes); j++)
	for (k = 0; k < ARRAY_SIZE(sizes); k++) {
		const struct agentcg_intent intent = {
			.set = HAS(MEM) | HAS(BURST),
			.mem = sizes[i], .burst = sizes[j],
		};
		struct agentcg_limits limits;
		const int err = agentcg_limits_merge(&limits, &intent, &defaults,
						     sizes[k], 0, NULL);

		KUNIT_EXPECT_EQ(test, err, sizes[i] > sizes[k] ? -ENOSPC : 0);
		if (!err)
			KUNIT_EXPECT_LE(test, limits.mem + limits.burst,
					sizes[k]);
	}
}

static void test_builtin(struct kunit *const test)
{
	struct agentcg_limits limits;
	struct agentcg_intent builtin;

	agentcg_limits_builtin(&builtin);
	KUNIT_EXPECT_EQ(test, builtin.set, 0);
	KUNIT_EXPECT_NULL(test, builtin.tags);
	KUNIT_ASSERT_EQ(test, 0,
			agentcg_limits_merge(&limits,
					     &(struct agentcg_intent){},
					     &builtin, SZ_1G, 0, NULL));
	KUNIT_EXPECT_EQ(test, limits.mem, SZ_256M);
	KUNIT_EXPECT_EQ(test, limits.burst, SZ_1G - SZ_256M);
	KUNIT_EXPECT_EQ(test, limits.stall, 2ULL * NSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, limits.weight, 100);
	KUNIT_EXPECT_EQ(test, limits.class, AGENTCG_CLASS_BATCH);
	KUNIT_EXPECT_EQ(test, limits.on_exhaust, AGENTCG_ON_EXHAUST_OVERDRAFT);
	KUNIT_EXPECT_EQ(test, limits.restartable, 0);
	KUNIT_EXPECT_EQ(test, limits.survivors, AGENTCG_SURVIVORS_KEEP);
	KUNIT_EXPECT_EQ(test, limits.deadline, AGENTCG_NO_LIMIT);
	KUNIT_EXPECT_EQ(test, limits.warn_before, 0);
}

/* Lower classes go first, the restartable before their equals. */
static void test_oom_score(struct kunit *const test)
{
	struct agentcg_limits limits = {};
	s16 last = 0;

	for (limits.class = 0; limits.class <= AGENTCG_CLASS_BESTEFFORT;
	     limits.class++) {
		for (limits.restartable = 0; limits.restartable < 2;
		     limits.restartable++) {
			const s16 score = agentcg_limits_oom_score(&limits);

			KUNIT_EXPECT_GT(test, score, last);
			KUNIT_EXPECT_LE(test, score, OOM_SCORE_ADJ_MAX);
			last = score;
		}
	}
}

static u32 cpu_weight(const u8 class, const u32 weight)
{
	return agentcg_limits_cpu_weight(&(struct agentcg_limits){
		.class = class, .weight = weight,
	});
}

static void test_cpu_weight(struct kunit *const test)
{
	KUNIT_EXPECT_EQ(test, AGENTCG_CPU_DEFAULT,
			cpu_weight(AGENTCG_CLASS_BATCH, AGENTCG_DEFAULT_WEIGHT));
	KUNIT_EXPECT_EQ(test, 1, cpu_weight(AGENTCG_CLASS_BATCH, 1));
	KUNIT_EXPECT_EQ(test, 1000, cpu_weight(AGENTCG_CLASS_LATENCY, 100));
	KUNIT_EXPECT_EQ(test, 10000,
			cpu_weight(AGENTCG_CLASS_INTERACTIVE, 1001));
	KUNIT_EXPECT_EQ(test, 10000,
			cpu_weight(AGENTCG_CLASS_INTERACTIVE, AGENTCG_WEIGHT_MAX));
	KUNIT_EXPECT_EQ(test, AGENTCG_CPU_IDLE,
			cpu_weight(AGENTCG_CLASS_BESTEFFORT, AGENTCG_WEIGHT_MAX));
}

static struct kunit_case limits_tests[] = {
	KUNIT_CASE_PARAM(test_merge, merge_gen_params),
	KUNIT_CASE(test_conflict),
	KUNIT_CASE(test_never_above_budget),
	KUNIT_CASE(test_builtin),
	KUNIT_CASE(test_oom_score),
	KUNIT_CASE(test_cpu_weight),
	{}
};

static struct kunit_suite limits_suite = {
	.name = "agentcg_limits",
	.test_cases = limits_tests,
};
kunit_test_suite(limits_suite);
