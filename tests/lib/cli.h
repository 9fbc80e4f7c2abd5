/* SPDX-License-Identifier: GPL-2.0 */
/* "tcbscope trace" as a program, in a namespace with connections to show. */
#ifndef TCBSCOPE_TESTS_LIB_CLI_H
#define TCBSCOPE_TESTS_LIB_CLI_H

#include "lab/witness.h"
#include "tests/lib/prog.h"

#define CLI_PORT 7000 /* of the listener */
#define CLI_STATES 10 /* changes of a connection, of both its sides ... */
#define CLI_EVENTS (CLI_STATES + 2)	 /* ... and of the accept queue */
#define CLI_STATES_ONLY "--events=state" /* it is started sooner */

struct cli {
	struct prog prog;
	int listener;
	int file;		 /* what --json=FILE writes to */
	char beside[64];	 /* that option */
	struct witness *witness; /* of that file */
};

/* What the closing line on standard error says; all 0 if there is none. */
struct cli_counts {
	unsigned int delivered, shown, filtered;
};

/*
 * Moves this process to a namespace of its own, for good, and listens there,
 * on all addresses of @family. 0 or -errno; cli_free() in any case.
 */
int cli_init(struct cli *cli, int family);
void cli_free(struct cli *cli);

/*
 * Starts "tcbscope trace --netns self", how->argv to follow (which may be NULL
 * and ends in NULL), and waits for the first line. 0, -ENODATA or -errno.
 */
int cli_start(struct cli *cli, const struct prog_setup *how);

/* Sends it a signal and waits for its end. Its exit code or -errno. */
int cli_end(struct cli *cli, int signal);

/*
 * Makes @n connections to 127.0.0.1, one after the other; or one to the address
 * of @family. The client closes first. All is over when they return. 0, -errno.
 */
int cli_connections(struct cli *cli, int n);
int cli_connection(struct cli *cli, int family, const void *address);

/* Reads all that --json=FILE has written: cli->witness. 0 or -errno. */
int cli_read_beside(struct cli *cli);

/* Lines on standard error, but for notes of what this kernel does not have. */
size_t cli_lines_said(const struct cli *cli);

struct cli_counts cli_closing_line(const struct cli *cli);

#endif
