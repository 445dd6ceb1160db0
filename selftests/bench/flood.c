// SPDX-License-Identifier: GPL-2.0-only
/*
 * flood: what one tenant's flood of requests costs another.
 *
 * The first floods on processor 0, the other is timed on processor 1, which has no
 * tick and no callbacks (nohz_full, rcu_nocbs): what falls on a timed piece now and
 * then would be its P99. In the other arm the first burns the same processor with
 * requests to another family, so that what differs is what the two share inside
 * of agentcg. The arms
 * alternate all the time, and take turns to be the first: what drifts meets both.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/genetlink.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/io.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../nl.h"
#include "bench.h"

#define MB		(1ull << 20)
#define IN_ROUND	4
#define WARM_UP		5
#define CHARGES		24
#define GROWTHS		3
#define FLOOD_CPU	0
#define TIMED_CPU	1
#define BATCH		48
#define BURST		8
#define SAMPLES		(BATCH / BURST)
#define BUDGET		(16 * MB)
#define LIVE_CALLS	1000
#define BEAT_US		40
#define PIT		0x40
#define PIT_MHZ		1.193182

static const char help[] =
"usage: flood [OPTION]... ATTACK ATTACKER VICTIM\n"
"\n"
"ATTACKER and VICTIM are the directories of two sessions; the second ends and\n"
"begins anew all the time. Prints, as JSON, how\n"
"long the victim's declarations took, eight in a row, and its growing to 6 MiB by\n"
"24 charges with a decision each, with the attack and without. The attacks:\n"
"\n"
"  set     one call is changed again and again\n"
"  events  the same, with somebody who listens to the events\n"
"  many    the same, among 1000 calls that are alive\n"
"  calls   calls are made, declared and removed\n"
"  dump    all calls and receipts are listed, among 1000 calls\n"
"  bad     requests that are refused\n"
"\n"
"  --runs N  bursts of 8 declarations in each arm (default 8000)\n";

#define DIV_UP(A, B)	(((A) + (B) - 1) / (B))

enum mode { PAUSE, CALM, ATTACK };
enum arm { ARM_CALM, ARM_ATTACK, ARMS };

/* Of all processes. */
struct shared {
	volatile enum mode mode;
	volatile uint64_t turns;
	volatile bool ready;
	uint64_t growth;
};

struct flooder {
	struct nl nl;
	struct nl other;
	int session;
	int call;
};

struct attack {
	const char *name;
	int (*attack)(struct flooder *flooder);
	int (*calm)(struct flooder *flooder);
	unsigned int live;
	bool listened;
};

static struct shared *shared;

static int pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) ? -errno : 0;
}

static int make_call(int session, const char *name)
{
	int fd;

	if (mkdirat(session, name, 0755))
		return -errno;
	fd = openat(session, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int remove_call(int session, const char *name, int fd)
{
	close(fd);
	return unlinkat(session, name, AT_REMOVEDIR) ? -errno : 0;
}

static int declare(struct nl *nl, int fd, uint64_t mem, uint64_t burst)
{
	struct msg msg;
	uint32_t nest;

	msg_init(&msg, AGENTCG_CMD_TOOL_SET);
	msg_u32(&msg, AGENTCG_A_TOOL_FD, fd);
	nest = msg_nest(&msg, AGENTCG_A_TOOL_INTENT);
	msg_u64(&msg, AGENTCG_A_INTENT_MEM, mem);
	msg_u64(&msg, AGENTCG_A_INTENT_BURST, burst);
	msg_nest_end(&msg, nest);
	return nl_do(nl, &msg);
}

/* What the attacker does in either arm. */

static int attack_set(struct flooder *flooder)
{
	return declare(&flooder->nl, flooder->call, 0, 0);
}

static int calm_set(struct flooder *flooder)
{
	struct msg msg;

	msg_init(&msg, CTRL_CMD_GETFAMILY);
	msg_string(&msg, CTRL_ATTR_FAMILY_NAME, "nlctrl");
	return nl_do(&flooder->other, &msg);
}

static int make_and_remove(struct flooder *flooder,
			   int (*between)(struct flooder *flooder))
{
	const int kept = flooder->call;
	int err;

	flooder->call = make_call(flooder->session, "flood");
	if (flooder->call < 0)
		return flooder->call;
	err = between(flooder);
	if (!err)
		err = remove_call(flooder->session, "flood", flooder->call);
	flooder->call = kept;
	return err;
}

static int attack_calls(struct flooder *flooder)
{
	return make_and_remove(flooder, attack_set);
}

static int calm_calls(struct flooder *flooder)
{
	return make_and_remove(flooder, calm_set);
}

static int take_nothing(const struct view attrs, void *arg)
{
	return 0;
}

static int attack_dump(struct flooder *flooder)
{
	struct msg msg;
	int err;

	msg_init(&msg, AGENTCG_CMD_TOOL_GET);
	err = nl_dump(&flooder->nl, &msg, take_nothing, NULL);
	if (err && err != -EINTR)
		return err;
	msg_init(&msg, AGENTCG_CMD_RECEIPT_GET);
	err = nl_dump(&flooder->nl, &msg, take_nothing, NULL);
	/* Others' calls come and go: the list is inconsistent. */
	return err == -EINTR ? 0 : err;
}

static int calm_dump(struct flooder *flooder)
{
	struct msg msg;

	msg_init(&msg, CTRL_CMD_GETFAMILY);
	return nl_dump(&flooder->other, &msg, take_nothing, NULL);
}

static int attack_bad(struct flooder *flooder)
{
	struct msg msg;

	msg_init(&msg, AGENTCG_CMD_TOOL_SET);
	msg_u32(&msg, AGENTCG_A_TOOL_FD, -1);
	return nl_do(&flooder->nl, &msg) == -EBADF ? 0 : -EPROTO;
}

static const struct attack attacks[] = {
	{ "set", attack_set, calm_set },
	{ "events", attack_set, calm_set, .listened = true },
	{ "many", attack_set, calm_set, .live = LIVE_CALLS },
	{ "calls", attack_calls, calm_calls },
	{ "dump", attack_dump, calm_dump, .live = LIVE_CALLS },
	{ "bad", attack_bad, calm_set },
};

/* A process of its own, in a cgroup that the caller chose. */
static pid_t spawn(int cgroup)
{
	struct clone_args args = {
		.flags = cgroup < 0 ? 0 : CLONE_INTO_CGROUP,
		.exit_signal = SIGCHLD,
		.cgroup = cgroup < 0 ? 0 : cgroup,
	};
	const pid_t pid = syscall(SYS_clone3, &args, sizeof(args));

	if (!pid)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid < 0 ? -errno : pid;
}

static int make_live(struct flooder *flooder, unsigned int nr)
{
	char name[16];
	int fd, err;

	while (nr--) {
		snprintf(name, sizeof(name), "live-%u", nr);
		fd = make_call(flooder->session, name);
		if (fd < 0)
			return fd;
		err = declare(&flooder->nl, fd, 0, 0);
		close(fd);
		if (err)
			return err;
	}
	return 0;
}

static int remove_live(int session, unsigned int nr)
{
	char name[16];

	while (nr--) {
		snprintf(name, sizeof(name), "live-%u", nr);
		if (unlinkat(session, name, AT_REMOVEDIR) && errno != ENOENT)
			return -errno;
	}
	return 0;
}

static int prepare_flood(struct flooder *flooder, const struct attack *attack)
{
	int err = pin(FLOOD_CPU);

	if (!err)
		err = nl_open(&flooder->nl);
	if (!err)
		err = nl_open(&flooder->other);
	if (err)
		return err;
	flooder->other.family = GENL_ID_CTRL;
	flooder->call = make_call(flooder->session, "kept");
	if (flooder->call < 0)
		return flooder->call;
	err = declare(&flooder->nl, flooder->call, 0, 0);
	return err ? err : make_live(flooder, attack->live);
}

static int flood(int session, const struct attack *attack)
{
	static struct flooder flooder;
	int err;

	flooder.session = session;
	err = prepare_flood(&flooder, attack);
	shared->ready = true;
	while (!err) {
		if (shared->mode == PAUSE)
			continue;
		err = shared->mode == ATTACK ? attack->attack(&flooder) :
					       attack->calm(&flooder);
		shared->turns++;
	}
	fprintf(stderr, "flood: %s: %s %s\n", attack->name, strerror(-err),
		flooder.nl.text);
	return 1;
}

static int listen_to_all(void)
{
	static struct nl nl;
	int err = pin(FLOOD_CPU);

	if (!err)
		err = nl_open(&nl);
	if (!err)
		err = nl_join(&nl);
	shared->ready = true;
	while (!err)
		nl_event(&nl, 1000);
	fprintf(stderr, "flood: listener: %s\n", strerror(-err));
	return 1;
}

/*
 * With instructions counted as time the emulator runs the processors in turn,
 * each for its part of the time until a timer is due. The timer chip of old, set
 * to go off all the time, makes the turns short, so that two processors are as
 * good as at work at once. Its interrupt goes nowhere: nothing uses the chip.
 */
static int beat(void)
{
	const unsigned int count = BEAT_US * PIT_MHZ;

	if (ioperm(PIT, 4, 1))
		return -errno;
	/* Channel 0, both bytes, as a rate generator. */
	outb(0x34, PIT + 3);
	outb(count & 0xff, PIT);
	outb(count >> 8, PIT);
	return 0;
}

/* What is timed. */

/*
 * Socket memory, as charge.c does it; every few steps are more than is granted.
 * Timed as a whole: single steps stand in clusters, and their P99 would be the one
 * or the other by a hair.
 */
static int grow(void)
{
	const int fd = socket(AF_INET, SOCK_STREAM, 0);
	const uint64_t start = now_ns();
	int i;

	if (fd < 0)
		return 1;
	for (i = 1; i <= CHARGES; i++) {
		const int size = i * MB / 4;

		if (setsockopt(fd, SOL_SOCKET, SO_RESERVE_MEM, &size,
			       sizeof(size)))
			return 2;
	}
	shared->growth = now_ns() - start;
	return 0;
}

static int run_growth(int call, uint64_t *sample)
{
	const pid_t pid = spawn(call);
	int status;

	if (!pid)
		_exit(grow());
	if (pid < 0)
		return pid;
	if (waitpid(pid, &status, 0) < 0)
		return -errno;
	*sample = shared->growth;
	return status ? -ECHILD : 0;
}

struct victim {
	struct nl nl;
	int session;
	int agent;
	int calls[BATCH];
};

static int prepare_victim(struct victim *victim)
{
	char name[16];
	int i;

	victim->agent = openat(victim->session, "agent",
			       O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (victim->agent < 0)
		return -errno;
	for (i = 0; i < BATCH; i++) {
		snprintf(name, sizeof(name), "timed-%d", i);
		victim->calls[i] = make_call(victim->session, name);
		if (victim->calls[i] < 0)
			return victim->calls[i];
	}
	return nl_open(&victim->nl);
}

static int end_victim(struct victim *victim)
{
	char name[16];
	int i, err = 0;

	for (i = 0; i < BATCH && !err; i++) {
		snprintf(name, sizeof(name), "timed-%d", i);
		err = remove_call(victim->session, name, victim->calls[i]);
	}
	return err;
}

static int session_request(struct victim *victim, int cmd)
{
	struct msg msg;

	msg_init(&msg, cmd);
	msg_u32(&msg, AGENTCG_A_SESSION_FD, victim->session);
	if (cmd == AGENTCG_CMD_SESSION_ADD) {
		msg_u32(&msg, AGENTCG_A_SESSION_AGENT_FD, victim->agent);
		msg_u64(&msg, AGENTCG_A_SESSION_BUDGET, BUDGET);
	}
	return nl_do(&victim->nl, &msg);
}

/*
 * Some calls at once, as an agent begins them.
 */
static int run_burst(struct victim *victim, const int *calls, uint64_t *sample)
{
	const uint64_t start = now_ns();
	int i, err = 0;

	for (i = 0; i < BURST && !err; i++)
		err = declare(&victim->nl, calls[i], 0, BUDGET);
	*sample = now_ns() - start;
	return err;
}

/*
 * The session ends and begins anew: its calls are not declared any more. So no
 * cgroup is made or removed, which is a hundred times the work and goes on for
 * long afterwards, and it is declaring alone that is timed.
 */
static int run_batch(struct victim *victim, uint64_t *declarations,
		     uint64_t *growths)
{
	int i, err;

	err = session_request(victim, AGENTCG_CMD_SESSION_DEL);
	if (!err)
		err = session_request(victim, AGENTCG_CMD_SESSION_ADD);
	for (i = 0; i < SAMPLES && !err; i++)
		err = run_burst(victim, victim->calls + i * BURST,
				&declarations[i]);
	for (i = 0; i < GROWTHS && !err; i++)
		err = run_growth(victim->calls[i], &growths[i]);
	return err;
}

struct samples {
	uint64_t *declarations;
	uint64_t *growths;
};

static void switch_to(enum mode mode)
{
	const uint64_t turns = shared->turns;

	shared->mode = mode;
	while (shared->turns < turns + 2)
		usleep(1000);
}

static int measure_arm(struct victim *victim, enum arm arm, unsigned int round,
		       struct samples *samples)
{
	unsigned int i = round * IN_ROUND;
	const unsigned int end = i + IN_ROUND;
	int err = 0;

	switch_to(arm == ARM_ATTACK ? ATTACK : CALM);
	for (; i < end && !err; i++)
		err = run_batch(victim, samples->declarations + i * SAMPLES,
				samples->growths + i * GROWTHS);
	return err;
}

static int measure(struct victim *victim, unsigned int rounds,
		   struct samples *samples)
{
	unsigned int round, nth;
	int err = prepare_victim(victim);

	/* What the first rounds find is overwritten. */
	for (round = 0; round < WARM_UP + rounds && !err; round++) {
		for (nth = 0; nth < ARMS && !err; nth++) {
			const enum arm arm = (nth + round) % ARMS;

			err = measure_arm(victim, arm,
					  round < WARM_UP ? 0 : round - WARM_UP,
					  &samples[arm]);
		}
	}
	if (err)
		fprintf(stderr, "flood: %s %s\n", strerror(-err),
			victim->nl.text);
	return err;
}

static void print(const struct samples *samples, unsigned int rounds)
{
	static const char *const names[ARMS] = { "calm", "attack" };
	const unsigned int batches = rounds * IN_ROUND;
	unsigned int arm;

	printf("{\"rounds\": %u", rounds);
	for (arm = ARM_CALM; arm < ARMS; arm++) {
		printf(", \"%s\": {", names[arm]);
		print_samples("declaration", samples[arm].declarations,
			    batches * SAMPLES);
		printf(", ");
		print_samples("growth", samples[arm].growths, batches * GROWTHS);
		printf("}");
	}
	printf("}\n");
}

/* The processes that disturb; until the caller ends. */
static int start_flood(int session, const struct attack *attack)
{
	int agent = openat(session, "agent", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	pid_t pid;

	if (agent < 0)
		return -errno;
	pid = attack->listened ? spawn(-1) : 1;
	if (!pid)
		_exit(listen_to_all());
	while (attack->listened && !shared->ready)
		usleep(1000);
	shared->ready = false;
	pid = spawn(agent);
	if (!pid)
		_exit(flood(session, attack));
	while (pid > 0 && !shared->ready)
		usleep(1000);
	return pid;
}

static int end_flood(int session, const struct attack *attack, pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	if ((unlinkat(session, "kept", AT_REMOVEDIR) && errno != ENOENT) ||
	    (unlinkat(session, "flood", AT_REMOVEDIR) && errno != ENOENT))
		return -errno;
	return remove_live(session, attack->live);
}

static int run(const struct attack *attack, char **sessions,
	       unsigned int rounds)
{
	const unsigned int batches = rounds * IN_ROUND;
	struct samples samples[ARMS] = {};
	static struct victim victim;
	int fds[2], err, end, arm;
	pid_t pid;

	for (arm = 0; arm < ARMS; arm++) {
		samples[arm].declarations = calloc(batches * SAMPLES,
						   sizeof(uint64_t));
		samples[arm].growths = calloc(batches * GROWTHS,
					      sizeof(uint64_t));
		fds[arm] = open(sessions[arm], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fds[arm] < 0 || !samples[arm].declarations ||
		    !samples[arm].growths)
			return -errno;
	}
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return -errno;
	err = pin(TIMED_CPU);
	if (err)
		return err;
	victim.session = fds[1];
	err = beat();
	if (err)
		return err;
	pid = start_flood(fds[0], attack);
	if (pid < 0)
		return pid;
	err = measure(&victim, rounds, samples);
	end = end_flood(fds[0], attack, pid) ?: end_victim(&victim);
	if (!err && !end)
		print(samples, rounds);
	return err ? err : end;
}

static const struct attack *find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++)
		if (!strcmp(attacks[i].name, name))
			return &attacks[i];
	return NULL;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "runs", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	const struct attack *attack = NULL;
	unsigned int runs = 8000;
	int c, err;

	while ((c = getopt_long(argc, argv, "h", longs, NULL)) == 'r')
		runs = strtoul(optarg, NULL, 10);
	if (c == -1 && optind == argc - 3 && runs)
		attack = find(argv[optind]);
	if (!attack) {
		fputs(help, stderr);
		return 2;
	}
	err = run(attack, argv + optind + 1, DIV_UP(runs, IN_ROUND * SAMPLES));
	if (err)
		fprintf(stderr, "flood: %s\n", strerror(-err));
	return err ? 1 : 0;
}
