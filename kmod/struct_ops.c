// SPDX-License-Identifier: GPL-2.0-only
/*
 * struct agentcg_policy_ops for the kernel's struct_ops: what a member may do is
 * checked here, when it is loaded; attaching is left to policy.c.
 *
 * Not with <linux/bpf_verifier.h>: it is more than pahole can fold into the kernel's
 * own types, and a task_struct of the module's BTF would be another type than the
 * task that a program has (Documentation/process/compat.rst).
 */

#include "common.h"

#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/module.h>
#include <linux/stddef.h>
#include <linux/string.h>

#include <agentcg/types.h>

#include "policy.h"
#include "struct_ops.h"

/* The module's own BTF, NULL without; it lives as long as the module. */
static const struct btf *our_btf;

/* Called with the BTF that the type was found in; not called without one. */
static int init(struct btf *const btf)
{
	our_btf = btf;
	return 0;
}

/* A member runs under a spinlock, with interrupts off. */
static int check_member(const struct btf_type *const type,
			const struct btf_member *const member,
			const struct bpf_prog *const prog)
{
	return prog->sleepable ? -EINVAL : 0;
}

/* Members that are no functions: 1 when it was taken. */
static int init_member(const struct btf_type *const type,
		       const struct btf_member *const member,
		       void *const kdata, const void *const udata)
{
	const struct agentcg_policy_ops *const from = udata;
	struct agentcg_policy_ops *const to = kdata;

	switch (__btf_member_bit_offset(type, member) / BITS_PER_BYTE) {
	case offsetof(struct agentcg_policy_ops, session_cgroup_id):
		to->session_cgroup_id = from->session_cgroup_id;
		return 1;
	case offsetof(struct agentcg_policy_ops, name):
		return strscpy(to->name, from->name) < 0 ? -EINVAL : 1;
	default:
		return 0;
	}
}

/* What would run for long with interrupts off, or after the policy has gone. */
static const struct bpf_func_proto *
get_func_proto(const enum bpf_func_id id, const struct bpf_prog *const prog)
{
	switch (id) {
	case BPF_FUNC_loop:
	case BPF_FUNC_for_each_map_elem:
	case BPF_FUNC_user_ringbuf_drain:
	case BPF_FUNC_timer_init:
	case BPF_FUNC_timer_set_callback:
	case BPF_FUNC_timer_start:
	case BPF_FUNC_timer_cancel:
		return NULL;
	default:
		return bpf_base_func_proto(id, prog);
	}
}

static bool is_valid_access(const int off, const int size,
			    const enum bpf_access_type type,
			    const struct bpf_prog *const prog,
			    struct bpf_insn_access_aux *const info)
{
	if (off < 0 || off >= sizeof(u64) * MAX_BPF_FUNC_ARGS ||
	    type != BPF_READ || off % size)
		return false;
	return btf_ctx_access(off, size, type, prog, info);
}

/* No write access to anything: answers are given by return value and by kfunc. */
static const struct bpf_verifier_ops verifier_ops = {
	.get_func_proto = get_func_proto,
	.is_valid_access = is_valid_access,
};

static int reg(void *const kdata, struct bpf_link *const link)
{
	return agentcg_policy_attach(kdata, link);
}

static void unreg(void *const kdata, struct bpf_link *const link)
{
	agentcg_policy_detach(kdata);
}

static int update(void *const kdata, void *const old_kdata,
		  struct bpf_link *const link)
{
	return agentcg_policy_replace(kdata, old_kdata);
}

/* Their types are what the kernel checks calls by. */
static s32 stub_ask(struct agentcg_policy_event *event)
{
	return 0;
}

static void stub_tell(struct agentcg_policy_event *event)
{
}

static u32 stub_delay(struct agentcg_policy_event *event)
{
	return 0;
}

static void stub_receipt(struct agentcg_policy_receipt *receipt)
{
}

static struct agentcg_policy_ops stubs = {
	.over_high = stub_ask,
	.exhausted = stub_ask,
	.domain_online = stub_tell,
	.domain_offline = stub_tell,
	.receipt = stub_receipt,
	.get_high_delay_ms = stub_delay,
	.below_low = stub_ask,
	.below_min = stub_ask,
};

static struct bpf_struct_ops policy_ops = {
	.verifier_ops = &verifier_ops,
	.init = init,
	.check_member = check_member,
	.init_member = init_member,
	.reg = reg,
	.unreg = unreg,
	.update = update,
	.cfi_stubs = &stubs,
	.owner = THIS_MODULE,
	.name = "agentcg_policy_ops",
};

/* Return: 0 also where the module has no BTF: the kernel warns and goes on. */
int agentcg_struct_ops_init(void)
{
	return register_bpf_struct_ops(&policy_ops, agentcg_policy_ops);
}

/* Whether the type, and with it the kfuncs, was really taken. */
bool agentcg_struct_ops_registered(void)
{
	return our_btf;
}

/* Whether a program is a member of a policy. */
bool agentcg_struct_ops_is_ours(const struct bpf_prog *const prog)
{
	return our_btf && prog->aux->attach_btf == our_btf;
}
