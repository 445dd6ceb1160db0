/* SPDX-License-Identifier: GPL-2.0-only */
/* Counters of the module, one set per CPU; shown by info-get. */
#ifndef _AGENTCG_STATS_H
#define _AGENTCG_STATS_H

#include <linux/percpu.h>
#include <linux/types.h>

/**
 * enum agentcg_stat - what is counted
 * @AGENTCG_STAT_HITS: over-high events of managed cgroups seen by the hook
 * @AGENTCG_STAT_GRANTS: answered by raising the limit on credit
 * @AGENTCG_STAT_NATIVES: left to one pass of the kernel's reclaim
 * @AGENTCG_STAT_REVOKES: unused credit was taken back from siblings for it
 * @AGENTCG_STAT_PINS: a call of a lower class was pinned at its usage for it
 * @AGENTCG_STAT_SHEDS: unused credit went back to the node for another session
 * @AGENTCG_STAT_RECLAIMS: pieces of page cache reclaimed from a lower class for it
 * @AGENTCG_STAT_PARKS: answered by a park
 * @AGENTCG_STAT_DEBTS: answered by booking what was charged
 * @AGENTCG_STAT_OVERDRAFTS: times that a call was given what no credit was behind
 * @AGENTCG_STAT_EXHAUSTED: the stall bound of a call was met
 * @AGENTCG_STAT_BORROWS: a session borrowed from the node
 * @AGENTCG_STAT_PAYBACKS: a session gave back to the node
 * @AGENTCG_STAT_FREEZES: calls frozen, for want of credit or on request
 * @AGENTCG_STAT_KILLS: calls killed by the module, or by it to the end of an OOM kill
 * @AGENTCG_STAT_FOREIGN: a limit that is not ours was exceeded
 * @AGENTCG_STAT_OVERWRITES: a managed memory.high was written by another
 * @AGENTCG_STAT_RUN: ns for which tasks of calls ran, as a scheduler told
 * @AGENTCG_STAT_WAIT: ns for which they could have run and did not
 * @AGENTCG_STAT_MIGRATIONS: times that one ran on another processor than before
 */
enum agentcg_stat {
	AGENTCG_STAT_HITS,
	AGENTCG_STAT_GRANTS,
	AGENTCG_STAT_NATIVES,
	AGENTCG_STAT_REVOKES,
	AGENTCG_STAT_PINS,
	AGENTCG_STAT_SHEDS,
	AGENTCG_STAT_RECLAIMS,
	AGENTCG_STAT_PARKS,
	AGENTCG_STAT_DEBTS,
	AGENTCG_STAT_OVERDRAFTS,
	AGENTCG_STAT_EXHAUSTED,
	AGENTCG_STAT_BORROWS,
	AGENTCG_STAT_PAYBACKS,
	AGENTCG_STAT_FREEZES,
	AGENTCG_STAT_KILLS,
	AGENTCG_STAT_FOREIGN,
	AGENTCG_STAT_OVERWRITES,
	AGENTCG_STAT_RUN,
	AGENTCG_STAT_WAIT,
	AGENTCG_STAT_MIGRATIONS,
	__AGENTCG_STAT_NR,
};

DECLARE_PER_CPU(u64[__AGENTCG_STAT_NR], agentcg_stats);

static inline void agentcg_stats_inc(const enum agentcg_stat stat)
{
	this_cpu_inc(agentcg_stats[stat]);
}

static inline void agentcg_stats_add(const enum agentcg_stat stat, const u64 more)
{
	this_cpu_add(agentcg_stats[stat], more);
}

u64 agentcg_stats_read(enum agentcg_stat stat);

#endif /* _AGENTCG_STATS_H */
