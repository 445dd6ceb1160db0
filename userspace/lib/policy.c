// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Attached policies, as the module tells them. */
#include <netlink/attr.h>

#include "internal.h"

int agentcg_policy_get(struct agentcg *handle, uint64_t session_id,
		       struct agentcg_record *policy)
{
	int err = agentcg_nl_begin(handle, AGENTCG_CMD_POLICY_GET, 0);

	if (err)
		return err;
	if (session_id && nla_put_u64(handle->msg, AGENTCG_A_POLICY_SESSION_ID,
				      session_id))
		return agentcg_nl_full(handle);
	return agentcg_nl_do(handle, policy);
}

int agentcg_policy_list(struct agentcg *handle, agentcg_record_fn fn, void *arg)
{
	int err = agentcg_nl_begin(handle, AGENTCG_CMD_POLICY_GET, NLM_F_DUMP);

	return err ?: agentcg_nl_dump(handle, fn, arg);
}
