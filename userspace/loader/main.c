// SPDX-License-Identifier: GPL-2.0-only
/*
 * What agentcg policy does by libbpf, in a program of its own: agentcg is linked
 * statically, because a tool call pays for every library, and loads no policies.
 * Not for people: "agentcg policy" is.
 *
 *	policy-loader load NAME SESSION-ID [--replace] [--verbose]
 *	policy-loader unload LINK-ID SESSION-ID
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../complain.h"
#include "policy.h"

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

	if (argc < 4) {
		complain("this is for agentcg policy, see agentcg policy help");
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
