// SPDX-License-Identifier: GPL-2.0
/* Passes events on and counts them; knows neither inputs nor outputs. */
#include "event/pipeline.h"
#include "event/cause.h"
#include "event/peers.h"
#include "event/sort.h"

#include <errno.h>
#include <stdlib.h>

struct pipeline {
	const struct schema *schema;
	struct sort *sort;
	struct causes *causes;
	struct flows *flows;
	struct filter *filter;
	struct output *outputs[PIPELINE_OUTPUTS];
	unsigned int n_outputs;
	bool hide_existing;
	struct peers *peers; /* NULL: those of a command are not shown */
	uint64_t max, shown;
	struct account account;
};

struct pipeline *pipeline_new(const struct schema *schema,
			      struct filter *filter, uint64_t max)
{
	struct pipeline *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->schema = schema;
	p->max = max;
	p->sort = sort_new();
	p->causes = causes_new();
	p->flows = flow_table_new(PIPELINE_FLOWS);
	if (p->sort && p->causes && p->flows) {
		p->filter = filter;
		return p;
	}
	pipeline_free(p);
	return NULL;
}

void pipeline_free(struct pipeline *p)
{
	if (!p)
		return;
	while (p->n_outputs) {
		struct output *o = p->outputs[--p->n_outputs];

		o->ops->free(o);
	}
	filter_free(p->filter);
	flow_table_free(p->flows);
	causes_free(p->causes);
	peers_free(p->peers);
	sort_free(p->sort);
	free(p);
}

int pipeline_add_output(struct pipeline *p, struct output *o)
{
	if (!o)
		return -ENOMEM;
	if (p->n_outputs == PIPELINE_OUTPUTS)
		return -ENOSPC;
	p->outputs[p->n_outputs++] = o;
	return 0;
}

void pipeline_hide_existing(struct pipeline *p)
{
	p->hide_existing = true;
}

int pipeline_show_peers(struct pipeline *p)
{
	p->peers = peers_new();
	return p->peers ? 0 : -ENOMEM;
}

int pipeline_header(struct pipeline *p, const struct trace_info *info)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < p->n_outputs && !err; i++)
		err = p->outputs[i]->ops->header(p->outputs[i], info);
	return err;
}

static bool is_hidden(const struct pipeline *p, const struct event *e)
{
	return p->hide_existing && e->type == EVENT_socket;
}

int pipeline_push(void *pipeline, const void *data, size_t size)
{
	struct pipeline *p = pipeline;
	const struct event *e = data;

	if (schema_check(p->schema, data, size)) {
		p->account.malformed++;
		return 0;
	}
	if (is_hidden(p, e))
		p->account.existing++;
	else
		p->account.delivered[e->type]++;
	return sort_push(p->sort, e, size);
}

bool pipeline_done(const struct pipeline *p)
{
	return p->max && p->shown >= p->max;
}

static bool passes(const struct pipeline *p, const struct event *e,
		   const struct flow *flow)
{
	if (pipeline_done(p))
		return false;
	if (e->foreign && !(p->peers && peers_include(e, flow)))
		return false;
	return !p->filter || filter_match(p->filter, e);
}

/* To the outputs, and into the account. */
static int put(struct pipeline *p, struct event *e, struct flow *flow)
{
	bool shown = false;
	unsigned int i;
	int err = 0;

	if (flow)
		flow_number(p->flows, flow);
	for (i = 0; i < p->n_outputs && !err; i++) {
		bool here = true;

		err = p->outputs[i]->ops->event(p->outputs[i], e, flow, &here);
		shown |= here;
	}
	if (shown && !err) {
		p->shown++;
		p->account.shown[e->type]++;
		p->account.late += e->late;
	} else {
		p->account.filtered[e->type]++;
	}
	return err;
}

/* What was filtered when nobody knew that it is of the other end of @flow. */
static int put_kept(struct pipeline *p, struct flow *flow)
{
	struct event *e;
	int err = 0;

	while (!err && (e = peers_next(p->peers, flow))) {
		if (pipeline_done(p) ||
		    (p->filter && !filter_match(p->filter, e)))
			continue;
		e->late = 1;
		p->account.filtered[e->type]--;
		err = put(p, e, flow->pair);
	}
	return err;
}

static int show(struct pipeline *p, struct event *e)
{
	bool stranger = e->foreign ||
			(p->filter && filter_spared(p->filter, e));
	struct flow *flow;
	int err = 0;

	causes_update(p->causes, e);
	flow = flow_update(p->flows, e, stranger);
	if (is_hidden(p, e))
		return 0;
	if (p->peers && flow && !e->foreign)
		err = put_kept(p, flow);
	if (err)
		return err;
	if (passes(p, e, flow))
		return put(p, e, flow);
	if (p->peers && e->foreign)
		peers_keep(p->peers, e);
	p->account.filtered[e->type]++;
	return 0;
}

int pipeline_release(struct pipeline *p, nsec_t until)
{
	struct event *e;
	int err = 0;

	while (!err && (e = sort_pop(p->sort, until)))
		err = show(p, e);
	return err;
}

int pipeline_flush(struct pipeline *p, nsec_t now_ns)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < p->n_outputs && !err; i++)
		err = p->outputs[i]->ops->flush(p->outputs[i], now_ns);
	return err;
}

int pipeline_stats(struct pipeline *p, const struct account *interval,
		   nsec_t now_ns)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < p->n_outputs && !err; i++)
		if (p->outputs[i]->ops->stats)
			err = p->outputs[i]->ops->stats(p->outputs[i], interval,
							now_ns);
	return err;
}

struct account *pipeline_account(struct pipeline *p)
{
	return &p->account;
}

int pipeline_footer(struct pipeline *p)
{
	int err = pipeline_release(p, ~0ull);
	unsigned int i;

	for (i = 0; i < p->n_outputs && !err; i++)
		err = p->outputs[i]->ops->footer(p->outputs[i], &p->account);
	return err;
}

void pipeline_drop(struct pipeline *p)
{
	struct event *e;

	while ((e = sort_pop(p->sort, ~0ull)))
		if (!is_hidden(p, e))
			p->account.filtered[e->type]++;
}
