// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* The handle: its life, its errors, and the requests about module and node. */
#include <errno.h>
#include <netlink/attr.h>
#include <netlink/netlink.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "internal.h"

struct agentcg *agentcg_open(void)
{
	/*
	 * Not calloc(): the receive buffer need not be touched, and pages that
	 * are not touched cost nothing.
	 */
	struct agentcg *handle = malloc(sizeof(*handle));

	if (!handle)
		return NULL;
	handle->sock = NULL;
	handle->msg = NULL;
	handle->fd = -1;
	handle->seq = 0;
	handle->group = 0;
	handle->family = 0;
	handle->calls = 0;
	handle->root[0] = '\0';
	handle->error[0] = '\0';
	handle->pending = NULL;
	handle->pending_len = 0;
	return handle;
}

void agentcg_close(struct agentcg *handle)
{
	if (!handle)
		return;
	nlmsg_free(handle->msg);
	nl_socket_free(handle->sock);
	free(handle);
}

const char *agentcg_strerror(const struct agentcg *handle)
{
	return handle->error;
}

/* Note an error in words; returns it, so that callers can return both. */
int agentcg_error(struct agentcg *handle, int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(handle->error, sizeof(handle->error), fmt, args);
	va_end(args);
	return err;
}

int agentcg_info(struct agentcg *handle, struct agentcg_record *info)
{
	int err = agentcg_nl_begin(handle, AGENTCG_CMD_INFO_GET, 0);

	return err ?: agentcg_nl_do(handle, info);
}

int agentcg_node_get(struct agentcg *handle, struct agentcg_record *node)
{
	int err = agentcg_nl_begin(handle, AGENTCG_CMD_NODE_GET, 0);

	return err ?: agentcg_nl_do(handle, node);
}

int agentcg_node_set(struct agentcg *handle, const uint64_t *capacity,
		     const uint64_t *reserve)
{
	int err = agentcg_nl_begin(handle, AGENTCG_CMD_NODE_SET, NLM_F_ACK);

	if (err)
		return err;
	if ((capacity && nla_put_u64(handle->msg, AGENTCG_A_NODE_CAPACITY,
				     *capacity)) ||
	    (reserve && nla_put_u64(handle->msg, AGENTCG_A_NODE_RESERVE,
				    *reserve)))
		return agentcg_nl_full(handle);
	return agentcg_nl_do(handle, NULL);
}
