// SPDX-License-Identifier: GPL-2.0-only
/*
 * BPF: what any program may ask, what a policy may decide, what neither may.
 * The programs are in bpf/; their sections .bss are how the test talks to them.
 */

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "bpf/policy.h"
#include "bpf/readers.h"
#include "fixture.h"

#define OBJECTS		"/usr/libexec/agentcg/selftests/bpf/"
#define PARAMETERS	"/sys/module/agentcg/parameters"
#define LONG_STALL	(60000 * MS)

/* What libbpf and the verifier had to say. */
static char said[1 << 16];

static int listen_to(enum libbpf_print_level level, const char *fmt,
		     va_list args)
{
	const size_t len = strlen(said);

	vsnprintf(said + len, sizeof(said) - len, fmt, args);
	return 0;
}

static struct bpf_object *open_object(const char *const name)
{
	char path[128];

	said[0] = '\0';
	libbpf_set_print(listen_to);
	snprintf(path, sizeof(path), OBJECTS "%s.bpf.o", name);
	return bpf_object__open_file(path, NULL);
}

/* A variable of a section, mapped: writes are seen at once. */
static void *variable(struct bpf_object *const object, const char *const section)
{
	struct bpf_map *map;
	size_t size;

	bpf_object__for_each_map(map, object)
		if (strstr(bpf_map__name(map), section))
			return bpf_map__initial_value(map, &size);
	return NULL;
}

/* The order in which they stand in the .bss of policy.bpf.c is not fixed. */
struct policy {
	struct bpf_object *object;
	struct bpf_map *map;
	struct bpf_link *link;
	struct orders *orders;
	volatile struct report *report;
};

static int policy_load(struct policy *const policy, const uint64_t session_id)
{
	char *value;
	size_t size;
	int err;

	memset(policy, 0, sizeof(*policy));
	policy->object = open_object("policy");
	if (!policy->object)
		return -errno;
	policy->map = bpf_object__find_map_by_name(policy->object, "test");
	value = bpf_map__initial_value(policy->map, &size);
	/* After eight pointers, see agentcg/types.h. */
	memcpy(value + 8 * sizeof(void *), &session_id, sizeof(session_id));
	err = bpf_object__load(policy->object);
	if (err)
		return err;
	policy->orders = variable(policy->object, ".data.orders");
	policy->report = variable(policy->object, ".data.report");
	return policy->orders && policy->report ? 0 : -ENOENT;
}

static int policy_attach(struct policy *const policy)
{
	policy->link = bpf_map__attach_struct_ops(policy->map);
	return policy->link ? 0 : -errno;
}

static int policy_start(struct policy *const policy, const uint64_t session_id)
{
	const int err = policy_load(policy, session_id);

	return err ? err : policy_attach(policy);
}

static void policy_stop(struct policy *const policy)
{
	bpf_link__destroy(policy->link);
	bpf_object__close(policy->object);
	memset(policy, 0, sizeof(*policy));
}

FIXTURE(policy) {
	struct nl nl;
	struct session session;
	struct call call;
	struct call sibling;
	struct filler *filler;
	struct policy policy;
	struct policy other;
};

FIXTURE_SETUP(policy)
{
	char bound[32];

	ASSERT_EQ(0, setup(&self->nl));
	self->filler = shared_alloc(sizeof(*self->filler));
	/* Emulated processors are stopped now and then. */
	snprintf(bound, sizeof(bound), "%u", 2000000 * slow());
	ASSERT_EQ(0, cg_write(PARAMETERS, "policy_bound_ns", bound));
	memset(&self->policy, 0, sizeof(self->policy));
	memset(&self->other, 0, sizeof(self->other));
}

FIXTURE_TEARDOWN(policy)
{
	policy_stop(&self->policy);
	policy_stop(&self->other);
	cg_write(PARAMETERS, "policy_bound_ns", "100000");
	teardown(&self->nl);
}

/* A session of 1 GB with one call. */
static void begin(struct __test_metadata *const _metadata,
		  FIXTURE_DATA(policy) *const self, const struct intent intent)
{
	ASSERT_EQ(0, session_start(&self->nl, &self->session, "policy",
				   1024 * MB));
	ASSERT_EQ(0, call_start(&self->nl, &self->session, &self->call, "call",
				&intent));
}

static void start_policy(struct __test_metadata *const _metadata,
			 FIXTURE_DATA(policy) *const self,
			 const uint64_t session_id)
{
	ASSERT_EQ(0, policy_start(&self->policy, session_id)) {
		TH_LOG("%s", said);
	}
}

/* Fill @bytes in the call to the end; ns that it took, 0 when it did not. */
static uint64_t fill_call(FIXTURE_DATA(policy) *const self,
			  const struct call *const call, const uint64_t bytes)
{
	pid_t pid;

	*self->filler = (struct filler){ .total = bytes };
	pid = cg_spawn(call->fd, run_filler, self->filler);
	if (pid < 0 || wait_exit(pid, 60000) || !self->filler->ended)
		return 0;
	return self->filler->ended - self->filler->begun;
}

/* ---- readers ---- */

TEST_F_TIMEOUT(policy, readers, 60)
{
	struct intent intent = intent_of(20 * MB, 100 * MB, LONG_STALL);
	struct bpf_object *object;
	const volatile struct answers *of_switch;
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	struct answers *of_syscall;
	struct bpf_program *program;
	struct bpf_link *link[2];
	int *wanted;
	pid_t pid;
	int i = 0;

	intent.set |= SET(CLASS) | SET(DEADLINE);
	intent.class = AGENTCG_CLASS_LATENCY;
	intent.deadline = 1000000 * MS;
	intent.conflict = "disk";
	begin(_metadata, self, intent);
	pid = cg_spawn(self->call.fd, (int (*)(void *))stay, NULL);
	ASSERT_LT(0, pid);
	object = open_object("readers");
	ASSERT_NE(NULL, object);
	wanted = variable(object, ".rodata");
	ASSERT_NE(NULL, wanted);
	*wanted = pid;
	ASSERT_EQ(0, bpf_object__load(object)) {
		TH_LOG("%s", said);
	}
	of_syscall = variable(object, ".data.syscall");
	of_switch = variable(object, ".data.switch");
	bpf_object__for_each_program(program, object)
		if (bpf_program__type(program) == BPF_PROG_TYPE_TRACING) {
			link[i] = bpf_program__attach(program);
			ASSERT_NE(NULL, link[i++]);
		}
	/* It is switched to when it is woken. */
	for (i = 0; i < 300 && !of_switch->asked; i++) {
		kill(pid, SIGSTOP);
		kill(pid, SIGCONT);
		usleep(10000);
	}
	ASSERT_NE(0, of_switch->asked);
	EXPECT_EQ(self->call.id, of_switch->domain);
	EXPECT_EQ(AGENTCG_CLASS_LATENCY, of_switch->class);
	EXPECT_EQ(100, of_switch->weight);
	EXPECT_EQ(0, of_switch->pressure);
	EXPECT_EQ(-ENOENT, of_switch->unknown);
	EXPECT_EQ(0, of_switch->err);
	EXPECT_EQ(self->session.id, of_switch->info.session_id);
	EXPECT_EQ(AGENTCG_KIND_CALL, of_switch->info.kind);
	EXPECT_EQ(20 * MB, of_switch->info.held);
	EXPECT_EQ(120 * MB, of_switch->info.limit);
	EXPECT_EQ(100 * MB, of_switch->info.free);
	EXPECT_EQ(20 * MB, of_switch->info.soft_limit);
	EXPECT_EQ(LONG_STALL, of_switch->info.stall_bound);
	EXPECT_GE(20 * MB, of_switch->info.usage);
	EXPECT_NE(AGENTCG_NONE, of_switch->deadline);
	EXPECT_NE(0, of_switch->conflict);
	EXPECT_EQ(of_switch->deadline, of_switch->info.deadline);
	/* This process is in no session. */
	program = bpf_object__find_program_by_name(object, "ask_syscall");
	ASSERT_EQ(0, bpf_prog_test_run_opts(bpf_program__fd(program), &opts));
	EXPECT_EQ(0, of_syscall->domain);
	EXPECT_EQ(-1, of_syscall->class);
	EXPECT_EQ(0, of_syscall->weight);
	EXPECT_EQ(AGENTCG_NONE, of_syscall->deadline);
	EXPECT_EQ(-ENOENT, of_syscall->err);
	/* A cgroup below the call belongs to it. */
	ASSERT_EQ(0, call_make(&self->session, &self->sibling, "call/inner"));
	EXPECT_EQ(self->call.id, of_switch->of_cgroup);
	bpf_link__destroy(link[0]);
	bpf_link__destroy(link[1]);
	bpf_object__close(object);
}

/* ---- what is refused at load ---- */

FIXTURE(misuse) {
	struct bpf_object *object;
};

FIXTURE_VARIANT(misuse) {
	const char *program;
	/* In the log, NULL when it loads. */
	const char *reason;
};

#define VARIANT(PROGRAM, REASON) \
FIXTURE_VARIANT_ADD(misuse, PROGRAM) { \
	.program = #PROGRAM, \
	.reason = REASON, \
}

VARIANT(good_policy, NULL);
VARIANT(sleepable, "attach to unsupported member over_high");
VARIANT(loops, "bpf_loop");
VARIANT(walks_map, "bpf_for_each_map_elem");
VARIANT(arms_timer, "bpf_timer_init");
VARIANT(writes_usage, "only read is supported");
VARIANT(forges_event, "arg");
VARIANT(shifts_event, "");
VARIANT(no_event, "NULL");
VARIANT(grant_tracing, "is not allowed");
VARIANT(ran_tracing, "is not allowed");
VARIANT(resched_tracing, "is not allowed");
VARIANT(hold_fentry, "is not allowed");
VARIANT(event_perf, "is not allowed");
VARIANT(grant_syscall, "is not allowed");
VARIANT(grant_tcp, "is not allowed");

FIXTURE_SETUP(misuse)
{
	if (!module_loaded())
		ASSERT_EQ(0, module_load(""));
	self->object = open_object("misuse");
	ASSERT_NE(NULL, self->object);
}

FIXTURE_TEARDOWN(misuse)
{
	bpf_object__close(self->object);
}

TEST_F(misuse, at_load)
{
	struct bpf_program *const program =
		bpf_object__find_program_by_name(self->object, variant->program);
	bool is_member = false;
	struct bpf_map *map;
	char name[64];
	int err;

	ASSERT_NE(NULL, program);
	snprintf(name, sizeof(name), "ops_%s", variant->program);
	/* Of members those are loaded that a map refers to which is made. */
	bpf_object__for_each_map(map, self->object) {
		const bool wanted = !strcmp(bpf_map__name(map), name);

		if (bpf_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS)
			bpf_map__set_autocreate(map, wanted);
		is_member |= wanted;
	}
	if (!is_member)
		bpf_program__set_autoload(program, true);
	bpf_program__set_log_level(program, 1);
	err = bpf_object__load(self->object);
	if (!variant->reason) {
		EXPECT_EQ(0, err) {
			TH_LOG("%s", said);
		}
		return;
	}
	EXPECT_NE(0, err);
	EXPECT_NE(NULL, strstr(said, variant->reason)) {
		TH_LOG("%s", said);
	}
}

/* ---- what a policy decides ---- */

TEST_F_TIMEOUT(policy, is_asked_and_told, 90)
{
	const struct intent intent = intent_of(20 * MB, 400 * MB, LONG_STALL);
	struct nl *const nl = &self->nl;

	start_policy(_metadata, self, 0);
	begin(_metadata, self, intent);
	/* The session and the call. */
	EXPECT_EQ(2, self->policy.report->online);
	ASSERT_NE(0, fill_call(self, &self->call, scaled(100 * MB)));
	EXPECT_LE(1, self->policy.report->over_high);
	EXPECT_EQ(self->call.id, self->policy.report->last_id);
	EXPECT_EQ(AGENTCG_CLASS_BATCH, self->policy.report->last_class);
	EXPECT_LT(0, self->policy.report->last_need);
	EXPECT_LE(20 * MB, self->policy.report->last_usage);
	EXPECT_EQ(0, session_balances(nl, &self->session));
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_SESSION_OVERDRAFT));
	EXPECT_EQ(0, self->policy.report->receipts);
	ASSERT_EQ(0, call_end(nl, &self->call));
	EXPECT_EQ(1, self->policy.report->offline);
	EXPECT_EQ(1, self->policy.report->receipts);
	EXPECT_EQ(self->call.id, self->policy.report->receipt_id);
	EXPECT_EQ(reply_figure(nl, AGENTCG_A_TOOL_PEAK),
		  self->policy.report->receipt_peak);
	ASSERT_EQ(0, session_del(nl, &self->session));
	EXPECT_EQ(2, self->policy.report->offline);
}

/* Leaves 32 MB of page cache behind, that belongs to no live call. */
static int leave_file(void *const name)
{
	return make_file(name, 32 * MB, false);
}

/* The call is within its own limit, but agent and cache have taken the rest. */
TEST_F_TIMEOUT(policy, is_asked_where_the_session_is_short, 90)
{
	struct filler *const agent = shared_alloc(sizeof(*agent));
	static char name[] = "/var/tmp/agentcg-policy-test";
	struct nl *const nl = &self->nl;

	start_policy(_metadata, self, 0);
	self->policy.orders->verdict = AGENTCG_POLICY_DEBT;
	ASSERT_EQ(0, session_start(nl, &self->session, "policy", 64 * MB));
	ASSERT_EQ(0, call_start(nl, &self->session, &self->sibling, "writer",
				&(struct intent){ .set = SET(MEM),
						  .mem = 48 * MB }));
	ASSERT_EQ(0, wait_exit(cg_spawn(self->sibling.fd, leave_file, name),
			       60000));
	ASSERT_EQ(0, call_end(nl, &self->sibling));
	ASSERT_EQ(0, call_start(nl, &self->session, &self->call, "call",
				&(struct intent){ .set = SET(MEM),
						  .mem = 24 * MB }));
	*agent = (struct filler){ .total = 60 * MB, .stay = true };
	ASSERT_LT(0, cg_spawn(self->session.agent_fd, run_filler, agent));
	ASSERT_EQ(0, wait_for(&agent->ended, 1, 60000));
	EXPECT_EQ(0, self->policy.report->session);
	ASSERT_NE(0, fill_call(self, &self->call, 20 * MB));
	EXPECT_LE(1, self->policy.report->session);
	EXPECT_EQ(self->call.id, self->policy.report->last_id);
	EXPECT_EQ(0, self->policy.report->last_need);
	ASSERT_EQ(0, call_end(nl, &self->call));
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_TOOL_STALL_TOTAL));
	EXPECT_EQ(0, session_balances(nl, &self->session));
	unlink(name);
}

/* It learns of what was there before it. */
TEST_F(policy, is_told_of_those_who_are_there)
{
	begin(_metadata, self, intent_of(20 * MB, 400 * MB, LONG_STALL));
	start_policy(_metadata, self, 0);
	EXPECT_EQ(2, self->policy.report->online);
}

TEST_F_TIMEOUT(policy, grants_what_it_says, 90)
{
	const uint64_t size = scaled(128 * MB);
	struct nl *const nl = &self->nl;

	start_policy(_metadata, self, 0);
	self->policy.orders->verdict = AGENTCG_POLICY_GRANT;
	self->policy.orders->bytes = 2 * MB;
	begin(_metadata, self, intent_of(4 * MB, 400 * MB, LONG_STALL));
	ASSERT_NE(0, fill_call(self, &self->call, size));
	ASSERT_EQ(0, call_end(nl, &self->call));
	/* At most 2 MB beyond a batch of pages or a huge page at once. */
	EXPECT_LE(size / (5 * MB), reply_figure(nl, AGENTCG_A_TOOL_GRANTS));
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_TOOL_OVERDRAFT_PEAK));
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_TOOL_STALL_TOTAL));
}

/* The sleep that it asks for takes place, and counts as held back. */
static void check_delay(struct __test_metadata *const _metadata,
			FIXTURE_DATA(policy) *const self)
{
	const uint64_t took = fill_call(self, &self->call, 16 * MB);
	struct nl *const nl = &self->nl;
	uint64_t stalled;

	ASSERT_EQ(0, session_balances(nl, &self->session));
	ASSERT_EQ(0, call_end(nl, &self->call));
	stalled = reply_figure(nl, AGENTCG_A_TOOL_STALL_TOTAL);
	EXPECT_LE(1, reply_figure(nl, AGENTCG_A_TOOL_STALLS));
	EXPECT_LE(50 * MS * reply_figure(nl, AGENTCG_A_TOOL_STALLS), stalled);
	EXPECT_LE(stalled, took);
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_TOOL_EXHAUSTED));
}

TEST_F_TIMEOUT(policy, delays_by_verdict, 60)
{
	start_policy(_metadata, self, 0);
	self->policy.orders->ns = 50 * MS;
	begin(_metadata, self, intent_of(4 * MB, 400 * MB, LONG_STALL));
	check_delay(_metadata, self);
}

TEST_F_TIMEOUT(policy, delays_by_ms, 60)
{
	start_policy(_metadata, self, 0);
	self->policy.orders->delay_ms = 50;
	begin(_metadata, self, intent_of(4 * MB, 400 * MB, LONG_STALL));
	check_delay(_metadata, self);
	EXPECT_LE(1, self->policy.report->delays);
}

/* However long it wants to hold a call back: the stall bound is the end of it. */
TEST_F_TIMEOUT(policy, delays_within_the_bound, 90)
{
	struct nl *const nl = &self->nl;

	start_policy(_metadata, self, 0);
	self->policy.orders->delay_ms = UINT32_MAX;
	begin(_metadata, self, intent_of(4 * MB, 400 * MB, 500 * MS));
	ASSERT_NE(0, fill_call(self, &self->call, 64 * MB));
	ASSERT_EQ(0, call_end(nl, &self->call));
	EXPECT_LE(500 * MS, reply_figure(nl, AGENTCG_A_TOOL_STALL_TOTAL));
	EXPECT_GE(600 * MS * slow(),
		  reply_figure(nl, AGENTCG_A_TOOL_STALL_TOTAL));
}

/* Whoever sleeps for it is woken when his session ends. */
TEST_F_TIMEOUT(policy, delay_ends_with_the_session, 60)
{
	struct nl *const nl = &self->nl;

	start_policy(_metadata, self, 0);
	self->policy.orders->ns = 9000 * MS;
	begin(_metadata, self, intent_of(4 * MB, 400 * MB, LONG_STALL));
	*self->filler = (struct filler){ .total = 32 * MB, .stay = true };
	ASSERT_LT(0, cg_spawn(self->call.fd, run_filler, self->filler));
	ASSERT_EQ(0, call_wait(nl, &self->call, AGENTCG_A_TOOL_PARKED, 1, 10000));
	ASSERT_EQ(0, session_get(nl, &self->session));
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_SESSION_WAITING));
	ASSERT_EQ(0, session_del(nl, &self->session));
	EXPECT_EQ(0, wait_for(&self->filler->ended, 1, 5000 * slow()));
}

FIXTURE(verdict) {
	struct nl nl;
	struct session session;
	struct call call;
	struct filler *filler;
	struct policy policy;
};

FIXTURE_VARIANT(verdict) {
	int32_t verdict;
	int32_t action;
};

FIXTURE_VARIANT_ADD(verdict, nonsense) { .verdict = 12345, .action = -7 };
FIXTURE_VARIANT_ADD(verdict, negative) { .verdict = INT32_MIN, .action = 99 };
FIXTURE_VARIANT_ADD(verdict, debt) { .verdict = AGENTCG_POLICY_DEBT };
FIXTURE_VARIANT_ADD(verdict, park) { .verdict = AGENTCG_POLICY_PARK };
FIXTURE_VARIANT_ADD(verdict, reclaim) { .verdict = AGENTCG_POLICY_RECLAIM };
FIXTURE_VARIANT_ADD(verdict, exhaust) { .verdict = AGENTCG_POLICY_EXHAUST };
FIXTURE_VARIANT_ADD(verdict, grant) { .verdict = AGENTCG_POLICY_GRANT };

FIXTURE_SETUP(verdict)
{
	ASSERT_EQ(0, setup(&self->nl));
	self->filler = shared_alloc(sizeof(*self->filler));
	ASSERT_EQ(0, cg_write(PARAMETERS, "policy_bound_ns", "20000000"));
	ASSERT_EQ(0, policy_start(&self->policy, 0)) {
		TH_LOG("%s", said);
	}
}

FIXTURE_TEARDOWN(verdict)
{
	policy_stop(&self->policy);
	cg_write(PARAMETERS, "policy_bound_ns", "100000");
	teardown(&self->nl);
}

/* Whatever it says, the account balances and the call gets to its end. */
TEST_F_TIMEOUT(verdict, harms_nobody, 90)
{
	const struct intent intent = intent_of(8 * MB, 24 * MB, 300 * MS);
	struct nl *const nl = &self->nl;
	pid_t pid;

	self->policy.orders->verdict = variant->verdict;
	self->policy.orders->action = variant->action;
	self->policy.orders->bytes = UINT64_MAX;
	self->policy.orders->ns = UINT64_MAX;
	ASSERT_EQ(0, session_start(nl, &self->session, "verdict", 64 * MB));
	ASSERT_EQ(0, call_start(nl, &self->session, &self->call, "call",
				&intent));
	/* Beyond what it may hold, and beyond the budget. */
	*self->filler = (struct filler){
		.total = 96 * MB, .stay = true, .threads = 4,
	};
	pid = cg_spawn(self->call.fd, run_filler, self->filler);
	ASSERT_LT(0, pid);
	EXPECT_EQ(0, wait_for(&self->filler->ended, 1, 30000));
	EXPECT_EQ(0, session_balances(nl, &self->session));
	ASSERT_EQ(0, call_end(nl, &self->call));
	EXPECT_LE(1, self->policy.report->over_high);
	EXPECT_LE(96 * MB, reply_figure(nl, AGENTCG_A_TOOL_PEAK));
	/*
	 * Where the kernel was left to reclaim, it has counted that; otherwise
	 * another thread may charge between the hook and the kernel's own look,
	 * which are far apart in the debug kernel.
	 */
	if (variant->verdict != AGENTCG_POLICY_RECLAIM)
		EXPECT_GE(slow() > 1 ? 60 : 4,
			  cg_read_key(self->session.path, "memory.events", "high"));
	ASSERT_EQ(0, session_balances(nl, &self->session));
	EXPECT_EQ(0, reply_figure(nl, AGENTCG_A_SESSION_GRANTED));
}

TEST_F_TIMEOUT(policy, kills_what_is_exhausted, 60)
{
	struct nl *const nl = &self->nl;
	pid_t pid;

	start_policy(_metadata, self, 0);
	self->policy.orders->action = AGENTCG_ACTION_KILL;
	begin(_metadata, self, intent_of(8 * MB, 8 * MB, 100 * MS));
	*self->filler = (struct filler){ .total = 64 * MB, .stay = true };
	pid = cg_spawn(self->call.fd, run_filler, self->filler);
	ASSERT_LT(0, pid);
	EXPECT_EQ(SIGKILL, wait_exit(pid, 20000));
	EXPECT_LE(1, self->policy.report->exhausted);
	ASSERT_EQ(0, call_end(nl, &self->call));
	EXPECT_EQ(AGENTCG_CAUSE_POLICY_KILL,
		  reply_figure(nl, AGENTCG_A_TOOL_CAUSE));
}

TEST_F_TIMEOUT(policy, spares_what_is_exhausted, 60)
{
	struct intent intent = intent_of(8 * MB, 8 * MB, 100 * MS);

	start_policy(_metadata, self, 0);
	self->policy.orders->action = AGENTCG_ACTION_OVERDRAFT;
	intent.set |= SET(ON_EXHAUST);
	intent.on_exhaust = AGENTCG_ON_EXHAUST_KILL;
	begin(_metadata, self, intent);
	EXPECT_NE(0, fill_call(self, &self->call, 64 * MB));
	EXPECT_LE(1, self->policy.report->exhausted);
}

/* ---- mutators ---- */

TEST_F_TIMEOUT(policy, grants_and_holds_a_sibling, 60)
{
	const struct intent intent = intent_of(8 * MB, 200 * MB, LONG_STALL);
	struct nl *const nl = &self->nl;

	start_policy(_metadata, self, 0);
	begin(_metadata, self, intent);
	ASSERT_EQ(0, call_start(nl, &self->session, &self->sibling, "sibling",
				&intent));
	self->policy.orders->grant_id = self->sibling.id;
	self->policy.orders->grant_bytes = 8 * MB;
	ASSERT_NE(0, fill_call(self, &self->call, 10 * MB));
	EXPECT_EQ(8 * MB, self->policy.report->granted);
	EXPECT_LE(8 * MB, call_figure(nl, &self->sibling,
				      AGENTCG_A_TOOL_GRANTED));
	ASSERT_EQ(0, session_balances(nl, &self->session));
	self->policy.orders->grant_id = 0;
	self->policy.orders->hold_id = self->sibling.id;
	ASSERT_NE(0, fill_call(self, &self->call, 64 * MB));
	EXPECT_EQ(0, call_figure(nl, &self->sibling, AGENTCG_A_TOOL_GRANTED));
	EXPECT_EQ(0, session_balances(nl, &self->session));
}

/* A call of somebody else's session, a session, nothing at all. */
TEST_F_TIMEOUT(policy, cannot_reach_other_sessions, 60)
{
	const struct intent intent = intent_of(8 * MB, 200 * MB, LONG_STALL);
	struct nl *const nl = &self->nl;
	struct session other;

	start_policy(_metadata, self, 0);
	begin(_metadata, self, intent);
	ASSERT_EQ(0, session_start(nl, &other, "other", 512 * MB));
	ASSERT_EQ(0, call_start(nl, &other, &self->sibling, "sibling", &intent));
	self->policy.orders->grant_bytes = 8 * MB;
	self->policy.report->granted = 77;
	self->policy.orders->grant_id = self->sibling.id;
	ASSERT_NE(0, fill_call(self, &self->call, 10 * MB));
	EXPECT_EQ(0, self->policy.report->granted);
	EXPECT_EQ(0, call_figure(nl, &self->sibling, AGENTCG_A_TOOL_GRANTED));
	self->policy.report->granted = 77;
	self->policy.orders->grant_id = self->session.id;
	ASSERT_NE(0, fill_call(self, &self->call, 64 * MB));
	EXPECT_EQ(0, self->policy.report->granted);
	self->policy.report->granted = 77;
	self->policy.orders->grant_id = 1;
	ASSERT_NE(0, fill_call(self, &self->call, 128 * MB));
	EXPECT_EQ(0, self->policy.report->granted);
}

static int wait_event(struct nl *const nl, const uint32_t type)
{
	int i;

	for (i = 0; i < 64; i++) {
		const int err = nl_event(nl, 2000);

		if (err)
			return err;
		if (view_uint(nl_reply(nl), AGENTCG_A_EVENT_TYPE) == type)
			return 0;
	}
	return -ENOENT;
}

TEST_F_TIMEOUT(policy, events, 60)
{
	struct nl events;

	begin(_metadata, self, intent_of(8 * MB, 200 * MB, LONG_STALL));
	ASSERT_EQ(0, nl_open(&events));
	ASSERT_EQ(0, nl_join(&events));
	start_policy(_metadata, self, self->session.id);
	ASSERT_EQ(0, wait_event(&events, AGENTCG_EVENT_TYPE_POLICY_ATTACHED));
	EXPECT_EQ(self->session.id, view_uint(nl_reply(&events),
					      AGENTCG_A_EVENT_SESSION_ID));
	self->policy.orders->tell = 4711;
	ASSERT_NE(0, fill_call(self, &self->call, 16 * MB));
	ASSERT_EQ(0, wait_event(&events, AGENTCG_EVENT_TYPE_POLICY_EVENT));
	EXPECT_EQ(4711, view_uint(nl_reply(&events), AGENTCG_A_EVENT_VALUE));
	EXPECT_EQ(self->call.id, view_uint(nl_reply(&events),
					   AGENTCG_A_EVENT_TOOL_ID));
	policy_stop(&self->policy);
	EXPECT_EQ(0, wait_event(&events, AGENTCG_EVENT_TYPE_POLICY_DETACHED));
	nl_close(&events);
}

/* ---- protection ---- */

static int wait_limit(const char *const path, const char *const file,
		      const uint64_t value)
{
	int i;

	for (i = 0; i < 400 && cg_read_u64(path, file) != value; i++)
		usleep(10000);
	return cg_read_u64(path, file) == value ? 0 : -ETIMEDOUT;
}

TEST_F_TIMEOUT(policy, protects_and_gives_back, 60)
{
	begin(_metadata, self, intent_of(8 * MB, 200 * MB, LONG_STALL));
	ASSERT_EQ(0, cg_write_u64(self->call.path, "memory.low", 4 * MB));
	start_policy(_metadata, self, 0);
	self->policy.orders->low = 1;
	self->policy.orders->min = 1;
	EXPECT_EQ(0, wait_limit(self->call.path, "memory.low", UINT64_MAX));
	EXPECT_EQ(0, wait_limit(self->session.path, "memory.low", UINT64_MAX));
	EXPECT_EQ(0, wait_limit(self->session.agent, "memory.low", UINT64_MAX));
	/* No more than there is credit for. */
	EXPECT_EQ(0, wait_limit(self->call.path, "memory.min", 8 * MB));
	self->policy.orders->min = 0;
	EXPECT_EQ(0, wait_limit(self->call.path, "memory.min", 0));
	EXPECT_EQ(UINT64_MAX, cg_read_u64(self->call.path, "memory.low"));
	policy_stop(&self->policy);
	EXPECT_EQ(4 * MB, cg_read_u64(self->call.path, "memory.low"));
	EXPECT_EQ(0, cg_read_u64(self->session.path, "memory.low"));
	EXPECT_EQ(0, cg_read_u64(self->session.agent, "memory.low"));
}

/* The kernel counts what a store has set as it counts what a write has. */
TEST_F_TIMEOUT(policy, protection_works, 60)
{
	begin(_metadata, self, intent_of(64 * MB, 200 * MB, LONG_STALL));
	start_policy(_metadata, self, 0);
	self->policy.orders->low = 1;
	*self->filler = (struct filler){ .total = 32 * MB, .stay = true };
	ASSERT_LT(0, cg_spawn(self->call.fd, run_filler, self->filler));
	ASSERT_EQ(0, wait_for(&self->filler->ended, 1, 20000));
	ASSERT_EQ(0, wait_limit(self->call.path, "memory.low", UINT64_MAX));
	/* Writing it anew propagates; a difference would show as an underflow. */
	EXPECT_EQ(0, cg_write(self->call.path, "memory.low", "max"));
	policy_stop(&self->policy);
	EXPECT_EQ(0, session_del(&self->nl, &self->session));
	EXPECT_EQ(0, cg_read_u64(self->call.path, "memory.low"));
}

/* ---- the policies that are shipped ---- */

/* Two calls that fill memory at the same time. */
FIXTURE(shipped) {
	struct nl nl;
	struct session session;
	struct call calls[2];
	struct filler *fillers;
	struct bpf_object *object;
	struct bpf_link *link;
};

FIXTURE_SETUP(shipped)
{
	ASSERT_EQ(0, setup(&self->nl));
	self->fillers = shared_alloc(2 * sizeof(*self->fillers));
	ASSERT_EQ(0, cg_write(PARAMETERS, "policy_bound_ns", "20000000"));
	self->object = NULL;
	self->link = NULL;
}

FIXTURE_TEARDOWN(shipped)
{
	bpf_link__destroy(self->link);
	bpf_object__close(self->object);
	cg_write(PARAMETERS, "policy_bound_ns", "100000");
	teardown(&self->nl);
}

static void start_shipped(struct __test_metadata *const _metadata,
			  FIXTURE_DATA(shipped) *const self,
			  const char *const name, const uint64_t budget,
			  const struct intent *const intents)
{
	char path[128];
	int i;

	said[0] = '\0';
	libbpf_set_print(listen_to);
	snprintf(path, sizeof(path), "/usr/lib/agentcg/bpf/policy/%s.bpf.o", name);
	self->object = bpf_object__open_file(path, NULL);
	ASSERT_NE(NULL, self->object);
	ASSERT_EQ(0, bpf_object__load(self->object)) {
		TH_LOG("%s", said);
	}
	self->link = bpf_map__attach_struct_ops(
		bpf_object__find_map_by_name(self->object, name));
	ASSERT_NE(NULL, self->link);
	ASSERT_EQ(0, session_start(&self->nl, &self->session, "shipped", budget));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, call_start(&self->nl, &self->session,
					&self->calls[i], i ? "second" : "first",
					&intents[i]));
}

/* The second a little after the first, both to the end. */
static void fill_both(struct __test_metadata *const _metadata,
		      FIXTURE_DATA(shipped) *const self, const uint64_t bytes)
{
	int i;

	for (i = 0; i < 2; i++) {
		self->fillers[i] = (struct filler){ .total = bytes };
		ASSERT_LT(0, cg_spawn(self->calls[i].fd, run_filler,
				      &self->fillers[i]));
		ASSERT_EQ(0, wait_for(&self->fillers[i].done, 8 * MB, 20000));
	}
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, wait_for(&self->fillers[i].ended, 1, 60000));
	ASSERT_EQ(0, session_balances(&self->nl, &self->session));
}

static uint64_t stalled(FIXTURE_DATA(shipped) *const self, const int i)
{
	return call_figure(&self->nl, &self->calls[i],
			   AGENTCG_A_TOOL_STALL_TOTAL);
}

/*
 * Grows until @stay is taken back, and no faster than that it asks for credit several
 * times in the moment for which it counts as growing.
 */
static int grow(void *const arg)
{
	volatile struct filler *const filler = arg;

	while (filler->stay && filler->done < filler->total) {
		fill(2 * MB);
		filler->done += 2 * MB;
		usleep(50000);
	}
	filler->ended = now_ns();
	return 0;
}

/* The second beside the first, which grows for as long. */
static void fill_beside(struct __test_metadata *const _metadata,
			FIXTURE_DATA(shipped) *const self, const uint64_t bytes)
{
	self->fillers[0] = (struct filler){ .total = 400 * MB, .stay = true };
	self->fillers[1] = (struct filler){ .total = bytes };
	ASSERT_LT(0, cg_spawn(self->calls[0].fd, grow, &self->fillers[0]));
	ASSERT_EQ(0, wait_for(&self->fillers[0].done, 8 * MB, 20000));
	ASSERT_LT(0, cg_spawn(self->calls[1].fd, run_filler, &self->fillers[1]));
	ASSERT_EQ(0, wait_for(&self->fillers[1].ended, 1, 60000));
	self->fillers[0].stay = false;
	ASSERT_EQ(0, wait_for(&self->fillers[0].ended, 1, 60000));
	ASSERT_EQ(0, session_balances(&self->nl, &self->session));
}

/* LOW waits while HIGH grows, HIGH never does, and is protected. */
TEST_F_TIMEOUT(shipped, priority, 120)
{
	struct intent intents[2] = {
		intent_of(4 * MB, 400 * MB, LONG_STALL),
		intent_of(4 * MB, 400 * MB, LONG_STALL),
	};

	intents[0].set |= SET(CLASS);
	intents[0].class = AGENTCG_CLASS_LATENCY;
	start_shipped(_metadata, self, "priority", 1024 * MB, intents);
	fill_beside(_metadata, self, scaled(160 * MB));
	EXPECT_EQ(0, stalled(self, 0));
	EXPECT_LE(50 * MS, stalled(self, 1));
	EXPECT_EQ(0, wait_limit(self->calls[0].path, "memory.low", UINT64_MAX));
	EXPECT_EQ(0, cg_read_u64(self->calls[1].path, "memory.low"));
}

/* Who was first has not taken all: there is something left up to one's share. */
TEST_F_TIMEOUT(shipped, fair, 120)
{
	const struct intent intents[2] = {
		intent_of(4 * MB, 400 * MB, 200 * MS),
		intent_of(4 * MB, 400 * MB, LONG_STALL),
	};

	start_shipped(_metadata, self, "fair", 128 * MB, intents);
	/* The first wants twice its share, and stays. */
	self->fillers[0] = (struct filler){ .total = 100 * MB, .stay = true };
	ASSERT_LT(0, cg_spawn(self->calls[0].fd, run_filler, &self->fillers[0]));
	ASSERT_EQ(0, wait_for(&self->fillers[0].done, 64 * MB, 20000));
	EXPECT_LE(8 * MB, (session_get(&self->nl, &self->session),
			   reply_figure(&self->nl, AGENTCG_A_SESSION_FREE)));
	self->fillers[1] = (struct filler){ .total = 12 * MB, .stay = true };
	ASSERT_LT(0, cg_spawn(self->calls[1].fd, run_filler, &self->fillers[1]));
	EXPECT_EQ(0, wait_for(&self->fillers[1].ended, 1, 20000));
	EXPECT_EQ(0, session_balances(&self->nl, &self->session));
}

/* Where it gets short, who has less time left waits less. */
TEST_F_TIMEOUT(shipped, deadline, 120)
{
	struct intent intents[2] = {
		intent_of(4 * MB, 400 * MB, LONG_STALL),
		intent_of(4 * MB, 400 * MB, LONG_STALL),
	};

	intents[0].set |= SET(DEADLINE);
	intents[0].deadline = 100000 * MS;
	start_shipped(_metadata, self, "deadline", 256 * MB, intents);
	fill_both(_metadata, self, scaled(112 * MB));
	/* Under the debug kernel a policy may take too long, and is detached. */
	if (slow() > 1)
		return;
	EXPECT_LE(20 * MS, stalled(self, 1));
	EXPECT_GT(stalled(self, 1), stalled(self, 0));
}

/* ---- attaching ---- */

static int policy_get(struct nl *const nl, const uint64_t session_id)
{
	struct msg msg;

	msg_init(&msg, AGENTCG_CMD_POLICY_GET);
	if (session_id)
		msg_u64(&msg, AGENTCG_A_POLICY_SESSION_ID, session_id);
	return nl_do(nl, &msg);
}

TEST_F_TIMEOUT(policy, of_a_session_comes_before_the_nodes, 60)
{
	struct nl *const nl = &self->nl;

	begin(_metadata, self, intent_of(8 * MB, 200 * MB, LONG_STALL));
	EXPECT_EQ(AGENTCG_CAPABILITY_KFUNCS | AGENTCG_CAPABILITY_POLICIES,
		  info_figure(nl, AGENTCG_A_INFO_CAPABILITIES) &
		  (AGENTCG_CAPABILITY_KFUNCS | AGENTCG_CAPABILITY_POLICIES));
	EXPECT_EQ(-ENOENT, policy_get(nl, 0));
	start_policy(_metadata, self, 0);
	ASSERT_EQ(0, policy_start(&self->other, self->session.id));
	ASSERT_NE(0, fill_call(self, &self->call, 32 * MB));
	EXPECT_EQ(0, self->policy.report->over_high);
	EXPECT_LE(1, self->other.report->over_high);
	ASSERT_EQ(0, policy_get(nl, 0));
	EXPECT_STREQ("test", view_string(nl_reply(nl), AGENTCG_A_POLICY_NAME));
	EXPECT_FALSE(view_has(nl_reply(nl), AGENTCG_A_POLICY_SESSION_ID));
	ASSERT_EQ(0, policy_get(nl, self->session.id));
	EXPECT_EQ(self->session.id, reply_figure(nl, AGENTCG_A_POLICY_SESSION_ID));
	EXPECT_LE(1, reply_figure(nl, AGENTCG_A_POLICY_CALLS));
	EXPECT_LE(1, reply_figure(nl, AGENTCG_A_POLICY_LINK));
	policy_stop(&self->other);
	EXPECT_EQ(-ENOENT, policy_get(nl, self->session.id));
	ASSERT_NE(0, fill_call(self, &self->call, 96 * MB));
	EXPECT_LE(1, self->policy.report->over_high);
}

TEST_F(policy, second_one_is_refused)
{
	begin(_metadata, self, intent_of(8 * MB, 200 * MB, LONG_STALL));
	start_policy(_metadata, self, self->session.id);
	ASSERT_EQ(0, policy_load(&self->other, self->session.id));
	EXPECT_EQ(-EEXIST, policy_attach(&self->other));
	policy_stop(&self->other);
	policy_stop(&self->policy);
	/* Its place is free again. */
	EXPECT_EQ(0, policy_start(&self->other, self->session.id));
}

TEST_F(policy, unknown_session_is_refused)
{
	begin(_metadata, self, intent_of(8 * MB, 200 * MB, LONG_STALL));
	ASSERT_EQ(0, policy_load(&self->policy, 1));
	EXPECT_EQ(-ENOENT, policy_attach(&self->policy));
	policy_stop(&self->policy);
	ASSERT_EQ(0, policy_load(&self->policy, self->call.id));
	EXPECT_EQ(-ENOENT, policy_attach(&self->policy));
}

TEST_F_TIMEOUT(policy, is_updated_in_place, 60)
{
	begin(_metadata, self, intent_of(8 * MB, 200 * MB, LONG_STALL));
	start_policy(_metadata, self, self->session.id);
	ASSERT_EQ(0, policy_load(&self->other, self->session.id));
	ASSERT_EQ(0, bpf_link__update_map(self->policy.link, self->other.map));
	ASSERT_NE(0, fill_call(self, &self->call, 32 * MB));
	EXPECT_EQ(0, self->policy.report->over_high);
	EXPECT_LE(1, self->other.report->over_high);
	policy_stop(&self->other);
	/* To decide for somebody else is no update. */
	ASSERT_EQ(0, policy_load(&self->other, 0));
	EXPECT_EQ(-EINVAL, bpf_link__update_map(self->policy.link,
						self->other.map));
}

/* Whoever polls the link is told that it has gone. */
static bool hangs_up(const struct policy *const policy, const int ms)
{
	struct pollfd poll_fd = { .fd = bpf_link__fd(policy->link) };

	return poll(&poll_fd, 1, ms) == 1 && poll_fd.revents & POLLHUP;
}

TEST_F_TIMEOUT(policy, goes_with_its_session, 60)
{
	begin(_metadata, self, intent_of(8 * MB, 200 * MB, LONG_STALL));
	start_policy(_metadata, self, self->session.id);
	EXPECT_FALSE(hangs_up(&self->policy, 0));
	ASSERT_EQ(0, session_del(&self->nl, &self->session));
	EXPECT_TRUE(hangs_up(&self->policy, 10000));
	EXPECT_EQ(-ENOENT, policy_get(&self->nl, self->session.id));
}

/* It is too slow three times, then the built-in policy decides. */
TEST_F_TIMEOUT(policy, slow_one_is_detached, 90)
{
	struct nl *const nl = &self->nl;

	ASSERT_EQ(0, cg_write(PARAMETERS, "policy_bound_ns", "100000"));
	start_policy(_metadata, self, 0);
	self->policy.orders->spin = 1000000;
	self->policy.orders->verdict = AGENTCG_POLICY_GRANT;
	self->policy.orders->bytes = 1 * MB;
	begin(_metadata, self, intent_of(8 * MB, 200 * MB, LONG_STALL));
	ASSERT_NE(0, fill_call(self, &self->call, 128 * MB));
	EXPECT_LE(1, self->policy.report->over_high);
	/* Other questions may have been slow too; the last were under way. */
	EXPECT_GE(6, self->policy.report->over_high);
	EXPECT_TRUE(hangs_up(&self->policy, 10000));
	EXPECT_EQ(-ENOENT, policy_get(nl, 0));
	EXPECT_EQ(0, session_balances(nl, &self->session));
}

static void *beat_policy(void *const arg)
{
	volatile bool *const stop = arg;
	struct policy policy;

	while (!*stop) {
		if (!policy_start(&policy, 0))
			usleep(2000);
		policy_stop(&policy);
	}
	return NULL;
}

static int burst_for_ever(void *const arg)
{
	volatile uint64_t *const beats = arg;

	for (;;) {
		char *const at = fill(24 * MB);

		munmap(at, 24 * MB);
		++*beats;
	}
	return 0;
}

/* It comes and goes while calls are decided on both processors. */
TEST_F_TIMEOUT(policy, detaches_under_load, 180)
{
	const struct intent intent = intent_of(4 * MB, 64 * MB, LONG_STALL);
	volatile uint64_t *const beats = shared_alloc(sizeof(*beats));
	struct nl *const nl = &self->nl;
	static volatile bool stop;
	pthread_t thread;
	unsigned int i;

	begin(_metadata, self, intent);
	ASSERT_EQ(0, call_start(nl, &self->session, &self->sibling, "sibling",
				&intent));
	ASSERT_LT(0, cg_spawn(self->call.fd, burst_for_ever, (void *)beats));
	ASSERT_LT(0, cg_spawn(self->sibling.fd, burst_for_ever, (void *)beats));
	stop = false;
	ASSERT_EQ(0, pthread_create(&thread, NULL, beat_policy, (void *)&stop));
	for (i = 0; i < rounds(slow() > 1 ? 3 : 10); i++) {
		EXPECT_EQ(0, wait_for(beats, *beats + 5, 60000));
		EXPECT_EQ(0, session_balances(nl, &self->session));
	}
	stop = true;
	pthread_join(thread, NULL);
	EXPECT_EQ(0, wait_for(beats, *beats + 5, 60000));
}

/* An attached policy keeps the module; one that has gone does not for long. */
TEST_F_TIMEOUT(policy, pins_the_module, 120)
{
	start_policy(_metadata, self, 0);
	nl_close(&self->nl);
	EXPECT_NE(0, system("rmmod agentcg 2>/dev/null"));
	EXPECT_TRUE(module_loaded());
	policy_stop(&self->policy);
	EXPECT_EQ(0, module_unload());
	EXPECT_EQ(0, module_load(""));
	ASSERT_EQ(0, nl_open(&self->nl));
}

TEST_HARNESS_MAIN
