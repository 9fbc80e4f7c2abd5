/* SPDX-License-Identifier: GPL-2.0 */
/* A rendezvous and the peers that come to it, all of it in memory. */
#ifndef TCBSCOPE_TESTS_LIB_PARTIES_H
#define TCBSCOPE_TESTS_LIB_PARTIES_H

#include "peer/rendezvous.h"

#define PARTIES_PAIRS 200

/* A peer and what the rendezvous has of it. */
struct party {
	struct meet meet;
	struct rendezvous_client client;
	int ret; /* of meet_next(): an error, or MEET_START */
	bool gone;
};

struct parties {
	struct rendezvous r;
	struct party party[2 * PARTIES_PAIRS];
	unsigned int n;
	uint64_t now_ns;
	size_t piece; /* bytes that go at once */
};

/* @all is zeroed. Ended: true if nothing is left of any name. */
void parties_begin(struct parties *all);
bool parties_end(struct parties *all);

/* A peer comes to meet under @name, with a secret of that byte. NULL: no name. */
struct party *parties_join(struct parties *all, const char *name, char secret);

/* One way each, one piece. True if anything went. */
bool parties_step(struct parties *all, struct party *p);

/* Until nobody has any more to say. */
void parties_run(struct parties *all);

void parties_leave(struct parties *all, struct party *p);

/* @b has learnt of @a what it should, and nothing else; or of nobody. */
bool party_knows(const struct party *b, const struct party *a);
bool party_knows_nothing(const struct party *p);

#endif
