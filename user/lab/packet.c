// SPDX-License-Identifier: GPL-2.0
/* What a packet on the wire is: read from its bytes, which may be any. */
#include "lab/packet.h"

#include <arpa/inet.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#define IP4_MIN 20 /* bytes of the headers without options */
#define IP6_LEN 40
#define TCP_MIN 20
#define ICMP_LEN 8
#define IP4_QUOTE 548 /* of a refused packet, RFC 1812 */

/* What is left of a packet to be read. */
struct rest {
	const uint8_t *at;
	size_t n;
};

static uint16_t get16(const uint8_t *at)
{
	return at[0] << 8 | at[1];
}

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)get16(at) << 16 | get16(at + 2);
}

static void put16(uint8_t *at, uint16_t value)
{
	at[0] = value >> 8;
	at[1] = value;
}

/* Is sequence number @a before @b? */
static bool before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static bool skip(struct rest *r, size_t n)
{
	if (n > r->n)
		return false;
	r->at += n;
	r->n -= n;
	return true;
}

static bool read_ip4(struct packet *p, struct rest *r)
{
	size_t header, total;

	if (r->n < IP4_MIN)
		return false;
	header = (r->at[0] & 0xf) * 4;
	total = get16(r->at + 2);
	if (header < IP4_MIN || total < header || total > r->n)
		return false;
	p->family = AF_INET;
	p->protocol = r->at[9];
	memcpy(&p->saddr, r->at + 12, 4);
	memcpy(&p->daddr, r->at + 16, 4);
	if (get16(r->at + 6) & IP_OFFMASK)
		return false;
	r->n = total;
	return skip(r, header);
}

/* Over the extension headers, each of 8 bytes at least: it ends. */
static bool read_extensions(struct packet *p, struct rest *r)
{
	size_t len;

	for (;;) {
		switch (p->protocol) {
		case IPPROTO_HOPOPTS:
		case IPPROTO_ROUTING:
		case IPPROTO_DSTOPTS:
			len = r->n < 8 ? 8 : (r->at[1] + 1) * 8;
			break;
		case IPPROTO_AH:
			len = r->n < 8 ? 8 : (r->at[1] + 2) * 4;
			break;
		case IPPROTO_FRAGMENT:
			len = 8;
			if (r->n >= len && get16(r->at + 2) & 0xfff8)
				return false;
			break;
		default:
			return true;
		}
		if (len > r->n)
			return false;
		p->protocol = r->at[0];
		skip(r, len);
	}
}

static bool read_ip6(struct packet *p, struct rest *r)
{
	size_t total;

	if (r->n < IP6_LEN)
		return false;
	total = get16(r->at + 4);
	if (total > r->n - IP6_LEN)
		return false;
	p->family = AF_INET6;
	p->protocol = r->at[6];
	memcpy(&p->saddr, r->at + 8, 16);
	memcpy(&p->daddr, r->at + 24, 16);
	skip(r, IP6_LEN);
	r->n = total;
	return read_extensions(p, r);
}

static void read_sacks(struct packet *p, const uint8_t *at, size_t n)
{
	for (; n >= 8 && p->n_sacks < PACKET_SACKS; at += 8, n -= 8) {
		p->sack[p->n_sacks][0] = get32(at);
		p->sack[p->n_sacks++][1] = get32(at + 4);
	}
}

static void read_options(struct packet *p, struct rest r)
{
	while (r.n && r.at[0] != TCPOPT_EOL) {
		size_t len = 1;

		if (r.at[0] != TCPOPT_NOP) {
			if (r.n < 2)
				return;
			len = r.at[1];
			if (len < 2 || len > r.n)
				return;
		}
		if (r.at[0] == TCPOPT_MAXSEG && len == TCPOLEN_MAXSEG)
			p->mss = get16(r.at + 2);
		if (r.at[0] == TCPOPT_SACK)
			read_sacks(p, r.at + 2, len - 2);
		skip(&r, len);
	}
}

static bool read_tcp(struct packet *p, struct rest *r)
{
	size_t header;

	if (r->n < TCP_MIN)
		return false;
	header = (r->at[12] >> 4) * 4;
	if (header < TCP_MIN || header > r->n)
		return false;
	p->sport = get16(r->at);
	p->dport = get16(r->at + 2);
	p->seq = get32(r->at + 4);
	p->ack = get32(r->at + 8);
	p->flags = r->at[13];
	p->window = get16(r->at + 14);
	p->len = r->n - header;
	read_options(p, (struct rest){ r->at + TCP_MIN, header - TCP_MIN });

	p->kinds = 0;
	if (p->flags & TH_SYN)
		p->kinds |= p->flags & TH_ACK ? PACKET_SYNACK : PACKET_SYN;
	if (p->flags & TH_FIN)
		p->kinds |= PACKET_FIN;
	if (p->flags & TH_RST)
		p->kinds |= PACKET_RST;
	if (p->len)
		p->kinds |= PACKET_DATA;
	if (!p->kinds && p->flags & TH_ACK)
		p->kinds = PACKET_ACK;
	return p->kinds;
}

static bool read_icmp(struct packet *p, struct rest *r)
{
	if (r->n < ICMP_LEN)
		return false;
	p->icmp_type = r->at[0];
	p->icmp_code = r->at[1];
	p->kinds = PACKET_ICMP;
	return true;
}

void packet_read(struct packet *p, const void *bytes, size_t size)
{
	struct rest r = { bytes, size };
	bool ok = false;

	*p = (struct packet){ .size = size };
	if (size && r.at[0] >> 4 == 4)
		ok = read_ip4(p, &r);
	else if (size && r.at[0] >> 4 == 6)
		ok = read_ip6(p, &r);
	if (ok && p->protocol == IPPROTO_TCP)
		ok = read_tcp(p, &r);
	else if (ok && p->protocol == (p->family == AF_INET ? IPPROTO_ICMP :
							      IPPROTO_ICMPV6))
		ok = read_icmp(p, &r);
	else
		ok = false;
	if (!ok)
		p->kinds = PACKET_OTHER;
}

static bool same_addr(const struct in6_addr *a, const struct in6_addr *b)
{
	return !memcmp(a, b, sizeof(*a));
}

/* The flow that the packet is of, or the @other direction; or NULL. */
static struct packet_flow *find_flow(struct packet_flows *flows,
				     const struct packet *p, bool other)
{
	const struct in6_addr *saddr = other ? &p->daddr : &p->saddr;
	const struct in6_addr *daddr = other ? &p->saddr : &p->daddr;
	uint16_t sport = other ? p->dport : p->sport;
	uint16_t dport = other ? p->sport : p->dport;
	struct packet_flow *flow;
	unsigned int i;

	for (i = 0; i < flows->n && i < PACKET_FLOWS; i++) {
		flow = &flows->flow[i];
		if (flow->sport == sport && flow->dport == dport &&
		    same_addr(&flow->saddr, saddr) &&
		    same_addr(&flow->daddr, daddr))
			return flow;
	}
	return NULL;
}

static struct packet_flow *new_flow(struct packet_flows *flows,
				    const struct packet *p)
{
	struct packet_flow *flow = &flows->flow[flows->n++ % PACKET_FLOWS];

	*flow = (struct packet_flow){
		.saddr = p->saddr,
		.daddr = p->daddr,
		.sport = p->sport,
		.dport = p->dport,
	};
	return flow;
}

void packet_place(struct packet *p, struct packet_flows *flows)
{
	uint32_t next = p->seq + p->len + !!(p->flags & TH_SYN) +
			!!(p->flags & TH_FIN);
	struct packet_flow *flow, *back;

	if (!(p->kinds & PACKET_TCP))
		return;
	flow = find_flow(flows, p, false);
	if (!flow && p->flags & TH_SYN)
		flow = new_flow(flows, p);
	if (!flow)
		return;
	/* A SYN of another number begins a new connection. */
	if (p->flags & TH_SYN && (!flow->begun || flow->first != p->seq)) {
		flow->begun = true;
		flow->first = p->seq;
		flow->next = p->seq;
	}
	if (next != p->seq && before(p->seq, flow->next))
		p->kinds |= PACKET_AGAIN;
	if (p->kinds & PACKET_ACK && before(p->seq, flow->next))
		p->kinds |= PACKET_PROBE;
	/* An RST may have any number, which nothing behind it has to take. */
	if (before(flow->next, next) && !(p->flags & TH_RST))
		flow->next = next;

	p->placed = true;
	if (!(p->flags & TH_SYN))
		p->offset = p->seq - flow->first - 1;
	back = p->flags & TH_ACK ? find_flow(flows, p, true) : NULL;
	if (back)
		p->acked = p->ack - back->first - 1;
}

/* Ones' complement sum of 16-bit words, on top of @sum. */
static uint32_t sum_words(uint32_t sum, const uint8_t *at, size_t n)
{
	for (; n > 1; at += 2, n -= 2)
		sum += get16(at);
	return n ? sum + (at[0] << 8) : sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static size_t refuse4(const struct packet *p, const uint8_t *bytes,
		      const struct packet_refusal *refusal, uint8_t *answer)
{
	size_t quote = p->size < IP4_QUOTE ? p->size : IP4_QUOTE;
	size_t size = IP4_MIN + ICMP_LEN + quote;
	uint8_t *icmp = answer + IP4_MIN;

	answer[0] = 0x45;
	put16(answer + 2, size);
	answer[8] = 64;
	answer[9] = IPPROTO_ICMP;
	memcpy(answer + 12, &p->daddr, 4);
	memcpy(answer + 16, &p->saddr, 4);
	put16(answer + 10, fold(sum_words(0, answer, IP4_MIN)));

	icmp[0] = ICMP_DEST_UNREACH;
	icmp[1] = refusal->mtu ? ICMP_FRAG_NEEDED : refusal->code;
	put16(icmp + 6, refusal->mtu);
	memcpy(icmp + ICMP_LEN, bytes, quote);
	put16(icmp + 2, fold(sum_words(0, icmp, ICMP_LEN + quote)));
	return size;
}

static size_t refuse6(const struct packet *p, const uint8_t *bytes,
		      const struct packet_refusal *refusal, uint8_t *answer)
{
	size_t room = PACKET_REFUSAL - IP6_LEN - ICMP_LEN;
	size_t quote = p->size < room ? p->size : room;
	size_t size = ICMP_LEN + quote;
	uint8_t *icmp = answer + IP6_LEN;
	uint32_t sum;

	answer[0] = 0x60;
	put16(answer + 4, size);
	answer[6] = IPPROTO_ICMPV6;
	answer[7] = 64;
	memcpy(answer + 8, &p->daddr, 16);
	memcpy(answer + 24, &p->saddr, 16);

	icmp[0] = refusal->mtu ? ICMP6_PACKET_TOO_BIG : ICMP6_DST_UNREACH;
	icmp[1] = refusal->mtu ? 0 : refusal->code;
	put16(icmp + 4, refusal->mtu >> 16);
	put16(icmp + 6, refusal->mtu);
	memcpy(icmp + ICMP_LEN, bytes, quote);
	/* with the addresses, the length and the protocol */
	sum = sum_words(size + IPPROTO_ICMPV6, answer + 8, 32);
	put16(icmp + 2, fold(sum_words(sum, icmp, size)));
	return IP6_LEN + size;
}

size_t packet_refuse(const struct packet *p, const void *bytes,
		     const struct packet_refusal *refusal,
		     uint8_t answer[PACKET_REFUSAL])
{
	memset(answer, 0, PACKET_REFUSAL);
	/* Errors about errors would never end; nor is anything else asked. */
	if (!(p->kinds & PACKET_TCP))
		return 0;
	return p->family == AF_INET ? refuse4(p, bytes, refusal, answer) :
				      refuse6(p, bytes, refusal, answer);
}

static char *flags_text(uint8_t flags, char text[9])
{
	static const char names[] = "FSRPAUEC";
	size_t i, n = 0;

	for (i = 0; i < 8; i++)
		if (flags & 1 << i)
			text[n++] = names[i];
	text[n] = '\0';
	return text;
}

char *packet_text(const struct packet *p, char *text, size_t size)
{
	char src[INET6_ADDRSTRLEN] = "?", dst[INET6_ADDRSTRLEN] = "?";
	char flags[9];

	if (p->family) {
		inet_ntop(p->family, &p->saddr, src, sizeof(src));
		inet_ntop(p->family, &p->daddr, dst, sizeof(dst));
	}
	if (p->kinds & PACKET_TCP)
		snprintf(text, size,
			 "%s.%u > %s.%u %s seq %u ack %u len %u win %u%s%s%s",
			 src, p->sport, dst, p->dport,
			 flags_text(p->flags, flags),
			 p->placed ? p->offset : p->seq,
			 p->placed ? p->acked : p->ack, p->len, p->window,
			 p->n_sacks ? " sack" : "",
			 p->kinds & PACKET_AGAIN ? " again" : "",
			 p->kinds & PACKET_PROBE ? " probe" : "");
	else if (p->kinds & PACKET_ICMP)
		snprintf(text, size, "%s > %s icmp %u/%u", src, dst,
			 p->icmp_type, p->icmp_code);
	else
		snprintf(text, size, "%s > %s protocol %u, %u bytes", src, dst,
			 p->protocol, p->size);
	return text;
}
