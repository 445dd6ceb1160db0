// SPDX-License-Identifier: GPL-2.0-only
/* What of the scheduler's ops the running kernel knows, see ops.h. */
#include "ops.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

static const struct btf_type *ops_of(const struct btf *btf)
{
	const int id = btf__find_by_name_kind(btf, "sched_ext_ops", BTF_KIND_STRUCT);

	return id < 0 ? NULL : btf__type_by_id(btf, id);
}

static bool has(const struct btf *btf, const struct btf_type *type, const char *name)
{
	const struct btf_member *member = btf_members(type);
	int i;

	for (i = 0; i < btf_vlen(type); i++)
		if (!strcmp(btf__name_by_offset(btf, member[i].name_off), name))
			return true;
	return false;
}

static int leave_out(const struct btf *kernel, const struct btf *btf, char *data)
{
	const struct btf_type *known = ops_of(kernel), *ours = ops_of(btf);
	const struct btf_member *member;
	int i;

	if (!known || !ours)
		return -ENOENT;
	member = btf_members(ours);
	for (i = 0; i < btf_vlen(ours); i++) {
		const struct btf_type *type = btf__type_by_id(btf, member[i].type);

		if (btf_is_ptr(type) &&
		    !has(kernel, known, btf__name_by_offset(btf, member[i].name_off)))
			memset(data + btf_member_bit_offset(ours, i) / 8, 0, sizeof(void *));
	}
	return 0;
}

int leave_out_absent(const struct bpf_object *object, const struct bpf_map *ops)
{
	struct btf *kernel = btf__load_vmlinux_btf();
	size_t size;
	int err;

	if (!kernel)
		return -errno;
	err = leave_out(kernel, bpf_object__btf(object), bpf_map__initial_value(ops, &size));
	btf__free(kernel);
	return err;
}
