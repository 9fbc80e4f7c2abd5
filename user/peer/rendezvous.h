/* SPDX-License-Identifier: GPL-2.0 */
/* The rendezvous: introduces two peers that come with the same name. */
#ifndef TCBSCOPE_PEER_RENDEZVOUS_H
#define TCBSCOPE_PEER_RENDEZVOUS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "peer/meet.h"

/*
 * Messages and their order are in meet.h. It holds no secret, passes on only
 * what is due, each once, and sends nothing that was not asked for by about as
 * many bytes. All of a client is in its struct, so memory is bounded by their
 * number. No I/O here: rendezvous_serve() has the sockets.
 */

#define RENDEZVOUS_HELLO_NS 10000000000ULL /* to join, and for each step */
#define RENDEZVOUS_WAIT_NS 600000000000ULL /* for a partner */

enum rendezvous_state {
	RENDEZVOUS_NEW,	    /* has said nothing yet */
	RENDEZVOUS_READY,   /* waits for a partner */
	RENDEZVOUS_LEAVING, /* waits, once it has answered AGAIN */
	RENDEZVOUS_PAIRED,
	RENDEZVOUS_DONE, /* has been told to start, or asked at the other port */
	RENDEZVOUS_CLOSED, /* to be closed once out is sent */
};

struct rendezvous_pair;

struct rendezvous_client {
	/* the caller's, before rendezvous_add() */
	struct sockaddr_storage from;
	uint16_t other_port; /* to tell it, or 0 */
	uint64_t min_rtt_ns; /* the kernel's: its process adds to it; or 0 */

	/* to be read: what to send; the caller takes it away */
	uint8_t out[512];
	size_t out_len;
	enum rendezvous_state state;
	uint64_t end_ns; /* closed if it has not gone on by then */
	struct rendezvous_client *partner; /* whose out may have grown */

	/* private */
	struct rendezvous_pair *pair;
	enum meet_type last; /* that it sent of this meeting */
	uint64_t paired_ns, rtt_ns;
	uint8_t in[FRAME_HEAD + MEET_PAYLOAD];
	size_t in_len;
};

struct rendezvous {
	/* to be read */
	uint64_t introduced, taken, wrong, lost, slow, confused;

	/* private */
	void *pairs; /* tsearch() tree, by name */
};

void rendezvous_add(struct rendezvous *r, struct rendezvous_client *client,
		    uint64_t now_ns);

/* Where to receive to, and how much. */
void *rendezvous_room(struct rendezvous_client *client, size_t *room);

/* @len bytes have come. -ENOMEM: nothing has happened but that they are lost. */
int rendezvous_take(struct rendezvous *r, struct rendezvous_client *client,
		    size_t len, uint64_t now_ns);

/* Its time is over, if it is. */
void rendezvous_tick(struct rendezvous *r, struct rendezvous_client *client,
		     uint64_t now_ns);

/* The connection is gone: nobody refers to @client any more after this. */
void rendezvous_remove(struct rendezvous *r, struct rendezvous_client *client,
		       uint64_t now_ns);

/*
 * Serve on @n endpoints of one family, of which clients are told the second as
 * the other port, until @stop is readable. Returns 0 or -errno; *@failed is the
 * endpoint that could not be listened on, or -1.
 */
struct rendezvous_listen {
	struct sockaddr_storage at[2];
	const char *text[2]; /* as they were written */
	socklen_t len;
	int n;
};

#define RENDEZVOUS_CLIENTS 8192 /* at once */
#define RENDEZVOUS_BURST 512	/* connections of one address at once, */
#define RENDEZVOUS_RATE 32	/* and then so many a second */

int rendezvous_serve(struct rendezvous *r,
		     const struct rendezvous_listen *where, int stop,
		     int *failed);

#endif
