// SPDX-License-Identifier: GPL-2.0
/*
 * Text for people: one line an event, fitted to the terminal, flows introduced
 * by a "+" line; into a pipe every column and nothing else. Control bytes from
 * outside never reach the terminal.
 */
#include "event/explain.h"
#include "lib/clock.h"
#include "lib/say.h"
#include "lib/width.h"
#include "output/output.h"
#include "output/row_call.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WIDE 132	  /* columns from which owner and addresses fit */
#define FLOOD 1000	  /* lines a second that a terminal is given */
#define EVENT_WIDTH 25	  /* "ESTABLISHED -> CLOSE_WAIT" */
#define CAUSE_WIDTH 10	  /* "rx SYN+ACK" */
#define PIPE_WIDTH 80	  /* of explanations, which are for people */
#define KEPT_NS 100000000 /* what is kept for so long has its line */
#define LINE 1024	  /* bytes that hold the cells of any row */

struct text {
	struct output output;
	const struct schema *schema;
	struct output_text_options opt;
	nsec_t start, last;
	int time_width;
	__s64 wall_offset;
	nsec_t second; /* the one that lines are counted in */
	unsigned int lines;
	struct {
		union event_any e; /* e.ev.type 0: none */
		struct row row;
	} kept;		 /* the next event may say more of it: see keep() */
	uint64_t summed; /* events of this second that got no line */
};

static void row_time(const struct text *t, const struct event *e,
		     struct row *row)
{
	nsec_t ns = e->ts_ns;
	struct tm tm;
	time_t s;
	char hms[16];

	switch (t->opt.time) {
	case TIME_WALL:
		ns += t->wall_offset;
		s = ns / NSEC_PER_SEC;
		localtime_r(&s, &tm);
		strftime(hms, sizeof(hms), "%H:%M:%S", &tm);
		snprintf(row->time, sizeof(row->time), "%s.%06llu", hms,
			 ns % NSEC_PER_SEC / 1000);
		return;
	case TIME_REL:
		ns = ns > t->start ? ns - t->start : 0;
		break;
	case TIME_DELTA:
		ns = t->last && ns > t->last ? ns - t->last : 0;
		break;
	case TIME_MONO:
		break;
	}
	snprintf(row->time, sizeof(row->time), "%llu.%06llu", ns / NSEC_PER_SEC,
		 ns % NSEC_PER_SEC / 1000);
}

static void paint(const struct text *t, const struct row *row, char *line)
{
	size_t n = strlen(line);

	while (n && line[n - 1] == ' ')
		line[--n] = '\0';
	if (t->opt.colour && row->colour)
		fprintf(t->opt.file, "\033[%sm%s\033[0m\n", row->colour, line);
	else
		fprintf(t->opt.file, "%s\n", line);
}

/* Where to break a line that is too long: between words, else characters. */
static size_t break_at(const char *s, size_t room)
{
	size_t n, blank = strspn(s, " ");

	for (n = room; n > blank && s[n] != ' '; n--)
		;
	if (n > blank)
		return n;
	for (n = room; n > 1 && (s[n] & 0xc0) == 0x80; n--)
		;
	return n;
}

/* A line, in as many as the terminal's width needs; all but one indented. */
static void print_broken(const struct text *t, const struct row *row,
			 const char *s)
{
	size_t width = t->opt.width, margin = t->time_width + 18;
	size_t indent = 0, n;
	char line[LINE];

	for (;;) {
		for (n = strlen(s); n && s[n - 1] == ' '; n--)
			;
		if (width && indent + n > width)
			n = break_at(s, width - indent);
		snprintf(line, sizeof(line), "%*s%.*s", (int)indent, "", (int)n,
			 s);
		paint(t, row, line);
		s += n;
		s += strspn(s, " ");
		if (!*s)
			return;
		indent = width > 2 * margin ? margin : 0;
	}
}

/* Time and names, up to where the event begins. */
static int print_left(const struct text *t, const struct row *row, char *line,
		      size_t size)
{
	int n = snprintf(line, size, "%*s %-4s ", t->time_width, row->time,
			 row->sock);

	if (t->opt.width >= WIDE)
		return n + snprintf(line + n, size - n, "%-18s %-21s %-21s ",
				    row->owner, row->local, row->remote);
	return n + snprintf(line + n, size - n, "%-11s ", row->ports);
}

/*
 * A line on a terminal. If it is too long the event's column gives what it
 * can; a detail that still does not fit has the next line.
 */
static void print_fitted(const struct text *t, const struct row *row)
{
	int detail = *row->detail ? strlen(row->detail) + 1 : 0;
	int event = EVENT_WIDTH, cause = CAUSE_WIDTH, over, n;
	char line[LINE];

	if (!*row->cause) {
		event += 1 + cause;
		cause = -1; /* not even the blank before it */
	}
	n = print_left(t, row, line, sizeof(line));
	over = n + event + 1 + cause + detail - (int)t->opt.width;
	if (cause > 0 && (int)strlen(row->cause) > cause)
		over += strlen(row->cause) - cause;
	if (over > 0 && event - over >= (int)strlen(row->event))
		event -= over;
	n += snprintf(line + n, sizeof(line) - n, "%-*s", event, row->event);
	if (*row->cause)
		n += snprintf(line + n, sizeof(line) - n, " %-*s", cause,
			      row->cause);
	if (n + detail <= (int)t->opt.width) {
		snprintf(line + n, sizeof(line) - n, " %s", row->detail);
		detail = 0;
	}
	print_broken(t, row, line);
	if (detail) {
		snprintf(line, sizeof(line), "%*s%s", t->time_width + 18, "",
			 row->detail);
		print_broken(t, row, line);
	}
}

static void print_all(const struct text *t, const struct row *row,
		      const struct event *e)
{
	char line[LINE];

	snprintf(line, sizeof(line),
		 "%*s %-5s %-20s %-21s %-21s %-10u %-*s %-12s %s",
		 t->time_width, row->time, row->sock, row->owner, row->local,
		 row->remote, e->netns, EVENT_WIDTH, row->event,
		 *row->cause ? row->cause : "-", row->detail);
	paint(t, row, line);
}

/*
 * Before the first line of a flow, and when it gets another owner:
 * "+ #4 nc[812] 10.8.0.1:2000 > 10.8.0.2:2001, pair #5"
 */
static void introduce(struct text *t, struct flow *flow, const struct row *row)
{
	const struct flow *pair = flow->pair;
	const struct row plain = {};
	char line[LINE];
	int n;

	flow->introduced = true;
	flow->introduced_pid = flow->last.pid;
	t->lines++;
	n = snprintf(line, sizeof(line), "%*s %s %s %s", t->time_width + 2, "+",
		     row->sock, row->owner, row->local);
	if (flow->role != FLOW_LISTENER)
		n += snprintf(line + n, sizeof(line) - n, " %c %s",
			      row_direction(flow), row->remote);
	if (pair && pair->id && !flow->pair_introduced) {
		snprintf(line + n, sizeof(line) - n, ", pair #%u", pair->id);
		flow->pair_introduced = true;
		flow->pair->pair_introduced = true;
	}
	print_broken(t, &plain, line);
}

/* A paragraph, every line of it indented: behind the time, in a pipe as well. */
static void print_paragraph(const struct text *t, const char *head,
			    const char *s)
{
	unsigned int indent = t->time_width + 1;

	fprintf(t->opt.file, "%*s%s", (int)indent, "", head);
	indent += strlen(head);
	width_print(t->opt.file, s, t->opt.terminal ? t->opt.width : PIPE_WIDTH,
		    indent, indent);
}

static void print_explanation(struct text *t, const struct event *e)
{
	struct explanation x;
	char text[sizeof(x.text) + 48];

	explain(t->schema, e, &x);
	if (!*x.text)
		return;
	snprintf(text, sizeof(text), "%s%s%s%s", x.text, x.rfc ? " [" : "",
		 x.rfc ?: "", x.rfc ? "]" : "");
	print_paragraph(t, "", text);
	if (x.look)
		print_paragraph(t, "look: ", x.look);
}

/* One line for the events of a second that got none of their own. */
static void print_sum(struct text *t)
{
	if (!t->summed)
		return;
	fprintf(t->opt.file,
		"%*s %llu more events in this second (--all shows them)\n",
		t->time_width + 2, "...", (unsigned long long)t->summed);
	t->summed = 0;
}

/* Is this one too many for a person to read? Then it goes into a sum. */
static bool flooded(struct text *t, const struct event *e)
{
	nsec_t second = e->ts_ns / NSEC_PER_SEC;

	if (!t->opt.terminal || t->opt.all)
		return false;
	if (second != t->second) {
		print_sum(t);
		t->lines = 0;
		t->second = second;
	}
	if (t->lines++ < FLOOD)
		return false;
	t->summed++;
	return true;
}

static void print_row(struct text *t, struct row *row, const struct event *e)
{
	row_time(t, e, row);
	if (t->opt.terminal)
		print_fitted(t, row);
	else
		print_all(t, row, e);
	if (t->opt.explain)
		print_explanation(t, e);
	t->last = e->ts_ns;
}

static void print_kept(struct text *t)
{
	if (t->kept.e.ev.type)
		print_row(t, &t->kept.row, &t->kept.e.ev);
	t->kept.e.ev.type = 0;
}

/* Is it the end of the call that is kept? */
static bool ends_kept(const struct text *t, const struct event *e)
{
	const struct event_call *c = (const void *)e;

	return e->type == EVENT_call && c->phase == CALL_PHASE_exit &&
	       t->kept.e.ev.type == EVENT_call &&
	       c->call == t->kept.e.call.call;
}

/* Does it tell of the queues of the listener whose change of state is kept? */
static bool joins_kept(const struct text *t, const struct event *e)
{
	const struct event_queue *q = (const void *)e;

	return e->type == EVENT_queue && t->kept.e.ev.type == EVENT_state &&
	       e->cookie == t->kept.e.ev.cookie &&
	       (q->op == QUEUE_listen || q->op == QUEUE_unlisten);
}

/* A call that may return at once, or a listener that comes or goes. */
static bool is_kept(const struct event *e)
{
	const struct event_state *s = (const void *)e;
	const struct event_call *c = (const void *)e;

	if (e->type == EVENT_call)
		return c->phase == CALL_PHASE_enter;
	return e->type == EVENT_state &&
	       (s->new == TCB_STATE_LISTEN ||
		(s->old == TCB_STATE_LISTEN && s->new == TCB_STATE_CLOSE));
}

/*
 * A call that has begun gets a line of its own only if something else comes
 * before its end, and a listener that comes or goes has one line for its state
 * and its queues. Is it kept for that, or is all said?
 */
static bool keep(struct text *t, const struct event *e, struct row *row)
{
	const struct event_call *c = (const void *)e;
	bool joins = joins_kept(t, e);

	if (joins)
		row_add(&t->kept.row, "%s", row->detail);
	if (ends_kept(t, e))
		t->kept.e.ev.type = 0;
	else if (e->type == EVENT_call && c->phase == CALL_PHASE_exit)
		row_call_goes_on(row);
	print_kept(t);
	if (joins || !is_kept(e))
		return joins;
	memcpy(&t->kept.e, e, t->schema->types[e->type].size);
	t->kept.row = *row;
	return true;
}

/* Calls of others than its owner do not introduce a socket anew. */
static bool has_new_owner(const struct event *e, const struct flow *flow)
{
	return flow->introduced_pid != e->pid && e->type != EVENT_call;
}

static int text_event(struct output *o, const struct event *e,
		      struct flow *flow, bool *shown)
{
	struct text *t = (struct text *)o;
	struct row row = {};

	if (flooded(t, e)) {
		*shown = false;
		return 0;
	}
	row_socket(e, flow, &row);
	row_event(t->schema, e, !t->opt.terminal || t->opt.width >= WIDE, &row);
	if (t->opt.terminal && flow &&
	    (!flow->introduced || has_new_owner(e, flow))) {
		if (!ends_kept(t, e))
			print_kept(t);
		introduce(t, flow, &row);
	}
	if (flow && flow->pair && flow->pair->id && !flow->pair_introduced) {
		row_add(&row, "pair #%u", flow->pair->id);
		flow->pair_introduced = true;
	}
	if (!keep(t, e, &row))
		print_row(t, &row, e);
	return ferror(t->opt.file) ? -errno : 0;
}

static int text_header(struct output *o, const struct trace_info *info)
{
	static const struct row names = {
		.time = "TIME",
		.sock = "SOCK",
		.ports = "PORTS",
		.owner = "OWNER",
		.local = "LOCAL",
		.remote = "REMOTE",
		.event = "EVENT",
		.cause = "CAUSE",
		.detail = "DETAIL",
	};
	struct text *t = (struct text *)o;

	t->start = info->start_ns;
	t->wall_offset = info->wall_offset_ns;
	if (t->opt.terminal)
		print_fitted(t, &names);
	else
		fprintf(t->opt.file,
			"%*s %-5s %-20s %-21s %-21s %-10s %-*s %-12s %s\n",
			t->time_width, "TIME", "SOCK", "OWNER", "LOCAL",
			"REMOTE", "NETNS", EVENT_WIDTH, "EVENT", "CAUSE",
			"DETAIL");
	return fflush(t->opt.file) ? -errno : 0;
}

static int text_flush(struct output *o, nsec_t now_ns)
{
	struct text *t = (struct text *)o;

	if (now_ns - t->kept.e.ev.ts_ns > KEPT_NS)
		print_kept(t);
	if (now_ns / NSEC_PER_SEC > t->second + 1)
		print_sum(t);
	return fflush(t->opt.file) ? -errno : 0;
}

/* The closing counters go to stderr: they are the verb's to say. */
static int text_footer(struct output *o, const struct account *account)
{
	(void)account;
	return text_flush(o, ~0ull);
}

static void text_free(struct output *o)
{
	free(o);
}

static const struct output_ops text_ops = {
	.header = text_header,
	.event = text_event,
	.flush = text_flush,
	.footer = text_footer,
	.free = text_free,
};

struct output *output_text_new(const struct schema *schema,
			       const struct output_text_options *options)
{
	struct text *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->output.ops = &text_ops;
	t->schema = schema;
	t->opt = *options;
	t->time_width = !t->opt.terminal	 ? 15 :
			t->opt.time == TIME_WALL ? 15 :
						   9;
	return &t->output;
}
