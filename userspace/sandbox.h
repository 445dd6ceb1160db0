/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A cgroup for a while, with sessions in it, that goes with all that runs there
 * however its maker ends.
 *
 * Removing it is the work of a small process beside the maker, the keeper, which
 * sleeps in read(2) on a pipe whose other end only the maker has: so it makes no
 * difference whether the maker asks for it or was killed.
 */
#ifndef AGENTCG_SANDBOX_H
#define AGENTCG_SANDBOX_H

#include <agentcg/agentcg.h>
#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

/**
 * struct sandbox_order - What the keeper has to know.
 * @id: of the cgroup; 0: it may not be there yet.
 * @capacity: of the node, to be put back.
 * @node: whether it is.
 * @enabled: controllers that were enabled in the parent for it, as they are
 *	disabled again.
 */
struct sandbox_order {
	uint64_t id;
	uint64_t capacity;
	bool node;
	char enabled[32];
};

/**
 * struct sandbox - The cgroup.
 * @handle: for sessions in it.
 * @parent: directory in which it is.
 * @dir: its own.
 * @path: where @dir is.
 * @pipe: to the keeper.
 * @keeper: its process.
 * @order: as the keeper was told.
 * @name: of the cgroup.
 */
struct sandbox {
	struct agentcg *handle;
	int parent;
	int dir;
	char path[PATH_MAX];
	int pipe;
	pid_t keeper;
	struct sandbox_order order;
	char name[64];
};

/**
 * struct cell - A child of it, with a child "agent" of its own.
 * @session: as such it is known to the module; opened in any case.
 * @agent: directory of the child.
 * @path: of the cell's directory.
 */
struct cell {
	struct agentcg_session *session;
	int agent;
	char path[PATH_MAX + 32];
};

/**
 * sandbox_make() - Make one; all signals must be blocked.
 * @sandbox: the result.
 * @handle: must outlive it.
 * @parent: a cgroup, NULL for the root of the tree.
 * @word: its name begins with.
 *
 * memory, cpu and pids are enabled in the parent, until the sandbox goes; where
 * there are other cgroups beside it by then, for good.
 *
 * Return: 0, or -1 after telling why; there is nothing to remove then.
 */
int sandbox_make(struct sandbox *sandbox, struct agentcg *handle,
		 const char *parent, const char *word);

/**
 * sandbox_remove() - Kill all that runs there, and remove it.
 *
 * Return: 0, or -1 after telling what is left.
 */
int sandbox_remove(struct sandbox *sandbox);

/**
 * sandbox_write() - Write a file of a cgroup.
 *
 * Return: 0, or -1 after telling why.
 */
int sandbox_write(int dirfd, const char *name, const char *text);

/**
 * sandbox_set_node() - Set the capacity of the node until the sandbox goes.
 *
 * Return: 0, or -1 after telling why.
 */
int sandbox_set_node(struct sandbox *sandbox, uint64_t capacity);

/**
 * sandbox_add() - Make a cell.
 * @sandbox: where.
 * @number: of the cell.
 * @config: as of agentcg_session_add(); NULL: it is no session, just cgroups.
 * @cell: given to cell_close() after success.
 *
 * Return: 0, or -1 after telling why.
 */
int sandbox_add(struct sandbox *sandbox, unsigned int number,
		const struct agentcg_session_config *config, struct cell *cell);

/** cell_close() - Let go of a cell; it goes with its sandbox. */
void cell_close(struct cell *cell);

/** cell_kill() - Kill all that runs in a cell. */
void cell_kill(const struct cell *cell);

/**
 * spawn_into() - Start a program in a cgroup, from its first instruction on.
 * @dir: the cgroup.
 * @path: of the program; with no slash in it, looked up in PATH.
 * @actions: as of posix_spawn(3), may be NULL.
 * @argv: arguments.
 * @pid: set to the process.
 *
 * It has no signal blocked.
 *
 * Return: 0, or a positive errno.
 */
int spawn_into(int dir, const char *path,
	       const posix_spawn_file_actions_t *actions, char *const argv[],
	       pid_t *pid);

#endif /* AGENTCG_SANDBOX_H */
