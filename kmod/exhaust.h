/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Exhaustion: the stall bound of a call is used up, or waiting has become
 * pointless, and the intent says what comes next.
 */
#ifndef _AGENTCG_EXHAUST_H
#define _AGENTCG_EXHAUST_H

#include <linux/types.h>

struct agentcg_tool;

/* Caller holds the session's lock. */
bool agentcg_exhausted(struct agentcg_tool *tool);

#endif /* _AGENTCG_EXHAUST_H */
