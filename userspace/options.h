/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Command line options. A command has a table of them; "--name value",
 * "--name=value" and unique prefixes of a name all work.
 */
#ifndef AGENTCG_OPTIONS_H
#define AGENTCG_OPTIONS_H

#include <agentcg/agentcg.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum option_kind {
	OPTION_FLAG,		/* bool *, takes no value */
	OPTION_STRING,		/* const char ** */
	OPTION_SIZE,		/* uint64_t *, no "max" */
	OPTION_LIMIT,		/* uint64_t *, or "max" */
	OPTION_DURATION,	/* uint64_t * */
	OPTION_TIMEOUT,		/* uint64_t *, not 0, or "max" */
	OPTION_WEIGHT,		/* uint32_t * */
	OPTION_PIDS,		/* uint32_t * */
	OPTION_CLASS,		/* uint32_t * */
	OPTION_ON_EXHAUST,	/* uint32_t * */
	OPTION_SURVIVORS,	/* uint32_t * */
	OPTION_REQUIRE,		/* bool *, true for "always" */
	OPTION_LABEL,		/* const char **, of bounded length */
	OPTION_TAG,		/* struct tag_list * */
};

/**
 * struct option_def - An option that a command knows.
 * @name: without the dashes; the table ends with NULL.
 * @kind: enum option_kind.
 * @value: where it goes, as @kind says.
 * @set: bits to set in @mask when it is given.
 * @mask: may be NULL.
 */
struct option_def {
	const char *name;
	enum option_kind kind;
	void *value;
	uint64_t set;
	uint64_t *mask;
};

struct tag_list {
	const char *tags[AGENTCG_TAGS_MAX];
	uint32_t count;
};

/**
 * struct intent_args - An intent and what its options need.
 * @intent: the result.
 * @tags: backs @intent.tags.
 * @restartable: backs @intent.restartable.
 */
struct intent_args {
	struct agentcg_intent intent;
	struct tag_list tags;
	bool restartable;
};

/* Room that intent_options() needs in a table. */
#define INTENT_OPTIONS	14

/**
 * intent_options() - Add the options of an intent to a table.
 * @table: where to write them.
 * @args: where they go; initialized here.
 *
 * Return: the place after the last one.
 */
struct option_def *intent_options(struct option_def *table,
				  struct intent_args *args);

/* Room that session_options() needs in a table. */
#define SESSION_OPTIONS	6

/**
 * session_options() - Add the options of a session itself to a table.
 * @table: where to write them.
 * @config: where they go; initialized here.
 *
 * Their names are those of the attributes, and so are those of an intent.
 *
 * Return: the place after the last one.
 */
struct option_def *session_options(struct option_def *table,
				   struct agentcg_session_config *config);

/** intent_finish() - Make args->intent complete after parsing. */
void intent_finish(struct intent_args *args);

/** intent_json() - What was declared, as the module would tell it. */
json_t *intent_json(struct intent_args *args);

/**
 * parse_options() - Read options up to the first operand.
 * @table: known options.
 * @argv: NULL-terminated; moved past what was read.
 *
 * "--" ends the options and is swallowed.
 *
 * Return: 0, or -1 after telling on stderr what is wrong.
 */
int parse_options(const struct option_def *table, char ***argv);

/**
 * parse_all() - Read options and operands in any order.
 * @table: known options.
 * @argv: NULL-terminated.
 * @operands: gets up to @max operands, the rest NULL.
 * @max: of them.
 */
int parse_all(const struct option_def *table, char **argv,
	      const char **operands, int max);

#endif /* AGENTCG_OPTIONS_H */
