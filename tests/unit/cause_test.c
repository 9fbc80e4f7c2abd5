// SPDX-License-Identifier: GPL-2.0
/* Causes: which call or segment has made a transition, of prepared events. */
#include "event/cause.h"
#include "tests/lib/events.h"

#include <errno.h>
#include <kselftest_harness.h>

#define FIN 1
#define SYN 2
#define RST 4
#define ACK 16

FIXTURE(cause)
{
	struct causes *causes;
	nsec_t now;
	__u64 number; /* of the last segment */
};

FIXTURE_SETUP(cause)
{
	self->causes = causes_new();
	ASSERT_NE(NULL, self->causes);
	self->now = 1000;
}

FIXTURE_TEARDOWN(cause)
{
	causes_free(self->causes);
}

/* One that comes, or with @sent goes; its number. */
static __u64 segment(FIXTURE_DATA(cause) * self, bool sent, __u8 flags,
		     __u32 end, __u32 ack, enum tcb_state state)
{
	struct event_segment s = {
		.ev = events_state(self->now += 10, 1, 2000, 2001, 1, 1).ev,
		.segment = ++self->number,
		.direction = sent ? DIRECTION_sent : DIRECTION_received,
		.flags = flags,
		.end = end,
		.ack = ack,
		.state = state,
		.listener = state == TCB_STATE_LISTEN ? 7 : 0,
	};

	s.ev.type = EVENT_segment;
	causes_update(self->causes, &s.ev);
	return s.segment;
}

static __u64 received(FIXTURE_DATA(cause) * self, __u8 flags, __u32 ack,
		      enum tcb_state state)
{
	return segment(self, false, flags, 1, ack, state);
}

static void call(FIXTURE_DATA(cause) * self, __u64 cookie, __u64 number,
		 enum call_op op, enum call_phase phase)
{
	struct event_call c = {
		.ev = events_state(self->now += 10, cookie, 2000, 2001, 1, 1).ev,
		.call = number,
		.op = op,
		.phase = phase,
		.via = CALL_VIA_syscall,
		.shut = SHUT_HOW_WR,
	};

	c.ev.type = EVENT_call;
	causes_update(self->causes, &c.ev);
}

#define ENTER(op, number) call(self, 1, number, CALL_##op, CALL_PHASE_enter)
#define LEAVE(op, number) call(self, 1, number, CALL_##op, CALL_PHASE_exit)

static struct event_state transition(FIXTURE_DATA(cause) * self,
				     enum tcb_state old, enum tcb_state new)
{
	struct event_state s = events_state(self->now += 10, 1, 2000, 2001, old,
					    new);

	return s;
}

/* The transition, after whatever has been prepared in it. */
static struct event_state update(FIXTURE_DATA(cause) * self,
				 struct event_state s)
{
	causes_update(self->causes, &s.ev);
	return s;
}

#define GOES(old, new) \
	update(self, transition(self, TCB_STATE_##old, TCB_STATE_##new))

#define EXPECT_CAUSE(state, c, by_call, by_segment)                    \
	do {                                                           \
		struct event_state s_ = (state);                       \
		EXPECT_EQ(CAUSE_##c, s_.cause);                        \
		EXPECT_EQ((by_call), s_.cause_call);                   \
		EXPECT_EQ((by_segment), s_.cause_segment);             \
		EXPECT_EQ(CAUSE_##c ? HOW_observed : 0, s_.cause_how); \
	} while (0)

/* Claim: a connection's whole life, each step by its own call or segment. */
TEST_F(cause, life)
{
	struct event_state s;
	__u64 n;

	ENTER(connect, 11);
	s = GOES(CLOSE, SYN_SENT);
	EXPECT_CAUSE(s, CALL_CONNECT, 11, 0);
	segment(self, true, SYN, 1, 0, TCB_STATE_SYN_SENT);
	n = received(self, SYN | ACK, 1, TCB_STATE_SYN_SENT);
	s = GOES(SYN_SENT, ESTABLISHED);
	EXPECT_CAUSE(s, RX_SYN_ACK, 0, n);
	LEAVE(connect, 11);
	received(self, ACK, 5, TCB_STATE_ESTABLISHED);
	ENTER(close, 12);
	s = GOES(ESTABLISHED, FIN_WAIT1);
	EXPECT_CAUSE(s, CALL_CLOSE, 12, 0);
	LEAVE(close, 12);
	segment(self, true, FIN | ACK, 9, 1, TCB_STATE_FIN_WAIT1);
	received(self, ACK, 8, TCB_STATE_FIN_WAIT1);
	n = received(self, FIN | ACK, 9, TCB_STATE_FIN_WAIT1);
	s = GOES(FIN_WAIT1, FIN_WAIT2);
	EXPECT_CAUSE(s, RX_ACK, 0, n);
	s = transition(self, TCB_STATE_FIN_WAIT2, TCB_STATE_TIME_WAIT);
	s.tw_substate = TCB_STATE_TIME_WAIT;
	s = update(self, s);
	EXPECT_CAUSE(s, RX_FIN, 0, n);
}

/* Claim: what a listener makes of a segment is of the last that has come. */
TEST_F(cause, child)
{
	struct event_state s;
	__u64 n;

	received(self, SYN, 0, TCB_STATE_LISTEN);
	segment(self, true, SYN | ACK, 1, 1, TCB_STATE_LISTEN);
	received(self, ACK, 1, TCB_STATE_LISTEN); /* there was no room */
	n = received(self, ACK, 1, TCB_STATE_LISTEN);
	s = GOES(LISTEN, SYN_RECV);
	EXPECT_CAUSE(s, RX_ACK, 0, n);
	s = GOES(SYN_RECV, ESTABLISHED);
	EXPECT_CAUSE(s, RX_ACK, 0, n);
	call(self, 7, 30, CALL_close, CALL_PHASE_enter);
	s = GOES(ESTABLISHED, CLOSE);
	EXPECT_CAUSE(s, CALL_CLOSE, 30, 0);
}

/* Claim: SYNs and FINs that cross are told from those that answer. */
TEST_F(cause, crossed)
{
	struct event_state s;
	__u64 n;

	s = GOES(CLOSE, SYN_SENT);
	EXPECT_CAUSE(s, NONE, 0, 0);
	segment(self, true, SYN, 1, 0, TCB_STATE_SYN_SENT);
	n = received(self, SYN, 0, TCB_STATE_SYN_SENT);
	s = GOES(SYN_SENT, SYN_RECV);
	EXPECT_CAUSE(s, RX_SYN, 0, n);
	n = received(self, SYN | ACK, 1, TCB_STATE_SYN_RECV);
	s = GOES(SYN_RECV, ESTABLISHED);
	EXPECT_CAUSE(s, RX_SYN_ACK, 0, n);
	segment(self, true, FIN | ACK, 2, 1, TCB_STATE_FIN_WAIT1);
	n = received(self, FIN | ACK, 1, TCB_STATE_FIN_WAIT1);
	s = GOES(FIN_WAIT1, CLOSING);
	EXPECT_CAUSE(s, RX_FIN, 0, n);
	n = received(self, ACK, 2, TCB_STATE_CLOSING);
	s = GOES(CLOSING, TIME_WAIT);
	EXPECT_CAUSE(s, RX_ACK, 0, n);
}

/* Claim: an ACK of the FIN that comes during close() leaves the rest to it. */
TEST_F(cause, minisocket)
{
	struct event_state s;
	bool by_call, over;
	__u64 n, i;

	for (i = 0; i < 4; i++) {
		by_call = i & 1;
		over = i & 2; /* the kernel may act on the way back */
		ENTER(close, 10 + i);
		if (over)
			LEAVE(close, 10 + i);
		s = GOES(ESTABLISHED, FIN_WAIT1);
		EXPECT_CAUSE(s, CALL_CLOSE, 10 + i, 0);
		segment(self, true, FIN | ACK, 9, 1, TCB_STATE_FIN_WAIT1);
		n = received(self, ACK, 9, TCB_STATE_FIN_WAIT1);
		s = GOES(FIN_WAIT1, FIN_WAIT2);
		EXPECT_CAUSE(s, RX_ACK, 0, n);
		s = transition(self, TCB_STATE_FIN_WAIT2, TCB_STATE_TIME_WAIT);
		s.tw_substate = TCB_STATE_FIN_WAIT2;
		s.cause = by_call ? CAUSE_CALL_CLOSE : CAUSE_RX_ACK;
		s.cause_how = by_call ? HOW_observed : HOW_derived;
		s = update(self, s);
		if (by_call)
			EXPECT_CAUSE(s, CALL_CLOSE, 10 + i, 0);
		else
			EXPECT_CAUSE(s, RX_ACK, 0, n);
		if (!over)
			LEAVE(close, 10 + i);
		self->now += 1000000000;
		GOES(CLOSE, SYN_SENT);
	}
}

/* Claim: of two that fit neither is named, and what was said stands. */
TEST_F(cause, ambiguous)
{
	struct event_state s = transition(self, TCB_STATE_ESTABLISHED,
					  TCB_STATE_CLOSE_WAIT);

	received(self, FIN | ACK, 1, TCB_STATE_ESTABLISHED);
	received(self, FIN | ACK, 1, TCB_STATE_ESTABLISHED);
	s.ev.ts_ns = self->now += 10;
	s.cause = CAUSE_RX_FIN;
	s.cause_how = HOW_derived;
	s = update(self, s);
	EXPECT_EQ(CAUSE_RX_FIN, s.cause);
	EXPECT_EQ(HOW_derived, s.cause_how);
	EXPECT_EQ(0, s.cause_segment);
	ENTER(close, 1);
	received(self, RST, 0, TCB_STATE_CLOSE_WAIT);
	s = GOES(CLOSE_WAIT, CLOSE);
	EXPECT_CAUSE(s, NONE, 0, 0);
}

/* Claim: what is derived gives way to what is seen, what is observed does not. */
TEST_F(cause, overruled)
{
	struct event_state s;
	__u64 n;

	n = received(self, RST, 0, TCB_STATE_ESTABLISHED);
	s = transition(self, TCB_STATE_ESTABLISHED, TCB_STATE_CLOSE);
	s.cause = CAUSE_RX_ICMP;
	s.cause_how = HOW_derived;
	EXPECT_CAUSE(update(self, s), RX_RST, 0, n);
	s.cause_how = HOW_observed;
	s = update(self, s);
	EXPECT_EQ(CAUSE_RX_ICMP, s.cause);
	EXPECT_EQ(0, s.cause_segment);
}

/* Claim: a timer is no segment, whatever has come. */
TEST_F(cause, timer)
{
	struct event_state s;

	received(self, RST, 0, TCB_STATE_ESTABLISHED);
	s = transition(self, TCB_STATE_ESTABLISHED, TCB_STATE_CLOSE);
	s.err = ETIMEDOUT;
	EXPECT_CAUSE(update(self, s), NONE, 0, 0);
}

/*
 * Claim: a call that is over does nothing, but for shutdown(), and close()
 * where the kernel closes on the way back to the process: once, and soon.
 */
TEST_F(cause, over)
{
	struct event_state s;

	ENTER(connect, 1);
	LEAVE(connect, 1);
	EXPECT_CAUSE(GOES(CLOSE, SYN_SENT), NONE, 0, 0);
	ENTER(dup2, 4);
	LEAVE(dup2, 4);
	EXPECT_CAUSE(GOES(ESTABLISHED, FIN_WAIT1), CALL_DUP, 4, 0);
	ENTER(close, 2);
	LEAVE(close, 2);
	EXPECT_CAUSE(GOES(ESTABLISHED, FIN_WAIT1), CALL_CLOSE, 2, 0);
	s = transition(self, TCB_STATE_FIN_WAIT2, TCB_STATE_CLOSE);
	EXPECT_CAUSE(update(self, s), NONE, 0, 0);
	ENTER(close, 3);
	LEAVE(close, 3);
	self->now += 1000000000;
	EXPECT_CAUSE(GOES(ESTABLISHED, FIN_WAIT1), NONE, 0, 0);
	ENTER(shutdown, 4);
	LEAVE(shutdown, 4);
	self->now += 1000000000;
	EXPECT_CAUSE(GOES(ESTABLISHED, FIN_WAIT1), CALL_SHUTDOWN, 4, 0);
}

/* Claim: another connection of the same ends begins with nothing. */
TEST_F(cause, again)
{
	struct event_state s;

	received(self, SYN | ACK, 1, TCB_STATE_SYN_SENT);
	GOES(CLOSE, SYN_SENT);
	s = GOES(SYN_SENT, ESTABLISHED);
	EXPECT_CAUSE(s, NONE, 0, 0);
}

/* Claim: however many there are, the last one is known. */
TEST_F(cause, many)
{
	struct event_segment e = { .direction = DIRECTION_received,
				   .flags = SYN | ACK,
				   .ack = 1,
				   .state = TCB_STATE_SYN_SENT };
	struct event_state s;
	__u32 i;

	for (i = 1; i <= 10 * CAUSE_CONNECTIONS; i++) {
		e.ev = events_state(i, i, 2000, 1 + i % 60000, 1, 1).ev;
		e.ev.type = EVENT_segment;
		e.ev.netns = i;
		e.segment = i;
		causes_update(self->causes, &e.ev);
	}
	s = events_state(i, i - 1, 2000, 1 + (i - 1) % 60000,
			 TCB_STATE_SYN_SENT, TCB_STATE_ESTABLISHED);
	s.ev.netns = i - 1;
	EXPECT_CAUSE(update(self, s), RX_SYN_ACK, 0, i - 1);
}

TEST_HARNESS_MAIN
