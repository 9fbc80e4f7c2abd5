// SPDX-License-Identifier: GPL-2.0
/* Ends, owners and times as text that steers no terminal. */
#include "output/cell.h"
#include "lib/clock.h"
#include "lib/say.h"

#include <stdio.h>
#include <string.h>

void cell_end(enum family family, const addr_t *addr, port_t port,
	      char to[CELL_TEXT])
{
	bool v6 = family == FAMILY_INET6;
	char text[SCHEMA_ADDR_LEN];

	schema_addr(family, addr, text);
	if (port)
		snprintf(to, CELL_TEXT, v6 ? "[%s]:%u" : "%s:%u", text, port);
	else
		snprintf(to, CELL_TEXT, v6 ? "[%s]:*" : "%s:*", text);
}

void cell_owner(const struct event *e, char to[CELL_TEXT])
{
	char comm[sizeof(e->comm) * 4 + 1];

	*to = '\0';
	if (!e->pid)
		return;
	say_escape(comm, sizeof(comm), e->comm,
		   strnlen(e->comm, sizeof(e->comm)));
	snprintf(to, CELL_TEXT, "%s%s[%u]",
		 e->owner_how == HOW_derived ? "~" : "", comm, e->pid);
}

void cell_span(nsec_t ns, bool derived, char to[CELL_TEXT])
{
	unsigned long long s = ns / NSEC_PER_SEC;
	const char *mark = derived ? "~" : "";

	if (ns == ~0ull)
		*to = '\0';
	else if (ns && ns < 1000000)
		snprintf(to, CELL_TEXT, "%s%lluus", mark,
			 (unsigned long long)ns / 1000);
	else if (!s)
		snprintf(to, CELL_TEXT, "%s%llums", mark,
			 (unsigned long long)ns / 1000000);
	else if (s < 120)
		snprintf(to, CELL_TEXT, "%s%llu.%llus", mark, s,
			 (unsigned long long)ns / 100000000 % 10);
	else if (s < 7200)
		snprintf(to, CELL_TEXT, "%s%llum", mark, s / 60);
	else if (s < 172800)
		snprintf(to, CELL_TEXT, "%s%lluh", mark, s / 3600);
	else
		snprintf(to, CELL_TEXT, "%s%llud", mark, s / 86400);
}
