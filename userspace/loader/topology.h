/* SPDX-License-Identifier: GPL-2.0-only */
/* Which processors are the threads of one core. */
#ifndef AGENTCG_TOPOLOGY_H
#define AGENTCG_TOPOLOGY_H

#include <linux/types.h>
#include <stddef.h>

/**
 * find_siblings() - Fill a table of the next thread of each processor's core.
 * @next: by processor: the next one and one more, in a ring; left alone for those that are
 *	alone, offline, or not among @count.
 * @count: of @next.
 */
void find_siblings(__u16 *next, size_t count);

#endif /* AGENTCG_TOPOLOGY_H */
