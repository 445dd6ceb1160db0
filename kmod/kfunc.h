/* SPDX-License-Identifier: GPL-2.0-only */
/* What BPF programs may call. */
#ifndef _AGENTCG_KFUNC_H
#define _AGENTCG_KFUNC_H

#include <linux/types.h>

struct agentcg_domain;
struct agentcg_domain_info;

void agentcg_kfunc_describe(const struct agentcg_domain *domain,
			    struct agentcg_domain_info *info);

int agentcg_kfunc_init(void);

#endif /* _AGENTCG_KFUNC_H */
