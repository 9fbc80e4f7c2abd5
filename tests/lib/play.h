/* SPDX-License-Identifier: GPL-2.0 */
/* A client and a server in two namespaces, with a gate between, and a trace. */
#ifndef TCBSCOPE_TESTS_LIB_PLAY_H
#define TCBSCOPE_TESTS_LIB_PLAY_H

#include "lab/gate.h"
#include "lab/netns.h"
#include "tests/lib/actor.h"
#include "tests/lib/shared.h"
#include "tests/lib/trace.h"

/*
 *	side 0                                side 1
 *	client, port 2000 ===== gate ===== server, port 2001
 *
 * Both are actors (actor.h) inside their namespace, and the gate is open. The
 * worker is a third one, not started: the server may fork it.
 */
#define PLAY_CLIENT_PORT shared_port() /* 2000, if it shares no trace */
#define PLAY_SERVER_PORT (shared_port() + 1)

struct play {
	struct netns_pair pair;
	struct gate gate;
	struct actor client, server, worker;
	struct trace trace;		      /* not started */
	char netns[64];			      /* both namespaces, for --netns */
	struct sighting at_client, at_server; /* events of either side */
};

/* 0, or -errno; play_free() in any case. */
int play_init(struct play *play);
void play_free(struct play *play);

/*
 * Starts the trace of both namespaces, with two more options or NULL; or looks
 * at the shared one (shared.h) from now on.
 */
int play_trace(struct play *play, char *option, char *value);
int play_join(struct play *play);

/* Waits for a transition on one side; NULL for any state. 0 or -errno. */
int play_wait(struct play *play, const struct sighting *side, const char *old,
	      const char *new);

/* Until the kernel has the end of a side in this state, traced or not. */
int play_wait_tcp(const struct play *play, int side, int state);

/* The first transition to a state on one side; NULL if there was none. */
struct json_object *play_transition(const struct play *play,
				    const struct sighting *side,
				    const char *new);

/* The server listens, the client connects, the server accepts. 0 or -errno. */
int play_connect(struct play *play);

/* The client closes, then @server, and all is awaited. 0 or -errno. */
int play_close(struct play *play, struct actor *server);

#endif
