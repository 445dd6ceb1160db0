// SPDX-License-Identifier: GPL-2.0-only
/*
 * What agents are told, word for word: every cause with the figures that it
 * comes with, and what must not be told.
 */
#include <jansson.h>
#include <signal.h>
#include <string.h>

#include "../advice.h"
#include "unit.h"

/* Sentences, not essays: with the longest names and figures there are. */
#define LONGEST	600

#define MS	1000000ull
#define SEC	(1000 * MS)
#define MB	(1ull << 20)

#define PROCESS(NAME, PID, SIZE) \
	{ .known = true, .pid = (PID), .uid = 1000, .size = (SIZE), .comm = NAME }

/* What most calls have: 100M with 50M reserved, 3 s, 1 s of CPU. */
#define COURSE \
	.mem = 50 * MB, .peak = 100 * MB, .ran = 3 * SEC, .cpu = SEC, \
	.cpu_known = true, .emptied = true, .bound = 2 * SEC, \
	.deadline = AGENTCG_UNLIMITED
#define KILLED(CAUSE) \
	.cause = AGENTCG_CAUSE_##CAUSE, .signal = SIGKILL
#define EXITED(STATUS) \
	.cause = AGENTCG_CAUSE_EXIT, .exited = true, .exit_code = (STATUS)
#define DEADLINE(CPU) \
	KILLED(DEADLINE), .mem = 50 * MB, .peak = 100 * MB, .ran = 90 * SEC, \
	.deadline = 90 * SEC, .cpu = (CPU), .cpu_known = true
#define BY(SIGNAL) \
	.cause = AGENTCG_CAUSE_SIGNAL, .signal = (SIGNAL), .killed = true, \
	.kill_signal = (SIGNAL), .victim = PROCESS("sh", 20, 0)
#define OOM(LEVEL, LIMIT) \
	.oom = true, .oom_level = AGENTCG_CAUSE_##LEVEL, \
	.oom_limit = (LIMIT), \
	.culprit = PROCESS("python3", 21, 80 * MB)

static const struct {
	struct figures figures;
	const char *survivors;
	const char *json;	/* NULL: nothing is told */
} cases[] = {
	{ { COURSE, EXITED(0) }, NULL,
	  NULL },
	{ { COURSE, EXITED(1) }, NULL,
	  NULL },
	{ { COURSE, EXITED(143) }, NULL,
	  NULL },
	{ { COURSE, EXITED(0), .stalls = 1, .stall = 500 * MS }, NULL,
	  NULL },
	{ { COURSE, EXITED(0), .stalls = 3, .stall = 501 * MS }, NULL,
	  "{\"code\":\"held-back\",\"text\":\"The command was held back for 501ms in 3 stalls because memory was short. "
	  "The whole call had grown to 100M with 50M reserved. "
	  "Declare --mem 110M next time, or run less at once in this session.\",\"try\":[{\"option\":\"--mem\",\"value\":\"110M\"},{\"hint\":\"later\"}]}" },
	{ { COURSE, EXITED(0), .stalls = 1, .stall = 2 * SEC, .exhausted = 1 }, NULL,
	  "{\"code\":\"held-back\",\"text\":\"The command was held back for 2s in 1 stall because memory was short, until its bound was used up. "
	  "The whole call had grown to 100M with 50M reserved. "
	  "Declare --mem 110M next time, or run less at once in this session.\",\"try\":[{\"option\":\"--mem\",\"value\":\"110M\"},{\"hint\":\"later\"}]}" },
	{ { DEADLINE(200 * MS) }, NULL,
	  "{\"code\":\"deadline-idle\",\"text\":\"The command was killed at its deadline of 90s. "
	  "It used 200ms of CPU in that time: "
	  "it probably waited for input, the network or a lock. "
	  "Run it with </dev/null and with options that keep it from asking or watching; "
	  "more time alone is unlikely to help.\",\"try\":[{\"hint\":\"close-stdin\"}]}" },
	{ { DEADLINE(0) }, NULL,
	  "{\"code\":\"deadline-idle\",\"text\":\"The command was killed at its deadline of 90s. "
	  "It used no CPU in that time: "
	  "it probably waited for input, the network or a lock. "
	  "Run it with </dev/null and with options that keep it from asking or watching; "
	  "more time alone is unlikely to help.\",\"try\":[{\"hint\":\"close-stdin\"}]}" },
	{ { DEADLINE(85 * SEC) }, NULL,
	  "{\"code\":\"deadline-busy\",\"text\":\"The command was killed at its deadline of 90s. "
	  "It used 85s of CPU in that time. "
	  "Give it more time (--deadline 180s), or less to do (part of the input, or of the tests, at a time).\",\"try\":[{\"option\":\"--deadline\",\"value\":\"180s\"},{\"hint\":\"less-input\"}]}" },
	{ { DEADLINE(12 * SEC) }, NULL,
	  "{\"code\":\"deadline\",\"text\":\"The command was killed at its deadline of 90s. "
	  "It used 12s of CPU in that time. "
	  "Give it more time (--deadline 180s), or less to do (part of the input, or of the tests, at a time).\",\"try\":[{\"option\":\"--deadline\",\"value\":\"180s\"},{\"hint\":\"less-input\"}]}" },
	{ { DEADLINE(12 * SEC), .stall = 45 * SEC, .stalls = 9 }, NULL,
	  "{\"code\":\"deadline-held\",\"text\":\"The command was killed at its deadline of 90s. "
	  "For 45s of that time it was held back because memory was short. "
	  "The whole call had grown to 100M with 50M reserved. "
	  "Declare --mem 110M, or run less at once in this session, before you give it more time.\",\"try\":[{\"option\":\"--mem\",\"value\":\"110M\"},{\"hint\":\"later\"}]}" },
	{ { COURSE, KILLED(STALL_KILL), .stall = 2 * SEC, .stalls = 1, .exhausted = 1 }, NULL,
	  "{\"code\":\"stall-kill\",\"text\":\"The command was killed: "
	  "it had been held back for 2s (its bound is 2s) waiting for memory that the session could not give. "
	  "The whole call had grown to 100M with 50M reserved. "
	  "Run it with --mem 110M or more, use fewer parallel jobs or part of the input, or wait until other calls of the session have ended.\",\"try\":[{\"option\":\"--mem\",\"value\":\"110M\"},{\"hint\":\"fewer-jobs\"},{\"hint\":\"later\"}]}" },
	{ { COURSE, KILLED(STALL_KILL) }, NULL,
	  "{\"code\":\"stall-kill\",\"text\":\"The command was killed so that another call of the session could go on: "
	  "memory was short, and it can be run again or is of a lower class. "
	  "The whole call had grown to 100M with 50M reserved. "
	  "Run it with --mem 110M or more, use fewer parallel jobs or part of the input, or wait until other calls of the session have ended.\",\"try\":[{\"option\":\"--mem\",\"value\":\"110M\"},{\"hint\":\"fewer-jobs\"},{\"hint\":\"later\"}]}" },
	{ { COURSE, KILLED(HOLD_KILL), .stall = 2 * SEC, .held = 600 * SEC, .stalls = 1, .exhausted = 1 }, NULL,
	  "{\"code\":\"hold-kill\",\"text\":\"The command was killed: "
	  "it had been frozen or waiting for 600s past its stall bound, as long as its session allows, and the memory that it lacked did not come. "
	  "The whole call had grown to 100M with 50M reserved. "
	  "Run it with --mem 110M or more, use fewer parallel jobs or part of the input, or wait until other calls of the session have ended.\",\"try\":[{\"option\":\"--mem\",\"value\":\"110M\"},{\"hint\":\"fewer-jobs\"},{\"hint\":\"later\"}]}" },
	{ { COURSE, KILLED(OWNER_GONE) }, NULL,
	  "{\"code\":\"owner-gone\",\"text\":\"The command was ended because the program that it was tied to had ended or closed its socket, not for want of memory. "
	  "It had run for 3s, used 1s of CPU and grown to 100M. What it has done may be incomplete.\",\"try\":[]}" },
	{ { COURSE, KILLED(OOM), .oom = true, .oom_level = AGENTCG_CAUSE_OOM }, NULL,
	  "{\"code\":\"oom\",\"text\":\"The command was killed for want of memory; "
	  "at which limit is not known. "
	  "The whole call had grown to 100M with 50M reserved. "
	  "Make it smaller (fewer parallel jobs, part of the input, streaming instead of loading), or run it when less else is running: "
	  "the same command again is likely to end the same way.\",\"try\":[{\"hint\":\"fewer-jobs\"},{\"hint\":\"less-input\"},{\"hint\":\"later\"}]}" },
	{ { COURSE, KILLED(OOM_CALL), OOM(OOM_CALL, 100 * MB) }, NULL,
	  "{\"code\":\"oom-call\",\"text\":\"The command was killed for want of memory: "
	  "it met the memory.max of 100M of its own cgroup, or of one inside it. "
	  "The kernel chose python3 (pid 21), which had 80M. "
	  "The whole call had grown to 100M with 50M reserved. "
	  "Make it smaller (fewer parallel jobs, part of the input, streaming instead of loading), or have that limit raised: "
	  "it is not agentcg's.\",\"try\":[{\"hint\":\"fewer-jobs\"},{\"hint\":\"less-input\"}]}" },
	{ { COURSE, KILLED(OOM_SESSION), OOM(OOM_SESSION, 256 * MB) }, NULL,
	  "{\"code\":\"oom-session\",\"text\":\"The command was killed for want of memory: "
	  "its session met its memory.max of 256M. "
	  "The kernel chose python3 (pid 21), which had 80M. "
	  "The whole call had grown to 100M with 50M reserved. "
	  "Make it smaller (fewer parallel jobs, part of the input, streaming instead of loading), or run it when less else is running: "
	  "the same command again is likely to end the same way.\",\"try\":[{\"hint\":\"fewer-jobs\"},{\"hint\":\"less-input\"},{\"hint\":\"later\"}]}" },
	{ { COURSE, KILLED(OOM_ANCESTOR), OOM(OOM_ANCESTOR, 1024 * MB) }, NULL,
	  "{\"code\":\"oom-ancestor\",\"text\":\"The command was killed for want of memory: "
	  "a cgroup above its session met its memory.max of 1G. "
	  "The kernel chose python3 (pid 21), which had 80M. "
	  "The whole call had grown to 100M with 50M reserved. "
	  "Make it smaller (fewer parallel jobs, part of the input, streaming instead of loading), or run it when less else is running: "
	  "the same command again is likely to end the same way.\",\"try\":[{\"hint\":\"fewer-jobs\"},{\"hint\":\"less-input\"},{\"hint\":\"later\"}]}" },
	{ { COURSE, KILLED(OOM_NODE), OOM(OOM_NODE, 2048 * MB) }, NULL,
	  "{\"code\":\"oom-node\",\"text\":\"The command was killed for want of memory: "
	  "the machine had used up its memory of 2G. "
	  "The kernel chose python3 (pid 21), which had 80M. "
	  "The whole call had grown to 100M with 50M reserved. "
	  "Make it smaller (fewer parallel jobs, part of the input, streaming instead of loading), or run it when less else is running: "
	  "the same command again is likely to end the same way.\",\"try\":[{\"hint\":\"fewer-jobs\"},{\"hint\":\"less-input\"},{\"hint\":\"later\"}]}" },
	{ { COURSE, KILLED(OOM_USER_SPACE), .killed = true, .kill_signal = SIGKILL, .sender = PROCESS("systemd-oomd", 300, 0), .victim = PROCESS("sh", 20, 0) }, NULL,
	  "{\"code\":\"oom-user-space\",\"text\":\"The command was killed for want of memory: "
	  "a program that watches the memory of the machine chose it, systemd-oomd (pid 300). "
	  "The whole call had grown to 100M with 50M reserved. "
	  "Make it smaller (fewer parallel jobs, part of the input, streaming instead of loading), or run it when less else is running: "
	  "the same command again is likely to end the same way.\",\"try\":[{\"hint\":\"fewer-jobs\"},{\"hint\":\"less-input\"},{\"hint\":\"later\"}]}" },
	{ { COURSE, KILLED(OOM_USER_SPACE) }, NULL,
	  "{\"code\":\"oom-user-space\",\"text\":\"The command was killed for want of memory: "
	  "a program that watches the memory of the machine chose it. "
	  "The whole call had grown to 100M with 50M reserved. "
	  "Make it smaller (fewer parallel jobs, part of the input, streaming instead of loading), or run it when less else is running: "
	  "the same command again is likely to end the same way.\",\"try\":[{\"hint\":\"fewer-jobs\"},{\"hint\":\"less-input\"},{\"hint\":\"later\"}]}" },
	{ { COURSE, EXITED(137), OOM(OOM_SESSION, 256 * MB) }, NULL,
	  "{\"code\":\"oom-beside\",\"text\":\"A process of the command was killed for want of memory: "
	  "its session met its memory.max of 256M. "
	  "The kernel chose python3 (pid 21), which had 80M. "
	  "The command itself exited with status 137: "
	  "what it has done may be incomplete. "
	  "Make it smaller (fewer parallel jobs, part of the input, streaming instead of loading), or run it when less else is running: "
	  "the same command again is likely to end the same way.\",\"try\":[{\"hint\":\"fewer-jobs\"},{\"hint\":\"less-input\"},{\"hint\":\"later\"}]}" },
	{ { COURSE, EXITED(0), OOM(OOM_CALL, 256 * MB) }, NULL,
	  "{\"code\":\"oom-beside\",\"text\":\"A process of the command was killed for want of memory: "
	  "it met the memory.max of 256M of its own cgroup, or of one inside it. "
	  "The kernel chose python3 (pid 21), which had 80M. "
	  "The command itself exited with status 0: "
	  "what it has done may be incomplete. "
	  "Make it smaller (fewer parallel jobs, part of the input, streaming instead of loading), or have that limit raised: "
	  "it is not agentcg's.\",\"try\":[{\"hint\":\"fewer-jobs\"},{\"hint\":\"less-input\"}]}" },
	{ { COURSE, BY(SIGTERM), OOM(OOM_NODE, 0), .sender = PROCESS("bash", 9, 0) }, NULL,
	  "{\"code\":\"oom-beside\",\"text\":\"A process of the command was killed for want of memory: "
	  "the machine had used up its memory. "
	  "The kernel chose python3 (pid 21), which had 80M. "
	  "The command itself was ended by SIGTERM: "
	  "what it has done may be incomplete. "
	  "Make it smaller (fewer parallel jobs, part of the input, streaming instead of loading), or run it when less else is running: "
	  "the same command again is likely to end the same way.\",\"try\":[{\"hint\":\"fewer-jobs\"},{\"hint\":\"less-input\"},{\"hint\":\"later\"}]}" },
	{ { COURSE, KILLED(USER_KILL) }, NULL,
	  "{\"code\":\"user-kill\",\"text\":\"The command was ended by a request to kill it (agentcg tool kill), not for want of memory. "
	  "It had run for 3s, used 1s of CPU and grown to 100M. "
	  "Find out why before you run it again.\",\"try\":[]}" },
	{ { COURSE, KILLED(USER_KILL), .killed = true, .kill_signal = SIGKILL, .sender = PROCESS("agentcg", 9, 0) }, NULL,
	  "{\"code\":\"user-kill\",\"text\":\"The command was ended by a request to kill it (agentcg tool kill) from agentcg (pid 9), uid 1000, not for want of memory. "
	  "It had run for 3s, used 1s of CPU and grown to 100M. "
	  "Find out why before you run it again.\",\"try\":[]}" },
	{ { COURSE, KILLED(POLICY_KILL) }, NULL,
	  "{\"code\":\"policy-kill\",\"text\":\"The command was ended by the policy of this machine, not for want of memory. "
	  "It had run for 3s, used 1s of CPU and grown to 100M. "
	  "Find out why before you run it again.\",\"try\":[]}" },
	{ { COURSE, BY(SIGKILL), .sender = PROCESS("bash", 9, 0) }, NULL,
	  "{\"code\":\"signal\",\"text\":\"The command was ended by SIGKILL from bash (pid 9), uid 1000. "
	  "It had run for 3s, used 1s of CPU and grown to 100M. "
	  "The kernel did not kill it for want of memory. "
	  "Find out why before you run it again.\",\"try\":[]}" },
	{ { COURSE, BY(SIGKILL), .sender = PROCESS("bash", 0, 0) }, NULL,
	  "{\"code\":\"signal\",\"text\":\"The command was ended by SIGKILL from bash, uid 1000. "
	  "It had run for 3s, used 1s of CPU and grown to 100M. "
	  "The kernel did not kill it for want of memory. "
	  "Find out why before you run it again.\",\"try\":[]}" },
	{ { COURSE, BY(SIGKILL) }, NULL,
	  "{\"code\":\"signal\",\"text\":\"The command was ended by SIGKILL from the kernel itself. "
	  "It had run for 3s, used 1s of CPU and grown to 100M. "
	  "The kernel did not kill it for want of memory. "
	  "Perhaps it met a limit of CPU time (ulimit -t), or its parent ended.\",\"try\":[]}" },
	{ { COURSE, BY(SIGKILL), .sender = PROCESS("sh", 20, 0) }, NULL,
	  "{\"code\":\"signal\",\"text\":\"The command was ended by SIGKILL, which it sent itself. "
	  "It had run for 3s, used 1s of CPU and grown to 100M. "
	  "The kernel did not kill it for want of memory.\",\"try\":[]}" },
	{ { COURSE, KILLED(SIGNAL) }, NULL,
	  "{\"code\":\"signal\",\"text\":\"The command was ended by SIGKILL; "
	  "who sent it is not known. "
	  "It had run for 3s, used 1s of CPU and grown to 100M. "
	  "The kernel did not kill it for want of memory. "
	  "Find out why before you run it again.\",\"try\":[]}" },
	{ { COURSE, BY(SIGTERM), .sender = PROCESS("timeout", 9, 0) }, NULL,
	  "{\"code\":\"signal\",\"text\":\"The command was ended by SIGTERM from timeout (pid 9), uid 1000. "
	  "It had run for 3s, used 1s of CPU and grown to 100M. "
	  "Find out why before you run it again.\",\"try\":[]}" },
	{ { COURSE, BY(SIGTERM), .sender = PROCESS("agentcg", 9, 0) }, NULL,
	  NULL },
	{ { COURSE, BY(SIGTERM), .sender = PROCESS("sh", 20, 0) }, NULL,
	  NULL },
	{ { COURSE, BY(SIGINT) }, NULL,
	  NULL },
	{ { COURSE, BY(SIGPIPE) }, NULL,
	  NULL },
	{ { COURSE, BY(SIGSEGV) }, NULL,
	  "{\"code\":\"crash\",\"text\":\"The command crashed with SIGSEGV (Segmentation fault). "
	  "It had run for 3s, used 1s of CPU and grown to 100M. "
	  "No limit of agentcg ended it: "
	  "look for the fault in the command or its input.\",\"try\":[]}" },
	{ { COURSE, BY(SIGABRT), .sender = PROCESS("sh", 20, 0) }, NULL,
	  "{\"code\":\"crash\",\"text\":\"The command crashed with SIGABRT (Aborted). "
	  "It had run for 3s, used 1s of CPU and grown to 100M. "
	  "No limit of agentcg ended it: "
	  "look for the fault in the command or its input.\",\"try\":[]}" },
	{ { COURSE, BY(SIGABRT), .sender = PROCESS("watchdog", 9, 0) }, NULL,
	  "{\"code\":\"signal\",\"text\":\"The command was ended by SIGABRT from watchdog (pid 9), uid 1000. "
	  "It had run for 3s, used 1s of CPU and grown to 100M. "
	  "Find out why before you run it again.\",\"try\":[]}" },
	{ { COURSE, BY(SIGXCPU) }, NULL,
	  "{\"code\":\"rlimit\",\"text\":\"The command was ended by SIGXCPU: "
	  "it met its limit of CPU time (ulimit -t). "
	  "It had run for 3s, used 1s of CPU and grown to 100M. "
	  "That limit is not agentcg's: "
	  "raise it, or give the command less to do.\",\"try\":[{\"hint\":\"less-input\"}]}" },
	{ { COURSE, BY(SIGXFSZ) }, NULL,
	  "{\"code\":\"rlimit\",\"text\":\"The command was ended by SIGXFSZ: "
	  "it met its limit of the size of a file (ulimit -f). "
	  "It had run for 3s, used 1s of CPU and grown to 100M. "
	  "That limit is not agentcg's: "
	  "raise it, or give the command less to do.\",\"try\":[{\"hint\":\"less-input\"}]}" },
	{ { COURSE, EXITED(143), .killed = true, .kill_signal = SIGTERM, .victim = PROCESS("tsc", 22, 0), .sender = PROCESS("bash", 9, 0) }, NULL,
	  "{\"code\":\"killed-beside\",\"text\":\"A process of the command, tsc (pid 22), was ended by SIGTERM from bash (pid 9), uid 1000; "
	  "the command itself exited with status 143. "
	  "The kernel killed none of it for want of memory. "
	  "Find out why that process was ended before you run it again.\",\"try\":[]}" },
	{ { COURSE, EXITED(137), .killed = true, .kill_signal = SIGKILL, .victim = PROCESS("tsc", 22, 0) }, NULL,
	  "{\"code\":\"killed-beside\",\"text\":\"A process of the command, tsc (pid 22), was ended by SIGKILL from the kernel itself; "
	  "the command itself exited with status 137. "
	  "The kernel killed none of it for want of memory. "
	  "Find out why that process was ended before you run it again.\",\"try\":[]}" },
	{ { COURSE, EXITED(0), .killed = true, .kill_signal = SIGTERM, .victim = PROCESS("tsc", 22, 0), .sender = PROCESS("bash", 9, 0) }, NULL,
	  NULL },
	{ { COURSE, EXITED(137) }, NULL,
	  "{\"code\":\"status-137\",\"text\":\"The command exited with status 137, by which shells tell of SIGKILL. "
	  "The kernel killed none of its processes for want of memory, and nobody outside of the call ended one: "
	  "it came from inside. "
	  "It had run for 3s, used 1s of CPU and grown to 100M.\",\"try\":[]}" },
	{ { COURSE, EXITED(0), .reap = true, .survived = 1 }, "sleep (pid 23)",
	  "{\"code\":\"reaped\",\"text\":\"1 process outlived the command and was killed: "
	  "sleep (pid 23). "
	  "Run the command with --keep if it is meant to go on after it.\",\"try\":[{\"option\":\"--keep\"}]}" },
	{ { COURSE, EXITED(3), .reap = true, .survived = 2 }, "node (pid 23), esbuild (pid 24)",
	  "{\"code\":\"reaped\",\"text\":\"2 processes outlived the command and were killed: "
	  "node (pid 23), esbuild (pid 24). "
	  "Run the command with --keep if they are meant to go on after it.\",\"try\":[{\"option\":\"--keep\"}]}" },
	{ { COURSE, EXITED(3), .survived = 2 }, "node (pid 23), esbuild (pid 24)",
	  NULL },
	{ { .cause = AGENTCG_CAUSE_EMPTY }, NULL,
	  NULL },
	{ { .cause = AGENTCG_CAUSE_RUNNING }, NULL,
	  NULL },
	{ { COURSE, EXITED(3), .reap = true, .survived = 1, .killed = true, .kill_signal = SIGKILL, .victim = PROCESS("sleep", 22, 0), .sender = PROCESS("agentcg", 9, 0) }, "sleep (pid 23)",
	  "{\"code\":\"reaped\",\"text\":\"1 process outlived the command and was killed: "
	  "sleep (pid 23). "
	  "Run the command with --keep if it is meant to go on after it.\",\"try\":[{\"option\":\"--keep\"}]}" },
	{ { COURSE, EXITED(3), .killed = true, .kill_signal = SIGKILL, .sender = PROCESS("bash", 9, 0) }, NULL,
	  NULL },
};

static void test_longest(void)
{
	const struct process process = {
		.known = true, .pid = 4194304, .uid = UINT32_MAX,
		.size = 1023ull << 40, .comm = "fifteen-letters",
	};
	struct figures f = {
		.cpu_known = true, .cpu = UINT64_MAX / 2, .ran = UINT64_MAX / 4,
		.deadline = UINT64_MAX / 4, .mem = UINT64_MAX / 2,
		.peak = UINT64_MAX / 2, .emptied = true, .reap = true,
		.survived = UINT64_MAX, .stalls = UINT64_MAX,
		.bound = UINT64_MAX / 2, .exhausted = 1,
		.oom_limit = 1023ull << 40, .kill_signal = SIGKILL,
		.signal = SIGKILL, .exit_code = 255,
		.sender = process, .victim = process, .culprit = process,
	};
	char survivors[300];
	size_t longest = 0;
	unsigned int bits;

	memset(survivors, 'x', sizeof(survivors) - 1);
	survivors[sizeof(survivors) - 1] = '\0';
	for (f.cause = 0; f.cause <= AGENTCG_CAUSE_EMPTY; f.cause++) {
		for (bits = 0; bits < 16; bits++) {
			struct advice advice;

			f.oom = bits & 1;
			f.killed = bits & 2;
			f.exited = bits & 4;
			f.stall = bits & 8 ? UINT64_MAX / 2 : 0;
			f.oom_level = f.cause;
			if (advise(&f, survivors, &advice) &&
			    strlen(advice.text) > longest)
				longest = strlen(advice.text);
		}
	}
	check(longest <= LONGEST, "the longest text has %zu characters", longest);
}

static bool in_list(const char *const *list, const json_t *word)
{
	for (; *list; list++)
		if (!strcmp(*list, json_string_value(word)))
			return true;
	return false;
}

/* The words of the schema are those of the program. */
static void test_words(void)
{
	json_t *schema = json_load_file(SCHEMA, 0, NULL);
	json_t *receipt = json_object_get(json_object_get(schema, "$defs"),
					  "receipt");
	json_t *feedback = json_object_get(json_object_get(json_array_get(
		json_object_get(receipt, "oneOf"), 0), "properties"), "feedback");
	json_t *codes = json_object_get(json_object_get(json_object_get(
		feedback, "properties"), "code"), "enum");
	json_t *tries = json_object_get(json_object_get(json_object_get(
		json_object_get(feedback, "properties"), "try"), "items"), "oneOf");
	json_t *hints = json_object_get(json_object_get(json_object_get(
		json_array_get(tries, 1), "properties"), "hint"), "enum");
	size_t i, known = 0;
	json_t *word;

	json_array_foreach(codes, i, word)
		known += in_list(advice_codes, word);
	check(known == json_array_size(codes) && known && !advice_codes[known],
	      "codes of the schema");
	known = 0;
	json_array_foreach(hints, i, word)
		known += in_list(advice_hints, word);
	check(known == json_array_size(hints) && known && !advice_hints[known],
	      "hints of the schema");
	json_decref(schema);
}

/* Every code is among the cases. */
static void test_complete(void)
{
	size_t i, k;

	for (i = 0; advice_codes[i]; i++) {
		char code[64];
		bool found = false;

		snprintf(code, sizeof(code), "\"code\":\"%s\"", advice_codes[i]);
		for (k = 0; k < ARRAY_SIZE(cases) && !found; k++)
			found = cases[k].json && strstr(cases[k].json, code);
		check(found, "there is a case of %s", advice_codes[i]);
	}
}

static void test_unmanaged(void)
{
	struct advice advice;
	char *text;
	json_t *value;

	advise_unmanaged(90 * SEC, &advice);
	value = advice_json(&advice);
	text = json_dumps(value, JSON_COMPACT);
	check_text(text, "{\"code\":\"deadline\",\"text\":\"The command was killed at its deadline of 90s. "
	  "Give it more time (--deadline 180s), or less to do (part of the input, or of the tests, at a time).\",\"try\":[{\"option\":\"--deadline\",\"value\":\"180s\"},{\"hint\":\"less-input\"}]}", "past a deadline, unmanaged");
	json_decref(value);
	free(text);
}

void test_advice(void)
{
	struct advice advice;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		bool trouble = advise(&cases[i].figures,
				      cases[i].survivors ?: "", &advice);
		json_t *value = trouble ? advice_json(&advice) : json_null();
		char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
		char name[64];

		snprintf(name, sizeof(name), "advice %zu: %s", i,
			 trouble ? advice.code : "none");
		check_text(text, cases[i].json ?: "null", name);
		json_decref(value);
		free(text);
	}
	test_longest();
	test_words();
	test_complete();
	test_unmanaged();
}
