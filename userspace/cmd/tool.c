// SPDX-License-Identifier: GPL-2.0-only
/* agentcg tool: tool calls that are running. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../main.h"
#include "../options.h"
#include "../output.h"
#include "../size.h"

static const char help[] =
"usage: agentcg [-j] [-p] tool [show [CALL | --session CGROUP]]\n"
"       agentcg tool set CALL OPTIONS\n"
"       agentcg tool kill|freeze|thaw CALL\n"
"\n"
"A CALL is the id that show and receipts tell, or its cgroup. OPTIONS:\n"
"\n";

/* Return: whether @text is an id rather than a cgroup. */
static bool is_id(const char *text, uint64_t *id)
{
	return !parse_number(text, 1, UINT64_MAX, id);
}

/*
 * The directory of a call that is named by its id. Cgroup names are used again,
 * ids are not: make sure that it is the one.
 */
static int open_by_id(struct agentcg *handle, uint64_t id,
		      struct agentcg_session **dir)
{
	struct agentcg_record reply;
	char path[PATH_MAX];
	const char *text;
	int err;

	err = agentcg_tool_get(handle, id, &reply);
	if (err)
		return err;
	text = agentcg_record_string(&reply, AGENTCG_A_TOOL_PATH);
	if (!text)
		return -EPROTO;
	snprintf(path, sizeof(path), "%s", text);
	err = agentcg_session_open(handle, path, dir);
	if (!err && agentcg_session_id(*dir) != id) {
		agentcg_session_close(*dir);
		return -ENOENT;
	}
	return err;
}

/* Any cgroup can be opened so, it need not be a session. */
static int open_call(struct agentcg *handle, const char *text,
		     struct agentcg_session **dir)
{
	uint64_t id;

	return is_id(text, &id) ? open_by_id(handle, id, dir) :
				  agentcg_session_open(handle, text, dir);
}

static int call_id(struct agentcg *handle, const char *text, uint64_t *id)
{
	struct agentcg_session *dir;
	int err;

	if (is_id(text, id))
		return 0;
	err = agentcg_session_open(handle, text, &dir);
	if (err)
		return err;
	*id = agentcg_session_id(dir);
	agentcg_session_close(dir);
	return 0;
}

static int tool_list(struct agentcg *handle, const char *session)
{
	struct list_output list = { .array = NULL };
	uint64_t id = 0;
	int err = 0;

	if (session)
		err = call_id(handle, session, &id);
	if (!err)
		err = agentcg_tool_list(handle, id, list_add, &list);
	if (err)
		return fail(handle, err);
	list_finish(&list);
	agentcg_close(handle);
	return EXIT_OK;
}

static int tool_show(char **argv)
{
	const char *call, *session = NULL;
	const struct option_def options[] = {
		{ "session", OPTION_STRING, &session, 0, NULL },
		{ .name = NULL }
	};
	struct agentcg_record reply;
	struct agentcg *handle;
	uint64_t id;
	int err;

	if (parse_all(options, argv, &call, 1))
		return EXIT_USAGE;
	if (call && session) {
		complain("tool show: name a CALL or a --session, not both");
		return EXIT_USAGE;
	}
	handle = open_handle();
	if (!call)
		return tool_list(handle, session);
	err = call_id(handle, call, &id) ?:
	      agentcg_tool_get(handle, id, &reply);
	if (err)
		return fail(handle, err);
	print_record(&reply);
	agentcg_close(handle);
	return EXIT_OK;
}

static int tool_set(char **argv)
{
	struct option_def table[INTENT_OPTIONS + 1];
	struct agentcg_session *dir;
	struct agentcg_record reply;
	struct intent_args args;
	struct agentcg *handle;
	const char *call;
	int err;

	intent_options(table, &args)->name = NULL;
	if (parse_all(table, argv, &call, 1))
		return EXIT_USAGE;
	intent_finish(&args);
	if (!call || !args.intent.set) {
		complain("tool set: %s: see agentcg tool help",
			 call ? "nothing to set" : "name a CALL");
		return EXIT_USAGE;
	}
	handle = open_handle();
	err = open_call(handle, call, &dir);
	if (err)
		return fail(handle, err);
	err = agentcg_tool_set(handle, agentcg_session_fd(dir), &args.intent,
			       &reply);
	agentcg_session_close(dir);
	if (err)
		return fail(handle, err);
	if (json_wanted)
		print_record(&reply);
	agentcg_close(handle);
	return EXIT_OK;
}

/* What takes a CALL and nothing else. */
static int by_call(const char *command, char **argv,
		   int (*fn)(struct agentcg *handle, uint64_t id))
{
	const struct option_def options[] = { { .name = NULL } };
	struct agentcg *handle;
	const char *call;
	uint64_t id;
	int err;

	if (parse_all(options, argv, &call, 1))
		return EXIT_USAGE;
	if (!call) {
		complain("tool %s: name a CALL: see agentcg tool show", command);
		return EXIT_USAGE;
	}
	handle = open_handle();
	err = call_id(handle, call, &id) ?: fn(handle, id);
	if (err)
		return fail(handle, err);
	agentcg_close(handle);
	return EXIT_OK;
}

static int tool_kill(char **argv)
{
	return by_call("kill", argv, agentcg_tool_kill);
}

static int tool_freeze(char **argv)
{
	return by_call("freeze", argv, agentcg_tool_freeze);
}

static int tool_thaw(char **argv)
{
	return by_call("thaw", argv, agentcg_tool_thaw);
}

int cmd_tool(char **argv)
{
	static const struct command commands[] = {
		{ "show", tool_show },
		{ "set", tool_set },
		{ "kill", tool_kill },
		{ "freeze", tool_freeze },
		{ "thaw", tool_thaw },
		{ NULL, NULL }
	};
	char text[sizeof(help) + 1024];

	snprintf(text, sizeof(text), "%s%s", help, intent_help);
	return dispatch(commands, argv, text);
}
