// SPDX-License-Identifier: GPL-2.0
/* Tests of the kernel module: queues of a socket, segment by segment. */
#include "tests/lib/scope.h"

#include <errno.h>
#include <poll.h>

#include <kselftest_harness.h>

SCOPE_FIXTURE(segments)

static uint64_t marks_of(const struct module_list *list, int n)
{
	struct module_list segment = {};

	scope_segments(list, TCBSCOPE_QUEUE_RETRANSMIT, n, &segment);
	return module_or(&segment, TCBSCOPE_A_SEGMENT_MARKS, 0);
}

/*
 * Of two segments the first is lost, also when it is sent again: the scoreboard
 * says so, and the peer has the second behind a gap.
 */
TEST_F(segments, scoreboard)
{
	const uint64_t lost = TCBSCOPE_MARK_LOST |
			      TCBSCOPE_MARK_EVER_RETRANSMITTED;
	uint64_t began = clock_now_ns(), deadline = began + SCOPE_PATIENCE_NS;
	struct module_list list, segment, range;
	uint32_t una;
	int n;

	ASSERT_EQ(0, conn_open(&self->s.conn));
	ASSERT_EQ(0,
		  conn_option(&self->s.conn, 0, IPPROTO_TCP, TCP_NODELAY, 1));
	ASSERT_EQ(0, conn_lose(self->s.conn.fd[1], 'x'));
	ASSERT_EQ(0, scope_show(&self->s, 0, &list));
	una = SEND(UNA);
	ASSERT_EQ(1, send(self->s.conn.fd[0], "x", 1, 0));
	ASSERT_EQ(1, send(self->s.conn.fd[0], "y", 1, 0));
	do {
		poll(NULL, 0, 1);
		ASSERT_EQ(0, scope_show(&self->s, 0, &list));
		ASSERT_GT(deadline, clock_now_ns());
		n = scope_segments(&list, TCBSCOPE_QUEUE_RETRANSMIT, 1,
				   &segment);
	} while (n != 2 || (marks_of(&list, 0) & lost) != lost);

	EXPECT_EQ(una, SEND(UNA));
	EXPECT_EQ(una + 1, module_or(&segment, TCBSCOPE_A_SEGMENT_SEQ, 0));
	EXPECT_EQ(1, module_or(&segment, TCBSCOPE_A_SEGMENT_LEN, 0));
	EXPECT_EQ(1, module_or(&segment, TCBSCOPE_A_SEGMENT_PACKETS, 0));
	EXPECT_EQ(TCBSCOPE_MARK_SACKED, marks_of(&list, 1));
	EXPECT_LT(began, module_or(&segment, TCBSCOPE_A_SEGMENT_SENT_NS, 0));
	EXPECT_GE(SOCKET(NOW_NS),
		  module_or(&segment, TCBSCOPE_A_SEGMENT_SENT_NS, 0));
	EXPECT_EQ(2, CONGESTION(PACKETS_OUT));
	EXPECT_EQ(1, CONGESTION(SACKED_OUT));
	EXPECT_LE(1, CONGESTION(LOST_OUT));
	EXPECT_LE(1, CONGESTION(RETRANS));
	EXPECT_NE(TCBSCOPE_CA_STATE_OPEN, CONGESTION(STATE));
	EXPECT_EQ(2, SOCKET(SEND_QUEUE));
	range = module_nest(&list, TCBSCOPE_A_SOCKET_SACK_RECEIVED);
	EXPECT_EQ(una + 1, module_or(&range, TCBSCOPE_A_RANGE_START, 0));
	EXPECT_EQ(una + 2, module_or(&range, TCBSCOPE_A_RANGE_END, 0));

	ASSERT_EQ(0, scope_show(&self->s, 1, &list));
	EXPECT_EQ(una, RECEIVE(NXT));
	EXPECT_EQ(1, scope_segments(&list, TCBSCOPE_QUEUE_OUT_OF_ORDER, 0,
				    &segment));
	EXPECT_EQ(una + 1, module_or(&segment, TCBSCOPE_A_SEGMENT_SEQ, 0));
	EXPECT_EQ(1, module_or(&segment, TCBSCOPE_A_SEGMENT_LEN, 0));
	range = module_nest(&list, TCBSCOPE_A_SOCKET_SACK_PENDING);
	EXPECT_EQ(una + 1, module_or(&range, TCBSCOPE_A_RANGE_START, 0));
	EXPECT_EQ(una + 2, module_or(&range, TCBSCOPE_A_RANGE_END, 0));
}

/* A closed window: what cannot be sent waits, and the probe's timer runs. */
TEST_F(segments, unsent)
{
	uint64_t deadline = clock_now_ns() + SCOPE_PATIENCE_NS;
	struct conn *c = &self->s.conn;
	struct module_list list, segment;
	char data[65536] = {};
	int looks = 0;

	ASSERT_EQ(0, conn_listen(c));
	ASSERT_EQ(0, setsockopt(c->listener, SOL_SOCKET, SO_RCVBUF,
				&(int){ 4096 }, sizeof(int)));
	ASSERT_EQ(0, conn_connect(c, 0));
	ASSERT_EQ(0, conn_accept(c));
	do {
		/*
		 * The receiver may have dropped the last segments, which then
		 * wait for a retransmission: some room for these, and again.
		 */
		if (looks++ % 1000 == 999)
			recv(c->fd[1], data, sizeof(data), MSG_DONTWAIT);
		while (looks % 1000 == 1 &&
		       send(c->fd[0], data, sizeof(data), MSG_DONTWAIT) > 0) {
		}
		poll(NULL, 0, 1);
		ASSERT_EQ(0, scope_show(&self->s, 0, &list));
		ASSERT_GT(deadline, clock_now_ns());
	} while (TIMER(PROBE) < 0 || SEND(UNA) != SEND(NXT));
	EXPECT_LT(0, scope_segments(&list, TCBSCOPE_QUEUE_UNSENT, 0, &segment));
	EXPECT_EQ(SEND(NXT), module_or(&segment, TCBSCOPE_A_SEGMENT_SEQ, 0));
	EXPECT_EQ(SOCKET(SEND_QUEUE), (uint32_t)(SEND(WRITE) - SEND(UNA)));
	EXPECT_LT(0, MEMORY(SEND_QUEUED));
}

/* So many more segments of one byte, which do not become one. 0 or -errno. */
static int send_segments(int fd, int n)
{
	for (; n; n--)
		if (send(fd, "x", 1, MSG_DONTWAIT | MSG_EOR) != 1)
			return -errno;
	return 0;
}

/*
 * Are these the first @n of the queues, sent or not, without a gap? No message
 * holds as many.
 */
static bool are_in_order(const struct module_list *list, uint32_t una, int n)
{
	uint32_t packets_out = scope_in(list, TCBSCOPE_A_SOCKET_CONGESTION,
					TCBSCOPE_A_CONGESTION_PACKETS_OUT);
	struct module_list s;
	size_t at = 0;
	uint32_t i = 0;

	while (module_next(list, TCBSCOPE_A_SOCKET_SEGMENT, &at, &s)) {
		if (module_or(&s, TCBSCOPE_A_SEGMENT_SEQ, 0) !=
			    (uint32_t)(una + i) ||
		    module_or(&s, TCBSCOPE_A_SEGMENT_LEN, 0) != 1 ||
		    module_or(&s, TCBSCOPE_A_SEGMENT_QUEUE, -1) !=
			    (i < packets_out ? TCBSCOPE_QUEUE_RETRANSMIT :
					       TCBSCOPE_QUEUE_UNSENT))
			return false;
		i++;
	}
	return (int)i == n;
}

/*
 * 10,000 segments are shown, as they are in one instant; of more than the
 * module has room for the first, and that there are others.
 */
TEST_F(segments, long_queue)
{
	const int many = 10000, max = 16384;
	struct module_list list;
	int fd;

	ASSERT_EQ(0, conn_open(&self->s.conn));
	fd = self->s.conn.fd[0];
	ASSERT_EQ(0, conn_option(&self->s.conn, 0, SOL_SOCKET, SO_SNDBUFFORCE,
				 1 << 26));
	ASSERT_EQ(0, gate_close(&self->s.conn.gate));
	ASSERT_EQ(0, send_segments(fd, many));
	ASSERT_EQ(0, scope_show(&self->s, 0, &list));
	EXPECT_EQ(many, SOCKET(SEND_QUEUE));
	EXPECT_TRUE(are_in_order(&list, SEND(UNA), many));
	EXPECT_EQ(0, module_or(&list, TCBSCOPE_A_SOCKET_TRUNCATED, 0));
	TH_LOG("%d segments in a hold of %llu ns", many,
	       (unsigned long long)SOCKET(HOLD_NS));

	ASSERT_EQ(0, send_segments(fd, max - many));
	ASSERT_EQ(0, scope_show(&self->s, 0, &list));
	EXPECT_TRUE(are_in_order(&list, SEND(UNA), max));
	EXPECT_EQ(0, module_or(&list, TCBSCOPE_A_SOCKET_TRUNCATED, 0));
	ASSERT_EQ(0, send_segments(fd, 1));
	ASSERT_EQ(0, scope_show(&self->s, 0, &list));
	EXPECT_TRUE(are_in_order(&list, SEND(UNA), max));
	EXPECT_EQ(1, module_or(&list, TCBSCOPE_A_SOCKET_TRUNCATED, 0));
}

TEST_HARNESS_MAIN
