/* SPDX-License-Identifier: GPL-2.0 */
/* How a trace is shown: the options for it, and the outputs that they make. */
#ifndef TCBSCOPE_CMD_OUTPUTS_H
#define TCBSCOPE_CMD_OUTPUTS_H

#include "output/output.h"
#include <argp.h>

/* What outputs_argp has read, and the files that are open; all zero at first. */
struct outputs {
	enum output_time time;
	bool json, all, colour, explain, lines;
	uint64_t ladders;      /* connections that get one; 0: no ladders */
	const char *json_name; /* files beside standard output; NULL: none */
	const char *svg_name;
	FILE *json_file, *svg_file;
};

/* A child parser for a verb's argp; its input: a struct outputs. */
extern const struct argp outputs_argp;

/* Are there ladders? They have two ends. */
bool outputs_draws(const struct outputs *o);

/*
 * The types of events, 1 << EVENT_x, that are drawn if they can be had, though
 * nobody has asked for them.
 */
__u32 outputs_wish(const struct outputs *o);

/* Adds them to @p. EXIT_DONE, or says what is wrong and returns the exit code. */
int outputs_make(struct outputs *o, struct pipeline *p,
		 const struct schema *schema);

/* Something could not be written: to which file beside; NULL: none of them. */
const char *outputs_failed(const struct outputs *o);

/* Closes the files. The outputs are the pipeline's. */
void outputs_close(struct outputs *o);

#endif
