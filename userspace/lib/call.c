// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Tool calls. This is the path whose cost every call of an agent pays: one
 * mkdir, one open, one message each way, one spawn with a look for a scheduler that is
 * for calls only, one rmdir.
 */
#include <errno.h>
#include <fcntl.h>
#include <netlink/attr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

/* How long the end of a call waits for its processes to die. */
#define END_TIMEOUT_MS	5000

/* Names that are taken, by another PID namespace, are passed over. */
#define NAME_TRIES	64

/* ---- requests ---- */

int agentcg_tool_set(struct agentcg *handle, int fd,
		     const struct agentcg_intent *intent,
		     struct agentcg_record *reply)
{
	int err = agentcg_nl_begin(handle, AGENTCG_CMD_TOOL_SET, 0);

	if (err)
		return err;
	if (nla_put_u32(handle->msg, AGENTCG_A_TOOL_FD, (uint32_t)fd) ||
	    (intent && agentcg_nl_put_intent(handle->msg, AGENTCG_A_TOOL_INTENT,
					     intent)))
		return agentcg_nl_full(handle);
	return agentcg_nl_do(handle, reply);
}

int agentcg_tool_own(struct agentcg *handle, int fd, bool own)
{
	int err = agentcg_nl_begin(handle, AGENTCG_CMD_TOOL_SET, NLM_F_ACK);

	if (err)
		return err;
	if (nla_put_u32(handle->msg, AGENTCG_A_TOOL_FD, (uint32_t)fd) ||
	    nla_put_u8(handle->msg, AGENTCG_A_TOOL_OWNER, own))
		return agentcg_nl_full(handle);
	return agentcg_nl_do(handle, NULL);
}

int agentcg_tool_make(struct agentcg *handle, int session_fd, const char *name,
		      const struct agentcg_intent *intent,
		      struct agentcg_record *reply)
{
	int err = agentcg_nl_begin(handle, AGENTCG_CMD_TOOL_MAKE, 0);

	if (err)
		return err;
	if (nla_put_u32(handle->msg, AGENTCG_A_TOOL_FD, (uint32_t)session_fd) ||
	    nla_put_string(handle->msg, AGENTCG_A_TOOL_NAME, name) ||
	    (intent && agentcg_nl_put_intent(handle->msg, AGENTCG_A_TOOL_INTENT,
					     intent)))
		return agentcg_nl_full(handle);
	return agentcg_nl_do(handle, reply);
}

int agentcg_tool_remove(struct agentcg *handle, int fd)
{
	int err = agentcg_nl_begin(handle, AGENTCG_CMD_TOOL_REMOVE, NLM_F_ACK);

	if (err)
		return err;
	if (nla_put_u32(handle->msg, AGENTCG_A_TOOL_FD, (uint32_t)fd))
		return agentcg_nl_full(handle);
	return agentcg_nl_do(handle, NULL);
}

static int by_id(struct agentcg *handle, int cmd, int flags, uint64_t id,
		 struct agentcg_record *reply)
{
	int err = agentcg_nl_begin(handle, cmd, flags);

	if (err)
		return err;
	if (nla_put_u64(handle->msg, AGENTCG_A_TOOL_ID, id))
		return agentcg_nl_full(handle);
	return agentcg_nl_do(handle, reply);
}

int agentcg_tool_get(struct agentcg *handle, uint64_t id,
		     struct agentcg_record *reply)
{
	return by_id(handle, AGENTCG_CMD_TOOL_GET, 0, id, reply);
}

int agentcg_tool_kill(struct agentcg *handle, uint64_t id)
{
	return by_id(handle, AGENTCG_CMD_TOOL_KILL, NLM_F_ACK, id, NULL);
}

int agentcg_tool_freeze(struct agentcg *handle, uint64_t id)
{
	return by_id(handle, AGENTCG_CMD_TOOL_FREEZE, NLM_F_ACK, id, NULL);
}

int agentcg_tool_thaw(struct agentcg *handle, uint64_t id)
{
	return by_id(handle, AGENTCG_CMD_TOOL_THAW, NLM_F_ACK, id, NULL);
}

int agentcg_receipt_get(struct agentcg *handle, uint64_t id,
			struct agentcg_record *reply)
{
	return by_id(handle, AGENTCG_CMD_RECEIPT_GET, 0, id, reply);
}

static int list(struct agentcg *handle, int cmd, uint64_t session,
		agentcg_record_fn fn, void *arg)
{
	int err = agentcg_nl_begin(handle, cmd, NLM_F_DUMP);

	if (err)
		return err;
	if (session && nla_put_u64(handle->msg, AGENTCG_A_TOOL_SESSION_ID,
				   session))
		return agentcg_nl_full(handle);
	return agentcg_nl_dump(handle, fn, arg);
}

int agentcg_tool_list(struct agentcg *handle, uint64_t session,
		      agentcg_record_fn fn, void *arg)
{
	return list(handle, AGENTCG_CMD_TOOL_GET, session, fn, arg);
}

int agentcg_receipt_list(struct agentcg *handle, uint64_t session,
			 agentcg_record_fn fn, void *arg)
{
	return list(handle, AGENTCG_CMD_RECEIPT_GET, session, fn, arg);
}

/* ---- beginning ---- */

static int make_by_module(struct agentcg_call *call,
			  const struct agentcg_intent *intent)
{
	struct agentcg_record reply;
	int err = agentcg_tool_make(call->session->handle, call->session->fd,
				    call->name, intent, &reply);

	call->by_module = true;
	if (err)
		return err;
	call->fd = (int)agentcg_record_uint(&reply, AGENTCG_A_TOOL_FD, 0);
	call->id = agentcg_record_uint(&reply, AGENTCG_A_TOOL_ID, 0);
	return 0;
}

/* Where cgroupfs is mounted read-only, the module makes and declares in one. */
static int make_directory(struct agentcg_call *call,
			  const struct agentcg_intent *intent)
{
	if (!mkdirat(call->session->fd, call->name, 0755))
		return 0;
	return errno == EROFS ? make_by_module(call, intent) : -errno;
}

static int make_named(struct agentcg_call *call, const char *name,
		      const struct agentcg_intent *intent)
{
	struct agentcg *handle = call->session->handle;
	int err;

	if (strlen(name) >= sizeof(call->name) || !name[0] ||
	    strchr(name, '/') || name[0] == '.')
		return agentcg_error(handle, -EINVAL,
			"\"%s\" cannot be the name of a cgroup: use letters, digits, - and _",
			name);
	strcpy(call->name, name);
	err = make_directory(call, intent);
	if (err == -EEXIST)
		return agentcg_error(handle, err,
			"there is a call named %s already: choose another name",
			name);
	return err;
}

static int make_numbered(struct agentcg_call *call,
			 const struct agentcg_intent *intent)
{
	struct agentcg *handle = call->session->handle;
	int tries = NAME_TRIES;
	int err;

	do {
		snprintf(call->name, sizeof(call->name), "call-%d-%u",
			 getpid(), ++handle->calls);
		err = make_directory(call, intent);
	} while (err == -EEXIST && --tries);
	return err;
}

static int explain_mkdir(struct agentcg_call *call, int err)
{
	struct agentcg *handle = call->session->handle;
	const char *mend = "";

	/* Told already. */
	if (err == -EINVAL || err == -EEXIST || call->by_module)
		return err;
	if (err == -EAGAIN)
		mend = ": cgroup.max.descendants or cgroup.max.depth is met";
	else if (err == -ENOENT)
		mend = ": the session's cgroup was removed";
	return agentcg_error(handle, err, "mkdir %s in %s: %s%s", call->name,
			     call->session->path, strerror(-err), mend);
}

/* Make it, open it and, if the module makes it, declare it. */
static int make_cgroup(struct agentcg_call *call, const char *name,
		       const struct agentcg_intent *intent)
{
	struct agentcg *handle = call->session->handle;
	int err = name ? make_named(call, name, intent) :
			 make_numbered(call, intent);

	if (err)
		return explain_mkdir(call, err);
	if (call->by_module)
		return 0;
	call->fd = openat(call->session->fd, call->name,
			  O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (call->fd >= 0)
		return 0;
	err = -errno;
	unlinkat(call->session->fd, call->name, AT_REMOVEDIR);
	return agentcg_error(handle, err, "open %s: %s", call->name,
			     strerror(-err));
}

static int declare(struct agentcg_call *call,
		   const struct agentcg_intent *intent)
{
	struct agentcg_record reply, limits;
	int err = agentcg_tool_set(call->session->handle, call->fd, intent,
				   &reply);

	if (err)
		return err;
	limits = agentcg_record_nest(&reply, AGENTCG_A_TOOL_LIMITS);
	call->id = agentcg_record_uint(&reply, AGENTCG_A_TOOL_ID, 0);
	call->deadline = agentcg_record_uint(&limits, AGENTCG_A_INTENT_DEADLINE,
					     AGENTCG_UNLIMITED);
	call->warn_before = agentcg_record_uint(&limits,
						AGENTCG_A_INTENT_WARN_BEFORE, 0);
	return 0;
}

int agentcg_call_begin(struct agentcg_session *session, const char *name,
		       const struct agentcg_intent *intent,
		       struct agentcg_call **result)
{
	struct agentcg_call *call = malloc(sizeof(*call));
	int err;

	if (!call)
		return agentcg_error(session->handle, -ENOMEM, "out of memory");
	call->session = session;
	call->pool = NULL;
	call->next = NULL;
	call->by_module = false;
	err = make_cgroup(call, name, intent);
	if (err) {
		free(call);
		return err;
	}
	err = call->by_module ? 0 : declare(call, intent);
	if (err) {
		agentcg_call_remove(call);
		return err;
	}
	*result = call;
	return 0;
}

int agentcg_call_set(struct agentcg_call *call,
		     const struct agentcg_intent *intent)
{
	return declare(call, intent);
}

uint64_t agentcg_call_id(const struct agentcg_call *call)
{
	return call->id;
}

int agentcg_call_fd(const struct agentcg_call *call)
{
	return call->fd;
}

const char *agentcg_call_name(const struct agentcg_call *call)
{
	return call->name;
}

uint64_t agentcg_call_deadline(const struct agentcg_call *call,
			       uint64_t *warn_before)
{
	if (warn_before)
		*warn_before = call->warn_before;
	return call->deadline;
}

/* ---- running ---- */

typedef int (*spawn_fn)(pid_t *, const char *,
			const posix_spawn_file_actions_t *,
			const posix_spawnattr_t *, char *const [],
			char *const []);

/*
 * CLONE_INTO_CGROUP puts the child into the call before it runs at all.
 * Writing cgroup.procs afterwards would leave its first page faults in the
 * caller's cgroup, and takes a lock that waits for every CPU.
 */
static int spawn(struct agentcg_call *call, spawn_fn fn, pid_t *pid,
		 const char *file, const posix_spawn_file_actions_t *actions,
		 posix_spawnattr_t *attr, char *const argv[],
		 char *const envp[])
{
	posix_spawnattr_t own;
	short flags = 0;
	bool entered;
	int err;

	if (!attr) {
		posix_spawnattr_init(&own);
		attr = &own;
	}
	posix_spawnattr_getflags(attr, &flags);
	posix_spawnattr_setflags(attr, (short)(flags | POSIX_SPAWN_SETCGROUP));
	posix_spawnattr_setcgroup_np(attr, call->fd);
	entered = agentcg_sched_enter();
	err = fn(pid, file, actions, attr, argv, envp);
	if (entered)
		agentcg_sched_leave();
	posix_spawnattr_setflags(attr, flags);
	if (attr == &own)
		posix_spawnattr_destroy(&own);
	if (err)
		return agentcg_error(call->session->handle, -err, "%s: %s",
				     file, strerror(err));
	return 0;
}

int agentcg_call_spawn(struct agentcg_call *call, pid_t *pid, const char *path,
		       const posix_spawn_file_actions_t *actions,
		       posix_spawnattr_t *attr, char *const argv[],
		       char *const envp[])
{
	return spawn(call, posix_spawn, pid, path, actions, attr, argv, envp);
}

int agentcg_call_spawnp(struct agentcg_call *call, pid_t *pid, const char *file,
			const posix_spawn_file_actions_t *actions,
			posix_spawnattr_t *attr, char *const argv[],
			char *const envp[])
{
	return spawn(call, posix_spawnp, pid, file, actions, attr, argv, envp);
}

int agentcg_call_wait(struct agentcg_call *call, pid_t pid, int *status)
{
	while (waitpid(pid, status, 0) < 0)
		if (errno != EINTR)
			return agentcg_error(call->session->handle, -errno,
					     "waitpid: %s", strerror(errno));
	return 0;
}

/* ---- ending ---- */

/* Kill what is left, remove the cgroup, free the call. */
int agentcg_call_remove(struct agentcg_call *call)
{
	struct agentcg *handle = call->session->handle;
	int err = agentcg_cgroup_remove_with(handle, call->session->fd,
					     call->name, END_TIMEOUT_MS);

	if (err)
		agentcg_error(handle, err, "rmdir %s: %s", call->name,
			      strerror(-err));
	close(call->fd);
	free(call);
	return err;
}

void agentcg_call_leave(struct agentcg_call *call)
{
	close(call->fd);
	free(call);
}

int agentcg_call_end(struct agentcg_call *call, struct agentcg_record *receipt)
{
	struct agentcg *handle = call->session->handle;
	uint64_t id = call->id;
	int err;

	if (call->pool && !receipt) {
		agentcg_pool_retire(call);
		return 0;
	}
	err = agentcg_call_remove(call);
	if (err || !receipt)
		return err;
	/* The module writes it out when the cgroup is removed. */
	return agentcg_receipt_get(handle, id, receipt);
}
