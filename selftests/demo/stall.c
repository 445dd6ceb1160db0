// SPDX-License-Identifier: GPL-2.0-only
/*
 * stall: how long charges of a cgroup and all below it are held in the kernel.
 *
 * Loads stall.bpf.o, says "ready", counts until its stdin ends or it is
 * interrupted, then prints one JSON object.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "../../bpf/stall.h"

#define CGROUP_ROOT	"/sys/fs/cgroup"
#define OBJECT		"/usr/lib/agentcg/bpf/stall.bpf.o"
#define DEFAULT_LEAST	50000

static const char help[] =
"usage: stall [OPTION]... CGROUP\n"
"\n"
"Measures how long charges of CGROUP (a directory of cgroup v2) and all below\n"
"it are held in the kernel: in the over-high throttle, in reclaim, in agentcg's\n"
"park. Says \"ready\", counts until stdin ends, prints the result as JSON.\n"
"\n"
"  --least NS     shorter times are counted as \"passed\", not as \"held\"\n"
"                 (default 50000)\n"
"  --object FILE  the BPF program (default " OBJECT ")\n";

static const char *const kind_names[STALL_KINDS] = {
	[STALL_OVER_HIGH] = "over-high",
	[STALL_MEMCG_RECLAIM] = "memcg-reclaim",
	[STALL_DIRECT_RECLAIM] = "direct-reclaim",
	[STALL_PARK] = "park",
};

struct options {
	const char *cgroup;
	const char *object;
	uint64_t least;
};

/* What the program counted, the kinds added up. */
struct result {
	uint64_t buckets[STALL_BUCKETS];
	uint64_t held[STALL_KINDS];
	uint64_t longest[STALL_KINDS];
	uint64_t total[STALL_KINDS];
	uint64_t passed;
	uint64_t lost;
};

/* The variables of the program, as laid out by its section .bss. */
struct variables {
	uint64_t longest[STALL_KINDS];
	uint64_t total[STALL_KINDS];
	uint64_t lost;
};

static void on_signal(int sig)
{
	/* It only has to end poll(). */
}

static bool parse(int argc, char **argv, struct options *options)
{
	static const struct option longs[] = {
		{ "least", required_argument, NULL, 'l' },
		{ "object", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	int c;

	while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		if (c == 'l')
			options->least = strtoull(optarg, NULL, 10);
		else if (c == 'o')
			options->object = optarg;
		else
			return false;
	}
	if (optind != argc - 1)
		return false;
	options->cgroup = argv[optind];
	return true;
}

/* How deep a cgroup is below the root, whose own level is 0. */
static int level_of(const char *cgroup)
{
	char path[PATH_MAX];
	const char *c;
	int level = 0;

	if (!realpath(cgroup, path))
		return -errno;
	if (strncmp(path, CGROUP_ROOT, strlen(CGROUP_ROOT)))
		return -EINVAL;
	for (c = path + strlen(CGROUP_ROOT); *c; c++)
		level += *c == '/';
	return level;
}

/* The id of a cgroup is the inode number of its directory. */
static int tell_root(struct bpf_object *object, const char *cgroup)
{
	struct {
		uint64_t id;
		uint32_t level;
	} root = { 0 };
	struct bpf_map *map = bpf_object__find_map_by_name(object, ".rodata");
	struct stat st;
	size_t size;
	void *value;
	int level;

	level = level_of(cgroup);
	if (level < 0)
		return level;
	if (stat(cgroup, &st))
		return -errno;
	root.id = st.st_ino;
	root.level = level;
	value = map ? bpf_map__initial_value(map, &size) : NULL;
	if (!value || size < sizeof(root.id) + sizeof(root.level))
		return -EINVAL;
	memcpy(value, &root, sizeof(root.id) + sizeof(root.level));
	return 0;
}

static bool is_function(const struct btf *btf, const char *name)
{
	return btf__find_by_name_kind(btf, name, BTF_KIND_FUNC) > 0;
}

static int aim(struct bpf_object *object, const char *enter, const char *leave,
	       const char *function)
{
	struct bpf_program *in, *out;
	int err;

	in = bpf_object__find_program_by_name(object, enter);
	out = bpf_object__find_program_by_name(object, leave);
	if (!in || !out)
		return -ENOENT;
	if (!function) {
		bpf_program__set_autoload(in, false);
		bpf_program__set_autoload(out, false);
		return 0;
	}
	err = bpf_program__set_attach_target(in, 0, function);
	return err ? err : bpf_program__set_attach_target(out, 0, function);
}

/* Names differ between kernels, and the module may not be there. */
static int aim_all(struct bpf_object *object)
{
	const char *over_high = "__mem_cgroup_handle_over_high";
	struct btf *vmlinux = btf__load_vmlinux_btf();
	struct btf *module;
	int err;

	if (!vmlinux)
		return -errno;
	if (!is_function(vmlinux, over_high))
		over_high = "mem_cgroup_handle_over_high";
	err = aim(object, "over_high_enter", "over_high_leave", over_high);
	module = btf__load_module_btf("agentcg", vmlinux);
	if (!err)
		err = aim(object, "park_enter", "park_leave",
			  module ? "park_work_fn" : NULL);
	btf__free(module);
	btf__free(vmlinux);
	return err;
}

/* Exits first: what is entered before they are there is never left. */
static int attach_all(struct bpf_object *object)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, object) {
		if (!bpf_program__autoload(program))
			continue;
		if (!bpf_program__attach(program))
			return -errno;
	}
	return 0;
}

static struct bpf_object *start(const struct options *options, int *err)
{
	struct bpf_object *object = bpf_object__open_file(options->object, NULL);

	if (!object) {
		*err = -errno;
		return NULL;
	}
	*err = tell_root(object, options->cgroup);
	if (!*err)
		*err = aim_all(object);
	if (!*err)
		*err = bpf_object__load(object);
	if (!*err)
		*err = attach_all(object);
	if (!*err)
		return object;
	bpf_object__close(object);
	return NULL;
}

/* The middle of a bucket. */
static uint64_t value_of(unsigned int bucket)
{
	unsigned int shift;
	uint64_t low;

	if (bucket < 1u << STALL_MANTISSA)
		return bucket;
	/* The leading bit of the mantissa was added to the exponent. */
	shift = (bucket >> STALL_MANTISSA) - 1;
	low = (bucket & ((1u << STALL_MANTISSA) - 1)) + (1u << STALL_MANTISSA);
	return (low << shift) + ((1ull << shift) >> 1);
}

static int read_histogram(struct bpf_object *object, struct result *result,
			  uint64_t least)
{
	int fd = bpf_object__find_map_fd_by_name(object, "histogram");
	uint32_t key;

	for (key = 0; key < STALL_KINDS * STALL_BUCKETS; key++) {
		uint64_t nr;

		if (bpf_map_lookup_elem(fd, &key, &nr))
			return -errno;
		if (value_of(key % STALL_BUCKETS) < least) {
			result->passed += nr;
			continue;
		}
		result->buckets[key % STALL_BUCKETS] += nr;
		result->held[key / STALL_BUCKETS] += nr;
	}
	return 0;
}

static int read_result(struct bpf_object *object, struct result *result,
		       uint64_t least)
{
	int fd = bpf_object__find_map_fd_by_name(object, ".bss");
	struct variables variables;
	uint32_t key = 0;

	if (bpf_map_lookup_elem(fd, &key, &variables))
		return -errno;
	memcpy(result->longest, variables.longest, sizeof(result->longest));
	memcpy(result->total, variables.total, sizeof(result->total));
	result->lost = variables.lost;
	return read_histogram(object, result, least);
}

static uint64_t longest(const struct result *result)
{
	uint64_t most = 0;
	unsigned int i;

	for (i = 0; i < STALL_KINDS; i++)
		if (result->longest[i] > most)
			most = result->longest[i];
	return most;
}

/* Nearest rank; the middle of the last bucket may lie above all that is in it. */
static uint64_t percentile(const struct result *result, unsigned int percent)
{
	const uint64_t most = longest(result);
	uint64_t held = 0, rank, seen = 0;
	unsigned int i;

	for (i = 0; i < STALL_KINDS; i++)
		held += result->held[i];
	if (!held)
		return 0;
	rank = (held * percent + 99) / 100;
	for (i = 0; i < STALL_BUCKETS; i++) {
		seen += result->buckets[i];
		if (seen >= rank)
			return value_of(i) < most ? value_of(i) : most;
	}
	return 0;
}

static void print(const struct result *result, uint64_t least)
{
	uint64_t held = 0, total = 0;
	unsigned int i;

	for (i = 0; i < STALL_KINDS; i++) {
		held += result->held[i];
		total += result->total[i];
	}
	printf("{\"least_ns\": %" PRIu64 ", \"held\": %" PRIu64
	       ", \"passed\": %" PRIu64 ", \"lost\": %" PRIu64
	       ", \"longest_ns\": %" PRIu64 ", \"p50_ns\": %" PRIu64
	       ", \"p95_ns\": %" PRIu64 ", \"total_ns\": %" PRIu64
	       ", \"kinds\": {", least, held, result->passed, result->lost,
	       longest(result), percentile(result, 50), percentile(result, 95),
	       total);
	for (i = 0; i < STALL_KINDS; i++)
		printf("%s\"%s\": {\"held\": %" PRIu64 ", \"longest_ns\": %"
		       PRIu64 ", \"total_ns\": %" PRIu64 "}", i ? ", " : "",
		       kind_names[i], result->held[i], result->longest[i],
		       result->total[i]);
	printf("}}\n");
}

static void wait_for_end(void)
{
	const struct sigaction action = { .sa_handler = on_signal };
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	char buf[64];

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	puts("ready");
	fflush(stdout);
	while (poll(&in, 1, -1) > 0)
		if (read(STDIN_FILENO, buf, sizeof(buf)) <= 0)
			break;
}

int main(int argc, char **argv)
{
	struct options options = { .object = OBJECT, .least = DEFAULT_LEAST };
	static struct result result;
	struct bpf_object *object;
	int err;

	if (!parse(argc, argv, &options)) {
		fputs(help, stderr);
		return 2;
	}
	object = start(&options, &err);
	if (!object) {
		fprintf(stderr, "stall: cannot measure %s with %s: %s\n",
			options.cgroup, options.object, strerror(-err));
		return 1;
	}
	wait_for_end();
	err = read_result(object, &result, options.least);
	bpf_object__close(object);
	if (err) {
		fprintf(stderr, "stall: cannot read the result: %s\n",
			strerror(-err));
		return 1;
	}
	print(&result, options.least);
	return 0;
}
