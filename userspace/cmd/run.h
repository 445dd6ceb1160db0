/* SPDX-License-Identifier: GPL-2.0-only */
/* What the two halves of agentcg run share. */
#ifndef AGENTCG_RUN_H
#define AGENTCG_RUN_H

#include <agentcg/agentcg.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "../deadline.h"
#include "../options.h"

/* How long, without a cgroup, the processes of a command may take to die. */
#define TREE_TIMEOUT_MS	5000

struct run {
	/* as asked */
	const char *session_name;
	const char *name;
	const char *receipt;
	bool require;
	bool reap;
	bool keep;
	bool env;
	struct intent_args intent;
	char **cmd;
	/* as it is */
	struct agentcg *handle;
	struct agentcg_session *session;
	struct agentcg_call *call;
	const char *reason;	/* why unmanaged */
	uint64_t start;
	uint64_t end;
	struct deadline deadline;
	unsigned long long age;	/* unmanaged: of the command */
	sigset_t old_mask;
	siginfo_t ended;
	pid_t pid;
	int watcher;
	int receipt_fd;
	bool has_terminal;
	bool past_deadline;	/* unmanaged: and killed for it */
};

/**
 * run_finish() - Remove the call, or leave what is kept to itself, and tell
 *	what came of it.
 * @run: with @run->pid 0 the command was not started.
 */
void run_finish(struct run *run);

#endif /* AGENTCG_RUN_H */
