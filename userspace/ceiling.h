/* SPDX-License-Identifier: GPL-2.0-only */
/* Whether the limits of a session are the administrator's. */
#ifndef AGENTCG_CEILING_H
#define AGENTCG_CEILING_H

/**
 * limit_given_away() - A limit that others than root may write.
 * @fd: directory of the session's cgroup.
 *
 * What bounds a tenant is the memory.high and memory.max of its session: a
 * tenant that owns them has no bounds. Delegation does not give them away, but
 * chown -R does.
 *
 * Return: the name of the first such file, or NULL.
 */
const char *limit_given_away(int fd);

#endif /* AGENTCG_CEILING_H */
