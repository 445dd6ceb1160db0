// SPDX-License-Identifier: GPL-2.0-only
/* v6.16: a program tells of which struct_ops it is a member. */
#include <linux/bpf.h>

const char *test(const struct bpf_prog *prog);
const char *test(const struct bpf_prog *prog)
{
	return prog->aux->st_ops->name;
}
