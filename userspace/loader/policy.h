/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Loading policies: a BPF object with one struct agentcg_policy_ops, attached by a
 * link that is pinned, so that it stays without any process.
 */
#ifndef AGENTCG_POLICY_H
#define AGENTCG_POLICY_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct policy_request - What to load and where.
 * @name: of a policy that was installed, or a file (with a slash in it).
 * @session_id: it decides for, 0 for all that have none of their own.
 * @replace: put it in the place of the one that is there, without a gap.
 * @verbose: libbpf's and the verifier's words on stderr.
 */
struct policy_request {
	const char *name;
	uint64_t session_id;
	bool replace;
	bool verbose;
};

/** policy_load() - 0, or -1 after telling on stderr what is wrong. */
int policy_load(const struct policy_request *request);

/**
 * policy_unload() - Detach a policy and remove its pin.
 * @link_id: of the BPF link that it is attached by.
 * @session_id: that it decides for.
 *
 * Return: 0, or -1 after telling on stderr what is wrong.
 */
int policy_unload(uint32_t link_id, uint64_t session_id);

#endif /* AGENTCG_POLICY_H */
