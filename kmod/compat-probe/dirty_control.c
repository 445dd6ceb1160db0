// SPDX-License-Identifier: GPL-2.0-only
/* v7.0: balance_dirty_pages hands its figures on in one struct. */
#include <trace/events/writeback.h>

static void probe(void *data, struct bdi_writeback *wb,
		  struct dirty_throttle_control *dtc,
		  unsigned long dirty_ratelimit, unsigned long task_ratelimit,
		  unsigned long dirtied, unsigned long period, long pause,
		  unsigned long start_time)
{
}

void test(void);
void test(void)
{
	check_trace_callback_type_balance_dirty_pages(probe);
}
