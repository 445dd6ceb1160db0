// SPDX-License-Identifier: GPL-2.0-only
/*
 * agentcg record: what an agent and its tool calls use over time, as a trace.
 *
 * The agent runs in a session of its own. inotify tells when a cgroup of a call
 * is made or removed there, the module's receipts when exactly its processes
 * began and ended.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../gauge.h"
#include "../main.h"
#include "../options.h"
#include "../sandbox.h"
#include "../size.h"
#include "../trace.h"

#define NSEC_PER_SEC	1000000000ull
#define NSEC_PER_MSEC	1000000ull

#define INTERVAL_MIN	(5 * NSEC_PER_MSEC)
#define INTERVAL_USUAL	(100 * NSEC_PER_MSEC)

/* The largest that the module takes: nothing is to be held back. */
#define BUDGET		(1ull << 60)

/* Exit statuses of record itself, as of run. */
enum {
	EXIT_NOT_STARTED = 125,
	EXIT_CANNOT_EXECUTE = 126,
	EXIT_NOT_FOUND = 127,
	EXIT_SIGNAL = 128,
};

static const char help[] =
"usage: agentcg record [OPTIONS] [--] CMD ARG...\n"
"\n"
"Runs CMD in a session of its own, and writes what it and the tool calls that it\n"
"makes (agentcg run, libagentcg) use over time, as a trace for agentcg replay.\n"
"When CMD makes no call, all of CMD is one. Nothing is held back. Needs root.\n"
"\n"
"  --output FILE        default: trace.jsonl; replaced when CMD has ended\n"
"  --interval DURATION  between two samples, 5ms or more (default 100ms)\n"
"  --parent CGROUP      where the session is made (default: /)\n"
"\n"
"Without the module, or where CMD does not use it, only cgroups that CMD makes\n"
"beside its own count as calls.\n"
"\n"
"Exit status: of CMD; 128+N when signal N ended it; 125 when it was not started,\n"
"or the trace could not be written, 126 when it cannot be executed, 127 when it\n"
"was not found. Nothing of the session is left, also when record is killed; the\n"
"trace is then not written.\n";

/* A call that was seen; @fd is -1 once it is over. */
struct seen {
	uint64_t id;
	uint64_t cpu;		/* at the last sample */
	uint64_t peak;		/* of a receipt, as is the next */
	uint64_t cpu_time;
	int fd;
	char name[NAME_MAX + 1];
	struct trace_call call;
};

struct record {
	/* as asked */
	const char *output;
	const char *parent;
	uint64_t interval;
	char **cmd;
	/* as it is */
	struct agentcg *handle;
	struct sandbox sandbox;
	struct cell cell;
	struct trace trace;
	struct seen *seen;
	size_t seen_count;
	size_t seen_room;
	uint64_t begun;		/* in boot time */
	uint64_t cpu;		/* at the last sample */
	bool managed;
	bool out_of_memory;
	pid_t pid;
	int watch;
	int signals;
	int timer;
	int status;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

/* An instant on the clock of the trace. */
static uint64_t since_begin(const struct record *record, uint64_t instant)
{
	return instant > record->begun ? instant - record->begun : 0;
}

/* ---- calls ---- */

static struct seen *find_call(struct record *record, uint64_t id)
{
	size_t i;

	for (i = 0; i < record->seen_count; i++)
		if (record->seen[i].id == id)
			return &record->seen[i];
	return NULL;
}

static struct seen *add_call(struct record *record, uint64_t id, int fd,
			     const char *name)
{
	struct seen *seen;

	if (record->seen_count == record->seen_room) {
		size_t room = record->seen_room * 2 ?: 64;

		seen = reallocarray(record->seen, room, sizeof(*seen));
		if (!seen) {
			record->out_of_memory = true;
			return NULL;
		}
		record->seen = seen;
		record->seen_room = room;
	}
	seen = &record->seen[record->seen_count++];
	*seen = (struct seen){ .id = id, .fd = fd };
	snprintf(seen->name, sizeof(seen->name), "%s", name);
	snprintf(seen->call.name, sizeof(seen->call.name), "%s", name);
	seen->call.start = since_begin(record, now_ns());
	return seen;
}

static void call_made(struct record *record, const char *name)
{
	int fd = openat(agentcg_session_fd(record->cell.session), name,
			O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	/* One that has gone already is found by its receipt. */
	if (fd < 0)
		return;
	if (fstat(fd, &st) || find_call(record, st.st_ino) ||
	    !add_call(record, st.st_ino, fd, name))
		close(fd);
}

static void call_gone(struct record *record, const char *name)
{
	size_t i;

	for (i = 0; i < record->seen_count; i++) {
		struct seen *seen = &record->seen[i];

		if (seen->fd < 0 || strcmp(seen->name, name))
			continue;
		seen->call.end = since_begin(record, now_ns());
		close(seen->fd);
		seen->fd = -1;
	}
}

/* What the module knows better than what was seen of the cgroup. */
static void take_receipt(struct record *record,
			 const struct agentcg_record *receipt,
			 struct seen *seen)
{
	struct trace_call *call = &seen->call;
	struct agentcg_record intent;
	uint64_t begun, emptied;
	const char *label;

	begun = agentcg_record_uint(receipt, AGENTCG_A_TOOL_BEGUN, 0);
	emptied = agentcg_record_uint(receipt, AGENTCG_A_TOOL_EMPTIED, 0);
	if (begun)
		call->start = since_begin(record, begun);
	if (emptied)
		call->end = since_begin(record, emptied);
	call->failed = agentcg_record_uint(receipt, AGENTCG_A_TOOL_EXIT_CODE,
					   1) != 0;
	seen->peak = agentcg_record_uint(receipt, AGENTCG_A_TOOL_PEAK, 0);
	seen->cpu_time = agentcg_record_uint(receipt, AGENTCG_A_TOOL_CPU_TIME,
					     0);
	intent = agentcg_record_nest(receipt, AGENTCG_A_TOOL_INTENT);
	label = agentcg_record_string(&intent, AGENTCG_A_INTENT_LABEL);
	if (label)
		snprintf(call->name, sizeof(call->name), "%s", label);
}

static int add_receipt(const struct agentcg_record *receipt, void *arg)
{
	uint64_t id = agentcg_record_uint(receipt, AGENTCG_A_TOOL_ID, 0);
	struct record *record = arg;
	struct seen *seen = find_call(record, id);

	if (!seen)
		seen = add_call(record, id, -1, "call");
	if (!seen)
		return -ENOMEM;
	take_receipt(record, receipt, seen);
	return 0;
}

/* The module keeps so many receipts, so they are taken as calls end. */
static void take_receipts(struct record *record)
{
	if (record->managed)
		agentcg_receipt_list(record->handle,
				     agentcg_session_id(record->cell.session),
				     add_receipt, record);
}

static void look_at_cgroups(struct record *record)
{
	char buf[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t len = read(record->watch, buf, sizeof(buf));
	const struct inotify_event *event;
	bool gone = false;
	char *at;

	for (at = buf; at < buf + len; at += sizeof(*event) + event->len) {
		event = (const struct inotify_event *)at;
		if (!event->len || !(event->mask & IN_ISDIR))
			continue;
		if (event->mask & IN_CREATE)
			call_made(record, event->name);
		else
			call_gone(record, event->name);
		gone |= !(event->mask & IN_CREATE);
	}
	if (gone)
		take_receipts(record);
}

/* ---- samples ---- */

static void sample_one(struct record *record, int fd, uint64_t at,
		       uint64_t *cpu, struct trace_series *series)
{
	struct trace_sample sample = { .at = at };
	struct gauge gauge;

	if (!gauge_read(fd, &gauge))
		return;
	sample.anon = gauge.anon;
	sample.file = gauge.file;
	sample.nproc = gauge.nproc;
	sample.cpu = gauge.cpu - *cpu;
	*cpu = gauge.cpu;
	if (trace_add(series, &sample))
		record->out_of_memory = true;
}

/* The format has milliseconds: two samples within one would be the same. */
static void take_samples(struct record *record)
{
	uint64_t at = since_begin(record, now_ns()) / NSEC_PER_MSEC *
		      NSEC_PER_MSEC;
	struct trace_series *whole = &record->trace.whole;
	size_t i;

	if (whole->count && at <= whole->samples[whole->count - 1].at)
		return;
	sample_one(record, agentcg_session_fd(record->cell.session), at,
		   &record->cpu, whole);
	for (i = 0; i < record->seen_count; i++) {
		struct seen *seen = &record->seen[i];

		/* Of a cgroup that was made ahead nothing runs yet. */
		if (seen->fd >= 0 && at > seen->call.start &&
		    (seen->call.own.count ||
		     gauge_number(seen->fd, "pids.current")))
			sample_one(record, seen->fd, at, &seen->cpu,
				   &seen->call.own);
	}
}

/* ---- the command ---- */

static int spawn(struct record *record)
{
	int err = spawn_into(record->cell.agent, record->cmd[0], NULL,
			     record->cmd, &record->pid);

	if (!err)
		return 0;
	complain("%s: %s", record->cmd[0], strerror(err));
	record->status = err == ENOENT ? EXIT_NOT_FOUND :
			 err == EACCES || err == ENOEXEC || err == ENOTDIR ?
			 EXIT_CANNOT_EXECUTE : EXIT_NOT_STARTED;
	return -1;
}

static int open_sources(struct record *record)
{
	const struct itimerspec every = {
		.it_value.tv_nsec = 1,
		.it_interval = {
			.tv_sec = (time_t)(record->interval / NSEC_PER_SEC),
			.tv_nsec = (long)(record->interval % NSEC_PER_SEC),
		},
	};
	sigset_t all;

	sigfillset(&all);
	record->signals = signalfd(-1, &all, SFD_CLOEXEC);
	record->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	record->watch = inotify_init1(IN_CLOEXEC);
	if (record->signals < 0 || record->timer < 0 || record->watch < 0 ||
	    timerfd_settime(record->timer, 0, &every, NULL) ||
	    inotify_add_watch(record->watch, record->cell.path,
			      IN_CREATE | IN_DELETE | IN_ONLYDIR) < 0) {
		complain("record: %s", strerror(errno));
		return -1;
	}
	return 0;
}

/* Return: whether the command has ended. */
static bool take_signal(struct record *record)
{
	struct signalfd_siginfo info;
	int status;

	if (read(record->signals, &info, sizeof(info)) != sizeof(info))
		return false;
	if (info.ssi_signo != SIGCHLD) {
		/* The terminal sends to the whole process group. */
		if (info.ssi_code != SI_KERNEL)
			kill(record->pid, (int)info.ssi_signo);
		return false;
	}
	if (waitpid(record->pid, &status, WNOHANG) != record->pid)
		return false;
	record->status = WIFEXITED(status) ? WEXITSTATUS(status) :
					     EXIT_SIGNAL + WTERMSIG(status);
	return true;
}

static void follow(struct record *record)
{
	struct pollfd fds[] = {
		{ .fd = record->signals, .events = POLLIN },
		{ .fd = record->watch, .events = POLLIN },
		{ .fd = record->timer, .events = POLLIN },
	};
	uint64_t ticks;
	bool ended = false;

	while (!ended) {
		poll(fds, 3, -1);
		if (fds[1].revents)
			look_at_cgroups(record);
		if (fds[2].revents &&
		    read(record->timer, &ticks, sizeof(ticks)) > 0)
			take_samples(record);
		if (fds[0].revents)
			ended = take_signal(record);
	}
}

/* ---- the trace ---- */

/* Without any call the command itself is one. */
static void whole_is_call(struct record *record)
{
	const struct trace_series *whole = &record->trace.whole;
	struct seen *seen = add_call(record, 0, -1, record->trace.name);
	size_t i;

	if (!seen)
		return;
	seen->call.start = 0;
	seen->call.end = record->trace.end;
	seen->call.failed = record->status != 0;
	for (i = 0; i < whole->count; i++)
		if (trace_add(&seen->call.own, &whole->samples[i]))
			record->out_of_memory = true;
}

static int by_start(const void *a, const void *b)
{
	const struct trace_call *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* Receipts are exact, so samples may have come a little late or early. */
static void keep_inside(struct trace_call *call)
{
	struct trace_series *own = &call->own;
	size_t i, kept = 0;

	if (call->end < call->start)
		call->end = call->start;
	for (i = 0; i < own->count; i++) {
		struct trace_sample sample = own->samples[i];

		if (sample.at < call->start || sample.at > call->end)
			continue;
		own->samples[kept++] = sample;
	}
	own->count = kept;
}

/* Of a call that no sample was taken of the peak is all that is known. */
static int take_peak(const struct seen *seen, struct trace_call *call)
{
	const struct trace_sample sample = {
		.at = call->end,
		.anon = seen->peak,
		.cpu = seen->cpu_time,
		.nproc = 1,
	};

	return call->own.count ? 0 : trace_add(&call->own, &sample);
}

static int take_calls(struct record *record)
{
	struct trace *trace = &record->trace;
	size_t i;

	trace->calls = calloc(record->seen_count ?: 1, sizeof(*trace->calls));
	if (!trace->calls)
		return -1;
	for (i = 0; i < record->seen_count; i++) {
		struct seen *seen = &record->seen[i];
		struct trace_call *call = &trace->calls[trace->call_count];

		if (seen->fd >= 0)
			close(seen->fd);
		*call = seen->call;
		if (!call->end)
			call->end = trace->end;
		keep_inside(call);
		trace->call_count++;
		if (take_peak(seen, call))
			record->out_of_memory = true;
	}
	record->seen_count = 0;
	qsort(trace->calls, trace->call_count, sizeof(*trace->calls), by_start);
	return 0;
}

static uint64_t most(const struct trace_series *series)
{
	uint64_t most = 0;
	size_t i;

	for (i = 0; i < series->count; i++)
		if (series->samples[i].anon + series->samples[i].file > most)
			most = series->samples[i].anon +
			       series->samples[i].file;
	return most;
}

/* Beside the file, and in its place when it is whole. */
static int write_trace(const struct record *record)
{
	char path[PATH_MAX];
	int err;
	FILE *file;

	snprintf(path, sizeof(path), "%s.%d", record->output, getpid());
	file = fopen(path, "we");
	if (!file)
		return -errno;
	err = trace_write(file, &record->trace);
	if (!err && (fflush(file) || ferror(file)))
		err = -EIO;
	if (fclose(file) && !err)
		err = -errno;
	if (!err && rename(path, record->output))
		err = -errno;
	if (err)
		unlink(path);
	return err;
}

static void save(struct record *record)
{
	struct trace *trace = &record->trace;
	char size[HUMAN_MAX], took[HUMAN_MAX];
	int err;

	if (!record->seen_count)
		whole_is_call(record);
	err = take_calls(record) || record->out_of_memory ? -ENOMEM :
							    write_trace(record);
	if (err) {
		complain("%s: %s", record->output, strerror(-err));
		record->status = EXIT_NOT_STARTED;
		return;
	}
	human_duration(trace->end, took);
	human_size(most(&trace->whole), size);
	complain("%s: %s, %zu call%s, %s at most", record->output, took,
		 trace->call_count, trace->call_count == 1 ? "" : "s", size);
}

/* ---- the whole ---- */

static int make_session(struct record *record)
{
	const struct agentcg_session_config config = {
		.size = sizeof(config),
		.set = 1ull << AGENTCG_A_SESSION_BUDGET,
		.budget = BUDGET,
	};
	struct agentcg_record info;
	int err = agentcg_info(record->handle, &info);

	record->managed = !err;
	if (err)
		complain("the module does not answer, so CMD's calls are not told apart: %s",
			 agentcg_strerror(record->handle));
	return sandbox_add(&record->sandbox, 1, err ? NULL : &config,
			   &record->cell);
}

static void run(struct record *record)
{
	record->begun = now_ns();
	if (open_sources(record) || spawn(record))
		return;
	follow(record);
	take_samples(record);
	record->trace.end = since_begin(record, now_ns());
	/* What is left of CMD is no part of the trace. */
	cell_kill(&record->cell);
	take_receipts(record);
	save(record);
}

static int record_in_sandbox(struct record *record)
{
	if (sandbox_make(&record->sandbox, record->handle, record->parent,
			 "agentcg-record"))
		return EXIT_NOT_STARTED;
	record->status = EXIT_NOT_STARTED;
	if (!make_session(record)) {
		run(record);
		cell_close(&record->cell);
	}
	if (sandbox_remove(&record->sandbox) && !record->status)
		record->status = EXIT_NOT_STARTED;
	return record->status;
}

static int parse(char **argv, struct record *record)
{
	const struct option_def options[] = {
		{ "output", OPTION_STRING, &record->output, 0, NULL },
		{ "interval", OPTION_DURATION, &record->interval, 0, NULL },
		{ "parent", OPTION_STRING, &record->parent, 0, NULL },
		{ .name = NULL }
	};
	const char *slash;

	if (parse_options(options, &argv))
		return -1;
	if (record->interval < INTERVAL_MIN) {
		complain("--interval: reading takes a while: use 5ms or more");
		return -1;
	}
	if (!*argv) {
		complain("record: no command: agentcg record [OPTIONS] -- CMD ARG...");
		return -1;
	}
	record->cmd = argv;
	slash = strrchr(argv[0], '/');
	snprintf(record->trace.name, sizeof(record->trace.name), "%s",
		 slash && slash[1] ? slash + 1 : argv[0]);
	record->trace.interval = record->interval;
	return 0;
}

/*
 * A trace that cannot be written is better known before CMD has run. It takes
 * the place of a file, which /dev/stdout is not.
 */
static int check_output(const struct record *record)
{
	const char *slash = strrchr(record->output, '/');
	char dir[PATH_MAX] = ".";
	struct stat st;
	int err = 0;

	if (slash)
		snprintf(dir, sizeof(dir), "%.*s/",
			 (int)(slash - record->output), record->output);
	if (access(dir, W_OK))
		err = errno;
	else if (!stat(record->output, &st) && !S_ISREG(st.st_mode))
		err = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
	if (err)
		complain("--output %s: %s: name a file that can be written",
			 record->output, strerror(err));
	return err ? -1 : 0;
}

int cmd_record(char **argv)
{
	struct record record = {
		.output = "trace.jsonl",
		.interval = INTERVAL_USUAL,
	};
	sigset_t all;
	size_t i;
	int status;

	if (argv[0] && (!strcmp(argv[0], "--help") || !strcmp(argv[0], "-h") ||
			(!strcmp(argv[0], "help") && !argv[1]))) {
		fputs(help, stdout);
		return EXIT_OK;
	}
	if (parse(argv, &record) || check_output(&record))
		return EXIT_NOT_STARTED;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	signal(SIGCHLD, SIG_DFL);
	record.handle = open_handle();
	status = record_in_sandbox(&record);
	for (i = 0; i < record.seen_count; i++)
		free(record.seen[i].call.own.samples);
	free(record.seen);
	trace_free(&record.trace);
	agentcg_close(record.handle);
	return status;
}
