// SPDX-License-Identifier: GPL-2.0
/* Tests of the kernel module: what it tells of sockets, against the truth. */
#include <errno.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#define _NETINET_TCP_H /* the kernel's header says it all */
#include "lib/clock.h"
#include "tests/lib/conn.h"
#include "tests/lib/kmod.h"

#include <kselftest_harness.h>

#define CLIENTS 6 /* as many as the queue of listen(5) holds */
#define PATIENCE_NS (20 * NSEC_PER_SEC)

static void __attribute__((constructor)) need_module(void)
{
	kmod_or_skip();
}

FIXTURE(module)
{
	struct conn conn;
	struct module *at[2]; /* connections, one in each namespace */
	int client[CLIENTS];  /* 0: none */
};

FIXTURE_VARIANT(module)
{
	int family;
};

FIXTURE_VARIANT_ADD(module, ipv4){ .family = AF_INET };
FIXTURE_VARIANT_ADD(module, ipv6){ .family = AF_INET6 };

FIXTURE_SETUP(module)
{
	int i;

	memset(self, 0, sizeof(*self));
	ASSERT_EQ(0, conn_stage(&self->conn, variant->family));
	ASSERT_EQ(0, gate_open(&self->conn.gate));
	ASSERT_EQ(0, kmod_load());
	for (i = 0; i < 2; i++) {
		self->at[i] = kmod_open(self->conn.pair.side[i].fd);
		ASSERT_NE(NULL, self->at[i]);
	}
}

FIXTURE_TEARDOWN(module)
{
	int i;

	for (i = 0; i < CLIENTS; i++)
		if (self->client[i] > 0)
			close(self->client[i]);
	module_close(self->at[0]);
	module_close(self->at[1]);
	conn_free(&self->conn);
	EXPECT_EQ(0, kmod_unload());
}

/* The socket of an end as the module shows it. 0 or -errno. */
static int show(struct module *at, int fd, struct module_list *list)
{
	struct module_identity id = kmod_identity(fd);

	return module_get(at, TCBSCOPE_CMD_SOCKET_GET, &id, false, list);
}

/* How many segments there are in a queue; the n-th of them in *@nth. */
static int segments(const struct module_list *list, uint64_t queue, int n,
		    struct module_list *nth)
{
	struct module_list segment;
	size_t at = 0;
	int count = 0;

	while (module_next(list, TCBSCOPE_A_SOCKET_SEGMENT, &at, &segment)) {
		if (module_or(&segment, TCBSCOPE_A_SEGMENT_QUEUE, -1) != queue)
			continue;
		if (count++ == n)
			*nth = segment;
	}
	return count;
}

static uint64_t in(const struct module_list *list, int nest, int type)
{
	struct module_list inner = module_nest(list, nest);

	return module_or(&inner, type, -1);
}

/* A number that may be absent if it is 0. */
static uint64_t in_or_0(const struct module_list *list, int nest, int type)
{
	struct module_list inner = module_nest(list, nest);

	return module_or(&inner, type, 0);
}

#define SEND(name) in(&list, TCBSCOPE_A_SOCKET_SEND, TCBSCOPE_A_SEND_##name)
#define RECEIVE(name) \
	in(&list, TCBSCOPE_A_SOCKET_RECEIVE, TCBSCOPE_A_RECEIVE_##name)
#define CONGESTION(name) \
	in(&list, TCBSCOPE_A_SOCKET_CONGESTION, TCBSCOPE_A_CONGESTION_##name)
#define TIME(name) in(&list, TCBSCOPE_A_SOCKET_TIME, TCBSCOPE_A_TIME_##name)
#define MEMORY(name) \
	in(&list, TCBSCOPE_A_SOCKET_MEMORY, TCBSCOPE_A_MEMORY_##name)
#define OPTIONS(name) \
	in(&list, TCBSCOPE_A_SOCKET_OPTIONS, TCBSCOPE_A_OPTIONS_##name)
#define SOCKET(name) module_or(&list, TCBSCOPE_A_SOCKET_##name, -1)

/* A connection at rest has the numbers that TCP_INFO and others give. */
TEST_F(module, is_tcp_info)
{
	struct module_list list;
	struct tcp_info info = {};
	socklen_t len = sizeof(info);
	struct stat st;
	int fd, value;

	ASSERT_EQ(0, conn_open(&self->conn));
	ASSERT_EQ(0, conn_send(&self->conn, 0, 5000));
	ASSERT_EQ(0, conn_receive(&self->conn, 1, 5000));
	ASSERT_EQ(0, conn_send(&self->conn, 1, 300));
	ASSERT_EQ(0, conn_receive(&self->conn, 0, 100));
	ASSERT_EQ(0, conn_option(&self->conn, 0, SOL_SOCKET, SO_MARK, 77));
	ASSERT_EQ(0, conn_option(&self->conn, 0, SOL_SOCKET, SO_PRIORITY, 3));
	ASSERT_EQ(0, conn_option(&self->conn, 0, IPPROTO_TCP, TCP_NODELAY, 1));
	fd = self->conn.fd[0];
	/* Nothing goes on any more: all is acknowledged. */
	do {
		poll(NULL, 0, 1);
		ASSERT_EQ(0, ioctl(fd, SIOCOUTQ, &value));
	} while (value);

	ASSERT_EQ(0, getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len));
	ASSERT_EQ(0, show(self->at[0], fd, &list));
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(TCBSCOPE_STATE_ESTABLISHED, SOCKET(STATE));
	EXPECT_EQ(st.st_ino, SOCKET(INODE));
	EXPECT_EQ(0, SOCKET(UID));
	EXPECT_EQ(77, SOCKET(MARK));
	EXPECT_EQ(3, SOCKET(PRIORITY));
	EXPECT_EQ((unsigned int)variant->family, SOCKET(FAMILY));
	EXPECT_EQ(TCBSCOPE_FLAG_NODELAY,
		  SOCKET(FLAGS) & (TCBSCOPE_FLAG_NODELAY | TCBSCOPE_FLAG_CORK));
	EXPECT_EQ(200, SOCKET(RECEIVE_QUEUE));
	EXPECT_EQ(0, SOCKET(SEND_QUEUE));
	EXPECT_GE(clock_now_ns(), SOCKET(NOW_NS));
	EXPECT_LT(clock_now_ns() - NSEC_PER_SEC, SOCKET(NOW_NS));
	EXPECT_LT(0, SOCKET(HOLD_NS));

	EXPECT_EQ(info.tcpi_snd_cwnd, CONGESTION(CWND));
	EXPECT_EQ(info.tcpi_snd_ssthresh, CONGESTION(SSTHRESH));
	EXPECT_EQ(info.tcpi_ca_state, CONGESTION(STATE));
	EXPECT_EQ(info.tcpi_reordering, CONGESTION(REORDERING));
	EXPECT_EQ(info.tcpi_delivered, CONGESTION(DELIVERED));
	EXPECT_EQ(info.tcpi_total_retrans, CONGESTION(RETRANS));
	EXPECT_EQ(0, CONGESTION(PACKETS_OUT));
	EXPECT_EQ(info.tcpi_rtt, TIME(SRTT_US));
	EXPECT_EQ(info.tcpi_rttvar, TIME(MDEV_US));
	EXPECT_EQ(info.tcpi_min_rtt, TIME(RTT_MIN_US));
	EXPECT_EQ(info.tcpi_rto, TIME(RTO_US));
	EXPECT_EQ(info.tcpi_backoff, TIME(BACKOFF));
	EXPECT_EQ(info.tcpi_ato, TIME(ATO_US));
	EXPECT_EQ(info.tcpi_snd_mss, SEND(MSS));
	EXPECT_EQ(info.tcpi_pmtu, SEND(PMTU));
	EXPECT_EQ(info.tcpi_advmss, RECEIVE(ADVMSS));
	EXPECT_EQ(info.tcpi_rcv_ssthresh, RECEIVE(SSTHRESH));
	EXPECT_EQ(+info.tcpi_snd_wscale, OPTIONS(SEND_SCALE));
	EXPECT_EQ(+info.tcpi_rcv_wscale, OPTIONS(RECEIVE_SCALE));
	EXPECT_EQ(TCBSCOPE_OPTION_TIMESTAMPS | TCBSCOPE_OPTION_SACK |
			  TCBSCOPE_OPTION_WINDOW_SCALE,
		  OPTIONS(AGREED) &
			  (TCBSCOPE_OPTION_TIMESTAMPS | TCBSCOPE_OPTION_SACK |
			   TCBSCOPE_OPTION_WINDOW_SCALE));

	/* 5000 bytes sent, 300 received, 100 of them read. */
	EXPECT_EQ(SEND(NXT), SEND(UNA));
	EXPECT_EQ(SEND(NXT), SEND(WRITE));
	EXPECT_EQ(5001, (uint32_t)(SEND(NXT) - SEND(ISS)));
	EXPECT_EQ(301, (uint32_t)(RECEIVE(NXT) - RECEIVE(IRS)));
	EXPECT_EQ(101, (uint32_t)(RECEIVE(COPIED) - RECEIVE(IRS)));

	len = sizeof(value);
	ASSERT_EQ(0, getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &value, &len));
	EXPECT_EQ((unsigned int)value, MEMORY(SEND_LIMIT));
	ASSERT_EQ(0, getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &value, &len));
	EXPECT_EQ((unsigned int)value, MEMORY(RECEIVE_LIMIT));
	EXPECT_LT(200, MEMORY(RECEIVE_USED));
}

/* Both ends agree about each other's sequence spaces, whoever opened. */
TEST_F(module, spaces_of_both_ends_match)
{
	struct module_list list;
	uint32_t iss, irs, nxt, wnd;
	int value;

	ASSERT_EQ(0, conn_open(&self->conn));
	ASSERT_EQ(0, conn_send(&self->conn, 0, 1000));
	ASSERT_EQ(0, conn_send(&self->conn, 1, 2000));
	ASSERT_EQ(0, conn_receive(&self->conn, 0, 2000));
	do {
		poll(NULL, 0, 1);
		ASSERT_EQ(0, ioctl(self->conn.fd[0], SIOCOUTQ, &value));
	} while (value);
	ASSERT_EQ(0, show(self->at[0], self->conn.fd[0], &list));
	iss = SEND(ISS), irs = RECEIVE(IRS), nxt = SEND(NXT);
	wnd = SEND(WND);

	ASSERT_EQ(0, show(self->at[1], self->conn.fd[1], &list));
	EXPECT_EQ(iss, RECEIVE(IRS));
	EXPECT_EQ(irs, SEND(ISS));
	EXPECT_EQ(nxt, RECEIVE(NXT));
	/* What was offered when nxt was acknowledged, scaled. */
	EXPECT_GE(RECEIVE(WND), wnd);
	EXPECT_LT(RECEIVE(WND) - wnd, 1ULL << OPTIONS(RECEIVE_SCALE));
	EXPECT_EQ(1000, SOCKET(RECEIVE_QUEUE));
}

/* An end that sends its FIN keeps its ISS, and so does the one that gets it. */
TEST_F(module, fin_is_a_byte)
{
	struct module_list list, fin;
	uint32_t iss;

	ASSERT_EQ(0, conn_open(&self->conn));
	ASSERT_EQ(0, conn_send(&self->conn, 0, 10));
	ASSERT_EQ(0, show(self->at[0], self->conn.fd[0], &list));
	iss = SEND(ISS);
	ASSERT_EQ(0, conn_receive(&self->conn, 1, 10));
	ASSERT_EQ(0, gate_close(&self->conn.gate));
	ASSERT_EQ(0, shutdown(self->conn.fd[0], SHUT_WR));

	ASSERT_EQ(0, show(self->at[0], self->conn.fd[0], &list));
	EXPECT_EQ(TCBSCOPE_STATE_FIN_WAIT1, SOCKET(STATE));
	EXPECT_EQ(iss, SEND(ISS));
	EXPECT_EQ(12, (uint32_t)(SEND(NXT) - SEND(ISS)));
	EXPECT_EQ(1, segments(&list, TCBSCOPE_QUEUE_RETRANSMIT, 0, &fin));
	EXPECT_EQ(1, module_or(&fin, TCBSCOPE_A_SEGMENT_LEN, 0));
	EXPECT_EQ(TCBSCOPE_MARK_FIN,
		  module_or(&fin, TCBSCOPE_A_SEGMENT_MARKS, 0));
	EXPECT_EQ(TCBSCOPE_FLAG_SEND_SHUTDOWN,
		  SOCKET(FLAGS) & TCBSCOPE_FLAG_SEND_SHUTDOWN);
}

/* The timer of this kind; -1: it does not run. */
static int64_t timer(const struct module_list *list, uint64_t kind)
{
	struct module_list t;
	size_t at = 0;

	while (module_next(list, TCBSCOPE_A_SOCKET_TIMER, &at, &t))
		if (module_or(&t, TCBSCOPE_A_TIMER_KIND, -1) == kind)
			return module_or(&t, TCBSCOPE_A_TIMER_REMAINING_US, -1);
	return -1;
}

static uint64_t marks_of(const struct module_list *list, int n)
{
	struct module_list segment = {};

	segments(list, TCBSCOPE_QUEUE_RETRANSMIT, n, &segment);
	return module_or(&segment, TCBSCOPE_A_SEGMENT_MARKS, 0);
}

/*
 * Of two segments the first is lost, also when it is sent again: the scoreboard
 * says so, and the peer has the second behind a gap.
 */
TEST_F(module, scoreboard)
{
	const uint64_t lost = TCBSCOPE_MARK_LOST |
			      TCBSCOPE_MARK_EVER_RETRANSMITTED;
	uint64_t began = clock_now_ns(), deadline = began + PATIENCE_NS;
	struct module_list list, segment, range;
	uint32_t una;
	int n;

	ASSERT_EQ(0, conn_open(&self->conn));
	ASSERT_EQ(0, conn_option(&self->conn, 0, IPPROTO_TCP, TCP_NODELAY, 1));
	ASSERT_EQ(0, conn_lose(self->conn.fd[1], 'x'));
	ASSERT_EQ(0, show(self->at[0], self->conn.fd[0], &list));
	una = SEND(UNA);
	ASSERT_EQ(1, send(self->conn.fd[0], "x", 1, 0));
	ASSERT_EQ(1, send(self->conn.fd[0], "y", 1, 0));
	do {
		poll(NULL, 0, 1);
		ASSERT_EQ(0, show(self->at[0], self->conn.fd[0], &list));
		ASSERT_GT(deadline, clock_now_ns());
		n = segments(&list, TCBSCOPE_QUEUE_RETRANSMIT, 1, &segment);
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

	ASSERT_EQ(0, show(self->at[1], self->conn.fd[1], &list));
	EXPECT_EQ(una, RECEIVE(NXT));
	EXPECT_EQ(1, segments(&list, TCBSCOPE_QUEUE_OUT_OF_ORDER, 0, &segment));
	EXPECT_EQ(una + 1, module_or(&segment, TCBSCOPE_A_SEGMENT_SEQ, 0));
	EXPECT_EQ(1, module_or(&segment, TCBSCOPE_A_SEGMENT_LEN, 0));
	range = module_nest(&list, TCBSCOPE_A_SOCKET_SACK_PENDING);
	EXPECT_EQ(una + 1, module_or(&range, TCBSCOPE_A_RANGE_START, 0));
	EXPECT_EQ(una + 2, module_or(&range, TCBSCOPE_A_RANGE_END, 0));
}

/* What nobody acknowledges waits for its timer, which the timeout bounds. */
TEST_F(module, retransmit_timer)
{
	struct module_list list, segment;
	int64_t remaining;

	ASSERT_EQ(0, conn_open(&self->conn));
	ASSERT_EQ(0, gate_close(&self->conn.gate));
	ASSERT_EQ(0, conn_send(&self->conn, 0, 100));
	ASSERT_EQ(0, show(self->at[0], self->conn.fd[0], &list));
	EXPECT_EQ(1, segments(&list, TCBSCOPE_QUEUE_RETRANSMIT, 0, &segment));
	EXPECT_EQ(SEND(UNA), module_or(&segment, TCBSCOPE_A_SEGMENT_SEQ, 0));
	EXPECT_EQ(100, module_or(&segment, TCBSCOPE_A_SEGMENT_LEN, 0));
	EXPECT_EQ(0, module_or(&segment, TCBSCOPE_A_SEGMENT_MARKS, 0));
	/* A tail is probed before the timeout. */
	remaining = timer(&list, TCBSCOPE_TIMER_KIND_LOSS_PROBE);
	if (remaining < 0)
		remaining = timer(&list, TCBSCOPE_TIMER_KIND_RETRANSMIT);
	EXPECT_LT(0, remaining);
	/* Timers count in ticks, of which one has begun. */
	EXPECT_GE((int64_t)TIME(RTO_US) + 10000, remaining);
}

/* A closed window: what cannot be sent waits, and the probe's timer runs. */
TEST_F(module, unsent)
{
	uint64_t deadline = clock_now_ns() + PATIENCE_NS;
	struct module_list list, segment;
	char data[65536] = {};
	int looks = 0;

	ASSERT_EQ(0, conn_open(&self->conn));
	do {
		/*
		 * The receiver may have dropped the last segments, which then
		 * wait for a retransmission: some room for these, and again.
		 */
		if (looks++ % 1000 == 999)
			recv(self->conn.fd[1], data, sizeof(data),
			     MSG_DONTWAIT);
		while (looks % 1000 == 1 &&
		       send(self->conn.fd[0], data, sizeof(data),
			    MSG_DONTWAIT) > 0) {
		}
		poll(NULL, 0, 1);
		ASSERT_EQ(0, show(self->at[0], self->conn.fd[0], &list));
		ASSERT_GT(deadline, clock_now_ns());
	} while (timer(&list, TCBSCOPE_TIMER_KIND_PROBE) < 0 ||
		 SEND(UNA) != SEND(NXT));
	EXPECT_LT(0, segments(&list, TCBSCOPE_QUEUE_UNSENT, 0, &segment));
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
	uint32_t packets_out = in(list, TCBSCOPE_A_SOCKET_CONGESTION,
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
TEST_F(module, long_queue)
{
	const int many = 10000, max = 16384;
	struct module_list list;
	int fd;

	ASSERT_EQ(0, conn_open(&self->conn));
	fd = self->conn.fd[0];
	ASSERT_EQ(0, conn_option(&self->conn, 0, SOL_SOCKET, SO_SNDBUFFORCE,
				 1 << 26));
	ASSERT_EQ(0, gate_close(&self->conn.gate));
	ASSERT_EQ(0, send_segments(fd, many));
	ASSERT_EQ(0, show(self->at[0], fd, &list));
	EXPECT_EQ(many, SOCKET(SEND_QUEUE));
	EXPECT_TRUE(are_in_order(&list, SEND(UNA), many));
	EXPECT_EQ(0, module_or(&list, TCBSCOPE_A_SOCKET_TRUNCATED, 0));
	TH_LOG("%d segments in a hold of %llu ns", many,
	       (unsigned long long)SOCKET(HOLD_NS));

	ASSERT_EQ(0, send_segments(fd, max - many));
	ASSERT_EQ(0, show(self->at[0], fd, &list));
	EXPECT_TRUE(are_in_order(&list, SEND(UNA), max));
	EXPECT_EQ(0, module_or(&list, TCBSCOPE_A_SOCKET_TRUNCATED, 0));
	ASSERT_EQ(0, send_segments(fd, 1));
	ASSERT_EQ(0, show(self->at[0], fd, &list));
	EXPECT_TRUE(are_in_order(&list, SEND(UNA), max));
	EXPECT_EQ(1, module_or(&list, TCBSCOPE_A_SOCKET_TRUNCATED, 0));
}

static struct module_list listener(struct module *at, int fd, bool entries)
{
	struct module_identity id = kmod_identity(fd);
	struct module_list list = {};

	if (module_get(at, TCBSCOPE_CMD_LISTENER_GET, &id, entries, &list))
		fprintf(stderr, "listener-get: %s\n", module_why(at));
	return list;
}

static uint16_t own_port(int fd)
{
	return kmod_identity(fd).local_port;
}

/* The accept queue is shown in the order in which connections came. */
TEST_F(module, accept_queue_in_order)
{
	struct conn *c = &self->conn;
	struct module_list list, child, id;
	uint64_t age, last = ~0ULL;
	uint64_t deadline = clock_now_ns() + PATIENCE_NS;
	size_t at = 0;
	int i;

	ASSERT_EQ(0, conn_listen(c));
	for (i = 0; i < CLIENTS; i++) {
		self->client[i] = conn_socket(c, 0);
		ASSERT_LT(0, self->client[i]);
		connect(self->client[i], (struct sockaddr *)&c->addr[1],
			c->len);
		do {
			poll(NULL, 0, 1);
			list = listener(self->at[1], c->listener, true);
			ASSERT_GT(deadline, clock_now_ns());
		} while (module_or(&list, TCBSCOPE_A_LISTENER_ACCEPT, 0) !=
			 i + 1U);
	}
	ASSERT_EQ(5, send(self->client[2], "hello", 5, 0));
	close(self->client[3]); /* it has gone before it was accepted */
	self->client[3] = 0;
	do {
		poll(NULL, 0, 1);
		list = listener(self->at[1], c->listener, true);
		ASSERT_GT(deadline, clock_now_ns());
		for (i = 0, at = 0; i < 4; i++)
			ASSERT_TRUE(module_next(&list,
						TCBSCOPE_A_LISTENER_CHILD, &at,
						&child));
	} while (module_or(&child, TCBSCOPE_A_CHILD_STATE, 0) !=
		 TCBSCOPE_STATE_CLOSE_WAIT);

	EXPECT_EQ(0, module_or(&list, TCBSCOPE_A_LISTENER_SYN, -1));
	EXPECT_EQ(8, module_or(&list, TCBSCOPE_A_LISTENER_LIMIT, 0));
	for (i = 0, at = 0; i < CLIENTS; i++) {
		ASSERT_TRUE(module_next(&list, TCBSCOPE_A_LISTENER_CHILD, &at,
					&child));
		id = module_nest(&child, TCBSCOPE_A_CHILD_IDENTITY);
		if (i != 3)
			EXPECT_EQ(own_port(self->client[i]),
				  module_or(&id,
					    TCBSCOPE_A_IDENTITY_REMOTE_PORT,
					    0));
		age = module_or(&child, TCBSCOPE_A_CHILD_AGE_US, 0);
		EXPECT_GE(last, age);
		last = age;
		EXPECT_EQ(i == 2 ? 5 : 0,
			  module_or(&child, TCBSCOPE_A_CHILD_RECEIVE_QUEUE,
				    -1));
	}
	EXPECT_FALSE(
		module_next(&list, TCBSCOPE_A_LISTENER_CHILD, &at, &child));
	/* The first is accepted: the second is now the first. */
	ASSERT_EQ(0, conn_accept(c));
	list = listener(self->at[1], c->listener, true);
	child = module_nest(&list, TCBSCOPE_A_LISTENER_CHILD);
	id = module_nest(&child, TCBSCOPE_A_CHILD_IDENTITY);
	EXPECT_EQ(own_port(self->client[1]),
		  module_or(&id, TCBSCOPE_A_IDENTITY_REMOTE_PORT, 0));
}

/* A SYN whose SYN-ACK does not get through is a request. */
TEST_F(module, syn_queue)
{
	struct conn *c = &self->conn;
	uint64_t deadline = clock_now_ns() + PATIENCE_NS;
	struct module_list list, request, id;
	struct module_identity client;
	uint64_t cookie, irs;
	size_t at = 0;

	ASSERT_EQ(0, conn_listen(c));
	self->client[0] = conn_socket(c, 0);
	ASSERT_LT(0, self->client[0]);
	ASSERT_EQ(0, conn_deafen(self->client[0], true));
	connect(self->client[0], (struct sockaddr *)&c->addr[1], c->len);
	do {
		poll(NULL, 0, 1);
		list = listener(self->at[1], c->listener, true);
		ASSERT_GT(deadline, clock_now_ns());
	} while (!module_next(&list, TCBSCOPE_A_LISTENER_REQUEST, &at,
			      &request));
	EXPECT_EQ(1, module_or(&list, TCBSCOPE_A_LISTENER_SYN, 0));
	EXPECT_EQ(0, module_or(&list, TCBSCOPE_A_LISTENER_ACCEPT, -1));
	id = module_nest(&request, TCBSCOPE_A_REQUEST_IDENTITY);
	EXPECT_EQ(own_port(self->client[0]),
		  module_or(&id, TCBSCOPE_A_IDENTITY_REMOTE_PORT, 0));
	cookie = module_or(&id, TCBSCOPE_A_IDENTITY_COOKIE, 0);
	EXPECT_NE(0, cookie);
	EXPECT_EQ(variant->family == AF_INET ? 1460 : 1440,
		  module_or(&request, TCBSCOPE_A_REQUEST_MSS, 0));
	EXPECT_EQ(TCBSCOPE_OPTION_TIMESTAMPS | TCBSCOPE_OPTION_SACK |
			  TCBSCOPE_OPTION_WINDOW_SCALE,
		  module_or(&request, TCBSCOPE_A_REQUEST_OFFERED, 0));
	EXPECT_GT(PATIENCE_NS / 1000,
		  module_or(&request, TCBSCOPE_A_REQUEST_AGE_US, -1));

	/* Its numbers are those of the client. */
	client = kmod_cookie(conn_cookie(self->client[0]));
	irs = module_or(&request, TCBSCOPE_A_REQUEST_IRS, 0);
	ASSERT_EQ(0, module_get(self->at[0], TCBSCOPE_CMD_SOCKET_GET, &client,
				false, &list));
	EXPECT_EQ(TCBSCOPE_STATE_SYN_SENT, SOCKET(STATE));
	EXPECT_EQ(irs, SEND(ISS));
	EXPECT_EQ(irs, SEND(UNA));

	/* It becomes a child with the same cookie. */
	ASSERT_EQ(0, conn_deafen(self->client[0], false));
	do {
		poll(NULL, 0, 1);
		list = listener(self->at[1], c->listener, true);
		ASSERT_GT(deadline, clock_now_ns());
	} while (module_or(&list, TCBSCOPE_A_LISTENER_ACCEPT, 0) != 1);
	request = module_nest(&list, TCBSCOPE_A_LISTENER_CHILD);
	id = module_nest(&request, TCBSCOPE_A_CHILD_IDENTITY);
	EXPECT_EQ(cookie, module_or(&id, TCBSCOPE_A_IDENTITY_COOKIE, 0));
	EXPECT_EQ(0, module_nest(&list, TCBSCOPE_A_LISTENER_REQUEST).len);
}

/* By its cookie a socket is found, in any state; not in another namespace. */
TEST_F(module, by_cookie)
{
	struct module_identity id;
	struct module_list list;

	ASSERT_EQ(0, conn_open(&self->conn));
	id = kmod_cookie(conn_cookie(self->conn.fd[0]));
	ASSERT_EQ(0, module_get(self->at[0], TCBSCOPE_CMD_SOCKET_GET, &id,
				false, &list));
	EXPECT_EQ(CONN_PORT, in(&list, TCBSCOPE_A_SOCKET_IDENTITY,
				TCBSCOPE_A_IDENTITY_LOCAL_PORT));
	EXPECT_EQ(-ENOENT, module_get(self->at[1], TCBSCOPE_CMD_SOCKET_GET, &id,
				      false, &list));
	EXPECT_STREQ("no such socket in this network namespace",
		     module_why(self->at[1]));

	ASSERT_EQ(0, conn_close(&self->conn, 0));
	ASSERT_EQ(0, conn_wait(&self->conn, 0, TCBSCOPE_STATE_FIN_WAIT2));
	ASSERT_EQ(0, module_get(self->at[0], TCBSCOPE_CMD_SOCKET_GET, &id,
				false, &list));
	EXPECT_EQ(TCBSCOPE_STATE_FIN_WAIT2, SOCKET(STATE));
	EXPECT_EQ(0, in_or_0(&list, TCBSCOPE_A_SOCKET_MEMORY,
			     TCBSCOPE_A_MEMORY_RECEIVE_USED));
	ASSERT_EQ(0, conn_close(&self->conn, 1));
	ASSERT_EQ(0, conn_wait(&self->conn, 0, TCBSCOPE_STATE_TIME_WAIT));
	ASSERT_EQ(0, module_get(self->at[0], TCBSCOPE_CMD_SOCKET_GET, &id,
				false, &list));
	EXPECT_EQ(TCBSCOPE_STATE_TIME_WAIT, SOCKET(STATE));
	EXPECT_LT(0, timer(&list, TCBSCOPE_TIMER_KIND_TIME_WAIT));
	EXPECT_GE(60000000, timer(&list, TCBSCOPE_TIMER_KIND_TIME_WAIT));
}

TEST_HARNESS_MAIN
