// SPDX-License-Identifier: GPL-2.0
/*
 * Where the states and arrows of the diagram are. Left out of the standard's
 * figure is what Linux does not do: a listener that sends.
 */
#include "output/diagram.h"
#include "output/row.h"

#include <string.h>

#define DIAGRAM_WORTH 3 /* changes of one end: fewer are clear without a plan */

#define S(state) TCB_STATE_##state

const struct diagram_state diagram_states[] = {
	{ S(CLOSE), 34, 0 },	   { S(LISTEN), 34, 3 },
	{ S(SYN_RECV), 8, 6 },	   { S(SYN_SENT), 60, 6 },
	{ S(ESTABLISHED), 34, 9 }, { S(FIN_WAIT1), 8, 12 },
	{ S(CLOSE_WAIT), 60, 12 }, { S(FIN_WAIT2), 8, 15 },
	{ S(CLOSING), 34, 15 },	   { S(LAST_ACK), 60, 15 },
	{ S(TIME_WAIT), 34, 18 },  { S(CLOSE), 60, 18 },
};

const struct diagram_edge diagram_edges[] = {
	{ S(CLOSE), S(LISTEN), { { 31, 1 }, { 31, 2 } }, { 21, 1 }, "listen()" },
	{ S(LISTEN), S(CLOSE), { { 34, 2 }, { 34, 1 } }, { 35, 2 }, "close()" },
	{ S(CLOSE),
	  S(SYN_SENT),
	  { { 41, 0 }, { 63, 0 }, { 63, 5 } },
	  { 44, 0 },
	  "connect() / SYN" },
	{ S(SYN_SENT),
	  S(CLOSE),
	  { { 57, 5 }, { 57, 1 }, { 37, 1 }, { 37, 0 } },
	  { 45, 1 },
	  "close()" },
	{ S(LISTEN),
	  S(SYN_RECV),
	  { { 27, 3 }, { 6, 3 }, { 6, 5 } },
	  { 9, 3 },
	  "rx SYN / SYN+ACK" },
	{ S(SYN_RECV),
	  S(LISTEN),
	  { { 11, 5 }, { 11, 4 }, { 31, 4 }, { 31, 3 } },
	  { 15, 4 },
	  "rx RST" },
	{ S(SYN_SENT),
	  S(SYN_RECV),
	  { { 53, 6 }, { 15, 6 } },
	  { 26, 6 },
	  "rx SYN / SYN+ACK" },
	{ S(SYN_SENT),
	  S(ESTABLISHED),
	  { { 60, 7 }, { 60, 9 }, { 41, 9 } },
	  { 40, 8 },
	  "rx SYN+ACK / ACK" },
	{ S(SYN_RECV),
	  S(ESTABLISHED),
	  { { 8, 7 }, { 8, 9 }, { 27, 9 } },
	  { 11, 8 },
	  "rx ACK of SYN" },
	{ S(SYN_RECV), S(FIN_WAIT1), { { 3, 7 }, { 3, 11 } }, { 0, 0 }, "" },
	{ S(ESTABLISHED),
	  S(FIN_WAIT1),
	  { { 31, 9 }, { 31, 10 }, { 8, 10 }, { 8, 11 } },
	  { 12, 11 },
	  "close() / FIN" },
	{ S(ESTABLISHED),
	  S(CLOSE_WAIT),
	  { { 37, 9 }, { 37, 10 }, { 60, 10 }, { 60, 11 } },
	  { 44, 11 },
	  "rx FIN / ACK" },
	{ S(FIN_WAIT1),
	  S(FIN_WAIT2),
	  { { 8, 13 }, { 8, 14 } },
	  { 11, 14 },
	  "rx ACK of FIN" },
	{ S(FIN_WAIT1),
	  S(CLOSING),
	  { { 15, 12 }, { 34, 12 }, { 34, 14 } },
	  { 18, 13 },
	  "rx FIN / ACK" },
	{ S(CLOSE_WAIT),
	  S(LAST_ACK),
	  { { 60, 13 }, { 60, 14 } },
	  { 42, 14 },
	  "close() / FIN" },
	{ S(FIN_WAIT2),
	  S(TIME_WAIT),
	  { { 8, 16 }, { 8, 18 }, { 27, 18 } },
	  { 11, 17 },
	  "rx FIN / ACK" },
	{ S(CLOSING),
	  S(TIME_WAIT),
	  { { 34, 16 }, { 34, 17 } },
	  { 37, 16 },
	  "rx ACK" },
	{ S(LAST_ACK),
	  S(CLOSE),
	  { { 60, 16 }, { 60, 17 } },
	  { 50, 17 },
	  "rx ACK" },
	{ S(TIME_WAIT),
	  S(CLOSE),
	  { { 41, 18 }, { 53, 18 } },
	  { 45, 17 },
	  "60 s" },
};

const unsigned int diagram_n_states = sizeof(diagram_states) /
				      sizeof(*diagram_states);
const unsigned int diagram_n_edges = sizeof(diagram_edges) /
				     sizeof(*diagram_edges);

#undef S

unsigned int diagram_points(const struct diagram_edge *edge)
{
	unsigned int n = 2;

	while (n < DIAGRAM_POINTS && (edge->at[n].x || edge->at[n].y))
		n++;
	return n;
}

static const struct event_state *as_state(const struct step *s)
{
	return s->kind == STEP_STATE ? (const void *)s->e : NULL;
}

void diagram_walk(const struct ladder *l, struct diagram_walk *walk)
{
	const struct event_state *e;
	const struct step *s;
	unsigned int i;

	memset(walk, 0, sizeof(*walk));
	for (s = l->steps; s < l->steps + l->n_steps; s++) {
		e = as_state(s);
		if (!e)
			continue;
		walk->state[e->old % 16] |= 1 << s->end;
		walk->state[e->new % 16] |= 1 << s->end;
		for (i = 0; i < diagram_n_edges; i++)
			if (diagram_edges[i].from == e->old &&
			    diagram_edges[i].to == e->new)
				walk->edge[i] |= 1 << s->end;
	}
}

bool diagram_worth(const struct ladder *l)
{
	unsigned int n[2] = {};
	const struct step *s;

	for (s = l->steps; s < l->steps + l->n_steps; s++)
		if (as_state(s) && ++n[s->end] == DIAGRAM_WORTH)
			return true;
	return false;
}

/* Is there an arrow for that? LISTEN is left by the child, not by itself. */
static bool has_edge(const struct event_state *e)
{
	unsigned int i;

	for (i = 0; i < diagram_n_edges; i++)
		if (diagram_edges[i].from == e->old &&
		    diagram_edges[i].to == e->new)
			return true;
	return false;
}

void diagram_path(const struct ladder *l, unsigned int end, const char *arrow,
		  char *to, size_t size)
{
	const struct event_state *e;
	char cause[ROW_WORDS];
	const struct step *s;
	size_t n = 0;

	*to = '\0';
	for (s = l->steps; s < l->steps + l->n_steps && n < size; s++) {
		e = as_state(s);
		if (!e || s->end != end)
			continue;
		if (!n)
			n += snprintf(to, size, "%s",
				      schema_name(l->schema, EVENT_state, "old",
						  e->old));
		if (n < size)
			n += snprintf(to + n, size - n, " %s %s", arrow,
				      schema_name(l->schema, EVENT_state, "new",
						  e->new));
		row_cause(l->schema, e->cause, e->cause_how, cause);
		if (!has_edge(e) && *cause && n < size)
			n += snprintf(to + n, size - n, " (%s)", cause);
	}
}
