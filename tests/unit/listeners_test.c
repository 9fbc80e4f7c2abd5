// SPDX-License-Identifier: GPL-2.0
/* Tests of listeners: what is added up from events of their queues. */
#include "event/listeners.h"

#include <string.h>

#include <kselftest_harness.h>

#define MS 1000000ull

FIXTURE(queues)
{
	struct listeners l;
};

FIXTURE_SETUP(queues)
{
	memset(&self->l, 0, sizeof(self->l));
}

FIXTURE_TEARDOWN(queues)
{
	listeners_free(&self->l);
}

/* An event of a queue; depths of ~0 are unknown. */
static struct event_queue queue(enum queue_op op, __u64 listener, __u64 cookie,
				nsec_t ts, __u32 accept)
{
	return (struct event_queue){
		.ev.type = EVENT_queue,
		.ev.cookie = cookie,
		.ev.ts_ns = ts,
		.ev.lport = 80,
		.ev.rport = cookie == listener ? 0 : 1000 + cookie,
		.listener = listener,
		.wait_ns = ~0ull,
		.syn = ~0u,
		.accept = accept,
		.limit = 9,
		.asked = ~0u,
		.unread = ~0u,
		.drops = ~0u,
		.somaxconn = ~0u,
		.op = op,
		.depth_how = HOW_observed,
	};
}

static int add(FIXTURE_DATA(queues) * self, struct event_queue q)
{
	return listeners_add(&self->l, &q.ev);
}

static int accepted(FIXTURE_DATA(queues) * self, __u64 listener, __u64 cookie,
		    nsec_t wait)
{
	struct event_queue q = queue(QUEUE_accepted, listener, cookie, 0, ~0u);

	q.wait_ns = wait;
	return listeners_add(&self->l, &q.ev);
}

static size_t waiting(const struct listener *l)
{
	const struct listener_child *child;
	size_t n = 0;

	TAILQ_FOREACH(child, &l->waiting, next)
	n++;
	return n;
}

/* Claim: who is in the queue is known, the oldest first, until it is out. */
TEST_F(queues, waiting)
{
	struct listener *l;

	ASSERT_EQ(0, add(self, queue(QUEUE_listen, 1, 1, 0, 0)));
	ASSERT_EQ(0, add(self, queue(QUEUE_completed, 1, 2, 10, 1)));
	ASSERT_EQ(0, add(self, queue(QUEUE_completed, 1, 3, 20, 2)));
	ASSERT_EQ(1, self->l.n);
	l = self->l.listener[0];
	EXPECT_EQ(2, waiting(l));
	EXPECT_EQ(2, TAILQ_FIRST(&l->waiting)->cookie);
	EXPECT_EQ(10, TAILQ_FIRST(&l->waiting)->ev.ts_ns);
	EXPECT_EQ(2, l->accept);
	ASSERT_EQ(0, accepted(self, 1, 2, 5));
	EXPECT_EQ(1, waiting(l));
	EXPECT_EQ(3, TAILQ_FIRST(&l->waiting)->cookie);
	EXPECT_EQ(1, l->accept); /* nobody said so */
	EXPECT_EQ(HOW_derived, l->depth_how);
	EXPECT_EQ(2, l->all.peak);
	ASSERT_EQ(0, accepted(self, 1, 2, 5)); /* once more: who was it? */
	EXPECT_EQ(1, waiting(l));
}

/* Claim: a cookie that comes again is one child, not two. */
TEST_F(queues, again)
{
	ASSERT_EQ(0, add(self, queue(QUEUE_completed, 1, 2, 10, 1)));
	ASSERT_EQ(0, add(self, queue(QUEUE_completed, 1, 2, 30, 1)));
	EXPECT_EQ(1, waiting(self->l.listener[0]));
	ASSERT_EQ(0, add(self, queue(QUEUE_completed, 7, 2, 40, 1)));
	EXPECT_EQ(0, waiting(self->l.listener[0]));
	EXPECT_EQ(1, waiting(self->l.listener[1]));
}

/* Claim: a child's event makes its listener known, and is not its address. */
TEST_F(queues, child_first)
{
	struct event_queue q = queue(QUEUE_listen, 1, 1, 0, 0);

	ASSERT_EQ(0, add(self, queue(QUEUE_completed, 1, 2, 10, 1)));
	ASSERT_EQ(1, self->l.n);
	EXPECT_EQ(80, self->l.listener[0]->ev.lport);
	EXPECT_EQ(0, self->l.listener[0]->ev.rport);
	q.ev.laddr.byte[0] = 10;
	ASSERT_EQ(0, listeners_add(&self->l, &q.ev));
	EXPECT_EQ(10, self->l.listener[0]->ev.laddr.byte[0]);
	ASSERT_EQ(0, add(self, queue(QUEUE_completed, 1, 3, 10, 1)));
	EXPECT_EQ(10, self->l.listener[0]->ev.laddr.byte[0]);
}

/* Claim: an interval forgets its sums, and what is closed, but not who waits. */
TEST_F(queues, next)
{
	ASSERT_EQ(0, add(self, queue(QUEUE_completed, 1, 2, 10, 1)));
	ASSERT_EQ(0, add(self, queue(QUEUE_completed, 1, 3, 10, 2)));
	ASSERT_EQ(0, accepted(self, 1, 3, 5));
	ASSERT_EQ(0, add(self, queue(QUEUE_completed, 8, 9, 10, 1)));
	ASSERT_EQ(0, add(self, queue(QUEUE_unlisten, 8, 8, 20, 1)));
	listeners_next(&self->l);
	ASSERT_EQ(1, self->l.n);
	EXPECT_EQ(1, self->l.listener[0]->cookie);
	EXPECT_EQ(0, self->l.listener[0]->last.completed);
	EXPECT_EQ(0, self->l.listener[0]->last.wait.n);
	EXPECT_EQ(2, self->l.listener[0]->all.completed);
	EXPECT_EQ(1, self->l.listener[0]->all.accepted);
	EXPECT_EQ(1, waiting(self->l.listener[0]));
}

/*
 * Claim: one that takes the place of another, with its address and port, is a
 * row of its own, with sums of its own; the other goes with the interval.
 */
TEST_F(queues, replaced)
{
	ASSERT_EQ(0, add(self, queue(QUEUE_listen, 1, 1, 0, 0)));
	ASSERT_EQ(0, add(self, queue(QUEUE_completed, 1, 2, 10, 1)));
	ASSERT_EQ(0, add(self, queue(QUEUE_unlisten, 1, 1, 20, 1)));
	ASSERT_EQ(0, add(self, queue(QUEUE_listen, 3, 3, 30, 0)));
	ASSERT_EQ(0, add(self, queue(QUEUE_SYN_dropped, 3, 4, 40, 0)));
	ASSERT_EQ(2, self->l.n);
	EXPECT_EQ(1, self->l.listener[0]->all.completed);
	EXPECT_EQ(0, self->l.listener[0]->all.dropped);
	EXPECT_EQ(0, waiting(self->l.listener[0]));
	EXPECT_EQ(0, self->l.listener[1]->all.completed);
	EXPECT_EQ(1, self->l.listener[1]->all.dropped);
	listeners_next(&self->l);
	ASSERT_EQ(1, self->l.n);
	EXPECT_EQ(3, self->l.listener[0]->cookie);
	EXPECT_EQ(1, self->l.listener[0]->all.dropped);
}

/*
 * Claim: one that only comes up because a connection of its has been accepted,
 * long after it was closed maybe, does not stay; one that exists does.
 */
TEST_F(queues, stray)
{
	ASSERT_EQ(0, accepted(self, 1, 2, 5));
	ASSERT_EQ(0, accepted(self, 1, 3, 5));
	ASSERT_EQ(1, self->l.n);
	listeners_next(&self->l);
	EXPECT_EQ(0, self->l.n);
	ASSERT_EQ(0, accepted(self, 1, 4, 5));
	ASSERT_EQ(0, add(self, queue(QUEUE_looked, 1, 1, 20, 0)));
	ASSERT_EQ(0, accepted(self, 1, 5, 5));
	listeners_next(&self->l);
	EXPECT_EQ(1, self->l.n);
}

/*
 * Claim: what listen() asked for is known until the limit is another one: who
 * has asked for that was not seen.
 */
TEST_F(queues, asked)
{
	struct event_queue q = queue(QUEUE_listen, 1, 1, 0, 0);

	q.asked = 5000;
	ASSERT_EQ(0, add(self, q));
	ASSERT_EQ(0, add(self, queue(QUEUE_completed, 1, 2, 10, 1)));
	EXPECT_EQ(5000, self->l.listener[0]->asked);
	q = queue(QUEUE_completed, 1, 3, 20, 2);
	q.limit = 7;
	ASSERT_EQ(0, add(self, q));
	EXPECT_EQ(~0u, self->l.listener[0]->asked);
	EXPECT_EQ(7, self->l.listener[0]->limit);
}

/* Claim: existing listeners are there, other sockets and events are not. */
TEST_F(queues, existing)
{
	struct event_socket s = {
		.ev.type = EVENT_socket,
		.ev.cookie = 4,
		.ev.lport = 22,
		.state = TCB_STATE_LISTEN,
		.syn = 1,
		.accept = 2,
		.limit = 3,
		.drops = ~0u,
	};
	struct event_state state = { .ev.type = EVENT_state, .ev.cookie = 6 };

	ASSERT_EQ(0, listeners_add(&self->l, &s.ev));
	s.ev.cookie = 5;
	s.state = TCB_STATE_ESTABLISHED;
	ASSERT_EQ(0, listeners_add(&self->l, &s.ev));
	ASSERT_EQ(0, listeners_add(&self->l, &state.ev));
	ASSERT_EQ(1, self->l.n);
	EXPECT_EQ(4, self->l.listener[0]->cookie);
	EXPECT_EQ(1, self->l.listener[0]->syn);
	EXPECT_EQ(2, self->l.listener[0]->accept);
	EXPECT_EQ(3, self->l.listener[0]->limit);
}

/* Claim: the fullest comes first, then the busiest. */
TEST_F(queues, order)
{
	ASSERT_EQ(0, add(self, queue(QUEUE_completed, 1, 11, 10, 1)));
	ASSERT_EQ(0, add(self, queue(QUEUE_completed, 2, 12, 10, 3)));
	ASSERT_EQ(0, add(self, queue(QUEUE_listen, 3, 3, 10, 0)));
	ASSERT_EQ(0, add(self, queue(QUEUE_listen, 4, 4, 10, 0)));
	ASSERT_EQ(0, accepted(self, 4, 13, 5));
	listeners_sort(&self->l, LISTENERS_BY_DROPS);
	EXPECT_EQ(2, self->l.listener[0]->cookie);
	EXPECT_EQ(1, self->l.listener[1]->cookie);
	EXPECT_EQ(4, self->l.listener[2]->cookie);
	EXPECT_EQ(3, self->l.listener[3]->cookie);
}

/* Claim: --sort is by any of the numbers, and of equals by the rest. */
TEST_F(queues, sorted)
{
	static const struct {
		enum listeners_order order;
		__u64 first;
	} orders[] = {
		{ LISTENERS_BY_DROPS, 1 },  { LISTENERS_BY_FULL, 2 },
		{ LISTENERS_BY_RATE, 3 },   { LISTENERS_BY_SYN, 4 },
		{ LISTENERS_BY_ACCEPT, 2 }, { LISTENERS_BY_OLDEST, 5 },
		{ LISTENERS_BY_P50, 6 },    { LISTENERS_BY_P99, 6 },
		{ LISTENERS_BY_MAX, 6 },    { LISTENERS_BY_LISTENER, 7 },
	};
	struct event_queue q = queue(QUEUE_listen, 4, 4, 0, 0);
	unsigned int i;

	ASSERT_EQ(0, add(self, queue(QUEUE_SYN_dropped, 1, 11, 10, 0)));
	ASSERT_EQ(0, add(self, queue(QUEUE_listen, 2, 2, 10, 5)));
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, accepted(self, 3, 30 + i, 5));
	q.syn = 9;
	ASSERT_EQ(0, add(self, q));
	ASSERT_EQ(0, add(self, queue(QUEUE_completed, 5, 51, 10, 1)));
	ASSERT_EQ(0, accepted(self, 6, 61, 5 * MS));
	q = queue(QUEUE_listen, 7, 7, 0, 0);
	q.ev.lport = 79;
	ASSERT_EQ(0, add(self, q));
	for (i = 0; i < sizeof(orders) / sizeof(*orders); i++) {
		listeners_sort(&self->l, orders[i].order);
		EXPECT_EQ(orders[i].first, self->l.listener[0]->cookie)
		{
			TH_LOG("order %u", orders[i].order);
		}
	}
}

/* A look at listener 1: how many wait, and what the kernel has counted. */
static int looked(FIXTURE_DATA(queues) * self, nsec_t ts, __u32 accept,
		  __u32 drops)
{
	struct event_queue q = queue(QUEUE_looked, 1, 1, ts, accept);

	q.syn = 0;
	q.drops = drops;
	q.depth_how = HOW_sampled;
	return listeners_add(&self->l, &q.ev);
}

/* Claim: what a look finds as it was known is not worse for being sampled. */
TEST_F(queues, looked)
{
	struct event_queue q = queue(QUEUE_completed, 1, 2, 10, 1);
	struct listener *l;

	q.syn = 0;
	ASSERT_EQ(0, add(self, q));
	ASSERT_EQ(0, looked(self, 20, 1, 5));
	l = self->l.listener[0];
	EXPECT_EQ(HOW_observed, l->depth_how);
	EXPECT_EQ(0, l->all.sk_drops); /* those were before */
	ASSERT_EQ(0, looked(self, 30, 2, 7));
	EXPECT_EQ(HOW_sampled, l->depth_how);
	EXPECT_EQ(2, l->accept);
	EXPECT_EQ(2, l->all.sk_drops);
	ASSERT_EQ(0, looked(self, 40, 2, 6)); /* read before, told after */
	EXPECT_EQ(2, l->all.sk_drops);
	EXPECT_EQ(2, listener_dropped(l, &l->all));
}

/* Claim: where each drop has its event, what the kernel counts is not asked. */
TEST_F(queues, told)
{
	struct listener *l;

	self->l.drops_told = true;
	ASSERT_EQ(0, looked(self, 10, 0, 0));
	ASSERT_EQ(0, add(self, queue(QUEUE_accept_overflow, 1, 3, 20, 10)));
	ASSERT_EQ(0, looked(self, 30, 0, 2)); /* that one, twice */
	l = self->l.listener[0];
	EXPECT_EQ(1, listener_dropped(l, &l->all));
	EXPECT_EQ(2, l->all.sk_drops);
}

/* Claim: the counter of drops may wrap. */
TEST_F(queues, wrapped)
{
	ASSERT_EQ(0, looked(self, 10, 0, ~0u - 2));
	ASSERT_EQ(0, looked(self, 20, 0, 3));
	EXPECT_EQ(6, self->l.listener[0]->all.sk_drops);
}

/*
 * Claim: those that a look does not find any more are gone, the oldest first;
 * but not those that may have come after it.
 */
TEST_F(queues, gone)
{
	struct listener *l;
	unsigned int i;

	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, add(self, queue(QUEUE_completed, 1, 2 + i, i * MS,
					     i + 1)));
	l = self->l.listener[0];
	ASSERT_EQ(0, looked(self, 12 * MS + 1, 1, 0)); /* 3 that are older */
	EXPECT_EQ(2, waiting(l));
	EXPECT_EQ(4, TAILQ_FIRST(&l->waiting)->cookie);
	ASSERT_EQ(0, looked(self, 100 * MS, 0, 0));
	EXPECT_EQ(0, waiting(l));
}

/* Claim: who waits is known by a look, in its order, also of those before. */
TEST_F(queues, found)
{
	struct event_queue q = queue(QUEUE_waiting, 1, 9, 50 * MS, ~0u);
	struct listener *l;

	ASSERT_EQ(0, add(self, queue(QUEUE_completed, 1, 2, 10 * MS, 2)));
	q.unread = 5;
	q.state = TCB_STATE_CLOSE_WAIT;
	ASSERT_EQ(0, add(self, q));
	q = queue(QUEUE_waiting, 1, 2, 50 * MS, ~0u);
	q.wait_ns = 40 * MS;
	ASSERT_EQ(0, add(self, q));
	l = self->l.listener[0];
	EXPECT_EQ(2, waiting(l));
	EXPECT_EQ(9, TAILQ_FIRST(&l->waiting)->cookie);
	EXPECT_EQ(5, TAILQ_FIRST(&l->waiting)->unread);
	EXPECT_TRUE(listener_first(l).waits);
	EXPECT_EQ(0, listener_first(l).since); /* nobody knows since when */
	ASSERT_EQ(0, accepted(self, 1, 9, ~0ull));
	EXPECT_EQ(10 * MS, listener_first(l).since);
}

/*
 * Claim: for how long the first has waited is known by a look, though nobody
 * saw it come and it is not named; until somebody is accepted.
 */
TEST_F(queues, first)
{
	struct event_queue q = queue(QUEUE_looked, 1, 1, 50 * MS, 2);
	struct listener *l;

	ASSERT_EQ(0, add(self, queue(QUEUE_completed, 1, 2, 40 * MS, 2)));
	l = self->l.listener[0];
	EXPECT_EQ(40 * MS, listener_first(l).since);
	q.wait_ns = 45 * MS;
	q.wait_how = HOW_derived;
	ASSERT_EQ(0, add(self, q));
	EXPECT_EQ(5 * MS, listener_first(l).since);
	EXPECT_EQ(HOW_derived, listener_first(l).how);
	q.wait_ns = ~0ull;
	ASSERT_EQ(0, add(self, q));
	EXPECT_TRUE(listener_first(l).waits);
	EXPECT_EQ(0, listener_first(l).since);
	ASSERT_EQ(0, accepted(self, 1, 9, ~0ull));
	EXPECT_EQ(40 * MS, listener_first(l).since);
	ASSERT_EQ(0, looked(self, 60 * MS, 0, 0));
	EXPECT_FALSE(listener_first(l).waits);
}

/* Claim: a percentile is not below the truth, and at most an eighth above. */
TEST_F(queues, percentiles)
{
	const struct spans *wait;
	unsigned int i;
	nsec_t p;

	for (i = 1; i <= 1000; i++)
		ASSERT_EQ(0, accepted(self, 1, i, i * MS));
	wait = &self->l.listener[0]->all.wait;
	EXPECT_EQ(1000, wait->n);
	EXPECT_EQ(1000 * MS, wait->max);
	p = spans_percentile(wait, 50);
	EXPECT_LE(500 * MS, p);
	EXPECT_GE(500 * MS * 9 / 8, p);
	p = spans_percentile(wait, 99);
	EXPECT_LE(990 * MS, p);
	EXPECT_GE(1000 * MS, p);
	EXPECT_EQ(1000 * MS, spans_percentile(wait, 100));
}

/* Claim: a queue that becomes full is counted once, until it is no more. */
TEST_F(queues, full)
{
	ASSERT_EQ(0, add(self, queue(QUEUE_completed, 1, 2, 10, 9)));
	EXPECT_EQ(0, self->l.listener[0]->last.full); /* one more fits */
	ASSERT_EQ(0, add(self, queue(QUEUE_completed, 1, 3, 10, 10)));
	EXPECT_EQ(1, self->l.listener[0]->last.full);
	ASSERT_EQ(0, add(self, queue(QUEUE_SYN_ACK_resent, 1, 4, 10, 10)));
	EXPECT_EQ(1, self->l.listener[0]->last.full);
	ASSERT_EQ(0, accepted(self, 1, 2, 5));
	ASSERT_EQ(0, add(self, queue(QUEUE_completed, 1, 5, 10, 10)));
	EXPECT_EQ(2, self->l.listener[0]->last.full);
	listeners_next(&self->l);
	EXPECT_EQ(0, self->l.listener[0]->last.full);
	EXPECT_EQ(2, self->l.listener[0]->all.full);
}

/* Claim: no time is too short or too long. */
TEST_F(queues, extremes)
{
	static const nsec_t times[] = { 0, 1, 7, 8, 9, 15, 16, ~0ull - 1 };
	unsigned int i;

	for (i = 0; i < sizeof(times) / sizeof(*times); i++) {
		const struct spans *wait;

		ASSERT_EQ(0, accepted(self, 100 + i, i, times[i]));
		wait = &self->l.listener[i]->all.wait;
		EXPECT_EQ(times[i], spans_percentile(wait, 1));
		EXPECT_EQ(times[i], spans_percentile(wait, 100));
	}
	ASSERT_EQ(0, accepted(self, 1, 1, ~0ull)); /* unknown */
	EXPECT_EQ(~0ull, spans_percentile(&self->l.listener[i]->all.wait, 50));
}

TEST_HARNESS_MAIN
