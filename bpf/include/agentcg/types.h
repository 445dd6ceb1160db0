/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What the module and BPF programs share: the figures that a program may read,
 * and the shape of a policy.
 *
 * Sizes are in bytes, durations in ns, ids are 64-bit ids of cgroups.  A program
 * reads these structs by CO-RE, so it runs with modules that have more members,
 * and finds with bpf_core_field_exists() what one has not.
 *
 * The module itself includes this file: what is written here is what there is.
 */
#ifndef AGENTCG_TYPES_H
#define AGENTCG_TYPES_H

#ifdef __KERNEL__
#include <uapi/linux/agentcg.h>
#else
#include <linux/types.h>
#include <agentcg/uapi.h>
#endif

#ifdef __bpf__
#pragma clang attribute push(__attribute__((preserve_access_index)), \
			     apply_to = record)
#endif

struct agentcg_domain;

/* What stands for "no limit" and "no deadline". */
#define AGENTCG_NONE	(~0ULL)

enum agentcg_kind {
	AGENTCG_KIND_NONE,
	AGENTCG_KIND_SESSION,
	AGENTCG_KIND_AGENT,
	AGENTCG_KIND_CALL,
};

/**
 * struct agentcg_domain_info - a managed cgroup, as of this moment
 * @id: of the cgroup
 * @session_id: of its session, itself for a session
 * @kind: enum agentcg_kind
 * @class: of a call, enum agentcg_class; the highest class of a session
 * @weight: within the class; among sessions
 * @held_back: tasks that are held back now
 * @usage: charged
 * @soft_limit: memory.high in force, or AGENTCG_NONE
 * @held: credit that it holds
 * @limit: the most that it may hold: mem + burst, a session's budget
 * @free: credit that it could be given: what is left of its session's budget,
 *        and within @limit
 * @stall: for how long a call has been held back so far
 * @stall_bound: for how long it may be
 * @deadline: when a call has to be done, CLOCK_MONOTONIC, or AGENTCG_NONE
 *
 * The figures are read one after the other without a lock: each is true, their
 * sum need not be.
 */
struct agentcg_domain_info {
	__u64 id;
	__u64 session_id;
	__u32 kind;
	__u32 class;
	__u32 weight;
	__u32 held_back;
	__u64 usage;
	__u64 soft_limit;
	__u64 held;
	__u64 limit;
	__u64 free;
	__u64 stall;
	__u64 stall_bound;
	__u64 deadline;
};

/* What over_high may answer; anything else counts as the default. */
enum agentcg_policy_verdict {
	/* What the built-in policy says. */
	AGENTCG_POLICY_DEFAULT,
	/* Credit beyond what is needed, as far as there is any. */
	AGENTCG_POLICY_GRANT,
	/* No credit; what is charged is booked and the call goes on. */
	AGENTCG_POLICY_DEBT,
	/* The same, and it waits for credit in the session's line. */
	AGENTCG_POLICY_PARK,
	/* One pass of the kernel's reclaim, then as the default. */
	AGENTCG_POLICY_RECLAIM,
	/* Its stall bound is as good as used up. */
	AGENTCG_POLICY_EXHAUST,
};

/* What exhausted may answer; anything else counts as the default. */
enum agentcg_policy_action {
	/* What the call's intent says. */
	AGENTCG_ACTION_DEFAULT,
	AGENTCG_ACTION_OVERDRAFT,
	AGENTCG_ACTION_KILL,
};

/* Bits of struct agentcg_policy_event.flags. */
enum agentcg_policy_flag {
	/* Within a system call: nobody can be put to sleep. */
	AGENTCG_POLICY_SYNC = 1,
	/* The call is within its own soft limit, its session is overdrawn. */
	AGENTCG_POLICY_SESSION = 2,
};

/**
 * struct agentcg_policy_event - what a policy is asked about
 * @d: the cgroup, its figures exact: they are taken under the session's lock
 * @flags: enum agentcg_policy_flag
 * @session_calls: live calls of the session
 * @session_waiting: tasks in its line
 * @session_budget: of the session
 * @session_free: of it, what nobody holds
 * @need: what is charged to the call beyond the credit it holds
 * @step: what the built-in policy would grant beyond that
 * @bytes: for agentcg_bpf_answer()
 * @ns: likewise
 * @domain: the module's own.  Being a pointer, it is also what keeps a program from
 *          passing off numbers of its own as an event.
 */
struct agentcg_policy_event {
	struct agentcg_domain_info d;
	__u32 flags;
	__u32 session_calls;
	__u32 session_waiting;
	__u32 reserved;
	__u64 session_budget;
	__u64 session_free;
	__u64 need;
	__u64 step;
	__u64 bytes;
	__u64 ns;
	struct agentcg_domain *domain;
};

/**
 * struct agentcg_policy_receipt - what came of a call
 * @d: as it was last
 * @peak: highest usage
 * @grants: how many it was given
 * @granted_total: sum of them
 * @overdraft_peak: most that was booked without credit behind it
 * @exhausted: times that its stall bound was met
 * @oom_kills: of its processes
 * @start: when it was declared, CLOCK_BOOTTIME
 * @end: when its cgroup went, likewise
 * @wait_status: of its first process, as of wait(2)
 * @cause: of its end, enum agentcg_cause
 */
struct agentcg_policy_receipt {
	struct agentcg_domain_info d;
	__u64 peak;
	__u64 grants;
	__u64 granted_total;
	__u64 overdraft_peak;
	__u64 exhausted;
	__u64 oom_kills;
	__u64 start;
	__u64 end;
	__u32 wait_status;
	__u32 cause;
};

/**
 * struct agentcg_policy_ops - a policy; what it leaves out stays built-in
 * @over_high: a call is above its soft limit, or its session: enum
 *             agentcg_policy_verdict
 * @exhausted: its stall bound is used up: enum agentcg_policy_action
 * @domain_online: a call has been declared; an attached policy is also told of
 *                 the session and the calls that it finds
 * @domain_offline: a call has ended, or a session; not told when the policy goes
 * @receipt: what came of a call, after its domain_offline
 * @get_high_delay_ms: how long the task that took a call above its soft limit
 *                     sleeps then, where over_high has not said so
 * @below_low: whether all that the cgroup uses is protected by memory.low; asked
 *             of sessions, agent leaves and calls, once a second
 * @below_min: likewise, by memory.min
 * @session_cgroup_id: the session that it decides for, 0 for every session that
 *                     has no policy of its own
 * @name: for people
 *
 * All run under the session's lock with interrupts off, and may not sleep.
 */
struct agentcg_policy_ops {
	__s32 (*over_high)(struct agentcg_policy_event *event);
	__s32 (*exhausted)(struct agentcg_policy_event *event);
	void (*domain_online)(struct agentcg_policy_event *event);
	void (*domain_offline)(struct agentcg_policy_event *event);
	void (*receipt)(struct agentcg_policy_receipt *receipt);
	__u32 (*get_high_delay_ms)(struct agentcg_policy_event *event);
	__s32 (*below_low)(struct agentcg_policy_event *event);
	__s32 (*below_min)(struct agentcg_policy_event *event);
	__u64 session_cgroup_id;
	char name[AGENTCG_POLICY_NAME_MAX + 1];
};

#ifdef __bpf__
#pragma clang attribute pop
#endif

#endif /* AGENTCG_TYPES_H */
