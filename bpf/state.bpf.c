// SPDX-License-Identifier: GPL-2.0
/*
 * State events: every transition of every TCB, with its owner and its cause.
 * All of it hangs on the one tracepoint that tcp_set_state() passes.
 */
#include "bpf/cause.h"
#include "bpf/emit.h"
#include "bpf/hold.h"
#include "bpf/queue.h"
#include "bpf/window.h"

char LICENSE[] SEC("license") = "GPL";

const volatile struct config config;
__u32 hz;
__u32 tree;
struct counters counters[COUNTERS];
struct setup setup;

EVENT_ANCHOR(event_state);

/*
 * Who owns the socket from now on. Only a process makes these transitions,
 * so `current' is it; a child is its listener's until a process uses it.
 */
static __always_inline void state_owner(struct sock_mem *mem,
					const struct transition *t)
{
	if (t->old == TCB_STATE_CLOSE)
		mem_own(mem);
	else if (t->old == TCB_STATE_LISTEN && t->new == TCB_STATE_SYN_RECV)
		mem->owner_how = mem->pid ? HOW_derived : 0;
}

/* Only a process that holds the lock makes a socket its own by a call. */
static __always_inline void owner_calls(struct sock_mem *mem,
					const struct transition *t)
{
	if (mem->owner_how != HOW_observed && t->cause > CAUSE_NONE &&
	    t->cause < CAUSE_KERNEL && t->cause_how == HOW_observed)
		mem_own(mem);
}

/*
 * A child begins with a copy of its listener's memory, which another CPU may be
 * closing.
 */
static __always_inline void mem_born(struct sock_mem *mem)
{
	mem->new = TCB_STATE_LISTEN;
	mem->seq = 0;
	mem->ticket = 0;
	mem->cwnd = 0;
	mem->undo_marker = 0;
	mem->fails = 0;
	mem->flags = (mem->flags & MEM_TREE) | MEM_CHILD;
}

/*
 * close() of an end that has shut down already says its state once more. Only
 * FIN_WAIT2 matters: the kernel now hands the socket over.
 */
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
					   struct tcp_sock *tp,
					   struct transition *t)
{
	if (mem->new && mem->new != t->old) {
		COUNT(gaps);
		t->gap_from = mem->new;
	}
	mem->old = t->old;
	mem->new = t->new;
	if (t->new == TCB_STATE_SYN_SENT)
		mem->flags |= MEM_ACTIVE;
	if (t->old == TCB_STATE_CLOSE || t->old == TCB_STATE_LISTEN)
		mem->flags |= MEM_BORN;
	if (t->new == TCB_STATE_FIN_WAIT1)
		mem->data_segs_in = tp->data_segs_in;
	if (t->new == TCB_STATE_FIN_WAIT2)
		mem->fin_wait2_ts = t->ts;
	if (t->new == TCB_STATE_CLOSE)
		mem->flags &= MEM_LAST; /* a new life may begin */
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

static __always_inline bool was_connected(int state)
{
	return state != TCB_STATE_CLOSE && state != TCB_STATE_LISTEN &&
	       state != TCB_STATE_SYN_SENT && state != TCB_STATE_SYN_RECV;
}

/* What is older than the transition goes out; what it begins is noted. */
static __always_inline void state_begin(struct sock *sk, struct tcp_sock *tp,
					struct sock_mem *mem,
					const struct transition *t)
{
	hold_release(sk, tp, mem);
	if (t->old == TCB_STATE_LISTEN && t->new == TCB_STATE_SYN_RECV)
		mem_born(mem);
	if (t->old == TCB_STATE_CLOSE)
		mem->flags &= ~(MEM_ACTIVE | MEM_CHILD);
	if (t->old == TCB_STATE_CLOSE || t->old == TCB_STATE_LISTEN ||
	    t->old == TCB_STATE_SYN_SENT) {
		mem->flags &= ~MEM_ENDS;
		mem->fails = 0;
	}
	state_owner(mem, t);
}

/*
 * What fails will fail again, if nothing that the filter asks for can change;
 * an owner that was @final before it was looked at cannot.
 */
static __always_inline bool fails_for_good(int fails, bool final)
{
	if (fails == 1 + KFILTER_SPARES_OPENING || NEEDS(UID))
		return false;
	return final || (!NEEDS(PID) && !NEEDS(COMM));
}

/*
 * Is it certain, before all that costs, that the kernel's share of the filter
 * stops the transition?
 */
static __always_inline bool state_stopped(struct sock *sk, struct tcp_sock *tp,
					  struct sock_mem *mem,
					  const struct transition *t)
{
	__u32 old = 1u << t->old % 32, new = 1u << t->new % 32;
	bool final = mem->owner_how == HOW_observed;
	int fails = mem->fails;
	struct filter_facts x;

	if (!final && sk->sk_lock.owned)
		return false; /* it may get an owner by this very call */
	if (!(config.events & 1u << EVENT_state) || !transition_wanted(mem, t))
		return true;
	if (!config.filter.n)
		return false;
	if (t->new == TCB_STATE_CLOSE)
		new |= 1u << TCB_STATE_TIME_WAIT; /* it is not known yet */
	if (!fails) {
		facts_fill(&x, sk, tp, mem, EVENT_state);
		x.old = old;
		x.new = new;
		if (NEEDS_ENDS)
			facts_missing(&x, tp, t->new);
		fails = facts_fail(&x);
		if (fails_for_good(fails, final))
			mem->fails = fails;
	}
	return fails && !filter_spares(fails - 1, old, new);
}

static __always_inline int state_excluded(bool second)
{
	if (!second && config.events & 1u << EVENT_state)
		COUNT(kernel_filtered[EVENT_state]);
	return 0;
}

/* Nothing but memory is kept of a transition that no one is told of. */
static __always_inline void state_skip(struct tcp_sock *tp,
				       struct sock_mem *mem,
				       struct transition *t)
{
	if (t->new == TCB_STATE_FIN_WAIT2)
		t->ts = bpf_ktime_get_ns();
	mem_transition(mem, tp, t);
	if (config.events & 1u << EVENT_state)
		COUNT(kernel_filtered[EVENT_state]);
}

/* Is it not known yet what has made a child? */
static __always_inline bool of_syn_or_ack(const struct transition *t)
{
	return t->new == TCB_STATE_SYN_RECV && t->cause_how == HOW_derived;
}

static __always_inline void state_make(struct sock *sk, struct tcp_sock *tp,
				       struct sock_mem *mem,
				       struct transition *t)
{
	bool missing;

	t->ts = bpf_ktime_get_ns();
	if (t->new == TCB_STATE_CLOSE && t->old != TCB_STATE_LISTEN)
		t->err = sk->sk_err; /* else left over from before */
	cause_find(t, sk, tp, mem);
	if (t->kind)
		t->kind_how = t->cause_how;
	if (mem) {
		owner_calls(mem, t);
		mem_transition(mem, tp, t);
		t->seq = mem_seq(mem);
	}
	if (t->tw_substate) {
		t->new = TCB_STATE_TIME_WAIT;
		t->how = HOW_derived;
	}
	missing = endpoints_missing(sk, tp, t->new);
	if (mem && (missing || of_syn_or_ack(t)))
		/* without a peer it goes on at once, or is released by use */
		hold(sk, tp, mem, t, t->new == TCB_STATE_SYN_SENT || !missing);
	else
		state_emit(sk, tp, mem, t);
}

/*
 * Not inline, and the states are read from memory, as in cause_find(): else
 * each way here is verified to the end of the program, which was most of what
 * it took to start a trace.
 */
static __noinline void state_tell(struct sock *sk, struct tcp_sock *tp,
				  struct sock_mem *mem, struct transition *t)
{
	if (mem && state_stopped(sk, tp, mem, t))
		state_skip(tp, mem, t);
	else
		state_make(sk, tp, mem, t);
}

/* What it makes known of queues; not inline either. */
static __noinline void state_queues_before(struct sock *sk, struct tcp_sock *tp,
					   struct sock_mem *mem,
					   const struct transition *t)
{
	if (config.events & 1u << EVENT_queue)
		queue_before(sk, tp, mem, t->old, t->new);
}

static __noinline void state_queues_after(struct sock *sk, struct tcp_sock *tp,
					  struct sock_mem *mem,
					  const struct transition *t)
{
	if (config.events & 1u << EVENT_queue)
		queue_after(sk, tp, mem, t->old, t->new);
}

/*
 * One transition, as it is about to be made: the socket is still in @old.
 *
 * Runs twice for each. A softirq on top of the first copy cannot run that copy
 * again: the kernel skips it. The second copy then finds the transition neither
 * in `first' nor in the memory, and stands in. It must be a program of its own:
 * a tail call to the first would run it on top of itself, and newer kernels
 * give a program one stack per CPU.
 */
static __always_inline int state(struct sock *sk, int old, int new, bool second)
{
	struct transition t = { .old = old, .new = new, .how = HOW_observed };
	struct sock_mem *mem;
	struct tcp_sock *tp;

	if (!sock_is_tcp(sk))
		return 0;
	mem = mem_find(sk);
	if (second && mem && mem->old == old && mem->new == new)
		return 0;
	if (old == new)
		return state_same(mem, new);
	if (QUEUES_ALONE && !mem && old != TCB_STATE_LISTEN &&
	    new != TCB_STATE_LISTEN)
		return 0;
	tp = bpf_skc_to_tcp_sock(sk);
	if (!tp)
		return 0;
	if (!mem && EXCLUDED(sk, tp, new))
		return state_excluded(second);
	if (!mem && !second)
		mem = mem_make(sk);
	if (second) {
		if (!mem)
			mem = bpf_sk_storage_get(&memory, sk, 0,
						 BPF_SK_STORAGE_GET_F_CREATE);
		if (!mem)
			return 0; /* the first copy got none, if it ran */
		COUNT(recovered);
		t.how = HOW_recovered;
	}

	barrier_var(mem); /* what follows is not to be made twice, for NULL */
	if (mem)
		state_queues_before(sk, tp, mem, &t);
	if (mem)
		state_begin(sk, tp, mem, &t);
	if (config.events & 1u << EVENT_call && new == TCB_STATE_ESTABLISHED)
		bpf_get_socket_cookie(sk); /* for accept() to tell it */
	state_tell(sk, tp, mem, &t);
	if (mem)
		state_queues_after(sk, tp, mem, &t);
	if (mem && !second && config.events & 1u << EVENT_window &&
	    was_connected(old))
		window_look(sk, tp, mem, -1, WINDOW_AT_state);
	return 0;
}

/*
 * What the first copy has run for last, on each CPU: nearly always the second
 * one then has nothing to do. CPUs beyond COUNTERS share, and a softirq may
 * come between the two; then the socket's memory tells.
 */
struct {
	__u64 sk;
	int old, new;
} __attribute__((aligned(64))) first[COUNTERS];

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(state_first, struct sock *sk, int old, int new)
{
	__u32 i = bpf_get_smp_processor_id() % COUNTERS;

	first[i].old = old;
	first[i].new = new;
	first[i].sk = (__u64)sk;
	return state(sk, old, new, false);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(state_second, struct sock *sk, int old, int new)
{
	__u32 i = bpf_get_smp_processor_id() % COUNTERS;

	if (first[i].sk == (__u64)sk && first[i].old == old &&
	    first[i].new == new) {
		first[i].sk = 0;
		return 0;
	}
	return state(sk, old, new, true);
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
