/* SPDX-License-Identifier: GPL-2.0-only */
/* Following tasks and cgroups through the kernel's tracepoints. */
#ifndef _AGENTCG_LIFECYCLE_H
#define _AGENTCG_LIFECYCLE_H

#include <linux/types.h>

int agentcg_lifecycle_init(void);
void agentcg_lifecycle_exit(void);
bool agentcg_lifecycle_watches_reclaim(void);

#endif /* _AGENTCG_LIFECYCLE_H */
