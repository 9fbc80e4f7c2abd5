/* SPDX-License-Identifier: GPL-2.0 */
/* The neighbour gate: holds all packets of a veth pair until it is opened. */
#ifndef TCBSCOPE_LAB_GATE_H
#define TCBSCOPE_LAB_GATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "lab/netns.h"

/*
 * The route to the peer leads through a next hop that does not exist
 * (10.8.0.9, fd08::9). While its link-layer address is unknown, packets wait in
 * the neighbour's queue, in order; once it is set to the peer's, they all go.
 *
 *	closed:	connect() on both ends, each SYN waits
 *	opened:	the SYNs cross, whichever side was opened first: the SYN+ACK
 *		of the other side queues up behind its own SYN
 *
 * The same goes for FINs. No program has to touch a packet, nothing depends on
 * time, and one CPU is enough. What holds: up to 60 s (GATE_HOLD_SECONDS), then
 * the kernel gives the sender EHOSTUNREACH; and as much as the neighbour queue
 * takes (unres_qlen_bytes), beyond which the oldest packets are dropped.
 */

#define GATE_HOLD_SECONDS 60

struct gate {
	const struct netns_pair *pair; /* has to outlive the gate */

	/* private */
	struct nl_sock *sock[2];
	bool open[2];
};

/*
 * Lay the routes of both sides and both families through the gate, closed.
 * Returns 0 or -errno with nothing to free; gate_exit() else.
 */
int gate_init(struct gate *gate, const struct netns_pair *pair);

/*
 * No retransmission timeout of connections that side 0 or 1 makes from now on
 * is shorter. Returns 0 or -errno.
 */
int gate_rto_min(struct gate *gate, int side, unsigned int ms);

/* Free the gate. The routes stay, closed or open, as long as the pair does. */
void gate_exit(struct gate *gate);

/*
 * Open or close one side (0 or 1: packets that this side sends) or both, side 0
 * first. To open an open side or to close a closed one does nothing; packets
 * that are held stay held. All return 0 or -errno. When they return the held
 * packets have left; that they have arrived is to be waited for.
 */
int gate_open(struct gate *gate);
int gate_close(struct gate *gate);
int gate_open_side(struct gate *gate, int side);
int gate_close_side(struct gate *gate, int side);

/*
 * The two ends of a connection over the gate: fill in @ends[0] and @ends[1]
 * with the addresses of both sides and the given ports (host order). Returns
 * the length of both. @family is AF_INET or AF_INET6.
 */
socklen_t gate_endpoints(const struct gate *gate, int family, uint16_t port0,
			 uint16_t port1, struct sockaddr_storage ends[2]);

/*
 * Wait until a packet of @family is held on @side, for @timeout_ns at most.
 * Returns 0, -ETIMEDOUT, or -errno.
 */
int gate_wait_held(const struct gate *gate, int side, int family,
		   uint64_t timeout_ns);

/*
 * Wait until on @side a socket from @local to @remote is in one of @states, a
 * set of GATE_STATE() bits, for @timeout_ns at most. Sockets that nobody holds
 * any more and those in TIME_WAIT count too. Returns the state found, a TCP_*
 * of <netinet/tcp.h>, -ETIMEDOUT, or -errno.
 */
#define GATE_STATE(state) (1U << (state))
int gate_wait_tcp(const struct gate *gate, int side,
		  const struct sockaddr_storage *local,
		  const struct sockaddr_storage *remote, unsigned int states,
		  uint64_t timeout_ns);

#endif /* TCBSCOPE_LAB_GATE_H */
