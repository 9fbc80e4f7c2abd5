/* SPDX-License-Identifier: GPL-2.0 */
/* How a verb is told which socket it is about. */
#ifndef TCBSCOPE_CMD_PICK_H
#define TCBSCOPE_CMD_PICK_H

#include "input/holder.h"
#include "input/locate.h"

struct pick {
	const char *text; /* as written: the caller's */
	struct locate what;
	struct locate_result where;
	struct diag_socket *socket; /* the one that is found */
	struct holder holder;	    /* of it */
};

/*
 * Finds the socket that @p->text means, and moves this thread to its network
 * namespace. EXIT_DONE, or says what is wrong and returns the exit code.
 * pick_close() in any case.
 */
int pick_socket(struct pick *p);
void pick_close(struct pick *p);

/* Says that it is not there, or not any more; returns the exit code. */
int pick_none(const struct pick *p);

#endif
