// SPDX-License-Identifier: GPL-2.0-only
/* Deadlines, and what becomes of those who outlive their command. */

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "fixture.h"

#define BUDGET		(256 * MB)
#define DEADLINE	(300 * MS)
/* From the deadline to the last death; of two thousand, longer. */
/* The host may have others to serve; how late it really is, the bench tells. */
#define SOON		(2000 * MS * slow())
#define SOON_BOMB	(3 * SOON)

FIXTURE(deadline) {
	struct nl nl;
	struct session session;
	struct call call;
};

FIXTURE_SETUP(deadline)
{
	ASSERT_EQ(0, setup(&self->nl));
	ASSERT_EQ(0, session_start(&self->nl, &self->session, "deadline",
				   BUDGET));
	ASSERT_EQ(0, cg_write(self->session.path, "pids.max", "2000"));
}

FIXTURE_TEARDOWN(deadline)
{
	teardown(&self->nl);
}

static struct intent with_deadline(const uint64_t deadline)
{
	struct intent intent = intent_of(64 * MB, 64 * MB, 0);

	intent.set |= SET(DEADLINE);
	intent.deadline = deadline;
	return intent;
}

static struct intent with_survivors(const uint32_t survivors)
{
	struct intent intent = intent_of(64 * MB, 64 * MB, 0);

	intent.set |= SET(SURVIVORS);
	intent.survivors = survivors;
	return intent;
}

static int stays(void *const arg)
{
	return stay();
}

static int exits(void *const arg)
{
	return 7;
}

/* Until the call is empty; how long after the entry of its first process. */
static uint64_t life_of(struct nl *const nl, const struct call *const call)
{
	uint64_t begun;

	if (call_wait(nl, call, AGENTCG_A_TOOL_EMPTIED, 1, 20000 * slow()))
		return UINT64_MAX;
	begun = reply_figure(nl, AGENTCG_A_TOOL_BEGUN);
	return reply_figure(nl, AGENTCG_A_TOOL_EMPTIED) - begun;
}

#define EXPECT_ENDS_WITHIN(DEADLINE_NS, TIME) do {			\
	const uint64_t life = life_of(&self->nl, &self->call);		\
	EXPECT_LE(DEADLINE_NS, life);					\
	EXPECT_GT((DEADLINE_NS) + (TIME), life);			\
	EXPECT_EQ(0, cg_read_key(self->call.path, "cgroup.events",	\
				 "populated"));				\
} while (0)

#define EXPECT_ENDS_AT(DEADLINE_NS)	EXPECT_ENDS_WITHIN(DEADLINE_NS, SOON)

static pid_t start(struct __test_metadata *const _metadata,
		   FIXTURE_DATA(deadline) *const self,
		   const struct intent intent, int (*const fn)(void *arg),
		   void *const arg)
{
	pid_t pid;

	ASSERT_EQ(0, call_start(&self->nl, &self->session, &self->call, "call",
				&intent)) {
		TH_LOG("%s", self->nl.text);
	}
	pid = cg_spawn(self->call.fd, fn, arg);
	ASSERT_LT(0, pid);
	return pid;
}

TEST_F(deadline, is_met)
{
	struct nl *const nl = &self->nl;
	pid_t pid;
	int status;

	pid = start(_metadata, self, with_deadline(DEADLINE), stays, NULL);
	ASSERT_EQ(0, call_get(nl, &self->call));
	EXPECT_EQ(DEADLINE, view_uint(view_nest(nl_reply(nl),
						AGENTCG_A_TOOL_LIMITS),
				      AGENTCG_A_INTENT_DEADLINE));
	EXPECT_ENDS_AT(DEADLINE);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(SIGKILL, WTERMSIG(status));
	ASSERT_EQ(0, call_end(nl, &self->call));
	EXPECT_EQ(AGENTCG_CAUSE_DEADLINE, reply_figure(nl, AGENTCG_A_TOOL_CAUSE));
	EXPECT_EQ(SIGKILL, reply_figure(nl, AGENTCG_A_TOOL_EXIT_SIGNAL));
	EXPECT_FALSE(view_has(nl_reply(nl), AGENTCG_A_TOOL_KILLER));
	EXPECT_FALSE(view_has(nl_reply(nl), AGENTCG_A_TOOL_OOM));
}

TEST_F(deadline, is_not_met)
{
	struct nl *const nl = &self->nl;
	pid_t pid;

	pid = start(_metadata, self, with_deadline(DEADLINE), exits, NULL);
	EXPECT_EQ(7, WEXITSTATUS(wait_exit(pid, 5000)));
	usleep(DEADLINE / 500);
	ASSERT_EQ(0, call_end(nl, &self->call));
	EXPECT_EQ(AGENTCG_CAUSE_EXIT, reply_figure(nl, AGENTCG_A_TOOL_CAUSE));
	EXPECT_EQ(7, reply_figure(nl, AGENTCG_A_TOOL_EXIT_CODE));
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_TOOL_SURVIVED));
}

TEST_F(deadline, bad_values)
{
	struct nl *const nl = &self->nl;
	struct intent intent = with_deadline(0);

	EXPECT_EQ(-ERANGE, call_start(nl, &self->session, &self->call, "call",
				      &intent));
	EXPECT_TRUE(says(nl, "deadline 0"));
	EXPECT_EQ(AGENTCG_A_INTENT_DEADLINE, nl->blamed);
	intent = with_deadline(INT64_MAX);
	EXPECT_EQ(-ERANGE, call_set(nl, &self->call, &intent));
	EXPECT_EQ(AGENTCG_A_INTENT_DEADLINE, nl->blamed);
	intent = with_deadline(INT64_MAX / 2);
	intent.set |= SET(WARN_BEFORE);
	intent.warn_before = INT64_MAX;
	EXPECT_EQ(-ERANGE, call_set(nl, &self->call, &intent));
	EXPECT_EQ(AGENTCG_A_INTENT_WARN_BEFORE, nl->blamed);
	/* The longest, with processes in it, which it does not touch. */
	intent.warn_before = INT64_MAX / 2;
	ASSERT_EQ(0, call_set(nl, &self->call, &intent));
	ASSERT_LT(0, cg_spawn(self->call.fd, stays, NULL));
	usleep(DEADLINE / 2000);
	EXPECT_EQ(AGENTCG_CAUSE_RUNNING,
		  call_figure(nl, &self->call, AGENTCG_A_TOOL_CAUSE));
}

TEST_F(deadline, is_put_off)
{
	const struct intent later = with_deadline(4 * DEADLINE);

	start(_metadata, self, with_deadline(2 * DEADLINE), stays, NULL);
	usleep(DEADLINE / 1000);
	ASSERT_EQ(0, call_set(&self->nl, &self->call, &later));
	EXPECT_ENDS_AT(4 * DEADLINE);
}

TEST_F(deadline, is_brought_forward)
{
	const struct intent sooner = with_deadline(DEADLINE);

	start(_metadata, self, with_deadline(3600 * 1000 * MS), stays, NULL);
	ASSERT_EQ(0, call_set(&self->nl, &self->call, &sooner));
	EXPECT_ENDS_AT(DEADLINE);
}

/* One that has passed already is met at once. */
TEST_F(deadline, comes_late)
{
	const struct intent passed = with_deadline(1);
	uint64_t life;

	start(_metadata, self, intent_of(64 * MB, 64 * MB, 0), stays, NULL);
	usleep(DEADLINE / 1000);
	ASSERT_EQ(0, call_set(&self->nl, &self->call, &passed));
	life = life_of(&self->nl, &self->call);
	EXPECT_GT(DEADLINE + SOON, life);
}

TEST_F(deadline, is_lifted)
{
	const struct intent none = with_deadline(UINT64_MAX);
	struct nl *const nl = &self->nl;

	start(_metadata, self, with_deadline(DEADLINE), stays, NULL);
	ASSERT_EQ(0, call_set(nl, &self->call, &none));
	usleep(2 * DEADLINE / 1000);
	EXPECT_EQ(AGENTCG_CAUSE_RUNNING,
		  call_figure(nl, &self->call, AGENTCG_A_TOOL_CAUSE));
}

/* A default of the session reaches calls that live, as all defaults do. */
TEST_F(deadline, is_a_default)
{
	const struct intent intent = intent_of(64 * MB, 64 * MB, 0);
	struct nl *const nl = &self->nl;
	struct msg msg;

	start(_metadata, self, intent, stays, NULL);
	msg_init(&msg, AGENTCG_CMD_SESSION_SET);
	msg_u64(&msg, AGENTCG_A_SESSION_ID, self->session.id);
	intent_put(&msg, AGENTCG_A_SESSION_DEFAULTS,
		   &(struct intent){ .set = SET(DEADLINE), .deadline = DEADLINE });
	ASSERT_EQ(0, nl_do(nl, &msg));
	EXPECT_ENDS_AT(DEADLINE);
}

/* It counts from the entry of the first process: a pool is made ahead. */
TEST_F(deadline, begins_with_the_first)
{
	struct intent intent = with_deadline(DEADLINE);
	struct nl *const nl = &self->nl;

	ASSERT_EQ(0, call_start(nl, &self->session, &self->call, "call",
				&intent));
	usleep(2 * DEADLINE / 1000);
	EXPECT_FALSE(view_has(nl_reply(nl), AGENTCG_A_TOOL_BEGUN));
	ASSERT_LT(0, cg_spawn(self->call.fd, stays, NULL));
	EXPECT_ENDS_AT(DEADLINE);
}

/* Return: the next event of that type, or none for a second. */
static bool event_comes(struct nl *const events, const uint32_t type)
{
	while (!nl_event(events, 1000 * slow()))
		if (reply_figure(events, AGENTCG_A_EVENT_TYPE) == type)
			return true;
	return false;
}

TEST_F(deadline, warns)
{
	struct intent intent = with_deadline(2 * DEADLINE);
	struct nl events;
	uint64_t warned, killed;

	ASSERT_EQ(0, nl_open(&events));
	ASSERT_EQ(0, nl_join(&events));
	intent.set |= SET(WARN_BEFORE);
	intent.warn_before = DEADLINE;
	start(_metadata, self, intent, stays, NULL);
	ASSERT_TRUE(event_comes(&events, AGENTCG_EVENT_TYPE_DEADLINE_WARNING));
	warned = reply_figure(&events, AGENTCG_A_EVENT_TIME);
	EXPECT_EQ(self->call.id, reply_figure(&events, AGENTCG_A_EVENT_TOOL_ID));
	ASSERT_TRUE(event_comes(&events, AGENTCG_EVENT_TYPE_TOOL_KILLED));
	killed = reply_figure(&events, AGENTCG_A_EVENT_TIME);
	EXPECT_EQ(AGENTCG_CAUSE_DEADLINE,
		  reply_figure(&events, AGENTCG_A_EVENT_CAUSE));
	EXPECT_LT(DEADLINE - 50 * MS * slow(), killed - warned);
	EXPECT_GT(DEADLINE + 200 * MS * slow(), killed - warned);
	nl_close(&events);
}

/* Longer than the deadline: at once; and once only. */
TEST_F(deadline, warns_at_once)
{
	struct intent intent = with_deadline(DEADLINE);
	struct nl events;

	ASSERT_EQ(0, nl_open(&events));
	ASSERT_EQ(0, nl_join(&events));
	intent.set |= SET(WARN_BEFORE);
	intent.warn_before = 10 * DEADLINE;
	start(_metadata, self, intent, stays, NULL);
	ASSERT_TRUE(event_comes(&events, AGENTCG_EVENT_TYPE_DEADLINE_WARNING));
	while (!nl_event(&events, 1000 * slow())) {
		EXPECT_NE(AGENTCG_EVENT_TYPE_DEADLINE_WARNING,
			  reply_figure(&events, AGENTCG_A_EVENT_TYPE));
		if (reply_figure(&events, AGENTCG_A_EVENT_TYPE) ==
		    AGENTCG_EVENT_TYPE_TOOL_KILLED)
			break;
	}
	EXPECT_ENDS_AT(DEADLINE);
	nl_close(&events);
}

/* ---- those who try to escape ---- */

static int fork_bomb(void *const arg)
{
	signal(SIGCHLD, SIG_IGN);
	for (;;)
		fork();
}

TEST_F(deadline, fork_bomb)
{
	start(_metadata, self, with_deadline(DEADLINE), fork_bomb, NULL);
	EXPECT_ENDS_WITHIN(DEADLINE, SOON_BOMB);
}

/* A daemon, as daemon(3) makes it, and one that ignores what it can. */
static int daemonize(void *const arg)
{
	if (fork())
		return stay();
	setsid();
	if (fork())
		_exit(0);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	return stay();
}

TEST_F(deadline, setsid_escape)
{
	start(_metadata, self, with_deadline(DEADLINE), daemonize, NULL);
	EXPECT_ENDS_AT(DEADLINE);
}

static void *thread_stays(void *const arg)
{
	stay();
	return NULL;
}

/* The first thread takes no signal any more, the others go on. */
static int leaves_threads(void *const arg)
{
	pthread_t thread;

	pthread_create(&thread, NULL, thread_stays, NULL);
	pthread_exit(NULL);
}

TEST_F(deadline, first_thread_has_exited)
{
	start(_metadata, self, with_deadline(DEADLINE), leaves_threads, NULL);
	EXPECT_ENDS_AT(DEADLINE);
}

TEST_F(deadline, first_thread_has_exited_and_killed_by_request)
{
	const struct intent none = with_deadline(UINT64_MAX);

	start(_metadata, self, none, leaves_threads, NULL);
	usleep(100000);
	ASSERT_EQ(0, call_kill(&self->nl, &self->call));
	EXPECT_NE(UINT64_MAX, life_of(&self->nl, &self->call));
}

TEST_F(deadline, frozen)
{
	start(_metadata, self, with_deadline(DEADLINE), stays, NULL);
	ASSERT_EQ(0, cg_write(self->call.path, "cgroup.freeze", "1"));
	EXPECT_ENDS_AT(DEADLINE);
}

TEST_F(deadline, stopped)
{
	const pid_t pid = start(_metadata, self, with_deadline(DEADLINE), stays,
				NULL);

	ASSERT_EQ(0, kill(pid, SIGSTOP));
	EXPECT_ENDS_AT(DEADLINE);
}

TEST_F(deadline, parked)
{
	struct filler *const filler = shared_alloc(sizeof(*filler));
	struct intent intent = with_deadline(DEADLINE);

	filler->total = 128 * MB;
	filler->stay = true;
	/* Nobody else could return credit, so the bound has to be long. */
	intent.set |= SET(STALL) | SET(MEM) | SET(BURST);
	intent.mem = 16 * MB;
	intent.burst = 0;
	intent.stall = 3600 * 1000 * MS;
	start(_metadata, self, intent, run_filler, filler);
	EXPECT_ENDS_AT(DEADLINE);
}

/* In a cgroup of its own inside the call. */
TEST_F(deadline, nested)
{
	char path[CG_PATH_MAX];
	const struct intent intent = with_deadline(DEADLINE);
	int fd;

	ASSERT_EQ(0, call_start(&self->nl, &self->session, &self->call, "call",
				&intent));
	snprintf(path, sizeof(path), "%.*s/inner", 200, self->call.path);
	ASSERT_EQ(0, cg_make(path));
	fd = cg_open(path);
	ASSERT_LT(0, cg_spawn(fd, fork_bomb, NULL));
	EXPECT_ENDS_WITHIN(DEADLINE, SOON_BOMB);
	close(fd);
}

/* All at the same moment. */
TEST_F_TIMEOUT(deadline, many_at_once, 120)
{
	const struct intent intent = { .set = SET(MEM) | SET(DEADLINE),
				       .mem = MB, .deadline = 2 * DEADLINE };
	struct nl *const nl = &self->nl;
	const int count = slow() > 1 ? 30 : 100;
	struct call calls[100];
	char name[8];
	int i;

	for (i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "c%d", i);
		ASSERT_EQ(0, call_start(nl, &self->session, &calls[i], name,
					&intent));
	}
	for (i = 0; i < count; i++)
		ASSERT_LT(0, cg_spawn(calls[i].fd, stays, NULL));
	for (i = 0; i < count; i++) {
		EXPECT_GT(2 * DEADLINE + SOON_BOMB, life_of(nl, &calls[i]));
		EXPECT_EQ(0, call_end(nl, &calls[i]));
		EXPECT_EQ(AGENTCG_CAUSE_DEADLINE,
			  reply_figure(nl, AGENTCG_A_TOOL_CAUSE));
	}
}

/* The session goes first: nobody is killed for a deadline that is no more. */
TEST_F(deadline, session_ends)
{
	start(_metadata, self, with_deadline(DEADLINE), stays, NULL);
	ASSERT_EQ(0, session_del(&self->nl, &self->session));
	usleep(2 * DEADLINE / 1000);
	EXPECT_EQ(1, cg_read_key(self->call.path, "cgroup.events", "populated"));
}

TEST_F_TIMEOUT(deadline, module_unloaded, 120)
{
	struct intent intent = with_deadline(DEADLINE / 3);
	struct call call;
	char name[8];
	int i;

	intent.mem = MB;
	/* Due while the module goes. */
	for (i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "c%d", i);
		ASSERT_EQ(0, call_start(&self->nl, &self->session, &call, name,
					&intent));
		ASSERT_LT(0, cg_spawn(call.fd, i ? stays : fork_bomb, NULL));
		close(call.fd);
	}
	usleep(DEADLINE / 4000);
	nl_close(&self->nl);
	ASSERT_EQ(0, module_unload());
	usleep(DEADLINE / 1000);
	ASSERT_EQ(0, setup(&self->nl));
}

/* ---- survivors ---- */

/* A command that leaves so many processes behind. */
static int leaves(void *const arg)
{
	unsigned long count = (unsigned long)arg;

	while (count--) {
		if (fork())
			continue;
		setsid();
		return stay();
	}
	return 7;
}

TEST_F(deadline, survivors_are_reaped)
{
	struct nl *const nl = &self->nl;
	struct view survivor;
	pid_t pid;

	pid = start(_metadata, self, with_survivors(AGENTCG_SURVIVORS_REAP),
		    leaves, (void *)3);
	EXPECT_EQ(7, WEXITSTATUS(wait_exit(pid, 5000 * slow())));
	EXPECT_EQ(0, cg_wait_empty(self->call.path, 5000 * slow()));
	ASSERT_EQ(0, call_end(nl, &self->call));
	/* The command came to its end by itself. */
	EXPECT_EQ(AGENTCG_CAUSE_EXIT, reply_figure(nl, AGENTCG_A_TOOL_CAUSE));
	EXPECT_EQ(7, reply_figure(nl, AGENTCG_A_TOOL_EXIT_CODE));
	EXPECT_EQ(3, reply_figure(nl, AGENTCG_A_TOOL_SURVIVED));
	EXPECT_EQ(3, view_count(nl_reply(nl), AGENTCG_A_TOOL_SURVIVOR));
	survivor = view_nest(nl_reply(nl), AGENTCG_A_TOOL_SURVIVOR);
	EXPECT_STREQ("deadline_test",
		     view_string(survivor, AGENTCG_A_PROCESS_COMM));
	EXPECT_LT(pid, view_uint(survivor, AGENTCG_A_PROCESS_PID));
	EXPECT_NE(0, view_uint(survivor, AGENTCG_A_PROCESS_SIZE));
	EXPECT_NE(0, reply_figure(nl, AGENTCG_A_TOOL_EMPTIED));
	EXPECT_LE(reply_figure(nl, AGENTCG_A_TOOL_EMPTIED),
		  reply_figure(nl, AGENTCG_A_TOOL_END));
}

TEST_F(deadline, many_survivors)
{
	struct nl *const nl = &self->nl;
	pid_t pid;

	pid = start(_metadata, self, with_survivors(AGENTCG_SURVIVORS_REAP),
		    leaves, (void *)40);
	EXPECT_EQ(7, WEXITSTATUS(wait_exit(pid, 5000 * slow())));
	EXPECT_EQ(0, cg_wait_empty(self->call.path, 5000 * slow()));
	ASSERT_EQ(0, call_end(nl, &self->call));
	EXPECT_EQ(40, reply_figure(nl, AGENTCG_A_TOOL_SURVIVED));
	EXPECT_EQ(AGENTCG_SURVIVORS_MAX,
		  view_count(nl_reply(nl), AGENTCG_A_TOOL_SURVIVOR));
}

/* It forks and forks, and its first process exits. */
static int leaves_a_bomb(void *const arg)
{
	if (!fork())
		return fork_bomb(NULL);
	return 7;
}

TEST_F(deadline, surviving_bomb_is_reaped)
{
	pid_t pid;

	pid = start(_metadata, self, with_survivors(AGENTCG_SURVIVORS_REAP),
		    leaves_a_bomb, NULL);
	EXPECT_EQ(7, WEXITSTATUS(wait_exit(pid, 5000 * slow())));
	EXPECT_EQ(0, cg_wait_empty(self->call.path, 20000 * slow()));
}

TEST_F(deadline, survivors_are_kept)
{
	struct intent intent = with_survivors(AGENTCG_SURVIVORS_KEEP);
	/* Long enough for the command to have ended by itself. */
	const uint64_t deadline = DEADLINE * slow();
	struct nl *const nl = &self->nl;
	pid_t pid;

	intent.set |= SET(DEADLINE);
	intent.deadline = deadline;
	pid = start(_metadata, self, intent, leaves, (void *)2);
	EXPECT_EQ(7, WEXITSTATUS(wait_exit(pid, 5000 * slow())));
	ASSERT_EQ(0, call_wait(nl, &self->call, AGENTCG_A_TOOL_SURVIVED, 2,
			       5000 * slow()));
	EXPECT_EQ(AGENTCG_CAUSE_EXIT, reply_figure(nl, AGENTCG_A_TOOL_CAUSE));
	EXPECT_EQ(7, reply_figure(nl, AGENTCG_A_TOOL_EXIT_CODE));
	EXPECT_EQ(2, view_count(nl_reply(nl), AGENTCG_A_TOOL_SURVIVOR));
	/* Past the deadline, which was the command's. */
	usleep(2 * deadline / 1000);
	EXPECT_EQ(1, cg_read_key(self->call.path, "cgroup.events", "populated"));
	ASSERT_EQ(0, call_end(nl, &self->call));
	EXPECT_EQ(AGENTCG_CAUSE_EXIT, reply_figure(nl, AGENTCG_A_TOOL_CAUSE));
	EXPECT_EQ(2, reply_figure(nl, AGENTCG_A_TOOL_SURVIVED));
}

/* The built-in default: several commands may run in one call, one by one. */
TEST_F(deadline, kept_by_default)
{
	struct nl *const nl = &self->nl;
	pid_t pid;

	pid = start(_metadata, self, intent_of(64 * MB, 0, 0), exits, NULL);
	EXPECT_EQ(7, WEXITSTATUS(wait_exit(pid, 5000 * slow())));
	pid = cg_spawn(self->call.fd, exits, NULL);
	EXPECT_EQ(7, WEXITSTATUS(wait_exit(pid, 5000 * slow())));
	ASSERT_EQ(0, call_end(nl, &self->call));
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_TOOL_SURVIVED));
}

TEST_HARNESS_MAIN
