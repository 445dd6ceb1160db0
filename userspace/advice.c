// SPDX-License-Identifier: GPL-2.0-only
#include "advice.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

/* Being held back for less than this is the normal course of things. */
#define STALL_WORTH_TELLING	500000000ull

/* Less CPU than this part of the time: it waited. More than that: it worked. */
#define IDLE_PART	20
#define BUSY_PART	2
/* Held back for more than this part of the time: that was why. */
#define HELD_PART	4

#define MIB	(1ull << 20)

/* What a shell makes of a child that SIGKILL ended. */
#define SHELL_KILLED	(128 + SIGKILL)

enum {
	CODE_DEADLINE, CODE_DEADLINE_IDLE, CODE_DEADLINE_BUSY,
	CODE_DEADLINE_HELD, CODE_OOM, CODE_OOM_CALL, CODE_OOM_SESSION,
	CODE_OOM_ANCESTOR, CODE_OOM_NODE, CODE_OOM_USER_SPACE, CODE_OOM_BESIDE,
	CODE_STALL_KILL, CODE_USER_KILL, CODE_POLICY_KILL, CODE_SIGNAL,
	CODE_CRASH, CODE_RLIMIT, CODE_KILLED_BESIDE, CODE_STATUS_137,
	CODE_REAPED, CODE_HELD_BACK, CODE_HOLD_KILL,
	CODE_OWNER_GONE,
};

const char *const advice_codes[] = {
	[CODE_DEADLINE] = "deadline",
	[CODE_DEADLINE_IDLE] = "deadline-idle",
	[CODE_DEADLINE_BUSY] = "deadline-busy",
	[CODE_DEADLINE_HELD] = "deadline-held",
	[CODE_OOM] = "oom",
	[CODE_OOM_CALL] = "oom-call",
	[CODE_OOM_SESSION] = "oom-session",
	[CODE_OOM_ANCESTOR] = "oom-ancestor",
	[CODE_OOM_NODE] = "oom-node",
	[CODE_OOM_USER_SPACE] = "oom-user-space",
	[CODE_OOM_BESIDE] = "oom-beside",
	[CODE_STALL_KILL] = "stall-kill",
	[CODE_USER_KILL] = "user-kill",
	[CODE_POLICY_KILL] = "policy-kill",
	[CODE_SIGNAL] = "signal",
	[CODE_CRASH] = "crash",
	[CODE_RLIMIT] = "rlimit",
	[CODE_KILLED_BESIDE] = "killed-beside",
	[CODE_STATUS_137] = "status-137",
	[CODE_REAPED] = "reaped",
	[CODE_HELD_BACK] = "held-back",
	[CODE_HOLD_KILL] = "hold-kill",
	[CODE_OWNER_GONE] = "owner-gone",
	NULL
};

enum { HINT_CLOSE_STDIN, HINT_LESS_INPUT, HINT_FEWER_JOBS, HINT_LATER };

const char *const advice_hints[] = {
	[HINT_CLOSE_STDIN] = "close-stdin",
	[HINT_LESS_INPUT] = "less-input",
	[HINT_FEWER_JOBS] = "fewer-jobs",
	[HINT_LATER] = "later",
	NULL
};

/* ---- building blocks ---- */

static void __attribute__((format(printf, 2, 3)))
say(struct advice *advice, const char *fmt, ...)
{
	size_t at = strlen(advice->text);
	va_list args;

	va_start(args, fmt);
	vsnprintf(advice->text + at, sizeof(advice->text) - at, fmt, args);
	va_end(args);
}

static void try_hint(struct advice *advice, int hint)
{
	advice->tries[advice->try_count++] = (struct advice_try){
		.hint = advice_hints[hint],
	};
}

static void try_option(struct advice *advice, const char *option,
		       const char *value)
{
	struct advice_try *new = &advice->tries[advice->try_count++];

	*new = (struct advice_try){ .option = option };
	snprintf(new->value, sizeof(new->value), "%s", value);
}

/* What to declare next time: the peak and a tenth, in whole MiB. */
static const char *next_mem(const struct figures *f, char buf[HUMAN_MAX])
{
	uint64_t next = (f->peak + f->peak / 10 + MIB - 1) / MIB;

	snprintf(buf, HUMAN_MAX, "%lluM", (unsigned long long)next);
	return buf;
}

/* " The whole call had grown to 100M with 50M reserved." */
static void say_growth(struct advice *advice, const struct figures *f)
{
	char peak[HUMAN_MAX], mem[HUMAN_MAX];

	say(advice, " The whole call had grown to %s with %s reserved.",
	    human_size(f->peak, peak), human_size(f->mem, mem));
}

static void say_cpu(struct advice *advice, const struct figures *f)
{
	char cpu[HUMAN_MAX];

	if (f->cpu)
		say(advice, " used %s of CPU", human_duration(f->cpu, cpu));
	else
		say(advice, " used no CPU");
}

/* " It had run for 3s, used 1s of CPU and grown to 100M." */
static void say_course(struct advice *advice, const struct figures *f)
{
	char ran[HUMAN_MAX], peak[HUMAN_MAX];

	say(advice, " It had");
	if (f->ran)
		say(advice, " run for %s,", human_duration(f->ran, ran));
	if (f->cpu_known) {
		say_cpu(advice, f);
		say(advice, " and");
	}
	say(advice, " grown to %s.", human_size(f->peak, peak));
}

static const char *signal_name(unsigned int sig, char buf[HUMAN_MAX])
{
	const char *name = sigabbrev_np((int)sig);

	if (name)
		snprintf(buf, HUMAN_MAX, "SIG%s", name);
	else
		snprintf(buf, HUMAN_MAX, "signal %u", sig);
	return buf;
}

/* "bash (pid 9), uid 1000" */
static void say_sender(struct advice *advice, const struct process *sender)
{
	char name[64];

	say(advice, "%s, uid %llu",
	    process_name(sender, name, sizeof(name)),
	    (unsigned long long)sender->uid);
}

static void say_end(struct advice *advice, const struct figures *f)
{
	char name[HUMAN_MAX];

	if (f->exited)
		say(advice, "exited with status %llu",
		    (unsigned long long)f->exit_code);
	else
		say(advice, "was ended by %s", signal_name(f->signal, name));
}

/* ---- past its deadline ---- */

static void advise_idle(const struct figures *f, struct advice *advice)
{
	advice->code = advice_codes[CODE_DEADLINE_IDLE];
	say(advice, " It");
	say_cpu(advice, f);
	say(advice, " in that time: it probably waited for input, the network or a lock. "
	    "Run it with </dev/null and with options that keep it from asking or watching; more time alone is unlikely to help.");
	try_hint(advice, HINT_CLOSE_STDIN);
}

static void advise_more_time(struct advice *advice, const char *twice)
{
	say(advice, " Give it more time (--deadline %s), or less to do (part of the input, or of the tests, at a time).",
	    twice);
	try_option(advice, "--deadline", twice);
	try_hint(advice, HINT_LESS_INPUT);
}

static void advise_held(const struct figures *f, struct advice *advice)
{
	char stall[HUMAN_MAX], next[HUMAN_MAX];

	advice->code = advice_codes[CODE_DEADLINE_HELD];
	say(advice, " For %s of that time it was held back because memory was short.",
	    human_duration(f->stall, stall));
	say_growth(advice, f);
	say(advice, " Declare --mem %s, or run less at once in this session, before you give it more time.",
	    next_mem(f, next));
	try_option(advice, "--mem", next);
	try_hint(advice, HINT_LATER);
}

static void advise_deadline(const struct figures *f, struct advice *advice)
{
	char limit[HUMAN_MAX], twice[HUMAN_MAX];
	uint64_t ran = f->ran ?: f->deadline;

	advice->code = advice_codes[CODE_DEADLINE];
	say(advice, "The command was killed at its deadline of %s.",
	    human_duration(f->deadline, limit));
	human_duration(f->deadline * 2, twice);
	if (f->stall > ran / HELD_PART) {
		advise_held(f, advice);
		return;
	}
	if (f->cpu_known && f->cpu < ran / IDLE_PART) {
		advise_idle(f, advice);
		return;
	}
	if (f->cpu_known) {
		if (f->cpu > ran / BUSY_PART)
			advice->code = advice_codes[CODE_DEADLINE_BUSY];
		say(advice, " It");
		say_cpu(advice, f);
		say(advice, " in that time.");
	}
	advise_more_time(advice, twice);
}

void advise_unmanaged(uint64_t deadline, struct advice *advice)
{
	/* Nobody has taken its time, its memory or its stalls. */
	const struct figures f = { .deadline = deadline };

	*advice = (struct advice){ .try_count = 0 };
	advise_deadline(&f, advice);
}

/* ---- out of memory ---- */

/* ": its session met its memory.max of 256M." */
static void say_where(struct advice *advice, const struct figures *f,
		      unsigned int level)
{
	char size[HUMAN_MAX], limit[sizeof(" of ") + HUMAN_MAX] = "";
	char name[64];

	if (f->oom_limit)
		snprintf(limit, sizeof(limit), " of %s",
			 human_size(f->oom_limit, size));
	switch (level) {
	case AGENTCG_CAUSE_OOM_CALL:
		say(advice, ": it met the memory.max%s of its own cgroup, or of one inside it.",
		    limit);
		break;
	case AGENTCG_CAUSE_OOM_SESSION:
		say(advice, ": its session met its memory.max%s.", limit);
		break;
	case AGENTCG_CAUSE_OOM_ANCESTOR:
		say(advice, ": a cgroup above its session met its memory.max%s.",
		    limit);
		break;
	case AGENTCG_CAUSE_OOM_NODE:
		say(advice, ": the machine had used up its memory%s.", limit);
		break;
	case AGENTCG_CAUSE_OOM_USER_SPACE:
		say(advice, ": a program that watches the memory of the machine chose it");
		if (f->sender.known)
			say(advice, ", %s",
			    process_name(&f->sender, name, sizeof(name)));
		say(advice, ".");
		break;
	default:
		say(advice, "; at which limit is not known.");
	}
}

/* " The kernel chose node (pid 5), which had 201M." */
static void say_culprit(struct advice *advice, const struct figures *f)
{
	char name[64], size[HUMAN_MAX];

	if (!f->oom || !f->culprit.known)
		return;
	say(advice, " The kernel chose %s",
	    process_name(&f->culprit, name, sizeof(name)));
	if (f->culprit.size)
		say(advice, ", which had %s", human_size(f->culprit.size, size));
	say(advice, ".");
}

static void say_smaller(struct advice *advice, unsigned int level)
{
	say(advice, " Make it smaller (fewer parallel jobs, part of the input, streaming instead of loading)");
	try_hint(advice, HINT_FEWER_JOBS);
	try_hint(advice, HINT_LESS_INPUT);
	if (level == AGENTCG_CAUSE_OOM_CALL) {
		say(advice, ", or have that limit raised: it is not agentcg's.");
		return;
	}
	say(advice, ", or run it when less else is running: the same command again is likely to end the same way.");
	try_hint(advice, HINT_LATER);
}

static void advise_oom(const struct figures *f, struct advice *advice)
{
	static const int codes[] = {
		[AGENTCG_CAUSE_OOM] = CODE_OOM,
		[AGENTCG_CAUSE_OOM_CALL] = CODE_OOM_CALL,
		[AGENTCG_CAUSE_OOM_SESSION] = CODE_OOM_SESSION,
		[AGENTCG_CAUSE_OOM_ANCESTOR] = CODE_OOM_ANCESTOR,
		[AGENTCG_CAUSE_OOM_NODE] = CODE_OOM_NODE,
		[AGENTCG_CAUSE_OOM_USER_SPACE] = CODE_OOM_USER_SPACE,
	};

	advice->code = advice_codes[codes[f->cause]];
	say(advice, "The command was killed for want of memory");
	say_where(advice, f, f->cause);
	say_culprit(advice, f);
	say_growth(advice, f);
	say_smaller(advice, f->cause);
}

/* One of its processes was killed, the first ended otherwise. */
static void advise_oom_beside(const struct figures *f, struct advice *advice)
{
	advice->code = advice_codes[CODE_OOM_BESIDE];
	say(advice, "A process of the command was killed for want of memory");
	say_where(advice, f, f->oom_level);
	say_culprit(advice, f);
	say(advice, " The command itself ");
	say_end(advice, f);
	say(advice, ": what it has done may be incomplete.");
	say_smaller(advice, f->oom_level);
}

/* Killed by agentcg itself, since memory did not come in time. */
static void advise_not_served(const struct figures *f, struct advice *advice)
{
	char next[HUMAN_MAX];

	say_growth(advice, f);
	say(advice, " Run it with --mem %s or more, use fewer parallel jobs or part of the input, or wait until other calls of the session have ended.",
	    next_mem(f, next));
	try_option(advice, "--mem", next);
	try_hint(advice, HINT_FEWER_JOBS);
	try_hint(advice, HINT_LATER);
}

static void advise_stall_kill(const struct figures *f, struct advice *advice)
{
	char stall[HUMAN_MAX], bound[HUMAN_MAX];

	advice->code = advice_codes[CODE_STALL_KILL];
	if (!f->exhausted)
		say(advice, "The command was killed so that another call of the session could go on: memory was short, and it can be run again or is of a lower class.");
	else
		say(advice, "The command was killed: it had been held back for %s (its bound is %s) waiting for memory that the session could not give.",
		    human_duration(f->stall, stall),
		    human_duration(f->bound, bound));
	advise_not_served(f, advice);
}

static void advise_hold_kill(const struct figures *f, struct advice *advice)
{
	char held[HUMAN_MAX];

	advice->code = advice_codes[CODE_HOLD_KILL];
	say(advice, "The command was killed: it had been frozen or waiting for %s past its stall bound, as long as its session allows, and the memory that it lacked did not come.",
	    human_duration(f->held, held));
	advise_not_served(f, advice);
}

static void advise_held_back(const struct figures *f, struct advice *advice)
{
	char stall[HUMAN_MAX], next[HUMAN_MAX];

	advice->code = advice_codes[CODE_HELD_BACK];
	say(advice, "The command was held back for %s in %llu stall%s because memory was short%s.",
	    human_duration(f->stall, stall), (unsigned long long)f->stalls,
	    f->stalls == 1 ? "" : "s",
	    f->exhausted ? ", until its bound was used up" : "");
	say_growth(advice, f);
	say(advice, " Declare --mem %s next time, or run less at once in this session.",
	    next_mem(f, next));
	try_option(advice, "--mem", next);
	try_hint(advice, HINT_LATER);
}

/* ---- ended by somebody ---- */

static void advise_kill(const struct figures *f, struct advice *advice)
{
	const bool user = f->cause == AGENTCG_CAUSE_USER_KILL;

	advice->code = advice_codes[user ? CODE_USER_KILL : CODE_POLICY_KILL];
	say(advice, "The command was ended by %s",
	    user ? "a request to kill it (agentcg tool kill)" :
		   "the policy of this machine");
	if (f->sender.known) {
		say(advice, " from ");
		say_sender(advice, &f->sender);
	}
	say(advice, ", not for want of memory.");
	say_course(advice, f);
	say(advice, " Find out why before you run it again.");
}

/* For who finds the receipt later: the one who ran it is no more. */
static void advise_owner_gone(const struct figures *f, struct advice *advice)
{
	advice->code = advice_codes[CODE_OWNER_GONE];
	say(advice, "The command was ended because the program that it was tied to had ended or closed its socket, not for want of memory.");
	say_course(advice, f);
	say(advice, " What it has done may be incomplete.");
}

/* A fault of its own, and what the shell would say of it. */
static bool is_crash(unsigned int sig)
{
	return sig == SIGSEGV || sig == SIGBUS || sig == SIGILL ||
	       sig == SIGFPE || sig == SIGTRAP || sig == SIGABRT ||
	       sig == SIGSYS;
}

static void advise_crash(const struct figures *f, struct advice *advice)
{
	char name[HUMAN_MAX];

	advice->code = advice_codes[CODE_CRASH];
	say(advice, "The command crashed with %s (%s).",
	    signal_name(f->signal, name), strsignal((int)f->signal));
	say_course(advice, f);
	say(advice, " No limit of agentcg ended it: look for the fault in the command or its input.");
}

static void advise_rlimit(const struct figures *f, struct advice *advice)
{
	char name[HUMAN_MAX];

	advice->code = advice_codes[CODE_RLIMIT];
	say(advice, "The command was ended by %s: it met its limit of %s.",
	    signal_name(f->signal, name),
	    f->signal == SIGXCPU ? "CPU time (ulimit -t)" :
				   "the size of a file (ulimit -f)");
	say_course(advice, f);
	say(advice, " That limit is not agentcg's: raise it, or give the command less to do.");
	try_hint(advice, HINT_LESS_INPUT);
}

/* Is the killer that the receipt names the first process's? */
static bool is_first(const struct figures *f)
{
	return f->killed && f->kill_signal == f->signal;
}

static bool is_self(const struct figures *f)
{
	return is_first(f) && f->sender.pid &&
	       f->sender.pid == f->victim.pid;
}

/* " from bash (pid 9), uid 1000." */
static void say_by_whom(struct advice *advice, const struct figures *f)
{
	if (!is_first(f)) {
		say(advice, "; who sent it is not known.");
	} else if (is_self(f)) {
		say(advice, ", which it sent itself.");
	} else if (!f->sender.known) {
		say(advice, " from the kernel itself.");
	} else {
		say(advice, " from ");
		say_sender(advice, &f->sender);
		say(advice, ".");
	}
}

static void advise_signal(const struct figures *f, struct advice *advice)
{
	char name[HUMAN_MAX];

	advice->code = advice_codes[CODE_SIGNAL];
	say(advice, "The command was ended by %s", signal_name(f->signal, name));
	say_by_whom(advice, f);
	say_course(advice, f);
	if (f->signal == SIGKILL)
		say(advice, " The kernel did not kill it for want of memory.");
	if (is_first(f) && !f->sender.known)
		say(advice, " Perhaps it met a limit of CPU time (ulimit -t), or its parent ended.");
	else if (!is_self(f))
		say(advice, " Find out why before you run it again.");
}

/* Another process of the call than the first. */
static void advise_killed_beside(const struct figures *f, struct advice *advice)
{
	char name[HUMAN_MAX], victim[64];

	advice->code = advice_codes[CODE_KILLED_BESIDE];
	say(advice, "A process of the command, %s, was ended by %s from ",
	    process_name(&f->victim, victim, sizeof(victim)),
	    signal_name(f->kill_signal, name));
	if (f->sender.known)
		say_sender(advice, &f->sender);
	else
		say(advice, "the kernel itself");
	say(advice, "; the command itself ");
	say_end(advice, f);
	say(advice, ". The kernel killed none of it for want of memory. Find out why that process was ended before you run it again.");
}

static void advise_status_137(const struct figures *f, struct advice *advice)
{
	advice->code = advice_codes[CODE_STATUS_137];
	say(advice, "The command exited with status 137, by which shells tell of SIGKILL. "
	    "The kernel killed none of its processes for want of memory, and nobody outside of the call ended one: it came from inside.");
	say_course(advice, f);
}

static void advise_reaped(const struct figures *f, const char *survivors,
			  struct advice *advice)
{
	const bool one = f->survived == 1;

	advice->code = advice_codes[CODE_REAPED];
	say(advice, "%llu process%s outlived the command and %s killed",
	    (unsigned long long)f->survived, one ? "" : "es",
	    one ? "was" : "were");
	if (*survivors)
		say(advice, ": %s", survivors);
	say(advice, ". Run the command with --keep if %s meant to go on after it.",
	    one ? "it is" : "they are");
	try_option(advice, "--keep", "");
}

/* ---- which of them ---- */

/* run passes on what it is sent itself, and ends what is left of a call. */
static bool from_run(const struct figures *f)
{
	return f->sender.known && !strcmp(f->sender.comm, "agentcg");
}

/* What a terminal sends, or run itself passes on, is no trouble to tell of. */
static bool advise_by_signal(const struct figures *f, struct advice *advice)
{
	const bool by_other = is_first(f) && f->sender.known && !is_self(f);

	if (f->signal == SIGXCPU || f->signal == SIGXFSZ)
		advise_rlimit(f, advice);
	else if (is_crash(f->signal) && !by_other)
		advise_crash(f, advice);
	else if (f->signal == SIGKILL ||
		 (by_other && !from_run(f)))
		advise_signal(f, advice);
	else
		return false;
	return true;
}

/* The first process ended by itself or by a signal. */
static bool advise_end(const struct figures *f, const char *survivors,
		       struct advice *advice)
{
	const bool failed = !f->exited || f->exit_code;

	if (f->oom)
		advise_oom_beside(f, advice);
	else if (f->cause == AGENTCG_CAUSE_SIGNAL &&
		 advise_by_signal(f, advice))
		return true;
	else if (f->cause == AGENTCG_CAUSE_EXIT && failed && f->victim.known &&
		 !from_run(f))
		advise_killed_beside(f, advice);
	else if (f->cause == AGENTCG_CAUSE_EXIT &&
		 f->exit_code == SHELL_KILLED)
		advise_status_137(f, advice);
	else if (f->reap && f->survived && f->emptied)
		advise_reaped(f, survivors, advice);
	else if (f->stall > STALL_WORTH_TELLING || f->exhausted)
		advise_held_back(f, advice);
	else
		return false;
	return true;
}

bool advise(const struct figures *f, const char *survivors,
	    struct advice *advice)
{
	*advice = (struct advice){ .try_count = 0 };
	switch (f->cause) {
	case AGENTCG_CAUSE_DEADLINE:
		advise_deadline(f, advice);
		return true;
	case AGENTCG_CAUSE_STALL_KILL:
		advise_stall_kill(f, advice);
		return true;
	case AGENTCG_CAUSE_HOLD_KILL:
		advise_hold_kill(f, advice);
		return true;
	case AGENTCG_CAUSE_OOM:
	case AGENTCG_CAUSE_OOM_CALL:
	case AGENTCG_CAUSE_OOM_SESSION:
	case AGENTCG_CAUSE_OOM_ANCESTOR:
	case AGENTCG_CAUSE_OOM_NODE:
	case AGENTCG_CAUSE_OOM_USER_SPACE:
		advise_oom(f, advice);
		return true;
	case AGENTCG_CAUSE_OWNER_GONE:
		advise_owner_gone(f, advice);
		return true;
	case AGENTCG_CAUSE_USER_KILL:
	case AGENTCG_CAUSE_POLICY_KILL:
		advise_kill(f, advice);
		return true;
	case AGENTCG_CAUSE_EXIT:
	case AGENTCG_CAUSE_SIGNAL:
		return advise_end(f, survivors, advice);
	default:
		return false;
	}
}

static json_t *try_json(const struct advice_try *try)
{
	json_t *object = json_object();

	if (try->hint) {
		json_object_set_new(object, "hint", json_string(try->hint));
		return object;
	}
	json_object_set_new(object, "option", json_string(try->option));
	if (*try->value)
		json_object_set_new(object, "value", json_string(try->value));
	return object;
}

json_t *advice_json(const struct advice *advice)
{
	json_t *tries = json_array();
	unsigned int i;

	for (i = 0; i < advice->try_count; i++)
		json_array_append_new(tries, try_json(&advice->tries[i]));
	return json_pack("{s:s, s:s, s:o}", "code", advice->code,
			 "text", advice->text, "try", tries);
}
