/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The flow table: what is known of each socket from its events, and which two
 * sockets are the ends of one connection.
 */
#ifndef TCBSCOPE_EVENT_FLOW_H
#define TCBSCOPE_EVENT_FLOW_H

#include "bpf/event.h"
#include <stdbool.h>
#include <stddef.h>

enum flow_role {
	FLOW_UNKNOWN,
	FLOW_ACTIVE,  /* sent a SYN */
	FLOW_PASSIVE, /* came out of a listener */
	FLOW_LISTENER,
};

struct flow {
	__u64 cookie;
	unsigned int id; /* 1, 2, ... in order of being shown; 0: not yet */
	enum flow_role role;
	struct event last;    /* the latest event's common part */
	enum tcb_state state; /* after the latest transition; 0: unknown */
	__u32 asked, limit;   /* of a listener; limit 0: not known */
	bool crossed;	      /* went SYN_SENT -> SYN_RECV in this connection */
	bool introduced, pair_introduced; /* an output's notes */
	__u32 introduced_pid;
	bool peer_told;	   /* peers.c only */
	struct flow *pair; /* the other end, if it is on this machine */
	/* below: flow.c only */
	struct flow *next_cookie, *next_tuple;
	struct flow *newer, *older; /* in order of last use, closed ones last */
	bool in_tuples;
	bool known;  /* more than that it is an end of some connection */
	bool closed; /* or a stranger: not for long */
};

struct flows;

#define FLOW_CLOSED_MAX 4096
#define FLOW_STRANGERS_MAX 16384

/*
 * A table of at most @max flows (at least 2); beyond it, closed flows make
 * room first, then those that have been silent the longest. Of closed ones the
 * last FLOW_CLOSED_MAX are kept, for events that come late, and of strangers
 * the last FLOW_STRANGERS_MAX. NULL: no memory.
 */
struct flows *flow_table_new(size_t max);
void flow_table_free(struct flows *flows);

/*
 * Takes note of an event that schema_check() let pass and returns its flow,
 * valid until the next call; NULL if the event has no cookie or there is no
 * memory. Names special transitions in event_state's kind: an open as full,
 * half or self, as far as both ends or the last segment tell; and what each
 * listener has asked for in all events of its queues.
 *
 * @stranger: the event is here for the sake of the other end only, whatever
 * would else have kept it in the kernel, a filter or a command.
 * Nothing more may ever be heard of such a flow, not even that it is closed.
 */
struct flow *flow_update(struct flows *flows, struct event *e, bool stranger);

/* The flow is going to be shown: it gets its number, if it has none yet. */
void flow_number(struct flows *flows, struct flow *flow);

/* The flow of a cookie, or NULL. */
struct flow *flow_find(const struct flows *flows, __u64 cookie);

size_t flow_count(const struct flows *flows);

#endif
