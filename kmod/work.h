/* SPDX-License-Identifier: GPL-2.0-only */
/* The module's own queue: kills, ends, events and the watchdog. */
#ifndef _AGENTCG_WORK_H
#define _AGENTCG_WORK_H

#include <linux/workqueue.h>

/* Unbound, high priority, with a rescuer: kills are due when memory is short. */
extern struct workqueue_struct *agentcg_wq;

#endif /* _AGENTCG_WORK_H */
