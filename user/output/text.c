// SPDX-License-Identifier: GPL-2.0
/*
 * Text for people: one line an event, fitted to the terminal, flows introduced
 * by a "+" line; into a pipe every column and nothing else. Control bytes from
 * outside never reach the terminal.
 */
#include "lib/clock.h"
#include "lib/say.h"
#include "output/output.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WIDE 132       /* columns from which owner and addresses fit */
#define FLOOD 1000     /* lines a second that a terminal is given */
#define EVENT_WIDTH 25 /* "ESTABLISHED -> CLOSE_WAIT" */
#define CAUSE_WIDTH 10 /* "rx SYN+ACK" */
#define NAME_LEN 80    /* "comm[pid]", escaped */
#define LINE 1024      /* bytes that hold the cells of any row */
#define END_LEN (SCHEMA_ADDR_LEN + 8) /* "[addr]:port" */

struct text {
	struct output output;
	const struct schema *schema;
	struct output_text_options opt;
	nsec_t start, last;
	int time_width;
	__s64 wall_offset;
	nsec_t second; /* the one that lines are counted in */
	unsigned int lines;
	uint64_t summed; /* events of this second that got no line */
};

/* A line, cell by cell. */
struct row {
	char time[24], sock[16], ports[16], owner[NAME_LEN];
	char local[END_LEN], remote[END_LEN], event[64], cause[40];
	char detail[256];
	const char *colour;
};

/* How the kinds are called in a line; others are shown as in the schema. */
static const char *const kind_words[] = {
	[KIND_full] = "simultaneous open (full)",
	[KIND_half] = "simultaneous open (half)",
	[KIND_unknown] = "simultaneous open (unknown)",
	[KIND_self] = "self-connect",
	[KIND_linger] = "SO_LINGER 0",
};

/* The same for kinds of retransmissions. */
static const char *const retransmit_words[] = {
	[RETRANSMIT_slow_start] = "slow start",
	[RETRANSMIT_SYN_ACK] = "SYN-ACK",
	[RETRANSMIT_window_probe] = "window probe",
};

#define WORDS(table, value) \
	((value) < sizeof(table) / sizeof(*(table)) ? (table)[value] : NULL)

__attribute__((format(printf, 3, 4))) static void append(char *to, size_t size,
							 const char *fmt, ...)
{
	size_t n = strlen(to);
	va_list args;

	if (n && n + 1 < size)
		to[n++] = ' ';
	va_start(args, fmt);
	vsnprintf(to + n, size - n, fmt, args);
	va_end(args);
}

#define DETAIL(row, ...) \
	append((row)->detail, sizeof((row)->detail), __VA_ARGS__)

static void copy_lower(char *to, size_t size, const char *from, char dash)
{
	size_t i;

	for (i = 0; from[i] && i + 1 < size; i++)
		to[i] = from[i] == '_' ? dash : tolower((unsigned char)from[i]);
	to[i] = '\0';
}

/*
 * CALL_CONNECT: connect() RX_SYN_ACK: rx SYN+ACK TIMER_PERSIST: persist timer
 * RACK: RACK
 */
static void cause_words(char *to, size_t size, const char *name)
{
	char word[24];
	size_t i;

	if (!strncmp(name, "CALL_", 5)) {
		copy_lower(word, sizeof(word), name + 5, '_');
		snprintf(to, size, "%s()", word);
	} else if (!strncmp(name, "TIMER_", 6)) {
		copy_lower(word, sizeof(word), name + 6, '_');
		snprintf(to, size, "%s timer", word);
	} else if (!strncmp(name, "RX_", 3)) {
		snprintf(to, size, "rx %s", name + 3);
		for (i = 3; to[i]; i++)
			if (to[i] == '_')
				to[i] = '+';
	} else if (strstr(name, "ACK")) {
		snprintf(to, size, "%s", name);
	} else {
		copy_lower(to, size, name, ' ');
	}
}

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

static void end_words(char to[END_LEN], enum family family, const addr_t *addr,
		      port_t port)
{
	char text[SCHEMA_ADDR_LEN];
	bool v6 = family == FAMILY_INET6;

	schema_addr(family, addr, text);
	if (port)
		snprintf(to, END_LEN, v6 ? "[%s]:%u" : "%s:%u", text, port);
	else
		snprintf(to, END_LEN, v6 ? "[%s]:*" : "%s:*", text);
}

static char direction(const struct flow *flow)
{
	switch (flow ? flow->role : FLOW_UNKNOWN) {
	case FLOW_ACTIVE:
		return '>';
	case FLOW_PASSIVE:
		return '<';
	default:
		return '-';
	}
}

static void row_socket(const struct event *e, const struct flow *flow,
		       struct row *row)
{
	bool listener = flow && flow->role == FLOW_LISTENER;
	char comm[sizeof(e->comm) * 4 + 1];

	if (flow)
		snprintf(row->sock, sizeof(row->sock), "%c%u",
			 listener ? 'L' : '#', flow->id);
	else
		strcpy(row->sock, "-");
	if (e->rport)
		snprintf(row->ports, sizeof(row->ports), "%u%c%u", e->lport,
			 direction(flow), e->rport);
	else
		snprintf(row->ports, sizeof(row->ports), "%u", e->lport);
	end_words(row->local, e->family, &e->laddr, e->lport);
	end_words(row->remote, e->family, &e->raddr, e->rport);
	if (!e->pid) {
		strcpy(row->owner, "?");
		return;
	}
	say_escape(comm, sizeof(comm), e->comm,
		   strnlen(e->comm, sizeof(e->comm)));
	snprintf(row->owner, sizeof(row->owner), "%s%s[%u]",
		 e->owner_how == HOW_derived ? "~" : "", comm, e->pid);
}

/* Colour by what the socket can do now; the words say it as well. */
static const char *state_colour(const struct event_state *s)
{
	switch (s->new) {
	case TCB_STATE_ESTABLISHED:
		return "32"; /* green */
	case TCB_STATE_SYN_SENT:
	case TCB_STATE_SYN_RECV:
		return "33"; /* yellow */
	case TCB_STATE_LISTEN:
		return "34"; /* blue */
	case TCB_STATE_CLOSE:
		return s->err || s->cause == CAUSE_RX_RST ? "31" : "2";
	default:
		return "36"; /* cyan: on the way out */
	}
}

static void row_cause(const struct text *t, struct row *row, enum cause cause,
		      enum how how)
{
	char words[32];

	if (!cause)
		return;
	cause_words(words, sizeof(words),
		    schema_name(t->schema, EVENT_state, "cause", cause));
	snprintf(row->cause, sizeof(row->cause), "%s%s",
		 how == HOW_derived ? "~" : "", words);
}

/* "rtt 12.3ms", "rto 204ms", "rtt 87us"; nothing if it is not known. */
static void detail_usec(struct row *row, const char *what, usec_t us)
{
	if (us >= 1000 && us % 1000 >= 100)
		DETAIL(row, "%s %u.%ums", what, us / 1000, us % 1000 / 100);
	else if (us >= 1000)
		DETAIL(row, "%s %ums", what, us / 1000);
	else if (us)
		DETAIL(row, "%s %uus", what, us);
}

static void detail_kind(const struct text *t, struct row *row, enum kind kind,
			enum how how)
{
	char words[64];

	if (!kind)
		return;
	copy_lower(words, sizeof(words),
		   schema_name(t->schema, EVENT_state, "kind", kind), ' ');
	DETAIL(row, "%s%s", how == HOW_derived ? "~" : "",
	       WORDS(kind_words, kind) ?: words);
}

static void row_state(const struct text *t, const struct event_state *s,
		      struct row *row)
{
	const struct schema *schema = t->schema;

	snprintf(row->event, sizeof(row->event), "%s -> %s%s",
		 schema_name(schema, EVENT_state, "old", s->old),
		 s->ev.how == HOW_derived ? "~" : "",
		 schema_name(schema, EVENT_state, "new", s->new));
	row_cause(t, row, s->cause, s->cause_how);
	detail_kind(t, row, s->kind, s->kind_how);
	if (s->tw_substate && s->tw_substate != TCB_STATE_TIME_WAIT)
		DETAIL(row, "as %s",
		       schema_name(schema, EVENT_state, "tw_substate",
				   s->tw_substate));
	if (s->err)
		DETAIL(row, "%s", strerrorname_np(s->err) ?: "error");
	if (s->gap_from)
		DETAIL(row, "gap: last seen in %s",
		       schema_name(schema, EVENT_state, "gap_from",
				   s->gap_from));
	row->colour = state_colour(s);
}

static void row_window(const struct text *t, const struct event_window *e,
		       struct row *row)
{
	const struct window *w = &e->w;
	char name[sizeof(w->ca_name) * 4 + 1];

	if (e->old_cwnd && e->old_cwnd != w->cwnd)
		snprintf(row->event, sizeof(row->event), "cwnd %u -> %u",
			 e->old_cwnd, w->cwnd);
	else
		snprintf(row->event, sizeof(row->event), "cwnd %u", w->cwnd);
	snprintf(row->cause, sizeof(row->cause), "%s",
		 schema_name(t->schema, EVENT_window, "ca_state", w->ca_state));
	if (w->ca_state != e->old_ca_state)
		DETAIL(row, "was %s",
		       schema_name(t->schema, EVENT_window, "ca_state",
				   e->old_ca_state));
	if (w->ssthresh != 0x7fffffff)
		DETAIL(row, "ssthresh %u", w->ssthresh);
	if (e->undone != NOT_UNDONE)
		DETAIL(row, "loss undone, %u retransmitted in vain", e->undone);
	detail_usec(row, "rtt", w->srtt_us);
	if (!t->opt.terminal || t->opt.width >= WIDE) {
		say_escape(name, sizeof(name), w->ca_name,
			   strnlen(w->ca_name, sizeof(w->ca_name)));
		DETAIL(row, "in flight %u retrans %u %s", w->in_flight,
		       w->retrans, name);
	}
	row->colour = w->cwnd < e->old_cwnd ? "35" : "2";
}

static const char *ordinal(unsigned int n)
{
	static const char *const ends[] = { "th", "st", "nd", "rd" };

	return n % 10 < 4 && n % 100 / 10 != 1 ? ends[n % 10] : ends[0];
}

/* RETRANS RTO +1:1449   retransmit timer   1st, rto 204ms */
static void row_retransmit(const struct text *t,
			   const struct event_retransmit *r, struct row *row)
{
	snprintf(row->event, sizeof(row->event), "RETRANS %s%s",
		 r->kind_how == HOW_derived ? "~" : "",
		 WORDS(retransmit_words, r->kind) ?:
			 schema_name(t->schema, EVENT_retransmit, "kind",
				     r->kind));
	if (r->kind != RETRANSMIT_SYN && r->kind != RETRANSMIT_SYN_ACK)
		append(row->event, sizeof(row->event), "+%u:%u", r->start,
		       r->end);
	row_cause(t, row, r->cause, r->cause_how);
	if (r->nth)
		DETAIL(row, "%u%s%s", r->nth, ordinal(r->nth),
		       r->rto_us ? "," : "");
	detail_usec(row, "rto", r->rto_us);
	if (r->segs > 1)
		DETAIL(row, "%u segments", r->segs);
	row->colour = "35";
}

/* A time as a person says it: 4ms, 12.3s, 5m, 3h, 2d. */
static void span_words(char *to, size_t size, nsec_t ns)
{
	unsigned long long s = ns / NSEC_PER_SEC;

	if (ns < NSEC_PER_SEC)
		snprintf(to, size, "%llums", ns / 1000000);
	else if (s < 120)
		snprintf(to, size, "%llu.%llus", s, ns / 100000000 % 10);
	else if (s < 7200)
		snprintf(to, size, "%llum", s / 60);
	else if (s < 172800)
		snprintf(to, size, "%lluh", s / 3600);
	else
		snprintf(to, size, "%llud", s / 86400);
}

static void row_existing(const struct text *t, const struct event_socket *e,
			 struct row *row)
{
	char span[24];

	snprintf(row->event, sizeof(row->event), "in %s",
		 schema_name(t->schema, EVENT_socket, "state", e->state));
	strcpy(row->cause, "existing");
	if (e->tw_substate && e->tw_substate != e->state)
		DETAIL(row, "as %s",
		       schema_name(t->schema, EVENT_socket, "tw_substate",
				   e->tw_substate));
	if (e->age_ns != ~0ull) {
		span_words(span, sizeof(span), e->age_ns);
		DETAIL(row, "~for %s", span);
	}
	if (e->limit != ~0u)
		DETAIL(row, "syn %u accept %u/%u", e->syn, e->accept, e->limit);
	if (e->unread != ~0u && e->unread)
		DETAIL(row, "unread %u", e->unread);
	if (e->unacked != ~0u && e->unacked)
		DETAIL(row, "unacked %u", e->unacked);
	if (e->w.cwnd)
		DETAIL(row, "cwnd %u", e->w.cwnd);
	if (e->timer)
		DETAIL(row, "%s timer",
		       schema_name(t->schema, EVENT_socket, "timer", e->timer));
	row->colour = "2";
}

static void reason_words(char *to, size_t size, const struct reason *why)
{
	say_escape(to, size, why->reason, strnlen(why->reason, REASON_LEN));
}

/* RST sent   close()   unread data 5 unread in ESTABLISHED TCP_ABORT_ON_CLOSE */
static void row_reset(const struct text *t, const struct event_reset *r,
		      struct row *row)
{
	char reason[REASON_LEN * 4 + 1];

	snprintf(row->event, sizeof(row->event), "RST %s",
		 schema_name(t->schema, EVENT_reset, "direction",
			     r->direction));
	row_cause(t, row, r->cause, r->cause_how);
	detail_kind(t, row, r->kind, r->kind_how);
	if (r->unread)
		DETAIL(row, "%u unread", r->unread);
	if (r->state)
		DETAIL(row, "in %s",
		       schema_name(t->schema, EVENT_reset, "state", r->state));
	else
		DETAIL(row, "no socket");
	reason_words(reason, sizeof(reason), &r->why);
	if (*reason)
		DETAIL(row, "%s", reason);
	row->colour = "31";
}

/* DROP received PSH+ACK   TCP_CSUM   100 bytes in ESTABLISHED */
static void row_drop(const struct text *t, const struct event_drop *d,
		     struct row *row)
{
	static const char *const flags[] = { "FIN", "SYN", "RST", "PSH",
					     "ACK" };
	char reason[REASON_LEN * 4 + 1], words[24] = "";
	unsigned int i;

	for (i = 0; i < sizeof(flags) / sizeof(*flags); i++)
		if (d->flags & 1u << i)
			snprintf(words + strlen(words),
				 sizeof(words) - strlen(words), "%s%s",
				 *words ? "+" : "", flags[i]);
	snprintf(row->event, sizeof(row->event), "DROP %s %s",
		 schema_name(t->schema, EVENT_drop, "direction", d->direction),
		 words);
	reason_words(reason, sizeof(reason), &d->why);
	snprintf(row->cause, sizeof(row->cause), "%.*s",
		 (int)sizeof(row->cause) - 1, reason);
	if (d->len)
		DETAIL(row, "%u bytes", d->len);
	if (d->state)
		DETAIL(row, "in %s",
		       schema_name(t->schema, EVENT_drop, "state", d->state));
	row->colour = "31";
}

/* A type that nothing here knows: its name and all that it says. */
static void row_any(const struct text *t, const struct event *e,
		    struct row *row)
{
	const struct schema_type *type = &t->schema->types[e->type];
	unsigned int i;
	uint64_t value;

	snprintf(row->event, sizeof(row->event), "%s", type->name);
	for (i = type->common; i < type->n; i++) {
		const struct schema_field *f = &type->fields[i];

		if (!schema_value(f, e, &value))
			continue;
		if (f->kind == SCHEMA_ENUM)
			DETAIL(row, "%s %s", f->name,
			       schema_enum_name(f->values, value));
		else
			DETAIL(row, "%s %llu", f->name,
			       (unsigned long long)value);
	}
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
	int event = EVENT_WIDTH, over, n;
	char line[LINE];

	n = print_left(t, row, line, sizeof(line));
	over = n + event + 1 + CAUSE_WIDTH + detail - (int)t->opt.width;
	if ((int)strlen(row->cause) > CAUSE_WIDTH)
		over += strlen(row->cause) - CAUSE_WIDTH;
	if (over > 0 && event - over >= (int)strlen(row->event))
		event -= over;
	n += snprintf(line + n, sizeof(line) - n, "%-*s %-*s", event,
		      row->event, CAUSE_WIDTH, row->cause);
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
			      direction(flow), row->remote);
	if (pair && pair->id && !flow->pair_introduced) {
		snprintf(line + n, sizeof(line) - n, ", pair #%u", pair->id);
		flow->pair_introduced = true;
		flow->pair->pair_introduced = true;
	}
	print_broken(t, &plain, line);
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

static int text_event(struct output *o, const struct event *e,
		      struct flow *flow, bool *shown)
{
	struct text *t = (struct text *)o;
	struct row row = {};

	if (flooded(t, e)) {
		*shown = false;
		return 0;
	}
	row_time(t, e, &row);
	row_socket(e, flow, &row);
	if (e->type == EVENT_state)
		row_state(t, (const struct event_state *)e, &row);
	else if (e->type == EVENT_window)
		row_window(t, (const struct event_window *)e, &row);
	else if (e->type == EVENT_retransmit)
		row_retransmit(t, (const struct event_retransmit *)e, &row);
	else if (e->type == EVENT_socket)
		row_existing(t, (const struct event_socket *)e, &row);
	else if (e->type == EVENT_reset)
		row_reset(t, (const struct event_reset *)e, &row);
	else if (e->type == EVENT_drop)
		row_drop(t, (const struct event_drop *)e, &row);
	else
		row_any(t, e, &row);
	if (e->late)
		DETAIL(&row, "late");
	if (e->how == HOW_recovered)
		DETAIL(&row, "recovered");
	if (t->opt.terminal && flow &&
	    (!flow->introduced || flow->introduced_pid != e->pid))
		introduce(t, flow, &row);
	if (flow && flow->pair && flow->pair->id && !flow->pair_introduced) {
		DETAIL(&row, "pair #%u", flow->pair->id);
		flow->pair_introduced = true;
	}
	if (t->opt.terminal)
		print_fitted(t, &row);
	else
		print_all(t, &row, e);
	t->last = e->ts_ns;
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
