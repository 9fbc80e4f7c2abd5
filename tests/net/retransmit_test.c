// SPDX-License-Identifier: GPL-2.0
/* Tests of the retransmit events: which kinds there are, and how many. */
#include <json-c/json.h>
#include <linux/tcp.h>

#define _NETINET_TCP_H /* the kernel's header says it all */
#define TCP_ESTABLISHED 1
#include "lib/clock.h"
#include "tests/lib/conn.h"

#include <kselftest_harness.h>

static struct tcp_info info(int fd)
{
	struct tcp_info info = {};
	socklen_t len = sizeof(info);

	getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len);
	return info;
}

static bool nothing_unacked(struct conn *c, int n)
{
	return !info(c->fd[0]).tcpi_unacked;
}

static bool client_retransmitted(struct conn *c, int n)
{
	return info(c->fd[0]).tcpi_total_retrans >= (unsigned int)n;
}

static bool client_lost(struct conn *c, int n)
{
	return conn_lost(c->fd[0]) >= (uint32_t)n;
}

static bool server_lost(struct conn *c, int n)
{
	return conn_lost(c->fd[1]) >= (uint32_t)n;
}

/* Waits until @is so; 0 or -ETIMEDOUT. */
static int wait_until(struct conn *c, bool (*is)(struct conn *c, int n), int n)
{
	uint64_t begin = clock_now_ns();

	while (!is(c, n))
		if (!conn_pause(begin))
			return -ETIMEDOUT;
	return 0;
}

static int sysctl(struct conn *c, const char *name, const char *value)
{
	char path[64];

	snprintf(path, sizeof(path), "net/ipv4/%s", name);
	return netns_sysctl(c->pair.side[0].fd, path, value);
}

/* The congestion control decides what is undone, and when. */
static int stage(struct conn *c, int family)
{
	int err = conn_stage(c, family);

	return err ? err : sysctl(c, "tcp_congestion_control", "reno");
}

FIXTURE(retransmit)
{
	struct conn conn;
};

FIXTURE_VARIANT(retransmit)
{
	int family;
};

FIXTURE_VARIANT_ADD(retransmit, ipv4){ .family = AF_INET };
FIXTURE_VARIANT_ADD(retransmit, ipv6){ .family = AF_INET6 };

FIXTURE_SETUP(retransmit)
{
	ASSERT_EQ(0, stage(&self->conn, variant->family));
}

FIXTURE_TEARDOWN(retransmit)
{
	conn_free(&self->conn);
}

static const char *text(struct json_object *event, const char *field)
{
	return witness_string(event, field) ?: "absent";
}

/* The n-th event of a kind on one side, counted from 0; NULL kind: of any. */
static struct json_object *nth(struct conn *c, int side, const char *kind,
			       int n)
{
	struct sighting what = { .type = "retransmit",
				 .kind = kind,
				 .netns = c->pair.side[side].inode };
	struct json_object *event;
	size_t from = 0;

	do
		event = witness_next(c->trace.witness, &what, &from);
	while (event && n--);
	return event;
}

/* Segments of all events of a kind, or with @cause the number of events. */
static int64_t sum(struct conn *c, int side, const char *kind,
		   const char *cause)
{
	struct json_object *event;
	int64_t sum = 0;
	int i;

	for (i = 0; (event = nth(c, side, kind, i)); i++)
		if (!cause)
			sum += witness_number(event, "segs");
		else
			sum += !strcmp(cause, text(event, "cause"));
	return sum;
}

/* Claim of every test: the events are as many as the kernel has counted. */
static void kernel_agrees(struct __test_metadata *_metadata, struct conn *c,
			  int side)
{
	const struct {
		const char *counter;
		int64_t n;
	} rows[] = {
		{ "RetransSegs", sum(c, side, NULL, NULL) },
		{ "TCPFastRetrans", sum(c, side, "fast", NULL) },
		{ "TCPSlowStartRetrans", sum(c, side, "slow_start", NULL) },
		{ "TCPLossProbes", sum(c, side, "TLP", NULL) },
		{ "TCPSynRetrans",
		  sum(c, side, "SYN", NULL) + sum(c, side, "SYN_ACK", NULL) },
		{ "TCPTimeouts", sum(c, side, NULL, "TIMER_RETRANSMIT") },
	};
	unsigned int i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		EXPECT_EQ(conn_counter(c, side, rows[i].counter), rows[i].n)
		{
			TH_LOG("%s", rows[i].counter);
		}
	}
}

static void expect_bytes(struct __test_metadata *_metadata,
			 struct json_object *event, unsigned int start,
			 unsigned int len)
{
	EXPECT_EQ(start, witness_number(event, "start"));
	EXPECT_EQ(start + len, witness_number(event, "end"));
	EXPECT_EQ(len, witness_number(event, "len"));
}

/*
 * Claim: of three segments that nobody gets the last one is sent again as a
 * probe, then the first one by timeouts that are counted and get longer, and
 * when it comes through, the others as ACKs come.
 */
TEST_F(retransmit, nothing_arrives)
{
	struct conn *c = &self->conn;
	struct json_object *event;
	unsigned int mss, i, rto;

	ASSERT_EQ(0, conn_join(c));
	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, conn_option(c, 0, IPPROTO_TCP, TCP_NODELAY, 1));
	mss = info(c->fd[0]).tcpi_snd_mss;
	ASSERT_EQ(0, conn_deafen(c->fd[1], true));
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, conn_send(c, 0, mss));
	ASSERT_EQ(0, wait_until(c, server_lost, 5));
	ASSERT_EQ(0, conn_deafen(c->fd[1], false));
	ASSERT_EQ(0, conn_receive(c, 1, 3 * mss));
	ASSERT_EQ(0, wait_until(c, nothing_unacked, 0));
	ASSERT_EQ(0, conn_stop(c));

	kernel_agrees(_metadata, c, 0);
	event = nth(c, 0, NULL, 0);
	ASSERT_NE(NULL, event);
	EXPECT_STREQ("TLP", text(event, "kind"));
	EXPECT_STREQ("observed", text(event, "kind_how"));
	EXPECT_STREQ("TIMER_LOSS_PROBE", text(event, "cause"));
	EXPECT_STREQ("ESTABLISHED", text(event, "state"));
	EXPECT_STREQ("absent", text(event, "nth"));
	EXPECT_EQ(1, witness_number(event, "retrans"));
	expect_bytes(_metadata, event, 1 + 2 * mss, mss);
	rto = witness_number(event, "rto_us");
	EXPECT_LT(0, rto);
	for (i = 1; i <= 2; i++) {
		event = nth(c, 0, NULL, i);
		ASSERT_NE(NULL, event);
		EXPECT_STREQ("RTO", text(event, "kind"));
		EXPECT_STREQ("TIMER_RETRANSMIT", text(event, "cause"));
		EXPECT_STREQ("Loss", text(event, "ca_state"));
		EXPECT_EQ(i, witness_number(event, "nth"));
		EXPECT_EQ(rto, witness_number(event, "rto_us"));
		EXPECT_EQ(i + 1, witness_number(event, "retrans"));
		expect_bytes(_metadata, event, 1, mss);
		rto *= 2;
	}
	event = nth(c, 0, NULL, 3);
	ASSERT_NE(NULL, event);
	EXPECT_STREQ("slow_start", text(event, "kind"));
	EXPECT_STREQ("RX_ACK", text(event, "cause"));
	EXPECT_EQ(1 + mss, witness_number(event, "start"));
	EXPECT_EQ(c->cookie[0], witness_number(event, "cookie"));
	EXPECT_EQ(info(c->fd[0]).tcpi_total_retrans, sum(c, 0, NULL, NULL));
}

/*
 * Claim: the n-th SYN-ACK is shown. It belongs to the socket to be, and is sent
 * again by a timer, or because the SYN came again.
 */
TEST_F(retransmit, syn_ack)
{
	struct conn *c = &self->conn;
	struct json_object *event;
	const char *cause;
	unsigned int i;

	ASSERT_EQ(0, conn_join(c));
	ASSERT_EQ(0, conn_listen(c));
	ASSERT_EQ(0, conn_bind(c, 0));
	ASSERT_EQ(0, conn_deafen(c->fd[0], true));
	ASSERT_EQ(0, conn_connect(c, 0));
	ASSERT_EQ(0, wait_until(c, client_lost, 1));
	ASSERT_EQ(0, conn_deafen(c->fd[0], false));
	ASSERT_EQ(0, conn_accept(c));
	ASSERT_EQ(0, conn_wait(c, 0, TCP_ESTABLISHED));
	ASSERT_EQ(0, conn_stop(c));

	kernel_agrees(_metadata, c, 0);
	kernel_agrees(_metadata, c, 1);
	for (i = 0; (event = nth(c, 1, NULL, i)); i++) {
		EXPECT_STREQ("SYN_ACK", text(event, "kind"));
		EXPECT_STREQ("NEW_SYN_RECV", text(event, "state"));
		EXPECT_EQ(i + 1, witness_number(event, "nth"));
		EXPECT_EQ(c->cookie[1], witness_number(event, "cookie"));
		EXPECT_EQ(CONN_PORT + 1, witness_number(event, "lport"));
		EXPECT_EQ(CONN_PORT, witness_number(event, "rport"));
		EXPECT_STREQ(variant->family == AF_INET ? "10.8.0.1" :
							  "fd08::1",
			     text(event, "raddr"));
		cause = text(event, "cause");
		EXPECT_TRUE(!strcmp(cause, "TIMER_RETRANSMIT") ||
			    !strcmp(cause, "RX_SYN"));
	}
	EXPECT_LE(1, i);
}

FIXTURE(ipv4)
{
	struct conn conn;
};

FIXTURE_SETUP(ipv4)
{
	ASSERT_EQ(0, stage(&self->conn, AF_INET));
}

FIXTURE_TEARDOWN(ipv4)
{
	conn_free(&self->conn);
}

/* Claim: the n-th SYN is shown as such, though it has met nobody. */
TEST_F(ipv4, syn)
{
	struct conn *c = &self->conn;
	struct json_object *event;
	unsigned int i;

	ASSERT_EQ(0, conn_join(c));
	ASSERT_EQ(0, conn_listen(c));
	ASSERT_EQ(0, conn_deafen(c->listener, true));
	ASSERT_EQ(0, conn_connect(c, 0));
	ASSERT_EQ(0, wait_until(c, client_retransmitted, 2));
	ASSERT_EQ(0, conn_close(c, 0)); /* that was the last one */
	ASSERT_EQ(0, conn_stop(c));

	kernel_agrees(_metadata, c, 0);
	for (i = 0; i < 2; i++) {
		event = nth(c, 0, NULL, i);
		ASSERT_NE(NULL, event);
		EXPECT_STREQ("SYN", text(event, "kind"));
		EXPECT_STREQ("TIMER_RETRANSMIT", text(event, "cause"));
		EXPECT_STREQ("SYN_SENT", text(event, "state"));
		EXPECT_EQ(i + 1, witness_number(event, "nth"));
		EXPECT_EQ(0, witness_number(event, "start"));
		EXPECT_EQ(1, witness_number(event, "end"));
		EXPECT_EQ(CONN_PORT, witness_number(event, "lport"));
		EXPECT_EQ(CONN_PORT + 1, witness_number(event, "rport"));
	}
	EXPECT_EQ(NULL, nth(c, 0, NULL, 2));
	EXPECT_EQ(NULL, nth(c, 1, NULL, 0));
}

/*
 * Claim: sequence numbers count from the initial one also where the trace has
 * not seen the beginning: 1 is the first byte of data, at either end.
 */
TEST_F(ipv4, older_than_the_trace)
{
	struct conn *c = &self->conn;
	struct json_object *event;
	int side;

	ASSERT_EQ(0, conn_open(c));
	for (side = 0; side < 2; side++) {
		ASSERT_EQ(0, conn_send(c, side, 1000));
		ASSERT_EQ(0, conn_receive(c, !side, 1000));
	}
	ASSERT_EQ(0, conn_watch(c, "retransmit"));
	for (side = 0; side < 2; side++) {
		ASSERT_EQ(0, conn_deafen(c->fd[!side], true));
		ASSERT_EQ(0, conn_send(c, side, 500));
	}
	for (side = 0; side < 2; side++) {
		struct sighting what = { .type = "retransmit",
					 .netns = c->pair.side[side].inode };

		ASSERT_EQ(0, witness_wait(c->trace.witness, &what,
					  TRACE_PATIENCE_NS));
	}
	ASSERT_EQ(0, conn_stop(c));
	for (side = 0; side < 2; side++) {
		event = nth(c, side, NULL, 0);
		expect_bytes(_metadata, event, 1001, 500);
	}
}

FIXTURE(recovery)
{
	struct conn conn;
};

FIXTURE_VARIANT(recovery)
{
	const char *sack;
	const char *cause;
};

FIXTURE_VARIANT_ADD(recovery, sack){ .sack = "1", .cause = "RACK" };
FIXTURE_VARIANT_ADD(recovery, no_sack){ .sack = "0", .cause = "DUPACK" };

FIXTURE_SETUP(recovery)
{
	ASSERT_EQ(0, stage(&self->conn, AF_INET));
}

FIXTURE_TEARDOWN(recovery)
{
	conn_free(&self->conn);
}

/*
 * Claim: the first of nine segments, lost, is sent again as soon as ACKs of
 * the others say so.
 */
TEST_F(recovery, fast)
{
	struct conn *c = &self->conn;
	struct json_object *event;
	unsigned int mss, i;

	ASSERT_EQ(0, sysctl(c, "tcp_early_retrans", "0"));
	ASSERT_EQ(0, sysctl(c, "tcp_sack", variant->sack));
	ASSERT_EQ(0, conn_rto_min(c, 0, 5000));
	ASSERT_EQ(0, conn_join(c));
	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, conn_option(c, 0, IPPROTO_TCP, TCP_NODELAY, 1));
	mss = info(c->fd[0]).tcpi_snd_mss;
	ASSERT_EQ(0, conn_deafen(c->fd[1], true));
	ASSERT_EQ(0, conn_send(c, 0, mss));
	ASSERT_EQ(0, wait_until(c, server_lost, 1));
	ASSERT_EQ(0, conn_deafen(c->fd[1], false));
	for (i = 0; i < 8; i++) /* an ACK with a new window is no duplicate */
		ASSERT_EQ(0, conn_send(c, 0, mss));
	ASSERT_EQ(0, wait_until(c, nothing_unacked, 0));
	ASSERT_EQ(0, conn_stop(c));

	kernel_agrees(_metadata, c, 0);
	event = nth(c, 0, NULL, 0);
	ASSERT_NE(NULL, event);
	EXPECT_STREQ("fast", text(event, "kind"));
	EXPECT_STREQ("observed", text(event, "kind_how"));
	if (strcmp("TIMER_RACK", text(event, "cause"))) /* a slow machine */
		EXPECT_STREQ(variant->cause, text(event, "cause"));
	EXPECT_STREQ("Recovery", text(event, "ca_state"));
	EXPECT_STREQ("absent", text(event, "nth"));
	expect_bytes(_metadata, event, 1, mss);
	EXPECT_EQ(NULL, nth(c, 0, NULL, 1));
}

FIXTURE(undone)
{
	struct conn conn;
};

FIXTURE_VARIANT(undone)
{
	const char *timestamps;
	const char *counter;
};

FIXTURE_VARIANT_ADD(undone, timestamps){ .timestamps = "1",
					 .counter = "TCPLossUndo" };
FIXTURE_VARIANT_ADD(undone, dsack){ .timestamps = "0",
				    .counter = "TCPDSACKUndo" };

FIXTURE_SETUP(undone)
{
	ASSERT_EQ(0, stage(&self->conn, AF_INET));
}

FIXTURE_TEARDOWN(undone)
{
	conn_free(&self->conn);
}

/*
 * Claim: a timeout that only a late ACK has made is seen to be undone, by what
 * the ACK says of time, or by the peer's word that a segment came twice.
 */
TEST_F(undone, late_ack)
{
	struct conn *c = &self->conn;
	struct sighting windows = { .type = "window",
				    .netns = c->pair.side[0].inode };
	struct json_object *event, *undone = NULL;
	size_t from = 0;

	ASSERT_EQ(0, sysctl(c, "tcp_early_retrans", "0"));
	ASSERT_EQ(0, sysctl(c, "tcp_timestamps", variant->timestamps));
	ASSERT_EQ(0, conn_join(c));
	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, gate_close_side(&c->gate, 1));
	ASSERT_EQ(0, conn_send(c, 0, 100));
	ASSERT_EQ(0, wait_until(c, client_retransmitted, 1));
	ASSERT_EQ(0, conn_receive(c, 1, 100));
	ASSERT_EQ(0, gate_open_side(&c->gate, 1));
	ASSERT_EQ(0, wait_until(c, nothing_unacked, 0));
	ASSERT_EQ(0, conn_send(c, 1, 1)); /* whose arrival shows the window */
	ASSERT_EQ(0, conn_receive(c, 0, 1));
	ASSERT_EQ(0, conn_stop(c));

	kernel_agrees(_metadata, c, 0);
	ASSERT_EQ(1, conn_counter(c, 0, variant->counter));
	event = nth(c, 0, "RTO", 0);
	ASSERT_NE(NULL, event);
	while ((event = witness_next(c->trace.witness, &windows, &from))) {
		if (!json_object_object_get_ex(event, "undone", NULL))
			continue;
		EXPECT_EQ(NULL, undone);
		undone = event;
	}
	ASSERT_NE(NULL, undone);
	EXPECT_EQ((uint64_t)sum(c, 0, NULL, NULL),
		  witness_number(undone, "undone"));
	EXPECT_LT(witness_number(undone, "old_cwnd"),
		  witness_number(undone, "cwnd"));
}

SHARED_HARNESS_MAIN("--events", "state,retransmit,window")
