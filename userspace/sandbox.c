// SPDX-License-Identifier: GPL-2.0-only
#include "sandbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "files.h"
#include "keeper.h"
#include "main.h"

/* How long the keeper tries: processes may be stuck in the kernel. */
#define GIVE_UP_MS	(60 * 1000)

static const char *const controllers[] = { "memory", "cpu", "pids" };

/* ---- the keeper ---- */

/* Sessions are ended first, so that what adding them changed is undone. */
static void end_sessions(struct agentcg *handle, const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		struct agentcg_session *session;
		char cell[PATH_MAX + NAME_MAX];

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		snprintf(cell, sizeof(cell), "%s/%s", path, entry->d_name);
		if (agentcg_session_open(handle, cell, &session))
			continue;
		agentcg_session_del(session, NULL);
		agentcg_session_close(session);
	}
	if (dir)
		closedir(dir);
}

static void kill_all(int dirfd, const char *name)
{
	char path[NAME_MAX + 32];

	snprintf(path, sizeof(path), "%s/cgroup.kill", name);
	write_text(dirfd, path, "1");
}

static bool has_child(int dirfd)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	bool found = !dir;

	while (!found && (entry = readdir(dir)))
		found = entry->d_type == DT_DIR && entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return found;
}

/* The limits of another cgroup would go with the controller. */
static void disable(int parent, const char *enabled)
{
	if (enabled[0] && !has_child(parent))
		write_text(parent, "cgroup.subtree_control", enabled);
}

/* Return: whether nothing is left. */
static bool clean_up(int parent, const struct sandbox *sandbox,
		     const struct sandbox_order *order)
{
	struct agentcg *handle = agentcg_open();
	struct stat st;
	int err = 0;

	if (!order->id) {
		/* Its maker died around mkdir: nothing can run there. */
		unlinkat(parent, sandbox->name, AT_REMOVEDIR);
	} else if (!fstatat(parent, sandbox->name, &st, 0) &&
		   st.st_ino == order->id) {
		kill_all(parent, sandbox->name);
		cgroup_populated(parent, sandbox->name, 1000);
		end_sessions(handle, sandbox->path);
		err = agentcg_cgroup_remove(parent, sandbox->name, GIVE_UP_MS);
	}
	if (order->node)
		agentcg_node_set(handle, &order->capacity, NULL);
	agentcg_close(handle);
	disable(parent, order->enabled);
	return !err;
}

static void keep(int pipe, int parent, const struct sandbox *sandbox)
{
	struct sandbox_order order = sandbox->order, next;

	while (read_order(pipe, &next, sizeof(next)))
		order = next;
	_exit(!clean_up(parent, sandbox, &order));
}

static int start_keeper(struct sandbox *sandbox)
{
	int ends[2], parent = sandbox->parent;

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	sandbox->pipe = ends[1];
	sandbox->keeper = fork();
	if (!sandbox->keeper) {
		/* A kill of the maker's process group is not for us. */
		setpgid(0, 0);
		keep_only(&ends[0], &parent);
		keep(ends[0], parent, sandbox);
	}
	close(ends[0]);
	if (sandbox->keeper > 0) {
		setpgid(sandbox->keeper, sandbox->keeper);
		return 0;
	}
	close(ends[1]);
	return -errno;
}

static void tell_keeper(const struct sandbox *sandbox)
{
	send_order(sandbox->pipe, &sandbox->order, sizeof(sandbox->order));
}

/* ---- making and removing ---- */

static int tell(const char *path, const char *what, int err)
{
	complain("%s: %s: %s%s", path, what, strerror(-err), error_mend(err));
	return -1;
}

static bool has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (; *list; list += strspn(list, " \n")) {
		size_t end = strcspn(list, " \n");

		if (end == len && !strncmp(list, word, len))
			return true;
		list += end;
	}
	return false;
}

/* @enabled, if not NULL, gets what was not so before, as it is undone. */
static int enable(int dirfd, const char *path, char *enabled)
{
	char before[256], wanted[32] = "", undo[32] = "";
	size_t i;
	int err;

	read_text(dirfd, "cgroup.subtree_control", before, sizeof(before));
	for (i = 0; i < sizeof(controllers) / sizeof(controllers[0]); i++) {
		if (has_word(before, controllers[i]))
			continue;
		strcat(strcat(wanted, " +"), controllers[i]);
		strcat(strcat(undo, " -"), controllers[i]);
	}
	err = wanted[0] ? write_text(dirfd, "cgroup.subtree_control", wanted) :
			  0;
	if (!err && enabled)
		strcpy(enabled, undo);
	if (err == -EBUSY) {
		complain("%s has processes of its own, so it cannot hand out memory: name another --parent",
			 path);
		return -1;
	}
	return err ? tell(path, "enabling memory, cpu and pids", err) : 0;
}

static int open_parent(struct sandbox *sandbox, const char *parent)
{
	struct agentcg_session *session;
	char path[PATH_MAX];

	if (agentcg_session_open(sandbox->handle, parent ?: "/", &session)) {
		complain("%s", agentcg_strerror(sandbox->handle));
		return -1;
	}
	sandbox->parent = fcntl(agentcg_session_fd(session), F_DUPFD_CLOEXEC, 0);
	agentcg_session_close(session);
	path_of_fd(sandbox->parent, path);
	snprintf(sandbox->path, sizeof(sandbox->path), "%.*s/%s",
		 PATH_MAX - 80, path, sandbox->name);
	return enable(sandbox->parent, path, sandbox->order.enabled);
}

static int make_cgroup(struct sandbox *sandbox)
{
	struct stat st;

	if (mkdirat(sandbox->parent, sandbox->name, 0755))
		return tell(sandbox->path, "mkdir", -errno);
	sandbox->dir = openat(sandbox->parent, sandbox->name,
			      O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (sandbox->dir < 0 || fstat(sandbox->dir, &st))
		return tell(sandbox->path, "open", -errno);
	sandbox->order.id = st.st_ino;
	tell_keeper(sandbox);
	return enable(sandbox->dir, sandbox->path, NULL);
}

int sandbox_make(struct sandbox *sandbox, struct agentcg *handle,
		 const char *parent, const char *word)
{
	int err;

	*sandbox = (struct sandbox){ .handle = handle, .parent = -1, .dir = -1 };
	snprintf(sandbox->name, sizeof(sandbox->name), "%s-%d", word, getpid());
	err = open_parent(sandbox, parent);
	if (!err) {
		err = start_keeper(sandbox);
		if (err)
			err = tell(sandbox->path, "fork", err);
		else if (make_cgroup(sandbox))
			err = -1;
		else
			return 0;
	}
	if (sandbox->keeper > 0)
		sandbox_remove(sandbox);
	return -1;
}

int sandbox_remove(struct sandbox *sandbox)
{
	int status = 0;

	close(sandbox->pipe);
	while (waitpid(sandbox->keeper, &status, 0) < 0 && errno == EINTR)
		continue;
	if (sandbox->dir >= 0)
		close(sandbox->dir);
	close(sandbox->parent);
	if (!status)
		return 0;
	complain("%s could not be removed: its processes do not die",
		 sandbox->path);
	return -1;
}

int sandbox_write(int dirfd, const char *name, const char *text)
{
	int err = write_text(dirfd, name, text);

	return err ? tell(name, text, err) : 0;
}

int sandbox_set_node(struct sandbox *sandbox, uint64_t capacity)
{
	struct agentcg_record node;
	int err = agentcg_node_get(sandbox->handle, &node);

	if (!err) {
		sandbox->order.node = true;
		sandbox->order.capacity =
			agentcg_record_uint(&node, AGENTCG_A_NODE_CAPACITY, 0);
		tell_keeper(sandbox);
		err = agentcg_node_set(sandbox->handle, &capacity, NULL);
	}
	if (err)
		complain("the capacity of the node: %s",
			 agentcg_strerror(sandbox->handle));
	return err ? -1 : 0;
}

/* ---- cells ---- */

static int make_plain(struct cell *cell)
{
	int dir = agentcg_session_fd(cell->session);

	if (enable(dir, cell->path, NULL))
		return -1;
	return mkdirat(dir, "agent", 0755) ? tell(cell->path, "agent", -errno) :
					     0;
}

int sandbox_add(struct sandbox *sandbox, unsigned int number,
		const struct agentcg_session_config *config, struct cell *cell)
{
	int err;

	*cell = (struct cell){ .agent = -1 };
	snprintf(cell->path, sizeof(cell->path), "%s/s%u", sandbox->path,
		 number);
	if (mkdir(cell->path, 0755))
		return tell(cell->path, "mkdir", -errno);
	err = agentcg_session_open(sandbox->handle, cell->path, &cell->session);
	if (!err && config)
		err = agentcg_session_add(cell->session, config);
	if (err)
		complain("%s", agentcg_strerror(sandbox->handle));
	else if (!config)
		err = make_plain(cell);
	if (!err)
		cell->agent = openat(agentcg_session_fd(cell->session), "agent",
				     O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!err && cell->agent < 0)
		err = tell(cell->path, "agent", -errno);
	if (err)
		cell_close(cell);
	return err ? -1 : 0;
}

void cell_close(struct cell *cell)
{
	if (cell->agent >= 0)
		close(cell->agent);
	agentcg_session_close(cell->session);
	*cell = (struct cell){ .agent = -1 };
}

void cell_kill(const struct cell *cell)
{
	kill_all(agentcg_session_fd(cell->session), ".");
}

int spawn_into(int dir, const char *path,
	       const posix_spawn_file_actions_t *actions, char *const argv[],
	       pid_t *pid)
{
	posix_spawnattr_t attr;
	sigset_t none;
	int err;

	sigemptyset(&none);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETCGROUP |
					POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setcgroup_np(&attr, dir);
	posix_spawnattr_setsigmask(&attr, &none);
	err = posix_spawnp(pid, path, actions, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	return err;
}
