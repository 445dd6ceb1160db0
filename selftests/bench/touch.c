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
"JSON, how long each round of it took and the longest time between two pages in\n"
"which it slept.\n"
"\n"
"  --rounds N   N times, each time with new memory (default 1)\n"
"  --small      no huge pages\n";

struct options {
	unsigned long megabytes;
	unsigned int rounds;
	bool small;
};

struct result {
	uint64_t *rounds;
	uint64_t slept;
};

static bool parse(int argc, char **argv, struct options *options)
{
	static const struct option longs[] = {
		{ "rounds", required_argument, NULL, 'r' },
		{ "small", no_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	int c;

	while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		if (c == 'r')
			options->rounds = strtoul(optarg, NULL, 10);
		else if (c == 's')
			options->small = true;
		else
			return false;
	}
	if (optind != argc - 1)
		return false;
	options->megabytes = strtoul(argv[optind], NULL, 10);
	return options->megabytes && options->rounds;
}

/* How often it has slept; being preempted, which takes as long, is not that. */
static long nr_sleeps(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_nvcsw;
}

static void touch_pages(char *memory, size_t size, uint64_t *slept)
{
	uint64_t before = now_ns();
	long sleeps = nr_sleeps();
	size_t i;

	for (i = 0; i < size; i += PAGE) {
		uint64_t after, spent;

		memory[i] = 1;
		after = now_ns();
		spent = after - before;
		before = after;
		if (spent < SLEEP_MIN_NS)
			continue;
		if (sleeps != nr_sleeps() && spent > *slept)
			*slept = spent;
		sleeps = nr_sleeps();
	}
}

static int touch(const struct options *options, struct result *result,
		 unsigned int round)
{
	size_t size = options->megabytes * MB;
	uint64_t start;
	char *memory;

	memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED) {
		perror("touch: mmap");
		return 1;
	}
	if (options->small)
		madvise(memory, size, MADV_NOHUGEPAGE);
	start = now_ns();
	touch_pages(memory, size, &result->slept);
	result->rounds[round] = now_ns() - start;
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
	result.rounds = calloc(options.rounds, sizeof(*result.rounds));
	if (!result.rounds) {
		perror("touch");
		return 1;
	}
	for (i = 0; i < options.rounds; i++)
		if (touch(&options, &result, i))
			return 1;
	printf("{");
	print_samples("rounds_ns", result.rounds, options.rounds);
	printf(", \"slept_ns\": %" PRIu64 "}\n", result.slept);
	return 0;
}
