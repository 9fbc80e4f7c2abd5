// SPDX-License-Identifier: GPL-2.0
/* Compares counters of the kernel with events of the same things. */
#include "lab/missed.h"
#include "lab/judge.h"
#include "lab/spell.h"
#include "lab/stage.h"
#include "lab/witness.h"

#include <inttypes.h>
#include <stdio.h>

/* Each is 0 where a namespace begins. */
static const struct row {
	const char *counter; /* lab/counter.h */
	const char *type, *item;
} rows[MISSED_COUNTERS] = {
	{ "InSegs", "segment", "received" },
	{ "RetransSegs", "retransmit", "[A-Za-z].*" },
	{ "AttemptFails", "state", "SYN_(SENT|RECV)>CLOSE" },
	{ "EstabResets", "state", "(ESTABLISHED|CLOSE_WAIT)>CLOSE" },
};

static int64_t shown(struct stage *s, int side, const struct row *row)
{
	const struct sighting what = { .type = row->type };
	struct json_object *event;
	size_t from = 0;
	char words[256];
	int64_t n = 0;

	while ((event = witness_next(s->tracer->witness, &what, &from))) {
		if (!stage_has(s, side, event) ||
		    !judge_item(row->item,
				spell(event, false, words, sizeof(words))))
			continue;
		n += witness_number(event, "segs") ?: 1;
	}
	return n;
}

void missed_count(struct stage *s, int64_t counted[2][MISSED_COUNTERS])
{
	unsigned int i;
	int side;

	for (side = A; side <= B; side++)
		for (i = 0; i < MISSED_COUNTERS; i++)
			counted[side - A][i] = stage_counter(s, side,
							     rows[i].counter);
}

unsigned int missed(struct stage *s, int64_t counted[2][MISSED_COUNTERS],
		    char *text, size_t size)
{
	unsigned int i, n = 0;
	int64_t seen;
	int side;

	*text = '\0';
	for (side = A; side <= B; side++)
		for (i = 0; i < MISSED_COUNTERS; i++) {
			seen = shown(s, side, &rows[i]);
			if (counted[side - A][i] <= seen)
				continue;
			n += counted[side - A][i] - seen;
			snprintf(text, size,
				 "%c: %s %" PRId64 ", shown %" PRId64,
				 '@' + side, rows[i].counter,
				 counted[side - A][i], seen);
		}
	return n;
}
