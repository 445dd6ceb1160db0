/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who waits, and who is next.  A queue is in the queue of the parent as long as
 * somebody waits in it and its group is not throttled, so whoever is reached from the
 * root may run.
 */
#ifndef AGENTCG_SCHED_QUEUE_H
#define AGENTCG_SCHED_QUEUE_H

#include "cpu.h"
#include "vtime.h"

#define MAX_QUEUES	32768

static struct queue __arena *queue_room;
static struct queue __arena *queue_free;
static __u32 queues_begun;

static struct queue __arena *queue_find(struct group __arena *group,
					const __u32 tree)
{
	struct queue __arena *queue = group->queues;

	while (queue && queue->tree != tree && can_loop)
		queue = queue->next;
	return queue;
}

static struct queue __arena *queue_alloc(void)
{
	struct queue __arena *queue = queue_free;

	if (queue) {
		queue_free = queue->next;
		return queue;
	}
	return queues_begun < MAX_QUEUES ? &queue_room[queues_begun++] : NULL;
}

static struct queue __arena *queue_get(struct group __arena *group, const __u32 tree)
{
	struct queue __arena *queue = queue_find(group, tree);

	if (queue)
		return queue;
	queue = queue_alloc();
	if (!queue)
		return NULL;
	queue->heap[NORMAL] = NULL;
	queue->heap[IDLE] = NULL;
	queue->item.in = NULL;
	queue->item.task = NULL;
	queue->item.queue = queue;
	queue->item.entity = &group->entity;
	queue->group = group;
	queue->tree = tree;
	queue->next = group->queues;
	group->queues = queue;
	return queue;
}

static bool queue_empty(const struct queue __arena *queue)
{
	return !queue->heap[NORMAL] && !queue->heap[IDLE];
}

static void queue_put(struct queue __arena *queue)
{
	struct group __arena *group = queue->group;
	struct queue __arena *at = group->queues;

	if (at == queue) {
		group->queues = queue->next;
	} else {
		while (at && at->next != queue && can_loop)
			at = at->next;
		if (at)
			at->next = queue->next;
	}
	queue->next = queue_free;
	queue_free = queue;
}

/* How many tasks wait for a processor of their own. */
static void count(const struct item __arena *item, const __u32 tree, const int more)
{
	if (item->task && tree)
		cpu_of(tree - 1)->waiting += more;
}

static void item_push(struct queue __arena *queue, struct item __arena *item)
{
	count(item, queue->tree, 1);
	item->in = queue;
	item->band = item->entity->band;
	heap_push(queue, item);
}

/* Out of the parent's queue, and so on up as far as nobody else waits. */
static void item_remove(struct item __arena *item)
{
	struct queue __arena *queue = item->in;

	while (queue && can_loop) {
		heap_remove(queue, item);
		count(item, queue->tree, -1);
		item->in = NULL;
		if (!queue_empty(queue) || !queue->group)
			return;
		item = &queue->item;
		/* Freed, its item is still where it was until the next round. */
		queue_put(queue);
		queue = item->in;
	}
}

/* Into the queue of the parent, and so on up as far as nobody waited before. */
static bool queue_link(struct queue __arena *queue)
{
	struct queue __arena *above;

	while (!queue->item.in && !queue->group->throttled &&
	       queue->group->entity.parent && can_loop) {
		above = queue_get(queue->group->entity.parent, queue->tree);
		if (!above)
			return false;
		item_push(above, &queue->item);
		queue = above;
	}
	return true;
}

/* Return: whether there was room for the queues that it needs. */
static bool task_push(struct task __arena *task, const __u32 tree)
{
	struct queue __arena *queue = queue_get(task->entity.parent, tree);

	if (!queue)
		return false;
	task->tree = tree;
	item_push(queue, &task->item);
	if (queue_link(queue))
		return true;
	item_remove(&task->item);
	return false;
}

static void group_link(struct group __arena *group)
{
	struct queue __arena *queue = group->queues;

	while (queue && can_loop) {
		queue_link(queue);
		queue = queue->next;
	}
}

static void group_unlink(struct group __arena *group)
{
	struct queue __arena *queue = group->queues;

	while (queue && can_loop) {
		if (queue->item.in)
			item_remove(&queue->item);
		queue = queue->next;
	}
}

static int next_band(const struct group __arena *group,
		     const struct queue __arena *any, const struct queue __arena *own)
{
	const bool normal = (any && any->heap[NORMAL]) || (own && own->heap[NORMAL]);
	const bool idle = (any && any->heap[IDLE]) || (own && own->heap[IDLE]);

	return idle && (!normal || group->idle_due > 0) ? IDLE : NORMAL;
}

/*
 * Who is next on a processor, of those who may run anywhere and those of @tree. He is
 * taken out of his queue.
 */
static struct task __arena *task_pick(const __u32 tree)
{
	struct group __arena *group = &root;
	struct queue __arena *any, *own;
	struct item __arena *item, *other;
	struct task __arena *task;
	int band;

	do {
		any = queue_find(group, 0);
		own = queue_find(group, tree);
		band = next_band(group, any, own);
		item = any ? heap_top(any, band) : NULL;
		other = own ? heap_top(own, band) : NULL;
		if (!item || (other && before(other->key, item->key)))
			item = other;
		if (!item)
			return NULL;
		task = item->task;
		if (task) {
			item_remove(item);
			return task;
		}
		group = item->queue->group;
	} while (can_loop);
	return NULL;
}

#endif /* AGENTCG_SCHED_QUEUE_H */
