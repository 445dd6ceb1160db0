// SPDX-License-Identifier: GPL-2.0-only
/* Sessions: added, changed, listed, removed; what is refused, and why. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "kselftest_harness.h"

#include "fixture.h"

#define BUDGET	(128 * MB)
#define MANY	200

FIXTURE(session) {
	struct nl nl;
	struct session session;
};

FIXTURE_SETUP(session)
{
	ASSERT_EQ(0, setup(&self->nl));
	ASSERT_EQ(0, session_make(&self->session, "one"));
}

FIXTURE_TEARDOWN(session)
{
	teardown(&self->nl);
}

static int add(struct nl *const nl, const struct session *const session,
	       const uint64_t budget)
{
	struct msg msg;

	session_request(&msg, session, budget);
	return nl_do(nl, &msg);
}

static int change(struct nl *const nl, const struct session *const session,
		  const int attr, const uint64_t value, const size_t size)
{
	struct msg msg;

	msg_init(&msg, AGENTCG_CMD_SESSION_SET);
	msg_u64(&msg, AGENTCG_A_SESSION_ID, session->id);
	msg_put(&msg, attr, &value, size);
	return nl_do(nl, &msg);
}

/* Refused with a sentence that has @word in it and points at @attr. */
static bool refused(const struct nl *const nl, const char *const word,
		    const int attr)
{
	if (says(nl, word) && nl->blamed == attr)
		return true;
	fprintf(stderr, "# attribute %d (%d expected): '%s'\n", nl->blamed,
		attr, nl->text);
	return false;
}

TEST_F(session, add_and_get)
{
	struct view defaults;
	struct nl *const nl = &self->nl;

	ASSERT_EQ(0, add(nl, &self->session, BUDGET));
	EXPECT_EQ(self->session.id, reply_figure(nl, AGENTCG_A_SESSION_ID));
	ASSERT_EQ(0, session_get(nl, &self->session));
	EXPECT_EQ(self->session.id, reply_figure(nl, AGENTCG_A_SESSION_ID));
	EXPECT_EQ(cg_id(self->session.agent),
		  reply_figure(nl, AGENTCG_A_SESSION_AGENT_ID));
	EXPECT_STREQ(self->session.path + strlen(CG_ROOT),
		     view_string(nl_reply(nl), AGENTCG_A_SESSION_PATH));
	EXPECT_EQ(BUDGET, reply_figure(nl, AGENTCG_A_SESSION_BUDGET));
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_SESSION_FLOOR));
	EXPECT_EQ(100, reply_figure(nl, AGENTCG_A_SESSION_WEIGHT));
	EXPECT_EQ(AGENTCG_CLASS_INTERACTIVE,
		  reply_figure(nl, AGENTCG_A_SESSION_MAX_CLASS));
	EXPECT_EQ(UINT64_MAX, reply_figure(nl, AGENTCG_A_SESSION_MEMORY_MAX));
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_SESSION_TOOLS));
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_SESSION_RESERVED));
	EXPECT_TRUE(view_has(nl_reply(nl), AGENTCG_A_SESSION_WAITING));
	EXPECT_TRUE(view_has(nl_reply(nl), AGENTCG_A_SESSION_STARTED));
	defaults = view_nest(nl_reply(nl), AGENTCG_A_SESSION_DEFAULTS);
	EXPECT_EQ(256 * MB, view_uint(defaults, AGENTCG_A_INTENT_MEM));
	EXPECT_EQ(AGENTCG_CLASS_BATCH,
		  view_uint(defaults, AGENTCG_A_INTENT_CLASS));
	EXPECT_EQ(100, view_uint(defaults, AGENTCG_A_INTENT_WEIGHT));
	EXPECT_EQ(2000 * MS, view_uint(defaults, AGENTCG_A_INTENT_STALL));
	EXPECT_EQ(AGENTCG_ON_EXHAUST_OVERDRAFT,
		  view_uint(defaults, AGENTCG_A_INTENT_ON_EXHAUST));
	EXPECT_EQ(0, session_balances(nl, &self->session));
}

TEST_F(session, set)
{
	const struct intent defaults = {
		.set = SET(MEM) | SET(STALL) | SET(CLASS),
		.mem = 8 * MB, .stall = 7 * MS,
		.class = AGENTCG_CLASS_BESTEFFORT,
	};
	struct nl *const nl = &self->nl;
	struct msg msg;

	ASSERT_EQ(0, add(nl, &self->session, BUDGET));
	EXPECT_EQ(0, change(nl, &self->session, AGENTCG_A_SESSION_BUDGET,
			    BUDGET / 2, 8));
	EXPECT_EQ(0, change(nl, &self->session, AGENTCG_A_SESSION_FLOOR,
			    16 * MB, 8));
	EXPECT_EQ(0, change(nl, &self->session, AGENTCG_A_SESSION_WEIGHT, 7, 4));
	EXPECT_EQ(0, change(nl, &self->session, AGENTCG_A_SESSION_MAX_CLASS,
			    AGENTCG_CLASS_BATCH, 4));
	msg_init(&msg, AGENTCG_CMD_SESSION_SET);
	msg_u32(&msg, AGENTCG_A_SESSION_FD, self->session.fd);
	intent_put(&msg, AGENTCG_A_SESSION_DEFAULTS, &defaults);
	EXPECT_EQ(0, nl_do(nl, &msg));

	ASSERT_EQ(0, session_get(nl, &self->session));
	EXPECT_EQ(BUDGET / 2, reply_figure(nl, AGENTCG_A_SESSION_BUDGET));
	EXPECT_EQ(16 * MB, reply_figure(nl, AGENTCG_A_SESSION_FLOOR));
	EXPECT_EQ(7, reply_figure(nl, AGENTCG_A_SESSION_WEIGHT));
	EXPECT_EQ(AGENTCG_CLASS_BATCH,
		  reply_figure(nl, AGENTCG_A_SESSION_MAX_CLASS));
	EXPECT_EQ(8 * MB, view_uint(view_nest(nl_reply(nl),
					      AGENTCG_A_SESSION_DEFAULTS),
				    AGENTCG_A_INTENT_MEM));
	EXPECT_EQ(7 * MS, view_uint(view_nest(nl_reply(nl),
					      AGENTCG_A_SESSION_DEFAULTS),
				    AGENTCG_A_INTENT_STALL));
	EXPECT_EQ(0, session_balances(nl, &self->session));
	/* The soft limit follows the budget, with some slack for the CPUs. */
	EXPECT_LE(BUDGET / 2, cg_read_u64(self->session.path, "memory.high"));
	EXPECT_GE(BUDGET / 2 + 16 * MB,
		  cg_read_u64(self->session.path, "memory.high"));
	/* Never ours to write. */
	EXPECT_EQ(UINT64_MAX, cg_read_u64(self->session.path, "memory.max"));
}

static int collect_id(const struct view attrs, void *const arg)
{
	uint64_t *const ids = arg;

	ids[1 + ids[0]++] = view_uint(attrs, AGENTCG_A_SESSION_ID);
	return 0;
}

TEST_F(session, remove)
{
	struct nl *const nl = &self->nl;
	const uint64_t before = info_figure(nl, AGENTCG_A_INFO_SESSIONS);
	uint64_t ids[8] = {};
	struct msg msg;

	ASSERT_EQ(0, add(nl, &self->session, BUDGET));
	EXPECT_EQ(before + 1, info_figure(nl, AGENTCG_A_INFO_SESSIONS));
	msg_init(&msg, AGENTCG_CMD_SESSION_GET);
	ASSERT_EQ(0, nl_dump(nl, &msg, collect_id, ids));
	EXPECT_EQ(1, ids[0]);
	EXPECT_EQ(self->session.id, ids[1]);
	EXPECT_EQ(0, session_del(nl, &self->session));
	EXPECT_EQ(self->session.id, reply_figure(nl, AGENTCG_A_SESSION_ID));
	EXPECT_EQ(-ENOENT, session_del(nl, &self->session));
	EXPECT_EQ(-ENOENT, session_get(nl, &self->session));
	EXPECT_EQ(before, info_figure(nl, AGENTCG_A_INFO_SESSIONS));
	/* And once more from the start. */
	EXPECT_EQ(0, add(nl, &self->session, BUDGET));
	EXPECT_EQ(-EEXIST, add(nl, &self->session, BUDGET));
}

TEST_F(session, overlap)
{
	struct session above, below, beside;
	struct nl *const nl = &self->nl;

	/* one/agent/.. stays as it is; one/two is a session inside. */
	ASSERT_EQ(0, add(nl, &self->session, BUDGET));
	ASSERT_EQ(0, session_make(&below, "one/two"));
	EXPECT_EQ(-EEXIST, add(nl, &below, BUDGET));
	EXPECT_TRUE(refused(nl, "overlap", AGENTCG_A_SESSION_FD));
	EXPECT_TRUE(says_number(nl, self->session.id));
	EXPECT_EQ(-EEXIST, add(nl, &self->session, BUDGET));
	ASSERT_EQ(0, session_del(nl, &self->session));

	ASSERT_EQ(0, add(nl, &below, BUDGET));
	above = self->session;
	EXPECT_EQ(-EEXIST, add(nl, &above, BUDGET));
	EXPECT_TRUE(refused(nl, "overlap", AGENTCG_A_SESSION_FD));
	EXPECT_TRUE(says_number(nl, below.id));
	ASSERT_EQ(0, session_start(nl, &beside, "beside", BUDGET));
}

TEST_F(session, inside_a_call)
{
	const struct intent intent = intent_of(8 * MB, 0, 0);
	struct nl *const nl = &self->nl;
	struct session inner;
	struct call call;

	ASSERT_EQ(0, add(nl, &self->session, BUDGET));
	ASSERT_EQ(0, call_start(nl, &self->session, &call, "call", &intent));
	ASSERT_EQ(0, cg_feed(call.path));
	ASSERT_EQ(0, session_make(&inner, "one/call/inner"));
	EXPECT_EQ(-EEXIST, add(nl, &inner, BUDGET));
	EXPECT_TRUE(refused(nl, "overlap", AGENTCG_A_SESSION_FD));
}

TEST_F(session, root_is_refused)
{
	struct session root = self->session;

	root.fd = cg_open(CG_ROOT);
	EXPECT_EQ(-EINVAL, add(&self->nl, &root, BUDGET));
	EXPECT_TRUE(refused(&self->nl, "root", AGENTCG_A_SESSION_FD));
}

TEST_F(session, without_memory_controller)
{
	char child[CG_PATH_MAX + 16];
	struct session bare;

	/* The children have it not. */
	ASSERT_EQ(0, cg_write(self->session.path, "cgroup.subtree_control",
			      "-memory"));
	EXPECT_EQ(-EOPNOTSUPP, add(&self->nl, &self->session, BUDGET));
	EXPECT_TRUE(refused(&self->nl, "memory", AGENTCG_A_SESSION_FD));
	/* The cgroup itself has it not. */
	snprintf(child, sizeof(child), "%s/x", self->session.agent);
	ASSERT_EQ(0, cg_make(child));
	bare = self->session;
	bare.fd = self->session.agent_fd;
	bare.agent_fd = cg_open(child);
	EXPECT_EQ(-EOPNOTSUPP, add(&self->nl, &bare, BUDGET));
	EXPECT_TRUE(refused(&self->nl, "memory", AGENTCG_A_SESSION_FD));
	EXPECT_EQ(0, info_figure(&self->nl, AGENTCG_A_INFO_SESSIONS));
}

TEST_F(session, agent_leaf_elsewhere)
{
	struct session other, wrong = self->session;
	char deeper[CG_PATH_MAX + 16];

	ASSERT_EQ(0, session_make(&other, "other"));
	wrong.agent_fd = other.agent_fd;
	EXPECT_EQ(-EINVAL, add(&self->nl, &wrong, BUDGET));
	EXPECT_TRUE(refused(&self->nl, "agent-fd", AGENTCG_A_SESSION_AGENT_FD));
	wrong.agent_fd = wrong.fd;
	EXPECT_EQ(-EINVAL, add(&self->nl, &wrong, BUDGET));
	snprintf(deeper, sizeof(deeper), "%s/deeper", self->session.agent);
	ASSERT_EQ(0, cg_make(deeper));
	wrong.agent_fd = cg_open(deeper);
	EXPECT_EQ(-EINVAL, add(&self->nl, &wrong, BUDGET));
	wrong.agent_fd = open("/tmp", O_RDONLY | O_DIRECTORY);
	EXPECT_EQ(-EBADF, add(&self->nl, &wrong, BUDGET));
}

TEST_F(session, budget)
{
	struct filler *const filler = shared_alloc(sizeof(*filler));
	struct nl *const nl = &self->nl;
	pid_t pid;

	EXPECT_EQ(-ERANGE, add(nl, &self->session, UINT64_MAX));
	EXPECT_TRUE(refused(nl, "budget", AGENTCG_A_SESSION_BUDGET));
	EXPECT_TRUE(says_number(nl, UINT64_MAX));
	EXPECT_TRUE(says_number(nl, 1ULL << 60));
	EXPECT_EQ(-ERANGE, add(nl, &self->session, (1ULL << 60) + 1));
	EXPECT_NE(0, add(nl, &self->session, 0));
	EXPECT_TRUE(refused(nl, "budget", AGENTCG_A_SESSION_BUDGET));

	*filler = (struct filler){ .total = 32 * MB, .stay = true };
	pid = cg_spawn(self->session.agent_fd, run_filler, filler);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, wait_for(&filler->ended, 1, 20000));
	EXPECT_EQ(-ENOSPC, add(nl, &self->session, 16 * MB));
	EXPECT_TRUE(refused(nl, "budget", AGENTCG_A_SESSION_BUDGET));
	EXPECT_TRUE(says_number(nl, 16 * MB));
	EXPECT_EQ(UINT64_MAX, cg_read_u64(self->session.path, "memory.high"));
	/* Not a multiple of a page: rounded up. */
	EXPECT_EQ(0, add(nl, &self->session, 64 * MB + 1));
	ASSERT_EQ(0, session_get(nl, &self->session));
	EXPECT_EQ(64 * MB + 4096, reply_figure(nl, AGENTCG_A_SESSION_BUDGET));
	EXPECT_LE(32 * MB, reply_figure(nl, AGENTCG_A_SESSION_AGENT_USAGE));
	EXPECT_EQ(-ENOSPC, change(nl, &self->session, AGENTCG_A_SESSION_BUDGET,
				  16 * MB, 8));
	EXPECT_TRUE(says_number(nl, 16 * MB));
	EXPECT_TRUE(refused(nl, "in use", AGENTCG_A_SESSION_BUDGET));
	EXPECT_EQ(0, session_balances(nl, &self->session));
	EXPECT_EQ(64 * MB + 4096, reply_figure(nl, AGENTCG_A_SESSION_BUDGET));
}

TEST_F(session, budget_below_reserved)
{
	const struct intent intent = intent_of(64 * MB, 0, 0);
	struct nl *const nl = &self->nl;
	struct call call;

	ASSERT_EQ(0, add(nl, &self->session, BUDGET));
	ASSERT_EQ(0, call_start(nl, &self->session, &call, "call", &intent));
	EXPECT_EQ(-ENOSPC, change(nl, &self->session, AGENTCG_A_SESSION_BUDGET,
				  32 * MB, 8));
	EXPECT_TRUE(says_number(nl, 64 * MB));
	EXPECT_TRUE(refused(nl, "reserved", AGENTCG_A_SESSION_BUDGET));
	EXPECT_EQ(0, change(nl, &self->session, AGENTCG_A_SESSION_BUDGET,
			    96 * MB, 8));
	EXPECT_EQ(0, session_balances(nl, &self->session));
}

TEST_F(session, floor)
{
	struct nl *const nl = &self->nl;
	const uint64_t capacity = node_figure(nl, AGENTCG_A_NODE_CAPACITY);
	/* Whole pages, which the capacity of a larger machine is not. */
	const uint64_t most = (capacity - 32 * MB) / 4096 * 4096;
	struct session second;
	struct msg msg;

	session_request(&msg, &self->session, BUDGET);
	msg_u64(&msg, AGENTCG_A_SESSION_FLOOR, 2 * BUDGET);
	EXPECT_EQ(-EINVAL, nl_do(nl, &msg));
	EXPECT_TRUE(refused(nl, "floor", AGENTCG_A_SESSION_FLOOR));
	session_request(&msg, &self->session, 2 * capacity);
	msg_u64(&msg, AGENTCG_A_SESSION_FLOOR, 2 * capacity);
	EXPECT_EQ(-ENOSPC, nl_do(nl, &msg));
	EXPECT_TRUE(refused(nl, "floor", AGENTCG_A_SESSION_FLOOR));
	EXPECT_TRUE(says_number(nl, capacity));
	session_request(&msg, &self->session, BUDGET);
	msg_u64(&msg, AGENTCG_A_SESSION_FLOOR, UINT64_MAX);
	EXPECT_EQ(-ERANGE, nl_do(nl, &msg));
	EXPECT_TRUE(refused(nl, "floor", AGENTCG_A_SESSION_FLOOR));
	EXPECT_EQ(0, node_figure(nl, AGENTCG_A_NODE_FLOORS));

	session_request(&msg, &self->session, capacity);
	msg_u64(&msg, AGENTCG_A_SESSION_FLOOR, most);
	ASSERT_EQ(0, nl_do(nl, &msg));
	EXPECT_EQ(most, node_figure(nl, AGENTCG_A_NODE_FLOORS));
	/* A budget below the floor that stays, a capacity below all floors. */
	EXPECT_EQ(-EINVAL, change(nl, &self->session, AGENTCG_A_SESSION_BUDGET,
				  BUDGET, 8));
	EXPECT_TRUE(refused(nl, "floor", AGENTCG_A_SESSION_BUDGET));
	msg_init(&msg, AGENTCG_CMD_NODE_SET);
	msg_u64(&msg, AGENTCG_A_NODE_RESERVE, 64 * MB);
	msg_u64(&msg, AGENTCG_A_NODE_CAPACITY, BUDGET);
	EXPECT_EQ(-ENOSPC, nl_do(nl, &msg));
	EXPECT_TRUE(refused(nl, "floors", AGENTCG_A_NODE_CAPACITY));
	EXPECT_EQ(capacity, node_figure(nl, AGENTCG_A_NODE_CAPACITY));
	EXPECT_NE(64 * MB, node_figure(nl, AGENTCG_A_NODE_RESERVE));
	ASSERT_EQ(0, session_make(&second, "second"));
	session_request(&msg, &second, BUDGET);
	msg_u64(&msg, AGENTCG_A_SESSION_FLOOR, 64 * MB);
	EXPECT_EQ(-ENOSPC, nl_do(nl, &msg));
	EXPECT_EQ(0, session_del(nl, &self->session));
	EXPECT_EQ(0, nl_do(nl, &msg));
	EXPECT_EQ(64 * MB, node_figure(nl, AGENTCG_A_NODE_FLOORS));
	EXPECT_EQ(0, session_del(nl, &second));
	EXPECT_EQ(0, node_figure(nl, AGENTCG_A_NODE_FLOORS));
	EXPECT_EQ(0, node_figure(nl, AGENTCG_A_NODE_BORROWED));
}

TEST_F(session, weight_and_class_out_of_range)
{
	static const struct {
		int attr;
		uint32_t value;
		int err;
	} cases[] = {
		{ AGENTCG_A_SESSION_WEIGHT, 0, -ERANGE },
		{ AGENTCG_A_SESSION_WEIGHT, 10001, -ERANGE },
		{ AGENTCG_A_SESSION_WEIGHT, UINT32_MAX, -ERANGE },
		{ AGENTCG_A_SESSION_MAX_CLASS, 4, -ERANGE },
		{ AGENTCG_A_SESSION_WEIGHT, 1, 0 },
		{ AGENTCG_A_SESSION_WEIGHT, 10000, 0 },
		{ AGENTCG_A_SESSION_MAX_CLASS, 3, 0 },
	};
	struct nl *const nl = &self->nl;
	unsigned int i;

	ASSERT_EQ(0, add(nl, &self->session, BUDGET));
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		EXPECT_EQ(cases[i].err, change(nl, &self->session, cases[i].attr,
					       cases[i].value, 4)) {
			TH_LOG("case %u", i);
		}
	}
	ASSERT_EQ(0, session_get(nl, &self->session));
	EXPECT_EQ(10000, reply_figure(nl, AGENTCG_A_SESSION_WEIGHT));
	EXPECT_EQ(3, reply_figure(nl, AGENTCG_A_SESSION_MAX_CLASS));
}

TEST_F(session, high_is_given_back)
{
	/* A multiple of the page size, and nothing that we would write. */
	const uint64_t found = 123 * 4096 * 100ULL, call_found = 77 * 4096;
	const struct intent intent = intent_of(8 * MB, 0, 0);
	struct nl *const nl = &self->nl;
	struct call call, second;

	ASSERT_EQ(0, cg_write_u64(self->session.path, "memory.high", found));
	ASSERT_EQ(0, add(nl, &self->session, BUDGET));
	EXPECT_NE(found, cg_read_u64(self->session.path, "memory.high"));
	ASSERT_EQ(0, call_make(&self->session, &call, "call"));
	ASSERT_EQ(0, cg_write_u64(call.path, "memory.high", call_found));
	ASSERT_EQ(0, call_set(nl, &call, &intent));
	EXPECT_EQ(8 * MB, cg_read_u64(call.path, "memory.high"));
	ASSERT_EQ(0, call_start(nl, &self->session, &second, "second", &intent));

	ASSERT_EQ(0, session_del(nl, &self->session));
	EXPECT_EQ(found, reply_figure(nl, AGENTCG_A_SESSION_RESTORED_HIGH));
	EXPECT_EQ(found, cg_read_u64(self->session.path, "memory.high"));
	EXPECT_EQ(call_found, cg_read_u64(call.path, "memory.high"));
	EXPECT_EQ(UINT64_MAX, cg_read_u64(second.path, "memory.high"));
	EXPECT_EQ(UINT64_MAX, cg_read_u64(self->session.agent, "memory.high"));
	/* The calls run on unmanaged. */
	EXPECT_EQ(-ENOENT, call_get(nl, &call));

	ASSERT_EQ(0, cg_write(self->session.path, "memory.high", "max"));
	ASSERT_EQ(0, add(nl, &self->session, BUDGET));
	ASSERT_EQ(0, session_del(nl, &self->session));
	EXPECT_EQ(UINT64_MAX, reply_figure(nl, AGENTCG_A_SESSION_RESTORED_HIGH));
	EXPECT_EQ(UINT64_MAX, cg_read_u64(self->session.path, "memory.high"));
}

TEST_F(session, ends_with_its_cgroup)
{
	struct nl *const nl = &self->nl;
	int i;

	ASSERT_EQ(0, add(nl, &self->session, BUDGET));
	ASSERT_EQ(0, cg_remove(self->session.path));
	for (i = 0; i < 100 && !session_get(nl, &self->session); i++)
		usleep(20000);
	EXPECT_EQ(-ENOENT, session_get(nl, &self->session));
	EXPECT_EQ(0, info_figure(nl, AGENTCG_A_INFO_SESSIONS));
	EXPECT_EQ(0, node_figure(nl, AGENTCG_A_NODE_BORROWED));
	/* The same name is another cgroup. */
	ASSERT_EQ(0, session_make(&self->session, "one"));
	EXPECT_EQ(0, add(nl, &self->session, BUDGET));
}

TEST_F(session, survives_its_agent_leaf)
{
	const struct intent intent = intent_of(8 * MB, 0, 0);
	struct nl *const nl = &self->nl;
	struct call call;

	ASSERT_EQ(0, add(nl, &self->session, BUDGET));
	ASSERT_EQ(0, cg_remove(self->session.agent));
	ASSERT_EQ(0, session_balances(nl, &self->session));
	EXPECT_FALSE(view_has(nl_reply(nl), AGENTCG_A_SESSION_AGENT_ID));
	EXPECT_EQ(0, call_start(nl, &self->session, &call, "call", &intent));
	EXPECT_EQ(0, session_del(nl, &self->session));
}

TEST_F_TIMEOUT(session, many, 120)
{
	static uint64_t ids[MANY + 8];
	static struct session many[MANY];
	const int count = slow() > 1 ? MANY / 4 : MANY;
	struct nl *const nl = &self->nl;
	char name[16];
	struct msg msg;
	int i;

	for (i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		ASSERT_EQ(0, session_start(nl, &many[i], name, 4 * MB)) {
			TH_LOG("session %d: %s", i, nl->text);
		}
	}
	EXPECT_EQ(count, info_figure(nl, AGENTCG_A_INFO_SESSIONS));
	msg_init(&msg, AGENTCG_CMD_SESSION_GET);
	EXPECT_EQ(0, nl_dump(nl, &msg, collect_id, ids));
	EXPECT_EQ(count, ids[0]);
	for (i = 1; i < count; i++)
		EXPECT_LT(ids[i], ids[i + 1]);
	for (i = 0; i < count; i++)
		EXPECT_EQ(0, session_del(nl, &many[i]));
	EXPECT_EQ(0, info_figure(nl, AGENTCG_A_INFO_SESSIONS));
	EXPECT_EQ(0, node_figure(nl, AGENTCG_A_NODE_BORROWED));
}

TEST_HARNESS_MAIN
