// SPDX-License-Identifier: GPL-2.0-only
/* v7.0: mm_vmscan_memcg_reclaim_end names the cgroup. */
#include <trace/events/vmscan.h>

static void probe(void *data, unsigned long nr_reclaimed,
		  struct mem_cgroup *memcg)
{
}

void test(void);
void test(void)
{
	check_trace_callback_type_mm_vmscan_memcg_reclaim_end(probe);
}
