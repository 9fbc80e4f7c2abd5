// SPDX-License-Identifier: GPL-2.0
/*
 * State events: every transition of every TCB, with its owner and its cause.
 *
 * All of it hangs on the one tracepoint that tcp_set_state() passes. The
 * kernel does not say there why it changes the state; for each transition
 * the few places that can make it are known, and they leave different traces
 * in the socket. A cause is "observed" if only one of them fits what is read,
 * "derived" if it is the likelier of several, absent if nothing tells.
 */
#include "bpf/emit.h"

char LICENSE[] SEC("license") = "GPL";

const volatile struct config config;
__u32 hz;
__u32 tree;
struct setup setup;

EVENT_ANCHOR(event_state);

/*
 * Sockets whose last transition still lacks an endpoint. The reader walks
 * this map, so that a connection attempt is shown before it is answered.
 */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u8);
} waiting SEC(".maps");

__u32 waiters; /* how often a socket was put there, for the reader */

static __always_inline void state_emit(struct sock *sk, struct tcp_sock *tp,
				       struct sock_mem *mem,
				       const struct transition *t)
{
	struct event_state *e;

	if (!event_wanted(sk, tp, mem, EVENT_state))
		return;
	e = EVENT_RESERVE(event_state, EVENT_state);
	if (!e)
		return;
	event_fill(&e->ev, sk, tp, mem);
	e->ev.type = EVENT_state;
	e->ev.ts_ns = t->ts;
	e->ev.seq = t->seq;
	e->ev.how = t->how;
	e->old = t->old;
	e->new = t->new;
	e->cause = t->cause;
	e->cause_how = t->cause_how;
	e->kind = t->kind;
	e->kind_how = t->kind_how;
	e->tw_substate = t->tw_substate;
	e->gap_from = t->gap_from;
	e->err = t->err;
	EVENT_SUBMIT(e);
}

/* The transition that waits, if any, goes out before the next one. */
static __always_inline void state_release(struct sock *sk, struct tcp_sock *tp,
					  struct sock_mem *mem)
{
	struct transition t;

	if (!mem->holding)
		return;
	t = mem->held;
	if (__sync_lock_test_and_set(&mem->holding, 0))
		state_emit(sk, tp, mem, &t);
}

/* The system call in which the running task is, if it is the one that acts. */
static __always_inline enum cause cause_call(void)
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
		cause = config.call[nr];
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

/* sk_err is ETIMEDOUT, which only timers set: which one was it? */
static __always_inline enum cause cause_timer(struct tcp_sock *tp)
{
	if (tp->inet_conn.icsk_retransmits)
		return CAUSE_TIMER_RETRANSMIT;
	if (tp->write_seq != tp->snd_una)
		return CAUSE_TIMER_PERSIST;
	return CAUSE_TIMER_KEEPALIVE;
}

#define LIKELY(t, c) ((t)->cause = (c), (t)->cause_how = HOW_derived)
#define SURE(t, c) ((t)->cause = (c), (t)->cause_how = HOW_observed)

/*
 * FIN_WAIT2 -> CLOSE of a closed socket, without a FIN or a reset. The kernel
 * gives it to a TIME_WAIT minisocket the moment it is both, closed and in
 * FIN_WAIT2: in softirq in tcp_rcv_state_process(), else in tcp_close(). Only a
 * FIN_WAIT2 time above 60 s keeps it, under a timer, for what exceeds 60 s.
 * TCP_LINGER2 < 0 allows no minisocket: reset at once. So is one whose FIN is
 * acked by a segment with data; nothing tells that from the minisocket.
 */
static __always_inline void cause_leave_fin_wait2(struct transition *t,
						  struct sock *sk,
						  struct tcp_sock *tp,
						  struct sock_mem *mem)
{
	nsec_t since = mem ? t->ts - mem->fin_wait2_ts : 0;

	if (!sk->sk_lock.owned && since > 500000000ull)
		LIKELY(t, CAUSE_TIMER_FIN_WAIT2);
	else if (sk->sk_lock.owned && mem && mem->flags & MEM_CLOSING)
		SURE(t, cause_call());
	else if (sk->sk_lock.owned && tp->linger2 >= 0)
		LIKELY(t, cause_call()); /* the ACK came during close() */
	else
		LIKELY(t, CAUSE_RX_ACK);
	if (tp->linger2 >= 0)
		t->tw_substate = TCB_STATE_FIN_WAIT2;
}

/*
 * A listener has no error to be aborted with. Who does it sends a netlink
 * message or runs a BPF iterator; close() would have set sk_shutdown.
 */
static __always_inline bool listener_aborted(struct transition *t,
					     struct sock *sk)
{
	return t->old == TCB_STATE_LISTEN && !sk->sk_shutdown &&
	       (t->cause == CAUSE_CALL || t->cause == CAUSE_CALL_SENDTO ||
		t->cause == CAUSE_CALL_SENDMSG);
}

/* -> CLOSE made by a process that holds the socket. */
static __always_inline void cause_closed_by_process(struct transition *t,
						    struct sock *sk,
						    struct tcp_sock *tp)
{
	SURE(t, cause_call());
	if (listener_aborted(t, sk))
		LIKELY(t, CAUSE_ABORT);
	if (t->old == TCB_STATE_LISTEN || t->old == TCB_STATE_SYN_SENT)
		return;
	if (t->cause == CAUSE_CALL_CONNECT)
		t->kind = KIND_disconnect;
	else if (unread(sk, tp))
		t->kind = KIND_unread_data;
	else if (compat_sock_flag(sk, SOCK_LINGER) && !sk->sk_lingertime)
		t->kind = KIND_linger;
}

static __always_inline void cause_close(struct transition *t, struct sock *sk,
					struct tcp_sock *tp,
					struct sock_mem *mem)
{
	bool waits = t->old == TCB_STATE_FIN_WAIT1 ||
		     t->old == TCB_STATE_FIN_WAIT2;
	bool acked = tp->snd_una == tp->write_seq;

	if (mem && mem->flags & MEM_RST) {
		/* data after close() passes tcp_reset() as well */
		if (waits && sk->sk_shutdown & 1)
			LIKELY(t, CAUSE_RX_RST);
		else
			SURE(t, CAUSE_RX_RST);
	} else if (t->err == 110 /* ETIMEDOUT */) {
		SURE(t, cause_timer(tp));
	} else if (t->err == 103 /* ECONNABORTED */) {
		SURE(t, CAUSE_ABORT);
	} else if (t->old == TCB_STATE_FIN_WAIT2 &&
		   compat_sock_flag(sk, SOCK_DONE)) {
		SURE(t, CAUSE_RX_FIN);
		t->tw_substate = TCB_STATE_TIME_WAIT;
	} else if (t->old == TCB_STATE_CLOSING && acked) {
		SURE(t, CAUSE_RX_ACK);
		t->tw_substate = TCB_STATE_TIME_WAIT;
	} else if (t->old == TCB_STATE_LAST_ACK && acked) {
		SURE(t, CAUSE_RX_ACK);
	} else if (t->old == TCB_STATE_FIN_WAIT2 &&
		   compat_sock_flag(sk, SOCK_DEAD)) {
		cause_leave_fin_wait2(t, sk, tp, mem);
	} else if (sk->sk_lock.owned) {
		cause_closed_by_process(t, sk, tp);
	} else if (t->err == 104 /* ECONNRESET */ || t->err == 32 /* EPIPE */) {
		LIKELY(t, CAUSE_RX_RST); /* without memory of it */
	} else if (t->err && (t->old == TCB_STATE_SYN_SENT ||
			      t->old == TCB_STATE_SYN_RECV)) {
		LIKELY(t, CAUSE_RX_ICMP);
	} else if (t->err) {
		/* what the network last said; it takes a timer to give up */
		LIKELY(t, cause_timer(tp));
	} else if (!sk->sk_socket && !compat_sock_flag(sk, SOCK_DEAD)) {
		LIKELY(t, cause_call());
		t->kind = KIND_never_accepted;
	}
}

/*
 * SYN_RECV -> ESTABLISHED. tcp_ack() has already noted the segment's sequence
 * number for the window: that of a SYN-ACK is one below what comes next.
 */
static __always_inline void cause_established(struct transition *t,
					      struct tcp_sock *tp)
{
	if (t->old == TCB_STATE_SYN_SENT) {
		if (BPF_CORE_READ_BITFIELD(tp, repair))
			SURE(t, cause_call());
		else
			SURE(t, CAUSE_RX_SYN_ACK);
	} else if (tp->rcv_nxt - tp->snd_wl1 == 1) {
		SURE(t, CAUSE_RX_SYN_ACK);
	} else {
		SURE(t, CAUSE_RX_ACK);
	}
}

/*
 * Can a SYN make a child, before any ACK? The listener that wants it is not to
 * be seen from the child, but the sysctl must allow it as well (2).
 */
static __always_inline bool fastopen_server(struct sock *sk)
{
	return sk->__sk_common.skc_net.net->ipv4.sysctl_tcp_fastopen & 2;
}

static __always_inline void cause_find(struct transition *t, struct sock *sk,
				       struct tcp_sock *tp,
				       struct sock_mem *mem)
{
	switch (t->new) {
	case TCB_STATE_SYN_SENT:
	case TCB_STATE_LISTEN:
		SURE(t, cause_call());
		break;
	case TCB_STATE_SYN_RECV:
		if (t->old == TCB_STATE_SYN_SENT) {
			SURE(t, CAUSE_RX_SYN);
			t->kind = KIND_crossed;
		} else if (fastopen_server(sk)) {
			LIKELY(t, CAUSE_RX_ACK); /* or a SYN with a cookie */
		} else {
			SURE(t, CAUSE_RX_ACK);
		}
		break;
	case TCB_STATE_ESTABLISHED:
		cause_established(t, tp);
		break;
	case TCB_STATE_FIN_WAIT1:
	case TCB_STATE_LAST_ACK:
		/* a shutdown() in SYN_RECV takes effect in softirq */
		if (sk->sk_lock.owned)
			SURE(t, cause_call());
		else
			LIKELY(t, CAUSE_CALL_SHUTDOWN);
		break;
	case TCB_STATE_FIN_WAIT2:
		SURE(t, CAUSE_RX_ACK);
		break;
	case TCB_STATE_CLOSE_WAIT:
		SURE(t, CAUSE_RX_FIN);
		break;
	case TCB_STATE_CLOSING:
		SURE(t, CAUSE_RX_FIN);
		t->kind = KIND_simultaneous_close;
		break;
	case TCB_STATE_CLOSE:
		cause_close(t, sk, tp, mem);
		break;
	}
}

/*
 * Who owns the socket from now on. Only a process makes these transitions,
 * so `current' is it; a child is its listener's until a process uses it.
 */
static __always_inline void owner_update(struct sock_mem *mem,
					 const struct transition *t)
{
	if (t->old == TCB_STATE_CLOSE)
		mem_own(mem);
	else if (t->old == TCB_STATE_LISTEN && t->new == TCB_STATE_SYN_RECV)
		mem->owner_how = mem->pid ? HOW_derived : 0;
	else if (mem->owner_how != HOW_observed && t->cause > CAUSE_NONE &&
		 t->cause < CAUSE_KERNEL && t->cause_how == HOW_observed)
		mem_own(mem);
}

/* A child begins with a copy of its listener's memory. */
static __always_inline void mem_born(struct sock_mem *mem)
{
	mem->seq = 0;
	mem->holding = 0;
	mem->cwnd = 0;
	mem->flags &= MEM_TREE;
}

/* TCP never passes from a state to the same one: close() in FIN_WAIT2 does. */
static __always_inline int state_same(struct sock_mem *mem, int state)
{
	if (mem && state == TCB_STATE_FIN_WAIT2) {
		mem->fin_wait2_ts = bpf_ktime_get_ns();
		mem->flags |= MEM_CLOSING;
	}
	return 0;
}

/* The kernel's memory of the last transition, kept before any filter. */
static __always_inline void mem_transition(struct sock_mem *mem,
					   struct transition *t)
{
	if (mem->new && mem->new != t->old) {
		COUNT(gaps);
		t->gap_from = mem->new;
	}
	mem->old = t->old;
	mem->new = t->new;
	if (t->new == TCB_STATE_FIN_WAIT2)
		mem->fin_wait2_ts = t->ts;
	if (t->new == TCB_STATE_CLOSE)
		mem->flags &= ~(MEM_RST | MEM_CLOSING);
}

/* Does the kernel still have to fill in an end of the connection? */
static __always_inline bool endpoints_missing(struct sock *sk,
					      struct tcp_sock *tp, int state)
{
	if (state == TCB_STATE_SYN_SENT)
		return !sock_lport(sk, tp);
	if (state == TCB_STATE_SYN_RECV)
		return !sock_rport(sk);
	return false;
}

static __always_inline void state_hold(struct sock *sk, struct sock_mem *mem,
				       const struct transition *t)
{
	mem->held = *t;
	mem->holding = 1;
	if (t->new != TCB_STATE_SYN_SENT)
		return; /* a child's next transition follows at once */
	if (bpf_sk_storage_get(&waiting, sk, 0, BPF_SK_STORAGE_GET_F_CREATE))
		__sync_fetch_and_add(&waiters, 1);
}

/*
 * Runs twice for each transition. A softirq on top of the first copy cannot
 * run that copy again: the kernel skips it. The second copy then finds that
 * the memory does not know the transition, and stands in.
 */
static __always_inline int state(struct sock *sk, int old, int new, bool second)
{
	struct transition t = { .old = old, .new = new, .how = HOW_observed };
	struct sock_mem *mem;
	struct tcp_sock *tp;

	if (sk->sk_protocol != IPPROTO_TCP)
		return 0;
	mem = bpf_sk_storage_get(&memory, sk, 0, 0);
	if (second && mem && mem->old == old && mem->new == new)
		return 0;
	if (old == new)
		return state_same(mem, new);
	if (!mem)
		mem = mem_get(sk);
	if (second) {
		if (!mem)
			return 0; /* the first copy had none either */
		COUNT(recovered);
		t.how = HOW_recovered;
	}
	tp = bpf_skc_to_tcp_sock(sk);
	if (!tp)
		return 0;

	t.ts = bpf_ktime_get_ns();
	if (new == TCB_STATE_CLOSE && old != TCB_STATE_LISTEN)
		t.err = sk->sk_err; /* else left over from before */
	if (mem && old == TCB_STATE_LISTEN && new == TCB_STATE_SYN_RECV)
		mem_born(mem);
	cause_find(&t, sk, tp, mem);
	if (t.kind)
		t.kind_how = t.cause_how;
	if (mem) {
		state_release(sk, tp, mem);
		owner_update(mem, &t);
		mem_transition(mem, &t);
		t.seq = mem_seq(mem);
	}
	if (t.tw_substate) {
		t.new = TCB_STATE_TIME_WAIT;
		t.how = HOW_derived;
	}
	if (mem) {
		if (endpoints_missing(sk, tp, new)) {
			state_hold(sk, mem, &t);
			return 0;
		}
		if (old == TCB_STATE_SYN_SENT)
			bpf_sk_storage_delete(&waiting, sk);
	}
	state_emit(sk, tp, mem, &t);
	return 0;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(state_first, struct sock *sk, int old, int new)
{
	return state(sk, old, new, false);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(state_second, struct sock *sk, int old, int new)
{
	return state(sk, old, new, true);
}

/* Runs in tcp_reset(), just before the state becomes CLOSE. */
SEC("tp_btf/tcp_receive_reset")
int BPF_PROG(state_reset, struct sock *sk)
{
	struct sock_mem *mem = bpf_sk_storage_get(&memory, sk, 0, 0);

	if (mem)
		mem->flags |= MEM_RST;
	return 0;
}

/* The reader's walk over the sockets whose transition waits. */
SEC("iter/bpf_sk_storage_map")
int state_waiting(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	struct sock *sk = ctx->sk;
	struct sock_mem *mem;
	struct tcp_sock *tp;

	if (!sk || !ctx->value)
		return 0;
	tp = bpf_skc_to_tcp_sock(sk);
	mem = bpf_sk_storage_get(&memory, sk, 0, 0);
	if (!tp || !mem)
		return 0;
	if (endpoints_missing(sk, tp, TCB_STATE_SYN_SENT))
		__sync_fetch_and_add(&waiters, 1); /* in mid-connect(): again */
	else
		state_release(sk, tp, mem);
	return 0;
}

/* Run once by hand: what user space cannot learn by itself. */
SEC("syscall")
int state_setup(void *ctx)
{
	setup.jiffies = bpf_jiffies64();
	setup.now_ns = bpf_ktime_get_ns();
	setup.tgid = bpf_get_current_pid_tgid() >> 32;
	return 0;
}
