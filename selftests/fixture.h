/* SPDX-License-Identifier: GPL-2.0-only */
/* Sessions and tool calls for the tests. */
#ifndef SELFTESTS_FIXTURE_H
#define SELFTESTS_FIXTURE_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "cgroup_util.h"
#include "load.h"
#include "nl.h"

/* Loads the module if need be, sweeps, opens a socket. */
int setup(struct nl *nl);
/* Removes every cgroup of the tests. */
void teardown(struct nl *nl);

int module_load(const char *args);
int module_unload(void);
int module_loaded(void);

/**
 * struct session - a session below CG_BASE
 * @path: of its cgroup
 * @agent: of its agent leaf
 * @fd: directory of @path
 * @agent_fd: of @agent
 * @id: cgroup id
 */
struct session {
	char path[CG_PATH_MAX];
	char agent[CG_PATH_MAX];
	int fd;
	int agent_fd;
	uint64_t id;
};

/* Only the cgroups. */
int session_make(struct session *session, const char *name);
void session_request(struct msg *msg, const struct session *session,
		     uint64_t budget);
/* Cgroups and session-add. */
int session_start(struct nl *nl, struct session *session, const char *name,
		  uint64_t budget);
/* ns */
int session_set_max_hold(struct nl *nl, const struct session *session, uint64_t ns);
int session_set_jitter(struct nl *nl, const struct session *session, uint64_t ns);
int session_del(struct nl *nl, const struct session *session);
/* The reply is in @nl. */
int session_get(struct nl *nl, const struct session *session);
/* Whether the account of session_get()'s reply balances. */
int session_balances(struct nl *nl, const struct session *session);

/**
 * struct intent - what a call declares
 * @set: bits 1 << AGENTCG_A_INTENT_x of the numbers that count
 * @label: or NULL
 * @conflict: or NULL
 */
struct intent {
	uint64_t set;
	const char *label;
	const char *conflict;
	uint64_t mem;
	uint64_t burst;
	uint64_t stall;
	uint32_t class;
	uint32_t weight;
	uint32_t on_exhaust;
	uint64_t deadline;
	uint64_t warn_before;
	uint32_t survivors;
	bool restartable;
};

#define SET(FIELD)	(1ULL << AGENTCG_A_INTENT_##FIELD)

/* The one that most calls here declare; without a stall when @stall is 0. */
struct intent intent_of(uint64_t mem, uint64_t burst, uint64_t stall);

/* Of a call that is about processors. */
struct intent intent_cpu(uint32_t class, uint32_t weight);
void intent_put(struct msg *msg, int attr, const struct intent *intent);

/* A tool call: a child cgroup of a session. */
struct call {
	char path[CG_PATH_MAX];
	int fd;
	uint64_t id;
};

int call_make(const struct session *session, struct call *call,
	      const char *name);
/* tool-set; the reply is in @nl. */
int call_set(struct nl *nl, const struct call *call,
	     const struct intent *intent);
int call_start(struct nl *nl, const struct session *session, struct call *call,
	       const char *name, const struct intent *intent);
int call_get(struct nl *nl, const struct call *call);
uint64_t call_figure(struct nl *nl, const struct call *call, int attr);
/* Until a figure of the live call is at least @wanted. */
int call_wait(struct nl *nl, const struct call *call, int attr,
	      uint64_t wanted, int ms);
int call_kill(struct nl *nl, const struct call *call);
int call_freeze(struct nl *nl, const struct call *call);
int call_thaw(struct nl *nl, const struct call *call);
/* Kills what is left, removes the cgroup, fetches the receipt into @nl. */
int call_end(struct nl *nl, struct call *call);
int receipt_get(struct nl *nl, uint64_t id);

/* 0 for the default. */
int node_set_capacity(struct nl *nl, uint64_t capacity);
/* UINT64_MAX when it cannot be had. */
uint64_t node_figure(struct nl *nl, int attr);
uint64_t info_figure(struct nl *nl, int attr);
/* Until a figure of the module is @wanted. */
int info_wait(struct nl *nl, int attr, uint64_t wanted, int ms);
uint64_t reply_figure(const struct nl *nl, int attr);

#endif /* SELFTESTS_FIXTURE_H */
