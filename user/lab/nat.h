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
 * The link between NAT 0 and the middle is a wire, so that it has a delay.
 *
 * The NATs are nftables' masquerade in namespaces of their own. It needs the
 * program nft, and a kernel with nf_tables and NAT.
 */

#include "lab/wire.h"

enum nat_mapping {
	NAT_PRESERVING, /* the same port outside */
	NAT_RANDOM,	/* another one for each destination: symmetric */
};

enum nat_filter {
	NAT_RESET, /* a SYN that nobody inside waits for is refused, */
	NAT_DROP,  /* or dropped */
};

struct nat_kind {
	enum nat_mapping mapping;
	enum nat_filter filter;
};

#define NAT_RENDEZVOUS "203.0.113.1" /* an address of the middle */

struct nat_lab {
	int host[2], nat[2], middle; /* fds of the namespaces */
	struct wire *wire;	     /* NULL: none */
};

/*
 * With @delay_ns one way, 0 for no wire but a veth pair. Returns 0, or -errno
 * with nothing left behind.
 */
int nat_create(struct nat_lab *lab, uint64_t delay_ns);
void nat_destroy(struct nat_lab *lab);

/*
 * Make NAT 0 or 1 one of that kind; it forgets what it knew. Returns 0,
 * -ENOENT if there is no nft, -EOPNOTSUPP if it refused, or -errno.
 */
int nat_set(const struct nat_lab *lab, int which, struct nat_kind kind);

#endif
