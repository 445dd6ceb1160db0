// SPDX-License-Identifier: GPL-2.0-only
/* agentcg node: the memory account of the machine. */
#include "../main.h"
#include "../options.h"
#include "../output.h"

static const char help[] =
"usage: agentcg [-j] [-p] node [show]\n"
"       agentcg node set [--capacity SIZE] [--reserve SIZE]\n"
"\n"
"  --capacity SIZE  what all sessions together may use; 0: the default, which\n"
"                   is the machine's memory less the reserve\n"
"  --reserve SIZE   no session borrows while less than this is available\n";

static int node_show(char **argv)
{
	const struct option_def options[] = { { .name = NULL } };
	struct agentcg *handle;
	struct agentcg_record node;
	int err;

	if (parse_all(options, argv, NULL, 0))
		return EXIT_USAGE;
	handle = open_handle();
	err = agentcg_node_get(handle, &node);
	if (err)
		return fail(handle, err);
	print_record(&node);
	agentcg_close(handle);
	return EXIT_OK;
}

static int node_set(char **argv)
{
	uint64_t capacity, reserve, set = 0;
	const struct option_def options[] = {
		{ "capacity", OPTION_SIZE, &capacity, 1, &set },
		{ "reserve", OPTION_SIZE, &reserve, 2, &set },
		{ .name = NULL }
	};
	struct agentcg *handle;
	int err;

	if (parse_all(options, argv, NULL, 0))
		return EXIT_USAGE;
	if (!set) {
		complain("node set: give --capacity SIZE or --reserve SIZE");
		return EXIT_USAGE;
	}
	handle = open_handle();
	err = agentcg_node_set(handle, set & 1 ? &capacity : NULL,
			       set & 2 ? &reserve : NULL);
	if (err)
		return fail(handle, err);
	agentcg_close(handle);
	return EXIT_OK;
}

int cmd_node(char **argv)
{
	static const struct command commands[] = {
		{ "show", node_show },
		{ "set", node_set },
		{ NULL, NULL }
	};

	return dispatch(commands, argv, help);
}
