/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Telling of a listener's two queues, as seen from its children.
 *
 * A child is a copy of its listener, made just before it comes into the accept
 * queue: its own fields say how full the queues are. Its memory is a copy, too,
 * and says which listener it is. Where there is a tracepoint that tells of the
 * listener right after, that one has the exact depths (queue.bpf.c): until then
 * the event waits.
 */
#ifndef TCBSCOPE_QUEUE_H
#define TCBSCOPE_QUEUE_H

#include "bpf/call.h"
#include "bpf/fastopen.h"
#include "bpf/listener.h"
#include "bpf/packet.h"
#include "bpf/queue_syn.h"

#define QUEUE_CHILDREN 65536

/* The event of a child that has come into the accept queue; type 0: none. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct event_queue);
} queue_waits SEC(".maps");

/*
 * What waits to be accepted, by its cookie, as it came in: where accept() ends
 * there is no other way from a socket to its memory. Who sets wait_ns tells of
 * it, and leaves it there with its owner: the next who has the memory takes
 * that over, and takes it out.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, QUEUE_CHILDREN);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, struct event_queue);
} queue_children SEC(".maps");

/*
 * Most wait so shortly that one of a few places will do, which costs a tenth:
 * that of its cookie, if it is free. Only where no child has a memory, since
 * others than those below then need not find it.
 */
#define QUEUE_PLACES 64
#define PLACE_BUSY (1ull << 63) /* no socket has this cookie */

struct queue_place {
	__u64 cookie; /* of whom it has; PLACE_BUSY: just comes; 0: free */
	struct event_queue e;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, QUEUE_PLACES);
	__type(key, __u32);
	__type(value, struct queue_place);
} queue_places SEC(".maps");

extern __u64 queue_others; /* in queue_children then, or about to come there */
extern __u64 queue_resets; /* QUEUE_RESET is said of so many */

static __always_inline struct queue_place *queue_place(__u64 cookie)
{
	__u32 i = cookie % QUEUE_PLACES;

	return config.light ? bpf_map_lookup_elem(&queue_places, &i) : NULL;
}

/* What waits under this cookie, 0 if nobody has asked for one; NULL. */
static __always_inline struct event_queue *queue_child_find(__u64 cookie)
{
	struct queue_place *place = queue_place(cookie);

	if (!cookie)
		return NULL;
	if (place && place->cookie == cookie)
		return &place->e;
	if (config.light && !queue_others)
		return NULL;
	return bpf_map_lookup_elem(&queue_children, &cookie);
}

/* False: there is no room for it. To be called if it is not there only. */
static __always_inline bool queue_child_add(const struct event_queue *e)
{
	struct queue_place *place = queue_place(e->ev.cookie);

	if (place &&
	    !__sync_val_compare_and_swap(&place->cookie, 0, PLACE_BUSY)) {
		__builtin_memcpy(&place->e, e, sizeof(*e));
		__sync_lock_test_and_set(&place->cookie, e->ev.cookie);
		return true;
	}
	__sync_fetch_and_add(&queue_others, 1);
	if (!bpf_map_update_elem(&queue_children, &e->ev.cookie, e,
				 BPF_NOEXIST))
		return true;
	__sync_fetch_and_add(&queue_others, -1);
	return false;
}

static __always_inline void queue_child_drop(__u64 cookie)
{
	struct queue_place *place = queue_place(cookie);

	if (place &&
	    __sync_val_compare_and_swap(&place->cookie, cookie, 0) == cookie)
		return;
	if (!bpf_map_delete_elem(&queue_children, &cookie))
		__sync_fetch_and_add(&queue_others, -1);
}

static __always_inline struct event_queue *queue_waiting(void)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&queue_waits, &key);
}

/* All but whose event it is; depths and times are unknown. */
static __always_inline void queue_blank(struct event_queue *e, enum queue_op op)
{
	e->ev.type = EVENT_queue;
	e->ev.ts_ns = bpf_ktime_get_ns();
	e->ev.seq = 0;
	e->ev.how = HOW_observed;
	e->wait_ns = UNKNOWN_NS;
	e->syn_wait_us = 0;
	e->syn = UNKNOWN;
	e->young = UNKNOWN;
	e->accept = UNKNOWN;
	e->asked = UNKNOWN;
	e->fd = UNKNOWN;
	e->op = op;
	e->depth_how = 0;
	e->wait_how = 0;
	e->nth = 0;
	e->rule = QUEUE_RULE_NONE;
	e->rule_how = 0;
	e->state = 0;
	e->unread = UNKNOWN;
	e->drops = UNKNOWN;
	e->somaxconn = UNKNOWN;
	__builtin_memset(e->pad, 0, sizeof(e->pad));
}

/* What is common to all of @sk: the listener's limit is its own as well. */
static __always_inline void queue_fill(struct event_queue *e, struct sock *sk,
				       struct tcp_sock *tp,
				       struct sock_mem *mem, enum queue_op op)
{
	event_fill(&e->ev, sk, tp, mem);
	queue_blank(e, op);
	e->ev.seq = mem_seq(mem);
	e->listener = mem->listener;
	e->limit = sk->sk_max_ack_backlog;
}

/* Since its SYN-ACK was sent, which is when it was queued; 0: not known. */
static __always_inline usec_t queue_syn_wait(struct tcp_request_sock *treq)
{
	__u64 now = bpf_ktime_get_ns() / 1000;

	if (!treq || !treq->snt_synack || treq->snt_synack > now ||
	    now - treq->snt_synack > UNKNOWN)
		return 0;
	return now - treq->snt_synack ?: 1;
}

/* By what its child has come into the accept queue, and after which time. */
static __always_inline void queue_came(struct event_queue *e,
				       struct tcp_request_sock *treq)
{
	usec_t wait = queue_syn_wait(treq);

	if (treq && treq->tfo_listener)
		e->op = QUEUE_fast_opened;
	else if (!wait) /* a cookie has no clock */
		e->op = QUEUE_cookie_accepted;
	else
		e->op = QUEUE_completed;
	e->syn_wait_us = e->op == QUEUE_completed ? wait : 0;
	e->wait_how = e->syn_wait_us ? HOW_observed : 0;
}

/* The depths, read from the listener itself. */
static __always_inline void queue_depths(struct event_queue *e, struct sock *sk,
					 struct tcp_sock *tp)
{
	struct inet_connection_sock *icsk = &tp->inet_conn;

	e->syn = icsk->icsk_accept_queue.qlen.counter;
	e->young = icsk->icsk_accept_queue.young.counter;
	e->accept = sk->sk_ack_backlog;
	e->limit = sk->sk_max_ack_backlog;
	e->drops = sk->sk_drops.counter;
	e->depth_how = HOW_observed;
}

/* Of a listener, with the peer of a packet; whether so is to be found out. */
static __always_inline void queue_of_packet(struct event_queue *e,
					    const struct packet *p,
					    struct tcp_sock *tp,
					    struct sock_mem *mem)
{
	packet_fill(&e->ev, p, mem);
	queue_blank(e, 0);
	queue_depths(e, sock_of(tp), tp);
	e->ev.how = HOW_derived;
	if (mem && mem->pid)
		e->ev.owner_how = HOW_derived;
}

static __always_inline void queue_emit(const struct event_queue *from)
{
	struct event_queue *e = EVENT_RESERVE(event_queue, EVENT_queue);

	if (!e)
		return;
	__builtin_memcpy(e, from, sizeof(*e));
	EVENT_SUBMIT(e);
}

/*
 * Bits of pad[0] of a child's event in a map: it is not to be told, but that it
 * is accepted may be; the child has been reset.
 */
#define QUEUE_HIDDEN 1
#define QUEUE_RESET 2

/* One that still waits has missed its listener. */
static __always_inline void queue_flush(struct event_queue *e)
{
	if (!e->ev.type)
		return;
	if (!(e->pad[0] & QUEUE_HIDDEN))
		queue_emit(e);
	e->ev.type = 0;
}

/*
 * An event of a request of listener @sk, with the depths as they are, and of
 * the socket to be: that one will have the cookie which the request is given
 * here. NULL: not wanted, or no room.
 */
static __always_inline struct event_queue *queue_of_request(
	struct sock *sk, struct request_sock *req, enum queue_op op)
{
	struct sock_common *skc = &req->__req_common;
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct event_queue *e;
	struct sock_mem *mem;

	if (!tp || sk->__sk_common.skc_state != TCB_STATE_LISTEN)
		return NULL;
	mem = mem_get(sk, tp);
	if (mem)
		mem->listener = bpf_get_socket_cookie(sk);
	if (!mem || !event_wanted_of(sk, tp, mem, skc, EVENT_queue))
		return NULL;
	e = EVENT_RESERVE(event_queue, EVENT_queue);
	if (!e)
		return NULL;
	event_fill(&e->ev, sk, tp, mem);
	queue_blank(e, op);
	queue_depths(e, sk, tp);
	e->listener = mem->listener;
	e->ev.cookie = bpf_get_socket_cookie(skc);
	e->ev.owner_how = mem->pid ? HOW_derived : 0;
	e->ev.rport = bpf_ntohs(skc->skc_dport);
	e->ev.family = sock_addrs(skc, &e->ev.laddr, &e->ev.raddr);
	e->nth = req->num_retrans;
	return e;
}

/* sock_mem.queued_syn; of these a listener has the first only. */
#define QUEUED_COOKIES (1u << 31)   /* it has sent cookies */
#define QUEUED_BY_COOKIE (1u << 30) /* the child has brought one back */
#define QUEUED_TOLD (1u << 29)	    /* that the child came is told, or hidden */
#define QUEUED_DEPTH 0x1fffffff /* of the SYN queue when the child was copied */

/*
 * The depths by the child: as they were when it was copied, and changed by
 * itself since. Newer kernels clear its copy of the SYN queue at once.
 */
static __always_inline void queue_copied(struct event_queue *e, struct sock *sk,
					 struct sock_mem *mem)
{
	__u32 syn = mem->queued_syn & QUEUED_DEPTH;

	if (syn)
		e->syn = syn - (e->op == QUEUE_completed);
	e->accept = sk->sk_ack_backlog + 1;
	e->depth_how = HOW_derived;
}

/*
 * A child comes into the accept queue now. The depths are still to be filled
 * in. NULL: not wanted, or told before.
 */
static __always_inline struct event_queue *queue_comes(struct sock *sk,
						       struct tcp_sock *tp,
						       struct sock_mem *mem,
						       enum queue_op op)
{
	struct event_queue *e = queue_waiting();
	bool wanted;

	if (!e || mem->flags & MEM_QUEUED)
		return NULL;
	wanted = event_wanted(sk, tp, mem, EVENT_queue);
	if (!wanted && !NEEDS(PID) && !NEEDS(COMM))
		return NULL; /* else it may be accepted by one that is */
	queue_flush(e);
	mem->flags |= MEM_QUEUED;
	mem->queued_syn |= QUEUED_TOLD;
	queue_fill(e, sk, tp, mem, op);
	if (op == QUEUE_completed && !tp->total_retrans && tp->srtt_us) {
		/* the first round-trip time is that of the SYN-ACK */
		e->syn_wait_us = tp->srtt_us >> 3;
		e->wait_how = HOW_derived;
	}
	e->pad[0] = wanted ? 0 : QUEUE_HIDDEN;
	mem->queued_ns = e->ev.ts_ns;
	return e;
}

/* It is found by its cookie from now on, or it has its time in the memory. */
static __always_inline void queue_enter(struct event_queue *e,
					struct sock_mem *mem)
{
	/* who finds it so is there for those who have named queue events */
	if (config.named & 1u << EVENT_queue &&
	    !bpf_map_update_elem(&queue_children, &e->ev.cookie, e, BPF_ANY))
		mem->queued_ns = 0;
}

static __noinline void queue_completed(struct sock *sk, struct tcp_sock *tp,
				       struct sock_mem *mem)
{
	bool cookie = mem->queued_syn & QUEUED_BY_COOKIE;
	struct event_queue *e;

	e = queue_comes(sk, tp, mem,
			cookie ? QUEUE_cookie_accepted : QUEUE_completed);
	if (!e)
		return;
	if (e->op == QUEUE_cookie_accepted)
		e->ev.how = HOW_derived;
	queue_copied(e, sk, mem);
	queue_enter(e, mem);
	if (!config.tells_ready)
		queue_flush(e);
}

/* May tell of it that it waits no more: nobody has. */
static __always_inline bool queue_claim(struct event_queue *e, nsec_t wait)
{
	return __sync_val_compare_and_swap(&e->wait_ns, UNKNOWN_NS, wait) ==
	       UNKNOWN_NS;
}

/* Who has accepted a child owns it, until somebody uses it. */
static __always_inline void queue_own(struct sock_mem *mem,
				      const struct event_queue *e)
{
	if (mem->owner_how == HOW_observed)
		return;
	mem->pid = e->ev.pid;
	mem->tid = e->ev.tid;
	__builtin_memcpy(mem->comm, e->ev.comm, sizeof(mem->comm));
	mem->owner_how = HOW_observed;
	mem->fails = 0;
	if (config.offspring && !e->ev.foreign)
		mem->flags |= MEM_TREE;
	else
		mem->flags &= ~MEM_TREE;
}

/* It waits no more. False: somebody has told of it already. */
static __always_inline bool queue_leave(struct sock *sk, struct sock_mem *mem,
					nsec_t *since)
{
	__u64 cookie = bpf_get_socket_cookie(sk);
	struct event_queue *e;
	bool claimed;

	mem->flags &= ~MEM_QUEUED;
	*since = mem->queued_ns;
	if (*since)
		return true;
	e = bpf_map_lookup_elem(&queue_children, &cookie);
	if (!e)
		return false;
	*since = e->ev.ts_ns;
	claimed = queue_claim(e, 0);
	if (!claimed)
		queue_own(mem, e);
	bpf_map_delete_elem(&queue_children, &cookie);
	return claimed;
}

/* One that was reset can still be accepted, unless its listener is closed. */
static __always_inline void queue_reset(struct sock *sk)
{
	__u64 cookie = bpf_get_socket_cookie(sk);
	struct event_queue *e;

	e = bpf_map_lookup_elem(&queue_children, &cookie);
	if (!e)
		return;
	e->pad[0] |= QUEUE_RESET;
	__sync_fetch_and_add(&queue_resets, 1);
}

/* For bpf_for_each_map_elem(): nothing will be heard of these any more. */
static long queue_forget(void *map, __u64 *cookie, struct event_queue *e,
			 __u64 *listener)
{
	if (e->listener == *listener && e->pad[0] & QUEUE_RESET &&
	    e->wait_ns == UNKNOWN_NS &&
	    !bpf_map_delete_elem(&queue_children, cookie))
		__sync_fetch_and_add(&queue_resets, -1);
	return 0;
}

static __noinline void queue_listens(struct sock *sk, struct tcp_sock *tp,
				     struct sock_mem *mem, int op)
{
	__u64 cookie = bpf_get_socket_cookie(sk);
	struct event_queue *e;

	mem->listener = cookie;
	if (!config.light && op == QUEUE_unlisten && sk->sk_ack_backlog &&
	    queue_resets)
		bpf_for_each_map_elem(&queue_children, queue_forget, &cookie,
				      0);
	if (!event_wanted(sk, tp, mem, EVENT_queue))
		return;
	if (op == QUEUE_listen)
		listener_found(sk, tp, mem);
	else
		listener_gone(mem->listener);
	e = EVENT_RESERVE(event_queue, EVENT_queue);
	if (!e)
		return;
	queue_fill(e, sk, tp, mem, op);
	queue_depths(e, sk, tp);
	if (op == QUEUE_listen && cause_call() == CAUSE_CALL_LISTEN)
		e->asked = compat_syscall_arg2();
	EVENT_SUBMIT(e);
}

/* A child turns out to have been accepted: a process has it, or uses it. */
static __noinline void queue_accepted(struct sock *sk, struct tcp_sock *tp,
				      struct sock_mem *mem)
{
	struct event_queue *e;
	nsec_t since;

	if (!queue_leave(sk, mem, &since) ||
	    !event_wanted(sk, tp, mem, EVENT_queue))
		return;
	e = EVENT_RESERVE(event_queue, EVENT_queue);
	if (!e)
		return;
	queue_fill(e, sk, tp, mem, QUEUE_accepted);
	e->ev.how = HOW_derived;
	if (since) {
		e->wait_ns = e->ev.ts_ns - since;
		e->wait_how = HOW_derived;
	}
	EVENT_SUBMIT(e);
}

/*
 * A child that Fast Open has put into the accept queue when it was copied. Only
 * tier 4 sees that; it is seen here when the child leaves SYN_RECV, or when the
 * process uses it before that.
 */
static __noinline void queue_fast_opened(struct sock *sk, struct tcp_sock *tp,
					 struct sock_mem *mem)
{
	nsec_t since = mem->queued_ns;
	struct event_queue *e;

	if (!(mem->flags & MEM_CHILD) || mem->queued_syn & QUEUED_TOLD ||
	    !fastopen_child(tp))
		return;
	e = queue_comes(sk, tp, mem, QUEUE_fast_opened);
	if (!e)
		return;
	e->ev.ts_ns = since ?: e->ev.ts_ns;
	e->ev.how = HOW_derived;
	mem->queued_ns = e->ev.ts_ns;
	queue_copied(e, sk, mem);
	queue_enter(e, mem);
	queue_flush(e);
}

/* A child, just copied: how the queues were, and by what it has come. */
static __always_inline void queue_born(struct tcp_sock *tp,
				       struct sock_mem *mem)
{
	bool cookies = mem->queued_syn & QUEUED_COOKIES;
	__u32 syn = tp->inet_conn.icsk_accept_queue.qlen.counter;

	mem->queued_ns = bpf_ktime_get_ns(); /* if by Fast Open */
	mem->queued_syn = syn & QUEUED_DEPTH;
	if (config.tells_syns && queue_syn_answered(sock_rport(sock_of(tp))) &&
	    cookies)
		mem->queued_syn |= QUEUED_BY_COOKIE;
}

/*
 * Before each transition, and all else that it makes known. What an RST ends
 * can still be accepted.
 */
static __always_inline void queue_before(struct sock *sk, struct tcp_sock *tp,
					 struct sock_mem *mem, int old, int new)
{
	nsec_t since;

	if (old == TCB_STATE_LISTEN && new == TCB_STATE_SYN_RECV)
		queue_born(tp, mem);
	if (old == TCB_STATE_SYN_RECV)
		queue_fast_opened(sk, tp, mem);
	if (!(mem->flags & MEM_QUEUED))
		return;
	if (sock_of(tp)->sk_socket)
		queue_accepted(sk, tp, mem);
	else if (new == TCB_STATE_CLOSE && mem->flags &MEM_RST)
		queue_reset(sk);
	else if (new == TCB_STATE_CLOSE)
		queue_leave(sk, mem, &since); /* its listener is closed */
}

/* After each transition. */
static __always_inline void queue_after(struct sock *sk, struct tcp_sock *tp,
					struct sock_mem *mem, int old, int new)
{
	if (new == TCB_STATE_LISTEN)
		queue_listens(sk, tp, mem, QUEUE_listen);
	else if (old == TCB_STATE_LISTEN && new == TCB_STATE_CLOSE)
		queue_listens(sk, tp, mem, QUEUE_unlisten);
	else if (old == TCB_STATE_SYN_RECV && new == TCB_STATE_ESTABLISHED &&
		 mem->flags &MEM_CHILD && !sock_of(tp)->sk_socket)
		queue_completed(sk, tp, mem);
}

#endif
