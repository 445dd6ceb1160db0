/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reaping: passes over the processes of a call, which list who outlived its
 * first process and kill all when the call is to be killed, until it is empty.
 */
#ifndef _AGENTCG_REAP_H
#define _AGENTCG_REAP_H

#include <linux/types.h>
#include <linux/workqueue.h>

#include "cause.h"

struct agentcg_tool;

/**
 * struct agentcg_survivor_list - who outlived the first process of a call
 * @nr: how many they were
 * @listed: length of @process
 * @process: the first of them
 */
struct agentcg_survivor_list {
	u32 nr;
	u32 listed;
	struct agentcg_process process[] __counted_by(listed);
};

/**
 * struct agentcg_reap - of a call
 * @work: the next pass; holds a reference to the call while it is queued
 * @delay: jiffies from one pass of a kill to the next
 * @survivors: once they have been listed, NULL if there were none; by the
 *             session's lock
 * @listed: they have been
 */
struct agentcg_reap {
	struct delayed_work work;
	unsigned long delay;
	struct agentcg_survivor_list *survivors;
	bool listed;
};

void agentcg_reap_init(struct agentcg_tool *tool);
void agentcg_reap_queue(struct agentcg_tool *tool);
void agentcg_reap_cancel(struct agentcg_tool *tool);
void agentcg_reap_free(struct agentcg_tool *tool);

#endif /* _AGENTCG_REAP_H */
