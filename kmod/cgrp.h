/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The only file that looks into struct cgroup and struct mem_cgroup.
 *
 * Sizes here are in pages, as the kernel's counters are.
 */
#ifndef _AGENTCG_CGRP_H
#define _AGENTCG_CGRP_H

#include <linux/cgroup.h>
#include <linux/memcontrol.h>
#include <linux/nsproxy.h>
#include <linux/page_counter.h>
#include <linux/path.h>
#include <linux/swap.h>

/* The bytes of so many pages. */
static inline u64 agentcg_bytes(const unsigned long pages)
{
	return (u64)pages << PAGE_SHIFT;
}

static inline u64 agentcg_memcg_id(const struct mem_cgroup *const memcg)
{
	return cgroup_id(memcg->css.cgroup);
}

static inline unsigned long agentcg_memcg_usage(struct mem_cgroup *const memcg)
{
	return page_counter_read(&memcg->memory);
}

static inline unsigned long agentcg_memcg_high(struct mem_cgroup *const memcg)
{
	return READ_ONCE(memcg->memory.high);
}

/* A raw store: writing the file would reclaim, and may sleep. */
static inline void agentcg_memcg_set_high(struct mem_cgroup *const memcg,
					  const unsigned long pages)
{
	page_counter_set_high(&memcg->memory, pages);
}

static inline unsigned long agentcg_memcg_max(struct mem_cgroup *const memcg)
{
	return READ_ONCE(memcg->memory.max);
}

static inline unsigned long agentcg_memcg_peak(struct mem_cgroup *const memcg)
{
	return READ_ONCE(memcg->memory.watermark);
}

static inline unsigned long agentcg_memcg_low(struct mem_cgroup *const memcg)
{
	return READ_ONCE(memcg->memory.low);
}

static inline unsigned long agentcg_memcg_min(struct mem_cgroup *const memcg)
{
	return READ_ONCE(memcg->memory.min);
}

static inline bool agentcg_memcg_over_high(struct mem_cgroup *const memcg)
{
	return agentcg_memcg_usage(memcg) > agentcg_memcg_high(memcg);
}

/* Whether cgroup_rmdir() has begun to take @cgrp down. */
static inline bool agentcg_cgroup_is_dead(const struct cgroup *const cgrp)
{
	return !(READ_ONCE(cgrp->self.flags) & CSS_ONLINE);
}

/* Native over-high events of @memcg and everything below it. */
static inline u64 agentcg_memcg_high_events(struct mem_cgroup *const memcg)
{
	return atomic_long_read(&memcg->memory_events[MEMCG_HIGH]);
}

static inline u64 agentcg_memcg_oom_kills(struct mem_cgroup *const memcg)
{
	return atomic_long_read(&memcg->memory_events[MEMCG_OOM_KILL]);
}

/* Times that @memcg itself was chosen as a group by the OOM killer. */
static inline u64 agentcg_memcg_oom_group_kills(struct mem_cgroup *const memcg)
{
	return atomic_long_read(&memcg->memory_events_local[MEMCG_OOM_GROUP_KILL]);
}

/*
 * One OOM kill below takes the whole cgroup.  The file memory.oom.group does
 * no more than this store, but may sleep.
 */
static inline void agentcg_memcg_set_oom_group(struct mem_cgroup *const memcg)
{
	WRITE_ONCE(memcg->oom_group, true);
}

/*
 * How far the real usage may be from what belongs to a cgroup: each CPU keeps
 * a stock of charged pages that nobody uses yet.
 */
static inline unsigned long agentcg_memcg_slack(void)
{
	return max_t(unsigned long, MEMCG_CHARGE_BATCH * num_online_cpus(),
		     SZ_1M >> PAGE_SHIFT);
}

/* The root of the current task's cgroup namespace, which keeps it. */
static inline struct cgroup *agentcg_cgroup_ns_root(void)
{
	return current->nsproxy->cgroup_ns->root_cset->dfl_cgrp;
}

/* The cgroup whose memory the current task charges; RCU read lock held. */
static inline struct mem_cgroup *agentcg_current_memcg(void)
{
	struct task_struct *const owner = rcu_dereference(current->mm->owner);

	return owner ? mem_cgroup_from_task(owner) : NULL;
}

unsigned long __agentcg_memcg_swap_left(struct mem_cgroup *memcg,
					unsigned long left);
unsigned long agentcg_memcg_inactive_file(struct mem_cgroup *memcg);
unsigned long agentcg_memcg_anon(struct mem_cgroup *memcg);
void agentcg_memcg_set_low(struct mem_cgroup *memcg, unsigned long pages);
void agentcg_memcg_set_min(struct mem_cgroup *memcg, unsigned long pages);

/**
 * struct agentcg_dir - a directory of the cgroup2 tree that somebody has open
 * @cgrp: with a reference
 * @path: where he has it, with a reference
 */
struct agentcg_dir {
	struct cgroup *cgrp;
	struct path path;
};

/*
 * Pages that may yet be swapped out of @memcg, by its limits and the machine's.  A
 * machine without swap pays for a look.
 */
static inline unsigned long
agentcg_memcg_swap_left(struct mem_cgroup *const memcg)
{
	const long left = get_nr_swap_pages();

	return unlikely(left > 0) ? __agentcg_memcg_swap_left(memcg, left) : 0;
}

int agentcg_dir_get(struct agentcg_dir *dir, int fd);
int agentcg_dir_parent(struct agentcg_dir *parent,
		       const struct agentcg_dir *dir);
void agentcg_dir_put(struct agentcg_dir *dir);
struct cgroup *agentcg_cgroup_of_file(const struct file *file);

struct mem_cgroup *agentcg_memcg_get(struct cgroup *cgrp);
bool agentcg_cgroup_feeds_memory(const struct cgroup *cgrp);
char *agentcg_cgroup_path(struct cgroup *cgrp, char *buf, size_t size);

/* Drops the reference of agentcg_memcg_get(). */
static inline void agentcg_memcg_put(struct mem_cgroup *const memcg)
{
	if (memcg)
		css_put(&memcg->css);
}

#endif /* _AGENTCG_CGRP_H */
