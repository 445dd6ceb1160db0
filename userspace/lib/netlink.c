// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * The conversation with the module. libnl builds the messages; sending and
 * receiving are done here, because a tool call is to cost one sendmsg and one
 * recvmsg, and because libnl knows nothing of extended acknowledgements.
 *
 * Requests whose reply carries something ask for no acknowledgement: either
 * the reply comes or an error does.
 */
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "internal.h"

/* A dump that was overtaken by changes is started again so many times. */
#define DUMP_RETRIES	8

static unsigned int object_of(unsigned int cmd)
{
	switch (cmd) {
	case AGENTCG_CMD_INFO_GET:
		return AGENTCG_OBJECT_INFO;
	case AGENTCG_CMD_NODE_GET:
	case AGENTCG_CMD_NODE_SET:
		return AGENTCG_OBJECT_NODE;
	case AGENTCG_CMD_SESSION_ADD:
	case AGENTCG_CMD_SESSION_SET:
	case AGENTCG_CMD_SESSION_DEL:
	case AGENTCG_CMD_SESSION_GET:
		return AGENTCG_OBJECT_SESSION;
	case AGENTCG_CMD_EVENT:
		return AGENTCG_OBJECT_EVENT;
	case AGENTCG_CMD_POLICY_GET:
		return AGENTCG_OBJECT_POLICY;
	default:
		return AGENTCG_OBJECT_TOOL;
	}
}

/* ---- extended acknowledgements ---- */

/*
 * The attribute that stands at @offset of the request. The request is still in
 * handle->msg, so that the kernel need not send it back.
 */
static const struct agentcg_attr *attr_at(const struct nlmsghdr *req,
					  unsigned int object, uint32_t offset)
{
	const struct nlattr *nla = genlmsg_attrdata(genlmsg_hdr((void *)req), 0);
	int rest = genlmsg_attrlen(genlmsg_hdr((void *)req), 0);

	while (nla_ok(nla, rest)) {
		uint32_t at = (uint32_t)((const char *)nla - (const char *)req);
		const struct agentcg_attr *attr;

		attr = agentcg_attr(object, (unsigned int)nla_type(nla));
		if (offset < at || !attr)
			return NULL;
		if (offset == at)
			return attr;
		if ((attr->type == AGENTCG_TYPE_NEST ||
		     attr->type == AGENTCG_TYPE_NESTS) &&
		    offset < at + nla->nla_len) {
			object = attr->nested;
			rest = nla_len(nla);
			nla = nla_data(nla);
			continue;
		}
		nla = nla_next(nla, &rest);
	}
	return NULL;
}

static const char *request_name(unsigned int cmd)
{
	static const char *const names[] = {
		[AGENTCG_CMD_INFO_GET] = "info-get",
		[AGENTCG_CMD_NODE_GET] = "node-get",
		[AGENTCG_CMD_NODE_SET] = "node-set",
		[AGENTCG_CMD_SESSION_ADD] = "session-add",
		[AGENTCG_CMD_SESSION_SET] = "session-set",
		[AGENTCG_CMD_SESSION_DEL] = "session-del",
		[AGENTCG_CMD_SESSION_GET] = "session-get",
		[AGENTCG_CMD_TOOL_SET] = "tool-set",
		[AGENTCG_CMD_TOOL_GET] = "tool-get",
		[AGENTCG_CMD_TOOL_KILL] = "tool-kill",
		[AGENTCG_CMD_RECEIPT_GET] = "receipt-get",
		[AGENTCG_CMD_TOOL_MAKE] = "tool-make",
		[AGENTCG_CMD_TOOL_REMOVE] = "tool-remove",
		[AGENTCG_CMD_TOOL_FREEZE] = "tool-freeze",
		[AGENTCG_CMD_TOOL_THAW] = "tool-thaw",
	};

	return cmd < sizeof(names) / sizeof(names[0]) ? names[cmd] : "request";
}

/*
 * What a refusal begins with: the attribute, unless people do not know it (a
 * file descriptor) or @text names it already; then the request.
 */
static const char *subject(const struct agentcg_attr *attr, unsigned int cmd,
			   const char *text)
{
	if (!attr || attr->type == AGENTCG_TYPE_NONE ||
	    (text && strstr(text, attr->name)))
		return request_name(cmd);
	return attr->name;
}

/* What the kernel says, without the name of what people do not know. */
static const char *plain(const struct agentcg_attr *attr, const char *text)
{
	size_t len;

	if (!attr || attr->type != AGENTCG_TYPE_NONE)
		return text;
	len = strlen(attr->name);
	return strncmp(text, attr->name, len) || strncmp(text + len, ": ", 2) ?
	       text : text + len + 2;
}

/*
 * Turn an error into words; this is the one place that does. @skip is the
 * length of what stands before the attributes of the acknowledgement.
 */
static int explain(struct agentcg *handle, const struct nlmsghdr *nlh,
		   int error, size_t skip)
{
	const struct nlmsghdr *req = nlmsg_hdr(handle->msg);
	unsigned int cmd = ((struct genlmsghdr *)nlmsg_data(req))->cmd;
	struct nlattr *tb[NLMSGERR_ATTR_MAX + 1] = { NULL };
	const struct agentcg_attr *attr = NULL;
	const char *text = NULL;
	int rest = nlmsg_datalen(nlh) - (int)skip;

	if ((nlh->nlmsg_flags & NLM_F_ACK_TLVS) && rest > 0)
		nla_parse(tb, NLMSGERR_ATTR_MAX,
			  (struct nlattr *)((char *)nlmsg_data(nlh) + skip),
			  rest, NULL);
	if (tb[NLMSGERR_ATTR_MSG] && nla_len(tb[NLMSGERR_ATTR_MSG]) > 0)
		text = nla_get_string(tb[NLMSGERR_ATTR_MSG]);
	if (tb[NLMSGERR_ATTR_OFFS] && nla_len(tb[NLMSGERR_ATTR_OFFS]) >= 4)
		attr = attr_at(req, object_of(cmd),
			       nla_get_u32(tb[NLMSGERR_ATTR_OFFS]));
	if (tb[NLMSGERR_ATTR_MISS_TYPE] &&
	    nla_len(tb[NLMSGERR_ATTR_MISS_TYPE]) >= 4) {
		attr = agentcg_attr(object_of(cmd),
				nla_get_u32(tb[NLMSGERR_ATTR_MISS_TYPE]));
		text = text ?: "attribute missing";
	}
	return agentcg_error(handle, error, "%s: %s",
			     subject(attr, cmd, text),
			     text ? plain(attr, text) : strerror(-error));
}

/* Return: what the error message says, 0 for an acknowledgement. */
static int take_error(struct agentcg *handle, const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *nlerr = nlmsg_data(nlh);
	size_t skip = sizeof(*nlerr);

	if (nlmsg_datalen(nlh) < (int)sizeof(*nlerr))
		return agentcg_error(handle, -EPROTO,
				     "the kernel sent a short error message");
	if (!nlerr->error)
		return 0;
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED) &&
	    nlerr->msg.nlmsg_len >= NLMSG_HDRLEN)
		skip += NLMSG_ALIGN(nlerr->msg.nlmsg_len) - NLMSG_HDRLEN;
	return explain(handle, nlh, nlerr->error, skip);
}

/* The end of a dump carries an error in the place of its message. */
static int take_done(struct agentcg *handle, const struct nlmsghdr *nlh)
{
	int error;

	if (nlmsg_datalen(nlh) < (int)sizeof(error))
		return 0;
	memcpy(&error, nlmsg_data(nlh), sizeof(error));
	return error < 0 ? explain(handle, nlh, error, sizeof(error)) : 0;
}

/* ---- sending and receiving ---- */

static void put_header(struct agentcg *handle, uint16_t family, int cmd,
		       int flags, int version)
{
	struct nlmsghdr *nlh = nlmsg_hdr(handle->msg);

	/* Start the one message over. */
	nlh->nlmsg_len = NLMSG_HDRLEN;
	genlmsg_put(handle->msg, 0, ++handle->seq, family, 0,
		    NLM_F_REQUEST | flags, (uint8_t)cmd, (uint8_t)version);
}

static int send_request(struct agentcg *handle)
{
	const struct nlmsghdr *nlh = nlmsg_hdr(handle->msg);

	while (send(handle->fd, nlh, nlh->nlmsg_len, 0) < 0)
		if (errno != EINTR)
			return agentcg_error(handle, -errno, "netlink: %s",
					     strerror(errno));
	return 0;
}

static int receive(struct agentcg *handle)
{
	struct iovec iov = {
		.iov_base = handle->buf,
		.iov_len = sizeof(handle->buf),
	};
	struct sockaddr_nl from;
	struct msghdr msg = {
		.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &iov,
		.msg_iovlen = 1,
	};
	ssize_t len;

	do {
		len = recvmsg(handle->fd, &msg, 0);
		if (len < 0)
			return -errno;
		/* Anybody may send to a netlink port; only the kernel counts. */
	} while (from.nl_pid != 0);
	if (msg.msg_flags & MSG_TRUNC)
		return -EMSGSIZE;
	return (int)len;
}

static int receive_reply(struct agentcg *handle)
{
	int len;

	do {
		len = receive(handle);
	} while (len == -EINTR);
	if (len < 0)
		return agentcg_error(handle, len, "netlink: %s",
				     strerror(-len));
	return len;
}

/*
 * Run through what came in one datagram. Return: 1 when the answer is
 * complete, 0 when more has to come, or a negative errno.
 */
static int take_replies(struct agentcg *handle, int len,
			agentcg_record_fn fn, void *arg, bool *overtaken)
{
	const struct nlmsghdr *req = nlmsg_hdr(handle->msg);
	unsigned int cmd = ((struct genlmsghdr *)nlmsg_data(req))->cmd;
	struct nlmsghdr *nlh = (struct nlmsghdr *)handle->buf;
	int err;

	for (; nlmsg_ok(nlh, len); nlh = nlmsg_next(nlh, &len)) {
		struct agentcg_record record = { .object = object_of(cmd) };

		if (nlh->nlmsg_seq != req->nlmsg_seq)
			continue;
		if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
			*overtaken = true;
		if (nlh->nlmsg_type == NLMSG_ERROR)
			return take_error(handle, nlh) ?: 1;
		if (nlh->nlmsg_type == NLMSG_DONE)
			return take_done(handle, nlh) ?: 1;
		if (nlmsg_datalen(nlh) < (int)GENL_HDRLEN)
			return agentcg_error(handle, -EPROTO,
					     "the kernel sent a short message");
		record.data = genlmsg_attrdata(nlmsg_data(nlh), 0);
		record.len = (uint32_t)genlmsg_attrlen(nlmsg_data(nlh), 0);
		err = fn(&record, arg);
		if (err)
			return err;
		if (!(nlh->nlmsg_flags & NLM_F_MULTI))
			return 1;
	}
	return 0;
}

static int keep_record(const struct agentcg_record *record, void *arg)
{
	*(struct agentcg_record *)arg = *record;
	return 0;
}

static int converse(struct agentcg *handle, agentcg_record_fn fn, void *arg,
		    bool *overtaken)
{
	int ret = send_request(handle);

	while (!ret) {
		ret = receive_reply(handle);
		if (ret >= 0)
			ret = take_replies(handle, ret, fn, arg, overtaken);
	}
	return ret > 0 ? 0 : ret;
}

static int resolve(struct agentcg *handle);

/*
 * A module that was loaded anew has another number. Return: 0 when what was
 * begun now goes to it, -ENOENT when it is the one that was asked, or why there
 * is none.
 */
static int find_again(struct agentcg *handle)
{
	const uint16_t family = handle->family;
	struct nl_msg *msg = handle->msg;
	int err;

	handle->msg = nlmsg_alloc_size(SEND_MAX);
	err = handle->msg ? resolve(handle) :
	      agentcg_error(handle, -ENOMEM, "out of memory");
	nlmsg_free(handle->msg);
	handle->msg = msg;
	if (!err && handle->family == family)
		return -ENOENT;
	nlmsg_hdr(msg)->nlmsg_type = handle->family;
	nlmsg_hdr(msg)->nlmsg_seq = ++handle->seq;
	return err;
}

/* The kernel says no more than -ENOENT when nobody has that number. */
static int request(struct agentcg *handle, agentcg_record_fn fn, void *arg,
		   bool *overtaken)
{
	int err = converse(handle, fn, arg, overtaken);

	if (err == -ENOENT)
		err = find_again(handle) ?: converse(handle, fn, arg, overtaken);
	return err;
}

/*
 * Send what was begun. @reply gets the record that comes back; without it, the
 * request must have been begun with NLM_F_ACK.
 */
int agentcg_nl_do(struct agentcg *handle, struct agentcg_record *reply)
{
	struct agentcg_record unused;
	bool overtaken = false;

	return request(handle, keep_record, reply ?: &unused, &overtaken);
}

struct dump_entry {
	struct dump_entry *next;
	uint32_t len;
	uint32_t object;
	char data[];
};

struct dump {
	struct dump_entry *first;
	struct dump_entry **last;
};

static void dump_free(struct dump *dump)
{
	while (dump->first) {
		struct dump_entry *entry = dump->first;

		dump->first = entry->next;
		free(entry);
	}
	dump->last = &dump->first;
}

static int dump_keep(const struct agentcg_record *record, void *arg)
{
	struct dump *dump = arg;
	struct dump_entry *entry = malloc(sizeof(*entry) + record->len);

	if (!entry)
		return -ENOMEM;
	entry->next = NULL;
	entry->len = record->len;
	entry->object = record->object;
	memcpy(entry->data, record->data, record->len);
	*dump->last = entry;
	dump->last = &entry->next;
	return 0;
}

static int dump_deliver(struct dump *dump, agentcg_record_fn fn, void *arg)
{
	const struct dump_entry *entry;
	int ret = 0;

	for (entry = dump->first; entry && !ret; entry = entry->next) {
		struct agentcg_record record = {
			.data = entry->data,
			.len = entry->len,
			.object = entry->object,
		};

		ret = fn(&record, arg);
	}
	return ret;
}

/*
 * Send the dump that was begun. The records are collected before the first is
 * handed out: a dump overtaken by changes is thrown away and done again.
 */
int agentcg_nl_dump(struct agentcg *handle, agentcg_record_fn fn, void *arg)
{
	struct dump dump = { .first = NULL, .last = &dump.first };
	int tries = DUMP_RETRIES;
	bool overtaken;
	int err;

	do {
		dump_free(&dump);
		overtaken = false;
		nlmsg_hdr(handle->msg)->nlmsg_seq = ++handle->seq;
		err = request(handle, dump_keep, &dump, &overtaken);
	} while (!err && overtaken && --tries);
	if (err == -ENOMEM)
		agentcg_error(handle, err, "out of memory");
	if (!err)
		err = dump_deliver(&dump, fn, arg);
	dump_free(&dump);
	return err;
}

int agentcg_nl_full(struct agentcg *handle)
{
	return agentcg_error(handle, -EMSGSIZE,
			     "the intent is too large: use fewer tags");
}

/* ---- getting to know the family ---- */

/* Find the group of the events in the list of multicast groups. */
static uint32_t find_group(struct nlattr *groups)
{
	struct nlattr *group;
	int rest;

	nla_for_each_nested(group, groups, rest) {
		struct nlattr *tb[CTRL_ATTR_MCAST_GRP_MAX + 1];

		if (nla_parse_nested(tb, CTRL_ATTR_MCAST_GRP_MAX, group, NULL) ||
		    !tb[CTRL_ATTR_MCAST_GRP_NAME] || !tb[CTRL_ATTR_MCAST_GRP_ID])
			continue;
		if (!strcmp(nla_get_string(tb[CTRL_ATTR_MCAST_GRP_NAME]),
			    AGENTCG_MCGRP_EVENTS))
			return nla_get_u32(tb[CTRL_ATTR_MCAST_GRP_ID]);
	}
	return 0;
}

static int resolve(struct agentcg *handle)
{
	struct nlattr *tb[CTRL_ATTR_MAX + 1];
	struct agentcg_record reply = { .data = NULL };
	bool overtaken = false;
	int err;

	put_header(handle, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0, 1);
	if (nla_put_string(handle->msg, CTRL_ATTR_FAMILY_NAME,
			   AGENTCG_FAMILY_NAME))
		return -EMSGSIZE;
	err = converse(handle, keep_record, &reply, &overtaken);
	if (err == -ENOENT)
		return agentcg_error(handle, -EPROTONOSUPPORT,
				     "the agentcg module is not loaded: modprobe agentcg");
	if (err)
		return err;
	if (nla_parse(tb, CTRL_ATTR_MAX, (struct nlattr *)reply.data,
		      (int)reply.len, NULL) || !tb[CTRL_ATTR_FAMILY_ID])
		return agentcg_error(handle, -EPROTO,
				     "the kernel sent a malformed family");
	handle->family = nla_get_u16(tb[CTRL_ATTR_FAMILY_ID]);
	if (tb[CTRL_ATTR_MCAST_GROUPS])
		handle->group = find_group(tb[CTRL_ATTR_MCAST_GROUPS]);
	return 0;
}

static void set_option(int fd, int option)
{
	int on = 1;

	/* Every kernel that agentcg runs on has both; words are a nicety. */
	setsockopt(fd, SOL_NETLINK, option, &on, sizeof(on));
}

static int open_socket(struct agentcg *handle)
{
	int err;

	handle->sock = nl_socket_alloc();
	handle->msg = nlmsg_alloc_size(SEND_MAX);
	if (!handle->sock || !handle->msg)
		return agentcg_error(handle, -ENOMEM, "out of memory");
	err = nl_connect(handle->sock, NETLINK_GENERIC);
	if (err)
		return agentcg_error(handle, -EPROTONOSUPPORT,
				     "generic netlink: %s", nl_geterror(err));
	handle->fd = nl_socket_get_fd(handle->sock);
	set_option(handle->fd, NETLINK_EXT_ACK);
	/* The request is still at hand here, nobody has to send it back. */
	set_option(handle->fd, NETLINK_CAP_ACK);
	return 0;
}

static void close_socket(struct agentcg *handle)
{
	nlmsg_free(handle->msg);
	nl_socket_free(handle->sock);
	handle->msg = NULL;
	handle->sock = NULL;
	handle->fd = -1;
}

static int connect_module(struct agentcg *handle)
{
	int err = open_socket(handle) ?: resolve(handle);

	if (err)
		close_socket(handle);
	return err;
}

/* Begin a request in handle->msg; the attributes follow. */
int agentcg_nl_begin(struct agentcg *handle, int cmd, int flags)
{
	if (handle->fd < 0) {
		int err = connect_module(handle);

		if (err)
			return err;
	}
	put_header(handle, handle->family, cmd, flags, AGENTCG_FAMILY_VERSION);
	return 0;
}

/* ---- events ---- */

int agentcg_events_start(struct agentcg *handle)
{
	int err;

	if (handle->fd < 0) {
		err = connect_module(handle);
		if (err)
			return err;
	}
	if (!handle->group)
		return agentcg_error(handle, -ENOENT,
				     "the module sends no events");
	err = nl_socket_add_membership(handle->sock, (int)handle->group);
	if (err)
		return agentcg_error(handle, -EPERM,
				     "events are for the administrator of the host");
	return 0;
}

int agentcg_events_fd(const struct agentcg *handle)
{
	return handle->fd;
}

static bool next_pending(struct agentcg *handle, struct agentcg_record *event)
{
	while (handle->pending_len > 0) {
		struct nlmsghdr *nlh = (struct nlmsghdr *)handle->pending;
		struct genlmsghdr *ghdr;

		if (!nlmsg_ok(nlh, handle->pending_len))
			break;
		handle->pending = (unsigned char *)
			nlmsg_next(nlh, &handle->pending_len);
		ghdr = nlmsg_data(nlh);
		if (nlh->nlmsg_type != handle->family ||
		    nlmsg_datalen(nlh) < (int)GENL_HDRLEN)
			continue;
		if (ghdr->cmd == AGENTCG_CMD_EVENT)
			event->object = AGENTCG_OBJECT_EVENT;
		else if (ghdr->cmd == AGENTCG_CMD_RECEIPT_NTF)
			event->object = AGENTCG_OBJECT_TOOL;
		else
			continue;
		event->data = genlmsg_attrdata(ghdr, 0);
		event->len = (uint32_t)genlmsg_attrlen(ghdr, 0);
		return true;
	}
	handle->pending_len = 0;
	return false;
}

int agentcg_event_read(struct agentcg *handle, struct agentcg_record *event)
{
	while (!next_pending(handle, event)) {
		int len = receive(handle);

		if (len < 0)
			return agentcg_error(handle, len, "%s",
					     len == -ENOBUFS ?
					     "events were lost: read faster" :
					     strerror(-len));
		handle->pending = handle->buf;
		handle->pending_len = len;
	}
	return 0;
}

/* ---- intents ---- */

#define HAS(intent, NAME)	((intent)->set & (1ull << AGENTCG_A_INTENT_##NAME))

/* @intent has been made as large as this library's by the caller. */
static int put_intent_members(struct nl_msg *msg,
			      const struct agentcg_intent *in)
{
	int err = 0;
	uint32_t i;

	if (HAS(in, LABEL))
		err |= nla_put_string(msg, AGENTCG_A_INTENT_LABEL, in->label);
	if (HAS(in, TAG))
		for (i = 0; i < in->tag_count; i++)
			err |= nla_put_string(msg, AGENTCG_A_INTENT_TAG,
					      in->tags[i]);
	if (HAS(in, MEM))
		err |= nla_put_u64(msg, AGENTCG_A_INTENT_MEM, in->mem);
	if (HAS(in, BURST))
		err |= nla_put_u64(msg, AGENTCG_A_INTENT_BURST, in->burst);
	if (HAS(in, CLASS))
		err |= nla_put_u32(msg, AGENTCG_A_INTENT_CLASS, in->cls);
	if (HAS(in, WEIGHT))
		err |= nla_put_u32(msg, AGENTCG_A_INTENT_WEIGHT, in->weight);
	if (HAS(in, STALL))
		err |= nla_put_u64(msg, AGENTCG_A_INTENT_STALL, in->stall);
	if (HAS(in, ON_EXHAUST))
		err |= nla_put_u32(msg, AGENTCG_A_INTENT_ON_EXHAUST,
				   in->on_exhaust);
	if (HAS(in, RESTARTABLE))
		err |= nla_put_u8(msg, AGENTCG_A_INTENT_RESTARTABLE,
				  (uint8_t)in->restartable);
	if (HAS(in, DEADLINE))
		err |= nla_put_u64(msg, AGENTCG_A_INTENT_DEADLINE,
				   in->deadline);
	if (HAS(in, PIDS))
		err |= nla_put_u32(msg, AGENTCG_A_INTENT_PIDS, in->pids);
	if (HAS(in, CONFLICT))
		err |= nla_put_string(msg, AGENTCG_A_INTENT_CONFLICT,
				      in->conflict);
	if (HAS(in, WARN_BEFORE))
		err |= nla_put_u64(msg, AGENTCG_A_INTENT_WARN_BEFORE,
				   in->warn_before);
	if (HAS(in, SURVIVORS))
		err |= nla_put_u32(msg, AGENTCG_A_INTENT_SURVIVORS,
				   in->survivors);
	return err ? -EMSGSIZE : 0;
}

int agentcg_nl_put_intent(struct nl_msg *msg, int attr,
			  const struct agentcg_intent *intent)
{
	struct agentcg_intent in = AGENTCG_INTENT_INIT;
	struct nlattr *nest;

	/* A program built against another version has another size. */
	memcpy(&in, intent,
	       intent->size < sizeof(in) ? intent->size : sizeof(in));
	nest = nla_nest_start(msg, attr);
	if (!nest || put_intent_members(msg, &in))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}
