// SPDX-License-Identifier: GPL-2.0-only
/* agentcg replay, afterwards: what has come of it. */
#include <stdlib.h>
#include <string.h>

#include "../main.h"
#include "../output.h"
#include "../size.h"
#include "../quantile.h"
#include "replay.h"

#define NSEC_PER_SEC	1000000000ull

struct sums {
	uint64_t calls;
	uint64_t survived;
	uint64_t killed;
	uint64_t refused;
	uint64_t lost;		/* not begun, or not ended */
	uint64_t refusals;
	uint64_t agents;
	uint64_t took;
	uint64_t alone;
	uint64_t stall;
	uint64_t held;
	bool stall_known;
	struct quantile latencies;
};

static void sum_call(const struct play_call *call, struct sums *sums)
{
	sums->calls++;
	sums->survived += call->state == PLAY_SURVIVED;
	sums->killed += call->state == PLAY_KILLED;
	sums->refused += call->state == PLAY_REFUSED;
	sums->lost += call->state == PLAY_NOT_BEGUN ||
		      call->state == PLAY_RUNNING;
	sums->refusals += call->refusals;
	sums->held += call->held;
	if (call->stall == UINT64_MAX)
		return;
	sums->stall += call->stall;
	sums->stall_known = true;
}

static void sum_notes(struct play *play, const struct play_notes *notes,
		      struct sums *sums)
{
	uint32_t i;

	for (i = 0; i < notes->count; i++)
		quantile_add(&sums->latencies,
			     play_latencies(play)[notes->first + i]);
}

/* Longer than all: from the first that begins to the last that ends. */
static uint64_t later(uint64_t whole, uint64_t offset, uint64_t took)
{
	return offset + took > whole ? offset + took : whole;
}

static void sum_session(const struct replay_session *session, struct sums *sums)
{
	struct play *play = session->play;
	uint32_t i;

	for (i = 0; i < play->call_count; i++) {
		sum_call(&play_calls(play)[i], sums);
		sum_notes(play, &play_calls(play)[i].notes, sums);
	}
	sum_notes(play, &play->notes, sums);
	sums->agents += session->agent_survived;
	sums->took = later(sums->took, session->asked.offset, session->took);
	sums->alone = later(sums->alone, session->asked.offset, session->alone);
}

/* ---- JSON ---- */

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *number_or_null(bool known, uint64_t value)
{
	return known ? number(value) : json_null();
}

static void add_sums(json_t *object, struct sums *sums, bool took)
{
	struct quantile *q = &sums->latencies;
	json_t *latency = json_null();

	if (q->count)
		latency = json_pack("{s:o, s:o, s:o, s:o}",
				    "median", number(quantile_at(q, 50)),
				    "p95", number(quantile_at(q, 95)),
				    "p99", number(quantile_at(q, 99)),
				    "max", number(quantile_at(q, 100)));
	json_object_set_new(object, "completion",
			    number_or_null(took, sums->took));
	json_object_set_new(object, "alone", number(sums->alone));
	json_object_set_new(object, "calls", number(sums->calls));
	json_object_set_new(object, "survived", number(sums->survived));
	json_object_set_new(object, "killed", number(sums->killed));
	json_object_set_new(object, "refused", number(sums->refused));
	json_object_set_new(object, "lost", number(sums->lost));
	json_object_set_new(object, "refusals", number(sums->refusals));
	json_object_set_new(object, "allocations", number(q->count));
	json_object_set_new(object, "latency", latency);
	json_object_set_new(object, "stall",
			    number_or_null(sums->stall_known, sums->stall));
	json_object_set_new(object, "held", number(sums->held));
}

static json_t *session_json(const struct replay_session *session)
{
	json_t *object = json_object();
	struct sums sums = { .calls = 0 };

	sum_session(session, &sums);
	/* Of one session its own times are meant. */
	sums.took = session->took;
	sums.alone = session->alone;
	json_object_set_new(object, "trace", json_text(session->file));
	json_object_set_new(object, "offset", number(session->asked.offset));
	json_object_set_new(object, "agent-survived",
			    json_boolean(session->agent_survived));
	json_object_set_new(object, "peak", number(session->peak));
	add_sums(object, &sums, session->took);
	quantile_free(&sums.latencies);
	return object;
}

static bool all_ended(const struct replay *replay)
{
	unsigned int i;

	for (i = 0; i < replay->count; i++)
		if (!replay->sessions[i].took)
			return false;
	return true;
}

static json_t *total_json(const struct replay *replay)
{
	struct sums sums = { .calls = 0 };
	json_t *object = json_object();
	unsigned int i;

	for (i = 0; i < replay->count; i++)
		sum_session(&replay->sessions[i], &sums);
	json_object_set_new(object, "agents", number(replay->count));
	json_object_set_new(object, "agents-survived", number(sums.agents));
	add_sums(object, &sums, all_ended(replay));
	quantile_free(&sums.latencies);
	return object;
}

static uint64_t rate_of(uint64_t touch_ns)
{
	return touch_ns ? NSEC_PER_SEC * PLAY_CHUNK / touch_ns : 0;
}

static void report_json(const struct replay *replay)
{
	json_t *object = json_object(), *sessions = json_array();
	unsigned int i;

	for (i = 0; i < replay->count; i++)
		json_array_append_new(sessions,
				      session_json(&replay->sessions[i]));
	json_object_set_new(object, "arm", json_string(replay->arm->name));
	json_object_set_new(object, "speed", json_real(replay->speed));
	json_object_set_new(object, "memory",
			    number_or_null(replay->memory, replay->memory));
	json_object_set_new(object, "demand", number(replay->demand));
	json_object_set_new(object, "sum", number(replay->sum));
	json_object_set_new(object, "rate-needed", number(replay->rate));
	json_object_set_new(object, "rate-here",
			    number(rate_of(replay->touch_ns)));
	json_object_set_new(object, "solo", json_boolean(replay->solo));
	json_object_set_new(object, "cut", json_boolean(replay->cut));
	json_object_set_new(object, "sessions", sessions);
	json_object_set_new(object, "total", total_json(replay));
	print_json(object);
}

/* ---- text ---- */

static const char *last_word(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void print_row(const char *name, const char *agents, struct sums *sums,
		      bool took)
{
	const unsigned int points[] = { 50, 95, 99, 100 };
	char text[HUMAN_MAX];
	size_t i;

	printf("%-24.24s %8s", name,
	       took ? human_duration(sums->took, text) : "-");
	printf(" %8s %6s %6llu", human_duration(sums->alone, text), agents,
	       (unsigned long long)sums->calls);
	printf(" %8llu %6llu %4llu", (unsigned long long)sums->survived,
	       (unsigned long long)sums->killed,
	       (unsigned long long)(sums->refused + sums->lost));
	for (i = 0; i < sizeof(points) / sizeof(points[0]); i++)
		printf(" %8s", sums->latencies.count ?
		       human_duration(quantile_at(&sums->latencies, points[i]),
				      text) : "-");
	printf(" %8s\n", sums->stall_known ?
	       human_duration(sums->stall, text) : "-");
}

static void print_sessions(const struct replay *replay)
{
	unsigned int i;

	printf("%-24s %8s %8s %6s %6s %8s %6s %4s %8s %8s %8s %8s %8s\n",
	       "", "took", "alone", "agent", "calls", "survived", "killed",
	       "lost", "median", "P95", "P99", "max", "stall");
	for (i = 0; i < replay->count; i++) {
		const struct replay_session *session = &replay->sessions[i];
		struct sums sums = { .calls = 0 };

		sum_session(session, &sums);
		sums.took = session->took;
		sums.alone = session->alone;
		print_row(last_word(session->file),
			  session->agent_survived ? "lives" : "killed", &sums,
			  session->took);
		quantile_free(&sums.latencies);
	}
}

static void print_total(const struct replay *replay)
{
	struct sums sums = { .calls = 0 };
	char agents[32];
	unsigned int i;

	for (i = 0; i < replay->count; i++)
		sum_session(&replay->sessions[i], &sums);
	snprintf(agents, sizeof(agents), "%llu/%u",
		 (unsigned long long)sums.agents, replay->count);
	print_row("total", agents, &sums, all_ended(replay));
	quantile_free(&sums.latencies);
}

static void report_text(const struct replay *replay)
{
	char demand[HUMAN_MAX], memory[HUMAN_MAX], need[HUMAN_MAX];
	char here[HUMAN_MAX];

	human_size(replay->memory ?: UINT64_MAX, memory);
	human_size(replay->demand, demand);
	human_size(replay->rate, need);
	human_size(rate_of(replay->touch_ns), here);
	printf("arm %s, speed %g, memory %s for a demand of %s, %s/s of new memory needed, %s/s here%s\n",
	       replay->arm->name, replay->speed, memory, demand, need, here,
	       replay->cut ? ", cut off" : "");
	print_sessions(replay);
	print_total(replay);
}

/* ---- before ---- */

/* What a cue waits for: the begin or the end of a call, or of the session. */
static void add_after(json_t *object, uint32_t after)
{
	bool start = after == PLAY_AFTER_START;

	json_object_set_new(object, "after", json_string(
				start || after % 2 == 0 ? "begin" : "end"));
	json_object_set_new(object, "of", number_or_null(!start, after / 2));
}

static json_t *cues_json(struct play *play)
{
	static const char *const kinds[] = {
		[PLAY_LEVEL] = "level",
		[PLAY_CALL] = "call",
		[PLAY_END] = "end",
	};
	json_t *list = json_array();
	uint32_t i;

	for (i = 0; i < play->cue_count; i++) {
		const struct play_cue *cue = &play_cues(play)[i];
		json_t *item = json_object();

		json_object_set_new(item, "kind", json_string(kinds[cue->kind]));
		add_after(item, cue->after);
		json_object_set_new(item, "delay", number(cue->delay));
		if (cue->kind == PLAY_CALL)
			json_object_set_new(item, "call", number(cue->call));
		if (cue->kind == PLAY_LEVEL)
			json_object_set_new(item, "memory",
				number((uint64_t)cue->chunks * PLAY_CHUNK));
		json_array_append_new(list, item);
	}
	return list;
}

static json_t *call_needs(struct play *play, const struct play_call *call)
{
	uint64_t length = 0;
	uint32_t i;

	for (i = 0; i < call->step_count; i++) {
		const struct play_step *step =
			&play_steps(play)[call->first_step + i];

		length += step->cpu + step->wait;
	}
	return json_pack("{s:o, s:o}", "length", number(length), "peak",
			 number((uint64_t)call->peak * PLAY_CHUNK));
}

static json_t *calls_json(struct play *play)
{
	json_t *list = json_array();
	uint32_t i;

	for (i = 0; i < play->call_count; i++)
		json_array_append_new(list, call_needs(play,
						       &play_calls(play)[i]));
	return list;
}

static json_t *needs_json(const struct replay *replay)
{
	json_t *object = json_object(), *sessions = json_array();
	unsigned int i;

	for (i = 0; i < replay->count; i++) {
		const struct replay_session *session = &replay->sessions[i];
		json_t *item = json_object();

		json_object_set_new(item, "trace", json_text(session->file));
		json_object_set_new(item, "offset",
				    number(session->asked.offset));
		json_object_set_new(item, "length", number(session->alone));
		json_object_set_new(item, "peak",
				    number(replay_peak(session)));
		json_object_set_new(item, "calls", calls_json(session->play));
		json_object_set_new(item, "cues", cues_json(session->play));
		json_array_append_new(sessions, item);
	}
	json_object_set_new(object, "speed", json_real(replay->speed));
	json_object_set_new(object, "demand", number(replay->demand));
	json_object_set_new(object, "sum", number(replay->sum));
	json_object_set_new(object, "available", number(replay->available));
	json_object_set_new(object, "rate-needed", number(replay->rate));
	json_object_set_new(object, "rate-here",
			    number(rate_of(replay->touch_ns)));
	json_object_set_new(object, "sessions", sessions);
	return object;
}

static void needs_text(const struct replay *replay)
{
	char text[HUMAN_MAX], peak[HUMAN_MAX];
	unsigned int i;

	printf("%-24s %8s %6s %8s\n", "", "length", "calls", "peak");
	for (i = 0; i < replay->count; i++) {
		const struct replay_session *session = &replay->sessions[i];

		human_duration(session->alone, text);
		human_size(replay_peak(session), peak);
		printf("%-24.24s %8s %6u %8s\n", last_word(session->file),
		       text, session->play->call_count, peak);
	}
	printf("sum of the peaks %s, ", human_size(replay->sum, text));
	printf("most at a time %s, ", human_size(replay->demand, text));
	printf("available %s\n", human_size(replay->available, text));
	printf("new memory a second, at the most %s, ",
	       human_size(replay->rate, text));
	printf("here %s\n", human_size(rate_of(replay->touch_ns), text));
}

void replay_needs(const struct replay *replay)
{
	if (json_wanted)
		print_json(needs_json(replay));
	else
		needs_text(replay);
}

void replay_report(const struct replay *replay)
{
	if (json_wanted)
		report_json(replay);
	else
		report_text(replay);
}
