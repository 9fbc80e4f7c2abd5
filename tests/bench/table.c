// SPDX-License-Identifier: GPL-2.0
/* Tables as Documentation/performance.rst has them. */
#include "bench.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define CELLS 32 /* static buffers of cell() */
#define CELL_LEN 128

const char *cell(const char *fmt, ...)
{
	static char text[CELLS][CELL_LEN];
	static unsigned int next;
	char *at = text[next++ % CELLS];
	va_list args;

	va_start(args, fmt);
	vsnprintf(at, CELL_LEN, fmt, args);
	va_end(args);
	return at;
}

void table_row(struct table *t, const char *first, ...)
{
	unsigned int column = 0;
	const char *text;
	va_list args;

	if (t->rows == TABLE_ROWS)
		bench_die("a table of too many rows");
	va_start(args, first);
	for (text = first; text; text = va_arg(args, const char *)) {
		if (column == TABLE_COLUMNS)
			bench_die("a table of too many columns");
		t->cell[t->rows][column++] = strdup(text);
	}
	va_end(args);
	if (column > t->columns)
		t->columns = column;
	t->rows++;
}

static void print_rule(const size_t width[])
{
	unsigned int c;
	size_t i;

	for (c = 0; width[c]; c++) {
		if (c)
			printf("  ");
		for (i = 0; i < width[c]; i++)
			putchar('=');
	}
	putchar('\n');
}

/* An empty first cell would continue the row above. */
static void print_row(struct table *t, unsigned int row, const size_t width[])
{
	unsigned int c;

	for (c = 0; c < t->columns; c++) {
		const char *text = t->cell[row][c] ?: "";

		if (!c && !*text)
			text = "\\";
		if (c + 1 < t->columns)
			printf("%-*s  ", (int)width[c], text);
		else
			printf("%s\n", text);
	}
}

void table_print(struct table *t)
{
	size_t width[TABLE_COLUMNS + 1] = {};
	unsigned int row, c;

	for (row = 0; row < t->rows; row++)
		for (c = 0; c < t->columns; c++) {
			size_t len = strlen(t->cell[row][c] ?: "");

			if (len > width[c])
				width[c] = len;
		}
	print_rule(width);
	for (row = 0; row < t->rows; row++) {
		print_row(t, row, width);
		if (!row)
			print_rule(width);
	}
	print_rule(width);
	putchar('\n');
	fflush(stdout);
	for (row = 0; row < t->rows; row++)
		for (c = 0; c < t->columns; c++)
			free(t->cell[row][c]);
	*t = (struct table){};
}
