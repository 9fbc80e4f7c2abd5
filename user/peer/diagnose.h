/* SPDX-License-Identifier: GPL-2.0 */
/* Why a hole could not be punched, and what the NATs seem to do. */
#ifndef TCBSCOPE_PEER_DIAGNOSE_H
#define TCBSCOPE_PEER_DIAGNOSE_H

#include "peer/punch.h"

/* What becomes of a SYN that nobody inside has asked for. */
enum diagnose_filter {
	DIAGNOSE_FILTER_UNKNOWN,
	DIAGNOSE_FILTER_RESET, /* an RST came back */
	DIAGNOSE_FILTER_DROP,  /* nothing did, for longer than a second */
};

enum diagnose_why {
	DIAGNOSE_OPEN,
	DIAGNOSE_SYMMETRIC_OWN,	    /* our NAT: a port for each destination */
	DIAGNOSE_SYMMETRIC_PARTNER, /* theirs */
	DIAGNOSE_STRANGER,	    /* somebody else is there */
	DIAGNOSE_REFUSED,	    /* SYNs met an RST */
	DIAGNOSE_FILTERED,	    /* SYNs have gone unanswered */
	DIAGNOSE_UNREACHABLE,	    /* none could be sent, or got there */
	DIAGNOSE_REASONS,
};

struct diagnosis {
	enum diagnose_why why;
	enum diagnose_filter filter; /* of the partner's NAT */
};

/* To be asked when punch_step() has ended, before punch_exit(). */
struct diagnosis diagnose(const struct punch *punch);

/* Words: for JSON, and for people. */
const char *diagnose_name(enum diagnose_why why);
const char *diagnose_text(enum diagnose_why why);
const char *diagnose_help(enum diagnose_why why);
const char *diagnose_filter_name(enum diagnose_filter filter);
const char *diagnose_mapping_name(enum meet_mapping mapping);
const char *diagnose_kind_name(enum punch_kind kind);

#endif
