// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unit tests of everything that needs no kernel: what people type, what the
 * kernel might send, and what is made of both. Built with ASan and UBSan; the
 * output is TAP.
 *
 * main.c is linked in with its main() renamed, and netlink.c is included, so
 * that its statics can be called.
 */
#undef main
#include "../lib/netlink.c"

#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "../advice.h"
#include "../deadline.h"
#include "../main.h"
#include "../means.h"
#include "../options.h"
#include "../output.h"
#include "../receipt.h"
#include "../size.h"
#include "../variables.h"
#include "unit.h"

int agentcg_main(int argc, char **argv);

static int count;
static int failures;

void check(bool ok, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	printf("%sok %d - ", ok ? "" : "not ", ++count);
	vprintf(fmt, args);
	putchar('\n');
	va_end(args);
	failures += !ok;
}

void check_text(const char *got, const char *want, const char *name)
{
	bool ok = got && !strcmp(got, want);

	check(ok, "%s", name);
	if (!ok)
		printf("# got:  %s\n# want: %s\n", got ?: "(null)", want);
}

/* ---- catching what goes to stderr ---- */

static int saved_stderr = -1;
static FILE *caught;

static void catch_stderr(void)
{
	fflush(stderr);
	saved_stderr = dup(STDERR_FILENO);
	caught = tmpfile();
	dup2(fileno(caught), STDERR_FILENO);
}

static const char *caught_stderr(void)
{
	static char text[4096];
	size_t len;

	fflush(stderr);
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	rewind(caught);
	len = fread(text, 1, sizeof(text) - 1, caught);
	text[len] = '\0';
	fclose(caught);
	return text;
}

/* ---- sizes, durations, numbers ---- */

static void test_sizes(void)
{
	static const struct {
		const char *text;
		uint64_t value;
	} good[] = {
		{ "0", 0 }, { "1", 1 }, { "4096", 4096 }, { "100B", 100 },
		{ "1K", 1024 }, { "1k", 1024 }, { "1Ki", 1024 },
		{ "1KiB", 1024 }, { "512M", 512ull << 20 },
		{ "2G", 2ull << 30 }, { "2Gi", 2ull << 30 },
		{ "3T", 3ull << 40 }, { "3TiB", 3ull << 40 },
		{ "1.5G", 3ull << 29 }, { "0.5K", 512 }, { "0.25M", 262144 },
		{ "1.000000000001T", 1ull << 40 },
		{ "9223372036854775807", INT64_MAX },
		{ "8388607T", 8388607ull << 40 }, { "max", UINT64_MAX },
	};
	static const char *const bad[] = {
		"", " ", "K", "-1", "+1", "1 K", " 1", "1KB", "1Kib", "1KiBx",
		"1.", "1.5", ".5G", "1e3", "0x10", "1P", "MAX", "max ", "1\n",
		"9223372036854775808", "18446744073709551616", "8388608T",
		"99999999999999999999999999", "18014398509481984K", "1..5K",
	};
	uint64_t value;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(good); i++)
		check(!parse_size(good[i].text, &value) &&
		      value == good[i].value, "size \"%s\"", good[i].text);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		check(parse_size(bad[i], &value) != NULL,
		      "size %zu is refused: \"%.*s\"", i,
		      (int)strcspn(bad[i], "\n"), bad[i]);
}

static void test_durations(void)
{
	static const struct {
		const char *text;
		uint64_t value;
	} good[] = {
		{ "0", 0 }, { "1", 1000000000 }, { "1s", 1000000000 },
		{ "250ms", 250000000 }, { "10us", 10000 }, { "7ns", 7 },
		{ "2m", 120000000000ull }, { "1h", 3600000000000ull },
		{ "0.5", 500000000 }, { "1.5s", 1500000000 },
		{ "9223372036s", 9223372036000000000ull },
	};
	static const char *const bad[] = {
		"", "s", "-1s", "1 s", "1sec", "1d", "1.s", "max", "1S",
		"9223372037s", "99999999999999999999", "2562048h",
	};
	uint64_t value;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(good); i++)
		check(!parse_duration(good[i].text, &value) &&
		      value == good[i].value, "duration \"%s\"", good[i].text);
	check(!parse_timeout("1.5s", &value) && value == 1500000000,
	      "timeout \"1.5s\"");
	check(!parse_timeout("max", &value) && value == UINT64_MAX,
	      "timeout \"max\"");
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		check(parse_duration(bad[i], &value) != NULL,
		      "duration \"%s\" is refused", bad[i]);
}

static void test_numbers(void)
{
	uint64_t value;

	check(!parse_number("1", 1, 10000, &value) && value == 1,
	      "number at its minimum");
	check(!parse_number("10000", 1, 10000, &value) && value == 10000,
	      "number at its maximum");
	check_text(parse_number("0", 1, 10000, &value),
		   "is not a number from 1 to 10000", "number too small");
	check(parse_number("10001", 1, 10000, &value) != NULL,
	      "number too large");
	check(parse_number("1.0", 1, 10000, &value) != NULL,
	      "number with a fraction");
	check(parse_number("", 0, 10000, &value) != NULL, "empty number");
	check(parse_number("5x", 0, 10000, &value) != NULL,
	      "number with a tail");
	check(!parse_number("18446744073709551615", 0, UINT64_MAX, &value) &&
	      value == UINT64_MAX, "largest number");
}

static void test_human(void)
{
	char buf[HUMAN_MAX];

	check_text(human_size(0, buf), "0", "human size 0");
	check_text(human_size(1023, buf), "1023", "human size 1023");
	check_text(human_size(1024, buf), "1K", "human size 1K");
	check_text(human_size(1536, buf), "1.5K", "human size 1.5K");
	check_text(human_size(512ull << 20, buf), "512M", "human size 512M");
	check_text(human_size((1ull << 40) + (1ull << 39), buf), "1.5T",
		   "human size 1.5T");
	check_text(human_size(UINT64_MAX - 1, buf), "16777215T",
		   "human size, largest");
	check_text(human_size(UINT64_MAX, buf), "max", "human size max");
	check_text(human_duration(0, buf), "0", "human duration 0");
	check_text(human_duration(999, buf), "999ns", "human duration ns");
	check_text(human_duration(1500, buf), "1.5us", "human duration us");
	check_text(human_duration(301001380, buf), "301ms",
		   "human duration ms");
	check_text(human_duration(2000000000, buf), "2s", "human duration s");
}

/* ---- options ---- */

static int parse_intent(struct intent_args *args, const char *const *words)
{
	struct option_def table[INTENT_OPTIONS + 1];
	char **argv = (char **)words;
	int ret;

	intent_options(table, args)->name = NULL;
	ret = parse_options(table, &argv);
	intent_finish(args);
	return ret;
}

static void test_intent_options(void)
{
	const char *const words[] = {
		"--mem", "512M", "--burst=2G", "--class", "batch", "--wei", "7",
		"--stall", "500ms", "--on-exhaust", "kill", "--restartable",
		"--label", "pytest", "--tag", "a=b", "--tag", "c=",
		"--warn-before", "5", "--survivors", "reap", "--", "x", NULL
	};
	const struct agentcg_intent *in;
	struct intent_args args;

	check(!parse_intent(&args, words), "intent options parse");
	in = &args.intent;
	check(in->mem == 512ull << 20 && in->burst == 2ull << 30,
	      "sizes of the intent");
	check(in->cls == AGENTCG_CLASS_BATCH && in->weight == 7,
	      "class and weight of the intent");
	check(in->stall == 500000000 &&
	      in->on_exhaust == AGENTCG_ON_EXHAUST_KILL &&
	      in->restartable == 1, "stall, on-exhaust, restartable");
	check(!strcmp(in->label, "pytest") && in->tag_count == 2 &&
	      !strcmp(in->tags[0], "a=b") && !strcmp(in->tags[1], "c="),
	      "label and tags of the intent");
	check(in->warn_before == 5000000000 &&
	      in->survivors == AGENTCG_SURVIVORS_REAP,
	      "warn-before and survivors of the intent");
	check(!(in->set & (1ull << AGENTCG_A_INTENT_DEADLINE)) &&
	      (in->set & (1ull << AGENTCG_A_INTENT_TAG)),
	      "only what was given is set");
}

static void test_bad_options(void)
{
	static const struct {
		const char *words[24];
		const char *message;
	} bad[] = {
		{ { "--mem", "5X" }, "agentcg: --mem: \"5X\" is not a size: use bytes, or K, M, G, T (1024-based), as in 512M\n" },
		{ { "--mem", "max" }, "agentcg: --mem: \"max\" is not possible here: name a size\n" },
		{ { "--mem" }, "agentcg: --mem: a value is missing\n" },
		{ { "--class", "fast" }, "agentcg: --class: \"fast\" is not known: use interactive, latency, batch or besteffort\n" },
		{ { "--on-exhaust", "die" }, "agentcg: --on-exhaust: \"die\" is not known: use overdraft, kill, freeze or wait\n" },
		{ { "--weight", "0" }, "agentcg: --weight: \"0\" is not a number from 1 to 10000\n" },
		{ { "--stall", "1d" }, "agentcg: --stall: \"1d\" is not a duration: use seconds, or ns, us, ms, s, m, h, as in 500ms\n" },
		{ { "--deadline", "0" }, "agentcg: --deadline: \"0\" would end it as it begins: use more, or max for none\n" },
		{ { "--deadline", "0.0000000001s" }, "agentcg: --deadline: \"0.0000000001s\" would end it as it begins: use more, or max for none\n" },
		{ { "--warn-before", "max" }, "agentcg: --warn-before: \"max\" is not a duration: use seconds, or ns, us, ms, s, m, h, as in 500ms\n" },
		{ { "--survivors", "eat" }, "agentcg: --survivors: \"eat\" is not known: use keep or reap\n" },
		{ { "--tag", "novalue" }, "agentcg: --tag: \"novalue\" is not of the form KEY=VALUE\n" },
		{ { "--tag", "=v" }, "agentcg: --tag: \"=v\" is not of the form KEY=VALUE\n" },
		{ { "--restartable=yes" }, "agentcg: --restartable: takes no value\n" },
		{ { "--bogus" }, "agentcg: --bogus: no such option: see agentcg help\n" },
		{ { "-m" }, "agentcg: -m: no such option: see agentcg help\n" },
		{ { "--l" "=" "0123456789012345678901234567890123456789012345678901234567890123" },
		  "agentcg: --label: 64 bytes are too long: use at most 63\n" },
		{ { "--tag", "a=", "--tag", "b=", "--tag", "c=", "--tag", "d=",
		    "--tag", "e=", "--tag", "f=", "--tag", "g=", "--tag", "h=",
		    "--tag", "i=" },
		  "agentcg: --tag: there are more than 8: leave some out\n" },
		{ { "--=" }, "agentcg: --: could be several options: write it out\n" },
	};
	struct intent_args args;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		int ret;

		catch_stderr();
		ret = parse_intent(&args, bad[i].words);
		check_text(caught_stderr(), bad[i].message, bad[i].words[0]);
		check(ret == -1, "%s is refused", bad[i].words[0]);
	}
}

static void test_operands(void)
{
	static char *words[] = { "a", "--mem", "1K", "b", NULL };
	const char *operands[2];
	uint64_t mem = 0;
	const struct option_def options[] = {
		{ "mem", OPTION_SIZE, &mem, 0, NULL },
		{ .name = NULL }
	};

	check(!parse_all(options, words, operands, 2) && mem == 1024 &&
	      !strcmp(operands[0], "a") && !strcmp(operands[1], "b"),
	      "options between operands");
	catch_stderr();
	check(parse_all(options, words, operands, 1) == -1,
	      "too many operands");
	check_text(caught_stderr(),
		   "agentcg: b: not expected here: see agentcg help\n",
		   "too many operands are named");
}

/* ---- whole command lines that end before the kernel is asked ---- */

static void test_command_lines(void)
{
	static const struct {
		const char *words[8];
		int status;
		const char *message;
	} lines[] = {
		{ { "bogus" }, 2, "agentcg: bogus: no such command: see agentcg help\n" },
		{ { "r" }, 2, "agentcg: r: run or receipt? write it out\n" },
		{ { "-x" }, 2, "agentcg: -x: no such option: see agentcg help\n" },
		{ { "session", "add", "/s" }, 2, "agentcg: session add: --budget SIZE is needed, as in --budget 4G\n" },
		{ { "session", "add" }, 2, "agentcg: session: name a CGROUP\n" },
		{ { "session", "del" }, 2, "agentcg: session del: name a CGROUP\n" },
		{ { "session", "set", "/s" }, 2, "agentcg: session set: nothing to set: see agentcg session help\n" },
		{ { "session", "set", "/s", "--adopt" }, 2, "agentcg: session set: --adopt and --hold belong to session add\n" },
		{ { "tool", "kill" }, 2, "agentcg: tool kill: name a CALL: see agentcg tool show\n" },
		{ { "tool", "set", "5" }, 2, "agentcg: tool set: nothing to set: see agentcg tool help\n" },
		{ { "node", "set" }, 2, "agentcg: node set: give --capacity SIZE or --reserve SIZE\n" },
		{ { "receipt", "show", "x" }, 2, "agentcg: receipt show: \"x\" is not a number from 1 to 18446744073709551615: use the id of a call\n" },
		{ { "event", "--count", "0" }, 2, "agentcg: --count: \"0\" is not a number from 1 to 4294967295\n" },
		{ { "env", "--format", "xml" }, 2, "agentcg: --format: \"xml\" is not known: use shell or env\n" },
		{ { "run" }, 125, "agentcg: run: no command: agentcg run [OPTIONS] -- CMD ARG...\n" },
		{ { "run", "--receipt", "/dev/null/x", "true" }, 125, "agentcg: --receipt /dev/null/x: Not a directory: name a file that can be written\n" },
		{ { "run", "--keep", "--reap", "true" }, 125, "agentcg: --reap, --keep, --survivors: give one of them\n" },
		{ { "run", "--require", "maybe", "true" }, 125, "agentcg: --require: \"maybe\" is not known: use never or always\n" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		char *argv[10] = { (char *)"agentcg" };
		int status;

		memcpy(argv + 1, lines[i].words, sizeof(lines[i].words));
		catch_stderr();
		status = agentcg_main(0, argv);
		check_text(caught_stderr(), lines[i].message,
			   lines[i].words[0]);
		check(status == lines[i].status, "its status is %d",
		      lines[i].status);
	}
}

/* ---- cgroup names ---- */

static void test_cgroup_names(void)
{
	struct agentcg *handle = agentcg_open();

	strcpy(handle->root, "/cg");
	check_text(agentcg_cgroup_tail(handle, "/cg/a/b"), "/a/b", "tail");
	check_text(agentcg_cgroup_tail(handle, "/cg"), "/", "tail of the root");
	check_text(agentcg_cgroup_tail(handle, "/cgx/a"), "/cgx/a",
		   "tail of something else");
	agentcg_close(handle);

	check(agentcg_word_in("cpu memory pids\n", "memory"), "word inside");
	check(agentcg_word_in("cpu memory pids\n", "pids"), "last word");
	check(!agentcg_word_in("cpuset io\n", "cpu"), "part of a word");
	check(agentcg_word_in("cpuset cpu\n", "cpu"), "after part of a word");
	check(!agentcg_word_in("", "cpu"), "no words");
}

/* ---- deadlines ---- */

#define SEC	1000000000ull

static void test_deadline(void)
{
	struct deadline d = { .begun = 1000 * SEC };

	deadline_set(&d, DEADLINE_NEVER, 5 * SEC);
	check(d.due == DEADLINE_NEVER, "no deadline, nothing is due");
	deadline_set(&d, 60 * SEC, 0);
	check(d.due == 1060 * SEC, "without a warning the end is due");
	deadline_set(&d, 60 * SEC, 6 * SEC);
	check(d.due == 1054 * SEC, "first the warning is due");
	check(deadline_look(&d, 1053 * SEC) == DEADLINE_AHEAD, "not yet");
	check(deadline_look(&d, 1054 * SEC) == DEADLINE_WARN, "the warning");
	check(d.due == 1060 * SEC, "then the end is due");
	check(deadline_look(&d, 1055 * SEC) == DEADLINE_AHEAD,
	      "it warns once");
	deadline_set(&d, 600 * SEC, 6 * SEC);
	check(d.due == 1594 * SEC, "put off, it warns again");
	deadline_set(&d, 10 * SEC, 60 * SEC);
	check(deadline_look(&d, 1000 * SEC) == DEADLINE_WARN,
	      "a warning longer than the deadline comes at once");
	check(deadline_look(&d, 1010 * SEC) == DEADLINE_MET &&
	      d.due == DEADLINE_NEVER, "met, nothing is due any more");
	d.warned = 0;
	deadline_set(&d, 10 * SEC, SEC);
	check(deadline_look(&d, 1011 * SEC) == DEADLINE_MET,
	      "late, it does not warn of what is over");
	check(deadline_left(&d, 1009 * SEC + 1) == SEC &&
	      deadline_left(&d, 1009 * SEC + SEC / 2 + SEC / 50) == SEC / 2 &&
	      !deadline_left(&d, 1011 * SEC), "what is left");
	check(!deadline_warning(9 * SEC) && deadline_warning(10 * SEC) == SEC &&
	      deadline_warning(3600 * SEC) == 30 * SEC,
	      "how long before it people are warned");
}

/* ---- CPUs and memory ---- */

static void test_means(void)
{
	static const struct {
		const char *text;
		unsigned int cpus;
	} quotas[] = {
		{ "max 100000\n", 0 }, { "100000 100000\n", 1 },
		{ "150000 100000\n", 2 }, { "1000 100000\n", 1 },
		{ "400000 50000\n", 8 }, { "", 0 }, { "5 0\n", 0 },
	}, lists[] = {
		{ "0-3\n", 4 }, { "0\n", 1 }, { "0-1,8,10-11\n", 5 },
		{ "\n", 0 }, { "", 0 }, { "3-1\n", 0 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(quotas); i++)
		check(means_quota(quotas[i].text) == quotas[i].cpus,
		      "CPUs of quota %zu", i);
	for (i = 0; i < ARRAY_SIZE(lists); i++)
		check(means_count(lists[i].text) == lists[i].cpus,
		      "CPUs of list %zu", i);
}

static void add_variable(const char *name, const char *value, void *arg)
{
	json_object_set_new(arg, name, json_string(value));
}

/* What is set of one variable where it has a value already; "-": nothing. */
static void check_variable(const char *name, const char *old, const char *want)
{
	const struct means means = { .cpus = 4, .memory = 1000ull << 20 };
	json_t *object = json_object();
	char text[96];

	if (old)
		setenv(name, old, 1);
	else
		unsetenv(name);
	variables_of(&means, add_variable, object);
	snprintf(text, sizeof(text), "%s after \"%s\"", name, old ?: "");
	check_text(json_string_value(json_object_get(object, name)) ?: "-",
		   want, text);
	unsetenv(name);
	json_decref(object);
}

static void test_variables(void)
{
	const struct means unlimited = { .cpus = 2, .memory = UINT64_MAX };
	json_t *object = json_object();

	check_variable("NPROC", "99", "4");
	check_variable("OMP_NUM_THREADS", NULL, "4");
	check_variable("GOMEMLIMIT", NULL, "900MiB");
	check_variable("MAKEFLAGS", NULL, "-j4");
	check_variable("MAKEFLAGS", "-k -s", "-k -s -j4");
	check_variable("MAKEFLAGS", "-k -j -s", "-k -s -j4");
	check_variable("MAKEFLAGS", "-j64", "-j4");
	check_variable("MAKEFLAGS", "--jobs=64 -k", "-k -j4");
	check_variable("MAKEFLAGS", "-j2", "-");
	check_variable("MAKEFLAGS", "-j4", "-");
	check_variable("MAKEFLAGS", " -j8 --jobserver-auth=3,4", "-");
	check_variable("NODE_OPTIONS", NULL, "--max-old-space-size=750");
	check_variable("NODE_OPTIONS", "--no-warnings",
		       "--no-warnings --max-old-space-size=750");
	check_variable("NODE_OPTIONS", "--max_old_space_size=4096 --no-warnings",
		       "--no-warnings --max-old-space-size=750");
	check_variable("NODE_OPTIONS", "--max-old-space-size=512", "-");
	variables_of(&unlimited, add_variable, object);
	check(json_object_get(object, "MAKEFLAGS") &&
	      !json_object_get(object, "GOMEMLIMIT") &&
	      !json_object_get(object, "NODE_OPTIONS"),
	      "no memory is set where nothing limits it");
	json_decref(object);
}

/* ---- records ---- */

static void test_attributes(void)
{
	static const struct {
		unsigned int object;
		unsigned int max;
		const char *name;
	} sets[] = {
		{ AGENTCG_OBJECT_INFO, AGENTCG_A_INFO_MAX, "info" },
		{ AGENTCG_OBJECT_NODE, AGENTCG_A_NODE_MAX, "node" },
		{ AGENTCG_OBJECT_INTENT, AGENTCG_A_INTENT_MAX, "intent" },
		{ AGENTCG_OBJECT_SESSION, AGENTCG_A_SESSION_MAX, "session" },
		{ AGENTCG_OBJECT_TOOL, AGENTCG_A_TOOL_MAX, "tool" },
		{ AGENTCG_OBJECT_EVENT, AGENTCG_A_EVENT_MAX, "event" },
		{ AGENTCG_OBJECT_PROCESS, AGENTCG_A_PROCESS_MAX, "process" },
		{ AGENTCG_OBJECT_KILLER, AGENTCG_A_KILLER_MAX, "killer" },
		{ AGENTCG_OBJECT_OOM, AGENTCG_A_OOM_MAX, "oom" },
		{ AGENTCG_OBJECT_POLICY, AGENTCG_A_POLICY_MAX, "policy" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sets); i++) {
		bool complete = true;
		unsigned int attr;

		for (attr = 1; attr <= sets[i].max; attr++)
			complete &= agentcg_attr(sets[i].object, attr) != NULL;
		check(complete, "every attribute of %s is described",
		      sets[i].name);
		check(!agentcg_attr(sets[i].object, sets[i].max + 1),
		      "none is beyond the last of %s", sets[i].name);
	}
	check(!agentcg_attr(99, 1), "no such attribute set");
	check(agentcg_class_name(AGENTCG_CLASS_BESTEFFORT) &&
	      !agentcg_class_name(AGENTCG_CLASS_BESTEFFORT + 1) &&
	      !agentcg_class_name(~0u), "classes have names");
	check(agentcg_cause_name(AGENTCG_CAUSE_OWNER_GONE) &&
	      !agentcg_cause_name(AGENTCG_CAUSE_OWNER_GONE + 1),
	      "causes have names");
	check(agentcg_event_type_name(AGENTCG_EVENT_TYPE_POLICY_EVENT) &&
	      !agentcg_event_type_name(AGENTCG_EVENT_TYPE_POLICY_EVENT + 1),
	      "event types have names");
	check_text(agentcg_capability_name((unsigned int)
			__builtin_ctz(AGENTCG_CAPABILITY_SCHED_EXT)),
		   "sched-ext", "capabilities are named by bit");
}

/* ---- the schema of the JSON output ---- */

/* The attribute of this name, or NULL. */
static const struct agentcg_attr *attr_named(unsigned int object,
					     const char *name)
{
	const struct agentcg_attr *attr;
	unsigned int i;

	for (i = 1; (attr = agentcg_attr(object, i)); i++)
		if (attr->type != AGENTCG_TYPE_NONE && !strcmp(attr->name, name))
			return attr;
	return NULL;
}

static bool same_names(const json_t *names, const char *const *want)
{
	size_t i;

	for (i = 0; want[i]; i++)
		if (strcmp(json_string_value(json_array_get(names, i)) ?: "",
			   want[i]))
			return false;
	return json_array_size(names) == i;
}

static bool has_type(const json_t *value, const char *type)
{
	return !strcmp(json_string_value(json_object_get(value, "type")) ?: "",
		       type);
}

static bool is_integer(const json_t *value, bool or_null)
{
	static const char *const both[] = { "integer", "null", NULL };

	return or_null ? same_names(json_object_get(value, "type"), both) :
			 has_type(value, "integer");
}

/* Does the schema say of a property what the library's table says? */
static bool as_described(const struct agentcg_attr *attr, const json_t *value,
			 const json_t *properties)
{
	const json_t *items = json_object_get(value, "items");
	char key[64];

	snprintf(key, sizeof(key), "%s-utc", attr->name);
	if ((attr->type == AGENTCG_TYPE_INSTANT) !=
	    (json_object_get(properties, key) != NULL))
		return false;
	switch (attr->type) {
	case AGENTCG_TYPE_BOOL:
		return has_type(value, "boolean");
	case AGENTCG_TYPE_ENUM:
		return same_names(json_object_get(value, "enum"), attr->names);
	case AGENTCG_TYPE_FLAGS:
		return same_names(json_object_get(items, "enum"), attr->names);
	case AGENTCG_TYPE_STRING:
		return has_type(value, "string");
	case AGENTCG_TYPE_STRINGS:
		return has_type(value, "array") && has_type(items, "string");
	case AGENTCG_TYPE_NEST:
		return json_object_get(value, "$ref") != NULL;
	case AGENTCG_TYPE_NESTS:
		return has_type(value, "array") &&
		       json_object_get(items, "$ref") != NULL;
	default:
		return is_integer(value, attr->type == AGENTCG_TYPE_LIMIT ||
					 attr->type == AGENTCG_TYPE_TIMEOUT);
	}
}

/* What session show adds of its own. */
static bool is_added(const char *key)
{
	static const char *const added[] = {
		"available", "available-by", "cpus", "cpus-by",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(added); i++)
		if (!strcmp(key, added[i]))
			return true;
	return false;
}

static void check_properties(const char *name, unsigned int object,
			     json_t *properties)
{
	const char *key;
	json_t *value;
	bool ok = json_object_size(properties) > 0;

	json_object_foreach(properties, key, value) {
		const struct agentcg_attr *attr = attr_named(object, key);
		bool fits = attr ? as_described(attr, value, properties) :
				   strstr(key, "-utc") || is_added(key);

		if (!fits)
			printf("# %s: %s differs\n", name, key);
		ok &= fits;
	}
	check(ok, "the schema of %s is what the library knows", name);
}

/*
 * The library's table is written by hand, the schema is made from the spec:
 * each attribute that a reply may have is the same in both.
 */
static void test_schema(void)
{
	static const struct {
		const char *name;
		unsigned int object;
		/* Attributes of it that this reply has not. */
		unsigned int less;
	} replies[] = {
		{ "info", AGENTCG_OBJECT_INFO, 0 },
		{ "node", AGENTCG_OBJECT_NODE, 0 },
		{ "intent", AGENTCG_OBJECT_INTENT, 0 },
		/*
		 * restored-high is session-del's; what the tool adds is not the
		 * library's.
		 */
		{ "session", AGENTCG_OBJECT_SESSION, 1 },
		{ "session-del", AGENTCG_OBJECT_SESSION, ~0u },
		/* name is what tool-make is asked for. */
		{ "tool", AGENTCG_OBJECT_TOOL, 1 },
		{ "event", AGENTCG_OBJECT_EVENT, 0 },
		{ "process", AGENTCG_OBJECT_PROCESS, 0 },
		{ "killer", AGENTCG_OBJECT_KILLER, 0 },
		{ "oom", AGENTCG_OBJECT_OOM, 0 },
		{ "policy", AGENTCG_OBJECT_POLICY, 0 },
	};
	json_t *schema = json_load_file(SCHEMA, 0, NULL);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(replies); i++) {
		json_t *properties = json_object_get(json_object_get(
			json_object_get(schema, "$defs"), replies[i].name),
			"properties");
		const struct agentcg_attr *attr;
		unsigned int k, missing = 0;

		check_properties(replies[i].name, replies[i].object,
				 properties);
		for (k = 1; (attr = agentcg_attr(replies[i].object, k)); k++)
			missing += attr->type != AGENTCG_TYPE_NONE &&
				   !json_object_get(properties, attr->name);
		check(replies[i].less == ~0u || missing == replies[i].less,
		      "the schema of %s is complete", replies[i].name);
	}
	json_decref(schema);
}

static struct agentcg_record record_of(struct nl_msg *msg, unsigned int object)
{
	return (struct agentcg_record){
		.data = genlmsg_attrdata(genlmsg_hdr(nlmsg_hdr(msg)), 0),
		.len = (uint32_t)genlmsg_attrlen(genlmsg_hdr(nlmsg_hdr(msg)), 0),
		.object = object,
	};
}

static struct nl_msg *new_message(int cmd)
{
	struct nl_msg *msg = nlmsg_alloc_size(SEND_MAX);

	genlmsg_put(msg, 0, 1, 100, 0, NLM_F_REQUEST, (uint8_t)cmd, 1);
	return msg;
}

static char *json_of(const struct agentcg_record *record)
{
	json_t *value = record_json(record);
	char *text = json_dumps(value, JSON_COMPACT);

	json_decref(value);
	return text;
}

static void test_intent_json(void)
{
	static const char *const tags[] = { "a=b", "c=d" };
	const struct agentcg_intent intent = {
		.size = sizeof(intent),
		.set = (1ull << (AGENTCG_A_INTENT_MAX + 1)) - 1,
		.label = "py\"test", .tags = tags, .tag_count = 2,
		.cls = AGENTCG_CLASS_LATENCY, .mem = 1ull << 40,
		.burst = UINT64_MAX, .stall = 5, .deadline = 6, .weight = 10000,
		.on_exhaust = AGENTCG_ON_EXHAUST_WAIT, .pids = 9,
		.restartable = 1, .conflict = "db", .warn_before = 3,
		.survivors = AGENTCG_SURVIVORS_REAP,
	};
	struct nl_msg *msg = new_message(AGENTCG_CMD_TOOL_SET);
	struct agentcg_record record, inner;
	char *text;

	check(!agentcg_nl_put_intent(msg, AGENTCG_A_TOOL_INTENT, &intent),
	      "an intent becomes attributes");
	record = record_of(msg, AGENTCG_OBJECT_TOOL);
	text = json_of(&record);
	check_text(text,
		   "{\"intent\":{\"label\":\"py\\\"test\",\"tag\":[\"a=b\",\"c=d\"],"
		   "\"mem\":1099511627776,\"burst\":null,\"class\":\"latency\","
		   "\"weight\":10000,\"stall\":5,\"on-exhaust\":\"wait\","
		   "\"restartable\":true,\"deadline\":6,\"pids\":9,"
		   "\"conflict\":\"db\",\"warn-before\":3,"
		   "\"survivors\":\"reap\"}}", "an intent as JSON");
	free(text);
	inner = agentcg_record_nest(&record, AGENTCG_A_TOOL_INTENT);
	check(agentcg_record_uint(&inner, AGENTCG_A_INTENT_MEM, 0) ==
	      1ull << 40, "a number in a nest");
	check_text(agentcg_record_string(&inner, AGENTCG_A_INTENT_CONFLICT),
		   "db", "a string in a nest");
	inner = agentcg_record_nest(&record, AGENTCG_A_TOOL_LIMITS);
	check(agentcg_record_uint(&inner, AGENTCG_A_INTENT_MEM, 7) == 7,
	      "a nest that is not there is empty");
	nlmsg_free(msg);
}

static void test_intent_sizes(void)
{
	struct agentcg_intent intent = AGENTCG_INTENT_INIT;
	struct nl_msg *msg = new_message(AGENTCG_CMD_TOOL_SET);
	struct agentcg_record record;
	char *text;

	/* A program that was built before deadline and all after it came. */
	intent.size = offsetof(struct agentcg_intent, deadline);
	intent.set = 1ull << AGENTCG_A_INTENT_MEM |
		     1ull << AGENTCG_A_INTENT_WEIGHT;
	intent.mem = 5;
	intent.weight = 77;
	check(!agentcg_nl_put_intent(msg, AGENTCG_A_TOOL_INTENT, &intent),
	      "a shorter intent");
	record = record_of(msg, AGENTCG_OBJECT_TOOL);
	text = json_of(&record);
	check_text(text, "{\"intent\":{\"mem\":5,\"weight\":0}}",
		   "nothing is read beyond its size");
	free(text);
	nlmsg_free(msg);
}

static void test_session_json(void)
{
	struct nl_msg *msg = new_message(AGENTCG_CMD_SESSION_GET);
	struct agentcg_record record;
	char *text;

	nla_put_u64(msg, AGENTCG_A_SESSION_MEMORY_MAX, UINT64_MAX);
	nla_put_u32(msg, AGENTCG_A_SESSION_FD, 5);
	nla_put_u32(msg, AGENTCG_A_SESSION_MAX_CLASS, 77);
	nla_put_string(msg, AGENTCG_A_SESSION_PATH, "/a\xff" "b");
	nla_put_u64(msg, 9999, 1);
	record = record_of(msg, AGENTCG_OBJECT_SESSION);
	text = json_of(&record);
	check_text(text, "{\"path\":\"/a?b\",\"max-class\":\"77\",\"memory-max\":null}",
		   "limits, unknown values, unknown attributes, bad UTF-8");
	free(text);
	nlmsg_free(msg);
}

static void test_instants(void)
{
	struct nl_msg *msg = new_message(AGENTCG_CMD_EVENT);
	struct agentcg_record record;
	const char *utc;
	json_t *value;

	nla_put_u64(msg, AGENTCG_A_EVENT_TIME, 1500000000);
	record = record_of(msg, AGENTCG_OBJECT_EVENT);
	value = record_json(&record);
	check(json_integer_value(json_object_get(value, "time")) == 1500000000,
	      "an instant as boot time");
	utc = json_string_value(json_object_get(value, "time-utc"));
	check(utc && strlen(utc) == 24 && utc[10] == 'T' && utc[23] == 'Z',
	      "an instant as RFC 3339");
	json_decref(value);
	nlmsg_free(msg);
}

/* A nest that may be there more than once, and those that are not there. */
static void test_survivors_json(void)
{
	struct nl_msg *msg = new_message(AGENTCG_CMD_TOOL_GET);
	struct agentcg_field field = { .data = NULL };
	struct agentcg_record record, inner;
	struct nlattr *nest;
	uint32_t pid;
	char *text;

	for (pid = 7; pid < 9; pid++) {
		nest = nla_nest_start(msg, AGENTCG_A_TOOL_SURVIVOR);
		nla_put_u32(msg, AGENTCG_A_PROCESS_PID, pid);
		nla_put_string(msg, AGENTCG_A_PROCESS_COMM, "sleep");
		nla_nest_end(msg, nest);
	}
	nla_put_u64(msg, AGENTCG_A_TOOL_SURVIVED, 2);
	record = record_of(msg, AGENTCG_OBJECT_TOOL);
	text = json_of(&record);
	check_text(text, "{\"survived\":2,\"survivor\":[{\"pid\":7,\"comm\":\"sleep\"},"
		   "{\"pid\":8,\"comm\":\"sleep\"}]}", "an array of nests");
	free(text);
	inner = agentcg_record_nest(&record, AGENTCG_A_TOOL_SURVIVOR);
	check(agentcg_record_uint(&inner, AGENTCG_A_PROCESS_PID, 0) == 7,
	      "the first of them");
	inner = agentcg_record_nest(&record, AGENTCG_A_TOOL_OOM);
	check(!inner.data && inner.object == AGENTCG_OBJECT_OOM,
	      "a nest that is not there after others");
	while (agentcg_record_next(&record, &field))
		if (field.attr == AGENTCG_A_TOOL_SURVIVED)
			break;
	check(!agentcg_field_nest(&record, &field).data,
	      "an attribute that is no nest");
	nlmsg_free(msg);
}

/* Every way of cutting a message short must end well: ASan watches. */
static void test_cut_records(void)
{
	struct nl_msg *msg = new_message(AGENTCG_CMD_TOOL_GET);
	struct agentcg_intent intent = AGENTCG_INTENT_INIT;
	struct agentcg_record record, cut;
	uint32_t len;

	intent.set = 1ull << AGENTCG_A_INTENT_LABEL;
	intent.label = "x";
	nla_put_u64(msg, AGENTCG_A_TOOL_ID, 5);
	agentcg_nl_put_intent(msg, AGENTCG_A_TOOL_INTENT, &intent);
	nla_put(msg, AGENTCG_A_TOOL_PATH, 3, "abc");
	nla_put(msg, AGENTCG_A_TOOL_PEAK, 3, "abc");
	nla_put(msg, AGENTCG_A_TOOL_CAUSE, 0, NULL);
	record = record_of(msg, AGENTCG_OBJECT_TOOL);
	check(!agentcg_record_string(&record, AGENTCG_A_TOOL_PATH),
	      "a string without its end is none");
	check(agentcg_record_uint(&record, AGENTCG_A_TOOL_PEAK, 9) == 9,
	      "a number of no width is none");
	for (len = 0; len <= record.len; len++) {
		void *copy = malloc(len ?: 1);
		char *text;

		memcpy(copy, record.data, len);
		cut = record;
		cut.data = copy;
		cut.len = len;
		text = json_of(&cut);
		free(text);
		free(copy);
	}
	check(true, "records cut anywhere");
	nlmsg_free(msg);
}

/* ---- refusals ---- */

static struct agentcg *handle_with(struct nl_msg *request)
{
	struct agentcg *handle = agentcg_open();

	handle->msg = request;
	return handle;
}

/* An error message as the kernel would send it, with or without attributes. */
static const char *refusal(struct agentcg *handle, int error, const char *text,
			   uint32_t offset, uint32_t missing)
{
	struct nl_msg *msg = nlmsg_alloc_size(SEND_MAX);
	struct nlmsghdr *nlh;
	struct nlmsgerr *nlerr;

	nlh = nlmsg_put(msg, 0, 1, NLMSG_ERROR, 0, NLM_F_CAPPED | NLM_F_ACK_TLVS);
	nlerr = nlmsg_reserve(msg, sizeof(*nlerr), NLMSG_ALIGNTO);
	memset(nlerr, 0, sizeof(*nlerr));
	nlerr->error = error;
	nlerr->msg = *nlmsg_hdr(handle->msg);
	if (text)
		nla_put_string(msg, NLMSGERR_ATTR_MSG, text);
	if (offset)
		nla_put_u32(msg, NLMSGERR_ATTR_OFFS, offset);
	if (missing)
		nla_put_u32(msg, NLMSGERR_ATTR_MISS_TYPE, missing);
	check(take_error(handle, nlh) == error, "the error itself");
	nlmsg_free(msg);
	return agentcg_strerror(handle);
}

static uint32_t offset_of(struct nl_msg *msg, const void *at)
{
	return (uint32_t)((const char *)at - (const char *)nlmsg_hdr(msg));
}

static void test_refusals(void)
{
	struct agentcg_intent intent = AGENTCG_INTENT_INIT;
	struct nl_msg *msg = new_message(AGENTCG_CMD_TOOL_SET);
	struct agentcg *handle = handle_with(msg);
	struct agentcg_record record, inner;
	struct agentcg_field field = { .data = NULL };
	uint32_t at;

	intent.set = 1ull << AGENTCG_A_INTENT_MEM |
		     1ull << AGENTCG_A_INTENT_STALL;
	nla_put_u32(msg, AGENTCG_A_TOOL_FD, 3);
	agentcg_nl_put_intent(msg, AGENTCG_A_TOOL_INTENT, &intent);
	record = record_of(msg, AGENTCG_OBJECT_TOOL);
	inner = agentcg_record_nest(&record, AGENTCG_A_TOOL_INTENT);
	agentcg_record_next(&inner, &field);
	agentcg_record_next(&inner, &field);
	at = offset_of(msg, field.data) - NLA_HDRLEN;

	check_text(refusal(handle, -ENOENT, NULL, 0, 0),
		   "tool-set: No such file or directory", "a bare errno");
	check_text(refusal(handle, -EINVAL, "too long", at, 0),
		   "stall: too long", "the attribute in a nest is named");
	check_text(refusal(handle, -ERANGE, "stall 7 is above 6", at, 0),
		   "tool-set: stall 7 is above 6",
		   "an attribute that the kernel names is not named twice");
	check_text(refusal(handle, -EBADF, "fd: no directory",
			   offset_of(msg, record.data), 0),
		   "tool-set: no directory", "a descriptor is not named");
	check_text(refusal(handle, -EINVAL, "fdx", offset_of(msg, record.data),
			   0), "tool-set: fdx", "other words are left alone");
	check_text(refusal(handle, -EINVAL, "odd", at + 1, 0),
		   "tool-set: odd", "an offset between attributes");
	check_text(refusal(handle, -EINVAL, "odd", 100000, 0),
		   "tool-set: odd", "an offset beyond the request");
	check_text(refusal(handle, -EINVAL, NULL, 0, AGENTCG_A_TOOL_INTENT),
		   "intent: attribute missing", "a missing attribute is named");
	check_text(refusal(handle, -EINVAL, NULL, 0, 4711),
		   "tool-set: attribute missing", "an unknown one is not");
	agentcg_close(handle);
}

static int count_records(const struct agentcg_record *record, void *arg)
{
	(void)record;
	++*(int *)arg;
	return 0;
}

/* Whatever stands in the receive buffer, nothing beyond it is looked at. */
static void test_cut_replies(void)
{
	struct agentcg *handle = handle_with(new_message(AGENTCG_CMD_TOOL_GET));
	struct nl_msg *reply = new_message(AGENTCG_CMD_TOOL_GET);
	int len, total, seen = 0;
	bool overtaken = false;

	nla_put_u64(reply, AGENTCG_A_TOOL_ID, 5);
	total = (int)nlmsg_hdr(reply)->nlmsg_len;
	memcpy(handle->buf, nlmsg_hdr(reply), (size_t)total);
	for (len = 0; len < total; len++)
		take_replies(handle, len, count_records, &seen, &overtaken);
	check(!seen, "no record is taken from a reply that was cut");
	check(take_replies(handle, total, count_records, &seen, &overtaken) ==
	      1 && seen == 1, "a whole reply");
	((struct nlmsghdr *)handle->buf)->nlmsg_seq = 99;
	check(take_replies(handle, total, count_records, &seen, &overtaken) ==
	      0 && seen == 1, "the reply to another request");
	((struct nlmsghdr *)handle->buf)->nlmsg_seq = 1;
	((struct nlmsghdr *)handle->buf)->nlmsg_len = NLMSG_HDRLEN;
	check(take_replies(handle, total, count_records, &seen, &overtaken) ==
	      -EPROTO, "a reply without a header of its own");
	((struct nlmsghdr *)handle->buf)->nlmsg_type = NLMSG_ERROR;
	check(take_replies(handle, total, count_records, &seen, &overtaken) ==
	      -EPROTO, "an error without an error in it");
	nlmsg_free(reply);
	agentcg_close(handle);
}

/* ---- receipts ---- */

static struct nl_msg *receipt_message(unsigned int cause, unsigned int sig,
				      uint64_t stall)
{
	struct agentcg_intent limits = AGENTCG_INTENT_INIT;
	struct nl_msg *msg = new_message(AGENTCG_CMD_RECEIPT_GET);

	limits.set = 1ull << AGENTCG_A_INTENT_MEM |
		     1ull << AGENTCG_A_INTENT_STALL;
	limits.mem = 50ull << 20;
	limits.stall = 2000000000;
	nla_put_u64(msg, AGENTCG_A_TOOL_ID, 5);
	agentcg_nl_put_intent(msg, AGENTCG_A_TOOL_LIMITS, &limits);
	nla_put_u64(msg, AGENTCG_A_TOOL_PEAK, 100ull << 20);
	nla_put_u64(msg, AGENTCG_A_TOOL_STALLS, stall ? 1 : 0);
	nla_put_u64(msg, AGENTCG_A_TOOL_STALL_TOTAL, stall);
	nla_put_u32(msg, AGENTCG_A_TOOL_CAUSE, cause);
	if (sig)
		nla_put_u32(msg, AGENTCG_A_TOOL_EXIT_SIGNAL, sig);
	return msg;
}

static void put_process(struct nl_msg *msg, int attr, uint32_t pid,
			const char *comm, uint64_t size)
{
	struct nlattr *nest = nla_nest_start(msg, attr);

	if (pid)
		nla_put_u32(msg, AGENTCG_A_PROCESS_PID, pid);
	nla_put_string(msg, AGENTCG_A_PROCESS_COMM, comm);
	nla_put_u32(msg, AGENTCG_A_PROCESS_UID, 1000);
	if (size)
		nla_put_u64(msg, AGENTCG_A_PROCESS_SIZE, size);
	nla_nest_end(msg, nest);
}

/* Everything that a receipt can prove is read out of it. */
static void test_figures(void)
{
	struct nl_msg *msg = receipt_message(AGENTCG_CAUSE_SIGNAL, SIGKILL, 5);
	struct agentcg_record record;
	struct nlattr *nest;
	struct figures f;
	char names[32];

	nla_put_u64(msg, AGENTCG_A_TOOL_BEGUN, 1000);
	nla_put_u64(msg, AGENTCG_A_TOOL_EMPTIED, 4000);
	nla_put_u64(msg, AGENTCG_A_TOOL_CPU_TIME, 0);
	nest = nla_nest_start(msg, AGENTCG_A_TOOL_KILLER);
	nla_put_u32(msg, AGENTCG_A_KILLER_SIGNAL, SIGKILL);
	put_process(msg, AGENTCG_A_KILLER_SENDER, 0, "ba\nsh", 0);
	put_process(msg, AGENTCG_A_KILLER_VICTIM, 8, "a name that is too long", 0);
	nla_nest_end(msg, nest);
	nest = nla_nest_start(msg, AGENTCG_A_TOOL_OOM);
	nla_put_u32(msg, AGENTCG_A_OOM_LEVEL, AGENTCG_CAUSE_OOM_SESSION);
	nla_put_u64(msg, AGENTCG_A_OOM_LIMIT, 7);
	put_process(msg, AGENTCG_A_OOM_CULPRIT, 9, "node", 6);
	nla_nest_end(msg, nest);
	nla_put_u64(msg, AGENTCG_A_TOOL_SURVIVED, 3);
	put_process(msg, AGENTCG_A_TOOL_SURVIVOR, 10, "sleep", 0);
	put_process(msg, AGENTCG_A_TOOL_SURVIVOR, 11, "x", 0);
	put_process(msg, AGENTCG_A_TOOL_SURVIVOR, 12, "yes", 0);
	record = record_of(msg, AGENTCG_OBJECT_TOOL);
	figures_read(&record, &f);
	check(f.cause == AGENTCG_CAUSE_SIGNAL && f.signal == SIGKILL &&
	      !f.exited, "how it ended");
	check(f.ran == 3000 && f.cpu_known && !f.cpu && f.emptied &&
	      f.stall == 5 && f.mem == 50ull << 20 && f.peak == 100ull << 20,
	      "its course");
	check(f.deadline == AGENTCG_UNLIMITED && !f.reap, "limits not told");
	check(f.killed && f.sender.known && !f.sender.pid &&
	      f.victim.pid == 8 && f.sender.uid == 1000, "its killer");
	check_text(f.sender.comm, "ba?sh", "a name is printable");
	check_text(f.victim.comm, "a name that is ", "a name is cut");
	check(f.oom && f.oom_level == AGENTCG_CAUSE_OOM_SESSION &&
	      f.oom_limit == 7 && f.culprit.pid == 9 &&
	      f.culprit.size == 6, "its OOM kill");
	check(list_survivors(&record, names, sizeof(names)) == 2,
	      "as many survivors as there is room for");
	check_text(names, "sleep (pid 10), x (pid 11)", "their names");
	nlmsg_free(msg);
}

static void test_receipt_json(void)
{
	struct nl_msg *msg = receipt_message(AGENTCG_CAUSE_EXIT, 0, 0);
	struct agentcg_record record = record_of(msg, AGENTCG_OBJECT_TOOL);
	json_t *value = receipt_json(&record);

	check(json_is_true(json_object_get(value, "enforced")),
	      "a receipt of the module is enforced");
	check(!json_object_get(value, "advice"), "no trouble, no advice");
	check_text(json_string_value(json_object_get(value, "cause")), "exit",
		   "the cause of a receipt");
	json_decref(value);
	nlmsg_free(msg);
}

int main(void)
{
	test_sizes();
	test_durations();
	test_numbers();
	test_human();
	test_intent_options();
	test_bad_options();
	test_operands();
	test_command_lines();
	test_cgroup_names();
	test_deadline();
	test_means();
	test_variables();
	test_attributes();
	test_schema();
	test_intent_json();
	test_intent_sizes();
	test_session_json();
	test_instants();
	test_survivors_json();
	test_cut_records();
	test_refusals();
	test_cut_replies();
	test_figures();
	test_advice();
	test_receipt_json();
	test_trace();
	test_play();
	test_saved();
	printf("1..%d\n", count);
	return failures != 0;
}
