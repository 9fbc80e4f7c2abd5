/* SPDX-License-Identifier: GPL-2.0 */
/* What actors (lab/actor.h) do in tests: who they are, and a connection. */
#ifndef TCBSCOPE_TESTS_LIB_ACTOR_H
#define TCBSCOPE_TESTS_LIB_ACTOR_H

#include "lab/actor.h"

#include <netinet/in.h>
#include <sys/socket.h>

/*
 * Its connection (actor_tcp.fd) as a file descriptor of ours, to look at. It
 * keeps the socket alive. Or -errno.
 */
int actor_share(struct actor *actor);

/* Functions to call. All return 0 or -errno. */
int actor_become(int uid);  /* user and group @uid, no other groups */
int actor_enter(int netns); /* network namespace by file descriptor */

/*
 * A TCP connection from end[0] to end[1], for functions to call. An actor has
 * the values of who started it; what it changes is its own.
 */
struct actor_tcp {
	struct sockaddr_storage end[2];
	socklen_t len;	  /* of both */
	int listener, fd; /* of end[1]; of the connection; 0: none */
};

extern struct actor_tcp actor_tcp;

int actor_listen(int backlog); /* at end[1] */
int actor_accept(int arg);     /* waits for a connection */
int actor_bind(int side);      /* a socket to end[@side], not connected */
int actor_connect(int arg);    /* to end[1], from end[0] if not bound yet */
int actor_send(int bytes);     /* all of them */
int actor_receive(int bytes);  /* waits until all have come */
int actor_close(int arg);      /* the connection */
int actor_unlisten(int arg);   /* closes the listener */

#endif
