/* SPDX-License-Identifier: GPL-2.0-only */
/* Events to the host's multicast group. */
#ifndef _AGENTCG_NOTIFY_H
#define _AGENTCG_NOTIFY_H

#include <linux/types.h>

#include <uapi/linux/agentcg.h>

struct agentcg_domain;
struct agentcg_session;
struct agentcg_tool;

/* Any context, also under the session's lock and in tracepoints. */
void agentcg_notify(enum agentcg_event_type type, u64 session_id);
void agentcg_notify_session(enum agentcg_event_type type,
			    struct agentcg_session *session);
void agentcg_notify_tool(enum agentcg_event_type type,
			 struct agentcg_tool *tool,
			 enum agentcg_cause cause);
void agentcg_notify_domain(enum agentcg_event_type type,
			   struct agentcg_domain *domain);
void agentcg_notify_policy(struct agentcg_domain *domain, u32 value);
void agentcg_notify_exit(void);

#endif /* _AGENTCG_NOTIFY_H */
