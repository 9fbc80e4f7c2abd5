/* SPDX-License-Identifier: GPL-2.0 */
/* A rule of the wire, as data: which packets, and what becomes of them. */
#ifndef TCBSCOPE_LAB_RULE_H
#define TCBSCOPE_LAB_RULE_H

#include "lab/packet.h"

#include <limits.h>

/*
 *	{ .which = { .from = RULE_A, .kinds = PACKET_DATA },
 *	  .nth = 20, .action = RULE_DROP }
 *
 * loses the 20th segment with data that side 0 sends.
 */

enum rule_from {
	RULE_BOTH,
	RULE_A, /* sent by side 0, */
	RULE_B, /* by side 1 */
};

/* All that is set has to be so; all zero is every TCP segment. */
struct rule_match {
	enum rule_from from;
	unsigned int kinds; /* any of these PACKET_ bits; 0: PACKET_TCP */
	uint16_t sport, dport;
	/* Carries one of these bytes of its stream, [begin, end). */
	uint32_t begin, end;
	uint32_t longer; /* has more bytes than this, IP header and all */
};

enum rule_action {
	RULE_PASS,	/* nothing, whatever rules behind this one say */
	RULE_SEE,	/* nothing, and the rules behind this one decide */
	RULE_DROP,	/* it is lost */
	RULE_DELAY,	/* delay_ns later than it would; others overtake it */
	RULE_REORDER,	/* .. after .behind more of its direction have gone */
	RULE_DUPLICATE, /* it arrives twice */
	RULE_HOLD,	/* it waits until wire_release() or wire_remove() */
	RULE_REFUSE,	/* it is lost, and its sender gets an ICMP error */
};

#define RULE_EVER UINT_MAX

struct rule {
	struct rule_match which;
	/*
	 * Of those that match since the rule was there: all, if these are zero;
	 * the @nth, counted from 1; from there up to @to; of these, each
	 * @every-th, the first being @nth or, if that is 0, @every.
	 */
	unsigned int nth, to, every;

	enum rule_action action;
	uint64_t delay_ns;
	unsigned int behind;
	struct packet_refusal refusal;
};

/* @from: 0 or 1, the side that has sent it. */
bool rule_matches(const struct rule_match *which, int from,
		  const struct packet *p);

/* Is it the turn of the @n-th packet that matches, counted from 1? */
bool rule_selects(const struct rule *rule, unsigned int n);

#endif
