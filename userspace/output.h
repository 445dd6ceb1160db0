/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records as text and as JSON, both from the library's table of attributes.
 *
 * JSON: keys are the attribute names of the specification; sizes are bytes,
 * durations nanoseconds, null where a limit is none; enums are their names,
 * flags a list of names, tags a list of strings. An instant is nanoseconds of
 * boot time, and again as RFC 3339 in UTC with "-utc" added to its key.
 *
 * The order is that of the specification, not that of the message.
 */
#ifndef AGENTCG_OUTPUT_H
#define AGENTCG_OUTPUT_H

#include <agentcg/agentcg.h>
#include <jansson.h>
#include <stdio.h>

/** record_json() - A new JSON object of a record. */
json_t *record_json(const struct agentcg_record *record);

/** json_text() - A JSON string of a text that need not be UTF-8. */
json_t *json_text(const char *text);

/** json_add_instant() - Add an instant to @object, in both its forms. */
void json_add_instant(json_t *object, const char *key, uint64_t boot_ns);

/** record_text() - A record as indented "key value" lines. */
void record_text(FILE *file, const struct agentcg_record *record, int indent);

/** text_heading() - What people know a record of a list by, on stdout. */
void text_heading(const struct agentcg_record *record);

/** print_record() - As the command line wants it, on stdout. */
void print_record(const struct agentcg_record *record);

/** print_json() - @value on stdout, as the command line wants it; freed. */
void print_json(json_t *value);

/** dump_json() - @value on a descriptor, with a newline; 0 or -errno. */
int dump_json(int fd, const json_t *value, bool pretty);

/**
 * struct list_output - A list that is printed as it arrives, or as one array.
 * @array: collected for JSON.
 * @count: of records so far.
 */
struct list_output {
	json_t *array;
	unsigned int count;
};

/** list_add() - An agentcg_record_fn; its argument is a struct list_output. */
int list_add(const struct agentcg_record *record, void *arg);

/** list_finish() - Print what is left to print. */
void list_finish(struct list_output *list);

#endif /* AGENTCG_OUTPUT_H */
