// SPDX-License-Identifier: GPL-2.0-only
/* agentcg sched: the scheduler that knows tool calls, and what holds without it. */
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../bpf/sched/state.h"
#include "../main.h"
#include "../options.h"
#include "../output.h"
#include "../pins.h"
#include "../sched_host.h"

static const char help[] =
"usage: agentcg [-j] [-p] sched [show]\n"
"       agentcg [-j] [-p] sched stat\n"
"       agentcg sched load [--partial] [--verbose]\n"
"       agentcg sched unload\n"
"\n"
"A scheduler for all of the machine, by sched_ext. Every cgroup has its due by\n"
"cpu.weight, cpu.idle and cpu.max; calls of the classes interactive and latency\n"
"go first when they wake, besteffort has what is left over. It stays until it is\n"
"unloaded, without a process; without it classes and weights hold by the files of\n"
"the calls' cgroups alone.\n"
"\n"
"  --partial   only for calls that start from now on, by agentcg run or the library,\n"
"              and tasks of policy SCHED_EXT: all others are the kernel's own\n"
"              scheduler's and come first, but for a twentieth of each processor\n"
"  --verbose   what libbpf and the kernel's verifier have to say\n";

/* What holds in each case, and what that lacks. */
static const struct {
	const char *name;
	const char *text;
	const char *lost[5];
} holds[] = {
	{ "scheduler", "calls that are waited for go first, and all cgroups have their due", {
	  NULL } },
	{ "partial", "calls are scheduled among each other, where nobody else wants the processor", {
	  "calls have but 5 % of a processor that others want, whatever their class and weight",
	  "calls that were started before it",
	  NULL } },
	{ "fallback", "class and weight of a call are in cpu.weight, cpu.idle and cpu.max.burst of its cgroup", {
	  "a call that is waited for has ten times the weight, and does not go first",
	  "calls that name the same conflict may share a core, and no session has a jitter",
	  "besteffort has about 0.3 % of a busy processor, not 1.5 %",
	  "no weights for calls where the cpu controller is not enabled for them",
	  NULL } },
	{ "other", "class and weight of a call hold as far as that scheduler obeys cpu.weight and cpu.idle", {
	  "whatever it does not obey", NULL } },
	{ "nothing", "the module is not loaded: no class and no weight has any effect", {
	  "classes", "weights", NULL } },
};

enum { HOLDS_SCHEDULER, HOLDS_PARTIAL, HOLDS_FALLBACK, HOLDS_OTHER, HOLDS_NOTHING };

static int what_holds(const char *scheduler)
{
	if (access("/sys/module/agentcg", F_OK))
		return HOLDS_NOTHING;
	if (!scheduler)
		return HOLDS_FALLBACK;
	if (strcmp(scheduler, SCHED_NAME))
		return HOLDS_OTHER;
	return sched_ext_partial() ? HOLDS_PARTIAL : HOLDS_SCHEDULER;
}

static long bpf(int command, union bpf_attr *attr)
{
	return syscall(__NR_bpf, command, attr, sizeof(*attr));
}

/* Return: 0, or -errno; -ENOENT when none has been loaded since the boot. */
static int read_state(struct sched_state *state)
{
	union bpf_attr get = { .pathname = (uintptr_t)SCHED_STATE_PIN };
	union bpf_attr lookup = { .map_fd = 0 };
	uint32_t key = 0;
	int fd, err = 0;

	fd = (int)bpf(BPF_OBJ_GET, &get);
	if (fd < 0)
		return -errno;
	lookup.map_fd = (uint32_t)fd;
	lookup.key = (uintptr_t)&key;
	lookup.value = (uintptr_t)state;
	if (bpf(BPF_MAP_LOOKUP_ELEM, &lookup))
		err = -errno;
	close(fd);
	return err;
}

static json_t *lost_json(int held)
{
	json_t *lost = json_array();
	size_t i;

	for (i = 0; holds[held].lost[i]; i++)
		json_array_append_new(lost, json_string(holds[held].lost[i]));
	return lost;
}

static void show_text(int held, const char *scheduler, const char *last)
{
	size_t i;

	printf("in force: %s: %s\n", holds[held].name, holds[held].text);
	printf("scheduler: %s\n", scheduler ?: sched_ext_there() ?
	       "the kernel's own" : "the kernel's own, it has no sched_ext");
	for (i = 0; holds[held].lost[i]; i++)
		printf("lost: %s\n", holds[held].lost[i]);
	if (last)
		printf("last exit: %s\n", last);
}

static int sched_show(char **argv)
{
	const struct option_def options[] = { { .name = NULL } };
	char name[SCHED_NAME_MAX], last[400];
	struct sched_state state;
	const char *scheduler, *ended = NULL;
	int held, err;

	if (parse_all(options, argv, NULL, 0))
		return EXIT_USAGE;
	scheduler = sched_ext_attached(name, sizeof(name)) ? name : NULL;
	held = what_holds(scheduler);
	err = read_state(&state);
	if (err && err != -ENOENT) {
		complain("%s: %s%s", SCHED_STATE_PIN, strerror(-err),
			 error_mend(err));
		return EXIT_FAILED;
	}
	if (!err && state.exit_kind) {
		snprintf(last, sizeof(last), "%s%s%s", state.exit_reason,
			 state.exit_message[0] ? ": " : "", state.exit_message);
		ended = last;
	}
	if (!json_wanted) {
		show_text(held, scheduler, ended);
		return EXIT_OK;
	}
	print_json(json_pack("{s:s, s:o, s:b, s:o, s:o}",
			     "in-force", holds[held].name,
			     "scheduler", scheduler ? json_text(scheduler) : json_null(),
			     "sched-ext", sched_ext_there(),
			     "lost", lost_json(held),
			     "last-exit", ended ? json_text(ended) : json_null()));
	return EXIT_OK;
}

static int sched_stat(char **argv)
{
	const struct option_def options[] = { { .name = NULL } };
	struct sched_state state;
	int err;

	if (parse_all(options, argv, NULL, 0))
		return EXIT_USAGE;
	err = read_state(&state);
	if (err) {
		complain("%s%s", err == -ENOENT ?
			 "the scheduler has not been loaded: agentcg sched load" :
			 strerror(-err), error_mend(err));
		return EXIT_FAILED;
	}
	if (json_wanted)
		print_json(json_pack("{s:I, s:I, s:I, s:I, s:I}",
				     "preempted", (json_int_t)state.preempted,
				     "throttled", (json_int_t)state.throttled,
				     "apart", (json_int_t)state.apart,
				     "delayed", (json_int_t)state.delayed,
				     "strangers", (json_int_t)state.strangers));
	else
		printf("preempted %llu\nthrottled %llu\napart %llu\ndelayed %llu\nstrangers %llu\n",
		       (unsigned long long)state.preempted,
		       (unsigned long long)state.throttled,
		       (unsigned long long)state.apart,
		       (unsigned long long)state.delayed,
		       (unsigned long long)state.strangers);
	return EXIT_OK;
}

static int sched_load(char **argv)
{
	bool partial = false, verbose = false;
	const struct option_def options[] = {
		{ "partial", OPTION_FLAG, &partial, 0, NULL },
		{ "verbose", OPTION_FLAG, &verbose, 0, NULL },
		{ .name = NULL }
	};
	const char *words[5] = { "agentcg", "sched-load" };
	size_t count = 2;

	if (parse_all(options, argv, NULL, 0))
		return EXIT_USAGE;
	if (partial)
		words[count++] = "--partial";
	if (verbose)
		words[count++] = "--verbose";
	return become_loader(words);
}

static int sched_unload(char **argv)
{
	const struct option_def options[] = { { .name = NULL } };

	if (parse_all(options, argv, NULL, 0))
		return EXIT_USAGE;
	return become_loader((const char *[]) { "agentcg", "sched-unload", NULL });
}

int cmd_sched(char **argv)
{
	static const struct command commands[] = {
		{ "show", sched_show },
		{ "stat", sched_stat },
		{ "load", sched_load },
		{ "unload", sched_unload },
		{ NULL, NULL }
	};

	return dispatch(commands, argv, help);
}
