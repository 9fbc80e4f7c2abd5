// SPDX-License-Identifier: GPL-2.0
/*
 * Retransmit events: what TCP sends again, and what made it do so.
 *
 * The kernel retransmits in few places. Which of them it is in can be read:
 * timers leave their name in icsk_pending, the retransmit timer none; what a
 * congestion state has sent again had been marked as lost, what only asks the
 * peer for an answer had not.
 */
#include "bpf/emit.h"
#include "bpf/isn.h"

EVENT_ANCHOR(event_retransmit);

#define OBSERVED(e, k, c)                                          \
	((e)->kind = RETRANSMIT_##k, (e)->kind_how = HOW_observed, \
	 (e)->cause = (c), (e)->cause_how = HOW_observed)

/* Something is known to be lost, but not by a timeout. */
static __always_inline void fast(struct event_retransmit *e,
				 struct tcp_sock *tp)
{
	OBSERVED(e, fast, CAUSE_RACK);
	if (!BPF_CORE_READ_BITFIELD(tp, rx_opt.sack_ok)) {
		e->cause = CAUSE_DUPACK;
	} else if (tp->inet_conn.icsk_pending == ICSK_TIME_REO_TIMEOUT &&
		   compat_timer_ran_out(tp)) {
		e->cause = CAUSE_TIMER_RACK; /* or it waits for the lock */
		e->cause_how = HOW_derived;
	}
}

/*
 * All that was sent counts as lost. After a timeout that may be undone; if it
 * was because segments were too long for the way it may not.
 */
static __always_inline void slow_start(struct event_retransmit *e,
				       struct tcp_sock *tp)
{
	OBSERVED(e, slow_start, CAUSE_RX_ACK);
	if (!tp->undo_marker) {
		e->cause = CAUSE_RX_ICMP;
		e->cause_how = HOW_derived; /* or the timeout was in CWR */
	}
}

static __always_inline void find(struct event_retransmit *e, struct sock *sk,
				 struct tcp_sock *tp, struct tcp_skb_cb *cb)
{
	bool lost = cb->sacked & TCPCB_LOST;
	__u8 pending = tp->inet_conn.icsk_pending;

	if (cb->tcp_flags & TCPHDR_SYN && cb->tcp_flags & TCPHDR_ACK)
		OBSERVED(e, SYN_ACK, CAUSE_TIMER_RETRANSMIT);
	else if (cb->tcp_flags & TCPHDR_SYN)
		OBSERVED(e, SYN, CAUSE_TIMER_RETRANSMIT);
	else if (pending == ICSK_TIME_LOSS_PROBE && !lost)
		OBSERVED(e, TLP, CAUSE_TIMER_LOSS_PROBE);
	else if (e->ca_state != CA_STATE_Loss)
		fast(e, tp);
	else if (pending)
		slow_start(e, tp);
	else if (!tp->snd_wnd && !compat_sock_flag(sk, SOCK_DEAD))
		OBSERVED(e, window_probe, CAUSE_TIMER_RETRANSMIT);
	else
		OBSERVED(e, RTO, CAUSE_TIMER_RETRANSMIT);
	if (e->cause == CAUSE_TIMER_RETRANSMIT)
		e->nth = tp->inet_conn.icsk_retransmits;
}

SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(retransmit_segment, struct sock *sk, struct sk_buff *skb)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct tcp_skb_cb *cb = (void *)&skb->cb;
	struct inet_connection_sock *icsk;
	struct event_retransmit *e;
	struct sock_mem *mem;
	__u32 from;

	if (!tp || compat_retransmit_err(ctx))
		return 0;
	mem = mem_get(sk, tp);
	if (!mem || !event_wanted(sk, tp, mem, EVENT_retransmit))
		return 0;
	e = EVENT_RESERVE(event_retransmit, EVENT_retransmit);
	if (!e)
		return 0;
	event_fill(&e->ev, sk, tp, mem);
	e->ev.type = EVENT_retransmit;
	e->ev.ts_ns = bpf_ktime_get_ns();
	e->ev.seq = mem_seq(mem);
	e->ev.how = HOW_observed;
	from = isn_sent(tp, mem, 0);
	icsk = &tp->inet_conn;
	e->start = cb->seq - from;
	e->end = cb->end_seq - from;
	e->len = skb->len;
	e->segs = cb->tcp_gso_segs;
	e->retrans = tp->total_retrans;
	e->rto_us = hz ? (__u64)icsk->icsk_rto * 1000000 / hz : 0;
	e->cwnd = tp->snd_cwnd;
	e->ca_state = BPF_CORE_READ_BITFIELD(icsk, icsk_ca_state);
	e->state = sk->__sk_common.skc_state;
	e->nth = 0;
	__builtin_memset(e->pad, 0, sizeof(e->pad));
	find(e, sk, tp, cb);
	EVENT_SUBMIT(e);
	return 0;
}

/*
 * A SYN-ACK of a connection that has no socket yet: the listener sends it. The
 * socket to be will have the cookie that the request is given here.
 */
SEC("tp_btf/tcp_retransmit_synack")
int BPF_PROG(retransmit_synack, struct sock *sk, struct request_sock *req)
{
	struct sock_common *skc = &req->__req_common;
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct event_retransmit *e;
	struct sock_mem *mem;

	if (!tp)
		return 0;
	mem = mem_get(sk, tp);
	if (!mem || !event_wanted_of(sk, tp, mem, skc, EVENT_retransmit))
		return 0;
	e = EVENT_RESERVE(event_retransmit, EVENT_retransmit);
	if (!e)
		return 0;
	event_fill(&e->ev, sk, tp, mem);
	e->ev.type = EVENT_retransmit;
	e->ev.ts_ns = bpf_ktime_get_ns();
	e->ev.how = HOW_observed;
	e->start = 0;
	e->end = 1;
	e->len = 0;
	e->segs = 1;
	e->retrans = 0;
	e->rto_us = 0;
	e->cwnd = 0;
	e->ca_state = CA_STATE_Open;
	e->state = TCB_STATE_NEW_SYN_RECV;
	e->nth = req->num_retrans + 1;
	__builtin_memset(e->pad, 0, sizeof(e->pad));
	OBSERVED(e, SYN_ACK, CAUSE_TIMER_RETRANSMIT);
	if (sk->__sk_common.skc_state == TCB_STATE_LISTEN) {
		e->ev.cookie = bpf_get_socket_cookie(skc);
		e->ev.seq = 0;
		e->ev.rport = bpf_ntohs(skc->skc_dport);
		e->ev.owner_how = mem->pid ? HOW_derived : 0;
		e->ev.family = sock_addrs(skc, &e->ev.laddr, &e->ev.raddr);
		if (req->rsk_timer.entry.pprev) { /* it still waits */
			e->cause = CAUSE_RX_SYN;
		}
	} else { /* Fast Open has made a socket at once */
		e->ev.seq = mem_seq(mem);
		e->state = sk->__sk_common.skc_state;
	}
	EVENT_SUBMIT(e);
	return 0;
}
