/* SPDX-License-Identifier: GPL-2.0 */
/* How many columns of a terminal a text takes, whatever characters it has. */
#ifndef TCBSCOPE_LIB_WIDTH_H
#define TCBSCOPE_LIB_WIDTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/*
 * Columns of the first character of @s, which is UTF-8 without control
 * characters, as say_escape() makes it: 0, 1 or 2. *@bytes gets its length, 0
 * at the end of the text. A byte that is no UTF-8 takes one.
 */
int width_next(const char *s, size_t *bytes);

/* Columns of the whole. */
size_t width_text(const char *s);

/* Bytes of @s that fit into @room columns, at best up to a blank; at least 1. */
size_t width_fit(const char *s, unsigned int room);

/*
 * Prints a text as a paragraph: broken between words, else between characters,
 * so that no line has more than @columns; 0: no limit. The first line begins at
 * column @at, where the cursor is, all others are indented by @indent.
 */
void width_print(FILE *file, const char *text, unsigned int columns,
		 unsigned int at, unsigned int indent);

/*
 * May characters beyond ASCII be written? By the locale's name, LC_ALL,
 * LC_CTYPE or LANG, and not if TERM is "dumb".
 */
bool width_unicode(void);

#endif
