// SPDX-License-Identifier: GPL-2.0
/*
 * Call events: what processes ask of their TCP sockets, and what they get.
 *
 * Two programs hang on the entry and the exit of all system calls, and leave
 * soon if it is none of those in config.call, or of no TCP socket. They are of
 * the type that user/input/syscall.c chooses, and so do not read their context.
 */
#include "bpf/calling.h"
#include "bpf/poll.h"
#include "bpf/user.h"

#define F_DUPFD 0
#define F_SETFL 4
#define F_DUPFD_CLOEXEC 1030

EVENT_ANCHOR(event_call);

extern int queue_exit(void); /* queue.bpf.c */

__u64 call_next = 1;

/* Which of the calls in config the running task is in; CONFIG_CALLS: none. */
static __always_inline __u32 call_nr(void)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	__u32 nr = compat_syscall_nr(task);

	return nr < CONFIG_CALLS && config.call[nr].op ? nr : CONFIG_CALLS;
}

/* As config.call counts them: 0 is none, and 0. */
static __always_inline __u64 arg_of(const struct syscall_args *args, __u64 nth)
{
	return args->value[(nth - 1) & 7];
}

static __always_inline enum fcntl_cmd fcntl_cmd(__u32 cmd)
{
	switch (cmd) {
	case F_DUPFD:
		return FCNTL_F_DUPFD;
	case F_DUPFD_CLOEXEC:
		return FCNTL_F_DUPFD_CLOEXEC;
	case F_SETFL:
		return FCNTL_F_SETFL;
	}
	return 0;
}

static __always_inline enum sockopt option_of(__u32 level, __u32 nr)
{
	if (nr >= CONFIG_OPTIONS)
		return 0;
	return level == config.level[0] ? config.option[0][nr] :
	       level == config.level[1] ? config.option[1][nr] :
					  0;
}

/* The arguments that stand in registers. */
static __always_inline void args_read(struct event_call *e,
				      const volatile struct config_call *c,
				      const struct syscall_args *args)
{
	if (c->len)
		e->len = arg_of(args, c->len);
	e->flags = arg_of(args, c->flags);
	switch (c->op) {
	case CALL_socket:
		e->flags = args->value[1] & ~SOCK_TYPE_MASK;
		e->ev.family = args->value[0];
		break;
	case CALL_listen:
		e->backlog = args->value[1];
		break;
	case CALL_shutdown:
		if (args->value[1] <= SHUT_HOW_RDWR)
			e->shut = args->value[1];
		break;
	case CALL_getsockopt:
	case CALL_setsockopt:
		e->level = args->value[1];
		e->optname = args->value[2];
		e->option = option_of(e->level, e->optname);
		break;
	case CALL_fcntl:
		e->cmd = fcntl_cmd(args->value[1]);
		if (e->cmd == FCNTL_F_SETFL)
			e->flags = args->value[2];
		break;
	}
}

/* And those that do not. */
static __always_inline void memory_read(struct event_call *e,
					const volatile struct config_call *c,
					const struct syscall_args *args)
{
	if (c->addr)
		user_addr(e, arg_of(args, c->addr), arg_of(args, c->addr + 1));
	switch (c->op) {
	case CALL_sendmsg:
	case CALL_recvmsg:
		user_msghdr(e, args->value[1]);
		break;
	case CALL_writev:
	case CALL_readv:
		e->len = user_vector(args->value[1], args->value[2]);
		break;
	case CALL_setsockopt:
		user_option(e, args->value[3], args->value[4]);
		break;
	}
}

/* Is the call about a TCP socket, or may it have been meant to be? */
static __always_inline bool concerns(const volatile struct config_call *c,
				     const struct syscall_args *args,
				     struct fd *fd, __u32 *nr)
{
	fd->kind = FD_NONE;
	fd->sk = 0;
	*nr = CALL_NO_FD;
	if (c->op == CALL_socket)
		return calling_makes_tcp(args->value[0], args->value[1],
					 args->value[2]) &&
		       !calling_excluded();
	if (poll_waits(c->op))
		return true; /* as call_enter() has found out */
	if (c->op == CALL_fcntl && !fcntl_cmd(args->value[1]))
		return false;
	*nr = arg_of(args, c->fd);
	fd_find(fd, *nr);
	if (fd->kind != FD_TCP && c->fd2) {
		*nr = arg_of(args, c->fd2);
		fd_find(fd, *nr);
	}
	if (fd->kind == FD_OTHER || (fd->kind == FD_NONE && !c->sockets_only))
		return false;
	return !calling_excluded();
}

/* Global functions are verified once, by themselves. */
__weak __noinline int call_reads(struct calling *calling, __u32 nr)
{
	const volatile struct config_call *c;
	struct syscall_args args;

	if (!calling || nr >= CONFIG_CALLS)
		return 0;
	c = &config.call[nr];
	args = compat_syscall_args();
	args_read(&calling->e, c, &args);
	memory_read(&calling->e, c, &args);
	if (c->op == CALL_epoll_ctl)
		poll_adds(&calling->e, calling->sk);
	return 0;
}

__weak __noinline int call_begins(__u32 nr)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	const volatile struct config_call *c;
	struct syscall_args args;
	struct calling *calling;
	struct fd fd;
	__u32 fd_nr;

	if (nr >= CONFIG_CALLS)
		return 0;
	c = &config.call[nr];
	args = compat_syscall_args();
	if (!concerns(c, &args, &fd, &fd_nr))
		return 0;
	calling = bpf_task_storage_get(&callings, task, NULL,
				       BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!calling) {
		COUNT(no_storage);
		return 0;
	}
	calling_init(&calling->e, c->op, CALL_VIA_syscall);
	calling->e.fd = fd_nr;
	calling->sk = fd.sk;
	if (fd.sk)
		calling_socket(&calling->e, fd.file, fd.sk);
	call_reads(calling, nr);
	return 1;
}

static __always_inline bool makes_socket(const struct event_call *e)
{
	return e->op == CALL_socket || e->op == CALL_accept ||
	       e->op == CALL_accept4;
}

/* The socket that the call has made; or its own, which may have ends by now. */
static __always_inline void socket_now(struct calling *calling)
{
	struct event_call *e = &calling->e;
	bool made = makes_socket(e) && e->result >= 0;
	struct fd fd;

	fd_find(&fd, made ? e->result : e->fd);
	if (fd.kind == FD_TCP && (made || fd.sk == calling->sk))
		calling_socket(e, fd.file, fd.sk);
}

/* What was not there when it began, or is the kernel's answer. */
static __always_inline void answer_read(struct event_call *e, __u64 sk)
{
	struct syscall_args args = compat_syscall_args();
	__u32 nr = call_nr(), len;

	if (nr >= CONFIG_CALLS)
		return;
	if (makes_socket(e) && e->result >= 0 && e->op != CALL_socket) {
		e->to = e->ev.raddr;
		e->to_port = e->ev.rport;
		e->to_family = e->ev.family;
	} else if (e->op == CALL_getsockopt) {
		if (!e->err && USER_READ(&len, sizeof(len), args.value[4]))
			user_option(e, args.value[3], len);
	} else if (e->op == CALL_epoll_ctl) {
		poll_adds(e, sk);
	} else {
		memory_read(e, &config.call[nr], &args);
	}
	user_addr_ends(e);
}

/* What is known at its end only. */
__weak __noinline int call_ends(struct calling *calling)
{
	if (!calling)
		return 0;
	socket_now(calling);
	answer_read(&calling->e, calling->sk);
	return 0;
}

static __always_inline struct calling *call_find(void)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();

	return bpf_task_storage_get(&callings, task, NULL, 0);
}

SEC("tp_btf/sys_enter")
int call_enter(void *ctx)
{
	struct calling *calling;
	__u32 nr = call_nr();
	bool waits;

	if (nr >= CONFIG_CALLS)
		return 0;
	waits = poll_waits(config.call[nr].op);
	if (waits && (calling_excluded() || !poll_concerns(config.call[nr].op)))
		return 0;
	if (!call_begins(nr))
		return 0;
	calling = call_find();
	if (!calling)
		return 0;
	if (waits)
		poll_begins(calling);
	calling->told = calling_emit(&calling->e) || makes_socket(&calling->e);
	return 0;
}

SEC("tp_btf/sys_exit")
int call_exit(void *ctx)
{
	struct calling *calling;
	__u32 nr = call_nr();

	if (nr >= CONFIG_CALLS)
		return 0;
	queue_exit(); /* instead of a program of its own */
	calling = call_find();
	if (!calling || !calling->e.call || calling->e.op != config.call[nr].op)
		return 0;
	calling_returns(&calling->e, compat_syscall_result());
	call_ends(calling);
	if (poll_waits(calling->e.op))
		poll_ends(calling);
	calling_end(calling);
	calling->e.call = 0;
	return 0;
}

/*
 * A socket gets its cookie when somebody asks for it: so that its first calls
 * have it, too. It lets all sockets pass, and runs for new ones only.
 */
SEC("cgroup/sock_create")
int call_socket(struct bpf_sock *sk)
{
	if (sk->protocol == IPPROTO_TCP && sk->type == SOCK_STREAM)
		bpf_get_socket_cookie(sk);
	return 1;
}
