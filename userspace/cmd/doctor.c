// SPDX-License-Identifier: GPL-2.0-only
/*
 * agentcg doctor: what is in force on this machine, what is not, and the mend.
 * Everything is looked up where it is true: the module's own word for what the
 * module does, the kernel's files for the rest.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "../../bpf/sched/state.h"
#include "../ceiling.h"
#include "../files.h"
#include "../main.h"
#include "../options.h"
#include "../output.h"
#include "../sched_host.h"

static const char help[] =
"usage: agentcg [-j] [-p] doctor\n"
"\n"
"What is in force on this machine, what is not, and what mends it. Exit\n"
"status 0 when nothing is bad, else 1.\n";

enum state { STATE_OK, STATE_WARN, STATE_BAD };

static const char *const state_names[] = { "ok", "warn", "bad" };

struct report {
	json_t *items;
	enum state worst;
};

/* What the items are told from, gathered once. */
struct host {
	struct agentcg *handle;
	struct agentcg_record info;
	bool loaded;
	uint64_t capabilities;
	const char *root;
	int root_fd;
	const char *trouble;	/* why the module does not answer */
};

static void __attribute__((format(printf, 5, 6)))
add(struct report *report, const char *name, enum state state,
    const char *mend, const char *fmt, ...)
{
	char text[512];
	va_list args;
	json_t *item;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	item = json_pack("{s:s, s:s, s:s}", "name", name, "state",
			 state_names[state], "text", text);
	if (state != STATE_OK && mend)
		json_object_set_new(item, "mend", json_string(mend));
	json_array_append_new(report->items, item);
	if (state > report->worst)
		report->worst = state;
}

/* Read the first line of a file; false when there is none. */
static bool read_line(int dirfd, const char *name, char *buf, size_t size)
{
	ssize_t len = read_text(dirfd, name, buf, size);

	buf[strcspn(buf, "\n")] = '\0';
	return len >= 0;
}

/* ---- kernel and module ---- */

static void check_kernel(struct report *report)
{
	int major = 0, minor = 0;
	struct utsname uts;

	uname(&uts);
	sscanf(uts.release, "%d.%d", &major, &minor);
	if (major > 6 || (major == 6 && minor >= 12))
		add(report, "kernel", STATE_OK, NULL, "%s", uts.release);
	else
		add(report, "kernel", STATE_BAD, "boot Linux 6.12 or newer",
		    "%s is older than 6.12", uts.release);
}

static void check_module(struct report *report, const struct host *host)
{
	const char *version;

	if (!host->loaded) {
		add(report, "module", STATE_BAD, "modprobe agentcg", "%s",
		    host->trouble);
		return;
	}
	version = agentcg_record_string(&host->info, AGENTCG_A_INFO_VERSION);
	add(report, "module", STATE_OK, NULL,
	    "loaded, version %s, interface %llu", version ?: "unknown",
	    (unsigned long long)agentcg_record_uint(&host->info,
						    AGENTCG_A_INFO_ABI, 0));
}

/* A capability of the module: what it gives, what its absence means. */
static const struct {
	enum agentcg_capability bit;
	const char *name;
	enum state without;
	const char *with_text;
	const char *without_text;
	const char *mend;
} capabilities[] = {
	{ AGENTCG_CAPABILITY_HOOK, "hook", STATE_BAD,
	  "memory over a soft limit is decided by agentcg",
	  "the kernel's function for memory over a soft limit is not hooked: no session is accepted",
	  "see the kernel log (dmesg) for the reason; the kernel needs CONFIG_FUNCTION_TRACER and CONFIG_MEMCG" },
	{ AGENTCG_CAPABILITY_RECLAIM_WATCH, "reclaim-watch", STATE_WARN,
	  "the kernel's own reclaim is timed and cut",
	  "the kernel's own reclaim cannot be timed, so it is never left to work",
	  "see the kernel log (dmesg) for the reason" },
	{ AGENTCG_CAPABILITY_LIFECYCLE, "lifecycle", STATE_BAD,
	  "tasks and cgroups are followed through their life",
	  "tasks and cgroups cannot be followed: no receipts",
	  "see the kernel log (dmesg); the kernel needs CONFIG_TRACEPOINTS" },
	{ AGENTCG_CAPABILITY_OOM_WATCH, "oom-watch", STATE_WARN,
	  "receipts tell at which limit an OOM kill was",
	  "at which limit an OOM kill was cannot be told: its cause is plain oom",
	  "see the kernel log (dmesg) for the reason" },
	{ AGENTCG_CAPABILITY_KFUNCS, "kfuncs", STATE_WARN,
	  "BPF programs may ask the module",
	  "BPF programs cannot ask the module: the built-in policy decides alone",
	  "see btf and the kernel log (dmesg)" },
	{ AGENTCG_CAPABILITY_POLICIES, "policies", STATE_WARN,
	  "a BPF policy may be loaded, see agentcg policy",
	  "no BPF policy can be loaded: the built-in policy decides alone",
	  "see btf and the kernel log (dmesg)" },
};

static void check_capabilities(struct report *report, const struct host *host)
{
	size_t i;

	for (i = 0; i < sizeof(capabilities) / sizeof(capabilities[0]); i++) {
		bool have = host->capabilities & capabilities[i].bit;

		if (!host->loaded)
			add(report, capabilities[i].name,
			    capabilities[i].without, "modprobe agentcg",
			    "not known while the module is not loaded");
		else
			add(report, capabilities[i].name, have ? STATE_OK :
			    capabilities[i].without, capabilities[i].mend,
			    "%s", have ? capabilities[i].with_text :
					 capabilities[i].without_text);
	}
}

/*
 * The kernel takes the module's type information in only if it matches its
 * own, and shows what it took.
 */
static void check_btf(struct report *report, const struct host *host)
{
	if (access("/sys/kernel/btf/vmlinux", F_OK))
		add(report, "btf", STATE_WARN,
		    "boot a kernel with CONFIG_DEBUG_INFO_BTF",
		    "the kernel has no type information: no BPF policies");
	else if (!host->loaded)
		add(report, "btf", STATE_WARN, "modprobe agentcg",
		    "not known while the module is not loaded");
	else if (!(host->capabilities & AGENTCG_CAPABILITY_BTF) ||
		 access("/sys/kernel/btf/agentcg", F_OK))
		add(report, "btf", STATE_WARN,
		    "rebuild the module against this kernel's headers, with pahole and vmlinux",
		    "the module has no matching type information: no BPF policies");
	else
		add(report, "btf", STATE_OK, NULL,
		    "the module's type information matches the kernel's");
}

static void check_fail_open(struct report *report, const struct host *host)
{
	if (!host->loaded)
		return;
	if (agentcg_record_uint(&host->info, AGENTCG_A_INFO_FAIL_OPEN, 0))
		add(report, "fail-open", STATE_BAD,
		    "rmmod agentcg && modprobe agentcg, and see the kernel log (dmesg)",
		    "the hook was found dead: all limits have been lifted");
	else
		add(report, "fail-open", STATE_OK, NULL,
		    "the watchdog has found nothing wrong");
}

/* ---- cgroups ---- */

/* Options of the cgroup2 mount at @root, out of /proc/self/mounts. */
static bool mount_options(const char *root, char *options, size_t size)
{
	FILE *file = fopen("/proc/self/mounts", "re");
	char line[4608], where[4096], type[16];
	bool found = false;

	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file)) {
		int at = 0;

		found = sscanf(line, "%*s %4095s %15s %n", where, type, &at) ==
			2 && at && !strcmp(where, root) &&
			!strcmp(type, "cgroup2");
		if (found)
			snprintf(options, size, "%.*s",
				 (int)strcspn(line + at, " \n"), line + at);
	}
	fclose(file);
	return found;
}

static void check_mount(struct report *report, const struct host *host)
{
	char options[512];

	if (!host->root) {
		add(report, "cgroup2", STATE_BAD,
		    "mount -t cgroup2 none /sys/fs/cgroup, or boot with systemd.unified_cgroup_hierarchy=1",
		    "cgroup v2 is not mounted");
		return;
	}
	if (!mount_options(host->root, options, sizeof(options)))
		snprintf(options, sizeof(options), "unknown options");
	if (!strstr(options, "memory_recursiveprot") ||
	    !strstr(options, "nsdelegate"))
		add(report, "cgroup2", STATE_WARN,
		    "mount -o remount,nsdelegate,memory_recursiveprot the cgroup2 mount",
		    "mounted on %s with %s: nsdelegate makes namespaces a boundary, memory_recursiveprot hands memory.low down",
		    host->root, options);
	else
		add(report, "cgroup2", STATE_OK, NULL, "mounted on %s with %s",
		    host->root, options);
}

static bool has_word(const char *list, const char *word)
{
	size_t len = strlen(word);
	const char *at;

	for (at = list; (at = strstr(at, word)); at += len)
		if ((at == list || at[-1] == ' ') &&
		    (!at[len] || at[len] == ' '))
			return true;
	return false;
}

/* What session add enables. */
#define NEEDED	3
static const char *const needed[NEEDED] = { "memory", "cpu", "pids" };

static void check_controllers(struct report *report, const struct host *host)
{
	char there[512], on[512], missing[64] = "", off[64] = "";
	size_t i;

	if (host->root_fd < 0 ||
	    !read_line(host->root_fd, "cgroup.controllers", there,
		       sizeof(there)) ||
	    !read_line(host->root_fd, "cgroup.subtree_control", on,
		       sizeof(on)))
		return;
	for (i = 0; i < NEEDED; i++) {
		char *list = !has_word(there, needed[i]) ? missing :
			     !has_word(on, needed[i]) ? off : NULL;

		if (list) {
			strcat(list, " ");
			strcat(list, needed[i]);
		}
	}
	if (missing[0])
		add(report, "controllers", STATE_BAD,
		    "take cgroup_disable= and cgroup v1 mounts of it out of the boot configuration",
		    "not available in cgroup v2:%s", missing);
	else if (off[0])
		add(report, "controllers", STATE_OK, NULL,
		    "memory, cpu and pids are available; session add enables what is not yet in use:%s",
		    off);
	else
		add(report, "controllers", STATE_OK, NULL,
		    "memory, cpu and pids are available and enabled at the root");
}

/* A file of the cgroup at @path in the tree, as read_line(). */
static bool read_cgroup(const struct host *host, const char *path,
			const char *name, char *buf, size_t size)
{
	char file[PATH_MAX];

	snprintf(file, sizeof(file), "%s%s/%s", host->root, path, name);
	return read_line(AT_FDCWD, file, buf, size);
}

/* Where in the tree this process is. */
static bool own_cgroup(char *path, size_t size)
{
	FILE *file = fopen("/proc/self/cgroup", "re");
	char line[PATH_MAX + 8];
	bool found = false;

	while (file && !found && fgets(line, sizeof(line), file))
		found = !strncmp(line, "0::", 3);
	if (file)
		fclose(file);
	if (found)
		snprintf(path, size, "%.*s", (int)strcspn(line + 3, "\n"),
			 line + 3);
	return found;
}

/* What of all there is the cgroups above this process hand down to it. */
static void check_delegation(struct report *report, const struct host *host)
{
	char own[PATH_MAX], all[512], there[512], missing[64] = "";
	size_t i;

	if (!host->root || !own_cgroup(own, sizeof(own)) ||
	    !read_cgroup(host, "", "cgroup.controllers", all, sizeof(all)) ||
	    !read_cgroup(host, own, "cgroup.controllers", there, sizeof(there)))
		return;
	for (i = 0; i < NEEDED; i++) {
		if (!has_word(all, needed[i]) || has_word(there, needed[i]))
			continue;
		strcat(missing, " ");
		strcat(missing, needed[i]);
	}
	if (missing[0])
		add(report, "delegation", STATE_WARN,
		    "add the session as root, which enables them on the way, or start this in a unit with Delegate=yes",
		    "not handed down to the cgroup of this process, %s:%s",
		    own, missing);
	else
		add(report, "delegation", STATE_OK, NULL,
		    "the cgroup of this process, %s, has what the root has", own);
}

/* ---- sessions ---- */

/**
 * struct findings - what is wrong with sessions
 * @host: where to look
 * @sessions: how many there are
 * @group_kills: cgroups that kill the agents in them, with the first session of
 *		 each
 * @unfed: the first whose calls have no memory controller, or empty
 */
struct findings {
	const struct host *host;
	unsigned int sessions;
	json_t *group_kills;
	char unfed[PATH_MAX];
	char given[PATH_MAX];
	const char *limit;
};

/* Note every cgroup from a session upwards that kills all it holds. */
static void find_group_kills(struct findings *found, const char *session)
{
	char path[PATH_MAX], value[8];
	char *slash;

	snprintf(path, sizeof(path), "%s", session);
	while ((slash = strrchr(path, '/')) && path[1]) {
		if (read_cgroup(found->host, path, "memory.oom.group", value,
				sizeof(value)) && value[0] == '1' &&
		    !json_object_get(found->group_kills, path))
			json_object_set_new(found->group_kills, path,
					    json_string(session));
		*slash = '\0';
	}
}

/* Note the first session whose limits are not root's. */
static void find_given_away(struct findings *found, const char *session)
{
	char path[PATH_MAX];
	int fd;

	if (found->limit)
		return;
	snprintf(path, sizeof(path), "%s%s", found->host->root, session);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	found->limit = limit_given_away(fd);
	strcpy(found->given, session);
	close(fd);
}

static int look_at_session(const struct agentcg_record *session, void *arg)
{
	struct findings *found = arg;
	const char *path;
	char on[512];

	found->sessions++;
	path = agentcg_record_string(session, AGENTCG_A_SESSION_PATH);
	if (!path || strlen(path) >= PATH_MAX)
		return 0;
	find_group_kills(found, path);
	find_given_away(found, path);
	if (!found->unfed[0] &&
	    read_cgroup(found->host, path, "cgroup.subtree_control", on,
			sizeof(on)) && !has_word(on, "memory"))
		strcpy(found->unfed, path);
	return 0;
}

static void report_group_kills(struct report *report, json_t *group_kills)
{
	const char *path;
	json_t *session;

	json_object_foreach(group_kills, path, session)
		add(report, "oom-group", STATE_BAD,
		    "write 0 to that memory.oom.group",
		    "memory.oom.group is 1 in %s: out of memory there kills the agent of %s with its calls",
		    path, json_string_value(session));
	if (!json_object_size(group_kills))
		add(report, "oom-group", STATE_OK, NULL,
		    "no cgroup kills the agent of a session with its calls");
}

static void report_given_away(struct report *report,
			      const struct findings *found)
{
	if (found->limit)
		add(report, "limits", STATE_BAD, "chown that file to root",
		    "others than root may write %s of %s: it does not bound them",
		    found->limit, found->given);
	else
		add(report, "limits", STATE_OK, NULL,
		    "only root may write the limits of a session");
}

static void report_sessions(struct report *report, const struct findings *found)
{
	if (!found->sessions) {
		add(report, "sessions", STATE_OK, NULL,
		    "none that this user may see");
		return;
	}
	if (found->unfed[0])
		add(report, "sessions", STATE_BAD,
		    "session del and session add; and a unit with Delegate=yes, if systemd switched it off",
		    "the calls of %s have no memory controller: they run unmanaged",
		    found->unfed);
	else
		add(report, "sessions", STATE_OK, NULL,
		    "%u, whose calls have the memory controller",
		    found->sessions);
	report_group_kills(report, found->group_kills);
	report_given_away(report, found);
}

static void check_sessions(struct report *report, const struct host *host)
{
	struct findings found = { .host = host };

	if (!host->loaded || !host->root)
		return;
	found.group_kills = json_object();
	if (agentcg_session_list(host->handle, look_at_session, &found) < 0)
		add(report, "sessions", STATE_WARN,
		    "run it as root", "the sessions cannot be looked at: %s",
		    agentcg_strerror(host->handle));
	else
		report_sessions(report, &found);
	json_decref(found.group_kills);
}

/* ---- the rest of the kernel ---- */

static void check_sched_ext(struct report *report, const struct host *host)
{
	char state[32];

	if (!read_line(AT_FDCWD, "/sys/kernel/sched_ext/state", state,
		       sizeof(state)))
		add(report, "sched-ext", STATE_WARN,
		    "boot a kernel with CONFIG_SCHED_CLASS_EXT",
		    "the kernel has no sched_ext, so agentcg sched cannot be loaded");
	else if (host->loaded &&
		 !(host->capabilities & AGENTCG_CAPABILITY_SCHED_EXT))
		add(report, "sched-ext", STATE_WARN,
		    "rebuild the module against this kernel",
		    "the kernel has sched_ext, but the module was built without it");
	else
		add(report, "sched-ext", STATE_OK, NULL,
		    "the kernel has it (%s)",
		    state);
}

/* Who gives out the processors, and what becomes of classes there. */
static void check_cpu(struct report *report)
{
	char name[SCHED_NAME_MAX];

	if (!sched_ext_attached(name, sizeof(name)))
		add(report, "cpu", STATE_OK, NULL,
		    "the kernel's own scheduler; classes and weights of calls are cpu.weight and cpu.idle of their cgroups, which bounds nobody's wait for a processor (agentcg sched does)");
	else if (!strcmp(name, SCHED_NAME))
		add(report, "cpu", STATE_OK, NULL, sched_ext_partial() ?
		    "agentcg_sched, for calls only: all others come before them" :
		    "agentcg_sched: calls that are waited for go first");
	else
		add(report, "cpu", STATE_WARN,
		    "end that scheduler, or see whether it says that it obeys cpu.weight and cpu.idle",
		    "the sched_ext scheduler %s: classes and weights of calls hold as far as it obeys their cgroups' cpu.weight and cpu.idle",
		    name);
}

static void check_psi(struct report *report, const struct host *host)
{
	char line[128];

	/* The module knows how the kernel was built, not how it was booted. */
	if (!read_line(AT_FDCWD, "/proc/pressure/memory", line, sizeof(line)))
		add(report, "psi", STATE_WARN, "boot with psi=1",
		    "pressure stall information is off: parked time does not show as memory pressure");
	else if (host->loaded &&
		 !(host->capabilities & AGENTCG_CAPABILITY_PSI))
		add(report, "psi", STATE_WARN,
		    "rebuild the module against this kernel",
		    "the module was built without it: parked time does not show as memory pressure");
	else
		add(report, "psi", STATE_OK, NULL,
		    "on: parked time shows as memory pressure");
}

static void check_swap(struct report *report)
{
	FILE *file = fopen("/proc/meminfo", "re");
	unsigned long long total = 0;
	char line[128];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "SwapTotal: %llu", &total) == 1)
			break;
	if (file)
		fclose(file);
	/* Either is fine for agentcg, but what it means is not the same. */
	if (total)
		add(report, "swap", STATE_OK, NULL,
		    "%llu KiB: what a call cannot keep in memory may go there",
		    total);
	else
		add(report, "swap", STATE_OK, NULL,
		    "none: only file cache can be reclaimed from a call");
}

/* ---- the whole ---- */

static void look(struct host *host)
{
	int err;

	host->handle = open_handle();
	if (agentcg_root(host->handle, &host->root))
		host->root = NULL;
	host->root_fd = host->root ? open(host->root, O_RDONLY | O_DIRECTORY |
					  O_CLOEXEC) : -1;
	err = agentcg_info(host->handle, &host->info);
	host->loaded = !err;
	host->trouble = err == -EPROTONOSUPPORT ? "not loaded" :
			agentcg_strerror(host->handle);
	host->capabilities = err ? 0 :
		agentcg_record_uint(&host->info, AGENTCG_A_INFO_CAPABILITIES, 0);
}

static void examine(struct report *report)
{
	struct host host = { .root_fd = -1 };

	look(&host);
	check_kernel(report);
	check_module(report, &host);
	check_capabilities(report, &host);
	check_btf(report, &host);
	check_fail_open(report, &host);
	check_mount(report, &host);
	check_controllers(report, &host);
	check_delegation(report, &host);
	check_sched_ext(report, &host);
	check_cpu(report);
	check_psi(report, &host);
	check_swap(report);
	/* Last, because its requests overwrite host.info. */
	check_sessions(report, &host);
	if (host.root_fd >= 0)
		close(host.root_fd);
	agentcg_close(host.handle);
}

static void print_text(const struct report *report)
{
	size_t i;

	for (i = 0; i < json_array_size(report->items); i++) {
		json_t *item = json_array_get(report->items, i);
		const char *name, *state, *text, *mend = NULL;

		json_unpack(item, "{s:s, s:s, s:s, s?:s}", "name", &name,
			    "state", &state, "text", &text, "mend", &mend);
		printf("%-4s %-14s %s\n", state, name, text);
		if (mend)
			printf("%19s mend: %s\n", "", mend);
	}
}

static int doctor_show(char **argv)
{
	struct report report = { .worst = STATE_OK };
	const struct option_def options[] = { { .name = NULL } };

	if (parse_all(options, argv, NULL, 0))
		return EXIT_USAGE;
	report.items = json_array();
	examine(&report);
	if (json_wanted) {
		print_json(json_pack("{s:s, s:o}", "state",
				     state_names[report.worst], "items",
				     report.items));
	} else {
		print_text(&report);
		json_decref(report.items);
	}
	return report.worst == STATE_BAD ? EXIT_FAILED : EXIT_OK;
}

int cmd_doctor(char **argv)
{
	static const struct command commands[] = {
		{ "show", doctor_show },
		{ NULL, NULL }
	};

	return dispatch(commands, argv, help);
}
