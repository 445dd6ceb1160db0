/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Credit: the figures of a session and its calls, and the soft limits that
 * follow from them.
 *
 * The arithmetic is the ledger's (ledger.h), what is measured is the kernel's
 * (cgrp.h); here the two meet.
 */
#ifndef _AGENTCG_CREDIT_H
#define _AGENTCG_CREDIT_H

#include <linux/types.h>

#include "session.h"

struct agentcg_domain;
struct agentcg_tool;

/* Residue that the kernel can drop. */
static inline u64
agentcg_credit_soft_residue(const struct agentcg_session *const session)
{
	return session->acct.residue - session->hard_residue;
}

/* What the node has to back: not what the kernel can drop. */
static inline u64
agentcg_credit_to_back(const struct agentcg_session *const session)
{
	return agentcg_account_used(&session->acct) -
	       agentcg_credit_soft_residue(session);
}

/* Caller holds the session's lock. */
void agentcg_credit_refresh(struct agentcg_session *session);
void agentcg_credit_refresh_fast(struct agentcg_session *session);
void agentcg_credit_refresh_residue(struct agentcg_session *session);

void agentcg_credit_apply(struct agentcg_tool *tool);
void agentcg_credit_apply_session(struct agentcg_session *session);
void agentcg_credit_raise(struct agentcg_domain *domain);
void agentcg_credit_settle(struct agentcg_tool *tool);

bool agentcg_credit_at_ceiling(const struct agentcg_tool *tool);
u64 agentcg_credit_lack(const struct agentcg_tool *tool);
u64 agentcg_credit_step(struct agentcg_tool *tool);
u64 agentcg_credit_declared_room(const struct agentcg_tool *tool);
u64 agentcg_credit_grant(struct agentcg_tool *tool, u64 want);
u64 agentcg_credit_hold(struct agentcg_tool *tool);
bool agentcg_credit_revoke(struct agentcg_tool *asker, u64 want);
void agentcg_credit_overdraw(struct agentcg_tool *tool, u64 size);
void agentcg_credit_book_usage(struct agentcg_tool *tool);
u64 agentcg_credit_beyond(const struct agentcg_tool *tool);
void agentcg_credit_run_up(struct agentcg_tool *tool);
void agentcg_credit_left(struct agentcg_tool *tool);

/* Caller does not. */
void agentcg_credit_shed(struct agentcg_session *session);
void agentcg_credit_tick(struct agentcg_session *session);

#endif /* _AGENTCG_CREDIT_H */
