/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory: what becomes of a charge over memory.high.
 *
 * The verdicts; the hook (hook.c) calls in here.  What they are made of: credit.h
 * (grants and limits), native.h (the kernel's own reclaim), park.h and serve.h
 * (waiting, and being served), exhaust.h (when waiting is over).
 */
#ifndef _AGENTCG_MEMORY_H
#define _AGENTCG_MEMORY_H

void agentcg_memory_over_high(void);

#endif /* _AGENTCG_MEMORY_H */
