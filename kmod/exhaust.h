/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Exhaustion: the stall bound of a call is used up, or waiting has become
 * pointless, and the intent says what comes next.
 */
#ifndef _AGENTCG_EXHAUST_H
#define _AGENTCG_EXHAUST_H

#include <linux/types.h>

struct agentcg_session;
struct agentcg_tool;

/**
 * enum agentcg_outcome - what became of an exhausted call
 * @AGENTCG_OUTCOME_RUNS: it goes on, in overdraft
 * @AGENTCG_OUTCOME_FROZEN: it stands still before it is back in user space
 * @AGENTCG_OUTCOME_KILLED: it dies
 */
enum agentcg_outcome {
	AGENTCG_OUTCOME_RUNS,
	AGENTCG_OUTCOME_FROZEN,
	AGENTCG_OUTCOME_KILLED,
};

/* Caller holds the session's lock. */
u64 agentcg_patience(const struct agentcg_tool *tool, u64 now);
enum agentcg_outcome agentcg_exhausted(struct agentcg_tool *tool);
void agentcg_exhaust_overdraw(struct agentcg_tool *tool);
void agentcg_exhaust_tick(struct agentcg_session *session);

#endif /* _AGENTCG_EXHAUST_H */
