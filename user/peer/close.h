/* SPDX-License-Identifier: GPL-2.0 */
/* The end of a connection: when its FIN goes, or that an RST does. */
#ifndef TCBSCOPE_PEER_CLOSE_H
#define TCBSCOPE_PEER_CLOSE_H

#include <stdbool.h>
#include <stdint.h>

enum close_how {
	CLOSE_NORMAL,	    /* close() when all is said */
	CLOSE_FIRST,	    /* the FIN goes right behind our last byte */
	CLOSE_ABORT,	    /* an RST instead of a FIN */
	CLOSE_HALF,	    /* FIN, then read up to the peer's */
	CLOSE_SIMULTANEOUS, /* at a time that the other end takes as well */
};

/* Up to this time from now, that is the next full second but for a moment. */
#define CLOSE_GRID_NS 1000000000ULL
#define CLOSE_LEAD_NS 250000000ULL

/* The word for it, or -EINVAL. */
int close_parse(const char *word);

/*
 * Closes @fd. Data that arrives after close(), or is unread by then, would make
 * the FIN an RST: with @unread the FIN goes first and what comes is thrown
 * away. CLOSE_HALF does the same, for data that the peer still has to send.
 * Neither waits longer than for the peer's FIN, @timeout_ns, or until @stop
 * (-1: none) is readable.
 */
void close_connection(int fd, enum close_how how, bool unread, int stop,
		      uint64_t timeout_ns);

#endif
