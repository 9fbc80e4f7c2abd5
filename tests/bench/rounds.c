// SPDX-License-Identifier: GPL-2.0
/* With and without a tracer, in turns. */
#include "bench.h"

#include <stdlib.h>

static double us(uint64_t ns, const struct rounds *r)
{
	return ns / 1000.0 / r->amount;
}

static double bare(struct rounds *r)
{
	double cost = us(r->load(r->amount), r);

	spread_add(&r->bare_us, cost);
	return cost;
}

static double traced(struct rounds *r, struct outcome *o,
		     struct tracer_run *run)
{
	uint64_t begin = tracer_cpu_ns(run);
	double cost = us(r->load(r->amount), r);
	unsigned long kb = tracer_anon_kb(run);

	spread_add(&o->with_us, cost);
	spread_add(&o->tracer_us, us(tracer_cpu_ns(run) - begin, r));
	if (kb > o->anon_kb)
		o->anon_kb = kb;
	o->expected += (uint64_t)r->amount * r->transitions;
	return cost;
}

/* A tracer that reports more has seen others' sockets too. */
static void count(struct rounds *r, struct outcome *o, struct tracer_run *run)
{
	uint64_t expected = 2ull * r->amount * r->transitions;

	o->events += run->events;
	if (run->tracer->says == TRACER_ACCOUNT)
		o->lost += run->lost;
	else if (run->tracer->says && run->events < expected)
		o->lost += expected - run->events;
}

static void one_round(struct rounds *r, struct outcome *o)
{
	struct tracer_run run;
	double before, after, first, second;

	before = bare(r);
	tracer_start(&run, o->tracer);
	first = traced(r, o, &run);
	second = traced(r, o, &run);
	tracer_stop(&run);
	after = bare(r);
	spread_add(&o->ratio, first / before);
	spread_add(&o->ratio, second / after);
	bench_note("%s: %.1f %.1f %.1f %.1f us", o->tracer->name, before, first,
		   second, after);
	count(r, o, &run);
}

void rounds_run(struct rounds *r, const struct tracer *tracers, unsigned int n)
{
	unsigned int round, i;

	r->outcome = calloc(n, sizeof(*r->outcome));
	if (!r->outcome)
		bench_die("out of memory");
	for (i = 0; i < n; i++)
		if (tracer_wanted(&tracers[i]))
			r->outcome[r->tracers++].tracer = &tracers[i];
	r->load(r->amount); /* caches, buffers, memory */
	for (round = 0; round < r->rounds; round++) {
		for (i = 0; i < r->tracers; i++)
			one_round(r, &r->outcome[(i + round) % r->tracers]);
		bench_note("round %u of %u", round + 1, r->rounds);
	}
}

void rounds_free(struct rounds *r)
{
	unsigned int i;

	for (i = 0; i < r->tracers; i++) {
		spread_free(&r->outcome[i].ratio);
		spread_free(&r->outcome[i].with_us);
		spread_free(&r->outcome[i].tracer_us);
	}
	free(r->outcome);
	spread_free(&r->bare_us);
}
