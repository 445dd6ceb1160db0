// SPDX-License-Identifier: GPL-2.0-only
#include "quantile.h"

#include <stdlib.h>
#include <string.h>

void quantile_add(struct quantile *quantile, uint64_t value)
{
	if (quantile->count == quantile->room) {
		size_t room = quantile->room * 2 ?: 256;
		uint64_t *more;

		more = reallocarray(quantile->values, room, sizeof(*more));
		if (!more)
			return;
		quantile->values = more;
		quantile->room = room;
	}
	quantile->values[quantile->count++] = value;
	quantile->sorted = false;
}

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

uint64_t quantile_at(struct quantile *quantile, unsigned int percent)
{
	size_t rank;

	if (!quantile->count)
		return 0;
	if (!quantile->sorted)
		qsort(quantile->values, quantile->count,
		      sizeof(*quantile->values), compare);
	quantile->sorted = true;
	rank = (quantile->count * percent + 99) / 100;
	return quantile->values[rank ? rank - 1 : 0];
}

void quantile_free(struct quantile *quantile)
{
	free(quantile->values);
	memset(quantile, 0, sizeof(*quantile));
}
