/* SPDX-License-Identifier: GPL-2.0 */
/* The talk over a connection: a line each way, a pause, an orderly close. */
#ifndef TCBSCOPE_PEER_TALK_H
#define TCBSCOPE_PEER_TALK_H

#include "peer/close.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Either wait here, each wait with an end:
 *
 *	talk_init(&talk);
 *	err = talk_say(&talk, "hello");
 *	talk.fd = fd;
 *	err = talk_exchange(&talk, timeout_ns);
 *	use(talk.in, talk_line(&talk));
 *	talk_close(&talk, CLOSE_NORMAL, timeout_ns);
 *
 * or poll() for talk_events() among other things, and talk_step() with what it
 * returned, which never waits.
 */

#define TALK_LINE_SIZE 4096 /* bytes of one line, newline included */

struct talk {
	/* the caller's to set after talk_init() */
	int fd;		/* connected, non-blocking; talk_close() closes it */
	int stop;	/* once this is readable, no wait goes on; -1: none */
	bool fin_first; /* our FIN goes with the line, for CLOSE_FIRST */

	/* to be read */
	char in[TALK_LINE_SIZE]; /* not terminated */
	size_t in_len;		 /* may be more than the line */
	size_t sent;		 /* bytes of ours, newline included */

	/* private */
	char out[TALK_LINE_SIZE];
	size_t out_len;
	bool heard; /* the peer's line is whole */
};

/* Nothing to say, nothing heard, no descriptor. */
void talk_init(struct talk *talk);

/*
 * Sets the one line to send, which gets its newline here. Returns 0, or -EINVAL
 * if it has one already, or -EMSGSIZE if it exceeds TALK_LINE_SIZE with it.
 */
int talk_say(struct talk *talk, const char *line);

/* The poll() events that the talk waits for; 0: it is over. */
short talk_events(const struct talk *talk);

/*
 * Sends and receives what it can by poll()'s @revents for talk->fd, both at
 * most once, without waiting. The peer's line is whole at its newline, at the
 * peer's FIN, or when talk->in is full. Returns
 *
 *	1	not yet over: poll for talk_events() again
 *	0	ours is sent, the peer's is whole
 *	-errno	from send() or recv()
 */
int talk_step(struct talk *talk, short revents);

/*
 * Steps until the talk is over. Both ways at once: neither end has to read
 * before the other does. Returns 0, -ETIMEDOUT after @timeout_ns, -EINTR if
 * talk->stop is readable, or another -errno. What was heard stays in talk->in.
 */
int talk_exchange(struct talk *talk, uint64_t timeout_ns);

/* Length of the peer's line, or of its start: at talk->in, without newline. */
size_t talk_line(const struct talk *talk);

/*
 * Waits until @input yields a line or ends, as long as it takes; what is read
 * from it is thrown away. talk->stop ends it just as well. A reset ends it with
 * an error; the peer's FIN does not: to stay in CLOSE_WAIT may be what is
 * wanted. Returns 0, -ECONNRESET or what else the connection met, or -errno of
 * poll().
 */
int talk_hold(const struct talk *talk, int input);

/*
 * Closes, see close.h. talk->fd is -1 then; the rest can still be read.
 */
void talk_close(struct talk *talk, enum close_how how, uint64_t timeout_ns);

#endif
