/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The one socket that somebody means: by cookie, by its two ends, as a listener
 * or as a file descriptor of a process; in whatever network namespace.
 */
#ifndef TCBSCOPE_INPUT_LOCATE_H
#define TCBSCOPE_INPUT_LOCATE_H

#include "input/diag.h"
#include "input/input.h"

#include <sys/types.h>

enum locate_by {
	LOCATE_BY_COOKIE,
	LOCATE_BY_PAIR,	    /* local and remote address and port */
	LOCATE_BY_LISTENER, /* local address and port; family 0: any address */
	LOCATE_BY_FD,	    /* of a process */
};

struct locate {
	enum locate_by by;
	struct module_identity id;
	pid_t pid;
	int fd;
};

/*
 * "4711", "0x1267" or "sk:1267", as ss(8) prints it; "LOCAL,REMOTE", each
 * "192.0.2.1:80" or "[2001:db8::1]:80"; one of them or ":80" for a listener;
 * "812/7". 0, or -EINVAL: it is none of them.
 */
int locate_parse(const char *text, struct locate *what);

#define LOCATE_MAX 16 /* sockets that are kept */

struct located {
	struct diag_socket socket;
	uint64_t netns; /* inode */
};

struct locate_result {
	struct located found[LOCATE_MAX];
	size_t n;   /* of them; there may be more */
	int netns;  /* descriptor of the first one's namespace; -1 */
	int socket; /* of a socket in no table, a descriptor of ours; -1 */
	struct input_blind blind; /* what could not be looked into */
};

/*
 * Finds it, and all others that could be meant: if there is one in our network
 * namespace, of that; else of all. 0; -ENOENT: there is none;
 * -ESRCH: no such process; -EBADF: it has no such descriptor; -ENOTSOCK: that
 * is no TCP socket; -EPERM: not ours to know; or another -errno. The
 * descriptors are the caller's, locate_close(), in any case.
 */
int locate_find(const struct locate *what, struct locate_result *r);
void locate_close(struct locate_result *r);

/* Moves the calling thread into the first one's namespace for good. 0, -errno. */
int locate_enter(const struct locate_result *r);

#endif
