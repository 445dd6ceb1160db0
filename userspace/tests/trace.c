// SPDX-License-Identifier: GPL-2.0-only
/* Unit tests of traces: what is read, what is refused, whose memory it was. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../trace.h"
#include "unit.h"

#define SEC	1000000000ull
#define MB	1000000ull

#define META(V, SAMPLES, TOOLS) \
	"{\"k\":\"meta\",\"v\":" #V ",\"task\":\"t\",\"n_samples\":" #SAMPLES \
	",\"n_tools\":" #TOOLS "}\n"
#define CALL(S, E)	"{\"k\":\"tool\",\"s\":" #S ",\"e\":" #E ",\"tool\":\"Bash\"}\n"
#define SAMPLES1(T, MEM) \
	"{\"k\":\"samples\",\"t\":[" T "],\"mem_mb\":[" MEM "]}\n"
#define COLUMNS2(T, ANON, FILE, NPROC) \
	"\"t\":[" T "],\"anon_mb\":[" ANON "],\"file_mb\":[" FILE \
	"],\"nproc\":[" NPROC "]"

static int read_trace(const char *text, size_t len, struct trace *trace,
		      char error[TRACE_ERROR_MAX])
{
	FILE *file = len ? fmemopen((char *)text, len, "r") :
			   fopen("/dev/null", "r");
	int err = trace_read(file, trace, error);

	fclose(file);
	return err;
}

static bool good(const char *text, struct trace *trace)
{
	char error[TRACE_ERROR_MAX];

	if (!read_trace(text, strlen(text), trace, error))
		return true;
	printf("# %s\n", error);
	return false;
}

static void refused(const char *text, size_t len, const char *words,
		    const char *what)
{
	char error[TRACE_ERROR_MAX];
	struct trace trace;
	int err = read_trace(text, len, &trace, error);
	bool ok = err && strstr(error, words) && !strchr(error, '\n');

	check(ok, "refused: %s", what);
	if (!ok)
		printf("# got: %s\n# want: %s\n", error, words);
	trace_free(&trace);
}

static void test_bad_traces(void)
{
	static const struct {
		const char *what;
		const char *text;
		const char *words;
	} bad[] = {
		{ "an empty file", "", "it is empty" },
		{ "no JSON", "hello\n", "line 1: is not JSON" },
		{ "an empty line", META(1, 1, 0) "\n", "line 2: is not JSON" },
		{ "an array", "[1]\n", "line 1: is no line of a trace" },
		{ "no kind", "{\"v\":1}\n", "no \"k\"" },
		{ "a key twice", "{\"k\":\"meta\",\"k\":\"meta\"}\n",
		  "duplicate" },
		{ "no meta line", SAMPLES1("0", "1"),
		  "line 1: a trace begins with its meta line" },
		{ "two meta lines", META(1, 1, 0) META(1, 1, 0),
		  "line 2: there is a second meta line" },
		{ "no version", "{\"k\":\"meta\"}\n", "v is missing" },
		{ "a version of another type", "{\"k\":\"meta\",\"v\":\"1\"}\n",
		  "v is no number" },
		{ "an unknown version", META(3, 1, 0), "version 3: this program knows 1 and 2" },
		{ "an old version", META(0, 1, 0), "version 0" },
		{ "no sample at all", META(1, 0, 0), "n_samples is 0: it cannot be below 1" },
		{ "a meta line alone", META(1, 1, 0), "no samples: the file is cut off" },
		{ "two lines of samples", META(1, 1, 0) SAMPLES1("0", "1")
		  SAMPLES1("1", "1"), "line 3: there is a second samples line" },
		{ "fewer samples than told", META(1, 3, 0)
		  SAMPLES1("0,1", "1,1"), "there are 2 samples, and the meta line tells of 3" },
		{ "columns that differ", META(1, 2, 0) SAMPLES1("0,1", "1"),
		  "mem_mb has 1 values, and t has 2" },
		{ "no column of memory", META(1, 1, 0)
		  "{\"k\":\"samples\",\"t\":[0]}\n", "mem_mb is missing" },
		{ "a column that is none", META(1, 1, 0)
		  "{\"k\":\"samples\",\"t\":0}\n", "t is no array" },
		{ "a word among numbers", META(1, 2, 0)
		  SAMPLES1("0,1", "1,\"x\""), "mem_mb has no number at 1" },
		{ "samples that go back", META(1, 3, 0)
		  SAMPLES1("0,2,1", "1,1,1"), "t goes from 2 to 1: samples are out of order" },
		{ "samples that stand still", META(1, 2, 0)
		  SAMPLES1("1,1", "1,1"), "samples are out of order" },
		{ "a negative time", META(1, 2, 0) SAMPLES1("-1,1", "1,1"),
		  "t is -1: it cannot be below 0" },
		{ "negative memory", META(1, 1, 0) SAMPLES1("0", "-5"),
		  "mem_mb is -5: it cannot be below 0" },
		{ "absurd memory", META(1, 1, 0) SAMPLES1("0", "1e12"),
		  "mem_mb is 1e+12: nothing is above" },
		{ "an absurd time", META(1, 1, 0) SAMPLES1("1e9", "1"),
		  "t is 1e+09: nothing is above" },
		{ "a number beyond all", META(1, 1, 0) SAMPLES1("1e999", "1"),
		  "is not JSON" },
		{ "negative CPU", META(1, 1, 0) "{\"k\":\"samples\",\"t\":[0],\"mem_mb\":[1],\"cpu_pct\":[-1]}\n",
		  "cpu_pct is -1" },
		{ "fewer calls than told", META(1, 1, 2) SAMPLES1("0", "1")
		  CALL(0, 1), "there are 1 calls where the meta line tells of 2" },
		{ "calls out of order", META(1, 1, 2) SAMPLES1("0", "1")
		  CALL(5, 6) CALL(1, 2), "line 4: it begins at 1 s, after one that begins at 5 s: calls are out of order" },
		{ "a call that ends before it begins", META(1, 1, 1)
		  SAMPLES1("0", "1") CALL(2, 1), "ends at 1 s, before it begins at 2 s" },
		{ "a negative begin", META(1, 1, 1) SAMPLES1("0", "1")
		  CALL(-5, 1), "s is -5" },
		{ "a negative end", META(1, 1, 1) SAMPLES1("0", "1")
		  CALL(0, -0.5), "e is -0.5" },
		{ "a call without a begin", META(1, 1, 1) SAMPLES1("0", "1")
		  "{\"k\":\"tool\",\"e\":1}\n", "s is missing" },
		{ "version 2 without its columns", META(2, 1, 0)
		  SAMPLES1("0", "1"), "anon_mb is missing" },
		{ "version 2 with half a call", META(2, 1, 1)
		  "{\"k\":\"samples\"," COLUMNS2("0", "1", "1", "1") "}\n"
		  "{\"k\":\"tool\",\"s\":0,\"e\":1,\"tool\":\"x\",\"t\":[1],\"anon_mb\":[1]}\n",
		  "line 3: file_mb is missing" },
		{ "a call's sample from after it", META(2, 1, 1)
		  "{\"k\":\"samples\"," COLUMNS2("0", "1", "1", "1") "}\n"
		  "{\"k\":\"tool\",\"s\":0,\"e\":1,\"tool\":\"x\","
		  COLUMNS2("2", "1", "0", "1") "}\n",
		  "samples from outside of its time" },
		{ "absurdly many processes", META(2, 1, 0)
		  "{\"k\":\"samples\"," COLUMNS2("0", "1", "1", "1e9") "}\n",
		  "nproc is 1e+09" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		refused(bad[i].text, strlen(bad[i].text), bad[i].words,
			bad[i].what);
}

/* Cut at any byte it is not a trace any more, and never a crash. */
static void test_truncated(void)
{
	static const char text[] = META(1, 2, 1) SAMPLES1("0,1", "1,2")
				   CALL(0.5, 0.75);
	const size_t whole = sizeof(text) - 1;
	char error[TRACE_ERROR_MAX];
	struct trace trace;
	bool all = true;
	size_t len;

	/* Only the newline may be missing from the end. */
	for (len = 0; len + 1 < whole; len++) {
		char *part = strndup(text, len);

		all &= read_trace(part, len, &trace, error) == -1 && error[0];
		trace_free(&trace);
		free(part);
	}
	check(all, "a trace cut at any byte is refused");
	refused(text, whole - 5, "line 3: breaks off: the file is cut off",
		"a line that breaks off");
	check(!read_trace(text, whole, &trace, error), "the whole is not");
	trace_free(&trace);
	refused("\0\0\0\0", 4, "line 1", "zeros");
}

/* With any byte wrong it is refused, or is another trace; never a crash. */
static void test_spoilt(void)
{
	static const char text[] =
		META(2, 2, 1)
		"{\"k\":\"samples\"," COLUMNS2("0,1", "9,8", "0,7", "1,2") "}\n"
		"{\"k\":\"tool\",\"s\":0,\"e\":1,\"tool\":\"x\","
		COLUMNS2("1", "3", "4", "1") "}\n";
	static const char spoil[] = "09-.e\"],}n \n\xff";
	char error[TRACE_ERROR_MAX], copy[sizeof(text)];
	struct trace trace;
	bool all = true;
	size_t i, j;

	for (i = 0; i < sizeof(text) - 1; i++) {
		for (j = 0; j < sizeof(spoil); j++) {
			memcpy(copy, text, sizeof(text));
			copy[i] = spoil[j];
			if (read_trace(copy, sizeof(text) - 1, &trace, error))
				all &= error[0] != '\0';
			else
				all &= !trace_split(&trace);
			trace_free(&trace);
		}
	}
	check(all, "a trace with any byte spoilt");
}

static void test_version_1(void)
{
	static const char text[] =
		META(1, 4, 3)
		"{\"k\":\"samples\",\"t\":[0,1,3,4],\"mem_mb\":[10,20.5,30,0],\"cpu_pct\":[100,50,200,0]}\n"
		"{\"k\":\"exec\",\"t\":[-0.0],\"prog\":[\"sh\"]}\n"
		CALL(-0.09, null)
		"{\"k\":\"tool\",\"s\":2.05,\"e\":2.5,\"tool\":\"b\",\"err\":1}\n"
		"{\"k\":\"tool\",\"s\":2.0,\"e\":6,\"tool\":\"a\"}\n";
	struct trace trace;

	check(good(text, &trace), "a trace of version 1");
	check(trace.version == 1 && trace.whole.count == 3 &&
	      trace.whole.samples[1].at == SEC &&
	      trace.whole.samples[1].anon == 20500000, "its samples");
	check(trace.whole.samples[1].cpu == SEC / 2 &&
	      trace.whole.samples[2].cpu == 4 * SEC, "their CPU time");
	check(trace.call_count == 2 && trace.endless == 1,
	      "a call without an end is left out");
	check_text(trace.calls[0].name, "a", "nearly in order is put in order");
	check(trace.calls[1].failed && !trace.calls[0].failed,
	      "which call failed");
	check(trace.end == 6 * SEC, "it ends with its last call");
	check_text(trace.name, "t", "its name");
	trace_free(&trace);
}

static void test_hires(void)
{
	static const char text[] =
		META(1, 3, 0)
		"{\"k\":\"samples\",\"t\":[0.1,0.2,0.3],\"rss_mb\":[1,2,3],\"cpu_ms\":[10,30,20],\"nproc\":[1,2,1]}\n";
	struct trace trace;

	check(good(text, &trace), "a trace of processes");
	check(trace.whole.samples[2].anon == 3 * MB &&
	      trace.whole.samples[1].nproc == 2, "its memory and processes");
	check(!trace.whole.samples[0].cpu &&
	      trace.whole.samples[1].cpu == 20000000 &&
	      !trace.whole.samples[2].cpu, "CPU time never falls");
	trace_free(&trace);
}

/* Is the series these pairs of seconds and MB of anonymous memory? */
static bool is_series(const struct trace_series *series, size_t count,
		      const double (*want)[2])
{
	size_t i;

	for (i = 0; i < count && i < series->count; i++) {
		const struct trace_sample *got = &series->samples[i];

		if (got->at == (uint64_t)(want[i][0] * SEC) &&
		    got->anon == (uint64_t)(want[i][1] * MB))
			continue;
		printf("# at %zu: %g s, %g MB\n", i, (double)got->at / SEC,
		       (double)got->anon / MB);
		return false;
	}
	return series->count == count;
}

static void test_split(void)
{
	/* a: 2.5 to 5.5, b: 3.5 to 4.5, c: 8.25 to 8.75, between two samples. */
	static const char text[] =
		META(1, 10, 3)
		SAMPLES1("0,1,2,3,4,5,6,7,8,9",
			 "10,120,100,400,700,300,160,130,150,110")
		CALL(2.5, 5.5) CALL(3.5, 4.5) CALL(8.25, 8.75);
	static const double agent[][2] = {
		{ 0, 10 }, { 1, 100 }, { 2, 100 }, { 6, 130 }, { 7, 130 },
		{ 8, 150 }, { 9, 110 },
	};
	static const double a[][2] = { { 3, 300 }, { 4, 300 }, { 5, 200 } };
	static const double b[][2] = { { 4, 300 } };
	/* 130 in the middle, less than the agent had before. */
	static const double c[][2] = { { 8.75, 0 } };
	struct trace trace;

	check(good(text, &trace) && !trace_split(&trace), "split");
	check(is_series(&trace.agent, ARRAY_SIZE(agent), agent),
	      "the agent has what lasts between calls");
	check(is_series(&trace.calls[0].own, ARRAY_SIZE(a), a),
	      "a call has the rest, half of it beside another");
	check(is_series(&trace.calls[1].own, ARRAY_SIZE(b), b),
	      "and the other half");
	check(is_series(&trace.calls[2].own, ARRAY_SIZE(c), c),
	      "a call between two samples");
	trace_free(&trace);
}

static void test_split_short(void)
{
	static const char text[] = META(1, 2, 1) SAMPLES1("0,1", "100,300")
				   CALL(0.25, 0.75);
	static const double own[][2] = { { 0.75, 100 } };
	struct trace trace;

	check(good(text, &trace) && !trace_split(&trace), "split a short one");
	check(is_series(&trace.calls[0].own, 1, own),
	      "a short call has what there was in its middle");
	trace_free(&trace);
}

static void test_split_2(void)
{
	static const char text[] =
		META(2, 3, 1)
		"{\"k\":\"samples\"," COLUMNS2("0,1,2", "10,50,12", "5,25,9", "1,4,1") "}\n"
		"{\"k\":\"tool\",\"s\":0.5,\"e\":1.5,\"tool\":\"x\","
		COLUMNS2("1", "30,", "20", "3") "}\n";
	static const char right[] =
		META(2, 3, 1)
		"{\"k\":\"samples\"," COLUMNS2("0,1,2", "10,50,12", "5,25,9", "1,4,1") "}\n"
		"{\"k\":\"tool\",\"s\":0.5,\"e\":1.5,\"tool\":\"x\","
		COLUMNS2("1", "30", "20", "3") "}\n";
	static const double agent[][2] = { { 0, 10 }, { 1, 20 }, { 2, 12 } };
	struct trace trace;

	refused(text, strlen(text), "line 3: is not JSON", "a stray comma");
	check(good(right, &trace) && !trace_split(&trace),
	      "split version 2");
	check(is_series(&trace.agent, 3, agent), "the agent has the rest");
	check(trace.agent.samples[1].file == 5 * MB &&
	      trace.agent.samples[1].nproc == 1, "of cache and processes, too");
	trace_free(&trace);
}

static void test_forget_cpu(void)
{
	static const char text[] =
		META(1, 3, 1)
		"{\"k\":\"samples\",\"t\":[0,1,2],\"mem_mb\":[10,30,10],\"cpu_pct\":[100,50,100]}\n"
		"{\"k\":\"tool\",\"s\":0.5,\"e\":1.5,\"tool\":\"x\"}\n";
	struct trace trace;
	uint64_t cpu = 0;
	size_t i;

	check(good(text, &trace) && !trace_split(&trace), "split one with CPU");
	trace_forget_cpu(&trace);
	for (i = 0; i < trace.agent.count; i++)
		cpu += trace.agent.samples[i].cpu;
	for (i = 0; i < trace.calls[0].own.count; i++)
		cpu += trace.calls[0].own.samples[i].cpu;
	check(trace.agent.count && trace.calls[0].own.count && !cpu,
	      "none is left to the agent, nor to the call");
	trace_free(&trace);
}

/* What was written is read as it was. */
static void test_round_trip(void)
{
	static const char text[] =
		META(2, 2, 1)
		"{\"k\":\"samples\"," COLUMNS2("0.25,1.125", "10.5,50", "5,25", "1,4")
		",\"cpu_pct\":[100,40]}\n"
		"{\"k\":\"tool\",\"s\":0.5,\"e\":1.5,\"tool\":\"x\",\"err\":1,"
		COLUMNS2("1.125", "30", "20", "3") ",\"cpu_pct\":[80]}\n";
	struct trace first, second;
	char *copy = NULL;
	size_t len = 0;
	FILE *file = open_memstream(&copy, &len);

	check(good(text, &first), "a trace of version 2");
	check(!trace_write(file, &first), "written");
	fclose(file);
	check(good(copy, &second), "and read again");
	check(second.version == TRACE_VERSION && second.whole.count == 2 &&
	      !memcmp(first.whole.samples, second.whole.samples,
		      2 * sizeof(*first.whole.samples)), "the same samples");
	check(second.call_count == 1 && second.calls[0].failed &&
	      second.calls[0].end == first.calls[0].end &&
	      !memcmp(first.calls[0].own.samples, second.calls[0].own.samples,
		      sizeof(*first.calls[0].own.samples)), "the same call");
	trace_free(&first);
	trace_free(&second);
	free(copy);
}

void test_trace(void)
{
	test_bad_traces();
	test_truncated();
	test_spoilt();
	test_version_1();
	test_hires();
	test_split();
	test_split_short();
	test_split_2();
	test_forget_cpu();
	test_round_trip();
}
