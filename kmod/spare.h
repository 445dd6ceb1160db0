/* SPDX-License-Identifier: GPL-2.0-only */
/* Sparing the agent when its session is out of memory. */
#ifndef _AGENTCG_SPARE_H
#define _AGENTCG_SPARE_H

struct oom_control;

void agentcg_spare(struct oom_control *oc);

#endif /* _AGENTCG_SPARE_H */
