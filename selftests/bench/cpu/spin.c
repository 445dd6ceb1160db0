// SPDX-License-Identifier: GPL-2.0-only
/* spin: never sleeps; tells how far it has come. */
#include <signal.h>
#include <unistd.h>

#include "load.h"

#define PIECE_NS	100000

static volatile sig_atomic_t done;

static void stop(int sig)
{
	done = 1;
}

int main(int argc, char **argv)
{
	static const char help[] =
		"usage: spin\n\n"
		"Works until SIGTERM; then prints, as JSON, how many pieces of 100 us it did.\n";
	const struct sigaction action = { .sa_handler = stop };
	unsigned long pieces;

	if (argc > 1)
		show_help(argc, argv, help);
	sigaction(SIGTERM, &action, NULL);
	for (pieces = 0; !done; pieces++)
		work(PIECE_NS);
	printf("{\"pieces\": %lu}\n", pieces);
	return 0;
}
