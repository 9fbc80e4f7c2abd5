/* SPDX-License-Identifier: GPL-2.0 */
/* What happened in a run by the kernel's own counters, and not by its trace. */
#ifndef TCBSCOPE_LAB_MISSED_H
#define TCBSCOPE_LAB_MISSED_H

#include <stddef.h>
#include <stdint.h>

#define MISSED_COUNTERS 4

struct stage;

/*
 * A kernel may not run a program where it should, and tell nobody: then a run
 * whose trace lacks something is no evidence, neither for nor against. It has
 * counters of each namespace that know better.
 */

/* What they have counted by now; the trace may show it later. Of two sides. */
void missed_count(struct stage *s, int64_t counted[2][MISSED_COUNTERS]);

/*
 * How much of it the trace has not shown of a run that has ended; what that is
 * as
 * @text, such as "A: RetransSegs 3, shown 2". 0: nothing, as far as there are
 * counters.
 */
unsigned int missed(struct stage *s, int64_t counted[2][MISSED_COUNTERS],
		    char *text, size_t size);

#endif
