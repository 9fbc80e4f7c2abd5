// SPDX-License-Identifier: GPL-2.0
/*
 * Both queues of a listener as boxes, on the way from the client's SYN to
 * accept(): a line for each request and each connection, in order.
 */
#include "output/show_part.h"

#include "lib/width.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LINES 24   /* of a queue, if not all is asked for */
#define COLUMNS 16 /* of a box */
#define BAR 16

/* A queue: which attribute has its entries. */
struct box {
	const struct module_set *set; /* of an entry */
	int type;
	unsigned int lines; /* entries that are drawn ... */
	uint64_t n;	    /* ... of so many */
	struct {
		int type;
		unsigned int width;
		bool left;
	} column[COLUMNS];
	unsigned int columns, fit; /* there are, and have room */
};

/* Who it is comes first, as the peer; it is all that matters of an identity. */
static void cell(const struct box *b, unsigned int column,
		 const struct module_list *entry, char to[SHOW_TEXT])
{
	int type = b->column[column].type;
	struct module_list value;
	size_t at = 0;

	*to = '\0';
	if (!module_next(entry, type, &at, &value))
		return;
	if (module_attr(b->set, type) &&
	    module_attr(b->set, type)->type == MODULE_NEST)
		show_end(&value, true, to);
	else
		show_value(module_attr(b->set, type), &value, to);
}

static void heading(const struct box *b, unsigned int column,
		    char to[SHOW_LABEL])
{
	const struct module_attr *attr = module_attr(b->set,
						     b->column[column].type);

	if (attr && attr->type == MODULE_NEST)
		snprintf(to, SHOW_LABEL, "peer");
	else
		show_label(attr, b->column[column].type, to);
}

static void add_column(struct box *b, int type, const struct module_attr *attr)
{
	unsigned int i;

	if (attr && attr->type == MODULE_PAD)
		return;
	for (i = 0; i < b->columns; i++)
		if (b->column[i].type == type)
			return;
	if (i == COLUMNS)
		return;
	b->column[i].type = type;
	b->column[i].left = attr && (attr->words || attr->type == MODULE_NEST);
	b->columns++;
}

/* The columns that any entry has something for, and how wide they are. */
static void measure(struct box *b, const struct show *s, unsigned int room,
		    unsigned int most)
{
	struct module_list entry, value;
	char text[SHOW_TEXT], name[SHOW_LABEL];
	unsigned int i, width;
	size_t at = 0, in;
	int type;

	while (module_next(&s->list, b->type, &at, &entry)) {
		if (b->n++ >= most)
			continue;
		b->lines++;
		in = 0;
		while (module_any(&entry, &in, &type, &value))
			add_column(b, type, module_attr(b->set, type));
		for (i = 0; i < b->columns; i++) {
			cell(b, i, &entry, text);
			width = width_text(text);
			if (width > b->column[i].width)
				b->column[i].width = width;
		}
	}
	for (i = 0; i < b->columns; i++) {
		heading(b, i, name);
		width = width_text(name);
		if (width > b->column[i].width)
			b->column[i].width = width;
		if (i && b->column[i].width + 2 > room)
			break;
		b->fit++;
		room -= b->column[i].width + 2 < room ? b->column[i].width + 2 :
							room;
	}
}

static void draw_line(struct canvas *c, const struct box *b, int y,
		      const struct module_list *entry, int number, int end)
{
	char text[SHOW_TEXT], name[SHOW_LABEL];
	unsigned int i;
	int x = 6;

	snprintf(text, sizeof(text), "%d", number);
	if (entry)
		canvas_text_end(c, x - 1, y, 4, text, "2");
	for (i = 0; i < b->fit; i++) {
		int width = b->column[i].width;

		if (x + width > end)
			width = end - x;
		heading(b, i, name);
		if (entry)
			cell(b, i, entry, text);
		else
			snprintf(text, sizeof(text), "%s", name);
		if (b->column[i].left)
			canvas_text(c, x, y, width, text, entry ? NULL : "2");
		else
			canvas_text_end(c, x + width, y, width, text,
					entry ? NULL : "2");
		x += width + 2;
	}
}

/* Has the client gone? Then whoever accepts it finds that out. */
static const char *gone(const struct box *b, const struct module_list *entry)
{
	if (b->set !=
	    module_attr(&module_set_listener, TCBSCOPE_A_LISTENER_CHILD)->nest)
		return NULL;
	switch (module_or(entry, TCBSCOPE_A_CHILD_STATE, 0)) {
	case TCBSCOPE_STATE_CLOSE_WAIT:
		return "client has closed";
	case TCBSCOPE_STATE_CLOSE:
		return "client has reset";
	default:
		return NULL;
	}
}

static void draw_lines(struct canvas *c, const struct box *b,
		       const struct show_page *p)
{
	int width = p->look->width, y = 1, used = 6;
	struct module_list entry;
	unsigned int i, n = 0;
	size_t at = 0;

	for (i = 0; i < b->fit; i++)
		used += b->column[i].width + 2;
	draw_line(c, b, y++, NULL, 0, width - 2);
	while (n < b->lines && module_next(&p->s->list, b->type, &at, &entry)) {
		draw_line(c, b, y, &entry, ++n, width - 2);
		if (gone(b, &entry))
			canvas_text(c, used, y, width - 2 - used,
				    gone(b, &entry), "31");
		y++;
	}
}

/* What does not fit: entries, and columns. */
static void rest_text(const struct box *b, char to[SHOW_TEXT])
{
	char name[SHOW_LABEL];
	unsigned int i;
	size_t n = 0;

	*to = '\0';
	if (b->n > b->lines)
		n = snprintf(to, SHOW_TEXT, "%" PRIu64 " more (--all) ",
			     b->n - b->lines);
	for (i = b->fit; i < b->columns && n < SHOW_TEXT; i++) {
		heading(b, i, name);
		n += snprintf(to + n, SHOW_TEXT - n, "%s%s",
			      i == b->fit ? "no room for " : ", ", name);
	}
}

static void draw_frame(struct canvas *c, int width, int height)
{
	int bottom = height - 1, right = width - 1;

	canvas_line(c, 0, 0, CANVAS_RIGHT | CANVAS_DOWN, NULL);
	canvas_line(c, right, 0, CANVAS_LEFT | CANVAS_DOWN, NULL);
	canvas_line(c, 0, bottom, CANVAS_RIGHT | CANVAS_UP, NULL);
	canvas_line(c, right, bottom, CANVAS_LEFT | CANVAS_UP, NULL);
	canvas_run(c, 1, 0, right, 0, 0, NULL);
	canvas_run(c, 1, bottom, right, bottom, 0, NULL);
	canvas_run(c, 0, 1, 0, bottom, 0, NULL);
	canvas_run(c, right, 1, right, bottom, 0, NULL);
}

/* A box with @title, and, if there is a limit, how full it is. */
static void draw_box(struct show_page *p, const struct box *b,
		     const char *title, uint64_t depth, uint64_t limit)
{
	int width = p->look->width, rows, x = 2;
	char rest[SHOW_TEXT];
	struct canvas *c;

	rest_text(b, rest);
	rows = (b->n ? b->lines + 1 : 0) + 2 + !!*rest;
	c = show_sheet(p, rows);
	if (!c)
		return;
	draw_frame(c, width, rows);
	canvas_text(c, x, 0, width - 4, title, "1");
	x += width_text(title);
	if (limit && x + 1 + BAR < width - 2)
		show_bar(c, x + 1, 0, BAR, depth, limit,
			 depth >= limit ? "31" : "32");
	if (b->n)
		draw_lines(c, b, p);
	canvas_text(c, 6, rows - 2, width - 8, rest, "2");
	show_print(p, c);
}

/* What comes into a queue, or goes out. */
static void arrow(struct show_page *p, int y, const char *words)
{
	struct canvas *c = show_sheet(p, 1 + y);
	int x = 8;

	if (!c)
		return;
	canvas_sign(c, x, y, CANVAS_ARROW_DOWN, NULL);
	canvas_text(c, x + 2, y, p->look->width, words, "2");
	show_print(p, c);
}

static uint64_t number(const struct show_page *p, int type)
{
	return module_or(&p->s->list, type, 0);
}

static struct box box_of(struct show_page *p, int type)
{
	struct box b = { .type = type,
			 .set = module_attr(p->s->set, type)->nest };

	measure(&b, p->s, p->look->width > 8 ? p->look->width - 8 : 0,
		p->look->all ? ~0u : LINES);
	return b;
}

void show_queues(struct show_page *p)
{
	struct box requests = box_of(p, TCBSCOPE_A_LISTENER_REQUEST);
	struct box children = box_of(p, TCBSCOPE_A_LISTENER_CHILD);
	uint64_t syn = number(p, TCBSCOPE_A_LISTENER_SYN), young;
	uint64_t accept = number(p, TCBSCOPE_A_LISTENER_ACCEPT);
	uint64_t limit = number(p, TCBSCOPE_A_LISTENER_LIMIT);
	char title[SHOW_TEXT];
	int n;

	arrow(p, 1, "SYN");
	n = snprintf(title, sizeof(title), " SYN queue %" PRIu64, syn);
	if (module_number(&p->s->list, TCBSCOPE_A_LISTENER_YOUNG, &young) &&
	    syn)
		n += snprintf(title + n, sizeof(title) - n, ", young %" PRIu64,
			      young);
	snprintf(title + n, sizeof(title) - n, " ");
	draw_box(p, &requests, title, 0, 0);
	arrow(p, 0, "ACK");
	snprintf(title, sizeof(title),
		 " %saccept queue %" PRIu64 "/%" PRIu64 "%s ",
		 p->s->derived && accept ? "~" : "", accept, limit,
		 accept > limit ? ", full" : "");
	draw_box(p, &children, title, accept, limit + 1);
	arrow(p, 0, "accept()");
}
