// SPDX-License-Identifier: GPL-2.0
/*
 * Segment events: what the sockets of this machine send and receive.
 *
 * The root cgroup's programs see what goes out of a socket and what comes in
 * for one, and are given that socket: on the way out before it is cut up, on
 * the way in after it has been put together. A connection that has no socket
 * yet is its listener's.
 */
#include "bpf/skb.h"
#include "bpf/sockless.h"

EVENT_ANCHOR(event_segment);

__u64 segments;
__u64 refusals[COUNTERS];
const __u64 sockless_none[sizeof(struct sockless) / 8];

/* The header of any packet; false: it is not a whole TCP header over IP. */
static __always_inline bool skb_read(struct segment *s, struct __sk_buff *skb,
				     bool sent)
{
	__u32 at, size, words[HEADER_MIN / 4];

	__builtin_memset(s, 0, sizeof(*s));
	s->opt.wscale = NO_WSCALE;
	at = skb_ip(&s->p, skb, sent);
	if (!at || !LOAD(skb, at, words, HEADER_MIN))
		return false;
	s->p.ends.lport = bpf_ntohl(words[0]) >> (sent ? 16 : 0);
	s->p.ends.rport = bpf_ntohl(words[0]) >> (sent ? 0 : 16);
	s->p.seq = bpf_ntohl(words[1]);
	s->ack = bpf_ntohl(words[2]);
	s->p.flags = bpf_ntohl(words[3]) >> 16;
	s->window = bpf_ntohl(words[3]) & 0xffff;
	s->segs = skb->gso_segs ?: 1;
	size = (bpf_ntohl(words[3]) >> 28) * 4;
	if (size < HEADER_MIN || at + size > skb->len)
		return false;
	s->p.len = skb->len - at - size;
	if (size == HEADER_MIN)
		return true;
	s->opt.len = size - HEADER_MIN;
	size -= HEADER_MIN + 1; /* for a verifier that learns from < only */
	barrier_var(size);
	if (size >= OPTIONS_MAX ||
	    !LOAD(skb, at + HEADER_MIN, s->opt.byte, size + 1))
		return false;
	options_read(&s->opt);
	return true;
}

/*
 * Here the verifier forgets on which of many ways these were found out; it
 * would follow each of them to the end of the program.
 */
__weak __noinline int segment_found(struct segment *s)
{
	return s ? 0 : -1;
}

__weak __noinline int sequence_found(struct sequence *q)
{
	return q ? 0 : -1;
}

/*
 * Were its bytes sent before? They are counted as sent after this. The SYN-ACK
 * of crossed SYNs is the first of its kind, though its SYN is not.
 */
static __always_inline bool sent_again(const struct segment *s,
				       struct tcp_sock *tp)
{
	__u8 flags = s->p.flags & (TCPHDR_SYN | TCPHDR_ACK);

	if (!s->p.len && !(s->p.flags & (TCPHDR_SYN | TCPHDR_FIN)))
		return false;
	if (flags == (TCPHDR_SYN | TCPHDR_ACK))
		return tp->inet_conn.icsk_retransmits;
	return (__s32)(s->p.seq - tp->snd_nxt) < 0;
}

/* A SYN has come, and is not one that came before. */
static __always_inline struct sockless *request_make(const struct segment *s,
						     const struct sock_mem *mem,
						     __u64 listener)
{
	struct sockless *r = sockless_make(&s->p.ends);

	if (!r)
		return NULL;
	if (mem)
		r->mem = *mem;
	r->mem.ends = s->p.ends;
	r->listener = listener;
	r->uid = s->p.uid;
	r->state = TCB_STATE_NEW_SYN_RECV;
	r->q.peer = s->p.seq;
	r->q.peer_known = true;
	r->q.peer_wscale = s->opt.wscale;
	r->q.own_wscale = NO_WSCALE;
	return r;
}

/* Of a connection that is its listener's. Is its SYN-ACK sent again? */
static __always_inline bool request(struct sequence *q, const struct segment *s,
				    const struct sock_mem *mem, __u64 listener,
				    bool sent)
{
	struct sockless *r = sockless_find(&s->p.ends);
	bool syn = s->p.flags & TCPHDR_SYN;
	bool again;

	if (r && (r->state != TCB_STATE_NEW_SYN_RECV ||
		  (syn && !sent && r->q.peer != s->p.seq)))
		r = NULL;
	if (!r && syn && !sent)
		r = request_make(s, mem, listener);
	if (r)
		*q = r->q;
	else
		sequence_unknown(q);
	if (!syn || !sent)
		return false;
	again = sequence_answers(q, s);
	if (r) {
		r->q = *q;
		r->by_cgroup = true;
	}
	return again;
}

/*
 * Which end began a connection older than the trace, while it can be told: not
 * if a process may just be in the middle of sending something. Is it known?
 */
static __always_inline bool learn(struct tcp_sock *tp, struct sock_mem *mem,
				  const struct segment *s, bool sent)
{
	if (mem && mem->flags & (MEM_ACTIVE | MEM_CHILD))
		return true;
	if (!sent && sock_of(tp)->sk_lock.owned)
		return false;
	if (mem)
		mem->flags |= isn_passive(tp, sent ? s->p.len : 0) ? MEM_CHILD :
								     MEM_ACTIVE;
	return true;
}

static __always_inline void segment_look(struct __sk_buff *skb, bool sent)
{
	struct bpf_sock *sk = skb->sk;
	struct event_segment *e;
	struct sock_mem *mem;
	struct tcp_sock *tp;
	struct sequence q;
	struct segment s;
	__u64 cookie;
	bool again;
	__u8 state;

	tp = sk ? bpf_skc_to_tcp_sock(sk) : NULL;
	if (!tp || !sock_is_tcp(sock_of(tp)) || !skb_read(&s, skb, sent) ||
	    (sent && refusal_is(&s)))
		return;
	segment_found(&s);
	mem = bpf_sk_storage_get(&memory, sk, 0, 0);
	state = sock_of(tp)->__sk_common.skc_state;
	cookie = bpf_get_socket_cookie(skb);
	ends_place(&s.p.ends, tp);
	s.p.uid = sock_of(tp)->sk_uid.val;
	if (state == TCB_STATE_SYN_SENT && s.p.flags & TCPHDR_SYN)
		sockless_forget(&s.p.ends); /* one of before */
	if (state != TCB_STATE_LISTEN)
		s.p.ends.cookie = cookie;
	if (!packet_wanted(&s.p, mem, state, EVENT_segment))
		return;
	if (state == TCB_STATE_LISTEN) {
		again = request(&q, &s, mem, cookie, sent);
	} else {
		q.own_known = learn(tp, mem, &s, sent);
		sequence_of(&q, tp, mem, sent ? s.p.len : 0);
		again = sent_again(&s, tp);
	}
	sequence_found(&q);
	e = segment_emit(&s, &q, mem, state, sent, HOW_observed);
	if (!e)
		return;
	e->retransmitted = sent && again;
	if (state == TCB_STATE_LISTEN)
		e->listener = cookie;
	EVENT_SUBMIT(e);
}

SEC("cgroup_skb/egress")
int segment_sent(struct __sk_buff *skb)
{
	segment_look(skb, true);
	return 1;
}

SEC("cgroup_skb/ingress")
int segment_received(struct __sk_buff *skb)
{
	segment_look(skb, false);
	return 1;
}
