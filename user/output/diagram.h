/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The state diagram of TCP (RFC 9293, figure 5) in the kernel's names, and the
 * path that each end of a connection has walked through it. One description of
 * where states and arrows are, for text and for pictures.
 */
#ifndef TCBSCOPE_OUTPUT_DIAGRAM_H
#define TCBSCOPE_OUTPUT_DIAGRAM_H

#include "output/ladder.h"

#define DIAGRAM_WIDTH 69  /* columns ... */
#define DIAGRAM_HEIGHT 19 /* ... and rows of the plan */

/* A state is 13 columns wide, and one row high, around its place. */
#define DIAGRAM_HALF 6

struct diagram_state {
	enum tcb_state state;
	unsigned char x, y;
};

struct diagram_point {
	signed char x, y;
};

#define DIAGRAM_POINTS 4

struct diagram_edge {
	enum tcb_state from, to;
	/* the last ones may be 0, 0; one on a state's row is below its box */
	struct diagram_point at[DIAGRAM_POINTS];
	struct diagram_point label; /* where its first character is */
	const char *words;
};

extern const struct diagram_state diagram_states[];
extern const struct diagram_edge diagram_edges[];
extern const unsigned int diagram_n_states, diagram_n_edges;

/* Corners of an edge: how many points it has. */
unsigned int diagram_points(const struct diagram_edge *edge);

/* Which ends have walked: bit 0 is A, bit 1 is B. */
struct diagram_walk {
	unsigned char edge[32], state[16]; /* [TCB_STATE_x] */
};

void diagram_walk(const struct ladder *l, struct diagram_walk *walk);

/*
 * The states of an end in their order, "CLOSE > SYN_SENT > ...", and what made
 * it leave the diagram; in parts if it is too long for @size.
 */
void diagram_path(const struct ladder *l, unsigned int end, const char *arrow,
		  char *to, size_t size);

/* Is there a way to be seen in a plan? Else a line does. */
bool diagram_worth(const struct ladder *l);

/*
 * 0 or -errno. If there is no room for the plan, or it is not worth it, only
 * the paths are printed.
 */
int diagram_text(const struct ladder *l, const struct ladder_look *look,
		 FILE *file);

/* Draws it from @y downwards; returns its height. */
double diagram_svg(const struct ladder *l, double y, FILE *file);

#endif
