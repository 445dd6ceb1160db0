// SPDX-License-Identifier: GPL-2.0-only
/*
 * The scheduler: what it owes every cgroup, what it does for calls that are waited
 * for, and that it comes and goes under load.
 *
 * Shares are taken over a window, and again if they are not right: whatever stops the
 * whole guest for a while, and a busy machine does so for a second, is charged to
 * whoever was running and made up for later.  So a right scheduler is right in one
 * window of several, or in all of them together; a wrong one never is.
 */

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "fixture.h"

#define OTHER		"/usr/libexec/agentcg/selftests/bpf/other.bpf.o"
#define STATE		"/sys/kernel/sched_ext"
#define KERNEL		"/proc/sys/kernel"
#define DEBUG		"/sys/kernel/debug"
#define SERVER		DEBUG "/sched/ext_server/cpu0"
#define BUDGET		(256 * MB)
#define LIMIT_S		600
/* Of those that have a long form. */
#define LONG_S		7200
#define MAX_GROUPS	8
#define WINDOWS		15
#define WINDOW_MS	1000

/* Of 10,000: 2 % of the whole. */
#define NEAR		200

/* Also while it comes or goes. */
static bool attached(void)
{
	char state[32];

	return strcmp(cg_read(STATE, "state", state, sizeof(state)), "disabled");
}

static int agentcg(const char *const command)
{
	char text[256];

	snprintf(text, sizeof(text), "agentcg %s >/dev/null 2>&1", command);
	return system(text);
}

/* Whether what a command says has these words in it. */
static bool tells(const char *const command, const char *const words)
{
	char text[4096];
	FILE *const pipe = popen(command, "r");
	size_t len = 0;

	if (pipe) {
		len = fread(text, 1, sizeof(text) - 1, pipe);
		pclose(pipe);
	}
	text[len] = '\0';
	return strstr(text, words);
}

/* Return: what sched stat tells of @name. */
static uint64_t counted(const char *const name)
{
	FILE *const pipe = popen("agentcg sched stat", "r");
	unsigned long long value, found = 0;
	char line[80], key[32];

	while (pipe && fgets(line, sizeof(line), pipe))
		if (sscanf(line, "%31s %llu", key, &value) == 2 && !strcmp(key, name))
			found = value;
	if (pipe)
		pclose(pipe);
	return found;
}

/* Whether the running kernel's struct @name has such a member. */
static bool kernel_has(const char *const name, const char *const member)
{
	struct btf *const btf = btf__load_vmlinux_btf();
	const int id = btf ? btf__find_by_name_kind(btf, name, BTF_KIND_STRUCT) : -1;
	const struct btf_type *const type = id < 0 ? NULL : btf__type_by_id(btf, id);
	bool found = false;
	int i;

	for (i = 0; type && i < btf_vlen(type); i++)
		found |= !strcmp(member, btf__name_by_offset(btf, btf_members(type)[i].name_off));
	btf__free(btf);
	return found;
}

static void pin_to(const int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		_exit(1);
}

static int spin(void *const arg)
{
	pin_to(0);
	for (;;)
		;
	return 0;
}

/**
 * struct group - a cgroup with somebody in it
 * @path: of it
 * @before: what it had used when the window began
 * @used: in the window
 * @total: in all windows of a share
 */
struct group {
	char path[CG_PATH_MAX];
	uint64_t before;
	uint64_t used;
	uint64_t total;
};

FIXTURE(sched) {
	struct nl nl;
	struct session session;
	struct call call;
	struct call other;
	struct group groups[MAX_GROUPS];
	int nr_groups;
};

/*
 * It stays for the next test, for it takes seconds to load, and on the debug kernel up
 * to a minute; the fixture after this one unloads it.
 */
FIXTURE_SETUP(sched)
{
	if (access(STATE, F_OK))
		SKIP(return, "the kernel has no sched_ext");
	ASSERT_EQ(0, setup(&self->nl));
	self->nr_groups = 0;
	ASSERT_EQ(0, session_start(&self->nl, &self->session, "sched", BUDGET));
	if (attached())
		return;
	ASSERT_EQ(0, agentcg("sched load"));
	ASSERT_TRUE(attached());
}

FIXTURE_TEARDOWN(sched)
{
	if (access(STATE, F_OK))
		return;
	/* What one that has ended by itself has left. */
	if (!attached())
		agentcg("sched unload");
	teardown(&self->nl);
}

/* A cgroup below CG_BASE, with a controller for those below it. */
static struct group *make(struct __test_metadata *const _metadata,
			  FIXTURE_DATA(sched) *const self, const char *const name,
			  const char *const file, const char *const value)
{
	struct group *const group = &self->groups[self->nr_groups];

	snprintf(group->path, sizeof(group->path), "%s/%s", CG_BASE, name);
	ASSERT_EQ(0, cg_make(group->path));
	ASSERT_EQ(0, cg_write(group->path, file, value));
	return group;
}

static int spawn_spinner(const char *const path)
{
	const int fd = cg_open(path);
	const pid_t pid = fd < 0 ? -1 : cg_spawn(fd, spin, NULL);

	close(fd);
	return pid;
}

/* The same, with somebody in it who never stops. */
static struct group *load(struct __test_metadata *const _metadata,
			  FIXTURE_DATA(sched) *const self, const char *const name,
			  const char *const file, const char *const value)
{
	struct group *const group = make(_metadata, self, name, file, value);

	self->nr_groups++;
	ASSERT_LT(0, spawn_spinner(group->path));
	return group;
}

static uint64_t usage(const char *const path)
{
	return cg_read_key(path, "cpu.stat", "usage_usec");
}

/* One window; Return: how long it was, us. */
static uint64_t measure(FIXTURE_DATA(sched) *const self)
{
	const uint64_t begin = now_ns();
	int i;

	for (i = 0; i < self->nr_groups; i++)
		self->groups[i].before = usage(self->groups[i].path);
	usleep(WINDOW_MS * 1000);
	for (i = 0; i < self->nr_groups; i++)
		self->groups[i].used = usage(self->groups[i].path) -
				       self->groups[i].before;
	return (now_ns() - begin) / 1000;
}

static bool is_near(FIXTURE_DATA(sched) *const self, const int *const due,
		    const bool total)
{
	uint64_t used[MAX_GROUPS], sum = 0;
	int i;

	for (i = 0; i < self->nr_groups; i++) {
		used[i] = total ? self->groups[i].total : self->groups[i].used;
		sum += used[i];
	}
	for (i = 0; i < self->nr_groups; i++)
		if (!sum || abs((int)(used[i] * 10000 / sum) - due[i]) > NEAR)
			return false;
	return true;
}

/* One window more. */
static void measure_more(FIXTURE_DATA(sched) *const self)
{
	int i;

	measure(self);
	for (i = 0; i < self->nr_groups; i++)
		self->groups[i].total += self->groups[i].used;
}

/* Whether each comes to its due, in parts of 10,000. */
static bool comes_to(struct __test_metadata *const _metadata,
		     FIXTURE_DATA(sched) *const self, const int *const due)
{
	int window, i;

	for (i = 0; i < self->nr_groups; i++)
		self->groups[i].total = 0;
	for (window = 0; window < WINDOWS; window++) {
		measure_more(self);
		if (is_near(self, due, false) || is_near(self, due, true))
			return true;
	}
	for (i = 0; i < self->nr_groups; i++)
		TH_LOG("%s: %llu us in all, its due is %d of 10000",
		       self->groups[i].path,
		       (unsigned long long)self->groups[i].total, due[i]);
	return false;
}

TEST_F_TIMEOUT(sched, weights, LIMIT_S)
{
	static const int due[] = { 1667, 3333, 5000 };

	load(_metadata, self, "w100", "cpu.weight", "100");
	load(_metadata, self, "w200", "cpu.weight", "200");
	load(_metadata, self, "w300", "cpu.weight", "300");
	EXPECT_TRUE(comes_to(_metadata, self, due));
}

TEST_F_TIMEOUT(sched, three_levels, LIMIT_S)
{
	static const int due[] = { 5000, 2500, 1667, 833 };

	ASSERT_EQ(0, cg_feed(make(_metadata, self, "a", "cpu.weight", "300")->path));
	ASSERT_EQ(0, cg_feed(make(_metadata, self, "b", "cpu.weight", "100")->path));
	load(_metadata, self, "a/x", "cpu.weight", "200");
	load(_metadata, self, "a/y", "cpu.weight", "100");
	load(_metadata, self, "b/x", "cpu.weight", "200");
	load(_metadata, self, "b/y", "cpu.weight", "100");
	EXPECT_TRUE(comes_to(_metadata, self, due));
}

/* Whether the only one there comes to so much of a processor, of 10,000. */
static bool comes_to_quota(struct __test_metadata *const _metadata,
			   FIXTURE_DATA(sched) *const self, const int due)
{
	uint64_t length = 0, used = 0;
	int window;

	for (window = 0; window < WINDOWS; window++) {
		length += measure(self);
		used += self->groups[0].used;
		if (abs((int)(used * 10000 / length) - due) <= NEAR)
			return true;
	}
	TH_LOG("%llu us of %llu, its due is %d of 10000",
	       (unsigned long long)used, (unsigned long long)length, due);
	return false;
}

/* Of 10,000, beside one of nice 0: 335 to 1024, in the kernel's units of 100 33 to 100. */
#define NICE		5
#define DUE_OF_NICE	2481

static int spin_nicely(void *const arg)
{
	setpriority(PRIO_PROCESS, 0, NICE);
	return spin(NULL);
}

static uint64_t time_of(const pid_t pid)
{
	struct timespec spent = { };
	clockid_t clock;

	if (!clock_getcpuclockid(pid, &clock))
		clock_gettime(clock, &spent);
	return spent.tv_sec * 1000000000ull + spent.tv_nsec;
}

/* Of two in one cgroup. */
TEST_F_TIMEOUT(sched, nice, LIMIT_S)
{
	struct group *const group = make(_metadata, self, "both", "cpu.weight", "100");
	const pid_t one = spawn_spinner(group->path);
	const int fd = cg_open(group->path);
	const pid_t other = cg_spawn(fd, spin_nicely, NULL);
	uint64_t of_one, of_other, share = 0;
	int window;

	close(fd);
	ASSERT_LT(0, one);
	ASSERT_LT(0, other);
	usleep(100000);
	of_one = time_of(one);
	of_other = time_of(other);
	for (window = 0; window < WINDOWS; window++) {
		usleep(WINDOW_MS * 1000);
		share = (time_of(other) - of_other) * 10000 /
			(time_of(one) - of_one + time_of(other) - of_other);
		if (abs((int)share - DUE_OF_NICE) <= NEAR)
			break;
	}
	EXPECT_GT(WINDOWS, window) {
		TH_LOG("%llu of 10000", (unsigned long long)share);
	}
}

TEST_F_TIMEOUT(sched, weight_nice, LIMIT_S)
{
	load(_metadata, self, "zero", "cpu.weight.nice", "0");
	load(_metadata, self, "five", "cpu.weight.nice", "5");
	EXPECT_TRUE(comes_to(_metadata, self,
			     (const int[]) { 10000 - DUE_OF_NICE, DUE_OF_NICE }));
}

/* Nobody else is there; then somebody who would use up what is left. */
TEST_F_TIMEOUT(sched, cpu_max, LIMIT_S)
{
	struct group *const group = load(_metadata, self, "max", "cpu.max",
					 "30000 100000");

	EXPECT_TRUE(comes_to_quota(_metadata, self, 3000));
	load(_metadata, self, "more", "cpu.weight", "100");
	EXPECT_TRUE(comes_to(_metadata, self, (const int[]) { 3000, 7000 }));
	ASSERT_EQ(0, cg_write(group->path, "cpu.max", "max"));
	EXPECT_TRUE(comes_to(_metadata, self, (const int[]) { 5000, 5000 }));
}

/* The kernel takes no less than a millisecond, and that little is kept to. */
TEST_F_TIMEOUT(sched, least_quota, LIMIT_S)
{
	struct group *const group = load(_metadata, self, "max", "cpu.max", "1000 1000000");

	EXPECT_EQ(-EINVAL, cg_write(group->path, "cpu.max", "1 1000000"));
	measure(self);
	measure(self);
	/* It is stopped by a tick, of 4 ms, and pays that back. */
	EXPECT_GT(WINDOW_MS * 1000 / 20 * slow(), group->used);
	EXPECT_TRUE(attached());
	/* Before 6.17 it is looked up by the next one who runs, and that may be in seconds. */
	if (!kernel_has("sched_ext_ops", "cgroup_set_bandwidth"))
		SKIP(return, "the kernel does not tell of a new cpu.max");
	ASSERT_EQ(0, cg_write(group->path, "cpu.max", "max"));
	measure(self);
	EXPECT_LT(WINDOW_MS * 1000 / 2 / slow(), group->used);
}

/* Where who waits for a lock has to have it: a slice of somebody else's, and more. */
#define LOCK_WAIT_NS	(10 * MS)
#define LOCK_TIMES	1000

/* Makes and removes cgroups, so that it has cgroup_mutex most of the time. */
static int hold_cgroup_mutex(void *const arg)
{
	pin_to(0);
	for (;;) {
		mkdir(CG_BASE "/max/inner", 0755);
		rmdir(CG_BASE "/max/inner");
	}
	return 0;
}

static int take_cgroup_mutex(const pid_t holder)
{
	return mkdir(CG_BASE "/outer", 0755) || rmdir(CG_BASE "/outer");
}

/* Changes what may be done with many pages, with its mmap_lock. */
static int hold_mmap_lock(void *const arg)
{
	/* To fill it is a debt, too. */
	const size_t size = (slow() > 1 ? 4 : 64) * MB;
	void *const pages = mmap(NULL, size, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	pin_to(0);
	for (;;) {
		mprotect(pages, size, PROT_READ);
		mprotect(pages, size, PROT_READ | PROT_WRITE);
	}
	return 0;
}

static int take_mmap_lock(const pid_t holder)
{
	char path[64], line[64];
	FILE *file;
	int err = 0;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", holder);
	file = fopen(path, "r");
	if (!file || !fgets(line, sizeof(line), file))
		err = -1;
	if (file)
		fclose(file);
	return err;
}

/*
 * One with hardly any quota who is inside the kernel nearly all of the time gets no more
 * than that, and is not stopped while he has what others wait for.
 */
static void hold(struct __test_metadata *const _metadata,
		 FIXTURE_DATA(sched) *const self, int (*const fn)(void *arg),
		 int (*const take)(pid_t holder))
{
	struct group *const group = make(_metadata, self, "max", "cpu.max",
					 "5000 100000");
	const int fd = cg_open(group->path);
	const pid_t holder = cg_spawn(fd, fn, NULL);
	const int times = slow() > 1 ? LOCK_TIMES / 20 : LOCK_TIMES;
	uint64_t begin, longest = 0;
	int i;

	close(fd);
	self->nr_groups++;
	ASSERT_LT(0, holder);
	usleep(500000);
	for (i = 0; i < times; i++) {
		begin = now_ns();
		ASSERT_EQ(0, take(holder));
		if (now_ns() - begin > longest)
			longest = now_ns() - begin;
		usleep(1000);
	}
	EXPECT_TRUE(comes_to_quota(_metadata, self, 500));
	/* An emulator that is slow is later by itself. */
	if (getenv("AGENTCG_TEST_EXACT"))
		EXPECT_GE(LOCK_WAIT_NS, longest);
	TH_LOG("longest wait %llu us", (unsigned long long)longest / 1000);
}

TEST_F_TIMEOUT(sched, holder_of_cgroup_mutex, LIMIT_S)
{
	hold(_metadata, self, hold_cgroup_mutex, take_cgroup_mutex);
}

TEST_F_TIMEOUT(sched, holder_of_mmap_lock, LIMIT_S)
{
	hold(_metadata, self, hold_mmap_lock, take_mmap_lock);
}

/*
 * Whether the first of two has at least half of the 1/64 that is stated, since the
 * last comes_to().  It comes in slices: a window may be without one.
 */
static bool has_idle_share(FIXTURE_DATA(sched) *const self)
{
	const struct group *const idle = &self->groups[0], *const busy = &self->groups[1];
	int window;

	for (window = 0; window < WINDOWS; window++) {
		if (idle->total * 128 > idle->total + busy->total)
			return true;
		measure_more(self);
	}
	return false;
}

TEST_F_TIMEOUT(sched, cpu_idle, LIMIT_S)
{
	struct group *const idle = load(_metadata, self, "idle", "cpu.idle", "1");

	load(_metadata, self, "busy", "cpu.weight", "100");
	EXPECT_TRUE(comes_to(_metadata, self, (const int[]) { 156, 9844 }));
	EXPECT_TRUE(has_idle_share(self));
	ASSERT_EQ(0, cg_write(idle->path, "cpu.idle", "0"));
	EXPECT_TRUE(comes_to(_metadata, self, (const int[]) { 5000, 5000 }));
}

/* A weight that is changed, and a task that is moved, while it runs. */
TEST_F_TIMEOUT(sched, changes, LIMIT_S)
{
	struct group *const group = load(_metadata, self, "one", "cpu.weight", "100");
	pid_t pid;

	load(_metadata, self, "two", "cpu.weight", "100");
	EXPECT_TRUE(comes_to(_metadata, self, (const int[]) { 5000, 5000 }));
	ASSERT_EQ(0, cg_write(group->path, "cpu.weight", "300"));
	EXPECT_TRUE(comes_to(_metadata, self, (const int[]) { 7500, 2500 }));
	pid = cg_read_u64(group->path, "cgroup.procs");
	load(_metadata, self, "three", "cpu.weight", "400");
	ASSERT_EQ(0, cg_write_u64(self->groups[2].path, "cgroup.procs", pid));
	EXPECT_TRUE(comes_to(_metadata, self, (const int[]) { 0, 2000, 8000 }));
}

/*
 * One who is raised has not to wait for what he had by his small weight: a slice by that is
 * as much as forty seconds of somebody with the large one.
 */
TEST_F_TIMEOUT(sched, raised, LIMIT_S)
{
	struct group *const group = load(_metadata, self, "raised", "cpu.weight", "1");
	struct group *const other = load(_metadata, self, "other", "cpu.weight", "100");
	uint64_t before;

	EXPECT_TRUE(comes_to(_metadata, self, (const int[]) { 99, 9901 }));
	/* When it has just had its slice. */
	before = usage(group->path);
	while (usage(group->path) == before)
		usleep(1000);
	usleep(20000);
	ASSERT_EQ(0, cg_write(group->path, "cpu.weight", "10000"));
	ASSERT_EQ(0, cg_write(other->path, "cpu.weight", "10000"));
	EXPECT_TRUE(comes_to(_metadata, self, (const int[]) { 5000, 5000 }));
}

struct wanderer {
	volatile uint64_t rounds;
	volatile uint64_t strayed;
};

static int stay_on_last(void *const arg)
{
	struct wanderer *const wanderer = arg;
	const int last = sysconf(_SC_NPROCESSORS_ONLN) - 1;

	pin_to(last);
	for (;; wanderer->rounds++) {
		if (sched_getcpu() != last)
			wanderer->strayed++;
		if (!(wanderer->rounds % 64))
			usleep(100);
	}
	return 0;
}

TEST_F_TIMEOUT(sched, affinity, LIMIT_S)
{
	struct wanderer *const wanderer = shared_alloc(sizeof(*wanderer));
	struct group *const group = load(_metadata, self, "here", "cpu.weight", "100");
	const int fd = cg_open(group->path);

	ASSERT_LT(0, cg_spawn(fd, stay_on_last, wanderer));
	close(fd);
	ASSERT_EQ(0, wait_for(&wanderer->rounds, 1000, 20000));
	EXPECT_EQ(0, wanderer->strayed);
}

static int compare(const void *const a, const void *const b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

#define BURST_NS	(35 * MS)
#define BURSTS		21

/* After a rest, takes so much of a processor as fast as it can: how long that took. */
static int rest_and_run(void *const arg)
{
	uint64_t *const took = arg;
	uint64_t begin, spent;
	int i;

	pin_to(0);
	for (i = 0; i < BURSTS; i++) {
		usleep(500000);
		begin = now_ns();
		spent = time_of(0);
		while (time_of(0) - spent < BURST_NS)
			;
		took[i] = now_ns() - begin;
	}
	return 0;
}

static uint64_t time_of_burst(struct __test_metadata *const _metadata,
			      const struct group *const group)
{
	uint64_t *const took = shared_alloc(BURSTS * sizeof(*took));
	const int fd = cg_open(group->path);
	const pid_t pid = cg_spawn(fd, rest_and_run, took);

	close(fd);
	ASSERT_LT(0, pid);
	EXPECT_EQ(0, wait_exit(pid, 120000));
	qsort(took, BURSTS, sizeof(took[0]), compare);
	return took[BURSTS / 2];
}

/* A quota of 20 ms, of which one more may have been saved up. */
TEST_F_TIMEOUT(sched, burst, LIMIT_S)
{
	struct group *const group = make(_metadata, self, "max", "cpu.max", "20000 100000");
	uint64_t without, with;

	if (!getenv("AGENTCG_TEST_EXACT"))
		SKIP(return, "a host that others use stops the emulator meanwhile");
	without = time_of_burst(_metadata, group);
	ASSERT_EQ(0, cg_write(group->path, "cpu.max.burst", "20000"));
	with = time_of_burst(_metadata, group);
	TH_LOG("%llu us without, %llu us with", (unsigned long long)without / 1000,
	       (unsigned long long)with / 1000);
	EXPECT_LT(BURST_NS * 2, without);
	EXPECT_GT(BURST_NS + 5 * MS, with);
}

struct place {
	volatile int cpu;
	volatile uint64_t strayed;
	volatile uint64_t rounds;
};

/* Wherever it may be, without a mask of its own. */
static int stay_in_place(void *const arg)
{
	struct place *const place = arg;
	int cpu, wanted;

	for (;; place->rounds++) {
		wanted = place->cpu;
		cpu = sched_getcpu();
		if (wanted >= 0 && wanted == place->cpu && cpu != wanted)
			place->strayed++;
		if (!(place->rounds % 64))
			usleep(100);
	}
	return 0;
}

/* A cpuset that changes while somebody runs in it, beside one who never stops. */
TEST_F_TIMEOUT(sched, cpuset, LIMIT_S)
{
	struct place *const place = shared_alloc(sizeof(*place));
	struct group *group;
	uint64_t before;
	int fd, i;

	if (access("/sys/devices/system/cpu/cpu1", F_OK))
		SKIP(return, "there is one processor");
	ASSERT_EQ(0, cg_write(CG_ROOT, "cgroup.subtree_control", "+cpuset"));
	ASSERT_EQ(0, cg_write(CG_BASE, "cgroup.subtree_control", "+cpuset"));
	load(_metadata, self, "busy", "cpu.weight", "100");
	group = make(_metadata, self, "set", "cpuset.cpus", "1");
	fd = cg_open(group->path);
	ASSERT_LT(0, cg_spawn(fd, stay_in_place, place));
	close(fd);
	for (i = 1; i >= 0; i--) {
		place->cpu = -1;
		ASSERT_EQ(0, cg_write(group->path, "cpuset.cpus", i ? "1" : "0"));
		usleep(200000);
		place->cpu = i;
		before = place->rounds;
		EXPECT_EQ(0, wait_for(&place->rounds, before + 1000, 20000));
		EXPECT_EQ(0, place->strayed);
	}
	cg_write(CG_BASE, "cgroup.subtree_control", "-cpuset");
	cg_write(CG_ROOT, "cgroup.subtree_control", "-cpuset");
}

/* A processor that goes while tasks wait for it, and comes again. */
TEST_F_TIMEOUT(sched, hotplug, LIMIT_S)
{
	const char *const last = "/sys/devices/system/cpu/cpu1";
	struct wanderer *const wanderer = shared_alloc(sizeof(*wanderer));
	struct group *const group = load(_metadata, self, "here", "cpu.weight", "100");
	const int fd = cg_open(group->path);
	uint64_t before;
	int i;

	if (access(last, F_OK))
		SKIP(return, "there is one processor");
	for (i = 0; i < 3; i++)
		ASSERT_LT(0, cg_spawn(fd, stay_on_last, wanderer));
	close(fd);
	ASSERT_EQ(0, wait_for(&wanderer->rounds, 1000, 20000));
	ASSERT_EQ(0, cg_write(last, "online", "0"));
	before = wanderer->rounds;
	EXPECT_EQ(0, wait_for(&wanderer->rounds, before + 1000, 20000));
	ASSERT_EQ(0, cg_write(last, "online", "1"));
	before = wanderer->rounds;
	EXPECT_EQ(0, wait_for(&wanderer->rounds, before + 1000, 20000));
	EXPECT_TRUE(attached());
}

/* It is loaded there, and those who wait for it go on when the other comes back. */
TEST_F_TIMEOUT(sched, one_processor_left, LIMIT_S)
{
	static const char last[] = "/sys/devices/system/cpu/cpu1";
	struct group *one, *two;

	if (access("/sys/devices/system/cpu/cpu1/online", F_OK))
		SKIP(return, "there is one processor");
	if (slow() > 1)
		SKIP(return, "the debug kernel takes a minute to load it again");
	ASSERT_EQ(0, cg_write(last, "online", "0"));
	ASSERT_EQ(0, agentcg("sched unload"));
	EXPECT_EQ(0, agentcg("sched load"));
	EXPECT_TRUE(attached());
	one = load(_metadata, self, "one", "cpu.weight", "100");
	two = load(_metadata, self, "two", "cpu.weight", "300");
	EXPECT_TRUE(comes_to(_metadata, self, (const int[]) { 2500, 7500 }));
	ASSERT_EQ(0, cg_write(last, "online", "1"));
	EXPECT_TRUE(attached());
	measure(self);
	EXPECT_LT(0, one->used);
	EXPECT_LT(0, two->used);
}

static void declare(struct __test_metadata *const _metadata,
		    FIXTURE_DATA(sched) *const self, struct call *const call,
		    const char *const name, const uint32_t class,
		    const uint32_t weight)
{
	const struct intent intent = intent_cpu(class, weight);

	ASSERT_EQ(0, call_start(&self->nl, &self->session, call, name, &intent)) {
		TH_LOG("%s", self->nl.text);
	}
	/* A work writes cpu.weight and cpu.idle. */
	usleep(100000);
}

/* Watched as a group. */
static void watch(FIXTURE_DATA(sched) *const self, const struct call *const call)
{
	strcpy(self->groups[self->nr_groups++].path, call->path);
}

TEST_F_TIMEOUT(sched, besteffort, LIMIT_S)
{
	declare(_metadata, self, &self->call, "rest", AGENTCG_CLASS_BESTEFFORT, 100);
	declare(_metadata, self, &self->other, "batch", AGENTCG_CLASS_BATCH, 100);
	watch(self, &self->call);
	watch(self, &self->other);
	ASSERT_LT(0, cg_spawn(self->call.fd, spin, NULL));
	ASSERT_LT(0, cg_spawn(self->other.fd, spin, NULL));
	EXPECT_TRUE(comes_to(_metadata, self, (const int[]) { 156, 9844 }));
	EXPECT_TRUE(has_idle_share(self));
}

static bool are_siblings(void)
{
	char list[16];
	ssize_t len;
	const int fd = open("/sys/devices/system/cpu/cpu0/topology/thread_siblings_list", O_RDONLY);

	len = read(fd, list, sizeof(list) - 1);
	close(fd);
	list[len > 0 ? len : 0] = '\0';
	return !strcmp(list, "0-1\n");
}

static int spin_elsewhere(void *const arg)
{
	pin_to(1);
	for (;;)
		;
	return 0;
}

/* Of two calls on the two threads of a core: percent of one thread's time. */
static uint64_t percent_of_both(FIXTURE_DATA(sched) *const self)
{
	const uint64_t length = measure(self);

	return (self->groups[0].used + self->groups[1].used) * 100 / length;
}

/* Never at the same time, and each has its turn, although neither can go elsewhere. */
TEST_F_TIMEOUT(sched, conflict, LIMIT_S)
{
	struct intent intent = intent_cpu(AGENTCG_CLASS_BATCH, 100);
	uint64_t before;

	if (!are_siblings())
		SKIP(return, "processors 0 and 1 are not threads of one core");
	/* It may have been loaded while one of them was offline. */
	ASSERT_EQ(0, agentcg("sched unload"));
	ASSERT_EQ(0, agentcg("sched load"));
	before = counted("apart");
	intent.conflict = "disk";
	ASSERT_EQ(0, call_start(&self->nl, &self->session, &self->call, "one", &intent));
	ASSERT_EQ(0, call_start(&self->nl, &self->session, &self->other, "two", &intent));
	watch(self, &self->call);
	watch(self, &self->other);
	ASSERT_LT(0, cg_spawn(self->call.fd, spin, NULL));
	ASSERT_LT(0, cg_spawn(self->other.fd, spin_elsewhere, NULL));
	usleep(200000);
	EXPECT_GT(110, percent_of_both(self));
	TH_LOG("%llu and %llu us", (unsigned long long)self->groups[0].used,
	       (unsigned long long)self->groups[1].used);
	EXPECT_LT(WINDOW_MS * 200, self->groups[0].used);
	EXPECT_LT(WINDOW_MS * 200, self->groups[1].used);
	EXPECT_LT(before, counted("apart"));
	/* Others are none of its business. */
	intent.conflict = "network";
	ASSERT_EQ(0, call_set(&self->nl, &self->other, &intent));
	usleep(200000);
	EXPECT_LT(150, percent_of_both(self));
}

/* @fn in a call with this intent, beside a spinner; both of them batch. */
static void start_two(struct __test_metadata *const _metadata,
		      FIXTURE_DATA(sched) *const self,
		      const struct intent *const intent, int (*const fn)(void *arg))
{
	const struct intent other = intent_of(16 * MB, 0, 0);

	ASSERT_EQ(0, call_start(&self->nl, &self->session, &self->call, "one", intent));
	ASSERT_EQ(0, call_start(&self->nl, &self->session, &self->other, "two", &other));
	watch(self, &self->call);
	watch(self, &self->other);
	ASSERT_LT(0, cg_spawn(self->call.fd, fn, NULL));
	ASSERT_LT(0, cg_spawn(self->other.fd, spin, NULL));
}

static int fill_too_much(void *const arg)
{
	fill(64 * MB);
	return stay();
}

/* Its reclaim shall not be at the cost of others: a quarter of its weight counts. */
TEST_F_TIMEOUT(sched, held_back, LIMIT_S)
{
	const struct intent intent = intent_of(16 * MB, 4 * MB, 3600000 * MS);

	start_two(_metadata, self, &intent, spin);
	EXPECT_TRUE(comes_to(_metadata, self, (const int[]) { 5000, 5000 }));
	ASSERT_LT(0, cg_spawn(self->call.fd, fill_too_much, NULL));
	ASSERT_EQ(0, call_wait(&self->nl, &self->call, AGENTCG_A_TOOL_PARKED, 1,
			       60000));
	EXPECT_TRUE(comes_to(_metadata, self, (const int[]) { 2000, 8000 }));
}

/*
 * In the last ten seconds its weight counts for more, up to four times.  Put off
 * before every window, the deadline is 6 to 5 seconds away: there it is 2.35 times.
 */
TEST_F_TIMEOUT(sched, near_deadline, LIMIT_S)
{
	const int due[] = { 7015, 2985 };
	struct intent intent = intent_of(16 * MB, 0, 0);
	bool near = false;
	uint64_t begun;
	int window;

	intent.set |= SET(DEADLINE);
	intent.deadline = 3600000 * MS;
	start_two(_metadata, self, &intent, spin);
	begun = now_ns();
	EXPECT_TRUE(comes_to(_metadata, self, (const int[]) { 5000, 5000 }));
	for (window = 0; window < WINDOWS && !near; window++) {
		intent.deadline = now_ns() - begun + 6 * WINDOW_MS * MS;
		ASSERT_EQ(0, call_set(&self->nl, &self->call, &intent));
		measure(self);
		near = is_near(self, due, false);
	}
	EXPECT_TRUE(near) {
		TH_LOG("%llu and %llu us in the last window",
		       (unsigned long long)self->groups[0].used,
		       (unsigned long long)self->groups[1].used);
	}
}

/* Without end from one processor to the other. */
static int wander(void *const arg)
{
	for (;;) {
		pin_to(1);
		pin_to(0);
		usleep(1000);
	}
	return 0;
}

static void run_for_a_while(struct __test_metadata *const _metadata,
			    FIXTURE_DATA(sched) *const self,
			    int (*const fn)(void *arg))
{
	const struct intent intent = intent_of(16 * MB, 0, 0);

	start_two(_metadata, self, &intent, fn);
	usleep(3 * WINDOW_MS * 1000);
}

/* Two on one processor: each waits while the other one runs. */
TEST_F_TIMEOUT(sched, receipt_of_spinner, LIMIT_S)
{
	struct nl *const nl = &self->nl;
	const uint64_t ran_before = info_figure(nl, AGENTCG_A_INFO_RUN_TOTAL);
	const uint64_t waited_before = info_figure(nl, AGENTCG_A_INFO_WAIT_TOTAL);
	uint64_t used, ran, waited;

	if (!kernel_has("bpf_prog_aux", "st_ops"))
		SKIP(return, "the kernel cannot tell who is a scheduler");
	run_for_a_while(_metadata, self, spin);
	used = usage(self->call.path) * 1000;
	ASSERT_EQ(0, call_end(nl, &self->call));
	ran = reply_figure(nl, AGENTCG_A_TOOL_RUN_TOTAL);
	waited = reply_figure(nl, AGENTCG_A_TOOL_WAIT_TOTAL);
	TH_LOG("used %llu us, ran %llu us, waited %llu us, at most %llu us at once",
	       (unsigned long long)used / 1000, (unsigned long long)ran / 1000,
	       (unsigned long long)waited / 1000,
	       (unsigned long long)reply_figure(nl, AGENTCG_A_TOOL_WAIT_LONGEST) / 1000);
	/* It went on a little after the look, and its last steps are nobody's. */
	EXPECT_LT(used * 95 / 100, ran);
	EXPECT_GT(used * 3 / 2, ran);
	EXPECT_LT(ran / 2, waited);
	EXPECT_GT(ran * 2, waited);
	EXPECT_LT(MS, reply_figure(nl, AGENTCG_A_TOOL_WAIT_LONGEST));
	/* One wait of many, unless the host can stop the emulator meanwhile. */
	EXPECT_GE(getenv("AGENTCG_TEST_EXACT") ? waited / 4 : waited,
		  reply_figure(nl, AGENTCG_A_TOOL_WAIT_LONGEST));
	/* To where it is pinned, and perhaps somewhere else before. */
	EXPECT_GE(5, reply_figure(nl, AGENTCG_A_TOOL_MIGRATIONS));
	/* And in what is told of all calls. */
	EXPECT_LE(ran_before + ran, info_figure(nl, AGENTCG_A_INFO_RUN_TOTAL));
	EXPECT_LE(waited_before + waited, info_figure(nl, AGENTCG_A_INFO_WAIT_TOTAL));
}

TEST_F_TIMEOUT(sched, receipt_of_wanderer, LIMIT_S)
{
	struct nl *const nl = &self->nl;

	if (!kernel_has("bpf_prog_aux", "st_ops"))
		SKIP(return, "the kernel cannot tell who is a scheduler");
	if (access("/sys/devices/system/cpu/cpu1", F_OK))
		SKIP(return, "there is one processor");
	run_for_a_while(_metadata, self, wander);
	ASSERT_EQ(0, call_end(nl, &self->call));
	TH_LOG("%llu migrations",
	       (unsigned long long)reply_figure(nl, AGENTCG_A_TOOL_MIGRATIONS));
	EXPECT_LT(20, reply_figure(nl, AGENTCG_A_TOOL_MIGRATIONS));
	EXPECT_LT(20, info_figure(nl, AGENTCG_A_INFO_MIGRATIONS));
}

/*
 * As one who is said to be waited for might do it to go first again and again: for
 * less than a slice, which would end what it may have above its share.
 */
static int spin_and_nap(void *const arg)
{
	uint64_t end;

	pin_to(0);
	for (;;) {
		end = now_ns() + MS;
		while (now_ns() < end)
			;
		usleep(50);
	}
	return 0;
}

/* One that is said to be waited for, and runs all the time: from 50 ms on by weight. */
static void lie(struct __test_metadata *const _metadata,
		FIXTURE_DATA(sched) *const self, int (*const fn)(void *arg))
{
	declare(_metadata, self, &self->other, "batch", AGENTCG_CLASS_BATCH, 1000);
	declare(_metadata, self, &self->call, "liar", AGENTCG_CLASS_LATENCY, 100);
	watch(self, &self->call);
	watch(self, &self->other);
	ASSERT_LT(0, cg_spawn(self->other.fd, spin, NULL));
	usleep(200000);
	ASSERT_LT(0, cg_spawn(self->call.fd, fn, NULL));
	usleep(50000);
	EXPECT_TRUE(comes_to(_metadata, self, (const int[]) { 5000, 5000 }));
}

TEST_F_TIMEOUT(sched, spinning_latency, LIMIT_S)
{
	lie(_metadata, self, spin);
}

TEST_F_TIMEOUT(sched, napping_latency, LIMIT_S)
{
	lie(_metadata, self, spin_and_nap);
}

#define WAKEUPS		100

struct sleeper {
	uint64_t late[WAKEUPS];
	volatile uint64_t done;
};

/* Wakes every 10 ms and works a little: how late it was. */
static int wake_up(void *const arg)
{
	struct sleeper *const sleeper = arg;
	int i;

	pin_to(0);
	for (i = 0; i < WAKEUPS; i++) {
		const uint64_t due = now_ns() + 10 * MS;
		const struct timespec at = { .tv_sec = due / 1000000000,
					     .tv_nsec = due % 1000000000 };

		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
		sleeper->late[i] = now_ns() - due;
		while (now_ns() < due + sleeper->late[i] + MS / 5)
			;
	}
	sleeper->done = 1;
	return 0;
}

/* Asks for a processor without end, and counts how often it had one. */
static int nap_again(void *const arg)
{
	struct sleeper *const sleeper = arg;

	for (;;) {
		usleep(500);
		__sync_fetch_and_add(&sleeper->done, 1);
	}
	return 0;
}

static uint64_t median_lateness(struct __test_metadata *const _metadata,
				FIXTURE_DATA(sched) *const self,
				const char *const name, const uint32_t class)
{
	struct sleeper *const sleeper = shared_alloc(sizeof(*sleeper));

	declare(_metadata, self, &self->call, name, class, 100);
	ASSERT_LT(0, cg_spawn(self->call.fd, wake_up, sleeper));
	ASSERT_EQ(0, wait_for(&sleeper->done, 1, 60000));
	qsort(sleeper->late, WAKEUPS, sizeof(sleeper->late[0]), compare);
	return sleeper->late[WAKEUPS / 2];
}

/*
 * Beside four who never stop: well before any of them would have had his 4 ms.  The
 * same as batch has to wait for them, or this would show nothing.
 */
TEST_F_TIMEOUT(sched, latency_goes_first, LIMIT_S)
{
	uint64_t latency, batch;
	int i;

	if (!getenv("AGENTCG_TEST_EXACT"))
		SKIP(return, "an emulator that is slow is later by itself");
	declare(_metadata, self, &self->other, "batch", AGENTCG_CLASS_BATCH, 100);
	for (i = 0; i < 4; i++)
		ASSERT_LT(0, cg_spawn(self->other.fd, spin, NULL));
	batch = median_lateness(_metadata, self, "patient", AGENTCG_CLASS_BATCH);
	latency = median_lateness(_metadata, self, "prompt", AGENTCG_CLASS_LATENCY);
	EXPECT_GT(MS, latency);
	EXPECT_LT(2 * latency, batch) {
		TH_LOG("latency %llu ns, batch %llu ns",
		       (unsigned long long)latency, (unsigned long long)batch);
	}
}

/*
 * A session's tasks are late by a random time, of which half is the median, and then
 * stop those who run, as without it.
 */
TEST_F_TIMEOUT(sched, jitter, LIMIT_S)
{
	const uint64_t jitter = 4 * MS;
	const uint64_t before = counted("delayed");
	uint64_t with, without;
	int i;

	make(_metadata, self, "busy", "cpu.weight", "100");
	for (i = 0; i < 4; i++)
		ASSERT_LT(0, spawn_spinner(self->groups[0].path));
	without = median_lateness(_metadata, self, "exact", AGENTCG_CLASS_LATENCY);
	EXPECT_EQ(before, counted("delayed"));
	ASSERT_EQ(0, session_set_jitter(&self->nl, &self->session, jitter));
	with = median_lateness(_metadata, self, "noisy", AGENTCG_CLASS_LATENCY);
	EXPECT_LT(before, counted("delayed"));
	EXPECT_LT(without + jitter / 4, with) {
		TH_LOG("%llu ns without, %llu ns with", (unsigned long long)without,
		       (unsigned long long)with);
	}
	if (getenv("AGENTCG_TEST_EXACT"))
		EXPECT_GT(without + jitter * 3 / 4, with);
}

/* It has no less of a busy processor for it. */
TEST_F_TIMEOUT(sched, jitter_keeps_share, LIMIT_S)
{
	const struct intent intent = intent_of(16 * MB, 0, 0);
	const uint64_t before = counted("delayed");

	ASSERT_EQ(0, session_set_jitter(&self->nl, &self->session, AGENTCG_JITTER_MAX));
	ASSERT_EQ(0, call_start(&self->nl, &self->session, &self->call, "noisy", &intent));
	watch(self, &self->call);
	ASSERT_LT(0, cg_spawn(self->call.fd, spin, NULL));
	load(_metadata, self, "other", "cpu.weight", "100");
	EXPECT_TRUE(comes_to(_metadata, self, (const int[]) { 5000, 5000 }));
	EXPECT_LT(before, counted("delayed"));
}

/* Many of those wait for it at any time, are killed, and go on when others come. */
TEST_F_TIMEOUT(sched, jitter_of_many, LIMIT_S)
{
	static const struct timespec nap = { .tv_nsec = 100000 };
	const unsigned int all = slow() > 1 ? 20 : 200;
	struct sleeper *const sleeper = shared_alloc(sizeof(*sleeper));
	struct group *const stays = load(_metadata, self, "stays", "cpu.weight", "100");
	unsigned int i, turn;
	pid_t pids[200];

	ASSERT_EQ(0, session_set_jitter(&self->nl, &self->session, AGENTCG_JITTER_MAX));
	declare(_metadata, self, &self->call, "many", AGENTCG_CLASS_BATCH, 100);
	for (turn = 0; turn < 3; turn++) {
		for (i = 0; i < all; i++) {
			pids[i] = cg_spawn(self->call.fd, nap_again, sleeper);
			ASSERT_LT(0, pids[i]);
		}
		sleeper->done = 0;
		ASSERT_EQ(0, wait_for(&sleeper->done, 10 * all, 60000));
		for (i = 0; i < all; i++) {
			kill(pids[i], SIGKILL);
			nanosleep(&nap, NULL);
		}
		for (i = 0; i < all; i++)
			ASSERT_LE(0, wait_exit(pids[i], 10000));
	}
	EXPECT_TRUE(attached());
	measure(self);
	EXPECT_LT(0, stays->used);
}

/* Ends and begins anew without end, and ends slowly: it has mapped many pages. */
static int die_again(void *const arg)
{
	const size_t size = 32 * MB;
	void *const pages = mmap(NULL, size, PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	for (;;) {
		if (!fork()) {
			madvise(pages, size, MADV_POPULATE_READ);
			_exit(0);
		}
		wait(NULL);
	}
	return 0;
}

/* Asks somebody else of its call every 10 ms: how long the answer took. */
static int ask(void *const arg)
{
	struct sleeper *const sleeper = arg;
	int question[2], answer[2], i;
	char token = 0;

	if (pipe(question) || pipe(answer))
		return 1;
	if (!fork()) {
		while (read(question[0], &token, 1) == 1 && write(answer[1], &token, 1) == 1)
			;
		_exit(0);
	}
	for (i = 0; i < WAKEUPS; i++) {
		uint64_t begin;

		usleep(10000);
		begin = now_ns();
		if (write(question[1], &token, 1) != 1 || read(answer[0], &token, 1) != 1)
			return 1;
		sleeper->late[i] = now_ns() - begin;
	}
	sleeper->done = 1;
	return 0;
}

/* Whoever has been stopped in his end does not go on before a call that is waited for. */
TEST_F_TIMEOUT(sched, latency_before_the_dying, LIMIT_S)
{
	struct sleeper *const sleeper = shared_alloc(sizeof(*sleeper));

	if (!getenv("AGENTCG_TEST_EXACT"))
		SKIP(return, "an emulator that is slow is later by itself");
	declare(_metadata, self, &self->other, "batch", AGENTCG_CLASS_BATCH, 100);
	ASSERT_LT(0, cg_spawn(self->other.fd, die_again, NULL));
	declare(_metadata, self, &self->call, "prompt", AGENTCG_CLASS_LATENCY, 100);
	ASSERT_LT(0, cg_spawn(self->call.fd, ask, sleeper));
	ASSERT_EQ(0, wait_for(&sleeper->done, 1, 60000));
	qsort(sleeper->late, WAKEUPS, sizeof(sleeper->late[0]), compare);
	TH_LOG("median %llu ns, 95th %llu ns, longest %llu ns",
	       (unsigned long long)sleeper->late[WAKEUPS / 2],
	       (unsigned long long)sleeper->late[WAKEUPS * 95 / 100],
	       (unsigned long long)sleeper->late[WAKEUPS - 1]);
	EXPECT_GT(MS / 2, sleeper->late[WAKEUPS * 95 / 100]);
}

/* Cgroups that come and go, with somebody in them, beside somebody who stays. */
TEST_F_TIMEOUT(sched, churn, LONG_S)
{
	const unsigned int all = rounds(slow() > 1 ? 30 : 300);
	struct group *const stays = load(_metadata, self, "stays", "cpu.weight", "100");
	char path[CG_PATH_MAX];
	unsigned int i;
	pid_t pid;

	for (i = 0; i < all; i++) {
		snprintf(path, sizeof(path), "%s/churn-%u", CG_BASE, i);
		ASSERT_EQ(0, cg_make(path));
		pid = spawn_spinner(path);
		ASSERT_LT(0, pid);
		if (i % 2)
			usleep(1000);
		kill(pid, SIGKILL);
		ASSERT_LE(0, wait_exit(pid, 10000));
		ASSERT_EQ(0, cg_remove(path));
	}
	EXPECT_TRUE(attached());
	measure(self);
	EXPECT_LT(0, stays->used);
}

/**
 * struct crowd - many who each live in a cgroup of their own
 * @gate: they wait until nobody can write to it any more
 * @come: so many wait
 * @woken: so many have been woken
 */
struct crowd {
	int gate[2];
	volatile uint64_t come;
	volatile uint64_t woken;
};

static int wait_at_gate(void *const arg)
{
	struct crowd *const crowd = arg;
	char token;

	close(crowd->gate[1]);
	__sync_fetch_and_add(&crowd->come, 1);
	if (!read(crowd->gate[0], &token, 1))
		__sync_fetch_and_add(&crowd->woken, 1);
	pause();
	return 0;
}

/* Ten thousand in the long form: all are there, and all of them wake up at once. */
TEST_F_TIMEOUT(sched, crowd, LONG_S)
{
	const unsigned int all = 100 * rounds(slow() > 1 ? 1 : 3);
	struct group *const stays = load(_metadata, self, "stays", "cpu.weight", "100");
	struct crowd *const crowd = shared_alloc(sizeof(*crowd));
	char path[CG_PATH_MAX];
	unsigned int i;
	int fd;

	ASSERT_EQ(0, cg_make(CG_BASE "/crowd"));
	ASSERT_EQ(0, cg_feed(CG_BASE "/crowd"));
	ASSERT_EQ(0, pipe(crowd->gate));
	for (i = 0; i < all; i++) {
		snprintf(path, sizeof(path), "%s/crowd/%u", CG_BASE, i);
		ASSERT_EQ(0, cg_make(path));
		fd = cg_open(path);
		ASSERT_LT(0, cg_spawn(fd, wait_at_gate, crowd));
		close(fd);
	}
	ASSERT_EQ(0, wait_for(&crowd->come, all, 60000));
	measure(self);
	EXPECT_LT(0, stays->used);
	close(crowd->gate[1]);
	EXPECT_EQ(0, wait_for(&crowd->woken, all, 60000));
	EXPECT_TRUE(attached());
	EXPECT_TRUE(tells("agentcg sched stat", "strangers 0\n"));
}

/* Nobody is lost on the way: all go on afterwards, without it and with it. */
TEST_F_TIMEOUT(sched, comes_and_goes, LONG_S)
{
	const unsigned int all = rounds(3);
	unsigned int i, j = 0;
	char name[16];

	if (slow() > 1)
		SKIP(return, "the debug kernel takes a minute to load it again");
	for (i = 0; i < MAX_GROUPS; i++) {
		snprintf(name, sizeof(name), "g%u", i);
		load(_metadata, self, name, "cpu.weight", i % 2 ? "100" : "1000");
	}
	for (i = 0; i < all; i++) {
		ASSERT_EQ(0, agentcg("sched unload"));
		ASSERT_FALSE(attached());
		ASSERT_EQ(0, agentcg("sched load"));
		ASSERT_TRUE(attached());
	}
	/* A window may go by while the host stops the emulator. */
	for (i = 0; i < WINDOWS && j < MAX_GROUPS; i++) {
		measure(self);
		for (j = 0; j < MAX_GROUPS && self->groups[j].used; j++)
			;
	}
	EXPECT_EQ(MAX_GROUPS, j);
}

/* It is ended from outside: the kernel's own goes on, and the reason is kept. */
TEST_F_TIMEOUT(sched, ends, LIMIT_S)
{
	const int fd = open("/proc/sysrq-trigger", O_WRONLY);
	struct group *const group = load(_metadata, self, "on", "cpu.weight", "100");
	int i;

	ASSERT_LE(0, fd);
	EXPECT_TRUE(tells("agentcg sched show", "in force: scheduler"));
	EXPECT_FALSE(tells("agentcg sched show", "last exit"));
	ASSERT_EQ(1, write(fd, "S", 1));
	close(fd);
	for (i = 0; attached() && i < 100; i++)
		usleep(100000);
	EXPECT_FALSE(attached());
	EXPECT_TRUE(tells("agentcg sched show", "in force: fallback"));
	EXPECT_TRUE(tells("agentcg sched show", "last exit: disabled by sysrq-S"));
	measure(self);
	EXPECT_LT(0, group->used);
}

static int hog(void *const arg)
{
	const struct sched_param param = { .sched_priority = 1 };

	pin_to(0);
	if (sched_setscheduler(0, SCHED_FIFO, &param))
		return 1;
	return spin(NULL);
}

/*
 * By the kernel, which finds a task that has not run for 20 s: where nothing keeps
 * somebody of a higher scheduling class from having it all.
 */
TEST_F_TIMEOUT(sched, ends_by_stall, LONG_S)
{
	struct group *const group = load(_metadata, self, "on", "cpu.weight", "100");
	char limit[32], runtime[32];
	int root, i;
	pid_t pid;

	if (!rounds(0) || access("/sys/devices/system/cpu/cpu1", F_OK))
		SKIP(return, "takes a minute and two processors: make soak");
	mount("debugfs", DEBUG, "debugfs", 0, NULL);
	ASSERT_NE(NULL, cg_read(KERNEL, "sched_rt_runtime_us", limit, sizeof(limit)));
	ASSERT_NE(NULL, cg_read(SERVER, "runtime", runtime, sizeof(runtime)));
	ASSERT_EQ(0, cg_write(KERNEL, "sched_rt_runtime_us", "-1"));
	ASSERT_EQ(0, cg_write(SERVER, "runtime", "0"));
	root = cg_open(CG_ROOT);
	pid = cg_spawn(root, hog, NULL);
	ASSERT_LT(0, pid);
	for (i = 0; attached() && i < 1000; i++)
		usleep(100000);
	EXPECT_FALSE(attached());
	EXPECT_TRUE(tells("agentcg sched show", "in force: fallback"));
	EXPECT_TRUE(tells("agentcg sched show", "last exit: runnable task stall"));
	kill(pid, SIGKILL);
	wait_exit(pid, 10000);
	close(root);
	cg_write(KERNEL, "sched_rt_runtime_us", limit);
	cg_write(SERVER, "runtime", runtime);
	measure(self);
	EXPECT_LT(0, group->used);
}

/* Where somebody else's is attached. */
FIXTURE(others) {
	struct bpf_object *object;
	struct bpf_link *link;
};

FIXTURE_SETUP(others)
{
	if (access(STATE, F_OK))
		SKIP(return, "the kernel has no sched_ext");
	self->link = NULL;
	agentcg("sched unload");
	ASSERT_FALSE(attached());
	self->object = bpf_object__open_file(OTHER, NULL);
	ASSERT_NE(NULL, self->object);
	ASSERT_EQ(0, bpf_object__load(self->object));
	self->link = bpf_map__attach_struct_ops(
		bpf_object__find_map_by_name(self->object, "other"));
	ASSERT_NE(NULL, self->link);
	ASSERT_TRUE(attached());
}

FIXTURE_TEARDOWN(others)
{
	bpf_link__destroy(self->link);
	bpf_object__close(self->object);
	EXPECT_FALSE(attached());
}

/* It is named, and goes on. */
TEST_F_TIMEOUT(others, go_on, LIMIT_S)
{
	EXPECT_TRUE(tells("agentcg sched load 2>&1",
			  "another scheduler is attached, other"));
	EXPECT_TRUE(tells("agentcg sched show", "in force: other"));
	EXPECT_TRUE(attached());
}

TEST_HARNESS_MAIN
