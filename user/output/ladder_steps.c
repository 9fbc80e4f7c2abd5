// SPDX-License-Identifier: GPL-2.0
/*
 * From events to steps. Where no segments are told of, those are concluded that
 * must have been: what made a change of state was sent, and some changes send
 * something.
 */
#include "output/ladder_build.h"

#include <string.h>

static struct step *add_step(struct ladder *l, const struct ladder_event *at,
			     enum step_kind kind)
{
	struct step *s;

	if (!ladder_grow(l, &l->steps, l->n_steps, &l->room_steps, sizeof(*s)))
		return NULL;
	s = &l->steps[l->n_steps++];
	*s = (struct step){
		.ts = at->e->ts_ns,
		.e = at->e,
		.kind = kind,
		.end = at->end,
		.arrow = -1,
		.times = 1,
	};
	return s;
}

static void add_derived(struct ladder *l, const struct ladder_event *at,
			enum step_kind kind, unsigned int flags)
{
	struct step *s = flags ? add_step(l, at, kind) : NULL;

	if (!s)
		return;
	s->flags = flags;
	s->derived = true;
}

/* The segment that a cause is. */
static unsigned int flags_of_cause(enum cause cause)
{
	switch (cause) {
	case CAUSE_RX_SYN:
		return SEGMENT_FLAG_SYN;
	case CAUSE_RX_SYN_ACK:
		return SEGMENT_FLAG_SYN | SEGMENT_FLAG_ACK;
	case CAUSE_RX_ACK:
		return SEGMENT_FLAG_ACK;
	case CAUSE_RX_FIN:
		return SEGMENT_FLAG_FIN;
	case CAUSE_RX_RST:
		return SEGMENT_FLAG_RST;
	default:
		return 0;
	}
}

/* The segment that a change of state sends. */
static unsigned int flags_sent(const struct event_state *s)
{
	switch (s->new) {
	case TCB_STATE_SYN_SENT:
		return SEGMENT_FLAG_SYN;
	case TCB_STATE_SYN_RECV:
		return s->old == TCB_STATE_SYN_SENT ?
			       SEGMENT_FLAG_SYN | SEGMENT_FLAG_ACK :
			       0;
	case TCB_STATE_ESTABLISHED:
		return s->old == TCB_STATE_SYN_SENT ? SEGMENT_FLAG_ACK : 0;
	case TCB_STATE_FIN_WAIT1:
	case TCB_STATE_LAST_ACK:
		return SEGMENT_FLAG_FIN;
	case TCB_STATE_CLOSE_WAIT:
	case TCB_STATE_CLOSING:
		return SEGMENT_FLAG_ACK;
	case TCB_STATE_TIME_WAIT:
		return s->cause == CAUSE_RX_FIN ? SEGMENT_FLAG_ACK : 0;
	default:
		return 0;
	}
}

/* What was last known of an end, while its events are gone through. */
struct before {
	const struct event_state *state;
	bool reset; /* an RST received has been told of */
};

/* A FIN that also acks ours makes two changes. */
static bool is_fin_ack(const struct event_state *p, const struct event_state *s)
{
	return p->old == TCB_STATE_FIN_WAIT1 && p->cause == CAUSE_RX_ACK &&
	       s->cause == CAUSE_RX_FIN;
}

/* Is it the segment that made the change before, too? */
static bool same_segment(const struct before *b, const struct event_state *s)
{
	const struct event_state *p = b->state;

	if (!p || p->new != s->old ||
	    s->ev.ts_ns - p->ev.ts_ns > LADDER_SAME_NS)
		return false;
	return p->cause == s->cause || is_fin_ack(p, s);
}

/* The next change of the same end, if it comes right after this one. */
static const struct event_state *right_after(const struct ladder *l,
					     const struct ladder_event *at)
{
	const struct ladder_event *next = at + 1;

	for (; next < l->events + l->n_events &&
	       next->e->ts_ns - at->e->ts_ns <= LADDER_SAME_NS;
	     next++)
		if (next->end == at->end && next->e->type == EVENT_state)
			return (const void *)next->e;
	return NULL;
}

static void state_steps(struct ladder *l, const struct ladder_event *at,
			struct before *b)
{
	const struct event_state *s = (const void *)at->e;
	bool derive = !l->end[at->end].segments;
	unsigned int came = flags_of_cause(s->cause);
	const struct event_state *next = right_after(l, at);

	if (next && is_fin_ack(s, next))
		came = SEGMENT_FLAG_FIN;
	if (same_segment(b, s) || (came == SEGMENT_FLAG_RST && b->reset))
		came = 0;
	if (derive)
		add_derived(l, at, STEP_RECEIVED, came);
	add_step(l, at, STEP_STATE);
	if (derive)
		add_derived(l, at, STEP_SENT, flags_sent(s));
	b->state = s;
	b->reset = false;
}

static void reset_steps(struct ladder *l, const struct ladder_event *at,
			struct before *b)
{
	const struct event_reset *r = (const void *)at->e;
	bool derive = !l->end[at->end].segments;

	if (r->direction == DIRECTION_sent) {
		add_step(l, at, STEP_CALL);
		if (derive)
			add_derived(l, at, STEP_SENT, SEGMENT_FLAG_RST);
		return;
	}
	b->reset = true;
	if (derive)
		add_derived(l, at, STEP_RECEIVED, SEGMENT_FLAG_RST);
}

static unsigned int flags_again(const struct event_retransmit *r)
{
	switch (r->kind) {
	case RETRANSMIT_SYN:
		return SEGMENT_FLAG_SYN;
	case RETRANSMIT_SYN_ACK:
		return SEGMENT_FLAG_SYN | SEGMENT_FLAG_ACK;
	default:
		return r->len ? SEGMENT_FLAG_PSH : SEGMENT_FLAG_FIN;
	}
}

/* The last so many steps hold the call that the event belongs to, if any do. */
#define CALLS_BACK 64

/* The end of a call, if that is all there is to see of it and soon. */
static const struct event_call *ends_soon(const struct ladder *l,
					  const struct ladder_event *at)
{
	const struct event_call *enter = (const void *)at->e, *c;
	const struct ladder_event *next = at + 1;

	for (; next < l->events + l->n_events &&
	       next->e->ts_ns - at->e->ts_ns <= LADDER_TOGETHER_NS;
	     next++) {
		c = (const void *)next->e;
		if (next->end == at->end && next->e->type == EVENT_call &&
		    c->call == enter->call && c->phase == CALL_PHASE_exit)
			return c;
	}
	return NULL;
}

/* Has the step where the call began told of this, too? */
static bool told(const struct ladder *l, const struct event *e)
{
	size_t i = l->n_steps > CALLS_BACK ? l->n_steps - CALLS_BACK : 0;

	for (; i < l->n_steps; i++)
		if (l->steps[i].e == e || l->steps[i].last == e)
			return true;
	return false;
}

/* Does the call only wait, or ask whether it has to? */
static bool is_waiting(const struct event_call *c)
{
	return (c->op >= CALL_poll && c->op <= CALL_pselect6) ||
	       (c->op >= CALL_epoll_wait && c->op <= CALL_getsockopt);
}

/* Has it found nothing, as far as it has come? */
static bool in_vain(const struct event_call *c)
{
	return is_waiting(c) && !c->err && !c->ready &&
	       (!c->result || c->result == CALL_NO_VALUE);
}

static bool is_same(const struct event_call *a, const struct event_call *b)
{
	return a->phase == b->phase && a->op == b->op && a->err == b->err &&
	       a->result == b->result && a->ready == b->ready;
}

/*
 * The same call over and over, or one that waits in vain after others that
 * wait, with nothing else at that end in between.
 */
static bool repeats(struct ladder *l, const struct ladder_event *at,
		    const struct event_call *c)
{
	const struct event_call *last;
	size_t i = l->n_steps;
	struct step *s;

	while (i-- && l->n_steps - i < CALLS_BACK) {
		s = &l->steps[i];
		if (s->end != at->end)
			continue;
		last = (const void *)s->e;
		if (s->e->type != EVENT_call ||
		    (!is_same(last, c) && !(in_vain(c) && in_vain(last))))
			return false;
		s->times += c->phase == CALL_PHASE_exit || is_same(last, c);
		s->last = &c->ev;
		return true;
	}
	return false;
}

/* A call is one step if it takes no time, with its result; else two. */
static void call_steps(struct ladder *l, const struct ladder_event *at)
{
	const struct event_call *c = (const void *)at->e, *end;
	struct step *s;

	if (c->phase != CALL_PHASE_enter) {
		if (!told(l, at->e) && !repeats(l, at, c))
			add_step(l, at, STEP_RETURN);
		return;
	}
	/* connect() is done when the peer has answered: that comes between */
	end = c->op == CALL_connect ? NULL : ends_soon(l, at);
	if (repeats(l, at, end ? end : c))
		return;
	s = add_step(l, at, STEP_CALL);
	if (s && end)
		s->e = &end->ev;
}

static void event_steps(struct ladder *l, const struct ladder_event *at,
			struct before *b)
{
	const void *e = at->e;

	switch (at->e->type) {
	case EVENT_state:
		state_steps(l, at, b);
		break;
	case EVENT_reset:
		reset_steps(l, at, b);
		break;
	case EVENT_retransmit:
		add_step(l, at, STEP_CALL);
		if (!l->end[at->end].segments)
			add_derived(l, at, STEP_SENT, flags_again(e));
		break;
	case EVENT_segment:
		add_step(l, at,
			 ((const struct event_segment *)e)->direction ==
					 DIRECTION_sent ?
				 STEP_SENT :
				 STEP_RECEIVED);
		break;
	case EVENT_call:
		call_steps(l, at);
		break;
	default:
		add_step(l, at, STEP_RETURN);
	}
}

/* What can be said of the ends before anything is drawn. */
static void find_ends(struct ladder *l)
{
	const struct ladder_event *at = l->events;
	struct ladder_end *end;

	for (; at < l->events + l->n_events; at++) {
		const struct event_state *s = (const void *)at->e;
		const struct event_socket *x = (const void *)at->e;
		char owner[CELL_TEXT];

		end = &l->end[at->end];
		end->here = true;
		end->segments |= at->e->type == EVENT_segment;
		cell_owner(at->e, owner);
		if (*owner)
			strcpy(end->owner, owner);
		if (!*end->address || at->e->rport ||
		    (at->e->lport && !l->events->e->rport))
			cell_end(at->e->family, &at->e->laddr, at->e->lport,
				 end->address);
		if (!*l->end[!at->end].address && at->e->rport)
			cell_end(at->e->family, &at->e->raddr, at->e->rport,
				 l->end[!at->end].address);
		if (!end->first && at->e->type == EVENT_state)
			end->first = s->old;
		if (!end->first && at->e->type == EVENT_socket)
			end->first = x->state;
	}
}

/* The step where the segment came that made the change; NULL: not just before.
 */
static struct step *cause_of(struct ladder *l, const struct step *s)
{
	const __u64 number = ((const struct event_state *)s->e)->cause_segment;
	struct step *at = (struct step *)s;

	while (number && at-- > l->steps &&
	       s->ts - at->ts <= LADDER_TOGETHER_NS)
		if (at->end == s->end && at->e->type == EVENT_segment &&
		    ((const struct event_segment *)at->e)->segment == number)
			return at;
	return NULL;
}

/*
 * A change of state goes right behind the segment that made it, whatever has
 * come in between, while another process had the socket. A second one has no
 * room there.
 */
static void join_causes(struct ladder *l)
{
	struct step *s, *at, moved;

	for (s = l->steps; s < l->steps + l->n_steps; s++) {
		at = s->kind == STEP_STATE ? cause_of(l, s) : NULL;
		if (!at || (++at)->kind == STEP_STATE)
			continue;
		moved = *s;
		memmove(at + 1, at, (char *)s - (char *)at);
		*at = moved;
	}
}

void ladder_steps(struct ladder *l)
{
	struct before before[2] = {};
	size_t i;

	find_ends(l);
	for (i = 0; i < l->n_events && !l->failed; i++)
		event_steps(l, &l->events[i], &before[l->events[i].end]);
	if (!l->failed)
		join_causes(l);
}
