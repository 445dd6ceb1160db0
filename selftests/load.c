// SPDX-License-Identifier: GPL-2.0-only
/* What the processes of the tests do, see load.h. */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cgroup_util.h"
#include "load.h"

#define PAGE	4096
#define CHUNK	(256 * 1024)

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

unsigned int slow(void)
{
	const char *const env = getenv("AGENTCG_TEST_SLOW");
	struct utsname name;

	if (env && atoi(env) > 0)
		return atoi(env);
	uname(&name);
	return strstr(name.release, "debug") ? 5 : 1;
}

uint64_t scaled(const uint64_t bytes)
{
	return slow() > 1 ? bytes / 2 : bytes;
}

unsigned int rounds(const unsigned int usual)
{
	const char *const env = getenv("AGENTCG_TEST_ROUNDS");

	return env && atoi(env) > 0 ? (unsigned int)atoi(env) : usual;
}

void *shared_alloc(const size_t size)
{
	void *const at = mmap(NULL, size, PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		abort();
	/* Charged to us, not to the child that comes first. */
	memset(at, 0, size);
	return at;
}

void touch(char *const memory, const uint64_t bytes)
{
	uint64_t at;

	for (at = 0; at < bytes; at += PAGE)
		((volatile char *)memory)[at] = 1;
}

static char *reserve(const uint64_t bytes, const int advice)
{
	char *const at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		_exit(125);
	madvise(at, bytes, advice);
	return at;
}

/* Page by page, whatever the machine's setting, but see small_folios(). */
static char *reserve_small(const uint64_t bytes)
{
	return reserve(bytes, slow() > 1 ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
}

#define HUGE_PAGES	"/sys/kernel/mm/transparent_hugepage/hugepages-"

/*
 * Where a fault takes a quarter of a millisecond, 16 pages come with each: still
 * fewer than memory is charged by.
 */
int small_folios(void)
{
	if (slow() == 1)
		return 0;
	return cg_write(HUGE_PAGES "2048kB", "enabled", "never") ?:
	       cg_write(HUGE_PAGES "64kB", "enabled", "madvise");
}

char *fill(const uint64_t bytes)
{
	char *const at = reserve_small(bytes);

	touch(at, bytes);
	return at;
}

char *fill_large(const uint64_t bytes)
{
	char *const at = reserve(bytes, MADV_HUGEPAGE);

	touch(at, bytes);
	return at;
}

static void *fill_part(void *const arg)
{
	struct filler *const filler = arg;
	const uint64_t part = filler->total /
			      (filler->threads ? filler->threads : 1);
	char *const at = reserve_small(part);
	uint64_t done;

	for (done = 0; done < part; done += PAGE) {
		((volatile char *)at)[done] = 1;
		__atomic_fetch_add((uint64_t *)&filler->done, PAGE,
				   __ATOMIC_RELAXED);
	}
	return NULL;
}

/*
 * Nobody fills before all are there: who makes them would be held back with the
 * first of them.
 */
static pthread_barrier_t all_there;

static void *fill_part_together(void *const arg)
{
	pthread_barrier_wait(&all_there);
	return fill_part(arg);
}

static void fill_by_threads(struct filler *const filler)
{
	pthread_t threads[128];
	pthread_attr_t attr;
	unsigned int i;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 * 1024);
	pthread_barrier_init(&all_there, NULL, filler->threads);
	for (i = 0; i < filler->threads; i++)
		if (pthread_create(&threads[i], &attr, fill_part_together,
				   filler))
			_exit(124);
	for (i = 0; i < filler->threads; i++)
		pthread_join(threads[i], NULL);
}

int stay(void)
{
	for (;;)
		pause();
	return 0;
}

int make_file(const char *const name, const uint64_t size, const bool sync)
{
	static char buf[CHUNK];
	const int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	uint64_t done;

	for (done = 0; done < size; done += sizeof(buf))
		if (write(fd, buf, sizeof(buf)) != sizeof(buf))
			return 1;
	if (sync) {
		fsync(fd);
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	}
	close(fd);
	return 0;
}

int read_file(void *const name)
{
	const int fd = open(name, O_RDONLY);
	static char buf[CHUNK];
	ssize_t got;

	while ((got = read(fd, buf, sizeof(buf))) > 0)
		;
	close(fd);
	return got ? 1 : 0;
}

int run_filler(void *const arg)
{
	struct filler *const filler = arg;

	filler->begun = now_ns();
	if (filler->threads > 1)
		fill_by_threads(filler);
	else
		fill_part(filler);
	filler->ended = now_ns();
	return filler->stay ? stay() : 0;
}

int wait_for(const volatile uint64_t *const value, const uint64_t wanted,
	     const int ms)
{
	const uint64_t end = now_ns() + ms * MS;

	while (*value < wanted) {
		if (now_ns() > end)
			return -ETIMEDOUT;
		usleep(1000);
	}
	return 0;
}

int wait_exit(const pid_t pid, const int ms)
{
	const uint64_t end = now_ns() + ms * MS;
	int status;

	for (;;) {
		const pid_t got = waitpid(pid, &status, WNOHANG);

		if (got == pid)
			return status;
		if (got < 0)
			return -errno;
		if (now_ns() > end)
			return -ETIMEDOUT;
		usleep(500);
	}
}
