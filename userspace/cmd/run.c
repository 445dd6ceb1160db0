// SPDX-License-Identifier: GPL-2.0-only
/*
 * agentcg run: one command as a tool call.
 *
 * The command shares run's process group, so that job control works on both
 * as on one job: what the terminal sends reaches the command by itself, and
 * only signals sent to run alone are passed on.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../main.h"
#include "../means.h"
#include "../options.h"
#include "../size.h"
#include "../tree.h"
#include "../variables.h"
#include "../watcher.h"
#include "run.h"

/* Exit statuses of run itself, as of timeout(1) and env(1). */
enum {
	EXIT_DEADLINE = 124,
	EXIT_NOT_STARTED = 125,
	EXIT_CANNOT_EXECUTE = 126,
	EXIT_NOT_FOUND = 127,
	EXIT_SIGNAL = 128,	/* and the number of the signal */
};

/* Automatic names that another PID namespace may have taken. */
#define NAME_TRIES	16

#define NSEC_PER_SEC	1000000000ull

static const char help[] =
"usage: agentcg run [OPTIONS] [--] CMD ARG...\n"
"\n"
"Runs CMD in a cgroup of its own inside a session, from its first instruction\n"
"on, and removes the cgroup with all that CMD has left running. OPTIONS:\n"
"\n"
"  --session CGROUP     default: the session that the caller runs in\n"
"  --name NAME          of the cgroup; default: call-PID\n"
"  --receipt FILE|fd:N  write the receipt there, as JSON\n"
"  --require WHEN       never (default): where agentcg cannot act, run CMD\n"
"                       unmanaged and say so; always: do not run it\n"
"  --reap               what outlives CMD is killed (default)\n"
"  --keep               it goes on in the call, past its deadline, and is told\n"
"                       on stderr; the cgroup is removed once it is empty\n"
"  --env                set the variables of \"agentcg env\" for CMD\n";

static const char help_end[] =
"\n"
"Exit status: of CMD; 128+N when signal N ended it; 124 past its deadline; 125\n"
"when it was not started, 126 when it cannot be executed, 127 when it was not\n"
"found.\n"
"\n"
"The deadline is kept by the kernel: all that runs in the call is killed at\n"
"once, wherever setsid or fork have led it. --warn-before is a tenth of the\n"
"deadline unless given, at most 30 s, and not at all below 1 s; at that moment a\n"
"line on stderr tells, and how to extend it. Unmanaged, run keeps the deadline\n"
"itself and kills what descends from CMD: what a daemon does for CMD goes on,\n"
"a fork bomb may outrun it, a stopped run is late, and nobody keeps it when run\n"
"itself is killed.\n"
"\n"
"On trouble (killed, held back for long) the last lines on stderr tell what\n"
"happened, how big CMD was, and what to try.\n"
"\n"
"Also when run itself is killed, SIGKILL included, nothing is left: a small\n"
"process that waits beside it then kills the call and removes its cgroup.\n";

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

/* ---- before the command ---- */

/* CMD is not to inherit the descriptor that the receipt goes to. */
static int receipt_descriptor(const char *text)
{
	const char *problem;
	uint64_t number;
	int flags;

	problem = parse_number(text, 0, INT_MAX, &number);
	flags = problem ? -1 : fcntl((int)number, F_GETFL);
	if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY) {
		complain("--receipt fd:%s: %s: give the number of a descriptor that is open for writing",
			 text, problem ? "is not a number" :
			 flags < 0 ? strerror(errno) : "is open for reading only");
		return -1;
	}
	if (number > STDERR_FILENO)
		fcntl((int)number, F_SETFD, FD_CLOEXEC);
	return (int)number;
}

static int open_receipt(struct run *run)
{
	run->receipt_fd = -1;
	if (!run->receipt)
		return 0;
	if (!strncmp(run->receipt, "fd:", 3))
		run->receipt_fd = receipt_descriptor(run->receipt + 3);
	else
		run->receipt_fd = open(run->receipt, O_WRONLY | O_CREAT |
				       O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
	if (run->receipt_fd >= 0)
		return 0;
	if (strncmp(run->receipt, "fd:", 3))
		complain("--receipt %s: %s: name a file that can be written",
			 run->receipt, strerror(errno));
	return -1;
}

/*
 * The request was understood and refused: the caller has to change it. All else
 * means that agentcg cannot act here.
 */
static bool is_refusal(int err)
{
	switch (err) {
	case -EINVAL:
	case -ERANGE:
	case -ENOSPC:
	case -EOPNOTSUPP:
	case -EEXIST:
	case -E2BIG:
	case -EMSGSIZE:
	case -ENAMETOOLONG:
	case -ENOTDIR:
	case -EMEDIUMTYPE:
		return true;
	default:
		return false;
	}
}

static int begin_call(struct run *run)
{
	const struct agentcg_intent *intent = &run->intent.intent;
	char name[32];
	int err, i;

	if (run->name) {
		run->watcher = watcher_start(agentcg_session_fd(run->session),
					     run->name);
		return agentcg_call_begin(run->session, run->name, intent,
					  &run->call);
	}
	snprintf(name, sizeof(name), "call-%d", getpid());
	run->watcher = watcher_start(agentcg_session_fd(run->session), name);
	err = agentcg_call_begin(run->session, name, intent, &run->call);
	for (i = 1; err == -EEXIST && i < NAME_TRIES; i++) {
		snprintf(name, sizeof(name), "call-%d-%d", getpid(), i);
		err = agentcg_call_begin(run->session, name, intent,
					 &run->call);
	}
	return err;
}

static int begin_managed(struct run *run)
{
	int err;

	run->handle = open_handle();
	err = agentcg_session_open(run->handle, run->session_name,
				   &run->session);
	if (err)
		return err;
	err = begin_call(run);
	if (!err) {
		/* Without a watcher the call is as good, but for our SIGKILL. */
		if (run->watcher >= 0)
			watcher_own(run->watcher, agentcg_call_id(run->call),
				    agentcg_call_name(run->call));
		return 0;
	}
	if (run->watcher >= 0)
		watcher_stop(run->watcher);
	run->watcher = -1;
	return err;
}

/* Return: 0 with run->call set or, unmanaged, run->reason; or -1. */
static int begin(struct run *run)
{
	int err = begin_managed(run);
	const char *text;

	if (!err)
		return 0;
	text = agentcg_strerror(run->handle);
	run->reason = *text ? text : strerror(-err);
	if (run->require || is_refusal(err)) {
		complain("%s%s", run->reason, error_mend(err));
		return -1;
	}
	complain("running unmanaged: %s%s", run->reason, error_mend(err));
	return 0;
}

/* ---- the command ---- */

static void set_variable(const char *name, const char *value, void *arg)
{
	(void)arg;
	setenv(name, value, 1);
}

/* What the command has, in the environment that it will inherit. */
static void set_variables(const struct run *run)
{
	struct means means;

	if (run->call)
		means_of(run->handle, agentcg_call_fd(run->call), run->session,
			 agentcg_call_id(run->call), NULL, &means);
	else
		means_own(run->handle, NULL, &means);
	variables_of(&means, set_variable, NULL);
}

static int spawn_file(struct run *run, const char *file, char **argv,
		      posix_spawnattr_t *attr)
{
	if (run->call)
		return -agentcg_call_spawnp(run->call, &run->pid, file, NULL,
					    attr, argv, environ);
	return posix_spawnp(&run->pid, file, NULL, attr, argv, environ);
}

/* Where PATH leads to; only needed for scripts without "#!". */
static bool find_in_path(const char *file, char path[PATH_MAX])
{
	const char *at = getenv("PATH") ?: "/usr/bin:/bin";

	while (*at) {
		int len = (int)strcspn(at, ":");

		snprintf(path, PATH_MAX, "%.*s%s%s", len, at, len ? "/" : "",
			 file);
		if (!access(path, X_OK))
			return true;
		at += len + (at[len] == ':');
	}
	return false;
}

/* As the shell and execvp(3) do with a text file that is executable. */
static int spawn_script(struct run *run, posix_spawnattr_t *attr)
{
	char path[PATH_MAX];
	char **argv;
	int count = 0, err;

	if (strchr(run->cmd[0], '/'))
		snprintf(path, sizeof(path), "%s", run->cmd[0]);
	else if (!find_in_path(run->cmd[0], path))
		return ENOENT;
	while (run->cmd[count])
		count++;
	argv = calloc((size_t)count + 2, sizeof(*argv));
	if (!argv)
		return ENOMEM;
	argv[0] = (char *)"sh";
	argv[1] = path;
	memcpy(argv + 2, run->cmd + 1, (size_t)count * sizeof(*argv));
	err = spawn_file(run, "/bin/sh", argv, attr);
	free(argv);
	return err;
}

/* Return: 0 or a positive errno. */
static int spawn(struct run *run)
{
	posix_spawnattr_t attr;
	int err;

	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &run->old_mask);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	run->start = clock_ns(CLOCK_BOOTTIME);
	run->deadline.begun = clock_ns(CLOCK_MONOTONIC);
	err = spawn_file(run, run->cmd[0], run->cmd, &attr);
	if (err == ENOEXEC)
		err = spawn_script(run, &attr);
	posix_spawnattr_destroy(&attr);
	return err;
}

/* ---- the deadline ---- */

static void start_deadline(struct run *run)
{
	const struct agentcg_intent *intent = &run->intent.intent;
	uint64_t limit = AGENTCG_UNLIMITED, warn_before = 0;

	if (run->call) {
		limit = agentcg_call_deadline(run->call, &warn_before);
	} else if (intent->set & (1ull << AGENTCG_A_INTENT_DEADLINE)) {
		limit = intent->deadline;
		warn_before = intent->warn_before;
	}
	deadline_set(&run->deadline, limit, warn_before);
}

/* Others may have changed it since: agentcg tool set. */
static void read_deadline(struct run *run)
{
	struct agentcg_record reply, limits;

	if (agentcg_tool_get(run->handle, agentcg_call_id(run->call), &reply))
		return;
	limits = agentcg_record_nest(&reply, AGENTCG_A_TOOL_LIMITS);
	deadline_set(&run->deadline,
		     agentcg_record_uint(&limits, AGENTCG_A_INTENT_DEADLINE,
					 run->deadline.limit),
		     agentcg_record_uint(&limits, AGENTCG_A_INTENT_WARN_BEFORE,
					 run->deadline.warn_before));
}

static void warn(const struct run *run, uint64_t now)
{
	char left[HUMAN_MAX], whole[HUMAN_MAX], twice[HUMAN_MAX];

	human_duration(deadline_left(&run->deadline, now), left);
	human_duration(run->deadline.limit, whole);
	human_duration(run->deadline.limit * 2, twice);
	if (run->call)
		complain("%s until the deadline of %s: agentcg tool set %llu --deadline %s extends it",
			 left, whole,
			 (unsigned long long)agentcg_call_id(run->call), twice);
	else
		complain("%s until the deadline of %s", left, whole);
}

/* Without the kernel's help. Its status is not of interest any more. */
static void end_unmanaged(struct run *run)
{
	if (!tree_kill(run->age, TREE_TIMEOUT_MS))
		complain("not all processes of the command could be killed");
	run->ended.si_code = CLD_KILLED;
	run->ended.si_status = SIGKILL;
	run->past_deadline = true;
}

/* Return: whether the command has ended by it. */
static bool look_at_deadline(struct run *run)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);

	if (now < run->deadline.due)
		return false;
	if (run->call)
		read_deadline(run);
	switch (deadline_look(&run->deadline, now)) {
	case DEADLINE_WARN:
		warn(run, now);
		return false;
	case DEADLINE_MET:
		/* In a call the kernel kills; its SIGCHLD is on the way. */
		if (run->call)
			return false;
		end_unmanaged(run);
		return true;
	default:
		return false;
	}
}

/* ---- while it runs ---- */

/*
 * Everything is blocked from here to the end: run takes its signals one by
 * one, and the watcher inherits a mask that nothing gets through.
 */
static void block_signals(struct run *run)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &run->old_mask);
	/* Ignored, it would reap the command behind our back. */
	signal(SIGCHLD, SIG_DFL);
}

static void taken_signals(sigset_t *set)
{
	static const int taken[] = {
		SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2,
		SIGALRM, SIGWINCH, SIGTSTP, SIGCONT,
	};
	size_t i;

	sigemptyset(set);
	for (i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		sigaddset(set, taken[i]);
}

/* Pass a signal on, unless the command had it from the same sender. */
static void pass_on(const struct run *run, const siginfo_t *info)
{
	/* The terminal sends to the whole process group. */
	if (info->si_code == SI_KERNEL && info->si_signo != SIGALRM)
		return;
	if (info->si_code == SI_USER && info->si_pid == run->pid)
		return;
	kill(run->pid, info->si_signo);
}

/* The command was stopped from its terminal: so is the job, and we with it. */
static void follow_stop(const struct run *run, int sig)
{
	if (sig != SIGTSTP && sig != SIGTTIN && sig != SIGTTOU)
		return;
	raise(SIGSTOP);
	/* Whoever continued us may not have reached the command. */
	kill(run->pid, SIGCONT);
}

/* Return: whether the command has ended. */
static bool look_after(struct run *run)
{
	siginfo_t *info = &run->ended;

	for (;;) {
		info->si_pid = 0;
		/* Unmanaged there are others, which we have adopted. */
		if (waitid(P_ALL, 0, info, WEXITED | WSTOPPED | WNOHANG))
			return true;
		if (!info->si_pid)
			return false;
		if (info->si_pid != run->pid)
			continue;
		if (info->si_code != CLD_STOPPED)
			return true;
		follow_stop(run, info->si_status);
	}
}

/* Return: a signal, or -1 when the time has come to look at the deadline. */
static int next_signal(const struct run *run, const sigset_t *set,
		       siginfo_t *info)
{
	uint64_t due = run->deadline.due, now, rest;
	struct timespec wait;

	if (due == DEADLINE_NEVER)
		return sigwaitinfo(set, info);
	now = clock_ns(CLOCK_MONOTONIC);
	rest = due > now ? due - now : 0;
	wait.tv_sec = (time_t)(rest / NSEC_PER_SEC);
	wait.tv_nsec = (long)(rest % NSEC_PER_SEC);
	return sigtimedwait(set, info, &wait);
}

static void wait_for_end(struct run *run)
{
	bool ended = false;
	siginfo_t info;
	sigset_t set;

	taken_signals(&set);
	/* SIGCHLD stays pending while blocked, so none is missed. */
	while (!ended) {
		int sig = next_signal(run, &set, &info);

		if (sig == SIGCHLD)
			ended = look_after(run);
		else if (sig > 0)
			pass_on(run, &info);
		else
			ended = look_at_deadline(run);
	}
	run->end = clock_ns(CLOCK_BOOTTIME);
}

static pid_t foreground(void)
{
	pid_t group;

	return ioctl(STDERR_FILENO, TIOCGPGRP, &group) ? -1 : group;
}

/* A shell that was killed leaves the terminal to a group that is no more. */
static void take_terminal_back(const struct run *run)
{
	pid_t group = getpgrp();

	if (run->has_terminal && foreground() != group)
		ioctl(STDERR_FILENO, TIOCSPGRP, &group);
}

/* ---- afterwards ---- */

static int exit_status(const struct run *run)
{
	if (run->past_deadline)
		return EXIT_DEADLINE;
	return run->ended.si_code == CLD_EXITED ? run->ended.si_status :
	       EXIT_SIGNAL + run->ended.si_status;
}

static int not_started(const struct run *run, int err)
{
	complain("%s: %s", run->cmd[0], strerror(err));
	if (err == ENOENT)
		return EXIT_NOT_FOUND;
	if (err == EACCES || err == ENOEXEC || err == ENOTDIR || err == EISDIR ||
	    err == ELOOP || err == ETXTBSY || err == EPERM || err == E2BIG)
		return EXIT_CANNOT_EXECUTE;
	return EXIT_NOT_STARTED;
}

static int execute(struct run *run)
{
	int err;

	run->has_terminal = foreground() == getpgrp();
	if (run->env)
		set_variables(run);
	if (!run->call)
		tree_adopt();
	err = spawn(run);
	if (err) {
		run->pid = 0;
		err = not_started(run, err);
		run_finish(run);
		return err;
	}
	if (!run->call)
		run->age = tree_age(run->pid);
	start_deadline(run);
	wait_for_end(run);
	take_terminal_back(run);
	run_finish(run);
	return exit_status(run);
}

/* What run declares of itself, where nothing else was asked. */
static int complete_intent(struct run *run)
{
	struct agentcg_intent *intent = &run->intent.intent;
	const uint64_t survivors = 1ull << AGENTCG_A_INTENT_SURVIVORS;
	const uint64_t warn_before = 1ull << AGENTCG_A_INTENT_WARN_BEFORE;

	if (run->reap + run->keep + !!(intent->set & survivors) > 1) {
		complain("--reap, --keep, --survivors: give one of them");
		return -1;
	}
	if (!(intent->set & survivors))
		intent->survivors = run->keep ? AGENTCG_SURVIVORS_KEEP :
						AGENTCG_SURVIVORS_REAP;
	run->keep = intent->survivors == AGENTCG_SURVIVORS_KEEP;
	intent->set |= survivors;
	if (!(intent->set & (1ull << AGENTCG_A_INTENT_DEADLINE)) ||
	    (intent->set & warn_before) || intent->deadline == AGENTCG_UNLIMITED)
		return 0;
	intent->warn_before = deadline_warning(intent->deadline);
	intent->set |= warn_before;
	return 0;
}

static int parse_run(char **argv, struct run *run)
{
	const struct option_def own[] = {
		{ "session", OPTION_STRING, &run->session_name, 0, NULL },
		{ "name", OPTION_STRING, &run->name, 0, NULL },
		{ "receipt", OPTION_STRING, &run->receipt, 0, NULL },
		{ "require", OPTION_REQUIRE, &run->require, 0, NULL },
		{ "reap", OPTION_FLAG, &run->reap, 0, NULL },
		{ "keep", OPTION_FLAG, &run->keep, 0, NULL },
		{ "env", OPTION_FLAG, &run->env, 0, NULL },
	};
	const size_t count = sizeof(own) / sizeof(own[0]);
	struct option_def table[sizeof(own) / sizeof(own[0]) +
				INTENT_OPTIONS + 1];

	memcpy(table, own, sizeof(own));
	intent_options(table + count, &run->intent)->name = NULL;
	if (parse_options(table, &argv))
		return -1;
	intent_finish(&run->intent);
	if (complete_intent(run))
		return -1;
	if (!*argv) {
		complain("run: no command: agentcg run [OPTIONS] -- CMD ARG...");
		return -1;
	}
	run->cmd = argv;
	return 0;
}

static bool wants_help(char **argv)
{
	/* A command may be called help, so only when it stands alone. */
	return argv[0] && (!strcmp(argv[0], "--help") ||
			   !strcmp(argv[0], "-h") ||
			   (!strcmp(argv[0], "help") && !argv[1]));
}

int cmd_run(char **argv)
{
	struct run run = { .watcher = -1 };
	int status;

	if (wants_help(argv)) {
		printf("%s%s%s", help, intent_help, help_end);
		return EXIT_OK;
	}
	if (parse_run(argv, &run) || open_receipt(&run))
		return EXIT_NOT_STARTED;
	block_signals(&run);
	status = begin(&run) ? EXIT_NOT_STARTED : execute(&run);
	agentcg_session_close(run.session);
	agentcg_close(run.handle);
	return status;
}
