// SPDX-License-Identifier: GPL-2.0
/* Events of the witness as text. */
#include "story.h"
#include "lab/spell.h"

#include <stdio.h>
#include <string.h>

char *story(const struct witness *w, const struct sighting *socket, char *text,
	    size_t size)
{
	struct sighting what = *socket;
	const char *state = NULL, *old;
	struct json_object *e;
	size_t from = 0, at = 0;
	char words[128];

	what.type = "state";
	*text = '\0';
	while ((e = witness_next(w, &what, &from))) {
		old = witness_string(e, "old");
		at += snprintf(text + at, size - at, "%s%s%s",
			       state ? ", " : "",
			       witness_string(e, "gap_from") ||
					       (state && old &&
						strcmp(state, old)) ?
				       "GAP " :
				       "",
			       spell(e, true, words, sizeof(words)));
		if (at >= size)
			return text; /* cut */
		state = witness_string(e, "new");
		if (state && !strcmp(state, "TIME_WAIT"))
			state = "CLOSE"; /* the socket that it stands in for */
	}
	return text;
}

static bool is(struct json_object *e, const char *field, const char *value)
{
	const char *has = witness_string(e, field);

	return has && !strcmp(has, value);
}

/* Is there nobody at the other end yet, or ever? */
static bool alone(struct json_object *e)
{
	return is(e, "old", "LISTEN") ? is(e, "new", "CLOSE") :
					is(e, "new", "LISTEN");
}

const char *story_flaw(const struct witness *w, const struct sighting *socket)
{
	struct sighting what = *socket;
	struct json_object *e;
	uint64_t seq = 0, ts = 0;
	size_t from = 0;

	what.type = "state";
	while ((e = witness_next(w, &what, &from))) {
		if (witness_number(e, "seq") != seq++)
			return "seq is not consecutive";
		if (witness_number(e, "ts_ns") < ts)
			return "time runs back";
		ts = witness_number(e, "ts_ns");
		if (!witness_number(e, "cookie"))
			return "no cookie";
		if (!witness_number(e, "lport"))
			return "no local port";
		if (!witness_number(e, "rport") && !alone(e))
			return "no remote port";
	}
	return seq ? NULL : "no event";
}
