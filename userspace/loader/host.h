/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every load needs: type information, a place to pin to, and words for what
 * libbpf and the kernel have against an object.
 */
#ifndef AGENTCG_HOST_H
#define AGENTCG_HOST_H

#include <stdbool.h>

/** check_types() - Of kernel and module; 0, or -1 after telling what is missing. */
int check_types(void);

/** check_pins() - Make the directory for pins; 0, or -1 after telling why not. */
int check_pins(void);

/** libbpf_listen() - Keep what libbpf warns of; with @all, print all it says. */
void libbpf_listen(bool all);

/** libbpf_reason() - Its last warning that says more than that something failed. */
const char *libbpf_reason(void);

/** complain_load() - Tell why bpf_object__load() has failed with @err. */
void complain_load(const char *name, int err);

#endif /* AGENTCG_HOST_H */
