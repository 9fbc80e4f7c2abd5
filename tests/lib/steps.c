// SPDX-License-Identifier: GPL-2.0
/* Each event is made of what matters in it; all else is absent. */
#include "tests/lib/steps.h"

#include "tests/lib/events.h"
#include "tests/lib/page.h"

void steps_end(struct event *e, unsigned int end)
{
	struct event_state s = end ? events_other_end(e->ts_ns, 2, 2001, 2000,
						      1, 1) :
				     events_state(e->ts_ns, 1, 2000, 2001, 1,
						  1);
	enum event_type type = e->type;

	*e = s.ev;
	e->type = type;
}

struct event_state steps_state(const struct step *c)
{
	struct event_state s = {
		.ev = { .ts_ns = PAGE_START + c->us * 1000ull,
			.type = EVENT_state },
		.old = c->old,
		.new = c->new,
		.cause = c->cause,
		.cause_how = HOW_observed,
		.kind = c->kind,
		.err = c->err,
	};

	steps_end(&s.ev, c->end);
	if (c->new == TCB_STATE_TIME_WAIT)
		s.ev.how = HOW_derived;
	return s;
}

void steps_changes(struct pipeline *p, const struct step *c, unsigned int n)
{
	for (; n--; c++) {
		struct event_state s = steps_state(c);

		pipeline_push(p, &s, sizeof(s));
	}
}

void steps_segment(struct pipeline *p, unsigned int us, unsigned int end,
		   unsigned int later, __u8 flags, __u32 seq, __u32 len,
		   __u32 ack)
{
	struct event_segment g = {
		.ev = { .ts_ns = PAGE_START + us * 1000ull,
			.type = EVENT_segment },
		.tcp_seq = seq,
		.end = seq + len +
		       !!(flags & (SEGMENT_FLAG_SYN | SEGMENT_FLAG_FIN)),
		.ack = flags & SEGMENT_FLAG_ACK ? ack : SEGMENT_UNKNOWN,
		.len = len,
		.segs = 1,
		.window = 65160,
		.mss = flags & SEGMENT_FLAG_SYN ? 1460 : 0,
		.sack1_start = SEGMENT_UNKNOWN,
		.sack2_start = SEGMENT_UNKNOWN,
		.sack3_start = SEGMENT_UNKNOWN,
		.sack4_start = SEGMENT_UNKNOWN,
		.direction = DIRECTION_sent,
		.flags = flags,
		.wscale = 255,
	};

	steps_end(&g.ev, end);
	pipeline_push(p, &g, sizeof(g));
	if (!later)
		return;
	g.ev.ts_ns += later * 1000ull;
	g.direction = DIRECTION_received;
	steps_end(&g.ev, !end);
	pipeline_push(p, &g, sizeof(g));
}

void steps_call(struct pipeline *p, unsigned int us, unsigned int end,
		enum call_op op, __u64 number, unsigned int takes, __s64 result)
{
	struct event_call c = {
		.ev = { .ts_ns = PAGE_START + us * 1000ull,
			.type = EVENT_call },
		.call = number,
		.duration_ns = ~0ull,
		.result = CALL_NO_VALUE,
		.len = ~0ull,
		.optval = CALL_NO_VALUE,
		.op = op,
		.phase = CALL_PHASE_enter,
		.via = CALL_VIA_syscall,
		.shut = 255,
		.fd = 5,
		.epfd = ~0u,
		.backlog = ~0u,
		.level = ~0u,
		.optname = ~0u,
	};

	steps_end(&c.ev, end);
	pipeline_push(p, &c, sizeof(c));
	c.ev.ts_ns += takes * 1000ull;
	c.duration_ns = takes * 1000ull;
	c.result = result;
	c.phase = CALL_PHASE_exit;
	pipeline_push(p, &c, sizeof(c));
}

void steps_queue(struct pipeline *p, unsigned int us, enum queue_op op,
		 __u32 accept)
{
	struct event_queue q = {
		.ev = { .ts_ns = PAGE_START + us * 1000ull,
			.type = EVENT_queue },
		.listener = 3,
		.wait_ns = ~0ull,
		.syn = 0,
		.young = 0,
		.accept = accept,
		.limit = 128,
		.asked = ~0u,
		.fd = ~0u,
		.op = op,
		.depth_how = HOW_observed,
	};

	steps_end(&q.ev, 1);
	pipeline_push(p, &q, sizeof(q));
}

void steps_half(struct pipeline *p, unsigned int us, unsigned int end,
		bool came, __u64 number, __u8 flags, __u32 seq, __u32 ack)
{
	struct event_segment g = {
		.ev = { .ts_ns = PAGE_START + us * 1000ull,
			.type = EVENT_segment },
		.segment = number,
		.tcp_seq = seq,
		.end = seq + !!(flags & (SEGMENT_FLAG_SYN | SEGMENT_FLAG_FIN)),
		.ack = flags & SEGMENT_FLAG_ACK ? ack : SEGMENT_UNKNOWN,
		.window = SEGMENT_UNKNOWN,
		.sack1_start = SEGMENT_UNKNOWN,
		.direction = came ? DIRECTION_received : DIRECTION_sent,
		.flags = flags,
	};

	steps_end(&g.ev, end);
	pipeline_push(p, &g, sizeof(g));
}
