// SPDX-License-Identifier: GPL-2.0
/* One function for each type of event, and the table of them. */
#include "lab/spell.h"
#include "lab/witness.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct text {
	char *at, *end;
	bool marks;
};

/* More of it, cut if it is too long. */
static void __attribute__((format(printf, 2, 3)))
add(struct text *t, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(t->at, t->end - t->at, fmt, args);
	va_end(args);
	t->at += n < t->end - t->at ? n : t->end - t->at - 1;
}

/* A name, if the event has it, with ~ behind it if it was not observed. */
static void add_name(struct text *t, const char *before, const char *name,
		     const char *how)
{
	if (name)
		add(t, "%s%s%s", before, name,
		    t->marks && how && !strcmp(how, "derived") ? "~" : "");
}

static void spell_state(struct text *t, struct json_object *e)
{
	const char *cause = witness_string(e, "cause");
	int err = witness_number(e, "err");

	add_name(t, "", witness_string(e, "old"), NULL);
	add_name(t, ">", witness_string(e, "new"), witness_string(e, "how"));
	add_name(t, " ", cause ?: "-", witness_string(e, "cause_how"));
	add_name(t, " ", witness_string(e, "kind"),
		 witness_string(e, "kind_how"));
	add_name(t, " as ", witness_string(e, "tw_substate"), NULL);
	if (err)
		add(t, " %s", strerrorname_np(err));
}

static void spell_call(struct text *t, struct json_object *e)
{
	int err = witness_number(e, "err");

	if (strcmp(witness_string(e, "phase") ?: "", "exit"))
		return;
	add_name(t, "", witness_string(e, "op"), NULL);
	add_name(t, " ", witness_string(e, "option"), NULL);
	add_name(t, " ", witness_string(e, "shut"), NULL);
	if (err)
		add(t, " %s", strerrorname_np(err));
	else
		add(t, " %" PRId64, (int64_t)witness_number(e, "result"));
}

static void spell_queue(struct text *t, struct json_object *e)
{
	add_name(t, "", witness_string(e, "op"), NULL);
	add_name(t, " ", witness_string(e, "rule"), NULL);
	if (witness_has(e, "accept"))
		add(t, " %" PRIu64 "/%" PRIu64, witness_number(e, "accept"),
		    witness_number(e, "limit"));
}

static void spell_reset(struct text *t, struct json_object *e)
{
	add_name(t, "", witness_string(e, "direction"), NULL);
	add_name(t, " ", witness_string(e, "cause"), NULL);
	add_name(t, " ", witness_string(e, "kind"), NULL);
	add_name(t, " in ", witness_string(e, "state"), NULL);
}

static void spell_retransmit(struct text *t, struct json_object *e)
{
	add_name(t, "", witness_string(e, "kind"), NULL);
	if (witness_has(e, "nth"))
		add(t, " %" PRIu64, witness_number(e, "nth"));
	add_name(t, " ", witness_string(e, "cause"),
		 witness_string(e, "cause_how"));
}

static void spell_window(struct text *t, struct json_object *e)
{
	const char *phase = witness_string(e, "ca_state");

	if (phase && !strcmp(phase, "Open"))
		phase = witness_has(e, "ssthresh") &&
					witness_number(e, "cwnd") >=
						witness_number(e, "ssthresh") ?
				"avoidance" :
				"slow_start";
	add_name(t, "", phase, NULL);
	if (witness_number(e, "undone"))
		add(t, " undone");
}

static void add_flags(struct text *t, uint64_t flags)
{
	static const char *const names[] = { "FIN", "SYN", "RST", "PSH",
					     "ACK", "URG", "ECE", "CWR" };
	const char *before = " ";
	unsigned int i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (!(flags & 1u << i))
			continue;
		add(t, "%s%s", before, names[i]);
		before = "_";
	}
}

static void spell_segment(struct text *t, struct json_object *e)
{
	uint64_t len = witness_number(e, "len");

	add_name(t, "", witness_string(e, "direction"), NULL);
	add_flags(t, witness_number(e, "flags"));
	if (len)
		add(t, " %" PRIu64, len);
	if (witness_number(e, "retransmitted"))
		add(t, " again");
}

static void spell_drop(struct text *t, struct json_object *e)
{
	add_name(t, "", witness_string(e, "direction"), NULL);
	add_flags(t, witness_number(e, "flags"));
	add_name(t, " ", witness_string(e, "reason"), NULL);
}

char *spell(struct json_object *event, bool marks, char *text, size_t size)
{
	static const struct {
		const char *type;
		void (*spell)(struct text *t, struct json_object *e);
	} rows[] = {
		{ "state", spell_state },
		{ "call", spell_call },
		{ "queue", spell_queue },
		{ "reset", spell_reset },
		{ "segment", spell_segment },
		{ "retransmit", spell_retransmit },
		{ "window", spell_window },
		{ "drop", spell_drop },
	};
	struct text t = { .at = text, .end = text + size, .marks = marks };
	const char *type = witness_string(event, "type");
	unsigned int i;

	*text = '\0';
	for (i = 0; type && i < sizeof(rows) / sizeof(*rows); i++)
		if (!strcmp(type, rows[i].type))
			rows[i].spell(&t, event);
	return text;
}
