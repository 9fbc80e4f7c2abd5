/* SPDX-License-Identifier: GPL-2.0 */
/* What a line of text says of an event, cell by cell, in words. */
#ifndef TCBSCOPE_OUTPUT_ROW_H
#define TCBSCOPE_OUTPUT_ROW_H

#include "event/flow.h"
#include "output/cell.h"

#define ROW_WORDS 40 /* a cause, a kind, flags: the longest has 31 bytes */

/* All zero to begin with. The time is the caller's. */
struct row {
	char time[24], sock[16], ports[16], owner[CELL_TEXT];
	char local[CELL_TEXT], remote[CELL_TEXT], event[128], cause[ROW_WORDS];
	char detail[256];
	const char *colour; /* what stands in "\033[...m"; NULL: none */
};

/* Which socket it is, and whose. @flow may be NULL. */
void row_socket(const struct event *e, const struct flow *flow,
		struct row *row);

/* What happened. @wide: there is room for more. */
void row_event(const struct schema *schema, const struct event *e, bool wide,
	       struct row *row);

/* "connect()", "~rx ACK"; "simultaneous open (full)"; "" if there is none. */
void row_cause(const struct schema *schema, enum cause cause, enum how how,
	       char to[ROW_WORDS]);
void row_kind(const struct schema *schema, enum kind kind, enum how how,
	      char to[ROW_WORDS]);

/* TCP flags, as in the header: "PSH+ACK"; "" if there are none. */
void row_flags(const struct schema *schema, unsigned int flags,
	       char to[ROW_WORDS]);

/* Adds words to the detail. */
void row_add(struct row *row, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* ">" of who sent the first SYN, "<" of who was accepted, "-": not known. */
char row_direction(const struct flow *flow);

#endif
