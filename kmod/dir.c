// SPDX-License-Identifier: GPL-2.0-only
/* Directories of calls, see dir.h. */

#include "common.h"

#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/dcache.h>
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/fs_struct.h>
#include <linux/mount.h>
#include <linux/path.h>
#include <linux/security.h>

#include "compat.h"
#include "dir.h"
#include "place.h"

/* As the library makes them; the caller's umask takes off what it takes off. */
#define DIR_MODE	0755

/* Whatever has this name. */
#define ANY	0

/* @id: of the cgroup that is meant, which is the number of its inode. */
static int remove_named(const struct path *const parent, struct qstr *const name,
			const u64 id)
{
	struct mnt_idmap *const idmap = mnt_idmap(parent->mnt);
	struct dentry *const found = start_removing(idmap, parent->dentry, name);
	int err;

	if (IS_ERR(found))
		return PTR_ERR(found);
	err = id != ANY && d_inode(found)->i_ino != id ? -ENOENT :
	      agentcg_vfs_rmdir(idmap, d_inode(parent->dentry), found);
	end_removing(found);
	return err;
}

/* With a reference, for dput(). */
static struct dentry *make(const struct path *const parent,
			   const char *const name)
{
	struct mnt_idmap *const idmap = mnt_idmap(parent->mnt);
	struct dentry *child, *made;
	int err;

	child = start_creating(idmap, parent->dentry, &QSTR(name));
	if (IS_ERR(child))
		return child;
	/* Modules that decide by path are asked by mkdir(2), not below it. */
	err = security_path_mkdir(parent, child, DIR_MODE & ~current_umask());
	if (err) {
		end_creating(child);
		return ERR_PTR(err);
	}
	child = agentcg_vfs_mkdir(idmap, d_inode(parent->dentry), child,
				  DIR_MODE);
	if (IS_ERR(child))
		return child;
	/*
	 * Cgroupfs leaves that one negative.  Looked up before the lock goes,
	 * this is what was made here, not what took its place.
	 */
	made = agentcg_lookup_one(idmap, &QSTR(name), parent->dentry);
	end_creating(child);
	if (IS_ERR(made))
		remove_named(parent, &QSTR(name), ANY);
	return made;
}

/**
 * agentcg_dir_make - make a directory, and open it
 * @parent: of a cgroup
 * @name: one component of a path
 *
 * Context: process; what its credentials and its umask allow.
 * Return: for fput(); or an error as of mkdir(2) or open(2).
 */
struct file *agentcg_dir_make(const struct path *const parent,
			      const char *const name)
{
	const struct path child = { .mnt = parent->mnt, .dentry = make(parent, name) };
	struct file *file;

	if (IS_ERR(child.dentry))
		return ERR_CAST(child.dentry);
	file = dentry_open(&child, O_RDONLY | O_DIRECTORY, current_cred());
	if (IS_ERR(file))
		agentcg_dir_remove(parent, child.dentry);
	dput(child.dentry);
	return file;
}

/**
 * agentcg_dir_remove - remove a directory
 * @parent: of a cgroup
 * @child: in it; the caller holds a reference
 *
 * Modules that decide by path are not asked: what rmdir(2) asks them with is
 * not exported.
 *
 * Context: process; what its credentials allow.
 * Return: 0, or an error as of rmdir(2): -ENOENT when it has gone.
 */
int agentcg_dir_remove(const struct path *const parent,
		       struct dentry *const child)
{
	/* Cgroups of version 2 cannot be renamed. */
	return remove_named(parent, &QSTR((const char *)child->d_name.name),
			    d_inode(child)->i_ino);
}

/**
 * agentcg_dir_remove_place - the same for the directory of a call
 * @place: of the call
 *
 * Context: process or a work; what its credentials allow.
 * Return: as agentcg_dir_remove().
 */
int agentcg_dir_remove_place(const struct agentcg_place *const place)
{
	char name[AGENTCG_PLACE_NAME_MAX];
	const int len = agentcg_place_name(place, name);

	/* Without the slash. */
	return len < 0 ? len : remove_named(&place->root->path,
					    &QSTR(name + 1),
					    cgroup_id(place->cgrp));
}
