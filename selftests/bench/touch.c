// SPDX-License-Identifier: GPL-2.0-only
/* touch: how long it takes to touch anonymous memory for the first time. */
#include <getopt.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench.h"

#define MB		(1ul << 20)
#define PAGE		4096

/* No sleep is shorter; a page takes a third of it. */
#define SLEEP_MIN_NS	25000

static const char help[] =
"usage: touch [OPTION]... MB\n"
"\n"
"Touches every page of MB megabytes of new anonymous memory and prints, as\n"
"JSON, how long it took and the longest time between two pages in which it slept.\n"
"\n"
"  --rounds N   N times, each time with new memory (default 1)\n"
"  --pause US   sleep after each megabyte, not counted\n"
"  --small      no huge pages\n";

struct options {
	unsigned long megabytes;
	unsigned int rounds;
	unsigned int pause;
	bool small;
};

struct result {
	uint64_t total;
	uint64_t slept;
};

static bool parse(int argc, char **argv, struct options *options)
{
	static const struct option longs[] = {
		{ "rounds", required_argument, NULL, 'r' },
		{ "pause", required_argument, NULL, 'p' },
		{ "small", no_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	int c;

	while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		if (c == 'r')
			options->rounds = strtoul(optarg, NULL, 10);
		else if (c == 'p')
			options->pause = strtoul(optarg, NULL, 10);
		else if (c == 's')
			options->small = true;
		else
			return false;
	}
	if (optind != argc - 1)
		return false;
	options->megabytes = strtoul(argv[optind], NULL, 10);
	return options->megabytes > 0;
}

/* How often it has slept; being preempted, which takes as long, is not that. */
static long nr_sleeps(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_nvcsw;
}

static void touch_megabyte(char *memory, struct result *result)
{
	uint64_t before = now_ns(), start = before;
	long sleeps = nr_sleeps();
	size_t i;

	for (i = 0; i < MB; i += PAGE) {
		uint64_t after, spent;

		memory[i] = 1;
		after = now_ns();
		spent = after - before;
		before = after;
		if (spent < SLEEP_MIN_NS)
			continue;
		if (sleeps != nr_sleeps() && spent > result->slept)
			result->slept = spent;
		sleeps = nr_sleeps();
	}
	result->total += before - start;
}

static int touch(const struct options *options, struct result *result)
{
	size_t size = options->megabytes * MB;
	unsigned long i;
	char *memory;

	memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED) {
		perror("touch: mmap");
		return 1;
	}
	if (options->small)
		madvise(memory, size, MADV_NOHUGEPAGE);
	for (i = 0; i < options->megabytes; i++) {
		touch_megabyte(memory + i * MB, result);
		if (options->pause)
			usleep(options->pause);
	}
	munmap(memory, size);
	return 0;
}

int main(int argc, char **argv)
{
	struct options options = { .rounds = 1 };
	struct result result = { 0 };
	unsigned int i;

	if (!parse(argc, argv, &options)) {
		fputs(help, stderr);
		return 2;
	}
	for (i = 0; i < options.rounds; i++)
		if (touch(&options, &result))
			return 1;
	printf("{\"total_ns\": %" PRIu64 ", \"slept_ns\": %" PRIu64 "}\n",
	       result.total, result.slept);
	return 0;
}
