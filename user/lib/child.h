/* SPDX-License-Identifier: GPL-2.0 */
/* A command that is started held, and let go when everything is ready. */
#ifndef TCBSCOPE_LIB_CHILD_H
#define TCBSCOPE_LIB_CHILD_H

#include <sys/types.h>

struct child {
	pid_t pid; /* 0: none */
	int hold;  /* closing it without a byte ends the child */
	int error; /* the child writes errno here if it cannot run */
};

/*
 * Forks a child that will run @argv, found by PATH, with the credentials of
 * the user who called sudo and no signal blocked, once child_release() says
 * so. 0 or -errno.
 */
int child_hold(struct child *child, char **argv);

/* Lets it go. 0 once the command runs, or why it cannot: -errno. */
int child_release(struct child *child);

/* The exit code a shell would give for a status of waitpid(). */
int child_code(int status);

#endif
