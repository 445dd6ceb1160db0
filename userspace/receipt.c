// SPDX-License-Identifier: GPL-2.0-only
#include "receipt.h"

#include "output.h"

/* Room for all that are listed, and no more than a text may have. */
#define NAMES_MAX	300

bool receipt_advice(const struct agentcg_record *receipt,
		    struct advice *advice)
{
	char survivors[NAMES_MAX];
	struct figures f;

	figures_read(receipt, &f);
	list_survivors(receipt, survivors, sizeof(survivors));
	return advise(&f, survivors, advice);
}

void json_add_advice(json_t *object, const struct advice *advice)
{
	json_object_set_new(object, "advice", json_string(advice->text));
	json_object_set_new(object, "feedback", advice_json(advice));
}

json_t *receipt_json(const struct agentcg_record *receipt)
{
	json_t *object = json_pack("{s:b}", "enforced", 1);
	json_t *record = record_json(receipt);
	struct advice advice;

	json_object_update(object, record);
	json_decref(record);
	if (receipt_advice(receipt, &advice))
		json_add_advice(object, &advice);
	return object;
}

void receipt_text(FILE *file, const struct agentcg_record *receipt)
{
	struct advice advice;

	record_text(file, receipt, 0);
	if (receipt_advice(receipt, &advice))
		fprintf(file, "\n%s\n", advice.text);
}
