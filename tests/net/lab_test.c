// SPDX-License-Identifier: GPL-2.0
/*
 * Every scenario of the lab is as it is expected, and with its negative control
 * it is not; the controls are played where the CPU is real, for what they prove
 * is of the expectations. Racy ones must be so many times. A test for each,
 * named after its group and itself; the scenarios are data, so they are all
 * that is listed. LAB_TIMES plays each that often, LAB_GROUP those of one
 * group: "tests/vm/run -a 'LAB_TIMES=20 LAB_GROUP=loss' build 6.1 lab".
 */
#include "lab/lab.h"
#include "tests/lib/guest.h"
#include "tests/lib/trace.h"

#include <kselftest.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RACY_TIMES 20
#define RACY_TIMES_EMULATED 3

static struct lab lab;
static unsigned int tests, runs; /* planned; runs that are still to come */

static __attribute__((format(printf, 1, 2))) void note(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	printf("# ");
	vprintf(fmt, args);
	putchar('\n');
	va_end(args);
}

static unsigned int times(const struct scenario *s, bool control)
{
	const char *set = getenv("LAB_TIMES");

	if (set && !control)
		return atoi(set);
	return s->racy && !control ?
		       guest_times(RACY_TIMES, RACY_TIMES_EMULATED) :
		       1;
}

static void count(const struct scenario_group *g, const struct scenario *s,
		  bool control)
{
	(void)g;
	tests++;
	runs += times(s, control);
}

/* One run; false: the last of this test, and @report says how it was. */
static bool once(const struct scenario *s, bool control, struct report *report)
{
	int err = lab_play(&lab, runs, s, control, report);

	if (err)
		ksft_exit_fail_msg("cannot start the lab: %s\n",
				   strerror(-err));
	runs--;
	return control ? judge_differs(report) :
			 report->outcome == OUTCOME_PROVED;
}

static void test(const struct scenario_group *g, const struct scenario *s,
		 bool control)
{
	unsigned int i, n = times(s, control);
	struct report report;
	char name[128];
	bool good = true;

	snprintf(name, sizeof(name), "lab.%s.%s%s", g->name, s->name,
		 control ? ".control" : "");
	printf("#  RUN           %s ...\n", name);
	for (i = 0; i < n && good; i++) {
		good = once(s, control, &report);
		if (report.outcome == OUTCOME_CANNOT) {
			runs -= n - i - 1;
			ksft_test_result_skip("%s\n", report.why);
			judge_free(&report);
			return;
		}
		if (report.repeated)
			note("%s: run %u of %u: the trace had missed something "
			     "%u times",
			     name, i + 1, n, report.repeated);
		if (report.missed)
			note("%s: has missed %s", name, report.lacks);
		if (!good) {
			note("%s: run %u of %u: %s", name, i + 1, n,
			     report.why);
			judge_say(&report, note);
		}
		judge_free(&report);
	}
	runs -= n - i;
	ksft_test_result(good, "%s\n", name);
	fflush(stdout);
}

static void for_each(void (*fn)(const struct scenario_group *g,
				const struct scenario *s, bool control))
{
	const char *only = getenv("LAB_GROUP");
	const struct scenario_group *g;
	const struct scenario *s;

	for (g = scenario_groups; g->name; g++) {
		if (only && strcmp(only, g->name))
			continue;
		for (s = g->scenarios; s->name; s++) {
			fn(g, s, false);
			if (!guest_is_emulated())
				fn(g, s, true);
		}
	}
}

int main(void)
{
	static char path[4096];

	snprintf(path, sizeof(path), "%s", trace_program("tcbscope"));
	lab.tcbscope = path;
	for_each(count);
	ksft_print_header();
	ksft_set_plan(tests);
	for_each(test);
	if (lab_close(&lab))
		ksft_exit_fail_msg("the trace has not ended well\n");
	ksft_finished();
}
