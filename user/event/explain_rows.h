/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The tables of explanations: the first row that fits explains. A row says what
 * holds whenever it fits, so what is not sure is not in it.
 */
#ifndef TCBSCOPE_EVENT_EXPLAIN_ROWS_H
#define TCBSCOPE_EVENT_EXPLAIN_ROWS_H

#include "bpf/event.h"

#define A_PROCESS 0xff /* any cause that is something a process does */

/*
 * Words in braces stand for what the event says: {local} and {remote} ends,
 * {owner}, {error}, {does} what the process did, {as} the minisocket's state,
 * {unread}, {range}, {segments}, {nth}, {rto}, {cwnd}, {reason}, {state}.
 */
struct explain_row {
	enum tcb_state old, new; /* 0: any */
	unsigned char cause;	 /* 0: any */
	unsigned char kind;	 /* enum kind, or retransmit_kind; 0: any */
	enum tcb_state as;	 /* tw_substate; 0: any */
	const char *text, *rfc, *look;
};

/* Each ends with a row without text. */
extern const struct explain_row explain_states[];
extern const struct explain_row explain_retransmits[];
extern const struct explain_row explain_resets[];

#endif
