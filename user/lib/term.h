/* SPDX-License-Identifier: GPL-2.0 */
/* What the terminal can do, if there is one. */
#ifndef TCBSCOPE_LIB_TERM_H
#define TCBSCOPE_LIB_TERM_H

#include <stdbool.h>
#include <stdio.h>

/* Columns of the terminal at @fd: what it says, else COLUMNS, else 80. */
unsigned int term_width(int fd);

/* Can a text be replaced on @fd? Only on a terminal that is not a dumb one. */
bool term_replaces(int fd);

/*
 * Prints a text in the place of all that is on the terminal: as many lines as
 * there is room for, and how many more there are.
 */
void term_replace(FILE *file, const char *text);

/* May colour be written to @fd? Only a terminal, and not with NO_COLOR. */
bool term_colour(int fd);

#endif
