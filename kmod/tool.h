/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tool call: a child cgroup of a session in which one command of the agent
 * runs.  Once ended, the same object is the call's receipt.
 */
#ifndef _AGENTCG_TOOL_H
#define _AGENTCG_TOOL_H

#include <linux/container_of.h>
#include <linux/list.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include "cause.h"
#include "cpu.h"
#include "deadline.h"
#include "domain.h"
#include "freeze.h"
#include "intent.h"
#include "ledger.h"
#include "limits.h"
#include "reap.h"

struct agentcg_session;
struct netlink_ext_ack;
struct signal_struct;
struct task_struct;

/* Tasks of one call whose native reclaim is watched at once. */
#define AGENTCG_NATIVE_SLOTS	4

/**
 * enum agentcg_native_kind - what a pass of native reclaim is to find
 * @AGENTCG_NATIVE_CACHE: page cache of the call
 * @AGENTCG_NATIVE_RESIDUE: for its session's sake, what ended calls left
 * @AGENTCG_NATIVE_SWAP: anonymous memory of the call, for swap
 */
enum agentcg_native_kind {
	AGENTCG_NATIVE_CACHE,
	AGENTCG_NATIVE_RESIDUE,
	AGENTCG_NATIVE_SWAP,
};

/**
 * struct agentcg_native - a task that was left to the kernel's own reclaim
 * @task: a cookie, compared and never followed; NULL when the slot is free
 * @start: ns, when it was left to it
 * @kind: what for
 */
struct agentcg_native {
	const struct task_struct *task;
	u64 start;
	enum agentcg_native_kind kind;
};

/**
 * struct agentcg_tool_stats - the figures of the receipt; bytes and ns
 * @peak: highest usage
 * @grants: how many
 * @granted_total: sum of all grants
 * @revoked_total: sum of what was taken back unused
 * @overdraft_peak: most that was booked without credit behind it
 * @stalls: times that a task was held
 * @stall_total: time in which at least one task was held, past the bound as well
 * @stall_longest: longest time that one task was held
 * @frozen_total: time for which it was frozen, not part of @stall_total
 * @native_total: in native reclaim; part of @stall_total where that was slow
 * @exhausted: times that the stall bound was met
 * @foreign: times that a limit outside agentcg was in the way
 * @dirty_total: for which writers slept for their dirty pages, not part of @stall_total
 * @cpu_time: of the tasks that have exited
 * @processes: tasks that were born in the call or moved into it
 * @start: when it was declared
 * @begun: when its first process entered, or was taken over, 0 before
 * @emptied: when its last process was gone, 0 while one is there
 * @end: when its cgroup was removed
 * @oom_kills: processes of it that the kernel killed for want of memory
 * @residue: what it left charged to its session
 * @wait_status: of its first process, as wait(2) tells it
 */
struct agentcg_tool_stats {
	u64 peak;
	u64 grants;
	u64 granted_total;
	u64 revoked_total;
	u64 overdraft_peak;
	u64 stalls;
	u64 stall_total;
	u64 stall_longest;
	u64 frozen_total;
	u64 native_total;
	u64 dirty_total;
	u64 exhausted;
	u64 foreign;
	u64 cpu_time;
	u64 processes;
	u64 start;
	u64 begun;
	u64 emptied;
	u64 end;
	u64 oom_kills;
	u64 residue;
	u32 wait_status;
};

/**
 * struct agentcg_tool - a tool call; guarded by the session's lock
 * @d: as a domain
 * @acct: of the ledger: @acct.reserved is mem, @acct.limit mem + burst
 * @intent: as declared
 * @limits: as applied
 * @stats: for the receipt
 * @link: in the session's list of live calls, then of receipts
 * @step: size of the next grant
 * @last_event: jiffies of the last grant or debt
 * @granted_at: jiffies of the last grant
 * @dirty_until: jiffies, until when writers count as held back; see dirty.h
 * @run: debts of a run from inside of a system call, in bytes
 * @run_at: jiffies of the last of them
 * @overdraft: part of the grant that was booked without credit
 * @held: tasks held back now
 * @delayed: of them, those that a policy has put to sleep
 * @held_since: ns, when @held left 0
 * @native: watched tasks
 * @native_fails: passes of native reclaim in a row without progress
 * @reclaim_fails: pieces of reclaim for another call in a row that failed
 * @leader: signal struct of its first process while that lives; a cookie,
 *          compared and never followed.  Unlike a task it survives exec.
 * @had_leader: a process has been in it
 * @leader_done: @stats.wait_status is set
 * @live: tasks that have entered less those that have exited here, or more
 *        after a takeover
 * @killed: enum agentcg_cause of the kill, AGENTCG_CAUSE_EXIT when its survivors
 *          are reaped, 0 while it may live; set once, read without the lock
 * @made: its cgroup was made by tool-make; set once, read without the lock
 * @evidence: of how it ended
 * @deadline: until when it may run
 * @reap: passes over its processes
 * @freeze: whether it stands still
 * @cpu: its part of the processors
 */
struct agentcg_tool {
	struct agentcg_domain d;
	struct agentcg_account acct;
	struct agentcg_intent intent;
	struct agentcg_limits limits;
	struct agentcg_tool_stats stats;
	struct list_head link;
	u64 step;
	unsigned long last_event;
	unsigned long granted_at;
	unsigned long dirty_until;
	u64 run;
	unsigned long run_at;
	u64 overdraft;
	u32 held;
	u32 delayed;
	u64 held_since;
	struct agentcg_native native[AGENTCG_NATIVE_SLOTS];
	u32 native_fails;
	u32 reclaim_fails;
	const struct signal_struct *leader;
	bool had_leader;
	bool leader_done;
	int live;
	atomic_t killed;
	bool made;
	struct agentcg_evidence evidence;
	struct agentcg_deadline deadline;
	struct agentcg_reap reap;
	struct agentcg_freeze freeze;
	struct agentcg_cpu cpu;
};

static inline struct agentcg_tool *
agentcg_domain_to_tool(struct agentcg_domain *const domain)
{
	return container_of(domain, struct agentcg_tool, d);
}

int agentcg_tool_set(struct cgroup *cgrp, struct agentcg_intent *intent,
		     struct agentcg_tool **tool,
		     struct netlink_ext_ack *extack);
bool agentcg_tool_kill(struct agentcg_tool *tool, enum agentcg_cause cause);
bool agentcg_tool_leader_done(struct agentcg_tool *tool, u32 wait_status);
void agentcg_tool_end(struct agentcg_tool *tool);
void agentcg_tool_free(struct agentcg_tool *tool);

/* Drops a reference to the domain inside. */
static inline void agentcg_tool_put(struct agentcg_tool *const tool)
{
	agentcg_domain_put(&tool->d);
}

/* Caller holds the session's lock. */
void agentcg_tool_hold(struct agentcg_tool *tool, u64 now);
void agentcg_tool_unhold(struct agentcg_tool *tool, u64 start, u64 now);
u64 agentcg_tool_stall(const struct agentcg_tool *tool, u64 now);
u64 agentcg_tool_held(const struct agentcg_tool *tool, u64 now);

int agentcg_tool_init(void);
void agentcg_tool_exit(void);

#endif /* _AGENTCG_TOOL_H */
