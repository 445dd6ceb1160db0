/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writing control files of a call's cgroup, for what the kernel does through a
 * file alone.
 *
 * The file is opened below the directory that session-add was shown, which the
 * session keeps open, so no mount of our own is needed (design.rst).
 */
#ifndef _AGENTCG_CGFILE_H
#define _AGENTCG_CGFILE_H

struct cgroup;
struct path;

int agentcg_cgfile_write(const struct path *dir, struct cgroup *cgrp,
			 const char *name, const char *text);

#endif /* _AGENTCG_CGFILE_H */
