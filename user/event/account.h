/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The account of a trace: where every event went.
 *
 *	generated = delivered + malformed + ring_lost
 *	delivered = shown + filtered
 *
 * Both hold exactly once the input is closed. The other counts stand beside:
 * existing sockets that nobody asked for are in none of these sums.
 */
#ifndef TCBSCOPE_EVENT_ACCOUNT_H
#define TCBSCOPE_EVENT_ACCOUNT_H

#include "bpf/config.h"
#include <stddef.h>

#define ACCOUNT_ROOM 64 /* more than there are BPF programs */

struct account {
	struct counters kernel;
	const char *program[ACCOUNT_ROOM]; /* those that are loaded; NULL */
	__u64 missed_runs[ACCOUNT_ROOM];   /* of each, on top of itself */
	__u64 delivered[EVENT_TYPES];
	__u64 shown[EVENT_TYPES];
	__u64 filtered[EVENT_TYPES];
	__u64 existing;	 /* sockets that were only looked at, no events */
	__u64 malformed; /* broke the schema: of no known type */
	__u64 late;	 /* shown out of order */
};

enum account_by { ACCOUNT_ONE, ACCOUNT_BY_TYPE, ACCOUNT_BY_PROGRAM };

/* The members of struct account, to be shown by name; the last has none. */
struct account_member {
	const char *name, *doc;
	size_t offset; /* of a __u64, or of one for each ... */
	enum account_by by;
};

extern const struct account_member account_members[];

/* Of how many numbers it consists. */
unsigned int account_width(const struct account_member *m);

__u64 account_sum(const __u64 count[EVENT_TYPES]);
__u64 account_missed(const struct account *account);

/* What has come between two accounts of one trace. */
void account_between(struct account *between, const struct account *before,
		     const struct account *after);

#endif
