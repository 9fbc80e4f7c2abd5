// SPDX-License-Identifier: GPL-2.0
/*
 * Bytes as packets of the wire. Claims: nothing beyond a packet is read; what
 * is told of it lies inside; an answer to it is a packet, and gets none.
 */
#include "lab/packet.h"
#include "lab/rule.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static void fuzz_answer(const struct packet *p, const uint8_t *bytes)
{
	static const struct packet_refusal refusals[] = {
		{ .mtu = 1280 },
		{ .code = 1 },
	};
	uint8_t answer[PACKET_REFUSAL], again[PACKET_REFUSAL];
	struct packet told;
	size_t i, n;

	for (i = 0; i < 2; i++) {
		n = packet_refuse(p, bytes, &refusals[i], answer);
		FUZZ_CLAIM(n <= sizeof(answer));
		FUZZ_CLAIM(!n == !(p->kinds & PACKET_TCP));
		if (!n)
			continue;
		packet_read(&told, answer, n);
		FUZZ_CLAIM(told.kinds == PACKET_ICMP);
		FUZZ_CLAIM(!packet_refuse(&told, answer, &refusals[i], again));
	}
}

/* A byte says how long the next packet is. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct rule_match second_byte = { .begin = 1, .end = 2 };
	struct packet_flows flows = {};
	char text[256];
	struct packet p;
	size_t n;

	for (; size; data += n, size -= n) {
		n = *data++;
		if (n > --size)
			n = size;
		packet_read(&p, data, n);
		FUZZ_CLAIM(p.kinds && !(p.kinds & ~PACKET_ANY));
		FUZZ_CLAIM(p.len < n || !n);
		FUZZ_CLAIM(p.n_sacks <= PACKET_SACKS);
		FUZZ_CLAIM(!(p.kinds & PACKET_OTHER) ||
			   p.kinds == PACKET_OTHER);
		packet_place(&p, &flows);
		FUZZ_CLAIM(!rule_matches(&second_byte, 0, &p) || p.len);
		packet_text(&p, text, sizeof(text));
		fuzz_harmless(text, strlen(text));
		fuzz_answer(&p, data);
	}
	return 0;
}
