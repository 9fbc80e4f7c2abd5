// SPDX-License-Identifier: GPL-2.0
/* One row a system call: what it makes of a socket, and its arguments. */
#include "input/call.h"

#include <linux/io_uring.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
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

#ifdef SYS_poll
	{ SYS_poll, { .op = CALL_poll } },
#endif
	{ SYS_ppoll, { .op = CALL_ppoll } },
#ifdef SYS_select
	{ SYS_select, { .op = CALL_select } },
#endif
	{ SYS_pselect6, { .op = CALL_pselect6 } },
#ifdef SYS_epoll_wait
	{ SYS_epoll_wait, { .op = CALL_epoll_wait } },
#endif
	{ SYS_epoll_pwait, { .op = CALL_epoll_pwait } },
	{ SYS_epoll_pwait2, { .op = CALL_epoll_pwait2 } },
	{ SYS_epoll_ctl, { .op = CALL_epoll_ctl, .fd = 3 } },

	{ SYS_getsockopt,
	  { .op = CALL_getsockopt, .fd = 1, .sockets_only = 1 } },
	{ SYS_setsockopt,
	  { .op = CALL_setsockopt, .fd = 1, .sockets_only = 1 } },

	{ SYS_fcntl, { .op = CALL_fcntl, .fd = 1 } },
	{ SYS_dup, { .op = CALL_dup, .fd = 1 } },
#ifdef SYS_dup2
	{ SYS_dup2,
	  { .op = CALL_dup2, .fd = 2, .fd2 = 1, .cause = CAUSE_CALL_DUP } },
#endif
	{ SYS_dup3,
	  { .op = CALL_dup3,
	    .fd = 2, /* what it closes */
	    .fd2 = 1,
	    .flags = 3,
	    .cause = CAUSE_CALL_DUP } },

	{ SYS_execve, { .cause = CAUSE_CALL_EXECVE } },
	{ SYS_execveat, { .cause = CAUSE_CALL_EXECVE } },
	{ SYS_io_uring_enter, { .cause = CAUSE_CALL_IO_URING } },
};

static const struct {
	int level, nr;
	enum sockopt name;
} options[] = {
	{ SOL_SOCKET, SO_ACCEPTCONN, SOCKOPT_SO_ACCEPTCONN },
	{ SOL_SOCKET, SO_BINDTODEVICE, SOCKOPT_SO_BINDTODEVICE },
	{ SOL_SOCKET, SO_BUSY_POLL, SOCKOPT_SO_BUSY_POLL },
	{ SOL_SOCKET, SO_COOKIE, SOCKOPT_SO_COOKIE },
	{ SOL_SOCKET, SO_ERROR, SOCKOPT_SO_ERROR },
	{ SOL_SOCKET, SO_INCOMING_CPU, SOCKOPT_SO_INCOMING_CPU },
	{ SOL_SOCKET, SO_KEEPALIVE, SOCKOPT_SO_KEEPALIVE },
	{ SOL_SOCKET, SO_LINGER, SOCKOPT_SO_LINGER },
	{ SOL_SOCKET, SO_MARK, SOCKOPT_SO_MARK },
	{ SOL_SOCKET, SO_MAX_PACING_RATE, SOCKOPT_SO_MAX_PACING_RATE },
	{ SOL_SOCKET, SO_PRIORITY, SOCKOPT_SO_PRIORITY },
	{ SOL_SOCKET, SO_RCVBUF, SOCKOPT_SO_RCVBUF },
	{ SOL_SOCKET, SO_RCVLOWAT, SOCKOPT_SO_RCVLOWAT },
	{ SOL_SOCKET, SO_RCVTIMEO, SOCKOPT_SO_RCVTIMEO },
	{ SOL_SOCKET, SO_REUSEADDR, SOCKOPT_SO_REUSEADDR },
	{ SOL_SOCKET, SO_REUSEPORT, SOCKOPT_SO_REUSEPORT },
	{ SOL_SOCKET, SO_SNDBUF, SOCKOPT_SO_SNDBUF },
	{ SOL_SOCKET, SO_SNDTIMEO, SOCKOPT_SO_SNDTIMEO },
	{ SOL_SOCKET, SO_TYPE, SOCKOPT_SO_TYPE },
	{ SOL_SOCKET, SO_ZEROCOPY, SOCKOPT_SO_ZEROCOPY },
	{ SOL_TCP, TCP_CONGESTION, SOCKOPT_TCP_CONGESTION },
	{ SOL_TCP, TCP_CORK, SOCKOPT_TCP_CORK },
	{ SOL_TCP, TCP_DEFER_ACCEPT, SOCKOPT_TCP_DEFER_ACCEPT },
	{ SOL_TCP, TCP_FASTOPEN, SOCKOPT_TCP_FASTOPEN },
	{ SOL_TCP, TCP_FASTOPEN_CONNECT, SOCKOPT_TCP_FASTOPEN_CONNECT },
	{ SOL_TCP, TCP_INFO, SOCKOPT_TCP_INFO },
	{ SOL_TCP, TCP_KEEPCNT, SOCKOPT_TCP_KEEPCNT },
	{ SOL_TCP, TCP_KEEPIDLE, SOCKOPT_TCP_KEEPIDLE },
	{ SOL_TCP, TCP_KEEPINTVL, SOCKOPT_TCP_KEEPINTVL },
	{ SOL_TCP, TCP_LINGER2, SOCKOPT_TCP_LINGER2 },
	{ SOL_TCP, TCP_MAXSEG, SOCKOPT_TCP_MAXSEG },
	{ SOL_TCP, TCP_NODELAY, SOCKOPT_TCP_NODELAY },
	{ SOL_TCP, TCP_NOTSENT_LOWAT, SOCKOPT_TCP_NOTSENT_LOWAT },
	{ SOL_TCP, TCP_QUICKACK, SOCKOPT_TCP_QUICKACK },
	{ SOL_TCP, TCP_REPAIR, SOCKOPT_TCP_REPAIR },
	{ SOL_TCP, TCP_SYNCNT, SOCKOPT_TCP_SYNCNT },
	{ SOL_TCP, TCP_ULP, SOCKOPT_TCP_ULP },
	{ SOL_TCP, TCP_USER_TIMEOUT, SOCKOPT_TCP_USER_TIMEOUT },
	{ SOL_TCP, TCP_WINDOW_CLAMP, SOCKOPT_TCP_WINDOW_CLAMP },
};

/* Not in all headers. */
#define URING_BIND 56
#define URING_LISTEN 57

static const struct {
	unsigned int nr;
	enum call_op op;
} urings[] = {
	{ IORING_OP_READV, CALL_readv },
	{ IORING_OP_WRITEV, CALL_writev },
	{ IORING_OP_POLL_ADD, CALL_poll },
	{ IORING_OP_SENDMSG, CALL_sendmsg },
	{ IORING_OP_RECVMSG, CALL_recvmsg },
	{ IORING_OP_ACCEPT, CALL_accept },
	{ IORING_OP_CONNECT, CALL_connect },
	{ IORING_OP_CLOSE, CALL_close },
	{ IORING_OP_READ, CALL_read },
	{ IORING_OP_WRITE, CALL_write },
	{ IORING_OP_SEND, CALL_sendto },
	{ IORING_OP_RECV, CALL_recvfrom },
	{ IORING_OP_SHUTDOWN, CALL_shutdown },
	{ IORING_OP_SOCKET, CALL_socket },
	{ IORING_OP_SEND_ZC, CALL_sendto },
	{ IORING_OP_SENDMSG_ZC, CALL_sendmsg },
	{ URING_BIND, CALL_bind },
	{ URING_LISTEN, CALL_listen },
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
	for (i = 0; i < sizeof(urings) / sizeof(*urings); i++)
		config->uring[urings[i].nr] = urings[i].op;
	config->level[0] = SOL_SOCKET;
	config->level[1] = SOL_TCP;
	for (i = 0; i < sizeof(options) / sizeof(*options); i++)
		config->option[options[i].level == SOL_TCP][options[i].nr] =
			options[i].name;
	config->epoll_event = sizeof(struct epoll_event);
}
