// SPDX-License-Identifier: GPL-2.0-only
/*
 * Faults planted on purpose: the rig must report each of them, or its silence
 * about agentcg means nothing.
 */
#include <linux/kdebug.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

static char *fault = "none";
module_param(fault, charp, 0);
MODULE_PARM_DESC(fault, "none, warn, bug, leak, uaf, order, atomic, null, "
		 "breakpoint, or stale: one that is gone when it is looked for");

static DEFINE_SPINLOCK(one);
static DEFINE_SPINLOCK(two);

static void leak(void)
{
	void *p;
	int i;

	/* Several, as a stale pointer on a stack may hide one. */
	for (i = 0; i < 16; i++) {
		p = kmalloc(192, GFP_KERNEL);
		OPTIMIZER_HIDE_VAR(p);
	}
}

static void use_after_free(void)
{
	char *p = kmalloc(64, GFP_KERNEL);

	if (!p)
		return;
	OPTIMIZER_HIDE_VAR(p);
	kfree(p);
	WRITE_ONCE(*p, 1);
}

static void lock_order(void)
{
	spin_lock(&one);
	spin_lock(&two);
	spin_unlock(&two);
	spin_unlock(&one);
	spin_lock(&two);
	spin_lock(&one);
	spin_unlock(&one);
	spin_unlock(&two);
}

static void sleep_in_atomic(void)
{
	spin_lock(&one);
	might_sleep();
	spin_unlock(&one);
}

static void breakpoint(void)
{
	asm volatile("int3");
}

/* The code's own mapping is read-only. */
static u8 *code;

static int take_away(struct notifier_block *nb, unsigned long event, void *data)
{
	if (event == DIE_INT3)
		WRITE_ONCE(*code, 0x90);
	return NOTIFY_DONE;
}

static struct notifier_block notifier = { .notifier_call = take_away };

/* What an emulator does that runs what it has translated and the kernel has changed. */
static noinline void stale_breakpoint(void)
{
	extern u8 plant_at[];
	struct page *page = vmalloc_to_page(plant_at);
	u8 *map = vmap(&page, 1, VM_MAP, PAGE_KERNEL);

	if (!map)
		return;
	code = map + offset_in_page(plant_at);
	register_die_notifier(&notifier);
	asm volatile("plant_at: int3");
}

/* What sparse must find: user memory read as if it were the kernel's. */
int plant_read_user(const int __user *p);
int plant_read_user(const int __user *p)
{
	return *p;
}

static int __init plant_init(void)
{
	char *null = NULL;

	OPTIMIZER_HIDE_VAR(null);
	if (!strcmp(fault, "warn"))
		WARN(1, "planted\n");
	else if (!strcmp(fault, "bug"))
		BUG();
	else if (!strcmp(fault, "leak"))
		leak();
	else if (!strcmp(fault, "uaf"))
		use_after_free();
	else if (!strcmp(fault, "order"))
		lock_order();
	else if (!strcmp(fault, "atomic"))
		sleep_in_atomic();
	else if (!strcmp(fault, "null"))
		WRITE_ONCE(*null, 1);
	else if (!strcmp(fault, "breakpoint"))
		breakpoint();
	else if (!strcmp(fault, "stale"))
		stale_breakpoint();
	return 0;
}

static void __exit plant_exit(void)
{
}

module_init(plant_init);
module_exit(plant_exit);
MODULE_DESCRIPTION("Faults that the test rig must notice");
MODULE_LICENSE("GPL");
