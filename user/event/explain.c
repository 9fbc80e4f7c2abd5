// SPDX-License-Identifier: GPL-2.0
/* Finds the row, and says its words with what the event tells. */
#include "event/explain.h"
#include "event/explain_rows.h"
#include "lib/say.h"

#include <stdio.h>
#include <string.h>

/* What a process did, for {does}; those that have nothing called a call. */
static const char *const does[] = {
	[CAUSE_CALL_CONNECT] = "calls connect()",
	[CAUSE_CALL_LISTEN] = "calls listen()",
	[CAUSE_CALL_CLOSE] = "calls close()",
	[CAUSE_CALL_SHUTDOWN] = "calls shutdown()",
	[CAUSE_CALL_SENDTO] = "calls sendto()",
	[CAUSE_CALL_SENDMSG] = "calls sendmsg()",
	[CAUSE_CALL_DUP] = "puts another file over the last descriptor (dup2)",
	[CAUSE_CALL_EXECVE] = "runs another program, for which the descriptor "
			      "is closed (close-on-exec)",
	[CAUSE_CALL_IO_URING] = "acts through io_uring",
	[CAUSE_EXIT] = "ends, which closes its descriptors",
	[CAUSE_KERNEL] = "is served by a kernel thread that lets go of it",
};

static bool by_process(enum cause cause)
{
	return cause >= CAUSE_CALL && cause <= CAUSE_KERNEL;
}

static const struct explain_row *row_find(const struct explain_row *row,
					  const struct explain_row *is)
{
	for (; row->text; row++)
		if ((!row->old || row->old == is->old) &&
		    (!row->new || row->new == is->new) &&
		    (!row->cause || row->cause == is->cause ||
		     (row->cause == A_PROCESS && by_process(is->cause))) &&
		    (!row->kind || row->kind == is->kind) &&
		    (!row->as || row->as == is->as))
			return row;
	return NULL;
}

/* The end of an event as text: "10.0.0.1:80", "[::1]:80". */
static void put_end(char *to, size_t size, enum family family,
		    const addr_t *addr, port_t port)
{
	char text[SCHEMA_ADDR_LEN];

	schema_addr(family, addr, text);
	if (!port)
		snprintf(to, size, "%s", text);
	else
		snprintf(to, size, family == FAMILY_INET6 ? "[%s]:%u" : "%s:%u",
			 text, port);
}

static void put_owner(char *to, size_t size, const struct event *e)
{
	char comm[sizeof(e->comm) * 4 + 1];

	say_escape(comm, sizeof(comm), e->comm,
		   strnlen(e->comm, sizeof(e->comm)));
	if (e->pid)
		snprintf(to, size, "%s[%u]", comm, e->pid);
	else
		snprintf(to, size, "an unknown process");
}

static void put_does(char *to, size_t size, enum cause cause)
{
	const char *words = NULL;

	if (cause < sizeof(does) / sizeof(*does))
		words = does[cause];
	snprintf(to, size, "%s", words ?: "makes a system call");
}

static void put_usec(char *to, size_t size, usec_t us)
{
	if (!us)
		snprintf(to, size, "an unknown time");
	else if (us < 1000000)
		snprintf(to, size, "%u ms", us / 1000);
	else
		snprintf(to, size, "%u.%u s", us / 1000000, us / 100000 % 10);
}

/* 1st, 2nd, 11th, 23rd */
static void put_nth(char *to, size_t size, unsigned int n)
{
	static const char *const ends[] = { "th", "st", "nd", "rd" };

	snprintf(to, size, "%u%s", n,
		 n % 10 < 4 && n % 100 / 10 != 1 ? ends[n % 10] : ends[0]);
}

static void put_retransmit(char *to, size_t size, const char *word,
			   const struct event_retransmit *r)
{
	if (!strcmp(word, "range"))
		snprintf(to, size, "%u:%u", r->start, r->end);
	else if (!strcmp(word, "segments"))
		snprintf(to, size, "%u segment%s", r->segs,
			 r->segs == 1 ? "" : "s");
	else if (!strcmp(word, "nth"))
		put_nth(to, size, r->nth);
	else if (!strcmp(word, "rto"))
		put_usec(to, size, r->rto_us);
	else if (!strcmp(word, "cwnd"))
		snprintf(to, size, "%u", r->cwnd);
}

static void put_reset(const struct schema *schema, char *to, size_t size,
		      const char *word, const struct event_reset *r)
{
	char reason[REASON_LEN * 4 + 1];

	if (!strcmp(word, "does")) {
		put_does(to, size, r->cause);
	} else if (!strcmp(word, "unread")) {
		snprintf(to, size, "%u", r->unread);
	} else if (!strcmp(word, "state")) {
		snprintf(to, size, "%s",
			 schema_name(schema, EVENT_reset, "state", r->state) ?:
				 "an unknown state");
	} else if (!strcmp(word, "reason") && *r->why.reason) {
		say_escape(reason, sizeof(reason), r->why.reason,
			   strnlen(r->why.reason, REASON_LEN));
		snprintf(to, size, " (%s)", reason);
	}
}

static void put_state(const struct schema *schema, char *to, size_t size,
		      const char *word, const struct event_state *s)
{
	if (!strcmp(word, "does"))
		put_does(to, size, s->cause);
	else if (!strcmp(word, "error"))
		snprintf(to, size, "%s",
			 s->err ? strerrorname_np(s->err) ?: "an error" :
				  "an error");
	else if (!strcmp(word, "as"))
		snprintf(
			to, size, "%s",
			schema_name(schema, EVENT_state, "tw_substate", s->tw_substate) ?:
				"TIME_WAIT");
}

/* What stands for a word in braces; nothing if the event does not say it. */
static void put_word(const struct schema *schema, char *to, size_t size,
		     const char *word, const struct event *e)
{
	const void *any = e;

	*to = '\0';
	if (!strcmp(word, "local"))
		put_end(to, size, e->family, &e->laddr, e->lport);
	else if (!strcmp(word, "remote"))
		put_end(to, size, e->family, &e->raddr, e->rport);
	else if (!strcmp(word, "owner"))
		put_owner(to, size, e);
	else if (e->type == EVENT_state)
		put_state(schema, to, size, word, any);
	else if (e->type == EVENT_retransmit)
		put_retransmit(to, size, word, any);
	else if (e->type == EVENT_reset)
		put_reset(schema, to, size, word, any);
}

/* The row's text, with all that stands in braces said. */
static void put_text(const struct schema *schema, char *to, size_t size,
		     const char *text, const struct event *e)
{
	char word[16], said[160];
	size_t n = 0;
	int len;

	while (*text && n + 1 < size) {
		if (sscanf(text, "{%15[a-z]}%n", word, &len) == 1) {
			put_word(schema, said, sizeof(said), word, e);
			n += snprintf(to + n, size - n, "%s", said);
			text += len;
		} else {
			to[n++] = *text++;
		}
	}
	to[n < size ? n : size - 1] = '\0';
}

/* What is known of a change of state for which there is no row. */
static void put_unknown(const struct schema *schema, char *to, size_t size,
			const struct event_state *s)
{
	const char *cause = s->cause ? schema_name(schema, EVENT_state, "cause",
						   s->cause) :
				       NULL;

	snprintf(to, size, "From %s to %s; what made it: %s%s. %s",
		 schema_name(schema, EVENT_state, "old", s->old),
		 schema_name(schema, EVENT_state, "new", s->new),
		 s->cause_how == HOW_derived ? "~" : "", cause ?: "unknown",
		 cause ? "tcbscope has no explanation for that." :
			 "Nothing in the socket tells.");
}

bool explain(const struct schema *schema, const struct event *e,
	     struct explanation *x)
{
	const struct event_state *s = (const void *)e;
	const struct event_retransmit *t = (const void *)e;
	const struct event_reset *r = (const void *)e;
	const struct explain_row *rows, *row;
	struct explain_row is = {};

	*x = (struct explanation){};
	if (e->type == EVENT_state) {
		rows = explain_states;
		is = (struct explain_row){ .old = s->old,
					   .new = s->new,
					   .cause = s->cause,
					   .kind = s->kind,
					   .as = s->tw_substate };
	} else if (e->type == EVENT_retransmit) {
		rows = explain_retransmits;
		is.kind = t->kind;
		is.cause = t->cause;
	} else if (e->type == EVENT_reset) {
		rows = explain_resets;
		is.kind = r->kind;
		is.cause = r->direction == DIRECTION_received ? CAUSE_RX_RST :
								r->cause;
	} else {
		return false;
	}
	row = row_find(rows, &is);
	if (!row) {
		if (e->type == EVENT_state)
			put_unknown(schema, x->text, sizeof(x->text), s);
		return false;
	}
	put_text(schema, x->text, sizeof(x->text), row->text, e);
	x->rule = row;
	x->rfc = row->rfc;
	x->look = row->look;
	return true;
}
