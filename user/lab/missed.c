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
} rows[] = {
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

unsigned int missed(struct stage *s, char *text, size_t size)
{
	unsigned int i, n = 0;
	int64_t happened, seen;
	int side;

	*text = '\0';
	for (side = A; side <= B; side++)
		for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
			happened = stage_counter(s, side, rows[i].counter);
			seen = shown(s, side, &rows[i]);
			if (happened <= seen)
				continue;
			n += happened - seen;
			snprintf(text, size,
				 "%c: %s %" PRId64 ", shown %" PRId64,
				 '@' + side, rows[i].counter, happened, seen);
		}
	return n;
}
