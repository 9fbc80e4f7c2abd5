// SPDX-License-Identifier: GPL-2.0
/*
 * Queue events by entry and exit of the kernel's functions, for those kernels
 * that let them be traced: all that happens to a queue, just when it does.
 */
#include "bpf/queue_accept.h"

/* The SYN that the kernel is deciding on, on this CPU. */
struct decision {
	__u32 syn, young, accept; /* the depths before */
	bool pending, queued, cookie;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct decision);
} queue_decision SEC(".maps");

static __always_inline struct decision *decision(void)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&queue_decision, &key);
}

/* What the function has returned; how many arguments it has does not matter. */
static __always_inline __u64 returned(void *ctx)
{
	__u64 value = 0;

	return bpf_get_func_ret(ctx, &value) ? 0 : value;
}

/* ------------------------------------------------------------------- SYNs */

SEC("fentry/tcp_conn_request")
int BPF_PROG(queue_decides, void *ops, void *af_ops, struct sock *sk)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct decision *d = decision();

	if (!tp || !d)
		return 0;
	d->syn = tp->inet_conn.icsk_accept_queue.qlen.counter;
	d->young = tp->inet_conn.icsk_accept_queue.young.counter;
	d->accept = sk->sk_ack_backlog;
	d->queued = d->cookie = false;
	d->pending = true;
	return 0;
}

static __always_inline int cookie_begins(void)
{
	struct decision *d = decision();

	if (d)
		d->cookie = true;
	return 0;
}

SEC("fentry/cookie_v4_init_sequence")
int BPF_PROG(queue_cookie4)
{
	return cookie_begins();
}

SEC("fentry/cookie_v6_init_sequence")
int BPF_PROG(queue_cookie6)
{
	return cookie_begins();
}

/* Its timer runs if it is there; another CPU may have been first. */
SEC("fexit/inet_csk_reqsk_queue_hash_add")
int BPF_PROG(queue_hashed, struct sock *sk, struct request_sock *req)
{
	struct decision *d = decision();
	struct event_queue *e;

	if (d)
		d->queued = true;
	if (!req->rsk_timer.entry.pprev)
		return 0;
	e = queue_of_request(sk, req, QUEUE_SYN_queued);
	if (e)
		EVENT_SUBMIT(e);
	return 0;
}

static __always_inline void decided(struct event_queue *e, struct net *net,
				    const struct decision *d)
{
	enum queue_op op = d->cookie ? QUEUE_cookie_sent : QUEUE_SYN_dropped;

	e->syn = d->syn;
	e->young = d->young;
	e->accept = d->accept;
	e->ev.how = HOW_observed;
	queue_judge(e, net, 0);
	if (e->op == op)
		return;
	e->op = op; /* for want of a route, or of memory */
	e->rule = QUEUE_RULE_NONE;
	e->rule_how = 0;
}

/* It is neither in a queue nor a connection by now. */
SEC("fexit/tcp_conn_request")
int BPF_PROG(queue_decided, void *ops, void *af_ops, struct sock *sk,
	     struct sk_buff *skb)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct decision *d = decision();
	struct event_queue *e;
	struct sock_mem *mem;
	struct packet p;
	bool pending;

	if (!tp || !d)
		return 0;
	pending = d->pending && !d->queued;
	d->pending = false;
	if (!pending || !packet_received(&p, skb))
		return 0;
	mem = mem_find(sk);
	packet_of(&p, sock_of(tp));
	if (!packet_wanted(&p, mem, TCB_STATE_LISTEN, EVENT_queue))
		return 0;
	e = EVENT_RESERVE(event_queue, EVENT_queue);
	if (!e)
		return 0;
	queue_of_packet(e, &p, tp, mem);
	e->listener = bpf_get_socket_cookie(sk);
	decided(e, sock_of(tp)->__sk_common.skc_net.net, d);
	EVENT_SUBMIT(e);
	return 0;
}

/* --------------------------------------------------- requests that complete */

/* The child is in the accept queue of the listener now. */
static __always_inline void entered(struct sock *sk, struct sock *child,
				    struct request_sock *req)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(child);
	struct tcp_sock *listener = bpf_skc_to_tcp_sock(sk);
	struct sock_mem *mem = mem_find(child);
	struct event_queue *e;

	if (!tp || !listener || !mem)
		return;
	e = queue_comes(child, tp, mem, QUEUE_completed);
	if (!e)
		return;
	queue_depths(e, sk, listener);
	queue_came(e, bpf_skc_to_tcp_request_sock(&req->__req_common));
	queue_enter(e, mem);
	queue_flush(e);
}

SEC("fexit/inet_csk_complete_hashdance")
int BPF_PROG(queue_dances, struct sock *sk, struct sock *child,
	     struct request_sock *req)
{
	if (returned(ctx))
		entered(sk, child, req);
	return 0;
}

/* The same of who comes by a cookie, or by Fast Open with its first SYN. */
SEC("fexit/inet_csk_reqsk_queue_add")
int BPF_PROG(queue_adds, struct sock *sk, struct request_sock *req,
	     struct sock *child)
{
	struct decision *d = decision();

	if (d)
		d->queued = true;
	if (returned(ctx))
		entered(sk, child, req);
	return 0;
}

static __always_inline int overflows(void *ctx, struct sock *sk,
				     struct request_sock *req, bool cookie)
{
	struct event_queue *e;

	if (returned(ctx))
		return 0;
	e = queue_of_request(sk, req, QUEUE_accept_overflow);
	if (!e)
		return 0;
	if (e->accept > e->limit) { /* else for want of memory */
		queue_judge_ack(e, req->__req_common.skc_net.net);
		if (cookie)
			e->rule = QUEUE_RULE_third_ACK_overflow;
	}
	EVENT_SUBMIT(e);
	return 0;
}

SEC("fexit/tcp_v4_syn_recv_sock")
int BPF_PROG(queue_child4, struct sock *sk, struct sk_buff *skb,
	     struct request_sock *req, void *dst, struct request_sock *unhash)
{
	return overflows(ctx, sk, req, !unhash);
}

/* What comes over IPv4 is the other one's. */
SEC("fexit/tcp_v6_syn_recv_sock")
int BPF_PROG(queue_child6, struct sock *sk, struct sk_buff *skb,
	     struct request_sock *req, void *dst, struct request_sock *unhash)
{
	if (skb->protocol == bpf_htons(ETH_P_IP))
		return 0;
	return overflows(ctx, sk, req, !unhash);
}

/*
 * Where the two above have more arguments than the kernel can take, they are
 * seen from those that call them: an ACK that completes the handshake, and that
 * nothing comes of while the queue is full.
 */
static __always_inline bool dance_completes(struct sk_buff *skb,
					    struct request_sock *req,
					    struct tcp_sock *tp)
{
	const __u8 mask = TCPHDR_SYN | TCPHDR_ACK | TCPHDR_RST;
	struct tcp_skb_cb *cb = (void *)&skb->cb;
	struct tcp_request_sock *treq = bpf_skc_to_tcp_request_sock(
		&req->__req_common);

	return treq && (cb->tcp_flags & mask) == TCPHDR_ACK &&
	       cb->ack_seq == treq->snt_isn + 1 &&
	       cb->seq - treq->rcv_nxt <= req->__req_common.skc_rcv_wnd &&
	       (cb->end_seq != treq->rcv_nxt ||
		!tp->inet_conn.icsk_accept_queue.rskq_defer_accept);
}

static __always_inline void overflowed(struct sock *sk,
				       struct request_sock *req, bool cookie)
{
	struct event_queue *e;

	if (sk->sk_ack_backlog <= sk->sk_max_ack_backlog)
		return;
	e = queue_of_request(sk, req, QUEUE_accept_overflow);
	if (!e)
		return;
	e->ev.how = HOW_derived;
	queue_judge_ack(e, req->__req_common.skc_net.net);
	if (cookie)
		e->rule = QUEUE_RULE_third_ACK_overflow;
	EVENT_SUBMIT(e);
}

SEC("fexit/tcp_check_req")
int BPF_PROG(queue_checked, struct sock *sk, struct sk_buff *skb,
	     struct request_sock *req, bool fastopen)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);

	if (tp && !fastopen && !returned(ctx) && dance_completes(skb, req, tp))
		overflowed(sk, req, false);
	return 0;
}

SEC("fentry/tcp_get_cookie_sock")
int BPF_PROG(queue_cookie_back, struct sock *sk, struct sk_buff *skb,
	     struct request_sock *req)
{
	overflowed(sk, req, true);
	return 0;
}

/* ------------------------------------------------ requests that end otherwise */

/* Those that have completed are not in the SYN queue any more by then. */
SEC("fexit/__inet_csk_reqsk_queue_drop")
int BPF_PROG(queue_dropped, struct sock *sk, struct request_sock *req,
	     bool from_timer)
{
	struct event_queue *e;

	if (!(returned(ctx) & 1))
		return 0;
	e = queue_of_request(sk, req, from_timer ? QUEUE_expired : QUEUE_reset);
	if (!e)
		return 0;
	e->syn_wait_us = queue_syn_wait(
		bpf_skc_to_tcp_request_sock(&req->__req_common));
	e->wait_how = e->syn_wait_us ? HOW_observed : 0;
	EVENT_SUBMIT(e);
	return 0;
}

/* ------------------------------------------------------------------ accept() */

/*
 * A child is taken out. If accept() does it that tells of it when it returns,
 * with the file descriptor; io_uring and the kernel's own threads have none.
 */
SEC("fexit/inet_csk_accept")
int BPF_PROG(queue_taken, struct sock *sk)
{
	__u64 child = returned(ctx), cookie = child ? peek_cookie(child) : 0;
	struct event_queue *in;

	in = bpf_map_lookup_elem(&queue_children, &cookie);
	if (!in)
		return 0;
	in->op = QUEUE_accepted;
	in->listener = bpf_get_socket_cookie(sk); /* older ones lack it */
	in->accept = sk->sk_ack_backlog;
	in->depth_how = HOW_observed;
	if (!accept_calls())
		accept_tell(in, UNKNOWN, 0);
	return 0;
}
