// SPDX-License-Identifier: GPL-2.0-only
#include "options.h"

#include <stdio.h>
#include <string.h>

#include "main.h"
#include "output.h"
#include "size.h"

static int bad(const struct option_def *def, const char *text,
	       const char *problem)
{
	complain("--%s: \"%s\" %s", def->name, text, problem);
	return -1;
}

/* "a, b or c" from a function that names values. */
static void list_names(const char *(*name)(unsigned int), char *buf,
		       size_t size)
{
	size_t at = 0;
	unsigned int i;

	buf[0] = '\0';
	for (i = 0; name(i) && at < size; i++)
		at += (size_t)snprintf(buf + at, size - at, "%s%s",
				       !i ? "" : name(i + 1) ? ", " : " or ",
				       name(i));
}

static int take_name(const struct option_def *def, const char *text,
		     const char *(*name)(unsigned int))
{
	char names[160], problem[256];
	unsigned int i;

	for (i = 0; name(i); i++) {
		if (!strcmp(name(i), text)) {
			*(uint32_t *)def->value = i;
			return 0;
		}
	}
	list_names(name, names, sizeof(names));
	snprintf(problem, sizeof(problem), "is not known: use %s", names);
	return bad(def, text, problem);
}

static int take_number(const struct option_def *def, const char *text,
		       uint64_t min, uint64_t max)
{
	const char *problem;
	uint64_t number;

	problem = parse_number(text, min, max, &number);
	if (problem)
		return bad(def, text, problem);
	*(uint32_t *)def->value = (uint32_t)number;
	return 0;
}

static int take_size(const struct option_def *def, const char *text)
{
	const char *problem = parse_size(text, def->value);

	if (!problem && def->kind == OPTION_SIZE &&
	    *(uint64_t *)def->value == UINT64_MAX)
		problem = "is not possible here: name a size";
	return problem ? bad(def, text, problem) : 0;
}

static int take_duration(const struct option_def *def, const char *text)
{
	const char *problem = def->kind == OPTION_TIMEOUT ?
			      parse_timeout(text, def->value) :
			      parse_duration(text, def->value);

	return problem ? bad(def, text, problem) : 0;
}

static int take_string(const struct option_def *def, const char *text,
		       size_t max)
{
	if (strlen(text) > max) {
		complain("--%s: %zu bytes are too long: use at most %zu",
			 def->name, strlen(text), max);
		return -1;
	}
	*(const char **)def->value = text;
	return 0;
}

static int take_tag(const struct option_def *def, const char *text)
{
	struct tag_list *list = def->value;
	const char *tag;

	if (!strchr(text, '=') || text[0] == '=')
		return bad(def, text, "is not of the form KEY=VALUE");
	if (list->count == AGENTCG_TAGS_MAX) {
		complain("--%s: there are more than %d: leave some out",
			 def->name, AGENTCG_TAGS_MAX);
		return -1;
	}
	if (take_string(&(struct option_def){ .name = def->name, .value = &tag },
			text, AGENTCG_TAG_MAX))
		return -1;
	list->tags[list->count++] = tag;
	return 0;
}

static int take_require(const struct option_def *def, const char *text)
{
	bool always = !strcmp(text, "always");

	if (!always && strcmp(text, "never"))
		return bad(def, text, "is not known: use never or always");
	*(bool *)def->value = always;
	return 0;
}

static int take_value(const struct option_def *def, const char *text)
{
	switch (def->kind) {
	case OPTION_FLAG:
		*(bool *)def->value = true;
		return 0;
	case OPTION_STRING:
		*(const char **)def->value = text;
		return 0;
	case OPTION_SIZE:
	case OPTION_LIMIT:
		return take_size(def, text);
	case OPTION_DURATION:
	case OPTION_TIMEOUT:
		return take_duration(def, text);
	case OPTION_WEIGHT:
		return take_number(def, text, 1, AGENTCG_WEIGHT_MAX);
	case OPTION_PIDS:
		return take_number(def, text, 1, UINT32_MAX);
	case OPTION_CLASS:
		return take_name(def, text, agentcg_class_name);
	case OPTION_ON_EXHAUST:
		return take_name(def, text, agentcg_on_exhaust_name);
	case OPTION_SURVIVORS:
		return take_name(def, text, agentcg_survivors_name);
	case OPTION_REQUIRE:
		return take_require(def, text);
	case OPTION_LABEL:
		return take_string(def, text, AGENTCG_LABEL_MAX);
	case OPTION_TAG:
		return take_tag(def, text);
	}
	return -1;
}

/* Find an option by name or unique prefix; tell when that fails. */
static const struct option_def *find(const struct option_def *table,
				     const char *name, size_t len)
{
	const struct option_def *def, *found = NULL;
	int matches = 0;

	for (def = table; def->name; def++) {
		if (strncmp(def->name, name, len))
			continue;
		if (strlen(def->name) == len)
			return def;
		found = def;
		matches++;
	}
	if (matches == 1 && len)
		return found;
	complain(matches > 1 ? "--%.*s: could be several options: write it out" :
		 "--%.*s: no such option: see agentcg help", (int)len, name);
	return NULL;
}

static int take_option(const struct option_def *table, char ***argv)
{
	const char *name = *(*argv)++ + 2;
	size_t len = strcspn(name, "=");
	const struct option_def *def = find(table, name, len);
	const char *text = NULL;

	if (!def)
		return -1;
	if (def->kind == OPTION_FLAG && name[len]) {
		complain("--%s: takes no value", def->name);
		return -1;
	}
	if (def->kind != OPTION_FLAG) {
		text = name[len] ? name + len + 1 : **argv;
		if (!text) {
			complain("--%s: a value is missing", def->name);
			return -1;
		}
		if (!name[len])
			(*argv)++;
	}
	if (take_value(def, text))
		return -1;
	if (def->mask)
		*def->mask |= def->set;
	return 0;
}

static bool is_option(const char *arg)
{
	return arg && arg[0] == '-' && arg[1] == '-' && arg[2];
}

int parse_options(const struct option_def *table, char ***argv)
{
	while (is_option(**argv))
		if (take_option(table, argv))
			return -1;
	if (**argv && !strcmp(**argv, "--"))
		(*argv)++;
	else if (**argv && (**argv)[0] == '-' && (**argv)[1]) {
		complain("%s: no such option: see agentcg help", **argv);
		return -1;
	}
	return 0;
}

int parse_all(const struct option_def *table, char **argv,
	      const char **operands, int max)
{
	int count = 0;

	if (max)
		memset(operands, 0, (size_t)max * sizeof(*operands));
	while (*argv) {
		if (is_option(*argv)) {
			if (take_option(table, &argv))
				return -1;
			continue;
		}
		if (global_option(*argv)) {
			argv++;
			continue;
		}
		if (count == max || (*argv)[0] == '-') {
			complain("%s: not expected here: see agentcg help",
				 *argv);
			return -1;
		}
		operands[count++] = *argv++;
	}
	return 0;
}

#define INTENT_BIT(NAME)	(1ull << AGENTCG_A_INTENT_##NAME)

static struct option_def *intent_table(struct option_def *table,
				       struct intent_args *args)
{
	struct agentcg_intent *in = &args->intent;
	const struct option_def options[INTENT_OPTIONS] = {
		{ "mem", OPTION_SIZE, &in->mem, INTENT_BIT(MEM), &in->set },
		{ "burst", OPTION_LIMIT, &in->burst, INTENT_BIT(BURST),
		  &in->set },
		{ "class", OPTION_CLASS, &in->cls, INTENT_BIT(CLASS),
		  &in->set },
		{ "weight", OPTION_WEIGHT, &in->weight, INTENT_BIT(WEIGHT),
		  &in->set },
		{ "stall", OPTION_DURATION, &in->stall, INTENT_BIT(STALL),
		  &in->set },
		{ "on-exhaust", OPTION_ON_EXHAUST, &in->on_exhaust,
		  INTENT_BIT(ON_EXHAUST), &in->set },
		{ "restartable", OPTION_FLAG, &args->restartable,
		  INTENT_BIT(RESTARTABLE), &in->set },
		{ "label", OPTION_LABEL, &in->label, INTENT_BIT(LABEL),
		  &in->set },
		{ "tag", OPTION_TAG, &args->tags, INTENT_BIT(TAG), &in->set },
		{ "deadline", OPTION_TIMEOUT, &in->deadline,
		  INTENT_BIT(DEADLINE), &in->set },
		{ "warn-before", OPTION_DURATION, &in->warn_before,
		  INTENT_BIT(WARN_BEFORE), &in->set },
		{ "survivors", OPTION_SURVIVORS, &in->survivors,
		  INTENT_BIT(SURVIVORS), &in->set },
		{ "pids", OPTION_PIDS, &in->pids, INTENT_BIT(PIDS), &in->set },
		{ "conflict", OPTION_LABEL, &in->conflict,
		  INTENT_BIT(CONFLICT), &in->set },
	};

	memcpy(table, options, sizeof(options));
	return table + INTENT_OPTIONS;
}

struct option_def *intent_options(struct option_def *table,
				  struct intent_args *args)
{
	memset(args, 0, sizeof(*args));
	args->intent.size = sizeof(args->intent);
	return intent_table(table, args);
}

#define SESSION_BIT(NAME)	(1ull << AGENTCG_A_SESSION_##NAME)

struct option_def *session_options(struct option_def *table,
				   struct agentcg_session_config *config)
{
	struct agentcg_session_config *c = config;
	const struct option_def options[SESSION_OPTIONS] = {
		{ "budget", OPTION_SIZE, &c->budget, SESSION_BIT(BUDGET),
		  &c->set },
		{ "floor", OPTION_SIZE, &c->floor, SESSION_BIT(FLOOR),
		  &c->set },
		{ "max-class", OPTION_CLASS, &c->max_class,
		  SESSION_BIT(MAX_CLASS), &c->set },
		{ "max-hold", OPTION_DURATION, &c->max_hold,
		  SESSION_BIT(MAX_HOLD), &c->set },
		{ "jitter", OPTION_DURATION, &c->jitter, SESSION_BIT(JITTER),
		  &c->set },
		{ "weight", OPTION_WEIGHT, &c->weight, SESSION_BIT(WEIGHT),
		  &c->set },
	};

	memset(c, 0, sizeof(*c));
	c->size = sizeof(*c);
	memcpy(table, options, sizeof(options));
	return table + SESSION_OPTIONS;
}

void intent_finish(struct intent_args *args)
{
	args->intent.tags = args->tags.tags;
	args->intent.tag_count = args->tags.count;
	args->intent.restartable = args->restartable;
}

static json_t *tags_json(const struct tag_list *list)
{
	json_t *tags = json_array();
	uint32_t i;

	for (i = 0; i < list->count; i++)
		json_array_append_new(tags, json_text(list->tags[i]));
	return tags;
}

static json_t *value_json(const struct option_def *def)
{
	switch (def->kind) {
	case OPTION_FLAG:
		return json_boolean(*(bool *)def->value);
	case OPTION_LIMIT:
	case OPTION_TIMEOUT:
		if (*(uint64_t *)def->value == AGENTCG_UNLIMITED)
			return json_null();
		/* fall through */
	case OPTION_SIZE:
	case OPTION_DURATION:
		return json_integer(*(json_int_t *)def->value);
	case OPTION_CLASS:
		return json_string(agentcg_class_name(*(uint32_t *)def->value));
	case OPTION_ON_EXHAUST:
		return json_string(agentcg_on_exhaust_name(*(uint32_t *)def->value));
	case OPTION_SURVIVORS:
		return json_string(agentcg_survivors_name(*(uint32_t *)def->value));
	case OPTION_LABEL:
		return json_text(*(const char **)def->value);
	case OPTION_TAG:
		return tags_json(def->value);
	default:
		return json_integer(*(uint32_t *)def->value);
	}
}

/* The options have the names of the attributes. */
json_t *intent_json(struct intent_args *args)
{
	struct option_def table[INTENT_OPTIONS];
	json_t *object = json_object();
	struct option_def *def;

	for (def = table; def < intent_table(table, args); def++)
		if (args->intent.set & def->set)
			json_object_set_new(object, def->name,
					    value_json(def));
	return object;
}
