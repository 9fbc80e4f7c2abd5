/* SPDX-License-Identifier: GPL-2.0 */
/* A process with a part to play: it does what it is told, in order. */
#ifndef TCBSCOPE_LAB_ACTOR_H
#define TCBSCOPE_LAB_ACTOR_H

#include <sys/types.h>

/*
 * Actors are forked without exec, so that they call functions of whoever
 * tells them; what these keep in static variables is the actor's alone:
 *
 *	static int fd;
 *
 *	static int do_connect(int port) { fd = ...; return ...; }
 *
 *	err = actor_call(&client, do_connect, 2000);
 *
 * An actor that is not ended dies with the thread that started it.
 */
#define ACTOR_FDS 200 /* the numbers of its own descriptors begin here */

struct actor {
	pid_t pid; /* 0: not running */

	int fd; /* our end of a socket pair: readable when there is an answer */

	/* private */
	int inner;	      /* the actor's end */
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

/* Kills it, whatever it does, and frees it; children before parents. */
void actor_end(struct actor *actor);

#endif
