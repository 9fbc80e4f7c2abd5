// SPDX-License-Identifier: GPL-2.0
/*
 * A ladder as text. Time lines, texts and arrows are drawn on sheets of a
 * bounded number of rows, one below the other, so any number of rows will do.
 */
#include "lib/canvas.h"
#include "lib/clock.h"
#include "output/ladder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SHEET 256      /* rows of one sheet */
#define TIME_WIDTH 10  /* "12345.678 " */
#define TIME_LEAST 64  /* columns from which there is room for it */
#define WIDTH_LEAST 36 /* columns that something can be drawn in */
#define SIDE_LEAST 12  /* a blank and ESTABLISHED */
#define SIDE_MOST 44   /* columns beside a time line, however wide it is */
#define MIDDLE_MOST 60

struct frame {
	const struct ladder *l;
	const struct ladder_look *look;
	struct canvas *canvas;
	int time, side, middle; /* columns of each */
	int x[2];		/* of the time lines */
	int top;		/* first row of the sheet */
};

static void frame_size(struct frame *f, unsigned int width)
{
	int rest;

	if (width < WIDTH_LEAST)
		width = WIDTH_LEAST;
	f->time = width >= TIME_LEAST ? TIME_WIDTH : 0;
	rest = width - f->time - 2;
	f->middle = (rest * 3 + 7) / 8;
	if (f->middle > MIDDLE_MOST)
		f->middle = MIDDLE_MOST;
	if (rest - f->middle < 2 * SIDE_LEAST)
		f->middle = rest - 2 * SIDE_LEAST;
	f->side = (rest - f->middle) / 2;
	if (f->side > SIDE_MOST)
		f->side = SIDE_MOST;
	f->x[0] = f->time + f->side;
	f->x[1] = f->x[0] + 1 + f->middle;
}

unsigned int ladder_text_side(unsigned int width)
{
	struct frame f;

	frame_size(&f, width);
	return f.side;
}

static canvas_colour state_colour(enum tcb_state state)
{
	switch (state) {
	case TCB_STATE_ESTABLISHED:
		return "32";
	case TCB_STATE_SYN_SENT:
	case TCB_STATE_SYN_RECV:
		return "33";
	case TCB_STATE_LISTEN:
		return "34";
	case TCB_STATE_CLOSE:
		return "2";
	default:
		return "36";
	}
}

static canvas_colour arrow_colour(const struct ladder *l, const struct arrow *a)
{
	const struct step *s = ladder_told(l, a);
	unsigned int flags = ladder_flags(s);

	if (flags & SEGMENT_FLAG_RST)
		return "31";
	if (s->e->type == EVENT_retransmit ||
	    (!s->derived &&
	     ((const struct event_segment *)s->e)->retransmitted))
		return "35";
	if (flags & SEGMENT_FLAG_SYN)
		return "33";
	return flags & SEGMENT_FLAG_FIN ? "36" : NULL;
}

/* How an end's time line looks: heavy while data can flow both ways. */
static unsigned int line_style(const struct ladder *l, unsigned int end,
			       enum tcb_state state)
{
	if (!l->end[end].here || state == TCB_STATE_CLOSE ||
	    state == TCB_STATE_TIME_WAIT || !state)
		return CANVAS_DASHED;
	return state == TCB_STATE_ESTABLISHED ? CANVAS_HEAVY : 0;
}

/* Is there such an end at all? A listener has none on the other side. */
static bool exists(const struct ladder *l, unsigned int end)
{
	return l->end[end].here || *l->end[end].address;
}

static void draw_lines(struct frame *f, size_t i)
{
	const struct ladder_row *row = &f->l->rows[i];
	int y = i - f->top;
	unsigned int end;

	for (end = 0; end < 2 && exists(f->l, end); end++)
		canvas_line(f->canvas, f->x[end], y,
			    CANVAS_UP | CANVAS_DOWN |
				    (row->gap ?
					     CANVAS_DASHED :
					     line_style(f->l, end,
							row->lane[end].line)),
			    state_colour(row->lane[end].line));
}

static void draw_time(struct frame *f, const struct ladder_row *row, int y)
{
	nsec_t us = (row->ts - f->l->begin) / 1000;
	char text[32];

	if (!f->time || !row->ts)
		return;
	snprintf(text, sizeof(text), "%llu.%03llu", us / 1000, us % 1000);
	canvas_text_end(f->canvas, f->time - 1, y, f->time - 1, text, "2");
}

/* The state beside the time line, what acts outside of it. */
static void draw_lane(struct frame *f, const struct ladder_row *row,
		      unsigned int end, int y)
{
	const struct ladder_lane *lane = &row->lane[end];
	char outer[LADDER_WORDS], state[LADDER_WORDS] = "";
	int room = f->side - 1, used = 0, x = f->x[end];

	ladder_outer(f->l, row, end, f->look->unicode, outer);
	if (lane->state >= 0) {
		ladder_state(f->l, &f->l->steps[lane->state], state);
		used = strlen(state) + 1;
		if (end)
			canvas_text(f->canvas, x + 2, y, room, state,
				    state_colour(lane->line));
		else
			canvas_text_end(f->canvas, x - 1, y, room, state,
					state_colour(lane->line));
	}
	if (end)
		canvas_text(f->canvas, x + 2 + used, y, room - used, outer,
			    NULL);
	else
		canvas_text_end(f->canvas, x - 1 - used, y, room - used, outer,
				NULL);
}

/* Where an arrow begins and ends: a row behind the last one, if not at all. */
static void arrow_rows(const struct ladder *l, const struct arrow *a, int *from,
		       int *to)
{
	*from = l->steps[a->sent >= 0 ? a->sent : a->received].row;
	*to = l->steps[a->received >= 0 ? a->received : a->sent].row;
}

/* On the line from @from to @to, of which @rest columns are to be seen. */
static void draw_label(struct frame *f, const struct arrow *a, int y, int from,
		       int to, int rest)
{
	int room = abs(to - from) - 4 - rest, way = a->from ? -1 : 1, len;
	canvas_colour colour = arrow_colour(f->l, a);
	char label[LADDER_WORDS];

	if (room < 3)
		return;
	ladder_label(f->l, a, room, label);
	len = strlen(label);
	if (!len)
		return;
	canvas_text(f->canvas, from + 2 * way, y, 1, " ", NULL);
	canvas_text(f->canvas, from + (3 + len) * way, y, 1, " ", NULL);
	if (way > 0)
		canvas_text(f->canvas, from + 3, y, room, label, colour);
	else
		canvas_text_end(f->canvas, from - 2, y, room, label, colour);
}

/* A segment that arrives in the row that it is sent in, or never. */
static void draw_straight(struct frame *f, const struct arrow *a, int y)
{
	int from = f->x[a->from], to = f->x[!a->from], way = a->from ? -1 : 1;
	unsigned int style = a->derived ? CANVAS_DASHED : 0;
	canvas_colour colour = arrow_colour(f->l, a);
	enum canvas_sign head = a->from ? CANVAS_ARROW_LEFT :
					  CANVAS_ARROW_RIGHT;

	if (a->fate != ARROW_ARRIVED) {
		head = a->fate == ARROW_LOST ? CANVAS_LOST : CANVAS_UNKNOWN;
		to -= way * (f->middle / 4);
	}
	canvas_line(f->canvas, from, y, a->from ? CANVAS_LEFT : CANVAS_RIGHT,
		    NULL);
	canvas_run(f->canvas, from + way, y, to - way, y, style, colour);
	canvas_sign(f->canvas, to - way, y, head, colour);
	draw_label(f, a, y, from, to, 2);
}

/* The column of a sloping arrow in a row between its two ends. */
static int slope_column(const struct frame *f, const struct arrow *a, int y,
			int from_row)
{
	int centre = f->x[0] + 1 + f->middle / 2, at;

	if (a->band >= 0) {
		at = y < a->band ? -2 : y > a->band + 1 ? 1 : y - a->band - 1;
	} else {
		at = y - from_row;
		if (at > f->middle / 4)
			at = f->middle / 4;
		at -= 2;
	}
	return a->from ? centre - 1 - at : centre + at;
}

/* Leaves in one row, goes down across the middle, arrives in another. */
static void draw_sloping(struct frame *f, const struct arrow *a, int from,
			 int to)
{
	int way = a->from ? -1 : 1, x, before, y;
	unsigned int style = a->derived ? CANVAS_DASHED : 0;
	canvas_colour colour = arrow_colour(f->l, a);
	enum canvas_way on = a->from ? CANVAS_LEFT : CANVAS_RIGHT;
	enum canvas_way back = a->from ? CANVAS_RIGHT : CANVAS_LEFT;

	x = slope_column(f, a, from, from);
	y = from - f->top;
	canvas_line(f->canvas, f->x[a->from], y, on, NULL);
	canvas_run(f->canvas, f->x[a->from] + way, y, x, y, style, colour);
	canvas_line(f->canvas, x, y, back | CANVAS_DOWN, colour);
	draw_label(f, a, y, f->x[a->from], x, 0);
	for (y = from + 1; y < to; y++) {
		before = x;
		x = slope_column(f, a, y, from);
		if (x == before || y < f->top || y >= f->top + SHEET)
			canvas_line(f->canvas, x, y - f->top,
				    CANVAS_UP | CANVAS_DOWN, colour);
		else
			canvas_sign(f->canvas, x, y - f->top,
				    a->from ? CANVAS_RISING : CANVAS_FALLING,
				    colour);
	}
	x = slope_column(f, a, to, from);
	y = to - f->top;
	canvas_line(f->canvas, x, y, on | CANVAS_UP, colour);
	canvas_run(f->canvas, x + way, y, f->x[!a->from] - way, y, style,
		   colour);
	canvas_sign(f->canvas, f->x[!a->from] - way, y,
		    a->from ? CANVAS_ARROW_LEFT : CANVAS_ARROW_RIGHT, colour);
}

static void draw_arrows(struct frame *f)
{
	const struct ladder *l = f->l;
	const struct arrow *a;
	int from, to;

	for (a = l->arrows; a < l->arrows + l->n_arrows; a++) {
		if (l->steps[a->sent >= 0 ? a->sent : a->received].arrow < 0)
			continue;
		arrow_rows(l, a, &from, &to);
		if (to < f->top || from >= f->top + SHEET)
			continue;
		if (from == to)
			draw_straight(f, a, from - f->top);
		else
			draw_sloping(f, a, from, to);
	}
}

static void draw_sheet(struct frame *f)
{
	size_t i;

	for (i = f->top; i < f->l->n_rows && i < (size_t)f->top + SHEET; i++) {
		draw_lines(f, i);
		draw_time(f, &f->l->rows[i], i - f->top);
		draw_lane(f, &f->l->rows[i], 0, i - f->top);
		draw_lane(f, &f->l->rows[i], 1, i - f->top);
	}
	draw_arrows(f);
}

/* The names of the ends above their lines, and the states they begin in. */
static void draw_head(struct frame *f)
{
	char state[LADDER_WORDS];
	unsigned int end;

	if (f->time)
		canvas_text_end(f->canvas, f->time - 1, 0, f->time - 1, "ms",
				"2");
	for (end = 0; end < 2 && exists(f->l, end); end++) {
		const struct ladder_end *e = &f->l->end[end];

		canvas_text(f->canvas, f->x[end], 0, 1, end ? "B" : "A", "1");
		canvas_line(f->canvas, f->x[end], 1,
			    CANVAS_UP | CANVAS_DOWN |
				    line_style(f->l, end, e->first),
			    state_colour(e->first));
		if (!e->first)
			continue;
		snprintf(state, sizeof(state), "%s",
			 schema_name(f->l->schema, EVENT_state, "old",
				     e->first));
		if (end)
			canvas_text(f->canvas, f->x[end] + 2, 1, f->side - 1,
				    state, state_colour(e->first));
		else
			canvas_text_end(f->canvas, f->x[end] - 1, 1,
					f->side - 1, state,
					state_colour(e->first));
	}
}

static void print_ends(struct frame *f)
{
	char text[2 * CELL_TEXT + 64];
	unsigned int end;

	for (end = 0; end < 2 && exists(f->l, end); end++) {
		const struct ladder_end *e = &f->l->end[end];

		snprintf(text, sizeof(text), "%c  %s%s%s%s", 'A' + end,
			 e->here ? e->owner : "", *e->owner ? " " : "",
			 e->address, ladder_known(f->l, end));
		canvas_text(f->canvas, f->time, end, f->look->width - f->time,
			    text, NULL);
	}
}

/* One sheet of @rows, drawn by @draw. 0 or -errno. */
static int sheet(struct frame *f, FILE *file, unsigned int rows,
		 void (*draw)(struct frame *f))
{
	f->canvas = canvas_new(f->look->width, rows, f->look->unicode);
	if (!f->canvas)
		return -ENOMEM;
	draw(f);
	canvas_print(f->canvas, file, f->look->colour);
	canvas_free(f->canvas);
	return ferror(file) ? -errno : 0;
}

int ladder_text(const struct ladder *l, const struct ladder_look *look,
		FILE *file)
{
	struct frame f = { .l = l, .look = look };
	size_t rows;
	int err;

	frame_size(&f, look->width);
	err = sheet(&f, file, exists(l, 1) ? 3 : 2, print_ends);
	if (!err)
		err = sheet(&f, file, 2, draw_head);
	for (; !err && (size_t)f.top < l->n_rows; f.top += SHEET) {
		rows = l->n_rows - f.top;
		err = sheet(&f, file, rows < SHEET ? rows : SHEET, draw_sheet);
	}
	return err;
}
