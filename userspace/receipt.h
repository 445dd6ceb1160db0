/* SPDX-License-Identifier: GPL-2.0-only */
/* Receipts for people, for programs, and for agents to learn from. */
#ifndef AGENTCG_RECEIPT_H
#define AGENTCG_RECEIPT_H

#include <agentcg/agentcg.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "advice.h"

/**
 * receipt_advice() - What happened, how big it was, what to try.
 * @receipt: of the call.
 * @advice: filled in when there was trouble.
 *
 * Return: whether there was.
 */
bool receipt_advice(const struct agentcg_record *receipt,
		    struct advice *advice);

/** json_add_advice() - Add "advice" and "feedback" to @object. */
void json_add_advice(json_t *object, const struct advice *advice);

/** receipt_json() - A receipt with "enforced", and feedback where it went wrong. */
json_t *receipt_json(const struct agentcg_record *receipt);

/** receipt_text() - A receipt for people. */
void receipt_text(FILE *file, const struct agentcg_record *receipt);

#endif /* AGENTCG_RECEIPT_H */
