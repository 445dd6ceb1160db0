// SPDX-License-Identifier: GPL-2.0-only
/* Unit tests of plays: what is made of a trace, and what it needs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../play.h"
#include "../quantile.h"
#include "unit.h"

#define SEC	1000000000ull
#define MSEC	1000000ull

/* Sizes are bytes there, and whole chunks here. */
#define MB(CHUNKS)	((CHUNKS) * 1048576ull)

static void add(struct trace_series *series, uint64_t at, uint64_t chunks,
		uint64_t cpu)
{
	const struct trace_sample sample = {
		.at = at, .anon = MB(chunks), .cpu = cpu,
	};

	trace_add(series, &sample);
}

/*
 * The agent has 10 chunks, from 6 s on 20. Call 0 from 1 to 3 s has 100 and then
 * 50; call 1 begins beside it; call 2 comes a second after the end of call 1.
 */
static void make_trace(struct trace *trace)
{
	struct trace_call *calls = calloc(3, sizeof(*calls));

	memset(trace, 0, sizeof(*trace));
	trace->version = 2;
	trace->end = 8 * SEC;
	trace->calls = calls;
	trace->call_count = 3;
	add(&trace->agent, 0, 10, 0);
	add(&trace->agent, 6 * SEC, 20, SEC);
	calls[0] = (struct trace_call){ .start = 1 * SEC, .end = 3 * SEC };
	add(&calls[0].own, 2 * SEC, 100, SEC / 4);
	add(&calls[0].own, 3 * SEC, 50, 5 * SEC);
	calls[1] = (struct trace_call){ .start = 2 * SEC, .end = 4 * SEC };
	add(&calls[1].own, 3 * SEC, 30, 0);
	calls[2] = (struct trace_call){ .start = 5 * SEC, .end = 5 * SEC };
	strcpy(calls[2].name, "short");
}

static void check_cue(struct play *play, unsigned int number,
		      struct play_cue want, const char *what)
{
	const struct play_cue *got = &play_cues(play)[number];
	bool ok = got->kind == want.kind && got->after == want.after &&
		  got->delay == want.delay && got->call == want.call &&
		  got->chunks == want.chunks && got->cpu == want.cpu;

	check(ok, "%s", what);
	if (!ok)
		printf("# kind %u after %u delay %llu call %u chunks %u cpu %llu\n",
		       got->kind, got->after, (unsigned long long)got->delay,
		       got->call, got->chunks, (unsigned long long)got->cpu);
}

static void test_cues(struct play *play)
{
	check(play->cue_count == 6, "as many cues as levels, calls and an end");
	check_cue(play, 0, (struct play_cue){ .kind = PLAY_LEVEL,
		  .after = PLAY_AFTER_START, .chunks = 10 },
		  "the agent begins with what it has");
	check_cue(play, 1, (struct play_cue){ .kind = PLAY_CALL,
		  .after = PLAY_AFTER_START, .delay = SEC / 2 },
		  "the first call, at twice the speed");
	check_cue(play, 2, (struct play_cue){ .kind = PLAY_CALL, .call = 1,
		  .after = PLAY_AFTER_BEGIN(0), .delay = SEC / 2 },
		  "one beside it counts from its beginning");
	check_cue(play, 3, (struct play_cue){ .kind = PLAY_CALL, .call = 2,
		  .after = PLAY_AFTER_END(1), .delay = SEC / 2 },
		  "one behind it from the end of the last");
	check_cue(play, 4, (struct play_cue){ .kind = PLAY_LEVEL, .chunks = 20,
		  .after = PLAY_AFTER_END(2), .delay = SEC / 2,
		  .cpu = SEC / 2 }, "the agent grows");
	check_cue(play, 5, (struct play_cue){ .kind = PLAY_END,
		  .after = PLAY_AFTER_END(2), .delay = 3 * SEC / 2 },
		  "the end");
}

static void check_step(struct play *play, const struct play_call *call,
		       unsigned int number, struct play_step want,
		       const char *what)
{
	const struct play_step *got;

	got = &play_steps(play)[call->first_step + number];
	check(got->anon == want.anon && got->cpu == want.cpu &&
	      got->wait == want.wait && got->file == want.file, "%s", what);
}

static void test_steps(struct play *play)
{
	const struct play_call *calls = play_calls(play);

	check(calls[0].step_count == 3 && calls[2].step_count == 1,
	      "a step for each sample and one to the end");
	/* 500 ms less 125 of CPU and 100 times 1 for touching. */
	check_step(play, &calls[0], 0, (struct play_step){ .anon = 100,
		   .cpu = SEC / 8, .wait = 275 * MSEC },
		   "it waits for what work leaves");
	check_step(play, &calls[0], 1, (struct play_step){ .anon = 50,
		   .cpu = SEC / 2 }, "one processor, not five");
	check_step(play, &calls[0], 2, (struct play_step){ .anon = 50 },
		   "nothing is left to its end");
	check_step(play, &calls[1], 1, (struct play_step){ .anon = 30,
		   .wait = SEC / 2 }, "it keeps what it has to its end");
	check(calls[0].peak == 100 && calls[1].peak == 30 && !calls[2].peak,
	      "peaks of calls");
	check_text(calls[2].name, "short", "the name of a call");
}

static void test_notes(struct play *play)
{
	const struct play_call *calls = play_calls(play);

	check(play->notes.room == 20 && calls[0].notes.room == 100 &&
	      calls[1].notes.room == 30, "room for each allocation");
	check(calls[0].notes.first == play->notes.first + 20 &&
	      calls[1].notes.first == calls[0].notes.first + 100 &&
	      play->latency_count == 150, "that nobody shares");
	check((char *)(play_latencies(play) + play->latency_count) ==
	      (char *)play + play->size, "and that there is");
}

static void test_one_play(void)
{
	struct trace trace;
	struct play *play, *again;
	int fd;

	make_trace(&trace);
	play = play_make(&trace, 2, MSEC, &fd);
	check(play != NULL, "a play");
	test_cues(play);
	test_steps(play);
	test_notes(play);
	check(play->length == 4 * SEC && play->peak == 110,
	      "how long it is, and how large");
	play_calls(play)[1].state = PLAY_KILLED;
	again = play_map(fd);
	check(again && play_calls(again)[1].state == PLAY_KILLED,
	      "what one process notes another sees");
	play_reset(again);
	check(play_calls(play)[1].state == PLAY_NOT_BEGUN, "until it is reset");
	play_unmap(again);
	play_unmap(play);
	close(fd);
	trace_free(&trace);
	check(!play_map(STDIN_FILENO), "something else is no play");
}

static void test_needs(void)
{
	struct play_change *changes;
	struct trace trace;
	size_t count;

	make_trace(&trace);
	check(!play_changes(&trace, 1, 7 * SEC, &changes, &count),
	      "changes of memory");
	check(changes[0].at == 7 * SEC && changes[0].chunks == 10,
	      "they begin with the offset");
	check(play_most(changes, count) == 110, "the most at a time");
	/* 100 in the second from 8 s on, beside the agent's 10 in six. */
	check(play_rate(changes, count) == 102, "how fast it has to come");
	free(changes);
	/* 100 in a tenth of a second, 30 more, 10 of the agent's as before. */
	check(!play_changes(&trace, 100, 0, &changes, &count) &&
	      play_rate(changes, count) == 1500, "and in a hundredth of it");
	free(changes);
	trace_free(&trace);
}

static void test_quantiles(void)
{
	struct quantile q = { .count = 0 };
	uint64_t i;

	check(!quantile_at(&q, 50), "no number, no quantile");
	for (i = 200; i; i--)
		quantile_add(&q, i);
	check(quantile_at(&q, 50) == 100 && quantile_at(&q, 99) == 198 &&
	      quantile_at(&q, 100) == 200 && quantile_at(&q, 0) == 1,
	      "quantiles of 1 to 200");
	quantile_add(&q, 1000);
	check(quantile_at(&q, 100) == 1000, "and one more");
	quantile_free(&q);
	quantile_add(&q, 7);
	check(quantile_at(&q, 50) == 7 && quantile_at(&q, 99) == 7,
	      "quantiles of one number");
	quantile_free(&q);
}

void test_play(void)
{
	test_one_play();
	test_needs();
	test_quantiles();
}
