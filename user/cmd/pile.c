// SPDX-License-Identifier: GPL-2.0
/* Piles as a table with what there is to say of each below it, or as JSON. */
#include "cmd/pile.h"
#include "event/piles.h"
#include "lib/json.h"
#include "lib/say.h"
#include "output/cell.h"
#include "output/table.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *state_name(const struct pile_options *o,
			      const struct pile *p)
{
	return schema_name(o->schema, EVENT_socket, "state", p->state);
}

/* ":80" here, or the peer's address and port. */
static void service_text(const struct pile *p, char to[CELL_TEXT])
{
	bool v6 = p->ev.family == FAMILY_INET6;
	char addr[SCHEMA_ADDR_LEN];

	schema_addr(p->ev.family, &p->addr, addr);
	if (p->server)
		snprintf(to, CELL_TEXT, ":%u", p->port);
	else
		snprintf(to, CELL_TEXT, v6 ? "[%s]:%u" : "%s:%u", addr,
			 p->port);
}

static void owner_text(const struct pile *p, char to[CELL_TEXT])
{
	cell_owner(&p->ev, to);
	if (!*to)
		strcpy(to, "-");
}

static int add_row(struct table *table, const struct pile_options *o,
		   const struct pile *p)
{
	char count[24], netns[16], oldest[CELL_TEXT], service[CELL_TEXT];
	char owner[CELL_TEXT];
	const char *cells[] = { state_name(o, p), count, oldest, netns,
				service,	  owner };
	unsigned int i;
	int err = 0;

	snprintf(count, sizeof(count), "%zu", p->n);
	snprintf(netns, sizeof(netns), "%u", p->ev.netns);
	cell_span(p->oldest, true, oldest);
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

/* Which descriptors, which peers, and what to do. */
static void print_details(const struct pile *p, const struct pile_options *o)
{
	char service[CELL_TEXT], owner[CELL_TEXT], addr[SCHEMA_ADDR_LEN];
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
	say_wrapped(stdout, "  ", pile_advice(p));
}

static void print_peer(struct json *j, const struct pile_peer *peer)
{
	char addr[SCHEMA_ADDR_LEN];

	json_text(j, "{\"addr\":\"");
	json_text(j, schema_addr(peer->family, &peer->addr, addr));
	json_text(j, "\"");
	json_member(j, "count", peer->n);
	json_text(j, "}");
}

static void print_object(struct json *j, const struct pile *p,
			 const struct pile_options *o)
{
	char service[CELL_TEXT];
	const char *state = state_name(o, p);
	unsigned int i;

	json_text(j, "{\"state\":");
	json_string(j, state, strlen(state));
	json_member(j, "count", p->n);
	json_member(j, "netns", p->ev.netns);
	if (p->oldest != ~0ull)
		json_member(j, "oldest_ns", p->oldest);
	service_text(p, service);
	json_member_text(j, "service", service);
	if (p->ev.pid) {
		json_member(j, "pid", p->ev.pid);
		json_name(j, "comm");
		json_string(j, p->ev.comm,
			    strnlen(p->ev.comm, sizeof(p->ev.comm)));
	}
	for (i = 0; i < p->n_fds; i++) {
		json_text(j, i ? "," : ",\"fds\":[");
		json_number(j, p->fds[i]);
	}
	json_text(j, p->n_fds ? "],\"peers\":[" : ",\"peers\":[");
	for (i = 0; i < p->n_peers; i++) {
		json_text(j, i ? "," : "");
		print_peer(j, &p->peers[i]);
	}
	json_text(j, "]");
	if (p->other_peers)
		json_member(j, "other_peers", p->other_peers);
	json_member_text(j, "advice", pile_advice(p));
	json_text(j, "}");
}

static void print_json(const struct piles *piles, const struct pile_options *o)
{
	struct json j = { .file = stdout };
	size_t i;

	json_text(&j, "{\"piles\":[");
	for (i = 0; i < piles->n; i++) {
		json_text(&j, i ? ",\n" : "\n");
		print_object(&j, &piles->pile[i], o);
	}
	json_text(&j, "\n],\"complete\":");
	json_text(&j, o->complete ? "true}\n" : "false}\n");
	json_write(&j);
}

int pile_print(const struct event_socket *s, size_t n,
	       const struct pile_options *o)
{
	struct piles piles;
	int err = piles_make(&piles, s, n);
	size_t i;

	if (!err && o->json) {
		print_json(&piles, o);
	} else if (!err) {
		err = print_table(&piles, o);
		for (i = 0; i < piles.n && !err && !o->raw; i++)
			print_details(&piles.pile[i], o);
	}
	piles_free(&piles);
	return err;
}
