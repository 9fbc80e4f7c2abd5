// SPDX-License-Identifier: GPL-2.0
/* What the counters are called, once for all who show and add them. */
#include "event/account.h"

#include <string.h>

#define MEMBER(name, member, by, doc)                           \
	{                                                       \
		name, doc, offsetof(struct account, member), by \
	}
#define BY_TYPE(name, member, doc) MEMBER(name, member, ACCOUNT_BY_TYPE, doc)
#define SINGLE(name, member, doc) MEMBER(name, member, ACCOUNT_ONE, doc)

const struct account_member account_members[] = {
	BY_TYPE("generated", kernel.generated,
		"delivered + malformed + ring_lost"),
	BY_TYPE("ring_lost", kernel.ring_lost, "found the ring full"),
	BY_TYPE("delivered", delivered, "shown + filtered"),
	BY_TYPE("shown", shown, "went to an output"),
	BY_TYPE("filtered", filtered,
		"did not pass the filter, or were summed up"),
	BY_TYPE("kernel_filtered", kernel.kernel_filtered,
		"did not pass the kernel's filter: not generated"),
	MEMBER("missed_runs", missed_runs, ACCOUNT_BY_PROGRAM,
	       "runs of BPF programs on top of themselves, which the kernel skips"),
	SINGLE("recovered", kernel.recovered,
	       "transitions that only the second copy saw"),
	SINGLE("gaps", kernel.gaps,
	       "transitions that do not begin where the last one ended"),
	SINGLE("no_storage", kernel.no_storage,
	       "times that a socket got no memory: owner and gaps unknown"),
	SINGLE("existing", existing,
	       "existing sockets that were looked at and not asked for"),
	SINGLE("malformed", malformed, "records that broke the schema"),
	SINGLE("late", late, "events shown out of order"),
	{},
};

unsigned int account_width(const struct account_member *m)
{
	switch (m->by) {
	case ACCOUNT_BY_TYPE:
		return EVENT_TYPES;
	case ACCOUNT_BY_PROGRAM:
		return ACCOUNT_ROOM;
	case ACCOUNT_ONE:
		break;
	}
	return 1;
}

__u64 account_missed(const struct account *account)
{
	__u64 sum = 0;
	int i;

	for (i = 0; i < ACCOUNT_ROOM; i++)
		sum += account->missed_runs[i];
	return sum;
}

__u64 account_sum(const __u64 count[EVENT_TYPES])
{
	__u64 sum = 0;
	int i;

	for (i = 0; i < EVENT_TYPES; i++)
		sum += count[i];
	return sum;
}

void account_between(struct account *between, const struct account *before,
		     const struct account *after)
{
	const struct account_member *m;
	unsigned int i;

	memset(between, 0, sizeof(*between));
	memcpy(between->program, after->program, sizeof(between->program));
	for (m = account_members; m->name; m++) {
		const __u64 *a = (const void *)((char *)after + m->offset);
		const __u64 *b = (const void *)((char *)before + m->offset);
		__u64 *to = (void *)((char *)between + m->offset);

		for (i = 0; i < account_width(m); i++)
			to[i] = a[i] - b[i];
	}
}
