/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What probes of tracepoints are given, where that differs between the kernels that
 * the module is built for; see compat.h.
 */
#ifndef _AGENTCG_COMPAT_TRACE_H
#define _AGENTCG_COMPAT_TRACE_H

#include "compat-probe.h"

/* sched_process_exit */
#ifdef AGENTCG_HAVE_EXIT_GROUP_DEAD
#define AGENTCG_EXIT_ARGS						\
	struct task_struct *const task, const bool group_dead
#else
#define AGENTCG_EXIT_ARGS						\
	struct task_struct *const task
#endif

/* mm_vmscan_memcg_reclaim_begin and _end */
#ifdef AGENTCG_HAVE_RECLAIM_MEMCG
#define AGENTCG_RECLAIM_BEGIN_ARGS					\
	const gfp_t gfp_flags, const int order,				\
	struct mem_cgroup *const memcg
#define AGENTCG_RECLAIM_END_ARGS					\
	const unsigned long nr_reclaimed, struct mem_cgroup *const memcg
#else
#define AGENTCG_RECLAIM_BEGIN_ARGS					\
	const int order, const gfp_t gfp_flags
#define AGENTCG_RECLAIM_END_ARGS					\
	const unsigned long nr_reclaimed
#endif

/* balance_dirty_pages, what comes before the rates */
#ifdef AGENTCG_HAVE_DIRTY_CONTROL
#define AGENTCG_DIRTY_CONTROL						\
	struct dirty_throttle_control *const dtc
#else
#define AGENTCG_DIRTY_CONTROL						\
	const unsigned long thresh, const unsigned long bg_thresh,	\
	const unsigned long dirty, const unsigned long bdi_thresh,	\
	const unsigned long bdi_dirty
#endif

#endif /* _AGENTCG_COMPAT_TRACE_H */
