// SPDX-License-Identifier: GPL-2.0-only
#include "saved.h"

#include <limits.h>
#include <stdarg.h>
#include <string.h>

#include "output.h"

/* As the module has them: sums of a few never wrap, ends are instants. */
#define SIZE_MOST	(1ull << 60)
#define DURATION_MOST	((uint64_t)INT64_MAX / 2)

#define INTENT_BIT(NAME)	(1ull << AGENTCG_A_INTENT_##NAME)

/* Not attributes that are set, but where the object is. */
static const char *const session_keys[] = {
	"id", "agent-id", "path", "defaults", "calls", NULL
};
static const char *const call_keys[] = {
	"id", "path", "begun", "begun-utc", "cause", "intent", NULL
};
static const char *const file_keys[] = {
	"version", "node", "sessions", NULL
};

/* ---- tables ---- */

/* Return: the place after the last one, as the others do. */
static struct option_def *node_options(struct option_def table[2],
				       struct saved_node *node)
{
	memset(node, 0, sizeof(*node));
	table[0] = (struct option_def){ "capacity", OPTION_SIZE,
					&node->capacity, 1, &node->set };
	table[1] = (struct option_def){ "reserve", OPTION_SIZE, &node->reserve,
					2, &node->set };
	return table + 2;
}

/* Defaults have no label, no tags and no conflict: these belong to a call. */
static bool of_defaults(const struct option_def *def)
{
	return !(def->set & (INTENT_BIT(LABEL) | INTENT_BIT(TAG) |
			     INTENT_BIT(CONFLICT)));
}

/* ---- writing ---- */

static void copy(json_t *to, const json_t *from, const char *key)
{
	json_t *value = json_object_get(from, key);

	if (value)
		json_object_set(to, key, value);
}

static json_t *pick_intent(const json_t *from, bool defaults)
{
	struct option_def table[INTENT_OPTIONS];
	const struct option_def *def, *end;
	json_t *object = json_object();
	struct intent_args args;

	end = intent_options(table, &args);
	for (def = table; def < end; def++)
		if (!defaults || of_defaults(def))
			copy(object, from, def->name);
	return object;
}

json_t *saved_session_json(const struct agentcg_record *record)
{
	struct option_def table[SESSION_OPTIONS];
	const struct option_def *def, *end;
	struct agentcg_session_config config;
	json_t *all = record_json(record), *object = json_object();

	copy(object, all, "id");
	copy(object, all, "agent-id");
	copy(object, all, "path");
	end = session_options(table, &config);
	for (def = table; def < end; def++)
		copy(object, all, def->name);
	json_object_set_new(object, "defaults",
			    pick_intent(json_object_get(all, "defaults"), true));
	json_object_set_new(object, "calls", json_array());
	json_decref(all);
	return object;
}

json_t *saved_call_json(const struct agentcg_record *record)
{
	json_t *all = record_json(record), *object = json_object();

	copy(object, all, "id");
	copy(object, all, "path");
	copy(object, all, "begun");
	copy(object, all, "begun-utc");
	copy(object, all, "cause");
	json_object_set_new(object, "intent",
			    pick_intent(json_object_get(all, "intent"), false));
	json_decref(all);
	return object;
}

json_t *saved_node_json(const struct saved_node *node)
{
	json_t *object;

	if (!node->set)
		return NULL;
	object = json_object();
	if (node->set & 1)
		json_object_set_new(object, "capacity",
				    json_integer((json_int_t)node->capacity));
	if (node->set & 2)
		json_object_set_new(object, "reserve",
				    json_integer((json_int_t)node->reserve));
	return object;
}

/* ---- reading: values ---- */

static bool refuse(char *problem, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static bool refuse(char *problem, const char *fmt, ...)
{
	va_list args;

	if (problem) {
		va_start(args, fmt);
		vsnprintf(problem, SAVED_PROBLEM_MAX, fmt, args);
		va_end(args);
	}
	return false;
}

/* Return: NULL, or what is wrong. */
static const char *take_number(const json_t *value, uint64_t min, uint64_t max,
			       uint64_t *number)
{
	json_int_t found = json_integer_value(value);

	if (!json_is_integer(value))
		return "is not a whole number";
	if (found < 0 || (uint64_t)found < min)
		return "is too small";
	if ((uint64_t)found > max)
		return "is too large";
	*number = (uint64_t)found;
	return NULL;
}

/* Where null stands for no limit. */
static const char *take_limit(const json_t *value, uint64_t min, uint64_t max,
			      uint64_t *number)
{
	if (!json_is_null(value))
		return take_number(value, min, max, number);
	*number = AGENTCG_UNLIMITED;
	return NULL;
}

static const char *take_word(const json_t *value, uint64_t min, uint64_t max,
			     uint32_t *word)
{
	uint64_t number = 0;
	const char *problem = take_number(value, min, max, &number);

	*word = (uint32_t)number;
	return problem;
}

static const char *take_name(const json_t *value,
			     const char *(*name)(unsigned int), uint32_t *number)
{
	const char *text = json_string_value(value);
	unsigned int i;

	for (i = 0; text && name(i); i++) {
		if (strcmp(name(i), text))
			continue;
		*number = i;
		return NULL;
	}
	return text ? "is no such word" : "is not a word";
}

static const char *take_text(const json_t *value, size_t max, const char **text)
{
	*text = json_string_value(value);
	if (!*text)
		return "is not a text";
	return strlen(*text) > max ? "is too long" : NULL;
}

static const char *take_tags(const json_t *value, struct tag_list *list)
{
	const char *problem = NULL;
	size_t i;

	if (!json_is_array(value))
		return "is not a list";
	if (json_array_size(value) > AGENTCG_TAGS_MAX)
		return "has too many";
	for (i = 0; i < json_array_size(value) && !problem; i++)
		problem = take_text(json_array_get(value, i), AGENTCG_TAG_MAX,
				    &list->tags[list->count++]);
	return problem;
}

/* The way back of intent_json(). */
static const char *take_value(const struct option_def *def, const json_t *value)
{
	switch (def->kind) {
	case OPTION_FLAG:
		*(bool *)def->value = json_is_true(value);
		return json_is_boolean(value) ? NULL : "is neither true nor false";
	case OPTION_SIZE:
		return take_number(value, 0, SIZE_MOST, def->value);
	case OPTION_LIMIT:
		return take_limit(value, 0, SIZE_MOST, def->value);
	case OPTION_DURATION:
		return take_number(value, 0, DURATION_MOST, def->value);
	case OPTION_TIMEOUT:
		return take_limit(value, 1, DURATION_MOST, def->value);
	case OPTION_WEIGHT:
		return take_word(value, 1, AGENTCG_WEIGHT_MAX, def->value);
	case OPTION_PIDS:
		return take_word(value, 1, UINT32_MAX, def->value);
	case OPTION_CLASS:
		return take_name(value, agentcg_class_name, def->value);
	case OPTION_ON_EXHAUST:
		return take_name(value, agentcg_on_exhaust_name, def->value);
	case OPTION_SURVIVORS:
		return take_name(value, agentcg_survivors_name, def->value);
	case OPTION_LABEL:
		return take_text(value, AGENTCG_LABEL_MAX, def->value);
	case OPTION_TAG:
		return take_tags(value, def->value);
	default:
		return "cannot be set";
	}
}

static bool is_among(const char *const *keys, const char *key)
{
	for (; *keys; keys++)
		if (!strcmp(*keys, key))
			return true;
	return false;
}

/*
 * Take all that stands in @object by @table, up to @end; @keys are left to the
 * caller. @what names the object.
 */
static bool take_object(const json_t *object, const struct option_def *table,
			const struct option_def *end, const char *const *keys,
			const char *what, char *problem)
{
	const struct option_def *def;
	const char *key, *wrong;
	json_t *value;

	if (!json_is_object(object))
		return refuse(problem, "%s: is not an object", what);
	json_object_foreach((json_t *)object, key, value) {
		if (is_among(keys, key))
			continue;
		for (def = table; def < end && strcmp(def->name, key); def++)
			;
		wrong = def < end ? take_value(def, value) :
			"is not known to this version";
		if (wrong)
			return refuse(problem, "%s: %s %s", what, key, wrong);
		*def->mask |= def->set;
	}
	return true;
}

static bool take_intent(const json_t *object, struct intent_args *args,
			const char *what, char *problem)
{
	static const char *const none[] = { NULL };
	struct option_def table[INTENT_OPTIONS];
	const struct option_def *end = intent_options(table, args);
	bool ok = take_object(object, table, end, none, what, problem);

	intent_finish(args);
	return ok;
}

/* ---- reading: objects ---- */

/* A cgroup of the tree as the module tells it: no way out of it. */
static bool is_path(const char *path)
{
	size_t len;

	if (!path || strlen(path) < 2 || strlen(path) >= PATH_MAX)
		return false;
	for (; *path; path += len + 1) {
		if (*path != '/')
			return false;
		len = strcspn(path + 1, "/");
		if (!len || len > NAME_MAX || !strncmp(path + 1, ".", len) ||
		    !strncmp(path + 1, "..", len))
			return false;
	}
	return true;
}

static bool take_place(const json_t *object, const char **path, uint64_t *id,
		       const char *what, char *problem)
{
	const char *wrong;

	if (!json_is_object(object))
		return refuse(problem, "%s: is not an object", what);
	*path = json_string_value(json_object_get(object, "path"));
	if (!is_path(*path))
		return refuse(problem, "%s: path %s", what, *path ?
			      "is not that of a cgroup" : "is missing");
	wrong = take_number(json_object_get(object, "id"), 1, INT64_MAX, id);
	return wrong ? refuse(problem, "%s: id %s", *path, wrong) : true;
}

/* One that may be missing, and is 0 then. */
static bool take_optional(const json_t *object, const char *key,
			  uint64_t *number, const char *what, char *problem)
{
	const json_t *value = json_object_get(object, key);
	const char *wrong;

	*number = 0;
	wrong = value ? take_number(value, 1, INT64_MAX, number) : NULL;
	return wrong ? refuse(problem, "%s: %s %s", what, key, wrong) : true;
}

bool saved_read_node(const json_t *object, struct saved_node *node,
		     char *problem)
{
	static const char *const none[] = { NULL };
	struct option_def table[2];
	const struct option_def *end = node_options(table, node);

	return take_object(object, table, end, none, "node", problem);
}

bool saved_read_session(const json_t *object, struct saved_session *session,
			char *problem)
{
	struct option_def table[SESSION_OPTIONS];
	const struct option_def *end = session_options(table, &session->config);

	if (!take_place(object, &session->path, &session->id, "a session",
			problem) ||
	    !take_optional(object, "agent-id", &session->agent_id,
			   session->path, problem) ||
	    !take_object(object, table, end, session_keys, session->path,
			 problem) ||
	    !take_intent(json_object_get(object, "defaults"),
			 &session->defaults, "defaults", problem))
		return false;
	if (!(session->config.set & (1ull << AGENTCG_A_SESSION_BUDGET)))
		return refuse(problem, "%s: budget is missing", session->path);
	session->config.set |= 1ull << AGENTCG_A_SESSION_DEFAULTS;
	session->config.defaults = &session->defaults.intent;
	session->calls = json_object_get(object, "calls");
	return json_is_array(session->calls) ||
	       refuse(problem, "%s: calls is not a list", session->path);
}

/* Is @path that of a child of @parent? */
static bool is_child(const char *path, const char *parent)
{
	size_t len = strlen(parent);

	return !strncmp(path, parent, len) && path[len] == '/' &&
	       !strchr(path + len + 1, '/');
}

static bool take_cause(const json_t *object, struct saved_call *call,
		       char *problem)
{
	uint32_t cause = 0;
	const char *wrong = take_name(json_object_get(object, "cause"),
				      agentcg_cause_name, &cause);

	call->survives = cause != AGENTCG_CAUSE_RUNNING;
	return wrong ? refuse(problem, "%s: cause %s", call->path, wrong) : true;
}

bool saved_read_call(const json_t *object, const struct saved_session *session,
		     struct saved_call *call, char *problem)
{
	struct option_def *none = NULL;

	if (!take_place(object, &call->path, &call->id, "a call", problem) ||
	    !take_optional(object, "begun", &call->begun, call->path,
			   problem) ||
	    !take_cause(object, call, problem) ||
	    !take_object(object, none, none, call_keys, call->path, problem) ||
	    !take_intent(json_object_get(object, "intent"), &call->intent,
			 call->path, problem))
		return false;
	return is_child(call->path, session->path) ||
	       refuse(problem, "%s: is not a call of %s", call->path,
		      session->path);
}

static bool check_session(const json_t *object, char *problem)
{
	struct saved_session session;
	struct saved_call call;
	size_t i;

	if (!saved_read_session(object, &session, problem))
		return false;
	for (i = 0; i < json_array_size(session.calls); i++)
		if (!saved_read_call(json_array_get(session.calls, i), &session,
				     &call, problem))
			return false;
	return true;
}

static bool check(const json_t *root, char *problem)
{
	const json_t *version = json_object_get(root, "version");
	const json_t *sessions = json_object_get(root, "sessions");
	const json_t *object = json_object_get(root, "node");
	struct saved_node node;
	size_t i;

	/* Before all that another version may mean otherwise. */
	if (!json_is_integer(version))
		return refuse(problem, "it has no version");
	if (json_integer_value(version) != SAVED_VERSION)
		return refuse(problem, "it is of version %lld, this agentcg reads %d",
			      (long long)json_integer_value(version),
			      SAVED_VERSION);
	if (!take_object(root, NULL, NULL, file_keys, "the file", problem) ||
	    (object && !saved_read_node(object, &node, problem)))
		return false;
	if (!json_is_array(sessions))
		return refuse(problem, "sessions is not a list");
	for (i = 0; i < json_array_size(sessions); i++)
		if (!check_session(json_array_get(sessions, i), problem))
			return false;
	return true;
}

json_t *saved_load(FILE *file, char problem[SAVED_PROBLEM_MAX])
{
	json_error_t error;
	json_t *root;

	root = json_loadf(file, JSON_REJECT_DUPLICATES, &error);
	if (!root) {
		refuse(problem, "line %d: %s", error.line, error.text);
		return NULL;
	}
	if (check(root, problem))
		return root;
	json_decref(root);
	return NULL;
}

void saved_rest_deadline(struct saved_call *call,
			 const struct saved_session *session, uint64_t now)
{
	struct agentcg_intent *intent = &call->intent.intent;
	const struct agentcg_intent *from = intent;
	uint64_t passed;

	/* What outlives the command does so past its deadline. */
	if (call->survives) {
		intent->deadline = AGENTCG_UNLIMITED;
		intent->set |= INTENT_BIT(DEADLINE);
		return;
	}
	if (!(intent->set & INTENT_BIT(DEADLINE)))
		from = &session->defaults.intent;
	if (!(from->set & INTENT_BIT(DEADLINE)) ||
	    from->deadline == AGENTCG_UNLIMITED || !call->begun ||
	    now <= call->begun)
		return;
	passed = now - call->begun;
	/* One that is over is met at once. */
	intent->deadline = from->deadline > passed ? from->deadline - passed : 1;
	intent->set |= INTENT_BIT(DEADLINE);
}
