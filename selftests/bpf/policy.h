/* SPDX-License-Identifier: GPL-2.0-only */
/* What the test's policy and the test share; in its .bss, by name. */
#ifndef SELFTESTS_BPF_POLICY_H
#define SELFTESTS_BPF_POLICY_H

#include <linux/types.h>

/**
 * struct orders - what the policy answers
 * @verdict: to over_high
 * @action: to exhausted
 * @delay_ms: to get_high_delay_ms
 * @low: to below_low
 * @min: to below_min
 * @bytes: goes with the answer to over_high
 * @ns: likewise
 * @spin: turns of a loop in over_high
 * @grant_id: call that over_high grants @grant_bytes, 0 for none
 * @grant_bytes: bytes
 * @hold_id: call that over_high holds, 0 for none
 * @tell: value that over_high sends as an event, 0 for none
 */
struct orders {
	__s32 verdict;
	__s32 action;
	__u32 delay_ms;
	__s32 low;
	__s32 min;
	__u32 tell;
	__u64 bytes;
	__u64 ns;
	__u64 spin;
	__u64 grant_id;
	__u64 grant_bytes;
	__u64 hold_id;
};

/**
 * struct report - what the policy has seen
 * @over_high: times asked, likewise the rest
 * @granted: what agentcg_bpf_grant() gave last
 * @taken: what agentcg_bpf_hold() took last
 * @last_id: call of the last over-high event
 * @last_usage: of it
 * @last_need: of it
 * @last_class: of it
 * @sync: over-high events within a system call
 * @session: over-high events of which the session was short, not the call
 * @receipt_id: call of the last receipt
 * @receipt_peak: of it
 */
struct report {
	__u64 over_high;
	__u64 exhausted;
	__u64 online;
	__u64 offline;
	__u64 receipts;
	__u64 delays;
	__u64 lows;
	__u64 mins;
	__u64 granted;
	__u64 taken;
	__u64 last_id;
	__u64 last_usage;
	__u64 last_need;
	__u64 last_class;
	__u64 sync;
	__u64 session;
	__u64 receipt_id;
	__u64 receipt_peak;
};

#endif /* SELFTESTS_BPF_POLICY_H */
