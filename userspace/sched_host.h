/* SPDX-License-Identifier: GPL-2.0-only */
/* sched_ext as the kernel shows it. */
#ifndef AGENTCG_SCHED_HOST_H
#define AGENTCG_SCHED_HOST_H

#include <stdbool.h>
#include <stddef.h>

#define SCHED_NAME_MAX	128

/** sched_ext_there() - Whether the kernel has it. */
bool sched_ext_there(void);

/** sched_ext_partial() - Whether it schedules but the tasks of policy SCHED_EXT. */
bool sched_ext_partial(void);

/** sched_ext_attached() - Whether a scheduler is attached, and its @name. */
bool sched_ext_attached(char *name, size_t size);

#endif /* AGENTCG_SCHED_HOST_H */
