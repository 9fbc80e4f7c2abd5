/* SPDX-License-Identifier: GPL-2.0 */
/* What happened in a run by the kernel's own counters, and not by its trace. */
#ifndef TCBSCOPE_LAB_MISSED_H
#define TCBSCOPE_LAB_MISSED_H

#include <stddef.h>

struct stage;

/*
 * A kernel may not run a program where it should, and tell nobody: then a run
 * whose trace lacks something is no evidence, neither for nor against. It has
 * counters of each namespace that know better.
 *
 * How much they have counted in the namespaces of a run that has ended, and the
 * trace has not shown; what that is as @text, such as "A: RetransSegs 3, shown
 * 2". 0: nothing, as far as there are counters.
 */
unsigned int missed(struct stage *s, char *text, size_t size);

#endif
