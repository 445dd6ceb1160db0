// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hostile tenants: what one can take from another by what it declares, asks for
 * and uses.  A modest tenant makes one small burst after the other beside it; it
 * declares as much as everybody does.
 */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "kselftest_harness.h"

#include "fixture.h"

#define CAPACITY	(128 * MB)
#define BUDGET		(256 * MB)
#define FLOOR		(48 * MB)
/* As much as it may be. */
#define HUGE_BURST	(248 * MB)
/* Calls of the modest tenant's, and what each fills. */
#define CALLS		rounds(slow() > 1 ? 5 : 20)
#define FILL		(24 * MB)
/* Far above what anybody should wait for here. */
#define STALL		(10000 * MS * slow())
#define CREEP		(256 * 1024)

/**
 * struct tenant - a hostile tenant: a process that makes its calls
 * @session: its sandbox
 * @nl: its own
 * @agent: what its agent's own process does
 * @ready: it has begun
 */
struct tenant {
	struct session session;
	struct nl nl;
	struct filler agent;
	volatile uint64_t ready;
};

FIXTURE(hostile) {
	struct nl nl;
	struct session modest;
	struct tenant *tenant;
	pid_t pid;
};

static int set_floor(struct nl *const nl, const struct session *const session,
		     const uint64_t floor)
{
	struct msg msg;

	msg_init(&msg, AGENTCG_CMD_SESSION_SET);
	msg_u64(&msg, AGENTCG_A_SESSION_ID, session->id);
	msg_u64(&msg, AGENTCG_A_SESSION_FLOOR, floor);
	return nl_do(nl, &msg);
}

FIXTURE_SETUP(hostile)
{
	ASSERT_EQ(0, setup(&self->nl));
	self->tenant = shared_alloc(sizeof(*self->tenant));
	ASSERT_EQ(0, session_start(&self->nl, &self->tenant->session, "hostile",
				   BUDGET));
	ASSERT_EQ(0, session_start(&self->nl, &self->modest, "modest", BUDGET));
	ASSERT_EQ(0, node_set_capacity(&self->nl, CAPACITY));
}

FIXTURE_TEARDOWN(hostile)
{
	node_set_capacity(&self->nl, 0);
	teardown(&self->nl);
}

/* A call of the tenant's in which @fn runs; 0 when it is refused. */
static pid_t begin(struct tenant *const tenant, struct call *const call,
		   const char *const name, const struct intent *const intent,
		   int (*const fn)(void *arg))
{
	if (call_start(&tenant->nl, &tenant->session, call, name, intent))
		return 0;
	return cg_spawn(call->fd, fn, tenant);
}

/* What it says to get a place in the line, and to keep all for itself. */
static struct intent greedy(void)
{
	return intent_of(4 * MB, HUGE_BURST, 3600000 * MS);
}

/* Grows slowly, but so that it never is quiet; again when it has come far. */
static int creep(void *const arg)
{
	struct tenant *const tenant = arg;
	char *const more = fill(24 * MB);
	uint64_t done;

	for (;;) {
		madvise(more + 8 * MB, 16 * MB, MADV_DONTNEED);
		tenant->ready = 1;
		for (done = 8 * MB; done < 24 * MB; done += CREEP) {
			usleep(50000);
			touch(more + done, CREEP);
		}
	}
}

/* For comparison: the same work, and no more declared than it takes. */
static int frank(struct tenant *const tenant)
{
	const struct intent intent = intent_of(32 * MB, 0, 0);
	struct call call;

	return begin(tenant, &call, "frank", &intent, creep) > 0 ? stay() : 1;
}

static int creeper(struct tenant *const tenant)
{
	const struct intent intent = greedy();
	struct call call;

	return begin(tenant, &call, "creeper", &intent, creep) > 0 ? stay() : 1;
}

/* Faster, and all over again. */
static int rise_and_fall(void *const arg)
{
	struct tenant *const tenant = arg;

	for (;;) {
		char *const at = fill(16 * MB);

		tenant->ready = 1;
		usleep(100000);
		munmap(at, 16 * MB);
		usleep(100000);
	}
}

static int riser(struct tenant *const tenant)
{
	const struct intent intent = greedy();
	struct call call;

	return begin(tenant, &call, "riser", &intent, rise_and_fall) > 0 ?
	       stay() : 1;
}

/* All of it charged in one system call: no event after which it could park. */
static int populate(void *const arg)
{
	struct tenant *const tenant = arg;

	for (;;) {
		void *const at = mmap(NULL, 16 * MB, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE,
				      -1, 0);

		tenant->ready = 1;
		usleep(50000);
		munmap(at, 16 * MB);
	}
}

static int populater(struct tenant *const tenant)
{
	const struct intent intent = greedy();
	struct call call;

	return begin(tenant, &call, "populater", &intent, populate) > 0 ?
	       stay() : 1;
}

static int fill_little(void *const arg)
{
	fill(8 * MB);
	usleep(300000);
	return 0;
}

/* Call after call, each with a claim of its own, and each soon over. */
static int flood(struct tenant *const tenant)
{
	const struct intent intent = greedy();
	struct call call;

	for (;;) {
		const pid_t pid = begin(tenant, &call, "flood", &intent,
					fill_little);

		if (pid <= 0 || wait_exit(pid, 60000) ||
		    call_end(&tenant->nl, &call))
			return 1;
		tenant->ready = 1;
	}
}

/* One declares anew all the time, for two calls that grow in turn. */
static int turncoat(struct tenant *const tenant)
{
	const struct intent less = intent_of(4 * MB, 8 * MB, 0);
	const struct intent intent = greedy();
	struct call calls[2];

	if (begin(tenant, &calls[0], "one", &intent, creep) <= 0 ||
	    begin(tenant, &calls[1], "two", &intent, creep) <= 0)
		return 1;
	for (;;) {
		if (call_set(&tenant->nl, &calls[0], &less) ||
		    call_set(&tenant->nl, &calls[0], &intent))
			return 1;
		usleep(1000);
	}
}

static int fill_much(void *const arg)
{
	struct tenant *const tenant = arg;

	tenant->ready = 1;
	fill(64 * MB);
	return stay();
}

/* One call waits at its own ceiling, for hours, while the other one creeps. */
static int waiter(struct tenant *const tenant)
{
	const struct intent low = intent_of(4 * MB, 4 * MB, 3600000 * MS);
	const struct intent intent = greedy();
	struct call calls[2];

	if (begin(tenant, &calls[0], "low", &low, fill_much) <= 0 ||
	    call_wait(&tenant->nl, &calls[0], AGENTCG_A_TOOL_PARKED, 1, 30000))
		return 1;
	tenant->ready = 0;
	return begin(tenant, &calls[1], "creeper", &intent, creep) > 0 ?
	       stay() : 1;
}

/* The agent's own processes take all that there is, and more. */
static int agent(struct tenant *const tenant)
{
	tenant->agent.total = 2 * CAPACITY;
	tenant->agent.stay = true;
	if (cg_spawn(tenant->session.agent_fd, run_filler, &tenant->agent) < 0 ||
	    wait_for(&tenant->agent.ended, 1, 60000))
		return 1;
	tenant->ready = 1;
	return stay();
}

static int hold(void *const arg)
{
	return stay();
}

/* Reserves all that there is, in many calls that use nothing. */
static int reserver(struct tenant *const tenant)
{
	uint64_t mem = 16 * MB;
	struct call call;
	char name[16];
	int i;

	for (i = 0; mem >= MB / 4; i++) {
		const struct intent intent = intent_of(mem, 0, 0);

		snprintf(name, sizeof(name), "%d", i);
		if (begin(tenant, &call, name, &intent, hold) <= 0)
			mem /= 2;
	}
	tenant->ready = 1;
	return stay();
}

static int fill_all(void *const arg)
{
	struct tenant *const tenant = arg;

	fill(2 * CAPACITY - 16 * MB);
	tenant->ready = 1;
	return stay();
}

/* Waits for nothing, and overdraws up to its session's memory.max. */
static int spender(struct tenant *const tenant)
{
	const struct intent intent = intent_of(4 * MB, HUGE_BURST, 1);
	struct call call;

	if (cg_write_u64(tenant->session.path, "memory.max", 2 * CAPACITY))
		return 1;
	return begin(tenant, &call, "spender", &intent, fill_all) > 0 ? stay() : 1;
}

/* The tenant begins; it ends with the test at the latest. */
static void start(struct __test_metadata *const _metadata,
		  FIXTURE_DATA(hostile) *const self,
		  int (*const fn)(struct tenant *tenant))
{
	const pid_t pid = fork();

	ASSERT_LE(0, pid);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(nl_open(&self->tenant->nl) || fn(self->tenant));
	}
	self->pid = pid;
	ASSERT_EQ(0, wait_for(&self->tenant->ready, 1, 60000));
}

/**
 * struct course - what became of the modest tenant's calls
 * @late: how many were held for longer than a moment
 * @worst: longest stall of one
 * @exhausted: how many came to their bounds
 * @overdraft: most that one of them has booked without credit
 * @p99: time that 99 of 100 take at most to fill their memory
 */
struct course {
	int late;
	uint64_t worst;
	uint64_t exhausted;
	uint64_t overdraft;
	uint64_t p99;
};

static int compare(const void *const a, const void *const b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static uint64_t larger(const uint64_t a, const uint64_t b)
{
	return a > b ? a : b;
}

static void run_modest(struct __test_metadata *const _metadata,
		       FIXTURE_DATA(hostile) *const self,
		       struct course *const course)
{
	const struct intent intent = intent_of(4 * MB, HUGE_BURST, STALL);
	struct filler *const filler = shared_alloc(sizeof(*filler));
	struct nl *const nl = &self->nl;
	struct call call;
	const int calls = CALLS;
	uint64_t took[calls], stall;
	int i;

	*course = (struct course){};
	filler->total = FILL;
	for (i = 0; i < calls; i++) {
		ASSERT_EQ(0, call_start(nl, &self->modest, &call, "modest",
					&intent)) {
			TH_LOG("call %d: %s", i, nl->text);
		}
		ASSERT_EQ(0, wait_exit(cg_spawn(call.fd, run_filler, filler),
				       120000));
		ASSERT_EQ(0, call_end(nl, &call));
		took[i] = filler->ended - filler->begun;
		stall = reply_figure(nl, AGENTCG_A_TOOL_STALL_TOTAL);
		course->worst = larger(course->worst, stall);
		course->late += stall > 50 * MS * slow();
		course->exhausted += reply_figure(nl, AGENTCG_A_TOOL_EXHAUSTED);
		course->overdraft = larger(course->overdraft,
			reply_figure(nl, AGENTCG_A_TOOL_OVERDRAFT_PEAK));
	}
	qsort(took, calls, sizeof(*took), compare);
	course->p99 = took[(calls * 99 - 1) / 100];
	TH_LOG("late %d of %d, longest stall %llu ms, P99 of the time %llu us",
	       course->late, calls, (unsigned long long)(course->worst / MS),
	       (unsigned long long)(course->p99 / 1000));
}

/* Nothing is lost, nothing invented: at both levels, and between them. */
static void check_ledger(struct __test_metadata *const _metadata,
			 FIXTURE_DATA(hostile) *const self)
{
	struct session *const hostile = &self->tenant->session;
	struct nl *const nl = &self->nl;

	kill(self->pid, SIGKILL);
	wait_exit(self->pid, 5000);
	EXPECT_EQ(0, session_balances(nl, &self->modest));
	EXPECT_EQ(0, session_balances(nl, hostile));
	ASSERT_EQ(0, session_del(nl, hostile));
	ASSERT_EQ(0, session_get(nl, &self->modest));
	EXPECT_EQ(reply_figure(nl, AGENTCG_A_SESSION_BORROWED),
		  node_figure(nl, AGENTCG_A_NODE_BORROWED));
	EXPECT_EQ(0, node_figure(nl, AGENTCG_A_NODE_OVERDRAFT));
	ASSERT_EQ(0, session_del(nl, &self->modest));
	EXPECT_EQ(0, node_figure(nl, AGENTCG_A_NODE_BORROWED));
	EXPECT_EQ(0, node_figure(nl, AGENTCG_A_NODE_FLOORS));
	EXPECT_EQ(CAPACITY, node_figure(nl, AGENTCG_A_NODE_FREE));
}

FIXTURE_VARIANT(hostile) {
	int (*run)(struct tenant *tenant);
	/* Of the modest tenant's; without one it may have to wait at first. */
	uint64_t floor;
	bool overdraws;
};

FIXTURE_VARIANT_ADD(hostile, frank) {
	.run = frank,
};

FIXTURE_VARIANT_ADD(hostile, creeper) {
	.run = creeper,
};

FIXTURE_VARIANT_ADD(hostile, riser) {
	.run = riser,
};

FIXTURE_VARIANT_ADD(hostile, populater) {
	.run = populater,
};

FIXTURE_VARIANT_ADD(hostile, flood) {
	.run = flood,
};

FIXTURE_VARIANT_ADD(hostile, turncoat) {
	.run = turncoat,
};

FIXTURE_VARIANT_ADD(hostile, waiter) {
	.run = waiter,
};

FIXTURE_VARIANT_ADD(hostile, reserver) {
	.run = reserver,
	.floor = FLOOR,
};

FIXTURE_VARIANT_ADD(hostile, agent) {
	.run = agent,
	.floor = FLOOR,
	.overdraws = true,
};

FIXTURE_VARIANT_ADD(hostile, spender) {
	.run = spender,
	.floor = FLOOR,
	.overdraws = true,
};

/*
 * Who only claims is found out: the modest one waits once or twice, until that
 * has shown, and then no more.  Who takes all that there is leaves the floor,
 * with which the modest one never waits.
 */
TEST_F_TIMEOUT(hostile, modest_one_goes_on, 240)
{
	struct course course;

	if (variant->floor)
		ASSERT_EQ(0, set_floor(&self->nl, &self->modest,
				       variant->floor));
	start(_metadata, self, variant->run);
	/* What agents use is booked once a second. */
	while (variant->overdraws &&
	       !node_figure(&self->nl, AGENTCG_A_NODE_OVERDRAFT))
		usleep(10000);
	run_modest(_metadata, self, &course);
	EXPECT_EQ(0, course.exhausted);
	/* At most what was charged before it was held. */
	EXPECT_GE(variant->floor ? 0 : MB, course.overdraft);
	EXPECT_GE(variant->floor ? 0 : 2, course.late);
	EXPECT_GE(1500 * MS * slow(), course.worst);
	check_ledger(_metadata, self);
}

TEST_HARNESS_MAIN
