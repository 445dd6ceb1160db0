/* SPDX-License-Identifier: GPL-2.0-only */
/* What decision.bpf.c and its loader agree on. */
#ifndef _AGENTCG_DECISION_H
#define _AGENTCG_DECISION_H

/* Later ones are counted, not kept. */
#define DECISION_SAMPLES	32768

/*
 * What came of a decision. A revoke is one for itself, whatever its verdict:
 * it looks at every call of the session.
 */
enum decision_kind {
	DECISION_NONE,
	DECISION_NATIVE,
	DECISION_GRANT,
	DECISION_DEBT,
	DECISION_PARK,
	DECISION_REVOKE,
	DECISION_KINDS,
};

struct decision_sample {
	unsigned int time;	/* ns */
	unsigned int kind;
};

#endif /* _AGENTCG_DECISION_H */
