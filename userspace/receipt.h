/* SPDX-License-Identifier: GPL-2.0-only */
/* Receipts for people, for programs, and for agents to learn from. */
#ifndef AGENTCG_RECEIPT_H
#define AGENTCG_RECEIPT_H

#include <agentcg/agentcg.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#define ADVICE_MAX	1024

/**
 * receipt_advice() - What happened, how big it was, what to try.
 * @receipt: of the call.
 * @advice: gets two or three sentences when there was trouble.
 *
 * Return: whether there was.
 */
bool receipt_advice(const struct agentcg_record *receipt,
		    char advice[ADVICE_MAX]);

/** receipt_json() - A receipt with "enforced" and perhaps "advice" added. */
json_t *receipt_json(const struct agentcg_record *receipt);

/** receipt_text() - A receipt for people. */
void receipt_text(FILE *file, const struct agentcg_record *receipt);

#endif /* AGENTCG_RECEIPT_H */
