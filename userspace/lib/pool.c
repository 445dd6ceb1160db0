// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Calls made ahead. Making and removing a cgroup costs more than all the rest
 * of a call; a pool moves both to a time of the caller's choice.
 *
 * A call moves from ready (made and declared) to the caller and on to retired
 * (ended, its cgroup still there). A cgroup is never used for a second call:
 * its receipt and its charges belong to the first.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

struct agentcg_pool {
	struct agentcg_session *session;
	struct agentcg_call *ready;
	struct agentcg_call *retired;
	unsigned int count;	/* of ready */
	unsigned int target;
	bool declared;		/* intent is given */
	struct agentcg_intent intent;
	/* Copies of the strings of intent, and of its tags. */
	char *strings;
	const char *tags[AGENTCG_TAGS_MAX];
};

static struct agentcg_call *pop(struct agentcg_call **list)
{
	struct agentcg_call *call = *list;

	*list = call->next;
	call->next = NULL;
	return call;
}

static char *keep_string(char **at, const char *text)
{
	char *copy = *at;

	*at = stpcpy(copy, text) + 1;
	return copy;
}

/* The caller's strings need not live as long as the pool. */
static int copy_intent(struct agentcg_pool *pool,
		       const struct agentcg_intent *from)
{
	struct agentcg_intent *in = &pool->intent;
	size_t room = 1;
	uint32_t i;
	char *at;

	memcpy(in, from, from->size < sizeof(*in) ? from->size : sizeof(*in));
	in->size = sizeof(*in);
	if (in->tag_count > AGENTCG_TAGS_MAX)
		return -E2BIG;
	room += in->label ? strlen(in->label) + 1 : 0;
	room += in->conflict ? strlen(in->conflict) + 1 : 0;
	for (i = 0; i < in->tag_count; i++)
		room += strlen(in->tags[i]) + 1;
	at = pool->strings = malloc(room);
	if (!at)
		return -ENOMEM;
	if (in->label)
		in->label = keep_string(&at, in->label);
	if (in->conflict)
		in->conflict = keep_string(&at, in->conflict);
	for (i = 0; i < in->tag_count; i++)
		pool->tags[i] = keep_string(&at, in->tags[i]);
	in->tags = pool->tags;
	pool->declared = true;
	return 0;
}

static int fill(struct agentcg_pool *pool)
{
	while (pool->count < pool->target) {
		struct agentcg_call *call;
		int err;

		err = agentcg_call_begin(pool->session, NULL,
					 pool->declared ? &pool->intent : NULL,
					 &call);
		if (err)
			return err;
		call->pool = pool;
		call->next = pool->ready;
		pool->ready = call;
		pool->count++;
	}
	return 0;
}

int agentcg_pool_new(struct agentcg_session *session, unsigned int count,
		     const struct agentcg_intent *intent,
		     struct agentcg_pool **result)
{
	struct agentcg_pool *pool = calloc(1, sizeof(*pool));
	int err = 0;

	if (!pool)
		return agentcg_error(session->handle, -ENOMEM, "out of memory");
	pool->session = session;
	pool->target = count;
	if (intent)
		err = copy_intent(pool, intent);
	if (err)
		agentcg_error(session->handle, err, "intent: %s",
			      strerror(-err));
	else
		err = fill(pool);
	if (err) {
		agentcg_pool_free(pool);
		return err;
	}
	*result = pool;
	return 0;
}

int agentcg_pool_take(struct agentcg_pool *pool,
		      const struct agentcg_intent *intent,
		      struct agentcg_call **result)
{
	struct agentcg_call *call;
	int err = 0;

	if (!pool->ready) {
		err = agentcg_call_begin(pool->session, NULL, intent ?:
					 pool->declared ? &pool->intent : NULL,
					 &call);
		if (err)
			return err;
		call->pool = pool;
		*result = call;
		return 0;
	}
	if (intent)
		err = agentcg_call_set(pool->ready, intent);
	if (err)
		return err;
	*result = pop(&pool->ready);
	pool->count--;
	return 0;
}

void agentcg_pool_retire(struct agentcg_call *call)
{
	call->next = call->pool->retired;
	call->pool->retired = call;
}

static int drain(struct agentcg_call **list)
{
	int ret = 0;

	while (*list) {
		int err = agentcg_call_remove(pop(list));

		ret = ret ?: err;
	}
	return ret;
}

int agentcg_pool_reap(struct agentcg_pool *pool)
{
	int err = drain(&pool->retired);
	int more = fill(pool);

	return err ?: more ?: (int)pool->count;
}

void agentcg_pool_free(struct agentcg_pool *pool)
{
	if (!pool)
		return;
	drain(&pool->retired);
	drain(&pool->ready);
	free(pool->strings);
	free(pool);
}
