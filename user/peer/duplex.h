/* SPDX-License-Identifier: GPL-2.0 */
/* Both ways at once: our input to the peer, the peer's to our output. */
#ifndef TCBSCOPE_PEER_DUPLEX_H
#define TCBSCOPE_PEER_DUPLEX_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include <nettle/sha2.h>

#include "peer/frame.h"

/*
 * What is read from the input at once becomes a frame; the end of the input one
 * that says how much there was and its SHA-256. The other end answers that with
 * what it got, so that both know whether all has arrived. Types, in the order
 * of one direction; the last two may come in either order:
 *
 *	'H'	"tcbpeer" and a version: first of all
 *	'D'	data
 *	'E'	end: bytes (8), SHA-256 (32) of all data sent
 *	'V'	verdict: the same of all data received
 *
 * Raw, there are no frames, and a FIN is the end of the input.
 *
 * Memory is bounded: nothing is read from the peer while the output takes
 * nothing, nothing from the input while the peer takes nothing.
 *
 *	duplex_init(&duplex);
 *	duplex.fd = fd; ...
 *	do {
 *		duplex_poll(&duplex, pfds);
 *		poll(pfds, DUPLEX_FDS, -1);
 *		err = duplex_step(&duplex, pfds);
 *	} while (err > 0);
 */

#define DUPLEX_CHUNK 65536 /* the longest payload */
#define DUPLEX_FDS 3

enum duplex_form {
	DUPLEX_BYTES,	 /* the peer's bytes as they are */
	DUPLEX_TERMINAL, /* what could steer a terminal is escaped */
	DUPLEX_JSON,	 /* an object for each frame, or read if raw */
};

/* Whose error duplex_step() returns. */
enum duplex_where { DUPLEX_PEER, DUPLEX_INPUT, DUPLEX_OUTPUT };

struct duplex_buffer {
	uint32_t begin, end;
	uint8_t data[6 * DUPLEX_CHUNK + 64]; /* as JSON has it, at worst */
};

struct duplex {
	/* the caller's to set after duplex_init(); it closes none of them */
	int fd;	       /* connected, non-blocking */
	int in, out;   /* may be blocking; in -1: nothing to send */
	uint64_t size; /* of a file that is the input, when it began; else 0 */
	bool raw;
	bool chat; /* a line "quit" ends the input */
	enum duplex_form form;

	/* to be read */
	uint64_t sent, received; /* bytes of data */
	bool in_ended;		 /* our input has */
	bool peer_ended;	 /* its input has */
	bool verified;		 /* the peer has got all that was sent */
	enum duplex_where where;

	/* private */
	bool end_sent, verdict_sent, greeted, heard, fin;
	struct sha256_ctx sent_hash, received_hash;
	struct duplex_buffer to_peer, from_peer, to_out;
};

void duplex_init(struct duplex *duplex);

/* What to poll for; a descriptor that is not waited for is -1. */
void duplex_poll(const struct duplex *duplex, struct pollfd pfds[DUPLEX_FDS]);

/*
 * Does what it can by poll()'s answer, each at most once, without waiting.
 * Returns
 *
 *	1		not yet over: poll again
 *	0		over: all was sent, received and written
 *	-EPROTO		the peer speaks something else
 *	-EBADMSG	what has arrived, here or there, is not what was sent
 *	-ENODATA	the peer's FIN came before its end
 *	-ESTALE		the input, a file, has become shorter meanwhile
 *	-errno		of duplex->where
 */
int duplex_step(struct duplex *duplex, const struct pollfd pfds[DUPLEX_FDS]);

#endif
