/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Puts events into the order of their time.
 *
 * The ring is in the order of reservation: across CPUs, and where a program
 * ran on top of another, time runs backwards in it. Events wait here until
 * the input knows that nothing earlier can come any more.
 */
#ifndef TCBSCOPE_EVENT_SORT_H
#define TCBSCOPE_EVENT_SORT_H

#include "bpf/event.h"
#include <stddef.h>

struct sort;

struct sort *sort_new(void); /* NULL: no memory */
void sort_free(struct sort *sort);

/*
 * Takes a copy of the event's first @size bytes, which must be one that
 * schema_check() let pass. An event older than what has been released already
 * is marked late. 0 or -ENOMEM.
 */
int sort_push(struct sort *sort, const struct event *e, size_t size);

/*
 * The earliest event if it is not later than @until, else NULL. It belongs to
 * the sorter and may be changed in place until the next call. Events of one
 * time are in the order of their cookie, seq and sort_push().
 */
struct event *sort_pop(struct sort *sort, nsec_t until);

/* How many events wait. */
size_t sort_count(const struct sort *sort);

#endif
