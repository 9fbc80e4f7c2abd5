// SPDX-License-Identifier: GPL-2.0
/*
 * Who waits in the queues of a listener.
 *
 * There is no SYN queue but in name: requests are in the established hash, each
 * with a pointer to its listener. The accept queue is a FIFO of requests that
 * have become sockets. It is read under its own lock, TCBSCOPE_HOLD entries a
 * hold, while the listener's lock is ours: then nobody takes anything out, and
 * the place where the next hold begins stays. Children are looked into later,
 * since who puts one in has it locked when it takes the lock of the FIFO.
 */
#include <linux/bsearch.h>
#include <linux/mm.h>
#include <linux/sort.h>

#include "compat.h"
#include "tcbscope.h"

struct waiting {
	struct sock **sk; /* requests, then children, each with a reference */
	unsigned int n, room;
	unsigned int requests; /* so many of them are requests */
	bool truncated;
	struct tcbscope_hold hold;
};

static bool is_request_of(const struct sock *sk, const void *listener)
{
	return sk->sk_state == TCP_NEW_SYN_RECV &&
	       inet_reqsk((struct sock *)sk)->rsk_listener == listener;
}

/* Takes a reference. */
static void add(struct waiting *w, struct sock *sk)
{
	if (w->n == w->room) {
		w->truncated = true;
		return;
	}
	refcount_inc(&sk->sk_refcnt);
	w->sk[w->n++] = sk;
}

static int by_place(const void *a, const void *b)
{
	const struct sock *const *x = a, *const *y = b;

	return *x < *y ? -1 : *x > *y;
}

static u64 born_us(const struct sock *sk)
{
	return tcp_rsk(inet_reqsk((struct sock *)sk))->snt_synack;
}

static int by_age(const void *a, const void *b)
{
	u64 x = born_us(*(struct sock *const *)a);
	u64 y = born_us(*(struct sock *const *)b);

	return x < y ? -1 : x > y;
}

static int copy_requests(struct waiting *w, struct sock *listener)
{
	struct tcbscope_walk *walk = kzalloc(sizeof(*walk), GFP_KERNEL);
	struct sock *sk;

	if (!walk)
		return -ENOMEM;
	walk->net = sock_net(listener);
	walk->match = is_request_of;
	walk->ctx = listener;
	walk->established = true;
	walk->hold = &w->hold;
	while (!w->truncated && (sk = tcbscope_walk_next(walk)))
		add(w, sk);
	tcbscope_walk_end(walk);
	kfree(walk);
	w->requests = w->n;
	if (w->n)
		sort(w->sk, w->n, sizeof(*w->sk), by_place, NULL);
	return 0;
}

/* It was a request when those were copied, and is a child now. */
static void forget_request(struct waiting *w, struct request_sock *req)
{
	struct sock *sk = req_to_sk(req), **found;

	if (!w->requests)
		return;
	found = bsearch(&sk, w->sk, w->requests, sizeof(sk), by_place);
	if (found)
		*found = (struct sock *)((unsigned long)*found | 1);
}

/* One hold; returns where the next one goes on, or NULL at the end. */
static struct request_sock *copy_some(struct waiting *w,
				      struct request_sock_queue *queue,
				      struct request_sock *last)
{
	struct request_sock *req;
	unsigned int i;
	u64 began;

	spin_lock_bh(&queue->rskq_lock);
	began = ktime_get_ns();
	req = last ? last->dl_next : queue->rskq_accept_head;
	for (i = 0; i < TCBSCOPE_HOLD && req; i++) {
		forget_request(w, req);
		add(w, req->sk);
		last = req;
		req = req->dl_next;
	}
	tcbscope_hold_note(&w->hold, i, began);
	spin_unlock_bh(&queue->rskq_lock);
	return req ? last : NULL;
}

/* The listener's lock is held. */
static void copy_children(struct waiting *w, struct sock *listener)
{
	struct request_sock_queue *queue =
		&inet_csk(listener)->icsk_accept_queue;
	struct request_sock *last = NULL;

	do {
		last = copy_some(w, queue, last);
	} while (last && !w->truncated);
}

/* Drops what has become a child; the others the oldest first. */
static void order_requests(struct waiting *w)
{
	unsigned int from, to = 0;

	for (from = 0; from < w->n; from++) {
		unsigned long marked = (unsigned long)w->sk[from];

		if (marked & 1)
			sock_gen_put((struct sock *)(marked & ~1UL));
		else
			w->sk[to++] = w->sk[from];
	}
	w->requests -= w->n - to;
	w->n = to;
	if (w->requests)
		sort(w->sk, w->requests, sizeof(*w->sk), by_age, NULL);
}

static int copy(struct waiting *w, struct sock *listener,
		struct netlink_ext_ack *extack)
{
	int err;

	/* Some may come meanwhile. */
	w->room = READ_ONCE(listener->sk_ack_backlog) +
		  inet_csk_reqsk_queue_len(listener) + TCBSCOPE_HOLD;
	w->room = min_t(unsigned int, w->room, TCBSCOPE_WAITING_MAX);
	w->sk = kvmalloc_array(w->room, sizeof(*w->sk), GFP_KERNEL);
	if (!w->sk)
		return -ENOMEM;
	err = copy_requests(w, listener);
	if (err)
		return err;
	err = tcbscope_lock(listener, extack);
	if (err)
		return err;
	if (listener->sk_state == TCP_LISTEN)
		copy_children(w, listener);
	release_sock(listener);
	order_requests(w);
	return 0;
}

static u32 offered(const struct inet_request_sock *ireq)
{
	return (ireq->tstamp_ok ? TCBSCOPE_OPTION_TIMESTAMPS : 0) |
	       (ireq->sack_ok ? TCBSCOPE_OPTION_SACK : 0) |
	       (ireq->wscale_ok ? TCBSCOPE_OPTION_WINDOW_SCALE : 0) |
	       (ireq->ecn_ok ? TCBSCOPE_OPTION_ECN : 0);
}

static int age_put(struct sk_buff *skb, int type, int pad, s64 us)
{
	return nla_put_u64_64bit(skb, type, max_t(s64, us, 0), pad);
}

static int expires_put(struct sk_buff *skb, const struct timer_list *timer)
{
	long ticks = READ_ONCE(timer->expires) - jiffies;

	if (!timer_pending(timer))
		return 0;
	return nla_put_s64(skb, TCBSCOPE_A_REQUEST_EXPIRES_US,
			   div_s64((s64)ticks * USEC_PER_SEC, HZ),
			   TCBSCOPE_A_REQUEST_PAD);
}

static int request_put(struct sk_buff *skb, struct sock *sk)
{
	struct nlattr *nest = nla_nest_start(skb, TCBSCOPE_A_LISTENER_REQUEST);
	const struct request_sock *req = inet_reqsk(sk);
	const struct tcp_request_sock *treq = tcp_rsk(req);
	const struct inet_request_sock *ireq = inet_rsk(req);

	if (!nest ||
	    tcbscope_identity_put(skb, TCBSCOPE_A_REQUEST_IDENTITY, sk) ||
	    age_put(skb, TCBSCOPE_A_REQUEST_AGE_US, TCBSCOPE_A_REQUEST_PAD,
		    tcp_clock_us() - treq->snt_synack) ||
	    nla_put_u32(skb, TCBSCOPE_A_REQUEST_RETRANSMITS,
			READ_ONCE(req->num_retrans)) ||
	    nla_put_u32(skb, TCBSCOPE_A_REQUEST_TIMEOUTS, req->num_timeout) ||
	    expires_put(skb, &req->rsk_timer) ||
	    nla_put_u32(skb, TCBSCOPE_A_REQUEST_MSS, req->mss) ||
	    nla_put_u32(skb, TCBSCOPE_A_REQUEST_OFFERED, offered(ireq)) ||
	    nla_put_u32(skb, TCBSCOPE_A_REQUEST_WINDOW, req->rsk_rcv_wnd) ||
	    nla_put_u32(skb, TCBSCOPE_A_REQUEST_ISS, treq->snt_isn) ||
	    nla_put_u32(skb, TCBSCOPE_A_REQUEST_IRS, treq->rcv_isn))
		return -EMSGSIZE;
	if (ireq->wscale_ok && nla_put_u32(skb, TCBSCOPE_A_REQUEST_SEND_SCALE,
					   ireq->snd_wscale))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/*
 * A child was born when it was last written to: TCP notes the time when it is
 * established, and nobody can write to it before it is accepted. No lock: each
 * number is exact by itself.
 */
static int child_put(struct sk_buff *skb, struct sock *sk)
{
	struct nlattr *nest = nla_nest_start(skb, TCBSCOPE_A_LISTENER_CHILD);
	const struct tcp_sock *tp = tcp_sk(sk);
	u32 ticks = tcp_jiffies32 - READ_ONCE(tp->lsndtime);
	u32 state = READ_ONCE(sk->sk_state);

	if (!nest ||
	    tcbscope_identity_put(skb, TCBSCOPE_A_CHILD_IDENTITY, sk) ||
	    age_put(skb, TCBSCOPE_A_CHILD_AGE_US, TCBSCOPE_A_CHILD_PAD,
		    div_u64((u64)ticks * USEC_PER_SEC, HZ)) ||
	    nla_put_u32(skb, TCBSCOPE_A_CHILD_RECEIVE_QUEUE,
			tcbscope_unread(sk)) ||
	    nla_put_u32(skb, TCBSCOPE_A_CHILD_STATE, state))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int make_parts(struct sk_buff_head *parts, struct sock *listener,
		      const struct waiting *w)
{
	struct sk_buff *part;
	unsigned int i;
	int err;

	for (i = 0; i < w->n; i++) {
		part = tcbscope_part_for(parts, !i, listener);
		if (!part)
			return -ENOMEM;
		err = i < w->requests ? request_put(part, w->sk[i]) :
					child_put(part, w->sk[i]);
		if (err)
			return err;
	}
	return 0;
}

static int totals_put(struct sk_buff *skb, const struct waiting *w)
{
	if (w->truncated && nla_put_flag(skb, TCBSCOPE_A_LISTENER_TRUNCATED))
		return -EMSGSIZE;
	return nla_put_u32(skb, TCBSCOPE_A_LISTENER_HOLD_ENTRIES,
			   w->hold.entries) ?:
	       nla_put_u64_64bit(skb, TCBSCOPE_A_LISTENER_HOLD_NS, w->hold.ns,
				 TCBSCOPE_A_LISTENER_PAD);
}

/**
 * tcbscope_waiting_put() - make messages of who waits in the queues of a listener
 * @parts: are appended to
 * @listener: referenced; its lock is taken
 * @head: describes the listener; gets what is to be said of all
 * @extack: says what is wrong
 *
 * Return: 0, -EBUSY or -EINTR as of tcbscope_lock(), -ENOMEM.
 */
int tcbscope_waiting_put(struct sk_buff_head *parts, struct sock *listener,
			 struct sk_buff *head, struct netlink_ext_ack *extack)
{
	struct waiting w = {};
	int err;

	err = copy(&w, listener, extack);
	if (!err)
		err = totals_put(head, &w);
	if (!err)
		err = make_parts(parts, listener, &w);
	while (w.n)
		sock_gen_put(w.sk[--w.n]);
	kvfree(w.sk);
	return err;
}
