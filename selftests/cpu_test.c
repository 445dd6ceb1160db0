// SPDX-License-Identifier: GPL-2.0-only
/* Class and weight of a call as cpu.weight, cpu.idle and cpu.max.burst of its cgroup. */

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "fixture.h"

#define BUDGET		(128 * MB)
#define PATIENCE_MS	(5000 * (int)slow())

FIXTURE(cpu) {
	struct nl nl;
	struct session session;
	struct call call;
	struct call other;
};

FIXTURE_SETUP(cpu)
{
	ASSERT_EQ(0, setup(&self->nl));
	ASSERT_EQ(0, session_start(&self->nl, &self->session, "cpu", BUDGET));
}

FIXTURE_TEARDOWN(cpu)
{
	teardown(&self->nl);
}

/* A work writes them. */
static bool comes_to(const struct call *const call, const char *const file,
		     const uint64_t value)
{
	const uint64_t end = now_ns() + PATIENCE_MS * MS;

	while (cg_read_u64(call->path, file) != value) {
		if (now_ns() > end)
			return false;
		usleep(1000);
	}
	return true;
}

#define EXPECT_FILE(CALL, FILE, VALUE)					\
	EXPECT_TRUE(comes_to(CALL, FILE, VALUE)) {			\
		TH_LOG("%s is %llu", FILE, (unsigned long long)		\
		       cg_read_u64((CALL)->path, FILE));		\
	}

static void declare(struct __test_metadata *const _metadata,
		    FIXTURE_DATA(cpu) *const self, const uint32_t class,
		    const uint32_t weight)
{
	const struct intent intent = intent_cpu(class, weight);

	ASSERT_EQ(0, call_start(&self->nl, &self->session, &self->call, "call",
				&intent)) {
		TH_LOG("%s", self->nl.text);
	}
}

static void change(struct __test_metadata *const _metadata,
		   FIXTURE_DATA(cpu) *const self, const uint32_t class,
		   const uint32_t weight)
{
	const struct intent intent = intent_cpu(class, weight);

	ASSERT_EQ(0, call_set(&self->nl, &self->call, &intent));
}

TEST_F(cpu, of_every_class)
{
	declare(_metadata, self, AGENTCG_CLASS_INTERACTIVE, 100);
	EXPECT_FILE(&self->call, "cpu.weight", 1000);
	change(_metadata, self, AGENTCG_CLASS_LATENCY, 50);
	EXPECT_FILE(&self->call, "cpu.weight", 500);
	change(_metadata, self, AGENTCG_CLASS_BATCH, 300);
	EXPECT_FILE(&self->call, "cpu.weight", 300);
	change(_metadata, self, AGENTCG_CLASS_BESTEFFORT, 300);
	EXPECT_FILE(&self->call, "cpu.idle", 1);
	change(_metadata, self, AGENTCG_CLASS_LATENCY, 10000);
	EXPECT_FILE(&self->call, "cpu.weight", 10000);
	EXPECT_FILE(&self->call, "cpu.idle", 0);
	change(_metadata, self, AGENTCG_CLASS_BATCH, 100);
	EXPECT_FILE(&self->call, "cpu.weight", 100);
}

/* Only for those who are waited for, and no more than the kernel takes. */
TEST_F(cpu, burst)
{
	ASSERT_EQ(0, call_make(&self->session, &self->call, "call"));
	ASSERT_EQ(0, cg_write(self->call.path, "cpu.max", "30000 100000"));
	change(_metadata, self, AGENTCG_CLASS_LATENCY, 100);
	EXPECT_FILE(&self->call, "cpu.max.burst", 30000);
	change(_metadata, self, AGENTCG_CLASS_BATCH, 100);
	EXPECT_FILE(&self->call, "cpu.max.burst", 0);
	ASSERT_EQ(0, cg_write_u64(self->call.path, "cpu.max.burst", 20000));
	change(_metadata, self, AGENTCG_CLASS_BESTEFFORT, 100);
	EXPECT_FILE(&self->call, "cpu.idle", 1);
	EXPECT_EQ(20000, cg_read_u64(self->call.path, "cpu.max.burst"));
}

/* Or a quota that is set later would be refused. */
TEST_F(cpu, no_burst_without_a_quota)
{
	declare(_metadata, self, AGENTCG_CLASS_LATENCY, 100);
	EXPECT_FILE(&self->call, "cpu.weight", 1000);
	change(_metadata, self, AGENTCG_CLASS_INTERACTIVE, 50);
	EXPECT_FILE(&self->call, "cpu.weight", 500);
	EXPECT_EQ(0, cg_read_u64(self->call.path, "cpu.max.burst"));
	EXPECT_EQ(0, cg_write(self->call.path, "cpu.max", "1000 100000"));
}

/* Who declares nothing of the kind keeps what is there. */
TEST_F(cpu, of_others_is_kept)
{
	const struct intent intent = intent_of(8 * MB, 8 * MB, 100 * MS);
	const struct intent later = intent_cpu(AGENTCG_CLASS_LATENCY, 100);

	ASSERT_EQ(0, call_make(&self->session, &self->call, "call"));
	ASSERT_EQ(0, cg_write_u64(self->call.path, "cpu.weight", 55));
	ASSERT_EQ(0, call_set(&self->nl, &self->call, &intent));
	ASSERT_EQ(0, call_start(&self->nl, &self->session, &self->other, "other",
				&later));
	/* The works are done in turn. */
	EXPECT_FILE(&self->other, "cpu.weight", 1000);
	EXPECT_EQ(55, cg_read_u64(self->call.path, "cpu.weight"));
}

/* There is no file, and a call without weights. */
TEST_F(cpu, without_the_controller)
{
	ASSERT_EQ(0, cg_write(self->session.path, "cgroup.subtree_control",
			      "-cpu"));
	declare(_metadata, self, AGENTCG_CLASS_BESTEFFORT, 100);
	change(_metadata, self, AGENTCG_CLASS_LATENCY, 100);
	EXPECT_EQ(0, call_get(&self->nl, &self->call));
	ASSERT_EQ(0, call_end(&self->nl, &self->call));
	EXPECT_EQ(AGENTCG_CAUSE_EMPTY,
		  reply_figure(&self->nl, AGENTCG_A_TOOL_CAUSE));
}

/* Calls that change, and end, while the work is under way. */
TEST_F_TIMEOUT(cpu, churn, 120)
{
	const unsigned int all = rounds(200 / slow());
	unsigned int i;

	for (i = 0; i < all; i++) {
		declare(_metadata, self, AGENTCG_CLASS_BESTEFFORT, 100);
		change(_metadata, self, AGENTCG_CLASS_INTERACTIVE, 1 + i);
		if (i % 2)
			change(_metadata, self, AGENTCG_CLASS_BATCH, 100);
		ASSERT_EQ(0, call_end(&self->nl, &self->call));
	}
	EXPECT_EQ(0, session_balances(&self->nl, &self->session));
}

static int spin(void *const arg)
{
	cpu_set_t first;

	CPU_ZERO(&first);
	CPU_SET(0, &first);
	if (sched_setaffinity(0, sizeof(first), &first))
		return 1;
	for (;;)
		;
	return 0;
}

/* On one processor, the one who is waited for has most of it. */
TEST_F_TIMEOUT(cpu, shares, 60)
{
	const struct intent batch = intent_cpu(AGENTCG_CLASS_BATCH, 100);
	uint64_t latency_us, batch_us;

	declare(_metadata, self, AGENTCG_CLASS_LATENCY, 100);
	ASSERT_EQ(0, call_start(&self->nl, &self->session, &self->other, "other",
				&batch));
	EXPECT_FILE(&self->call, "cpu.weight", 1000);
	ASSERT_LT(0, cg_spawn(self->call.fd, spin, NULL));
	ASSERT_LT(0, cg_spawn(self->other.fd, spin, NULL));
	sleep(3);
	latency_us = cg_read_key(self->call.path, "cpu.stat", "usage_usec");
	batch_us = cg_read_key(self->other.path, "cpu.stat", "usage_usec");
	EXPECT_LT(5 * batch_us, latency_us);
	EXPECT_LT(0, batch_us);
}

TEST_HARNESS_MAIN
