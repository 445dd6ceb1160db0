// SPDX-License-Identifier: GPL-2.0-only
/*
 * charge: charges memory at no other cost.
 *
 * A reservation of socket memory (SO_RESERVE_MEM) is charged like pages are and
 * has no pages behind it. With pages, clearing them would be 999 of 1,000
 * instructions on the way from one decision of agentcg to the next.
 */
#include <arpa/inet.h>
#include <getopt.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"

#define KB		(1ul << 10)
#define MB		(1ul << 20)

static const char help[] =
"usage: charge [OPTION]... MB\n"
"\n"
"Charges MB megabytes, at most 2047, to its cgroup. The sysctl net.ipv4.tcp_mem\n"
"must allow them.\n"
"\n"
"  --chunk KB   so much in a system call (default 128). Up to 256, agentcg\n"
"               decides when the call returns, else from inside of it.\n"
"  --pause US   sleep after each megabyte\n"
"  --linger     give all back, print a line, and wait for stdin to end\n";

struct options {
	unsigned long megabytes;
	unsigned long chunk;
	unsigned int pause;
	bool linger;
};

static bool parse(int argc, char **argv, struct options *options)
{
	static const struct option longs[] = {
		{ "chunk", required_argument, NULL, 'c' },
		{ "pause", required_argument, NULL, 'p' },
		{ "linger", no_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	int c;

	while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		if (c == 'c')
			options->chunk = strtoul(optarg, NULL, 10) * KB;
		else if (c == 'p')
			options->pause = strtoul(optarg, NULL, 10);
		else if (c == 'l')
			options->linger = true;
		else
			return false;
	}
	if (optind != argc - 1)
		return false;
	options->megabytes = strtoul(argv[optind], NULL, 10);
	return options->megabytes && options->megabytes < 2048 &&
	       options->chunk;
}

static int reserve(int fd, int size)
{
	return setsockopt(fd, SOL_SOCKET, SO_RESERVE_MEM, &size, sizeof(size));
}

static int charge(const struct options *options, int fd)
{
	const size_t size = options->megabytes * MB;
	size_t at = 0, paused = 0;

	while (at < size) {
		at += options->chunk;
		if (at > size)
			at = size;
		if (reserve(fd, at))
			return -1;
		for (; options->pause && paused + MB <= at; paused += MB)
			usleep(options->pause);
	}
	return 0;
}

static int linger(int fd)
{
	char byte;

	if (reserve(fd, 0))
		return -1;
	puts("given back");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	return 0;
}

int main(int argc, char **argv)
{
	struct options options = { .chunk = 128 * KB };
	int fd;

	if (!parse(argc, argv, &options)) {
		fputs(help, stderr);
		return 2;
	}
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0 || charge(&options, fd) ||
	    (options.linger && linger(fd))) {
		perror("charge");
		return 1;
	}
	return 0;
}
