/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What an output is: it eats events, one after the other, and shows them.
 * The pipeline (event/pipeline.h) feeds it; a verb makes it.
 */
#ifndef TCBSCOPE_OUTPUT_OUTPUT_H
#define TCBSCOPE_OUTPUT_OUTPUT_H

#include "event/pipeline.h"
#include <stdio.h>

/* What "time" means in a line of text. */
enum output_time { TIME_REL, TIME_DELTA, TIME_WALL, TIME_MONO };

struct output_text_options {
	FILE *file;
	bool terminal; /* introduce flows, fit lines, sum up floods */
	bool colour;
	bool all;	    /* never sum up */
	bool explain;	    /* each event, in the lines below it */
	unsigned int width; /* columns of the terminal; 0: no limit */
	enum output_time time;
};

/*
 * Text for people: a line an event. @file stays the caller's. NULL: no memory.
 */
struct output *output_text_new(const struct schema *schema,
			       const struct output_text_options *options);

struct output_ladder_options {
	FILE *file;
	unsigned int width; /* columns */
	unsigned int max;   /* connections that get a ladder */
	bool unicode, colour;
	bool svg;     /* a picture instead of text: @file can be gone back in */
	bool explain; /* each change of state, below the ladder */
};

/*
 * Ladders: each connection as a whole, when it is over. @file stays the
 * caller's. NULL: no memory.
 */
struct output *output_ladder_new(const struct schema *schema,
				 const struct output_ladder_options *options);

/* JSON lines: header, events, footer. @file stays the caller's. */
struct output *output_json_new(const struct schema *schema, FILE *file);

#endif
