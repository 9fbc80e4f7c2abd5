/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A ladder: one connection whole, from its events. Two time lines, one for each
 * end; what happens to an end is a step, steps that belong together share a
 * row, and segments are arrows from a step of one end to one of the other.
 */
#ifndef TCBSCOPE_OUTPUT_LADDER_H
#define TCBSCOPE_OUTPUT_LADDER_H

#include "output/cell.h"
#include <stdio.h>

/* One event of the connection, and which end's it is. */
struct ladder_event {
	const struct event *e;
	unsigned int end;
};

struct ladder_end {
	bool here;	       /* on this machine: it has events */
	bool segments;	       /* and they tell of segments */
	enum tcb_state first;  /* before its first transition; 0: unknown */
	char owner[CELL_TEXT]; /* the last one; "": unknown */
	char address[CELL_TEXT];
};

enum step_kind {
	STEP_CALL,     /* a call begins, or something else acts */
	STEP_STATE,    /* the state changes */
	STEP_SENT,     /* a segment goes */
	STEP_RECEIVED, /* a segment comes */
	STEP_RETURN,   /* a call returns, or something is to be noted */
};

struct step {
	nsec_t ts;
	const struct event *e;
	enum step_kind kind;
	unsigned char end;
	unsigned char flags; /* of a segment that is derived */
	bool derived;	    /* not told, but concluded from a change of state */
	bool shown_cause;   /* of a state: what made it stands beside it */
	int arrow;	    /* of a segment; -1: none */
	unsigned int times; /* a call that was repeated so often ... */
	const struct event *last; /* ... and the last of them */
	unsigned int row;
};

enum arrow_fate { ARROW_ARRIVED, ARROW_LOST, ARROW_UNKNOWN };

struct arrow {
	int sent, received; /* steps; -1: not seen */
	unsigned char from; /* the end that sent it */
	enum arrow_fate fate;
	int band; /* first of two rows where it crosses another; -1: none */
	bool derived;
};

#define LANE_SAID -2 /* what the state says of itself is in another row */

/* Nothing in it but time lines if no lane has a step. */
struct ladder_row {
	nsec_t ts; /* of its first step; 0: a blank one */
	bool gap;  /* blank, and stands for a long time */
	struct ladder_lane {
		int outer, state;    /* steps; -1: none; LANE_SAID */
		int came;	     /* the segment whose arrow ends here */
		enum tcb_state line; /* the state that the end is in below it */
		unsigned char phase; /* ladder_rows.c only */
	} lane[2];
};

struct ladder {
	const struct schema *schema;
	struct ladder_end end[2]; /* 0 is drawn on the left */
	struct step *steps;
	struct arrow *arrows;
	struct ladder_row *rows;
	size_t n_steps, n_arrows, n_rows;
	size_t room_steps, room_arrows, room_rows;
	nsec_t begin, end_ns;
	const struct ladder_event *events;
	size_t n_events;
	unsigned int side; /* columns beside a time line */
	bool failed;	   /* out of memory */
};

/*
 * Builds the ladder of @n events in order of time, which have to stay. @side:
 * columns beside each time line that steps of one row may take; 0: any number.
 * NULL: no memory.
 */
struct ladder *ladder_build(const struct schema *schema,
			    const struct ladder_event *events, size_t n,
			    unsigned int side);
void ladder_free(struct ladder *l);

#define LADDER_WORDS 192 /* room for words, whatever bytes are in names */

/* What stands in the outer column of a row, "" if nothing. */
void ladder_outer(const struct ladder *l, const struct ladder_row *row,
		  unsigned int end, bool unicode, char to[LADDER_WORDS]);

/* The name of a step's new state, ~ before it if it is derived. */
void ladder_state(const struct ladder *l, const struct step *s,
		  char to[LADDER_WORDS]);

/* The step that tells of an arrow's segment: one that is not derived, if any. */
const struct step *ladder_told(const struct ladder *l, const struct arrow *a);

/* What is written on an arrow, as much as @room columns take. */
void ladder_label(const struct ladder *l, const struct arrow *a,
		  unsigned int room, char to[LADDER_WORDS]);

/* What is not known of an end, " (its states only)"; "": nothing. */
const char *ladder_known(const struct ladder *l, unsigned int end);

/* What the connection is: "full simultaneous open, simultaneous close". */
void ladder_title(const struct ladder *l, char to[LADDER_WORDS]);

/* The words of one step for the outer column. */
void ladder_step(const struct ladder *l, const struct step *s, bool unicode,
		 char to[LADDER_WORDS]);

/* Has the call made the change of state? */
bool ladder_is_caller(const struct ladder *l, const struct event_call *c,
		      const struct event_state *s);

/* The flags of the segment that a step sends or receives. */
unsigned int ladder_flags(const struct step *s);

/* How a ladder is drawn in text. */
struct ladder_look {
	unsigned int width; /* columns */
	bool unicode, colour;
};

/* Columns beside a time line, for ladder_build(). */
unsigned int ladder_text_side(unsigned int width);

/* 0 or -errno. */
int ladder_text(const struct ladder *l, const struct ladder_look *look,
		FILE *file);

/* The columns of a picture, and its style. */
#define LADDER_SVG_WIDTH 980
#define LADDER_SVG_SIDE 31 /* for ladder_build() */
extern const char ladder_svg_style[], diagram_svg_style[];

/* The class of a state, in that style: a colour. */
const char *ladder_svg_class(enum tcb_state state);

/* Draws it from @y downwards; returns its height. */
double ladder_svg(const struct ladder *l, const char *title, double y,
		  FILE *file);

/* What the changes of state mean, below a ladder. As those above. */
int ladder_explain_text(const struct ladder *l, const struct ladder_look *look,
			FILE *file);
double ladder_explain_svg(const struct ladder *l, double y, FILE *file);

#endif
