/* SPDX-License-Identifier: GPL-2.0-only */
/* What the commands share. */
#ifndef AGENTCG_MAIN_H
#define AGENTCG_MAIN_H

#include <agentcg/agentcg.h>
#include <stdbool.h>
#include <stdio.h>

#include "complain.h"

/* Exit statuses of everything but run. */
enum {
	EXIT_OK = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
};

/* Options before the object. */
extern bool json_wanted;
extern bool pretty_wanted;

/**
 * struct command - A word of the command line and what stands behind it.
 * @name: the word; tables end with NULL.
 * @run: gets what follows the word, NULL-terminated; returns the exit status.
 */
struct command {
	const char *name;
	int (*run)(char **argv);
};

/**
 * dispatch() - Run the command that @argv names by a unique prefix.
 * @table: commands of one object; the first is run when no word is given.
 * @argv: what is left of the command line.
 * @help: text for "help" and --help, in the place of the command or after it.
 */
int dispatch(const struct command *table, char **argv, const char *help);

/**
 * fail() - Tell the last error of the library, with the mend where one is
 *	known.
 * @handle: the handle, freed here.
 * @err: what the library returned.
 *
 * Return: EXIT_FAILED.
 */
int fail(struct agentcg *handle, int err);

/**
 * become_loader() - Go on as the program that is linked with libbpf
 *	(loader/main.c).
 *
 * Return: EXIT_FAILED, after telling why not.
 */
int become_loader(const char *const *argv);

/** open_handle() - agentcg_open(), or exit. */
struct agentcg *open_handle(void);

/** global_option() - Take -j, -p or their long forms; false for others. */
bool global_option(const char *arg);

int cmd_doctor(char **argv);
int cmd_env(char **argv);
int cmd_event(char **argv);
int cmd_info(char **argv);
int cmd_node(char **argv);
int cmd_policy(char **argv);
int cmd_receipt(char **argv);
int cmd_record(char **argv);
int cmd_replay(char **argv);
int cmd_restore(char **argv);
int cmd_run(char **argv);
int cmd_save(char **argv);
int cmd_sched(char **argv);
int cmd_session(char **argv);
int cmd_tool(char **argv);

extern const char intent_help[];

#endif /* AGENTCG_MAIN_H */
