// SPDX-License-Identifier: GPL-2.0
/* What is kept is a ring of the last changes, looked through once for a peer. */
#include "event/peers.h"

#include <stdlib.h>

struct peers {
	struct event_state kept[PEERS_KEPT]; /* ev.type 0: none */
	unsigned int n;			     /* how many were ever kept */
	unsigned int at;		     /* of those of one peer */
	struct event_state taken;
};

struct peers *peers_new(void)
{
	return calloc(1, sizeof(struct peers));
}

void peers_free(struct peers *peers)
{
	free(peers);
}

bool peers_include(const struct event *e, const struct flow *flow)
{
	return e->foreign && e->type == EVENT_state && flow && flow->pair &&
	       !flow->pair->last.foreign;
}

void peers_keep(struct peers *peers, const struct event *e)
{
	if (e->type == EVENT_state)
		peers->kept[peers->n++ % PEERS_KEPT] = *(
			const struct event_state *)e;
}

struct event *peers_next(struct peers *peers, struct flow *flow)
{
	struct flow *peer = flow->pair;
	struct event_state *s;

	if (!peer || peer->peer_told || !peer->last.foreign)
		return NULL;
	for (; peers->at < PEERS_KEPT; peers->at++) {
		s = &peers->kept[(peers->n + peers->at) % PEERS_KEPT];
		if (s->ev.type && s->ev.cookie == peer->cookie) {
			peers->at++;
			peers->taken = *s;
			s->ev.type = 0;
			return &peers->taken.ev;
		}
	}
	peers->at = 0;
	peer->peer_told = true;
	return NULL;
}
