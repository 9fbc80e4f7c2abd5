// SPDX-License-Identifier: GPL-2.0
/*
 * Flows are found by cookie, and by their endpoints so that two ends of one
 * connection find each other: the one's local end is the other's remote one.
 */
#include "event/flow.h"

#include <stdlib.h>
#include <string.h>

struct tuple {
	addr_t laddr, raddr;
	port_t lport, rport;
};

struct flows {
	size_t max, n, buckets; /* buckets: a power of two */
	unsigned int ids;
	struct flow **by_cookie, **by_tuple;
	struct flow *newest, *oldest;
	struct flow *last_closed; /* those older than it are closed, too */
	size_t closed, strangers; /* among those; each is one or the other */
};

struct flows *flow_table_new(size_t max)
{
	struct flows *flows = calloc(1, sizeof(*flows));

	if (!flows)
		return NULL;
	flows->max = max;
	for (flows->buckets = 16; flows->buckets < max; flows->buckets *= 2)
		;
	flows->by_cookie = calloc(flows->buckets, sizeof(struct flow *));
	flows->by_tuple = calloc(flows->buckets, sizeof(struct flow *));
	if (flows->by_cookie && flows->by_tuple)
		return flows;
	flow_table_free(flows);
	return NULL;
}

void flow_table_free(struct flows *flows)
{
	struct flow *flow, *older;

	if (!flows)
		return;
	for (flow = flows->newest; flow; flow = older) {
		older = flow->older;
		free(flow);
	}
	free(flows->by_cookie);
	free(flows->by_tuple);
	free(flows);
}

/* FNV-1a, finished so that the low bits depend on all. */
static size_t hash(const struct flows *flows, const void *key, size_t size)
{
	const unsigned char *byte = key;
	__u64 h = 14695981039346656037ull;

	while (size--)
		h = (h ^ *byte++) * 1099511628211ull;
	return (h ^ h >> 32) & (flows->buckets - 1);
}

static struct tuple tuple_of(const struct event *e, bool other_end)
{
	struct tuple t;

	memset(&t, 0, sizeof(t));
	if (!e->rport) { /* a listener: found by its port */
		t.lport = e->lport;
		return t;
	}
	t.laddr = other_end ? e->raddr : e->laddr;
	t.raddr = other_end ? e->laddr : e->raddr;
	t.lport = other_end ? e->rport : e->lport;
	t.rport = other_end ? e->lport : e->rport;
	return t;
}

static struct flow **tuple_bucket(struct flows *flows, const struct event *e,
				  bool other_end)
{
	struct tuple t = tuple_of(e, other_end);

	return &flows->by_tuple[hash(flows, &t, sizeof(t))];
}

static bool same_tuple(const struct event *a, const struct event *b,
		       bool other_end)
{
	struct tuple x = tuple_of(a, false), y = tuple_of(b, other_end);

	return a->family == b->family && !memcmp(&x, &y, sizeof(x));
}

/* Does the event leave its socket in LISTEN? */
static bool listens(const struct event *e)
{
	if (e->type == EVENT_state)
		return ((const struct event_state *)e)->new == TCB_STATE_LISTEN;
	if (e->type == EVENT_queue)
		return ((const struct event_queue *)e)->op == QUEUE_listen;
	return e->type == EVENT_socket &&
	       ((const struct event_socket *)e)->state == TCB_STATE_LISTEN;
}

/* Connected sockets are in the table, and listeners, which have no peer. */
static bool has_tuple(const struct event *e)
{
	return e->lport && (e->rport || listens(e));
}

static void chain_remove(struct flow **at, struct flow *flow, size_t next)
{
	while (*at && *at != flow)
		at = (struct flow **)((char *)*at + next);
	if (*at)
		*at = *(struct flow **)((char *)flow + next);
}

static void unpair(struct flow *flow)
{
	if (flow->pair)
		flow->pair->pair = NULL;
	flow->pair = NULL;
}

static void tuple_remove(struct flows *flows, struct flow *flow)
{
	if (!flow->in_tuples)
		return;
	chain_remove(tuple_bucket(flows, &flow->last, false), flow,
		     offsetof(struct flow, next_tuple));
	flow->in_tuples = false;
	unpair(flow);
}

static bool is_closed(const struct flow *flow)
{
	return flow->state == TCB_STATE_CLOSE ||
	       flow->state == TCB_STATE_TIME_WAIT;
}

/* Does no packet of the connection leave its namespace? */
static bool stays(const struct event *e)
{
	static const addr_t loopback = { .byte[15] = 1 };

	if (!memcmp(&e->laddr, &e->raddr, sizeof(addr_t)))
		return true;
	return e->family == FAMILY_INET ?
		       e->raddr.byte[0] == 127 :
		       !memcmp(&e->raddr, &loopback, sizeof(addr_t));
}

/*
 * Is there a socket of another namespace that looks the same, and has no other
 * end? Of those that are older than the trace one may have got the other end of
 * @flow, which was not known yet.
 */
static bool has_double(struct flows *flows, struct flow *flow)
{
	struct flow *f = *tuple_bucket(flows, &flow->last, false);
	bool found = false;

	for (; f; f = f->next_tuple) {
		if (f->last.netns == flow->last.netns || is_closed(f) ||
		    !same_tuple(&f->last, &flow->last, false))
			continue;
		if (f->pair && f->pair->last.netns != f->last.netns &&
		    flow->last.how == HOW_existing)
			unpair(f);
		found |= !f->pair;
	}
	return found;
}

/*
 * The other end of @flow. Namespaces may use the same addresses: one in the
 * same namespace wins, else it must be the only one, and @flow the only one
 * for it.
 */
static struct flow *pair_find(struct flows *flows, struct flow *flow)
{
	struct flow *f = *tuple_bucket(flows, &flow->last, true);
	bool ambiguous = has_double(flows, flow);
	struct flow *found = NULL;
	int n = 0;

	for (; f; f = f->next_tuple) {
		if (f == flow || (f->pair && f->pair != flow) || is_closed(f) ||
		    !same_tuple(&f->last, &flow->last, true))
			continue;
		if (f->last.netns == flow->last.netns)
			return f;
		found = f;
		n++;
	}
	return n == 1 && !ambiguous && !stays(&flow->last) ? found : NULL;
}

static void tuple_insert(struct flows *flows, struct flow *flow)
{
	struct flow **bucket = tuple_bucket(flows, &flow->last, false);

	flow->next_tuple = *bucket;
	*bucket = flow;
	flow->in_tuples = true;
	flow->pair = flow->last.rport ? pair_find(flows, flow) : NULL;
	if (flow->pair)
		flow->pair->pair = flow;
}

static void age_remove(struct flows *flows, struct flow *flow)
{
	if (flow == flows->last_closed)
		flows->last_closed = flow->older;
	if (flow->closed)
		--*(flow->known ? &flows->closed : &flows->strangers);
	flow->closed = false;
	*(flow->newer ? &flow->newer->older : &flows->newest) = flow->older;
	*(flow->older ? &flow->older->newer : &flows->oldest) = flow->newer;
}

static void age_newest(struct flows *flows, struct flow *flow)
{
	flow->newer = NULL;
	flow->older = flows->newest;
	*(flows->newest ? &flows->newest->newer : &flows->oldest) = flow;
	flows->newest = flow;
}

/* Behind all open ones, before those that were closed earlier. */
static void age_closed(struct flows *flows, struct flow *flow)
{
	flow->older = flows->last_closed;
	flow->newer = flow->older ? flow->older->newer : flows->oldest;
	*(flow->newer ? &flow->newer->older : &flows->newest) = flow;
	*(flow->older ? &flow->older->newer : &flows->oldest) = flow;
	flows->last_closed = flow;
	flow->closed = true;
	++*(flow->known ? &flows->closed : &flows->strangers);
}

static void flow_remove(struct flows *flows, struct flow *flow)
{
	tuple_remove(flows, flow);
	chain_remove(&flows->by_cookie[hash(flows, &flow->cookie,
					    sizeof(flow->cookie))],
		     flow, offsetof(struct flow, next_cookie));
	age_remove(flows, flow);
	flows->n--;
	free(flow);
}

struct flow *flow_find(const struct flows *flows, __u64 cookie)
{
	struct flow *flow =
		flows->by_cookie[hash(flows, &cookie, sizeof(cookie))];

	while (flow && flow->cookie != cookie)
		flow = flow->next_cookie;
	return flow;
}

static struct flow *flow_new(struct flows *flows, const struct event *e)
{
	struct flow *flow, **bucket;

	if (flows->n >= flows->max)
		flow_remove(flows, flows->oldest);
	flow = calloc(1, sizeof(*flow));
	if (!flow)
		return NULL;
	bucket = &flows->by_cookie[hash(flows, &e->cookie, sizeof(e->cookie))];
	flow->cookie = e->cookie;
	flow->next_cookie = *bucket;
	*bucket = flow;
	flows->n++;
	age_newest(flows, flow);
	return flow;
}

/*
 * What to call an open that ended in ESTABLISHED. Where the other end is not
 * here its last segment tells, but for one that overtook another.
 */
static enum kind open_kind(const struct flow *flow, struct event_state *s)
{
	if (!flow->crossed && !(flow->pair && flow->pair->crossed))
		return KIND_none;
	s->kind_how = HOW_observed;
	if (same_tuple(&s->ev, &s->ev, true))
		return KIND_self;
	if (flow->pair)
		return flow->crossed && flow->pair->crossed ? KIND_full :
							      KIND_half;
	s->kind_how = HOW_derived;
	if (s->gap_from)
		return KIND_unknown;
	return s->cause == CAUSE_RX_SYN_ACK ? KIND_full : KIND_half;
}

static void note_state(struct flow *flow, struct event_state *s)
{
	switch (s->new) {
	case TCB_STATE_SYN_SENT:
		flow->role = FLOW_ACTIVE;
		flow->crossed = false;
		break;
	case TCB_STATE_LISTEN:
		flow->role = FLOW_LISTENER;
		break;
	case TCB_STATE_SYN_RECV:
		if (s->old == TCB_STATE_LISTEN)
			flow->role = FLOW_PASSIVE;
		else
			flow->crossed = true;
		break;
	case TCB_STATE_ESTABLISHED:
		s->kind = open_kind(flow, s);
		break;
	case TCB_STATE_CLOSE:
		if (s->old == TCB_STATE_LISTEN) /* older than the trace */
			flow->role = FLOW_LISTENER;
		break;
	default:
		break;
	}
	flow->state = s->new;
}

/* Is there a listener that the socket may have come from? */
static bool has_listener(struct flows *flows, const struct event *e)
{
	struct event listener = { .lport = e->lport };
	const addr_t any = {};
	const struct flow *f;

	for (f = *tuple_bucket(flows, &listener, false); f; f = f->next_tuple)
		if (f->state == TCB_STATE_LISTEN && f->last.lport == e->lport &&
		    f->last.netns == e->netns &&
		    (!memcmp(&f->last.laddr, &any, sizeof(any)) ||
		     !memcmp(&f->last.laddr, &e->laddr, sizeof(any))))
			return true;
	return false;
}

/* A socket older than the trace: which end it is has to be concluded. */
static void note_existing(struct flows *flows, struct flow *flow,
			  const struct event_socket *s)
{
	flow->state = s->state;
	switch (s->state) {
	case TCB_STATE_SYN_SENT:
		flow->role = FLOW_ACTIVE;
		return;
	case TCB_STATE_LISTEN:
		flow->role = FLOW_LISTENER;
		return;
	case TCB_STATE_CLOSE:
		return;
	case TCB_STATE_NEW_SYN_RECV:
		flow->role = FLOW_PASSIVE;
		break;
	default:
		if (has_listener(flows, &s->ev))
			flow->role = FLOW_PASSIVE;
		else if (flow->pair && flow->pair->role == FLOW_PASSIVE)
			flow->role = FLOW_ACTIVE;
		break;
	}
	if (flow->role == FLOW_PASSIVE && flow->pair &&
	    flow->pair->role == FLOW_UNKNOWN)
		flow->pair->role = FLOW_ACTIVE;
}

/* A place in the order of ages, by what is known of the flow by now. */
static void age(struct flows *flows, struct flow *flow, bool known)
{
	struct flow *pair = flow->pair;

	age_remove(flows, flow);
	flow->known |= known;
	if (is_closed(flow) || !flow->known)
		age_closed(flows, flow);
	else
		age_newest(flows, flow);
	/* the other end of a flow that is known stays as long as it */
	if (!pair || pair->known == flow->known)
		return;
	if (flow->known)
		age(flows, pair, true);
	else
		age(flows, flow, true);
}

/* A socket of which only the queues are traced. */
static void note_queue(struct flow *flow, const struct event_queue *q)
{
	flow->role = q->listener == q->ev.cookie ? FLOW_LISTENER : FLOW_PASSIVE;
}

/* Of a connection that has no socket yet: it may never get one. */
static bool is_request(const struct event *e)
{
	switch (e->type == EVENT_queue ? ((const struct event_queue *)e)->op :
					 0) {
	case QUEUE_SYN_queued:
	case QUEUE_SYN_ACK_resent:
	case QUEUE_accept_overflow:
	case QUEUE_expired:
	case QUEUE_reset:
		return true;
	default:
		return false;
	}
}

/*
 * Only listen() tells what it asks for. A limit that is another one by now
 * comes from a listen() that makes no event.
 */
static void note_asked(const struct flows *flows, struct event_queue *q)
{
	struct flow *flow = flow_find(flows, q->listener);

	if (!flow)
		return;
	if (q->op == QUEUE_listen) {
		flow->asked = q->asked;
		flow->limit = q->limit;
	} else if (flow->limit && flow->limit == q->limit) {
		q->asked = flow->asked;
	}
}

static struct flow *update(struct flows *flows, struct event *e, bool stranger)
{
	struct flow *flow;

	if (!e->cookie)
		return NULL;
	flow = flow_find(flows, e->cookie);
	if (!flow)
		flow = flow_new(flows, e);
	if (!flow)
		return NULL;
	if (flow->in_tuples && !same_tuple(&flow->last, e, false))
		tuple_remove(flows, flow);
	flow->last = *e;
	if (!flow->in_tuples && has_tuple(e))
		tuple_insert(flows, flow);
	if (e->type == EVENT_state)
		note_state(flow, (struct event_state *)e);
	else if (e->type == EVENT_socket && !flow->state)
		note_existing(flows, flow, (struct event_socket *)e);
	else if (e->type == EVENT_queue && flow->role == FLOW_UNKNOWN)
		note_queue(flow, (struct event_queue *)e);
	age(flows, flow, !stranger && !is_request(e));
	if (flows->closed > FLOW_CLOSED_MAX ||
	    flows->strangers > FLOW_STRANGERS_MAX)
		flow_remove(flows, flows->oldest);
	return flow;
}

struct flow *flow_update(struct flows *flows, struct event *e, bool stranger)
{
	struct flow *flow = update(flows, e, stranger);

	if (e->type == EVENT_queue)
		note_asked(flows, (struct event_queue *)e);
	return flow;
}

void flow_number(struct flows *flows, struct flow *flow)
{
	if (!flow->id)
		flow->id = ++flows->ids;
}

size_t flow_count(const struct flows *flows)
{
	return flows->n;
}
