// SPDX-License-Identifier: GPL-2.0-only
/* Cgroups for the tests, see cgroup_util.h. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cgroup_util.h"
#include "load.h"

#define DEATH_MS	20000

static int open_file(const char *const path, const char *const file,
		     const int flags)
{
	char name[2 * CG_PATH_MAX];

	snprintf(name, sizeof(name), "%s/%s", path, file);
	return open(name, flags | O_CLOEXEC);
}

int cg_write(const char *const path, const char *const file,
	     const char *const value)
{
	const int fd = open_file(path, file, O_WRONLY);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, value, strlen(value)) < 0)
		err = -errno;
	close(fd);
	return err;
}

int cg_write_u64(const char *const path, const char *const file,
		 const uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return cg_write(path, file, text);
}

const char *cg_read(const char *const path, const char *const file,
		    char *const buf, const size_t len)
{
	const int fd = open_file(path, file, O_RDONLY);
	ssize_t got = 0;

	if (fd >= 0) {
		got = read(fd, buf, len - 1);
		close(fd);
	}
	if (got < 0)
		got = 0;
	if (got && buf[got - 1] == '\n')
		got--;
	buf[got] = '\0';
	return buf;
}

uint64_t cg_read_u64(const char *const path, const char *const file)
{
	char buf[64];

	cg_read(path, file, buf, sizeof(buf));
	return strcmp(buf, "max") ? strtoull(buf, NULL, 10) : UINT64_MAX;
}

uint64_t cg_read_key(const char *const path, const char *const file,
		     const char *const key)
{
	const size_t len = strlen(key);
	char buf[8192];
	char *line;

	cg_read(path, file, buf, sizeof(buf));
	for (line = buf; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, key, len) && line[len] == ' ')
			return strtoull(line + len, NULL, 10);
	}
	return 0;
}

bool cg_has_controller(const char *const name)
{
	char buf[256], *left, *word;

	cg_read(CG_ROOT, "cgroup.controllers", buf, sizeof(buf));
	for (word = strtok_r(buf, " ", &left); word;
	     word = strtok_r(NULL, " ", &left))
		if (!strcmp(word, name))
			return true;
	return false;
}

int cg_wait_key(const char *const path, const char *const file,
		const char *const key, const uint64_t value, const int ms)
{
	const uint64_t end = now_ns() + ms * 1000000ULL;

	while (cg_read_key(path, file, key) != value) {
		if (now_ns() > end)
			return -ETIMEDOUT;
		usleep(1000);
	}
	return 0;
}

int cg_wait_empty(const char *const path, const int ms)
{
	return cg_wait_key(path, "cgroup.events", "populated", 0, ms);
}

int cg_make(const char *const path)
{
	return mkdir(path, 0755) ? -errno : 0;
}

int cg_feed(const char *const path)
{
	return cg_write(path, "cgroup.subtree_control", "+memory +cpu +pids");
}

static void remove_children(const char *const path)
{
	DIR *const dir = opendir(path);
	char child[2 * CG_PATH_MAX];
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		snprintf(child, sizeof(child), "%s/%s", path, entry->d_name);
		remove_children(child);
		rmdir(child);
	}
	closedir(dir);
}

int cg_remove(const char *const path)
{
	const uint64_t end = now_ns() + DEATH_MS * 1000000ULL;

	if (access(path, F_OK))
		return 0;
	cg_write(path, "cgroup.freeze", "0");
	cg_write(path, "cgroup.kill", "1");
	cg_wait_empty(path, DEATH_MS);
	for (;;) {
		remove_children(path);
		if (!rmdir(path) || errno == ENOENT)
			return 0;
		if (now_ns() > end)
			return -errno;
		usleep(2000);
	}
}

int cg_sweep(void)
{
	int err;

	err = cg_remove(CG_BASE);
	if (!err)
		err = cg_feed(CG_ROOT);
	if (!err)
		err = cg_make(CG_BASE);
	return err ? err : cg_feed(CG_BASE);
}

uint64_t cg_id(const char *const path)
{
	struct stat st;

	return stat(path, &st) ? 0 : st.st_ino;
}

int cg_open(const char *const path)
{
	const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

pid_t cg_spawn(const int cgroup_fd, int (*const fn)(void *arg), void *const arg)
{
	struct clone_args args = {
		.flags = CLONE_INTO_CGROUP,
		.exit_signal = SIGCHLD,
		.cgroup = cgroup_fd,
	};
	const pid_t parent = getpid();
	const pid_t pid = syscall(SYS_clone3, &args, sizeof(args));

	if (pid)
		return pid < 0 ? -errno : pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(126);
	_exit(fn(arg));
}
