// SPDX-License-Identifier: GPL-2.0-only
/* agentcg policy: BPF programs that decide in the place of the built-in policy. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../main.h"
#include "../options.h"
#include "../output.h"

static const char help[] =
"usage: agentcg [-j] [-p] policy [show] [--session CGROUP]\n"
"       agentcg policy load NAME [--session CGROUP] [--replace] [--verbose]\n"
"       agentcg policy unload [--session CGROUP]\n"
"\n"
"A policy is a BPF program that decides what becomes of memory: for one session,\n"
"or for all that have none of their own. It stays until it is unloaded, without\n"
"a process. NAME is priority, fair, deadline, or a file, with a slash in it.\n"
"\n"
"  --session CGROUP  the session that it decides for\n"
"  --replace         in the place of the one that is there, without a gap\n"
"  --verbose         what libbpf and the kernel's verifier have to say\n";

/*
 * A handle, and the id of a session, 0 without one. Return: NULL after telling what
 * is wrong.
 */
static struct agentcg *open_for(const char *cgroup, uint64_t *id)
{
	struct agentcg *handle = open_handle();
	struct agentcg_session *session;
	int err;

	*id = 0;
	if (!cgroup)
		return handle;
	err = agentcg_session_open(handle, cgroup, &session);
	if (err) {
		fail(handle, err);
		return NULL;
	}
	*id = agentcg_session_id(session);
	agentcg_session_close(session);
	return handle;
}

static int show_list(struct agentcg *handle)
{
	struct list_output list = { .array = NULL };
	int err = agentcg_policy_list(handle, list_add, &list);

	if (!err)
		list_finish(&list);
	return err;
}

static int show_one(struct agentcg *handle, uint64_t id)
{
	struct agentcg_record policy;
	int err = agentcg_policy_get(handle, id, &policy);

	if (!err)
		print_record(&policy);
	return err;
}

static int policy_show(char **argv)
{
	const char *cgroup = NULL;
	const struct option_def options[] = {
		{ "session", OPTION_STRING, &cgroup, 0, NULL },
		{ .name = NULL }
	};
	struct agentcg *handle;
	uint64_t id;
	int err;

	if (parse_all(options, argv, NULL, 0))
		return EXIT_USAGE;
	handle = open_for(cgroup, &id);
	if (!handle)
		return EXIT_FAILED;
	err = cgroup ? show_one(handle, id) : show_list(handle);
	if (err)
		return fail(handle, err);
	agentcg_close(handle);
	return EXIT_OK;
}

static int load_or_unload(const char *command, const char *what, uint64_t id,
			  bool replace, bool verbose)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)id);
	return become_loader((const char *[]) {
		"agentcg", command, what, text, replace ? "--replace" : "",
		verbose ? "--verbose" : "", NULL });
}

static int policy_load(char **argv)
{
	const char *cgroup = NULL, *name = NULL;
	bool replace = false, verbose = false;
	const struct option_def options[] = {
		{ "session", OPTION_STRING, &cgroup, 0, NULL },
		{ "replace", OPTION_FLAG, &replace, 0, NULL },
		{ "verbose", OPTION_FLAG, &verbose, 0, NULL },
		{ .name = NULL }
	};
	struct agentcg *handle;
	uint64_t id;

	if (parse_all(options, argv, &name, 1))
		return EXIT_USAGE;
	if (!name) {
		complain("policy load: which one? see agentcg policy help");
		return EXIT_USAGE;
	}
	handle = open_for(cgroup, &id);
	if (!handle)
		return EXIT_FAILED;
	agentcg_close(handle);
	return load_or_unload("load", name, id, replace, verbose);
}

static int policy_unload(char **argv)
{
	const char *cgroup = NULL;
	const struct option_def options[] = {
		{ "session", OPTION_STRING, &cgroup, 0, NULL },
		{ .name = NULL }
	};
	struct agentcg_record policy;
	struct agentcg *handle;
	char link[16];
	uint64_t id;
	int err;

	if (parse_all(options, argv, NULL, 0))
		return EXIT_USAGE;
	handle = open_for(cgroup, &id);
	if (!handle)
		return EXIT_FAILED;
	err = agentcg_policy_get(handle, id, &policy);
	if (err)
		return fail(handle, err);
	snprintf(link, sizeof(link), "%u",
		 (unsigned int)agentcg_record_uint(&policy,
						   AGENTCG_A_POLICY_LINK, 0));
	agentcg_close(handle);
	return load_or_unload("unload", link, id, false, false);
}

int cmd_policy(char **argv)
{
	static const struct command commands[] = {
		{ "show", policy_show },
		{ "load", policy_load },
		{ "unload", policy_unload },
		{ NULL, NULL }
	};

	return dispatch(commands, argv, help);
}
