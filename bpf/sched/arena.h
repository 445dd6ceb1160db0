/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory for what the scheduler knows: an arena, so that it can be linked by plain
 * pointers, and all of it allocated at the start, so that nothing can fail later.
 */
#ifndef AGENTCG_SCHED_ARENA_H
#define AGENTCG_SCHED_ARENA_H

#include "compat.h"

#define __arena		__attribute__((address_space(1)))
#define __arena_global	__attribute__((address_space(1)))

#define PAGE_SIZE	4096

/* A loop that the verifier need not see the end of; the kernel ends it. */
#define can_loop					\
	({						\
		__label__ l_break, l_continue;		\
		bool ret = true;			\
							\
		asm volatile goto("may_goto %l[l_break]" :::: l_break); \
		goto l_continue;			\
	l_break:					\
		ret = false;				\
	l_continue:;					\
		ret;					\
	})

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 8192);
} arena SEC(".maps");

/* A program may only use an arena that it names. */
static void use_arena(void)
{
	asm volatile("" :: "r"(&arena));
}

void __arena *bpf_arena_alloc_pages(void *map, void __arena *addr, __u32 page_cnt,
				    int node_id, __u64 flags) __ksym;

/* Room for @count objects of @size; NULL when there is none. */
static void __arena *room(const __u32 count, const __u32 size)
{
	return bpf_arena_alloc_pages(&arena, NULL,
				     (count * size + PAGE_SIZE - 1) / PAGE_SIZE,
				     NUMA_NO_NODE, 0);
}

#endif /* AGENTCG_SCHED_ARENA_H */
