/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of agentcg replay share. */
#ifndef AGENTCG_REPLAY_H
#define AGENTCG_REPLAY_H

#include <agentcg/agentcg.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "../options.h"
#include "../play.h"
#include "../sandbox.h"
#include "../trace.h"

/* Of the memory that the sessions have together agentcg may lend nine tenths. */
#define REPLAY_LENT(MEMORY)	((MEMORY) / 10 * 9)

/**
 * struct replay_settings - What is asked for one session.
 * @offset: how much later than the others it begins.
 * @budget: of the session, or its limit, as the arm has it; 0 where not given.
 * @floor: of the session.
 * @max_hold: of the session; 0 where not given.
 * @intent: defaults of its calls.
 */
struct replay_settings {
	uint64_t offset;
	uint64_t budget;
	uint64_t floor;
	uint64_t max_hold;
	struct intent_args intent;
};

/**
 * struct replay_session - A session.
 * @file: the trace.
 * @asked: of it.
 * @trace: what was read.
 * @play: what is made of it.
 * @play_fd: its memory.
 * @cell: its cgroup, while it plays.
 * @agent: its process, 0 when it has ended.
 * @alone: what it takes by itself.
 * @took: from its begin to its end; 0 when it did not come to it.
 * @peak: most memory that its cgroup was charged.
 * @agent_survived: its agent did.
 */
struct replay_session {
	const char *file;
	struct replay_settings asked;
	struct trace trace;
	struct play *play;
	int play_fd;
	struct cell cell;
	pid_t agent;
	uint64_t alone;
	uint64_t took;
	uint64_t peak;
	bool agent_survived;
};

struct replay;

/**
 * struct replay_arm - One way to keep sessions within their memory.
 * @name: as given to --arm.
 * @managed: calls are made through the module, sessions are known to it.
 * @limit: file of a session's cgroup in which its share is a limit, or NULL.
 */
struct replay_arm {
	const char *name;
	bool managed;
	const char *limit;
};

struct replay {
	/* as asked */
	const struct replay_arm *arm;
	const char *parent;
	const char *scratch;
	double speed;
	uint64_t memory;	/* of all sessions; 0: no limit but the machine */
	uint64_t longest;	/* UINT64_MAX: until it has ended */
	bool solo;
	bool no_cpu;
	bool needs;		/* are all that is to be told */
	struct replay_session *sessions;
	unsigned int count;
	/* as it is */
	struct agentcg *handle;
	uint64_t touch_ns;
	uint64_t available;
	uint64_t capacity;	/* of the node, with the module */
	uint64_t demand;	/* most memory at a time, at these offsets */
	uint64_t sum;		/* of the sessions' own peaks */
	uint64_t rate;		/* new memory a second, at the most */
	bool cut;		/* it took longer than was allowed */
	int interrupted;	/* by this signal */
};

/** replay_peak() - Most memory that a session has by itself, in bytes. */
static inline uint64_t replay_peak(const struct replay_session *session)
{
	return (uint64_t)session->play->peak * PLAY_CHUNK;
}

/** replay_arm_find() - An arm by its name; tells when there is none. */
const struct replay_arm *replay_arm_find(const char *name);

/**
 * replay_run() - Play sessions, all at once.
 * @replay: of which.
 * @arm: how.
 * @first: number of the first.
 * @count: how many.
 * @memory: that they have together, 0 for no limit.
 *
 * Return: 0, or -1 after telling why.
 */
int replay_run(struct replay *replay, const struct replay_arm *arm,
	       unsigned int first, unsigned int count, uint64_t memory);

/** replay_needs() - Tell what the traces need, as text or JSON. */
void replay_needs(const struct replay *replay);

/** replay_report() - Tell what came of it, as text or JSON. */
void replay_report(const struct replay *replay);

#endif /* AGENTCG_REPLAY_H */
