// SPDX-License-Identifier: GPL-2.0-only
/* agentcg info: the kernel module in its own words. */
#include "../main.h"
#include "../options.h"
#include "../output.h"

static const char help[] =
"usage: agentcg [-j] [-p] info [show]\n"
"\n"
"Version and capabilities of the kernel module, and what it has counted since\n"
"it was loaded. \"agentcg doctor\" tells what that means.\n";

static int info_show(char **argv)
{
	const struct option_def options[] = { { .name = NULL } };
	struct agentcg *handle;
	struct agentcg_record info;
	int err;

	if (parse_all(options, argv, NULL, 0))
		return EXIT_USAGE;
	handle = open_handle();
	err = agentcg_info(handle, &info);
	if (err)
		return fail(handle, err);
	print_record(&info);
	agentcg_close(handle);
	return EXIT_OK;
}

int cmd_info(char **argv)
{
	static const struct command commands[] = {
		{ "show", info_show },
		{ NULL, NULL }
	};

	return dispatch(commands, argv, help);
}
