/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Place: where the directory of a call is, for what a work does there later.
 *
 * The directory of its session is the one that session-add was shown, which the
 * session keeps open, so no mount of our own is needed (design.rst).
 */
#ifndef _AGENTCG_PLACE_H
#define _AGENTCG_PLACE_H

#include <linux/limits.h>
#include <linux/path.h>
#include <linux/refcount.h>

struct agentcg_tool;
struct cgroup;

/* A slash, the name, and the end of the string. */
#define AGENTCG_PLACE_NAME_MAX	(1 + NAME_MAX + 1)

/**
 * struct agentcg_root - the open directory of a session
 * @ref: a count of our own: path_get() takes the lock of the dentry, which may not
 *       be taken under a session's, since that is taken under css_set_lock
 * @path: with a reference
 */
struct agentcg_root {
	refcount_t ref;
	struct path path;
};

/**
 * struct agentcg_place - the directory of a call; with references
 * @cgrp: of the call, NULL when this is nobody's
 * @root: of its session
 */
struct agentcg_place {
	struct cgroup *cgrp;
	struct agentcg_root *root;
};

struct agentcg_root *agentcg_root_new(const struct path *path);
void agentcg_root_put(struct agentcg_root *root);

/* Caller holds the session's lock. */
void agentcg_place_get(struct agentcg_place *place,
		       const struct agentcg_tool *tool);

void agentcg_place_put(struct agentcg_place *place);
int agentcg_place_name(const struct agentcg_place *place,
		       char name[AGENTCG_PLACE_NAME_MAX]);

#endif /* _AGENTCG_PLACE_H */
