/* SPDX-License-Identifier: GPL-2.0 */
/* Hole punching: all endpoints of the partner at once, until one is proven. */
#ifndef TCBSCOPE_PEER_PUNCH_H
#define TCBSCOPE_PEER_PUNCH_H

#include "peer/meet.h"
#include "peer/peer.h"

/*
 * Every candidate has an engine of its own, all from the same port. A NAT that
 * drops a SYN that comes too early gets the kernel's repetitions. One that
 * answers it by an RST forgets the port of whoever sent it, and the SYNs of
 * both must be under way at once. If they are not for as long as
 * PUNCH_PLAIN_NS, the two take turns: one sends SYNs that end somewhere between
 * the NATs, and so are refused by nobody, and waits (peer_limit()); the other
 * one's SYN then finds the way that they have made. Whose turn it is, and how
 * far they go, is told by the time since the start that was agreed. Never may
 * both have such SYNs under way: one that passes the NAT of the other and does
 * not reach it makes that NAT wait for a SYN+ACK, for a minute, and pass on no
 * other SYN. So between two turns there is PUNCH_GUARD_NS, in which no SYN gets
 * beyond the own NAT.
 *
 * A NAT can be spoiled for this pair of ports all the same. So a meeting is not
 * given the whole deadline, unless it is the last one: when its time is over
 * both ends give their ports up, meet at the rendezvous again, from others, and
 * have another start (punch_renew()). What is open by then is still proven, or
 * has failed, before that: who comes first waits for the other.
 *
 * On a connection that is open both ends prove the secret, for an address that
 * is local to the partner may be a stranger's here; then role 0 takes the first
 * that is proven and says so.
 *
 * It is driven as peer.h is. No I/O but that of the engines and the proofs.
 */

/* Frames on each connection that is open, before any that is the user's. */
#define PUNCH_PROOF 'Q' /* of role 0; and of 1, once it has that of 0 */
#define PUNCH_TAKE 'Y'	/* of role 0: this one */

enum punch_kind { PUNCH_PUBLIC, PUNCH_LOCAL, PUNCH_IPV6 };

#define PUNCH_TRIES (MEET_CANDIDATE_MAX + 1)
#define PUNCH_MEETINGS 5 /* at most: the last one takes what is left */

struct punch_config {
	struct peer_config peer;     /* all but the endpoints and the start */
	uint64_t told_ns;	     /* when the start was told: MEET_START */
	struct sockaddr_storage own; /* any address of it may be sent from */
};

struct punch_try {
	enum punch_kind kind;
	struct peer_config config;
	struct peer_result result; /* summed over all that came to nothing */
	bool stranger;		   /* who was there had no proof */
	enum { PUNCH_OPENING, PUNCH_PROVING, PUNCH_DEAD } state;

	/* private */
	struct peer peer;
	uint64_t until_ns; /* for the proof */
	uint8_t in[2 * FRAME_HEAD + SECRET_PROOF];
	size_t in_len;
};

struct punch {
	struct punch_try tries[PUNCH_TRIES]; /* in order of preference */
	unsigned int n;
	int winner; /* index, or -1 */
	int fd;	    /* the winner's, the caller's */
	const struct meet *meet;
	unsigned int meetings; /* with this one */
	uint64_t begin_ns;     /* CLOCK_MONOTONIC: start of the first one, */
	uint64_t last_ns;      /* when no other one may go on any more */

	/* private */
	uint64_t start_ns, end_ns; /* of this one */
};

/*
 * After MEET_START; @meet has to outlive it. Returns 0, or -ENOENT if the
 * partner has no endpoint that could be tried.
 */
int punch_init(struct punch *punch, const struct meet *meet,
	       const struct punch_config *config);

/*
 * Go on for a millisecond at most. Returns 1, 0 with punch->fd connected and
 * proven, -EAGAIN: meet again before punch->last_ns and renew it, or
 * -ETIMEDOUT: diagnose() says why.
 */
int punch_step(struct punch *punch);

/*
 * After punch_exit() and another MEET_START with the same partner: once more,
 * as punch_init(), but what has been counted so far stays.
 */
int punch_renew(struct punch *punch, const struct meet *meet,
		const struct punch_config *config);

/* Do both come from the same address? Then there may be a way inside. */
bool punch_same_nat(const struct punch *punch);

/* Closes all but the winner's. */
void punch_exit(struct punch *punch);

/* Own candidates: the addresses of this host, with the port of @own. */
void punch_offer(struct meet_offer *offer, const struct sockaddr_storage *own);

/* What our NAT does to ports: as it was seen at two ports (@other NULL: one). */
enum meet_mapping punch_mapping(const struct meet_offer *offer,
				const struct sockaddr_storage *own,
				const struct sockaddr_storage *seen,
				const struct sockaddr_storage *other);

#endif
