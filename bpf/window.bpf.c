// SPDX-License-Identifier: GPL-2.0
/*
 * Window events: the congestion window and all that explains it, whenever one
 * of cwnd, ssthresh and the congestion state has changed since it was last
 * seen. By default only falls of cwnd, changes of the state and losses undone
 * are emitted.
 */
#include "bpf/window.h"

EVENT_ANCHOR(event_window);

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

/* ca_state: the state to be, or -1 for the one that the socket has. */
static __always_inline int window(struct sock *sk, int ca_state, int at)
{
	struct inet_connection_sock *icsk;
	struct sock_mem *mem;
	struct tcp_sock *tp;
	bool changed, fell;
	int ca_state_now;
	segs_t undoing;
	__u32 cwnd;

	/* tcp_disconnect() resets what is left of a closed one: no news */
	if (!sock_is_tcp(sk) || sk->__sk_common.skc_state == TCB_STATE_CLOSE)
		return 0;
	tp = bpf_skc_to_tcp_sock(sk);
	if (!tp)
		return 0;
	mem = bpf_sk_storage_get(&memory, sk, 0, 0);
	if (!mem)
		mem = mem_get(sk);
	if (!mem)
		return 0;
	icsk = &tp->inet_conn;
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
		return 0;
	fell = cwnd < mem->cwnd || mem->ca_state != ca_state;
	if ((fell || undoing != NOT_UNDONE || config.all_windows) &&
	    event_wanted(sk, tp, mem, EVENT_window))
		window_emit(sk, tp, mem, ca_state, at, undoing);
	mem->cwnd = cwnd;
	mem->ssthresh = tp->snd_ssthresh;
	mem->ca_state = ca_state;
	return 0;
}

/* Each ACK in ESTABLISHED, before it is processed. */
SEC("tp_btf/tcp_probe")
int BPF_PROG(window_ack, struct sock *sk)
{
	return window(sk, -1, WINDOW_AT_ack);
}

/* Before the socket takes the new state. */
SEC("tp_btf/tcp_cong_state_set")
int BPF_PROG(window_ca_state, struct sock *sk, __u8 ca_state)
{
	return window(sk, ca_state, WINDOW_AT_ca_state);
}

SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(window_retransmit, struct sock *sk)
{
	return window(sk, -1, WINDOW_AT_retransmit);
}

/* Leaving ESTABLISHED, and after: no tcp_probe comes any more. */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(window_state, struct sock *sk, int old, int new)
{
	if (old == new || old == TCB_STATE_CLOSE || old == TCB_STATE_LISTEN ||
	    old == TCB_STATE_SYN_SENT || old == TCB_STATE_SYN_RECV)
		return 0;
	return window(sk, -1, WINDOW_AT_state);
}

/* The window may have been restarted after idleness. */
SEC("tp_btf/sock_send_length")
int BPF_PROG(window_send, struct sock *sk)
{
	return sk->__sk_common.skc_state == TCB_STATE_ESTABLISHED ?
		       window(sk, -1, WINDOW_AT_send) :
		       0;
}
