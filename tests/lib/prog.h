/* SPDX-License-Identifier: GPL-2.0 */
/* A program under test: what it writes is kept, its end is awaited. */
#ifndef TCBSCOPE_TESTS_LIB_PROG_H
#define TCBSCOPE_TESTS_LIB_PROG_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { PROG_OUT, PROG_ERR, PROG_STREAMS };

/* How to start it; only argv must be there. */
struct prog_setup {
	char *const *argv; /* argv[0] is a path */
	char *const *env;  /* "NAME=value", or "NAME" for none; ends in NULL */
	const char *out;   /* standard output to this file; NULL: to us */
	bool no_reader;	   /* standard output is a broken pipe from the start */
	unsigned int columns; /* to us through a terminal so wide; 0: a pipe */
	uid_t uid;	      /* not 0: as this user, without any group */
	const int *caps; /* with these capabilities, caps.h; NULL: as they are */
};

struct prog {
	pid_t pid; /* 0: it has ended */
	struct {
		int fd;	    /* -1: at its end */
		char *text; /* all that was read so far, terminated */
		size_t len, room;
	} stream[PROG_STREAMS];
};

/* Starts it with /dev/null as standard input. 0 or -errno. */
int prog_start(struct prog *prog, const struct prog_setup *setup);

/*
 * Reads until @stream has @text in it. 0; -ENODATA if it ended without;
 * -ETIMEDOUT; -errno.
 */
int prog_wait(struct prog *prog, int stream, const char *text);

/* Reads what there is already. 0; -ENODATA if both have ended; -errno. */
int prog_read(struct prog *prog);

/* As prog_wait() until it has @more lines than were read so far. */
int prog_wait_lines(struct prog *prog, int stream, size_t more);

/* Stops reading a stream: the program finds a broken pipe. */
void prog_hang_up(struct prog *prog, int stream);

/*
 * Reads both streams to their ends, then waits for the program. Its exit code,
 * 128 + the number of the signal that ended it, or -errno: it is killed then.
 */
int prog_finish(struct prog *prog);

/* All of the above: start and finish. */
int prog_run(struct prog *prog, const struct prog_setup *setup);

/* Frees the texts; ends a program that still runs. */
void prog_free(struct prog *prog);

/* The text of a stream, never NULL. */
const char *prog_text(const struct prog *prog, int stream);

/* How many lines a stream has. */
size_t prog_lines(const struct prog *prog, int stream);

#endif
