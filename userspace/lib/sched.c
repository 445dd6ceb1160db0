// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Where the scheduler is loaded for calls only (agentcg sched load --partial), what is
 * started in a call has to ask for it, by its policy.
 */
#include <fcntl.h>
#include <sched.h>
#include <string.h>

#include "../../bpf/sched/state.h"
#include "internal.h"

#define SCHED_EXT_DIR	"/sys/kernel/sched_ext"

#ifndef SCHED_EXT
#define SCHED_EXT	7
#endif

static bool is_partial(void)
{
	char text[64];

	if (agentcg_file_read(AT_FDCWD, SCHED_EXT_DIR "/root/ops", text,
			      sizeof(text)) < 0)
		return false;
	text[strcspn(text, "\n")] = '\0';
	return !strcmp(text, SCHED_NAME) &&
	       agentcg_file_read(AT_FDCWD, SCHED_EXT_DIR "/switch_all", text,
				 sizeof(text)) >= 0 &&
	       text[0] == '0';
}

bool agentcg_sched_enter(void)
{
	const struct sched_param param = { 0 };

	return sched_getscheduler(0) == SCHED_OTHER && is_partial() &&
	       !sched_setscheduler(0, SCHED_EXT, &param);
}

void agentcg_sched_leave(void)
{
	const struct sched_param param = { 0 };

	sched_setscheduler(0, SCHED_OTHER, &param);
}
