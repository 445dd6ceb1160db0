/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Containers for the tests: a process with cgroup, mount, network and PID
 * namespaces of its own, in the agent leaf of a session, with cgroupfs mounted
 * read-only.
 */
#ifndef SELFTESTS_CONTAINER_H
#define SELFTESTS_CONTAINER_H

#include <stdbool.h>
#include <sys/types.h>

#include "fixture.h"

/**
 * struct container - one such process
 * @name: of its session
 * @uid: who it runs as, and to whom the session is delegated; 0: the host's
 *       root, without any capability
 * @user_namespace: it is root in a user namespace, in which @uid is 0
 * @bind: its cgroupfs is a bind mount, not a mount of its own
 * @fn: what it does; the status with which it exits
 * @arg: for @fn
 * @session: filled; from inside, its directory is CG_ROOT
 * @pid: filled
 */
struct container {
	const char *name;
	uid_t uid;
	bool user_namespace;
	bool bind;
	int (*fn)(void *arg);
	void *arg;
	struct session session;
	pid_t pid;
	int ready[2];
	int go[2];
};

/* Makes the session, too. */
int container_start(struct nl *nl, struct container *container,
		    uint64_t budget);
/* Its exit status, or a negative errno. */
int container_wait(const struct container *container, int ms);

/* In @fn: says what does not hold, and makes it exit with 1. */
#define CHECK(CONDITION) \
	do { \
		if (!(CONDITION)) { \
			container_complain(__func__, __LINE__, #CONDITION); \
			return 1; \
		} \
	} while (0)
void container_complain(const char *function, int line, const char *condition);

#endif /* SELFTESTS_CONTAINER_H */
