// SPDX-License-Identifier: GPL-2.0-only
/* Somebody else's scheduler: it leaves everything to sched_ext. */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

struct sched_ext_ops {
	char name[128];
};

SEC(".struct_ops.link")
struct sched_ext_ops other = {
	.name = "other",
};

char LICENSE[] SEC("license") = "GPL";
