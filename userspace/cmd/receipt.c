// SPDX-License-Identifier: GPL-2.0-only
/* agentcg receipt: what came of tool calls that have ended. */
#include "../main.h"
#include "../options.h"
#include "../output.h"
#include "../receipt.h"
#include "../size.h"

static const char help[] =
"usage: agentcg [-j] [-p] receipt [show [ID | --session CGROUP]]\n"
"\n"
"The last 64 of each session are kept as long as the session lives.\n";

static int receipt_one(struct agentcg *handle, const char *text)
{
	struct agentcg_record receipt;
	const char *problem;
	uint64_t id;
	int err;

	problem = parse_number(text, 1, UINT64_MAX, &id);
	if (problem) {
		complain("receipt show: \"%s\" %s: use the id of a call", text,
			 problem);
		agentcg_close(handle);
		return EXIT_USAGE;
	}
	err = agentcg_receipt_get(handle, id, &receipt);
	if (err)
		return fail(handle, err);
	if (json_wanted)
		print_json(receipt_json(&receipt));
	else
		receipt_text(stdout, &receipt);
	agentcg_close(handle);
	return EXIT_OK;
}

static int add_receipt(const struct agentcg_record *receipt, void *arg)
{
	struct list_output *list = arg;

	if (!json_wanted)
		return list_add(receipt, list);
	if (!list->array)
		list->array = json_array();
	json_array_append_new(list->array, receipt_json(receipt));
	return 0;
}

static int receipt_list(struct agentcg *handle, const char *cgroup)
{
	struct list_output list = { .array = NULL };
	struct agentcg_session *session;
	uint64_t id = 0;
	int err = 0;

	if (cgroup)
		err = agentcg_session_open(handle, cgroup, &session);
	if (!err && cgroup) {
		id = agentcg_session_id(session);
		agentcg_session_close(session);
	}
	if (!err)
		err = agentcg_receipt_list(handle, id, add_receipt, &list);
	if (err)
		return fail(handle, err);
	list_finish(&list);
	agentcg_close(handle);
	return EXIT_OK;
}

static int receipt_show(char **argv)
{
	const char *id, *session = NULL;
	const struct option_def options[] = {
		{ "session", OPTION_STRING, &session, 0, NULL },
		{ .name = NULL }
	};
	struct agentcg *handle;

	if (parse_all(options, argv, &id, 1))
		return EXIT_USAGE;
	if (id && session) {
		complain("receipt show: name an ID or a --session, not both");
		return EXIT_USAGE;
	}
	handle = open_handle();
	return id ? receipt_one(handle, id) : receipt_list(handle, session);
}

int cmd_receipt(char **argv)
{
	static const struct command commands[] = {
		{ "show", receipt_show },
		{ NULL, NULL }
	};

	return dispatch(commands, argv, help);
}
