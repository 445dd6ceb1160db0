// SPDX-License-Identifier: GPL-2.0-only
#include "keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

/* Above what anybody has open: where descriptors are parked for a moment. */
#define PARKING		64

void keep_only(int *a, int *b)
{
	int parked_a = fcntl(*a, F_DUPFD_CLOEXEC, PARKING);
	int parked_b = fcntl(*b, F_DUPFD_CLOEXEC, PARKING);

	*a = dup2(parked_a, 0);
	*b = dup2(parked_b, 1);
	close_range(2, ~0u, 0);
}

bool read_order(int pipe, void *order, size_t size)
{
	ssize_t len;

	do {
		len = read(pipe, order, size);
	} while (len < 0 && errno == EINTR);
	return len == (ssize_t)size;
}

void send_order(int pipe, const void *order, size_t size)
{
	while (write(pipe, order, size) < 0 && errno == EINTR)
		continue;
}
