// SPDX-License-Identifier: GPL-2.0-only
#include "receipt.h"

#include <signal.h>
#include <string.h>

#include "output.h"
#include "size.h"

/* Being held back for less than this is the normal course of things. */
#define STALL_WORTH_TELLING	500000000ull

#define MIB	(1ull << 20)

struct figures {
	uint64_t mem;
	uint64_t peak;
	uint64_t stall;
	uint64_t stalls;
	uint64_t bound;
	uint64_t exhausted;
	unsigned int cause;
	unsigned int signal;
	char mem_text[HUMAN_MAX];
	char peak_text[HUMAN_MAX];
	char stall_text[HUMAN_MAX];
	char bound_text[HUMAN_MAX];
	/* What to declare next time: the peak and a tenth, in whole MiB. */
	char next[HUMAN_MAX];
};

static void read_figures(const struct agentcg_record *receipt,
			 struct figures *f)
{
	struct agentcg_record limits;
	uint64_t next;

	limits = agentcg_record_nest(receipt, AGENTCG_A_TOOL_LIMITS);
	f->mem = agentcg_record_uint(&limits, AGENTCG_A_INTENT_MEM, 0);
	f->bound = agentcg_record_uint(&limits, AGENTCG_A_INTENT_STALL, 0);
	f->peak = agentcg_record_uint(receipt, AGENTCG_A_TOOL_PEAK, 0);
	f->stall = agentcg_record_uint(receipt, AGENTCG_A_TOOL_STALL_TOTAL, 0);
	f->stalls = agentcg_record_uint(receipt, AGENTCG_A_TOOL_STALLS, 0);
	f->exhausted = agentcg_record_uint(receipt, AGENTCG_A_TOOL_EXHAUSTED, 0);
	f->cause = (unsigned int)agentcg_record_uint(receipt,
			AGENTCG_A_TOOL_CAUSE, AGENTCG_CAUSE_EXIT);
	f->signal = (unsigned int)agentcg_record_uint(receipt,
			AGENTCG_A_TOOL_EXIT_SIGNAL, 0);
	human_size(f->mem, f->mem_text);
	human_size(f->peak, f->peak_text);
	human_duration(f->stall, f->stall_text);
	human_duration(f->bound, f->bound_text);
	next = (f->peak + f->peak / 10 + MIB - 1) / MIB * MIB;
	snprintf(f->next, sizeof(f->next), "%lluM",
		 (unsigned long long)(next / MIB));
}

static const char *oom_where(unsigned int cause)
{
	switch (cause) {
	case AGENTCG_CAUSE_OOM_CALL:
		return "it met the memory.max of its own cgroup";
	case AGENTCG_CAUSE_OOM_SESSION:
		return "its session was at its memory.max";
	case AGENTCG_CAUSE_OOM_ANCESTOR:
		return "a cgroup above its session was at its memory.max";
	case AGENTCG_CAUSE_OOM_NODE:
		return "the whole machine was out of memory";
	case AGENTCG_CAUSE_OOM_USER_SPACE:
		return "a user-space killer such as systemd-oomd chose it";
	default:
		return "a memory limit above it was met";
	}
}

static void advise_stall_kill(const struct figures *f, char *advice)
{
	snprintf(advice, ADVICE_MAX,
		"The call was killed: it had been held back for %s (its bound is %s) waiting for memory that the session could not give. "
		"It had grown to %s with %s reserved. "
		"Run it with --mem %s or more, split the work or use fewer parallel jobs, or wait until other calls of the session have ended.",
		f->stall_text, f->bound_text, f->peak_text, f->mem_text,
		f->next);
}

static void advise_oom(const struct figures *f, char *advice)
{
	snprintf(advice, ADVICE_MAX,
		"The call was killed for want of memory: %s. "
		"It had grown to %s with %s reserved. "
		"Make it smaller (fewer parallel jobs, part of the input, streaming instead of loading), or run it when less else is running; the same command again is likely to end the same way.",
		oom_where(f->cause), f->peak_text, f->mem_text);
}

static void advise_killed(const struct figures *f, char *advice)
{
	snprintf(advice, ADVICE_MAX,
		"The call was ended by %s. "
		"It had grown to %s with %s reserved, and had been held back for %s. "
		"Its memory was not the reason: find out who ended it before running it again.",
		f->cause == AGENTCG_CAUSE_USER_KILL ?
		"a request to kill it (agentcg tool kill)" :
		f->cause == AGENTCG_CAUSE_POLICY_KILL ?
		"the policy of this machine" :
		"SIGKILL from outside agentcg",
		f->peak_text, f->mem_text, f->stall_text);
}

static void advise_stall(const struct figures *f, char *advice)
{
	snprintf(advice, ADVICE_MAX,
		"The call was held back for %s in %llu stall%s because memory was short%s. "
		"It grew to %s with %s reserved. "
		"Declare --mem %s next time, or run less at once in this session.",
		f->stall_text, (unsigned long long)f->stalls,
		f->stalls == 1 ? "" : "s", f->exhausted ? ", until its bound was used up" : "",
		f->peak_text, f->mem_text, f->next);
}

bool receipt_advice(const struct agentcg_record *receipt,
		    char advice[ADVICE_MAX])
{
	struct figures f;

	read_figures(receipt, &f);
	switch (f.cause) {
	case AGENTCG_CAUSE_STALL_KILL:
		advise_stall_kill(&f, advice);
		return true;
	case AGENTCG_CAUSE_OOM:
	case AGENTCG_CAUSE_OOM_CALL:
	case AGENTCG_CAUSE_OOM_SESSION:
	case AGENTCG_CAUSE_OOM_ANCESTOR:
	case AGENTCG_CAUSE_OOM_NODE:
	case AGENTCG_CAUSE_OOM_USER_SPACE:
		advise_oom(&f, advice);
		return true;
	case AGENTCG_CAUSE_USER_KILL:
	case AGENTCG_CAUSE_POLICY_KILL:
		advise_killed(&f, advice);
		return true;
	case AGENTCG_CAUSE_SIGNAL:
		if (f.signal != SIGKILL)
			break;
		advise_killed(&f, advice);
		return true;
	default:
		break;
	}
	if (f.stall <= STALL_WORTH_TELLING && !f.exhausted)
		return false;
	advise_stall(&f, advice);
	return true;
}

json_t *receipt_json(const struct agentcg_record *receipt)
{
	json_t *object = json_pack("{s:b}", "enforced", 1);
	json_t *record = record_json(receipt);
	char advice[ADVICE_MAX];

	json_object_update(object, record);
	json_decref(record);
	if (receipt_advice(receipt, advice))
		json_object_set_new(object, "advice", json_string(advice));
	return object;
}

void receipt_text(FILE *file, const struct agentcg_record *receipt)
{
	char advice[ADVICE_MAX];

	record_text(file, receipt, 0);
	if (receipt_advice(receipt, advice))
		fprintf(file, "\n%s\n", advice);
}
