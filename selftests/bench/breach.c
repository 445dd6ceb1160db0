// SPDX-License-Identifier: GPL-2.0-only
/*
 * breach: how long it takes from the charge that goes over memory.high until there is
 * room again, who ever makes it.
 *
 * What is charged is reserved socket memory, as in charge.c: nothing else of what is
 * timed takes long.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"

#define ROOT		"/sys/fs/cgroup"
#define KB		(1ul << 10)
#define MB		(1ul << 20)
/* Of a system call; agentcg decides when it returns. */
#define PIECE		(128 * KB)
/* What the poller makes room for, which is agentcg's smallest step. */
#define STEP		(4 * MB)
#define BREACHES	4096

static const char help[] =
"usage: breach [--poll MS] MB\n"
"\n"
"Charges MB megabytes, at most 2047, to its cgroup, a megabyte every 20 to 40 ms, and\n"
"prints, as JSON, how long each breach of memory.high lasted.\n"
"\n"
"  --poll MS  a process outside looks every MS and raises memory.high, before all\n"
"             others and with its memory locked; without, somebody else has to\n";

struct options {
	unsigned long megabytes;
	unsigned long poll_ms;
};

struct files {
	int current;
	int high;
};

/* Shared with the poller: when it has raised the limit last. */
static volatile uint64_t *relieved;

static uint64_t breaches[BREACHES];
static unsigned int nr_breaches;

static bool parse(int argc, char **argv, struct options *options)
{
	static const struct option longs[] = {
		{ "poll", required_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	int c;

	while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		if (c != 'p')
			return false;
		options->poll_ms = strtoul(optarg, NULL, 10);
		if (!options->poll_ms || options->poll_ms >= 1000)
			return false;
	}
	if (optind != argc - 1)
		return false;
	options->megabytes = strtoul(argv[optind], NULL, 10);
	return options->megabytes && options->megabytes < 2048;
}

static uint64_t number_in(int fd)
{
	char text[32] = "";

	if (pread(fd, text, sizeof(text) - 1, 0) <= 0)
		return 0;
	return *text == 'm' ? UINT64_MAX : strtoull(text, NULL, 10);
}

static int open_own(const char *cgroup, const char *name, int flags)
{
	char path[512];

	snprintf(path, sizeof(path), ROOT "%s/%s", cgroup, name);
	return open(path, flags | O_CLOEXEC);
}

static bool open_files(struct files *files, bool write)
{
	char line[256] = "";
	FILE *file = fopen("/proc/self/cgroup", "r");

	if (!file || !fgets(line, sizeof(line), file) || strncmp(line, "0::", 3))
		return false;
	fclose(file);
	line[strcspn(line, "\n")] = '\0';
	files->current = open_own(line + 3, "memory.current", O_RDONLY);
	files->high = open_own(line + 3, "memory.high",
			       write ? O_RDWR : O_RDONLY);
	return files->current >= 0 && files->high >= 0;
}

/* ---- the poller ---- */

static bool leave(void)
{
	const struct sched_param param = { .sched_priority = 50 };
	int fd = open(ROOT "/cgroup.procs", O_WRONLY | O_CLOEXEC);
	bool left = fd >= 0 && write(fd, "0", 1) == 1;

	close(fd);
	return left && !sched_setscheduler(0, SCHED_FIFO, &param) &&
	       !mlockall(MCL_CURRENT | MCL_FUTURE);
}

static void look(const struct files *files)
{
	uint64_t usage = number_in(files->current);
	char text[32];

	if (usage <= number_in(files->high))
		return;
	snprintf(text, sizeof(text), "%" PRIu64, usage + STEP);
	if (pwrite(files->high, text, strlen(text), 0) < 0)
		_exit(1);
	*relieved = now_ns();
}

static void poll(const struct files *files, unsigned long ms)
{
	struct timespec next;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!leave()) {
		perror("breach: poller");
		_exit(1);
	}
	clock_gettime(CLOCK_MONOTONIC, &next);
	for (;;) {
		next.tv_nsec += (long)ms * 1000000;
		if (next.tv_nsec >= 1000000000) {
			next.tv_nsec -= 1000000000;
			next.tv_sec++;
		}
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
		look(files);
	}
}

/* ---- who charges ---- */

static void add(uint64_t duration)
{
	if (nr_breaches < BREACHES)
		breaches[nr_breaches++] = duration;
}

/* Over before the call returns, with a limit that is higher than before it. */
static void watch(const struct files *files, uint64_t high, uint64_t begun,
		  uint64_t ended)
{
	if (number_in(files->high) > high)
		add(ended - begun);
}

/* It lasts until the poller has looked. */
static void watch_poller(const struct files *files, uint64_t high,
			 uint64_t begun)
{
	static uint64_t since;

	if (!since && number_in(files->current) > high)
		since = begun;
	if (since && *relieved > since) {
		add(*relieved - since);
		since = 0;
	}
}

/* Not in step with who looks: a time of its own after every megabyte. */
static void rest(void)
{
	static unsigned int seed = 1;

	usleep(20000 + rand_r(&seed) % 20000);
}

static int charge(const struct options *options, const struct files *files,
		  int fd)
{
	const int size = options->megabytes * MB;
	int at;

	for (at = PIECE; at <= size; at += PIECE) {
		uint64_t high = number_in(files->high), begun = now_ns();

		if (setsockopt(fd, SOL_SOCKET, SO_RESERVE_MEM, &at, sizeof(at)))
			return -1;
		if (options->poll_ms)
			watch_poller(files, high, begun);
		else
			watch(files, high, begun, now_ns());
		if (at % MB == 0)
			rest();
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct options options = { 0 };
	struct files files;
	pid_t poller = 0;
	int fd, err;

	if (!parse(argc, argv, &options)) {
		fputs(help, stderr);
		return 2;
	}
	relieved = mmap(NULL, sizeof(*relieved), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (relieved == MAP_FAILED || fd < 0 ||
	    !open_files(&files, options.poll_ms)) {
		perror("breach");
		return 1;
	}
	if (options.poll_ms) {
		poller = fork();
		if (!poller)
			poll(&files, options.poll_ms);
	}
	err = charge(&options, &files, fd);
	if (poller)
		kill(poller, SIGKILL);
	if (err) {
		perror("breach");
		return 1;
	}
	printf("{");
	print_samples("breaches_ns", breaches, nr_breaches);
	printf("}\n");
	return 0;
}
