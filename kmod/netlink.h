/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The generic netlink family, see Documentation/netlink/specs/agentcg.yaml, and
 * what the files of its requests share.
 */
#ifndef _AGENTCG_NETLINK_H
#define _AGENTCG_NETLINK_H

#include <linux/page_counter.h>
#include <net/netlink.h>

struct agentcg_dir;
struct agentcg_domain;
struct agentcg_intent;
struct agentcg_tool;
struct cgroup;
struct genl_info;

/* Room for all figures of a call, its tags and a path of PATH_MAX. */
#define AGENTCG_NL_SIZE	SZ_8K

int agentcg_netlink_init(void);
void agentcg_netlink_exit(void);

static inline int agentcg_nl_put_u64(struct sk_buff *const skb, const int attr,
				     const u64 value)
{
	return nla_put_u64_64bit(skb, attr, value, 0);
}

/* Pages in bytes; all ones for no limit. */
static inline u64 agentcg_nl_bytes(const unsigned long pages)
{
	return pages >= PAGE_COUNTER_MAX ? AGENTCG_NO_LIMIT :
					   (u64)pages << PAGE_SHIFT;
}

int agentcg_nl_refuse(struct genl_info *info, const struct nlattr *attr,
		      int err, const char *text);
int agentcg_nl_dir(struct genl_info *info, int attr, const char *name,
		   struct agentcg_dir *dir);
int agentcg_nl_tie(struct genl_info *info, int attr,
		   struct agentcg_domain *domain);
struct cgroup *agentcg_nl_cgroup(struct genl_info *info, int attr,
				 const char *name);

/* A reply is made before anything is done, so that success is always told. */
struct sk_buff *agentcg_nl_new_reply(struct genl_info *info, void **hdr);
int agentcg_nl_send_reply(struct sk_buff *skb, void *hdr, int err,
			  struct genl_info *info);

int agentcg_nl_put_intent(struct sk_buff *skb, int attr,
			  const struct agentcg_intent *intent, u32 set);
/* Destroy @intent afterwards, unless it was refused. */
int agentcg_nl_parse_intent(struct genl_info *info,
			    struct agentcg_intent *intent);
int agentcg_nl_fill_tool_set(struct sk_buff *skb, struct agentcg_tool *tool);
/* May not hold the session's lock. */
int agentcg_nl_put_cause(struct sk_buff *skb, const struct agentcg_tool *tool);
int agentcg_nl_fill_tool(struct sk_buff *skb, struct agentcg_tool *tool);
int agentcg_nl_put_path(struct sk_buff *skb, int attr,
			struct agentcg_domain *domain);

/**
 * struct agentcg_nl_dump - what a dump shows
 * @cmd: of the messages
 * @wanted: whether a domain belongs in it
 * @fill: fills a message; -ENODEV leaves the domain out
 */
struct agentcg_nl_dump {
	u8 cmd;
	bool (*wanted)(const struct agentcg_domain *domain);
	int (*fill)(struct sk_buff *skb, struct agentcg_domain *domain);
};

int agentcg_nl_dump(struct sk_buff *skb, struct netlink_callback *cb,
		    const struct agentcg_nl_dump *dump);

#endif /* _AGENTCG_NETLINK_H */
