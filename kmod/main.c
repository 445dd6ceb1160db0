// SPDX-License-Identifier: GPL-2.0-only
/*
 * agentcg: memory and CPU control for the tool calls of AI agents.
 *
 * Only the ladder of initialisation and its inverse.
 */

#include "common.h"

#include <linux/init.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/workqueue.h>
#include <net/genetlink.h>

#include "domain.h"
#include "hook.h"
#include "kfunc.h"
#include "lifecycle.h"
#include "netlink.h"
#include "node.h"
#include "notify.h"
#include "oom.h"
#include "owner.h"
#include "park.h"
#include "reclaim.h"
#include "session.h"
#include "struct_ops.h"
#include "tool.h"
#include "work.h"

struct workqueue_struct *agentcg_wq;

/*
 * Without BTF that matches the kernel's, or on a kernel without, the built-in
 * policy decides alone.  The kernel takes a registration then without a word that
 * could be asked for, hence the look at what has become of it.
 */
static void __init agentcg_bpf_init(void)
{
	const int err = agentcg_kfunc_init() ?: agentcg_struct_ops_init();

	if (err || !agentcg_struct_ops_registered())
		pr_warn("no BPF policies and kfuncs: %s (error %d)\n",
			err ? "the kernel refused them" :
			      "no BTF of the module that matches the kernel's",
			err);
}

static int __init agentcg_init(void)
{
	int err;

	agentcg_wq = alloc_workqueue("agentcg",
				     WQ_UNBOUND | WQ_HIGHPRI | WQ_MEM_RECLAIM, 0);
	if (!agentcg_wq)
		return -ENOMEM;
	err = agentcg_tool_init();
	if (err)
		goto err_wq;
	err = agentcg_park_init();
	if (err)
		goto err_tool;
	err = agentcg_reclaim_init();
	if (err)
		goto err_park;
	err = agentcg_owner_init();
	if (err)
		goto err_reclaim;
	agentcg_node_init();
	/* ORDER: tasks are followed before any call can be declared. */
	err = agentcg_lifecycle_init();
	if (err)
		goto err_owner;
	agentcg_oom_init();
	err = agentcg_hook_init();
	if (err)
		goto err_oom;
	/* ORDER: sessions come later, but programs may ask from here on. */
	agentcg_bpf_init();
	/* ORDER: last, requests arrive at once. */
	err = agentcg_netlink_init();
	if (err)
		goto err_hook;
	return 0;

err_hook:
	agentcg_hook_exit();
err_oom:
	agentcg_oom_exit();
	agentcg_lifecycle_exit();
err_owner:
	agentcg_owner_deafen();
	agentcg_owner_exit();
err_reclaim:
	agentcg_reclaim_exit();
err_park:
	agentcg_park_exit();
err_tool:
	agentcg_tool_exit();
err_wq:
	destroy_workqueue(agentcg_wq);
	return err;
}

static void __exit agentcg_exit(void)
{
	/* Nobody adds anything any more. */
	agentcg_netlink_exit();
	agentcg_owner_deafen();
	/*
	 * Every memory.high is given back and every parked task woken, while
	 * the hook still keeps the kernel from throttling the others.
	 */
	agentcg_session_remove_all();
	/* No event is looked at any more, so no park is queued. */
	agentcg_hook_exit();
	agentcg_oom_exit();
	/* Nobody looks up a domain any more. */
	agentcg_lifecycle_exit();
	/* No task is in our text when this returns. */
	agentcg_park_drain();
	agentcg_owner_exit();
	/* What it hands on may concern the node. */
	agentcg_reclaim_exit();
	agentcg_node_exit();
	/* Kills and ends that were queued hold references, and may tell. */
	flush_workqueue(agentcg_wq);
	/* ORDER: an event that waits for its time would come to no queue. */
	agentcg_notify_exit();
	destroy_workqueue(agentcg_wq);
	/* Domains are freed by RCU callbacks of ours. */
	rcu_barrier();
	agentcg_domain_exit();
	agentcg_park_exit();
	agentcg_tool_exit();
}

module_init(agentcg_init);
module_exit(agentcg_exit);

MODULE_DESCRIPTION("Memory and CPU control for the tool calls of AI agents");
MODULE_AUTHOR("agentcg developers");
MODULE_LICENSE("GPL");
MODULE_VERSION(AGENTCG_VERSION);
MODULE_ALIAS_GENL_FAMILY(AGENTCG_FAMILY_NAME);
