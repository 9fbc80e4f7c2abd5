/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The names of the kernel's reasons. Their numbers differ from kernel to
 * kernel, so they are looked up in the type information of the running one.
 */
#ifndef TCBSCOPE_INPUT_REASON_H
#define TCBSCOPE_INPUT_REASON_H

#include "bpf/config.h"
#include <stdbool.h>

/* Of the reasons of one type of event, by number; "": none. */
struct reasons {
	bool read; /* it has been tried */
	unsigned int n;
	char (*names)[REASON_LEN];
};

/*
 * Puts the name of e's reason_nr into its reason, if that is a type with
 * reasons: a number, where the kernel has no name for it. @reasons, indexed by
 * type, is filled in when first needed, which takes some milliseconds; it is
 * the caller's to free.
 */
void reason_fill(struct reasons reasons[EVENT_TYPES], union event_any *e);
void reason_free(struct reasons reasons[EVENT_TYPES]);

/* Does the event have a reason to be filled in? */
bool reason_wanted(const struct event *e);

#endif
