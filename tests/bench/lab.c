// SPDX-License-Identifier: GPL-2.0
/*
 * How often a scenario of the lab is as expected, of those in which it matters
 * who is first. Nothing in them waits for time, so all of them should be, on a
 * machine however busy.
 */
#include "bench.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 100

struct story {
	char name[64];
	unsigned int runs, good;
	struct spread ms;
};

static void row(struct table *t, struct story *s)
{
	if (s->runs)
		table_row(t, s->name, cell("%u", s->runs), cell("%u", s->good),
			  spread_text(&s->ms, 0), NULL);
	spread_free(&s->ms);
	memset(s, 0, sizeof(*s));
}

static const char *text_of(struct json_object *o, const char *field)
{
	struct json_object *value;

	return json_object_object_get_ex(o, field, &value) ?
		       json_object_get_string(value) :
		       "";
}

/* One run, by its line; those of a scenario are together. */
static bool add(struct story *s, struct table *t, const char *line)
{
	struct json_object *o = json_tokener_parse(line);
	const char *name = text_of(o, "scenario");
	bool good = !strcmp(text_of(o, "good"), "true");

	if (!*name)
		bench_die("no report of the lab: %s", line);
	if (strcmp(name, s->name))
		row(t, s);
	snprintf(s->name, sizeof(s->name), "%s", name);
	s->runs++;
	s->good += good;
	spread_add(&s->ms, atof(text_of(o, "duration_us")) / 1e3);
	json_object_put(o);
	return good;
}

void part_lab(unsigned int rounds)
{
	unsigned int runs = 0, good = 0;
	struct story story = {};
	struct table t = {};
	char command[512], *line = NULL;
	size_t room = 0;
	FILE *lab;

	snprintf(command, sizeof(command),
		 "%s lab --racy --json --times %u 2>/dev/null",
		 tracer_built("tcbscope"), rounds ?: ROUNDS);
	lab = popen(command, "re");
	if (!lab)
		bench_die("cannot start the lab: %s", strerror(errno));
	table_row(&t, "scenario", "runs", "as expected", "ms", NULL);
	while (getline(&line, &room, lab) > 0) {
		runs++;
		good += add(&story, &t, line);
	}
	row(&t, &story);
	free(line);
	pclose(lab);
	table_print(&t);
	goal("scenarios in which it matters who is first", "all as expected",
	     cell("%u of %u", good, runs), runs && good == runs);
}
