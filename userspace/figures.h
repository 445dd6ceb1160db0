/* SPDX-License-Identifier: GPL-2.0-only */
/* What a receipt proves, as numbers to reason with. */
#ifndef AGENTCG_FIGURES_H
#define AGENTCG_FIGURES_H

#include <agentcg/agentcg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The kernel's TASK_COMM_LEN. */
#define COMM_MAX	16

struct process {
	bool known;
	uint64_t pid;		/* 0: not to be seen from here */
	uint64_t uid;
	uint64_t size;		/* 0: not told */
	char comm[COMM_MAX];	/* printable */
};

/**
 * struct figures - A receipt as numbers.
 *
 * What was not told is 0 or false.
 */
struct figures {
	uint64_t id;
	unsigned int cause;
	/* How the first process ended, one of them. */
	bool exited;
	uint64_t exit_code;
	unsigned int signal;
	/* Limits. */
	uint64_t mem;
	uint64_t bound;		/* of being held back */
	uint64_t deadline;	/* AGENTCG_UNLIMITED: none */
	bool reap;
	/* What it did. */
	uint64_t ran;		/* from the first process's entry to the last's end */
	uint64_t cpu;
	bool cpu_known;
	uint64_t peak;
	uint64_t stall;
	uint64_t held;
	uint64_t stalls;
	uint64_t exhausted;
	uint64_t survived;
	bool emptied;
	/* Who ended one of its processes. */
	bool killed;
	unsigned int kill_signal;
	struct process sender;
	struct process victim;
	/* An OOM kill. */
	bool oom;
	unsigned int oom_level;
	uint64_t oom_limit;	/* 0: not known */
	struct process culprit;
};

/** figures_read() - The figures of a receipt, or of a call that still lives. */
void figures_read(const struct agentcg_record *receipt, struct figures *f);

/** process_read() - A process out of a record of one. */
void process_read(const struct agentcg_record *record, struct process *process);

/** process_name() - "NAME (pid N)", without the pid where it is not seen. */
const char *process_name(const struct process *process, char *buf, size_t size);

/**
 * list_survivors() - Who outlived the first process, as far as there is room.
 * @receipt: the receipt.
 * @text: gets "NAME (pid N), NAME (pid N)", or nothing.
 * @size: of @text.
 *
 * Return: how many are in @text.
 */
unsigned int list_survivors(const struct agentcg_record *receipt, char *text,
			    size_t size);

#endif /* AGENTCG_FIGURES_H */
