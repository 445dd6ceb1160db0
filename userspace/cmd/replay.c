// SPDX-License-Identifier: GPL-2.0-only
/* agentcg replay: do again what was recorded, as sessions with tool calls. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../main.h"
#include "../player.h"
#include "../size.h"
#include "replay.h"

#define NSEC_PER_SEC	1000000000ull
#define MB		(1ull << 20)

#define SESSIONS_MAX	1000

/* What a call reserves unless told otherwise: a small command's. */
#define MEM_USUAL	(16 * MB)

enum { EXIT_SIGNAL = 128 };

static const char help[] =
"usage: agentcg [-j] [-p] replay [OPTIONS] TRACE [[OPTIONS] TRACE]...\n"
"\n"
"Does again what was recorded, each TRACE as a session of its own: an agent that\n"
"has so much memory, thinks so long, and makes tool calls, each a process that\n"
"maps and touches, reads files and uses CPU. Time between calls is as in the\n"
"trace; what a call does takes as long as it takes, so that whoever holds it back\n"
"shows in the end. An allocation is 1 MiB, its latency the time to touch it.\n"
"Needs root. Nothing is left, however replay ends.\n"
"\n"
"  --arm NAME           what keeps the sessions within their memory:\n"
"                         agentcg  the module (default)\n"
"                         none     nothing but --memory\n"
"                         static   memory.max of each session\n"
"                         high     memory.high of each session\n"
"  --memory SIZE        all sessions have together (default: what the machine has)\n"
"  --speed N            so many times faster than the traces, 0.01 to 1000\n"
"  --no-cpu             pass the CPU time of the traces asleep: with few processors,\n"
"                       waiting for one hides waiting for memory\n"
"  --solo               play each alone before, for its time alone; otherwise\n"
"                       that is the trace's\n"
"  --longest DURATION   stop what has not ended by then\n"
"  --needs              only tell what memory the traces need, and how fast\n"
"  --parent CGROUP      where the sessions are made (default: /)\n"
"  --scratch DIR        where files can be made that are read (default: /var/tmp)\n"
"\n"
"Of the traces that follow, until it is given again:\n"
"\n"
"  --offset DURATION    begins so much later\n"
"  --budget SIZE        of the session, with static and high its limit; default:\n"
"                       all, with those an equal part of --memory\n"
"  --floor SIZE         what the node guarantees the session\n"
"  --max-hold DURATION  longest that a call may be frozen, or wait past its stall\n"
"\n"
"and of their calls, with the arm agentcg (--mem is 16M unless given, and --burst\n"
"what the trace says that the call will need):\n"
"\n";

/* ---- reading ---- */

static int read_file(const struct replay *replay,
		     struct replay_session *session)
{
	char error[TRACE_ERROR_MAX];
	FILE *file = fopen(session->file, "re");
	int err;

	if (!file) {
		complain("%s: %s", session->file, strerror(errno));
		return -1;
	}
	err = trace_read(file, &session->trace, error);
	fclose(file);
	if (err) {
		complain("%s: %s", session->file, error);
		return -1;
	}
	if (session->trace.endless)
		complain("warning: %s: %zu calls are left out: it does not tell when they ended",
			 session->file, session->trace.endless);
	err = trace_split(&session->trace);
	if (err)
		complain("%s: out of memory", session->file);
	else if (replay->no_cpu)
		trace_forget_cpu(&session->trace);
	return err;
}

static int make_play(struct replay *replay, struct replay_session *session)
{
	session->play = play_make(&session->trace, replay->speed,
				  replay->touch_ns, &session->play_fd);
	if (!session->play) {
		complain("%s: out of memory", session->file);
		return -1;
	}
	session->alone = session->play->length;
	replay->sum += replay_peak(session);
	return 0;
}

/* ---- what it needs ---- */

static int collect_changes(const struct replay *replay,
			   struct play_change **all, size_t *count)
{
	unsigned int i;

	*all = NULL;
	*count = 0;
	for (i = 0; i < replay->count; i++) {
		const struct replay_session *session = &replay->sessions[i];
		struct play_change *some, *more;
		size_t found;

		if (play_changes(&session->trace, replay->speed,
				 session->asked.offset, &some, &found))
			return -1;
		more = reallocarray(*all, *count + found, sizeof(*more));
		if (more) {
			memcpy(more + *count, some, found * sizeof(*some));
			*all = more;
			*count += found;
		}
		free(some);
		if (!more)
			return -1;
	}
	play_sort(*all, *count);
	return 0;
}

static int find_needs(struct replay *replay)
{
	struct play_change *changes;
	size_t count;
	int err = collect_changes(replay, &changes, &count);

	if (err)
		complain("out of memory");
	else {
		replay->demand = play_most(changes, count) * PLAY_CHUNK;
		replay->rate = play_rate(changes, count) * PLAY_CHUNK;
	}
	free(changes);
	return err;
}

static uint64_t memory_available(void)
{
	unsigned long long kib = 0;
	FILE *file = fopen("/proc/meminfo", "re");
	char line[128];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "MemAvailable: %llu", &kib) == 1)
			break;
	if (file)
		fclose(file);
	return kib * 1024;
}

/* "A 1.2G + B 300M + ..." as far as there is room. */
static void list_peaks(const struct replay *replay, char *text, size_t size)
{
	char human[HUMAN_MAX];
	unsigned int i;
	size_t at = 0;

	text[0] = '\0';
	for (i = 0; i < replay->count && at + 80 < size; i++) {
		const struct replay_session *session = &replay->sessions[i];

		human_size(replay_peak(session), human);
		at += (size_t)snprintf(text + at, size - at, "%s%.48s %s",
				       i ? " + " : "", session->file, human);
	}
	if (i < replay->count)
		snprintf(text + at, size - at, " + ...");
}

static int check_memory(const struct replay *replay)
{
	char have[HUMAN_MAX], want[HUMAN_MAX], peaks[900];

	human_size(replay->available, have);
	if (replay->memory > replay->available) {
		complain("--memory %s is more than the %s that this machine has available",
			 human_size(replay->memory, want), have);
		return -1;
	}
	if (replay->memory || replay->sum <= replay->available)
		return 0;
	list_peaks(replay, peaks, sizeof(peaks));
	complain("the sessions may need %s together (%s), and this machine has %s available: replay fewer, or give them less with --memory",
		 human_size(replay->sum, want), peaks, have);
	return -1;
}

static void warn_rate(const struct replay *replay)
{
	uint64_t here = NSEC_PER_SEC * PLAY_CHUNK / replay->touch_ns;
	char need[HUMAN_MAX], can[HUMAN_MAX];

	if (replay->rate <= here)
		return;
	complain("warning: at speed %g the traces need %s of new memory a second at the most, and this machine has %s: it will be late by itself; --speed %.2g is slow enough",
		 replay->speed, human_size(replay->rate, need),
		 human_size(here, can), replay->speed * (double)here /
		 (double)replay->rate);
}

/* ---- the whole ---- */

static int count_session(const struct agentcg_record *session, void *arg)
{
	(void)session;
	(*(unsigned int *)arg)++;
	return 0;
}

/* The node is one for all: nobody else is to be squeezed for a replay. */
static int check_others(struct replay *replay)
{
	unsigned int others = 0;

	if (!replay->memory)
		return 0;
	agentcg_session_list(replay->handle, count_session, &others);
	if (!others)
		return 0;
	complain("--memory would bound the %u other session%s of this machine as well: end %s, or leave --memory away",
		 others, others == 1 ? "" : "s", others == 1 ? "it" : "them");
	return -1;
}

static int find_capacity(struct replay *replay)
{
	struct agentcg_record node;

	if (replay->memory)
		replay->capacity = REPLAY_LENT(replay->memory);
	if (!replay->arm->managed)
		return 0;
	if (agentcg_node_get(replay->handle, &node)) {
		complain("%s, or choose another --arm",
			 agentcg_strerror(replay->handle));
		return -1;
	}
	if (!replay->memory)
		replay->capacity = agentcg_record_uint(&node,
					AGENTCG_A_NODE_CAPACITY, 0);
	return check_others(replay);
}

/* The agent alone on the machine. */
static int play_alone(struct replay *replay)
{
	const struct replay_arm *none = replay_arm_find("none");
	unsigned int i;

	for (i = 0; i < replay->count; i++) {
		struct replay_session *session = &replay->sessions[i];
		uint64_t offset = session->asked.offset;
		int err;

		session->asked.offset = 0;
		err = replay_run(replay, none, i, 1, 0);
		session->asked.offset = offset;
		if (err || replay->interrupted)
			return err;
		if (session->took)
			session->alone = session->took;
	}
	return 0;
}

static int read_traces(struct replay *replay)
{
	unsigned int i;

	for (i = 0; i < replay->count; i++)
		if (read_file(replay, &replay->sessions[i]))
			return -1;
	replay->touch_ns = player_touch_ns();
	if (!replay->touch_ns) {
		complain("there is no memory to measure how fast it is");
		return -1;
	}
	for (i = 0; i < replay->count; i++)
		if (make_play(replay, &replay->sessions[i]))
			return -1;
	replay->available = memory_available();
	return find_needs(replay);
}

static int prepare(struct replay *replay)
{
	if (check_memory(replay))
		return -1;
	warn_rate(replay);
	replay->handle = open_handle();
	return find_capacity(replay);
}

static int run(struct replay *replay)
{
	int err = read_traces(replay);

	if (!err && replay->needs) {
		replay_needs(replay);
		return EXIT_OK;
	}
	err = err ?: prepare(replay);
	if (!err && replay->solo)
		err = play_alone(replay);
	if (!err && !replay->interrupted)
		err = replay_run(replay, replay->arm, 0, replay->count,
				 replay->memory);
	if (replay->interrupted)
		return EXIT_SIGNAL + replay->interrupted;
	if (err)
		return EXIT_FAILED;
	replay_report(replay);
	return EXIT_OK;
}

static void free_sessions(struct replay *replay)
{
	unsigned int i;

	for (i = 0; i < replay->count; i++) {
		struct replay_session *session = &replay->sessions[i];

		if (session->play)
			close(session->play_fd);
		play_unmap(session->play);
		trace_free(&session->trace);
	}
	free(replay->sessions);
}

/* ---- the command line ---- */

static int add_trace(struct replay *replay, const struct replay_settings *asked,
		     const char *file)
{
	struct replay_session *more, *session;

	if (replay->count == SESSIONS_MAX) {
		complain("replay: more than %d traces", SESSIONS_MAX);
		return -1;
	}
	more = reallocarray(replay->sessions, replay->count + 1,
			    sizeof(*more));
	if (!more) {
		complain("out of memory");
		return -1;
	}
	replay->sessions = more;
	session = &more[replay->count++];
	memset(session, 0, sizeof(*session));
	session->file = file;
	session->asked = *asked;
	session->cell.agent = -1;
	return 0;
}

/* Only now are the intents where they stay. */
static void finish_intents(struct replay *replay)
{
	unsigned int i;

	for (i = 0; i < replay->count; i++) {
		struct intent_args *args = &replay->sessions[i].asked.intent;

		if (!(args->intent.set & 1ull << AGENTCG_A_INTENT_MEM))
			args->intent.mem = MEM_USUAL;
		args->intent.set |= 1ull << AGENTCG_A_INTENT_MEM;
		intent_finish(args);
	}
}

static int take_speed(const char *text, double *speed)
{
	char *end;

	if (!text)
		return 0;
	*speed = strtod(text, &end);
	if (end != text && !*end && *speed >= 0.01 && *speed <= 1000)
		return 0;
	complain("--speed: \"%s\" is not a number from 0.01 to 1000", text);
	return -1;
}

static int check_arm(struct replay *replay, const char *name)
{
	unsigned int i;

	replay->arm = replay_arm_find(name);
	if (!replay->arm)
		return -1;
	for (i = 0; replay->arm->limit && !replay->memory && i < replay->count;
	     i++) {
		if (replay->sessions[i].asked.budget || replay->needs)
			continue;
		complain("--arm %s: %s has no limit: give --memory, or --budget before it",
			 name, replay->sessions[i].file);
		return -1;
	}
	return 0;
}

static int parse(char **argv, struct replay *replay)
{
	const char *arm = "agentcg", *speed = NULL;
	struct replay_settings asked = { .offset = 0 };
	const struct option_def own[] = {
		{ "arm", OPTION_STRING, &arm, 0, NULL },
		{ "memory", OPTION_SIZE, &replay->memory, 0, NULL },
		{ "speed", OPTION_STRING, &speed, 0, NULL },
		{ "solo", OPTION_FLAG, &replay->solo, 0, NULL },
		{ "no-cpu", OPTION_FLAG, &replay->no_cpu, 0, NULL },
		{ "needs", OPTION_FLAG, &replay->needs, 0, NULL },
		{ "longest", OPTION_TIMEOUT, &replay->longest, 0, NULL },
		{ "parent", OPTION_STRING, &replay->parent, 0, NULL },
		{ "scratch", OPTION_STRING, &replay->scratch, 0, NULL },
		{ "offset", OPTION_DURATION, &asked.offset, 0, NULL },
		{ "budget", OPTION_SIZE, &asked.budget, 0, NULL },
		{ "floor", OPTION_SIZE, &asked.floor, 0, NULL },
		{ "max-hold", OPTION_DURATION, &asked.max_hold, 0, NULL },
	};
	const size_t count = sizeof(own) / sizeof(own[0]);
	struct option_def table[sizeof(own) / sizeof(own[0]) +
				INTENT_OPTIONS + 1];

	memcpy(table, own, sizeof(own));
	intent_options(table + count, &asked.intent)->name = NULL;
	while (*argv) {
		if (global_option(*argv)) {
			argv++;
			continue;
		}
		if (parse_options(table, &argv))
			return -1;
		if (*argv && add_trace(replay, &asked, *argv++))
			return -1;
	}
	if (!replay->count) {
		complain("replay: no trace: agentcg replay [OPTIONS] TRACE...");
		return -1;
	}
	finish_intents(replay);
	return take_speed(speed, &replay->speed) || check_arm(replay, arm);
}

int cmd_replay(char **argv)
{
	struct replay replay = {
		.speed = 1,
		.longest = UINT64_MAX,
		.scratch = "/var/tmp",
	};
	int status = EXIT_USAGE;
	sigset_t all;

	if (argv[0] && (!strcmp(argv[0], "--help") || !strcmp(argv[0], "-h") ||
			!strcmp(argv[0], "help"))) {
		printf("%s%s", help, intent_help);
		return EXIT_OK;
	}
	if (!parse(argv, &replay)) {
		sigfillset(&all);
		sigprocmask(SIG_SETMASK, &all, NULL);
		signal(SIGCHLD, SIG_DFL);
		status = run(&replay);
	}
	free_sessions(&replay);
	agentcg_close(replay.handle);
	return status;
}
