/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's share of the filter, which is in config.h.
 *
 * How many tests there are is constant when a program is loaded, and so is what
 * of an event they look at: the verifier removes what is not asked for. Without
 * BPF in it, because a unit test holds it against the whole filter.
 */
#ifndef TCBSCOPE_FILTER_H
#define TCBSCOPE_FILTER_H

#include "bpf/config.h"
#include <stdbool.h>

#define FACTS_NO_ADDRS 1  /* not known yet: they may be any */
#define FACTS_ENDS_ONLY 2 /* so may all but the ends and the namespace */

union filter_bytes {
	__u8 u8[16];
	addr_t addr;
	__u64 u64[2];
};

/* A port that is known, or between which ones it is. */
struct filter_ports {
	port_t from, to;
};

#define FILTER_PORT(port) ((struct filter_ports){ (port), (port) })
#define FILTER_ANY_PORT ((struct filter_ports){ 0, 65535 })

/* What an event is going to say, as far as config.filter.needs it. */
struct filter_facts {
	union filter_bytes laddr, raddr, comm;
	__u32 pid, uid, netns;
	__u32 old, new; /* bits of the states that it may be */
	__u32 types;	/* bits of those of which it may be */
	struct filter_ports lport, rport;
	__u8 family;
	__u8 within;
	__u8 unknown; /* FACTS_x */
};

#define FILTER_INLINE static inline __attribute__((always_inline))

FILTER_INLINE bool filter_same(const volatile struct kfilter_test *t,
			       const union filter_bytes *bytes)
{
	return (bytes->u64[0] & t->mask[0]) == t->value[0] &&
	       (bytes->u64[1] & t->mask[1]) == t->value[1];
}

FILTER_INLINE bool filter_in_set(const volatile struct kfilter *f,
				 const volatile struct kfilter_test *t, __u16 n)
{
	return f->sets[t->set % KFILTER_SETS][n / 32] & 1u << n % 32;
}

FILTER_INLINE bool filter_number(const volatile struct kfilter *f,
				 const volatile struct kfilter_test *t, __u32 n)
{
	return t->in_set ? filter_in_set(f, t, n) : n >= t->from && n <= t->to;
}

FILTER_INLINE bool filter_port(const volatile struct kfilter *f,
			       const volatile struct kfilter_test *t,
			       const struct filter_ports *port)
{
	port_t from = port->from, to = port->to;

	if (from != to)
		return from <= t->highest && to >= t->lowest;
	return filter_in_set(f, t, to);
}

FILTER_INLINE bool filter_test(const volatile struct kfilter *f,
			       const volatile struct kfilter_test *t,
			       const struct filter_facts *x)
{
	switch (t->subject) {
	case KFILTER_NETNS:
		return filter_number(f, t, x->netns);
	case KFILTER_LPORT:
		return filter_port(f, t, &x->lport);
	case KFILTER_RPORT:
		return filter_port(f, t, &x->rport);
	case KFILTER_LADDR:
		return x->unknown & FACTS_NO_ADDRS ||
		       (x->family == t->family && filter_same(t, &x->laddr)) !=
			       t->negate;
	case KFILTER_RADDR:
		return x->unknown & FACTS_NO_ADDRS ||
		       (x->family == t->family && filter_same(t, &x->raddr)) !=
			       t->negate;
	}
	if (x->unknown & FACTS_ENDS_ONLY)
		return true;
	switch (t->subject) {
	case KFILTER_PID:
		return filter_number(f, t, x->pid);
	case KFILTER_UID:
		return filter_number(f, t, x->uid);
	case KFILTER_COMM:
		return filter_same(t, &x->comm) != t->negate;
	case KFILTER_CGROUP:
		return !!(x->within & t->bits) != t->negate;
	case KFILTER_OLD:
		return x->old & t->bits;
	case KFILTER_NEW:
		return x->new & t->bits;
	}
	return true;
}

/*
 * A socket that fails is not followed, but the other end of its connection may
 * be: the flow table (user/event/flow.h) wants to know of both. A transition
 * that fails may be of a socket that is: how its connection began is told.
 */
FILTER_INLINE bool filter_spares(int spares, __u32 old, __u32 new)
{
	const __u32 opening = 1u << TCB_STATE_CLOSE | 1u << TCB_STATE_LISTEN |
			      1u << TCB_STATE_SYN_SENT |
			      1u << TCB_STATE_SYN_RECV;

	if (!spares)
		return false;
	if (spares == KFILTER_SPARES_OPENING)
		return old & opening;
	return new & 1u << TCB_STATE_ESTABLISHED ||
	       (new & 1u << TCB_STATE_SYN_RECV &&old &
		1u << TCB_STATE_SYN_SENT);
}

/*
 * 0 if all clauses hold, else 1 + enum kfilter_spares of the first that fails.
 * Clauses that do not look at states come first.
 */
FILTER_INLINE int filter_fails(const volatile struct kfilter *f,
			       const struct filter_facts *x)
{
	bool holds = false;
	int i;

#ifdef __clang__
#pragma nounroll
#endif
	for (i = 0; i < KFILTER_TESTS; i++) {
		const volatile struct kfilter_test *t = &f->tests[i];

		if (i >= (int)f->n)
			return 0;
		if (!holds)
			holds = x->types & ~t->types || filter_test(f, t, x);
		if (!t->last)
			continue;
		if (!holds)
			return 1 + t->spares;
		holds = false;
	}
	return 0;
}

/*
 * Can the event pass the filter? False is final, true is not: the reader looks
 * at all of it.
 */
FILTER_INLINE bool filter_passes(int fails, const struct filter_facts *x)
{
	return !fails || (x->types == 1u << EVENT_state &&
			  filter_spares(fails - 1, x->old, x->new));
}

#endif
