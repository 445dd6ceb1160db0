/* SPDX-License-Identifier: GPL-2.0-only */
/* What the readers were told; shared with the test. */
#ifndef SELFTESTS_BPF_READERS_H
#define SELFTESTS_BPF_READERS_H

#include <agentcg/types.h>

struct answers {
	__u64 asked;
	__u64 domain;
	__u64 of_cgroup;
	__u64 deadline;
	__u64 conflict;
	__s32 class;
	__u32 weight;
	__u32 pressure;
	__s32 err;
	__s32 unknown;
	__u32 pad;
	struct agentcg_domain_info info;
	struct agentcg_domain_info scratch;
};

#endif /* SELFTESTS_BPF_READERS_H */
