/* SPDX-License-Identifier: GPL-2.0-only */
/* What decision.bpf.c and its loader agree on. */
#ifndef _AGENTCG_DECISION_H
#define _AGENTCG_DECISION_H

/* Later ones are counted, not kept. */
#define DECISION_SAMPLES	32768

#endif /* _AGENTCG_DECISION_H */
