/* SPDX-License-Identifier: GPL-2.0-only */
/* What differs in BPF, see compat.h. */
#ifndef _AGENTCG_COMPAT_BPF_H
#define _AGENTCG_COMPAT_BPF_H

#include <linux/bpf.h>
#include <linux/string.h>

#include "compat-probe.h"

/*
 * Whether a program is a member of a scheduler.  The kernel asks twice, and does not
 * know it itself the first time; one that never knows has no reports.
 */
static inline bool agentcg_may_be_scheduler(const struct bpf_prog *const prog)
{
#ifdef AGENTCG_HAVE_ST_OPS
	const struct bpf_struct_ops *const ops = prog->aux->st_ops;

	return !ops || str_has_prefix(ops->name, "sched_ext_ops");
#else
	return false;
#endif
}

#endif /* _AGENTCG_COMPAT_BPF_H */
