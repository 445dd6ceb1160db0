/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Park: a bounded sleep of a task that asks for memory that is not there yet.
 */
#ifndef _AGENTCG_PARK_H
#define _AGENTCG_PARK_H

#include <linux/types.h>

struct agentcg_park;
struct agentcg_session;
struct agentcg_tool;

bool agentcg_park_allowed(void);
void agentcg_park_current(struct agentcg_tool *tool, u64 delay);
unsigned int agentcg_park_count(void);

/* Caller holds the session's lock. */
struct agentcg_park *agentcg_park_next(struct agentcg_session *session,
				       struct agentcg_park *park);
struct agentcg_park *agentcg_park_last(struct agentcg_session *session);
struct agentcg_tool *agentcg_park_tool(const struct agentcg_park *park);
void agentcg_park_serve(struct agentcg_park *park);
void agentcg_park_wake_all(struct agentcg_session *session);
void agentcg_park_wake_tool(struct agentcg_tool *tool);

int agentcg_park_init(void);
void agentcg_park_drain(void);
void agentcg_park_exit(void);

#endif /* _AGENTCG_PARK_H */
