// SPDX-License-Identifier: GPL-2.0-only
/* The node: what sessions borrow, who waits for it, and in which order. */

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/wait.h>

#include "kselftest_harness.h"

#include "fixture.h"

#define LONG_STALL	(60000 * MS)
#define BUDGET		(256 * MB)

/* A session with a call in which a filler runs. */
struct party {
	struct session session;
	struct call call;
	struct filler *filler;
	pid_t pid;
};

FIXTURE(node) {
	struct nl nl;
	struct party a;
	struct party b;
	struct party c;
};

static int join(struct nl *const nl, struct party *const party,
		const char *const name)
{
	party->filler = shared_alloc(sizeof(*party->filler));
	return session_start(nl, &party->session, name, BUDGET);
}

FIXTURE_SETUP(node)
{
	ASSERT_EQ(0, setup(&self->nl));
	ASSERT_EQ(0, join(&self->nl, &self->a, "a"));
	ASSERT_EQ(0, join(&self->nl, &self->b, "b"));
	ASSERT_EQ(0, join(&self->nl, &self->c, "c"));
	ASSERT_EQ(0, node_set_capacity(&self->nl, 128 * MB));
}

FIXTURE_TEARDOWN(node)
{
	node_set_capacity(&self->nl, 0);
	teardown(&self->nl);
}

static void grow(struct __test_metadata *const _metadata, struct nl *const nl,
		 struct party *const party, const struct intent intent,
		 const uint64_t size, const bool stay)
{
	party->filler->total = size;
	party->filler->stay = stay;
	ASSERT_EQ(0, call_start(nl, &party->session, &party->call, "call",
				&intent)) {
		TH_LOG("%s", nl->text);
	}
	party->pid = cg_spawn(party->call.fd, run_filler, party->filler);
	ASSERT_LT(0, party->pid);
}

/* Ends each call when its process has ended, as agentcg run does. */
static int end_all(struct nl *const nl, struct party *const parties[],
		   const int ms)
{
	const uint64_t end = now_ns() + ms * MS;
	bool left = true;
	int i;

	while (left) {
		left = false;
		for (i = 0; parties[i]; i++) {
			struct party *const party = parties[i];

			if (!party->pid)
				continue;
			left = true;
			if (waitpid(party->pid, NULL, WNOHANG) != party->pid)
				continue;
			party->pid = 0;
			if (call_end(nl, &party->call))
				return -EIO;
		}
		if (now_ns() > end)
			return -ETIMEDOUT;
		usleep(500);
	}
	return 0;
}

static uint64_t receipt_figure(struct nl *const nl,
			       const struct party *const party, const int attr)
{
	return receipt_get(nl, party->call.id) ? UINT64_MAX :
						 reply_figure(nl, attr);
}

TEST_F_TIMEOUT(node, shortage_parks_until_credit_returns, 90)
{
	/* The second reservation fits beside it, whatever step the first got. */
	const struct intent intent = intent_of(8 * MB, 104 * MB, LONG_STALL);
	struct nl *const nl = &self->nl;

	grow(_metadata, nl, &self->a, intent, 90 * MB, true);
	ASSERT_EQ(0, wait_for(&self->a.filler->ended, 1, 30000));
	grow(_metadata, nl, &self->b, intent, 90 * MB, true);
	ASSERT_EQ(0, call_wait(nl, &self->b.call, AGENTCG_A_TOOL_PARKED, 1,
			       30000));
	/* It is the node that is short: its session has budget left. */
	ASSERT_EQ(0, session_balances(nl, &self->b.session));
	EXPECT_LT(90 * MB, reply_figure(nl, AGENTCG_A_SESSION_FREE));
	usleep(200000);
	EXPECT_EQ(0, self->b.filler->ended);
	EXPECT_LE(node_figure(nl, AGENTCG_A_NODE_BORROWED), 130 * MB);
	ASSERT_EQ(0, call_end(nl, &self->a.call));
	EXPECT_EQ(0, wait_for(&self->b.filler->ended, 1, 30000));
	ASSERT_EQ(0, call_end(nl, &self->b.call));
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_TOOL_EXHAUSTED));
	EXPECT_LE(200 * MS, reply_figure(nl, AGENTCG_A_TOOL_STALL_TOTAL));
	EXPECT_EQ(0, node_figure(nl, AGENTCG_A_NODE_OVERDRAFT));
}

/*
 * Some of a burst, and the rest when it is time.  Who goes on meanwhile draws
 * upon its claim, 40 MiB/s, and so keeps it.
 */
struct steps {
	uint64_t first;
	uint64_t rest;
	bool goes_on;
	volatile uint64_t halfway;
	volatile uint64_t go;
	volatile uint64_t done;
};

#define STRIDE	(4 * MB)

static int take_two_steps(void *const arg)
{
	struct steps *const steps = arg;
	uint64_t rest = steps->rest;

	fill(steps->first);
	steps->halfway = 1;
	while (wait_for(&steps->go, 1, 100)) {
		if (!steps->goes_on || rest <= STRIDE)
			continue;
		fill(STRIDE);
		rest -= STRIDE;
	}
	fill(rest);
	steps->done = 1;
	return 0;
}

static struct steps *start_steps(struct __test_metadata *const _metadata,
				 struct nl *const nl, struct party *const party,
				 const struct intent intent,
				 const struct steps wanted)
{
	struct steps *const steps = shared_alloc(sizeof(*steps));

	*steps = wanted;
	ASSERT_EQ(0, call_start(nl, &party->session, &party->call, "call",
				&intent)) {
		TH_LOG("%s", nl->text);
	}
	party->pid = cg_spawn(party->call.fd, take_two_steps, steps);
	ASSERT_LT(0, party->pid);
	return steps;
}

/*
 * Each fits, two together do not, and two begin when the first has half: the
 * first has all that it declared, the others wait, one after the other, and
 * nobody overdraws.
 */
TEST_F_TIMEOUT(node, declared_bursts_take_turns, 120)
{
	const struct intent intent = intent_of(8 * MB, 112 * MB, LONG_STALL);
	struct party *const parties[] = { &self->a, &self->b, &self->c, NULL };
	struct steps wanted = { .first = 50 * MB, .rest = 50 * MB };
	struct nl *const nl = &self->nl;
	struct steps *steps[3];
	int i;

	if (slow() > 1)
		SKIP(return, "a claim holds only for who draws faster than this kernel");
	wanted.goes_on = true;
	steps[0] = start_steps(_metadata, nl, parties[0], intent, wanted);
	ASSERT_EQ(0, wait_for(&steps[0]->halfway, 1, 30000));
	wanted.goes_on = false;
	wanted.go = 1;
	for (i = 1; i < 3; i++) {
		steps[i] = start_steps(_metadata, nl, parties[i], intent, wanted);
		ASSERT_EQ(0, call_wait(nl, &parties[i]->call,
				       AGENTCG_A_TOOL_PARKED, 1, 30000));
		EXPECT_EQ(0, steps[i]->halfway);
	}
	steps[0]->go = 1;
	ASSERT_EQ(0, end_all(nl, parties, 60000));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(1, steps[i]->done);
		EXPECT_EQ(0, receipt_figure(nl, parties[i],
					    AGENTCG_A_TOOL_EXHAUSTED));
	}
	EXPECT_EQ(0, receipt_figure(nl, parties[0], AGENTCG_A_TOOL_STALLS));
	EXPECT_EQ(0, node_figure(nl, AGENTCG_A_NODE_OVERDRAFT));
	EXPECT_EQ(0, node_figure(nl, AGENTCG_A_NODE_BORROWED));
}

/*
 * Nothing is declared, so nothing is kept for anybody, and both get half way.
 * Nobody else could return anything: no use in waiting for the bound.
 */
TEST_F_TIMEOUT(node, all_who_borrow_wait, 120)
{
	const struct intent intent = { .set = SET(MEM) | SET(STALL),
				       .mem = 8 * MB, .stall = LONG_STALL };
	const struct steps wanted = { .first = 50 * MB, .rest = 50 * MB };
	struct party *const parties[] = { &self->a, &self->b, NULL };
	struct nl *const nl = &self->nl;
	struct steps *a, *b;
	uint64_t begun;

	a = start_steps(_metadata, nl, &self->a, intent, wanted);
	b = start_steps(_metadata, nl, &self->b, intent, wanted);
	ASSERT_EQ(0, wait_for(&a->halfway, 1, 30000));
	ASSERT_EQ(0, wait_for(&b->halfway, 1, 30000));
	begun = now_ns();
	a->go = 1;
	b->go = 1;
	ASSERT_EQ(0, end_all(nl, parties, 60000));
	EXPECT_GT(LONG_STALL / 2, now_ns() - begun);
	EXPECT_LT(0, receipt_figure(nl, &self->a, AGENTCG_A_TOOL_EXHAUSTED) +
		     receipt_figure(nl, &self->b, AGENTCG_A_TOOL_EXHAUSTED));
	EXPECT_EQ(0, node_figure(nl, AGENTCG_A_NODE_OVERDRAFT));
	EXPECT_EQ(0, node_figure(nl, AGENTCG_A_NODE_BORROWED));
}

/*
 * The first has had its burst, its claim has ended, and it needs a little more
 * after all; the second waits with nearly all of its burst before it.  The
 * first is let through, not the one that is before it in the line.
 */
TEST_F_TIMEOUT(node, who_lacks_least_overdraws, 120)
{
	const struct intent intent = intent_of(8 * MB, 108 * MB, LONG_STALL);
	struct party *const parties[] = { &self->a, &self->b, NULL };
	struct nl *const nl = &self->nl;
	struct steps *a, *b;

	a = start_steps(_metadata, nl, &self->a, intent,
			(struct steps){ .first = 88 * MB, .rest = 20 * MB });
	ASSERT_EQ(0, wait_for(&a->halfway, 1, 30000));
	b = start_steps(_metadata, nl, &self->b, intent,
			(struct steps){ .first = 60 * MB, .rest = MB, .go = 1 });
	/* It gets what the first does not use, once it has been quiet. */
	sleep(4);
	EXPECT_EQ(1, call_figure(nl, &self->b.call, AGENTCG_A_TOOL_PARKED));
	EXPECT_EQ(0, b->halfway);
	a->go = 1;
	ASSERT_EQ(0, end_all(nl, parties, 60000));
	EXPECT_EQ(1, a->done);
	EXPECT_EQ(1, b->done);
	EXPECT_LE(1, receipt_figure(nl, &self->a, AGENTCG_A_TOOL_EXHAUSTED));
	EXPECT_EQ(0, receipt_figure(nl, &self->b, AGENTCG_A_TOOL_EXHAUSTED));
	EXPECT_EQ(0, node_figure(nl, AGENTCG_A_NODE_OVERDRAFT));
}

/* Declared and not used: kept for a burst, not for the life of the call. */
TEST_F_TIMEOUT(node, claim_of_a_quiet_call_lapses, 90)
{
	struct nl *const nl = &self->nl;

	grow(_metadata, nl, &self->a, intent_of(8 * MB, 200 * MB, 0), 40 * MB,
	     true);
	ASSERT_EQ(0, wait_for(&self->a.filler->ended, 1, 30000));
	grow(_metadata, nl, &self->b,
	     intent_of(8 * MB, 100 * MB, LONG_STALL), 64 * MB, true);
	EXPECT_EQ(0, wait_for(&self->b.filler->ended, 1, 30000));
	ASSERT_EQ(0, call_get(nl, &self->b.call));
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_TOOL_EXHAUSTED));
	EXPECT_GT(5000 * MS * slow(),
		  reply_figure(nl, AGENTCG_A_TOOL_STALL_TOTAL));
	EXPECT_EQ(0, node_figure(nl, AGENTCG_A_NODE_OVERDRAFT));
}

/* Who was refused waits in no line, and nothing is kept for it. */
TEST_F_TIMEOUT(node, refused_declaration_keeps_nothing, 60)
{
	const struct intent more = intent_of(100 * MB, 0, 0);
	struct nl *const nl = &self->nl;
	struct call refused;

	grow(_metadata, nl, &self->a, intent_of(8 * MB, 40 * MB, 0), 40 * MB,
	     true);
	ASSERT_EQ(0, wait_for(&self->a.filler->ended, 1, 30000));
	EXPECT_EQ(-ENOSPC, call_start(nl, &self->b.session, &refused, "big",
				      &more));
	EXPECT_TRUE(says(nl, "node"));
	grow(_metadata, nl, &self->b, intent_of(8 * MB, 64 * MB, 0), 60 * MB,
	     true);
	ASSERT_EQ(0, wait_for(&self->b.filler->ended, 1, 30000));
	ASSERT_EQ(0, call_get(nl, &self->b.call));
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_TOOL_STALLS));
}

/* At its own ceiling no credit helps: those behind it are served. */
TEST_F_TIMEOUT(node, ceiling_does_not_hold_up_the_line, 90)
{
	struct intent first = intent_of(8 * MB, 8 * MB, LONG_STALL);
	struct filler *const capped = shared_alloc(sizeof(*capped));
	struct nl *const nl = &self->nl;
	struct call at_ceiling;

	grow(_metadata, nl, &self->a, intent_of(100 * MB, 0, 0), 8 * MB, true);
	/* In the same session, and before the other in every order. */
	first.set |= SET(CLASS);
	first.class = AGENTCG_CLASS_INTERACTIVE;
	capped->total = 32 * MB;
	ASSERT_EQ(0, call_start(nl, &self->b.session, &at_ceiling, "ceiling",
				&first));
	ASSERT_LT(0, cg_spawn(at_ceiling.fd, run_filler, capped));
	ASSERT_EQ(0, call_wait(nl, &at_ceiling, AGENTCG_A_TOOL_PARKED, 1,
			       20000));
	grow(_metadata, nl, &self->b, intent_of(4 * MB, 64 * MB, LONG_STALL),
	     60 * MB, true);
	ASSERT_EQ(0, call_wait(nl, &self->b.call, AGENTCG_A_TOOL_PARKED, 1,
			       20000));
	ASSERT_EQ(0, call_end(nl, &self->a.call));
	EXPECT_EQ(0, wait_for(&self->b.filler->ended, 1, 20000));
	ASSERT_EQ(0, call_get(nl, &self->b.call));
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_TOOL_EXHAUSTED));
	ASSERT_EQ(0, call_get(nl, &at_ceiling));
	EXPECT_EQ(1, reply_figure(nl, AGENTCG_A_TOOL_PARKED));
	EXPECT_EQ(0, capped->ended);
}

TEST_HARNESS_MAIN
