// SPDX-License-Identifier: GPL-2.0
/* Tests of the reset events: who sends an RST and why, and who gets it. */
#include <json-c/json.h>

#include "tests/lib/conn.h"

#include <kselftest_harness.h>

FIXTURE(reset)
{
	struct conn conn;
};

FIXTURE_VARIANT(reset)
{
	int family;
	const char *addr[2];
};

FIXTURE_VARIANT_ADD(reset, ipv4){ .family = AF_INET,
				  .addr = { "10.8.0.1", "10.8.0.2" } };
FIXTURE_VARIANT_ADD(reset, ipv6){ .family = AF_INET6,
				  .addr = { "fd08::1", "fd08::2" } };

FIXTURE_SETUP(reset)
{
	ASSERT_EQ(0, conn_stage(&self->conn, variant->family));
	ASSERT_EQ(0, conn_join(&self->conn));
}

FIXTURE_TEARDOWN(reset)
{
	conn_free(&self->conn);
}

static const char *text(struct json_object *event, const char *field)
{
	return witness_string(event, field) ?: "absent";
}

static struct sighting resets(struct conn *c, int side)
{
	return (struct sighting){ .type = "reset",
				  .netns = c->pair.side[side].inode };
}

/* The only reset of a side; NULL if there is none, or more. */
static struct json_object *only(struct conn *c, int side)
{
	struct sighting what = resets(c, side);
	size_t from = 0;

	return witness_count(c->trace.witness, &what) == 1 ?
		       witness_next(c->trace.witness, &what, &from) :
		       NULL;
}

/* Waits until @side has got a reset, ends the trace, and looks for it. */
static void received(struct __test_metadata *_metadata, struct conn *c,
		     int side, const char *state)
{
	struct sighting what = resets(c, side);
	struct json_object *event;

	ASSERT_EQ(0, witness_wait(c->trace.witness, &what, TRACE_PATIENCE_NS));
	ASSERT_EQ(0, conn_stop(c));
	event = only(c, side);
	ASSERT_NE(NULL, event);
	EXPECT_STREQ("received", text(event, "direction"));
	EXPECT_STREQ("RX_RST", text(event, "cause"));
	EXPECT_STREQ(state, text(event, "state"));
	EXPECT_STREQ("absent", text(event, "reason"));
	EXPECT_EQ(c->cookie[side], witness_number(event, "cookie"));
}

/*
 * What @side has sent, which the kernel has counted. The reason is compared
 * where the kernel gives one.
 */
static struct json_object *sent(struct __test_metadata *_metadata,
				struct conn *c, int side, const char *cause,
				const char *kind, const char *reason)
{
	struct json_object *event = only(c, side);

	EXPECT_EQ(1, conn_counter(c, side, "OutRsts"));
	EXPECT_NE(NULL, event);
	EXPECT_STREQ("sent", text(event, "direction"));
	EXPECT_STREQ(cause, text(event, "cause"));
	EXPECT_STREQ("observed", text(event, "cause_how"));
	EXPECT_STREQ(kind, text(event, "kind"));
	if (strcmp("absent", text(event, "reason"))) {
		EXPECT_STREQ(reason, text(event, "reason"));
	}
	return event;
}

/* Claim: close() with data that nobody has read is a reset, and says so. */
TEST_F(reset, unread_data)
{
	struct conn *c = &self->conn;
	struct json_object *event;

	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, conn_send(c, 0, 7));
	ASSERT_EQ(0, conn_receive(c, 1, 2));
	ASSERT_EQ(0, conn_close(c, 1));
	received(_metadata, c, 0, "ESTABLISHED");

	event = sent(_metadata, c, 1, "CALL_CLOSE", "unread_data",
		     "TCP_ABORT_ON_CLOSE");
	EXPECT_EQ(5, witness_number(event, "unread"));
	EXPECT_STREQ("ESTABLISHED", text(event, "state"));
	EXPECT_EQ(c->cookie[1], witness_number(event, "cookie"));
	EXPECT_EQ(CONN_PORT + 1, witness_number(event, "lport"));
	EXPECT_EQ(CONN_PORT, witness_number(event, "rport"));
	EXPECT_STREQ(variant->addr[1], text(event, "laddr"));
	EXPECT_STREQ(variant->addr[0], text(event, "raddr"));
}

/* Claim: so is close() with SO_LINGER 0. */
TEST_F(reset, linger)
{
	struct conn *c = &self->conn;
	struct json_object *event;

	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, conn_reset(c, 0));
	received(_metadata, c, 1, "ESTABLISHED");
	event = sent(_metadata, c, 0, "CALL_CLOSE", "linger", "TCP_STATE");
	EXPECT_STREQ("ESTABLISHED", text(event, "state"));
}

/* Claim: so is connect() to nobody. */
TEST_F(reset, disconnect)
{
	const struct sockaddr nobody = { .sa_family = AF_UNSPEC };
	struct conn *c = &self->conn;

	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, connect(c->fd[0], &nobody, sizeof(nobody)));
	received(_metadata, c, 1, "ESTABLISHED");
	sent(_metadata, c, 0, "CALL_CONNECT", "disconnect", "TCP_STATE");
}

/* Claim: a connection that comes to nobody's ears is reset by its listener. */
TEST_F(reset, never_accepted)
{
	struct conn *c = &self->conn;
	struct json_object *event;

	ASSERT_EQ(0, conn_listen(c));
	ASSERT_EQ(0, conn_connect(c, 0));
	ASSERT_EQ(0, conn_wait(c, 0, TCP_ESTABLISHED));
	ASSERT_EQ(0, conn_wait(c, 1, TCP_ESTABLISHED));
	close(c->listener);
	c->listener = -1;
	received(_metadata, c, 0, "ESTABLISHED");
	event = only(c, 1);
	ASSERT_NE(NULL, event);
	EXPECT_STREQ("never_accepted", text(event, "kind"));
	EXPECT_STREQ("derived", text(event, "kind_how"));
	EXPECT_STREQ("CALL_CLOSE", text(event, "cause"));
	EXPECT_EQ(1, conn_counter(c, 1, "OutRsts"));
}

/* Claim: data for a socket that is closed is answered by a reset. */
TEST_F(reset, data_after_close)
{
	struct conn *c = &self->conn;
	struct json_object *event;

	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, gate_close_side(&c->gate, 0));
	ASSERT_EQ(0, conn_close(c, 0)); /* FIN_WAIT1: its FIN waits */
	ASSERT_EQ(0, conn_send(c, 1, 1));
	ASSERT_EQ(0, gate_open_side(&c->gate, 0));
	received(_metadata, c, 1, "CLOSE_WAIT");
	event = sent(_metadata, c, 0, "RX_ACK", "absent", "TCP_ABORT_ON_DATA");
	EXPECT_STREQ("FIN_WAIT1", text(event, "state"));
}

/*
 * Claim: a SYN to a port that nobody listens on is refused by a reset that no
 * socket sends. Both are seen.
 */
TEST_F(reset, refused)
{
	struct conn *c = &self->conn;
	struct json_object *event;

	ASSERT_EQ(0, conn_connect(c, 0));
	received(_metadata, c, 0, "SYN_SENT");
	EXPECT_EQ(1, conn_counter(c, 1, "OutRsts"));
	if (!only(c, 1))
		SKIP(return, "no tracepoint for it before Linux 6.12");
	event = sent(_metadata, c, 1, "RX_SYN", "absent", "NO_SOCKET");
	EXPECT_STREQ("absent", text(event, "state"));
	EXPECT_EQ(0, witness_number(event, "cookie"));
	EXPECT_EQ(0, witness_number(event, "pid"));
	EXPECT_EQ(CONN_PORT + 1, witness_number(event, "lport"));
	EXPECT_EQ(CONN_PORT, witness_number(event, "rport"));
	EXPECT_STREQ(variant->addr[1], text(event, "laddr"));
	EXPECT_STREQ(variant->addr[0], text(event, "raddr"));
}

SHARED_HARNESS_MAIN("--events", "state,reset")
