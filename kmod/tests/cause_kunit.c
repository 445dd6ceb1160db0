// SPDX-License-Identifier: GPL-2.0-only
/* KUnit tests of what becomes evidence, and evidence a cause. */

#include "../cause.c"
#include "../oom.c"

#include <kunit/test.h>
#include <linux/slab.h>

/* Somebody who has sent a signal, and another; never followed, dropped or taken. */
#define SOMEBODY	((struct pid *)1)
#define ANOTHER		((struct pid *)2)

/* Nobody runs out of memory here. */
void agentcg_spare(struct oom_control *const oc)
{
}

/**
 * struct cause_case - what was written down, and what it comes to
 * @name: of the case
 * @live: the cgroup is still there
 * @status: of the first process, as wait(2) tells it, -1 while it lives
 * @killed: by us, an enum agentcg_cause
 * @signal: that sealed its end, 0 for none
 * @sender: who sent it, NULL for the kernel
 * @oom_killer: the sender is one
 * @level: of an OOM kill, 0 for none
 * @oom_of_leader: it took the first process
 * @cause: expected
 * @tells_killer: expected
 */
struct cause_case {
	const char *name;
	bool live;
	int status;
	int killed;
	int signal;
	struct pid *sender;
	bool oom_killer;
	u8 level;
	bool oom_of_leader;
	enum agentcg_cause cause;
	bool tells_killer;
};

static const struct cause_case cause_cases[] = {
	{ .name = "lives", .live = true, .status = -1,
	  .cause = AGENTCG_CAUSE_RUNNING },
	{ .name = "lives, a child was killed", .live = true, .status = -1,
	  .level = AGENTCG_CAUSE_OOM_CALL, .cause = AGENTCG_CAUSE_RUNNING },
	{ .name = "given up while it ran", .status = -1,
	  .cause = AGENTCG_CAUSE_EXIT },
	{ .name = "exited", .status = 0x700, .cause = AGENTCG_CAUSE_EXIT },
	{ .name = "exited, others go on", .live = true, .status = 0,
	  .cause = AGENTCG_CAUSE_EXIT },
	{ .name = "exited, others reaped", .status = 0,
	  .killed = AGENTCG_CAUSE_EXIT, .cause = AGENTCG_CAUSE_EXIT },
	{ .name = "exited, then the deadline met others", .status = 0,
	  .killed = AGENTCG_CAUSE_DEADLINE, .cause = AGENTCG_CAUSE_EXIT },
	{ .name = "exited after a child's OOM kill", .status = 0x100,
	  .level = AGENTCG_CAUSE_OOM_SESSION, .cause = AGENTCG_CAUSE_EXIT },
	{ .name = "SIGTERM by somebody", .status = SIGTERM, .signal = SIGTERM,
	  .sender = SOMEBODY, .cause = AGENTCG_CAUSE_SIGNAL,
	  .tells_killer = true },
	{ .name = "SIGKILL by somebody", .status = SIGKILL, .signal = SIGKILL,
	  .sender = SOMEBODY, .cause = AGENTCG_CAUSE_SIGNAL,
	  .tells_killer = true },
	{ .name = "SIGKILL by somebody after a child's OOM kill",
	  .status = SIGKILL, .signal = SIGKILL, .sender = SOMEBODY,
	  .level = AGENTCG_CAUSE_OOM_CALL, .cause = AGENTCG_CAUSE_SIGNAL,
	  .tells_killer = true },
	{ .name = "SIGKILL by somebody just before the deadline",
	  .status = SIGKILL, .signal = SIGKILL, .sender = SOMEBODY,
	  .killed = AGENTCG_CAUSE_DEADLINE, .cause = AGENTCG_CAUSE_SIGNAL,
	  .tells_killer = true },
	{ .name = "SIGTERM by an OOM killer", .status = SIGTERM,
	  .signal = SIGTERM, .sender = SOMEBODY, .oom_killer = true,
	  .cause = AGENTCG_CAUSE_OOM_USER_SPACE, .tells_killer = true },
	{ .name = "fault with a core", .status = SIGSEGV | 0x80,
	  .signal = SIGSEGV, .cause = AGENTCG_CAUSE_SIGNAL,
	  .tells_killer = true },
	{ .name = "another signal than the one that was seen",
	  .status = SIGTERM, .signal = SIGABRT, .cause = AGENTCG_CAUSE_SIGNAL },
	{ .name = "deadline", .status = SIGKILL, .signal = SIGKILL,
	  .killed = AGENTCG_CAUSE_DEADLINE, .cause = AGENTCG_CAUSE_DEADLINE },
	{ .name = "deadline after a child's OOM kill", .status = SIGKILL,
	  .signal = SIGKILL, .killed = AGENTCG_CAUSE_DEADLINE,
	  .level = AGENTCG_CAUSE_OOM_CALL, .cause = AGENTCG_CAUSE_DEADLINE },
	{ .name = "stall bound", .status = SIGKILL, .signal = SIGKILL,
	  .killed = AGENTCG_CAUSE_STALL_KILL, .cause = AGENTCG_CAUSE_STALL_KILL },
	{ .name = "OOM kill", .status = SIGKILL, .signal = SIGKILL,
	  .level = AGENTCG_CAUSE_OOM_SESSION, .oom_of_leader = true,
	  .cause = AGENTCG_CAUSE_OOM_SESSION },
	{ .name = "OOM kill, then the deadline", .status = SIGKILL,
	  .signal = SIGKILL, .level = AGENTCG_CAUSE_OOM_NODE,
	  .oom_of_leader = true, .killed = AGENTCG_CAUSE_DEADLINE,
	  .cause = AGENTCG_CAUSE_OOM_NODE },
	{ .name = "OOM kill of a group, finished by us", .status = SIGKILL,
	  .signal = SIGKILL, .level = AGENTCG_CAUSE_OOM_ANCESTOR,
	  .killed = AGENTCG_CAUSE_OOM, .cause = AGENTCG_CAUSE_OOM_ANCESTOR },
	{ .name = "OOM kill of a group, level not seen", .status = SIGKILL,
	  .signal = SIGKILL, .killed = AGENTCG_CAUSE_OOM,
	  .cause = AGENTCG_CAUSE_OOM },
	{ .name = "SIGKILL by the kernel, for nothing of ours",
	  .status = SIGKILL, .signal = SIGKILL, .cause = AGENTCG_CAUSE_SIGNAL,
	  .tells_killer = true },
	{ .name = "SIGKILL by the kernel after a child's OOM kill",
	  .status = SIGKILL, .signal = SIGKILL, .level = AGENTCG_CAUSE_OOM_CALL,
	  .cause = AGENTCG_CAUSE_SIGNAL, .tells_killer = true },
};

static void fill_tool(struct agentcg_tool *const tool,
		      const struct cause_case *const c)
{
	tool->had_leader = true;
	tool->leader_done = c->status >= 0;
	tool->stats.wait_status = max(c->status, 0);
	tool->stats.end = !c->live;
	atomic_set(&tool->killed, c->killed);
	tool->evidence.killer = (struct agentcg_killer) {
		.signal = c->signal,
		.of_leader = c->signal,
		.oom_killer = c->oom_killer,
		.sender.pid = c->sender,
	};
	tool->evidence.oom = (struct agentcg_oom) {
		.time = c->level,
		.level = c->level,
		.of_leader = c->oom_of_leader,
	};
}

static void test_cause(struct kunit *const test)
{
	const struct cause_case *const c = test->param_value;
	struct agentcg_tool *const tool = kunit_kzalloc(test, sizeof(*tool),
							GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, tool);
	fill_tool(tool, c);
	KUNIT_EXPECT_EQ(test, c->cause, agentcg_cause_of(tool));
	KUNIT_EXPECT_EQ(test, c->tells_killer, agentcg_cause_tells_killer(tool));
}

static void test_nobody(struct kunit *const test)
{
	struct agentcg_tool *const tool = kunit_kzalloc(test, sizeof(*tool),
							GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, tool);
	KUNIT_EXPECT_EQ(test, AGENTCG_CAUSE_RUNNING, agentcg_cause_of(tool));
	tool->stats.end = 1;
	KUNIT_EXPECT_EQ(test, AGENTCG_CAUSE_EMPTY, agentcg_cause_of(tool));
}

/* A child's killer is told beside whatever became of the first process. */
static void test_killer_of_a_child(struct kunit *const test)
{
	struct agentcg_tool *const tool = kunit_kzalloc(test, sizeof(*tool),
							GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, tool);
	fill_tool(tool, &(struct cause_case) { .signal = SIGKILL,
					       .sender = SOMEBODY });
	tool->evidence.killer.of_leader = false;
	KUNIT_EXPECT_EQ(test, AGENTCG_CAUSE_EXIT, agentcg_cause_of(tool));
	KUNIT_EXPECT_TRUE(test, agentcg_cause_tells_killer(tool));
}

/**
 * struct victim_case - a process that the OOM killer marks
 * @name: of the case
 * @pid: of the process; the first process of the call is SOMEBODY
 * @killed: the call by us, before
 * @status: with which the process ends
 * @of_leader: expected: it is an OOM kill of the first process
 */
struct victim_case {
	const char *name;
	struct pid *pid;
	int killed;
	int status;
	bool of_leader;
};

/* The first process has passed its end already, see is_leader(). */
static const struct victim_case victim_cases[] = {
	{ "first process", SOMEBODY, 0, SIGKILL, true },
	{ "first process, others are reaped", SOMEBODY, AGENTCG_CAUSE_EXIT,
	  SIGKILL, true },
	{ "first process, after a deadline", SOMEBODY, AGENTCG_CAUSE_DEADLINE,
	  SIGKILL, false },
	{ "first process, had exited", SOMEBODY, AGENTCG_CAUSE_EXIT, 0x700, false },
	{ "another process", ANOTHER, 0, SIGKILL, false },
	{ "another process, reaped", ANOTHER, AGENTCG_CAUSE_EXIT, SIGKILL, false },
};

static void test_victim(struct kunit *const test)
{
	const struct victim_case *const c = test->param_value;
	struct agentcg_session *const session =
		kunit_kzalloc(test, sizeof(*session), GFP_KERNEL);
	struct agentcg_tool *const tool = kunit_kzalloc(test, sizeof(*tool),
							GFP_KERNEL);
	struct signal_struct *const signal = kunit_kzalloc(test, sizeof(*signal),
							   GFP_KERNEL);
	struct task_struct *const task = kunit_kzalloc(test, sizeof(*task),
						       GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, session);
	KUNIT_ASSERT_NOT_NULL(test, tool);
	KUNIT_ASSERT_NOT_NULL(test, signal);
	KUNIT_ASSERT_NOT_NULL(test, task);
	spin_lock_init(&session->lock);
	tool->d.session = session;
	fill_tool(tool, &(struct cause_case) {
		.status = c->status, .killed = c->killed, .signal = SIGKILL,
		/* What is written down of the first kill is another test's. */
		.level = AGENTCG_CAUSE_OOM_SESSION,
	});
	tool->evidence.killer.victim.pid = SOMEBODY;
	signal->pids[PIDTYPE_TGID] = c->pid;
	signal->flags = SIGNAL_GROUP_EXIT;
	signal->group_exit_code = c->status;
	task->signal = signal;
	agentcg_oom_victim(tool, task);
	KUNIT_EXPECT_EQ(test, c->of_leader, tool->evidence.oom.of_leader);
}

static void describe_victim(const struct victim_case *const c, char *const desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(victim, victim_cases, describe_victim);

static void describe(const struct cause_case *const c, char *const desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(cause, cause_cases, describe);

static struct kunit_case cause_tests[] = {
	KUNIT_CASE_PARAM(test_cause, cause_gen_params),
	KUNIT_CASE(test_nobody),
	KUNIT_CASE(test_killer_of_a_child),
	KUNIT_CASE_PARAM(test_victim, victim_gen_params),
	{}
};

static struct kunit_suite cause_suite = {
	.name = "agentcg_cause",
	.test_cases = cause_tests,
};

kunit_test_suite(cause_suite);
