// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Views of replies, and the table of what each attribute of the specification
 * is. Whoever prints attributes feeds on this table, so that text and JSON
 * cannot drift apart.
 */
#include <netlink/attr.h>
#include <string.h>

#include "internal.h"

static const char *const class_names[] = {
	[AGENTCG_CLASS_INTERACTIVE] = "interactive",
	[AGENTCG_CLASS_LATENCY] = "latency",
	[AGENTCG_CLASS_BATCH] = "batch",
	[AGENTCG_CLASS_BESTEFFORT] = "besteffort",
	NULL
};

static const char *const on_exhaust_names[] = {
	[AGENTCG_ON_EXHAUST_OVERDRAFT] = "overdraft",
	[AGENTCG_ON_EXHAUST_KILL] = "kill",
	[AGENTCG_ON_EXHAUST_FREEZE] = "freeze",
	[AGENTCG_ON_EXHAUST_WAIT] = "wait",
	NULL
};

static const char *const survivors_names[] = {
	[AGENTCG_SURVIVORS_KEEP] = "keep",
	[AGENTCG_SURVIVORS_REAP] = "reap",
	NULL
};

static const char *const cause_names[] = {
	[AGENTCG_CAUSE_RUNNING] = "running",
	[AGENTCG_CAUSE_EXIT] = "exit",
	[AGENTCG_CAUSE_SIGNAL] = "signal",
	[AGENTCG_CAUSE_DEADLINE] = "deadline",
	[AGENTCG_CAUSE_OOM] = "oom",
	[AGENTCG_CAUSE_OOM_CALL] = "oom-call",
	[AGENTCG_CAUSE_OOM_SESSION] = "oom-session",
	[AGENTCG_CAUSE_OOM_ANCESTOR] = "oom-ancestor",
	[AGENTCG_CAUSE_OOM_NODE] = "oom-node",
	[AGENTCG_CAUSE_OOM_USER_SPACE] = "oom-user-space",
	[AGENTCG_CAUSE_STALL_KILL] = "stall-kill",
	[AGENTCG_CAUSE_POLICY_KILL] = "policy-kill",
	[AGENTCG_CAUSE_USER_KILL] = "user-kill",
	[AGENTCG_CAUSE_EMPTY] = "empty",
	[AGENTCG_CAUSE_HOLD_KILL] = "hold-kill",
	[AGENTCG_CAUSE_OWNER_GONE] = "owner-gone",
	NULL
};

static const char *const event_type_names[] = {
	[AGENTCG_EVENT_TYPE_SESSION_ADDED] = "session-added",
	[AGENTCG_EVENT_TYPE_SESSION_CHANGED] = "session-changed",
	[AGENTCG_EVENT_TYPE_SESSION_REMOVED] = "session-removed",
	[AGENTCG_EVENT_TYPE_TOOL_STARTED] = "tool-started",
	[AGENTCG_EVENT_TYPE_TOOL_CHANGED] = "tool-changed",
	[AGENTCG_EVENT_TYPE_TOOL_EXHAUSTED] = "tool-exhausted",
	[AGENTCG_EVENT_TYPE_TOOL_KILLED] = "tool-killed",
	[AGENTCG_EVENT_TYPE_TOOL_ENDED] = "tool-ended",
	[AGENTCG_EVENT_TYPE_LIMIT_OVERWRITTEN] = "limit-overwritten",
	[AGENTCG_EVENT_TYPE_FAIL_OPEN] = "fail-open",
	[AGENTCG_EVENT_TYPE_DEADLINE_WARNING] = "deadline-warning",
	[AGENTCG_EVENT_TYPE_WAITING_FOR_INPUT] = "waiting-for-input",
	[AGENTCG_EVENT_TYPE_POLICY_ATTACHED] = "policy-attached",
	[AGENTCG_EVENT_TYPE_POLICY_DETACHED] = "policy-detached",
	[AGENTCG_EVENT_TYPE_TOOL_FROZEN] = "tool-frozen",
	[AGENTCG_EVENT_TYPE_TOOL_THAWED] = "tool-thawed",
	[AGENTCG_EVENT_TYPE_POLICY_EVENT] = "policy-event",
	NULL
};

/* By bit of enum agentcg_capability. */
static const char *const capability_names[] = {
	"hook", "reclaim-watch", "lifecycle", "btf", "kfuncs", "sched-ext",
	"psi", "oom-watch", "policies", NULL
};

#define ATTR(NAME, TYPE) \
	{ .name = (NAME), .type = AGENTCG_TYPE_##TYPE }
#define ATTR_NAMED(NAME, TYPE, NAMES) \
	{ .name = (NAME), .type = AGENTCG_TYPE_##TYPE, .names = (NAMES) }
#define ATTR_NEST(NAME, OBJECT) \
	{ .name = (NAME), .type = AGENTCG_TYPE_NEST, \
	  .nested = AGENTCG_OBJECT_##OBJECT }
#define ATTR_NESTS(NAME, OBJECT) \
	{ .name = (NAME), .type = AGENTCG_TYPE_NESTS, \
	  .nested = AGENTCG_OBJECT_##OBJECT }

static const struct agentcg_attr info_attrs[AGENTCG_A_INFO_MAX + 1] = {
	[AGENTCG_A_INFO_VERSION] = ATTR("version", STRING),
	[AGENTCG_A_INFO_ABI] = ATTR("abi", COUNT),
	[AGENTCG_A_INFO_CAPABILITIES] =
		ATTR_NAMED("capabilities", FLAGS, capability_names),
	[AGENTCG_A_INFO_FAIL_OPEN] = ATTR("fail-open", BOOL),
	[AGENTCG_A_INFO_HITS] = ATTR("hits", COUNT),
	[AGENTCG_A_INFO_GRANTS] = ATTR("grants", COUNT),
	[AGENTCG_A_INFO_NATIVES] = ATTR("natives", COUNT),
	[AGENTCG_A_INFO_REVOKES] = ATTR("revokes", COUNT),
	[AGENTCG_A_INFO_PARKS] = ATTR("parks", COUNT),
	[AGENTCG_A_INFO_DEBTS] = ATTR("debts", COUNT),
	[AGENTCG_A_INFO_KILLS] = ATTR("kills", COUNT),
	[AGENTCG_A_INFO_FOREIGN] = ATTR("foreign", COUNT),
	[AGENTCG_A_INFO_OVERWRITES] = ATTR("overwrites", COUNT),
	[AGENTCG_A_INFO_PARKED] = ATTR("parked", COUNT),
	[AGENTCG_A_INFO_SESSIONS] = ATTR("sessions", COUNT),
	[AGENTCG_A_INFO_TOOLS] = ATTR("tools", COUNT),
	[AGENTCG_A_INFO_PINS] = ATTR("pins", COUNT),
	[AGENTCG_A_INFO_SHEDS] = ATTR("sheds", COUNT),
	[AGENTCG_A_INFO_RECLAIMS] = ATTR("reclaims", COUNT),
	[AGENTCG_A_INFO_FREEZES] = ATTR("freezes", COUNT),
	[AGENTCG_A_INFO_OVERDRAFTS] = ATTR("overdrafts", COUNT),
	[AGENTCG_A_INFO_EXHAUSTED] = ATTR("exhausted", COUNT),
	[AGENTCG_A_INFO_BORROWS] = ATTR("borrows", COUNT),
	[AGENTCG_A_INFO_PAYBACKS] = ATTR("paybacks", COUNT),
	[AGENTCG_A_INFO_RUN_TOTAL] = ATTR("run-total", DURATION),
	[AGENTCG_A_INFO_WAIT_TOTAL] = ATTR("wait-total", DURATION),
	[AGENTCG_A_INFO_MIGRATIONS] = ATTR("migrations", COUNT),
};

static const struct agentcg_attr node_attrs[AGENTCG_A_NODE_MAX + 1] = {
	[AGENTCG_A_NODE_CAPACITY] = ATTR("capacity", BYTES),
	[AGENTCG_A_NODE_RESERVE] = ATTR("reserve", BYTES),
	[AGENTCG_A_NODE_FREE] = ATTR("free", BYTES),
	[AGENTCG_A_NODE_FLOORS] = ATTR("floors", BYTES),
	[AGENTCG_A_NODE_BORROWED] = ATTR("borrowed", BYTES),
	[AGENTCG_A_NODE_OVERDRAFT] = ATTR("overdraft", BYTES),
	[AGENTCG_A_NODE_AVAILABLE] = ATTR("available", BYTES),
};

static const struct agentcg_attr intent_attrs[AGENTCG_A_INTENT_MAX + 1] = {
	[AGENTCG_A_INTENT_LABEL] = ATTR("label", STRING),
	[AGENTCG_A_INTENT_TAG] = ATTR("tag", STRINGS),
	[AGENTCG_A_INTENT_MEM] = ATTR("mem", BYTES),
	[AGENTCG_A_INTENT_BURST] = ATTR("burst", LIMIT),
	[AGENTCG_A_INTENT_CLASS] = ATTR_NAMED("class", ENUM, class_names),
	[AGENTCG_A_INTENT_WEIGHT] = ATTR("weight", COUNT),
	[AGENTCG_A_INTENT_STALL] = ATTR("stall", DURATION),
	[AGENTCG_A_INTENT_ON_EXHAUST] =
		ATTR_NAMED("on-exhaust", ENUM, on_exhaust_names),
	[AGENTCG_A_INTENT_RESTARTABLE] = ATTR("restartable", BOOL),
	[AGENTCG_A_INTENT_DEADLINE] = ATTR("deadline", TIMEOUT),
	[AGENTCG_A_INTENT_PIDS] = ATTR("pids", COUNT),
	[AGENTCG_A_INTENT_CONFLICT] = ATTR("conflict", STRING),
	[AGENTCG_A_INTENT_WARN_BEFORE] = ATTR("warn-before", DURATION),
	[AGENTCG_A_INTENT_SURVIVORS] =
		ATTR_NAMED("survivors", ENUM, survivors_names),
};

static const struct agentcg_attr process_attrs[AGENTCG_A_PROCESS_MAX + 1] = {
	[AGENTCG_A_PROCESS_PID] = ATTR("pid", COUNT),
	[AGENTCG_A_PROCESS_COMM] = ATTR("comm", STRING),
	[AGENTCG_A_PROCESS_UID] = ATTR("uid", COUNT),
	[AGENTCG_A_PROCESS_SIZE] = ATTR("size", BYTES),
};

static const struct agentcg_attr killer_attrs[AGENTCG_A_KILLER_MAX + 1] = {
	[AGENTCG_A_KILLER_SIGNAL] = ATTR("signal", COUNT),
	[AGENTCG_A_KILLER_TIME] = ATTR("time", INSTANT),
	[AGENTCG_A_KILLER_SENDER] = ATTR_NEST("sender", PROCESS),
	[AGENTCG_A_KILLER_VICTIM] = ATTR_NEST("victim", PROCESS),
};

static const struct agentcg_attr oom_attrs[AGENTCG_A_OOM_MAX + 1] = {
	[AGENTCG_A_OOM_LEVEL] = ATTR_NAMED("level", ENUM, cause_names),
	[AGENTCG_A_OOM_ID] = ATTR("id", ID),
	[AGENTCG_A_OOM_USAGE] = ATTR("usage", BYTES),
	[AGENTCG_A_OOM_LIMIT] = ATTR("limit", BYTES),
	[AGENTCG_A_OOM_TIME] = ATTR("time", INSTANT),
	[AGENTCG_A_OOM_CULPRIT] = ATTR_NEST("culprit", PROCESS),
};

static const struct agentcg_attr session_attrs[AGENTCG_A_SESSION_MAX + 1] = {
	[AGENTCG_A_SESSION_ID] = ATTR("id", ID),
	[AGENTCG_A_SESSION_FD] = ATTR("fd", NONE),
	[AGENTCG_A_SESSION_AGENT_FD] = ATTR("agent-fd", NONE),
	[AGENTCG_A_SESSION_AGENT_ID] = ATTR("agent-id", ID),
	[AGENTCG_A_SESSION_PATH] = ATTR("path", STRING),
	[AGENTCG_A_SESSION_BUDGET] = ATTR("budget", BYTES),
	[AGENTCG_A_SESSION_FLOOR] = ATTR("floor", BYTES),
	[AGENTCG_A_SESSION_WEIGHT] = ATTR("weight", COUNT),
	[AGENTCG_A_SESSION_MAX_CLASS] =
		ATTR_NAMED("max-class", ENUM, class_names),
	[AGENTCG_A_SESSION_MAX_HOLD] = ATTR("max-hold", DURATION),
	[AGENTCG_A_SESSION_JITTER] = ATTR("jitter", DURATION),
	[AGENTCG_A_SESSION_OWNER] = ATTR("owner", BOOL),
	[AGENTCG_A_SESSION_DEFAULTS] = ATTR_NEST("defaults", INTENT),
	[AGENTCG_A_SESSION_FREE] = ATTR("free", BYTES),
	[AGENTCG_A_SESSION_RESERVED] = ATTR("reserved", BYTES),
	[AGENTCG_A_SESSION_GRANTED] = ATTR("granted", BYTES),
	[AGENTCG_A_SESSION_RESIDUE] = ATTR("residue", BYTES),
	[AGENTCG_A_SESSION_OVERDRAFT] = ATTR("overdraft", BYTES),
	[AGENTCG_A_SESSION_BORROWED] = ATTR("borrowed", BYTES),
	[AGENTCG_A_SESSION_USAGE] = ATTR("usage", BYTES),
	[AGENTCG_A_SESSION_AGENT_USAGE] = ATTR("agent-usage", BYTES),
	[AGENTCG_A_SESSION_MEMORY_MAX] = ATTR("memory-max", LIMIT),
	[AGENTCG_A_SESSION_TOOLS] = ATTR("tools", COUNT),
	[AGENTCG_A_SESSION_WAITING] = ATTR("waiting", COUNT),
	[AGENTCG_A_SESSION_STARTED] = ATTR("started", COUNT),
	[AGENTCG_A_SESSION_RESTORED_HIGH] = ATTR("restored-high", LIMIT),
};

static const struct agentcg_attr tool_attrs[AGENTCG_A_TOOL_MAX + 1] = {
	[AGENTCG_A_TOOL_ID] = ATTR("id", ID),
	[AGENTCG_A_TOOL_FD] = ATTR("fd", NONE),
	[AGENTCG_A_TOOL_SESSION_ID] = ATTR("session-id", ID),
	[AGENTCG_A_TOOL_PATH] = ATTR("path", STRING),
	[AGENTCG_A_TOOL_INTENT] = ATTR_NEST("intent", INTENT),
	[AGENTCG_A_TOOL_LIMITS] = ATTR_NEST("limits", INTENT),
	[AGENTCG_A_TOOL_USAGE] = ATTR("usage", BYTES),
	[AGENTCG_A_TOOL_PEAK] = ATTR("peak", BYTES),
	[AGENTCG_A_TOOL_HIGH] = ATTR("high", LIMIT),
	[AGENTCG_A_TOOL_GRANTED] = ATTR("granted", BYTES),
	[AGENTCG_A_TOOL_GRANTS] = ATTR("grants", COUNT),
	[AGENTCG_A_TOOL_GRANTED_TOTAL] = ATTR("granted-total", BYTES),
	[AGENTCG_A_TOOL_OVERDRAFT_PEAK] = ATTR("overdraft-peak", BYTES),
	[AGENTCG_A_TOOL_REVOKED_TOTAL] = ATTR("revoked-total", BYTES),
	[AGENTCG_A_TOOL_STALLS] = ATTR("stalls", COUNT),
	[AGENTCG_A_TOOL_STALL_TOTAL] = ATTR("stall-total", DURATION),
	[AGENTCG_A_TOOL_STALL_LONGEST] = ATTR("stall-longest", DURATION),
	[AGENTCG_A_TOOL_NATIVE_TOTAL] = ATTR("native-total", DURATION),
	[AGENTCG_A_TOOL_EXHAUSTED] = ATTR("exhausted", COUNT),
	[AGENTCG_A_TOOL_FOREIGN] = ATTR("foreign", COUNT),
	[AGENTCG_A_TOOL_CPU_TIME] = ATTR("cpu-time", DURATION),
	[AGENTCG_A_TOOL_PARKED] = ATTR("parked", COUNT),
	[AGENTCG_A_TOOL_START] = ATTR("start", INSTANT),
	[AGENTCG_A_TOOL_END] = ATTR("end", INSTANT),
	[AGENTCG_A_TOOL_CAUSE] = ATTR_NAMED("cause", ENUM, cause_names),
	[AGENTCG_A_TOOL_EXIT_CODE] = ATTR("exit-code", COUNT),
	[AGENTCG_A_TOOL_EXIT_SIGNAL] = ATTR("exit-signal", COUNT),
	[AGENTCG_A_TOOL_OOM_KILLS] = ATTR("oom-kills", COUNT),
	[AGENTCG_A_TOOL_RESIDUE] = ATTR("residue", BYTES),
	[AGENTCG_A_TOOL_PROCESSES] = ATTR("processes", COUNT),
	[AGENTCG_A_TOOL_BEGUN] = ATTR("begun", INSTANT),
	[AGENTCG_A_TOOL_EMPTIED] = ATTR("emptied", INSTANT),
	[AGENTCG_A_TOOL_KILLER] = ATTR_NEST("killer", KILLER),
	[AGENTCG_A_TOOL_OOM] = ATTR_NEST("oom", OOM),
	[AGENTCG_A_TOOL_SURVIVED] = ATTR("survived", COUNT),
	[AGENTCG_A_TOOL_SURVIVOR] = ATTR_NESTS("survivor", PROCESS),
	[AGENTCG_A_TOOL_NAME] = ATTR("name", STRING),
	[AGENTCG_A_TOOL_HELD_TOTAL] = ATTR("held-total", DURATION),
	[AGENTCG_A_TOOL_FROZEN] = ATTR("frozen", BOOL),
	[AGENTCG_A_TOOL_OWNER] = ATTR("owner", BOOL),
	[AGENTCG_A_TOOL_DIRTY_TOTAL] = ATTR("dirty-total", DURATION),
	[AGENTCG_A_TOOL_RUN_TOTAL] = ATTR("run-total", DURATION),
	[AGENTCG_A_TOOL_WAIT_TOTAL] = ATTR("wait-total", DURATION),
	[AGENTCG_A_TOOL_WAIT_LONGEST] = ATTR("wait-longest", DURATION),
	[AGENTCG_A_TOOL_MIGRATIONS] = ATTR("migrations", COUNT),
};

static const struct agentcg_attr event_attrs[AGENTCG_A_EVENT_MAX + 1] = {
	[AGENTCG_A_EVENT_TYPE] = ATTR_NAMED("type", ENUM, event_type_names),
	[AGENTCG_A_EVENT_SEQ] = ATTR("seq", COUNT),
	[AGENTCG_A_EVENT_TIME] = ATTR("time", INSTANT),
	[AGENTCG_A_EVENT_SESSION_ID] = ATTR("session-id", ID),
	[AGENTCG_A_EVENT_TOOL_ID] = ATTR("tool-id", ID),
	[AGENTCG_A_EVENT_LABEL] = ATTR("label", STRING),
	[AGENTCG_A_EVENT_CAUSE] = ATTR_NAMED("cause", ENUM, cause_names),
	[AGENTCG_A_EVENT_USAGE] = ATTR("usage", BYTES),
	[AGENTCG_A_EVENT_LIMIT] = ATTR("limit", LIMIT),
	[AGENTCG_A_EVENT_STALL_TOTAL] = ATTR("stall-total", DURATION),
	[AGENTCG_A_EVENT_DROPPED] = ATTR("dropped", COUNT),
	[AGENTCG_A_EVENT_VALUE] = ATTR("value", COUNT),
};

static const struct agentcg_attr policy_attrs[AGENTCG_A_POLICY_MAX + 1] = {
	[AGENTCG_A_POLICY_SESSION_ID] = ATTR("session-id", ID),
	[AGENTCG_A_POLICY_NAME] = ATTR("name", STRING),
	[AGENTCG_A_POLICY_LINK] = ATTR("link", COUNT),
	[AGENTCG_A_POLICY_SINCE] = ATTR("since", INSTANT),
	[AGENTCG_A_POLICY_CALLS] = ATTR("calls", COUNT),
	[AGENTCG_A_POLICY_SLOW] = ATTR("slow", COUNT),
	[AGENTCG_A_POLICY_GIVEN_UP] = ATTR("given-up", BOOL),
};

static const struct {
	const struct agentcg_attr *attrs;
	unsigned int max;
} objects[] = {
	[AGENTCG_OBJECT_INFO] = { info_attrs, AGENTCG_A_INFO_MAX },
	[AGENTCG_OBJECT_NODE] = { node_attrs, AGENTCG_A_NODE_MAX },
	[AGENTCG_OBJECT_INTENT] = { intent_attrs, AGENTCG_A_INTENT_MAX },
	[AGENTCG_OBJECT_SESSION] = { session_attrs, AGENTCG_A_SESSION_MAX },
	[AGENTCG_OBJECT_TOOL] = { tool_attrs, AGENTCG_A_TOOL_MAX },
	[AGENTCG_OBJECT_EVENT] = { event_attrs, AGENTCG_A_EVENT_MAX },
	[AGENTCG_OBJECT_PROCESS] = { process_attrs, AGENTCG_A_PROCESS_MAX },
	[AGENTCG_OBJECT_KILLER] = { killer_attrs, AGENTCG_A_KILLER_MAX },
	[AGENTCG_OBJECT_OOM] = { oom_attrs, AGENTCG_A_OOM_MAX },
	[AGENTCG_OBJECT_POLICY] = { policy_attrs, AGENTCG_A_POLICY_MAX },
};

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

const struct agentcg_attr *agentcg_attr(unsigned int object, unsigned int attr)
{
	if (object >= ARRAY_SIZE(objects) || attr > objects[object].max ||
	    !objects[object].attrs[attr].name)
		return NULL;
	return &objects[object].attrs[attr];
}

/* The arrays end with NULL, which is not one of their values. */
#define NAME_FN(FN, ARRAY) \
const char *FN(unsigned int value) \
{ \
	return value < ARRAY_SIZE(ARRAY) ? (ARRAY)[value] : NULL; \
}

NAME_FN(agentcg_class_name, class_names)
NAME_FN(agentcg_on_exhaust_name, on_exhaust_names)
NAME_FN(agentcg_survivors_name, survivors_names)
NAME_FN(agentcg_cause_name, cause_names)
NAME_FN(agentcg_event_type_name, event_type_names)
NAME_FN(agentcg_capability_name, capability_names)

bool agentcg_record_next(const struct agentcg_record *record,
			 struct agentcg_field *field)
{
	const struct nlattr *nla = record->data;
	int rest = (int)record->len;

	if (!nla)
		return false;
	if (field->data) {
		/* The header of an attribute stands right before its data. */
		nla = (const struct nlattr *)((const char *)field->data -
					      NLA_HDRLEN);
		rest -= (int)((const char *)nla - (const char *)record->data);
		nla = nla_next(nla, &rest);
	}
	if (!nla_ok(nla, rest))
		return false;
	field->attr = (uint32_t)nla_type(nla);
	field->len = (uint32_t)nla_len(nla);
	field->data = nla_data(nla);
	return true;
}

static bool record_find(const struct agentcg_record *record, unsigned int attr,
			struct agentcg_field *field)
{
	memset(field, 0, sizeof(*field));
	while (agentcg_record_next(record, field))
		if (field->attr == attr)
			return true;
	return false;
}

uint64_t agentcg_record_uint(const struct agentcg_record *record,
			     unsigned int attr, uint64_t missing)
{
	struct agentcg_field field;
	uint64_t value = 0;

	if (!record_find(record, attr, &field))
		return missing;
	switch (field.len) {
	case sizeof(uint8_t):
		return *(const uint8_t *)field.data;
	case sizeof(uint32_t): {
		uint32_t word;

		memcpy(&word, field.data, sizeof(word));
		return word;
	}
	case sizeof(uint64_t):
		/* Netlink aligns to four bytes only. */
		memcpy(&value, field.data, sizeof(value));
		return value;
	default:
		return missing;
	}
}

const char *agentcg_record_string(const struct agentcg_record *record,
				  unsigned int attr)
{
	struct agentcg_field field;

	if (!record_find(record, attr, &field) || !field.len ||
	    ((const char *)field.data)[field.len - 1])
		return NULL;
	return field.data;
}

struct agentcg_record agentcg_field_nest(const struct agentcg_record *record,
					 const struct agentcg_field *field)
{
	const struct agentcg_attr *attr = agentcg_attr(record->object,
						       field->attr);
	struct agentcg_record inner = { .data = NULL };

	if (!attr || (attr->type != AGENTCG_TYPE_NEST &&
		      attr->type != AGENTCG_TYPE_NESTS))
		return inner;
	inner.object = attr->nested;
	inner.data = field->data;
	inner.len = field->len;
	return inner;
}

struct agentcg_record agentcg_record_nest(const struct agentcg_record *record,
					  unsigned int attr)
{
	struct agentcg_field field;

	if (!record_find(record, attr, &field))
		field = (struct agentcg_field){ .attr = attr };
	return agentcg_field_nest(record, &field);
}
