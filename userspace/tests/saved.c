// SPDX-License-Identifier: GPL-2.0-only
/*
 * What agentcg restore believes of a file: a good one, and every way of cutting
 * it off; the words of the refusals are in selftests/save_test.sh.
 */
#include <string.h>

#include "../saved.h"
#include "unit.h"

#define SEC	1000000000ull
#define INTENT_BIT(NAME)	(1ull << AGENTCG_A_INTENT_##NAME)

#define CALL \
	"{\"id\":7,\"path\":\"/a/s/c\",\"begun\":5000000000," \
	"\"begun-utc\":\"2026-01-01T00:00:00.000Z\",\"cause\":\"running\"," \
	"\"intent\":{\"mem\":4096,\"burst\":null,\"class\":\"batch\"," \
	"\"tag\":[\"a=b\",\"c=d\"],\"label\":\"x\",\"restartable\":true}}"
#define SESSION(MORE) \
	"{\"id\":5,\"agent-id\":6,\"path\":\"/a/s\",\"budget\":65536," \
	"\"max-class\":\"latency\",\"weight\":7," MORE \
	"\"defaults\":{\"deadline\":60000000000},\"calls\":[" CALL "]}"
#define FILE_OF(SESSIONS) \
	"{\"version\":1,\"node\":{\"reserve\":8192},\"sessions\":[" SESSIONS "]}"

static json_t *load(const char *text, size_t len, char *problem)
{
	FILE *file = fmemopen((void *)text, len ?: 1, "r");
	json_t *root;

	/* fmemopen() takes no empty buffer. */
	if (!len)
		fgetc(file);
	root = saved_load(file, problem);
	fclose(file);
	return root;
}

static void test_good(void)
{
	static const char text[] = FILE_OF(SESSION(""));
	char problem[SAVED_PROBLEM_MAX] = "";
	json_t *root = load(text, strlen(text), problem);
	struct saved_session session;
	struct saved_call call;
	struct saved_node node;

	check_text(problem, "", "a file as it is saved");
	if (!root)
		return;
	check(saved_read_node(json_object_get(root, "node"), &node, NULL) &&
	      node.set == 2 && node.reserve == 8192, "its node");
	check(saved_read_session(json_array_get(json_object_get(root, "sessions"),
						0), &session, NULL) &&
	      session.id == 5 && session.agent_id == 6 &&
	      session.config.budget == 65536 && session.config.weight == 7 &&
	      session.config.max_class == AGENTCG_CLASS_LATENCY &&
	      session.config.defaults->deadline == 60 * SEC,
	      "its session");
	check(saved_read_call(json_array_get(session.calls, 0), &session, &call,
			      NULL) &&
	      call.id == 7 && !call.survives && call.intent.intent.mem == 4096 &&
	      call.intent.intent.burst == AGENTCG_UNLIMITED &&
	      call.intent.intent.cls == AGENTCG_CLASS_BATCH &&
	      call.intent.intent.tag_count == 2 &&
	      call.intent.intent.restartable, "its call");
	check_text(call.intent.intent.tags[1], "c=d", "its tags");
	check(call.intent.intent.set ==
	      (INTENT_BIT(MEM) | INTENT_BIT(BURST) | INTENT_BIT(CLASS) |
	       INTENT_BIT(TAG) | INTENT_BIT(LABEL) | INTENT_BIT(RESTARTABLE)),
	      "and nothing else");
	json_decref(root);
}

/* A prefix is never good, nor is one that goes on. */
static void test_cut(void)
{
	static const char text[] = FILE_OF(SESSION(""));
	char problem[SAVED_PROBLEM_MAX], longer[sizeof(text) + 1];
	size_t len, good = 0;

	for (len = 0; len < strlen(text); len++) {
		json_t *root;

		problem[0] = '\0';
		root = load(text, len, problem);
		good += root || !problem[0];
		json_decref(root);
	}
	check(!good, "every prefix is refused with words");
	snprintf(longer, sizeof(longer), "%s}", text);
	check(!load(longer, strlen(longer), problem), "so is more");
}

/* One byte changed may be good or not, but is read without fault. */
static void test_noise(void)
{
	static const char text[] = FILE_OF(SESSION(""));
	static const char bytes[] = "0-9\"{}[],:.x/\\\x01\xff";
	char problem[SAVED_PROBLEM_MAX], noisy[sizeof(text)];
	size_t at, i, silent = 0;

	for (at = 0; at < strlen(text); at++) {
		for (i = 0; bytes[i]; i++) {
			json_t *root;

			memcpy(noisy, text, sizeof(text));
			noisy[at] = bytes[i];
			problem[0] = '\0';
			root = load(noisy, strlen(noisy), problem);
			silent += !root && !problem[0];
			json_decref(root);
		}
	}
	check(!silent, "every change is read, or refused with words");
}

static void test_bad(void)
{
	static const struct {
		const char *text;
		const char *problem;
	} bad[] = {
		{ FILE_OF(SESSION("\"floor\":1.0,")),
		  "/a/s: floor is not a whole number" },
		{ FILE_OF(SESSION("\"floor\":-1,")), "/a/s: floor is too small" },
		{ FILE_OF(SESSION("\"floor\":9223372036854775807,")),
		  "/a/s: floor is too large" },
		{ FILE_OF(SESSION("\"adopt\":true,")),
		  "/a/s: adopt is not known to this version" },
		{ FILE_OF("[]"), "a session: is not an object" },
		{ "{\"version\":1,\"sessions\":{}}", "sessions is not a list" },
		{ "{\"version\":1.0,\"sessions\":[]}", "it has no version" },
		{ "[]", "it has no version" },
	};
	char problem[SAVED_PROBLEM_MAX];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		problem[0] = '\0';
		load(bad[i].text, strlen(bad[i].text), problem);
		check_text(problem, bad[i].problem, bad[i].problem);
	}
}

static void test_rest(void)
{
	static const struct {
		uint64_t declared;	/* 0: not */
		uint64_t by_default;
		uint64_t begun;
		uint64_t rest;		/* 0: as declared */
		bool survives;
		const char *name;
	} cases[] = {
		{ 60 * SEC, AGENTCG_UNLIMITED, 10 * SEC, 40 * SEC,
		  .name = "declared" },
		{ 0, 60 * SEC, 10 * SEC, 40 * SEC,
		  .name = "by default" },
		{ 20 * SEC, 60 * SEC, 10 * SEC, 1,
		  .name = "over" },
		{ 60 * SEC, 60 * SEC, 0, 0,
		  .name = "not begun" },
		{ 60 * SEC, 60 * SEC, 31 * SEC, 0,
		  .name = "begun later than now" },
		{ AGENTCG_UNLIMITED, 60 * SEC, 10 * SEC, 0,
		  .name = "none declared" },
		{ 0, AGENTCG_UNLIMITED, 10 * SEC, 0,
		  .name = "none at all" },
		{ 20 * SEC, 60 * SEC, 10 * SEC, AGENTCG_UNLIMITED, true,
		  "of who has outlived the command" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct saved_session session = { .defaults.intent = {
			.deadline = cases[i].by_default,
			.set = INTENT_BIT(DEADLINE),
		} };
		struct saved_call call = {
			.begun = cases[i].begun,
			.survives = cases[i].survives,
			.intent.intent.deadline = cases[i].declared,
			.intent.intent.set = cases[i].declared ?
					     INTENT_BIT(DEADLINE) : 0,
		};

		saved_rest_deadline(&call, &session, 30 * SEC);
		check(call.intent.intent.deadline ==
		      (cases[i].rest ?: cases[i].declared) &&
		      !call.intent.intent.set ==
		      !(cases[i].rest || cases[i].declared),
		      "what is left of a deadline: %s", cases[i].name);
	}
}

void test_saved(void)
{
	test_good();
	test_cut();
	test_noise();
	test_bad();
	test_rest();
}
