// SPDX-License-Identifier: GPL-2.0-only
/* v6.19: start_creating() locks and looks up, vfs_mkdir() ends that on failure. */
#include <linux/fs.h>
#include <linux/namei.h>

struct dentry *test(struct mnt_idmap *idmap, struct dentry *parent);
struct dentry *test(struct mnt_idmap *idmap, struct dentry *parent)
{
	struct dentry *const child = start_creating(idmap, parent, &QSTR("a"));

	return vfs_mkdir(idmap, d_inode(parent), child, 0755, NULL);
}
