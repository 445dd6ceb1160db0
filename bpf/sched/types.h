/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What there is: groups, one for each task group of the kernel that has runnable
 * tasks, and tasks.  Both compete within a group, as entities.
 *
 * Who waits for a processor is an item in a queue of his group.  A group has a queue
 * in each tree that tasks of it wait in, and that queue waits, as an item, in the
 * queue of the parent.  There is one tree for those who may run anywhere and one for
 * each processor, for those who may not.
 *
 * All of it is protected by one lock, tree_lock.
 */
#ifndef AGENTCG_SCHED_TYPES_H
#define AGENTCG_SCHED_TYPES_H

#include "arena.h"
#include "state.h"

#define NSEC_PER_USEC	1000ULL
#define NSEC_PER_MSEC	1000000ULL

/* Tasks in idle groups, of policy SCHED_IDLE and of class besteffort: IDLE. */
enum {
	NORMAL,
	IDLE,
	NR_BANDS,
};

struct group;
struct queue;
struct task;

/**
 * struct entity - what competes within a group
 * @parent: the group; NULL for the root
 * @vtime: service that it has had, divided by its weight
 * @weight: 100 for nice 0, and for the default of cpu.weight
 * @band: NORMAL or IDLE
 * @active: it is runnable, or has a runnable task in it, and is not throttled
 */
struct entity {
	struct group __arena *parent;
	__u64 vtime;
	__u32 weight;
	__u8 band;
	__u8 active;
};

/**
 * struct item - a place in the heap of a queue
 * @left, @right, @up: of the heap
 * @key: vtime of @entity when it was put in; a later one is noticed at the top.  Of who
 *	waits for his jitter it is a time (jitter.h)
 * @entity: whom it stands for
 * @task: likewise, or NULL
 * @queue: that it stands for, or NULL
 * @in: where it is, or NULL
 * @band: that it was put in under
 */
struct item {
	struct item __arena *left;
	struct item __arena *right;
	struct item __arena *up;
	__u64 key;
	struct entity __arena *entity;
	struct task __arena *task;
	struct queue __arena *queue;
	struct queue __arena *in;
	__u8 band;
};

/**
 * struct queue - those of a group who wait in a tree
 * @item: in the parent's queue of the same tree
 * @heap: lowest vtime first
 * @group: whose it is, NULL for those who wait for their jitter
 * @next: of the same group, or of those that are free
 * @tree: 0, or a processor + 1
 */
struct queue {
	struct item item;
	struct item __arena *heap[NR_BANDS];
	struct group __arena *group;
	struct queue __arena *next;
	__u32 tree;
};

/**
 * struct band - the virtual time of those who compete within a group
 * @now: mean vtime of the active ones, by weight
 * @weight: sum of the active ones
 */
struct band {
	__u64 now;
	__u64 weight;
};

/**
 * struct group - what is known of a task group
 * @entity: among its siblings
 * @id: of the cgroup
 * @band: of its children
 * @idle_due: ns that the idle band may have before the normal one
 * @nr_active: children that are active
 * @refs: tasks and groups in it
 * @queues: in all trees
 * @next_id: with the same hash
 * @older, @newer: of those without refs
 * @quota, @period, @burst: cpu.max in ns; @quota is 0 without one
 * @left: of the quota; below zero it has been overdrawn
 * @refill_at: when the next quota comes
 * @told: when the kernel last told what is written to its files
 * @throttled: nothing is left
 * @next_throttled: of those
 */
struct group {
	struct entity entity;
	__u64 id;
	struct band band[NR_BANDS];
	__s64 idle_due;
	__u32 nr_active;
	__u32 refs;
	struct queue __arena *queues;
	struct group __arena *next_id;
	struct group __arena *older;
	struct group __arena *newer;
	__u64 quota;
	__u64 period;
	__u64 burst;
	__s64 left;
	__u64 refill_at;
	struct group __arena *next_throttled;
	__u64 told;
	__u8 throttled;
};

/**
 * struct task - what is known of a task
 * @entity: within its group
 * @item: where it waits
 * @next: of those that are free, or are passed over (conflict.h)
 * @tree: that it waits in
 * @number: its place in the room
 * @charged: se.sum_exec_runtime up to which it has been charged
 * @told: likewise, up to which its call has been told
 * @since: when it began to wait for a processor
 * @waited: for how long it did, until the call is told
 * @looked: when it was last looked up where it is and what is to be known of it
 * @cpu: that it ran on last, or -1
 * @pid: in the initial namespace, while it waits
 * @class: enum agentcg_class, or -1
 * @conflict: what it must not share a core for (conflict.h), or 0
 * @jitter: ns, of which a random part goes by before it competes (jitter.h), or 0
 * @fresh: it has never run
 * @first: it has been let go first, and has not stopped since
 * @in_kernel: it may hold locks: it has not been found in user mode since it began to run
 * @leaving: the kernel will tell when it goes there
 * @line: that it waits in, if it does (line.h)
 * @moved: it was elsewhere the time before, until the call is told
 */
struct task {
	struct entity entity;
	struct item item;
	struct task __arena *next;
	__u32 tree;
	__u32 number;
	__u64 charged;
	__u64 told;
	__u64 since;
	__u64 waited;
	__u64 looked;
	__s32 cpu;
	__s32 pid;
	__s32 class;
	__u64 conflict;
	__u64 jitter;
	__u8 fresh;
	__u8 first;
	__u8 in_kernel;
	__u8 leaving;
	__u8 line;
	__u8 moved;
};

static struct bpf_spin_lock tree_lock SEC(".bss.tree_lock");

static struct group __arena_global root;

/* For agentcg sched. */
static struct sched_state state SEC(".data.state");

#endif /* AGENTCG_SCHED_TYPES_H */
