/* SPDX-License-Identifier: GPL-2.0 */
/* The BPF programs: what each is for, and what is lost without it. */
#ifndef TCBSCOPE_INPUT_PROBE_H
#define TCBSCOPE_INPUT_PROBE_H

#include <linux/types.h>
#include <stdbool.h>

#define PROBE_PROGRAMS 64 /* more than there are rows in the table */

/* One program of bpf/. What it hangs on is said there, by its section. */
struct probe_program {
	const char *name;	   /* of its function */
	__u32 events;		   /* 1 << EVENT_x of all it serves; 0: all */
	bool mandatory;		   /* a trace of them is nothing without it */
	const char *calls;	   /* a function that older kernels lack */
	const char *stands_in_for; /* loaded only if that program cannot be */
	const char *without;	   /* what is lost; NULL: not worth a word */
};

/*
 * The order is that of attaching, and the kernel runs the programs of one
 * tracepoint in that order. The last row has no name.
 */
extern const struct probe_program probe_programs[];

#endif
