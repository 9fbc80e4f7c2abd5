/* SPDX-License-Identifier: GPL-2.0 */
/* The connections whose events are collected for a ladder. */
#ifndef TCBSCOPE_OUTPUT_LADDER_CONN_H
#define TCBSCOPE_OUTPUT_LADDER_CONN_H

#include "event/flow.h"
#include "output/ladder.h"

/* An end of a connection; its cookie is 0 if it has no socket, or none yet. */
struct conn_end {
	bool known, closed;
	__u64 cookie;
	__u64 inode, call; /* that calls tell before there is a cookie */
	struct event last; /* with its addresses, once it has both */
};

struct conn {
	struct conn_end end[2];
	bool drawn; /* and its events are freed */
	nsec_t last;
	struct ladder_event *events;
	size_t n, room;
	uint64_t left_out;
};

/* All there were so far, the drawn ones too; they move when others come or go. */
struct conns {
	struct conn *at;
	unsigned int n, room, max;
};

/* All that return int: 0 or -ENOMEM. */
int conns_init(struct conns *cs, unsigned int max);
void conns_free(struct conns *cs);

/* Does a socket begin anew with this event? */
bool conn_begins(const struct event *e);

/*
 * The connection that is over for good because its socket begins anew with
 * this event, or NULL; the event is none of it any more.
 */
struct conn *conn_used_again(struct conns *cs, const struct event *e);

/*
 * Where an event belongs, a new connection maybe. *@c is NULL if there is no
 * room for one, or if the event tells of none.
 */
int conn_find(struct conns *cs, const struct event *e, const struct flow *flow,
	      struct conn **c, unsigned int *end);

/* Takes note of what the event says of its end; *@c may move. */
int conn_note(struct conns *cs, struct conn **c, unsigned int end,
	      const struct event *e);

bool conn_is_over(const struct conn *c);

/* Frees its events, which are its own. */
void conn_free_events(struct conn *c);

#endif
