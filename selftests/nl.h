/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Generic netlink by hand: no library between a test and the bytes it sends,
 * since most of what is tested here no library would let through.
 */
#ifndef SELFTESTS_NL_H
#define SELFTESTS_NL_H

#include <linux/agentcg.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NL_BUFFER	65536

/**
 * struct nl - a socket to the module
 * @fd: the socket
 * @family: id of the family
 * @seq: of the last request
 * @text: what the kernel said about it, empty when it said nothing
 * @bad: offset in the request of the attribute that the kernel points to, or 0
 * @blamed: type of that attribute, or 0
 * @missing: type of the attribute that the kernel wants to have, or 0
 * @len: of @reply
 * @reply: attributes of the first message that came back
 */
struct nl {
	int fd;
	uint16_t family;
	uint32_t seq;
	char text[256];
	uint32_t bad;
	uint16_t blamed;
	uint32_t missing;
	size_t len;
	_Alignas(8) unsigned char reply[NL_BUFFER];
};

/* Some attributes: of a reply or of a nest. */
struct view {
	const unsigned char *data;
	size_t len;
};

/* A request under construction. */
struct msg {
	size_t len;
	_Alignas(8) unsigned char buf[8192];
};

int nl_open(struct nl *nl);
void nl_close(struct nl *nl);
/* Joins the group of events. */
int nl_join(struct nl *nl);

void msg_init(struct msg *msg, int cmd);
/* Each returns the offset of the attribute in the message. */
uint32_t msg_put(struct msg *msg, int type, const void *data, size_t len);
uint32_t msg_u8(struct msg *msg, int type, uint8_t value);
uint32_t msg_u32(struct msg *msg, int type, uint32_t value);
uint32_t msg_u64(struct msg *msg, int type, uint64_t value);
uint32_t msg_string(struct msg *msg, int type, const char *value);
uint32_t msg_nest(struct msg *msg, int type);
void msg_nest_end(struct msg *msg, uint32_t nest);

/* 0 or a negative errno; -ETIMEDOUT when the kernel does not answer. */
int nl_do(struct nl *nl, struct msg *msg);

typedef int (*nl_fn)(struct view attrs, void *arg);
/* As nl_do(), for each message of a list; -EINTR when it was inconsistent. */
int nl_dump(struct nl *nl, struct msg *msg, nl_fn fn, void *arg);
/* The next message of that command within @ms; its attributes are the reply. */
int nl_notice(struct nl *nl, int cmd, int ms);
int nl_event(struct nl *nl, int ms);

/* Whether the kernel said something, with the word or the number in it. */
bool says(const struct nl *nl, const char *word);
bool says_number(const struct nl *nl, uint64_t number);

struct view nl_reply(const struct nl *nl);
const struct nlattr *view_find(struct view view, int type);
bool view_has(struct view view, int type);
/* A number of any width; 0 when it is not there. */
uint64_t view_uint(struct view view, int type);
const char *view_string(struct view view, int type);
struct view view_nest(struct view view, int type);
/* How many attributes of this type there are. */
unsigned int view_count(struct view view, int type);

#endif /* SELFTESTS_NL_H */
