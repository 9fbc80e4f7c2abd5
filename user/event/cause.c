// SPDX-License-Identifier: GPL-2.0
/*
 * Which call or segment fits is asked for each transition by a rule of its own,
 * which knows nothing of what bpf/cause.h has found: a test holds both against
 * each other. The tables are caches of a fixed size; what is thrown out of them
 * costs numbers of causes, never wrong ones.
 */
#include "event/cause.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define WAYS 4 /* places that a thing may have in a cache */

#define CLOSE_LATE_NS 500000000ull
#define FIN_WAIT2_LINGER_NS 500000000ull /* longer takes a timer */

#define FIN 0x01
#define SYN 0x02
#define RST 0x04
#define ACK 0x10

struct key {
	addr_t laddr, raddr;
	__u32 netns;
	port_t lport, rport;
};

/* A segment that has come. */
struct heard {
	__u64 number; /* 0: none */
	__u32 ack;
	__u8 flags;
	enum tcb_state state; /* of the socket, before */
};

struct connection {
	struct key key;
	nsec_t used; /* 0: never */
	struct heard heard[CAUSE_SEGMENTS];
	unsigned int n; /* how many have come; the last ones are there */
	__u64 listener; /* that it was of; 0: of none, or not known */
	__u32 fin_end;	/* what acks this end's FIN; 0: it has sent none */
	__u64 fin_acked_by;
	nsec_t fin_acked_at;
};

/* A call that is going on, or is over and may still have an effect. */
struct going {
	__u64 number; /* 0: none */
	__u64 cookie;
	nsec_t since, ended;
	enum call_op op;
	bool io_uring, disconnects, sends_fin;
	bool over, used; /* it has made a transition */
};

struct causes {
	struct connection *connections; /* NULL: no segment has come yet */
	struct going *calls;		/* NULL: no call yet */
};

/* What a transition may have been made by. */
struct candidates {
	struct heard segment;
	struct going *call;
	unsigned int n;
};

struct causes *causes_new(void)
{
	return calloc(1, sizeof(struct causes));
}

void causes_free(struct causes *causes)
{
	if (!causes)
		return;
	free(causes->connections);
	free(causes->calls);
	free(causes);
}

/* FNV-1a, of which the high bits depend on all. */
static size_t hash(const void *key, size_t size, size_t n)
{
	const unsigned char *byte = key;
	__u64 h = 14695981039346656037ull;

	while (size--)
		h = (h ^ *byte++) * 1099511628211ull;
	return (h ^ h >> 32) % (n / WAYS) * WAYS;
}

static struct key key_of(const struct event *e)
{
	struct key key;

	memset(&key, 0, sizeof(key));
	key.laddr = e->laddr;
	key.raddr = e->raddr;
	key.netns = e->netns;
	key.lport = e->lport;
	key.rport = e->rport;
	return key;
}

/* The connection of an event; NULL: it is not known, and not to be @made. */
static struct connection *connection_of(struct causes *causes,
					const struct event *e, bool made)
{
	struct connection *c, *oldest;
	struct key key = key_of(e);
	unsigned int i;

	if (!causes->connections && made)
		causes->connections = calloc(CAUSE_CONNECTIONS, sizeof(*c));
	if (!causes->connections)
		return NULL;
	c = &causes->connections[hash(&key, sizeof(key), CAUSE_CONNECTIONS)];
	for (i = 0, oldest = c; i < WAYS; i++, c++) {
		if (c->used && !memcmp(&c->key, &key, sizeof(key))) {
			c->used = e->ts_ns;
			return c;
		}
		if (c->used < oldest->used)
			oldest = c;
	}
	if (!made)
		return NULL;
	memset(oldest, 0, sizeof(*oldest));
	oldest->key = key;
	oldest->used = e->ts_ns;
	return oldest;
}

/* Nothing that came before has to do with it. */
static void connection_begin(struct connection *c)
{
	memset(c->heard, 0, sizeof(c->heard));
	c->n = 0;
	c->fin_end = 0;
	c->fin_acked_by = 0;
}

static void note_segment(struct causes *causes, const struct event_segment *s)
{
	struct connection *c = connection_of(causes, &s->ev, true);
	const __u8 flags = s->flags & (FIN | SYN | RST | ACK);

	if (!c)
		return;
	if (s->listener)
		c->listener = s->listener;
	if (s->direction == DIRECTION_sent) {
		if (flags & FIN && s->end != SEGMENT_UNKNOWN)
			c->fin_end = s->end;
		return;
	}
	if (flags == SYN && s->state == TCB_STATE_LISTEN)
		connection_begin(c);
	c->heard[c->n++ % CAUSE_SEGMENTS] = (struct heard){
		.number = s->segment,
		.ack = flags & ACK ? s->ack : SEGMENT_UNKNOWN,
		.flags = flags,
		.state = s->state,
	};
}

/* May it leave its work to the way back to the process? */
static bool acts_late(const struct going *g)
{
	return g->op == CALL_close || g->op == CALL_dup2 || g->op == CALL_dup3;
}

/* So it has an effect after its end; shutdown() in SYN_RECV waits as well. */
static bool outlives(const struct going *g)
{
	return !g->used &&
	       (acts_late(g) || (g->op == CALL_shutdown && g->sends_fin));
}

static void note_exit(struct going *g, nsec_t now)
{
	g->over = true;
	g->ended = now;
	if (!outlives(g))
		g->number = 0;
}

/* May @a be forgotten rather than @b? */
static bool is_older(const struct going *a, const struct going *b)
{
	if (!a->number != !b->number)
		return !a->number;
	return a->over != b->over ? a->over : a->since < b->since;
}

static void note_call(struct causes *causes, const struct event_call *call)
{
	struct going *g, *oldest;
	unsigned int i;

	if (!call->ev.cookie || call->phase == CALL_PHASE_ready)
		return;
	if (!causes->calls)
		causes->calls = calloc(CAUSE_CALLS, sizeof(*g));
	if (!causes->calls)
		return;
	g = &causes->calls[hash(&call->ev.cookie, sizeof(call->ev.cookie),
				CAUSE_CALLS)];
	for (i = 0, oldest = g; i < WAYS; i++, g++) {
		if (g->number == call->call)
			break;
		if (is_older(g, oldest))
			oldest = g;
	}
	if (call->phase == CALL_PHASE_exit) {
		if (i < WAYS)
			note_exit(g, call->ev.ts_ns);
		return;
	}
	*oldest = (struct going){
		.number = call->call,
		.cookie = call->ev.cookie,
		.since = call->ev.ts_ns,
		.op = call->op,
		.io_uring = call->via == CALL_VIA_io_uring,
		.disconnects = !call->to_family,
		.sends_fin = call->shut != SHUT_HOW_RD,
	};
}

/* ------------------------------------------------------- what may fit */

#define OP(name) (1ull << CALL_##name)
#define OPS_CLOSE (OP(close) | OP(shutdown) | OP(dup2) | OP(dup3))
#define OPS_OPEN (OP(connect) | OP(sendto) | OP(sendmsg) | OP(sendmmsg))

/* Is it going on, or is it one that the kernel has not got to? */
static bool acts(const struct going *g, nsec_t now)
{
	return !g->over || (acts_late(g) && now - g->ended < CLOSE_LATE_NS);
}

/* Calls of these operations that act at a socket; @used: if they have before. */
static void add_acting(struct candidates *found, const struct causes *causes,
		       __u64 cookie, nsec_t now, __u64 ops, bool used)
{
	struct going *g;
	unsigned int i;

	if (!causes->calls || !cookie)
		return;
	g = &causes->calls[hash(&cookie, sizeof(cookie), CAUSE_CALLS)];
	for (i = 0; i < WAYS; i++, g++) {
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

	if (!causes->calls || found->n)
		return;
	g = &causes->calls[hash(&cookie, sizeof(cookie), CAUSE_CALLS)];
	for (i = 0; i < WAYS; i++, g++) {
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

/* ------------------------------------------------ rules of transitions */

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

/*
 * Who may have made the transition. Returns the cause that a segment would be;
 * a call says by itself what it is. @c: NULL, if no segment is known.
 */
static enum cause find(struct candidates *found, const struct causes *causes,
		       struct connection *c, const struct event_state *s)
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

static enum cause cause_of_call(const struct going *g)
{
	static const enum cause causes[] = {
		[CALL_connect] = CAUSE_CALL_CONNECT,
		[CALL_listen] = CAUSE_CALL_LISTEN,
		[CALL_close] = CAUSE_CALL_CLOSE,
		[CALL_shutdown] = CAUSE_CALL_SHUTDOWN,
		[CALL_sendto] = CAUSE_CALL_SENDTO,
		[CALL_sendmsg] = CAUSE_CALL_SENDMSG,
		[CALL_sendmmsg] = CAUSE_CALL_SENDMSG,
		[CALL_dup2] = CAUSE_CALL_DUP,
		[CALL_dup3] = CAUSE_CALL_DUP,
	};

	return g->io_uring ? CAUSE_CALL_IO_URING : causes[g->op];
}

/* What came before has been done with, too. */
static void forget_before(struct connection *c, __u64 number)
{
	unsigned int i;

	for (i = 0; i < CAUSE_SEGMENTS; i++)
		if (c->heard[i].number < number)
			c->heard[i].number = 0;
}

static void note_state(struct causes *causes, struct event_state *s)
{
	struct connection *c = connection_of(causes, &s->ev, false);
	struct candidates found = {};
	enum cause cause;

	if (c && s->old == TCB_STATE_CLOSE)
		connection_begin(c);
	cause = find(&found, causes, c, s);
	if (found.n != 1)
		return;
	if (found.call)
		cause = cause_of_call(found.call);
	if (s->cause_how == HOW_observed && cause != s->cause)
		return;
	s->cause = cause;
	s->cause_how = HOW_observed;
	s->cause_call = found.call ? found.call->number : 0;
	if (found.call && found.call->cookie == s->ev.cookie &&
	    s->old != TCB_STATE_LISTEN) /* its children are closed as well */
		found.call->used = true;
	s->cause_segment = found.segment.number;
	if (c && found.segment.number)
		forget_before(c, found.segment.number);
}

void causes_update(struct causes *causes, struct event *e)
{
	switch (e->type) {
	case EVENT_segment:
		note_segment(causes, (const void *)e);
		break;
	case EVENT_call:
		note_call(causes, (const void *)e);
		break;
	case EVENT_state:
		note_state(causes, (void *)e);
		break;
	default:
		break;
	}
}
