// SPDX-License-Identifier: GPL-2.0
/* Tests of the kernel module: congestion control, and what timeouts do to it. */
#include "tests/lib/scope.h"

#include "tests/lib/craft.h"

#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <poll.h>
#include <stdlib.h>

#include <kselftest_harness.h>

SCOPE_FIXTURE(congestion)

/* Both ends speak ECN. 0 or -errno. */
static int use_ecn(struct conn *c)
{
	int err = netns_sysctl(c->pair.side[0].fd, "net/ipv4/tcp_ecn", "1");

	return err ?: netns_sysctl(c->pair.side[1].fd, "net/ipv4/tcp_ecn", "1");
}

/* An algorithm's own struct is what TCP_CC_INFO gives. */
TEST_F(congestion, own_info)
{
	static const struct {
		const char *name;
		uint64_t kind; /* 0: it has none */
		size_t len;
	} algorithm[] = {
		{ "vegas", INET_DIAG_VEGASINFO, sizeof(struct tcpvegas_info) },
		{ "dctcp", INET_DIAG_DCTCPINFO, sizeof(struct tcp_dctcp_info) },
		{ "bbr", INET_DIAG_BBRINFO, sizeof(struct tcp_bbr_info) },
		{ "cubic", 0, 0 },
	};
	struct module_list list, congestion, info;
	struct conn *c = &self->s.conn;
	union tcp_cc_info truth;
	unsigned int i;
	char name[16];
	socklen_t len;

	ASSERT_EQ(0, use_ecn(c));
	ASSERT_EQ(0, conn_open(c));
	for (i = 0; i < ARRAY_SIZE(algorithm); i++) {
		ASSERT_EQ(0, setsockopt(c->fd[0], IPPROTO_TCP, TCP_CONGESTION,
					algorithm[i].name,
					strlen(algorithm[i].name)))
		{
			TH_LOG("%s: %s", algorithm[i].name, strerror(errno));
		}
		ASSERT_EQ(0, conn_send(c, 0, 5000));
		ASSERT_EQ(0, scope_settle(&self->s, 0));
		len = sizeof(truth);
		ASSERT_EQ(0, getsockopt(c->fd[0], IPPROTO_TCP, TCP_CC_INFO,
					&truth, &len));
		ASSERT_EQ(algorithm[i].len, len);
		ASSERT_EQ(0, scope_show(&self->s, 0, &list));
		congestion = module_nest(&list, TCBSCOPE_A_SOCKET_CONGESTION);
		module_string(&congestion, TCBSCOPE_A_CONGESTION_ALGORITHM,
			      name, sizeof(name));
		EXPECT_STREQ(algorithm[i].name, name);
		EXPECT_EQ(algorithm[i].kind ?: ~0ULL, CONGESTION(INFO_KIND));
		info = module_nest(&congestion, TCBSCOPE_A_CONGESTION_INFO);
		ASSERT_EQ(len, info.len);
		EXPECT_EQ(0, memcmp(&truth, info.data, len));
	}
}

/* A rate that was set is kept to, and is shown as TCP_INFO shows it. */
TEST_F(congestion, pacing_rate)
{
	uint32_t memory[SK_MEMINFO_VARS];
	struct conn *c = &self->s.conn;
	struct module_list list;
	struct tcp_info info;

	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, scope_show(&self->s, 0, &list));
	EXPECT_EQ(~0ULL, CONGESTION(PACING_RATE));
	ASSERT_EQ(0,
		  conn_option(c, 0, SOL_SOCKET, SO_MAX_PACING_RATE, 1000000));
	ASSERT_EQ(0, conn_send(c, 0, 5000));
	ASSERT_EQ(0, scope_settle(&self->s, 0));
	ASSERT_EQ(0, scope_compare(&self->s, 0, &list, &info, memory));
	EXPECT_EQ(1000000, CONGESTION(PACING_RATE));
	EXPECT_EQ(info.tcpi_pacing_rate, CONGESTION(PACING_RATE));
}

/* More than the window allows: that is what the socket is held up by. */
TEST_F(congestion, window_limits)
{
	struct conn *c = &self->s.conn;
	static const char data[2000];
	struct module_list list;
	uint64_t cwnd, deadline, i;

	/* Nothing is to be sent again before we have looked. */
	ASSERT_EQ(0, netns_sysctl(c->pair.side[0].fd,
				  "net/ipv4/tcp_early_retrans", "0"));
	ASSERT_EQ(0, conn_rto_min(c, 0, 10000));
	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, conn_send(c, 0, 100));
	ASSERT_EQ(0, scope_settle(&self->s, 0));
	ASSERT_EQ(0, scope_show(&self->s, 0, &list));
	EXPECT_EQ(0, SOCKET(FLAGS) & TCBSCOPE_FLAG_CWND_LIMITED);
	EXPECT_NE(0, SOCKET(FLAGS) & TCBSCOPE_FLAG_APP_LIMITED);
	cwnd = CONGESTION(CWND);
	ASSERT_EQ(0, conn_deafen(c->fd[1], true));
	for (i = 0; i < 2 * cwnd; i++)
		ASSERT_EQ((ssize_t)SEND(MSS),
			  send(c->fd[0], data, SEND(MSS), 0));
	/* Some wait until those before them have left the device. */
	deadline = clock_now_ns() + SCOPE_PATIENCE_NS;
	do {
		ASSERT_EQ(0, scope_show(&self->s, 0, &list));
	} while (CONGESTION(PACKETS_OUT) < cwnd && clock_now_ns() < deadline);
	EXPECT_EQ(cwnd, CONGESTION(CWND));
	EXPECT_EQ(cwnd, CONGESTION(PACKETS_OUT));
	EXPECT_NE(0, SOCKET(FLAGS) & TCBSCOPE_FLAG_CWND_LIMITED);
}

/* What is known before a timeout. */
struct before {
	uint32_t cwnd, ssthresh, clamp, nxt, una;
	uint64_t rto, estimate;
};

/*
 * Sends a segment that the peer does not hear, nor when it is sent again after
 * a timeout. 0 or -errno.
 */
static int time_out(struct scope *s, struct before *before,
		    struct module_list *after, struct tcp_info *info)
{
	uint64_t deadline = clock_now_ns() + SCOPE_PATIENCE_NS;
	uint32_t memory[SK_MEMINFO_VARS];
	struct conn *c = &s->conn;
	struct module_list list;
	int err;

	/* Without a probe before. */
	err = netns_sysctl(c->pair.side[0].fd, "net/ipv4/tcp_early_retrans", "0") ?:
		      conn_open(c)		  ?:
		      conn_deafen(c->fd[1], true) ?:
		      conn_send(c, 0, 100)	  ?:
						    scope_show(s, 0, &list);
	if (err)
		return err;
	*before = (struct before){
		.cwnd = CONGESTION(CWND),
		.ssthresh = CONGESTION(SSTHRESH),
		.clamp = CONGESTION(CWND_CLAMP),
		.nxt = SEND(NXT),
		.una = SEND(UNA),
		.rto = TIME(RTO_US),
		.estimate = TIME(SRTT_US) + 4 * TIME(RTTVAR_US),
	};
	if (CONGESTION(STATE) != TCBSCOPE_CA_STATE_OPEN || TIME(RETRANSMITS) ||
	    CONGESTION(UNDO_MARKER) != ~0ULL)
		return -EBADMSG;
	do {
		poll(NULL, 0, 1);
		err = scope_compare(s, 0, after, info, memory);
		if (!err && clock_now_ns() > deadline)
			err = -ETIMEDOUT;
	} while (!err && !info->tcpi_retransmits);
	return err;
}

/* After a timeout there are the numbers of TCP_INFO. */
TEST_F(congestion, timeout)
{
	struct module_list list, segment;
	struct before before;
	struct tcp_info info;

	ASSERT_EQ(0, time_out(&self->s, &before, &list, &info));
	/* It was made of the mean and its deviation, in whole ticks. */
	EXPECT_LE(before.estimate, before.rto);
	EXPECT_GT(before.estimate + 10010, before.rto);
	EXPECT_EQ(info.tcpi_ca_state, CONGESTION(STATE));
	EXPECT_EQ(TCBSCOPE_CA_STATE_LOSS, CONGESTION(STATE));
	EXPECT_EQ(info.tcpi_retransmits, TIME(RETRANSMITS));
	EXPECT_EQ(info.tcpi_backoff, TIME(BACKOFF));
	EXPECT_EQ(info.tcpi_rto, TIME(RTO_US));
	EXPECT_EQ(before.rto << TIME(BACKOFF), TIME(RTO_US));
	EXPECT_EQ(info.tcpi_snd_cwnd, CONGESTION(CWND));
	EXPECT_EQ(info.tcpi_snd_ssthresh, CONGESTION(SSTHRESH));
	EXPECT_EQ(info.tcpi_lost, CONGESTION(LOST_OUT));
	EXPECT_EQ(info.tcpi_retrans, CONGESTION(RETRANS_OUT));
	EXPECT_EQ(1, CONGESTION(RETRANS_OUT));
	EXPECT_EQ(info.tcpi_total_retrans, CONGESTION(RETRANS));
	/* Each time it was lost before it was sent again. */
	EXPECT_EQ(info.tcpi_total_retrans, CONGESTION(LOST));
	EXPECT_EQ(1, scope_segments(&list, TCBSCOPE_QUEUE_RETRANSMIT, 0,
				    &segment));
	EXPECT_EQ(TCBSCOPE_MARK_LOST | TCBSCOPE_MARK_RETRANSMITTED |
			  TCBSCOPE_MARK_EVER_RETRANSMITTED,
		  module_or(&segment, TCBSCOPE_A_SEGMENT_MARKS, 0));
}

/* A timeout remembers how it was before, should it have been needless. */
TEST_F(congestion, timeout_can_be_undone)
{
	struct module_list list;
	struct before before;
	struct tcp_info info;
	uint64_t retrans;

	ASSERT_EQ(0, time_out(&self->s, &before, &list, &info));
	EXPECT_EQ(before.cwnd, CONGESTION(PRIOR_CWND));
	EXPECT_EQ(before.ssthresh, CONGESTION(PRIOR_SSTHRESH));
	EXPECT_EQ(before.clamp, CONGESTION(CWND_CLAMP));
	EXPECT_LT(before.cwnd, before.clamp);
	EXPECT_EQ(before.nxt, CONGESTION(HIGH_SEQ));
	EXPECT_EQ(before.una, CONGESTION(UNDO_MARKER));
	retrans = CONGESTION(RETRANS);
	EXPECT_EQ(retrans, CONGESTION(UNDO_RETRANS));
	EXPECT_NE(0, SOCKET(FLAGS) & TCBSCOPE_FLAG_F_RTO);

	/* The peer hears the next one. */
	ASSERT_EQ(0, conn_deafen(self->s.conn.fd[1], false));
	ASSERT_EQ(0, scope_settle(&self->s, 0));
	ASSERT_EQ(0, scope_show(&self->s, 0, &list));
	EXPECT_EQ(0, CONGESTION(LOST_OUT));
	EXPECT_EQ(0, CONGESTION(RETRANS_OUT));
	EXPECT_LT(retrans, CONGESTION(RETRANS));
	EXPECT_EQ(0, TIME(RETRANSMITS));
}

/* A segment came with a mark of congestion; the peer says so in its ACKs. */
TEST(congestion_is_marked)
{
	const struct craft marked = { .ahead = 1000, .len = 2, .ce = true };
	uint32_t memory[SK_MEMINFO_VARS];
	struct module_list list;
	struct tcp_info info;
	struct scope s;

	ASSERT_EQ(0, scope_start(&s, AF_INET));
	ASSERT_EQ(0, use_ecn(&s.conn));
	ASSERT_EQ(0, conn_open(&s.conn));
	ASSERT_EQ(0, craft_send(&s.conn, 0, &marked));
	ASSERT_EQ(0, conn_send(&s.conn, 0, 100));
	ASSERT_EQ(0, scope_settle(&s, 0));
	ASSERT_EQ(0, scope_compare(&s, 0, &list, &info, memory));
	EXPECT_EQ(info.tcpi_delivered_ce, CONGESTION(DELIVERED_CE));
	EXPECT_EQ(1, CONGESTION(DELIVERED_CE));
	EXPECT_EQ(TCBSCOPE_CA_STATE_CWR, CONGESTION(STATE));
	EXPECT_EQ(0, scope_stop(&s));
}

/* The receiver's own round trip, once there is one. */
TEST_F(congestion, receive_rtt)
{
	uint64_t deadline = clock_now_ns() + SCOPE_PATIENCE_NS;
	uint32_t memory[SK_MEMINFO_VARS];
	struct conn *c = &self->s.conn;
	struct module_list list;
	struct tcp_info info;

	ASSERT_EQ(0, conn_open(c));
	do {
		ASSERT_GT(deadline, clock_now_ns());
		ASSERT_EQ(0, conn_send(c, 0, 10000));
		ASSERT_EQ(0, conn_receive(c, 1, 10000));
		ASSERT_EQ(0, conn_send(c, 1, 1));
		ASSERT_EQ(0, conn_receive(c, 0, 1));
		ASSERT_EQ(0, scope_compare(&self->s, 1, &list, &info, memory));
	} while (!info.tcpi_rcv_rtt);
	EXPECT_EQ(info.tcpi_rcv_rtt, TIME(RECEIVE_RTT_US));
}

/* Probes that are not answered are counted. */
TEST_F(congestion, probes)
{
	uint64_t deadline = clock_now_ns() + SCOPE_PATIENCE_NS;
	uint32_t memory[SK_MEMINFO_VARS];
	struct conn *c = &self->s.conn;
	static const char data[65536];
	struct module_list list;
	struct tcp_info info;

	ASSERT_EQ(0, conn_listen(c));
	ASSERT_EQ(0, setsockopt(c->listener, SOL_SOCKET, SO_RCVBUF,
				&(int){ 4096 }, sizeof(int)));
	ASSERT_EQ(0, conn_connect(c, 0));
	ASSERT_EQ(0, conn_accept(c));
	do {
		while (send(c->fd[0], data, sizeof(data), MSG_DONTWAIT) > 0) {
		}
		poll(NULL, 0, 1);
		ASSERT_EQ(0, scope_show(&self->s, 0, &list));
		ASSERT_GT(deadline, clock_now_ns());
	} while (SEND(WND) || TIMER(PROBE) < 0);
	ASSERT_EQ(0, conn_deafen(c->fd[1], true));
	do {
		poll(NULL, 0, 1);
		ASSERT_EQ(0, scope_compare(&self->s, 0, &list, &info, memory));
		ASSERT_GT(deadline, clock_now_ns());
	} while (info.tcpi_probes < 2);
	EXPECT_EQ(info.tcpi_probes, TIME(PROBES));
	EXPECT_EQ(info.tcpi_backoff, TIME(BACKOFF));
}

TEST_HARNESS_MAIN
