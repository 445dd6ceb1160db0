// SPDX-License-Identifier: GPL-2.0-only
/* v7.0: mm_vmscan_memcg_reclaim_begin and _end name the cgroup. */
#include <trace/events/vmscan.h>

static void begin(void *data, gfp_t gfp_flags, int order,
		  struct mem_cgroup *memcg)
{
}

static void end(void *data, unsigned long nr_reclaimed,
		struct mem_cgroup *memcg)
{
}

void test(void);
void test(void)
{
	check_trace_callback_type_mm_vmscan_memcg_reclaim_begin(begin);
	check_trace_callback_type_mm_vmscan_memcg_reclaim_end(end);
}
