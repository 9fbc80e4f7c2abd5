/* SPDX-License-Identifier: GPL-2.0 */
/* Telling that a connection is accepted, by the process that accepts it. */
#ifndef TCBSCOPE_QUEUE_ACCEPT_H
#define TCBSCOPE_QUEUE_ACCEPT_H

#include "bpf/fd.h"
#include "bpf/queue.h"

static __always_inline bool is_accept(__u32 nr)
{
	return nr == config.accept[0] || nr == config.accept[1];
}

/* Is it in accept() or accept4(), and not a worker of io_uring? */
static __always_inline bool accept_calls(void)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();

	return !(task->flags & (PF_IO_WORKER | PF_KTHREAD)) &&
	       is_accept(compat_syscall_nr(task));
}

/*
 * Which listener is at @sk, 0 if that is not known, and its accept queue's
 * depth. It need not be the one that the child came to: if that is closed,
 * another one of the same port may have got its children (tcp_migrate_req).
 */
static __always_inline void accept_from(struct event_queue *e, __u64 sk)
{
	struct peeked p = {};

	if (sk)
		e->listener = peek_cookie(sk);
	if (!sk ||
	    peek(&p, sk + bpf_core_field_offset(struct sock, sk_ack_backlog)))
		return;
	e->accept = p.word[0];
	e->depth_how = HOW_sampled;
}

/* The running process owns it from now on: noted where the memory finds it. */
static __always_inline void accept_owner(struct event *ev)
{
	__u64 id = bpf_get_current_pid_tgid();

	ev->pid = id >> 32;
	ev->tid = id;
	bpf_get_current_comm(ev->comm, sizeof(ev->comm));
	ev->owner_how = HOW_observed;
	ev->foreign = config.offspring && !task_in_tree();
}

/* An event of what has waited at @in, as it came; NULL if it is not wanted. */
static __always_inline struct event_queue *accept_event(
	const struct event_queue *in)
{
	struct event_queue *e;

	if (!wanted(!in->ev.foreign &&
			    event_passes(&in->ev, 0,
					 1u << TCB_STATE_ESTABLISHED),
		    EVENT_queue))
		return NULL;
	e = EVENT_RESERVE(event_queue, EVENT_queue);
	if (!e)
		return NULL;
	__builtin_memcpy(e, in, sizeof(*e));
	__builtin_memset(e->pad, 0, sizeof(e->pad));
	return e;
}

/*
 * What waits at @in is taken out just now, of listener @from or 0, and its
 * memory is out of reach.
 */
static __always_inline void accept_emit(const struct event_queue *in, __u32 fd,
					__u64 from, nsec_t now)
{
	bool exact = in->op == QUEUE_accepted; /* so is the depth there */
	nsec_t since = in->ev.ts_ns;
	struct event_queue *e = accept_event(in);

	if (!e)
		return;
	e->op = QUEUE_accepted;
	e->ev.how = HOW_observed;
	e->ev.ts_ns = now;
	e->ev.seq = 0;
	e->syn_wait_us = 0;
	e->wait_how = HOW_observed;
	if (!since) { /* it is older than the trace */
		e->wait_ns = UNKNOWN_NS;
		e->wait_how = 0;
	}
	e->fd = fd;
	e->syn = UNKNOWN;
	e->young = UNKNOWN;
	if (!exact) {
		e->accept = UNKNOWN;
		e->depth_how = 0;
		accept_from(e, from);
	}
	EVENT_SUBMIT(e);
}

/*
 * The same, if nobody has told of it. @fd is UNKNOWN if none is made. Of one
 * that was reset nothing more will be heard; and nobody asks for the owner of
 * one that has no memory.
 */
static __always_inline void accept_tell(struct event_queue *in, __u32 fd,
					__u64 from)
{
	nsec_t now = bpf_ktime_get_ns(), since = in->ev.ts_ns;
	__u64 cookie = in->ev.cookie;

	if (!queue_claim(in, since ? now - since : 0))
		return; /* another thread has used it already */
	accept_owner(&in->ev);
	accept_emit(in, fd, from, now);
	if (in->pad[0] & QUEUE_RESET)
		__sync_fetch_and_add(&queue_resets, -1);
	else if (!config.light)
		return;
	queue_child_drop(cookie);
}

#endif
