/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Native: leaving a charge to the kernel's own reclaim, for one pass that is
 * timed, and counted as stall unless the call just recycles its page cache.
 */
#ifndef _AGENTCG_NATIVE_H
#define _AGENTCG_NATIVE_H

#include <linux/types.h>

#include "tool.h"

/* Caller holds the session's lock. */
bool agentcg_native_pays(struct agentcg_tool *tool, u64 need);
bool agentcg_native_watch(struct agentcg_tool *tool,
			  enum agentcg_native_kind kind);
bool agentcg_native_try(struct agentcg_tool *tool);
bool agentcg_native_residue(struct agentcg_tool *tool, u64 need);
bool agentcg_native_swap(struct agentcg_tool *tool, u64 need);

/* From tracepoints. */
void agentcg_native_begins(void);
void agentcg_native_ends(unsigned long nr_reclaimed);

#endif /* _AGENTCG_NATIVE_H */
