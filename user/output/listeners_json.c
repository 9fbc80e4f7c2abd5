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

static void print_waiting(struct json *j, const struct listener *l,
			  const struct listeners_view *v)
{
	const struct listener_child *child;

	json_text(j, ",\"waiting\":[");
	TAILQ_FOREACH(child, &l->waiting, next)
	{
		json_text(j, child == TAILQ_FIRST(&l->waiting) ?
				     "{\"cookie\":" :
				     ",{\"cookie\":");
		json_number(j, child->cookie);
		member_addr(j, "raddr", child->ev.family, &child->ev.raddr);
		json_member(j, "rport", child->ev.rport);
		json_member(j, "age_ns", v->end - child->ev.ts_ns);
		json_text(j, "}");
	}
	json_text(j, "]");
}

static void print_sums(struct json *j, const struct listener *l,
		       const struct listeners_view *v)
{
	const struct spans *wait = &l->last.wait;
	char advice[LISTENERS_ADVICE];

	json_member(j, "peak", l->last.peak);
	json_member(j, "full", l->last.full);
	json_member(j, "completed", l->last.completed);
	json_member(j, "accepted", l->last.accepted);
	json_member(j, "syn_ack_resent", l->last.resent);
	member_if(j, "wait_p50_ns", spans_percentile(wait, 50), ~0ull);
	member_if(j, "wait_p99_ns", spans_percentile(wait, 99), ~0ull);
	if (wait->n)
		json_member(j, "wait_max_ns", wait->max);
	json_member(j, "all_completed", l->all.completed);
	json_member(j, "all_accepted", l->all.accepted);
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
	member_if(j, "asked", l->asked, ~0u);
	if (v->watched) {
		print_sums(j, l, v);
		print_waiting(j, l, v);
	}
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
