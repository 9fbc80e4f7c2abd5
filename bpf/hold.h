/* SPDX-License-Identifier: GPL-2.0 */
/*
 * State events that are held back, because the kernel has not filled in an
 * end of the connection yet, or does not tell yet what has made it.
 *
 * The local port is chosen after the state has become SYN_SENT, and before
 * Linux 6.18 a child gets its peer after LISTEN -> SYN_RECV. What has made a
 * child is not known either, where it may have been a SYN. The transition is
 * kept in the socket's memory with its own time, and goes out with the next
 * one. A SYN, or the SYN-ACK for it, may stay unanswered for long: so that the
 * transition is shown all the same, its event also waits in a slot, whole but
 * for what is missing, and the reader collects what waits there. A ticket says
 * who emits it: only one of the two gets it out of the slot.
 */
#ifndef TCBSCOPE_HOLD_H
#define TCBSCOPE_HOLD_H

#include "bpf/emit.h"
#include "bpf/fastopen.h"

#define HOLD_SLOTS 4096 /* connect() calls between two looks of the reader */
#define HOLD_NO_SLOT 1	/* sock_mem.ticket: it is in the memory only */
#define HOLD_FIRST 2	/* the lowest number of a ticket */
#define HOLD_BUSY (~0ull)

struct hold_slot {
	__u64 ticket; /* of who waits here; HOLD_BUSY: coming; 0: empty */
	__u64 done;   /* the highest ticket that has left the slot */
	compat_sock COMPAT_KPTR *sk;
	struct event_state e;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, HOLD_SLOTS);
	__type(key, __u32);
	__type(value, struct hold_slot);
} hold_slots SEC(".maps");

extern __u64 hold_next; /* ticket to be given out; begins at HOLD_FIRST */
extern __u64 hold_from; /* all before it have left their slots */

static __always_inline struct hold_slot *hold_slot(__u64 ticket)
{
	__u32 key = ticket % HOLD_SLOTS;

	return bpf_map_lookup_elem(&hold_slots, &key);
}

static __always_inline void state_fill(struct event_state *e, struct sock *sk,
				       struct tcp_sock *tp,
				       struct sock_mem *mem,
				       const struct transition *t)
{
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
	e->pad = 0;
	e->cause_call = 0;
	e->cause_segment = 0;
}

/* The kernel's share of filtering, for transitions. */
static __always_inline bool state_wanted(struct sock *sk, struct tcp_sock *tp,
					 struct sock_mem *mem,
					 const struct transition *t)
{
	struct filter_facts x;

	if (!transition_wanted(mem, t))
		return false;
	if (!config.filter.n || !mem)
		return true;
	facts_fill(&x, sk, tp, mem, EVENT_state);
	x.old = 1u << t->old % 32;
	x.new = 1u << t->new % 32;
	return facts_pass(&x);
}

static __noinline void state_emit(struct sock *sk, struct tcp_sock *tp,
				  struct sock_mem *mem,
				  const struct transition *t)
{
	struct event_state *e;

	if (!(config.events & 1u << EVENT_state) ||
	    !wanted(state_wanted(sk, tp, mem, t), EVENT_state))
		return;
	e = EVENT_RESERVE(event_state, EVENT_state);
	if (!e)
		return;
	state_fill(e, sk, tp, mem, t);
	EVENT_SUBMIT(e);
}

/* Keeps a transition until hold_release(), or for the reader if it @stays. */
static __always_inline void hold(struct sock *sk, struct tcp_sock *tp,
				 struct sock_mem *mem,
				 const struct transition *t, bool stays)
{
	struct hold_slot *slot;
	__u64 ticket;

	if (!(config.events & 1u << EVENT_state))
		return;
	mem->held = *t;
	mem->ticket = HOLD_NO_SLOT;
	if (!stays)
		return;
	ticket = __sync_fetch_and_add(&hold_next, 1);
	slot = hold_slot(ticket);
	if (!slot || __sync_val_compare_and_swap(&slot->ticket, 0, HOLD_BUSY))
		return;
	state_fill(&slot->e, sk, tp, mem, t);
	slot->sk = sk;
	mem->ticket = ticket;
	__sync_lock_test_and_set(&slot->ticket, ticket);
}

/* Who gets it out of its slot emits it. */
static __always_inline bool hold_take(struct hold_slot *slot, __u64 ticket)
{
	return __sync_val_compare_and_swap(&slot->ticket, ticket, HOLD_BUSY) ==
	       ticket;
}

static __always_inline void hold_leave(struct hold_slot *slot, __u64 ticket)
{
	slot->done = ticket;
	__sync_lock_test_and_set(&slot->ticket, 0);
}

/*
 * The transition that is held, if any, goes out before what comes next. By now
 * a child tells what has made it.
 */
static __noinline void hold_release(struct sock *sk, struct tcp_sock *tp,
				    struct sock_mem *mem)
{
	__u64 ticket = mem->ticket;
	struct hold_slot *slot;
	struct transition t;

	if (!ticket) /* nearly always */
		return;
	mem->ticket = 0;
	if (ticket != HOLD_NO_SLOT) {
		slot = hold_slot(ticket);
		if (!slot || !hold_take(slot, ticket))
			return; /* the reader has it */
		hold_leave(slot, ticket);
	}
	t = mem->held;
	if (t.cause_how == HOW_derived) {
		t.cause = fastopen_child(tp) ? CAUSE_RX_SYN : CAUSE_RX_ACK;
		t.cause_how = HOW_observed;
	}
	state_emit(sk, tp, mem, &t);
}

#endif
