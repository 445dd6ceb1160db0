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

static inline void sleep_until(uint64_t ns)
{
	const struct timespec at = {
		.tv_sec = ns / 1000000000ull,
		.tv_nsec = ns % 1000000000ull,
	};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

#endif /* _AGENTCG_BENCH_LOAD_H */
