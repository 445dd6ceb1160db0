/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Making and removing the directories of calls where cgroupfs is mounted
 * read-only.
 *
 * mkdir(2) and rmdir(2) stop at such a mount, which is how a container is
 * confined whose root is the host's.  Who may pass it is perm.c's business;
 * whatever else they would ask is asked here too, with the caller's own
 * credentials: the permissions of the directory, security modules, the limits
 * of the tree.  A file system that is read-only as a whole stays so.
 */
#ifndef _AGENTCG_DIR_H
#define _AGENTCG_DIR_H

struct agentcg_place;
struct dentry;
struct file;
struct path;

struct file *agentcg_dir_make(const struct path *parent, const char *name);
int agentcg_dir_remove(const struct path *parent, struct dentry *child);
int agentcg_dir_remove_place(const struct agentcg_place *place);

#endif /* _AGENTCG_DIR_H */
