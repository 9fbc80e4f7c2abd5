// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the causes where a FIN is sent, or has been sent or taken: of each
 * transition that can have several, every one. cause_test.c has those before.
 */
#include "tests/lib/conn.h"
#include "tests/lib/craft.h"
#include "tests/lib/seen.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <kselftest_harness.h>

FIXTURE(fin)
{
	struct conn c;
};

FIXTURE_SETUP(fin)
{
	int err = conn_start(&self->c, AF_INET);

	if (err == -EPERM)
		SKIP(return, "network namespaces need root");
	ASSERT_EQ(0, err);
}

FIXTURE_TEARDOWN(fin)
{
	conn_free(&self->c);
}

/* Ends the trace; then the transition of an end that left @old has to be... */
#define EXPECT_LEFT(side, old, text) \
	EXPECT_STREQ(text, conn_left(&self->c, side, old))
#define STOP() ASSERT_EQ(0, conn_stop(&self->c))

/*
 * Who has given a closed socket to a minisocket: the ACK of its FIN, or
 * close(), if that still ran when the ACK came. One never knows.
 */
static const char *by_either(struct conn *c)
{
	return strstr(conn_left(c, 0, "FIN_WAIT2"), "CALL") ?
		       "FIN_WAIT2>TIME_WAIT~ CALL_CLOSE as FIN_WAIT2" :
		       seen_or("FIN_WAIT2>TIME_WAIT~ RX_ACK as FIN_WAIT2",
			       "FIN_WAIT2>TIME_WAIT~ RX_ACK~ as FIN_WAIT2");
}

/* Until side 0 is in FIN_WAIT2, by shutdown(): its socket is still held. */
static int half_close(struct conn *c)
{
	int err = conn_open(c);

	if (!err && shutdown(c->fd[0], SHUT_WR))
		err = -errno;
	if (!err)
		err = conn_ack_fin(c, 1);
	return err ? err : conn_wait(c, 0, TCP_FIN_WAIT2);
}

/* --------------------------------------------------- ESTABLISHED->FIN_WAIT1 */

TEST_F(fin, fin_by_close)
{
	ASSERT_EQ(0, conn_open(&self->c));
	ASSERT_EQ(0, conn_close(&self->c, 0));

	STOP();
	EXPECT_LEFT(0, "ESTABLISHED", "ESTABLISHED>FIN_WAIT1 CALL_CLOSE");
}

TEST_F(fin, fin_by_shutdown)
{
	ASSERT_EQ(0, conn_open(&self->c));
	ASSERT_EQ(0, shutdown(self->c.fd[0], SHUT_WR));

	STOP();
	EXPECT_LEFT(0, "ESTABLISHED", "ESTABLISHED>FIN_WAIT1 CALL_SHUTDOWN");
}

TEST_F(fin, fin_by_exit)
{
	ASSERT_EQ(0, conn_open(&self->c));
	ASSERT_EQ(0, conn_leave_to(&self->c, 0, NULL));

	STOP();
	EXPECT_LEFT(0, "ESTABLISHED", "ESTABLISHED>FIN_WAIT1 EXIT");
}

TEST_F(fin, fin_by_execve)
{
	ASSERT_EQ(0, conn_open(&self->c));
	ASSERT_EQ(0, conn_leave_to(&self->c, 0, "/bin/true"));

	STOP();
	EXPECT_LEFT(0, "ESTABLISHED", "ESTABLISHED>FIN_WAIT1 CALL_EXECVE");
}

TEST_F(fin, fin_by_dup2)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, conn_open(&self->c));
	ASSERT_EQ(self->c.fd[0], dup2(fd, self->c.fd[0]));

	STOP();
	EXPECT_LEFT(0, "ESTABLISHED", "ESTABLISHED>FIN_WAIT1 CALL_DUP");
	close(fd);
}

/* -------------------------------------------------------------- FIN_WAIT1-> */

/* Claim: data for a socket that is closed has the looks of a reset. */
TEST_F(fin, fin_wait1_ends_by_data)
{
	struct conn *c = &self->c;

	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, gate_close_side(&c->gate, 0));
	ASSERT_EQ(0, conn_close(c, 0));
	ASSERT_EQ(0, conn_send(c, 1, 1));
	ASSERT_EQ(0, conn_seen(c, 0, "CLOSE"));

	STOP();
	EXPECT_LEFT(0, "FIN_WAIT1", "FIN_WAIT1>CLOSE RX_RST~ ECONNRESET");
}

/* Claim: with shutdown() no data has them: it is a reset. */
TEST_F(fin, fin_wait1_ends_by_rst)
{
	struct conn *c = &self->c;

	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, gate_close_side(&c->gate, 0));
	ASSERT_EQ(0, shutdown(c->fd[0], SHUT_WR));
	ASSERT_EQ(0, conn_send(c, 1, 1));
	ASSERT_EQ(0, conn_receive(c, 0, 1));
	ASSERT_EQ(0, conn_reset(c, 1));
	ASSERT_EQ(0, conn_seen(c, 0, "CLOSE"));

	STOP();
	EXPECT_LEFT(0, "FIN_WAIT1", "FIN_WAIT1>CLOSE RX_RST ECONNRESET");
}

TEST_F(fin, fin_wait1_ends_by_timer)
{
	struct conn *c = &self->c;

	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, conn_option(c, 0, IPPROTO_TCP, TCP_USER_TIMEOUT, 300));
	ASSERT_EQ(0, gate_close_side(&c->gate, 0));
	ASSERT_EQ(0, conn_close(c, 0));
	ASSERT_EQ(0, conn_seen(c, 0, "CLOSE"));

	STOP();
	EXPECT_LEFT(0, "FIN_WAIT1",
		    "FIN_WAIT1>CLOSE TIMER_RETRANSMIT ETIMEDOUT");
}

/* -------------------------------------------------------------- FIN_WAIT2-> */

TEST_F(fin, fin_wait2_ends_by_fin)
{
	struct conn *c = &self->c;

	ASSERT_EQ(0, half_close(c));
	ASSERT_EQ(0, conn_close(c, 1));
	ASSERT_EQ(0, conn_wait(c, 0, TCP_TIME_WAIT));

	STOP();
	EXPECT_LEFT(0, "FIN_WAIT2", "FIN_WAIT2>TIME_WAIT~ RX_FIN as TIME_WAIT");
}

/* Claim: close() gives it to a minisocket, which is in FIN_WAIT2 like it. */
TEST_F(fin, fin_wait2_ends_by_close)
{
	struct conn *c = &self->c;

	ASSERT_EQ(0, half_close(c));
	ASSERT_EQ(0, conn_close(c, 0));
	ASSERT_EQ(0, conn_wait(c, 0, TCP_FIN_WAIT2));

	STOP();
	EXPECT_LEFT(0, "FIN_WAIT2",
		    "FIN_WAIT2>TIME_WAIT~ CALL_CLOSE as FIN_WAIT2");
}

TEST_F(fin, fin_wait2_ends_by_exit)
{
	struct conn *c = &self->c;

	ASSERT_EQ(0, half_close(c));
	ASSERT_EQ(0, conn_leave_to(c, 0, NULL));
	ASSERT_EQ(0, conn_wait(c, 0, TCP_FIN_WAIT2));

	STOP();
	EXPECT_LEFT(0, "FIN_WAIT2", "FIN_WAIT2>TIME_WAIT~ EXIT as FIN_WAIT2");
}

/* Claim: where close() resets, there is no minisocket. */
TEST_F(fin, fin_wait2_ends_by_linger)
{
	struct conn *c = &self->c;

	ASSERT_EQ(0, half_close(c));
	ASSERT_EQ(0, conn_reset(c, 0));
	ASSERT_EQ(0, conn_gone(c, 0));

	STOP();
	EXPECT_LEFT(0, "FIN_WAIT2", "FIN_WAIT2>CLOSE CALL_CLOSE linger");
}

TEST_F(fin, fin_wait2_ends_by_unread_data)
{
	struct conn *c = &self->c;

	ASSERT_EQ(0, half_close(c));
	ASSERT_EQ(0, conn_send(c, 1, 2));
	ASSERT_EQ(0, conn_receive(c, 0, 1));
	ASSERT_EQ(0, conn_close(c, 0));
	ASSERT_EQ(0, conn_gone(c, 0));

	STOP();
	EXPECT_LEFT(0, "FIN_WAIT2", "FIN_WAIT2>CLOSE CALL_CLOSE unread_data");
}

TEST_F(fin, fin_wait2_ends_by_disconnect)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	struct conn *c = &self->c;

	ASSERT_EQ(0, half_close(c));
	ASSERT_EQ(0, connect(c->fd[0], &none, sizeof(none)));

	STOP();
	EXPECT_LEFT(0, "FIN_WAIT2", "FIN_WAIT2>CLOSE CALL_CONNECT disconnect");
}

TEST_F(fin, fin_wait2_ends_by_rst)
{
	struct conn *c = &self->c;

	ASSERT_EQ(0, half_close(c));
	ASSERT_EQ(0, conn_reset(c, 1));
	ASSERT_EQ(0, conn_seen(c, 0, "CLOSE"));

	STOP();
	EXPECT_LEFT(0, "FIN_WAIT2", "FIN_WAIT2>CLOSE RX_RST ECONNRESET");
}

/* Claim: after shutdown() of both directions, data has the looks of a reset. */
TEST_F(fin, fin_wait2_ends_by_data)
{
	struct conn *c = &self->c;

	ASSERT_EQ(0, half_close(c));
	ASSERT_EQ(0, shutdown(c->fd[0], SHUT_RD));
	ASSERT_EQ(0, conn_send(c, 1, 1));
	ASSERT_EQ(0, conn_seen(c, 0, "CLOSE"));

	STOP();
	EXPECT_LEFT(0, "FIN_WAIT2", "FIN_WAIT2>CLOSE RX_RST~ ECONNRESET");
}

/*
 * Claim: data in the segment that acks the FIN of a closed socket resets it
 * (conn_gone: no minisocket). Nothing in the socket tells, so the event takes
 * the likelier, and says with every ~ that this is what it does.
 */
TEST_F(fin, fin_wait2_ends_by_data_in_ack)
{
	struct conn *c = &self->c;

	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, conn_hold_last(c, 1));
	ASSERT_EQ(0, gate_close_side(&c->gate, 1));
	ASSERT_EQ(0, conn_close(c, 0));
	ASSERT_EQ(0, conn_wait(c, 1, TCP_CLOSE_WAIT));
	ASSERT_EQ(0, conn_send(c, 1, 1));
	ASSERT_EQ(0, gate_open_side(&c->gate, 1));
	ASSERT_EQ(0, conn_gone(c, 0));

	STOP();
	EXPECT_LEFT(0, "FIN_WAIT2",
		    seen_or("FIN_WAIT2>TIME_WAIT~ RX_ACK as FIN_WAIT2",
			    "FIN_WAIT2>TIME_WAIT~ RX_ACK~ as FIN_WAIT2"));
}

/* Claim: TCP_LINGER2 < 0 allows no minisocket, neither to an ACK... */
TEST_F(fin, fin_wait2_not_wanted_by_ack)
{
	struct conn *c = &self->c;

	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, conn_option(c, 0, IPPROTO_TCP, TCP_LINGER2, -1));
	ASSERT_EQ(0, gate_close_side(&c->gate, 1));
	ASSERT_EQ(0, conn_close(c, 0));
	ASSERT_EQ(0, conn_ack_fin(c, 1));
	ASSERT_EQ(0, gate_wait_held(&c->gate, 1, c->family, TRACE_PATIENCE_NS));
	ASSERT_EQ(0, gate_open_side(&c->gate, 1));
	ASSERT_EQ(0, conn_gone(c, 0));

	STOP();
	EXPECT_LEFT(0, "FIN_WAIT2",
		    seen_or("FIN_WAIT2>CLOSE RX_ACK",
			    "FIN_WAIT2>CLOSE RX_ACK~"));
}

/*
 * ... not even if it comes while close() runs: data before the FIN makes the
 * other end ack at once. Where the softirq is late the ACK comes afterwards.
 */
TEST_F(fin, fin_wait2_not_wanted_by_ack_in_close)
{
	struct conn *c = &self->c;

	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, conn_option(c, 0, IPPROTO_TCP, TCP_LINGER2, -1));
	ASSERT_EQ(0, conn_option(c, 0, IPPROTO_TCP, TCP_CORK, 1));
	ASSERT_EQ(0, conn_send(c, 0, 1000));
	ASSERT_EQ(0, conn_close(c, 0));
	ASSERT_EQ(0, conn_gone(c, 0));

	STOP();
	EXPECT_LEFT(0, "FIN_WAIT2",
		    seen_or("FIN_WAIT2>CLOSE RX_ACK",
			    "FIN_WAIT2>CLOSE RX_ACK~"));
}

/* Claim: and an ACK that comes during close() leaves the minisocket to it. */
TEST_F(fin, fin_wait2_ends_by_ack_in_close)
{
	struct conn *c = &self->c;

	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, conn_option(c, 0, IPPROTO_TCP, TCP_CORK, 1));
	ASSERT_EQ(0, conn_send(c, 0, 1000));
	ASSERT_EQ(0, conn_close(c, 0));
	ASSERT_EQ(0, conn_wait(c, 0, TCP_FIN_WAIT2));

	STOP();
	EXPECT_LEFT(0, "FIN_WAIT2", by_either(c));
}

/* ... nor to close(). */
TEST_F(fin, fin_wait2_not_wanted_by_close)
{
	struct conn *c = &self->c;

	ASSERT_EQ(0, half_close(c));
	ASSERT_EQ(0, conn_option(c, 0, IPPROTO_TCP, TCP_LINGER2, -1));
	ASSERT_EQ(0, conn_close(c, 0));
	ASSERT_EQ(0, conn_gone(c, 0));

	STOP();
	EXPECT_LEFT(0, "FIN_WAIT2", "FIN_WAIT2>CLOSE CALL_CLOSE");
}

/*
 * Claim: what TCP_LINGER2 has above the 60 s of a minisocket is waited for in
 * FIN_WAIT2 itself.
 */
TEST_F(fin, fin_wait2_ends_by_timer)
{
	struct conn *c = &self->c;

	ASSERT_EQ(0, half_close(c));
	ASSERT_EQ(0, conn_option(c, 0, IPPROTO_TCP, TCP_LINGER2, 61));
	ASSERT_EQ(0, conn_close(c, 0));
	ASSERT_EQ(0, conn_seen(c, 0, "TIME_WAIT"));

	STOP();
	EXPECT_LEFT(0, "FIN_WAIT2",
		    "FIN_WAIT2>TIME_WAIT~ TIMER_FIN_WAIT2~ as FIN_WAIT2");
}

/* Claim: closed before the ACK of its FIN came makes no difference. */
TEST_F(fin, fin_wait2_of_orphan_ends_by_timer)
{
	struct conn *c = &self->c;

	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, conn_option(c, 0, IPPROTO_TCP, TCP_LINGER2, 61));
	ASSERT_EQ(0, conn_close(c, 0));
	ASSERT_EQ(0, conn_ack_fin(c, 1));
	ASSERT_EQ(0, conn_seen(c, 0, "TIME_WAIT"));

	STOP();
	EXPECT_LEFT(0, "FIN_WAIT2",
		    "FIN_WAIT2>TIME_WAIT~ TIMER_FIN_WAIT2~ as FIN_WAIT2");
}

/* Claim: a closed socket that waits in FIN_WAIT2 is ended by FIN and by RST. */
TEST_F(fin, fin_wait2_of_orphan_ends_by_fin)
{
	struct conn *c = &self->c;

	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, conn_option(c, 0, IPPROTO_TCP, TCP_LINGER2, 120));
	ASSERT_EQ(0, conn_close(c, 0));
	ASSERT_EQ(0, conn_ack_fin(c, 1));
	ASSERT_EQ(0, conn_seen(c, 0, "FIN_WAIT2"));
	ASSERT_EQ(0, conn_close(c, 1));
	ASSERT_EQ(0, conn_seen(c, 0, "TIME_WAIT"));

	STOP();
	EXPECT_LEFT(0, "FIN_WAIT2", "FIN_WAIT2>TIME_WAIT~ RX_FIN as TIME_WAIT");
}

TEST_F(fin, fin_wait2_of_orphan_ends_by_rst)
{
	struct conn *c = &self->c;

	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, conn_option(c, 0, IPPROTO_TCP, TCP_LINGER2, 120));
	ASSERT_EQ(0, conn_close(c, 0));
	ASSERT_EQ(0, conn_ack_fin(c, 1));
	ASSERT_EQ(0, conn_seen(c, 0, "FIN_WAIT2"));
	ASSERT_EQ(0, conn_reset(c, 1));
	ASSERT_EQ(0, conn_seen(c, 0, "CLOSE"));

	STOP();
	EXPECT_LEFT(0, "FIN_WAIT2",
		    seen_or("FIN_WAIT2>CLOSE RX_RST ECONNRESET",
			    "FIN_WAIT2>CLOSE RX_RST~ ECONNRESET"));
}

/* Claim: the end of the minisocket is nothing that the trace shows. */
TEST_F(fin, fin_wait2_minisocket_expires)
{
	struct conn *c = &self->c;

	ASSERT_EQ(0, netns_sysctl(c->pair.side[0].fd,
				  "net/ipv4/tcp_fin_timeout", "1"));
	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, conn_close(c, 0));
	ASSERT_EQ(0, conn_ack_fin(c, 1));
	ASSERT_EQ(0, conn_wait(c, 0, TCP_FIN_WAIT2));
	ASSERT_EQ(0, conn_gone(c, 0));

	STOP();
	EXPECT_LEFT(0, "FIN_WAIT2", by_either(c));
	EXPECT_LEFT(0, "TIME_WAIT", "");
}

/* ------------------------------------------------- CLOSING->, LAST_ACK->... */

/* Until side 0 is in CLOSING and the FIN of neither is acked, both held. */
static int closing(struct conn *c)
{
	int err = conn_open(c), side;

	if (!err)
		err = gate_close(&c->gate);
	for (side = 0; side < 2 && !err; side++) {
		if (shutdown(c->fd[side], SHUT_WR))
			return -errno;
		err = gate_wait_held(&c->gate, side, c->family,
				     TRACE_PATIENCE_NS);
	}
	if (!err)
		err = gate_open_side(&c->gate, 1);
	return err ? err : conn_wait(c, 0, TCP_CLOSING);
}

TEST_F(fin, closing_ends_by_ack)
{
	ASSERT_EQ(0, closing(&self->c));
	ASSERT_EQ(0, gate_open_side(&self->c.gate, 0));
	ASSERT_EQ(0, conn_wait(&self->c, 0, TCP_TIME_WAIT));

	STOP();
	EXPECT_LEFT(0, "CLOSING", "CLOSING>TIME_WAIT~ RX_ACK as TIME_WAIT");
}

TEST_F(fin, closing_ends_by_rst)
{
	ASSERT_EQ(0, closing(&self->c));
	craft_next_jiffy();
	ASSERT_EQ(0, conn_reset(&self->c, 1));
	ASSERT_EQ(0, conn_gone(&self->c, 0));

	STOP();
	EXPECT_LEFT(0, "CLOSING", "CLOSING>CLOSE RX_RST ECONNRESET");
}

/* Claim: data behind the peer's FIN has the looks of a reset. */
TEST_F(fin, closing_ends_by_data)
{
	ASSERT_EQ(0, closing(&self->c));
	craft_next_jiffy();
	ASSERT_EQ(0, craft_data_behind_fin(&self->c, 1));
	ASSERT_EQ(0, conn_gone(&self->c, 0));

	STOP();
	EXPECT_LEFT(0, "CLOSING", "CLOSING>CLOSE RX_RST~ ECONNRESET");
}

TEST_F(fin, closing_ends_by_linger)
{
	ASSERT_EQ(0, closing(&self->c));
	ASSERT_EQ(0, conn_reset(&self->c, 0));

	STOP();
	EXPECT_LEFT(0, "CLOSING", "CLOSING>CLOSE CALL_CLOSE linger");
}

/* Until side 1 is in LAST_ACK with its FIN held, side 0 in FIN_WAIT2. */
static int last_ack(struct conn *c)
{
	int err = half_close(c);

	if (!err)
		err = gate_close_side(&c->gate, 1);
	if (!err)
		err = conn_option(c, 1, IPPROTO_TCP, TCP_USER_TIMEOUT, 300);
	if (!err)
		err = conn_close(c, 1);
	return err ? err : conn_wait(c, 1, TCP_LAST_ACK);
}

TEST_F(fin, last_ack_ends_by_ack)
{
	ASSERT_EQ(0, last_ack(&self->c));
	ASSERT_EQ(0, gate_open_side(&self->c.gate, 1));
	ASSERT_EQ(0, conn_gone(&self->c, 1));

	STOP();
	EXPECT_LEFT(1, "LAST_ACK", "LAST_ACK>CLOSE RX_ACK");
}

TEST_F(fin, last_ack_ends_by_rst)
{
	ASSERT_EQ(0, last_ack(&self->c));
	craft_next_jiffy();
	ASSERT_EQ(0, conn_reset(&self->c, 0));
	ASSERT_EQ(0, conn_gone(&self->c, 1));

	STOP();
	EXPECT_LEFT(1, "LAST_ACK", "LAST_ACK>CLOSE RX_RST ECONNRESET");
}

TEST_F(fin, last_ack_ends_by_data)
{
	ASSERT_EQ(0, last_ack(&self->c));
	craft_next_jiffy();
	ASSERT_EQ(0, craft_data_behind_fin(&self->c, 0));
	ASSERT_EQ(0, conn_gone(&self->c, 1));

	STOP();
	EXPECT_LEFT(1, "LAST_ACK", "LAST_ACK>CLOSE RX_RST~ ECONNRESET");
}

TEST_F(fin, last_ack_ends_by_timer)
{
	ASSERT_EQ(0, last_ack(&self->c));
	ASSERT_EQ(0, conn_seen(&self->c, 1, "CLOSE"));

	STOP();
	EXPECT_LEFT(1, "LAST_ACK", "LAST_ACK>CLOSE TIMER_RETRANSMIT ETIMEDOUT");
}

TEST_F(fin, close_wait_ends_by_rst)
{
	ASSERT_EQ(0, half_close(&self->c));
	craft_next_jiffy();
	ASSERT_EQ(0, conn_reset(&self->c, 0));
	ASSERT_EQ(0, conn_gone(&self->c, 1));

	STOP();
	EXPECT_LEFT(1, "CLOSE_WAIT", "CLOSE_WAIT>CLOSE RX_RST EPIPE");
}

TEST_F(fin, close_wait_ends_by_data)
{
	ASSERT_EQ(0, half_close(&self->c));
	craft_next_jiffy();
	ASSERT_EQ(0, craft_data_behind_fin(&self->c, 0));
	ASSERT_EQ(0, conn_gone(&self->c, 1));

	STOP();
	EXPECT_LEFT(1, "CLOSE_WAIT", "CLOSE_WAIT>CLOSE RX_RST~ EPIPE");
}

/* Claim: a FIN is no unread data... */
TEST_F(fin, fin_is_no_data)
{
	struct conn *c = &self->c;

	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, conn_send(c, 1, 2));
	ASSERT_EQ(0, conn_receive(c, 0, 2));
	ASSERT_EQ(0, shutdown(c->fd[1], SHUT_WR));
	ASSERT_EQ(0, conn_wait(c, 0, TCP_CLOSE_WAIT));
	ASSERT_EQ(0, conn_reset(c, 0));

	STOP();
	EXPECT_LEFT(0, "CLOSE_WAIT", "CLOSE_WAIT>CLOSE CALL_CLOSE linger");
}

/* ... nor does it count when it has been read, as end of file... */
TEST_F(fin, end_of_file_is_no_data)
{
	struct conn *c = &self->c;

	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, shutdown(c->fd[1], SHUT_WR));
	ASSERT_EQ(0, conn_receive(c, 0, 0));
	ASSERT_EQ(0, conn_reset(c, 0));

	STOP();
	EXPECT_LEFT(0, "CLOSE_WAIT", "CLOSE_WAIT>CLOSE CALL_CLOSE linger");
}

/* ... but what came before it does. */
TEST_F(fin, data_before_fin_is_unread)
{
	struct conn *c = &self->c;

	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, conn_send(c, 1, 2));
	ASSERT_EQ(0, shutdown(c->fd[1], SHUT_WR));
	ASSERT_EQ(0, conn_wait(c, 0, TCP_CLOSE_WAIT));
	ASSERT_EQ(0, conn_receive(c, 0, 1));
	ASSERT_EQ(0, conn_close(c, 0));

	STOP();
	EXPECT_LEFT(0, "CLOSE_WAIT", "CLOSE_WAIT>CLOSE CALL_CLOSE unread_data");
}

SHARED_HARNESS_MAIN("--events", "state")
