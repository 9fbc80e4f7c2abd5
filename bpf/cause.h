/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Why a TCB changes its state.
 *
 * The kernel does not say so where it tells of the change. For each transition
 * the few places that can make it are known, and they leave different traces
 * in the socket. A cause is "observed" if only one of them fits what is read,
 * "derived" if it is the likelier of several, absent if nothing tells.
 */
#ifndef TCBSCOPE_CAUSE_H
#define TCBSCOPE_CAUSE_H

#include "bpf/call.h"
#include "bpf/fastopen.h"

#define EPIPE 32
#define ECONNABORTED 103
#define ECONNRESET 104
#define ETIMEDOUT 110
#define FIN_WAIT2_LINGER_NS 500000000ull /* longer takes a timer */

/* sk_err is ETIMEDOUT, which only timers set: which one was it? */
static __always_inline enum cause cause_timer(struct tcp_sock *tp)
{
	if (tp->inet_conn.icsk_retransmits)
		return CAUSE_TIMER_RETRANSMIT;
	if (tp->write_seq != tp->snd_una)
		return CAUSE_TIMER_PERSIST;
	return CAUSE_TIMER_KEEPALIVE;
}

#define LIKELY(t, c) ((t)->cause = (c), (t)->cause_how = HOW_derived)
#define SURE(t, c) ((t)->cause = (c), (t)->cause_how = HOW_observed)

/*
 * FIN_WAIT2 -> CLOSE of a closed socket, without a FIN or a reset. The kernel
 * gives it to a TIME_WAIT minisocket the moment it is both, closed and in
 * FIN_WAIT2: in softirq in tcp_rcv_state_process(), else in tcp_close(). Only a
 * FIN_WAIT2 time above 60 s keeps it, under a timer, for what exceeds 60 s.
 * TCP_LINGER2 < 0 allows no minisocket: reset at once. So is one whose FIN is
 * acked by a segment with data; nothing tells that from the minisocket.
 */
static __always_inline void cause_leave_fin_wait2(struct transition *t,
						  struct sock *sk,
						  struct tcp_sock *tp,
						  struct sock_mem *mem)
{
	nsec_t since = mem ? t->ts - mem->fin_wait2_ts : 0;

	if (!sk->sk_lock.owned && since > FIN_WAIT2_LINGER_NS)
		LIKELY(t, CAUSE_TIMER_FIN_WAIT2);
	else if (sk->sk_lock.owned && mem && mem->flags & MEM_CLOSING)
		SURE(t, cause_call());
	else if (sk->sk_lock.owned && tp->linger2 >= 0)
		SURE(t,
		     cause_call()); /* an ACK leaves it to who has the lock */
	else
		LIKELY(t, CAUSE_RX_ACK);
	if (tp->linger2 >= 0)
		t->tw_substate = TCB_STATE_FIN_WAIT2;
}

/*
 * A listener has no error to be aborted with. Who does it sends a netlink
 * message or runs a BPF iterator; close() would have set sk_shutdown.
 */
static __always_inline bool listener_aborted(struct transition *t,
					     struct sock *sk)
{
	return t->old == TCB_STATE_LISTEN && !sk->sk_shutdown &&
	       (t->cause == CAUSE_CALL || t->cause == CAUSE_CALL_SENDTO ||
		t->cause == CAUSE_CALL_SENDMSG);
}

/* -> CLOSE made by a process that holds the socket. */
static __always_inline void cause_closed_by_process(struct transition *t,
						    struct sock *sk,
						    struct tcp_sock *tp)
{
	SURE(t, cause_call());
	if (listener_aborted(t, sk))
		LIKELY(t, CAUSE_ABORT);
	if (t->old != TCB_STATE_LISTEN && t->old != TCB_STATE_SYN_SENT)
		t->kind = call_kind(sk, tp, t->cause);
}

/*
 * tcp_reset() has been called: for an RST, or for data that came after close()
 * or, from a peer that breaks the rules, behind its own FIN? The latter is
 * rare, and an RST in those states is not: it is sure unless an ACK came in
 * this jiffy. The ACK of such data is taken first, unless it is an old one.
 */
static __always_inline bool may_be_data(const struct transition *t,
					struct sock *sk, struct tcp_sock *tp)
{
	switch (t->old) {
	case TCB_STATE_FIN_WAIT1:
	case TCB_STATE_FIN_WAIT2:
		return sk->sk_shutdown & RCV_SHUTDOWN;
	case TCB_STATE_CLOSE_WAIT:
	case TCB_STATE_CLOSING:
	case TCB_STATE_LAST_ACK:
		return tp->rcv_tstamp == (__u32)bpf_jiffies64();
	}
	return false;
}

static __always_inline void cause_close(struct transition *t, struct sock *sk,
					struct tcp_sock *tp,
					struct sock_mem *mem)
{
	bool acked = tp->snd_una == tp->write_seq;

	if (mem && mem->flags & MEM_RST) {
		if (may_be_data(t, sk, tp))
			LIKELY(t, CAUSE_RX_RST);
		else
			SURE(t, CAUSE_RX_RST);
	} else if (t->err == ETIMEDOUT) {
		SURE(t, cause_timer(tp));
	} else if (t->err == ECONNABORTED) {
		SURE(t, CAUSE_ABORT);
	} else if (t->old == TCB_STATE_FIN_WAIT2 &&
		   compat_sock_flag(sk, SOCK_DONE)) {
		SURE(t, CAUSE_RX_FIN);
		t->tw_substate = TCB_STATE_TIME_WAIT;
	} else if (t->old == TCB_STATE_CLOSING && acked) {
		SURE(t, CAUSE_RX_ACK);
		t->tw_substate = TCB_STATE_TIME_WAIT;
	} else if (t->old == TCB_STATE_LAST_ACK && acked) {
		SURE(t, CAUSE_RX_ACK);
	} else if (t->old == TCB_STATE_FIN_WAIT2 &&
		   compat_sock_flag(sk, SOCK_DEAD)) {
		cause_leave_fin_wait2(t, sk, tp, mem);
	} else if (t->err == ECONNRESET || t->err == EPIPE) {
		LIKELY(t, CAUSE_RX_RST); /* without memory of it */
	} else if (sk->sk_lock.owned) {
		cause_closed_by_process(t, sk, tp);
	} else if (t->err && (t->old == TCB_STATE_SYN_SENT ||
			      t->old == TCB_STATE_SYN_RECV)) {
		LIKELY(t, CAUSE_RX_ICMP);
	} else if (t->err) {
		/* what the network last said; it takes a timer to give up */
		LIKELY(t, cause_timer(tp));
	} else if (!sock_of(tp)->sk_socket &&
		   !compat_sock_flag(sk, SOCK_DEAD)) {
		LIKELY(t, cause_call());
		t->kind = KIND_never_accepted;
	}
}

/*
 * SYN_RECV -> ESTABLISHED. tcp_ack() has already noted the segment's sequence
 * number for the window: that of a SYN-ACK is one below what comes next.
 */
static __always_inline void cause_established(struct transition *t,
					      struct tcp_sock *tp)
{
	if (t->old == TCB_STATE_SYN_SENT) {
		if (BPF_CORE_READ_BITFIELD(tp, repair))
			SURE(t, cause_call());
		else
			SURE(t, CAUSE_RX_SYN_ACK);
	} else if (tp->rcv_nxt - tp->snd_wl1 == 1) {
		SURE(t, CAUSE_RX_SYN_ACK);
	} else {
		SURE(t, CAUSE_RX_ACK);
	}
}

/*
 * Fills in cause and kind of a transition that is about to be made. Not inline,
 * because the verifier then forgets which of the many ways it came: it would
 * follow each of them to the end of the program.
 */
static __noinline void cause_find(struct transition *t, struct sock *sk,
				  struct tcp_sock *tp, struct sock_mem *mem)
{
	switch (t->new) {
	case TCB_STATE_SYN_SENT:
	case TCB_STATE_LISTEN:
		SURE(t, cause_call());
		break;
	case TCB_STATE_SYN_RECV:
		if (t->old == TCB_STATE_SYN_SENT) {
			SURE(t, CAUSE_RX_SYN);
			t->kind = KIND_crossed;
		} else if (fastopen_possible(tp)) {
			LIKELY(t, CAUSE_RX_ACK); /* until hold_release() */
		} else {
			SURE(t, CAUSE_RX_ACK);
		}
		break;
	case TCB_STATE_ESTABLISHED:
		cause_established(t, tp);
		break;
	case TCB_STATE_FIN_WAIT1:
	case TCB_STATE_LAST_ACK:
		/* a shutdown() in SYN_RECV takes effect in softirq */
		if (sk->sk_lock.owned)
			SURE(t, cause_call());
		else
			LIKELY(t, CAUSE_CALL_SHUTDOWN);
		break;
	case TCB_STATE_FIN_WAIT2:
		SURE(t, CAUSE_RX_ACK);
		break;
	case TCB_STATE_CLOSE_WAIT:
		SURE(t, CAUSE_RX_FIN);
		break;
	case TCB_STATE_CLOSING:
		SURE(t, CAUSE_RX_FIN);
		t->kind = KIND_simultaneous_close;
		break;
	case TCB_STATE_CLOSE:
		cause_close(t, sk, tp, mem);
		break;
	}
}

#endif
