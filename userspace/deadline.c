// SPDX-License-Identifier: GPL-2.0-only
#include "deadline.h"

#define NSEC_PER_SEC	1000000000ull

/* A warning comes a tenth before the deadline, but within these bounds. */
#define WARN_PART	10
#define WARN_MIN	(1 * NSEC_PER_SEC)
#define WARN_MAX	(30 * NSEC_PER_SEC)

#define TENTH		(NSEC_PER_SEC / 10)

static uint64_t end_of(const struct deadline *d)
{
	return d->limit == DEADLINE_NEVER ? DEADLINE_NEVER :
	       d->begun + d->limit;
}

static uint64_t warning_of(const struct deadline *d)
{
	if (!d->warn_before || d->limit == DEADLINE_NEVER ||
	    d->warned == d->limit)
		return DEADLINE_NEVER;
	return d->warn_before < d->limit ? end_of(d) - d->warn_before :
					   d->begun;
}

static void set_due(struct deadline *d)
{
	d->due = warning_of(d) < end_of(d) ? warning_of(d) : end_of(d);
}

void deadline_set(struct deadline *d, uint64_t limit, uint64_t warn_before)
{
	d->limit = limit;
	d->warn_before = warn_before;
	set_due(d);
}

enum deadline_state deadline_look(struct deadline *d, uint64_t now)
{
	if (now < d->due)
		return DEADLINE_AHEAD;
	if (now >= end_of(d)) {
		d->due = DEADLINE_NEVER;
		return DEADLINE_MET;
	}
	d->warned = d->limit;
	set_due(d);
	return DEADLINE_WARN;
}

uint64_t deadline_left(const struct deadline *d, uint64_t now)
{
	uint64_t end = end_of(d);

	return end > now ? (end - now + TENTH / 2) / TENTH * TENTH : 0;
}

uint64_t deadline_warning(uint64_t limit)
{
	uint64_t before = limit / WARN_PART;

	if (before < WARN_MIN)
		return 0;
	return before < WARN_MAX ? before : WARN_MAX;
}
