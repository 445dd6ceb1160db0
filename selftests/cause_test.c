// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a call came to its end, each way provoked for real, and what the receipt
 * says to prove it.
 */

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "fixture.h"

#define BUDGET		(128 * MB)
#define LIMIT		(48 * MB)
#define PATIENCE	(10000 * (int)slow())

FIXTURE(cause) {
	struct nl nl;
	struct session session;
	struct call call;
};

FIXTURE_SETUP(cause)
{
	const struct intent intent = intent_of(64 * MB, 64 * MB, 50 * MS);

	ASSERT_EQ(0, setup(&self->nl));
	ASSERT_EQ(0, session_start(&self->nl, &self->session, "cause", BUDGET));
	ASSERT_EQ(0, call_start(&self->nl, &self->session, &self->call, "call",
				&intent));
}

FIXTURE_TEARDOWN(cause)
{
	teardown(&self->nl);
}

static int stays(void *const arg)
{
	return stay();
}

static int grows(void *const arg)
{
	prctl(PR_SET_NAME, "grower");
	fill((uint64_t)(unsigned long)arg);
	return stay();
}

/* In large pages: the machine has many small ones. */
static int grows_soon(void *const arg)
{
	prctl(PR_SET_NAME, "grower");
	fill_large((uint64_t)(unsigned long)arg);
	return stay();
}

/* What a nest of the receipt says of a process. */
static struct view process_in(const struct nl *const nl, const int nest,
			      const int attr)
{
	return view_nest(view_nest(nl_reply(nl), nest), attr);
}

static uint64_t oom_figure(const struct nl *const nl, const int attr)
{
	return view_uint(view_nest(nl_reply(nl), AGENTCG_A_TOOL_OOM), attr);
}

static uint64_t killer_figure(const struct nl *const nl, const int attr)
{
	return view_uint(view_nest(nl_reply(nl), AGENTCG_A_TOOL_KILLER), attr);
}

#define EXPECT_CAUSE(CAUSE) \
	EXPECT_EQ(CAUSE, reply_figure(&self->nl, AGENTCG_A_TOOL_CAUSE))

/* ---- signals ---- */

/* Somebody else sends it, and it is told who; it is never an OOM kill. */
static void is_ended_by(struct __test_metadata *const _metadata,
			FIXTURE_DATA(cause) *const self, const int sig)
{
	struct nl *const nl = &self->nl;
	const pid_t pid = cg_spawn(self->call.fd, grows,
				   (void *)(unsigned long)(60 * MB));
	struct view sender, victim;

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, call_wait(nl, &self->call, AGENTCG_A_TOOL_USAGE, 60 * MB,
			       PATIENCE));
	ASSERT_EQ(0, kill(pid, sig));
	EXPECT_EQ(sig, WTERMSIG(wait_exit(pid, PATIENCE)));
	/* It is told as soon as the command has ended. */
	ASSERT_EQ(0, call_get(nl, &self->call));
	EXPECT_CAUSE(AGENTCG_CAUSE_SIGNAL);
	ASSERT_EQ(0, call_end(nl, &self->call));
	EXPECT_CAUSE(AGENTCG_CAUSE_SIGNAL);
	EXPECT_EQ(sig, reply_figure(nl, AGENTCG_A_TOOL_EXIT_SIGNAL));
	EXPECT_EQ(sig, killer_figure(nl, AGENTCG_A_KILLER_SIGNAL));
	EXPECT_NE(0, killer_figure(nl, AGENTCG_A_KILLER_TIME));
	EXPECT_FALSE(view_has(nl_reply(nl), AGENTCG_A_TOOL_OOM));
	sender = process_in(nl, AGENTCG_A_TOOL_KILLER, AGENTCG_A_KILLER_SENDER);
	EXPECT_EQ(getpid(), view_uint(sender, AGENTCG_A_PROCESS_PID));
	EXPECT_STREQ("cause_test", view_string(sender, AGENTCG_A_PROCESS_COMM));
	EXPECT_TRUE(view_has(sender, AGENTCG_A_PROCESS_UID));
	victim = process_in(nl, AGENTCG_A_TOOL_KILLER, AGENTCG_A_KILLER_VICTIM);
	EXPECT_EQ(pid, view_uint(victim, AGENTCG_A_PROCESS_PID));
	EXPECT_STREQ("grower", view_string(victim, AGENTCG_A_PROCESS_COMM));
}

TEST_F(cause, sigkill_by_somebody)
{
	is_ended_by(_metadata, self, SIGKILL);
}

TEST_F(cause, sigterm_by_somebody)
{
	is_ended_by(_metadata, self, SIGTERM);
}

/* Of those that leave a core, and so are taken later. */
TEST_F(cause, sigquit_by_somebody)
{
	is_ended_by(_metadata, self, SIGQUIT);
}

static int faults(void *const arg)
{
	*(volatile char *)8 = 0;
	return 0;
}

/* The kernel sends it, and nobody stands behind it. */
TEST_F(cause, fault)
{
	struct nl *const nl = &self->nl;
	const pid_t pid = cg_spawn(self->call.fd, faults, NULL);

	EXPECT_EQ(SIGSEGV, WTERMSIG(wait_exit(pid, PATIENCE)));
	ASSERT_EQ(0, call_end(nl, &self->call));
	EXPECT_CAUSE(AGENTCG_CAUSE_SIGNAL);
	EXPECT_EQ(SIGSEGV, killer_figure(nl, AGENTCG_A_KILLER_SIGNAL));
	EXPECT_FALSE(view_has(view_nest(nl_reply(nl), AGENTCG_A_TOOL_KILLER),
			      AGENTCG_A_KILLER_SENDER));
}

static void nothing(const int sig)
{
}

/* A signal that it handles, and a later one that it does not. */
static int handles(void *const arg)
{
	signal(SIGTERM, nothing);
	signal(SIGABRT, nothing);
	*(volatile int *)arg = 1;
	return stay();
}

TEST_F(cause, handled_signals_do_not_count)
{
	volatile uint64_t *const ready = shared_alloc(sizeof(*ready));
	struct nl *const nl = &self->nl;
	pid_t pid;

	pid = cg_spawn(self->call.fd, handles, (void *)ready);
	ASSERT_EQ(0, wait_for(ready, 1, PATIENCE));
	ASSERT_EQ(0, kill(pid, SIGTERM));
	ASSERT_EQ(0, kill(pid, SIGABRT));
	ASSERT_EQ(0, kill(pid, SIGCHLD));
	usleep(50000);
	ASSERT_EQ(0, kill(pid, SIGUSR1));
	EXPECT_EQ(SIGUSR1, WTERMSIG(wait_exit(pid, PATIENCE)));
	ASSERT_EQ(0, call_end(nl, &self->call));
	EXPECT_CAUSE(AGENTCG_CAUSE_SIGNAL);
	EXPECT_EQ(SIGUSR1, killer_figure(nl, AGENTCG_A_KILLER_SIGNAL));
}

static int aborts(void *const arg)
{
	abort();
}

TEST_F(cause, own_abort)
{
	struct nl *const nl = &self->nl;
	const pid_t pid = cg_spawn(self->call.fd, aborts, NULL);

	EXPECT_EQ(SIGABRT, WTERMSIG(wait_exit(pid, PATIENCE)));
	ASSERT_EQ(0, call_end(nl, &self->call));
	EXPECT_CAUSE(AGENTCG_CAUSE_SIGNAL);
	EXPECT_EQ(pid, view_uint(process_in(nl, AGENTCG_A_TOOL_KILLER,
					    AGENTCG_A_KILLER_SENDER),
				 AGENTCG_A_PROCESS_PID));
}

/* As runtimes and service managers do it. */
TEST_F(cause, cgroup_kill_file)
{
	struct nl *const nl = &self->nl;
	const pid_t pid = cg_spawn(self->call.fd, stays, NULL);

	ASSERT_EQ(0, cg_write(self->call.path, "cgroup.kill", "1"));
	EXPECT_EQ(SIGKILL, WTERMSIG(wait_exit(pid, PATIENCE)));
	ASSERT_EQ(0, call_end(nl, &self->call));
	EXPECT_CAUSE(AGENTCG_CAUSE_SIGNAL);
	EXPECT_EQ(getpid(), view_uint(process_in(nl, AGENTCG_A_TOOL_KILLER,
						 AGENTCG_A_KILLER_SENDER),
				      AGENTCG_A_PROCESS_PID));
}

/* A shell whose child somebody ends, and which goes on to its own end. */
static int parent(void *const arg)
{
	volatile uint64_t *const child = arg;
	const pid_t pid = fork();

	if (!pid)
		return stay();
	*child = pid;
	waitpid(pid, NULL, 0);
	return 3;
}

TEST_F(cause, child_is_killed)
{
	volatile uint64_t *const child = shared_alloc(sizeof(*child));
	struct nl *const nl = &self->nl;
	const pid_t pid = cg_spawn(self->call.fd, parent, (void *)child);

	ASSERT_EQ(0, wait_for(child, 1, PATIENCE));
	ASSERT_EQ(0, kill(*child, SIGKILL));
	EXPECT_EQ(3, WEXITSTATUS(wait_exit(pid, PATIENCE)));
	ASSERT_EQ(0, call_end(nl, &self->call));
	EXPECT_CAUSE(AGENTCG_CAUSE_EXIT);
	EXPECT_EQ(*child, view_uint(process_in(nl, AGENTCG_A_TOOL_KILLER,
					       AGENTCG_A_KILLER_VICTIM),
				    AGENTCG_A_PROCESS_PID));
}

static int kills_its_child(void *const arg)
{
	const pid_t pid = fork();

	if (!pid)
		return stay();
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return 4;
}

/* What goes on inside a call is its own business. */
TEST_F(cause, child_is_killed_by_its_parent)
{
	struct nl *const nl = &self->nl;
	const pid_t pid = cg_spawn(self->call.fd, kills_its_child, NULL);

	EXPECT_EQ(4, WEXITSTATUS(wait_exit(pid, PATIENCE)));
	ASSERT_EQ(0, call_end(nl, &self->call));
	EXPECT_CAUSE(AGENTCG_CAUSE_EXIT);
	EXPECT_FALSE(view_has(nl_reply(nl), AGENTCG_A_TOOL_KILLER));
}

/* ---- on request ---- */

TEST_F(cause, killed_on_request)
{
	struct nl *const nl = &self->nl;
	const pid_t pid = cg_spawn(self->call.fd, stays, NULL);

	ASSERT_EQ(0, call_kill(nl, &self->call));
	EXPECT_EQ(SIGKILL, WTERMSIG(wait_exit(pid, PATIENCE)));
	ASSERT_EQ(0, call_end(nl, &self->call));
	EXPECT_CAUSE(AGENTCG_CAUSE_USER_KILL);
	EXPECT_EQ(getpid(), view_uint(process_in(nl, AGENTCG_A_TOOL_KILLER,
						 AGENTCG_A_KILLER_SENDER),
				      AGENTCG_A_PROCESS_PID));
	EXPECT_FALSE(view_has(view_nest(nl_reply(nl), AGENTCG_A_TOOL_KILLER),
			      AGENTCG_A_KILLER_VICTIM));
}

TEST_F(cause, stall_bound)
{
	struct intent intent = intent_of(16 * MB, 0, 20 * MS);
	struct nl *const nl = &self->nl;
	pid_t pid;

	intent.set |= SET(ON_EXHAUST);
	intent.on_exhaust = AGENTCG_ON_EXHAUST_KILL;
	ASSERT_EQ(0, call_set(nl, &self->call, &intent));
	pid = cg_spawn(self->call.fd, grows, (void *)(unsigned long)(100 * MB));
	EXPECT_EQ(SIGKILL, WTERMSIG(wait_exit(pid, PATIENCE)));
	ASSERT_EQ(0, call_end(nl, &self->call));
	EXPECT_CAUSE(AGENTCG_CAUSE_STALL_KILL);
	EXPECT_FALSE(view_has(nl_reply(nl), AGENTCG_A_TOOL_OOM));
	EXPECT_FALSE(view_has(nl_reply(nl), AGENTCG_A_TOOL_KILLER));
}

/* ---- OOM kills ---- */

/* Grows beyond a limit; @path is the cgroup that has it. */
static void is_oom_killed(struct __test_metadata *const _metadata,
			  FIXTURE_DATA(cause) *const self, const int fd,
			  const char *const path, const uint32_t level)
{
	struct nl *const nl = &self->nl;
	const uint64_t id = cg_id(path);
	struct view culprit;
	pid_t pid;

	ASSERT_EQ(0, cg_write_u64(path, "memory.max", LIMIT));
	pid = cg_spawn(fd, grows, (void *)(unsigned long)(2 * LIMIT));
	ASSERT_LT(0, pid);
	EXPECT_EQ(SIGKILL, WTERMSIG(wait_exit(pid, PATIENCE)));
	ASSERT_EQ(0, call_end(nl, &self->call));
	EXPECT_CAUSE(level);
	EXPECT_EQ(level, oom_figure(nl, AGENTCG_A_OOM_LEVEL));
	EXPECT_EQ(id, oom_figure(nl, AGENTCG_A_OOM_ID));
	EXPECT_EQ(LIMIT, oom_figure(nl, AGENTCG_A_OOM_LIMIT));
	EXPECT_GE(LIMIT, oom_figure(nl, AGENTCG_A_OOM_USAGE));
	EXPECT_LT(LIMIT - 4 * MB, oom_figure(nl, AGENTCG_A_OOM_USAGE));
	EXPECT_NE(0, oom_figure(nl, AGENTCG_A_OOM_TIME));
	EXPECT_FALSE(view_has(nl_reply(nl), AGENTCG_A_TOOL_KILLER));
	culprit = process_in(nl, AGENTCG_A_TOOL_OOM, AGENTCG_A_OOM_CULPRIT);
	EXPECT_EQ(pid, view_uint(culprit, AGENTCG_A_PROCESS_PID));
	EXPECT_STREQ("grower", view_string(culprit, AGENTCG_A_PROCESS_COMM));
	EXPECT_LT(LIMIT / 2, view_uint(culprit, AGENTCG_A_PROCESS_SIZE));
}

TEST_F(cause, oom_at_the_call)
{
	is_oom_killed(_metadata, self, self->call.fd, self->call.path,
		      AGENTCG_CAUSE_OOM_CALL);
}

TEST_F(cause, oom_inside_the_call)
{
	char path[CG_PATH_MAX];
	int fd;

	ASSERT_EQ(0, cg_feed(self->call.path));
	snprintf(path, sizeof(path), "%.*s/inner", 200, self->call.path);
	ASSERT_EQ(0, cg_make(path));
	fd = cg_open(path);
	is_oom_killed(_metadata, self, fd, path, AGENTCG_CAUSE_OOM_CALL);
	close(fd);
}

TEST_F(cause, oom_at_the_session)
{
	is_oom_killed(_metadata, self, self->call.fd, self->session.path,
		      AGENTCG_CAUSE_OOM_SESSION);
}

TEST_F(cause, oom_at_an_ancestor)
{
	is_oom_killed(_metadata, self, self->call.fd, CG_BASE,
		      AGENTCG_CAUSE_OOM_ANCESTOR);
}

/* All that there is and more; the machine chooses the call. */
TEST_F_TIMEOUT(cause, oom_of_the_machine, 180)
{
	struct nl *const nl = &self->nl;
	struct sysinfo machine;
	pid_t pid;

	if (slow() > 1)
		SKIP(return, "takes minutes on this kernel");
	ASSERT_EQ(0, sysinfo(&machine));
	pid = cg_spawn(self->call.fd, grows_soon,
		       (void *)(machine.totalram + machine.totalswap));
	ASSERT_LT(0, pid);
	EXPECT_EQ(SIGKILL, WTERMSIG(wait_exit(pid, 120000)));
	ASSERT_EQ(0, call_end(nl, &self->call));
	EXPECT_CAUSE(AGENTCG_CAUSE_OOM_NODE);
	EXPECT_EQ(AGENTCG_CAUSE_OOM_NODE, oom_figure(nl, AGENTCG_A_OOM_LEVEL));
	EXPECT_FALSE(view_has(view_nest(nl_reply(nl), AGENTCG_A_TOOL_OOM),
			      AGENTCG_A_OOM_ID));
	EXPECT_EQ(machine.totalram, oom_figure(nl, AGENTCG_A_OOM_LIMIT));
	EXPECT_EQ(pid, view_uint(process_in(nl, AGENTCG_A_TOOL_OOM,
					    AGENTCG_A_OOM_CULPRIT),
				 AGENTCG_A_PROCESS_PID));
}

/* The whole call goes, and its shell did not grow. */
static int parent_of_grower(void *const arg)
{
	if (!fork())
		return grows((void *)(unsigned long)(2 * LIMIT));
	for (;;)
		pause();
}

TEST_F(cause, culprit_is_a_child)
{
	struct nl *const nl = &self->nl;
	struct view culprit;
	pid_t pid;

	ASSERT_EQ(0, cg_write_u64(self->session.path, "memory.max", LIMIT));
	pid = cg_spawn(self->call.fd, parent_of_grower, NULL);
	EXPECT_EQ(SIGKILL, WTERMSIG(wait_exit(pid, PATIENCE)));
	ASSERT_EQ(0, call_end(nl, &self->call));
	EXPECT_CAUSE(AGENTCG_CAUSE_OOM_SESSION);
	culprit = process_in(nl, AGENTCG_A_TOOL_OOM, AGENTCG_A_OOM_CULPRIT);
	EXPECT_LT(pid, view_uint(culprit, AGENTCG_A_PROCESS_PID));
	EXPECT_STREQ("grower", view_string(culprit, AGENTCG_A_PROCESS_COMM));
}

/* An OOM kill of a child, in a cgroup of its own, and then a kill by hand. */
TEST_F(cause, sigkill_after_an_oom_kill)
{
	struct nl *const nl = &self->nl;
	char path[CG_PATH_MAX];
	pid_t leader, pid;
	int fd;

	/* Processes beside children with controllers need a leaf too. */
	ASSERT_EQ(0, cg_feed(self->call.path));
	snprintf(path, sizeof(path), "%.*s/leaf", 200, self->call.path);
	ASSERT_EQ(0, cg_make(path));
	fd = cg_open(path);
	leader = cg_spawn(fd, stays, NULL);
	ASSERT_LT(0, leader);
	close(fd);
	snprintf(path, sizeof(path), "%.*s/inner", 200, self->call.path);
	ASSERT_EQ(0, cg_make(path));
	/* Not as a unit: the limit inside takes only the child. */
	ASSERT_EQ(0, cg_write_u64(path, "memory.max", LIMIT));
	fd = cg_open(path);
	pid = cg_spawn(fd, grows, (void *)(unsigned long)(2 * LIMIT));
	close(fd);
	EXPECT_EQ(SIGKILL, WTERMSIG(wait_exit(pid, PATIENCE)));
	ASSERT_EQ(0, call_get(nl, &self->call));
	EXPECT_CAUSE(AGENTCG_CAUSE_RUNNING);
	EXPECT_EQ(AGENTCG_CAUSE_OOM_CALL, oom_figure(nl, AGENTCG_A_OOM_LEVEL));
	ASSERT_EQ(0, kill(leader, SIGKILL));
	EXPECT_EQ(SIGKILL, WTERMSIG(wait_exit(leader, PATIENCE)));
	ASSERT_EQ(0, call_end(nl, &self->call));
	EXPECT_CAUSE(AGENTCG_CAUSE_SIGNAL);
	EXPECT_EQ(getpid(), view_uint(process_in(nl, AGENTCG_A_TOOL_KILLER,
						 AGENTCG_A_KILLER_SENDER),
				      AGENTCG_A_PROCESS_PID));
}

/* ---- killers in user space ---- */

/**
 * struct killer - somebody who kills
 * @victim: whom
 * @uid: as which user
 */
struct killer {
	pid_t victim;
	uid_t uid;
};

static int kills(void *const arg)
{
	const struct killer *const killer = arg;

	prctl(PR_SET_NAME, "earlyoom");
	if (setresuid(killer->uid, killer->uid, killer->uid))
		return 1;
	return kill(killer->victim, SIGTERM) ? errno : 0;
}

static int stays_as_nobody(void *const arg)
{
	if (setresuid(65534, 65534, 65534))
		return 1;
	*(volatile uint64_t *)arg = 1;
	return stay();
}

static void is_ended_by_killer(struct __test_metadata *const _metadata,
			       FIXTURE_DATA(cause) *const self, const uid_t uid,
			       const uint32_t cause)
{
	volatile uint64_t *const ready = shared_alloc(sizeof(*ready));
	struct killer killer = { .uid = uid };
	struct nl *const nl = &self->nl;
	pid_t pid;

	killer.victim = cg_spawn(self->call.fd, stays_as_nobody, (void *)ready);
	ASSERT_EQ(0, wait_for(ready, 1, PATIENCE));
	pid = cg_spawn(cg_open(CG_ROOT), kills, &killer);
	EXPECT_EQ(0, WEXITSTATUS(wait_exit(pid, PATIENCE)));
	EXPECT_EQ(SIGTERM, WTERMSIG(wait_exit(killer.victim, PATIENCE)));
	ASSERT_EQ(0, call_end(nl, &self->call));
	EXPECT_CAUSE(cause);
	EXPECT_STREQ("earlyoom",
		     view_string(process_in(nl, AGENTCG_A_TOOL_KILLER,
					    AGENTCG_A_KILLER_SENDER),
				 AGENTCG_A_PROCESS_COMM));
}

TEST_F(cause, user_space_killer)
{
	is_ended_by_killer(_metadata, self, 0, AGENTCG_CAUSE_OOM_USER_SPACE);
}

/* Anybody may call himself so. */
TEST_F(cause, false_user_space_killer)
{
	is_ended_by_killer(_metadata, self, 65534, AGENTCG_CAUSE_SIGNAL);
}

static int runs_earlyoom(void *const arg)
{
	/* As if memory were short already. */
	execl("/usr/bin/earlyoom", "earlyoom", "-m", "99,98", "-r", "0", NULL);
	return 127;
}

/* The real one, which chooses the call by its oom_score_adj. */
TEST_F(cause, earlyoom)
{
	struct nl *const nl = &self->nl;
	pid_t pid, killer;

	if (access("/usr/bin/earlyoom", X_OK))
		SKIP(return, "earlyoom is not installed");
	pid = cg_spawn(self->call.fd, grows, (void *)(unsigned long)(60 * MB));
	ASSERT_EQ(0, call_wait(nl, &self->call, AGENTCG_A_TOOL_USAGE, 60 * MB,
			       PATIENCE));
	killer = cg_spawn(cg_open(CG_ROOT), runs_earlyoom, NULL);
	ASSERT_LT(0, killer);
	wait_exit(pid, PATIENCE);
	kill(killer, SIGKILL);
	ASSERT_EQ(0, call_end(nl, &self->call));
	EXPECT_CAUSE(AGENTCG_CAUSE_OOM_USER_SPACE);
}

/* ---- who may read what ---- */

static int reads_elsewhere(void *const arg)
{
	struct call *const call = arg;
	struct nl nl;
	int status;

	if (unshare(CLONE_NEWPID))
		return 1;
	if (!fork()) {
		if (nl_open(&nl) || receipt_get(&nl, call->id))
			_exit(2);
		/* Its name is no secret, its number means nothing here. */
		_exit(view_has(process_in(&nl, AGENTCG_A_TOOL_KILLER,
					  AGENTCG_A_KILLER_SENDER),
			       AGENTCG_A_PROCESS_PID) ? 3 : 0);
	}
	wait(&status);
	return WEXITSTATUS(status);
}

TEST_F(cause, pid_of_another_namespace)
{
	struct nl *const nl = &self->nl;
	const pid_t pid = cg_spawn(self->call.fd, stays, NULL);
	pid_t reader;

	ASSERT_EQ(0, kill(pid, SIGKILL));
	EXPECT_EQ(SIGKILL, WTERMSIG(wait_exit(pid, PATIENCE)));
	ASSERT_EQ(0, call_end(nl, &self->call));
	reader = cg_spawn(self->session.agent_fd, reads_elsewhere, &self->call);
	EXPECT_EQ(0, WEXITSTATUS(wait_exit(reader, PATIENCE)));
}

TEST_HARNESS_MAIN
