// SPDX-License-Identifier: GPL-2.0
/* What is wrong with a listener, whose fault it is, and what helps. */
#include "output/cell.h"
#include "output/listeners.h"

#include <stdarg.h>
#include <string.h>

static void add(char to[LISTENERS_ADVICE], const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void add(char to[LISTENERS_ADVICE], const char *fmt, ...)
{
	size_t n = strlen(to);
	va_list args;

	va_start(args, fmt);
	vsnprintf(to + n, LISTENERS_ADVICE - n, fmt, args);
	va_end(args);
}

/* Whose limit it is that a queue was full with. */
static void add_limit(char to[LISTENERS_ADVICE], const struct listener *l)
{
	if (l->asked == ~0u)
		add(to,
		    "the limit of %u is what listen() asked for, or "
		    "net.core.somaxconn",
		    l->limit);
	else if (l->asked > l->limit)
		add(to,
		    "the limit of %u is net.core.somaxconn, listen() asked for "
		    "%u",
		    l->limit, l->asked);
	else
		add(to, "the limit of %u is what listen() asked for", l->limit);
}

bool listeners_advice(const struct listener *l, const struct listeners_view *v,
		      char to[LISTENERS_ADVICE])
{
	const struct listener_child *oldest = TAILQ_FIRST(&l->waiting);
	char end[CELL_TEXT], owner[CELL_TEXT], span[CELL_TEXT];

	if (!l->last.full)
		return false;
	*to = '\0';
	cell_end(l->ev.family, &l->ev.laddr, l->ev.lport, end);
	cell_owner(&l->ev, owner);
	cell_span(v->end - v->begin, false, span);
	add(to, "%s %s: the accept queue was full %llu times in %s. ", end,
	    *owner ? owner : "?", (unsigned long long)l->last.full, span);
	add(to, "New clients wait, and time out. The process does not accept "
		"as fast as they come");
	if (oldest) {
		cell_span(v->end - oldest->ev.ts_ns, false, span);
		add(to, ": the oldest has waited for %s", span);
	}
	add(to, ". Let it call accept() in time; a longer queue only helps "
		"against bursts: ");
	add_limit(to, l);
	add(to, ".");
	return true;
}
