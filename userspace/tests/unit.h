/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the unit tests share. */
#ifndef AGENTCG_UNIT_H
#define AGENTCG_UNIT_H

#include <stdbool.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* One test, by what it is to show. */
void check(bool ok, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void check_text(const char *got, const char *want, const char *name);

void test_advice(void);
void test_play(void);
void test_trace(void);
void test_saved(void);

#endif /* AGENTCG_UNIT_H */
