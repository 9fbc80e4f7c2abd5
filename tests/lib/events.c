// SPDX-License-Identifier: GPL-2.0
/* Fills in what an event needs to pass the schema check. */
#include "events.h"

#include "input/input.h"
#include <string.h>

struct schema *events_schema(void)
{
	struct input_bpf *in = input_bpf_open(false);
	struct schema *schema = in ? schema_new(input_bpf_btf(in)) : NULL;

	input_bpf_free(in);
	return schema;
}

static struct event common(enum event_type type, nsec_t ts, __u64 cookie,
			   port_t lport, port_t rport)
{
	struct event e = {
		.ts_ns = ts,
		.cookie = cookie,
		.cgroup = 7,
		.netns = 1,
		.pid = 100,
		.tid = 101,
		.uid = 1000,
		.lport = lport,
		.rport = rport,
		.laddr.byte = { 10, 0, 0, 1 },
		.raddr.byte = { 10, 0, 0, 2 },
		.comm = "app",
		.type = type,
		.family = FAMILY_INET,
		.how = HOW_observed,
		.owner_how = HOW_observed,
	};

	return e;
}

struct event_state events_state(nsec_t ts, __u64 cookie, port_t lport,
				port_t rport, enum tcb_state old,
				enum tcb_state new)
{
	struct event_state s = {
		.ev = common(EVENT_state, ts, cookie, lport, rport),
		.old = old,
		.new = new,
	};

	return s;
}

struct event_state events_other_end(nsec_t ts, __u64 cookie, port_t lport,
				    port_t rport, enum tcb_state old,
				    enum tcb_state new)
{
	struct event_state s = events_state(ts, cookie, lport, rport, old, new);

	s.ev.laddr.byte[3] = 2;
	s.ev.raddr.byte[3] = 1;
	s.ev.netns = 2;
	return s;
}

struct event_window events_window(nsec_t ts, __u64 cookie, segs_t old_cwnd,
				  segs_t cwnd)
{
	struct event_window w = {
		.ev = common(EVENT_window, ts, cookie, 2000, 2001),
		.w.cwnd = cwnd,
		.old_cwnd = old_cwnd,
		.undone = NOT_UNDONE,
		.w.ssthresh = 0x7fffffff,
		.w.min_rtt_us = 0xffffffff,
		.w.pacing_rate = ~0ull,
		.w.mss = 1448,
		.at = WINDOW_AT_ack,
		.state = TCB_STATE_ESTABLISHED,
		.w.ca_name = "reno",
	};

	return w;
}

struct event_retransmit events_retransmit(nsec_t ts, __u64 cookie)
{
	struct event_retransmit r = {
		.ev = common(EVENT_retransmit, ts, cookie, 2000, 2001),
		.start = 1,
		.end = 2,
		.len = 1,
		.segs = 1,
		.retrans = 1,
		.rto_us = 204000,
		.cwnd = 1,
		.kind = RETRANSMIT_RTO,
		.kind_how = HOW_observed,
		.cause = CAUSE_TIMER_RETRANSMIT,
		.cause_how = HOW_observed,
		.ca_state = CA_STATE_Loss,
		.state = TCB_STATE_ESTABLISHED,
		.nth = 1,
	};

	return r;
}

struct event_reset events_reset(nsec_t ts, __u64 cookie)
{
	struct event_reset r = {
		.ev = common(EVENT_reset, ts, cookie, 2000, 2001),
		.direction = DIRECTION_sent,
		.cause = CAUSE_CALL_CLOSE,
		.cause_how = HOW_observed,
		.kind = KIND_unread_data,
		.kind_how = HOW_observed,
		.state = TCB_STATE_ESTABLISHED,
		.unread = 5,
		.why = { .reason_nr = 11, .reason = "TCP_ABORT_ON_CLOSE" },
	};

	return r;
}

struct event_drop events_drop(nsec_t ts, __u64 cookie)
{
	struct event_drop d = {
		.ev = common(EVENT_drop, ts, cookie, 2000, 2001),
		.direction = DIRECTION_received,
		.state = TCB_STATE_ESTABLISHED,
		.flags = 0x18,
		.tcp_seq = 1234567,
		.len = 100,
		.why = { .reason_nr = 10, .reason = "TCP_CSUM" },
	};

	return d;
}

struct filter_facts events_facts(const union event_any *e)
{
	struct filter_facts x = {
		.pid = e->ev.pid,
		.uid = e->ev.uid,
		.netns = e->ev.netns,
		.types = 1u << e->ev.type,
		.lport = FILTER_PORT(e->ev.lport),
		.rport = FILTER_PORT(e->ev.rport),
		.family = e->ev.family,
		.within = e->ev.within,
		.new = 1u << e->window.state % 32,
	};

	if (e->ev.type == EVENT_state) {
		x.old = 1u << e->state.old;
		x.new = 1u << e->state.new;
	} else if (e->ev.type == EVENT_reset) {
		x.new = 1u << e->reset.state % 32;
	} else if (e->ev.type == EVENT_drop) {
		x.new = 1u << e->drop.state % 32;
	}
	memcpy(x.laddr.u8, e->ev.laddr.byte, sizeof(x.laddr));
	memcpy(x.raddr.u8, e->ev.raddr.byte, sizeof(x.raddr));
	memcpy(x.comm.u8, e->ev.comm, sizeof(x.comm));
	return x;
}

void events_mend(const struct schema *schema, union event_any *e)
{
	const struct schema_type *type;
	unsigned int i;

	while (e->ev.type >= EVENT_TYPES || !schema->types[e->ev.type].n)
		e->ev.type = (e->ev.type + 1) % EVENT_TYPES;
	type = &schema->types[e->ev.type];
	for (i = 0; i < type->n_enums; i++) {
		const struct schema_field *f = &type->fields[type->enums[i]];
		unsigned char *value = (unsigned char *)e + f->offset;

		/* enums are of one byte, ENUM8 */
		while (!schema_enum_name(f->values, *value))
			*value = (*value + 1) % f->values->n;
	}
}
