// SPDX-License-Identifier: GPL-2.0-only
/* storm: one process after the other, four at a time, each of which ends at once. */
#include <sys/wait.h>
#include <unistd.h>

#include "load.h"

#define AT_ONCE	4

int main(int argc, char **argv)
{
	static const char help[] =
		"usage: storm\n\n"
		"Forks until it is killed, four at a time, each of which ends at once.\n";
	int i;

	if (argc > 1)
		show_help(argc, argv, help);
	for (;;) {
		for (i = 0; i < AT_ONCE; i++) {
			const pid_t pid = fork();

			if (!pid)
				_exit(0);
			if (pid < 0)
				break;
		}
		while (wait(NULL) > 0)
			;
	}
}
