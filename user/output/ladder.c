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
#include "output/ladder_conn.h"
#include "output/output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define EVENTS_OF_ONE 10240  /* of one connection; beyond it ... */
#define EVENTS_RESERVE 256   /* ... so many changes of state and resets */
#define EVENTS_OF_ALL 131072 /* that are held at one time */
#define LINGER_NS 200000000  /* what may follow when both ends are closed */

struct ladders {
	struct output output;
	const struct schema *schema;
	struct output_ladder_options opt;
	struct conns conns;
	unsigned int drawn;
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
	ls->held -= c->n;
	ls->drawn++;
	c->drawn = true;
	conn_free_events(c);
	return err ?: ferror(ls->opt.file) ? -errno : 0;
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
	for (c = ls->conns.at; c < ls->conns.at + ls->conns.n && !err; c++) {
		if (c->drawn || !c->n || !conn_is_over(c))
			continue;
		if (c->last + LINGER_NS < now)
			err = draw(ls, c);
		else
			ls->closing = true;
	}
	return err;
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

/* @c: its connection, which is drawn already; NULL: it has none. */
static void leave_out(struct ladders *ls, const struct conn *c,
		      const struct event *e)
{
	if (c) {
		ls->behind++;
	} else if (ls->conns.n < ls->opt.max) {
		ls->nowhere++;
	} else {
		ls->beyond++;
		ls->more += conn_begins(e);
	}
}

static int ladder_event(struct output *o, const struct event *e,
			struct flow *flow, bool *shown)
{
	struct ladders *ls = (struct ladders *)o;
	unsigned int end;
	struct conn *c;
	int err;

	err = draw_over(ls, e->ts_ns);
	c = err ? NULL : conn_used_again(&ls->conns, e);
	if (c && !c->drawn)
		err = draw(ls, c);
	if (!err)
		err = conn_find(&ls->conns, e, flow, &c, &end);
	if (err)
		return err;
	if (!c || c->drawn) {
		leave_out(ls, c, e);
		*shown = false;
		return 0;
	}
	err = conn_note(&ls->conns, &c, end, e);
	ls->closing |= c->end[end].closed;
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
	for (c = ls->conns.at; c < ls->conns.at + ls->conns.n && !err; c++)
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
	conns_free(&((struct ladders *)o)->conns);
	free(o);
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
	if (conns_init(&ls->conns, options->max)) {
		free(ls);
		return NULL;
	}
	ls->output.ops = &ladder_ops;
	ls->schema = schema;
	ls->opt = *options;
	return &ls->output;
}
