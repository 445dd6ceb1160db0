/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Loading the scheduler: its link is pinned, so that it stays without any process,
 * and so is what it tells (bpf/sched/state.h), which outlives it.
 */
#ifndef AGENTCG_SCHED_H
#define AGENTCG_SCHED_H

#include <stdbool.h>

/**
 * sched_load() - For all of the machine, or @partial: for tasks of policy SCHED_EXT.
 *
 * Return: 0, or -1 after telling on stderr what is wrong.
 */
int sched_load(bool partial, bool verbose);

/** sched_unload() - likewise. */
int sched_unload(void);

#endif /* AGENTCG_SCHED_H */
