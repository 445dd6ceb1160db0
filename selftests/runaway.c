// SPDX-License-Identifier: GPL-2.0-only
/* Tools that run away, see runaway.h. */

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "load.h"
#include "runaway.h"

#define NOBODY		65534
/* More than there is memory. */
#define FILE_SIZE	(RUNAWAY_MEMORY + 16 * MB)

static void count_up(void *const count, const uint64_t by)
{
	__atomic_fetch_add((uint64_t *)count, by, __ATOMIC_RELAXED);
}

/* What root may do without a bound is no test of one. */
static void lose_privileges(void)
{
	if (setresgid(NOBODY, NOBODY, NOBODY) ||
	    setresuid(NOBODY, NOBODY, NOBODY))
		_exit(125);
}

/* Fork for ever, with @fn in every child; counts what is refused. */
static int breed(int (*const fn)(void *count), void *const count)
{
	for (;;) {
		const pid_t pid = fork();

		if (!pid)
			_exit(fn(count));
		if (pid > 0)
			continue;
		count_up(count, 1);
		usleep(1000);
	}
	return 0;
}

static int eat_memory(void *const count)
{
	for (;;)
		fill(MB);
	return 0;
}

/* Its children only watch, but go with it. */
static int malloc_loop(void *const count)
{
	if (!fork())
		return stay();
	if (!fork())
		return stay();
	return eat_memory(count);
}

static int fork_bomb(void *const count)
{
	for (;;) {
		const pid_t pid = fork();

		if (!pid)
			fill(128 * 1024);
		else if (pid < 0)
			count_up(count, 1);
	}
	return 0;
}

static char *map_file(const int fd, const int flags)
{
	char *const at = mmap(NULL, FILE_SIZE, PROT_READ | PROT_WRITE, flags,
			      fd, 0);

	if (at == MAP_FAILED)
		_exit(124);
	return at;
}

/* All of it dirty in the page cache, then copied page by page. */
static int map_files(void *const count)
{
	const int fd = open(RUNAWAY_DISK "/mapped", O_RDWR | O_CREAT, 0600);

	if (fd < 0 || ftruncate(fd, FILE_SIZE))
		return 1;
	for (;;) {
		touch(map_file(fd, MAP_SHARED), FILE_SIZE);
		touch(map_file(fd, MAP_PRIVATE), FILE_SIZE);
	}
	return 0;
}

/* Stays for as long as it may, so that only a kill ends it. */
static int write_file(const char *const path, void *const count)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	static char buf[1 << 16];

	if (fd < 0)
		return 1;
	for (;;) {
		const ssize_t done = write(fd, buf, sizeof(buf));

		if (done > 0)
			count_up(count, done);
		/* The disk is full: over it again. */
		else if (lseek(fd, 0, SEEK_SET) < 0)
			return 1;
	}
	return 0;
}

static int fill_tmpfs(void *const count)
{
	return write_file(RUNAWAY_TMPFS "/file", count);
}

static int write_disk(void *const count)
{
	return write_file(RUNAWAY_DISK "/written", count);
}

/* As many descriptors as one without privileges may have. */
static void raise_limit(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int hold_pipes(void *const count)
{
	static char buf[1 << 16];
	int fds[2];

	while (!pipe2(fds, O_NONBLOCK))
		while (write(fds[1], buf, sizeof(buf)) > 0)
			;
	return stay();
}

static int fill_pipes(void *const count)
{
	lose_privileges();
	raise_limit();
	return breed(hold_pipes, count);
}

#define STACK	(64 * 1024)

static void *hold_stack(void *const arg)
{
	volatile char stack[STACK / 2];

	touch((char *)stack, sizeof(stack));
	stay();
	return NULL;
}

static int storm_threads(void *const count)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	for (;;)
		if (pthread_create(&thread, &attr, hold_stack, NULL))
			count_up(count, 1);
	return 0;
}

#define TABLE_COVERS	(2 * MB)
#define ADDRESS_SPACE	(1ULL << 46)

/* Only read: the page behind is one for all, the table of each is its own. */
static int bloat_tables(void *const count)
{
	volatile char *const at =
		mmap(NULL, ADDRESS_SPACE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint64_t next;

	if (at == MAP_FAILED)
		return 1;
	madvise((void *)at, ADDRESS_SPACE, MADV_NOHUGEPAGE);
	for (next = 0; next < ADDRESS_SPACE; next += TABLE_COVERS)
		(void)at[next];
	return 0;
}

static int inotify_fd;

static int watch_one(const char *const path, const struct stat *const st,
		     const int type)
{
	return inotify_add_watch(inotify_fd, path, IN_ALL_EVENTS) < 0 &&
	       errno == ENOSPC;
}

/* As a file watcher over too large a tree, once and again. */
static void hold_watches(void)
{
	do
		inotify_fd = inotify_init();
	while (inotify_fd >= 0 && !ftw("/usr/share", watch_one, 20));
}

static int hold_files(void *const count)
{
	int fds[2];

	while (!socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
		;
	return stay();
}

static int hoard(void *const count)
{
	lose_privileges();
	raise_limit();
	hold_watches();
	return breed(hold_files, count);
}

#define SPINNERS	64

static void *spin(void *const count)
{
	count_up(count, 1);
	for (;;)
		;
	return NULL;
}

static int spin_all(void *const count)
{
	pthread_t thread;
	int i;

	for (i = 1; i < SPINNERS; i++)
		if (pthread_create(&thread, NULL, spin, count))
			return 1;
	spin(count);
	return 0;
}

const struct runaway runaways[RUNAWAY_KINDS] = {
	[RUNAWAY_MALLOC_LOOP] = {
		.name = "malloc loop",
		.run = malloc_loop,
		.family = true,
	},
	[RUNAWAY_FORK_BOMB] = {
		.name = "fork bomb",
		.run = fork_bomb,
		/* Small as they are, so few of them fit. */
		.end_limited = RUNAWAY_KILL,
		.enough = 60,
		.family = true,
	},
	[RUNAWAY_FILE_MAPPER] = {
		.name = "mapper of files",
		.run = map_files,
	},
	[RUNAWAY_TMPFS_WRITER] = {
		.name = "tmpfs writer",
		.run = fill_tmpfs,
		.stays = true,
	},
	[RUNAWAY_PIPE_FILLER] = {
		.name = "pipe filler",
		.run = fill_pipes,
		.family = true,
	},
	[RUNAWAY_THREAD_STORM] = {
		.name = "thread storm",
		.run = storm_threads,
		.end_limited = RUNAWAY_KILL,
		.enough = 1000,
	},
	[RUNAWAY_PAGE_TABLES] = {
		.name = "page tables",
		.run = bloat_tables,
	},
	[RUNAWAY_HOARDER] = {
		.name = "inotify and fd hoarder",
		.run = hoard,
		.family = true,
	},
	[RUNAWAY_SPINNER] = {
		.name = "CPU spinner",
		.run = spin_all,
		.end = RUNAWAY_KILL,
		.end_limited = RUNAWAY_KILL,
		.enough = SPINNERS,
	},
	[RUNAWAY_FILE_WRITER] = {
		.name = "writer of a huge file",
		.run = write_disk,
		.end = RUNAWAY_KILL,
		.end_limited = RUNAWAY_KILL,
		.enough = FILE_SIZE,
	},
};

int runaway_prepare(void)
{
	mkdir(RUNAWAY_TMPFS, 0755);
	mkdir(RUNAWAY_DISK, 0755);
	runaway_clear();
	return mount("tmpfs", RUNAWAY_TMPFS, "tmpfs", 0, "size=512m") ?
	       -errno : 0;
}

void runaway_clear(void)
{
	unlink(RUNAWAY_TMPFS "/file");
	unlink(RUNAWAY_DISK "/mapped");
	unlink(RUNAWAY_DISK "/written");
}
