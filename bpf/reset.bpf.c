// SPDX-License-Identifier: GPL-2.0
/* Reset events: every RST sent, with or without a socket, and every one taken. */
#include "bpf/call.h"
#include "bpf/packet.h"

EVENT_ANCHOR(event_reset);

/* A minisocket, and a listener: what it refuses is none of its business. */
static __always_inline bool has_connection(__u8 state)
{
	return state && state != TCB_STATE_TIME_WAIT &&
	       state != TCB_STATE_NEW_SYN_RECV && state != TCB_STATE_LISTEN;
}

static __always_inline void cause_is(struct event_reset *e, enum cause cause,
				     enum how how)
{
	e->cause = cause;
	e->cause_how = cause ? how : 0;
}

/* A segment that cannot be right is answered by an RST. */
static __always_inline enum cause cause_segment(struct sk_buff *skb)
{
	struct tcp_skb_cb *cb = (void *)&skb->cb;
	__u8 flags = cb->tcp_flags;

	if (flags & TCPHDR_SYN)
		return flags & TCPHDR_ACK ? CAUSE_RX_SYN_ACK : CAUSE_RX_SYN;
	return flags & TCPHDR_FIN ? CAUSE_RX_FIN : CAUSE_RX_ACK;
}

/* This end gives up. close() has changed the state just before. */
static __always_inline void active(struct event_reset *e, struct sock *sk,
				   struct tcp_sock *tp)
{
	bool dead = compat_sock_flag(sk, SOCK_DEAD);

	if (sk->sk_lock.owned) {
		cause_is(e, cause_call(), HOW_observed);
		e->kind = call_kind(sk, tp, e->cause);
	} else if (!sock_of(tp)->sk_socket && !dead) {
		cause_is(e, cause_call(), HOW_derived);
		e->kind = KIND_never_accepted;
	} else if (e->state == TCB_STATE_FIN_WAIT2 && dead) {
		cause_is(e, CAUSE_TIMER_FIN_WAIT2, HOW_derived);
	} else {
		cause_is(e, CAUSE_NONE, 0);
	}
	e->kind_how = e->kind ? e->cause_how : 0;
}

static __always_inline void fill(struct event_reset *e, int direction)
{
	e->ev.type = EVENT_reset;
	e->ev.ts_ns = bpf_ktime_get_ns();
	e->ev.how = HOW_observed;
	e->direction = direction;
	e->kind = KIND_none;
	e->kind_how = 0;
	e->unread = 0;
	e->why.reason_nr = NO_REASON;
	__builtin_memset(e->why.reason, 0, sizeof(e->why.reason));
	__builtin_memset(e->pad, 0, sizeof(e->pad));
}

/* What the reset is to the connection; 0: it is not wanted. */
static __always_inline struct event_reset *of_connection(struct sock *sk,
							 struct tcp_sock *tp,
							 struct sock_mem *mem,
							 int direction)
{
	struct event_reset *e;

	if (!event_wanted(sk, tp, mem, EVENT_reset))
		return NULL;
	e = EVENT_RESERVE(event_reset, EVENT_reset);
	if (!e)
		return NULL;
	event_fill(&e->ev, sk, tp, mem);
	e->ev.seq = mem ? mem_seq(mem) : 0;
	fill(e, direction);
	e->state = sock_state(sk, mem);
	e->unread = unread(sk, tp);
	return e;
}

static __always_inline int sent_by_connection(struct sock *sk,
					      struct sk_buff *skb, __u32 reason)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct event_reset *e;

	if (!tp)
		return 0;
	e = of_connection(sk, tp, mem_get(sk, tp), DIRECTION_sent);
	if (!e)
		return 0;
	e->why.reason_nr = reason;
	if (skb)
		cause_is(e, cause_segment(skb), HOW_observed);
	else
		active(e, sk, tp);
	EVENT_SUBMIT(e);
	return 0;
}

/* To what a minisocket, a listener or nobody was sent; @sk may be NULL. */
static __always_inline int sent_by_nobody(struct sock *sk, struct sk_buff *skb,
					  __u32 reason)
{
	__u8 state = sk ? sk->__sk_common.skc_state : 0;
	struct event_reset *e;
	struct packet p;

	if (!packet_read(&p, skb, packet_network(skb), false) ||
	    !packet_wanted(&p, NULL, state, EVENT_reset))
		return 0;
	e = EVENT_RESERVE(event_reset, EVENT_reset);
	if (!e)
		return 0;
	packet_fill(&e->ev, &p, NULL);
	e->ev.seq = 0;
	fill(e, DIRECTION_sent);
	e->state = state;
	e->why.reason_nr = reason;
	cause_is(e, cause_segment(skb), HOW_observed);
	EVENT_SUBMIT(e);
	return 0;
}

SEC("tp_btf/tcp_send_reset")
int BPF_PROG(reset_send, struct sock *sk, struct sk_buff *skb)
{
	__u32 reason = compat_reset_reason(ctx);

	if (sk && has_connection(sk->__sk_common.skc_state))
		return sent_by_connection(sk, skb, reason);
	return skb ? sent_by_nobody(sk, skb, reason) : 0;
}

/*
 * The kernel calls tcp_reset() also for data that comes after close(), and
 * answers them by an RST of its own. No other data comes in these states, but
 * after a shutdown() that was no close() yet.
 */
static __always_inline bool was_data(struct sock *sk, struct tcp_sock *tp,
				     struct sock_mem *mem)
{
	__u8 state = sk->__sk_common.skc_state;

	return (state == TCB_STATE_FIN_WAIT1 || state == TCB_STATE_FIN_WAIT2) &&
	       sk->sk_shutdown & RCV_SHUTDOWN && mem &&
	       tp->data_segs_in != mem->data_segs_in;
}

/*
 * Runs in tcp_reset(), just before the state becomes CLOSE; the event of that
 * learns its cause here.
 */
SEC("tp_btf/tcp_receive_reset")
int BPF_PROG(reset_receive, struct sock *sk)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct event_reset *e;
	struct sock_mem *mem;

	if (!tp)
		return 0;
	mem = mem_get(sk, tp); /* it may be older than the trace */
	if (mem)
		mem->flags |= MEM_RST;
	if (!(config.events & 1u << EVENT_reset))
		return 0;
	if (was_data(sk, tp, mem))
		return 0;
	e = of_connection(sk, tp, mem, DIRECTION_received);
	if (!e)
		return 0;
	cause_is(e, CAUSE_RX_RST, HOW_observed);
	EVENT_SUBMIT(e);
	return 0;
}
