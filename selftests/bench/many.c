// SPDX-License-Identifier: GPL-2.0-only
/* many: a number of processes that wait to be killed. */
#include <unistd.h>

#include "bench.h"

static const char help[] =
"usage: many N\n"
"\n"
"Becomes N processes that do nothing, all but the first its children, and prints a\n"
"line when they are there.\n";

int main(int argc, char **argv)
{
	unsigned long n = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;

	if (!n) {
		fputs(help, stderr);
		return 2;
	}
	while (--n) {
		const pid_t pid = fork();

		if (pid < 0)
			return 1;
		if (!pid)
			break;
	}
	if (!n) {
		puts("ready");
		fflush(stdout);
	}
	for (;;)
		pause();
}
