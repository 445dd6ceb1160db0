/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Control files of a call's cgroup, for what the kernel does through a file alone.
 */
#ifndef _AGENTCG_CGFILE_H
#define _AGENTCG_CGFILE_H

#include <linux/types.h>

struct agentcg_place;

int agentcg_cgfile_write(const struct agentcg_place *place, const char *name,
			 const char *text);
int agentcg_cgfile_read(const struct agentcg_place *place, const char *name,
			char *text, size_t size);

#endif /* _AGENTCG_CGFILE_H */
