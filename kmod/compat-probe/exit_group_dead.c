// SPDX-License-Identifier: GPL-2.0-only
/* v6.16: sched_process_exit tells whether the last thread goes. */
#include <trace/events/sched.h>

static void probe(void *data, struct task_struct *task, bool group_dead)
{
}

void test(void);
void test(void)
{
	check_trace_callback_type_sched_process_exit(probe);
}
