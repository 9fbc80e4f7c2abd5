/* SPDX-License-Identifier: GPL-2.0 */
/* A tcbscope trace under test: started, ready, and read by a witness. */
#ifndef TCBSCOPE_TESTS_LIB_TRACE_H
#define TCBSCOPE_TESTS_LIB_TRACE_H

#include "lab/witness.h"
#include <stdbool.h>
#include <sys/types.h>

#define TRACE_PATIENCE_NS 20000000000ull /* for any one wait */

struct trace {
	pid_t pid;
	struct witness *witness;
	bool shared; /* all tests of this program look at it: shared.h */
};

/*
 * Starts "tcbscope trace --json @args..." (a NULL-terminated list, may be
 * NULL) out of the directory TCBSCOPE_BUILD and waits until it is attached.
 * Standard error goes to ours. 0 or -errno: -ENODATA if it ended before.
 */
int trace_start(struct trace *trace, char *const args[]);

/*
 * Ends it by SIGINT, reads the rest of its stream. Its exit code or -errno. A
 * shared one goes on.
 */
int trace_stop(struct trace *trace);

/* Frees the witness; ends a trace that still runs. */
void trace_free(struct trace *trace);

/* Is a program attached to the kernel? By the header, once it is started. */
bool trace_has_hook(const struct trace *trace, const char *name);

/* Path of a built program: TCBSCOPE_BUILD/@name, in a static buffer. */
const char *trace_program(const char *name);

#endif
