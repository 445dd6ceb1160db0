// SPDX-License-Identifier: GPL-2.0-only
#include "output.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "main.h"
#include "size.h"

#define NSEC_PER_SEC	1000000000ll
#define NSEC_PER_MSEC	1000000ll

/* Of the first column, indentation included. */
#define KEY_WIDTH	16

/* What an enum value newer than this program is called. */
#define UNKNOWN_MAX	24

static uint64_t field_uint(const struct agentcg_field *field)
{
	uint64_t wide = 0;
	uint32_t word = 0;

	if (field->len == sizeof(uint8_t))
		return *(const uint8_t *)field->data;
	if (field->len == sizeof(word)) {
		memcpy(&word, field->data, sizeof(word));
		return word;
	}
	if (field->len == sizeof(wide))
		memcpy(&wide, field->data, sizeof(wide));
	return wide;
}

/* Strings come with their zero; one without is cut, not overrun. */
static int field_len(const struct agentcg_field *field)
{
	return (int)strnlen(field->data, field->len);
}

/* May it be there more than once? */
static bool is_list(const struct agentcg_attr *attr)
{
	return attr->type == AGENTCG_TYPE_STRINGS ||
	       attr->type == AGENTCG_TYPE_NESTS;
}

static struct agentcg_record inner_record(const struct agentcg_attr *attr,
					  const struct agentcg_field *field)
{
	return (struct agentcg_record){
		.data = field->data,
		.len = field->len,
		.object = attr->nested,
	};
}

static const char *enum_name(const struct agentcg_attr *attr, uint64_t value,
			     char buf[UNKNOWN_MAX])
{
	uint64_t i;

	for (i = 0; attr->names[i]; i++)
		if (i == value)
			return attr->names[i];
	snprintf(buf, UNKNOWN_MAX, "%llu", (unsigned long long)value);
	return buf;
}

#define CLOCK_TRIES	8

static long long read_clock(clockid_t clock)
{
	struct timespec at;

	clock_gettime(clock, &at);
	return at.tv_sec * NSEC_PER_SEC + at.tv_nsec;
}

/*
 * From boot time to wall clock, ns: the two cannot be read at the same moment, so the
 * one is read before and after the other, and the quickest of some tries counts.
 */
static long long wall_offset(void)
{
	long long best = LLONG_MAX, offset = 0, before, real, after;
	int i;

	for (i = 0; i < CLOCK_TRIES; i++) {
		before = read_clock(CLOCK_BOOTTIME);
		real = read_clock(CLOCK_REALTIME);
		after = read_clock(CLOCK_BOOTTIME);
		if (after - before >= best)
			continue;
		best = after - before;
		offset = real - before - best / 2;
	}
	return offset;
}

/* In milliseconds, so that one instant is the same text every time. */
static void utc_of(uint64_t boot_ns, char *buf, size_t size)
{
	const long long ms = (wall_offset() + NSEC_PER_MSEC / 2) / NSEC_PER_MSEC +
			     (long long)boot_ns / NSEC_PER_MSEC;
	const time_t sec = ms / 1000;
	struct tm tm;
	size_t len;

	gmtime_r(&sec, &tm);
	len = strftime(buf, size, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf + len, size - len, ".%03lldZ", ms % 1000);
}

/* ---- JSON ---- */

void json_add_instant(json_t *object, const char *key, uint64_t boot_ns)
{
	char utc[64], utc_key[64];

	utc_of(boot_ns, utc, sizeof(utc));
	snprintf(utc_key, sizeof(utc_key), "%s-utc", key);
	json_object_set_new(object, key, json_integer((json_int_t)boot_ns));
	json_object_set_new(object, utc_key, json_string(utc));
}

static json_t *flags_json(const struct agentcg_attr *attr, uint64_t value)
{
	json_t *list = json_array();
	int i;

	for (i = 0; attr->names[i]; i++)
		if (value & (1ull << i))
			json_array_append_new(list, json_string(attr->names[i]));
	return list;
}

json_t *json_text(const char *text)
{
	json_t *value = json_string(text);
	char *clean, *at;

	if (value)
		return value;
	clean = strdup(text);
	for (at = clean; at && *at; at++)
		if ((signed char)*at < 0)
			*at = '?';
	value = json_string(clean);
	free(clean);
	return value;
}

static json_t *string_json(const struct agentcg_field *field)
{
	char *text = strndup(field->data, field->len);
	json_t *value = json_text(text);

	free(text);
	return value;
}

static json_t *field_json(const struct agentcg_attr *attr,
			  const struct agentcg_field *field)
{
	struct agentcg_record inner;
	char unknown[UNKNOWN_MAX];
	uint64_t value;

	switch (attr->type) {
	case AGENTCG_TYPE_STRING:
	case AGENTCG_TYPE_STRINGS:
		return string_json(field);
	case AGENTCG_TYPE_NEST:
	case AGENTCG_TYPE_NESTS:
		inner = inner_record(attr, field);
		return record_json(&inner);
	default:
		break;
	}
	value = field_uint(field);
	switch (attr->type) {
	case AGENTCG_TYPE_BOOL:
		return json_boolean(value != 0);
	case AGENTCG_TYPE_ENUM:
		return json_string(enum_name(attr, value, unknown));
	case AGENTCG_TYPE_FLAGS:
		return flags_json(attr, value);
	case AGENTCG_TYPE_LIMIT:
	case AGENTCG_TYPE_TIMEOUT:
		if (value == AGENTCG_UNLIMITED)
			return json_null();
		break;
	default:
		break;
	}
	return json_integer((json_int_t)value);
}

static void add_field(json_t *object, const struct agentcg_attr *attr,
		      const struct agentcg_field *field)
{
	json_t *list;

	if (attr->type == AGENTCG_TYPE_INSTANT) {
		json_add_instant(object, attr->name, field_uint(field));
		return;
	}
	if (!is_list(attr)) {
		json_object_set_new(object, attr->name,
				    field_json(attr, field));
		return;
	}
	list = json_object_get(object, attr->name);
	if (!list) {
		list = json_array();
		json_object_set_new(object, attr->name, list);
	}
	json_array_append_new(list, field_json(attr, field));
}

json_t *record_json(const struct agentcg_record *record)
{
	json_t *object = json_object();
	const struct agentcg_attr *attr;
	unsigned int i;

	for (i = 1; (attr = agentcg_attr(record->object, i)); i++) {
		struct agentcg_field field = { .data = NULL };

		if (attr->type == AGENTCG_TYPE_NONE)
			continue;
		while (agentcg_record_next(record, &field))
			if (field.attr == i)
				add_field(object, attr, &field);
	}
	return object;
}

static int write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t done = write(fd, text, len);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		text += done;
		len -= (size_t)done;
	}
	return 0;
}

int dump_json(int fd, const json_t *value, bool pretty)
{
	char *text = json_dumps(value, pretty ? JSON_INDENT(2) : JSON_COMPACT);
	size_t len;
	int err;

	if (!text)
		return -ENOMEM;
	/* One write for a document and its newline keeps lines whole. */
	len = strlen(text);
	text[len] = '\n';
	err = write_all(fd, text, len + 1);
	free(text);
	return err;
}

void print_json(json_t *value)
{
	json_dumpf(value, stdout, pretty_wanted ? JSON_INDENT(2) : JSON_COMPACT);
	putchar('\n');
	json_decref(value);
}

/* ---- text ---- */

static void text_flags(FILE *file, const struct agentcg_attr *attr,
		       uint64_t value)
{
	const char *gap = "";
	int i;

	for (i = 0; attr->names[i]; i++) {
		if (!(value & (1ull << i)))
			continue;
		fprintf(file, "%s%s", gap, attr->names[i]);
		gap = " ";
	}
}

static void text_value(FILE *file, const struct agentcg_attr *attr,
		       const struct agentcg_field *field)
{
	uint64_t value = field_uint(field);
	char buf[64];

	switch (attr->type) {
	case AGENTCG_TYPE_STRING:
	case AGENTCG_TYPE_STRINGS:
		fprintf(file, "%.*s", field_len(field),
			(const char *)field->data);
		break;
	case AGENTCG_TYPE_BYTES:
	case AGENTCG_TYPE_LIMIT:
		fputs(human_size(value, buf), file);
		break;
	case AGENTCG_TYPE_DURATION:
	case AGENTCG_TYPE_TIMEOUT:
		fputs(human_duration(value, buf), file);
		break;
	case AGENTCG_TYPE_INSTANT:
		utc_of(value, buf, sizeof(buf));
		fputs(buf, file);
		break;
	case AGENTCG_TYPE_BOOL:
		fputs(value ? "yes" : "no", file);
		break;
	case AGENTCG_TYPE_ENUM:
		fputs(enum_name(attr, value, buf), file);
		break;
	case AGENTCG_TYPE_FLAGS:
		text_flags(file, attr, value);
		break;
	default:
		fprintf(file, "%llu", (unsigned long long)value);
	}
}

static void text_field(FILE *file, const struct agentcg_attr *attr,
		       const struct agentcg_field *field, int indent)
{
	struct agentcg_record inner;

	if (attr->type == AGENTCG_TYPE_NEST ||
	    attr->type == AGENTCG_TYPE_NESTS) {
		inner = inner_record(attr, field);
		fprintf(file, "%*s%s\n", indent, "", attr->name);
		record_text(file, &inner, indent + 2);
		return;
	}
	fprintf(file, "%*s%-*s ", indent, "", KEY_WIDTH - indent, attr->name);
	text_value(file, attr, field);
	fputc('\n', file);
}

void record_text(FILE *file, const struct agentcg_record *record, int indent)
{
	const struct agentcg_attr *attr;
	unsigned int i;

	for (i = 1; (attr = agentcg_attr(record->object, i)); i++) {
		struct agentcg_field field = { .data = NULL };

		if (attr->type == AGENTCG_TYPE_NONE)
			continue;
		while (agentcg_record_next(record, &field))
			if (field.attr == i)
				text_field(file, attr, &field, indent);
	}
}

/* ---- what the command line wants ---- */

void print_record(const struct agentcg_record *record)
{
	if (json_wanted)
		print_json(record_json(record));
	else
		record_text(stdout, record, 0);
}

/* A policy is known by its name and the id of its session. */
static void policy_heading(const struct agentcg_record *policy)
{
	uint64_t id = agentcg_record_uint(policy, AGENTCG_A_POLICY_SESSION_ID, 0);

	printf("%s for ", agentcg_record_string(policy, AGENTCG_A_POLICY_NAME) ?:
			  "(unnamed)");
	if (id)
		printf("session %llu\n", (unsigned long long)id);
	else
		puts("the node");
}

void text_heading(const struct agentcg_record *record)
{
	bool tool = record->object == AGENTCG_OBJECT_TOOL;
	struct agentcg_record intent = { .data = NULL };
	const char *path, *label;

	if (record->object == AGENTCG_OBJECT_POLICY) {
		policy_heading(record);
		return;
	}
	path = agentcg_record_string(record, tool ? AGENTCG_A_TOOL_PATH :
						    AGENTCG_A_SESSION_PATH);
	if (tool)
		intent = agentcg_record_nest(record, AGENTCG_A_TOOL_INTENT);
	label = agentcg_record_string(&intent, AGENTCG_A_INTENT_LABEL);
	printf("%s%s%s%s\n", path ?: "(removed)", label ? " (" : "",
	       label ?: "", label ? ")" : "");
}

int list_add(const struct agentcg_record *record, void *arg)
{
	struct list_output *list = arg;

	list->count++;
	if (json_wanted) {
		if (!list->array)
			list->array = json_array();
		json_array_append_new(list->array, record_json(record));
		return 0;
	}
	if (list->count > 1)
		putchar('\n');
	text_heading(record);
	record_text(stdout, record, 2);
	return 0;
}

void list_finish(struct list_output *list)
{
	if (json_wanted)
		print_json(list->array ?: json_array());
}
