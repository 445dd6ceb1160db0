// SPDX-License-Identifier: GPL-2.0-only
/* agentcg event: what happens, as it happens. */
#include <errno.h>

#include "../main.h"
#include "../options.h"
#include "../output.h"
#include "../size.h"

static const char help[] =
"usage: agentcg [-j] event [follow] [--count N]\n"
"\n"
"One line for each event of every session, until interrupted, or N of them.\n"
"With -j the receipt of each call that has ended follows as a line of its own.\n"
"A session has a share of 1024 a second, of mere changes 64; \"dropped\" tells how\n"
"many it made above that since its last event.\n"
"For the administrator of the host.\n";

static void print_text(const struct agentcg_record *event)
{
	char usage[HUMAN_MAX], limit[HUMAN_MAX], stall[HUMAN_MAX];
	const char *type, *label;
	uint64_t id, dropped;

	type = agentcg_event_type_name((unsigned int)
		agentcg_record_uint(event, AGENTCG_A_EVENT_TYPE, ~0u));
	printf("%llu %s", (unsigned long long)
	       agentcg_record_uint(event, AGENTCG_A_EVENT_SEQ, 0),
	       type ?: "unknown");
	id = agentcg_record_uint(event, AGENTCG_A_EVENT_SESSION_ID, 0);
	if (id)
		printf(" session %llu", (unsigned long long)id);
	id = agentcg_record_uint(event, AGENTCG_A_EVENT_TOOL_ID, 0);
	if (id)
		printf(" tool %llu", (unsigned long long)id);
	label = agentcg_record_string(event, AGENTCG_A_EVENT_LABEL);
	if (label)
		printf(" label %s", label);
	label = agentcg_cause_name((unsigned int)
		agentcg_record_uint(event, AGENTCG_A_EVENT_CAUSE, ~0u));
	if (label)
		printf(" cause %s", label);
	human_size(agentcg_record_uint(event, AGENTCG_A_EVENT_USAGE, 0), usage);
	human_size(agentcg_record_uint(event, AGENTCG_A_EVENT_LIMIT,
				       AGENTCG_UNLIMITED), limit);
	human_duration(agentcg_record_uint(event, AGENTCG_A_EVENT_STALL_TOTAL,
					   0), stall);
	printf(" usage %s limit %s stall %s", usage, limit, stall);
	dropped = agentcg_record_uint(event, AGENTCG_A_EVENT_DROPPED, 0);
	if (dropped)
		printf(" dropped %llu", (unsigned long long)dropped);
	putchar('\n');
}

/* Return: whether there was a line to print. */
static bool print_event(const struct agentcg_record *event)
{
	const bool receipt = event->object == AGENTCG_OBJECT_TOOL;

	if (json_wanted)
		print_json(receipt ? json_pack("{s:o}", "receipt",
					       record_json(event)) :
				     record_json(event));
	else if (!receipt)
		print_text(event);
	return json_wanted || !receipt;
}

static int follow(struct agentcg *handle, uint64_t count)
{
	struct agentcg_record event;
	uint64_t seen = 0;

	while (!count || seen < count) {
		int err = agentcg_event_read(handle, &event);

		if (err == -EINTR)
			continue;
		if (err == -ENOBUFS) {
			complain("warning: %s", agentcg_strerror(handle));
			continue;
		}
		if (err)
			return fail(handle, err);
		if (!print_event(&event))
			continue;
		/* A reader waits for lines, not for a full buffer. */
		if (fflush(stdout))
			break;
		seen++;
	}
	agentcg_close(handle);
	return EXIT_OK;
}

static int event_follow(char **argv)
{
	const char *text = NULL, *problem;
	const struct option_def options[] = {
		{ "count", OPTION_STRING, &text, 0, NULL },
		{ .name = NULL }
	};
	struct agentcg *handle;
	uint64_t count = 0;
	int err;

	if (parse_all(options, argv, NULL, 0))
		return EXIT_USAGE;
	problem = text ? parse_number(text, 1, UINT32_MAX, &count) : NULL;
	if (problem) {
		complain("--count: \"%s\" %s", text, problem);
		return EXIT_USAGE;
	}
	/* Each event is one line of its own. */
	pretty_wanted = false;
	handle = open_handle();
	err = agentcg_events_start(handle);
	return err ? fail(handle, err) : follow(handle, count);
}

int cmd_event(char **argv)
{
	static const struct command commands[] = {
		{ "follow", event_follow },
		{ NULL, NULL }
	};

	return dispatch(commands, argv, help);
}
