/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every file of the module shares: the log prefix and the bounds.
 *
 * Include it first.
 */
#ifndef _AGENTCG_COMMON_H
#define _AGENTCG_COMMON_H

#ifdef pr_fmt
#undef pr_fmt
#endif
#define pr_fmt(fmt) "agentcg: " fmt

#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/time64.h>
#include <linux/types.h>

#include <uapi/linux/agentcg.h>

#define AGENTCG_VERSION		"0.1.0"

/* Version of the interface; one more for every addition to the spec. */
#define AGENTCG_ABI		4

/* "No limit", in every byte figure of the interface. */
#define AGENTCG_NO_LIMIT	U64_MAX

/* No size that is declared may exceed it, so that sums of a few never wrap. */
#define AGENTCG_SIZE_MAX	(1ULL << 60)

/* Nor any time, so that its end is a ktime_t. */
#define AGENTCG_DURATION_MAX	((u64)S64_MAX / 2)

/* A first grant, the largest grant, and the smallest near the end of a budget. */
#define AGENTCG_STEP_FIRST	SZ_4M
#define AGENTCG_STEP_MAX	SZ_256M
#define AGENTCG_STEP_MIN	SZ_1M

/* A session borrows from the node in pieces of this size, to spare its lock. */
#define AGENTCG_BORROW_CHUNK	SZ_16M

/* Built-in defaults of a session, see Documentation/design.rst. */
#define AGENTCG_DEFAULT_MEM	SZ_256M
#define AGENTCG_DEFAULT_STALL	(2 * (u64)NSEC_PER_SEC)
#define AGENTCG_DEFAULT_WEIGHT	100
#define AGENTCG_DEFAULT_MAX_HOLD	(600 * (u64)NSEC_PER_SEC)
#define AGENTCG_RESERVE_MIN	((u64)SZ_512M)

#endif /* _AGENTCG_COMMON_H */
