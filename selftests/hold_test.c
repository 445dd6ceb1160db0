// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who yields to whom where credit is short: classes, what exhaustion does by the
 * intent, and unused credit that goes to whom it serves.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "fixture.h"

/* On a disk: what is on tmpfs is no cache. */
#define FILE_NAME	"/var/tmp/agentcg-hold-test"
#define LONG_STALL	(60000 * MS)
#define SHORT_STALL	(100 * MS)
#define BUDGET		(128 * MB)

/* A call with a process in it that takes memory. */
struct party {
	struct call call;
	struct filler *filler;
	pid_t pid;
};

FIXTURE(hold) {
	struct nl nl;
	struct session session;
	/* Holds more than the others can do without. */
	struct party holder;
	struct party asker;
	struct party other;
};

FIXTURE_SETUP(hold)
{
	ASSERT_EQ(0, setup(&self->nl));
	ASSERT_EQ(0, session_start(&self->nl, &self->session, "hold", BUDGET));
	self->holder.filler = shared_alloc(sizeof(struct filler));
	self->asker.filler = shared_alloc(sizeof(struct filler));
	self->other.filler = shared_alloc(sizeof(struct filler));
}

FIXTURE_TEARDOWN(hold)
{
	teardown(&self->nl);
}

static struct intent intent_exhaust(const uint64_t stall,
				    const uint32_t on_exhaust)
{
	struct intent intent = intent_of(4 * MB, 120 * MB, stall);

	intent.set |= SET(ON_EXHAUST);
	intent.on_exhaust = on_exhaust;
	return intent;
}

static struct intent intent_class(const uint32_t class)
{
	struct intent intent = intent_of(4 * MB, 120 * MB, LONG_STALL);

	intent.set |= SET(CLASS);
	intent.class = class;
	return intent;
}

static void start(struct __test_metadata *const _metadata, struct nl *const nl,
		  const struct session *const session,
		  struct party *const party, const char *const name,
		  const struct intent intent, int (*const fn)(void *arg),
		  void *const arg)
{
	ASSERT_EQ(0, call_start(nl, session, &party->call, name, &intent)) {
		TH_LOG("%s", nl->text);
	}
	party->pid = cg_spawn(party->call.fd, fn, arg);
	ASSERT_LT(0, party->pid);
}

static void fill_in(struct __test_metadata *const _metadata,
		    struct nl *const nl, const struct session *const session,
		    struct party *const party, const char *const name,
		    const struct intent intent, const uint64_t size,
		    const bool stays)
{
	party->filler->total = size;
	party->filler->stay = stays;
	start(_metadata, nl, session, party, name, intent, run_filler,
	      party->filler);
}

static void begin_holder(struct __test_metadata *const _metadata,
			 FIXTURE_DATA(hold) *const self, const uint64_t size)
{
	fill_in(_metadata, &self->nl, &self->session, &self->holder, "holder",
		intent_of(4 * MB, 120 * MB, LONG_STALL), size, true);
	ASSERT_EQ(0, wait_for(&self->holder.filler->ended, 1, 30000));
}

/* One that asks for more than is left, and ends when it has it. */
static void begin_asker(struct __test_metadata *const _metadata,
			FIXTURE_DATA(hold) *const self,
			const struct intent intent)
{
	fill_in(_metadata, &self->nl, &self->session, &self->asker, "asker",
		intent, 64 * MB, false);
}

TEST_F_TIMEOUT(hold, wait_goes_on_past_the_stall_bound, 60)
{
	struct nl *const nl = &self->nl;

	begin_holder(_metadata, self, 96 * MB);
	begin_asker(_metadata, self,
		    intent_exhaust(SHORT_STALL, AGENTCG_ON_EXHAUST_WAIT));
	ASSERT_EQ(0, call_wait(nl, &self->asker.call, AGENTCG_A_TOOL_PARKED, 1,
			       20000));
	usleep(500000);
	EXPECT_EQ(1, call_figure(nl, &self->asker.call, AGENTCG_A_TOOL_PARKED));
	EXPECT_EQ(0, self->asker.filler->ended);
	ASSERT_EQ(0, call_end(nl, &self->holder.call));
	EXPECT_EQ(0, wait_exit(self->asker.pid, 20000));
	ASSERT_EQ(0, call_end(nl, &self->asker.call));
	EXPECT_EQ(AGENTCG_CAUSE_EXIT, reply_figure(nl, AGENTCG_A_TOOL_CAUSE));
	EXPECT_EQ(SHORT_STALL, reply_figure(nl, AGENTCG_A_TOOL_STALL_TOTAL));
	EXPECT_LE(300 * MS, reply_figure(nl, AGENTCG_A_TOOL_HELD_TOTAL));
	EXPECT_EQ(0, session_balances(nl, &self->session));
}

TEST_F_TIMEOUT(hold, wait_ends_at_max_hold, 60)
{
	struct nl *const nl = &self->nl;
	uint64_t begun;
	int status;

	ASSERT_EQ(0, session_set_max_hold(nl, &self->session, 400 * MS));
	begin_holder(_metadata, self, 96 * MB);
	begin_asker(_metadata, self,
		    intent_exhaust(SHORT_STALL, AGENTCG_ON_EXHAUST_WAIT));
	ASSERT_EQ(0, call_wait(nl, &self->asker.call, AGENTCG_A_TOOL_PARKED, 1,
			       20000));
	begun = now_ns();
	status = wait_exit(self->asker.pid, 20000);
	EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	EXPECT_LE(300 * MS, now_ns() - begun);
	ASSERT_EQ(0, call_end(nl, &self->asker.call));
	EXPECT_EQ(AGENTCG_CAUSE_HOLD_KILL,
		  reply_figure(nl, AGENTCG_A_TOOL_CAUSE));
	EXPECT_EQ(SHORT_STALL, reply_figure(nl, AGENTCG_A_TOOL_STALL_TOTAL));
	EXPECT_LE(400 * MS, reply_figure(nl, AGENTCG_A_TOOL_HELD_TOTAL));
}

/* The asker's stall bound is used up, so it stands still. */
static void freeze_asker(struct __test_metadata *const _metadata,
			 FIXTURE_DATA(hold) *const self)
{
	begin_holder(_metadata, self, 96 * MB);
	begin_asker(_metadata, self,
		    intent_exhaust(SHORT_STALL, AGENTCG_ON_EXHAUST_FREEZE));
	ASSERT_EQ(0, cg_wait_key(self->asker.call.path, "cgroup.events",
				 "frozen", 1, 20000));
	EXPECT_EQ(1, call_figure(&self->nl, &self->asker.call,
				 AGENTCG_A_TOOL_FROZEN));
	EXPECT_EQ(0, self->asker.filler->ended);
}

TEST_F_TIMEOUT(hold, freeze_ends_when_credit_returns, 60)
{
	struct nl *const nl = &self->nl;
	const uint64_t before = info_figure(nl, AGENTCG_A_INFO_FREEZES);

	freeze_asker(_metadata, self);
	usleep(300000);
	EXPECT_EQ(before + 1, info_figure(nl, AGENTCG_A_INFO_FREEZES));
	ASSERT_EQ(0, call_end(nl, &self->holder.call));
	EXPECT_EQ(0, wait_exit(self->asker.pid, 20000));
	ASSERT_EQ(0, call_end(nl, &self->asker.call));
	EXPECT_EQ(AGENTCG_CAUSE_EXIT, reply_figure(nl, AGENTCG_A_TOOL_CAUSE));
	EXPECT_LE(300 * MS, reply_figure(nl, AGENTCG_A_TOOL_HELD_TOTAL));
	/* No less than the bound, but for the timer's slack, and not much more. */
	EXPECT_LE(SHORT_STALL - 5 * MS,
		  reply_figure(nl, AGENTCG_A_TOOL_STALL_TOTAL));
	EXPECT_GE(SHORT_STALL + 100 * MS * slow(),
		  reply_figure(nl, AGENTCG_A_TOOL_STALL_TOTAL));
	EXPECT_EQ(0, session_balances(nl, &self->session));
}

TEST_F_TIMEOUT(hold, freeze_ends_at_max_hold, 60)
{
	struct nl *const nl = &self->nl;
	int status;

	ASSERT_EQ(0, session_set_max_hold(nl, &self->session, 400 * MS));
	freeze_asker(_metadata, self);
	status = wait_exit(self->asker.pid, 20000);
	EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	ASSERT_EQ(0, call_end(nl, &self->asker.call));
	EXPECT_EQ(AGENTCG_CAUSE_HOLD_KILL,
		  reply_figure(nl, AGENTCG_A_TOOL_CAUSE));
}

TEST_F_TIMEOUT(hold, freeze_ends_on_request, 60)
{
	struct nl *const nl = &self->nl;

	freeze_asker(_metadata, self);
	ASSERT_EQ(0, call_thaw(nl, &self->asker.call));
	/* It overdraws, and is not frozen again. */
	EXPECT_EQ(0, wait_exit(self->asker.pid, 20000));
	EXPECT_EQ(0, call_get(nl, &self->holder.call));
}

/* Nobody else could return anything, so somebody has to go on. */
TEST_F_TIMEOUT(hold, the_last_one_is_not_frozen, 60)
{
	const struct intent intent =
		intent_exhaust(SHORT_STALL, AGENTCG_ON_EXHAUST_FREEZE);
	struct nl *const nl = &self->nl;
	const uint64_t before = info_figure(nl, AGENTCG_A_INFO_FREEZES);

	fill_in(_metadata, nl, &self->session, &self->asker, "asker", intent,
		BUDGET + 32 * MB, false);
	EXPECT_EQ(0, wait_exit(self->asker.pid, 30000));
	EXPECT_EQ(before, info_figure(nl, AGENTCG_A_INFO_FREEZES));
	ASSERT_EQ(0, call_end(nl, &self->asker.call));
	EXPECT_LE(24 * MB, reply_figure(nl, AGENTCG_A_TOOL_OVERDRAFT_PEAK));
}

/* Nor has it anybody to wait for, however far it is past the budget. */
static void fill_alone(struct __test_metadata *const _metadata,
		       FIXTURE_DATA(hold) *const self, const uint32_t on_exhaust)
{
	struct intent intent = intent_exhaust(LONG_STALL, on_exhaust);
	struct nl *const nl = &self->nl;

	/* As much as there is. */
	intent.set &= ~SET(BURST);
	fill_in(_metadata, nl, &self->session, &self->asker, "asker", intent,
		BUDGET + 64 * MB, false);
	EXPECT_EQ(0, wait_exit(self->asker.pid, 30000));
	ASSERT_EQ(0, call_end(nl, &self->asker.call));
	EXPECT_LE(56 * MB, reply_figure(nl, AGENTCG_A_TOOL_OVERDRAFT_PEAK));
	EXPECT_GE(100 * MS * slow(),
		  reply_figure(nl, AGENTCG_A_TOOL_STALL_TOTAL));
	EXPECT_EQ(0, session_balances(nl, &self->session));
}

TEST_F_TIMEOUT(hold, the_only_one_is_not_held, 60)
{
	fill_alone(_metadata, self, AGENTCG_ON_EXHAUST_OVERDRAFT);
}

TEST_F_TIMEOUT(hold, the_only_one_does_not_wait, 60)
{
	fill_alone(_metadata, self, AGENTCG_ON_EXHAUST_WAIT);
}

/* Two that rather wait, and each is half way: one goes on, the other has its turn. */
TEST_F_TIMEOUT(hold, not_all_wait, 90)
{
	const struct intent intent =
		intent_exhaust(LONG_STALL, AGENTCG_ON_EXHAUST_WAIT);
	struct party *const parties[] = { &self->holder, &self->asker };
	struct nl *const nl = &self->nl;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(parties); i++)
		fill_in(_metadata, nl, &self->session, parties[i],
			i ? "asker" : "holder", intent, 96 * MB, false);
	for (i = 0; i < ARRAY_SIZE(parties); i++)
		EXPECT_EQ(0, wait_exit(parties[i]->pid, 40000));
	for (i = 0; i < ARRAY_SIZE(parties); i++) {
		ASSERT_EQ(0, call_end(nl, &parties[i]->call));
		EXPECT_EQ(AGENTCG_CAUSE_EXIT, reply_figure(nl, AGENTCG_A_TOOL_CAUSE));
		/* Far from its stall bound, and farther from the session's. */
		EXPECT_GE(LONG_STALL / 2, reply_figure(nl, AGENTCG_A_TOOL_STALL_TOTAL));
	}
	EXPECT_EQ(0, session_balances(nl, &self->session));
}

/* All wait, the last of them frozen: it is thawed at once, with an overdraft. */
TEST_F_TIMEOUT(hold, the_last_one_is_thawed, 60)
{
	struct intent intent = intent_of(0, 120 * MB, LONG_STALL);
	struct nl *const nl = &self->nl;

	freeze_asker(_metadata, self);
	/* It takes what the holder leaves, so that the asker gets little of it. */
	intent.set |= SET(CLASS);
	intent.class = AGENTCG_CLASS_INTERACTIVE;
	fill_in(_metadata, nl, &self->session, &self->other, "other", intent,
		112 * MB, false);
	ASSERT_EQ(0, call_wait(nl, &self->other.call, AGENTCG_A_TOOL_PARKED, 1,
			       20000));
	ASSERT_EQ(0, call_end(nl, &self->holder.call));
	EXPECT_EQ(0, wait_exit(self->asker.pid, 20000));
	EXPECT_EQ(0, wait_exit(self->other.pid, 20000));
	EXPECT_EQ(0, session_balances(nl, &self->session));
}

TEST_F_TIMEOUT(hold, freeze_on_request, 60)
{
	struct nl *const nl = &self->nl;

	begin_holder(_metadata, self, 8 * MB);
	ASSERT_EQ(0, call_freeze(nl, &self->holder.call));
	EXPECT_EQ(0, cg_wait_key(self->holder.call.path, "cgroup.events",
				 "frozen", 1, 5000));
	/* Safe to repeat; credit does not thaw it. */
	ASSERT_EQ(0, call_freeze(nl, &self->holder.call));
	usleep(1200000);
	EXPECT_EQ(1, cg_read_key(self->holder.call.path, "cgroup.events",
				 "frozen"));
	EXPECT_EQ(1, call_figure(nl, &self->holder.call, AGENTCG_A_TOOL_FROZEN));
	ASSERT_EQ(0, call_thaw(nl, &self->holder.call));
	EXPECT_EQ(0, cg_wait_key(self->holder.call.path, "cgroup.events",
				 "frozen", 0, 5000));
	EXPECT_EQ(0, call_thaw(nl, &self->holder.call));
	/* Frozen, it can be killed. */
	ASSERT_EQ(0, call_freeze(nl, &self->holder.call));
	ASSERT_EQ(0, call_kill(nl, &self->holder.call));
	EXPECT_EQ(0, cg_wait_empty(self->holder.call.path, 5000));
	ASSERT_EQ(0, call_end(nl, &self->holder.call));
	EXPECT_LE(1200 * MS, reply_figure(nl, AGENTCG_A_TOOL_HELD_TOTAL));
	/* No more. */
	EXPECT_EQ(-ENOENT, call_freeze(nl, &self->holder.call));
}

/* An operator's own freeze is his to undo. */
TEST_F_TIMEOUT(hold, freeze_of_others_is_kept, 60)
{
	struct nl *const nl = &self->nl;

	begin_holder(_metadata, self, 8 * MB);
	ASSERT_EQ(0, cg_write(self->holder.call.path, "cgroup.freeze", "1"));
	ASSERT_EQ(0, call_freeze(nl, &self->holder.call));
	usleep(100000);
	ASSERT_EQ(0, call_thaw(nl, &self->holder.call));
	usleep(100000);
	EXPECT_EQ(1, cg_read_u64(self->holder.call.path, "cgroup.freeze"));
}

/* Whoever ends a session lets its calls run on. */
TEST_F_TIMEOUT(hold, freeze_ends_with_the_session, 60)
{
	struct nl *const nl = &self->nl;

	begin_holder(_metadata, self, 8 * MB);
	ASSERT_EQ(0, call_freeze(nl, &self->holder.call));
	ASSERT_EQ(0, cg_wait_key(self->holder.call.path, "cgroup.events",
				 "frozen", 1, 5000));
	ASSERT_EQ(0, session_del(nl, &self->session));
	EXPECT_EQ(0, cg_wait_key(self->holder.call.path, "cgroup.events",
				 "frozen", 0, 5000));
}

/* Both may be killed; the one whose loss is smaller is. */
TEST_F_TIMEOUT(hold, kill_takes_the_lowest_class_first, 60)
{
	struct intent low = intent_exhaust(LONG_STALL, AGENTCG_ON_EXHAUST_KILL);
	struct nl *const nl = &self->nl;

	low.set |= SET(CLASS) | SET(RESTARTABLE);
	low.class = AGENTCG_CLASS_BESTEFFORT;
	low.restartable = true;
	fill_in(_metadata, nl, &self->session, &self->other, "low", low,
		48 * MB, true);
	ASSERT_EQ(0, wait_for(&self->other.filler->ended, 1, 30000));
	begin_holder(_metadata, self, 48 * MB);
	begin_asker(_metadata, self,
		    intent_exhaust(SHORT_STALL, AGENTCG_ON_EXHAUST_KILL));
	EXPECT_EQ(0, wait_exit(self->asker.pid, 20000));
	EXPECT_EQ(0, cg_wait_empty(self->other.call.path, 5000));
	ASSERT_EQ(0, call_end(nl, &self->other.call));
	EXPECT_EQ(AGENTCG_CAUSE_STALL_KILL,
		  reply_figure(nl, AGENTCG_A_TOOL_CAUSE));
	/* Whose intent is not to be killed is not. */
	EXPECT_EQ(0, call_get(nl, &self->holder.call));
	EXPECT_EQ(0, waitpid(self->holder.pid, NULL, WNOHANG));
}

/* What a call takes when it is told to. */
struct steps {
	uint64_t first;
	uint64_t second;
	volatile uint64_t ready;
	volatile uint64_t go;
	volatile uint64_t done;
	/* Give the first back, keeping the credit for it. */
	bool give_back;
};

static int run_steps(void *const arg)
{
	struct steps *const steps = arg;
	char *const first = fill(steps->first);

	if (steps->give_back)
		munmap(first, steps->first);
	steps->ready = 1;
	while (!steps->go)
		usleep(1000);
	fill(steps->second);
	steps->done = 1;
	return stay();
}

/*
 * A call of a lower class that asks while one of a higher waits gets in line
 * behind it, and what returns goes to the higher one.
 */
TEST_F_TIMEOUT(hold, nobody_overtakes_a_higher_class, 60)
{
	struct steps *const steps = shared_alloc(sizeof(*steps));
	struct nl *const nl = &self->nl;
	struct party low = {}, idle = {};
	uint64_t before;

	idle.filler = shared_alloc(sizeof(*idle.filler));
	/* Somebody who could return more, so that nobody is exhausted at once. */
	fill_in(_metadata, nl, &self->session, &idle, "idle",
		intent_of(4 * MB, 0, LONG_STALL), 1 * MB, true);
	steps->first = 48 * MB;
	steps->second = 24 * MB;
	start(_metadata, nl, &self->session, &low, "low",
	      intent_class(AGENTCG_CLASS_BESTEFFORT), run_steps, steps);
	ASSERT_EQ(0, wait_for(&steps->ready, 1, 20000));
	begin_holder(_metadata, self, 32 * MB);
	fill_in(_metadata, nl, &self->session, &self->asker, "high",
		intent_class(AGENTCG_CLASS_INTERACTIVE), 96 * MB, true);
	ASSERT_EQ(0, call_wait(nl, &self->asker.call, AGENTCG_A_TOOL_PARKED, 1,
			       20000));
	/* It takes what others have no use for; here the low one's slack. */
	EXPECT_LE(1, info_figure(nl, AGENTCG_A_INFO_PINS));
	steps->go = 1;
	ASSERT_EQ(0, call_wait(nl, &low.call, AGENTCG_A_TOOL_PARKED, 1, 20000));
	/* It may have been served a little of what decays meanwhile. */
	ASSERT_EQ(0, call_wait(nl, &self->asker.call, AGENTCG_A_TOOL_PARKED, 1,
			       20000));
	before = self->asker.filler->done;
	ASSERT_EQ(0, call_end(nl, &self->holder.call));
	/* However slow it is to use it, none of that flows back. */
	EXPECT_EQ(0, wait_for(&self->asker.filler->done, before + 16 * MB,
			      20000));
	usleep(200000);
	EXPECT_EQ(0, steps->done);
	/* It may just be looking whether it is its turn. */
	EXPECT_EQ(0, call_wait(nl, &low.call, AGENTCG_A_TOOL_PARKED, 1, 20000));
	EXPECT_EQ(0, steps->done);
	EXPECT_EQ(0, session_balances(nl, &self->session));
	/* And then it is the other one's turn. */
	ASSERT_EQ(0, call_end(nl, &self->asker.call));
	EXPECT_EQ(0, wait_for(&steps->done, 1, 20000));
}

/* Anonymous memory once, then as much page cache in its place. */
static int turn_to_cache(void *const arg)
{
	struct steps *const steps = arg;
	char *const first = fill(steps->first);

	munmap(first, steps->first);
	if (read_file(FILE_NAME))
		return 1;
	steps->ready = 1;
	return stay();
}

/* On behalf of who waits, or by itself, as it looks for residue. */
static uint64_t reclaims(struct nl *const nl)
{
	return info_figure(nl, AGENTCG_A_INFO_RECLAIMS) +
	       info_figure(nl, AGENTCG_A_INFO_NATIVES);
}

/* Without a kill, and without the low one running: it has enough to give. */
TEST_F_TIMEOUT(hold, cache_of_a_lower_class_gives_way, 60)
{
	struct steps *const steps = shared_alloc(sizeof(*steps));
	const uint64_t before = reclaims(&self->nl);
	struct nl *const nl = &self->nl;
	struct party low = {};

	ASSERT_EQ(0, make_file(FILE_NAME, 64 * MB, true));
	steps->first = 72 * MB;
	start(_metadata, nl, &self->session, &low, "low",
	      intent_class(AGENTCG_CLASS_BESTEFFORT), turn_to_cache, steps);
	ASSERT_EQ(0, wait_for(&steps->ready, 1, 30000));
	/* Not all of it: what it did not use for a moment has flowed back. */
	ASSERT_LE(28 * MB, call_figure(nl, &low.call, AGENTCG_A_TOOL_USAGE));
	fill_in(_metadata, nl, &self->session, &self->asker, "high",
		intent_class(AGENTCG_CLASS_INTERACTIVE), 104 * MB, false);
	EXPECT_EQ(0, wait_exit(self->asker.pid, 30000));
	EXPECT_LT(before, reclaims(nl));
	EXPECT_GE(32 * MB, call_figure(nl, &low.call, AGENTCG_A_TOOL_USAGE));
	ASSERT_EQ(0, call_end(nl, &self->asker.call));
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_TOOL_EXHAUSTED));
	EXPECT_EQ(0, session_balances(nl, &self->session));
	unlink(FILE_NAME);
}

/* Whatever happens: budget + overdraft is what is free, given and left behind. */
TEST_F_TIMEOUT(hold, balances_under_load, 90)
{
	static const uint32_t outcomes[] = {
		AGENTCG_ON_EXHAUST_OVERDRAFT, AGENTCG_ON_EXHAUST_KILL,
		AGENTCG_ON_EXHAUST_FREEZE, AGENTCG_ON_EXHAUST_WAIT,
	};
	struct nl *const nl = &self->nl;
	const uint64_t end = now_ns() + 6000 * MS;
	struct party parties[4] = {};
	unsigned int i, begun = 0, looks = 0;
	char name[16];

	ASSERT_EQ(0, session_set_max_hold(nl, &self->session, 200 * MS));
	for (i = 0; i < 4; i++)
		parties[i].filler = shared_alloc(sizeof(struct filler));
	while (now_ns() < end) {
		for (i = 0; i < 4; i++) {
			struct intent intent = intent_exhaust(
				(1 + begun % 7) * 10 * MS, outcomes[begun % 4]);

			if (parties[i].pid &&
			    waitpid(parties[i].pid, NULL, WNOHANG) !=
			    parties[i].pid)
				continue;
			if (parties[i].pid)
				ASSERT_EQ(0, call_end(nl, &parties[i].call));
			snprintf(name, sizeof(name), "call-%u", begun);
			intent.mem = 0;
			intent.set |= SET(CLASS);
			intent.class = begun++ % 4;
			fill_in(_metadata, nl, &self->session, &parties[i],
				name, intent, (24 + 8 * (begun % 5)) * MB, false);
		}
		ASSERT_EQ(0, session_balances(nl, &self->session));
		looks++;
		usleep(5000);
	}
	TH_LOG("%u calls, %u looks", begun, looks);
	EXPECT_LE(20, looks);
	for (i = 0; i < 4; i++)
		EXPECT_EQ(0, call_end(nl, &parties[i].call));
	ASSERT_EQ(0, session_balances(nl, &self->session));
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_SESSION_RESERVED));
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_SESSION_WAITING));
}

#define SWAP_NAME	"/var/tmp/agentcg-hold-swap"

static int swap_on(void)
{
	return make_file(SWAP_NAME, scaled(128 * MB), true) || chmod(SWAP_NAME, 0600) ||
	       system("mkswap " SWAP_NAME " >/dev/null 2>&1") ||
	       swapon(SWAP_NAME, 0);
}

/* Where there is swap, it is cheaper than to wait at one's own ceiling. */
TEST_F_TIMEOUT(hold, swap_instead_of_waiting, 90)
{
	const struct intent intent = intent_of(scaled(32 * MB), 0, 20000 * MS);
	struct nl *const nl = &self->nl;

	if (swap_on()) {
		unlink(SWAP_NAME);
		SKIP(return, "no swap file can be made here");
	}
	fill_in(_metadata, nl, &self->session, &self->asker, "asker", intent,
		scaled(64 * MB), false);
	EXPECT_EQ(0, wait_exit(self->asker.pid, 60000));
	ASSERT_EQ(0, call_end(nl, &self->asker.call));
	EXPECT_NE(0, reply_figure(nl, AGENTCG_A_TOOL_NATIVE_TOTAL));
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_TOOL_EXHAUSTED));
	/* Time in reclaim is stall, and nothing else held it. */
	EXPECT_EQ(reply_figure(nl, AGENTCG_A_TOOL_NATIVE_TOTAL),
		  reply_figure(nl, AGENTCG_A_TOOL_STALL_TOTAL));
	EXPECT_GE(scaled(48 * MB), reply_figure(nl, AGENTCG_A_TOOL_PEAK));
	EXPECT_EQ(0, swapoff(SWAP_NAME));
	unlink(SWAP_NAME);
}

#define TRACING		"/sys/kernel/tracing"

static int trace_enable(const char *const value)
{
	if (access(TRACING "/events", F_OK) &&
	    mount("tracefs", TRACING, "tracefs", 0, NULL))
		return -errno;
	return cg_write(TRACING, "events/agentcg/enable", value);
}

/* Return: whether @name is in the trace. */
static bool traced(const char *const name)
{
	char line[1024], event[64];
	FILE *const file = fopen(TRACING "/trace", "r");
	bool found = false;

	snprintf(event, sizeof(event), " %s: ", name);
	while (file && !found && fgets(line, sizeof(line), file))
		found = strstr(line, event);
	if (file)
		fclose(file);
	return found;
}

/* A tracepoint, and the counter that goes with it. */
struct transition {
	const char *event;
	int counter;
	uint64_t before;
};

static void expect_transitions(struct __test_metadata *const _metadata,
			       struct nl *const nl,
			       const struct transition *transition)
{
	for (; transition->event; transition++) {
		EXPECT_TRUE(traced(transition->event)) {
			TH_LOG("no %s", transition->event);
		}
		EXPECT_LT(transition->before,
			  info_figure(nl, transition->counter)) {
			TH_LOG("%s is not counted", transition->event);
		}
	}
}

TEST_F_TIMEOUT(hold, transitions_are_traced_and_counted, 60)
{
	struct transition transitions[] = {
		{ "agentcg_verdict", AGENTCG_A_INFO_HITS },
		{ "agentcg_grant", AGENTCG_A_INFO_GRANTS },
		{ "agentcg_overdraw", AGENTCG_A_INFO_OVERDRAFTS },
		{ "agentcg_park", AGENTCG_A_INFO_PARKS },
		{ "agentcg_exhausted", AGENTCG_A_INFO_EXHAUSTED },
		{ "agentcg_freeze", AGENTCG_A_INFO_FREEZES },
		{ "agentcg_borrow", AGENTCG_A_INFO_BORROWS },
		{ "agentcg_pay_back", AGENTCG_A_INFO_PAYBACKS },
		{ "agentcg_kill", AGENTCG_A_INFO_KILLS },
		{ }
	};
	struct nl *const nl = &self->nl;
	struct transition *transition;

	for (transition = transitions; transition->event; transition++)
		transition->before = info_figure(nl, transition->counter);
	ASSERT_EQ(0, trace_enable("1"));
	freeze_asker(_metadata, self);
	ASSERT_EQ(0, call_kill(nl, &self->holder.call));
	ASSERT_EQ(0, call_end(nl, &self->holder.call));
	EXPECT_EQ(0, wait_exit(self->asker.pid, 20000));
	ASSERT_EQ(0, call_end(nl, &self->asker.call));
	expect_transitions(_metadata, nl, transitions);
	EXPECT_EQ(0, trace_enable("0"));
}

/* One keeps credit that it does not use, another asks for it. */
static void ask_for_unused(struct __test_metadata *const _metadata,
			   FIXTURE_DATA(hold) *const self, const uint32_t class)
{
	struct steps *const steps = shared_alloc(sizeof(*steps));
	struct nl *const nl = &self->nl;

	steps->first = 96 * MB;
	steps->give_back = true;
	start(_metadata, nl, &self->session, &self->holder, "idle",
	      intent_class(class), run_steps, steps);
	ASSERT_EQ(0, wait_for(&steps->ready, 1, 20000));
	begin_asker(_metadata, self, intent_class(AGENTCG_CLASS_INTERACTIVE));
	EXPECT_EQ(0, wait_exit(self->asker.pid, 20000));
	ASSERT_EQ(0, call_end(nl, &self->asker.call));
	ASSERT_EQ(0, call_end(nl, &self->holder.call));
}

/* Unless it has flowed back by itself meanwhile. */
TEST_F_TIMEOUT(hold, taking_back_is_traced_and_counted, 120)
{
	struct transition transitions[] = {
		{ "agentcg_revoke", AGENTCG_A_INFO_REVOKES },
		{ "agentcg_pin", AGENTCG_A_INFO_PINS },
		{ }
	};
	struct nl *const nl = &self->nl;
	int tries;

	transitions[0].before = info_figure(nl, AGENTCG_A_INFO_REVOKES);
	transitions[1].before = info_figure(nl, AGENTCG_A_INFO_PINS);
	ASSERT_EQ(0, trace_enable("1"));
	for (tries = 0; tries < 5 && !traced("agentcg_revoke"); tries++)
		ask_for_unused(_metadata, self, AGENTCG_CLASS_INTERACTIVE);
	for (tries = 0; tries < 5 && !traced("agentcg_pin"); tries++)
		ask_for_unused(_metadata, self, AGENTCG_CLASS_BESTEFFORT);
	expect_transitions(_metadata, nl, transitions);
	EXPECT_EQ(0, trace_enable("0"));
}

FIXTURE(sessions) {
	struct nl nl;
	struct session session[3];
	struct party party[3];
};

FIXTURE_SETUP(sessions)
{
	static const char *const names[] = { "a", "b", "c" };
	int i;

	ASSERT_EQ(0, setup(&self->nl));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, session_start(&self->nl, &self->session[i],
					   names[i], 256 * MB));
		self->party[i].filler = shared_alloc(sizeof(struct filler));
	}
	ASSERT_EQ(0, node_set_capacity(&self->nl, 128 * MB));
}

FIXTURE_TEARDOWN(sessions)
{
	node_set_capacity(&self->nl, 0);
	teardown(&self->nl);
}

/*
 * Credit of the node that one session has no use for serves another at once, not
 * when it has decayed: seconds later.
 */
TEST_F_TIMEOUT(sessions, unused_credit_is_shed_on_demand, 60)
{
	struct steps *const steps = shared_alloc(sizeof(*steps));
	const uint64_t before = info_figure(&self->nl, AGENTCG_A_INFO_SHEDS);
	struct nl *const nl = &self->nl;

	steps->first = 96 * MB;
	steps->give_back = true;
	start(_metadata, nl, &self->session[0], &self->party[0], "call",
	      intent_of(4 * MB, 120 * MB, LONG_STALL), run_steps, steps);
	ASSERT_EQ(0, wait_for(&steps->ready, 1, 20000));
	fill_in(_metadata, nl, &self->session[1], &self->party[1], "call",
		intent_of(4 * MB, 120 * MB, LONG_STALL), 80 * MB, false);
	EXPECT_EQ(0, wait_exit(self->party[1].pid, 20000));
	ASSERT_EQ(0, call_end(nl, &self->party[1].call));
	EXPECT_GE(600 * MS * slow(), reply_figure(nl, AGENTCG_A_TOOL_STALL_TOTAL)) {
		TH_LOG("%llu ns", (unsigned long long)
		       reply_figure(nl, AGENTCG_A_TOOL_STALL_TOTAL));
	}
	/* No more than what was charged before it waited. */
	EXPECT_GE(1 * MB, reply_figure(nl, AGENTCG_A_TOOL_OVERDRAFT_PEAK));
	EXPECT_LT(before, info_figure(nl, AGENTCG_A_INFO_SHEDS));
}

/* Who came first waits for longer, if its class is the lower. */
TEST_F_TIMEOUT(sessions, a_higher_class_is_lent_to_first, 60)
{
	static const uint32_t classes[] = {
		AGENTCG_CLASS_BATCH, AGENTCG_CLASS_BATCH,
		AGENTCG_CLASS_INTERACTIVE,
	};
	struct party *const party = self->party;
	struct nl *const nl = &self->nl;
	int i;

	for (i = 0; i < 3; i++) {
		struct intent intent = intent_class(classes[i]);

		/* The node may have nothing left to reserve. */
		intent.mem = 0;
		fill_in(_metadata, nl, &self->session[i], &party[i], "call",
			intent, 100 * MB, i == 0);
		if (i == 0) {
			ASSERT_EQ(0, wait_for(&party[0].filler->ended, 1, 30000));
			continue;
		}
		ASSERT_EQ(0, call_wait(nl, &party[i].call,
				       AGENTCG_A_TOOL_PARKED, 1, 20000));
	}
	ASSERT_EQ(0, call_end(nl, &party[0].call));
	EXPECT_EQ(0, wait_exit(party[2].pid, 30000));
	EXPECT_EQ(0, party[1].filler->ended);
	ASSERT_EQ(0, call_end(nl, &party[2].call));
	EXPECT_EQ(0, wait_exit(party[1].pid, 30000));
	EXPECT_EQ(0, node_figure(nl, AGENTCG_A_NODE_OVERDRAFT));
}

TEST_HARNESS_MAIN
