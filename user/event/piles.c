// SPDX-License-Identifier: GPL-2.0
/* Puts sockets that wait for the end into piles, by a sort and one pass. */
#include "event/piles.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A socket, and the pile that it belongs to. */
struct member {
	struct pile key; /* n, fds and peers unused */
	const struct event_socket *s;
};

struct listener {
	__u32 netns;
	port_t port;
};

static enum tcb_state state_of(const struct event_socket *s)
{
	return s->tw_substate ?: s->state;
}

static bool piles_up(const struct event_socket *s)
{
	enum tcb_state state = state_of(s);

	return state == TCB_STATE_CLOSE_WAIT || state == TCB_STATE_FIN_WAIT2 ||
	       state == TCB_STATE_TIME_WAIT;
}

static int by_listener(const void *a, const void *b)
{
	const struct listener *x = a, *y = b;

	if (x->netns != y->netns)
		return x->netns < y->netns ? -1 : 1;
	return (int)x->port - y->port;
}

static int by_key(const void *a, const void *b)
{
	const struct pile *x = &((const struct member *)a)->key;
	const struct pile *y = &((const struct member *)b)->key;

	if (x->state != y->state)
		return (int)x->state - y->state;
	if (x->ev.netns != y->ev.netns)
		return x->ev.netns < y->ev.netns ? -1 : 1;
	if (x->ev.pid != y->ev.pid)
		return x->ev.pid < y->ev.pid ? -1 : 1;
	if (x->held != y->held)
		return x->held ? -1 : 1;
	if (x->server != y->server)
		return x->server ? -1 : 1;
	if (x->port != y->port)
		return (int)x->port - y->port;
	return memcmp(&x->addr, &y->addr, sizeof(x->addr));
}

/* So that of file descriptors the lowest are kept. */
static int by_key_and_fd(const void *a, const void *b)
{
	__u32 x = ((const struct member *)a)->s->fd;
	__u32 y = ((const struct member *)b)->s->fd;

	int order = by_key(a, b);

	return order ? order : x < y ? -1 : x > y;
}

static int by_size(const void *a, const void *b)
{
	const struct pile *x = a, *y = b;

	if (x->state != y->state)
		/* CLOSE_WAIT first: it is a fault, the others may be none */
		return (y->state == TCB_STATE_CLOSE_WAIT) - (x->state == TCB_STATE_CLOSE_WAIT) ?:
			       (int)x->state - y->state;
	return x->n > y->n ? -1 : x->n < y->n;
}

static void key_fill(struct pile *key, const struct event_socket *s,
		     const struct listener *listeners, size_t n)
{
	struct listener local = { s->ev.netns, s->ev.lport };

	memset(key, 0, sizeof(*key));
	key->state = state_of(s);
	key->ev = s->ev;
	key->held = s->inode;
	key->server = n && bsearch(&local, listeners, n, sizeof(*listeners),
				   by_listener);
	key->port = key->server ? s->ev.lport : s->ev.rport;
	if (!key->server)
		key->addr = s->ev.raddr;
	key->oldest = ~0ull;
}

static void peer_add(struct pile *pile, const struct event *e)
{
	unsigned int i;

	for (i = 0; i < pile->n_peers; i++)
		if (pile->peers[i].family == e->family &&
		    !memcmp(&pile->peers[i].addr, &e->raddr, sizeof(e->raddr)))
			break;
	if (i == PILE_PEERS) {
		pile->other_peers++;
		return;
	}
	if (i == pile->n_peers) {
		pile->n_peers++;
		pile->peers[i].family = e->family;
		pile->peers[i].addr = e->raddr;
	}
	pile->peers[i].n++;
}

static void pile_add(struct pile *pile, const struct event_socket *s)
{
	pile->n++;
	if (s->age_ns != ~0ull &&
	    (pile->oldest == ~0ull || s->age_ns > pile->oldest))
		pile->oldest = s->age_ns;
	if (s->fd != ~0u && pile->n_fds < PILE_FDS)
		pile->fds[pile->n_fds++] = s->fd;
	peer_add(pile, &s->ev);
}

/* Equal keys are neighbours in @members. */
static int gather(struct piles *piles, const struct member *members, size_t n)
{
	struct pile *more;
	size_t i;

	for (i = 0; i < n; i++) {
		if (!i || by_key(&members[i - 1], &members[i])) {
			more = reallocarray(piles->pile, piles->n + 1,
					    sizeof(*more));
			if (!more)
				return -ENOMEM;
			piles->pile = more;
			piles->pile[piles->n++] = members[i].key;
		}
		pile_add(&piles->pile[piles->n - 1], members[i].s);
	}
	return 0;
}

int piles_make(struct piles *piles, const struct event_socket *s, size_t n)
{
	struct listener *listeners = calloc(n + 1, sizeof(*listeners));
	struct member *members = NULL;
	size_t n_listeners = 0, n_members = 0, i;
	int err = -ENOMEM;

	memset(piles, 0, sizeof(*piles));
	for (i = 0; listeners && i < n; i++) {
		n_members += piles_up(&s[i]);
		if (s[i].state == TCB_STATE_LISTEN)
			listeners[n_listeners++] = (struct listener){
				s[i].ev.netns, s[i].ev.lport
			};
	}
	members = calloc(n_members + 1, sizeof(*members));
	if (!listeners || !members)
		goto out;
	qsort(listeners, n_listeners, sizeof(*listeners), by_listener);
	for (i = n_members = 0; i < n; i++) {
		if (!piles_up(&s[i]))
			continue;
		members[n_members].s = &s[i];
		key_fill(&members[n_members++].key, &s[i], listeners,
			 n_listeners);
	}
	qsort(members, n_members, sizeof(*members), by_key_and_fd);
	err = gather(piles, members, n_members);
	if (piles->n) /* qsort() takes no NULL */
		qsort(piles->pile, piles->n, sizeof(*piles->pile), by_size);
out:
	free(listeners);
	free(members);
	return err;
}

void piles_free(struct piles *piles)
{
	free(piles->pile);
	memset(piles, 0, sizeof(*piles));
}

const char *pile_advice(const struct pile *pile)
{
	switch (pile->state) {
	case TCB_STATE_CLOSE_WAIT:
		if (!pile->held)
			return "The peers have closed, and nobody has accepted "
			       "these connections: the listener's process is "
			       "stuck or slow.";
		return "The peers have closed; the process has not, and must: "
		       "close() each connection after recv() has returned 0. "
		       "These never end by themselves.";
	case TCB_STATE_FIN_WAIT2:
		if (pile->held)
			return "The process has called shutdown() and waits "
			       "for peers that do not close. These never end "
			       "by themselves.";
		return "Closed here; the peers do not close. The kernel drops "
		       "these after tcp_fin_timeout, 60 s if it has not been "
		       "changed.";
	default:
		if (pile->server)
			return "Closed here first: normal for a server that "
			       "ends connections. These end after 60 s and "
			       "hold no file descriptor.";
		return "Closed here first, by a client: each takes a local "
		       "port towards this peer for 60 s. If ports run out, "
		       "keep connections open and use them again.";
	}
}
