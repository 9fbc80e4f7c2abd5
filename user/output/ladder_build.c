// SPDX-License-Identifier: GPL-2.0
/* Builds a ladder; its parts are files of their own. */
#include "output/ladder_build.h"

#include <stdlib.h>

bool ladder_grow(struct ladder *l, void *array, size_t n, size_t *room,
		 size_t size)
{
	void **at = array, *more;

	if (n < *room)
		return true;
	*room = *room ? 2 * *room : 64;
	more = reallocarray(*at, *room, size);
	if (!more) {
		l->failed = true;
		return false;
	}
	*at = more;
	return true;
}

struct ladder *ladder_build(const struct schema *schema,
			    const struct ladder_event *events, size_t n,
			    unsigned int side)
{
	struct ladder *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->schema = schema;
	l->events = events;
	l->n_events = n;
	l->side = side;
	if (n) {
		l->begin = events[0].e->ts_ns;
		l->end_ns = events[n - 1].e->ts_ns;
	}
	/* so that there are arrays even if there is nothing in them */
	ladder_grow(l, &l->steps, 0, &l->room_steps, sizeof(*l->steps));
	ladder_grow(l, &l->arrows, 0, &l->room_arrows, sizeof(*l->arrows));
	ladder_grow(l, &l->rows, 0, &l->room_rows, sizeof(*l->rows));
	ladder_steps(l);
	if (!l->failed)
		ladder_arrows(l);
	if (!l->failed)
		ladder_rows(l);
	if (!l->failed)
		return l;
	ladder_free(l);
	return NULL;
}

void ladder_free(struct ladder *l)
{
	if (!l)
		return;
	free(l->steps);
	free(l->arrows);
	free(l->rows);
	free(l);
}
