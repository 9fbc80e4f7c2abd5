/* SPDX-License-Identifier: GPL-2.0 */
/* Two tcbpeer behind NATs of the lab, and a rendezvous between them. */
#ifndef TCBSCOPE_TESTS_LIB_NATMEET_H
#define TCBSCOPE_TESTS_LIB_NATMEET_H

#include "lab/nat.h"
#include "tests/lib/peerprog.h"

/* Two NATs, and what is to come of them. */
struct natmeet_row {
	const char *name;
	struct nat_kind kind[2];
	const char *says[2]; /* the diagnosis of each end */
	const char *way;     /* if that is "open": the candidate */
	int family;	     /* of the rendezvous; 0: IPv4 */
	bool late;	     /* it takes NATMEET_DELAY_NS one way */
	bool sample;	     /* if not all rows can be tried: this one */
	bool stranger;	     /* listens at NAT 1, at the port of end 1 */
};

extern const struct natmeet_row natmeet_rows[];
extern const unsigned int natmeet_row_count;

#define NATMEET_DELAY_NS 5000000ULL

struct natmeet {
	const struct natmeet_row *row;
	int stranger; /* its listener, or -1 */
	struct nat_lab lab;
	const char *address; /* of the rendezvous, with the port */
	struct peerprog rendezvous, peer[2];
	char secret[2][64]; /* files: the one of both, and another */
};

/* Returns 0, -ENOENT if there is no nft, or -errno, with nothing left behind. */
int natmeet_create(struct natmeet *m, const struct natmeet_row *row);

/* Ends the rendezvous and the lab. Returns the former's exit status. */
int natmeet_destroy(struct natmeet *m);

/* Start one peer; @more options, ends with NULL. Returns 0 or -errno. */
int natmeet_start(struct natmeet *m, int side, int secret,
		  const char *const more[]);

/* Until the rendezvous has seen it. False if it has ended before. */
bool natmeet_waits(struct peerprog *peer);

/*
 * Both meet, open, exchange a line, end. Returns how many of them were content,
 * or -1.
 */
int natmeet_run(struct natmeet *m, const char *const more[]);

/* A field of what one end has said about its way, in a static buffer. */
const char *natmeet_said(const struct natmeet *m, int side, const char *field);

/* Milliseconds from the start to the open, as end 0 saw it, and attempts. */
double natmeet_took(const struct natmeet *m, int *attempts);

#endif
