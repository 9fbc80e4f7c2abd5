/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Children without a memory of their own, where only queues are traced.
 *
 * The kernel's copy of the listener's memory would be most of what a child
 * costs. Where its listener is seen right after it, on the same CPU and in one
 * go, the copy tells nothing more: until then what is known of the child is
 * kept for its CPU, and then in the map of those that wait, until it is
 * accepted or gone.
 */
#ifndef TCBSCOPE_QUEUE_LEAN_H
#define TCBSCOPE_QUEUE_LEAN_H

#include "bpf/queue.h"

#define LEAN_FAST 4096 /* children by Fast Open whose handshake is going on */

/* These, by the address of the socket, which leaves SYN_RECV before it goes. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LEAN_FAST);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, struct event_queue);
} lean_fasts SEC(".maps") __weak;

/* All that a child says of itself; whose it is says its listener. */
static __always_inline void lean_fill(struct event_queue *e, struct sock *sk,
				      struct tcp_sock *tp, enum queue_op op)
{
	struct ends ends;

	ends_read(&ends, sk, tp);
	queue_blank(e, op);
	event_unowned(&e->ev, &ends);
	e->ev.uid = sk->sk_uid.val;
	e->listener = 0;
	e->limit = sk->sk_max_ack_backlog;
}

/* What its listener says of it. */
static __always_inline void lean_owner(struct event_queue *e, struct sock *sk,
				       struct sock_mem *mem)
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

/* It waits from now on, and is told, unless the filter stops it. */
static __always_inline void lean_tell(struct event_queue *e)
{
	bool passes = wanted(!e->ev.foreign &&
				     event_passes(&e->ev, 0,
						  1u << TCB_STATE_SYN_RECV),
			     EVENT_queue);

	e->pad[0] = passes ? 0 : QUEUE_HIDDEN;
	if (!passes && !NEEDS(PID) && !NEEDS(COMM))
		return; /* else it may be accepted by one that is */
	if (config.named & 1u << EVENT_queue)
		bpf_map_update_elem(&queue_children, &e->ev.cookie, e, BPF_ANY);
	if (passes)
		queue_emit(e);
}

/* A child has just been copied. */
static __always_inline void lean_born(struct sock *sk)
{
	struct queue_coming *c = queue_coming();

	if (!c)
		return;
	c->sk = (__u64)sk;
	c->answered = config.tells_syns && queue_syn_answered(sock_rport(sk));
}

/* It comes into the accept queue, and its listener will be told of it. */
static __always_inline void lean_comes(struct queue_coming *c, struct sock *sk,
				       struct tcp_sock *tp)
{
	struct event_queue *e = &c->e;

	lean_fill(e, sk, tp, QUEUE_completed);
	if (!tp->total_retrans && tp->srtt_us) {
		/* the first round-trip time is that of the SYN-ACK */
		e->syn_wait_us = tp->srtt_us >> 3;
		e->wait_how = HOW_derived;
	}
}

/*
 * It has come by Fast Open, and is not known yet: only its address is. It is
 * told when its handshake is complete, or when it is used before that.
 */
static __always_inline void lean_keep(struct queue_coming *c, struct sock *sk,
				      struct tcp_sock *tp, struct sock_mem *mem)
{
	struct event_queue *e = &c->e;

	queue_blank(e, QUEUE_fast_opened);
	lean_owner(e, sk, mem);
	queue_depths(e, sk, tp);
	e->ev.how = HOW_derived;
	bpf_map_update_elem(&lean_fasts, &c->sk, e, BPF_ANY);
	e->ev.type = 0;
}

/* The listener is told that a child has come. */
static __always_inline void lean_ready(struct sock *sk)
{
	struct queue_coming *c = queue_coming();
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct sock_mem *mem;

	if (!c || !tp || (!c->e.ev.type && !c->sk))
		return;
	mem = mem_get(sk, tp);
	if (!mem) {
		wanted(false, EVENT_queue);
	} else if (!c->e.ev.type) {
		lean_keep(c, sk, tp, mem);
	} else {
		lean_owner(&c->e, sk, mem);
		queue_depths(&c->e, sk, tp);
		if (c->answered && mem->queued_syn & QUEUED_COOKIES) {
			c->e.op = QUEUE_cookie_accepted;
			c->e.ev.how = HOW_derived;
			c->e.syn_wait_us = 0;
			c->e.wait_how = 0;
		}
		lean_tell(&c->e);
	}
	c->e.ev.type = 0;
	c->sk = 0;
}

/* One that came by Fast Open turns out to have. */
static __noinline int lean_fast(struct sock *sk, struct tcp_sock *tp)
{
	__u64 key = (__u64)sk;
	struct event_queue *e = bpf_map_lookup_elem(&lean_fasts, &key);
	struct ends ends;

	if (!e || !queue_claim(e, 0))
		return 0;
	ends_read(&ends, sk, tp);
	ends_fill(&e->ev, &ends);
	e->ev.uid = sk->sk_uid.val;
	e->wait_ns = UNKNOWN_NS;
	lean_tell(e);
	bpf_map_delete_elem(&lean_fasts, &key);
	return 0;
}

/* What waits under this cookie, which nobody has to ask for; NULL. */
static __always_inline struct event_queue *lean_waits(struct sock *sk,
						      __u64 *cookie)
{
	*cookie = sk->__sk_common.skc_cookie.counter;
	return *cookie ? bpf_map_lookup_elem(&queue_children, cookie) : NULL;
}

/* A child turns out to have been accepted; by whom is known if it is @used. */
static __noinline void lean_accepted(struct event_queue *e, bool used)
{
	nsec_t now = bpf_ktime_get_ns(), since = e->ev.ts_ns;

	if (!queue_claim(e, since ? now - since : 0))
		return;
	if (used)
		queue_owner(&e->ev);
	if (!wanted(!e->ev.foreign && event_passes(&e->ev, 0,
						   1u << TCB_STATE_ESTABLISHED),
		    EVENT_queue))
		return;
	queue_blank(e, QUEUE_accepted);
	e->ev.ts_ns = now;
	e->ev.how = HOW_derived;
	e->wait_ns = since ? now - since : UNKNOWN_NS;
	e->wait_how = since ? HOW_derived : 0;
	queue_emit(e);
}

/* A process sends or receives: what has waited does so no more. */
static __always_inline void lean_used(struct sock *sk)
{
	struct event_queue *e;
	struct tcp_sock *tp;
	__u64 cookie;

	if (sk->__sk_common.skc_state == TCB_STATE_SYN_RECV) {
		tp = bpf_skc_to_tcp_sock(sk);
		if (tp)
			lean_fast(sk, tp);
	}
	e = lean_waits(sk, &cookie);
	if (!e)
		return;
	lean_accepted(e, true);
	bpf_map_delete_elem(&queue_children, &cookie);
}

/*
 * It closes, or is closed: what a process has had was accepted. What an RST
 * ends can still be; nothing else can.
 */
static __always_inline void lean_closes(struct sock *sk)
{
	struct event_queue *e;
	struct sock_mem *mem;
	__u64 cookie;

	e = lean_waits(sk, &cookie);
	if (!e)
		return;
	mem = mem_find(sk);
	if (sk->sk_socket) {
		lean_accepted(e, false);
	} else if (mem && mem->flags & MEM_RST) {
		e->pad[0] |= QUEUE_RESET;
		return;
	}
	bpf_map_delete_elem(&queue_children, &cookie);
}

/* It leaves SYN_RECV: the last one that was born here, or one by Fast Open. */
static __always_inline void lean_opens(struct sock *sk, struct tcp_sock *tp,
				       int new, bool second)
{
	struct queue_coming *c = queue_coming();

	if (!c || c->sk != (__u64)sk) {
		lean_fast(sk, tp);
		return;
	}
	c->sk = 0;
	if (new != TCB_STATE_ESTABLISHED)
		return;
	if (second)
		COUNT(recovered);
	lean_comes(c, sk, tp);
}

/*
 * A transition of what is no listener. Both copies of the program for states
 * may do this: what is done is not there to be done again.
 */
static __always_inline int lean_changes(struct sock *sk, int old, int new,
					bool second)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);

	if (!tp)
		return 0;
	if (old == TCB_STATE_LISTEN)
		lean_born(sk);
	else if (old == TCB_STATE_SYN_RECV)
		lean_opens(sk, tp, new, second);
	if (new != TCB_STATE_ESTABLISHED && old != TCB_STATE_LISTEN)
		lean_closes(sk);
	return 0;
}

#endif
