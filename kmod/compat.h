/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between the kernels that the module is built for.
 *
 * Written for the newest; the AGENTCG_HAVE_ macros come from compile tests in
 * compat-probe/, one per fact, so a backport is found as well as a release.
 */
#ifndef _AGENTCG_COMPAT_H
#define _AGENTCG_COMPAT_H

#include <linux/hrtimer.h>

#include "compat-probe.h"

#ifdef AGENTCG_HAVE_HRTIMER_SETUP
#define agentcg_hrtimer_setup	hrtimer_setup
#else
static inline void
agentcg_hrtimer_setup(struct hrtimer *const timer,
		      enum hrtimer_restart (*const fn)(struct hrtimer *timer),
		      const clockid_t clock, const enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock, mode);
	timer->function = fn;
}
#endif

#endif /* _AGENTCG_COMPAT_H */
