// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parking: bounded, left at the first signal, ended by a return of credit.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "kselftest_harness.h"

#include "fixture.h"

#define LONG_STALL	(60000 * MS * slow())
/* How often an interruption is tried; the median counts. */
#define TRIES		5

FIXTURE(park) {
	struct nl nl;
	struct session session;
	struct call call;
	struct filler *filler;
	pid_t pid;
};

FIXTURE_SETUP(park)
{
	ASSERT_EQ(0, setup(&self->nl));
	ASSERT_EQ(0, session_start(&self->nl, &self->session, "park", 512 * MB));
	self->filler = shared_alloc(sizeof(*self->filler));
}

FIXTURE_TEARDOWN(park)
{
	teardown(&self->nl);
}

/*
 * A task that leaves within it counts as left at once, and not at the end of
 * its park, which is seconds away.  Ten milliseconds are promised; an emulator
 * that shares its processors with others may need longer, one that counts
 * instructions (AGENTCG_TEST_EXACT) may not.
 */
static uint64_t at_once(void)
{
	return (getenv("AGENTCG_TEST_EXACT") ? 10 : 100) * MS * slow();
}

static void begin(struct __test_metadata *const _metadata,
		  FIXTURE_DATA(park) *const self,
		  const struct intent *const intent)
{
	ASSERT_EQ(0, call_start(&self->nl, &self->session, &self->call, "call",
				intent)) {
		TH_LOG("%s", self->nl.text);
	}
	self->pid = cg_spawn(self->call.fd, run_filler, self->filler);
	ASSERT_LT(0, self->pid);
}

FIXTURE_VARIANT(park) {
	unsigned int threads;
};

FIXTURE_VARIANT_ADD(park, one_thread) {
	.threads = 1,
};

FIXTURE_VARIANT_ADD(park, eight_threads) {
	.threads = 8,
};

FIXTURE_VARIANT_ADD(park, many_threads) {
	.threads = 64,
};

/*
 * However many threads there are, and however often they are stopped: the
 * whole call is held for the bound and not longer.
 */
TEST_F_TIMEOUT(park, stall_is_bounded, 60)
{
	const uint64_t stall = 500 * MS;
	/*
	 * All wake at once, and the last one has to get a processor, of an
	 * emulator that may wait for one itself.  How exact a park is on an
	 * idle machine is measured by the bench.
	 */
	const uint64_t late = (100 + 8 * variant->threads) * MS * slow();
	const struct intent intent = intent_of(8 * MB, 0, stall);
	struct nl *const nl = &self->nl;

	self->filler->total = scaled(96 * MB);
	self->filler->threads = variant->threads;
	begin(_metadata, self, &intent);
	EXPECT_EQ(0, wait_exit(self->pid, 40000));
	EXPECT_EQ(self->filler->total, self->filler->done);
	ASSERT_EQ(0, call_end(nl, &self->call));
	EXPECT_LE(stall - 5 * MS, reply_figure(nl, AGENTCG_A_TOOL_STALL_TOTAL));
	EXPECT_GE(stall + late,
		  reply_figure(nl, AGENTCG_A_TOOL_STALL_TOTAL)) {
		TH_LOG("%llu ns", (unsigned long long)
		       reply_figure(nl, AGENTCG_A_TOOL_STALL_TOTAL));
	}
	EXPECT_GE(stall + late,
		  reply_figure(nl, AGENTCG_A_TOOL_STALL_LONGEST));
	EXPECT_LE(1, reply_figure(nl, AGENTCG_A_TOOL_EXHAUSTED));
	EXPECT_LE(1, reply_figure(nl, AGENTCG_A_TOOL_STALLS));
	EXPECT_LE(scaled(96 * MB) / 2,
		  reply_figure(nl, AGENTCG_A_TOOL_OVERDRAFT_PEAK));
	/* Real time too: nobody else held it. */
	EXPECT_GE(stall + 8000 * MS * slow(),
		  self->filler->ended - self->filler->begun);
	/*
	 * Between the hook and the kernel's own look another thread may charge;
	 * one that is really throttled makes about sixteen by itself.
	 */
	EXPECT_GE(variant->threads - 1,
		  cg_read_key(self->session.path, "memory.events", "high"));
	EXPECT_EQ(0, session_balances(nl, &self->session));
	EXPECT_EQ(0, info_wait(nl, AGENTCG_A_INFO_PARKED, 0, 5000));
}

FIXTURE(wake) {
	struct nl nl;
	struct session session;
	struct call call;
	struct filler *filler;
	pid_t pid;
};

FIXTURE_SETUP(wake)
{
	ASSERT_EQ(0, setup(&self->nl));
	ASSERT_EQ(0, session_start(&self->nl, &self->session, "wake", 256 * MB));
	self->filler = shared_alloc(sizeof(*self->filler));
}

FIXTURE_TEARDOWN(wake)
{
	teardown(&self->nl);
}

/* A call whose one task is parked for long. */
static void park_one(struct __test_metadata *const _metadata,
		     FIXTURE_DATA(wake) *const self, int (*const fn)(void *arg))
{
	const struct intent intent = intent_of(8 * MB, 0, LONG_STALL);

	self->filler->total = 32 * MB;
	self->filler->stay = true;
	ASSERT_EQ(0, call_start(&self->nl, &self->session, &self->call, "call",
				&intent));
	self->pid = cg_spawn(self->call.fd, fn, self->filler);
	ASSERT_LT(0, self->pid);
	ASSERT_EQ(0, call_wait(&self->nl, &self->call, AGENTCG_A_TOOL_PARKED, 1,
			       20000));
	/* Really asleep, not on its way. */
	usleep(20000);
	ASSERT_EQ(1, call_figure(&self->nl, &self->call, AGENTCG_A_TOOL_PARKED));
}

static uint64_t median(uint64_t *const values, const int count)
{
	int i, k;

	for (i = 1; i < count; i++) {
		for (k = i; k && values[k - 1] > values[k]; k--) {
			const uint64_t value = values[k];

			values[k] = values[k - 1];
			values[k - 1] = value;
		}
	}
	return values[count / 2];
}

static volatile uint64_t *handled;

static void handler(const int sig)
{
	*handled = now_ns();
}

static int fill_with_handler(void *const arg)
{
	signal(SIGTERM, handler);
	return run_filler(arg);
}

TEST_F_TIMEOUT(wake, by_a_handled_signal, 60)
{
	uint64_t took[TRIES], begun;
	int i;

	handled = shared_alloc(sizeof(*handled));
	park_one(_metadata, self, fill_with_handler);
	for (i = 0; i < TRIES; i++) {
		*handled = 0;
		begun = now_ns();
		kill(self->pid, SIGTERM);
		ASSERT_EQ(0, wait_for(handled, 1, 5000));
		took[i] = *handled - begun;
		/* The debt is still booked: the next charge parks again. */
		ASSERT_EQ(0, call_wait(&self->nl, &self->call,
				       AGENTCG_A_TOOL_PARKED, 1, 5000));
	}
	EXPECT_GE(at_once(), median(took, TRIES)) {
		TH_LOG("median %llu ns", (unsigned long long)took[TRIES / 2]);
	}
	EXPECT_EQ(0, self->filler->ended);
	EXPECT_EQ(0, session_balances(&self->nl, &self->session));
}

TEST_F_TIMEOUT(wake, by_sigkill, 60)
{
	uint64_t took[TRIES], begun;
	int i;

	for (i = 0; i < TRIES; i++) {
		park_one(_metadata, self, run_filler);
		begun = now_ns();
		kill(self->pid, SIGKILL);
		EXPECT_EQ(SIGKILL, WTERMSIG(wait_exit(self->pid, 5000)));
		took[i] = now_ns() - begun;
		ASSERT_EQ(0, call_end(&self->nl, &self->call));
	}
	/* Its memory has to be freed as well. */
	EXPECT_GE(4 * at_once(), median(took, TRIES)) {
		TH_LOG("median %llu ns", (unsigned long long)took[TRIES / 2]);
	}
}

TEST_F_TIMEOUT(wake, by_sigstop, 60)
{
	uint64_t took[TRIES], begun;
	int status, i;

	park_one(_metadata, self, run_filler);
	for (i = 0; i < TRIES; i++) {
		begun = now_ns();
		kill(self->pid, SIGSTOP);
		ASSERT_EQ(self->pid, waitpid(self->pid, &status, WUNTRACED));
		took[i] = now_ns() - begun;
		EXPECT_TRUE(WIFSTOPPED(status));
		EXPECT_EQ(0, call_figure(&self->nl, &self->call,
					 AGENTCG_A_TOOL_PARKED));
		kill(self->pid, SIGCONT);
		ASSERT_EQ(0, call_wait(&self->nl, &self->call,
				       AGENTCG_A_TOOL_PARKED, 1, 5000));
	}
	EXPECT_GE(at_once(), median(took, TRIES)) {
		TH_LOG("median %llu ns", (unsigned long long)took[TRIES / 2]);
	}
}

TEST_F_TIMEOUT(wake, by_freezing, 60)
{
	uint64_t took[TRIES], begun;
	int i;

	park_one(_metadata, self, run_filler);
	for (i = 0; i < TRIES; i++) {
		begun = now_ns();
		ASSERT_EQ(0, cg_write(self->call.path, "cgroup.freeze", "1"));
		ASSERT_EQ(0, cg_wait_key(self->call.path, "cgroup.events",
					 "frozen", 1, 5000));
		took[i] = now_ns() - begun;
		ASSERT_EQ(0, cg_write(self->call.path, "cgroup.freeze", "0"));
		ASSERT_EQ(0, call_wait(&self->nl, &self->call,
				       AGENTCG_A_TOOL_PARKED, 1, 5000));
	}
	EXPECT_GE(at_once(), median(took, TRIES)) {
		TH_LOG("median %llu ns", (unsigned long long)took[TRIES / 2]);
	}
}

TEST_F_TIMEOUT(wake, by_ptrace, 60)
{
	uint64_t took[TRIES], begun;
	int status, i;

	park_one(_metadata, self, run_filler);
	for (i = 0; i < TRIES; i++) {
		begun = now_ns();
		ASSERT_EQ(0, ptrace(PTRACE_SEIZE, self->pid, 0, 0));
		ASSERT_EQ(0, ptrace(PTRACE_INTERRUPT, self->pid, 0, 0));
		ASSERT_EQ(self->pid, waitpid(self->pid, &status, __WALL));
		took[i] = now_ns() - begun;
		EXPECT_TRUE(WIFSTOPPED(status));
		ASSERT_EQ(0, ptrace(PTRACE_DETACH, self->pid, 0, 0));
		ASSERT_EQ(0, call_wait(&self->nl, &self->call,
				       AGENTCG_A_TOOL_PARKED, 1, 5000));
	}
	EXPECT_GE(at_once(), median(took, TRIES)) {
		TH_LOG("median %llu ns", (unsigned long long)took[TRIES / 2]);
	}
}

/* Suspend freezes all tasks, gives up after 20 s with EBUSY. */
TEST_F_TIMEOUT(wake, by_suspend, 60)
{
	uint64_t begun;

	if (cg_write("/sys/power", "pm_test", "freezer"))
		SKIP(return, "the kernel cannot test suspend");
	cg_write("/sys/module/suspend/parameters", "pm_test_delay", "1");
	park_one(_metadata, self, run_filler);
	begun = now_ns();
	EXPECT_EQ(0, cg_write("/sys/power", "state", "freeze"));
	EXPECT_GT(10000 * MS, now_ns() - begun);
	EXPECT_EQ(0, cg_write("/sys/power", "pm_test", "none"));
	EXPECT_EQ(0, self->filler->ended);
	EXPECT_EQ(1, call_figure(&self->nl, &self->call, AGENTCG_A_TOOL_PARKED));
}

/* Who waits goes on when the call is allowed more. */
TEST_F_TIMEOUT(wake, by_a_change, 60)
{
	const struct intent more = { .set = SET(BURST), .burst = 64 * MB };
	uint64_t begun;

	park_one(_metadata, self, run_filler);
	begun = now_ns();
	ASSERT_EQ(0, call_set(&self->nl, &self->call, &more));
	EXPECT_EQ(0, wait_for(&self->filler->ended, 1, 20000));
	EXPECT_GT(5000 * MS * slow(), now_ns() - begun);
	ASSERT_EQ(0, call_get(&self->nl, &self->call));
	EXPECT_EQ(0, reply_figure(&self->nl, AGENTCG_A_TOOL_EXHAUSTED));
	EXPECT_EQ(0, session_balances(&self->nl, &self->session));
}

/* The call can be removed then: its waiter must not be looked for there. */
TEST_F_TIMEOUT(wake, by_the_end_of_a_call_that_it_has_left, 60)
{
	char pid[16];

	park_one(_metadata, self, run_filler);
	snprintf(pid, sizeof(pid), "%d", self->pid);
	ASSERT_EQ(0, cg_write(self->session.agent, "cgroup.procs", pid));
	EXPECT_EQ(0, self->filler->ended);
	ASSERT_EQ(0, call_end(&self->nl, &self->call));
	EXPECT_EQ(0, wait_for(&self->filler->ended, 1, 20000));
	EXPECT_EQ(0, info_wait(&self->nl, AGENTCG_A_INFO_PARKED, 0, 5000));
	EXPECT_EQ(0, session_balances(&self->nl, &self->session));
}

static int hold(void *const arg)
{
	return stay();
}

/* A call that reserves @mem and is populated, so that not everybody is parked. */
static void hold_budget(struct __test_metadata *const _metadata,
			FIXTURE_DATA(wake) *const self, struct call *const call,
			const uint64_t mem)
{
	const struct intent intent = intent_of(mem, 0, 0);

	ASSERT_EQ(0, call_start(&self->nl, &self->session, call, "holder",
				&intent));
	ASSERT_LT(0, cg_spawn(call->fd, hold, NULL));
}

static void declare_more(struct __test_metadata *const _metadata,
			 FIXTURE_DATA(wake) *const self,
			 struct call *const call, const char *const name,
			 const uint32_t class)
{
	struct intent intent = intent_of(8 * MB, 128 * MB, LONG_STALL);

	intent.set |= SET(CLASS);
	intent.class = class;
	ASSERT_EQ(0, call_start(&self->nl, &self->session, call, name, &intent));
}

static void grow(struct __test_metadata *const _metadata,
		 FIXTURE_DATA(wake) *const self, struct call *const call,
		 struct filler *const filler)
{
	filler->total = 40 * MB;
	filler->stay = true;
	ASSERT_LT(0, cg_spawn(call->fd, run_filler, filler));
	ASSERT_EQ(0, call_wait(&self->nl, call, AGENTCG_A_TOOL_PARKED, 1, 20000));
}

static void want_more(struct __test_metadata *const _metadata,
		      FIXTURE_DATA(wake) *const self, struct call *const call,
		      const char *const name, const uint32_t class,
		      struct filler *const filler)
{
	declare_more(_metadata, self, call, name, class);
	grow(_metadata, self, call, filler);
}

TEST_F_TIMEOUT(wake, by_a_sibling_that_ends, 60)
{
	struct nl *const nl = &self->nl;
	struct call holder, asker;

	hold_budget(_metadata, self, &holder, 240 * MB);
	want_more(_metadata, self, &asker, "asker", AGENTCG_CLASS_BATCH,
		  self->filler);
	usleep(100000);
	EXPECT_EQ(0, self->filler->ended);
	ASSERT_EQ(0, call_end(nl, &holder));
	EXPECT_EQ(0, wait_for(&self->filler->ended, 1, 20000));
	ASSERT_EQ(0, call_get(nl, &asker));
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_TOOL_EXHAUSTED));
	EXPECT_LE(50 * MS, reply_figure(nl, AGENTCG_A_TOOL_STALL_TOTAL));
	EXPECT_EQ(0, session_balances(nl, &self->session));
}

/*
 * Little comes back, no more than one step: it is for the higher class, though
 * that came later.
 */
TEST_F_TIMEOUT(wake, highest_class_first, 60)
{
	const struct intent less = { .set = SET(MEM), .mem = 216 * MB };
	struct filler *const high = shared_alloc(sizeof(*high));
	struct call holder, batch, interactive;
	struct nl *const nl = &self->nl;
	uint64_t low_done, high_done;

	hold_budget(_metadata, self, &holder, 220 * MB);
	/* Both first: the one that grows leaves nothing to reserve. */
	declare_more(_metadata, self, &batch, "batch", AGENTCG_CLASS_BATCH);
	declare_more(_metadata, self, &interactive, "interactive",
		     AGENTCG_CLASS_INTERACTIVE);
	grow(_metadata, self, &batch, self->filler);
	grow(_metadata, self, &interactive, high);
	EXPECT_EQ(2, session_get(nl, &self->session) ? 0 :
		  reply_figure(nl, AGENTCG_A_SESSION_WAITING));
	usleep(100000);
	low_done = self->filler->done;
	high_done = high->done;
	ASSERT_EQ(0, call_set(nl, &holder, &less));
	EXPECT_EQ(0, wait_for(&high->done, high_done + MB, 10000));
	EXPECT_GE(low_done + MB, self->filler->done);
	/* And all of it: both get on. */
	ASSERT_EQ(0, call_end(nl, &holder));
	EXPECT_EQ(0, wait_for(&high->ended, 1, 20000));
	EXPECT_EQ(0, wait_for(&self->filler->ended, 1, 20000));
	EXPECT_EQ(0, session_balances(nl, &self->session));
}

static int tree(void *const arg)
{
	struct filler *const filler = arg;
	int i;

	for (i = 0; i < 3; i++)
		if (!fork())
			return stay();
	return run_filler(filler);
}

TEST_F_TIMEOUT(wake, killed_when_exhausted, 60)
{
	struct intent intent = intent_of(8 * MB, 0, 200 * MS);
	struct nl *const nl = &self->nl;

	intent.set |= SET(ON_EXHAUST);
	intent.on_exhaust = AGENTCG_ON_EXHAUST_KILL;
	self->filler->total = 64 * MB;
	ASSERT_EQ(0, call_start(nl, &self->session, &self->call, "call",
				&intent));
	self->pid = cg_spawn(self->call.fd, tree, self->filler);
	ASSERT_LT(0, self->pid);
	EXPECT_EQ(SIGKILL, WTERMSIG(wait_exit(self->pid, 20000)));
	EXPECT_EQ(0, cg_wait_empty(self->call.path, 10000));
	ASSERT_EQ(0, call_end(nl, &self->call));
	EXPECT_EQ(AGENTCG_CAUSE_STALL_KILL,
		  reply_figure(nl, AGENTCG_A_TOOL_CAUSE));
	EXPECT_EQ(SIGKILL, reply_figure(nl, AGENTCG_A_TOOL_EXIT_SIGNAL));
	EXPECT_EQ(4, reply_figure(nl, AGENTCG_A_TOOL_PROCESSES));
	EXPECT_EQ(1, reply_figure(nl, AGENTCG_A_TOOL_EXHAUSTED));
	EXPECT_LE(195 * MS, reply_figure(nl, AGENTCG_A_TOOL_STALL_TOTAL));
	EXPECT_GE(220 * MS + 100 * MS * slow(),
		  reply_figure(nl, AGENTCG_A_TOOL_STALL_TOTAL));
	EXPECT_EQ(0, session_balances(nl, &self->session));
}

/* The parent waits for the child; were the child parked, so would be both. */
static int fill_in_vfork(void *const arg)
{
	struct filler *const filler = arg;
	const pid_t pid = vfork();
	int status;

	if (!pid)
		_exit(run_filler(filler));
	return waitpid(pid, &status, 0) == pid ? status : 1;
}

TEST_F_TIMEOUT(wake, vfork_child_is_never_parked, 60)
{
	const struct intent intent = intent_of(8 * MB, 0, 10000 * MS);
	struct nl *const nl = &self->nl;
	int i;

	self->filler->total = 48 * MB;
	ASSERT_EQ(0, call_start(nl, &self->session, &self->call, "call",
				&intent));
	self->pid = cg_spawn(self->call.fd, fill_in_vfork, self->filler);
	ASSERT_LT(0, self->pid);
	for (i = 0; i < 5000 && !self->filler->ended; i++) {
		if (call_figure(nl, &self->call, AGENTCG_A_TOOL_PARKED))
			break;
		usleep(1000);
	}
	EXPECT_NE(0, self->filler->ended);
	EXPECT_EQ(48 * MB, self->filler->done);
	EXPECT_GT(5000 * MS, self->filler->ended - self->filler->begun);
	EXPECT_LE(32 * MB, call_figure(nl, &self->call,
				       AGENTCG_A_TOOL_OVERDRAFT_PEAK));
	EXPECT_EQ(0, session_balances(nl, &self->session));
}

/*
 * Two calls that want more than there is, and nobody else: nobody can return
 * anything, so waiting for the bound would be for nothing.
 */
TEST_F_TIMEOUT(wake, nobody_left_to_return_credit, 200)
{
	const struct intent intent = intent_of(8 * MB, 512 * MB, LONG_STALL);
	struct filler *const second = shared_alloc(sizeof(*second));
	struct nl *const nl = &self->nl;
	struct call other;
	uint64_t begun;

	/* Not even what the other has reserved is left to the first. */
	self->filler->total = 250 * MB;
	self->filler->stay = true;
	*second = *self->filler;
	ASSERT_EQ(0, call_start(nl, &self->session, &self->call, "call",
				&intent));
	ASSERT_EQ(0, call_start(nl, &self->session, &other, "other", &intent));
	begun = now_ns();
	ASSERT_LT(0, cg_spawn(self->call.fd, run_filler, self->filler));
	ASSERT_LT(0, cg_spawn(other.fd, run_filler, second));
	/* The first to be done keeps what it has: the other may have to wait. */
	while (!self->filler->ended && !second->ended &&
	       now_ns() - begun < 25000 * MS * slow())
		usleep(1000);
	EXPECT_GT(20000 * MS * slow(), now_ns() - begun);
	EXPECT_LE(1, call_figure(nl, &self->call, AGENTCG_A_TOOL_EXHAUSTED) +
		     call_figure(nl, &other, AGENTCG_A_TOOL_EXHAUSTED));
	EXPECT_EQ(0, session_balances(nl, &self->session));
}

TEST_HARNESS_MAIN
