// SPDX-License-Identifier: GPL-2.0
/* The sockets of the rendezvous: one process, one epoll, bounds on it all. */
#include "lib/clock.h"
#include "peer/rendezvous.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#define SERVE_TICK_MS 1000
#define SERVE_EVENTS 64
#define SERVE_SPARE 32	   /* descriptors that are no client's */
#define SERVE_BUCKETS 4096 /* addresses share them by chance */

struct serve_client {
	struct rendezvous_client client;
	TAILQ_ENTRY(serve_client) link;
	int fd;
};

/* What a source address may still do: tokens come back with time. */
struct serve_bucket {
	uint64_t at_ns;
	double tokens;
};

struct serve {
	struct rendezvous *r;
	const struct rendezvous_listen *where;
	int epoll, listener[2], stop;
	TAILQ_HEAD(, serve_client) clients;
	unsigned int n;
	uint64_t seed;
	struct serve_bucket bucket[SERVE_BUCKETS];
};

/* The address, or its /64: who has one has them all. FNV-1a with a seed. */
static struct serve_bucket *serve_bucket(struct serve *s,
					 const struct sockaddr_storage *from)
{
	const struct sockaddr_in6 *sin6 = (const struct sockaddr_in6 *)from;
	const struct sockaddr_in *sin = (const struct sockaddr_in *)from;
	bool v6 = from->ss_family == AF_INET6;
	const uint8_t *at = v6 ? (const uint8_t *)&sin6->sin6_addr :
				 (const uint8_t *)&sin->sin_addr;
	uint64_t hash = 0xcbf29ce484222325 ^ s->seed;
	int i;

	for (i = 0; i < (v6 ? 8 : 4); i++)
		hash = (hash ^ at[i]) * 0x100000001b3;
	/* Or neighbours share: the last byte has not reached all bits. */
	hash = (hash ^ hash >> 32) * 0x9e3779b97f4a7c15;
	return &s->bucket[(hash >> 32) % SERVE_BUCKETS];
}

static bool serve_may(struct serve *s, const struct sockaddr_storage *from)
{
	struct serve_bucket *bucket = serve_bucket(s, from);
	uint64_t now_ns = clock_now_ns();

	if (!bucket->at_ns) /* not what the host's uptime would give */
		bucket->tokens = RENDEZVOUS_BURST;
	bucket->tokens += (now_ns - bucket->at_ns) * (RENDEZVOUS_RATE / 1e9);
	if (bucket->tokens > RENDEZVOUS_BURST)
		bucket->tokens = RENDEZVOUS_BURST;
	bucket->at_ns = now_ns;
	if (bucket->tokens < 1)
		return false;
	bucket->tokens--;
	return true;
}

static void serve_free(struct serve *s, struct serve_client *sc)
{
	rendezvous_remove(s->r, &sc->client, clock_now_ns());
	TAILQ_REMOVE(&s->clients, sc, link);
	close(sc->fd);
	free(sc);
	s->n--;
}

/*
 * Send what a client is due; what does not go now goes when EPOLLOUT says so.
 * The client stays, even if it is to be closed: an event may refer to it.
 */
static void serve_send(struct serve *s, struct serve_client *sc)
{
	struct rendezvous_client *c = &sc->client;
	struct epoll_event event = { .data.ptr = sc };
	ssize_t n;

	n = c->out_len ? send(sc->fd, c->out, c->out_len, MSG_NOSIGNAL) : 0;
	if (n > 0) {
		c->out_len -= n;
		memmove(c->out, c->out + n, c->out_len);
	}
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		c->state = RENDEZVOUS_CLOSED;
		c->out_len = 0;
	}
	event.events = EPOLLIN | (c->out_len ? EPOLLOUT : 0);
	epoll_ctl(s->epoll, EPOLL_CTL_MOD, sc->fd, &event);
}

static struct serve_client *serve_of(struct rendezvous_client *c)
{
	return (struct serve_client *)((char *)c -
				       offsetof(struct serve_client, client));
}

static void serve_receive(struct serve *s, struct serve_client *sc)
{
	struct rendezvous_client *c = &sc->client, *partner = c->partner;
	size_t room;
	void *at = rendezvous_room(c, &room);
	ssize_t n = recv(sc->fd, at, room, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		rendezvous_remove(s->r, c, clock_now_ns());
		c->state = RENDEZVOUS_CLOSED;
		c->out_len = 0;
	} else if (rendezvous_take(s->r, c, n, clock_now_ns())) {
		c->state = RENDEZVOUS_CLOSED;
	}
	/* The partner may be a new one, or be one no more. */
	if (partner)
		serve_send(s, serve_of(partner));
	if (c->partner && c->partner != partner)
		serve_send(s, serve_of(c->partner));
}

/* From the handshake, which took no process of the peer's. */
static uint64_t serve_min_rtt_ns(int fd)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) ||
	    len < offsetof(struct tcp_info, tcpi_min_rtt) +
			    sizeof(info.tcpi_min_rtt) ||
	    info.tcpi_min_rtt == ~0U)
		return 0;
	return info.tcpi_min_rtt * 1000ULL;
}

/* A descriptor for each client, as far as this process may have them. */
static void serve_raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	if (limit.rlim_cur < RENDEZVOUS_CLIENTS + SERVE_SPARE)
		limit.rlim_cur = RENDEZVOUS_CLIENTS + SERVE_SPARE;
	if (limit.rlim_cur > limit.rlim_max)
		limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void serve_accept(struct serve *s, int listener)
{
	struct rlimit limit = { .rlim_cur = 64 };
	struct sockaddr_storage from = {};
	socklen_t len = sizeof(from);
	struct epoll_event event = { .events = EPOLLIN };
	struct serve_client *sc;
	int fd;

	fd = accept4(listener, (struct sockaddr *)&from, &len,
		     SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return;
	getrlimit(RLIMIT_NOFILE, &limit);
	sc = s->n < RENDEZVOUS_CLIENTS && s->n + SERVE_SPARE < limit.rlim_cur &&
			     serve_may(s, &from) ?
		     calloc(1, sizeof(*sc)) :
		     NULL;
	event.data.ptr = sc;
	if (!sc || epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &event)) {
		static const uint8_t busy[] = { MEET_ERROR, 0, 0,
						0,	    1, MEET_BUSY };

		send(fd, busy, sizeof(busy), MSG_NOSIGNAL);
		close(fd);
		free(sc);
		return;
	}
	sc->fd = fd;
	sc->client.from = from;
	sc->client.min_rtt_ns = serve_min_rtt_ns(fd);
	if (s->where->n > 1)
		sc->client.other_port = ntohs(
			((struct sockaddr_in *)&s->where->at[1])->sin_port);
	TAILQ_INSERT_TAIL(&s->clients, sc, link);
	s->n++;
	rendezvous_add(s->r, &sc->client, clock_now_ns());
}

/* Those that are through, or whose time is; after all events are seen. */
static void serve_sweep(struct serve *s, bool tick)
{
	struct serve_client *sc, *next;
	uint64_t now_ns = clock_now_ns();

	for (sc = tick ? TAILQ_FIRST(&s->clients) : NULL; sc;
	     sc = TAILQ_NEXT(sc, link))
		rendezvous_tick(s->r, &sc->client, now_ns);
	for (sc = tick ? TAILQ_FIRST(&s->clients) : NULL; sc;
	     sc = TAILQ_NEXT(sc, link)) {
		if (sc->client.out_len)
			serve_send(s, sc);
	}
	for (sc = TAILQ_FIRST(&s->clients); sc; sc = next) {
		next = TAILQ_NEXT(sc, link);
		if (sc->client.state == RENDEZVOUS_CLOSED &&
		    (!sc->client.out_len || now_ns >= sc->client.end_ns))
			serve_free(s, sc);
	}
}

static void serve_event(struct serve *s, const struct epoll_event *event)
{
	struct serve_client *sc = event->data.ptr;
	int i;

	for (i = 0; i < s->where->n; i++) {
		if (event->data.ptr == &s->listener[i]) {
			serve_accept(s, s->listener[i]);
			return;
		}
	}
	if (event->events & ~EPOLLOUT)
		serve_receive(s, sc);
	serve_send(s, sc);
}

static int serve_loop(struct serve *s)
{
	struct epoll_event events[SERVE_EVENTS];
	uint64_t ticked_ns = clock_now_ns();
	bool tick;
	int n, i;

	for (;;) {
		n = epoll_wait(s->epoll, events, SERVE_EVENTS, SERVE_TICK_MS);
		if (n < 0 && errno != EINTR)
			return -errno;
		for (i = 0; i < n; i++) {
			if (events[i].data.ptr == &s->stop)
				return 0;
			serve_event(s, &events[i]);
		}
		tick = clock_now_ns() - ticked_ns >= SERVE_TICK_MS * 1000000ULL;
		if (tick)
			ticked_ns = clock_now_ns();
		serve_sweep(s, tick);
	}
}

static int serve_listen(struct serve *s, int i)
{
	struct epoll_event event = {
		.events = EPOLLIN,
		.data.ptr = &s->listener[i],
	};
	const struct sockaddr_storage *at = &s->where->at[i];
	const int one = 1;
	int fd;

	fd = socket(at->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
		    IPPROTO_TCP);
	if (fd < 0)
		return -errno;
	s->listener[i] = fd;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    bind(fd, (struct sockaddr *)at, s->where->len) ||
	    listen(fd, 1024) || epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &event))
		return -errno;
	return 0;
}

int rendezvous_serve(struct rendezvous *r,
		     const struct rendezvous_listen *where, int stop,
		     int *failed)
{
	struct epoll_event event = { .events = EPOLLIN };
	struct serve *s = calloc(1, sizeof(*s));
	int i, err = 0;

	*failed = -1;
	if (!s)
		return -ENOMEM;
	serve_raise_limit();
	s->r = r;
	s->stop = stop;
	event.data.ptr = &s->stop;
	s->where = where;
	s->listener[0] = s->listener[1] = -1;
	TAILQ_INIT(&s->clients);
	if (getrandom(&s->seed, sizeof(s->seed), 0) < 0)
		s->seed = clock_now_ns();
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (s->epoll < 0 || epoll_ctl(s->epoll, EPOLL_CTL_ADD, stop, &event))
		err = -errno;
	for (i = 0; i < where->n && !err; i++) {
		err = serve_listen(s, i);
		if (err)
			*failed = i;
	}
	if (!err)
		err = serve_loop(s);
	while (!TAILQ_EMPTY(&s->clients))
		serve_free(s, TAILQ_FIRST(&s->clients));
	for (i = 0; i < 2; i++) {
		if (s->listener[i] >= 0)
			close(s->listener[i]);
	}
	if (s->epoll >= 0)
		close(s->epoll);
	free(s);
	return err;
}
