/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What cause.c, cause_seen.c and cause_rules.c share: the calls and segments
 * that have been seen, and which of them fit. The tables are caches of a fixed
 * size; what is thrown out of them costs numbers of causes, never wrong ones.
 */
#ifndef TCBSCOPE_EVENT_CAUSE_SEEN_H
#define TCBSCOPE_EVENT_CAUSE_SEEN_H

#include "event/cause.h"
#include <stdbool.h>

#define CAUSE_WAYS 4 /* places that a thing may have in a cache */

#define FIN 0x01
#define SYN 0x02
#define RST 0x04
#define ACK 0x10

struct key {
	addr_t laddr, raddr;
	__u32 netns;
	port_t lport, rport;
};

/* A segment that has come. */
struct heard {
	__u64 number; /* 0: none */
	__u32 ack;
	__u8 flags;
	enum tcb_state state; /* of the socket, before */
};

struct connection {
	struct key key;
	nsec_t used; /* 0: never */
	struct heard heard[CAUSE_SEGMENTS];
	unsigned int n; /* how many have come; the last ones are there */
	__u64 listener; /* that it was of; 0: of none, or not known */
	__u32 fin_end;	/* what acks this end's FIN; 0: it has sent none */
	__u64 fin_acked_by;
	nsec_t fin_acked_at;
};

/* A call that is going on, or is over and may still have an effect. */
struct going {
	__u64 number; /* 0: none */
	__u64 cookie;
	nsec_t since, ended;
	enum call_op op;
	bool io_uring, disconnects, sends_fin;
	bool over, used; /* it has made a transition */
};

struct causes {
	struct connection *connections; /* NULL: no segment has come yet */
	struct going *calls;		/* NULL: no call yet */
};

/* What a transition may have been made by. */
struct candidates {
	struct heard segment;
	struct going *call;
	unsigned int n;
};

/* The connection of an event; NULL: it is not known, and not to be @made. */
struct connection *cause_connection(struct causes *causes,
				    const struct event *e, bool made);

/* Nothing that came before has to do with it. */
void cause_begin(struct connection *c);

/* The CAUSE_WAYS places that calls at this socket may have; NULL: none yet. */
struct going *cause_calls(const struct causes *causes, __u64 cookie);

void cause_note_segment(struct causes *causes, const struct event_segment *s);
void cause_note_call(struct causes *causes, const struct event_call *call);

/* May it leave its work to the way back to the process? */
bool cause_acts_late(const struct going *g);

/*
 * Who may have made the transition. Returns the cause that a segment would be;
 * a call says by itself what it is. @c: NULL, if no segment is known.
 */
enum cause cause_candidates(struct candidates *found,
			    const struct causes *causes, struct connection *c,
			    const struct event_state *s);

#endif
