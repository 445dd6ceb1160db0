// SPDX-License-Identifier: GPL-2.0-only
/* Sessions and calls that end with the socket of their holder. */

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "fixture.h"

#define MANY	50

FIXTURE(owner) {
	struct nl nl;
	struct session session;
	struct call call;
	/* What a holder does is told here. */
	volatile uint64_t *ready;
};

FIXTURE_SETUP(owner)
{
	ASSERT_EQ(0, setup(&self->nl));
	ASSERT_EQ(0, session_start(&self->nl, &self->session, "owner", 256 * MB));
	self->ready = shared_alloc(sizeof(*self->ready));
}

FIXTURE_TEARDOWN(owner)
{
	teardown(&self->nl);
}

static int own_call(struct nl *const nl, const struct call *const call,
		    const uint8_t own)
{
	struct msg msg;

	msg_init(&msg, AGENTCG_CMD_TOOL_SET);
	msg_u32(&msg, AGENTCG_A_TOOL_FD, call->fd);
	msg_u8(&msg, AGENTCG_A_TOOL_OWNER, own);
	return nl_do(nl, &msg);
}

static int own_session(struct nl *const nl, const struct session *const session,
		       const uint8_t own)
{
	struct msg msg;

	msg_init(&msg, AGENTCG_CMD_SESSION_SET);
	msg_u32(&msg, AGENTCG_A_SESSION_FD, session->fd);
	msg_u8(&msg, AGENTCG_A_SESSION_OWNER, own);
	return nl_do(nl, &msg);
}

static int idle(void *const arg)
{
	return stay();
}

/* A call with a process in it, not tied to anybody. */
static pid_t begin(struct __test_metadata *const _metadata,
		   FIXTURE_DATA(owner) *const self, const char *const name)
{
	const struct intent intent = intent_of(4 * MB, 0, 0);
	pid_t pid;

	EXPECT_EQ(0, call_start(&self->nl, &self->session, &self->call, name,
				&intent));
	pid = cg_spawn(self->call.fd, idle, NULL);
	EXPECT_LT(0, pid);
	return pid;
}

/* A process with a socket of its own, by which the call is tied. */
static pid_t start_holder(FIXTURE_DATA(owner) *const self)
{
	const pid_t pid = fork();
	struct nl nl;

	if (pid)
		return pid;
	if (nl_open(&nl) || own_call(&nl, &self->call, 1))
		_exit(1);
	*self->ready = 1;
	_exit(stay());
}

static int wait_gone(const char *const path, const int ms)
{
	const uint64_t end = now_ns() + ms * MS * slow();

	while (!access(path, F_OK)) {
		if (now_ns() > end)
			return -ETIMEDOUT;
		usleep(1000);
	}
	return 0;
}

static void check_ended(struct __test_metadata *const _metadata,
			FIXTURE_DATA(owner) *const self, const pid_t pid)
{
	const int status = wait_exit(pid, 5000 * slow());

	EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	EXPECT_EQ(0, wait_gone(self->call.path, 5000));
	ASSERT_EQ(0, receipt_get(&self->nl, self->call.id));
	EXPECT_EQ(AGENTCG_CAUSE_OWNER_GONE,
		  reply_figure(&self->nl, AGENTCG_A_TOOL_CAUSE));
	EXPECT_EQ(0, session_balances(&self->nl, &self->session));
}

TEST_F(owner, call_ends_with_its_holder)
{
	const pid_t pid = begin(_metadata, self, "call");
	pid_t holder;

	EXPECT_EQ(0, call_figure(&self->nl, &self->call, AGENTCG_A_TOOL_OWNER));
	holder = start_holder(self);
	ASSERT_EQ(0, wait_for(self->ready, 1, 5000));
	EXPECT_EQ(1, call_figure(&self->nl, &self->call, AGENTCG_A_TOOL_OWNER));
	usleep(50000);
	EXPECT_EQ(0, waitpid(pid, NULL, WNOHANG));
	kill(holder, SIGKILL);
	waitpid(holder, NULL, 0);
	check_ended(_metadata, self, pid);
}

/* Also when all that the holder does is to close it. */
TEST_F(owner, call_ends_with_the_socket)
{
	const pid_t pid = begin(_metadata, self, "call");
	struct nl nl;

	ASSERT_EQ(0, nl_open(&nl));
	ASSERT_EQ(0, own_call(&nl, &self->call, 1));
	nl_close(&nl);
	check_ended(_metadata, self, pid);
}

/* Nobody has run in it. */
TEST_F(owner, empty_call_ends)
{
	const struct intent intent = intent_of(4 * MB, 0, 0);
	struct nl nl;

	ASSERT_EQ(0, call_start(&self->nl, &self->session, &self->call, "call",
				&intent));
	ASSERT_EQ(0, nl_open(&nl));
	ASSERT_EQ(0, own_call(&nl, &self->call, 1));
	nl_close(&nl);
	EXPECT_EQ(0, wait_gone(self->call.path, 5000));
}

/* Declared and tied in one request; 0 unties; the last socket counts. */
TEST_F(owner, untied)
{
	const pid_t pid = begin(_metadata, self, "call");
	struct nl first, second;

	ASSERT_EQ(0, nl_open(&first));
	ASSERT_EQ(0, nl_open(&second));
	ASSERT_EQ(0, own_call(&first, &self->call, 1));
	ASSERT_EQ(0, own_call(&first, &self->call, 0));
	EXPECT_EQ(0, call_figure(&self->nl, &self->call, AGENTCG_A_TOOL_OWNER));
	ASSERT_EQ(0, own_call(&first, &self->call, 1));
	ASSERT_EQ(0, own_call(&second, &self->call, 1));
	nl_close(&first);
	usleep(100000);
	EXPECT_EQ(0, waitpid(pid, NULL, WNOHANG));
	ASSERT_EQ(0, own_call(&second, &self->call, 0));
	nl_close(&second);
	usleep(100000);
	EXPECT_EQ(0, waitpid(pid, NULL, WNOHANG));
	EXPECT_EQ(0, call_get(&self->nl, &self->call));
	EXPECT_EQ(-ERANGE, own_call(&self->nl, &self->call, 2));
	EXPECT_EQ(AGENTCG_A_TOOL_OWNER, self->nl.blamed);
}

/* Who has a copy of the descriptor holds it on. */
TEST_F(owner, last_copy_counts)
{
	const pid_t pid = begin(_metadata, self, "call");
	struct nl nl;
	pid_t holder;

	ASSERT_EQ(0, nl_open(&nl));
	ASSERT_EQ(0, own_call(&nl, &self->call, 1));
	holder = fork();
	if (!holder)
		_exit(stay());
	nl_close(&nl);
	usleep(100000);
	EXPECT_EQ(0, waitpid(pid, NULL, WNOHANG));
	kill(holder, SIGKILL);
	waitpid(holder, NULL, 0);
	check_ended(_metadata, self, pid);
}

/* The call ends first: the socket is closed later, to nobody's harm. */
TEST_F(owner, call_ends_before)
{
	const pid_t pid = begin(_metadata, self, "call");
	struct nl nl;

	ASSERT_EQ(0, nl_open(&nl));
	ASSERT_EQ(0, own_call(&nl, &self->call, 1));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	ASSERT_EQ(0, call_end(&self->nl, &self->call));
	nl_close(&nl);
	ASSERT_EQ(0, receipt_get(&self->nl, self->call.id));
	EXPECT_EQ(AGENTCG_CAUSE_SIGNAL,
		  reply_figure(&self->nl, AGENTCG_A_TOOL_CAUSE));
}

/* With all calls; the agent and the cgroup of the session stay. */
TEST_F(owner, session_ends_with_its_socket)
{
	struct nl *const nl = &self->nl;
	struct call other;
	struct nl holder;
	pid_t agent, pid, second;

	agent = cg_spawn(self->session.agent_fd, idle, NULL);
	pid = begin(_metadata, self, "one");
	other = self->call;
	second = begin(_metadata, self, "two");
	ASSERT_EQ(0, nl_open(&holder));
	ASSERT_EQ(0, own_session(&holder, &self->session, 1));
	ASSERT_EQ(0, session_get(nl, &self->session));
	EXPECT_EQ(1, reply_figure(nl, AGENTCG_A_SESSION_OWNER));
	nl_close(&holder);
	EXPECT_EQ(0, WIFEXITED(wait_exit(pid, 5000)));
	EXPECT_EQ(0, WIFEXITED(wait_exit(second, 5000)));
	EXPECT_EQ(0, wait_gone(other.path, 5000));
	EXPECT_EQ(0, wait_gone(self->call.path, 5000));
	EXPECT_EQ(0, info_wait(nl, AGENTCG_A_INFO_SESSIONS, 0, 5000));
	EXPECT_EQ(-ENOENT, session_get(nl, &self->session));
	EXPECT_EQ(0, waitpid(agent, NULL, WNOHANG));
	EXPECT_EQ(UINT64_MAX, cg_read_u64(self->session.path, "memory.high"));
	EXPECT_EQ(0, access(self->session.agent, F_OK));
}

/* A call in which cgroups were made stays, without processes. */
TEST_F(owner, nested_cgroups_stay)
{
	const pid_t pid = begin(_metadata, self, "call");
	char path[CG_PATH_MAX + 8];
	struct nl nl;

	snprintf(path, sizeof(path), "%s/inner", self->call.path);
	ASSERT_EQ(0, mkdir(path, 0755));
	ASSERT_EQ(0, nl_open(&nl));
	ASSERT_EQ(0, own_call(&nl, &self->call, 1));
	nl_close(&nl);
	EXPECT_EQ(0, WIFEXITED(wait_exit(pid, 5000)));
	usleep(100000);
	EXPECT_EQ(0, rmdir(path));
	EXPECT_EQ(0, call_get(&self->nl, &self->call));
}

TEST_F_TIMEOUT(owner, many_end_at_once, 180)
{
	struct call calls[MANY];
	char name[16];
	struct nl nl;
	int i;

	for (i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "call-%d", i);
		begin(_metadata, self, name);
		calls[i] = self->call;
	}
	/* After the processes, which would have copies of it. */
	ASSERT_EQ(0, nl_open(&nl));
	for (i = 0; i < MANY; i++)
		ASSERT_EQ(0, own_call(&nl, &calls[i], 1));
	ASSERT_EQ(MANY, info_figure(&self->nl, AGENTCG_A_INFO_TOOLS));
	nl_close(&nl);
	EXPECT_EQ(0, info_wait(&self->nl, AGENTCG_A_INFO_TOOLS, 0,
			       20000 * slow()));
	EXPECT_EQ(0, session_balances(&self->nl, &self->session));
	while (waitpid(-1, NULL, WNOHANG) > 0)
		continue;
}

/* In the midst of it. */
TEST_F_TIMEOUT(owner, unload, 60)
{
	struct call calls[4];
	struct nl first, second;
	char name[16];
	int i;

	for (i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "call-%d", i);
		begin(_metadata, self, name);
		calls[i] = self->call;
	}
	ASSERT_EQ(0, nl_open(&first));
	ASSERT_EQ(0, nl_open(&second));
	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, own_call(i % 2 ? &first : &second, &calls[i], 1));
	ASSERT_EQ(0, own_session(&second, &self->session, 1));
	nl_close(&first);
	EXPECT_EQ(0, module_unload());
	nl_close(&second);
	EXPECT_EQ(0, module_load(""));
}

TEST_HARNESS_MAIN
