/* SPDX-License-Identifier: GPL-2.0 */
/* What a page of the guide has room for of what a scenario has printed. */
#ifndef TCBSCOPE_LAB_GUIDE_TEXT_H
#define TCBSCOPE_LAB_GUIDE_TEXT_H

#include <stdio.h>

#define GUIDE_STEPS 45	/* lines of what the lab has done */
#define GUIDE_LINES 110 /* lines of what the trace has shown of that */

/* What a page has explained so far. Begins as {}; freed by guide_forget(). */
struct guide_said {
	char **key;
	size_t n;
};

void guide_forget(struct guide_said *said);

/*
 * Writes @steps, and @stories as "tcbscope trace --ladder --explain" tells
 * them, as a literal block. What a change of state means is not explained twice
 * on a page. Where there are too many stories the last one is there, too: it is
 * the one that all led to.
 */
void guide_block(struct guide_said *said, const char *steps,
		 const char *stories, FILE *out);

#endif
