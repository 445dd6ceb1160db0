// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls that are made and removed by the module, in containers whose cgroupfs
 * is mounted read-only.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/genetlink.h>
#include <linux/io_uring.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "kselftest_harness.h"

#include "container.h"
#include "fixture.h"

#define BUDGET	(512 * MB)
#define TENANT	1000
#define WAIT_MS	(120000 * (int)slow())

/**
 * struct shared - what the host and a container share
 * @other: the session of somebody else
 * @other_call: a call in it
 * @above: the cgroup above the container's session
 * @socket: opened outside of the session, by root
 * @often: times that something is repeated, at most 500
 * @beats: grows in the container
 * @stop: set by the host
 */
struct shared {
	int other;
	int other_call;
	int above;
	int socket;
	unsigned int often;
	volatile uint64_t beats;
	volatile uint64_t stop;
};

FIXTURE(container) {
	struct nl nl;
	struct container container;
	struct shared *shared;
};

/* One of them is enough for what takes long. */
FIXTURE_VARIANT(container) {
	uid_t uid;
	bool user_namespace;
	bool bind;
	bool often;
};

FIXTURE_VARIANT_ADD(container, root) { .often = true };
FIXTURE_VARIANT_ADD(container, root_bind) { .bind = true };
FIXTURE_VARIANT_ADD(container, delegate) { .uid = TENANT };
FIXTURE_VARIANT_ADD(container, user_namespace) {
	.uid = TENANT, .user_namespace = true,
};

FIXTURE_SETUP(container)
{
	if (slow() > 1 && !variant->user_namespace)
		SKIP(return, "the debug kernel sees as much in a user namespace");
	ASSERT_EQ(0, setup(&self->nl));
	self->shared = shared_alloc(sizeof(*self->shared));
	self->shared->often = variant->often ? 500 : 20;
	self->container = (struct container){
		.name = "container",
		.uid = variant->uid,
		.user_namespace = variant->user_namespace,
		.bind = variant->bind,
		.arg = self->shared,
	};
}

FIXTURE_TEARDOWN(container)
{
	teardown(&self->nl);
}

static int put_make(struct msg *const msg, const int fd, const char *const name,
		    const struct intent *const intent)
{
	msg_init(msg, AGENTCG_CMD_TOOL_MAKE);
	msg_u32(msg, AGENTCG_A_TOOL_FD, fd);
	msg_string(msg, AGENTCG_A_TOOL_NAME, name);
	if (intent)
		intent_put(msg, AGENTCG_A_TOOL_INTENT, intent);
	return 0;
}

static int tool_make(struct nl *const nl, const int session,
		     const char *const name, const struct intent *const intent,
		     struct call *const call)
{
	struct msg msg;
	int err;

	put_make(&msg, session, name, intent);
	err = nl_do(nl, &msg);
	if (err)
		return err;
	call->fd = reply_figure(nl, AGENTCG_A_TOOL_FD);
	call->id = reply_figure(nl, AGENTCG_A_TOOL_ID);
	return 0;
}

static int tool_remove(struct nl *const nl, const int fd)
{
	struct msg msg;

	msg_init(&msg, AGENTCG_CMD_TOOL_REMOVE);
	msg_u32(&msg, AGENTCG_A_TOOL_FD, fd);
	return nl_do(nl, &msg);
}

static unsigned int count_entries(const char *const path, const int type)
{
	DIR *const dir = opendir(path);
	unsigned int count = 0;
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		count += entry->d_type == type && entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return count;
}

/* The agent leaf is one. */
static unsigned int calls_there(void)
{
	return count_entries(CG_ROOT, DT_DIR) - 1;
}

static unsigned int open_files(void)
{
	unsigned int count = 0;
	int fd;

	for (fd = 0; fd < 4096; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static bool is_directory_of(const int fd, const uint64_t id)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISDIR(st.st_mode) && st.st_ino == id;
}

static int exit_with_7(void *const arg)
{
	return 7;
}

static int stay_inside(void *const arg)
{
	return stay();
}

/* One after the other, so that a descriptor that was left shows. */
static int cycle(struct nl *const nl, const int session, const char *const name)
{
	const struct intent intent = intent_of(8 * MB, 8 * MB, 0);
	struct call call;
	pid_t pid;

	CHECK(!tool_make(nl, session, name, &intent, &call));
	CHECK(is_directory_of(call.fd, call.id));
	CHECK(fcntl(call.fd, F_GETFD) == FD_CLOEXEC);
	pid = cg_spawn(call.fd, exit_with_7, NULL);
	CHECK(pid > 0);
	CHECK(WEXITSTATUS(wait_exit(pid, WAIT_MS)) == 7);
	CHECK(!tool_remove(nl, call.fd));
	close(call.fd);
	CHECK(!receipt_get(nl, call.id));
	CHECK(reply_figure(nl, AGENTCG_A_TOOL_CAUSE) == AGENTCG_CAUSE_EXIT);
	CHECK(reply_figure(nl, AGENTCG_A_TOOL_EXIT_CODE) == 7);
	CHECK(reply_figure(nl, AGENTCG_A_TOOL_PROCESSES) == 1);
	return 0;
}

static int open_session(struct nl *const nl, int *const session)
{
	CHECK(!nl_open(nl));
	*session = cg_open(CG_ROOT);
	CHECK(*session >= 0);
	return 0;
}

/* The mount is what stands in the way, and the only thing. */
static int whole_life(void *const arg)
{
	const struct intent later = intent_of(4 * MB, 4 * MB, 0);
	struct call call;
	struct nl nl;
	int session;

	if (open_session(&nl, &session))
		return 1;
	CHECK(mkdirat(session, "plain", 0755) && errno == EROFS);
	CHECK(cg_write(CG_ROOT, "cgroup.procs", "0") == -EROFS);
	if (cycle(&nl, session, "call"))
		return 1;
	CHECK(!tool_make(&nl, session, "call", NULL, &call));
	CHECK(unlinkat(session, "call", AT_REMOVEDIR) && errno == EROFS);
	CHECK(tool_make(&nl, session, "call", NULL, &call) == -EEXIST);
	CHECK(nl.blamed == AGENTCG_A_TOOL_NAME);
	CHECK(!call_set(&nl, &call, &later));
	CHECK(!call_get(&nl, &call));
	CHECK(!strcmp(view_string(nl_reply(&nl), AGENTCG_A_TOOL_PATH), "/call"));
	CHECK(!tool_remove(&nl, call.fd));
	CHECK(tool_remove(&nl, call.fd) == -ENODEV);
	CHECK(calls_there() == 0);
	return 0;
}

TEST_F(container, whole_life)
{
	self->container.fn = whole_life;
	ASSERT_EQ(0, container_start(&self->nl, &self->container, BUDGET));
	EXPECT_EQ(0, container_wait(&self->container, WAIT_MS));
	ASSERT_EQ(0, session_balances(&self->nl, &self->container.session));
	EXPECT_EQ(0, reply_figure(&self->nl, AGENTCG_A_SESSION_TOOLS));
	EXPECT_EQ(2, reply_figure(&self->nl, AGENTCG_A_SESSION_STARTED));
}

static int many_calls(void *const arg)
{
	const struct shared *const shared = arg;
	unsigned int files, i;
	struct nl nl;
	int session;

	if (open_session(&nl, &session))
		return 1;
	files = open_files();
	for (i = 0; i < shared->often; i++)
		if (cycle(&nl, session, "call"))
			return 1;
	CHECK(open_files() == files);
	CHECK(calls_there() == 0);
	return 0;
}

TEST_F_TIMEOUT(container, many_calls, 600)
{
	self->container.fn = many_calls;
	ASSERT_EQ(0, container_start(&self->nl, &self->container, BUDGET));
	EXPECT_EQ(0, container_wait(&self->container, WAIT_MS));
	ASSERT_EQ(0, session_balances(&self->nl, &self->container.session));
	EXPECT_EQ(0, reply_figure(&self->nl, AGENTCG_A_SESSION_TOOLS));
	/* What was removed is not kept by a reference of ours. */
	EXPECT_EQ(0, cg_wait_key(CG_BASE, "cgroup.stat",
				 "nr_dying_descendants", 0, WAIT_MS));
}

static int hostile_names(void *const arg)
{
	static const struct {
		const char *name;
		int err;
	} names[] = {
		{ "", -EINVAL }, { ".", -EINVAL }, { "..", -EINVAL },
		{ "/", -EINVAL }, { "a/b", -EINVAL }, { "../a", -EINVAL },
		{ "a/", -EINVAL }, { "a\nb", -EINVAL },
		{ "agent", -EEXIST }, { "cgroup.procs", -EEXIST },
		{ "memory.high", -EEXIST }, { "memory.max", -EEXIST },
	};
	char longest[AGENTCG_NAME_MAX + 2];
	unsigned int files, i;
	struct call call;
	struct msg msg;
	struct nl nl;
	int session;

	if (open_session(&nl, &session))
		return 1;
	files = open_files();
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		CHECK(tool_make(&nl, session, names[i].name, NULL, &call) ==
		      names[i].err);
		CHECK(nl.blamed == AGENTCG_A_TOOL_NAME && nl.text[0]);
	}
	memset(longest, 'x', sizeof(longest));
	longest[AGENTCG_NAME_MAX + 1] = '\0';
	CHECK(tool_make(&nl, session, longest, NULL, &call) == -EINVAL);
	/* Without the end that a string has. */
	msg_init(&msg, AGENTCG_CMD_TOOL_MAKE);
	msg_u32(&msg, AGENTCG_A_TOOL_FD, session);
	msg_put(&msg, AGENTCG_A_TOOL_NAME, "xxxxxxxx", 8);
	CHECK(nl_do(&nl, &msg) == -EINVAL);
	CHECK(calls_there() == 0);
	longest[AGENTCG_NAME_MAX] = '\0';
	CHECK(!tool_make(&nl, session, longest, NULL, &call));
	CHECK(!faccessat(session, longest, F_OK, 0));
	CHECK(!tool_remove(&nl, call.fd));
	close(call.fd);
	/* Odd, but nothing that mkdir(2) would mind. */
	if (cycle(&nl, session, "%s%n\t\033[31m") || cycle(&nl, session, "..."))
		return 1;
	CHECK(open_files() == files);
	return 0;
}

TEST_F(container, hostile_names)
{
	self->container.fn = hostile_names;
	ASSERT_EQ(0, container_start(&self->nl, &self->container, BUDGET));
	EXPECT_EQ(0, container_wait(&self->container, WAIT_MS));
}

/* Whatever refuses it, nothing is left of it. */
static int refused_late(void *const arg)
{
	const struct intent too_much = intent_of(2 * BUDGET, 0, 0);
	const struct rlimit few = { 0, 0 };
	struct rlimit found;
	unsigned int files;
	struct call call;
	struct nl nl;
	int session;

	if (open_session(&nl, &session))
		return 1;
	files = open_files();
	CHECK(tool_make(&nl, session, "call", &too_much, &call) == -ENOSPC);
	CHECK(says_number(&nl, 2 * BUDGET));
	CHECK(nl.blamed == AGENTCG_A_INTENT_MEM);
	CHECK(!getrlimit(RLIMIT_NOFILE, &found));
	CHECK(!setrlimit(RLIMIT_NOFILE,
			 &(struct rlimit){ few.rlim_cur, found.rlim_max }));
	CHECK(tool_make(&nl, session, "call", NULL, &call) == -EMFILE);
	CHECK(!setrlimit(RLIMIT_NOFILE, &found));
	CHECK(calls_there() == 0);
	CHECK(open_files() == files);
	return cycle(&nl, session, "call");
}

TEST_F(container, refused_late)
{
	self->container.fn = refused_late;
	ASSERT_EQ(0, container_start(&self->nl, &self->container, BUDGET));
	EXPECT_EQ(0, container_wait(&self->container, WAIT_MS));
	ASSERT_EQ(0, session_balances(&self->nl, &self->container.session));
	EXPECT_EQ(0, reply_figure(&self->nl, AGENTCG_A_SESSION_TOOLS));
}

static int tree_full(void *const arg)
{
	struct call call;
	struct nl nl;
	int session;

	if (open_session(&nl, &session))
		return 1;
	CHECK(tool_make(&nl, session, "call", NULL, &call) == -EAGAIN);
	CHECK(says(&nl, "cgroup.max.descendants"));
	CHECK(calls_there() == 0);
	return 0;
}

TEST_F(container, limit_of_the_tree)
{
	self->container.fn = tree_full;
	ASSERT_EQ(0, cg_write(CG_BASE, "cgroup.max.descendants", "2"));
	ASSERT_EQ(0, container_start(&self->nl, &self->container, BUDGET));
	EXPECT_EQ(0, container_wait(&self->container, WAIT_MS));
}

/* How many replies there are, and whether their descriptors are open. */
static int take_replies(const int fd, unsigned int *const count)
{
	static _Alignas(8) unsigned char buf[NL_BUFFER];
	ssize_t len;

	/* That there was no room is told first. */
	while ((len = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0 ||
	       errno == ENOBUFS) {
		const struct nlmsghdr *const hdr = (struct nlmsghdr *)buf;
		struct view view = { buf + NLMSG_HDRLEN + GENL_HDRLEN,
				     len - NLMSG_HDRLEN - GENL_HDRLEN };

		if (len < 0 || hdr->nlmsg_type == NLMSG_ERROR)
			continue;
		CHECK(is_directory_of(view_uint(view, AGENTCG_A_TOOL_FD),
				      view_uint(view, AGENTCG_A_TOOL_ID)));
		++*count;
	}
	return 0;
}

/* A reply that finds no room was a call that is taken back. */
static int full_socket(void *const arg)
{
	const struct intent small = intent_of(0, MB, 0);
	unsigned int files, count = 0, i;
	const int room = 1;
	struct msg msg;
	struct nl nl;
	char name[16];
	int session;

	if (open_session(&nl, &session))
		return 1;
	files = open_files();
	CHECK(!setsockopt(nl.fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)));
	for (i = 0; i < 40; i++) {
		struct nlmsghdr *const hdr = (struct nlmsghdr *)msg.buf;

		snprintf(name, sizeof(name), "call%u", i);
		put_make(&msg, session, name, &small);
		*hdr = (struct nlmsghdr){
			.nlmsg_len = msg.len,
			.nlmsg_type = nl.family,
			.nlmsg_flags = NLM_F_REQUEST,
		};
		CHECK(send(nl.fd, msg.buf, msg.len, 0) == (ssize_t)msg.len ||
		      errno == ENOBUFS);
	}
	CHECK(calls_there() > 0 && calls_there() < 40);
	if (take_replies(nl.fd, &count))
		return 1;
	CHECK(count == calls_there());
	CHECK(open_files() == files + count);
	return 0;
}

TEST_F(container, full_socket)
{
	self->container.fn = full_socket;
	ASSERT_EQ(0, container_start(&self->nl, &self->container, BUDGET));
	EXPECT_EQ(0, container_wait(&self->container, WAIT_MS));
	EXPECT_EQ(0, session_balances(&self->nl, &self->container.session));
}

/* Nothing but the session itself, whatever descriptor is at hand. */
static int wrong_places(void *const arg)
{
	const struct shared *const shared = arg;
	struct call call, made;
	int session, agent;
	struct nl nl;

	if (open_session(&nl, &session))
		return 1;
	agent = cg_open(CG_ROOT "/agent");
	CHECK(tool_make(&nl, shared->other, "call", NULL, &call) == -ESRCH);
	CHECK(nl.blamed == AGENTCG_A_TOOL_FD && says(&nl, "session"));
	CHECK(tool_make(&nl, shared->above, "call", NULL, &call) == -ESRCH);
	CHECK(tool_make(&nl, agent, "call", NULL, &call) == -ESRCH);
	CHECK(tool_make(&nl, -1, "call", NULL, &call) == -EBADF);
	CHECK(tool_make(&nl, 4095, "call", NULL, &call) == -EBADF);
	CHECK(tool_make(&nl, nl.fd, "call", NULL, &call) == -EBADF);
	CHECK(tool_make(&nl, open("/", O_PATH | O_DIRECTORY), "call", NULL,
			&call) == -EBADF);
	CHECK(tool_make(&nl, openat(session, "cgroup.procs", O_RDONLY), "call",
			NULL, &call) == -EBADF);
	/* Where it can be opened, it can be made. */
	CHECK(!tool_make(&nl, open(CG_ROOT, O_PATH), "call", NULL, &made));
	CHECK(tool_make(&nl, made.fd, "inner", NULL, &call) == -ESRCH);
	CHECK(tool_remove(&nl, session) == -ESRCH);
	CHECK(tool_remove(&nl, shared->other) == -ESRCH);
	CHECK(tool_remove(&nl, shared->other_call) == -ESRCH);
	CHECK(tool_remove(&nl, agent) == -EBUSY);
	CHECK(says(&nl, "agent leaf"));
	CHECK(tool_remove(&nl, openat(made.fd, "cgroup.procs", O_RDONLY)) ==
	      -EBADF);
	CHECK(calls_there() == 1);
	CHECK(!tool_remove(&nl, made.fd));
	return 0;
}

TEST_F(container, wrong_places)
{
	struct session other;
	struct call call;

	ASSERT_EQ(0, session_start(&self->nl, &other, "other", BUDGET));
	ASSERT_EQ(0, call_start(&self->nl, &other, &call, "call", NULL));
	/* Not what keeps the container out. */
	ASSERT_EQ(0, chown(other.path, self->container.uid, -1));
	self->shared->other = other.fd;
	self->shared->other_call = call.fd;
	self->shared->above = cg_open(CG_BASE);
	self->container.fn = wrong_places;
	ASSERT_EQ(0, container_start(&self->nl, &self->container, BUDGET));
	EXPECT_EQ(0, container_wait(&self->container, WAIT_MS));
	EXPECT_EQ(1, count_entries(CG_BASE "/other", DT_DIR) - 1);
}

/* A member, but not one to whom the session was given. */
static int without_right(void *const arg)
{
	struct call call;
	struct nl nl;
	int session;

	if (open_session(&nl, &session))
		return 1;
	CHECK(tool_make(&nl, session, "call", NULL, &call) == -EACCES);
	CHECK(nl.blamed == AGENTCG_A_TOOL_FD && says(&nl, "permission"));
	call.fd = cg_open(CG_ROOT "/hosts");
	CHECK(call.fd >= 0);
	CHECK(tool_remove(&nl, call.fd) == -EACCES);
	CHECK(calls_there() == 1);
	return 0;
}

/* The host takes away what it delegated, and makes a call. */
static int take_away(const struct session *const session)
{
	char path[2 * CG_PATH_MAX];

	snprintf(path, sizeof(path), "%s/hosts", session->path);
	return chown(session->path, TENANT + 1, -1) ? -errno : cg_make(path);
}

static int without_right_then(void *const arg)
{
	struct shared *const shared = arg;

	shared->beats = 1;
	CHECK(!wait_for(&shared->stop, 1, WAIT_MS));
	return without_right(arg);
}

TEST_F(container, without_right)
{
	self->container.fn = without_right_then;
	ASSERT_EQ(0, container_start(&self->nl, &self->container, BUDGET));
	ASSERT_EQ(0, wait_for(&self->shared->beats, 1, WAIT_MS));
	ASSERT_EQ(0, take_away(&self->container.session));
	self->shared->stop = 1;
	EXPECT_EQ(0, container_wait(&self->container, WAIT_MS));
}

/* Whoever opened the socket has to be inside as well. */
static int handed_socket(void *const arg)
{
	const struct shared *const shared = arg;
	struct call call;
	struct nl nl;
	int session, own;

	if (open_session(&nl, &session))
		return 1;
	own = nl.fd;
	nl.fd = shared->socket;
	CHECK(tool_make(&nl, session, "call", NULL, &call) == -ESRCH);
	CHECK(calls_there() == 0);
	nl.fd = own;
	return cycle(&nl, session, "call");
}

TEST_F(container, handed_socket)
{
	self->shared->socket = self->nl.fd;
	self->container.fn = handed_socket;
	ASSERT_EQ(0, container_start(&self->nl, &self->container, BUDGET));
	EXPECT_EQ(0, container_wait(&self->container, WAIT_MS));
}

/* What io_uring(7) maps: heads, tails and entries. */
struct ring {
	int fd;
	struct io_uring_params params;
	char *queues;
	struct io_uring_sqe *sqes;
};

static int ring_open(struct ring *const ring, const unsigned int flags)
{
	memset(ring, 0, sizeof(*ring));
	ring->params.flags = flags;
	ring->fd = syscall(SYS_io_uring_setup, 4, &ring->params);
	CHECK(ring->fd >= 0);
	CHECK(ring->params.features & IORING_FEAT_SINGLE_MMAP);
	ring->queues = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
			    ring->fd, IORING_OFF_SQ_RING);
	ring->sqes = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
			  ring->fd, IORING_OFF_SQES);
	CHECK(ring->queues != MAP_FAILED && ring->sqes != MAP_FAILED);
	return 0;
}

/* The one request that a ring is used for here; its result is @result. */
static int ring_send(struct ring *const ring, const struct io_uring_sqe *const sqe,
		     int *const result)
{
	const struct io_sqring_offsets *const sq = &ring->params.sq_off;
	const struct io_cqring_offsets *const cq = &ring->params.cq_off;
	const struct io_uring_cqe *const cqes = (void *)(ring->queues + cq->cqes);

	ring->sqes[0] = *sqe;
	*(unsigned int *)(ring->queues + sq->array) = 0;
	__atomic_store_n((unsigned int *)(ring->queues + sq->tail), 1,
			 __ATOMIC_RELEASE);
	CHECK(syscall(SYS_io_uring_enter, ring->fd, 1, 1,
		      IORING_ENTER_GETEVENTS | IORING_ENTER_SQ_WAKEUP, NULL,
		      0) >= 0);
	CHECK(__atomic_load_n((unsigned int *)(ring->queues + cq->tail),
			      __ATOMIC_ACQUIRE) == 1);
	*result = cqes[0].res;
	close(ring->fd);
	return 0;
}

/* Sent by a thread that the kernel made: the descriptor is the process's. */
static int make_by_ring(struct nl *const nl, const int session,
			const unsigned int ring_flags, const unsigned int flags)
{
	struct io_uring_sqe sqe = { .opcode = IORING_OP_SEND, .fd = nl->fd };
	unsigned int count = 0;
	struct ring ring;
	struct call call;
	struct msg msg;
	int result;

	put_make(&msg, session, "ring", NULL);
	*(struct nlmsghdr *)msg.buf = (struct nlmsghdr){
		.nlmsg_len = msg.len,
		.nlmsg_type = nl->family,
		.nlmsg_flags = NLM_F_REQUEST,
	};
	sqe.flags = flags;
	sqe.addr = (uintptr_t)msg.buf;
	sqe.len = msg.len;
	if (ring_open(&ring, ring_flags) || ring_send(&ring, &sqe, &result))
		return 1;
	CHECK(result == (int)msg.len);
	CHECK(calls_there() == 1);
	if (take_replies(nl->fd, &count))
		return 1;
	CHECK(count == 1);
	call.fd = cg_open(CG_ROOT "/ring");
	CHECK(!tool_remove(nl, call.fd));
	return 0;
}

static int by_io_uring(void *const arg)
{
	struct nl nl;
	int session;

	if (open_session(&nl, &session))
		return 1;
	return make_by_ring(&nl, session, 0, 0) ||
	       make_by_ring(&nl, session, 0, IOSQE_ASYNC) ||
	       make_by_ring(&nl, session, IORING_SETUP_SQPOLL, 0);
}

TEST_F(container, by_io_uring)
{
	self->container.fn = by_io_uring;
	ASSERT_EQ(0, container_start(&self->nl, &self->container, BUDGET));
	EXPECT_EQ(0, container_wait(&self->container, WAIT_MS));
}

/* The host's calls are the host's, though they are in the same session. */
static int hosts_call(void *const arg)
{
	const struct intent more = intent_of(64 * MB, 0, 0);
	struct shared *const shared = arg;
	struct call call;
	struct nl nl;
	int session;

	shared->beats = 1;
	CHECK(!wait_for(&shared->stop, 1, WAIT_MS));
	if (open_session(&nl, &session))
		return 1;
	call.fd = cg_open(CG_ROOT "/hosts");
	CHECK(call_set(&nl, &call, &more) == -EROFS);
	CHECK(!tool_make(&nl, session, "own", NULL, &call));
	CHECK(!call_set(&nl, &call, &more));
	CHECK(!tool_remove(&nl, call.fd));
	return 0;
}

TEST_F(container, hosts_call)
{
	const struct intent some = intent_of(8 * MB, 0, 0);
	struct call call;

	self->container.fn = hosts_call;
	ASSERT_EQ(0, container_start(&self->nl, &self->container, BUDGET));
	ASSERT_EQ(0, wait_for(&self->shared->beats, 1, WAIT_MS));
	ASSERT_EQ(0, call_start(&self->nl, &self->container.session, &call,
				"hosts", &some));
	self->shared->stop = 1;
	EXPECT_EQ(0, container_wait(&self->container, WAIT_MS));
}

static int busy(void *const arg)
{
	struct call call;
	struct nl nl;
	int session;
	pid_t pid;

	if (open_session(&nl, &session))
		return 1;
	CHECK(!tool_make(&nl, session, "call", NULL, &call));
	pid = cg_spawn(call.fd, stay_inside, NULL);
	CHECK(pid > 0);
	CHECK(tool_remove(&nl, call.fd) == -EBUSY);
	CHECK(says(&nl, "processes"));
	CHECK(!call_kill(&nl, &call));
	CHECK(WTERMSIG(wait_exit(pid, WAIT_MS)) == SIGKILL);
	CHECK(!cg_wait_empty(CG_ROOT "/call", WAIT_MS));
	CHECK(!tool_remove(&nl, call.fd));
	CHECK(!receipt_get(&nl, call.id));
	CHECK(reply_figure(&nl, AGENTCG_A_TOOL_CAUSE) ==
	      AGENTCG_CAUSE_USER_KILL);
	return 0;
}

TEST_F(container, busy)
{
	self->container.fn = busy;
	ASSERT_EQ(0, container_start(&self->nl, &self->container, BUDGET));
	EXPECT_EQ(0, container_wait(&self->container, WAIT_MS));
}

static int make_for_ever(void)
{
	struct call call;
	struct nl nl;
	int session;

	if (open_session(&nl, &session))
		return 1;
	for (;;) {
		const int err = tool_make(&nl, session, "call", NULL, &call);

		CHECK(!err || err == -EEXIST);
		if (err)
			call.fd = cg_open(CG_ROOT "/call");
		if (call.fd >= 0) {
			tool_remove(&nl, call.fd);
			close(call.fd);
		}
	}
}

/* Killed at any moment, it leaves a call at most, which others can remove. */
static int killed_makers(void *const arg)
{
	const unsigned int count = ((struct shared *)arg)->often / 5;
	unsigned int files, i, left = 0;
	struct nl nl;
	int session;

	if (open_session(&nl, &session))
		return 1;
	files = open_files();
	for (i = 0; i < count; i++) {
		const pid_t pid = fork();
		int fd;

		if (!pid)
			_exit(make_for_ever());
		usleep(1000 * slow() + 137 * i);
		kill(pid, SIGKILL);
		CHECK(WTERMSIG(wait_exit(pid, WAIT_MS)) == SIGKILL);
		fd = cg_open(CG_ROOT "/call");
		if (fd < 0)
			continue;
		left++;
		CHECK(!tool_remove(&nl, fd));
		close(fd);
	}
	fprintf(stderr, "# %u of %u left their call\n", left, count);
	CHECK(calls_there() == 0);
	CHECK(open_files() == files);
	return 0;
}

TEST_F_TIMEOUT(container, killed_makers, 600)
{
	self->container.fn = killed_makers;
	ASSERT_EQ(0, container_start(&self->nl, &self->container, BUDGET));
	EXPECT_EQ(0, container_wait(&self->container, WAIT_MS));
	ASSERT_EQ(0, session_balances(&self->nl, &self->container.session));
	EXPECT_EQ(0, reply_figure(&self->nl, AGENTCG_A_SESSION_TOOLS));
}

/* Whatever is refused meanwhile, all that is there in the end can be removed. */
static int beat(void *const arg)
{
	struct shared *const shared = arg;
	struct call call;
	struct nl nl;

	while (!shared->stop) {
		const int session = cg_open(CG_ROOT);

		if (!nl_open(&nl)) {
			while (!shared->stop &&
			       !tool_make(&nl, session, "call", NULL, &call) &&
			       !tool_remove(&nl, call.fd)) {
				shared->beats++;
				close(call.fd);
			}
			call.fd = cg_open(CG_ROOT "/call");
			if (call.fd >= 0) {
				tool_remove(&nl, call.fd);
				close(call.fd);
			}
			nl_close(&nl);
		}
		close(session);
	}
	return 0;
}

static int last_one(void *const arg)
{
	struct call call;
	struct nl nl;
	int session;

	if (beat(arg) || open_session(&nl, &session))
		return 1;
	/* Made by a module before this one: not known any more, but there. */
	call.fd = cg_open(CG_ROOT "/call");
	if (call.fd >= 0)
		CHECK(!tool_remove(&nl, call.fd));
	CHECK(calls_there() == 0);
	return cycle(&nl, session, "call");
}

TEST_F_TIMEOUT(container, unload_meanwhile, 7200)
{
	struct session *const session = &self->container.session;
	struct shared *const shared = self->shared;
	const unsigned int count = rounds(shared->often > 100 ? 10 : 2);
	struct msg msg;
	unsigned int i;

	self->container.fn = last_one;
	ASSERT_EQ(0, container_start(&self->nl, &self->container, BUDGET));
	for (i = 0; i < count; i++) {
		ASSERT_EQ(0, wait_for(&shared->beats, shared->beats + 5,
				      WAIT_MS));
		nl_close(&self->nl);
		ASSERT_EQ(0, module_unload());
		ASSERT_EQ(0, module_load(""));
		ASSERT_EQ(0, nl_open(&self->nl));
		session_request(&msg, session, BUDGET);
		ASSERT_EQ(0, nl_do(&self->nl, &msg));
	}
	shared->stop = 1;
	EXPECT_EQ(0, container_wait(&self->container, WAIT_MS));
}

/* Outside of any container: the right alone is not enough. */
FIXTURE(outside) {
	struct nl nl;
	struct session session;
	struct call call;
};

FIXTURE_SETUP(outside)
{
	ASSERT_EQ(0, setup(&self->nl));
	ASSERT_EQ(0, session_start(&self->nl, &self->session, "outside",
				   BUDGET));
}

FIXTURE_TEARDOWN(outside)
{
	teardown(&self->nl);
}

TEST_F(outside, administrator)
{
	ASSERT_EQ(0, call_start(&self->nl, &self->session, &self->call, "call",
				NULL));
	EXPECT_EQ(-ESRCH, tool_make(&self->nl, self->session.fd, "made", NULL,
				    &self->call));
	EXPECT_EQ(-ESRCH, tool_remove(&self->nl, self->call.fd));
	EXPECT_EQ(0, access(self->call.path, F_OK));
}

TEST_F(outside, incomplete)
{
	struct msg msg;

	msg_init(&msg, AGENTCG_CMD_TOOL_MAKE);
	EXPECT_EQ(-EINVAL, nl_do(&self->nl, &msg));
	EXPECT_EQ(AGENTCG_A_TOOL_FD, self->nl.missing);
	msg_init(&msg, AGENTCG_CMD_TOOL_MAKE);
	msg_u32(&msg, AGENTCG_A_TOOL_FD, self->session.fd);
	EXPECT_EQ(-EINVAL, nl_do(&self->nl, &msg));
	EXPECT_EQ(AGENTCG_A_TOOL_NAME, self->nl.missing);
	msg_init(&msg, AGENTCG_CMD_TOOL_REMOVE);
	EXPECT_EQ(-EINVAL, nl_do(&self->nl, &msg));
	EXPECT_EQ(AGENTCG_A_TOOL_FD, self->nl.missing);
}

TEST_HARNESS_MAIN
