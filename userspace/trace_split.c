// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whose memory was it? Version 1 of a trace has only the sum; see trace.rst for
 * what is assumed.
 */
#include "trace.h"

static bool runs_at(const struct trace_call *call, uint64_t at)
{
	return call->start <= at && at < call->end;
}

static unsigned int running_at(const struct trace *trace, uint64_t at)
{
	unsigned int count = 0;
	size_t i;

	for (i = 0; i < trace->call_count && trace->calls[i].start <= at; i++)
		count += runs_at(&trace->calls[i], at);
	return count;
}

static size_t begun_by(const struct trace *trace, uint64_t at)
{
	size_t count = 0;

	while (count < trace->call_count && trace->calls[count].start <= at)
		count++;
	return count;
}

/* ---- version 1 ---- */

/* All samples from between calls, as they are; they become the agent's. */
static int take_gaps(struct trace *trace)
{
	size_t i;

	for (i = 0; i < trace->whole.count; i++) {
		const struct trace_sample *sample = &trace->whole.samples[i];

		if (!running_at(trace, sample->at) &&
		    trace_add(&trace->agent, sample))
			return -1;
	}
	return 0;
}

/*
 * In each gap what lasts to its end: what a call has left behind, and what
 * comes and goes, is not the agent's.
 */
static void keep_what_lasts(struct trace *trace)
{
	struct trace_sample *samples = trace->agent.samples;
	size_t i = trace->agent.count;

	while (i-- > 1) {
		struct trace_sample *before = &samples[i - 1];

		if (begun_by(trace, before->at) ==
		    begun_by(trace, samples[i].at) &&
		    before->anon > samples[i].anon)
			before->anon = samples[i].anon;
	}
}

/* What the agent had when it was last seen alone, or is first. */
static uint64_t agent_at(const struct trace *trace, uint64_t at)
{
	const struct trace_series *agent = &trace->agent;
	uint64_t level = agent->count ? agent->samples[0].anon : 0;
	size_t i;

	for (i = 0; i < agent->count && agent->samples[i].at <= at; i++)
		level = agent->samples[i].anon;
	return level;
}

static int give_to_calls(struct trace *trace, const struct trace_sample *sample)
{
	unsigned int running = running_at(trace, sample->at);
	uint64_t agent = agent_at(trace, sample->at);
	uint64_t rest = sample->anon > agent ? sample->anon - agent : 0;
	size_t i;

	for (i = 0; running && i < trace->call_count; i++) {
		struct trace_call *call = &trace->calls[i];
		struct trace_sample share = {
			.at = sample->at,
			.anon = rest / running,
			.cpu = sample->cpu / running,
		};

		if (runs_at(call, sample->at) && trace_add(&call->own, &share))
			return -1;
	}
	return 0;
}

/* Between two samples memory is taken to change evenly. */
static uint64_t whole_at(const struct trace *trace, uint64_t at)
{
	const struct trace_series *whole = &trace->whole;
	const struct trace_sample *a, *b;
	size_t i = 0;

	while (i < whole->count && whole->samples[i].at < at)
		i++;
	if (!i || i == whole->count)
		return whole->samples[i ? i - 1 : 0].anon;
	a = &whole->samples[i - 1];
	b = &whole->samples[i];
	return (uint64_t)((double)a->anon +
			  ((double)b->anon - (double)a->anon) *
			  (double)(at - a->at) / (double)(b->at - a->at));
}

/* A call that no sample fell into has what there was in its middle. */
static int give_to_short(struct trace *trace, struct trace_call *call)
{
	uint64_t middle = call->start + (call->end - call->start) / 2;
	uint64_t whole = whole_at(trace, middle);
	uint64_t agent = agent_at(trace, middle);
	unsigned int running = running_at(trace, middle) ?: 1;
	struct trace_sample share = {
		.at = call->end,
		.anon = (whole > agent ? whole - agent : 0) / running,
	};

	return trace_add(&call->own, &share);
}

static int split_sum(struct trace *trace)
{
	size_t i;

	if (take_gaps(trace))
		return -1;
	keep_what_lasts(trace);
	for (i = 0; i < trace->whole.count; i++)
		if (give_to_calls(trace, &trace->whole.samples[i]))
			return -1;
	for (i = 0; i < trace->call_count; i++)
		if (!trace->calls[i].own.count &&
		    give_to_short(trace, &trace->calls[i]))
			return -1;
	return 0;
}

/* ---- version 2 ---- */

static const struct trace_sample *own_at(const struct trace_call *call,
					 uint64_t at)
{
	const struct trace_series *own = &call->own;
	const struct trace_sample *found = NULL;
	size_t i;

	if (at < call->start || at > call->end)
		return NULL;
	for (i = 0; i < own->count && own->samples[i].at <= at; i++)
		found = &own->samples[i];
	return found;
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static int subtract_calls(struct trace *trace)
{
	size_t i, j;

	for (i = 0; i < trace->whole.count; i++) {
		struct trace_sample rest = trace->whole.samples[i];

		for (j = 0; j < trace->call_count; j++) {
			const struct trace_sample *own;

			own = own_at(&trace->calls[j], rest.at);
			if (!own)
				continue;
			rest.anon = less(rest.anon, own->anon);
			rest.file = less(rest.file, own->file);
			rest.cpu = less(rest.cpu, own->cpu);
			rest.nproc = (uint32_t)less(rest.nproc, own->nproc);
		}
		if (trace_add(&trace->agent, &rest))
			return -1;
	}
	return 0;
}

int trace_split(struct trace *trace)
{
	return trace->version == 1 ? split_sum(trace) : subtract_calls(trace);
}

static void forget_cpu(struct trace_series *series)
{
	size_t i;

	for (i = 0; i < series->count; i++)
		series->samples[i].cpu = 0;
}

void trace_forget_cpu(struct trace *trace)
{
	size_t i;

	forget_cpu(&trace->agent);
	for (i = 0; i < trace->call_count; i++)
		forget_cpu(&trace->calls[i].own);
}
