/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writing control files of a call's cgroup, for what the kernel does through a
 * file alone.
 */
#ifndef _AGENTCG_CGFILE_H
#define _AGENTCG_CGFILE_H

struct agentcg_place;

int agentcg_cgfile_write(const struct agentcg_place *place, const char *name,
			 const char *text);

#endif /* _AGENTCG_CGFILE_H */
