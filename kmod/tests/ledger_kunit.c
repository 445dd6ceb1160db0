// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of the ledger: the arithmetic of one pair of accounts by table,
 * and the conservation of credit over random sequences at three levels.
 */

#include "../ledger.c"

#include <kunit/test.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/string.h>

#define SEQUENCES	1500
#define STEPS		120
#define SESSIONS	3
#define CALLS		4

/* The invariant of one account. */
static bool balances(const struct agentcg_account *const acct)
{
	return acct->limit + agentcg_account_overdraft(acct) ==
	       agentcg_account_free(acct) + acct->given_reserved +
	       acct->given_granted + acct->residue;
}

/* One pair, by table. */

struct reserve_case {
	const char *name;
	struct agentcg_account parent;
	u64 had;
	u64 bytes;
	u64 ignored;
	int err;
};

static const struct reserve_case reserve_cases[] = {
	{ "all of it", { .limit = 100 }, 0, 100, 0, 0 },
	{ "one too many", { .limit = 100 }, 0, 101, 0, -ENOSPC },
	{ "nothing of nothing", { .limit = 0 }, 0, 0, 0, 0 },
	{ "one of nothing", { .limit = 0 }, 0, 1, 0, -ENOSPC },
	{ "what others left", { .limit = 100, .given_reserved = 60 }, 0, 40, 0, 0 },
	{ "more than others left", { .limit = 100, .given_reserved = 60 }, 0, 41,
	  0, -ENOSPC },
	{ "grants count", { .limit = 100, .given_granted = 60 }, 0, 41, 0,
	  -ENOSPC },
	{ "residue counts", { .limit = 100, .residue = 60 }, 0, 41, 0, -ENOSPC },
	{ "residue ignored", { .limit = 100, .residue = 60 }, 0, 100, 60, 0 },
	{ "only the residue there is", { .limit = 100, .residue = 60,
	  .given_granted = 30 }, 0, 71, 1000, -ENOSPC },
	{ "its own is given back first", { .limit = 100, .given_reserved = 60 },
	  60, 100, 0, 0 },
	{ "less, in overdraft", { .limit = 100, .given_reserved = 60,
	  .given_granted = 80 }, 60, 10, 0, 0 },
	{ "the same, in overdraft", { .limit = 100, .given_reserved = 60,
	  .given_granted = 80 }, 60, 60, 0, 0 },
	{ "more, in overdraft", { .limit = 100, .given_reserved = 60,
	  .given_granted = 80 }, 60, 61, 0, -ENOSPC },
	{ "the largest", { .limit = U64_MAX }, 0, U64_MAX, 0, 0 },
	{ "the largest of less", { .limit = U64_MAX - 1 }, 0, U64_MAX, 0,
	  -ENOSPC },
	{ "sum that would wrap", { .limit = U64_MAX, .given_reserved = 1 }, 0,
	  U64_MAX, 0, -ENOSPC },
};

static void reserve_case_name(const struct reserve_case *const c,
			      char *const name)
{
	strscpy(name, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(reserve, reserve_cases, reserve_case_name);

static void test_reserve(struct kunit *const test)
{
	const struct reserve_case *const c = test->param_value;
	struct agentcg_account parent = c->parent;
	struct agentcg_account child = { .reserved = c->had };
	const u64 others = parent.given_reserved - c->had;

	KUNIT_EXPECT_EQ(test, c->err,
			agentcg_account_reserve(&parent, &child, c->bytes,
						c->ignored));
	KUNIT_EXPECT_EQ(test, child.reserved, c->err ? c->had : c->bytes);
	KUNIT_EXPECT_EQ(test, parent.given_reserved, others + child.reserved);
	KUNIT_EXPECT_EQ(test, parent.given_granted, c->parent.given_granted);
	KUNIT_EXPECT_TRUE(test, balances(&parent));
}

struct grant_case {
	const char *name;
	struct agentcg_account parent;
	struct agentcg_account child;
	u64 want;
	u64 got;
};

static const struct grant_case grant_cases[] = {
	{ "what is asked", { .limit = 100 }, { .limit = 100 }, 30, 30 },
	{ "nothing asked", { .limit = 100 }, { .limit = 100 }, 0, 0 },
	{ "what is free", { .limit = 100, .residue = 80 }, { .limit = 100 }, 30,
	  20 },
	{ "what its limit allows", { .limit = 100, .given_reserved = 10 },
	  { .limit = 25, .reserved = 10 }, 30, 15 },
	{ "nothing is free", { .limit = 100, .given_granted = 100 },
	  { .limit = U64_MAX }, 30, 0 },
	{ "parent in overdraft", { .limit = 100, .given_granted = 150 },
	  { .limit = U64_MAX }, 30, 0 },
	{ "child above its limit", { .limit = 1000, .given_granted = 30 },
	  { .limit = 20, .granted = 30 }, 10, 0 },
	{ "the largest", { .limit = U64_MAX }, { .limit = U64_MAX }, U64_MAX,
	  U64_MAX },
};

static void grant_case_name(const struct grant_case *const c, char *const name)
{
	strscpy(name, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(grant, grant_cases, grant_case_name);

static void test_grant(struct kunit *const test)
{
	const struct grant_case *const c = test->param_value;
	struct agentcg_account parent = c->parent, child = c->child;

	KUNIT_EXPECT_EQ(test, c->got,
			agentcg_account_grant(&parent, &child, c->want));
	KUNIT_EXPECT_EQ(test, child.granted, c->child.granted + c->got);
	KUNIT_EXPECT_EQ(test, parent.given_granted,
			c->parent.given_granted + c->got);
	KUNIT_EXPECT_TRUE(test, balances(&parent));
}

static void test_overdraft_is_repaid_first(struct kunit *const test)
{
	struct agentcg_account parent = { .limit = 100 };
	struct agentcg_account child = { .limit = 100 };

	agentcg_account_give(&parent, &child, 130);
	KUNIT_EXPECT_EQ(test, 30, agentcg_account_overdraft(&parent));
	KUNIT_EXPECT_EQ(test, 0, agentcg_account_free(&parent));
	KUNIT_EXPECT_EQ(test, 0, agentcg_account_room(&child));
	KUNIT_EXPECT_EQ(test, 20, agentcg_account_return(&parent, &child, 20));
	KUNIT_EXPECT_EQ(test, 10, agentcg_account_overdraft(&parent));
	KUNIT_EXPECT_EQ(test, 0, agentcg_account_free(&parent));
	KUNIT_EXPECT_EQ(test, 20, agentcg_account_return(&parent, &child, 20));
	KUNIT_EXPECT_EQ(test, 0, agentcg_account_overdraft(&parent));
	KUNIT_EXPECT_EQ(test, 10, agentcg_account_free(&parent));
	/* Never more than it has. */
	KUNIT_EXPECT_EQ(test, 90,
			agentcg_account_return(&parent, &child, U64_MAX));
	KUNIT_EXPECT_EQ(test, 100, agentcg_account_free(&parent));
	KUNIT_EXPECT_EQ(test, 0, agentcg_account_return(&parent, &child, 1));
}

static void test_hold(struct kunit *const test)
{
	struct agentcg_account parent = { .limit = 100 };
	struct agentcg_account agent = {};

	agentcg_account_hold(&parent, &agent, 150);
	KUNIT_EXPECT_EQ(test, 150, agent.granted);
	KUNIT_EXPECT_EQ(test, 50, agentcg_account_overdraft(&parent));
	agentcg_account_hold(&parent, &agent, 40);
	KUNIT_EXPECT_EQ(test, 60, agentcg_account_free(&parent));
	agentcg_account_hold(&parent, &agent, 0);
	KUNIT_EXPECT_EQ(test, 100, agentcg_account_free(&parent));
	KUNIT_EXPECT_EQ(test, 0, parent.given_granted);
}

static void test_close_leaves_residue(struct kunit *const test)
{
	struct agentcg_account parent = { .limit = 100 };
	struct agentcg_account child = { .limit = 80 };

	KUNIT_ASSERT_EQ(test, 0,
			agentcg_account_reserve(&parent, &child, 20, 0));
	KUNIT_ASSERT_EQ(test, 50, agentcg_account_grant(&parent, &child, 50));
	agentcg_account_close(&parent, &child, 30);
	KUNIT_EXPECT_EQ(test, 30, parent.residue);
	KUNIT_EXPECT_EQ(test, 70, agentcg_account_free(&parent));
	KUNIT_EXPECT_EQ(test, 0, agentcg_account_held(&child));
	/* Twice does no harm. */
	agentcg_account_close(&parent, &child, 0);
	KUNIT_EXPECT_EQ(test, 70, agentcg_account_free(&parent));
}

/* Three levels, at random. */

struct world {
	struct rnd_state rnd;
	struct agentcg_account node;
	struct agentcg_account session[SESSIONS];
	struct agentcg_account call[SESSIONS][CALLS];
	struct agentcg_account agent[SESSIONS];
};

static u32 below(struct world *const world, const u32 limit)
{
	return prandom_u32_state(&world->rnd) % limit;
}

/* Small ones, none, and those that no machine has. */
static u64 any_size(struct world *const world)
{
	switch (below(world, 8)) {
	case 0:
		return 0;
	case 1:
		return AGENTCG_SIZE_MAX;
	case 2:
		return (u64)below(world, 1 << 20) << 30;
	default:
		return (u64)below(world, 1 << 16) << PAGE_SHIFT;
	}
}

static bool sums_up(const struct agentcg_account *const parent,
		    const u64 reserved, const u64 granted)
{
	return balances(parent) && parent->given_reserved == reserved &&
	       parent->given_granted == granted;
}

static bool session_sums_up(const struct world *const world, const int s)
{
	u64 reserved = 0, granted = world->agent[s].granted;
	int c;

	for (c = 0; c < CALLS; c++) {
		reserved += world->call[s][c].reserved;
		granted += world->call[s][c].granted;
	}
	return sums_up(&world->session[s], reserved, granted);
}

static bool world_sums_up(const struct world *const world)
{
	u64 reserved = 0, granted = 0;
	int s;

	for (s = 0; s < SESSIONS; s++) {
		if (!session_sums_up(world, s))
			return false;
		reserved += world->session[s].reserved;
		granted += world->session[s].granted;
	}
	return sums_up(&world->node, reserved, granted);
}

/* What comes back pays the overdraft, and only the rest is free. */
static bool return_pays_first(struct agentcg_account *const parent,
			      struct agentcg_account *const child,
			      const u64 size)
{
	const u64 overdraft = agentcg_account_overdraft(parent);
	const u64 before = agentcg_account_free(parent);
	const u64 back = agentcg_account_return(parent, child, size);
	const u64 paid = min(back, overdraft);

	return agentcg_account_overdraft(parent) == overdraft - paid &&
	       agentcg_account_free(parent) == before + back - paid;
}

/* Granted credit is never made of nothing. */
static bool grant_is_covered(struct agentcg_account *const parent,
			     struct agentcg_account *const child,
			     const u64 want)
{
	const u64 before = agentcg_account_free(parent);
	const u64 got = agentcg_account_grant(parent, child, want);

	return got <= want && got <= before &&
	       agentcg_account_free(parent) == before - got;
}

/* A child of one account, in all ways that do not depend on the level. */
static bool step_pair(struct world *const world,
		      struct agentcg_account *const parent,
		      struct agentcg_account *const child)
{
	const u64 size = any_size(world);
	const u64 old = child->reserved;

	switch (below(world, 7)) {
	case 0:
		child->limit = size;
		return true;
	case 1:
		return !agentcg_account_reserve(parent, child, size,
						any_size(world)) ||
		       child->reserved == old;
	case 2:
	case 3:
		return grant_is_covered(parent, child, size);
	case 4:
		/* As much as a machine may hold. */
		agentcg_account_give(parent, child, size >> 8);
		return true;
	case 5:
		return return_pays_first(parent, child, size);
	default:
		agentcg_account_close(parent, child, size >> 8);
		return !agentcg_account_held(child);
	}
}

static bool step_session(struct world *const world, const int s)
{
	struct agentcg_account *const session = &world->session[s];

	switch (below(world, 4)) {
	case 0:
		agentcg_account_hold(session, &world->agent[s],
				     any_size(world) >> 8);
		return true;
	case 1:
		/* Measured anew: some of it has been reclaimed. */
		session->residue = min(session->residue, any_size(world));
		return true;
	default:
		return step_pair(world, session,
				 &world->call[s][below(world, CALLS)]);
	}
}

/* The session is asked for more, borrows, and pays back. */
static bool step_node(struct world *const world, const int s)
{
	switch (below(world, 4)) {
	case 0:
		world->node.limit = any_size(world);
		return true;
	case 1:
		agentcg_account_set_reserved(&world->node, &world->session[s],
					     any_size(world) >> 8);
		return true;
	default:
		/* Closing it at the node leaves its own children alone. */
		return step_pair(world, &world->node, &world->session[s]);
	}
}

static bool step(struct world *const world)
{
	const int s = below(world, SESSIONS);

	return below(world, 3) ? step_session(world, s) : step_node(world, s);
}

static void close_all(struct world *const world)
{
	int s, c;

	for (s = 0; s < SESSIONS; s++) {
		struct agentcg_account *const session = &world->session[s];

		for (c = 0; c < CALLS; c++)
			agentcg_account_close(session, &world->call[s][c], 0);
		agentcg_account_hold(session, &world->agent[s], 0);
		agentcg_account_close(&world->node, session, 0);
	}
}

/* Nothing was lost and nothing invented, however it went before. */
static bool all_is_back(const struct world *const world)
{
	int s;

	for (s = 0; s < SESSIONS; s++)
		if (agentcg_account_used(&world->session[s]) !=
		    world->session[s].residue)
			return false;
	return agentcg_account_used(&world->node) == world->node.residue;
}

static void run_sequence(struct kunit *const test, struct world *const world,
			 const u64 seed)
{
	int i;

	memset(world, 0, sizeof(*world));
	prandom_seed_state(&world->rnd, seed);
	world->node.limit = (u64)SZ_1G * 64;
	for (i = 0; i < SESSIONS; i++)
		world->session[i].limit = any_size(world);
	for (i = 0; i < STEPS; i++) {
		KUNIT_ASSERT_TRUE_MSG(test, step(world), "seed %llu step %d",
				      seed, i);
		KUNIT_ASSERT_TRUE_MSG(test, world_sums_up(world),
				      "seed %llu after step %d", seed, i);
	}
	close_all(world);
	KUNIT_ASSERT_TRUE_MSG(test, world_sums_up(world) && all_is_back(world),
			      "seed %llu at the end", seed);
}

static void test_credit_is_conserved(struct kunit *const test)
{
	struct world *const world = kunit_kzalloc(test, sizeof(*world),
						  GFP_KERNEL);
	u64 seed;

	KUNIT_ASSERT_NOT_NULL(test, world);
	for (seed = 1; seed <= SEQUENCES; seed++) {
		run_sequence(test, world, seed);
		cond_resched();
	}
}

static struct kunit_case ledger_tests[] = {
	KUNIT_CASE_PARAM(test_reserve, reserve_gen_params),
	KUNIT_CASE_PARAM(test_grant, grant_gen_params),
	KUNIT_CASE(test_overdraft_is_repaid_first),
	KUNIT_CASE(test_hold),
	KUNIT_CASE(test_close_leaves_residue),
	KUNIT_CASE_SLOW(test_credit_is_conserved),
	{}
};

static struct kunit_suite ledger_suite = {
	.name = "agentcg_ledger",
	.test_cases = ledger_tests,
};
kunit_test_suite(ledger_suite);

MODULE_DESCRIPTION("KUnit tests of agentcg");
MODULE_LICENSE("GPL");
