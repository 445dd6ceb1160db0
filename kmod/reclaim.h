/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reclaim: page cache of calls of lower classes gives way to a call that waits.
 */
#ifndef _AGENTCG_RECLAIM_H
#define _AGENTCG_RECLAIM_H

struct agentcg_session;

int agentcg_reclaim_init(void);
void agentcg_reclaim_exit(void);
void agentcg_reclaim_setup(struct agentcg_session *session);

/* Caller holds the session's lock. */
void agentcg_reclaim_queue(struct agentcg_session *session);

#endif /* _AGENTCG_RECLAIM_H */
