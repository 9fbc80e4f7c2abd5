/* SPDX-License-Identifier: GPL-2.0 */
/* The packets that are on the wire: how long each is under way, or waits. */
#ifndef TCBSCOPE_LAB_LINE_H
#define TCBSCOPE_LAB_LINE_H

#include "lab/wire.h"

#include <sys/queue.h>

/* A packet on the wire. */
struct parcel {
	TAILQ_ENTRY(parcel) next;
	uint64_t due_ns;	  /* under way: when it arrives */
	unsigned int behind;	  /* aside, reordered: others to go first */
	struct wire_entry *entry; /* of the log, which outlives it */
	int from, rule;		  /* rule: that decided on it, or -1 */
	size_t size;
	uint8_t bytes[];
};

TAILQ_HEAD(parcels, parcel);

/* Both directions. The wire's lock protects it. */
struct line {
	struct wire_link link[2];
	uint64_t free_ns[2];  /* when the sender of a link has sent all */
	struct parcels way;   /* under way, what arrives first in front */
	struct parcels aside; /* held or reordered, as they were sent */
	unsigned int n;	      /* of all parcels */
};

/* @link: of both directions, may be NULL. */
void line_init(struct line *line, const struct wire_link *link);
void line_free(struct line *line);

/* NULL: there are WIRE_PACKETS, or there is no memory. */
struct parcel *line_parcel(struct line *line, int from, size_t size,
			   const void *bytes, struct wire_entry *entry);

/* It leaves the line; it is in neither list. */
void line_drop(struct line *line, struct parcel *p, enum wire_fate fate);

/* It is sent: it waits for the rate, then for the delay, and this in addition. */
void line_send(struct line *line, struct parcel *p, uint64_t delay_ns);

/* It waits until so many have passed it, or, with 0, until it is released. */
void line_set_aside(struct line *line, struct parcel *p, unsigned int behind);

/* One of that direction has been sent: who waits for that is sent too. */
void line_passed(struct line *line, int from);

/* Sends the first @max that this rule has set aside. Returns how many. */
unsigned int line_release(struct line *line, int rule, unsigned int max);

/*
 * The first that has arrived, in neither list from now on. NULL: none; when one
 * will is then in @due_ns, UINT64_MAX if none is under way.
 */
struct parcel *line_take(struct line *line, uint64_t now_ns, uint64_t *due_ns);

#endif
