// SPDX-License-Identifier: GPL-2.0
/* One row a system call: what it makes of a socket, and its arguments. */
#include "input/call.h"

#include <sys/syscall.h>

/* Fields: those of struct config_call. A machine may lack the older calls. */
static const struct {
	long nr;
	struct config_call call;
} calls[] = {
	{ SYS_socket, { .op = CALL_socket } },
	{ SYS_bind,
	  { .op = CALL_bind, .fd = 1, .addr = 2, .sockets_only = 1 } },
	{ SYS_listen,
	  { .op = CALL_listen,
	    .fd = 1,
	    .sockets_only = 1,
	    .cause = CAUSE_CALL_LISTEN } },
	{ SYS_connect,
	  { .op = CALL_connect,
	    .fd = 1,
	    .addr = 2,
	    .sockets_only = 1,
	    .cause = CAUSE_CALL_CONNECT } },
#ifdef SYS_accept
	{ SYS_accept, { .op = CALL_accept, .fd = 1, .sockets_only = 1 } },
#endif
	{ SYS_accept4,
	  { .op = CALL_accept4, .fd = 1, .flags = 4, .sockets_only = 1 } },
	{ SYS_shutdown,
	  { .op = CALL_shutdown,
	    .fd = 1,
	    .sockets_only = 1,
	    .cause = CAUSE_CALL_SHUTDOWN } },
	{ SYS_close, { .op = CALL_close, .fd = 1, .cause = CAUSE_CALL_CLOSE } },
	{ SYS_close_range, { .cause = CAUSE_CALL_CLOSE } },

	{ SYS_sendto,
	  { .op = CALL_sendto,
	    .fd = 1,
	    .len = 3,
	    .flags = 4,
	    .addr = 5,
	    .sockets_only = 1,
	    .cause = CAUSE_CALL_SENDTO } },
	{ SYS_sendmsg,
	  { .op = CALL_sendmsg,
	    .fd = 1,
	    .flags = 3,
	    .sockets_only = 1,
	    .cause = CAUSE_CALL_SENDMSG } },
	{ SYS_sendmmsg,
	  { .op = CALL_sendmmsg,
	    .fd = 1,
	    .flags = 4,
	    .sockets_only = 1,
	    .cause = CAUSE_CALL_SENDMSG } },
	{ SYS_write, { .op = CALL_write, .fd = 1, .len = 3 } },
	{ SYS_writev, { .op = CALL_writev, .fd = 1 } },
	{ SYS_sendfile, { .op = CALL_sendfile, .fd = 1, .len = 4 } },
	{ SYS_splice,
	  { .op = CALL_splice, .fd = 3, .fd2 = 1, .len = 5, .flags = 6 } },
	{ SYS_recvfrom,
	  { .op = CALL_recvfrom,
	    .fd = 1,
	    .len = 3,
	    .flags = 4,
	    .sockets_only = 1 } },
	{ SYS_recvmsg,
	  { .op = CALL_recvmsg, .fd = 1, .flags = 3, .sockets_only = 1 } },
	{ SYS_recvmmsg,
	  { .op = CALL_recvmmsg, .fd = 1, .flags = 4, .sockets_only = 1 } },
	{ SYS_read, { .op = CALL_read, .fd = 1, .len = 3 } },
	{ SYS_readv, { .op = CALL_readv, .fd = 1 } },

	{ SYS_getsockopt,
	  { .op = CALL_getsockopt, .fd = 1, .sockets_only = 1 } },
	{ SYS_setsockopt,
	  { .op = CALL_setsockopt, .fd = 1, .sockets_only = 1 } },

	{ SYS_dup, { .op = CALL_dup, .fd = 1 } },
#ifdef SYS_dup2
	{ SYS_dup2, { .op = CALL_dup2, .fd = 1, .cause = CAUSE_CALL_DUP } },
#endif
	{ SYS_dup3,
	  { .op = CALL_dup3, .fd = 1, .flags = 3, .cause = CAUSE_CALL_DUP } },

	{ SYS_execve, { .cause = CAUSE_CALL_EXECVE } },
	{ SYS_execveat, { .cause = CAUSE_CALL_EXECVE } },
	{ SYS_io_uring_enter, { .cause = CAUSE_CALL_IO_URING } },
};

void call_configure(struct config *config)
{
	unsigned int i;

	config->accept[0] = config->accept[1] = SYS_accept4;
#ifdef SYS_accept
	config->accept[1] = SYS_accept;
#endif
	for (i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if (calls[i].nr < CONFIG_CALLS)
			config->call[calls[i].nr] = calls[i].call;
}
