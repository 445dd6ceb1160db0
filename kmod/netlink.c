// SPDX-License-Identifier: GPL-2.0-only
/*
 * The generic netlink family: resolving, replying, dumping.
 *
 * pre_doit finds the object, checks the right to it (perm.c) and pins it in
 * user_ptr[0], or in user_ptr[1] the cgroup that is to become a call; doit acts
 * (netlink_info.c, netlink_session.c, netlink_tool.c); post_doit drops the pin.
 * Policies and tables are generated from the spec (netlink_gen.c).
 */

#include "common.h"

#include <linux/err.h>
#include <linux/path.h>
#include <linux/slab.h>
#include <net/genetlink.h>

#include "cgrp.h"
#include "intent.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "perm.h"
#include "session.h"

/* Resolving and pinning. */

/* @attr: the one to blame, NULL when there is none. */
int agentcg_nl_refuse(struct genl_info *const info,
		      const struct nlattr *const attr, const int err,
		      const char *const text)
{
	NL_SET_ERR_MSG_ATTR_FMT(info->extack, attr, "%s", text);
	return err;
}

static const char *explain_fd(const long err)
{
	switch (err) {
	case -EBADF:
		return "not an open directory of the cgroup2 tree";
	case -ENODEV:
		return "the cgroup has been removed, or has no memory controller";
	case -EROFS:
		return "the cgroup tree is mounted read-only here";
	default:
		return "no permission to write memory.high of the cgroup";
	}
}

static int refuse_fd(struct genl_info *const info, const struct nlattr *const fd,
		     const char *const name, const int err)
{
	NL_SET_ERR_MSG_ATTR_FMT(info->extack, fd, "%s: %s", name,
				explain_fd(err));
	return err;
}

/* As agentcg_dir_get(), a failure told. */
int agentcg_nl_dir(struct genl_info *const info, const int attr,
		   const char *const name, struct agentcg_dir *const dir)
{
	const struct nlattr *const fd = info->attrs[attr];
	const int err = agentcg_dir_get(dir, nla_get_u32(fd));

	return err ? refuse_fd(info, fd, name, err) : 0;
}

/**
 * agentcg_nl_cgroup - the cgroup whose directory an attribute names
 * @info: the request
 * @attr: of a file descriptor; it is there
 * @name: of the attribute
 *
 * Return: with a reference, dropped by cgroup_put(); or an error as of
 * agentcg_dir_get(), which has been told.
 */
struct cgroup *agentcg_nl_cgroup(struct genl_info *const info, const int attr,
				 const char *const name)
{
	struct agentcg_dir dir;
	int err;

	err = agentcg_nl_dir(info, attr, name, &dir);
	if (err)
		return ERR_PTR(err);
	path_put(&dir.path);
	return dir.cgrp;
}

/**
 * agentcg_nl_tie - tie a session or a call to the sender's socket, as he asks
 * @info: the request
 * @attr: of the wish; nothing is changed without it
 * @domain: the caller holds a reference
 *
 * Return: 0, or -ENODEV when it has ended.
 */
int agentcg_nl_tie(struct genl_info *const info, const int attr,
		   struct agentcg_domain *const domain)
{
	const struct nlattr *const wish = info->attrs[attr];

	if (!wish)
		return 0;
	if (nla_get_u8(wish))
		return agentcg_owner_tie(domain, genl_info_net(info),
					 info->snd_portid);
	guard(spinlock_irqsave)(&domain->session->lock);
	agentcg_owner_untie(domain);
	return 0;
}

/* Refuse what only a capability would allow; the rest depends on the object. */
static int refuse_at_once(const struct sk_buff *const skb,
			  struct genl_info *const info, const u8 cmd)
{
	return agentcg_perm_possible(skb, cmd) ? 0 :
	       agentcg_nl_refuse(info, NULL, -EPERM,
				 "needs CAP_SYS_ADMIN in the initial user namespace");
}

/* The object is named by a descriptor or by id; NULL when there is none. */
static struct agentcg_domain *find_named(struct genl_info *const info,
					 const int attr_id, const int attr_fd)
{
	struct nlattr *const id = info->attrs[attr_id];
	struct nlattr *const fd = info->attrs[attr_fd];
	struct agentcg_domain *domain;
	struct cgroup *cgrp;

	if (id && fd)
		return ERR_PTR(agentcg_nl_refuse(info, fd, -EINVAL,
						 "id or fd, not both"));
	if (id)
		return agentcg_domain_get(nla_get_u64(id));
	cgrp = agentcg_nl_cgroup(info, attr_fd, "fd");
	if (IS_ERR(cgrp))
		return ERR_CAST(cgrp);
	domain = agentcg_domain_get(cgroup_id(cgrp));
	cgroup_put(cgrp);
	return domain;
}

static struct agentcg_domain *own_session(void)
{
	struct agentcg_domain *domain;

	guard(rcu)();
	domain = agentcg_domain_above(task_dfl_cgroup(current));
	if (!domain || !agentcg_session_get(domain->session))
		return NULL;
	return &domain->session->d;
}

/* The parser takes the last of two; which of them was meant is a guess. */
static int refuse_duplicates(const struct genl_info *const info)
{
	const struct nlattr *attr;
	u64 seen = 0;
	int rem;

	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, rem) {
		const u64 bit = BIT_ULL(nla_type(attr) % 64);

		if (seen & bit) {
			NL_SET_ERR_MSG_ATTR(info->extack, attr,
					    "attribute given twice");
			return -EINVAL;
		}
		seen |= bit;
	}
	return 0;
}

/* 6.12 does not look at the attributes of a command that takes none. */
static int refuse_needless(const struct genl_split_ops *const ops,
			   const struct genl_info *const info)
{
	if (ops->maxattr || !nlmsg_attrlen(info->nlhdr, GENL_HDRLEN))
		return 0;
	NL_SET_ERR_MSG_ATTR(info->extack,
			    nlmsg_attrdata(info->nlhdr, GENL_HDRLEN),
			    "the command takes no attributes");
	return -EINVAL;
}

int agentcg_nl_pre_doit(const struct genl_split_ops *ops, struct sk_buff *skb,
			struct genl_info *info)
{
	return refuse_needless(ops, info) ?: refuse_duplicates(info) ?:
	       refuse_at_once(skb, info, ops->cmd);
}

int agentcg_nl_session_pre_doit(const struct genl_split_ops *ops,
				struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *const id = info->attrs[AGENTCG_A_SESSION_ID];
	struct nlattr *const fd = info->attrs[AGENTCG_A_SESSION_FD];
	struct agentcg_domain *domain;
	int err;

	err = agentcg_nl_pre_doit(ops, skb, info);
	if (err)
		return err;
	if (!id && !fd) {
		if (ops->cmd != AGENTCG_CMD_SESSION_GET)
			return agentcg_nl_refuse(info, NULL, -EINVAL,
						 "which session? id or fd is missing");
		domain = own_session();
	} else {
		domain = find_named(info, AGENTCG_A_SESSION_ID,
				    AGENTCG_A_SESSION_FD);
	}
	if (IS_ERR(domain))
		return PTR_ERR(domain);
	if (domain && (domain->type != AGENTCG_DOMAIN_SESSION ||
		       !agentcg_perm_session(skb, ops->cmd, domain->session))) {
		/* What may not be seen is not there. */
		agentcg_domain_put(domain);
		domain = NULL;
	}
	if (!domain)
		return agentcg_nl_refuse(info, id ?: fd, -ENOENT,
					 "no such session; add one with agentcg session add");
	info->user_ptr[0] = domain;
	return 0;
}

/* @domain if it is a call, live or ended, that one may; else it is put. */
static struct agentcg_domain *seen_tool(const struct sk_buff *const skb,
					const u8 cmd,
					struct agentcg_domain *const domain)
{
	if (IS_ERR_OR_NULL(domain) ||
	    (domain->type == AGENTCG_DOMAIN_TOOL &&
	     agentcg_perm_session(skb, cmd, domain->session)))
		return domain;
	agentcg_domain_put(domain);
	return NULL;
}

int agentcg_nl_tool_pre_doit(const struct genl_split_ops *ops,
			     struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *const id = info->attrs[AGENTCG_A_TOOL_ID];
	struct nlattr *const fd = info->attrs[AGENTCG_A_TOOL_FD];
	struct agentcg_domain *domain;
	int err;

	err = agentcg_nl_pre_doit(ops, skb, info);
	if (err)
		return err;
	if (!id && !fd)
		return agentcg_nl_refuse(info, NULL, -EINVAL,
					 "which tool call? id or fd is missing");
	domain = seen_tool(skb, ops->cmd,
			   find_named(info, AGENTCG_A_TOOL_ID,
				      AGENTCG_A_TOOL_FD));
	if (IS_ERR(domain))
		return PTR_ERR(domain);
	if (domain && !READ_ONCE(domain->memcg)) {
		agentcg_domain_put(domain);
		domain = NULL;
	}
	if (!domain)
		return agentcg_nl_refuse(info, id ?: fd, -ENOENT,
					 "no such tool call alive; see agentcg receipt show for ended ones");
	info->user_ptr[0] = domain;
	return 0;
}

int agentcg_nl_receipt_pre_doit(const struct genl_split_ops *ops,
				struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *const id = info->attrs[AGENTCG_A_TOOL_ID];
	struct agentcg_domain *domain;
	int err;

	err = agentcg_nl_pre_doit(ops, skb, info);
	if (err)
		return err;
	if (GENL_REQ_ATTR_CHECK(info, AGENTCG_A_TOOL_ID))
		return agentcg_nl_refuse(info, NULL, -EINVAL, "receipt-get needs id");
	domain = seen_tool(skb, ops->cmd, agentcg_domain_get(nla_get_u64(id)));
	if (!domain)
		return agentcg_nl_refuse(info, id, -ENOENT, "no receipt of that id is kept");
	info->user_ptr[0] = domain;
	return 0;
}

/* Pins the cgroup: there may be no call yet. */
int agentcg_nl_tool_set_pre_doit(const struct genl_split_ops *ops,
				 struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *const fd = info->attrs[AGENTCG_A_TOOL_FD];
	struct agentcg_dir dir;
	int err;

	err = agentcg_nl_pre_doit(ops, skb, info);
	if (err)
		return err;
	if (GENL_REQ_ATTR_CHECK(info, AGENTCG_A_TOOL_FD))
		return agentcg_nl_refuse(info, NULL, -EINVAL, "tool-set needs fd");
	err = agentcg_dir_get(&dir, nla_get_u32(fd));
	if (err)
		return refuse_fd(info, fd, "fd", err);
	err = agentcg_perm_dir(skb, ops->cmd, &dir);
	if (err) {
		agentcg_dir_put(&dir);
		return refuse_fd(info, fd, "fd", err);
	}
	path_put(&dir.path);
	info->user_ptr[1] = dir.cgrp;
	return 0;
}

void agentcg_nl_post_doit(const struct genl_split_ops *ops,
			  struct sk_buff *skb, struct genl_info *info)
{
	/* Drop refs from pre_doit. */
	if (info->user_ptr[0])
		agentcg_domain_put(info->user_ptr[0]);
	if (info->user_ptr[1])
		cgroup_put(info->user_ptr[1]);
}

/* Replies. */

struct sk_buff *agentcg_nl_new_reply(struct genl_info *const info,
				 void **const hdr)
{
	struct sk_buff *const skb = genlmsg_new(AGENTCG_NL_SIZE, GFP_KERNEL);

	if (!skb)
		return NULL;
	*hdr = genlmsg_put_reply(skb, info, &agentcg_nl_family, 0,
				 info->genlhdr->cmd);
	if (*hdr)
		return skb;
	nlmsg_free(skb);
	return NULL;
}

int agentcg_nl_send_reply(struct sk_buff *const skb, void *const hdr,
		      const int err, struct genl_info *const info)
{
	if (err) {
		nlmsg_free(skb);
		return err;
	}
	genlmsg_end(skb, hdr);
	return genlmsg_reply(skb, info);
}

/* What replies share. */

int agentcg_nl_put_intent(struct sk_buff *const skb, const int attr,
		       const struct agentcg_intent *const intent, const u32 set)
{
	struct nlattr *const nest = nla_nest_start(skb, attr);
	u32 i;

	if (!nest)
		return -EMSGSIZE;
#define WANTED(NAME) (set & BIT(AGENTCG_A_INTENT_##NAME))
	if ((WANTED(LABEL) && intent->label[0] &&
	     nla_put_string(skb, AGENTCG_A_INTENT_LABEL, intent->label)) ||
	    (WANTED(CONFLICT) && intent->conflict[0] &&
	     nla_put_string(skb, AGENTCG_A_INTENT_CONFLICT, intent->conflict)) ||
	    (WANTED(MEM) &&
	     agentcg_nl_put_u64(skb, AGENTCG_A_INTENT_MEM, intent->mem)) ||
	    (WANTED(BURST) &&
	     agentcg_nl_put_u64(skb, AGENTCG_A_INTENT_BURST, intent->burst)) ||
	    (WANTED(CLASS) &&
	     nla_put_u32(skb, AGENTCG_A_INTENT_CLASS, intent->class)) ||
	    (WANTED(WEIGHT) &&
	     nla_put_u32(skb, AGENTCG_A_INTENT_WEIGHT, intent->weight)) ||
	    (WANTED(STALL) &&
	     agentcg_nl_put_u64(skb, AGENTCG_A_INTENT_STALL, intent->stall)) ||
	    (WANTED(ON_EXHAUST) &&
	     nla_put_u32(skb, AGENTCG_A_INTENT_ON_EXHAUST, intent->on_exhaust)) ||
	    (WANTED(RESTARTABLE) &&
	     nla_put_u8(skb, AGENTCG_A_INTENT_RESTARTABLE, intent->restartable)) ||
	    (WANTED(DEADLINE) &&
	     agentcg_nl_put_u64(skb, AGENTCG_A_INTENT_DEADLINE, intent->deadline)) ||
	    (WANTED(WARN_BEFORE) &&
	     agentcg_nl_put_u64(skb, AGENTCG_A_INTENT_WARN_BEFORE,
				intent->warn_before)) ||
	    (WANTED(SURVIVORS) &&
	     nla_put_u32(skb, AGENTCG_A_INTENT_SURVIVORS, intent->survivors)))
		return -EMSGSIZE;
#undef WANTED
	for (i = 0; intent->tags && i < intent->tags->nr; i++)
		if (nla_put_string(skb, AGENTCG_A_INTENT_TAG,
				   intent->tags->tag[i]))
			return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/* Without the session's lock: it may be a page long. */
static int fill_path(struct sk_buff *const skb, const int attr,
		     struct cgroup *const cgrp)
{
	char *buf;
	int err = 0;

	if (!cgrp)
		return 0;
	buf = kmalloc(PATH_MAX, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	if (agentcg_cgroup_path(cgrp, buf, PATH_MAX))
		err = nla_put_string(skb, attr, buf);
	kfree(buf);
	return err;
}

static struct cgroup *pin_cgroup(struct agentcg_domain *const domain)
{
	guard(spinlock_irqsave)(&domain->session->lock);
	if (domain->cgrp)
		cgroup_get(domain->cgrp);
	return domain->cgrp;
}

int agentcg_nl_put_path(struct sk_buff *const skb, const int attr,
			    struct agentcg_domain *const domain)
{
	struct cgroup *const cgrp = pin_cgroup(domain);
	const int err = fill_path(skb, attr, cgrp);

	if (cgrp)
		cgroup_put(cgrp);
	return err;
}

/* Dumps, by rising id, so that they go on where they stopped. */

/* The one session to show, NULL for all; only requests about calls have it. */
static const struct nlattr *dump_session(struct netlink_callback *const cb)
{
	const struct genl_info *const info = genl_info_dump(cb);

	return info->attrs ? info->attrs[AGENTCG_A_TOOL_SESSION_ID] : NULL;
}

int agentcg_nl_dump_start(struct netlink_callback *cb)
{
	const struct genl_dumpit_info *const info = genl_dumpit_info(cb);
	const struct nlattr *const id = dump_session(cb);
	struct agentcg_domain *session;
	bool seen;
	int err;

	err = refuse_needless(&info->op, &info->info) ?:
	      refuse_duplicates(&info->info);
	if (err || !id)
		return err;
	session = agentcg_domain_get(nla_get_u64(id));
	seen = session && session->type == AGENTCG_DOMAIN_SESSION &&
	       agentcg_perm_session(cb->skb, info->op.cmd, session->session);
	if (session)
		agentcg_domain_put(session);
	if (seen)
		return 0;
	NL_SET_ERR_MSG_ATTR(cb->extack, id,
			    "session-id: no such session; see agentcg session show");
	return -ENOENT;
}

static int dump_one(struct sk_buff *const skb,
		    struct netlink_callback *const cb,
		    struct agentcg_domain *const domain,
		    const struct agentcg_nl_dump *const dump)
{
	const struct nlattr *const session = dump_session(cb);
	void *hdr;
	int err;

	if (!dump->wanted(domain) ||
	    (session && nla_get_u64(session) != domain->session->d.id) ||
	    !agentcg_perm_session(cb->skb, dump->cmd, domain->session))
		return 0;
	hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
			  &agentcg_nl_family, NLM_F_MULTI, dump->cmd);
	if (!hdr)
		return -EMSGSIZE;
	genl_dump_check_consistent(cb, hdr);
	err = dump->fill(skb, domain);
	if (err)
		genlmsg_cancel(skb, hdr);
	else
		genlmsg_end(skb, hdr);
	/* It ended while the dump went on: left out. */
	return err == -ENODEV ? 0 : err;
}

int agentcg_nl_dump(struct sk_buff *const skb,
			struct netlink_callback *const cb,
			const struct agentcg_nl_dump *const dump)
{
	unsigned long id = cb->args[0];
	struct agentcg_domain *domain;
	int err = 0;

	cb->seq = agentcg_domain_generation();
	while (!err && (domain = agentcg_domain_next(&id))) {
		err = dump_one(skb, cb, domain, dump);
		agentcg_domain_put(domain);
		if (!err)
			cb->args[0] = ++id;
	}
	/* What did not fit comes in the next message. */
	return err == -EMSGSIZE && skb->len ? skb->len : err ?: skb->len;
}

/* Events are the host's; the generator knows no flags of groups. */
static const struct genl_multicast_group groups[] = {
	[AGENTCG_NLGRP_EVENTS] = {
		.name = AGENTCG_MCGRP_EVENTS,
		.flags = GENL_MCAST_CAP_SYS_ADMIN,
	},
};

int agentcg_netlink_init(void)
{
	agentcg_nl_family.mcgrps = groups;
	agentcg_nl_family.n_mcgrps = ARRAY_SIZE(groups);
	return genl_register_family(&agentcg_nl_family);
}

/* No request is under way when this returns. */
void agentcg_netlink_exit(void)
{
	genl_unregister_family(&agentcg_nl_family);
}
