// SPDX-License-Identifier: GPL-2.0
/* Tests of the drop events: segments that the kernel throws away. */
#include <json-c/json.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>

#include "tests/lib/conn.h"

#include <kselftest_harness.h>

FIXTURE(drop)
{
	struct conn conn;
};

FIXTURE_VARIANT(drop)
{
	int family;
	const char *addr[2];
};

FIXTURE_VARIANT_ADD(drop, ipv4){ .family = AF_INET,
				 .addr = { "10.8.0.1", "10.8.0.2" } };
FIXTURE_VARIANT_ADD(drop, ipv6){ .family = AF_INET6,
				 .addr = { "fd08::1", "fd08::2" } };

FIXTURE_SETUP(drop)
{
	ASSERT_EQ(0, conn_stage(&self->conn, variant->family));
}

FIXTURE_TEARDOWN(drop)
{
	conn_free(&self->conn);
}

static const char *text(struct json_object *event, const char *field)
{
	return witness_string(event, field) ?: "absent";
}

/* The drops of a side with this reason; @first: NULL, or the first of them. */
static int drops(struct conn *c, int side, const char *reason,
		 struct json_object **first)
{
	struct sighting what = { .type = "drop",
				 .netns = c->pair.side[side].inode };
	struct json_object *event;
	size_t from = 0;
	int n = 0;

	while ((event = witness_next(c->trace.witness, &what, &from)))
		if (!strcmp(reason, text(event, "reason")) && !n++ && first)
			*first = event;
	return n;
}

static int wait_for(struct conn *c, int side)
{
	struct sighting what = { .type = "drop",
				 .netns = c->pair.side[side].inode };

	return witness_wait(c->trace.witness, &what, TRACE_PATIENCE_NS);
}

/* Claim: what a socket's filter does not let through is seen, each of it. */
TEST_F(drop, at_the_socket)
{
	struct conn *c = &self->conn;
	struct json_object *event = NULL;

	ASSERT_EQ(0, conn_rto_min(c, 0, 5000)); /* none is sent again */
	ASSERT_EQ(0, conn_join(c));
	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, conn_deafen(c->fd[1], true));
	ASSERT_EQ(0, conn_send(c, 0, 100));
	ASSERT_EQ(0, wait_for(c, 1));
	ASSERT_EQ(0, conn_stop(c));

	EXPECT_EQ((int)conn_lost(c->fd[1]),
		  drops(c, 1, "SOCKET_FILTER", &event));
	ASSERT_NE(NULL, event);
	EXPECT_STREQ("received", text(event, "direction"));
	EXPECT_STREQ(variant->addr[1], text(event, "laddr"));
	EXPECT_STREQ(variant->addr[0], text(event, "raddr"));
	EXPECT_EQ(CONN_PORT + 1, witness_number(event, "lport"));
	EXPECT_EQ(CONN_PORT, witness_number(event, "rport"));
	EXPECT_EQ(100, witness_number(event, "len"));
	EXPECT_EQ(0x18, witness_number(event, "flags")); /* PSH, ACK */
	EXPECT_NE(0, witness_number(event, "tcp_seq"));
	if (strcmp("absent", text(event, "state"))) { /* Linux 6.12 knows */
		EXPECT_STREQ("ESTABLISHED", text(event, "state"));
		EXPECT_EQ(c->cookie[1], witness_number(event, "cookie"));
	}
	EXPECT_EQ(0, drops(c, 0, "SOCKET_FILTER", NULL));
}

/* Claim: a SYN that nobody waits for is thrown away. */
TEST_F(drop, without_a_socket)
{
	struct conn *c = &self->conn;
	struct json_object *event = NULL;

	ASSERT_EQ(0, conn_join(c));
	ASSERT_EQ(0, conn_connect(c, 0));
	ASSERT_EQ(0, wait_for(c, 1));
	ASSERT_EQ(0, conn_stop(c));

	EXPECT_EQ(1, drops(c, 1, "NO_SOCKET", &event));
	ASSERT_NE(NULL, event);
	EXPECT_STREQ("received", text(event, "direction"));
	EXPECT_EQ(2, witness_number(event, "flags")); /* SYN */
	EXPECT_EQ(0, witness_number(event, "len"));
	EXPECT_STREQ("absent", text(event, "state"));
	EXPECT_EQ(0, witness_number(event, "cookie"));
	EXPECT_EQ(0, witness_number(event, "pid"));
}

/* Claim: so is what cannot wait for the neighbour's address, on its way out. */
TEST_F(drop, on_the_way_out)
{
	struct conn *c = &self->conn;
	struct json_object *event = NULL;
	int i;

	ASSERT_EQ(0, conn_join(c));
	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, conn_option(c, 0, IPPROTO_TCP, TCP_NODELAY, 1));
	ASSERT_EQ(0, conn_hold_last(c, 0));
	ASSERT_EQ(0, gate_close_side(&c->gate, 0));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, conn_send(c, 0, 10));
	ASSERT_EQ(0, wait_for(c, 0));
	ASSERT_EQ(0, gate_open_side(&c->gate, 0));
	ASSERT_EQ(0, conn_stop(c));

	EXPECT_LE(1, drops(c, 0, "NEIGH_QUEUEFULL", &event));
	ASSERT_NE(NULL, event);
	EXPECT_STREQ("sent", text(event, "direction"));
	EXPECT_STREQ(variant->addr[0], text(event, "laddr"));
	EXPECT_EQ(CONN_PORT, witness_number(event, "lport"));
	EXPECT_EQ(CONN_PORT + 1, witness_number(event, "rport"));
	EXPECT_EQ(10, witness_number(event, "len"));
	EXPECT_STREQ("ESTABLISHED", text(event, "state"));
	EXPECT_EQ(c->cookie[0], witness_number(event, "cookie"));
}

/* Is a drop of either side told of? */
static bool dropped(struct conn *c)
{
	struct sighting what = { .type = "drop" };
	int side, n = 0;

	for (side = 0; side < 2; side++) {
		what.netns = c->pair.side[side].inode;
		n += witness_count(c->trace.witness, &what);
	}
	return n;
}

/* Claim: where one end closes, then the other, no FIN is thrown away. */
TEST_F(drop, not_by_closing)
{
	struct conn *c = &self->conn;

	ASSERT_EQ(0, conn_join(c));
	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, conn_close(c, 0));
	ASSERT_EQ(0, conn_seen(c, 1, "CLOSE_WAIT"));
	ASSERT_EQ(0, conn_close(c, 1));
	ASSERT_EQ(0, conn_gone(c, 1));
	ASSERT_EQ(0, conn_stop(c));
	EXPECT_FALSE(dropped(c));
}

/* Claim: nor where both close at once. */
TEST_F(drop, not_by_closing_at_once)
{
	struct conn *c = &self->conn;

	ASSERT_EQ(0, conn_join(c));
	ASSERT_EQ(0, conn_open(c));
	ASSERT_EQ(0, gate_close(&c->gate));
	ASSERT_EQ(0, conn_close(c, 0));
	ASSERT_EQ(0, conn_close(c, 1));
	ASSERT_EQ(0, gate_open(&c->gate));
	ASSERT_EQ(0, conn_wait(c, 0, TCP_TIME_WAIT));
	ASSERT_EQ(0, conn_wait(c, 1, TCP_TIME_WAIT));
	ASSERT_EQ(0, conn_stop(c));
	EXPECT_FALSE(dropped(c));
}

/* Claim: without being asked for by name the program is not even there. */
TEST(is_to_be_asked_for)
{
	char *args[] = { "--port", "2000", NULL };
	struct trace trace;

	ASSERT_EQ(0, trace_start(&trace, args));
	EXPECT_TRUE(trace_has_hook(&trace, "reset_receive"));
	EXPECT_FALSE(trace_has_hook(&trace, "drop_skb"));
	ASSERT_EQ(0, trace_stop(&trace));
	trace_free(&trace);
}

#define FRAME 6000 /* more than a page: the kernel keeps it in other pages */

/* A SYN from port 2000 to 2001, in a frame of @len bytes; no checksum is right.
 */
static int send_frame(size_t len)
{
	struct sockaddr_ll lo = { .sll_family = AF_PACKET,
				  .sll_ifindex = if_nametoindex("lo"),
				  .sll_halen = 6 };
	static uint8_t bytes[FRAME];
	struct ethhdr *eth = (void *)bytes;
	struct iphdr *ip = (void *)(eth + 1);
	struct tcphdr *tcp = (void *)(ip + 1);
	int fd = socket(AF_PACKET, SOCK_RAW, 0);
	ssize_t sent;

	memset(bytes, 0, sizeof(bytes));
	eth->h_proto = htons(ETH_P_IP);
	ip->version = 4;
	ip->ihl = 5;
	ip->ttl = 64;
	ip->protocol = IPPROTO_TCP;
	ip->tot_len = htons(len - sizeof(*eth));
	ip->saddr = ip->daddr = htonl(INADDR_LOOPBACK);
	tcp->source = htons(2000);
	tcp->dest = htons(2001);
	tcp->doff = 5;
	tcp->syn = 1;
	sent = sendto(fd, bytes, len, 0, (void *)&lo, sizeof(lo));
	close(fd);
	return sent == (ssize_t)len ? 0 : -1;
}

/*
 * Claim: what is thrown away before its TCP header has been brought to the rest
 * is not told of, rather than with whatever stands in its place.
 */
TEST(header_elsewhere)
{
	char *args[] = { "--events", "drop", "--netns", "self", NULL };
	const struct sighting drop = { .type = "drop" };
	int ns = netns_create();
	struct json_object *event;
	struct trace trace;
	size_t from = 0;

	ASSERT_LE(0, ns);
	ASSERT_EQ(0, netns_enter(ns));
	ASSERT_EQ(0, trace_start(&trace, args));
	ASSERT_EQ(0, send_frame(FRAME));
	ASSERT_EQ(0, send_frame(100));
	ASSERT_EQ(0, witness_wait(trace.witness, &drop, TRACE_PATIENCE_NS));
	ASSERT_EQ(0, trace_stop(&trace));
	event = witness_next(trace.witness, &drop, &from);
	ASSERT_NE(NULL, event);
	EXPECT_EQ(2001, witness_number(event, "lport"));
	EXPECT_EQ(100 - 14 - 20 - 20, witness_number(event, "len"));
	EXPECT_EQ(1, witness_count(trace.witness, &drop));
	trace_free(&trace);
	close(ns);
}

SHARED_HARNESS_MAIN("--events", "state,drop")
