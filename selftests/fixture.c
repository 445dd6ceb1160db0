// SPDX-License-Identifier: GPL-2.0-only
/* Sessions and tool calls for the tests, see fixture.h. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fixture.h"

int module_loaded(void)
{
	return !access("/sys/module/agentcg/parameters/hook", F_OK);
}

int module_load(const char *const args)
{
	char command[128];

	snprintf(command, sizeof(command), "modprobe agentcg %s", args);
	return system(command) ? -EIO : 0;
}

int module_unload(void)
{
	const uint64_t end = now_ns() + 30000 * MS;

	while (syscall(SYS_delete_module, "agentcg", O_NONBLOCK)) {
		if (errno == ENOENT)
			return 0;
		if (errno != EAGAIN || now_ns() > end)
			return -errno;
		usleep(20000);
	}
	return 0;
}

int setup(struct nl *const nl)
{
	int err = 0;

	signal(SIGPIPE, SIG_IGN);
	if (!module_loaded())
		err = module_load("");
	if (!err)
		err = small_folios();
	if (!err)
		err = cg_sweep();
	return err ? err : nl_open(nl);
}

void teardown(struct nl *const nl)
{
	nl_close(nl);
	cg_remove(CG_BASE);
}

int session_make(struct session *const session, const char *const name)
{
	int err;

	snprintf(session->path, sizeof(session->path), "%s/%s", CG_BASE, name);
	snprintf(session->agent, sizeof(session->agent), "%s/%s/agent", CG_BASE,
		 name);
	err = cg_make(session->path);
	if (!err)
		err = cg_feed(session->path);
	if (!err)
		err = cg_make(session->agent);
	if (err)
		return err;
	session->fd = cg_open(session->path);
	session->agent_fd = cg_open(session->agent);
	session->id = cg_id(session->path);
	return session->fd < 0 || session->agent_fd < 0 ? -EBADF : 0;
}

void session_request(struct msg *const msg, const struct session *const session,
		     const uint64_t budget)
{
	msg_init(msg, AGENTCG_CMD_SESSION_ADD);
	msg_u32(msg, AGENTCG_A_SESSION_FD, session->fd);
	msg_u32(msg, AGENTCG_A_SESSION_AGENT_FD, session->agent_fd);
	msg_u64(msg, AGENTCG_A_SESSION_BUDGET, budget);
}

int session_start(struct nl *const nl, struct session *const session,
		  const char *const name, const uint64_t budget)
{
	const int err = session_make(session, name);
	struct msg msg;

	if (err)
		return err;
	session_request(&msg, session, budget);
	return nl_do(nl, &msg);
}

static int set_time(struct nl *const nl, const struct session *const session,
		    const int attr, const uint64_t ns)
{
	struct msg msg;

	msg_init(&msg, AGENTCG_CMD_SESSION_SET);
	msg_u64(&msg, AGENTCG_A_SESSION_ID, session->id);
	msg_u64(&msg, attr, ns);
	return nl_do(nl, &msg);
}

int session_set_max_hold(struct nl *const nl, const struct session *const session,
			 const uint64_t ns)
{
	return set_time(nl, session, AGENTCG_A_SESSION_MAX_HOLD, ns);
}

int session_set_jitter(struct nl *const nl, const struct session *const session,
		       const uint64_t ns)
{
	return set_time(nl, session, AGENTCG_A_SESSION_JITTER, ns);
}

int session_del(struct nl *const nl, const struct session *const session)
{
	struct msg msg;

	msg_init(&msg, AGENTCG_CMD_SESSION_DEL);
	msg_u64(&msg, AGENTCG_A_SESSION_ID, session->id);
	return nl_do(nl, &msg);
}

int session_get(struct nl *const nl, const struct session *const session)
{
	struct msg msg;

	msg_init(&msg, AGENTCG_CMD_SESSION_GET);
	msg_u64(&msg, AGENTCG_A_SESSION_ID, session->id);
	return nl_do(nl, &msg);
}

int session_balances(struct nl *const nl, const struct session *const session)
{
	uint64_t have, used;
	int err;

	err = session_get(nl, session);
	if (err)
		return err;
	have = reply_figure(nl, AGENTCG_A_SESSION_BUDGET) +
	       reply_figure(nl, AGENTCG_A_SESSION_OVERDRAFT);
	used = reply_figure(nl, AGENTCG_A_SESSION_FREE) +
	       reply_figure(nl, AGENTCG_A_SESSION_RESERVED) +
	       reply_figure(nl, AGENTCG_A_SESSION_GRANTED) +
	       reply_figure(nl, AGENTCG_A_SESSION_RESIDUE);
	if (have == used)
		return 0;
	fprintf(stderr, "# budget + overdraft %llu, free and used %llu\n",
		(unsigned long long)have, (unsigned long long)used);
	return -EDOM;
}

struct intent intent_of(const uint64_t mem, const uint64_t burst,
			const uint64_t stall)
{
	return (struct intent){
		.set = SET(MEM) | SET(BURST) | (stall ? SET(STALL) : 0),
		.mem = mem,
		.burst = burst,
		.stall = stall,
	};
}

struct intent intent_cpu(const uint32_t class, const uint32_t weight)
{
	struct intent intent = intent_of(8 * MB, 8 * MB, 100 * MS);

	intent.set |= SET(CLASS) | SET(WEIGHT);
	intent.class = class;
	intent.weight = weight;
	return intent;
}

void intent_put(struct msg *const msg, const int attr,
		const struct intent *const intent)
{
	const uint32_t nest = msg_nest(msg, attr);

	if (intent->label)
		msg_string(msg, AGENTCG_A_INTENT_LABEL, intent->label);
	if (intent->conflict)
		msg_string(msg, AGENTCG_A_INTENT_CONFLICT, intent->conflict);
	if (intent->set & SET(MEM))
		msg_u64(msg, AGENTCG_A_INTENT_MEM, intent->mem);
	if (intent->set & SET(BURST))
		msg_u64(msg, AGENTCG_A_INTENT_BURST, intent->burst);
	if (intent->set & SET(STALL))
		msg_u64(msg, AGENTCG_A_INTENT_STALL, intent->stall);
	if (intent->set & SET(WEIGHT))
		msg_u32(msg, AGENTCG_A_INTENT_WEIGHT, intent->weight);
	if (intent->set & SET(CLASS))
		msg_u32(msg, AGENTCG_A_INTENT_CLASS, intent->class);
	if (intent->set & SET(ON_EXHAUST))
		msg_u32(msg, AGENTCG_A_INTENT_ON_EXHAUST, intent->on_exhaust);
	if (intent->set & SET(RESTARTABLE))
		msg_u8(msg, AGENTCG_A_INTENT_RESTARTABLE, intent->restartable);
	if (intent->set & SET(DEADLINE))
		msg_u64(msg, AGENTCG_A_INTENT_DEADLINE, intent->deadline);
	if (intent->set & SET(WARN_BEFORE))
		msg_u64(msg, AGENTCG_A_INTENT_WARN_BEFORE, intent->warn_before);
	if (intent->set & SET(SURVIVORS))
		msg_u32(msg, AGENTCG_A_INTENT_SURVIVORS, intent->survivors);
	msg_nest_end(msg, nest);
}

int call_make(const struct session *const session, struct call *const call,
	      const char *const name)
{
	int err;

	snprintf(call->path, sizeof(call->path), "%.*s/%s", 180, session->path,
		 name);
	err = cg_make(call->path);
	if (err)
		return err;
	call->fd = cg_open(call->path);
	call->id = cg_id(call->path);
	return call->fd < 0 ? call->fd : 0;
}

int call_set(struct nl *const nl, const struct call *const call,
	     const struct intent *const intent)
{
	struct msg msg;

	msg_init(&msg, AGENTCG_CMD_TOOL_SET);
	msg_u32(&msg, AGENTCG_A_TOOL_FD, call->fd);
	if (intent)
		intent_put(&msg, AGENTCG_A_TOOL_INTENT, intent);
	return nl_do(nl, &msg);
}

int call_start(struct nl *const nl, const struct session *const session,
	       struct call *const call, const char *const name,
	       const struct intent *const intent)
{
	const int err = call_make(session, call, name);

	return err ? err : call_set(nl, call, intent);
}

static int by_id(struct nl *const nl, const int cmd, const uint64_t id)
{
	struct msg msg;

	msg_init(&msg, cmd);
	msg_u64(&msg, AGENTCG_A_TOOL_ID, id);
	return nl_do(nl, &msg);
}

int call_get(struct nl *const nl, const struct call *const call)
{
	return by_id(nl, AGENTCG_CMD_TOOL_GET, call->id);
}

int receipt_get(struct nl *const nl, const uint64_t id)
{
	return by_id(nl, AGENTCG_CMD_RECEIPT_GET, id);
}

int call_kill(struct nl *const nl, const struct call *const call)
{
	return by_id(nl, AGENTCG_CMD_TOOL_KILL, call->id);
}

int call_freeze(struct nl *const nl, const struct call *const call)
{
	return by_id(nl, AGENTCG_CMD_TOOL_FREEZE, call->id);
}

int call_thaw(struct nl *const nl, const struct call *const call)
{
	return by_id(nl, AGENTCG_CMD_TOOL_THAW, call->id);
}

uint64_t reply_figure(const struct nl *const nl, const int attr)
{
	return view_uint(nl_reply(nl), attr);
}

uint64_t call_figure(struct nl *const nl, const struct call *const call,
		     const int attr)
{
	return call_get(nl, call) ? 0 : reply_figure(nl, attr);
}

int call_wait(struct nl *const nl, const struct call *const call,
	      const int attr, const uint64_t wanted, const int ms)
{
	const uint64_t end = now_ns() + ms * MS;

	while (call_figure(nl, call, attr) < wanted) {
		if (now_ns() > end)
			return -ETIMEDOUT;
		usleep(1000);
	}
	return 0;
}

int call_end(struct nl *const nl, struct call *const call)
{
	int err;

	close(call->fd);
	call->fd = -1;
	err = cg_remove(call->path);
	return err ? err : receipt_get(nl, call->id);
}

int node_set_capacity(struct nl *const nl, const uint64_t capacity)
{
	struct msg msg;

	msg_init(&msg, AGENTCG_CMD_NODE_SET);
	msg_u64(&msg, AGENTCG_A_NODE_CAPACITY, capacity);
	return nl_do(nl, &msg);
}

uint64_t node_figure(struct nl *const nl, const int attr)
{
	struct msg msg;

	msg_init(&msg, AGENTCG_CMD_NODE_GET);
	return nl_do(nl, &msg) ? UINT64_MAX : reply_figure(nl, attr);
}

uint64_t info_figure(struct nl *const nl, const int attr)
{
	struct msg msg;

	msg_init(&msg, AGENTCG_CMD_INFO_GET);
	return nl_do(nl, &msg) ? 0 : reply_figure(nl, attr);
}

int info_wait(struct nl *const nl, const int attr, const uint64_t wanted,
	      const int ms)
{
	const uint64_t end = now_ns() + ms * MS;

	while (info_figure(nl, attr) != wanted) {
		if (now_ns() > end)
			return -ETIMEDOUT;
		usleep(1000);
	}
	return 0;
}
