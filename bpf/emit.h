/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How an event is made: whether the kernel's filter lets it pass, what it says
 * of its socket, and the counting that lets nothing be lost silently.
 */
#ifndef TCBSCOPE_EMIT_H
#define TCBSCOPE_EMIT_H

#include "bpf/filter.h"
#include "bpf/mem.h"

#define UNKNOWN (~0u)	   /* of an event: absent */
#define UNKNOWN_NS (~0ull) /* the same of nsec_t */
#define PORT_CLIENT 1024   /* below are services, and hardly anything else */

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, RING_DEFAULT);
} ring SEC(".maps");

/*
 * Keep a struct that only locals use in the BTF of the object: the schema is
 * read from there.
 */
#define EVENT_ANCHOR(type) \
	const struct type *type##_anchor __attribute__((unused))

static __always_inline bool owner_wanted(const struct sock_mem *mem)
{
	return !config.offspring || (mem && mem->flags & MEM_TREE);
}

/* A transition of another process's socket says who its other end is. */
static __always_inline bool transition_wanted(const struct sock_mem *mem,
					      const struct transition *t)
{
	return owner_wanted(mem) || config.peers ||
	       filter_spares(KFILTER_SPARES_PAIRS, 1u << t->old % 32,
			     1u << t->new % 32);
}

#define NEEDS(subject) (config.filter.needs & KFILTER_NEEDS(KFILTER_##subject))

#define NEEDS_ENDS                                                      \
	(config.filter.needs &                                          \
	 (KFILTER_NEEDS(KFILTER_NETNS) | KFILTER_NEEDS(KFILTER_LPORT) | \
	  KFILTER_NEEDS(KFILTER_RPORT) | KFILTER_NEEDS(KFILTER_LADDR) | \
	  KFILTER_NEEDS(KFILTER_RADDR)))

/*
 * What event_fill() is going to fill in, from the same places, as far as the
 * filter asks for it.
 */
static __noinline void facts_fill(struct filter_facts *x, struct sock *sk,
				  struct tcp_sock *tp, struct sock_mem *mem,
				  int type)
{
	if (!config.filter.n)
		return;
	__builtin_memset(x, 0, sizeof(*x));
	x->types = 1u << type;
	if (NEEDS(PID))
		x->pid = mem->pid;
	if (NEEDS(COMM))
		__builtin_memcpy(x->comm.u8, mem->comm, sizeof(mem->comm));
	if (NEEDS(UID))
		x->uid = sk->sk_uid.val;
	if (!NEEDS_ENDS && !NEEDS(CGROUP))
		return;
	mem_ends(mem, sk, tp);
	x->lport = FILTER_PORT(mem->ends.lport);
	x->rport = FILTER_PORT(mem->ends.rport);
	x->netns = mem->ends.netns;
	x->within = mem->ends.within;
	x->family = mem->ends.family;
	if (NEEDS(LADDR))
		x->laddr.addr = mem->ends.laddr;
	if (NEEDS(RADDR))
		x->raddr.addr = mem->ends.raddr;
}

/*
 * As filter_fails(). A global function: verified once, by itself. Newer kernels
 * look beforehand at all that branches on config leave, in functions that
 * nothing calls any more as well: what is not needed ends at their top.
 */
__weak __noinline int facts_fail(const struct filter_facts *x)
{
	if (!config.filter.n)
		return 0;
	return x ? filter_fails(&config.filter, x) : 0;
}

static __always_inline bool facts_pass(const struct filter_facts *x)
{
	return filter_passes(facts_fail(x), x);
}

/* What a socket does not have yet of its ends, as it comes into a state. */
static __always_inline void facts_missing(struct filter_facts *x,
					  struct tcp_sock *tp, int state)
{
	__u32 range;

	if (!x->lport.to) {
		x->lport = FILTER_ANY_PORT;
		if (state == TCB_STATE_SYN_SENT || state == TCB_STATE_LISTEN) {
			range = compat_local_ports(
				sock_of(tp)->__sk_common.skc_net.net);
			x->lport.from = range;
			x->lport.to = range >> 16;
		}
	}
	if (state == TCB_STATE_SYN_RECV && !x->rport.to) {
		x->rport = FILTER_ANY_PORT;
		x->unknown |= FACTS_NO_ADDRS;
	}
}

/*
 * Can no event of the socket pass the filter, whatever becomes of it? Such
 * sockets get no memory, which would be most of what they cost. The state is
 * that which it has or comes into. A listener has memory for its children's
 * sake: any of them may pass, if by its peer's port, one of PORT_CLIENT or more.
 */
static __noinline bool sock_excluded(struct sock *sk, struct tcp_sock *tp,
				     int state)
{
	struct filter_facts x = {
		.types = config.events,
		.unknown = FACTS_ENDS_ONLY,
	};

	if (!NEEDS_ENDS)
		return false;
	x.netns = sock_of(tp)->__sk_common.skc_net.net->ns.inum;
	x.lport = FILTER_PORT(sock_lport(sk, tp));
	x.rport = FILTER_PORT(sock_rport(sk));
	if (NEEDS(LADDR) || NEEDS(RADDR))
		x.family = sock_addrs(&sk->__sk_common, &x.laddr.addr,
				      &x.raddr.addr);
	facts_missing(&x, tp, state);
	if (state == TCB_STATE_LISTEN) {
		x.rport = (struct filter_ports){ PORT_CLIENT, 65535 };
		x.unknown |= FACTS_NO_ADDRS;
	}
	return facts_fail(&x) == 1 + KFILTER_SPARES_NONE;
}

/*
 * Only queues are traced: what has no listener and is none is of no interest,
 * and gets no memory either.
 */
#define QUEUES_ALONE \
	(!(config.events & ~(1u << EVENT_queue | 1u << EVENT_socket)))

#define EXCLUDED(sk, tp, state) (NEEDS_ENDS && sock_excluded(sk, tp, state))

/* NULL also if the socket is excluded, which is not followed then. */
static __always_inline struct sock_mem *mem_get(struct sock *sk,
						struct tcp_sock *tp)
{
	struct sock_mem *mem = mem_find(sk);

	if (mem || EXCLUDED(sk, tp, sk->__sk_common.skc_state))
		return mem;
	return mem_make(sk);
}

/*
 * As facts_fill(), of an event that is made already, for those who have no
 * socket at hand. @old and @new: its states, as bits.
 */
static __always_inline bool event_passes(const struct event *e, __u32 old,
					 __u32 new)
{
	struct filter_facts x = {
		.types = 1u << e->type,
		.family = e->family,
		.within = e->within,
		.pid = e->pid,
		.uid = e->uid,
		.netns = e->netns,
		.lport = FILTER_PORT(e->lport),
		.rport = FILTER_PORT(e->rport),
		.old = old,
		.new = new,
	};

	if (!config.filter.n)
		return true;
	__builtin_memcpy(x.laddr.u8, e->laddr.byte, sizeof(x.laddr));
	__builtin_memcpy(x.raddr.u8, e->raddr.byte, sizeof(x.raddr));
	__builtin_memcpy(x.comm.u8, e->comm, sizeof(x.comm));
	return facts_pass(&x);
}

/* What fails is counted, not generated. */
static __always_inline bool wanted(bool passes, int type)
{
	if (!passes)
		COUNT(kernel_filtered[type]);
	return passes;
}

/* The state; of a socket that is just being closed, the one before. */
static __always_inline __u8 sock_state(struct sock *sk, struct sock_mem *mem)
{
	__u8 state = sk->__sk_common.skc_state;

	return state == TCB_STATE_CLOSE && mem && mem->new == state &&
			       mem->old ?
		       mem->old :
		       state;
}

/*
 * The kernel's share of filtering, for all events but those of states. It
 * takes the socket's state for that which the event is going to say, and lets
 * pass what is of a socket without memory. @req: NULL, or the request whose
 * ends the event is going to have.
 */
static __always_inline bool event_wanted_of(struct sock *sk,
					    struct tcp_sock *tp,
					    struct sock_mem *mem,
					    struct sock_common *req, int type)
{
	struct filter_facts x;

	if (!(config.events & 1u << type))
		return false;
	if (!mem && EXCLUDED(sk, tp, sk->__sk_common.skc_state))
		return wanted(false, type);
	if (!config.filter.n || !mem || !owner_wanted(mem))
		return wanted(owner_wanted(mem), type);
	facts_fill(&x, sk, tp, mem, type);
	x.new = 1u << sock_state(sk, mem) % 32;
	if (req) {
		x.rport = FILTER_PORT(bpf_ntohs(req->skc_dport));
		x.family = sock_addrs(req, &x.laddr.addr, &x.raddr.addr);
	}
	return wanted(facts_pass(&x), type);
}

static __always_inline bool event_wanted(struct sock *sk, struct tcp_sock *tp,
					 struct sock_mem *mem, int type)
{
	return event_wanted_of(sk, tp, mem, NULL, type);
}

/* Which socket it is, and that nobody is known to own it. */
static __always_inline void event_unowned(struct event *e,
					  const struct ends *ends)
{
	ends_fill(e, ends);
	e->pid = 0;
	e->tid = 0;
	e->owner_how = 0;
	e->late = 0;
	e->foreign = config.offspring;
	__builtin_memset(e->comm, 0, sizeof(e->comm));
	__builtin_memset(e->pad, 0, sizeof(e->pad));
}

static __always_inline void event_owned(struct event *e,
					const struct ends *ends,
					const struct sock_mem *mem)
{
	ends_fill(e, ends);
	e->pid = mem->pid;
	e->tid = mem->tid;
	e->owner_how = mem->owner_how;
	e->late = 0;
	e->foreign = config.offspring & ~mem->flags & MEM_TREE; /* no branch */
	__builtin_memcpy(e->comm, mem->comm, sizeof(e->comm));
	__builtin_memset(e->pad, 0, sizeof(e->pad));
}

/* All but what is the event's own: type, time, seq and how. */
static __always_inline void event_fill(struct event *e, struct sock *sk,
				       struct tcp_sock *tp,
				       struct sock_mem *mem)
{
	e->uid = sk->sk_uid.val;
	if (!mem) {
		struct ends ends;

		ends_read(&ends, sk, tp);
		event_unowned(e, &ends);
		return;
	}
	mem_ends(mem, sk, tp);
	event_owned(e, &mem->ends, mem);
}

/*
 * Room for one event in the ring, counted either way. The reader polls: a
 * wakeup for each event would cost eight times the event.
 */
#define EVENT_RESERVE(struct_type, type)                               \
	({                                                             \
		struct struct_type *room_;                             \
		COUNT(generated[type]);                                \
		room_ = bpf_ringbuf_reserve(&ring, sizeof(*room_), 0); \
		if (!room_)                                            \
			COUNT(ring_lost[type]);                        \
		room_;                                                 \
	})

#define EVENT_SUBMIT(e) bpf_ringbuf_submit(e, BPF_RB_NO_WAKEUP)

#endif
