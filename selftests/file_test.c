// SPDX-License-Identifier: GPL-2.0-only
/* File or anonymous: what page cache costs a call, and what it does not. */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "fixture.h"

/* On the disk: /tmp is tmpfs. */
#define DISK	"/var/tmp/agentcg-selftests"
#define NAME	DISK "/big"
#define NATIVE	CG_BASE "/native"

/* Soft limit of every call here, and of who is compared with it. */
#define LIMIT	(100 * MB)
#define BURST	(400 * MB)

/* Shorter than all the reclaim that a long file takes. */
#define STALL	(500 * MS * slow())

/* A slow kernel reclaims for longer while a writer waits for the disk. */
#define LONG_STALL	(slow() > 1 ? 5 * STALL : STALL)

/* Times that each reads; they take turns, and the quickest counts. */
#define TURNS	3

/* Of the disk, by the second: slower than any process that fills memory. */
#define WRITE_RATE	(32 * MB)

/* Where the kernel holds writers back, in percent of what may be page cache. */
#define VM	"/proc/sys/vm"

FIXTURE(file) {
	struct nl nl;
	struct session session;
	struct call call;
	struct filler *filler;
	uint64_t dirty_ratio;
	uint64_t background;
};

FIXTURE_SETUP(file)
{
	ASSERT_EQ(0, setup(&self->nl));
	self->filler = shared_alloc(sizeof(*self->filler));
	self->dirty_ratio = cg_read_u64(VM, "dirty_ratio");
	self->background = cg_read_u64(VM, "dirty_background_ratio");
	mkdir(DISK, 0755);
}

FIXTURE_TEARDOWN(file)
{
	cg_write_u64(VM, "dirty_ratio", self->dirty_ratio);
	cg_write_u64(VM, "dirty_background_ratio", self->background);
	teardown(&self->nl);
	if (system("rm -rf " DISK))
		TH_LOG("cannot remove %s", DISK);
}

static void begin(struct __test_metadata *const _metadata,
		  FIXTURE_DATA(file) *const self, const uint64_t stall)
{
	const struct intent intent = intent_of(LIMIT, BURST, stall);

	ASSERT_EQ(0, session_start(&self->nl, &self->session, "file",
				   LIMIT + BURST));
	ASSERT_EQ(0, call_start(&self->nl, &self->session, &self->call, "call",
				&intent)) {
		TH_LOG("%s", self->nl.text);
	}
}

static int run(const int cgroup_fd, int (*const fn)(void *arg), void *const arg)
{
	const pid_t pid = cg_spawn(cgroup_fd, fn, arg);

	return pid < 0 ? pid : wait_exit(pid, 300000);
}

/* A file of holes: reading it takes page cache and no disk. */
static int make_holes(const uint64_t size)
{
	const int fd = open(NAME, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	const int err = ftruncate(fd, size);

	close(fd);
	return err;
}

/* What was read is charged to nobody any more. */
static void drop_cache(void)
{
	const int fd = open(NAME, O_RDONLY);

	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	close(fd);
}

static int read_timed(void *const arg)
{
	struct filler *const filler = arg;
	int err;

	filler->begun = now_ns();
	err = read_file(NAME);
	filler->ended = now_ns();
	return err;
}

/* Return: how long @cgroup_fd's reader took, in ns, 0 when it failed. */
static uint64_t time_reading(FIXTURE_DATA(file) *const self, const int cgroup_fd)
{
	drop_cache();
	if (run(cgroup_fd, read_timed, self->filler))
		return 0;
	return self->filler->ended - self->filler->begun;
}

static uint64_t read_natively(FIXTURE_DATA(file) *const self)
{
	uint64_t spent;
	int fd;

	if (cg_make(NATIVE) || cg_write_u64(NATIVE, "memory.high", LIMIT))
		return 0;
	fd = cg_open(NATIVE);
	spent = time_reading(self, fd);
	close(fd);
	return cg_remove(NATIVE) ? 0 : spent;
}

/* No credit was taken, nobody was held back. */
static void check_reader(struct __test_metadata *const _metadata,
			 const struct nl *const nl)
{
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_TOOL_GRANTS));
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_TOOL_GRANTED_TOTAL));
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_TOOL_OVERDRAFT_PEAK));
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_TOOL_EXHAUSTED));
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_TOOL_FOREIGN));
	EXPECT_NE(0, reply_figure(nl, AGENTCG_A_TOOL_NATIVE_TOTAL));
	EXPECT_GE(LIMIT + 8 * MB, reply_figure(nl, AGENTCG_A_TOOL_PEAK));
	EXPECT_GE(reply_figure(nl, AGENTCG_A_TOOL_NATIVE_TOTAL),
		  reply_figure(nl, AGENTCG_A_TOOL_STALL_TOTAL));
	EXPECT_GT(STALL, reply_figure(nl, AGENTCG_A_TOOL_STALL_TOTAL));
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_TOOL_DIRTY_TOTAL));
	TH_LOG("native %llu ms, stall %llu ms",
	       reply_figure(nl, AGENTCG_A_TOOL_NATIVE_TOTAL) / MS,
	       reply_figure(nl, AGENTCG_A_TOOL_STALL_TOTAL) / MS);
}

/* A file many times the limit, as quickly as under memory.high alone. */
TEST_F_TIMEOUT(file, reader_at_native_speed, 1200)
{
	const uint64_t size = rounds(0) ? 2048 * MB : scaled(512 * MB);
	uint64_t native = UINT64_MAX, ours = UINT64_MAX, spent;
	const bool exact = getenv("AGENTCG_TEST_EXACT");
	struct nl *const nl = &self->nl;
	int i;

	ASSERT_EQ(0, make_holes(size));
	for (i = 0; i < (exact || slow() > 1 ? 1 : TURNS); i++) {
		spent = read_natively(self);
		ASSERT_NE(0, spent);
		native = spent < native ? spent : native;
		begin(_metadata, self, STALL);
		spent = time_reading(self, self->call.fd);
		ASSERT_NE(0, spent);
		ours = spent < ours ? spent : ours;
		EXPECT_EQ(0, session_balances(nl, &self->session));
		ASSERT_EQ(0, call_end(nl, &self->call));
		check_reader(_metadata, nl);
		ASSERT_EQ(0, cg_remove(self->session.path));
	}
	TH_LOG("%llu MB in %llu ms, by memory.high alone %llu ms", size / MB,
	       ours / MS, native / MS);
	/* Once tells nothing of the speed, and on a host that others use little. */
	if (slow() == 1)
		EXPECT_GE(exact ? native / 2 * 3 : native * 4, ours);
}

/* The same from the disk. */
TEST_F_TIMEOUT(file, reader_from_disk, 180)
{
	struct nl *const nl = &self->nl;

	ASSERT_EQ(0, make_file(NAME, scaled(320 * MB), true));
	begin(_metadata, self, STALL);
	EXPECT_NE(0, time_reading(self, self->call.fd));
	EXPECT_EQ(0, session_balances(nl, &self->session));
	ASSERT_EQ(0, call_end(nl, &self->call));
	check_reader(_metadata, nl);
}

static int write_file(void *const arg)
{
	const struct filler *const filler = arg;

	return make_file(NAME, filler->total, false);
}

static int write_a_sector(void *const arg)
{
	const int fd = open(NAME, O_CREAT | O_WRONLY | O_DIRECT, 0600);
	void *const sector = aligned_alloc(4096, 4096);

	memset(sector, 1, 4096);
	return fd < 0 || pwrite(fd, sector, 4096, 0) != 4096;
}

/*
 * What a session may write to the disk under DISK, by the second.  The block layer
 * has to know the session by then: it would allocate under a lock of which lockdep
 * says, now and then, that it must not (blkg_conf_prep() in 7.3).
 */
static int limit_writes(const struct session *const session, const uint64_t rate)
{
	char path[CG_PATH_MAX], dev[32], text[96];
	struct stat at;

	if (stat(DISK, &at))
		return -1;
	/* The limit is the disk's, what is mounted may be a part of it. */
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/..", major(at.st_dev),
		 minor(at.st_dev));
	if (!*cg_read(path, "dev", dev, sizeof(dev)))
		snprintf(dev, sizeof(dev), "%u:%u", major(at.st_dev),
			 minor(at.st_dev));
	snprintf(text, sizeof(text), "%s wbps=%llu", dev,
		 (unsigned long long)rate);
	return cg_write(CG_ROOT, "cgroup.subtree_control", "+io") ?:
	       cg_write(CG_BASE, "cgroup.subtree_control", "+io") ?:
	       run(session->agent_fd, write_a_sector, NULL) ?:
	       cg_write(session->path, "io.max", text);
}

/*
 * Most of what it wrote is clean when it meets its limit, but the kernel holds it back
 * because that leaves room for few dirty pages: credit helps, reclaim does not.
 */
TEST_F_TIMEOUT(file, writer, 180)
{
	struct nl *const nl = &self->nl;

	ASSERT_EQ(0, cg_write_u64(VM, "dirty_background_ratio", 0));
	ASSERT_EQ(0, cg_write_u64(VM, "dirty_ratio", 1));
	self->filler->total = scaled(256 * MB);
	begin(_metadata, self, LONG_STALL);
	/* However quick the disk is, and however slow the writer. */
	ASSERT_EQ(0, limit_writes(&self->session, WRITE_RATE / slow()));
	EXPECT_EQ(0, run(self->call.fd, write_file, self->filler));
	EXPECT_EQ(0, session_balances(nl, &self->session));
	ASSERT_EQ(0, call_end(nl, &self->call));
	TH_LOG("grants %llu, granted %llu MB, held back for dirty pages %llu ms",
	       reply_figure(nl, AGENTCG_A_TOOL_GRANTS),
	       reply_figure(nl, AGENTCG_A_TOOL_GRANTED_TOTAL) / MB,
	       reply_figure(nl, AGENTCG_A_TOOL_DIRTY_TOTAL) / MS);
	EXPECT_NE(0, reply_figure(nl, AGENTCG_A_TOOL_DIRTY_TOTAL));
	EXPECT_LE(1, reply_figure(nl, AGENTCG_A_TOOL_GRANTS));
	/* Told, but it is the disk that is slow. */
	EXPECT_GT(LONG_STALL, reply_figure(nl, AGENTCG_A_TOOL_STALL_TOTAL));
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_TOOL_EXHAUSTED));
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_TOOL_OVERDRAFT_PEAK));
}

#define PIECE	(4 * MB)

/* Reads all of the file, and keeps as much memory besides as it was told. */
static int read_and_fill(void *const arg)
{
	struct filler *const filler = arg;
	const int fd = open(NAME, O_RDONLY);
	static char buf[PIECE];

	while (read(fd, buf, PIECE) == PIECE) {
		if (filler->done < filler->total) {
			fill(PIECE);
			filler->done += PIECE;
		}
	}
	close(fd);
	return filler->done == filler->total ? 0 : 1;
}

/* Credit for the memory, none for the page cache. */
TEST_F_TIMEOUT(file, mix, 180)
{
	const uint64_t size = scaled(512 * MB), total = scaled(240 * MB);
	struct nl *const nl = &self->nl;
	uint64_t granted;

	ASSERT_EQ(0, make_holes(size));
	self->filler->total = total;
	begin(_metadata, self, STALL);
	EXPECT_EQ(0, run(self->call.fd, read_and_fill, self->filler));
	EXPECT_EQ(0, session_balances(nl, &self->session));
	ASSERT_EQ(0, call_end(nl, &self->call));
	granted = reply_figure(nl, AGENTCG_A_TOOL_GRANTED_TOTAL);
	TH_LOG("grants %llu, granted %llu MB, peak %llu MB, native %llu ms",
	       reply_figure(nl, AGENTCG_A_TOOL_GRANTS), granted / MB,
	       reply_figure(nl, AGENTCG_A_TOOL_PEAK) / MB,
	       reply_figure(nl, AGENTCG_A_TOOL_NATIVE_TOTAL) / MS);
	EXPECT_LE(total - LIMIT, granted);
	EXPECT_GE(size, reply_figure(nl, AGENTCG_A_TOOL_PEAK));
	EXPECT_LE(1, reply_figure(nl, AGENTCG_A_TOOL_GRANTS));
	EXPECT_GE(40, reply_figure(nl, AGENTCG_A_TOOL_GRANTS));
	EXPECT_NE(0, reply_figure(nl, AGENTCG_A_TOOL_NATIVE_TOTAL));
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_TOOL_EXHAUSTED));
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_TOOL_OVERDRAFT_PEAK));
}

TEST_HARNESS_MAIN
