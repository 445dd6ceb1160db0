// SPDX-License-Identifier: GPL-2.0-only
/*
 * Freezing a call, see freeze.h.
 *
 * The kernel's freezer is reached through the file cgroup.freeze alone, so a work
 * writes it.
 */

#include "common.h"

#include <linux/cgroup.h>
#include <linux/list.h>
#include <linux/timekeeping.h>

#include "cgfile.h"
#include "freeze.h"
#include "notify.h"
#include "session.h"
#include "stats.h"
#include "tool.h"
#include "trace.h"
#include "work.h"

static int write_file(const struct agentcg_freeze *const freeze, const bool on)
{
	return agentcg_cgfile_write(&freeze->place, "cgroup.freeze",
				    on ? "1" : "0");
}

/*
 * Somebody else has frozen it, with the same file: that is his to undo, and it
 * stands as still as we want it.
 */
static bool is_frozen_already(const struct agentcg_freeze *const freeze)
{
	return READ_ONCE(freeze->place.cgrp->freezer.freeze);
}

/* The next thing to do.  Return: whether there is any. */
static bool next_write(struct agentcg_tool *const tool, bool *const on)
{
	guard(spinlock_irqsave)(&tool->d.session->lock);
	*on = tool->freeze.wanted;
	return *on != tool->freeze.written;
}

/* Thawed, in the file as well: what it took is given back. */
static void let_go(struct agentcg_tool *const tool)
{
	struct agentcg_freeze *const freeze = &tool->freeze;
	struct agentcg_place place;

	scoped_guard(spinlock_irqsave, &tool->d.session->lock) {
		if (freeze->wanted || freeze->written || !freeze->place.cgrp)
			return;
		place = freeze->place;
		freeze->place = (struct agentcg_place) {};
	}
	agentcg_place_put(&place);
}

static void freeze_work_fn(struct work_struct *const work)
{
	struct agentcg_tool *const tool =
		container_of(work, struct agentcg_tool, freeze.work);
	struct agentcg_freeze *const freeze = &tool->freeze;
	bool on;

	while (next_write(tool, &on)) {
		if (on && is_frozen_already(freeze))
			break;
		/* Gone, or mounted read-only: it runs on. */
		if (write_file(freeze, on) && on) {
			agentcg_thaw_request(tool);
			break;
		}
		freeze->written = on;
	}
	let_go(tool);
	/* Drop ref from queue(). */
	agentcg_tool_put(tool);
}

static void queue(struct agentcg_tool *const tool)
{
	if (!refcount_inc_not_zero(&tool->d.ref))
		return;
	if (!queue_work(agentcg_wq, &tool->freeze.work))
		agentcg_tool_put(tool);
}

void agentcg_freeze_init(struct agentcg_tool *const tool)
{
	INIT_WORK(&tool->freeze.work, freeze_work_fn);
	INIT_LIST_HEAD(&tool->freeze.link);
}

static void hold(struct agentcg_tool *const tool)
{
	struct agentcg_freeze *const freeze = &tool->freeze;

	if (!freeze->place.cgrp)
		agentcg_place_get(&freeze->place, tool);
	freeze->wanted = true;
	freeze->since = ktime_get_ns();
	agentcg_stats_inc(AGENTCG_STAT_FREEZES);
	agentcg_notify_tool(AGENTCG_EVENT_TYPE_TOOL_FROZEN, tool, 0);
	trace_agentcg_freeze(tool->d.session->d.id, tool->d.id, true);
	queue(tool);
}

/**
 * agentcg_freeze - freeze a call until credit returns
 * @tool: live; its session's lock is held
 *
 * Context: any; the file is left to a work.
 * Return: false if it is to run on: somebody wants it to.
 */
bool agentcg_freeze(struct agentcg_tool *const tool)
{
	struct agentcg_freeze *const freeze = &tool->freeze;

	if (freeze->overruled)
		return false;
	/* A thread that is still on its way to where it stops. */
	if (freeze->wanted)
		return true;
	list_add_tail(&freeze->link, &tool->d.session->frozen);
	hold(tool);
	return true;
}

/**
 * agentcg_thaw - let a frozen call go on
 * @tool: its session's lock is held
 *
 * Context: any; the file is left to a work.  Nothing happens to one that is not
 * frozen.
 */
void agentcg_thaw(struct agentcg_tool *const tool)
{
	struct agentcg_freeze *const freeze = &tool->freeze;

	if (!freeze->wanted)
		return;
	freeze->wanted = false;
	list_del_init(&freeze->link);
	tool->stats.frozen_total += ktime_get_ns() - freeze->since;
	agentcg_notify_tool(AGENTCG_EVENT_TYPE_TOOL_THAWED, tool, 0);
	trace_agentcg_freeze(tool->d.session->d.id, tool->d.id, false);
	queue(tool);
}

/**
 * agentcg_freeze_request - freeze a call until it is asked to be thawed
 * @tool: the caller holds a reference
 *
 * Return: 0, also when it is frozen already; -ENODEV when it has ended.
 */
int agentcg_freeze_request(struct agentcg_tool *const tool)
{
	struct agentcg_freeze *const freeze = &tool->freeze;

	guard(spinlock_irqsave)(&tool->d.session->lock);
	if (tool->d.session->ended || !tool->d.cgrp)
		return -ENODEV;
	freeze->overruled = false;
	list_del_init(&freeze->link);
	if (!freeze->wanted)
		hold(tool);
	return 0;
}

/**
 * agentcg_thaw_request - let a call go on, whatever froze it
 * @tool: the caller holds a reference
 *
 * From now on it overdraws where its intent says freeze: whoever asks for this
 * wants it to run.
 */
void agentcg_thaw_request(struct agentcg_tool *const tool)
{
	guard(spinlock_irqsave)(&tool->d.session->lock);
	tool->freeze.overruled = true;
	agentcg_thaw(tool);
}

/* Who is to be thawed next: highest class, then first come; NULL for nobody. */
struct agentcg_tool *agentcg_freeze_first(struct agentcg_session *const session)
{
	struct agentcg_tool *tool, *first = NULL;

	list_for_each_entry(tool, &session->frozen, freeze.link)
		if (!first || tool->limits.class < first->limits.class)
			first = tool;
	return first;
}
