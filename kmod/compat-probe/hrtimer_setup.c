// SPDX-License-Identifier: GPL-2.0-only
/* v6.13: hrtimer_setup() takes the callback too. */
#include <linux/hrtimer.h>

static enum hrtimer_restart callback(struct hrtimer *timer)
{
	return HRTIMER_NORESTART;
}

void test(struct hrtimer *timer);
void test(struct hrtimer *timer)
{
	hrtimer_setup(timer, callback, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);
}
