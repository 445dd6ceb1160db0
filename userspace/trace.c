// SPDX-License-Identifier: GPL-2.0-only
/* Reading, checking and writing traces. */
#include "trace.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define NSEC_PER_SEC	1e9
#define NSEC_PER_MSEC	1e6
#define MB		1e6	/* the format's, decimal */

/* Beyond these a number is a mistake and not a measurement. */
#define LONGEST_S	(90 * 86400.0)
#define LARGEST_MB	(64 * 1024.0 * 1024.0)
#define BUSIEST_PCT	1e6
#define MOST_PROCS	4194304.0

/* How long before the first sample a call may have begun. */
#define EARLY_S		1.0

/* Parallel calls are logged in the order in which they were made or answered. */
#define ORDER_SLACK	(uint64_t)(0.1 * NSEC_PER_SEC)

/* Columns longer than this do not belong to an agent. */
#define LINE_MAX_BYTES	(256u << 20)

/* ---- series ---- */

int trace_add(struct trace_series *series, const struct trace_sample *sample)
{
	if (series->count == series->room) {
		size_t room = series->room * 2 ?: 64;
		struct trace_sample *more;

		more = reallocarray(series->samples, room, sizeof(*more));
		if (!more)
			return -1;
		series->samples = more;
		series->room = room;
	}
	series->samples[series->count++] = *sample;
	return 0;
}

void trace_free(struct trace *trace)
{
	size_t i;

	for (i = 0; i < trace->call_count; i++)
		free(trace->calls[i].own.samples);
	free(trace->calls);
	free(trace->whole.samples);
	free(trace->agent.samples);
	memset(trace, 0, sizeof(*trace));
}

/* ---- reading ---- */

struct reader {
	struct trace *trace;
	char *error;
	size_t line;
	size_t told_samples;
	size_t told_calls;
	size_t tools;
	size_t room;		/* of trace->calls */
	bool begun;		/* there was a meta line */
	bool sampled;
};

static int __attribute__((format(printf, 2, 3)))
wrong(struct reader *reader, const char *fmt, ...)
{
	va_list args;
	int at;

	at = snprintf(reader->error, TRACE_ERROR_MAX, "line %zu: ",
		      reader->line);
	va_start(args, fmt);
	vsnprintf(reader->error + at, TRACE_ERROR_MAX - (size_t)at, fmt, args);
	va_end(args);
	return -1;
}

static int wrong_number(struct reader *reader, const char *key, double value,
			double min, double max)
{
	if (value < min)
		return wrong(reader, "%s is %g: it cannot be below %g", key,
			     value, min);
	return wrong(reader, "%s is %g: nothing is above %g", key, value, max);
}

/* A number that has to be there. */
static int take_number(struct reader *reader, json_t *line, const char *key,
		       double min, double max, double *value)
{
	json_t *number = json_object_get(line, key);

	if (!json_is_number(number))
		return wrong(reader, "%s is %s", key,
			     number ? "no number" : "missing");
	*value = json_number_value(number);
	if (*value < min || *value > max)
		return wrong_number(reader, key, *value, min, max);
	return 0;
}

static void take_name(json_t *line, const char *key, char *name)
{
	const char *text = json_string_value(json_object_get(line, key));

	snprintf(name, TRACE_NAME_MAX, "%s", text ?: "");
}

static int take_meta(struct reader *reader, json_t *line)
{
	struct trace *trace = reader->trace;
	double value;

	if (reader->begun)
		return wrong(reader, "there is a second meta line: one file has one trace");
	if (take_number(reader, line, "v", 0, 1e9, &value))
		return -1;
	if (value != 1 && value != 2)
		return wrong(reader, "it is of version %g: this program knows 1 and 2",
			     value);
	trace->version = (unsigned int)value;
	if (take_number(reader, line, "n_samples", 1, 1e9, &value))
		return -1;
	reader->told_samples = (size_t)value;
	if (take_number(reader, line, "n_tools", 0, 1e9, &value))
		return -1;
	reader->told_calls = (size_t)value;
	if (json_object_get(line, "interval_s")) {
		if (take_number(reader, line, "interval_s", 0, LONGEST_S,
				&value))
			return -1;
		trace->interval = (uint64_t)(value * NSEC_PER_SEC);
	}
	take_name(line, "task", trace->name);
	reader->begun = true;
	return 0;
}

/*
 * A column of numbers as long as @count, or of any length, which is then set.
 * Return: the array; NULL with the error told, or, when it may be missing,
 * without.
 */
static json_t *column(struct reader *reader, json_t *line, const char *key,
		      size_t *count, double max, bool optional)
{
	json_t *array = json_object_get(line, key), *item;
	size_t i;

	if (!array && optional)
		return NULL;
	if (!json_is_array(array)) {
		wrong(reader, "%s is %s", key, array ? "no array" : "missing");
		return NULL;
	}
	if (*count != SIZE_MAX && json_array_size(array) != *count) {
		wrong(reader, "%s has %zu values, and t has %zu", key,
		      json_array_size(array), *count);
		return NULL;
	}
	*count = json_array_size(array);
	json_array_foreach(array, i, item) {
		double value = json_number_value(item);

		if (!json_is_number(item)) {
			wrong(reader, "%s has no number at %zu", key, i);
			return NULL;
		}
		if (value < 0 || value > max) {
			wrong_number(reader, key, value, 0, max);
			return NULL;
		}
	}
	return array;
}

static uint64_t scaled(json_t *array, size_t i, double unit)
{
	if (!array)
		return 0;
	return (uint64_t)llround(json_number_value(json_array_get(array, i)) *
				 unit);
}

/* The columns that a line may have; what is NULL is not there. */
struct columns {
	json_t *t;
	json_t *anon;
	json_t *file;
	json_t *nproc;
	json_t *pct;
	json_t *ms;
	size_t count;
};

static bool failed(const struct reader *reader)
{
	return reader->error[0] != '\0';
}

/* Version 1 has one column of memory, under either of two names. */
static void find_memory(struct reader *reader, json_t *line,
			struct columns *columns)
{
	size_t *count = &columns->count;
	bool rss = !json_object_get(line, "mem_mb") &&
		   json_object_get(line, "rss_mb");

	if (reader->trace->version == 1) {
		columns->anon = column(reader, line, rss ? "rss_mb" : "mem_mb",
				       count, LARGEST_MB, false);
		return;
	}
	columns->anon = column(reader, line, "anon_mb", count, LARGEST_MB,
			       false);
	if (!failed(reader))
		columns->file = column(reader, line, "file_mb", count,
				       LARGEST_MB, false);
}

static int find_columns(struct reader *reader, json_t *line,
			struct columns *columns)
{
	size_t *count = &columns->count;

	*columns = (struct columns){ .count = SIZE_MAX };
	columns->t = column(reader, line, "t", count, LONGEST_S, false);
	if (!failed(reader))
		find_memory(reader, line, columns);
	if (!failed(reader))
		columns->nproc = column(reader, line, "nproc", count,
					MOST_PROCS,
					reader->trace->version == 1);
	if (!failed(reader))
		columns->pct = column(reader, line, "cpu_pct", count,
				      BUSIEST_PCT, true);
	if (!failed(reader) && !columns->pct)
		columns->ms = column(reader, line, "cpu_ms", count,
				     LONGEST_S * NSEC_PER_SEC, true);
	return failed(reader) ? -1 : 0;
}

/*
 * CPU time since @since. Milliseconds are those of the processes that live, so
 * they fall when one exits.
 */
static uint64_t cpu_of(const struct columns *columns, size_t i, uint64_t since,
		       uint64_t at)
{
	uint64_t now, before;

	if (columns->pct)
		return (uint64_t)((double)(at - since) *
				  json_number_value(json_array_get(columns->pct,
								   i)) / 100);
	now = scaled(columns->ms, i, NSEC_PER_MSEC);
	before = i ? scaled(columns->ms, i - 1, NSEC_PER_MSEC) : now;
	return now > before ? now - before : 0;
}

/* @since: when the first interval begins. */
static int take_series(struct reader *reader, json_t *line, uint64_t since,
		       struct trace_series *series)
{
	struct columns columns;
	size_t i;

	if (find_columns(reader, line, &columns))
		return -1;
	for (i = 0; i < columns.count; i++) {
		struct trace_sample sample = {
			.at = scaled(columns.t, i, NSEC_PER_SEC),
			.anon = scaled(columns.anon, i, MB),
			.file = scaled(columns.file, i, MB),
			.nproc = (uint32_t)scaled(columns.nproc, i, 1),
		};

		if (i && sample.at <= since)
			return wrong(reader, "t goes from %g to %g: samples are out of order",
				     (double)since / NSEC_PER_SEC,
				     (double)sample.at / NSEC_PER_SEC);
		if (sample.at > since)
			sample.cpu = cpu_of(&columns, i, since, sample.at);
		since = sample.at;
		if (trace_add(series, &sample))
			return wrong(reader, "out of memory");
	}
	return 0;
}

static int take_samples(struct reader *reader, json_t *line)
{
	struct trace_series *whole = &reader->trace->whole;

	if (reader->sampled)
		return wrong(reader, "there is a second samples line: one file has one trace");
	reader->sampled = true;
	if (take_series(reader, line, 0, whole))
		return -1;
	if (whole->count != reader->told_samples)
		return wrong(reader, "there are %zu samples, and the meta line tells of %zu",
			     whole->count, reader->told_samples);
	return 0;
}

/* Room for one more call; it counts only once it has been read. */
static struct trace_call *new_call(struct reader *reader)
{
	struct trace *trace = reader->trace;
	struct trace_call *calls;
	size_t room;

	if (trace->call_count == reader->room) {
		room = reader->room * 2 ?: 64;
		calls = reallocarray(trace->calls, room, sizeof(*calls));
		if (!calls)
			return NULL;
		trace->calls = calls;
		reader->room = room;
	}
	calls = &trace->calls[trace->call_count];
	memset(calls, 0, sizeof(*calls));
	return calls;
}

static bool in_call(const struct trace_call *call)
{
	const struct trace_series *own = &call->own;

	return !own->count || (own->samples[0].at >= call->start &&
			       own->samples[own->count - 1].at <= call->end);
}

static int take_own(struct reader *reader, json_t *line,
		    struct trace_call *call)
{
	int err;

	if (reader->trace->version == 1)
		return 0;
	err = take_series(reader, line, call->start, &call->own);
	if (!err && !in_call(call))
		err = wrong(reader, "it has samples from outside of its time");
	if (err)
		free(call->own.samples);
	return err;
}

/* Parallel calls may be a little out of order; the rest is a broken file. */
static int put_in_order(struct reader *reader, struct trace_call *call)
{
	struct trace_call *first = reader->trace->calls, moved = *call;

	if (call > first && call[-1].start > call->start + ORDER_SLACK)
		return wrong(reader, "it begins at %g s, after one that begins at %g s: calls are out of order",
			     (double)call->start / NSEC_PER_SEC,
			     (double)call[-1].start / NSEC_PER_SEC);
	for (; call > first && call[-1].start > moved.start; call--)
		*call = call[-1];
	*call = moved;
	return 0;
}

static int take_call(struct reader *reader, json_t *line)
{
	struct trace_call *call;
	double start, end;

	reader->tools++;
	if (take_number(reader, line, "s", -EARLY_S, LONGEST_S, &start))
		return -1;
	start = start < 0 ? 0 : start;
	if (json_is_null(json_object_get(line, "e"))) {
		reader->trace->endless++;
		return 0;
	}
	if (take_number(reader, line, "e", 0, LONGEST_S, &end))
		return -1;
	if (end < start)
		return wrong(reader, "the call ends at %g s, before it begins at %g s",
			     end, start);
	call = new_call(reader);
	if (!call)
		return wrong(reader, "out of memory");
	call->start = (uint64_t)llround(start * NSEC_PER_SEC);
	call->end = (uint64_t)llround(end * NSEC_PER_SEC);
	call->failed = json_integer_value(json_object_get(line, "err")) != 0;
	take_name(line, "tool", call->name);
	if (take_own(reader, line, call))
		return -1;
	reader->trace->call_count++;
	return put_in_order(reader, call);
}

static int take_line(struct reader *reader, json_t *line)
{
	const char *kind = json_string_value(json_object_get(line, "k"));

	if (!json_is_object(line) || !kind)
		return wrong(reader, "is no line of a trace: it has no \"k\"");
	if (!strcmp(kind, "meta"))
		return take_meta(reader, line);
	if (!reader->begun)
		return wrong(reader, "a trace begins with its meta line");
	if (!strcmp(kind, "samples"))
		return take_samples(reader, line);
	if (!strcmp(kind, "tool"))
		return take_call(reader, line);
	/* What else somebody has added. */
	return 0;
}

static int parse_line(struct reader *reader, const char *text, size_t len)
{
	json_error_t why;
	json_t *line;
	int err;

	if (len > LINE_MAX_BYTES)
		return wrong(reader, "is too long");
	line = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
	if (!line && text[len - 1] != '\n')
		return wrong(reader, "breaks off: the file is cut off");
	if (!line)
		return wrong(reader, "is not JSON: %s", why.text);
	err = take_line(reader, line);
	json_decref(line);
	return err;
}

static int check_whole(struct reader *reader)
{
	if (!reader->begun) {
		snprintf(reader->error, TRACE_ERROR_MAX, "it is empty");
		return -1;
	}
	if (!reader->sampled)
		return wrong(reader, "is the last, and there are no samples: the file is cut off");
	if (reader->tools != reader->told_calls)
		return wrong(reader, "is the last, and there are %zu calls where the meta line tells of %zu: the file is cut off",
			     reader->tools, reader->told_calls);
	return 0;
}

/* When the container had gone nothing was used; that is no part of the run. */
static void drop_end(struct trace_series *whole)
{
	while (whole->count > 1 && !whole->samples[whole->count - 1].anon &&
	       !whole->samples[whole->count - 1].file)
		whole->count--;
}

static void find_end(struct trace *trace)
{
	const struct trace_series *whole = &trace->whole;
	size_t i;

	trace->end = whole->samples[whole->count - 1].at;
	for (i = 0; i < trace->call_count; i++)
		if (trace->calls[i].end > trace->end)
			trace->end = trace->calls[i].end;
}

int trace_read(FILE *file, struct trace *trace, char error[TRACE_ERROR_MAX])
{
	struct reader reader = { .trace = trace, .error = error };
	char *text = NULL;
	size_t room = 0;
	ssize_t len;
	int err = 0;

	memset(trace, 0, sizeof(*trace));
	error[0] = '\0';
	while (!err && (len = getline(&text, &room, file)) > 0) {
		reader.line++;
		err = parse_line(&reader, text, (size_t)len);
	}
	free(text);
	if (!err && ferror(file)) {
		snprintf(error, TRACE_ERROR_MAX, "%s", strerror(errno));
		err = -1;
	}
	err = err ?: check_whole(&reader);
	if (err)
		return err;
	drop_end(&trace->whole);
	find_end(trace);
	return 0;
}

/* ---- writing ---- */

/* Three digits are what the clocks and the kernel's counters are worth. */
static json_t *rounded(double value)
{
	return json_real(round(value * 1000) / 1000);
}

static double seconds(uint64_t ns)
{
	return (double)ns / NSEC_PER_SEC;
}

static void add_columns(json_t *line, const struct trace_series *series,
			uint64_t since)
{
	json_t *t = json_array(), *anon = json_array(), *file = json_array();
	json_t *nproc = json_array(), *pct = json_array();
	size_t i;

	for (i = 0; i < series->count; i++) {
		const struct trace_sample *sample = &series->samples[i];
		uint64_t span = sample->at - since;

		json_array_append_new(t, rounded(seconds(sample->at)));
		json_array_append_new(anon, rounded((double)sample->anon / MB));
		json_array_append_new(file, rounded((double)sample->file / MB));
		json_array_append_new(nproc, json_integer(sample->nproc));
		json_array_append_new(pct, rounded(span ? (double)sample->cpu *
						   100 / (double)span : 0));
		since = sample->at;
	}
	json_object_set_new(line, "t", t);
	json_object_set_new(line, "anon_mb", anon);
	json_object_set_new(line, "file_mb", file);
	json_object_set_new(line, "nproc", nproc);
	json_object_set_new(line, "cpu_pct", pct);
}

static void add_memory(json_t *line, const struct trace_series *whole)
{
	json_t *mem = json_array();
	size_t i;

	for (i = 0; i < whole->count; i++)
		json_array_append_new(mem,
			rounded((double)(whole->samples[i].anon +
					 whole->samples[i].file) / MB));
	json_object_set_new(line, "mem_mb", mem);
}

static int write_line(FILE *file, json_t *line)
{
	char *text = line ? json_dumps(line, JSON_COMPACT |
				       JSON_REAL_PRECISION(12)) : NULL;
	int err = text ? 0 : -ENOMEM;

	json_decref(line);
	if (text)
		fprintf(file, "%s\n", text);
	free(text);
	return err;
}

static json_t *meta_line(const struct trace *trace)
{
	json_t *line = json_object();

	json_object_set_new(line, "k", json_string("meta"));
	json_object_set_new(line, "v", json_integer(TRACE_VERSION));
	json_object_set_new(line, "task", json_string(trace->name));
	json_object_set_new(line, "interval_s",
			    rounded(seconds(trace->interval)));
	json_object_set_new(line, "n_samples",
			    json_integer((json_int_t)trace->whole.count));
	json_object_set_new(line, "duration_s", rounded(seconds(trace->end)));
	json_object_set_new(line, "n_tools",
			    json_integer((json_int_t)trace->call_count));
	return line;
}

static json_t *samples_line(const struct trace *trace)
{
	json_t *line = json_object();

	json_object_set_new(line, "k", json_string("samples"));
	add_columns(line, &trace->whole, 0);
	add_memory(line, &trace->whole);
	return line;
}

static json_t *call_line(const struct trace_call *call)
{
	json_t *line = json_object();

	json_object_set_new(line, "k", json_string("tool"));
	json_object_set_new(line, "s", rounded(seconds(call->start)));
	json_object_set_new(line, "e", rounded(seconds(call->end)));
	json_object_set_new(line, "tool", json_string(call->name));
	if (call->failed)
		json_object_set_new(line, "err", json_integer(1));
	add_columns(line, &call->own, call->start);
	return line;
}

int trace_write(FILE *file, const struct trace *trace)
{
	int err = write_line(file, meta_line(trace)) ?:
		  write_line(file, samples_line(trace));
	size_t i;

	for (i = 0; !err && i < trace->call_count; i++)
		err = write_line(file, call_line(&trace->calls[i]));
	return err;
}
