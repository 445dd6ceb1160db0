/* SPDX-License-Identifier: GPL-2.0-only */
/* Small files of the kernel's, mostly of cgroups. */
#ifndef AGENTCG_FILES_H
#define AGENTCG_FILES_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/**
 * read_text() - Read the beginning of a file.
 * @dirfd: directory, or AT_FDCWD.
 * @name: of the file.
 * @buf: gets what was read, and a NUL; empty when nothing was.
 * @size: of @buf.
 *
 * Return: bytes read, or -1 when it cannot be.
 */
ssize_t read_text(int dirfd, const char *name, char *buf, size_t size);

/**
 * write_text() - Write a file in one piece.
 * @dirfd: directory, or AT_FDCWD.
 * @name: of the file, which has to be there.
 * @text: what to write.
 *
 * Return: 0 or a negative errno.
 */
int write_text(int dirfd, const char *name, const char *text);

/** path_of_fd() - Where an open directory is; empty when that is not known. */
void path_of_fd(int fd, char path[PATH_MAX]);

/**
 * cgroup_populated() - Wait until nothing runs in a cgroup.
 * @dirfd: a directory.
 * @name: of the cgroup in it, "." for @dirfd itself.
 * @ms: to wait at most between two changes, -1 for as long as it takes, 0 to
 *	look only.
 *
 * Return: whether something still runs there; not in one that is gone.
 */
bool cgroup_populated(int dirfd, const char *name, int ms);

#endif /* AGENTCG_FILES_H */
