// SPDX-License-Identifier: GPL-2.0-only
/* agentcg env: CPUs and memory as variables that tools obey. */
#include <errno.h>
#include <string.h>

#include "../main.h"
#include "../means.h"
#include "../options.h"
#include "../output.h"
#include "../size.h"
#include "../variables.h"

static const char help[] =
"usage: agentcg [-j] [-p] env [show] [--session CGROUP] [--mem SIZE]\n"
"                  [--burst SIZE] [--format shell|env]\n"
"\n"
"The CPUs and the memory that a command really has here, as variables:\n"
"\n"
"  eval \"$(agentcg env)\"\n"
"\n"
"Inside of a call they are the call's; for an agent, or with --session, those\n"
"that a new call could have now. CPUs: the smallest of the affinity, the cpuset\n"
"and cpu.max from here up, a part of a CPU counted as one. Memory: what is left\n"
"of the declared, of the budget, of the machine and of every memory.max from\n"
"here up. Without the module the cgroup files alone tell, and that is said.\n"
"\n"
"  GOMAXPROCS, GOMEMLIMIT         Go; nine tenths of the memory, softly\n"
"  MAKEFLAGS                      make: -jN beside what is in it\n"
"  CARGO_BUILD_JOBS               cargo\n"
"  CMAKE_BUILD_PARALLEL_LEVEL     cmake --build\n"
"  PYTEST_XDIST_AUTO_NUM_WORKERS  pytest -n auto\n"
"  PYTHON_CPU_COUNT               os.cpu_count() of Python 3.13 and later\n"
"  OMP_NUM_THREADS                OpenMP, OpenBLAS, and nproc itself\n"
"  RAYON_NUM_THREADS              Rust programs with rayon\n"
"  NODE_OPTIONS                   node: the heap of each process, three quarters\n"
"  NPROC                          by convention, for scripts\n"
"\n"
"Of MAKEFLAGS and NODE_OPTIONS a smaller number stays, and so does a jobserver.\n"
"The memory is for all processes of a call together. What nothing limits but\n"
"the machine is not set. JAVA_TOOL_OPTIONS is not either: each JVM would say so.\n"
"\n"
"  --format shell  export lines, quoted (default)\n"
"  --format env    NAME=VALUE lines, as for docker --env-file\n";

struct env_args {
	const char *session;
	const char *format;
	struct agentcg_intent intent;
};

static void print_shell(const char *name, const char *value, void *arg)
{
	(void)arg;
	printf("export %s='", name);
	for (; *value; value++) {
		if (*value == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*value);
	}
	puts("'");
}

static void print_env(const char *name, const char *value, void *arg)
{
	(void)arg;
	printf("%s=%s\n", name, value);
}

static void add_variable(const char *name, const char *value, void *arg)
{
	json_object_set_new(arg, name, json_text(value));
}

static json_t *env_json(const struct means *means, const char *reason)
{
	json_t *variables = json_object();
	json_t *object = json_pack("{s:b, s:i, s:s}", "managed",
				   means->managed, "cpus", (int)means->cpus,
				   "cpus-by", means->cpus_by);

	json_object_set_new(object, "memory",
			    means->memory == AGENTCG_UNLIMITED ? json_null() :
			    json_integer((json_int_t)means->memory));
	if (*means->memory_by)
		json_object_set_new(object, "memory-by",
				    json_text(means->memory_by));
	if (!means->managed)
		json_object_set_new(object, "reason", json_text(reason));
	variables_of(means, add_variable, variables);
	json_object_set_new(object, "variables", variables);
	return object;
}

/* Last, so that a shell that is given it in one line has all before it. */
static void print_comment(const struct means *means)
{
	char size[HUMAN_MAX];

	printf("# %u CPU%s: %s\n", means->cpus, means->cpus == 1 ? "" : "s",
	       means->cpus_by);
	if (means->memory != AGENTCG_UNLIMITED)
		printf("# %s of memory: %s\n", human_size(means->memory, size),
		       means->memory_by);
}

static int print(const struct env_args *args, const struct means *means,
		 const char *reason)
{
	bool env = args->format && !strcmp(args->format, "env");

	if (json_wanted) {
		print_json(env_json(means, reason));
		return EXIT_OK;
	}
	if (!means->managed)
		complain("from the cgroup files alone: %s", reason);
	variables_of(means, env ? print_env : print_shell, NULL);
	if (!env)
		print_comment(means);
	return EXIT_OK;
}

static int means_of_session(struct agentcg *handle, const struct env_args *args,
			    struct means *means)
{
	struct agentcg_session *session;
	int err = agentcg_session_open(handle, args->session, &session);

	if (err)
		return err;
	means_of(handle, agentcg_session_fd(session), session, 0,
		 &args->intent, means);
	agentcg_session_close(session);
	return 0;
}

static int env_show(char **argv)
{
	struct env_args args = { .intent = AGENTCG_INTENT_INIT };
	struct agentcg_intent *in = &args.intent;
	const struct option_def options[] = {
		{ "session", OPTION_STRING, &args.session, 0, NULL },
		{ "format", OPTION_STRING, &args.format, 0, NULL },
		{ "mem", OPTION_SIZE, &in->mem, 1ull << AGENTCG_A_INTENT_MEM,
		  &in->set },
		{ "burst", OPTION_LIMIT, &in->burst,
		  1ull << AGENTCG_A_INTENT_BURST, &in->set },
		{ .name = NULL }
	};
	struct agentcg *handle;
	struct means means;
	int err = 0;

	if (parse_all(options, argv, NULL, 0))
		return EXIT_USAGE;
	if (args.format && strcmp(args.format, "shell") &&
	    strcmp(args.format, "env")) {
		complain("--format: \"%s\" is not known: use shell or env",
			 args.format);
		return EXIT_USAGE;
	}
	handle = open_handle();
	if (args.session)
		err = means_of_session(handle, &args, &means);
	else
		means_own(handle, in, &means);
	if (err)
		return fail(handle, err);
	err = print(&args, &means, agentcg_strerror(handle));
	agentcg_close(handle);
	return err;
}

int cmd_env(char **argv)
{
	static const struct command commands[] = {
		{ "show", env_show },
		{ NULL, NULL }
	};

	return dispatch(commands, argv, help);
}
