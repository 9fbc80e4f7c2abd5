// SPDX-License-Identifier: GPL-2.0
/* What one end has to send is copied to the other: there is no socket. */
#include "tests/lib/parties.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

void parties_begin(struct parties *all)
{
	all->piece = 4096;
	all->now_ns = 1;
}

bool parties_end(struct parties *all)
{
	unsigned int i;

	for (i = 0; i < all->n; i++)
		rendezvous_remove(&all->r, &all->party[i].client, 0);
	return !all->r.pairs;
}

static struct sockaddr_storage endpoint(unsigned int host, unsigned int port)
{
	struct sockaddr_storage ss = {};
	struct sockaddr_in *sin = (struct sockaddr_in *)&ss;

	sin->sin_family = AF_INET;
	sin->sin_addr.s_addr = htonl(0xc0000200 + host);
	sin->sin_port = htons(port);
	return ss;
}

struct party *parties_join(struct parties *all, const char *name, char secret)
{
	struct party *p = &all->party[all->n];
	struct secret key;

	memset(&key, secret, sizeof(key));
	if (meet_init(&p->meet, &key, name))
		return NULL;
	p->client.from = endpoint(all->n % 200, 1000 + all->n);
	p->meet.own.mapping = MEET_MAPPING_PRESERVING;
	p->meet.own.n = 1;
	p->meet.own.at[0] = endpoint(all->n % 200, 2000 + all->n);
	rendezvous_add(&all->r, &p->client, all->now_ns);
	all->n++;
	return p;
}

bool parties_step(struct parties *all, struct party *p)
{
	struct rendezvous_client *c = &p->client;
	size_t room, len;
	bool moved = false;
	void *at;

	if (p->gone)
		return false;
	at = rendezvous_room(c, &room);
	len = p->meet.out_len < room ? p->meet.out_len : room;
	len = len < all->piece ? len : all->piece;
	if (len && c->state != RENDEZVOUS_CLOSED) {
		memcpy(at, p->meet.out, len);
		p->meet.out_len -= len;
		memmove(p->meet.out, p->meet.out + len, p->meet.out_len);
		rendezvous_take(&all->r, c, len, all->now_ns);
		moved = true;
	}
	at = meet_room(&p->meet, &room);
	len = c->out_len < room ? c->out_len : room;
	len = len < all->piece ? len : all->piece;
	if (len) {
		memcpy(at, c->out, len);
		c->out_len -= len;
		memmove(c->out, c->out + len, c->out_len);
		meet_add(&p->meet, len);
		moved = true;
	}
	while (p->ret >= 0 && p->ret != MEET_START &&
	       (p->ret = meet_next(&p->meet)) > 0)
		moved = true;
	return moved;
}

void parties_run(struct parties *all)
{
	bool moved;
	unsigned int i;

	do {
		moved = false;
		for (i = 0; i < all->n; i++)
			moved |= parties_step(all, &all->party[i]);
	} while (moved);
}

void parties_leave(struct parties *all, struct party *p)
{
	p->gone = true;
	rendezvous_remove(&all->r, &p->client, all->now_ns);
	p->client.state = RENDEZVOUS_CLOSED;
}

static bool same(const struct sockaddr_storage *a,
		 const struct sockaddr_storage *b)
{
	return !memcmp(a, b, sizeof(*a));
}

bool party_knows(const struct party *b, const struct party *a)
{
	return b->ret == MEET_START && same(&b->meet.from, &a->client.from) &&
	       b->meet.partner.n == 1 &&
	       same(&b->meet.partner.at[0], &a->meet.own.at[0]) &&
	       b->meet.partner.mapping == MEET_MAPPING_PRESERVING;
}

bool party_knows_nothing(const struct party *p)
{
	return !p->meet.from.ss_family && !p->meet.partner.n;
}
