// SPDX-License-Identifier: GPL-2.0-only
/* agentcg replay, while it plays. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../gauge.h"
#include "../main.h"
#include "../player.h"
#include "replay.h"

#define NSEC_PER_SEC	1000000000ull

/* Between all being told and the beginning: all are to have woken by then. */
#define HEAD_START	(50 * 1000000ull)

/* ---- arms ---- */

static const struct replay_arm arms[] = {
	{ .name = "agentcg", .managed = true },
	{ .name = "none" },
	{ .name = "static", .limit = "memory.max" },
	{ .name = "high", .limit = "memory.high" },
};

#define ARMS		(sizeof(arms) / sizeof(arms[0]))

const struct replay_arm *replay_arm_find(const char *name)
{
	char names[256] = "";
	size_t i;

	for (i = 0; i < ARMS; i++) {
		if (!strcmp(arms[i].name, name))
			return &arms[i];
		if (i)
			strcat(names, i + 1 < ARMS ? ", " : " or ");
		strcat(names, arms[i].name);
	}
	complain("--arm: \"%s\" is not known: use %s", name, names);
	return NULL;
}

/* What one session may have where the arm limits each, or by the module. */
static uint64_t share_of(const struct replay *replay,
			 const struct replay_arm *arm,
			 const struct replay_session *session, uint64_t memory,
			 unsigned int count)
{
	if (session->asked.budget)
		return session->asked.budget;
	return arm->managed ? replay->capacity : memory / count;
}

static int add_session(const struct replay_arm *arm, struct sandbox *sandbox,
		       struct replay_session *session, unsigned int number,
		       uint64_t share)
{
	const struct replay_settings *asked = &session->asked;
	const struct agentcg_session_config config = {
		.size = sizeof(config),
		.set = 1ull << AGENTCG_A_SESSION_BUDGET |
		       1ull << AGENTCG_A_SESSION_FLOOR |
		       1ull << AGENTCG_A_SESSION_DEFAULTS |
		       (asked->max_hold ? 1ull << AGENTCG_A_SESSION_MAX_HOLD :
					  0),
		.budget = share,
		.floor = asked->floor,
		.max_hold = asked->max_hold,
		.defaults = &asked->intent.intent,
	};
	char text[32];

	if (sandbox_add(sandbox, number, arm->managed ? &config : NULL,
			&session->cell))
		return -1;
	if (!arm->limit)
		return 0;
	snprintf(text, sizeof(text), "%llu", (unsigned long long)share);
	return sandbox_write(agentcg_session_fd(session->cell.session),
			     arm->limit, text);
}

/* ---- the beginning ---- */

static int limit_all(struct replay *replay, const struct replay_arm *arm,
		     struct sandbox *sandbox, uint64_t memory)
{
	char text[32];

	if (!memory)
		return 0;
	snprintf(text, sizeof(text), "%llu", (unsigned long long)memory);
	if (sandbox_write(sandbox->dir, "memory.max", text))
		return -1;
	return arm->managed ? sandbox_set_node(sandbox, replay->capacity) : 0;
}

static int start_session(struct replay *replay, const struct replay_arm *arm,
			 struct replay_session *session, int start_fd)
{
	const struct agentcg_intent *intent = &session->asked.intent.intent;
	struct play *play = session->play;
	int err;

	play_reset(play);
	play->managed = arm->managed;
	play->declare = !(intent->set & 1ull << AGENTCG_A_INTENT_BURST);
	play->mem = intent->mem;
	snprintf(play->cell, sizeof(play->cell), "%s", session->cell.path);
	snprintf(play->scratch, sizeof(play->scratch), "%s", replay->scratch);
	session->agent_survived = true;
	session->took = 0;
	err = player_start(session->play_fd, start_fd, session->cell.agent,
			   &session->agent);
	if (!err)
		return 0;
	complain("starting an agent: %s", strerror(err));
	session->agent = 0;
	return -1;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

static uint64_t begin_all(struct replay_session *sessions, unsigned int count,
			  int start)
{
	uint64_t begin = now_ns() + HEAD_START;
	unsigned int i;

	for (i = 0; i < count; i++)
		sessions[i].play->begin = begin + sessions[i].asked.offset;
	close(start);
	return begin;
}

/* ---- the course ---- */

static void agent_ended(struct replay_session *session, int status)
{
	session->agent = 0;
	session->took = session->play->took;
	session->agent_survived = WIFEXITED(status);
	/* Nobody waits for its calls any more. */
	cell_kill(&session->cell);
}

/* Return: how many agents there are still. */
static unsigned int reap(struct replay_session *sessions, unsigned int count)
{
	unsigned int i, alive = 0;
	int status;

	for (i = 0; i < count; i++) {
		if (!sessions[i].agent)
			continue;
		if (waitpid(sessions[i].agent, &status, WNOHANG) > 0)
			agent_ended(&sessions[i], status);
		else
			alive++;
	}
	return alive;
}

static int next_signal(uint64_t end)
{
	uint64_t now = now_ns(), rest = end > now ? end - now : 0;
	const struct timespec wait = {
		.tv_sec = (time_t)(rest / NSEC_PER_SEC),
		.tv_nsec = (long)(rest % NSEC_PER_SEC),
	};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	return end == UINT64_MAX ? sigwaitinfo(&set, NULL) :
				   sigtimedwait(&set, NULL, &wait);
}

static void follow(struct replay *replay, struct replay_session *sessions,
		   unsigned int count, uint64_t begin)
{
	uint64_t end = replay->longest == UINT64_MAX ? UINT64_MAX :
		       begin + replay->longest;

	while (reap(sessions, count) && !replay->interrupted) {
		int sig = next_signal(end);

		if (sig > 0 && sig != SIGCHLD)
			replay->interrupted = sig;
		if (now_ns() < end)
			continue;
		replay->cut = true;
		break;
	}
}

/* ---- the end ---- */

/* Agents that are still there were cut off, which they did not die of. */
static void stop_session(struct replay_session *session)
{
	int status;

	if (session->cell.session) {
		session->peak = gauge_number(agentcg_session_fd(
					session->cell.session), "memory.peak");
		cell_kill(&session->cell);
	}
	if (session->agent)
		waitpid(session->agent, &status, 0);
	session->agent = 0;
	cell_close(&session->cell);
}

static int tell_errors(const struct replay_session *sessions,
		       unsigned int count)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < count; i++) {
		if (!sessions[i].play->error[0])
			continue;
		complain("%s: %s", sessions[i].file, sessions[i].play->error);
		err = -1;
	}
	return err;
}

static int play(struct replay *replay, const struct replay_arm *arm,
		struct sandbox *sandbox, struct replay_session *sessions,
		unsigned int count, uint64_t memory)
{
	int ends[2], err = limit_all(replay, arm, sandbox, memory);
	unsigned int i;

	for (i = 0; !err && i < count; i++)
		err = add_session(arm, sandbox, &sessions[i], i + 1,
				  share_of(replay, arm, &sessions[i], memory,
					   count));
	if (err)
		return err;
	if (pipe2(ends, O_CLOEXEC)) {
		complain("pipe: %s", strerror(errno));
		return -1;
	}
	for (i = 0; !err && i < count; i++)
		err = start_session(replay, arm, &sessions[i], ends[0]);
	close(ends[0]);
	if (err)
		close(ends[1]);
	else
		follow(replay, sessions, count,
		       begin_all(sessions, count, ends[1]));
	return err;
}

int replay_run(struct replay *replay, const struct replay_arm *arm,
	       unsigned int first, unsigned int count, uint64_t memory)
{
	struct replay_session *sessions = replay->sessions + first;
	struct sandbox sandbox;
	unsigned int i;
	int err;

	if (sandbox_make(&sandbox, replay->handle, replay->parent,
			 "agentcg-replay"))
		return -1;
	err = play(replay, arm, &sandbox, sessions, count, memory);
	for (i = 0; i < count; i++)
		stop_session(&sessions[i]);
	if (sandbox_remove(&sandbox))
		err = -1;
	return err ?: tell_errors(sessions, count);
}
