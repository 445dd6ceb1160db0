/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a command has where it runs: CPUs and memory, as the kernel limits them,
 * which is not what nproc(1) and free(1) tell.
 */
#ifndef AGENTCG_MEANS_H
#define AGENTCG_MEANS_H

#include <agentcg/agentcg.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

/**
 * struct means - CPUs and memory.
 * @cpus: that can be used at once, a part of one counted as one.
 * @memory: bytes that one call can get now; AGENTCG_UNLIMITED: no limit but
 *	the machine.
 * @managed: the module was asked.
 * @cpus_by: what limits the CPUs.
 * @memory_by: what limits the memory; empty when nothing does.
 */
struct means {
	unsigned int cpus;
	uint64_t memory;
	bool managed;
	char cpus_by[PATH_MAX + 32];
	char memory_by[PATH_MAX + 32];
};

/**
 * means_of() - What a command has in a cgroup.
 * @handle: the handle.
 * @dirfd: directory of the cgroup, or a negative number when there is none.
 * @session: its session, NULL for none: only the cgroup files tell then.
 * @call: id of the call that the command is in, 0 for a new one.
 * @intent: what is to be declared of a new one; may be NULL.
 * @means: the result.
 */
void means_of(struct agentcg *handle, int dirfd,
	      struct agentcg_session *session, uint64_t call,
	      const struct agentcg_intent *intent, struct means *means);

/**
 * means_own() - The same for where the caller itself runs.
 * @handle: the handle.
 * @intent: what is to be declared of a new call; may be NULL.
 * @means: the result.
 *
 * From the agent leaf of a session, and outside of any, it is what a new call
 * would have.
 *
 * Return: 0, or why the module could not be asked.
 */
int means_own(struct agentcg *handle, const struct agentcg_intent *intent,
	      struct means *means);

/** means_quota() - CPUs that a cpu.max allows, rounded up; 0 for no limit. */
unsigned int means_quota(const char *cpu_max);

/** means_count() - How many CPUs a list such as "0-3,8" has; 0 for none. */
unsigned int means_count(const char *cpu_list);

#endif /* AGENTCG_MEANS_H */
