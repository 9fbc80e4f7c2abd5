// SPDX-License-Identifier: GPL-2.0
/* Parcels wait in two lists; what becomes of each is written in the log. */
#include "lab/line.h"
#include "lib/clock.h"

#include <stdlib.h>
#include <string.h>

void line_init(struct line *line, const struct wire_link *link)
{
	*line = (struct line){};
	TAILQ_INIT(&line->way);
	TAILQ_INIT(&line->aside);
	if (link)
		line->link[0] = line->link[1] = *link;
}

struct parcel *line_parcel(struct line *line, int from, size_t size,
			   const void *bytes, struct wire_entry *entry)
{
	struct parcel *p = NULL;

	if (line->n < WIRE_PACKETS)
		p = malloc(sizeof(*p) + size);
	if (!p)
		return NULL;
	*p = (struct parcel){ .from = from, .size = size, .rule = -1 };
	p->entry = entry;
	memcpy(p->bytes, bytes, size);
	line->n++;
	return p;
}

void line_drop(struct line *line, struct parcel *p, enum wire_fate fate)
{
	p->entry->fate = fate;
	line->n--;
	free(p);
}

/* Among those that are due at the same time it is the last. */
static void line_insert(struct line *line, struct parcel *p)
{
	struct parcel *before = TAILQ_LAST(&line->way, parcels);

	while (before && before->due_ns > p->due_ns)
		before = TAILQ_PREV(before, parcels, next);
	if (before)
		TAILQ_INSERT_AFTER(&line->way, before, p, next);
	else
		TAILQ_INSERT_HEAD(&line->way, p, next);
}

/*
 * The bytes that wait before it are those that the time until the sender is
 * free is enough for.
 */
void line_send(struct line *line, struct parcel *p, uint64_t delay_ns)
{
	const struct wire_link *link = &line->link[p->from];
	uint64_t *free_ns = &line->free_ns[p->from];
	uint64_t now_ns = clock_now_ns();

	if (*free_ns < now_ns || !link->rate)
		*free_ns = now_ns;
	if (link->rate && link->limit &&
	    (*free_ns - now_ns) * link->rate / NSEC_PER_SEC + p->size >
		    link->limit) {
		line_drop(line, p, WIRE_FULL);
		return;
	}
	if (link->rate)
		*free_ns += p->size * NSEC_PER_SEC / link->rate;
	p->due_ns = *free_ns + link->delay_ns + delay_ns;
	p->entry->fate = WIRE_UNDER_WAY;
	line_insert(line, p);
}

void line_set_aside(struct line *line, struct parcel *p, unsigned int behind)
{
	p->behind = behind;
	TAILQ_INSERT_TAIL(&line->aside, p, next);
}

void line_passed(struct line *line, int from)
{
	struct parcel *p, *next;

	for (p = TAILQ_FIRST(&line->aside); p; p = next) {
		next = TAILQ_NEXT(p, next);
		if (p->from != from || !p->behind || --p->behind)
			continue;
		TAILQ_REMOVE(&line->aside, p, next);
		line_send(line, p, 0);
	}
}

unsigned int line_release(struct line *line, int rule, unsigned int max)
{
	struct parcel *p, *next;
	unsigned int n = 0;

	for (p = TAILQ_FIRST(&line->aside); p && n < max; p = next) {
		next = TAILQ_NEXT(p, next);
		if (p->rule != rule)
			continue;
		TAILQ_REMOVE(&line->aside, p, next);
		line_send(line, p, 0);
		n++;
	}
	return n;
}

struct parcel *line_take(struct line *line, uint64_t now_ns, uint64_t *due_ns)
{
	struct parcel *p = TAILQ_FIRST(&line->way);

	*due_ns = p ? p->due_ns : UINT64_MAX;
	if (*due_ns > now_ns)
		return NULL;
	TAILQ_REMOVE(&line->way, p, next);
	return p;
}

static void parcels_free(struct parcels *parcels)
{
	struct parcel *p;

	while ((p = TAILQ_FIRST(parcels))) {
		TAILQ_REMOVE(parcels, p, next);
		free(p);
	}
}

void line_free(struct line *line)
{
	parcels_free(&line->way);
	parcels_free(&line->aside);
}
