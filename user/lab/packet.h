/* SPDX-License-Identifier: GPL-2.0 */
/* What a packet on the wire is: read from its bytes, which may be any. */
#ifndef TCBSCOPE_LAB_PACKET_H
#define TCBSCOPE_LAB_PACKET_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of which a packet may be several: a FIN with data that was sent before. */
enum packet_kind {
	PACKET_SYN = 1 << 0, /* without ACK */
	PACKET_SYNACK = 1 << 1,
	PACKET_FIN = 1 << 2,
	PACKET_RST = 1 << 3,
	PACKET_DATA = 1 << 4,
	PACKET_ACK = 1 << 5,   /* an ACK, and none of the above */
	PACKET_PROBE = 1 << 6, /* such an ACK of an old sequence number */
	PACKET_AGAIN =
		1 << 7,	      /* takes sequence numbers that were sent before */
	PACKET_ICMP = 1 << 8, /* either version */
	PACKET_OTHER = 1 << 9, /* no first fragment of these, or damaged */
};

#define PACKET_TCP 0xff
#define PACKET_ANY 0x3ff
#define PACKET_SACKS 4 /* blocks, as many as fit into a TCP header */

struct packet {
	uint16_t kinds; /* bits of enum packet_kind */
	uint8_t family; /* AF_INET, AF_INET6; 0: neither */
	uint8_t protocol;
	struct in6_addr saddr, daddr; /* IPv4: in the first four bytes */
	uint32_t size;		      /* bytes from the IP header on */

	/* of TCP */
	uint16_t sport, dport; /* host byte order, as all that follows */
	uint8_t flags;	       /* CWR ... FIN, as in the header */
	uint16_t window;       /* not scaled */
	uint32_t seq, ack;
	uint32_t len; /* bytes of data */
	uint16_t mss; /* that a SYN offers; 0: none */
	uint8_t n_sacks;
	uint32_t sack[PACKET_SACKS][2];

	/* of a flow whose SYN was seen, else 0: where in the stream */
	bool placed;
	uint32_t offset; /* of the first byte of data */
	uint32_t acked;	 /* bytes of the other stream that the ACK covers */

	uint8_t icmp_type, icmp_code;
};

/*
 * All that one packet tells of itself: not PROBE, AGAIN and the place in the
 * stream, for which packet_place() is. Reads no byte beyond @size.
 */
void packet_read(struct packet *p, const void *bytes, size_t size);

/* One direction of a connection; begins as zeroes. */
struct packet_flow {
	struct in6_addr saddr, daddr;
	uint16_t sport, dport;
	bool begun;	/* its SYN was seen, */
	uint32_t first; /* whose sequence number is this; */
	uint32_t next;	/* behind all that was sent */
};

#define PACKET_FLOWS 128 /* after so many the oldest is forgotten */

struct packet_flows {
	struct packet_flow flow[PACKET_FLOWS];
	unsigned int n; /* that there have been */
};

/* In the order in which packets were sent. */
void packet_place(struct packet *p, struct packet_flows *flows);

/* What a router or the host answers that does not take a packet. */
struct packet_refusal {
	uint32_t mtu; /* too big for this; 0: unreachable, with the code */
	uint8_t code; /* of that family's ICMP */
};

#define PACKET_REFUSAL 1280 /* bytes of such an answer, at most */

/*
 * Writes it, as if from the packet's destination. Returns its size; 0: to such
 * a packet there is no answer.
 */
size_t packet_refuse(const struct packet *p, const void *bytes,
		     const struct packet_refusal *refusal,
		     uint8_t answer[PACKET_REFUSAL]);

/* As one line of text, without its end, always terminated. Returns @text. */
char *packet_text(const struct packet *p, char *text, size_t size);

#endif
