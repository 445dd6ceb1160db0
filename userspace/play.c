// SPDX-License-Identifier: GPL-2.0-only
/* Making a play of a trace. */
#include "play.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define NSEC_PER_SEC	1000000000ull

/* Nobody notices whether memory comes so much later. */
#define SPAN_MIN	(NSEC_PER_SEC / 10)

static uint32_t chunks_of(uint64_t bytes)
{
	return (uint32_t)((bytes + PLAY_CHUNK / 2) / PLAY_CHUNK);
}

static uint64_t faster(uint64_t ns, double speed)
{
	return (uint64_t)((double)ns / speed);
}

/* A process has one processor; what two or more did is not replayed. */
static uint64_t cpu_of(const struct trace_sample *sample, uint64_t span)
{
	return sample->cpu < span ? sample->cpu : span;
}

/* ---- cues ---- */

/*
 * The last thing that a call did before @at, that is before number @calls of
 * them began: what happens then happened so long after it, and may well have
 * been because of it.
 */
static uint64_t last_event(const struct trace *trace, uint64_t at, size_t calls,
			   uint32_t *after)
{
	uint64_t last = 0;
	size_t i;

	*after = PLAY_AFTER_START;
	for (i = 0; i < calls; i++) {
		const struct trace_call *call = &trace->calls[i];

		if (call->start <= at && call->start >= last) {
			last = call->start;
			*after = PLAY_AFTER_BEGIN(i);
		}
		if (call->end <= at && call->end >= last) {
			last = call->end;
			*after = PLAY_AFTER_END(i);
		}
	}
	return last;
}

struct maker {
	const struct trace *trace;
	double speed;
	uint64_t touch_ns;
	struct play *play;
	/* How much of each is used; without a play yet: is needed. */
	uint32_t cues;
	uint32_t steps;
	uint32_t latencies;
};

static void add_cue(struct maker *maker, struct play_cue cue, uint64_t at,
		    size_t calls)
{
	uint64_t since = last_event(maker->trace, at, calls, &cue.after);

	cue.delay = faster(at - since, maker->speed);
	cue.cpu = faster(cue.cpu, maker->speed);
	if (maker->play)
		play_cues(maker->play)[maker->cues] = cue;
	maker->cues++;
}

/* What the agent does up to, and without, @until. */
static size_t add_levels(struct maker *maker, size_t from, uint64_t until,
			 size_t calls, uint32_t *chunks)
{
	const struct trace_series *agent = &maker->trace->agent;
	size_t i;

	for (i = from; i < agent->count && agent->samples[i].at < until; i++) {
		const struct trace_sample *sample = &agent->samples[i];
		uint64_t before = i ? agent->samples[i - 1].at : 0;
		struct play_cue cue = {
			.kind = PLAY_LEVEL,
			.chunks = chunks_of(sample->anon),
			.cpu = cpu_of(sample, sample->at - before),
		};

		if (cue.chunks > *chunks)
			maker->latencies += cue.chunks - *chunks;
		*chunks = cue.chunks;
		add_cue(maker, cue, sample->at, calls);
	}
	return i;
}

static void add_cues(struct maker *maker)
{
	const struct trace *trace = maker->trace;
	const uint32_t first = maker->latencies;
	uint32_t chunks = 0;
	size_t i, level = 0;

	for (i = 0; i < trace->call_count; i++) {
		const struct play_cue cue = {
			.kind = PLAY_CALL, .call = (uint32_t)i,
		};
		uint64_t start = trace->calls[i].start;

		level = add_levels(maker, level, start, i, &chunks);
		add_cue(maker, cue, start, i);
	}
	add_levels(maker, level, UINT64_MAX, i, &chunks);
	add_cue(maker, (struct play_cue){ .kind = PLAY_END }, trace->end, i);
	if (maker->play)
		maker->play->notes = (struct play_notes){
			.first = first, .room = maker->latencies - first,
		};
}

/* ---- steps ---- */

static void add_step(struct maker *maker, struct play_call *call,
		     const struct trace_sample *sample, uint64_t span,
		     uint32_t *anon)
{
	struct play_step step = {
		.anon = chunks_of(sample->anon),
		.file = chunks_of(sample->file),
		.cpu = faster(cpu_of(sample, span), maker->speed),
	};
	uint32_t rise = step.anon > *anon ? step.anon - *anon : 0;
	uint64_t busy = step.cpu + rise * maker->touch_ns;

	/* Found beforehand, so that no delay hides in it. */
	span = faster(span, maker->speed);
	step.wait = span > busy ? span - busy : 0;
	*anon = step.anon;
	maker->latencies += rise;
	if (call) {
		play_steps(maker->play)[maker->steps] = step;
		if (step.anon + step.file > call->peak)
			call->peak = step.anon + step.file;
	}
	maker->steps++;
}

static void add_call(struct maker *maker, const struct trace_call *call,
		     struct play_call *to)
{
	const uint32_t first = maker->latencies, first_step = maker->steps;
	const struct trace_series *own = &call->own;
	struct trace_sample rest = { .at = call->start };
	uint64_t at = call->start;
	uint32_t anon = 0;
	size_t i;

	for (i = 0; i < own->count; i++) {
		rest = own->samples[i];
		add_step(maker, to, &rest, rest.at - at, &anon);
		at = rest.at;
	}
	rest.cpu = 0;
	add_step(maker, to, &rest, call->end - at, &anon);
	if (!to)
		return;
	to->first_step = first_step;
	to->step_count = maker->steps - first_step;
	to->notes.first = first;
	to->notes.room = maker->latencies - first;
	memcpy(to->name, call->name, sizeof(to->name));
}

static void add_all(struct maker *maker)
{
	size_t i;

	maker->cues = maker->steps = maker->latencies = 0;
	add_cues(maker);
	for (i = 0; i < maker->trace->call_count; i++)
		add_call(maker, &maker->trace->calls[i], maker->play ?
			 &play_calls(maker->play)[i] : NULL);
}

/* ---- shared memory ---- */

static struct play *map(int fd, size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_POPULATE, fd, 0);

	return at == MAP_FAILED ? NULL : at;
}

/* Populated here, so that its pages are charged to nobody who is measured. */
static struct play *allocate(const struct play *head, int *fd)
{
	struct play *play = NULL;

	*fd = memfd_create("agentcg-play", MFD_CLOEXEC);
	if (*fd < 0)
		return NULL;
	if (!ftruncate(*fd, (off_t)head->size))
		play = map(*fd, head->size);
	if (play)
		memcpy(play, head, sizeof(*head));
	else
		close(*fd);
	return play;
}

struct play *play_make(const struct trace *trace, double speed,
		       uint64_t touch_ns, int *fd)
{
	struct maker maker = {
		.trace = trace, .speed = speed, .touch_ns = touch_ns,
	};
	struct play_change *changes;
	struct play head;
	size_t count;

	if (play_changes(trace, speed, 0, &changes, &count))
		return NULL;
	add_all(&maker);
	memset(&head, 0, sizeof(head));
	head.peak = (uint32_t)play_most(changes, count);
	head.length = faster(trace->end, speed);
	head.cue_count = maker.cues;
	head.call_count = (uint32_t)trace->call_count;
	head.step_count = maker.steps;
	head.latency_count = maker.latencies;
	head.size = sizeof(head) + maker.cues * sizeof(struct play_cue) +
		    trace->call_count * sizeof(struct play_call) +
		    maker.steps * sizeof(struct play_step) +
		    maker.latencies * sizeof(uint64_t);
	free(changes);
	maker.play = allocate(&head, fd);
	if (maker.play) {
		add_all(&maker);
		play_reset(maker.play);
	}
	return maker.play;
}

struct play *play_map(int fd)
{
	struct stat st;

	if (fstat(fd, &st) || st.st_size < (off_t)sizeof(struct play))
		return NULL;
	return map(fd, (size_t)st.st_size);
}

void play_unmap(struct play *play)
{
	if (play)
		munmap(play, play->size);
}

void play_reset(struct play *play)
{
	uint32_t i;

	play->took = 0;
	play->notes.count = 0;
	play->error[0] = '\0';
	for (i = 0; i < play->call_count; i++) {
		struct play_call *call = &play_calls(play)[i];

		call->state = PLAY_NOT_BEGUN;
		call->notes.count = 0;
		call->refusals = 0;
		call->stall = UINT64_MAX;
		call->held = 0;
	}
}

/* ---- memory over time ---- */

struct changes {
	struct play_change *list;
	size_t count;
	double speed;
	uint64_t offset;
};

static void add_change(struct changes *changes, uint64_t at, uint64_t until,
		       uint64_t *had, uint64_t bytes)
{
	uint64_t has = chunks_of(bytes);

	changes->list[changes->count++] = (struct play_change){
		.at = changes->offset + faster(at, changes->speed),
		.span = faster(until - at, changes->speed),
		.chunks = (int64_t)has - (int64_t)*had,
	};
	*had = has;
}

/* Calls have at the beginning of a span what the sample tells at its end. */
static void add_own(struct changes *changes, const struct trace_call *call)
{
	const struct trace_series *own = &call->own;
	uint64_t had = 0, from = call->start;
	size_t i;

	for (i = 0; i < own->count; i++) {
		const struct trace_sample *sample = &own->samples[i];

		add_change(changes, from, sample->at, &had, sample->anon);
		from = sample->at;
	}
	add_change(changes, call->end, call->end, &had, 0);
}

/* The agent has it from the moment of the sample on. */
static void add_agent(struct changes *changes,
		      const struct trace_series *agent, uint64_t end)
{
	uint64_t had = 0;
	size_t i;

	for (i = 0; i < agent->count; i++) {
		const struct trace_sample *sample = &agent->samples[i];

		add_change(changes, sample->at, i + 1 < agent->count ?
			   sample[1].at : end, &had, sample->anon);
	}
	add_change(changes, end, end, &had, 0);
}

int play_changes(const struct trace *trace, double speed, uint64_t offset,
		 struct play_change **list, size_t *count)
{
	struct changes changes = { .speed = speed, .offset = offset };
	size_t i, room = trace->agent.count + 1;

	for (i = 0; i < trace->call_count; i++)
		room += trace->calls[i].own.count + 1;
	changes.list = calloc(room, sizeof(*changes.list));
	if (!changes.list)
		return -1;
	add_agent(&changes, &trace->agent, trace->end);
	for (i = 0; i < trace->call_count; i++)
		add_own(&changes, &trace->calls[i]);
	play_sort(changes.list, changes.count);
	*list = changes.list;
	*count = changes.count;
	return 0;
}

static int by_time(const void *a, const void *b)
{
	const struct play_change *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->chunks < y->chunks ? -1 : x->chunks > y->chunks;
}

void play_sort(struct play_change *changes, size_t count)
{
	qsort(changes, count, sizeof(*changes), by_time);
}

uint64_t play_most(const struct play_change *changes, size_t count)
{
	int64_t now = 0, most = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		now += changes[i].chunks;
		if (now > most)
			most = now;
	}
	return (uint64_t)most;
}

/* From @at on memory has to come so much faster. */
struct pace {
	uint64_t at;
	double chunks_per_ns;
};

static int by_moment(const void *a, const void *b)
{
	const struct pace *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->chunks_per_ns < y->chunks_per_ns ? -1 :
	       x->chunks_per_ns > y->chunks_per_ns;
}

static size_t find_paces(const struct play_change *changes, size_t count,
			 struct pace *paces)
{
	size_t i, found = 0;

	for (i = 0; i < count; i++) {
		uint64_t span = changes[i].span > SPAN_MIN ? changes[i].span :
							     SPAN_MIN;
		double pace = (double)changes[i].chunks / (double)span;

		if (changes[i].chunks <= 0)
			continue;
		paces[found++] = (struct pace){ changes[i].at, pace };
		paces[found++] = (struct pace){ changes[i].at + span, -pace };
	}
	qsort(paces, found, sizeof(*paces), by_moment);
	return found;
}

uint64_t play_rate(const struct play_change *changes, size_t count)
{
	struct pace *paces = calloc(2 * count + 1, sizeof(*paces));
	double now = 0, most = 0;
	size_t i, found;

	if (!paces)
		return UINT64_MAX;
	found = find_paces(changes, count, paces);
	for (i = 0; i < found; i++) {
		now += paces[i].chunks_per_ns;
		most = now > most ? now : most;
	}
	free(paces);
	return (uint64_t)(most * (double)NSEC_PER_SEC + 0.5);
}
