// SPDX-License-Identifier: GPL-2.0-only
/* pair: two who wake each other in turn, so that all they cost is a wakeup and a switch. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "load.h"

static volatile sig_atomic_t done;

static void stop(int sig)
{
	done = 1;
}

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

int main(int argc, char **argv)
{
	static const char help[] =
		"usage: pair\n\n"
		"Two processes hand a byte to each other until SIGTERM; then prints, as JSON,\n"
		"how many times it changed hands.\n";
	const struct sigaction action = { .sa_handler = stop };
	unsigned long turns = 0;
	int there[2], back[2];
	pid_t pid;

	if (argc > 1) {
		fputs(help, strcmp(argv[1], "--help") ? stderr : stdout);
		return !!strcmp(argv[1], "--help");
	}
	if (pipe(there) || pipe(back) || (pid = fork()) < 0) {
		perror("pair");
		return 1;
	}
	if (!pid) {
		close(there[1]);
		answer(there[0], back[1]);
	}
	close(there[0]);
	sigaction(SIGTERM, &action, NULL);
	while (!done && hand_over(there[1], back[0]))
		turns += 2;
	close(there[1]);
	waitpid(pid, NULL, 0);
	printf("{\"turns\": %lu}\n", turns);
	return 0;
}
