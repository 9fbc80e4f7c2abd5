// SPDX-License-Identifier: GPL-2.0
/*
 * Queue events where nothing else is traced: no child has a memory.
 *
 * The kernel's copy of the listener's memory for each child, and a program at
 * each of its transitions, would be most of what a connection costs. But its
 * listener is told of a child right after it has come into the accept queue, on
 * the same CPU, while the child is still locked: nobody has it or closes it
 * before that. So all is told there. What is known of a child then stands under
 * its cookie (queue_child_find), until it is accepted or goes.
 */
#include "bpf/queue_accept.h"

/* All that a child says of itself. It waits to be told with its listener. */
static __noinline void child_fill(struct event_queue *e, struct sock *sk,
				  struct tcp_sock *tp)
{
	struct ends ends;

	ends_read(&ends, sk, tp);
	event_unowned(&e->ev, &ends);
	e->ev.uid = sk->sk_uid.val;
	e->limit = sk->sk_max_ack_backlog;
	queue_blank(e, QUEUE_completed);
	if (!tp->total_retrans && tp->srtt_us) {
		/* the first round-trip time is that of the SYN-ACK */
		e->syn_wait_us = tp->srtt_us >> 3;
		e->wait_how = HOW_derived;
	}
}

/* What its listener says of it. */
static __always_inline void child_belongs(struct event_queue *e,
					  struct sock *sk, struct sock_mem *mem)
{
	if (!mem->listener)
		mem->listener = bpf_get_socket_cookie(sk);
	e->listener = mem->listener;
	e->ev.pid = mem->pid;
	e->ev.tid = mem->tid;
	__builtin_memcpy(e->ev.comm, mem->comm, sizeof(e->ev.comm));
	e->ev.owner_how = mem->pid ? HOW_derived : 0;
	e->ev.foreign = config.offspring & ~mem->flags & MEM_TREE;
}

/*
 * It waits from now on. If there is no room for it, it is told when it is
 * accepted. False: that is so, or it has been told before.
 */
static __always_inline bool child_enters(const struct event_queue *e)
{
	struct event_queue *in = queue_child_find(e->ev.cookie);

	if (in && in->ev.ts_ns)
		return false;
	if (in) /* the snapshot took it for an old one */
		__builtin_memcpy(in, e, sizeof(*in));
	else if (!queue_child_add(e))
		COUNT(no_storage);
	else
		return true;
	return in;
}

static __noinline void child_tell(struct event_queue *e)
{
	bool passes = wanted(!e->ev.foreign &&
				     event_passes(&e->ev, 0,
						  1u << TCB_STATE_SYN_RECV),
			     EVENT_queue);

	e->pad[0] = passes ? 0 : QUEUE_HIDDEN;
	if (!passes && !NEEDS(PID) && !NEEDS(COMM))
		return; /* else it may be accepted by one that is */
	if (child_enters(e) && passes)
		queue_emit(e);
}

/*
 * What makes it known that the child came by: its request, if that stands there
 * still. Else, by where a handshake without a cookie has left its time.
 */
static __always_inline void child_came(struct event_queue *e,
				       struct request_sock *req,
				       struct sock_mem *mem)
{
	bool cookie = config.tells_syns && queue_syn_answered(e->ev.rport) &&
		      mem->queued_syn & QUEUED_COOKIES;

	if (req) {
		queue_came(e, bpf_skc_to_tcp_request_sock(&req->__req_common));
		return;
	}
	if (cookie)
		e->op = QUEUE_cookie_accepted;
	if (!e->syn_wait_us)
		e->ev.how = HOW_derived;
}

/* What is known of the child gets what its listener knows, and is told. */
static __always_inline void child_settles(struct event_queue *e,
					  struct sock *sk, struct tcp_sock *tp,
					  struct request_sock *req)
{
	struct sock_mem *mem = mem_get(sk, tp);

	if (!mem) {
		wanted(false, EVENT_queue);
		return;
	}
	child_belongs(e, sk, mem);
	queue_depths(e, sk, tp);
	child_came(e, req, mem);
	child_tell(e);
}

/*
 * The request of the child that came last, if this CPU has made that: then it
 * is the one that the listener is told of. Else another one came after it.
 */
static __always_inline struct request_sock *child_last(struct tcp_sock *tp,
						       struct sock **child)
{
	struct request_sock *req;

	req = tp->inet_conn.icsk_accept_queue.rskq_accept_tail;
	*child = req ? req->sk : NULL;
	if (!*child || (*child)->__sk_common.skc_incoming_cpu !=
			       (int)bpf_get_smp_processor_id())
		return NULL;
	return req;
}

/* Is this what is known of it? Then somebody has asked for its cookie. */
static __always_inline bool child_is(struct sock *child,
				     const struct event_queue *e)
{
	__u64 cookie = child->__sk_common.skc_cookie.counter;

	return cookie && cookie == e->ev.cookie;
}

/*
 * The listener is told that a child has come. If that is not known yet it has
 * come by Fast Open, or its transition was left out by the kernel.
 */
static __always_inline int child_comes(struct sock *sk, enum how how)
{
	struct event_queue *e = queue_waiting();
	struct tcp_sock *tp, *child_tp;
	struct request_sock *req;
	struct sock *child;

	if (sk->__sk_common.skc_state != TCB_STATE_LISTEN || !sock_is_tcp(sk))
		return 0;
	tp = bpf_skc_to_tcp_sock(sk);
	if (!tp || !e)
		return 0;
	req = child_last(tp, &child);
	if (req && !child_is(child, e)) {
		child_tp = bpf_skc_to_tcp_sock(child);
		if (!child_tp)
			return 0;
		child_fill(e, child, child_tp);
	}
	if (!e->ev.type)
		return 0;
	if (how == HOW_recovered)
		COUNT(recovered);
	e->ev.how = how;
	child_settles(e, sk, tp, req);
	e->ev.type = 0; /* the cookie stays: it is told */
	return 0;
}

SEC("tp_btf/sk_data_ready")
int BPF_PROG(queue_child, struct sock *sk)
{
	return child_comes(sk, HOW_observed);
}

/*
 * The kernel leaves out the first one on top of itself, as where a softirq
 * comes while a process writes to another socket. What that one has told is
 * known by then.
 */
SEC("tp_btf/sk_data_ready")
int BPF_PROG(queue_child_again, struct sock *sk)
{
	return child_comes(sk, HOW_recovered);
}

/* A listener begins or ends: only a process makes it do so. */
static __noinline void listener_changes(struct sock *sk, struct tcp_sock *tp,
					int new)
{
	struct sock_mem *mem = mem_find(sk);

	if (!mem && !EXCLUDED(sk, tp, new))
		mem = mem_make(sk);
	if (!mem)
		return;
	if (new == TCB_STATE_LISTEN) {
		mem->flags = (mem->flags & ~MEM_ENDS) | MEM_BORN;
		mem_own(mem);
	}
	mem->new = new;
	queue_listens(sk, tp, mem,
		      new == TCB_STATE_LISTEN ? QUEUE_listen : QUEUE_unlisten);
}

/* One by Fast Open has been told before. */
static __noinline void child_completes(struct sock *sk, struct tcp_sock *tp)
{
	struct event_queue *e = queue_waiting();

	if (e && !fastopen_child(tp))
		child_fill(e, sk, tp);
}

/* Most are of no interest, and left at once. */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(queue_changes, struct sock *sk, int old, int new)
{
	bool completes = old == TCB_STATE_SYN_RECV &&
			 new == TCB_STATE_ESTABLISHED;
	bool listens = new == TCB_STATE_LISTEN ||
		       (old == TCB_STATE_LISTEN && new == TCB_STATE_CLOSE);
	struct tcp_sock *tp;

	if ((!completes && !listens) || !sock_is_tcp(sk))
		return 0;
	tp = bpf_skc_to_tcp_sock(sk);
	if (!tp)
		return 0;
	if (completes)
		child_completes(sk, tp);
	else
		listener_changes(sk, tp, new);
	return 0;
}

/*
 * It was accepted after all, by who tells nobody: a thread of the kernel, or
 * io_uring into a table of its own. When is not known.
 */
static __always_inline void child_was_accepted(struct event_queue *in)
{
	struct event_queue *e;

	if (!queue_claim(in, 0))
		return;
	e = accept_event(in);
	if (!e)
		return;
	queue_blank(e, QUEUE_accepted);
	e->ev.how = HOW_derived;
	EVENT_SUBMIT(e);
}

/*
 * A socket goes. Who closes it shuts it down; a child that its listener forgets
 * is not.
 */
SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(queue_goes, struct sock *sk)
{
	__u64 cookie = sk->__sk_common.skc_cookie.counter;
	struct event_queue *in = queue_child_find(cookie);

	if (!in)
		return 0;
	if (sk->sk_shutdown)
		child_was_accepted(in);
	queue_child_drop(cookie);
	return 0;
}
