/* SPDX-License-Identifier: GPL-2.0 */
/* Two hosts, each behind a NAT, and a third host that both can reach. */
#ifndef TCBSCOPE_LAB_NAT_H
#define TCBSCOPE_LAB_NAT_H

/*
 *	host 0         NAT 0                      NAT 1         host 1
 *	10.1.0.2 == 10.1.0.1                   10.2.0.1 == 10.2.0.2
 *	            203.0.113.2 == middle == 203.0.114.2
 *	                  203.0.113.1, 203.0.114.1
 *
 * Each address has one of IPv6 beside it: fd0a:100::2 is host 0, fdcb:71::1 the
 * middle. The link between NAT 0 and the middle is a wire, so that it has a
 * delay.
 *
 * The NATs are nftables' masquerade in namespaces of their own. It needs the
 * program nft, and a kernel with nf_tables and NAT.
 */

#include <stdbool.h>

#include "lab/wire.h"

/* Which port it takes outside. */
enum nat_mapping {
	NAT_PRESERVING,	  /* the same */
	NAT_REMAPPING,	  /* another one, for all destinations the same */
	NAT_RANDOM,	  /* another one for each destination: symmetric */
	NAT_FULLY_RANDOM, /* as well; nft has two ways to choose it */
};

/* What becomes of a SYN from outside. */
enum nat_filter {
	NAT_RESET,	  /* one that nobody inside waits for is refused, */
	NAT_DROP,	  /* or dropped */
	NAT_CLOSED_RESET, /* each is refused, also one that is waited for, */
	NAT_CLOSED_DROP,  /* or dropped before the NAT has seen it; */
	NAT_NO_WAY, /* dropped as well, and out it leads to the middle only */
};

struct nat_kind {
	enum nat_mapping mapping;
	enum nat_filter filter;
	bool route6;	 /* IPv6 keeps its addresses, and is only filtered */
	bool spoiled;	 /* leads to the middle only from the first port */
	uint16_t serves; /* a port at which it is a host as well; 0: none */
};

#define NAT_NFT "/usr/sbin/nft"

#define NAT_HOST0 "10.1.0.2"
#define NAT_HOST1 "10.2.0.2"
#define NAT_RENDEZVOUS "203.0.113.1" /* an address of the middle */
#define NAT_RENDEZVOUS6 "fdcb:71::1"

struct nat_lab {
	int host[2], nat[2], middle; /* fds of the namespaces */
	struct wire *wire;	     /* NULL: none */
	int near; /* index of the middle's device towards NAT 0 */
};

/*
 * Between two namespaces that are empty, or if @host is NULL two of its own.
 * With @wire NULL there is a veth pair instead. Returns 0, or -errno with
 * nothing left behind.
 */
int nat_create(struct nat_lab *lab, const int host[2],
	       const struct wire_config *wire);
void nat_destroy(struct nat_lab *lab);

/*
 * Make NAT 0 or 1 one of that kind, once: what it has let through it does not
 * forget. Returns 0, -ENOENT if there is no nft, -EOPNOTSUPP if it refused, or
 * -errno.
 */
int nat_set(const struct nat_lab *lab, int which, struct nat_kind kind);

#endif
