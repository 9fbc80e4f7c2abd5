/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Listeners and their queues, added up from queue events: how full they are,
 * who waits in them, and for how long.
 */
#ifndef TCBSCOPE_EVENT_LISTENERS_H
#define TCBSCOPE_EVENT_LISTENERS_H

#include "event/schema.h"
#include <sys/queue.h>

/* Times, counted by size: each class is at most an eighth wider than it is far.
 */
#define SPANS 496

struct spans {
	uint64_t n;
	nsec_t max;
	__u32 class[SPANS];
};

/* A time that @percent of them do not exceed, not less than is true; ~0: none. */
nsec_t spans_percentile(const struct spans *spans, unsigned int percent);

/* What has happened in some time. */
struct listener_sums {
	uint64_t completed, accepted, resent;
	uint64_t full;	   /* how often the accept queue became full */
	__u32 peak;	   /* the most in the accept queue */
	struct spans wait; /* in the accept queue, of those accepted */
};

/* A connection that waits to be accepted. */
struct listener_child {
	__u64 cookie;
	struct event ev; /* since ts_ns */
	struct listener *listener;
	TAILQ_ENTRY(listener_child) next;
};

struct listener {
	__u64 cookie;
	struct event ev;	  /* its address and owner */
	__u32 syn, accept, limit; /* ~0: unknown */
	__u32 asked;		  /* what listen() asked for; ~0: unknown */
	enum how depth_how;
	bool closed;
	struct listener_sums all, last; /* since the beginning, the last call */
	TAILQ_HEAD(, listener_child) waiting; /* the oldest first */
};

struct listeners {
	struct listener **listener;
	size_t n, room;
	void *by_cookie, *children; /* trees of search.h */
};

/* All zero to begin with. */
void listeners_free(struct listeners *l);

/*
 * Takes an event: of queues, or an existing socket that listens; others are
 * ignored. In the order of their times. 0 or -ENOMEM.
 */
int listeners_add(struct listeners *l, const struct event *e);

/* The fullest accept queue first, then what was accepted most from. */
void listeners_sort(struct listeners *l);

/* Forgets what is closed, and begins a new interval. */
void listeners_next(struct listeners *l);

#endif
