/* SPDX-License-Identifier: GPL-2.0 */
/* The lab: namespaces, and one trace of them, for one scenario or for many. */
#ifndef TCBSCOPE_LAB_LAB_H
#define TCBSCOPE_LAB_LAB_H

#include "lab/stage.h"

#define LAB_RUNS 64   /* that one trace serves; then there is another */
#define LAB_REPEATS 3 /* of a run whose trace has missed something */

struct lab {
	const char *tcbscope; /* path of the program */
	/* For one scenario only: its picture as text, and as a file, or NULL. */
	bool ladder;
	int text; /* the file descriptor for that; 1: standard output */
	const char *svg;
	/* One line for the reader, in order with the picture; or NULL. */
	void (*say)(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

	/* private */
	struct netns_pair pair[LAB_RUNS];
	unsigned int n, used;
	struct tracer tracer;
};

/*
 * To start a trace costs more than most scenarios, so that @runs of them share
 * one, if there is no ladder. It is started when it is needed. A run that is
 * not as expected, and whose trace has missed something (lab/missed.h), is no
 * evidence: it is repeated, and @report is of the last one. 0, or -errno, with
 * nothing to close: -EOPNOTSUPP if this machine has no trace.
 */
int lab_play(struct lab *lab, unsigned int runs,
	     const struct scenario *scenario, bool control,
	     struct report *report);

/* Ends the trace. 0; -EPIPE if it has not ended well; -errno. */
int lab_close(struct lab *lab);

#endif
