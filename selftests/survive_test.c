// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tool dies, the agent lives: whatever a call does in its session, the
 * agent goes on answering, and it is the call that goes, whole.
 */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "kselftest_harness.h"

#include "fixture.h"
#include "runaway.h"

#define BUDGET		scaled(64 * MB)

/*
 * In which the agent answers, whatever goes on: where instructions count as
 * time, and where the host may have other things to do than to emulate.
 */
#define ANSWER_MS_EXACT	250
#define ANSWER_MS	10000
/* What may be left over of a call, in the kernel's caches for example. */
#define REST		(8 * MB)
#define REST_OF_GUEST	(64 * MB)

FIXTURE(survive) {
	struct nl nl;
	struct session session;
	struct call call;
	pid_t agent;
	int ask;
	int answer;
	uint64_t *count;
	uint64_t slowest;
	uint64_t free;
	uint64_t available;
};

FIXTURE_VARIANT(survive) {
	const struct runaway *kind;
	uint64_t agent_size;
	uint32_t class;
};

#define KIND(name, NAME)						\
	FIXTURE_VARIANT_ADD(survive, name) {				\
		.kind = &runaways[RUNAWAY_##NAME],			\
		.agent_size = 16 * MB,					\
		.class = AGENTCG_CLASS_BATCH,				\
	}

KIND(malloc_loop, MALLOC_LOOP);
KIND(fork_bomb, FORK_BOMB);
KIND(file_mapper, FILE_MAPPER);
KIND(tmpfs_writer, TMPFS_WRITER);
KIND(pipe_filler, PIPE_FILLER);
KIND(thread_storm, THREAD_STORM);
KIND(page_tables, PAGE_TABLES);
KIND(hoarder, HOARDER);
KIND(spinner, SPINNER);
KIND(file_writer, FILE_WRITER);

/* The kernel would find the agent the heavier, score and all. */
FIXTURE_VARIANT_ADD(survive, beside_large_agent) {
	.kind = &runaways[RUNAWAY_PIPE_FILLER],
	.agent_size = 48 * MB,
	.class = AGENTCG_CLASS_INTERACTIVE,
};

/* How the agent is asked: for an answer, or for some work first. */
#define PLAIN	'?'
#define WORK	'!'

struct agent {
	uint64_t size;
	int ask;
	int answer;
};

/* Answers every byte with its pid. */
static int agent_main(void *const arg)
{
	const struct agent *const agent = arg;
	const pid_t pid = getpid();
	char byte;

	fill(agent->size);
	while (read(agent->ask, &byte, 1) == 1) {
		/* As nothing is done without memory. */
		if (byte == WORK)
			munmap(fill(MB), MB);
		if (write(agent->answer, &pid, sizeof(pid)) != sizeof(pid))
			return 1;
	}
	return 0;
}

static void start_agent(struct __test_metadata *const _metadata,
			FIXTURE_DATA(survive) *const self, const uint64_t size)
{
	struct agent agent = { .size = size };
	int ask[2], answer[2];

	ASSERT_EQ(0, pipe(ask));
	ASSERT_EQ(0, pipe(answer));
	agent.ask = ask[0];
	agent.answer = answer[1];
	self->agent = cg_spawn(self->session.agent_fd, agent_main, &agent);
	ASSERT_LT(0, self->agent);
	self->ask = ask[1];
	self->answer = answer[0];
}

static uint64_t answer_bound(void)
{
	return (getenv("AGENTCG_TEST_EXACT") ? ANSWER_MS_EXACT : ANSWER_MS) *
	       MS * slow();
}

/* Asks once; also that it is alone in its leaf, as it was. */
static void ask_agent(struct __test_metadata *const _metadata,
		      FIXTURE_DATA(survive) *const self, const char how)
{
	const uint64_t begin = now_ns();
	struct pollfd answer = { .fd = self->answer, .events = POLLIN };
	uint64_t took;
	pid_t pid = 0;

	ASSERT_EQ(1, write(self->ask, &how, 1));
	ASSERT_EQ(1, poll(&answer, 1, 60000)) {
		TH_LOG("the agent does not answer, OOM kills of it: %llu",
		       (unsigned long long)cg_read_key(self->session.agent,
						       "memory.events",
						       "oom_kill"));
	}
	ASSERT_EQ(sizeof(pid), read(self->answer, &pid, sizeof(pid)));
	ASSERT_EQ(self->agent, pid);
	ASSERT_EQ(self->agent, cg_read_u64(self->session.agent, "cgroup.procs"));
	took = now_ns() - begin;
	EXPECT_GE(answer_bound(), took);
	if (self->slowest < took)
		self->slowest = took;
}

static uint64_t guest_available(void)
{
	char buf[8192], *at;

	cg_read("/proc", "meminfo", buf, sizeof(buf));
	at = strstr(buf, "MemAvailable:");
	return at ? strtoull(at + strlen("MemAvailable:"), NULL, 10) * 1024 : 0;
}

/* The kernel frees much only after a while. */
static bool guest_recovers(const uint64_t available)
{
	const uint64_t end = now_ns() + 10000 * MS * slow();

	while (guest_available() + REST_OF_GUEST < available) {
		if (now_ns() > end)
			return false;
		usleep(10000);
	}
	return true;
}

static uint64_t session_figure(FIXTURE_DATA(survive) *const self,
			       const int attr)
{
	return session_get(&self->nl, &self->session) ? 0 :
	       reply_figure(&self->nl, attr);
}

FIXTURE_SETUP(survive)
{
	ASSERT_EQ(0, setup(&self->nl));
	ASSERT_EQ(0, runaway_prepare());
	ASSERT_EQ(0, session_start(&self->nl, &self->session, "survive",
				   BUDGET));
	ASSERT_EQ(0, cg_write_u64(self->session.path, "memory.max",
				  scaled(RUNAWAY_MEMORY)));
	self->count = shared_alloc(sizeof(*self->count));
	self->slowest = 0;
	start_agent(_metadata, self, scaled(variant->agent_size));
	ask_agent(_metadata, self, WORK);
	self->free = session_figure(self, AGENTCG_A_SESSION_FREE);
	self->available = guest_available();
}

FIXTURE_TEARDOWN(survive)
{
	teardown(&self->nl);
	runaway_clear();
	umount2(RUNAWAY_TMPFS, MNT_DETACH);
}

/*
 * A session that is full of what nobody can reclaim, nor free by dying, has no
 * page for the agent either: the kernel would have nobody else to kill.
 */
static char way_to_ask(const struct runaway *const kind)
{
	return kind->stays ? PLAIN : WORK;
}

/* Until @pid has ended; the agent is asked all the while. */
static int ask_until_exit(struct __test_metadata *const _metadata,
			  FIXTURE_DATA(survive) *const self,
			  const struct runaway *const kind, const pid_t pid)
{
	const uint64_t end = now_ns() + 120000 * MS * slow();
	int status;

	do {
		ask_agent(_metadata, self, way_to_ask(kind));
		status = wait_exit(pid, 10);
	} while (status == -ETIMEDOUT && now_ns() < end);
	return status;
}

static void ask_until_enough(struct __test_metadata *const _metadata,
			     FIXTURE_DATA(survive) *const self,
			     const struct runaway *const kind)
{
	const uint64_t end = now_ns() + 120000 * MS * slow();

	do {
		ask_agent(_metadata, self, way_to_ask(kind));
		ASSERT_LT(now_ns(), end) {
			TH_LOG("%s: it came no further than %llu", kind->name,
			       (unsigned long long)*self->count);
		}
	} while (wait_for(self->count, kind->enough, 10));
}

static void check_receipt(struct __test_metadata *const _metadata,
			  FIXTURE_DATA(survive) *const self,
			  const enum runaway_end end)
{
	const uint64_t cause = reply_figure(&self->nl, AGENTCG_A_TOOL_CAUSE);

	EXPECT_EQ(SIGKILL, reply_figure(&self->nl, AGENTCG_A_TOOL_EXIT_SIGNAL));
	if (end == RUNAWAY_KILL) {
		EXPECT_EQ(AGENTCG_CAUSE_USER_KILL, cause);
		return;
	}
	EXPECT_EQ(AGENTCG_CAUSE_OOM_SESSION, cause);
	EXPECT_LE(1, reply_figure(&self->nl, AGENTCG_A_TOOL_OOM_KILLS));
}

/*
 * Account and memory are again what they were, when the kernel has dropped what
 * it keeps in its caches.
 */
static void check_nothing_left(struct __test_metadata *const _metadata,
			       FIXTURE_DATA(survive) *const self)
{
	const uint64_t end = now_ns() + 10000 * MS * slow();
	struct nl *const nl = &self->nl;

	while (session_figure(self, AGENTCG_A_SESSION_FREE) + REST < self->free &&
	       now_ns() < end) {
		usleep(10000);
		cg_write(self->session.path, "memory.reclaim", "16M");
	}
	EXPECT_EQ(0, session_balances(nl, &self->session));
	EXPECT_LE(self->free, reply_figure(nl, AGENTCG_A_SESSION_FREE) + REST);
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_SESSION_RESERVED));
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_SESSION_OVERDRAFT));
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_SESSION_TOOLS));
	EXPECT_EQ(0, cg_read_key(self->session.agent, "memory.events",
				 "oom_kill"));
}

/* One call that runs away. */
static void run_away(struct __test_metadata *const _metadata,
		     FIXTURE_DATA(survive) *const self,
		     const FIXTURE_VARIANT(survive) *const variant,
		     const bool limited)
{
	const struct runaway *const kind = variant->kind;
	const enum runaway_end end = limited ? kind->end_limited : kind->end;
	struct intent intent = intent_of(4 * MB, 64 * MB, 100 * MS);
	struct nl *const nl = &self->nl;
	const uint64_t kills = info_figure(nl, AGENTCG_A_INFO_KILLS);
	int status;
	pid_t pid;

	ASSERT_EQ(0, limited ? cg_write_u64(self->session.path, "pids.max",
					    scaled(RUNAWAY_PIDS)) :
			       cg_write(self->session.path, "pids.max", "max"));
	*self->count = 0;
	intent.set |= SET(CLASS);
	intent.class = variant->class;
	ASSERT_EQ(0, call_start(nl, &self->session, &self->call, "call",
				&intent)) {
		TH_LOG("%s", nl->text);
	}
	pid = cg_spawn(self->call.fd, kind->run, self->count);
	ASSERT_LT(0, pid);
	if (end == RUNAWAY_KILL) {
		ask_until_enough(_metadata, self, kind);
		ASSERT_EQ(0, call_kill(nl, &self->call));
	}
	status = ask_until_exit(_metadata, self, kind, pid);
	ASSERT_LE(0, status);
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(SIGKILL, WTERMSIG(status));
	/* All of it, not one process of many. */
	EXPECT_EQ(0, cg_wait_empty(self->call.path, 30000 * slow()));
	runaway_clear();
	ask_agent(_metadata, self, WORK);
	ASSERT_EQ(0, call_end(nl, &self->call));
	check_receipt(_metadata, self, end);
	/* The module has to see to it that nobody is left or born. */
	if (kind->family)
		EXPECT_EQ(kills + 1, info_figure(nl, AGENTCG_A_INFO_KILLS));
	check_nothing_left(_metadata, self);
}

/* No limit on the time: the long form has a hundred rounds. */
TEST_F_TIMEOUT(survive, agent_lives, 7200)
{
	/* The debug kernel takes minutes for each. */
	const unsigned int all = rounds(slow() > 1 ? 1 : 2);
	unsigned int i;

	if (slow() > 1 && variant->kind != &runaways[RUNAWAY_FORK_BOMB] &&
	    variant->class == AGENTCG_CLASS_BATCH)
		SKIP(return, "the debug kernel sees as much of one family, and of one beside a large agent");
	for (i = 0; i < all; i++) {
		/* There, it is the end of so many processes that takes long. */
		run_away(_metadata, self, variant, slow() > 1 || i % 2);
		if (i + 1 == all || i % 10 == 9)
			TH_LOG("%s: %u of %u rounds, slowest answer %llu ms",
			       variant->kind->name, i + 1, all,
			       (unsigned long long)(self->slowest / MS));
	}
	EXPECT_TRUE(guest_recovers(self->available)) {
		TH_LOG("%llu bytes available before, %llu after",
		       (unsigned long long)self->available,
		       (unsigned long long)guest_available());
	}
}

/*
 * Short of memory is not a session, but what two of them and somebody else are in.
 * None of this is kept from the kernel, unless it would take an agent.
 */
FIXTURE(above) {
	struct nl nl;
	struct session session;
	struct session other;
	struct call call;
	pid_t agent;
	uint64_t *filled;
};

FIXTURE_SETUP(above)
{
	ASSERT_EQ(0, setup(&self->nl));
	ASSERT_EQ(0, session_start(&self->nl, &self->session, "agent", 1024 * MB));
	ASSERT_EQ(0, session_start(&self->nl, &self->other, "call", 1024 * MB));
	self->filled = shared_alloc(sizeof(*self->filled));
}

FIXTURE_TEARDOWN(above)
{
	teardown(&self->nl);
}

/* Tells when it has what it wants, and stays. */
struct holder {
	uint64_t size;
	uint64_t *filled;
};

static int hold(void *const arg)
{
	const struct holder *const holder = arg;

	fill(holder->size);
	__atomic_store_n(holder->filled, 1, __ATOMIC_RELEASE);
	return stay();
}

static pid_t start_holder(struct __test_metadata *const _metadata,
			  FIXTURE_DATA(above) *const self, const int fd,
			  const uint64_t size)
{
	struct holder holder = { .size = size, .filled = self->filled };
	pid_t pid;

	*self->filled = 0;
	pid = cg_spawn(fd, hold, &holder);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, wait_for(self->filled, 1, 30000 * slow()));
	return pid;
}

static pid_t grow_call(struct __test_metadata *const _metadata,
		       FIXTURE_DATA(above) *const self, const uint64_t size)
{
	struct intent intent = intent_of(8 * MB, 512 * MB, 100 * MS);
	struct holder holder = { .size = size, .filled = self->filled };
	pid_t pid;

	intent.set |= SET(CLASS);
	intent.class = AGENTCG_CLASS_INTERACTIVE;
	ASSERT_EQ(0, call_start(&self->nl, &self->other, &self->call, "call",
				&intent));
	*self->filled = 0;
	pid = cg_spawn(self->call.fd, hold, &holder);
	ASSERT_LT(0, pid);
	return pid;
}

/* By the kernel's own count the agent is the heavier, score of the call and all. */
TEST_F_TIMEOUT(above, a_call_dies_for_the_agent_of_another, 120)
{
	struct nl *const nl = &self->nl;
	unsigned int i;
	pid_t agent, pid;

	ASSERT_EQ(0, cg_write_u64(CG_BASE, "memory.max", 128 * MB));
	agent = start_holder(_metadata, self, self->session.agent_fd, 88 * MB);
	for (i = 0; i < rounds(3); i++) {
		pid = grow_call(_metadata, self, 96 * MB);
		EXPECT_EQ(SIGKILL, WTERMSIG(wait_exit(pid, 30000 * slow())));
		ASSERT_EQ(0, call_end(nl, &self->call));
		EXPECT_EQ(AGENTCG_CAUSE_OOM_ANCESTOR,
			  reply_figure(nl, AGENTCG_A_TOOL_CAUSE));
		ASSERT_EQ(0, kill(agent, 0));
		ASSERT_EQ(0, cg_read_key(self->session.agent, "memory.events",
					 "oom_kill"));
	}
}

TEST_F_TIMEOUT(above, others_are_left_to_the_kernel, 120)
{
	char path[CG_PATH_MAX];
	pid_t agent, other;
	int fd;

	ASSERT_EQ(0, cg_write_u64(CG_BASE, "memory.max", 128 * MB));
	agent = start_holder(_metadata, self, self->session.agent_fd, 16 * MB);
	snprintf(path, sizeof(path), "%s/none", CG_BASE);
	ASSERT_EQ(0, cg_make(path));
	fd = cg_open(path);
	other = start_holder(_metadata, self, fd, 80 * MB);
	close(fd);
	grow_call(_metadata, self, 48 * MB);
	/* Had the call been named, there would be memory enough. */
	EXPECT_EQ(SIGKILL, WTERMSIG(wait_exit(other, 30000 * slow())));
	EXPECT_EQ(0, kill(agent, 0));
}

TEST_HARNESS_MAIN
