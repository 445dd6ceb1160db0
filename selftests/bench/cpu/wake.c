// SPDX-License-Identifier: GPL-2.0-only
/* wake: how late one is who wakes up every now and then and works for a moment. */
#include "load.h"

#define PERIOD_NS	10000000ull
#define WORK_NS		180000

/* What it takes to start is its own, and makes it wait: so many times are not counted. */
#define SETTLE		10

int main(int argc, char **argv)
{
	static const char help[] =
		"usage: wake ROUNDS PHASE\n\n"
		"Wakes up every 10 ms of the clock and PHASE us, and works for 180 us.\n"
		"Prints, as JSON, by how much it was late each time but the first ten, in ns.\n";
	unsigned long rounds, i;
	uint64_t *late, at;

	if (argc != 3)
		show_help(argc, argv, help);
	late = samples_of("wake", argv[1], &rounds);
	at = now_ns() / PERIOD_NS * PERIOD_NS + PERIOD_NS +
	     strtoul(argv[2], NULL, 10) * 1000;
	for (i = 0; i < rounds + SETTLE; i++) {
		at += PERIOD_NS;
		sleep_until(at);
		if (i >= SETTLE)
			late[i - SETTLE] = now_ns() - at;
		work(WORK_NS);
		/* Who is stopped past his next turn has missed it. */
		while (at + PERIOD_NS < now_ns())
			at += PERIOD_NS;
	}
	printf("{");
	print_samples("late_ns", late, rounds);
	printf("}\n");
	return 0;
}
