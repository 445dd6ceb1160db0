// SPDX-License-Identifier: GPL-2.0-only
/* Arithmetic of the ledger, see ledger.h. */

#include "common.h"

#include <linux/errno.h>
#include <linux/minmax.h>

#include "ledger.h"

/**
 * agentcg_account_reserve - set what @child holds of @parent for life
 * @parent: account that pays
 * @child: account that receives
 * @bytes: new figure; the old one is given back in the same step
 * @ignored: part of @parent's residue that need not be counted, because the
 *           kernel can reclaim it
 *
 * Return: 0, or -ENOSPC with nothing changed.
 */
int agentcg_account_reserve(struct agentcg_account *const parent,
			    struct agentcg_account *const child,
			    const u64 bytes, const u64 ignored)
{
	const u64 used = agentcg_account_used(parent) - child->reserved -
			 min(ignored, parent->residue);

	if (bytes > child->reserved &&
	    (used > parent->limit || bytes > parent->limit - used))
		return -ENOSPC;
	agentcg_account_set_reserved(parent, child, bytes);
	return 0;
}

/**
 * agentcg_account_set_reserved - the same without asking what is free
 * @parent: account that pays
 * @child: account that receives
 * @bytes: new figure; the old one is given back in the same step
 */
void agentcg_account_set_reserved(struct agentcg_account *const parent,
				  struct agentcg_account *const child,
				  const u64 bytes)
{
	parent->given_reserved += bytes - child->reserved;
	child->reserved = bytes;
}

/**
 * agentcg_account_grant - move free credit from @parent to @child
 * @parent: account that pays
 * @child: account that receives
 * @want: most that is asked for
 *
 * Return: what was moved, 0 to @want: never more than @parent has free, nor
 * than @child's limit allows.
 */
u64 agentcg_account_grant(struct agentcg_account *const parent,
			  struct agentcg_account *const child, const u64 want)
{
	const u64 bytes = min3(want, agentcg_account_free(parent),
			       agentcg_account_room(child));

	agentcg_account_give(parent, child, bytes);
	return bytes;
}

/**
 * agentcg_account_return - give granted credit back
 * @parent: account that receives; its overdraft is paid first
 * @child: account that returns
 * @bytes: most to return
 *
 * Return: what was returned, never more than @child was granted.
 */
u64 agentcg_account_return(struct agentcg_account *const parent,
			   struct agentcg_account *const child, u64 bytes)
{
	bytes = min(bytes, child->granted);
	child->granted -= bytes;
	parent->given_granted -= bytes;
	return bytes;
}

/**
 * agentcg_account_close - end a child account
 * @parent: account that takes everything back
 * @child: account that ends; holds nothing afterwards
 * @residue: what @child leaves in use, from now on @parent's debit
 */
void agentcg_account_close(struct agentcg_account *const parent,
			   struct agentcg_account *const child,
			   const u64 residue)
{
	parent->given_reserved -= child->reserved;
	parent->given_granted -= child->granted;
	parent->residue += residue;
	child->reserved = 0;
	child->granted = 0;
}
