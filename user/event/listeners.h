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

#define LISTENER_RULES (QUEUE_RULE_abort_on_overflow + 1)

/* What has happened in some time. */
struct listener_sums {
	uint64_t completed, accepted;
	uint64_t queued, resent, expired, reset; /* of the SYN queue */
	uint64_t cookies_sent, cookies_accepted;
	uint64_t cookies_always; /* sent though there was room for requests */
	uint64_t dropped, dropped_by[LISTENER_RULES];
	uint64_t sk_drops; /* sampled; counts some twice, but leaves out none */
	uint64_t full;	   /* how often the accept queue became full */
	__u32 peak;	   /* the most in the accept queue */
	struct spans wait; /* in the accept queue, of those accepted */
};

/* A connection that waits to be accepted. */
struct listener_child {
	__u64 cookie;
	struct event ev; /* since ts_ns; 0: it was there before */
	enum how age_how;
	struct listener *listener;
	enum tcb_state state; /* when it was looked at; 0: it was not */
	bytes32_t unread;     /* ~0: unknown */
	TAILQ_ENTRY(listener_child) next;
};

/* Who is going to be accepted next. */
struct listener_first {
	bool waits;   /* false: nobody does */
	nsec_t since; /* 0: it was there before */
	enum how how;
};

struct listener {
	__u64 cookie;
	struct event ev;	  /* its address and owner */
	__u32 syn, accept, limit; /* ~0: unknown */
	__u32 asked;		  /* what listen() asked for; ~0: unknown */
	__u32 somaxconn;	  /* of its namespace; ~0: unknown */
	__u32 sk_drops;		  /* when it was last looked at; ~0: never */
	enum how depth_how;
	struct listener_first first; /* when it was looked at ... */
	bool looked;		     /* ... after the last was accepted */
	bool closed;
	bool stray; /* of it nothing is known but that it was accepted from */
	bool drops_told;		/* as of all listeners */
	struct listener_sums all, last; /* since the beginning, the last call */
	TAILQ_HEAD(, listener_child) waiting; /* the oldest first */
};

struct listeners {
	struct listener **listener;
	size_t n, room;
	void *by_cookie, *children; /* trees of search.h */
	bool drops_told; /* each drop has its event: no need of sk_drops */
};

/* All zero to begin with, but for drops_told. */
void listeners_free(struct listeners *l);

/*
 * Takes an event: of queues, or an existing socket that listens; others are
 * ignored. In the order of their times. 0 or -ENOMEM.
 */
int listeners_add(struct listeners *l, const struct event *e);

/* What listeners are ordered by: the most of it comes first. */
enum listeners_order {
	LISTENERS_BY_DROPS, /* then by what follows */
	LISTENERS_BY_FULL,  /* the accept queue, as a share of its limit */
	LISTENERS_BY_RATE,  /* what was accepted */
	LISTENERS_BY_SYN,
	LISTENERS_BY_ACCEPT,
	LISTENERS_BY_OLDEST, /* for how long the first has waited */
	LISTENERS_BY_P50,
	LISTENERS_BY_P99,
	LISTENERS_BY_MAX,
	LISTENERS_BY_LISTENER, /* namespace, port, address: the least first */
};

void listeners_sort(struct listeners *l, enum listeners_order order);

/* By a look, if nobody was accepted since; else by what came and went. */
struct listener_first listener_first(const struct listener *l);

/* What it dropped, of its sums: by events, or by sk_drops if that says more. */
uint64_t listener_dropped(const struct listener *l,
			  const struct listener_sums *sums);

/* Is one more connection too much for its accept queue? */
bool listener_is_full(const struct listener *l);

/* Forgets what is closed or stray, and begins a new interval. */
void listeners_next(struct listeners *l);

#endif
