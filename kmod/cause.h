/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Cause: how a call came to its end, and what proves it.
 *
 * Who sent a signal, and whose limit led to an OOM kill, is only known while
 * it happens, so it is written down then, in tracepoints (lifecycle.c, oom.c);
 * what it comes to is decided when somebody asks.
 */
#ifndef _AGENTCG_CAUSE_H
#define _AGENTCG_CAUSE_H

#include <linux/sched.h>
#include <linux/types.h>
#include <linux/uidgid_types.h>

#include <uapi/linux/agentcg.h>

struct agentcg_tool;
struct kernel_siginfo;
struct pid;

/**
 * struct agentcg_process - a process as it was at some moment
 * @pid: its thread group, with a reference, which outlives the process and
 *       tells its number in the PID namespace of whoever asks; NULL for none
 * @uid: of its user
 * @comm: its name
 * @size: bytes resident, 0 where it does not matter
 */
struct agentcg_process {
	struct pid *pid;
	kuid_t uid;
	char comm[TASK_COMM_LEN];
	u64 size;
};

/**
 * struct agentcg_killer - a signal that ended a process of a call
 * @signal: its number, 0 for none
 * @time: when it was sent
 * @of_leader: it ended the call's first process
 * @oom_killer: its sender is a user-space OOM killer
 * @sender: no pid when the kernel sent it
 * @victim: whom it ended
 */
struct agentcg_killer {
	int signal;
	u64 time;
	bool of_leader;
	bool oom_killer;
	struct agentcg_process sender;
	struct agentcg_process victim;
};

/**
 * struct agentcg_oom - the first OOM kill that a call met
 * @time: when, 0 for none
 * @level: whose limit it was, an enum agentcg_cause that begins with OOM
 * @of_leader: it took the call's first process
 * @has_figures: the next three are known
 * @id: of the cgroup whose limit was met, 0 for the machine
 * @usage: bytes charged there
 * @limit: bytes allowed there
 * @culprit: whom the kernel chose
 */
struct agentcg_oom {
	u64 time;
	u8 level;
	bool of_leader;
	bool has_figures;
	u64 id;
	u64 usage;
	u64 limit;
	struct agentcg_process culprit;
};

/**
 * struct agentcg_evidence - what is written down; by the session's lock
 * @killer: of the first process, else of another that an outsider ended
 * @requester: who asked for the call to be killed, no pid for nobody
 * @requested: when
 * @oom: OOM kill
 */
struct agentcg_evidence {
	struct agentcg_killer killer;
	struct agentcg_process requester;
	u64 requested;
	struct agentcg_oom oom;
};

void agentcg_process_take(struct agentcg_process *process,
			  struct task_struct *task);
u64 agentcg_process_size(struct task_struct *task);
void agentcg_process_drop(struct agentcg_process *process);

void agentcg_cause_signal(struct agentcg_tool *tool, int sig,
			  const struct kernel_siginfo *info,
			  struct task_struct *task, bool insider);
void agentcg_cause_request(struct agentcg_tool *tool);
bool agentcg_cause_tells_killer(const struct agentcg_tool *tool);
enum agentcg_cause agentcg_cause_of(const struct agentcg_tool *tool);
void agentcg_evidence_drop(struct agentcg_evidence *evidence);

#endif /* _AGENTCG_CAUSE_H */
