/* SPDX-License-Identifier: GPL-2.0 */
/* How two peers meet at a rendezvous: the messages, and a peer's part. */
#ifndef TCBSCOPE_PEER_MEET_H
#define TCBSCOPE_PEER_MEET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "peer/frame.h"
#include "peer/secret.h"

/*
 * Frames between a peer and the rendezvous. The rendezvous knows no secret: it
 * passes on what the two have to say to each other, and says itself where they
 * come from and when to begin.
 *
 *	peer A            rendezvous            peer B
 *	JOIN name    -->
 *	             <-- SEEN endpoint
 *	                             <--  JOIN name
 *	                   endpoint SEEN -->
 *	             <-- PAIR 0          PAIR 1 -->
 *	NONCE        -->  passed on  <--  NONCE		fresh for each PAIR
 *	PROOF        -->  passed on  <--  PROOF		of the secret
 *	CANDIDATES   -->  passed on  <--  CANDIDATES	proved as well;
 *			  FROM before each: the public endpoint
 *	             <-- START           START -->
 *
 * A stranger who knows the name gets a NONCE and a PROOF that is worth nothing
 * in another meeting, but no address. A peer that is shown a wrong proof says
 * REFUSE: the second one to come is turned away, the first waits on (AGAIN,
 * which it answers by AGAIN: what it has sent before belongs to no meeting any
 * more), and does not listen to what the other one may have said meanwhile.
 */
enum meet_type {
	MEET_JOIN = 'J',       /* version (1), name */
	MEET_SEEN = 'S',       /* endpoint, the other port or 0 (2) */
	MEET_OTHER = 'O',      /* to the other port: what endpoint is that? */
	MEET_PAIR = 'P',       /* role (1) */
	MEET_NONCE = 'N',      /* nonce */
	MEET_PROOF = 'M',      /* proof */
	MEET_REFUSE = 'R',     /* nothing: the proof was wrong */
	MEET_AGAIN = 'W',      /* nothing: back to waiting, and yes */
	MEET_FROM = 'F',       /* endpoint */
	MEET_CANDIDATES = 'C', /* mapping (1), endpoints, proof */
	MEET_START = 'T',      /* from now on, in us (4) */
	MEET_ERROR = 'X',      /* enum meet_error (1) */
};

enum meet_error {
	MEET_TAKEN = 1, /* two are there already under that name */
	MEET_WRONG,	/* the other one refused our proof */
	MEET_LOST,	/* the other one has gone */
	MEET_BUSY,	/* too many, or too often */
	MEET_SLOW,	/* nobody came, or a step took too long */
	MEET_CONFUSED,	/* a message that is none, or out of turn */
};

#define MEET_VERSION 1
#define MEET_NAME 64	     /* bytes of a name */
#define MEET_ENDPOINT 19     /* family as 4 or 6 (1), port (2), address (16) */
#define MEET_CANDIDATE_MAX 5 /* of its own that a peer offers */
#define MEET_PAYLOAD 160     /* the longest */

/* What a NAT does to a port, as far as a peer can tell of its own. */
enum meet_mapping {
	MEET_MAPPING_UNKNOWN,
	MEET_MAPPING_NONE,	 /* the endpoint seen is a local one: no NAT */
	MEET_MAPPING_PRESERVING, /* the port is the same outside */
	MEET_MAPPING_REMAPPING,	 /* another one, but the same for all */
	MEET_MAPPING_SYMMETRIC,	 /* another one for each destination */
	MEET_MAPPINGS,
};

/* An endpoint, to or from its MEET_ENDPOINT bytes. False: it is none. */
void meet_put_endpoint(uint8_t *at, const struct sockaddr_storage *ss);
bool meet_get_endpoint(const uint8_t *at, struct sockaddr_storage *ss);

struct meet_offer {
	enum meet_mapping mapping;
	unsigned int n;
	struct sockaddr_storage at[MEET_CANDIDATE_MAX];
};

/* A peer's part. No I/O: bytes go in and out. */
struct meet {
	struct meet_offer own; /* the caller's to set, at MEET_SEEN */

	/* to be read */
	struct sockaddr_storage seen; /* us, from outside */
	uint16_t other_port;	      /* of the rendezvous, or 0 */
	uint8_t role;
	uint8_t nonce[2][SECRET_NONCE];
	struct sockaddr_storage from; /* the partner, from outside */
	struct meet_offer partner;
	uint32_t start_us; /* from when MEET_START was taken in */

	/* bytes to be sent: the caller takes them and sets out_len to 0 */
	uint8_t out[512];
	size_t out_len;

	/* private */
	struct secret secret;
	enum meet_type last; /* of what was heard from the partner */
	bool paired, sent_candidates;
	bool refused; /* the proof of whom we are paired with was wrong */
	uint8_t in[FRAME_HEAD + MEET_PAYLOAD];
	size_t in_len;
};

/* Begins with a JOIN to be sent. -EINVAL: the name is empty or too long. */
int meet_init(struct meet *meet, const struct secret *secret, const char *name);

/* Where to receive to, and how much; then say how much has come. */
void *meet_room(struct meet *meet, size_t *room);
void meet_add(struct meet *meet, size_t len);

/*
 * Take in one message. Returns
 *
 *	its type	MEET_SEEN: set meet->own before the next call;
 *			MEET_START: all is known; else there may be more
 *	0		there is none that is whole
 *	-EACCES		the secrets are not the same
 *	-EEXIST		the name is taken
 *	-ENOLINK	the partner has gone
 *	-EBUSY		the rendezvous is
 *	-ETIMEDOUT	it has waited long enough
 *	-EPROTO		it speaks something else
 */
int meet_next(struct meet *meet);

/*
 * The name under which the two that have met, and nobody else, meet once more:
 * it follows from the secret and the nonces of this meeting. The public one is
 * free for others by then.
 */
void meet_name_again(const struct meet *meet, char name[MEET_NAME + 1]);

/* Ask from what endpoint we come, at the other port. */
void meet_other(struct meet *meet);

#endif
