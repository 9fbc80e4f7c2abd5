/* SPDX-License-Identifier: GPL-2.0 */
/* Bulk: A sends full segments to B over a slow wire, on which some are lost. */
#ifndef TCBSCOPE_LAB_BULK_H
#define TCBSCOPE_LAB_BULK_H

#include "lab/stage.h"

#define BULK_MSS \
	1448 /* bytes of data: MTU 1500, less headers with timestamps */

#define BULK_ROOM 400000 /* bytes of a buffer, which the kernel may double */
#define BULK_FLIGHT 10	 /* segments that a connection begins with */

/* A round trip of 80 ms: no answer is so late that a timer runs out before. */
#define BULK_WIRE                         \
	{                                 \
		.link.delay_ns = 40000000 \
	}

/* Which segments of A's stream: those from number @first on, counted from 0. */
#define BULK_SEGMENTS(first, n)                            \
	{                                                  \
		.from = RULE_A, .begin = (first)*BULK_MSS, \
		.end = ((first) + (n)) * BULK_MSS          \
	}

/*
 * Only what the story is about: Reno, which is the textbooks', and no probes.
 * No timeout is shorter than @ms.
 */
void bulk_plain(struct stage *s, unsigned int ms);

/*
 * A connection of which no buffer is ever full: what is under way depends on
 * the congestion window alone, not on when the processes run.
 */
struct stage_conn bulk_connect(struct stage *s);

/* Connects, and loses segments @first .. of A's stream the first time. */
struct stage_conn bulk_lose(struct stage *s, unsigned int first,
			    unsigned int n);

/* For end_do(): the socket, and 256 times the number of segments. */
int bulk_send(struct end *me, int arg);

/* B is to be woken when @n segments have come. */
void bulk_await(struct stage *s, const struct stage_conn *c, unsigned int n);

/* They have, and are read. */
void bulk_receive(struct stage *s, const struct stage_conn *c, unsigned int n);

/*
 * A sends @n full segments, and B reads them. No process is in a call of these
 * sockets while something comes: that would wait for the call, and what waits
 * the kernel merges, segments as well as ACKs. So what A sends is held until it
 * has written all, and B reads when all has come. What is to be said of it is
 * known when the connection has been closed: then the last ACK has come, too.
 */
void bulk_transfer(struct stage *s, const struct stage_conn *c, unsigned int n);

/* The window of A when it last came into this phase. */
void bulk_say_window(struct stage *s, const char *phase);

#endif
