// SPDX-License-Identifier: GPL-2.0
/* Tests of the segment events: all that goes over the wire, as both ends see
 * it. */
#include <json-c/json.h>

#include "lib/clock.h"
#include "tests/lib/conn.h"
#include "tests/lib/craft.h"

#include <kselftest_harness.h>

#define FIN 1
#define SYN 2
#define RST 4
#define ACK 16

FIXTURE(segment)
{
	struct conn conn;
};

FIXTURE_VARIANT(segment)
{
	int family;
	unsigned int mss;
};

FIXTURE_VARIANT_ADD(segment, ipv4){ .family = AF_INET, .mss = 1460 };
FIXTURE_VARIANT_ADD(segment, ipv6){ .family = AF_INET6, .mss = 1440 };

FIXTURE_SETUP(segment)
{
	ASSERT_EQ(0, conn_stage(&self->conn, variant->family));
	ASSERT_EQ(0, conn_join(&self->conn));
}

FIXTURE_TEARDOWN(segment)
{
	conn_free(&self->conn);
}

static bool is(struct json_object *event, const char *field, const char *value)
{
	const char *text = witness_string(event, field);

	return text && !strcmp(text, value);
}

static bool has(struct json_object *event, const char *field)
{
	return json_object_object_get_ex(event, field, NULL);
}

/*
 * The n-th segment of a side that has all of @flags, from 0 on; @direction
 * "sent" or "received", NULL: any.
 */
static struct json_object *nth(struct conn *c, int side, const char *direction,
			       unsigned int flags, int n)
{
	struct sighting what = { .type = "segment",
				 .netns = c->pair.side[side].inode };
	struct json_object *event;
	size_t from = 0;

	while ((event = witness_next(c->trace.witness, &what, &from)))
		if ((!direction || is(event, "direction", direction)) &&
		    (witness_number(event, "flags") & flags) == flags && !n--)
			break;
	return event;
}

static int count(struct conn *c, int side, const char *direction,
		 unsigned int flags)
{
	int n = 0;

	while (nth(c, side, direction, flags, n))
		n++;
	return n;
}

/* What those travelled as that have @flags: for the first time, or again. */
static int64_t segs_of(struct conn *c, int side, unsigned int flags, bool again)
{
	struct json_object *event;
	int64_t sum = 0;
	int i;

	for (i = 0; (event = nth(c, side, "sent", flags, i)); i++)
		if (has(event, "retransmitted") == again)
			sum += witness_number(event, "segs");
	return sum;
}

static int64_t segs(struct conn *c, int side, bool again)
{
	return segs_of(c, side, 0, again);
}

/*
 * Claim of nearly every test: it is all that the kernel has counted. For
 * the kernel a SYN-ACK that is sent again is both, a new one and one again.
 */
static void kernel_agrees(struct __test_metadata *_metadata, struct conn *c)
{
	int side;

	for (side = 0; side < 2; side++) {
		EXPECT_EQ(conn_counter(c, side, "OutSegs"),
			  segs(c, side, false) +
				  segs_of(c, side, SYN | ACK, true));
		EXPECT_EQ(conn_counter(c, side, "RetransSegs"),
			  segs(c, side, true));
		EXPECT_EQ(conn_counter(c, side, "OutRsts"),
			  count(c, side, "sent", RST));
		EXPECT_EQ(conn_counter(c, side, "InSegs"),
			  count(c, side, "received", 0));
	}
}

/* Claim: what one end sends is what the other one receives, in every field. */
static void ends_agree(struct __test_metadata *_metadata, struct conn *c,
		       int from)
{
	static const char *const fields[] = {
		"tcp_seq",   "end",	    "ack",
		"len",	     "window",	    "mss",
		"tsval",     "tsecr",	    "sack1_start",
		"sack1_end", "sack2_start", "sack2_end",
		"flags",     "wscale",	    "sack_permitted",
		"malformed",
	};
	struct json_object *sent, *received;
	unsigned int k;
	int i;

	for (i = 0; (sent = nth(c, from, "sent", 0, i)); i++) {
		received = nth(c, !from, "received", 0, i);
		ASSERT_NE(NULL, received);
		for (k = 0; k < sizeof(fields) / sizeof(*fields); k++) {
			EXPECT_EQ(has(sent, fields[k]),
				  has(received, fields[k]))
			TH_LOG("%s of %d", fields[k], i);
			EXPECT_EQ(witness_number(sent, fields[k]),
				  witness_number(received, fields[k]))
			TH_LOG("%s of %d", fields[k], i);
		}
		EXPECT_LE(witness_number(sent, "ts_ns"),
			  witness_number(received, "ts_ns"));
		EXPECT_LT(witness_number(sent, "segment"),
			  witness_number(received, "segment"));
	}
	EXPECT_EQ(i, count(c, !from, "received", 0));
}

/* One segment, as "flags sequence:end ack": -1 where it is absent. */
#define EXPECT_SEGMENT(event, want_flags, want_seq, want_end, want_ack)    \
	do {                                                               \
		struct json_object *e_ = (event);                          \
		ASSERT_NE(NULL, e_);                                       \
		EXPECT_EQ((unsigned int)(want_flags),                      \
			  witness_number(e_, "flags"));                    \
		EXPECT_EQ((want_seq),                                      \
			  has(e_, "tcp_seq") ?                             \
				  (int64_t)witness_number(e_, "tcp_seq") : \
				  -1);                                     \
		EXPECT_EQ((want_end),                                      \
			  has(e_, "end") ?                                 \
				  (int64_t)witness_number(e_, "end") :     \
				  -1);                                     \
		EXPECT_EQ((want_ack),                                      \
			  has(e_, "ack") ?                                 \
				  (int64_t)witness_number(e_, "ack") :     \
				  -1);                                     \
	} while (0)

/* Closes both ends, the first one first, until nothing is left of them. */
static void close_both(struct __test_metadata *_metadata, struct conn *c)
{
	ASSERT_EQ(0, conn_close(c, 0));
	ASSERT_EQ(0, conn_receive(c, 1, 0));
	ASSERT_EQ(0, conn_ack_fin(c, 1));
	ASSERT_EQ(0, conn_wait(c, 0, TCP_FIN_WAIT2));
	ASSERT_EQ(0, conn_close(c, 1));
	ASSERT_EQ(0, conn_gone(c, 1));
}

/*
 * Claim: a whole connection is seen from both ends, with numbers that count
 * from its beginning, and what comes to the minisocket that outlives one end
 * is seen as well.
 */
TEST_F(segment, whole)
{
	struct conn *c = &self->conn;
	struct json_object *syn;

	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, conn_send(c, 0, 7));
	ASSERT_EQ(0, conn_receive(c, 1, 7));
	ASSERT_EQ(0, conn_send(c, 1, 5000));
	ASSERT_EQ(0, conn_receive(c, 0, 5000));
	close_both(_metadata, c);
	ASSERT_EQ(0, conn_stop(c));
	kernel_agrees(_metadata, c);
	ends_agree(_metadata, c, 0);
	ends_agree(_metadata, c, 1);

	syn = nth(c, 0, "sent", SYN, 0);
	EXPECT_SEGMENT(syn, SYN, 0, 1, -1);
	EXPECT_EQ(variant->mss, witness_number(syn, "mss"));
	EXPECT_EQ(1, witness_number(syn, "sack_permitted"));
	EXPECT_TRUE(has(syn, "wscale"));
	EXPECT_TRUE(is(syn, "state", "SYN_SENT"));
	EXPECT_EQ(c->cookie[0], witness_number(syn, "cookie"));
	syn = nth(c, 1, "sent", SYN, 0);
	EXPECT_SEGMENT(syn, SYN | ACK, 0, 1, 1);
	EXPECT_TRUE(is(syn, "state", "LISTEN"));
	EXPECT_FALSE(has(syn, "cookie"));
	EXPECT_EQ(conn_cookie(c->listener), witness_number(syn, "listener"));
	EXPECT_SEGMENT(nth(c, 0, "sent", ACK, 0), ACK, 1, 1, 1);
	EXPECT_SEGMENT(nth(c, 0, "sent", FIN, 0), FIN | ACK, 8, 9, 5001);
	EXPECT_SEGMENT(nth(c, 1, "sent", FIN, 0), FIN | ACK, 5001, 5002, 9);
	EXPECT_SEGMENT(nth(c, 1, "received", ACK,
			   count(c, 1, "received", ACK) - 1),
		       ACK, 9, 9, 5002);
	EXPECT_TRUE(is(nth(c, 0, "received", FIN, 0), "state", "TIME_WAIT"));
	EXPECT_EQ(c->cookie[0],
		  witness_number(nth(c, 0, "received", FIN, 0), "cookie"));
	EXPECT_TRUE(is(nth(c, 1, "received", FIN, 0), "state", "ESTABLISHED"));
}

/* Claim: a SYN to nobody and the RST that answers it are seen at both ends. */
TEST_F(segment, refused)
{
	struct conn *c = &self->conn;
	struct json_object *event;

	ASSERT_EQ(0, conn_connect(c, 0));
	ASSERT_EQ(0, conn_gone(c, 0));
	ASSERT_EQ(0, conn_stop(c));
	if (!nth(c, 1, "received", 0, 0))
		SKIP(return, "no tracepoint for it before Linux 6.12");
	kernel_agrees(_metadata, c);
	EXPECT_SEGMENT(nth(c, 0, "sent", 0, 0), SYN, 0, 1, -1);
	EXPECT_SEGMENT(nth(c, 0, "received", 0, 0), RST | ACK, -1, -1, 1);
	event = nth(c, 1, "received", 0, 0);
	EXPECT_SEGMENT(event, SYN, 0, 1, -1);
	EXPECT_FALSE(has(event, "state"));
	EXPECT_FALSE(has(event, "cookie"));
	EXPECT_EQ(variant->mss, witness_number(event, "mss"));
	event = nth(c, 1, "sent", 0, 0);
	EXPECT_SEGMENT(event, RST | ACK, -1, -1, 1);
	EXPECT_TRUE(is(event, "how", "derived"));
	EXPECT_EQ(CONN_PORT + 1, witness_number(event, "lport"));
}

/* Claim: a connection that is reset ends with an RST in its own numbers. */
TEST_F(segment, reset)
{
	struct conn *c = &self->conn;

	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, conn_send(c, 0, 7));
	ASSERT_EQ(0, conn_receive(c, 1, 7));
	ASSERT_EQ(0, conn_reset(c, 0));
	ASSERT_EQ(0, conn_gone(c, 1));
	ASSERT_EQ(0, conn_stop(c));
	kernel_agrees(_metadata, c);
	ends_agree(_metadata, c, 0);
	EXPECT_SEGMENT(nth(c, 0, "sent", RST, 0), RST | ACK, 8, 8, 1);
}

/* Claim: the same of an end that was accepted. */
TEST_F(segment, reset_by_child)
{
	struct conn *c = &self->conn;

	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, conn_send(c, 1, 7));
	ASSERT_EQ(0, conn_receive(c, 0, 7));
	ASSERT_EQ(0, conn_reset(c, 1));
	ASSERT_EQ(0, conn_gone(c, 0));
	ASSERT_EQ(0, conn_stop(c));
	kernel_agrees(_metadata, c);
	ends_agree(_metadata, c, 1);
	EXPECT_SEGMENT(nth(c, 1, "sent", RST, 0), RST | ACK, 8, 8, 1);
}

/* Claim: data for a minisocket and the RST that answers are seen. */
TEST_F(segment, data_too_late)
{
	struct conn *c = &self->conn;
	struct json_object *event;

	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, conn_close(c, 0));
	ASSERT_EQ(0, conn_ack_fin(c, 1));
	ASSERT_EQ(0, conn_wait(c, 0, TCP_FIN_WAIT2));
	ASSERT_EQ(0, conn_send(c, 1, 7));
	ASSERT_EQ(0, conn_gone(c, 1));
	ASSERT_EQ(0, conn_stop(c));
	kernel_agrees(_metadata, c);
	ends_agree(_metadata, c, 0);
	ends_agree(_metadata, c, 1);
	event = nth(c, 0, "sent", RST, 0);
	EXPECT_SEGMENT(event, RST, 2, 2, -1);
	EXPECT_TRUE(is(event, "state", "TIME_WAIT"));
	EXPECT_EQ(c->cookie[0], witness_number(event, "cookie"));
}

/* Claim: so are those of a socket, here of one that its owner has closed. */
TEST_F(segment, data_too_late_for_socket)
{
	struct conn *c = &self->conn;
	struct json_object *event;
	int fd;

	ASSERT_EQ(0, conn_open(c));
	fd = c->fd[1];
	ASSERT_EQ(0, conn_deafen(fd, true));
	ASSERT_EQ(0, conn_close(c, 0));
	ASSERT_EQ(0, conn_wait_lost(fd, 1));
	ASSERT_EQ(0, conn_send(c, 1, 7));
	ASSERT_EQ(0, conn_gone(c, 0));
	ASSERT_EQ(0, conn_deafen(fd, false));
	ASSERT_EQ(0, conn_stop(c));
	kernel_agrees(_metadata, c);
	event = nth(c, 0, "sent", RST, 0);
	EXPECT_SEGMENT(event, RST, 1, 1, -1);
	EXPECT_TRUE(is(event, "state", "FIN_WAIT1"));
	EXPECT_EQ(c->cookie[0], witness_number(event, "cookie"));
}

/* Claim: crossed SYNs are four segments, and none of them sent again. */
TEST_F(segment, crossed)
{
	struct conn *c = &self->conn;
	int side;

	ASSERT_EQ(0, conn_cross(c));
	ASSERT_EQ(0, gate_open(&c->gate));
	for (side = 0; side < 2; side++)
		ASSERT_EQ(0, conn_wait(c, side, TCP_ESTABLISHED));
	ASSERT_EQ(0, conn_stop(c));
	for (side = 0; side < 2; side++) {
		EXPECT_SEGMENT(nth(c, side, "sent", 0, 0), SYN, 0, 1, -1);
		EXPECT_SEGMENT(nth(c, side, "received", 0, 0), SYN, 0, 1, -1);
		EXPECT_SEGMENT(nth(c, side, "sent", SYN | ACK, 0), SYN | ACK, 0,
			       1, 1);
		EXPECT_EQ(0, segs(c, side, true));
		EXPECT_EQ(c->cookie[side],
			  witness_number(nth(c, side, "received", 0, 0),
					 "cookie"));
	}
}

/* Claim: what is sent again is marked, as often as the kernel counts it. */
TEST_F(segment, retransmitted)
{
	struct conn *c = &self->conn;
	int fd;

	ASSERT_EQ(0, conn_open(c));
	fd = c->fd[1];
	ASSERT_EQ(0, conn_deafen(fd, true));
	ASSERT_EQ(0, conn_send(c, 0, 7));
	ASSERT_EQ(0, conn_wait_lost(fd, 3));
	ASSERT_EQ(0, conn_deafen(fd, false));
	ASSERT_EQ(0, conn_receive(c, 1, 7));
	close_both(_metadata, c);
	ASSERT_EQ(0, conn_stop(c));
	kernel_agrees(_metadata, c);
	EXPECT_LE(2, segs(c, 0, true));
	ends_agree(_metadata, c, 0);
}

/* Claim: so are a SYN and the SYN-ACK of a connection without a socket. */
TEST_F(segment, handshake_again)
{
	struct conn *c = &self->conn;

	ASSERT_EQ(0, conn_bind(c, 0));
	ASSERT_EQ(0, conn_listen(c));
	ASSERT_EQ(0, conn_deafen(c->fd[0], true));
	ASSERT_EQ(0, conn_connect(c, 0));
	ASSERT_EQ(0, conn_wait_lost(c->fd[0], 3));
	ASSERT_EQ(0, conn_deafen(c->fd[0], false));
	ASSERT_EQ(0, conn_wait(c, 0, TCP_ESTABLISHED));
	ASSERT_EQ(0, conn_accept(c));
	ASSERT_EQ(0, conn_stop(c));
	kernel_agrees(_metadata, c);
	EXPECT_LE(1, segs(c, 0, true));
	EXPECT_LE(2, segs(c, 1, true));
	EXPECT_SEGMENT(nth(c, 1, "sent", SYN, 1), SYN | ACK, 0, 1, 1);
}

/* Claim: a SYN-ACK with a cookie, which no socket sends, is its listener's. */
TEST_F(segment, cookie)
{
	struct conn *c = &self->conn;
	struct json_object *syn;

	ASSERT_EQ(0, netns_sysctl(c->pair.side[1].fd, "net/ipv4/tcp_syncookies",
				  "2"));
	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(1, conn_counter(c, 1, "SyncookiesRecv"));
	ASSERT_EQ(0, conn_stop(c));
	kernel_agrees(_metadata, c);
	ends_agree(_metadata, c, 0);
	ends_agree(_metadata, c, 1);
	syn = nth(c, 1, "sent", SYN, 0);
	EXPECT_SEGMENT(syn, SYN | ACK, 0, 1, 1);
	EXPECT_TRUE(is(syn, "state", "LISTEN"));
	EXPECT_EQ(conn_cookie(c->listener), witness_number(syn, "listener"));
}

/* Claim: a window that closes is seen, and what asks whether it has opened. */
TEST_F(segment, zero_window)
{
	struct conn *c = &self->conn;
	struct json_object *event;
	char bytes[4096] = {};
	bool closed = false;
	uint64_t begin;
	int i;

	ASSERT_EQ(0, conn_open(c));
	begin = clock_now_ns();
	while (!closed) {
		struct tcp_info info;
		socklen_t len = sizeof(info);

		while (send(c->fd[0], bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
			;
		ASSERT_EQ(0, getsockopt(c->fd[0], IPPROTO_TCP, TCP_INFO, &info,
					&len));
		closed = info.tcpi_probes || info.tcpi_backoff;
		ASSERT_TRUE(conn_pause(begin));
	}
	ASSERT_EQ(0, conn_reset(c, 0));
	ASSERT_EQ(0, conn_gone(c, 0));
	ASSERT_EQ(0, conn_stop(c));
	closed = false;
	for (i = 0; (event = nth(c, 0, "received", ACK, i)); i++)
		closed |= has(event, "window") &&
			  !witness_number(event, "window");
	EXPECT_TRUE(closed);
}

/* Claim: what is missing between two parts of the data is seen in a SACK. */
TEST_F(segment, sack)
{
	const struct craft gap = { .ahead = 100, .len = 50 };
	struct conn *c = &self->conn;
	struct json_object *event;

	if (variant->family != AF_INET)
		return; /* what is crafted is IPv4 */
	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, craft_send(c, 0, &gap));
	ASSERT_EQ(0, conn_wait_counter(c, 0, "InSegs", 2));
	ASSERT_EQ(0, conn_stop(c));
	event = nth(c, 1, "received", 8, 0);
	EXPECT_SEGMENT(event, 8 | ACK, 101, 151, 1);
	EXPECT_EQ(50, witness_number(event, "len"));
	event = nth(c, 0, "received", ACK, 1);
	EXPECT_SEGMENT(event, ACK, 1, 1, 1);
	EXPECT_EQ(101, witness_number(event, "sack1_start"));
	EXPECT_EQ(151, witness_number(event, "sack1_end"));
	EXPECT_FALSE(has(event, "sack2_start"));
}

/* The event of this type with so many bytes of data. */
static struct json_object *of_len(struct conn *c, const char *type, size_t len)
{
	struct sighting what = { .type = type, .netns = c->pair.side[1].inode };
	struct json_object *event;
	size_t from = 0;

	do
		event = witness_next(c->trace.witness, &what, &from);
	while (event && witness_number(event, "len") != len);
	return event;
}

/*
 * Claim: options that lie are called so, and what stands before is read. Some
 * kernels throw such segments away before any socket: those are drops, as are
 * those whose header is said to be too short or too long.
 */
TEST_F(segment, lies)
{
	static const uint8_t beyond[] = { 2, 4, 1, 0, 8, 10, 0, 1 };
	static const uint8_t nothing[] = { 1, 1, 1, 3, 0, 0, 0, 0 };
	static const uint8_t half[] = { 1, 1, 1, 2 };
	static const uint8_t many[40] = { 5, 34, 0, 0, 0, 1, 0, 0, 0, 2 };
	static const struct craft crafts[] = {
		{ .option = beyond, .options = sizeof(beyond), .len = 10 },
		{ .option = nothing, .options = sizeof(nothing), .len = 12 },
		{ .option = half, .options = sizeof(half), .len = 14 },
		{ .option = many, .options = sizeof(many), .len = 16 },
		{ .len = 18, .lie = -1 },
		{ .len = 20, .lie = 8 },
	};
	struct conn *c = &self->conn;
	struct json_object *event;
	unsigned int i;

	if (variant->family != AF_INET)
		return; /* what is crafted is IPv4 */
	ASSERT_EQ(0, conn_open(c));
	for (i = 0; i < sizeof(crafts) / sizeof(*crafts); i++) {
		int64_t before = conn_counter(c, 1, "InSegs");

		ASSERT_EQ(0, craft_send(c, 0, &crafts[i]));
		ASSERT_EQ(0, conn_wait_counter(c, 1, "InSegs", before + 1));
	}
	ASSERT_EQ(0, conn_stop(c));
	for (i = 0; i < 4; i++) {
		event = of_len(c, "segment", crafts[i].len);
		if (!event) {
			EXPECT_NE(NULL, of_len(c, "drop", crafts[i].len));
			continue;
		}
		EXPECT_EQ(i != 3, has(event, "malformed"));
		EXPECT_EQ(i == 0 ? 256 : 0, witness_number(event, "mss"));
		EXPECT_FALSE(has(event, "tsval"));
		EXPECT_EQ(i == 3, has(event, "sack4_end"));
	}
	EXPECT_GE(4, count(c, 1, "received", 8));
	EXPECT_NE(NULL, of_len(c, "segment", 16));
}

/* Claim: a segment in fragments is one, and is read where its parts are. */
TEST_F(segment, fragments)
{
	static const uint8_t ts[] = { 1, 1, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0 };
	const struct craft large = { .option = ts,
				     .options = sizeof(ts),
				     .len = 3000 };
	struct conn *c = &self->conn;
	struct json_object *event;

	if (variant->family != AF_INET)
		return; /* what is crafted is IPv4 */
	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, craft_send(c, 0, &large));
	ASSERT_EQ(0, conn_wait_counter(c, 1, "InSegs", 3));
	ASSERT_EQ(0, conn_stop(c));
	event = nth(c, 1, "received", 8, 0);
	EXPECT_SEGMENT(event, 8 | ACK, 1, 3001, 1);
	EXPECT_EQ(3000, witness_number(event, "len"));
	EXPECT_EQ(9, witness_number(event, "tsval"));
}

/* Claim: headers between IPv6 and TCP hide nothing. */
TEST_F(segment, extensions)
{
	static const uint8_t padding[] = { 0, 0, 1, 4, 0, 0, 0, 0 };
	struct conn *c = &self->conn;

	if (variant->family != AF_INET6)
		return;
	ASSERT_EQ(0, conn_bind(c, 0));
	ASSERT_EQ(0, setsockopt(c->fd[0], IPPROTO_IPV6, IPV6_HOPOPTS, padding,
				sizeof(padding)));
	ASSERT_EQ(0, setsockopt(c->fd[0], IPPROTO_IPV6, IPV6_DSTOPTS, padding,
				sizeof(padding)));
	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, conn_send(c, 0, 7));
	ASSERT_EQ(0, conn_receive(c, 1, 7));
	ASSERT_EQ(0, conn_reset(c, 1));
	ASSERT_EQ(0, conn_gone(c, 0));
	ASSERT_EQ(0, conn_stop(c));
	kernel_agrees(_metadata, c);
	ends_agree(_metadata, c, 0);
	EXPECT_SEGMENT(nth(c, 0, "sent", 8, 0), 8 | ACK, 1, 8, 1);
}

/*
 * Claim: a connection that is older than the trace counts from its beginning
 * all the same, at either end, also after it has begun to close.
 */
TEST(older)
{
	struct conn conn = {}, *c = &conn;

	ASSERT_EQ(0, conn_stage(c, AF_INET));
	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, conn_send(c, 0, 1000));
	ASSERT_EQ(0, conn_receive(c, 1, 1000));
	ASSERT_EQ(0, conn_send(c, 1, 200));
	ASSERT_EQ(0, conn_receive(c, 0, 200));
	ASSERT_EQ(0, conn_watch(c, "segment"));
	ASSERT_EQ(0, conn_send(c, 0, 7));
	ASSERT_EQ(0, conn_receive(c, 1, 7));
	ASSERT_EQ(0, conn_send(c, 1, 9));
	ASSERT_EQ(0, conn_receive(c, 0, 9));
	close_both(_metadata, c);
	ASSERT_EQ(0, conn_stop(c));
	ends_agree(_metadata, c, 0);
	ends_agree(_metadata, c, 1);
	EXPECT_SEGMENT(nth(c, 0, "sent", 8, 0), 8 | ACK, 1001, 1008, 201);
	EXPECT_SEGMENT(nth(c, 1, "sent", 8, 0), 8 | ACK, 201, 210, 1008);
	EXPECT_SEGMENT(nth(c, 0, "sent", FIN, 0), FIN | ACK, 1008, 1009, 210);
	EXPECT_SEGMENT(nth(c, 1, "sent", FIN, 0), FIN | ACK, 210, 211, 1009);
	conn_free(c);
}

/* Claim: who does not ask for segments gets none, and nothing is attached. */
TEST(off)
{
	struct trace trace;

	ASSERT_EQ(0, trace_start(&trace, NULL));
	EXPECT_FALSE(trace_has_hook(&trace, "segment_sent"));
	EXPECT_FALSE(trace_has_hook(&trace, "segment_dev_in"));
	EXPECT_EQ(0, trace_stop(&trace));
	trace_free(&trace);
}

SHARED_HARNESS_MAIN("--events", "state,segment,drop")
