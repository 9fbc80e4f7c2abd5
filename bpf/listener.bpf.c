// SPDX-License-Identifier: GPL-2.0
/*
 * Looking at a listener by hand, for whoever wants to know what no event tells:
 * where all is dropped, nothing happens to its queues.
 */
#include "bpf/listener.h"
#include "bpf/queue.h"

#define NSEC_PER_USEC 1000ull

struct listener_place listener_nowhere;

/* The way along an accept queue. */
struct walk {
	__u64 req; /* the request whose child is next, as a number */
	__u64 listener;
};

/*
 * For how long one waits that came @since. Of one that is older than the trace,
 * 0, only its request knows: since the SYN-ACK.
 */
static __always_inline void listener_age(struct event_queue *e, nsec_t since,
					 __u64 req)
{
	e->wait_how = HOW_observed;
	if (!since) {
		since = peek_pointer(PEEK_FIELD(req, struct tcp_request_sock,
						snt_synack)) *
			NSEC_PER_USEC;
		e->wait_how = HOW_derived;
	}
	if (since) /* a cookie does not tell */
		e->wait_ns = e->ev.ts_ns - since;
	else
		e->wait_how = 0;
}

static __noinline void look_at_child(__u64 sk, __u64 req, __u64 listener)
{
	struct event_queue *in = queue_child_find(peek_cookie(sk)), *e;
	__u32 unread;

	if (!in)
		return;
	e = EVENT_RESERVE(event_queue, EVENT_queue);
	if (!e)
		return;
	__builtin_memcpy(e, in, sizeof(*e));
	e->ev.ts_ns = bpf_ktime_get_ns();
	e->ev.seq = 0;
	e->ev.how = HOW_sampled;
	e->op = QUEUE_waiting;
	e->listener = listener;
	e->syn = UNKNOWN;
	e->young = UNKNOWN;
	e->accept = UNKNOWN;
	e->depth_how = 0;
	e->syn_wait_us = 0;
	listener_age(e, in->ev.ts_ns, req);
	e->state = peek_state(sk);
	unread = peek_word(PEEK_FIELD(sk, struct tcp_sock, rcv_nxt)) -
		 peek_word(PEEK_FIELD(sk, struct tcp_sock, copied_seq));
	if (e->state == TCB_STATE_CLOSE_WAIT && unread)
		unread--; /* the FIN */
	e->unread = unread;
	EVENT_SUBMIT(e);
}

/* As bpf_loop() wants it: 1 ends the loop. */
static long look_at_next(__u32 i, struct walk *w)
{
	__u64 sk;

	if (!w->req)
		return 1;
	sk = peek_pointer(PEEK_FIELD(w->req, struct request_sock, sk));
	if (sk)
		look_at_child(sk, w->req, w->listener);
	w->req = peek_pointer(PEEK_FIELD(w->req, struct request_sock, dl_next));
	return 0;
}

/* The request whose child has waited the longest; 0: none waits. */
static __always_inline __u64 first_waiting(const struct listener_place *place)
{
	return peek_pointer(PEEK_FIELD(place->sk, struct inet_connection_sock,
				       icsk_accept_queue.rskq_accept_head));
}

/* For how long it has. */
static __always_inline void oldest_fill(struct event_queue *e, __u64 req)
{
	struct event_queue *in;
	__u64 cookie;

	if (!req)
		return;
	cookie = peek_cookie(
		peek_pointer(PEEK_FIELD(req, struct request_sock, sk)));
	in = queue_child_find(cookie);
	listener_age(e, in ? in->ev.ts_ns : 0, req);
}

static __always_inline void look_fill(struct event_queue *e,
				      const struct listener_place *place)
{
	__u64 sk = place->sk;

	__builtin_memset(e, 0, sizeof(*e));
	__builtin_memcpy(&e->ev, &place->ev, sizeof(e->ev));
	e->ev.ts_ns = bpf_ktime_get_ns();
	e->ev.seq = 0;
	e->op = QUEUE_looked;
	e->listener = place->ev.cookie;
	e->wait_ns = UNKNOWN_NS;
	e->fd = UNKNOWN;
	e->asked = UNKNOWN;
	e->unread = UNKNOWN;
	e->syn = peek_word(PEEK_FIELD(sk, struct inet_connection_sock,
				      icsk_accept_queue.qlen));
	e->young = peek_word(PEEK_FIELD(sk, struct inet_connection_sock,
					icsk_accept_queue.young));
	e->accept = peek_word(PEEK_FIELD(sk, struct sock, sk_ack_backlog));
	e->limit = peek_word(PEEK_FIELD(sk, struct sock, sk_max_ack_backlog));
	e->drops = listener_drops(place);
	e->somaxconn = peek_word(
		PEEK_FIELD(peek_pointer(PEEK_FIELD(sk, struct sock,
						   __sk_common.skc_net.net)),
			   struct net, core.sysctl_somaxconn));
	e->depth_how = HOW_sampled;
	oldest_fill(e, first_waiting(place));
}

/*
 * For bpf_for_each_map_elem(): has it had drops since the last look at all, of
 * which no event has told?
 */
static long look_for_drops(void *map, __u64 *cookie,
			   struct listener_place *place, void *ctx)
{
	struct event_queue *e;
	__u32 drops;

	if (!listener_is_at(place, *cookie))
		return 0;
	drops = listener_drops(place);
	if (drops == place->drops)
		return 0;
	e = EVENT_RESERVE(event_queue, EVENT_queue);
	if (!e)
		return 0;
	look_fill(e, place);
	EVENT_SUBMIT(e);
	place->drops = drops;
	return 0;
}

/* Run by hand, with nobody in the way who could free what it looks at. */
SEC("raw_tp")
int listener_look(const struct look *look)
{
	__u64 cookie = look->listener;
	struct walk walk = { .listener = cookie };
	struct listener_place *place;
	struct event_queue *e;

	if (!cookie) {
		bpf_for_each_map_elem(&listener_places, look_for_drops, NULL,
				      0);
		return 0;
	}
	place = listener_place(cookie);
	if (!place)
		return 0;
	e = EVENT_RESERVE(event_queue, EVENT_queue);
	if (!e)
		return 0;
	look_fill(e, place);
	EVENT_SUBMIT(e);
	if (!look->children)
		return 0;
	walk.req = first_waiting(place);
	bpf_loop(look->children, look_at_next, &walk, 0);
	return 0;
}
