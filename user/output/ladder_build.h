/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How a ladder is built: from events to steps, from steps to arrows and rows,
 * in this order. When there is no memory they set @failed, and stop.
 */
#ifndef TCBSCOPE_OUTPUT_LADDER_BUILD_H
#define TCBSCOPE_OUTPUT_LADDER_BUILD_H

#include "output/ladder.h"

/* Two changes of state that one segment makes are no further apart. */
#define LADDER_SAME_NS 20000

/* What is further apart has rows of its own. */
#define LADDER_TOGETHER_NS 1000000

void ladder_steps(struct ladder *l); /* and what is known of the ends */
void ladder_arrows(struct ladder *l);
void ladder_rows(struct ladder *l);

/* Room for one more behind @n elements of @size in *@array; false: failed. */
bool ladder_grow(struct ladder *l, void *array, size_t n, size_t *room,
		 size_t size);

#endif
