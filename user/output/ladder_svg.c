// SPDX-License-Identifier: GPL-2.0
/*
 * A ladder as SVG: the same rows as in text, with more room for words. Colours
 * say what words say as well.
 */
#include "lib/svg.h"
#include "lib/width.h"
#include "output/ladder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEFT 310 /* x of the time lines */
#define RIGHT 670
#define ROW 30	      /* height of a row */
#define HEAD 118      /* of what stands above the first row */
#define FOOT 28	      /* below the last one */
#define CHARACTER 7.3 /* width of one in the text of 12 px */
#define DOT 6	      /* where the state changes: its radius */
#define SLANT 7	      /* how far an arrow falls that takes no time */

const char ladder_svg_style[] =
	"text{font-family:'DejaVu Sans',Verdana,Arial,sans-serif;"
	"fill:#24292f}\n"
	".title{font-size:17px;font-weight:bold}\n"
	".small{font-size:12px;fill:#57606a}\n"
	".name{font-size:13px;font-weight:bold}\n"
	".mono{font-family:'DejaVu Sans Mono',Menlo,Consolas,monospace;"
	"font-size:12px}\n"
	".time{font-family:'DejaVu Sans Mono',Menlo,Consolas,monospace;"
	"font-size:11px;fill:#8c959f}\n"
	".flag{font-family:'DejaVu Sans Mono',Menlo,Consolas,monospace;"
	"font-size:12px;paint-order:stroke;stroke:#ffffff;stroke-width:4px}\n"
	".pill{font-size:11px;font-weight:bold;fill:#ffffff}\n"
	".card{fill:#f6f8fa;stroke:#d0d7de}\n"
	".opening{fill:#bf8700}.established{fill:#1a7f37}"
	".closing{fill:#0969da}.closed{fill:#6e7781}.listen{fill:#8250df}\n"
	".line{stroke-width:2;stroke:#8c959f}\n"
	".gone{stroke-width:1.5;stroke:#afb8c1;stroke-dasharray:2 5}\n"
	".wait{stroke-width:2;stroke:#0969da;stroke-dasharray:5 4}\n"
	".lopening{stroke-width:3;stroke:#bf8700}"
	".lestablished{stroke-width:7;stroke:#1a7f37}"
	".lclosing{stroke-width:3;stroke:#0969da}"
	".llisten{stroke-width:3;stroke:#8250df}\n"
	".arrow{stroke:#57606a;stroke-width:1.6}.head{fill:#57606a}\n"
	".syn{stroke:#9a6700}.hsyn{fill:#9a6700}.tsyn{fill:#7d4e00}\n"
	".fin{stroke:#0969da}.hfin{fill:#0969da}.tfin{fill:#0550ae}\n"
	".rst{stroke:#cf222e}.hrst{fill:#cf222e}.trst{fill:#a40e26}\n"
	".again{stroke:#bf3989}.hagain{fill:#bf3989}.tagain{fill:#99286e}\n"
	".derived{stroke-dasharray:6 4}\n"
	".lost{stroke:#cf222e;stroke-width:2.5}\n";

struct svg_frame {
	const struct ladder *l;
	FILE *file;
	double y; /* of the top of the ladder */
};

static double row_y(const struct svg_frame *f, double row)
{
	return f->y + HEAD + ROW * row;
}

static double line_x(unsigned int end)
{
	return end ? RIGHT : LEFT;
}

/* The class of a state's pill; "l" before it: of its time line. */
const char *ladder_svg_class(enum tcb_state state)
{
	switch (state) {
	case TCB_STATE_ESTABLISHED:
		return "established";
	case TCB_STATE_SYN_SENT:
	case TCB_STATE_SYN_RECV:
	case TCB_STATE_NEW_SYN_RECV:
		return "opening";
	case TCB_STATE_LISTEN:
		return "listen";
	case TCB_STATE_CLOSE:
		return "closed";
	default:
		return "closing";
	}
}

static void draw_line(const struct svg_frame *f, unsigned int end,
		      enum tcb_state state, double y0, double y1)
{
	char class[32];

	if (!f->l->end[end].here || !state || state == TCB_STATE_CLOSE)
		strcpy(class, "gone");
	else if (state == TCB_STATE_TIME_WAIT)
		strcpy(class, "wait");
	else
		snprintf(class, sizeof(class), "l%s", ladder_svg_class(state));
	svg_line(f->file, line_x(end), y0, line_x(end), y1, class);
}

/* A time line, in pieces of one state each. */
static void draw_lines(const struct svg_frame *f, unsigned int end)
{
	const struct ladder *l = f->l;
	enum tcb_state state = l->end[end].first, next;
	double from = row_y(f, -1.4);
	size_t i;

	for (i = 0; i < l->n_rows; i++) {
		next = l->rows[i].lane[end].line;
		if (next == state)
			continue;
		draw_line(f, end, state, from, row_y(f, i));
		from = row_y(f, i);
		state = next;
	}
	draw_line(f, end, state, from, row_y(f, l->n_rows - 0.3));
}

static void arrow_classes(const struct ladder *l, const struct arrow *a,
			  char line[40], char head[40], char text[40])
{
	const struct step *s = ladder_told(l, a);
	unsigned int flags = ladder_flags(s);
	const char *kind = "";

	if (flags & SEGMENT_FLAG_RST)
		kind = "rst";
	else if (s->e->type == EVENT_retransmit ||
		 (!s->derived &&
		  ((const struct event_segment *)s->e)->retransmitted))
		kind = "again";
	else if (flags & SEGMENT_FLAG_SYN)
		kind = "syn";
	else if (flags & SEGMENT_FLAG_FIN)
		kind = "fin";
	snprintf(line, 40, "arrow %s%s", kind, a->derived ? " derived" : "");
	snprintf(head, 40, "head h%s", kind);
	snprintf(text, 40, "flag t%s", kind);
}

/* The label runs along the arrow, near the end that sends. */
static void draw_label(const struct svg_frame *f, const struct arrow *a,
		       const char *class, double x0, double y0, double x1,
		       double y1)
{
	double way = a->from ? -1 : 1, at = 18;
	double degrees = atan2((y1 - y0) * way, (x1 - x0) * way) * 180 / M_PI;
	double slope = (y1 - y0) / (x1 - x0);
	char label[LADDER_WORDS];

	ladder_label(f->l, a, fabs(degrees) > 6 ? 19 : 40, label);
	svg_text_turned(f->file, x0 + way * at, y0 + slope * way * at - 5,
			degrees, a->from ? SVG_END : SVG_START, class, label);
}

static void draw_arrow(const struct svg_frame *f, const struct arrow *a)
{
	const struct ladder *l = f->l;
	const struct step *sent =
		&l->steps[a->sent >= 0 ? a->sent : a->received];
	const struct step *came =
		&l->steps[a->received >= 0 ? a->received : a->sent];
	double way = a->from ? -1 : 1;
	double x0 = line_x(a->from) + 4 * way, x1 = line_x(!a->from) - 4 * way;
	double y0 = row_y(f, sent->row), y1 = row_y(f, came->row);
	char line[40], head[40], text[40];

	if (sent->arrow < 0)
		return;
	if (sent->row == came->row) {
		y0 -= SLANT / 2.0;
		y1 += SLANT / 2.0;
	}
	arrow_classes(l, a, line, head, text);
	if (a->fate != ARROW_ARRIVED) {
		x1 = x0 + (x1 - x0) * 0.75;
		svg_line(f->file, x0, y0, x1, y1, line);
		if (a->fate == ARROW_UNKNOWN) {
			svg_text(f->file, x1 + way * 8, y1 + 4, SVG_MIDDLE,
				 text, "?");
		} else {
			svg_line(f->file, x1 - 6, y1 - 6, x1 + 6, y1 + 6,
				 "lost");
			svg_line(f->file, x1 - 6, y1 + 6, x1 + 6, y1 - 6,
				 "lost");
		}
	} else {
		svg_line(f->file, x0, y0, x1 - way * 6, y1, line);
		svg_head(f->file, x0, y0, x1, y1, head);
	}
	draw_label(f, a, text, x0, y0, x1, y1);
}

/* No more than so many columns, the last of them dots. */
static void cut(char *text, size_t columns)
{
	size_t bytes, at = 0;
	char *s = text;

	if (width_text(text) <= columns)
		return;
	for (; *s; s += bytes) {
		at += width_next(s, &bytes);
		if (at >= columns)
			break;
	}
	strcpy(s, "…");
}

static void draw_state(const struct svg_frame *f, const char *name,
		       enum tcb_state state, unsigned int end, double y)
{
	double width = width_text(name) * CHARACTER + 14;
	double x = end ? RIGHT + 12 : LEFT - 12 - width;

	svg_box(f->file, x, y - 9, width, 18, 9, ladder_svg_class(state));
	svg_text(f->file, x + width / 2, y + 4, SVG_MIDDLE, "pill", name);
}

static void draw_lane(const struct svg_frame *f, size_t i, unsigned int end)
{
	const struct ladder_row *row = &f->l->rows[i];
	const struct ladder_lane *lane = &row->lane[end];
	char name[LADDER_WORDS];
	double used = 12, y = row_y(f, i);

	if (lane->state >= 0) {
		ladder_state(f->l, &f->l->steps[lane->state], name);
		draw_state(f, name, lane->line, end, y);
		svg_box(f->file, line_x(end) - DOT, y - DOT, 2 * DOT, 2 * DOT,
			DOT, ladder_svg_class(lane->line));
		used += width_text(name) * CHARACTER + 22;
	}
	ladder_outer(f->l, row, end, true, name);
	cut(name, LADDER_SVG_SIDE);
	svg_text(f->file, end ? RIGHT + used : LEFT - used, y + 4,
		 end ? SVG_START : SVG_END, "mono", name);
}

static void draw_times(const struct svg_frame *f)
{
	const struct ladder *l = f->l;
	char text[32], before[32] = "";
	nsec_t us;
	size_t i;

	svg_text(f->file, 62, row_y(f, -1), SVG_END, "time", "ms");
	for (i = 0; i < l->n_rows; i++) {
		if (!l->rows[i].ts)
			continue;
		us = (l->rows[i].ts - l->begin) / 1000;
		snprintf(text, sizeof(text), "%llu.%03llu", us / 1000,
			 us % 1000);
		if (strcmp(text, before))
			svg_text(f->file, 62, row_y(f, i) + 4, SVG_END, "time",
				 text);
		strcpy(before, text);
	}
}

/* Who the ends are, in a card above each time line. */
static void draw_head(const struct svg_frame *f, unsigned int end)
{
	const struct ladder_end *e = &f->l->end[end];
	char name[CELL_TEXT + 32], address[CELL_TEXT + 8];
	double x = line_x(end), width = 300;

	svg_box(f->file, x - width / 2, f->y + 34, width, 42, 8, "card");
	snprintf(name, sizeof(name), "%c   %s%s", 'A' + end,
		 e->here ? e->owner : "", ladder_known(f->l, end));
	strcpy(address, e->address);
	cut(name, 36);
	cut(address, 40);
	svg_text(f->file, x, f->y + 51, SVG_MIDDLE, "name", name);
	svg_text(f->file, x, f->y + 67, SVG_MIDDLE, "mono", address);
	if (e->first)
		draw_state(f,
			   schema_name(f->l->schema, EVENT_state, "old",
				       e->first),
			   e->first, end, row_y(f, -0.85));
}

double ladder_svg(const struct ladder *l, const char *title, double y,
		  FILE *file)
{
	const struct svg_frame f = { .l = l, .file = file, .y = y };
	const struct arrow *a;
	unsigned int end;
	size_t i;

	svg_text(file, 24, y + 24, SVG_START, "title", title);
	for (end = 0; end < 2; end++) {
		if (!l->end[end].here && !*l->end[end].address)
			continue; /* a listener has no other end */
		draw_lines(&f, end);
		draw_head(&f, end);
	}
	draw_times(&f);
	for (a = l->arrows; a < l->arrows + l->n_arrows; a++)
		draw_arrow(&f, a);
	for (i = 0; i < l->n_rows; i++) {
		draw_lane(&f, i, 0);
		draw_lane(&f, i, 1);
	}
	return HEAD + ROW * l->n_rows + FOOT;
}
