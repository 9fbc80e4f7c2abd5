// SPDX-License-Identifier: GPL-2.0
/* Segment events: what the TCPs of this machine send and receive. */
#include "bpf/segment.h"

EVENT_ANCHOR(event_segment);

__u64 segments;

/* Out of the packet, whose TCP header is in its linear part. */
static __always_inline bool segment_read(struct segment *s, struct sk_buff *skb,
					 bool sent)
{
	struct peeked *bytes = (void *)&s->opt;
	__u64 at = packet_read(&s->p, skb, sent);
	__u32 size, i;

	__builtin_memset(&s->opt, 0, sizeof(s->opt));
	s->opt.wscale = NO_WSCALE;
	if (!at || peek(bytes, at))
		return false;
	s->ack = bpf_ntohl(bytes->word[2]);
	s->window = bpf_ntohl(bytes->word[3]) & 0xffff;
	s->segs = 1;
	size = (bpf_ntohl(bytes->word[3]) >> 28) * 4;
	if (size < HEADER_MIN)
		return false;
	for (i = 0; i < OPTIONS_ROOM / sizeof(*bytes) - 1; i++)
		if (peek(bytes + i, at + HEADER_MIN + i * sizeof(*bytes)))
			return false;
	s->opt.len = size - HEADER_MIN;
	options_read(&s->opt);
	return true;
}

/* The RST that answers a segment: RFC 9293, section 3.5.2. */
static __always_inline void answer(struct segment *s)
{
	bool syn = s->p.flags & TCPHDR_SYN, fin = s->p.flags & TCPHDR_FIN;

	if (s->p.flags & TCPHDR_ACK) {
		s->p.seq = s->ack;
		s->ack = 0;
		s->p.flags = TCPHDR_RST;
	} else {
		s->ack = s->p.seq + syn + fin + s->p.len;
		s->p.seq = 0;
		s->p.flags = TCPHDR_RST | TCPHDR_ACK;
	}
	s->p.len = 0;
	s->window = 0;
	__builtin_memset(&s->opt, 0, sizeof(s->opt));
	s->opt.wscale = NO_WSCALE;
}

/* Of no connection whose beginning is known. */
static __always_inline void emit(const struct segment *s,
				 const struct sequence *q, bool sent, int how)
{
	struct event_segment *e;

	e = EVENT_RESERVE(event_segment, EVENT_segment);
	if (!e)
		return;
	packet_fill(&e->ev, &s->p, NULL);
	e->ev.type = EVENT_segment;
	e->ev.ts_ns = bpf_ktime_get_ns();
	e->ev.seq = 0;
	e->ev.how = how;
	e->listener = 0;
	e->state = 0;
	segment_fill(e, s, q, sent);
	EVENT_SUBMIT(e);
}

/*
 * A segment that is answered by an RST, and the answer, which the kernel makes
 * out of it right after: what is not seen but known is derived.
 */
SEC("tp_btf/tcp_send_reset")
int BPF_PROG(segment_refused, struct sock *sk, struct sk_buff *skb)
{
	struct sequence q = {};
	struct segment s;

	if (!skb || sk || !segment_read(&s, skb, false) ||
	    !packet_wanted(&s.p, NULL, 0, EVENT_segment))
		return 0;
	q.peer = s.p.seq;
	q.peer_known = s.p.flags & TCPHDR_SYN;
	q.own_wscale = q.peer_wscale = NO_WSCALE;
	emit(&s, &q, false, HOW_observed);
	answer(&s);
	emit(&s, &q, true, HOW_derived);
	return 0;
}
