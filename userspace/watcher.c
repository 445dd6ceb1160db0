// SPDX-License-Identifier: GPL-2.0-only
#include "watcher.h"

#include <agentcg/agentcg.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "keeper.h"

/* How long it keeps trying: processes may be stuck in the kernel. */
#define GIVE_UP_MS	(10 * 60 * 1000)

/* It has nothing left to do; longer only when somebody has stopped it. */
#define EXIT_MS		1000

enum order {
	ORDER_REMOVE,	/* when run is gone: kill what is there, remove */
	ORDER_KEEP,	/* when run is gone: wait until it is empty, remove */
	ORDER_STOP,
};

struct watcher_message {
	uint64_t id;
	enum order order;
	char name[NAME_MAX + 1];
};

/* The same name may be another call's by now. */
static int is_ours(int dirfd, const struct watcher_message *msg)
{
	struct stat st;

	return !fstatat(dirfd, msg->name, &st, AT_SYMLINK_NOFOLLOW) &&
	       st.st_ino == msg->id;
}

static void remove_empty(int dirfd, const char *name)
{
	struct agentcg *handle;
	int fd;

	if (!unlinkat(dirfd, name, AT_REMOVEDIR) || errno != EROFS)
		return;
	/* The module does it, then. */
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	handle = agentcg_open();
	if (handle)
		agentcg_tool_remove(handle, fd);
	agentcg_close(handle);
	close(fd);
}

static void clean_up(int dirfd, const struct watcher_message *msg)
{
	if (msg->order == ORDER_KEEP && is_ours(dirfd, msg))
		cgroup_populated(dirfd, msg->name, -1);
	/*
	 * Without an id run died around mkdir: nothing can run in the cgroup,
	 * and rmdir fails when it is somebody else's and in use.
	 */
	if (!msg->id)
		remove_empty(dirfd, msg->name);
	else if (is_ours(dirfd, msg))
		agentcg_cgroup_remove(dirfd, msg->name, GIVE_UP_MS);
}

static void watch(int pipe, int dirfd, struct watcher_message *msg)
{
	struct watcher_message next;

	while (read_order(pipe, &next, sizeof(next))) {
		if (next.order == ORDER_STOP)
			return;
		*msg = next;
	}
	clean_up(dirfd, msg);
}

int watcher_start(int dirfd, const char *name)
{
	struct watcher_message msg = { .order = ORDER_REMOVE };
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	strncpy(msg.name, name, NAME_MAX);
	/* No handlers, no stdio: nothing of fork(2)'s housekeeping matters. */
	pid = _Fork();
	if (!pid) {
		keep_only(&ends[0], &dirfd);
		watch(ends[0], dirfd, &msg);
		_exit(0);
	}
	close(ends[0]);
	if (pid < 0) {
		int err = -errno;

		close(ends[1]);
		return err;
	}
	/* Done here: a kill of run's process group must not come in between. */
	setpgid(pid, pid);
	return ends[1];
}

static void tell(int pipe, enum order order, uint64_t id, const char *name)
{
	struct watcher_message msg = { .id = id, .order = order };

	strncpy(msg.name, name, NAME_MAX);
	send_order(pipe, &msg, sizeof(msg));
}

void watcher_own(int pipe, uint64_t id, const char *name)
{
	tell(pipe, ORDER_REMOVE, id, name);
}

void watcher_keep(int pipe, uint64_t id, const char *name)
{
	tell(pipe, ORDER_KEEP, id, name);
	close(pipe);
}

/*
 * Until it has begun to exit, which closes its end: where run was a call's
 * command itself, the watcher would be one that outlived it.
 */
static void wait_for_exit(int pipe)
{
	struct pollfd end = { .fd = pipe };

	while (poll(&end, 1, EXIT_MS) < 0 && errno == EINTR)
		continue;
}

void watcher_stop(int pipe)
{
	tell(pipe, ORDER_STOP, 0, "");
	wait_for_exit(pipe);
	close(pipe);
}
