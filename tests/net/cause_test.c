// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the causes: of every transition that can have several, each one,
 * so that a rule that takes one for another is found out. Up to ESTABLISHED
 * and out of it at once; cause_fin_test.c has those with a FIN.
 */
#include "lib/clock.h"
#include "tests/lib/conn.h"
#include "tests/lib/seen.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <kselftest_harness.h>

FIXTURE(cause)
{
	struct conn c;
};

FIXTURE_SETUP(cause)
{
	int err = conn_start(&self->c, AF_INET);

	if (err == -EPERM)
		SKIP(return, "network namespaces need root");
	ASSERT_EQ(0, err);
}

FIXTURE_TEARDOWN(cause)
{
	conn_free(&self->c);
}

/* Where IPv6 takes a path of its own to a transition. */
FIXTURE(family)
{
	struct conn c;
};

FIXTURE_VARIANT(family)
{
	int family;
};

FIXTURE_VARIANT_ADD(family, ipv4){ .family = AF_INET };
FIXTURE_VARIANT_ADD(family, ipv6){ .family = AF_INET6 };

FIXTURE_SETUP(family)
{
	int err = conn_start(&self->c, variant->family);

	if (err == -EPERM)
		SKIP(return, "network namespaces need root");
	ASSERT_EQ(0, err);
}

FIXTURE_TEARDOWN(family)
{
	conn_free(&self->c);
}

/* Ends the trace; then the transition of an end that left @old has to be... */
#define EXPECT_LEFT(side, old, text) \
	EXPECT_STREQ(text, conn_left(&self->c, side, old))
#define STOP() ASSERT_EQ(0, conn_stop(&self->c))

/* A listener, watched as if it were the end of side 1. */
static int only_listen(struct conn *c)
{
	int err = conn_listen(c);

	c->fd[1] = c->listener;
	c->cookie[1] = conn_cookie(c->listener);
	c->listener = -1;
	return err;
}

/* Until side 0 is in SYN_RECV and its SYN+ACK is held, after a full crossing. */
static int cross_half_way(struct conn *c)
{
	int err = conn_cross(c);

	if (!err)
		err = gate_open_side(&c->gate, 1);
	return err ? err : conn_wait(c, 0, TCP_SYN_RECV);
}

/* ---------------------------------------------------------- CLOSE->SYN_SENT */

TEST_F(family, syn_sent_by_fastopen)
{
	struct conn *c = &self->c;

	ASSERT_EQ(0, netns_sysctl(c->pair.side[0].fd, "net/ipv4/tcp_fastopen",
				  "1"));
	ASSERT_EQ(0, conn_listen(c));
	ASSERT_EQ(0, conn_bind(c, 0));
	sendto(c->fd[0], "x", 1, MSG_FASTOPEN, (void *)&c->addr[1], c->len);
	ASSERT_EQ(0, conn_accept(c));

	STOP();
	EXPECT_LEFT(0, "CLOSE", "CLOSE>SYN_SENT CALL_SENDTO");
}

/*
 * Claim: with TCP_FASTOPEN_CONNECT it is still connect() that leaves CLOSE,
 * although the SYN goes out with the first write() only.
 */
TEST_F(cause, syn_sent_by_connect_of_fastopen)
{
	struct conn *c = &self->c;

	/* 1: as a client, 4: without a cookie */
	ASSERT_EQ(0, netns_sysctl(c->pair.side[0].fd, "net/ipv4/tcp_fastopen",
				  "5"));
	ASSERT_EQ(0, conn_listen(c));
	ASSERT_EQ(0, conn_bind(c, 0));
	ASSERT_EQ(0, conn_option(c, 0, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1));
	ASSERT_EQ(0, conn_connect(c, 0));
	ASSERT_EQ(1, write(c->fd[0], "x", 1));
	ASSERT_EQ(0, conn_accept(c));

	STOP();
	EXPECT_LEFT(0, "CLOSE", "CLOSE>SYN_SENT CALL_CONNECT");
}

/* ------------------------------------------------------------ LISTEN->CLOSE */

TEST_F(cause, listen_ends_by_close)
{
	ASSERT_EQ(0, only_listen(&self->c));
	ASSERT_EQ(0, conn_close(&self->c, 1));

	STOP();
	EXPECT_LEFT(1, "LISTEN", "LISTEN>CLOSE CALL_CLOSE");
}

TEST_F(cause, listen_ends_by_shutdown)
{
	ASSERT_EQ(0, only_listen(&self->c));
	ASSERT_EQ(0, shutdown(self->c.fd[1], SHUT_RD));

	STOP();
	EXPECT_LEFT(1, "LISTEN", "LISTEN>CLOSE CALL_SHUTDOWN");
}

TEST_F(cause, listen_ends_by_exit)
{
	ASSERT_EQ(0, only_listen(&self->c));
	ASSERT_EQ(0, conn_leave_to(&self->c, 1, NULL));

	STOP();
	EXPECT_LEFT(1, "LISTEN", "LISTEN>CLOSE EXIT");
}

/* A listener gets no error; the netlink message is a call of its own. */
TEST_F(cause, listen_ends_by_abort)
{
	ASSERT_EQ(0, only_listen(&self->c));
	ASSERT_EQ(0, conn_abort(&self->c, 1));

	STOP();
	EXPECT_LEFT(1, "LISTEN", "LISTEN>CLOSE ABORT~");
}

/* ------------------------------------------------------- ESTABLISHED->CLOSE */

TEST_F(cause, lost_by_rst_or_linger)
{
	ASSERT_EQ(0, conn_open(&self->c));
	ASSERT_EQ(0, conn_reset(&self->c, 0));
	ASSERT_EQ(0, conn_seen(&self->c, 1, "CLOSE"));

	STOP();
	EXPECT_LEFT(0, "ESTABLISHED", "ESTABLISHED>CLOSE CALL_CLOSE linger");
	EXPECT_LEFT(1, "ESTABLISHED", "ESTABLISHED>CLOSE RX_RST ECONNRESET");
}

/* Claim: unread data counts before SO_LINGER, as in the kernel. */
TEST_F(cause, lost_by_unread_data)
{
	ASSERT_EQ(0, conn_open(&self->c));
	ASSERT_EQ(0, conn_send(&self->c, 1, 2));
	ASSERT_EQ(0, conn_receive(&self->c, 0, 1));
	ASSERT_EQ(0, conn_reset(&self->c, 0));

	STOP();
	EXPECT_LEFT(0, "ESTABLISHED",
		    "ESTABLISHED>CLOSE CALL_CLOSE unread_data");
}

TEST_F(cause, lost_by_disconnect)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };

	ASSERT_EQ(0, conn_open(&self->c));
	ASSERT_EQ(0, connect(self->c.fd[0], &none, sizeof(none)));

	STOP();
	EXPECT_LEFT(0, "ESTABLISHED",
		    "ESTABLISHED>CLOSE CALL_CONNECT disconnect");
}

/* Claim: what one connection died of is not said of the next one's start. */
TEST_F(cause, error_does_not_stay)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	struct conn *c = &self->c;

	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, connect(c->fd[0], &none, sizeof(none)));
	ASSERT_EQ(0, listen(c->fd[0], 1));
	ASSERT_EQ(0, conn_close(c, 0));

	ASSERT_EQ(0, trace_stop(&c->trace));
	EXPECT_STREQ("CLOSE>SYN_SENT CALL_CONNECT, "
		     "SYN_SENT>ESTABLISHED RX_SYN_ACK, "
		     "ESTABLISHED>CLOSE CALL_CONNECT disconnect, "
		     "CLOSE>LISTEN CALL_LISTEN, LISTEN>CLOSE CALL_CLOSE",
		     conn_story(c, 0));
}

TEST_F(cause, lost_by_retransmit_timer)
{
	struct conn *c = &self->c;

	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, conn_option(c, 0, IPPROTO_TCP, TCP_USER_TIMEOUT, 300));
	ASSERT_EQ(0, gate_close(&c->gate));
	ASSERT_EQ(0, conn_send(c, 0, 1));
	ASSERT_EQ(0, conn_seen(c, 0, "CLOSE"));

	STOP();
	EXPECT_LEFT(0, "ESTABLISHED",
		    "ESTABLISHED>CLOSE TIMER_RETRANSMIT ETIMEDOUT");
}

/* Claim: the timer is still the timer if the network gave another error. */
TEST_F(family, lost_by_retransmit_timer_unreachable)
{
	struct conn *c = &self->c;

	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, conn_option(c, 0, IPPROTO_TCP, TCP_USER_TIMEOUT, 600));
	ASSERT_EQ(0, conn_cut(c, 0));
	ASSERT_EQ(0, gate_close(&c->gate));
	ASSERT_EQ(0, conn_send(c, 0, 1));
	ASSERT_EQ(0, conn_seen(c, 0, "CLOSE"));

	STOP();
	EXPECT_LEFT(0, "ESTABLISHED",
		    "ESTABLISHED>CLOSE TIMER_RETRANSMIT~ EHOSTUNREACH");
}

TEST_F(cause, lost_by_keepalive)
{
	struct conn *c = &self->c;

	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, conn_option(c, 0, IPPROTO_TCP, TCP_KEEPIDLE, 1));
	ASSERT_EQ(0, conn_option(c, 0, IPPROTO_TCP, TCP_KEEPINTVL, 1));
	ASSERT_EQ(0, conn_option(c, 0, IPPROTO_TCP, TCP_KEEPCNT, 1));
	ASSERT_EQ(0, conn_option(c, 0, SOL_SOCKET, SO_KEEPALIVE, 1));
	ASSERT_EQ(0, gate_close(&c->gate));
	ASSERT_EQ(0, conn_seen(c, 0, "CLOSE"));

	STOP();
	EXPECT_LEFT(0, "ESTABLISHED",
		    "ESTABLISHED>CLOSE TIMER_KEEPALIVE ETIMEDOUT");
}

/*
 * Sends until the other end, which reads nothing, has closed its window, all
 * that was sent is acked, and the first probe of the window has been sent.
 */
static int fill_window(struct conn *c)
{
	uint64_t begin = clock_now_ns();
	struct tcp_info info;
	char bytes[4096] = "";
	socklen_t len;

	while (clock_now_ns() - begin < TRACE_PATIENCE_NS) {
		while (send(c->fd[0], bytes, sizeof(bytes), MSG_NOSIGNAL) > 0)
			;
		if (errno != EAGAIN)
			return -errno;
		len = sizeof(info);
		if (getsockopt(c->fd[0], IPPROTO_TCP, TCP_INFO, &info, &len))
			return -errno;
		if (!info.tcpi_unacked && info.tcpi_backoff)
			return 0;
		clock_pause(begin);
	}
	return -ETIMEDOUT;
}

/* Claim: nor does it end because of its own probes, but of a closed window. */
TEST_F(cause, lost_by_persist_timer)
{
	struct conn *c = &self->c;

	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, fill_window(c));
	ASSERT_EQ(0, conn_option(c, 0, IPPROTO_TCP, TCP_USER_TIMEOUT, 300));
	ASSERT_EQ(0, conn_seen(c, 0, "CLOSE"));

	STOP();
	EXPECT_LEFT(0, "ESTABLISHED",
		    "ESTABLISHED>CLOSE TIMER_PERSIST ETIMEDOUT");
}

TEST_F(family, lost_by_abort)
{
	ASSERT_EQ(0, conn_open(&self->c));
	ASSERT_EQ(0, conn_abort(&self->c, 0));

	STOP();
	EXPECT_LEFT(0, "ESTABLISHED", "ESTABLISHED>CLOSE ABORT ECONNABORTED");
}

/* The child of a listener that nobody accepted, found by its ports. */
#define EXPECT_CHILD(text)                                               \
	do {                                                             \
		struct sighting child_ = {                               \
			.netns = self->c.pair.side[1].inode,             \
			.lport = CONN_PORT + 1,                          \
			.rport = CONN_PORT,                              \
			.old = "ESTABLISHED",                            \
		};                                                       \
		char text_[256];                                         \
		EXPECT_STREQ(text, story(self->c.trace.witness, &child_, \
					 text_, sizeof(text_)));         \
	} while (0)

TEST_F(family, lost_before_accept)
{
	struct conn *c = &self->c;

	ASSERT_EQ(0, conn_listen(c));
	ASSERT_EQ(0, conn_connect(c, 0));
	ASSERT_EQ(0, conn_wait(c, 1, TCP_ESTABLISHED));
	ASSERT_EQ(0, close(c->listener));
	c->listener = -1;
	ASSERT_EQ(0, conn_seen(c, 0, "CLOSE"));

	STOP();
	EXPECT_CHILD(seen_or("ESTABLISHED>CLOSE CALL_CLOSE never_accepted~",
			     "ESTABLISHED>CLOSE CALL_CLOSE~ never_accepted~"));
}

/* Claim: not accepted, and yet it is the RST that ended it. */
TEST_F(cause, lost_by_rst_before_accept)
{
	struct conn *c = &self->c;

	ASSERT_EQ(0, conn_listen(c));
	ASSERT_EQ(0, conn_connect(c, 0));
	ASSERT_EQ(0, conn_wait(c, 1, TCP_ESTABLISHED));
	ASSERT_EQ(0, conn_reset(c, 0));
	ASSERT_EQ(0, conn_gone(c, 1));

	STOP();
	EXPECT_CHILD("ESTABLISHED>CLOSE RX_RST ECONNRESET");
}

/* ---------------------------------------------------------- SYN_SENT->CLOSE */

TEST_F(cause, attempt_ends_by_rst)
{
	ASSERT_EQ(0, conn_bind(&self->c, 0));
	conn_connect(&self->c, 0);
	ASSERT_EQ(0, conn_seen(&self->c, 0, "CLOSE"));

	STOP();
	EXPECT_LEFT(0, "SYN_SENT", "SYN_SENT>CLOSE RX_RST ECONNREFUSED");
}

TEST_F(cause, attempt_ends_by_close)
{
	ASSERT_EQ(0, gate_close(&self->c.gate));
	ASSERT_EQ(0, conn_connect(&self->c, 0));
	ASSERT_EQ(0, conn_close(&self->c, 0));

	STOP();
	EXPECT_LEFT(0, "SYN_SENT", "SYN_SENT>CLOSE CALL_CLOSE");
}

TEST_F(cause, attempt_ends_by_shutdown)
{
	ASSERT_EQ(0, gate_close(&self->c.gate));
	ASSERT_EQ(0, conn_connect(&self->c, 0));
	ASSERT_EQ(0, shutdown(self->c.fd[0], SHUT_RDWR));

	STOP();
	EXPECT_LEFT(0, "SYN_SENT", "SYN_SENT>CLOSE CALL_SHUTDOWN");
}

TEST_F(cause, attempt_ends_by_timer)
{
	struct conn *c = &self->c;

	ASSERT_EQ(0, gate_close(&c->gate));
	ASSERT_EQ(0, conn_bind(c, 0));
	ASSERT_EQ(0, conn_option(c, 0, IPPROTO_TCP, TCP_USER_TIMEOUT, 500));
	ASSERT_EQ(0, conn_connect(c, 0));
	ASSERT_EQ(0, conn_seen(c, 0, "CLOSE"));

	STOP();
	EXPECT_LEFT(0, "SYN_SENT", "SYN_SENT>CLOSE TIMER_RETRANSMIT ETIMEDOUT");
}

TEST_F(family, attempt_ends_by_unreachable)
{
	struct conn *c = &self->c;

	ASSERT_EQ(0, conn_cut(c, 0));
	ASSERT_EQ(0, gate_close(&c->gate));
	ASSERT_EQ(0, conn_connect(c, 0));
	ASSERT_EQ(0, conn_seen(c, 0, "CLOSE"));

	STOP();
	EXPECT_LEFT(0, "SYN_SENT", "SYN_SENT>CLOSE RX_ICMP~ EHOSTUNREACH");
}

TEST_F(cause, attempt_ends_by_abort)
{
	ASSERT_EQ(0, gate_close(&self->c.gate));
	ASSERT_EQ(0, conn_connect(&self->c, 0));
	ASSERT_EQ(0, conn_abort(&self->c, 0));

	STOP();
	EXPECT_LEFT(0, "SYN_SENT", "SYN_SENT>CLOSE ABORT ECONNABORTED");
}

/* --------------------------------------------------------- LISTEN->SYN_RECV */

/* How the child of the client at this port came to be. */
static const char *birth(struct conn *c, unsigned short rport)
{
	struct sighting child = {
		.type = "state",
		.netns = c->pair.side[1].inode,
		.lport = CONN_PORT + 1,
		.rport = rport,
		.old = "LISTEN",
	};
	static char text[256];

	return story(c->trace.witness, &child, text, sizeof(text));
}

/* Claim: with TCP Fast Open a child comes of the SYN; it is shown then. */
TEST_F(cause, child_of_fastopen)
{
	struct conn *c = &self->c;
	struct sighting child = {
		.netns = c->pair.side[1].inode,
		.old = "LISTEN",
		.new = "SYN_RECV",
	};
	bool late;

	ASSERT_EQ(0, conn_listen_fastopen(c, false));
	ASSERT_EQ(0, gate_close_side(&c->gate, 1));
	ASSERT_EQ(0, conn_bind(c, 0));
	sendto(c->fd[0], "x", 1, MSG_FASTOPEN, (void *)&c->addr[1], c->len);
	ASSERT_EQ(0, conn_wait(c, 1, TCP_SYN_RECV));
	ASSERT_EQ(0, shared_settle(&c->trace));
	late = !witness_count(c->trace.witness, &child);
	ASSERT_EQ(0, gate_open_side(&c->gate, 1));
	ASSERT_EQ(0, conn_wait(c, 1, TCP_ESTABLISHED));

	STOP();
	EXPECT_STREQ("LISTEN>SYN_RECV RX_SYN", birth(c, CONN_PORT));
	if (late)
		SKIP(return, "the child is shown when the SYN+ACK is acked");
}

/*
 * Claim: so it is where nothing delays the SYN+ACK, and whether the SYN has
 * data or not. The one before it, which asks for the cookie, comes of the ACK.
 */
TEST_F(cause, child_by_cookie)
{
	struct conn *c = &self->c;
	socklen_t len = sizeof(struct sockaddr_in);
	unsigned short port[3];
	int i, fd[3];

	ASSERT_EQ(0, conn_listen_fastopen(c, true));
	for (i = 0; i < 3; i++) {
		struct sighting open = {
			.netns = c->pair.side[1].inode,
			.old = "SYN_RECV",
		};
		struct sockaddr_in own;

		fd[i] = conn_socket(c, 0);
		ASSERT_LE(0, fd[i]);
		sendto(fd[i], "x", i < 2, MSG_FASTOPEN, (void *)&c->addr[1],
		       c->len);
		ASSERT_EQ(0, getsockname(fd[i], (void *)&own, &len));
		port[i] = open.rport = ntohs(own.sin_port);
		ASSERT_EQ(0, witness_wait(c->trace.witness, &open,
					  TRACE_PATIENCE_NS));
	}
	EXPECT_EQ(2, conn_counter(c, 1, "TCPFastOpenPassive"));

	STOP();
	EXPECT_STREQ("LISTEN>SYN_RECV RX_ACK", birth(c, port[0]));
	EXPECT_STREQ("LISTEN>SYN_RECV RX_SYN", birth(c, port[1]));
	EXPECT_STREQ("LISTEN>SYN_RECV RX_SYN", birth(c, port[2]));
	for (i = 0; i < 3; i++)
		close(fd[i]);
}

/* --------------------------------------------------- SYN_RECV->, two crossed */

/*
 * Claim: of two that crossed, the one opened by an ACK alone says so, although
 * it is as much a full open: the other's SYN+ACK has been lost.
 */
TEST_F(cause, crossed_opens_by_ack)
{
	struct conn *c = &self->c;

	ASSERT_EQ(0, conn_hold_last(c, 0));
	ASSERT_EQ(0, conn_cross(c));
	ASSERT_EQ(0, gate_open_side(&c->gate, 0));
	ASSERT_EQ(0, conn_wait(c, 1, TCP_SYN_RECV));
	ASSERT_EQ(0, gate_close_side(&c->gate, 0));
	/* side 0's ACK takes the place of its SYN+ACK */
	ASSERT_EQ(0, gate_open_side(&c->gate, 1));
	ASSERT_EQ(0, conn_wait(c, 0, TCP_ESTABLISHED));
	ASSERT_EQ(0, gate_open_side(&c->gate, 0));
	ASSERT_EQ(0, conn_wait(c, 1, TCP_ESTABLISHED));

	STOP();
	EXPECT_LEFT(0, "SYN_RECV", "SYN_RECV>ESTABLISHED RX_SYN_ACK full");
	EXPECT_LEFT(1, "SYN_RECV", "SYN_RECV>ESTABLISHED RX_ACK full");
}

/* Claim: shutdown() in SYN_RECV takes effect later, and nobody calls then. */
TEST_F(cause, crossed_shutdown)
{
	struct conn *c = &self->c;

	ASSERT_EQ(0, cross_half_way(c));
	ASSERT_EQ(0, shutdown(c->fd[0], SHUT_WR));
	ASSERT_EQ(0, gate_open_side(&c->gate, 0));
	ASSERT_EQ(0, conn_wait(c, 1, TCP_CLOSE_WAIT));

	STOP();
	EXPECT_LEFT(0, "ESTABLISHED",
		    seen_or("ESTABLISHED>FIN_WAIT1 CALL_SHUTDOWN",
			    "ESTABLISHED>FIN_WAIT1 CALL_SHUTDOWN~"));
}

TEST_F(cause, crossed_ends_by_close)
{
	ASSERT_EQ(0, cross_half_way(&self->c));
	ASSERT_EQ(0, conn_close(&self->c, 0));

	STOP();
	EXPECT_LEFT(0, "SYN_RECV", "SYN_RECV>FIN_WAIT1 CALL_CLOSE");
}

TEST_F(cause, crossed_ends_by_linger)
{
	ASSERT_EQ(0, cross_half_way(&self->c));
	ASSERT_EQ(0, conn_reset(&self->c, 0));

	STOP();
	EXPECT_LEFT(0, "SYN_RECV", "SYN_RECV>CLOSE CALL_CLOSE linger");
}

TEST_F(family, crossed_ends_by_unreachable)
{
	struct conn *c = &self->c;

	/* not sooner: a slow machine would lose the SYN as well */
	ASSERT_EQ(0, cross_half_way(c));
	ASSERT_EQ(0, conn_cut(c, 0));
	ASSERT_EQ(0, conn_seen(c, 0, "CLOSE"));

	STOP();
	EXPECT_LEFT(0, "SYN_RECV", "SYN_RECV>CLOSE RX_ICMP~ EHOSTUNREACH");
}

TEST_F(cause, crossed_ends_by_abort)
{
	ASSERT_EQ(0, cross_half_way(&self->c));
	ASSERT_EQ(0, conn_abort(&self->c, 0));

	STOP();
	EXPECT_LEFT(0, "SYN_RECV", "SYN_RECV>CLOSE ABORT ECONNABORTED");
}

/*
 * Claim: where the kernel gives no memory for a socket, its resets are still
 * told, though not for sure, and the trace counts that it had none.
 */
TEST_F(cause, rst_without_memory)
{
	struct conn *c = &self->c;
	int err;

	err = netns_sysctl(c->pair.side[0].fd, "net/core/optmem_max", "0");
	if (err == -ENOENT)
		SKIP(return, "optmem_max is not per namespace before 6.8");
	ASSERT_EQ(0, err);
	/* it is counted by a trace that sees nothing else */
	trace_free(&c->trace);
	ASSERT_EQ(0, conn_watch(c, "state"));
	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, conn_reset(c, 1));
	ASSERT_EQ(0, conn_seen(c, 0, "CLOSE"));

	ASSERT_EQ(0, trace_stop(&c->trace));
	EXPECT_LT(0, witness_counter(c->trace.witness, "no_storage"));
	EXPECT_LEFT(0, "ESTABLISHED", "ESTABLISHED>CLOSE RX_RST~ ECONNRESET");
}

SHARED_HARNESS_MAIN("--events", "state")
