/* SPDX-License-Identifier: GPL-2.0-only */
/* The timer that brings throttled groups their next quota. */
#ifndef AGENTCG_SCHED_REFILL_H
#define AGENTCG_SCHED_REFILL_H

#include "bandwidth.h"
#include "cpu.h"

/* So long past its time the timer has been lost. */
#define TIMER_LOST_NS	(20 * NSEC_PER_MSEC)

struct refill_timer {
	struct bpf_timer timer;
};

/* Has to be pinned: the kernel stops the timers of a map that nobody holds. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct refill_timer);
} refill_timers SEC(".maps");

/* When the timer expires, 0 when it does not. */
static __u64 timer_at;

/* Whether it runs as it should. */
static bool is_started(const __u64 at, const __u64 now)
{
	return at == timer_at && before(now, at + TIMER_LOST_NS);
}

static void start_timer(const __u64 at, const __u64 now)
{
	const __u32 key = 0;
	struct refill_timer *timer;

	if (!at || is_started(at, now))
		return;
	timer = bpf_map_lookup_elem(&refill_timers, &key);
	if (timer && !bpf_timer_start(&timer->timer, before(now, at) ? at - now : 0, 0))
		timer_at = at;
}

static int refill_expired(void *map, __u32 *key, struct refill_timer *timer)
{
	const __u64 now = bpf_ktime_get_ns();
	__u64 at;
	bool any;

	timer_at = 0;
	bpf_spin_lock(&tree_lock);
	any = refill_throttled(now);
	at = refill_next;
	bpf_spin_unlock(&tree_lock);
	if (any)
		kick_idle();
	start_timer(at, now);
	return 0;
}

static long refill_init(void)
{
	const __u32 key = 0;
	struct refill_timer *timer = bpf_map_lookup_elem(&refill_timers, &key);

	if (!timer)
		return -ENOENT;
	return bpf_timer_init(&timer->timer, &refill_timers, CLOCK_MONOTONIC) ?:
	       bpf_timer_set_callback(&timer->timer, refill_expired);
}

#endif /* AGENTCG_SCHED_REFILL_H */
