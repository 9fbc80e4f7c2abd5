/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Piles: sockets of one owner and service that wait for the end of a
 * connection, in CLOSE_WAIT, FIN_WAIT2 or TIME_WAIT.
 */
#ifndef TCBSCOPE_EVENT_PILES_H
#define TCBSCOPE_EVENT_PILES_H

#include "event/schema.h"

#define PILE_FDS 16   /* file descriptors that are kept */
#define PILE_PEERS 16 /* peers that are told apart */

struct pile {
	enum tcb_state state; /* what a minisocket stands in for */
	struct event ev;      /* of the first socket: owner, namespace */
	bool held;	      /* by a process */
	bool server; /* the service is the local port, else the peer's */
	port_t port; /* of the service */
	addr_t addr; /* of the service, if it is the peer's */
	size_t n;
	nsec_t oldest; /* ~0: unknown */
	__u32 fds[PILE_FDS];
	unsigned int n_fds; /* kept; there are n if it is held */
	struct pile_peer {
		enum family family;
		addr_t addr;
		size_t n;
	} peers[PILE_PEERS];
	unsigned int n_peers;
	size_t other_peers; /* sockets of peers beyond those */
};

struct piles {
	struct pile *pile; /* the largest first */
	size_t n;
};

/*
 * Makes piles of @n sockets, listeners among them, which say what a service
 * is. 0 or -ENOMEM; piles_free() in any case.
 */
int piles_make(struct piles *piles, const struct event_socket *s, size_t n);
void piles_free(struct piles *piles);

/* What makes such a pile and what ends it, in a sentence. */
const char *pile_advice(const struct pile *pile);

#endif
