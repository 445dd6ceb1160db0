/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef AGENTCG_LOADER_OPS_H
#define AGENTCG_LOADER_OPS_H

struct bpf_map;
struct bpf_object;

/**
 * leave_out_absent() - Leave out functions that this kernel does not call.
 * @object: opened, not loaded yet.
 * @ops: of it; a struct sched_ext_ops.
 *
 * libbpf refuses an object that has a function for a member of which the running
 * kernel's struct knows nothing; one of an older kernel, or of a newer one.
 *
 * Return: 0, or a negative error number, -ENOENT where the kernel has no such struct.
 */
int leave_out_absent(const struct bpf_object *object, const struct bpf_map *ops);

#endif /* AGENTCG_LOADER_OPS_H */
