/* SPDX-License-Identifier: GPL-2.0 */
/* A table for people: columns as wide as they need, lines no wider than fits. */
#ifndef TCBSCOPE_OUTPUT_TABLE_H
#define TCBSCOPE_OUTPUT_TABLE_H

#include <stdbool.h>
#include <stdio.h>

enum table_flags {
	TABLE_RIGHT = 1, /* numbers */
	TABLE_CUT = 2,	 /* may be cut where a terminal is too narrow */
};

struct table;

/*
 * @raw: a blank between cells instead of padding. NULL: no memory, or -ENOSYS
 * in errno: a static program has no tables, because the library that makes
 * them is a shared one only.
 */
struct table *table_new(FILE *file, bool raw, bool headings);
void table_free(struct table *t);

/* Columns first, then cells: a line begins with its first cell. 0 or -errno. */
int table_column(struct table *t, const char *name, unsigned int flags);
int table_cell(struct table *t, const char *text);

int table_print(struct table *t);

#endif
