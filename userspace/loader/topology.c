// SPDX-License-Identifier: GPL-2.0-only
/* Which processors are the threads of one core, as sysfs tells it. */
#include "topology.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "../files.h"

#define SIBLINGS	"/sys/devices/system/cpu/cpu%zu/topology/thread_siblings_list"

/*
 * The one that comes after @cpu in a list such as "0-1,4", or the first one: @cpu where it
 * is alone, or the list is none.
 */
static unsigned long next_of(const char *list, unsigned long cpu)
{
	unsigned long first, last, least = ULONG_MAX;
	char *end;

	for (;; list = end + 1) {
		first = strtoul(list, &end, 10);
		if (end == list)
			break;
		last = *end == '-' ? strtoul(end + 1, &end, 10) : first;
		if (least == ULONG_MAX)
			least = first;
		if (first > cpu)
			return first;
		if (last > cpu)
			return cpu + 1;
		if (*end != ',')
			break;
	}
	return least == ULONG_MAX ? cpu : least;
}

void find_siblings(__u16 *next, size_t count)
{
	char path[sizeof(SIBLINGS) + 20], list[256];
	unsigned long other;
	size_t cpu;

	for (cpu = 0; cpu < count; cpu++) {
		snprintf(path, sizeof(path), SIBLINGS, cpu);
		if (read_text(AT_FDCWD, path, list, sizeof(list)) <= 0)
			continue;
		other = next_of(list, cpu);
		if (other != cpu && other < count)
			next[cpu] = (__u16)(other + 1);
	}
}
