/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The filter: which events are shown. It is a list of terms that must all
 * hold; a term holds if any of its fields has any of its values. It knows no
 * field by name: all come from the schema.
 */
#ifndef TCBSCOPE_EVENT_FILTER_H
#define TCBSCOPE_EVENT_FILTER_H

#include "event/schema.h"

struct filter;

struct filter *filter_new(const struct schema *schema); /* NULL: no memory */
void filter_free(struct filter *filter);

/*
 * Adds the term "one of the fields has one of the values"; both are comma-
 * separated lists. All fields must be of one kind, and what a value is comes
 * from it: a number, an enum's name, an address with or without a prefix
 * length, or a text with shell wildcards. Returns 0, -ENOENT if no event has
 * such a field, -EINVAL if a value is not one of its kind, -ENOMEM.
 */
int filter_add(struct filter *filter, const char *fields, const char *values);

/* Does the event, which schema_check() let pass, go on to the outputs? */
bool filter_match(const struct filter *filter, const struct event *e);

#endif
