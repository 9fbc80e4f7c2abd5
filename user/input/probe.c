// SPDX-License-Identifier: GPL-2.0
/* The table of the BPF programs, and the reasons why a kernel refuses one. */
#include "input/probe.h"
#include "bpf/event.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENOTSUPP 524 /* the kernel's own; libc has no word for it */

#define STATE (1u << EVENT_state)
#define SOCKET (1u << EVENT_socket)
#define WINDOW (1u << EVENT_window)
#define RETRANSMIT (1u << EVENT_retransmit)
#define RESET (1u << EVENT_reset)
#define DROP (1u << EVENT_drop)
#define QUEUE (1u << EVENT_queue)
#define SEGMENT (1u << EVENT_segment)
#define CALL (1u << EVENT_call)
#define OWNER "pid,tid,comm"

const struct probe_program probe_programs[] = {
	/* the second copy must come after the first */
	{ .name = "state_first",
	  .makes = STATE | QUEUE,
	  .mandatory = true,
	  .weight = PROBE_HEAVY },
	{ .name = "state_second",
	  .makes = STATE | QUEUE,
	  .mandatory = true,
	  .weight = PROBE_HEAVY },
	{ .name = "reset_receive",
	  .makes = RESET,
	  .weight = PROBE_HEAVY,
	  .without = "a reset is not told from other ends of a connection; "
		     "resets that this machine receives are not seen",
	  .fields = "cause" },
	{ .name = "hold_collect",
	  .weight = PROBE_HEAVY,
	  .without = "a connect() is shown when it is answered" },
	{ .name = "state_setup", .events = ~0u, .mandatory = true },

	{ .name = "owner_sends",
	  .tier = 2,
	  .weight = PROBE_HEAVY,
	  .without = "a child that only sends is its listener's until it is "
		     "closed; a window restarted after idleness is seen at the "
		     "next ACK",
	  .fields = OWNER },
	{ .name = "owner_receives",
	  .tier = 2,
	  .weight = PROBE_HEAVY,
	  .fields = OWNER },
	{ .name = "owner_reads",
	  .weight = PROBE_HEAVY,
	  .stands_in_for = "owner_receives",
	  .without = "a child is its listener's until it is closed",
	  .fields = OWNER },

	{ .name = "window_ack",
	  .events = WINDOW,
	  .makes = WINDOW,
	  .mandatory = true },
	{ .name = "window_ca_state",
	  .events = WINDOW,
	  .makes = WINDOW,
	  .without = "congestion states are seen at the next ACK" },
	{ .name = "window_retransmit",
	  .events = WINDOW,
	  .makes = WINDOW,
	  .without = "changes at a retransmission are seen at the next ACK" },

	{ .name = "retransmit_segment",
	  .events = RETRANSMIT,
	  .makes = RETRANSMIT,
	  .mandatory = true },
	{ .name = "retransmit_synack",
	  .events = RETRANSMIT,
	  .makes = RETRANSMIT,
	  .without = "retransmissions of SYN-ACKs are not seen" },

	{ .name = "reset_send",
	  .events = RESET,
	  .makes = RESET,
	  .without = "resets that this machine sends are not seen" },
	{ .name = "queue_changes", .events = QUEUE, .weight = PROBE_LIGHT },
	{ .name = "queue_child", .events = QUEUE, .weight = PROBE_LIGHT },
	{ .name = "queue_child_again", .events = QUEUE, .weight = PROBE_LIGHT },
	{ .name = "queue_goes", .events = QUEUE, .weight = PROBE_LIGHT },
	{ .name = "queue_ready",
	  .tier = 2,
	  .events = QUEUE,
	  .makes = QUEUE,
	  .weight = PROBE_HEAVY,
	  .without = "the depths are those that a child has copied, and that "
		     "of the SYN queue may be absent",
	  .fields = "syn,young,accept" },
	{ .name = "queue_accepts",
	  .events = QUEUE,
	  .makes = QUEUE,
	  .named = true,
	  .stands_in_for = "call_exit",
	  .without = "a connection is taken for accepted when it is first used",
	  .fields = "how,wait_ns" },
	{ .name = "queue_uring",
	  .events = QUEUE,
	  .makes = QUEUE,
	  .named = true,
	  .without = "what io_uring accepts is taken for accepted when it is "
		     "first used, or closed" },
	{ .name = "queue_synack",
	  .events = QUEUE,
	  .makes = QUEUE,
	  .without = "retransmissions of SYN-ACKs are not seen" },
	/* what may become of a SYN comes before who asks what has */
	{ .name = "queue_hashed",
	  .events = QUEUE,
	  .makes = QUEUE,
	  .named = true,
	  .tier = 4,
	  .without = "SYNs that are queued, dropped or answered by a cookie "
		     "are not seen; --tiers 1,2,3 may show them" },
	{ .name = "queue_cookie4", .events = QUEUE, .named = true, .tier = 4 },
	{ .name = "queue_cookie6", .events = QUEUE, .named = true, .tier = 4 },
	{ .name = "queue_adds",
	  .events = QUEUE,
	  .makes = QUEUE,
	  .named = true,
	  .tier = 4 },
	{ .name = "queue_decided",
	  .events = QUEUE,
	  .makes = QUEUE,
	  .named = true,
	  .tier = 4 },
	{ .name = "queue_decides", .events = QUEUE, .named = true, .tier = 4 },
	{ .name = "queue_dances",
	  .events = QUEUE,
	  .makes = QUEUE,
	  .named = true,
	  .tier = 4,
	  .fields = "syn_wait_us" },
	{ .name = "queue_child4",
	  .events = QUEUE,
	  .makes = QUEUE,
	  .named = true,
	  .tier = 4 },
	{ .name = "queue_child6",
	  .events = QUEUE,
	  .makes = QUEUE,
	  .named = true,
	  .tier = 4 },
	{ .name = "queue_checked",
	  .events = QUEUE,
	  .makes = QUEUE,
	  .named = true,
	  .tier = 4,
	  .stands_in_for = "queue_child4" },
	{ .name = "queue_cookie_back",
	  .events = QUEUE,
	  .makes = QUEUE,
	  .named = true,
	  .tier = 4,
	  .stands_in_for = "queue_child4" },
	{ .name = "queue_dropped",
	  .events = QUEUE,
	  .makes = QUEUE,
	  .named = true,
	  .tier = 4,
	  .without = "requests that expire or are reset are not seen" },
	{ .name = "queue_taken",
	  .events = QUEUE,
	  .makes = QUEUE,
	  .named = true,
	  .tier = 4,
	  .fields = "accept" },
	/* who takes a SYN out of its slot comes before who puts it there */
	{ .name = "queue_request",
	  .events = QUEUE,
	  .makes = QUEUE,
	  .named = true,
	  .tier = 3,
	  .stands_in_for = "queue_hashed" },
	{ .name = "queue_segment",
	  .events = QUEUE,
	  .makes = QUEUE,
	  .named = true,
	  .tier = 3,
	  .stands_in_for = "queue_decided" },
	{ .name = "queue_collect",
	  .events = QUEUE,
	  .makes = QUEUE,
	  .named = true,
	  .tier = 3,
	  .stands_in_for = "queue_decided" },
	{ .name = "queue_overflow",
	  .events = QUEUE,
	  .makes = QUEUE,
	  .named = true,
	  .tier = 2,
	  .stands_in_for = "queue_segment",
	  .without = "last ACKs that find the accept queue full are not seen" },
	{ .name = "segment_sent",
	  .events = SEGMENT,
	  .makes = SEGMENT,
	  .mandatory = true,
	  .without = "segments that are sent are not seen" },
	{ .name = "segment_received",
	  .events = SEGMENT,
	  .makes = SEGMENT,
	  .mandatory = true,
	  .without = "segments that are received are not seen" },
	{ .name = "segment_leave",
	  .events = SEGMENT,
	  .without = "segments of sockets in TIME_WAIT are not seen" },
	{ .name = "segment_dev_in",
	  .events = SEGMENT,
	  .makes = SEGMENT,
	  .without = "segments that come to sockets in TIME_WAIT are not "
		     "seen" },
	{ .name = "segment_dev_out",
	  .events = SEGMENT,
	  .makes = SEGMENT,
	  .without = "ACKs of sockets in TIME_WAIT are not seen" },
	{ .name = "segment_refused",
	  .events = SEGMENT,
	  .makes = SEGMENT,
	  .without = "resets that answer a segment are not seen, nor what "
		     "comes to no socket" },
	{ .name = "call_enter",
	  .events = CALL,
	  .makes = CALL,
	  .mandatory = true },
	{ .name = "call_exit",
	  .events = CALL,
	  .makes = CALL,
	  .mandatory = true },
	{ .name = "uring_submit",
	  .events = CALL,
	  .makes = CALL,
	  .without = "what processes ask by io_uring is not seen" },
	{ .name = "uring_submit_sqe",
	  .events = CALL,
	  .makes = CALL,
	  .stands_in_for = "uring_submit",
	  .without = "what processes ask by io_uring is not seen" },
	{ .name = "uring_complete",
	  .events = CALL,
	  .makes = CALL,
	  .without = "what becomes of requests to io_uring is not seen" },
	{ .name = "call_socket",
	  .events = CALL,
	  .without = "a call before connect() or listen() does not tell the "
		     "cookie of its socket" },
	{ .name = "listener_look",
	  .events = QUEUE,
	  .named = true,
	  .without = "a listener of which no event tells is taken for idle",
	  .fields = "unread" },
	{ .name = "drop_skb", .events = DROP, .makes = DROP, .mandatory = true },
	{ .name = "snapshot_files",
	  .events = SOCKET,
	  .makes = SOCKET,
	  .mandatory = true },
	{ .name = "snapshot_tcp",
	  .events = SOCKET,
	  .makes = SOCKET,
	  .mandatory = true },
	{}
};

_Static_assert(sizeof(probe_programs) / sizeof(*probe_programs) <=
		       PROBE_PROGRAMS,
	       "PROBE_PROGRAMS");

/*
 * The last line of the verifier's log that tells something: the count of what
 * was processed follows it, and libbpf's frame.
 */
static void last_words(const char *log, char *to, size_t size)
{
	const char *line = log, *end;

	*to = '\0';
	for (; *line; line = *end ? end + 1 : end) {
		end = strchrnul(line, '\n');
		if (end == line || !strncmp(line, "processed ", 10) ||
		    !strncmp(line, "verification time", 17) ||
		    !strncmp(line, "stack depth", 11))
			continue;
		snprintf(to, size, "%.*s", (int)(end - line), line);
	}
}

static const char *noun(const char *section)
{
	static const char *const nouns[][2] = {
		{ "tp_btf/", "tracepoint" },
		{ "iter/", "iterator" },
		{ "", "function" },
	};
	unsigned int i = 0;

	while (strncmp(section, nouns[i][0], strlen(nouns[i][0])))
		i++;
	return nouns[i][1];
}

bool probe_serves(const struct probe_program *p, __u32 events)
{
	return (p->events ?: ~SOCKET) & events;
}

const char *probe_stand_in(const struct probe_result *results, unsigned int i)
{
	const struct probe_program *p;

	const char *name = NULL;
	unsigned int at;

	for (p = probe_programs; p->name && !name; p++) {
		at = p - probe_programs;
		if (p->stands_in_for &&
		    !strcmp(p->stands_in_for, probe_programs[i].name))
			name = results[at].status == PROBE_WORKS ?
				       p->name :
				       probe_stand_in(results, at);
	}
	return name;
}

bool probe_missing(const struct probe_result *results, unsigned int i)
{
	return results[i].status == PROBE_REFUSED &&
	       !probe_stand_in(results, i);
}

/* Adds those of @fields that the type has. */
static void add_fields(char to[PROBE_FIELDS], const struct schema_type *type,
		       const char *fields)
{
	char *copy = strdup(fields), *rest = copy, *s;

	while (copy && (s = strsep(&rest, ","))) {
		size_t n = strlen(to);

		if (!schema_field_find(type, s) || strstr(to, s))
			continue;
		snprintf(to + n, PROBE_FIELDS - n, "%s%s", n ? "," : "", s);
	}
	free(copy);
}

struct probe_quality probe_judge(const struct probe_result *results,
				 const struct schema *schema,
				 enum event_type type)
{
	struct probe_quality q = { .events = PROBE_EXACT };
	const __u32 bit = 1u << type;
	const struct probe_program *p;
	bool made = false;

	for (p = probe_programs; p->name; p++) {
		if (!probe_missing(results, p - probe_programs)) {
			made |= !!(p->makes & bit);
			continue;
		}
		if (!probe_serves(p, bit))
			continue;
		if (p->mandatory)
			q.events = PROBE_ABSENT;
		else if (p->makes & bit && q.events == PROBE_EXACT)
			q.events = PROBE_DERIVED;
		if (p->fields)
			add_fields(q.derived, &schema->types[type], p->fields);
	}
	if (!made)
		q.events = PROBE_ABSENT;
	if (q.events == PROBE_ABSENT)
		*q.derived = '\0';
	return q;
}

void probe_refuse(struct probe_result *r, const char *section, int err,
		  const char *log)
{
	const char *slash = strchr(section, '/');
	char words[PROBE_REASON / 2];

	r->status = PROBE_REFUSED;
	r->err = err;
	last_words(log, words, sizeof(words));
	if (*words)
		snprintf(r->reason, sizeof(r->reason),
			 "the verifier refused it: %s", words);
	else if (err == -ESRCH || err == -ENOENT)
		snprintf(r->reason, sizeof(r->reason),
			 "this kernel has no %s %s", noun(section),
			 slash ? slash + 1 : section);
	else if (err == -EPERM || err == -EACCES)
		snprintf(r->reason, sizeof(r->reason),
			 "this kernel forbids it: %s", strerror(-err));
	else if (err == -ENOTSUPP || err == -EOPNOTSUPP)
		snprintf(r->reason, sizeof(r->reason),
			 "this kernel does not support it");
	else
		snprintf(r->reason, sizeof(r->reason),
			 "this kernel does not take it: %s", strerror(-err));
}
