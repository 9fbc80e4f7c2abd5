/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The account of a trace: where every event went.
 *
 *	generated = delivered + malformed + ring_lost
 *	delivered = shown + filtered
 *
 * Both hold exactly once the input is closed. The other counts stand beside.
 */
#ifndef TCBSCOPE_EVENT_ACCOUNT_H
#define TCBSCOPE_EVENT_ACCOUNT_H

#include "bpf/config.h"
#include <stdint.h>

struct account {
	struct counters kernel;
	uint64_t missed_runs; /* of BPF programs: skipped on top of themselves */
	uint64_t delivered[EVENT_TYPES];
	uint64_t shown[EVENT_TYPES];
	uint64_t filtered[EVENT_TYPES];
	uint64_t malformed; /* broke the schema: of no known type */
	uint64_t late;	    /* shown out of order */
};

static inline uint64_t account_sum(const uint64_t count[EVENT_TYPES])
{
	uint64_t sum = 0;
	int i;

	for (i = 0; i < EVENT_TYPES; i++)
		sum += count[i];
	return sum;
}

#endif
