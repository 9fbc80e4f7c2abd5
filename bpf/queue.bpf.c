// SPDX-License-Identifier: GPL-2.0
/*
 * Queue events: both queues of each listener. Its children tell most of them
 * (queue.h); here is what is heard of the listener itself.
 */
#include "bpf/queue_accept.h"

EVENT_ANCHOR(event_queue);

__u64 queue_others;
__u64 queue_resets;

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
	int overflow = compat_listen_overflow();
	struct sock *sk = compat_drop_sk(ctx);
	struct event_queue *e;
	struct sock_mem *mem;
	struct tcp_sock *tp;
	struct packet p;

	if (reason != overflow || !sk)
		return 0;
	tp = bpf_skc_to_tcp_sock(sk);
	if (!tp || !packet_received(&p, skb))
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

/* An event of a child that accept() has taken, and of which nobody has told. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct event_queue);
} accept_unseen SEC(".maps");

/*
 * Nobody has seen it come, and since when it has waited is not known: the
 * kernel has left out the programs that would have, or there was no room.
 */
static __noinline int accept_tell_unseen(__u64 sk, __u32 fd, __u64 from)
{
	struct event_queue *e;
	struct ends ends = {};
	__u32 key = 0;

	e = bpf_map_lookup_elem(&accept_unseen, &key);
	if (!e || !fd_is_tcp(sk))
		return 0;
	fd_ends(&ends, sk);
	event_unowned(&e->ev, &ends);
	e->ev.uid = peek_word(PEEK_FIELD(sk, struct sock, sk_uid));
	queue_blank(e, QUEUE_completed);
	e->listener = 0;
	e->limit = peek_word(PEEK_FIELD(sk, struct sock, sk_max_ack_backlog));
	accept_owner(&e->ev);
	accept_from(e, from);
	e->accept = UNKNOWN;
	e->depth_how = 0;
	e->ev.how = HOW_derived;
	if (!e->ev.foreign && event_passes(&e->ev, 0, 1u << TCB_STATE_SYN_RECV))
		queue_emit(e);
	e->ev.ts_ns = 0;
	accept_emit(e, fd, from, bpf_ktime_get_ns());
	return 0;
}

/* The child at @sk, a number, has become a file descriptor. */
static __noinline int accept_made(__u64 sk, __u32 fd, __u64 from)
{
	struct event_queue *in = queue_child_find(peek_cookie(sk));

	if (in)
		accept_tell(in, fd, from);
	else if (config.light)
		accept_tell_unseen(sk, fd, from);
	return 0;
}

/* A call ends: is it accept()? Most are not. */
static __always_inline int accept_ends(void)
{
	__s64 ret;
	__u64 sk;

	if (!accept_calls())
		return 0;
	ret = compat_syscall_result();
	sk = ret < 0 ? 0 : fd_sock(ret);
	return sk ? accept_made(sk, ret, fd_sock(compat_syscall_arg1())) : 0;
}

/* Where calls are traced, for the program that is there. */
__noinline int queue_exit(void)
{
	return config.named & 1u << EVENT_queue ? accept_ends() : 0;
}

/* accept() is about to return: the one moment at which it is exactly known. */
SEC("tp_btf/sys_exit")
int queue_accepts(void *ctx)
{
	return accept_ends();
}

/*
 * The same by io_uring. A request that accepts again and again is told of only
 * when it ends: in between, what has become a descriptor has been accepted.
 */
SEC("tp_btf/io_uring_complete")
int queue_uring(unsigned long long *ctx)
{
	__u64 req = ctx[1];
	__u8 op = req ? fd_word(FD_AT(req, struct io_kiocb, opcode)) : 0;
	struct fd made, from = {};
	int nr;

	if (req && (op >= CONFIG_URING || config.uring[op] != CALL_accept))
		return 0;
	nr = compat_uring_answer(ctx).res;
	if (nr < 0)
		return 0;
	fd_find(&made, nr);
	if (made.kind != FD_TCP)
		return 0;
	if (req)
		fd_look(&from, peek_pointer(FD_AT(req, struct io_kiocb, file)));
	return accept_made(made.sk, nr, from.sk);
}
