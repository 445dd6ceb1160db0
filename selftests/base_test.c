// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interface itself: what a request may be made of, what is refused, how
 * it is told, to whom.  And that the machine's cgroup mount stays as it is.
 */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "kselftest_harness.h"

#include "fixture.h"

#define BUDGET	(256 * MB)
#define NOBODY	65534
#define V1	"/tmp/agentcg-v1"

FIXTURE(abi) {
	struct nl nl;
	struct session session;
	struct call call;
};

FIXTURE_SETUP(abi)
{
	const struct intent intent = intent_of(32 * MB, 32 * MB, 0);

	ASSERT_EQ(0, setup(&self->nl));
	ASSERT_EQ(0, session_start(&self->nl, &self->session, "abi", BUDGET)) {
		TH_LOG("%s", self->nl.text);
	}
	ASSERT_EQ(0, call_start(&self->nl, &self->session, &self->call, "call",
				&intent));
}

FIXTURE_TEARDOWN(abi)
{
	teardown(&self->nl);
}

TEST_F(abi, info_tells_everything)
{
	struct msg msg;
	int attr;

	msg_init(&msg, AGENTCG_CMD_INFO_GET);
	ASSERT_EQ(0, nl_do(&self->nl, &msg));
	for (attr = 1; attr <= AGENTCG_A_INFO_MAX; attr++)
		EXPECT_TRUE(view_has(nl_reply(&self->nl), attr)) {
			TH_LOG("attribute %d is missing", attr);
		}
	EXPECT_NE('\0', view_string(nl_reply(&self->nl),
				    AGENTCG_A_INFO_VERSION)[0]);
	EXPECT_LE(1, reply_figure(&self->nl, AGENTCG_A_INFO_ABI));
	EXPECT_EQ(0, reply_figure(&self->nl, AGENTCG_A_INFO_FAIL_OPEN));
	EXPECT_EQ(1, reply_figure(&self->nl, AGENTCG_A_INFO_SESSIONS));
	EXPECT_EQ(1, reply_figure(&self->nl, AGENTCG_A_INFO_TOOLS));
	EXPECT_EQ(AGENTCG_CAPABILITY_HOOK | AGENTCG_CAPABILITY_LIFECYCLE |
		  AGENTCG_CAPABILITY_RECLAIM_WATCH,
		  reply_figure(&self->nl, AGENTCG_A_INFO_CAPABILITIES) &
		  (AGENTCG_CAPABILITY_HOOK | AGENTCG_CAPABILITY_LIFECYCLE |
		   AGENTCG_CAPABILITY_RECLAIM_WATCH));
}

TEST_F(abi, node_account)
{
	struct msg msg;
	uint64_t capacity;

	msg_init(&msg, AGENTCG_CMD_NODE_GET);
	ASSERT_EQ(0, nl_do(&self->nl, &msg));
	capacity = reply_figure(&self->nl, AGENTCG_A_NODE_CAPACITY);
	EXPECT_LT(0, capacity);
	EXPECT_EQ(capacity + reply_figure(&self->nl, AGENTCG_A_NODE_OVERDRAFT),
		  reply_figure(&self->nl, AGENTCG_A_NODE_FREE) +
		  reply_figure(&self->nl, AGENTCG_A_NODE_FLOORS) +
		  reply_figure(&self->nl, AGENTCG_A_NODE_BORROWED));

	msg_init(&msg, AGENTCG_CMD_NODE_SET);
	EXPECT_EQ(-EINVAL, nl_do(&self->nl, &msg));
	EXPECT_TRUE(says(&self->nl, "capacity"));
	msg_u64(&msg, AGENTCG_A_NODE_CAPACITY, 1ULL << 60);
	EXPECT_EQ(-ERANGE, nl_do(&self->nl, &msg));
	EXPECT_TRUE(says(&self->nl, "capacity"));
	EXPECT_EQ(AGENTCG_A_NODE_CAPACITY, self->nl.blamed);
	msg_init(&msg, AGENTCG_CMD_NODE_SET);
	msg_u64(&msg, AGENTCG_A_NODE_CAPACITY, 512 * MB);
	msg_u64(&msg, AGENTCG_A_NODE_RESERVE, UINT64_MAX);
	EXPECT_EQ(-ERANGE, nl_do(&self->nl, &msg));
	EXPECT_TRUE(says(&self->nl, "reserve"));
	EXPECT_TRUE(says_number(&self->nl, UINT64_MAX));
	EXPECT_EQ(AGENTCG_A_NODE_RESERVE, self->nl.blamed);
	/* Nothing of a refused request is done. */
	msg_init(&msg, AGENTCG_CMD_NODE_GET);
	ASSERT_EQ(0, nl_do(&self->nl, &msg));
	EXPECT_EQ(capacity, reply_figure(&self->nl, AGENTCG_A_NODE_CAPACITY));

	msg_init(&msg, AGENTCG_CMD_NODE_SET);
	msg_u64(&msg, AGENTCG_A_NODE_CAPACITY, 512 * MB);
	EXPECT_EQ(0, nl_do(&self->nl, &msg));
	msg_init(&msg, AGENTCG_CMD_NODE_GET);
	ASSERT_EQ(0, nl_do(&self->nl, &msg));
	EXPECT_EQ(512 * MB, reply_figure(&self->nl, AGENTCG_A_NODE_CAPACITY));
	msg_init(&msg, AGENTCG_CMD_NODE_SET);
	msg_u64(&msg, AGENTCG_A_NODE_CAPACITY, 0);
	EXPECT_EQ(0, nl_do(&self->nl, &msg));
	msg_init(&msg, AGENTCG_CMD_NODE_GET);
	ASSERT_EQ(0, nl_do(&self->nl, &msg));
	EXPECT_EQ(capacity, reply_figure(&self->nl, AGENTCG_A_NODE_CAPACITY));
}

/* What each command takes: the attribute and the size of its value. */
static const struct {
	uint8_t cmd;
	uint8_t attr;
	uint8_t size;
} accepted[] = {
	{ AGENTCG_CMD_NODE_SET, AGENTCG_A_NODE_CAPACITY, 8 },
	{ AGENTCG_CMD_NODE_SET, AGENTCG_A_NODE_RESERVE, 8 },
	{ AGENTCG_CMD_SESSION_ADD, AGENTCG_A_SESSION_FD, 4 },
	{ AGENTCG_CMD_SESSION_ADD, AGENTCG_A_SESSION_AGENT_FD, 4 },
	{ AGENTCG_CMD_SESSION_ADD, AGENTCG_A_SESSION_BUDGET, 8 },
	{ AGENTCG_CMD_SESSION_ADD, AGENTCG_A_SESSION_FLOOR, 8 },
	{ AGENTCG_CMD_SESSION_ADD, AGENTCG_A_SESSION_WEIGHT, 4 },
	{ AGENTCG_CMD_SESSION_ADD, AGENTCG_A_SESSION_MAX_CLASS, 4 },
	{ AGENTCG_CMD_SESSION_ADD, AGENTCG_A_SESSION_MAX_HOLD, 8 },
	{ AGENTCG_CMD_SESSION_ADD, AGENTCG_A_SESSION_JITTER, 8 },
	{ AGENTCG_CMD_SESSION_SET, AGENTCG_A_SESSION_ID, 8 },
	{ AGENTCG_CMD_SESSION_SET, AGENTCG_A_SESSION_FD, 4 },
	{ AGENTCG_CMD_SESSION_SET, AGENTCG_A_SESSION_BUDGET, 8 },
	{ AGENTCG_CMD_SESSION_SET, AGENTCG_A_SESSION_FLOOR, 8 },
	{ AGENTCG_CMD_SESSION_SET, AGENTCG_A_SESSION_WEIGHT, 4 },
	{ AGENTCG_CMD_SESSION_SET, AGENTCG_A_SESSION_MAX_CLASS, 4 },
	{ AGENTCG_CMD_SESSION_SET, AGENTCG_A_SESSION_MAX_HOLD, 8 },
	{ AGENTCG_CMD_SESSION_SET, AGENTCG_A_SESSION_JITTER, 8 },
	{ AGENTCG_CMD_SESSION_DEL, AGENTCG_A_SESSION_ID, 8 },
	{ AGENTCG_CMD_SESSION_DEL, AGENTCG_A_SESSION_FD, 4 },
	{ AGENTCG_CMD_SESSION_GET, AGENTCG_A_SESSION_ID, 8 },
	{ AGENTCG_CMD_SESSION_GET, AGENTCG_A_SESSION_FD, 4 },
	{ AGENTCG_CMD_TOOL_SET, AGENTCG_A_TOOL_FD, 4 },
	{ AGENTCG_CMD_TOOL_GET, AGENTCG_A_TOOL_ID, 8 },
	{ AGENTCG_CMD_TOOL_GET, AGENTCG_A_TOOL_FD, 4 },
	{ AGENTCG_CMD_TOOL_KILL, AGENTCG_A_TOOL_ID, 8 },
	{ AGENTCG_CMD_TOOL_KILL, AGENTCG_A_TOOL_FD, 4 },
	{ AGENTCG_CMD_TOOL_FREEZE, AGENTCG_A_TOOL_ID, 8 },
	{ AGENTCG_CMD_TOOL_FREEZE, AGENTCG_A_TOOL_FD, 4 },
	{ AGENTCG_CMD_TOOL_THAW, AGENTCG_A_TOOL_ID, 8 },
	{ AGENTCG_CMD_TOOL_THAW, AGENTCG_A_TOOL_FD, 4 },
	{ AGENTCG_CMD_RECEIPT_GET, AGENTCG_A_TOOL_ID, 8 },
};

static const unsigned char zeros[16];
/* A value that every attribute may have. */
static const unsigned char one[16] = { 1 };

/* Refused as malformed, with the attribute and with words. */
static bool refused_at(struct nl *const nl, struct msg *const msg,
		       const uint32_t at)
{
	const int err = nl_do(nl, msg);

	if ((err == -EINVAL || err == -ERANGE) && nl->bad == at && nl->text[0])
		return true;
	fprintf(stderr, "# error %d, attribute at %u (%u expected): '%s'\n",
		err, nl->bad, at, nl->text);
	return false;
}

TEST_F(abi, wrong_length)
{
	struct msg msg;
	uint32_t at;
	size_t i;
	int diff;

	for (i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
		for (diff = -1; diff <= 1; diff += 2) {
			msg_init(&msg, accepted[i].cmd);
			at = msg_put(&msg, accepted[i].attr, zeros,
				     accepted[i].size + diff);
			EXPECT_TRUE(refused_at(&self->nl, &msg, at)) {
				TH_LOG("command %d attribute %d length %+d",
				       accepted[i].cmd, accepted[i].attr, diff);
			}
		}
		msg_init(&msg, accepted[i].cmd);
		at = msg_put(&msg, accepted[i].attr, NULL, 0);
		EXPECT_TRUE(refused_at(&self->nl, &msg, at)) {
			TH_LOG("command %d attribute %d empty", accepted[i].cmd,
			       accepted[i].attr);
		}
	}
	EXPECT_EQ(0, session_balances(&self->nl, &self->session));
}

TEST_F(abi, unknown_attribute)
{
	static const int types[] = { 60, 4000 };
	struct msg msg;
	uint32_t at;
	size_t i;
	int cmd;

	for (cmd = AGENTCG_CMD_INFO_GET; cmd < AGENTCG_CMD_EVENT; cmd++) {
		for (i = 0; i < 2; i++) {
			msg_init(&msg, cmd);
			at = msg_put(&msg, types[i], zeros, 8);
			EXPECT_TRUE(refused_at(&self->nl, &msg, at)) {
				TH_LOG("command %d attribute %d", cmd, types[i]);
			}
		}
	}
	/* Known, but nothing to ask for: figures that only replies have. */
	msg_init(&msg, AGENTCG_CMD_SESSION_SET);
	at = msg_u64(&msg, AGENTCG_A_SESSION_AGENT_ID, 1);
	EXPECT_TRUE(refused_at(&self->nl, &msg, at));
	msg_init(&msg, AGENTCG_CMD_TOOL_SET);
	at = msg_u64(&msg, AGENTCG_A_TOOL_SESSION_ID, 1);
	EXPECT_TRUE(refused_at(&self->nl, &msg, at));
}

TEST_F(abi, unknown_command)
{
	struct msg msg;

	msg_init(&msg, AGENTCG_CMD_MAX + 1);
	EXPECT_EQ(-EOPNOTSUPP, nl_do(&self->nl, &msg));
	msg_init(&msg, AGENTCG_CMD_EVENT);
	EXPECT_EQ(-EOPNOTSUPP, nl_do(&self->nl, &msg));
	msg_init(&msg, 0);
	EXPECT_EQ(-EOPNOTSUPP, nl_do(&self->nl, &msg));
	/* Not to be listed. */
	msg_init(&msg, AGENTCG_CMD_INFO_GET);
	EXPECT_EQ(-EOPNOTSUPP, nl_dump(&self->nl, &msg, NULL, NULL));
}

TEST_F(abi, duplicate_attribute)
{
	struct msg msg;
	uint32_t at;
	size_t i;

	for (i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
		msg_init(&msg, accepted[i].cmd);
		msg_put(&msg, accepted[i].attr, one, accepted[i].size);
		at = msg_put(&msg, accepted[i].attr, one, accepted[i].size);
		EXPECT_TRUE(refused_at(&self->nl, &msg, at));
		EXPECT_TRUE(says(&self->nl, "twice")) {
			TH_LOG("command %d attribute %d: '%s'", accepted[i].cmd,
			       accepted[i].attr, self->nl.text);
		}
	}
}

static void begin_intent(struct msg *const msg, const struct call *const call,
			 uint32_t *const nest)
{
	msg_init(msg, AGENTCG_CMD_TOOL_SET);
	msg_u32(msg, AGENTCG_A_TOOL_FD, call->fd);
	*nest = msg_nest(msg, AGENTCG_A_TOOL_INTENT);
}

/* An attribute inside the intent, its size and what is right for it. */
static const struct {
	uint8_t attr;
	uint8_t size;
} intent_attrs[] = {
	{ AGENTCG_A_INTENT_MEM, 8 },
	{ AGENTCG_A_INTENT_BURST, 8 },
	{ AGENTCG_A_INTENT_CLASS, 4 },
	{ AGENTCG_A_INTENT_WEIGHT, 4 },
	{ AGENTCG_A_INTENT_STALL, 8 },
	{ AGENTCG_A_INTENT_ON_EXHAUST, 4 },
	{ AGENTCG_A_INTENT_RESTARTABLE, 1 },
	{ AGENTCG_A_INTENT_DEADLINE, 8 },
	{ AGENTCG_A_INTENT_PIDS, 4 },
};

TEST_F(abi, intent_malformed)
{
	uint32_t nest, at;
	struct msg msg;
	size_t i;
	int diff;

	for (i = 0; i < sizeof(intent_attrs) / sizeof(intent_attrs[0]); i++) {
		for (diff = -1; diff <= 1; diff += 2) {
			begin_intent(&msg, &self->call, &nest);
			at = msg_put(&msg, intent_attrs[i].attr, zeros,
				     intent_attrs[i].size + diff);
			msg_nest_end(&msg, nest);
			EXPECT_TRUE(refused_at(&self->nl, &msg, at)) {
				TH_LOG("attribute %d length %+d",
				       intent_attrs[i].attr, diff);
			}
		}
	}
	begin_intent(&msg, &self->call, &nest);
	msg_u64(&msg, AGENTCG_A_INTENT_MEM, MB);
	at = msg_u64(&msg, AGENTCG_A_INTENT_MEM, 2 * MB);
	msg_nest_end(&msg, nest);
	EXPECT_TRUE(refused_at(&self->nl, &msg, at));
	EXPECT_TRUE(says(&self->nl, "twice"));

	begin_intent(&msg, &self->call, &nest);
	at = msg_u64(&msg, 60, 1);
	msg_nest_end(&msg, nest);
	EXPECT_TRUE(refused_at(&self->nl, &msg, at));
	/* 32 MB as before all this. */
	ASSERT_EQ(0, call_get(&self->nl, &self->call));
	EXPECT_EQ(32 * MB, view_uint(view_nest(nl_reply(&self->nl),
					       AGENTCG_A_TOOL_LIMITS),
				     AGENTCG_A_INTENT_MEM));
}

TEST_F(abi, intent_nested_wrong)
{
	static const unsigned char garbage[] = { 1, 0, 99, 0, 7 };
	uint32_t nest, at;
	struct msg msg;

	/* The flag is missing. */
	msg_init(&msg, AGENTCG_CMD_TOOL_SET);
	msg_u32(&msg, AGENTCG_A_TOOL_FD, self->call.fd);
	at = msg_put(&msg, AGENTCG_A_TOOL_INTENT, zeros, 0);
	EXPECT_TRUE(refused_at(&self->nl, &msg, at));
	/* Bytes that are no attributes. */
	msg_init(&msg, AGENTCG_CMD_TOOL_SET);
	msg_u32(&msg, AGENTCG_A_TOOL_FD, self->call.fd);
	msg_put(&msg, AGENTCG_A_TOOL_INTENT | NLA_F_NESTED, garbage,
		sizeof(garbage));
	EXPECT_EQ(-EINVAL, nl_do(&self->nl, &msg));
	EXPECT_NE('\0', self->nl.text[0]);
	/* A number where a nest belongs, a nest where a number belongs. */
	msg_init(&msg, AGENTCG_CMD_TOOL_SET);
	msg_u32(&msg, AGENTCG_A_TOOL_FD, self->call.fd);
	at = msg_u64(&msg, AGENTCG_A_TOOL_INTENT, 1);
	EXPECT_TRUE(refused_at(&self->nl, &msg, at));
	begin_intent(&msg, &self->call, &nest);
	at = msg_nest(&msg, AGENTCG_A_INTENT_MEM);
	msg_u64(&msg, AGENTCG_A_INTENT_MEM, MB);
	msg_nest_end(&msg, at);
	msg_nest_end(&msg, nest);
	EXPECT_EQ(-EINVAL, nl_do(&self->nl, &msg));
	EXPECT_NE('\0', self->nl.text[0]);
	/* The defaults of a session are an intent too. */
	msg_init(&msg, AGENTCG_CMD_SESSION_SET);
	msg_u64(&msg, AGENTCG_A_SESSION_ID, self->session.id);
	at = msg_u64(&msg, AGENTCG_A_SESSION_DEFAULTS, 1);
	EXPECT_TRUE(refused_at(&self->nl, &msg, at));
	msg_init(&msg, AGENTCG_CMD_SESSION_SET);
	msg_u64(&msg, AGENTCG_A_SESSION_ID, self->session.id);
	nest = msg_nest(&msg, AGENTCG_A_SESSION_DEFAULTS);
	at = msg_u32(&msg, AGENTCG_A_INTENT_MEM, 1);
	msg_nest_end(&msg, nest);
	EXPECT_TRUE(refused_at(&self->nl, &msg, at));
	/* An empty one declares nothing and is right. */
	begin_intent(&msg, &self->call, &nest);
	msg_nest_end(&msg, nest);
	EXPECT_EQ(0, nl_do(&self->nl, &msg));
}

TEST_F(abi, intent_values)
{
	static const struct {
		int attr;
		int size;
		uint64_t value;
		int err;
		const char *text;
	} cases[] = {
		{ AGENTCG_A_INTENT_MEM, 8, UINT64_MAX, -ERANGE, "mem" },
		{ AGENTCG_A_INTENT_MEM, 8, (1ULL << 60) + 1, -ERANGE, "mem" },
		{ AGENTCG_A_INTENT_MEM, 8, 1ULL << 60, -ENOSPC, "mem" },
		/* All ones is "as much as there is", and allowed. */
		{ AGENTCG_A_INTENT_BURST, 8, UINT64_MAX - 1, -ERANGE, "burst" },
		{ AGENTCG_A_INTENT_STALL, 8, UINT64_MAX, -ERANGE, "stall" },
		{ AGENTCG_A_INTENT_STALL, 8, (uint64_t)INT64_MAX / 2 + 1,
		  -ERANGE, "stall" },
		{ AGENTCG_A_INTENT_CLASS, 4, 4, -ERANGE, "" },
		{ AGENTCG_A_INTENT_WEIGHT, 4, 0, -ERANGE, "" },
		{ AGENTCG_A_INTENT_WEIGHT, 4, 10001, -ERANGE, "" },
		{ AGENTCG_A_INTENT_ON_EXHAUST, 4, 4, -ERANGE, "" },
		{ AGENTCG_A_INTENT_RESTARTABLE, 1, 2, -ERANGE, "" },
		{ AGENTCG_A_INTENT_DEADLINE, 8, 0, -ERANGE, "deadline" },
		/* All ones is none, and allowed. */
		{ AGENTCG_A_INTENT_DEADLINE, 8, UINT64_MAX - 1, -ERANGE,
		  "deadline" },
		{ AGENTCG_A_INTENT_WARN_BEFORE, 8, UINT64_MAX, -ERANGE,
		  "warn-before" },
		{ AGENTCG_A_INTENT_SURVIVORS, 4, 2, -ERANGE, "" },
		{ AGENTCG_A_INTENT_PIDS, 4, 1, -EOPNOTSUPP, "pids" },
		{ AGENTCG_A_INTENT_CONFLICT, 1, 0, -EINVAL, "conflict names nothing" },
	};
	uint32_t nest, at;
	struct msg msg;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin_intent(&msg, &self->call, &nest);
		at = msg_put(&msg, cases[i].attr, &cases[i].value,
			     cases[i].size);
		msg_nest_end(&msg, nest);
		EXPECT_EQ(cases[i].err, nl_do(&self->nl, &msg)) {
			TH_LOG("attribute %d", cases[i].attr);
		}
		EXPECT_TRUE(says(&self->nl, cases[i].text)) {
			TH_LOG("attribute %d: '%s'", cases[i].attr,
			       self->nl.text);
		}
		EXPECT_EQ(at, self->nl.bad) {
			TH_LOG("attribute %d", cases[i].attr);
		}
	}
	EXPECT_EQ(0, session_balances(&self->nl, &self->session));
}

TEST_F(abi, strings)
{
	char text[AGENTCG_TAG_MAX + 2];
	uint32_t nest, at;
	struct msg msg;
	int i;

	memset(text, 'x', sizeof(text));
	begin_intent(&msg, &self->call, &nest);
	at = msg_put(&msg, AGENTCG_A_INTENT_LABEL, text, AGENTCG_LABEL_MAX + 1);
	msg_nest_end(&msg, nest);
	EXPECT_TRUE(refused_at(&self->nl, &msg, at));
	begin_intent(&msg, &self->call, &nest);
	at = msg_put(&msg, AGENTCG_A_INTENT_TAG, text, sizeof(text));
	msg_nest_end(&msg, nest);
	EXPECT_TRUE(refused_at(&self->nl, &msg, at));

	begin_intent(&msg, &self->call, &nest);
	for (i = 0; i <= AGENTCG_TAGS_MAX; i++)
		msg_string(&msg, AGENTCG_A_INTENT_TAG, "k=v");
	msg_nest_end(&msg, nest);
	EXPECT_EQ(-E2BIG, nl_do(&self->nl, &msg));
	EXPECT_TRUE(says(&self->nl, "tag"));
	EXPECT_EQ(AGENTCG_A_INTENT_TAG, self->nl.blamed);

	text[AGENTCG_LABEL_MAX] = '\0';
	begin_intent(&msg, &self->call, &nest);
	msg_string(&msg, AGENTCG_A_INTENT_LABEL, text);
	for (i = 0; i < AGENTCG_TAGS_MAX; i++)
		msg_string(&msg, AGENTCG_A_INTENT_TAG, i ? "k=v" : "first=1");
	msg_nest_end(&msg, nest);
	EXPECT_EQ(0, nl_do(&self->nl, &msg));
	ASSERT_EQ(0, call_get(&self->nl, &self->call));
	EXPECT_STREQ(text, view_string(view_nest(nl_reply(&self->nl),
						 AGENTCG_A_TOOL_INTENT),
				       AGENTCG_A_INTENT_LABEL));
	EXPECT_EQ(AGENTCG_TAGS_MAX,
		  view_count(view_nest(nl_reply(&self->nl),
				       AGENTCG_A_TOOL_INTENT),
			     AGENTCG_A_INTENT_TAG));
	EXPECT_STREQ("first=1", view_string(view_nest(nl_reply(&self->nl),
						      AGENTCG_A_TOOL_INTENT),
					    AGENTCG_A_INTENT_TAG));
}

TEST_F(abi, missing_attribute)
{
	static const int commands[] = {
		AGENTCG_CMD_NODE_SET, AGENTCG_CMD_SESSION_ADD,
		AGENTCG_CMD_SESSION_SET, AGENTCG_CMD_SESSION_DEL,
		AGENTCG_CMD_TOOL_SET, AGENTCG_CMD_TOOL_GET,
		AGENTCG_CMD_TOOL_KILL, AGENTCG_CMD_RECEIPT_GET,
		AGENTCG_CMD_TOOL_FREEZE, AGENTCG_CMD_TOOL_THAW,
	};
	struct session other;
	struct msg msg;
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		msg_init(&msg, commands[i]);
		EXPECT_EQ(-EINVAL, nl_do(&self->nl, &msg));
		EXPECT_NE('\0', self->nl.text[0]) {
			TH_LOG("command %d", commands[i]);
		}
	}
	/* We run in no session. */
	msg_init(&msg, AGENTCG_CMD_SESSION_GET);
	EXPECT_EQ(-ENOENT, nl_do(&self->nl, &msg));
	EXPECT_TRUE(says(&self->nl, "session"));

	ASSERT_EQ(0, session_make(&other, "other"));
	msg_init(&msg, AGENTCG_CMD_SESSION_ADD);
	msg_u32(&msg, AGENTCG_A_SESSION_FD, other.fd);
	msg_u32(&msg, AGENTCG_A_SESSION_AGENT_FD, other.agent_fd);
	EXPECT_EQ(-EINVAL, nl_do(&self->nl, &msg));
	EXPECT_TRUE(says(&self->nl, "budget"));
	EXPECT_EQ(AGENTCG_A_SESSION_BUDGET, self->nl.missing);
	msg_init(&msg, AGENTCG_CMD_SESSION_ADD);
	msg_u32(&msg, AGENTCG_A_SESSION_FD, other.fd);
	msg_u64(&msg, AGENTCG_A_SESSION_BUDGET, BUDGET);
	EXPECT_EQ(-EINVAL, nl_do(&self->nl, &msg));
	EXPECT_TRUE(says(&self->nl, "agent-fd"));
	EXPECT_EQ(AGENTCG_A_SESSION_AGENT_FD, self->nl.missing);
}

TEST_F(abi, id_and_fd)
{
	struct msg msg;

	msg_init(&msg, AGENTCG_CMD_SESSION_GET);
	msg_u64(&msg, AGENTCG_A_SESSION_ID, self->session.id);
	msg_u32(&msg, AGENTCG_A_SESSION_FD, self->session.fd);
	EXPECT_EQ(-EINVAL, nl_do(&self->nl, &msg));
	EXPECT_TRUE(says(&self->nl, "not both"));
	msg_init(&msg, AGENTCG_CMD_TOOL_GET);
	msg_u64(&msg, AGENTCG_A_TOOL_ID, self->call.id);
	msg_u32(&msg, AGENTCG_A_TOOL_FD, self->call.fd);
	EXPECT_EQ(-EINVAL, nl_do(&self->nl, &msg));
	EXPECT_TRUE(says(&self->nl, "not both"));
	/* Each alone does. */
	msg_init(&msg, AGENTCG_CMD_SESSION_GET);
	msg_u32(&msg, AGENTCG_A_SESSION_FD, self->session.fd);
	EXPECT_EQ(0, nl_do(&self->nl, &msg));
	msg_init(&msg, AGENTCG_CMD_TOOL_GET);
	msg_u32(&msg, AGENTCG_A_TOOL_FD, self->call.fd);
	EXPECT_EQ(0, nl_do(&self->nl, &msg));
	EXPECT_EQ(self->call.id, reply_figure(&self->nl, AGENTCG_A_TOOL_ID));
}

TEST_F(abi, wrong_id)
{
	static const struct {
		int cmd;
		int attr;
	} commands[] = {
		{ AGENTCG_CMD_SESSION_SET, AGENTCG_A_SESSION_ID },
		{ AGENTCG_CMD_SESSION_DEL, AGENTCG_A_SESSION_ID },
		{ AGENTCG_CMD_SESSION_GET, AGENTCG_A_SESSION_ID },
		{ AGENTCG_CMD_TOOL_GET, AGENTCG_A_TOOL_ID },
		{ AGENTCG_CMD_TOOL_KILL, AGENTCG_A_TOOL_ID },
		{ AGENTCG_CMD_TOOL_FREEZE, AGENTCG_A_TOOL_ID },
		{ AGENTCG_CMD_TOOL_THAW, AGENTCG_A_TOOL_ID },
		{ AGENTCG_CMD_RECEIPT_GET, AGENTCG_A_TOOL_ID },
	};
	uint64_t ids[] = { 0, 1, UINT64_MAX, 0, 0, 0 };
	struct session plain;
	struct msg msg;
	size_t i, k;

	/* Not managed, removed, and the agent leaf, which is neither. */
	ASSERT_EQ(0, session_make(&plain, "plain"));
	ids[3] = plain.id;
	ids[4] = cg_id(plain.agent);
	ASSERT_EQ(0, cg_remove(plain.agent));
	ids[5] = cg_id(self->session.agent);
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		for (k = 0; k < sizeof(ids) / sizeof(ids[0]); k++) {
			msg_init(&msg, commands[i].cmd);
			msg_u64(&msg, commands[i].attr, ids[k]);
			EXPECT_EQ(-ENOENT, nl_do(&self->nl, &msg)) {
				TH_LOG("command %d id %llu", commands[i].cmd,
				       (unsigned long long)ids[k]);
			}
			EXPECT_NE('\0', self->nl.text[0]);
			EXPECT_EQ(commands[i].attr, self->nl.blamed);
		}
		/* A call is no session and a session is no call. */
		msg_init(&msg, commands[i].cmd);
		msg_u64(&msg, commands[i].attr, i < 3 ? self->call.id :
							self->session.id);
		EXPECT_EQ(-ENOENT, nl_do(&self->nl, &msg));
	}
	EXPECT_EQ(0, call_get(&self->nl, &self->call));
}

/* session-add, session-get, tool-set, tool-get with this descriptor. */
static void check_bad_fd(struct __test_metadata *const _metadata,
			 FIXTURE_DATA(abi) *const self, const int fd,
			 const int err)
{
	struct msg msg;

	msg_init(&msg, AGENTCG_CMD_SESSION_ADD);
	msg_u32(&msg, AGENTCG_A_SESSION_FD, fd);
	msg_u32(&msg, AGENTCG_A_SESSION_AGENT_FD, self->session.agent_fd);
	msg_u64(&msg, AGENTCG_A_SESSION_BUDGET, BUDGET);
	EXPECT_EQ(err, nl_do(&self->nl, &msg));
	EXPECT_TRUE(says(&self->nl, "fd"));
	EXPECT_EQ(AGENTCG_A_SESSION_FD, self->nl.blamed);
	msg_init(&msg, AGENTCG_CMD_SESSION_ADD);
	msg_u32(&msg, AGENTCG_A_SESSION_FD, self->session.fd);
	msg_u32(&msg, AGENTCG_A_SESSION_AGENT_FD, fd);
	msg_u64(&msg, AGENTCG_A_SESSION_BUDGET, BUDGET);
	EXPECT_EQ(err, nl_do(&self->nl, &msg));
	EXPECT_TRUE(says(&self->nl, "agent-fd"));
	EXPECT_EQ(AGENTCG_A_SESSION_AGENT_FD, self->nl.blamed);
	msg_init(&msg, AGENTCG_CMD_SESSION_GET);
	msg_u32(&msg, AGENTCG_A_SESSION_FD, fd);
	EXPECT_EQ(err, nl_do(&self->nl, &msg));
	EXPECT_TRUE(says(&self->nl, "fd"));
	EXPECT_EQ(AGENTCG_A_SESSION_FD, self->nl.blamed);
	msg_init(&msg, AGENTCG_CMD_TOOL_SET);
	msg_u32(&msg, AGENTCG_A_TOOL_FD, fd);
	EXPECT_EQ(err, nl_do(&self->nl, &msg));
	EXPECT_TRUE(says(&self->nl, "fd"));
	EXPECT_EQ(AGENTCG_A_TOOL_FD, self->nl.blamed);
	msg_init(&msg, AGENTCG_CMD_TOOL_GET);
	msg_u32(&msg, AGENTCG_A_TOOL_FD, fd);
	EXPECT_EQ(err, nl_do(&self->nl, &msg));
	EXPECT_TRUE(says(&self->nl, "fd"));
	EXPECT_EQ(AGENTCG_A_TOOL_FD, self->nl.blamed);
}

TEST_F(abi, wrong_fd)
{
	struct session gone;
	int fd;

	check_bad_fd(_metadata, self, 999, -EBADF);
	check_bad_fd(_metadata, self, -1, -EBADF);
	fd = open("/tmp", O_RDONLY | O_DIRECTORY);
	ASSERT_LE(0, fd);
	check_bad_fd(_metadata, self, fd, -EBADF);
	close(fd);
	fd = open(CG_ROOT "/cgroup.procs", O_RDONLY);
	ASSERT_LE(0, fd);
	check_bad_fd(_metadata, self, fd, -EBADF);
	close(fd);
	fd = open("/proc/self/cgroup", O_RDONLY);
	ASSERT_LE(0, fd);
	check_bad_fd(_metadata, self, fd, -EBADF);
	close(fd);
	/* A cgroup, but of version 1. */
	ASSERT_EQ(0, mkdir(V1, 0755));
	ASSERT_EQ(0, mount("none", V1, "cgroup", 0, "none,name=agentcg"));
	ASSERT_EQ(0, mkdir(V1 "/x", 0755));
	fd = open(V1 "/x", O_RDONLY | O_DIRECTORY);
	ASSERT_LE(0, fd);
	check_bad_fd(_metadata, self, fd, -EBADF);
	close(fd);
	EXPECT_EQ(0, rmdir(V1 "/x"));
	EXPECT_EQ(0, umount(V1));
	EXPECT_EQ(0, rmdir(V1));
	/* A directory that has been removed meanwhile. */
	ASSERT_EQ(0, session_make(&gone, "gone"));
	ASSERT_EQ(0, cg_remove(gone.path));
	check_bad_fd(_metadata, self, gone.fd, -ENODEV);
}

TEST_F(abi, max_hold)
{
	struct nl *const nl = &self->nl;

	ASSERT_EQ(0, session_get(nl, &self->session));
	EXPECT_EQ(600000 * MS, reply_figure(nl, AGENTCG_A_SESSION_MAX_HOLD));
	EXPECT_EQ(0, session_set_max_hold(nl, &self->session, 0));
	ASSERT_EQ(0, session_get(nl, &self->session));
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_SESSION_MAX_HOLD));
	/* A clock has to hold it. */
	EXPECT_EQ(-ERANGE, session_set_max_hold(nl, &self->session, UINT64_MAX / 2));
	EXPECT_TRUE(says(nl, "max-hold"));
	EXPECT_EQ(AGENTCG_A_SESSION_MAX_HOLD, nl->blamed);
}

TEST_F(abi, jitter)
{
	struct nl *const nl = &self->nl;

	ASSERT_EQ(0, session_get(nl, &self->session));
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_SESSION_JITTER));
	EXPECT_EQ(0, session_set_jitter(nl, &self->session, AGENTCG_JITTER_MAX));
	ASSERT_EQ(0, session_get(nl, &self->session));
	EXPECT_EQ(AGENTCG_JITTER_MAX, reply_figure(nl, AGENTCG_A_SESSION_JITTER));
	EXPECT_EQ(-ERANGE, session_set_jitter(nl, &self->session, AGENTCG_JITTER_MAX + 1));
	EXPECT_TRUE(says(nl, "jitter: above the longest, 5 ms"));
	EXPECT_EQ(AGENTCG_A_SESSION_JITTER, nl->blamed);
	ASSERT_EQ(0, session_get(nl, &self->session));
	EXPECT_EQ(AGENTCG_JITTER_MAX, reply_figure(nl, AGENTCG_A_SESSION_JITTER));
}

/* Defaults are of all calls, so what tells one from another is refused. */
TEST_F(abi, defaults_of_one_call)
{
	static const int attrs[] = {
		AGENTCG_A_INTENT_LABEL, AGENTCG_A_INTENT_TAG, AGENTCG_A_INTENT_CONFLICT,
	};
	struct msg msg;
	uint32_t nest;
	size_t i;

	for (i = 0; i < 3; i++) {
		msg_init(&msg, AGENTCG_CMD_SESSION_SET);
		msg_u64(&msg, AGENTCG_A_SESSION_ID, self->session.id);
		nest = msg_nest(&msg, AGENTCG_A_SESSION_DEFAULTS);
		msg_u64(&msg, AGENTCG_A_INTENT_MEM, MB);
		msg_string(&msg, attrs[i], "k=v");
		msg_nest_end(&msg, nest);
		EXPECT_EQ(-EINVAL, nl_do(&self->nl, &msg));
		EXPECT_TRUE(says(&self->nl, "label, tag and conflict"));
		EXPECT_EQ(attrs[i], self->nl.blamed);
	}
	ASSERT_EQ(0, session_get(&self->nl, &self->session));
	EXPECT_EQ(256 * MB, view_uint(view_nest(nl_reply(&self->nl),
						AGENTCG_A_SESSION_DEFAULTS),
				      AGENTCG_A_INTENT_MEM));
}

static int count_one(const struct view attrs, void *const arg)
{
	++*(int *)arg;
	return 0;
}

/* Lists are asked for as strictly as single things. */
TEST_F(abi, dump_requests)
{
	static const int commands[] = {
		AGENTCG_CMD_TOOL_GET, AGENTCG_CMD_RECEIPT_GET,
	};
	const uint64_t ids[] = {
		0, 1, UINT64_MAX, self->call.id, cg_id(self->session.agent),
	};
	struct msg msg;
	int count = 0;
	uint32_t at;
	size_t i, k;

	msg_init(&msg, AGENTCG_CMD_SESSION_GET);
	at = msg_u64(&msg, AGENTCG_A_SESSION_ID, self->session.id);
	EXPECT_EQ(-EINVAL, nl_dump(&self->nl, &msg, count_one, &count));
	EXPECT_EQ(at, self->nl.bad);
	EXPECT_NE('\0', self->nl.text[0]);
	for (i = 0; i < 2; i++) {
		for (k = 0; k < sizeof(ids) / sizeof(ids[0]); k++) {
			msg_init(&msg, commands[i]);
			msg_u64(&msg, AGENTCG_A_TOOL_SESSION_ID, ids[k]);
			EXPECT_EQ(-ENOENT, nl_dump(&self->nl, &msg, count_one,
						   &count));
			EXPECT_TRUE(says(&self->nl, "session-id"));
			EXPECT_EQ(AGENTCG_A_TOOL_SESSION_ID, self->nl.blamed);
		}
		for (k = 7; k <= 9; k += 2) {
			msg_init(&msg, commands[i]);
			at = msg_put(&msg, AGENTCG_A_TOOL_SESSION_ID, zeros, k);
			EXPECT_EQ(-EINVAL, nl_dump(&self->nl, &msg, count_one,
						   &count));
			EXPECT_EQ(at, self->nl.bad);
		}
		msg_init(&msg, commands[i]);
		msg_u64(&msg, AGENTCG_A_TOOL_SESSION_ID, self->session.id);
		at = msg_u64(&msg, AGENTCG_A_TOOL_SESSION_ID, self->session.id);
		EXPECT_EQ(-EINVAL, nl_dump(&self->nl, &msg, count_one, &count));
		EXPECT_TRUE(says(&self->nl, "twice"));
		EXPECT_EQ(at, self->nl.bad);
		msg_init(&msg, commands[i]);
		at = msg_u64(&msg, 60, 1);
		EXPECT_EQ(-EINVAL, nl_dump(&self->nl, &msg, count_one, &count));
		EXPECT_EQ(at, self->nl.bad);
	}
	EXPECT_EQ(0, count);
}

TEST_F(abi, events)
{
	static const int wanted[] = {
		AGENTCG_EVENT_TYPE_TOOL_STARTED,
		AGENTCG_EVENT_TYPE_TOOL_CHANGED,
		AGENTCG_EVENT_TYPE_TOOL_ENDED,
		AGENTCG_EVENT_TYPE_SESSION_REMOVED,
	};
	const struct intent intent = {
		.set = SET(MEM), .mem = 8 * MB, .label = "one",
	};
	uint64_t seq = 0;
	struct call call;
	struct nl events;
	size_t i;

	ASSERT_EQ(0, nl_open(&events));
	ASSERT_EQ(0, nl_join(&events));
	ASSERT_EQ(0, call_start(&self->nl, &self->session, &call, "one",
				&intent));
	ASSERT_EQ(0, call_set(&self->nl, &call, &intent));
	ASSERT_EQ(0, call_end(&self->nl, &call));
	ASSERT_EQ(0, cg_remove(self->call.path));
	ASSERT_EQ(0, session_del(&self->nl, &self->session));
	for (i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		ASSERT_EQ(0, nl_event(&events, 5000));
		/* The fixture's own call ends too. */
		if (reply_figure(&events, AGENTCG_A_EVENT_TOOL_ID) ==
		    self->call.id)
			ASSERT_EQ(0, nl_event(&events, 5000));
		EXPECT_EQ(wanted[i],
			  (int)reply_figure(&events, AGENTCG_A_EVENT_TYPE));
		EXPECT_LT(seq, reply_figure(&events, AGENTCG_A_EVENT_SEQ));
		seq = reply_figure(&events, AGENTCG_A_EVENT_SEQ);
		EXPECT_EQ(self->session.id,
			  reply_figure(&events, AGENTCG_A_EVENT_SESSION_ID));
		EXPECT_NE(0, reply_figure(&events, AGENTCG_A_EVENT_TIME));
		if (wanted[i] == AGENTCG_EVENT_TYPE_SESSION_REMOVED)
			continue;
		EXPECT_STREQ("one", view_string(nl_reply(&events),
						AGENTCG_A_EVENT_LABEL));
		EXPECT_TRUE(view_has(nl_reply(&events), AGENTCG_A_EVENT_USAGE));
		/* In force, of the ended call too. */
		EXPECT_EQ(8 * MB, reply_figure(&events, AGENTCG_A_EVENT_LIMIT));
		EXPECT_EQ(wanted[i] == AGENTCG_EVENT_TYPE_TOOL_ENDED ?
			  AGENTCG_CAUSE_EMPTY : AGENTCG_CAUSE_RUNNING,
			  (int)reply_figure(&events, AGENTCG_A_EVENT_CAUSE));
	}
	nl_close(&events);
}

/* The receipt is published with the end, all of it, as one asks for it. */
TEST_F(abi, receipt_is_published)
{
	struct nl events;

	ASSERT_EQ(0, nl_open(&events));
	ASSERT_EQ(0, nl_join(&events));
	ASSERT_EQ(0, call_end(&self->nl, &self->call));
	ASSERT_EQ(0, nl_notice(&events, AGENTCG_CMD_RECEIPT_NTF, 5000));
	EXPECT_EQ(self->call.id, reply_figure(&events, AGENTCG_A_TOOL_ID));
	EXPECT_EQ(self->nl.len, events.len);
	EXPECT_EQ(0, memcmp(self->nl.reply, events.reply, events.len));
	/* Once. */
	EXPECT_EQ(-ETIMEDOUT, nl_notice(&events, AGENTCG_CMD_RECEIPT_NTF, 200));
	nl_close(&events);
}

/* The figures of an event are those of its moment. */
TEST_F(abi, event_figures)
{
	struct filler *const filler = shared_alloc(sizeof(*filler));
	struct nl events;
	struct msg msg;
	pid_t pid;

	*filler = (struct filler){ .total = 16 * MB, .stay = true };
	pid = cg_spawn(self->call.fd, run_filler, filler);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, wait_for(&filler->ended, 1, 20000));
	ASSERT_EQ(0, nl_open(&events));
	ASSERT_EQ(0, nl_join(&events));
	msg_init(&msg, AGENTCG_CMD_SESSION_SET);
	msg_u64(&msg, AGENTCG_A_SESSION_ID, self->session.id);
	msg_u32(&msg, AGENTCG_A_SESSION_WEIGHT, 7);
	ASSERT_EQ(0, nl_do(&self->nl, &msg));
	ASSERT_EQ(0, nl_event(&events, 5000));
	EXPECT_EQ(AGENTCG_EVENT_TYPE_SESSION_CHANGED,
		  (int)reply_figure(&events, AGENTCG_A_EVENT_TYPE));
	EXPECT_FALSE(view_has(nl_reply(&events), AGENTCG_A_EVENT_TOOL_ID));
	EXPECT_LE(16 * MB, reply_figure(&events, AGENTCG_A_EVENT_USAGE));
	EXPECT_LE(BUDGET, reply_figure(&events, AGENTCG_A_EVENT_LIMIT));

	ASSERT_EQ(0, cg_write_u64(self->call.path, "memory.high", 512 * MB));
	ASSERT_EQ(0, call_set(&self->nl, &self->call, NULL));
	ASSERT_EQ(0, nl_event(&events, 5000));
	EXPECT_EQ(AGENTCG_EVENT_TYPE_LIMIT_OVERWRITTEN,
		  (int)reply_figure(&events, AGENTCG_A_EVENT_TYPE));
	EXPECT_EQ(self->call.id,
		  reply_figure(&events, AGENTCG_A_EVENT_TOOL_ID));
	EXPECT_LE(16 * MB, reply_figure(&events, AGENTCG_A_EVENT_USAGE));
	EXPECT_TRUE(view_has(nl_reply(&events), AGENTCG_A_EVENT_CAUSE));
	ASSERT_EQ(0, nl_event(&events, 5000));
	EXPECT_EQ(AGENTCG_EVENT_TYPE_TOOL_CHANGED,
		  (int)reply_figure(&events, AGENTCG_A_EVENT_TYPE));
	EXPECT_EQ(32 * MB, reply_figure(&events, AGENTCG_A_EVENT_LIMIT));

	ASSERT_EQ(0, call_kill(&self->nl, &self->call));
	ASSERT_EQ(0, nl_event(&events, 5000));
	EXPECT_EQ(AGENTCG_EVENT_TYPE_TOOL_KILLED,
		  (int)reply_figure(&events, AGENTCG_A_EVENT_TYPE));
	EXPECT_EQ(AGENTCG_CAUSE_USER_KILL,
		  (int)reply_figure(&events, AGENTCG_A_EVENT_CAUSE));
	EXPECT_LE(16 * MB, reply_figure(&events, AGENTCG_A_EVENT_USAGE));
	EXPECT_EQ(32 * MB, reply_figure(&events, AGENTCG_A_EVENT_LIMIT));

	ASSERT_EQ(0, call_end(&self->nl, &self->call));
	ASSERT_EQ(0, nl_event(&events, 5000));
	EXPECT_EQ(AGENTCG_EVENT_TYPE_TOOL_ENDED,
		  (int)reply_figure(&events, AGENTCG_A_EVENT_TYPE));
	/* Its peak, which is still told when nothing is used any more. */
	EXPECT_LE(16 * MB, reply_figure(&events, AGENTCG_A_EVENT_USAGE));
	EXPECT_EQ(32 * MB, reply_figure(&events, AGENTCG_A_EVENT_LIMIT));
	nl_close(&events);
}

/* What a user without any privilege finds; the bits that are wrong. */
struct tenant {
	FIXTURE_DATA(abi) *self;
	bool user_namespace;
	bool own;
};

static int list(struct nl *const nl, const int cmd)
{
	struct msg msg;
	int count = 0;

	msg_init(&msg, cmd);
	return nl_dump(nl, &msg, count_one, &count) ? -1 : count;
}

static int become_tenant(const struct tenant *const tenant, struct nl *const nl)
{
	if (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
	    setresuid(NOBODY, NOBODY, NOBODY))
		return 1;
	if (tenant->user_namespace && unshare(CLONE_NEWUSER))
		return 1;
	return nl_open(nl) ? 1 : 0;
}

static int check_admin(struct nl *const nl, FIXTURE_DATA(abi) *const self)
{
	struct session other = self->session;
	int wrong = 0;
	struct msg msg;

	session_request(&msg, &other, BUDGET);
	wrong |= nl_do(nl, &msg) != -EPERM || !says(nl, "CAP_SYS_ADMIN");
	msg_init(&msg, AGENTCG_CMD_NODE_SET);
	msg_u64(&msg, AGENTCG_A_NODE_CAPACITY, 0);
	wrong |= (nl_do(nl, &msg) != -EPERM || !says(nl, "CAP_SYS_ADMIN")) << 1;
	wrong |= (session_del(nl, &other) != -EPERM) << 2;
	msg_init(&msg, AGENTCG_CMD_SESSION_SET);
	msg_u64(&msg, AGENTCG_A_SESSION_ID, other.id);
	wrong |= (nl_do(nl, &msg) != -EPERM) << 3;
	return wrong;
}

static int tenant_main(void *const arg)
{
	const struct intent ask = intent_of(16 * MB, 16 * MB, 0);
	const struct intent greedy = intent_of(2 * BUDGET, 0, 0);
	const struct tenant *const tenant = arg;
	FIXTURE_DATA(abi) *const self = tenant->self;
	struct nl nl;
	int wrong;

	if (become_tenant(tenant, &nl))
		return 255;
	wrong = check_admin(&nl, self);
	wrong |= (call_set(&nl, &self->call, &ask) !=
		  (tenant->own ? 0 : -EACCES)) << 4;
	if (tenant->own)
		wrong |= (call_set(&nl, &self->call, &greedy) != -ENOSPC) << 5;
	/* Run outside of it, nobody's session is there. */
	wrong |= (call_get(&nl, &self->call) != -ENOENT ||
		  call_kill(&nl, &self->call) != -ENOENT ||
		  list(&nl, AGENTCG_CMD_TOOL_GET) ||
		  list(&nl, AGENTCG_CMD_SESSION_GET)) << 6;
	/* 255 would be taken for a failure to begin. */
	return wrong & 127;
}

static int run_tenant(struct tenant *const tenant)
{
	const pid_t pid = fork();
	int status;

	if (!pid)
		_exit(tenant_main(tenant));
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(abi, unprivileged)
{
	struct tenant tenant = { .self = self };
	char high[2 * CG_PATH_MAX];

	EXPECT_EQ(0, run_tenant(&tenant));
	/* A capability in a namespace of one's own is none here. */
	tenant.user_namespace = true;
	EXPECT_EQ(0, run_tenant(&tenant));
	/* As if the tenant had made the call: its limit is his. */
	snprintf(high, sizeof(high), "%s/memory.high", self->call.path);
	ASSERT_EQ(0, chown(high, NOBODY, NOBODY));
	tenant.own = true;
	tenant.user_namespace = false;
	EXPECT_EQ(0, run_tenant(&tenant));
	ASSERT_EQ(0, call_get(&self->nl, &self->call));
	EXPECT_EQ(16 * MB, view_uint(view_nest(nl_reply(&self->nl),
					       AGENTCG_A_TOOL_LIMITS),
				     AGENTCG_A_INTENT_MEM));
}

static int join_main(void *const arg)
{
	struct tenant tenant = {};
	struct nl nl;

	if (become_tenant(&tenant, &nl))
		return 255;
	return nl_join(&nl) != -EPERM;
}

TEST_F(abi, events_are_the_hosts)
{
	const pid_t pid = fork();
	int status;

	if (!pid)
		_exit(join_main(NULL));
	waitpid(pid, &status, 0);
	EXPECT_EQ(0, WEXITSTATUS(status));
}

/* A member sees its own session, and no other. */
static int member_main(void *const arg)
{
	FIXTURE_DATA(abi) *const self = arg;
	struct tenant tenant = {};
	struct msg msg;
	struct nl nl;

	if (become_tenant(&tenant, &nl))
		return 255;
	msg_init(&msg, AGENTCG_CMD_SESSION_GET);
	if (nl_do(&nl, &msg) ||
	    reply_figure(&nl, AGENTCG_A_SESSION_ID) != self->session.id)
		return 1;
	if (call_get(&nl, &self->call))
		return 2;
	if (list(&nl, AGENTCG_CMD_SESSION_GET) != 1 ||
	    list(&nl, AGENTCG_CMD_TOOL_GET) != 1)
		return 3;
	return 0;
}

TEST_F(abi, member_sees_its_session_only)
{
	struct session other;
	struct call call;
	pid_t pid;

	ASSERT_EQ(0, session_start(&self->nl, &other, "other", 64 * MB));
	ASSERT_EQ(0, call_start(&self->nl, &other, &call, "call",
				&(struct intent){ .set = SET(MEM) }));
	EXPECT_EQ(2, list(&self->nl, AGENTCG_CMD_SESSION_GET));
	EXPECT_EQ(2, list(&self->nl, AGENTCG_CMD_TOOL_GET));
	pid = cg_spawn(self->session.agent_fd, member_main, self);
	ASSERT_LT(0, pid);
	EXPECT_EQ(0, wait_exit(pid, 20000));
}

/* The line of /proc/mounts, with the options that are flags of the root. */
static void cgroup_mount(char *const buf, const size_t len)
{
	FILE *const file = fopen("/proc/mounts", "re");
	char line[1024];

	buf[0] = '\0';
	while (file && fgets(line, sizeof(line), file))
		if (strstr(line, " cgroup2 "))
			snprintf(buf + strlen(buf), len - strlen(buf), "%s",
				 line);
	if (file)
		fclose(file);
}

TEST(cgroup_mount_is_left_alone)
{
	char before[4096], now[4096];
	struct session session;
	struct nl nl;

	ASSERT_EQ(0, module_unload());
	cgroup_mount(before, sizeof(before));
	ASSERT_NE('\0', before[0]);
	ASSERT_EQ(0, module_load(""));
	cgroup_mount(now, sizeof(now));
	EXPECT_STREQ(before, now);
	ASSERT_EQ(0, setup(&nl));
	ASSERT_EQ(0, session_start(&nl, &session, "mount", 64 * MB));
	cgroup_mount(now, sizeof(now));
	EXPECT_STREQ(before, now);
	teardown(&nl);
	ASSERT_EQ(0, module_unload());
	cgroup_mount(now, sizeof(now));
	EXPECT_STREQ(before, now);
	ASSERT_EQ(0, module_load(""));
}

TEST_HARNESS_MAIN
