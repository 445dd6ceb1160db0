// SPDX-License-Identifier: GPL-2.0-only
/*
 * Permissions, see perm.h.
 *
 * A request has two authors: who sends it, and who opened the socket.  They
 * differ where a socket is handed on, or where a program of more privilege
 * writes to what it was given as its stderr.  Each right is asked of both, as
 * netlink_capable() asks it, so that nobody has another one's right used for
 * him.  Who names the kernel as the destination speaks netlink, and means it:
 * then the sender counts alone, here as there.
 */

#include "common.h"

#include <linux/bits.h>
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/netlink.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <net/sock.h>

#include "cgrp.h"
#include "perm.h"
#include "session.h"
#include "tool.h"

/* Anybody. */
#define ANYBODY	BIT(0)
/* CAP_SYS_ADMIN in the initial user namespace. */
#define ADMIN	BIT(1)
/* Processes inside the session that it is about. */
#define MEMBER	BIT(2)
/*
 * Who may write memory.high of the cgroup whose directory is shown: that is
 * what declaring a call does, so it is the kernel's own rule for it.  Not who
 * may write the directory or cgroup.procs: those are given to whoever a cgroup
 * is delegated to, its limits are not, and a call that was delegated could be
 * declared anew, larger.
 */
#define OWNER	BIT(3)

/* Any one of them will do.  What is not here nobody may. */
static const u8 rules[] = {
	[AGENTCG_CMD_INFO_GET] = ANYBODY,
	[AGENTCG_CMD_NODE_GET] = ANYBODY,
	[AGENTCG_CMD_NODE_SET] = ADMIN,
	[AGENTCG_CMD_SESSION_ADD] = ADMIN,
	[AGENTCG_CMD_SESSION_SET] = ADMIN,
	[AGENTCG_CMD_SESSION_DEL] = ADMIN,
	[AGENTCG_CMD_SESSION_GET] = ADMIN | MEMBER,
	[AGENTCG_CMD_TOOL_SET] = ADMIN | OWNER,
	[AGENTCG_CMD_TOOL_GET] = ADMIN | MEMBER,
	[AGENTCG_CMD_TOOL_KILL] = ADMIN | MEMBER,
	[AGENTCG_CMD_TOOL_FREEZE] = ADMIN | MEMBER,
	[AGENTCG_CMD_TOOL_THAW] = ADMIN | MEMBER,
	[AGENTCG_CMD_RECEIPT_GET] = ADMIN | MEMBER,
	[AGENTCG_CMD_TOOL_MAKE] = MEMBER,
	[AGENTCG_CMD_TOOL_REMOVE] = MEMBER,
	[AGENTCG_CMD_POLICY_GET] = ADMIN,
};

static u8 rule(const u8 cmd)
{
	return cmd < ARRAY_SIZE(rules) ? rules[cmd] : 0;
}

static bool sender_counts_alone(const struct sk_buff *const skb)
{
	return NETLINK_CB(skb).flags & NETLINK_SKB_DST;
}

/* What needs no object to be allowed. */
static bool allowed_anyhow(const struct sk_buff *const skb, const u8 cmd)
{
	return (rule(cmd) & ANYBODY) ||
	       ((rule(cmd) & ADMIN) && netlink_capable(skb, CAP_SYS_ADMIN));
}

/* RCU read lock held. */
static bool is_inside(struct cgroup *const cgrp,
		      const struct agentcg_session *const session)
{
	const struct agentcg_domain *const domain = agentcg_domain_above(cgrp);

	return domain && domain->session == session;
}

/* The cgroup in which the socket was opened; NULL on a kernel that forgets it. */
static struct cgroup *opener_cgroup(const struct sk_buff *const skb)
{
#ifdef CONFIG_SOCK_CGROUP_DATA
	return sock_cgroup_ptr(&NETLINK_CB(skb).sk->sk_cgrp_data);
#else
	return NULL;
#endif
}

static bool is_member(const struct sk_buff *const skb,
		      const struct agentcg_session *const session)
{
	guard(rcu)();
	return is_inside(task_dfl_cgroup(current), session) &&
	       (sender_counts_alone(skb) ||
		is_inside(opener_cgroup(skb), session));
}

/*
 * Below the caller's cgroup namespace.  Its root itself is not: what limits a
 * container is set from outside.
 */
static bool in_namespace(struct cgroup *const cgrp)
{
	struct cgroup *const root = agentcg_cgroup_ns_root();

	return cgrp != root && cgroup_is_descendant(cgrp, root);
}

/* With the credentials of the current task. */
static int may_write(const struct path *const dir)
{
	struct path file;
	int err;

	err = vfs_path_lookup(dir->dentry, dir->mnt, "memory.high", 0, &file);
	if (err)
		return err == -ENOENT ? -ENODEV : err;
	err = path_permission(&file, MAY_WRITE);
	path_put(&file);
	return err;
}

/* Make and remove cgroups in it; with the credentials of the current task. */
static int may_fill(const struct path *const dir)
{
	return path_permission(dir, MAY_WRITE | MAY_EXEC);
}

static int may_opener(const struct sk_buff *const skb,
		      const struct path *const dir,
		      int (*const may)(const struct path *dir))
{
	const struct cred *const sender =
		override_creds(NETLINK_CB(skb).sk->sk_socket->file->f_cred);
	const int err = may(dir);

	revert_creds(sender);
	return err;
}

static int may_both(const struct sk_buff *const skb,
		    const struct path *const dir,
		    int (*const may)(const struct path *dir))
{
	return may(dir) ?:
	       sender_counts_alone(skb) ? 0 : may_opener(skb, dir, may);
}

/* Whether it is a call that the caller's session had made by tool-make. */
static bool is_own_make(const struct sk_buff *const skb,
			struct cgroup *const cgrp)
{
	struct agentcg_domain *domain;

	guard(rcu)();
	domain = agentcg_domain_find(cgroup_id(cgrp));
	return domain && domain->type == AGENTCG_DOMAIN_TOOL &&
	       READ_ONCE(agentcg_domain_to_tool(domain)->made) &&
	       is_member(skb, domain->session);
}

static int is_owner(const struct sk_buff *const skb,
		    const struct agentcg_dir *const dir)
{
	/*
	 * How a container without a user namespace of its own is confined: it
	 * changes what it made, not what the host made for it.
	 */
	if (__mnt_is_readonly(dir->path.mnt) && !is_own_make(skb, dir->cgrp))
		return -EROFS;
	if (!in_namespace(dir->cgrp))
		return -EACCES;
	return may_both(skb, &dir->path, may_write);
}

/**
 * agentcg_perm_possible - whether there is any object for which one may
 * @skb: the request
 * @cmd: what it asks for
 *
 * For a refusal before anything is looked up, which tells nobody what exists.
 *
 * Context: the sending process, or who reads on in a dump.
 */
bool agentcg_perm_possible(const struct sk_buff *const skb, const u8 cmd)
{
	return (rule(cmd) & (MEMBER | OWNER)) || allowed_anyhow(skb, cmd);
}

/**
 * agentcg_perm_session - whether one may, with a session or what is in it
 * @skb: the request
 * @cmd: what it asks for
 * @session: the caller holds a reference
 *
 * What is refused has to be answered as if it were not there.
 *
 * Context: as agentcg_perm_possible().
 */
bool agentcg_perm_session(const struct sk_buff *const skb, const u8 cmd,
			  const struct agentcg_session *const session)
{
	return ((rule(cmd) & MEMBER) && is_member(skb, session)) ||
	       allowed_anyhow(skb, cmd);
}

/**
 * agentcg_perm_dir - whether one may, with the cgroup that one shows
 * @skb: the request
 * @cmd: what it asks for
 * @dir: the cgroup
 *
 * Context: the sending process; may sleep.
 * Return: 0, -EACCES (also outside of the caller's cgroup namespace), -EROFS,
 * -ENODEV (no memory controller, or being removed).
 */
int agentcg_perm_dir(const struct sk_buff *const skb, const u8 cmd,
		     const struct agentcg_dir *const dir)
{
	const int err = rule(cmd) & OWNER ? is_owner(skb, dir) : -EACCES;

	return err && allowed_anyhow(skb, cmd) ? 0 : err;
}

/**
 * agentcg_perm_fill - whether one may make and remove calls in a session
 * @skb: the request
 * @cmd: what it asks for
 * @session: the caller holds a reference
 * @dir: of it
 *
 * Past a read-only mount, hence for nobody outside of the session; the session
 * may be the root of the caller's cgroup namespace, but not above it.
 *
 * Context: the sending process; may sleep.
 * Return: 0, -ESRCH (not his session), -EACCES, -EROFS (not only the mount is).
 */
int agentcg_perm_fill(const struct sk_buff *const skb, const u8 cmd,
		      const struct agentcg_session *const session,
		      const struct agentcg_dir *const dir)
{
	if (!agentcg_perm_session(skb, cmd, session) ||
	    !cgroup_is_descendant(dir->cgrp, agentcg_cgroup_ns_root()))
		return -ESRCH;
	return may_both(skb, &dir->path, may_fill);
}
