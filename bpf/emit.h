/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How an event is made: the socket's memory, its owner, its endpoints, the
 * kernel's filter, and the counting that lets nothing be lost silently.
 */
#ifndef TCBSCOPE_EMIT_H
#define TCBSCOPE_EMIT_H

#include "bpf/compat.h"
#include "bpf/config.h"
#include "bpf/filter.h"
#include "bpf/kernel.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define UNKNOWN (~0u)	   /* of an event: absent */
#define UNKNOWN_NS (~0ull) /* the same of nsec_t */
#define TREE_DEPTH 32	   /* generations of processes that are searched */
#define CGROUP_DEPTH 16	   /* levels of cgroups, from the socket's upwards */
#define PORT_CLIENT 1024   /* below are services, and hardly anything else */

/* A state transition, complete but for the socket's endpoints. */
struct transition {
	nsec_t ts;
	__u32 seq;
	__u32 err;
	__u8 old;
	__u8 new;
	__u8 how;
	__u8 cause;
	__u8 cause_how;
	__u8 kind;
	__u8 kind_how;
	__u8 tw_substate;
	__u8 gap_from;
};

#define MEM_TREE 0x01	 /* the owner belongs to the traced command */
#define MEM_RST 0x02	 /* tcp_reset() has been called */
#define MEM_CLOSING 0x04 /* close() met FIN_WAIT2 at mem->fin_wait2_ts */
#define MEM_ACTIVE 0x08	 /* it has sent the first SYN */
#define MEM_CHILD 0x10	 /* its listener has sent the SYN-ACK */
#define MEM_ENDS 0x20	 /* mem->ends is whole, and will not change */
#define MEM_BORN 0x40	 /* the trace has seen it begin */
#define MEM_QUEUED 0x80	 /* in the accept queue since mem->queued_ns */
#define MEM_LAST \
	(MEM_TREE | MEM_ENDS | MEM_ACTIVE | MEM_CHILD) /* closed, too */
#define MEM_FLAGS_SHIFT 24 /* of sock_mem.flags in .word */

/*
 * Which socket it is, as events say it. It does not change while a connection
 * lasts, so each event takes a copy of what was read once: following pointers
 * and telling IPv4 from IPv6 would cost more than all the rest.
 */
struct ends {
	__u64 cookie;
	__u64 cgroup;
	addr_t laddr;
	addr_t raddr;
	__u32 netns;
	port_t lport;
	port_t rport;
	enum family family;
	__u8 within; /* as struct event's */
	__u8 pad[6];
};

/*
 * What we remember of a socket, in its own storage: it dies with the socket,
 * and a listener's children begin with a copy. The kernel charges it to the
 * socket's option memory, and puts 72 bytes before it: more than 184 would take
 * twice the memory.
 */
struct sock_mem {
	struct transition held; /* waits for its endpoints (bpf/hold.h) ... */
	__u64 ticket;		/* ... if not 0 */
	struct ends ends;
	__u32 seq;	/* of the next event */
	__u64 listener; /* cookie; of a listener its own */
	union {
		nsec_t queued_ns;    /* while it waits to be accepted */
		nsec_t fin_wait2_ts; /* when a closed one came to FIN_WAIT2 */
	};
	union {
		__u32 queued_syn;   /* QUEUED_x, see bpf/queue.h */
		__u32 data_segs_in; /* when it came to FIN_WAIT1 */
	};
	__u32 pid;
	__u32 tid;
	char comm[16];
	union {
		struct {
			__u8 owner_how;
			__u8 old; /* last transition, for the second copy ... */
			__u8 new; /* ... and for gaps; 0: none was seen */
			__u8 flags; /* MEM_x */
		};
		__u32 word; /* all four, for bpf/snapshot.bpf.c to swap */
	};
	__u8 fails; /* filter_fails(), while owner and ends are the same */
	__u8 ca_state;
	__u32 cwnd; /* last seen; 0: never */
	__u32 ssthresh;
	__u32 undo_marker; /* of a loss that may be undone; 0: none */
	__u32 before_loss; /* total_retrans when the marker was set */
};

_Static_assert(sizeof(struct sock_mem) <= 184, "sock_mem");

/* Weak: each object that includes this has the maps, the linker joins them. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, RING_DEFAULT);
} ring SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, struct sock_mem);
} memory SEC(".maps") __weak;

extern const volatile struct config config;
extern __u32 hz;   /* jiffies a second; 0: unknown. Set before attaching. */
extern __u32 tree; /* the process whose offspring is traced */
extern struct counters counters[COUNTERS];

/*
 * Added locked: a softirq may come between load and store, and CPUs beyond
 * COUNTERS share.
 */
#define COUNT(field)          \
	__sync_fetch_and_add( \
		&counters[bpf_get_smp_processor_id() % COUNTERS].field, 1)

/*
 * Keep a struct that only locals use in the BTF of the object: the schema is
 * read from there.
 */
#define EVENT_ANCHOR(type) \
	const struct type *type##_anchor __attribute__((unused))

/*
 * Is it a full TCP socket? Some tracepoints tell of every socket there is, and
 * bpf_skc_to_tcp_sock() takes a raw one of IPPROTO_TCP for one, too.
 */
static __always_inline bool sock_is_tcp(struct sock *sk)
{
	unsigned short family = sk->__sk_common.skc_family;

	return sk->sk_protocol == IPPROTO_TCP && sk->sk_type == SOCK_STREAM &&
	       (family == FAMILY_INET || family == FAMILY_INET6);
}

static __always_inline struct sock_mem *mem_find(struct sock *sk)
{
	return bpf_sk_storage_get(&memory, sk, 0, 0);
}

static __always_inline struct sock_mem *mem_make(struct sock *sk)
{
	struct sock_mem *mem;

	mem = bpf_sk_storage_get(&memory, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!mem)
		COUNT(no_storage);
	return mem;
}

static __always_inline __u32 mem_seq(struct sock_mem *mem)
{
	return __sync_fetch_and_add(&mem->seq, 1);
}

/* The way from a task up to its ancestors. */
struct ascent {
	struct task_struct *task;
	int in_tree;
};

/* As bpf_loop() wants it: 1 ends the loop. */
static long ascend(__u32 generation, struct ascent *a)
{
	if (!a->task || a->task->tgid <= 1)
		return 1;
	a->in_tree = (__u32)a->task->tgid == tree;
	if (a->in_tree)
		return 1;
	a->task = a->task->real_parent;
	return 0;
}

/*
 * Is the running task the offspring of the traced command's keeper? A global
 * function is verified once, by itself, and the body of bpf_loop() until its
 * types repeat, where a plain loop is verified turn by turn. It begins at a
 * thread of the same process, whose pointer is not trusted, as sock_of()'s.
 */
__weak __noinline int task_in_tree(void)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	struct ascent a = { .task = task->signal->curr_target };

	bpf_loop(TREE_DEPTH, ascend, &a, 0);
	return a.in_tree;
}

/*
 * The running task owns the socket. To be called only where the caller knows
 * that it is the one that acts: `current' means nothing in softirq.
 */
static __always_inline void mem_own(struct sock_mem *mem)
{
	__u64 id = bpf_get_current_pid_tgid();

	mem->pid = id >> 32;
	mem->tid = id;
	bpf_get_current_comm(mem->comm, sizeof(mem->comm));
	mem->owner_how = HOW_observed;
	if (config.offspring && task_in_tree())
		mem->flags |= MEM_TREE;
	else
		mem->flags &= ~MEM_TREE;
}

/*
 * The same socket by a pointer that the verifier does not call trusted: where
 * a trusted one is followed it searches all of the kernel's types by name.
 */
static __always_inline struct sock *sock_of(struct tcp_sock *tp)
{
	return &tp->inet_conn.icsk_inet.sk;
}

static __always_inline port_t sock_lport(struct sock *sk, struct tcp_sock *tp)
{
	return sk->__sk_common.skc_num ?:
		       bpf_ntohs(tp->inet_conn.icsk_inet.inet_sport);
}

static __always_inline port_t sock_rport(struct sock *sk)
{
	return bpf_ntohs(sk->__sk_common.skc_dport);
}

/* IPv4 for an IPv6 socket that speaks IPv4. */
static __always_inline enum family addrs_unmap(__be32 *l, __be32 *r)
{
	if (r[0] || r[1] || r[2] != bpf_htonl(0xffff))
		return FAMILY_INET6;
	l[0] = l[2] == bpf_htonl(0xffff) ? l[3] : 0;
	r[0] = r[3];
	l[1] = l[2] = l[3] = 0;
	r[1] = r[2] = r[3] = 0;
	return FAMILY_INET;
}

/* Addresses as on the wire. */
static __always_inline enum family sock_addrs(struct sock_common *skc,
					      addr_t *laddr, addr_t *raddr)
{
	__be32 *l = (__be32 *)laddr->byte, *r = (__be32 *)raddr->byte;

	if (skc->skc_family == FAMILY_INET) {
		l[0] = skc->skc_rcv_saddr;
		r[0] = skc->skc_daddr;
		l[1] = l[2] = l[3] = 0;
		r[1] = r[2] = r[3] = 0;
		return FAMILY_INET;
	}
	l[0] = skc->skc_v6_rcv_saddr.in6_u.u6_addr32[0];
	l[1] = skc->skc_v6_rcv_saddr.in6_u.u6_addr32[1];
	l[2] = skc->skc_v6_rcv_saddr.in6_u.u6_addr32[2];
	l[3] = skc->skc_v6_rcv_saddr.in6_u.u6_addr32[3];
	r[0] = skc->skc_v6_daddr.in6_u.u6_addr32[0];
	r[1] = skc->skc_v6_daddr.in6_u.u6_addr32[1];
	r[2] = skc->skc_v6_daddr.in6_u.u6_addr32[2];
	r[3] = skc->skc_v6_daddr.in6_u.u6_addr32[3];
	return addrs_unmap(l, r);
}

/* 1 if they are equal, else 0; a branch would double what is verified. */
static __always_inline __u32 equal(__u64 a, __u64 b)
{
	__u64 differ = a ^ b;

	return ((differ | -differ) >> 63) ^ 1;
}

/* In which of the cgroups that the filter names a cgroup is, as bits. */
static __noinline __u32 cgroup_within(struct cgroup *cgroup)
{
	__u32 within = 0, i, k;

	for (i = 0; i < CGROUP_DEPTH && cgroup; i++) {
		struct cgroup_subsys_state *parent = cgroup->self.parent;
		__u64 id = cgroup->kn->id;

		for (k = 0; k < FILTER_CGROUPS && k < config.filter.n_cgroups;
		     k++)
			within |= equal(id, config.filter.cgroups[k]) << k;
		if (!parent)
			break;
		cgroup = parent->cgroup;
	}
	return within;
}

/* Where the socket is: namespace and cgroup. */
static __always_inline void ends_place(struct ends *ends, struct tcp_sock *tp)
{
	struct cgroup *cgroup = sock_of(tp)->sk_cgrp_data.cgroup;
	struct net *net = sock_of(tp)->__sk_common.skc_net.net;

	ends->cgroup = cgroup ? cgroup->kn->id : 0;
	ends->within = config.filter.n_cgroups ? cgroup_within(cgroup) : 0;
	ends->netns = net->ns.inum;
}

static __noinline void ends_read(struct ends *ends, struct sock *sk,
				 struct tcp_sock *tp)
{
	ends_place(ends, tp);
	ends->cookie = bpf_get_socket_cookie(sk);
	ends->lport = sock_lport(sk, tp);
	ends->rport = sock_rport(sk);
	ends->family = sock_addrs(&sk->__sk_common, &ends->laddr, &ends->raddr);
}

static __always_inline void ends_fill(struct event *e, const struct ends *ends)
{
	e->cookie = ends->cookie;
	e->cgroup = ends->cgroup;
	e->netns = ends->netns;
	e->lport = ends->lport;
	e->rport = ends->rport;
	e->laddr = ends->laddr;
	e->raddr = ends->raddr;
	e->family = ends->family;
	e->within = ends->within;
}

/* Of a socket whose connection has both ends they are read but once. */
static __always_inline void mem_ends(struct sock_mem *mem, struct sock *sk,
				     struct tcp_sock *tp)
{
	if (mem->flags & MEM_ENDS)
		return;
	ends_read(&mem->ends, sk, tp);
	if (mem->ends.lport && mem->ends.rport)
		mem->flags |= MEM_ENDS;
}

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

#define NEEDS_ENDS                                                       \
	(NEEDS(NETNS) || NEEDS(LPORT) || NEEDS(RPORT) || NEEDS(LADDR) || \
	 NEEDS(RADDR))

/*
 * What event_fill() is going to fill in, from the same places, as far as the
 * filter asks for it.
 */
static __always_inline void facts_fill(struct filter_facts *x, struct sock *sk,
				       struct tcp_sock *tp,
				       struct sock_mem *mem, int type)
{
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

/* As filter_fails(). A global function: verified once, by itself. */
__weak __noinline int facts_fail(const struct filter_facts *x)
{
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
	struct net *net = sock_of(tp)->__sk_common.skc_net.net;
	struct filter_facts x = {
		.types = config.events,
		.unknown = FACTS_ENDS_ONLY,
		.netns = net->ns.inum,
		.lport = FILTER_PORT(sock_lport(sk, tp)),
		.rport = FILTER_PORT(sock_rport(sk)),
	};

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
