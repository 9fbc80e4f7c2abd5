// SPDX-License-Identifier: GPL-2.0
/* Cells that know which lines meet in them, or which character they have. */
#include "lib/canvas.h"
#include "lib/width.h"

#include <stdlib.h>
#include <string.h>

#define CELL_BYTES 14 /* a character, and some that combine with it */

struct cell {
	char text[CELL_BYTES + 1]; /* "": lines, a sign, or nothing */
	unsigned char ways, sign;  /* sign: enum canvas_sign + 1 */
	bool taken;		   /* by the wide character before it */
	canvas_colour colour;
};

struct canvas {
	int columns, rows;
	bool unicode;
	struct cell *cells;
};

/* By the four ways; the heavy ones behind. */
static const char *const lines[2][16] = {
	{ " ", "╴", "╶", "─", "╵", "╯", "╰", "┴", "╷", "╮", "╭", "┬", "│", "┤",
	  "├", "┼" },
	{ " ", "╸", "╺", "━", "╹", "┛", "┗", "┻", "╻", "┓", "┏", "┳", "┃", "┫",
	  "┣", "╋" },
};
static const char lines_ascii[] = " ---|+++|+++|+++";
static const char heavy_ascii[] = " ===#+++#+++#+++";

static const char *const signs[CANVAS_SIGNS] = {
	[CANVAS_ARROW_LEFT] = "◀", [CANVAS_ARROW_RIGHT] = "▶",
	[CANVAS_ARROW_UP] = "▲",   [CANVAS_ARROW_DOWN] = "▼",
	[CANVAS_FALLING] = "╲",	   [CANVAS_RISING] = "╱",
	[CANVAS_CROSS] = "╳",	   [CANVAS_LOST] = "✕",
	[CANVAS_UNKNOWN] = "?",	   [CANVAS_FULL] = "█",
	[CANVAS_EMPTY] = "░",
};
static const char signs_ascii[] = "<>^v\\/Xx?#-";

struct canvas *canvas_new(unsigned int columns, unsigned int rows, bool unicode)
{
	struct canvas *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->columns = columns;
	c->rows = rows;
	c->unicode = unicode;
	c->cells = calloc((size_t)columns * rows ?: 1, sizeof(*c->cells));
	if (c->cells)
		return c;
	free(c);
	return NULL;
}

void canvas_free(struct canvas *c)
{
	if (c)
		free(c->cells);
	free(c);
}

static struct cell *cell_at(struct canvas *c, int x, int y)
{
	if (x < 0 || y < 0 || x >= c->columns || y >= c->rows)
		return NULL;
	return &c->cells[(size_t)y * c->columns + x];
}

/* Half of a wide character is none: what is left of it becomes a blank. */
static struct cell *cell_clear(struct canvas *c, int x, int y)
{
	struct cell *cell = cell_at(c, x, y), *other;

	if (!cell)
		return NULL;
	if (cell->taken) {
		other = cell - 1;
		*other = (struct cell){};
	}
	other = cell_at(c, x + 1, y);
	if (other && other->taken)
		*other = (struct cell){};
	*cell = (struct cell){};
	return cell;
}

/* One character, or one that combines with that before it. */
static void put_character(struct canvas *c, int x, int y, const char *s,
			  size_t bytes, int width, canvas_colour colour)
{
	struct cell *cell = width ? cell_clear(c, x, y) : cell_at(c, x - 1, y);
	size_t n;

	if (!cell)
		return;
	if (!width && cell->taken)
		cell--;
	n = strlen(cell->text);
	if ((!width && !n) || n + bytes > CELL_BYTES)
		return;
	memcpy(cell->text + n, s, bytes);
	cell->text[n + bytes] = '\0';
	cell->colour = colour;
	if (width == 2) {
		cell = cell_clear(c, x + 1, y);
		if (cell)
			cell->taken = true;
		else /* over the edge */
			*cell_at(c, x, y) = (struct cell){};
	}
}

void canvas_text(struct canvas *c, int x, int y, int room, const char *text,
		 canvas_colour colour)
{
	const char *dots = c->unicode ? "…" : "..";
	int dots_width = c->unicode ? 1 : 2, end = x + room, width;
	bool cut = (int)width_text(text) > room;
	size_t bytes;

	if (cut)
		end -= dots_width;
	for (; *text; text += bytes, x += width) {
		width = width_next(text, &bytes);
		if (x + width > end)
			break;
		put_character(c, x, y, text, bytes, width, colour);
	}
	if (cut && room >= dots_width)
		canvas_text(c, x, y, dots_width, dots, colour);
}

void canvas_text_end(struct canvas *c, int x, int y, int room, const char *text,
		     canvas_colour colour)
{
	int width = width_text(text);

	if (width > room)
		width = room;
	canvas_text(c, x - width, y, room, text, colour);
}

void canvas_line(struct canvas *c, int x, int y, unsigned int ways,
		 canvas_colour colour)
{
	struct cell *cell = cell_at(c, x, y);

	if (!cell || *cell->text || cell->taken)
		return;
	if (ways & CANVAS_DASHED && !cell->ways)
		cell->ways = CANVAS_DASHED;
	else if (!(ways & CANVAS_DASHED))
		cell->ways &= ~CANVAS_DASHED;
	cell->ways |= ways & ~CANVAS_DASHED;
	if (colour)
		cell->colour = colour;
}

void canvas_run(struct canvas *c, int x0, int y0, int x1, int y1,
		unsigned int style, canvas_colour colour)
{
	int dx = (x1 > x0) - (x1 < x0), dy = (y1 > y0) - (y1 < y0);
	unsigned int ways = dx ? CANVAS_LEFT | CANVAS_RIGHT :
				 CANVAS_UP | CANVAS_DOWN;

	for (; x0 != x1 || y0 != y1; x0 += dx, y0 += dy)
		canvas_line(c, x0, y0, ways | style, colour);
}

void canvas_sign(struct canvas *c, int x, int y, enum canvas_sign sign,
		 canvas_colour colour)
{
	struct cell *cell = cell_at(c, x, y);
	unsigned int before = cell ? cell->sign : 0;

	if (!cell_clear(c, x, y))
		return;
	if (before &&
	    (before == CANVAS_FALLING + 1 || before == CANVAS_RISING + 1) &&
	    before != sign + 1u &&
	    (sign == CANVAS_FALLING || sign == CANVAS_RISING))
		sign = CANVAS_CROSS;
	cell->sign = sign + 1;
	cell->colour = colour;
}

static const char *dashed(unsigned int ways)
{
	return ways & (CANVAS_LEFT | CANVAS_RIGHT) ? "╌" : "┊";
}

static void print_cell(const struct canvas *c, const struct cell *cell,
		       FILE *file)
{
	unsigned int ways = cell->ways & 15;
	bool heavy = cell->ways & CANVAS_HEAVY;
	bool straight = ways == (CANVAS_LEFT | CANVAS_RIGHT) ||
			ways == (CANVAS_UP | CANVAS_DOWN);

	if (*cell->text)
		fputs(cell->text, file);
	else if (cell->sign && c->unicode)
		fputs(signs[cell->sign - 1], file);
	else if (cell->sign)
		putc(signs_ascii[cell->sign - 1], file);
	else if (cell->ways & CANVAS_DASHED && straight)
		fputs(c->unicode       ? dashed(ways) :
		      ways & CANVAS_UP ? ":" :
					 ".",
		      file);
	else if (c->unicode)
		fputs(lines[heavy][ways], file);
	else
		putc(heavy ? heavy_ascii[ways] : lines_ascii[ways], file);
}

static bool is_blank(const struct cell *cell)
{
	return !cell->taken && !cell->sign && !(cell->ways & 15) &&
	       (!*cell->text || !strcmp(cell->text, " "));
}

static void print_row(const struct canvas *c, int y, FILE *file, bool colour)
{
	const struct cell *row = &c->cells[(size_t)y * c->columns];
	canvas_colour now = NULL, want;
	int x, end = c->columns;

	while (end && is_blank(&row[end - 1]))
		end--;
	for (x = 0; x < end; x++) {
		if (row[x].taken)
			continue;
		want = colour && !is_blank(&row[x]) ? row[x].colour : NULL;
		if (want != now)
			fprintf(file, "\033[0%s%sm", want ? ";" : "",
				want ?: "");
		now = want;
		print_cell(c, &row[x], file);
	}
	fputs(now ? "\033[0m\n" : "\n", file);
}

void canvas_print(const struct canvas *c, FILE *file, bool colour)
{
	int y;

	for (y = 0; y < c->rows; y++)
		print_row(c, y, file, colour);
}
