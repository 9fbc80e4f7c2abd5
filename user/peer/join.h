/* SPDX-License-Identifier: GPL-2.0 */
/* The way to a rendezvous and through a meeting there, with its sockets. */
#ifndef TCBSCOPE_PEER_JOIN_H
#define TCBSCOPE_PEER_JOIN_H

#include "peer/meet.h"

struct join {
	/* the caller's */
	struct sockaddr_storage rendezvous, own; /* own: any address, port 0 */
	socklen_t len;
	const char *name;
	struct secret secret;
	uint64_t end_ns; /* CLOCK_MONOTONIC: no wait goes on, 0: never */
	int stop;	 /* nor once this is readable */
	bool again;	 /* @mapping is known, from the last time */
	void (*seen)(const struct join *join); /* who we are outside; or NULL */

	/* to be read; own has its port by then */
	struct meet meet;
	enum meet_mapping mapping;
	uint64_t came_ns; /* CLOCK_MONOTONIC: the last of what was said came */
	int fd;		  /* of the rendezvous: keeps the mapping; or -1 */
};

/*
 * Meets the partner, as long as it takes. Returns 0; -EINTR at join->stop;
 * -ETIMEDOUT at join->end_ns; -ECONNREFUSED, -EHOSTUNREACH, ... if the
 * rendezvous is not there; what meet_next() returns; or -ECONNRESET if it has
 * gone.
 */
int join_meet(struct join *join);

/* Gives up the connection to the rendezvous; its port can be had at once. */
void join_leave(struct join *join);

#endif
