/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What the files of libagentcg share; nothing of it is exported. */
#ifndef AGENTCG_INTERNAL_H
#define AGENTCG_INTERNAL_H

#include <agentcg/agentcg.h>
#include <limits.h>
#include <netlink/msg.h>

/* The kernel never fills a dump buffer beyond this. */
#define RECV_MAX	32768
/* The longest request is session-add with all defaults: about 1.5 KiB. */
#define SEND_MAX	4096

struct agentcg {
	struct nl_sock *sock;
	struct nl_msg *msg;	/* reused by every request */
	int fd;			/* of sock, -1 before the first request */
	uint32_t seq;
	uint32_t group;		/* of the events */
	uint16_t family;
	unsigned int calls;	/* for names that are unique in this process */
	char root[PATH_MAX];	/* mount point of cgroup2, empty: not looked up */
	char error[768];
	/* Events that came in one datagram and were not read yet. */
	unsigned char *pending;
	int pending_len;
	unsigned char buf[RECV_MAX];
};

struct agentcg_session {
	struct agentcg *handle;
	int fd;
	uint64_t id;
	char path[];		/* canonical directory */
};

struct agentcg_call {
	struct agentcg_session *session;
	struct agentcg_pool *pool;	/* where it goes when it ends, or NULL */
	struct agentcg_call *next;
	uint64_t id;
	/* As the module answered the last declaration. */
	uint64_t deadline;
	uint64_t warn_before;
	int fd;
	bool by_module;		/* made by it, not by mkdir(2) */
	char name[NAME_MAX + 1];
};

/* handle.c */
int agentcg_error(struct agentcg *handle, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* netlink.c */
int agentcg_nl_begin(struct agentcg *handle, int cmd, int flags);
int agentcg_nl_do(struct agentcg *handle, struct agentcg_record *reply);
int agentcg_nl_dump(struct agentcg *handle, agentcg_record_fn fn, void *arg);
int agentcg_nl_full(struct agentcg *handle);
int agentcg_nl_put_intent(struct nl_msg *msg, int attr,
			  const struct agentcg_intent *intent);

/* cgroup.c */
int agentcg_cgroup_open(struct agentcg *handle, const char *cgroup,
			char path[PATH_MAX]);
const char *agentcg_cgroup_tail(struct agentcg *handle, const char *path);
int agentcg_file_read(int dirfd, const char *name, char *buf, size_t size);
int agentcg_file_write(int dirfd, const char *name, const char *text);
int agentcg_cgroup_remove_with(struct agentcg *handle, int dirfd,
			       const char *name, int timeout_ms);
bool agentcg_word_in(const char *list, const char *word);

/* setup.c */
int agentcg_setup(struct agentcg_session *session, bool adopt, int *agent_fd);
void agentcg_setup_undo(struct agentcg_session *session);
bool agentcg_setup_found(const struct agentcg_session *session);

/* call.c */
int agentcg_call_remove(struct agentcg_call *call);

/*
 * sched.c: around starting a process, which has the policy of the thread that does it.
 * Whether there is something to leave.
 */
bool agentcg_sched_enter(void);
void agentcg_sched_leave(void);

/* pool.c */
void agentcg_pool_retire(struct agentcg_call *call);

#endif /* AGENTCG_INTERNAL_H */
