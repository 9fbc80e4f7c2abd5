/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The filter: which events are shown. It is an expression over the fields of
 * the schema, in the words of ss(8):
 *
 *	state established and ( dport = :443 or src 10.0.0.0/8 ) and cwnd < 10
 *
 * A field that an event does not have, or that is absent, makes a comparison
 * false; "not" makes that true. The language is explained in the man pages
 * (Documentation/man/filter.rst).
 */
#ifndef TCBSCOPE_EVENT_FILTER_H
#define TCBSCOPE_EVENT_FILTER_H

#include "event/schema.h"

struct filter;

/* Where a text is wrong, why, and what would be right. */
struct filter_error {
	size_t at, len;	 /* bytes of the text; at its end, len is 0 */
	char what[256];	 /* as the text has it: to be escaped */
	char then[1024]; /* "" if there is nothing to say */
};

/* A filter that lets everything pass. NULL: no memory. @schema must outlive it.
 */
struct filter *filter_new(const struct schema *schema);
void filter_free(struct filter *filter);

/*
 * From now on @text must hold as well. Returns 0; -EINVAL with *@error set,
 * and the filter is what it was; or -ENOMEM.
 */
int filter_parse(struct filter *filter, const char *text,
		 struct filter_error *error);

/*
 * The same for the expression @head @value, of which @value is one word or
 * list whatever characters are in it: what an option says. @error counts from
 * the beginning of @value.
 */
int filter_parse_option(struct filter *filter, const char *head,
			const char *value, struct filter_error *error);

/* Does the event, which schema_check() let pass, go on to the outputs? */
bool filter_match(const struct filter *filter, const struct event *e);

/* Bit mask, 1 << enum event_type, of the types of which any event can pass. */
__u32 filter_types(const struct filter *filter);

/*
 * What of the filter the kernel can decide. It lets pass all events that the
 * filter lets pass, and others: transitions that tell of connections, and what
 * the kernel does not know.
 */
void filter_push(struct filter *filter, struct kfilter *to);

/*
 * After filter_push(): does the kernel pass the event only because it may be of
 * the other end of a connection of which one end passes?
 */
bool filter_spared(const struct filter *filter, const struct event *e);

/* Those of them that it names, as in "type = drop". */
__u32 filter_named_types(const struct filter *filter);

#endif
