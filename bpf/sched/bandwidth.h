/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cpu.max.  A group that has used up its quota is throttled: its queues leave those of
 * its parent until the next period's quota comes.  A task is only stopped for it in user
 * mode, as the kernel's own scheduler does it (holder.h): what it runs inside the kernel
 * is overdrawn and paid back first.
 */
#ifndef AGENTCG_SCHED_BANDWIDTH_H
#define AGENTCG_SCHED_BANDWIDTH_H

#include "queue.h"

static struct group __arena *throttled_first;

/* When the next quota of a throttled group comes; 0 for none. */
static __u64 refill_next;

static void set_bandwidth(struct group __arena *group, const __u64 quota_us,
			  const __u64 period_us, const __u64 burst_us,
			  const __u64 now)
{
	const __u64 quota = quota_us == ~0ULL ? 0 : quota_us * NSEC_PER_USEC;

	group->burst = burst_us * NSEC_PER_USEC;
	if (quota == group->quota && group->period == period_us * NSEC_PER_USEC)
		return;
	group->quota = quota;
	group->period = period_us * NSEC_PER_USEC;
	group->left = quota;
	group->refill_at = now + group->period;
}

static void refill(struct group __arena *group, const __u64 now)
{
	__u64 periods;

	if (!group->quota) {
		group->left = 0;
		return;
	}
	if (!group->period || before(now, group->refill_at))
		return;
	periods = (now - group->refill_at) / group->period + 1;
	group->refill_at += periods * group->period;
	group->left += periods * group->quota;
	if (group->left > (__s64)(group->quota + group->burst))
		group->left = group->quota + group->burst;
}

static bool has_quota(const struct group __arena *group)
{
	return !group->quota || group->left > 0;
}

static void await_refill(struct group __arena *group)
{
	group->next_throttled = throttled_first;
	throttled_first = group;
	if (!refill_next || before(group->refill_at, refill_next))
		refill_next = group->refill_at;
}

static void throttle(struct group __arena *group)
{
	group_unlink(group);
	if (group->entity.active)
		deactivate(&group->entity);
	group->throttled = 1;
	await_refill(group);
}

static void unthrottle(struct group __arena *group)
{
	group->throttled = 0;
	if (group->nr_active)
		activate(&group->entity, 0);
	group_link(group);
}

/* A task of it has run for so long. */
static void use_quota(struct group __arena *group, const __u64 ns, const __u64 now)
{
	while (group && can_loop) {
		if (group->quota) {
			refill(group, now);
			group->left -= ns;
			if (group->left <= 0 && !group->throttled)
				throttle(group);
		}
		group = group->entity.parent;
	}
}

/* Those whose quota has come may go on. Return: whether there were any. */
static bool refill_throttled(const __u64 now)
{
	struct group __arena *group = throttled_first, *next;
	bool any = false;

	throttled_first = NULL;
	refill_next = 0;
	while (group && can_loop) {
		next = group->next_throttled;
		refill(group, now);
		if (has_quota(group)) {
			unthrottle(group);
			any = true;
		} else {
			await_refill(group);
		}
		group = next;
	}
	return any;
}

/* It has been given another cpu.max: the timer looks at it at once if it waits for the old one. */
static void hasten_refill(const struct group __arena *group, const __u64 now)
{
	if (group->throttled)
		refill_next = now;
}

/* Without the lock it is what was so a moment ago. */
static bool is_throttled(const struct group __arena *group)
{
	if (!throttled_first)
		return false;
	while (group && can_loop) {
		if (group->throttled)
			return true;
		group = group->entity.parent;
	}
	return false;
}

/* Whether a task that may hold locks can go on nevertheless. */
static bool may_overdraw(const struct group __arena *group)
{
	while (group && can_loop) {
		if (group->throttled && group->left < -(__s64)group->quota)
			return false;
		group = group->entity.parent;
	}
	return true;
}

#endif /* AGENTCG_SCHED_BANDWIDTH_H */
