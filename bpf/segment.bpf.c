// SPDX-License-Identifier: GPL-2.0
/*
 * Segment events: what the TCPs of this machine send and receive.
 *
 * The root cgroup's programs see what goes out of a socket and what comes in
 * for one, and are given that socket: on the way out before it is cut up, on
 * the way in after it has been put together. A connection that has no socket
 * yet is its listener's. What has no socket at all comes by another way.
 */
#include "bpf/isn.h"
#include "bpf/segment.h"

EVENT_ANCHOR(event_segment);

__u64 segments;

#define IPV4_HEADER 20 /* bytes without options */
#define IPV6_HEADER 40
#define CONNECTIONS 8192 /* without a socket, at once */
#define DEVICES_NS 1000000ull /* between those that a packet passes */
#define TIME_WAIT_NS 120000000000ull /* none lasts longer */
#define EXTENSIONS 8 /* headers between IPv6 and TCP that are looked through */

#define IPPROTO_HOPOPTS 0
#define IPPROTO_ROUTING 43
#define IPPROTO_FRAGMENT 44
#define IPPROTO_AH 51
#define IPPROTO_DSTOPTS 60

/* Out of the packet, whose TCP header is in its linear part. */
static __always_inline bool segment_read(struct segment *s, struct sk_buff *skb,
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

/* A connection without a socket, by its ends. */
struct ends_key {
	addr_t laddr, raddr;
	__u32 netns;
	port_t lport, rport;
};

/* Those that have none yet. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, CONNECTIONS);
	__type(key, struct ends_key);
	__type(value, struct sequence);
} segment_requests SEC(".maps");

/* What its socket has left to a minisocket, which itself remembers little. */
struct time_wait {
	struct sequence q;
	struct sock_mem mem;
	__u32 uid, pad;
	nsec_t since;
	__u64 skb; /* the last one that was seen, ... */
	nsec_t at; /* ... and when: it may pass several devices */
};

/* Those that have none any more. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, CONNECTIONS);
	__type(key, struct ends_key);
	__type(value, struct time_wait);
} segment_time_waits SEC(".maps");

static __always_inline struct ends_key key_of(const struct ends *ends)
{
	return (struct ends_key){
		.laddr = ends->laddr,
		.raddr = ends->raddr,
		.netns = ends->netns,
		.lport = ends->lport,
		.rport = ends->rport,
	};
}

/* A whole event; @mem: NULL, or of the socket, whose it is then. */
static __always_inline struct event_segment *emit(const struct segment *s,
						  const struct sequence *q,
						  struct sock_mem *mem,
						  bool sent, int how)
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
	e->state = 0;
	segment_fill(e, s, q, sent);
	return e;
}

static __always_inline void emit_alone(const struct segment *s,
				       const struct sequence *q, bool sent,
				       int how)
{
	struct event_segment *e = emit(s, q, NULL, sent, how);

	if (e)
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

	if (!skb || sk || !segment_read(&s, skb, packet_network(skb), false) ||
	    !packet_wanted(&s.p, NULL, 0, EVENT_segment))
		return 0;
	q.peer = s.p.seq;
	q.peer_known = s.p.flags & TCPHDR_SYN;
	q.own_wscale = q.peer_wscale = NO_WSCALE;
	emit_alone(&s, &q, false, HOW_observed);
	answer(&s);
	emit_alone(&s, &q, true, HOW_derived);
	return 0;
}

/* Bytes of the packet, whose IP header is at 0, wherever they are. */
#define LOAD(skb, at, to, n) (!bpf_skb_load_bytes(skb, at, to, n))

/* Where the TCP header is, behind what stands before it; 0: there is none. */
static __noinline __u32 skip_extensions(struct __sk_buff *skb, __u32 next)
{
	__u32 at = IPV6_HEADER, i;
	__u8 byte[4];

	for (i = 0; i < EXTENSIONS && next != IPPROTO_TCP; i++) {
		if (!LOAD(skb, at, byte, sizeof(byte)))
			return 0;
		if (next == IPPROTO_FRAGMENT) {
			if (byte[2] || byte[3] & 0xf8) /* not the first */
				return 0;
			at += 8;
		} else if (next == IPPROTO_AH) {
			at += (byte[1] + 2) * 4;
		} else if (next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING ||
			   next == IPPROTO_DSTOPTS) {
			at += (byte[1] + 1) * 8;
		} else {
			return 0;
		}
		next = byte[0];
	}
	return next == IPPROTO_TCP ? at : 0;
}

/* Addresses, and where the TCP header is; 0: it is no TCP over IP. */
static __always_inline __u32 ip_read(struct packet *p, struct __sk_buff *skb,
				     bool sent)
{
	__be32 *src = (__be32 *)(sent ? &p->ends.laddr : &p->ends.raddr);
	__be32 *dst = (__be32 *)(sent ? &p->ends.raddr : &p->ends.laddr);
	__be32 word[IPV6_HEADER / 4];
	__u8 *byte = (__u8 *)word;
	int i;

	if (!LOAD(skb, 0, word, IPV4_HEADER))
		return 0;
	if (byte[0] >> 4 == 4) {
		if (byte[9] != IPPROTO_TCP || bpf_ntohl(word[1]) & 0x1fff)
			return 0;
		p->ends.family = FAMILY_INET;
		src[0] = word[3];
		dst[0] = word[4];
		return (byte[0] & 0xf) * 4;
	}
	if (byte[0] >> 4 != 6 || !LOAD(skb, 0, word, IPV6_HEADER))
		return 0;
	p->ends.family = FAMILY_INET6;
	for (i = 0; i < 4; i++) {
		src[i] = word[2 + i];
		dst[i] = word[6 + i];
	}
	return skip_extensions(skb, byte[6]);
}

/* The same of any packet; false: it is not a whole TCP header over IP. */
static __always_inline bool skb_read(struct segment *s, struct __sk_buff *skb,
				     bool sent)
{
	__u32 at, size, words[HEADER_MIN / 4];

	__builtin_memset(s, 0, sizeof(*s));
	s->opt.wscale = NO_WSCALE;
	at = ip_read(&s->p, skb, sent);
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
	size -= HEADER_MIN;
	if (!size)
		return true;
	if (size > OPTIONS_MAX || !LOAD(skb, at + HEADER_MIN, s->opt.byte, size))
		return false;
	s->opt.len = size;
	options_read(&s->opt);
	return true;
}

/* Of a connection that has a socket. */
static __always_inline void sequence_of(struct sequence *q, struct tcp_sock *tp,
					const struct sock_mem *mem,
					__u32 sending)
{
	bool scales = BPF_CORE_READ_BITFIELD(tp, rx_opt.wscale_ok);

	q->own = isn_sent(tp, mem, sending);
	q->own_known = true;
	q->own_wscale = q->peer_wscale = NO_WSCALE;
	q->peer_known =
		sock_of(tp)->__sk_common.skc_state != TCB_STATE_SYN_SENT;
	if (!q->peer_known)
		return;
	q->peer = isn_received(tp);
	q->own_wscale =
		scales ? BPF_CORE_READ_BITFIELD(tp, rx_opt.rcv_wscale) : 0;
	q->peer_wscale =
		scales ? BPF_CORE_READ_BITFIELD(tp, rx_opt.snd_wscale) : 0;
}

/*
 * Of one that is still its listener's: what its SYN and SYN-ACK have said.
 * Returns whether it says its SYN once more.
 */
static __always_inline bool sequence_of_request(struct sequence *q,
						const struct segment *s,
						bool sent)
{
	struct ends_key key = key_of(&s->p.ends);
	struct sequence *known = bpf_map_lookup_elem(&segment_requests, &key);
	bool again = false;

	__builtin_memset(q, 0, sizeof(*q));
	q->own_wscale = q->peer_wscale = NO_WSCALE;
	if (known)
		*q = *known;
	if (!(s->p.flags & TCPHDR_SYN))
		return false;
	if (sent) {
		again = q->own_known && q->own == s->p.seq;
		q->own = s->p.seq;
		q->own_known = true;
		q->peer = q->peer_known ? q->peer : s->ack - 1;
		q->own_wscale = s->opt.wscale == NO_WSCALE ? 0 : s->opt.wscale;
		q->peer_wscale = s->opt.wscale == NO_WSCALE ? 0 : q->peer_wscale;
	} else {
		q->own_known &= q->peer_known && q->peer == s->p.seq;
		q->peer = s->p.seq;
		q->peer_wscale = s->opt.wscale;
	}
	q->peer_known = true;
	bpf_map_update_elem(&segment_requests, &key, q, BPF_ANY);
	return again;
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

/* A SYN begins another connection of the same ends. */
static __always_inline void forget_time_wait(const struct segment *s)
{
	struct ends_key key = key_of(&s->p.ends);

	if (s->p.flags & TCPHDR_SYN)
		bpf_map_delete_elem(&segment_time_waits, &key);
}

static __always_inline void look(struct __sk_buff *skb, bool sent)
{
	struct bpf_sock *sk = skb->sk;
	struct event_segment *e;
	struct sock_mem *mem;
	struct tcp_sock *tp;
	struct sequence q;
	struct segment s;
	bool again;
	__u8 state;

	tp = sk ? bpf_skc_to_tcp_sock(sk) : NULL;
	if (!tp || !sock_is_tcp(sock_of(tp)) || !skb_read(&s, skb, sent))
		return;
	mem = bpf_sk_storage_get(&memory, sk, 0, 0);
	state = sock_of(tp)->__sk_common.skc_state;
	ends_place(&s.p.ends, tp);
	s.p.uid = sock_of(tp)->sk_uid.val;
	if (state != TCB_STATE_LISTEN)
		s.p.ends.cookie = bpf_get_socket_cookie(skb);
	forget_time_wait(&s);
	if (!packet_wanted(&s.p, mem, state, EVENT_segment))
		return;
	if (state == TCB_STATE_LISTEN) {
		again = sequence_of_request(&q, &s, sent);
	} else {
		sequence_of(&q, tp, mem, sent ? s.p.len : 0);
		again = sent_again(&s, tp);
	}
	e = emit(&s, &q, mem, sent, HOW_observed);
	if (!e)
		return;
	e->state = state;
	e->retransmitted = sent && again;
	if (state == TCB_STATE_LISTEN)
		e->listener = bpf_get_socket_cookie(skb);
	EVENT_SUBMIT(e);
}

SEC("cgroup_skb/egress")
int segment_sent(struct __sk_buff *skb)
{
	look(skb, true);
	return 1;
}

SEC("cgroup_skb/ingress")
int segment_received(struct __sk_buff *skb)
{
	look(skb, false);
	return 1;
}

/*
 * A socket is destroyed that was the last but one or the last to close its
 * end: a minisocket goes on for it, unless it has failed.
 */
SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(segment_leave, struct sock *sk)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct sock_mem *mem = mem_find(sk);
	struct time_wait tw = {};
	struct ends_key key;

	if (!tp || !mem || mem->new != TCB_STATE_CLOSE || sk->sk_err ||
	    (mem->old != TCB_STATE_FIN_WAIT2 && mem->old != TCB_STATE_CLOSING))
		return 0;
	mem_ends(mem, sk, tp);
	key = key_of(&mem->ends);
	sequence_of(&tw.q, tp, mem, 0);
	tw.mem = *mem;
	tw.uid = sk->sk_uid.val;
	tw.since = bpf_ktime_get_ns();
	bpf_map_update_elem(&segment_time_waits, &key, &tw, BPF_ANY);
	return 0;
}

/* The same packet, on its way through another device? */
static __always_inline bool seen_before(struct time_wait *tw,
					struct sk_buff *skb, nsec_t now)
{
	bool same = tw->skb == (__u64)skb && now - tw->at < DEVICES_NS;

	tw->skb = (__u64)skb;
	tw->at = now;
	return same;
}

/* What comes to a minisocket, and what it sends; its resets are refusals. */
static __always_inline int time_wait(struct sk_buff *skb, __u64 at, bool sent)
{
	nsec_t now = bpf_ktime_get_ns();
	struct event_segment *e;
	struct time_wait *tw;
	struct ends_key key;
	struct segment s;

	if (!segment_read(&s, skb, at, sent) || s.p.flags & TCPHDR_SYN ||
	    (sent && s.p.flags & TCPHDR_RST))
		return 0;
	key = key_of(&s.p.ends);
	tw = bpf_map_lookup_elem(&segment_time_waits, &key);
	if (!tw || now - tw->since > TIME_WAIT_NS || seen_before(tw, skb, now))
		return 0;
	s.p.ends = tw->mem.ends;
	s.p.uid = tw->uid;
	if (!packet_wanted(&s.p, &tw->mem, TCB_STATE_TIME_WAIT, EVENT_segment))
		return 0;
	e = emit(&s, &tw->q, &tw->mem, sent, HOW_observed);
	if (!e)
		return 0;
	e->state = TCB_STATE_TIME_WAIT;
	EVENT_SUBMIT(e);
	return 0;
}

SEC("tp_btf/netif_receive_skb")
int BPF_PROG(segment_tw_received, struct sk_buff *skb)
{
	if (!packet_is_ip(skb) || skb->len - skb->data_len < IPV6_HEADER + HEADER_MIN)
		return 0;
	return time_wait(skb, compat_number(skb->data), false);
}

/* Not what a socket has sent: it may still wait for a device. */
SEC("tp_btf/net_dev_queue")
int BPF_PROG(segment_tw_sent, struct sk_buff *skb)
{
	struct sock *sk = skb->sk;
	__u8 state = sk ? sk->__sk_common.skc_state : TCB_STATE_TIME_WAIT;

	if (!packet_is_ip(skb) || state == TCB_STATE_NEW_SYN_RECV ||
	    (state != TCB_STATE_TIME_WAIT && sk->sk_type == SOCK_STREAM))
		return 0;
	return time_wait(skb, packet_network(skb), true);
}
