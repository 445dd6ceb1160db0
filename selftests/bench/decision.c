// SPDX-License-Identifier: GPL-2.0-only
/*
 * decision: how long agentcg takes to decide, from the entry of its hook to the
 * verdict applied, every decision by itself.
 */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "../../bpf/decision.h"
#include "bench.h"

#define OBJECT		"/usr/lib/agentcg/bpf/decision.bpf.o"

/* Called by the kernel once for every test run of a program. */
#define EMPTY		"bpf_fentry_test1"
#define EMPTY_RUNS	200

static const char help[] =
"usage: decision [OPTION]... [--] COMMAND [ARG...]\n"
"\n"
"Runs COMMAND and prints, as JSON, how long each decision of agentcg took\n"
"meanwhile, by what came of it, and the same for an empty function: what the\n"
"measuring costs.\n"
"\n"
"  --function F   of the module (default agentcg_memory_over_high)\n"
"  --object FILE  the BPF program (default " OBJECT ")\n";

struct options {
	const char *function;
	const char *object;
	char **command;
};

/* Section .bss of the program. */
struct variables {
	struct decision_sample samples[DECISION_SAMPLES];
	uint32_t nr;
};

static const char *const kinds[DECISION_KINDS] = {
	[DECISION_NONE] = "none",
	[DECISION_NATIVE] = "native",
	[DECISION_GRANT] = "grant",
	[DECISION_DEBT] = "debt",
	[DECISION_PARK] = "park",
	[DECISION_REVOKE] = "revoke",
};

static bool parse(int argc, char **argv, struct options *options)
{
	static const struct option longs[] = {
		{ "function", required_argument, NULL, 'f' },
		{ "object", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	int c;

	while ((c = getopt_long(argc, argv, "+h", longs, NULL)) != -1) {
		if (c == 'f')
			options->function = optarg;
		else if (c == 'o')
			options->object = optarg;
		else
			return false;
	}
	options->command = argv + optind;
	return optind < argc;
}

static int aim(struct bpf_object *object, const char *function)
{
	struct bpf_program *program;
	int err;

	bpf_object__for_each_program(program, object) {
		err = bpf_program__set_attach_target(program, 0, function);
		if (err)
			return err;
	}
	return 0;
}

/* The only read-only variable: take_all. */
static int take_all(struct bpf_object *object)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, ".rodata");
	size_t size;
	char *value = map ? bpf_map__initial_value(map, &size) : NULL;

	if (!value)
		return -ENOENT;
	*value = 1;
	return 0;
}

static struct bpf_object *attach(const struct options *options,
				 const char *function, bool all)
{
	struct bpf_object *object = bpf_object__open_file(options->object, NULL);
	struct bpf_program *program;
	int err;

	if (!object)
		return NULL;
	err = aim(object, function);
	if (!err && all)
		err = take_all(object);
	if (!err)
		err = bpf_object__load(object);
	if (err)
		goto err_close;
	bpf_object__for_each_program(program, object)
		if (!bpf_program__attach(program))
			goto err_close;
	return object;

err_close:
	bpf_object__close(object);
	return NULL;
}

static void print_kind(const struct variables *variables,
		       enum decision_kind kind)
{
	static uint64_t times[DECISION_SAMPLES];
	unsigned int i, nr = 0;

	for (i = 0; i < variables->nr; i++)
		if (variables->samples[i].kind == kind)
			times[nr++] = variables->samples[i].time;
	print_samples(kinds[kind], times, nr);
}

static int collect(struct bpf_object *object, const char *name)
{
	int fd = bpf_object__find_map_fd_by_name(object, ".bss");
	static struct variables variables;
	enum decision_kind kind;
	uint32_t key = 0;

	if (bpf_map_lookup_elem(fd, &key, &variables))
		return -errno;
	if (variables.nr > DECISION_SAMPLES)
		variables.nr = DECISION_SAMPLES;
	printf("\"%s\": {", name);
	for (kind = DECISION_NONE; kind < DECISION_KINDS; kind++) {
		printf("%s", kind ? ", " : "");
		print_kind(&variables, kind);
	}
	printf("}");
	return 0;
}

static int run_empty(const struct options *options)
{
	struct bpf_object *object = attach(options, EMPTY, true);
	struct bpf_program *program;
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	unsigned int i;
	int err = 0;

	if (!object)
		return -errno;
	program = bpf_object__find_program_by_name(object, "decision_enter");
	for (i = 0; i < EMPTY_RUNS && !err; i++)
		err = bpf_prog_test_run_opts(bpf_program__fd(program), &opts);
	if (!err)
		err = collect(object, "empty");
	bpf_object__close(object);
	return err;
}

static int run_command(char **command)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		/* stdout is for the result. */
		dup2(STDERR_FILENO, STDOUT_FILENO);
		execvp(command[0], command);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return -errno;
	return status ? -ECHILD : 0;
}

static int run_decisions(const struct options *options)
{
	struct bpf_object *object = attach(options, options->function, false);
	int err;

	if (!object)
		return -errno;
	err = run_command(options->command);
	if (!err)
		err = collect(object, "decisions");
	bpf_object__close(object);
	return err;
}

int main(int argc, char **argv)
{
	struct options options = {
		.function = "agentcg_memory_over_high",
		.object = OBJECT,
	};
	int err;

	if (!parse(argc, argv, &options)) {
		fputs(help, stderr);
		return 2;
	}
	printf("{");
	err = run_empty(&options);
	printf(", ");
	if (!err)
		err = run_decisions(&options);
	printf("}\n");
	if (err)
		fprintf(stderr, "decision: %s\n", strerror(-err));
	return err ? 1 : 0;
}
