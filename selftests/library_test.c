// SPDX-License-Identifier: GPL-2.0-only
/*
 * libagentcg as a program has it: its public header, its shared library, and
 * nothing of ours between it and the module.
 */

#include <agentcg/agentcg.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "cgroup_util.h"
#include "load.h"

#define SESSION	CG_BASE "/library"
#define BUDGET	(64 * MB)
#define SET(X)	(1ULL << AGENTCG_A_INTENT_##X)

FIXTURE(library) {
	struct agentcg *handle;
	struct agentcg_session *session;
};

FIXTURE_SETUP(library)
{
	struct agentcg_session_config config = AGENTCG_SESSION_CONFIG_INIT;

	ASSERT_EQ(0, system("modprobe agentcg"));
	ASSERT_EQ(0, cg_sweep());
	ASSERT_EQ(0, cg_make(SESSION));
	self->handle = agentcg_open();
	ASSERT_NE(NULL, self->handle);
	ASSERT_EQ(0, agentcg_session_open(self->handle, SESSION,
					  &self->session));
	config.set = 1ULL << AGENTCG_A_SESSION_BUDGET;
	config.budget = BUDGET;
	ASSERT_EQ(0, agentcg_session_add(self->session, &config)) {
		TH_LOG("%s", agentcg_strerror(self->handle));
	}
}

FIXTURE_TEARDOWN(library)
{
	agentcg_session_close(self->session);
	agentcg_close(self->handle);
	cg_remove(CG_BASE);
}

static struct agentcg_intent intent_of(const uint64_t mem)
{
	struct agentcg_intent intent = AGENTCG_INTENT_INIT;

	intent.set = SET(MEM);
	intent.mem = mem;
	return intent;
}

/* Child cgroups of the session, its agent leaf not counted. */
static int calls(void)
{
	DIR *const dir = opendir(SESSION);
	const struct dirent *entry;
	int count = -1;

	while (dir && (entry = readdir(dir)))
		count += entry->d_type == DT_DIR && entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return count;
}

static uint64_t reserved(struct agentcg_session *const session)
{
	struct agentcg_record record;

	return agentcg_session_get(session, &record) ? UINT64_MAX :
	       agentcg_record_uint(&record, AGENTCG_A_SESSION_RESERVED, UINT64_MAX);
}

/* Status of a shell command that runs in the call. */
static int run(struct agentcg_call *const call, const char *const command)
{
	char *const argv[] = { "sh", "-c", (char *)command, NULL };
	int status = -1;
	pid_t pid;

	if (agentcg_call_spawnp(call, &pid, "sh", NULL, NULL, argv, environ) ||
	    agentcg_call_wait(call, pid, &status))
		return -1;
	return WEXITSTATUS(status);
}

TEST_F(library, session)
{
	struct agentcg_session_config config = AGENTCG_SESSION_CONFIG_INIT;
	struct agentcg_record record;

	EXPECT_EQ(cg_id(SESSION), agentcg_session_id(self->session));
	EXPECT_EQ(-EEXIST, agentcg_session_add(self->session, &config));
	EXPECT_NE('\0', agentcg_strerror(self->handle)[0]);
	config.set = 1ULL << AGENTCG_A_SESSION_WEIGHT;
	config.weight = 7;
	config.budget = 1;
	EXPECT_EQ(0, agentcg_session_set(self->session, &config));
	ASSERT_EQ(0, agentcg_session_get(self->session, &record));
	EXPECT_EQ(7, agentcg_record_uint(&record, AGENTCG_A_SESSION_WEIGHT, 0));
	/* Only what is named is set. */
	EXPECT_EQ(BUDGET, agentcg_record_uint(&record, AGENTCG_A_SESSION_BUDGET, 0));
	EXPECT_STREQ(SESSION + strlen(CG_ROOT),
		     agentcg_record_string(&record, AGENTCG_A_SESSION_PATH));
	EXPECT_EQ(0, agentcg_session_del(self->session, NULL));
	EXPECT_EQ(-ENOENT, agentcg_session_del(self->session, NULL));
	/* The agent leaf went with it. */
	EXPECT_EQ(-1, calls());
}

TEST_F(library, call)
{
	static const char *const tags[] = { "a=b", "c=d" };
	struct agentcg_intent intent = intent_of(8 * MB);
	struct agentcg_record receipt, inner;
	struct agentcg_call *call;
	uint64_t id;

	intent.set |= SET(LABEL) | SET(TAG);
	intent.label = "first";
	intent.tags = tags;
	intent.tag_count = 2;
	ASSERT_EQ(0, agentcg_call_begin(self->session, "named", &intent, &call));
	EXPECT_STREQ("named", agentcg_call_name(call));
	id = agentcg_call_id(call);
	EXPECT_EQ(cg_id(SESSION "/named"), id);
	EXPECT_EQ(8 * MB, reserved(self->session));
	intent.mem = 12 * MB;
	EXPECT_EQ(0, agentcg_call_set(call, &intent));
	EXPECT_EQ(12 * MB, reserved(self->session));
	/* In its place before its first instruction. */
	EXPECT_EQ(0, run(call, "grep -qx 0::/agentcg-selftests/library/named /proc/self/cgroup"));
	ASSERT_EQ(0, agentcg_call_end(call, &receipt));
	EXPECT_EQ(id, agentcg_record_uint(&receipt, AGENTCG_A_TOOL_ID, 0));
	EXPECT_EQ(AGENTCG_CAUSE_EXIT,
		  agentcg_record_uint(&receipt, AGENTCG_A_TOOL_CAUSE, 99));
	inner = agentcg_record_nest(&receipt, AGENTCG_A_TOOL_INTENT);
	EXPECT_STREQ("first", agentcg_record_string(&inner, AGENTCG_A_INTENT_LABEL));
	EXPECT_STREQ("a=b", agentcg_record_string(&inner, AGENTCG_A_INTENT_TAG));
	EXPECT_EQ(0, calls());
	EXPECT_EQ(0, reserved(self->session));
}

/* What is declared about the end of a call, and what comes of it. */
TEST_F(library, deadline)
{
	struct agentcg_intent intent = intent_of(MB);
	struct agentcg_record receipt;
	struct agentcg_call *call;
	uint64_t warn_before;

	ASSERT_EQ(0, agentcg_call_begin(self->session, NULL, NULL, &call));
	EXPECT_EQ(AGENTCG_UNLIMITED, agentcg_call_deadline(call, &warn_before));
	EXPECT_EQ(0, warn_before);
	intent.set = SET(DEADLINE) | SET(WARN_BEFORE) | SET(SURVIVORS);
	intent.deadline = 500 * 1000000ULL;
	intent.warn_before = 7;
	intent.survivors = AGENTCG_SURVIVORS_REAP;
	ASSERT_EQ(0, agentcg_call_set(call, &intent));
	EXPECT_EQ(intent.deadline, agentcg_call_deadline(call, &warn_before));
	EXPECT_EQ(7, warn_before);
	/* Killed: no exit status to speak of. */
	EXPECT_EQ(0, run(call, "sleep 1000; exit 5"));
	ASSERT_EQ(0, agentcg_call_end(call, &receipt));
	EXPECT_EQ(AGENTCG_CAUSE_DEADLINE,
		  agentcg_record_uint(&receipt, AGENTCG_A_TOOL_CAUSE, 99));
}

/* Those who go on without the first process, in a call that is left alone. */
TEST_F(library, survivors)
{
	struct agentcg_intent intent = intent_of(MB);
	struct agentcg_record state, process;
	struct agentcg_call *call;
	uint64_t id;
	int i;

	intent.set |= SET(SURVIVORS);
	intent.survivors = AGENTCG_SURVIVORS_KEEP;
	ASSERT_EQ(0, agentcg_call_begin(self->session, "left", &intent, &call));
	id = agentcg_call_id(call);
	EXPECT_EQ(3, run(call, "sleep 1000 & sleep 0.5; exit 3"));
	/* They are listed a moment later. */
	for (i = 0; i < 100; i++) {
		ASSERT_EQ(0, agentcg_tool_get(self->handle, id, &state));
		if (agentcg_record_uint(&state, AGENTCG_A_TOOL_SURVIVED, 0))
			break;
		usleep(100000);
	}
	process = agentcg_record_nest(&state, AGENTCG_A_TOOL_SURVIVOR);
	EXPECT_STREQ("sleep", agentcg_record_string(&process,
						    AGENTCG_A_PROCESS_COMM));
	agentcg_call_leave(call);
	EXPECT_EQ(1, calls());
	EXPECT_EQ(0, agentcg_tool_kill(self->handle, id));
	EXPECT_EQ(0, agentcg_cgroup_remove(agentcg_session_fd(self->session),
					   "left", 10000));
	EXPECT_EQ(0, agentcg_receipt_get(self->handle, id, &state));
}

TEST_F(library, call_refused)
{
	const struct agentcg_intent intent = intent_of(2 * BUDGET);
	struct agentcg_call *call, *second;

	EXPECT_EQ(-ENOSPC, agentcg_call_begin(self->session, "x", &intent, &call));
	EXPECT_NE(NULL, strstr(agentcg_strerror(self->handle), "mem"));
	EXPECT_EQ(-EINVAL, agentcg_call_begin(self->session, "a/b", NULL, &call));
	EXPECT_EQ(-EINVAL, agentcg_call_begin(self->session, "", NULL, &call));
	EXPECT_EQ(0, calls());
	ASSERT_EQ(0, agentcg_call_begin(self->session, "x", NULL, &call));
	EXPECT_EQ(-EEXIST, agentcg_call_begin(self->session, "x", NULL, &second));
	EXPECT_EQ(1, calls());
	/* What the program at fault cannot be is told as by posix_spawn(3). */
	EXPECT_EQ(-ENOENT, agentcg_call_spawn(call, &(pid_t){ 0 }, "/none", NULL,
					      NULL, (char *[]){ NULL }, environ));
	/* What is still running is killed. */
	EXPECT_EQ(0, run(call, "sleep 1000 >/dev/null 2>&1 &"));
	EXPECT_EQ(0, agentcg_call_end(call, NULL));
	EXPECT_EQ(0, calls());
}

TEST_F(library, pool)
{
	const struct agentcg_intent intent = intent_of(4 * MB);
	const struct agentcg_intent other = intent_of(6 * MB);
	struct agentcg_call *call[6];
	struct agentcg_record receipt;
	struct agentcg_pool *pool;
	int i;

	ASSERT_EQ(0, agentcg_pool_new(self->session, 4, &intent, &pool));
	EXPECT_EQ(4, calls());
	EXPECT_EQ(16 * MB, reserved(self->session));
	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, agentcg_pool_take(pool, i ? NULL : &other, &call[i]));
	EXPECT_EQ(4, calls());
	EXPECT_EQ(18 * MB, reserved(self->session));
	/* Made on the spot. */
	for (; i < 6; i++)
		ASSERT_EQ(0, agentcg_pool_take(pool, NULL, &call[i]));
	EXPECT_EQ(6, calls());
	for (i = 0; i < 6; i++)
		EXPECT_EQ(0, run(call[i], "exit 0"));
	/* With a receipt it is removed at once, without one when there is time. */
	EXPECT_EQ(0, agentcg_call_end(call[0], &receipt));
	EXPECT_EQ(5, calls());
	for (i = 1; i < 6; i++)
		EXPECT_EQ(0, agentcg_call_end(call[i], NULL));
	EXPECT_EQ(5, calls());
	EXPECT_EQ(4, agentcg_pool_reap(pool));
	EXPECT_EQ(4, calls());
	EXPECT_EQ(16 * MB, reserved(self->session));
	agentcg_pool_free(pool);
	EXPECT_EQ(0, calls());
	EXPECT_EQ(0, reserved(self->session));
}

TEST_F(library, pool_that_does_not_fit)
{
	const struct agentcg_intent intent = intent_of(24 * MB);
	struct agentcg_pool *pool;

	EXPECT_EQ(-ENOSPC, agentcg_pool_new(self->session, 4, &intent, &pool));
	EXPECT_NE(NULL, strstr(agentcg_strerror(self->handle), "mem"));
	EXPECT_EQ(0, calls());
	EXPECT_EQ(0, reserved(self->session));
}

static int count_one(const struct agentcg_record *const record, void *const arg)
{
	return ++*(int *)arg == 2 ? 42 : 0;
}

TEST_F(library, lists)
{
	struct agentcg_call *call[3];
	const uint64_t id = agentcg_session_id(self->session);
	int count = 0, i;

	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, agentcg_call_begin(self->session, NULL, NULL, &call[i]));
	/* Whoever has seen enough says so. */
	EXPECT_EQ(42, agentcg_tool_list(self->handle, id, count_one, &count));
	EXPECT_EQ(2, count);
	count = 2;
	EXPECT_EQ(0, agentcg_tool_list(self->handle, 0, count_one, &count));
	EXPECT_EQ(5, count);
	EXPECT_EQ(-ENOENT, agentcg_tool_list(self->handle, 1, count_one, &count));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(0, agentcg_call_end(call[i], NULL));
	count = 2;
	EXPECT_EQ(0, agentcg_receipt_list(self->handle, id, count_one, &count));
	EXPECT_EQ(5, count);
	count = 2;
	EXPECT_EQ(0, agentcg_session_list(self->handle, count_one, &count));
	EXPECT_EQ(3, count);
}

TEST_F(library, events)
{
	struct agentcg *const events = agentcg_open();
	struct agentcg_record event;
	struct agentcg_call *call;
	struct pollfd pfd;

	ASSERT_NE(NULL, events);
	ASSERT_EQ(0, agentcg_events_start(events));
	pfd = (struct pollfd){ .fd = agentcg_events_fd(events), .events = POLLIN };
	EXPECT_EQ(0, poll(&pfd, 1, 0));
	ASSERT_EQ(0, agentcg_call_begin(self->session, NULL, NULL, &call));
	ASSERT_EQ(1, poll(&pfd, 1, 10000));
	ASSERT_EQ(0, agentcg_event_read(events, &event));
	EXPECT_STREQ("tool-started", agentcg_event_type_name(
		agentcg_record_uint(&event, AGENTCG_A_EVENT_TYPE, 99)));
	EXPECT_EQ(agentcg_call_id(call),
		  agentcg_record_uint(&event, AGENTCG_A_EVENT_TOOL_ID, 0));
	EXPECT_EQ(0, agentcg_call_end(call, NULL));
	agentcg_close(events);
}

/* Nothing of the library is left open in what it starts. */
TEST_F(library, descriptors)
{
	struct agentcg_call *call;

	ASSERT_EQ(0, agentcg_call_begin(self->session, NULL, NULL, &call));
	EXPECT_EQ(0, run(call, "for fd in /proc/self/fd/*; do case $(readlink $fd) in "
			       "socket:*|*/agentcg-selftests/*) exit 1 ;; esac; done"));
	EXPECT_EQ(0, agentcg_call_end(call, NULL));
}

TEST_HARNESS_MAIN
