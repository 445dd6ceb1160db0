// SPDX-License-Identifier: GPL-2.0-only
/* declare: what it costs to declare a call, and to be refused. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../nl.h"
#include "bench.h"

#define MB		(1ull << 20)
/* Above any budget. */
#define TOO_MUCH	(1ull << 40)

static const char help[] =
"usage: declare [--runs N] SESSION\n"
"\n"
"Declares a call in the session whose directory is given, once with more memory\n"
"than its budget, which is refused, then with less. Prints, as JSON, how long each\n"
"took. The cgroups are made and removed outside the count.\n"
"\n"
"  --runs N  of each (default 500); a first one is not counted\n";

static int declare(struct nl *nl, int fd, uint64_t mem, uint64_t *took)
{
	struct msg msg;
	uint32_t nest;
	uint64_t start;
	int err;

	msg_init(&msg, AGENTCG_CMD_TOOL_SET);
	msg_u32(&msg, AGENTCG_A_TOOL_FD, fd);
	nest = msg_nest(&msg, AGENTCG_A_TOOL_INTENT);
	msg_u64(&msg, AGENTCG_A_INTENT_MEM, mem);
	msg_string(&msg, AGENTCG_A_INTENT_LABEL, "declare");
	msg_nest_end(&msg, nest);
	start = now_ns();
	err = nl_do(nl, &msg);
	*took = now_ns() - start;
	return err;
}

static int one_call(struct nl *nl, int session, uint64_t *refused,
		    uint64_t *declared)
{
	int fd, err;

	if (mkdirat(session, "declared", 0755))
		return -errno;
	fd = openat(session, "declared", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = declare(nl, fd, TOO_MUCH, refused);
	err = err == -ENOSPC ? declare(nl, fd, 4 * MB, declared) : -EPROTO;
	close(fd);
	if (unlinkat(session, "declared", AT_REMOVEDIR))
		return -errno;
	return err;
}

static int run(const char *path, unsigned int runs)
{
	const int session = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint64_t *const refused = calloc(runs, sizeof(*refused));
	uint64_t *const declared = calloc(runs, sizeof(*declared));
	static struct nl nl;
	unsigned int i;
	int err;

	if (session < 0 || !refused || !declared)
		return -errno;
	err = nl_open(&nl);
	if (!err)
		err = one_call(&nl, session, refused, declared);
	for (i = 0; i < runs && !err; i++)
		err = one_call(&nl, session, &refused[i], &declared[i]);
	if (err)
		return err;
	printf("{");
	print_samples("refused", refused, runs);
	printf(", ");
	print_samples("declared", declared, runs);
	printf("}\n");
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "runs", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	unsigned int runs = 500;
	int c, err;

	while ((c = getopt_long(argc, argv, "h", longs, NULL)) == 'r')
		runs = strtoul(optarg, NULL, 10);
	if (c != -1 || optind != argc - 1 || !runs) {
		fputs(help, stderr);
		return 2;
	}
	err = run(argv[optind], runs);
	if (err)
		fprintf(stderr, "declare: %s\n", strerror(-err));
	return err ? 1 : 0;
}
