/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A sheet of character cells to draw lines and texts on: what is drawn beyond
 * its edges is lost, so no line of it is ever too long.
 */
#ifndef TCBSCOPE_LIB_CANVAS_H
#define TCBSCOPE_LIB_CANVAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Which ways a line leaves a cell; several lines in one are joined. */
enum canvas_way {
	CANVAS_LEFT = 1,
	CANVAS_RIGHT = 2,
	CANVAS_UP = 4,
	CANVAS_DOWN = 8,
	CANVAS_HEAVY = 16, /* all of the cell's lines, for emphasis */
	CANVAS_DASHED = 32,
};

/* "\033[...m" without its ends; NULL: none. */
typedef const char *canvas_colour;

struct canvas;

/* @unicode: line-drawing characters; else - | + and the like. NULL: no memory. */
struct canvas *canvas_new(unsigned int columns, unsigned int rows,
			  bool unicode);
void canvas_free(struct canvas *c);

/* Writes text, escaped and in UTF-8, into @room columns; "..." if cut. */
void canvas_text(struct canvas *c, int x, int y, int room, const char *text,
		 canvas_colour colour);

/* The same, its end at column @x (not included). */
void canvas_text_end(struct canvas *c, int x, int y, int room, const char *text,
		     canvas_colour colour);

/* Adds to the lines of a cell. */
void canvas_line(struct canvas *c, int x, int y, unsigned int ways,
		 canvas_colour colour);

/* Lines from one cell to the next but last: one of @x, @y stays the same. */
void canvas_run(struct canvas *c, int x0, int y0, int x1, int y1,
		unsigned int style, canvas_colour colour);

/* A character that is drawn whatever else is there. */
enum canvas_sign {
	CANVAS_ARROW_LEFT,
	CANVAS_ARROW_RIGHT,
	CANVAS_ARROW_UP,
	CANVAS_ARROW_DOWN,
	CANVAS_FALLING, /* a diagonal; both in one cell are a cross */
	CANVAS_RISING,
	CANVAS_CROSS,
	CANVAS_LOST,
	CANVAS_UNKNOWN,
	CANVAS_FULL, /* of bars */
	CANVAS_EMPTY,
	CANVAS_SIGNS,
};

void canvas_sign(struct canvas *c, int x, int y, enum canvas_sign sign,
		 canvas_colour colour);

/* Prints the rows without their trailing blanks. */
void canvas_print(const struct canvas *c, FILE *file, bool colour);

#endif
