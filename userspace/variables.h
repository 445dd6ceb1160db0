/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * CPUs and memory as environment variables that tools obey.
 *
 * MAKEFLAGS and NODE_OPTIONS have more in them than that: what is there stays,
 * a smaller number of the user's too, and so does the jobserver of a make that
 * the command is started by.
 */
#ifndef AGENTCG_VARIABLES_H
#define AGENTCG_VARIABLES_H

#include "means.h"

/* Longer ones are left alone. */
#define VARIABLE_MAX	4096

/**
 * typedef variable_fn - Called for every variable.
 * @name: of the variable.
 * @value: what to set it to.
 * @arg: the caller's.
 */
typedef void (*variable_fn)(const char *name, const char *value, void *arg);

/** variables_of() - Call @fn for what is to be set. */
void variables_of(const struct means *means, variable_fn fn, void *arg);

#endif /* AGENTCG_VARIABLES_H */
