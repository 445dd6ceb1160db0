// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who may do what: every operation, tried by everybody.  The actors are
 * processes with other users, capabilities, namespaces and cgroups; what each
 * is answered stands in one table.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "fixture.h"

#define BUDGET		(256 * MB)
#define OWNER		1000
#define NEIGHBOUR	1001
#define NOBODY		65534
#define NO_SUCH_ID	1234567890123456789ULL
#define EVENT_MS	1000

enum who {
	ROOT,		/* outside of every session */
	MEMBER,		/* the owner of the delegated calls, in "mine" */
	OUTSIDE,	/* the owner, not in a session */
	STRANGER,	/* nobody's */
	NEIGHBOUR_IN,	/* a user in the other session */
	USERNS,		/* the owner in "mine", as root of a user namespace */
	CT_RO,		/* root in a container, cgroup tree read-only */
	CT_RW,		/* the same, writable */
	CT_USERNS,	/* the owner as root of a container */
	NR_WHO,
};

/**
 * struct world - two sessions, set up by root; shared by all processes
 * @mine: delegated to the owner; a container's cgroup namespace begins here
 * @other: not
 * @call: in "mine", the owner's with all its files
 * @given: in "mine", delegated to the owner: its limits are not his
 * @others: a call of "other"
 * @ended: a receipt of "mine"
 * @others_ended: of "other"
 * @ready: the actor is in its namespaces
 * @go: the world is complete
 */
struct world {
	struct session mine;
	struct session other;
	struct call call;
	struct call given;
	struct call others;
	struct call ended;
	struct call others_ended;
	volatile uint64_t ready;
	volatile uint64_t go;
	int answers[64];
};

/* ---- what is tried ---- */

static int path_fd(const char *const name)
{
	char path[CG_PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", CG_BASE, name);
	return cg_open(path);
}

static int ask_id(struct nl *const nl, const int cmd, const int attr,
		  const uint64_t id)
{
	struct msg msg;

	msg_init(&msg, cmd);
	msg_u64(&msg, attr, id);
	return nl_do(nl, &msg);
}

static int ask_fd(struct nl *const nl, const int cmd, const int attr,
		  const char *const name)
{
	const int fd = path_fd(name);
	struct msg msg;
	int err;

	msg_init(&msg, cmd);
	msg_u32(&msg, attr, fd);
	err = nl_do(nl, &msg);
	close(fd);
	return err;
}

static int ask(struct nl *const nl, const int cmd)
{
	struct msg msg;

	msg_init(&msg, cmd);
	return nl_do(nl, &msg);
}

static int count_one(const struct view attrs, void *const arg)
{
	++*(int *)arg;
	return 0;
}

static int count(struct nl *const nl, const int cmd, const uint64_t session)
{
	struct msg msg;
	int nr = 0, err;

	msg_init(&msg, cmd);
	if (session)
		msg_u64(&msg, AGENTCG_A_TOOL_SESSION_ID, session);
	err = nl_dump(nl, &msg, count_one, &nr);
	return err ? err : nr;
}

static int declare(struct nl *const nl, const char *const name,
		   const struct intent *const intent)
{
	const struct call call = { .fd = path_fd(name) };
	const int err = call_set(nl, &call, intent);

	close(call.fd);
	return err;
}

static const struct intent small = {
	.set = SET(MEM) | SET(BURST), .mem = 4 * MB, .burst = 4 * MB,
};

#define TRY(NAME)	static int NAME(struct nl *const nl, \
					struct world *const world)

TRY(info_get) { return ask(nl, AGENTCG_CMD_INFO_GET); }
TRY(node_get) { return ask(nl, AGENTCG_CMD_NODE_GET); }

TRY(node_set)
{
	return ask_id(nl, AGENTCG_CMD_NODE_SET, AGENTCG_A_NODE_CAPACITY, 0);
}

TRY(policy_get) { return ask(nl, AGENTCG_CMD_POLICY_GET); }

TRY(policies) { return count(nl, AGENTCG_CMD_POLICY_GET, 0); }

TRY(session_add)
{
	struct session fresh = {
		.fd = path_fd("fresh"), .agent_fd = path_fd("fresh/agent"),
	};
	struct msg msg;
	int err;

	session_request(&msg, &fresh, BUDGET);
	err = nl_do(nl, &msg);
	close(fresh.fd);
	close(fresh.agent_fd);
	return err;
}

static int set_budget(struct nl *const nl, const uint64_t id)
{
	struct msg msg;

	msg_init(&msg, AGENTCG_CMD_SESSION_SET);
	msg_u64(&msg, AGENTCG_A_SESSION_ID, id);
	msg_u64(&msg, AGENTCG_A_SESSION_BUDGET, BUDGET);
	return nl_do(nl, &msg);
}

TRY(session_set) { return set_budget(nl, world->mine.id); }
TRY(session_set_none) { return set_budget(nl, NO_SUCH_ID); }
TRY(session_end) { return session_del(nl, &world->mine); }
TRY(session_get_own) { return ask(nl, AGENTCG_CMD_SESSION_GET); }
TRY(session_get_mine) { return session_get(nl, &world->mine); }
TRY(session_get_other) { return session_get(nl, &world->other); }

TRY(session_get_mine_fd)
{
	return ask_fd(nl, AGENTCG_CMD_SESSION_GET, AGENTCG_A_SESSION_FD, "mine");
}

TRY(session_get_other_fd)
{
	return ask_fd(nl, AGENTCG_CMD_SESSION_GET, AGENTCG_A_SESSION_FD, "other");
}

TRY(sessions) { return count(nl, AGENTCG_CMD_SESSION_GET, 0); }
TRY(tools) { return count(nl, AGENTCG_CMD_TOOL_GET, 0); }
TRY(receipts) { return count(nl, AGENTCG_CMD_RECEIPT_GET, 0); }
TRY(tools_mine) { return count(nl, AGENTCG_CMD_TOOL_GET, world->mine.id); }
TRY(tools_other) { return count(nl, AGENTCG_CMD_TOOL_GET, world->other.id); }

TRY(receipts_other)
{
	return count(nl, AGENTCG_CMD_RECEIPT_GET, world->other.id);
}

TRY(tool_set) { return declare(nl, "mine/call", &small); }
TRY(tool_set_given) { return declare(nl, "mine/given", &small); }
TRY(tool_set_other) { return declare(nl, "other/call", &small); }
TRY(tool_set_agent) { return declare(nl, "mine/agent", &small); }
TRY(tool_set_session) { return declare(nl, "mine", &small); }
TRY(tool_set_deep) { return declare(nl, "mine/call/deep", &small); }

TRY(tool_set_budget)
{
	const struct intent greedy = intent_of(2 * BUDGET, 0, 0);

	return declare(nl, "mine/call", &greedy);
}

TRY(tool_set_class)
{
	const struct intent higher = {
		.set = SET(CLASS), .class = AGENTCG_CLASS_LATENCY,
	};

	return declare(nl, "mine/call", &higher);
}

static int make(struct nl *const nl, const char *const where)
{
	const int fd = path_fd(where);
	struct msg msg;
	int err;

	msg_init(&msg, AGENTCG_CMD_TOOL_MAKE);
	msg_u32(&msg, AGENTCG_A_TOOL_FD, fd);
	msg_string(&msg, AGENTCG_A_TOOL_NAME, "made");
	err = nl_do(nl, &msg);
	close(fd);
	if (!err)
		close(reply_figure(nl, AGENTCG_A_TOOL_FD));
	return err;
}

TRY(tool_make) { return make(nl, "mine"); }
TRY(tool_make_other) { return make(nl, "other"); }

/* What the one before made; where it was refused, a call of the host's. */
TRY(tool_remove)
{
	const int fd = path_fd("mine/made");

	close(fd);
	return ask_fd(nl, AGENTCG_CMD_TOOL_REMOVE, AGENTCG_A_TOOL_FD,
		      fd < 0 ? "mine/given" : "mine/made");
}

TRY(tool_remove_other)
{
	return ask_fd(nl, AGENTCG_CMD_TOOL_REMOVE, AGENTCG_A_TOOL_FD,
		      "other/call");
}

TRY(tool_remove_agent)
{
	return ask_fd(nl, AGENTCG_CMD_TOOL_REMOVE, AGENTCG_A_TOOL_FD,
		      "mine/agent");
}

TRY(tool_get) { return call_get(nl, &world->call); }
TRY(tool_get_other) { return call_get(nl, &world->others); }

TRY(tool_get_fd)
{
	return ask_fd(nl, AGENTCG_CMD_TOOL_GET, AGENTCG_A_TOOL_FD, "mine/call");
}

TRY(tool_get_other_fd)
{
	return ask_fd(nl, AGENTCG_CMD_TOOL_GET, AGENTCG_A_TOOL_FD, "other/call");
}

TRY(receipt) { return receipt_get(nl, world->ended.id); }
TRY(receipt_other) { return receipt_get(nl, world->others_ended.id); }
TRY(tool_kill) { return call_kill(nl, &world->call); }
TRY(tool_kill_other) { return call_kill(nl, &world->others); }

/* Joining alone is not hearing: a network namespace has the group, too. */
TRY(event)
{
	struct nl events;
	int err;

	err = nl_open(&events);
	if (!err)
		err = nl_join(&events);
	if (!err)
		err = declare(nl, "mine/call", &small);
	if (!err)
		err = nl_event(&events, EVENT_MS);
	nl_close(&events);
	return err;
}

#define PERM	-EPERM
#define ACCES	-EACCES
#define NOENT	-ENOENT
#define ROFS	-EROFS
#define BUSY	-EBUSY
#define SRCH	-ESRCH
#define NOSPC	-ENOSPC
#define RANGE	-ERANGE
#define TIME	-ETIMEDOUT

/* In the order in which they are tried; what a list returns is its length. */
static const struct {
	const char *name;
	int (*try)(struct nl *nl, struct world *world);
	int answer[NR_WHO];
} table[] = {
#define ROW(NAME, ...)	{ #NAME, NAME, { __VA_ARGS__ } }
/*	 		  ROOT MEMBER OUTSI STRAN NEIGH USERN CT_RO CT_RW CT_US */
ROW(info_get,		      0,    0,    0,    0,    0,    0,    0,    0,    0),
ROW(node_get,		      0,    0,    0,    0,    0,    0,    0,    0,    0),
ROW(node_set,		      0, PERM, PERM, PERM, PERM, PERM, PERM, PERM, PERM),
/* None is attached. */
ROW(policy_get,		  NOENT, PERM, PERM, PERM, PERM, PERM, PERM, PERM, PERM),
ROW(policies,		      0, PERM, PERM, PERM, PERM, PERM, PERM, PERM, PERM),
ROW(session_add,	      0, PERM, PERM, PERM, PERM, PERM, PERM, PERM, PERM),
ROW(session_set,	      0, PERM, PERM, PERM, PERM, PERM, PERM, PERM, PERM),
ROW(session_set_none,	  NOENT, PERM, PERM, PERM, PERM, PERM, PERM, PERM, PERM),
ROW(session_get_own,	  NOENT,    0, NOENT, NOENT,  0,    0,    0,    0,    0),
ROW(session_get_mine,	      0,    0, NOENT, NOENT, NOENT, 0,    0,    0,    0),
ROW(session_get_mine_fd,      0,    0, NOENT, NOENT, NOENT, 0,    0,    0,    0),
ROW(session_get_other,	      0, NOENT, NOENT, NOENT, 0, NOENT, NOENT, NOENT, NOENT),
ROW(session_get_other_fd,     0, NOENT, NOENT, NOENT, 0, NOENT, NOENT, NOENT, NOENT),
/* "fresh" is a session by now. */
ROW(sessions,		      3,    1,    0,    0,    1,    1,    1,    1,    1),
ROW(tools,		      3,    2,    0,    0,    1,    2,    2,    2,    2),
ROW(receipts,		      2,    1,    0,    0,    1,    1,    1,    1,    1),
ROW(tools_mine,		      2,    2, NOENT, NOENT, NOENT, 2,    2,    2,    2),
ROW(tools_other,	      1, NOENT, NOENT, NOENT, 1, NOENT, NOENT, NOENT, NOENT),
ROW(receipts_other,	      1, NOENT, NOENT, NOENT, 1, NOENT, NOENT, NOENT, NOENT),
ROW(tool_set,		      0,    0,    0, ACCES, ACCES,  0, ROFS,    0,    0),
ROW(tool_set_given,	      0, ACCES, ACCES, ACCES, ACCES, ACCES, ROFS, 0, ACCES),
ROW(tool_set_other,	      0, ACCES, ACCES, ACCES, ACCES, ACCES, ROFS, ACCES, ACCES),
ROW(tool_set_agent,	   BUSY, ACCES, ACCES, ACCES, ACCES, ACCES, ROFS, BUSY, ACCES),
/* Where a cgroup namespace begins nobody in it sets a limit. */
ROW(tool_set_session,	   BUSY, ACCES, ACCES, ACCES, ACCES, ACCES, ROFS, ACCES, ACCES),
ROW(tool_set_deep,	   SRCH, SRCH, SRCH, ACCES, ACCES, SRCH, ROFS, SRCH, SRCH),
ROW(tool_set_budget,	  NOSPC, NOSPC, NOSPC, ACCES, ACCES, NOSPC, ROFS, NOSPC, NOSPC),
ROW(tool_set_class,	  RANGE, RANGE, RANGE, ACCES, ACCES, RANGE, ROFS, RANGE, RANGE),
ROW(tool_make,	   SRCH,    0, SRCH, SRCH, SRCH,    0,    0,    0,    0),
ROW(tool_make_other,	   SRCH, SRCH, SRCH, SRCH, ACCES, SRCH, SRCH, SRCH, SRCH),
ROW(tool_remove,	   SRCH,    0, SRCH, SRCH, SRCH,    0,    0,    0,    0),
ROW(tool_remove_other,	   SRCH, SRCH, SRCH, SRCH, ACCES, SRCH, SRCH, SRCH, SRCH),
ROW(tool_remove_agent,	   SRCH, BUSY, SRCH, SRCH, SRCH, BUSY, BUSY, BUSY, BUSY),
ROW(tool_get,		      0,    0, NOENT, NOENT, NOENT, 0,    0,    0,    0),
ROW(tool_get_fd,	      0,    0, NOENT, NOENT, NOENT, 0,    0,    0,    0),
ROW(tool_get_other,	      0, NOENT, NOENT, NOENT, 0, NOENT, NOENT, NOENT, NOENT),
ROW(tool_get_other_fd,	      0, NOENT, NOENT, NOENT, 0, NOENT, NOENT, NOENT, NOENT),
ROW(receipt,		      0,    0, NOENT, NOENT, NOENT, 0,    0,    0,    0),
ROW(receipt_other,	      0, NOENT, NOENT, NOENT, 0, NOENT, NOENT, NOENT, NOENT),
ROW(event,		      0, PERM, PERM, PERM, PERM, PERM, PERM, PERM, TIME),
ROW(tool_kill,		      0,    0, NOENT, NOENT, NOENT, 0,    0,    0,    0),
ROW(tool_kill_other,	      0, NOENT, NOENT, NOENT, 0, NOENT, NOENT, NOENT, NOENT),
ROW(session_end,	      0, PERM, PERM, PERM, PERM, PERM, PERM, PERM, PERM),
};

/* ---- who tries it ---- */

static int become(const unsigned int id)
{
	if (setgroups(0, NULL) || setresgid(id, id, id) ||
	    setresuid(id, id, id))
		return -errno;
	/* Or /proc/self stays root's. */
	return prctl(PR_SET_DUMPABLE, 1) ? -errno : 0;
}

static int write_self(const char *const file, const char *const text)
{
	return cg_write("/proc/self", file, text);
}

static int map_root(const unsigned int id)
{
	char map[32];
	int err;

	snprintf(map, sizeof(map), "0 %u 1", id);
	err = write_self("setgroups", "deny");
	if (!err)
		err = write_self("uid_map", map);
	return err ? err : write_self("gid_map", map);
}

/* Root in a container has many capabilities, but not this one. */
static int drop_sys_admin(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];
	const unsigned int bit = 1U << CAP_SYS_ADMIN;

	if (syscall(SYS_capget, &head, data))
		return -errno;
	data[0].effective &= ~bit;
	data[0].permitted &= ~bit;
	data[0].inheritable &= ~bit;
	return syscall(SYS_capset, &head, data) ? -errno : 0;
}

static int enter_container(const enum who who)
{
	if (unshare(CLONE_NEWNET | CLONE_NEWCGROUP | CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return -errno;
	if (who == CT_RO &&
	    mount(NULL, CG_ROOT, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL))
		return -errno;
	return drop_sys_admin();
}

static int enter_user_container(void)
{
	int err;

	err = become(OWNER);
	if (err)
		return err;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWCGROUP |
		    CLONE_NEWNS | CLONE_NEWPID))
		return -errno;
	return map_root(OWNER);
}

static int turn_into(const enum who who)
{
	int err;

	switch (who) {
	case ROOT:
		return 0;
	case MEMBER:
	case OUTSIDE:
		return become(OWNER);
	case STRANGER:
		return become(NOBODY);
	case NEIGHBOUR_IN:
		return become(NEIGHBOUR);
	case USERNS:
		err = become(OWNER);
		if (!err && unshare(CLONE_NEWUSER))
			err = -errno;
		return err ? err : map_root(OWNER);
	case CT_RO:
	case CT_RW:
		return enter_container(who);
	case CT_USERNS:
		return enter_user_container();
	default:
		return -EINVAL;
	}
}

static int try_all(struct world *const world)
{
	struct nl nl;
	size_t i;

	world->ready = 1;
	if (wait_for(&world->go, 1, 20000) || nl_open(&nl))
		return 3;
	for (i = 0; i < ARRAY_SIZE(table); i++)
		world->answers[i] = table[i].try(&nl, world);
	return 0;
}

static int act(const enum who who, struct world *const world)
{
	const int err = turn_into(who);
	pid_t pid;

	if (err) {
		fprintf(stderr, "# actor %d: %s\n", who, strerror(-err));
		return 2;
	}
	if (who != CT_USERNS)
		return try_all(world);
	/* Only children are in the new PID namespace. */
	pid = fork();
	return pid ? WEXITSTATUS(wait_exit(pid, 60000)) : try_all(world);
}

/* ---- the world ---- */

static int give(const char *const path, const char *const file)
{
	char name[2 * CG_PATH_MAX];

	snprintf(name, sizeof(name), "%s/%s", path, file);
	return chown(name, OWNER, OWNER) ? -errno : 0;
}

/* As the kernel's documentation says a subtree is delegated. */
static int delegate(const char *const path)
{
	static const char *const files[] = {
		".", "cgroup.procs", "cgroup.threads", "cgroup.subtree_control",
	};
	int err = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(files) && !err; i++)
		err = give(path, files[i]);
	return err;
}

/* As if the owner had made it. */
static int give_all(const char *const path)
{
	DIR *const dir = opendir(path);
	struct dirent *entry;
	int err = dir ? 0 : -errno;

	while (!err && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".."))
			err = give(path, entry->d_name);
	if (dir)
		closedir(dir);
	return err;
}

static int move(const pid_t pid, const char *const path)
{
	return cg_write_u64(path, "cgroup.procs", pid);
}

/* All that are in a cgroup, so that its children can have controllers. */
static int move_all(const char *const from, const char *const to)
{
	char buf[4096], *pid, *rest = buf;
	int err = 0;

	cg_read(from, "cgroup.procs", buf, sizeof(buf));
	while (!err && (pid = strsep(&rest, "\n")))
		if (*pid)
			err = cg_write(to, "cgroup.procs", pid);
	return err;
}

static int make_session(struct nl *const nl, struct session *const session,
			const char *const name)
{
	struct msg msg;
	int err;

	snprintf(session->agent, sizeof(session->agent), "%s/%s/agent", CG_BASE,
		 name);
	err = cg_make(session->agent);
	if (!err)
		err = move_all(session->path, session->agent);
	if (!err)
		err = cg_feed(session->path);
	if (err || !nl)
		return err;
	session->fd = cg_open(session->path);
	session->agent_fd = cg_open(session->agent);
	session->id = cg_id(session->path);
	session_request(&msg, session, BUDGET);
	msg_u32(&msg, AGENTCG_A_SESSION_MAX_CLASS, AGENTCG_CLASS_BATCH);
	return nl_do(nl, &msg);
}

static int make_calls(struct nl *const nl, struct world *const world)
{
	char deep[2 * CG_PATH_MAX];
	int err;

	err = call_start(nl, &world->mine, &world->call, "call", &small);
	if (!err)
		err = call_start(nl, &world->mine, &world->given, "given",
				 &small);
	if (!err)
		err = call_start(nl, &world->other, &world->others, "call",
				 &small);
	if (!err)
		err = call_start(nl, &world->mine, &world->ended, "ended",
				 &small);
	if (!err)
		err = call_end(nl, &world->ended);
	if (!err)
		err = call_start(nl, &world->other, &world->others_ended,
				 "ended", &small);
	if (!err)
		err = call_end(nl, &world->others_ended);
	if (!err)
		err = cg_feed(world->call.path);
	snprintf(deep, sizeof(deep), "%s/deep", world->call.path);
	if (!err)
		err = cg_make(deep);
	if (!err)
		err = delegate(world->mine.path);
	if (!err)
		err = delegate(world->given.path);
	if (!err)
		err = give_all(deep);
	return err ? err : give_all(world->call.path);
}

/* Who is in a session's own cgroup when the actor gets its namespaces. */
static int place_before(struct world *const world, const enum who who,
			const pid_t actor)
{
	if (who == CT_RO || who == CT_RW || who == CT_USERNS ||
	    who == MEMBER || who == USERNS)
		return move(actor, world->mine.path);
	return who == NEIGHBOUR_IN ? move(actor, world->other.path) : 0;
}

static int make_world(struct nl *const nl, struct world *const world,
		      const enum who who, const pid_t actor,
		      volatile uint64_t *const placed)
{
	struct session fresh = {};
	int err;

	snprintf(world->mine.path, sizeof(world->mine.path), CG_BASE "/mine");
	snprintf(world->other.path, sizeof(world->other.path), CG_BASE "/other");
	snprintf(fresh.path, sizeof(fresh.path), CG_BASE "/fresh");
	err = cg_make(world->mine.path);
	if (!err)
		err = cg_make(world->other.path);
	if (!err)
		err = cg_make(fresh.path);
	if (!err)
		err = place_before(world, who, actor);
	*placed = 1;
	if (!err)
		err = wait_for(&world->ready, 1, 20000);
	if (!err)
		err = make_session(nl, &world->mine, "mine");
	if (!err)
		err = make_session(nl, &world->other, "other");
	if (!err)
		err = make_session(NULL, &fresh, "fresh");
	return err ? err : make_calls(nl, world);
}

FIXTURE(perm) {
	struct nl nl;
	struct nl events;
	struct world *world;
};

FIXTURE_VARIANT(perm) {
	enum who who;
};

FIXTURE_SETUP(perm)
{
	self->world = shared_alloc(sizeof(*self->world));
	ASSERT_EQ(0, setup(&self->nl));
	/* Somebody listens, or no event is made at all. */
	ASSERT_EQ(0, nl_open(&self->events));
	ASSERT_EQ(0, nl_join(&self->events));
}

FIXTURE_TEARDOWN(perm)
{
	nl_close(&self->events);
	teardown(&self->nl);
}

#define VARIANT(NAME)	FIXTURE_VARIANT_ADD(perm, NAME) { .who = NAME }

VARIANT(ROOT);
VARIANT(MEMBER);
VARIANT(OUTSIDE);
VARIANT(STRANGER);
VARIANT(NEIGHBOUR_IN);
VARIANT(USERNS);
VARIANT(CT_RO);
VARIANT(CT_RW);
VARIANT(CT_USERNS);

TEST_F_TIMEOUT(perm, table, 120)
{
	volatile uint64_t *const placed = shared_alloc(sizeof(*placed));
	struct world *const world = self->world;
	const pid_t actor = fork();
	size_t i;

	ASSERT_LE(0, actor);
	if (!actor)
		_exit(wait_for(placed, 1, 20000) ? 1 : act(variant->who, world));
	ASSERT_EQ(0, make_world(&self->nl, world, variant->who, actor, placed)) {
		TH_LOG("%s", self->nl.text);
	}
	world->go = 1;
	ASSERT_EQ(0, wait_exit(actor, 60000));
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		EXPECT_EQ(table[i].answer[variant->who], world->answers[i]) {
			TH_LOG("%s", table[i].name);
		}
	}
}

/* ---- deputies ---- */

FIXTURE(deputy) {
	struct nl nl;
	struct world *world;
};

FIXTURE_SETUP(deputy)
{
	volatile uint64_t placed;

	self->world = shared_alloc(sizeof(*self->world));
	self->world->ready = 1;
	ASSERT_EQ(0, setup(&self->nl));
	ASSERT_EQ(0, make_world(&self->nl, self->world, ROOT, 0, &placed)) {
		TH_LOG("%s", self->nl.text);
	}
}

FIXTURE_TEARDOWN(deputy)
{
	teardown(&self->nl);
}

/* A socket that a user without any right has opened. */
static int open_as(struct nl *const nl, const unsigned int uid)
{
	int err;

	if (seteuid(uid))
		return -errno;
	err = nl_open(nl);
	return seteuid(0) ? -errno : err;
}

/* Root writes to what a stranger gave it, say as its stderr. */
TEST_F(deputy, socket_of_a_stranger)
{
	struct world *const world = self->world;
	struct nl nl;

	ASSERT_EQ(0, open_as(&nl, NOBODY));
	EXPECT_EQ(-EACCES, declare(&nl, "mine/call", &small));
	EXPECT_EQ(-EACCES, declare(&nl, "other/call", &small));
	EXPECT_EQ(-EPERM, set_budget(&nl, world->mine.id));
	EXPECT_EQ(-EPERM, session_del(&nl, &world->mine));
	EXPECT_EQ(-ENOENT, call_get(&nl, &world->call));
	EXPECT_EQ(-ENOENT, call_kill(&nl, &world->call));
	EXPECT_EQ(-ENOENT, receipt_get(&nl, world->ended.id));
	EXPECT_EQ(0, tools(&nl, world));
	nl_close(&nl);
	/* The owner's own is as good as his own request. */
	ASSERT_EQ(0, open_as(&nl, OWNER));
	EXPECT_EQ(0, declare(&nl, "mine/call", &small));
	EXPECT_EQ(-EACCES, declare(&nl, "other/call", &small));
	nl_close(&nl);
}

struct borrowed {
	struct nl *nl;
	struct world *world;
};

/* In the session, with a socket from outside of it. */
static int use_socket(void *const arg)
{
	const struct borrowed *const borrowed = arg;
	struct world *const world = borrowed->world;
	struct nl *const nl = borrowed->nl;

	if (become(OWNER))
		return 1;
	if (session_get(nl, &world->mine) != -ENOENT ||
	    call_get(nl, &world->call) != -ENOENT ||
	    call_kill(nl, &world->call) != -ENOENT)
		return 2;
	return sessions(nl, world) || receipts(nl, world) ? 3 : 0;
}

TEST_F(deputy, socket_from_outside_the_session)
{
	struct borrowed borrowed = { .nl = &self->nl, .world = self->world };
	struct nl nl;
	pid_t pid;

	ASSERT_EQ(0, open_as(&nl, NOBODY));
	borrowed.nl = &nl;
	pid = cg_spawn(self->world->mine.agent_fd, use_socket, &borrowed);
	ASSERT_LT(0, pid);
	EXPECT_EQ(0, wait_exit(pid, 20000));
	nl_close(&nl);
}

/* The descriptor is looked up once: no other can be slipped in between. */
struct swap {
	int target;
	int own;
	int victim;
	volatile bool stop;
};

static void *swap_fds(void *const arg)
{
	struct swap *const swap = arg;

	while (!swap->stop) {
		dup2(swap->victim, swap->target);
		dup2(swap->own, swap->target);
	}
	return NULL;
}

#define SWAPS	20000

static int swap_main(struct world *const world)
{
	const struct intent intent = intent_of(8 * MB, 0, 0);
	struct swap swap = {
		.own = path_fd("mine/call"), .victim = path_fd("other/call"),
	};
	struct call call;
	pthread_t thread;
	int i, wrong = 0;
	struct nl nl;

	swap.target = dup(swap.own);
	if (become(OWNER) || nl_open(&nl) ||
	    pthread_create(&thread, NULL, swap_fds, &swap))
		return 1;
	call.fd = swap.target;
	for (i = 0; i < (slow() > 1 ? SWAPS / 10 : SWAPS) && !wrong; i++)
		wrong = !call_set(&nl, &call, &intent) &&
			reply_figure(&nl, AGENTCG_A_TOOL_ID) != world->call.id;
	swap.stop = true;
	pthread_join(thread, NULL);
	return wrong ? 2 : 0;
}

TEST_F_TIMEOUT(deputy, swapped_descriptor, 120)
{
	const pid_t pid = fork();

	if (!pid)
		_exit(swap_main(self->world));
	EXPECT_EQ(0, wait_exit(pid, 100000));
}

/* Whether an id exists is nobody's business: the answers are the same. */
static int compare_answers(struct world *const world)
{
	static const struct {
		int cmd;
		int attr;
	} asked[] = {
		{ AGENTCG_CMD_SESSION_GET, AGENTCG_A_SESSION_ID },
		{ AGENTCG_CMD_SESSION_SET, AGENTCG_A_SESSION_ID },
		{ AGENTCG_CMD_SESSION_DEL, AGENTCG_A_SESSION_ID },
		{ AGENTCG_CMD_TOOL_GET, AGENTCG_A_TOOL_ID },
		{ AGENTCG_CMD_TOOL_KILL, AGENTCG_A_TOOL_ID },
		{ AGENTCG_CMD_TOOL_FREEZE, AGENTCG_A_TOOL_ID },
		{ AGENTCG_CMD_TOOL_THAW, AGENTCG_A_TOOL_ID },
		{ AGENTCG_CMD_RECEIPT_GET, AGENTCG_A_TOOL_ID },
	};
	const uint64_t ids[] = {
		world->mine.id, world->call.id, world->ended.id,
		cg_id(world->mine.agent),
	};
	char text[sizeof(((struct nl *)0)->text)];
	struct nl nl;
	size_t i, j;

	if (become(NOBODY) || nl_open(&nl))
		return 1;
	for (i = 0; i < ARRAY_SIZE(asked); i++) {
		const int err = ask_id(&nl, asked[i].cmd, asked[i].attr,
				       NO_SUCH_ID);

		strcpy(text, nl.text);
		for (j = 0; j < ARRAY_SIZE(ids); j++)
			if (ask_id(&nl, asked[i].cmd, asked[i].attr, ids[j]) !=
			    err || strcmp(text, nl.text))
				return 10 + i;
	}
	return 0;
}

TEST_F(deputy, answers_do_not_tell_what_exists)
{
	const pid_t pid = fork();

	if (!pid)
		_exit(compare_answers(self->world));
	EXPECT_EQ(0, wait_exit(pid, 20000));
}

/* ---- ceilings ---- */

#define ROOM	(48 * MB)

/* Whoever owns the call owns its memory.high, and writes "max" all the time. */
static int lift_limit(void *const arg)
{
	const char *const path = arg;

	if (become(OWNER))
		return 1;
	for (;;)
		cg_write(path, "memory.high", "max");
}

static int stay_there(void *const arg)
{
	return stay();
}

/* A budget that is soon met, and an owner that lifts the limit of his call. */
static int begin_lifting(FIXTURE_DATA(deputy) *const self,
			 const struct intent *const intent)
{
	struct world *const world = self->world;
	struct msg msg;
	int err;

	msg_init(&msg, AGENTCG_CMD_SESSION_SET);
	msg_u64(&msg, AGENTCG_A_SESSION_ID, world->mine.id);
	msg_u64(&msg, AGENTCG_A_SESSION_BUDGET, ROOM);
	err = nl_do(&self->nl, &msg);
	if (!err)
		err = call_set(&self->nl, &world->call, intent);
	if (err)
		return err;
	return cg_spawn(world->mine.agent_fd, lift_limit, world->call.path) < 0 ?
		-errno : 0;
}

static int fill_call(struct filler *const filler)
{
	const pid_t pid = cg_spawn(path_fd("mine/call/deep"), run_filler,
				   filler);

	return pid < 0 ? pid : 0;
}

TEST_F_TIMEOUT(deputy, lifting_the_own_limit, 60)
{
	struct filler *const filler = shared_alloc(sizeof(*filler));
	const struct intent intent = intent_of(8 * MB, UINT64_MAX, 60000 * MS);

	ASSERT_EQ(0, begin_lifting(self, &intent));
	/* Another call runs, so it is worth waiting. */
	ASSERT_LT(0, cg_spawn(self->world->given.fd, stay_there, NULL));
	*filler = (struct filler){ .total = 4 * ROOM };
	ASSERT_EQ(0, fill_call(filler));
	ASSERT_EQ(0, wait_for(&filler->done, ROOM / 2, 20000));
	sleep(4);
	/*
	 * The budget is the session's, and still holds, but for what is filled until
	 * somebody looks, which on a slow kernel may be late.
	 */
	EXPECT_GT(ROOM + 16 * MB * slow(), filler->done);
	EXPECT_EQ(0, session_balances(&self->nl, &self->world->mine));
}

TEST_F_TIMEOUT(deputy, lifted_limit_is_booked, 60)
{
	struct filler *const filler = shared_alloc(sizeof(*filler));
	const struct intent intent = intent_of(8 * MB, 0, 60000 * MS);

	ASSERT_EQ(0, begin_lifting(self, &intent));
	*filler = (struct filler){ .total = ROOM - 12 * MB, .stay = true };
	ASSERT_EQ(0, fill_call(filler));
	/* The hook or the next look of the watchdog. */
	sleep(4);
	/* What a process needs beside is charged as well. */
	EXPECT_LE(7 * MB, filler->done);
	ASSERT_EQ(0, session_balances(&self->nl, &self->world->mine));
	EXPECT_GE(ROOM - filler->done,
		  reply_figure(&self->nl, AGENTCG_A_SESSION_FREE));
}

/* ---- floods ---- */

#define CHANGES		2000
/* Less than the share of a quarter of a second, should it all go so fast. */
#define OTHERS		10

/**
 * struct heard - what a listener has been told
 * @seq: of the last event
 * @gaps: between one and the next
 * @mine: changes of "mine", told or dropped
 * @told: of them, those that were told
 * @kills: of "mine"
 * @others: changes of "other"
 */
struct heard {
	uint64_t seq;
	uint64_t gaps;
	uint64_t mine;
	uint64_t told;
	uint64_t kills;
	uint64_t others;
};

static void hear(struct nl *const events, const struct world *const world,
		 struct heard *const heard)
{
	while (!nl_event(events, EVENT_MS)) {
		const uint64_t type = reply_figure(events, AGENTCG_A_EVENT_TYPE);
		const uint64_t seq = reply_figure(events, AGENTCG_A_EVENT_SEQ);
		const bool change = type == AGENTCG_EVENT_TYPE_TOOL_CHANGED;

		heard->gaps += heard->seq && seq != heard->seq + 1;
		heard->seq = seq;
		if (reply_figure(events, AGENTCG_A_EVENT_SESSION_ID) !=
		    world->mine.id) {
			heard->others += change;
			continue;
		}
		heard->told += change;
		heard->mine += change +
			reply_figure(events, AGENTCG_A_EVENT_DROPPED);
		heard->kills += type == AGENTCG_EVENT_TYPE_TOOL_KILLED;
	}
}

/* One session changes a call without end; the other's events all come. */
TEST_F_TIMEOUT(deputy, flood_of_events, 60)
{
	struct world *const world = self->world;
	const int size = 16 * MB;
	struct heard heard = {};
	struct nl events;
	int i;

	ASSERT_EQ(0, nl_open(&events));
	ASSERT_EQ(0, setsockopt(events.fd, SOL_SOCKET, SO_RCVBUFFORCE, &size,
				sizeof(size)));
	ASSERT_EQ(0, nl_join(&events));
	for (i = 0; i < CHANGES; i++) {
		ASSERT_EQ(0, call_set(&self->nl, &world->call, &small));
		if (i % (CHANGES / OTHERS) == 0)
			ASSERT_EQ(0, call_set(&self->nl, &world->others,
					      &small));
	}
	ASSERT_EQ(0, call_kill(&self->nl, &world->call));
	hear(&events, world, &heard);
	EXPECT_EQ(0, heard.gaps);
	EXPECT_EQ(OTHERS, heard.others);
	EXPECT_EQ(1, heard.kills);
	EXPECT_EQ(CHANGES, heard.mine);
	EXPECT_LT(heard.told, CHANGES / 2);
	nl_close(&events);
}

TEST_HARNESS_MAIN
