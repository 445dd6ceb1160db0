// SPDX-License-Identifier: GPL-2.0-only
/* Permissions, see perm.h. */

#include "common.h"

#include <linux/capability.h>
#include <linux/netlink.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "cgrp.h"
#include "perm.h"
#include "session.h"

/* Checks the opener of the socket and the sender, in the init namespace. */
bool agentcg_perm_admin(struct sk_buff *const skb)
{
	return netlink_capable(skb, CAP_SYS_ADMIN);
}

/* Whether the sender runs inside the session. */
bool agentcg_perm_member(const struct agentcg_session *const session)
{
	struct agentcg_domain *domain;

	guard(rcu)();
	domain = agentcg_domain_above(task_dfl_cgroup(current));
	return domain && domain->session == session;
}
