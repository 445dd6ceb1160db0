// SPDX-License-Identifier: GPL-2.0-only
/* Requests about sessions: session-add, -set, -del, -get. */

#include "common.h"

#include <linux/err.h>
#include <net/genetlink.h>

#include "cgrp.h"
#include "credit.h"
#include "hook.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "session.h"

static int fill_session_account(struct sk_buff *const skb,
				const struct agentcg_account *const acct)
{
	if (agentcg_nl_put_u64(skb, AGENTCG_A_SESSION_BUDGET, acct->limit) ||
	    agentcg_nl_put_u64(skb, AGENTCG_A_SESSION_FLOOR, acct->reserved) ||
	    agentcg_nl_put_u64(skb, AGENTCG_A_SESSION_BORROWED, acct->granted) ||
	    agentcg_nl_put_u64(skb, AGENTCG_A_SESSION_FREE, agentcg_account_free(acct)) ||
	    agentcg_nl_put_u64(skb, AGENTCG_A_SESSION_RESERVED, acct->given_reserved) ||
	    agentcg_nl_put_u64(skb, AGENTCG_A_SESSION_GRANTED, acct->given_granted) ||
	    agentcg_nl_put_u64(skb, AGENTCG_A_SESSION_RESIDUE, acct->residue) ||
	    agentcg_nl_put_u64(skb, AGENTCG_A_SESSION_OVERDRAFT,
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
	agentcg_credit_refresh(session);
	if (fill_session_account(skb, &session->acct) ||
	    agentcg_nl_put_u64(skb, AGENTCG_A_SESSION_ID, session->d.id) ||
	    (session->agent &&
	     agentcg_nl_put_u64(skb, AGENTCG_A_SESSION_AGENT_ID, session->agent->id)) ||
	    nla_put_u32(skb, AGENTCG_A_SESSION_WEIGHT, session->weight) ||
	    nla_put_u32(skb, AGENTCG_A_SESSION_MAX_CLASS, session->max_class) ||
	    agentcg_nl_put_u64(skb, AGENTCG_A_SESSION_MAX_HOLD, session->max_hold) ||
	    agentcg_nl_put_u64(skb, AGENTCG_A_SESSION_JITTER, session->jitter) ||
	    nla_put_u8(skb, AGENTCG_A_SESSION_OWNER,
		       agentcg_owner_is_tied(&session->d)) ||
	    agentcg_nl_put_u64(skb, AGENTCG_A_SESSION_USAGE,
		    agentcg_nl_bytes(agentcg_memcg_usage(session->d.memcg))) ||
	    agentcg_nl_put_u64(skb, AGENTCG_A_SESSION_AGENT_USAGE,
		    session->agent_acct.granted) ||
	    agentcg_nl_put_u64(skb, AGENTCG_A_SESSION_MEMORY_MAX,
		    agentcg_nl_bytes(agentcg_memcg_max(session->d.memcg))) ||
	    nla_put_u32(skb, AGENTCG_A_SESSION_TOOLS, session->nr_tools) ||
	    nla_put_u32(skb, AGENTCG_A_SESSION_WAITING, session->nr_waiting) ||
	    agentcg_nl_put_u64(skb, AGENTCG_A_SESSION_STARTED, session->started) ||
	    agentcg_nl_put_intent(skb, AGENTCG_A_SESSION_DEFAULTS, &session->defaults,
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
	return err ?: agentcg_nl_put_path(skb, AGENTCG_A_SESSION_PATH, &session->d);
}

/* The request's fields; a pointer for each that was given. */
struct session_fields {
	struct agentcg_session_request req;
	struct agentcg_intent defaults;
	u64 budget;
	u64 floor;
	u32 weight;
	u32 max_class;
	u64 max_hold;
	u64 jitter;
};

static int parse_times(struct session_fields *const fields,
		       struct genl_info *const info)
{
	struct nlattr *const max_hold = info->attrs[AGENTCG_A_SESSION_MAX_HOLD];
	struct nlattr *const jitter = info->attrs[AGENTCG_A_SESSION_JITTER];

	if (max_hold) {
		fields->max_hold = nla_get_u64(max_hold);
		fields->req.max_hold = &fields->max_hold;
		if (fields->max_hold > AGENTCG_DURATION_MAX)
			return agentcg_nl_refuse(info, max_hold, -ERANGE,
						 "max-hold: above the longest time");
	}
	if (jitter) {
		fields->jitter = nla_get_u64(jitter);
		fields->req.jitter = &fields->jitter;
		if (fields->jitter > AGENTCG_JITTER_MAX)
			return agentcg_nl_refuse(info, jitter, -ERANGE,
						 "jitter: above the longest, 5 ms");
	}
	return 0;
}

static int parse_session(struct session_fields *const fields,
			 struct genl_info *const info)
{
	struct nlattr *const *const attrs = info->attrs;
	struct agentcg_session_request *const req = &fields->req;
	const struct nlattr *of_call;
	int err;

	memset(fields, 0, sizeof(*fields));
	req->attrs = attrs;
	err = parse_times(fields, info);
	if (err)
		return err;
	if (attrs[AGENTCG_A_SESSION_BUDGET]) {
		fields->budget = nla_get_u64(attrs[AGENTCG_A_SESSION_BUDGET]);
		req->budget = &fields->budget;
	}
	if (attrs[AGENTCG_A_SESSION_FLOOR]) {
		fields->floor = nla_get_u64(attrs[AGENTCG_A_SESSION_FLOOR]);
		req->floor = &fields->floor;
		if (fields->floor > AGENTCG_SIZE_MAX)
			return agentcg_nl_refuse(info,
						 attrs[AGENTCG_A_SESSION_FLOOR],
						 -ERANGE,
						 "floor: above the largest size");
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
		of_call = agentcg_intent_attr(req->defaults,
					      AGENTCG_A_INTENT_LABEL) ?:
			  agentcg_intent_attr(req->defaults,
					      AGENTCG_A_INTENT_TAG) ?:
			  agentcg_intent_attr(req->defaults,
					      AGENTCG_A_INTENT_CONFLICT);
		if (of_call) {
			agentcg_intent_destroy(req->defaults);
			return agentcg_nl_refuse(info, of_call, -EINVAL,
						 "defaults: label, tag and conflict belong to a call");
		}
	}
	return 0;
}

static int add_session(struct genl_info *const info,
		       const struct session_fields *const fields, u64 *const id)
{
	struct agentcg_dir dir;
	struct cgroup *agent;
	int err;

	err = agentcg_nl_dir(info, AGENTCG_A_SESSION_FD, "fd", &dir);
	if (err)
		return err;
	agent = agentcg_nl_cgroup(info, AGENTCG_A_SESSION_AGENT_FD, "agent-fd");
	if (IS_ERR(agent)) {
		err = PTR_ERR(agent);
		goto out;
	}
	err = agentcg_session_add(&dir, agent, &fields->req, info->extack);
	*id = cgroup_id(dir.cgrp);
	cgroup_put(agent);
out:
	agentcg_dir_put(&dir);
	return err;
}

/* One that has ended meanwhile has no need of it. */
static void tie_new(struct genl_info *const info, const u64 id)
{
	struct agentcg_domain *const domain = agentcg_domain_get(id);

	if (!domain)
		return;
	agentcg_nl_tie(info, AGENTCG_A_SESSION_OWNER, domain);
	agentcg_domain_put(domain);
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
		return agentcg_nl_refuse(info, NULL, -EINVAL,
					 "session-add needs fd, agent-fd and budget");
	if (!agentcg_hook_active())
		return agentcg_nl_refuse(info, NULL, -EOPNOTSUPP,
					 "the over-high hook is off, see agentcg doctor");
	err = parse_session(&fields, info);
	if (err)
		return err;
	/* Before anything is done, so that success is always told. */
	reply = agentcg_nl_new_reply(info, &hdr);
	err = reply ? add_session(info, &fields, &id) : -ENOMEM;
	if (!err && info->attrs[AGENTCG_A_SESSION_OWNER])
		tie_new(info, id);
	agentcg_intent_destroy(&fields.defaults);
	if (!reply)
		return err;
	return agentcg_nl_send_reply(reply, hdr,
			  err ?: agentcg_nl_put_u64(reply, AGENTCG_A_SESSION_ID, id), info);
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
				  &fields.req, info->extack) ?:
	      agentcg_nl_tie(info, AGENTCG_A_SESSION_OWNER, domain);
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

	reply = agentcg_nl_new_reply(info, &hdr);
	if (!reply)
		return -ENOMEM;
	agentcg_session_remove(agentcg_domain_to_session(domain), &high);
	err = agentcg_nl_put_u64(reply, AGENTCG_A_SESSION_ID, domain->id) ?:
	      agentcg_nl_put_u64(reply, AGENTCG_A_SESSION_RESTORED_HIGH, high);
	return agentcg_nl_send_reply(reply, hdr, err, info);
}

int agentcg_nl_session_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct agentcg_domain *const domain = info->user_ptr[0];
	struct sk_buff *reply;
	void *hdr;

	reply = agentcg_nl_new_reply(info, &hdr);
	return reply ? agentcg_nl_send_reply(reply, hdr,
				  fill_session(reply, agentcg_domain_to_session(domain)),
				  info) : -ENOMEM;
}

static bool is_session(const struct agentcg_domain *const domain)
{
	return domain->type == AGENTCG_DOMAIN_SESSION;
}

static int dump_fill_session(struct sk_buff *const skb,
			     struct agentcg_domain *const domain)
{
	return fill_session(skb, agentcg_domain_to_session(domain));
}

int agentcg_nl_session_get_dumpit(struct sk_buff *skb,
				  struct netlink_callback *cb)
{
	return agentcg_nl_dump(skb, cb, &(struct agentcg_nl_dump) {
		.cmd = AGENTCG_CMD_SESSION_GET,
		.wanted = is_session,
		.fill = dump_fill_session,
	});
}
