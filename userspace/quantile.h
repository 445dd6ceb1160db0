/* SPDX-License-Identifier: GPL-2.0-only */
/* Quantiles of numbers that are collected first. */
#ifndef AGENTCG_QUANTILE_H
#define AGENTCG_QUANTILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero to begin with. */
struct quantile {
	uint64_t *values;
	size_t count;
	size_t room;
	bool sorted;
};

/** quantile_add() - Add a number; without memory it is left out. */
void quantile_add(struct quantile *quantile, uint64_t value);

/**
 * quantile_at() - The smallest number that @percent of all do not exceed.
 *
 * Return: the number, 0 when there are none; of 100 the largest.
 */
uint64_t quantile_at(struct quantile *quantile, unsigned int percent);

/** quantile_free() - Free what was collected. */
void quantile_free(struct quantile *quantile);

#endif /* AGENTCG_QUANTILE_H */
