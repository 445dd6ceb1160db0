/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Those who play: the process of an agent, and one for each of its calls.
 *
 * Both are this program again, started as "agentcg player agent" and "agentcg
 * player call N" with a play as descriptor PLAY_FD. A call has to be a program of
 * its own, since much of what the kernel does with one begins at exec.
 */
#ifndef AGENTCG_PLAYER_H
#define AGENTCG_PLAYER_H

#include <stdint.h>
#include <sys/types.h>

/**
 * player_start() - Start the agent of a play.
 * @play_fd: the play.
 * @start_fd: a pipe whose other ends are closed when it is to begin.
 * @leaf: directory of its cgroup.
 * @pid: set to the process.
 *
 * Return: 0, or a positive errno.
 */
int player_start(int play_fd, int start_fd, int leaf, pid_t *pid);

/** player_touch_ns() - What touching a chunk takes here, 0 without memory. */
uint64_t player_touch_ns(void);

/** cmd_player() - The players' own command, for player_start() only. */
int cmd_player(char **argv);

#endif /* AGENTCG_PLAYER_H */
