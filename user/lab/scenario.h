/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a scenario is: one TCP story that a function makes happen between
 * namespaces of its own, under the tracer, and judges by the trace.
 */
#ifndef TCBSCOPE_LAB_SCENARIO_H
#define TCBSCOPE_LAB_SCENARIO_H

#include <stdbool.h>

/* Where a scenario says what it does; the verb prints it. */
struct stage {
	/* One line for the reader, in order with the trace's own lines. */
	void (*say)(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
	const char *tcbscope, *tcbpeer; /* paths of the programs */
	const char *svg; /* a file for the trace's picture, or NULL */
};

struct scenario {
	const char *name, *title;
	/*
	 * 0: proved, and the last line said states what; 1: not, and it was
	 * said why; -errno: could not be set up. Ends what it started.
	 */
	int (*run)(const struct stage *stage);
};

extern const struct scenario scenario_simultaneous_open;

#endif
