// SPDX-License-Identifier: GPL-2.0
/* Listeners by their cookie, and what waits in their accept queues by its own. */
#include "event/listeners.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#define UNKNOWN (~0u)

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
	new->syn = new->accept = new->limit = new->asked = UNKNOWN;
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

static int child_new(struct listeners *l, struct listener *listener,
		     const struct event *e)
{
	struct listener_child *child;

	child_free(l, find(&l->children, e->cookie));
	child = calloc(1, sizeof(*child));
	if (!child)
		return -ENOMEM;
	child->cookie = e->cookie;
	child->ev = *e;
	child->listener = listener;
	if (!tsearch(child, &l->children, by_cookie)) {
		free(child);
		return -ENOMEM;
	}
	TAILQ_INSERT_TAIL(&listener->waiting, child, next);
	return 0;
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

static void note_depths(struct listener *listener, __u32 syn, __u32 accept,
			enum how how)
{
	struct listener_sums *all = &listener->all, *last = &listener->last;

	if (syn != UNKNOWN)
		listener->syn = syn;
	if (accept == UNKNOWN)
		return;
	if (accept > listener->limit &&
	    (listener->accept == UNKNOWN || listener->accept < accept)) {
		all->full++;
		last->full++;
	}
	listener->accept = accept;
	listener->depth_how = how;
	if (accept > all->peak)
		all->peak = accept;
	if (accept > last->peak)
		last->peak = accept;
}

static int note_accepted(struct listeners *l, struct listener *listener,
			 const struct event_queue *q)
{
	listener->all.accepted++;
	listener->last.accepted++;
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
	return 0;
}

static int add_queue(struct listeners *l, const struct event_queue *q)
{
	struct listener *listener;

	if (!q->listener) /* of a child that is older than the trace */
		return 0;
	listener = find(&l->by_cookie, q->listener);
	if (!listener)
		listener = listener_new(l, q->listener);
	if (!listener)
		return -ENOMEM;
	/* a child says the address that its peer has chosen */
	if (q->op == QUEUE_listen || !listener->ev.lport) {
		listener->ev = q->ev;
		listener->ev.rport = 0;
	}
	listener->limit = q->limit;
	if (q->asked != UNKNOWN)
		listener->asked = q->asked;
	note_depths(listener, q->syn, q->accept, q->depth_how);
	switch (q->op) {
	case QUEUE_listen:
		listener->closed = false;
		return 0;
	case QUEUE_SYN_ACK_resent:
		listener->all.resent++;
		listener->last.resent++;
		return 0;
	case QUEUE_completed:
		listener->all.completed++;
		listener->last.completed++;
		return child_new(l, listener, &q->ev);
	case QUEUE_accepted:
		return note_accepted(l, listener, q);
	case QUEUE_unlisten:
		listener->closed = true;
		while (!TAILQ_EMPTY(&listener->waiting))
			child_free(l, TAILQ_FIRST(&listener->waiting));
		return 0;
	default:
		return 0;
	}
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
	listener->ev = s->ev;
	listener->limit = s->limit;
	note_depths(listener, s->syn, s->accept, HOW_observed);
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

/* As a share of the limit, in thousandths. */
static uint64_t fullness(const struct listener *l)
{
	return l->accept == UNKNOWN ? 0 :
				      l->accept * 1000ull / (l->limit + 1ull);
}

static int order(const void *a, const void *b)
{
	const struct listener *x = *(struct listener *const *)a;
	const struct listener *y = *(struct listener *const *)b;

	if (fullness(x) != fullness(y))
		return fullness(x) > fullness(y) ? -1 : 1;
	if (x->last.accepted != y->last.accepted)
		return x->last.accepted > y->last.accepted ? -1 : 1;
	if (x->ev.netns != y->ev.netns)
		return x->ev.netns < y->ev.netns ? -1 : 1;
	if (x->ev.lport != y->ev.lport)
		return (int)x->ev.lport - y->ev.lport;
	return by_cookie(x, y);
}

void listeners_sort(struct listeners *l)
{
	if (l->n)
		qsort(l->listener, l->n, sizeof(*l->listener), order);
}

void listeners_next(struct listeners *l)
{
	size_t i, n = 0;

	for (i = 0; i < l->n; i++) {
		if (l->listener[i]->closed) {
			listener_free(l, l->listener[i]);
			continue;
		}
		memset(&l->listener[i]->last, 0, sizeof(struct listener_sums));
		l->listener[n++] = l->listener[i];
	}
	l->n = n;
}
