/* SPDX-License-Identifier: GPL-2.0 */
/* A process with a part to play: it does what the test tells it, in order. */
#ifndef TCBSCOPE_TESTS_LIB_ACTOR_H
#define TCBSCOPE_TESTS_LIB_ACTOR_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/types.h>

/*
 * Actors are forked without exec, so that a test calls its own functions in
 * them; what these keep in static variables is the actor's alone:
 *
 *	static int fd;
 *
 *	static int do_connect(int port) { fd = ...; return ...; }
 *
 *	ASSERT_EQ(0, actor_call(&client, do_connect, 2000));
 *
 * An actor that is not ended dies with the thread that started it.
 */
struct actor {
	pid_t pid; /* 0: not running */

	/* private */
	int fd, inner;	      /* our end of a socket pair, and the actor's */
	struct actor *parent; /* NULL: this process */
};

/* Makes ready, without a process. 0 or -errno. */
int actor_open(struct actor *actor);

/* Starts an open actor as our child, with @comm as its name. 0 or -errno. */
int actor_start(struct actor *actor, const char *comm);

/*
 * Starts @child, opened before @parent was started, as a child of @parent: it
 * has its variables and file descriptors. 0 or -errno.
 */
int actor_fork(struct actor *parent, struct actor *child, const char *comm);

/* Calls @fn there. What it returned, or -ETIMEDOUT, -EPIPE, -errno. */
int actor_call(struct actor *actor, int (*fn)(int arg), int arg);

/* The two halves of actor_call(), for what takes long. */
int actor_tell(struct actor *actor, int (*fn)(int arg), int arg);
int actor_answer(struct actor *actor);

/*
 * Its connection (actor_tcp.fd) as a file descriptor of ours, to look at. It
 * keeps the socket alive. Or -errno.
 */
int actor_share(struct actor *actor);

/* Kills it, whatever it does, and frees it; children before parents. */
void actor_end(struct actor *actor);

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
