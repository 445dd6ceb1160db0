/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * libagentcg: give each tool call of an AI agent its own cgroup domain.
 *
 * Conventions, for every function here:
 *
 *  - sizes are bytes, durations nanoseconds, instants nanoseconds of
 *    CLOCK_BOOTTIME, ids the 64-bit id of a cgroup (the inode number of its
 *    directory);
 *  - functions that return int return 0 or a positive result, or a negative
 *    errno; agentcg_strerror() then has one line of text, with the kernel's own
 *    words where it gave any;
 *  - a handle and all that was made from it belong to one thread at a time;
 *    different handles are independent; a child of fork(2) uses none of its
 *    parent's, whose socket it would share;
 *  - nothing here may be called from a signal handler;
 *  - every file descriptor of the library is close-on-exec;
 *  - the library installs no signal handler, starts no thread, and prints
 *    nothing.
 *
 * Errors that any function which talks to the module may return:
 *
 *  -EPROTONOSUPPORT	the module is not loaded
 *  -EPERM, -EACCES	the caller may not do this
 *  -ENOENT		no such session, tool call or receipt
 *  -ENODEV		agentcg cannot act: its hook is off, the cgroup is being
 *			removed, or has no memory controller
 *  -EINVAL, -ERANGE,	the request is wrong: a size or stall that is too large,
 *  -EOPNOTSUPP, -E2BIG	what this version does not enforce, too many tags
 *  -ENOSPC		it asks for more than is free
 *  -ENOMEM		no memory
 *  -EPROTO		the module sent something malformed
 */
#ifndef AGENTCG_AGENTCG_H
#define AGENTCG_AGENTCG_H

#include <agentcg/uapi.h>
#include <spawn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct agentcg;
struct agentcg_session;
struct agentcg_call;
struct agentcg_pool;

/* Where a size or a deadline is a limit, this value stands for "none". */
#define AGENTCG_UNLIMITED	UINT64_MAX

/* ---- handle ---- */

/**
 * agentcg_open() - Make a handle.
 *
 * Nothing is asked of the kernel before the first request.
 *
 * Return: a handle to be given to agentcg_close(), or NULL without memory.
 */
struct agentcg *agentcg_open(void);

/**
 * agentcg_close() - Free a handle.
 * @handle: may be NULL. Everything made from it must have been freed before.
 */
void agentcg_close(struct agentcg *handle);

/**
 * agentcg_strerror() - The last error in words.
 * @handle: the handle whose call failed.
 *
 * Return: one line without a newline, owned by the handle, good until its next
 * call. Empty when nothing failed yet.
 */
const char *agentcg_strerror(const struct agentcg *handle);

/**
 * agentcg_root() - Where the cgroup tree is mounted.
 * @handle: the handle.
 * @path: set to the mount point of cgroup2, owned by the handle.
 *
 * Return: 0, or -ENODEV when no cgroup2 is mounted.
 */
int agentcg_root(struct agentcg *handle, const char **path);

/* ---- records: what the module replies ---- */

/* The attribute sets of the specification. */
enum agentcg_object {
	AGENTCG_OBJECT_INFO,
	AGENTCG_OBJECT_NODE,
	AGENTCG_OBJECT_INTENT,
	AGENTCG_OBJECT_SESSION,
	AGENTCG_OBJECT_TOOL,
	AGENTCG_OBJECT_EVENT,
	AGENTCG_OBJECT_PROCESS,
	AGENTCG_OBJECT_KILLER,
	AGENTCG_OBJECT_OOM,
	AGENTCG_OBJECT_POLICY,
};

/**
 * struct agentcg_record - A view of one reply.
 * @data: attributes as the kernel sent them, owned by the handle.
 * @len: their length.
 * @object: which attribute set they belong to, enum agentcg_object.
 *
 * Good until the next call on the handle. Attributes that a kernel does not
 * send are simply absent, and new ones do not change this structure.
 */
struct agentcg_record {
	const void *data;
	uint32_t len;
	uint32_t object;
};

/**
 * struct agentcg_field - One attribute of a record.
 * @attr: its number, AGENTCG_A_*.
 * @len: length of the value.
 * @data: the value.
 */
struct agentcg_field {
	uint32_t attr;
	uint32_t len;
	const void *data;
};

/**
 * agentcg_record_next() - Walk over the attributes of a record.
 * @record: the record.
 * @field: zeroed for the first call; left alone between calls.
 *
 * Return: true while there is one more in @field.
 */
bool agentcg_record_next(const struct agentcg_record *record,
			 struct agentcg_field *field);

/**
 * agentcg_record_uint() - A number of a record, of any width.
 * @record: the record.
 * @attr: AGENTCG_A_*.
 * @missing: what to return when it is not there.
 */
uint64_t agentcg_record_uint(const struct agentcg_record *record,
			     unsigned int attr, uint64_t missing);

/**
 * agentcg_record_string() - A string of a record.
 * @record: the record.
 * @attr: AGENTCG_A_*.
 *
 * Return: the string, as long-lived as the record, or NULL.
 */
const char *agentcg_record_string(const struct agentcg_record *record,
				  unsigned int attr);

/**
 * agentcg_record_nest() - A record inside a record.
 * @record: the record.
 * @attr: one whose type is AGENTCG_TYPE_NEST, AGENTCG_A_TOOL_INTENT for
 *	example; of AGENTCG_TYPE_NESTS the first.
 *
 * Return: the inner record, with @data NULL when it is not there.
 */
struct agentcg_record agentcg_record_nest(const struct agentcg_record *record,
					  unsigned int attr);

/**
 * agentcg_field_nest() - The record that an attribute holds.
 * @record: the record that @field was found in.
 * @field: from agentcg_record_next(), AGENTCG_A_TOOL_SURVIVOR for example.
 *
 * Return: the inner record, with @data NULL when @field is no nest.
 */
struct agentcg_record agentcg_field_nest(const struct agentcg_record *record,
					 const struct agentcg_field *field);

enum agentcg_type {
	AGENTCG_TYPE_NONE,	/* not for people: a file descriptor */
	AGENTCG_TYPE_COUNT,
	AGENTCG_TYPE_BYTES,
	AGENTCG_TYPE_LIMIT,	/* bytes, AGENTCG_UNLIMITED for none */
	AGENTCG_TYPE_DURATION,
	AGENTCG_TYPE_INSTANT,
	AGENTCG_TYPE_ID,
	AGENTCG_TYPE_BOOL,
	AGENTCG_TYPE_ENUM,
	AGENTCG_TYPE_FLAGS,
	AGENTCG_TYPE_STRING,
	AGENTCG_TYPE_STRINGS,	/* may be there more than once */
	AGENTCG_TYPE_NEST,
	AGENTCG_TYPE_NESTS,	/* may be there more than once */
	AGENTCG_TYPE_TIMEOUT,	/* a duration, AGENTCG_UNLIMITED for none */
};

/**
 * struct agentcg_attr - What an attribute is.
 * @name: as in the specification.
 * @type: enum agentcg_type.
 * @nested: enum agentcg_object of what is inside, for AGENTCG_TYPE_NEST and
 *	AGENTCG_TYPE_NESTS.
 * @names: of an enum by value, of flags by bit; ends with NULL.
 */
struct agentcg_attr {
	const char *name;
	uint32_t type;
	uint32_t nested;
	const char *const *names;
};

/**
 * agentcg_attr() - Describe an attribute.
 * @object: enum agentcg_object.
 * @attr: AGENTCG_A_*.
 *
 * Return: a description, or NULL for an attribute newer than this library.
 */
const struct agentcg_attr *agentcg_attr(unsigned int object, unsigned int attr);

/*
 * Names of the values of the enums, as in the specification; NULL past the
 * last one.
 */
const char *agentcg_class_name(unsigned int value);
const char *agentcg_on_exhaust_name(unsigned int value);
const char *agentcg_survivors_name(unsigned int value);
const char *agentcg_cause_name(unsigned int value);
const char *agentcg_event_type_name(unsigned int value);
const char *agentcg_capability_name(unsigned int bit);

/**
 * typedef agentcg_record_fn - Called for every record of a list.
 * @record: one reply, good during the call only.
 * @arg: the caller's.
 *
 * It must not use the handle. Return: 0 to go on, else the list function
 * returns this value.
 */
typedef int (*agentcg_record_fn)(const struct agentcg_record *record, void *arg);

/* ---- the module and the machine ---- */

/**
 * agentcg_info() - What the module is, can do and has done.
 * @handle: the handle.
 * @info: the reply, AGENTCG_A_INFO_*.
 */
int agentcg_info(struct agentcg *handle, struct agentcg_record *info);

/**
 * agentcg_node_get() - The account of the machine.
 * @handle: the handle.
 * @node: the reply, AGENTCG_A_NODE_*.
 */
int agentcg_node_get(struct agentcg *handle, struct agentcg_record *node);

/**
 * agentcg_node_set() - Change the account of the machine.
 * @handle: the handle.
 * @capacity: bytes that all sessions together may use, 0 for the default;
 *	NULL: as it is.
 * @reserve: bytes to be kept available; NULL: as it is.
 */
int agentcg_node_set(struct agentcg *handle, const uint64_t *capacity,
		     const uint64_t *reserve);

/* ---- intents ---- */

/**
 * struct agentcg_intent - What is declared about a tool call.
 * @size: sizeof(struct agentcg_intent), so that the structure can grow.
 * @set: which members count: the bits 1 << AGENTCG_A_INTENT_*. The others come
 *	from the defaults of the session.
 * @label: free text, at most AGENTCG_LABEL_MAX bytes.
 * @tags: KEY=VALUE, handed back in the receipt.
 * @tag_count: of them, at most AGENTCG_TAGS_MAX.
 * @cls: enum agentcg_class.
 * @mem: bytes reserved of the session's budget.
 * @burst: bytes that may be granted above @mem.
 * @stall: longest time that the call may be held back.
 * @deadline: longest time that it may run, from the entry of its first process
 *	on: all of it is killed then. AGENTCG_UNLIMITED for none.
 * @weight: 1 to AGENTCG_WEIGHT_MAX.
 * @on_exhaust: enum agentcg_on_exhaust.
 * @pids: most processes.
 * @restartable: the agent can simply run it again.
 * @conflict: what it must not share a core for with other calls of the session that
 *	name the same.
 * @warn_before: how long before @deadline an event tells of it, 0 for not at
 *	all.
 * @survivors: enum agentcg_survivors: what becomes of processes that outlive
 *	its first one.
 *
 * Members are added at the end only; what lies beyond @size is not read.
 */
struct agentcg_intent {
	size_t size;
	uint64_t set;
	const char *label;
	const char *const *tags;
	uint32_t tag_count;
	uint32_t cls;
	uint64_t mem;
	uint64_t burst;
	uint64_t stall;
	uint64_t deadline;
	uint32_t weight;
	uint32_t on_exhaust;
	uint32_t pids;
	uint32_t restartable;
	const char *conflict;
	uint64_t warn_before;
	uint32_t survivors;
};

#define AGENTCG_INTENT_INIT	{ .size = sizeof(struct agentcg_intent) }

/* ---- sessions ---- */

/**
 * struct agentcg_session_config - What is to be set of a session.
 * @size: sizeof(struct agentcg_session_config).
 * @set: which members count: the bits 1 << AGENTCG_A_SESSION_*.
 * @budget: bytes that the session may use; needed to add one.
 * @floor: bytes of it that the node guarantees.
 * @max_hold: longest time that a call may be frozen or waiting.
 * @weight: 1 to AGENTCG_WEIGHT_MAX.
 * @max_class: enum agentcg_class, the ceiling of its calls.
 * @defaults: of the intents of its calls; NULL: as they are.
 * @adopt: move processes of the cgroup itself into its agent leaf (add only).
 * @jitter: bound of the random time that its tasks wait for a processor in vain.
 */
struct agentcg_session_config {
	size_t size;
	uint64_t set;
	uint64_t budget;
	uint64_t floor;
	uint64_t max_hold;
	uint32_t weight;
	uint32_t max_class;
	const struct agentcg_intent *defaults;
	bool adopt;
	uint64_t jitter;
};

#define AGENTCG_SESSION_CONFIG_INIT \
	{ .size = sizeof(struct agentcg_session_config) }

/**
 * agentcg_session_open() - Find a session to start calls in.
 * @handle: the handle, which must outlive the session.
 * @cgroup: a path in the cgroup tree, or a directory of it; NULL: the session
 *	that the caller itself runs in.
 * @session: set to what agentcg_session_close() frees.
 *
 * With @cgroup given, the module is not asked yet.
 *
 * Return: 0; -ENOENT when there is no such cgroup, or the caller is in no
 * session; -ENOTDIR or -EMEDIUMTYPE when @cgroup is not a cgroup.
 */
int agentcg_session_open(struct agentcg *handle, const char *cgroup,
			 struct agentcg_session **session);

/**
 * agentcg_session_close() - Free what agentcg_session_open() made.
 * @session: may be NULL. Its calls and pools must have been ended before; the
 *	session itself goes on.
 */
void agentcg_session_close(struct agentcg_session *session);

/** agentcg_session_id() - The cgroup id of a session. */
uint64_t agentcg_session_id(const struct agentcg_session *session);
/** agentcg_session_fd() - Its directory, owned by the session. */
int agentcg_session_fd(const struct agentcg_session *session);

/**
 * agentcg_session_add() - Make a cgroup a session.
 * @session: an opened cgroup.
 * @config: what to set; the budget is needed.
 *
 * Enables memory, cpu and pids along the path and in the cgroup itself, makes
 * its child "agent", with @config->adopt moves the cgroup's own processes
 * there, and tells the module. What was changed is noted in extended
 * attributes trusted.agentcg.* of the cgroups; when a step fails everything
 * done before is undone, but what was left of a session that the module has
 * forgotten, by being unloaded for example, stays as it is.
 *
 * Return: 0; -EBUSY when a cgroup on the path has processes of its own;
 * -EOPNOTSUPP when it is threaded; -ENODEV when a controller is missing;
 * -EEXIST when it is a session already; -ENOSPC when the budget is under what is
 * in use, or the floor above what the machine has to give; and what the module
 * refuses.
 */
int agentcg_session_add(struct agentcg_session *session,
			const struct agentcg_session_config *config);

/**
 * agentcg_session_set() - Change a session.
 * @session: an opened session.
 * @config: what @config->set names is set, all else stays.
 *
 * Return: 0, or as agentcg_session_add(), with nothing changed.
 */
int agentcg_session_set(struct agentcg_session *session,
			const struct agentcg_session_config *config);

/**
 * agentcg_session_own() - Tie a session to the life of its handle.
 * @session: an opened session, which has been added.
 * @own: true to tie it, false to let it go on by itself.
 *
 * When the handle that @session was opened with is closed, however its program
 * ends, the calls of the session are killed and removed, and the session ends as
 * by agentcg_session_del(); its cgroup and its agent leaf stay. Handles are shared
 * with children that are forked without exec(3): the last one counts.
 *
 * Return: 0; -EPERM; -ENODEV when it has ended.
 */
int agentcg_session_own(struct agentcg_session *session, bool own);

/**
 * agentcg_session_del() - End a session, and undo what adding it changed.
 * @session: an opened session.
 * @reply: AGENTCG_A_SESSION_RESTORED_HIGH is in it; may be NULL.
 *
 * Its calls run on unmanaged. What another session or somebody else's limits
 * need stays as it is. Works on what is left of a session when the module is
 * gone or has forgotten it.
 */
int agentcg_session_del(struct agentcg_session *session,
			struct agentcg_record *reply);

/** agentcg_session_get() - The state of a session, AGENTCG_A_SESSION_*. */
int agentcg_session_get(struct agentcg_session *session,
			struct agentcg_record *reply);

/** agentcg_session_list() - Call @fn for all sessions. */
int agentcg_session_list(struct agentcg *handle, agentcg_record_fn fn, void *arg);

/* ---- policies ---- */

/**
 * agentcg_policy_get() - The BPF policy that decides somewhere.
 * @handle: the handle.
 * @session_id: in which session, by a policy of its own; 0: the node's.
 * @policy: AGENTCG_A_POLICY_*.
 *
 * Return: 0; -ENOENT when there is none; -EPERM.
 */
int agentcg_policy_get(struct agentcg *handle, uint64_t session_id,
		       struct agentcg_record *policy);

/** agentcg_policy_list() - Call @fn for all attached policies. */
int agentcg_policy_list(struct agentcg *handle, agentcg_record_fn fn, void *arg);

/* ---- tool calls ---- */

/**
 * agentcg_call_begin() - Make a cgroup for a tool call and declare it.
 * @session: where, must outlive the call.
 * @name: of the cgroup; NULL: call-PID-N.
 * @intent: what to declare; NULL: the defaults of the session.
 * @call: set to what agentcg_call_end() frees.
 *
 * Return: 0; -EEXIST when there is a call of this name; -ENOSPC when the budget
 * has less than the declared mem free; -ESRCH when @session is no session;
 * -EINVAL, -EOPNOTSUPP, -ERANGE when the module refuses the intent. No cgroup is
 * left after a failure.
 *
 * Where cgroupfs is mounted read-only, as in most containers, the module makes
 * the cgroup and removes it, in the session that the caller runs in.
 */
int agentcg_call_begin(struct agentcg_session *session, const char *name,
		       const struct agentcg_intent *intent,
		       struct agentcg_call **call);

/**
 * agentcg_call_set() - Change the intent of a live call.
 * @call: the call.
 * @intent: what to change; the rest stays as declared.
 *
 * Return: 0, or as agentcg_call_begin(), with nothing changed.
 */
int agentcg_call_set(struct agentcg_call *call,
		     const struct agentcg_intent *intent);

/** agentcg_call_id() - The cgroup id of a call: names its receipt. */
uint64_t agentcg_call_id(const struct agentcg_call *call);
/** agentcg_call_fd() - Its directory, owned by the call. */
int agentcg_call_fd(const struct agentcg_call *call);
/** agentcg_call_name() - The name of its cgroup, owned by the call. */
const char *agentcg_call_name(const struct agentcg_call *call);

/**
 * agentcg_call_deadline() - The deadline that a call has, declared or by default.
 * @call: the call.
 * @warn_before: set to how long before it an event tells; may be NULL.
 *
 * As it was when the call was last declared through @call; others may have
 * changed it since, which agentcg_tool_get() tells.
 *
 * Return: the longest time that it may run, AGENTCG_UNLIMITED for no end.
 */
uint64_t agentcg_call_deadline(const struct agentcg_call *call,
			       uint64_t *warn_before);

/**
 * agentcg_call_spawn() - Start a process inside a call.
 * @call: the call.
 * @pid: set to the process, a child of the caller's.
 * @path: program.
 * @actions: as of posix_spawn(3), may be NULL.
 * @attr: likewise; its cgroup is set to the call's.
 * @argv: arguments.
 * @envp: environment.
 *
 * The process is in the call's cgroup before its first instruction. Where agentcg_sched
 * is loaded for calls only, it and what it starts are of policy SCHED_EXT.
 *
 * Return: 0, or a negative errno of posix_spawn(3): -ENOENT and -EACCES among
 * others tell that @path cannot be executed.
 */
int agentcg_call_spawn(struct agentcg_call *call, pid_t *pid, const char *path,
		       const posix_spawn_file_actions_t *actions,
		       posix_spawnattr_t *attr, char *const argv[],
		       char *const envp[]);

/** agentcg_call_spawnp() - The same, with @file looked up in PATH. */
int agentcg_call_spawnp(struct agentcg_call *call, pid_t *pid, const char *file,
			const posix_spawn_file_actions_t *actions,
			posix_spawnattr_t *attr, char *const argv[],
			char *const envp[]);

/**
 * agentcg_call_wait() - Wait for a process that was started in a call.
 * @call: the call.
 * @pid: from agentcg_call_spawn().
 * @status: as of waitpid(2).
 */
int agentcg_call_wait(struct agentcg_call *call, pid_t pid, int *status);

/**
 * agentcg_call_end() - Kill what is left of a call, remove it, get its receipt.
 * @call: freed in any case.
 * @receipt: AGENTCG_A_TOOL_*; may be NULL, the receipt is then not fetched.
 *
 * A call out of a pool is removed later, by agentcg_pool_reap(), when
 * @receipt is NULL.
 *
 * Return: 0; -EBUSY when its processes did not die within 5 seconds: the cgroup
 * is then still there; -ENOENT when the module has no receipt.
 */
int agentcg_call_end(struct agentcg_call *call, struct agentcg_record *receipt);

/**
 * agentcg_call_leave() - Let go of a call, with all that runs in it.
 * @call: freed; its cgroup stays.
 *
 * Whoever removes the cgroup when it is empty ends the call;
 * agentcg_tool_get() tells of it until then.
 */
void agentcg_call_leave(struct agentcg_call *call);

/**
 * agentcg_cgroup_remove() - Kill all in a cgroup and remove it.
 * @dirfd: directory of the parent.
 * @name: of the cgroup.
 * @timeout_ms: how long to wait for its processes to die.
 *
 * Where cgroupfs is mounted read-only, the module does it, with tool calls of
 * the session that the caller runs in.
 *
 * Return: 0, also when there was none; -EBUSY after the timeout.
 */
int agentcg_cgroup_remove(int dirfd, const char *name, int timeout_ms);

/**
 * agentcg_tool_get() - State of a live call, AGENTCG_A_TOOL_*.
 * @handle: the handle.
 * @id: of its cgroup.
 * @reply: the state.
 */
int agentcg_tool_get(struct agentcg *handle, uint64_t id,
		     struct agentcg_record *reply);

/**
 * agentcg_tool_list() - Call @fn for live calls.
 * @handle: the handle.
 * @session: id of a session, or 0 for all of the machine.
 * @fn: called for each.
 * @arg: passed to it.
 *
 * Return: 0; what @fn returned to stop; -ENOENT when there is no such session.
 */
int agentcg_tool_list(struct agentcg *handle, uint64_t session,
		      agentcg_record_fn fn, void *arg);

/**
 * agentcg_tool_set() - Change the intent of a live call that is somebody
 *	else's.
 * @handle: the handle.
 * @fd: directory of its cgroup.
 * @intent: what to change.
 * @reply: limits as applied; may be NULL.
 */
int agentcg_tool_set(struct agentcg *handle, int fd,
		     const struct agentcg_intent *intent,
		     struct agentcg_record *reply);

/**
 * agentcg_tool_own() - Tie a call to the life of a handle.
 * @handle: the handle.
 * @fd: directory of the call's cgroup, agentcg_call_fd().
 * @own: true to tie it, false to let it go on by itself.
 *
 * When @handle is closed, however its program ends, all processes of the call are
 * killed and its cgroup is removed. Its receipt stays with the session.
 *
 * Return: 0, or as agentcg_tool_set().
 */
int agentcg_tool_own(struct agentcg *handle, int fd, bool own);

/**
 * agentcg_tool_make() - Make the cgroup of a call where cgroupfs is mounted
 *	read-only, and declare it; agentcg_call_begin() does so by itself.
 * @handle: the handle.
 * @session_fd: directory of the session that the caller runs in.
 * @name: of the cgroup.
 * @intent: what to declare; NULL: the defaults of the session.
 * @reply: AGENTCG_A_TOOL_FD is an open directory of the call, for close(2).
 *
 * Return: 0; -EEXIST when there is a cgroup of this name; -ESRCH when it is not
 * the caller's session; -EAGAIN when cgroup.max.descendants is met; or as
 * agentcg_call_begin(). No cgroup is left after a failure.
 */
int agentcg_tool_make(struct agentcg *handle, int session_fd, const char *name,
		      const struct agentcg_intent *intent,
		      struct agentcg_record *reply);

/**
 * agentcg_tool_remove() - Remove the cgroup of an ended call where cgroupfs is
 *	mounted read-only.
 * @handle: the handle.
 * @fd: directory of the call.
 *
 * Return: 0; -EBUSY while there are processes in it; -ESRCH when it is not in
 * the caller's session; -ENODEV when it has gone.
 */
int agentcg_tool_remove(struct agentcg *handle, int fd);

/** agentcg_tool_kill() - Kill every process of the call with this id. */
int agentcg_tool_kill(struct agentcg *handle, uint64_t id);

/**
 * agentcg_tool_freeze() - Have the call with this id stand still until
 *	agentcg_tool_thaw(). Its processes stop shortly after.
 */
int agentcg_tool_freeze(struct agentcg *handle, uint64_t id);

/** agentcg_tool_thaw() - Let it go on, whoever froze it. */
int agentcg_tool_thaw(struct agentcg *handle, uint64_t id);

/**
 * agentcg_receipt_get() - What came of an ended call, AGENTCG_A_TOOL_*.
 * @handle: the handle.
 * @id: of the call.
 * @reply: the receipt.
 */
int agentcg_receipt_get(struct agentcg *handle, uint64_t id,
			struct agentcg_record *reply);

/** agentcg_receipt_list() - The same for the receipts that are kept. */
int agentcg_receipt_list(struct agentcg *handle, uint64_t session,
			 agentcg_record_fn fn, void *arg);

/* ---- calls made ahead ---- */

/**
 * agentcg_pool_new() - Make cgroups for calls ahead of time.
 * @session: where, must outlive the pool.
 * @count: how many.
 * @intent: declared for each of them; NULL: the defaults of the session. Every
 *	call in the pool reserves its mem. Its strings are copied.
 * @pool: set to what agentcg_pool_free() frees.
 *
 * Return: 0, or as agentcg_call_begin(), with none of them made.
 */
int agentcg_pool_new(struct agentcg_session *session, unsigned int count,
		     const struct agentcg_intent *intent,
		     struct agentcg_pool **pool);

/**
 * agentcg_pool_take() - A call out of the pool.
 * @pool: the pool.
 * @intent: what to declare instead of the pool's intent; NULL: that one.
 * @call: set to the call, to be given to agentcg_call_end().
 *
 * Makes one on the spot when the pool is empty.
 *
 * Return: 0, or as agentcg_call_begin(); the pool is then as it was.
 */
int agentcg_pool_take(struct agentcg_pool *pool,
		      const struct agentcg_intent *intent,
		      struct agentcg_call **call);

/**
 * agentcg_pool_reap() - Remove ended calls and fill the pool up.
 * @pool: the pool.
 *
 * To be called when there is time. Return: how many calls are ready, or a
 * negative errno when not all could be removed or made.
 */
int agentcg_pool_reap(struct agentcg_pool *pool);

/**
 * agentcg_pool_free() - Remove the cgroups of a pool.
 * @pool: may be NULL. Calls taken from it must have been ended.
 */
void agentcg_pool_free(struct agentcg_pool *pool);

/* ---- events ---- */

/**
 * agentcg_events_start() - Subscribe a handle to the events of the machine.
 * @handle: use one for nothing else.
 *
 * Return: 0; -EPERM without CAP_SYS_ADMIN in the initial namespaces.
 */
int agentcg_events_start(struct agentcg *handle);

/**
 * agentcg_events_fd() - A descriptor to poll(2) for POLLIN.
 * @handle: one that agentcg_events_start() was called for.
 *
 * Return: the descriptor, owned by the handle; -1 before.
 */
int agentcg_events_fd(const struct agentcg *handle);

/**
 * agentcg_event_read() - Wait for one event, or for the receipt of a call.
 * @handle: the handle.
 * @event: AGENTCG_A_EVENT_*; with @event->object AGENTCG_OBJECT_TOOL it is the
 *	receipt, AGENTCG_A_TOOL_*, of the call that the last event said has ended.
 *
 * Return: 0; -ENOBUFS when events were lost (read on); -EINTR.
 */
int agentcg_event_read(struct agentcg *handle, struct agentcg_record *event);

#ifdef __cplusplus
}
#endif

#endif /* AGENTCG_AGENTCG_H */
