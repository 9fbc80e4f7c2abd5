// SPDX-License-Identifier: GPL-2.0
/* What is written in a ladder: beside its time lines, and on its arrows. */
#include "lib/clock.h"
#include "lib/say.h"
#include "lib/width.h"
#include "output/ladder.h"
#include "output/row.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) static void add(char to[LADDER_WORDS],
						      const char *fmt, ...)
{
	size_t n = strlen(to);
	va_list args;

	if (n && n + 1 < LADDER_WORDS)
		to[n++] = ' ';
	va_start(args, fmt);
	vsnprintf(to + n, LADDER_WORDS - n, fmt, args);
	va_end(args);
}

#define CALLS_BACK 64 /* so many steps back a call may be */

/* Has the call made the change? One without a number goes by its name. */
bool ladder_is_caller(const struct ladder *l, const struct event_call *c,
		      const struct event_state *s)
{
	const char *name = schema_name(l->schema, EVENT_state, "cause",
				       s->cause);

	if (s->cause_call)
		return s->cause_call == c->call;
	return !strncmp(name, "CALL_", 5) &&
	       !strcasecmp(name + 5,
			   schema_name(l->schema, EVENT_call, "op", c->op));
}

/* Is it what the end did last, before anything came? */
static bool told_by_call(const struct ladder *l, const struct step *s)
{
	const struct step *at = s;

	while (at-- > l->steps && s - at < CALLS_BACK) {
		if (at->end != s->end)
			continue;
		if (at->e->type == EVENT_call)
			return ladder_is_caller(l, (const void *)at->e,
						(const void *)s->e);
		if (at->kind == STEP_RECEIVED)
			return false;
	}
	return false;
}

/* What made it, unless that stands beside it, and what it is called. */
static void state_words(const struct ladder *l, const struct step *s,
			char to[LADDER_WORDS])
{
	const struct event_state *e = (const void *)s->e;
	char words[ROW_WORDS];

	row_cause(l->schema, e->cause, e->cause_how, words);
	if (*words && !s->shown_cause && !told_by_call(l, s))
		add(to, "%s", words);
	switch (e->kind) {
	case KIND_none:
	case KIND_full: /* the title says it */
	case KIND_half:
	case KIND_unknown:
	case KIND_simultaneous_close:
		break;
	default:
		row_kind(l->schema, e->kind, e->kind_how, words);
		add(to, "%s", words);
	}
	if (e->err)
		add(to, "%s", strerrorname_np(e->err) ?: "error");
	if (e->gap_from)
		add(to, "gap");
}

static void window_words(const struct event_window *w, bool unicode,
			 char to[LADDER_WORDS])
{
	if (w->old_cwnd && w->old_cwnd != w->w.cwnd)
		add(to, "cwnd %u%s%u", w->old_cwnd, unicode ? "→" : "->",
		    w->w.cwnd);
	else
		add(to, "cwnd %u", w->w.cwnd);
}

/* Which queue has changed, and how many of its slots are taken. */
static void queue_words(const struct ladder *l, const struct event_queue *q,
			char to[LADDER_WORDS])
{
	const char *mark = q->depth_how == HOW_derived ? "~" : "";

	*to = '\0';
	switch (q->op) {
	case QUEUE_listen:
		add(to, "queues of %u", q->limit);
		return;
	case QUEUE_unlisten:
		add(to, "queues gone");
		return;
	case QUEUE_SYN_dropped:
		add(to, "SYN dropped");
		return;
	case QUEUE_accept_overflow:
		add(to, "accept queue full");
		return;
	case QUEUE_cookie_sent:
		add(to, "SYN cookie");
		return;
	case QUEUE_completed:
	case QUEUE_fast_opened:
	case QUEUE_cookie_accepted:
	case QUEUE_accepted:
		if (q->accept != ~0u)
			add(to, "accept queue %s%u/%u", mark, q->accept,
			    q->limit);
		break;
	default:
		if (q->syn != ~0u)
			add(to, "SYN queue %s%u/%u", mark, q->syn, q->limit);
	}
	if (!*to) /* how full it is nobody knows */
		add(to, "%s", schema_name(l->schema, EVENT_queue, "op", q->op));
}

static void reset_words(const struct ladder *l, const struct event_reset *r,
			char to[LADDER_WORDS])
{
	char words[ROW_WORDS], reason[REASON_LEN * 4 + 1];

	row_kind(l->schema, r->kind, r->kind_how, words);
	say_escape(reason, sizeof(reason), r->why.reason,
		   strnlen(r->why.reason, REASON_LEN));
	if (*words)
		add(to, "%s", words);
	else if (*reason)
		add(to, "%s", reason);
	else
		add(to, "RST");
}

static void retransmit_words(const struct ladder *l,
			     const struct event_retransmit *r,
			     char to[LADDER_WORDS])
{
	char span[CELL_TEXT];

	if (r->kind == RETRANSMIT_SYN || r->kind == RETRANSMIT_SYN_ACK)
		add(to, "RTO");
	else
		add(to, "%s%s", r->kind_how == HOW_derived ? "~" : "",
		    schema_name(l->schema, EVENT_retransmit, "kind", r->kind));
	if (r->rto_us && r->kind != RETRANSMIT_fast) {
		cell_span(r->rto_us * 1000ull, false, span);
		add(to, "%s", span);
	}
}

static bool receives(enum call_op op)
{
	return op >= CALL_recvfrom && op <= CALL_readv;
}

/* What it is given, as far as that says something to a reader. */
static void call_given(const struct ladder *l, const struct event_call *c,
		       char to[LADDER_WORDS])
{
	const char *op = schema_name(l->schema, EVENT_call, "op", c->op);

	if (c->shut != 255)
		add(to, "%s(%s)", op,
		    schema_name(l->schema, EVENT_call, "shut", c->shut));
	else if (c->backlog != ~0u)
		add(to, "%s(%u)", op, c->backlog);
	else if (c->len != ~0ull && !receives(c->op))
		add(to, "%s(%llu)", op, c->len);
	else
		add(to, "%s()", op);
}

/* Is it a return, and does the ladder show where the call began? */
static bool began(const struct ladder *l, const struct step *s)
{
	const struct event_call *c = (const void *)s->e, *b;
	const struct step *at = s;

	if (s->kind != STEP_RETURN || s->times > 1)
		return false;
	while (at-- > l->steps && s - at < CALLS_BACK) {
		b = (const void *)at->e;
		if (at->end == s->end && at->e->type == EVENT_call &&
		    b->call == c->call)
			return true;
	}
	return false;
}

#define STATE_ROOM 13 /* a blank and ESTABLISHED, ~ before it */

/* Does a call like this change a state, as a rule? That stands beside it. */
static bool changes_state(enum call_op op)
{
	return op == CALL_connect || op == CALL_listen || op == CALL_close ||
	       op == CALL_shutdown;
}

/* Is there room for the call as a line of the trace has it? */
static bool fits_whole(const struct ladder *l, const struct step *s,
		       const char *words)
{
	const struct event_call *c = (const void *)s->e;
	unsigned int rest = changes_state(c->op) && s->kind == STEP_CALL ?
				    STATE_ROOM :
				    0;

	return s->times == 1 &&
	       (!l->side || width_text(words) + rest < l->side);
}

/* "send(155) = 155", "connect() = EINPROGRESS", "connect() = 0 22ms" */
static void call_words(const struct ladder *l, const struct step *s,
		       char to[LADDER_WORDS])
{
	const struct event_call *c = (const void *)s->e;
	char span[CELL_TEXT];
	struct row row = {};

	row_event(l->schema, s->e, false, &row);
	if (fits_whole(l, s, row.event)) {
		add(to, "%s", row.event);
		return;
	}
	if (c->phase == CALL_PHASE_ready) {
		add(to, "%s", schema_name(l->schema, EVENT_call, "op", c->op));
		add(to, "ready");
	} else {
		call_given(l, c, to);
	}
	if (c->phase == CALL_PHASE_ready)
		add(to, "%s%s%s", c->ready & 1 ? "IN" : "",
		    (c->ready & 5) == 5 ? "+" : "", c->ready & 4 ? "OUT" : "");
	if (c->phase != CALL_PHASE_exit)
		return;
	if (began(l, s)) /* there it has its name */
		*to = '\0';
	if (began(l, s) && c->err)
		add(to, "=");
	if (c->err)
		add(to, "%s", strerrorname_np(c->err) ?: "error");
	else if (c->result != CALL_NO_VALUE)
		add(to, "= %lld", c->result);
	if (s->kind == STEP_RETURN && c->duration_ns != ~0ull &&
	    c->duration_ns >= 1000000) {
		cell_span(c->duration_ns, false, span);
		add(to, "%s", span);
	}
	if (s->times > 1)
		add(to, "x%u", s->times);
}

/* A type that has no words here: as in a line of the trace. */
static void other_words(const struct ladder *l, const struct step *s,
			char to[LADDER_WORDS])
{
	struct row row = {};

	row_event(l->schema, s->e, false, &row);
	add(to, "%s", row.event);
	if (*row.detail)
		add(to, "%s", row.detail);
}

void ladder_step(const struct ladder *l, const struct step *s, bool unicode,
		 char to[LADDER_WORDS])
{
	const void *e = s->e;

	*to = '\0';
	switch (s->e->type) {
	case EVENT_state:
		state_words(l, s, to);
		break;
	case EVENT_window:
		window_words(e, unicode, to);
		break;
	case EVENT_queue:
		queue_words(l, e, to);
		break;
	case EVENT_reset:
		reset_words(l, e, to);
		break;
	case EVENT_retransmit:
		retransmit_words(l, e, to);
		break;
	case EVENT_call:
		call_words(l, s, to);
		break;
	default:
		other_words(l, s, to);
	}
}

void ladder_outer(const struct ladder *l, const struct ladder_row *row,
		  unsigned int end, bool unicode, char to[LADDER_WORDS])
{
	const struct ladder_lane *lane = &row->lane[end];
	int step = lane->outer == -1 ? lane->state : lane->outer;

	*to = '\0';
	if (step >= 0)
		ladder_step(l, &l->steps[step], unicode, to);
}

void ladder_state(const struct ladder *l, const struct step *s,
		  char to[LADDER_WORDS])
{
	const struct event_state *e = (const void *)s->e;

	snprintf(to, LADDER_WORDS, "%s%s", e->ev.how == HOW_derived ? "~" : "",
		 schema_name(l->schema, EVENT_state, "new", e->new));
}

/* Adds a word if there is room for it. */
__attribute__((format(printf, 3, 4))) static void add_if(char to[LADDER_WORDS],
							 unsigned int room,
							 const char *fmt, ...)
{
	char word[64];
	va_list args;

	va_start(args, fmt);
	vsnprintf(word, sizeof(word), fmt, args);
	va_end(args);
	if (strlen(to) + !!*to + strlen(word) <= room)
		add(to, "%s", word);
}

#define ROOM_FOR_OPTIONS 20 /* less is for what all segments have */

static void segment_label(const struct ladder *l, const struct event_segment *g,
			  unsigned int room, char to[LADDER_WORDS])
{
	char range[32] = "", flags[ROW_WORDS];
	bool known = g->tcp_seq != SEGMENT_UNKNOWN;

	if (known && g->len)
		snprintf(range, sizeof(range), "%u:%u", g->tcp_seq, g->end);
	else if (known && g->flags & (SEGMENT_FLAG_SYN | SEGMENT_FLAG_FIN))
		snprintf(range, sizeof(range), "%u", g->tcp_seq);
	row_flags(l->schema, g->flags, flags);
	if (strlen(flags) + 1 + strlen(range) > room)
		row_flags(l->schema, g->flags & ~SEGMENT_FLAG_PSH, flags);
	/* data that acks, as all does: what is sent says more */
	if (g->len && strlen(flags) + 1 + strlen(range) > room)
		*flags = '\0';
	if (g->flags == SEGMENT_FLAG_ACK && !*range)
		*flags = '\0'; /* "ACK 1" says it */
	if (*flags)
		add_if(to, room, "%s", flags);
	if (*range)
		add_if(to, room, "%s", range);
	if (g->flags & SEGMENT_FLAG_ACK && g->ack != SEGMENT_UNKNOWN)
		add_if(to, room, *to ? "ack %u" : "ACK %u", g->ack);
	if (g->retransmitted)
		add_if(to, room, "again");
	if (g->sack1_start != SEGMENT_UNKNOWN)
		add_if(to, room, "sack %u:%u", g->sack1_start, g->sack1_end);
	if (room < ROOM_FOR_OPTIONS)
		return;
	if (g->mss)
		add_if(to, room, "mss %u", g->mss);
	if (g->window != SEGMENT_UNKNOWN)
		add_if(to, room, "win %u", g->window);
}

void ladder_label(const struct ladder *l, const struct arrow *a,
		  unsigned int room, char to[LADDER_WORDS])
{
	const struct step *s = ladder_told(l, a);
	const struct event_retransmit *r = (const void *)s->e;
	char flags[ROW_WORDS];

	*to = '\0';
	if (!s->derived) {
		segment_label(l, (const void *)s->e, room, to);
		return;
	}
	if (s->e->type == EVENT_retransmit && r->len) {
		add_if(to, room, "~%u:%u", r->start, r->end);
		return;
	}
	row_flags(l->schema, s->flags, flags);
	add_if(to, room, "~%s", flags);
}

const char *ladder_known(const struct ladder *l, unsigned int end)
{
	const struct ladder_end *e = &l->end[end], *other = &l->end[!end];

	if (e->here)
		return !e->segments && other->segments ? " (its states only)" :
							 "";
	return other->segments ? " (seen by its segments only)" :
				 " (no events of this end)";
}

static const char *open_title(enum kind kind)
{
	switch (kind) {
	case KIND_full:
		return "simultaneous open";
	case KIND_half:
		return "simultaneous open, seen by one end";
	case KIND_unknown:
		return "simultaneous open, full or half";
	case KIND_self:
		return "self-connect";
	default:
		return "open";
	}
}

/* How a change of state closes the connection; NULL: it does not. */
static const char *close_title(const struct event_state *s)
{
	if (s->kind == KIND_simultaneous_close)
		return "simultaneous close";
	if (s->new != TCB_STATE_CLOSE || s->old == TCB_STATE_LISTEN)
		return s->new == TCB_STATE_TIME_WAIT ? "close" : NULL;
	if (s->old == TCB_STATE_LAST_ACK && s->cause == CAUSE_RX_ACK)
		return "close";
	if (s->old == TCB_STATE_SYN_SENT)
		return s->cause == CAUSE_RX_RST ? "refused" : "open given up";
	if (s->cause == CAUSE_RX_RST || s->kind)
		return "reset";
	if (s->cause >= CAUSE_TIMER_RETRANSMIT)
		return "given up";
	return "end";
}

void ladder_title(const struct ladder *l, char to[LADDER_WORDS])
{
	const char *open = NULL, *close = NULL, *c;
	enum kind kind = KIND_none;
	size_t i;

	for (i = 0; i < l->n_steps; i++) {
		const struct event_state *s = (const void *)l->steps[i].e;

		if (l->steps[i].kind != STEP_STATE)
			continue;
		if (s->new == TCB_STATE_ESTABLISHED) {
			if (s->kind)
				kind = s->kind;
			open = open_title(kind);
		}
		c = close_title(s);
		/* what is said first is said best: the other end follows */
		if (c && (!close || !strcmp(close, "end")))
			close = c;
		if (s->new == TCB_STATE_LISTEN)
			open = "listener";
	}
	snprintf(to, LADDER_WORDS, "%s%s%s", open ?: "",
		 open && close ? ", " : "", close ?: "");
	if (!*to)
		strcpy(to, l->n_events && !l->events[l->n_events - 1].e->rport ?
				   "a socket without a peer" :
				   "a part of a connection");
}
