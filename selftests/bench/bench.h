/* SPDX-License-Identifier: GPL-2.0-only */
/* What the programs of the bench share. */
#ifndef _AGENTCG_BENCH_H
#define _AGENTCG_BENCH_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Under --icount a nanosecond is an instruction of the guest. */
static inline uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static inline void print_samples(const char *name, const uint64_t *samples,
				 unsigned int nr)
{
	unsigned int i;

	printf("\"%s\": [", name);
	for (i = 0; i < nr; i++)
		printf("%s%" PRIu64, i ? ", " : "", samples[i]);
	printf("]");
}

#endif /* _AGENTCG_BENCH_H */
