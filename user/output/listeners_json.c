// SPDX-License-Identifier: GPL-2.0
/* Listeners as one JSON object; what is unknown is absent. */
#include "lib/json.h"
#include "output/listeners.h"

#include <string.h>

static void member_if(struct json *j, const char *name, uint64_t value,
		      uint64_t unknown)
{
	if (value != unknown)
		json_member(j, name, value);
}

static void member_addr(struct json *j, const char *name, enum family family,
			const addr_t *addr)
{
	char text[SCHEMA_ADDR_LEN];

	json_member_text(j, name, schema_addr(family, addr, text));
}

static void print_child(struct json *j, const struct listener_child *child,
			const struct listeners_view *v)
{
	json_text(j, "{\"cookie\":");
	json_number(j, child->cookie);
	member_addr(j, "raddr", child->ev.family, &child->ev.raddr);
	json_member(j, "rport", child->ev.rport);
	if (child->ev.ts_ns) {
		json_member(j, "age_ns", v->end - child->ev.ts_ns);
		json_member_text(j, "age_how",
				 schema_name(v->schema, EVENT_queue, "wait_how",
					     child->age_how));
	}
	member_if(j, "unread", child->unread, ~0u);
	if (child->state)
		json_member_text(j, "state",
				 schema_name(v->schema, EVENT_queue, "state",
					     child->state));
	json_text(j, "}");
}

static void print_waiting(struct json *j, const struct listener *l,
			  const struct listeners_view *v)
{
	const struct listener_child *child;

	json_text(j, ",\"waiting\":[");
	TAILQ_FOREACH(child, &l->waiting, next)
	{
		if (child != TAILQ_FIRST(&l->waiting))
			json_text(j, ",");
		print_child(j, child, v);
	}
	json_text(j, "]");
}

static void print_rules(struct json *j, const struct listener_sums *sums,
			const struct schema *schema)
{
	const char *comma = "";
	unsigned int i;

	json_name(j, "dropped_by");
	json_text(j, "{");
	for (i = 0; i < LISTENER_RULES; i++) {
		if (!sums->dropped_by[i])
			continue;
		json_text(j, comma);
		json_text(j, "\"");
		json_text(j, i ? schema_name(schema, EVENT_queue, "rule", i) :
				 "unknown");
		json_text(j, "\":");
		json_number(j, sums->dropped_by[i]);
		comma = ",";
	}
	json_text(j, "}");
}

static void print_sums(struct json *j, const struct listener_sums *sums,
		       const struct schema *schema)
{
	const struct spans *wait = &sums->wait;

	json_member(j, "completed", sums->completed);
	json_member(j, "accepted", sums->accepted);
	json_member(j, "peak", sums->peak);
	json_member(j, "full", sums->full);
	member_if(j, "wait_p50_ns", spans_percentile(wait, 50), ~0ull);
	member_if(j, "wait_p99_ns", spans_percentile(wait, 99), ~0ull);
	if (wait->n)
		json_member(j, "wait_max_ns", wait->max);
	json_member(j, "syn_queued", sums->queued);
	json_member(j, "syn_ack_resent", sums->resent);
	json_member(j, "expired", sums->expired);
	json_member(j, "reset", sums->reset);
	json_member(j, "cookies_sent", sums->cookies_sent);
	json_member(j, "cookies_accepted", sums->cookies_accepted);
	json_member(j, "dropped", sums->dropped);
	print_rules(j, sums, schema);
	json_member(j, "sk_drops", sums->sk_drops);
}

/* What has happened in the interval, and since the beginning. */
static void print_watched(struct json *j, const struct listener *l,
			  const struct listeners_view *v)
{
	char advice[LISTENERS_WORDS];

	print_sums(j, &l->last, v->schema);
	json_text(j, ",\"all\":{\"time_ns\":");
	json_number(j, v->end - v->start);
	print_sums(j, &l->all, v->schema);
	json_text(j, "}");
	print_waiting(j, l, v);
	if (listeners_advice(l, v, advice))
		json_member_text(j, "advice", advice);
}

static void print_listener(struct json *j, const struct listener *l,
			   const struct listeners_view *v)
{
	json_text(j, "{\"cookie\":");
	json_number(j, l->cookie);
	member_addr(j, "laddr", l->ev.family, &l->ev.laddr);
	json_member(j, "lport", l->ev.lport);
	json_member(j, "netns", l->ev.netns);
	if (l->ev.pid) {
		json_member(j, "pid", l->ev.pid);
		json_name(j, "comm");
		json_string(j, l->ev.comm,
			    strnlen(l->ev.comm, sizeof(l->ev.comm)));
	}
	member_if(j, "syn", l->syn, ~0u);
	member_if(j, "accept", l->accept, ~0u);
	json_member(j, "limit", l->limit);
	if (l->depth_how)
		json_member_text(j, "depth_how",
				 schema_name(v->schema, EVENT_queue,
					     "depth_how", l->depth_how));
	member_if(j, "asked", l->asked, ~0u);
	member_if(j, "somaxconn", l->somaxconn, ~0u);
	if (v->watched)
		print_watched(j, l, v);
	json_text(j, "}");
}

void listeners_json_print(FILE *file, const struct listeners *l,
			  const struct listeners_view *v)
{
	struct json j = { .file = file };
	size_t i;

	json_text(&j, "{\"interval_ns\":");
	json_number(&j, v->end - v->begin);
	json_text(&j, ",\"listeners\":[");
	for (i = 0; i < l->n; i++) {
		json_text(&j, i ? "," : "");
		print_listener(&j, l->listener[i], v);
	}
	json_text(&j, "]}\n");
	json_write(&j);
}
