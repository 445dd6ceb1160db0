// SPDX-License-Identifier: GPL-2.0-only
/* Looking into cgroups, see cgrp.h. */

#include "common.h"

#include <linux/dcache.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kernfs.h>
#include <linux/magic.h>
#include <linux/mmzone.h>
#include <linux/mount.h>
#include <linux/nodemask.h>

#include "cgrp.h"

enum { TYPE_ANON, TYPE_FILE };

#ifdef CONFIG_LRU_GEN
/*
 * With the multi-generational LRU the sizes by zone stay zero, and the lists
 * are generations: the two youngest are what memory.stat calls active.
 */
static __always_inline bool
lrugen_pages(const struct lruvec *const lruvec, const int type,
	     const bool active, long *const pages)
{
	const struct lru_gen_folio *const lrugen = &lruvec->lrugen;
	const unsigned long end = READ_ONCE(lrugen->max_seq) + 1 -
				  (active ? 0 : MIN_NR_GENS);
	unsigned long seq;
	int zid;

	if (!READ_ONCE(lrugen->enabled))
		return false;
	for (seq = READ_ONCE(lrugen->min_seq[type]); seq < end; seq++) {
		const long *const zones = lrugen->nr_pages[seq % MAX_NR_GENS][type];

		for (zid = 0; zid < MAX_NR_ZONES; zid++)
			*pages += READ_ONCE(zones[zid]);
	}
	return true;
}
#else
static bool lrugen_pages(const struct lruvec *const lruvec, const int type,
			 const bool active, long *const pages)
{
	return false;
}
#endif

static long zone_pages(const struct mem_cgroup_per_node *const mz,
		       const enum lru_list lru)
{
	long pages = 0;
	int zid;

	for (zid = 0; zid < MAX_NR_ZONES; zid++)
		pages += READ_ONCE(mz->lru_zone_size[zid][lru]);
	return pages;
}

/*
 * Asked at almost every over-high event, hence inline and no walk of the node
 * mask: that alone would cost a quarter of a decision.
 */
static __always_inline unsigned long
lru_pages(struct mem_cgroup *const memcg, const int type, const bool active)
{
	const enum lru_list lru = LRU_BASE + type * LRU_FILE;
	long pages = 0;
	int nid;

	for (nid = 0; nid < nr_node_ids; nid++) {
		const struct mem_cgroup_per_node *const mz = memcg->nodeinfo[nid];

		/* No such node. */
		if (!mz)
			continue;
		if (lrugen_pages(&mz->lruvec, type, active, &pages))
			continue;
		pages += zone_pages(mz, lru);
		if (active)
			pages += zone_pages(mz, lru + LRU_ACTIVE);
	}
	/* The counters of the generations may be below zero for a moment. */
	return max(pages, 0L);
}

/* No more than @left, and than the limits of @memcg and above it leave. */
unsigned long __agentcg_memcg_swap_left(struct mem_cgroup *memcg,
					unsigned long left)
{
	for (; left && memcg && memcg->css.parent;
	     memcg = parent_mem_cgroup(memcg)) {
		const unsigned long max = READ_ONCE(memcg->swap.max);
		const unsigned long used = page_counter_read(&memcg->swap);

		left = min(left, max > used ? max - used : 0);
	}
	return left;
}

/**
 * agentcg_memcg_inactive_file - page cache that reclaim would look at first
 * @memcg: without what is below it
 *
 * Dirty and mapped pages, which are not cheap to reclaim, are among them.
 *
 * Context: any; no lock, so the figure is a moment's.
 * Return: pages.
 */
unsigned long agentcg_memcg_inactive_file(struct mem_cgroup *const memcg)
{
	return lru_pages(memcg, TYPE_FILE, false);
}

/**
 * agentcg_memcg_anon - anonymous memory and tmpfs
 * @memcg: without what is below it
 *
 * Context: any; no lock, so the figure is a moment's.
 * Return: pages.
 */
unsigned long agentcg_memcg_anon(struct mem_cgroup *const memcg)
{
	return lru_pages(memcg, TYPE_ANON, true);
}

/*
 * Hand on to the parent how much of the usage is protected, as every charge does.
 * The kernel's own function is not exported.
 */
static void propagate(atomic_long_t *const own, atomic_long_t *const children,
		      const unsigned long protected)
{
	const long old = atomic_long_xchg(own, protected);

	atomic_long_add(protected - old, children);
}

/* A store, as the file memory.low does it; serialized by the caller. */
void agentcg_memcg_set_low(struct mem_cgroup *const memcg,
			   const unsigned long pages)
{
	struct page_counter *const counter = &memcg->memory;

	WRITE_ONCE(counter->low, pages);
	if (counter->parent)
		propagate(&counter->low_usage, &counter->parent->children_low_usage,
			  min(page_counter_read(counter), pages));
}

/* Likewise of memory.min. */
void agentcg_memcg_set_min(struct mem_cgroup *const memcg,
			   const unsigned long pages)
{
	struct page_counter *const counter = &memcg->memory;

	WRITE_ONCE(counter->min, pages);
	if (counter->parent)
		propagate(&counter->min_usage, &counter->parent->children_min_usage,
			  min(page_counter_read(counter), pages));
}

/* Whether @file is the directory of @cgrp. */
static bool is_directory_of(const struct file *const file,
			    const struct cgroup *const cgrp)
{
	const struct inode *const inode = file_inode(file);

	return inode->i_sb->s_magic == CGROUP2_SUPER_MAGIC &&
	       inode->i_ino == cgroup_id(cgrp);
}

/**
 * agentcg_dir_get - the cgroup behind a directory descriptor
 * @dir: filled, for agentcg_dir_put()
 * @fd: of the calling process
 *
 * Context: the sending process of a netlink request; may sleep.
 * Return: 0, -EBADF (not a cgroup2 directory), -ENODEV (being removed).
 */
int agentcg_dir_get(struct agentcg_dir *const dir, const int fd)
{
	struct cgroup *const cgrp = cgroup_get_from_fd(fd);
	struct file *file;

	if (IS_ERR(cgrp))
		return PTR_ERR(cgrp) == -ENOENT ? -ENODEV : -EBADF;
	/* Looked up twice: another thread may have put something else there. */
	file = fget_raw(fd);
	if (!file || !is_directory_of(file, cgrp)) {
		if (file)
			fput(file);
		cgroup_put(cgrp);
		return -EBADF;
	}
	dir->cgrp = cgrp;
	dir->path = file->f_path;
	path_get(&dir->path);
	fput(file);
	return 0;
}

/**
 * agentcg_dir_parent - the directory that a directory is in
 * @parent: filled, for agentcg_dir_put()
 * @dir: of a cgroup
 *
 * Above the root of @dir's mount, too.
 *
 * Context: may sleep.
 * Return: 0, or -ENOENT for the root of the tree.
 */
int agentcg_dir_parent(struct agentcg_dir *const parent,
		       const struct agentcg_dir *const dir)
{
	struct cgroup *const cgrp = cgroup_parent(dir->cgrp);

	if (!cgrp)
		return -ENOENT;
	cgroup_get(cgrp);
	parent->cgrp = cgrp;
	parent->path.mnt = mntget(dir->path.mnt);
	parent->path.dentry = dget_parent(dir->path.dentry);
	return 0;
}

/**
 * agentcg_cgroup_of_file - the cgroup whose directory is open
 * @file: a directory of the cgroup2 tree
 *
 * Context: may sleep.
 * Return: with a reference, dropped by cgroup_put(); -ENOENT when it has been
 * removed, or is outside of the caller's cgroup namespace.
 */
struct cgroup *agentcg_cgroup_of_file(const struct file *const file)
{
	return cgroup_get_from_id(file_inode(file)->i_ino);
}

void agentcg_dir_put(struct agentcg_dir *const dir)
{
	path_put(&dir->path);
	cgroup_put(dir->cgrp);
}

/**
 * agentcg_memcg_get - the memory side of a cgroup
 * @cgrp: any cgroup
 *
 * Return: with a reference, dropped by agentcg_memcg_put(); NULL when the
 * memory controller is not enabled for @cgrp or it is being removed.
 */
struct mem_cgroup *agentcg_memcg_get(struct cgroup *const cgrp)
{
	struct cgroup_subsys_state *css;

	guard(rcu)();
	css = rcu_dereference(cgrp->subsys[memory_cgrp_id]);
	if (!css || !css_tryget_online(css))
		return NULL;
	return mem_cgroup_from_css(css);
}

/* Whether the children of @cgrp have the memory controller. */
bool agentcg_cgroup_feeds_memory(const struct cgroup *const cgrp)
{
	return READ_ONCE(cgrp->subtree_control) & BIT(memory_cgrp_id);
}

/**
 * agentcg_cgroup_path - path of a cgroup as the caller sees it
 * @cgrp: cgroup
 * @buf: @size bytes
 * @size: at least 2
 *
 * Not by cgroup_path_ns(), which takes cgroup_mutex and css_set_lock to find the
 * root of the namespace: who lists his calls would keep the whole machine from
 * making and removing cgroups.
 *
 * Context: process, for its namespace; takes a lock of kernfs only.
 * Return: @buf, or NULL when it does not fit.
 */
char *agentcg_cgroup_path(struct cgroup *const cgrp, char *const buf,
			  const size_t size)
{
	const int len = kernfs_path_from_node(cgrp->kn,
					      agentcg_cgroup_ns_root()->kn, buf,
					      size);

	return len < 0 || len >= size ? NULL : buf;
}
