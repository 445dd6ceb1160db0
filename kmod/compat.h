/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between the kernels that the module is built for.
 *
 * Written for the newest; the AGENTCG_HAVE_ macros come from compile tests in
 * compat-probe/, one per fact, so a backport is found as well as a release.
 */
#ifndef _AGENTCG_COMPAT_H
#define _AGENTCG_COMPAT_H

#include <linux/dcache.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/namei.h>

#include "compat-probe.h"

#ifdef AGENTCG_HAVE_HRTIMER_SETUP
#define agentcg_hrtimer_setup	hrtimer_setup
#else
static inline void
agentcg_hrtimer_setup(struct hrtimer *const timer,
		      enum hrtimer_restart (*const fn)(struct hrtimer *timer),
		      const clockid_t clock, const enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock, mode);
	timer->function = fn;
}
#endif

#ifndef QSTR
#define QSTR(NAME)	((struct qstr)QSTR_INIT(NAME, strlen(NAME)))
#endif

#ifdef AGENTCG_HAVE_START_CREATING
static inline struct dentry *
agentcg_vfs_mkdir(struct mnt_idmap *const idmap, struct inode *const dir,
		  struct dentry *const child, const umode_t mode)
{
	return vfs_mkdir(idmap, dir, child, mode, NULL);
}

static inline int agentcg_vfs_rmdir(struct mnt_idmap *const idmap,
				    struct inode *const dir,
				    struct dentry *const child)
{
	return vfs_rmdir(idmap, dir, child, NULL);
}

#define agentcg_lookup_one	lookup_one
#else
/* @name: without a slash, and not "." nor "..". */
static inline struct dentry *agentcg_start_dirop(struct dentry *const parent,
						 struct qstr *const name,
						 const unsigned int flags)
{
	struct dentry *child;

	name->hash = full_name_hash(parent, name->name, name->len);
	inode_lock_nested(d_inode(parent), I_MUTEX_PARENT);
	child = lookup_one_qstr_excl(name, parent, flags);
	if (IS_ERR(child))
		inode_unlock(d_inode(parent));
	return child;
}

/* The parent is locked. */
static inline struct dentry *agentcg_lookup_one(struct mnt_idmap *const idmap,
						struct qstr *const name,
						struct dentry *const parent)
{
	name->hash = full_name_hash(parent, name->name, name->len);
	return lookup_one_qstr_excl(name, parent, 0);
}

static inline void end_creating(struct dentry *const child)
{
	inode_unlock(d_inode(child->d_parent));
	dput(child);
}

static inline void end_removing(struct dentry *const child)
{
	end_creating(child);
}

/* The right to search the directory is asked with the right to write it. */
static inline struct dentry *start_creating(struct mnt_idmap *const idmap,
					    struct dentry *const parent,
					    struct qstr *const name)
{
	return agentcg_start_dirop(parent, name, LOOKUP_CREATE);
}

static inline struct dentry *start_removing(struct mnt_idmap *const idmap,
					    struct dentry *const parent,
					    struct qstr *const name)
{
	struct dentry *const child = agentcg_start_dirop(parent, name, 0);

	if (IS_ERR(child) || d_is_positive(child))
		return child;
	end_removing(child);
	return ERR_PTR(-ENOENT);
}

static inline struct dentry *
agentcg_vfs_mkdir(struct mnt_idmap *const idmap, struct inode *const dir,
		  struct dentry *const child, const umode_t mode)
{
#ifdef AGENTCG_HAVE_MKDIR_DENTRY
	struct dentry *const made = vfs_mkdir(idmap, dir, child, mode);

	if (IS_ERR(made))
		inode_unlock(dir);
	return made;
#else
	const int err = vfs_mkdir(idmap, dir, child, mode);

	if (!err)
		return child;
	end_creating(child);
	return ERR_PTR(err);
#endif
}

static inline int agentcg_vfs_rmdir(struct mnt_idmap *const idmap,
				    struct inode *const dir,
				    struct dentry *const child)
{
	return vfs_rmdir(idmap, dir, child);
}
#endif

#endif /* _AGENTCG_COMPAT_H */
