// SPDX-License-Identifier: GPL-2.0
/* Compares a cause's name with the call or the segment of its number. */
#include "seen.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool seen_wanted(void)
{
	return getenv(SEEN_WANTED);
}

const char *seen_or(const char *seen, const char *unseen)
{
	return seen_wanted() ? seen : unseen;
}

/* The event of this type with this number, or NULL. */
static struct json_object *find(const struct witness *w, const char *type,
				uint64_t number)
{
	struct sighting what = { .type = type };
	struct json_object *event;
	size_t from = 0;

	do
		event = witness_next(w, &what, &from);
	while (event && witness_number(event, type) != number);
	return event;
}

/* Is it a segment that has come to this end, with the flags of the cause? */
static bool is_segment(struct json_object *segment, struct json_object *state,
		       const char *cause)
{
	static const struct {
		const char *name;
		uint64_t set, clear;
	} rows[] = {
		{ "RX_SYN", 2, 16 | 4 }, { "RX_SYN_ACK", 2 | 16, 4 },
		{ "RX_ACK", 16, 2 | 4 }, { "RX_FIN", 1, 4 },
		{ "RX_RST", 4, 0 },
	};
	uint64_t flags = witness_number(segment, "flags");
	unsigned int i;

	if (strcmp(witness_string(segment, "direction"), "received") ||
	    witness_number(segment, "lport") !=
		    witness_number(state, "lport") ||
	    witness_number(segment, "netns") !=
		    witness_number(state, "netns") ||
	    witness_number(segment, "ts_ns") > witness_number(state, "ts_ns"))
		return false;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (!strcmp(rows[i].name, cause))
			return (flags & rows[i].set) == rows[i].set &&
			       !(flags & rows[i].clear);
	return false;
}

/* CALL_CLOSE is the call close; sendmmsg() and dup2() have no name of theirs. */
static bool is_call(struct json_object *call, struct json_object *state,
		    const char *cause)
{
	const char *op = witness_string(call, "op");
	const char *name = cause + strlen("CALL_");

	return !strncasecmp(op, name, 3) &&
	       witness_number(call, "ts_ns") <= witness_number(state, "ts_ns");
}

/* Without a call or a segment that anybody sees. */
static bool unseen(const char *cause)
{
	return !strcmp(cause, "CALL_EXECVE") || !strcmp(cause, "CALL") ||
	       !strcmp(cause, "RX_ICMP") ||
	       (strncmp(cause, "RX_", 3) && strncmp(cause, "CALL_", 5));
}

static bool is_fine(const struct witness *w, struct json_object *state)
{
	uint64_t call = witness_number(state, "cause_call");
	uint64_t segment = witness_number(state, "cause_segment");
	const char *cause = witness_string(state, "cause");
	const char *how = witness_string(state, "cause_how");
	struct json_object *event;

	if (!cause || unseen(cause))
		return !call && !segment;
	if (!call && !segment)
		return !strcmp(how, "derived");
	if (call && segment)
		return false;
	event = call ? find(w, "call", call) : find(w, "segment", segment);
	return event && !strcmp(how, "observed") &&
	       (call ? is_call(event, state, cause) :
		       is_segment(event, state, cause));
}

const char *seen_flaw(const struct witness *w, const struct sighting *socket)
{
	struct sighting states = *socket;
	static char flaw[128];
	struct json_object *state;
	size_t from = 0;

	states.type = "state";
	while ((state = witness_next(w, &states, &from))) {
		if (is_fine(w, state))
			continue;
		snprintf(flaw, sizeof(flaw),
			 "%s > %s by %s (%s): call %llu, segment %llu",
			 witness_string(state, "old"),
			 witness_string(state, "new"),
			 witness_string(state, "cause") ?: "nothing",
			 witness_string(state, "cause_how") ?: "-",
			 (unsigned long long)witness_number(state,
							    "cause_call"),
			 (unsigned long long)witness_number(state,
							    "cause_segment"));
		return flaw;
	}
	return NULL;
}
