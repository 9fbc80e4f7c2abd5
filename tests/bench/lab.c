// SPDX-License-Identifier: GPL-2.0
/*
 * How often a scenario of the lab is as expected. Nothing in them waits for
 * time, so all of them should be, on a machine however busy: those in which it
 * matters who is first, one after the other; and all, the groups at once.
 */
#include "bench.h"
#include "lab/scenario.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 100
#define GROUPS 32

struct played {
	char name[64];
	unsigned int runs, good, repeated;
	struct spread ms;
};

static const char *text_of(struct json_object *o, const char *field)
{
	struct json_object *value;

	return json_object_object_get_ex(o, field, &value) ?
		       json_object_get_string(value) :
		       "";
}

static void played_free(struct played *s)
{
	spread_free(&s->ms);
	memset(s, 0, sizeof(*s));
}

/* One more run, of the same scenario. */
static void played_add(struct played *s, struct json_object *o)
{
	snprintf(s->name, sizeof(s->name), "%s", text_of(o, "scenario"));
	s->runs++;
	s->good += !strcmp(text_of(o, "good"), "true");
	s->repeated += atoi(text_of(o, "repeated"));
	spread_add(&s->ms, atof(text_of(o, "duration_us")) / 1e3);
}

/* The next scenario that @lab has reported; false: there is none. */
static bool played_next(FILE *lab, struct played *s, struct json_object **kept)
{
	char *line = NULL;
	size_t room = 0;

	played_free(s);
	while (*kept || getline(&line, &room, lab) > 0) {
		struct json_object *o = *kept ?: json_tokener_parse(line);

		*kept = o;
		if (!*text_of(o, "scenario"))
			bench_die("no report of the lab: %s", line);
		if (s->runs && strcmp(text_of(o, "scenario"), s->name))
			break;
		played_add(s, o);
		json_object_put(o);
		*kept = NULL;
	}
	free(line);
	return s->runs;
}

void part_lab(unsigned int rounds)
{
	struct json_object *kept = NULL;
	unsigned int runs = 0, good = 0;
	struct played story = {};
	struct table t = {};
	char command[512];
	FILE *lab;

	snprintf(command, sizeof(command),
		 "%s lab --racy --json --times %u 2>/dev/null",
		 tracer_built("tcbscope"), rounds ?: ROUNDS);
	lab = popen(command, "re");
	if (!lab)
		bench_die("cannot start the lab: %s", strerror(errno));
	table_row(&t, "scenario", "runs", "as expected", "ms", NULL);
	while (played_next(lab, &story, &kept)) {
		table_row(&t, story.name, cell("%u", story.runs),
			  cell("%u", story.good), spread_text(&story.ms, 0),
			  NULL);
		runs += story.runs;
		good += story.good;
	}
	pclose(lab);
	table_print(&t);
	goal("scenarios in which it matters who is first", "all as expected",
	     cell("%u of %u", good, runs), runs && good == runs);
}

/* ------------------------------------------------ all, and all at once */

/* Plays a group; what it reports goes to the file. */
static pid_t play(const char *group, FILE *report, unsigned int rounds)
{
	char times[16];
	pid_t pid = fork();

	if (pid < 0)
		bench_die("cannot start the lab: %s", strerror(errno));
	if (pid)
		return pid;
	snprintf(times, sizeof(times), "%u", rounds);
	if (dup2(fileno(report), 1) < 0 || !freopen("/dev/null", "w", stderr))
		_exit(127);
	execl(tracer_built("tcbscope"), "tcbscope", "lab", "--group", group,
	      "--times", times, "--json", NULL);
	_exit(127);
}

/* The row of one group; what all scenarios have in common is added up. */
static void group_row(struct table *t, const char *name, FILE *report,
		      struct played *all)
{
	unsigned int scenarios = 0, runs = 0, good = 0, repeated = 0, bad = 0;
	struct json_object *kept = NULL;
	struct played story = {};

	rewind(report);
	while (played_next(report, &story, &kept)) {
		scenarios++;
		runs += story.runs;
		good += story.good;
		repeated += story.repeated;
		if (story.runs - story.good > bad)
			bad = story.runs - story.good;
	}
	table_row(t, name, cell("%u", scenarios), cell("%u of %u", good, runs),
		  bad ? cell("%u", bad) : "", cell("%u", repeated), NULL);
	all->runs += runs;
	all->good += good;
}

void part_stories(unsigned int rounds)
{
	const struct scenario_group *g = scenario_groups;
	struct played all = {};
	FILE *report[GROUPS];
	pid_t pid[GROUPS];
	struct table t = {};
	unsigned int i, n;

	for (n = 0; n < GROUPS && g[n].name; n++) {
		report[n] = tmpfile();
		if (!report[n])
			bench_die("no temporary file: %s", strerror(errno));
		pid[n] = play(g[n].name, report[n], rounds ?: ROUNDS);
	}
	table_row(&t, "group", "scenarios", "runs as expected",
		  "most others of one", "repeated", NULL);
	for (i = 0; i < n; i++) {
		waitpid(pid[i], NULL, 0);
		group_row(&t, g[i].name, report[i], &all);
		fclose(report[i]);
	}
	table_print(&t);
	goal("all scenarios of the lab", "all as expected",
	     cell("%u of %u", all.good, all.runs),
	     all.runs && all.good == all.runs);
}
