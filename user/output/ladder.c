// SPDX-License-Identifier: GPL-2.0
/*
 * Collects the events of each connection, and draws its ladder when it is over,
 * or at the end of the trace. Memory is bounded: by the number of connections,
 * and of events, of one and of all; what is left out is counted and said.
 */
#include "output/ladder.h"
#include "lib/clock.h"
#include "lib/svg.h"
#include "lib/width.h"
#include "output/diagram.h"
#include "output/output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define EVENTS_OF_ONE 10240  /* of one connection; beyond it ... */
#define EVENTS_RESERVE 256   /* ... so many changes of state and resets */
#define EVENTS_OF_ALL 131072 /* that are held at one time */
#define LINGER_NS 200000000  /* what may follow when both ends are closed */

/* An end of a connection; its cookie is 0 if it has no socket, or none yet. */
struct end {
	bool known, closed;
	__u64 cookie;
	__u64 inode, call; /* that calls tell before there is a cookie */
	struct event last; /* with its addresses, once it has both */
};

struct conn {
	struct end end[2];
	bool drawn; /* and its events are freed */
	nsec_t last;
	struct ladder_event *events;
	size_t n, room;
	uint64_t left_out;
};

struct ladders {
	struct output output;
	const struct schema *schema;
	struct output_ladder_options opt;
	struct conn *conns;
	unsigned int n, room, drawn;
	size_t held;	  /* events, of all connections */
	bool closing;	  /* something is over and not drawn */
	nsec_t looked;	  /* for those, the last time */
	uint64_t beyond;  /* events of connections that got no ladder */
	uint64_t nowhere; /* events that tell of no connection */
	uint64_t more;	  /* of those, that begin one */
	uint64_t behind;  /* that came when the ladder was drawn */
	double y;	  /* of a picture, where the next ladder begins */
	nsec_t start;	  /* of the trace */
};

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
static struct conn *find_by_cookie(struct ladders *ls, __u64 cookie,
				   unsigned int *end)
{
	struct conn *c;

	if (!cookie)
		return NULL;
	for (c = ls->conns + ls->n; c-- > ls->conns;)
		for (*end = 0; *end < 2; ++*end)
			if (c->end[*end].cookie == cookie)
				return c;
	return NULL;
}

/*
 * The end that a call is of which has no cookie: calls know the inode, and the
 * one that makes the socket not even that before it has done so.
 */
static struct conn *find_by_call(struct ladders *ls, const struct event *e,
				 unsigned int *end)
{
	const struct event_call *call = (const void *)e;
	struct conn *c;

	if (e->type != EVENT_call)
		return NULL;
	for (c = ls->conns + ls->n; c-- > ls->conns;)
		for (*end = 0; *end < 2; ++*end) {
			struct end *x = &c->end[*end];

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
static struct conn *find_by_ends(struct ladders *ls, const struct event *e,
				 unsigned int *end)
{
	struct conn *c;

	for (c = ls->conns + ls->n; c-- > ls->conns;) {
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

/* A connection of which only the other end is known. */
static struct conn *find_by_other(struct ladders *ls, const struct event *e,
				  const struct flow *flow, unsigned int *end)
{
	struct conn *c;

	if (flow && flow->pair) {
		c = find_by_cookie(ls, flow->pair->cookie, end);
		*end = !*end;
		if (c && !c->drawn && !c->end[*end].known)
			return c;
	}
	if (cookie_of(e))
		return NULL;
	for (c = ls->conns + ls->n; c-- > ls->conns;) {
		if (c->drawn)
			continue;
		for (*end = 0; *end < 2; ++*end)
			if (!c->end[*end].known &&
			    same_ends(&c->end[!*end].last, e, true))
				return c;
	}
	return NULL;
}

/* Does a socket begin anew with this event? */
static bool begins(const struct event *e)
{
	const struct event_state *s = (const void *)e;
	const struct event_call *c = (const void *)e;

	if (e->type == EVENT_call)
		return c->op == CALL_socket ||
		       (c->op == CALL_connect && c->phase == CALL_PHASE_enter);
	return e->type == EVENT_state && s->old == TCB_STATE_CLOSE;
}

static int by_time(const void *a, const void *b)
{
	const struct event *x = ((const struct ladder_event *)a)->e;
	const struct event *y = ((const struct ladder_event *)b)->e;

	if (x->ts_ns != y->ts_ns)
		return x->ts_ns < y->ts_ns ? -1 : 1;
	if (x->cookie == y->cookie && x->seq != y->seq)
		return x->seq < y->seq ? -1 : 1;
	return (x > y) - (x < y);
}

/* Are there only calls? Then nothing has come of them that can be drawn. */
static bool has_story(const struct ladder *l)
{
	size_t i;

	for (i = 0; i < l->n_events; i++)
		if (l->events[i].e->type != EVENT_call)
			return true;
	return false;
}

/* "#1  refused; at 0.012345 s, for 0.000061 s" */
static void make_title(const struct ladders *ls, const struct ladder *l,
		       char title[2 * LADDER_WORDS])
{
	nsec_t at = l->begin > ls->start ? l->begin - ls->start : 0;
	nsec_t length = l->end_ns - l->begin;
	char words[LADDER_WORDS];

	ladder_title(l, words);
	if (!has_story(l))
		snprintf(words, sizeof(words),
			 "%.80s %.64s: %zu calls, no more", l->end[0].owner,
			 l->end[0].address, l->n_events);
	snprintf(title, 2 * LADDER_WORDS,
		 "#%u  %s; at %llu.%06llu s, for %llu.%06llu s", ls->drawn + 1,
		 words, at / NSEC_PER_SEC, at % NSEC_PER_SEC / 1000,
		 length / NSEC_PER_SEC, length % NSEC_PER_SEC / 1000);
}

/* What no ladder shows; nothing is left out silently. */
__attribute__((format(printf, 2, 3))) static void say_left_out(
	struct ladders *ls, const char *fmt, ...)
{
	char text[256] = "left out: ";
	va_list args;

	va_start(args, fmt);
	vsnprintf(text + strlen(text), sizeof(text) - strlen(text), fmt, args);
	va_end(args);
	if (!ls->opt.svg) {
		width_print(ls->opt.file, text, ls->opt.width, 0, 0);
		return;
	}
	svg_text(ls->opt.file, 24, ls->y + 16, SVG_START, "small", text);
	ls->y += 24;
}

static int draw_text(struct ladders *ls, const struct ladder *l)
{
	const struct ladder_look look = {
		.width = ls->opt.width,
		.unicode = ls->opt.unicode,
		.colour = ls->opt.colour,
	};
	char title[2 * LADDER_WORDS];
	int err;

	make_title(ls, l, title);
	if (ls->drawn)
		putc('\n', ls->opt.file);
	width_print(ls->opt.file, title, ls->opt.width, 0, 4);
	if (!has_story(l))
		return 0;
	err = ladder_text(l, &look, ls->opt.file);
	if (!err)
		err = diagram_text(l, &look, ls->opt.file);
	if (!err && ls->opt.explain)
		err = ladder_explain_text(l, &look, ls->opt.file);
	return err;
}

static int draw_svg(struct ladders *ls, const struct ladder *l)
{
	char title[2 * LADDER_WORDS];

	make_title(ls, l, title);
	if (!has_story(l)) {
		svg_text(ls->opt.file, 24, ls->y + 24, SVG_START, "small",
			 title);
		ls->y += 36;
		return 0;
	}
	ls->y += ladder_svg(l, title, ls->y, ls->opt.file);
	ls->y += diagram_svg(l, ls->y, ls->opt.file);
	if (ls->opt.explain)
		ls->y += ladder_explain_svg(l, ls->y, ls->opt.file);
	return 0;
}

/*
 * Who accepted goes to the right, and who is not here; of two that both asked,
 * the one with the higher address.
 */
static bool belongs_right(const struct conn *c)
{
	const struct event *a = &c->end[0].last, *b = &c->end[1].last;
	bool asked[2] = {};
	size_t i;
	int order;

	for (i = 0; i < c->n; i++) {
		const struct event_state *s = (const void *)c->events[i].e;

		if (s->ev.type != EVENT_state)
			continue;
		if (s->old == TCB_STATE_LISTEN && s->new != TCB_STATE_CLOSE)
			return !c->events[i].end;
		asked[c->events[i].end] |= s->new == TCB_STATE_SYN_SENT;
	}
	if (asked[0] != asked[1])
		return asked[1];
	if (!c->end[1].cookie || !c->end[0].cookie)
		return c->end[1].cookie;
	order = memcmp(&a->laddr, &b->laddr, sizeof(a->laddr));
	return order > 0 || (!order && a->lport > b->lport);
}

static void order_ends(struct conn *c)
{
	size_t i;

	if (belongs_right(c))
		for (i = 0; i < c->n; i++)
			c->events[i].end = !c->events[i].end;
	qsort(c->events, c->n, sizeof(*c->events), by_time);
}

static int draw(struct ladders *ls, struct conn *c)
{
	struct ladder *l;
	size_t i;
	int err;

	order_ends(c);
	l = ladder_build(ls->schema, c->events, c->n,
			 ls->opt.svg ? LADDER_SVG_SIDE :
				       ladder_text_side(ls->opt.width));
	if (!l)
		return -ENOMEM;
	err = ls->opt.svg ? draw_svg(ls, l) : draw_text(ls, l);
	if (c->left_out)
		say_left_out(ls, "%llu more events of this connection",
			     (unsigned long long)c->left_out);
	ladder_free(l);
	for (i = 0; i < c->n; i++)
		free((void *)c->events[i].e);
	free(c->events);
	c->events = NULL;
	ls->held -= c->n;
	ls->drawn++;
	c->n = c->room = 0;
	c->drawn = true;
	return err ?: ferror(ls->opt.file) ? -errno : 0;
}

/* A connection is over when all of its ends that are here are closed. */
static bool is_over(const struct conn *c)
{
	return (!c->end[0].known || c->end[0].closed) &&
	       (!c->end[1].known || c->end[1].closed);
}

/* Draws what has been over for a while at @now; looks now and then. */
static int draw_over(struct ladders *ls, nsec_t now)
{
	struct conn *c;
	int err = 0;

	if (!ls->closing || now < ls->looked + LINGER_NS / 4)
		return 0;
	ls->looked = now;
	ls->closing = false;
	for (c = ls->conns; c < ls->conns + ls->n && !err; c++) {
		if (c->drawn || !c->n || !is_over(c))
			continue;
		if (c->last + LINGER_NS < now)
			err = draw(ls, c);
		else
			ls->closing = true;
	}
	return err;
}

static struct conn *conn_new(struct ladders *ls)
{
	struct conn *c, *more;

	if (ls->n == ls->opt.max)
		return NULL;
	if (ls->n == ls->room) {
		unsigned int room = 2 * ls->room;

		more = reallocarray(ls->conns, room, sizeof(*more));
		if (!more)
			return NULL;
		ls->conns = more;
		ls->room = room;
	}
	c = &ls->conns[ls->n++];
	*c = (struct conn){};
	return c;
}

static bool is_rare(const struct event *e)
{
	return e->type == EVENT_state || e->type == EVENT_reset;
}

/* Keeps a copy of the event; *@kept: or only counts it. 0 or -ENOMEM. */
static int keep(struct ladders *ls, struct conn *c, unsigned int end,
		const struct event *e, bool *kept)
{
	size_t most = is_rare(e) ? EVENTS_OF_ONE + EVENTS_RESERVE :
				   EVENTS_OF_ONE;
	size_t size = ls->schema->types[e->type].size;
	struct ladder_event *more;
	struct event *copy;

	*kept = c->n < most && ls->held < EVENTS_OF_ALL;
	if (!*kept) {
		c->left_out++;
		return 0;
	}
	if (c->n == c->room) {
		size_t room = c->room ? 2 * c->room : 16;

		more = reallocarray(c->events, room, sizeof(*more));
		if (!more)
			return -ENOMEM;
		c->events = more;
		c->room = room;
	}
	copy = malloc(size);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, e, size);
	c->events[c->n].e = copy;
	c->events[c->n++].end = end;
	ls->held++;
	return 0;
}

/* Moves the events of a connection to another: @far was the end that is @end. */
static int take_over(struct ladders *ls, struct conn *to, unsigned int end,
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
	*from = ls->conns[--ls->n];
	return 0;
}

/*
 * Two sockets were taken for connections of their own, as long as one had no
 * peer: now they turn out to be the ends of one. 0 or -ENOMEM.
 */
static int join(struct ladders *ls, struct conn **c, unsigned int *end,
		const struct flow *flow)
{
	unsigned int far;
	struct conn *other;
	int err;

	if (!flow || !flow->pair || (*c)->end[!*end].cookie)
		return 0;
	other = find_by_cookie(ls, flow->pair->cookie, &far);
	if (!other || other == *c || other->drawn || other->end[!far].cookie)
		return 0;
	other->end[!far] = (*c)->end[*end];
	err = take_over(ls, other, !far, *c, *end);
	if (err)
		return err;
	if (other == ls->conns + ls->n) /* the last one has moved */
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

/* Where the event belongs: *@c is NULL if there is no room for it. 0, -errno */
static int find(struct ladders *ls, const struct event *e,
		const struct flow *flow, struct conn **c, unsigned int *end)
{
	int err = 0;

	*c = find_by_cookie(ls, cookie_of(e), end);
	if (*c && begins(e) && ((*c)->drawn || (*c)->end[*end].closed)) {
		/* the socket is used again */
		if (!(*c)->drawn)
			err = draw(ls, *c);
		(*c)->end[*end].cookie = (*c)->end[*end].inode = 0;
		*c = NULL;
	}
	if (err)
		return err;
	if (!*c)
		*c = find_by_call(ls, e, end);
	if (!*c)
		*c = find_by_ends(ls, e, end);
	if (!*c)
		*c = find_by_other(ls, e, flow, end);
	if (*c)
		return (*c)->drawn ? 0 : join(ls, c, end, flow);
	*end = 0;
	if (tells_of_socket(e)) {
		*c = conn_new(ls);
		return *c || ls->n == ls->opt.max ? 0 : -ENOMEM;
	}
	return 0;
}

/* Calls that came before there was a cookie belong to the same end. */
static int note_call(struct ladders *ls, struct conn **c, unsigned int i,
		     const struct event *e)
{
	const struct event_call *call = (const void *)e;
	struct end *end = &(*c)->end[i];
	struct conn *other;
	unsigned int far;
	int err;

	end->call = call->call;
	if (!call->inode || end->inode == call->inode)
		return 0;
	end->inode = 0;
	other = find_by_call(ls, e, &far);
	end->inode = call->inode;
	if (!other || other == *c || other->end[far].cookie ||
	    other->end[!far].known)
		return 0;
	err = take_over(ls, *c, i, other, far);
	if (*c == ls->conns + ls->n) /* the last one has moved */
		*c = other;
	return err;
}

/* What the event says of its end. */
static void note(struct ladders *ls, struct conn *c, unsigned int i,
		 const struct event *e)
{
	const struct event_state *s = (const void *)e;
	const struct event_segment *g = (const void *)e;
	struct end *end = &c->end[i];

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
		  (e->type == EVENT_segment && g->flags & FLAG_RST)))
		end->closed = true;
	ls->closing |= end->closed;
}

static int ladder_event(struct output *o, const struct event *e,
			struct flow *flow, bool *shown)
{
	struct ladders *ls = (struct ladders *)o;
	unsigned int end;
	struct conn *c;
	int err;

	err = draw_over(ls, e->ts_ns);
	if (!err)
		err = find(ls, e, flow, &c, &end);
	if (err)
		return err;
	if (!c || c->drawn) {
		ls->nowhere += !c && ls->n < ls->opt.max;
		ls->beyond += !c && ls->n == ls->opt.max;
		ls->behind += !!c;
		ls->more += !c && begins(e);
		*shown = false;
		return 0;
	}
	note(ls, c, end, e);
	if (e->type == EVENT_call)
		err = note_call(ls, &c, end, e);
	return err ?: keep(ls, c, end, e, shown);
}

static int ladder_header(struct output *o, const struct trace_info *info)
{
	struct ladders *ls = (struct ladders *)o;
	int err;

	ls->start = info->start_ns;
	if (!ls->opt.svg)
		return 0;
	err = svg_begin(ls->opt.file, LADDER_SVG_WIDTH,
			"TCP connections, as tcbscope saw them");
	svg_style(ls->opt.file, ladder_svg_style);
	svg_style(ls->opt.file, diagram_svg_style);
	return err;
}

static int ladder_flush(struct output *o, nsec_t now_ns)
{
	struct ladders *ls = (struct ladders *)o;
	int err = draw_over(ls, now_ns);

	return err ?: fflush(ls->opt.file) ? -errno : 0;
}

static int ladder_footer(struct output *o, const struct account *account)
{
	struct ladders *ls = (struct ladders *)o;
	struct conn *c;
	int err = 0;

	(void)account;
	for (c = ls->conns; c < ls->conns + ls->n && !err; c++)
		if (!c->drawn && c->n)
			err = draw(ls, c);
	if (ls->beyond)
		say_left_out(ls,
			     "%llu events of %llu or more connections beyond "
			     "the first %u (--ladder=N)",
			     (unsigned long long)ls->beyond,
			     (unsigned long long)ls->more, ls->opt.max);
	if (ls->nowhere)
		say_left_out(ls, "%llu events that belong to no connection",
			     (unsigned long long)ls->nowhere);
	if (ls->behind)
		say_left_out(ls, "%llu events that came after their ladder",
			     (unsigned long long)ls->behind);
	if (ls->opt.svg && !err)
		err = svg_end(ls->opt.file, LADDER_SVG_WIDTH, ls->y + 12);
	return err ?: fflush(ls->opt.file) ? -errno : 0;
}

static void ladder_free_output(struct output *o)
{
	struct ladders *ls = (struct ladders *)o;
	struct conn *c;
	size_t i;

	for (c = ls->conns; c < ls->conns + ls->n; c++) {
		for (i = 0; i < c->n; i++)
			free((void *)c->events[i].e);
		free(c->events);
	}
	free(ls->conns);
	free(ls);
}

static const struct output_ops ladder_ops = {
	.header = ladder_header,
	.event = ladder_event,
	.flush = ladder_flush,
	.footer = ladder_footer,
	.free = ladder_free_output,
};

struct output *output_ladder_new(const struct schema *schema,
				 const struct output_ladder_options *options)
{
	struct ladders *ls = calloc(1, sizeof(*ls));

	if (!ls)
		return NULL;
	ls->room = 16;
	ls->conns = calloc(ls->room, sizeof(*ls->conns));
	if (!ls->conns) {
		free(ls);
		return NULL;
	}
	ls->output.ops = &ladder_ops;
	ls->schema = schema;
	ls->opt = *options;
	return &ls->output;
}
