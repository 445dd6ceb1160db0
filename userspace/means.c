// SPDX-License-Identifier: GPL-2.0-only
#include "means.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "gauge.h"
#include "size.h"

/* For CPU masks of any kernel. */
#define CPUS_MAX	8192

/* ---- files ---- */

/* "max" is no limit, and so is a file that is not there. */
static uint64_t read_limit(int dirfd, const char *name)
{
	char text[64];
	uint64_t value;

	return read_text(dirfd, name, text, sizeof(text)) > 0 &&
	       sscanf(text, "%" SCNu64, &value) == 1 ? value :
						       AGENTCG_UNLIMITED;
}

/* The path of a cgroup in its tree. */
static const char *path_of(int dirfd, const char *root, char path[PATH_MAX])
{
	size_t len = strlen(root);

	path_of_fd(dirfd, path);
	return !strncmp(path, root, len) && path[len] ? path + len : path;
}

/* ---- taking the smallest ---- */

static void __attribute__((format(printf, 3, 4)))
limit_cpus(struct means *means, unsigned int cpus, const char *fmt, ...)
{
	va_list args;

	if (!cpus || cpus >= means->cpus)
		return;
	means->cpus = cpus;
	va_start(args, fmt);
	vsnprintf(means->cpus_by, sizeof(means->cpus_by), fmt, args);
	va_end(args);
}

static void __attribute__((format(printf, 3, 4)))
limit_memory(struct means *means, uint64_t bytes, const char *fmt, ...)
{
	va_list args;

	if (bytes >= means->memory)
		return;
	means->memory = bytes;
	va_start(args, fmt);
	vsnprintf(means->memory_by, sizeof(means->memory_by), fmt, args);
	va_end(args);
}

unsigned int means_quota(const char *cpu_max)
{
	uint64_t quota, period;

	if (sscanf(cpu_max, "%" SCNu64 " %" SCNu64, &quota, &period) != 2 ||
	    !period)
		return 0;
	return (unsigned int)((quota + period - 1) / period) ?: 1;
}

unsigned int means_count(const char *cpu_list)
{
	unsigned int count = 0;
	const char *at = cpu_list;

	while (*at >= '0' && *at <= '9') {
		unsigned long first = strtoul(at, (char **)&at, 10);
		unsigned long last = first;

		if (*at == '-')
			last = strtoul(at + 1, (char **)&at, 10);
		if (last >= first)
			count += (unsigned int)(last - first + 1);
		at += *at == ',';
	}
	return count;
}

/* ---- what the cgroups allow ---- */

/* What can still be charged below a memory.max, cache that can go counted in. */
static uint64_t headroom(int dirfd)
{
	uint64_t max = read_limit(dirfd, "memory.max");
	uint64_t used = read_limit(dirfd, "memory.current");
	uint64_t cache;

	if (max == AGENTCG_UNLIMITED || used == AGENTCG_UNLIMITED)
		return AGENTCG_UNLIMITED;
	cache = gauge_key(dirfd, "memory.stat", "inactive_file");
	used = used > cache ? used - cache : 0;
	return max > used ? max - used : 0;
}

static void look_at_level(struct means *means, int dirfd, const char *root)
{
	char text[256], path[PATH_MAX];
	const char *name = path_of(dirfd, root, path);

	if (read_text(dirfd, "cpu.max", text, sizeof(text)) > 0)
		limit_cpus(means, means_quota(text), "cpu.max of %s", name);
	limit_memory(means, headroom(dirfd), "memory.max of %s", name);
}

/* From a cgroup up to the root of the tree, as far as it shows here. */
static void look_upwards(struct means *means, int dirfd, const char *root)
{
	int fd = dup(dirfd), up;

	/* The root has no cgroup.type, and what is above is another file system. */
	while (fd >= 0 && !faccessat(fd, "cgroup.type", F_OK, 0)) {
		look_at_level(means, fd, root);
		up = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(fd);
		fd = up;
	}
	if (fd >= 0)
		close(fd);
}

static void look_at_cpus(struct means *means, int dirfd, const char *root)
{
	cpu_set_t *set = CPU_ALLOC(CPUS_MAX);
	size_t size = CPU_ALLOC_SIZE(CPUS_MAX);
	char text[4096], path[PATH_MAX];

	if (set && !sched_getaffinity(0, size, set))
		limit_cpus(means, (unsigned int)CPU_COUNT_S(size, set),
			   "the CPUs that this process may run on");
	CPU_FREE(set);
	limit_cpus(means, (unsigned int)sysconf(_SC_NPROCESSORS_ONLN),
		   "the CPUs of the machine");
	if (dirfd >= 0 &&
	    read_text(dirfd, "cpuset.cpus.effective", text, sizeof(text)) > 0)
		limit_cpus(means, means_count(text), "cpuset.cpus of %s",
			   path_of(dirfd, root, path));
}

/* ---- what the module allows ---- */

static uint64_t minus(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* What the session can still hand out, of its budget and with its backing. */
struct room {
	uint64_t budget;
	uint64_t backing;
	uint64_t mem;		/* by default of a call */
	uint64_t burst;
};

static int read_room(struct agentcg *handle, struct agentcg_session *session,
		     struct room *room)
{
	struct agentcg_record record, defaults;
	uint64_t used, own, reserve;
	int err = agentcg_session_get(session, &record);

	if (err)
		return err;
	room->budget = agentcg_record_uint(&record, AGENTCG_A_SESSION_FREE, 0);
	/* limit + overdraft = free + all that is handed out */
	used = minus(agentcg_record_uint(&record, AGENTCG_A_SESSION_BUDGET, 0) +
		     agentcg_record_uint(&record, AGENTCG_A_SESSION_OVERDRAFT, 0),
		     room->budget);
	own = agentcg_record_uint(&record, AGENTCG_A_SESSION_FLOOR, 0) +
	      agentcg_record_uint(&record, AGENTCG_A_SESSION_BORROWED, 0);
	defaults = agentcg_record_nest(&record, AGENTCG_A_SESSION_DEFAULTS);
	room->mem = agentcg_record_uint(&defaults, AGENTCG_A_INTENT_MEM, 0);
	room->burst = agentcg_record_uint(&defaults, AGENTCG_A_INTENT_BURST,
					  AGENTCG_UNLIMITED);
	err = agentcg_node_get(handle, &record);
	if (err)
		return err;
	/* The rest has to be borrowed, while the reserve is not touched. */
	reserve = agentcg_record_uint(&record, AGENTCG_A_NODE_RESERVE, 0);
	room->backing = minus(agentcg_record_uint(&record,
					AGENTCG_A_NODE_AVAILABLE, 0), reserve);
	used = minus(own, used);
	own = agentcg_record_uint(&record, AGENTCG_A_NODE_FREE, 0);
	room->backing = (own < room->backing ? own : room->backing) + used;
	return 0;
}

/* What a call has already, and may have in all. */
struct share {
	uint64_t has;
	uint64_t may;
};

static int read_share(struct agentcg *handle, uint64_t call,
		      struct share *share)
{
	struct agentcg_record record, limits;
	uint64_t mem, burst;
	int err = agentcg_tool_get(handle, call, &record);

	if (err)
		return err;
	limits = agentcg_record_nest(&record, AGENTCG_A_TOOL_LIMITS);
	mem = agentcg_record_uint(&limits, AGENTCG_A_INTENT_MEM, 0);
	burst = agentcg_record_uint(&limits, AGENTCG_A_INTENT_BURST, 0);
	share->has = mem + agentcg_record_uint(&record, AGENTCG_A_TOOL_GRANTED, 0);
	share->may = burst == AGENTCG_UNLIMITED ? burst : mem + burst;
	return 0;
}

#define HAS(INTENT, NAME) \
	((INTENT) && ((INTENT)->set & (1ull << AGENTCG_A_INTENT_##NAME)))

static struct share declared(const struct room *room,
			     const struct agentcg_intent *intent)
{
	uint64_t mem = HAS(intent, MEM) ? intent->mem : room->mem;
	uint64_t burst = HAS(intent, BURST) ? intent->burst : room->burst;

	return (struct share){
		.may = burst == AGENTCG_UNLIMITED ? burst : mem + burst,
	};
}

static void ask_module(struct agentcg *handle, struct agentcg_session *session,
		       uint64_t call, const struct agentcg_intent *intent,
		       struct means *means)
{
	struct share share;
	struct room room;

	if (read_room(handle, session, &room))
		return;
	if (!call)
		share = declared(&room, intent);
	else if (read_share(handle, call, &share))
		return;
	means->managed = true;
	limit_memory(means, share.may, "--mem and --burst");
	limit_memory(means, share.has + room.budget,
		     "what is free of the session's budget");
	limit_memory(means, share.has + room.backing,
		     "what the machine can give");
}

void means_of(struct agentcg *handle, int dirfd,
	      struct agentcg_session *session, uint64_t call,
	      const struct agentcg_intent *intent, struct means *means)
{
	const char *root = "";

	agentcg_root(handle, &root);
	*means = (struct means){ .cpus = UINT32_MAX,
				 .memory = AGENTCG_UNLIMITED };
	look_at_cpus(means, dirfd, root);
	if (dirfd >= 0)
		look_upwards(means, dirfd, root);
	if (session)
		ask_module(handle, session, call, intent, means);
}

/* ---- where the caller runs ---- */

static int open_own(struct agentcg *handle)
{
	char text[PATH_MAX + 16], path[2 * PATH_MAX], *own;
	const char *root;

	if (agentcg_root(handle, &root) ||
	    read_text(AT_FDCWD, "/proc/self/cgroup", text, sizeof(text)) <= 0)
		return -1;
	own = strstr(text, "0::/");
	if (!own)
		return -1;
	own[strcspn(own, "\n")] = '\0';
	snprintf(path, sizeof(path), "%s%s", root, own + strlen("0::"));
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static uint64_t id_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? 0 : st.st_ino;
}

/* The call that a cgroup is, or is in; 0 for none. */
static uint64_t call_of(struct agentcg *handle, int dirfd, uint64_t session)
{
	int fd = dup(dirfd), up;
	uint64_t call = 0;

	while (fd >= 0 && !call && id_of(fd) != session &&
	       !faccessat(fd, "cgroup.type", F_OK, 0)) {
		struct agentcg_record record;

		if (!agentcg_tool_get(handle, id_of(fd), &record))
			call = id_of(fd);
		up = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(fd);
		fd = up;
	}
	if (fd >= 0)
		close(fd);
	return call;
}

int means_own(struct agentcg *handle, const struct agentcg_intent *intent,
	      struct means *means)
{
	struct agentcg_session *session = NULL;
	int err = agentcg_session_open(handle, NULL, &session);
	int own = open_own(handle), from = own;
	uint64_t call = 0;

	if (!err && own >= 0)
		call = call_of(handle, own, agentcg_session_id(session));
	/* What the agent leaf may is not what its calls may. */
	if (!err && !call)
		from = agentcg_session_fd(session);
	means_of(handle, from, session, call, intent, means);
	agentcg_session_close(session);
	if (own >= 0)
		close(own);
	return err;
}
