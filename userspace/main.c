// SPDX-License-Identifier: GPL-2.0-only
/* agentcg: the command line of libagentcg. */
#include "main.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "player.h"

bool json_wanted;
bool pretty_wanted;

static const char help[] =
"usage: agentcg [-j] [-p] OBJECT COMMAND ...\n"
"       agentcg run [OPTIONS] -- CMD ARG...\n"
"\n"
"  run       run a command as a tool call of a session\n"
"  session   add, set, del, show: the sandboxes of agents\n"
"  tool      show, set, kill: tool calls that are running\n"
"  receipt   show: what came of tool calls that have ended\n"
"  event     follow what happens, as it happens\n"
"  node      show, set: the memory account of the machine\n"
"  policy    show, load, unload: BPF programs that decide about memory\n"
"  sched     show, stat, load, unload: the scheduler that knows tool calls\n"
"  info      what the kernel module is, can do, and has done\n"
"  record    run an agent and write what it uses over time\n"
"  replay    do again what was recorded, under one of several controls\n"
"  env       CPUs and memory as variables that tools obey\n"
"  save      write all sessions and their calls to a file, before an upgrade\n"
"  restore   add them again, after it\n"
"  doctor    what is in force on this machine, what is not, and the mend\n"
"\n"
"  -j, --json     JSON, one document, or one line for each event\n"
"  -p, --pretty   JSON over several lines\n"
"  -V, --version  version of this program\n"
"\n"
"Words may be shortened while they stay unique. \"agentcg OBJECT help\" tells\n"
"more. A CGROUP is a path in the cgroup tree (/a/b) or its directory. A SIZE\n"
"is in bytes, or has K, M, G or T (1024-based). A DURATION is in seconds, or\n"
"has ns, us, ms, s, m or h.\n";

const char intent_help[] =
"  --mem SIZE           reserved of the session's budget\n"
"  --burst SIZE         what may be granted above it (max: what the budget has)\n"
"  --class CLASS        interactive, latency, batch or besteffort\n"
"  --weight N           1 to 10000, within the class\n"
"  --stall DURATION     longest time that the call may be held back in all\n"
"  --on-exhaust ACTION  after that: overdraft, kill, freeze or wait\n"
"  --deadline DURATION  longest time that it may run (max: no end)\n"
"  --warn-before DURATION\n"
"                       an event tells of the deadline so long before it\n"
"  --survivors WHAT     keep or reap what outlives the first process\n"
"  --restartable        it can simply be run again\n"
"  --conflict NAME      calls of this session that name the same do not run on the\n"
"                       sibling threads of a core at once (agentcg sched)\n"
"  --label TEXT         free text for people\n"
"  --tag KEY=VALUE      comes back in the receipt; up to 8 times\n";

int fail(struct agentcg *handle, int err)
{
	const char *text = agentcg_strerror(handle);

	complain("%s%s", *text ? text : strerror(-err), error_mend(err));
	agentcg_close(handle);
	return EXIT_FAILED;
}

int become_loader(const char *const *argv)
{
	execv(POLICY_LOADER, (char *const *)argv);
	complain("%s: %s: install agentcg with its BPF programs, and libbpf",
		 POLICY_LOADER, strerror(errno));
	return EXIT_FAILED;
}

struct agentcg *open_handle(void)
{
	struct agentcg *handle = agentcg_open();

	if (!handle) {
		complain("out of memory");
		exit(EXIT_FAILED);
	}
	return handle;
}

bool global_option(const char *arg)
{
	if (!strcmp(arg, "-j") || !strcmp(arg, "--json"))
		json_wanted = true;
	else if (!strcmp(arg, "-p") || !strcmp(arg, "--pretty"))
		pretty_wanted = true;
	else if (!strcmp(arg, "-jp") || !strcmp(arg, "-pj"))
		json_wanted = pretty_wanted = true;
	else
		return false;
	return true;
}

static bool is_help(const char *word)
{
	return !strcmp(word, "help") || !strcmp(word, "--help") ||
	       !strcmp(word, "-h");
}

static const struct command *find(const struct command *table,
				  const char *word)
{
	const struct command *found = NULL;
	size_t len = strlen(word);

	for (; table->name; table++) {
		if (!strcmp(table->name, word))
			return table;
		if (len && !strncmp(table->name, word, len)) {
			if (found) {
				complain("%s: %s or %s? write it out", word,
					 found->name, table->name);
				return NULL;
			}
			found = table;
		}
	}
	if (!found)
		complain("%s: no such command: see agentcg help", word);
	return found;
}

int dispatch(const struct command *table, char **argv, const char *text)
{
	const struct command *found = table;

	while (*argv && global_option(*argv))
		argv++;
	if (*argv && !is_help(*argv) && ((*argv)[0] != '-' || !(*argv)[1]))
		found = find(table, *argv++);
	if (!found)
		return EXIT_USAGE;
	if (*argv && is_help(*argv)) {
		fputs(text, stdout);
		return EXIT_OK;
	}
	return found->run(argv);
}

static const struct command objects[] = {
	{ "run", cmd_run },
	{ "session", cmd_session },
	{ "tool", cmd_tool },
	{ "receipt", cmd_receipt },
	{ "event", cmd_event },
	{ "node", cmd_node },
	{ "policy", cmd_policy },
	{ "sched", cmd_sched },
	{ "info", cmd_info },
	{ "record", cmd_record },
	{ "replay", cmd_replay },
	{ "env", cmd_env },
	{ "doctor", cmd_doctor },
	{ "save", cmd_save },
	{ "restore", cmd_restore },
	{ "player", cmd_player },	/* for replay alone */
	{ NULL, NULL }
};

/* A full disk or a closed pipe must not look like success. */
static int flush(int status)
{
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	complain("writing the output: %s", strerror(errno));
	return status ?: EXIT_FAILED;
}

int main(int argc, char **argv)
{
	const struct command *object;

	(void)argc;
	for (argv++; *argv && (*argv)[0] == '-'; argv++) {
		if (!strcmp(*argv, "-V") || !strcmp(*argv, "--version")) {
			puts("agentcg " AGENTCG_VERSION);
			return flush(EXIT_OK);
		}
		if (is_help(*argv))
			break;
		if (!global_option(*argv)) {
			complain("%s: no such option: see agentcg help", *argv);
			return EXIT_USAGE;
		}
	}
	if (!*argv) {
		fputs(help, stderr);
		return EXIT_USAGE;
	}
	if (is_help(*argv)) {
		fputs(help, stdout);
		return flush(EXIT_OK);
	}
	object = find(objects, *argv);
	return object ? flush(object->run(argv + 1)) : EXIT_USAGE;
}
