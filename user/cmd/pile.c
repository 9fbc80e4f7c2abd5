// SPDX-License-Identifier: GPL-2.0
/* Piles as a table with what there is to say of each below it, or as JSON. */
#include "cmd/pile.h"
#include "cmd/columns.h"
#include "event/piles.h"
#include "lib/say.h"
#include "output/table.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define WRAP 76 /* characters of advice in a line */

static const char *state_name(const struct pile_options *o,
			      const struct pile *p)
{
	return schema_name(o->schema, EVENT_socket, "state", p->state);
}

/* ":80" here, or the peer's address and port. */
static void service_text(const struct pile *p, char to[COLUMN_TEXT])
{
	bool v6 = p->ev.family == FAMILY_INET6;
	char addr[SCHEMA_ADDR_LEN];

	schema_addr(p->ev.family, &p->addr, addr);
	if (p->server)
		snprintf(to, COLUMN_TEXT, ":%u", p->port);
	else
		snprintf(to, COLUMN_TEXT, v6 ? "[%s]:%u" : "%s:%u", addr,
			 p->port);
}

static void owner_text(const struct pile *p, char to[COLUMN_TEXT])
{
	column_owner(&p->ev, to);
	if (!*to)
		strcpy(to, "-");
}

static int add_row(struct table *table, const struct pile_options *o,
		   const struct pile *p)
{
	char count[24], netns[16], oldest[COLUMN_TEXT], service[COLUMN_TEXT];
	char owner[COLUMN_TEXT];
	const char *cells[] = { state_name(o, p), count, oldest, netns,
				service,	  owner };
	unsigned int i;
	int err = 0;

	snprintf(count, sizeof(count), "%zu", p->n);
	snprintf(netns, sizeof(netns), "%u", p->ev.netns);
	column_span(p->oldest, true, oldest);
	if (!*oldest)
		strcpy(oldest, "-");
	service_text(p, service);
	owner_text(p, owner);
	for (i = 0; i < sizeof(cells) / sizeof(*cells) && !err; i++)
		err = table_cell(table, cells[i]);
	return err;
}

static int print_table(const struct piles *piles, const struct pile_options *o)
{
	static const struct {
		const char *name;
		unsigned int flags;
	} columns[] = {
		{ "STATE", 0 },
		{ "COUNT", TABLE_RIGHT },
		{ "OLDEST", TABLE_RIGHT },
		{ "NETNS", TABLE_RIGHT },
		{ "SERVICE", 0 },
		{ "OWNER", TABLE_CUT },
	};
	struct table *table = table_new(stdout, o->raw, o->headings);
	unsigned int i;
	int err = 0;
	size_t k;

	if (!table)
		return -errno;
	for (i = 0; i < sizeof(columns) / sizeof(*columns) && !err; i++)
		err = table_column(table, columns[i].name, columns[i].flags);
	for (k = 0; k < piles->n && !err; k++)
		err = add_row(table, o, &piles->pile[k]);
	if (!err)
		err = table_print(table);
	table_free(table);
	return err;
}

/* A text in lines that an 80 column terminal takes, indented. */
static void print_wrapped(const char *text)
{
	const char *end;

	while (strlen(text) > WRAP) {
		for (end = text + WRAP; *end != ' '; end--)
			;
		printf("  %.*s\n", (int)(end - text), text);
		text = end + 1;
	}
	printf("  %s\n", text);
}

/* Which descriptors, which peers, and what to do. */
static void print_details(const struct pile *p, const struct pile_options *o)
{
	char service[COLUMN_TEXT], owner[COLUMN_TEXT], addr[SCHEMA_ADDR_LEN];
	unsigned int i;

	service_text(p, service);
	owner_text(p, owner);
	printf("\n%s %s %s\n", state_name(o, p), service, owner);
	for (i = 0; i < p->n_fds; i++)
		printf("%s%u", i ? " " : "  file descriptors ", p->fds[i]);
	if (p->n_fds)
		printf("%s\n", p->n_fds < p->n ? " ..." : "");
	for (i = 0; i < p->n_peers; i++)
		printf("%s%s (%zu)", i ? ", " : "  peers ",
		       schema_addr(p->peers[i].family, &p->peers[i].addr, addr),
		       p->peers[i].n);
	if (p->other_peers)
		printf(", others (%zu)", p->other_peers);
	putchar('\n');
	print_wrapped(pile_advice(p));
}

static void print_string(const char *name, const char *s, size_t len)
{
	char text[COLUMN_TEXT * 6];

	printf("\"%s\":\"%.*s\"", name,
	       (int)say_json(text, sizeof(text), s, len), text);
}

static void print_object(const struct pile *p, const struct pile_options *o)
{
	char service[COLUMN_TEXT], addr[SCHEMA_ADDR_LEN];
	const char *state = state_name(o, p), *advice = pile_advice(p);
	unsigned int i;

	putchar('{');
	print_string("state", state, strlen(state));
	printf(",\"count\":%zu,\"netns\":%u", p->n, p->ev.netns);
	if (p->oldest != ~0ull)
		printf(",\"oldest_ns\":%llu", p->oldest);
	service_text(p, service);
	putchar(',');
	print_string("service", service, strlen(service));
	if (p->ev.pid) {
		printf(",\"pid\":%u,", p->ev.pid);
		print_string("comm", p->ev.comm,
			     strnlen(p->ev.comm, sizeof(p->ev.comm)));
	}
	for (i = 0; i < p->n_fds; i++)
		printf("%s%u", i ? "," : ",\"fds\":[", p->fds[i]);
	printf("%s,\"peers\":[", p->n_fds ? "]" : "");
	for (i = 0; i < p->n_peers; i++)
		printf("%s{\"addr\":\"%s\",\"count\":%zu}", i ? "," : "",
		       schema_addr(p->peers[i].family, &p->peers[i].addr, addr),
		       p->peers[i].n);
	putchar(']');
	if (p->other_peers)
		printf(",\"other_peers\":%zu", p->other_peers);
	putchar(',');
	print_string("advice", advice, strlen(advice));
	putchar('}');
}

int pile_print(const struct event_socket *s, size_t n,
	       const struct pile_options *o)
{
	struct piles piles;
	int err = piles_make(&piles, s, n);
	size_t i;

	if (!err && o->json) {
		printf("{\"piles\":[");
		for (i = 0; i < piles.n; i++) {
			printf("%s\n", i ? "," : "");
			print_object(&piles.pile[i], o);
		}
		printf("\n],\"complete\":%s}\n",
		       o->complete ? "true" : "false");
	} else if (!err) {
		err = print_table(&piles, o);
		for (i = 0; i < piles.n && !err && !o->raw; i++)
			print_details(&piles.pile[i], o);
	}
	piles_free(&piles);
	return err;
}
