// SPDX-License-Identifier: GPL-2.0-only
#include "variables.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIB	(1ull << 20)

/* One number, and nothing else in it. */
static const char *const of_cpus[] = {
	"NPROC", "GOMAXPROCS", "CARGO_BUILD_JOBS", "CMAKE_BUILD_PARALLEL_LEVEL",
	"PYTEST_XDIST_AUTO_NUM_WORKERS", "PYTHON_CPU_COUNT",
	"OMP_NUM_THREADS", "RAYON_NUM_THREADS",
};

/* The number that @word gives after one of @prefixes; no digits: endless. */
static bool number_of(const char *word, const char *const *prefixes,
		      uint64_t *number)
{
	for (; *prefixes; prefixes++) {
		size_t len = strlen(*prefixes);
		const char *at = word + len;

		if (strncmp(word, *prefixes, len))
			continue;
		*number = *at ? strtoull(at, NULL, 10) : UINT64_MAX;
		return true;
	}
	return false;
}

/*
 * The value of a variable with the words that give such a number replaced by
 * one that gives ours. Return: false when a smaller one is there.
 */
static bool merge(const char *old, const char *const *prefixes,
		  uint64_t number, char value[VARIABLE_MAX])
{
	char copy[VARIABLE_MAX], *word, *rest;
	size_t at = 0;

	/* Room for ours: no prefix and number is longer. */
	if (strlen(old) + 64 > sizeof(copy))
		return false;
	strcpy(copy, old);
	value[0] = '\0';
	for (word = strtok_r(copy, " \t\n", &rest); word;
	     word = strtok_r(NULL, " \t\n", &rest)) {
		uint64_t theirs;

		if (!number_of(word, prefixes, &theirs))
			at += (size_t)sprintf(value + at, "%s ", word);
		else if (theirs <= number)
			return false;
	}
	sprintf(value + at, "%s%llu", prefixes[0], (unsigned long long)number);
	return true;
}

static void tell_merged(const char *name, const char *const *prefixes,
			uint64_t number, variable_fn fn, void *arg)
{
	char value[VARIABLE_MAX];

	if (merge(getenv(name) ?: "", prefixes, number, value))
		fn(name, value, arg);
}

static void tell_cpus(unsigned int cpus, variable_fn fn, void *arg)
{
	static const char *const jobs[] = { "-j", "--jobs=", "--jobs", NULL };
	const char *makeflags = getenv("MAKEFLAGS") ?: "";
	char value[16];
	size_t i;

	snprintf(value, sizeof(value), "%u", cpus);
	for (i = 0; i < sizeof(of_cpus) / sizeof(of_cpus[0]); i++)
		fn(of_cpus[i], value, arg);
	if (!strstr(makeflags, "--jobserver"))
		tell_merged("MAKEFLAGS", jobs, cpus, fn, arg);
}

/* Some is kept for what is not on the heap. */
static void tell_memory(uint64_t memory, variable_fn fn, void *arg)
{
	static const char *const heap[] = {
		"--max-old-space-size=", "--max_old_space_size=", NULL
	};
	char value[32];

	snprintf(value, sizeof(value), "%lluMiB",
		 (unsigned long long)(memory / 10 * 9 / MIB));
	fn("GOMEMLIMIT", value, arg);
	tell_merged("NODE_OPTIONS", heap, memory / 4 * 3 / MIB ?: 1, fn, arg);
}

void variables_of(const struct means *means, variable_fn fn, void *arg)
{
	tell_cpus(means->cpus, fn, arg);
	if (means->memory != AGENTCG_UNLIMITED)
		tell_memory(means->memory, fn, arg);
}
