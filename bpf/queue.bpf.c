// SPDX-License-Identifier: GPL-2.0
/*
 * Queue events: both queues of each listener. Its children tell most of them
 * (queue.h); here is what is heard of the listener itself.
 */
#include "bpf/fd.h"
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
	if (!e || !e->ev.type)
		return 0;
	mem = mem_find(sk);
	tp = bpf_skc_to_tcp_sock(sk);
	if (mem && tp && e->listener == mem->listener)
		queue_depths(e, sk, tp);
	queue_flush(e);
	return 0;
}

/* A request has waited for the last ACK in vain, or its SYN came once more. */
SEC("tp_btf/tcp_retransmit_synack")
int BPF_PROG(queue_synack, struct sock *sk, struct request_sock *req)
{
	struct event_queue *e = queue_of_request(sk, req, QUEUE_SYN_ACK_resent);

	if (!e)
		return 0;
	e->nth++;
	EVENT_SUBMIT(e);
	return 0;
}

/*
 * The last ACK has found no room. Only newer kernels give that as a reason; the
 * others refuse the program, which names it.
 */
SEC("tp_btf/kfree_skb")
int BPF_PROG(queue_overflow, struct sk_buff *skb, void *location, int reason)
{
	struct sock *sk = compat_drop_sk(ctx);
	struct event_queue *e;
	struct sock_mem *mem;
	struct tcp_sock *tp;
	struct packet p;

	if (reason != compat_listen_overflow() || !sk)
		return 0;
	tp = bpf_skc_to_tcp_sock(sk);
	if (!tp || !packet_read(&p, skb, packet_network(skb), false))
		return 0;
	mem = mem_find(sk);
	packet_of(&p, sock_of(tp));
	if (!packet_wanted(&p, mem, TCB_STATE_LISTEN, EVENT_queue))
		return 0;
	e = EVENT_RESERVE(event_queue, EVENT_queue);
	if (!e)
		return 0;
	queue_of_packet(e, &p, tp, mem);
	e->ev.how = HOW_observed;
	e->listener = bpf_get_socket_cookie(sk);
	queue_judge_ack(e, sock_of(tp)->__sk_common.skc_net.net);
	EVENT_SUBMIT(e);
	return 0;
}

/* Which listener is behind a file descriptor, and its accept queue's depth. */
static __always_inline void accept_from(struct event_queue *e, __u32 fd)
{
	__u64 sk = fd_sock(fd);
	struct peeked p = {};

	if (!e->listener && sk)
		e->listener = fd_cookie(sk);
	if (!sk ||
	    peek(&p, sk + bpf_core_field_offset(struct sock, sk_ack_backlog)))
		return;
	e->accept = p.word[0];
	e->depth_how = HOW_sampled;
}

/* What has come in is taken out by the running process, just now. */
static __always_inline void accepts(const struct event_queue *in, __u32 fd)
{
	struct event_queue *e = EVENT_RESERVE(event_queue, EVENT_queue);
	__u64 id = bpf_get_current_pid_tgid();

	if (!e)
		return;
	__builtin_memcpy(e, in, sizeof(*e));
	e->op = QUEUE_accepted;
	e->ev.how = HOW_observed;
	e->ev.ts_ns = bpf_ktime_get_ns();
	e->ev.seq = 0; /* its memory is out of reach */
	e->ev.pid = id >> 32;
	e->ev.tid = id;
	bpf_get_current_comm(e->ev.comm, sizeof(e->ev.comm));
	e->ev.owner_how = HOW_observed;
	e->syn_wait_us = 0;
	e->wait_how = 0;
	if (in->ev.ts_ns) { /* else it is older than the trace */
		e->wait_ns = e->ev.ts_ns - in->ev.ts_ns;
		e->wait_how = HOW_observed;
	}
	e->fd = fd;
	e->syn = UNKNOWN;
	e->young = UNKNOWN;
	e->accept = UNKNOWN;
	e->depth_how = 0;
	accept_from(e, compat_syscall_arg1());
	EVENT_SUBMIT(e);
}

/* accept() is about to return: the one moment at which it is exactly known. */
SEC("tp_btf/sys_exit")
int BPF_PROG(queue_accepts, struct pt_regs *regs, long ret)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	struct event_queue *waits, in;
	__u64 sk, cookie;
	__u32 nr;

	if (ret < 0)
		return 0;
	nr = compat_syscall_nr(task);
	if (nr != config.accept[0] && nr != config.accept[1])
		return 0;
	sk = fd_sock(ret);
	if (!sk)
		return 0;
	cookie = fd_cookie(sk);
	waits = bpf_map_lookup_elem(&queue_children, &cookie);
	if (!waits)
		return 0;
	in = *waits;
	if (!bpf_map_delete_elem(&queue_children, &cookie))
		accepts(&in, ret); /* else another thread has used it already */
	return 0;
}
