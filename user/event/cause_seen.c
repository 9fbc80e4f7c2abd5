// SPDX-License-Identifier: GPL-2.0
/* Remembers the segments that have come, and the calls that go on. */
#include "event/cause_seen.h"

#include <stdlib.h>
#include <string.h>

/* FNV-1a, of which the high bits depend on all. */
static size_t hash(const void *key, size_t size, size_t n)
{
	const unsigned char *byte = key;
	__u64 h = 14695981039346656037ull;

	while (size--)
		h = (h ^ *byte++) * 1099511628211ull;
	return (h ^ h >> 32) % (n / CAUSE_WAYS) * CAUSE_WAYS;
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

struct connection *cause_connection(struct causes *causes,
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
	for (i = 0, oldest = c; i < CAUSE_WAYS; i++, c++) {
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

void cause_begin(struct connection *c)
{
	memset(c->heard, 0, sizeof(c->heard));
	c->n = 0;
	c->fin_end = 0;
	c->fin_acked_by = 0;
}

void cause_note_segment(struct causes *causes, const struct event_segment *s)
{
	struct connection *c = cause_connection(causes, &s->ev, true);
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
		cause_begin(c);
	c->heard[c->n++ % CAUSE_SEGMENTS] = (struct heard){
		.number = s->segment,
		.ack = flags & ACK ? s->ack : SEGMENT_UNKNOWN,
		.flags = flags,
		.state = s->state,
	};
}

bool cause_acts_late(const struct going *g)
{
	return g->op == CALL_close || g->op == CALL_dup2 || g->op == CALL_dup3;
}

/* So it has an effect after its end; shutdown() in SYN_RECV waits as well. */
static bool outlives(const struct going *g)
{
	return !g->used &&
	       (cause_acts_late(g) || (g->op == CALL_shutdown && g->sends_fin));
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

struct going *cause_calls(const struct causes *causes, __u64 cookie)
{
	return causes->calls ? &causes->calls[hash(&cookie, sizeof(cookie),
						   CAUSE_CALLS)] :
			       NULL;
}

void cause_note_call(struct causes *causes, const struct event_call *call)
{
	struct going *g, *oldest;
	unsigned int i;

	if (!call->ev.cookie || call->phase == CALL_PHASE_ready)
		return;
	if (!causes->calls)
		causes->calls = calloc(CAUSE_CALLS, sizeof(*g));
	if (!causes->calls)
		return;
	g = cause_calls(causes, call->ev.cookie);
	for (i = 0, oldest = g; i < CAUSE_WAYS; i++, g++) {
		if (g->number == call->call)
			break;
		if (is_older(g, oldest))
			oldest = g;
	}
	if (call->phase == CALL_PHASE_exit) {
		if (i < CAUSE_WAYS)
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
