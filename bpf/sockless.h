/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Connections without a socket: those that are their listener's still, and
 * those that have left a minisocket, which itself remembers little.
 */
#ifndef TCBSCOPE_SOCKLESS_H
#define TCBSCOPE_SOCKLESS_H

#include "bpf/isn.h"
#include "bpf/segment.h"

#define SOCKLESS 8192		     /* at once */
#define TIME_WAIT_NS 120000000000ull /* none lasts longer */
#define DEVICES_NS 1000000ull /* between two devices that a packet passes */

struct sockless_key {
	addr_t laddr, raddr;
	__u32 netns;
	port_t lport, rport;
};

struct sockless {
	struct sequence q;
	struct sock_mem mem; /* the listener's, or that of its last socket, but
				with the connection's ends */
	__u64 listener;	     /* cookie */
	nsec_t since;
	__u64 skb; /* the last packet that a device was seen with, ... */
	nsec_t at; /* ... and when */
	__u32 uid;
	__u8 state;	/* NEW_SYN_RECV or TIME_WAIT */
	__u8 by_cgroup; /* a cgroup's program has seen its SYN-ACK */
	__u8 pad[2];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, SOCKLESS);
	__type(key, struct sockless_key);
	__type(value, struct sockless);
} sockless SEC(".maps");

extern const __u64 sockless_none[sizeof(struct sockless) / 8]; /* zeroes */

static __always_inline struct sockless_key sockless_key(const struct ends *ends)
{
	return (struct sockless_key){
		.laddr = ends->laddr,
		.raddr = ends->raddr,
		.netns = ends->netns,
		.lport = ends->lport,
		.rport = ends->rport,
	};
}

static __always_inline struct sockless *sockless_find(const struct ends *ends)
{
	struct sockless_key key = sockless_key(ends);

	return bpf_map_lookup_elem(&sockless, &key);
}

/* A new one, in place of what there was. */
static __always_inline struct sockless *sockless_make(const struct ends *ends)
{
	struct sockless_key key = sockless_key(ends);

	bpf_map_update_elem(&sockless, &key, sockless_none, BPF_ANY);
	return bpf_map_lookup_elem(&sockless, &key);
}

static __always_inline void sockless_forget(const struct ends *ends)
{
	struct sockless_key key = sockless_key(ends);

	bpf_map_delete_elem(&sockless, &key);
}

/* Of a connection that has a socket; whether own is known says the caller. */
static __always_inline void sequence_of(struct sequence *q, struct tcp_sock *tp,
					const struct sock_mem *mem,
					__u32 sending)
{
	bool scales = BPF_CORE_READ_BITFIELD(tp, rx_opt.wscale_ok);

	q->own = isn_sent(tp, mem, sending);
	q->own_wscale = q->peer_wscale = NO_WSCALE;
	q->peer_known = sock_of(tp)->__sk_common.skc_state !=
			TCB_STATE_SYN_SENT;
	if (!q->peer_known)
		return;
	q->peer = isn_received(tp);
	q->own_wscale = scales ? BPF_CORE_READ_BITFIELD(tp, rx_opt.rcv_wscale) :
				 0;
	q->peer_wscale = scales ?
				 BPF_CORE_READ_BITFIELD(tp, rx_opt.snd_wscale) :
				 0;
}

static __always_inline void sequence_unknown(struct sequence *q)
{
	__builtin_memset(q, 0, sizeof(*q));
	q->own_wscale = q->peer_wscale = NO_WSCALE;
}

/* What a SYN-ACK says of its connection. Was it said before? */
static __always_inline bool sequence_answers(struct sequence *q,
					     const struct segment *s)
{
	bool again = q->own_known && q->own == s->p.seq;
	bool scales = s->opt.wscale != NO_WSCALE;

	q->own = s->p.seq;
	q->own_known = true;
	q->peer = q->peer_known ? q->peer : s->ack - 1;
	q->peer_known = true;
	q->own_wscale = scales ? s->opt.wscale : 0;
	q->peer_wscale = scales ? q->peer_wscale : 0;
	return again;
}

/*
 * The RST that each CPU is about to send in answer to a segment, and that is
 * told of already: some kernels let it pass as that of a socket.
 */
extern __u64 refusals[COUNTERS];

static __always_inline __u64 *refusal_at(void)
{
	return &refusals[bpf_get_smp_processor_id() % COUNTERS];
}

static __always_inline __u64 refusal_of(const struct segment *s)
{
	return (__u64)s->p.seq << 32 | s->p.ends.lport << 16 | s->p.ends.rport;
}

static __always_inline bool refusal_is(const struct segment *s)
{
	__u64 *at = refusal_at();

	if (!(s->p.flags & TCPHDR_RST) || *at != refusal_of(s))
		return false;
	*at = 0;
	return true;
}

#endif
