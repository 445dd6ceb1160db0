/* SPDX-License-Identifier: GPL-2.0-only */
/* Where what has to outlive the command that loaded it is pinned. */
#ifndef AGENTCG_PINS_H
#define AGENTCG_PINS_H

#define BPFFS		"/sys/fs/bpf"
#define PINS		BPFFS "/agentcg"

/* The scheduler's struct sched_state, which the tools read. */
#define SCHED_STATE_PIN	PINS "/sched-state"

#endif /* AGENTCG_PINS_H */
