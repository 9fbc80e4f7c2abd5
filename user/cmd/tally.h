/* SPDX-License-Identifier: GPL-2.0 */
/* The account of a trace as one line for people. */
#ifndef TCBSCOPE_CMD_TALLY_H
#define TCBSCOPE_CMD_TALLY_H

#include "event/account.h"
#include "event/schema.h"

/*
 * Writes on standard error, @head first:
 *
 *	18 generated - 0 lost = 12 shown + 6 filtered (state 12 - 0 = 12 + 0,
 *	window 6 - 0 = 0 + 6); 0 missed, 0 recovered, 0 gaps
 *
 * By type only if there are several; what is 0 and need not be said is left
 * out. Events that are in the ring or wait to be sorted are "under way", in
 * a trace that has ended there are none.
 */
void tally_say(const char *head, const struct account *a,
	       const struct schema *schema);

#endif
