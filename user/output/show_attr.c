// SPDX-License-Identifier: GPL-2.0
/* Any attribute as a name and a value, and all of a list as a grid of them. */
#include "output/show_part.h"

#include "lib/clock.h"
#include "lib/say.h"
#include "lib/width.h"
#include "output/cell.h"
#include "output/show_algorithm.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define GRID_CELL 26  /* columns of a name and its value */
#define GRID_LABEL 17 /* columns of a name where it is explained ... */
#define GRID_VALUE 13 /* ... and of its value */
#define HEX_MAX 48    /* bytes of what is only bytes */

struct canvas *show_sheet(struct show_page *p, unsigned int rows)
{
	struct canvas *c = NULL;

	if (!p->err && rows) {
		c = canvas_new(p->look->width, rows, p->look->unicode);
		if (!c)
			p->err = -ENOMEM;
	}
	return c;
}

void show_print(struct show_page *p, struct canvas *c)
{
	if (!c)
		return;
	canvas_print(c, p->file, p->look->colour);
	canvas_free(c);
	if (ferror(p->file))
		p->err = -errno;
}

void show_heading(struct show_page *p, const char *name, const char *words)
{
	struct canvas *c = show_sheet(p, 2);
	int at = strlen(name) + 2;

	if (!c)
		return;
	canvas_text(c, 0, 1, p->look->width, name, "1");
	if (words)
		canvas_text(c, at, 1, (int)p->look->width - at, words, NULL);
	show_print(p, c);
}

static void upper(char *s)
{
	for (; *s; s++)
		*s = *s == '_'		    ? ' ' :
		     *s >= 'a' && *s <= 'z' ? *s - 'a' + 'A' :
					      *s;
}

void show_name(const struct module_set *set, int type, char to[SHOW_LABEL])
{
	show_label(module_attr(set, type), type, to);
	upper(to);
}

/* Its unit is the end of a name; 0: it has none, or one that is not shown. */
static unsigned int unit_us(const struct module_attr *attr)
{
	size_t n = strlen(attr->name);

	if (n > 3 && !strcmp(attr->name + n - 3, "_us"))
		return 1;
	return 0;
}

void show_label(const struct module_attr *attr, int type, char to[SHOW_LABEL])
{
	if (!attr)
		snprintf(to, SHOW_LABEL, "attribute_%d", type);
	else
		snprintf(to, SHOW_LABEL, "%.*s",
			 (int)strlen(attr->name) - (unit_us(attr) ? 3 : 0),
			 attr->name);
}

void show_span(int64_t us, char to[SHOW_LABEL])
{
	uint64_t n = us < 0 ? -(uint64_t)us : (uint64_t)us;
	const char *sign = us < 0 ? "-" : "";
	char text[CELL_TEXT];

	if (n >= 1000 && n < 10000)
		snprintf(to, SHOW_LABEL, "%s%" PRIu64 ".%02" PRIu64 "ms", sign,
			 n / 1000, n % 1000 / 10);
	else if (n >= 10000 && n < 100000)
		snprintf(to, SHOW_LABEL, "%s%" PRIu64 ".%" PRIu64 "ms", sign,
			 n / 1000, n % 1000 / 100);
	else if (n < 1000)
		snprintf(to, SHOW_LABEL, "%s%" PRIu64 "us", sign, n);
	else {
		cell_span(n > UINT64_MAX / 1000 ? UINT64_MAX - 1 : n * 1000,
			  false, text);
		snprintf(to, SHOW_LABEL, "%s%.20s", sign, text);
	}
}

static void hex(const struct module_list *value, char to[SHOW_TEXT])
{
	size_t i, n = value->len < HEX_MAX ? value->len : HEX_MAX;
	const uint8_t *byte = value->data;

	*to = '\0';
	for (i = 0; i < n; i++)
		snprintf(to + 2 * i, 3, "%02x", byte[i]);
	if (n < value->len)
		snprintf(to + 2 * n, 8, "...");
}

/* Adds a word, if there is room. */
static void add_word(char to[SHOW_TEXT], const char *word)
{
	size_t n = strlen(to);

	snprintf(to + n, SHOW_TEXT - n, "%s%s", n ? " " : "", word);
}

static void flags_text(const struct module_attr *attr, uint64_t flags,
		       char to[SHOW_TEXT])
{
	char text[24];
	unsigned int bit;

	*to = '\0';
	for (bit = 0; bit < 64; bit++) {
		if (!(flags >> bit & 1))
			continue;
		snprintf(text, sizeof(text), "bit_%u", bit);
		add_word(to, module_word(attr, bit) ?: text);
	}
	if (!*to)
		snprintf(to, SHOW_TEXT, "none");
}

/* What the kernel writes where there is no limit. */
static bool is_no_limit(const struct module_attr *attr, uint64_t value)
{
	const struct module_attr *set = module_set_socket.attr;

	set = set[TCBSCOPE_A_SOCKET_CONGESTION].nest->attr;
	return (attr == &set[TCBSCOPE_A_CONGESTION_SSTHRESH] ||
		attr == &set[TCBSCOPE_A_CONGESTION_PRIOR_SSTHRESH] ||
		attr == &set[TCBSCOPE_A_CONGESTION_CWND_CLAMP]) &&
	       (value == 0x7fffffff || value == 0xffffffff);
}

static void number_text(const struct module_attr *attr, uint64_t value,
			char to[SHOW_TEXT])
{
	const char *word = module_word(attr, value);
	char text[SHOW_LABEL];

	if (attr->words && attr->words->flags) {
		flags_text(attr, value, to);
	} else if (word) {
		snprintf(to, SHOW_TEXT, "%s", word);
	} else if (is_no_limit(attr, value)) {
		snprintf(to, SHOW_TEXT, "no limit");
	} else if (unit_us(attr)) {
		show_span(value, text);
		snprintf(to, SHOW_TEXT, "%s", text);
	} else if (attr->type == MODULE_S64) {
		snprintf(to, SHOW_TEXT, "%" PRId64, (int64_t)value);
	} else {
		snprintf(to, SHOW_TEXT, "%" PRIu64, value);
	}
}

static void text_text(const struct module_list *value, char to[SHOW_TEXT])
{
	const char *s = value->data;

	say_escape(to, SHOW_TEXT, s, value->len ? strnlen(s, value->len) : 0);
}

void show_value(const struct module_attr *attr, const struct module_list *value,
		char to[SHOW_TEXT])
{
	uint64_t number;

	if (attr && attr->type == MODULE_STRING)
		text_text(value, to);
	else if (attr && attr->address &&
		 module_address_text(value, to, SHOW_TEXT))
		return;
	else if (attr && attr->type >= MODULE_U16 &&
		 module_value(value, &number))
		number_text(attr, number, to);
	else if (attr && attr->type == MODULE_FLAG)
		snprintf(to, SHOW_TEXT, "yes");
	else
		hex(value, to);
}

void show_end(const struct module_list *identity, bool remote,
	      char to[SHOW_TEXT])
{
	int addr = remote ? TCBSCOPE_A_IDENTITY_REMOTE_ADDR :
			    TCBSCOPE_A_IDENTITY_LOCAL_ADDR;
	int port = remote ? TCBSCOPE_A_IDENTITY_REMOTE_PORT :
			    TCBSCOPE_A_IDENTITY_LOCAL_PORT;
	uint64_t number = module_or(identity, port, 0);
	char text[64];

	module_address(identity, addr, text, sizeof(text));
	*to = '\0';
	if (*text)
		snprintf(to, SHOW_TEXT, strchr(text, ':') ? "[%s]:%u" : "%s:%u",
			 text, (unsigned int)number);
}

/* Where the next cell of a grid goes. */
struct grid {
	struct show_page *page;
	struct canvas *canvas;		/* NULL: only measure */
	const struct module_list *list; /* that is shown */
	unsigned int across, column, row;
};

static void grid_cell(struct grid *g, const char *label, const char *value)
{
	unsigned int label_len = width_text(label), room, cells;
	unsigned int need = label_len + 1 + width_text(value) + 2;

	cells = (need + GRID_CELL - 1) / GRID_CELL;
	if (cells > g->across)
		cells = g->across;
	if (g->column + cells > g->across) {
		g->column = 0;
		g->row++;
	}
	room = cells * GRID_CELL - 2;
	if (g->canvas) {
		int x = 2 + g->column * GRID_CELL, y = g->row;

		canvas_text(g->canvas, x, y, room, label, "2");
		if (cells == 1)
			canvas_text_end(g->canvas, x + room, y,
					room - label_len - 1, value, NULL);
		else
			canvas_text(g->canvas, x + label_len + 1, y,
				    (int)(room - label_len) - 1, value, NULL);
	}
	g->column += cells;
}

static bool is_in(int type, const int *skip)
{
	for (; skip && *skip; skip++)
		if (*skip == type)
			return true;
	return false;
}

/* Is it a value by itself, not a list or one of several? */
static bool is_single(const struct module_attr *attr)
{
	return !attr || (attr->type != MODULE_NEST &&
			 attr->type != MODULE_PAD && !attr->many);
}

/* What takes a name and its value; @doc is for who explains. */
typedef void (*grid_put)(struct grid *g, const char *label, const char *value,
			 const char *doc);

static void put_cell(struct grid *g, const char *label, const char *value,
		     const char *doc)
{
	(void)doc;
	grid_cell(g, label, value);
}

/* A paragraph: name, value, and what it is. */
static void put_paragraph(struct grid *g, const char *label, const char *value,
			  const char *doc)
{
	int pad = GRID_VALUE - (int)width_text(value);
	char all[2 * SHOW_TEXT];

	snprintf(all, sizeof(all), "%s%*s%s", value, pad > 2 ? pad : 2, "",
		 doc);
	fprintf(g->page->file, "  %-*.*s", GRID_LABEL, GRID_LABEL - 1, label);
	width_print(g->page->file, all, g->page->look->width, 2 + GRID_LABEL,
		    2 + GRID_LABEL + GRID_VALUE);
}

/* Each number that an algorithm tells of itself. False: it is none of these. */
static bool put_algorithm(struct grid *g, grid_put put,
			  const struct module_attr *attr)
{
	struct show_algorithm number[SHOW_ALGORITHM_MAX];
	unsigned int n = show_algorithm(attr, g->list, number), i;
	char label[SHOW_LABEL], text[SHOW_LABEL];

	for (i = 0; i < n; i++) {
		const struct module_attr as = { .name = number[i].name };

		show_label(&as, 0, label);
		if (number[i].of > 1)
			snprintf(text, sizeof(text), "%.2f",
				 (double)number[i].value / number[i].of);
		else if (unit_us(&as))
			show_span(number[i].value, text);
		else
			snprintf(text, sizeof(text), "%" PRIu64,
				 number[i].value);
		put(g, label, text, number[i].doc);
	}
	return n;
}

static void put_attr(struct grid *g, grid_put put,
		     const struct module_attr *attr, int type,
		     const struct module_list *value)
{
	char label[SHOW_LABEL], text[SHOW_TEXT];

	if (put_algorithm(g, put, attr))
		return;
	show_label(attr, type, label);
	show_value(attr, value, text);
	put(g, label, text,
	    attr ? attr->doc : "not in the description of this program");
}

static void fill(struct grid *g, grid_put put, const struct module_set *set,
		 const int *skip)
{
	const struct module_attr *attr;
	struct module_list value;
	size_t at = 0;
	int type;

	while (module_any(g->list, &at, &type, &value)) {
		attr = module_attr(set, type);
		if (is_single(attr) && !is_in(type, skip))
			put_attr(g, put, attr, type, &value);
	}
}

void show_grid(struct show_page *p, const struct module_set *set,
	       const struct module_list *list, const int *skip)
{
	struct grid g = { .page = p, .list = list };

	if (p->err)
		return;
	if (p->look->explain) {
		fill(&g, put_paragraph, set, skip);
		return;
	}
	g.across = p->look->width > GRID_CELL ? p->look->width / GRID_CELL : 1;
	fill(&g, put_cell, set, skip);
	if (!g.row && !g.column)
		return;
	g.canvas = show_sheet(p, g.row + 1);
	g.row = g.column = 0;
	if (g.canvas)
		fill(&g, put_cell, set, skip);
	show_print(p, g.canvas);
}

void show_bar(struct canvas *c, int x, int y, int room, uint64_t value,
	      uint64_t max, canvas_colour colour)
{
	int full = 0, i;

	if (max)
		full = value < max ? (double)value / max * room + 0.5 : room;
	if (!full && value && max)
		full = 1;
	for (i = 0; i < room; i++)
		canvas_sign(c, x + i, y, i < full ? CANVAS_FULL : CANVAS_EMPTY,
			    i < full ? colour : "2");
}
