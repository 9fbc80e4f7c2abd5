// SPDX-License-Identifier: GPL-2.0
/* Tables by libsmartcols, which counts columns of a terminal, not bytes. */
#include "output/table.h"

#include <errno.h>
#include <stdlib.h>

#ifndef NO_TABLES
#include <libsmartcols.h>

struct table {
	struct libscols_table *table;
	struct libscols_line *line;
	size_t columns, next; /* the cell that comes next */
};

struct table *table_new(FILE *file, bool raw, bool headings)
{
	struct table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->table = scols_new_table();
	if (!t->table || scols_table_set_stream(t->table, file) ||
	    scols_table_enable_raw(t->table, raw) ||
	    scols_table_enable_noheadings(t->table, !headings)) {
		table_free(t);
		errno = ENOMEM;
		return NULL;
	}
	return t;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	scols_unref_table(t->table);
	free(t);
}

int table_column(struct table *t, const char *name, unsigned int flags)
{
	int scols = (flags & TABLE_RIGHT ? SCOLS_FL_RIGHT : 0) |
		    (flags & TABLE_CUT ? SCOLS_FL_TRUNC : 0);

	if (!scols_table_new_column(t->table, name, 0, scols))
		return -ENOMEM;
	t->columns++;
	return 0;
}

int table_cell(struct table *t, const char *text)
{
	int err;

	if (!t->next)
		t->line = scols_table_new_line(t->table, NULL);
	if (!t->line)
		return -ENOMEM;
	err = scols_line_set_data(t->line, t->next, text);
	t->next = (t->next + 1) % t->columns;
	return err;
}

int table_print(struct table *t)
{
	return scols_print_table(t->table);
}

#else

struct table *table_new(FILE *file, bool raw, bool headings)
{
	(void)file;
	(void)raw;
	(void)headings;
	errno = ENOSYS;
	return NULL;
}

void table_free(struct table *t)
{
	(void)t;
}

int table_column(struct table *t, const char *name, unsigned int flags)
{
	(void)t;
	(void)name;
	(void)flags;
	return -ENOSYS;
}

int table_cell(struct table *t, const char *text)
{
	(void)t;
	(void)text;
	return -ENOSYS;
}

int table_print(struct table *t)
{
	(void)t;
	return -ENOSYS;
}

#endif
