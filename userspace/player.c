// SPDX-License-Identifier: GPL-2.0-only
#include "player.h"

#include <agentcg/agentcg.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "gauge.h"
#include "main.h"
#include "play.h"
#include "sandbox.h"
#include "size.h"

#define NSEC_PER_SEC	1000000000ull
#define NSEC_PER_MSEC	1000000ull

/* An agent looks up from its own work so often. */
#define SLICE		(5 * NSEC_PER_MSEC)

/* A call whose intent is refused is tried again, for so long. */
#define REFUSED_PAUSE	(100 * NSEC_PER_MSEC)
#define REFUSED_TRIES	600

/* How long the end of a call without the module may take. */
#define END_TIMEOUT_MS	5000

/* Touched to find out how long it takes. */
#define MEASURED	48

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

static uint64_t now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static struct timespec timespec_of(uint64_t ns)
{
	return (struct timespec){
		.tv_sec = (time_t)(ns / NSEC_PER_SEC),
		.tv_nsec = (long)(ns % NSEC_PER_SEC),
	};
}

/* ---- memory and CPU ---- */

struct memory {
	void **chunks;
	uint32_t count;
	uint32_t room;
};

/* Chunks are a MiB each, whatever the machine makes of large mappings. */
static void use_small_pages(void)
{
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
}

static void *touch_chunk(void)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *at = mmap(NULL, PLAY_CHUNK, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t i;

	if (at == MAP_FAILED)
		return NULL;
	for (i = 0; i < PLAY_CHUNK; i += page)
		*(volatile char *)(at + i) = 1;
	return at;
}

static bool make_room(struct memory *memory, uint32_t chunks)
{
	void **more;

	if (chunks <= memory->room)
		return true;
	more = reallocarray(memory->chunks, chunks, sizeof(*more));
	if (!more)
		return false;
	memory->chunks = more;
	memory->room = chunks;
	return true;
}

static void note(struct play *play, struct play_notes *notes, uint64_t ns)
{
	if (notes->count == notes->room)
		return;
	play_latencies(play)[notes->first + notes->count] = ns;
	notes->count++;
}

/* Return: whether there was memory. */
static bool resize(struct play *play, struct play_notes *notes,
		   struct memory *memory, uint32_t chunks)
{
	if (!make_room(memory, chunks))
		return false;
	while (memory->count < chunks) {
		uint64_t begin = now_ns();
		void *chunk = touch_chunk();

		if (!chunk)
			return false;
		note(play, notes, now_ns() - begin);
		memory->chunks[memory->count++] = chunk;
	}
	while (memory->count > chunks)
		munmap(memory->chunks[--memory->count], PLAY_CHUNK);
	return true;
}

static void burn(uint64_t ns)
{
	uint64_t end = clock_ns(CLOCK_THREAD_CPUTIME_ID) + ns;

	while (clock_ns(CLOCK_THREAD_CPUTIME_ID) < end) {
		volatile unsigned int i;

		for (i = 0; i < 2000; i++)
			continue;
	}
}

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static uint64_t measure(void)
{
	void *chunks[MEASURED];
	uint64_t took[MEASURED];
	int i, count;

	use_small_pages();
	for (count = 0; count < MEASURED; count++) {
		uint64_t begin = now_ns();

		chunks[count] = touch_chunk();
		if (!chunks[count])
			break;
		took[count] = now_ns() - begin;
	}
	for (i = 0; i < count; i++)
		munmap(chunks[i], PLAY_CHUNK);
	qsort(took, (size_t)count, sizeof(*took), compare);
	return count == MEASURED ? took[count / 2] : 0;
}

/* In a process of its own, which has small pages as players have. */
uint64_t player_touch_ns(void)
{
	uint64_t ns = 0;
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		return 0;
	pid = fork();
	if (!pid) {
		ns = measure();
		_exit(write(ends[1], &ns, sizeof(ns)) != sizeof(ns));
	}
	close(ends[1]);
	if (pid < 0 || read(ends[0], &ns, sizeof(ns)) != sizeof(ns))
		ns = 0;
	close(ends[0]);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return ns;
}

/* ---- a call ---- */

struct cache {
	int fd;
	uint32_t chunks;
};

/* Reading a hole fills page cache as reading data does, and needs no disk. */
static bool read_chunk(struct cache *cache)
{
	static char buf[65536];
	off_t at = (off_t)cache->chunks * PLAY_CHUNK;
	off_t end = at + PLAY_CHUNK;

	for (; at < end; at += (off_t)sizeof(buf))
		if (pread(cache->fd, buf, sizeof(buf), at) != sizeof(buf))
			return false;
	return true;
}

static bool resize_cache(struct play *play, struct cache *cache, uint32_t chunks)
{
	if (chunks > cache->chunks && cache->fd < 0)
		cache->fd = open(play->scratch, O_TMPFILE | O_RDWR | O_CLOEXEC,
				 0600);
	if (chunks > cache->chunks &&
	    (cache->fd < 0 ||
	     ftruncate(cache->fd, (off_t)chunks * PLAY_CHUNK)))
		return false;
	while (cache->chunks < chunks) {
		if (!read_chunk(cache))
			return false;
		cache->chunks++;
	}
	if (cache->chunks > chunks)
		posix_fadvise(cache->fd, (off_t)chunks * PLAY_CHUNK, 0,
			      POSIX_FADV_DONTNEED);
	cache->chunks = chunks;
	return true;
}

static void wait_ns(uint64_t ns)
{
	struct timespec rest = timespec_of(ns);

	while (ns && nanosleep(&rest, &rest) && errno == EINTR)
		continue;
}

static int play_call(struct play *play, uint32_t number)
{
	struct play_call *call = &play_calls(play)[number];
	const struct play_step *step = &play_steps(play)[call->first_step];
	struct cache cache = { .fd = -1 };
	struct memory memory = { .count = 0 };
	uint32_t i;

	prctl(PR_SET_NAME, "agentcg-call");
	use_small_pages();
	for (i = 0; i < call->step_count; i++, step++) {
		if (!resize(play, &call->notes, &memory, step->anon) ||
		    !resize_cache(play, &cache, step->file))
			return EXIT_FAILED;
		burn(step->cpu);
		wait_ns(step->wait);
	}
	return EXIT_OK;
}

/* ---- an agent ---- */

/* What the agent keeps of a call that runs, or has run. */
struct running {
	pid_t pid;
	int dir;
	struct agentcg_call *call;	/* with the module */
	uint64_t begun;
	uint64_t ended;
	char name[32];			/* without */
};

struct agent {
	struct play *play;
	struct agentcg *handle;
	struct agentcg_session *session;
	struct running *calls;
	uint64_t *retry;		/* of cues that were put off */
	bool *done;
	uint32_t first;			/* cue that is not done */
	uint32_t running;
	struct memory memory;
	uint64_t cpu;			/* still to be used */
	bool failed;
};

static void give_up(struct agent *agent, const char *what, const char *why)
{
	snprintf(agent->play->error, sizeof(agent->play->error), "%s: %s", what,
		 why);
	agent->failed = true;
}

static int begin_managed(struct agent *agent, uint32_t number)
{
	const struct play_call *call = &play_calls(agent->play)[number];
	struct agentcg_intent intent = AGENTCG_INTENT_INIT;
	struct running *running = &agent->calls[number];
	uint64_t need = (uint64_t)call->peak * PLAY_CHUNK;
	int err;

	intent.set = 1ull << AGENTCG_A_INTENT_LABEL;
	intent.label = call->name;
	if (agent->play->declare) {
		/* Beside its chunks a process has itself, and page tables. */
		need += need / 32 + 4 * PLAY_CHUNK;
		intent.set |= 1ull << AGENTCG_A_INTENT_BURST;
		intent.burst = need > agent->play->mem ?
			       need - agent->play->mem : 0;
	}
	err = agentcg_call_begin(agent->session, NULL, &intent, &running->call);
	if (!err)
		running->dir = agentcg_call_fd(running->call);
	else if (err != -ENOSPC)
		give_up(agent, "a call", agentcg_strerror(agent->handle));
	return err;
}

static int begin_plain(struct agent *agent, uint32_t number)
{
	struct running *running = &agent->calls[number];
	int session = agentcg_session_fd(agent->session);

	snprintf(running->name, sizeof(running->name), "call-%u", number);
	if (!mkdirat(session, running->name, 0755))
		running->dir = openat(session, running->name,
				      O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (running->dir >= 0)
		return 0;
	give_up(agent, running->name, strerror(errno));
	return -1;
}

static void end_call(struct agent *agent, uint32_t number)
{
	struct play_call *call = &play_calls(agent->play)[number];
	struct running *running = &agent->calls[number];
	struct agentcg_record receipt;

	call->stall = gauge_stall(running->dir);
	if (!agent->play->managed) {
		close(running->dir);
		agentcg_cgroup_remove(agentcg_session_fd(agent->session),
				      running->name, END_TIMEOUT_MS);
		return;
	}
	if (!agentcg_call_end(running->call, &receipt))
		call->held = agentcg_record_uint(&receipt,
						 AGENTCG_A_TOOL_STALL_TOTAL, 0);
}

static int spawn_call(struct agent *agent, uint32_t number)
{
	char text[16], *argv[] = { "agentcg", "player", "call", text, NULL };
	struct running *running = &agent->calls[number];
	int err;

	snprintf(text, sizeof(text), "%u", number);
	err = spawn_into(running->dir, "/proc/self/exe", NULL, argv,
			 &running->pid);
	if (err)
		give_up(agent, "starting a call", strerror(err));
	return err;
}

/* Return: whether the cue is done with. */
static bool begin_call(struct agent *agent, uint32_t number)
{
	struct play_call *call = &play_calls(agent->play)[number];
	struct running *running = &agent->calls[number];
	int err;

	running->dir = -1;
	err = agent->play->managed ? begin_managed(agent, number) :
				     begin_plain(agent, number);
	if (err == -ENOSPC && ++call->refusals < REFUSED_TRIES)
		return false;
	running->begun = now_ns();
	if (err) {
		call->state = PLAY_REFUSED;
		running->ended = running->begun;
		return true;
	}
	if (spawn_call(agent, number)) {
		end_call(agent, number);
		return true;
	}
	call->state = PLAY_RUNNING;
	agent->running++;
	return true;
}

static void call_ended(struct agent *agent, pid_t pid, int status)
{
	uint32_t i;

	for (i = 0; i < agent->play->call_count; i++) {
		if (agent->calls[i].pid != pid)
			continue;
		agent->calls[i].pid = 0;
		agent->calls[i].ended = now_ns();
		play_calls(agent->play)[i].state =
			WIFEXITED(status) && !WEXITSTATUS(status) ?
			PLAY_SURVIVED : PLAY_KILLED;
		end_call(agent, i);
		agent->running--;
	}
}

static void reap(struct agent *agent)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		call_ended(agent, pid, status);
}

/* Return: when a cue is due; UINT64_MAX while that is not known. */
static uint64_t due_at(const struct agent *agent, uint32_t number)
{
	const struct play_cue *cue = &play_cues(agent->play)[number];
	uint64_t since = agent->play->begin;

	if (agent->retry[number])
		return agent->retry[number];
	if (cue->after != PLAY_AFTER_START) {
		const struct running *call = &agent->calls[cue->after / 2];

		since = cue->after % 2 ? call->ended : call->begun;
	}
	return since ? since + cue->delay : UINT64_MAX;
}

/* Return: the cue that is due first, or the number of cues. */
static uint32_t next_cue(struct agent *agent, uint64_t *due)
{
	const uint32_t count = agent->play->cue_count;
	uint32_t i, found = count;

	while (agent->first < count && agent->done[agent->first])
		agent->first++;
	*due = UINT64_MAX;
	for (i = agent->first; i < count; i++) {
		uint64_t at = agent->done[i] ? UINT64_MAX : due_at(agent, i);

		if (at < *due) {
			*due = at;
			found = i;
		}
	}
	return found;
}

static void act(struct agent *agent, uint32_t number)
{
	const struct play_cue *cue = &play_cues(agent->play)[number];

	agent->done[number] = true;
	switch (cue->kind) {
	case PLAY_CALL:
		if (begin_call(agent, cue->call))
			break;
		agent->retry[number] = now_ns() + REFUSED_PAUSE;
		agent->done[number] = false;
		break;
	case PLAY_LEVEL:
		if (!resize(agent->play, &agent->play->notes, &agent->memory,
			    cue->chunks))
			give_up(agent, "the agent", "out of memory");
		/* What it had no time for before is not made up for. */
		agent->cpu = cue->cpu;
		break;
	default:
		break;
	}
}

/* Until the next cue is due, or a call has ended. */
static void pass_time(struct agent *agent, uint64_t due)
{
	uint64_t now = now_ns(), rest = due > now ? due - now : 0;
	struct timespec wait;
	sigset_t set;

	if (agent->cpu) {
		uint64_t slice = agent->cpu < SLICE ? agent->cpu : SLICE;

		burn(slice);
		agent->cpu -= slice;
		return;
	}
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	wait = timespec_of(rest);
	if (due == UINT64_MAX)
		sigwaitinfo(&set, NULL);
	else
		sigtimedwait(&set, NULL, &wait);
}

static void follow_cues(struct agent *agent)
{
	uint64_t due;
	uint32_t cue;

	while (!agent->failed) {
		reap(agent);
		cue = next_cue(agent, &due);
		if (cue == agent->play->cue_count && !agent->running)
			break;
		if (due <= now_ns())
			act(agent, cue);
		else
			pass_time(agent, due);
	}
}

static bool prepare(struct agent *agent)
{
	struct play *play = agent->play;
	char byte;

	agent->calls = calloc(play->call_count + 1, sizeof(*agent->calls));
	agent->retry = calloc(play->cue_count, sizeof(*agent->retry));
	agent->done = calloc(play->cue_count, sizeof(*agent->done));
	agent->handle = agentcg_open();
	if (!agent->calls || !agent->retry || !agent->done || !agent->handle) {
		give_up(agent, "the agent", "out of memory");
		return false;
	}
	if (agentcg_session_open(agent->handle, play->cell, &agent->session)) {
		give_up(agent, play->cell, agentcg_strerror(agent->handle));
		return false;
	}
	while (read(PLAY_START_FD, &byte, 1) < 0 && errno == EINTR)
		continue;
	close(PLAY_START_FD);
	return true;
}

static int play_agent(struct play *play)
{
	struct agent agent = { .play = play };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	prctl(PR_SET_NAME, "agentcg-agent");
	use_small_pages();
	if (!prepare(&agent))
		return EXIT_FAILED;
	follow_cues(&agent);
	if (agent.failed)
		return EXIT_FAILED;
	play->took = now_ns() - play->begin;
	return EXIT_OK;
}

/* ---- starting ---- */

int player_start(int play_fd, int start_fd, int leaf, pid_t *pid)
{
	char *const argv[] = { "agentcg", "player", "agent", NULL };
	posix_spawn_file_actions_t actions;
	int err;

	/* Both numbers may be taken, even by each other. */
	play_fd = fcntl(play_fd, F_DUPFD_CLOEXEC, 16);
	start_fd = fcntl(start_fd, F_DUPFD_CLOEXEC, 16);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, play_fd, PLAY_FD);
	posix_spawn_file_actions_adddup2(&actions, start_fd, PLAY_START_FD);
	err = spawn_into(leaf, "/proc/self/exe", &actions, argv, pid);
	posix_spawn_file_actions_destroy(&actions);
	close(play_fd);
	close(start_fd);
	return err;
}

int cmd_player(char **argv)
{
	struct play *play = play_map(PLAY_FD);
	uint64_t number = 0;

	if (!play || !argv[0]) {
		complain("player: is for agentcg replay only");
		return EXIT_USAGE;
	}
	if (!strcmp(argv[0], "agent"))
		return play_agent(play);
	if (!argv[1] || parse_number(argv[1], 0, play->call_count - 1, &number))
		return EXIT_USAGE;
	return play_call(play, (uint32_t)number);
}
