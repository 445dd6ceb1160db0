/* SPDX-License-Identifier: GPL-2.0-only */
/* Sparing the agent when its session, or what is above it, is out of memory. */
#ifndef _AGENTCG_SPARE_H
#define _AGENTCG_SPARE_H

struct agentcg_session;
struct oom_control;

/**
 * struct agentcg_patience - how long OOM kills have been put off; jiffies
 * @left: when a process of a call last exited
 * @last: when a kill was last put off
 * @since: the first of those since anybody has gone, without a pause
 */
struct agentcg_patience {
	unsigned long left;
	unsigned long last;
	unsigned long since;
};

void agentcg_spare(struct oom_control *oc);
/* Caller holds the session's lock. */
void agentcg_spare_left(struct agentcg_session *session);

#endif /* _AGENTCG_SPARE_H */
