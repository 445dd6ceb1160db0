// SPDX-License-Identifier: GPL-2.0-only
/* Generic netlink by hand, see nl.h. */

#include <errno.h>
#include <linux/genetlink.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "nl.h"

#define ANSWER_SECONDS	60

static uint32_t put_attr(struct msg *const msg, const int type,
			 const void *const data, const size_t len)
{
	const uint32_t at = msg->len;
	struct nlattr *const attr = (struct nlattr *)(msg->buf + at);

	attr->nla_type = type;
	attr->nla_len = NLA_HDRLEN + len;
	if (len)
		memcpy(msg->buf + at + NLA_HDRLEN, data, len);
	memset(msg->buf + at + attr->nla_len, 0,
	       NLA_ALIGN(attr->nla_len) - attr->nla_len);
	msg->len += NLA_ALIGN(attr->nla_len);
	return at;
}

void msg_init(struct msg *const msg, const int cmd)
{
	struct genlmsghdr *const genl =
		(struct genlmsghdr *)(msg->buf + NLMSG_HDRLEN);

	memset(msg->buf, 0, NLMSG_HDRLEN + GENL_HDRLEN);
	genl->cmd = cmd;
	genl->version = AGENTCG_FAMILY_VERSION;
	msg->len = NLMSG_HDRLEN + GENL_HDRLEN;
}

uint32_t msg_put(struct msg *const msg, const int type, const void *const data,
		 const size_t len)
{
	return put_attr(msg, type, data, len);
}

uint32_t msg_u8(struct msg *const msg, const int type, const uint8_t value)
{
	return put_attr(msg, type, &value, sizeof(value));
}

uint32_t msg_u32(struct msg *const msg, const int type, const uint32_t value)
{
	return put_attr(msg, type, &value, sizeof(value));
}

uint32_t msg_u64(struct msg *const msg, const int type, const uint64_t value)
{
	return put_attr(msg, type, &value, sizeof(value));
}

uint32_t msg_string(struct msg *const msg, const int type,
		    const char *const value)
{
	return put_attr(msg, type, value, strlen(value) + 1);
}

uint32_t msg_nest(struct msg *const msg, const int type)
{
	return put_attr(msg, type | NLA_F_NESTED, NULL, 0);
}

void msg_nest_end(struct msg *const msg, const uint32_t nest)
{
	((struct nlattr *)(msg->buf + nest))->nla_len = msg->len - nest;
}

bool says(const struct nl *const nl, const char *const word)
{
	return nl->text[0] && strstr(nl->text, word);
}

bool says_number(const struct nl *const nl, const uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	return says(nl, text);
}

struct view nl_reply(const struct nl *const nl)
{
	return (struct view){ nl->reply, nl->len };
}

static bool next_attr(struct view *const view, const struct nlattr **const attr)
{
	const struct nlattr *const at = (const struct nlattr *)view->data;
	size_t step;

	if (view->len < NLA_HDRLEN || at->nla_len < NLA_HDRLEN ||
	    at->nla_len > view->len)
		return false;
	*attr = at;
	step = NLA_ALIGN(at->nla_len);
	if (step > view->len)
		step = view->len;
	view->data += step;
	view->len -= step;
	return true;
}

const struct nlattr *view_find(struct view view, const int type)
{
	const struct nlattr *attr;

	while (next_attr(&view, &attr))
		if ((attr->nla_type & NLA_TYPE_MASK) == type)
			return attr;
	return NULL;
}

bool view_has(const struct view view, const int type)
{
	return view_find(view, type);
}

static const unsigned char *value_of(const struct nlattr *const attr)
{
	return (const unsigned char *)attr + NLA_HDRLEN;
}

uint64_t view_uint(const struct view view, const int type)
{
	const struct nlattr *const attr = view_find(view, type);
	uint64_t value = 0;

	/* Little endian, as everything that this is tested on. */
	if (attr && (size_t)attr->nla_len - NLA_HDRLEN <= sizeof(value))
		memcpy(&value, value_of(attr), attr->nla_len - NLA_HDRLEN);
	return value;
}

const char *view_string(const struct view view, const int type)
{
	const struct nlattr *const attr = view_find(view, type);

	return attr ? (const char *)value_of(attr) : "";
}

struct view view_nest(const struct view view, const int type)
{
	const struct nlattr *const attr = view_find(view, type);

	return attr ? (struct view){ value_of(attr), attr->nla_len - NLA_HDRLEN } :
		      (struct view){ NULL, 0 };
}

unsigned int view_count(struct view view, const int type)
{
	const struct nlattr *attr;
	unsigned int count = 0;

	while (next_attr(&view, &attr))
		count += (attr->nla_type & NLA_TYPE_MASK) == type;
	return count;
}

static struct view attrs_of(const struct nlmsghdr *const hdr)
{
	const size_t skip = NLMSG_HDRLEN + GENL_HDRLEN;

	return (struct view){ (const unsigned char *)hdr + skip,
			      hdr->nlmsg_len > skip ? hdr->nlmsg_len - skip : 0 };
}

/* Error, text and attribute of an ACK or of the end of a list. */
static int take_ack(struct nl *const nl, const struct nlmsghdr *const hdr)
{
	const unsigned char *const at = (const unsigned char *)hdr + NLMSG_HDRLEN;
	/* NETLINK_CAP_ACK: the request is not repeated. */
	const size_t skip = hdr->nlmsg_type == NLMSG_ERROR ?
				    sizeof(struct nlmsgerr) : sizeof(int);
	struct view tlvs = { at + skip, hdr->nlmsg_len - NLMSG_HDRLEN - skip };
	int err;

	memcpy(&err, at, sizeof(err));
	if (!(hdr->nlmsg_flags & NLM_F_ACK_TLVS))
		return err;
	strncpy(nl->text, view_string(tlvs, NLMSGERR_ATTR_MSG),
		sizeof(nl->text) - 1);
	nl->bad = view_uint(tlvs, NLMSGERR_ATTR_OFFS);
	nl->missing = view_uint(tlvs, NLMSGERR_ATTR_MISS_TYPE);
	return err;
}

static int send_request(struct nl *const nl, struct msg *const msg,
			const int family, const int flags)
{
	struct nlmsghdr *const hdr = (struct nlmsghdr *)msg->buf;

	hdr->nlmsg_len = msg->len;
	hdr->nlmsg_type = family;
	hdr->nlmsg_flags = NLM_F_REQUEST | flags;
	hdr->nlmsg_seq = ++nl->seq;
	nl->text[0] = '\0';
	nl->bad = 0;
	nl->blamed = 0;
	nl->missing = 0;
	nl->len = 0;
	return send(nl->fd, msg->buf, msg->len, 0) < 0 ? -errno : 0;
}

static int take_message(struct nl *const nl, const struct nlmsghdr *const hdr,
			const nl_fn fn, void *const arg)
{
	const struct view attrs = attrs_of(hdr);

	if (fn)
		return fn(attrs, arg);
	if (!nl->len) {
		memcpy(nl->reply, attrs.data, attrs.len);
		nl->len = attrs.len;
	}
	return 0;
}

/* Reads until the request is answered. */
static int receive(struct nl *const nl, const nl_fn fn, void *const arg)
{
	static _Alignas(8) unsigned char buf[NL_BUFFER];
	bool interrupted = false;
	int result = 0;

	for (;;) {
		ssize_t left = recv(nl->fd, buf, sizeof(buf), 0);
		struct nlmsghdr *hdr = (struct nlmsghdr *)buf;

		if (left < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		for (; NLMSG_OK(hdr, left); hdr = NLMSG_NEXT(hdr, left)) {
			if (hdr->nlmsg_seq != nl->seq)
				continue;
			interrupted |= hdr->nlmsg_flags & NLM_F_DUMP_INTR;
			if (hdr->nlmsg_type == NLMSG_ERROR ||
			    hdr->nlmsg_type == NLMSG_DONE) {
				const int err = take_ack(nl, hdr);

				return err ? err : result ? result :
				       interrupted ? -EINTR : 0;
			}
			if (!result)
				result = take_message(nl, hdr, fn, arg);
		}
	}
}

static int converse(struct nl *const nl, struct msg *const msg, const int flags,
		    const nl_fn fn, void *const arg)
{
	int err;

	err = send_request(nl, msg, nl->family, flags);
	if (err)
		return err;
	err = receive(nl, fn, arg);
	if (nl->bad && nl->bad + NLA_HDRLEN <= msg->len)
		nl->blamed = ((const struct nlattr *)(msg->buf + nl->bad))->nla_type &
			     NLA_TYPE_MASK;
	return err;
}

int nl_do(struct nl *const nl, struct msg *const msg)
{
	return converse(nl, msg, NLM_F_ACK, NULL, NULL);
}

int nl_dump(struct nl *const nl, struct msg *const msg, const nl_fn fn,
	    void *const arg)
{
	return converse(nl, msg, NLM_F_DUMP, fn, arg);
}

static int find_family(struct nl *const nl)
{
	struct msg msg;
	int err;

	msg_init(&msg, CTRL_CMD_GETFAMILY);
	msg_string(&msg, CTRL_ATTR_FAMILY_NAME, AGENTCG_FAMILY_NAME);
	err = send_request(nl, &msg, GENL_ID_CTRL, NLM_F_ACK);
	if (!err)
		err = receive(nl, NULL, NULL);
	if (!err)
		nl->family = view_uint(nl_reply(nl), CTRL_ATTR_FAMILY_ID);
	return err;
}

int nl_open(struct nl *const nl)
{
	static const struct timeval timeout = { .tv_sec = ANSWER_SECONDS };
	const int on = 1;
	int err;

	memset(nl, 0, sizeof(*nl));
	nl->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (nl->fd < 0)
		return -errno;
	if (setsockopt(nl->fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on)) ||
	    setsockopt(nl->fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on)) ||
	    setsockopt(nl->fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on,
		       sizeof(on)) ||
	    setsockopt(nl->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout,
		       sizeof(timeout)))
		err = -errno;
	else
		err = find_family(nl);
	if (err)
		nl_close(nl);
	return err;
}

void nl_close(struct nl *const nl)
{
	if (nl->fd > 0)
		close(nl->fd);
	nl->fd = -1;
}

/* The last find_family() reply still has the groups. */
int nl_join(struct nl *const nl)
{
	struct view groups;
	uint32_t id;
	int err;

	err = find_family(nl);
	if (err)
		return err;
	groups = view_nest(nl_reply(nl), CTRL_ATTR_MCAST_GROUPS);
	/* The one group is the first: index 1. */
	id = view_uint(view_nest(groups, 1), CTRL_ATTR_MCAST_GRP_ID);
	return setsockopt(nl->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &id,
			  sizeof(id)) ? -errno : 0;
}

int nl_notice(struct nl *const nl, const int cmd, const int ms)
{
	static _Alignas(8) unsigned char buf[NL_BUFFER];
	struct pollfd pfd = { .fd = nl->fd, .events = POLLIN };
	struct nlmsghdr *const hdr = (struct nlmsghdr *)buf;
	const struct genlmsghdr *const genl = NLMSG_DATA(hdr);

	do {
		if (poll(&pfd, 1, ms) <= 0)
			return -ETIMEDOUT;
		if (recv(nl->fd, buf, sizeof(buf), 0) <
		    (ssize_t)NLMSG_LENGTH(GENL_HDRLEN))
			return -errno;
	} while (genl->cmd != cmd);
	nl->len = 0;
	return take_message(nl, hdr, NULL, NULL);
}

int nl_event(struct nl *const nl, const int ms)
{
	return nl_notice(nl, AGENTCG_CMD_EVENT, ms);
}
