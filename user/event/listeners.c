// SPDX-License-Identifier: GPL-2.0
/* Listeners by their cookie, and what waits in their accept queues by its own. */
#include "event/listeners.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#define UNKNOWN (~0u)
#define LOOK_NS 10000000ull /* what a look and an event may be apart */

/* Eight classes from each power of two to the next. */
static unsigned int class_of(nsec_t ns)
{
	unsigned int exponent;

	if (ns < 8)
		return ns;
	exponent = 63 - __builtin_clzll(ns);
	return (exponent - 2) * 8 + (ns >> (exponent - 3) & 7);
}

/* The longest time that is in a class. */
static nsec_t class_end(unsigned int class)
{
	unsigned int shift = class / 8 - 1;

	if (class < 8)
		return class;
	return ((nsec_t)(class % 8 + 9) << shift) - 1;
}

static void spans_add(struct spans *spans, nsec_t ns)
{
	spans->n++;
	spans->class[class_of(ns)]++;
	if (ns > spans->max)
		spans->max = ns;
}

nsec_t spans_percentile(const struct spans *spans, unsigned int percent)
{
	uint64_t rank = (spans->n * percent + 99) / 100, n = 0;
	unsigned int i;

	if (!spans->n)
		return ~0ull;
	for (i = 0; i < SPANS; i++) {
		n += spans->class[i];
		if (n >= rank && n)
			break;
	}
	return class_end(i) < spans->max ? class_end(i) : spans->max;
}

/* Both a listener and a child begin with their cookie. */
static int by_cookie(const void *a, const void *b)
{
	const __u64 *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void *find(void *const *tree, __u64 cookie)
{
	void *node = tfind(&cookie, tree, by_cookie);

	return node ? *(void **)node : NULL;
}

static struct listener *listener_new(struct listeners *l, __u64 cookie)
{
	size_t room = l->room ? l->room * 2 : 16;
	struct listener *new, **more;

	if (l->n == l->room) {
		more = reallocarray(l->listener, room, sizeof(*more));
		if (!more)
			return NULL;
		l->listener = more;
		l->room = room;
	}
	new = calloc(1, sizeof(*new));
	if (!new)
		return NULL;
	new->cookie = cookie;
	new->drops_told = l->drops_told;
	new->syn = new->accept = new->limit = new->asked = UNKNOWN;
	new->somaxconn = new->sk_drops = UNKNOWN;
	TAILQ_INIT(&new->waiting);
	if (!tsearch(new, &l->by_cookie, by_cookie)) {
		free(new);
		return NULL;
	}
	l->listener[l->n++] = new;
	return new;
}

static void child_free(struct listeners *l, struct listener_child *child)
{
	if (!child)
		return;
	TAILQ_REMOVE(&child->listener->waiting, child, next);
	tdelete(child, &l->children, by_cookie);
	free(child);
}

static struct listener_child *child_new(struct listeners *l,
					struct listener *listener,
					const struct event *e)
{
	struct listener_child *child;

	child_free(l, find(&l->children, e->cookie));
	child = calloc(1, sizeof(*child));
	if (!child)
		return NULL;
	child->cookie = e->cookie;
	child->ev = *e;
	child->age_how = HOW_observed;
	child->listener = listener;
	child->unread = UNKNOWN;
	if (!tsearch(child, &l->children, by_cookie)) {
		free(child);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&listener->waiting, child, next);
	return child;
}

static void listener_free(struct listeners *l, struct listener *listener)
{
	while (!TAILQ_EMPTY(&listener->waiting))
		child_free(l, TAILQ_FIRST(&listener->waiting));
	tdelete(listener, &l->by_cookie, by_cookie);
	free(listener);
}

void listeners_free(struct listeners *l)
{
	while (l->n)
		listener_free(l, l->listener[--l->n]);
	free(l->listener);
	memset(l, 0, sizeof(*l));
}

/* Adds to the sums of the interval and of all. */
#define SUM(listener, field, n)              \
	do {                                 \
		(listener)->all.field += n;  \
		(listener)->last.field += n; \
	} while (0)

bool listener_is_full(const struct listener *l)
{
	return l->accept != UNKNOWN && l->accept > l->limit;
}

static void note_depths(struct listener *listener, __u32 syn, __u32 accept,
			enum how how)
{
	struct listener_sums *all = &listener->all, *last = &listener->last;
	bool was_full = listener_is_full(listener);

	/* what was seen to become so is not worse for being looked at */
	if (how == HOW_sampled && listener->depth_how == HOW_observed &&
	    listener->accept == accept && listener->syn == syn)
		return;
	if (syn != UNKNOWN)
		listener->syn = syn;
	if (accept == UNKNOWN)
		return;
	listener->accept = accept;
	listener->depth_how = how;
	if (!was_full && listener_is_full(listener))
		SUM(listener, full, 1);
	if (accept > all->peak)
		all->peak = accept;
	if (accept > last->peak)
		last->peak = accept;
}

static int note_accepted(struct listeners *l, struct listener *listener,
			 const struct event_queue *q)
{
	SUM(listener, accepted, 1);
	if (q->wait_ns != ~0ull) {
		spans_add(&listener->all.wait, q->wait_ns);
		spans_add(&listener->last.wait, q->wait_ns);
	}
	/* nobody has said how many are left, but it is one less */
	if (q->accept == UNKNOWN && listener->accept != UNKNOWN &&
	    listener->accept)
		note_depths(listener, UNKNOWN, listener->accept - 1,
			    HOW_derived);
	child_free(l, find(&l->children, q->ev.cookie));
	listener->looked = false;
	return 0;
}

static void note_dropped(struct listener *listener, const struct event_queue *q)
{
	SUM(listener, dropped, 1);
	SUM(listener, dropped_by[q->rule < LISTENER_RULES ? q->rule : 0], 1);
}

/*
 * Those that came well before the look and are more than it has found have been
 * taken without an event, the oldest first.
 */
static void drop_gone(struct listeners *l, struct listener *listener,
		      const struct event_queue *q)
{
	struct listener_child *child;
	size_t n = 0;

	TAILQ_FOREACH(child, &listener->waiting, next)
	n += child->ev.ts_ns + LOOK_NS < q->ev.ts_ns;
	for (; n > q->accept; n--)
		child_free(l, TAILQ_FIRST(&listener->waiting));
}

static void note_looked(struct listeners *l, struct listener *listener,
			const struct event_queue *q)
{
	bool known = q->wait_ns != ~0ull;

	listener->somaxconn = q->somaxconn;
	if (q->accept == UNKNOWN)
		return;
	drop_gone(l, listener, q);
	listener->looked = true;
	listener->first = (struct listener_first){
		.waits = q->accept,
		.since = known ? q->ev.ts_ns - q->wait_ns : 0,
		.how = q->wait_how,
	};
}

/* It only grows, but who read it last need not be told of last. */
static void note_sk_drops(struct listener *listener, __u32 drops)
{
	__s32 more = drops - listener->sk_drops;

	if (drops == UNKNOWN)
		return;
	if (listener->sk_drops == UNKNOWN)
		listener->sk_drops = drops;
	else if (more > 0) {
		SUM(listener, sk_drops, more);
		listener->sk_drops = drops;
	}
}

/* They come in the order in which they are going to be accepted. */
static int note_waiting(struct listeners *l, struct listener *listener,
			const struct event_queue *q)
{
	struct listener_child *child = find(&l->children, q->ev.cookie);

	if (!child || child->listener != listener)
		child = child_new(l, listener, &q->ev);
	if (!child)
		return -ENOMEM;
	child->ev.ts_ns = q->wait_ns == ~0ull ? 0 : q->ev.ts_ns - q->wait_ns;
	child->age_how = q->wait_how;
	child->state = q->state;
	child->unread = q->unread;
	TAILQ_REMOVE(&listener->waiting, child, next);
	TAILQ_INSERT_TAIL(&listener->waiting, child, next);
	return 0;
}

static void note_unlisten(struct listeners *l, struct listener *listener)
{
	listener->closed = true;
	while (!TAILQ_EMPTY(&listener->waiting))
		child_free(l, TAILQ_FIRST(&listener->waiting));
}

static int note_op(struct listeners *l, struct listener *listener,
		   const struct event_queue *q)
{
	switch (q->op) {
	case QUEUE_listen:
		listener->closed = false;
		break;
	case QUEUE_unlisten:
		note_unlisten(l, listener);
		break;
	case QUEUE_SYN_queued:
		SUM(listener, queued, 1);
		break;
	case QUEUE_SYN_ACK_resent:
		SUM(listener, resent, 1);
		break;
	case QUEUE_expired:
		SUM(listener, expired, 1);
		break;
	case QUEUE_reset:
		SUM(listener, reset, 1);
		break;
	case QUEUE_cookie_sent:
		SUM(listener, cookies_sent, 1);
		SUM(listener, cookies_always,
		    q->rule == QUEUE_RULE_cookies_always);
		break;
	case QUEUE_cookie_accepted:
		SUM(listener, cookies_accepted, 1);
		return child_new(l, listener, &q->ev) ? 0 : -ENOMEM;
	case QUEUE_SYN_dropped:
	case QUEUE_accept_overflow:
		note_dropped(listener, q);
		break;
	case QUEUE_completed:
	case QUEUE_fast_opened:
		SUM(listener, completed, 1);
		return child_new(l, listener, &q->ev) ? 0 : -ENOMEM;
	case QUEUE_accepted:
		return note_accepted(l, listener, q);
	case QUEUE_looked:
		note_looked(l, listener, q);
		break;
	case QUEUE_waiting:
		return note_waiting(l, listener, q);
	}
	return 0;
}

static int add_queue(struct listeners *l, const struct event_queue *q)
{
	struct listener *listener;

	if (!q->listener) /* of a child that is older than the trace */
		return 0;
	listener = find(&l->by_cookie, q->listener);
	if (!listener) {
		listener = listener_new(l, q->listener);
		if (!listener)
			return -ENOMEM;
		listener->stray = true;
	}
	/* that may be told long after it was closed */
	listener->stray &= q->op == QUEUE_accepted;
	/* a child says the address that its peer has chosen */
	if (q->op == QUEUE_listen || !listener->ev.lport) {
		listener->ev = q->ev;
		listener->ev.rport = 0;
	}
	/* listen() once more makes no event: it has asked for who knows what */
	if (q->asked != UNKNOWN || q->limit != listener->limit)
		listener->asked = q->asked;
	listener->limit = q->limit;
	note_depths(listener, q->syn, q->accept, q->depth_how);
	note_sk_drops(listener, q->drops);
	return note_op(l, listener, q);
}

static int add_existing(struct listeners *l, const struct event_socket *s)
{
	struct listener *listener = find(&l->by_cookie, s->ev.cookie);

	if (s->state != TCB_STATE_LISTEN)
		return 0;
	if (!listener)
		listener = listener_new(l, s->ev.cookie);
	if (!listener)
		return -ENOMEM;
	listener->stray = false;
	listener->ev = s->ev;
	listener->limit = s->limit;
	note_depths(listener, s->syn, s->accept, HOW_observed);
	note_sk_drops(listener, s->drops);
	return 0;
}

int listeners_add(struct listeners *l, const struct event *e)
{
	if (e->type == EVENT_queue)
		return add_queue(l, (const void *)e);
	if (e->type == EVENT_socket)
		return add_existing(l, (const void *)e);
	return 0;
}

struct listener_first listener_first(const struct listener *l)
{
	const struct listener_child *child = TAILQ_FIRST(&l->waiting);

	if (l->looked)
		return l->first;
	if (!child)
		return (struct listener_first){};
	return (struct listener_first){
		.waits = true,
		.since = child->ev.ts_ns,
		.how = child->age_how,
	};
}

uint64_t listener_dropped(const struct listener *l,
			  const struct listener_sums *sums)
{
	return l->drops_told || sums->dropped > sums->sk_drops ? sums->dropped :
								 sums->sk_drops;
}

static uint64_t known(uint64_t n, uint64_t unknown)
{
	return n == unknown ? 0 : n;
}

/* What is compared; the greater comes first. */
static uint64_t key(const struct listener *l, enum listeners_order order)
{
	nsec_t since;

	switch (order) {
	case LISTENERS_BY_DROPS:
		return listener_dropped(l, &l->last);
	case LISTENERS_BY_FULL: /* in thousandths */
		return known(l->accept, UNKNOWN) * 1000 / (l->limit + 1ull);
	case LISTENERS_BY_RATE:
		return l->last.accepted;
	case LISTENERS_BY_SYN:
		return known(l->syn, UNKNOWN);
	case LISTENERS_BY_ACCEPT:
		return known(l->accept, UNKNOWN);
	case LISTENERS_BY_OLDEST:
		since = listener_first(l).since;
		return since ? ~since : 0;
	case LISTENERS_BY_P50:
		return known(spans_percentile(&l->last.wait, 50), ~0ull);
	case LISTENERS_BY_P99:
		return known(spans_percentile(&l->last.wait, 99), ~0ull);
	case LISTENERS_BY_MAX:
		return l->last.wait.max;
	case LISTENERS_BY_LISTENER:
		break;
	}
	return 0;
}

static int by_key(const struct listener *x, const struct listener *y,
		  enum listeners_order order)
{
	uint64_t a = key(x, order), b = key(y, order);

	return a == b ? 0 : a > b ? -1 : 1;
}

static int by_place(const struct listener *x, const struct listener *y)
{
	int differ;

	if (x->ev.netns != y->ev.netns)
		return x->ev.netns < y->ev.netns ? -1 : 1;
	if (x->ev.lport != y->ev.lport)
		return (int)x->ev.lport - y->ev.lport;
	differ = memcmp(&x->ev.laddr, &y->ev.laddr, sizeof(addr_t));
	return differ ?: by_cookie(x, y);
}

static int compare(const void *a, const void *b, void *arg)
{
	const struct listener *x = *(struct listener *const *)a;
	const struct listener *y = *(struct listener *const *)b;
	const enum listeners_order *first = arg;
	int differ = by_key(x, y, *first);
	unsigned int i;

	if (*first != LISTENERS_BY_LISTENER)
		for (i = LISTENERS_BY_DROPS; !differ && i <= LISTENERS_BY_RATE;
		     i++)
			differ = by_key(x, y, i);
	return differ ?: by_place(x, y);
}

void listeners_sort(struct listeners *l, enum listeners_order order)
{
	if (l->n)
		qsort_r(l->listener, l->n, sizeof(*l->listener), compare,
			&order);
}

void listeners_next(struct listeners *l)
{
	size_t i, n = 0;

	for (i = 0; i < l->n; i++) {
		if (l->listener[i]->closed || l->listener[i]->stray) {
			listener_free(l, l->listener[i]);
			continue;
		}
		memset(&l->listener[i]->last, 0, sizeof(struct listener_sums));
		l->listener[n++] = l->listener[i];
	}
	l->n = n;
}
