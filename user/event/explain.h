/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Explains an event in a sentence: what has happened, where the standard says
 * so, and what of the application to look at.
 */
#ifndef TCBSCOPE_EVENT_EXPLAIN_H
#define TCBSCOPE_EVENT_EXPLAIN_H

#include "event/schema.h"

struct explanation {
	char text[640];	 /* a sentence or two; bytes from outside are escaped */
	const char *rfc; /* "RFC 9293, 3.5"; NULL: nothing to read there */
	const void *rule; /* the same for all that is explained alike */
	const char *look; /* at what of the application; NULL: at nothing */
};

/*
 * Explains a change of state, a retransmission or a reset with the event's own
 * numbers. False if nothing here fits: then the text says just what is known,
 * or is empty if the type of event is none that is explained.
 */
bool explain(const struct schema *schema, const struct event *e,
	     struct explanation *x);

#endif
