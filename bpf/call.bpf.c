// SPDX-License-Identifier: GPL-2.0
/*
 * Call events: what processes ask of their TCP sockets, and what they get.
 *
 * Two programs hang on the entry and the exit of all system calls, and leave
 * soon if it is none of those in config.call, or of no TCP socket. What a call
 * has begun with waits in the storage of its thread, which dies with it.
 */
#include "bpf/fd.h"

#define EFAULT 14

EVENT_ANCHOR(event_call);

/* A call that a thread is in. */
struct calling {
	struct event_call e; /* as it entered; e.call 0: in none */
	__u64 sk;	     /* a number; 0: none, or not yet */
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct calling);
} calling SEC(".maps");

__u64 call_next = 1;

/* As config.call counts them: 0 is none, and 0. */
static __always_inline __u64 arg_of(const struct syscall_args *args, __u64 nth)
{
	return args->value[(nth - 1) & 7];
}

/* Nothing is known of it but who calls. */
static __always_inline void call_init(struct event_call *e, int op)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	__u64 id = bpf_get_current_pid_tgid();
	struct nsproxy *ns;

	__builtin_memset(e, 0, sizeof(*e));
	e->ev.type = EVENT_call;
	e->ev.family = FAMILY_INET;
	e->ev.how = HOW_observed;
	e->ev.owner_how = HOW_observed;
	e->ev.pid = id >> 32;
	e->ev.tid = id;
	e->ev.uid = bpf_get_current_uid_gid();
	bpf_get_current_comm(e->ev.comm, sizeof(e->ev.comm));
	ns = task->nsproxy;
	if (ns)
		e->ev.netns = ns->net_ns->ns.inum;
	e->ev.ts_ns = bpf_ktime_get_ns();
	e->call = __sync_fetch_and_add(&call_next, 1);
	e->op = op;
	e->phase = CALL_PHASE_enter;
	e->via = CALL_VIA_syscall;
	e->duration_ns = UNKNOWN_NS;
	e->result = CALL_NO_VALUE;
	e->optval = CALL_NO_VALUE;
	e->len = ~0ull;
	e->shut = 255;
	e->fd = ~0u;
	e->epfd = ~0u;
	e->backlog = ~0u;
	e->level = ~0u;
	e->optname = ~0u;
}

/* Which socket it is about, as far as that is known by now. */
static __always_inline void call_socket(struct event_call *e, __u64 file,
					__u64 sk)
{
	__u64 inode;
	struct ends ends;

	fd_ends(&ends, sk);
	ends_fill(&e->ev, &ends);
	e->ev.uid = fd_word(FD_AT(sk, struct sock, sk_uid));
	inode = peek_pointer(FD_AT(file, struct file, f_inode));
	if (inode)
		e->inode = peek_pointer(FD_AT(inode, struct inode, i_ino));
}

static __noinline void call_emit(const struct event_call *from)
{
	struct event_call *e;

	if (!wanted(event_passes(&from->ev, 0, 0), EVENT_call))
		return;
	e = EVENT_RESERVE(event_call, EVENT_call);
	if (!e)
		return;
	__builtin_memcpy(e, from, sizeof(*e));
	EVENT_SUBMIT(e);
}

/* The arguments that stand in registers. */
static __always_inline void call_args(struct event_call *e,
				      const volatile struct config_call *c,
				      const struct syscall_args *args)
{
	if (c->len)
		e->len = arg_of(args, c->len);
	e->flags = arg_of(args, c->flags);
	switch (c->op) {
	case CALL_socket:
		e->flags = args->value[1] & ~SOCK_TYPE_MASK;
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
		break;
	}
}

/* Does it make a TCP socket? */
static __always_inline bool makes_tcp(const struct syscall_args *args)
{
	__u32 family = args->value[0], type = args->value[1];
	__u32 protocol = args->value[2];

	return (family == FAMILY_INET || family == FAMILY_INET6) &&
	       (type & SOCK_TYPE_MASK) == SOCK_STREAM &&
	       (!protocol || protocol == IPPROTO_TCP);
}

/* Is the call about a TCP socket, or may it have been meant to be? */
static __always_inline bool call_concerns(const volatile struct config_call *c,
					  const struct syscall_args *args,
					  struct fd *fd, __u32 *nr)
{
	fd->kind = FD_NONE;
	fd->sk = 0;
	*nr = ~0u;
	if (!c->fd)
		return c->op == CALL_socket && makes_tcp(args);
	*nr = arg_of(args, c->fd);
	fd_find(fd, *nr);
	if (fd->kind != FD_TCP && c->fd2) {
		*nr = arg_of(args, c->fd2);
		fd_find(fd, *nr);
	}
	return fd->kind == FD_TCP || (fd->kind == FD_NONE && c->sockets_only);
}

/* Global functions are verified once, by themselves. */
__weak __noinline int call_begins(__u32 nr)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	const volatile struct config_call *c;
	struct syscall_args args;
	struct calling *calls;
	struct fd fd;
	__u32 fd_nr;

	if (nr >= CONFIG_CALLS)
		return 0;
	c = &config.call[nr];
	args = compat_syscall_args();
	if (!call_concerns(c, &args, &fd, &fd_nr))
		return 0;
	if (config.offspring && !task_in_tree())
		return 0;
	calls = bpf_task_storage_get(&calling, task, NULL,
				     BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!calls)
		return 0;
	call_init(&calls->e, c->op);
	calls->e.fd = fd_nr;
	calls->sk = fd.sk;
	if (fd.sk)
		call_socket(&calls->e, fd.file, fd.sk);
	call_args(&calls->e, c, &args);
	call_emit(&calls->e);
	return 0;
}

/* The socket that the call has made; or its own, which may have ends by now. */
static __always_inline void call_socket_now(struct calling *calls)
{
	struct event_call *e = &calls->e;
	__u32 nr = e->fd;
	struct fd fd;
	bool made;

	made = (e->op == CALL_socket || e->op == CALL_accept ||
		e->op == CALL_accept4) &&
	       e->result >= 0;
	if (made)
		nr = e->result;
	fd_find(&fd, nr);
	if (fd.kind == FD_TCP && (made || fd.sk == calls->sk))
		call_socket(e, fd.file, fd.sk);
}

__weak __noinline int call_ends(long ret)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	struct calling *calls;
	struct event_call *e;
	nsec_t now;

	calls = bpf_task_storage_get(&calling, task, NULL, 0);
	if (!calls || !calls->e.call)
		return 0;
	now = bpf_ktime_get_ns();
	e = &calls->e;
	e->phase = CALL_PHASE_exit;
	e->duration_ns = now - e->ev.ts_ns;
	e->ev.ts_ns = now;
	e->result = ret;
	if (ret < 0 && ret >= -4095) {
		e->err = -ret;
		e->result = -1;
	}
	call_socket_now(calls);
	call_emit(e);
	e->call = 0;
	return 0;
}

/* Which of the calls in config the running task is in; CONFIG_CALLS: none. */
static __always_inline __u32 call_nr(void)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	__u32 nr = compat_syscall_nr(task);

	return nr < CONFIG_CALLS && config.call[nr].op ? nr : CONFIG_CALLS;
}

SEC("tp_btf/sys_enter")
int BPF_PROG(call_enter, struct pt_regs *regs, long id)
{
	__u32 nr = call_nr();

	return nr < CONFIG_CALLS ? call_begins(nr) : 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(call_exit, struct pt_regs *regs, long ret)
{
	return call_nr() < CONFIG_CALLS ? call_ends(ret) : 0;
}
