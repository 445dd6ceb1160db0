// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tool dies, the agent lives: whatever a call does to the memory.max of
 * its session, it is the call that goes, whole.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "kselftest_harness.h"

#include "fixture.h"

#define TMPFS		"/run/agentcg-selftests"
#define MEMORY_MAX	(96 * MB)
#define BUDGET		(64 * MB)

FIXTURE(survive) {
	struct nl nl;
	struct session session;
	struct call call;
	pid_t agent;
	int ask;
	int answer;
};

/* Answers every byte with the next one. */
static int agent_main(void *const arg)
{
	const int *const fds = arg;
	unsigned char byte;

	/* As large as an agent may be, compared with its calls. */
	fill(16 * MB);
	while (read(fds[0], &byte, 1) == 1) {
		byte++;
		if (write(fds[1], &byte, 1) != 1)
			return 1;
	}
	return 0;
}

static void start_agent(struct __test_metadata *const _metadata,
			FIXTURE_DATA(survive) *const self)
{
	int ask[2], answer[2], fds[2];

	ASSERT_EQ(0, pipe(ask));
	ASSERT_EQ(0, pipe(answer));
	fds[0] = ask[0];
	fds[1] = answer[1];
	self->agent = cg_spawn(self->session.agent_fd, agent_main, fds);
	ASSERT_LT(0, self->agent);
	self->ask = ask[1];
	self->answer = answer[0];
}

FIXTURE_SETUP(survive)
{
	ASSERT_EQ(0, setup(&self->nl));
	mkdir(TMPFS, 0755);
	ASSERT_EQ(0, mount("tmpfs", TMPFS, "tmpfs", 0, "size=512m"));
	ASSERT_EQ(0, session_start(&self->nl, &self->session, "survive",
				   BUDGET));
	ASSERT_EQ(0, cg_write_u64(self->session.path, "memory.max", MEMORY_MAX));
	ASSERT_EQ(0, cg_write(self->session.path, "pids.max", "3000"));
	start_agent(_metadata, self);
}

FIXTURE_TEARDOWN(survive)
{
	teardown(&self->nl);
	umount2(TMPFS, MNT_DETACH);
}

static bool agent_answers(FIXTURE_DATA(survive) *const self)
{
	unsigned char byte = 41;

	return !kill(self->agent, 0) && write(self->ask, &byte, 1) == 1 &&
	       read(self->answer, &byte, 1) == 1 && byte == 42;
}

static int eat_memory(void *const arg)
{
	for (;;)
		fill(MB);
	return 0;
}

static int eat_with_family(void *const arg)
{
	if (!fork())
		return stay();
	if (!fork())
		return stay();
	return eat_memory(arg);
}

static int fork_bomb(void *const arg)
{
	for (;;) {
		fill(256 * 1024);
		fork();
	}
	return 0;
}

static int fill_tmpfs(void *const arg)
{
	const int fd = open(TMPFS "/file", O_WRONLY | O_CREAT | O_TRUNC, 0600);
	static char buf[1 << 16];

	/* Stays for as long as it may, so that only a kill ends it. */
	while (write(fd, buf, sizeof(buf)) > 0)
		;
	return 1;
}

/*
 * One call that goes too far.  @family: it has several processes, so that the
 * module has to see to it that none is left or born after the kernel's kill.
 */
static void check_death(struct __test_metadata *const _metadata,
			FIXTURE_DATA(survive) *const self,
			int (*const fn)(void *arg), const bool family)
{
	const struct intent intent = intent_of(8 * MB, 64 * MB, 100 * MS);
	struct nl *const nl = &self->nl;
	uint64_t kills;
	int status;
	pid_t pid;

	ASSERT_TRUE(agent_answers(self));
	kills = info_figure(nl, AGENTCG_A_INFO_KILLS);
	ASSERT_EQ(0, call_start(nl, &self->session, &self->call, "call",
				&intent)) {
		TH_LOG("%s", nl->text);
	}
	pid = cg_spawn(self->call.fd, fn, NULL);
	ASSERT_LT(0, pid);
	status = wait_exit(pid, 60000);
	ASSERT_LE(0, status);
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(SIGKILL, WTERMSIG(status));
	/* All of it, not one process of many. */
	EXPECT_EQ(0, cg_wait_empty(self->call.path, 30000));
	unlink(TMPFS "/file");
	ASSERT_TRUE(agent_answers(self));
	ASSERT_EQ(0, call_end(nl, &self->call));
	EXPECT_EQ(AGENTCG_CAUSE_OOM, reply_figure(nl, AGENTCG_A_TOOL_CAUSE));
	EXPECT_LE(1, reply_figure(nl, AGENTCG_A_TOOL_OOM_KILLS));
	EXPECT_EQ(SIGKILL, reply_figure(nl, AGENTCG_A_TOOL_EXIT_SIGNAL));
	EXPECT_EQ(0, session_balances(nl, &self->session));
	EXPECT_EQ(kills + family, info_figure(nl, AGENTCG_A_INFO_KILLS));
	EXPECT_EQ(0, cg_read_key(self->session.agent, "memory.events",
				 "oom_kill"));
}

/* No limit on the time: the long form has a hundred rounds. */
#define SURVIVE_TEST(name, fn, family)					\
TEST_F_TIMEOUT(survive, name, 7200)					\
{									\
	unsigned int i;							\
									\
	for (i = 0; i < rounds(3); i++)					\
		check_death(_metadata, self, fn, family);		\
}

SURVIVE_TEST(malloc_loop, eat_with_family, true)

SURVIVE_TEST(fork_bomb, fork_bomb, true)
SURVIVE_TEST(tmpfs_writer, fill_tmpfs, false)

TEST_HARNESS_MAIN
