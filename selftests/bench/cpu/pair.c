// SPDX-License-Identifier: GPL-2.0-only
/* pair: two who wake each other in turn, so that all they cost is a wakeup and a switch. */
#include <sys/wait.h>
#include <unistd.h>

#include "load.h"

/* Return: whether the other is there still. */
static int hand_over(int to, int from)
{
	char token = 0;

	return write(to, &token, 1) == 1 && read(from, &token, 1) == 1;
}

static void answer(int from, int to)
{
	char token;

	while (read(from, &token, 1) == 1 && write(to, &token, 1) == 1)
		;
	_exit(0);
}

/* Return: how often the byte changed hands. */
static unsigned long pass_on(int to, int from, uint64_t end)
{
	unsigned long turns = 0;

	/* The clock is not what is measured. */
	while ((turns % 32 || now_ns() < end) && hand_over(to, from))
		turns += 2;
	return turns;
}

int main(int argc, char **argv)
{
	static const char help[] =
		"usage: pair BEGIN NS\n\n"
		"From BEGIN, in ns of the clock, two processes hand a byte to each other for NS;\n"
		"then prints, as JSON, how many times it changed hands.\n";
	unsigned long turns;
	int there[2], back[2];
	uint64_t begin;
	pid_t pid;

	if (argc != 3)
		show_help(argc, argv, help);
	begin = strtoull(argv[1], NULL, 10);
	if (pipe(there) || pipe(back) || (pid = fork()) < 0) {
		perror("pair");
		return 1;
	}
	if (!pid) {
		close(there[1]);
		answer(there[0], back[1]);
	}
	close(there[0]);
	sleep_until(begin);
	turns = pass_on(there[1], back[0], begin + strtoull(argv[2], NULL, 10));
	close(there[1]);
	waitpid(pid, NULL, 0);
	printf("{\"turns\": %lu}\n", turns);
	return 0;
}
