// SPDX-License-Identifier: GPL-2.0-only
/*
 * The generic netlink family: from messages to calls and back.
 *
 * pre_doit finds the object, checks the right to it (perm.c) and pins it in
 * user_ptr[0]; doit acts; post_doit drops the pin.  Policies and tables are
 * generated from the spec (netlink_gen.c).
 */

#include "common.h"

#include <linux/err.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <net/genetlink.h>

#include "cgrp.h"
#include "hook.h"
#include "lifecycle.h"
#include "memory.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "node.h"
#include "park.h"
#include "perm.h"
#include "session.h"
#include "stats.h"
#include "tool.h"

/* Room for all figures of a call, its tags and a path of PATH_MAX. */
#define REPLY_SIZE	SZ_8K

static int put_u64(struct sk_buff *const skb, const int attr, const u64 value)
{
	return nla_put_u64_64bit(skb, attr, value, 0);
}

static u64 pages_or_max(const unsigned long pages)
{
	return pages >= PAGE_COUNTER_MAX ? AGENTCG_NO_LIMIT :
					   (u64)pages << PAGE_SHIFT;
}

/* Resolving and pinning. */

static int refuse(struct genl_info *const info, const int err,
		  const char *const text)
{
	NL_SET_ERR_MSG_FMT(info->extack, "%s", text);
	return err;
}

static int need_admin(struct sk_buff *const skb, struct genl_info *const info)
{
	return agentcg_perm_admin(skb) ? 0 :
	       refuse(info, -EPERM, "needs CAP_SYS_ADMIN in the initial user namespace");
}

static bool may_see(struct sk_buff *const skb,
		    const struct agentcg_session *const session)
{
	return agentcg_perm_member(session) || agentcg_perm_admin(skb);
}

/* The object is named by a descriptor or by id; NULL when there is none. */
static struct agentcg_domain *find_named(struct genl_info *const info,
					 const int attr_id, const int attr_fd)
{
	struct nlattr *const id = info->attrs[attr_id];
	struct nlattr *const fd = info->attrs[attr_fd];
	struct agentcg_domain *domain;
	struct cgroup *cgrp;

	if (id && fd) {
		NL_SET_ERR_MSG_ATTR(info->extack, fd, "id or fd, not both");
		return ERR_PTR(-EINVAL);
	}
	if (id)
		return agentcg_domain_get(nla_get_u64(id));
	cgrp = agentcg_cgroup_from_fd(nla_get_u32(fd), false, info->extack);
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
static int refuse_duplicates(struct genl_info *const info)
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

int agentcg_nl_pre_doit(const struct genl_split_ops *ops, struct sk_buff *skb,
			struct genl_info *info)
{
	const int err = refuse_duplicates(info);

	if (err)
		return err;
	switch (ops->cmd) {
	case AGENTCG_CMD_NODE_SET:
	case AGENTCG_CMD_SESSION_ADD:
		return need_admin(skb, info);
	default:
		return 0;
	}
}

int agentcg_nl_session_pre_doit(const struct genl_split_ops *ops,
				struct sk_buff *skb, struct genl_info *info)
{
	struct agentcg_domain *domain;
	int err;

	err = refuse_duplicates(info);
	if (!err && ops->cmd != AGENTCG_CMD_SESSION_GET)
		err = need_admin(skb, info);
	if (err)
		return err;
	if (!info->attrs[AGENTCG_A_SESSION_ID] &&
	    !info->attrs[AGENTCG_A_SESSION_FD]) {
		if (ops->cmd != AGENTCG_CMD_SESSION_GET)
			return refuse(info, -EINVAL, "which session? id or fd is missing");
		domain = own_session();
	} else {
		domain = find_named(info, AGENTCG_A_SESSION_ID,
				    AGENTCG_A_SESSION_FD);
	}
	if (IS_ERR(domain))
		return PTR_ERR(domain);
	if (domain && (domain->type != AGENTCG_DOMAIN_SESSION ||
		       !may_see(skb, domain->session))) {
		/* What may not be seen is not there. */
		agentcg_domain_put(domain);
		domain = NULL;
	}
	if (!domain)
		return refuse(info, -ENOENT, "no such session; add one with agentcg session add");
	info->user_ptr[0] = domain;
	return 0;
}

int agentcg_nl_tool_pre_doit(const struct genl_split_ops *ops,
			     struct sk_buff *skb, struct genl_info *info)
{
	const int err = refuse_duplicates(info);
	struct agentcg_domain *domain;

	if (err)
		return err;
	if (!info->attrs[AGENTCG_A_TOOL_ID] && !info->attrs[AGENTCG_A_TOOL_FD])
		return refuse(info, -EINVAL, "which tool call? id or fd is missing");
	domain = find_named(info, AGENTCG_A_TOOL_ID, AGENTCG_A_TOOL_FD);
	if (IS_ERR(domain))
		return PTR_ERR(domain);
	if (domain && (domain->type != AGENTCG_DOMAIN_TOOL ||
		       !READ_ONCE(domain->memcg) ||
		       !may_see(skb, domain->session))) {
		agentcg_domain_put(domain);
		domain = NULL;
	}
	if (!domain)
		return refuse(info, -ENOENT, "no such tool call alive; see agentcg receipt show for ended ones");
	info->user_ptr[0] = domain;
	return 0;
}

void agentcg_nl_post_doit(const struct genl_split_ops *ops,
			  struct sk_buff *skb, struct genl_info *info)
{
	/* Drop ref from pre_doit. */
	if (info->user_ptr[0])
		agentcg_domain_put(info->user_ptr[0]);
}

/* Replies. */

static struct sk_buff *new_reply(struct genl_info *const info,
				 void **const hdr)
{
	struct sk_buff *const skb = genlmsg_new(REPLY_SIZE, GFP_KERNEL);

	if (!skb)
		return NULL;
	*hdr = genlmsg_put_reply(skb, info, &agentcg_nl_family, 0,
				 info->genlhdr->cmd);
	if (*hdr)
		return skb;
	nlmsg_free(skb);
	return NULL;
}

static int send_reply(struct sk_buff *const skb, void *const hdr,
		      const int err, struct genl_info *const info)
{
	if (err) {
		nlmsg_free(skb);
		return err;
	}
	genlmsg_end(skb, hdr);
	return genlmsg_reply(skb, info);
}

/* Info and node. */

static u64 capabilities(void)
{
	u64 caps = AGENTCG_CAPABILITY_LIFECYCLE;

	if (agentcg_hook_active())
		caps |= AGENTCG_CAPABILITY_HOOK;
	if (agentcg_lifecycle_watches_reclaim())
		caps |= AGENTCG_CAPABILITY_RECLAIM_WATCH;
#ifdef CONFIG_DEBUG_INFO_BTF_MODULES
	if (THIS_MODULE->btf_data_size)
		caps |= AGENTCG_CAPABILITY_BTF;
#endif
	if (IS_ENABLED(CONFIG_SCHED_CLASS_EXT))
		caps |= AGENTCG_CAPABILITY_SCHED_EXT;
	if (IS_ENABLED(CONFIG_PSI))
		caps |= AGENTCG_CAPABILITY_PSI;
	return caps;
}

static int fill_info(struct sk_buff *const skb)
{
	static const struct {
		int attr;
		enum agentcg_stat stat;
	} counters[] = {
		{ AGENTCG_A_INFO_HITS, AGENTCG_STAT_HITS },
		{ AGENTCG_A_INFO_GRANTS, AGENTCG_STAT_GRANTS },
		{ AGENTCG_A_INFO_NATIVES, AGENTCG_STAT_NATIVES },
		{ AGENTCG_A_INFO_REVOKES, AGENTCG_STAT_REVOKES },
		{ AGENTCG_A_INFO_PARKS, AGENTCG_STAT_PARKS },
		{ AGENTCG_A_INFO_DEBTS, AGENTCG_STAT_DEBTS },
		{ AGENTCG_A_INFO_KILLS, AGENTCG_STAT_KILLS },
		{ AGENTCG_A_INFO_FOREIGN, AGENTCG_STAT_FOREIGN },
		{ AGENTCG_A_INFO_OVERWRITES, AGENTCG_STAT_OVERWRITES },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(counters); i++)
		if (put_u64(skb, counters[i].attr,
			    agentcg_stats_read(counters[i].stat)))
			return -EMSGSIZE;
	if (nla_put_string(skb, AGENTCG_A_INFO_VERSION, AGENTCG_VERSION) ||
	    nla_put_u32(skb, AGENTCG_A_INFO_ABI, AGENTCG_ABI) ||
	    put_u64(skb, AGENTCG_A_INFO_CAPABILITIES, capabilities()) ||
	    nla_put_u8(skb, AGENTCG_A_INFO_FAIL_OPEN,
		       agentcg_hook_failed_open()) ||
	    nla_put_u32(skb, AGENTCG_A_INFO_PARKED, agentcg_park_count()) ||
	    nla_put_u32(skb, AGENTCG_A_INFO_SESSIONS, agentcg_session_count()) ||
	    nla_put_u32(skb, AGENTCG_A_INFO_TOOLS, agentcg_session_tools()))
		return -EMSGSIZE;
	return 0;
}

int agentcg_nl_info_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *reply;
	void *hdr;

	reply = new_reply(info, &hdr);
	return reply ? send_reply(reply, hdr, fill_info(reply), info) : -ENOMEM;
}

static int fill_node(struct sk_buff *const skb)
{
	struct agentcg_account acct;
	u64 reserve;

	agentcg_node_show(&acct, &reserve);
	if (put_u64(skb, AGENTCG_A_NODE_CAPACITY, acct.limit) ||
	    put_u64(skb, AGENTCG_A_NODE_RESERVE, reserve) ||
	    put_u64(skb, AGENTCG_A_NODE_FREE, agentcg_account_free(&acct)) ||
	    put_u64(skb, AGENTCG_A_NODE_FLOORS, acct.given_reserved) ||
	    put_u64(skb, AGENTCG_A_NODE_BORROWED, acct.given_granted) ||
	    put_u64(skb, AGENTCG_A_NODE_OVERDRAFT,
		    agentcg_account_overdraft(&acct)) ||
	    put_u64(skb, AGENTCG_A_NODE_AVAILABLE,
		    (u64)max(si_mem_available(), 0L) << PAGE_SHIFT))
		return -EMSGSIZE;
	return 0;
}

int agentcg_nl_node_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *reply;
	void *hdr;

	reply = new_reply(info, &hdr);
	return reply ? send_reply(reply, hdr, fill_node(reply), info) : -ENOMEM;
}

int agentcg_nl_node_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *const capacity = info->attrs[AGENTCG_A_NODE_CAPACITY];
	struct nlattr *const reserve = info->attrs[AGENTCG_A_NODE_RESERVE];
	u64 new_capacity, new_reserve;

	if (!capacity && !reserve)
		return refuse(info, -EINVAL, "nothing to set: capacity or reserve");
	if (capacity)
		new_capacity = nla_get_u64(capacity);
	if (reserve)
		new_reserve = nla_get_u64(reserve);
	return agentcg_node_set(capacity ? &new_capacity : NULL,
				reserve ? &new_reserve : NULL, info->extack);
}

/* Sessions. */

static int fill_intent(struct sk_buff *const skb, const int attr,
		       const struct agentcg_intent *const intent, const u32 set)
{
	struct nlattr *const nest = nla_nest_start(skb, attr);
	u32 i;

	if (!nest)
		return -EMSGSIZE;
#define WANTED(NAME) (set & BIT(AGENTCG_A_INTENT_##NAME))
	if ((WANTED(LABEL) && intent->label[0] &&
	     nla_put_string(skb, AGENTCG_A_INTENT_LABEL, intent->label)) ||
	    (WANTED(MEM) &&
	     put_u64(skb, AGENTCG_A_INTENT_MEM, intent->mem)) ||
	    (WANTED(BURST) &&
	     put_u64(skb, AGENTCG_A_INTENT_BURST, intent->burst)) ||
	    (WANTED(CLASS) &&
	     nla_put_u32(skb, AGENTCG_A_INTENT_CLASS, intent->class)) ||
	    (WANTED(WEIGHT) &&
	     nla_put_u32(skb, AGENTCG_A_INTENT_WEIGHT, intent->weight)) ||
	    (WANTED(STALL) &&
	     put_u64(skb, AGENTCG_A_INTENT_STALL, intent->stall)) ||
	    (WANTED(ON_EXHAUST) &&
	     nla_put_u32(skb, AGENTCG_A_INTENT_ON_EXHAUST, intent->on_exhaust)) ||
	    (WANTED(RESTARTABLE) &&
	     nla_put_u8(skb, AGENTCG_A_INTENT_RESTARTABLE, intent->restartable)))
		return -EMSGSIZE;
#undef WANTED
	for (i = 0; intent->tags && i < intent->tags->nr; i++)
		if (nla_put_string(skb, AGENTCG_A_INTENT_TAG,
				   intent->tags->tag[i]))
			return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int fill_limits(struct sk_buff *const skb,
		       const struct agentcg_limits *const limits)
{
	const struct agentcg_intent as_intent = {
		.mem = limits->mem,
		.burst = limits->burst,
		.stall = limits->stall,
		.weight = limits->weight,
		.class = limits->class,
		.on_exhaust = limits->on_exhaust,
		.restartable = limits->restartable,
	};

	return fill_intent(skb, AGENTCG_A_TOOL_LIMITS, &as_intent, ~0);
}

/* Without the session's lock: looking up a path takes css_set_lock. */
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

static int fill_domain_path(struct sk_buff *const skb, const int attr,
			    struct agentcg_domain *const domain)
{
	struct cgroup *const cgrp = pin_cgroup(domain);
	const int err = fill_path(skb, attr, cgrp);

	if (cgrp)
		cgroup_put(cgrp);
	return err;
}

static int fill_session_account(struct sk_buff *const skb,
				const struct agentcg_account *const acct)
{
	if (put_u64(skb, AGENTCG_A_SESSION_BUDGET, acct->limit) ||
	    put_u64(skb, AGENTCG_A_SESSION_FLOOR, acct->reserved) ||
	    put_u64(skb, AGENTCG_A_SESSION_BORROWED, acct->granted) ||
	    put_u64(skb, AGENTCG_A_SESSION_FREE, agentcg_account_free(acct)) ||
	    put_u64(skb, AGENTCG_A_SESSION_RESERVED, acct->given_reserved) ||
	    put_u64(skb, AGENTCG_A_SESSION_GRANTED, acct->given_granted) ||
	    put_u64(skb, AGENTCG_A_SESSION_RESIDUE, acct->residue) ||
	    put_u64(skb, AGENTCG_A_SESSION_OVERDRAFT,
		    agentcg_account_overdraft(acct)))
		return -EMSGSIZE;
	return 0;
}

/* Session's lock held, so that the figures balance. */
static int fill_session_locked(struct sk_buff *const skb,
			       struct agentcg_session *const session)
{
	if (!session->d.memcg)
		return -ENODEV;
	agentcg_memory_refresh(session);
	if (fill_session_account(skb, &session->acct) ||
	    put_u64(skb, AGENTCG_A_SESSION_ID, session->d.id) ||
	    (session->agent &&
	     put_u64(skb, AGENTCG_A_SESSION_AGENT_ID, session->agent->id)) ||
	    nla_put_u32(skb, AGENTCG_A_SESSION_WEIGHT, session->weight) ||
	    nla_put_u32(skb, AGENTCG_A_SESSION_MAX_CLASS, session->max_class) ||
	    put_u64(skb, AGENTCG_A_SESSION_USAGE,
		    pages_or_max(agentcg_memcg_usage(session->d.memcg))) ||
	    put_u64(skb, AGENTCG_A_SESSION_AGENT_USAGE,
		    session->agent_acct.granted) ||
	    put_u64(skb, AGENTCG_A_SESSION_MEMORY_MAX,
		    pages_or_max(agentcg_memcg_max(session->d.memcg))) ||
	    nla_put_u32(skb, AGENTCG_A_SESSION_TOOLS, session->nr_tools) ||
	    nla_put_u32(skb, AGENTCG_A_SESSION_WAITING, session->nr_waiting) ||
	    put_u64(skb, AGENTCG_A_SESSION_STARTED, session->started) ||
	    fill_intent(skb, AGENTCG_A_SESSION_DEFAULTS, &session->defaults,
			~0))
		return -EMSGSIZE;
	return 0;
}

static int fill_session(struct sk_buff *const skb,
			struct agentcg_session *const session)
{
	int err;

	scoped_guard(spinlock_irqsave, &session->lock)
		err = fill_session_locked(skb, session);
	return err ?: fill_domain_path(skb, AGENTCG_A_SESSION_PATH, &session->d);
}

/* The request's fields; a pointer for each that was given. */
struct session_fields {
	struct agentcg_session_request req;
	struct agentcg_intent defaults;
	u64 budget;
	u64 floor;
	u32 weight;
	u32 max_class;
};

static int parse_session(struct session_fields *const fields,
			 struct genl_info *const info)
{
	struct nlattr *const *const attrs = info->attrs;
	struct agentcg_session_request *const req = &fields->req;
	int err;

	memset(fields, 0, sizeof(*fields));
	if (attrs[AGENTCG_A_SESSION_MAX_HOLD]) {
		NL_SET_ERR_MSG_ATTR(info->extack,
				    attrs[AGENTCG_A_SESSION_MAX_HOLD],
				    "max-hold is not enforced by this version");
		return -EOPNOTSUPP;
	}
	if (attrs[AGENTCG_A_SESSION_BUDGET]) {
		fields->budget = nla_get_u64(attrs[AGENTCG_A_SESSION_BUDGET]);
		req->budget = &fields->budget;
	}
	if (attrs[AGENTCG_A_SESSION_FLOOR]) {
		fields->floor = nla_get_u64(attrs[AGENTCG_A_SESSION_FLOOR]);
		req->floor = &fields->floor;
		if (fields->floor > AGENTCG_SIZE_MAX) {
			NL_SET_ERR_MSG_ATTR(info->extack,
					    attrs[AGENTCG_A_SESSION_FLOOR],
					    "floor: above the largest size");
			return -ERANGE;
		}
	}
	if (attrs[AGENTCG_A_SESSION_WEIGHT]) {
		fields->weight = nla_get_u32(attrs[AGENTCG_A_SESSION_WEIGHT]);
		req->weight = &fields->weight;
	}
	if (attrs[AGENTCG_A_SESSION_MAX_CLASS]) {
		fields->max_class = nla_get_u32(attrs[AGENTCG_A_SESSION_MAX_CLASS]);
		req->max_class = &fields->max_class;
	}
	if (attrs[AGENTCG_A_SESSION_DEFAULTS]) {
		err = agentcg_intent_parse(&fields->defaults,
					   attrs[AGENTCG_A_SESSION_DEFAULTS],
					   info->extack);
		if (err)
			return err;
		req->defaults = &fields->defaults;
		if (agentcg_intent_has(req->defaults, AGENTCG_A_INTENT_LABEL) ||
		    agentcg_intent_has(req->defaults, AGENTCG_A_INTENT_TAG)) {
			agentcg_intent_destroy(req->defaults);
			return refuse(info, -EINVAL, "defaults: label and tag belong to a call");
		}
	}
	return 0;
}

static int add_session(struct genl_info *const info,
		       const struct session_fields *const fields, u64 *const id)
{
	struct cgroup *cgrp, *agent;
	int err;

	cgrp = agentcg_cgroup_from_fd(nla_get_u32(info->attrs[AGENTCG_A_SESSION_FD]),
				      true, info->extack);
	if (IS_ERR(cgrp))
		return PTR_ERR(cgrp);
	agent = agentcg_cgroup_from_fd(nla_get_u32(info->attrs[AGENTCG_A_SESSION_AGENT_FD]),
				       true, info->extack);
	if (IS_ERR(agent)) {
		cgroup_put(cgrp);
		return PTR_ERR(agent);
	}
	err = agentcg_session_add(cgrp, agent, &fields->req, info->extack);
	*id = cgroup_id(cgrp);
	cgroup_put(agent);
	cgroup_put(cgrp);
	return err;
}

int agentcg_nl_session_add_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct session_fields fields;
	struct sk_buff *reply;
	void *hdr;
	u64 id;
	int err;

	if (GENL_REQ_ATTR_CHECK(info, AGENTCG_A_SESSION_FD) ||
	    GENL_REQ_ATTR_CHECK(info, AGENTCG_A_SESSION_AGENT_FD) ||
	    GENL_REQ_ATTR_CHECK(info, AGENTCG_A_SESSION_BUDGET))
		return refuse(info, -EINVAL, "session-add needs fd, agent-fd and budget");
	if (!agentcg_hook_active())
		return refuse(info, -EOPNOTSUPP, "the over-high hook is off, see agentcg doctor");
	err = parse_session(&fields, info);
	if (err)
		return err;
	/* Before anything is done, so that success is always told. */
	reply = new_reply(info, &hdr);
	err = reply ? add_session(info, &fields, &id) : -ENOMEM;
	agentcg_intent_destroy(&fields.defaults);
	if (!reply)
		return err;
	return send_reply(reply, hdr,
			  err ?: put_u64(reply, AGENTCG_A_SESSION_ID, id), info);
}

int agentcg_nl_session_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct agentcg_domain *const domain = info->user_ptr[0];
	struct session_fields fields;
	int err;

	err = parse_session(&fields, info);
	if (err)
		return err;
	err = agentcg_session_set(agentcg_domain_to_session(domain),
				  &fields.req, info->extack);
	agentcg_intent_destroy(&fields.defaults);
	return err;
}

int agentcg_nl_session_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct agentcg_domain *const domain = info->user_ptr[0];
	u64 high = AGENTCG_NO_LIMIT;
	struct sk_buff *reply;
	void *hdr;
	int err;

	reply = new_reply(info, &hdr);
	if (!reply)
		return -ENOMEM;
	agentcg_session_remove(agentcg_domain_to_session(domain), &high);
	err = put_u64(reply, AGENTCG_A_SESSION_ID, domain->id) ?:
	      put_u64(reply, AGENTCG_A_SESSION_RESTORED_HIGH, high);
	return send_reply(reply, hdr, err, info);
}

int agentcg_nl_session_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct agentcg_domain *const domain = info->user_ptr[0];
	struct sk_buff *reply;
	void *hdr;

	reply = new_reply(info, &hdr);
	return reply ? send_reply(reply, hdr,
				  fill_session(reply, agentcg_domain_to_session(domain)),
				  info) : -ENOMEM;
}

/* Tool calls and receipts. */

static int fill_figures(struct sk_buff *const skb,
			const struct agentcg_tool *const tool)
{
	const struct agentcg_tool_stats *const stats = &tool->stats;
	const struct {
		int attr;
		u64 value;
	} figures[] = {
		{ AGENTCG_A_TOOL_GRANTS, stats->grants },
		{ AGENTCG_A_TOOL_GRANTED_TOTAL, stats->granted_total },
		{ AGENTCG_A_TOOL_OVERDRAFT_PEAK, stats->overdraft_peak },
		{ AGENTCG_A_TOOL_REVOKED_TOTAL, stats->revoked_total },
		{ AGENTCG_A_TOOL_STALLS, stats->stalls },
		{ AGENTCG_A_TOOL_STALL_TOTAL,
		  agentcg_tool_stall(tool, ktime_get_ns()) },
		{ AGENTCG_A_TOOL_STALL_LONGEST, stats->stall_longest },
		{ AGENTCG_A_TOOL_NATIVE_TOTAL, stats->native_total },
		{ AGENTCG_A_TOOL_EXHAUSTED, stats->exhausted },
		{ AGENTCG_A_TOOL_FOREIGN, stats->foreign },
		{ AGENTCG_A_TOOL_CPU_TIME, stats->cpu_time },
		{ AGENTCG_A_TOOL_START, stats->start },
		{ AGENTCG_A_TOOL_PROCESSES, stats->processes },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(figures); i++)
		if (put_u64(skb, figures[i].attr, figures[i].value))
			return -EMSGSIZE;
	return 0;
}

static int fill_live(struct sk_buff *const skb,
		     const struct agentcg_tool *const tool)
{
	struct mem_cgroup *const memcg = tool->d.memcg;

	if (put_u64(skb, AGENTCG_A_TOOL_USAGE,
		    pages_or_max(agentcg_memcg_usage(memcg))) ||
	    put_u64(skb, AGENTCG_A_TOOL_PEAK,
		    pages_or_max(agentcg_memcg_peak(memcg))) ||
	    put_u64(skb, AGENTCG_A_TOOL_HIGH,
		    pages_or_max(agentcg_memcg_high(memcg))) ||
	    put_u64(skb, AGENTCG_A_TOOL_GRANTED, tool->acct.granted) ||
	    nla_put_u32(skb, AGENTCG_A_TOOL_PARKED, tool->held))
		return -EMSGSIZE;
	return 0;
}

static int fill_ended(struct sk_buff *const skb,
		      const struct agentcg_tool *const tool)
{
	const u32 status = tool->stats.wait_status;
	const u32 sig = status & 0x7f;

	if (put_u64(skb, AGENTCG_A_TOOL_PEAK, tool->stats.peak) ||
	    put_u64(skb, AGENTCG_A_TOOL_END, tool->stats.end) ||
	    put_u64(skb, AGENTCG_A_TOOL_OOM_KILLS, tool->stats.oom_kills) ||
	    put_u64(skb, AGENTCG_A_TOOL_RESIDUE, tool->stats.residue))
		return -EMSGSIZE;
	if (!tool->leader_done)
		return 0;
	return sig ? nla_put_u32(skb, AGENTCG_A_TOOL_EXIT_SIGNAL, sig) :
		     nla_put_u32(skb, AGENTCG_A_TOOL_EXIT_CODE,
				 (status >> 8) & 0xff);
}

/* Session's lock held. */
static int fill_tool_locked(struct sk_buff *const skb,
			    const struct agentcg_tool *const tool)
{
	if (put_u64(skb, AGENTCG_A_TOOL_ID, tool->d.id) ||
	    put_u64(skb, AGENTCG_A_TOOL_SESSION_ID, tool->d.session->d.id) ||
	    nla_put_u32(skb, AGENTCG_A_TOOL_CAUSE, tool->cause) ||
	    fill_intent(skb, AGENTCG_A_TOOL_INTENT, &tool->intent,
			tool->intent.set) ||
	    fill_limits(skb, &tool->limits) ||
	    fill_figures(skb, tool))
		return -EMSGSIZE;
	return tool->d.memcg ? fill_live(skb, tool) : fill_ended(skb, tool);
}

static int fill_tool(struct sk_buff *const skb, struct agentcg_tool *const tool)
{
	int err;

	scoped_guard(spinlock_irqsave, &tool->d.session->lock)
		err = fill_tool_locked(skb, tool);
	return err ?: fill_domain_path(skb, AGENTCG_A_TOOL_PATH, &tool->d);
}

static int set_tool(struct genl_info *const info,
		    struct agentcg_intent *const intent,
		    struct agentcg_tool **const tool)
{
	struct cgroup *cgrp;
	int err;

	cgrp = agentcg_cgroup_from_fd(nla_get_u32(info->attrs[AGENTCG_A_TOOL_FD]),
				      true, info->extack);
	if (IS_ERR(cgrp))
		return PTR_ERR(cgrp);
	err = agentcg_tool_set(cgrp, intent, tool, info->extack);
	cgroup_put(cgrp);
	return err;
}

static int fill_tool_set(struct sk_buff *const skb,
			 struct agentcg_tool *const tool)
{
	guard(spinlock_irqsave)(&tool->d.session->lock);
	if (put_u64(skb, AGENTCG_A_TOOL_ID, tool->d.id) ||
	    put_u64(skb, AGENTCG_A_TOOL_SESSION_ID, tool->d.session->d.id) ||
	    fill_limits(skb, &tool->limits))
		return -EMSGSIZE;
	return 0;
}

int agentcg_nl_tool_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct agentcg_intent intent = {};
	struct agentcg_tool *tool;
	struct sk_buff *reply;
	void *hdr;
	int err;

	if (GENL_REQ_ATTR_CHECK(info, AGENTCG_A_TOOL_FD))
		return refuse(info, -EINVAL, "tool-set needs fd");
	if (info->attrs[AGENTCG_A_TOOL_INTENT]) {
		err = agentcg_intent_parse(&intent,
					   info->attrs[AGENTCG_A_TOOL_INTENT],
					   info->extack);
		if (err)
			return err;
	}
	reply = new_reply(info, &hdr);
	err = reply ? set_tool(info, &intent, &tool) : -ENOMEM;
	agentcg_intent_destroy(&intent);
	if (!reply)
		return err;
	if (!err) {
		err = fill_tool_set(reply, tool);
		agentcg_tool_put(tool);
	}
	return send_reply(reply, hdr, err, info);
}

int agentcg_nl_tool_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct agentcg_domain *const domain = info->user_ptr[0];
	struct sk_buff *reply;
	void *hdr;

	reply = new_reply(info, &hdr);
	return reply ? send_reply(reply, hdr,
				  fill_tool(reply, agentcg_domain_to_tool(domain)),
				  info) : -ENOMEM;
}

int agentcg_nl_tool_kill_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct agentcg_domain *const domain = info->user_ptr[0];

	agentcg_tool_kill(agentcg_domain_to_tool(domain),
			  AGENTCG_CAUSE_USER_KILL);
	return 0;
}

int agentcg_nl_receipt_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct agentcg_domain *domain;
	struct sk_buff *reply;
	void *hdr;

	if (GENL_REQ_ATTR_CHECK(info, AGENTCG_A_TOOL_ID))
		return refuse(info, -EINVAL, "receipt-get needs id");
	domain = agentcg_domain_get(nla_get_u64(info->attrs[AGENTCG_A_TOOL_ID]));
	/* post_doit drops it, whatever becomes of it here. */
	info->user_ptr[0] = domain;
	if (!domain || domain->type != AGENTCG_DOMAIN_TOOL ||
	    !may_see(skb, domain->session))
		return refuse(info, -ENOENT, "no receipt of that id is kept");
	if (READ_ONCE(domain->memcg))
		return refuse(info, -EBUSY, "the call has not ended: its cgroup is still there");
	reply = new_reply(info, &hdr);
	return reply ? send_reply(reply, hdr,
				  fill_tool(reply, agentcg_domain_to_tool(domain)),
				  info) : -ENOMEM;
}

/* Dumps, by rising id, so that they go on where they stopped. */

typedef int (*fill_fn)(struct sk_buff *skb, struct agentcg_domain *domain);

struct dump {
	u8 cmd;
	/* 0 for all */
	u64 session_id;
	bool (*wanted)(const struct agentcg_domain *domain);
	fill_fn fill;
};

static int dump_one(struct sk_buff *const skb,
		    struct netlink_callback *const cb,
		    struct agentcg_domain *const domain,
		    const struct dump *const dump)
{
	void *hdr;
	int err;

	if (!dump->wanted(domain) ||
	    (dump->session_id && dump->session_id != domain->session->d.id) ||
	    !may_see(cb->skb, domain->session))
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

static int dump_domains(struct sk_buff *const skb,
			struct netlink_callback *const cb,
			const struct dump *const dump)
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

static u64 dump_session_id(struct netlink_callback *const cb)
{
	const struct genl_dumpit_info *const info = genl_dumpit_info(cb);
	struct nlattr *const attr = info->info.attrs ?
		info->info.attrs[AGENTCG_A_TOOL_SESSION_ID] : NULL;

	return attr ? nla_get_u64(attr) : 0;
}

static bool is_session(const struct agentcg_domain *const domain)
{
	return domain->type == AGENTCG_DOMAIN_SESSION;
}

static bool is_live_tool(const struct agentcg_domain *const domain)
{
	return domain->type == AGENTCG_DOMAIN_TOOL && READ_ONCE(domain->memcg);
}

static bool is_receipt(const struct agentcg_domain *const domain)
{
	return domain->type == AGENTCG_DOMAIN_TOOL && !READ_ONCE(domain->memcg);
}

static int dump_fill_session(struct sk_buff *const skb,
			     struct agentcg_domain *const domain)
{
	return fill_session(skb, agentcg_domain_to_session(domain));
}

static int dump_fill_tool(struct sk_buff *const skb,
			  struct agentcg_domain *const domain)
{
	return fill_tool(skb, agentcg_domain_to_tool(domain));
}

int agentcg_nl_session_get_dumpit(struct sk_buff *skb,
				  struct netlink_callback *cb)
{
	return dump_domains(skb, cb, &(struct dump) {
		.cmd = AGENTCG_CMD_SESSION_GET,
		.wanted = is_session,
		.fill = dump_fill_session,
	});
}

int agentcg_nl_tool_get_dumpit(struct sk_buff *skb,
			       struct netlink_callback *cb)
{
	return dump_domains(skb, cb, &(struct dump) {
		.cmd = AGENTCG_CMD_TOOL_GET,
		.session_id = dump_session_id(cb),
		.wanted = is_live_tool,
		.fill = dump_fill_tool,
	});
}

int agentcg_nl_receipt_get_dumpit(struct sk_buff *skb,
				  struct netlink_callback *cb)
{
	return dump_domains(skb, cb, &(struct dump) {
		.cmd = AGENTCG_CMD_RECEIPT_GET,
		.session_id = dump_session_id(cb),
		.wanted = is_receipt,
		.fill = dump_fill_tool,
	});
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
