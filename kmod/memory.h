/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory: what becomes of a charge over memory.high.
 *
 * Mechanisms that decide and apply; the hook (hook.c) and the tracepoints
 * (lifecycle.c) call in here, park.c is called from here.
 */
#ifndef _AGENTCG_MEMORY_H
#define _AGENTCG_MEMORY_H

#include <linux/types.h>

struct agentcg_session;
struct agentcg_tool;

void agentcg_memory_over_high(void);
void agentcg_memory_reclaiming(void);
void agentcg_memory_reclaimed(unsigned long nr_reclaimed);
bool agentcg_memory_serve(struct agentcg_session *session);
void agentcg_memory_tick(struct agentcg_session *session);
bool agentcg_memory_waits(struct agentcg_session *session);
bool agentcg_memory_may_return(struct agentcg_session *session);
bool agentcg_memory_relieve(struct agentcg_session *session);

/* Caller holds the session's lock. */
void agentcg_memory_apply(struct agentcg_tool *tool);
void agentcg_memory_apply_session(struct agentcg_session *session);
void agentcg_memory_refresh(struct agentcg_session *session);
bool agentcg_memory_serve_locked(struct agentcg_session *session);
u64 agentcg_memory_grant(struct agentcg_tool *tool, u64 want);
void agentcg_memory_overdraw(struct agentcg_tool *tool, u64 bytes);
u64 agentcg_memory_hold(struct agentcg_tool *tool);
bool agentcg_memory_exhausted(struct agentcg_tool *tool);
void agentcg_memory_left(struct agentcg_tool *tool);

#endif /* _AGENTCG_MEMORY_H */
