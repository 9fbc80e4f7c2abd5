// SPDX-License-Identifier: GPL-2.0
/* Why a hole could not be punched, and what the NATs seem to do. */
#include "peer/diagnose.h"

#include <errno.h>
#include <stddef.h>

/* The kernel has repeated a SYN by then: it was dropped. */
#define DIAGNOSE_SILENCE_NS 1000000000ULL

static enum diagnose_filter diagnose_filter(const struct peer_result *res)
{
	if (res->refused)
		return DIAGNOSE_FILTER_RESET;
	if (res->attempts && res->elapsed_ns >= DIAGNOSE_SILENCE_NS)
		return DIAGNOSE_FILTER_DROP;
	return DIAGNOSE_FILTER_UNKNOWN;
}

/* What stands in the way to one endpoint. */
static enum diagnose_why diagnose_try(const struct punch_try *try)
{
	const struct peer_result *res = &try->result;

	/* Who let us in and has proven nothing since is none of ours either. */
	if (try->stranger || try->state == PUNCH_PROVING)
		return DIAGNOSE_STRANGER;
	/* A NAT that is spoiled lets no RST through either, any more. */
	if (res->refused || res->reset)
		return DIAGNOSE_REFUSED;
	if (!res->attempts || res->unreachable || res->error == -ENETUNREACH ||
	    res->error == -EHOSTUNREACH)
		return DIAGNOSE_UNREACHABLE;
	return DIAGNOSE_FILTERED;
}

/*
 * Of several endpoints the one that came nearest counts: the enum has those
 * reasons in that order.
 */
static enum diagnose_why diagnose_way(const struct punch *p)
{
	enum diagnose_why why = DIAGNOSE_UNREACHABLE, this;
	unsigned int i;

	for (i = 0; i < p->n; i++) {
		/* An inner address that is not of here says nothing. */
		if ((p->tries[i].kind == PUNCH_LOCAL) != punch_same_nat(p))
			continue;
		this = diagnose_try(&p->tries[i]);
		if (this < why)
			why = this;
	}
	return why;
}

struct diagnosis diagnose(const struct punch *p)
{
	struct diagnosis d = { .filter = DIAGNOSE_FILTER_UNKNOWN };
	unsigned int i;

	for (i = 0; i < p->n; i++) {
		if (p->tries[i].kind == PUNCH_PUBLIC)
			d.filter = diagnose_filter(&p->tries[i].result);
	}
	if (p->winner >= 0)
		d.why = DIAGNOSE_OPEN;
	else if (p->meet->own.mapping == MEET_MAPPING_SYMMETRIC)
		d.why = DIAGNOSE_SYMMETRIC_OWN;
	else if (p->meet->partner.mapping == MEET_MAPPING_SYMMETRIC)
		d.why = DIAGNOSE_SYMMETRIC_PARTNER;
	else
		d.why = diagnose_way(p);
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
		"SYNs were answered by an RST: none was under way long enough "
		"to meet one of the partner's, or its NAT lets none in",
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
		"no way leads to any of the partner's addresses: this host or a "
		"router has none",
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
