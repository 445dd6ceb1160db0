/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints: every decision, and every transition of credit and of a call.
 *
 * Domains are told by cgroup id, as the interface and the file system do; sizes in
 * bytes.  The session's lock is held at most of them.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM agentcg

#if !defined(_AGENTCG_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _AGENTCG_TRACE_H

#include <linux/tracepoint.h>
#include <linux/types.h>

#ifndef TRACE_HEADER_MULTI_READ
/* The verdicts of memory.c, in its order. */
#define agentcg_trace_verdicts						\
	{ 0, "none" }, { 1, "native" }, { 2, "grant" }, { 3, "debt" },	\
	{ 4, "park" }, { 5, "kill" }
/* enum agentcg_outcome */
#define agentcg_trace_outcomes						\
	{ 0, "runs" }, { 1, "frozen" }, { 2, "killed" }
#endif

TRACE_EVENT(agentcg_verdict,
	TP_PROTO(u64 session, u64 tool, int verdict, bool sync, u64 held,
		 u64 free),
	TP_ARGS(session, tool, verdict, sync, held, free),
	TP_STRUCT__entry(
		__field(u64, session)
		__field(u64, tool)
		__field(u64, held)
		__field(u64, free)
		__field(int, verdict)
		__field(bool, sync)
	),
	TP_fast_assign(
		__entry->session = session;
		__entry->tool = tool;
		__entry->held = held;
		__entry->free = free;
		__entry->verdict = verdict;
		__entry->sync = sync;
	),
	TP_printk("session=%llu tool=%llu verdict=%s sync=%d held=%llu free=%llu",
		  __entry->session, __entry->tool,
		  __print_symbolic(__entry->verdict, agentcg_trace_verdicts),
		  __entry->sync, __entry->held, __entry->free)
);

TRACE_EVENT(agentcg_exhausted,
	TP_PROTO(u64 session, u64 tool, int outcome),
	TP_ARGS(session, tool, outcome),
	TP_STRUCT__entry(
		__field(u64, session)
		__field(u64, tool)
		__field(int, outcome)
	),
	TP_fast_assign(
		__entry->session = session;
		__entry->tool = tool;
		__entry->outcome = outcome;
	),
	TP_printk("session=%llu tool=%llu outcome=%s",
		  __entry->session, __entry->tool,
		  __print_symbolic(__entry->outcome, agentcg_trace_outcomes))
);

/* By whom or what: enum agentcg_cause of the interface. */
TRACE_EVENT(agentcg_kill,
	TP_PROTO(u64 session, u64 tool, int cause),
	TP_ARGS(session, tool, cause),
	TP_STRUCT__entry(
		__field(u64, session)
		__field(u64, tool)
		__field(int, cause)
	),
	TP_fast_assign(
		__entry->session = session;
		__entry->tool = tool;
		__entry->cause = cause;
	),
	TP_printk("session=%llu tool=%llu cause=%d",
		  __entry->session, __entry->tool, __entry->cause)
);

/* A size that moves, of a call. */
DECLARE_EVENT_CLASS(agentcg_tool_bytes,
	TP_PROTO(u64 session, u64 tool, u64 bytes),
	TP_ARGS(session, tool, bytes),
	TP_STRUCT__entry(
		__field(u64, session)
		__field(u64, tool)
		__field(u64, bytes)
	),
	TP_fast_assign(
		__entry->session = session;
		__entry->tool = tool;
		__entry->bytes = bytes;
	),
	TP_printk("session=%llu tool=%llu bytes=%llu",
		  __entry->session, __entry->tool, __entry->bytes)
);

#define AGENTCG_TOOL_BYTES(name)					\
DEFINE_EVENT(agentcg_tool_bytes, name,					\
	TP_PROTO(u64 session, u64 tool, u64 bytes),			\
	TP_ARGS(session, tool, bytes))

AGENTCG_TOOL_BYTES(agentcg_grant);
AGENTCG_TOOL_BYTES(agentcg_overdraw);
/* Unused credit is taken back for another call or session. */
AGENTCG_TOOL_BYTES(agentcg_revoke);
/* The same, from a call of a lower class, which has no headroom left. */
AGENTCG_TOOL_BYTES(agentcg_pin);

/* A call, and a state that begins or ends. */
DECLARE_EVENT_CLASS(agentcg_tool_state,
	TP_PROTO(u64 session, u64 tool, bool on),
	TP_ARGS(session, tool, on),
	TP_STRUCT__entry(
		__field(u64, session)
		__field(u64, tool)
		__field(bool, on)
	),
	TP_fast_assign(
		__entry->session = session;
		__entry->tool = tool;
		__entry->on = on;
	),
	TP_printk("session=%llu tool=%llu on=%d",
		  __entry->session, __entry->tool, __entry->on)
);

#define AGENTCG_TOOL_STATE(name)					\
DEFINE_EVENT(agentcg_tool_state, name,					\
	TP_PROTO(u64 session, u64 tool, bool on),			\
	TP_ARGS(session, tool, on))

/* The end in whatever task serves it. */
AGENTCG_TOOL_STATE(agentcg_park);
AGENTCG_TOOL_STATE(agentcg_freeze);

/* Credit between a session and the node. */
DECLARE_EVENT_CLASS(agentcg_session_bytes,
	TP_PROTO(u64 session, u64 bytes),
	TP_ARGS(session, bytes),
	TP_STRUCT__entry(
		__field(u64, session)
		__field(u64, bytes)
	),
	TP_fast_assign(
		__entry->session = session;
		__entry->bytes = bytes;
	),
	TP_printk("session=%llu bytes=%llu", __entry->session, __entry->bytes)
);

#define AGENTCG_SESSION_BYTES(name)					\
DEFINE_EVENT(agentcg_session_bytes, name,				\
	TP_PROTO(u64 session, u64 bytes),				\
	TP_ARGS(session, bytes))

AGENTCG_SESSION_BYTES(agentcg_borrow);
AGENTCG_SESSION_BYTES(agentcg_pay_back);

TRACE_EVENT(agentcg_reclaim,
	TP_PROTO(u64 session, u64 tool, int err),
	TP_ARGS(session, tool, err),
	TP_STRUCT__entry(
		__field(u64, session)
		__field(u64, tool)
		__field(int, err)
	),
	TP_fast_assign(
		__entry->session = session;
		__entry->tool = tool;
		__entry->err = err;
	),
	TP_printk("session=%llu tool=%llu err=%d",
		  __entry->session, __entry->tool, __entry->err)
);

#endif /* _AGENTCG_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
