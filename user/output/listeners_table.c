// SPDX-License-Identifier: GPL-2.0
/* Listeners as a table, and below it what is to be said of single ones. */
#include "lib/clock.h"
#include "lib/inode.h"
#include "lib/say.h"
#include "output/cell.h"
#include "output/listeners.h"
#include "output/table.h"

#include <errno.h>
#include <string.h>

#define BAR 5 /* characters of fullness */

typedef void cell_fn(const struct listener *l, const struct listeners_view *v,
		     char to[CELL_TEXT]);

static void cell_listener(const struct listener *l,
			  const struct listeners_view *v, char to[CELL_TEXT])
{
	(void)v;
	cell_end(l->ev.family, &l->ev.laddr, l->ev.lport, to);
}

static void cell_process(const struct listener *l,
			 const struct listeners_view *v, char to[CELL_TEXT])
{
	(void)v;
	cell_owner(&l->ev, to);
}

static void cell_netns(const struct listener *l, const struct listeners_view *v,
		       char to[CELL_TEXT])
{
	(void)v;
	snprintf(to, CELL_TEXT, "%u", l->ev.netns);
}

static void depth(const struct listener *l, __u32 n, char to[CELL_TEXT])
{
	if (n == ~0u)
		snprintf(to, CELL_TEXT, "?/%u", l->limit);
	else
		snprintf(to, CELL_TEXT, "%s%u/%u",
			 l->depth_how == HOW_derived ? "~" : "", n, l->limit);
}

static void cell_syn(const struct listener *l, const struct listeners_view *v,
		     char to[CELL_TEXT])
{
	(void)v;
	depth(l, l->syn, to);
}

static void cell_accept(const struct listener *l,
			const struct listeners_view *v, char to[CELL_TEXT])
{
	(void)v;
	depth(l, l->accept, to);
}

/* ###--: how full the accept queue is. */
static void cell_full(const struct listener *l, const struct listeners_view *v,
		      char to[CELL_TEXT])
{
	unsigned int i, full = 0;

	(void)v;
	if (l->accept != ~0u && l->accept)
		full = (l->accept * BAR + l->limit) / (l->limit + 1ull);
	for (i = 0; i < BAR; i++)
		to[i] = i < full ? '#' : '-';
	to[BAR] = '\0';
}

static void cell_oldest(const struct listener *l,
			const struct listeners_view *v, char to[CELL_TEXT])
{
	const struct listener_child *oldest = TAILQ_FIRST(&l->waiting);

	if (oldest)
		cell_span(v->end - oldest->ev.ts_ns, false, to);
}

static void cell_p50(const struct listener *l, const struct listeners_view *v,
		     char to[CELL_TEXT])
{
	(void)v;
	cell_span(spans_percentile(&l->last.wait, 50), false, to);
}

static void cell_p99(const struct listener *l, const struct listeners_view *v,
		     char to[CELL_TEXT])
{
	(void)v;
	cell_span(spans_percentile(&l->last.wait, 99), false, to);
}

static void cell_max(const struct listener *l, const struct listeners_view *v,
		     char to[CELL_TEXT])
{
	(void)v;
	cell_span(l->last.wait.n ? l->last.wait.max : ~0ull, false, to);
}

static void cell_rate(const struct listener *l, const struct listeners_view *v,
		      char to[CELL_TEXT])
{
	snprintf(to, CELL_TEXT, "%.1f",
		 l->last.accepted * 1e9 / (v->end - v->begin));
}

static const struct column {
	const char *name;
	cell_fn *cell;
	unsigned int flags;
	bool watched, elsewhere; /* only if there is something to tell */
} columns[] = {
	{ "LISTENER", cell_listener, 0, false, false },
	{ "OWNER", cell_process, TABLE_CUT, false, false },
	{ "NETNS", cell_netns, TABLE_RIGHT, false, true },
	{ "SYN", cell_syn, TABLE_RIGHT, false, false },
	{ "ACCEPT", cell_accept, TABLE_RIGHT, false, false },
	{ "FULL", cell_full, 0, false, false },
	{ "OLDEST", cell_oldest, TABLE_RIGHT, true, false },
	{ "P50", cell_p50, TABLE_RIGHT, true, false },
	{ "P99", cell_p99, TABLE_RIGHT, true, false },
	{ "MAX", cell_max, TABLE_RIGHT, true, false },
	{ "RATE", cell_rate, TABLE_RIGHT, true, false },
};

#define COLUMNS (sizeof(columns) / sizeof(*columns))

/* Is there a listener in another network namespace than ours? */
static bool elsewhere(const struct listeners *l)
{
	uint64_t own = 0;
	size_t i;

	inode_netns("/proc/self/ns/net", &own);
	for (i = 0; i < l->n; i++)
		if (l->listener[i]->ev.netns != own)
			return true;
	return false;
}

/* Which columns there are something to tell in. */
struct shown {
	bool column[COLUMNS];
};

static struct shown choose(const struct listeners *l,
			   const struct listeners_view *v)
{
	bool far = elsewhere(l);
	struct shown shown;
	unsigned int i;

	for (i = 0; i < COLUMNS; i++)
		shown.column[i] = !(columns[i].watched && !v->watched) &&
				  !(columns[i].elsewhere && !far);
	return shown;
}

static int add_listener(struct table *table, const struct shown *shown,
			const struct listener *l,
			const struct listeners_view *v)
{
	char text[CELL_TEXT];
	unsigned int i;
	int err = 0;

	for (i = 0; i < COLUMNS && !err; i++) {
		if (!shown->column[i])
			continue;
		*text = '\0';
		columns[i].cell(l, v, text);
		err = table_cell(table, *text ? text : "-");
	}
	return err;
}

/* A line of a connection that waits has its peer, and for how long. */
static int add_child(struct table *table, const struct shown *shown,
		     const struct listener_child *child,
		     const struct listeners_view *v)
{
	char text[CELL_TEXT], end[CELL_TEXT];
	unsigned int i;
	int err = 0;

	for (i = 0; i < COLUMNS && !err; i++) {
		if (!shown->column[i])
			continue;
		*text = '\0';
		if (columns[i].cell == cell_listener) {
			cell_end(child->ev.family, &child->ev.raddr,
				 child->ev.rport, end);
			snprintf(text, CELL_TEXT, "  %.100s", end);
		} else if (columns[i].cell == cell_oldest) {
			cell_span(v->end - child->ev.ts_ns, false, text);
		}
		err = table_cell(table, text);
	}
	return err;
}

static int fill(struct table *table, const struct listeners *l,
		const struct listeners_view *v)
{
	const struct shown shown = choose(l, v);
	const struct listener_child *child;
	unsigned int i;
	int err = 0;
	size_t k;

	for (i = 0; i < COLUMNS && !err; i++)
		if (shown.column[i])
			err = table_column(table, columns[i].name,
					   columns[i].flags);
	for (k = 0; k < l->n && !err; k++) {
		err = add_listener(table, &shown, l->listener[k], v);
		if (!v->tree)
			continue;
		TAILQ_FOREACH(child, &l->listener[k]->waiting, next)
		{
			if (err)
				break;
			err = add_child(table, &shown, child, v);
		}
	}
	return err;
}

int listeners_table_print(FILE *file, const struct listeners *l,
			  const struct listeners_view *v)
{
	struct table *table = table_new(file, false, v->headings);
	char advice[LISTENERS_ADVICE];
	size_t i;
	int err;

	if (!table)
		return -errno;
	err = fill(table, l, v);
	if (!err)
		err = table_print(table);
	table_free(table);
	for (i = 0; i < l->n && !err; i++) {
		if (!listeners_advice(l->listener[i], v, advice))
			continue;
		putc('\n', file);
		say_wrapped(file, "", advice);
	}
	return err;
}
