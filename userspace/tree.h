/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The processes that a command has made, where it has no cgroup of its own that
 * would tell: found by their parents, in /proc.
 *
 * Of a process whose parent ends first the kernel makes us the parent, once we
 * have asked for that; so setsid(2) and a second fork(2) do not lead out of the
 * tree. What a daemon starts on behalf of the command is not in it.
 */
#ifndef AGENTCG_TREE_H
#define AGENTCG_TREE_H

#include <stdbool.h>
#include <sys/types.h>

/** tree_adopt() - Become the parent of whatever loses its own from now on. */
void tree_adopt(void);

/**
 * tree_age() - When a process began, to tell what is older.
 * @pid: the process; a child that was not waited for is one still.
 */
unsigned long long tree_age(pid_t pid);

/**
 * tree_kill() - Kill the descendants of this process, and reap them.
 * @since: tree_age() of the command: children that are older, and what they have
 *	started, are left alone.
 * @timeout_ms: how long to try; who may not be killed does not die.
 *
 * Return: whether none of them is left.
 */
bool tree_kill(unsigned long long since, int timeout_ms);

#endif /* AGENTCG_TREE_H */
