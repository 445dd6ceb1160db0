// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Making a cgroup fit to be a session, and putting everything back.
 *
 * The kernel module only checks; what has to be written to the cgroup tree is
 * written here. Every change is noted, before anything depends on it, in an
 * extended attribute of the directory that was changed, so that it can be
 * undone by another process, after a crash, or without the module:
 *
 *  trusted.agentcg.enabled	controllers that were switched on in
 *				cgroup.subtree_control of this directory
 *  trusted.agentcg.session	on the session: what was done to it, the words
 *				"made" (its child agent) and "adopted" (its
 *				processes moved there)
 *
 * A controller that was switched on is switched off again unless somebody else
 * needs it by then: another session further down, or a cgroup with limits.
 * Looking and switching is one step to others: a lock on the root of the tree
 * is held over each setup and each undoing.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "internal.h"

#define XATTR_ENABLED	"trusted.agentcg.enabled"
#define XATTR_SESSION	"trusted.agentcg.session"
#define AGENT		"agent"

/* Passes over cgroup.procs: a fork bomb must not keep us for ever. */
#define ADOPT_PASSES	1000

#define CONTROLLERS	3
static const char *const controllers[CONTROLLERS] = { "memory", "cpu", "pids" };

/* ---- notes ---- */

static bool note_get(int fd, const char *name, char *text, size_t size)
{
	ssize_t len = fgetxattr(fd, name, text, size - 1);

	text[len > 0 ? len : 0] = '\0';
	return len >= 0;
}

static int note_set(int fd, const char *name, const char *text)
{
	return fsetxattr(fd, name, text, strlen(text), 0) ? -errno : 0;
}

bool agentcg_setup_found(const struct agentcg_session *session)
{
	char text[64];

	return note_get(session->fd, XATTR_SESSION, text, sizeof(text));
}

/* ---- controllers ---- */

static int step_error(struct agentcg_session *session, int err,
		      const char *path, const char *what)
{
	struct agentcg *handle = session->handle;

	return agentcg_error(handle, err, "%s: %s: %s",
			     agentcg_cgroup_tail(handle, path), what,
			     strerror(-err));
}

/* Say what stands in the way of a controller, and the mend. */
static int explain_refusal(struct agentcg_session *session, const char *path,
			   int fd, const char *name, int err)
{
	struct agentcg *handle = session->handle;
	const char *tail = agentcg_cgroup_tail(handle, path);
	char text[4096];

	if (agentcg_file_read(fd, "cgroup.type", text, sizeof(text)) > 0 &&
	    strncmp(text, "domain\n", 7))
		return agentcg_error(handle, -EOPNOTSUPP,
			"%s is a threaded cgroup (%.*s), which cannot hand out memory: use another cgroup",
			tail, (int)strcspn(text, "\n"), text);
	if (err == -EBUSY &&
	    agentcg_file_read(fd, "cgroup.procs", text, sizeof(text)) > 0)
		return agentcg_error(handle, -EBUSY,
			"%s has processes of its own (%.*s is one), so it cannot hand out %s: move them into a child cgroup",
			tail, (int)strcspn(text, "\n"), text, name);
	return agentcg_error(handle, err, "%s: +%s in cgroup.subtree_control: %s",
			     tail, name, strerror(-err));
}

static int enable_one(struct agentcg_session *session, const char *path, int fd,
		      const char *name)
{
	struct agentcg *handle = session->handle;
	char enabled[128], word[16];
	int err;

	note_get(fd, XATTR_ENABLED, enabled, sizeof(enabled) - sizeof(word));
	if (!agentcg_word_in(enabled, name)) {
		if (enabled[0])
			strcat(enabled, " ");
		strcat(enabled, name);
		err = note_set(fd, XATTR_ENABLED, enabled);
		if (err)
			return agentcg_error(handle, err,
				"%s: trusted extended attributes are needed to remember changes: %s",
				agentcg_cgroup_tail(handle, path),
				err == -EPERM ? "run it as root" : strerror(-err));
	}
	snprintf(word, sizeof(word), "+%s", name);
	err = agentcg_file_write(fd, "cgroup.subtree_control", word);
	if (err)
		return explain_refusal(session, path, fd, name, err);
	return 0;
}

static int enable_controllers(struct agentcg_session *session,
			      const char *path, int fd)
{
	struct agentcg *handle = session->handle;
	char there[512], on[512];
	int err = 0, i;

	if (agentcg_file_read(fd, "cgroup.controllers", there,
			      sizeof(there)) < 0 ||
	    agentcg_file_read(fd, "cgroup.subtree_control", on,
			      sizeof(on)) < 0)
		return step_error(session, -errno, path, "its controllers");
	for (i = 0; i < CONTROLLERS && !err; i++) {
		if (agentcg_word_in(on, controllers[i]))
			continue;
		if (!agentcg_word_in(there, controllers[i]))
			return agentcg_error(handle, -ENODEV,
				"the controller %s is not available in %s: enable it above (cgroup.subtree_control), or on the kernel command line (cgroup_disable=, cgroup v1 mounts)",
				controllers[i],
				agentcg_cgroup_tail(handle, path));
		err = enable_one(session, path, fd, controllers[i]);
	}
	return err;
}

/*
 * Call @fn for every directory from the root of the tree down to, and without,
 * the session; the walk is given up when @fn fails.
 */
static int walk_down(struct agentcg_session *session,
		     int (*fn)(struct agentcg_session *, const char *, int))
{
	size_t at = strlen(session->handle->root);
	char path[PATH_MAX];
	int err = 0;

	while (!err && session->path[at]) {
		int fd;

		snprintf(path, sizeof(path), "%.*s", (int)at, session->path);
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			return step_error(session, -errno, path, "open");
		err = fn(session, path, fd);
		close(fd);
		at += 1 + strcspn(session->path + at + 1, "/");
	}
	return err;
}

static int refuse_overlap(struct agentcg_session *session, const char *path,
			  int fd)
{
	const char *tail = agentcg_cgroup_tail(session->handle, path);
	char text[64];

	if (!note_get(fd, XATTR_SESSION, text, sizeof(text)))
		return 0;
	return agentcg_error(session->handle, -EBUSY,
		"it lies inside the session %s, and sessions cannot overlap: use a cgroup outside, or agentcg session del %s",
		tail, tail);
}

/* ---- what else needs a controller ---- */

/* Files that hold a limit, and what stands in them when there is none. */
static const struct {
	const char *controller;
	const char *file;
	const char *unset;
} limits[] = {
	{ "memory", "memory.max", "max" },
	{ "memory", "memory.high", "max" },
	{ "memory", "memory.low", "0" },
	{ "memory", "memory.min", "0" },
	{ "memory", "memory.swap.max", "max" },
	{ "memory", "memory.oom.group", "0" },
	{ "cpu", "cpu.max", "max 100000" },
	{ "cpu", "cpu.weight", "100" },
	{ "cpu", "cpu.idle", "0" },
	{ "pids", "pids.max", "max" },
};

static bool has_limit(int fd, const char *controller)
{
	char text[512];
	size_t i;

	for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		if (strcmp(limits[i].controller, controller) ||
		    agentcg_file_read(fd, limits[i].file, text,
				      sizeof(text)) <= 0)
			continue;
		text[strcspn(text, "\n")] = '\0';
		if (strcmp(text, limits[i].unset))
			return true;
	}
	return agentcg_file_read(fd, "cgroup.subtree_control", text,
				 sizeof(text)) > 0 &&
	       agentcg_word_in(text, controller);
}

/* Does @fn hold for any child cgroup of @fd? */
static bool any_child(int fd, bool (*fn)(int, const char *), const char *arg)
{
	int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	dir = again < 0 ? NULL : fdopendir(again);
	if (!dir) {
		if (again >= 0)
			close(again);
		/* When in doubt, leave things as they are. */
		return true;
	}
	while (!found && (entry = readdir(dir))) {
		int sub;

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		sub = openat(again, entry->d_name,
			     O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (sub < 0)
			continue;
		found = fn(sub, arg);
		close(sub);
	}
	closedir(dir);
	return found;
}

static bool holds_session(int fd, const char *unused)
{
	char text[64];

	return note_get(fd, XATTR_SESSION, text, sizeof(text)) ||
	       any_child(fd, holds_session, unused);
}

/* Deeper users show in the cgroup.subtree_control of the child. */
static bool needs_controller(int fd, const char *controller)
{
	return has_limit(fd, controller) || holds_session(fd, NULL);
}

/* Switch off what was switched on in one directory and is needed no more. */
static void disable_controllers(int fd, bool ours)
{
	char enabled[128], kept[128] = "", word[16];
	int i;

	if (!note_get(fd, XATTR_ENABLED, enabled, sizeof(enabled)))
		return;
	for (i = 0; i < CONTROLLERS; i++) {
		if (!agentcg_word_in(enabled, controllers[i]))
			continue;
		snprintf(word, sizeof(word), "-%s", controllers[i]);
		if ((ours || !any_child(fd, needs_controller, controllers[i])) &&
		    !agentcg_file_write(fd, "cgroup.subtree_control", word))
			continue;
		if (kept[0])
			strcat(kept, " ");
		strcat(kept, controllers[i]);
	}
	if (kept[0])
		note_set(fd, XATTR_ENABLED, kept);
	else
		fremovexattr(fd, XATTR_ENABLED);
}

static void disable_upwards(struct agentcg_session *session)
{
	size_t root = strlen(session->handle->root);
	char path[PATH_MAX];
	char *slash;

	snprintf(path, sizeof(path), "%s", session->path);
	while ((slash = strrchr(path, '/')) && (size_t)(slash - path) >= root) {
		int fd;

		*slash = '\0';
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			continue;
		disable_controllers(fd, false);
		close(fd);
	}
}

/* ---- processes ---- */

/*
 * Move all processes of one cgroup into another. Return: how many were moved,
 * or a negative errno with @pid set to the one that would not go.
 */
static int move_processes(int from, int to, int *pid)
{
	int pass, moved = 0;

	for (pass = 0; pass < ADOPT_PASSES; pass++) {
		char text[16384], *at = text;
		int err;

		err = agentcg_file_read(from, "cgroup.procs", text,
					sizeof(text));
		if (err <= 0)
			return err < 0 ? err : moved;
		while (*at) {
			char *end = at + strcspn(at, "\n");
			bool whole = *end == '\n';

			*end = '\0';
			*pid = atoi(at);
			/* A number cut off by the buffer comes again. */
			err = whole ? agentcg_file_write(to, "cgroup.procs", at) : 0;
			/* It may have exited since it was listed. */
			if (err && err != -ESRCH)
				return err;
			moved++;
			at = whole ? end + 1 : end;
		}
	}
	return -EAGAIN;
}

static int open_agent(struct agentcg_session *session, char *note)
{
	struct agentcg *handle = session->handle;
	int err, fd;

	if (!mkdirat(session->fd, AGENT, 0755)) {
		if (!agentcg_word_in(note, "made"))
			strcat(note, " made");
	} else if (errno != EEXIST) {
		return step_error(session, -errno, session->path,
				  "making its child " AGENT);
	}
	/* The first word tells that this is a session, whatever was done. */
	err = note_set(session->fd, XATTR_SESSION, note);
	if (err) {
		if (strstr(note, "made"))
			unlinkat(session->fd, AGENT, AT_REMOVEDIR);
		return agentcg_error(handle, err,
			"%s: trusted extended attributes are needed to remember changes: %s",
			agentcg_cgroup_tail(handle, session->path),
			err == -EPERM ? "run it as root" : strerror(-err));
	}
	fd = openat(session->fd, AGENT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? step_error(session, -errno, session->path, AGENT) : fd;
}

static int adopt_processes(struct agentcg_session *session, bool adopt,
			   char *note, int agent_fd)
{
	struct agentcg *handle = session->handle;
	const char *tail = agentcg_cgroup_tail(handle, session->path);
	char text[4096];
	int err, pid = 0;

	err = agentcg_file_read(session->fd, "cgroup.procs", text,
				sizeof(text));
	/* EOPNOTSUPP: threaded, which the controllers will tell. */
	if (err <= 0)
		return 0;
	if (!adopt)
		return agentcg_error(handle, -EBUSY,
			"%s has processes of its own (%.*s is one): add --adopt to move them into its child " AGENT,
			tail, (int)strcspn(text, "\n"), text);
	if (!agentcg_word_in(note, "adopted"))
		strcat(note, " adopted");
	err = note_set(session->fd, XATTR_SESSION, note);
	if (!err)
		err = move_processes(session->fd, agent_fd, &pid);
	if (err < 0)
		return agentcg_error(handle, err,
			"%s: process %d cannot be moved into " AGENT ": %s",
			tail, pid, strerror(-err));
	return 0;
}

/* Return: a descriptor to close, or -1 when locking does not work here. */
static int lock_tree(struct agentcg_session *session)
{
	int fd = open(session->handle->root,
		      O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	while (fd >= 0 && flock(fd, LOCK_EX) && errno == EINTR)
		continue;
	return fd;
}

static void unlock_tree(int fd)
{
	if (fd >= 0)
		close(fd);
}

/*
 * Processes can return to the session only after it hands out no controller
 * any more.
 */
static void undo(struct agentcg_session *session)
{
	char note[64];
	int agent, pid;

	if (note_get(session->fd, XATTR_SESSION, note, sizeof(note))) {
		disable_controllers(session->fd, true);
		agent = openat(session->fd, AGENT,
			       O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (agent >= 0 && agentcg_word_in(note, "adopted"))
			move_processes(agent, session->fd, &pid);
		if (agent >= 0)
			close(agent);
		if (agentcg_word_in(note, "made"))
			unlinkat(session->fd, AGENT, AT_REMOVEDIR);
		fremovexattr(session->fd, XATTR_SESSION);
	}
	disable_upwards(session);
}

static int setup(struct agentcg_session *session, bool adopt, int *agent_fd)
{
	char note[64];
	bool found;
	int err;

	err = walk_down(session, refuse_overlap);
	if (err)
		return err;
	if (any_child(session->fd, holds_session, NULL))
		return agentcg_error(session->handle, -EBUSY,
			"%s has a session inside it, and sessions cannot overlap: see agentcg session show",
			agentcg_cgroup_tail(session->handle, session->path));

	/* A note is there when the module was unloaded in the meantime. */
	found = note_get(session->fd, XATTR_SESSION, note, sizeof(note) / 2);
	if (!found)
		strcpy(note, "session");
	err = walk_down(session, enable_controllers);
	if (err)
		goto out;
	err = open_agent(session, note);
	if (err < 0)
		goto out;
	*agent_fd = err;
	err = adopt_processes(session, adopt, note, *agent_fd) ?:
	      enable_controllers(session, session->path, session->fd);
	if (err)
		close(*agent_fd);
out:
	/* What was there before is in use: processes, calls and their limits. */
	if (err && !found)
		undo(session);
	return err;
}

/*
 * Make the cgroup fit to be a session. @agent_fd gets the directory of its
 * agent leaf, owned by the caller. Undoes its own work when it fails, but what
 * is left of a session that the module has forgotten stays as it is.
 */
int agentcg_setup(struct agentcg_session *session, bool adopt, int *agent_fd)
{
	int lock = lock_tree(session);
	int err = setup(session, adopt, agent_fd);

	unlock_tree(lock);
	return err;
}

/* Put everything back. */
void agentcg_setup_undo(struct agentcg_session *session)
{
	int lock = lock_tree(session);

	undo(session);
	unlock_tree(lock);
}
