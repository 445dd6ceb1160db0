// SPDX-License-Identifier: GPL-2.0-only
/* command: how long a short command takes, from fork to its end. */
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "load.h"

#define PAUSE_US	20000

extern char **environ;

/* Return: ns that it took, or 0 if it failed. */
static uint64_t run(char **words, posix_spawn_file_actions_t *quiet)
{
	const uint64_t begin = now_ns();
	int status;
	pid_t pid;

	if (posix_spawnp(&pid, words[0], quiet, NULL, words, environ) ||
	    waitpid(pid, &status, 0) != pid || status)
		return 0;
	return now_ns() - begin;
}

int main(int argc, char **argv)
{
	static const char help[] =
		"usage: command ROUNDS COMMAND [ARG...]\n\n"
		"Runs it every 20 ms. Prints, as JSON, what it took each time, in ns.\n";
	posix_spawn_file_actions_t quiet;
	unsigned long rounds, i;
	uint64_t *took;

	if (argc < 3)
		show_help(argc, argv, help);
	took = samples_of("command", argv[1], &rounds);
	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	for (i = 0; i < rounds; i++) {
		usleep(PAUSE_US);
		took[i] = run(argv + 2, &quiet);
		if (!took[i]) {
			fprintf(stderr, "command: %s failed\n", argv[2]);
			return 1;
		}
	}
	printf("{");
	print_samples("took_ns", took, rounds);
	printf("}\n");
	return 0;
}
