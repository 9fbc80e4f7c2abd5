// SPDX-License-Identifier: GPL-2.0
/*
 * Segment events of what no socket sends or receives: refusals, and what goes
 * to and fro in TIME_WAIT. It is seen where it leaves for a device or comes
 * from one, and where the kernel decides to send an RST.
 */
#include "bpf/sockless.h"

/* Out of the packet, whose TCP header is in its linear part. */
static __always_inline bool device_read(struct segment *s, struct sk_buff *skb,
					__u64 at, bool sent)
{
	struct peeked *bytes = (void *)&s->opt;
	__u32 size, i;

	at = packet_read(&s->p, skb, at, sent);
	__builtin_memset(&s->opt, 0, sizeof(s->opt));
	s->opt.wscale = NO_WSCALE;
	if (!at || peek(bytes, at))
		return false;
	s->ack = bpf_ntohl(bytes->word[2]);
	s->window = bpf_ntohl(bytes->word[3]) & 0xffff;
	s->segs = 1;
	size = (bpf_ntohl(bytes->word[3]) >> 28) * 4;
	if (size < HEADER_MIN || at + size > packet_end(skb))
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
	*refusal_at() = refusal_of(s);
	s->p.len = 0;
	s->window = 0;
	__builtin_memset(&s->opt, 0, sizeof(s->opt));
	s->opt.wscale = NO_WSCALE;
}

static __always_inline int device_submit(struct event_segment *e,
					 __u64 listener, bool again)
{
	if (!e)
		return 0;
	e->listener = listener;
	e->retransmitted = again;
	EVENT_SUBMIT(e);
	return 0;
}

/* Of a connection without a socket; @r: what is known of it, or NULL and @q. */
static __always_inline int device_emit(struct segment *s, struct sockless *r,
				       const struct sequence *q, bool sent,
				       int how, bool again)
{
	if (r) {
		s->p.ends = r->mem.ends;
		s->p.uid = r->uid;
		if (!packet_wanted(&s->p, &r->mem, r->state, EVENT_segment))
			return 0;
		return device_submit(
			segment_emit(s, &r->q, &r->mem,
				     r->state == TCB_STATE_TIME_WAIT ?
					     TCB_STATE_TIME_WAIT :
					     TCB_STATE_LISTEN,
				     sent, how),
			r->listener, again);
	}
	if (!packet_wanted(&s->p, NULL, 0, EVENT_segment))
		return 0;
	return device_submit(segment_emit(s, q, NULL, 0, sent, how), 0, false);
}

/* The answer to what came to a socket. */
static __always_inline int answer_of_socket(struct segment *s, struct sock *sk)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct sock_mem *mem = mem_find(sk);
	struct sequence q;

	if (!tp)
		return 0;
	ends_place(&s->p.ends, tp);
	s->p.ends.cookie = bpf_get_socket_cookie(sk);
	s->p.uid = sk->sk_uid.val;
	if (!packet_wanted(&s->p, mem, sk->__sk_common.skc_state,
			   EVENT_segment))
		return 0;
	q.own_known = true;
	sequence_of(&q, tp, mem, 0);
	return device_submit(segment_emit(s, &q, mem, sock_state(sk, mem), true,
					  HOW_derived),
			     0, false);
}

/*
 * A segment that is answered by an RST, and the answer, which the kernel makes
 * out of it right after: what is not seen but known is derived. What came to a
 * socket, if only to a listener or a minisocket, has been seen already.
 */
SEC("tp_btf/tcp_send_reset")
int BPF_PROG(segment_refused, struct sock *sk, struct sk_buff *skb)
{
	__u8 state = sk ? sk->__sk_common.skc_state : 0;
	struct sequence q;
	struct sockless *r;
	struct segment s;

	if (!skb || !device_read(&s, skb, packet_network(skb), false))
		return 0;
	if (sk && state != TCB_STATE_TIME_WAIT &&
	    state != TCB_STATE_NEW_SYN_RECV && state != TCB_STATE_LISTEN) {
		answer(&s);
		return answer_of_socket(&s, sk);
	}
	sequence_unknown(&q);
	q.peer = s.p.seq;
	q.peer_known = s.p.flags & TCPHDR_SYN;
	r = sockless_find(&s.p.ends);
	if (!sk && (!r || r->state != TCB_STATE_TIME_WAIT))
		device_emit(&s, r, &q, false, HOW_observed, false);
	answer(&s);
	return device_emit(&s, r, &q, true, HOW_derived, false);
}

/*
 * A socket is destroyed out of a state that a minisocket takes over, unless the
 * connection has failed.
 */
SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(segment_leave, struct sock *sk)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct sock_mem *mem = mem_find(sk);
	struct sockless *r;

	if (!tp || !mem || mem->new != TCB_STATE_CLOSE || sk->sk_err ||
	    (mem->old != TCB_STATE_FIN_WAIT2 && mem->old != TCB_STATE_CLOSING))
		return 0;
	mem_ends(mem, sk, tp);
	r = sockless_make(&mem->ends);
	if (!r)
		return 0;
	r->q.own_known = true;
	sequence_of(&r->q, tp, mem, 0);
	r->mem = *mem;
	r->uid = sk->sk_uid.val;
	r->since = bpf_ktime_get_ns();
	r->state = TCB_STATE_TIME_WAIT;
	return 0;
}

/* The same packet, on its way through another device? */
static __always_inline bool seen_before(struct sockless *r, struct sk_buff *skb,
					nsec_t now)
{
	bool same = r->skb == (__u64)skb && now - r->at < DEVICES_NS;

	r->skb = (__u64)skb;
	r->at = now;
	return same;
}

static __always_inline bool in_time_wait(struct sockless *r,
					 const struct segment *s,
					 struct sk_buff *skb)
{
	nsec_t now = bpf_ktime_get_ns();

	return r->state == TCB_STATE_TIME_WAIT &&
	       now - r->since < TIME_WAIT_NS && !(s->p.flags & TCPHDR_SYN) &&
	       !seen_before(r, skb, now);
}

/* What comes to a minisocket. A SYN may be for its listener. */
SEC("tp_btf/netif_receive_skb")
int BPF_PROG(segment_dev_in, struct sk_buff *skb)
{
	struct sequence q;
	struct sockless *r;
	struct segment s;

	if (!packet_is_ip(skb) ||
	    skb->len - skb->data_len < IPV4_HEADER + HEADER_MIN ||
	    !device_read(&s, skb, compat_number(skb->data), false))
		return 0;
	r = sockless_find(&s.p.ends);
	sequence_unknown(&q);
	if (!r || !in_time_wait(r, &s, skb))
		return 0;
	return device_emit(&s, r, &q, false, HOW_observed, false);
}

/* Has a socket sent it? Then its cgroup's program has seen it. */
static __always_inline bool has_socket(struct sk_buff *skb)
{
	struct sock *sk = skb->sk;
	__u8 state;

	if (!sk)
		return skb->skb_iif; /* only passes through this machine */
	state = sk->__sk_common.skc_state;
	return state != TCB_STATE_TIME_WAIT &&
	       state != TCB_STATE_NEW_SYN_RECV && sk->sk_type == SOCK_STREAM;
}

/*
 * What a minisocket or a request sends. Its resets are known as refusals, where
 * the kernel tells of all. Its SYN-ACKs are its listener's, but some kernels
 * forget that on IPv6.
 */
SEC("tp_btf/net_dev_queue")
int BPF_PROG(segment_dev_out, struct sk_buff *skb)
{
	struct sequence q;
	struct sockless *r;
	struct segment s;
	bool syn;

	if (!packet_is_ip(skb) || has_socket(skb) ||
	    !device_read(&s, skb, packet_network(skb), true))
		return 0;
	r = sockless_find(&s.p.ends);
	syn = s.p.flags & TCPHDR_SYN;
	sequence_unknown(&q);
	if (s.p.flags & TCPHDR_RST) {
		if (compat_tells_all_resets() || refusal_is(&s))
			return 0;
	} else if (!r || (syn && r->by_cgroup) ||
		   (r->state == TCB_STATE_TIME_WAIT &&
		    !in_time_wait(r, &s, skb))) {
		return 0;
	}
	return device_emit(&s, r, &q, true, HOW_observed,
			   r && syn && sequence_answers(&r->q, &s));
}
