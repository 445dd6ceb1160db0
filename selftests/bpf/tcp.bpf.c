// SPDX-License-Identifier: GPL-2.0-only
/* Somebody else's ops. */
#include <agentcg/agentcg.bpf.h>

struct sock;

struct tcp_congestion_ops {
	void (*init)(struct sock *sk);
	char name[16];
} __attribute__((preserve_access_index));

SEC("struct_ops")
void BPF_PROG(tcp_init, struct sock *sk)
{
}

SEC(".struct_ops.link")
struct tcp_congestion_ops tcp = {
	.init = (void *)tcp_init,
	.name = "agentcg_test",
};

char LICENSE[] SEC("license") = "GPL";
