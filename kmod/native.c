// SPDX-License-Identifier: GPL-2.0-only
/* Native reclaim, bounded and watched.  See native.h. */

#include "common.h"

#include <linux/math64.h>
#include <linux/sched.h>
#include <linux/swap.h>
#include <linux/timekeeping.h>

#include "cgrp.h"
#include "credit.h"
#include "exhaust.h"
#include "lifecycle.h"
#include "native.h"
#include "session.h"
#include "tool.h"

/* Native passes in a row that may fail before reclaim is not tried again. */
#define NATIVE_FAILS_MAX	2

/* A pass that frees less is no progress. */
#define NATIVE_PROGRESS		SWAP_CLUSTER_MAX

/* Page cache that goes at 160 MB/s is recycled, not waited for; of a page, ns. */
#define NATIVE_PACE		(25 * (u64)NSEC_PER_USEC)

static struct agentcg_native *free_slot(struct agentcg_tool *const tool)
{
	size_t i;

	/* A slot of our own: the last pass never took place. */
	for (i = 0; i < ARRAY_SIZE(tool->native); i++)
		if (tool->native[i].task == current)
			return &tool->native[i];
	for (i = 0; i < ARRAY_SIZE(tool->native); i++)
		if (!tool->native[i].task)
			return &tool->native[i];
	return NULL;
}

/* Leave the task to the kernel's reclaim, and watch it (reclaim tracepoint). */
bool agentcg_native_watch(struct agentcg_tool *const tool,
			  const enum agentcg_native_kind kind)
{
	struct agentcg_native *const slot =
		agentcg_lifecycle_watches_reclaim() ? free_slot(tool) : NULL;

	if (!slot)
		return false;
	*slot = (struct agentcg_native) {
		.task = current,
		.start = ktime_get_ns(),
		.kind = kind,
	};
	return true;
}

/* Not when the last passes came to nothing, nor past the stall bound. */
static bool may_try(const struct agentcg_tool *const tool)
{
	return tool->native_fails < NATIVE_FAILS_MAX &&
	       tool->stats.stall_total < tool->limits.stall;
}

/* A pass that a policy wants. */
bool agentcg_native_try(struct agentcg_tool *const tool)
{
	return may_try(tool) && agentcg_native_watch(tool, AGENTCG_NATIVE_CACHE);
}

/*
 * Cheap memory to reclaim: enough inactive page cache of the call's own.  The
 * lists include dirty and mapped pages, which are not cheap; that shows in a
 * pass without progress.
 */
bool agentcg_native_pays(struct agentcg_tool *const tool, const u64 need)
{
	return may_try(tool) &&
	       agentcg_bytes(agentcg_memcg_inactive_file(tool->d.memcg)) >=
		       max_t(u64, 4 * need, SZ_2M);
}

/*
 * Let the kernel drop residue: its limit is put below what is charged.  That
 * makes room in the budget; the node does not back residue in the first place.
 */
bool agentcg_native_residue(struct agentcg_tool *const tool, const u64 need)
{
	struct agentcg_session *const session = tool->d.session;
	unsigned long usage;

	if (agentcg_account_free(&session->acct) > need ||
	    agentcg_credit_soft_residue(session) < need ||
	    session->native_fails >= NATIVE_FAILS_MAX ||
	    !agentcg_native_watch(tool, AGENTCG_NATIVE_RESIDUE))
		return false;
	agentcg_credit_apply(tool);
	agentcg_credit_raise(&tool->d);
	agentcg_credit_apply_session(session);
	usage = agentcg_memcg_usage(session->d.memcg);
	if (usage && agentcg_memcg_high(session->d.memcg) >= usage)
		agentcg_domain_set_high(&session->d, usage - 1);
	return true;
}

/**
 * agentcg_native_swap - let the kernel swap, where that beats waiting
 * @tool: has no credit; the session's lock is held
 * @need: bytes
 *
 * What it costs is measured: the time of the last passes by the pages that they
 * freed, and the same once more for when they are touched again.  Worth it while
 * that is less than the call may yet be held.
 *
 * Return: whether the task is left to the kernel's reclaim.
 */
bool agentcg_native_swap(struct agentcg_tool *const tool, const u64 need)
{
	const u64 pages = need >> PAGE_SHIFT;

	return tool->native_fails < NATIVE_FAILS_MAX &&
	       agentcg_memcg_swap_left(tool->d.memcg) > pages &&
	       2 * tool->d.session->swap_cost * pages <
		       agentcg_patience(tool, ktime_get_ns()) &&
	       agentcg_native_watch(tool, AGENTCG_NATIVE_SWAP);
}

static struct agentcg_native *slot_of_current(struct agentcg_tool *const tool)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(tool->native); i++)
		if (tool->native[i].task == current)
			return &tool->native[i];
	return NULL;
}

/* A call recycles its own page cache: as quick under any limit, so no stall. */
static bool is_recycling(const struct agentcg_native *const slot,
			 const unsigned long nr_reclaimed, const u64 spent)
{
	return slot->kind == AGENTCG_NATIVE_CACHE &&
	       nr_reclaimed >= NATIVE_PROGRESS &&
	       spent <= nr_reclaimed * NATIVE_PACE;
}

/* Time in native reclaim that is time held back. */
static void account_stall(struct agentcg_tool *const tool, const u64 spent)
{
	tool->stats.stalls++;
	tool->stats.stall_longest = max(tool->stats.stall_longest, spent);
	/* Held by somebody else meanwhile: counted there already. */
	if (!tool->held)
		tool->stats.stall_total += spent;
}

/* Of a page, ns; the last passes count for most. */
static void learn_swap_cost(struct agentcg_session *const session, const u64 cost)
{
	session->swap_cost = session->swap_cost ?
		(3 * session->swap_cost + cost) / 4 : cost;
}

/* The call that the current task charges, or NULL; RCU read lock held. */
static struct agentcg_tool *charged_tool(void)
{
	struct mem_cgroup *const memcg = current->mm ? agentcg_current_memcg() :
						       NULL;
	struct agentcg_domain *const domain =
		memcg ? agentcg_domain_above(memcg->css.cgroup) : NULL;

	return domain && domain->type == AGENTCG_DOMAIN_TOOL ?
	       agentcg_domain_to_tool(domain) : NULL;
}

/**
 * agentcg_native_begins - a pass of native reclaim begins
 *
 * Its time is taken from here: between the verdict and the pass another task
 * may have made the pass unnecessary.
 *
 * Context: tracepoint in the reclaiming task, RCU read lock held.
 */
void agentcg_native_begins(void)
{
	struct agentcg_tool *const tool = charged_tool();
	struct agentcg_native *slot;

	if (!tool)
		return;
	guard(spinlock_irqsave)(&tool->d.session->lock);
	slot = slot_of_current(tool);
	if (slot)
		slot->start = ktime_get_ns();
}

/* What is still over the call's limit becomes grant, else debt; lock held. */
static void cover_usage(struct agentcg_tool *const tool)
{
	const u64 lack = agentcg_credit_lack(tool);

	if (lack)
		agentcg_credit_grant(tool, lack);
	agentcg_credit_book_usage(tool);
	agentcg_credit_settle(tool);
}

/**
 * agentcg_native_ends - a pass of native reclaim is over
 * @nr_reclaimed: pages
 *
 * One pass is all that a native verdict means: what is still over a limit now
 * is booked, so that the kernel finds nothing to throttle for.  Two passes
 * without progress end native verdicts until the next tick.
 *
 * Context: tracepoint in the reclaiming task, RCU read lock held.
 */
void agentcg_native_ends(const unsigned long nr_reclaimed)
{
	struct agentcg_tool *const tool = charged_tool();
	struct agentcg_session *session;
	struct agentcg_native *slot;
	u64 spent;
	u32 *fails;

	if (!tool)
		return;
	session = tool->d.session;
	guard(spinlock_irqsave)(&session->lock);
	slot = slot_of_current(tool);
	if (!slot || session->ended || !tool->d.memcg)
		return;
	fails = slot->kind == AGENTCG_NATIVE_RESIDUE ? &session->native_fails :
						       &tool->native_fails;
	*fails = nr_reclaimed < NATIVE_PROGRESS ? *fails + 1 : 0;
	spent = ktime_get_ns() - slot->start;
	tool->stats.native_total += spent;
	if (!is_recycling(slot, nr_reclaimed, spent))
		account_stall(tool, spent);
	if (slot->kind == AGENTCG_NATIVE_SWAP && nr_reclaimed)
		learn_swap_cost(session, div_u64(spent, nr_reclaimed));
	slot->task = NULL;
	agentcg_credit_refresh(session);
	cover_usage(tool);
}
