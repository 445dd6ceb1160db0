/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What "agentcg save" writes and "agentcg restore" reads: one JSON object, whose
 * keys are the attribute names of the specification.
 *
 * Which attributes are carried over is what session_options() and
 * intent_options() have and the module tells; one more there is one more here.
 * Nothing of a file is believed: saved_load() checks all of it, so that what
 * follows can be read without a doubt.
 */
#ifndef AGENTCG_SAVED_H
#define AGENTCG_SAVED_H

#include <agentcg/agentcg.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "options.h"

/* Grows when a file is not to be read as before. */
#define SAVED_VERSION	1

/* Room for the words of a refusal. */
#define SAVED_PROBLEM_MAX	512

/**
 * struct saved_node - The account of the machine.
 * @capacity: what was set by hand.
 * @reserve: likewise.
 * @set: which of them: 1 for @capacity, 2 for @reserve.
 */
struct saved_node {
	uint64_t capacity;
	uint64_t reserve;
	uint64_t set;
};

/**
 * struct saved_session - A session of the file.
 * @path: of its cgroup; as long-lived as the JSON, as all strings here are.
 * @id: of that cgroup, which is not the same when the name was used again.
 * @agent_id: of its agent leaf, 0 when that had gone.
 * @config: what to add it with; points into this structure.
 * @defaults: of its calls.
 * @calls: JSON array of them.
 */
struct saved_session {
	const char *path;
	uint64_t id;
	uint64_t agent_id;
	struct agentcg_session_config config;
	struct intent_args defaults;
	const json_t *calls;
};

/**
 * struct saved_call - A live call of the file.
 * @path: of its cgroup.
 * @id: likewise.
 * @begun: instant at which its first process entered, 0 when none had.
 * @survives: that process has ended, others go on.
 * @intent: what was declared.
 */
struct saved_call {
	const char *path;
	uint64_t id;
	uint64_t begun;
	bool survives;
	struct intent_args intent;
};

/* ---- writing ---- */

/** saved_session_json() - Of a session's record, without its calls. */
json_t *saved_session_json(const struct agentcg_record *record);

/** saved_call_json() - Of a call's record. */
json_t *saved_call_json(const struct agentcg_record *record);

/** saved_node_json() - What is set in @node, NULL for nothing. */
json_t *saved_node_json(const struct saved_node *node);

/* ---- reading ---- */

/**
 * saved_load() - Read a whole file and check all of it.
 * @file: the file.
 * @problem: gets what is wrong with it.
 *
 * Return: the JSON, or NULL.
 */
json_t *saved_load(FILE *file, char problem[SAVED_PROBLEM_MAX]);

/*
 * One object of the file. Return: whether it is as it must be, which it is of
 * what saved_load() returned; @problem may be NULL then.
 */
bool saved_read_node(const json_t *object, struct saved_node *node,
		     char *problem);
bool saved_read_session(const json_t *object, struct saved_session *session,
			char *problem);
bool saved_read_call(const json_t *object, const struct saved_session *session,
		     struct saved_call *call, char *problem);

/**
 * saved_rest_deadline() - Take from a deadline what has passed of it.
 * @call: its intent is changed.
 * @session: whose default it may have.
 * @now: an instant.
 *
 * The module counts the deadline of a call that runs already from its
 * declaration.
 */
void saved_rest_deadline(struct saved_call *call,
			 const struct saved_session *session, uint64_t now);

#endif /* AGENTCG_SAVED_H */
