// SPDX-License-Identifier: GPL-2.0
/*
 * Which connection an event belongs to, and which end of it. Mostly its cookie
 * tells; but calls come before there is one, segments may be those of no socket
 * yet, and of two sockets it may turn out late that they are the two ends.
 */
#include "output/ladder_conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool same_addr(const addr_t *a, const addr_t *b)
{
	return !memcmp(a, b, sizeof(*a));
}

/* Is the event of this end, by its addresses? @other: of the other one. */
static bool same_ends(const struct event *end, const struct event *e,
		      bool other)
{
	if (!end->rport || !e->rport || end->family != e->family)
		return false;
	if (other)
		return end->lport == e->rport && end->rport == e->lport &&
		       same_addr(&end->laddr, &e->raddr) &&
		       same_addr(&end->raddr, &e->laddr);
	return end->netns == e->netns && end->lport == e->lport &&
	       end->rport == e->rport && same_addr(&end->laddr, &e->laddr) &&
	       same_addr(&end->raddr, &e->raddr);
}

/* The listener's cookie, in an event that is of a connection to it. */
static bool of_listener(const struct event *e)
{
	if (!e->rport)
		return false;
	if (e->type == EVENT_segment)
		return ((const struct event_segment *)e)->listener == e->cookie;
	if (e->type == EVENT_queue)
		return ((const struct event_queue *)e)->listener == e->cookie;
	return false;
}

static __u64 cookie_of(const struct event *e)
{
	return of_listener(e) ? 0 : e->cookie;
}

/* The connection that an event belongs to, and which end; NULL: a new one. */
static struct conn *find_by_cookie(struct conns *cs, __u64 cookie,
				   unsigned int *end)
{
	struct conn *c;

	if (!cookie)
		return NULL;
	for (c = cs->at + cs->n; c-- > cs->at;)
		for (*end = 0; *end < 2; ++*end)
			if (c->end[*end].cookie == cookie)
				return c;
	return NULL;
}

/*
 * The end that a call is of which has no cookie: calls know the inode, and the
 * one that makes the socket not even that before it has done so.
 */
static struct conn *find_by_call(struct conns *cs, const struct event *e,
				 unsigned int *end)
{
	const struct event_call *call = (const void *)e;
	struct conn *c;

	if (e->type != EVENT_call)
		return NULL;
	for (c = cs->at + cs->n; c-- > cs->at;)
		for (*end = 0; *end < 2; ++*end) {
			struct conn_end *x = &c->end[*end];

			if (!x->known || c->drawn)
				continue;
			if (call->inode && x->inode == call->inode)
				return c;
			if (!x->cookie && !x->inode && x->call == call->call)
				return c;
		}
	return NULL;
}

/* An end without a socket yet, or an event without one. */
static struct conn *find_by_ends(struct conns *cs, const struct event *e,
				 unsigned int *end)
{
	struct conn *c;

	for (c = cs->at + cs->n; c-- > cs->at;) {
		if (c->drawn)
			continue;
		for (*end = 0; *end < 2; ++*end)
			if (c->end[*end].known &&
			    (!c->end[*end].cookie || !cookie_of(e)) &&
			    same_ends(&c->end[*end].last, e, false))
				return c;
	}
	return NULL;
}

/*
 * One whose known end has the event's addresses, the other way round: in the
 * same namespace, or else the only one.
 */
static struct conn *find_only_other(struct conns *cs, const struct event *e,
				    unsigned int *end)
{
	struct conn *c, *found = NULL;
	unsigned int far, n = 0;

	for (c = cs->at + cs->n; c-- > cs->at;)
		for (far = 0; far < 2 && !c->drawn; far++) {
			const struct event *known = &c->end[!far].last;

			if (c->end[far].known || !same_ends(known, e, true))
				continue;
			if (n && known->netns != e->netns) {
				n++;
				continue;
			}
			*end = far;
			found = c;
			if (known->netns == e->netns)
				return c;
			n++;
		}
	return n == 1 ? found : NULL;
}

/* A connection of which only the other end is known. */
static struct conn *find_by_other(struct conns *cs, const struct event *e,
				  const struct flow *flow, unsigned int *end)
{
	struct conn *c;

	if (flow && flow->pair) {
		c = find_by_cookie(cs, flow->pair->cookie, end);
		*end = !*end;
		if (c && !c->drawn && !c->end[*end].known)
			return c;
	}
	return cookie_of(e) ? NULL : find_only_other(cs, e, end);
}

/* Does a socket begin anew with this event? */
bool conn_begins(const struct event *e)
{
	const struct event_state *s = (const void *)e;
	const struct event_call *c = (const void *)e;

	if (e->type == EVENT_call)
		return c->op == CALL_socket ||
		       (c->op == CALL_connect && c->phase == CALL_PHASE_enter);
	return e->type == EVENT_state && s->old == TCB_STATE_CLOSE;
}

static struct conn *conn_new(struct conns *cs)
{
	struct conn *c, *more;

	if (cs->n == cs->room) {
		unsigned int room = 2 * cs->room;

		more = reallocarray(cs->at, room, sizeof(*more));
		if (!more)
			return NULL;
		cs->at = more;
		cs->room = room;
	}
	c = &cs->at[cs->n++];
	*c = (struct conn){};
	return c;
}

/* Moves the events of a connection to another: @far was the end that is @end. */
static int take_over(struct conns *cs, struct conn *to, unsigned int end,
		     struct conn *from, unsigned int far)
{
	struct ladder_event *more;
	size_t i;

	more = reallocarray(to->events, to->n + from->n + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	to->events = more;
	to->room = to->n + from->n + 1;
	for (i = 0; i < from->n; i++)
		to->events[to->n++] = (struct ladder_event){
			from->events[i].e,
			from->events[i].end == far ? end : !end,
		};
	to->left_out += from->left_out;
	free(from->events);
	*from = cs->at[--cs->n];
	return 0;
}

/*
 * Two sockets were taken for connections of their own, as long as one had no
 * peer: now they turn out to be the ends of one. 0 or -ENOMEM.
 */
static int join(struct conns *cs, struct conn **c, unsigned int *end,
		const struct flow *flow)
{
	unsigned int far;
	struct conn *other;
	int err;

	if (!flow || !flow->pair || (*c)->end[!*end].cookie)
		return 0;
	other = find_by_cookie(cs, flow->pair->cookie, &far);
	if (!other || other == *c || other->drawn || other->end[!far].cookie)
		return 0;
	other->end[!far] = (*c)->end[*end];
	err = take_over(cs, other, !far, *c, *end);
	if (err)
		return err;
	if (other == cs->at + cs->n) /* the last one has moved */
		other = *c;
	*c = other;
	*end = !far;
	return 0;
}

/* Is there a socket? A call may have none, or be about to make it. */
static bool tells_of_socket(const struct event *e)
{
	const struct event_call *c = (const void *)e;

	if (e->cookie || e->rport)
		return true;
	return e->type == EVENT_call && (c->inode || c->op == CALL_socket);
}

struct conn *conn_used_again(struct conns *cs, const struct event *e)
{
	unsigned int end;
	struct conn *c = find_by_cookie(cs, cookie_of(e), &end);

	if (!c || !conn_begins(e) || (!c->drawn && !c->end[end].closed))
		return NULL;
	c->end[end].cookie = c->end[end].inode = 0;
	return c;
}

int conn_find(struct conns *cs, const struct event *e, const struct flow *flow,
	      struct conn **c, unsigned int *end)
{
	*c = find_by_cookie(cs, cookie_of(e), end);
	if (!*c)
		*c = find_by_call(cs, e, end);
	if (!*c)
		*c = find_by_ends(cs, e, end);
	if (!*c)
		*c = find_by_other(cs, e, flow, end);
	if (*c)
		return (*c)->drawn ? 0 : join(cs, c, end, flow);
	*end = 0;
	if (!tells_of_socket(e) || cs->n == cs->max)
		return 0;
	*c = conn_new(cs);
	return *c ? 0 : -ENOMEM;
}

/* Calls that came before there was a cookie belong to the same end. */
static int note_call(struct conns *cs, struct conn **c, unsigned int i,
		     const struct event *e)
{
	const struct event_call *call = (const void *)e;
	struct conn_end *end = &(*c)->end[i];
	struct conn *other;
	unsigned int far;
	int err;

	end->call = call->call;
	if (!call->inode || end->inode == call->inode)
		return 0;
	end->inode = 0;
	other = find_by_call(cs, e, &far);
	end->inode = call->inode;
	if (!other || other == *c || other->end[far].cookie ||
	    other->end[!far].known)
		return 0;
	err = take_over(cs, *c, i, other, far);
	if (*c == cs->at + cs->n) /* the last one has moved */
		*c = other;
	return err;
}

static void note_end(struct conn *c, unsigned int i, const struct event *e)
{
	const struct event_state *s = (const void *)e;
	const struct event_segment *g = (const void *)e;
	struct conn_end *end = &c->end[i];

	end->known = true;
	end->cookie = cookie_of(e) ?: end->cookie;
	if (e->rport || !end->last.rport)
		end->last = *e;
	c->last = e->ts_ns;
	if (e->type == EVENT_state)
		end->closed = s->new == TCB_STATE_CLOSE ||
			      s->new == TCB_STATE_TIME_WAIT;
	else if (!end->cookie &&
		 (e->type == EVENT_reset ||
		  (e->type == EVENT_segment && g->flags & SEGMENT_FLAG_RST)))
		end->closed = true;
}

int conn_note(struct conns *cs, struct conn **c, unsigned int end,
	      const struct event *e)
{
	note_end(*c, end, e);
	return e->type == EVENT_call ? note_call(cs, c, end, e) : 0;
}

/* A connection is over when all of its ends that are here are closed. */
bool conn_is_over(const struct conn *c)
{
	return (!c->end[0].known || c->end[0].closed) &&
	       (!c->end[1].known || c->end[1].closed);
}

int conns_init(struct conns *cs, unsigned int max)
{
	cs->max = max;
	cs->n = 0;
	cs->room = 16;
	cs->at = calloc(cs->room, sizeof(*cs->at));
	return cs->at ? 0 : -ENOMEM;
}

void conn_free_events(struct conn *c)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		free((void *)c->events[i].e);
	free(c->events);
	c->events = NULL;
	c->n = c->room = 0;
}

void conns_free(struct conns *cs)
{
	struct conn *c;

	for (c = cs->at; c < cs->at + cs->n; c++)
		conn_free_events(c);
	free(cs->at);
}
