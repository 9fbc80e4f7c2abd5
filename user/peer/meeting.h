/* SPDX-License-Identifier: GPL-2.0 */
/* What tcbpeer does with --rendezvous, and what it says about it. */
#ifndef TCBSCOPE_PEER_MEETING_H
#define TCBSCOPE_PEER_MEETING_H

#include "peer/option.h"
#include "peer/report.h"

/*
 * Meets the partner and opens. Returns EXIT_DONE with *@fd connected, and
 * *@result of that candidate, or the code to end with. @stop ends it.
 */
int meeting_open(const struct option_set *set, const struct report *report,
		 int stop, int *fd, struct peer_result *result);

#endif
