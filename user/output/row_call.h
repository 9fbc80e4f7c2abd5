/* SPDX-License-Identifier: GPL-2.0 */
/* A call in a line of text, as strace(1) writes it. */
#ifndef TCBSCOPE_OUTPUT_ROW_CALL_H
#define TCBSCOPE_OUTPUT_ROW_CALL_H

#include "output/row.h"

/*
 * "connect(3, 10.0.0.2:443) = -1 EINPROGRESS" under EVENT; "..." stands for
 * what is not there yet.
 */
void row_call(const struct schema *schema, const struct event_call *c,
	      struct row *row);

/* Other lines stand between its beginning and its end. */
void row_call_goes_on(struct row *row);

#endif
