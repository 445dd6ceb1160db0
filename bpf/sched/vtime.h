/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Virtual time.  Within a group everybody who is active is due service by his weight,
 * so the mean of their vtimes goes on at the pace of one who gets just that: whoever
 * is below it has been served too little, whoever is above it too much.
 *
 * Whoever becomes active keeps the vtime that he left with, but no more than a short
 * time's worth of service below the mean: sleeping is no way to save up.
 */
#ifndef AGENTCG_SCHED_VTIME_H
#define AGENTCG_SCHED_VTIME_H

#include "heap.h"

/* Units of vtime for a nanosecond at weight 1. */
#define VTIME_SCALE	1600ULL

/* How far above the mean it is remembered that somebody had too much. */
#define AHEAD_NS	(20 * NSEC_PER_MSEC)

/* Of what a group gets, the idle band has one part in this many at least. */
#define IDLE_PART	64
#define IDLE_DUE_NS	((__s64)(16 * NSEC_PER_MSEC))

static __u64 vtime_of(const __u64 ns, const __u64 weight)
{
	return weight ? ns * VTIME_SCALE / weight : 0;
}

/* The mean moves by a part of the distance to @vtime. */
static __u64 moved(const __u64 now, const __u64 vtime, const __u64 part,
		   const __u64 whole)
{
	if (!whole)
		return vtime;
	if (before(vtime, now))
		return now - (now - vtime) * part / whole;
	return now + (vtime - now) * part / whole;
}

static struct band __arena *band_of(struct entity __arena *entity)
{
	return &entity->parent->band[entity->band & 1];
}

static void band_add(struct entity __arena *entity)
{
	struct band __arena *band = band_of(entity);

	band->weight += entity->weight;
	band->now = moved(band->now, entity->vtime, entity->weight, band->weight);
}

static void band_remove(struct entity __arena *entity)
{
	struct band __arena *band = band_of(entity);
	const __u64 others = band->weight - entity->weight;
	const __u64 now = band->now;

	band->weight = others;
	if (!others)
		return;
	/* Away from the one who goes: as moved(), to the other side. */
	if (before(entity->vtime, now))
		band->now = now + (now - entity->vtime) * entity->weight / others;
	else
		band->now = now - (entity->vtime - now) * entity->weight / others;
}

static void place(struct entity __arena *entity, const __u64 credit_ns)
{
	const struct band __arena *band = band_of(entity);
	const __u64 low = band->now - vtime_of(credit_ns, entity->weight);
	const __u64 high = band->now + vtime_of(AHEAD_NS, entity->weight);

	if (!band->weight)
		entity->vtime = band->now;
	else if (before(entity->vtime, low))
		entity->vtime = low;
	else if (before(high, entity->vtime))
		entity->vtime = high;
}

/* It has become runnable, and so may have the groups above it. */
static void activate(struct entity __arena *entity, const __u64 credit_ns)
{
	struct group __arena *group = entity->parent;

	while (group && can_loop) {
		place(entity, credit_ns);
		band_add(entity);
		entity->active = 1;
		if (group->nr_active++ || group->throttled)
			return;
		entity = &group->entity;
		group = entity->parent;
	}
}

static void deactivate(struct entity __arena *entity)
{
	struct group __arena *group = entity->parent;

	while (group && can_loop) {
		band_remove(entity);
		entity->active = 0;
		if (--group->nr_active || group->throttled)
			return;
		entity = &group->entity;
		group = entity->parent;
	}
}

static void serve_band(struct group __arena *group, const int band, const __u64 ns)
{
	struct band __arena *served = &group->band[band & 1];

	served->now += vtime_of(ns, served->weight);
	if (!group->band[IDLE].weight)
		group->idle_due = 0;
	else if (band == NORMAL)
		group->idle_due += ns / IDLE_PART;
	else if (group->band[NORMAL].weight)
		group->idle_due -= ns;
	if (group->idle_due > IDLE_DUE_NS)
		group->idle_due = IDLE_DUE_NS;
	else if (group->idle_due < -IDLE_DUE_NS)
		group->idle_due = -IDLE_DUE_NS;
}

/* It has run for so long. */
static void serve(struct entity __arena *entity, const __u64 ns)
{
	struct group __arena *group = entity->parent;

	while (group && can_loop) {
		entity->vtime += vtime_of(ns, entity->weight);
		if (entity->active)
			serve_band(group, entity->band, ns);
		entity = &group->entity;
		group = entity->parent;
	}
}

/* Whether nobody on the way up has had more than his share, but for so much. */
static bool within_share(struct entity __arena *entity, const __u64 ns)
{
	while (entity->parent && can_loop) {
		if (before(band_of(entity)->now + vtime_of(ns, entity->weight),
			   entity->vtime))
			return false;
		entity = &entity->parent->entity;
	}
	return true;
}

/*
 * So much service above the mean, or below it, is less of vtime by a larger weight: who
 * has been given a larger one would have to wait for what he had by the smaller one.
 * Who sleeps may be below it by any amount, of which place() leaves a little.
 */
static void rescale(struct entity __arena *entity, const __u32 weight)
{
	const __u64 now = band_of(entity)->now;
	const __u64 vtime = entity->vtime;

	if (!before(vtime, now))
		entity->vtime = now + (vtime - now) * entity->weight / weight;
	else if (entity->active)
		entity->vtime = now - (now - vtime) * entity->weight / weight;
}

/* Who waits has to be taken out of the queues before, for he may come up by it. */
static void set_weight(struct entity __arena *entity, const __u32 weight)
{
	if (entity->weight == weight)
		return;
	if (entity->active)
		band_remove(entity);
	if (entity->parent)
		rescale(entity, weight);
	entity->weight = weight;
	if (entity->active)
		band_add(entity);
}

#endif /* AGENTCG_SCHED_VTIME_H */
