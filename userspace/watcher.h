/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The watcher outlives `agentcg run`, so that no cgroup is left behind when
 * run itself is killed.
 *
 * It is a child of run that sleeps in read(2) on a pipe whose other end only
 * run has. When run dies, of SIGKILL too, the kernel closes that end; the
 * watcher then kills what is left in the call and removes its cgroup. It is
 * started before the cgroup is made, outside of it, with all signals blocked, and
 * in a process group of its own, so that a kill of run's process group does not
 * reach it.
 *
 * What it does not survive is the same as for run: the end of the cgroup, the
 * container or the machine that both are in.
 */
#ifndef AGENTCG_WATCHER_H
#define AGENTCG_WATCHER_H

#include <stdint.h>

/**
 * watcher_start() - Start the watcher; all signals must be blocked.
 * @dirfd: directory of the session.
 * @name: of the cgroup that will be made in it.
 *
 * Return: the pipe that keeps it waiting, or a negative errno.
 */
int watcher_start(int dirfd, const char *name);

/**
 * watcher_own() - The cgroup has been made and is ours to kill.
 * @pipe: from watcher_start().
 * @id: of the cgroup, so that a later one of the same name is left alone.
 * @name: of the cgroup.
 */
void watcher_own(int pipe, uint64_t id, const char *name);

/**
 * watcher_keep() - Let what runs in the cgroup go on; remove it once it is
 *	empty.
 * @pipe: from watcher_start(), closed here.
 * @id: of the cgroup.
 * @name: of the cgroup.
 */
void watcher_keep(int pipe, uint64_t id, const char *name);

/**
 * watcher_stop() - The cgroup is gone: the watcher has nothing to do.
 * @pipe: from watcher_start(), closed here.
 *
 * Returns when the watcher exits.
 */
void watcher_stop(int pipe);

#endif /* AGENTCG_WATCHER_H */
