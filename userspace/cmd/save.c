// SPDX-License-Identifier: GPL-2.0-only
/* agentcg save, agentcg restore: sessions over an upgrade of the module. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../files.h"
#include "../main.h"
#include "../options.h"
#include "../output.h"
#include "../saved.h"

static const char save_help[] =
"usage: agentcg [-p] save [FILE]\n"
"\n"
"Writes all sessions with their live calls, and what was set of the node, as\n"
"JSON: to FILE, or to stdout. Reads only.\n";

static const char restore_help[] =
"usage: agentcg [-j] [-p] restore [FILE]\n"
"\n"
"Adds again what \"agentcg save\" has written, from FILE or stdin, after the\n"
"module was unloaded and loaded: sessions, and the calls that still run.\n"
"Sessions and calls that are there already are left as they are, cgroups that\n"
"are gone are skipped; both are told. A deadline goes on where it was, stall\n"
"and receipt begin anew.\n"
"\n"
"Exit status: 0 when all is there; 1 when something is not, the rest is; 2 when\n"
"the file is not as it must be, nothing was done then.\n";

#define NSEC_PER_SEC	1000000000ull

/* What the module reserves by itself: node.c, agentcg_node_init(). */
#define RESERVE_LEAST	(512ull << 20)

static bool wants_help(char **argv)
{
	return argv[0] && (!strcmp(argv[0], "help") || !strcmp(argv[0], "-h") ||
			   !strcmp(argv[0], "--help"));
}

/* FILE, NULL for the standard one. */
static int parse(char **argv, const char **file)
{
	const struct option_def none[] = { { .name = NULL } };

	while (*argv && global_option(*argv))
		argv++;
	/* It looks like an option to the parser. */
	if (*argv && !strcmp(*argv, "-")) {
		*file = NULL;
		return parse_all(none, argv + 1, NULL, 0);
	}
	return parse_all(none, argv, file, 1);
}

/* ---- the node ---- */

/* All memory of the machine as the module counts it, 0 when that is not known. */
static uint64_t memory_total(void)
{
	unsigned long long kib = 0;
	char text[128];

	if (read_text(AT_FDCWD, "/proc/meminfo", text, sizeof(text)) < 0 ||
	    sscanf(text, "MemTotal: %llu kB", &kib) != 1)
		return 0;
	return kib << 10;
}

/* What was set by hand of the node, which is what differs from its default. */
static int read_node(struct agentcg *handle, struct saved_node *node)
{
	uint64_t total = memory_total(), reserve = total / 10;
	struct agentcg_record record;
	int err = agentcg_node_get(handle, &record);

	if (err)
		return err;
	*node = (struct saved_node){
		.capacity = agentcg_record_uint(&record, AGENTCG_A_NODE_CAPACITY, 0),
		.reserve = agentcg_record_uint(&record, AGENTCG_A_NODE_RESERVE, 0),
	};
	if (reserve < RESERVE_LEAST)
		reserve = RESERVE_LEAST;
	if (reserve > total / 2)
		reserve = total / 2;
	if (node->reserve != reserve)
		node->set |= 2;
	if (node->capacity != total - reserve &&
	    node->capacity != total - node->reserve)
		node->set |= 1;
	return 0;
}

/* ---- save ---- */

static int add_session(const struct agentcg_record *record, void *arg)
{
	/* Without a path its cgroup has gone, and it is about to. */
	if (agentcg_record_string(record, AGENTCG_A_SESSION_PATH))
		json_array_append_new(arg, saved_session_json(record));
	return 0;
}

static int add_call(const struct agentcg_record *record, void *arg)
{
	if (agentcg_record_string(record, AGENTCG_A_TOOL_PATH))
		json_array_append_new(arg, saved_call_json(record));
	return 0;
}

static int add_calls(struct agentcg *handle, json_t *session)
{
	int err = agentcg_tool_list(handle, (uint64_t)
		json_integer_value(json_object_get(session, "id")), add_call,
		json_object_get(session, "calls"));

	/* It has ended meanwhile; the cgroup will tell when it is restored. */
	return err == -ENOENT ? 0 : err;
}

static int collect(struct agentcg *handle, json_t *root)
{
	json_t *sessions = json_array(), *session;
	struct saved_node node;
	size_t i;
	int err;

	json_object_set_new(root, "version", json_integer(SAVED_VERSION));
	err = read_node(handle, &node);
	if (!err && node.set)
		json_object_set_new(root, "node", saved_node_json(&node));
	json_object_set_new(root, "sessions", sessions);
	err = err ?: agentcg_session_list(handle, add_session, sessions);
	if (err)
		return err;
	json_array_foreach(sessions, i, session) {
		err = add_calls(handle, session);
		if (err)
			return err;
	}
	return 0;
}

/* Only with all of it at hand: what was in the file may be all there is. */
static int write_file(const char *path, const json_t *root)
{
	struct stat st;
	int err, fd;

	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0600);
	if (fd < 0)
		return -errno;
	err = dump_json(fd, root, pretty_wanted);
	/* The machine may be upgraded as a whole, and booted. */
	if (!err && !fstat(fd, &st) && S_ISREG(st.st_mode) && fsync(fd))
		err = -errno;
	if (close(fd) && !err)
		err = -errno;
	return err;
}

int cmd_save(char **argv)
{
	struct agentcg *handle;
	const char *path;
	json_t *root;
	int err;

	if (wants_help(argv)) {
		fputs(save_help, stdout);
		return EXIT_OK;
	}
	if (parse(argv, &path))
		return EXIT_USAGE;
	handle = open_handle();
	root = json_object();
	err = collect(handle, root);
	if (err) {
		json_decref(root);
		return fail(handle, err);
	}
	agentcg_close(handle);
	if (!path) {
		print_json(root);
		return EXIT_OK;
	}
	err = write_file(path, root);
	json_decref(root);
	if (!err)
		return EXIT_OK;
	complain("save: %s: %s: it is not saved, name another file", path,
		 strerror(-err));
	return EXIT_FAILED;
}

/* ---- restore ---- */

enum state { RESTORED, THERE, GONE, REFUSED };

static const char *const state_names[] = {
	[RESTORED] = "restored",
	[THERE] = "there",
	[GONE] = "gone",
	[REFUSED] = "refused",
};

struct restore {
	struct agentcg *handle;
	json_t *items;		/* for JSON */
	unsigned int count[sizeof(state_names) / sizeof(state_names[0])];
};

/* @why is told to people as well, but for what was restored. */
static void note(struct restore *restore, const char *kind, const char *path,
		 enum state state, const char *why)
{
	json_t *item = json_pack("{s:s, s:s}", "kind", kind, "state",
				 state_names[state]);

	restore->count[state]++;
	if (path)
		json_object_set_new(item, "path", json_text(path));
	if (state != RESTORED) {
		json_object_set_new(item, "reason", json_text(why));
		complain("restore: %s%s%s: %s", kind, path ? " " : "",
			 path ?: "", why);
	}
	json_array_append_new(restore->items, item);
}

static void note_error(struct restore *restore, const char *kind,
		       const char *path, int err)
{
	const char *text = agentcg_strerror(restore->handle);
	char why[1024];

	snprintf(why, sizeof(why), "%s%s", *text ? text : strerror(-err),
		 error_mend(err));
	note(restore, kind, path, REFUSED, why);
}

/* Open the very cgroup that was saved; NULL after telling that it has gone. */
static struct agentcg_session *open_cgroup(struct restore *restore,
					   const char *kind, const char *path,
					   uint64_t id)
{
	struct agentcg_session *dir = NULL;
	int err = agentcg_session_open(restore->handle, path, &dir);

	if (!err && agentcg_session_id(dir) == id)
		return dir;
	agentcg_session_close(dir);
	if (!err)
		note(restore, kind, path, GONE,
		     "its cgroup is gone, another one has its name: skipped");
	else if (err == -ENOENT || err == -ENOTDIR || err == -EMEDIUMTYPE)
		note(restore, kind, path, GONE, "its cgroup is gone: skipped");
	else
		note_error(restore, kind, path, err);
	return NULL;
}

static uint64_t now_boot(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

static void restore_call(struct restore *restore, const json_t *object,
			 const struct saved_session *session)
{
	struct agentcg_record reply;
	struct agentcg_session *dir;
	struct saved_call call;
	int err;

	saved_read_call(object, session, &call, NULL);
	dir = open_cgroup(restore, "call", call.path, call.id);
	if (!dir)
		return;
	if (!agentcg_tool_get(restore->handle, call.id, &reply)) {
		note(restore, "call", call.path, THERE,
		     "is there already: left as it is");
	} else {
		saved_rest_deadline(&call, session, now_boot());
		err = agentcg_tool_set(restore->handle, agentcg_session_fd(dir),
				       &call.intent.intent, &reply);
		if (err)
			note_error(restore, "call", call.path, err);
		else
			note(restore, "call", call.path, RESTORED, NULL);
	}
	agentcg_session_close(dir);
}

/* Is the agent leaf the one that adding the session will take? */
static bool has_agent(const struct saved_session *saved, int fd)
{
	struct stat st;

	return !saved->agent_id || (!fstatat(fd, "agent", &st, 0) &&
				    st.st_ino == saved->agent_id);
}

/* Return: whether it is there now. */
static bool add_again(struct restore *restore,
		      const struct saved_session *saved,
		      struct agentcg_session *session)
{
	struct agentcg_record reply;
	int err;

	if (!agentcg_session_get(session, &reply)) {
		note(restore, "session", saved->path, THERE,
		     "is there already: left as it is");
		return true;
	}
	if (!has_agent(saved, agentcg_session_fd(session))) {
		note(restore, "session", saved->path, REFUSED,
		     "its agent leaf is not its child agent any more: add it with agentcg session add");
		return false;
	}
	err = agentcg_session_add(session, &saved->config);
	if (err)
		note_error(restore, "session", saved->path, err);
	else
		note(restore, "session", saved->path, RESTORED, NULL);
	return !err;
}

static void restore_session(struct restore *restore, const json_t *object)
{
	struct agentcg_session *session;
	struct saved_session saved;
	struct saved_call call;
	bool there;
	size_t i;

	saved_read_session(object, &saved, NULL);
	session = open_cgroup(restore, "session", saved.path, saved.id);
	there = session && add_again(restore, &saved, session);
	for (i = 0; i < json_array_size(saved.calls); i++) {
		const json_t *one = json_array_get(saved.calls, i);

		if (there) {
			restore_call(restore, one, &saved);
			continue;
		}
		saved_read_call(one, &saved, &call, NULL);
		note(restore, "call", call.path, session ? REFUSED : GONE,
		     "its session is not there: skipped");
	}
	agentcg_session_close(session);
}

static void restore_node(struct restore *restore, const json_t *object)
{
	struct saved_node saved, now;
	int err;

	if (!object)
		return;
	saved_read_node(object, &saved, NULL);
	err = read_node(restore->handle, &now);
	if (!err && now.set) {
		note(restore, "node", NULL, THERE,
		     "was set already: left as it is");
		return;
	}
	err = err ?: agentcg_node_set(restore->handle,
				      saved.set & 1 ? &saved.capacity : NULL,
				      saved.set & 2 ? &saved.reserve : NULL);
	if (err)
		note_error(restore, "node", NULL, err);
	else
		note(restore, "node", NULL, RESTORED, NULL);
}

/* Return: what was saved, NULL after telling what is wrong with it. */
static json_t *load(const char *path)
{
	FILE *file = path ? fopen(path, "re") : stdin;
	char problem[SAVED_PROBLEM_MAX];
	json_t *root;

	if (!file) {
		complain("restore: %s: %s: name the file that agentcg save has written",
			 path, strerror(errno));
		return NULL;
	}
	root = saved_load(file, problem);
	if (path)
		fclose(file);
	if (!root)
		complain("restore: %s: %s: nothing was done, give the file as agentcg save has written it",
			 path ?: "stdin", problem);
	return root;
}

static int finish(struct restore *restore)
{
	const unsigned int *count = restore->count;

	if (json_wanted) {
		print_json(json_pack("{s:O}", "items", restore->items));
	} else {
		printf("%u restored, %u there already, %u gone, %u refused\n",
		       count[RESTORED], count[THERE], count[GONE],
		       count[REFUSED]);
	}
	json_decref(restore->items);
	return count[GONE] || count[REFUSED] ? EXIT_FAILED : EXIT_OK;
}

int cmd_restore(char **argv)
{
	struct restore restore = { .handle = NULL };
	const json_t *sessions;
	struct agentcg_record info;
	const char *path;
	json_t *root;
	size_t i;
	int err;

	if (wants_help(argv)) {
		fputs(restore_help, stdout);
		return EXIT_OK;
	}
	if (parse(argv, &path))
		return EXIT_USAGE;
	root = load(path);
	if (!root)
		return EXIT_USAGE;
	restore.handle = open_handle();
	err = agentcg_info(restore.handle, &info);
	if (err) {
		json_decref(root);
		return fail(restore.handle, err);
	}
	restore.items = json_array();
	restore_node(&restore, json_object_get(root, "node"));
	sessions = json_object_get(root, "sessions");
	for (i = 0; i < json_array_size(sessions); i++)
		restore_session(&restore, json_array_get(sessions, i));
	json_decref(root);
	agentcg_close(restore.handle);
	return finish(&restore);
}
