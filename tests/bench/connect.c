// SPDX-License-Identifier: GPL-2.0
/*
 * What tracing costs whoever is traced: CPU time for one connection, with
 * tcbscope and others, as a multiple of the same without a tracer.
 */
#include "bench.h"

#include <string.h>

#define CONNECTIONS 4000 /* in one measurement: 0.1 to 0.4 s without a tracer */
#define ROUNDS 15

static void print(struct rounds *r)
{
	struct table t = {};
	unsigned int i;

	table_row(&t, "Tracer", "CPU, multiple of bare", "us",
		  "tracer's own us", "events", "lost", "MB", NULL);
	table_row(&t, "bare", "1", spread_text(&r->bare_us, 1), "-", "-", "-",
		  "-", NULL);
	for (i = 0; i < r->tracers; i++) {
		struct outcome *o = &r->outcome[i];
		bool counts = o->tracer->says;
		bool runs = o->tracer->argv[0];

		table_row(&t, o->tracer->name, spread_text(&o->ratio, 3),
			  cell("%.1f", spread_median(&o->with_us)),
			  runs ? cell("%.1f", spread_median(&o->tracer_us)) :
				 "-",
			  counts ? cell("%llu", (unsigned long long)o->events) :
				   "-",
			  counts ? cell("%llu", (unsigned long long)o->lost) :
				   "-",
			  runs ? cell("%.1f", o->anon_kb / 1024.0) : "-", NULL);
	}
	table_print(&t);
}

#define PLAIN "tcbscope trace"
#define ALL_ON "tcbscope, everything on"
#define QUEUES "tcbscope, queues"
#define SYNS "tcbscope, queues, each SYN" /* by programs of the root cgroup */
#define SEGMENTS "tcbscope, segments too" /* more than its reader can take */

struct reader {
	uint64_t lost;
	unsigned long anon_kb;
};

static void note_reader(const struct reader *r, const char *lost,
			const char *memory)
{
	goal(lost, "0", cell("%llu", (unsigned long long)r->lost), !r->lost);
	goal(memory, "<= 16 MB", cell("%.1f MB", r->anon_kb / 1024.0),
	     r->anon_kb <= 16 << 10);
}

static void note_goals(const struct rounds *r)
{
	struct reader others = {}, segments = {}, *reader;
	unsigned int i;

	for (i = 0; i < r->tracers; i++) {
		const struct outcome *o = &r->outcome[i];
		double ratio = spread_median(&o->ratio);

		if (o->tracer->says != TRACER_ACCOUNT)
			continue;
		reader = strcmp(o->tracer->name, SEGMENTS) ? &others :
							     &segments;
		reader->lost += o->lost;
		if (o->anon_kb > reader->anon_kb)
			reader->anon_kb = o->anon_kb;
		if (!strcmp(o->tracer->name, PLAIN))
			goal("CPU of a connection, default events", "<= 1.10 x",
			     spread_text(&o->ratio, 3), ratio <= 1.10);
		if (!strcmp(o->tracer->name, ALL_ON))
			goal("CPU of a connection, everything on", "<= 1.15 x",
			     spread_text(&o->ratio, 3), ratio <= 1.15);
		if (!strcmp(o->tracer->name, QUEUES))
			goal("CPU of a connection, queue events", "<= 1.15 x",
			     spread_text(&o->ratio, 3), ratio <= 1.15);
		if (!strcmp(o->tracer->name, SYNS))
			goal("CPU of a connection, queue events, each SYN",
			     "<= 1.20 x", spread_text(&o->ratio, 3),
			     ratio <= 1.20);
	}
	note_reader(&others, "events lost at full speed, default ring",
		    "anonymous memory of the tracer");
	if (segments.anon_kb)
		note_reader(&segments,
			    "events lost with segments, default ring",
			    "anonymous memory with segments");
}

static void compare(const struct tracer *tracers, unsigned int n,
		    unsigned int rounds, void (*note)(const struct rounds *r))
{
	struct rounds r = {
		.load = load_connect,
		.amount = CONNECTIONS,
		.rounds = rounds ?: ROUNDS,
		.transitions = BENCH_TRANSITIONS,
	};

	rounds_run(&r, tracers, n);
	print(&r);
	if (note)
		note(&r);
	rounds_free(&r);
}

void part_connect(unsigned int rounds)
{
	const char *scope = tracer_built("tcbscope");
	const char *self = tracer_built("tests/bench/bench");
	const char *all = tracer_all_types();
	const struct tracer tracers[] = {
		{ .name = "none, once more" },
		{ .name = PLAIN,
		  .argv = { scope, "trace" },
		  .says = TRACER_ACCOUNT },
		{ .name = ALL_ON,
		  .argv = { scope, "trace", "--windows", "--events", all },
		  .says = TRACER_ACCOUNT },
		{ .name = QUEUES,
		  .argv = { scope, "trace", "--events", "queue" },
		  .says = TRACER_ACCOUNT },
		{ .name = SYNS,
		  .argv = { scope, "trace", "--events", "queue", "--tiers",
			    "1,2,3" },
		  .says = TRACER_ACCOUNT },
		{ .name = "tcbscope, segments too",
		  .argv = { scope, "trace", "--segments" },
		  .says = TRACER_ACCOUNT },
		{ .name = "tcbscope, JSON to /dev/null",
		  .argv = { scope, "trace", "-j" },
		  .says = TRACER_ACCOUNT,
		  .to_null = true },
		{ .name = "tcbscope, states only",
		  .argv = { scope, "trace", "--events", "state" },
		  .says = TRACER_ACCOUNT },
		{ .name = "tcbscope, another port",
		  .argv = { scope, "trace", "--port", "1" },
		  .says = TRACER_ACCOUNT },
		{ .name = "floor: one empty program",
		  .argv = { self, "--floor", "one" } },
		{ .name = "floor: two of them",
		  .argv = { self, "--floor", "two" } },
		{ .name = "floor: a record in a ring",
		  .argv = { self, "--floor", "ring" } },
		{ .name = "floor: memory, record, two copies",
		  .argv = { self, "--floor", "lean" } },
		{ .name = "floor: hooks of queues",
		  .argv = { self, "--floor", "queues" } },
		{ .name = "floor: hooks of queues, each SYN",
		  .argv = { self, "--floor", "syns" } },
	};

	compare(tracers, sizeof(tracers) / sizeof(*tracers), rounds,
		note_goals);
}

void part_tools(unsigned int rounds)
{
	static const char program[] =
		"tracepoint:sock:inet_sock_set_state "
		"{ printf(\"%d %s %d %d %d %d\\n\", pid, comm, args->sport, "
		"args->dport, args->oldstate, args->newstate); }";
	static const char count[] =
		"tracepoint:sock:inet_sock_set_state { @ = count(); }";
	const char *scope = tracer_built("tcbscope");
	const struct tracer tracers[] = {
		{ .name = PLAIN,
		  .argv = { scope, "trace" },
		  .says = TRACER_ACCOUNT },
		{ .name = "tcpstates",
		  .argv = { "tcpstates" },
		  .says = TRACER_LINES },
		{ .name = "bpftrace, printf()",
		  .argv = { "bpftrace", "-e", program },
		  .says = TRACER_LINES },
		{ .name = "bpftrace, count()",
		  .argv = { "bpftrace", "-e", count } },
		{ .name = "perf record",
		  .argv = { "perf", "record", "-a", "-e",
			    "sock:inet_sock_set_state", "-o",
			    "/dev/shm/tcbscope-bench.perf" },
		  .says = TRACER_SAMPLES },
	};

	compare(tracers, sizeof(tracers) / sizeof(*tracers), rounds, NULL);
}
