// SPDX-License-Identifier: GPL-2.0
/* What window events cost a connection that carries much: CPU time for a GiB. */
#include "bench.h"

#include <string.h>

#define MIB 1024
#define ROUNDS 15
#define WINDOWS "tcbscope trace --windows"

void part_bulk(unsigned int rounds)
{
	const char *scope = tracer_built("tcbscope");
	const char *all = tracer_all_types();
	const struct tracer tracers[] = {
		{ .name = "none, once more" },
		{ .name = "tcbscope trace",
		  .argv = { scope, "trace" },
		  .says = TRACER_ACCOUNT },
		{ .name = WINDOWS,
		  .argv = { scope, "trace", "--windows" },
		  .says = TRACER_ACCOUNT },
		{ .name = "tcbscope, everything on",
		  .argv = { scope, "trace", "--windows", "--events", all },
		  .says = TRACER_ACCOUNT },
		{ .name = "tcbscope, segments too",
		  .argv = { scope, "trace", "--segments" },
		  .says = TRACER_ACCOUNT },
	};
	struct rounds r = {
		.load = load_bulk,
		.amount = MIB,
		.rounds = rounds ?: ROUNDS,
	};
	struct table t = {};
	unsigned int i;

	rounds_run(&r, tracers, sizeof(tracers) / sizeof(*tracers));
	table_row(&t, "Tracer", "CPU, multiple of bare", "ms a GiB", "lost",
		  NULL);
	table_row(&t, "bare", "1",
		  cell("%.0f", spread_median(&r.bare_us) * MIB / 1000), "-",
		  NULL);
	for (i = 0; i < r.tracers; i++) {
		struct outcome *o = &r.outcome[i];

		table_row(&t, o->tracer->name, spread_text(&o->ratio, 3),
			  cell("%.0f", spread_median(&o->with_us) * MIB / 1000),
			  o->tracer->says ?
				  cell("%llu", (unsigned long long)o->lost) :
				  "-",
			  NULL);
	}
	table_print(&t);
	for (i = 0; i < r.tracers; i++) {
		struct spread *ratio = &r.outcome[i].ratio;

		if (!strcmp(r.outcome[i].tracer->name, WINDOWS))
			goal("CPU of a bulk transfer, window events",
			     "<= 1.01 x", spread_text(ratio, 3),
			     spread_median(ratio) <= 1.01);
	}
	rounds_free(&r);
}
