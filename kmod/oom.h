/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's OOM killer, watched: it spares agents, and whose limit led to it. */
#ifndef _AGENTCG_OOM_H
#define _AGENTCG_OOM_H

#include <linux/types.h>

struct agentcg_tool;
struct task_struct;

void agentcg_oom_init(void);
void agentcg_oom_exit(void);
bool agentcg_oom_watched(void);

void agentcg_oom_victim(struct agentcg_tool *tool, struct task_struct *task);

#endif /* _AGENTCG_OOM_H */
