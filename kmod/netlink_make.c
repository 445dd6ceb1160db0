// SPDX-License-Identifier: GPL-2.0-only
/* Requests where cgroupfs is mounted read-only: tool-make and tool-remove. */

#include "common.h"

#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <net/genetlink.h>

#include "cgrp.h"
#include "dir.h"
#include "domain.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "perm.h"
#include "session.h"
#include "tool.h"

static int refuse_fd(struct genl_info *const info, const int err)
{
	const char *text = "fd: no permission to write to the session's directory";

	if (err == -ESRCH)
		text = "fd: not in the session that the caller runs in";
	else if (err == -EROFS)
		text = "fd: cgroupfs itself is read-only, not only its mount";
	return agentcg_nl_refuse(info, info->attrs[AGENTCG_A_TOOL_FD], err, text);
}

/* Whether @dir is that of a session in which the caller may make calls. */
static int check_session(struct sk_buff *const skb,
			 struct genl_info *const info,
			 const struct agentcg_dir *const dir)
{
	struct agentcg_domain *const domain =
		agentcg_domain_get(cgroup_id(dir->cgrp));
	int err = -ESRCH;

	if (domain && domain->type == AGENTCG_DOMAIN_SESSION)
		err = agentcg_perm_fill(skb, info->genlhdr->cmd,
					domain->session, dir);
	if (domain)
		agentcg_domain_put(domain);
	return err ? refuse_fd(info, err) : 0;
}

/* Making. */

/* Those two would be looked for and found, not made. */
static bool is_name(const char *const name)
{
	return name[0] && !strchr(name, '/') && strcmp(name, ".") &&
	       strcmp(name, "..");
}

static int refuse_name(struct genl_info *const info, const int err,
		       const char *const text)
{
	return agentcg_nl_refuse(info, info->attrs[AGENTCG_A_TOOL_NAME], err, text);
}

static int explain_make(struct genl_info *const info, const int err)
{
	switch (err) {
	case -EEXIST:
		return refuse_name(info, err, "name: there is a cgroup, or a file, of this name");
	case -EINVAL:
		return refuse_name(info, err, "name: cgroups have names without slash and newline");
	case -EAGAIN:
		return agentcg_nl_refuse(info, NULL, err,
					 "cgroup.max.descendants or cgroup.max.depth is met");
	default:
		return err;
	}
}

static int declare(struct genl_info *const info, const struct file *const dir,
		   struct agentcg_intent *const intent,
		   struct agentcg_tool **const tool)
{
	struct cgroup *const cgrp = agentcg_cgroup_of_file(dir);
	int err;

	if (IS_ERR(cgrp))
		return agentcg_nl_refuse(info, NULL, -ENODEV,
					 "the cgroup was removed at once");
	err = agentcg_tool_set(cgrp, intent, tool, info->extack);
	cgroup_put(cgrp);
	return err;
}

static int declare_and_fill(struct genl_info *const info,
			    const struct file *const dir, const int fd,
			    struct agentcg_intent *const intent,
			    struct sk_buff *const reply)
{
	struct agentcg_tool *tool;
	int err;

	err = declare(info, dir, intent, &tool);
	if (err)
		return err;
	WRITE_ONCE(tool->made, true);
	err = agentcg_nl_fill_tool_set(reply, tool) ?:
	      nla_put_u32(reply, AGENTCG_A_TOOL_FD, fd);
	agentcg_tool_put(tool);
	return err;
}

/*
 * The descriptor is the sender's: doit runs in his sendmsg(2), or in a worker
 * of io_uring, which shares his table.  It is installed once nothing can fail
 * any more, since then it cannot be taken back.
 */
static int make_call(struct genl_info *const info,
		     const struct agentcg_dir *const session,
		     struct agentcg_intent *const intent)
{
	const char *const name = nla_data(info->attrs[AGENTCG_A_TOOL_NAME]);
	const int fd = get_unused_fd_flags(O_CLOEXEC);
	struct sk_buff *reply;
	struct file *dir;
	void *hdr;
	int err;

	if (fd < 0)
		return fd;
	reply = agentcg_nl_new_reply(info, &hdr);
	if (!reply) {
		put_unused_fd(fd);
		return -ENOMEM;
	}
	dir = agentcg_dir_make(&session->path, name);
	err = IS_ERR(dir) ? explain_make(info, PTR_ERR(dir)) :
			    declare_and_fill(info, dir, fd, intent, reply);
	err = agentcg_nl_send_reply(reply, hdr, err, info);
	if (!err) {
		fd_install(fd, dir);
		return 0;
	}
	if (!IS_ERR(dir)) {
		agentcg_dir_remove(&session->path, dir->f_path.dentry);
		fput(dir);
	}
	put_unused_fd(fd);
	return err;
}

int agentcg_nl_tool_make_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct agentcg_intent intent = {};
	struct agentcg_dir session;
	int err;

	if (GENL_REQ_ATTR_CHECK(info, AGENTCG_A_TOOL_FD) ||
	    GENL_REQ_ATTR_CHECK(info, AGENTCG_A_TOOL_NAME))
		return agentcg_nl_refuse(info, NULL, -EINVAL,
					 "tool-make needs fd and name");
	if (!is_name(nla_data(info->attrs[AGENTCG_A_TOOL_NAME])))
		return explain_make(info, -EINVAL);
	err = agentcg_nl_parse_intent(info, &intent);
	if (err)
		return err;
	err = agentcg_nl_dir(info, AGENTCG_A_TOOL_FD, "fd", &session);
	if (!err) {
		err = check_session(skb, info, &session) ?:
		      make_call(info, &session, &intent);
		agentcg_dir_put(&session);
	}
	agentcg_intent_destroy(&intent);
	return err;
}

/* Removing. */

/* A call that a module before this one knew is none of ours, and goes too. */
static bool is_no_call(const struct agentcg_dir *const dir)
{
	struct agentcg_domain *const domain =
		agentcg_domain_get(cgroup_id(dir->cgrp));
	const bool other = domain && domain->type != AGENTCG_DOMAIN_TOOL;

	if (domain)
		agentcg_domain_put(domain);
	return other;
}

static int explain_remove(struct genl_info *const info, const int err)
{
	if (err == -EBUSY)
		NL_SET_ERR_MSG_ATTR(info->extack,
				    info->attrs[AGENTCG_A_TOOL_FD],
				    "fd: there are processes or cgroups in it");
	return err;
}

static int remove_call(struct sk_buff *const skb, struct genl_info *const info,
		       const struct agentcg_dir *const dir)
{
	struct agentcg_dir session;
	int err;

	if (agentcg_dir_parent(&session, dir))
		return refuse_fd(info, -ESRCH);
	err = check_session(skb, info, &session);
	if (!err && is_no_call(dir))
		err = agentcg_nl_refuse(info, info->attrs[AGENTCG_A_TOOL_FD],
					-EBUSY, "fd: a session or its agent leaf, not a tool call");
	else if (!err)
		err = explain_remove(info,
				     agentcg_dir_remove(&session.path,
							dir->path.dentry));
	agentcg_dir_put(&session);
	return err;
}

int agentcg_nl_tool_remove_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct agentcg_dir dir;
	int err;

	if (GENL_REQ_ATTR_CHECK(info, AGENTCG_A_TOOL_FD))
		return agentcg_nl_refuse(info, NULL, -EINVAL, "tool-remove needs fd");
	err = agentcg_nl_dir(info, AGENTCG_A_TOOL_FD, "fd", &dir);
	if (err)
		return err;
	err = remove_call(skb, info, &dir);
	agentcg_dir_put(&dir);
	return err;
}
