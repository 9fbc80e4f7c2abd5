// SPDX-License-Identifier: GPL-2.0
/* Flows find each other, opens get their right name, and memory is bounded. */
#include "event/flow.h"
#include "tests/lib/events.h"

#include <kselftest_harness.h>

FIXTURE(flow)
{
	struct flows *flows;
};

FIXTURE_SETUP(flow)
{
	self->flows = flow_table_new(64);
	ASSERT_NE(NULL, self->flows);
}

FIXTURE_TEARDOWN(flow)
{
	flow_table_free(self->flows);
}

#define STATE(x) TCB_STATE_##x

static struct flow *here(struct flows *flows, int old, int new)
{
	struct event_state s = events_state(1, 1, 2000, 2001, old, new);

	return flow_update(flows, &s.ev, false);
}

static struct flow *there(struct flows *flows, int old, int new)
{
	struct event_state s = events_other_end(1, 2, 2001, 2000, old, new);

	return flow_update(flows, &s.ev, false);
}

/* The last transition to ESTABLISHED at one end, and what it was called. */
static enum kind open_here(struct flows *flows, int old, enum cause cause,
			   enum how *how)
{
	struct event_state s = events_state(9, 1, 2000, 2001, old,
					    STATE(ESTABLISHED));

	s.cause = cause;
	flow_update(flows, &s.ev, false);
	if (how)
		*how = s.kind_how;
	return s.kind;
}

/* Both ends of a connection are a pair, whatever their namespaces. */
TEST_F(flow, pair)
{
	struct flow *a, *b;

	a = here(self->flows, STATE(CLOSE), STATE(SYN_SENT));
	ASSERT_NE(NULL, a);
	EXPECT_EQ(NULL, a->pair);
	EXPECT_EQ(FLOW_ACTIVE, a->role);
	b = there(self->flows, STATE(LISTEN), STATE(SYN_RECV));
	ASSERT_NE(NULL, b);
	EXPECT_EQ(a, b->pair);
	EXPECT_EQ(b, a->pair);
	EXPECT_EQ(FLOW_PASSIVE, b->role);
	EXPECT_EQ(0, a->id);
	flow_number(self->flows, b);
	flow_number(self->flows, a);
	flow_number(self->flows, b);
	EXPECT_EQ(1, b->id);
	EXPECT_EQ(2, a->id);
}

/* Two containers with the same addresses: no pair is better than a wrong one. */
TEST_F(flow, ambiguous_ends_are_no_pair)
{
	struct event_state s = events_state(1, 7, 2000, 2001, STATE(CLOSE),
					    STATE(SYN_SENT));

	here(self->flows, STATE(CLOSE), STATE(SYN_SENT));
	s.ev.netns = 9;
	flow_update(self->flows, &s.ev, false);
	EXPECT_EQ(NULL,
		  there(self->flows, STATE(LISTEN), STATE(SYN_RECV))->pair);
	/* the same namespace decides */
	s = events_other_end(1, 8, 2001, 2000, STATE(LISTEN), STATE(SYN_RECV));
	s.ev.netns = 9;
	ASSERT_NE(NULL, flow_update(self->flows, &s.ev, false)->pair);
	EXPECT_EQ(7, flow_find(self->flows, 8)->pair->cookie);
}

/* One end of a connection of these addresses; @client: the one that connects. */
static struct flow *end_in(struct flows *flows, __u32 netns, bool client,
			   enum how how)
{
	static __u64 cookie = 100;
	struct event_state s;

	if (client)
		s = events_state(1, ++cookie, 2000, 2001, STATE(CLOSE),
				 STATE(SYN_SENT));
	else
		s = events_other_end(1, ++cookie, 2001, 2000, STATE(LISTEN),
				     STATE(SYN_RECV));
	s.ev.netns = netns;
	s.ev.how = how;
	return flow_update(flows, &s.ev, false);
}

/*
 * Two pairs of namespaces with the same addresses and ports: whichever ends
 * come first, none is ever left with the end of a stranger.
 */
TEST_F(flow, doubles_never_mix)
{
	static const int order[][4] = {
		{ 1, 2, 3, 4 }, { 1, 4, 2, 3 }, { 1, 4, 3, 2 }, { 2, 3, 1, 4 },
		{ 1, 3, 2, 4 }, { 1, 3, 4, 2 }, { 2, 4, 1, 3 }, { 4, 1, 2, 3 },
	};
	struct flow *flow[4];
	unsigned int i, k;

	for (i = 0; i < sizeof(order) / sizeof(*order); i++) {
		struct flows *flows = flow_table_new(64);

		for (k = 0; k < 4; k++) {
			int netns = order[i][k];

			/* 1 and 3 connect to 2 and 4 */
			flow[netns - 1] = end_in(flows, netns, netns % 2,
						 HOW_existing);
			ASSERT_NE(NULL, flow[netns - 1]);
		}
		for (k = 0; k < 4; k++) {
			struct flow *own = flow[k ^ 1];

			EXPECT_TRUE(!flow[k]->pair || flow[k]->pair == own);
		}
		flow_table_free(flows);
	}
}

/* Ends that the trace has seen begin one after the other are told apart. */
TEST_F(flow, doubles_one_after_the_other)
{
	struct flow *a, *b, *c, *d;

	a = end_in(self->flows, 1, true, HOW_observed);
	b = end_in(self->flows, 2, false, HOW_observed);
	c = end_in(self->flows, 3, true, HOW_observed);
	d = end_in(self->flows, 4, false, HOW_observed);
	EXPECT_EQ(b, a->pair);
	EXPECT_EQ(a, b->pair);
	EXPECT_EQ(d, c->pair);
	EXPECT_EQ(c, d->pair);
}

/* What goes over loopback has its other end in the same namespace, or none. */
TEST_F(flow, loopback_stays_in_its_namespace)
{
	static const addr_t v4 = { .byte = { 127, 0, 0, 1 } };
	static const addr_t v6 = { .byte[15] = 1 };
	int i;

	for (i = 0; i < 2; i++) {
		struct event_state s = events_state(1, 1 + 2 * i, 2000, 2001,
						    STATE(CLOSE),
						    STATE(SYN_SENT));

		s.ev.family = i ? FAMILY_INET6 : FAMILY_INET;
		s.ev.laddr = s.ev.raddr = i ? v6 : v4;
		ASSERT_NE(NULL, flow_update(self->flows, &s.ev, false));
		s.ev.cookie++;
		s.ev.netns = 9;
		s.ev.lport = 2001;
		s.ev.rport = 2000;
		EXPECT_EQ(NULL, flow_update(self->flows, &s.ev, false)->pair);
		flow_table_free(self->flows);
		self->flows = flow_table_new(64);
	}
}

/* A port that is used again belongs to the new socket. */
TEST_F(flow, closed_sockets_do_not_pair)
{
	here(self->flows, STATE(CLOSE), STATE(SYN_SENT));
	here(self->flows, STATE(SYN_SENT), STATE(CLOSE));
	EXPECT_EQ(NULL,
		  there(self->flows, STATE(LISTEN), STATE(SYN_RECV))->pair);
}

/* An ordinary open has no special name. */
TEST_F(flow, normal_open)
{
	here(self->flows, STATE(CLOSE), STATE(SYN_SENT));
	there(self->flows, STATE(LISTEN), STATE(SYN_RECV));
	EXPECT_EQ(KIND_none, open_here(self->flows, STATE(SYN_SENT),
				       CAUSE_RX_SYN_ACK, NULL));
}

/* Both crossed: full, whatever segment came last. */
TEST_F(flow, full_open)
{
	enum how how;

	here(self->flows, STATE(CLOSE), STATE(SYN_SENT));
	there(self->flows, STATE(CLOSE), STATE(SYN_SENT));
	here(self->flows, STATE(SYN_SENT), STATE(SYN_RECV));
	there(self->flows, STATE(SYN_SENT), STATE(SYN_RECV));
	EXPECT_EQ(KIND_full,
		  open_here(self->flows, STATE(SYN_RECV), CAUSE_RX_ACK, &how));
	EXPECT_EQ(HOW_observed, how);
}

/* Only this one crossed: half; both ends are called so. */
TEST_F(flow, half_open)
{
	struct event_state s;
	enum how how;

	here(self->flows, STATE(CLOSE), STATE(SYN_SENT));
	there(self->flows, STATE(CLOSE), STATE(SYN_SENT));
	here(self->flows, STATE(SYN_SENT), STATE(SYN_RECV));
	EXPECT_EQ(KIND_half,
		  open_here(self->flows, STATE(SYN_RECV), CAUSE_RX_ACK, &how));
	EXPECT_EQ(HOW_observed, how);
	s = events_other_end(9, 2, 2001, 2000, STATE(SYN_SENT),
			     STATE(ESTABLISHED));
	flow_update(self->flows, &s.ev, false);
	EXPECT_EQ(KIND_half, s.kind);
}

/* The other end is not here: the last segment tells, and is not certain. */
TEST_F(flow, open_with_an_unseen_end)
{
	enum how how;

	here(self->flows, STATE(CLOSE), STATE(SYN_SENT));
	here(self->flows, STATE(SYN_SENT), STATE(SYN_RECV));
	EXPECT_EQ(KIND_full, open_here(self->flows, STATE(SYN_RECV),
				       CAUSE_RX_SYN_ACK, &how));
	EXPECT_EQ(HOW_derived, how);
	EXPECT_EQ(KIND_half,
		  open_here(self->flows, STATE(SYN_RECV), CAUSE_RX_ACK, &how));
	EXPECT_EQ(HOW_derived, how);
}

/* A socket that connects to itself is its own peer, not a pair. */
TEST_F(flow, self_connect)
{
	struct event_state s = events_state(1, 1, 2000, 2000, STATE(SYN_SENT),
					    STATE(SYN_RECV));

	s.ev.raddr = s.ev.laddr;
	flow_update(self->flows, &s.ev, false);
	s.old = STATE(SYN_RECV);
	s.new = STATE(ESTABLISHED);
	EXPECT_EQ(NULL, flow_update(self->flows, &s.ev, false)->pair);
	EXPECT_EQ(KIND_self, s.kind);
}

/* A second connection on the same socket starts afresh. */
TEST_F(flow, crossing_is_forgotten_by_a_new_open)
{
	here(self->flows, STATE(SYN_SENT), STATE(SYN_RECV));
	here(self->flows, STATE(SYN_RECV), STATE(CLOSE));
	here(self->flows, STATE(CLOSE), STATE(SYN_SENT));
	EXPECT_EQ(KIND_none, open_here(self->flows, STATE(SYN_SENT),
				       CAUSE_RX_SYN_ACK, NULL));
}

/* The table never grows beyond its bound; closed flows go first. */
TEST_F(flow, bounded)
{
	struct event_state s;
	__u64 cookie;

	for (cookie = 1; cookie <= 64; cookie++) {
		s = events_state(cookie, cookie, cookie, 80, STATE(SYN_SENT),
				 cookie == 40 ? STATE(CLOSE) :
						STATE(ESTABLISHED));
		flow_update(self->flows, &s.ev, false);
	}
	s = events_state(65, 65, 65, 80, STATE(CLOSE), STATE(SYN_SENT));
	flow_update(self->flows, &s.ev, false);
	EXPECT_EQ(64, flow_count(self->flows));
	EXPECT_EQ(NULL, flow_find(self->flows, 40));
	EXPECT_NE(NULL, flow_find(self->flows, 1));
	s.ev.cookie = 66;
	flow_update(self->flows, &s.ev, false);
	EXPECT_EQ(NULL, flow_find(self->flows, 1)); /* the oldest */
	for (cookie = 100; cookie < 5000; cookie++) {
		s.ev.cookie = cookie;
		s.ev.lport = cookie;
		flow_update(self->flows, &s.ev, false);
	}
	EXPECT_EQ(64, flow_count(self->flows));
}

/* Of closed flows the last ones are kept, and all that are open. */
TEST(closed_flows_are_few)
{
	const unsigned int open = 100, all = FLOW_CLOSED_MAX + 1000;
	struct flows *flows = flow_table_new(2 * all);
	struct event_state s;
	unsigned int i;

	ASSERT_NE(NULL, flows);
	for (i = 1; i <= all; i++) {
		s = events_state(i, i, i, 1, STATE(LAST_ACK),
				 i <= open ? STATE(ESTABLISHED) : STATE(CLOSE));
		EXPECT_NE(NULL, flow_update(flows, &s.ev, false));
	}
	EXPECT_EQ(open + FLOW_CLOSED_MAX, flow_count(flows));
	EXPECT_NE(NULL, flow_find(flows, 1));
	EXPECT_NE(NULL, flow_find(flows, open));
	EXPECT_EQ(NULL, flow_find(flows, open + 1));
	EXPECT_NE(NULL, flow_find(flows, all));
	/* one that is used again is open again */
	s = events_state(i, all, all, 1, STATE(CLOSE), STATE(SYN_SENT));
	flow_update(flows, &s.ev, false);
	s = events_state(i, open, open, 1, STATE(LAST_ACK), STATE(CLOSE));
	flow_update(flows, &s.ev, false);
	EXPECT_EQ(open + FLOW_CLOSED_MAX, flow_count(flows));
	flow_table_free(flows);
}

/* An evicted flow is nobody's pair any more. */
TEST_F(flow, eviction_unpairs)
{
	struct event_state s;
	struct flow *b;
	__u64 cookie;

	here(self->flows, STATE(CLOSE), STATE(SYN_SENT));
	b = there(self->flows, STATE(LISTEN), STATE(SYN_RECV));
	ASSERT_NE(NULL, b->pair);
	for (cookie = 100; cookie < 200; cookie++) {
		s = events_state(1, cookie, cookie, 1, STATE(SYN_SENT),
				 STATE(ESTABLISHED));
		flow_update(self->flows, &s.ev, false);
		b = there(self->flows, STATE(ESTABLISHED), STATE(CLOSE_WAIT));
	}
	EXPECT_EQ(NULL, flow_find(self->flows, 1));
	EXPECT_EQ(NULL, b->pair);
}

/* What an event of the listener's queues says of what listen() asked for. */
static __u32 asked(struct flows *flows, enum queue_op op, __u64 cookie,
		   __u32 limit, __u32 asked)
{
	struct event_queue q = {
		.ev = events_state(1, cookie, 443, 2000, 0, 0).ev,
		.listener = 7,
		.limit = limit,
		.asked = asked,
		.op = op,
	};

	q.ev.type = EVENT_queue;
	flow_update(flows, &q.ev, false);
	return q.asked;
}

/*
 * Claim: what listen() asked for is said by all events of the listener, of
 * those too that have no socket; unless its limit is another one by now.
 */
TEST_F(flow, asked)
{
	struct flows *f = self->flows;

	EXPECT_EQ(~0u, asked(f, QUEUE_completed, 8, 3, ~0u));
	EXPECT_EQ(5000, asked(f, QUEUE_listen, 7, 3, 5000));
	EXPECT_EQ(5000, asked(f, QUEUE_completed, 8, 3, ~0u));
	EXPECT_EQ(5000, asked(f, QUEUE_SYN_dropped, 0, 3, ~0u));
	EXPECT_EQ(~0u, asked(f, QUEUE_completed, 9, 4, ~0u));
}

/* No cookie, no flow. */
TEST_F(flow, no_cookie)
{
	struct event_state s = events_state(1, 0, 1, 2, STATE(CLOSE),
					    STATE(SYN_SENT));

	EXPECT_EQ(NULL, flow_update(self->flows, &s.ev, false));
}

/*
 * Claim: strangers, of which no more may ever be heard, do not drive out what
 * is known, nor the other end of it; and few of them are kept.
 */
TEST(strangers)
{
	struct flows *flows = flow_table_new(65536);
	struct event_state s;
	struct flow *known;
	int i;

	ASSERT_NE(NULL, flows);
	s = events_state(1, 1, 2000, 443, TCB_STATE_SYN_SENT,
			 TCB_STATE_ESTABLISHED);
	flow_update(flows, &s.ev, true);
	s = events_other_end(1, 2, 443, 2000, TCB_STATE_SYN_RECV,
			     TCB_STATE_ESTABLISHED);
	known = flow_update(flows, &s.ev, false);
	ASSERT_NE(NULL, known->pair);
	for (i = 0; i < 200000; i++) {
		s = events_state(2, 1000 + i, 1024 + i % 60000, 80,
				 TCB_STATE_SYN_SENT, TCB_STATE_ESTABLISHED);
		s.ev.netns = 5 + i / 60000;
		flow_update(flows, &s.ev, true);
	}
	EXPECT_EQ(known, flow_find(flows, 2));
	EXPECT_EQ(flow_find(flows, 1), known->pair);
	EXPECT_NE(NULL, known->pair);
	EXPECT_GE(FLOW_STRANGERS_MAX + 2, flow_count(flows));
	flow_table_free(flows);
}

TEST_HARNESS_MAIN
