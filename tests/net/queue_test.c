// SPDX-License-Identifier: GPL-2.0
/* Tests of the queue events: both queues of a listener, against the kernel. */
#include <json-c/json.h>

#include "lib/clock.h"
#include "tests/lib/queue.h"

#include <kselftest_harness.h>

#define CLIENTS 6 /* as many as the queue of listen(5) holds */

FIXTURE(queue)
{
	struct conn conn;
	int client[CLIENTS]; /* 0: none */
};

FIXTURE_VARIANT(queue)
{
	int family;
};

FIXTURE_VARIANT_ADD(queue, ipv4){ .family = AF_INET };
FIXTURE_VARIANT_ADD(queue, ipv6){ .family = AF_INET6 };

FIXTURE_SETUP(queue)
{
	memset(self->client, 0, sizeof(self->client));
	ASSERT_EQ(0, conn_stage(&self->conn, variant->family));
	ASSERT_EQ(0, conn_join(&self->conn));
	ASSERT_EQ(0, gate_open(&self->conn.gate));
}

FIXTURE_TEARDOWN(queue)
{
	int i;

	for (i = 0; i < CLIENTS; i++)
		if (self->client[i] > 0)
			close(self->client[i]);
	conn_free(&self->conn);
}

static bool has(struct json_object *e, const char *field)
{
	return json_object_object_get_ex(e, field, NULL);
}

/* Is the kernel one that tells of a listener what a child cannot know? */
static bool exact(const struct conn *c)
{
	return trace_has_hook(&c->trace, "queue_ready") ||
	       trace_has_hook(&c->trace, "queue_dances");
}

/*
 * Claim: each that comes into the accept queue is shown with the depth that the
 * kernel has then, whose connection it is, and which listener's; each that
 * leaves it with the time that it waited.
 */
TEST_F(queue, accept)
{
	struct conn *c = &self->conn;
	uint64_t came, left, before[CLIENTS], after[CLIENTS];
	struct json_object *e, *in;
	int fd[CLIENTS], i;

	ASSERT_EQ(0, queue_listen(c, CLIENTS - 1));
	for (i = 0; i < CLIENTS; i++) {
		ASSERT_EQ(0, queue_join(c, &self->client[i], false));
		ASSERT_EQ(0, queue_wait_accept(c, i + 1));
	}
	for (i = 0; i < CLIENTS; i++) {
		ASSERT_EQ(1, write(self->client[i], "x", 1));
		before[i] = clock_now_ns();
		ASSERT_EQ(0, conn_accept(c));
		if (trace_has_hook(&c->trace, "queue_accepts"))
			after[i] = clock_now_ns();
		ASSERT_EQ(0, conn_receive(c, 1, 1));
		if (!trace_has_hook(&c->trace, "queue_accepts"))
			after[i] = clock_now_ns();
		fd[i] = c->fd[1];
		c->fd[1] = -1;
	}
	for (i = 0; i < CLIENTS; i++)
		close(fd[i]);
	ASSERT_EQ(0, conn_stop(c));

	for (i = 0; i < CLIENTS; i++) {
		in = queue_nth(c, "completed", i);
		ASSERT_NE(NULL, in);
		EXPECT_EQ((uint64_t)i + 1, witness_number(in, "accept"));
		EXPECT_EQ(CLIENTS - 1, witness_number(in, "limit"));
		EXPECT_EQ(conn_cookie(c->listener),
			  witness_number(in, "listener"));
		EXPECT_EQ(CONN_PORT + 1, witness_number(in, "lport"));
		EXPECT_NE(0, witness_number(in, "rport"));
		EXPECT_EQ(0, witness_number(in, "syn"));
		EXPECT_STREQ(exact(c) ? "observed" : "derived",
			     queue_text(in, "depth_how"));
		e = queue_nth(c, "accepted", i);
		ASSERT_NE(NULL, e);
		EXPECT_EQ(witness_number(in, "cookie"),
			  witness_number(e, "cookie"));
		came = witness_number(in, "ts_ns");
		left = witness_number(e, "ts_ns");
		EXPECT_EQ(left - came, witness_number(e, "wait_ns"));
		EXPECT_LT(before[i], left);
		EXPECT_GT(after[i], left);
		EXPECT_EQ(getpid(), (pid_t)witness_number(e, "pid"));
		if (!trace_has_hook(&c->trace, "queue_accepts"))
			continue;
		EXPECT_STREQ("observed", queue_text(e, "wait_how"));
		EXPECT_EQ(fd[i], (int)witness_number(e, "fd"));
		EXPECT_EQ(CLIENTS - 1 - i, (int)witness_number(e, "accept"));
	}
	EXPECT_EQ(NULL, queue_nth(c, "accepted", CLIENTS));
}

/* Claim: a request whose handshake is not complete counts in the SYN queue. */
TEST_F(queue, syn)
{
	struct conn *c = &self->conn;
	struct json_object *e;

	ASSERT_EQ(0, conn_listen(c));
	ASSERT_EQ(0, queue_join(c, &self->client[0], true));
	ASSERT_EQ(0, queue_wait_answer(self->client[0]));
	ASSERT_EQ(0, queue_join(c, &self->client[1], false));
	ASSERT_EQ(0, queue_wait_accept(c, 1));
	ASSERT_EQ(0, conn_deafen(self->client[0], false));
	ASSERT_EQ(0, queue_wait_accept(c, 2)); /* the SYN-ACK comes again */
	ASSERT_EQ(0, conn_stop(c));

	e = queue_nth(c, "completed", 0);
	ASSERT_NE(NULL, e);
	EXPECT_EQ(1, witness_number(e, "syn"));
	EXPECT_EQ(1, witness_number(e, "accept"));
	EXPECT_TRUE(has(e, "syn_wait_us"));
	e = queue_nth(c, "SYN_ACK_resent", 0);
	ASSERT_NE(NULL, e);
	EXPECT_EQ(1, witness_number(e, "syn"));
	EXPECT_EQ(1, witness_number(e, "accept"));
	EXPECT_EQ(1, witness_number(e, "nth"));
	EXPECT_EQ(conn_cookie(c->listener), witness_number(e, "listener"));
	EXPECT_EQ(CONN_PORT + 1, witness_number(e, "lport"));
	e = queue_nth(c, "completed", 1);
	ASSERT_NE(NULL, e);
	EXPECT_EQ(witness_number(queue_nth(c, "SYN_ACK_resent", 0), "cookie"),
		  witness_number(e, "cookie"));
	EXPECT_EQ(0, witness_number(e, "syn"));
	EXPECT_EQ(2, witness_number(e, "accept"));
	/* which of the two is acked? */
	EXPECT_EQ(trace_has_hook(&c->trace, "queue_dances"),
		  has(e, "syn_wait_us"));
}

/*
 * Claim: what listen() asked for is shown beside what it got, and how many are
 * thrown away when the listener is closed.
 */
TEST_F(queue, asked)
{
	struct conn *c = &self->conn;
	struct json_object *e;

	ASSERT_EQ(0, conn_bind(c, 1));
	ASSERT_EQ(0,
		  netns_sysctl(c->pair.side[1].fd, "net/core/somaxconn", "3"));
	ASSERT_EQ(0, listen(c->fd[1], 5000));
	c->listener = c->fd[1];
	c->fd[1] = -1;
	ASSERT_EQ(0, queue_join(c, &self->client[0], false));
	ASSERT_EQ(0, queue_join(c, &self->client[1], false));
	ASSERT_EQ(0, queue_wait_accept(c, 2));
	close(c->listener);
	c->listener = -1;
	ASSERT_EQ(0, conn_stop(c));

	e = queue_nth(c, "listen", 0);
	ASSERT_NE(NULL, e);
	EXPECT_EQ(5000, witness_number(e, "asked"));
	EXPECT_EQ(3, witness_number(e, "limit"));
	EXPECT_EQ(0, witness_number(e, "accept"));
	EXPECT_EQ(witness_number(e, "cookie"), witness_number(e, "listener"));
	EXPECT_EQ(getpid(), (pid_t)witness_number(e, "pid"));
	e = queue_nth(c, "unlisten", 0);
	ASSERT_NE(NULL, e);
	EXPECT_EQ(2, witness_number(e, "accept"));
	EXPECT_EQ(0, witness_number(e, "syn"));
	EXPECT_EQ(5000, witness_number(queue_nth(c, "completed", 1), "asked"));
	EXPECT_EQ(NULL, queue_nth(c, "accepted", 0));
}

/* Claim: a connection is accepted once, however much it is used then. */
TEST_F(queue, once)
{
	struct conn *c = &self->conn;
	struct json_object *e;

	ASSERT_EQ(0, conn_listen(c));
	ASSERT_EQ(0, queue_join(c, &self->client[0], false));
	ASSERT_EQ(0, queue_wait_accept(c, 1));
	ASSERT_EQ(0, conn_accept(c));
	ASSERT_EQ(1, write(c->fd[1], "x", 1));
	ASSERT_EQ(0, conn_close(c, 1));
	ASSERT_EQ(0, conn_stop(c));

	e = queue_nth(c, "accepted", 0);
	ASSERT_NE(NULL, e);
	EXPECT_EQ(conn_cookie(c->listener), witness_number(e, "listener"));
	EXPECT_EQ(NULL, queue_nth(c, "accepted", 1));
}

SHARED_HARNESS_MAIN("--events", "state,queue")
