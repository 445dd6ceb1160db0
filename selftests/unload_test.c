// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module goes while everything is under way, and nothing of it is left;
 * and when its hook is dead, nobody is throttled for its sake.
 */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "kselftest_harness.h"

#include "fixture.h"

#define FOUND_HIGH	(4096 * 100000ULL)
#define LONG_STALL	(120000 * MS)
#define RECEIVED	(24 * MB)
#define PARAMETERS	"/sys/module/agentcg/parameters"

FIXTURE(unload) {
	struct nl nl;
	struct session session;
	struct call parked;
	struct call bursting;
	struct call receiving;
	struct filler *fillers;
	volatile uint64_t *beats;
	pid_t pids[4];
	int socket;
};

FIXTURE_SETUP(unload)
{
	self->fillers = shared_alloc(2 * sizeof(*self->fillers));
	self->beats = shared_alloc(sizeof(*self->beats));
}

FIXTURE_TEARDOWN(unload)
{
	cg_remove(CG_BASE);
	module_unload();
	module_load("");
}

/* Events without end: fills, frees, fills. */
static int burst_for_ever(void *const arg)
{
	volatile uint64_t *const beats = arg;

	for (;;) {
		char *const at = fill(48 * MB);

		munmap(at, 48 * MB);
		++*beats;
	}
	return 0;
}

struct receiver {
	int socket;
	volatile uint64_t done;
};

/*
 * Charges inside a system call that does not come back: what is queued for its
 * return must not be there when the module has gone.
 */
static int receive_all(void *const arg)
{
	struct receiver *const receiver = arg;
	char *const at = mmap(NULL, RECEIVED, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	receiver->done = recv(receiver->socket, at, RECEIVED, MSG_WAITALL);
	return stay();
}

static int send_bytes(const int fd, uint64_t bytes)
{
	static char buf[1 << 16];

	while (bytes) {
		const ssize_t sent = send(fd, buf, bytes < sizeof(buf) ? bytes :
					  sizeof(buf), 0);

		if (sent < 0)
			return -errno;
		bytes -= sent;
	}
	return 0;
}

static void start_receiver(struct __test_metadata *const _metadata,
			   FIXTURE_DATA(unload) *const self,
			   struct receiver *const receiver)
{
	const struct intent intent = intent_of(4 * MB, 0, LONG_STALL);
	int fds[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
	self->socket = fds[0];
	receiver->socket = fds[1];
	receiver->done = 0;
	ASSERT_EQ(0, call_start(&self->nl, &self->session, &self->receiving,
				"receiving", &intent));
	self->pids[2] = cg_spawn(self->receiving.fd, receive_all, receiver);
	ASSERT_LT(0, self->pids[2]);
	ASSERT_EQ(0, send_bytes(self->socket, RECEIVED / 2));
}

/* A session in which all of it happens at once. */
static void start_all(struct __test_metadata *const _metadata,
		      FIXTURE_DATA(unload) *const self,
		      struct receiver *const receiver)
{
	/* Far less than one thread's part: none may be done before it parks. */
	const struct intent stuck = intent_of(4 * MB, 0, LONG_STALL);
	const struct intent burst = intent_of(8 * MB, 64 * MB, LONG_STALL);
	struct msg msg;

	ASSERT_EQ(0, setup(&self->nl));
	ASSERT_EQ(0, session_make(&self->session, "unload"));
	ASSERT_EQ(0, cg_write_u64(self->session.path, "memory.high",
				  FOUND_HIGH));
	session_request(&msg, &self->session, 256 * MB);
	ASSERT_EQ(0, nl_do(&self->nl, &msg));
	self->fillers[0] = (struct filler){
		.total = 128 * MB, .stay = true, .threads = 8,
	};
	ASSERT_EQ(0, call_start(&self->nl, &self->session, &self->parked,
				"parked", &stuck));
	self->pids[0] = cg_spawn(self->parked.fd, run_filler, self->fillers);
	ASSERT_EQ(0, call_start(&self->nl, &self->session, &self->bursting,
				"bursting", &burst));
	self->pids[1] = cg_spawn(self->bursting.fd, burst_for_ever,
				 (void *)self->beats);
	start_receiver(_metadata, self, receiver);
	ASSERT_EQ(0, call_wait(&self->nl, &self->parked, AGENTCG_A_TOOL_PARKED,
			       8, 30000));
	ASSERT_EQ(0, wait_for(self->beats, *self->beats + 1, 30000));
}

static void check_left_alone(struct __test_metadata *const _metadata,
			     FIXTURE_DATA(unload) *const self,
			     struct receiver *const receiver)
{
	EXPECT_EQ(FOUND_HIGH, cg_read_u64(self->session.path, "memory.high"));
	EXPECT_EQ(UINT64_MAX, cg_read_u64(self->parked.path, "memory.high"));
	EXPECT_EQ(UINT64_MAX, cg_read_u64(self->bursting.path, "memory.high"));
	EXPECT_EQ(UINT64_MAX, cg_read_u64(self->receiving.path, "memory.high"));
	/* All parked tasks got away and finish. */
	EXPECT_EQ(0, wait_for(&self->fillers[0].ended, 1, 30000));
	EXPECT_EQ(0, wait_for(self->beats, *self->beats + 2, 30000));
	ASSERT_EQ(0, send_bytes(self->socket, RECEIVED - RECEIVED / 2));
	EXPECT_EQ(0, wait_for(&receiver->done, RECEIVED, 30000));
	EXPECT_EQ(0, kill(self->pids[0], 0));
	EXPECT_EQ(0, kill(self->pids[1], 0));
	EXPECT_EQ(0, kill(self->pids[2], 0));
}

TEST_F_TIMEOUT(unload, while_all_is_under_way, 7200)
{
	struct receiver *const receiver = shared_alloc(sizeof(*receiver));
	const unsigned int count = rounds(slow() > 1 ? 2 : 5);
	uint64_t begun;
	unsigned int i;
	int k;

	for (i = 0; i < count; i++) {
		start_all(_metadata, self, receiver);
		nl_close(&self->nl);
		begun = now_ns();
		ASSERT_EQ(0, module_unload());
		EXPECT_GT(10000 * MS * slow(), now_ns() - begun);
		EXPECT_EQ(0, module_loaded());
		check_left_alone(_metadata, self, receiver);
		ASSERT_EQ(0, module_load(""));
		ASSERT_EQ(0, cg_remove(CG_BASE));
		for (k = 0; k < 3; k++)
			wait_exit(self->pids[k], 20000);
		close(self->socket);
		close(receiver->socket);
	}
}

static void *beat_sessions(void *const arg)
{
	volatile bool *const stop = arg;
	struct session session;
	struct nl nl;

	while (!*stop) {
		if (nl_open(&nl))
			continue;
		if (!session_start(&nl, &session, "beat", 32 * MB))
			session_del(&nl, &session);
		nl_close(&nl);
		close(session.fd);
		close(session.agent_fd);
		cg_remove(session.path);
	}
	return NULL;
}

/* Requests come in all the while. */
TEST_F_TIMEOUT(unload, while_requests_come, 1800)
{
	static volatile bool stop;
	pthread_t thread;
	unsigned int i;

	ASSERT_EQ(0, setup(&self->nl));
	nl_close(&self->nl);
	stop = false;
	ASSERT_EQ(0, pthread_create(&thread, NULL, beat_sessions,
				    (void *)&stop));
	for (i = 0; i < rounds(slow() > 1 ? 5 : 10); i++) {
		usleep(50000);
		EXPECT_EQ(0, module_unload());
		EXPECT_EQ(0, module_load(""));
	}
	stop = true;
	pthread_join(thread, NULL);
}

/*
 * The hook is off and the limits are there: what the kernel then does with
 * memory that cannot be reclaimed is the outage that the watchdog is for.
 */
TEST_F_TIMEOUT(unload, dead_hook_fails_open, 120)
{
	const struct intent intent = intent_of(8 * MB, 0, LONG_STALL);
	struct filler *const filler = self->fillers;
	struct session late;
	struct nl *const nl = &self->nl;
	uint64_t begun;

	ASSERT_EQ(0, setup(nl));
	ASSERT_EQ(0, session_start(nl, &self->session, "unload", 256 * MB));
	ASSERT_EQ(0, call_start(nl, &self->session, &self->parked, "call",
				&intent));
	ASSERT_EQ(0, cg_write(PARAMETERS, "hook", "0"));
	EXPECT_EQ(0, info_figure(nl, AGENTCG_A_INFO_CAPABILITIES) &
		     AGENTCG_CAPABILITY_HOOK);
	filler->total = 128 * MB;
	filler->stay = true;
	begun = now_ns();
	ASSERT_LT(0, cg_spawn(self->parked.fd, run_filler, filler));
	EXPECT_EQ(0, info_wait(nl, AGENTCG_A_INFO_FAIL_OPEN, 1, 30000));
	EXPECT_GE(8000 * MS * slow(), now_ns() - begun) {
		TH_LOG("it took %llu ms", (unsigned long long)
		       ((now_ns() - begun) / MS));
	}
	EXPECT_EQ(0, wait_for(&filler->ended, 1, 30000));
	EXPECT_EQ(UINT64_MAX, cg_read_u64(self->session.path, "memory.high"));
	EXPECT_EQ(UINT64_MAX, cg_read_u64(self->parked.path, "memory.high"));
	/* Nobody new gets in. */
	EXPECT_EQ(-EOPNOTSUPP, session_start(nl, &late, "late", 64 * MB));
	EXPECT_TRUE(says(nl, "hook"));
	nl_close(nl);
}

/* Loaded without it: says so and refuses. */
TEST_F_TIMEOUT(unload, loaded_without_hook, 60)
{
	struct nl *const nl = &self->nl;

	ASSERT_EQ(0, module_unload());
	ASSERT_EQ(0, module_load("hook=0"));
	ASSERT_EQ(0, setup(nl));
	EXPECT_EQ(-EOPNOTSUPP, session_start(nl, &self->session, "unload",
					     64 * MB));
	EXPECT_TRUE(says(nl, "hook"));
	ASSERT_EQ(0, cg_write(PARAMETERS, "hook", "1"));
	EXPECT_EQ(AGENTCG_CAPABILITY_HOOK,
		  info_figure(nl, AGENTCG_A_INFO_CAPABILITIES) &
		  AGENTCG_CAPABILITY_HOOK);
	nl_close(nl);
}

/* The kernel itself refuses to switch the hook off. */
TEST_F(unload, ftrace_stays_on)
{
	char value[16];

	ASSERT_EQ(0, setup(&self->nl));
	if (access("/proc/sys/kernel/ftrace_enabled", F_OK))
		SKIP(return, "this kernel has no such switch");
	EXPECT_NE(0, cg_write("/proc/sys/kernel", "ftrace_enabled", "0"));
	EXPECT_STREQ("1", cg_read("/proc/sys/kernel", "ftrace_enabled", value,
				  sizeof(value)));
	nl_close(&self->nl);
}

TEST_HARNESS_MAIN
