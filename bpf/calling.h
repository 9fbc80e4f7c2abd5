/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A call while it lasts: from the event that tells of its beginning to the one
 * that tells of its end.
 *
 * It waits in the storage of its thread, which dies with it: nothing is left of
 * a call that never returns.
 */
#ifndef TCBSCOPE_CALLING_H
#define TCBSCOPE_CALLING_H

#include "bpf/fd.h"

#define CALL_LEN_UNKNOWN (~0ull)
#define CALL_NO_FD (~0u)
#define CALL_NO_SHUT 255

struct calling {
	struct event_call e;	 /* the call; e.call 0: none */
	struct event_call ready; /* room for one about a socket that is */
	__u64 sk;  /* whose ends are in e: a number; 0: none, or not yet */
	bool told; /* its beginning: nothing is to be made up for */
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct calling);
} callings SEC(".maps");

extern __u64 call_next; /* number of the next call */

/*
 * Is nothing told of what the running task does, whatever it is? A global
 * function, as those below: verified once, and not on each way that leads to it.
 */
__weak __noinline int calling_excluded(void)
{
	struct filter_facts x = {
		.types = 1u << EVENT_call,
		.lport = FILTER_ANY_PORT,
		.rport = FILTER_ANY_PORT,
		.unknown = FACTS_NO_ADDRS,
	};

	if (config.offspring)
		return !task_in_tree();
	if ((!NEEDS(PID) && !NEEDS(COMM)) || NEEDS(UID) || NEEDS(NETNS) ||
	    NEEDS(CGROUP))
		return false;
	x.pid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(x.comm.u8, sizeof(x.comm.u8));
	return facts_fail(&x);
}

/* Is it a TCP socket that socket() makes of these? */
static __always_inline bool calling_makes_tcp(__u32 family, __u32 type,
					      __u32 protocol)
{
	return (family == FAMILY_INET || family == FAMILY_INET6) &&
	       (type & SOCK_TYPE_MASK) == SOCK_STREAM &&
	       (!protocol || protocol == IPPROTO_TCP);
}

/*
 * The running task's. Where the pointer of a task is followed the verifier
 * searches all of the kernel's types by name, as sock_of() says.
 */
__weak __noinline int calling_netns(void)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	struct nsproxy *ns = task->nsproxy;

	return ns ? ns->net_ns->ns.inum : 0;
}

/* Nothing is known of it but who calls. */
__weak __noinline int calling_init(struct event_call *e, int op, int via)
{
	__u64 id = bpf_get_current_pid_tgid();

	if (!e)
		return 0;
	__builtin_memset(e, 0, sizeof(*e));
	e->ev.type = EVENT_call;
	e->ev.family = FAMILY_INET;
	e->ev.how = HOW_observed;
	e->ev.owner_how = HOW_observed;
	e->ev.pid = id >> 32;
	e->ev.tid = id;
	e->ev.uid = bpf_get_current_uid_gid();
	bpf_get_current_comm(e->ev.comm, sizeof(e->ev.comm));
	e->ev.netns = calling_netns();
	e->ev.ts_ns = bpf_ktime_get_ns();
	e->call = __sync_fetch_and_add(&call_next, 1);
	e->op = op;
	e->phase = CALL_PHASE_enter;
	e->via = via;
	e->duration_ns = UNKNOWN_NS;
	e->result = CALL_NO_VALUE;
	e->optval = CALL_NO_VALUE;
	e->len = CALL_LEN_UNKNOWN;
	e->shut = CALL_NO_SHUT;
	e->fd = CALL_NO_FD;
	e->epfd = CALL_NO_FD;
	e->backlog = ~0u;
	e->level = ~0u;
	e->optname = ~0u;
	return 0;
}

/* Which socket it is about, as far as that is known by now. */
__weak __noinline int calling_socket(struct event_call *e, __u64 file, __u64 sk)
{
	struct ends ends;
	__u64 inode;

	if (!e)
		return 0;
	fd_ends(&ends, sk);
	ends_fill(&e->ev, &ends);
	e->ev.uid = fd_word(FD_AT(sk, struct sock, sk_uid));
	inode = peek_pointer(FD_AT(file, struct file, f_inode));
	if (inode)
		e->inode = peek_pointer(FD_AT(inode, struct inode, i_ino));
	return 0;
}

/* If the kernel's share of the filter lets it pass: does it? */
__weak __noinline int calling_emit(const struct event_call *from)
{
	struct event_call *e;

	if (!from || !wanted(event_passes(&from->ev, 0, 0), EVENT_call))
		return 0;
	e = EVENT_RESERVE(event_call, EVENT_call);
	if (!e)
		return 1;
	__builtin_memcpy(e, from, sizeof(*e));
	EVENT_SUBMIT(e);
	return 1;
}

/*
 * Its end; before it the beginning, if that did not pass when an end of the
 * socket was not known yet: connect()'s address may only be read afterwards.
 */
__weak __noinline int calling_end(struct calling *calling)
{
	struct event_call *begin;

	if (!calling)
		return 0;
	begin = &calling->ready;
	if (!calling->told) {
		__builtin_memcpy(begin, &calling->e, sizeof(*begin));
		begin->phase = CALL_PHASE_enter;
		begin->ev.ts_ns -= begin->duration_ns;
		begin->duration_ns = UNKNOWN_NS;
		begin->result = CALL_NO_VALUE;
		begin->err = 0;
		begin->ready = 0;
		if (!calling_emit(begin))
			return 0;
	}
	calling_emit(&calling->e);
	return 0;
}

/* Its end, with what the kernel returns. */
static __always_inline void calling_returns(struct event_call *e, __s64 result)
{
	nsec_t now = bpf_ktime_get_ns();

	e->phase = CALL_PHASE_exit;
	e->duration_ns = now - e->ev.ts_ns;
	e->ev.ts_ns = now;
	e->result = result;
	if (result < 0 && result >= -MAX_ERRNO) {
		e->err = -result;
		e->result = -1;
	}
}

#endif
