// SPDX-License-Identifier: GPL-2.0
/* Why a hole could not be punched, and what the NATs seem to do. */
#include "peer/diagnose.h"

#include <stddef.h>

/* The kernel has repeated the first SYN by then. */
#define DIAGNOSE_SILENCE_NS 1000000000ULL

static enum diagnose_filter diagnose_filter(const struct peer_result *res)
{
	if (res->refused)
		return DIAGNOSE_FILTER_RESET;
	if (res->attempts && res->elapsed_ns >= DIAGNOSE_SILENCE_NS)
		return DIAGNOSE_FILTER_DROP;
	return DIAGNOSE_FILTER_UNKNOWN;
}

struct diagnosis diagnose(const struct punch *p)
{
	struct diagnosis d = { .why = DIAGNOSE_UNREACHABLE };
	const struct peer_result *res;
	bool stranger = false;
	unsigned int i;

	for (i = 0; i < p->n; i++) {
		res = &p->tries[i].result;
		stranger |= p->tries[i].stranger;
		/* The others say nothing about a NAT. */
		if (p->tries[i].kind != PUNCH_PUBLIC || !res->attempts)
			continue;
		d.filter = diagnose_filter(res);
		d.why = res->refused + res->reset + res->limited >= res->attempts ?
				DIAGNOSE_REFUSED :
				DIAGNOSE_FILTERED;
	}
	if (p->winner >= 0)
		d.why = DIAGNOSE_OPEN;
	else if (p->meet->own.mapping == MEET_MAPPING_SYMMETRIC)
		d.why = DIAGNOSE_SYMMETRIC_OWN;
	else if (p->meet->partner.mapping == MEET_MAPPING_SYMMETRIC)
		d.why = DIAGNOSE_SYMMETRIC_PARTNER;
	else if (stranger)
		d.why = DIAGNOSE_STRANGER;
	return d;
}

static const struct {
	const char *name, *text, *help;
} diagnose_words[] = {
	[DIAGNOSE_OPEN] = { "open", NULL, NULL },
	[DIAGNOSE_SYMMETRIC_OWN] = {
		"symmetric_own",
		"the NAT here takes another port for each destination: the "
		"partner cannot know which one",
		"forward a port on it and use that with -l, use IPv6, or let "
		"the partner's NAT forward one",
	},
	[DIAGNOSE_SYMMETRIC_PARTNER] = {
		"symmetric_partner",
		"the partner's NAT takes another port for each destination: "
		"there is no knowing which one",
		"forward a port on it, or use IPv6",
	},
	[DIAGNOSE_REFUSED] = {
		"refused",
		"every SYN was answered by an RST: none was under way long "
		"enough to meet one of the partner's, or its NAT lets none in",
		"try again with a longer --deadline; forward a port if that "
		"does not help",
	},
	[DIAGNOSE_FILTERED] = {
		"filtered",
		"SYNs were dropped: by a firewall that lets none in even while "
		"one is under way, or that lets ours not out",
		"allow TCP from this port outwards, forward a port, or use "
		"IPv6",
	},
	[DIAGNOSE_UNREACHABLE] = {
		"unreachable",
		"there was no way to any of the partner's addresses",
		"see ip route",
	},
	[DIAGNOSE_STRANGER] = {
		"stranger",
		"somebody without the secret has that address here",
		"try again; the local networks of both may be numbered alike",
	},
};

const char *diagnose_name(enum diagnose_why why)
{
	return diagnose_words[why].name;
}

const char *diagnose_text(enum diagnose_why why)
{
	return diagnose_words[why].text;
}

const char *diagnose_help(enum diagnose_why why)
{
	return diagnose_words[why].help;
}

const char *diagnose_filter_name(enum diagnose_filter filter)
{
	static const char *const names[] = {
		[DIAGNOSE_FILTER_UNKNOWN] = "unknown",
		[DIAGNOSE_FILTER_RESET] = "reset",
		[DIAGNOSE_FILTER_DROP] = "drop",
	};

	return names[filter];
}

const char *diagnose_mapping_name(enum meet_mapping mapping)
{
	static const char *const names[] = {
		[MEET_MAPPING_UNKNOWN] = "unknown",
		[MEET_MAPPING_NONE] = "none",
		[MEET_MAPPING_PRESERVING] = "preserving",
		[MEET_MAPPING_REMAPPING] = "remapping",
		[MEET_MAPPING_SYMMETRIC] = "symmetric",
	};

	return names[mapping];
}

const char *diagnose_kind_name(enum punch_kind kind)
{
	static const char *const names[] = {
		[PUNCH_PUBLIC] = "public",
		[PUNCH_LOCAL] = "local",
		[PUNCH_IPV6] = "ipv6",
	};

	return names[kind];
}
