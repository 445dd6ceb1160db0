/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Serving: credit that returns goes to those who wait for it, highest class
 * first, then first come.
 */
#ifndef _AGENTCG_SERVE_H
#define _AGENTCG_SERVE_H

#include <linux/types.h>

#include "session.h"
#include "tool.h"

struct agentcg_park;

bool agentcg_serve(struct agentcg_session *session);
bool agentcg_serve_waits(struct agentcg_session *session);
bool agentcg_serve_may_return(struct agentcg_session *session);
bool agentcg_serve_relieve(struct agentcg_session *session);

/* Caller holds the session's lock. */
bool agentcg_serve_locked(struct agentcg_session *session);
struct agentcg_park *agentcg_serve_first(struct agentcg_session *session);
bool agentcg_serve_others(const struct agentcg_session *session,
			  const struct agentcg_tool *asker);
bool __agentcg_serve_waits_before(const struct agentcg_tool *tool);

/**
 * agentcg_serve_waits_before - whether somebody is to be served before a call
 * @tool: asks now; the session's lock is held
 *
 * Nobody overtakes: who asks for credit while another call of his class or a
 * higher one waits for it gets in line.  Asked at every event, so the look
 * whether anybody waits at all is inline.
 */
static inline bool
agentcg_serve_waits_before(const struct agentcg_tool *const tool)
{
	return unlikely(tool->d.session->nr_waiting) &&
	       __agentcg_serve_waits_before(tool);
}

#endif /* _AGENTCG_SERVE_H */
