// SPDX-License-Identifier: GPL-2.0
/* Packets of the wire are told apart, and no byte beyond their end is read. */
#include "lab/packet.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include <kselftest_harness.h>

/* A packet that a test builds, and what is said of it. */
struct built {
	uint8_t bytes[256];
	size_t n;
	struct packet packet;
};

static void put(struct built *b, const void *bytes, size_t n)
{
	memcpy(b->bytes + b->n, bytes, n);
	b->n += n;
}

#define PUT(b, ...) \
	put(b, (uint8_t[]){ __VA_ARGS__ }, sizeof((uint8_t[]){ __VA_ARGS__ }))

static void ip4(struct built *b)
{
	PUT(b, 0x46, 0, 0, 0, 0, 1, 0x40, 0, 64, 6, 0, 0, 10, 8, 0, 1, 10, 8, 0,
	    2, 1, 1, 1, 1);
}

static void ip6(struct built *b, uint8_t next)
{
	PUT(b, 0x60, 0, 0, 0, 0, 0, next, 64);
	PUT(b, 0xfd, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
	PUT(b, 0xfd, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2);
}

/* 2000 > 2001, sequence number 100, with MSS, an unknown option, two SACKs. */
static void tcp(struct built *b, uint8_t flags, size_t data)
{
	PUT(b, 7, 208, 7, 209, 0, 0, 0, 100, 0, 0, 0, 200, 0xd0, flags, 1, 0, 0,
	    0, 0, 0);
	PUT(b, 2, 4, 5, 180, 254, 4, 9, 9, 5, 18, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0,
	    0, 3, 0, 0, 0, 4, 1, 0, 0, 0, 0, 0);
	memset(b->bytes + b->n, 'x', data);
	b->n += data;
}

/*
 * From memory that ends where the packet does, so that a sanitizer sees a byte
 * that is read beyond.
 */
static void read_cut(struct built *b, size_t n)
{
	uint8_t *exact = malloc(n ?: 1);

	memcpy(exact, b->bytes, n);
	packet_read(&b->packet, exact, n);
	free(exact);
}

static void finish(struct built *b)
{
	if (b->bytes[0] >> 4 == 4)
		b->bytes[3] = b->n;
	else
		b->bytes[5] = b->n - 40;
	read_cut(b, b->n);
}

/* Options, flags and the length of the data are read, in IPv4 ... */
TEST(tcp_in_ip4)
{
	struct built b = {};

	ip4(&b);
	tcp(&b, TH_ACK | TH_FIN | TH_PUSH, 7);
	finish(&b);
	ASSERT_EQ(PACKET_FIN | PACKET_DATA, b.packet.kinds);
	ASSERT_EQ(AF_INET, b.packet.family);
	ASSERT_EQ(htonl(0x0a080002), b.packet.daddr.s6_addr32[0]);
	ASSERT_EQ(2000, b.packet.sport);
	ASSERT_EQ(2001, b.packet.dport);
	ASSERT_EQ(100, b.packet.seq);
	ASSERT_EQ(200, b.packet.ack);
	ASSERT_EQ(7, b.packet.len);
	ASSERT_EQ(1460, b.packet.mss);
	ASSERT_EQ(2, b.packet.n_sacks);
	ASSERT_EQ(3, b.packet.sack[1][0]);
	ASSERT_EQ(4, b.packet.sack[1][1]);
}

/* ... and in IPv6 behind all headers that may come before. */
TEST(tcp_behind_extensions)
{
	struct built b = {};

	ip6(&b, IPPROTO_HOPOPTS);
	PUT(&b, IPPROTO_ROUTING, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
	PUT(&b, IPPROTO_FRAGMENT, 0, 0, 0, 0, 0, 0, 0);
	PUT(&b, IPPROTO_AH, 0, 0, 1, 0, 0, 0, 1);
	PUT(&b, IPPROTO_DSTOPTS, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
	PUT(&b, IPPROTO_TCP, 0, 1, 4, 0, 0, 0, 0);
	tcp(&b, TH_ACK, 0);
	finish(&b);
	ASSERT_EQ(PACKET_ACK, b.packet.kinds);
	ASSERT_EQ(AF_INET6, b.packet.family);
	ASSERT_EQ(2001, b.packet.dport);
}

/* A fragment that is not the first has no header to be read. */
TEST(later_fragments_are_other)
{
	struct built b = {};

	ip4(&b);
	tcp(&b, TH_ACK, 0);
	b.bytes[7] = 1;
	finish(&b);
	ASSERT_EQ(PACKET_OTHER, b.packet.kinds);
	ASSERT_EQ(0, b.packet.sport);

	memset(&b, 0, sizeof(b));
	ip6(&b, IPPROTO_FRAGMENT);
	PUT(&b, IPPROTO_TCP, 0, 0, 8, 0, 0, 0, 0);
	tcp(&b, TH_ACK, 0);
	finish(&b);
	ASSERT_EQ(PACKET_OTHER, b.packet.kinds);
}

/* Which kinds the flags make. */
TEST(kinds)
{
	static const struct {
		uint8_t flags, data;
		unsigned int kinds;
	} rows[] = {
		{ TH_SYN, 0, PACKET_SYN },
		{ TH_SYN, 3, PACKET_SYN | PACKET_DATA },
		{ TH_SYN | TH_ACK, 0, PACKET_SYNACK },
		{ TH_ACK, 0, PACKET_ACK },
		{ TH_ACK, 1, PACKET_DATA },
		{ TH_RST | TH_ACK, 0, PACKET_RST },
		{ TH_FIN | TH_ACK, 0, PACKET_FIN },
		{ 0, 0, PACKET_OTHER },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct built b = {};

		ip4(&b);
		tcp(&b, rows[i].flags, rows[i].data);
		finish(&b);
		ASSERT_EQ(rows[i].kinds, b.packet.kinds)
		TH_LOG("row %zu", i);
	}
}

/* Whatever is cut off: nothing is read that is not there. */
TEST(cut_anywhere)
{
	struct built b = {};
	size_t n, whole;

	ip6(&b, IPPROTO_HOPOPTS);
	PUT(&b, IPPROTO_TCP, 0, 1, 4, 0, 0, 0, 0);
	tcp(&b, TH_ACK, 5);
	finish(&b);
	ASSERT_EQ(PACKET_DATA, b.packet.kinds);
	whole = b.n;
	for (n = 0; n < whole; n++) {
		read_cut(&b, n);
		ASSERT_EQ(PACKET_OTHER, b.packet.kinds);
	}
	/* ... also if the length of it all says so, into the TCP header. */
	for (n = 40; n < whole - 5; n++) {
		b.bytes[5] = n - 40;
		read_cut(&b, n);
		ASSERT_EQ(PACKET_OTHER, b.packet.kinds);
	}
}

static struct packet *step(struct packet_flows *flows, struct packet *p,
			   bool back, uint32_t seq, uint32_t ack, int flags,
			   uint32_t len)
{
	struct built b = {};

	ip4(&b);
	tcp(&b, flags, len);
	finish(&b);
	*p = b.packet;
	p->seq = seq;
	p->ack = ack;
	if (back) {
		p->saddr = b.packet.daddr;
		p->daddr = b.packet.saddr;
		p->sport = b.packet.dport;
		p->dport = b.packet.sport;
	}
	packet_place(p, flows);
	return p;
}

/* Numbers relative to the SYN, over the end of 32 bits; what is sent again. */
TEST(places)
{
	struct packet_flows flows = {};
	const uint32_t isn = 0xfffffff0;
	struct packet p;

	step(&flows, &p, false, isn, 0, TH_SYN, 0);
	ASSERT_TRUE(p.placed);
	ASSERT_EQ(PACKET_SYN, p.kinds);
	step(&flows, &p, false, isn, 0, TH_SYN, 0);
	ASSERT_EQ(PACKET_SYN | PACKET_AGAIN, p.kinds);
	step(&flows, &p, true, 500, isn + 1, TH_SYN | TH_ACK, 0);
	ASSERT_EQ(0, p.acked);
	step(&flows, &p, false, isn + 1, 501, TH_ACK, 10);
	ASSERT_EQ(0, p.offset);
	step(&flows, &p, false, isn + 11, 501, TH_ACK, 10);
	ASSERT_EQ(10, p.offset);
	ASSERT_EQ(PACKET_DATA, p.kinds);
	step(&flows, &p, true, 501, isn + 21, TH_ACK, 0);
	ASSERT_EQ(20, p.acked);
	ASSERT_EQ(PACKET_ACK, p.kinds);
	step(&flows, &p, false, isn + 11, 501, TH_ACK, 10);
	ASSERT_EQ(PACKET_DATA | PACKET_AGAIN, p.kinds);
	step(&flows, &p, false, isn + 20, 501, TH_ACK, 0);
	ASSERT_EQ(PACKET_ACK | PACKET_PROBE, p.kinds);
	/* The next connection of the same ports. */
	step(&flows, &p, false, 7000, 0, TH_SYN, 0);
	ASSERT_EQ(PACKET_SYN, p.kinds);
	step(&flows, &p, false, 7001, 501, TH_ACK, 10);
	ASSERT_EQ(0, p.offset);
}

/* An answer is what a kernel takes: sums that add up, and the packet quoted. */
TEST(refusals)
{
	static const struct packet_refusal too_big = { .mtu = 1400 };
	uint8_t answer[PACKET_REFUSAL];
	struct built b = {};
	struct packet p;
	size_t n;

	ip4(&b);
	tcp(&b, TH_ACK, 5);
	finish(&b);
	n = packet_refuse(&b.packet, b.bytes, &too_big, answer);
	ASSERT_EQ(28 + b.n, n);
	packet_read(&p, answer, n);
	ASSERT_EQ(PACKET_ICMP, p.kinds);
	ASSERT_EQ(3, p.icmp_type);
	ASSERT_EQ(4, p.icmp_code);
	ASSERT_EQ(0, memcmp(answer + 28, b.bytes, b.n));
	/* to an error there is none */
	ASSERT_EQ(0, packet_refuse(&p, answer, &too_big, answer));
}

TEST_HARNESS_MAIN
