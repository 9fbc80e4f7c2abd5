// SPDX-License-Identifier: GPL-2.0
/* What a listener did not let in, whose fault it is, and what helps. */
#include "output/cell.h"
#include "output/listeners.h"

#include <stdarg.h>
#include <string.h>

static void add(char to[LISTENERS_WORDS], const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void add(char to[LISTENERS_WORDS], const char *fmt, ...)
{
	size_t n = strlen(to);
	va_list args;

	va_start(args, fmt);
	vsnprintf(to + n, LISTENERS_WORDS - n, fmt, args);
	va_end(args);
}

/* "accept queue full 31": a name of the schema, and how often. */
static void add_count(char to[LISTENERS_WORDS], const char *name, uint64_t n)
{
	size_t at = strlen(to);

	if (!n)
		return;
	add(to, "%s%s %llu", at ? ", " : "", name, (unsigned long long)n);
	for (; to[at]; at++)
		if (to[at] == '_')
			to[at] = ' ';
}

const char *listeners_drops(const struct listener *l,
			    const struct listener_sums *sums,
			    const struct schema *schema,
			    char to[LISTENERS_WORDS])
{
	unsigned int i;

	*to = '\0';
	for (i = 0; i < LISTENER_RULES; i++)
		add_count(to,
			  i ? schema_name(schema, EVENT_queue, "rule", i) :
			      "dropped",
			  sums->dropped_by[i]);
	if (listener_dropped(l, sums) > sums->dropped)
		add_count(to, "*dropped", sums->sk_drops);
	add_count(to, "requests expired", sums->expired);
	add_count(to, "requests reset", sums->reset);
	add_count(to, "cookies sent", sums->cookies_sent);
	add_count(to, "cookies accepted", sums->cookies_accepted);
	return to;
}

/* Whose limit it is that a queue was full with. */
static void add_limit(char to[LISTENERS_WORDS], const struct listener *l)
{
	bool known = l->asked != ~0u ||
		     (l->somaxconn != ~0u && l->limit < l->somaxconn);

	add(to, "the limit of %u is ", l->limit);
	if (l->asked != ~0u && l->asked > l->limit)
		add(to, "net.core.somaxconn, the application asked for %u",
		    l->asked);
	else if (known && l->somaxconn != ~0u)
		add(to, "the application's, net.core.somaxconn is %u",
		    l->somaxconn);
	else if (known)
		add(to, "the application's");
	else
		add(to, "the application's, or net.core.somaxconn");
}

/* The accept queue: the application is too slow. */
static void add_accept(char to[LISTENERS_WORDS], const struct listener *l,
		       const struct listeners_view *v)
{
	struct listener_first first = listener_first(l);
	char span[CELL_TEXT];

	if (l->last.full > 1) {
		cell_span(v->end - v->begin, false, span);
		add(to, "The accept queue was full %llu times in %s",
		    (unsigned long long)l->last.full, span);
	} else {
		add(to, "The accept queue %s full",
		    listener_is_full(l) ? "is" : "was");
	}
	add(to, ": the application accepts too slowly");
	if (first.since) {
		cell_span(v->end - first.since, false, span);
		add(to, ", the oldest waits for %s", span);
	}
	add(to, "; ");
	add_limit(to, l);
	add(to, ". New clients try again and again, and time out. Accept "
		"faster; a longer queue helps against bursts only.");
}

/* The SYN queue: handshakes begin that do not end. */
static void add_syn(char to[LISTENERS_WORDS], const struct listener *l)
{
	const uint64_t *by = l->last.dropped_by;

	if (l->last.cookies_sent > l->last.cookies_always &&
	    !by[QUEUE_RULE_SYN_queue_full_drop]) {
		add(to,
		    "%sThe SYN queue was full and cookies stood in for it: "
		    "SYNs come faster than their handshakes end, as in a "
		    "flood, or from far away; ",
		    *to ? " " : "");
		add_limit(to, l);
		add(to, ".");
	}
	if (by[QUEUE_RULE_SYN_queue_full_drop]) {
		add(to,
		    "%sThe SYN queue was full, and net.ipv4.tcp_syncookies "
		    "is 0: set it to 1, or let the application ask "
		    "listen() for more; ",
		    *to ? " " : "");
		add_limit(to, l);
		add(to, ".");
	}
	if (by[QUEUE_RULE_last_quarter])
		add(to,
		    "%sThe last quarter of net.ipv4.tcp_max_syn_backlog is "
		    "kept for known peers while net.ipv4.tcp_syncookies is "
		    "0: raise the one, or set the other to 1.",
		    *to ? " " : "");
}

/* Was the accept queue so, or how else could it have dropped these? */
static bool was_full(const struct listener *l)
{
	const uint64_t *by = l->last.dropped_by;

	return listener_is_full(l) || l->last.full ||
	       by[QUEUE_RULE_accept_queue_full] ||
	       by[QUEUE_RULE_third_ACK_overflow] ||
	       by[QUEUE_RULE_abort_on_overflow];
}

bool listeners_advice(const struct listener *l, const struct listeners_view *v,
		      char to[LISTENERS_WORDS])
{
	*to = '\0';
	if (was_full(l))
		add_accept(to, l, v);
	add_syn(to, l);
	if (listener_dropped(l, &l->last) > l->last.dropped)
		add(to,
		    "%sWhy each was dropped is not known here: --tiers "
		    "1,2,3 may tell.",
		    *to ? " " : "");
	if (l->last.dropped_by[QUEUE_RULE_abort_on_overflow])
		add(to,
		    "%sClients are reset because "
		    "net.ipv4.tcp_abort_on_overflow is 1.",
		    *to ? " " : "");
	return *to;
}
