/* SPDX-License-Identifier: GPL-2.0 */
/* The wire: two TUN devices, and what becomes of packets between them. */
#ifndef TCBSCOPE_LAB_WIRE_H
#define TCBSCOPE_LAB_WIRE_H

#include "lab/netns.h"
#include "lab/packet.h"
#include "lab/rule.h"

#include <stdio.h>

/*
 *	side 0  wa ==> rules ==> queue ==> delay ==> wb  side 1
 *	           <== delay <== queue <== rules <==
 *
 * What one side sends arrives at the other in order, unless a rule says
 * otherwise; IPv4 and IPv6. No byte of a packet is changed. A thread relays,
 * and sleeps between packets; everything here may be called from one other
 * thread, and while packets are under way.
 *
 * The devices offer no offloads, so the kernel cuts its data into segments
 * before they get here: what counts is what a network card would send. Between
 * the ends of a veth pair (lab/netns.h) it does not: one packet there may be
 * forty segments.
 *
 * The wire ends with its process; a fork of it keeps the devices, not the
 * relay.
 */
struct wire;

/* Of one direction. */
struct wire_link {
	uint64_t delay_ns; /* until a packet that was sent arrives */
	uint64_t rate;	   /* bytes/s that can be sent; 0: at once */
	uint32_t limit; /* bytes that wait for that, tail drop; 0: no limit */
};

struct wire_config {
	struct wire_link link; /* of both directions */
	unsigned int mtu;      /* of both devices; 0: 1500 */
};

#define WIRE_RULES 256	   /* in the life of a wire, removed ones as well */
#define WIRE_PACKETS 16384 /* under way or held, at most; others are lost */
#define WIRE_LOG 65536	   /* entries; later packets are not logged */

/*
 * Lay a wire between two namespaces. Of each side the fd, the name of its
 * device and the addresses have to be set; the ifindex is filled in. @config
 * may be NULL. Returns 0, or -errno with nothing left behind; -ENOENT if this
 * kernel has no TUN.
 */
int wire_create(struct wire **wire, struct netns_pair *pair,
		const struct wire_config *config);

/*
 * Two namespaces as netns_pair_create() makes them, devices "wa" and "wb", with
 * a wire between them. The caller ends the wire, then the pair.
 */
int wire_pair_create(struct wire **wire, struct netns_pair *pair,
		     const struct wire_config *config);

/* Ends the relay, and with it both devices. NULL is no wire. */
void wire_destroy(struct wire *wire);

/* From now on. @from: 0 or 1, the side that sends. */
void wire_set_link(struct wire *wire, int from, const struct wire_link *link);

/*
 * A rule is asked about packets that the relay takes from now on. Each counts
 * for itself what matches; the first one whose turn it is decides. Returns its
 * number, from 0 on; -ENOSPC.
 */
int wire_add(struct wire *wire, const struct rule *rule);

/*
 * Let go the first @n of what a rule holds, in the order in which they were
 * sent; 0: all. No rule is asked again, and what goes together arrives before
 * any answer to it. Returns how many there were.
 */
int wire_release(struct wire *wire, int rule, unsigned int n);

/* The rule decides nothing any more. What it holds goes on. */
void wire_remove(struct wire *wire, int rule);

/*
 * Until the rule has been carried out @n times: packets dropped, held, refused,
 * seen, or, if it lets them through, handed over to the other side. Returns 0;
 * -ETIMEDOUT after @patience_ns.
 */
int wire_wait(struct wire *wire, int rule, unsigned int n,
	      uint64_t patience_ns);

/* How often it has been carried out. */
unsigned int wire_done(struct wire *wire, int rule);

enum wire_fate {
	WIRE_UNDER_WAY, /* waits for the rate, the delay or others */
	WIRE_HELD,
	WIRE_HANDED_OVER,
	WIRE_DROPPED, /* a rule said so */
	WIRE_REFUSED, /* so as well, and the sender was told */
	WIRE_FULL,    /* the link's limit, or WIRE_PACKETS */
	WIRE_LOST,    /* the other side's device did not take it */
};

/* What the log says of one packet, or of one of two copies. */
struct wire_entry {
	uint64_t in_ns, out_ns; /* taken, handed over; CLOCK_MONOTONIC */
	uint8_t from;		/* 0 or 1 */
	uint8_t fate;		/* enum wire_fate */
	bool copy;
	int16_t rule; /* that decided; -1: none */
	struct packet packet;
};

/* The @i-th entry, in the order in which packets were taken; false: not yet. */
bool wire_log(struct wire *wire, size_t i, struct wire_entry *entry);

/* How many entries match; @fate: enum wire_fate, or -1 for any. */
size_t wire_count(struct wire *wire, const struct rule_match *which, int fate);

/* Packets that were not logged: the log was full. */
size_t wire_unlogged(struct wire *wire);

/* All of it as text, for people. */
void wire_print(struct wire *wire, FILE *out);

#endif
