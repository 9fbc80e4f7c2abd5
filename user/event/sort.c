// SPDX-License-Identifier: GPL-2.0
/* A binary heap of events, earliest on top. */
#include "event/sort.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct item {
	__u64 order; /* of arrival: the last word between equals */
	union event_any e;
};

struct sort {
	struct item **heap;
	size_t n, room;
	struct item *free; /* kept for the next push; chained by ->order */
	struct item *out;  /* what sort_pop() returned last */
	nsec_t released;   /* time of the latest event that went out */
	__u64 arrivals;
};

struct sort *sort_new(void)
{
	return calloc(1, sizeof(struct sort));
}

void sort_free(struct sort *sort)
{
	size_t i;

	if (!sort)
		return;
	for (i = 0; i < sort->n; i++)
		free(sort->heap[i]);
	free(sort->heap);
	free(sort->free);
	free(sort->out);
	free(sort);
}

static bool before(const struct item *a, const struct item *b)
{
	if (a->e.ev.ts_ns != b->e.ev.ts_ns)
		return a->e.ev.ts_ns < b->e.ev.ts_ns;
	if (a->e.ev.cookie != b->e.ev.cookie)
		return a->e.ev.cookie < b->e.ev.cookie;
	if (a->e.ev.seq != b->e.ev.seq)
		return a->e.ev.seq < b->e.ev.seq;
	return a->order < b->order;
}

static int grow(struct sort *sort)
{
	size_t room = sort->room ? sort->room * 2 : 256;
	struct item **heap;

	if (sort->n < sort->room)
		return 0;
	heap = reallocarray(sort->heap, room, sizeof(*heap));
	if (!heap)
		return -ENOMEM;
	sort->heap = heap;
	sort->room = room;
	return 0;
}

int sort_push(struct sort *sort, const struct event *e, size_t size)
{
	struct item *item = sort->free;
	size_t i, up;

	if (grow(sort))
		return -ENOMEM;
	sort->free = NULL;
	if (!item)
		item = malloc(sizeof(*item));
	if (!item)
		return -ENOMEM;
	if (size > sizeof(item->e))
		size = sizeof(item->e);
	memcpy(&item->e, e, size);
	memset((char *)&item->e + size, 0, sizeof(item->e) - size);
	item->order = sort->arrivals++;
	item->e.ev.late = item->e.ev.ts_ns < sort->released;

	for (i = sort->n++; i; i = up) {
		up = (i - 1) / 2;
		if (!before(item, sort->heap[up]))
			break;
		sort->heap[i] = sort->heap[up];
	}
	sort->heap[i] = item;
	return 0;
}

/* Fill the hole at the top with the last item, then let that sink. */
static void close_hole(struct sort *sort)
{
	struct item *last = sort->heap[--sort->n];
	size_t i = 0, down;

	while ((down = 2 * i + 1) < sort->n) {
		if (down + 1 < sort->n &&
		    before(sort->heap[down + 1], sort->heap[down]))
			down++;
		if (!before(sort->heap[down], last))
			break;
		sort->heap[i] = sort->heap[down];
		i = down;
	}
	if (sort->n)
		sort->heap[i] = last;
}

struct event *sort_pop(struct sort *sort, nsec_t until)
{
	if (!sort->n || sort->heap[0]->e.ev.ts_ns > until)
		return NULL;
	if (sort->free)
		free(sort->out);
	else
		sort->free = sort->out;
	sort->out = sort->heap[0];
	close_hole(sort);
	if (sort->out->e.ev.ts_ns > sort->released)
		sort->released = sort->out->e.ev.ts_ns;
	return &sort->out->e.ev;
}

size_t sort_count(const struct sort *sort)
{
	return sort->n;
}
