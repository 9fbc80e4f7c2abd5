// SPDX-License-Identifier: GPL-2.0
/*
 * Window events: the congestion window and all that explains it, whenever one
 * of cwnd, ssthresh and the congestion state has changed since it was last
 * seen. By default only falls of cwnd, changes of the state and losses undone
 * are emitted. Two more places look: a change of state (state.bpf.c), because
 * no tcp_probe comes outside ESTABLISHED, and sending (owner.bpf.c), before
 * which the window may have been restarted after idleness.
 */
#include "bpf/window.h"

EVENT_ANCHOR(event_window);

static __always_inline int window_seen(struct sock *sk, int ca_state, int at)
{
	struct sock_mem *mem;
	struct tcp_sock *tp;

	/* tcp_disconnect() resets what is left of a closed one: no news */
	if (!sock_is_tcp(sk) || sk->__sk_common.skc_state == TCB_STATE_CLOSE)
		return 0;
	tp = bpf_skc_to_tcp_sock(sk);
	if (!tp)
		return 0;
	mem = mem_get(sk, tp);
	if (mem)
		window_look(sk, tp, mem, ca_state, at);
	return 0;
}

/* Each ACK in ESTABLISHED, before it is processed. */
SEC("tp_btf/tcp_probe")
int BPF_PROG(window_ack, struct sock *sk)
{
	return window_seen(sk, -1, WINDOW_AT_ack);
}

/* Before the socket takes the new state. */
SEC("tp_btf/tcp_cong_state_set")
int BPF_PROG(window_ca_state, struct sock *sk, __u8 ca_state)
{
	return window_seen(sk, ca_state, WINDOW_AT_ca_state);
}

SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(window_retransmit, struct sock *sk)
{
	return window_seen(sk, -1, WINDOW_AT_retransmit);
}
