// SPDX-License-Identifier: GPL-2.0
/* Tests of the kernel module: what it tells of sockets, against the truth. */
#include "tests/lib/scope.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <poll.h>
#include <sys/stat.h>

#include <kselftest_harness.h>

SCOPE_FIXTURE(module)

/* What TCP_INFO tells the module tells as well. */
static void expect_tcp_info(struct __test_metadata *_metadata,
			    struct module_list list,
			    const struct tcp_info *info)
{
	EXPECT_EQ(info->tcpi_snd_cwnd, CONGESTION(CWND));
	EXPECT_EQ(info->tcpi_snd_ssthresh, CONGESTION(SSTHRESH));
	EXPECT_EQ(info->tcpi_ca_state, CONGESTION(STATE));
	EXPECT_EQ(info->tcpi_reordering, CONGESTION(REORDERING));
	EXPECT_EQ(info->tcpi_delivered, CONGESTION(DELIVERED));
	EXPECT_EQ(info->tcpi_total_retrans, CONGESTION(RETRANS));
	EXPECT_EQ(0, CONGESTION(PACKETS_OUT));
	EXPECT_EQ(info->tcpi_rtt, TIME(SRTT_US));
	EXPECT_EQ(info->tcpi_rttvar, TIME(MDEV_US));
	EXPECT_EQ(info->tcpi_min_rtt, TIME(RTT_MIN_US));
	EXPECT_EQ(info->tcpi_rto, TIME(RTO_US));
	EXPECT_EQ(info->tcpi_backoff, TIME(BACKOFF));
	EXPECT_EQ(info->tcpi_ato, TIME(ATO_US));
	EXPECT_EQ(info->tcpi_snd_mss, SEND(MSS));
	EXPECT_EQ(info->tcpi_pmtu, SEND(PMTU));
	EXPECT_EQ(info->tcpi_advmss, RECEIVE(ADVMSS));
	EXPECT_EQ(info->tcpi_rcv_ssthresh, RECEIVE(SSTHRESH));
	EXPECT_EQ(info->tcpi_rcv_mss, RECEIVE(MSS));
	EXPECT_EQ(+info->tcpi_snd_wscale, OPTIONS(SEND_SCALE));
	EXPECT_EQ(+info->tcpi_rcv_wscale, OPTIONS(RECEIVE_SCALE));
	EXPECT_EQ(TCBSCOPE_OPTION_TIMESTAMPS | TCBSCOPE_OPTION_SACK |
			  TCBSCOPE_OPTION_WINDOW_SCALE,
		  OPTIONS(AGREED) &
			  (TCBSCOPE_OPTION_TIMESTAMPS | TCBSCOPE_OPTION_SACK |
			   TCBSCOPE_OPTION_WINDOW_SCALE));
}

/* A connection at rest has the numbers that TCP_INFO and others give. */
TEST_F(module, is_tcp_info)
{
	struct module_list list;
	struct tcp_info info = {};
	socklen_t len = sizeof(info);
	struct stat st;
	int fd, value;

	ASSERT_EQ(0, conn_open(&self->s.conn));
	ASSERT_EQ(0, conn_send(&self->s.conn, 0, 5000));
	ASSERT_EQ(0, conn_receive(&self->s.conn, 1, 5000));
	ASSERT_EQ(0, conn_send(&self->s.conn, 1, 300));
	ASSERT_EQ(0, conn_receive(&self->s.conn, 0, 100));
	ASSERT_EQ(0, conn_option(&self->s.conn, 0, SOL_SOCKET, SO_MARK, 77));
	ASSERT_EQ(0, conn_option(&self->s.conn, 0, SOL_SOCKET, SO_PRIORITY, 3));
	ASSERT_EQ(0,
		  conn_option(&self->s.conn, 0, IPPROTO_TCP, TCP_NODELAY, 1));
	fd = self->s.conn.fd[0];
	/* Nothing goes on any more: all is acknowledged. */
	ASSERT_EQ(0, scope_settle(&self->s, 0));

	ASSERT_EQ(0, getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len));
	ASSERT_EQ(0, scope_show(&self->s, 0, &list));
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
	EXPECT_LT(clock_now_ns(), SOCKET(NOW_NS) + NSEC_PER_SEC);
	EXPECT_LT(0, SOCKET(HOLD_NS));

	expect_tcp_info(_metadata, list, &info);

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

	ASSERT_EQ(0, conn_open(&self->s.conn));
	ASSERT_EQ(0, conn_send(&self->s.conn, 0, 1000));
	ASSERT_EQ(0, conn_send(&self->s.conn, 1, 2000));
	ASSERT_EQ(0, conn_receive(&self->s.conn, 0, 2000));
	ASSERT_EQ(0, scope_settle(&self->s, 0));
	ASSERT_EQ(0, scope_show(&self->s, 0, &list));
	iss = SEND(ISS), irs = RECEIVE(IRS), nxt = SEND(NXT);
	wnd = SEND(WND);

	ASSERT_EQ(0, scope_show(&self->s, 1, &list));
	EXPECT_EQ(iss, RECEIVE(IRS));
	EXPECT_EQ(irs, SEND(ISS));
	EXPECT_EQ(nxt, RECEIVE(NXT));
	/* What was offered when nxt was acknowledged, scaled. */
	EXPECT_GE(RECEIVE(WND), wnd);
	EXPECT_LT(RECEIVE(WND) - wnd, 1ULL << OPTIONS(RECEIVE_SCALE));
	EXPECT_EQ(1000, SOCKET(RECEIVE_QUEUE));
}

/* Who it is: addresses and ports of both ends, cookie, device. */
TEST_F(module, identity)
{
	struct module_identity truth;
	struct module_list list, id, addr;
	const size_t len = variant->family == AF_INET ? 4 : 16;
	int device = self->s.conn.pair.side[0].ifindex;

	ASSERT_EQ(0, conn_bind(&self->s.conn, 0));
	ASSERT_EQ(0, conn_option(&self->s.conn, 0, SOL_SOCKET, SO_BINDTOIFINDEX,
				 device));
	ASSERT_EQ(0, conn_open(&self->s.conn));
	truth = kmod_identity(self->s.conn.fd[0]);
	truth.cookie = conn_cookie(self->s.conn.fd[0]);
	ASSERT_EQ(0, scope_show_cookie(&self->s, 0, truth.cookie, &list));
	id = module_nest(&list, TCBSCOPE_A_SOCKET_IDENTITY);
	addr = module_nest(&id, TCBSCOPE_A_IDENTITY_LOCAL_ADDR);
	ASSERT_EQ(len, addr.len);
	EXPECT_EQ(0, memcmp(truth.local, addr.data, len));
	addr = module_nest(&id, TCBSCOPE_A_IDENTITY_REMOTE_ADDR);
	ASSERT_EQ(len, addr.len);
	EXPECT_EQ(0, memcmp(truth.remote, addr.data, len));
	EXPECT_EQ(truth.local_port, SCOPE_IN(IDENTITY, LOCAL_PORT));
	EXPECT_EQ(truth.remote_port, SCOPE_IN(IDENTITY, REMOTE_PORT));
	EXPECT_EQ(truth.cookie, SCOPE_IN(IDENTITY, COOKIE));
	EXPECT_EQ((unsigned int)device, SCOPE_IN(IDENTITY, DEVICE));

	/* By addresses it is found where it is bound to, and not elsewhere. */
	truth.cookie = 0;
	truth.device = device;
	EXPECT_EQ(0, module_get(self->s.at[0], TCBSCOPE_CMD_SOCKET_GET, &truth,
				false, &list));
	truth.device = 1;
	EXPECT_EQ(-ENOENT, module_get(self->s.at[0], TCBSCOPE_CMD_SOCKET_GET,
				      &truth, false, &list));
}

/* The next sequence number of a queue, of a socket under repair. */
static int64_t next_of(int fd, int queue)
{
	socklen_t len = sizeof(uint32_t);
	uint32_t seq;

	if (setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_QUEUE, &queue,
		       sizeof(queue)) ||
	    getsockopt(fd, IPPROTO_TCP, TCP_QUEUE_SEQ, &seq, &len))
		return -errno;
	return seq;
}

/* Sequence spaces and windows are those that a checkpoint would save. */
TEST_F(module, spaces_are_those_of_repair)
{
	struct tcp_repair_window window;
	socklen_t len = sizeof(window);
	struct module_list list;
	int fd, clamp;

	ASSERT_EQ(0, conn_open(&self->s.conn));
	ASSERT_EQ(0, conn_send(&self->s.conn, 0, 5000));
	ASSERT_EQ(0, conn_send(&self->s.conn, 1, 300));
	ASSERT_EQ(0, conn_receive(&self->s.conn, 0, 100));
	ASSERT_EQ(0, scope_settle(&self->s, 0));
	fd = self->s.conn.fd[0];
	ASSERT_EQ(0, scope_show(&self->s, 0, &list));
	EXPECT_EQ(0, SOCKET(FLAGS) & TCBSCOPE_FLAG_REPAIR);
	ASSERT_EQ(0, conn_option(&self->s.conn, 0, IPPROTO_TCP, TCP_REPAIR,
				 TCP_REPAIR_ON));
	ASSERT_EQ(0, getsockopt(fd, IPPROTO_TCP, TCP_REPAIR_WINDOW, &window,
				&len));
	ASSERT_EQ(0, scope_show(&self->s, 0, &list));
	EXPECT_EQ(TCBSCOPE_FLAG_REPAIR, SOCKET(FLAGS) & TCBSCOPE_FLAG_REPAIR);
	EXPECT_EQ(next_of(fd, TCP_SEND_QUEUE), (int64_t)SEND(WRITE));
	EXPECT_EQ(next_of(fd, TCP_RECV_QUEUE), (int64_t)RECEIVE(NXT));
	EXPECT_EQ(window.snd_wl1, SEND(WL1));
	EXPECT_EQ(window.snd_wnd, SEND(WND));
	EXPECT_EQ(window.max_window, SEND(WND_MAX));
	EXPECT_EQ(window.rcv_wnd, RECEIVE(WND));
	EXPECT_EQ(window.rcv_wup, RECEIVE(WUP));
	len = sizeof(clamp);
	ASSERT_EQ(0,
		  getsockopt(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, &clamp, &len));
	EXPECT_EQ((unsigned int)clamp, RECEIVE(CLAMP));
	EXPECT_EQ(0, conn_option(&self->s.conn, 0, IPPROTO_TCP, TCP_REPAIR,
				 TCP_REPAIR_OFF_NO_WP));
}

/* What more is to come is not pushed; an urgent byte is where it was sent. */
TEST_F(module, pushed_and_urgent)
{
	struct conn *c = &self->s.conn;
	struct module_list list;
	char byte;

	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, conn_send(c, 0, 10));
	ASSERT_EQ(0, scope_show(&self->s, 0, &list));
	EXPECT_EQ(SEND(WRITE), SEND(PUSHED));
	ASSERT_EQ(5, send(c->fd[0], "hello", 5, MSG_MORE));
	ASSERT_EQ(0, scope_show(&self->s, 0, &list));
	EXPECT_EQ(5, (uint32_t)(SEND(WRITE) - SEND(PUSHED)));

	ASSERT_EQ(0, scope_show(&self->s, 1, &list));
	EXPECT_EQ(~0ULL, RECEIVE(UP));
	ASSERT_EQ(1, send(c->fd[0], "!", 1, MSG_OOB));
	ASSERT_EQ(0, scope_settle(&self->s, 0));
	ASSERT_EQ(0, scope_show(&self->s, 0, &list));
	EXPECT_EQ(SEND(WRITE), SEND(UP));
	EXPECT_EQ(SEND(WRITE), SEND(PUSHED));
	ASSERT_EQ(0, scope_show(&self->s, 1, &list));
	EXPECT_EQ(15, (uint32_t)(RECEIVE(UP) - RECEIVE(COPIED)));
	ASSERT_EQ(1, recv(c->fd[1], &byte, 1, MSG_OOB));
	EXPECT_EQ('!', byte);
}

/* Memory is what SO_MEMINFO says, of a socket with all there is in it. */
TEST_F(module, memory)
{
	uint32_t memory[SK_MEMINFO_VARS];
	struct conn *c = &self->s.conn;
	struct module_list list;
	struct tcp_info info;

	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, conn_send(c, 1, 3000)); /* is not read */
	ASSERT_EQ(0, scope_settle(&self->s, 1));
	ASSERT_EQ(0, conn_lose(c->fd[0], 'x')); /* has a program */
	ASSERT_EQ(1, send(c->fd[1], "x", 1, 0));
	while (!conn_lost(c->fd[0])) {
		poll(NULL, 0, 1);
	}
	ASSERT_EQ(0, gate_close(&c->gate));
	ASSERT_EQ(0, conn_send(c, 0, 2000)); /* does not leave */
	ASSERT_EQ(0, scope_compare(&self->s, 0, &list, &info, memory));
	EXPECT_EQ(memory[SK_MEMINFO_RMEM_ALLOC], MEMORY(RECEIVE_USED));
	EXPECT_EQ(memory[SK_MEMINFO_RCVBUF], MEMORY(RECEIVE_LIMIT));
	EXPECT_EQ(memory[SK_MEMINFO_WMEM_ALLOC], MEMORY(SEND_USED));
	EXPECT_EQ(memory[SK_MEMINFO_SNDBUF], MEMORY(SEND_LIMIT));
	EXPECT_EQ(memory[SK_MEMINFO_FWD_ALLOC], MEMORY(FORWARD));
	EXPECT_EQ(memory[SK_MEMINFO_WMEM_QUEUED], MEMORY(SEND_QUEUED));
	EXPECT_EQ(memory[SK_MEMINFO_OPTMEM], MEMORY(OPTION));
	EXPECT_EQ(memory[SK_MEMINFO_BACKLOG], MEMORY(BACKLOG));
	EXPECT_EQ(memory[SK_MEMINFO_DROPS], MEMORY(DROPS));
	EXPECT_LT(3000, MEMORY(RECEIVE_USED));
	EXPECT_LT(2000, MEMORY(SEND_USED));
	EXPECT_LT(2000, MEMORY(SEND_QUEUED));
	EXPECT_LT(0, MEMORY(OPTION));
	EXPECT_LE(1, MEMORY(DROPS));
}

/* In ms; on newer kernels the last bit tells something else. */
static uint32_t timestamp_of(int fd)
{
	socklen_t len = sizeof(uint32_t);
	uint32_t now = 0;

	getsockopt(fd, IPPROTO_TCP, TCP_TIMESTAMP, &now, &len);
	return now;
}

/* Options are those that the ends were told to use, and timestamps theirs. */
TEST_F(module, options)
{
	struct conn *c = &self->s.conn;
	uint32_t before, after, ours;
	struct module_list list;
	uint64_t ms;
	int i;

	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, netns_sysctl(c->pair.side[i].fd,
					  "net/ipv4/tcp_ecn", "1"));
	ASSERT_EQ(0, conn_bind(c, 0));
	ASSERT_EQ(0, conn_option(c, 0, IPPROTO_TCP, TCP_MAXSEG, 1000));
	ASSERT_EQ(0, conn_open(c));
	before = timestamp_of(c->fd[1]) & ~1U;
	ASSERT_EQ(0, conn_send(c, 1, 10));
	ASSERT_EQ(0, scope_settle(&self->s, 1));
	after = timestamp_of(c->fd[1]) | 1;

	ms = clock_now_ns() / 1000000;
	ours = timestamp_of(c->fd[0]) | 1;
	ASSERT_EQ(0, scope_show(&self->s, 0, &list));
	EXPECT_EQ(TCBSCOPE_OPTION_TIMESTAMPS | TCBSCOPE_OPTION_SACK |
			  TCBSCOPE_OPTION_WINDOW_SCALE | TCBSCOPE_OPTION_ECN,
		  OPTIONS(AGREED));
	EXPECT_GE(after - before, (uint32_t)(OPTIONS(TS_RECENT) - before));
	EXPECT_GE(SOCKET(NOW_NS) / 1000000 - ms + 1,
		  (uint32_t)(ours - OPTIONS(TS_OFFSET) - ms));
	ASSERT_EQ(0, scope_show(&self->s, 1, &list));
	EXPECT_EQ(1000, OPTIONS(MSS_CLAMP));
}

/* Without options there is nothing that they bring. */
TEST_F(module, no_options)
{
	static const char *const off[] = { "timestamps", "sack",
					   "window_scaling", "ecn" };
	struct conn *c = &self->s.conn;
	struct module_list list;
	char path[64];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(off); i++) {
		snprintf(path, sizeof(path), "net/ipv4/tcp_%s", off[i]);
		ASSERT_EQ(0, netns_sysctl(c->pair.side[1].fd, path, "0"));
	}
	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, scope_show(&self->s, 0, &list));
	EXPECT_EQ(0, OPTIONS(AGREED));
	EXPECT_EQ(~0ULL, OPTIONS(SEND_SCALE));
	EXPECT_EQ(~0ULL, OPTIONS(RECEIVE_SCALE));
	EXPECT_EQ(~0ULL, OPTIONS(TS_RECENT));
	EXPECT_EQ(variant->family == AF_INET ? 1460 : 1440, OPTIONS(MSS_CLAMP));
}

/* A client that has a cookie opens with data in its SYN. */
TEST_F(module, fast_open)
{
	const uint64_t fast[] = { TCBSCOPE_OPTION_FAST_OPEN,
				  TCBSCOPE_OPTION_FAST_OPEN |
					  TCBSCOPE_OPTION_SYN_DATA };
	struct conn *c = &self->s.conn;
	struct module_list list;
	int i;

	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, netns_sysctl(c->pair.side[i].fd,
					  "net/ipv4/tcp_fastopen", "3"));
	ASSERT_EQ(0, conn_listen(c));
	ASSERT_EQ(0, setsockopt(c->listener, IPPROTO_TCP, TCP_FASTOPEN,
				&(int){ 5 }, sizeof(int)));
	for (i = 0; i < 2; i++) { /* the first one gets the cookie */
		ASSERT_EQ(0, conn_bind(c, 0));
		ASSERT_EQ(i ? 5 : -1,
			  sendto(c->fd[0], "hello", 5, MSG_FASTOPEN,
				 (struct sockaddr *)&c->addr[1], c->len));
		ASSERT_EQ(0, conn_accept(c));
		ASSERT_EQ(0, scope_show(&self->s, 0, &list));
		EXPECT_EQ(fast[i], OPTIONS(AGREED) & fast[1]);
		ASSERT_EQ(0, conn_reset(c, 0));
		ASSERT_EQ(0, conn_close(c, 1));
	}
}

/* Each flag is there once the socket is used so, and not before. */
TEST_F(module, flags)
{
	const uint64_t all = TCBSCOPE_FLAG_NODELAY | TCBSCOPE_FLAG_CORK |
			     TCBSCOPE_FLAG_KEEPALIVE | TCBSCOPE_FLAG_ORPHAN |
			     TCBSCOPE_FLAG_RECEIVE_SHUTDOWN |
			     TCBSCOPE_FLAG_SEND_SHUTDOWN;
	struct conn *c = &self->s.conn;
	struct module_list list;
	uint64_t cookie;

	ASSERT_EQ(0, conn_open(c));
	cookie = conn_cookie(c->fd[0]);
	ASSERT_EQ(0, scope_show(&self->s, 0, &list));
	EXPECT_EQ(0, SOCKET(FLAGS) & all);
	ASSERT_EQ(0, conn_option(c, 0, SOL_SOCKET, SO_KEEPALIVE, 1));
	ASSERT_EQ(0, conn_option(c, 0, IPPROTO_TCP, TCP_CORK, 1));
	ASSERT_EQ(0, scope_show(&self->s, 0, &list));
	EXPECT_EQ(TCBSCOPE_FLAG_KEEPALIVE | TCBSCOPE_FLAG_CORK,
		  SOCKET(FLAGS) & all);
	ASSERT_EQ(0, conn_option(c, 0, IPPROTO_TCP, TCP_CORK, 0));
	ASSERT_EQ(0, shutdown(c->fd[0], SHUT_RD));
	ASSERT_EQ(0, scope_show(&self->s, 0, &list));
	EXPECT_EQ(TCBSCOPE_FLAG_KEEPALIVE | TCBSCOPE_FLAG_RECEIVE_SHUTDOWN,
		  SOCKET(FLAGS) & all);

	ASSERT_EQ(0, gate_close(&c->gate));
	ASSERT_EQ(0, conn_close(c, 0));
	ASSERT_EQ(0, scope_show_cookie(&self->s, 0, cookie, &list));
	EXPECT_EQ(TCBSCOPE_FLAG_KEEPALIVE | TCBSCOPE_FLAG_ORPHAN |
			  TCBSCOPE_FLAG_RECEIVE_SHUTDOWN |
			  TCBSCOPE_FLAG_SEND_SHUTDOWN,
		  SOCKET(FLAGS) & all);
	EXPECT_EQ(~0ULL, SOCKET(INODE));
}

/* An end that sends its FIN keeps its ISS, and so does the one that gets it. */
TEST_F(module, fin_is_a_byte)
{
	struct module_list list, fin;
	uint32_t iss;

	ASSERT_EQ(0, conn_open(&self->s.conn));
	ASSERT_EQ(0, conn_send(&self->s.conn, 0, 10));
	ASSERT_EQ(0, scope_show(&self->s, 0, &list));
	iss = SEND(ISS);
	ASSERT_EQ(0, conn_receive(&self->s.conn, 1, 10));
	ASSERT_EQ(0, gate_close(&self->s.conn.gate));
	ASSERT_EQ(0, shutdown(self->s.conn.fd[0], SHUT_WR));

	ASSERT_EQ(0, scope_show(&self->s, 0, &list));
	EXPECT_EQ(TCBSCOPE_STATE_FIN_WAIT1, SOCKET(STATE));
	EXPECT_EQ(iss, SEND(ISS));
	EXPECT_EQ(12, (uint32_t)(SEND(NXT) - SEND(ISS)));
	EXPECT_EQ(1, scope_segments(&list, TCBSCOPE_QUEUE_RETRANSMIT, 0, &fin));
	EXPECT_EQ(1, module_or(&fin, TCBSCOPE_A_SEGMENT_LEN, 0));
	EXPECT_EQ(TCBSCOPE_MARK_FIN,
		  module_or(&fin, TCBSCOPE_A_SEGMENT_MARKS, 0));
	EXPECT_EQ(TCBSCOPE_FLAG_SEND_SHUTDOWN,
		  SOCKET(FLAGS) & TCBSCOPE_FLAG_SEND_SHUTDOWN);
}

/* By its cookie a socket is found, in any state; not in another namespace. */
TEST_F(module, by_cookie)
{
	struct module_identity id;
	struct module_list list;

	ASSERT_EQ(0, conn_open(&self->s.conn));
	id = kmod_cookie(conn_cookie(self->s.conn.fd[0]));
	ASSERT_EQ(0, module_get(self->s.at[0], TCBSCOPE_CMD_SOCKET_GET, &id,
				false, &list));
	EXPECT_EQ(CONN_PORT, SCOPE_IN(IDENTITY, LOCAL_PORT));
	EXPECT_EQ(-ENOENT, module_get(self->s.at[1], TCBSCOPE_CMD_SOCKET_GET,
				      &id, false, &list));
	EXPECT_STREQ("no such socket in this network namespace",
		     module_why(self->s.at[1]));

	ASSERT_EQ(0, conn_close(&self->s.conn, 0));
	ASSERT_EQ(0, conn_wait(&self->s.conn, 0, TCBSCOPE_STATE_FIN_WAIT2));
	ASSERT_EQ(0, module_get(self->s.at[0], TCBSCOPE_CMD_SOCKET_GET, &id,
				false, &list));
	EXPECT_EQ(TCBSCOPE_STATE_FIN_WAIT2, SOCKET(STATE));
	EXPECT_EQ(0, module_nest(&list, TCBSCOPE_A_SOCKET_MEMORY).len);
	ASSERT_EQ(0, conn_close(&self->s.conn, 1));
	ASSERT_EQ(0, conn_wait(&self->s.conn, 0, TCBSCOPE_STATE_TIME_WAIT));
	ASSERT_EQ(0, module_get(self->s.at[0], TCBSCOPE_CMD_SOCKET_GET, &id,
				false, &list));
	EXPECT_EQ(TCBSCOPE_STATE_TIME_WAIT, SOCKET(STATE));
	EXPECT_LT(0, TIMER(TIME_WAIT));
	EXPECT_GE(60000000, TIMER(TIME_WAIT));
}

TEST_HARNESS_MAIN
