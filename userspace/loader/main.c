// SPDX-License-Identifier: GPL-2.0-only
/*
 * What agentcg policy and agentcg sched do by libbpf, in a program of its own: agentcg
 * is linked statically, because a tool call pays for every library, and loads nothing.
 * Not for people: "agentcg policy" and "agentcg sched" are.
 *
 *	policy-loader load NAME SESSION-ID [--replace] [--verbose]
 *	policy-loader unload LINK-ID SESSION-ID
 *	policy-loader sched-load [--partial] [--verbose]
 *	policy-loader sched-unload
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../complain.h"
#include "policy.h"
#include "sched.h"

static bool has(char **argv, const char *word)
{
	for (; *argv; argv++)
		if (!strcmp(*argv, word))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	struct policy_request request;
	uint64_t session_id;

	if (argc > 1 && !strcmp(argv[1], "sched-load"))
		return sched_load(has(argv + 2, "--partial"),
				  has(argv + 2, "--verbose")) ? 1 : 0;
	if (argc > 1 && !strcmp(argv[1], "sched-unload"))
		return sched_unload() ? 1 : 0;
	if (argc < 4) {
		complain("this is for agentcg policy and agentcg sched, see their help");
		return 2;
	}
	session_id = strtoull(argv[3], NULL, 10);
	if (!strcmp(argv[1], "unload"))
		return policy_unload((uint32_t)strtoul(argv[2], NULL, 10),
				     session_id) ? 1 : 0;
	request = (struct policy_request) {
		.name = argv[2],
		.session_id = session_id,
		.replace = has(argv + 4, "--replace"),
		.verbose = has(argv + 4, "--verbose"),
	};
	return policy_load(&request) ? 1 : 0;
}
