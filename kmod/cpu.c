// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPU of a call, see cpu.h.
 *
 * The scheduler's weights of a cgroup are reached through its files alone, so a work
 * writes them.  Where the cpu controller is not enabled for calls there are none,
 * and nothing is lost but the weights.
 */

#include "common.h"

#include <linux/atomic.h>
#include <linux/string.h>

#include "cgfile.h"
#include "cpu.h"
#include "limits.h"
#include "session.h"
#include "stats.h"
#include "tool.h"
#include "work.h"

static int write_number(const struct agentcg_place *const place,
			const char *const name, const u32 value)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", value);
	return agentcg_cgfile_write(place, name, text);
}

/* An idle group has no weight: the one has to end before the other can be. */
static void write_weight(const struct agentcg_cpu *const cpu, const u32 wanted)
{
	const struct agentcg_place *const place = &cpu->place;

	if (wanted == cpu->written.weight)
		return;
	if (wanted == AGENTCG_CPU_IDLE) {
		write_number(place, "cpu.idle", 1);
		return;
	}
	if (cpu->written.weight == AGENTCG_CPU_IDLE)
		write_number(place, "cpu.idle", 0);
	write_number(place, "cpu.weight", wanted);
}

/*
 * As much as the quota is what the kernel allows.  Where there is none it would take
 * the burst as well, and then refuse every quota that is smaller.
 */
static void write_burst(struct agentcg_cpu *const cpu, const bool wanted)
{
	char quota[48];

	if (!wanted) {
		if (cpu->bursts)
			write_number(&cpu->place, "cpu.max.burst", 0);
		cpu->bursts = false;
		return;
	}
	if (agentcg_cgfile_read(&cpu->place, "cpu.max", quota, sizeof(quota)))
		return;
	quota[strcspn(quota, " ")] = '\0';
	if (strcmp(quota, "max"))
		cpu->bursts = !agentcg_cgfile_write(&cpu->place, "cpu.max.burst",
						    quota);
}

static bool is_same(const struct agentcg_cpu_files a,
		    const struct agentcg_cpu_files b)
{
	return a.weight == b.weight && a.burst == b.burst;
}

/* Return: whether there is something to write; otherwise the place is let go. */
static bool next_write(struct agentcg_tool *const tool,
		       struct agentcg_cpu_files *const wanted)
{
	struct agentcg_cpu *const cpu = &tool->cpu;
	struct agentcg_place place;

	scoped_guard(spinlock_irqsave, &tool->d.session->lock) {
		*wanted = cpu->wanted;
		if (!is_same(*wanted, cpu->written))
			return true;
		place = cpu->place;
		cpu->place = (struct agentcg_place) {};
	}
	if (place.cgrp)
		agentcg_place_put(&place);
	return false;
}

static void cpu_work_fn(struct work_struct *const work)
{
	struct agentcg_tool *const tool =
		container_of(work, struct agentcg_tool, cpu.work);
	struct agentcg_cpu_files wanted;

	while (next_write(tool, &wanted)) {
		write_weight(&tool->cpu, wanted.weight);
		write_burst(&tool->cpu, wanted.burst);
		/* Also what could not be: it will not be the next time. */
		tool->cpu.written = wanted;
	}
	/* Drop ref from agentcg_cpu_apply(). */
	agentcg_tool_put(tool);
}

void agentcg_cpu_init(struct agentcg_tool *const tool)
{
	INIT_WORK(&tool->cpu.work, cpu_work_fn);
	tool->cpu.wanted.weight = AGENTCG_CPU_DEFAULT;
	tool->cpu.written.weight = AGENTCG_CPU_DEFAULT;
}

/**
 * agentcg_cpu_apply - the limits of a call have been set
 * @tool: live; its session's lock is held
 *
 * Context: any; the files are left to a work.
 */
void agentcg_cpu_apply(struct agentcg_tool *const tool)
{
	struct agentcg_cpu *const cpu = &tool->cpu;
	const struct agentcg_cpu_files wanted = {
		.weight = agentcg_limits_cpu_weight(&tool->limits),
		.burst = agentcg_limits_is_prompt(&tool->limits),
	};

	if (likely(is_same(wanted, cpu->wanted)))
		return;
	if (!refcount_inc_not_zero(&tool->d.ref))
		return;
	cpu->wanted = wanted;
	if (!cpu->place.cgrp)
		agentcg_place_get(&cpu->place, tool);
	/* It was queued already, with a reference. */
	if (!queue_work(agentcg_wq, &cpu->work))
		agentcg_tool_put(tool);
}

/**
 * agentcg_cpu_ran - a task of a call has run
 * @cpu: of the call
 * @ran: for how long, ns
 * @waited: for how long it had waited before, ns; 0 where that was told already
 * @moved: whether it was on another processor before
 *
 * Context: any, also under a runqueue's lock.
 */
void agentcg_cpu_ran(struct agentcg_cpu *const cpu, const u64 ran,
		     const u64 waited, const bool moved)
{
	s64 longest;

	atomic64_add(ran, &cpu->run_total);
	agentcg_stats_add(AGENTCG_STAT_RUN, ran);
	if (moved) {
		atomic64_inc(&cpu->migrations);
		agentcg_stats_inc(AGENTCG_STAT_MIGRATIONS);
	}
	if (!waited)
		return;
	atomic64_add(waited, &cpu->wait_total);
	agentcg_stats_add(AGENTCG_STAT_WAIT, waited);
	longest = atomic64_read(&cpu->wait_longest);
	while ((s64)waited > longest &&
	       !atomic64_try_cmpxchg(&cpu->wait_longest, &longest, waited))
		;
}
