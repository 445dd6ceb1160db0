// SPDX-License-Identifier: GPL-2.0-only
/* Counters, see stats.h. */

#include "common.h"

#include <linux/cpumask.h>

#include "stats.h"

DEFINE_PER_CPU(u64[__AGENTCG_STAT_NR], agentcg_stats);

/* Sum over the CPUs; a moment's figure. */
u64 agentcg_stats_read(const enum agentcg_stat stat)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu(agentcg_stats, cpu)[stat]);
	return sum;
}
