// SPDX-License-Identifier: GPL-2.0-only
/* Control files, see cgfile.h. */

#include "common.h"

#include <linux/cgroup.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/string.h>

#include "cgfile.h"
#include "place.h"

/* No control file has a longer name. */
#define FILE_NAME_MAX	32

static struct file *open_file(const struct agentcg_place *const place,
			      const char *const name, const int flags)
{
	char path[AGENTCG_PLACE_NAME_MAX + FILE_NAME_MAX];
	struct file *file;
	int len;

	len = agentcg_place_name(place, path);
	if (len < 0)
		return ERR_PTR(len);
	snprintf(path + len, sizeof(path) - len, "/%s", name);
	file = file_open_root(&place->root->path, path, flags, 0);
	/* The name may be another call's by now. */
	if (!IS_ERR(file) && d_inode(file->f_path.dentry->d_parent)->i_ino !=
			     cgroup_id(place->cgrp)) {
		fput(file);
		return ERR_PTR(-ENOENT);
	}
	return file;
}

/**
 * agentcg_cgfile_write - write to a control file of a call
 * @place: of the call
 * @name: of the file
 * @text: what is written
 *
 * Context: a work, so with the rights of the kernel; may sleep.
 * Return: 0; -ENOENT when the cgroup has gone; -EROFS where the session was
 * added through a read-only mount; or what the file says.
 */
int agentcg_cgfile_write(const struct agentcg_place *const place,
			 const char *const name, const char *const text)
{
	struct file *const file = open_file(place, name, O_WRONLY);
	loff_t pos = 0;
	ssize_t len;

	if (IS_ERR(file))
		return PTR_ERR(file);
	len = kernel_write(file, text, strlen(text), &pos);
	fput(file);
	return len < 0 ? len : 0;
}

/**
 * agentcg_cgfile_read - read the beginning of a control file of a call
 * @place: of the call
 * @name: of the file
 * @text: where it goes, ended by a zero
 * @size: of that
 *
 * Context: as agentcg_cgfile_write().
 * Return: 0; -ENOENT when the cgroup has gone; or what the file says.
 */
int agentcg_cgfile_read(const struct agentcg_place *const place,
			const char *const name, char *const text,
			const size_t size)
{
	struct file *const file = open_file(place, name, O_RDONLY);
	loff_t pos = 0;
	ssize_t len;

	if (IS_ERR(file))
		return PTR_ERR(file);
	len = kernel_read(file, text, size - 1, &pos);
	fput(file);
	if (len < 0)
		return len;
	text[len] = '\0';
	return 0;
}
