/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A skew heap: two heaps become one along their right sides, whose children change
 * sides on the way.  All operations are logarithmic in the mean.
 */
#ifndef AGENTCG_SCHED_HEAP_H
#define AGENTCG_SCHED_HEAP_H

#include "types.h"

/* Times, also virtual ones, may wrap. */
static bool before(const __u64 a, const __u64 b)
{
	return (__s64)(a - b) < 0;
}

static struct item __arena *heap_merge(struct item __arena *a,
				       struct item __arena *b)
{
	struct item __arena *top = NULL, *last = NULL, *rest;

	while (a && b && can_loop) {
		if (before(b->key, a->key)) {
			rest = a;
			a = b;
			b = rest;
		}
		a->up = last;
		if (last)
			last->left = a;
		else
			top = a;
		last = a;
		rest = a->right;
		a->right = a->left;
		a = rest;
	}
	rest = a ? a : b;
	if (rest)
		rest->up = last;
	if (last)
		last->left = rest;
	else
		top = rest;
	return top;
}

static void heap_push_at(struct queue __arena *queue, struct item __arena *item,
			 const __u64 key)
{
	const int band = item->band & 1;

	item->left = NULL;
	item->right = NULL;
	item->up = NULL;
	item->key = key;
	queue->heap[band] = heap_merge(queue->heap[band], item);
}

static void heap_push(struct queue __arena *queue, struct item __arena *item)
{
	heap_push_at(queue, item, item->entity->vtime);
}

static void heap_remove(struct queue __arena *queue, struct item __arena *item)
{
	struct item __arena *rest = heap_merge(item->left, item->right);
	struct item __arena *up = item->up;

	if (rest)
		rest->up = up;
	if (!up)
		queue->heap[item->band & 1] = rest;
	else if (up->left == item)
		up->left = rest;
	else
		up->right = rest;
}

/* The one with the lowest vtime: those that have been served since go down first. */
static struct item __arena *heap_top(struct queue __arena *queue, const int band)
{
	struct item __arena *item = queue->heap[band & 1];

	while (item && item->key != item->entity->vtime && can_loop) {
		heap_remove(queue, item);
		heap_push(queue, item);
		item = queue->heap[band & 1];
	}
	return item;
}

#endif /* AGENTCG_SCHED_HEAP_H */
