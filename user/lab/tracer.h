/* SPDX-License-Identifier: GPL-2.0 */
/* The trace that the lab looks at: a tcbscope of its own, read by a witness. */
#ifndef TCBSCOPE_LAB_TRACER_H
#define TCBSCOPE_LAB_TRACER_H

#include <sys/types.h>

#define TRACER_PATIENCE_NS 60000000000ull /* until it is attached, or ends */

struct tracer {
	pid_t pid; /* 0: it does not run */
	struct witness *witness;
};

/*
 * Starts the program @tcbscope as "tcbscope trace @args...", which ends in
 * NULL, with its JSON to the witness and its text to the file descriptor @text,
 * -1: to nobody; and waits until it is attached. It dies with the calling
 * thread. 0 or -errno: -EOPNOTSUPP if this kernel or its permissions cannot,
 * which it has said on standard error. tracer_free() in any case.
 */
int tracer_start(struct tracer *t, const char *tcbscope, char *const args[],
		 int text);

/* Ends it by SIGINT and reads the rest. Its exit code, or -errno. */
int tracer_stop(struct tracer *t);

void tracer_free(struct tracer *t);

#endif
