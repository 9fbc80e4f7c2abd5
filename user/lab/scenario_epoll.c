// SPDX-License-Identifier: GPL-2.0
/* Epoll: how often a server is woken up, and who is left in the queue. */
#include "lab/clients.h"
#include "lab/end.h"
#include "lab/scenario.h"
#include "lab/stage.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/epoll.h>

/* Makes an epoll instance that watches a listener. */
static int watch(struct end *me, int listener_and_edge)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int ep = epoll_create1(EPOLL_CLOEXEC);

	(void)me;
	if (listener_and_edge % 2)
		ev.events |= EPOLLET;
	if (ep >= 0 && epoll_ctl(ep, EPOLL_CTL_ADD, listener_and_edge / 2, &ev))
		return -errno;
	return ep;
}

static int is_ready(struct end *me, int ep)
{
	struct epoll_event ev;

	(void)me;
	return epoll_wait(ep, &ev, 1, 0);
}

/* Three clients are in the queue, and an epoll instance is told of it. */
static int three_wait(struct stage *s, bool edge, int flags, int *listener)
{
	struct end *b = stage_end(s, B);
	int ep;

	*listener = end_socket(b, flags);
	end_bind(b, *listener, b->ip, 2001);
	end_listen_on(b, *listener, 5);
	ep = end_do(b, watch, *listener * 2 + (edge != s->control));
	clients_connect(s, 3);
	end_seen_times(b, "queue", "completed", 3);
	return ep;
}

/* One accept() for each wakeup. */
static void one_a_wakeup(struct stage *s, bool edge)
{
	struct end *b = stage_end(s, B);
	int listener, ep = three_wait(s, edge, 0, &listener), accepted = 0;

	while (accepted < 4 && end_do(b, is_ready, ep) == 1) {
		end_accept(b, listener, 0);
		accepted++;
	}
	stage_fact(s, B, "accepted %d of 3", accepted);
}

static void epoll_level(struct stage *s)
{
	one_a_wakeup(s, false);
}

static void epoll_edge_one(struct stage *s)
{
	one_a_wakeup(s, true);
}

static void epoll_edge_loop(struct stage *s)
{
	struct end *b = stage_end(s, B);
	int listener, ep, accepted = 0;

	ep = three_wait(s, true, SOCK_NONBLOCK, &listener);
	while (end_do(b, is_ready, ep) == 1)
		while (accepted < 4 && end_accept(b, listener, 0) >= 0) {
			accepted++;
			if (s->control)
				break;
		}
	stage_fact(s, B, "accepted %d of 3", accepted);
}

static const struct expect epoll_level_expect[] = {
	IS(B, "fact", "accepted 3 of 3"),
	HAS(B, "queue", "accepted 2/5"),
	HAS(B, "queue", "accepted 0/5"),
	{}
};

static const struct expect epoll_edge_one_expect[] = {
	IS(B, "fact", "accepted 1 of 3"),
	HAS(B, "queue", "accepted 2/5"),
	NEVER(B, "queue", "accepted 1/5"),
	{}
};

static const struct expect epoll_edge_loop_expect[] = {
	IS(B, "fact", "accepted 3 of 3"), HAS(B, "call", "accept4 EAGAIN"), {}
};

const struct scenario scenarios_epoll[] = {
	{
		.name = "epoll-level",
		.title = "three clients, level-triggered",
		.truth = "epoll_wait() says that the listener is readable as long "
			 "as somebody waits: one accept() for each is enough.",
		.notice = "Three wakeups, three accept() calls.",
		.run = epoll_level,
		.expect = epoll_level_expect,
		.control = { .what = "edge-triggered" },
	},
	{
		.name = "epoll-edge",
		.title = "three clients, edge-triggered, one accept() each time",
		.textbook = "Edge-triggered is the faster kind.",
		.truth = "It tells of arrivals, not of what waits: three that "
			 "came before the first look are one event. Two are "
			 "left in the queue, until another client comes.",
		.notice = "The accept queue stays at 2.",
		.run = epoll_edge_one,
		.expect = epoll_edge_one_expect,
		.control = { .what = "level-triggered" },
	},
	{
		.name = "epoll-edge-loop",
		.title = "edge-triggered, accept() until EAGAIN",
		.truth = "With a non-blocking listener and accept() in a loop "
			 "until it fails with EAGAIN nobody is left.",
		.notice = "Three accept() calls and one more.",
		.run = epoll_edge_loop,
		.expect = epoll_edge_loop_expect,
		.control = { .what = "level-triggered, one accept() a wakeup" },
	},
	{}
};
