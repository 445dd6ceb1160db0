/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Groups by the ids of their cgroups.  They are made when a task of theirs becomes
 * runnable and kept, as long as there is room, when nobody is in them any more, for
 * their vtime and quota.  Where there is no room at all a task competes in the parent.
 */
#ifndef AGENTCG_SCHED_GROUP_H
#define AGENTCG_SCHED_GROUP_H

#include "bandwidth.h"
#include "call.h"

#define MAX_GROUPS	16384
#define NR_HASHES	4096

/*
 * The kernel tells what is being written before it can be read there: for so long what it
 * has told counts, or what was there before would be put in force once more.
 */
#define TOLD_NS		(100 * NSEC_PER_MSEC)

static struct group __arena *group_room;
static __u32 groups_begun;

/* Those that nobody is in: the oldest is the next to go. */
static struct group __arena *group_oldest;
static struct group __arena *group_newest;

/* Chains of groups with one hash. */
struct chain {
	struct group __arena *first;
};

static struct chain __arena *chains;

static struct chain __arena *chain_of(const __u64 id)
{
	return &chains[(id * 0x9E3779B97F4A7C15ULL) >> 52];
}

static struct group __arena *group_find(const __u64 id)
{
	struct group __arena *group = chain_of(id)->first;

	while (group && group->id != id && can_loop)
		group = group->next_id;
	return group;
}

static void group_unhash(struct group __arena *group)
{
	struct chain __arena *chain = chain_of(group->id);
	struct group __arena *at = chain->first;

	if (at == group) {
		chain->first = group->next_id;
		return;
	}
	while (at && at->next_id != group && can_loop)
		at = at->next_id;
	if (at)
		at->next_id = group->next_id;
}

static void group_keep(struct group __arena *group)
{
	group->newer = NULL;
	group->older = group_newest;
	if (group_newest)
		group_newest->newer = group;
	else
		group_oldest = group;
	group_newest = group;
}

static void group_unkeep(struct group __arena *group)
{
	if (group->older)
		group->older->newer = group->newer;
	else
		group_oldest = group->newer;
	if (group->newer)
		group->newer->older = group->older;
	else
		group_newest = group->older;
}

static struct group __arena *group_ref(struct group __arena *group)
{
	if (!group->refs++ && group != &root)
		group_unkeep(group);
	return group;
}

static void group_unref(struct group __arena *group)
{
	if (!--group->refs && group != &root)
		group_keep(group);
}

/* The one that has been left alone for longest, unless it owes its quota. */
static struct group __arena *group_recycle(void)
{
	struct group __arena *group = group_oldest;

	while (group && group->throttled && can_loop)
		group = group->newer;
	if (!group)
		return NULL;
	group_unkeep(group);
	group_unhash(group);
	group_unref(group->entity.parent);
	return group;
}

/* Without a parent: group_adopt() is next. */
static struct group __arena *group_make(const __u64 id)
{
	struct chain __arena *chain = chain_of(id);
	struct group __arena *group;

	group = groups_begun < MAX_GROUPS ? &group_room[groups_begun++] :
					    group_recycle();
	if (!group)
		return NULL;
	group->entity.parent = NULL;
	group->entity.active = 0;
	group->id = id;
	group->band[NORMAL].now = 0;
	group->band[NORMAL].weight = 0;
	group->band[IDLE].now = 0;
	group->band[IDLE].weight = 0;
	group->idle_due = 0;
	group->nr_active = 0;
	group->refs = 0;
	group->queues = NULL;
	group->quota = 0;
	group->period = 0;
	group->left = 0;
	group->told = 0;
	group->throttled = 0;
	group->next_id = chain->first;
	chain->first = group;
	return group;
}

/* Nobody is in it yet: it is among those that are kept. */
static void group_adopt(struct group __arena *group, struct group __arena *parent)
{
	group->entity.parent = group_ref(parent);
	group->entity.vtime = parent->band[group->entity.band & 1].now;
	group_keep(group);
}

static void set_band(struct group __arena *group, const __u8 band)
{
	struct entity __arena *entity = &group->entity;
	const bool active = entity->active;

	if (entity->band == band)
		return;
	group_unlink(group);
	if (active)
		deactivate(entity);
	entity->band = band;
	entity->vtime = entity->parent->band[band & 1].now;
	if (active)
		activate(entity, 0);
	group_link(group);
}

static void group_set_weight(struct group __arena *group, const __u32 weight)
{
	if (group->entity.weight == weight)
		return;
	group_unlink(group);
	set_weight(&group->entity, weight);
	group_link(group);
}

/* What its files say, and if it is @call's what the module says of that. */
static void group_set(struct group __arena *group, const struct task_group *tg,
		      const struct call *call, const __u64 now)
{
	const struct tg_bandwidth bandwidth = tg_bandwidth(tg);
	const __u8 band = tg_idle(tg) ? IDLE : NORMAL;
	__u32 weight = tg_weight(tg);

	if (before(now, group->told + TOLD_NS))
		return;
	if (call->class >= 0 && call->id == group->id)
		weight = call_weight(call, weight);
	if (group->entity.parent) {
		set_band(group, band);
		group_set_weight(group, weight);
	} else {
		group->entity.band = band;
		group->entity.weight = weight;
	}
	set_bandwidth(group, bandwidth.quota, bandwidth.period, bandwidth.burst, now);
}

static __u64 tg_id(const struct task_group *tg)
{
	const struct cgroup *cgroup = tg->css.cgroup;

	/* An autogroup has no cgroup: its tasks compete in the root. */
	return cgroup ? cgroup->kn->id : 0;
}

/*
 * The group of a task group, after looking at the files of all above it. What is not
 * there yet is made from below; above one that is, all are there for whom there was
 * room.
 */
static struct group __arena *group_get(const struct task_group *tg,
				       const struct call *call, const __u64 now)
{
	struct group __arena *leaf = NULL, *orphan = NULL, *group;
	bool make = true;
	__u64 id;

	while (tg && tg->parent && can_loop) {
		id = tg_id(tg);
		group = id ? group_find(id) : NULL;
		if (!group && id && make)
			group = group_make(id);
		if (group) {
			if (!leaf)
				leaf = group;
			if (orphan)
				group_adopt(orphan, group);
			orphan = group->entity.parent ? NULL : group;
			make = orphan;
			group_set(group, tg, call, now);
		}
		tg = tg->parent;
	}
	if (orphan)
		group_adopt(orphan, &root);
	return leaf ? leaf : &root;
}

#endif /* AGENTCG_SCHED_GROUP_H */
