// SPDX-License-Identifier: GPL-2.0
/* A rule of the wire, as data: which packets, and what becomes of them. */
#include "lab/rule.h"

/* Does it carry one of the bytes? Offsets are modulo 2^32, as the stream. */
static bool carries(const struct packet *p, uint32_t begin, uint32_t end)
{
	if (!p->placed || !p->len)
		return false;
	return p->offset - begin < end - begin || begin - p->offset < p->len;
}

bool rule_matches(const struct rule_match *which, int from,
		  const struct packet *p)
{
	unsigned int kinds = which->kinds ?: PACKET_TCP;

	if (which->from && which->from != (from ? RULE_B : RULE_A))
		return false;
	if (!(p->kinds & kinds))
		return false;
	if (which->sport && which->sport != p->sport)
		return false;
	if (which->dport && which->dport != p->dport)
		return false;
	if (which->end && !carries(p, which->begin, which->end))
		return false;
	return p->size > which->longer;
}

bool rule_selects(const struct rule *rule, unsigned int n)
{
	unsigned int first = rule->nth ?: rule->every ?: 1;
	unsigned int last = rule->to;

	if (!last) /* the @nth alone, unless there is no such number */
		last = rule->nth && !rule->every ? first : RULE_EVER;
	if (n < first || n > last)
		return false;
	return !rule->every || (n - first) % rule->every == 0;
}
