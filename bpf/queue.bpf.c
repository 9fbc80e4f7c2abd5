// SPDX-License-Identifier: GPL-2.0
/*
 * Queue events: both queues of each listener. Its children tell most of them
 * (queue.h); here is what is heard of the listener itself.
 */
#include "bpf/queue.h"

EVENT_ANCHOR(event_queue);

/* A listener is told that a child has come into its accept queue. */
SEC("tp_btf/sk_data_ready")
int BPF_PROG(queue_ready, struct sock *sk)
{
	struct event_queue *e;
	struct sock_mem *mem;
	struct tcp_sock *tp;

	if (sk->__sk_common.skc_state != TCB_STATE_LISTEN || !sock_is_tcp(sk))
		return 0;
	e = queue_waiting();
	mem = mem_find(sk);
	tp = bpf_skc_to_tcp_sock(sk);
	if (!e || !e->ev.type || !mem || !tp)
		return 0;
	if (e->listener == mem->listener)
		queue_depths(e, sk, tp);
	queue_flush(e);
	return 0;
}

/*
 * A request has waited for the last ACK in vain, or its SYN came once more. The
 * socket to be will have the cookie that the request is given here.
 */
SEC("tp_btf/tcp_retransmit_synack")
int BPF_PROG(queue_synack, struct sock *sk, struct request_sock *req)
{
	struct sock_common *skc = &req->__req_common;
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct event_queue *e;
	struct sock_mem *mem;

	if (!tp || sk->__sk_common.skc_state != TCB_STATE_LISTEN)
		return 0;
	mem = mem_get(sk, tp);
	if (mem)
		mem->listener = bpf_get_socket_cookie(sk);
	if (!mem || !event_wanted_of(sk, tp, mem, skc, EVENT_queue))
		return 0;
	e = EVENT_RESERVE(event_queue, EVENT_queue);
	if (!e)
		return 0;
	queue_fill(e, sk, tp, mem, QUEUE_SYN_ACK_resent);
	queue_depths(e, sk, tp);
	e->nth = req->num_retrans + 1;
	e->ev.cookie = bpf_get_socket_cookie(skc);
	e->ev.owner_how = mem->pid ? HOW_derived : 0;
	e->ev.rport = bpf_ntohs(skc->skc_dport);
	e->ev.family = sock_addrs(skc, &e->ev.laddr, &e->ev.raddr);
	EVENT_SUBMIT(e);
	return 0;
}
