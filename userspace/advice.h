/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an agent is told of a call that went wrong: what happened, how big it
 * was, what to try. Only what the receipt proves is said as a fact.
 */
#ifndef AGENTCG_ADVICE_H
#define AGENTCG_ADVICE_H

#include <jansson.h>

#include "figures.h"
#include "size.h"

/* No text is longer. */
#define ADVICE_MAX	640

#define ADVICE_TRIES	4

/**
 * struct advice_try - One thing to try.
 * @option: of agentcg run; NULL: @hint instead.
 * @value: of the option, as it is typed; empty for a flag.
 * @hint: a word that the schema has.
 */
struct advice_try {
	const char *option;
	char value[HUMAN_MAX];
	const char *hint;
};

/**
 * struct advice - The feedback on one call.
 * @code: a word that the schema has.
 * @text: two to four sentences on one line.
 * @tries: what to try, the likeliest first.
 * @try_count: of them.
 */
struct advice {
	const char *code;
	char text[ADVICE_MAX];
	struct advice_try tries[ADVICE_TRIES];
	unsigned int try_count;
};

/* Every code and every hint there is; the lists end with NULL. */
extern const char *const advice_codes[];
extern const char *const advice_hints[];

/**
 * advise() - Feedback on a call.
 * @f: what its receipt proves.
 * @survivors: list_survivors(), or "".
 * @advice: filled in when there was trouble.
 *
 * Return: whether there was.
 */
bool advise(const struct figures *f, const char *survivors,
	    struct advice *advice);

/** advise_unmanaged() - Feedback on a command that met its deadline unmanaged. */
void advise_unmanaged(uint64_t deadline, struct advice *advice);

/** advice_json() - As an object with code, text and try. */
json_t *advice_json(const struct advice *advice);

#endif /* AGENTCG_ADVICE_H */
