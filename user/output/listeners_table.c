// SPDX-License-Identifier: GPL-2.0
/* Listeners as a table, and below it what is to be said of single ones. */
#include "lib/clock.h"
#include "lib/inode.h"
#include "lib/width.h"
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

/* ~: derived from what was seen; *: read when nothing was to be seen. */
static void depth(const struct listener *l, __u32 n, char to[CELL_TEXT])
{
	const char *mark = l->depth_how == HOW_derived ? "~" :
			   l->depth_how == HOW_sampled ? "*" :
							 "";

	if (n == ~0u)
		snprintf(to, CELL_TEXT, "?/%u", l->limit);
	else
		snprintf(to, CELL_TEXT, "%s%u/%u", mark, n, l->limit);
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

/* Since when one waits that was there before is not known: at least, then. */
static void age(nsec_t since, enum how how, const struct listeners_view *v,
		char to[CELL_TEXT])
{
	char span[CELL_TEXT];

	cell_span(v->end - (since ?: v->start), how == HOW_derived, span);
	snprintf(to, CELL_TEXT, "%s%.100s", since ? "" : ">", span);
}

static void cell_oldest(const struct listener *l,
			const struct listeners_view *v, char to[CELL_TEXT])
{
	struct listener_first first = listener_first(l);

	if (first.waits)
		age(first.since, first.how, v, to);
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

/* *: by sk_drops, which counts some twice. */
static void cell_drops(const struct listener *l, const struct listeners_view *v,
		       char to[CELL_TEXT])
{
	uint64_t n = listener_dropped(l, &l->last);

	(void)v;
	snprintf(to, CELL_TEXT, "%s%llu", n > l->last.dropped ? "*" : "",
		 (unsigned long long)n);
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
	{ "DROPS", cell_drops, TABLE_RIGHT, true, false },
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

/* What a process would find that accepted it now: "512 bytes, closed". */
static void child_words(const struct listener_child *child, char to[CELL_TEXT])
{
	const char *end = child->state == TCB_STATE_CLOSE_WAIT ? "closed" :
			  child->state == TCB_STATE_CLOSE      ? "reset" :
								 "";

	*to = '\0';
	if (child->unread != ~0u && child->unread)
		snprintf(to, CELL_TEXT, "%u bytes%s%s", child->unread,
			 *end ? ", " : "", end);
	else
		snprintf(to, CELL_TEXT, "%s", end);
}

/* A line of a connection that waits to be accepted. */
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
		} else if (columns[i].cell == cell_process) {
			child_words(child, text);
		} else if (columns[i].cell == cell_oldest) {
			age(child->ev.ts_ns, child->age_how, v, text);
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

static void print_words(FILE *file, const char *words,
			const struct listeners_view *v)
{
	fputs("  ", file);
	width_print(file, words, v->columns, 2, 2);
}

static void print_sums(FILE *file, const struct listener *l,
		       const struct listener_sums *sums, nsec_t time,
		       const struct listeners_view *v)
{
	char words[LISTENERS_WORDS], span[CELL_TEXT],
		line[LISTENERS_WORDS + 64];

	cell_span(time, false, span);
	snprintf(line, sizeof(line), "in %s: %s", span,
		 listeners_drops(l, sums, v->schema, words));
	print_words(file, line, v);
}

/* Of a listener that drops, sends cookies or is full: how much, and why. */
static void print_details(FILE *file, const struct listener *l,
			  const struct listeners_view *v)
{
	char end[CELL_TEXT], owner[CELL_TEXT], words[LISTENERS_WORDS];
	bool advice = listeners_advice(l, v, words);

	if (!advice && !*listeners_drops(l, &l->last, v->schema, words))
		return;
	cell_end(l->ev.family, &l->ev.laddr, l->ev.lport, end);
	cell_owner(&l->ev, owner);
	fprintf(file, "\n%s %s\n", end, *owner ? owner : "?");
	if (*listeners_drops(l, &l->last, v->schema, words)) {
		print_sums(file, l, &l->last, v->end - v->begin, v);
		if (v->begin != v->start)
			print_sums(file, l, &l->all, v->end - v->start, v);
	}
	if (listeners_advice(l, v, words))
		print_words(file, words, v);
}

int listeners_table_print(FILE *file, const struct listeners *l,
			  const struct listeners_view *v)
{
	struct table *table = table_new(file, false, v->headings);
	size_t i;
	int err;

	if (!table)
		return -errno;
	err = fill(table, l, v);
	if (!err)
		err = table_print(table);
	table_free(table);
	for (i = 0; i < l->n && !err; i++)
		print_details(file, l->listener[i], v);
	return err;
}
