/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the two ends of a connection do, as events: end 0 is 10.0.0.1:2000, end
 * 1 is 10.0.0.2:2001. Times are in microseconds since PAGE_START.
 */
#ifndef TCBSCOPE_TESTS_LIB_STEPS_H
#define TCBSCOPE_TESTS_LIB_STEPS_H

#include "event/pipeline.h"

/* Makes an event, of which time and type are set, one of that end. */
void steps_end(struct event *e, unsigned int end);

/* A change of state; its cause is CAUSE_x. */
struct step {
	unsigned int us, end, old, new, cause, kind, err;
};

struct event_state steps_state(const struct step *s);
void steps_changes(struct pipeline *p, const struct step *s, unsigned int n);

/* A segment of @end at @us; it comes @later microseconds, 0: never. */
void steps_segment(struct pipeline *p, unsigned int us, unsigned int end,
		   unsigned int later, __u8 flags, __u32 seq, __u32 len,
		   __u32 ack);

/* What one end alone tells of: one that comes, or goes; with a number, or 0. */
void steps_half(struct pipeline *p, unsigned int us, unsigned int end,
		bool came, __u64 number, __u8 flags, __u32 seq, __u32 ack);

/* A call, which takes so many microseconds. */
void steps_call(struct pipeline *p, unsigned int us, unsigned int end,
		enum call_op op, __u64 number, unsigned int takes,
		__s64 result);

/* What happens in the queue of end 1's listener, whose depth then is @accept. */
void steps_queue(struct pipeline *p, unsigned int us, enum queue_op op,
		 __u32 accept);

#endif
