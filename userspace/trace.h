/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Traces: what an agent and its tool calls used over time, as JSON lines. The
 * format is described in Documentation/userspace-api/trace.rst.
 *
 * In memory all times are nanoseconds since the trace began, and all sizes
 * bytes, whatever the version of the file.
 */
#ifndef AGENTCG_TRACE_H
#define AGENTCG_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The version that is written. */
#define TRACE_VERSION	2

/* One line of text about what is wrong with a file. */
#define TRACE_ERROR_MAX	256

/* What a tool is called, cut to this. */
#define TRACE_NAME_MAX	64

/**
 * struct trace_sample - What was used at one moment.
 * @at: when.
 * @anon: memory that nothing can reclaim.
 * @file: page cache.
 * @cpu: CPU time since the sample before, in nanoseconds.
 * @nproc: processes, 0 where it was not told.
 */
struct trace_sample {
	uint64_t at;
	uint64_t anon;
	uint64_t file;
	uint64_t cpu;
	uint32_t nproc;
};

/* Samples in the order of their time. */
struct trace_series {
	struct trace_sample *samples;
	size_t count;
	size_t room;
};

/**
 * struct trace_call - A tool call.
 * @start: when its first process began.
 * @end: when its last process had ended.
 * @own: what it used: as told, or found by trace_split().
 * @failed: its result was an error.
 * @name: of the tool.
 */
struct trace_call {
	uint64_t start;
	uint64_t end;
	struct trace_series own;
	bool failed;
	char name[TRACE_NAME_MAX];
};

/**
 * struct trace - A trace.
 * @version: of the file.
 * @interval: between two samples, as the writer meant it; 0 where not told.
 * @end: when the last thing in it happened.
 * @whole: agent and calls together.
 * @agent: the agent alone; empty before trace_split().
 * @calls: by their start.
 * @call_count: of them.
 * @endless: calls that were left out since nobody knows when they ended.
 * @name: what was done.
 */
struct trace {
	unsigned int version;
	uint64_t interval;
	uint64_t end;
	struct trace_series whole;
	struct trace_series agent;
	struct trace_call *calls;
	size_t call_count;
	size_t endless;
	char name[TRACE_NAME_MAX];
};

/**
 * trace_read() - Read and check a trace of any version.
 * @file: from its beginning to its end.
 * @trace: given to trace_free() in any case.
 * @error: gets what is wrong, and in which line.
 *
 * Return: 0, or -1 with @error set.
 */
int trace_read(FILE *file, struct trace *trace, char error[TRACE_ERROR_MAX]);

/**
 * trace_write() - Write a trace in the newest version.
 * @file: where to.
 * @trace: with all calls' own samples.
 *
 * Return: 0, or -ENOMEM; whether @file took it all is for the caller to ask.
 */
int trace_write(FILE *file, const struct trace *trace);

/** trace_free() - Free what is in a trace, and make it an empty one. */
void trace_free(struct trace *trace);

/**
 * trace_add() - Add a sample to the end of a series.
 *
 * Return: 0, or -1 without memory.
 */
int trace_add(struct trace_series *series, const struct trace_sample *sample);

/**
 * trace_split() - Tell the agent's share and the calls' shares apart.
 * @trace: from trace_read().
 *
 * From version 2 on the calls' shares are told, and the agent has the rest. In
 * version 1 the agent has what lasts between calls, and the calls that run the
 * rest, evenly, all of it anonymous.
 *
 * Return: 0, or -1 without memory.
 */
int trace_split(struct trace *trace);

/**
 * trace_forget_cpu() - Have nothing of a trace use a processor.
 * @trace: from trace_split().
 */
void trace_forget_cpu(struct trace *trace);

#endif /* AGENTCG_TRACE_H */
