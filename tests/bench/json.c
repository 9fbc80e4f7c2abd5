// SPDX-License-Identifier: GPL-2.0
/*
 * What the tracer itself costs: events that lie in memory go through the whole
 * pipeline (schema check, sorting, flow table, output) to /dev/null.
 */
#include "bench.h"
#include "output/output.h"
#include "tests/lib/events.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CONNECTIONS 20000
#define TRANSITIONS 5 /* of one end */
#define EVENTS (2 * TRANSITIONS * CONNECTIONS)
#define BATCH 2000 /* events that a look into the ring finds */
#define ROUNDS 15

/* One end after the other of each connection, as loopback makes them. */
static struct event_state *prepare(void)
{
	static const struct {
		bool server;
		enum tcb_state old, new;
	} steps[2 * TRANSITIONS] = {
		{ false, TCB_STATE_CLOSE, TCB_STATE_SYN_SENT },
		{ true, TCB_STATE_LISTEN, TCB_STATE_SYN_RECV },
		{ false, TCB_STATE_SYN_SENT, TCB_STATE_ESTABLISHED },
		{ true, TCB_STATE_SYN_RECV, TCB_STATE_ESTABLISHED },
		{ false, TCB_STATE_ESTABLISHED, TCB_STATE_FIN_WAIT1 },
		{ true, TCB_STATE_ESTABLISHED, TCB_STATE_CLOSE_WAIT },
		{ false, TCB_STATE_FIN_WAIT1, TCB_STATE_FIN_WAIT2 },
		{ true, TCB_STATE_CLOSE_WAIT, TCB_STATE_LAST_ACK },
		{ false, TCB_STATE_FIN_WAIT2, TCB_STATE_TIME_WAIT },
		{ true, TCB_STATE_LAST_ACK, TCB_STATE_CLOSE },
	};
	struct event_state *events = calloc(EVENTS, sizeof(*events));
	unsigned int i, step;
	nsec_t ts = 1000000000;

	if (!events)
		bench_die("out of memory");
	for (i = 0; i < EVENTS; i++) {
		unsigned int c = i / (2 * TRANSITIONS);
		port_t port = 32768 + c % 28000;

		step = i % (2 * TRANSITIONS);
		ts += 3000;
		events[i] = steps[step].server ?
				    events_other_end(ts, 2 * c + 2, 80, port,
						     steps[step].old,
						     steps[step].new) :
				    events_state(ts, 2 * c + 1, port, 80,
						 steps[step].old,
						 steps[step].new);
		events[i].ev.seq = step / 2;
		events[i].cause = CAUSE_RX_ACK;
		events[i].cause_how = HOW_observed;
	}
	return events;
}

/* Million events a second of CPU time. */
static double rate(const struct event_state *events,
		   const struct schema *schema, bool json)
{
	FILE *null = fopen("/dev/null", "w");
	const struct output_text_options options = { .file = null };
	struct pipeline *p = pipeline_new(schema, NULL, 0);
	uint64_t begin;
	unsigned int i;

	if (!null || !p ||
	    pipeline_add_output(p, json ? output_json_new(schema, null) :
					  output_text_new(schema, &options)))
		bench_die("cannot make a pipeline");
	begin = bench_cpu_ns();
	for (i = 0; i < EVENTS; i++) {
		if (pipeline_push(p, &events[i], sizeof(events[i])))
			bench_die("an event is refused");
		if ((i + 1) % BATCH)
			continue;
		if (pipeline_release(p, events[i].ev.ts_ns) ||
		    pipeline_flush(p, events[i].ev.ts_ns))
			bench_die("cannot write an event");
	}
	begin = bench_cpu_ns() - begin;
	if (account_sum(pipeline_account(p)->shown) != EVENTS)
		bench_die("not all events were shown");
	pipeline_free(p);
	fclose(null);
	return EVENTS * 1000.0 / begin;
}

void part_json(unsigned int rounds)
{
	struct schema *schema = events_schema();
	struct event_state *events = prepare();
	struct spread json = {}, text = {};
	struct table t = {};
	unsigned int round;

	if (!schema)
		bench_die("cannot read the schema");
	for (round = 0; round < (rounds ?: ROUNDS); round++) {
		spread_add(&json, rate(events, schema, true));
		spread_add(&text, rate(events, schema, false));
	}
	table_row(&t, "Output", "million events a second of one core", "most",
		  NULL);
	table_row(&t, "JSON", spread_text(&json, 2),
		  cell("%.2f", spread_quantile(&json, 1)), NULL);
	table_row(&t, "text", spread_text(&text, 2),
		  cell("%.2f", spread_quantile(&text, 1)), NULL);
	table_print(&t);
	goal("JSON events a second of one core", ">= 0.8 M",
	     cell("%s M", spread_text(&json, 2)), spread_median(&json) >= 0.8);
	spread_free(&json);
	spread_free(&text);
	schema_free(schema);
	free(events);
}
