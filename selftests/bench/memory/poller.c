// SPDX-License-Identifier: GPL-2.0-only
/*
 * poller: a controller in user space, as well as such a thing can be written: its files
 * stay open, its memory is locked, it runs before all others, and it holds back only
 * those who are not HIGH, no further than it must.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define MIB		(1ull << 20)
#define SESSIONS	64
/* Of the memory of all, in percent: short from there on, at ease below. */
#define SHORT		92
#define EASE		80
/* Of the time since the last look, in percent, in which somebody waited for memory. */
#define STALLED		10
/* No session is pressed below this. */
#define LEAST		(32 * MIB)
/* Looks at ease before a limit is raised, so that it does not swing. */
#define PATIENCE	20

static const char help[] =
"usage: poller CGROUP MS [NUMBER]...\n"
"\n"
"Every MS looks at the replay below CGROUP, and lowers and raises memory.high of its\n"
"sessions. Those with a NUMBER are HIGH: protected, and never held back.\n";

struct session {
	int current;
	int high;
	int low;
	bool is_high;
	uint64_t usage;
	uint64_t limit;
};

struct group {
	int dir;
	int current;
	int pressure;
	int events;
	uint64_t limit;
	uint64_t stalled_us;
	uint64_t maxed;
	struct session sessions[SESSIONS];
	unsigned int count;
	unsigned int eased;
};

static volatile sig_atomic_t ended;

static void end(int sig)
{
	(void)sig;
	ended = 1;
}

static ssize_t read_at(int fd, char *text, size_t size)
{
	ssize_t got = pread(fd, text, size - 1, 0);

	text[got > 0 ? got : 0] = '\0';
	return got;
}

static uint64_t read_number(int fd)
{
	char text[64];

	if (read_at(fd, text, sizeof(text)) <= 0)
		return 0;
	return strncmp(text, "max", 3) ? strtoull(text, NULL, 10) : UINT64_MAX;
}

/* The number behind a word. */
static uint64_t read_key(int fd, const char *key)
{
	char text[1024];
	const char *at;

	read_at(fd, text, sizeof(text));
	at = strstr(text, key);
	return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

static void write_number(int fd, uint64_t value)
{
	char text[32];
	int len = value == UINT64_MAX ? sprintf(text, "max") :
		  sprintf(text, "%llu", (unsigned long long)value);

	/* The session may have gone meanwhile. */
	if (pwrite(fd, text, (size_t)len, 0) < 0 && errno != ENODEV)
		perror("poller");
}

static bool is_listed(char **numbers, unsigned int number)
{
	for (; *numbers; numbers++)
		if (strtoul(*numbers, NULL, 10) == number)
			return true;
	return false;
}

static int open_of(int dir, unsigned int number, const char *name, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "s%u/%s", number, name);
	return openat(dir, path, flags | O_CLOEXEC);
}

/* Sessions are s1, s2 and so on, and come one by one. */
static void find_sessions(struct group *group, char **high)
{
	while (group->count < SESSIONS) {
		struct session *session = &group->sessions[group->count];
		unsigned int number = group->count + 1;

		session->current = open_of(group->dir, number, "memory.current",
					   O_RDONLY);
		if (session->current < 0)
			return;
		session->high = open_of(group->dir, number, "memory.high",
					O_RDWR);
		session->low = open_of(group->dir, number, "memory.low", O_RDWR);
		session->is_high = is_listed(high, number);
		session->limit = UINT64_MAX;
		group->count = number;
	}
}

static int open_replay(const char *parent)
{
	DIR *dir = opendir(parent);
	struct dirent *entry;
	int found = -1;

	while (found < 0 && dir && (entry = readdir(dir)))
		if (!strncmp(entry->d_name, "agentcg-replay-", 15))
			found = openat(dirfd(dir), entry->d_name,
				       O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir)
		closedir(dir);
	return found;
}

static uint64_t limit_of(int dir)
{
	int fd = openat(dir, "memory.max", O_RDONLY | O_CLOEXEC);
	uint64_t limit = fd < 0 ? 0 : read_number(fd);

	if (fd >= 0)
		close(fd);
	return limit;
}

/* Return: whether a replay is there that has a limit by now. */
static bool find_group(struct group *group, const char *parent)
{
	group->dir = open_replay(parent);
	if (group->dir < 0)
		return false;
	group->limit = limit_of(group->dir);
	if (!group->limit || group->limit == UINT64_MAX) {
		close(group->dir);
		return false;
	}
	group->current = openat(group->dir, "memory.current", O_RDONLY);
	group->pressure = openat(group->dir, "memory.pressure", O_RDONLY);
	group->events = openat(group->dir, "memory.events", O_RDONLY);
	return true;
}

/* ---- one look ---- */

static bool is_short(struct group *group, uint64_t usage, uint64_t interval_us)
{
	uint64_t stalled = read_key(group->pressure, "total=");
	uint64_t maxed = read_key(group->events, "\nmax ");
	bool is_so = usage > group->limit / 100 * SHORT ||
		     maxed > group->maxed ||
		     stalled - group->stalled_us > interval_us / 100 * STALLED;

	group->stalled_us = stalled;
	group->maxed = maxed;
	return is_so;
}

static struct session *largest_low(struct group *group)
{
	struct session *largest = NULL;
	unsigned int i;

	for (i = 0; i < group->count; i++) {
		struct session *session = &group->sessions[i];

		if (session->is_high || session->usage <= LEAST)
			continue;
		if (!largest || session->usage > largest->usage)
			largest = session;
	}
	return largest;
}

/* The largest LOW session stays where it is, less what is to become free. */
static void press(struct group *group, uint64_t usage)
{
	struct session *session = largest_low(group);
	uint64_t goal = group->limit / 100 * EASE;
	uint64_t excess = usage > goal ? usage - goal : 4 * MIB;

	if (!session)
		return;
	session->limit = session->usage > excess + LEAST ?
			 session->usage - excess : LEAST;
	write_number(session->high, session->limit);
}

/* Each gets a quarter more, and none at all when it does not need it. */
static void relax(struct group *group)
{
	unsigned int i;

	for (i = 0; i < group->count; i++) {
		struct session *session = &group->sessions[i];

		if (session->limit == UINT64_MAX)
			continue;
		session->limit += session->limit / 4;
		if (session->limit > group->limit)
			session->limit = UINT64_MAX;
		write_number(session->high, session->limit);
	}
}

static void look(struct group *group, uint64_t interval_us)
{
	uint64_t usage = read_number(group->current);
	unsigned int i;

	for (i = 0; i < group->count; i++) {
		struct session *session = &group->sessions[i];

		session->usage = read_number(session->current);
		if (session->is_high)
			write_number(session->low, session->usage);
	}
	if (is_short(group, usage, interval_us)) {
		group->eased = 0;
		press(group, usage);
	} else if (usage < group->limit / 100 * EASE &&
		   ++group->eased >= PATIENCE) {
		group->eased = 0;
		relax(group);
	}
}

static void be_quick(void)
{
	const struct sched_param param = { .sched_priority = 50 };

	if (sched_setscheduler(0, SCHED_FIFO, &param) ||
	    mlockall(MCL_CURRENT | MCL_FUTURE))
		perror("poller");
}

int main(int argc, char **argv)
{
	unsigned long ms = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	struct group group = { .dir = -1 };
	struct timespec next;
	bool found = false;

	if (!ms || ms >= 1000) {
		fputs(help, stderr);
		return 2;
	}
	signal(SIGTERM, end);
	signal(SIGINT, end);
	be_quick();
	clock_gettime(CLOCK_MONOTONIC, &next);
	while (!ended) {
		next.tv_nsec += (long)ms * 1000000;
		if (next.tv_nsec >= 1000000000) {
			next.tv_nsec -= 1000000000;
			next.tv_sec++;
		}
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
		found = found || find_group(&group, argv[1]);
		if (!found)
			continue;
		find_sessions(&group, argv + 3);
		look(&group, ms * 1000);
	}
	return 0;
}
