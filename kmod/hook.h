/* SPDX-License-Identifier: GPL-2.0-only */
/* The over-high hook and the watchdog that fails open without it. */
#ifndef _AGENTCG_HOOK_H
#define _AGENTCG_HOOK_H

#include <linux/types.h>

int agentcg_hook_init(void);
void agentcg_hook_exit(void);
bool agentcg_hook_active(void);
bool agentcg_hook_failed_open(void);

#endif /* _AGENTCG_HOOK_H */
