// SPDX-License-Identifier: GPL-2.0
/*
 * Which TCP sockets a process waits for, and which of them are ready.
 *
 * poll() and select() are given file descriptors, and give them back.
 * epoll_wait() gives numbers that the process has chosen: which sockets are
 * meant by them is remembered when they are added.
 */
#include "bpf/poll.h"
#include "bpf/user.h"

#define POLL_FDS 64	   /* descriptors of poll() that are looked at ... */
#define POLL_SELECT 256	   /* ... and of select() */
#define POLL_EPOLLS 1024   /* epoll instances with TCP sockets */
#define POLL_MEMBERS 16384 /* such sockets of all of them */

/* enum of poll(): the same for epoll, on all machines */
#define POLLIN 1
#define POLLPRI 2
#define POLLOUT 4

struct user_pollfd {
	__u32 fd;
	__u16 events, revents;
};

struct poll_member {
	__u64 epoll; /* its file: a number */
	__u64 data;  /* what the process calls the socket */
};

struct poll_socket {
	__u64 sk; /* a number: is it still the one? */
	__u32 fd, wanted;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, POLL_EPOLLS);
	__type(key, __u64);
	__type(value, __u8);
} poll_epolls SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, POLL_MEMBERS);
	__type(key, struct poll_member);
	__type(value, struct poll_socket);
} poll_members SEC(".maps");

/* A look at all that a call waits for. */
struct poll_look {
	struct calling *calling; /* at its end; NULL: what is there? */
	__u64 from[3];		 /* arrays of the process */
	__u64 word[3];		 /* of select() */
	__u64 epoll;		 /* file: a number */
	__u32 found; /* TCP sockets, 2: several; and the last one: */
	__u32 nr, wanted;
};

/* A TCP socket that is ready. */
__weak __noinline int poll_tell(struct calling *calling, const struct fd *fd,
				__u32 nr, __u32 wanted, __u32 ready)
{
	struct event_call *e;

	if (!calling || !fd)
		return 0;
	e = &calling->ready;
	__builtin_memcpy(e, &calling->e, sizeof(*e));
	e->phase = CALL_PHASE_ready;
	e->duration_ns = UNKNOWN_NS;
	e->result = CALL_NO_VALUE;
	e->fd = nr;
	e->wanted = wanted;
	e->ready = ready;
	calling_socket(e, fd->file, fd->sk);
	calling_emit(e);
	return 0;
}

/* One descriptor. As bpf_loop() wants it: 1 if nothing is to be found any more.
 */
static __always_inline long poll_look(struct poll_look *l, __u32 nr,
				      __u32 wanted, __u32 ready)
{
	struct calling *calling = l->calling;
	struct fd fd;

	fd_find(&fd, nr);
	if (fd.kind != FD_TCP)
		return 0;
	l->found++;
	l->nr = nr;
	l->wanted = wanted;
	if (!calling)
		return l->found > 1;
	if (nr == calling->e.fd)
		calling->e.ready |= ready;
	else if (ready)
		poll_tell(calling, &fd, nr, wanted, ready);
	return 0;
}

static long look_poll(__u32 i, struct poll_look *l)
{
	struct user_pollfd p = {};

	if (!USER_READ(&p, sizeof(p), l->from[0] + i * sizeof(p)))
		return 1;
	return poll_look(l, p.fd, p.events, p.revents);
}

/* At the end the sets are what is ready. */
static long look_select(__u32 i, struct poll_look *l)
{
	__u32 bit = i % 64, ready, k;

	for (k = 0; !bit && k < 3; k++) {
		l->word[k] = 0;
		if (l->from[k])
			USER_READ(&l->word[k], sizeof(l->word[k]),
				  l->from[k] + i / 8);
	}
	ready = (l->word[0] >> bit & 1) * POLLIN +
		(l->word[1] >> bit & 1) * POLLOUT +
		(l->word[2] >> bit & 1) * POLLPRI;
	return ready ? poll_look(l, i, ready, ready) : 0;
}

static long look_epoll(__u32 i, struct poll_look *l)
{
	__u64 at = l->from[0] + i * config.epoll_event;
	struct poll_member member = { .epoll = l->epoll };
	struct calling *calling = l->calling;
	struct poll_socket *socket;
	struct fd fd;
	__u32 ready;

	if (!USER_READ(&ready, sizeof(ready), at) ||
	    !USER_READ(&member.data, sizeof(member.data),
		       at + config.epoll_event - sizeof(member.data)))
		return 1;
	socket = bpf_map_lookup_elem(&poll_members, &member);
	if (!socket || !calling)
		return 0;
	fd_find(&fd, socket->fd);
	if (fd.kind == FD_TCP && fd.sk == socket->sk)
		poll_tell(calling, &fd, socket->fd, socket->wanted, ready);
	return 0;
}

static __always_inline __u32 at_most(__u64 n, __u32 max)
{
	return n < max ? n : max;
}

/* All that @op has been given; @n: how many it has found. */
static __always_inline void look_all(struct poll_look *l, int op, __s64 n)
{
	struct syscall_args args = compat_syscall_args();

	switch (op) {
	case CALL_poll:
	case CALL_ppoll:
		l->from[0] = args.value[0];
		bpf_loop(at_most(args.value[1], POLL_FDS), look_poll, l, 0);
		break;
	case CALL_select:
	case CALL_pselect6:
		l->from[0] = args.value[1];
		l->from[1] = args.value[2];
		l->from[2] = args.value[3];
		bpf_loop(at_most(args.value[0], POLL_SELECT), look_select, l,
			 0);
		break;
	default:
		l->from[0] = args.value[1];
		l->epoll = fd_file(args.value[0]);
		if (!l->calling)
			l->found = !!bpf_map_lookup_elem(&poll_epolls,
							 &l->epoll);
		else
			bpf_loop(at_most(n, POLL_FDS), look_epoll, l, 0);
	}
}

__noinline int poll_concerns(int op)
{
	struct poll_look l = {};

	look_all(&l, op, 0);
	return l.found;
}

static __always_inline bool is_epoll(int op)
{
	return op == CALL_epoll_wait || op == CALL_epoll_pwait ||
	       op == CALL_epoll_pwait2;
}

__noinline int poll_begins(struct calling *calling)
{
	struct poll_look l = {};
	struct event_call *e;
	struct fd fd;

	if (!calling)
		return 0;
	e = &calling->e;
	if (is_epoll(e->op)) {
		e->epfd = compat_syscall_arg1();
		return 0;
	}
	look_all(&l, e->op, 0);
	fd_find(&fd, l.nr);
	if (l.found != 1 || fd.kind != FD_TCP)
		return 0;
	e->fd = l.nr;
	e->wanted = l.wanted;
	calling->sk = fd.sk;
	calling_socket(e, fd.file, fd.sk);
	return 0;
}

__noinline int poll_ends(struct calling *calling)
{
	struct poll_look l = { .calling = calling };

	if (calling && calling->e.result > 0)
		look_all(&l, calling->e.op, calling->e.result);
	return 0;
}

__noinline int poll_adds(struct event_call *e, __u64 sk)
{
	struct syscall_args args = compat_syscall_args();
	struct poll_socket socket = { .sk = sk };
	struct poll_member member = {};
	__u8 known = 1;

	if (!e)
		return 0;
	e->epfd = args.value[0];
	if (args.value[1] <= EPOLL_OP_MOD)
		e->epoll_op = args.value[1];
	if (e->epoll_op == EPOLL_OP_DEL)
		return 0;
	if (!USER_READ(&e->wanted, sizeof(e->wanted), args.value[3]) ||
	    !USER_READ(&member.data, sizeof(member.data),
		       args.value[3] + config.epoll_event -
			       sizeof(member.data)))
		return 0;
	if (e->phase != CALL_PHASE_exit || e->err)
		return 0;
	socket.fd = e->fd;
	socket.wanted = e->wanted;
	member.epoll = fd_file(e->epfd);
	bpf_map_update_elem(&poll_epolls, &member.epoll, &known, BPF_ANY);
	bpf_map_update_elem(&poll_members, &member, &socket, BPF_ANY);
	return 0;
}
