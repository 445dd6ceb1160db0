// SPDX-License-Identifier: GPL-2.0-only
#include "figures.h"

#include <stdio.h>
#include <string.h>

void process_read(const struct agentcg_record *record, struct process *process)
{
	const char *comm = agentcg_record_string(record, AGENTCG_A_PROCESS_COMM);
	char *at;

	memset(process, 0, sizeof(*process));
	process->known = record->data != NULL;
	process->pid = agentcg_record_uint(record, AGENTCG_A_PROCESS_PID, 0);
	process->uid = agentcg_record_uint(record, AGENTCG_A_PROCESS_UID, 0);
	process->size = agentcg_record_uint(record, AGENTCG_A_PROCESS_SIZE, 0);
	snprintf(process->comm, sizeof(process->comm), "%s", comm ?: "?");
	/* Anybody names his processes as he likes; ours is one line of text. */
	for (at = process->comm; *at; at++)
		if (*at < ' ' || *at > '~')
			*at = '?';
}

static void read_nest(const struct agentcg_record *record, unsigned int attr,
		      struct process *process)
{
	const struct agentcg_record inner = agentcg_record_nest(record, attr);

	process_read(&inner, process);
}

const char *process_name(const struct process *process, char *buf, size_t size)
{
	if (process->pid)
		snprintf(buf, size, "%s (pid %llu)", process->comm,
			 (unsigned long long)process->pid);
	else
		snprintf(buf, size, "%s", process->comm);
	return buf;
}

unsigned int list_survivors(const struct agentcg_record *receipt, char *text,
			    size_t size)
{
	struct agentcg_field field = { .data = NULL };
	unsigned int count = 0;
	size_t at = 0;

	text[0] = '\0';
	while (agentcg_record_next(receipt, &field)) {
		struct agentcg_record record;
		struct process process;
		char name[64];
		size_t len;

		if (field.attr != AGENTCG_A_TOOL_SURVIVOR)
			continue;
		record = agentcg_field_nest(receipt, &field);
		process_read(&record, &process);
		len = strlen(process_name(&process, name, sizeof(name)));
		if (at + len + sizeof(", ") > size)
			break;
		at += (size_t)sprintf(text + at, "%s%s", count++ ? ", " : "",
				      name);
	}
	return count;
}

static void read_limits(const struct agentcg_record *receipt, struct figures *f)
{
	struct agentcg_record limits;

	limits = agentcg_record_nest(receipt, AGENTCG_A_TOOL_LIMITS);
	f->mem = agentcg_record_uint(&limits, AGENTCG_A_INTENT_MEM, 0);
	f->bound = agentcg_record_uint(&limits, AGENTCG_A_INTENT_STALL, 0);
	f->deadline = agentcg_record_uint(&limits, AGENTCG_A_INTENT_DEADLINE,
					  AGENTCG_UNLIMITED);
	f->reap = agentcg_record_uint(&limits, AGENTCG_A_INTENT_SURVIVORS,
				      AGENTCG_SURVIVORS_KEEP) ==
		  AGENTCG_SURVIVORS_REAP;
}

static void read_killer(const struct agentcg_record *receipt, struct figures *f)
{
	struct agentcg_record killer;

	killer = agentcg_record_nest(receipt, AGENTCG_A_TOOL_KILLER);
	f->killed = killer.data != NULL;
	f->kill_signal = (unsigned int)agentcg_record_uint(&killer,
						AGENTCG_A_KILLER_SIGNAL, 0);
	read_nest(&killer, AGENTCG_A_KILLER_SENDER, &f->sender);
	read_nest(&killer, AGENTCG_A_KILLER_VICTIM, &f->victim);
}

static void read_oom(const struct agentcg_record *receipt, struct figures *f)
{
	struct agentcg_record oom;

	oom = agentcg_record_nest(receipt, AGENTCG_A_TOOL_OOM);
	f->oom = oom.data != NULL;
	f->oom_level = (unsigned int)agentcg_record_uint(&oom,
				AGENTCG_A_OOM_LEVEL, AGENTCG_CAUSE_OOM);
	f->oom_limit = agentcg_record_uint(&oom, AGENTCG_A_OOM_LIMIT, 0);
	read_nest(&oom, AGENTCG_A_OOM_CULPRIT, &f->culprit);
}

static void read_course(const struct agentcg_record *receipt, struct figures *f)
{
	uint64_t begun = agentcg_record_uint(receipt, AGENTCG_A_TOOL_BEGUN, 0);
	uint64_t emptied = agentcg_record_uint(receipt, AGENTCG_A_TOOL_EMPTIED, 0);

	f->emptied = emptied != 0;
	f->ran = begun && emptied > begun ? emptied - begun : 0;
	f->cpu = agentcg_record_uint(receipt, AGENTCG_A_TOOL_CPU_TIME,
				     UINT64_MAX);
	f->cpu_known = f->cpu != UINT64_MAX;
	f->peak = agentcg_record_uint(receipt, AGENTCG_A_TOOL_PEAK, 0);
	f->stall = agentcg_record_uint(receipt, AGENTCG_A_TOOL_STALL_TOTAL, 0);
	f->held = agentcg_record_uint(receipt, AGENTCG_A_TOOL_HELD_TOTAL, 0);
	f->stalls = agentcg_record_uint(receipt, AGENTCG_A_TOOL_STALLS, 0);
	f->exhausted = agentcg_record_uint(receipt, AGENTCG_A_TOOL_EXHAUSTED, 0);
	f->survived = agentcg_record_uint(receipt, AGENTCG_A_TOOL_SURVIVED, 0);
}

void figures_read(const struct agentcg_record *receipt, struct figures *f)
{
	memset(f, 0, sizeof(*f));
	f->id = agentcg_record_uint(receipt, AGENTCG_A_TOOL_ID, 0);
	f->cause = (unsigned int)agentcg_record_uint(receipt,
			AGENTCG_A_TOOL_CAUSE, AGENTCG_CAUSE_EXIT);
	f->signal = (unsigned int)agentcg_record_uint(receipt,
			AGENTCG_A_TOOL_EXIT_SIGNAL, 0);
	f->exit_code = agentcg_record_uint(receipt, AGENTCG_A_TOOL_EXIT_CODE,
					   UINT64_MAX);
	f->exited = f->exit_code != UINT64_MAX;
	read_limits(receipt, f);
	read_course(receipt, f);
	read_killer(receipt, f);
	read_oom(receipt, f);
}
