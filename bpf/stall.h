/* SPDX-License-Identifier: GPL-2.0-only */
/* What stall.bpf.c and its loaders agree on. */
#ifndef _AGENTCG_STALL_H
#define _AGENTCG_STALL_H

/* Where a charge can be held; a nested one counts as part of the outer. */
enum stall_kind {
	STALL_OVER_HIGH,	/* the kernel's over-high function */
	STALL_MEMCG_RECLAIM,	/* reclaim for a cgroup's limit */
	STALL_DIRECT_RECLAIM,	/* reclaim for the whole machine */
	STALL_PARK,		/* agentcg's park */

	STALL_KINDS
};

/*
 * Histogram of nanoseconds: linear below 2^STALL_MANTISSA, then as many buckets
 * for every power of two. A bucket is 1.6 % wide.
 */
#define STALL_MANTISSA	6
#define STALL_EXPONENTS	42
#define STALL_BUCKETS	(STALL_EXPONENTS << STALL_MANTISSA)

#endif /* _AGENTCG_STALL_H */
