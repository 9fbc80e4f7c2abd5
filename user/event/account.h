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
#include <stdbool.h>
#include <stddef.h>

struct account {
	struct counters kernel;
	__u64 missed_runs; /* of BPF programs: skipped on top of themselves */
	__u64 delivered[EVENT_TYPES];
	__u64 shown[EVENT_TYPES];
	__u64 filtered[EVENT_TYPES];
	__u64 malformed; /* broke the schema: of no known type */
	__u64 late;	 /* shown out of order */
};

/* The members of struct account, to be shown by name; the last has none. */
struct account_member {
	const char *name, *doc;
	size_t offset; /* of a __u64, or of EVENT_TYPES of them ... */
	bool by_type;  /* ... if so */
};

extern const struct account_member account_members[];

__u64 account_sum(const __u64 count[EVENT_TYPES]);

/* What has come between two accounts of one trace. */
void account_between(struct account *between, const struct account *before,
		     const struct account *after);

#endif
