// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of what a trace tells of whole connections: every state, on both ends,
 * with the cause of every transition and the right endpoints in every event.
 */
#include "tests/lib/conn.h"
#include "tests/lib/seen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <kselftest_harness.h>

FIXTURE(state)
{
	struct conn c;
};

FIXTURE_VARIANT(state)
{
	int family;
};

FIXTURE_VARIANT_ADD(state, ipv4){ .family = AF_INET };
FIXTURE_VARIANT_ADD(state, ipv6){ .family = AF_INET6 };

FIXTURE_SETUP(state)
{
	int err = conn_start(&self->c, variant->family);

	if (err == -EPERM)
		SKIP(return, "network namespaces need root");
	ASSERT_EQ(0, err);
}

FIXTURE_TEARDOWN(state)
{
	conn_free(&self->c);
}

/* The text of an address and its port. */
static unsigned int port_text(const struct sockaddr_storage *ss, char *text)
{
	const struct sockaddr_in6 *sin6 = (const void *)ss;
	const struct sockaddr_in *sin = (const void *)ss;

	if (ss->ss_family == AF_INET6) {
		inet_ntop(AF_INET6, &sin6->sin6_addr, text, INET6_ADDRSTRLEN);
		return ntohs(sin6->sin6_port);
	}
	inet_ntop(AF_INET, &sin->sin_addr, text, INET6_ADDRSTRLEN);
	return ntohs(sin->sin_port);
}

/* How many events of an end there are that say it runs between these two. */
static int between(struct conn *c, uint64_t cookie, int side,
		   const struct sockaddr_storage *local,
		   const struct sockaddr_storage *remote)
{
	char laddr[INET6_ADDRSTRLEN], raddr[INET6_ADDRSTRLEN];
	struct sighting what = {
		.type = "state",
		.netns = c->pair.side[side].inode,
		.cookie = cookie,
		.lport = port_text(local, laddr),
		.rport = port_text(remote, raddr),
	};
	bool v6 = local->ss_family == AF_INET6;
	struct json_object *e;
	size_t from = 0;
	int n = 0;

	while ((e = witness_next(c->trace.witness, &what, &from)))
		n += !strcmp(witness_string(e, "laddr"), laddr) &&
		     !strcmp(witness_string(e, "raddr"), raddr) &&
		     !strcmp(witness_string(e, "family"),
			     v6 ? "INET6" : "INET");
	return n;
}

static int events(struct conn *c, uint64_t cookie)
{
	struct sighting what = { .type = "state", .cookie = cookie };

	return witness_count(c->trace.witness, &what);
}

/* The "pair" of the last event of an end. */
static uint64_t last_pair(struct conn *c, int side)
{
	struct sighting what = { .type = "state", .cookie = c->cookie[side] };
	struct json_object *e;
	uint64_t pair = 0;
	size_t from = 0;

	while ((e = witness_next(c->trace.witness, &what, &from)))
		pair = witness_number(e, "pair");
	return pair;
}

/*
 * Claim of every test of a connection between the two sides: all events of
 * both ends have its endpoints, the first and the last too, and each end knows
 * the other.
 */
#define EXPECT_ENDPOINTS()                                                 \
	do {                                                               \
		struct conn *c_ = &self->c;                                \
		int i_;                                                    \
		for (i_ = 0; i_ < 2; i_++) {                               \
			EXPECT_EQ(events(c_, c_->cookie[i_]),              \
				  between(c_, c_->cookie[i_], i_,          \
					  &c_->addr[i_], &c_->addr[!i_])); \
			EXPECT_EQ(c_->cookie[!i_], last_pair(c_, i_));     \
		}                                                          \
	} while (0)

#define OPENED "CLOSE>SYN_SENT CALL_CONNECT, SYN_SENT>ESTABLISHED RX_SYN_ACK, "
#define ACCEPTED "LISTEN>SYN_RECV RX_ACK, SYN_RECV>ESTABLISHED RX_ACK, "

/* Claim: open, close() here, then close() there, its FIN with the ACK. */
TEST_F(state, normal)
{
	struct conn *c = &self->c;

	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, conn_hold_last(c, 1));
	ASSERT_EQ(0, gate_close_side(&c->gate, 1));
	ASSERT_EQ(0, conn_close(c, 0));
	ASSERT_EQ(0, conn_wait(c, 1, TCP_CLOSE_WAIT));
	/* side 0 must not ask again: the answer would be the last packet */
	ASSERT_EQ(0, gate_close_side(&c->gate, 0));
	ASSERT_EQ(0, conn_close(c, 1));
	ASSERT_EQ(0, conn_wait(c, 1, TCP_LAST_ACK));
	ASSERT_EQ(0, conn_wait(c, 0, TCP_FIN_WAIT1));
	ASSERT_EQ(0, gate_open_side(&c->gate, 1));
	ASSERT_EQ(0, conn_wait(c, 0, TCP_TIME_WAIT));
	ASSERT_EQ(0, gate_open_side(&c->gate, 0));
	ASSERT_EQ(0, conn_gone(c, 1));

	ASSERT_EQ(0, conn_stop(c));
	EXPECT_STREQ(OPENED "ESTABLISHED>FIN_WAIT1 CALL_CLOSE, "
			    "FIN_WAIT1>FIN_WAIT2 RX_ACK, "
			    "FIN_WAIT2>TIME_WAIT~ RX_FIN as TIME_WAIT",
		     conn_story(c, 0));
	EXPECT_STREQ(ACCEPTED "ESTABLISHED>CLOSE_WAIT RX_FIN, "
			      "CLOSE_WAIT>LAST_ACK CALL_CLOSE, "
			      "LAST_ACK>CLOSE RX_ACK",
		     conn_story(c, 1));
	EXPECT_ENDPOINTS();
}

/*
 * Claim: who closes and has its FIN acked is a minisocket in FIN_WAIT2 at
 * once, while the other end, which does not close, stays in CLOSE_WAIT.
 */
#define KEPT                                        \
	OPENED "ESTABLISHED>FIN_WAIT1 CALL_CLOSE, " \
	       "FIN_WAIT1>FIN_WAIT2 RX_ACK, "       \
	       "FIN_WAIT2>TIME_WAIT~ "

TEST_F(state, close_wait_kept)
{
	struct conn *c = &self->c;
	const char *left;

	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, conn_close(c, 0));
	ASSERT_EQ(0, conn_ack_fin(c, 1));
	ASSERT_EQ(0, conn_seen(c, 0, "TIME_WAIT"));
	ASSERT_EQ(0, conn_wait(c, 0, TCP_FIN_WAIT2));
	ASSERT_EQ(0, conn_wait(c, 1, TCP_CLOSE_WAIT));

	ASSERT_EQ(0, conn_stop(c));
	left = conn_story(c, 0);
	/* the ACK may have come while close() ran */
	EXPECT_STREQ(strstr(left, KEPT "CALL") ?
			     KEPT "CALL_CLOSE as FIN_WAIT2" :
			     seen_or(KEPT "RX_ACK as FIN_WAIT2",
				     KEPT "RX_ACK~ as FIN_WAIT2"),
		     left);
	EXPECT_STREQ(ACCEPTED "ESTABLISHED>CLOSE_WAIT RX_FIN",
		     conn_story(c, 1));
	EXPECT_ENDPOINTS();
}

/*
 * Claim: SYNs that cross are a full open on both ends. The gate sees to it that
 * each gets the other's SYN+ACK before any ACK.
 */
TEST_F(state, full_open)
{
	struct conn *c = &self->c;

	ASSERT_EQ(0, conn_cross(c));
	ASSERT_EQ(0, gate_open_side(&c->gate, 0));
	ASSERT_EQ(0, conn_wait(c, 1, TCP_SYN_RECV));
	ASSERT_EQ(0, gate_close_side(&c->gate, 0));
	ASSERT_EQ(0, gate_open_side(&c->gate, 1));
	ASSERT_EQ(0, conn_wait(c, 0, TCP_ESTABLISHED));
	ASSERT_EQ(0, gate_open_side(&c->gate, 0));
	ASSERT_EQ(0, conn_wait(c, 1, TCP_ESTABLISHED));

	ASSERT_EQ(0, conn_stop(c));
	EXPECT_STREQ("CLOSE>SYN_SENT CALL_CONNECT, "
		     "SYN_SENT>SYN_RECV RX_SYN crossed, "
		     "SYN_RECV>ESTABLISHED RX_SYN_ACK full",
		     conn_story(c, 0));
	EXPECT_STREQ(conn_story(c, 0), conn_story(c, 1));
	EXPECT_ENDPOINTS();
}

/*
 * Claim: a SYN that meets one whose own has been lost is half an open: only
 * the end that lost it passes SYN_RECV.
 */
TEST_F(state, half_open)
{
	struct conn *c = &self->c;

	ASSERT_EQ(0, conn_hold_last(c, 0));
	ASSERT_EQ(0, conn_cross(c));
	/* side 0's SYN+ACK takes the place of its SYN */
	ASSERT_EQ(0, gate_open_side(&c->gate, 1));
	ASSERT_EQ(0, conn_wait(c, 0, TCP_SYN_RECV));
	ASSERT_EQ(0, gate_open_side(&c->gate, 0));
	ASSERT_EQ(0, conn_wait(c, 0, TCP_ESTABLISHED));
	ASSERT_EQ(0, conn_wait(c, 1, TCP_ESTABLISHED));

	ASSERT_EQ(0, conn_stop(c));
	EXPECT_STREQ("CLOSE>SYN_SENT CALL_CONNECT, "
		     "SYN_SENT>SYN_RECV RX_SYN crossed, "
		     "SYN_RECV>ESTABLISHED RX_ACK half",
		     conn_story(c, 0));
	EXPECT_STREQ("CLOSE>SYN_SENT CALL_CONNECT, "
		     "SYN_SENT>ESTABLISHED RX_SYN_ACK half",
		     conn_story(c, 1));
	EXPECT_ENDPOINTS();
}

/* Claim: one socket can be both ends, in the open and in the close. */
TEST_F(state, self_connect)
{
	struct conn *c = &self->c;

	ASSERT_EQ(0, conn_bind(c, 0));
	connect(c->fd[0], (void *)&c->addr[0], c->len);
	ASSERT_EQ(0, conn_seen(c, 0, "ESTABLISHED"));
	ASSERT_EQ(0, conn_close(c, 0));
	ASSERT_EQ(0, conn_seen(c, 0, "TIME_WAIT"));

	ASSERT_EQ(0, conn_stop(c));
	EXPECT_STREQ("CLOSE>SYN_SENT CALL_CONNECT, "
		     "SYN_SENT>SYN_RECV RX_SYN crossed, "
		     "SYN_RECV>ESTABLISHED RX_SYN_ACK self, "
		     "ESTABLISHED>FIN_WAIT1 CALL_CLOSE, "
		     "FIN_WAIT1>CLOSING RX_FIN simultaneous_close, "
		     "CLOSING>TIME_WAIT~ RX_ACK as TIME_WAIT",
		     conn_story(c, 0));
	EXPECT_EQ(6, between(c, c->cookie[0], 0, &c->addr[0], &c->addr[0]));
}

/* Claim: FINs that cross take both ends through CLOSING. */
TEST_F(state, simultaneous_close)
{
	struct conn *c = &self->c;
	int i;

	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, gate_close(&c->gate));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, conn_close(c, i));
		ASSERT_EQ(0, gate_wait_held(&c->gate, i, c->family,
					    TRACE_PATIENCE_NS));
	}
	ASSERT_EQ(0, gate_open(&c->gate));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, conn_wait(c, i, TCP_TIME_WAIT));

	ASSERT_EQ(0, conn_stop(c));
#define CROSSED                                         \
	"ESTABLISHED>FIN_WAIT1 CALL_CLOSE, "            \
	"FIN_WAIT1>CLOSING RX_FIN simultaneous_close, " \
	"CLOSING>TIME_WAIT~ RX_ACK as TIME_WAIT"
	EXPECT_STREQ(OPENED CROSSED, conn_story(c, 0));
	EXPECT_STREQ(ACCEPTED CROSSED, conn_story(c, 1));
	EXPECT_ENDPOINTS();
}

/* Claim: who shut down one direction still receives, and ends in TIME_WAIT. */
TEST_F(state, half_close)
{
	struct conn *c = &self->c;

	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, shutdown(c->fd[0], SHUT_WR));
	ASSERT_EQ(0, conn_receive(c, 1, 0));
	ASSERT_EQ(0, conn_ack_fin(c, 1));
	ASSERT_EQ(0, conn_wait(c, 0, TCP_FIN_WAIT2));
	ASSERT_EQ(0, conn_send(c, 1, 1000));
	ASSERT_EQ(0, conn_receive(c, 0, 1000));
	ASSERT_EQ(0, conn_close(c, 1));
	ASSERT_EQ(0, conn_receive(c, 0, 0));
	ASSERT_EQ(0, conn_wait(c, 0, TCP_TIME_WAIT));
	ASSERT_EQ(0, conn_gone(c, 1));

	ASSERT_EQ(0, conn_stop(c));
	EXPECT_STREQ(OPENED "ESTABLISHED>FIN_WAIT1 CALL_SHUTDOWN, "
			    "FIN_WAIT1>FIN_WAIT2 RX_ACK, "
			    "FIN_WAIT2>TIME_WAIT~ RX_FIN as TIME_WAIT",
		     conn_story(c, 0));
	EXPECT_STREQ(ACCEPTED "ESTABLISHED>CLOSE_WAIT RX_FIN, "
			      "CLOSE_WAIT>LAST_ACK CALL_CLOSE, "
			      "LAST_ACK>CLOSE RX_ACK",
		     conn_story(c, 1));
	EXPECT_ENDPOINTS();
}

/* Claim: close() with SO_LINGER 0 resets, and the other end says by what. */
TEST_F(state, reset_by_linger)
{
	struct conn *c = &self->c;

	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, conn_reset(c, 0));
	ASSERT_EQ(-ECONNRESET, conn_receive(c, 1, 0));

	ASSERT_EQ(0, conn_stop(c));
	EXPECT_STREQ(OPENED "ESTABLISHED>CLOSE CALL_CLOSE linger",
		     conn_story(c, 0));
	EXPECT_STREQ(ACCEPTED "ESTABLISHED>CLOSE RX_RST ECONNRESET",
		     conn_story(c, 1));
	EXPECT_ENDPOINTS();
}

/* Claim: so does close() with data that nobody has read. */
TEST_F(state, reset_by_unread_data)
{
	struct conn *c = &self->c;

	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, conn_send(c, 1, 100));
	ASSERT_EQ(0, conn_receive(c, 0, 99));
	ASSERT_EQ(0, conn_close(c, 0));
	ASSERT_EQ(-ECONNRESET, conn_receive(c, 1, 0));

	ASSERT_EQ(0, conn_stop(c));
	EXPECT_STREQ(OPENED "ESTABLISHED>CLOSE CALL_CLOSE unread_data",
		     conn_story(c, 0));
	EXPECT_STREQ(ACCEPTED "ESTABLISHED>CLOSE RX_RST ECONNRESET",
		     conn_story(c, 1));
	EXPECT_ENDPOINTS();
}

/* Claim: a SYN to a port where nobody listens is answered by RST. */
TEST_F(state, refused)
{
	struct conn *c = &self->c;

	ASSERT_EQ(0, conn_bind(c, 0));
	connect(c->fd[0], (void *)&c->addr[1], c->len);
	ASSERT_EQ(-ECONNREFUSED, conn_receive(c, 0, 1));

	ASSERT_EQ(0, conn_stop(c));
	EXPECT_STREQ("CLOSE>SYN_SENT CALL_CONNECT, "
		     "SYN_SENT>CLOSE RX_RST ECONNREFUSED",
		     conn_story(c, 0));
	EXPECT_EQ(2, between(c, c->cookie[0], 0, &c->addr[0], &c->addr[1]));
}

/*
 * Claim: the port that connect() finds is in the event, which is not kept back
 * until the SYN is answered; it is still there at the end.
 */
TEST_F(state, unbound)
{
	struct sockaddr_storage local = {};
	struct conn *c = &self->c;
	socklen_t len = c->len;

	ASSERT_EQ(0, gate_close(&c->gate));
	c->fd[0] = conn_socket(c, 0);
	ASSERT_LE(0, c->fd[0]);
	c->cookie[0] = conn_cookie(c->fd[0]);
	ASSERT_EQ(0, conn_connect(c, 0));
	ASSERT_EQ(0, getsockname(c->fd[0], (void *)&local, &len));
	ASSERT_EQ(0, conn_seen(c, 0, "SYN_SENT"));
	EXPECT_EQ(1, between(c, c->cookie[0], 0, &local, &c->addr[1]));
	ASSERT_EQ(0, gate_open(&c->gate));
	ASSERT_EQ(-ECONNREFUSED, conn_receive(c, 0, 1));

	ASSERT_EQ(0, conn_stop(c));
	EXPECT_EQ(2, events(c, c->cookie[0]));
	EXPECT_EQ(2, between(c, c->cookie[0], 0, &local, &c->addr[1]));
}

/* Claim: a listener and a self-connect see all eleven states between them. */
TEST_F(state, all)
{
	static const char *const states[] = {
		"LISTEN",    "SYN_SENT",  "SYN_RECV",	"ESTABLISHED",
		"FIN_WAIT1", "FIN_WAIT2", "CLOSE_WAIT", "LAST_ACK",
		"CLOSING",   "TIME_WAIT", "CLOSE",
	};
	struct conn *c = &self->c;
	uint64_t listener;
	char path[256];
	unsigned int i;

	ASSERT_EQ(0, conn_open(c));
	listener = conn_cookie(c->listener);
	ASSERT_EQ(0, close(c->listener));
	c->listener = -1;
	ASSERT_EQ(0, conn_close(c, 0));
	ASSERT_EQ(0, conn_seen(c, 0, "TIME_WAIT"));
	ASSERT_EQ(0, conn_close(c, 1));
	ASSERT_EQ(0, conn_gone(c, 1));
	ASSERT_EQ(0, conn_bind(c, 1));
	connect(c->fd[1], (void *)&c->addr[1], c->len);
	ASSERT_EQ(0, conn_seen(c, 1, "ESTABLISHED"));
	ASSERT_EQ(0, conn_close(c, 1));
	ASSERT_EQ(0, conn_seen(c, 1, "TIME_WAIT"));

	ASSERT_EQ(0, conn_stop(c));
	for (i = 0; i < sizeof(states) / sizeof(*states); i++) {
		struct sighting what = { .type = "state", .new = states[i] };

		EXPECT_LT(0, witness_count(c->trace.witness, &what))
		{
			TH_LOG("not seen: %s", states[i]);
		}
	}
	EXPECT_STREQ("CLOSE LISTEN CLOSE",
		     witness_path(c->trace.witness,
				  &(struct sighting){ .cookie = listener },
				  path, sizeof(path)));
	EXPECT_STREQ("CLOSE SYN_SENT ESTABLISHED FIN_WAIT1 FIN_WAIT2 TIME_WAIT",
		     witness_path(c->trace.witness,
				  &(struct sighting){ .cookie = c->cookie[0] },
				  path, sizeof(path)));
}

FIXTURE(dual)
{
	struct conn c;
};

FIXTURE_SETUP(dual)
{
	int err = conn_start(&self->c, AF_INET6);

	if (err == -EPERM)
		SKIP(return, "network namespaces need root");
	ASSERT_EQ(0, err);
}

FIXTURE_TEARDOWN(dual)
{
	conn_free(&self->c);
}

/*
 * Claim: IPv6 sockets on both ends that speak IPv4 say so in every event, with
 * the addresses of the wire, and find each other.
 */
TEST_F(dual, mapped)
{
	struct sockaddr_storage wire[2];
	struct conn *c = &self->c;
	struct sockaddr_in6 *to;
	int i;

	gate_endpoints(&c->gate, AF_INET, CONN_PORT, CONN_PORT + 1, wire);
	for (i = 0; i < 2; i++) {
		to = (void *)&c->addr[i];
		memset(&to->sin6_addr, 0, sizeof(to->sin6_addr));
	}
	ASSERT_EQ(0, conn_listen(c));
	ASSERT_EQ(0, conn_bind(c, 0));
	to->sin6_addr.s6_addr[10] = to->sin6_addr.s6_addr[11] = 0xff;
	memcpy(&to->sin6_addr.s6_addr[12],
	       &((struct sockaddr_in *)&wire[1])->sin_addr, 4);
	ASSERT_EQ(0, conn_connect(c, 0));
	ASSERT_EQ(0, conn_accept(c));
	ASSERT_EQ(0, conn_seen(c, 0, "ESTABLISHED"));
	ASSERT_EQ(0, conn_reset(c, 0));
	ASSERT_EQ(-ECONNRESET, conn_receive(c, 1, 0));

	ASSERT_EQ(0, conn_stop(c));
	EXPECT_STREQ(OPENED "ESTABLISHED>CLOSE CALL_CLOSE linger",
		     conn_story(c, 0));
	EXPECT_STREQ(ACCEPTED "ESTABLISHED>CLOSE RX_RST ECONNRESET",
		     conn_story(c, 1));
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(3, between(c, c->cookie[i], i, &wire[i], &wire[!i]));
		EXPECT_EQ(c->cookie[!i], last_pair(c, i));
	}
}

SHARED_HARNESS_MAIN("--events", "state")
