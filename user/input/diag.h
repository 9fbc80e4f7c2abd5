/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the kernel tells of TCP sockets by itself, over sock_diag(7), in the
 * words of its module: less of it, but wherever it runs and to everybody.
 */
#ifndef TCBSCOPE_INPUT_DIAG_H
#define TCBSCOPE_INPUT_DIAG_H

#include "input/module.h"

struct diag_socket {
	struct module_identity id; /* all of it */
	uint32_t state;		   /* as enum tcbscope_state */
	uint64_t inode;		   /* 0: no process holds it */
};

struct diag;

/* Opens a connection, about sockets of the current network namespace. NULL with
 * errno set. */
struct diag *diag_open(void);
void diag_close(struct diag *d);

/*
 * Yields every socket with these ports, 0: any. @sink returns 0 to go on, or
 * what diag_each() then returns. Else 0 or -errno.
 */
typedef int (*diag_sink)(void *ctx, const struct diag_socket *s);
int diag_each(struct diag *d, uint16_t local_port, uint16_t remote_port,
	      diag_sink sink, void *ctx);

/*
 * A socket as the module would show it (module_set_socket), or a listener with
 * its queues (module_set_listener), valid until the next call. Sequence numbers
 * are counted from the initial ones, which are 0: nobody tells those. Of a
 * listener, who waits is derived: sockets of its address that no process holds,
 * in the order of their age. 0 or -errno: -ENOENT if it is not there any more.
 */
int diag_get(struct diag *d, const struct diag_socket *s,
	     struct module_list *list);

/* The same by what getsockopt() gives of a socket that is in no table. */
int diag_of_fd(struct diag *d, int fd, const struct diag_socket *s,
	       struct module_list *list);

#endif
