// SPDX-License-Identifier: GPL-2.0-only
/* Tool calls: declared, changed, listed, ended, and what their receipts say. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "kselftest_harness.h"

#include "fixture.h"

#define BUDGET	(256 * MB)

FIXTURE(tool) {
	struct nl nl;
	struct session session;
	struct call call;
};

FIXTURE_SETUP(tool)
{
	ASSERT_EQ(0, setup(&self->nl));
	ASSERT_EQ(0, session_start(&self->nl, &self->session, "tool", BUDGET));
}

FIXTURE_TEARDOWN(tool)
{
	teardown(&self->nl);
}

static uint64_t limit_of(const struct nl *const nl, const int attr)
{
	return view_uint(view_nest(nl_reply(nl), AGENTCG_A_TOOL_LIMITS), attr);
}

static uint64_t session_figure(struct nl *const nl,
			       const struct session *const session,
			       const int attr)
{
	return session_get(nl, session) ? 0 : reply_figure(nl, attr);
}

TEST_F(tool, declare)
{
	struct intent intent = intent_of(32 * MB, 48 * MB, 5 * MS);
	struct nl *const nl = &self->nl;

	intent.label = "first";
	intent.set |= SET(CLASS) | SET(ON_EXHAUST);
	intent.class = AGENTCG_CLASS_LATENCY;
	intent.on_exhaust = AGENTCG_ON_EXHAUST_KILL;
	ASSERT_EQ(0, call_start(nl, &self->session, &self->call, "call",
				&intent));
	EXPECT_EQ(self->call.id, reply_figure(nl, AGENTCG_A_TOOL_ID));
	EXPECT_EQ(self->session.id, reply_figure(nl, AGENTCG_A_TOOL_SESSION_ID));
	EXPECT_EQ(32 * MB, limit_of(nl, AGENTCG_A_INTENT_MEM));
	EXPECT_EQ(48 * MB, limit_of(nl, AGENTCG_A_INTENT_BURST));
	EXPECT_EQ(5 * MS, limit_of(nl, AGENTCG_A_INTENT_STALL));
	EXPECT_EQ(100, limit_of(nl, AGENTCG_A_INTENT_WEIGHT));
	EXPECT_EQ(AGENTCG_CLASS_LATENCY, limit_of(nl, AGENTCG_A_INTENT_CLASS));
	EXPECT_EQ(AGENTCG_ON_EXHAUST_KILL,
		  limit_of(nl, AGENTCG_A_INTENT_ON_EXHAUST));
	EXPECT_EQ(32 * MB, cg_read_u64(self->call.path, "memory.high"));

	ASSERT_EQ(0, call_get(nl, &self->call));
	EXPECT_EQ(AGENTCG_CAUSE_RUNNING, reply_figure(nl, AGENTCG_A_TOOL_CAUSE));
	EXPECT_EQ(32 * MB, reply_figure(nl, AGENTCG_A_TOOL_HIGH));
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_TOOL_GRANTED));
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_TOOL_PROCESSES));
	EXPECT_NE(0, reply_figure(nl, AGENTCG_A_TOOL_START));
	EXPECT_STREQ(self->call.path + strlen(CG_ROOT),
		     view_string(nl_reply(nl), AGENTCG_A_TOOL_PATH));
	EXPECT_STREQ("first", view_string(view_nest(nl_reply(nl),
						    AGENTCG_A_TOOL_INTENT),
					  AGENTCG_A_INTENT_LABEL));
	ASSERT_EQ(0, session_balances(nl, &self->session));
	EXPECT_EQ(32 * MB, reply_figure(nl, AGENTCG_A_SESSION_RESERVED));
	EXPECT_EQ(1, reply_figure(nl, AGENTCG_A_SESSION_TOOLS));
	EXPECT_EQ(1, reply_figure(nl, AGENTCG_A_SESSION_STARTED));
}

TEST_F(tool, reserve)
{
	const struct intent big = intent_of(160 * MB, 0, 0);
	const struct intent small = intent_of(128 * MB, 0, 0);
	struct nl *const nl = &self->nl;
	struct call first, second;
	uint64_t left;

	ASSERT_EQ(0, call_start(nl, &self->session, &first, "first", &big));
	left = session_figure(nl, &self->session, AGENTCG_A_SESSION_FREE);
	EXPECT_GE(BUDGET - 160 * MB, left);
	EXPECT_LT(BUDGET - 168 * MB, left);
	EXPECT_EQ(-ENOSPC, call_start(nl, &self->session, &second, "second",
				      &small));
	EXPECT_TRUE(says_number(nl, 128 * MB));
	EXPECT_TRUE(says_number(nl, BUDGET));
	EXPECT_TRUE(says(nl, "mem"));
	EXPECT_EQ(AGENTCG_A_INTENT_MEM, nl->blamed);
	/* Nothing of the refused one is left. */
	EXPECT_EQ(-ENOENT, call_get(nl, &second));
	EXPECT_EQ(UINT64_MAX, cg_read_u64(second.path, "memory.high"));
	ASSERT_EQ(0, session_balances(nl, &self->session));
	EXPECT_EQ(160 * MB, reply_figure(nl, AGENTCG_A_SESSION_RESERVED));
	EXPECT_EQ(1, reply_figure(nl, AGENTCG_A_SESSION_TOOLS));

	ASSERT_EQ(0, call_end(nl, &first));
	EXPECT_EQ(0, call_set(nl, &second, &small));
	ASSERT_EQ(0, session_balances(nl, &self->session));
	EXPECT_EQ(128 * MB, reply_figure(nl, AGENTCG_A_SESSION_RESERVED));
}

TEST_F(tool, above_the_budget)
{
	const struct intent intent = intent_of(2 * BUDGET, 0, 0);
	const struct intent burst = intent_of(64 * MB, 8 * BUDGET, 0);
	struct nl *const nl = &self->nl;

	EXPECT_EQ(-ENOSPC, call_start(nl, &self->session, &self->call, "call",
				      &intent));
	EXPECT_TRUE(says_number(nl, 2 * BUDGET));
	EXPECT_TRUE(says_number(nl, BUDGET));
	EXPECT_TRUE(says(nl, "mem"));
	EXPECT_EQ(AGENTCG_A_INTENT_MEM, nl->blamed);
	/* A burst above it is what there is. */
	ASSERT_EQ(0, call_set(nl, &self->call, &burst));
	EXPECT_EQ(BUDGET - 64 * MB, limit_of(nl, AGENTCG_A_INTENT_BURST));
}

/* The largest sizes there are, and everything that they are added to. */
TEST_F(tool, sizes_that_overflow)
{
	const uint64_t largest = 1ULL << 60;
	const struct intent all = intent_of(largest, largest, 0);
	const struct intent most = intent_of(8 * MB, largest, 0);
	const struct intent too_much = intent_of(8 * MB, UINT64_MAX - 1, 0);
	struct nl *const nl = &self->nl;
	struct session huge;
	struct call second;

	ASSERT_EQ(0, session_start(nl, &huge, "huge", largest));
	/* The budget has it, the machine has not. */
	EXPECT_EQ(-ENOSPC, call_start(nl, &huge, &self->call, "call", &all));
	EXPECT_TRUE(says(nl, "node"));
	EXPECT_TRUE(says_number(nl, largest));
	EXPECT_EQ(AGENTCG_A_INTENT_MEM, nl->blamed);
	EXPECT_EQ(0, session_balances(nl, &huge));
	ASSERT_EQ(0, call_set(nl, &self->call, &most));
	EXPECT_EQ(largest - 8 * MB, limit_of(nl, AGENTCG_A_INTENT_BURST));
	/* Two of three numbers that fill the longest sentence. */
	EXPECT_EQ(-ENOSPC, call_start(nl, &huge, &second, "second", &all));
	EXPECT_TRUE(says_number(nl, largest));
	EXPECT_TRUE(says(nl, "free of budget 1152921504606846976"));
	EXPECT_EQ(-ERANGE, call_set(nl, &self->call, &too_much));
	EXPECT_EQ(AGENTCG_A_INTENT_BURST, nl->blamed);
	ASSERT_EQ(0, session_balances(nl, &huge));
	EXPECT_EQ(8 * MB, reply_figure(nl, AGENTCG_A_SESSION_RESERVED));
}

TEST_F(tool, nothing_declared)
{
	struct nl *const nl = &self->nl;
	struct msg msg;

	/* The default mem is no promise: what there is will do. */
	ASSERT_EQ(0, call_start(nl, &self->session, &self->call, "call", NULL)) {
		TH_LOG("%s", nl->text);
	}
	EXPECT_GE(BUDGET, limit_of(nl, AGENTCG_A_INTENT_MEM));
	EXPECT_EQ(2000 * MS, limit_of(nl, AGENTCG_A_INTENT_STALL));
	EXPECT_EQ(0, session_balances(nl, &self->session));

	msg_init(&msg, AGENTCG_CMD_SESSION_SET);
	msg_u64(&msg, AGENTCG_A_SESSION_ID, self->session.id);
	intent_put(&msg, AGENTCG_A_SESSION_DEFAULTS,
		   &(struct intent){ .set = SET(STALL), .stall = 9 * MS });
	ASSERT_EQ(0, nl_do(nl, &msg));
	ASSERT_EQ(0, call_get(nl, &self->call));
	EXPECT_EQ(9 * MS, limit_of(nl, AGENTCG_A_INTENT_STALL));
}

TEST_F(tool, class_ceiling)
{
	struct intent intent = intent_of(8 * MB, 0, 0);
	struct nl *const nl = &self->nl;
	struct msg msg;

	msg_init(&msg, AGENTCG_CMD_SESSION_SET);
	msg_u64(&msg, AGENTCG_A_SESSION_ID, self->session.id);
	msg_u32(&msg, AGENTCG_A_SESSION_MAX_CLASS, AGENTCG_CLASS_BESTEFFORT);
	ASSERT_EQ(0, nl_do(nl, &msg));
	intent.set |= SET(CLASS);
	intent.class = AGENTCG_CLASS_BATCH;
	EXPECT_EQ(-ERANGE, call_start(nl, &self->session, &self->call, "call",
				      &intent));
	EXPECT_TRUE(says(nl, "class batch"));
	EXPECT_TRUE(says(nl, "besteffort"));
	EXPECT_EQ(AGENTCG_A_INTENT_CLASS, nl->blamed);
	/* A default is cut instead. */
	intent.set &= ~SET(CLASS);
	EXPECT_EQ(0, call_set(nl, &self->call, &intent));
	EXPECT_EQ(AGENTCG_CLASS_BESTEFFORT, limit_of(nl, AGENTCG_A_INTENT_CLASS));
}

TEST_F(tool, second_declaration_changes)
{
	struct intent intent = intent_of(32 * MB, 32 * MB, 5 * MS);
	const struct intent stall = { .set = SET(STALL), .stall = 6 * MS };
	const struct intent mem = { .set = SET(MEM), .mem = 64 * MB };
	const struct intent less = { .set = SET(MEM), .mem = 16 * MB };
	const struct intent much = { .set = SET(MEM), .mem = BUDGET };
	struct nl *const nl = &self->nl;
	struct call other;

	intent.label = "kept";
	ASSERT_EQ(0, call_start(nl, &self->session, &self->call, "call",
				&intent));
	ASSERT_EQ(0, call_start(nl, &self->session, &other, "other", &intent));
	ASSERT_EQ(0, call_set(nl, &self->call, &stall));
	EXPECT_EQ(32 * MB, limit_of(nl, AGENTCG_A_INTENT_MEM));
	EXPECT_EQ(6 * MS, limit_of(nl, AGENTCG_A_INTENT_STALL));
	ASSERT_EQ(0, call_set(nl, &self->call, &mem));
	EXPECT_EQ(64 * MB, cg_read_u64(self->call.path, "memory.high"));
	EXPECT_EQ(96 * MB, session_figure(nl, &self->session,
					  AGENTCG_A_SESSION_RESERVED));
	ASSERT_EQ(0, call_set(nl, &self->call, &less));
	EXPECT_EQ(16 * MB, cg_read_u64(self->call.path, "memory.high"));
	EXPECT_EQ(-ENOSPC, call_set(nl, &self->call, &much));
	EXPECT_EQ(AGENTCG_A_INTENT_MEM, nl->blamed);
	ASSERT_EQ(0, call_get(nl, &self->call));
	EXPECT_EQ(16 * MB, limit_of(nl, AGENTCG_A_INTENT_MEM));
	EXPECT_EQ(32 * MB, limit_of(nl, AGENTCG_A_INTENT_BURST));
	EXPECT_EQ(6 * MS, limit_of(nl, AGENTCG_A_INTENT_STALL));
	EXPECT_STREQ("kept", view_string(view_nest(nl_reply(nl),
						   AGENTCG_A_TOOL_INTENT),
					 AGENTCG_A_INTENT_LABEL));
	ASSERT_EQ(0, session_balances(nl, &self->session));
	EXPECT_EQ(48 * MB, reply_figure(nl, AGENTCG_A_SESSION_RESERVED));
	EXPECT_EQ(2, reply_figure(nl, AGENTCG_A_SESSION_TOOLS));
}

TEST_F(tool, not_in_a_session)
{
	const struct intent intent = intent_of(8 * MB, 0, 0);
	struct call leaf = { .fd = self->session.agent_fd };
	struct call whole = { .fd = self->session.fd };
	struct nl *const nl = &self->nl;
	struct session plain;
	struct call call, deeper;

	ASSERT_EQ(0, session_make(&plain, "plain"));
	EXPECT_EQ(-ESRCH, call_start(nl, &plain, &call, "call", &intent));
	EXPECT_TRUE(says(nl, "session"));
	EXPECT_EQ(AGENTCG_A_TOOL_FD, nl->blamed);
	EXPECT_EQ(-EBUSY, call_set(nl, &leaf, &intent));
	EXPECT_TRUE(says(nl, "agent"));
	EXPECT_EQ(AGENTCG_A_TOOL_FD, nl->blamed);
	EXPECT_EQ(-EBUSY, call_set(nl, &whole, &intent));
	EXPECT_EQ(AGENTCG_A_TOOL_FD, nl->blamed);
	/* Only children of a session, not what is below a call. */
	ASSERT_EQ(0, call_start(nl, &self->session, &self->call, "call",
				&intent));
	ASSERT_EQ(0, cg_feed(self->call.path));
	snprintf(deeper.path, sizeof(deeper.path), "%.*s/x", 200,
		 self->call.path);
	ASSERT_EQ(0, cg_make(deeper.path));
	deeper.fd = cg_open(deeper.path);
	EXPECT_EQ(-ESRCH, call_set(nl, &deeper, &intent));
	deeper.fd = cg_open(CG_ROOT);
	EXPECT_EQ(-ESRCH, call_set(nl, &deeper, &intent));
}

struct ids {
	unsigned int count;
	uint64_t id[128];
	uint64_t other_session;
	uint64_t session;
};

static int collect(const struct view attrs, void *const arg)
{
	struct ids *const ids = arg;

	if (ids->count < 128)
		ids->id[ids->count] = view_uint(attrs, AGENTCG_A_TOOL_ID);
	ids->count++;
	if (view_uint(attrs, AGENTCG_A_TOOL_SESSION_ID) != ids->session)
		ids->other_session++;
	return 0;
}

static int list(struct nl *const nl, const int cmd,
		const struct session *const session, const bool all,
		struct ids *const ids)
{
	struct msg msg;

	*ids = (struct ids){ .session = session->id };
	msg_init(&msg, cmd);
	if (!all)
		msg_u64(&msg, AGENTCG_A_TOOL_SESSION_ID, session->id);
	return nl_dump(nl, &msg, collect, ids);
}

static bool has(const struct ids *const ids, const uint64_t id)
{
	unsigned int i, found = 0;

	for (i = 0; i < ids->count && i < 128; i++)
		found += ids->id[i] == id;
	return found == 1;
}

TEST_F(tool, dump)
{
	const struct intent intent = intent_of(MB, 0, 0);
	struct nl *const nl = &self->nl;
	struct session other;
	struct call calls[40];
	struct ids ids;
	char name[8];
	int i;

	ASSERT_EQ(0, session_start(nl, &other, "other", BUDGET));
	for (i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "c%d", i);
		ASSERT_EQ(0, call_start(nl, i % 2 ? &other : &self->session,
					&calls[i], name, &intent));
	}
	ASSERT_EQ(0, list(nl, AGENTCG_CMD_TOOL_GET, &self->session, false, &ids));
	EXPECT_EQ(20, ids.count);
	EXPECT_EQ(0, ids.other_session);
	for (i = 0; i < 40; i += 2)
		EXPECT_TRUE(has(&ids, calls[i].id));
	ASSERT_EQ(0, list(nl, AGENTCG_CMD_TOOL_GET, &self->session, true, &ids));
	EXPECT_EQ(40, ids.count);
	EXPECT_EQ(20, ids.other_session);
	for (i = 0; i < 40; i++)
		EXPECT_TRUE(has(&ids, calls[i].id));
	EXPECT_EQ(40, info_figure(nl, AGENTCG_A_INFO_TOOLS));
}

TEST_F_TIMEOUT(tool, receipts_kept, 90)
{
	const struct intent intent = intent_of(MB, 0, 0);
	struct nl *const nl = &self->nl;
	struct call calls[AGENTCG_RECEIPTS_MAX + 6];
	const int count = AGENTCG_RECEIPTS_MAX + 6;
	struct ids ids;
	char name[8];
	int i;

	for (i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "c%d", i);
		ASSERT_EQ(0, call_start(nl, &self->session, &calls[i], name,
					&intent));
		EXPECT_EQ(-EBUSY, receipt_get(nl, calls[i].id));
		ASSERT_EQ(0, call_end(nl, &calls[i]));
		EXPECT_EQ(-ENOENT, call_get(nl, &calls[i]));
	}
	ASSERT_EQ(0, list(nl, AGENTCG_CMD_RECEIPT_GET, &self->session, false,
			  &ids));
	EXPECT_EQ(AGENTCG_RECEIPTS_MAX, ids.count);
	for (i = 0; i < count; i++) {
		EXPECT_EQ(i >= 6, has(&ids, calls[i].id));
		EXPECT_EQ(i >= 6 ? 0 : -ENOENT, receipt_get(nl, calls[i].id));
	}
	EXPECT_EQ(count, session_figure(nl, &self->session,
					AGENTCG_A_SESSION_STARTED));
	/* They go with the session. */
	ASSERT_EQ(0, session_del(nl, &self->session));
	EXPECT_EQ(-ENOENT, receipt_get(nl, calls[count - 1].id));
}

static int exit_7(void *const arg)
{
	fill(24 * MB);
	return 7;
}

static int wait_for_ever(void *const arg)
{
	if (arg)
		__atomic_fetch_add((uint64_t *)arg, 1, __ATOMIC_RELAXED);
	return stay();
}

static int three_processes(void *const arg)
{
	if (!fork())
		wait_for_ever(arg);
	if (!fork())
		wait_for_ever(arg);
	return wait_for_ever(arg);
}

static void begin(struct __test_metadata *const _metadata,
		  FIXTURE_DATA(tool) *const self)
{
	const struct intent intent = intent_of(64 * MB, 32 * MB, 0);

	ASSERT_EQ(0, call_start(&self->nl, &self->session, &self->call, "call",
				&intent));
}

TEST_F(tool, receipt_of_an_exit)
{
	struct nl *const nl = &self->nl;
	pid_t pid;

	begin(_metadata, self);
	pid = cg_spawn(self->call.fd, exit_7, NULL);
	ASSERT_LT(0, pid);
	EXPECT_EQ(7, WEXITSTATUS(wait_exit(pid, 20000)));
	ASSERT_EQ(0, call_end(nl, &self->call));
	EXPECT_EQ(self->call.id, reply_figure(nl, AGENTCG_A_TOOL_ID));
	EXPECT_EQ(AGENTCG_CAUSE_EXIT, reply_figure(nl, AGENTCG_A_TOOL_CAUSE));
	EXPECT_EQ(7, reply_figure(nl, AGENTCG_A_TOOL_EXIT_CODE));
	EXPECT_FALSE(view_has(nl_reply(nl), AGENTCG_A_TOOL_EXIT_SIGNAL));
	EXPECT_LE(24 * MB, reply_figure(nl, AGENTCG_A_TOOL_PEAK));
	EXPECT_GT(40 * MB, reply_figure(nl, AGENTCG_A_TOOL_PEAK));
	EXPECT_EQ(1, reply_figure(nl, AGENTCG_A_TOOL_PROCESSES));
	EXPECT_NE(0, reply_figure(nl, AGENTCG_A_TOOL_CPU_TIME));
	/* No scheduler of ours is loaded. */
	EXPECT_FALSE(view_has(nl_reply(nl), AGENTCG_A_TOOL_RUN_TOTAL));
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_TOOL_STALL_TOTAL));
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_TOOL_OOM_KILLS));
	EXPECT_LT(reply_figure(nl, AGENTCG_A_TOOL_START),
		  reply_figure(nl, AGENTCG_A_TOOL_END));
	EXPECT_EQ(32 * MB, view_uint(view_nest(nl_reply(nl),
					       AGENTCG_A_TOOL_INTENT),
				     AGENTCG_A_INTENT_BURST));
}

TEST_F(tool, receipt_of_a_signal)
{
	struct nl *const nl = &self->nl;
	pid_t pid;

	begin(_metadata, self);
	pid = cg_spawn(self->call.fd, wait_for_ever, NULL);
	ASSERT_LT(0, pid);
	kill(pid, SIGTERM);
	EXPECT_EQ(SIGTERM, WTERMSIG(wait_exit(pid, 20000)));
	ASSERT_EQ(0, call_end(nl, &self->call));
	EXPECT_EQ(AGENTCG_CAUSE_SIGNAL, reply_figure(nl, AGENTCG_A_TOOL_CAUSE));
	EXPECT_EQ(SIGTERM, reply_figure(nl, AGENTCG_A_TOOL_EXIT_SIGNAL));
	EXPECT_FALSE(view_has(nl_reply(nl), AGENTCG_A_TOOL_EXIT_CODE));
}

TEST_F(tool, receipt_of_a_kill)
{
	volatile uint64_t *const up = shared_alloc(sizeof(*up));
	struct nl *const nl = &self->nl;
	pid_t pid;

	begin(_metadata, self);
	pid = cg_spawn(self->call.fd, three_processes, (void *)up);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, wait_for(up, 3, 20000));
	ASSERT_EQ(0, call_kill(nl, &self->call));
	EXPECT_EQ(0, cg_wait_empty(self->call.path, 10000));
	EXPECT_EQ(SIGKILL, WTERMSIG(wait_exit(pid, 10000)));
	ASSERT_EQ(0, call_end(nl, &self->call));
	EXPECT_EQ(AGENTCG_CAUSE_USER_KILL,
		  reply_figure(nl, AGENTCG_A_TOOL_CAUSE));
	EXPECT_EQ(SIGKILL, reply_figure(nl, AGENTCG_A_TOOL_EXIT_SIGNAL));
	EXPECT_EQ(3, reply_figure(nl, AGENTCG_A_TOOL_PROCESSES));
}

/* Has a child that ends at once when told to, then one that stays; exits with 7. */
static int outlive_a_child(void *const arg)
{
	volatile uint64_t *const step = arg;
	pid_t child;

	__sync_fetch_and_add(step, 1);
	wait_for(step, 2, 20000);
	child = fork();
	if (!child)
		_exit(0);
	waitpid(child, NULL, 0);
	if (!fork())
		wait_for_ever((void *)step);
	wait_for(step, 4, 20000);
	return 7;
}

/*
 * Declared while it runs: its first process is the one that was there, not the
 * next that is born, whose end would take all others.
 */
TEST_F(tool, taken_over)
{
	volatile uint64_t *const step = shared_alloc(sizeof(*step));
	struct intent intent = intent_of(64 * MB, 32 * MB, 0);
	struct nl *const nl = &self->nl;
	pid_t pid;

	intent.set |= SET(SURVIVORS);
	intent.survivors = AGENTCG_SURVIVORS_REAP;
	ASSERT_EQ(0, call_make(&self->session, &self->call, "call"));
	pid = cg_spawn(self->call.fd, outlive_a_child, (void *)step);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, wait_for(step, 1, 20000));
	ASSERT_EQ(0, call_set(nl, &self->call, &intent));
	ASSERT_EQ(0, call_get(nl, &self->call));
	EXPECT_EQ(1, reply_figure(nl, AGENTCG_A_TOOL_PROCESSES));
	EXPECT_NE(0, reply_figure(nl, AGENTCG_A_TOOL_BEGUN));
	__sync_fetch_and_add(step, 1);
	ASSERT_EQ(0, wait_for(step, 3, 20000));
	ASSERT_EQ(0, call_get(nl, &self->call));
	EXPECT_EQ(AGENTCG_CAUSE_RUNNING, reply_figure(nl, AGENTCG_A_TOOL_CAUSE));
	__sync_fetch_and_add(step, 1);
	EXPECT_EQ(7, WEXITSTATUS(wait_exit(pid, 20000)));
	/* The child that stays is reaped with it. */
	EXPECT_EQ(0, cg_wait_empty(self->call.path, 10000));
	ASSERT_EQ(0, call_end(nl, &self->call));
	EXPECT_EQ(AGENTCG_CAUSE_EXIT, reply_figure(nl, AGENTCG_A_TOOL_CAUSE));
	EXPECT_EQ(7, reply_figure(nl, AGENTCG_A_TOOL_EXIT_CODE));
	EXPECT_EQ(3, reply_figure(nl, AGENTCG_A_TOOL_PROCESSES));
	EXPECT_EQ(1, reply_figure(nl, AGENTCG_A_TOOL_SURVIVED));
}

/* Its deadline runs from then on. */
TEST_F(tool, taken_over_with_a_deadline)
{
	struct intent intent = intent_of(64 * MB, 32 * MB, 0);
	struct nl *const nl = &self->nl;
	pid_t pid;

	intent.set |= SET(DEADLINE);
	intent.deadline = 200 * MS;
	ASSERT_EQ(0, call_make(&self->session, &self->call, "call"));
	pid = cg_spawn(self->call.fd, wait_for_ever, NULL);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, call_set(nl, &self->call, &intent));
	EXPECT_EQ(SIGKILL, WTERMSIG(wait_exit(pid, 20000)));
	ASSERT_EQ(0, call_end(nl, &self->call));
	EXPECT_EQ(AGENTCG_CAUSE_DEADLINE, reply_figure(nl, AGENTCG_A_TOOL_CAUSE));
}

/* Whoever comes after the kill dies too. */
TEST_F(tool, kill_is_final)
{
	struct nl *const nl = &self->nl;
	pid_t pid;

	begin(_metadata, self);
	ASSERT_EQ(0, call_kill(nl, &self->call));
	pid = cg_spawn(self->call.fd, wait_for_ever, NULL);
	ASSERT_LT(0, pid);
	EXPECT_EQ(SIGKILL, WTERMSIG(wait_exit(pid, 10000)));
	ASSERT_EQ(0, call_end(nl, &self->call));
	EXPECT_EQ(AGENTCG_CAUSE_USER_KILL,
		  reply_figure(nl, AGENTCG_A_TOOL_CAUSE));
}

TEST_F(tool, receipt_of_nothing)
{
	begin(_metadata, self);
	ASSERT_EQ(0, call_end(&self->nl, &self->call));
	EXPECT_EQ(AGENTCG_CAUSE_EMPTY,
		  reply_figure(&self->nl, AGENTCG_A_TOOL_CAUSE));
	EXPECT_EQ(0, reply_figure(&self->nl, AGENTCG_A_TOOL_PROCESSES));
}

TEST_F(tool, moved_in)
{
	struct nl *const nl = &self->nl;
	char text[16];
	pid_t pid;

	begin(_metadata, self);
	pid = cg_spawn(self->session.agent_fd, wait_for_ever, NULL);
	ASSERT_LT(0, pid);
	snprintf(text, sizeof(text), "%d", pid);
	ASSERT_EQ(0, cg_write(self->call.path, "cgroup.procs", text));
	EXPECT_EQ(1, call_figure(nl, &self->call, AGENTCG_A_TOOL_PROCESSES));
	kill(pid, SIGUSR1);
	EXPECT_EQ(SIGUSR1, WTERMSIG(wait_exit(pid, 10000)));
	ASSERT_EQ(0, call_end(nl, &self->call));
	EXPECT_EQ(AGENTCG_CAUSE_SIGNAL, reply_figure(nl, AGENTCG_A_TOOL_CAUSE));
}

static int read_score(void)
{
	char buf[16];

	return atoi(cg_read("/proc/self", "oom_score_adj", buf, sizeof(buf)));
}

/* The call is the first to go, and cannot change that. */
static int check_score(void *const arg)
{
	if (read_score() < 200)
		return 1;
	if (setresuid(65534, 65534, 65534))
		return 2;
	cg_write("/proc/self", "oom_score_adj", "0");
	return read_score() < 200 ? 3 : 0;
}

TEST_F(tool, dies_before_the_agent)
{
	pid_t pid;

	begin(_metadata, self);
	pid = cg_spawn(self->call.fd, check_score, NULL);
	ASSERT_LT(0, pid);
	EXPECT_EQ(0, wait_exit(pid, 10000));
	EXPECT_EQ(1, cg_read_u64(self->call.path, "memory.oom.group"));
	EXPECT_EQ(0, cg_read_u64(self->session.agent, "memory.oom.group"));
	EXPECT_EQ(0, cg_read_u64(self->session.path, "memory.oom.group"));
}

/* All credit is back whatever the call was doing when it ended. */
static void check_returned(struct __test_metadata *const _metadata,
			   FIXTURE_DATA(tool) *const self)
{
	struct nl *const nl = &self->nl;

	ASSERT_EQ(0, session_balances(nl, &self->session));
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_SESSION_RESERVED));
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_SESSION_TOOLS));
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_SESSION_OVERDRAFT));
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_SESSION_WAITING));
	EXPECT_LT(BUDGET - 8 * MB, reply_figure(nl, AGENTCG_A_SESSION_FREE));
	EXPECT_EQ(0, info_figure(nl, AGENTCG_A_INFO_TOOLS));
}

static pid_t start_filler(FIXTURE_DATA(tool) *const self,
			  const struct intent *const intent,
			  const uint64_t total)
{
	struct filler *const filler = shared_alloc(sizeof(*filler));

	*filler = (struct filler){ .total = total, .stay = true };
	if (call_start(&self->nl, &self->session, &self->call, "call", intent))
		return -1;
	return cg_spawn(self->call.fd, run_filler, filler);
}

TEST_F(tool, ends_with_grants)
{
	const struct intent intent = intent_of(8 * MB, 128 * MB, 0);
	const pid_t pid = start_filler(self, &intent, 64 * MB);

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, call_wait(&self->nl, &self->call, AGENTCG_A_TOOL_GRANTED,
			       32 * MB, 20000));
	ASSERT_EQ(0, call_end(&self->nl, &self->call));
	EXPECT_NE(0, reply_figure(&self->nl, AGENTCG_A_TOOL_GRANTS));
	EXPECT_LE(32 * MB, reply_figure(&self->nl,
					AGENTCG_A_TOOL_GRANTED_TOTAL));
	check_returned(_metadata, self);
}

TEST_F(tool, ends_while_parked)
{
	const struct intent intent = intent_of(8 * MB, 0, 60000 * MS);
	const pid_t pid = start_filler(self, &intent, 64 * MB);

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, call_wait(&self->nl, &self->call, AGENTCG_A_TOOL_PARKED, 1,
			       20000));
	EXPECT_EQ(1, session_figure(&self->nl, &self->session,
				    AGENTCG_A_SESSION_WAITING));
	ASSERT_EQ(0, call_end(&self->nl, &self->call));
	EXPECT_NE(0, reply_figure(&self->nl, AGENTCG_A_TOOL_STALL_TOTAL));
	check_returned(_metadata, self);
	EXPECT_EQ(0, info_wait(&self->nl, AGENTCG_A_INFO_PARKED, 0, 5000));
}

/* As an instant it would be past the end of time. */
TEST_F(tool, longest_stall)
{
	const struct intent intent = intent_of(8 * MB, 0, INT64_MAX / 2);
	const pid_t pid = start_filler(self, &intent, 64 * MB);

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, call_wait(&self->nl, &self->call, AGENTCG_A_TOOL_PARKED, 1,
			       20000));
	usleep(200000);
	EXPECT_EQ(1, call_figure(&self->nl, &self->call, AGENTCG_A_TOOL_PARKED));
	EXPECT_EQ(0, reply_figure(&self->nl, AGENTCG_A_TOOL_EXHAUSTED));
	ASSERT_EQ(0, call_end(&self->nl, &self->call));
	check_returned(_metadata, self);
}

TEST_F(tool, ends_in_overdraft)
{
	const struct intent intent = intent_of(8 * MB, 0, MS);
	const pid_t pid = start_filler(self, &intent, 64 * MB);

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, call_wait(&self->nl, &self->call,
			       AGENTCG_A_TOOL_OVERDRAFT_PEAK, 16 * MB, 20000));
	ASSERT_EQ(0, call_end(&self->nl, &self->call));
	EXPECT_NE(0, reply_figure(&self->nl, AGENTCG_A_TOOL_EXHAUSTED));
	check_returned(_metadata, self);
}

TEST_F(tool, ends_after_a_change)
{
	const struct intent intent = intent_of(8 * MB, 128 * MB, 0);
	const struct intent none = intent_of(0, 0, MS);
	const pid_t pid = start_filler(self, &intent, 64 * MB);

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, call_wait(&self->nl, &self->call, AGENTCG_A_TOOL_GRANTED,
			       16 * MB, 20000));
	ASSERT_EQ(0, call_set(&self->nl, &self->call, &none));
	ASSERT_EQ(0, session_balances(&self->nl, &self->session));
	ASSERT_EQ(0, call_end(&self->nl, &self->call));
	check_returned(_metadata, self);
}

/* The session goes first; the call runs on as if there was nobody. */
TEST_F(tool, outlives_its_session)
{
	const struct intent intent = intent_of(8 * MB, 0, 60000 * MS);
	const pid_t pid = start_filler(self, &intent, 64 * MB);

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, call_wait(&self->nl, &self->call, AGENTCG_A_TOOL_PARKED, 1,
			       20000));
	ASSERT_EQ(0, session_del(&self->nl, &self->session));
	EXPECT_EQ(0, kill(pid, 0));
	EXPECT_EQ(UINT64_MAX, cg_read_u64(self->call.path, "memory.high"));
	EXPECT_EQ(0, info_wait(&self->nl, AGENTCG_A_INFO_PARKED, 0, 5000));
	EXPECT_EQ(-ENOENT, receipt_get(&self->nl, self->call.id));
}

TEST_HARNESS_MAIN
