// SPDX-License-Identifier: GPL-2.0-only
/* Memory: grants, debt, revocation, residue; of files, see file_test.c. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "kselftest_harness.h"

#include "fixture.h"

/* On the disk: /tmp is tmpfs. */
#define DISK	"/var/tmp/agentcg-selftests"
#define TMPFS	"/run/agentcg-selftests"

FIXTURE(memory) {
	struct nl nl;
	struct session session;
	struct call call;
	struct filler *filler;
};

FIXTURE_SETUP(memory)
{
	ASSERT_EQ(0, setup(&self->nl));
	self->filler = shared_alloc(sizeof(*self->filler));
	mkdir(DISK, 0755);
	mkdir(TMPFS, 0755);
	ASSERT_EQ(0, mount("tmpfs", TMPFS, "tmpfs", 0, "size=512m"));
}

FIXTURE_TEARDOWN(memory)
{
	teardown(&self->nl);
	umount2(TMPFS, MNT_DETACH);
	if (system("rm -rf " DISK))
		TH_LOG("cannot remove %s", DISK);
}

static void begin(struct __test_metadata *const _metadata,
		  FIXTURE_DATA(memory) *const self, const uint64_t budget,
		  const struct intent intent)
{
	ASSERT_EQ(0, session_start(&self->nl, &self->session, "memory", budget));
	ASSERT_EQ(0, call_start(&self->nl, &self->session, &self->call, "call",
				&intent)) {
		TH_LOG("%s", self->nl.text);
	}
}

/* Runs @fn in the call to its end. */
static int run(const struct call *const call, int (*const fn)(void *arg),
	       void *const arg)
{
	const pid_t pid = cg_spawn(call->fd, fn, arg);

	return pid < 0 ? pid : wait_exit(pid, 60000);
}

static uint64_t high_events(FIXTURE_DATA(memory) *const self)
{
	return cg_read_key(self->session.path, "memory.events", "high");
}

TEST_F_TIMEOUT(memory, grants_absorb_a_burst, 90)
{
	struct nl *const nl = &self->nl;
	const uint64_t size = scaled(200 * MB);

	begin(_metadata, self, 1024 * MB, intent_of(20 * MB, 1024 * MB, 0));
	self->filler->total = size;
	self->filler->stay = true;
	ASSERT_LT(0, cg_spawn(self->call.fd, run_filler, self->filler));
	ASSERT_EQ(0, wait_for(&self->filler->ended, 1, 60000));
	ASSERT_EQ(0, session_balances(nl, &self->session));
	EXPECT_LE(size - 20 * MB, reply_figure(nl, AGENTCG_A_SESSION_GRANTED));
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_SESSION_OVERDRAFT));
	EXPECT_LE(size, reply_figure(nl, AGENTCG_A_SESSION_USAGE));
	EXPECT_EQ(0, high_events(self));
	ASSERT_EQ(0, call_end(nl, &self->call));
	EXPECT_LE(1, reply_figure(nl, AGENTCG_A_TOOL_GRANTS));
	/* A burst takes tens of events, not one for every batch of pages. */
	EXPECT_GE(40, reply_figure(nl, AGENTCG_A_TOOL_GRANTS));
	EXPECT_LE(size - 20 * MB, reply_figure(nl, AGENTCG_A_TOOL_GRANTED_TOTAL));
	EXPECT_LE(size, reply_figure(nl, AGENTCG_A_TOOL_PEAK));
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_TOOL_OVERDRAFT_PEAK));
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_TOOL_STALL_TOTAL));
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_TOOL_EXHAUSTED));
}

static int write_tmpfs(void *const arg)
{
	return make_file(TMPFS "/file", *(uint64_t *)arg, false);
}

/* One system call that charges all of it, so that it cannot be parked. */
static int populate(void *const arg)
{
	return mmap(NULL, *(uint64_t *)arg, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1,
		    0) == MAP_FAILED;
}

static void check_debt(struct __test_metadata *const _metadata,
		       FIXTURE_DATA(memory) *const self,
		       int (*const fn)(void *arg))
{
	const uint64_t stall = 300 * MS;
	struct nl *const nl = &self->nl;
	uint64_t size = scaled(64 * MB), begun;

	begin(_metadata, self, 512 * MB, intent_of(8 * MB, 0, stall));
	begun = now_ns();
	EXPECT_EQ(0, run(&self->call, fn, &size));
	EXPECT_GT(stall + 5000 * MS * slow(), now_ns() - begun);
	EXPECT_EQ(0, session_balances(nl, &self->session));
	/* Nothing was left for the kernel to throttle for. */
	EXPECT_EQ(0, high_events(self));
	ASSERT_EQ(0, call_end(nl, &self->call));
	EXPECT_LE(size - 16 * MB, reply_figure(nl,
					       AGENTCG_A_TOOL_OVERDRAFT_PEAK));
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_TOOL_NATIVE_TOTAL));
	EXPECT_GE(stall + 100 * MS * slow(),
		  reply_figure(nl, AGENTCG_A_TOOL_STALL_TOTAL));
	EXPECT_EQ(0, session_balances(nl, &self->session));
}

TEST_F_TIMEOUT(memory, debt_of_tmpfs, 90)
{
	check_debt(_metadata, self, write_tmpfs);
	/* What the file occupies stays the session's until it is deleted. */
	EXPECT_LE(scaled(64 * MB), reply_figure(&self->nl,
						AGENTCG_A_SESSION_RESIDUE));
	ASSERT_EQ(0, unlink(TMPFS "/file"));
	usleep(200000);
	ASSERT_EQ(0, session_balances(&self->nl, &self->session));
	EXPECT_GE(8 * MB, reply_figure(&self->nl, AGENTCG_A_SESSION_RESIDUE));
}

TEST_F_TIMEOUT(memory, debt_of_populate, 90)
{
	const uint64_t before = info_figure(&self->nl, AGENTCG_A_INFO_DEBTS);

	check_debt(_metadata, self, populate);
	/* Not one for every batch of pages; some are of the way there and back. */
	EXPECT_GE(40, info_figure(&self->nl, AGENTCG_A_INFO_DEBTS) - before);
	EXPECT_GE(8 * MB, reply_figure(&self->nl, AGENTCG_A_SESSION_RESIDUE));
}

/* Fills, gives most of it back, and stays. */
static int fill_and_free(void *const arg)
{
	struct filler *const filler = arg;
	char *const at = fill(filler->total);

	munmap(at + 4 * MB, filler->total - 4 * MB);
	filler->ended = now_ns();
	return stay();
}

TEST_F_TIMEOUT(memory, revoke, 90)
{
	struct filler *const first = shared_alloc(sizeof(*first));
	struct nl *const nl = &self->nl;
	struct call other;
	uint64_t start;

	begin(_metadata, self, 200 * MB, intent_of(8 * MB, 192 * MB, 10000 * MS));
	first->total = 120 * MB;
	ASSERT_LT(0, cg_spawn(self->call.fd, fill_and_free, first));
	ASSERT_EQ(0, call_start(nl, &self->session, &other, "other",
				&(struct intent){ .set = SET(MEM) | SET(STALL),
						  .mem = 8 * MB,
						  .stall = 10000 * MS }));
	ASSERT_EQ(0, wait_for(&first->ended, 1, 30000));
	self->filler->total = 150 * MB;
	start = now_ns();
	EXPECT_EQ(0, run(&other, run_filler, self->filler));
	start = now_ns() - start;
	EXPECT_EQ(0, session_balances(nl, &self->session));
	ASSERT_EQ(0, call_end(nl, &other));
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_TOOL_OVERDRAFT_PEAK));
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_TOOL_EXHAUSTED));
	EXPECT_GE(200 * MS * slow(),
		  reply_figure(nl, AGENTCG_A_TOOL_STALL_TOTAL));
	/* A slow filler finds that the credit has come back by itself. */
	if (start < 1000 * MS)
		EXPECT_LT(0, call_figure(nl, &self->call,
					 AGENTCG_A_TOOL_REVOKED_TOTAL));
}

/* Nobody uses it: it comes back in time, without anybody asking. */
TEST_F_TIMEOUT(memory, idle_credit_flows_back, 60)
{
	struct nl *const nl = &self->nl;
	int i;

	begin(_metadata, self, 256 * MB, intent_of(8 * MB, 192 * MB, 0));
	self->filler->total = 96 * MB;
	ASSERT_LT(0, cg_spawn(self->call.fd, fill_and_free, self->filler));
	ASSERT_EQ(0, wait_for(&self->filler->ended, 1, 30000));
	for (i = 0; i < 200; i++) {
		if (call_figure(nl, &self->call, AGENTCG_A_TOOL_GRANTED) <
		    16 * MB)
			break;
		usleep(100000);
	}
	EXPECT_GT(16 * MB, call_figure(nl, &self->call, AGENTCG_A_TOOL_GRANTED));
	EXPECT_EQ(0, session_balances(nl, &self->session));
}

TEST_F_TIMEOUT(memory, ceiling, 60)
{
	const uint64_t stall = 200 * MS;
	struct nl *const nl = &self->nl;

	begin(_metadata, self, 256 * MB, intent_of(16 * MB, 32 * MB, stall));
	/* Within mem and burst nobody is stopped. */
	self->filler->total = 40 * MB;
	EXPECT_EQ(0, run(&self->call, run_filler, self->filler));
	ASSERT_EQ(0, call_get(nl, &self->call));
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_TOOL_STALL_TOTAL));
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_TOOL_EXHAUSTED));
	EXPECT_GE(32 * MB, reply_figure(nl, AGENTCG_A_TOOL_GRANTED));
	/* Above it is paid for in time first. */
	self->filler->total = 80 * MB;
	EXPECT_EQ(0, run(&self->call, run_filler, self->filler));
	ASSERT_EQ(0, call_end(nl, &self->call));
	EXPECT_LE(1, reply_figure(nl, AGENTCG_A_TOOL_EXHAUSTED));
	EXPECT_LE(stall / 2, reply_figure(nl, AGENTCG_A_TOOL_STALL_TOTAL));
	EXPECT_LE(16 * MB, reply_figure(nl, AGENTCG_A_TOOL_OVERDRAFT_PEAK));
	EXPECT_EQ(0, session_balances(nl, &self->session));
}

TEST_F_TIMEOUT(memory, agent_is_never_held, 60)
{
	struct nl *const nl = &self->nl;
	uint64_t alone, held;

	self->filler->total = scaled(120 * MB);
	ASSERT_EQ(0, session_make(&self->session, "memory"));
	ASSERT_EQ(0, wait_exit(cg_spawn(self->session.agent_fd, run_filler,
					self->filler), 60000));
	alone = self->filler->ended - self->filler->begun;
	ASSERT_EQ(0, cg_remove(self->session.path));

	ASSERT_EQ(0, session_start(nl, &self->session, "memory", 32 * MB));
	self->filler->stay = true;
	ASSERT_LT(0, cg_spawn(self->session.agent_fd, run_filler, self->filler));
	self->filler->ended = 0;
	ASSERT_EQ(0, wait_for(&self->filler->ended, 1, 60000));
	held = self->filler->ended - self->filler->begun;
	EXPECT_GE(3 * alone + 200 * MS, held);
	EXPECT_EQ(0, high_events(self));
	ASSERT_EQ(0, session_balances(nl, &self->session));
	EXPECT_LE(scaled(120 * MB) - 32 * MB,
		  reply_figure(nl, AGENTCG_A_SESSION_OVERDRAFT));
	EXPECT_LE(scaled(120 * MB),
		  reply_figure(nl, AGENTCG_A_SESSION_AGENT_USAGE));
	EXPECT_EQ(0, info_figure(nl, AGENTCG_A_INFO_PARKED));
}

/* A container inside the call has a limit of its own: not ours to raise. */
TEST_F_TIMEOUT(memory, foreign_limit_is_left_alone, 60)
{
	struct nl *const nl = &self->nl;
	char inner[CG_PATH_MAX + 16];
	int fd;

	begin(_metadata, self, 256 * MB, intent_of(8 * MB, 128 * MB, 0));
	ASSERT_EQ(0, cg_feed(self->call.path));
	snprintf(inner, sizeof(inner), "%s/inner", self->call.path);
	ASSERT_EQ(0, cg_make(inner));
	ASSERT_EQ(0, cg_write_u64(inner, "memory.high", 16 * MB));
	fd = cg_open(inner);
	self->filler->total = 20 * MB;
	self->filler->stay = true;
	ASSERT_LT(0, cg_spawn(fd, run_filler, self->filler));
	EXPECT_EQ(0, call_wait(nl, &self->call, AGENTCG_A_TOOL_FOREIGN, 1,
			       20000));
	EXPECT_EQ(16 * MB, cg_read_u64(inner, "memory.high"));
}

/* systemd or a runtime writes memory.high: noticed, and overridden. */
TEST_F_TIMEOUT(memory, overwritten_limit, 60)
{
	struct nl *const nl = &self->nl;
	uint64_t before;

	begin(_metadata, self, 256 * MB, intent_of(8 * MB, 128 * MB, 0));
	before = info_figure(nl, AGENTCG_A_INFO_OVERWRITES);
	ASSERT_EQ(0, cg_write_u64(self->call.path, "memory.high", 4 * MB));
	self->filler->total = 40 * MB;
	EXPECT_EQ(0, run(&self->call, run_filler, self->filler));
	EXPECT_LT(before, info_figure(nl, AGENTCG_A_INFO_OVERWRITES));
	EXPECT_EQ(0, session_balances(nl, &self->session));
}

struct writer {
	int round;
	int files;
	uint64_t size;
};

/* Some of the files are written anew each time, so that the disk suffices. */
static int write_file(void *const arg)
{
	const struct writer *const writer = arg;
	char name[64];

	snprintf(name, sizeof(name), DISK "/file%d",
		 writer->round % writer->files);
	return make_file(name, writer->size, false);
}

/*
 * What a call leaves in the page cache stays charged to its session: booked as
 * residue, and no obstacle to the next call.
 */
TEST_F_TIMEOUT(memory, residue, 1800)
{
	const struct intent intent = intent_of(16 * MB, 64 * MB, 500 * MS);
	const bool soak = rounds(0);
	struct writer writer = {
		.files = soak ? 4 : 16,
		.size = soak ? 100 * MB : 10 * MB,
	};
	const uint64_t budget = soak ? 256 * MB : 96 * MB;
	struct nl *const nl = &self->nl;
	const int count = soak ? 100 : slow() > 1 ? 10 : 40;

	ASSERT_EQ(0, session_start(nl, &self->session, "memory", budget));
	for (writer.round = 0; writer.round < count; writer.round++) {
		ASSERT_EQ(0, call_start(nl, &self->session, &self->call, "call",
					&intent)) {
			TH_LOG("round %d: %s", writer.round, nl->text);
		}
		ASSERT_EQ(0, run(&self->call, write_file, &writer));
		ASSERT_EQ(0, session_balances(nl, &self->session));
		ASSERT_EQ(0, call_end(nl, &self->call));
		ASSERT_EQ(0, session_balances(nl, &self->session));
		ASSERT_EQ(0, reply_figure(nl, AGENTCG_A_SESSION_RESERVED));
		ASSERT_GE(MB, reply_figure(nl, AGENTCG_A_SESSION_GRANTED));
	}
	/* All that is in use is accounted for. */
	EXPECT_EQ(reply_figure(nl, AGENTCG_A_SESSION_USAGE),
		  reply_figure(nl, AGENTCG_A_SESSION_RESIDUE) +
		  reply_figure(nl, AGENTCG_A_SESSION_AGENT_USAGE));
	EXPECT_GE(budget + 16 * MB, reply_figure(nl, AGENTCG_A_SESSION_USAGE));
	/* A call that wants nearly all of the budget pushes it out. */
	self->filler->total = budget / 2;
	ASSERT_EQ(0, call_start(nl, &self->session, &self->call, "call",
				&(struct intent){ .set = SET(MEM),
						  .mem = budget / 2 + 8 * MB }));
	EXPECT_EQ(0, run(&self->call, run_filler, self->filler));
	ASSERT_EQ(0, call_end(nl, &self->call));
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_TOOL_EXHAUSTED));
	EXPECT_EQ(0, session_balances(nl, &self->session));
}

TEST_HARNESS_MAIN
