/* SPDX-License-Identifier: GPL-2.0 */
/* What a process does to a socket: the system call, and how it closes it. */
#ifndef TCBSCOPE_CALL_H
#define TCBSCOPE_CALL_H

#include "bpf/emit.h"

#define RCV_SHUTDOWN 1 /* bit of sk_shutdown: the owner reads no more */

/* The system call in which the running task is. Global: verified once. */
__weak __noinline enum cause cause_call(void)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	unsigned int flags = task->flags;
	enum cause cause = CAUSE_NONE;
	long nr;

	if (flags & PF_IO_WORKER)
		return CAUSE_CALL_IO_URING;
	if (flags & PF_KTHREAD)
		return CAUSE_KERNEL;
	if (flags & PF_EXITING)
		return CAUSE_EXIT;
	nr = compat_syscall_nr(task);
	if (nr >= 0 && nr < CONFIG_CALLS)
		cause = config.call[nr].cause;
	return cause ?: CAUSE_CALL;
}

/*
 * Bytes received that no one has read. The FIN counts one in rcv_nxt, and in
 * copied_seq once end of file has been read.
 */
static __always_inline __u32 unread(struct sock *sk, struct tcp_sock *tp)
{
	__u32 n = tp->rcv_nxt - tp->copied_seq;

	return n && compat_sock_flag(sk, SOCK_DONE) ? n - 1 : n;
}

/* Of a call that closes a connection at once: in what way it is a reset. */
static __always_inline enum kind call_kind(struct sock *sk, struct tcp_sock *tp,
					   enum cause call)
{
	if (call == CAUSE_CALL_CONNECT)
		return KIND_disconnect;
	if (unread(sk, tp))
		return KIND_unread_data;
	if (compat_sock_flag(sk, SOCK_LINGER) && !sk->sk_lingertime)
		return KIND_linger;
	return KIND_none;
}

#endif
