// SPDX-License-Identifier: GPL-2.0
/*
 * Which call or segment fits is asked for each transition by a rule of its own,
 * which knows nothing of what bpf/cause.h has found: a test holds both against
 * each other.
 */
#include "event/cause_seen.h"

#include <errno.h>
#include <stddef.h>

#define CLOSE_LATE_NS 500000000ull
#define FIN_WAIT2_LINGER_NS 500000000ull /* longer takes a timer */

#define OP(name) (1ull << CALL_##name)
#define OPS_CLOSE (OP(close) | OP(shutdown) | OP(dup2) | OP(dup3))
#define OPS_OPEN (OP(connect) | OP(sendto) | OP(sendmsg) | OP(sendmmsg))

/* Is it going on, or is it one that the kernel has not got to? */
static bool acts(const struct going *g, nsec_t now)
{
	return !g->over ||
	       (cause_acts_late(g) && now - g->ended < CLOSE_LATE_NS);
}

/* Calls of these operations that act at a socket; @used: if they have before. */
static void add_acting(struct candidates *found, const struct causes *causes,
		       __u64 cookie, nsec_t now, __u64 ops, bool used)
{
	struct going *g;
	unsigned int i;

	g = cookie ? cause_calls(causes, cookie) : NULL;
	for (i = 0; g && i < CAUSE_WAYS; i++, g++) {
		if (!g->number || g->cookie != cookie || !acts(g, now) ||
		    g->used != used || !(ops & 1ull << g->op))
			continue;
		found->call = g;
		found->n++;
	}
}

/* What a call had to do it has mostly done in its first transition. */
static void add_calls(struct candidates *found, const struct causes *causes,
		      __u64 cookie, nsec_t now, __u64 ops)
{
	add_acting(found, causes, cookie, now, ops, false);
}

/* A shutdown() that has returned, if nothing is going on. */
static void add_shutdown(struct candidates *found, const struct causes *causes,
			 __u64 cookie)
{
	struct going *g;
	unsigned int i;

	g = found->n ? NULL : cause_calls(causes, cookie);
	for (i = 0; g && i < CAUSE_WAYS; i++, g++) {
		if (!g->number || g->cookie != cookie || !g->over || g->used ||
		    g->op != CALL_shutdown)
			continue;
		found->call = g;
		found->n++;
	}
}

/* connect() to nobody disconnects; to somebody it only opens. */
static void add_disconnect(struct candidates *found,
			   const struct causes *causes, __u64 cookie)
{
	struct candidates connects = {};

	add_calls(&connects, causes, cookie, 0, OP(connect));
	if (connects.n && !connects.call->disconnects)
		return;
	if (connects.n)
		found->call = connects.call;
	found->n += connects.n;
}

struct pattern {
	__u8 set, clear; /* flags */
	__u32 states;	 /* bits of them; 0: any */
	__u32 ack;	 /* at least; 0: any */
	bool last;	 /* the last one, however many there are */
};

#define IN(state) (1u << TCB_STATE_##state)

static bool fits(const struct heard *h, const struct pattern *p)
{
	return h->number && (h->flags & p->set) == p->set &&
	       !(h->flags & p->clear) &&
	       (!p->states || p->states & 1u << h->state) &&
	       (!p->ack ||
		(h->ack != SEGMENT_UNKNOWN && (__s32)(h->ack - p->ack) >= 0));
}

static void add_segments(struct candidates *found, const struct connection *c,
			 const struct pattern *p)
{
	const struct heard *last = NULL;
	unsigned int i;

	for (i = 0; i < CAUSE_SEGMENTS; i++) {
		const struct heard *h = &c->heard[(c->n + i) % CAUSE_SEGMENTS];

		if (!fits(h, p))
			continue;
		if (!last || !p->last)
			found->n++;
		last = h;
	}
	if (last)
		found->segment = *last;
}

#define SEGMENTS(found, c, ...) \
	add_segments(found, c, &(const struct pattern){ __VA_ARGS__ })

/* What the listener takes from the network is done with at once. */
static enum cause to_syn_recv(struct candidates *found, struct connection *c,
			      const struct event_state *s)
{
	if (s->old == TCB_STATE_SYN_SENT) {
		SEGMENTS(found, c, .set = SYN, .clear = ACK | RST,
			 .states = IN(SYN_SENT));
		return CAUSE_RX_SYN;
	}
	SEGMENTS(found, c, .clear = RST, .states = IN(LISTEN), .last = true);
	return found->segment.flags & SYN ? CAUSE_RX_SYN : CAUSE_RX_ACK;
}

static enum cause to_established(struct candidates *found, struct connection *c,
				 const struct event_state *s)
{
	if (s->old == TCB_STATE_SYN_SENT) {
		SEGMENTS(found, c, .set = SYN | ACK, .clear = RST, .ack = 1,
			 .states = IN(SYN_SENT));
		return CAUSE_RX_SYN_ACK;
	}
	SEGMENTS(found, c, .set = ACK, .clear = RST | SYN, .states = IN(LISTEN),
		 .last = true);
	SEGMENTS(found, c, .set = ACK, .clear = RST, .states = IN(SYN_RECV));
	return found->segment.flags & SYN ? CAUSE_RX_SYN_ACK : CAUSE_RX_ACK;
}

/* FIN_WAIT1 -> CLOSING: a FIN that does not ack this end's. */
static enum cause to_closing(struct candidates *found, struct connection *c)
{
	struct candidates acks = {};

	SEGMENTS(found, c, .set = FIN, .clear = RST);
	if (c->fin_end)
		SEGMENTS(&acks, c, .set = FIN, .clear = RST, .ack = c->fin_end);
	if (found->n == 1 && acks.n)
		found->n = 0;
	return CAUSE_RX_FIN;
}

static enum cause to_fin_wait2(struct candidates *found, struct connection *c,
			       const struct event_state *s)
{
	if (c->fin_end)
		SEGMENTS(found, c, .set = ACK, .clear = RST, .ack = c->fin_end);
	if (found->n == 1) {
		c->fin_acked_by = found->segment.number;
		c->fin_acked_at = s->ev.ts_ns;
	}
	return CAUSE_RX_ACK;
}

/*
 * An ACK of the FIN of a closed socket makes two transitions: out of FIN_WAIT1,
 * and at once out of FIN_WAIT2. What else has come may have made the second, or
 * a call that has begun in between.
 */
static void add_fin_acked(struct candidates *found, const struct connection *c,
			  const struct event_state *s)
{
	const struct heard *last;

	last = &c->heard[(c->n + CAUSE_SEGMENTS - 1) % CAUSE_SEGMENTS];
	if (!c->fin_acked_by || last->number != c->fin_acked_by ||
	    s->ev.ts_ns - c->fin_acked_at > FIN_WAIT2_LINGER_NS ||
	    (found->call && found->call->since > c->fin_acked_at))
		return;
	found->segment = *last;
	found->n++;
}

/*
 * Such an ACK that comes while close() runs leaves the second transition to it.
 * Whether it still had the lock only bpf/cause.h has seen.
 */
static bool has_lock(const struct event_state *s)
{
	return s->cause_how == HOW_observed && s->cause >= CAUSE_CALL &&
	       s->cause <= CAUSE_CALL_IO_URING;
}

static enum cause to_time_wait(struct candidates *found,
			       const struct causes *causes,
			       struct connection *c,
			       const struct event_state *s)
{
	if (s->old == TCB_STATE_CLOSING) {
		if (c->fin_end)
			SEGMENTS(found, c, .set = ACK, .clear = RST,
				 .ack = c->fin_end);
		return CAUSE_RX_ACK;
	}
	if (s->tw_substate == TCB_STATE_TIME_WAIT) {
		SEGMENTS(found, c, .set = FIN, .clear = RST);
		return CAUSE_RX_FIN;
	}
	add_calls(found, causes, s->ev.cookie, s->ev.ts_ns, OPS_CLOSE);
	if (has_lock(s))
		add_acting(found, causes, s->ev.cookie, s->ev.ts_ns, OPS_CLOSE,
			   true);
	else
		add_fin_acked(found, c, s);
	return CAUSE_RX_ACK;
}

/* Calls leave no error. A child is closed with its listener. */
static void add_closing(struct candidates *found, const struct causes *causes,
			const struct connection *c, const struct event_state *s)
{
	add_calls(found, causes, s->ev.cookie, s->ev.ts_ns, OPS_CLOSE);
	add_disconnect(found, causes, s->ev.cookie);
	if (c && c->listener != s->ev.cookie)
		add_calls(found, causes, c->listener, s->ev.ts_ns, OPS_CLOSE);
}

static enum cause to_close(struct candidates *found,
			   const struct causes *causes, struct connection *c,
			   const struct event_state *s)
{
	if (s->err && s->err != ECONNREFUSED && s->err != ECONNRESET &&
	    s->err != EPIPE)
		return CAUSE_NONE; /* a timer, or the network */
	if (!s->err && s->old != TCB_STATE_LAST_ACK)
		add_closing(found, causes, c, s);
	if (!c)
		return CAUSE_NONE;
	SEGMENTS(found, c, .set = RST);
	if (found->segment.number)
		return CAUSE_RX_RST;
	if (s->old == TCB_STATE_FIN_WAIT2)
		add_fin_acked(found, c, s);
	else if (s->old == TCB_STATE_LAST_ACK && c->fin_end)
		SEGMENTS(found, c, .set = ACK, .clear = RST, .ack = c->fin_end);
	return CAUSE_RX_ACK;
}

enum cause cause_candidates(struct candidates *found,
			    const struct causes *causes, struct connection *c,
			    const struct event_state *s)
{
	switch (s->new) {
	case TCB_STATE_SYN_SENT:
		add_calls(found, causes, s->ev.cookie, s->ev.ts_ns, OPS_OPEN);
		return CAUSE_NONE;
	case TCB_STATE_LISTEN:
		add_calls(found, causes, s->ev.cookie, s->ev.ts_ns, OP(listen));
		return CAUSE_NONE;
	case TCB_STATE_FIN_WAIT1:
	case TCB_STATE_LAST_ACK:
		add_calls(found, causes, s->ev.cookie, s->ev.ts_ns, OPS_CLOSE);
		add_shutdown(found, causes, s->ev.cookie);
		return CAUSE_NONE;
	case TCB_STATE_CLOSE:
		return to_close(found, causes, c, s);
	default:
		break;
	}
	if (!c)
		return CAUSE_NONE;
	switch (s->new) {
	case TCB_STATE_SYN_RECV:
		return to_syn_recv(found, c, s);
	case TCB_STATE_ESTABLISHED:
		return to_established(found, c, s);
	case TCB_STATE_CLOSE_WAIT:
		SEGMENTS(found, c, .set = FIN, .clear = RST);
		return CAUSE_RX_FIN;
	case TCB_STATE_CLOSING:
		return to_closing(found, c);
	case TCB_STATE_FIN_WAIT2:
		return to_fin_wait2(found, c, s);
	case TCB_STATE_TIME_WAIT:
		return to_time_wait(found, causes, c, s);
	default:
		return CAUSE_NONE;
	}
}
