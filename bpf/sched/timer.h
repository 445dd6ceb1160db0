/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The timer that brings throttled groups their next quota, and lets those compete who
 * have waited for their session's jitter.
 */
#ifndef AGENTCG_SCHED_TIMER_H
#define AGENTCG_SCHED_TIMER_H

#include "jitter.h"

/* So long past its time the timer has been lost. */
#define TIMER_LOST_NS	(20 * NSEC_PER_MSEC)

/* Of those who start it at once one is the last, and looks again. */
#define MAX_STARTS	8

struct timer {
	struct bpf_timer timer;
};

/* Has to be pinned: the kernel stops the timers of a map that nobody holds. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct timer);
} timers SEC(".maps");

/* When the timer expires, 0 when it does not. */
static __u64 timer_at;

/* When it has to, 0 for never. Under tree_lock. */
static __u64 timer_next(void)
{
	const __u64 due = next_due();

	if (!due || (refill_next && before(refill_next, due)))
		return refill_next;
	return due;
}

/* Whether it runs as it should. */
static bool is_started(const __u64 at, const __u64 now)
{
	return timer_at && !before(at, timer_at) && before(now, timer_at + TIMER_LOST_NS);
}

/*
 * At @at, by timer_next().  Somebody else may start it for an earlier time before this is
 * done, and it would be forgotten: so whoever has started it looks once more.
 */
static void start_timer(__u64 at, const __u64 now)
{
	const __u32 key = 0;
	struct timer *timer;

	if (!at || is_started(at, now))
		return;
	timer = bpf_map_lookup_elem(&timers, &key);
	if (!timer)
		return;
	bpf_repeat(MAX_STARTS) {
		if (bpf_timer_start(&timer->timer, before(now, at) ? at - now : 0, 0))
			return;
		timer_at = at;
		bpf_spin_lock(&tree_lock);
		at = timer_next();
		bpf_spin_unlock(&tree_lock);
		if (!at || is_started(at, now))
			return;
	}
}

static int timer_expired(void *map, __u32 *key, struct timer *timer)
{
	const __u64 now = bpf_ktime_get_ns();
	__u64 at;
	bool any;

	timer_at = 0;
	release_due(now);
	bpf_spin_lock(&tree_lock);
	any = refill_throttled(now);
	at = timer_next();
	bpf_spin_unlock(&tree_lock);
	if (any)
		kick_idle();
	start_timer(at, now);
	return 0;
}

static long timer_init(void)
{
	const __u32 key = 0;
	struct timer *timer = bpf_map_lookup_elem(&timers, &key);

	if (!timer)
		return -ENOENT;
	return bpf_timer_init(&timer->timer, &timers, CLOCK_MONOTONIC) ?:
	       bpf_timer_set_callback(&timer->timer, timer_expired);
}

#endif /* AGENTCG_SCHED_TIMER_H */
