/* SPDX-License-Identifier: GPL-2.0 */
/* What this process asks of its sockets, traced. */
#ifndef TCBSCOPE_TESTS_LIB_CALLS_H
#define TCBSCOPE_TESTS_LIB_CALLS_H

#include "shared.h"
#include "trace.h"

#include <sys/socket.h>

#define CALLS_PORT shared_port()

struct calls {
	struct trace trace;
	int64_t begin, end; /* of what is looked at, CLOCK_MONOTONIC, ns; 0 */
	struct sockaddr_storage addr; /* loopback, CALLS_PORT */
	socklen_t len;
	int listener, client, server; /* -1: none */
};

/*
 * Moves this thread to a namespace where calls are traced, that of the
 * program's shared trace (SHARED_NETNS_HARNESS_MAIN("--events", "call")), and
 * looks at those from now on. Or starts a trace of its own, in a namespace of
 * its own, with these options, a list that ends in NULL; it may begin with
 * --events, if other events are wanted, too.
 * What returns int returns 0 or -errno.
 */
int calls_join(struct calls *c, int family);
int calls_start(struct calls *c, int family, char *const also[]);
void calls_free(struct calls *c);

/* Both ends of a connection; neither blocks if @nonblock is SOCK_NONBLOCK. */
int calls_open(struct calls *c, int nonblock);

/*
 * Ends the trace. -EBADMSG: its account does not add up. That of a shared one
 * is judged at its own end.
 */
int calls_stop(struct calls *c);

/* The n-th event of this call and phase, from 0; NULL: there are fewer. */
struct json_object *calls_nth(const struct calls *c, const char *op,
			      const char *phase, int n);

/* How many there are. */
int calls_count(const struct calls *c, const char *op, const char *phase);

/* Fields of an event; "absent" and INT64_MIN. */
const char *calls_text(struct json_object *e, const char *field);
int64_t calls_number(struct json_object *e, const char *field);

#endif
