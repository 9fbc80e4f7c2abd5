/* SPDX-License-Identifier: GPL-2.0 */
/* What the terminal can do, if there is one. */
#ifndef TCBSCOPE_LIB_TERM_H
#define TCBSCOPE_LIB_TERM_H

#include <stdbool.h>

/* Columns of the terminal at @fd: what it says, else COLUMNS, else 80. */
unsigned int term_width(int fd);

/* May colour be written to @fd? Only a terminal, and not with NO_COLOR. */
bool term_colour(int fd);

#endif
