// SPDX-License-Identifier: GPL-2.0-only
/* v6.15: vfs_mkdir() returns the dentry, and puts it on failure. */
#include <linux/fs.h>

struct dentry *test(struct mnt_idmap *idmap, struct inode *dir,
		    struct dentry *child);
struct dentry *test(struct mnt_idmap *idmap, struct inode *dir,
		    struct dentry *child)
{
	_Static_assert(__builtin_types_compatible_p(
			       typeof(vfs_mkdir(idmap, dir, child, 0755)),
			       struct dentry *), "");
	return vfs_mkdir(idmap, dir, child, 0755);
}
