// SPDX-License-Identifier: GPL-2.0-only
/*
 * start: what it costs to run a program as a tool call.
 *
 * All ways in turn, round after round, so that whatever else the machine does
 * falls on all of them alike.
 */
#include <agentcg/agentcg.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <spawn.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define POOL_SIZE	8

static const char help[] =
"usage: start [OPTION]... PLAIN SESSION PROGRAM\n"
"\n"
"Starts PROGRAM and waits for it, in several ways, and prints the times of each\n"
"as JSON. PLAIN is the directory of a cgroup without agentcg, SESSION that of a\n"
"session. The ways:\n"
"\n"
"  spawn    posix_spawn\n"
"  bare     mkdir in PLAIN, posix_spawn with setcgroup, wait, rmdir\n"
"  library  libagentcg: begin a call in SESSION, spawn, wait, end\n"
"  pool     the same with a call made ahead; it is removed outside the count\n"
"  run      \"agentcg run --session SESSION PROGRAM\" by posix_spawn\n"
"\n"
"  --runs N     of each (default 200); a first one is not counted\n"
"  --ways LIST  only these (default spawn,bare,library,pool)\n";

struct bench {
	const char *plain;
	const char *cgroup;
	char *program;
	unsigned int runs;
	const char *ways;
	struct agentcg *handle;
	struct agentcg_session *session;
	struct agentcg_pool *pool;
	int plain_fd;
};

/* One run of a way. Return: 0 or a negative errno. */
typedef int (*way_fn)(struct bench *bench);

static int spawn(char *const argv[], int cgroup)
{
	posix_spawnattr_t attr;
	pid_t pid;
	int err, status;

	posix_spawnattr_init(&attr);
	if (cgroup >= 0) {
		posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETCGROUP);
		posix_spawnattr_setcgroup_np(&attr, cgroup);
	}
	err = posix_spawnp(&pid, argv[0], NULL, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	if (err)
		return -err;
	if (waitpid(pid, &status, 0) < 0)
		return -errno;
	return status ? -ECHILD : 0;
}

static int way_spawn(struct bench *bench)
{
	char *const argv[] = { bench->program, NULL };

	return spawn(argv, -1);
}

static int way_bare(struct bench *bench)
{
	char *const argv[] = { bench->program, NULL };
	int fd, err;

	if (mkdirat(bench->plain_fd, "call", 0755))
		return -errno;
	fd = openat(bench->plain_fd, "call", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = spawn(argv, fd);
	close(fd);
	if (unlinkat(bench->plain_fd, "call", AT_REMOVEDIR) && !err)
		err = -errno;
	return err;
}

static int run_call(struct bench *bench, struct agentcg_call *call)
{
	char *const argv[] = { bench->program, NULL };
	int err, end, status = 0;
	pid_t pid;

	err = agentcg_call_spawn(call, &pid, bench->program, NULL, NULL, argv,
				 environ);
	if (!err)
		err = agentcg_call_wait(call, pid, &status);
	end = agentcg_call_end(call, NULL);
	if (!err)
		err = end;
	return err ? err : status ? -ECHILD : 0;
}

static int way_library(struct bench *bench)
{
	struct agentcg_call *call;
	int err = agentcg_call_begin(bench->session, NULL, NULL, &call);

	return err ? err : run_call(bench, call);
}

static int way_pool(struct bench *bench)
{
	struct agentcg_call *call;
	int err = agentcg_pool_take(bench->pool, NULL, &call);

	return err ? err : run_call(bench, call);
}

static int way_run(struct bench *bench)
{
	char *const argv[] = {
		"agentcg", "run", "--require", "always", "--session",
		(char *)bench->cgroup, "--", bench->program, NULL
	};

	return spawn(argv, -1);
}

static struct way {
	const char *name;
	way_fn run;
	uint64_t *samples;
	bool chosen;
} ways[] = {
	{ "spawn", way_spawn },
	{ "bare", way_bare },
	{ "library", way_library },
	{ "pool", way_pool },
	{ "run", way_run },
};

#define WAYS	(sizeof(ways) / sizeof(ways[0]))

static bool choose(const char *list)
{
	char *copy = strdup(list), *name, *rest = copy;
	bool known = true;
	size_t i;

	while (known && (name = strsep(&rest, ","))) {
		known = false;
		for (i = 0; i < WAYS; i++) {
			if (strcmp(ways[i].name, name))
				continue;
			ways[i].chosen = true;
			known = true;
		}
	}
	free(copy);
	return known;
}

static bool parse(int argc, char **argv, struct bench *bench)
{
	static const struct option longs[] = {
		{ "runs", required_argument, NULL, 'r' },
		{ "ways", required_argument, NULL, 'w' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	int c;

	while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		if (c == 'r')
			bench->runs = strtoul(optarg, NULL, 10);
		else if (c == 'w')
			bench->ways = optarg;
		else
			return false;
	}
	if (optind != argc - 3 || !bench->runs || !choose(bench->ways))
		return false;
	bench->plain = argv[optind];
	bench->cgroup = argv[optind + 1];
	bench->program = argv[optind + 2];
	return true;
}

static int set_up(struct bench *bench)
{
	size_t i;
	int err;

	for (i = 0; i < WAYS; i++) {
		ways[i].samples = calloc(bench->runs, sizeof(uint64_t));
		if (!ways[i].samples)
			return -ENOMEM;
	}
	bench->plain_fd = open(bench->plain, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (bench->plain_fd < 0)
		return -errno;
	bench->handle = agentcg_open();
	if (!bench->handle)
		return -errno;
	err = agentcg_session_open(bench->handle, bench->cgroup,
				   &bench->session);
	if (err || !ways[3].chosen)
		return err;
	return agentcg_pool_new(bench->session, POOL_SIZE, NULL, &bench->pool);
}

static int run_round(struct bench *bench, unsigned int nr)
{
	size_t i;

	for (i = 0; i < WAYS; i++) {
		uint64_t start;
		int err;

		if (!ways[i].chosen)
			continue;
		start = now_ns();
		err = ways[i].run(bench);
		if (nr)
			ways[i].samples[nr - 1] = now_ns() - start;
		if (err) {
			fprintf(stderr, "start: %s: %s: %s\n", ways[i].name,
				strerror(-err), agentcg_strerror(bench->handle));
			return err;
		}
	}
	if (bench->pool)
		agentcg_pool_reap(bench->pool);
	return 0;
}

static void print(const struct bench *bench)
{
	bool first = true;
	size_t i;

	printf("{");
	for (i = 0; i < WAYS; i++) {
		if (!ways[i].chosen)
			continue;
		printf("%s", first ? "" : ", ");
		print_samples(ways[i].name, ways[i].samples, bench->runs);
		first = false;
	}
	printf("}\n");
}

int main(int argc, char **argv)
{
	struct bench bench = { .runs = 200, .ways = "spawn,bare,library,pool" };
	unsigned int i;
	int err;

	if (!parse(argc, argv, &bench)) {
		fputs(help, stderr);
		return 2;
	}
	err = set_up(&bench);
	if (err)
		fprintf(stderr, "start: %s\n", strerror(-err));
	for (i = 0; i <= bench.runs && !err; i++)
		err = run_round(&bench, i);
	agentcg_pool_free(bench.pool);
	agentcg_session_close(bench.session);
	agentcg_close(bench.handle);
	if (err)
		return 1;
	print(&bench);
	return 0;
}
