// SPDX-License-Identifier: GPL-2.0
/*
 * What a line of text says of an event, cell by cell, in words. Control bytes
 * from outside are escaped here.
 */
#include "output/row.h"
#include "lib/say.h"
#include "output/row_call.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

void row_add(struct row *row, const char *fmt, ...)
{
	size_t n = strlen(row->detail);
	va_list args;

	if (n && n + 1 < sizeof(row->detail))
		row->detail[n++] = ' ';
	va_start(args, fmt);
	vsnprintf(row->detail + n, sizeof(row->detail) - n, fmt, args);
	va_end(args);
}

#define DETAIL(row, ...) row_add(row, __VA_ARGS__)

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

char row_direction(const struct flow *flow)
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

void row_socket(const struct event *e, const struct flow *flow, struct row *row)
{
	bool listener = flow && flow->role == FLOW_LISTENER;

	if (flow)
		snprintf(row->sock, sizeof(row->sock), "%c%u",
			 listener ? 'L' : '#', flow->id);
	else
		strcpy(row->sock, "-");
	if (e->rport && !e->lport) /* a call that is going to choose one */
		snprintf(row->ports, sizeof(row->ports), ">%u", e->rport);
	else if (e->rport)
		snprintf(row->ports, sizeof(row->ports), "%u%c%u", e->lport,
			 row_direction(flow), e->rport);
	else if (e->lport)
		snprintf(row->ports, sizeof(row->ports), "%u", e->lport);
	else
		strcpy(row->ports, "-");
	cell_end(e->family, &e->laddr, e->lport, row->local);
	cell_end(e->family, &e->raddr, e->rport, row->remote);
	cell_owner(e, row->owner);
	if (!*row->owner)
		strcpy(row->owner, "?");
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

void row_cause(const struct schema *schema, enum cause cause, enum how how,
	       char to[ROW_WORDS])
{
	char words[ROW_WORDS - 1];

	*to = '\0';
	if (!cause)
		return;
	cause_words(words, sizeof(words),
		    schema_name(schema, EVENT_state, "cause", cause));
	snprintf(to, ROW_WORDS, "%s%s", how == HOW_derived ? "~" : "", words);
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

void row_kind(const struct schema *schema, enum kind kind, enum how how,
	      char to[ROW_WORDS])
{
	char words[ROW_WORDS - 1];

	*to = '\0';
	if (!kind)
		return;
	copy_lower(words, sizeof(words),
		   schema_name(schema, EVENT_state, "kind", kind), ' ');
	snprintf(to, ROW_WORDS, "%s%s", how == HOW_derived ? "~" : "",
		 WORDS(kind_words, kind) ?: words);
}

static void detail_kind(const struct schema *schema, struct row *row,
			enum kind kind, enum how how)
{
	char words[ROW_WORDS];

	row_kind(schema, kind, how, words);
	if (*words)
		DETAIL(row, "%s", words);
}

static void row_state(const struct schema *schema, const struct event_state *s,
		      struct row *row)
{
	snprintf(row->event, sizeof(row->event), "%s -> %s%s",
		 schema_name(schema, EVENT_state, "old", s->old),
		 s->ev.how == HOW_derived ? "~" : "",
		 schema_name(schema, EVENT_state, "new", s->new));
	row_cause(schema, s->cause, s->cause_how, row->cause);
	detail_kind(schema, row, s->kind, s->kind_how);
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

static void row_window(const struct schema *schema,
		       const struct event_window *e, bool wide, struct row *row)
{
	const struct window *w = &e->w;
	char name[sizeof(w->ca_name) * 4 + 1];

	if (e->old_cwnd && e->old_cwnd != w->cwnd)
		snprintf(row->event, sizeof(row->event), "cwnd %u -> %u",
			 e->old_cwnd, w->cwnd);
	else
		snprintf(row->event, sizeof(row->event), "cwnd %u", w->cwnd);
	snprintf(row->cause, sizeof(row->cause), "%s",
		 schema_name(schema, EVENT_window, "ca_state", w->ca_state));
	if (w->ca_state != e->old_ca_state)
		DETAIL(row, "was %s",
		       schema_name(schema, EVENT_window, "ca_state",
				   e->old_ca_state));
	if (w->ssthresh != 0x7fffffff)
		DETAIL(row, "ssthresh %u", w->ssthresh);
	if (e->undone != NOT_UNDONE)
		DETAIL(row, "loss undone, %u retransmitted in vain", e->undone);
	detail_usec(row, "rtt", w->srtt_us);
	if (wide) {
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
static void row_retransmit(const struct schema *schema,
			   const struct event_retransmit *r, struct row *row)
{
	char range[32] = "";

	if (r->kind != RETRANSMIT_SYN && r->kind != RETRANSMIT_SYN_ACK)
		snprintf(range, sizeof(range), " +%u:%u", r->start, r->end);
	snprintf(row->event, sizeof(row->event), "RETRANS %s%s%s",
		 r->kind_how == HOW_derived ? "~" : "",
		 WORDS(retransmit_words, r->kind) ?:
			 schema_name(schema, EVENT_retransmit, "kind", r->kind),
		 range);
	row_cause(schema, r->cause, r->cause_how, row->cause);
	if (r->nth)
		DETAIL(row, "%u%s%s", r->nth, ordinal(r->nth),
		       r->rto_us ? "," : "");
	detail_usec(row, "rto", r->rto_us);
	if (r->segs > 1)
		DETAIL(row, "%u segments", r->segs);
	row->colour = "35";
}

static void row_existing(const struct schema *schema,
			 const struct event_socket *e, struct row *row)
{
	char span[CELL_TEXT];

	snprintf(row->event, sizeof(row->event), "in %s",
		 schema_name(schema, EVENT_socket, "state", e->state));
	strcpy(row->cause, "existing");
	if (e->tw_substate && e->tw_substate != e->state)
		DETAIL(row, "as %s",
		       schema_name(schema, EVENT_socket, "tw_substate",
				   e->tw_substate));
	if (e->age_ns != ~0ull) {
		cell_span(e->age_ns, false, span);
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
		       schema_name(schema, EVENT_socket, "timer", e->timer));
	row->colour = "2";
}

static void reason_words(char *to, size_t size, const struct reason *why)
{
	say_escape(to, size, why->reason, strnlen(why->reason, REASON_LEN));
}

/* RST sent   close()   unread data 5 unread in ESTABLISHED TCP_ABORT_ON_CLOSE */
static void row_reset(const struct schema *schema, const struct event_reset *r,
		      struct row *row)
{
	char reason[REASON_LEN * 4 + 1];

	snprintf(row->event, sizeof(row->event), "RST %s",
		 schema_name(schema, EVENT_reset, "direction", r->direction));
	row_cause(schema, r->cause, r->cause_how, row->cause);
	detail_kind(schema, row, r->kind, r->kind_how);
	if (r->unread)
		DETAIL(row, "%u unread", r->unread);
	if (r->state)
		DETAIL(row, "in %s",
		       schema_name(schema, EVENT_reset, "state", r->state));
	else
		DETAIL(row, "no socket");
	reason_words(reason, sizeof(reason), &r->why);
	if (*reason)
		DETAIL(row, "%s", reason);
	row->colour = "31";
}

void row_flags(const struct schema *schema, unsigned int flags,
	       char to[ROW_WORDS])
{
	char text[SCHEMA_BITS_LEN];

	snprintf(to, ROW_WORDS, "%.*s", ROW_WORDS - 1,
		 schema_bits(schema, EVENT_segment, "flags", flags, "+", text));
}

/* DROP received PSH+ACK   TCP_CSUM   100 bytes in ESTABLISHED */
static void row_drop(const struct schema *schema, const struct event_drop *d,
		     struct row *row)
{
	char reason[REASON_LEN * 4 + 1], words[ROW_WORDS];

	row_flags(schema, d->flags, words);
	snprintf(row->event, sizeof(row->event), "DROP %s %s",
		 schema_name(schema, EVENT_drop, "direction", d->direction),
		 words);
	reason_words(reason, sizeof(reason), &d->why);
	snprintf(row->cause, sizeof(row->cause), "%.*s",
		 (int)sizeof(row->cause) - 1, reason);
	if (d->len)
		DETAIL(row, "%u bytes", d->len);
	if (d->state)
		DETAIL(row, "in %s",
		       schema_name(schema, EVENT_drop, "state", d->state));
	row->colour = "31";
}

/* "3/128", "?/128" */
static void detail_depth(struct row *row, const char *what, __u32 n,
			 const struct event_queue *q)
{
	if (n != ~0u)
		DETAIL(row, "%s%s %u/%u",
		       q->depth_how == HOW_derived ? "~" : "", what, n,
		       q->limit);
}

/* "accept queue full", of the schema's accept_queue_full; "" if there is none. */
static void rule_words(const struct schema *schema, char *to, size_t size,
		       const struct event_queue *q)
{
	char *at;

	*to = '\0';
	if (!q->rule)
		return;
	snprintf(to, size, "%s",
		 schema_name(schema, EVENT_queue, "rule", q->rule));
	for (at = to; *at; at++)
		if (*at == '_')
			*at = ' ';
}

/*
 * ACCEPT QUEUE out      accept()  syn 3/128 accept 17/128 waited 1.2ms
 * DROP SYN              rx SYN    accept queue full accept 129/128
 */
static void row_queue(const struct schema *schema, const struct event_queue *q,
		      struct row *row)
{
	static const char *const words[][2] = {
		[QUEUE_listen] = { "listens", "listen()" },
		[QUEUE_SYN_ACK_resent] = { "SYN QUEUE waits",
					   "SYN-ACK resent" },
		[QUEUE_completed] = { "ACCEPT QUEUE in", "rx ACK" },
		[QUEUE_fast_opened] = { "ACCEPT QUEUE in", "rx SYN" },
		[QUEUE_accepted] = { "ACCEPT QUEUE out", "accept()" },
		[QUEUE_unlisten] = { "listens no more", "close()" },
		[QUEUE_SYN_queued] = { "SYN QUEUE in", "rx SYN" },
		[QUEUE_expired] = { "SYN QUEUE expired", "no answer" },
		[QUEUE_reset] = { "SYN QUEUE reset", "RST" },
		[QUEUE_SYN_dropped] = { "DROP SYN", "rx SYN" },
		[QUEUE_cookie_sent] = { "COOKIE sent", "rx SYN" },
		[QUEUE_cookie_accepted] = { "COOKIE accepted", "rx ACK" },
		[QUEUE_accept_overflow] = { "DROP last ACK", "rx ACK" },
		[QUEUE_looked] = { "DROPS", "sampled" },
	};
	const char *mark = q->ev.how == HOW_derived ? "~" : "";
	char span[CELL_TEXT], rule[40];

	row->colour = q->op == QUEUE_SYN_dropped || q->op == QUEUE_looked ||
				      q->op == QUEUE_accept_overflow ?
			      "31" :
			      "34";
	if (q->op >= sizeof(words) / sizeof(*words) || !words[q->op][0])
		return;
	strcpy(row->event, words[q->op][0]);
	snprintf(row->cause, sizeof(row->cause), "%s%s", mark, words[q->op][1]);
	rule_words(schema, rule, sizeof(rule), q);
	if (*rule)
		DETAIL(row, "%s%s", q->rule_how == HOW_derived ? "~" : "",
		       rule);
	if (q->op == QUEUE_looked)
		DETAIL(row, "%u so far", q->drops);
	detail_depth(row, "syn", q->syn, q);
	detail_depth(row, "accept", q->accept, q);
	if (q->op == QUEUE_fast_opened)
		DETAIL(row, "Fast Open");
	if (q->op == QUEUE_listen && q->asked != q->limit && q->asked != ~0u)
		DETAIL(row, "asked for %u", q->asked);
	if (q->nth)
		DETAIL(row, "%u%s", q->nth, ordinal(q->nth));
	if (q->syn_wait_us)
		detail_usec(row, "handshake", q->syn_wait_us);
	if (q->wait_ns != ~0ull) {
		cell_span(q->wait_ns, q->wait_how == HOW_derived, span);
		DETAIL(row, "%s %s",
		       q->op == QUEUE_looked ? "first waits" : "waited", span);
	}
}

/* "seq 1", "seq 1:101"; nothing if it is not known. */
static void range_words(char *to, size_t size, const struct event_segment *s)
{
	*to = '\0';
	if (s->tcp_seq == SEGMENT_UNKNOWN)
		return;
	if (s->len)
		snprintf(to, size, " seq %u:%u", s->tcp_seq, s->end);
	else
		snprintf(to, size, " seq %u", s->tcp_seq);
}

static void detail_options(struct row *row, const struct event_segment *s)
{
	const __u32 *sack = &s->sack1_start;

	if (s->mss)
		DETAIL(row, "mss %u", s->mss);
	if (s->wscale != 0xff)
		DETAIL(row, "wscale %u", s->wscale);
	for (; sack <= &s->sack4_start && *sack != SEGMENT_UNKNOWN; sack += 2)
		DETAIL(row, "sack %u:%u", sack[0], sack[1]);
	if (s->malformed)
		DETAIL(row, "malformed options");
}

/* > SYN seq 0     win 64240 mss 1460 wscale 7 */
static void row_segment(const struct schema *schema,
			const struct event_segment *s, bool wide,
			struct row *row)
{
	char range[40], words[ROW_WORDS];

	row_flags(schema, s->flags, words);
	range_words(range, sizeof(range), s);
	snprintf(row->event, sizeof(row->event), "%s%c %s%s",
		 s->ev.how == HOW_derived ? "~" : "",
		 s->direction == DIRECTION_sent ? '>' : '<', words, range);
	if (s->retransmitted)
		strcpy(row->cause, "again");
	if (s->ack != SEGMENT_UNKNOWN)
		DETAIL(row, "ack %u", s->ack);
	if (s->window != SEGMENT_UNKNOWN)
		DETAIL(row, "win %u", s->window);
	if (s->segs > 1)
		DETAIL(row, "%u segments", s->segs);
	detail_options(row, s);
	if (wide && s->tsval)
		DETAIL(row, "ts %u:%u", s->tsval, s->tsecr);
	row->colour = s->flags & 4 ? "31" : "2";
}

/* A type that nothing here knows: its name and all that it says. */
static void row_any(const struct schema *schema, const struct event *e,
		    struct row *row)
{
	const struct schema_type *type = &schema->types[e->type];
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

void row_event(const struct schema *schema, const struct event *e, bool wide,
	       struct row *row)
{
	const void *any = e;

	switch (e->type) {
	case EVENT_state:
		row_state(schema, any, row);
		break;
	case EVENT_window:
		row_window(schema, any, wide, row);
		break;
	case EVENT_retransmit:
		row_retransmit(schema, any, row);
		break;
	case EVENT_socket:
		row_existing(schema, any, row);
		break;
	case EVENT_reset:
		row_reset(schema, any, row);
		break;
	case EVENT_drop:
		row_drop(schema, any, row);
		break;
	case EVENT_queue:
		row_queue(schema, any, row);
		break;
	case EVENT_call:
		row_call(schema, any, row);
		break;
	case EVENT_segment:
		row_segment(schema, any, wide, row);
		break;
	default:
		row_any(schema, e, row);
	}
	if (e->late)
		DETAIL(row, "late");
	if (e->how == HOW_recovered)
		DETAIL(row, "recovered");
}
