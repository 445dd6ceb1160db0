// SPDX-License-Identifier: GPL-2.0-only
/* nothing: the smallest program there is to start. */
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	static const char help[] = "usage: nothing\n\nDoes nothing.\n";

	if (argc > 1 && !strcmp(argv[1], "--help"))
		return write(STDOUT_FILENO, help, sizeof(help) - 1) < 0;
	return 0;
}
