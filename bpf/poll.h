/* SPDX-License-Identifier: GPL-2.0 */
/* Calls that wait until one of several file descriptors is ready. */
#ifndef TCBSCOPE_POLL_H
#define TCBSCOPE_POLL_H

#include "bpf/calling.h"

static __always_inline bool poll_waits(int op)
{
	return op == CALL_poll || op == CALL_ppoll || op == CALL_select ||
	       op == CALL_pselect6 || op == CALL_epoll_wait ||
	       op == CALL_epoll_pwait || op == CALL_epoll_pwait2;
}

/* Is a TCP socket among what the running task is going to wait for? */
extern int poll_concerns(int op);

/* If it is the only one, the call is about it. */
extern int poll_begins(struct calling *calling);

/* The sockets that it has found ready: an event for each. */
extern int poll_ends(struct calling *calling);

/* epoll_ctl() with a TCP socket, which is @sk. */
extern int poll_adds(struct event_call *e, __u64 sk);

#endif
