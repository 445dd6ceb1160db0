// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Sessions: finding them, and telling the module about them. */
#include <errno.h>
#include <fcntl.h>
#include <netlink/attr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

/* ---- opening ---- */

/* @fd belongs to the session from here on, also when this fails. */
static int wrap(struct agentcg *handle, int fd, const char *path,
		struct agentcg_session **session)
{
	struct agentcg_session *s = malloc(sizeof(*s) + strlen(path) + 1);
	struct stat st;

	if (!s || fstat(fd, &st)) {
		int err = s ? -errno : -ENOMEM;

		free(s);
		close(fd);
		return agentcg_error(handle, err, "%s", strerror(-err));
	}
	s->handle = handle;
	s->fd = fd;
	s->id = st.st_ino;
	strcpy(s->path, path);
	*session = s;
	return 0;
}

static int get_by_fd(struct agentcg *handle, int fd,
		     struct agentcg_record *reply)
{
	int err = agentcg_nl_begin(handle, AGENTCG_CMD_SESSION_GET, 0);

	if (err)
		return err;
	if (nla_put_u32(handle->msg, AGENTCG_A_SESSION_FD, (uint32_t)fd))
		return agentcg_nl_full(handle);
	return agentcg_nl_do(handle, reply);
}

/*
 * The module knows best which session the caller runs in, and tells where its
 * cgroup is as the caller's namespace shows it.
 */
static int own_path(struct agentcg *handle, char path[PATH_MAX], uint64_t *id)
{
	struct agentcg_record reply;
	const char *root, *tail;
	int err;

	err = agentcg_root(handle, &root) ?:
	      agentcg_nl_begin(handle, AGENTCG_CMD_SESSION_GET, 0) ?:
	      agentcg_nl_do(handle, &reply);
	if (err == -ENOENT)
		return agentcg_error(handle, err,
			"the caller runs in no session: agentcg session add CGROUP --budget SIZE, or name one with --session");
	if (err)
		return err;
	*id = agentcg_record_uint(&reply, AGENTCG_A_SESSION_ID, 0);
	tail = agentcg_record_string(&reply, AGENTCG_A_SESSION_PATH);
	if (!tail || snprintf(path, PATH_MAX, "%s%s", root, tail) >= PATH_MAX)
		return agentcg_error(handle, -EPROTO,
				     "the module told no path of the session");
	return 0;
}

static int open_own(struct agentcg *handle, struct agentcg_session **session)
{
	char path[PATH_MAX];
	uint64_t id = 0;
	int err, fd;

	err = own_path(handle, path, &id);
	if (err)
		return err;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		err = wrap(handle, fd, path, session);
		if (err || (*session)->id == id)
			return err;
		agentcg_session_close(*session);
		*session = NULL;
	}
	return agentcg_error(handle, -EXDEV,
		"the caller's session is outside of the cgroup tree that shows in %s: let its cgroup namespace begin at the session, not below it",
		handle->root);
}

int agentcg_session_open(struct agentcg *handle, const char *cgroup,
			 struct agentcg_session **session)
{
	char path[PATH_MAX];
	int fd;

	if (!cgroup)
		return open_own(handle, session);
	fd = agentcg_cgroup_open(handle, cgroup, path);
	return fd < 0 ? fd : wrap(handle, fd, path, session);
}

void agentcg_session_close(struct agentcg_session *session)
{
	if (!session)
		return;
	close(session->fd);
	free(session);
}

uint64_t agentcg_session_id(const struct agentcg_session *session)
{
	return session->id;
}

int agentcg_session_fd(const struct agentcg_session *session)
{
	return session->fd;
}

/* ---- requests ---- */

#define HAS(config, NAME)	((config)->set & (1ull << AGENTCG_A_SESSION_##NAME))

static int put_config(struct agentcg *handle,
		      const struct agentcg_session_config *config)
{
	struct agentcg_session_config c = AGENTCG_SESSION_CONFIG_INIT;
	struct nl_msg *msg = handle->msg;
	int err = 0;

	/* A program built against another version has another size. */
	memcpy(&c, config, config->size < sizeof(c) ? config->size : sizeof(c));
	if (HAS(&c, BUDGET))
		err |= nla_put_u64(msg, AGENTCG_A_SESSION_BUDGET, c.budget);
	if (HAS(&c, FLOOR))
		err |= nla_put_u64(msg, AGENTCG_A_SESSION_FLOOR, c.floor);
	if (HAS(&c, WEIGHT))
		err |= nla_put_u32(msg, AGENTCG_A_SESSION_WEIGHT, c.weight);
	if (HAS(&c, MAX_CLASS))
		err |= nla_put_u32(msg, AGENTCG_A_SESSION_MAX_CLASS,
				   c.max_class);
	if (HAS(&c, MAX_HOLD))
		err |= nla_put_u64(msg, AGENTCG_A_SESSION_MAX_HOLD, c.max_hold);
	if (HAS(&c, JITTER))
		err |= nla_put_u64(msg, AGENTCG_A_SESSION_JITTER, c.jitter);
	if (HAS(&c, DEFAULTS))
		err |= agentcg_nl_put_intent(msg, AGENTCG_A_SESSION_DEFAULTS,
					     c.defaults);
	return err ? agentcg_nl_full(handle) : 0;
}

static int send_add(struct agentcg_session *session, int agent_fd,
		    const struct agentcg_session_config *config)
{
	struct agentcg *handle = session->handle;
	int err = agentcg_nl_begin(handle, AGENTCG_CMD_SESSION_ADD, 0);
	struct agentcg_record reply;

	if (err)
		return err;
	if (nla_put_u32(handle->msg, AGENTCG_A_SESSION_FD,
			(uint32_t)session->fd) ||
	    nla_put_u32(handle->msg, AGENTCG_A_SESSION_AGENT_FD,
			(uint32_t)agent_fd))
		return agentcg_nl_full(handle);
	return put_config(handle, config) ?: agentcg_nl_do(handle, &reply);
}

/* The directory without symbolic links and dots, for walking its path. */
static int canonical(struct agentcg_session **session, char path[PATH_MAX])
{
	struct agentcg *handle = (*session)->handle;
	size_t root = strlen(handle->root);

	if (!realpath((*session)->path, path))
		return agentcg_error(handle, -errno, "%s: %s",
				     (*session)->path, strerror(errno));
	if (strncmp(path, handle->root, root) ||
	    (path[root] && path[root] != '/'))
		return agentcg_error(handle, -EXDEV,
			"%s is not under %s: name it by its path in the cgroup tree",
			path, handle->root);
	if (!path[root])
		return agentcg_error(handle, -EINVAL,
			"the root of the cgroup tree cannot be a session: make a cgroup in it");
	return 0;
}

/*
 * A copy of the session that knows its canonical path; its directory is the
 * caller's still.
 */
static int clone_canonical(struct agentcg_session *session,
			   struct agentcg_session **copy)
{
	char path[PATH_MAX];
	int err = canonical(&session, path);

	if (err)
		return err;
	*copy = malloc(sizeof(**copy) + strlen(path) + 1);
	if (!*copy)
		return agentcg_error(session->handle, -ENOMEM, "out of memory");
	**copy = *session;
	strcpy((*copy)->path, path);
	return 0;
}

int agentcg_session_add(struct agentcg_session *session,
			const struct agentcg_session_config *config)
{
	struct agentcg *handle = session->handle;
	struct agentcg_session *copy;
	struct agentcg_record reply;
	int agent_fd, err;
	bool found;

	/* Before anything is touched: is there a module, is it new to it? */
	err = get_by_fd(handle, session->fd, &reply);
	if (!err)
		return agentcg_error(handle, -EEXIST,
			"%s is a session already: change it with agentcg session set",
			agentcg_cgroup_tail(handle, session->path));
	if (err != -ENOENT)
		return err;
	err = clone_canonical(session, &copy);
	if (err)
		return err;
	found = agentcg_setup_found(copy);
	err = agentcg_setup(copy, config->adopt, &agent_fd);
	if (!err) {
		err = send_add(copy, agent_fd, config);
		close(agent_fd);
		if (err && !found)
			agentcg_setup_undo(copy);
	}
	free(copy);
	return err;
}

int agentcg_session_set(struct agentcg_session *session,
			const struct agentcg_session_config *config)
{
	struct agentcg *handle = session->handle;
	int err = agentcg_nl_begin(handle, AGENTCG_CMD_SESSION_SET, NLM_F_ACK);

	if (err)
		return err;
	if (nla_put_u32(handle->msg, AGENTCG_A_SESSION_FD,
			(uint32_t)session->fd))
		return agentcg_nl_full(handle);
	return put_config(handle, config) ?: agentcg_nl_do(handle, NULL);
}

int agentcg_session_own(struct agentcg_session *session, bool own)
{
	struct agentcg *handle = session->handle;
	int err = agentcg_nl_begin(handle, AGENTCG_CMD_SESSION_SET, NLM_F_ACK);

	if (err)
		return err;
	if (nla_put_u32(handle->msg, AGENTCG_A_SESSION_FD,
			(uint32_t)session->fd) ||
	    nla_put_u8(handle->msg, AGENTCG_A_SESSION_OWNER, own))
		return agentcg_nl_full(handle);
	return agentcg_nl_do(handle, NULL);
}

static int send_del(struct agentcg_session *session,
		    struct agentcg_record *reply)
{
	struct agentcg *handle = session->handle;
	int err = agentcg_nl_begin(handle, AGENTCG_CMD_SESSION_DEL, 0);

	if (err)
		return err;
	if (nla_put_u32(handle->msg, AGENTCG_A_SESSION_FD,
			(uint32_t)session->fd))
		return agentcg_nl_full(handle);
	return agentcg_nl_do(handle, reply);
}

int agentcg_session_del(struct agentcg_session *session,
			struct agentcg_record *reply)
{
	struct agentcg_record unused = { .data = NULL };
	struct agentcg_session *copy;
	bool left_over;
	int err;

	reply = reply ?: &unused;
	*reply = (struct agentcg_record){ .object = AGENTCG_OBJECT_SESSION };
	err = send_del(session, reply);
	left_over = (err == -ENOENT || err == -EPROTONOSUPPORT) &&
		    agentcg_setup_found(session);
	if (err && !left_over)
		return err;
	err = clone_canonical(session, &copy);
	if (err)
		return err;
	agentcg_setup_undo(copy);
	free(copy);
	return 0;
}

int agentcg_session_get(struct agentcg_session *session,
			struct agentcg_record *reply)
{
	return get_by_fd(session->handle, session->fd, reply);
}

int agentcg_session_list(struct agentcg *handle, agentcg_record_fn fn,
			 void *arg)
{
	int err = agentcg_nl_begin(handle, AGENTCG_CMD_SESSION_GET, NLM_F_DUMP);

	return err ?: agentcg_nl_dump(handle, fn, arg);
}
