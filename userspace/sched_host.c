// SPDX-License-Identifier: GPL-2.0-only
/* sched_ext as the kernel shows it. */
#include "sched_host.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "files.h"

#define SCHED_EXT	"/sys/kernel/sched_ext"

static bool read_word(const char *path, char *word, size_t size)
{
	ssize_t len = read_text(AT_FDCWD, path, word, size);

	word[strcspn(word, "\n")] = '\0';
	return len > 0;
}

bool sched_ext_there(void)
{
	return !access(SCHED_EXT "/state", F_OK);
}

bool sched_ext_partial(void)
{
	char word[8];

	return read_word(SCHED_EXT "/switch_all", word, sizeof(word)) &&
	       !strcmp(word, "0");
}

bool sched_ext_attached(char *name, size_t size)
{
	char state[32];

	if (!read_word(SCHED_EXT "/state", state, sizeof(state)) ||
	    !strcmp(state, "disabled"))
		return false;
	/* Not there yet, or not any more, while it comes and goes. */
	if (!read_word(SCHED_EXT "/root/ops", name, size))
		snprintf(name, size, "unknown");
	return true;
}
