/* SPDX-License-Identifier: GPL-2.0 */
/* A trace, as tcbscope trace has it: what was asked for, and how it goes. */
#ifndef TCBSCOPE_CMD_TRACE_H
#define TCBSCOPE_CMD_TRACE_H

#include "cmd/live.h"
#include "cmd/outputs.h"
#include "cmd/select.h"
#include "lib/child.h"

#define TRACE_POLL_NS 10000000 /* between two looks into the ring */

struct trace_options {
	struct select select;
	struct input_bpf_options input;
	uint64_t duration_ns, count, stats_ns;
	struct outputs outputs;
	bool existing;
	char **command;
};

struct trace {
	struct trace_options opt;
	struct live live;
	struct pipeline *pipeline;
	struct child child;
	int child_status;
	bool child_ended;
	nsec_t start;
	nsec_t look_due;
	nsec_t stats_due;    /* when the next interval ends ... */
	struct account told; /* ... and where it began */
	int signals, timer;  /* file descriptors */
	unsigned int interrupts;
	int ended_by; /* the signal that ended the trace; 0: none */
};

/* Signals are noted from now on, not obeyed; and time is told. An exit code. */
int trace_signals(struct trace *t);

/* Until it ends: by a signal, with its command, or by itself. An exit code. */
int trace_run(struct trace *t);

#endif
