// SPDX-License-Identifier: GPL-2.0-only
/* Where calls are, see place.h. */

#include "common.h"

#include <linux/cgroup.h>
#include <linux/kernfs.h>
#include <linux/slab.h>

#include "place.h"
#include "session.h"
#include "tool.h"

/**
 * agentcg_root_new - keep the directory of a session open
 * @path: the caller keeps its reference
 *
 * Return: for agentcg_root_put(), or NULL.
 */
struct agentcg_root *agentcg_root_new(const struct path *const path)
{
	struct agentcg_root *const root = kmalloc(sizeof(*root), GFP_KERNEL);

	if (!root)
		return NULL;
	refcount_set(&root->ref, 1);
	root->path = *path;
	path_get(&root->path);
	return root;
}

/* May sleep. */
void agentcg_root_put(struct agentcg_root *const root)
{
	if (!refcount_dec_and_test(&root->ref))
		return;
	path_put(&root->path);
	kfree(root);
}

/**
 * agentcg_place_get - keep the directory of a call
 * @place: filled
 * @tool: live, as is its session, whose lock is held
 *
 * Context: any.
 */
void agentcg_place_get(struct agentcg_place *const place,
		       const struct agentcg_tool *const tool)
{
	place->cgrp = tool->d.cgrp;
	cgroup_get(place->cgrp);
	place->root = tool->d.session->root;
	refcount_inc(&place->root->ref);
}

/* Drops the references of agentcg_place_get(); may sleep. */
void agentcg_place_put(struct agentcg_place *const place)
{
	agentcg_root_put(place->root);
	cgroup_put(place->cgrp);
}

/**
 * agentcg_place_name - the name of a call's directory, with a slash before it
 * @place: of the call
 * @name: filled
 *
 * Names are used again, so what is found under it has to be compared with the
 * cgroup's id.
 *
 * Return: its length, or a negative errno.
 */
int agentcg_place_name(const struct agentcg_place *const place,
		       char name[AGENTCG_PLACE_NAME_MAX])
{
	return kernfs_path_from_node(place->cgrp->kn,
				     cgroup_parent(place->cgrp)->kn, name,
				     AGENTCG_PLACE_NAME_MAX);
}
