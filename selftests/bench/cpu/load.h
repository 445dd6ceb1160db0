/* SPDX-License-Identifier: GPL-2.0-only */
/* What the loads of bench-cpu share. */
#ifndef _AGENTCG_BENCH_LOAD_H
#define _AGENTCG_BENCH_LOAD_H

#include "../bench.h"

/* Two instructions a turn, so that work is work, however long it is stopped. */
static inline void work(uint64_t instructions)
{
	uint64_t turns = instructions / 2;

	for (; turns; turns--)
		__asm__ volatile("" : "+r"(turns));
}

/* Ends the program: well only for who asked. */
static inline void show_help(int argc, char **argv, const char *help)
{
	const int asked = argc == 2 && !strcmp(argv[1], "--help");

	fputs(help, asked ? stdout : stderr);
	exit(!asked);
}

/* Room for as many as @text says, or the end of the program. */
static inline uint64_t *samples_of(const char *program, const char *text,
				   unsigned long *rounds)
{
	uint64_t *samples;

	*rounds = strtoul(text, NULL, 10);
	samples = calloc(*rounds, sizeof(*samples));
	if (*rounds && samples)
		return samples;
	fprintf(stderr, "%s: %s: not a number of rounds\n", program, text);
	exit(1);
}

static inline void sleep_until(uint64_t ns)
{
	const struct timespec at = {
		.tv_sec = ns / 1000000000ull,
		.tv_nsec = ns % 1000000000ull,
	};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

#endif /* _AGENTCG_BENCH_LOAD_H */
