/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Freezing a call, by its cgroup.freeze.
 *
 * Two reasons freeze it: exhaustion, until credit returns to the session or its
 * max-hold is over, and a request, until another one thaws it.
 */
#ifndef _AGENTCG_FREEZE_H
#define _AGENTCG_FREEZE_H

#include <linux/types.h>
#include <linux/workqueue.h>

#include "place.h"

struct agentcg_session;
struct agentcg_tool;

/**
 * struct agentcg_freeze - of a call; by the session's lock
 * @work: writes the file; holds a reference to the call while it is queued
 * @link: in the session's list of those who wait frozen for credit; not when it
 *        was frozen by a request, so that credit does not thaw it
 * @wanted: it is to be frozen
 * @overruled: it was thawed by a request, so want of credit does not freeze it
 * @since: ns, when @wanted was set
 * @place: where the file is, kept from the first freeze on until the thaw has been
 *         written
 * @written: what the file says, as far as we wrote it; only the work's
 */
struct agentcg_freeze {
	struct work_struct work;
	struct list_head link;
	bool wanted;
	bool overruled;
	u64 since;
	struct agentcg_place place;
	bool written;
};

void agentcg_freeze_init(struct agentcg_tool *tool);
int agentcg_freeze_request(struct agentcg_tool *tool);
void agentcg_thaw_request(struct agentcg_tool *tool);

/* Caller holds the session's lock. */
bool agentcg_freeze(struct agentcg_tool *tool);
void agentcg_thaw(struct agentcg_tool *tool);
struct agentcg_tool *agentcg_freeze_first(struct agentcg_session *session);

#endif /* _AGENTCG_FREEZE_H */
