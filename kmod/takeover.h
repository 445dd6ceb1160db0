/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Taking over a call that is declared while processes run in it: after the
 * module was unloaded and loaded again, or when somebody declares late.
 */
#ifndef _AGENTCG_TAKEOVER_H
#define _AGENTCG_TAKEOVER_H

struct agentcg_tool;
struct cgroup;

void agentcg_takeover(struct agentcg_tool *tool, struct cgroup *cgrp);

#endif /* _AGENTCG_TAKEOVER_H */
