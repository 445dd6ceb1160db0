// SPDX-License-Identifier: GPL-2.0-only
#include "tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Between two looks at who is left. */
#define PAUSE_NS	5000000

struct task {
	pid_t pid;
	pid_t parent;
	unsigned long long start;	/* in clock ticks */
	bool dead;
};

struct tasks {
	struct task *list;	/* by pid */
	size_t count;
	size_t room;
};

void tree_adopt(void)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1);
}

/* Read "PID (NAME) STATE PARENT ..."; a name may have anything in it. */
static bool read_task(int proc, const char *pid, struct task *task)
{
	char path[32], text[512];
	const char *at;
	ssize_t len;
	char state;
	int fd;

	snprintf(path, sizeof(path), "%s/stat", pid);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[len > 0 ? len : 0] = '\0';
	at = strrchr(text, ')');
	if (!at || sscanf(at, ") %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u "
			  "%*u %*u %*d %*d %*d %*d %*d %*d %llu", &state,
			  &task->parent, &task->start) != 3)
		return false;
	task->pid = atoi(pid);
	task->dead = state == 'Z' || state == 'X';
	return true;
}

static bool grow(struct tasks *tasks)
{
	size_t room = tasks->room * 2 ?: 512;
	struct task *list = reallocarray(tasks->list, room, sizeof(*list));

	if (!list)
		return false;
	tasks->list = list;
	tasks->room = room;
	return true;
}

static int compare(const void *a, const void *b)
{
	const struct task *x = a, *y = b;

	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

static void read_tasks(struct tasks *tasks)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;

	tasks->count = 0;
	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		if (tasks->count == tasks->room && !grow(tasks))
			break;
		if (read_task(dirfd(dir), entry->d_name,
			      &tasks->list[tasks->count]))
			tasks->count++;
	}
	if (dir)
		closedir(dir);
	if (tasks->count)
		qsort(tasks->list, tasks->count, sizeof(*tasks->list), compare);
}

/*
 * Is it a descendant of @self's, through a child that is not older than @since?
 * A chain that changed while it was read may be a ring: count its links.
 */
static bool is_below(const struct tasks *tasks, const struct task *task,
		     pid_t self, unsigned long long since)
{
	size_t links = tasks->count;

	while (task && task->parent != self && links--) {
		struct task parent = { .pid = task->parent };

		task = bsearch(&parent, tasks->list, tasks->count,
			       sizeof(parent), compare);
	}
	return task && task->parent == self && task->start >= since;
}

/* Return: how many were there to be killed. */
static unsigned int kill_round(struct tasks *tasks, unsigned long long since)
{
	unsigned int alive = 0;
	pid_t self = getpid();
	size_t i;

	read_tasks(tasks);
	for (i = 0; i < tasks->count; i++) {
		const struct task *task = &tasks->list[i];

		if (task->dead || !is_below(tasks, task, self, since))
			continue;
		kill(task->pid, SIGKILL);
		alive++;
	}
	return alive;
}

/* Return: whether there is a child still. */
static bool reap(void)
{
	siginfo_t info;

	for (;;) {
		info.si_pid = 0;
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG))
			return false;
		if (!info.si_pid)
			return true;
	}
}

unsigned long long tree_age(pid_t pid)
{
	struct task task = { .start = 0 };
	int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char name[16];

	snprintf(name, sizeof(name), "%d", pid);
	if (proc >= 0) {
		read_task(proc, name, &task);
		close(proc);
	}
	return task.start;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

bool tree_kill(unsigned long long since, int timeout_ms)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	int64_t end = now_ms() + timeout_ms;
	struct tasks tasks = { .list = NULL };
	int quiet = 0;

	/*
	 * Whoever was born while the others were looked at is found in the next
	 * round: its parents are dead by then, so it is our child. The last one
	 * finds nobody twice, since a process can slip by a single look.
	 */
	while (quiet < 2 && reap() && now_ms() < end) {
		quiet = kill_round(&tasks, since) ? 0 : quiet + 1;
		nanosleep(&pause, NULL);
	}
	free(tasks.list);
	return quiet == 2 || !reap();
}
