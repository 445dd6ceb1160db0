// SPDX-License-Identifier: GPL-2.0-only
/* agentcg run, after the command: its receipt, and what becomes of its call. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../files.h"
#include "../main.h"
#include "../output.h"
#include "../receipt.h"
#include "../tree.h"
#include "../watcher.h"
#include "run.h"

/* How long the module may take to kill them; then run does it. */
#define REAP_TIMEOUT_MS	1000

/* The module lists those who outlive the first process a moment later. */
#define SETTLE_TRIES	250
#define SETTLE_NS	2000000

/* What can be told of a command that nobody but us has looked at. */
static json_t *unmanaged_json(struct run *run)
{
	bool exited = run->ended.si_code == CLD_EXITED;
	json_t *object = json_object();

	json_object_set_new(object, "enforced", json_false());
	json_object_set_new(object, "reason", json_text(run->reason));
	json_object_set_new(object, "intent", intent_json(&run->intent));
	if (!run->pid) {
		json_object_set_new(object, "cause", json_string("empty"));
		return object;
	}
	if (run->past_deadline) {
		struct advice advice;

		advise_unmanaged(run->deadline.limit, &advice);
		json_add_advice(object, &advice);
	}
	json_add_instant(object, "start", run->start);
	json_add_instant(object, "end", run->end);
	json_object_set_new(object, "cause",
			    json_string(run->past_deadline ? "deadline" :
					exited ? "exit" : "signal"));
	json_object_set_new(object, exited ? "exit-code" : "exit-signal",
			    json_integer(run->ended.si_status));
	return object;
}

/* @still: where else it can be found. */
static void write_receipt(struct run *run, json_t *receipt, const char *still)
{
	int err;

	err = dump_json(run->receipt_fd, receipt, pretty_wanted);
	json_decref(receipt);
	if (!err && run->receipt_fd > STDERR_FILENO && close(run->receipt_fd))
		err = -errno;
	if (err)
		complain("--receipt %s: %s%s", run->receipt, strerror(-err),
			 still);
}

static void tell_receipt(struct run *run, const struct agentcg_record *receipt)
{
	struct advice advice;
	char still[96];

	snprintf(still, sizeof(still), ": agentcg receipt show %llu still has it",
		 (unsigned long long)agentcg_record_uint(receipt,
							 AGENTCG_A_TOOL_ID, 0));
	if (run->receipt_fd >= 0)
		write_receipt(run, receipt_json(receipt), still);
	if (receipt_advice(receipt, &advice))
		complain("%s", advice.text);
}

static void no_receipt(struct run *run)
{
	run->reason = agentcg_strerror(run->handle);
	if (run->receipt_fd < 0)
		return;
	complain("the call has no receipt: %s", run->reason);
	write_receipt(run, unmanaged_json(run), "");
}

/*
 * Remove the call and tell what came of it. When its processes will not die,
 * the watcher goes on trying.
 */
static void end_call(struct run *run)
{
	struct agentcg_record receipt;
	int err = agentcg_call_end(run->call, &receipt);

	if (err == -EBUSY) {
		complain("processes of the call do not die yet: its cgroup is removed when they have");
		if (run->watcher >= 0)
			close(run->watcher);
	} else if (run->watcher >= 0) {
		watcher_stop(run->watcher);
	}
	if (err) {
		no_receipt(run);
		return;
	}
	run->past_deadline = agentcg_record_uint(&receipt, AGENTCG_A_TOOL_CAUSE,
						 0) == AGENTCG_CAUSE_DEADLINE;
	tell_receipt(run, &receipt);
}

/* Return: whether something runs in the call, @ms from now at the latest. */
static bool is_populated(const struct run *run, int ms)
{
	return cgroup_populated(agentcg_call_fd(run->call), ".", ms);
}

/* Has the module looked at who outlives the first process? */
static bool is_settled(const struct agentcg_record *state)
{
	return agentcg_record_uint(state, AGENTCG_A_TOOL_SURVIVED,
				   UINT64_MAX) != UINT64_MAX ||
	       agentcg_record_uint(state, AGENTCG_A_TOOL_EMPTIED, 0);
}

static int settled_state(struct run *run, struct agentcg_record *state)
{
	const struct timespec pause = { .tv_nsec = SETTLE_NS };
	int tries = SETTLE_TRIES, err;

	for (;;) {
		err = agentcg_tool_get(run->handle, agentcg_call_id(run->call),
				       state);
		if (err || is_settled(state) || !--tries)
			return err;
		nanosleep(&pause, NULL);
	}
}

static void tell_survivors(const struct run *run,
			   const struct agentcg_record *state)
{
	const char *path = agentcg_record_string(state, AGENTCG_A_TOOL_PATH);
	uint64_t survived = agentcg_record_uint(state, AGENTCG_A_TOOL_SURVIVED,
						0);
	unsigned int listed;
	char names[512];

	listed = list_survivors(state, names, sizeof(names));
	complain("%llu process%s on in %s: %s%s; agentcg tool kill %llu ends %s",
		 (unsigned long long)survived, survived == 1 ? " goes" : "es go",
		 path ?: agentcg_call_name(run->call), names,
		 listed < survived ? " and more" : "",
		 (unsigned long long)agentcg_call_id(run->call),
		 survived == 1 ? "it" : "them");
}

/*
 * What outlives the command goes on; the receipt is of the call as it is, NULL
 * when nobody tells.
 */
static void leave_call(struct run *run, const struct agentcg_record *state)
{
	if (state) {
		tell_receipt(run, state);
		tell_survivors(run, state);
	} else {
		no_receipt(run);
	}
	if (run->watcher >= 0)
		watcher_keep(run->watcher, agentcg_call_id(run->call),
			     agentcg_call_name(run->call));
	else
		complain("nobody removes the cgroup %s once it is empty: rmdir it",
			 agentcg_call_name(run->call));
	agentcg_call_leave(run->call);
}

static void finish_unmanaged(struct run *run)
{
	struct advice advice;

	if (run->pid && !run->keep)
		tree_kill(run->age, TREE_TIMEOUT_MS);
	if (run->receipt_fd >= 0)
		write_receipt(run, unmanaged_json(run), "");
	if (!run->past_deadline)
		return;
	advise_unmanaged(run->deadline.limit, &advice);
	complain("%s", advice.text);
}

static void finish_managed(struct run *run)
{
	struct agentcg_record state;
	int err;

	if (!run->pid || !run->keep) {
		/*
		 * The module kills who is left; its receipt is to tell when the
		 * last of them was gone.
		 */
		if (run->pid)
			is_populated(run, REAP_TIMEOUT_MS);
		end_call(run);
		return;
	}
	if (!is_populated(run, 0)) {
		end_call(run);
		return;
	}
	err = settled_state(run, &state);
	if (!err && agentcg_record_uint(&state, AGENTCG_A_TOOL_EMPTIED, 0))
		end_call(run);
	else
		leave_call(run, err ? NULL : &state);
}

/* Remove the call, or leave what is kept to itself, and tell what came of it. */
void run_finish(struct run *run)
{
	if (run->call)
		finish_managed(run);
	else
		finish_unmanaged(run);
}
