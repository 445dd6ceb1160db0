// SPDX-License-Identifier: GPL-2.0-only
/* intent + defaults of the session -> limits.  Pure. */

#include "common.h"

#include <linux/errno.h>
#include <linux/jhash.h>
#include <linux/minmax.h>
#include <linux/netlink.h>
#include <linux/oom.h>
#include <linux/string.h>

#include "intent.h"
#include "limits.h"

static const char *const class_names[] = {
	[AGENTCG_CLASS_INTERACTIVE] = "interactive",
	[AGENTCG_CLASS_LATENCY] = "latency",
	[AGENTCG_CLASS_BATCH] = "batch",
	[AGENTCG_CLASS_BESTEFFORT] = "besteffort",
};

/* The declared field, else the session's default. */
#define merged(field, ATTR)						\
	(agentcg_intent_has(intent, AGENTCG_A_INTENT_##ATTR) ?		\
	 intent->field : defaults->field)

/* 0 for nothing, and for nothing else. */
static u32 conflict_of(const struct agentcg_intent *const intent)
{
	const size_t len = strlen(intent->conflict);

	return len ? jhash(intent->conflict, len, 0) | 1 : 0;
}

/**
 * agentcg_limits_merge - apply an intent under a session
 * @limits: filled on success, untouched otherwise
 * @intent: as declared
 * @defaults: of the session, every field meaningful
 * @budget: of the session, bytes
 * @max_class: highest class that the session may use
 * @extack: gets a sentence and where in @intent's request it points
 *
 * A default that is too large for the session is cut to fit, since nobody
 * asked for it; a declared mem above the budget or a class above the ceiling
 * is refused.  A declared burst means "as much as there is" and is cut.
 *
 * Return: 0, -ENOSPC (mem above the budget), -ERANGE (class above the ceiling).
 */
int agentcg_limits_merge(struct agentcg_limits *const limits,
			 const struct agentcg_intent *const intent,
			 const struct agentcg_intent *const defaults,
			 const u64 budget, const u8 max_class,
			 struct netlink_ext_ack *const extack)
{
	u64 mem = merged(mem, MEM);
	u8 class = merged(class, CLASS);

	if (mem > budget) {
		if (agentcg_intent_has(intent, AGENTCG_A_INTENT_MEM)) {
			NL_SET_ERR_MSG_ATTR_FMT(extack,
				agentcg_intent_attr(intent, AGENTCG_A_INTENT_MEM),
				"mem %llu is above the session's budget %llu",
				mem, budget);
			return -ENOSPC;
		}
		mem = budget;
	}
	/* Lower numbers are served first. */
	if (class < max_class) {
		if (agentcg_intent_has(intent, AGENTCG_A_INTENT_CLASS)) {
			NL_SET_ERR_MSG_ATTR_FMT(extack,
				agentcg_intent_attr(intent, AGENTCG_A_INTENT_CLASS),
				"class %s is above the session's max-class %s",
				class_names[class], class_names[max_class]);
			return -ERANGE;
		}
		class = max_class;
	}
	*limits = (struct agentcg_limits) {
		.mem = mem,
		.burst = min(merged(burst, BURST), budget - mem),
		.stall = merged(stall, STALL),
		.weight = merged(weight, WEIGHT),
		.class = class,
		.on_exhaust = merged(on_exhaust, ON_EXHAUST),
		.restartable = merged(restartable, RESTARTABLE),
		.survivors = merged(survivors, SURVIVORS),
		.deadline = merged(deadline, DEADLINE),
		.warn_before = merged(warn_before, WARN_BEFORE),
		.conflict = conflict_of(intent),
	};
	return 0;
}

/**
 * agentcg_limits_builtin - the defaults of a session that declares none
 * @defaults: filled
 */
void agentcg_limits_builtin(struct agentcg_intent *const defaults)
{
	*defaults = (struct agentcg_intent) {
		.mem = AGENTCG_DEFAULT_MEM,
		.burst = AGENTCG_NO_LIMIT,
		.stall = AGENTCG_DEFAULT_STALL,
		.weight = AGENTCG_DEFAULT_WEIGHT,
		.class = AGENTCG_CLASS_BATCH,
		.on_exhaust = AGENTCG_ON_EXHAUST_OVERDRAFT,
		.survivors = AGENTCG_SURVIVORS_KEEP,
		.deadline = AGENTCG_NO_LIMIT,
	};
}

/**
 * agentcg_limits_oom_score - oom_score_adj for the processes of a call
 * @limits: of the call
 *
 * Always above what an agent has (0, or less under most runtimes), and higher
 * the less is lost by killing it.
 *
 * Return: 200 to 900.
 */
s16 agentcg_limits_oom_score(const struct agentcg_limits *const limits)
{
	const s16 score = 200 + 200 * limits->class;

	return min(score + (limits->restartable ? 100 : 0), OOM_SCORE_ADJ_MAX);
}

/**
 * agentcg_limits_is_prompt - whether somebody waits for a call
 * @limits: of the call
 */
bool agentcg_limits_is_prompt(const struct agentcg_limits *const limits)
{
	return limits->class == AGENTCG_CLASS_INTERACTIVE ||
	       limits->class == AGENTCG_CLASS_LATENCY;
}

/**
 * agentcg_limits_cpu_weight - cpu.weight for a call
 * @limits: of the call
 *
 * Ten times its weight for those who are waited for; besteffort has what is left
 * over, which the kernel calls idle.
 *
 * Return: 1 to 10,000, or AGENTCG_CPU_IDLE.
 */
u32 agentcg_limits_cpu_weight(const struct agentcg_limits *const limits)
{
	if (agentcg_limits_is_prompt(limits))
		return min(10 * limits->weight, AGENTCG_WEIGHT_MAX);
	if (limits->class == AGENTCG_CLASS_BESTEFFORT)
		return AGENTCG_CPU_IDLE;
	return limits->weight;
}
