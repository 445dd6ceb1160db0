// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Cgroups as directories: finding the tree, naming a cgroup, reading and
 * writing its files, and making it go away.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

/* ---- files ---- */

/* Return: how many bytes were read into @buf, which is terminated. */
int agentcg_file_read(int dirfd, const char *name, char *buf, size_t size)
{
	int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC);
	size_t have = 0;

	if (fd < 0)
		return -errno;
	while (have < size - 1) {
		ssize_t len = read(fd, buf + have, size - 1 - have);

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0) {
			int err = -errno;

			close(fd);
			return err;
		}
		if (!len)
			break;
		have += (size_t)len;
	}
	close(fd);
	buf[have] = '\0';
	return (int)have;
}

int agentcg_file_write(int dirfd, const char *name, const char *text)
{
	int fd = openat(dirfd, name, O_WRONLY | O_CLOEXEC);
	ssize_t len;
	int err;

	if (fd < 0)
		return -errno;
	do {
		len = write(fd, text, strlen(text));
	} while (len < 0 && errno == EINTR);
	err = len < 0 ? -errno : 0;
	close(fd);
	return err;
}

/* Is @word one of the words of @list? */
bool agentcg_word_in(const char *list, const char *word)
{
	size_t len = strlen(word);
	const char *at = list;

	while ((at = strstr(at, word))) {
		if ((at == list || strchr(" \n", at[-1])) &&
		    (!at[len] || strchr(" \n", at[len])))
			return true;
		at += len;
	}
	return false;
}

/* ---- names ---- */

static bool is_cgroup2(const char *path)
{
	struct statfs fs;

	return !statfs(path, &fs) && fs.f_type == CGROUP2_SUPER_MAGIC;
}

/* Find the first cgroup2 mount; mount points have \040 for a space. */
static int scan_mounts(char *path)
{
	FILE *file = fopen("/proc/self/mounts", "re");
	char line[PATH_MAX + 256];
	int err = -ENODEV;

	if (!file)
		return -errno;
	while (err && fgets(line, sizeof(line), file)) {
		char type[16];

		if (sscanf(line, "%*s %4095s %15s", path, type) == 2 &&
		    !strcmp(type, "cgroup2") && is_cgroup2(path))
			err = 0;
	}
	fclose(file);
	return err;
}

int agentcg_root(struct agentcg *handle, const char **path)
{
	static const char usual[] = "/sys/fs/cgroup";

	if (!handle->root[0]) {
		if (is_cgroup2(usual)) {
			memcpy(handle->root, usual, sizeof(usual));
		} else if (scan_mounts(handle->root)) {
			handle->root[0] = '\0';
			return agentcg_error(handle, -ENODEV,
				"cgroup v2 is not mounted: mount -t cgroup2 none %s",
				usual);
		}
	}
	*path = handle->root;
	return 0;
}

/* The path of a directory inside the cgroup tree, "/" for its root. */
const char *agentcg_cgroup_tail(struct agentcg *handle, const char *path)
{
	size_t len = strlen(handle->root);

	if (strncmp(path, handle->root, len) ||
	    (path[len] && path[len] != '/'))
		return path;
	return path[len] ? path + len : "/";
}

static int open_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/*
 * "/a/b" is looked for in the cgroup tree first, then as a directory; "a/b" as a
 * directory first.
 */
static int open_named(struct agentcg *handle, const char *cgroup,
		      char path[PATH_MAX])
{
	size_t len = strlen(handle->root);
	int fd;

	if (cgroup[0] == '/' && (strncmp(cgroup, handle->root, len) ||
				 (cgroup[len] && cgroup[len] != '/'))) {
		if (snprintf(path, PATH_MAX, "%s%s", handle->root, cgroup) >=
		    PATH_MAX)
			return -ENAMETOOLONG;
		fd = open_dir(path);
		if (fd != -ENOENT)
			return fd;
	}
	if (strlen(cgroup) >= PATH_MAX)
		return -ENAMETOOLONG;
	fd = open_dir(strcpy(path, cgroup));
	if (fd != -ENOENT || cgroup[0] == '/')
		return fd;
	if (snprintf(path, PATH_MAX, "%s/%s", handle->root, cgroup) >= PATH_MAX)
		return -ENAMETOOLONG;
	return open_dir(path);
}

/*
 * Open a cgroup named by its path in the tree or by its directory; @path gets
 * the directory as it was opened.
 */
int agentcg_cgroup_open(struct agentcg *handle, const char *cgroup,
			char path[PATH_MAX])
{
	struct statfs fs;
	const char *root;
	int err, fd;

	err = agentcg_root(handle, &root);
	if (err)
		return err;
	fd = open_named(handle, cgroup, path);
	if (fd == -ENOENT)
		return agentcg_error(handle, fd,
				     "there is no cgroup %s: mkdir %s%s%s",
				     cgroup, root, cgroup[0] == '/' ? "" : "/",
				     agentcg_cgroup_tail(handle, cgroup));
	if (fd < 0)
		return agentcg_error(handle, fd, "cgroup %s: %s", cgroup,
				     strerror(-fd));
	if (fstatfs(fd, &fs) || fs.f_type != CGROUP2_SUPER_MAGIC) {
		close(fd);
		return agentcg_error(handle, -EMEDIUMTYPE,
			"%s is not a cgroup v2 directory: name one under %s",
			cgroup, root);
	}
	return fd;
}

/* ---- removal ---- */

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Remove the cgroups below @dirfd, deepest first. */
static void remove_below(int dirfd)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *entry;
	DIR *dir;

	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(dir))) {
		int sub;

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		sub = openat(fd, entry->d_name,
			     O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (sub < 0)
			continue;
		remove_below(sub);
		close(sub);
		unlinkat(fd, entry->d_name, AT_REMOVEDIR);
	}
	closedir(dir);
}

/* Sleep until the population of the cgroup changes, at most @ms. */
static void wait_for_change(int dirfd, int ms)
{
	int fd = openat(dirfd, "cgroup.events", O_RDONLY | O_CLOEXEC);
	struct pollfd pfd = { .fd = fd, .events = POLLPRI };
	char text[128];

	if (fd < 0)
		return;
	/* Reading arms the poll. */
	if (read(fd, text, sizeof(text)) > 0)
		poll(&pfd, 1, ms);
	close(fd);
}

static int kill_and_remove(int parent, const char *name, int timeout_ms)
{
	int64_t end = now_ms() + timeout_ms;
	int err = -EBUSY;
	int fd;

	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	do {
		agentcg_file_write(fd, "cgroup.kill", "1");
		remove_below(fd);
		err = unlinkat(parent, name, AT_REMOVEDIR) ? -errno : 0;
		if (err != -EBUSY)
			break;
		/*
		 * Short waits: what keeps it busy may also be a child cgroup,
		 * whose end is no event here.
		 */
		wait_for_change(fd, 10);
		err = unlinkat(parent, name, AT_REMOVEDIR) ? -errno : 0;
	} while (err == -EBUSY && now_ms() < end);
	close(fd);
	return err == -ENOENT ? 0 : err;
}

/* Where cgroupfs is mounted read-only, the module kills and removes. */
static int kill_and_remove_by_module(struct agentcg *handle, int parent,
				     const char *name, int timeout_ms)
{
	int64_t end = now_ms() + timeout_ms;
	struct stat st;
	int err, fd;

	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	err = fstat(fd, &st) ? -errno : agentcg_tool_remove(handle, fd);
	while (err == -EBUSY && now_ms() < end) {
		agentcg_tool_kill(handle, st.st_ino);
		wait_for_change(fd, 10);
		err = agentcg_tool_remove(handle, fd);
	}
	close(fd);
	/* Somebody else was faster. */
	return err == -ENODEV || err == -ENOENT ? 0 : err;
}

/* As agentcg_cgroup_remove(), with a handle at hand. */
int agentcg_cgroup_remove_with(struct agentcg *handle, int dirfd,
			       const char *name, int timeout_ms)
{
	/* Most are empty by now, and rmdir is all there is to do. */
	if (!unlinkat(dirfd, name, AT_REMOVEDIR) || errno == ENOENT)
		return 0;
	if (errno == EROFS)
		return kill_and_remove_by_module(handle, dirfd, name,
						 timeout_ms);
	if (errno != EBUSY)
		return -errno;
	return kill_and_remove(dirfd, name, timeout_ms);
}

int agentcg_cgroup_remove(int dirfd, const char *name, int timeout_ms)
{
	/* Asks nothing of the kernel unless it is needed. */
	struct agentcg *handle = agentcg_open();
	int err;

	if (!handle)
		return -ENOMEM;
	err = agentcg_cgroup_remove_with(handle, dirfd, name, timeout_ms);
	agentcg_close(handle);
	return err;
}
