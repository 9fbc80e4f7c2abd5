/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What made a transition, where calls and segments are traced as well: the very
 * call or the very segment.
 *
 * bpf/cause.h concludes from what it finds in the socket. Here the calls that
 * processes are in and the segments that have come are at hand, each with its
 * number. If exactly one of them can have made the transition, that is the
 * cause, and it is observed; else what bpf/cause.h says stands.
 */
#ifndef TCBSCOPE_EVENT_CAUSE_H
#define TCBSCOPE_EVENT_CAUSE_H

#include "bpf/event.h"

#define CAUSE_CONNECTIONS 16384 /* whose segments are remembered */
#define CAUSE_SEGMENTS 16	/* that have come to each, at most */
#define CAUSE_CALLS 16384	/* that are going on at once, at most */

struct causes;

struct causes *causes_new(void); /* NULL: no memory */
void causes_free(struct causes *causes);

/*
 * Takes note of an event that schema_check() let pass, in the order of their
 * times. Fills in the cause of a transition, as far as it is known by now; one
 * that bpf/cause.h has observed is not overruled.
 */
void causes_update(struct causes *causes, struct event *e);

#endif
