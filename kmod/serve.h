/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Serving: credit that returns goes to those who wait for it, highest class
 * first, then first come.
 */
#ifndef _AGENTCG_SERVE_H
#define _AGENTCG_SERVE_H

#include <linux/types.h>

struct agentcg_park;
struct agentcg_session;
struct agentcg_tool;

bool agentcg_serve(struct agentcg_session *session);
bool agentcg_serve_waits(struct agentcg_session *session);
bool agentcg_serve_may_return(struct agentcg_session *session);
bool agentcg_serve_relieve(struct agentcg_session *session);

/* Caller holds the session's lock. */
bool agentcg_serve_locked(struct agentcg_session *session);
struct agentcg_park *agentcg_serve_first(struct agentcg_session *session);
bool agentcg_serve_waits_before(const struct agentcg_tool *tool);
bool agentcg_serve_others(const struct agentcg_session *session,
			  const struct agentcg_tool *asker);

#endif /* _AGENTCG_SERVE_H */
