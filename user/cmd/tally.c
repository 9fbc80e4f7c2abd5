// SPDX-License-Identifier: GPL-2.0
/* The account of a trace as one line for people. */
#include "cmd/tally.h"

#include <stdio.h>
#include <stdlib.h>

/* Of an interval: by how many more are in the ring, or wait to be sorted. */
static void say_under_way(__u64 generated, __u64 gone, const char *unit)
{
	long long n = generated - gone;

	if (n)
		fprintf(stderr, " %c %lld%s", n < 0 ? '-' : '+', llabs(n),
			unit);
}

static bool has_type(const struct account *a, int i)
{
	return a->kernel.generated[i] || a->shown[i] || a->filtered[i];
}

static void say_types(const struct account *a, const struct schema *schema)
{
	const struct counters *k = &a->kernel;
	const char *between = " (";
	unsigned int types = 0;
	int i;

	for (i = 0; i < EVENT_TYPES; i++)
		types += has_type(a, i);
	for (i = 0; i < EVENT_TYPES && types > 1; i++) {
		if (!has_type(a, i))
			continue;
		fprintf(stderr, "%s%s %llu - %llu = %llu + %llu", between,
			schema->types[i].n ? schema->types[i].name : "?",
			k->generated[i], k->ring_lost[i], a->shown[i],
			a->filtered[i]);
		say_under_way(k->generated[i],
			      k->ring_lost[i] + a->shown[i] + a->filtered[i],
			      "");
		between = ", ";
	}
	if (types > 1)
		putc(')', stderr);
}

static void say_unless_0(__u64 n, const char *what)
{
	if (n)
		fprintf(stderr, "; %llu %s", n, what);
}

void tally_say(const char *head, const struct account *a,
	       const struct schema *schema)
{
	const struct counters *k = &a->kernel;

	fprintf(stderr,
		"%s%llu generated - %llu lost = %llu shown + %llu filtered",
		head, account_sum(k->generated), account_sum(k->ring_lost),
		account_sum(a->shown), account_sum(a->filtered));
	if (a->malformed)
		fprintf(stderr, " + %llu malformed", a->malformed);
	say_under_way(account_sum(k->generated),
		      account_sum(k->ring_lost) + account_sum(a->shown) +
			      account_sum(a->filtered) + a->malformed,
		      " under way");
	say_types(a, schema);
	fprintf(stderr, "; %llu missed, %llu recovered, %llu gaps",
		account_missed(a), k->recovered, k->gaps);
	say_unless_0(account_sum(k->kernel_filtered), "filtered in the kernel");
	say_unless_0(a->existing, "existing looked at");
	say_unless_0(a->late, "late");
	say_unless_0(k->no_storage, "without memory");
	putc('\n', stderr);
}
