// SPDX-License-Identifier: GPL-2.0-only
/* agentcg session: the sandboxes of agents. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "../ceiling.h"
#include "../files.h"
#include "../main.h"
#include "../means.h"
#include "../options.h"
#include "../output.h"
#include "../size.h"

static const char help[] =
"usage: agentcg session add CGROUP --budget SIZE [--adopt] [OPTIONS] [DEFAULTS]\n"
"       agentcg session set CGROUP [OPTIONS] [DEFAULTS]\n"
"       agentcg session del CGROUP\n"
"       agentcg [-j] [-p] session [show [CGROUP]]\n"
"\n"
"add enables memory, cpu and pids on the way to the cgroup and in it, and\n"
"makes its child \"agent\", where the agent's own processes belong; del puts\n"
"all of it back. OPTIONS:\n"
"\n"
"  --budget SIZE        what the session may use\n"
"  --floor SIZE         of it, what the machine guarantees\n"
"  --class CLASS        highest class that its calls may have\n"
"  --weight N           1 to 10000, against other sessions\n"
"  --max-hold TIME      longest that a call may be frozen, or wait past its stall\n"
"                       bound, before it is killed; default 10min\n"
"  --jitter TIME        up to 5ms: its tasks wait for a processor for a random time\n"
"                       below this, so that they cannot time other tenants; 0 unless\n"
"                       set, and only where the scheduler is loaded\n"
"  --adopt              move the cgroup's own processes into \"agent\"\n"
"  --hold               stay, and end the session with its calls when this command\n"
"                       ends, however it ends, or its stdin is closed\n"
"\n"
"DEFAULTS of its calls, where they do not declare it themselves: --mem,\n"
"--burst, --stall, --on-exhaust, --deadline, --warn-before, --survivors and\n"
"--restartable as in \"agentcg run help\", --default-class CLASS and\n"
"--default-weight N. (\"agentcg run\" always declares --reap or --keep.)\n";

#define SESSION_BIT(NAME)	(1ull << AGENTCG_A_SESSION_##NAME)

struct session_args {
	struct agentcg_session_config config;
	struct intent_args defaults;
	const char *cgroup;
	bool hold;
};

/* Of the session itself these two mean something else. */
static void rename_defaults(struct option_def *def)
{
	for (; def->name; def++) {
		if (!strcmp(def->name, "class"))
			def->name = "default-class";
		else if (!strcmp(def->name, "weight"))
			def->name = "default-weight";
	}
}

static int parse_session(char **argv, struct session_args *args)
{
	struct agentcg_session_config *c = &args->config;
	const struct option_def own[] = {
		{ "class", OPTION_CLASS, &c->max_class,
		  SESSION_BIT(MAX_CLASS), &c->set },
		{ "adopt", OPTION_FLAG, &c->adopt, 0, NULL },
		{ "hold", OPTION_FLAG, &args->hold, 0, NULL },
	};
	struct option_def table[sizeof(own) / sizeof(own[0]) +
				SESSION_OPTIONS + INTENT_OPTIONS + 1];
	struct option_def *defaults = session_options(table, c);

	args->hold = false;
	memcpy(defaults, own, sizeof(own));
	defaults += sizeof(own) / sizeof(own[0]);
	intent_options(defaults, &args->defaults)->name = NULL;
	rename_defaults(defaults);
	if (parse_all(table, argv, &args->cgroup, 1))
		return -1;
	if (!args->cgroup) {
		complain("session: name a CGROUP");
		return -1;
	}
	intent_finish(&args->defaults);
	if (args->defaults.intent.set) {
		c->defaults = &args->defaults.intent;
		c->set |= SESSION_BIT(DEFAULTS);
	}
	return 0;
}

/*
 * The first cgroup from @fd upwards that kills all it holds when out of memory.
 * Return: whether there is one; @path gets where.
 */
static bool group_kill_from(int fd, char path[PATH_MAX])
{
	char value[2];
	bool found;
	int up;

	/* The root of the tree has no such file. */
	if (read_text(fd, "memory.oom.group", value, sizeof(value)) < 0)
		return false;
	if (value[0] == '1') {
		path_of_fd(fd, path);
		return true;
	}
	up = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (up < 0)
		return false;
	found = group_kill_from(up, path);
	close(up);
	return found;
}

/*
 * A group kill above the agent takes the agent, whatever is done below:
 * container runtimes set it.
 */
static void warn_group_kill(int fd)
{
	char path[PATH_MAX];

	if (group_kill_from(fd, path))
		complain("warning: memory.oom.group is 1: an out-of-memory kill there takes the agent with its calls: echo 0 >%s/memory.oom.group",
			 path);
}

/* Whoever may write the limits of a session has none. */
static void warn_given_away(int fd, const char *cgroup)
{
	const char *limit = limit_given_away(fd);

	if (limit)
		complain("warning: others than root may write %s of %s, so it does not bound them: chown it to root, and delegate only the directory, cgroup.procs, cgroup.threads and cgroup.subtree_control",
			 limit, cgroup);
}

/* Is one of the cgroups from @fd upwards delegated by systemd? */
static bool delegated_from(int fd)
{
	struct stat here, above;
	char value[2] = "";
	bool yes;
	int up;

	if ((fgetxattr(fd, "trusted.delegate", value, 1) == 1 ||
	     fgetxattr(fd, "user.delegate", value, 1) == 1) && value[0] == '1')
		return true;
	up = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (up < 0)
		return false;
	/* At the top of the tree another file system begins. */
	yes = !fstat(fd, &here) && !fstat(up, &above) &&
	      here.st_dev == above.st_dev && delegated_from(up);
	close(up);
	return yes;
}

/* systemd writes the files of what it has not delegated as it sees fit. */
static void warn_not_delegated(int fd, const char *cgroup)
{
	if (access("/run/systemd/system", F_OK) || delegated_from(fd))
		return;
	complain("warning: %s belongs to systemd, which may switch its controllers off again: use a unit with Delegate=yes (systemd-run --scope -p Delegate=yes ...)",
		 cgroup);
}

/* Open the cgroup, do @fn with it, tell how that went. */
static int with_session(const char *cgroup,
			int (*fn)(struct agentcg_session *session,
				  const char *cgroup, const void *arg),
			const void *arg)
{
	struct agentcg *handle = open_handle();
	struct agentcg_session *session;
	int err;

	err = agentcg_session_open(handle, cgroup, &session);
	if (err)
		return fail(handle, err);
	err = fn(session, cgroup, arg);
	agentcg_session_close(session);
	if (err)
		return fail(handle, err);
	agentcg_close(handle);
	return EXIT_OK;
}

static void print_id(const struct agentcg_session *session)
{
	print_json(json_pack("{s:I}", "id",
			     (json_int_t)agentcg_session_id(session)));
}

/* Until whoever started us has gone, or closes our stdin. */
static void wait_for_end_of_input(void)
{
	char buf[256];

	fflush(stdout);
	while (read(STDIN_FILENO, buf, sizeof(buf)) > 0)
		continue;
}

static int add(struct agentcg_session *session, const char *cgroup,
	       const void *arg)
{
	const struct session_args *args = arg;
	int err = agentcg_session_add(session, &args->config);

	if (!err && args->hold)
		err = agentcg_session_own(session, true);
	if (err)
		return err;
	if (json_wanted)
		print_id(session);
	warn_group_kill(agentcg_session_fd(session));
	warn_given_away(agentcg_session_fd(session), cgroup);
	warn_not_delegated(agentcg_session_fd(session), cgroup);
	if (args->hold)
		wait_for_end_of_input();
	return 0;
}

static int session_add(char **argv)
{
	struct session_args args;

	if (parse_session(argv, &args))
		return EXIT_USAGE;
	if (!(args.config.set & SESSION_BIT(BUDGET))) {
		complain("session add: --budget SIZE is needed, as in --budget 4G");
		return EXIT_USAGE;
	}
	return with_session(args.cgroup, add, &args);
}

static int set(struct agentcg_session *session, const char *cgroup,
	       const void *config)
{
	(void)cgroup;
	return agentcg_session_set(session, config);
}

static int session_set(char **argv)
{
	struct session_args args;

	if (parse_session(argv, &args))
		return EXIT_USAGE;
	if (args.config.adopt || args.hold || !args.config.set) {
		complain("session set: %s", args.config.adopt || args.hold ?
			 "--adopt and --hold belong to session add" :
			 "nothing to set: see agentcg session help");
		return EXIT_USAGE;
	}
	return with_session(args.cgroup, set, &args.config);
}

/* For commands that take a cgroup, or nothing, and no option. */
static int only_cgroup(char **argv, const char **cgroup)
{
	const struct option_def options[] = { { .name = NULL } };

	return parse_all(options, argv, cgroup, 1);
}

static int del(struct agentcg_session *session, const char *cgroup,
	       const void *unused)
{
	struct agentcg_record reply;
	char text[HUMAN_MAX];
	uint64_t high;
	int err;

	(void)unused;
	err = agentcg_session_del(session, &reply);
	if (err)
		return err;
	high = agentcg_record_uint(&reply, AGENTCG_A_SESSION_RESTORED_HIGH,
				   AGENTCG_UNLIMITED);
	if (json_wanted && !reply.data)
		/* Only what was left of it: the module had forgotten it. */
		print_id(session);
	else if (json_wanted)
		print_record(&reply);
	else if (high != AGENTCG_UNLIMITED)
		/* It may be a tight one. */
		printf("memory.high of %s is %s again, as it was found\n",
		       cgroup, human_size(high, text));
	return 0;
}

static int session_del(char **argv)
{
	const char *cgroup;

	if (only_cgroup(argv, &cgroup))
		return EXIT_USAGE;
	if (!cgroup) {
		complain("session del: name a CGROUP");
		return EXIT_USAGE;
	}
	return with_session(cgroup, del, NULL);
}

/* With what a new call would have now. */
static json_t *session_json(const struct agentcg_record *record,
			    const struct means *means)
{
	json_t *object = record_json(record);

	json_object_set_new(object, "available",
			    means->memory == AGENTCG_UNLIMITED ? json_null() :
			    json_integer((json_int_t)means->memory));
	if (*means->memory_by)
		json_object_set_new(object, "available-by",
				    json_text(means->memory_by));
	json_object_set_new(object, "cpus", json_integer(means->cpus));
	json_object_set_new(object, "cpus-by", json_text(means->cpus_by));
	return object;
}

static void session_text(const struct agentcg_record *record,
			 const struct means *means, int indent)
{
	char size[HUMAN_MAX];

	record_text(stdout, record, indent);
	printf("%*sa new call can have %s of memory now (%s) and %u CPU%s (%s)\n",
	       indent, "", means->memory == AGENTCG_UNLIMITED ? "all" :
	       human_size(means->memory, size),
	       *means->memory_by ? means->memory_by : "nothing limits it",
	       means->cpus, means->cpus == 1 ? "" : "s", means->cpus_by);
}

/*
 * What a new call of the session in @record would have; asked with a handle of
 * its own, since @record is only good until the next request on its own.
 */
static void ask_means(struct agentcg *handle,
		      const struct agentcg_record *record, struct means *means)
{
	const char *path = agentcg_record_string(record, AGENTCG_A_SESSION_PATH);
	struct agentcg_session *session = NULL;

	if (path && !agentcg_session_open(handle, path, &session) &&
	    agentcg_session_id(session) !=
	    agentcg_record_uint(record, AGENTCG_A_SESSION_ID, 0)) {
		agentcg_session_close(session);
		session = NULL;
	}
	means_of(handle, session ? agentcg_session_fd(session) : -1, session, 0,
		 NULL, means);
	agentcg_session_close(session);
	if (means->managed)
		return;
	/* Not to be seen from here: its account is all there is. */
	means->memory = agentcg_record_uint(record, AGENTCG_A_SESSION_FREE, 0);
	snprintf(means->memory_by, sizeof(means->memory_by),
		 "what is free of the session's budget");
}

struct session_list {
	struct agentcg *handle;	/* to ask with */
	json_t *array;
	unsigned int count;
};

static int list_session(const struct agentcg_record *record, void *arg)
{
	struct session_list *list = arg;
	struct means means;

	ask_means(list->handle, record, &means);
	if (json_wanted) {
		json_array_append_new(list->array, session_json(record, &means));
		return 0;
	}
	if (list->count++)
		putchar('\n');
	text_heading(record);
	session_text(record, &means, 2);
	return 0;
}

static int show(struct agentcg_session *session, const char *cgroup,
		const void *unused)
{
	struct agentcg *handle;
	struct agentcg_record reply;
	struct means means;
	int err;

	(void)cgroup;
	(void)unused;
	err = agentcg_session_get(session, &reply);
	if (err)
		return err;
	handle = open_handle();
	ask_means(handle, &reply, &means);
	if (json_wanted)
		print_json(session_json(&reply, &means));
	else
		session_text(&reply, &means, 0);
	agentcg_close(handle);
	return 0;
}

static int session_show(char **argv)
{
	struct session_list list = { .array = NULL };
	struct agentcg *handle;
	const char *cgroup;
	int err;

	if (only_cgroup(argv, &cgroup))
		return EXIT_USAGE;
	if (cgroup)
		return with_session(cgroup, show, NULL);
	handle = open_handle();
	list.handle = open_handle();
	list.array = json_array();
	err = agentcg_session_list(handle, list_session, &list);
	agentcg_close(list.handle);
	if (!err && json_wanted)
		print_json(list.array);
	else
		json_decref(list.array);
	if (err)
		return fail(handle, err);
	agentcg_close(handle);
	return EXIT_OK;
}

int cmd_session(char **argv)
{
	static const struct command commands[] = {
		{ "show", session_show },
		{ "add", session_add },
		{ "set", session_set },
		{ "del", session_del },
		{ NULL, NULL }
	};

	return dispatch(commands, argv, help);
}
