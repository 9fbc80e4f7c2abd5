/* SPDX-License-Identifier: GPL-2.0 */
/* What the TCP header of a segment says, and how that becomes an event. */
#ifndef TCBSCOPE_SEGMENT_H
#define TCBSCOPE_SEGMENT_H

#include "bpf/packet.h"

#define OPTIONS_MAX 40	/* bytes of them */
#define OPTIONS_ROOM 64 /* a power of two that holds them */
#define SACK_BLOCKS 4	/* as many as an option can have */
#define NO_WSCALE 0xff	/* event_segment.wscale: absent */

/* Kinds of options. */
#define OPTION_END 0
#define OPTION_NOP 1
#define OPTION_MSS 2
#define OPTION_WSCALE 3
#define OPTION_SACK_PERMITTED 4
#define OPTION_SACK 5
#define OPTION_TIMESTAMPS 8

extern __u64 segments; /* how many there were in this trace */

/* The options of a header: their bytes, and what they say. 0: there is none. */
struct options {
	__u8 byte[OPTIONS_ROOM];
	__u32 len; /* bytes of them */
	__u32 at;  /* of the option that is read next */
	__u32 mss, tsval, tsecr;
	__u32 n_sack;
	__u32 sack[SACK_BLOCKS * 2];
	__u8 wscale; /* NO_WSCALE: there is none */
	__u8 sack_permitted;
	__u8 malformed;
	__u8 pad[5];
};

/* A segment as it is on the wire. */
struct segment {
	struct packet p; /* ends, sequence number, length, flags */
	__u32 ack;
	__u32 window; /* not scaled */
	__u32 segs;
	struct options opt;
};

/* The initial sequence numbers of both ends, as far as they are known. */
struct sequence {
	__u32 own, peer;
	bool own_known, peer_known;
	__u8 own_wscale, peer_wscale; /* of windows; NO_WSCALE: not known */
};

static __always_inline __u32 option_u16(const struct options *o, __u32 at)
{
	return o->byte[at % OPTIONS_ROOM] << 8 |
	       o->byte[(at + 1) % OPTIONS_ROOM];
}

static __always_inline __u32 option_u32(const struct options *o, __u32 at)
{
	return option_u16(o, at) << 16 | option_u16(o, at + 2);
}

static __always_inline void option_sack(struct options *o, __u32 at, __u32 size)
{
	__u32 i;

	o->n_sack = size / 8;
	for (i = 0; i < SACK_BLOCKS * 2; i++)
		o->sack[i] = option_u32(o, at + i * 4);
}

/* An option of a size that it cannot have is passed over, as by the kernel. */
static __always_inline void option_read(struct options *o, __u32 kind, __u32 at,
					__u32 size)
{
	if (kind == OPTION_MSS && size == 2)
		o->mss = option_u16(o, at);
	else if (kind == OPTION_WSCALE && size == 1)
		o->wscale = o->byte[at % OPTIONS_ROOM];
	else if (kind == OPTION_SACK_PERMITTED && !size)
		o->sack_permitted = 1;
	else if (kind == OPTION_SACK && size >= 8 && !(size % 8))
		option_sack(o, at, size);
	else if (kind == OPTION_TIMESTAMPS && size == 8) {
		o->tsval = option_u32(o, at);
		o->tsecr = option_u32(o, at + 4);
	}
}

struct option_walk {
	struct options *o;
};

/* As bpf_loop() wants it: 1 ends the loop. */
static long option_next(__u32 i, struct option_walk *walk)
{
	struct options *o = walk->o;
	__u32 at = o->at, kind, size;

	if (at >= o->len)
		return 1;
	kind = o->byte[at % OPTIONS_ROOM];
	if (kind == OPTION_END)
		return 1;
	if (kind == OPTION_NOP) {
		o->at = at + 1;
		return 0;
	}
	size = o->byte[(at + 1) % OPTIONS_ROOM];
	if (at + 1 >= o->len || size < 2 || at + size > o->len) {
		o->malformed = 1;
		return 1;
	}
	o->at = at + size;
	option_read(o, kind, at + 2, size - 2);
	return 0;
}

/*
 * What the bytes say, whatever they are. A global function, which is verified
 * by itself; all that a turn of the loop leaves is in memory, so one is enough.
 */
__weak __noinline int options_read(struct options *o)
{
	struct option_walk walk = { .o = o };

	if (!o)
		return -1;
	bpf_loop(OPTIONS_MAX, option_next, &walk, 0);
	return 0;
}

static __always_inline __u32 relative(__u32 n, __u32 first, bool known)
{
	return known ? n - first : SEGMENT_UNKNOWN;
}

static __always_inline void fill_sack(struct event_segment *e,
				      const struct options *o, __u32 first,
				      bool known)
{
#define SACK(i, n)                                                        \
	do {                                                              \
		bool is = known && o->n_sack >= (n);                      \
		e->sack##n##_start = relative(o->sack[(i)], first, is);   \
		e->sack##n##_end = relative(o->sack[(i) + 1], first, is); \
	} while (0)
	SACK(0, 1);
	SACK(2, 2);
	SACK(4, 3);
	SACK(6, 4);
#undef SACK
}

/* The window is scaled in all segments but SYNs. */
static __always_inline __u32 segment_window(const struct segment *s,
					    __u8 wscale)
{
	if (s->p.flags & TCPHDR_SYN)
		return s->window;
	if (!s->window)
		return 0;
	return wscale == NO_WSCALE ? SEGMENT_UNKNOWN : s->window << wscale % 16;
}

/* What the segment says by itself. */
static __always_inline void segment_fill(struct event_segment *e,
					 const struct segment *s,
					 const struct sequence *q, bool sent)
{
	bool syn = s->p.flags & TCPHDR_SYN, fin = s->p.flags & TCPHDR_FIN;
	bool known = syn || (sent ? q->own_known : q->peer_known);
	bool ack_known = s->p.flags & TCPHDR_ACK &&
			 (sent ? q->peer_known : q->own_known);
	__u32 first = syn ? s->p.seq : sent ? q->own : q->peer;
	__u32 ack_first = sent ? q->peer : q->own;

	e->segment = __sync_fetch_and_add(&segments, 1) + 1;
	e->direction = sent ? DIRECTION_sent : DIRECTION_received;
	e->flags = s->p.flags;
	e->tcp_seq = relative(s->p.seq, first, known);
	e->end = relative(s->p.seq + s->p.len + syn + fin, first, known);
	e->ack = relative(s->ack, ack_first, ack_known);
	e->len = s->p.len;
	e->segs = s->segs;
	e->window = segment_window(s, sent ? q->own_wscale : q->peer_wscale);
	e->mss = s->opt.mss;
	e->tsval = s->opt.tsval;
	e->tsecr = s->opt.tsecr;
	e->wscale = s->opt.wscale;
	e->sack_permitted = s->opt.sack_permitted;
	e->malformed = s->opt.malformed;
	e->retransmitted = 0;
	fill_sack(e, &s->opt, ack_first, ack_known);
	__builtin_memset(e->pad, 0, sizeof(e->pad));
}

/*
 * A whole event but for the listener, to be submitted; NULL: no room. @mem:
 * NULL, or of the socket, whose event it is then if the ends have its cookie.
 */
static __always_inline struct event_segment *segment_emit(
	const struct segment *s, const struct sequence *q, struct sock_mem *mem,
	__u8 state, bool sent, int how)
{
	struct event_segment *e;

	e = EVENT_RESERVE(event_segment, EVENT_segment);
	if (!e)
		return NULL;
	packet_fill(&e->ev, &s->p, mem);
	e->ev.type = EVENT_segment;
	e->ev.ts_ns = bpf_ktime_get_ns();
	e->ev.seq = mem && s->p.ends.cookie ? mem_seq(mem) : 0;
	e->ev.how = how;
	e->listener = 0;
	e->state = state;
	segment_fill(e, s, q, sent);
	return e;
}

#endif
