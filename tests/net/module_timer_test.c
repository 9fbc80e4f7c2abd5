// SPDX-License-Identifier: GPL-2.0
/* Tests of the kernel module: each timer of a socket runs when it has to. */
#include "tests/lib/scope.h"

#include <poll.h>
#include <stdlib.h>

#include <kselftest_harness.h>

SCOPE_FIXTURE(timers)

/* What nobody acknowledges waits for its timer, which the timeout bounds. */
TEST_F(timers, retransmit_timer)
{
	struct module_list list, segment;
	int64_t remaining;

	ASSERT_EQ(0, conn_open(&self->s.conn));
	ASSERT_EQ(0, gate_close(&self->s.conn.gate));
	ASSERT_EQ(0, conn_send(&self->s.conn, 0, 100));
	ASSERT_EQ(0, scope_show(&self->s, 0, &list));
	EXPECT_EQ(1, scope_segments(&list, TCBSCOPE_QUEUE_RETRANSMIT, 0,
				    &segment));
	EXPECT_EQ(SEND(UNA), module_or(&segment, TCBSCOPE_A_SEGMENT_SEQ, 0));
	EXPECT_EQ(100, module_or(&segment, TCBSCOPE_A_SEGMENT_LEN, 0));
	EXPECT_EQ(0, module_or(&segment, TCBSCOPE_A_SEGMENT_MARKS, 0));
	/* A tail is probed before the timeout. */
	remaining = TIMER(LOSS_PROBE);
	if (remaining < 0)
		remaining = TIMER(RETRANSMIT);
	EXPECT_LT(0, remaining);
	/* Timers count in ticks, of which one has begun. */
	EXPECT_GE((int64_t)TIME(RTO_US) + 10000, remaining);
}

/* A connection that nothing happens on is to be asked for, by and by. */
TEST_F(timers, keepalive)
{
	struct conn *c = &self->s.conn;
	struct module_list list;

	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, scope_show(&self->s, 0, &list));
	EXPECT_GT(0, TIMER(KEEPALIVE));
	ASSERT_EQ(0, conn_option(c, 0, SOL_SOCKET, SO_KEEPALIVE, 1));
	ASSERT_EQ(0, conn_option(c, 0, IPPROTO_TCP, TCP_KEEPIDLE, 100));
	ASSERT_EQ(0, scope_show(&self->s, 0, &list));
	EXPECT_LT(90000000, TIMER(KEEPALIVE));
	EXPECT_GE(100010000, TIMER(KEEPALIVE));
}

/* A receiver that is to answer first delays its ACK. */
TEST_F(timers, delayed_ack)
{
	uint64_t deadline = clock_now_ns() + SCOPE_PATIENCE_NS;
	struct conn *c = &self->s.conn;
	struct module_list list;

	ASSERT_EQ(0, conn_open(c));
	do {
		ASSERT_GT(deadline, clock_now_ns());
		ASSERT_EQ(0, scope_settle(&self->s, 0));
		ASSERT_EQ(0, conn_option(c, 1, IPPROTO_TCP, TCP_QUICKACK, 0));
		ASSERT_EQ(0, conn_send(c, 0, 1));
		ASSERT_EQ(0, scope_show(&self->s, 1, &list));
	} while (TIMER(DELAYED_ACK) < 0);
	/* As long as any ACK may be delayed, and a tick. */
	EXPECT_GE(210000, TIMER(DELAYED_ACK));
	EXPECT_GE(210000, TIME(ATO_US));
}

/* A socket that nobody holds waits a while for the peer's FIN. */
TEST_F(timers, fin_wait2)
{
	struct conn *c = &self->s.conn;
	struct module_list list;
	uint64_t cookie;

	/* Longer than TIME_WAIT is: until then it is a whole socket. */
	ASSERT_EQ(0, netns_sysctl(c->pair.side[0].fd,
				  "net/ipv4/tcp_fin_timeout", "120"));
	ASSERT_EQ(0, conn_open(c));
	cookie = conn_cookie(c->fd[0]);
	ASSERT_EQ(0, conn_close(c, 0));
	ASSERT_EQ(0, conn_wait(c, 0, TCBSCOPE_STATE_FIN_WAIT2));
	ASSERT_EQ(0, scope_show_cookie(&self->s, 0, cookie, &list));
	EXPECT_EQ(TCBSCOPE_STATE_FIN_WAIT2, SOCKET(STATE));
	EXPECT_NE(0, SOCKET(FLAGS) & TCBSCOPE_FLAG_ORPHAN);
	EXPECT_LT(50000000, TIMER(FIN_WAIT2));
	EXPECT_GE(60010000, TIMER(FIN_WAIT2));
	EXPECT_GT(0, TIMER(KEEPALIVE));
}

/* At 100 bytes a second, 100 bytes wait for a second. */
TEST_F(timers, pacing)
{
	uint64_t deadline = clock_now_ns() + SCOPE_PATIENCE_NS;
	struct conn *c = &self->s.conn;
	struct module_list list;
	int i;

	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, conn_option(c, 0, IPPROTO_TCP, TCP_NODELAY, 1));
	ASSERT_EQ(0, conn_option(c, 0, SOL_SOCKET, SO_MAX_PACING_RATE, 100));
	for (i = 0; i < 20; i++) /* the first ten are not paced */
		ASSERT_EQ(0, conn_send(c, 0, 100));
	do {
		ASSERT_GT(deadline, clock_now_ns());
		ASSERT_EQ(0, scope_show(&self->s, 0, &list));
	} while (TIMER(PACING) < 0);
	EXPECT_GE(2 * 1000000, TIMER(PACING)); /* two may have become one */
}

#define ROUND_TRIP_MS 300
#define LONG_MS 2500 /* a round trip of which 5 % are time to look */

/* All that @side sends is held: a round trip takes that time. */
static int hold(struct conn *c, int side, unsigned int ms)
{
	uint64_t until = clock_now_ns() + ms * 1000000ULL;

	while (clock_now_ns() < until)
		poll(NULL, 0, 1);
	return gate_open_side(&c->gate, side);
}

/* Opens a connection of which @side has seen such a round trip. 0 or -errno. */
static int open_slowly(struct conn *c, int side, unsigned int ms)
{
	int err = netns_sysctl(c->pair.side[0].fd, "net/ipv4/tcp_autocorking",
			       "0");

	if (!err)
		err = gate_close_side(&c->gate, side);
	if (!err)
		err = conn_listen(c);
	if (!err)
		err = conn_connect(c, 0);
	if (!err)
		err = hold(c, side, ms);
	if (!err)
		err = conn_accept(c);
	return err ?: conn_option(c, 0, IPPROTO_TCP, TCP_NODELAY, 1);
}

/*
 * The second segment has come and the first has not: for a part of the round
 * trip it may be late.
 */
TEST_F(timers, reorder)
{
	uint64_t deadline = clock_now_ns() + SCOPE_PATIENCE_NS;
	struct conn *c = &self->s.conn;
	struct module_list list;

	ASSERT_EQ(0, open_slowly(c, 0, ROUND_TRIP_MS));
	ASSERT_EQ(0, conn_lose(c->fd[1], 'x'));
	ASSERT_EQ(0, gate_close_side(&c->gate, 0));
	ASSERT_EQ(1, send(c->fd[0], "x", 1, 0));
	ASSERT_EQ(1, send(c->fd[0], "y", 1, 0));
	ASSERT_EQ(0, hold(c, 0, ROUND_TRIP_MS));
	do {
		ASSERT_GT(deadline, clock_now_ns());
		ASSERT_EQ(0, scope_show(&self->s, 0, &list));
	} while (TIMER(REORDER) < 0);
	EXPECT_EQ(TCBSCOPE_CA_STATE_DISORDER, CONGESTION(STATE));
	EXPECT_EQ(1, CONGESTION(SACKED_OUT));
	EXPECT_EQ(0, CONGESTION(LOST_OUT));
	EXPECT_GE(ROUND_TRIP_MS * 1000 / 4 + 10000, TIMER(REORDER));
}

/* Of many segments behind a gap not each is acknowledged at once. */
TEST_F(timers, compressed_ack)
{
	uint64_t deadline = clock_now_ns() + SCOPE_PATIENCE_NS;
	struct conn *c = &self->s.conn;
	char data[1000] = "y";
	struct module_list list;

	if (getenv("TCBSCOPE_PATIENCE"))
		SKIP(return, "not seen in a kernel that watches itself");
	ASSERT_EQ(0,
		  netns_sysctl(c->pair.side[1].fd,
			       "net/ipv4/tcp_comp_sack_delay_ns", "100000000"));
	/* Nothing is sent again: that would be acknowledged at once. */
	ASSERT_EQ(0, netns_sysctl(c->pair.side[0].fd,
				  "net/ipv4/tcp_early_retrans", "0"));
	ASSERT_EQ(0, conn_rto_min(c, 0, 60000));
	ASSERT_EQ(0, open_slowly(c, 1, LONG_MS));
	/* What the sender says after a while seems to have been long under
	 * way. */
	do {
		ASSERT_GT(deadline, clock_now_ns());
		ASSERT_EQ(0, hold(c, 1, LONG_MS));
		ASSERT_EQ(0, conn_send(c, 0, sizeof(data)));
		ASSERT_EQ(0, scope_settle(&self->s, 0));
		ASSERT_EQ(0, scope_show(&self->s, 1, &list));
	} while (TIME(RECEIVE_RTT_US) == ~0ULL ||
		 TIME(RECEIVE_RTT_US) < LONG_MS * 1000 / 2);
	ASSERT_EQ(0, conn_option(c, 1, IPPROTO_TCP, TCP_QUICKACK, 0));
	ASSERT_EQ(0, conn_lose(c->fd[1], 'x'));
	/* The sender does not hear of the gap, and goes on. */
	ASSERT_EQ(0, gate_close_side(&c->gate, 1));
	ASSERT_EQ(1, send(c->fd[0], "x", 1, 0));
	do {
		ASSERT_GT(deadline, clock_now_ns());
		send(c->fd[0], data, sizeof(data), MSG_DONTWAIT);
		ASSERT_EQ(0, scope_show(&self->s, 1, &list));
	} while (TIMER(COMPRESSED_ACK) < 0);
	EXPECT_GE(110000, TIMER(COMPRESSED_ACK));
}

TEST_HARNESS_MAIN
