// SPDX-License-Identifier: GPL-2.0
/*
 * A sequence space as a ruler, to scale: marks at the sequence numbers that
 * bound its parts (RFC 9293, figures 3 and 4), and what each part is.
 */
#include "output/show_part.h"

#include "lib/width.h"

#include <stdio.h>
#include <string.h>

#define MARKS 4
#define RANGES 32	   /* beyond a gap; more are one */
#define MARGIN 2	   /* columns before the first mark */
#define UNKNOWN UINT64_MAX /* a window that nobody tells */

/* A sequence number with a name, in bytes from the ruler's begin. */
struct mark {
	uint32_t at;
	char words[64];
	int x, row; /* in the drawing */
};

/* From a mark to the next one, and where its words stand. */
struct part {
	const char *name;
	unsigned int style; /* of its line */
	canvas_colour colour;
	char words[64];
	int x; /* -1: there is no room; 0: no words */
};

struct ruler {
	struct mark mark[MARKS]; /* in order */
	struct part part[MARKS]; /* part[i]: from mark[i] on */
	unsigned int n;
	uint32_t length; /* bytes from the first mark to the last */
	struct range {
		uint32_t start, end;
	} range[RANGES]; /* drawn as blocks: received beyond a gap */
	unsigned int ranges;
	bool words;	/* there are some below a part */
	char rest[160]; /* those that have no room there */
};

/*
 * The names of marks at one place share it: "una=nxt 1". They come in order;
 * one that does not, because numbers make no sense, is where the last one is.
 */
static void add_mark(struct ruler *r, uint32_t at, uint32_t base,
		     const char *name)
{
	struct mark *m = r->n ? &r->mark[r->n - 1] : NULL;
	char names[40] = "";

	if (m && at < m->at)
		at = m->at;
	if (m && m->at == at) {
		snprintf(names, sizeof(names),
			 "%.*s=", (int)strcspn(m->words, " "), m->words);
	} else {
		m = &r->mark[r->n++];
		m->at = at;
	}
	snprintf(m->words, sizeof(m->words), "%s%.16s %u", names, name,
		 at + base);
	r->length = at;
}

static int column(const struct ruler *r, uint32_t at, int room)
{
	return MARGIN + (r->length ? (double)at / r->length * room + 0.5 : 0);
}

/* Words begin above their mark, or end at the edge. */
static int words_begin(const struct mark *m, int width)
{
	int len = width_text(m->words);

	return m->x + len > width ? width - len : m->x;
}

/*
 * Taken from the right, and put higher where there is no room: so a mark's line
 * runs left of all words that are below its own. Returns the rows.
 */
static unsigned int place_marks(struct ruler *r, int width, int room)
{
	int rows = 0, i, k, end, left;

	for (i = r->n - 1; i >= 0; i--) {
		struct mark *m = &r->mark[i];

		m->x = column(r, m->at, room);
		m->row = 0;
		end = words_begin(m, width) + (int)width_text(m->words);
		for (k = i + 1; k < (int)r->n; k++) {
			const struct mark *o = &r->mark[k];

			if (o->row < m->row)
				continue;
			left = o->row == m->row ? words_begin(o, width) : o->x;
			if (end >= left)
				m->row = o->row + 1;
		}
		if (m->row >= rows)
			rows = m->row + 1;
	}
	return rows;
}

/* What a part is, below its middle; what has no room there, one line below. */
static void place_words(struct ruler *r, int width)
{
	unsigned int i;
	int free = 0, len;
	size_t n;

	for (i = 0; i + 1 < r->n; i++) {
		const struct mark *m = &r->mark[i];
		struct part *part = &r->part[i];

		if (!part->name)
			continue;
		snprintf(part->words, sizeof(part->words), "%s %u", part->name,
			 m[1].at - m->at);
		len = strlen(part->words);
		part->x = (m->x + m[1].x + 1 - len) / 2;
		if (part->x >= free && part->x >= m->x - 1 &&
		    part->x + len <= width) {
			free = part->x + len + 1;
			r->words = true;
			continue;
		}
		part->x = -1;
		n = strlen(r->rest);
		snprintf(r->rest + n, sizeof(r->rest) - n, "%s%s",
			 n ? ", " : "", part->words);
	}
}

static void draw_marks(struct canvas *c, const struct ruler *r, int width,
		       int axis)
{
	unsigned int i;

	for (i = 0; i < r->n; i++) {
		const struct mark *m = &r->mark[i];
		int y = axis - 1 - m->row;

		canvas_run(c, m->x, y + 1, m->x, axis, 0, "2");
		canvas_text(c, words_begin(m, width), y, width, m->words, NULL);
	}
}

static void draw_axis(struct canvas *c, const struct ruler *r, int width,
		      int axis)
{
	unsigned int i;
	int end;

	canvas_run(c, 0, axis, r->mark[0].x, axis, CANVAS_DASHED, "2");
	for (i = 0; i < r->n; i++) {
		end = i + 1 < r->n ? r->mark[i + 1].x : width;
		canvas_run(c, r->mark[i].x, axis, end, axis, r->part[i].style,
			   r->part[i].colour);
	}
	for (i = 0; i < r->n; i++)
		canvas_line(c, r->mark[i].x, axis,
			    CANVAS_UP | CANVAS_DOWN | CANVAS_LEFT |
				    CANVAS_RIGHT,
			    NULL);
}

static void draw_ranges(struct canvas *c, const struct ruler *r, int room,
			int axis)
{
	unsigned int i;
	int x, end;

	for (i = 0; i < r->ranges; i++) {
		x = column(r, r->range[i].start, room);
		end = column(r, r->range[i].end, room);
		do {
			canvas_sign(c, x, axis, CANVAS_FULL, "32");
		} while (++x < end);
	}
}

static void draw_words(struct canvas *c, const struct ruler *r, int width,
		       int y)
{
	unsigned int i;

	for (i = 0; i + 1 < r->n; i++)
		if (r->part[i].x > 0)
			canvas_text(c, r->part[i].x, y, width, r->part[i].words,
				    r->part[i].colour);
	if (*r->rest)
		canvas_text(c, MARGIN, y + r->words, width - MARGIN, r->rest,
			    NULL);
}

static void draw(struct show_page *p, struct ruler *r)
{
	int width = p->look->width, room = width - 2 * MARGIN - 1;
	unsigned int rows;
	struct canvas *c;

	if (room < 20)
		return;
	rows = place_marks(r, width, room);
	place_words(r, width);
	c = show_sheet(p, rows + 1 + r->words + !!*r->rest);
	if (!c)
		return;
	draw_axis(c, r, width, rows);
	draw_marks(c, r, width, rows);
	draw_ranges(c, r, room, rows);
	draw_words(c, r, width, rows + 1);
	show_print(p, c);
}

static const char *name_of(const struct module_set *set, int type)
{
	return module_attr(set, type)->name;
}

static uint32_t number(const struct module_list *list, int type)
{
	return module_or(list, type, 0);
}

uint32_t show_send_base(const struct show *s)
{
	struct module_list send = module_nest(&s->list, TCBSCOPE_A_SOCKET_SEND);

	return module_or(&send, TCBSCOPE_A_SEND_ISS,
			 number(&send, TCBSCOPE_A_SEND_UNA));
}

uint32_t show_receive_base(const struct show *s)
{
	struct module_list receive = module_nest(&s->list,
						 TCBSCOPE_A_SOCKET_RECEIVE);

	return module_or(&receive, TCBSCOPE_A_RECEIVE_IRS,
			 number(&receive, TCBSCOPE_A_RECEIVE_NXT));
}

/* What is behind a mark of the send space; all of it counts from una. */
static struct part send_part(uint32_t at, uint32_t nxt, uint32_t write,
			     uint64_t wnd)
{
	struct part part = { .style = CANVAS_HEAVY, .colour = "32" };

	if (at < nxt) {
		part.name = "in flight";
		if (at >= wnd) {
			part.name = "beyond the window";
			part.colour = "31";
		}
	} else if (at < write) {
		part.name = at < wnd ? "unsent" : "must wait";
		part.colour = "33";
	} else if (at < wnd && wnd != UNKNOWN) {
		part = (struct part){ .name = "usable" };
	} else {
		part = (struct part){ .style = CANVAS_DASHED, .colour = "2" };
	}
	return part;
}

struct named {
	uint32_t at;
	const char *name;
};

static void sort(struct named *named, unsigned int n)
{
	unsigned int i, k;

	for (i = 1; i < n; i++) {
		for (k = i; k && named[k].at < named[k - 1].at; k--) {
			struct named other = named[k];

			named[k] = named[k - 1];
			named[k - 1] = other;
		}
	}
}

void show_send(struct show_page *p)
{
	const struct module_set *set =
		module_attr(p->s->set, TCBSCOPE_A_SOCKET_SEND)->nest;
	struct module_list send = module_nest(&p->s->list,
					      TCBSCOPE_A_SOCKET_SEND);
	uint32_t una = number(&send, TCBSCOPE_A_SEND_UNA);
	uint32_t nxt = number(&send, TCBSCOPE_A_SEND_NXT) - una;
	uint64_t wnd = module_or(&send, TCBSCOPE_A_SEND_WND, UNKNOWN);
	unsigned int n = wnd == UNKNOWN ? MARKS - 1 : MARKS, i;
	uint32_t write = module_or(&send, TCBSCOPE_A_SEND_WRITE, una + nxt) -
			 una;
	char edge[40];
	struct named mark[MARKS] = {
		{ 0, name_of(set, TCBSCOPE_A_SEND_UNA) },
		{ nxt, name_of(set, TCBSCOPE_A_SEND_NXT) },
		{ write, name_of(set, TCBSCOPE_A_SEND_WRITE) },
		{ wnd, edge },
	};
	struct ruler r = {};

	snprintf(edge, sizeof(edge), "%s+%s", mark[0].name,
		 name_of(set, TCBSCOPE_A_SEND_WND));
	sort(mark, n);
	for (i = 0; i < n; i++)
		add_mark(&r, mark[i].at, una - show_send_base(p->s),
			 mark[i].name);
	for (i = 0; i < r.n; i++)
		r.part[i] = send_part(r.mark[i].at, nxt, write, wnd);
	draw(p, &r);
}

/* What came beyond a gap; all of it counts from the first byte not read. */
static void add_ranges(struct ruler *r, const struct show *s, uint32_t from)
{
	struct module_list segment;
	struct range range;
	size_t at = 0;

	while (module_next(&s->list, TCBSCOPE_A_SOCKET_SEGMENT, &at,
			   &segment)) {
		if (module_or(&segment, TCBSCOPE_A_SEGMENT_QUEUE, -1) !=
		    TCBSCOPE_QUEUE_OUT_OF_ORDER)
			continue;
		range.start = number(&segment, TCBSCOPE_A_SEGMENT_SEQ) - from;
		range.end = range.start +
			    number(&segment, TCBSCOPE_A_SEGMENT_LEN);
		if (range.start > r->length || range.end < range.start)
			continue;
		if (range.end > r->length)
			range.end = r->length;
		if (r->ranges < RANGES)
			r->range[r->ranges++] = range;
		else
			r->range[RANGES - 1].end = range.end;
	}
}

void show_receive(struct show_page *p)
{
	const struct module_set *set =
		module_attr(p->s->set, TCBSCOPE_A_SOCKET_RECEIVE)->nest;
	struct module_list receive = module_nest(&p->s->list,
						 TCBSCOPE_A_SOCKET_RECEIVE);
	uint32_t nxt = number(&receive, TCBSCOPE_A_RECEIVE_NXT);
	uint32_t copied = module_or(&receive, TCBSCOPE_A_RECEIVE_COPIED, nxt);
	uint32_t base = copied - show_receive_base(p->s);
	struct ruler r = {};
	char edge[40];
	uint64_t wnd;
	int32_t left;

	snprintf(edge, sizeof(edge), "%s+%s",
		 name_of(set, TCBSCOPE_A_RECEIVE_NXT),
		 name_of(set, TCBSCOPE_A_RECEIVE_WND));
	add_mark(&r, 0, base, name_of(set, TCBSCOPE_A_RECEIVE_COPIED));
	r.part[0] = (struct part){ .name = "unread",
				   .style = CANVAS_HEAVY,
				   .colour = "33" };
	add_mark(&r, nxt - copied, base, name_of(set, TCBSCOPE_A_RECEIVE_NXT));
	if (module_number(&receive, TCBSCOPE_A_RECEIVE_WND, &wnd)) {
		/* It counts from where the last ACK was. */
		left = module_or(&receive, TCBSCOPE_A_RECEIVE_WUP, nxt) + wnd -
		       nxt;
		r.part[r.n - 1] = (struct part){ .name = "window" };
		add_mark(&r, nxt - copied + (left > 0 ? left : 0), base, edge);
	}
	r.part[r.n - 1] = (struct part){ .style = CANVAS_DASHED,
					 .colour = "2" };
	add_ranges(&r, p->s, copied);
	draw(p, &r);
}
