/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ledger: accounts of memory credit, node -> session -> tool call.
 *
 * One struct serves at every level.  An account holds credit of its parent
 * (@reserved for life, @granted above it) and gives credit to its children.
 * What is free and what is overdrawn follow from these figures and are stored
 * nowhere, so the sum
 *
 *	limit + overdraft = free + given_reserved + given_granted + residue
 *
 * holds by construction, and whatever is returned pays the overdraft first.
 *
 * Pure arithmetic in bytes: no locks, no allocation, any context.  The caller
 * holds the lock that guards both accounts: a session's @lock for its own
 * account as a parent and for its calls', the node's @lock for the node's
 * account and for the sessions' as its children.
 */
#ifndef _AGENTCG_LEDGER_H
#define _AGENTCG_LEDGER_H

#include <linux/types.h>

/**
 * struct agentcg_account - one account of the ledger
 * @limit: a call's mem + burst, a session's budget, the node's capacity
 * @reserved: held of the parent for the life of this account
 * @granted: held of the parent above @reserved
 * @given_reserved: sum of the children's @reserved
 * @given_granted: sum of the children's @granted
 * @residue: in use, but by no child: what ended children left behind
 */
struct agentcg_account {
	u64 limit;
	u64 reserved;
	u64 granted;
	u64 given_reserved;
	u64 given_granted;
	u64 residue;
};

/* What @acct holds of its parent. */
static inline u64 agentcg_account_held(const struct agentcg_account *const acct)
{
	return acct->reserved + acct->granted;
}

/* What @acct has given away or lost to residue. */
static inline u64 agentcg_account_used(const struct agentcg_account *const acct)
{
	return acct->given_reserved + acct->given_granted + acct->residue;
}

static inline u64 agentcg_account_free(const struct agentcg_account *const acct)
{
	const u64 used = agentcg_account_used(acct);

	return used < acct->limit ? acct->limit - used : 0;
}

static inline u64
agentcg_account_overdraft(const struct agentcg_account *const acct)
{
	const u64 used = agentcg_account_used(acct);

	return used > acct->limit ? used - acct->limit : 0;
}

/* How much more @acct may be granted under its own limit. */
static inline u64 agentcg_account_room(const struct agentcg_account *const acct)
{
	const u64 held = agentcg_account_held(acct);

	return held < acct->limit ? acct->limit - held : 0;
}

/**
 * agentcg_account_give - move credit to @child without asking what is free
 * @parent: account that pays, below zero if need be
 * @child: account that receives
 * @bytes: asked for before, or taken already
 */
static inline void agentcg_account_give(struct agentcg_account *const parent,
					struct agentcg_account *const child,
					const u64 bytes)
{
	child->granted += bytes;
	parent->given_granted += bytes;
}

/**
 * agentcg_account_hold - make a child's grant what it measurably uses
 * @parent: account that pays
 * @child: account of a holder that is never held back: the agent leaf
 * @bytes: its usage
 */
static inline void agentcg_account_hold(struct agentcg_account *const parent,
					struct agentcg_account *const child,
					const u64 bytes)
{
	parent->given_granted += bytes - child->granted;
	child->granted = bytes;
}

int agentcg_account_reserve(struct agentcg_account *parent,
			    struct agentcg_account *child, u64 bytes,
			    u64 ignored);
void agentcg_account_set_reserved(struct agentcg_account *parent,
				  struct agentcg_account *child, u64 bytes);
u64 agentcg_account_grant(struct agentcg_account *parent,
			  struct agentcg_account *child, u64 want);
u64 agentcg_account_return(struct agentcg_account *parent,
			   struct agentcg_account *child, u64 bytes);
void agentcg_account_close(struct agentcg_account *parent,
			   struct agentcg_account *child, u64 residue);

#endif /* _AGENTCG_LEDGER_H */
