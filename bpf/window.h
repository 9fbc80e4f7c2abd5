/* SPDX-License-Identifier: GPL-2.0 */
/* Telling of a change of a congestion window. */
#ifndef TCBSCOPE_WINDOW_H
#define TCBSCOPE_WINDOW_H

#include "bpf/window_fill.h"

/*
 * How many segments were retransmitted for a loss that the kernel has found
 * out to be none since the socket was last seen, and has undone; it then takes
 * back its marker. Two more do so that undo nothing: entering CWR, and Loss
 * because packets are too big for the path.
 */
static __always_inline segs_t undone(struct tcp_sock *tp, struct sock_mem *mem,
				     int ca_state)
{
	__u32 marker = tp->undo_marker;

	if (mem->undo_marker == marker)
		return NOT_UNDONE;
	mem->undo_marker = marker;
	if (marker) {
		mem->before_loss = tp->total_retrans;
		return NOT_UNDONE;
	}
	if (ca_state == CA_STATE_CWR || ca_state == CA_STATE_Loss)
		return NOT_UNDONE;
	return tp->total_retrans - mem->before_loss;
}

static __always_inline void window_emit(struct sock *sk, struct tcp_sock *tp,
					struct sock_mem *mem, int ca_state,
					int at, segs_t undone)
{
	struct event_window *e;

	e = EVENT_RESERVE(event_window, EVENT_window);
	if (!e)
		return;
	event_fill(&e->ev, sk, tp, mem);
	e->ev.type = EVENT_window;
	e->ev.ts_ns = bpf_ktime_get_ns();
	e->ev.seq = mem_seq(mem);
	e->ev.how = HOW_observed;
	window_fill(&e->w, sk, tp, ca_state);
	e->old_cwnd = mem->cwnd;
	e->undone = undone;
	e->old_ca_state = mem->ca_state;
	e->at = at;
	e->state = sk->__sk_common.skc_state;
	__builtin_memset(e->pad, 0, sizeof(e->pad));
	EVENT_SUBMIT(e);
}

/*
 * Looks whether the window has changed. @ca_state: the state to be, or -1 for
 * the one that the socket has.
 */
static __noinline void window_look(struct sock *sk, struct tcp_sock *tp,
				   struct sock_mem *mem, int ca_state, int at)
{
	struct inet_connection_sock *icsk = &tp->inet_conn;
	bool changed, fell;
	int ca_state_now;
	segs_t undoing;
	__u32 cwnd;

	ca_state_now = BPF_CORE_READ_BITFIELD(icsk, icsk_ca_state);
	if (ca_state < 0)
		ca_state = ca_state_now;
	if (!mem->cwnd) /* older than the trace: its first event may be a loss */
		mem->ca_state = ca_state_now;
	cwnd = tp->snd_cwnd;
	undoing = undone(tp, mem, ca_state);
	changed = undoing != NOT_UNDONE || mem->cwnd != cwnd ||
		  mem->ssthresh != tp->snd_ssthresh ||
		  mem->ca_state != ca_state;
	if (!changed)
		return;
	fell = cwnd < mem->cwnd || mem->ca_state != ca_state;
	if ((fell || undoing != NOT_UNDONE || config.all_windows) &&
	    event_wanted(sk, tp, mem, EVENT_window))
		window_emit(sk, tp, mem, ca_state, at, undoing);
	mem->cwnd = cwnd;
	mem->ssthresh = tp->snd_ssthresh;
	mem->ca_state = ca_state;
}

#endif
